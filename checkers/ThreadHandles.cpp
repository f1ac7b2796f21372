// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules that follow a thread's handle along a path:
//   thread.Leak, Detached, DoubleJoin, JoinUnspawned, Overwrite, SelfJoin, StackEscape.
//
// A handle is known by the symbol of its value, so it stays the same thread through copies, structs, parameters and
// returns; what a call does to it comes from the models. What is left to others: whether the result of a spawn is
// tested at all, and what a loop does to an argument (ThreadSpawns.cpp).
#include "checkers/CallResult.h"
#include "checkers/Checkers.h"
#include "checkers/Flow.h"
#include "checkers/LlvmCompat.h"
#include "checkers/Objects.h"
#include "checkers/Story.h"
#include "fixits/Bodies.h"
#include "fixits/ThreadFixes.h"
#include "clang/AST/ParentMap.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/StaticAnalyzer/Core/Checker.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CallEvent.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CheckerContext.h"

using namespace clang;
using namespace ento;
using namespace safespawn;

namespace {

/// Where a thread's handle stands on the current path.
///
///   (untracked) --spawn--> Live --join--> Joined    --join or detach--> report DoubleJoin
///        |                  |  \-detach-> Detached  --join or detach--> report DoubleJoin
///        |                  +---- frame ends --------------------------> report Leak
///        +--join or detach of a handle from elsewhere--> Joined, Detached
///
/// A spawn may have failed: Live holds the spawn's result, and what the path knows of it decides when it matters. A
/// handle that escapes stays Live, but is nobody's leak; one that code we do not see may have joined is not judged.
struct Handle {
  enum Stage : uint8_t { Live, Joined, Detached };
  Stage At = Live;
  bool Escaped = false;            ///< stored or handed to where it outlives the frame
  bool MaybeGiven = false;         ///< somebody we do not see, or a loop over all handles, may have joined it
  bool ByLoop = false;             ///< it was such a loop
  bool Waited = false;             ///< the spawner has waited for another thread since the spawn
  const CallExpr *Spawn = nullptr; ///< null when the handle comes from elsewhere
  const Meaning *SpawnRow = nullptr;
  SymbolRef SpawnResult = nullptr;
  const StackFrameContext *Owner = nullptr; ///< the frame whose end puts the handle out of reach
  const MemRegion *Storage = nullptr;
  const MemRegion *Copy = nullptr;   ///< a local variable that holds the same value
  bool Stored = false;               ///< a copy of the value lies where we do not follow it
  const MemRegion *Lent = nullptr;   ///< the automatic object that the thread was given the address of
  const Meaning *GivenRow = nullptr; ///< of the join or detach
  SymbolRef GivenResult = nullptr;

  bool operator==(const Handle &O) const {
    return At == O.At && Escaped == O.Escaped && MaybeGiven == O.MaybeGiven && ByLoop == O.ByLoop &&
           Waited == O.Waited && Spawn == O.Spawn && SpawnResult == O.SpawnResult && Owner == O.Owner &&
           Storage == O.Storage && Copy == O.Copy && Stored == O.Stored && Lent == O.Lent && GivenRow == O.GivenRow &&
           GivenResult == O.GivenResult;
  }
  /// Adds all but the values of this path and the place.
  void addStage(llvm::FoldingSetNodeID &Id) const {
    Id.AddInteger(At);
    Id.AddBoolean(Escaped);
    Id.AddBoolean(MaybeGiven);
    Id.AddBoolean(ByLoop);
    Id.AddBoolean(Waited);
    Id.AddBoolean(Stored);
    for (const void *P :
         {static_cast<const void *>(Spawn), static_cast<const void *>(Owner), static_cast<const void *>(Copy),
          static_cast<const void *>(Lent), static_cast<const void *>(GivenRow)})
      Id.AddPointer(P);
  }
  void Profile(llvm::FoldingSetNodeID &Id) const {
    addStage(Id);
    for (const void *P : {static_cast<const void *>(SpawnResult), static_cast<const void *>(Storage),
                          static_cast<const void *>(GivenResult)})
      Id.AddPointer(P);
  }
};

/// What an attribute object will make of a thread.
enum class AttrKind : unsigned { Joinable, Detached };

} // namespace

REGISTER_MAP_WITH_PROGRAMSTATE(HandleMap, SymbolRef, Handle)
/// Attribute objects whose state is known.
REGISTER_MAP_WITH_PROGRAMSTATE(AttrMap, const MemRegion *, unsigned)
/// Where the handles that a call is about to get by value were read from. The values themselves do not say: they may be
/// undefined, or have changed behind a call.
REGISTER_MAP_WITH_PROGRAMSTATE(ReadFromMap, const Expr *, const MemRegion *)
/// The call that made an attribute object say "detached".
REGISTER_MAP_WITH_PROGRAMSTATE(AttrSetMap, const MemRegion *, const CallExpr *)
/// Handles that a spawn is about to get cast to a pointer, which the analyzer does not follow.
REGISTER_MAP_WITH_PROGRAMSTATE(CastHandleMap, const Expr *, SymbolRef)
/// Values that are the calling thread's own handle, with the call that asked for it.
REGISTER_MAP_WITH_PROGRAMSTATE(SelfMap, SymbolRef, const CallExpr *)
/// Values that were compared with another handle.
REGISTER_SET_WITH_PROGRAMSTATE(ComparedSet, SymbolRef)

