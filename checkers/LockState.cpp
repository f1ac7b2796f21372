// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules that follow a lock, condition, semaphore or barrier along a path:
//   lock.Leak, DoubleLock, NotHeld, Blocking, Lifetime, and CondMutex for a lock that is known not to be held.
//
// The automaton is in Protocol.h; which memory is which lock is the business of Places.h. What is decided here is who
// has to give a lock back. A lock belongs to the frame that took it. A function that ends with a lock held may have
// forgotten it, or may be there to take it: the lock passes on to the caller, and only when it is still held where the
// path ends do all the ways out of the function that we have seen tell one from the other. What needs no path is left
// to LockUse.cpp.
#include "checkers/CallResult.h"
#include "checkers/Checkers.h"
#include "checkers/Descriptors.h"
#include "checkers/Flow.h"
#include "checkers/LlvmCompat.h"
#include "checkers/LockAttributes.h"
#include "checkers/Objects.h"
#include "checkers/Places.h"
#include "checkers/Protocol.h"
#include "checkers/Story.h"
#include "checkers/WrittenLocks.h"
#include "fixits/LockFixes.h"
#include "clang/AST/ParentMap.h"
#include "clang/StaticAnalyzer/Core/Checker.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CallEvent.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CheckerContext.h"
#include <set>

using namespace clang;
using namespace ento;
using namespace safespawn;

namespace {

using LockName = Places::Name;

/// Which kind of lock it is: whether its holder may take it again.
enum class LockKind : uint8_t {
  Plain,
  Recursive, ///< or one that we do not know
  Checked,   ///< taken again it says so
};

/// What a path knows of one lock, condition or the like.
struct Standing {
  SyncStage At = SyncStage::Unknown;
  SyncStage Before = SyncStage::Unknown; ///< where it stands when the call that led here has failed
  const Meaning *Row = nullptr;          ///< of that call
  SymbolRef Result = nullptr;            ///< of that call; null when it is settled
  const CallExpr *Taken = nullptr; ///< the call that took it or made it; null where a declaration says that it is held
  const MemRegion *Region = nullptr; ///< where the analyzer saw it last
  LockKind Kind = LockKind::Plain;
  bool KindSeen = false;                         ///< made on this path, so that Kind is known
  bool OnEntry = false;                          ///< given back before it was taken: the caller holds it
  bool Uncounted = false;                        ///< given back once of several times: it may still be held
  bool MaybeReleased = false;                    ///< code that gives it back on some of its paths was passed by
  bool Shown = false;                            ///< code that we do not see got the object that it lies in
  const StackFrameContext *Owner = nullptr;      ///< the frame that has to give it back; null when nobody we see
  const StackFrameContext *TakenIn = nullptr;    ///< the frame that took it, or the callers that it returned to
  const StackFrameContext *ReleasedIn = nullptr; ///< the same for the one that gave it back, or made it
  unsigned Left = 0;                             ///< the functions that ended with it held

  bool isHeld() const { return At == SyncStage::Held || At == SyncStage::Shared || At == SyncStage::Nested; }

  auto key() const {
    return std::make_tuple(At, Before, Kind, KindSeen, OnEntry, Uncounted, MaybeReleased, Shown, Row, Result, Taken,
                           Region, Owner, TakenIn, ReleasedIn, Left);
  }
  bool operator==(const Standing &O) const { return key() == O.key(); }
  void Profile(llvm::FoldingSetNodeID &Id) const {
    for (unsigned Value : {unsigned(At), unsigned(Before), unsigned(Kind), unsigned(KindSeen), unsigned(OnEntry),
                           unsigned(Uncounted), unsigned(MaybeReleased), unsigned(Shown), Left})
      Id.AddInteger(Value);
    for (const void *P :
         {static_cast<const void *>(Row), static_cast<const void *>(Result), static_cast<const void *>(Taken),
          static_cast<const void *>(Region), static_cast<const void *>(Owner), static_cast<const void *>(TakenIn),
          static_cast<const void *>(ReleasedIn)})
      Id.AddPointer(P);
  }
};

/// What a function told its caller when it ended, as far as it tells success from failure.
struct Answer {
  bool Nothing = false; ///< it returns no value, or ends its thread
  bool Pointer = false;
  std::optional<int64_t> Number;      ///< the constant that it returned; 0 for a null pointer
  std::optional<bool> Zero, Negative; ///< what is known of another value
  bool Either = false;                ///< it is what a comparison found, true or false

  auto key() const { return std::make_tuple(Nothing, Pointer, Number, Zero, Negative, Either); }
  bool operator<(const Answer &O) const { return key() < O.key(); }
};

/// What the attributes of a function say of a lock that it ends with.
enum class Word : uint8_t {
  None,
  Kept,  ///< it is meant to hold it
  Broken ///< it is meant to have given it back, or not to hold it with such an answer
};

/// Where a function ended with a lock held that it, or a function that it called, took.
struct Exit {
  unsigned Inner; ///< the callee that had left it held before, as a number of an exit; 0 for none
  const StackFrameContext *Frame;
  const Stmt *At; ///< null for the function's end
  bool EndsThread;
  Answer Said;
  Word Declared;

  auto key() const { return std::tie(Inner, Frame, At, EndsThread, Said, Declared); }
  bool operator<(const Exit &O) const { return key() < O.key(); }
};

/// How a function ended with a lock that it had taken, or tried to.
struct Ending {
  const Decl *In;
  const ValueDecl *Place;
  enum State { Held, Released, Refused } Lock;
  Answer Said;

  auto key() const { return std::tie(In, Place, Lock, Said); }
  bool operator<(const Ending &O) const { return key() < O.key(); }
};

/// A path that ended with a lock held.
struct Suspect {
  ExplodedNode *End;
  LockName Lock;
  Standing How;
  std::string Called;
};

/// A report that tells the story of one lock.
class LockReport : public PathReport {
public:
  LockReport(const RuleBook &Book, Rule R, StringRef Message, const ExplodedNode *End, PathDiagnosticLocation At,
             PathDiagnosticLocation Unique, const Decl *In, LockName Lock)
      : PathReport(Book, R, Message, End, At, Unique, In), Lock(Lock), R(R) {
    addVisitor(std::make_unique<Hindsight>());
  }
  const LockName Lock;
  const Rule R;
  /// What the path knew later than the step that is being told, from its end.
  std::vector<ProgramStateRef> Later;

private:
  struct Hindsight : BugReporterVisitor {
    void Profile(llvm::FoldingSetNodeID &Id) const override {
      static const int Tag = 0;
      Id.AddPointer(&Tag);
    }
    PathDiagnosticPieceRef VisitNode(const ExplodedNode *N, BugReporterContext &,
                                     PathSensitiveBugReport &Report) override {
      static_cast<LockReport &>(Report).Later.push_back(N->getState());
      return nullptr;
    }
  };
};

/// A thread that was started on this path and not waited for since.
struct Running {
  const CallExpr *Spawn;
  const FunctionDecl *Entry;
  const Meaning *Row;
  SymbolRef Result;  ///< of the spawn
  LockName Argument; ///< what the thread got; none where that is not known
  bool operator==(const Running &O) const { return Spawn == O.Spawn && Result == O.Result && Argument == O.Argument; }
  void Profile(llvm::FoldingSetNodeID &Id) const {
    Id.AddPointer(Spawn);
    Id.AddPointer(Result);
    Id.AddInteger(Argument);
  }
};

} // namespace

/// By name. Also attribute objects, with the kind of lock that they will make.
REGISTER_MAP_WITH_PROGRAMSTATE(LockMap, unsigned, Standing)
/// By the name of the handle.
REGISTER_MAP_WITH_PROGRAMSTATE(RunningMap, unsigned, Running)
/// What is given back by others: at the end of a scope by the cleanup attribute of a variable, by a thread.
REGISTER_SET_WITH_PROGRAMSTATE(GuardedSet, unsigned)

