// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/ScopePlace.h"
#include "fixits/Bodies.h"
#include "fixits/CancelForms.h"
#include "fixits/Edits.h"

using namespace clang;
using namespace safespawn;

std::string safespawn::quoted(const NamedDecl *D) { return "'" + D->getNameAsString() + "'"; }

std::optional<TaskFamily> safespawn::familyOf(const CallExpr *Spawn, const Meaning &Row) {
  const FunctionDecl *Callee = Spawn->getDirectCallee();
  // The arguments stay where they are, but for an attribute between handle and entry.
  const bool HasAttr = Row.Attr.exists();
  auto IsAt = [](const Role &R, unsigned Index) { return R.isArgument() && R.index() == Index; };
  if (!Row.BuiltIn || !Callee || Row.Args != 3u + HasAttr || !IsAt(Row.Handle, 0) || !IsAt(Row.Entry, 1u + HasAttr) ||
      !IsAt(Row.Argument, 2u + HasAttr) || (HasAttr && !IsAt(Row.Attr, 1)))
    return std::nullopt;
  QualType Entry = Callee->getParamDecl(Row.Entry.index())->getType();
  if (const auto *Pointer = Entry->getAs<PointerType>())
    Entry = Pointer->getPointeeType();
  const auto *Type = Entry->getAs<FunctionType>();
  if (!Type)
    return std::nullopt;
  TaskFamily Found;
  Found.Pointers = Type->getReturnType()->isVoidPointerType();
  Found.Mapped = Row.Worked.How == Success::Constant;
  const bool IsKnown = Found.Pointers ? Row.Worked.How == Success::Zero : Found.Mapped;
  return IsKnown ? std::optional<TaskFamily>(Found) : std::nullopt;
}

// ---- questions about bodies ----

static bool isWithin(const Stmt *S, const Stmt *Outer, const ParentMap &Parents) {
  for (; S; S = Parents.getParent(S))
    if (S == Outer)
      return true;
  return false;
}

/// The block that holds \p S, which may be one itself; null for that of the function.
static const CompoundStmt *blockAround(const Stmt *S, const ParentMap &Parents) {
  for (S = Parents.getParent(S); S; S = Parents.getParent(S))
    if (const auto *Block = dyn_cast<CompoundStmt>(S))
      return Block;
  return nullptr;
}

/// The statement of \p Block itself that holds \p S.
static const Stmt *statementIn(const CompoundStmt *Block, const Stmt *S, const ParentMap &Parents) {
  while (S && Parents.getParent(S) != Block)
    S = Parents.getParent(S);
  return S;
}

/// The outermost loop around \p S within \p Block for which \p Fits holds.
static const Stmt *outermostLoop(const Stmt *S, const CompoundStmt *Block, const ParentMap &Parents,
                                 llvm::function_ref<bool(const Stmt *)> Fits) {
  const Stmt *Found = nullptr;
  for (const Stmt *Up = Parents.getParent(S); Up && Up != Block; Up = Parents.getParent(Up))
    if (isLoop(Up) && Fits(Up))
      Found = Up;
  return Found;
}

/// Whether \p F may run on a thread that this file starts.
static bool runsOnThread(const FunctionDecl *F, const Unit &U) {
  auto IsF = [&](const FunctionDecl *Other) { return Other && Other->getCanonicalDecl() == F->getCanonicalDecl(); };
  for (const FunctionDecl *Spawner : U.definitions())
    for (const SpawnSite &Site : U.spawnsIn(Spawner)) {
      bool Is = !Site.Entry || IsF(Site.Entry);
      if (!Is)
        eachCallBelow(Site.Entry, U,
                      [&](const CallExpr *Call, const FunctionDecl *) { Is |= IsF(Call->getDirectCallee()); });
      if (Is)
        return true;
    }
  return false;
}

bool safespawn::hasWord(StringRef Text, StringRef Name) {
  auto IsWord = [&](size_t At) {
    return At < Text.size() && (isalnum(static_cast<unsigned char>(Text[At])) || Text[At] == '_');
  };
  for (size_t At = Text.find(Name); At != StringRef::npos; At = Text.find(Name, At + 1))
    if ((At == 0 || !IsWord(At - 1)) && !IsWord(At + Name.size()))
      return true;
  return false;
}

