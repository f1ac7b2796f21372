// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Flow.h"
#include "clang/AST/ParentMapContext.h"
#include "clang/AST/RecursiveASTVisitor.h"

using namespace clang;
using namespace safespawn;

FlowPoint safespawn::pointAfter(const CFG &Graph, const Stmt *S) {
  for (const CFGBlock *Block : Graph)
    for (unsigned I = 0; I < Block->size(); ++I)
      if (auto Element = (*Block)[I].getAs<CFGStmt>(); Element && Element->getStmt() == S)
        return {Block, I + 1};
  return {};
}

namespace {

/// Where a walk ended.
struct Walked {
  const Stmt *Found = nullptr;
  bool Left = false; ///< a path came to the end of the function
};

} // namespace

static Walked walkFrom(FlowPoint From, llvm::function_ref<Step(const Stmt *)> Visit, const CFGBlock *Barred,
                       const CFGBlock *End) {
  if (!From)
    return {};
  llvm::SmallPtrSet<const CFGBlock *, 32> Entered; // the block of From may be entered once more, from its start
  SmallVector<FlowPoint, 16> Work{From};
  while (!Work.empty()) {
    FlowPoint At = Work.pop_back_val();
    if (At.Block == End)
      return {nullptr, true};
    bool Stopped = false;
    for (unsigned I = At.Index; I < At.Block->size() && !Stopped; ++I)
      if (auto Element = (*At.Block)[I].getAs<CFGStmt>())
        switch (Visit(Element->getStmt())) {
        case Step::On:
          break;
        case Step::Stop:
          Stopped = true;
          break;
        case Step::Found:
          return {Element->getStmt(), false};
        }
    if (Stopped || (End && At.Block->hasNoReturnElement()))
      continue;
    for (const CFGBlock *Next : At.Block->succs())
      if (Next && Next != Barred && Entered.insert(Next).second)
        Work.push_back({Next, 0});
  }
  return {};
}

const Stmt *safespawn::walk(FlowPoint From, llvm::function_ref<Step(const Stmt *)> Visit, const CFGBlock *Barred) {
  return walkFrom(From, Visit, Barred, nullptr).Found;
}

bool safespawn::leaves(const CFG &Graph, FlowPoint From, llvm::function_ref<Step(const Stmt *)> Visit,
                       const CFGBlock *Barred) {
  const Walked W = walkFrom(From, Visit, Barred, &Graph.getExit());
  return W.Found || W.Left;
}

namespace {

/// Collects what a guard reads. A guard that does anything else is not one.
struct GuardReads : RecursiveASTVisitor<GuardReads> {
  SmallVector<const ValueDecl *, 4> Decls;
  bool Pure = true, Follows = false;

  bool VisitDeclRefExpr(DeclRefExpr *Ref) {
    QualType Type = Ref->getType();
    if (isa<VarDecl>(Ref->getDecl()))
      Decls.push_back(cast<ValueDecl>(Ref->getDecl()->getCanonicalDecl()));
    Pure &= !Type.isVolatileQualified() && !Type->isAtomicType();
    return Pure;
  }
  bool VisitMemberExpr(MemberExpr *Member) {
    Decls.push_back(cast<ValueDecl>(Member->getMemberDecl()->getCanonicalDecl()));
    Pure &= !Member->getType().isVolatileQualified() && !Member->getType()->isAtomicType();
    return Pure;
  }
  bool VisitCallExpr(CallExpr *Call) {
    // Only a predicate: what returns _Bool is asked again, what returns a number does its work again.
    Pure &= Call->getType()->isBooleanType();
    return Pure;
  }
  bool VisitArraySubscriptExpr(ArraySubscriptExpr *) { return Follows = true; }
  bool VisitUnaryOperator(UnaryOperator *Op) {
    Follows |= Op->getOpcode() == UO_Deref;
    return Pure &= !Op->isIncrementDecrementOp();
  }
  bool VisitBinaryOperator(BinaryOperator *Op) { return Pure &= !Op->isAssignmentOp(); }
  bool VisitStmtExpr(StmtExpr *) { return Pure = false; }
};

} // namespace

bool safespawn::holdsCall(const Stmt *S) {
  return S && (isa<CallExpr>(S) || llvm::any_of(S->children(), [](const Stmt *Child) { return holdsCall(Child); }));
}

