// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Triage.h"
#include "checkers/Flow.h"
#include "checkers/Freed.h"
#include "checkers/LockAttributes.h"
#include "checkers/Protocol.h"
#include "checkers/WrittenLocks.h"
#include "clang/AST/ParentMap.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/Analysis/Analyses/PostOrderCFGView.h"
#include "clang/Analysis/CFG.h"
#include "clang/Basic/Builtins.h"
#include <map>
#include <set>

using namespace clang;
using namespace safespawn;

namespace {

// ---- relations between stages ---------------------------------------------------------------------------------------

/// A set of stages, a bit each.
using Stages = uint8_t;
/// From each stage at the function's entry, the stages that are possible now: a row of eight bits per entry stage.
using Relation = uint64_t;

constexpr unsigned NumStages = 8;
static_assert(NumSyncStages <= NumStages && NumHandleStages <= NumStages && NumScopeStages <= NumStages);

constexpr Stages bit(SyncStage S) { return Stages(1u << unsigned(S)); }
constexpr Stages bit(HandleStage S) { return Stages(1u << unsigned(S)); }
constexpr Stages bit(ScopeStage S) { return Stages(1u << unsigned(S)); }
/// What all automata start with, and what a function that is looked at by itself knows of its caller's objects.
constexpr Stages UnknownStage = 1;
static_assert(bit(SyncStage::Unknown) == UnknownStage && bit(HandleStage::Unknown) == UnknownStage &&
              bit(ScopeStage::Unknown) == UnknownStage);

constexpr Stages Taken = bit(SyncStage::Held) | bit(SyncStage::Shared);
constexpr Stages Running = bit(HandleStage::Live) | bit(HandleStage::Detached);
constexpr Stages Unjoined = bit(ScopeStage::Open) | bit(ScopeStage::Busy);

Stages rowOf(Relation R, unsigned Entry) { return Stages(R >> (8 * Entry)); }
Relation constant(Stages S) { return 0x0101010101010101ull * S; }
constexpr Relation Identity = 0x8040201008040201ull;

/// \p R followed by what \p Next makes of a set of stages.
template <typename Fn> Relation then(Relation R, Fn Next) {
  Relation Result = 0;
  for (unsigned Entry = 0; Entry < NumStages; ++Entry)
    Result |= Relation(Stages(Next(rowOf(R, Entry)))) << (8 * Entry);
  return Result;
}

// ---- names of objects -----------------------------------------------------------------------------------------------

enum Kind : uint8_t { SyncObject, HandleObject, ScopeObject };
constexpr Kind Kinds[] = {SyncObject, HandleObject, ScopeObject};

/// An access path: a declaration, and the steps from there.
struct Place {
  using Step = uintptr_t;
  static constexpr Step Deref = 1;
  static constexpr Step AnyIndex = 2;
  static Step index(unsigned Hash) { return Step(Hash) << 2 | 3; }
  static Step of(const Decl *D) { return reinterpret_cast<Step>(D->getCanonicalDecl()); }

  Kind What = SyncObject;
  std::vector<Step> Path;
  /// The variables that an index of the path reads.
  std::vector<Step> Indexes;

  const Decl *base() const { return reinterpret_cast<const Decl *>(Path.front()); }
  bool behindPointer() const { return llvm::is_contained(Path, Deref); }
  bool operator<(const Place &O) const { return std::tie(What, Path, Indexes) < std::tie(O.What, O.Path, O.Indexes); }
};

/// The steps from something to an object in it; empty optional where we cannot name it.
using Name = std::optional<Place>;

bool isPrefix(const Place &Outer, const Place &Inner) {
  return Outer.Path.size() <= Inner.Path.size() && std::equal(Outer.Path.begin(), Outer.Path.end(), Inner.Path.begin());
}

/// Whether the two may name one object. The last steps decide: one field, or a pointer to who knows what.
bool mayAlias(const Place &A, const Place &B) {
  if (A.What != B.What)
    return false;
  const Place::Step X = A.Path.back(), Y = B.Path.back();
  auto Opaque = [](const Place &P) { return P.Path.back() == Place::Deref || isa<FunctionDecl>(P.base()); };
  auto IsIndex = [](Place::Step S) { return (S & 3) == 3 || S == Place::AnyIndex; };
  return X == Y || Opaque(A) || Opaque(B) || (IsIndex(X) && IsIndex(Y));
}

// ---- what is known at a point, and of a function --------------------------------------------------------------------

struct Point {
  bool Reached = false;
  std::map<unsigned, Relation> Known; ///< by the number of the place; absent: as it was at the entry
  Stages Lost[3] = {0, 0, 0};         ///< of objects whose name was assigned to, by kind
  bool Loose = false;                 ///< a thread may run whose handle has no name here
  /// Whether threads that were started here, or before the function was called, may use what they were given: nobody
  /// has waited for them since, as far as the proof can tell (LockState::followThreads).
  bool OwnUse = false, OthersUse = true;
  void await() { OwnUse = OthersUse = false; }

  bool operator==(const Point &O) const {
    return Reached == O.Reached && Known == O.Known && llvm::equal(Lost, O.Lost) && Loose == O.Loose &&
           OwnUse == O.OwnUse && OthersUse == O.OthersUse;
  }
};

/// What a proof has seen of a function, and of which of its objects.
struct Balance {
  Focus Seen;
  bool Locks = false, Threads = false;
};

struct Summary {
  bool Done = false;
  bool UnderWay = false;    ///< it is being made: what is here is a guess
  unsigned RestsOn = Final; ///< the outermost of the functions under way that it was made with a guess of
  unsigned Round = 0;       ///< when it was made
  bool Suspect = false;
  Focus Suspected;                  ///< what for
  Focus WaitsWith;                  ///< the locks that its waits give back meanwhile
  Focus Concern;                    ///< everything that it, or a function that it calls, does something to
  bool Blocks = false;              ///< may wait for others
  bool Keeps = false;               ///< and gives back no lock meanwhile that its caller can name
  std::set<unsigned> GivesBack;     ///< the locks that its other waits give back meanwhile, one each
  Focus Destroys;                   ///< the synchronisation objects that it ends
  bool EndsThread = false;          ///< may not come back
  bool Configures = false;          ///< changes an attribute object
  Focus LeavesHidden;               ///< what it may have taken, at its end, that its caller cannot name
  bool LeavesLoose = false;         ///< ends with a thread running whose handle its caller cannot name
  bool LeavesUsers = false;         ///< ends with a thread running for which nobody has waited
  bool PassesUsers = false;         ///< and may do so where that thread was started before
  bool Jumps = false;               ///< may leave its callers by a jump
  bool Hidden[3] = {};              ///< touches objects that its caller cannot name
  Focus HiddenSyncs;                ///< of these the locks and the like
  std::set<unsigned> Lends;         ///< the parameters that it hands to a thread
  std::set<const Type *> LendsSome; ///< it may hand any of its caller's objects of this type to one; null for any type
  bool CallsBack = false;           ///< may call a function of this file that it is given
  std::set<unsigned> EndsHeld, EndsFree; ///< the locks that it may have taken, or taken and given back, at its end
  std::map<unsigned, Relation> Known;
  std::map<unsigned, Stages> Breaks; ///< the entry stages from which a rule is broken

  /// For RestsOn: nothing that is under way.
  static constexpr unsigned Final = ~0u;

  bool says(const Summary &O) const {
    auto All = [](const Summary &S) {
      return std::tie(S.Done, S.Suspect, S.Suspected, S.WaitsWith, S.Concern, S.Destroys, S.LeavesHidden, S.Blocks,
                      S.Keeps, S.GivesBack, S.HiddenSyncs, S.EndsThread, S.Configures, S.LeavesLoose, S.LeavesUsers,
                      S.PassesUsers, S.Jumps, S.Lends, S.LendsSome, S.CallsBack, S.EndsHeld, S.EndsFree, S.Known,
                      S.Breaks);
    };
    return All(*this) == All(O) && llvm::equal(Hidden, O.Hidden);
  }

  template <typename Entry> void unite(const Summary &O, Entry AtEntry) {
    for (auto &[Number, R] : Known)
      R |= O.Known.count(Number) ? O.Known.at(Number) : AtEntry(Number);
    for (const auto &[Number, R] : O.Known)
      Known.try_emplace(Number, Done ? R | AtEntry(Number) : R);
    for (const auto &[Number, Entries] : O.Breaks)
      Breaks[Number] |= Entries;
    Done = true;
    Suspect |= O.Suspect;
    Suspected.add(O.Suspected);
    WaitsWith.add(O.WaitsWith);
    Concern.add(O.Concern);
    Blocks |= O.Blocks;
    Keeps |= O.Keeps;
    GivesBack.insert(O.GivesBack.begin(), O.GivesBack.end());
    Destroys.add(O.Destroys);
    EndsThread |= O.EndsThread;
    Configures |= O.Configures;
    LendsSome.insert(O.LendsSome.begin(), O.LendsSome.end());
    Lends.insert(O.Lends.begin(), O.Lends.end());
    LeavesHidden.add(O.LeavesHidden);
    HiddenSyncs.add(O.HiddenSyncs);
    LeavesLoose |= O.LeavesLoose;
    LeavesUsers |= O.LeavesUsers;
    PassesUsers |= O.PassesUsers;
    Jumps |= O.Jumps;
    CallsBack |= O.CallsBack;
    EndsHeld.insert(O.EndsHeld.begin(), O.EndsHeld.end());
    EndsFree.insert(O.EndsFree.begin(), O.EndsFree.end());
    for (Kind K : Kinds)
      Hidden[K] |= O.Hidden[K];
  }

  /// The stages that a closed function finds a lock in, and leaves it in.
  static constexpr Stages Given = UnknownStage | bit(SyncStage::Made) | bit(SyncStage::Free);
  /// Forgets what it might do to locks and threads, as far as nobody outside will see any of it.
  void balance(const Balance &Of, const std::vector<const Place *> &Places);
  bool isClosed(const std::vector<const Place *> &Places) const {
    if (!Done || EndsThread || Configures || !LendsSome.empty() || !Lends.empty() || !LeavesHidden.empty() || Jumps ||
        CallsBack || Hidden[HandleObject] || Hidden[ScopeObject])
      return false;
    for (const auto &[Number, Entry] : Breaks)
      if (Places[Number]->What == SyncObject && (Entry & Given))
        return false;
    for (const auto &[Number, R] : Known) {
      if (Places[Number]->What != SyncObject && R != Identity)
        return false;
      for (SyncStage Entry : {SyncStage::Unknown, SyncStage::Made, SyncStage::Free}) {
        // Whoever calls it again would make the object a second time.
        const Stages As = Entry == SyncStage::Made ? Given : Given & ~bit(SyncStage::Made);
        if (Places[Number]->What == SyncObject && (rowOf(R, unsigned(Entry)) & ~As))
          return false;
      }
    }
    return true;
  }
};

} // namespace