void safespawn::replaceHandleType(TypeLoc Loc, const std::string &Type, Edits &E) {
  while (true)
    if (auto Array = Loc.getAs<ArrayTypeLoc>())
      Loc = Array.getElementLoc();
    else if (auto Pointer = Loc.getAs<PointerTypeLoc>())
      Loc = Pointer.getPointeeLoc();
    else
      break;
  E.replace(Loc.getUnqualifiedLoc().getSourceRange(), Type);
}

void safespawn::replaceHandleType(const ValueDecl *D, const std::string &Type, Edits &E) {
  replaceHandleType(cast<DeclaratorDecl>(D)->getTypeSourceInfo()->getTypeLoc(), Type, E);
  const auto *Var = dyn_cast<VarDecl>(D);
  if (const Expr *Value = Var ? Var->getInit() : nullptr;
      Value && !isa<InitListExpr>(Value) && !D->getType()->isPointerType())
    E.rewrite(Value->getSourceRange(), "{ 0 }");
}

std::string safespawn::levelIn(const CompoundStmt *Block, const Edits &E) {
  for (const Stmt *S : Block->body())
    if (const SourceLocation Begin = E.begin(S); Begin.isValid() && E.isFirstOnLine(Begin))
      return E.levelOf(Begin, Block->getBeginLoc());
  return "    ";
}

/// Whether a thread in \p Entry may run on until somebody does something.
static bool mayGoOn(const FunctionDecl *Entry, const Unit &U) {
  return !Entry || !Entry->hasBody() || U.neverEnds(Entry) || U.mayWait(Entry);
}

/// The variable that the object of \p E lies in, without going through a pointer; null where one is followed.
static const VarDecl *homeOf(const Expr *E) {
  E = E->IgnoreParenImpCasts();
  while (true) {
    if (const auto *Op = dyn_cast<UnaryOperator>(E); Op && Op->getOpcode() == UO_AddrOf)
      E = Op->getSubExpr()->IgnoreParenImpCasts();
    else if (const auto *Add = dyn_cast<BinaryOperator>(E); Add && Add->getOpcode() == BO_Add)
      E = (Add->getLHS()->getType()->isPointerType() ? Add->getLHS() : Add->getRHS())->IgnoreParenImpCasts();
    else
      break;
  }
  while (true) {
    if (const auto *Member = dyn_cast<MemberExpr>(E); Member && !Member->isArrow())
      E = Member->getBase()->IgnoreParenImpCasts();
    else if (const auto *Element = dyn_cast<ArraySubscriptExpr>(E);
             Element && Element->getBase()->IgnoreParenImpCasts()->getType()->isArrayType())
      E = Element->getBase()->IgnoreParenImpCasts();
    else
      break;
  }
  const auto *Ref = dyn_cast<DeclRefExpr>(E);
  const auto *Var = Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
  return Var && !Var->getType()->isPointerType() ? Var : nullptr;
}

// ---- the place as a whole ----

ScopePlace::ScopePlace(const Unit &U, const Handles &All, const FunctionDecl *In, AnalysisDeclContext &Context)
    : U(U), All(All), In(In), Graph(*Context.getCFG()), Parents(Context.getParentMap()),
      Body(cast<CompoundStmt>(In->getBody())) {}

void ScopePlace::eachSpawn(llvm::function_ref<void(const ValueDecl *, const HandleUse &)> Visit) const {
  for (const ValueDecl *D : Vars)
    for (const HandleUse &Use : All.usesOf(D))
      if (Use.is(Effect::Spawn))
        Visit(D, Use);
}

std::optional<TaskFamily> ScopePlace::familyOf(const ValueDecl *D) const {
  for (const HandleUse &Use : All.usesOf(D))
    if (Use.is(Effect::Spawn))
      return safespawn::familyOf(Use.In, *Use.Row);
  return std::nullopt;
}

const CallExpr *ScopePlace::allocationOf(const ValueDecl *D) const {
  const auto *Var = dyn_cast<VarDecl>(D);
  const Expr *Value = Var ? Var->getInit() : nullptr;
  for (const HandleUse &Use : All.usesOf(D))
    if (Use.What == HandleUse::Allocate)
      Value = cast<BinaryOperator>(Use.Around)->getRHS();
  return Value ? dyn_cast<CallExpr>(Value->IgnoreParenCasts()) : nullptr;
}

