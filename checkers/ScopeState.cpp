// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules that follow a scope along a path: scope.Unjoined and scope.Order.
//
// A scope is known by the memory that it lies in. The automaton is in Protocol.h; decided here is whose a scope is:
// what a cleanup attribute ends is joined on every way out, what lies in somebody else's memory is theirs to join. A
// timer or task whose storage is local, in a scope that is not, has to end before its storage does. How the calls are
// written is left to ScopeUse.cpp.
#include "checkers/CallResult.h"
#include "checkers/Checkers.h"
#include "checkers/LlvmCompat.h"
#include "checkers/Objects.h"
#include "checkers/Protocol.h"
#include "checkers/ResultUse.h"
#include "checkers/ScopeOptions.h"
#include "checkers/Story.h"
#include "clang/AST/ParentMap.h"
#include "clang/StaticAnalyzer/Core/Checker.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CallEvent.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CheckerContext.h"

using namespace clang;
using namespace ento;
using namespace safespawn;

namespace {

/// What a path knows of one scope.
struct Scope {
  ScopeStage At = ScopeStage::Unknown;
  bool Bound = false;   ///< on the list of the thread that opened it
  bool Escaped = false; ///< its address lies where others may find it
  bool HadTask = false; ///< since it was opened
  unsigned Since = 0;   ///< when it was opened, in openings and targets of jumps
  const CallExpr *Opened = nullptr;
  const Meaning *OpenRow = nullptr;
  SymbolRef OpenResult = nullptr;
  ScopeStage Before = ScopeStage::Unknown; ///< where it stands when the call that led here has failed
  const Meaning *Row = nullptr;            ///< of that call: a spawn, or an attempt to join
  SymbolRef Result = nullptr;

  auto key() const {
    return std::make_tuple(At, Bound, Escaped, HadTask, Since, Before, Opened, OpenRow, OpenResult, Row, Result);
  }
  bool operator==(const Scope &O) const { return key() == O.key(); }
  void Profile(llvm::FoldingSetNodeID &Id) const {
    for (unsigned Value :
         {unsigned(At), unsigned(Bound), unsigned(Escaped), unsigned(HadTask), Since, unsigned(Before)})
      Id.AddInteger(Value);
    for (const void *P :
         {static_cast<const void *>(Opened), static_cast<const void *>(OpenRow), static_cast<const void *>(OpenResult),
          static_cast<const void *>(Row), static_cast<const void *>(Result)})
      Id.AddPointer(P);
  }
};

/// A task whose storage ends with a function, in a scope that does not.
struct Task {
  const MemRegion *Scope = nullptr;
  const CallExpr *Spawn = nullptr;
  const Meaning *Row = nullptr;
  SymbolRef Result = nullptr;

  auto key() const { return std::make_tuple(Scope, Spawn, Row, Result); }
  bool operator==(const Task &O) const { return key() == O.key(); }
  void Profile(llvm::FoldingSetNodeID &Id) const {
    for (const void *P : {static_cast<const void *>(Scope), static_cast<const void *>(Spawn),
                          static_cast<const void *>(Row), static_cast<const void *>(Result)})
      Id.AddPointer(P);
  }
};

} // namespace

REGISTER_MAP_WITH_PROGRAMSTATE(ScopeMap, const MemRegion *, Scope)
/// By the storage of the task.
REGISTER_MAP_WITH_PROGRAMSTATE(TaskMap, const MemRegion *, Task)
/// When the target of a jump was set, by the buffer that holds it.
REGISTER_MAP_WITH_PROGRAMSTATE(TargetMap, const MemRegion *, unsigned)
/// Openings of scopes and settings of targets so far.
REGISTER_TRAIT_WITH_PROGRAMSTATE(ScopeClock, unsigned)