namespace {

class ThreadHandles
    : public Checker<check::PreStmt<CallExpr>, check::PostStmt<BinaryOperator>, check::PreCall, check::PostCall,
                     check::Bind, check::Location, check::RegionChanges, check::LiveSymbols, check::DeadSymbols,
                     check::EndFunction, check::BranchCondition, eval::Call> {
public:
  Analysis *A = nullptr;

  void checkPreStmt(const CallExpr *Call, CheckerContext &C) const;
  void checkPostStmt(const BinaryOperator *Assign, CheckerContext &C) const;
  void checkPreCall(const CallEvent &Call, CheckerContext &C) const;
  bool evalCall(const CallEvent &Call, CheckerContext &C) const;
  void checkPostCall(const CallEvent &Call, CheckerContext &C) const;
  SAFESPAWN_CHECK_BIND(Location, Value, C) { escapeStored(Location, Value, C); }
  void checkLocation(SVal Location, bool IsLoad, const Stmt *S, CheckerContext &C) const;
  ProgramStateRef checkRegionChanges(ProgramStateRef State, const InvalidatedSymbols *Invalidated,
                                     ArrayRef<const MemRegion *> Explicit, ArrayRef<const MemRegion *> Regions,
                                     const LocationContext *Frame, const CallEvent *Call) const;
  void checkLiveSymbols(ProgramStateRef State, SymbolReaper &Reaper) const;
  void checkDeadSymbols(SymbolReaper &Reaper, CheckerContext &C) const;
  void checkEndFunction(const ReturnStmt *Return, CheckerContext &C) const;
  void checkBranchCondition(const Stmt *Condition, CheckerContext &C) const;

private:
  using Message = llvm::Twine;

  void escapeStored(SVal Location, SVal Value, CheckerContext &C) const;
  void onSpawn(const CallEvent &Call, const Meaning &Row, CheckerContext &C) const;
  void onGiveUp(const CallEvent &Call, const Meaning &Row, CheckerContext &C) const;
  void onCancel(const CallEvent &Call, const Meaning &Row, CheckerContext &C) const;
  ProgramStateRef lendArgument(ProgramStateRef State, const CallEvent &Call, const Meaning &Row, Handle &H,
                               CheckerContext &C) const;
  /// A thread that gets another thread's handle may join it.
  ProgramStateRef handOver(ProgramStateRef State, const CallEvent &Call, const Meaning &Row,
                           const FunctionDecl *Entry) const;
  void endFrame(const StackFrameContext *Frame, const Stmt *Exit, SVal Returned, CheckerContext &C) const;

  /// Whether \p H may still be a running thread that nobody has given up: the question of Leak and Overwrite.
  bool isAlive(ProgramStateRef State, SymbolRef Symbol, const Handle &H, CheckerContext &C) const;
  bool spawnFailed(ProgramStateRef State, const Handle &H) const {
    return H.SpawnResult && succeeded(State, H.SpawnResult, H.SpawnRow, A->U) == false;
  }
  /// Whether StackEscape, the more specific rule, has the say about this thread.
  bool lendsFrame(const Handle &H, ProgramStateRef State) const;
  std::optional<AttrKind> attrKind(ProgramStateRef State, SVal Attr) const;
  /// Where a spawn stands as its author sees it: the call of the thin wrapper that holds it, if there is one.
  std::pair<const Stmt *, const LocationContext *> spawnAsWritten(const CallExpr *Spawn,
                                                                  const LocationContext *Frame) const;
  const CallExpr *selfJoinSpawn(const MemRegion *Origin, CheckerContext &C) const;
  /// Whether a thread in \p Entry sees to its own end: it detaches itself, by what it has pushed to be called as well,
  /// or tells its handle to somebody, who may join it.
  bool endsItself(const FunctionDecl *Entry) const;
  /// The same of a thread whose start routine is the parameter \p Entry of a function that is explored by itself: of
  /// one that a call in this file passes.
  bool mayEndItself(const Expr *Entry, CheckerContext &C) const;

  /// What a report has besides its message and its place.
  struct Details {
    std::vector<Fix> Fixes;
    std::unique_ptr<BugReporterVisitor> Teller; ///< adds to the story
    std::string Note;                           ///< with the place below
    PathDiagnosticLocation NoteAt;
    PathDiagnosticLocation Unique; ///< reports with one message and this place are one
  };
  void report(Rule R, const Message &Text, const PathDiagnosticLocation &At, const Decl *In, SymbolRef Subject,
              ExplodedNode *End, CheckerContext &C, Details More = {}) const;
  const NoteTag *tell(SymbolRef Subject, std::string Text, CheckerContext &C) const;
};

/// Marks every live handle in an array of \p Object as one that a loop may have given up.
ProgramStateRef giveUpAll(ProgramStateRef State, const MemRegion *Object) {
  for (const auto &[Symbol, H] : State->get<HandleMap>())
    if (Object && H.At == Handle::Live && !H.MaybeGiven && H.Storage && H.Storage->getBaseRegion() == Object &&
        isInArray(H.Storage)) {
      Handle Next = H;
      Next.MaybeGiven = Next.ByLoop = true;
      State = State->set<HandleMap>(Symbol, Next);
    }
  return State;
}

/// Whether a thread that was started on this path has its handle in \p Object.
bool isOwn(ProgramStateRef State, const MemRegion *Object) {
  return llvm::any_of(State->get<HandleMap>(), [&](const auto &Known) {
    return Object && Known.second.Spawn && Known.second.Storage && Known.second.Storage->getBaseRegion() == Object;
  });
}

/// Marks a handle whose value goes where we do not follow it.
ProgramStateRef loseSight(ProgramStateRef State, SymbolRef Symbol, Handle H) {
  H.Escaped = H.Stored = H.MaybeGiven = true;
  return State->set<HandleMap>(Symbol, H);
}

/// Notes that the spawner has waited for another thread.
ProgramStateRef haveWaited(ProgramStateRef State) {
  for (const auto &[Symbol, H] : State->get<HandleMap>())
    if (!H.Waited) {
      Handle Waited = H;
      Waited.Waited = true;
      State = State->set<HandleMap>(Symbol, Waited);
    }
  return State;
}

/// Whether \p Value is, or holds, the value of \p Symbol.
bool carries(SVal Value, SymbolRef Symbol, const Handle &H, ProgramStateRef State) {
  for (SymbolRef Part : Value.symbols())
    if (Part == Symbol)
      return true;
  auto Copy = Value.getAs<nonloc::LazyCompoundVal>();
  if (!Copy)
    return false;
  if (H.Storage && H.Storage->isSubRegionOf(Copy->getRegion()))
    return true;
  const RecordDecl *Record = Copy->getRegion()->getValueType()->getAsRecordDecl();
  if (!Record)
    return false;
  StoreManager &Stores = State->getStateManager().getStoreManager();
  return llvm::any_of(Record->fields(), [&](const FieldDecl *Field) {
    auto Place = State->getLValue(Field, loc::MemRegionVal(Copy->getRegion())).getAs<Loc>();
    return Place && Stores.getBinding(Copy->getStore(), *Place).getAsSymbol(true) == Symbol;
  });
}

} // namespace

const NoteTag *ThreadHandles::tell(SymbolRef Subject, std::string Text, CheckerContext &C) const {
  return C.getNoteTag([Subject, Text = std::move(Text)](PathSensitiveBugReport &Report) -> std::string {
    return Report.isInteresting(Subject) ? Text : "";
  });
}

void ThreadHandles::report(Rule R, const Message &Text, const PathDiagnosticLocation &At, const Decl *In,
                           SymbolRef Subject, ExplodedNode *End, CheckerContext &C, Details More) const {
  if (!End)
    return;
  auto Report =
      std::make_unique<PathReport>(A->Book, R, Text.str(), End, At, More.Unique.isValid() ? More.Unique : At, In);
  if (Subject)
    Report->markInteresting(Subject);
  if (More.Teller)
    Report->addVisitor(std::move(More.Teller));
  if (More.NoteAt.isValid())
    Report->addNote(More.Note, More.NoteAt);
  Report->offer(A->Book, More.Fixes);
  C.emitReport(std::move(Report));
}

// ---- what calls mean ----------------------------------------------------------------------------------------------

/// The place that the handle in \p Argument was read from, or null.
static const MemRegion *readFrom(ProgramStateRef State, const Expr *Argument) {
  const MemRegion *const *Region = Argument ? State->get<ReadFromMap>(Argument) : nullptr;
  return Region ? *Region : nullptr;
}

bool ThreadHandles::isAlive(ProgramStateRef State, SymbolRef Symbol, const Handle &H, CheckerContext &C) const {
  if (H.At != Handle::Live || H.MaybeGiven || spawnFailed(State, H))
    return false;
  // Tried: alive only where the path knows that it failed.
  if (H.GivenResult && succeeded(State, H.GivenResult, H.GivenRow, A->U) != false)
    return false;
  // Code that keeps 0 for "no thread" has learned that there is none.
  return !State
              ->isNull(Loc::isLocType(Symbol->getType()) ? SVal(C.getSValBuilder().makeLoc(Symbol))
                                                         : SVal(nonloc::SymbolVal(Symbol)))
              .isConstrainedTrue();
}

std::optional<AttrKind> ThreadHandles::attrKind(ProgramStateRef State, SVal Attr) const {
  if (Attr.isZeroConstant()) // the default, unless the program has changed it
    return A->U.has(Effect::DefaultAttribute) ? std::nullopt : std::optional(AttrKind::Joinable);
  if (const MemRegion *Region = Attr.getAsRegion())
    if (const unsigned *Kind = State->get<AttrMap>(Region->StripCasts()))
      return AttrKind(*Kind);
  return std::nullopt;
}

bool ThreadHandles::lendsFrame(const Handle &H, ProgramStateRef State) const {
  const StackFrameContext *Frame = H.Lent ? frameOf(H.Lent, State) : nullptr;
  const auto *Function = Frame ? dyn_cast_or_null<FunctionDecl>(Frame->getDecl()) : nullptr;
  return Function && !Function->isMain() && A->Book.yields(Rule::thread_Detached, Rule::thread_StackEscape);
}