SmallVector<const FunctionDecl *, 2> ScopePlace::entriesOf(const ValueDecl *D) const {
  SmallVector<const FunctionDecl *, 2> Found;
  for (const HandleUse &Use : All.usesOf(D))
    if (Use.is(Effect::Spawn))
      Found.push_back(Use.entry());
  return Found;
}

bool ScopePlace::isBackground(const HandleUse &Spawn) const {
  return llvm::any_of(Background, [&](const ValueDecl *D) {
    return llvm::any_of(All.usesOf(D), [&](const HandleUse &Use) { return Use.In == Spawn.In; });
  });
}

bool ScopePlace::isCancelled(const ValueDecl *D) const {
  return llvm::any_of(All.usesOf(D), [](const HandleUse &Use) { return Use.is(Effect::Cancel); }) ||
         (Background.count(D) &&
          llvm::any_of(entriesOf(D), [&](const FunctionDecl *Entry) { return mayGoOn(Entry, U); }));
}

/// Whether \p D stands for several handles, so that two uses of it need not be about one.
bool ScopePlace::isMany(const ValueDecl *D) const {
  return isa<FieldDecl>(D) || D->getType()->isArrayType() || D->getType()->isPointerType();
}

bool ScopePlace::isBehindPointer() const {
  bool Is = false;
  eachSpawn([&](const ValueDecl *, const HandleUse &Spawn) { Is |= !homeOf(Spawn.Given); });
  return Is;
}

bool ScopePlace::nestsWith(const ScopePlace &Other) const {
  return isWithin(Block, Other.Block, Parents) || isWithin(Other.Block, Block, Parents);
}

bool ScopePlace::contains(const Stmt *S) const {
  const Stmt *Top = statementIn(Block, S, Parents);
  for (const Stmt *Child : Block->body()) {
    if (Child == First)
      return Top; // not passed before
    if (Child == Top)
      return false;
  }
  return false;
}

// ---- which block, before which statement ----

void ScopePlace::findHome() {
  Home = Body;
  auto Into = [&](const ValueDecl *D, const VarDecl *Var) {
    const DeclStmt *Statement = Var && Var->hasLocalStorage() ? declarationOf(Body, Var) : nullptr;
    const CompoundStmt *Declared = Statement ? blockAround(Statement, Parents) : nullptr;
    if (Declared && isWithin(Declared, Home, Parents) && !endsWithin(D, Declared))
      Home = Declared;
  };
  for (const ValueDecl *D : Vars)
    Into(D, dyn_cast<VarDecl>(D));
  eachSpawn([&](const ValueDecl *D, const HandleUse &Spawn) { Into(D, homeOf(Spawn.Given)); });
}

void ScopePlace::findFirst() {
  First = nullptr;
  for (const Stmt *Child : Block->body())
    for (const ValueDecl *D : Vars)
      for (const HandleUse &Use : All.usesOf(D))
        if (!First && Use.What == HandleUse::Call && isWithin(Use.Ref, Child, Parents))
          First = Child;
}

/// Moves the scope up so that nothing jumps into it.
std::string ScopePlace::jumpProblem() {
  SmallVector<const GotoStmt *, 8> Gotos;
  SmallVector<const LabelStmt *, 8> Labels;
  SmallVector<const IndirectGotoStmt *, 2> Computed;
  gather(static_cast<const Stmt *>(Body), Gotos);
  gather(static_cast<const Stmt *>(Body), Labels);
  gather(static_cast<const Stmt *>(Body), Computed);
  if (!Computed.empty())
    return "a computed goto may jump into the scope";
  for (bool Moved = true; Moved;) {
    Moved = false;
    for (const GotoStmt *Goto : Gotos) {
      auto Label = llvm::find_if(Labels, [&](const LabelStmt *L) { return L->getDecl() == Goto->getLabel(); });
      if (Label == Labels.end() || contains(Goto) || !contains(*Label))
        continue;
      const Stmt *Earlier = statementIn(Block, Goto, Parents);
      if (!Earlier)
        return "'goto " + Goto->getLabel()->getNameAsString() + "' would jump into the scope";
      First = Earlier;
      Moved = true;
    }
  }
  SmallVector<const SwitchCase *, 8> Cases;
  gather(static_cast<const Stmt *>(Block), Cases);
  for (const SwitchCase *Case : Cases) {
    const Stmt *Switch = Case;
    while (Switch && !isa<SwitchStmt>(Switch))
      Switch = Parents.getParent(Switch);
    if (contains(Case) && Switch && !contains(Switch))
      return "a case label would jump into the scope";
  }
  return "";
}