namespace {

/// What one function assigns to.
struct Written : RecursiveASTVisitor<Written> {
  const ASTContext &Context;
  explicit Written(const ASTContext &Context) : Context(Context) {}
  llvm::DenseSet<const VarDecl *> Times;
  llvm::DenseSet<const ValueDecl *> Fields;
  std::set<Place::Step> Fresh;        ///< what may point to new memory
  llvm::DenseSet<const Decl *> Mixed; ///< what may point to an object of this file's
  void noteValue(const Decl *To, const Expr *Value) {
    const auto *Call = dyn_cast<CallExpr>(Value->IgnoreParenCasts());
    const FunctionDecl *Callee = Call ? Call->getDirectCallee() : nullptr;
    if (Callee && (Callee->hasAttr<RestrictAttr>() || Callee->hasBody())) // malloc and the like, xmalloc
      Fresh.insert(Place::of(To));
    const bool Unseen = Call && !(Callee && Callee->hasBody()) && !(Callee && Callee->getBuiltinID());
    if (!Unseen && !(Callee && Callee->hasAttr<RestrictAttr>()) &&
        !Value->IgnoreParenCasts()->isIntegerConstantExpr(Context))
      Mixed.insert(To);
  }
  bool VisitVarDecl(VarDecl *Var) { return Var->hasInit() ? (noteValue(Var, Var->getInit()), true) : true; }
  void note(const Expr *E) {
    if (const auto *Ref = dyn_cast<DeclRefExpr>(E->IgnoreParenCasts()))
      if (const auto *Var = dyn_cast<VarDecl>(Ref->getDecl()))
        Times.insert(Var);
    if (const auto *Member = dyn_cast<MemberExpr>(E->IgnoreParenCasts()))
      Fields.insert(Member->getMemberDecl());
  }
  bool VisitBinaryOperator(BinaryOperator *B) {
    if (!B->isAssignmentOp())
      return true;
    note(B->getLHS());
    const Expr *To = B->getLHS()->IgnoreParenCasts();
    if (const auto *Ref = dyn_cast<DeclRefExpr>(To))
      noteValue(Ref->getDecl(), B->getRHS());
    else if (const auto *Member = dyn_cast<MemberExpr>(To))
      noteValue(Member->getMemberDecl(), B->getRHS());
    return true;
  }
  bool VisitUnaryOperator(UnaryOperator *Op) {
    if (!Op->isIncrementDecrementOp() && Op->getOpcode() != UO_AddrOf)
      return true;
    note(Op->getSubExpr());
    if (const auto *Ref = dyn_cast<DeclRefExpr>(Op->getSubExpr()->IgnoreParens()))
      Mixed.insert(Ref->getDecl());
    return true;
  }
};

/// How guards stand, by their hashes, as long as a function runs.
using Assumption = std::map<unsigned, bool>;

} // namespace

struct Triage::Impl {
  const Analysis &A;
  const Unit &U;
  ento::AnalysisManager &Manager;
  std::map<Place, unsigned> Numbers;
  std::vector<const Place *> Places;
  std::map<std::pair<const FunctionDecl *, Assumption>, std::unique_ptr<Summary>> Summaries;
  unsigned Depths = 0;                 ///< functions whose summary is being made, each for the one before
  unsigned Outermost = Summary::Final; ///< the first of these that was asked for, since the last one began
  std::vector<Summary *> Guessed;      ///< summaries that are under way, or rest on such a one
  unsigned Round = 0;                  ///< guesses of earlier rounds are made anew
  bool Grew = false;                   ///< something was added in this round
  unsigned Repeated = 0;
  /// Some functions call each other in very many ways: they are suspects.
  static constexpr unsigned MostRounds = 8, MostRepeats = 500;
  llvm::DenseSet<const FunctionDecl *> Cleared;
  std::map<const FunctionDecl *, Balance> Balanced;
  llvm::DenseMap<const FunctionDecl *, std::unique_ptr<Written>> Writes;
  llvm::DenseMap<const FunctionDecl *, std::vector<unsigned>> FlagsIn;
  llvm::DenseMap<unsigned, const VarDecl *> Flags; ///< by the hash of the guard that asks for them
  Freed Memory;

  Impl(const Analysis &A, ento::AnalysisManager &Manager) : A(A), U(A.U), Manager(Manager), Memory(A.U) {}

  unsigned number(Place P) {
    auto [At, New] = Numbers.try_emplace(std::move(P), unsigned(Places.size()));
    if (New)
      Places.push_back(&At->first);
    return At->second;
  }
  const Written &writesOf(const FunctionDecl *F);
  /// The flags that outlive \p F, and which it asks for, or a function that it calls and that has an effect.
  const std::vector<unsigned> &flagsIn(const FunctionDecl *F);
  /// Of a function that calls itself, directly or not, the first guess is that none of these calls comes back, and the
  /// next one what follows from the one before, up to where nothing is added (Kleene).
  Summary &summaryOf(const FunctionDecl *F, const Assumption &Given = {});
  bool standsAlone(const FunctionDecl *F) {
    return U.hasUnseenCallers(F) || Cleared.count(F->getCanonicalDecl()) || summaryOf(F).isClosed(Places);
  }
  /// Whether some function of the file stores the calling thread's own handle under the last name of \p P.
  bool holdsOwnHandle(const Place &P);
  std::optional<std::set<Place::Step>> OwnHandles;
};

namespace {

/// A branch that asks whether a call has worked.
struct Test {
  const CallExpr *Call = nullptr;
  bool WorkedWhenTrue = false;
};

/// One function under triage.
class Pass {
public:
  Pass(Triage::Impl &I, const FunctionDecl *F, Summary &Out, Assumption Given);
  void run();
  /// Runs once for each way that the guards of the function can stand, where they are asked more than once and nobody
  /// changes what they read: a lock that is taken and given back under one flag, by the function itself or by wrappers
  /// that it calls. (Proof takes them for constant too.)
  void runByGuards();

private:
  // Names
  Name lvalue(const Expr *E, Kind What);
  Name pointee(const Expr *E, Kind What);
  bool addIndex(Place &P, const Expr *Index);
  bool dependsOn(const Place &P, Place::Step Assigned) const;
  bool isLocal(const Place &P) const;   ///< lies in this function's frame
  bool isVisible(const Place &P) const; ///< callers can name it
  bool isPrivate(const Place &P) const; ///< nobody but this file can ever give it back
  bool isWeak(const Place &P) const {
    return llvm::is_contained(P.Path, Place::AnyIndex) || isa<FunctionDecl>(P.base());
  }
  /// Whether the handle \p P of this frame may be returned or stored, so that it is not lost with the frame.
  bool isHandedOn(const Place &P);
  Relation atEntry(const Place &P) const;

  // Events
  Relation get(const Point &At, unsigned Number) const;
  Stages now(const Point &At, unsigned Number) const { return rowOf(get(At, Number), 0); }
  template <typename Event> void apply(Point &At, const Name &P, Event What);
  template <typename Stage, typename Event> Stages stepped(Stages From, Event What, bool &Broken) const;
  void suspect() { Out.Suspect = Out.Suspected.All = true; }
  void suspectThreads() { Out.Suspect = Out.Suspected.Threads = true; }
  /// Something of a kind, who knows which.
  void suspect(Kind K) {
    Out.Suspect = (K == SyncObject     ? Out.Suspected.Syncs
                   : K == HandleObject ? Out.Suspected.Threads
                                       : Out.Suspected.All) = true;
  }
  void suspect(const Place &P);
  void suspectForgotten() {
    Out.Suspect = true;
    Out.Suspected.add(Forgotten);
  }
  void lose(Point &At, const Place &P, Relation R);
  bool isOn(Rule R) const { return I.A.Book.isOn(R); }
  /// What the object \p Number is given back by, another name for one that is held may be, too.
  void releaseOthers(Point &At, unsigned Number, Relation Before, Relation After);
  /// It waits here, and gives \p Back meanwhile.
  void block(const Point &At, const Name &Back = std::nullopt);
  /// Synchronisation objects end, those of \p Which.
  void destroy(const Point &At, const Focus &Which);
  void free(const Point &At, const CallExpr *Call);
  void letGo(Point &At, Place::Step Assigned);
  void assign(Point &At, const Expr *To);
  void declare(Point &At, const VarDecl *Var);
  void unborn(Point &At, const Place &P, QualType Type);
  void end(const Point &At);
  void callEffects(Point &At, const CallExpr *Call, ArrayRef<Meaning> Rows, bool Worked, bool Failed);
  void spawn(Point &At, const CallExpr *Call, const Meaning &Row, bool Worked, bool Failed);
  void lend(const Expr *Argument);
  void callFunction(Point &At, const CallExpr *Call, const FunctionDecl *Callee);
  void callUnseen(Point &At, const CallExpr *Call);
  /// Of a call through a pointer: it may lead to a function of this file whose address got out.
  void callPointer(const Point &At, const CallExpr *Call);
  void jump(const Point &At);
  void callScope(Point &At, const CallExpr *Call, const FunctionDecl *Callee);
  Name translated(const Place &Inner, const CallExpr *Call);
  bool mayFail(const CallExpr *Call, const Meaning &Row) const;
  /// \returns false where the path ends.
  bool visit(Point &At, const Stmt *S, const Test &Asked, bool Worked);

  Test testOf(const CFGBlock &B) const;
  /// Whether \p B ends with the condition of a loop that gives up handles.
  bool joinsInLoop(const CFGBlock &B) const;
  /// The guard that \p B ends with, if it does.
  std::optional<Guard> guardAt(const CFGBlock &B) const;
  /// The way out of \p B where its guard is taken to be known.
  std::optional<bool> decided(const CFGBlock &B) const;
  static void join(Point &Into, const Point &From, const Pass &P);

  Triage::Impl &I;
  const Unit &U;
  const FunctionDecl *F;
  Summary &Out;
  const Written &Writes;
  const Assumption Given;
  std::set<unsigned> Lent;    ///< handles of threads that were given an address
  std::set<unsigned> Renamed; ///< names that do not stand for their caller's objects any more
  Point Ended;                ///< all places where the function or its thread ends, in one
  Focus Forgotten;            ///< the locks whose names were assigned to
  bool LosesOwn = false;      ///< a handle of this frame may have been assigned to while it was live
};

} // namespace

Pass::Pass(Triage::Impl &I, const FunctionDecl *F, Summary &Out, Assumption Given)
    : I(I), U(I.U), F(F), Out(Out), Writes(I.writesOf(F)), Given(std::move(Given)) {}

// ---- names ----------------------------------------------------------------------------------------------------------