namespace {

class LockState : public Checker<eval::Call, check::BeginFunction, check::PreStmt<DeclStmt>, check::PreStmt<CallExpr>,
                                 check::PreCall, check::PostCall, check::BranchCondition, check::Bind,
                                 check::LiveSymbols, check::DeadSymbols, check::EndFunction, check::EndAnalysis> {
public:
  Analysis *A = nullptr;
  std::unique_ptr<WrittenLocks> Written;
  std::unique_ptr<Descriptors> Opened;

  bool evalCall(const CallEvent &Call, CheckerContext &C) const;
  void checkBeginFunction(CheckerContext &C) const;
  void checkPreStmt(const DeclStmt *Declaration, CheckerContext &C) const;
  void checkPreStmt(const CallExpr *Call, CheckerContext &C) const;
  void checkPreCall(const CallEvent &Call, CheckerContext &C) const;
  void checkPostCall(const CallEvent &Call, CheckerContext &C) const;
  SAFESPAWN_CHECK_BIND(Location, Value, C) {
    noteGuard(Location, Value, C);
    forgetWritten(Location, C);
  }
  void checkBranchCondition(const Stmt *Condition, CheckerContext &C) const;
  void checkLiveSymbols(ProgramStateRef State, SymbolReaper &Reaper) const;
  void checkDeadSymbols(SymbolReaper &Reaper, CheckerContext &C) const;
  void checkEndFunction(const ReturnStmt *Return, CheckerContext &C) const;
  void checkEndAnalysis(ExplodedGraph &Graph, BugReporter &Reporter, ExprEngine &Engine) const;
  /// Whether it matters to \p Call, of a function that leaves its caller's locks as they were, in which state they are.
  bool mayMeet(ProgramStateRef State, const CallExpr *Call) const;
  /// Whether \p Wait has been reported for each function that holds a lock on the path at \p Here.
  bool isTold(ProgramStateRef State, const LocationContext *Here, const CallExpr *Wait) const;

private:
  /// One event of one object, as a call makes it happen.
  struct Event {
    SyncEvent What;
    const Meaning *Row;
    const MemRegion *Object;
    const Expr *Written; ///< the object, as the call has it; null where a declaration names it
  };
  static Event eventAt(SyncEvent What, const Meaning &Row, Role Object, const CallEvent &Call);
  /// \returns null where a rule was broken, which has been reported then.
  ProgramStateRef apply(ProgramStateRef State, const CallEvent &Call, const Event &E, const NoteTag *&Note,
                        CheckerContext &C) const;
  std::string complaint(Rule R, const Event &E, SyncEvent What, SyncStage From, StringRef Called,
                        const Running *User) const;
  /// Whether the function at hand takes \p Lock on others of its paths, as if it knew better than its callers, who left
  /// it free, in which state they called it.
  bool passedByAcquire(const Standing &Known, LockName Lock, CheckerContext &C) const;
  /// Whether \p Call makes a global lock only where it is missing, and others may have destroyed it meanwhile.
  bool isMadeOnDemand(const CallEvent &Call, LockName Lock) const;
  /// Whether the path begins where its thread does, which holds nothing then.
  bool beginsWithNone(CheckerContext &C) const;
  /// Whether \p Region is memory of this path's own making that nobody has written to.
  bool isUnborn(const MemRegion *Region, LockName Object, CheckerContext &C) const;
  /// The note that a step tells, for reports about this lock.
  std::string storyOf(SyncEvent What, StringRef Called) const;
  SyncEvent acquiring(const CallEvent &Call, const Meaning &Row, const Standing &Known, LockName Lock) const;
  /// The kind of a lock, by what the path or the file has seen of its making.
  LockKind kindOf(const Standing &Known, LockName Lock) const;
  /// The kind of lock that a call makes.
  LockKind kindMade(ProgramStateRef State, const CallEvent &Call, const Meaning &Row) const;
  /// The kind that the argument in the role Value stands for.
  LockKind kindNamed(const CallEvent &Call, const Meaning &Row) const;
  ProgramStateRef setAttribute(ProgramStateRef State, const CallEvent &Call, const Meaning &Row) const;

  /// What became of \p Lock the path does not know any more.
  ProgramStateRef forget(ProgramStateRef State, LockName Lock) const;
  /// \p Known with what the path has learned of its last call since.
  Standing settled(ProgramStateRef State, const Standing &Known) const;
  /// Whether the object at \p Region, named \p Lock, is the very one that \p Known tells of, and not one that merely is
  /// reached in the same way.
  bool isSure(const Standing &Known, const MemRegion *Region, LockName Lock) const;
  /// Gives locks that may be the one that was released the benefit of the doubt.
  ProgramStateRef releaseAliases(ProgramStateRef State, LockName Released) const;
  /// Gives back the locks of guards that have ended by the time that \p At is evaluated.
  ProgramStateRef endGuards(ProgramStateRef State, const Stmt *At, const LocationContext *Here) const;
  bool mayWaitForLong(const CallEvent &Call, const Meaning &Row, CheckerContext &C) const;
  /// The entry of the thread that \p Join waits for, where this file spawns it into the same variable or field.
  const FunctionDecl *joinedEntry(const CallExpr *Join, const Meaning &Row) const;
  void onWait(const CallEvent &Call, const Meaning &Row, CheckerContext &C) const;
  ProgramStateRef passUnseenCall(ProgramStateRef State, const CallEvent &Call) const;
  /// Keeps the threads that run, as far as the path alone can say that they do.
  ProgramStateRef followThreads(ProgramStateRef State, const CallEvent &Call, const StackFrameContext *Frame) const;
  /// A thread of this path that may use \p Lock later, or null.
  const Running *userOf(ProgramStateRef State, LockName Lock) const;
  void onFree(const CallEvent &Call, const Meaning &Row, CheckerContext &C) const;
  /// Does what the attributes of the called function say.
  void passDeclaredCall(ProgramStateRef State, const CallEvent &Call, CheckerContext &C) const;
  /// The lock that \p D names, where the function's parameters have the values \p Given.
  const MemRegion *lockAt(const DeclaredLock &D, ArrayRef<SVal> Given, ProgramStateRef State,
                          const LocationContext *Frame) const;
  /// What the attributes of \p Frame's function say of its end with \p Lock held and this answer.
  Word wordOn(LockName Lock, const StackFrameContext *Frame, const Answer &Said, ProgramStateRef State) const;
  void noteGuard(SVal Location, SVal Value, CheckerContext &C) const;
  /// What is written as a whole begins anew.
  void forgetWritten(SVal Location, CheckerContext &C) const;

  void endFrame(const StackFrameContext *Frame, const Stmt *Exit, bool EndsThread, SVal Returned,
                CheckerContext &C) const;
  bool isForgotten(const Exit &At, const ValueDecl *Place) const;
  bool nobodyReleases(LockName Lock) const;
  /// Whether this file, which alone sees \p Lock, does no more than try to take it.
  bool isOnlyTried(LockName Lock) const;

  std::string nameOf(LockName Lock, const Expr *Written) const;
  /// Where no call took the lock that is held, points to the declaration that says so.
  void tellDeclared(LockReport &Report, const Standing &Known, const SourceManager &SM) const;
  void report(Rule R, const llvm::Twine &Text, LockName Lock, const Standing &Known, const CallEvent &Call,
              ProgramStateRef State, CheckerContext &C, const Running *User = nullptr) const;
  /// A note for reports about \p Lock, unless the call that led it to \p Now has failed.
  const NoteTag *tell(LockName Lock, const Standing &Now, std::string Text, CheckerContext &C) const;
  const LockReport *asOurs(const PathSensitiveBugReport &Report) const;
  bool concerns(CheckerContext &C) const;

  /// Of the exploration at hand: names, exits and endings are the same for all of its paths.
  mutable Places Names;
  mutable std::vector<Exit> Exits;
  mutable std::map<Exit, unsigned> ExitNumbers;
  mutable std::map<LockName, std::string> CalledAs;
  mutable std::map<LockName, SourceLocation> HeldByWord; ///< declared to be held when the function begins
  mutable std::set<Ending> Endings;
  mutable std::vector<Suspect> Suspects;
  mutable std::set<std::pair<unsigned, LockName>> Suspected;
  mutable llvm::DenseSet<const Stmt *> TakenAgain; ///< by DoubleLock's report
  /// Of the whole file: functions whose caller was seen, and those that left a lock to a caller that gave it back.
  mutable llvm::DenseSet<const Decl *> SeenFromCallers;
  mutable std::set<std::pair<const Decl *, const ValueDecl *>> HandedOver;
  mutable std::set<std::pair<const Decl *, const Stmt *>> WaitedIn; ///< by Blocking's reports, and for what
};

Answer answerOf(ProgramStateRef State, SVal Returned, QualType Type, const Unit &U) {
  Answer Said;
  if (Type->isVoidType()) {
    Said.Nothing = true;
    return Said;
  }
  Said.Pointer = Type->isPointerType();
  auto Value = Returned.getAs<DefinedSVal>();
  if (!Value)
    return Said;
  if (auto Number = Value->getAs<nonloc::ConcreteInt>()) {
    Said.Number = compat::valueOf(*Number);
    return Said;
  }
  SymbolRef Symbol = Value->getAsSymbol();
  if (const llvm::APSInt *Only = Symbol ? State->getConstraintManager().getSymVal(State, Symbol) : nullptr) {
    Said.Number = numberOf(*Only);
    return Said;
  }
  ConditionTruthVal Null = State->isNull(*Value);
  if (Null.isConstrainedTrue()) {
    Said.Number = 0;
    return Said;
  }
  if (Null.isConstrainedFalse())
    Said.Zero = false;
  // That it could not be given back nobody expects to hear.
  if (const auto *Result = dyn_cast_or_null<SymbolConjured>(Symbol); Result && Null.isUnderconstrained())
    if (const auto *Call = dyn_cast_or_null<CallExpr>(Result->getStmt()))
      if (const Meaning *Row = U.meaningOf(Call, Effect::Release))
        Said.Number = U.successValue(*Row);
  const auto *Compared = dyn_cast_or_null<BinarySymExpr>(Symbol);
  Said.Either = Null.isUnderconstrained() && Compared && BinaryOperator::isComparisonOp(Compared->getOpcode());
  if (!Said.Pointer && Type->isSignedIntegerType()) {
    SValBuilder &Values = State->getStateManager().getSValBuilder();
    auto May = [&](BinaryOperatorKind Compared, bool Is) {
      auto Holds = Values.evalBinOp(State, Compared, *Value, Values.makeZeroVal(Type), Values.getConditionType())
                       .getAs<DefinedOrUnknownSVal>();
      return !Holds || State->assume(*Holds, Is);
    };
    // Of "zero or less" a part says that it has failed.
    if (!May(BO_LT, false) || (!May(BO_GT, true) && May(BO_LT, true)))
      Said.Negative = true;
    else if (!May(BO_LT, true))
      Said.Negative = false;
  }
  return Said;
}

/// Whether the answer is one that callers take for a failure, whatever else the function may answer.
bool soundsLikeFailure(const Answer &Said) {
  if (Said.Pointer)
    return Said.Number == 0;
  return Said.Negative == true || (Said.Number && *Said.Number < 0);
}

bool isZero(const Answer &Said) { return Said.Number == 0; }
bool isNotZero(const Answer &Said) { return Said.Zero == false || (Said.Number && *Said.Number != 0); }

/// Whether a caller that hears \p Said knows that it was not \p Other, which returns a constant, that answered.
bool isToldApart(const Answer &Said, const ReturnStmt *Other, CheckerContext &C) {
  const Expr *Value = Other->getRetValue();
  Expr::EvalResult Constant;
  if (!Value)
    return false;
  if (Said.Pointer)
    return isNotZero(Said) && Value->isNullPointerConstant(C.getASTContext(), Expr::NPC_ValueDependentIsNotNull);
  if (!Value->EvaluateAsInt(Constant, C.getASTContext()))
    return false;
  const int64_t Number = numberOf(Constant.Val.getInt());
  return Said.Number ? *Said.Number != Number
                     : (Said.Zero == false && Number == 0) || (Said.Negative == false && Number < 0);
}

} // namespace

bool LockState::concerns(CheckerContext &C) const {
  A->U.scan();
  const LocationContext *Top = C.getLocationContext();
  while (Top->getParent())
    Top = Top->getParent();
  const auto *Root = dyn_cast_or_null<FunctionDecl>(Top->getDecl());
  return Root && A->U.touchesSync(Root);
}

// ---- telling --------------------------------------------------------------------------------------------------------

const LockReport *LockState::asOurs(const PathSensitiveBugReport &Report) const {
  for (Rule R : {Rule::lock_Leak, Rule::lock_DoubleLock, Rule::lock_NotHeld, Rule::lock_Blocking, Rule::lock_Lifetime,
                 Rule::lock_CondMutex})
    if (A->Book.isOn(R) && &Report.getBugType() == &A->Book.type(R))
      return static_cast<const LockReport *>(&Report);
  return nullptr;
}

const NoteTag *LockState::tell(LockName Lock, const Standing &Now, std::string Text, CheckerContext &C) const {
  return C.getNoteTag([this, Lock, Result = Now.Result, Row = Now.Row,
                       Text = std::move(Text)](PathSensitiveBugReport &Report) -> std::string {
    const LockReport *Ours = asOurs(Report);
    if (!Ours || Ours->Lock != Lock)
      return "";
    // What was refused, as the path has learned since, did not happen.
    for (const ProgramStateRef &State : Ours->Later)
      if (std::optional<bool> Worked = succeeded(State, Result, Row, A->U))
        return *Worked ? Text : "";
    return Text;
  });
}

/// The variable that \p E starts from, pointers followed; or null.
static const VarDecl *startOf(const Expr *E) {
  while (true) {
    E = E->IgnoreParenCasts();
    if (const auto *Ref = dyn_cast<DeclRefExpr>(E))
      return dyn_cast<VarDecl>(Ref->getDecl());
    if (const auto *Member = dyn_cast<MemberExpr>(E))
      E = Member->getBase();
    else if (const auto *Element = dyn_cast<ArraySubscriptExpr>(E))
      E = Element->getBase();
    else if (const auto *Op = dyn_cast<UnaryOperator>(E))
      E = Op->getSubExpr();
    else
      return nullptr;
  }
}