std::string ScopePlace::find() {
  if (holdsHiddenReturn(Body))
    return "the function may be jumped back into, by setjmp, pthread_cleanup_push or the like";
  if (std::string Why = understand(); !Why.empty())
    return Why;

  // As small as the uses allow, and not outside of what holds the handles.
  findHome();
  for (const ValueDecl *D : Vars)
    for (const HandleUse &Use : All.usesOf(D)) {
      if (Use.What != HandleUse::Call)
        continue;
      if (!Block)
        Block = blockAround(Use.Ref, Parents);
      while (Block && !isWithin(Use.Ref, Block, Parents))
        Block = blockAround(Block, Parents);
    }
  for (;; Block = blockAround(Block, Parents)) {
    if (!Block || !isWithin(Block, Home, Parents))
      return "it is used out of the block that holds its handle";
    findFirst();
    std::string Jumps = jumpProblem();
    bool Escapes = false;
    eachSpawn([&](const ValueDecl *D, const HandleUse &Spawn) {
      followAlive(D, Spawn, [&](const Stmt *S) { Escapes |= S && !contains(S); });
    });
    if (Block == Home && !Jumps.empty())
      return Jumps;
    if (Jumps.empty() && !isa<SwitchCase>(First) && (!Escapes || Block == Home))
      break;
  }
  // The tasks live in what is declared above the scope.
  std::string Why;
  eachSpawn([&](const ValueDecl *D, const HandleUse &Spawn) {
    const auto *Var = dyn_cast<VarDecl>(D);
    for (const VarDecl *Holder : {Var, homeOf(Spawn.Given)})
      if (const DeclStmt *Statement = Holder && Holder->hasLocalStorage() ? declarationOf(Body, Holder) : nullptr;
          Statement && contains(Statement) && !Holder->getType()->isPointerType() && Why.empty() &&
          !endsWithin(D, blockAround(Statement, Parents)))
        Why = blockAround(Statement, Parents) == Block
                  ? "a goto from before the declaration of " + quoted(Holder) + " would jump into the scope"
                  : quoted(Holder) + " ends before the scope does";
  });
  if (Why.empty())
    Why = lateUseProblem();
  if (Why.empty())
    Why = endProblem();
  eachSpawn([&](const ValueDecl *D, const HandleUse &Spawn) {
    if (Why.empty())
      Why = overwriteProblem(D, Spawn);
  });
  return Why;
}

// ---- what runs, and until when ----

/// The object that \p Given, an expression of a spawn, is the address of.
static const Expr *pointedTo(const Expr *Given) {
  const auto *Address = dyn_cast<UnaryOperator>(Given->IgnoreParenImpCasts());
  return Address && Address->getOpcode() == UO_AddrOf ? Address->getSubExpr() : nullptr;
}

/// Whether the thread of \p Spawn is joined once control has come to \p Zone, because of \p Use.
bool ScopePlace::isZone(const ValueDecl *D, const HandleUse &Spawn, const HandleUse &Use, const Stmt *&Zone) const {
  Zone = Use.In;
  if (!Use.is(Effect::Join) && !Use.is(Effect::TryJoin))
    return false;
  if (!isMany(D))
    return true;
  // A loop that joins and does not spawn joins all of them.
  if (const Stmt *Loop = outermostLoop(Use.In, Block, Parents, [&](const Stmt *Outer) {
        return llvm::none_of(All.usesOf(D), [&](const HandleUse &Other) {
          return Other.is(Effect::Spawn) && isWithin(Other.In, Outer, Parents);
        });
      })) {
    Zone = Loop;
    return true;
  }
  const Expr *Object = pointedTo(Spawn.Given);
  return Object && U.sameExpression(Object, Use.Given);
}