void ThreadHandles::checkLocation(SVal Location, bool IsLoad, const Stmt *S, CheckerContext &C) const {
  if (IsLoad)
    for (const auto &[Symbol, H] : C.getState()->get<HandleMap>())
      if (sharesUnion(Location.getAsRegion(), H.Storage)) // what the analyzer reads there is unknown
        return (void)C.addTransition(loseSight(C.getState(), Symbol, H));
  const auto *Argument = dyn_cast_or_null<Expr>(S);
  if (!IsLoad || !Argument || !Argument->getType()->isScalarType())
    return;
  const ParentMap &Parents = C.getLocationContext()->getParentMap();
  const Stmt *Parent = Parents.getParent(Argument);
  bool Cast = false; // from a number to a pointer, or back
  while (isa_and_nonnull<ParenExpr, CastExpr>(Parent)) {
    Cast |= cast<Expr>(Parent)->getType()->isPointerType() != Argument->getType()->isPointerType();
    Argument = cast<Expr>(Parent);
    Parent = Parents.getParent(Argument);
  }
  const auto *Call = dyn_cast_or_null<CallExpr>(Parent);
  const MemRegion *Region = Location.getAsRegion();
  if (!Region || (!Call && !Cast))
    return;
  ProgramStateRef State = C.getState();
  if (!Call || A->U.meaningsOf(Call->getDirectCallee()).empty()) {
    // The analyzer loses a value that is cast so; wherever it goes, we do not follow.
    SymbolRef Symbol = Cast ? State->getSVal(Region).getAsSymbol(true) : nullptr;
    if (const Handle *H = Symbol ? State->get<HandleMap>(Symbol) : nullptr)
      C.addTransition(loseSight(State, Symbol, *H));
    return;
  }
  for (const Meaning &Row : A->U.meaningsOf(Call->getDirectCallee())) {
    if (Unit::argument(Call, Row.Object) == Argument)
      State = State->set<ReadFromMap>(Argument, handleAt(Region));
    if (Unit::argument(Call, Row.Argument) == Argument)
      if (SymbolRef Symbol = State->getSVal(Region).getAsSymbol(true); Symbol && State->get<HandleMap>(Symbol))
        State = State->set<CastHandleMap>(Argument, Symbol);
  }
  if (State != C.getState())
    C.addTransition(State);
}

/// The object that the handle in \p Argument is (a part of), or null.
static const MemRegion *objectOf(ProgramStateRef State, const Expr *Argument) {
  const MemRegion *Region = readFrom(State, Argument);
  return Region ? Region->getBaseRegion() : nullptr;
}

void ThreadHandles::checkPreStmt(const CallExpr *Call, CheckerContext &C) const {
  // Before the arguments are looked at by anybody else: an uninitialised one is our story, not "garbage value".
  A->U.scan();
  ProgramStateRef State = C.getState();
  for (const Meaning &Row : A->U.meaningsOf(Call->getDirectCallee())) {
    if (!isGivingUp(Row.What) && Row.What != Effect::Cancel)
      continue;
    const Expr *Object = Unit::argument(Call, Row.Object);
    if (!Object || !A->Book.isOn(Rule::thread_JoinUnspawned))
      continue;
    SVal Value = C.getSVal(Object);
    if (!Value.isUndef() && !Value.isConstant())
      continue;
    const MemRegion *Place = readFrom(State, Object);
    if (!Place || !frameOf(Place, State) || (Value.isConstant() && !Value.isZeroConstant()))
      continue;
    // An element of an array: the loop that filled it may have gone round more often than we did.
    if (isInArray(Place)) {
      if (ProgramStateRef Next = giveUpAll(State, Place->getBaseRegion()); Next != State)
        C.addTransition(Next);
      continue;
    }
    if (isGuarded(Call, Object, C.getLocationContext(), A->U, /*BehindLoop=*/true))
      continue;
    const char *Verb = Row.What == Effect::Detach ? "detached" : Row.What == Effect::Cancel ? "cancelled" : "joined";
    PathDiagnosticLocation At(Call, C.getSourceManager(), C.getLocationContext());
    std::string Name = nameOf(Place, Object, A->U, /*IsValue=*/true);
    Details More;
    if (const auto *Region = dyn_cast<VarRegion>(Place->getBaseRegion())) {
      More.Note = "'" + Region->getDecl()->getNameAsString() + "' is declared here, and no spawn fills it on this path";
      More.NoteAt = PathDiagnosticLocation::createBegin(Region->getDecl(), C.getSourceManager());
    }
    report(Rule::thread_JoinUnspawned, "handle '" + Name + "' is " + Verb + ", but no thread was spawned into it", At,
           C.getLocationContext()->getDecl(), nullptr, C.generateErrorNode(), C, std::move(More));
    return;
  }
}

bool ThreadHandles::evalCall(const CallEvent &Call, CheckerContext &C) const {
  const auto *Callee = dyn_cast_or_null<FunctionDecl>(Call.getDecl());
  if (!Callee || !isa_and_nonnull<CallExpr>(Call.getOriginExpr()))
    return false;
  ArrayRef<Meaning> Rows = A->U.meaningsOf(Callee);
  if (Rows.empty() || Rows.front().Args != Call.getNumArgs())
    return false;
  const Meaning &Row = Rows.front();
  ProgramStateRef State = C.getState();
  auto Object = [&] { return Row.Object.isArgument() ? Call.getArgSVal(Row.Object.index()) : SVal(UnknownVal()); };
  if (!A->On.All && !A->On.Threads &&
      llvm::is_contained({Effect::Spawn, Effect::Join, Effect::TryJoin, Effect::Detach, Effect::Cancel}, Row.What)) {
    if (Row.What == Effect::Spawn) // who knows what the thread writes
      State = Call.invalidateRegions(C.blockCount(), State);
    C.addTransition(bindResult(State, Call, C));
    return true;
  }
  switch (Row.What) {
  case Effect::Spawn:
    onSpawn(Call, Row, C);
    return true;
  case Effect::Join:
  case Effect::TryJoin:
  case Effect::Detach:
    onGiveUp(Call, Row, C);
    return true;
  case Effect::Cancel:
    onCancel(Call, Row, C);
    return true;
  case Effect::Self: {
    SVal Me = compat::conjure(Call, Call.getResultType(), C);
    State = State->BindExpr(Call.getOriginExpr(), C.getLocationContext(), Me);
    if (SymbolRef Symbol = Me.getAsSymbol(true))
      State = State->set<SelfMap>(Symbol, cast<CallExpr>(Call.getOriginExpr()));
    C.addTransition(State);
    return true;
  }
  case Effect::Equal:
    for (Role Which : {Row.Object, Row.Other})
      if (SymbolRef Symbol = Call.getArgSVal(Which.index()).getAsSymbol(true))
        State = State->add<ComparedSet>(Symbol);
    C.addTransition(bindResult(State, Call, C));
    return true;
  case Effect::Fork: {
    State = bindResult(State, Call, C);
    // The child has one thread: what the handles stood for stayed behind.
    auto Child = State->getSVal(Call.getOriginExpr(), C.getLocationContext()).getAs<DefinedOrUnknownSVal>();
    auto [Parent, InChild] = Child ? State->assume(*Child) : std::make_pair(State, ProgramStateRef());
    if (Parent)
      C.addTransition(Parent);
    if (InChild) {
      for (const auto &[Symbol, H] : State->get<HandleMap>())
        InChild = InChild->remove<HandleMap>(Symbol);
      C.addTransition(InChild);
    }
    return true;
  }
  case Effect::AttributeInit:
    if (const MemRegion *Region = Object().getAsRegion())
      State = State->set<AttrMap>(Region->StripCasts(), unsigned(AttrKind::Joinable));
    C.addTransition(bindResult(State, Call, C));
    return true;
  case Effect::AttributeSet:
    if (const MemRegion *Region = Object().getAsRegion(); Region && !Row.DetachedName.empty()) {
      Region = Region->StripCasts();
      State = State->set<AttrSetMap>(Region, cast<CallExpr>(Call.getOriginExpr()));
      const std::optional<bool> Detached = isConstant(Call, Row.Value, Row.DetachedName, A->U);
      State = Detached ? State->set<AttrMap>(Region, unsigned(*Detached ? AttrKind::Detached : AttrKind::Joinable))
                       : State->remove<AttrMap>(Region);
    }
    C.addTransition(bindResult(State, Call, C));
    return true;
  case Effect::Observe:
    if (Row.Value.isArgument() && isConstant(Call, Row.Value, Row.Unless, A->U) == true) {
      C.generateSink(State, C.getPredecessor());
      return true;
    }
    [[fallthrough]];
  case Effect::AttributeDestroy:
  case Effect::DefaultAttribute:
    C.addTransition(bindResult(State, Call, C));
    return true;
  case Effect::EndProcess:
    C.generateSink(State, C.getPredecessor());
    return true;
  default:
    return false;
  }
}