std::string LockState::nameOf(LockName Lock, const Expr *Written) const {
  // One name for one lock, whatever it is called later. A lock behind a pointer is called as the pointer is.
  auto [Called, New] = CalledAs.try_emplace(Lock);
  if (!New)
    return Called->second;
  Called->second = StringRef(Names.written(Lock)).ltrim('*').str();
  // A parameter has other names further out; a variable that stands for something longer is what the author wrote.
  const VarDecl *Start = Written ? startOf(Written) : nullptr;
  const bool Shorter = Start && Start->isLocalVarDecl() && !StringRef(Called->second).starts_with(Start->getName());
  const bool Allocated = Start && StringRef(Called->second).ends_with(")"); // where it came from is not what it is
  if (Written && (Called->second.empty() || Shorter || Allocated)) {
    Written = Written->IgnoreParenCasts();
    if (const auto *Address = dyn_cast<UnaryOperator>(Written); Address && Address->getOpcode() == UO_AddrOf)
      Written = Address->getSubExpr()->IgnoreParenCasts();
    Called->second = A->U.text(Written);
  }
  if (Called->second.empty())
    Called->second = "the lock";
  return Called->second;
}

void LockState::tellDeclared(LockReport &Report, const Standing &Known, const SourceManager &SM) const {
  if (auto Declared = HeldByWord.find(Report.Lock); Declared != HeldByWord.end() && Known.isHeld() && !Known.Taken)
    Report.addNote("'" + nameOf(Report.Lock, nullptr) + "' is declared to be held at the start",
                   PathDiagnosticLocation(Declared->second, SM));
}

void LockState::report(Rule R, const llvm::Twine &Text, LockName Lock, const Standing &Known, const CallEvent &Call,
                       ProgramStateRef State, CheckerContext &C, const Running *User) const {
  // Who waits for itself goes no further.
  ExplodedNode *End = R == Rule::lock_DoubleLock ? C.generateErrorNode(State) : C.generateNonFatalErrorNode(State);
  if (!End)
    return;
  PathDiagnosticLocation At(Call.getOriginExpr(), C.getSourceManager(), C.getLocationContext());
  auto Report =
      std::make_unique<LockReport>(A->Book, R, Text.str(), End, At, At, C.getLocationContext()->getDecl(), Lock);
  tellDeclared(*Report, Known, C.getSourceManager());
  if (User)
    Report->addNote("the thread is started here",
                    PathDiagnosticLocation::createBegin(User->Spawn, C.getSourceManager(), C.getLocationContext()));
  C.emitReport(std::move(Report));
}

// ---- what calls mean ------------------------------------------------------------------------------------------------

ProgramStateRef LockState::forget(ProgramStateRef State, LockName Lock) const {
  const Standing *Known = State->get<LockMap>(Lock);
  A->Unbalanced |= Known && Known->isHeld();
  return State->remove<LockMap>(Lock);
}

Standing LockState::settled(ProgramStateRef State, const Standing &Known) const {
  Standing Now = Known;
  if (Known.Result) {
    const std::optional<bool> Worked = succeeded(State, Known.Result, Known.Row, A->U);
    if (Known.Row->What == Effect::TryAcquire) {
      // Tried and never asked: nobody knows. Asked for one failure, it has worked where it was not that one.
      if (Worked == false)
        Now.At = Known.Before;
      else if (!Worked && !isAsked(State, Known.Result))
        Now.At = SyncStage::Unknown;
    } else if (Worked == false) {
      // A lock that cannot even be waited for is in a state that no path can name, and after a failure to make one its
      // users fail in turn.
      Now.At =
          Known.Row->What == Effect::Acquire || Known.Row->What == Effect::Init ? SyncStage::Unknown : Known.Before;
    }
    Now.Result = nullptr;
    Now.Row = nullptr;
  }
  if (Now.MaybeReleased) {
    Now.At = SyncStage::Unknown;
    Now.MaybeReleased = false;
  }
  return Now;
}

bool LockState::isSure(const Standing &Known, const MemRegion *Region, LockName Lock) const {
  if (Known.Region == Region)
    return true;
  // Re-read after a call that may have changed the pointer on the way: the same one if nobody here ever changes it.
  // A counter that somebody steps is never the same.
  SmallVector<const ValueDecl *, 4> Pointers, Indexes;
  return Names.readsOf(Lock, Pointers, Indexes) &&
         llvm::all_of(Pointers, [&](const ValueDecl *Pointer) { return Written->writesTo(Pointer) <= 1; }) &&
         llvm::all_of(Indexes, [&](const ValueDecl *Index) { return Written->writesTo(Index) == 0; });
}

LockKind LockState::kindNamed(const CallEvent &Call, const Meaning &Row) const {
  const Expr *WrittenAs = Unit::argument(cast<CallExpr>(Call.getOriginExpr()), Row.Value);
  auto Value = Call.getArgSVal(Row.Value.index()).getAs<nonloc::ConcreteInt>();
  if (!Value)
    return LockKind::Recursive;
  const int64_t Number = compat::valueOf(*Value);
  // Row.Value may hold more than the kind, each a bit of it. A macro has no value here: compare what is written.
  auto Is = [&](StringRef Constant) {
    const std::optional<int64_t> Known = A->U.constantNamed(Constant);
    return Known ? Number == *Known || (Row.What == Effect::Init && (Number & *Known))
                 : !Constant.empty() && StringRef(A->U.text(WrittenAs)).contains(Constant);
  };
  return Is(Row.RecursiveName) ? LockKind::Recursive : Is(Row.CheckedName) ? LockKind::Checked : LockKind::Plain;
}

LockKind LockState::kindMade(ProgramStateRef State, const CallEvent &Call, const Meaning &Row) const {
  if (Row.Value.isArgument() && !Row.RecursiveName.empty())
    return kindNamed(Call, Row);
  if (!Row.Attr.isArgument())
    return LockKind::Plain;
  SVal Attr = Call.getArgSVal(Row.Attr.index());
  if (Attr.isZeroConstant())
    return LockKind::Plain;
  const MemRegion *Region = Attr.getAsRegion();
  const Standing *Known = Region ? State->get<LockMap>(Names.ofObject(Region->StripCasts(), State)) : nullptr;
  return Known ? Known->Kind : LockKind::Recursive; // made by an attribute from elsewhere
}

ProgramStateRef LockState::setAttribute(ProgramStateRef State, const CallEvent &Call, const Meaning &Row) const {
  const MemRegion *Region = Call.getArgSVal(Row.Object.index()).getAsRegion();
  const LockName Attr = Region ? Names.ofObject(Region->StripCasts(), State) : Places::None;
  if (!Attr)
    return State;
  Standing Known;
  if (Row.What == Effect::AttributeSet) {
    if (Row.RecursiveName.empty())
      return State;
    Known.Kind = kindNamed(Call, Row);
  }
  return State->set<LockMap>(Attr, Known);
}

LockKind LockState::kindOf(const Standing &Known, LockName Lock) const {
  const ValueDecl *Place = Names.declarationOf(Lock);
  return Known.KindSeen                   ? Known.Kind
         : Written->mayBeRecursive(Place) ? LockKind::Recursive
         : Written->mayBeChecked(Place)   ? LockKind::Checked
                                          : LockKind::Plain;
}

static bool isAnswerUsed(const CallEvent &Call) {
  const ParentMap &Parents = Call.getLocationContext()->getParentMap();
  return !isa_and_nonnull<CompoundStmt>(Parents.getParentIgnoreParens(const_cast<Expr *>(Call.getOriginExpr())));
}

SyncEvent LockState::acquiring(const CallEvent &Call, const Meaning &Row, const Standing &Known, LockName Lock) const {
  // Whether the holder may take it again is asked of locks that are waited for.
  const LockKind Kind = kindOf(Known, Lock);
  if (Kind == LockKind::Recursive || (Kind == LockKind::Checked && isAnswerUsed(Call)))
    return SyncEvent::AcquireAgain;
  return Row.Shared ? SyncEvent::AcquireShared : SyncEvent::Acquire;
}

std::string LockState::storyOf(SyncEvent What, StringRef Called) const {
  switch (What) {
  case SyncEvent::Init:
    return ("'" + Called + "' is initialised here").str();
  case SyncEvent::Acquire:
  case SyncEvent::AcquireShared:
  case SyncEvent::AcquireAgain:
    return ("'" + Called + "' is taken here").str();
  case SyncEvent::Release:
    return ("'" + Called + "' is released here").str();
  case SyncEvent::Destroy:
    return ("'" + Called + "' is destroyed here").str();
  default:
    return "";
  }
}

ProgramStateRef LockState::releaseAliases(ProgramStateRef State, LockName Released) const {
  const ValueDecl *Place = Names.declarationOf(Released);
  const VarDecl *Var = Names.variableOf(Released);
  for (const auto &[Other, Known] : State->get<LockMap>()) {
    if (Other == Released || !Known.isHeld() || Known.MaybeReleased)
      continue;
    // Two fields of one kind in two named variables are two locks; behind pointers nobody knows. Of elements a loop
    // gives back more than the two rounds that we follow.
    const VarDecl *OtherVar = Names.variableOf(Other);
    // What the path has allocated has no name but the pointers to it, and one that was read again may be one of them.
    const bool Allocated = Place && !Names.declarationOf(Other) && !holdsObjects(Place);
    if (Released && !Allocated && (Names.declarationOf(Other) != Place || (Var && OtherVar && Var != OtherVar)))
      continue;
    Standing Doubtful = Known;
    Doubtful.MaybeReleased = true;
    State = State->set<LockMap>(Other, Doubtful);
  }
  return State;
}

LockState::Event LockState::eventAt(SyncEvent What, const Meaning &Row, Role Object, const CallEvent &Call) {
  const MemRegion *Region = Call.getArgSVal(Object.index()).getAsRegion();
  return {What, &Row, Region ? Region->StripCasts() : nullptr,
          Unit::argument(cast<CallExpr>(Call.getOriginExpr()), Object)};
}

bool LockState::passedByAcquire(const Standing &Known, LockName Lock, CheckerContext &C) const {
  const StackFrameContext *Frame = C.getStackFrame();
  const auto *Function = dyn_cast_or_null<FunctionDecl>(Frame->getDecl());
  return Function && Frame->getParent() && !Known.isHeld() && Known.ReleasedIn != Frame &&
         Written->acquires(Function, Names.declarationOf(Lock));
}

bool LockState::isMadeOnDemand(const CallEvent &Call, LockName Lock) const {
  const VarDecl *Var = Names.variableOf(Lock);
  const CFG *Graph = Var && Var->hasGlobalStorage() ? Call.getLocationContext()->getStackFrame()->getCFG() : nullptr;
  return Graph && Written->isDestroyedFromOutside(Names.declarationOf(Lock)) &&
         leaves(*Graph, {&Graph->getEntry(), 0},
                [&](const Stmt *S) { return S == Call.getOriginExpr() ? Step::Stop : Step::On; });
}

bool LockState::beginsWithNone(CheckerContext &C) const {
  const LocationContext *Top = C.getLocationContext();
  while (Top->getParent())
    Top = Top->getParent();
  const auto *Root = dyn_cast_or_null<FunctionDecl>(Top->getDecl());
  return Root && !A->U.isCalled(Root) && (Root->isMain() || !A->U.spawnsOf(Root).empty());
}

bool LockState::isUnborn(const MemRegion *Region, LockName Object, CheckerContext &C) const {
  // A loop may have gone round more often than we did, so elements of arrays are not judged.
  const auto *Sub = dyn_cast<SubRegion>(Region);
  if (!Sub || Names.isInArray(Object))
    return false;
  const MemRegion *Base = Region->getBaseRegion();
  const auto *Var = dyn_cast<VarRegion>(Base);
  if (Var ? !Var->getDecl()->isLocalVarDecl() || !Var->getDecl()->hasLocalStorage() : !isa<SymbolicRegion>(Base))
    return false;
  const auto *Typed = dyn_cast<TypedValueRegion>(Region);
  if (!Typed || !Typed->getValueType()->isScalarType())
    Typed = C.getStoreManager().GetElementZeroRegion(Sub, C.getASTContext().UnsignedCharTy);
  return C.getState()->getSVal(Typed).isUndef();
}

