// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How paths are explored, whatever the rule. The analyzer's own exploration leaves a path when a loop has gone round a
// few times, believes that a flag can change behind each call, and inlines what has nothing to do with threads. For
// rules about what is missing at the end of a path the first loses defects, the second invents them, and the third
// costs time.
#include "checkers/Checkers.h"
#include "checkers/Flow.h"
#include "checkers/Forks.h"
#include "checkers/LlvmCompat.h"
#include "checkers/Objects.h"
#include "checkers/Visits.h"
#include "checkers/WaitsAhead.h"
#include "clang/AST/ParentMap.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/Analysis/Analyses/LiveVariables.h"
#include "clang/Analysis/CFGStmtMap.h"
#include "clang/StaticAnalyzer/Core/Checker.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CallEvent.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CheckerContext.h"
#include <map>
#include <set>

using namespace clang;
using namespace ento;
using namespace safespawn;

/// The value that a guard had when the path last came by it, by a hash of how the guard is written and its frame.
REGISTER_MAP_WITH_PROGRAMSTATE(GuardMap, unsigned, SVal)
/// The loops that the path could not have left when it last came to their conditions.
REGISTER_SET_WITH_PROGRAMSTATE(ClosedLoops, const clang::Stmt *)

/// Of a path that looks into a call, only to see what the callee waits for: the call, and where it is made.
REGISTER_TRAIT_WITH_PROGRAMSTATE(LookedInto, const clang::Stmt *)
REGISTER_TRAIT_WITH_PROGRAMSTATE(LookedFrom, const clang::LocationContext *)

/// Memory that the path has written, of what matters.
REGISTER_SET_WITH_PROGRAMSTATE(StoredSet, const clang::ento::MemRegion *)