void ScopePlace::follow(const ValueDecl *D, const HandleUse &Spawn, llvm::function_ref<bool(const Stmt *)> GoOn) const {
  SmallVector<const Stmt *, 4> Zones;
  for (const HandleUse &Use : All.usesOf(D)) {
    const Stmt *Zone = nullptr;
    if (isZone(D, Spawn, Use, Zone))
      Zones.push_back(Zone);
  }
  // Where one spawn of several failed, those of the rounds before it run.
  SpawnTest Result = testOf(Graph, Spawn.In, *Spawn.Row, Parents, U);
  if (!Result.Known || (isMany(D) && reaches(Graph, Spawn.In, Spawn.In)))
    Result = {};
  safespawn::follow(Graph, pointAfter(Graph, Spawn.In), Result, [&](const Stmt *S) {
    if (llvm::any_of(Zones, [&](const Stmt *Zone) { return S && isWithin(S, Zone, Parents); }))
      return false;
    return GoOn(S);
  });
}

void ScopePlace::followAlive(const ValueDecl *D, const HandleUse &Spawn,
                             llvm::function_ref<void(const Stmt *)> Found) const {
  follow(D, Spawn, [&](const Stmt *S) {
    const auto *Call = dyn_cast_or_null<CallExpr>(S);
    const bool IsRelease = Call && llvm::any_of(All.usesOf(D), [&](const HandleUse &Use) {
                             return Use.What == HandleUse::Free && Use.In == Call;
                           });
    if (!S || isa<ReturnStmt>(S) || !contains(S) || IsRelease || (Call && U.meaningOf(Call, Effect::EndThread))) {
      Found(S);
      return false;
    }
    return true;
  });
}

bool ScopePlace::endsWithin(const ValueDecl *D, const CompoundStmt *Declared) const {
  bool Ends = true;
  for (const HandleUse &Spawn : All.usesOf(D))
    if (Spawn.is(Effect::Spawn))
      follow(D, Spawn, [&](const Stmt *S) {
        const bool Is = S && isWithin(S, Declared, Parents);
        Ends &= Is;
        return Is && !isa<ReturnStmt>(S);
      });
  return Ends;
}

bool ScopePlace::mayRunAt(const CallExpr *Call) const {
  bool May = false;
  eachSpawn([&](const ValueDecl *D, const HandleUse &Spawn) {
    follow(D, Spawn, [&](const Stmt *S) {
      May |= S == Call;
      return S && !isa<ReturnStmt>(S) && contains(S);
    });
  });
  return May;
}

std::string ScopePlace::overwriteProblem(const ValueDecl *D, const HandleUse &Spawn) const {
  if (!isMany(D)) {
    const SpawnTest Result = testOf(Graph, Spawn.In, *Spawn.Row, Parents, U);
    bool Again = false;
    safespawn::follow(Graph, pointAfter(Graph, Spawn.In), Result.Known ? Result : SpawnTest{}, [&](const Stmt *S) {
      const auto *Call = dyn_cast_or_null<CallExpr>(S);
      for (const HandleUse &Use : Call ? All.usesOf(D) : ArrayRef<HandleUse>()) {
        if (Use.In != Call || Use.What != HandleUse::Call)
          continue;
        Again |= Use.is(Effect::Spawn);
        return !Use.is(Effect::Spawn) && !Use.is(Effect::Join);
      }
      return true;
    });
    return Again ? quoted(D) + " may be stored over while its thread still runs" : "";
  }
  // In each loop around the spawn that joins nothing, the place has to be another one in each round.
  const Stmt *Outside = outermostLoop(Spawn.In, Block ? Block : Body, Parents, [&](const Stmt *Loop) {
    for (const HandleUse &Use : All.usesOf(D))
      if ((Use.is(Effect::Join) || Use.is(Effect::TryJoin)) && isWithin(Use.In, Loop, Parents))
        return false;
    SmallVector<const DeclRefExpr *, 4> Named;
    gather(static_cast<const Stmt *>(Spawn.Given), Named);
    return llvm::none_of(Named, [&](const DeclRefExpr *Ref) {
      const auto *Index = dyn_cast<VarDecl>(Ref->getDecl());
      return Index && Index != D && advances(Loop, Index);
    });
  });
  return Outside ? "a place of " + quoted(D) + " may be stored over while its thread still runs" : "";
}