std::string LockState::complaint(Rule R, const Event &E, SyncEvent What, SyncStage From, StringRef Called,
                                 const Running *User) const {
  std::string Kind = "lock";
  if (QualType Type = E.Written ? E.Written->IgnoreParenCasts()->getType() : QualType();
      !Type.isNull() && Type->isPointerType())
    switch (A->U.syncKind(Type->getPointeeType()).value_or(Sync::Lock)) {
    case Sync::Lock:
      break;
    case Sync::Condition:
      Kind = "condition";
      break;
    case Sync::Semaphore:
      Kind = "semaphore";
      break;
    case Sync::Barrier:
      Kind = "barrier";
      break;
    case Sync::Once:
      Kind = "once control";
      break;
    case Sync::Queue:
      Kind = "queue";
      break;
    }
  const std::string Head = (Kind + " '" + Called + "' is ").str();
  switch (R) {
  case Rule::lock_DoubleLock:
    return Head + "taken again by the thread that holds it";
  case Rule::lock_NotHeld:
    return Head + "released, but " + (From == SyncStage::Made ? "was never taken" : "was already released");
  case Rule::lock_CondMutex:
    return "a condition is waited for with lock '" + Called.str() + "', which is not held";
  default:
    break;
  }
  if (What == SyncEvent::Init)
    return Head + (From == SyncStage::Made || From == SyncStage::Free ? "initialised a second time"
                                                                      : "initialised while it is held");
  if (User)
    return Head + "destroyed while the thread that runs '" + functionName(User->Entry).str() + "' may use it";
  const char *Verb = What == SyncEvent::Destroy ? "destroyed" : "used";
  if (From == SyncStage::Unborn)
    return Head + Verb + ", but was never initialised";
  if (From != SyncStage::Gone)
    return Head + "destroyed while it is held";
  return Head + (What == SyncEvent::Destroy ? "destroyed a second time" : "used after it was destroyed");
}

ProgramStateRef LockState::apply(ProgramStateRef State, const CallEvent &Call, const Event &E, const NoteTag *&Note,
                                 CheckerContext &C) const {
  const LockName Lock = Names.ofObject(E.Object, State);
  if (!Lock) {
    A->Unbalanced = true;
    return E.What == SyncEvent::Release ? releaseAliases(State, Lock) : State;
  }
  if (const ValueDecl *Declared = Names.declarationOf(Lock);
      Declared && holdsObjects(Declared) && !A->On.isOn(cast<ValueDecl>(Declared->getCanonicalDecl())))
    return State;
  for (LockName Guarded : State->get<GuardedSet>())
    if (Names.isWithin(Lock, Guarded))
      return forget(State, Lock);

  const Standing *Seen = State->get<LockMap>(Lock);
  Standing Known = Seen ? settled(State, *Seen) : Standing();
  if (!Seen && isUnborn(E.Object, Lock, C))
    Known.At = SyncStage::Unborn;
  if (Seen && !isSure(*Seen, E.Object, Lock)) // may be another one by now: no rule can be broken
    if (!Known.isHeld() || E.What != SyncEvent::Release)
      Known.At = SyncStage::Unknown;

  // a[i] turns into a[3] where the path learns i.
  if (E.What == SyncEvent::Release && !Known.isHeld() && llvm::any_of(State->get<LockMap>(), [&](const auto &Other) {
        return Other.second.isHeld() && !Other.second.MaybeReleased && Names.mayBeOneElement(Other.first, Lock);
      }))
    Known.At = SyncStage::Unknown;

  const SyncEvent What = E.What == SyncEvent::Acquire ? acquiring(Call, *E.Row, Known, Lock) : E.What;
  if ((What == SyncEvent::Release || What == SyncEvent::WaitFor) && passedByAcquire(Known, Lock, C))
    Known.At = SyncStage::Unknown;
  if (What == SyncEvent::Release && !Known.isHeld() && kindOf(Known, Lock) != LockKind::Plain && isAnswerUsed(Call))
    Known.At = SyncStage::Unknown; // asked, such a lock says whether it was held
  // Who made it is known only where this path has seen it: a child after fork makes its locks anew.
  if (What == SyncEvent::Init && Known.At == SyncStage::Free && !Known.KindSeen)
    Known.At = SyncStage::Unknown;
  if (What == SyncEvent::Init && !Known.isHeld() && isMadeOnDemand(Call, Lock))
    Known.At = SyncStage::Unknown;
  // What the function did not take itself, or make, is its callers'.
  if (What == SyncEvent::Release || What == SyncEvent::WaitFor)
    A->Unbalanced |= !Known.isHeld();
  else if (What == SyncEvent::Init || What == SyncEvent::Destroy)
    A->Unbalanced |= !Names.frameOf(Lock) && Known.At != SyncStage::Unborn && !Known.KindSeen;
  Move<SyncStage> Moved = step(Known.At, What);
  const Running *User = What == SyncEvent::Destroy && !Moved.Broken ? userOf(State, Lock) : nullptr;
  if (User)
    Moved.Broken = Rule::lock_Lifetime;
  const std::string Called = nameOf(Lock, E.Written);
  if (Moved.Broken && A->Book.isOn(*Moved.Broken)) {
    if (Known.Taken == Call.getOriginExpr()) // in the next round of a loop
      TakenAgain.insert(Known.Taken);
    Standing After; // nobody knows any more
    After.Region = E.Object;
    report(*Moved.Broken, complaint(*Moved.Broken, E, What, Known.At, Called, User), Lock, Known, Call,
           State->set<LockMap>(Lock, After), C, User);
    return nullptr;
  }

  Standing Next = Known;
  // How often a lock was taken again nobody counts: who gives it back may still hold it.
  const bool MayNest =
      What == SyncEvent::Release &&
      (Known.Uncounted || (Known.At == SyncStage::Unknown && kindOf(Known, Lock) == LockKind::Recursive));
  if (What == SyncEvent::Release)
    Next.Uncounted |= Known.At == SyncStage::Nested;
  else if (What == SyncEvent::AcquireAgain && Known.At == SyncStage::Unknown && (Seen || !beginsWithNone(C)))
    Next.Uncounted |= kindOf(Known, Lock) == LockKind::Recursive;
  Next.At = MayNest ? SyncStage::Unknown : Moved.Next;
  Next.Region = E.Object;
  const StackFrameContext *Frame = C.getStackFrame();
  auto CalledHere = [&] { // it may fail, and the path will know
    Next.Before = Known.At;
    Next.Row = E.Row;
    if (E.Row->What == Effect::TryAcquire || isAnswerUsed(Call)) // what nobody asks nobody will know
      Next.Result = State->getSVal(Call.getOriginExpr(), C.getLocationContext()).getAsSymbol(true);
  };
  switch (What) {
  case SyncEvent::Acquire:
  case SyncEvent::AcquireShared:
  case SyncEvent::AcquireAgain: {
    if (E.Row->Shared && Next.At == SyncStage::Held)
      Next.At = SyncStage::Shared;
    CalledHere();
    if (Known.isHeld())
      break;
    Next.Taken = cast<CallExpr>(Call.getOriginExpr());
    Next.TakenIn = Frame;
    Next.Left = 0;
    Next.Shown = false;
    // Taken back: a function that was called with it held and let go of it in between owes it to its caller.
    const bool Lent = Known.Owner && Known.ReleasedIn && Known.Owner->isParentOf(Known.ReleasedIn) &&
                      (Frame == Known.ReleasedIn || Known.ReleasedIn->isParentOf(Frame));
    if (!Known.OnEntry && !Lent)
      Next.Owner = Frame;
    Next.ReleasedIn = nullptr;
    break;
  }
  case SyncEvent::Release:
    if (Names.isInArray(Lock))
      State = releaseAliases(State, Lock);
    for (unsigned N = Known.isHeld() ? Known.Left : 0; N; N = Exits[N - 1].Inner)
      HandedOver.emplace(Exits[N - 1].Frame->getDecl(), Names.declarationOf(Lock));
    if (!Known.isHeld() && Known.At != SyncStage::Made) {
      State = releaseAliases(State, Lock);
      Next.OnEntry = !Seen || Known.OnEntry;
    }
    Next.ReleasedIn = Frame;
    Next.Left = 0;
    break;
  case SyncEvent::Init:
    Next.Kind = kindMade(State, Call, *E.Row);
    Next.KindSeen = true;
    Next.Taken = cast<CallExpr>(Call.getOriginExpr());
    Next.ReleasedIn = Frame;
    Next.Owner = nullptr;
    CalledHere();
    break;
  case SyncEvent::Destroy:
    CalledHere();
    break;
  default:
    // A use alone tells nothing that would have to be remembered.
    return Seen ? State->set<LockMap>(Lock, Next) : State;
  }
  Note = tell(Lock, Next, storyOf(What, Called), C);
  return State->set<LockMap>(Lock, Next);
}

/// The block that \p Taken, which takes a lock up to the end of the variable that it initialises, stands in.
static const CompoundStmt *blockAround(const CallExpr *Taken, const ParentMap &Parents) {
  const Stmt *S = Taken;
  while (S && !isa<CompoundStmt>(S))
    S = Parents.getParent(S);
  return cast_or_null<CompoundStmt>(S);
}

ProgramStateRef LockState::endGuards(ProgramStateRef State, const Stmt *At, const LocationContext *Here) const {
  // The end of a variable is not on the path: a guard's lock is given back by the time that something outside of its
  // block, or in the next round before it, is evaluated.
  for (const auto &[Lock, Known] : State->get<LockMap>()) {
    if (!Known.isHeld() || !Known.Taken || !A->U.meaningOf(Known.Taken, Effect::Guard) || !Known.TakenIn)
      continue;
    const Stmt *S = At;
    const StackFrameContext *Frame = Here->getStackFrame();
    for (; Frame && Frame != Known.TakenIn; Frame = Frame->getParent() ? Frame->getParent()->getStackFrame() : nullptr)
      S = Frame->getCallSite();
    bool InForce = false;
    if (Frame && S) {
      const ParentMap &Parents = Frame->getParentMap();
      const SourceManager &SM = Frame->getAnalysisDeclContext()->getASTContext().getSourceManager();
      const CompoundStmt *Block = blockAround(Known.Taken, Parents);
      const Stmt *Outer = S;
      while (Outer && Outer != Block)
        Outer = Parents.getParent(Outer);
      InForce = Block && Outer && S != Known.Taken &&
                SM.isBeforeInTranslationUnit(SM.getExpansionLoc(Known.Taken->getBeginLoc()),
                                             SM.getExpansionLoc(S->getBeginLoc()));
    }
    if (InForce)
      continue;
    Standing Given = Known;
    Given.At = SyncStage::Free;
    Given.ReleasedIn = Known.TakenIn;
    Given.Left = 0;
    State = State->set<LockMap>(Lock, Given);
  }
  return State;
}

void LockState::checkPreStmt(const CallExpr *Call, CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  if (State->get<LockMap>().isEmpty())
    return;
  if (ProgramStateRef Next = endGuards(State, Call, C.getLocationContext()); Next != State)
    C.addTransition(Next);
}