ProgramStateRef ThreadHandles::handOver(ProgramStateRef State, const CallEvent &Call, const Meaning &Row,
                                        const FunctionDecl *Entry) const {
  if (!Row.Argument.isArgument())
    return State;
  SVal Given = Call.getArgSVal(Row.Argument.index());
  const MemRegion *Object = Given.getAsRegion();
  const SymbolRef *Cast = State->get<CastHandleMap>(Unit::argument(cast<CallExpr>(Call.getOriginExpr()), Row.Argument));
  for (const auto &[Symbol, H] : State->get<HandleMap>()) {
    bool ByValue = (Cast && *Cast == Symbol) || carries(Given, Symbol, H, State);
    bool ByPlace = Object && H.Storage && H.Storage->getBaseRegion() == Object->getBaseRegion() && Entry &&
                   A->U.givesUpHandles(Entry);
    if (H.At == Handle::Live && (ByValue || ByPlace)) {
      Handle Given = H;
      Given.Escaped = Given.MaybeGiven = true;
      State = State->set<HandleMap>(Symbol, Given);
    }
  }
  return State;
}

ProgramStateRef ThreadHandles::lendArgument(ProgramStateRef State, const CallEvent &Call, const Meaning &Row, Handle &H,
                                            CheckerContext &C) const {
  if (!Row.Argument.isArgument())
    return State;
  SVal Given = Call.getArgSVal(Row.Argument.index());
  const MemRegion *Object = Given.getAsRegion();
  if (!Object)
    return State;
  Object = Object->StripCasts();
  const auto *Typed = dyn_cast<TypedValueRegion>(Object);
  const auto *E = cast<CallExpr>(Call.getOriginExpr());
  const Expr *Written = Unit::argument(E, Row.Argument)->IgnoreParenCasts();
  QualType Type = Typed                                 ? Typed->getValueType()
                  : Written->getType()->isPointerType() ? Written->getType()->getPointeeType()
                                                        : QualType();
  const RecordDecl *Record = Type.isNull() ? nullptr : Type->getAsRecordDecl();
  auto FieldOf = [&](const FieldDecl *Field) { return State->getLValue(Field, Given).getAsRegion(); };
  const FunctionDecl *Entry = Call.getArgSVal(Row.Entry.index()).getAsFunctionDecl();
  if (!Entry)
    Entry = Unit::namedFunction(Unit::argument(E, Row.Entry));

  if (Entry && A->U.ignoresArgument(Entry)) {
    // nothing is lent to a thread that does not look
  } else if (frameOf(Object, State)) {
    H.Lent = Object->getBaseRegion();
  } else if (Record) { // a struct that points to an automatic object lends that one
    for (const FieldDecl *Field : Record->fields())
      if (Field->getType()->isPointerType())
        if (const MemRegion *Pointee = State->getSVal(FieldOf(Field)).getAsRegion())
          if (frameOf(Pointee, State)) {
            H.Lent = Pointee->getBaseRegion();
            break;
          }
  }

  // The thread writes what its argument points to. Forget what it may write, and no more: a count that bounds both
  // the loop that spawns and the loop that joins must stay the same count.
  auto Forget = [&](const TypedValueRegion *Region) {
    SVal Unknown = compat::conjure(Call, Region->getValueType(), C, Region);
    if (!Region->getValueType()->isRecordType() && !Region->getValueType()->isArrayType())
      State = State->bindLoc(loc::MemRegionVal(Region), Unknown, C.getLocationContext(), /*notifyChanges=*/false);
  };
  if (Record) {
    llvm::DenseSet<const FieldDecl *> MayWrite;
    if (Entry)
      MayWrite = A->U.fieldsWrittenBy(Entry);
    for (const FieldDecl *Field : Record->fields())
      if (const auto *Region = dyn_cast_or_null<TypedValueRegion>(FieldOf(Field)))
        if (MayWrite.count(Field) || (Field->getType()->isScalarType() && State->getSVal(Region).isUndef()))
          Forget(Region);
  } else if (Typed && Typed->getValueType()->isScalarType() && State->getSVal(Typed).isUndef()) {
    Forget(Typed);
  }
  return State;
}

bool ThreadHandles::endsItself(const FunctionDecl *Entry) const {
  if (A->U.detachesItself(Entry))
    return true;
  struct Ends : RecursiveASTVisitor<Ends> {
    const Unit &U;
    bool Found = false;
    explicit Ends(const Unit &U) : U(U) {}
    bool VisitVarDecl(VarDecl *Var) { // pthread_cleanup_push makes a variable for its handler
      const FunctionDecl *Handler = Var->getType()->isFunctionPointerType() ? U.namedFunction(Var->getInit()) : nullptr;
      return !(Found |= Handler && U.detachesItself(Handler));
    }
    bool VisitBinaryOperator(BinaryOperator *Assign) {
      const auto *Value = dyn_cast<CallExpr>(Assign->getRHS()->IgnoreParenCasts());
      const auto *Local = dyn_cast<DeclRefExpr>(Assign->getLHS()->IgnoreParenCasts());
      const auto *Var = Local ? dyn_cast<VarDecl>(Local->getDecl()) : nullptr;
      return !(Found |= Assign->getOpcode() == BO_Assign && Value && U.meaningOf(Value, Effect::Self) &&
                        !(Var && Var->hasLocalStorage()));
    }
  } Visit(A->U);
  auto Look = [&](const FunctionDecl *F) {
    const FunctionDecl *Definition = nullptr;
    if (!Visit.Found && F->hasBody(Definition) &&
        !A->U.context().getSourceManager().isInSystemHeader(Definition->getLocation()))
      Visit.TraverseStmt(Definition->getBody());
  };
  Look(Entry);
  eachCallBelow(Entry, A->U, [&](const CallExpr *Call, const FunctionDecl *) { Look(Call->getDirectCallee()); });
  return Visit.Found;
}

bool ThreadHandles::mayEndItself(const Expr *Entry, CheckerContext &C) const {
  const auto *Ref = Entry && C.inTopFrame() ? dyn_cast<DeclRefExpr>(Entry->IgnoreParenCasts()) : nullptr;
  const auto *Param = Ref ? dyn_cast<ParmVarDecl>(Ref->getDecl()) : nullptr;
  const auto *F = dyn_cast_or_null<FunctionDecl>(C.getStackFrame()->getDecl());
  if (!Param || !F || A->U.hasUnseenCallers(F))
    return false;
  for (const FunctionDecl *Caller : A->U.callersOf(F))
    for (const CallExpr *Call : A->U.callsIn(Caller)) {
      if (Call->getDirectCallee()->getCanonicalDecl() != F->getCanonicalDecl())
        continue;
      const FunctionDecl *Given =
          Unit::namedFunction(Unit::argument(Call, Role::argument(Param->getFunctionScopeIndex())));
      if (!Given || endsItself(Given))
        return true;
    }
  return false;
}