std::optional<Guard> safespawn::guardOf(const Expr *Condition, const ASTContext &Context) {
  const Expr *Asked = Condition->IgnoreParenCasts();
  if (const auto *B = dyn_cast<BinaryOperator>(Asked); B && B->isLogicalOp())
    Asked = B->getRHS()->IgnoreParenCasts(); // the left side had a branch of its own
  Guard Found;
  while (const auto *Not = dyn_cast<UnaryOperator>(Asked)) {
    if (Not->getOpcode() != UO_LNot)
      break;
    Asked = Not->getSubExpr()->IgnoreParenCasts();
    Found.Negated = !Found.Negated;
  }
  GuardReads Reads;
  Reads.TraverseStmt(const_cast<Expr *>(Asked));
  if (!Reads.Pure || (Reads.Decls.empty() && !holdsCall(Asked)))
    return std::nullopt;
  Found.Reads = std::move(Reads.Decls);
  Found.Follows = Reads.Follows;

  llvm::FoldingSetNodeID Id;
  BinaryOperatorKind Op = BO_NE;
  const auto *Compare = dyn_cast<BinaryOperator>(Asked);
  if (Compare && Compare->isComparisonOp())
    Op = Compare->getOpcode();
  else
    Compare = nullptr;
  if (Op == BO_LE || Op == BO_GE || Op == BO_NE) {
    Op = BinaryOperator::negateComparisonOp(Op);
    Found.Negated = !Found.Negated;
  }
  Id.AddInteger(Op);
  (Compare ? Compare->getLHS() : Asked)->IgnoreParenCasts()->Profile(Id, Context, /*Canonical=*/true);
  Expr::EvalResult Bound;
  const bool WithZero = Compare && Compare->getRHS()->EvaluateAsInt(Bound, Context) && Bound.Val.getInt() == 0;
  if (Compare && !WithZero)
    Compare->getRHS()->IgnoreParenCasts()->Profile(Id, Context, /*Canonical=*/true);
  const Expr *Object = (Compare ? Compare->getLHS() : Asked)->IgnoreParenCasts();
  if ((!Compare || (WithZero && Op == BO_EQ)) && isa<DeclRefExpr, MemberExpr>(Object))
    Found.Object = Object;
  else if (Compare && Bound.Val.isInt() && isa<DeclRefExpr, MemberExpr>(Object)) {
    llvm::FoldingSetNodeID Question;
    Question.AddInteger(Op);
    Bound.Val.getInt().Profile(Question);
    Found.Object = Object;
    Found.Question = Question.ComputeHash();
  }
  Found.Hash = Id.ComputeHash();
  return Found;
}

bool safespawn::holds(const Stmt *S, llvm::function_ref<bool(const Stmt *)> Is) {
  return S && (Is(S) || llvm::any_of(S->children(), [&](const Stmt *Child) { return holds(Child, Is); }));
}

const Expr *safespawn::conditionOf(const Stmt *Loop) {
  if (const auto *For = dyn_cast_or_null<ForStmt>(Loop))
    return For->getCond();
  if (const auto *While = dyn_cast_or_null<WhileStmt>(Loop))
    return While->getCond();
  const auto *Do = dyn_cast_or_null<DoStmt>(Loop);
  return Do ? Do->getCond() : nullptr;
}

const Stmt *safespawn::loopOf(const Expr *Condition, const ParentMap &Parents) {
  const Stmt *Child = Condition;
  const Stmt *Parent = Parents.getParent(Child);
  for (; Parent && isa<Expr>(Parent); Parent = Parents.getParent(Child))
    Child = Parent;
  return conditionOf(Parent) == Child ? Parent : nullptr;
}

bool safespawn::neverReturns(const FunctionDecl *F, ento::AnalysisManager &Manager) {
  const FunctionDecl *Definition = nullptr;
  const CFG *Graph = F->hasBody(Definition) ? Manager.getCFG(Definition) : nullptr;
  return Graph && llvm::all_of(Graph->getExit().preds(),
                               [](const CFGBlock *Last) { return !Last || Last->hasNoReturnElement(); });
}

bool safespawn::reaches(const CFG &Graph, const Stmt *From, const Stmt *To) {
  return walk(pointAfter(Graph, From), [&](const Stmt *S) { return S == To ? Step::Found : Step::On; }) != nullptr;
}