namespace {

class ScopeState : public Checker<check::PreCall, check::PostCall, check::Bind, check::LiveSymbols,
                                  check::PreStmt<DeclStmt>, check::EndFunction> {
public:
  Analysis *A = nullptr;

  void checkPreCall(const CallEvent &Call, CheckerContext &C) const;
  void checkPostCall(const CallEvent &Call, CheckerContext &C) const;
  SAFESPAWN_CHECK_BIND(Location, Value, C) { noteStored(Location, Value, C); }
  void checkLiveSymbols(ProgramStateRef State, SymbolReaper &Reaper) const;
  void checkPreStmt(const DeclStmt *Declaration, CheckerContext &C) const;
  void checkEndFunction(const ReturnStmt *Return, CheckerContext &C) const;
  /// Whether the path knows that nothing runs in the scope at \p Object.
  bool isIdle(ProgramStateRef State, const MemRegion *Object) const;

private:
  void onOpen(const CallEvent &Call, const Meaning &Row, const MemRegion *Object, CheckerContext &C) const;
  /// Moves a scope that is followed; reports where the call breaks a rule.
  void onEvent(const CallEvent &Call, const Meaning &Row, ScopeEvent What, const MemRegion *Object,
               CheckerContext &C) const;
  void onUnseenCall(const CallEvent &Call, CheckerContext &C) const;
  /// The calling thread leaves what it has open by a jump to \p Target (null: it ends).
  void onJump(const CallEvent &Call, const MemRegion *Target, CheckerContext &C) const;
  void noteStored(SVal Location, SVal Value, CheckerContext &C) const;

  /// \p Known, as far as the path has learned what its calls returned.
  ScopeStage settled(ProgramStateRef State, const Scope &Known) const;
  bool isEndedByCleanup(const MemRegion *Object) const;
  std::string complaint(ScopeEvent What, const Scope &Known, const std::string &Name) const;
  void report(Rule R, const llvm::Twine &Text, const PathDiagnosticLocation &At, const MemRegion *Subject,
              ExplodedNode *End, CheckerContext &C, std::unique_ptr<BugReporterVisitor> Teller = nullptr) const;
  const NoteTag *tell(const MemRegion *Subject, std::string Text, CheckerContext &C) const;
  std::string nameOf(const MemRegion *Object) const;
};

const MemRegion *regionOf(SVal Value) {
  const MemRegion *Region = Value.getAsRegion();
  return Region ? Region->StripCasts() : nullptr;
}

} // namespace

// ---- telling --------------------------------------------------------------------------------------------------------

const NoteTag *ScopeState::tell(const MemRegion *Subject, std::string Text, CheckerContext &C) const {
  return C.getNoteTag([Subject, Text = std::move(Text)](PathSensitiveBugReport &Report) -> std::string {
    return Report.isInteresting(Subject) ? Text : "";
  });
}

std::string ScopeState::nameOf(const MemRegion *Object) const {
  std::string Name = StringRef(written(Object)).ltrim("*").str();
  return Name.empty() ? "the scope" : "'" + Name + "'";
}

void ScopeState::report(Rule R, const llvm::Twine &Text, const PathDiagnosticLocation &At, const MemRegion *Subject,
                        ExplodedNode *End, CheckerContext &C, std::unique_ptr<BugReporterVisitor> Teller) const {
  if (!End)
    return;
  auto Report = std::make_unique<PathReport>(A->Book, R, Text.str(), End, At, At, C.getLocationContext()->getDecl());
  Report->markInteresting(Subject);
  if (Teller)
    Report->addVisitor(std::move(Teller));
  C.emitReport(std::move(Report));
}

std::string ScopeState::complaint(ScopeEvent What, const Scope &Known, const std::string &Name) const {
  if (What == ScopeEvent::Limit)
    return "the limit of scope " + Name + " is set after its first task";
  if (Known.At == ScopeStage::Closed)
    return "a task is spawned into scope " + Name + ", which is closed";
  return "a task is spawned into scope " + Name + ", which was " +
         (Known.HadTask ? "already joined" : "joined before its first task");
}

// ---- what calls mean ------------------------------------------------------------------------------------------------