bool Pass::addIndex(Place &P, const Expr *Index) {
  Expr::EvalResult Value;
  if (Index->EvaluateAsInt(Value, U.context())) {
    P.Path.push_back(Place::index(unsigned(Value.Val.getInt().getLimitedValue())));
    return true;
  }
  // The same expression over the same values is the same element.
  struct Reads : RecursiveASTVisitor<Reads> {
    std::vector<Place::Step> Vars;
    bool Pure = true;
    bool VisitDeclRefExpr(DeclRefExpr *Ref) {
      const auto *Var = dyn_cast<VarDecl>(Ref->getDecl());
      if (Var)
        Vars.push_back(Place::of(Var));
      return Pure &= Var && !Var->getType().isVolatileQualified();
    }
    bool VisitMemberExpr(MemberExpr *Member) { return Vars.push_back(Place::of(Member->getMemberDecl())), true; }
    bool VisitCallExpr(CallExpr *) { return Pure = false; }
    bool VisitUnaryOperator(UnaryOperator *Op) { return Pure &= !Op->isIncrementDecrementOp(); }
    bool VisitBinaryOperator(BinaryOperator *Op) { return Pure &= !Op->isAssignmentOp(); }
  } Read;
  Read.TraverseStmt(const_cast<Expr *>(Index));
  if (!Read.Pure) {
    P.Path.push_back(Place::AnyIndex);
    return true;
  }
  llvm::FoldingSetNodeID Id;
  Index->IgnoreParenCasts()->Profile(Id, U.context(), /*Canonical=*/true);
  P.Path.push_back(Place::index(Id.ComputeHash()));
  P.Indexes.insert(P.Indexes.end(), Read.Vars.begin(), Read.Vars.end());
  return true;
}

Name Pass::lvalue(const Expr *E, Kind What) {
  E = E->IgnoreParenCasts();
  if (const auto *Ref = dyn_cast<DeclRefExpr>(E)) {
    if (!isa<VarDecl>(Ref->getDecl()))
      return std::nullopt;
    Place P;
    P.What = What;
    P.Path.push_back(Place::of(Ref->getDecl()));
    return P;
  }
  Name Base;
  if (const auto *Member = dyn_cast<MemberExpr>(E)) {
    Base = Member->isArrow() ? pointee(Member->getBase(), What) : lvalue(Member->getBase(), What);
    if (Base)
      Base->Path.push_back(Place::of(Member->getMemberDecl()));
  } else if (const auto *Element = dyn_cast<ArraySubscriptExpr>(E)) {
    const Expr *Array = Element->getBase()->IgnoreParenImpCasts();
    Base = Array->getType()->isArrayType() ? lvalue(Array, What) : pointee(Array, What);
    if (Base)
      addIndex(*Base, Element->getIdx());
  } else if (const auto *Op = dyn_cast<UnaryOperator>(E); Op && Op->getOpcode() == UO_Deref) {
    Base = pointee(Op->getSubExpr(), What);
  }
  return Base;
}

Name Pass::pointee(const Expr *E, Kind What) {
  E = E->IgnoreParenCasts();
  if (const auto *Op = dyn_cast<UnaryOperator>(E)) {
    if (Op->getOpcode() == UO_AddrOf)
      return lvalue(Op->getSubExpr(), What);
    if (Op->getOpcode() != UO_Deref)
      return std::nullopt;
  }
  Name P;
  if (E->getType()->isArrayType()) {
    if ((P = lvalue(E, What)))
      P->Path.push_back(Place::index(0));
    return P;
  }
  if (const auto *Sum = dyn_cast<BinaryOperator>(E); Sum && Sum->isAdditiveOp()) {
    const bool Array = Sum->getLHS()->IgnoreParenImpCasts()->getType()->isArrayType();
    P = Array ? lvalue(Sum->getLHS(), What) : pointee(Sum->getLHS(), What);
    if (P)
      addIndex(*P, Sum->getRHS());
    return P;
  }
  if (const auto *Call = dyn_cast<CallExpr>(E)) {
    const FunctionDecl *Callee = Call->getDirectCallee();
    if (!Callee)
      return std::nullopt;
    Place Result;
    Result.What = What;
    Result.Path = {Place::of(Callee), Place::Deref};
    return Result;
  }
  if (const auto *Ref = dyn_cast<DeclRefExpr>(E))
    if (const auto *Var = dyn_cast<VarDecl>(Ref->getDecl());
        Var && Var->isLocalVarDecl() && Var->hasLocalStorage() && Var->hasInit() && !Writes.Times.count(Var)) {
      // Another word for what it was initialised with, as long as that lasts.
      Name Of = pointee(Var->getInit(), What);
      const auto *Base = Of ? dyn_cast<VarDecl>(Of->base()) : nullptr;
      if (Base && Of->Indexes.empty() && !(Of->behindPointer() && Writes.Times.count(Base)))
        return Of;
    }
  if ((P = lvalue(E, What)))
    P->Path.push_back(Place::Deref);
  return P;
}

bool Pass::dependsOn(const Place &P, Place::Step Assigned) const {
  if (llvm::is_contained(P.Indexes, Assigned))
    return true;
  for (size_t Step = 0; Step + 1 < P.Path.size(); ++Step)
    if (P.Path[Step] == Assigned && llvm::is_contained(llvm::ArrayRef(P.Path).drop_front(Step), Place::Deref))
      return true;
  return false;
}

bool Pass::isLocal(const Place &P) const {
  const auto *Var = dyn_cast<VarDecl>(P.base());
  return Var && Var->hasLocalStorage() && !P.behindPointer() && (!isa<ParmVarDecl>(Var) || P.What != HandleObject);
}

/// Whether \p P goes through one field twice. Who follows a list by calling itself would give the objects of each round
/// a new name, and there would be no end of them (so names are cut off: Jones and Muchnick, POPL 1979).
static bool goesRound(const Place &P) {
  for (size_t Step = 1; Step < P.Path.size(); ++Step)
    if ((P.Path[Step] & 3) == 0 && llvm::is_contained(llvm::ArrayRef(P.Path).take_front(Step), P.Path[Step]))
      return true;
  return false;
}

bool Pass::isVisible(const Place &P) const {
  const auto *Var = dyn_cast<VarDecl>(P.base());
  if (!Var || goesRound(P))
    return false;
  if (isa<ParmVarDecl>(Var))
    return (P.behindPointer() || P.What == HandleObject) && !Writes.Times.count(Var);
  return !Var->hasLocalStorage();
}

bool Pass::isPrivate(const Place &P) const {
  const auto *Var = dyn_cast<VarDecl>(P.base());
  return Var && !P.behindPointer() && (Var->hasLocalStorage() || !Var->isExternallyVisible());
}

bool Pass::isHandedOn(const Place &P) {
  const ParentMap &Parents = I.Manager.getAnalysisDeclContext(F)->getParentMap();
  auto Skip = [&](const Stmt *S, auto Is) {
    while (isa_and_nonnull<ParenExpr>(Parents.getParent(S)) || Is(Parents.getParent(S), S))
      S = Parents.getParent(S);
    return S;
  };
  // The whole of what a use names: a member, an element.
  auto IsPart = [&](const Stmt *Parent, const Stmt *Child) {
    if (const auto *Member = dyn_cast_or_null<MemberExpr>(Parent))
      return !Member->isArrow();
    if (const auto *Element = dyn_cast_or_null<ArraySubscriptExpr>(Parent))
      return Element->getBase()->IgnoreParenImpCasts() == cast<Expr>(Child)->IgnoreParenImpCasts();
    const auto *Cast = dyn_cast_or_null<ImplicitCastExpr>(Parent);
    return Cast && Cast->getCastKind() == CK_ArrayToPointerDecay &&
           isa_and_nonnull<ArraySubscriptExpr>(Parents.getParentIgnoreParens(Cast));
  };
  auto IsCast = [](const Stmt *Parent, const Stmt *) { return isa_and_nonnull<CastExpr>(Parent); };
  struct Uses : RecursiveASTVisitor<Uses> {
    const Decl *Of;
    SmallVector<const DeclRefExpr *, 8> Found;
    bool VisitDeclRefExpr(DeclRefExpr *Ref) {
      if (Ref->getDecl()->getCanonicalDecl() == Of)
        Found.push_back(Ref);
      return true;
    }
  } All;
  All.Of = P.base();
  All.TraverseStmt(F->getBody());
  return llvm::any_of(All.Found, [&](const DeclRefExpr *Ref) {
    const Stmt *Whole = Skip(Ref, IsPart);
    const Name Used = lvalue(cast<Expr>(Whole), HandleObject);
    if (!Used || (!isPrefix(*Used, P) && !isPrefix(P, *Used) && !isWeak(*Used) && !isWeak(P)))
      return !Used;
    const Stmt *Parent = Parents.getParentIgnoreParens(Whole);
    if (const auto *Assign = dyn_cast_or_null<BinaryOperator>(Parent); Assign && Assign->isAssignmentOp())
      return Assign->getLHS()->IgnoreParens() != Whole;
    if (const auto *Address = dyn_cast_or_null<UnaryOperator>(Parent); Address && Address->getOpcode() == UO_AddrOf)
      Whole = Address;
    // The calls that a handle is made for, and the thread that gets the object that it lies in, keep no copy.
    const auto *Call = dyn_cast_or_null<CallExpr>(Parents.getParent(Skip(Whole, IsCast)));
    return !Call || U.meaningsOf(Call).empty();
  });
}

Relation Pass::atEntry(const Place &P) const {
  const auto *Var = dyn_cast<VarDecl>(P.base());
  // New memory is what nobody has initialised.
  Relation New = 0;
  if (P.What == SyncObject)
    for (size_t Step = 0; Step + 1 < P.Path.size(); ++Step)
      if (P.Path[Step + 1] == Place::Deref && Writes.Fresh.count(P.Path[Step]))
        New = constant(bit(SyncStage::Unborn));
  if (isVisible(P))
    return Identity | New;
  if (!Var || !isLocal(P))
    return constant(UnknownStage) | New;
  if (P.What == HandleObject)
    return constant(Var->hasInit() ? UnknownStage | bit(HandleStage::Empty) : bit(HandleStage::Empty));
  if (P.What == ScopeObject)
    return constant(UnknownStage);
  return constant(isa<ParmVarDecl>(Var) ? UnknownStage
                  : Var->hasInit()      ? UnknownStage | bit(SyncStage::Made)
                                        : bit(SyncStage::Unborn));
}

// ---- events ---------------------------------------------------------------------------------------------------------

Relation Pass::get(const Point &At, unsigned Number) const {
  auto Found = At.Known.find(Number);
  return Found == At.Known.end() ? atEntry(*I.Places[Number]) : Found->second;
}