bool safespawn::holdsHiddenReturn(const Stmt *S) {
  if (const auto *Call = dyn_cast_or_null<CallExpr>(S))
    if (const FunctionDecl *Callee = Call->getDirectCallee(); Callee && Callee->hasAttr<ReturnsTwiceAttr>())
      return true;
  if (const auto *Declaration = dyn_cast_or_null<DeclStmt>(S))
    if (llvm::any_of(Declaration->decls(), [](const Decl *D) { return D->hasAttr<CleanupAttr>(); }))
      return true;
  return S && llvm::any_of(S->children(), holdsHiddenReturn);
}

bool safespawn::mentions(const Stmt *S, const ValueDecl *D) {
  if (!S)
    return false;
  if (const auto *Ref = dyn_cast<DeclRefExpr>(S); Ref && Ref->getDecl() == D)
    return true;
  return llvm::any_of(S->children(), [&](const Stmt *Child) { return mentions(Child, D); });
}

const VarDecl *safespawn::variableOf(const Expr *E) {
  while (E) {
    E = E->IgnoreParenCasts();
    if (const auto *Ref = dyn_cast<DeclRefExpr>(E))
      return dyn_cast<VarDecl>(Ref->getDecl());
    if (const auto *Member = dyn_cast<MemberExpr>(E); Member && !Member->isArrow()) {
      E = Member->getBase();
    } else if (const auto *Element = dyn_cast<ArraySubscriptExpr>(E);
               Element && Element->getBase()->IgnoreParenImpCasts()->getType()->isArrayType()) {
      E = Element->getBase();
    } else {
      return nullptr;
    }
  }
  return nullptr;
}

const VarDecl *safespawn::variablePointedTo(const Expr *E) {
  E = E->IgnoreParenCasts();
  if (const auto *Op = dyn_cast<UnaryOperator>(E); Op && Op->getOpcode() == UO_AddrOf)
    return variableOf(Op->getSubExpr());
  return E->getType()->isArrayType() ? variableOf(E) : nullptr;
}

bool safespawn::changes(const Stmt *S, const VarDecl *Var, const Unit &U) {
  if (const auto *Assign = dyn_cast<BinaryOperator>(S))
    return Assign->isAssignmentOp() && variableOf(Assign->getLHS()) == Var;
  if (const auto *Op = dyn_cast<UnaryOperator>(S))
    return Op->isIncrementDecrementOp() && variableOf(Op->getSubExpr()) == Var;
  if (const auto *Declaration = dyn_cast<DeclStmt>(S))
    return llvm::any_of(Declaration->decls(), [&](const Decl *D) { return D == Var && Var->hasInit(); });
  if (const auto *Call = dyn_cast<CallExpr>(S)) {
    if (U.spawnRow(Call) || U.isDescribed(Call->getDirectCallee()))
      return false;
    for (const Expr *Argument : Call->arguments())
      if (variablePointedTo(Argument) == Var) {
        QualType Pointer = Argument->IgnoreParens()->getType();
        // A part with a lock in it is there to be shared: gate_wait(&job.gate)
        if (const QualType Part = Unit::pointeeOf(Argument);
            !Part.isNull() && Part.getCanonicalType() != Var->getType().getCanonicalType() && U.syncWithin(Part))
          continue;
        if (!Pointer->isPointerType() || !Pointer->getPointeeType().isConstQualified())
          return true;
      }
  }
  return false;
}

/// Whether every round of a loop gets an object of its own: &args[i] with an index that is not constant.
static bool isElementOfItsOwn(const Expr *Argument, ASTContext &Context) {
  const Expr *E = Argument->IgnoreParenCasts();
  if (const auto *Op = dyn_cast<UnaryOperator>(E); Op && Op->getOpcode() == UO_AddrOf)
    E = Op->getSubExpr()->IgnoreParenCasts();
  while (true) {
    Expr::EvalResult Constant;
    if (const auto *Element = dyn_cast<ArraySubscriptExpr>(E)) {
      if (!Element->getIdx()->EvaluateAsInt(Constant, Context))
        return true;
      E = Element->getBase()->IgnoreParenCasts();
    } else if (const auto *Member = dyn_cast<MemberExpr>(E)) {
      E = Member->getBase()->IgnoreParenCasts();
    } else {
      return false;
    }
  }
}