ScopeStage ScopeState::settled(ProgramStateRef State, const Scope &Known) const {
  if (Known.OpenResult && succeeded(State, Known.OpenResult, Known.OpenRow, A->U) == false)
    return ScopeStage::Unknown; // it never was one
  if (!Known.Row)
    return Known.At;
  const std::optional<bool> Worked = succeeded(State, Known.Result, Known.Row, A->U);
  // What an attempt to join says of a failure may be the failure of a task.
  if (Known.Row->What == Effect::ScopeTryJoin && Worked != true)
    return ScopeStage::Unknown;
  return Worked == false ? Known.Before : Known.At;
}

bool ScopeState::isIdle(ProgramStateRef State, const MemRegion *Object) const {
  const Scope *Known = Object ? State->get<ScopeMap>(Object) : nullptr;
  if (!Known)
    return false;
  if (Known->OpenResult && succeeded(State, Known->OpenResult, Known->OpenRow, A->U) == false)
    return true;
  const ScopeStage At = settled(State, *Known);
  return At == ScopeStage::Joined || (At == ScopeStage::Open && !Known->Escaped);
}

bool ScopeState::isEndedByCleanup(const MemRegion *Object) const {
  const auto *Var = dyn_cast<VarRegion>(Object->getBaseRegion());
  return Var && Var->getDecl()->hasAttr<CleanupAttr>();
}

void ScopeState::onOpen(const CallEvent &Call, const Meaning &Row, const MemRegion *Object, CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  const auto *E = cast<CallExpr>(Call.getOriginExpr());
  Scope Known;
  Known.At = step(ScopeStage::Unknown, ScopeEvent::Open).Next;
  Known.Opened = E;
  Known.OpenRow = &Row;
  Known.OpenResult = Call.getReturnValue().getAsSymbol(true);
  Known.Bound = optionsOf(E, Row, A->U).Unbound == false;
  Known.Since = State->get<ScopeClock>() + 1;
  State = State->set<ScopeClock>(Known.Since)->set<ScopeMap>(Object, Known);
  C.addTransition(State, tell(Object, nameOf(Object) + " is opened here", C));
}

void ScopeState::onEvent(const CallEvent &Call, const Meaning &Row, ScopeEvent What, const MemRegion *Object,
                         CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  const auto *E = cast<CallExpr>(Call.getOriginExpr());
  const bool Joins = What == ScopeEvent::Join;
  if (Joins)
    for (const auto &[Storage, Known] : State->get<TaskMap>())
      if (Known.Scope == Object)
        State = State->remove<TaskMap>(Storage);
  const Scope *Before = State->get<ScopeMap>(Object);
  if (!Before) // from elsewhere: only what is done to it here is known
    return (void)C.addTransition(State);

  Scope Next = *Before;
  const ScopeStage From = settled(State, *Before);
  const Move<ScopeStage> Moved = step(From, What);
  if (Moved.Broken && A->Book.isOn(*Moved.Broken) &&
      !expectsFailure(E, C.getLocationContext()->getParentMap(), C.getASTContext())) {
    report(*Moved.Broken, complaint(What, *Before, nameOf(Object)),
           PathDiagnosticLocation(E, C.getSourceManager(), C.getLocationContext()), Object,
           C.generateNonFatalErrorNode(State->remove<ScopeMap>(Object)), C);
    return;
  }
  Next.At = Moved.Next;
  Next.HadTask |= What == ScopeEvent::Spawn;
  Next.Before = From;
  Next.Row = nullptr;
  Next.Result = nullptr;
  if (Row.What == Effect::ScopeTryJoin || (Row.What == Effect::SpawnTask && From == ScopeStage::Open)) {
    Next.Row = &Row;
    Next.Result = Call.getReturnValue().getAsSymbol(true);
  }
  const char *Verb = Joins                       ? "joined"
                     : What == ScopeEvent::Close ? "closed"
                     : What == ScopeEvent::Spawn ? "given a task"
                                                 : "";
  C.addTransition(State->set<ScopeMap>(Object, Next),
                  *Verb ? tell(Object, nameOf(Object) + " is " + Verb + " here", C) : nullptr);
}