namespace {

class PathModel : public Checker<check::BranchCondition, check::PostStmt<UnaryOperator>, check::Bind,
                                 check::RegionChanges, check::LiveSymbols, check::Location, check::PreCall, eval::Call,
                                 check::PostCall, check::EndAnalysis> {
public:
  Analysis *A = nullptr;
  std::shared_ptr<void> Keep;
  std::unique_ptr<Forks> Branches;
  std::unique_ptr<WaitsAhead> Ahead;

  void checkBranchCondition(const Stmt *Condition, CheckerContext &C) const;
  void checkPostStmt(const UnaryOperator *Op, CheckerContext &C) const;
  SAFESPAWN_CHECK_BIND(Location, /*Value*/, C) {
    C.addTransition(noteStore(forgetGuards(C.getState(), Location), Location, C));
  }
  ProgramStateRef checkRegionChanges(ProgramStateRef State, const InvalidatedSymbols *Symbols,
                                     ArrayRef<const MemRegion *> Explicit, ArrayRef<const MemRegion *> Changed,
                                     const LocationContext *Here, const CallEvent *Call) const;
  void checkLiveSymbols(ProgramStateRef State, SymbolReaper &Reaper) const;
  void checkLocation(SVal Location, bool IsLoad, const Stmt *S, CheckerContext &C) const;
  void checkPreCall(const CallEvent &Call, CheckerContext &C) const;
  bool evalCall(const CallEvent &Call, CheckerContext &C) const;
  void checkPostCall(const CallEvent &Call, CheckerContext &C) const;
  void checkEndAnalysis(ExplodedGraph &Graph, BugReporter &Reporter, ExprEngine &Engine) const;

private:
  /// Whether the engine takes what is dead out of a path's state before the next statement. Before each it would take
  /// as long as all that they do; where a path comes into a block, and around calls, is enough.
  void purge(bool Next, CheckerContext &C) const {
    if (A->Book.Hosted)
      C.getAnalysisManager().options.AnalysisPurgeOpt = Next ? PurgeStmt : PurgeNone;
  }
  /// Other checkers may run beside ours under scan-build: there we only touch what holds threads and locks.
  bool isOurs(const FunctionDecl *F) const;
  void leaveLoop(ProgramStateRef State, const Expr *Condition, const Stmt *Loop, CheckerContext &C) const;
  bool wasHere(ProgramStateRef State, const Expr *Condition, CheckerContext &C) const;
  Knowledge knowledgeOf(ProgramStateRef State, SVal Value) const;
  /// What the path knows of memory that it has written, of what \p Matters.
  Visit::Cells knownMemory(ProgramStateRef State, llvm::function_ref<bool(const ValueDecl *)> Matters) const;
  ProgramStateRef noteStore(ProgramStateRef State, SVal Location, CheckerContext &C) const;
  void followGuard(const Expr *Condition, CheckerContext &C) const;
  ProgramStateRef forgetGuards(ProgramStateRef State, SVal Location) const;
  /// Whether what the callee does is its own business, and is proved there, up to what it waits for while the path
  /// holds something.
  bool mattersByWaits(const CallEvent &Call, CheckerContext &C) const;
  /// Whether nothing can come of the path any more that has not been found: it only looks for waits, and all that it
  /// may still come to were reported.
  bool hasSeenAll(const Stmt *Condition, CheckerContext &C) const;
  /// Whether the exploration comes to its end in time, as far as can be told.
  bool isHopeless(CheckerContext &C) const;
  /// Whether others than \p F may ask for its local variable \p Var.
  bool isLent(const VarDecl *Var, const FunctionDecl *F) const;
  /// Whether the path looks into \p Call, and ends with it.
  static bool looksInto(const CallEvent &Call, CheckerContext &C) {
    return Call.getOriginExpr() && C.getState()->get<LookedInto>() == Call.getOriginExpr() &&
           C.getState()->get<LookedFrom>() == C.getLocationContext();
  }
  /// Whether a path that held the same made \p Call before, with arguments and memory of which it knew the same, and no
  /// deeper: the exploration stops at a depth. What it waits for in there has been found then, and nothing else matters
  /// of it.
  bool hasWaited(const CallEvent &Call, CheckerContext &C) const;

  // Of the exploration at hand: regions and frames of another one may lie at the same addresses.
  /// What a guard mentions, null for what it finds behind a pointer; interned, the same for all paths.
  mutable llvm::DenseMap<unsigned, SmallVector<const ValueDecl *, 4>> Mentions;
  mutable llvm::SmallPtrSet<const ValueDecl *, 32> Mentioned; ///< by any of them
  /// Where a guard is asked.
  struct GuardUse {
    const StackFrameContext *In = nullptr;
    bool Everywhere = false; ///< whatever function asks
    bool Calls = false;      ///< it asks by a call, which may ask for more than it is given
    unsigned Kin = 0;        ///< the same for all rounds of the loops that led to the frame
  };
  mutable llvm::DenseMap<unsigned, GuardUse> Askers;
  /// The conditions that ask for a guard, by its kin.
  mutable llvm::DenseMap<unsigned, llvm::SmallPtrSet<const Stmt *, 2>> AskedAt;
  /// Where its paths have been, and what they followed and knew there.
  mutable Visits Earlier;
  /// The symbols that the value of a guard is made of.
  mutable llvm::DenseMap<SymbolRef, SmallVector<SymbolRef, 2>> Atoms;
  /// Calls that were followed for what they wait for, and how deep.
  mutable llvm::DenseMap<unsigned, unsigned> Waited;
  mutable bool Doubted = false; ///< whether isHopeless() has looked
  // Of the whole file.
  mutable llvm::DenseMap<const VarDecl *, bool> Lent;
  mutable std::map<const Expr *, std::optional<Guard>> Guards;
};

/// Rounds of a loop that a path goes through before it leaves. Two: enough to see what the second round does to what
/// the first one left behind.
constexpr unsigned Rounds = 2;

/// Whether \p S has `||` in it.
bool hasAlternatives(const Stmt *S) {
  const auto *Op = dyn_cast_or_null<BinaryOperator>(S);
  return S && ((Op && Op->getOpcode() == BO_LOr) || llvm::any_of(S->children(), hasAlternatives));
}

bool mentionsMember(const Stmt *S, const ValueDecl *Member) {
  if (!S)
    return false;
  if (const auto *M = dyn_cast<MemberExpr>(S); M && M->getMemberDecl() == Member)
    return true;
  return llvm::any_of(S->children(), [&](const Stmt *Child) { return mentionsMember(Child, Member); });
}

/// Whether \p S counts: steps a variable that \p Condition names, or follows it as a list.
bool steps(const Stmt *S, const Expr *Condition) {
  if (!S)
    return false;
  const Expr *Stepped = nullptr;
  if (const auto *Op = dyn_cast<UnaryOperator>(S); Op && Op->isIncrementDecrementOp())
    Stepped = Op->getSubExpr();
  else if (const auto *Assign = dyn_cast<BinaryOperator>(S); Assign && Assign->isAssignmentOp()) {
    const VarDecl *Var = variableOf(Assign->getLHS());
    if (Assign->isCompoundAssignmentOp() || (Var && mentions(Assign->getRHS(), Var)))
      Stepped = Assign->getLHS();
  }
  if (Stepped) {
    Stepped = Stepped->IgnoreParenCasts();
    if (const auto *Member = dyn_cast<MemberExpr>(Stepped);
        Member && mentionsMember(Condition, Member->getMemberDecl()))
      return true;
    if (const VarDecl *Var = variableOf(Stepped); Var && mentions(Condition, Var))
      return true;
  }
  return llvm::any_of(S->children(), [&](const Stmt *Child) { return steps(Child, Condition); });
}

/// Whether \p S holds &\p Var.
bool takesAddress(const Stmt *S, const VarDecl *Var) {
  if (!S)
    return false;
  if (const auto *Op = dyn_cast<UnaryOperator>(S);
      Op && Op->getOpcode() == UO_AddrOf && variableOf(Op->getSubExpr()) == Var)
    return true;
  return llvm::any_of(S->children(), [&](const Stmt *Child) { return takesAddress(Child, Var); });
}

/// Whether \p Condition reads what others may write while the loop goes round: other threads, a signal handler.
bool readsShared(const Stmt *Condition, const Stmt *Body) {
  if (!Condition)
    return false;
  if (const auto *Ref = dyn_cast<DeclRefExpr>(Condition))
    if (const auto *Var = dyn_cast<VarDecl>(Ref->getDecl()))
      return !Var->hasLocalStorage() || Var->getType().isVolatileQualified() || Var->getType()->isAtomicType() ||
             takesAddress(Body, Var);
  if (const auto *Member = dyn_cast<MemberExpr>(Condition); Member && Member->isArrow())
    return true;
  if (const auto *Op = dyn_cast<UnaryOperator>(Condition); Op && Op->getOpcode() == UO_Deref)
    return true;
  return llvm::any_of(Condition->children(), [&](const Stmt *Child) { return readsShared(Child, Body); });
}

/// Whether \p Loop ends some time because \p Condition of it fails, although that holds in the first rounds: what a
/// call returned is not a count, and neither is a flag that only this loop changes.
bool endsInTime(const Stmt *Loop, const Expr *Condition, const Stmt *Body) {
  return !holdsCall(Condition) && (steps(Loop, Condition) || readsShared(Condition, Body));
}

} // namespace