bool LockState::evalCall(const CallEvent &Call, CheckerContext &C) const {
  const auto *Callee = dyn_cast_or_null<FunctionDecl>(Call.getDecl());
  if (!Callee || !isa_and_nonnull<CallExpr>(Call.getOriginExpr()))
    return false;
  ArrayRef<Meaning> Rows = A->U.meaningsOf(Callee);
  if (Rows.empty() || Rows.front().Args != Call.getNumArgs())
    return false;
  const Meaning &Row = Rows.front();
  ProgramStateRef State = C.getState();
  SyncEvent What = SyncEvent::Use;
  switch (Row.What) {
  case Effect::Acquire:
    What = SyncEvent::Acquire;
    break;
  case Effect::TryAcquire:
    What = SyncEvent::AcquireAgain;
    break;
  case Effect::Release:
    What = SyncEvent::Release;
    break;
  case Effect::Init:
    What = SyncEvent::Init;
    break;
  case Effect::Destroy:
    What = SyncEvent::Destroy;
    break;
  case Effect::Wait:
  case Effect::Post:
  case Effect::Once:
    break;
  case Effect::Guard:
    What = SyncEvent::Acquire;
    break;
  default:
    return false;
  }
  // Others may have written what the lock guards, or what this thread has waited for.
  if (What == SyncEvent::Acquire || What == SyncEvent::AcquireAgain || Row.What == Effect::Wait ||
      Row.What == Effect::Once)
    State = Call.invalidateRegions(C.blockCount(), State);
  State = bindResult(State, Call, C);
  const NoteTag *Note = nullptr;
  if (Row.Object.isArgument())
    State = apply(State, Call, eventAt(What, Row, Row.Object, Call), Note, C);
  if (State && Row.What == Effect::Wait && Row.Lock.isArgument())
    State = apply(State, Call, eventAt(SyncEvent::WaitFor, Row, Row.Lock, Call), Note, C);
  if (State)
    C.addTransition(State, Note);
  return true;
}

// ---- calls that wait ------------------------------------------------------------------------------------------------

bool LockState::mayWaitForLong(const CallEvent &Call, const Meaning &Row, CheckerContext &C) const {
  const auto *E = cast<CallExpr>(Call.getOriginExpr());
  if (!A->mayWaitForLong(E, Row))
    return false;
  ProgramStateRef State = C.getState();
  if (isOnScope(Row.What) && Row.Object.isArgument())
    if (const MemRegion *Scope = Call.getArgSVal(Row.Object.index()).getAsRegion();
        Scope && A->IsIdle && A->IsIdle(State, Scope->StripCasts()))
      return false;
  if (Row.Value.isArgument() && State->isNull(Call.getArgSVal(Row.Value.index())).isConstrainedTrue())
    return false;
  if (!Row.UnlessObject.empty() && Opened->areSetWith(Unit::argument(E, Row.Object), Row.UnlessObject))
    return false;
  if (Row.Limit.isArgument()) { // for ever only where that is known
    SVal Limit = Call.getArgSVal(Row.Limit.index());
    auto Number = Limit.getAs<nonloc::ConcreteInt>();
    const Expr *Written = Unit::argument(E, Row.Limit);
    const bool Never = !Row.NeverName.empty() && Written && A->U.text(Written) == Row.NeverName;
    if (!Never && (Number ? compat::valueOf(*Number) >= 0 : !State->isNull(Limit).isConstrainedTrue()))
      return false;
  }
  if (Row.Flags.isArgument()) {
    auto Flags = Call.getArgSVal(Row.Flags.index()).getAs<nonloc::ConcreteInt>();
    if (!Flags || A->forbidWaiting(compat::valueOf(*Flags), E, Row))
      return false;
  }
  return true;
}

const FunctionDecl *LockState::joinedEntry(const CallExpr *Join, const Meaning &Row) const {
  const ValueDecl *Handle = WrittenLocks::lastNamed(Unit::argument(Join, Row.Object));
  return Handle ? Written->entryBehind(Handle) : nullptr;
}

void LockState::onWait(const CallEvent &Call, const Meaning &Row, CheckerContext &C) const {
  const auto *E = cast<CallExpr>(Call.getOriginExpr());
  ProgramStateRef State = C.getState();
  LockName Own = Places::None; // the lock that a condition gives back meanwhile
  if (Row.Lock.isArgument()) {
    const Event WaitedWith = eventAt(SyncEvent::WaitFor, Row, Row.Lock, Call);
    Own = Names.ofObject(WaitedWith.Object, State);
    const Standing *Known = Own ? State->get<LockMap>(Own) : nullptr;
    if (!Own || !Known || !settled(State, *Known).isHeld()) // it may be any of those that are held
      return;
  }
  const FunctionDecl *Entry = Row.What == Effect::Join ? joinedEntry(E, Row) : nullptr;
  const Standing *Worst = nullptr;
  LockName Held = Places::None;
  bool Deadlock = false;
  for (const auto &[Lock, Known] : State->get<LockMap>()) {
    // Who waits for a lock that is never given back waits anyway: it is there to let one thread through. For one that
    // is only ever tried nobody waits.
    if (Lock == Own || !settled(State, Known).isHeld() || nobodyReleases(Lock) || isOnlyTried(Lock))
      continue;
    const ValueDecl *Place = Names.declarationOf(Lock);
    // A thread that was waited for with the lock has said that it is done, and has given the lock back after it.
    const auto *Owner =
        dyn_cast_or_null<FunctionDecl>(Known.Owner ? Known.Owner->getDecl() : C.getLocationContext()->getDecl());
    if (Row.What == Effect::Join && Owner && Written->waitsWith(Owner, Place))
      continue;
    const bool Taken = Entry && Written->insistsOn(Entry, Place, Known.At == SyncStage::Shared);
    if (!Worst || (Taken && !Deadlock)) {
      Worst = &Known;
      Held = Lock;
      Deadlock = Taken;
    }
  }
  if (!Worst)
    return;
  // The call that somebody who holds the lock would move: in the frame that has to give it back.
  const Stmt *Site = E;
  const LocationContext *Frame = C.getStackFrame();
  while (Frame != Worst->Owner && Frame->getParent() && !(Worst->Owner && Frame->isParentOf(Worst->Owner))) {
    Site = Frame->getStackFrame()->getCallSite();
    Frame = Frame->getParent()->getStackFrame();
  }
  if (!A->Trial && !WaitedIn.emplace(Frame->getDecl(), E).second) // one for all locks, and for all ways to it
    return;
  ExplodedNode *End = C.generateNonFatalErrorNode(State);
  if (!End)
    return;
  const auto *Callee = dyn_cast_or_null<FunctionDecl>(Call.getDecl());
  const std::string Lock = "lock '" + nameOf(Held, nullptr) + "'";
  const std::string Waits = "'" + functionName(Callee).str() + "'";
  const auto *Outer = dyn_cast<CallExpr>(Site);
  std::string Text = Site == E || !Outer || !Outer->getDirectCallee()
                         ? Waits + " may wait"
                         : "'" + functionName(Outer->getDirectCallee()).str() + "' may wait in " + Waits;
  Text += " while " + Lock + " is held";
  if (Deadlock)
    Text = Waits + " waits for ever: the thread takes " + Lock + ", which is held here";
  const SourceManager &SM = C.getSourceManager();
  PathDiagnosticLocation At(Site, SM, Frame);
  auto Report = std::make_unique<LockReport>(A->Book, Rule::lock_Blocking, Text, End, At, At, Frame->getDecl(), Held);
  if (Site != E)
    Report->addNote("it waits here", PathDiagnosticLocation::createBegin(E, SM, C.getLocationContext()));
  tellDeclared(*Report, *Worst, SM);
  C.emitReport(std::move(Report));
}

void LockState::checkPreCall(const CallEvent &Call, CheckerContext &C) const {
  const auto *Callee = dyn_cast_or_null<FunctionDecl>(Call.getDecl());
  if (!isa_and_nonnull<CallExpr>(Call.getOriginExpr()))
    return;
  if (A->Book.isOn(Rule::lock_Blocking) && !C.getState()->get<LockMap>().isEmpty())
    for (Effect What : WaitingEffects)
      if (const Meaning *Row = A->U.meaningOf(cast<CallExpr>(Call.getOriginExpr()), What);
          Row && mayWaitForLong(Call, *Row, C)) {
        onWait(Call, *Row, C);
        break;
      }
  if (!C.getState()->get<LockMap>().isEmpty())
    if (const Meaning *Row = A->U.meaningOf(cast<CallExpr>(Call.getOriginExpr()), Effect::Free))
      return onFree(Call, *Row, C);
  if (!A->U.meaningOf(Callee, Effect::EndThread))
    return;
  // Ending the thread ends all of its frames.
  for (const LocationContext *L = C.getLocationContext(); L; L = L->getParent())
    if (const StackFrameContext *Frame = L->getStackFrame(); Frame == L)
      endFrame(Frame, Call.getOriginExpr(), /*EndsThread=*/true, UnknownVal(), C);
}

void LockState::checkPostCall(const CallEvent &Call, CheckerContext &C) const {
  const auto *Callee = dyn_cast_or_null<FunctionDecl>(Call.getDecl());
  if (!concerns(C))
    return;
  ProgramStateRef State = C.getState();
  ProgramStateRef Next = State;
  if (isKnownByAttributes(Callee, A->U)) {
    passDeclaredCall(State, Call, C);
    return;
  }
  // Whichever of its paths this was, and whether the path has seen it: who joins some joins all that it should.
  if (Callee && A->U.givesUpHandles(Callee) && (C.wasInlined || A->leavesAlone(Callee)))
    State = State->remove<RunningMap>();
  if (C.wasInlined) {
    C.addTransition(State);
    return;
  }
  Next = State = followThreads(State, Call, C.getStackFrame());
  if (A->U.meaningOf(Callee, Effect::Fork)) {
    // The child has one thread and locks in the state of that moment: what it does with them is its own art.
    SVal Child = Call.getReturnValue();
    const bool InChild = State->isNull(Child).isConstrainedTrue();
    for (const auto &[Lock, Known] : State->get<LockMap>())
      if (InChild) {
        Next = forget(Next, Lock);
      } else if (Known.isHeld() &&
                 !Names.variableOf(Lock)) { // in memory that the two may share: the child may give it back
        Standing Doubtful = Known;
        Doubtful.MaybeReleased = true;
        Next = Next->set<LockMap>(Lock, Doubtful);
      }
  } else if (const Meaning *Row = A->U.meaningOf(Callee, Effect::AttributeInit)) {
    Next = setAttribute(State, Call, *Row);
  } else if (const Meaning *Row = A->U.meaningOf(Callee, Effect::AttributeSet)) {
    Next = setAttribute(State, Call, *Row);
  } else if (const Meaning *Row = A->U.meaningOf(Callee, Effect::Spawn)) {
    // A thread that gives back what it did not take is handed it, and goes on using it as a signal.
    const FunctionDecl *Entry =
        Row->Entry.isArgument() ? Call.getArgSVal(Row->Entry.index()).getAsFunctionDecl() : nullptr;
    if (Entry && Written->releasesForCaller(Entry))
      for (const auto &[Lock, Known] : State->get<LockMap>())
        if (Known.isHeld())
          Next = forget(Next, Lock)->add<GuardedSet>(Lock);
  } else if (A->U.meaningsOf(Callee).empty()) {
    Next = passUnseenCall(Names.remember(State, Call), Call);
  }
  if (Next != C.getState())
    C.addTransition(Next);
}