/// The array that \p E is an element of, or \p E itself: a loop that joins has an index of its own.
static const Expr *wholeOf(const Expr *E) {
  E = E->IgnoreParenCasts();
  if (const auto *Op = dyn_cast<UnaryOperator>(E); Op && Op->getOpcode() == UO_AddrOf)
    E = Op->getSubExpr()->IgnoreParenCasts();
  while (true) {
    if (const auto *Element = dyn_cast<ArraySubscriptExpr>(E))
      E = Element->getBase()->IgnoreParenCasts();
    else if (const auto *Member = dyn_cast<MemberExpr>(E);
             Member && isa<ArraySubscriptExpr>(Member->getBase()->IgnoreParenCasts()))
      E = Member->getBase()->IgnoreParenCasts();
    else
      return E;
  }
}

/// Whether \p S assigns what is the same in each round: a constant, an address, a variable that nobody changes.
static bool writesTheSame(const Stmt *S, const Stmt *Body, const Unit &U) {
  const auto *Assign = dyn_cast<BinaryOperator>(S);
  if (!Assign || Assign->getOpcode() != BO_Assign)
    return false;
  SmallVector<const Stmt *, 8> Work{Assign->getRHS()};
  while (!Work.empty()) {
    const Stmt *Part = Work.pop_back_val();
    if (isa<CallExpr, StmtExpr>(Part))
      return false;
    if (const auto *Op = dyn_cast<UnaryOperator>(Part)) {
      if (Op->isIncrementDecrementOp() || Op->getOpcode() == UO_Deref)
        return false;
      if (Op->getOpcode() == UO_AddrOf && isa<DeclRefExpr>(Op->getSubExpr()->IgnoreParens()))
        continue;
    }
    if (const auto *Member = dyn_cast<MemberExpr>(Part); Member && Member->isArrow())
      return false;
    if (const auto *Ref = dyn_cast<DeclRefExpr>(Part))
      if (const auto *Var = dyn_cast<VarDecl>(Ref->getDecl()); Var && !Var->getType()->isArrayType())
        if (!Var->hasLocalStorage() ||
            holds(Body, [&](const Stmt *Inner) { return !isa<DeclStmt>(Inner) && changes(Inner, Var, U); }))
          return false;
    for (const Stmt *Child : Part->children())
      if (Child)
        Work.push_back(Child);
  }
  return true;
}

static const Expr *loopCondition(const Stmt *S) {
  if (const auto *For = dyn_cast<ForStmt>(S))
    return For->getCond();
  if (const auto *While = dyn_cast<WhileStmt>(S))
    return While->getCond();
  const auto *Do = dyn_cast<DoStmt>(S);
  return Do ? Do->getCond() : nullptr;
}

/// The function that \p Spawn is written in.
static const FunctionDecl *functionOf(const Unit &U, const CallExpr *Spawn) {
  for (const FunctionDecl *F : U.definitions())
    for (const SpawnSite &Site : llvm::concat<const SpawnSite>(U.spawnsIn(F), U.tasksIn(F)))
      if (Site.Call == Spawn)
        return F;
  return nullptr;
}