/// The variable or field that \p Region is (an element of); null where it has no name, and for null.
static const ValueDecl *declaredAt(const MemRegion *Region) {
  while (const auto *Element = dyn_cast_or_null<ElementRegion>(Region))
    Region = Element->getSuperRegion();
  const auto *Declared = dyn_cast_or_null<DeclRegion>(Region);
  return Declared ? cast<ValueDecl>(Declared->getDecl()->getCanonicalDecl()) : nullptr;
}

/// Whether \p S, or the call that led to it, stands in \p Loop.
static bool isWithin(const LocationContext *Here, const Stmt *S, const Stmt *Loop) {
  for (const StackFrameContext *Frame = Here->getStackFrame(); Frame;
       S = Frame->getCallSite(), Frame = Frame->getParent() ? Frame->getParent()->getStackFrame() : nullptr)
    for (const ParentMap &Parents = Frame->getParentMap(); S; S = Parents.getParent(S))
      if (S == Loop)
        return true;
  return false;
}

bool PathModel::isLent(const VarDecl *Var, const FunctionDecl *F) const {
  auto [Known, New] = Lent.try_emplace(Var, false);
  if (New)
    Known->second = takesAddress(F->getBody(), Var);
  return Known->second;
}

void PathModel::checkBranchCondition(const Stmt *Condition, CheckerContext &C) const {
  purge(true, C);
  const auto *E = dyn_cast<Expr>(Condition);
  const auto *In = dyn_cast_or_null<FunctionDecl>(C.getLocationContext()->getDecl());
  if (!E || !In)
    return;
  if (!isOurs(In))
    return;
  if (std::optional<Forks::Way> Way =
          A->Book.Hosted ? Branches->wayAt(E, C.getStackFrame(), C.getAnalysisManager()) : std::nullopt) {
    if (Way->Holds) { // the other way ends the process, and with it whatever is followed
      auto Value = C.getSVal(E).getAs<DefinedOrUnknownSVal>();
      if (ProgramStateRef Only = Value ? C.getState()->assume(*Value, Way->Side) : nullptr; Only && !Value->isUnknown())
        C.addTransition(Only);
      return;
    }
    // Nothing depends on which way it goes: one way stands for both, and the path learns nothing from having taken it.
    C.addTransition(
        C.getState()->BindExpr(E, C.getLocationContext(), C.getSValBuilder().makeTruthVal(Way->Side, E->getType())));
    return;
  }
  ProgramStateRef State = C.getState();
  if (A->Book.Hosted && (A->isDecided() || isHopeless(C) || hasSeenAll(E, C))) {
    C.generateSink(State, C.getPredecessor());
    return;
  }
  const Stmt *Loop = loopOf(E, C.getLocationContext()->getParentMap());
  if (Loop && A->Book.Hosted) {
    // Out of a loop for ever leads only what its body asks, in whichever round.
    const bool MayEnd =
        E->isEvaluatable(C.getASTContext()) ||
        (!hasAlternatives(conditionOf(Loop)) &&
         (knowledgeOf(State, C.getSVal(E)).Holds != Knowledge::Yes || !endsInTime(Loop, E, In->getBody())));
    State = MayEnd ? State->remove<ClosedLoops>(Loop) : State->add<ClosedLoops>(Loop);
  }
  if (A->Book.Hosted && wasHere(State, E, C)) {
    C.generateSink(State, C.getPredecessor());
    return;
  }
  if (Loop)
    leaveLoop(State, E, Loop, C);
  else
    followGuard(E, C);
}