ProgramStateRef LockState::followThreads(ProgramStateRef State, const CallEvent &Call,
                                         const StackFrameContext *Frame) const {
  const auto *E = dyn_cast_or_null<CallExpr>(Call.getOriginExpr());
  if (!E)
    return State;
  const auto *Callee = dyn_cast_or_null<FunctionDecl>(Call.getDecl());
  if (const Meaning *Row = A->U.meaningOf(E, Effect::Spawn)) {
    const FunctionDecl *Entry =
        Row->Entry.isArgument() ? Call.getArgSVal(Row->Entry.index()).getAsFunctionDecl() : nullptr;
    const auto *In = dyn_cast_or_null<FunctionDecl>(Frame->getDecl());
    const MemRegion *Handle = Row->Handle.isArgument() ? Call.getArgSVal(Row->Handle.index()).getAsRegion() : nullptr;
    const MemRegion *Given =
        Row->Argument.isArgument() ? Call.getArgSVal(Row->Argument.index()).getAsRegion() : nullptr;
    const LockName Name = Handle ? Names.ofObject(Handle->StripCasts(), State) : Places::None;
    const bool Joinable = !Row->Attr.isArgument() || Call.getArgSVal(Row->Attr.index()).isZeroConstant();
    // Who waits or spins may wait for the thread to be done with what it uses.
    if (!Entry || !Name || !Joinable || !In || A->U.mayWait(In) || A->U.detachesItself(Entry))
      return State;
    return State->set<RunningMap>(Name, Running{E, Entry, Row, Call.getReturnValue().getAsSymbol(),
                                                Given ? Names.ofObject(Given->StripCasts(), State) : Places::None});
  }
  if (State->get<RunningMap>().isEmpty() || A->leavesAlone(Callee))
    return State;
  const ValueDecl *GivenUp = nullptr;
  bool Waits = A->U.meaningOf(E, Effect::Wait) || (Callee && A->U.givesUpHandles(Callee));
  for (Effect What : {Effect::Join, Effect::TryJoin, Effect::Detach})
    if (const Meaning *Row = A->U.meaningOf(E, What)) {
      GivenUp = WrittenLocks::lastNamed(Unit::argument(E, Row->Object));
      Waits |= !GivenUp; // an element: where one is joined, all are
    }
  const bool Seen = !A->U.meaningsOf(Callee).empty() || (Callee && Callee->hasBody()) || Call.isInSystemHeader();
  // Of code that is not seen: it may wait for a thread whose handle, or whose data, it can reach.
  auto Reaches = [&](LockName Handle, const Running &Thread) {
    if (!Names.frameOf(Handle))
      return true;
    for (unsigned I = 0; I < Call.getNumArgs(); ++I) {
      if (WrittenLocks::lastNamed(E->getArg(I)) == Names.declarationOf(Handle))
        return true;
      const MemRegion *Region = Call.getArgSVal(I).getAsRegion();
      const LockName Object = Region ? Names.ofObject(Region->StripCasts(), State) : Places::None;
      if (Object && (Names.isWithin(Handle, Object) || Names.isWithin(Thread.Argument, Object) ||
                     (Thread.Argument && Names.isWithin(Object, Thread.Argument))))
        return true;
    }
    return false;
  };
  ProgramStateRef Next = State;
  for (const auto &[Handle, Thread] : State->get<RunningMap>())
    if (Waits || (GivenUp ? GivenUp == Names.declarationOf(Handle) : !Seen && Reaches(Handle, Thread)))
      Next = Next->remove<RunningMap>(Handle);
  return Next;
}

const Running *LockState::userOf(ProgramStateRef State, LockName Lock) const {
  const ValueDecl *Place = Names.declarationOf(Lock);
  const VarDecl *Var = Names.variableOf(Lock);
  for (const auto &[Handle, Thread] : State->get<RunningMap>()) {
    const std::optional<bool> Worked = succeeded(State, Thread.Result, Thread.Row, A->U);
    if (Worked == false || (!Worked && Thread.Result && isAsked(State, Thread.Result)))
      continue;
    const bool Named = Var && !Var->hasLocalStorage() && !Names.isInArray(Lock);
    const bool Within = Thread.Argument && Names.isWithin(Lock, Thread.Argument);
    if (((Named || Within) && Written->uses(Thread.Entry, Place)) ||
        (Thread.Argument == Lock && Thread.Entry->getNumParams() &&
         Written->uses(Thread.Entry, Thread.Entry->getParamDecl(0))))
      return State->get<RunningMap>(Handle);
  }
  return nullptr;
}

void LockState::onFree(const CallEvent &Call, const Meaning &Row, CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  const MemRegion *Region = Call.getArgSVal(Row.Object.index()).getAsRegion();
  Region = Region ? Region->StripCasts() : nullptr;
  const LockName Object = Region ? Names.ofObject(Region, State) : Places::None;
  const QualType Type = Unit::pointeeOf(Unit::argument(cast<CallExpr>(Call.getOriginExpr()), Row.Object));
  if (!Object || (!Type.isNull() && !Type->isVoidType() && !Type->isRecordType())) // as Freed.h has it
    return;
  LockName Held = Places::None;
  Standing How;
  ProgramStateRef Next = State;
  for (const auto &[Lock, Known] : State->get<LockMap>()) {
    if (!Names.isPartOf(Lock, Object))
      continue;
    const bool Same = Known.Region && Known.Region->isSubRegionOf(Region);
    if (!Held && !Known.Shown && settled(State, Known).isHeld() && isSure(Known, Same ? Known.Region : Region, Lock)) {
      Held = Lock;
      How = settled(State, Known);
    }
    Next = forget(Next, Lock);
  }
  if (Held && A->Book.isOn(Rule::lock_Lifetime))
    report(Rule::lock_Lifetime, "lock '" + nameOf(Held, nullptr) + "' is freed while it is held", Held, How, Call, Next,
           C);
  else if (Next != State)
    C.addTransition(Next);
}

ProgramStateRef LockState::passUnseenCall(ProgramStateRef State, const CallEvent &Call) const {
  const auto *Callee = dyn_cast_or_null<FunctionDecl>(Call.getDecl());
  if (State->get<LockMap>().isEmpty() || (Callee && Callee->hasBody() && A->Closed && A->Closed(Callee)))
    return State;
  const bool System = Call.isInSystemHeader();
  SmallVector<LockName, 4> Given;
  for (unsigned I = 0; I < Call.getNumArgs(); ++I) {
    if (System && Callee && Callee->isVariadic() && I >= Callee->getNumParams())
      break; // printed, not kept
    if (const MemRegion *Region = Call.getArgSVal(I).getAsRegion())
      if (LockName Object = Names.ofObject(Region->StripCasts(), State))
        Given.push_back(Object);
  }
  const bool HasBody = Callee && Callee->hasBody(); // ours, and yet not followed: too long, or it calls itself
  for (const auto &Followed : State->get<LockMap>()) {
    const LockName Lock = Followed.first;
    const Standing &Known = Followed.second;
    const ValueDecl *Place = Names.declarationOf(Lock);
    if (!HasBody && llvm::is_contained(Given, Lock)) {
      State = forget(State, Lock); // theirs to take and to give back
      continue;
    }
    if (Known.isHeld()) {
      // Whoever gets the object that a lock lies in could give the lock back. Nearly all code between a lock and its
      // unlock calls such helpers, and nearly none of them does: where it is done, the lock is taken by a helper too.
      Standing Now = Known;
      Now.Shown |= !System && (!HasBody || A->U.locks(Callee)) &&
                   llvm::any_of(Given, [&](LockName Object) { return Names.isWithin(Lock, Object); });
      const VarDecl *Global = Names.variableOf(Lock);
      Now.MaybeReleased |=
          HasBody ? Written->releasesForCaller(Callee, Place)
                  : !System && Global && Global->hasGlobalStorage() && Written->isReleasedByHandler(Global);
      if (!(Now == Known))
        State = State->set<LockMap>(Lock, Now);
      continue;
    }
    // A lock that is free may well be taken by a helper that stands for the whole of lock and unlock.
    const VarDecl *Var = Names.variableOf(Lock);
    const bool Reachable =
        HasBody ? Written->acquires(Callee, Place) || Written->releases(Callee, Place)
                : !System && ((Var && Var->isExternallyVisible()) ||
                              llvm::any_of(Given, [&](LockName Object) { return Names.isWithin(Lock, Object); }));
    if (Reachable)
      State = forget(State, Lock);
  }
  return State;
}

bool LockState::mayMeet(ProgramStateRef State, const CallExpr *Call) const {
  for (const auto &[Lock, Known] : State->get<LockMap>()) {
    if (Known.At == SyncStage::Gone)
      return true;
    if (!Known.isHeld())
      continue;
    const ValueDecl *Place = Names.declarationOf(Lock);
    const FunctionDecl *Callee = Call->getDirectCallee(); // null where it is called through a pointer
    if (!Place || !Callee || !A->Waits || A->Waits(Callee) || Written->acquires(Call, Place) ||
        Written->releases(Call, Place))
      return true;
  }
  return false;
}

bool LockState::isTold(ProgramStateRef State, const LocationContext *Here, const CallExpr *Wait) const {
  while (Here->getParent())
    Here = Here->getParent();
  return llvm::all_of(State->get<LockMap>(), [&](const auto &Followed) {
    const Standing &Known = Followed.second;
    return !Known.isHeld() || WaitedIn.count({Known.Owner ? Known.Owner->getDecl() : Here->getDecl(), Wait});
  });
}

const MemRegion *LockState::lockAt(const DeclaredLock &D, ArrayRef<SVal> Given, ProgramStateRef State,
                                   const LocationContext *Frame) const {
  const MemRegion *Region = objectGiven(D.Lock, Given, State, Frame);
  if (!Region)
    return nullptr;
  Region = Region->StripCasts();
  for (const FieldDecl *Field : wayToLock(D.type(), A->U))
    Region = State->getLValue(Field, loc::MemRegionVal(Region)).getAsRegion();
  return Region;
}

void LockState::passDeclaredCall(ProgramStateRef State, const CallEvent &Call, CheckerContext &C) const {
  const auto *Callee = cast<FunctionDecl>(Call.getDecl());
  SmallVector<SVal, 4> Given;
  for (unsigned I = 0; I < Call.getNumArgs(); ++I)
    Given.push_back(Call.getArgSVal(I));
  // Of the locks that it is given the attributes tell what becomes of them.
  const auto Before = State->get<LockMap>();
  State = passUnseenCall(Names.remember(State, Call), Call);
  const NoteTag *Note = nullptr;
  for (const DeclaredLock &D : declaredLocks(Callee)) {
    const MemRegion *Region = lockAt(D, Given, C.getState(), C.getLocationContext());
    const LockName Lock = Region ? Names.ofObject(Region, C.getState()) : Places::None;
    if (!Lock)
      continue;
    if (const Standing *Known = Before.lookup(Lock))
      State = State->set<LockMap>(Lock, *Known);
    SyncEvent What = SyncEvent::Release;
    switch (D.How) {
    case DeclaredLock::Needed:
      continue;
    case DeclaredLock::Taken:
      What = D.Reentrant ? SyncEvent::AcquireAgain : SyncEvent::Acquire;
      break;
    case DeclaredLock::Tried:
      What = SyncEvent::AcquireAgain;
      break;
    case DeclaredLock::Given:
      // It may be a part of what is named, or behind it, that a body in this file has taken.
      for (const auto &[Part, Known] : Before)
        if (Part != Lock && Known.isHeld() && Names.isWithin(Part, Lock))
          State = forget(State, Part);
      break;
    }
    State = apply(State, Call, {What, D.Row, Region, nullptr}, Note, C);
    if (!State)
      return; // reported
  }
  if (State != C.getState())
    C.addTransition(State, Note);
}