const Stmt *safespawn::refillsArgument(const Unit &U, const CallExpr *Spawn, ento::AnalysisManager &Manager) {
  const Meaning *Task = U.meaningOf(Spawn, Effect::SpawnTask), *Row = Task ? Task : U.spawnRow(Spawn);
  const Expr *Argument = Row && !Row->Size.exists() ? Unit::argument(Spawn, Row->Argument) : nullptr;
  const Expr *HandlePlace = Row ? Unit::argument(Spawn, Row->Handle) : nullptr;
  if (!Argument || isElementOfItsOwn(Argument, U.context()))
    return nullptr;
  const VarDecl *Lent = variablePointedTo(Argument);
  const FunctionDecl *In = functionOf(U, Spawn);
  if (Lent && U.isShared(Lent->getType()))
    return nullptr; // meant for all of the threads
  const CFG *Graph = In && Lent ? Manager.getCFG(In) : nullptr;
  if (!Graph)
    return nullptr;
  if (HandlePlace) {
    HandlePlace = HandlePlace->IgnoreParenCasts();
    if (const auto *Op = dyn_cast<UnaryOperator>(HandlePlace); Op && Op->getOpcode() == UO_AddrOf)
      HandlePlace = Op->getSubExpr();
  }
  auto JoinsIt = [&](const CallExpr *Call) {
    if (Task) { // by itself, or with its scope
      if (U.meaningOf(Call, Effect::JoinTask))
        return true;
      for (Effect What : {Effect::ScopeJoin, Effect::ScopeTryJoin, Effect::ScopeEnd})
        if (const Meaning *Join = U.meaningOf(Call, What))
          return U.sameExpression(Unit::argument(Call, Join->Object), Unit::argument(Spawn, Task->Scope));
    }
    for (const Meaning &Known : U.meaningsOf(Call->getDirectCallee()))
      if (Known.What == Effect::Join || Known.What == Effect::TryJoin) {
        const Expr *Joined = Unit::argument(Call, Known.Object);
        if (!HandlePlace || (Joined && U.sameExpression(wholeOf(Joined), wholeOf(HandlePlace))))
          return true;
      }
    const FunctionDecl *Callee = Call->getDirectCallee(); // join_all(threads, n)
    return Callee && HandlePlace && U.givesUpHandles(Callee) &&
           llvm::any_of(Call->arguments(),
                        [&](const Expr *Handed) { return U.sameExpression(wholeOf(Handed), wholeOf(HandlePlace)); });
  };
  // A loop of its own that joins does so for all that was spawned: passing its condition is enough.
  llvm::SmallPtrSet<const Stmt *, 4> JoinLoops;
  SmallVector<const Stmt *, 32> Work{In->getBody()};
  while (!Work.empty()) {
    const Stmt *S = Work.pop_back_val();
    for (const Stmt *Child : S->children())
      if (Child)
        Work.push_back(Child);
    if (const Expr *Condition = loopCondition(S))
      if (holds(S, [&](const Stmt *Inner) { return isa<CallExpr>(Inner) && JoinsIt(cast<CallExpr>(Inner)); }) &&
          !holds(S, [&](const Stmt *Inner) { return Inner == Spawn; }))
        JoinLoops.insert(Condition);
  }
  // Where the spawn failed there is no thread to read the object.
  const CFGBlock *Failed = testOf(*Graph, Spawn, *Row, Manager.getAnalysisDeclContext(In)->getParentMap(), U).Failed;
  auto Visit = [&](const Stmt *S) {
    const auto *Call = dyn_cast<CallExpr>(S);
    if (JoinLoops.count(S) || (Call && (JoinsIt(Call) || U.meaningOf(Call, Effect::Wait)))) // or a hand-shake
      return Step::Stop;
    return changes(S, Lent, U) && !writesTheSame(S, In->getBody(), U) && reaches(*Graph, S, Spawn) ? Step::Found
                                                                                                   : Step::On;
  };
  return walk(pointAfter(*Graph, Spawn), Visit, Failed);
}

bool safespawn::overwritesItself(const Unit &U, const CallExpr *Spawn, ento::AnalysisManager &Manager) {
  const Meaning *Row = U.spawnRow(Spawn);
  const Expr *Handle = Row ? Unit::argument(Spawn, Row->Handle) : nullptr;
  const auto *Address = dyn_cast_or_null<UnaryOperator>(Handle ? Handle->IgnoreParenCasts() : nullptr);
  const FunctionDecl *In = functionOf(U, Spawn);
  if (!Address || Address->getOpcode() != UO_AddrOf || wholeOf(Handle) != Address->getSubExpr()->IgnoreParenCasts())
    return false; // an element of an array: another one in each round
  const CFG *Graph = In ? Manager.getCFG(In) : nullptr;
  const VarDecl *Var = variableOf(Address->getSubExpr());
  auto Visit = [&](const Stmt *S) {
    if (S == Spawn)
      return Step::Found;
    if (const auto *Declaration = dyn_cast<DeclStmt>(S); Declaration && llvm::is_contained(Declaration->decls(), Var))
      return Step::Stop; // a new variable in each round
    if (const auto *Call = dyn_cast<CallExpr>(S))
      for (const Meaning &Known : U.meaningsOf(Call->getDirectCallee()))
        if (const Expr *Given = isGivingUp(Known.What) ? Unit::argument(Call, Known.Object) : nullptr)
          if (U.sameExpression(Given, Address->getSubExpr()))
            return Step::Stop;
    return Step::On;
  };
  if (!Graph)
    return false;
  // A spawn that is tried again because it failed overwrites nothing.
  const SpawnTest Test = testOf(*Graph, Spawn, *Row, Manager.getAnalysisDeclContext(In)->getParentMap(), U);
  return walk(pointAfter(*Graph, Spawn), Visit, Test.Failed) != nullptr;
}