void ThreadHandles::onSpawn(const CallEvent &Call, const Meaning &Row, CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  const auto *E = cast<CallExpr>(Call.getOriginExpr());
  const LocationContext *Frame = C.getLocationContext();

  Handle H;
  H.Spawn = E;
  H.SpawnRow = &Row;
  State = bindResult(State, Call, C);
  SVal Result = State->getSVal(E, Frame);
  H.SpawnResult = Result.getAsSymbol(true);

  SymbolRef Symbol = nullptr;
  const Expr *HandleWritten = Unit::argument(E, Row.Handle);
  if (Row.Handle.isReturned()) {
    Symbol = H.SpawnResult;
    H.Owner = C.getStackFrame();
    State = lendArgument(State, Call, Row, H, C);
  } else {
    const MemRegion *Region = Call.getArgSVal(Row.Handle.index()).getAsRegion();
    const auto *Typed = dyn_cast_or_null<TypedValueRegion>(handleAt(Region));
    if (!Typed) // e.g. a pointer that somebody else gave us: theirs to join
      if (const auto *Pointee = dyn_cast_or_null<SymbolicRegion>(Region))
        Typed = C.getStoreManager().GetElementZeroRegion(Pointee, Pointee->getPointeeStaticType());
    A->LeavesThreads |= !Typed;
    if (!Typed)
      return (void)C.addTransition(State);
    H.Storage = Typed;
    H.Owner = frameOf(Typed, State);
    H.Escaped = !H.Owner;
    if (const auto *Var = dyn_cast<VarRegion>(Typed->getBaseRegion()); Var && Var->getDecl()->hasAttr<CleanupAttr>())
      H.Escaped = H.MaybeGiven = true; // given up at the end of the scope, by its cleanup

    // What did it hold before?
    SymbolRef Old = State->getSVal(Typed).getAsSymbol(true);
    if (const Handle *Before = Old ? State->get<HandleMap>(Old) : nullptr) {
      if (Before->Copy || Before->Stored) { // the value lives on elsewhere
        Handle Kept = *Before;
        Kept.Storage = Before->Copy;
        Kept.Copy = nullptr;
        State = State->set<HandleMap>(Old, Kept);
      } else {
        if (isAlive(State, Old, *Before, C) && A->Book.isOn(Rule::thread_Overwrite)) {
          std::string Name = nameOf(Typed, HandleWritten, A->U);
          auto [Site, SiteFrame] = spawnAsWritten(E, Frame);
          if (ExplodedNode *N = C.generateNonFatalErrorNode(State->remove<HandleMap>(Old), C.getPredecessor()))
            report(Rule::thread_Overwrite,
                   "spawn overwrites '" + Name + "', which still holds a thread that is neither joined nor detached",
                   PathDiagnosticLocation(Site, C.getSourceManager(), SiteFrame), SiteFrame->getDecl(), Old, N, C,
                   {fixOverwrite(A->U, E, Row, *C.getCurrentAnalysisDeclContext()), nullptr, "", {}, {}});
        }
        State = State->remove<HandleMap>(Old);
      }
    }
    SVal Fresh = compat::conjure(Call, Typed->getValueType(), C, &Row);
    Symbol = Fresh.getAsSymbol(true);
    State = lendArgument(State, Call, Row, H, C);
    State = State->bindLoc(loc::MemRegionVal(Typed), Fresh, Frame, /*notifyChanges=*/false);
  }
  A->LeavesThreads |= !Symbol;
  if (!Symbol)
    return (void)C.addTransition(State);
  const FunctionDecl *Entry = Row.Entry.isArgument() ? Call.getArgSVal(Row.Entry.index()).getAsFunctionDecl() : nullptr;
  State = handOver(State, Call, Row, Entry);

  std::string Name = nameOf(H.Storage, HandleWritten, A->U);
  std::string Story = Row.Handle.isReturned() ? "the thread is spawned here" : "'" + Name + "' is spawned here";
  if (Row.Attr.isArgument()) {
    std::optional<AttrKind> Kind = attrKind(State, Call.getArgSVal(Row.Attr.index()));
    if (!Kind)
      H.MaybeGiven = true; // an attribute from elsewhere may make it detached
    else if (Kind == AttrKind::Detached) {
      H.At = Handle::Detached;
      Story += ", detached";
    }
  }
  const bool ByAttribute = H.At == Handle::Detached;
  if (Entry && A->U.detachesItself(Entry)) {
    H.At = Handle::Detached;
    Story += "; '" + functionName(Entry).str() + "' detaches itself";
  } else if (Entry ? endsItself(Entry) : mayEndItself(Unit::argument(E, Row.Entry), C)) {
    H.MaybeGiven = true;
  }
  State = State->set<HandleMap>(Symbol, H);
  ExplodedNode *Spawned = C.addTransition(State, tell(Symbol, Story, C));
  if (Spawned && ByAttribute && A->Book.isOn(Rule::thread_Detached) && !lendsFrame(H, State)) {
    auto [Site, SiteFrame] = spawnAsWritten(E, Frame);
    const MemRegion *Attr = Call.getArgSVal(Row.Attr.index()).getAsRegion();
    const CallExpr *const *AttrSet = Attr ? State->get<AttrSetMap>(Attr->StripCasts()) : nullptr;
    report(Rule::thread_Detached, "thread is spawned detached: nobody can wait for it, cancel it or see its error",
           PathDiagnosticLocation(Site, C.getSourceManager(), SiteFrame), SiteFrame->getDecl(), Symbol,
           C.generateNonFatalErrorNode(State, Spawned), C,
           {{},
            nullptr,
            "the attribute is told here to make threads detached",
            PathDiagnosticLocation::createBegin(AttrSet ? static_cast<const Stmt *>(*AttrSet) : E, C.getSourceManager(),
                                                Frame),
            {}});
  }
}

std::pair<const Stmt *, const LocationContext *> ThreadHandles::spawnAsWritten(const CallExpr *Spawn,
                                                                               const LocationContext *Frame) const {
  const Stmt *Site = Spawn;
  for (const auto *Inner = Frame->getStackFrame();
       Inner->getParent() && A->U.isWrapper(dyn_cast_or_null<FunctionDecl>(Inner->getDecl()));
       Inner = Frame->getStackFrame()) {
    Site = Inner->getCallSite();
    Frame = Inner->getParent();
  }
  return {Site, Frame};
}

const CallExpr *ThreadHandles::selfJoinSpawn(const MemRegion *Origin, CheckerContext &C) const {
  const LocationContext *Top = C.getLocationContext();
  while (Top->getParent())
    Top = Top->getParent();
  const auto *Entry = dyn_cast_or_null<FunctionDecl>(Top->getDecl());
  if (!Entry || !Origin)
    return nullptr;
  for (const SpawnSite *Site : A->U.spawnsOf(Entry)) {
    if (!Site->Handle)
      continue;
    const Expr *Place = Site->Handle->IgnoreParenCasts();
    if (const auto *Op = dyn_cast<UnaryOperator>(Place); Op && Op->getOpcode() == UO_AddrOf)
      Place = Op->getSubExpr()->IgnoreParenCasts();
    // the very variable, for one of static storage
    if (const auto *Ref = dyn_cast<DeclRefExpr>(Place))
      if (const auto *Var = dyn_cast<VarDecl>(Ref->getDecl()); Var && Var->hasGlobalStorage())
        if (const auto *Region = dyn_cast<VarRegion>(Origin))
          if (Region->getDecl()->getCanonicalDecl() == Var->getCanonicalDecl())
            return Site->Call;
    // the member of the object that the entry was given: &w->tid with w as the argument
    const auto *Member = dyn_cast<MemberExpr>(Place);
    const auto *Field = dyn_cast<FieldRegion>(Origin);
    if (!Member || !Field || !Site->Argument || Field->getDecl() != Member->getMemberDecl())
      continue;
    const Expr *Given = Site->Argument->IgnoreParenCasts();
    if (const auto *Op = dyn_cast<UnaryOperator>(Given); Op && Op->getOpcode() == UO_AddrOf && !Member->isArrow())
      Given = Op->getSubExpr()->IgnoreParenCasts();
    else if (!Member->isArrow())
      continue;
    const auto *Pointee = dyn_cast<SymbolicRegion>(Field->getSuperRegion()->StripCasts());
    const MemRegion *From = Pointee ? Pointee->getSymbol()->getOriginRegion() : nullptr;
    // The top frame's own parameter, whatever kind of region the analyzer gives it.
    const auto *Param = dyn_cast_or_null<DeclRegion>(From);
    if (Param && isa_and_nonnull<ParmVarDecl>(Param->getDecl()) && Param->getDecl()->getDeclContext() == Entry &&
        A->U.sameExpression(Given, Member->getBase()))
      return Site->Call;
  }
  return nullptr;
}