Word LockState::wordOn(LockName Lock, const StackFrameContext *Frame, const Answer &Said, ProgramStateRef State) const {
  const auto *Function = cast<FunctionDecl>(Frame->getDecl());
  Word Found = Word::None;
  SmallVector<SVal, 4> Given;
  for (const ParmVarDecl *Param : Function->parameters())
    Given.push_back(State->getSVal(State->getLValue(Param, Frame).castAs<Loc>()));
  for (const DeclaredLock &D : declaredLocks(Function)) {
    // Where the parameter was assigned since, the last name is what is left to go by.
    const MemRegion *Region = lockAt(D, Given, State, Frame);
    const LockName Named = Region ? Names.ofObject(Region, State) : Places::None;
    if (!(Named && Names.isWithin(Lock, Named)) && WrittenLocks::lastNamed(D.Lock) != Names.declarationOf(Lock))
      continue;
    switch (D.How) {
    case DeclaredLock::Needed:
      break;
    case DeclaredLock::Taken:
      return Word::Kept;
    case DeclaredLock::Tried: {
      const bool SuccessIsZero = D.Row->Worked.How == Success::Zero;
      Found = isZero(Said) != SuccessIsZero && isZero(Said) != isNotZero(Said) ? Word::Broken : Word::Kept;
      break;
    }
    case DeclaredLock::Given: // what never gives it back by itself has others do it
      Found = Written->releases(Function, Names.declarationOf(Lock)) ? Word::Broken : Word::None;
      break;
    }
  }
  return Found;
}

void LockState::noteGuard(SVal Location, SVal Value, CheckerContext &C) const {
  const MemRegion *Target = Location.getAsRegion();
  const auto *Var = Target ? dyn_cast<VarRegion>(Target->getBaseRegion()) : nullptr;
  if (!Var || !Var->getDecl()->hasAttr<CleanupAttr>())
    return;
  // What its cleanup does at the end of the scope is its own: it may well give back what it was given.
  ProgramStateRef State = C.getState();
  ProgramStateRef Next = State;
  auto Guard = [&](SVal Part) {
    const MemRegion *Region = Part.getAsRegion();
    const LockName Object = Region ? Names.ofObject(Region->StripCasts(), State) : Places::None;
    if (!Object)
      return;
    Next = Next->add<GuardedSet>(Object);
    for (const auto &[Lock, Known] : State->get<LockMap>())
      if (Names.isWithin(Lock, Object))
        Next = forget(Next, Lock);
  };
  if (auto Compound = Value.getAs<nonloc::CompoundVal>())
    for (SVal Part : *Compound)
      Guard(Part);
  else
    Guard(Value);
  if (Next != State)
    C.addTransition(Next);
}

void LockState::forgetWritten(SVal Location, CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  const MemRegion *Target = Location.getAsRegion();
  if (!Target || State->get<LockMap>().isEmpty())
    return;
  Target = Target->StripCasts();
  ProgramStateRef Next = State;
  for (const auto &[Lock, Known] : State->get<LockMap>())
    if (!Known.isHeld() && Known.Region && (Known.Region == Target || Known.Region->isSubRegionOf(Target)))
      Next = forget(Next, Lock);
  if (Next != State)
    C.addTransition(Next);
}

void LockState::checkBeginFunction(CheckerContext &C) const {
  // Of a function that is called on this path, the path knows what its caller holds.
  const auto *Function = dyn_cast_or_null<FunctionDecl>(C.getLocationContext()->getDecl());
  if (!C.inTopFrame() || !hasLockAttributes(Function) || !concerns(C))
    return;
  ProgramStateRef State = C.getState();
  SmallVector<SVal, 4> Given;
  for (const ParmVarDecl *Param : Function->parameters())
    Given.push_back(State->getSVal(State->getLValue(Param, C.getLocationContext()).castAs<Loc>()));
  for (const DeclaredLock &D : declaredLocks(Function)) {
    const MemRegion *Region = lockAt(D, Given, State, C.getLocationContext());
    const LockName Lock = Region ? Names.ofObject(Region, State) : Places::None;
    if (!Lock || (D.How != DeclaredLock::Needed && D.How != DeclaredLock::Given))
      continue;
    Standing Known;
    Known.At = D.Shared ? SyncStage::Shared : D.Reentrant ? SyncStage::Nested : SyncStage::Held;
    Known.Region = Region;
    if (D.How == DeclaredLock::Needed)
      Known.OnEntry = true;
    else
      Known.Owner = Known.TakenIn = C.getStackFrame();
    HeldByWord[Lock] = D.At;
    State = State->set<LockMap>(Lock, Known);
  }
  if (State != C.getState())
    C.addTransition(State);
}

void LockState::checkPreStmt(const DeclStmt *Declaration, CheckerContext &C) const {
  // A variable of a loop's body is a new one in each round.
  ProgramStateRef State = C.getState();
  ProgramStateRef Next = State;
  for (const auto &[Lock, Known] : State->get<LockMap>())
    if (const VarDecl *Var = Names.variableOf(Lock);
        Var && Names.frameOf(Lock) == C.getStackFrame() && llvm::is_contained(Declaration->decls(), Var))
      Next = forget(Next, Lock);
  if (Next != State)
    C.addTransition(Next);
}

void LockState::checkBranchCondition(const Stmt *Condition, CheckerContext &C) const {
  // A loop that gives back what another loop has taken, or joins what it has started, does so as often as that one went
  // round: passing by its condition is enough.
  ProgramStateRef State = C.getState();
  if (State->get<LockMap>().isEmpty() && State->get<RunningMap>().isEmpty())
    return;
  const ParentMap &Parents = C.getLocationContext()->getParentMap();
  const Stmt *Loop = isa<Expr>(Condition) ? loopOf(cast<Expr>(Condition), Parents) : nullptr;
  if (!Loop)
    return;
  auto TakenInAnother = [&](const Stmt *Taken) {
    bool InLoop = false;
    for (const Stmt *S = Taken ? Parents.getParent(Taken) : nullptr; S && S != Loop; S = Parents.getParent(S))
      if (isa<ForStmt, WhileStmt, DoStmt>(S))
        InLoop = true;
      else if (!Parents.hasParent(S))
        return InLoop;
    return false;
  };
  auto GivesUp = [&](const Stmt *S) {
    const auto *Call = dyn_cast<CallExpr>(S);
    return Call && A->U.givesUpHandles(Call);
  };
  ProgramStateRef Next = State;
  if (!State->get<RunningMap>().isEmpty() && holds(Loop, GivesUp))
    Next = Next->remove<RunningMap>();
  for (const auto &[Lock, Known] : State->get<LockMap>()) {
    const ValueDecl *Place = Names.declarationOf(Lock);
    if (!Known.isHeld() || Known.MaybeReleased || !Place || !TakenInAnother(Known.Taken) ||
        !holds(Loop, [&](const Stmt *S) { return isa<CallExpr>(S) && Written->releases(cast<CallExpr>(S), Place); }))
      continue;
    Standing Doubtful = Known;
    Doubtful.MaybeReleased = true;
    Next = Next->set<LockMap>(Lock, Doubtful);
  }
  // Which object a loop picks is the data's business: one that it has destroyed it need not pick once more.
  auto DestroysPicked = [&](const Stmt *S, const ValueDecl *Place) {
    const auto *Call = dyn_cast<CallExpr>(S);
    const Meaning *Row = Call ? A->U.meaningOf(Call, Effect::Destroy) : nullptr;
    const Expr *Object = Row ? Unit::argument(Call, Row->Object) : nullptr;
    return Object && objectNamed(Object) == Place && holds(Object, [&](const Stmt *Part) {
             const auto *Ref = dyn_cast<DeclRefExpr>(Part);
             const auto *Var = Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
             return Var && Var->hasLocalStorage() && Var->getType()->isPointerType() &&
                    holds(Loop, [&](const Stmt *Inner) { return changes(Inner, Var, A->U); });
           });
  };
  for (const auto &[Lock, Known] : State->get<LockMap>())
    if (const ValueDecl *Place = Names.declarationOf(Lock);
        Known.At == SyncStage::Gone && Place && holds(Loop, [&](const Stmt *S) { return DestroysPicked(S, Place); }))
      Next = forget(Next, Lock);
  if (Next != State)
    C.addTransition(Next);
}

void LockState::checkLiveSymbols(ProgramStateRef State, SymbolReaper &Reaper) const {
  for (const auto &[Lock, Known] : State->get<LockMap>())
    if (Known.Result)
      Reaper.markLive(Known.Result);
  for (const auto &[Handle, Thread] : State->get<RunningMap>())
    if (Thread.Result)
      Reaper.markLive(Thread.Result);
}

void LockState::checkDeadSymbols(SymbolReaper &Reaper, CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  if (ProgramStateRef Next = Places::forgetDead(State, Reaper); Next != State)
    C.addTransition(Next);
}

// ---- where a frame ends ---------------------------------------------------------------------------------------------

void LockState::checkEndFunction(const ReturnStmt *Return, CheckerContext &C) const {
  SVal Returned = UnknownVal();
  if (Return && Return->getRetValue())
    Returned = C.getSVal(Return->getRetValue());
  endFrame(C.getStackFrame(), Return, /*EndsThread=*/false, Returned, C);
  if (!C.inTopFrame())
    return;
  A->Unbalanced |= !C.getState()->get<GuardedSet>().isEmpty();
  for (const auto &[Lock, Known] : C.getState()->get<LockMap>())
    A->Unbalanced |= (Known.isHeld() && (Known.MaybeReleased || settled(C.getState(), Known).isHeld())) ||
                     Known.OnEntry || Known.Uncounted;
}