/// What a handle says of a thread that is joined, a task no longer knows.
std::string ScopePlace::lateUseProblem() const {
  for (const ValueDecl *D : Vars)
    for (const HandleUse &Join : All.usesOf(D)) {
      if (!Join.is(Effect::Join) && !Join.is(Effect::TryJoin))
        continue;
      bool IsLate = false;
      safespawn::follow(Graph, pointAfter(Graph, Join.In), SpawnTest{}, [&](const Stmt *S) {
        const auto *Call = dyn_cast_or_null<CallExpr>(S);
        bool IsSpawned = false;
        for (const HandleUse &Use : Call ? All.usesOf(D) : ArrayRef<HandleUse>()) {
          IsLate |= Use.In == Call && (Use.is(Effect::Observe) || Use.is(Effect::Equal));
          IsSpawned |= Use.In == Call && Use.is(Effect::Spawn);
        }
        return !IsSpawned;
      });
      if (IsLate)
        return quoted(D) + " is asked for where its thread may be joined already";
    }
  return "";
}

bool ScopePlace::mayWait() const {
  bool May = false;
  eachSpawn([&](const ValueDecl *D, const HandleUse &Spawn) {
    const FunctionDecl *Entry = Spawn.entry();
    May |= !Background.count(D) && (mayGoOn(Entry, U) || (U.locks(Entry) && U.locks(In)));
  });
  return May;
}

bool ScopePlace::isLeft() const {
  return !In->isMain() && mayWait() && llvm::any_of(exits(), [](const Exit &Way) { return Way.Alive; });
}

/// Finds the calls that end a thread in a task, or with the scope open; they become calls of the runtime. One that
/// cannot, where the scope is open, would leave it behind.
std::string ScopePlace::endProblem() {
  const SourceManager &SM = U.context().getSourceManager();
  const Edits E(U.context());
  std::string Why;
  auto End = [&](const CallExpr *Call, const FunctionDecl *By, bool InScope) {
    const Meaning *Row = U.meaningOf(Call, Effect::EndThread);
    if (!Row || !Row->BuiltIn || Row->JoinsScopes)
      return;
    const FunctionDecl *Definition = nullptr;
    if (By->hasBody(Definition) && holdsHiddenReturn(Definition->getBody()))
      Why = "'" + U.text(Call) + "' would jump over what pthread_cleanup_push or the like holds in " + quoted(By);
    else if (const CharSourceRange Callee = E.written(Call->getCallee()->getSourceRange());
             Callee.isValid() && SM.isInMainFile(Callee.getBegin()))
      Endings.push_back(Call);
    else if (InScope)
      Why = "'" + U.text(Call) + "' ends the thread inside of the scope, by a macro or in a header";
  };
  for (const CallExpr *Call : U.callsIn(In)) {
    if (!contains(Call))
      continue;
    End(Call, In, true);
    if (const FunctionDecl *Callee = Call->getDirectCallee(); Callee && Callee->hasBody())
      eachCallBelow(Callee, U, [&](const CallExpr *Below, const FunctionDecl *By) { End(Below, By, true); });
  }
  eachSpawn([&](const ValueDecl *, const HandleUse &Spawn) {
    if (const FunctionDecl *Entry = Spawn.entry())
      eachCallBelow(Entry, U, [&](const CallExpr *Below, const FunctionDecl *By) { End(Below, By, false); });
  });
  if (Why.empty() && U.has(Effect::Cancel) && runsOnThread(In, U))
    Why = "its function may run on a thread that is cancelled, which would leave the scope behind";
  return Why;
}

// ---- the ways out ----