bool PathModel::isOurs(const FunctionDecl *F) const {
  if (A->Book.Hosted)
    return true;
  A->U.scan();
  return A->U.touchesHandles(F) || A->U.touchesSync(F) || A->U.touchesScopes(F);
}

void PathModel::checkPostStmt(const UnaryOperator *Op, CheckerContext &C) const {
  // A member or an element of something has an address only where that something is (C11, 6.5.3.2 and 6.5.6): &p->f and
  // &p[i] are no null pointers, for which the analyzer would take them where p may be one.
  const auto *In = dyn_cast_or_null<FunctionDecl>(C.getLocationContext()->getDecl());
  if (Op->getOpcode() != UO_AddrOf || !In || !isOurs(In))
    return;
  const MemRegion *Part = C.getSVal(Op).getAsRegion();
  const SymbolicRegion *Whole = Part && !isa<SymbolicRegion>(Part) ? Part->getSymbolicBase() : nullptr;
  if (!Whole)
    return;
  if (ProgramStateRef State = C.getState()->assume(loc::MemRegionVal(Whole), true); State && State != C.getState())
    C.addTransition(State);
}

Knowledge PathModel::knowledgeOf(ProgramStateRef State, SVal Value) const {
  Knowledge Known;
  auto Answer = [&](bool Holds) { Known.Holds = Holds ? Knowledge::Yes : Knowledge::No; };
  if (SymbolRef Symbol = Value.getAsSymbol()) {
    const std::optional<bool> Holds = truthOf(State, Symbol);
    Known.What = Knowledge::Bounded;
    if (Holds)
      Answer(*Holds);
    else if (const auto *WithNumber = dyn_cast<SymIntExpr>(Symbol)) {
      Known.What = Knowledge::Comparison;
      Symbol = WithNumber->getLHS();
    }
    std::tie(Known.Least, Known.Most) = boundsOf(State, Symbol);
    if (Known.Holds == Knowledge::Either && Known.Least == INT64_MIN && Known.Most == INT64_MAX)
      Known.What = Knowledge::Anything;
  } else if (Value.isUnknownOrUndef()) {
    Known.What = Value.isUndef() ? Knowledge::Unset : Knowledge::Anything;
  } else if (auto Number = Value.getAs<nonloc::ConcreteInt>()) {
    Known.What = Knowledge::Bounded;
    Known.Least = Known.Most = placeInOrder(compat::numberIn(*Number));
    Answer(Known.Least != 0);
  } else if (Value.isZeroConstant()) {
    Known.What = Knowledge::Bounded;
    Answer(false);
  } else {
    llvm::FoldingSetNodeID Id;
    Value.Profile(Id);
    Known.Object = Earlier.intern(Id);
  }
  return Known;
}

Visit::Cells PathModel::knownMemory(ProgramStateRef State, llvm::function_ref<bool(const ValueDecl *)> Matters) const {
  Visit::Cells Found;
  for (const MemRegion *Place : State->get<StoredSet>())
    if (Matters(declaredAt(Place)))
      Found.push_back({Place, knowledgeOf(State, State->getSVal(Place))});
  llvm::sort(Found, [](const Visit::Cell &A, const Visit::Cell &B) { return A.Region < B.Region; });
  return Found;
}

ProgramStateRef PathModel::noteStore(ProgramStateRef State, SVal Location, CheckerContext &C) const {
  const auto *Place = dyn_cast_or_null<TypedValueRegion>(Location.getAsRegion());
  if (!A->Book.Hosted || !Place)
    return State;
  // A struct is written member by member.
  if (const RecordDecl *Record = Place->getValueType()->getAsRecordDecl()) {
    for (const FieldDecl *Field : Record->fields())
      if (Field->getType()->isScalarType())
        State = noteStore(State, State->getLValue(Field, Location), C);
    return State;
  }
  const ValueDecl *What = declaredAt(Place);
  const auto *Var = dyn_cast_or_null<VarDecl>(What);
  // Scalar locals are asked for one by one.
  if (!What || !Place->getValueType()->isScalarType() ||
      (Var && Var->hasLocalStorage() && Var->getType()->isScalarType()))
    return State;
  return Branches->matters(What, C.getStackFrame(), C.getAnalysisManager()) ? State->add<StoredSet>(Place) : State;
}