void ThreadHandles::onGiveUp(const CallEvent &Call, const Meaning &Row, CheckerContext &C) const {
  ProgramStateRef State = bindResult(C.getState(), Call, C);
  const auto *E = cast<CallExpr>(Call.getOriginExpr());
  const LocationContext *Frame = C.getLocationContext();
  PathDiagnosticLocation At(E, C.getSourceManager(), Frame);
  const Expr *Object = Unit::argument(E, Row.Object);
  const bool Detaching = Row.What == Effect::Detach;
  const char *Verb = Detaching ? "detached" : "joined";

  // A join fills its result.
  if (Row.Result.isArgument())
    if (const MemRegion *Out = Call.getArgSVal(Row.Result.index()).getAsRegion())
      if (const auto *Typed = dyn_cast<TypedValueRegion>(Out); Typed && Typed->getValueType()->isScalarType())
        State = State->bindLoc(loc::MemRegionVal(Typed), compat::conjure(Call, Typed->getValueType(), C, &Row), Frame,
                               /*notifyChanges=*/false);

  SVal Value = Call.getArgSVal(Row.Object.index());
  // By value: of a pointer only one that points to the whole, not into an array that a loop walks along.
  SymbolRef Symbol =
      Value.getAsRegion() && !isa<SymbolicRegion>(Value.getAsRegion()) ? nullptr : Value.getAsSymbol(true);
  // Some calls take the handle's address: my_join(&t).
  if (const MemRegion *Place = handleAt(Value.getAsRegion()))
    if (SymbolRef Held = State->getSVal(Place).getAsSymbol(true); Held && State->get<HandleMap>(Held))
      Symbol = Held;
  if (!Symbol) {
    A->LeavesThreads |= !isOwn(State, objectOf(State, Object));
    return (void)C.addTransition(giveUpAll(State, objectOf(State, Object)));
  }

  const Handle *Before = State->get<HandleMap>(Symbol);
  if (!Before) {
    // Re-read after a call that may have changed it: the same handle if it still lies in the same place.
    if (const MemRegion *Origin = readFrom(State, Object))
      for (const auto &[Known, H] : State->get<HandleMap>())
        if (H.At == Handle::Live && H.Storage == Origin) {
          Symbol = Known;
          Before = State->get<HandleMap>(Known);
          break;
        }
  }
  std::string Name = nameOf(Before ? Before->Storage : nullptr, Object, A->U, /*IsValue=*/true);

  if (!Detaching) {
    const CallExpr *const *Self = State->get<SelfMap>(Symbol);
    const CallExpr *Spawn =
        Self || State->contains<ComparedSet>(Symbol) ? nullptr : selfJoinSpawn(readFrom(State, Object), C);
    if ((Self || Spawn) && A->Book.isOn(Rule::thread_SelfJoin)) {
      Details More;
      More.Note = Self ? "the calling thread's own handle is taken here"
                       : "this function runs in the thread that is spawned into '" + Name + "' here";
      More.NoteAt =
          Self ? PathDiagnosticLocation(*Self, C.getSourceManager(), Frame)
               : PathDiagnosticLocation::createBegin(Spawn, C.getSourceManager(), C.getCurrentAnalysisDeclContext());
      report(Rule::thread_SelfJoin, "thread joins itself and waits forever", At, Frame->getDecl(), nullptr,
             C.generateErrorNode(State), C, std::move(More));
      return;
    }
  }

  Handle Next;
  if (Before) {
    Next = *Before;
    const bool Tried = Before->At == Handle::Live && Before->GivenResult &&
                       succeeded(State, Before->GivenResult, Before->GivenRow, A->U) == true;
    if ((Before->At != Handle::Live || Tried) && !Before->MaybeGiven) {
      bool FirstFailed = Before->GivenResult && succeeded(State, Before->GivenResult, Before->GivenRow, A->U) == false;
      if (!FirstFailed && A->Book.isOn(Rule::thread_DoubleJoin)) {
        std::string Then = Before->At == Handle::Detached ? "detached" : "joined";
        std::string Text = std::string("handle '") + Name + "' is " + Verb +
                           (Then == Verb ? std::string(" a second time") : ", but was already " + Then);
        report(Rule::thread_DoubleJoin, Text, At, Frame->getDecl(), Symbol,
               C.generateNonFatalErrorNode(State->remove<HandleMap>(Symbol)), C,
               {{}, Tried ? tellOutcome(Before->GivenResult, "assuming that it succeeds") : nullptr, "", {}, {}});
        return;
      }
    }
    if (Before->At == Handle::Live && !Before->MaybeGiven && spawnFailed(State, *Before) &&
        A->Book.isOn(Rule::thread_JoinUnspawned) && !isGuarded(E, Object, Frame, A->U, /*BehindLoop=*/false) &&
        !State->isNull(Call.getArgSVal(Row.Object.index())).isConstrained()) {
      report(Rule::thread_JoinUnspawned, "handle '" + Name + "' is " + Verb + ", but its spawn failed on this path", At,
             Frame->getDecl(), Symbol, C.generateErrorNode(State), C,
             {{}, tellOutcome(Before->SpawnResult, "assuming that the spawn fails"), "", {}, {}});
      return;
    }
  }
  SymbolRef Result = State->getSVal(E, Frame).getAsSymbol(true);
  Next.GivenRow = &Row;
  Next.GivenResult = Result;
  if (Row.What == Effect::TryJoin) {
    // Whether it worked is for the path to find out; what a failed attempt leaves behind is as alive as before.
    C.addTransition(State->set<HandleMap>(Symbol, Next), tell(Symbol, "joining '" + Name + "' is tried here", C));
    return;
  }
  Next.At = Detaching ? Handle::Detached : Handle::Joined;
  // Strict: a thread that is let go of on purpose.
  const bool OwnThread = Detaching && State->get<SelfMap>(Symbol);
  const bool Fallback = Before && Before->GivenRow && Before->GivenRow->What == Effect::TryJoin;
  const bool LetGo =
      Detaching && !Fallback && A->Book.isOn(Rule::thread_Detached) &&
      (OwnThread || (Before && Before->Spawn && Before->At == Handle::Live && !lendsFrame(*Before, State)));
  const CallExpr *OwnHandle = OwnThread ? *State->get<SelfMap>(Symbol) : nullptr;
  State = State->set<HandleMap>(Symbol, Next);
  A->LeavesThreads |= !Before && !isOwn(State, objectOf(State, Object));
  if (!Before) // an element that we know nothing of stands for all of its array
    State = giveUpAll(State, objectOf(State, Object));
  ExplodedNode *Given =
      C.addTransition(State, C.getNoteTag([this, Symbol, Name, Verb](PathSensitiveBugReport &Report) -> std::string {
        if (!Report.isInteresting(Symbol))
          return "";
        const bool Again =
            A->Book.isOn(Rule::thread_DoubleJoin) && &Report.getBugType() == &A->Book.type(Rule::thread_DoubleJoin);
        return "'" + Name + (Again ? "' is first " : "' is ") + Verb + " here";
      }));
  if (!LetGo || !Given)
    return;
  Details More;
  if (OwnHandle) {
    More.Note = "the calling thread's own handle is taken here";
    More.NoteAt = PathDiagnosticLocation(OwnHandle, C.getSourceManager(), Frame);
  }
  report(Rule::thread_Detached,
         OwnThread ? "thread detaches itself: nobody can wait for it, cancel it or see its error"
                   : "thread is detached: nobody can wait for it, cancel it or see its error",
         At, Frame->getDecl(), Symbol, C.generateNonFatalErrorNode(State, Given), C, std::move(More));
}

void ThreadHandles::onCancel(const CallEvent &Call, const Meaning &Row, CheckerContext &C) const {
  ProgramStateRef State = bindResult(C.getState(), Call, C);
  const auto *E = cast<CallExpr>(Call.getOriginExpr());
  SVal Object = Call.getArgSVal(Row.Object.index());
  SymbolRef Symbol = Object.getAsSymbol(true);
  const Handle *Before = Symbol ? State->get<HandleMap>(Symbol) : nullptr;
  A->LeavesThreads |= !Before && !isOwn(State, objectOf(State, Unit::argument(E, Row.Object)));
  if (Before && Before->At == Handle::Live && !Before->MaybeGiven && spawnFailed(State, *Before) &&
      A->Book.isOn(Rule::thread_JoinUnspawned) && !State->isNull(Object).isConstrained() &&
      !isGuarded(E, Unit::argument(E, Row.Object), C.getLocationContext(), A->U, /*BehindLoop=*/false)) {
    std::string Name = nameOf(Before->Storage, Unit::argument(E, Row.Object), A->U, /*IsValue=*/true);
    report(Rule::thread_JoinUnspawned, "handle '" + Name + "' is cancelled, but its spawn failed on this path",
           PathDiagnosticLocation(E, C.getSourceManager(), C.getLocationContext()), C.getLocationContext()->getDecl(),
           Symbol, C.generateErrorNode(State), C,
           {{}, tellOutcome(Before->SpawnResult, "assuming that the spawn fails"), "", {}, {}});
    return;
  }
  C.addTransition(State);
}

// ---- escapes --------------------------------------------------------------------------------------------------------