void ScopeState::onUnseenCall(const CallEvent &Call, CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  const bool System = Call.isInSystemHeader();
  ProgramStateRef Next = State;
  auto IsGiven = [&](const MemRegion *Object) {
    for (unsigned I = 0; I < Call.getNumArgs(); ++I)
      if (const MemRegion *Given = Call.getArgSVal(I).getAsRegion();
          Given && Given->getBaseRegion() == Object->getBaseRegion())
        return true;
    return false;
  };
  // A function that leaves its caller's scopes as they were may still join a task.
  if (!A->leavesAlone(dyn_cast_or_null<FunctionDecl>(Call.getDecl())))
    for (const auto &[Object, Known] : State->get<ScopeMap>())
      if ((Known.Escaped && !System) || IsGiven(Object))
        Next = Next->remove<ScopeMap>(Object);
  for (const auto &[Storage, Known] : State->get<TaskMap>())
    if (IsGiven(Storage) || (Known.Scope && IsGiven(Known.Scope)))
      Next = Next->remove<TaskMap>(Storage);
  if (Next != State)
    C.addTransition(Next);
}

void ScopeState::checkPostCall(const CallEvent &Call, CheckerContext &C) const {
  A->U.scan();
  const auto *Callee = dyn_cast_or_null<FunctionDecl>(Call.getDecl());
  const auto *E = dyn_cast_or_null<CallExpr>(Call.getOriginExpr());
  if (!E || C.wasInlined || (A->leavesAlone(Callee) && !A->U.touchesScopes(Callee)))
    return;
  static constexpr std::pair<Effect, ScopeEvent> Events[] = {
      {Effect::ScopeOpen, ScopeEvent::Open},   {Effect::SpawnTask, ScopeEvent::Spawn},
      {Effect::ScopeLimit, ScopeEvent::Limit}, {Effect::ScopeClose, ScopeEvent::Close},
      {Effect::ScopeJoin, ScopeEvent::Join},   {Effect::ScopeTryJoin, ScopeEvent::Join},
      {Effect::ScopeEnd, ScopeEvent::Join}};
  for (auto [What, Event] : Events) {
    const Meaning *Row = A->U.meaningOf(E, What);
    const Role Which = !Row ? Role::none() : What == Effect::SpawnTask ? Row->Scope : Row->Object;
    const MemRegion *Object = Which.isArgument() ? regionOf(Call.getArgSVal(Which.index())) : nullptr;
    if (!Object)
      continue;
    if (Event == ScopeEvent::Open)
      return onOpen(Call, *Row, Object, C);
    if (Event == ScopeEvent::Spawn && Row->Handle.isArgument()) {
      // The storage of the task, where the scope may outlive it.
      const MemRegion *Storage = regionOf(Call.getArgSVal(Row->Handle.index()));
      ProgramStateRef State = C.getState();
      const StackFrameContext *Frame = Storage ? frameOf(Storage, State) : nullptr;
      const StackFrameContext *ScopeFrame = frameOf(Object, State);
      if (Frame && !isInArray(Storage) && (!ScopeFrame || (ScopeFrame != Frame && ScopeFrame->isParentOf(Frame)))) {
        const Task Known{Object, E, Row, Call.getReturnValue().getAsSymbol(true)};
        ExplodedNode *Started = C.addTransition(State->set<TaskMap>(Storage, Known),
                                                tell(Storage, nameOf(Storage) + " is started here", C));
        if (!Started || !State->get<ScopeMap>(Object))
          return;
      }
    }
    return onEvent(Call, *Row, Event, Object, C);
  }
  if (const Meaning *Row = A->U.meaningOf(E, Effect::JoinTask)) {
    const MemRegion *Storage = regionOf(Call.getArgSVal(Row->Object.index()));
    if (Storage && C.getState()->get<TaskMap>(Storage))
      C.addTransition(C.getState()->remove<TaskMap>(Storage));
    return;
  }
  if (const Meaning *Row = A->U.meaningOf(E, Effect::JumpTarget)) {
    if (const MemRegion *Target = regionOf(Call.getArgSVal(Row->Object.index()))) {
      const unsigned Now = C.getState()->get<ScopeClock>() + 1;
      C.addTransition(C.getState()->set<ScopeClock>(Now)->set<TargetMap>(Target, Now));
    }
    return;
  }
  // What a thread is given it may join, too.
  if (!A->U.isDescribed(Callee) || A->U.meaningOf(E, Effect::Spawn))
    onUnseenCall(Call, C);
}