bool PathModel::wasHere(ProgramStateRef State, const Expr *Condition, CheckerContext &C) const {
  const LocationContext *Here = C.getLocationContext();
  AnalysisManager &Manager = C.getAnalysisManager();
  Visit Now;
  // A comparison may have been decided before it comes here.
  Now.Values.push_back({C.getSVal(Condition), {}});
  // What comes to a place once more as it came there before finds nothing new in another round, provided that the loops
  // around could be left the first time.
  Now.MayLeave =
      llvm::none_of(State->get<ClosedLoops>(), [&](const Stmt *Loop) { return isWithin(Here, Condition, Loop); });
  llvm::FoldingSetNodeID Place;
  Place.AddPointer(Condition);
  addKin(Here, Place);
  Place.AddPointer(State->get<LookedInto>());
  Place.AddPointer(State->get<LookedFrom>());
  for (auto AddFollowed : A->Fingerprints)
    AddFollowed(State, Place);
  // A path that only looks into a call never returns from it.
  const LocationContext *const Outside = State->get<LookedFrom>();
  auto IsLeft = [&](const LocationContext *Frame) {
    return Outside && (Frame == Outside || Frame->isParentOf(Outside));
  };
  const CFGBlock *const Asking = Here->getAnalysisDeclContext()->getCFGStmtMap()->getBlock(Condition);
  const CFGBlock *Block = Asking;
  const CoreEngine &Engine = C.getStateManager().getOwningEngine().getCoreEngine();
  for (const LocationContext *L = Here; L; L = L->getParent()) {
    const auto *Frame = dyn_cast<StackFrameContext>(L);
    const auto *F = Frame ? dyn_cast<FunctionDecl>(Frame->getDecl()) : nullptr;
    if (!F)
      continue;
    Now.Rounds.push_back(Block ? NodeBuilderContext(Engine, Block, Frame).blockCount() : 0);
    auto *Live = Frame->getAnalysis<LiveVariables>();
    for (const VarDecl *Var : Branches->localsThatMatter(Frame, Manager))
      if ((!Block || !Live || Live->isLive(Block, Var)) && // else it gets another value before anybody asks
          (isLent(Var, F) || (!IsLeft(Frame) && Branches->mattersIn(Var, Block, Frame, Frame == Here, Manager))))
        Now.Values.push_back({State->getSVal(State->getLValue(Var, Frame).castAs<Loc>()), {}});
    Block = Frame->getCallSiteBlock();
  }
  // Of guards those of functions that are not left yet.
  for (const auto &[Key, Value] : State->get<GuardMap>()) {
    const GuardUse &Use = Askers.find(Key)->second;
    if ((Use.In != Here->getStackFrame() && !Use.In->isParentOf(Here)) || (IsLeft(Use.In) && !Use.Everywhere))
      continue;
    // Who asks it again reads all that it mentions; of a struct a member, which it mentions too.
    if (!Use.Calls && llvm::any_of(Mentions.find(Key)->second, [&](const ValueDecl *What) {
          return What && !What->getType()->isAggregateType() &&
                 !Branches->mattersBehind(What, Asking, Here, Outside, Manager);
        }))
      continue;
    Now.Guards.push_back({Use.Kin, {Value, {}}});
  }
  llvm::sort(Now.Guards, llvm::less_first());
  Now.State = State;
  return Earlier.wasHere(Place, std::move(Now),
                         {[&](ProgramStateRef At, SVal Value) { return knowledgeOf(At, Value); },
                          // One that is asked in a single place ties nothing together.
                          [&](unsigned Guard) { return AskedAt.find(Guard)->second.size() > 1; },
                          [&](ProgramStateRef At) {
                            return knownMemory(At, [&](const ValueDecl *What) {
                              return Branches->mattersBehind(What, Asking, Here, Outside, C.getAnalysisManager());
                            });
                          },
                          [&](ProgramStateRef At, const MemRegion *Place) {
                            return frameOf(Place, At) ? Knowledge{Knowledge::Unset}
                                                      : knowledgeOf(At, At->getSVal(Place));
                          }});
}

void PathModel::leaveLoop(ProgramStateRef State, const Expr *Condition, const Stmt *Loop, CheckerContext &C) const {
  // Leave the loop as if its bound had been reached: what is spawned in two rounds is joined in two rounds, so the
  // bound itself does not matter. A condition known to be true would otherwise end the path here, silently.
  std::optional<DefinedOrUnknownSVal> Value = C.getSVal(Condition).getAs<DefinedOrUnknownSVal>();
  if (C.blockCount() > Rounds && Value) {
    // while (1) has no other side.
    const auto *In = cast<FunctionDecl>(C.getLocationContext()->getDecl());
    if (ProgramStateRef Left = State->assume(*Value, false))
      State = Left;
    else if (endsInTime(Loop, Condition, In->getBody()))
      State = State->BindExpr(Condition, C.getLocationContext(),
                              C.getSValBuilder().makeTruthVal(false, Condition->getType()));
  }
  if (State != C.getState())
    C.addTransition(State);
}