template <typename Stage, typename Event> Stages Pass::stepped(Stages From, Event What, bool &Broken) const {
  Stages Next = 0;
  for (unsigned S = 0; S < NumStages; ++S)
    if (From & (1u << S)) {
      Move<Stage> M = step(Stage(S), What);
      Next |= bit(M.Next);
      Broken |= M.Broken && isOn(*M.Broken);
    }
  return Next;
}

/// The variable or field that \p P is (an element of); null where it lies behind a pointer of its own.
static const ValueDecl *declared(const Place &P) {
  for (Place::Step S : llvm::reverse(P.Path))
    if (S == Place::Deref)
      return nullptr;
    else if ((S & 3) == 0) {
      const auto *Declared = dyn_cast<ValueDecl>(reinterpret_cast<const Decl *>(S));
      return Declared && holdsObjects(Declared) ? Declared : nullptr;
    }
  return nullptr;
}

/// The one object \p P; all of them where it has no name, or lies behind a pointer of its own.
static Focus onlyOn(const Name &P) {
  Focus Only;
  if (const ValueDecl *Declared = P ? declared(*P) : nullptr)
    Only.Objects.insert(Declared);
  else
    Only.Syncs = true;
  return Only;
}

void Summary::balance(const Balance &Of, const std::vector<const Place *> &Places) {
  if (Of.Threads) {
    Hidden[HandleObject] = LeavesLoose = LeavesUsers = LeavesHidden.Threads = false;
    Lends.clear();
    LendsSome.clear();
  }
  if (!Of.Locks)
    return;
  const Focus &Seen = Of.Seen;
  auto IsSeen = [&](unsigned Number) {
    return Places[Number]->What == SyncObject && Seen.isOn(declared(*Places[Number]));
  };
  for (auto &[Number, R] : Known)
    if (IsSeen(Number))
      for (SyncStage Entry : {SyncStage::Unknown, SyncStage::Made, SyncStage::Free}) {
        R &= ~(Relation(0xff) << (8 * unsigned(Entry)));
        R |= Relation(bit(Entry) | bit(SyncStage::Free)) << (8 * unsigned(Entry));
      }
  for (auto &[Number, Entries] : Breaks)
    if (IsSeen(Number))
      Entries &= ~Given;
  for (std::set<unsigned> *Ends : {&EndsHeld, &EndsFree})
    for (auto It = Ends->begin(); It != Ends->end();)
      It = IsSeen(*It) ? Ends->erase(It) : std::next(It);
  if (Seen.All || Seen.Syncs)
    LeavesHidden.All = LeavesHidden.Syncs = false;
  for (auto It = LeavesHidden.Objects.begin(); It != LeavesHidden.Objects.end();)
    It = Seen.isOn(*It) ? LeavesHidden.Objects.erase(It) : std::next(It);
}

void Pass::suspect(const Place &P) {
  if (P.What != SyncObject)
    return suspect(P.What);
  Out.Suspect = true;
  Out.Suspected.add(onlyOn(P));
}

template <typename Event> void Pass::apply(Point &At, const Name &P, Event What) {
  constexpr Kind K = std::is_same_v<Event, SyncEvent>    ? SyncObject
                     : std::is_same_v<Event, ScopeEvent> ? ScopeObject
                                                         : HandleObject;
  using Stage =
      std::conditional_t<K == SyncObject, SyncStage, std::conditional_t<K == ScopeObject, ScopeStage, HandleStage>>;
  if constexpr (K == HandleObject)
    Out.Concern.Threads = true;
  if constexpr (K == SyncObject) // whoever looks for scopes looks at everything
    Out.Concern.add(onlyOn(P));
  if (!P)
    return suspect(K);
  const unsigned Number = I.number(*P);
  const Relation Before = get(At, Number);
  Relation After = then(Before, [&](Stages From) {
    bool Broken = false;
    return stepped<Stage>(From, What, Broken);
  });
  for (unsigned Entry = 0; Entry < NumStages; ++Entry) {
    bool Broken = false;
    stepped<Stage>(rowOf(Before, Entry), What, Broken);
    if (Broken)
      Out.Breaks[Number] |= Stages(1u << Entry);
  }
  // The object may have another name. (Whoever makes several objects of a kind is not asked: they are several.)
  bool MakesNew = false;
  if constexpr (K == SyncObject)
    MakesNew = What == SyncEvent::Init;
  else if constexpr (K == ScopeObject)
    MakesNew = What == ScopeEvent::Open;
  else
    MakesNew = What == HandleEvent::Spawn || What == HandleEvent::SpawnDetached;
  if (!MakesNew && (rowOf(Before, 0) & UnknownStage)) {
    for (const auto &[Other, R] : At.Known) {
      bool Broken = false;
      if (Other != Number && mayAlias(*P, *I.Places[Other]))
        stepped<Stage>(rowOf(R, 0) & ~UnknownStage, What, Broken);
      if (Broken) {
        suspect(*P);
        suspect(*I.Places[Other]);
      }
    }
    bool Broken = false;
    stepped<Stage>(At.Lost[K] & ~UnknownStage, What, Broken);
    if (Broken) {
      suspect(*P);
      suspectForgotten();
    }
  }
  if constexpr (K == SyncObject)
    releaseOthers(At, Number, Before, After);
  At.Known[Number] = isWeak(*P) ? Before | After : After;
}

void Pass::releaseOthers(Point &At, unsigned Number, Relation Before, Relation After) {
  const Stages Gone = bit(SyncStage::Free);
  if (!(rowOf(Before, 0) & UnknownStage) || !(rowOf(After, 0) & ~rowOf(Before, 0) & Gone))
    return;
  for (auto &[Other, R] : At.Known)
    if (Other != Number && (rowOf(R, 0) & Taken) && mayAlias(*I.Places[Number], *I.Places[Other]))
      R |= constant(Gone);
}

void Pass::block(const Point &At, const Name &Back) {
  Out.Blocks = Out.Concern.Waits = true;
  if (Back)
    Out.GivesBack.insert(I.number(*Back));
  else
    Out.Keeps = true;
  if (!isOn(Rule::lock_Blocking))
    return;
  constexpr Stages Any = Taken | bit(SyncStage::Nested);
  if (At.Lost[SyncObject] & Any) {
    suspectForgotten();
    Out.Suspected.Waits = true;
  }
  for (const auto &[Number, R] : At.Known) {
    const Place &P = *I.Places[Number];
    if (P.What == SyncObject && (rowOf(R, 0) & Any) && !(Back && !(P < *Back) && !(*Back < P))) {
      suspect(P);
      Out.Suspected.Waits = true;
    }
  }
}

void Pass::destroy(const Point &At, const Focus &Which) {
  // A thread that is not joined yet may use it.
  if (At.OthersUse)
    Out.Destroys.add(Which);
  if (isOn(Rule::lock_Lifetime) && At.OwnUse && (At.Loose || llvm::any_of(At.Known, [&](const auto &Known) {
                                                   return I.Places[Known.first]->What == HandleObject &&
                                                          (rowOf(Known.second, 0) & bit(HandleStage::Live));
                                                 }))) {
    suspectThreads();
    Out.Suspected.add(Which);
  }
}

void Pass::free(const Point &At, const CallExpr *Call) {
  if (!isOn(Rule::lock_Lifetime))
    return;
  for (const auto &[Number, R] : At.Known) {
    const Place &P = *I.Places[Number];
    if (P.What != SyncObject || !(rowOf(R, 0) & (Taken | bit(SyncStage::Nested))) || !P.behindPointer())
      continue;
    // The struct that the lock lies in, behind the last pointer. A lock by itself, or in an array, may be anything's.
    const auto Last = std::find(P.Path.rbegin(), P.Path.rend(), Place::Deref);
    const auto *Field = Last == P.Path.rbegin() || (*(Last - 1) & 3)
                            ? nullptr
                            : dyn_cast<FieldDecl>(reinterpret_cast<const Decl *>(*(Last - 1)));
    if (I.Memory.mayFree(Call, Field ? Field->getParent() : nullptr))
      suspect(P);
  }
}

void Pass::lose(Point &At, const Place &P, Relation R) {
  At.Lost[P.What] |= rowOf(R, 0);
  if (P.What == SyncObject)
    Forgotten.add(onlyOn(P));
  Forgotten.Threads |= P.What == HandleObject;
  // What lies behind a pointer is for its owner to join.
  LosesOwn |= P.What == HandleObject && isLocal(P) && (rowOf(R, 0) & bit(HandleStage::Live));
}

void Pass::letGo(Point &At, Place::Step Assigned) {
  for (auto &[Number, R] : At.Known) {
    const Place &P = *I.Places[Number];
    if (dependsOn(P, Assigned)) {
      // The name stands for another object now, of which nothing is known.
      lose(At, P, R);
      R = constant(UnknownStage | (atEntry(P) == Identity ? 0 : rowOf(atEntry(P), 0)));
      Renamed.insert(Number);
    }
  }
}

void Pass::assign(Point &At, const Expr *To) {
  To = To->IgnoreParenCasts();
  // The object itself, or one that holds it, gets a new value.
  for (Kind K : Kinds)
    if (Name P = lvalue(To, K))
      for (auto &[Number, R] : At.Known) {
        const Place &Inner = *I.Places[Number];
        if (Inner.What == K && isPrefix(*P, Inner) &&
            !llvm::is_contained(llvm::ArrayRef(Inner.Path).drop_front(P->Path.size()), Place::Deref)) {
          if (K == HandleObject)
            lose(At, Inner, R);
          R = K == HandleObject  ? constant(UnknownStage)
              : K == ScopeObject ? R | constant(UnknownStage)
                                 : R | constant(UnknownStage | bit(SyncStage::Made));
        }
      }
  if (const auto *Ref = dyn_cast<DeclRefExpr>(To))
    letGo(At, Place::of(Ref->getDecl()));
  else if (const auto *Member = dyn_cast<MemberExpr>(To))
    letGo(At, Place::of(Member->getMemberDecl()));
}

void Pass::unborn(Point &At, const Place &P, QualType Type) {
  if (U.syncKind(Type)) {
    At.Known[I.number(P)] = atEntry(P);
    return;
  }
  if (const RecordDecl *Record = Type->getAsRecordDecl())
    for (const FieldDecl *Field : Record->fields()) {
      Place Inner = P;
      Inner.Path.push_back(Place::of(Field));
      unborn(At, Inner, Field->getType());
    }
}

void Pass::declare(Point &At, const VarDecl *Var) {
  if (!Var->hasLocalStorage())
    return;
  const Place::Step Base = Place::of(Var);
  letGo(At, Base);
  for (auto It = At.Known.begin(); It != At.Known.end();) {
    const Place &P = *I.Places[It->first];
    if (P.Path.front() == Base && !P.behindPointer()) {
      lose(At, P, It->second);
      It = At.Known.erase(It);
    } else {
      ++It;
    }
  }
  Place P;
  P.What = SyncObject;
  P.Path = {Base};
  unborn(At, P, Var->getType());
}