void LockState::endFrame(const StackFrameContext *Frame, const Stmt *At, bool EndsThread, SVal Returned,
                         CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  const auto *Function = dyn_cast_or_null<FunctionDecl>(Frame->getDecl());
  if (!Function || State->get<LockMap>().isEmpty())
    return;
  if (Frame->getParent())
    SeenFromCallers.insert(Function);
  Answer Said;
  Said.Nothing = EndsThread;
  if (!EndsThread)
    Said = answerOf(State, Returned, Function->getReturnType(), A->U);
  const StackFrameContext *Parent = Frame->getParent() ? Frame->getParent()->getStackFrame() : nullptr;
  for (const auto &[Lock, Known] : State->get<LockMap>())
    if (Known.isHeld() && Known.TakenIn == Frame && Known.Taken && A->U.meaningOf(Known.Taken, Effect::Guard)) {
      Standing Given = Known; // its variable ends
      Given.At = SyncStage::Free;
      Given.ReleasedIn = Frame;
      State = State->set<LockMap>(Lock, Given);
    }
  // A getter makes a lock for whoever asks first. Its other callers have taken the lock that it finds, and a path that
  // begins with one of them has no part in who comes first. Not so where it tells its caller that it has made none, and
  // of a local, which the path has known all its life.
  auto MadeIfAbsent = [&](LockName Lock, const Standing &Known) {
    const bool ByCallee = Parent && Known.At == SyncStage::Made && Known.ReleasedIn == Frame && Known.Taken;
    const CFG *Graph = ByCallee && !Names.frameOf(Lock) ? Frame->getCFG() : nullptr;
    return Graph && leaves(*Graph, {&Graph->getEntry(), 0}, [&](const Stmt *S) {
             const auto *Other = dyn_cast<ReturnStmt>(S);
             return S == Known.Taken || (Other && isToldApart(Said, Other, C)) ? Step::Stop : Step::On;
           });
  };
  ProgramStateRef Next = State;
  struct Left {
    LockName Lock;
    Standing How;
  };
  SmallVector<Left, 2> LeftHeld;
  // What pthread_cleanup_push has pushed runs when the thread ends, and may well give back what is held.
  const bool Handlers = EndsThread && holdsHiddenReturn(Function->getBody());
  for (const auto &Followed : State->get<LockMap>()) {
    const LockName Lock = Followed.first;
    const Standing &Known = Followed.second;
    const ValueDecl *Place = Names.declarationOf(Lock);
    Standing Now = Known;
    const bool Gone = Names.frameOf(Lock) == Frame;
    const bool Held = settled(State, Known).isHeld();
    if (Held && Handlers) {
      Next = forget(Next, Lock);
      continue;
    }
    if (Held && Known.Owner == Frame) {
      const Word Declared = EndsThread ? Word::None : wordOn(Lock, Frame, Said, State);
      auto [Number, New] =
          ExitNumbers.try_emplace(Exit{Known.Left, Frame, At, EndsThread, Said, Declared}, Exits.size() + 1);
      if (New)
        Exits.push_back(Number->first);
      Now.Left = Number->second;
      Endings.insert({Function, Place, Ending::Held, Said});
      if ((!Parent || Gone) && !(Function->isMain() && !EndsThread)) // with main ends the process
        LeftHeld.push_back({Lock, Now});
      Now.Owner = Parent;
    } else if ((Known.At == SyncStage::Free || (Known.Uncounted && Known.At == SyncStage::Unknown)) &&
               Known.Owner == Frame) {
      Endings.insert({Function, Place, Ending::Released, Said});
      Now.Owner = nullptr;
    } else if (!Held && Known.isHeld() && Known.Result && Known.Owner == Frame) {
      // That a lock could not be waited for nobody tells a caller, and nobody acts on it.
      if (Known.Row->What == Effect::TryAcquire)
        Endings.insert({Function, Place, Ending::Refused, Said});
      if (succeeded(State, Known.Result, Known.Row, A->U) == false) { // nobody will ask once more
        Now = settled(State, Known);
        Now.Owner = nullptr;
      }
    } else if (Held && Known.Owner && Known.TakenIn != Frame && !EndsThread &&
               Written->releasesForCaller(Function, Place)) {
      // It gives the lock back on some of its paths. What decides there may be known to the caller and not to us.
      Now.MaybeReleased = true;
    } else if (MadeIfAbsent(Lock, Known)) {
      Now.At = SyncStage::Unknown;
    }
    if (Now.TakenIn == Frame)
      Now.TakenIn = Parent;
    if (Now.ReleasedIn == Frame) {
      Now.ReleasedIn = Parent;
      if (Now.At == SyncStage::Made) // the parent makes it by its call of this function
        Now.Taken = dyn_cast_or_null<CallExpr>(Frame->getCallSite());
    }
    Next = Gone ? Next->remove<LockMap>(Lock) : Next->set<LockMap>(Lock, Now);
  }
  ExplodedNode *End = nullptr;
  for (const Left &L : LeftHeld)
    if (Suspected.emplace(L.How.Left, L.Lock).second) {
      if (!End)
        End = C.generateNonFatalErrorNode(Next);
      if (!End)
        return;
      Suspects.push_back({End, L.Lock, L.How, nameOf(L.Lock, nullptr)});
    }
  if (!End && Next != State)
    C.addTransition(Next);
}

bool LockState::nobodyReleases(LockName Lock) const {
  const VarDecl *Var = Names.variableOf(Lock);
  if (!Var || Names.isInArray(Lock))
    return false;
  if (Var->hasLocalStorage())
    return !Written->isReleased(Names.declarationOf(Lock));
  return !Var->isExternallyVisible() && !Written->isReleased(Names.declarationOf(Lock)) && Written->isPlainlyUsed(Var);
}

bool LockState::isOnlyTried(LockName Lock) const {
  const VarDecl *Var = Names.variableOf(Lock);
  const ValueDecl *Place = Names.declarationOf(Lock);
  return Var && Var == Place && !Var->hasLocalStorage() && !Var->isExternallyVisible() &&
         !Written->isInsistedOn(Place) && Written->isPlainlyUsed(Var);
}

bool LockState::isForgotten(const Exit &At, const ValueDecl *Place) const {
  const auto *Function = cast<FunctionDecl>(At.Frame->getDecl());
  bool Forgotten = false, SoundsRefused = false, Released = false;
  for (const Ending &Other : Endings) {
    if (Other.In != Function || Other.Place != Place || Other.Lock == Ending::Held)
      continue;
    const bool SoundsAlike = (At.Said.Number && At.Said.Number == Other.Said.Number) ||
                             (Other.Said.Either && (At.Said.Number == 0 || At.Said.Number == 1));
    if (Other.Lock == Ending::Refused) {
      SoundsRefused |= SoundsAlike;
      continue;
    }
    Released = true;
    // Another way out gives it back. A caller that hears the same from both cannot know which it was, and one that
    // hears of a failure does not clean up after it; anything else may well be how "you hold it now" is said.
    if (At.Said.Nothing || soundsLikeFailure(At.Said))
      Forgotten = true;
    else if (SoundsAlike)
      Forgotten = true;
    else if (!At.Said.Pointer && !Function->getReturnType()->isBooleanType() && isZero(Other.Said) &&
             isNotZero(At.Said) && At.Said.Number != 1)
      Forgotten = true;
    else if (Function->getReturnType()->isBooleanType() && isZero(At.Said) && isNotZero(Other.Said))
      Forgotten = true;
  }
  return Forgotten || (Released && SoundsRefused);
}

void LockState::checkEndAnalysis(ExplodedGraph &, BugReporter &Reporter, ExprEngine &Engine) const {
  const SourceManager &SM = Reporter.getSourceManager();
  for (const Suspect &S : Suspects) {
    if (TakenAgain.count(S.How.Taken) && A->Book.yields(Rule::lock_Leak, Rule::lock_DoubleLock))
      continue;
    const ValueDecl *Place = Names.declarationOf(S.Lock);
    // From the function that took the lock outwards: the first that has no excuse.
    SmallVector<const Exit *, 4> Outwards;
    for (unsigned N = S.How.Left; N; N = Exits[N - 1].Inner)
      Outwards.insert(Outwards.begin(), &Exits[N - 1]);
    const bool OfThisFrame = Names.frameOf(S.Lock);
    const bool Hopeless = nobodyReleases(S.Lock);
    const Stmt *Taken = S.How.Taken; // as the function at hand sees it
    for (const Exit *Where : Outwards) {
      const Stmt *TakenHere = std::exchange(Taken, Where->Frame->getCallSite());
      const auto *Function = cast<FunctionDecl>(Where->Frame->getDecl());
      const bool Outermost = Where == Outwards.back();
      // A lock that lets the first one through, for good, is what handlers of crashes use.
      if (Where->Declared == Word::Kept || isLeftUnchecked(Function))
        continue;
      const bool Lost =
          Where->Declared == Word::Broken || (Outermost && (OfThisFrame || (Hopeless && !A->U.isHandedOut(Function))));
      if (!Lost && !isForgotten(*Where, Place))
        continue;
      // A caller of this file shows what it is meant to be.
      if (!Lost && Outermost &&
          (HandedOver.count({Function, Place}) ||
           (!A->Trial && !SeenFromCallers.count(Function) && Written->isReleasedByCaller(Function, Place))))
        continue;
      PathDiagnosticLocation At = Where->At ? PathDiagnosticLocation(Where->At, SM, Where->Frame)
                                            : PathDiagnosticLocation::createDeclEnd(Where->Frame, SM);
      std::string Text = "lock '" + S.Called + "' is still held when " +
                         (Where->EndsThread ? "the thread ends" : "'" + functionName(Function).str() + "' returns");
      auto Report = std::make_unique<LockReport>(A->Book, Rule::lock_Leak, Text, S.End, At, At, Function, S.Lock);
      Report->addVisitor(tellWayOut(Where->Frame, Where->At, TakenHere,
                                    {[this, Place](const CallExpr *Call) { return Written->releases(Call, Place); },
                                     "'" + S.Called + "' is not released"},
                                    A->U));
      tellDeclared(*Report, S.How, SM);
      if (S.How.Taken && TakenHere == S.How.Taken)
        if (ArrayRef<Meaning> Rows = A->U.meaningsOf(S.How.Taken->getDirectCallee()); !Rows.empty())
          Report->offer(
              A->Book, fixLockLeak(A->U, S.How.Taken, &Rows.front(), Where->At, Function, Engine.getAnalysisManager()));
      Reporter.emitReport(std::move(Report));
      break;
    }
  }
  Names.clear();
  CalledAs.clear();
  HeldByWord.clear();
  Suspects.clear();
  TakenAgain.clear();
  Suspected.clear();
  Endings.clear();
  Exits.clear();
  ExitNumbers.clear();
}

void safespawn::registerLockState(CheckerManager &Manager, Analysis &A) {
  auto *Rules = Manager.registerChecker<LockState>();
  Rules->A = &A;
  Rules->Written = std::make_unique<WrittenLocks>(A.U);
  Rules->Opened = std::make_unique<Descriptors>(A.U);
  A.Follows.push_back([Rules](ProgramStateRef State, const CallExpr *Call) { return Rules->mayMeet(State, Call); });
  A.IsTold = [Rules](ProgramStateRef State, const LocationContext *Here, const CallExpr *Wait) {
    return Rules->isTold(State, Here, Wait);
  };
  A.Fingerprints.push_back([](ProgramStateRef State, llvm::FoldingSetNodeID &Id) {
    State->get<GuardedSet>().Profile(Id);
    State->get<RunningMap>().Profile(Id);
    for (const auto &[Handle, Thread] : State->get<RunningMap>())
      if (Thread.Result)
        addKnowledge(State, Thread.Result, Id);
    for (const auto &[Lock, Known] : State->get<LockMap>()) {
      // Made here, and taken and given back since, is the same to all that may come.
      const bool OnlyMade = Known.At == SyncStage::Made && (!Known.ReleasedIn || Known.ReleasedIn->inTopFrame());
      const SyncStage At = OnlyMade ? SyncStage::Free : Known.At;
      for (unsigned Value : {Lock, unsigned(At), unsigned(At == SyncStage::Free && Known.KindSeen),
                             unsigned(Known.OnEntry), unsigned(Known.Uncounted), unsigned(Known.MaybeReleased)})
        Id.AddInteger(Value);
      if (Known.isHeld()) { // where it was taken only tells the story
        addKin(Known.Owner, Id);
        Id.AddInteger(Known.Left);
      }
      if (Known.Result) {
        Id.AddInteger(unsigned(Known.Before));
        addKnowledge(State, Known.Result, Id);
      }
    }
  });
}