std::vector<ScopePlace::Exit> ScopePlace::exits() const {
  std::vector<Exit> Found;
  SmallVector<const Stmt *, 32> Everything;
  SmallVector<const LabelStmt *, 8> Labels;
  gather(static_cast<const Stmt *>(Block), Everything);
  gather(static_cast<const Stmt *>(Body), Labels);
  for (const Stmt *S : Everything) {
    if (!contains(S))
      continue;
    if (const auto *Call = dyn_cast<CallExpr>(S)) {
      Exit Way{S};
      Way.IsEndThread = U.meaningOf(Call, Effect::EndThread);
      for (const ValueDecl *D : Vars)
        for (const HandleUse &Use : All.usesOf(D))
          Way.IsRelease |= Use.What == HandleUse::Free && Use.In == Call;
      if (Way.IsEndThread || Way.IsRelease)
        Found.push_back(Way);
      continue;
    }
    if (!isa<ReturnStmt, BreakStmt, ContinueStmt, GotoStmt>(S))
      continue;
    if (isa<BreakStmt, ContinueStmt>(S)) {
      const Stmt *Loop = Parents.getParent(S);
      while (Loop && !isLoop(Loop) && !(isa<BreakStmt>(S) && isa<SwitchStmt>(Loop)))
        Loop = Parents.getParent(Loop);
      if (Loop && contains(Loop))
        continue;
    }
    if (const auto *Goto = dyn_cast<GotoStmt>(S))
      if (llvm::any_of(Labels, [&](const LabelStmt *L) { return L->getDecl() == Goto->getLabel() && contains(L); }))
        continue;
    Found.push_back({S});
  }
  // The end of the block, where control comes to it.
  bool IsReached = false;
  if (Block == Body) {
    safespawn::follow(Graph, {&Graph.getEntry(), 0}, {}, [&](const Stmt *S) {
      IsReached |= !S;
      return !isa_and_nonnull<ReturnStmt>(S);
    });
  } else {
    const Stmt *Last = Block->body_back();
    while (const auto *Label = dyn_cast<LabelStmt>(Last))
      Last = Label->getSubStmt();
    IsReached = !isa<ReturnStmt, BreakStmt, ContinueStmt, GotoStmt>(Last);
  }
  if (IsReached)
    Found.push_back({nullptr});

  eachSpawn([&](const ValueDecl *D, const HandleUse &Spawn) {
    followAlive(D, Spawn, [&](const Stmt *S) {
      const bool IsItself = isa_and_nonnull<ReturnStmt, CallExpr>(S) && contains(S);
      for (Exit &Way : Found) {
        // A statement out of the scope is reached by any of the ways that are not told apart.
        const bool IsJump = !Way.At || isa<BreakStmt, ContinueStmt, GotoStmt>(Way.At);
        Way.Alive |= IsItself ? Way.At == S : IsJump;
      }
    });
  });
  return Found;
}

std::string ScopePlace::failureReturn() const {
  if (In->getReturnType()->isVoidType())
    return "";
  const Edits E(U.context());
  std::string Text;
  eachSpawn([&](const ValueDecl *, const HandleUse &Spawn) {
    const CFGBlock *Failed = testOf(Graph, Spawn.In, *Spawn.Row, Parents, U).Failed;
    for (unsigned I = 0; Failed && I < Failed->size(); ++I)
      if (auto Element = (*Failed)[I].getAs<CFGStmt>())
        if (const auto *Return = dyn_cast<ReturnStmt>(Element->getStmt());
            Return && Return->getRetValue() && isFailureWay(Return, U.context()) && Text.empty())
          Text = E.text(Return->getSourceRange());
  });
  if (!Text.empty())
    return Text;
  std::vector<FailureWay> Ways = failureWays(Body, U.context());
  llvm::erase_if(Ways, [](const FailureWay &Way) { return !isa<ReturnStmt>(Way.Exit); });
  if (Ways.size() == 1)
    return Ways.front().Text;
  return In->isMain() && Ways.empty() ? "return 1" : "";
}

bool ScopePlace::errorsAreReal() const {
  bool Are = true;
  eachSpawn([&](const ValueDecl *, const HandleUse &Spawn) {
    if (safespawn::familyOf(Spawn.In, *Spawn.Row)->Pointers)
      return;
    const FunctionDecl *Entry = Spawn.entry(), *Definition = nullptr;
    if (!Entry || !Entry->hasBody(Definition)) {
      Are = false;
      return;
    }
    SmallVector<const ReturnStmt *, 4> Returns;
    gather(Definition->getBody(), Returns);
    for (const ReturnStmt *Return : Returns)
      Are &= Return->getRetValue() && isZero(Return->getRetValue(), U.context());
    eachCallBelow(Entry, U,
                  [&](const CallExpr *Call, const FunctionDecl *) { Are &= !U.meaningOf(Call, Effect::EndThread); });
  });
  return Are;
}