void PathModel::followGuard(const Expr *Condition, CheckerContext &C) const {
  auto [Cached, New] = Guards.try_emplace(Condition);
  if (New)
    Cached->second = guardOf(Condition, C.getASTContext());
  const std::optional<Guard> &Asked = Cached->second;
  if (!Asked)
    return;
  ProgramStateRef State = C.getState();
  auto Value = C.getSVal(Condition).getAs<DefinedOrUnknownSVal>();
  // Asked in the same words in one function, or, of one object and a constant, wherever it is.
  const StackFrameContext *Frame = C.getStackFrame(), *Top = Frame;
  while (Top->getParent())
    Top = Top->getParent()->getStackFrame();
  llvm::FoldingSetNodeID Words, Kin, Place;
  Words.AddInteger(Asked->Hash);
  Words.AddPointer(Frame);
  Kin.AddInteger(Asked->Hash);
  addKin(Frame, Kin);
  SmallVector<std::pair<unsigned, const StackFrameContext *>, 2> Keys{{Words.ComputeHash(), Frame}};
  const MemRegion *Object = Asked->Object ? regionWritten(Asked->Object, State, C.getLocationContext()) : nullptr;
  if (Object && !frameOf(Object, State)) {
    Place.AddPointer(Object);
    Place.AddInteger(Asked->Question);
    Keys.push_back({Place.ComputeHash(), Top});
  }
  for (auto [Key, In] : Keys) {
    if (auto [Reads, First] = Mentions.try_emplace(Key, Asked->Reads); First) {
      if (Asked->Follows)
        Reads->second.push_back(nullptr);
      Mentioned.insert(Reads->second.begin(), Reads->second.end());
    }
    GuardUse &Use = Askers[Key];
    Use.In = In;
    Use.Everywhere |= Key != Keys.front().first;
    Use.Calls |= holdsCall(Condition);
    Use.Kin = Use.Everywhere ? Key : Kin.ComputeHash();
    AskedAt[Use.Kin].insert(Condition);
  }
  if (!Value)
    return;
  if (Value->isUnknown()) { // whatever it is, it stays so
    auto Take = [&](bool Holds) {
      const QualType Type = Condition->getType();
      ProgramStateRef Next =
          State->BindExpr(Condition, C.getLocationContext(), C.getSValBuilder().makeTruthVal(Holds, Type));
      for (auto [Key, In] : Keys)
        Next = Next->set<GuardMap>(Key, C.getSValBuilder().makeTruthVal(Holds != Asked->Negated, Type));
      C.addTransition(Next);
    };
    const SVal *Before = State->get<GuardMap>(Keys.front().first);
    const auto Was = Before ? State->isNull(*Before) : ConditionTruthVal();
    if (!Was.isConstrained() || Was.isConstrainedFalse() != Asked->Negated)
      Take(true);
    if (!Was.isConstrained() || Was.isConstrainedFalse() == Asked->Negated)
      Take(false);
    return;
  }
  if (Asked->Negated) // stored without the negation, so that `if (f)` and `if (!f)` meet
    *Value = C.getSValBuilder()
                 .evalEQ(State, *Value, C.getSValBuilder().makeZeroVal(Condition->getType()).castAs<DefinedSVal>())
                 .castAs<DefinedOrUnknownSVal>();

  for (auto [Key, In] : Keys) {
    const SVal *Before = State->get<GuardMap>(Key);
    // Nothing on this path wrote what the guard reads. A call in between might have; that it did is "unknown", and no
    // report may rest on it. (A comparison may have been decided one way or the other before it comes here.)
    if (const std::optional<bool> Was = Before ? truthOf(State, *Before) : std::nullopt) {
      State = State->assume(*Value, *Was);
      if (!State) {
        C.generateSink(C.getState(), C.getPredecessor());
        return;
      }
    }
    State = State->set<GuardMap>(Key, *Value);
  }
  C.addTransition(State);
}

ProgramStateRef PathModel::forgetGuards(ProgramStateRef State, SVal Location) const {
  if (State->get<GuardMap>().isEmpty())
    return State;
  const ValueDecl *Written = declaredAt(Location.getAsRegion());
  if (!Mentioned.count(Written))
    return State;
  // *p = c fills a buffer: what has a name of its own is hardly what p points to.
  ProgramStateRef Next = State;
  for (const auto &[Key, Value] : State->get<GuardMap>())
    if (llvm::is_contained(Mentions.find(Key)->second, Written))
      Next = Next->remove<GuardMap>(Key);
  return Next;
}