void ScopeState::checkPreCall(const CallEvent &Call, CheckerContext &C) const {
  if (C.getState()->get<ScopeMap>().isEmpty())
    return;
  const auto *Callee = dyn_cast_or_null<FunctionDecl>(Call.getDecl());
  if (const Meaning *Row = A->U.meaningOf(Callee, Effect::EndThread); Row && !Row->JoinsScopes)
    onJump(Call, nullptr, C);
  else if (const Meaning *Row = A->U.meaningOf(Callee, Effect::Jump))
    onJump(Call, regionOf(Call.getArgSVal(Row->Object.index())), C);
}

void ScopeState::onJump(const CallEvent &Call, const MemRegion *Target, CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  const unsigned *Set = Target ? State->get<TargetMap>(Target) : nullptr;
  // Of several the innermost: it is the one that whoever returns from here joins first.
  const MemRegion *Left = nullptr;
  unsigned Since = 0;
  for (const auto &[Object, Known] : State->get<ScopeMap>()) {
    const Move<ScopeStage> Moved = step(settled(State, Known), ScopeEvent::Jump);
    if (Known.Bound && !(Set && *Set > Known.Since) && Moved.Broken && A->Book.isOn(*Moved.Broken) &&
        Known.Since > Since) {
      Left = Object;
      Since = Known.Since;
    }
  }
  if (!Left)
    return;
  report(Rule::scope_Order,
         "'" + functionName(cast<FunctionDecl>(Call.getDecl())).str() + "' leaves scope " + nameOf(Left) +
             " without joining its tasks",
         PathDiagnosticLocation(Call.getOriginExpr(), C.getSourceManager(), C.getLocationContext()), Left,
         C.generateErrorNode(State), C);
}

// ---- whose a scope is -----------------------------------------------------------------------------------------------

void ScopeState::noteStored(SVal Location, SVal Value, CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  const MemRegion *Target = Location.getAsRegion(), *Stored = regionOf(Value);
  const Scope *Known = Stored ? State->get<ScopeMap>(Stored) : nullptr;
  // A pointer variable of the function's own is only another name.
  if (!Known || Known->Escaped || (Target && isa<VarRegion>(Target) && frameOf(Target, State)))
    return;
  Scope Next = *Known;
  Next.Escaped = true;
  C.addTransition(State->set<ScopeMap>(Stored, Next));
}

void ScopeState::checkLiveSymbols(ProgramStateRef State, SymbolReaper &Reaper) const {
  for (const auto &[Object, Known] : State->get<ScopeMap>())
    for (SymbolRef Result : {Known.OpenResult, Known.Result})
      if (Result)
        Reaper.markLive(Result);
  for (const auto &[Storage, Known] : State->get<TaskMap>())
    if (Known.Result)
      Reaper.markLive(Known.Result);
}

void ScopeState::checkPreStmt(const DeclStmt *Declaration, CheckerContext &C) const {
  // A variable of a loop's body is a new one in each round.
  ProgramStateRef State = C.getState();
  ProgramStateRef Next = State;
  for (const auto &[Object, Known] : State->get<ScopeMap>())
    if (const auto *Var = dyn_cast<VarRegion>(Object->getBaseRegion());
        Var && frameOf(Object, State) == C.getStackFrame() && llvm::is_contained(Declaration->decls(), Var->getDecl()))
      Next = Next->remove<ScopeMap>(Object);
  if (Next != State)
    C.addTransition(Next);
}