void ThreadHandles::escapeStored(SVal Location, SVal Value, CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  const MemRegion *Target = Location.getAsRegion();
  if (State->get<HandleMap>().isEmpty())
    return;
  const StackFrameContext *Local = Target ? frameOf(Target, State) : nullptr;
  ProgramStateRef Next = State;
  for (const auto &[Symbol, H] : State->get<HandleMap>()) {
    if ((Target && H.Storage == Target) || !carries(Value, Symbol, H, State))
      continue;
    Handle Known = H;
    const auto *Holder = Target ? dyn_cast<VarRegion>(Target->getBaseRegion()) : nullptr;
    if (Holder && Holder->getDecl()->hasAttr<CleanupAttr>())
      Known.Escaped = Known.MaybeGiven = true; // what its cleanup does at the end of the scope is its own
    if (Local && H.Owner && Local != H.Owner && Local->isParentOf(H.Owner)) {
      Known.Owner = Local; // *out = t: the caller's variable holds it from now on
      Known.Storage = Target;
    } else if (!Local)
      Known.Escaped = Known.Stored = true;
    else if (!H.Storage)
      Known.Storage = Target; // a returned handle has found its variable
    else
      Known.Copy = Target;
    Next = Next->set<HandleMap>(Symbol, Known);
  }
  if (Next != State)
    C.addTransition(Next);
}

void ThreadHandles::checkPostStmt(const BinaryOperator *Assign, CheckerContext &C) const {
  // A store to a place that the analyzer cannot name, such as all[atomic_count++], comes to no other callback.
  if (Assign->getOpcode() == BO_Assign && !C.getState()->get<HandleMap>().isEmpty() &&
      C.getSVal(Assign->getLHS()).isUnknown())
    escapeStored(UnknownVal(), C.getSVal(Assign->getRHS()), C);
}

ProgramStateRef ThreadHandles::checkRegionChanges(ProgramStateRef State, const InvalidatedSymbols *,
                                                  ArrayRef<const MemRegion *>, ArrayRef<const MemRegion *> Regions,
                                                  const LocationContext *, const CallEvent *Call) const {
  if (!Call)
    return State;
  const auto *Callee = dyn_cast_or_null<FunctionDecl>(Call->getDecl());
  if (A->leavesAlone(Callee))
    return State;
  // What the callee can reach it may join, and it may keep the place for later. The library's own functions only do so
  // with what they are given.
  const bool System = Call->isInSystemHeader();
  for (const auto &[Symbol, H] : State->get<HandleMap>()) {
    if (H.At != Handle::Live || !H.Storage)
      continue;
    bool Reached = llvm::is_contained(Regions, H.Storage->getBaseRegion());
    if (!Reached && H.Escaped && !System) // stored where anybody may find it
      Reached = true;
    if (Reached) {
      Handle Next = H;
      Next.Escaped = Next.MaybeGiven = true;
      State = State->set<HandleMap>(Symbol, Next);
    }
  }
  for (const auto &[Attr, Kind] : State->get<AttrMap>())
    if (llvm::is_contained(Regions, Attr->getBaseRegion()))
      State = State->remove<AttrMap>(Attr);
  return State;
}

void ThreadHandles::checkPostCall(const CallEvent &Call, CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  const auto *Callee = dyn_cast_or_null<FunctionDecl>(Call.getDecl());
  ArrayRef<Meaning> Rows = A->U.meaningsOf(Callee);
  if (C.wasInlined || (State->get<HandleMap>().isEmpty() && Rows.empty()) || A->leavesAlone(Callee))
    return;
  ProgramStateRef Next = State;
  if (const auto *E = dyn_cast_or_null<CallExpr>(Call.getOriginExpr()))
    for (const Meaning &Row : Rows)
      for (Role Which : {Row.Object, Row.Argument})
        if (const Expr *Given = Unit::argument(E, Which))
          Next = Next->remove<ReadFromMap>(Given)->remove<CastHandleMap>(Given);
  if (!Rows.empty()) {
    if (Rows.front().What == Effect::Wait)
      Next = haveWaited(Next);
  } else {
    // A handle, or the object that it lies in, given to code that we do not see: it may join it, or copy it. What a
    // library's variadic function gets is printed, not kept.
    for (unsigned I = 0; I < Call.getNumArgs(); ++I) {
      if (Call.isInSystemHeader() && Callee && Callee->isVariadic() && I >= Callee->getNumParams())
        break;
      const MemRegion *Place = Call.getArgSVal(I).getAsRegion();
      for (const auto &[Symbol, H] : State->get<HandleMap>())
        if (H.At == Handle::Live && (carries(Call.getArgSVal(I), Symbol, H, State) ||
                                     (Place && H.Storage && H.Storage->getBaseRegion() == Place->getBaseRegion()))) {
          Handle Given = H;
          Given.Escaped = Given.MaybeGiven = true;
          Next = Next->set<HandleMap>(Symbol, Given);
        }
    }
  }
  if (Next != State)
    C.addTransition(Next);
}

void ThreadHandles::checkLiveSymbols(ProgramStateRef State, SymbolReaper &Reaper) const {
  for (const auto &[Symbol, H] : State->get<HandleMap>()) {
    if (H.At != Handle::Joined)
      Reaper.markLive(Symbol);
    if (H.SpawnResult)
      Reaper.markLive(H.SpawnResult);
    if (H.GivenResult)
      Reaper.markLive(H.GivenResult);
  }
}

void ThreadHandles::checkDeadSymbols(SymbolReaper &Reaper, CheckerContext &C) const {
  // What was joined and is nowhere kept cannot be joined again; who the thread is, or what was compared, matters as
  // long as the value can be given to a call.
  ProgramStateRef State = C.getState();
  ProgramStateRef Next = State;
  for (const auto &[Symbol, H] : State->get<HandleMap>())
    if (H.At == Handle::Joined && Reaper.isDead(Symbol))
      Next = Next->remove<HandleMap>(Symbol);
  for (const auto &[Symbol, Asked] : State->get<SelfMap>())
    if (Reaper.isDead(Symbol))
      Next = Next->remove<SelfMap>(Symbol);
  for (SymbolRef Symbol : State->get<ComparedSet>())
    if (Reaper.isDead(Symbol))
      Next = Next->remove<ComparedSet>(Symbol);
  if (Next != State)
    C.addTransition(Next);
}

void ThreadHandles::checkBranchCondition(const Stmt *Condition, CheckerContext &C) const {
  // A loop that waits has waited, whether or not the first test already said so. One that joins or detaches what lies
  // in an array does so for all of it: how often it goes round is not for us to doubt. Passing by its condition is
  // enough.
  ProgramStateRef State = C.getState();
  if (State->get<HandleMap>().isEmpty())
    return;
  const Stmt *Parent = C.getLocationContext()->getParentMap().getParentIgnoreParenCasts(const_cast<Stmt *>(Condition));
  while (isa_and_nonnull<Expr>(Parent))
    Parent = C.getLocationContext()->getParentMap().getParentIgnoreParenCasts(const_cast<Stmt *>(Parent));
  const Stmt *Body = nullptr;
  if (const auto *For = dyn_cast_or_null<ForStmt>(Parent))
    Body = For->getBody();
  else if (const auto *While = dyn_cast_or_null<WhileStmt>(Parent))
    Body = While->getBody();
  else if (const auto *Do = dyn_cast_or_null<DoStmt>(Parent))
    Body = Do->getBody();
  if (!Body)
    return;
  ProgramStateRef Next = State;
  SmallVector<const Stmt *, 16> Work{Body};
  while (!Work.empty()) {
    const Stmt *S = Work.pop_back_val();
    for (const Stmt *Child : S->children())
      if (Child)
        Work.push_back(Child);
    const auto *Call = dyn_cast<CallExpr>(S);
    if (!Call)
      continue;
    for (const Meaning &Row : A->U.meaningsOf(Call->getDirectCallee())) {
      const Expr *Object = Unit::argument(Call, Row.Object);
      if (Row.What == Effect::Wait)
        Next = haveWaited(Next);
      else if (isGivingUp(Row.What) && Object && !isFixedElement(Object, C.getASTContext()))
        Next = giveUpAll(Next, objectWritten(Object, Next, C.getLocationContext()));
    }
  }
  if (Next != State)
    C.addTransition(Next);
}

// ---- where a frame ends ----

void ThreadHandles::checkPreCall(const CallEvent &Call, CheckerContext &C) const {
  const auto *Callee = dyn_cast_or_null<FunctionDecl>(Call.getDecl());
  if (!A->U.meaningOf(Callee, Effect::EndThread))
    return;
  // Ending the thread ends all of its frames.
  for (const LocationContext *L = C.getLocationContext(); L; L = L->getParent())
    if (const StackFrameContext *Frame = L->getStackFrame(); Frame == L)
      endFrame(Frame, Call.getOriginExpr(), UnknownVal(), C);
}