SpawnTest safespawn::testOf(const CFG &Graph, const CallExpr *Spawn, const Meaning &Row, const ParentMap &Parents,
                            const Unit &U) {
  const VarDecl *Stored = nullptr;
  const Stmt *Parent = Parents.getParentIgnoreParenImpCasts(const_cast<CallExpr *>(Spawn));
  if (isa_and_nonnull<CompoundStmt>(Parent) || isa_and_nonnull<CStyleCastExpr>(Parent))
    return {true}; // ignored
  if (const auto *Assign = dyn_cast_or_null<BinaryOperator>(Parent); Assign && Assign->getOpcode() == BO_Assign)
    Stored = variableOf(Assign->getLHS());
  else if (const auto *Declaration = dyn_cast_or_null<DeclStmt>(Parent); Declaration && Declaration->isSingleDecl())
    Stored = dyn_cast<VarDecl>(Declaration->getSingleDecl());
  auto IsResult = [&](const Expr *E) {
    E = E->IgnoreParenImpCasts();
    if (const auto *Assign = dyn_cast<BinaryOperator>(E); Assign && Assign->getOpcode() == BO_Assign)
      E = Assign->getRHS()->IgnoreParenImpCasts();
    const auto *Ref = dyn_cast<DeclRefExpr>(E);
    return E == Spawn || (Stored && Ref && Ref->getDecl() == Stored);
  };
  SmallVector<const CFGBlock *, 16> Work;
  llvm::SmallPtrSet<const CFGBlock *, 32> Seen;
  if (FlowPoint After = pointAfter(Graph, Spawn))
    Work.push_back(After.Block);
  for (size_t I = 0; I < Work.size(); ++I) {
    const CFGBlock *Block = Work[I];
    const auto *Condition = dyn_cast_or_null<Expr>(Block->getTerminatorCondition());
    const bool Switches = isa_and_nonnull<SwitchStmt>(Block->getTerminatorStmt());
    if (Condition && Switches && (IsResult(Condition) || mentions(Condition, Stored)))
      return {};
    if (Condition && !Switches && Block->succ_size() == 2) {
      const Expr *E = Condition->IgnoreParenImpCasts();
      bool FailsWhenTrue = Row.Worked.How != Success::NonZero && Row.Worked.How != Success::NonNull;
      while (const auto *Not = dyn_cast<UnaryOperator>(E)) {
        if (Not->getOpcode() != UO_LNot)
          break;
        FailsWhenTrue = !FailsWhenTrue;
        E = Not->getSubExpr()->IgnoreParenImpCasts();
      }
      bool Understood = IsResult(E);
      if (const auto *Compare = dyn_cast<BinaryOperator>(E);
          Compare && Compare->isEqualityOp() && (IsResult(Compare->getLHS()) || IsResult(Compare->getRHS()))) {
        const Expr *With = IsResult(Compare->getLHS()) ? Compare->getRHS() : Compare->getLHS();
        Expr::EvalResult Value;
        Understood = With->EvaluateAsInt(Value, U.context()) && Value.Val.getInt() == U.successValue(Row).value_or(0);
        if (Compare->getOpcode() == BO_EQ)
          FailsWhenTrue = !FailsWhenTrue;
      }
      if (Understood)
        return {true, *(FailsWhenTrue ? Block->succ_begin() : Block->succ_begin() + 1), Block};
      if (mentions(E, Stored) || holds(E, [&](const Stmt *S) { return S == Spawn; }))
        return {}; // asked in a way that we do not understand
    }
    for (const CFGBlock *Next : Block->succs())
      if (Next && Seen.insert(Next).second)
        Work.push_back(Next);
  }
  return {};
}