ProgramStateRef PathModel::checkRegionChanges(ProgramStateRef State, const InvalidatedSymbols *Symbols,
                                              ArrayRef<const MemRegion *>, ArrayRef<const MemRegion *> Changed,
                                              const LocationContext *Here, const CallEvent *) const {
  // Of a member of a global struct the analyzer believes, in main, that it has the value that it was set up with,
  // unless something else is stored right there. Other threads store elsewhere.
  const LocationContext *Top = Here;
  while (Top && Top->getParent())
    Top = Top->getParent();
  const auto *Root = Top ? dyn_cast<FunctionDecl>(Top->getDecl()) : nullptr;
  if (!A->Book.Hosted || !Symbols || !Root || !Root->isMain())
    return State;
  ProgramStateManager &Manager = State->getStateManager();
  for (const MemRegion *Region : Changed) {
    const auto *Var = dyn_cast<VarRegion>(Region);
    const RecordDecl *Record = Var ? Var->getValueType()->getAsRecordDecl() : nullptr;
    if (!Record || !Var->getDecl()->hasGlobalStorage() || !Var->getDecl()->getAnyInitializer())
      continue;
    const std::optional<SVal> Unknown = Manager.getStoreManager().getDefaultBinding(State->getStore(), Var);
    const SymbolRef Whole = Unknown ? Unknown->getAsSymbol() : nullptr;
    for (const FieldDecl *Field : Record->fields())
      if (Whole && Field->getType()->isScalarType()) {
        const Loc Member = State->getLValue(Field, loc::MemRegionVal(Var)).castAs<Loc>();
        const auto *Place = cast<TypedValueRegion>(Member.getAsRegion());
        State = State->bindLoc(Member, Manager.getSValBuilder().getDerivedRegionValueSymbolVal(Whole, Place), Here,
                               /*notifyChanges=*/false);
      }
  }
  return State;
}

void PathModel::checkLiveSymbols(ProgramStateRef State, SymbolReaper &Reaper) const {
  for (const auto &[Key, Value] : State->get<GuardMap>()) {
    const SymbolRef Whole = Value.getAsSymbol(/*IncludeBaseRegions=*/true);
    if (!Whole)
      continue;
    auto [Parts, New] = Atoms.try_emplace(Whole);
    if (New)
      for (SymbolRef Symbol : Whole->symbols())
        Parts->second.push_back(Symbol);
    for (SymbolRef Symbol : Parts->second)
      Reaper.markLive(Symbol);
  }
}

void PathModel::checkLocation(SVal Location, bool, const Stmt *, CheckerContext &C) const {
  purge(false, C);
  // A path through a null pointer ends there; under scan-build the core checkers say so themselves.
  if (A->Book.Hosted && (Location.isZeroConstant() || A->GivenUp))
    C.generateSink(C.getState(), C.getPredecessor());
}

bool PathModel::hasWaited(const CallEvent &Call, CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  llvm::FoldingSetNodeID Id;
  Id.AddPointer(Call.getOriginExpr());
  for (auto AddFollowed : A->Fingerprints)
    AddFollowed(State, Id);
  for (unsigned I = 0; I < Call.getNumArgs(); ++I)
    knowledgeOf(State, Call.getArgSVal(I)).Profile(Id);
  const auto *Callee = cast<FunctionDecl>(Call.getDecl());
  auto Matters = [&](const ValueDecl *What) {
    return Branches->matters(What, Callee->getDefinition(), C.getAnalysisManager());
  };
  for (const Visit::Cell &Cell : knownMemory(State, Matters)) {
    Id.AddPointer(Cell.Region);
    Cell.Value.Profile(Id);
  }
  unsigned Depth = 0; // as ExprEngine counts it
  AnalysisManager &Manager = C.getAnalysisManager();
  for (const LocationContext *Frame = C.getStackFrame(); Frame; Frame = Frame->getParent())
    if (isa<StackFrameContext>(Frame))
      Depth += Manager.getCFG(Frame->getDecl())->getNumBlockIDs() > Manager.options.AlwaysInlineSize;
  auto [Before, New] = Waited.try_emplace(Earlier.intern(Id), Depth);
  if (!New && Before->second <= Depth)
    return true;
  Before->second = Depth;
  return false;
}

bool PathModel::mattersByWaits(const CallEvent &Call, CheckerContext &C) const {
  const auto *F = dyn_cast_or_null<FunctionDecl>(Call.getDecl());
  const auto *E = dyn_cast_or_null<CallExpr>(Call.getOriginExpr());
  return A->Book.Hosted && F && E && F->hasBody() && A->U.meaningsOf(F).empty() && A->concerns(E) &&
         A->leavesAlone(F) && A->onlyWaits(F) && !neverReturns(F, C.getAnalysisManager());
}

void PathModel::checkPreCall(const CallEvent &Call, CheckerContext &C) const {
  purge(true, C);
  // Whatever way the callee takes, the caller goes on in the same way, as if it had been passed by. So one path does
  // that, and another one looks for waits in the callee, and ends with it.
  ProgramStateRef State = C.getState();
  if (!mattersByWaits(Call, C) || looksInto(Call, C) ||
      llvm::none_of(A->Follows, [&](auto &Meets) { return Meets(State, cast<CallExpr>(Call.getOriginExpr())); }) ||
      hasWaited(Call, C))
    return;
  static const SimpleProgramPointTag PassedBy("safespawn", "passed by"); // without one nothing would have changed
  C.addTransition(State->set<LookedInto>(Call.getOriginExpr())->set<LookedFrom>(C.getLocationContext()));
  C.addTransition(State, &PassedBy);
}