void Pass::end(const Point &At) {
  for (const auto &[Number, R] : At.Known) {
    const Place &P = *I.Places[Number];
    const Stages Now = rowOf(R, 0);
    if (P.What == SyncObject && (Now & Taken) && isOn(Rule::lock_Leak)) {
      // Held on some ways out and not on others, or where nobody else can ever give it back.
      if ((Now & ~(Taken | bit(SyncStage::Nested))) || isPrivate(P))
        suspect(P);
    }
    if (P.What == SyncObject && (Now & Taken))
      Out.EndsHeld.insert(Number);
    if (P.What == SyncObject && (Now & bit(SyncStage::Free)))
      Out.EndsFree.insert(Number);
    if (P.What == HandleObject) {
      if (((Now & bit(HandleStage::Live)) && isLocal(P)) || ((Now & Running) && Lent.count(Number)))
        suspectThreads();
    }
    // What the end of its variable joins is never out of reach too early.
    if (P.What == ScopeObject && (Now & Unjoined) && isLocal(P) && !cast<VarDecl>(P.base())->hasAttr<CleanupAttr>())
      suspect();
  }
  if (At.Lost[SyncObject] & Taken)
    suspectForgotten();
  if (LosesOwn && (At.Lost[HandleObject] & bit(HandleStage::Live)))
    suspectThreads();
}

void Pass::spawn(Point &At, const CallExpr *Call, const Meaning &Row, bool Worked, bool Failed) {
  const Expr *Handle = Unit::argument(Call, Row.Handle), *Attr = Unit::argument(Call, Row.Attr),
             *Argument = Unit::argument(Call, Row.Argument);
  const bool Default = !Attr || Attr->isNullPointerConstant(U.context(), Expr::NPC_ValueDependentIsNotNull);
  // Who returns the handle gives it to a name that we would have to follow.
  Name P = Handle ? pointee(Handle, HandleObject) : std::nullopt;
  Out.Concern.Threads = true;
  At.OwnUse |= !U.mayWait(F);
  if (!P) {
    At.Loose = Out.Hidden[HandleObject] = true;
    return suspectThreads();
  }
  const FunctionDecl *Entry = Unit::namedFunction(Unit::argument(Call, Row.Entry));
  if (!Default || (Entry && U.detachesItself(Entry)))
    suspectThreads();              // detached, perhaps
  if (Entry && Entry->hasBody()) { // it may give back what its spawner took
    const Summary &Inner = I.summaryOf(Entry);
    if (!Inner.isClosed(I.Places))
      Out.Concern.add(Inner.Concern);
  }
  const unsigned Number = I.number(*P);
  Point Before = At;
  apply(At, P, HandleEvent::Spawn);
  if (Failed) {
    Relation &R = At.Known[Number];
    R = (Worked ? R : 0) | constant(bit(HandleStage::Failed));
  }
  if (Argument && !Argument->isNullPointerConstant(U.context(), Expr::NPC_ValueDependentIsNotNull)) {
    Argument = Argument->IgnoreParens();
    while (const auto *Cast = dyn_cast<CastExpr>(Argument)) {
      if (!Cast->getSubExpr()->getType()->isPointerType() && !Cast->getSubExpr()->getType()->isArrayType())
        return; // a number
      Argument = Cast->getSubExpr()->IgnoreParens();
    }
    Lent.insert(Number);
    lend(Argument);
  }
}

void Pass::lend(const Expr *Argument) {
  if (variablePointedTo(Argument)) // lies in this frame, or in none
    return;
  const auto *Ref = dyn_cast<DeclRefExpr>(Argument->IgnoreParenCasts());
  const auto *Var = Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
  const auto *Param = dyn_cast_or_null<ParmVarDecl>(Var);
  if (Param && !Writes.Times.count(Param))
    Out.Lends.insert(Param->getFunctionScopeIndex());
  else if (Param || !Var || !Var->isLocalVarDecl() || Writes.Mixed.count(Var)) {
    const Expr *Pointer = Argument->IgnoreParenCasts();
    const QualType Pointee = Pointer->getType()->isPointerType() ? Pointer->getType()->getPointeeType() : QualType();
    Out.LendsSome.insert(Pointee.isNull() || Pointee->isVoidType() || Pointee->isAnyCharacterType()
                             ? nullptr
                             : Pointee.getCanonicalType().getTypePtr());
  }
}

void Pass::callEffects(Point &At, const CallExpr *Call, ArrayRef<Meaning> Rows, bool Worked, bool Failed) {
  for (const Meaning &Row : Rows) {
    const Expr *Object = Unit::argument(Call, Row.Object);
    auto Sync = [&] { return Object ? pointee(Object, SyncObject) : std::nullopt; };
    // A handle is given by value, and by some APIs by its address.
    auto Handle = [&]() -> Name {
      if (!Object)
        return std::nullopt;
      const Expr *E = Object->IgnoreParenCasts();
      return isa<UnaryOperator>(E) ? pointee(E, HandleObject) : lvalue(E, HandleObject);
    };
    const Point Before = At;
    switch (Row.What) {
    case Effect::Spawn:
      spawn(At, Call, Row, Worked, Failed);
      continue; // it has dealt with failure
    case Effect::Join:
    case Effect::TryJoin:
      block(At);
      if (const Name Given = Handle(); !U.spawnsOf(F).empty() || (Given && I.holdsOwnHandle(*Given)))
        suspectThreads(); // it may be its own
      apply(At, Handle(), HandleEvent::Join);
      if (!Object || !WrittenLocks::lastNamed(Object)) // an element: where one is joined, all are
        At.await();
      break;
    case Effect::Detach:
      if (isOn(Rule::thread_Detached))
        suspectThreads();
      apply(At, Handle(), HandleEvent::Detach);
      break;
    case Effect::Cancel:
      apply(At, Handle(), HandleEvent::Cancel);
      break;
    case Effect::Acquire:
      apply(At, Sync(), Row.Shared ? SyncEvent::AcquireShared : SyncEvent::Acquire);
      break;
    case Effect::TryAcquire:
      apply(At, Sync(), SyncEvent::AcquireAgain);
      break;
    case Effect::Guard: // up to the end of its block, wherever that is
      apply(At, Sync(), SyncEvent::Acquire);
      if (const Name Lock = Sync())
        At.Known[I.number(*Lock)] |= constant(bit(SyncStage::Free));
      break;
    case Effect::Release:
      apply(At, Sync(), SyncEvent::Release);
      break;
    case Effect::Init:
      apply(At, Sync(), SyncEvent::Init);
      break;
    case Effect::Destroy: {
      const Name Ended = Sync();
      destroy(At, onlyOn(Ended));
      apply(At, Ended, SyncEvent::Destroy);
      break;
    }
    case Effect::Once:
    case Effect::Post:
      if (Object)
        apply(At, Sync(), SyncEvent::Use);
      break;
    case Effect::Wait: {
      const Expr *Lock = Unit::argument(Call, Row.Lock);
      Name Own = Lock ? pointee(Lock, SyncObject) : std::nullopt;
      if (Object)
        apply(At, Sync(), SyncEvent::Use);
      if (Lock) {
        Out.WaitsWith.add(onlyOn(Own));
        apply(At, Own, SyncEvent::WaitFor);
      }
      block(At, Own);
      At.await();
      Out.Concern.Threads = true; // a thread that tells its spawner has taken what it was given
      break;
    }
    case Effect::Block:
      if (I.A.mayWaitForLong(Call, Row))
        block(At);
      break;
    case Effect::EndThread:
      Out.EndsThread = Out.Concern.All = true;
      join(Ended, At, *this);
      if (!Row.JoinsScopes)
        jump(At);
      break;
    case Effect::Fork:
    case Effect::Self:
    case Effect::Equal:
    case Effect::Observe:
    case Effect::EndProcess:
      Out.Concern.Threads = true;
      break;
    case Effect::AttributeInit:
    case Effect::AttributeSet:
      Out.Configures = Out.Concern.All = true;
      break;
    default:
      break;
    }
    // What a failure leaves as it was. That a lock was not given back, or a thread not joined, nobody can act on.
    switch (Row.What) {
    case Effect::Acquire:
    case Effect::TryAcquire:
    case Effect::TryJoin:
      if (Failed && !Worked)
        At = Before;
      else if (Failed)
        join(At, Before, *this);
      break;
    case Effect::Init:
      if (Failed)
        join(At, Before, *this);
      break;
    default:
      break;
    }
  }
}

Name Pass::translated(const Place &Inner, const CallExpr *Call) {
  Place Outer = Inner;
  size_t Kept = 0; // the steps that are the caller's own
  if (const auto *Param = dyn_cast<ParmVarDecl>(Inner.base())) {
    const unsigned Index = Param->getFunctionScopeIndex();
    if (Index >= Call->getNumArgs())
      return std::nullopt;
    const Expr *Argument = Call->getArg(Index);
    const bool Behind = Inner.Path.size() > 1 && Inner.Path[1] == Place::Deref;
    const Name Given = Behind ? pointee(Argument, Inner.What) : lvalue(Argument, Inner.What);
    if (!Given)
      return std::nullopt;
    Outer = *Given;
    Kept = Outer.Path.size();
    for (Place::Step S : llvm::ArrayRef(Inner.Path).drop_front(Behind ? 2 : 1))
      Outer.Path.push_back(S);
  } else {
    Outer.Indexes.clear();
  }
  if (Inner.Indexes.empty())
    return Outer;
  // An index over parameters is one over what they are given, one over the callee's own variables says nothing here.
  llvm::FoldingSetNodeID Reads;
  bool Known = true;
  for (Place::Step Read : Inner.Indexes) {
    const auto *Var = dyn_cast<VarDecl>(reinterpret_cast<const Decl *>(Read));
    const auto *Param = dyn_cast_or_null<ParmVarDecl>(Var);
    if (Param && Param->getFunctionScopeIndex() < Call->getNumArgs()) {
      Place Argument = Outer;
      addIndex(Argument, Call->getArg(Param->getFunctionScopeIndex()));
      Known &= Argument.Path.back() != Place::AnyIndex;
      Reads.AddInteger(Argument.Path.back());
      Outer.Indexes = std::move(Argument.Indexes);
    } else {
      Known &= !Var || !Var->hasLocalStorage();
      Outer.Indexes.push_back(Read);
    }
  }
  for (Place::Step &S : llvm::MutableArrayRef(Outer.Path).drop_front(Kept))
    if ((S & 3) == 3) {
      llvm::FoldingSetNodeID Id = Reads;
      Id.AddInteger(S);
      S = Known ? Place::index(Id.ComputeHash()) : Place::AnyIndex;
    }
  return Outer;
}