void ThreadHandles::checkEndFunction(const ReturnStmt *Return, CheckerContext &C) const {
  SVal Returned = UnknownVal();
  if (Return && Return->getRetValue())
    Returned = C.getSVal(Return->getRetValue());
  if (C.inTopFrame())
    for (const auto &[Symbol, H] : C.getState()->get<HandleMap>())
      A->LeavesThreads |=
          H.At == Handle::Detached || (H.MaybeGiven && !H.ByLoop) || isAlive(C.getState(), Symbol, H, C);
  endFrame(C.getStackFrame(), Return, Returned, C);
}

/// Whether \p Call gives a thread's handle up, itself or through its callee.
static bool givesUp(const CallExpr *Call, const Unit &U) {
  const FunctionDecl *Callee = Call->getDirectCallee();
  return Callee && (U.givesUpHandles(Callee) ||
                    llvm::any_of(U.meaningsOf(Callee), [](const Meaning &Row) { return isGivingUp(Row.What); }));
}

void ThreadHandles::endFrame(const StackFrameContext *Frame, const Stmt *Exit, SVal Returned, CheckerContext &C) const {
  ProgramStateRef State = C.getState();
  if (State->get<HandleMap>().isEmpty())
    return;
  const auto *Function = dyn_cast_or_null<FunctionDecl>(Frame->getDecl());
  const bool IsMain = Function && Function->isMain();
  const bool ByExit = Exit && !isa<ReturnStmt>(Exit); // the thread ends here, not only the function
  const SourceManager &SM = C.getSourceManager();
  PathDiagnosticLocation End =
      Exit ? PathDiagnosticLocation(Exit, SM, Frame) : PathDiagnosticLocation::createDeclEnd(Frame, SM);
  struct Finding {
    Rule R;
    std::string Name, Text;
    SymbolRef Subject;
    Handle H;
  };
  SmallVector<Finding, 4> Findings;
  ProgramStateRef Next = State;
  for (const auto &[Symbol, H] : State->get<HandleMap>()) {
    const bool Borrows = H.Lent && frameOf(H.Lent, State) == Frame;
    const bool Owned = H.Owner == Frame && !H.Escaped;
    if (!Borrows && !Owned)
      continue;
    if (spawnFailed(State, H) || H.At == Handle::Joined || (H.At == Handle::Live && !isAlive(State, Symbol, H, C))) {
      Next = Next->remove<HandleMap>(Symbol);
      continue;
    }
    const bool SpawnedHere =
        Function &&
        llvm::any_of(A->U.spawnsIn(Function), [&, Spawn = H.Spawn](const SpawnSite &S) { return S.Call == Spawn; });
    const bool ByValue = H.Spawn && H.SpawnRow->Handle.isReturned(); // which nobody need have kept
    const Expr *HandleWritten = ByValue ? H.Spawn : SpawnedHere ? Unit::argument(H.Spawn, H.SpawnRow->Handle) : nullptr;
    std::string Name = nameOf(H.Storage, HandleWritten, A->U, ByValue);
    const FunctionDecl *Entry = H.Spawn ? Unit::namedFunction(Unit::argument(H.Spawn, H.SpawnRow->Entry)) : nullptr;
    // A hand-shake ends the loan, unless the entry shows that it goes on using what it was lent.
    const bool HandShake = H.Waited && (!Entry || A->U.copiesBeforePost(Entry));
    const bool FrameSurvives = IsMain && !ByExit; // returning from main ends the process
    if (Borrows && !HandShake && !FrameSurvives && A->Book.isOn(Rule::thread_StackEscape) && H.Spawn &&
        !(A->Book.isOn(Rule::thread_LoopArg) && refillsArgument(A->U, H.Spawn, C.getAnalysisManager()))) {
      std::string Object = written(H.Lent);
      Findings.push_back({Rule::thread_StackEscape, Name,
                          "thread '" + Name + "' gets the address of local '" + Object + "' and may outlive '" +
                              functionName(Frame->getDecl()).str() + "'",
                          Symbol, H});
      Next = Next->remove<HandleMap>(Symbol);
      continue;
    }
    if (!Owned)
      continue;
    if (H.At == Handle::Live && carries(Returned, Symbol, H, State)) {
      Handle Handed = H;
      const LocationContext *Parent = Frame->getParent();
      Handed.Owner = Parent ? Parent->getStackFrame() : nullptr;
      Handed.Escaped = !Parent;
      Handed.Storage = nullptr;
      Next = Next->set<HandleMap>(Symbol, Handed);
      continue;
    }
    Next = Next->remove<HandleMap>(Symbol);
    if (H.At == Handle::Detached && H.Lent) { // what it was lent belongs to a frame that goes on
      Handle Running = H;
      Running.Owner = nullptr;
      Running.Escaped = true;
      Next = Next->set<HandleMap>(Symbol, Running);
    }
    const bool Overwrites = A->Book.yields(Rule::thread_Leak, Rule::thread_Overwrite) && H.Spawn &&
                            overwritesItself(A->U, H.Spawn, C.getAnalysisManager());
    if (H.At == Handle::Live && !IsMain && !Overwrites && A->Book.isOn(Rule::thread_Leak))
      Findings.push_back({Rule::thread_Leak, Name,
                          "leaves '" + functionName(Frame->getDecl()).str() + "' with thread '" + Name +
                              "' neither joined nor detached",
                          Symbol, H});
  }
  ExplodedNode *N = Findings.empty() ? nullptr : C.generateNonFatalErrorNode(Next);
  for (const Finding &F : Findings) {
    const bool AtSpawn = F.R == Rule::thread_StackEscape;
    PathDiagnosticLocation SpawnPlace = PathDiagnosticLocation::createBegin(
        F.H.Spawn, SM, C.getAnalysisManager().getAnalysisDeclContext(Frame->getDecl()));
    PathDiagnosticLocation At = AtSpawn ? SpawnPlace : End;
    // A function that nowhere gives a handle up has one defect, not one for each of its exits.
    const bool EverGivenUp = Function && A->U.givesUpHandles(Function);
    Details More;
    if (AtSpawn) {
      More.Note = "'" + functionName(Frame->getDecl()).str() + "' ends here, and '" + written(F.H.Lent) + "' with it";
      More.NoteAt = End;
    }
    if (F.H.At == Handle::Live)
      More.Teller = tellWayOut(
          Frame, Exit, F.H.Spawn,
          {[&U = A->U](const CallExpr *Call) { return givesUp(Call, U); }, "'" + F.Name + "' is not joined"}, A->U);
    if (!EverGivenUp)
      More.Unique = SpawnPlace;
    More.Fixes = fixAtExit(A->U, F.H.Spawn, F.H.SpawnRow, Exit, Function, /*AllExits=*/!EverGivenUp || AtSpawn,
                           F.H.At == Handle::Live && !F.H.Escaped, C.getAnalysisManager());
    if (AtSpawn)
      llvm::append_range(More.Fixes, fixOnHeap(A->U, F.H.Spawn, Function, F.H.At == Handle::Live && !F.H.Escaped,
                                               F.H.At == Handle::Detached, C.getAnalysisManager()));
    report(F.R, F.Text, At, Frame->getDecl(), F.Subject, N, C, std::move(More));
  }
  if (Findings.empty() && Next != State)
    C.addTransition(Next);
}

void safespawn::registerThreadHandles(CheckerManager &Manager, Analysis &A) {
  Manager.registerChecker<ThreadHandles>()->A = &A;
  A.Fingerprints.push_back([](ProgramStateRef State, llvm::FoldingSetNodeID &Id) {
    State->get<AttrMap>().Profile(Id);
    State->get<SelfMap>().Profile(Id);
    State->get<ComparedSet>().Profile(Id);
    // Values differ from path to path: what counts is where they come from, and what the path knows of them.
    for (const auto &[Symbol, H] : State->get<HandleMap>()) {
      H.addStage(Id);
      Id.AddPointer(H.Storage ? H.Storage : Symbol->getOriginRegion());
      if (!H.Spawn && !Symbol->getOriginRegion())
        Id.AddPointer(Symbol);
      for (SymbolRef Known : {H.SpawnResult, H.GivenResult, Symbol})
        addKnowledge(State, Known, Id);
    }
  });
}