/// Ways that no path has gone yet. Of some fifty functions of git, fio, rsyslog, liburing and unbound that had taken
/// 16,000 steps, all but one of those that ended within as many again had fewer then, and most of the others more.
constexpr unsigned MostOpenEnds = 128;

bool PathModel::isHopeless(CheckerContext &C) const {
  ExplodedGraph &Graph = C.getStateManager().getOwningEngine().getGraph();
  if (Doubted || !A->Doubtful || Graph.size() < A->Doubtful)
    return A->GivenUp;
  Doubted = true;
  // It is depth first: what is left of it hangs on the open ends.
  unsigned Open = 0;
  for (const ExplodedNode &N : Graph.nodes())
    Open += N.succ_empty() && !N.isSink();
  A->GivenUp = Open > MostOpenEnds + Graph.num_eops();
  return A->GivenUp;
}

bool PathModel::hasSeenAll(const Stmt *Condition, CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  const LocationContext *Outside = State->get<LookedFrom>();
  if (!Outside || !A->IsTold)
    return false;
  const LocationContext *Here = C.getLocationContext();
  const CFGBlock *Block = Here->getAnalysisDeclContext()->getCFGStmtMap()->getBlock(Condition);
  for (const StackFrameContext *Frame = Here->getStackFrame(); Block && Frame != Outside->getStackFrame();
       Block = Frame->getCallSiteBlock(), Frame = Frame->getParent()->getStackFrame())
    for (const CallExpr *Wait : Ahead->from(cast<FunctionDecl>(Frame->getDecl()), Block, C.getAnalysisManager()))
      if (!Wait || !A->IsTold(State, Here, Wait))
        return false;
  return Block;
}

void PathModel::checkPostCall(const CallEvent &Call, CheckerContext &C) const {
  purge(true, C);
  // What the path has not gone into may do anything.
  const auto *F = dyn_cast_or_null<FunctionDecl>(Call.getDecl());
  const FunctionDecl *Definition = nullptr;
  if (!C.wasInlined && F && A->U.meaningsOf(F).empty() && F->hasBody(Definition) && A->concerns(Definition) &&
      !A->leavesAlone(Definition) && !A->onlyWaits(Definition))
    A->Unbalanced = A->LeavesThreads = true;
  if (looksInto(Call, C))
    C.generateSink(C.getState(), C.getPredecessor());
}

bool PathModel::evalCall(const CallEvent &Call, CheckerContext &C) const {
  if (!A->Book.Hosted)
    return false;
  const auto *F = dyn_cast_or_null<FunctionDecl>(Call.getDecl());
  const auto *E = dyn_cast_or_null<CallExpr>(Call.getOriginExpr());
  if (!F || !E || !F->hasBody() || !A->U.meaningsOf(F).empty())
    return false;
  if (A->concerns(E)) {
    // What a closed function does is its own business, and is proved there, unless it meets what the path holds.
    // And whether a function waits matters only while something is held.
    const bool OnlyWaits = A->onlyWaits(F);
    if (!(A->leavesAlone(F) || OnlyWaits) || looksInto(Call, C))
      return false;
    if (!mattersByWaits(Call, C) && llvm::any_of(A->Follows, [&](auto &Meets) { return Meets(C.getState(), E); }) &&
        !(OnlyWaits && hasWaited(Call, C)))
      return false;
  } else if (Branches->isFollowed(F, C.getAnalysisManager())) {
    return false;
  }
  ProgramStateRef State = Call.invalidateRegions(C.blockCount(), C.getState());
  if (!E->getType()->isVoidType())
    State = State->BindExpr(E, C.getLocationContext(), compat::conjure(Call, E->getType(), C));
  C.addTransition(State);
  return true;
}

void PathModel::checkEndAnalysis(ExplodedGraph &, BugReporter &, ExprEngine &Engine) const {
  Engine.getAnalysisManager().options.AnalysisPurgeOpt = PurgeStmt; // whatever was explored before, each begins alike
  Branches->clear();
  Mentions.clear();
  Mentioned.clear();
  Askers.clear();
  AskedAt.clear();
  Earlier.clear();
  Atoms.clear();
  Waited.clear();
  Doubted = false;
}

void safespawn::registerPathModel(CheckerManager &Manager, Analysis &A, std::shared_ptr<void> Keep) {
  auto *Model = Manager.registerChecker<PathModel>();
  Model->A = &A;
  Model->Branches = std::make_unique<Forks>(A);
  Model->Ahead = std::make_unique<WaitsAhead>(A);
  Model->Keep = std::move(Keep);
}

Analysis &safespawn::analysisOf(CheckerManager &Manager) { return *Manager.getChecker<PathModel>()->A; }