/// Whether an object of \p Type is, or has in it, one of the type \p Part.
static bool holds(QualType Type, const clang::Type *Part) {
  Type = Type.getCanonicalType();
  if (Type.getTypePtr() == Part)
    return true;
  if (const auto *Array = dyn_cast<ArrayType>(Type.getTypePtr()))
    return holds(Array->getElementType(), Part);
  const RecordDecl *Record = Type->getAsRecordDecl();
  return Record && llvm::any_of(Record->fields(), [&](const FieldDecl *F) { return holds(F->getType(), Part); });
}

/// The variable of its own by which a function makes \p Call: what lies elsewhere the proof does not know either.
static const VarDecl *ownPointer(const Expr *Pointer) {
  const auto *Ref = dyn_cast<DeclRefExpr>(Pointer->IgnoreParenImpCasts());
  const auto *Var = Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
  return Var && Var->hasLocalStorage() && Var->getType()->isFunctionPointerType() ? Var : nullptr;
}

void Pass::callFunction(Point &At, const CallExpr *Call, const FunctionDecl *Callee) {
  const Summary &Inner = I.summaryOf(Callee, Given);
  if (!Inner.Done) { // calls itself, directly or not: of the ways that come back, others are known so far
    At.Reached = false;
    return;
  }
  Out.Concern.add(Inner.Concern);
  Out.WaitsWith.add(Inner.WaitsWith);
  // What goes wrong in there whatever the caller did is seen from here too, unless it is looked at by itself.
  const bool Alone = I.standsAlone(Callee);
  if (Inner.Suspect && !Alone) {
    Out.Suspect = true;
    Out.Suspected.add(Inner.Suspected);
  }
  if (!Inner.LeavesHidden.empty()) {
    Out.Suspect = true;
    Out.Suspected.add(Inner.LeavesHidden);
  }
  At.Loose |= Inner.LeavesLoose;
  if (Inner.Keeps)
    block(At);
  for (unsigned Number : Inner.GivesBack)
    block(At, translated(*I.Places[Number], Call));
  if (!Inner.Destroys.empty())
    destroy(At, Inner.Destroys);
  if (!Inner.isClosed(I.Places)) { // else the proof passes it by
    if (!Inner.PassesUsers)
      At.await();
    At.OwnUse |= Inner.LeavesUsers;
    if (U.givesUpHandles(Callee)) // who joins some joins all that it should
      At.await();
  }
  if (!U.spawnsOf(F).empty() && U.givesUpHandles(Callee))
    suspectThreads(); // a thread that joins may join itself
  if (Inner.EndsThread) {
    Out.EndsThread = true;
    join(Ended, At, *this);
  }
  if (Inner.Jumps)
    jump(At);
  Out.Configures |= Inner.Configures;
  Out.CallsBack |= Inner.CallsBack && llvm::any_of(Call->arguments(), ownPointer);
  Out.LendsSome.insert(Inner.LendsSome.begin(), Inner.LendsSome.end());
  for (unsigned N = 0; N < Call->getNumArgs(); ++N) {
    if (Inner.Lends.count(N))
      lend(Call->getArg(N));
    const VarDecl *Var = variablePointedTo(Call->getArg(N));
    if (Var && Var->hasLocalStorage() && (Inner.Lends.count(N) || llvm::any_of(Inner.LendsSome, [&](const Type *T) {
                                            return !T || holds(Var->getType(), T);
                                          })))
      suspectThreads(); // who knows how long the thread runs
  }
  Out.HiddenSyncs.add(Inner.HiddenSyncs);
  for (Kind K : Kinds)
    if (Inner.Hidden[K]) {
      Out.Hidden[K] = true;
      const Stages Safe = K == SyncObject && Inner.isClosed(I.Places) ? Summary::Given : UnknownStage;
      for (const auto &[Number, R] : At.Known)
        if (I.Places[Number]->What == K && (rowOf(R, 0) & ~Safe) &&
            (K != SyncObject || Inner.HiddenSyncs.isOn(declared(*I.Places[Number])))) {
          suspect(*I.Places[Number]); // and what has the same last name
          Out.Suspected.All |= Inner.Concern.All;
          Out.Suspected.Syncs |= K == SyncObject && Inner.Concern.Syncs;
        }
    }
  for (const auto &[Number, R] : Inner.Known) {
    Name P = translated(*I.Places[Number], Call);
    if (!P) {
      suspect(I.Places[Number]->What);
      continue;
    }
    const unsigned Outer = I.number(*P);
    const Relation Before = get(At, Outer);
    const Relation Applied = R;
    Relation After = then(Before, [&](Stages From) {
      Stages Next = 0;
      for (unsigned S = 0; S < NumStages; ++S)
        if (From & (1u << S))
          Next |= rowOf(Applied, S);
      return Next;
    });
    // What goes wrong from a stage of which nothing is known is found where the callee is looked at by itself.
    if (auto Breaks = Inner.Breaks.find(Number); Breaks != Inner.Breaks.end())
      for (unsigned Entry = 0; Entry < NumStages; ++Entry)
        if (rowOf(Before, Entry) & Breaks->second & ~(Alone ? UnknownStage : 0))
          Out.Breaks[Outer] |= Stages(1u << Entry);
    // What another name of the object has seen.
    if (rowOf(Before, 0) & UnknownStage)
      if (auto Breaks = Inner.Breaks.find(Number); Breaks != Inner.Breaks.end())
        for (const auto &[Other, Seen] : At.Known)
          if (Other != Outer && mayAlias(*P, *I.Places[Other]) && (rowOf(Seen, 0) & ~UnknownStage & Breaks->second)) {
            suspect(*P);
            suspect(*I.Places[Other]);
          }
    if (P->What == SyncObject)
      releaseOthers(At, Outer, Before, After);
    At.Known[Outer] = isWeak(*P) ? Before | After : After;
  }
}

void Pass::callUnseen(Point &At, const CallExpr *Call) {
  if (const FunctionDecl *Callee = Call->getDirectCallee(); Callee && isDeclaredToLock(Callee)) {
    suspect(); // what an attribute names is left to the proof
    Out.Concern.All = true;
    Out.Hidden[SyncObject] = Out.HiddenSyncs.All = Out.LeavesHidden.All = true;
  }
  for (const Expr *Argument : Call->arguments())
    for (Kind K : Kinds)
      if (Name P = Argument->getType()->isPointerType() ? pointee(Argument, K) : std::nullopt)
        for (auto &[Number, R] : At.Known)
          if (I.Places[Number]->What == K && isPrefix(*P, *I.Places[Number]))
            R |= constant(UnknownStage);
}

void Pass::callPointer(const Point &At, const CallExpr *Call) {
  const VarDecl *By = ownPointer(Call->getCallee());
  for (const FunctionDecl *Given : U.definitions()) {
    if (!By || !U.isHandedOut(Given) || !U.touchesSync(Given) ||
        !U.context().hasSameUnqualifiedType(By->getType()->getPointeeType(), Given->getType()))
      continue;
    Out.CallsBack |= isa<ParmVarDecl>(By);
    const Summary &Inner = I.summaryOf(Given, this->Given);
    for (const auto &[Number, R] : At.Known)
      if (const ValueDecl *Declared = declared(*I.Places[Number]); I.Places[Number]->What == SyncObject &&
                                                                   (rowOf(R, 0) & ~UnknownStage) && Declared &&
                                                                   Inner.Concern.isOn(Declared))
        suspect(*I.Places[Number]);
  }
}

void Pass::jump(const Point &At) {
  Out.Jumps = Out.Concern.All = true;
  for (const auto &[Number, R] : At.Known)
    if (I.Places[Number]->What == ScopeObject && (rowOf(R, 0) & (Unjoined | bit(ScopeStage::Closed))))
      suspect();
}

void Pass::callScope(Point &At, const CallExpr *Call, const FunctionDecl *Callee) {
  struct {
    Effect What;
    std::optional<ScopeEvent> Event;
    bool Waits;
  } static constexpr Events[] = {
      {Effect::ScopeOpen, ScopeEvent::Open, false},   {Effect::SpawnTask, ScopeEvent::Spawn, false},
      {Effect::ScopeLimit, ScopeEvent::Limit, false}, {Effect::ScopeClose, ScopeEvent::Close, false},
      {Effect::ScopeJoin, ScopeEvent::Join, true},    {Effect::ScopeTryJoin, ScopeEvent::Join, true},
      {Effect::ScopeEnd, ScopeEvent::Join, true},     {Effect::JoinTask, std::nullopt, true}};
  callUnseen(At, Call);
  for (const auto &E : Events) {
    const Meaning *Row = U.meaningOf(Callee, E.What);
    if (!Row)
      continue;
    if (E.Waits)
      block(At);
    const Expr *Object = Unit::argument(Call, E.What == Effect::SpawnTask ? Row->Scope : Row->Object);
    if (!E.Event || !Object)
      continue;
    const Point Before = At;
    apply(At, pointee(Object, ScopeObject), *E.Event);
    if (E.What == Effect::ScopeOpen || E.What == Effect::ScopeTryJoin)
      join(At, Before, *this); // it may have failed
    // The storage of a task that may outlive this function in a scope from elsewhere.
    const VarDecl *Handle = E.What == Effect::SpawnTask && Row->Handle.isArgument()
                                ? variablePointedTo(Call->getArg(Row->Handle.index()))
                                : nullptr;
    const VarDecl *Scope = Handle ? variablePointedTo(Object) : nullptr;
    if (Handle && Handle->hasLocalStorage() && !(Scope && Scope->hasLocalStorage()))
      suspect();
  }
  if (U.meaningOf(Callee, Effect::Jump))
    jump(At);
}

bool Pass::mayFail(const CallExpr *Call, const Meaning &Row) const {
  if (Row.What == Effect::TryAcquire || Row.What == Effect::TryJoin)
    return true;
  // Whoever does not look at the result goes on as if it had worked.
  const Stmt *Child = Call;
  const ParentMap &Parents = I.Manager.getAnalysisDeclContext(F)->getParentMap();
  const Stmt *Parent = Parents.getParent(Child);
  for (; isa_and_nonnull<ParenExpr, CastExpr, FullExpr>(Parent); Parent = Parents.getParent(Child))
    Child = Parent;
  if (const auto *If = dyn_cast_or_null<IfStmt>(Parent))
    return If->getCond() == Child;
  if (const auto *While = dyn_cast_or_null<WhileStmt>(Parent))
    return While->getCond() == Child;
  if (const auto *Do = dyn_cast_or_null<DoStmt>(Parent))
    return Do->getCond() == Child;
  return isa_and_nonnull<Expr, DeclStmt, ReturnStmt, SwitchStmt, ForStmt>(Parent);
}