void ScopeState::checkEndFunction(const ReturnStmt *Return, CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  if (State->get<ScopeMap>().isEmpty() && State->get<TaskMap>().isEmpty())
    return;
  const StackFrameContext *Frame = C.getStackFrame();
  const SourceManager &SM = C.getSourceManager();
  const PathDiagnosticLocation End =
      Return ? PathDiagnosticLocation(Return, SM, Frame) : PathDiagnosticLocation::createDeclEnd(Frame, SM);
  const std::string Function = "'" + functionName(Frame->getDecl()).str() + "'";
  struct Finding {
    const MemRegion *Subject;
    const CallExpr *Begun;
    std::string Text;
    Effect Ends;
  };
  SmallVector<Finding, 2> Findings;
  ProgramStateRef Next = State;
  for (const auto &[Object, Known] : State->get<ScopeMap>()) {
    if (frameOf(Object, State) != Frame)
      continue;
    Next = Next->remove<ScopeMap>(Object);
    const Move<ScopeStage> Moved = step(settled(State, Known), ScopeEvent::End);
    if (Moved.Broken && A->Book.isOn(*Moved.Broken) && !Known.Escaped && !isEndedByCleanup(Object))
      Findings.push_back({Object, Known.Opened, "leaves " + Function + " with scope " + nameOf(Object) + " not joined",
                          Effect::ScopeJoin});
  }
  for (const auto &[Storage, Known] : State->get<TaskMap>()) {
    if (frameOf(Storage, State) != Frame)
      continue;
    Next = Next->remove<TaskMap>(Storage);
    if (A->Book.isOn(Rule::scope_Unjoined) && succeeded(State, Known.Result, Known.Row, A->U) != false)
      Findings.push_back({Storage, Known.Spawn,
                          "leaves " + Function + " with " + nameOf(Storage) + " running in a scope that goes on",
                          Effect::JoinTask});
  }
  ExplodedNode *N = Findings.empty() ? nullptr : C.generateNonFatalErrorNode(Next);
  for (const Finding &F : Findings) {
    Omission Omitted{[this, Ends = F.Ends](const CallExpr *Call) {
                       return A->U.meaningOf(Call, Ends) ||
                              (Ends == Effect::ScopeJoin &&
                               (A->U.meaningOf(Call, Effect::ScopeTryJoin) || A->U.meaningOf(Call, Effect::ScopeEnd)));
                     },
                     nameOf(F.Subject) + " is not joined"};
    report(Rule::scope_Unjoined, F.Text, End, F.Subject, N, C, tellWayOut(Frame, Return, F.Begun, Omitted, A->U));
  }
  if (Findings.empty() && Next != State)
    C.addTransition(Next);
}

void safespawn::registerScopeState(CheckerManager &Manager, Analysis &A) {
  auto *Rules = Manager.registerChecker<ScopeState>();
  Rules->A = &A;
  A.IsIdle = [Rules](ProgramStateRef State, const MemRegion *Object) { return Rules->isIdle(State, Object); };
  A.Fingerprints.push_back([](ProgramStateRef State, llvm::FoldingSetNodeID &Id) {
    State->get<ScopeMap>().Profile(Id);
    State->get<TaskMap>().Profile(Id);
    State->get<TargetMap>().Profile(Id);
    for (const auto &[Object, Known] : State->get<ScopeMap>())
      for (SymbolRef Result : {Known.OpenResult, Known.Result})
        if (Result)
          addKnowledge(State, Result, Id);
    for (const auto &[Storage, Known] : State->get<TaskMap>())
      if (Known.Result)
        addKnowledge(State, Known.Result, Id);
  });
}