bool Pass::visit(Point &At, const Stmt *S, const Test &Asked, bool Worked) {
  if (const auto *Declaration = dyn_cast<DeclStmt>(S)) {
    for (const Decl *D : Declaration->decls())
      if (const auto *Var = dyn_cast<VarDecl>(D))
        declare(At, Var);
  } else if (const auto *B = dyn_cast<BinaryOperator>(S)) {
    if (B->isAssignmentOp())
      assign(At, B->getLHS());
  } else if (const auto *Op = dyn_cast<UnaryOperator>(S)) {
    if (Op->isIncrementDecrementOp())
      assign(At, Op->getSubExpr());
  } else if (const auto *Call = dyn_cast<CallExpr>(S)) {
    const FunctionDecl *Callee = Call->getDirectCallee(), *Definition = nullptr;
    free(At, Call);
    if (ArrayRef<Meaning> Rows = U.meaningsOf(Call); !Rows.empty()) {
      for (const Meaning &Row : Rows)
        if (Row.What == Effect::EndProcess)
          return false;
      if (Asked.Call == Call)
        callEffects(At, Call, Rows, Worked, !Worked);
      else
        callEffects(At, Call, Rows, true, mayFail(Call, Rows.front()));
      if (llvm::any_of(Rows, [](const Meaning &Row) { return Row.What == Effect::EndThread; }))
        return false;
    } else if (Callee && Callee->hasBody(Definition) && U.hasEffect(Definition)) {
      callFunction(At, Call, Definition);
      return At.Reached;
    } else if (U.isDescribed(Callee)) {
      callScope(At, Call, Callee);
    } else if (!Callee || !Callee->hasBody() || isDeclaredToLock(Callee)) {
      if (!Callee)
        callPointer(At, Call);
      callUnseen(At, Call);
    }
  }
  return true;
}

// ---- the flow -------------------------------------------------------------------------------------------------------

Test Pass::testOf(const CFGBlock &B) const {
  const auto *Condition = dyn_cast_or_null<Expr>(B.getTerminatorCondition());
  if (!Condition || B.succ_size() != 2 || isa_and_nonnull<SwitchStmt>(B.getTerminatorStmt()))
    return {};
  bool True = true; // what the condition is when E is true
  const Expr *E = Condition;
  std::optional<int64_t> Compared;
  BinaryOperatorKind Op = BO_NE;
  while (true) {
    E = E->IgnoreParenImpCasts();
    if (const auto *Not = dyn_cast<UnaryOperator>(E); Not && Not->getOpcode() == UO_LNot) {
      True = !True;
      E = Not->getSubExpr();
    } else if (const auto *Binary = dyn_cast<BinaryOperator>(E); Binary && Binary->isLogicalOp()) {
      E = Binary->getRHS(); // the left side had a block of its own
    } else if (const auto *Hint = dyn_cast<CallExpr>(E);
               Hint && Hint->getBuiltinCallee() == Builtin::BI__builtin_expect) {
      E = Hint->getArg(0);
    } else if (Binary && Binary->isComparisonOp() && !Compared) {
      Expr::EvalResult Value;
      if (Binary->getRHS()->EvaluateAsInt(Value, U.context())) {
        E = Binary->getLHS();
        Op = Binary->getOpcode();
      } else if (Binary->getLHS()->EvaluateAsInt(Value, U.context())) {
        E = Binary->getRHS();
        Op = BinaryOperator::reverseComparisonOp(Binary->getOpcode());
      } else {
        return {};
      }
      Compared = numberOf(Value.Val.getInt());
    } else {
      break;
    }
  }
  if (const auto *Assign = dyn_cast<BinaryOperator>(E); Assign && Assign->getOpcode() == BO_Assign)
    E = Assign->getRHS()->IgnoreParenImpCasts();
  const auto *Call = dyn_cast<CallExpr>(E);
  if (const auto *Ref = dyn_cast<DeclRefExpr>(E)) // rc = …; if (rc)
    for (const CFGElement &Element : B)
      if (auto S = Element.getAs<CFGStmt>()) {
        const Expr *Value = nullptr;
        if (const auto *Assign = dyn_cast<BinaryOperator>(S->getStmt()); Assign && Assign->isAssignmentOp()) {
          const auto *To = dyn_cast<DeclRefExpr>(Assign->getLHS()->IgnoreParens());
          if (!To || To->getDecl() != Ref->getDecl())
            continue;
          Value = Assign->getOpcode() == BO_Assign ? Assign->getRHS() : nullptr;
        } else if (const auto *Declaration = dyn_cast<DeclStmt>(S->getStmt());
                   Declaration && Declaration->isSingleDecl() && Declaration->getSingleDecl() == Ref->getDecl()) {
          Value = cast<VarDecl>(Ref->getDecl())->getInit();
        } else {
          continue;
        }
        Call = Value ? dyn_cast<CallExpr>(Value->IgnoreParenImpCasts()) : nullptr;
      }
  ArrayRef<Meaning> Rows = Call ? U.meaningsOf(Call->getDirectCallee()) : ArrayRef<Meaning>();
  if (Rows.empty())
    return {};
  const Meaning &Row = Rows.front();
  std::optional<bool> Worked; // what E true says of the call
  switch (Row.Worked.How) {
  case Success::Always:
    return {};
  case Success::Zero:
  case Success::Constant:
    if (Compared.value_or(0) != U.successValue(Row).value_or(0))
      return {};
    Worked = Op == BO_EQ ? std::optional(true) : Op == BO_NE ? std::optional(false) : std::nullopt;
    break;
  case Success::NonZero:
  case Success::NonNull:
    if (Compared.value_or(0) != 0)
      return {};
    Worked = Op == BO_EQ ? std::optional(false) : Op == BO_NE ? std::optional(true) : std::nullopt;
    break;
  case Success::NonNegative:
    if (Compared == 0 && (Op == BO_LT || Op == BO_GE))
      Worked = Op == BO_GE;
    break;
  }
  if (!Worked)
    return {};
  return {Call, *Worked == True};
}

bool Pass::joinsInLoop(const CFGBlock &B) const {
  const Stmt *Loop = B.getTerminatorStmt();
  if (!isa_and_nonnull<ForStmt, WhileStmt, DoStmt>(Loop) || !B.getTerminatorCondition() || !U.givesUpHandles(F))
    return false;
  return holds(Loop, [&](const Stmt *S) {
    const auto *Call = dyn_cast<CallExpr>(S);
    return Call && U.givesUpHandles(Call);
  });
}

void Pass::join(Point &Into, const Point &From, const Pass &P) {
  if (!From.Reached)
    return;
  if (!Into.Reached) {
    Into = From;
    return;
  }
  for (auto &[Number, R] : Into.Known)
    R |= P.get(From, Number);
  for (const auto &[Number, R] : From.Known)
    if (!Into.Known.count(Number))
      Into.Known[Number] = R | P.atEntry(*P.I.Places[Number]);
  for (Kind K : Kinds)
    Into.Lost[K] |= From.Lost[K];
  Into.Loose |= From.Loose;
  Into.OwnUse |= From.OwnUse;
  Into.OthersUse |= From.OthersUse;
}

void Pass::run() {
  const CFG *Graph = I.Manager.getCFG(F);
  if (!Graph) {
    suspect();
    Out.Done = Out.Concern.All = Out.PassesUsers = true;
    return;
  }
  llvm::DenseMap<const CFGBlock *, Point> Entries;
  Entries[&Graph->getEntry()].Reached = true;
  const PostOrderCFGView &Blocks = *I.Manager.getAnalysisDeclContext(F)->getAnalysis<PostOrderCFGView>();
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (const CFGBlock *B : Blocks) {
      const Point Start = Entries.lookup(B);
      if (!Start.Reached || B == &Graph->getExit())
        continue;
      const Test Asked = testOf(*B);
      Point Ends[2] = {Start, Start}; // where the call that the branch asks about has worked, and where it has not
      for (bool Worked : {true, false}) {
        Point &At = Ends[Worked ? 0 : 1];
        for (const CFGElement &Element : *B)
          if (auto S = Element.getAs<CFGStmt>(); S && At.Reached)
            At.Reached = visit(At, S->getStmt(), Asked, Worked);
        if (!Asked.Call) {
          Ends[1] = Ends[0];
          break;
        }
      }
      if (B->hasNoReturnElement())
        continue;
      if (joinsInLoop(*B)) { // as often as another one has spawned
        Ends[0].await();
        Ends[1].await();
      }
      const std::optional<bool> Way = decided(*B);
      unsigned Edge = 0;
      for (const CFGBlock *Next : B->succs()) {
        const bool True = Edge++ == 0;
        if (!Next || (Way && *Way != True))
          continue;
        Point &To = Entries[Next];
        Point Merged = To;
        join(Merged, Ends[!Asked.Call || True == Asked.WorkedWhenTrue ? 0 : 1], *this);
        if (!(Merged == To)) {
          To = std::move(Merged);
          Changed = true;
        }
      }
    }
  }
  const Point Exit = Entries.lookup(&Graph->getExit());
  join(Ended, Exit, *this);
  if (Ended.Reached)
    end(Ended);
  Out.LeavesUsers = Exit.OwnUse;
  Out.PassesUsers = Exit.OthersUse;
  Out.LeavesLoose = Exit.Loose || (Exit.Lost[HandleObject] & Running);
  for (const auto &[Number, R] : Exit.Known) {
    const Place &P = *I.Places[Number];
    if (isVisible(P) && !Renamed.count(Number)) {
      Out.Known[Number] = R;
    } else if (isLocal(P)) {
      Out.LeavesLoose |= P.What == HandleObject && (rowOf(R, 0) & Running);
      Out.LeavesHidden.Threads |= P.What == HandleObject && (rowOf(R, 0) & Running) && isHandedOn(P);
    } else {
      Out.Hidden[P.What] = true;
      if (P.What == SyncObject)
        Out.HiddenSyncs.add(onlyOn(P));
      Out.LeavesLoose |= P.What == HandleObject && (rowOf(R, 0) & Running);
      if (P.What == SyncObject && (rowOf(R, 0) & Taken))
        Out.LeavesHidden.add(onlyOn(P));
    }
  }
  for (auto It = Out.GivesBack.begin(); It != Out.GivesBack.end();) {
    const bool Named = isVisible(*I.Places[*It]) && !Renamed.count(*It);
    Out.Keeps |= !Named;
    It = Named ? std::next(It) : Out.GivesBack.erase(It);
  }
  for (const auto &[Number, Entry] : Out.Breaks)
    if (Entry & UnknownStage)
      suspect(*I.Places[Number]);
  if (Out.Suspected.Waits) // whether a wait gives back what is held is asked too
    Out.Suspected.add(Out.WaitsWith);
  Out.Done = true;
}

std::optional<Guard> Pass::guardAt(const CFGBlock &B) const {
  const auto *Condition = dyn_cast_or_null<Expr>(B.getTerminatorCondition());
  if (!Condition || B.succ_size() != 2 || isa_and_nonnull<SwitchStmt>(B.getTerminatorStmt()))
    return std::nullopt;
  return guardOf(Condition, U.context());
}

std::optional<bool> Pass::decided(const CFGBlock &B) const {
  const std::optional<Guard> G = Given.empty() ? std::nullopt : guardAt(B);
  auto Way = G ? Given.find(G->Hash) : Given.end();
  return Way == Given.end() ? std::nullopt : std::optional(Way->second != G->Negated);
}

void Pass::runByGuards() {
  const CFG *Graph = I.Manager.getCFG(F);
  std::map<unsigned, unsigned> Asked; // in how many places
  SmallVector<unsigned, 8> InOrder;
  auto Note = [&](unsigned Hash) {
    if (!Given.count(Hash) && ++Asked[Hash] == 2)
      InOrder.push_back(Hash);
  };
  for (const CallExpr *Call : U.callsIn(F))
    if (const FunctionDecl *Callee = nullptr; Call->getDirectCallee()->hasBody(Callee) && U.hasEffect(Callee))
      for (unsigned Hash : I.flagsIn(Callee))
        if (!U.mayWrite(F, I.Flags.lookup(Hash)))
          Note(Hash);
  for (const CFGBlock *B : *Graph) {
    const std::optional<Guard> G = guardAt(*B);
    if (!G)
      continue;
    const bool Constant = llvm::none_of(G->Reads, [&](const ValueDecl *D) {
      const auto *Var = dyn_cast<VarDecl>(D);
      return Writes.Fields.count(D) || (Var && (Writes.Times.count(Var) || U.mayWrite(F, Var)));
    });
    if (Constant)
      Note(G->Hash);
  }
  constexpr size_t MostGuards = 3; // eight runs
  if (InOrder.size() > MostGuards)
    InOrder.resize(MostGuards);
  if (InOrder.empty())
    return;
  Summary United;
  for (unsigned Case = 0; Case < 1u << InOrder.size(); ++Case) {
    Summary One;
    Assumption Stands = Given;
    for (size_t G = 0; G < InOrder.size(); ++G)
      Stands[InOrder[G]] = Case >> G & 1;
    Pass Again(I, F, One, std::move(Stands));
    Again.run();
    United.unite(One, [&](unsigned Number) { return Again.atEntry(*I.Places[Number]); });
  }
  Out = std::move(United);
  // Under one guard it gives back what under another it keeps.
  for (unsigned Number : Out.EndsHeld)
    if (Out.EndsFree.count(Number) && isOn(Rule::lock_Leak))
      suspect(*I.Places[Number]);
}

const Written &Triage::Impl::writesOf(const FunctionDecl *F) {
  std::unique_ptr<Written> &Known = Writes[F];
  if (!Known) {
    Known = std::make_unique<Written>(U.context());
    Known->TraverseStmt(F->getBody());
  }
  return *Known;
}

const std::vector<unsigned> &Triage::Impl::flagsIn(const FunctionDecl *F) {
  if (auto [Known, New] = FlagsIn.try_emplace(F); !New)
    return Known->second; // nothing yet of one that calls itself: then both ways are gone
  std::vector<unsigned> Found;
  auto Add = [&](unsigned Hash) {
    if (!llvm::is_contained(Found, Hash))
      Found.push_back(Hash);
  };
  for (const CallExpr *Call : U.callsIn(F))
    if (const FunctionDecl *Callee = nullptr; Call->getDirectCallee()->hasBody(Callee) && U.hasEffect(Callee))
      for (unsigned Hash : std::vector<unsigned>(flagsIn(Callee))) // the map may move it
        Add(Hash);
  if (const CFG *Graph = Manager.getCFG(F))
    for (const CFGBlock *B : *Graph) {
      const auto *Condition = dyn_cast_or_null<Expr>(B->getTerminatorCondition());
      const std::optional<Guard> G = Condition && B->succ_size() == 2 ? guardOf(Condition, U.context()) : std::nullopt;
      const auto *Ref = G && !G->Question ? dyn_cast_or_null<DeclRefExpr>(G->Object) : nullptr;
      const auto *Var = Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
      if (Var && !Var->hasLocalStorage()) {
        Flags[G->Hash] = Var;
        Add(G->Hash);
      }
    }
  return FlagsIn[F] = std::move(Found);
}

bool Triage::Impl::holdsOwnHandle(const Place &P) {
  if (!OwnHandles) {
    struct Stores : RecursiveASTVisitor<Stores> {
      const Unit &U;
      std::set<Place::Step> Found;
      explicit Stores(const Unit &U) : U(U) {}
      void note(const Decl *To, const Expr *Value) {
        const auto *Call = dyn_cast<CallExpr>(Value->IgnoreParenCasts());
        // What a function of this file returns may be its own handle, too.
        if (Call &&
            (U.meaningOf(Call, Effect::Self) || (Call->getDirectCallee() && U.hasEffect(Call->getDirectCallee()))))
          Found.insert(Place::of(To));
      }
      bool VisitVarDecl(VarDecl *Var) { return Var->hasInit() ? (note(Var, Var->getInit()), true) : true; }
      bool VisitBinaryOperator(BinaryOperator *B) {
        const Expr *To = B->isAssignmentOp() ? B->getLHS()->IgnoreParenCasts() : nullptr;
        while (const auto *Element = dyn_cast_or_null<ArraySubscriptExpr>(To))
          To = Element->getBase()->IgnoreParenCasts();
        if (const auto *Ref = dyn_cast_or_null<DeclRefExpr>(To))
          note(Ref->getDecl(), B->getRHS());
        else if (const auto *Member = dyn_cast_or_null<MemberExpr>(To))
          note(Member->getMemberDecl(), B->getRHS());
        return true;
      }
    } All(U);
    if (U.has(Effect::Self))
      for (const FunctionDecl *F : U.definitions())
        All.TraverseStmt(F->getBody());
    OwnHandles = std::move(All.Found);
  }
  return isa<FunctionDecl>(P.base()) || llvm::any_of(P.Path, [&](Place::Step S) { return OwnHandles->count(S); });
}

Summary &Triage::Impl::summaryOf(const FunctionDecl *F, const Assumption &Given) {
  F = F->getDefinition() ? F->getDefinition() : F;
  Assumption Stands;
  if (!Given.empty() && F->hasBody())
    for (unsigned Hash : flagsIn(F))
      if (auto Way = Given.find(Hash); Way != Given.end())
        Stands.insert(*Way);
  std::unique_ptr<Summary> &Known = Summaries[{F, Stands}];
  if (Known && (Known->RestsOn == Summary::Final || Known->UnderWay || Known->Round == Round)) {
    Outermost = std::min(Outermost, Known->RestsOn);
    return *Known;
  }
  if (Known)
    ++Repeated;
  else
    Known = std::make_unique<Summary>();
  Summary &Out = *Known;
  if (!F->hasBody()) {
    Out.Done = true;
    return Out;
  }
  const unsigned Depth = Depths++, OutermostBefore = Outermost;
  const bool GrewBefore = Grew;
  const size_t First = Guessed.size();
  unsigned Rounds = 0;
  Guessed.push_back(&Out);
  for (;;) {
    Outermost = Summary::Final;
    Out.UnderWay = true;
    Out.RestsOn = Depth;
    Summary Next;
    Pass Once(*this, F, Next, Stands);
    Once.run();
    if (Next.Suspect || !Next.isClosed(Places))
      Once.runByGuards();
    // It begins with a lock held, or owes one at its end, by a name that only the proof follows.
    Next.Suspect |= hasLockAttributes(F) && U.touchesSync(F);
    if (auto Seen = Balanced.find(F->getCanonicalDecl()); Seen != Balanced.end())
      Next.balance(Seen->second, Places);
    Next.RestsOn = Depth;
    Next.Round = Round;
    Grew |= !Next.says(Out);
    Out = std::move(Next);
    // Whoever is asked for first goes on, for all that call each other.
    if (Outermost != Depth || !Grew)
      break;
    if (++Rounds >= MostRounds || Repeated >= MostRepeats) {
      for (Summary *Guess : llvm::drop_begin(Guessed, First))
        Guess->Done = Guess->Suspect = Guess->Suspected.All = Guess->Concern.All = Guess->LeavesHidden.All = true;
      break;
    }
    Grew = false;
    ++Round;
  }
  Out.UnderWay = false;
  --Depths;
  const unsigned RestsOn = Outermost < Depth ? Outermost : Summary::Final;
  for (Summary *Guess : llvm::drop_begin(Guessed, First))
    Guess->RestsOn = RestsOn == Summary::Final ? RestsOn : std::min(RestsOn, Guess->RestsOn);
  if (RestsOn == Summary::Final) {
    Guessed.resize(First);
    Grew = GrewBefore;
  }
  Grew |= GrewBefore;
  Outermost = std::min(OutermostBefore, RestsOn);
  return Out;
}

Triage::Triage(const Analysis &A, ento::AnalysisManager &Manager) : I(std::make_unique<Impl>(A, Manager)) {}
Triage::~Triage() = default;

bool Triage::isSuspect(const FunctionDecl *F) {
  return I->summaryOf(F).Suspect && !I->Cleared.count(F->getCanonicalDecl());
}

void Triage::clear(const FunctionDecl *F) {
  if (!I->summaryOf(F).CallsBack) // else whoever calls it has a say in what it does
    I->Cleared.insert(F->getCanonicalDecl());
}

void Triage::balance(const FunctionDecl *F, bool Locks, bool Threads) {
  const Focus &Seen = suspicion(F);
  const Balance &Of = I->Balanced[F->getCanonicalDecl()] = {Seen, Locks, Threads && (Seen.Threads || Seen.All)};
  for (auto &[Which, Known] : I->Summaries)
    if (Which.first->getCanonicalDecl() == F->getCanonicalDecl())
      Known->balance(Of, I->Places);
}

bool Triage::standsAlone(const FunctionDecl *F) { return I->standsAlone(F); }

bool Triage::isClosed(const FunctionDecl *F) { return I->summaryOf(F).isClosed(I->Places); }

const Focus &Triage::suspicion(const FunctionDecl *F) { return I->summaryOf(F).Suspected; }

const Focus &Triage::concern(const FunctionDecl *F) {
  const Summary &Of = I->summaryOf(F);
  static const Focus Everything = Focus::everything();
  return Of.Done ? Of.Concern : Everything;
}

bool Triage::mayWait(const FunctionDecl *F) {
  const Summary &Of = I->summaryOf(F);
  return Of.Blocks || !Of.Done;
}
