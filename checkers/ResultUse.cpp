// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/ResultUse.h"
#include "checkers/Flow.h"

using namespace clang;
using namespace safespawn;

/// Whether comparing a result that is 0 or positive in this way says nothing.
static bool neverHolds(const BinaryOperator *Compare, const Expr *Result, const ASTContext &Context) {
  const bool Left = Compare->getLHS()->IgnoreParenImpCasts() == Result->IgnoreParenImpCasts();
  const Expr *Other = Left ? Compare->getRHS() : Compare->getLHS();
  Expr::EvalResult Value;
  if (!Other->EvaluateAsInt(Value, Context))
    return false;
  const int64_t Bound = numberOf(Value.Val.getInt());
  BinaryOperatorKind Op = Left ? Compare->getOpcode() : BinaryOperator::reverseComparisonOp(Compare->getOpcode());
  switch (Op) {
  case BO_LT:
  case BO_GE:
    return Bound <= 0;
  case BO_LE:
  case BO_GT:
  case BO_EQ:
  case BO_NE:
    return Bound < 0;
  default:
    return false;
  }
}

ResultUse::Use ResultUse::of(const Expr *Result) {
  const Stmt *Child = Result;
  const Stmt *Parent = B.Parents.getParent(Child);
  for (; isa_and_nonnull<ParenExpr, ImplicitCastExpr, FullExpr>(Parent); Parent = B.Parents.getParent(Child))
    Child = Parent;
  if (const auto *Cast = dyn_cast_or_null<ExplicitCastExpr>(Parent))
    return Cast->getType()->isVoidType() ? Tested : of(Cast);
  if (const auto *Compare = dyn_cast_or_null<BinaryOperator>(Parent)) {
    if (Compare->isComparisonOp() && mayCompareWrongly() &&
        neverHolds(Compare, cast<Expr>(Child), B.Context->getASTContext())) {
      if (!Comparison)
        Comparison = Compare;
      return NeverHolds;
    }
    if (Compare->getOpcode() == BO_Assign && Compare->getRHS() == Child)
      return assigned(Compare);
    if (Compare->getOpcode() == BO_Comma)
      return Compare->getLHS() == Child ? Ignored : of(Compare);
    return Tested;
  }
  if (const auto *Declaration = dyn_cast_or_null<DeclStmt>(Parent)) {
    for (const Decl *D : Declaration->decls())
      if (const auto *Var = dyn_cast<VarDecl>(D);
          Var && Var->getInit() && Var->getInit()->IgnoreParenImpCasts() == cast<Expr>(Child)->IgnoreParenImpCasts())
        return stored(Var, Declaration);
    return Tested;
  }
  if (isa_and_nonnull<Expr>(Parent) && !isa<StmtExpr>(Parent))
    return Tested; // an argument, a condition, an operand
  return isStatement(Child, Parent) ? Ignored : Tested;
}

/// Whether \p Child stands as a statement of its own below \p Parent.
bool ResultUse::isStatement(const Stmt *Child, const Stmt *Parent) const {
  if (!Parent || isa<ReturnStmt>(Parent))
    return false;
  if (const auto *Block = dyn_cast<CompoundStmt>(Parent)) {
    // The value of a statement expression is its last statement.
    const auto *Value = dyn_cast_or_null<StmtExpr>(B.Parents.getParent(Block));
    return !(Value && Block->body_back() == Child);
  }
  if (const auto *If = dyn_cast<IfStmt>(Parent))
    return If->getCond() != Child;
  if (const auto *For = dyn_cast<ForStmt>(Parent))
    return For->getCond() != Child;
  if (const auto *While = dyn_cast<WhileStmt>(Parent))
    return While->getCond() != Child;
  if (const auto *Do = dyn_cast<DoStmt>(Parent))
    return Do->getCond() != Child;
  if (isa<SwitchStmt>(Parent))
    return false;
  return isa<LabelStmt, SwitchCase, AttributedStmt>(Parent);
}

ResultUse::Use ResultUse::assigned(const BinaryOperator *Assign) {
  const auto *Ref = dyn_cast<DeclRefExpr>(Assign->getLHS()->IgnoreParenCasts());
  const auto *Var = Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
  // The value of the assignment may itself be tested: if ((rc = spawn()) != 0).
  if (Use Outer = of(Assign); Outer != Ignored)
    return Outer;
  return Var ? stored(Var, Assign) : Tested;
}

static bool refers(const Expr *E, const VarDecl *Var) {
  const auto *Ref = dyn_cast<DeclRefExpr>(E->IgnoreParenCasts());
  return Ref && Ref->getDecl() == Var;
}

ResultUse::Use ResultUse::stored(const VarDecl *Var, const Stmt *Where) {
  if (!Var->isLocalVarDeclOrParm() || Var->isStaticLocal())
    return Tested;
  Stored = Var;
  bool IsTested = false, IsUseless = false;
  // A declaration of several variables is several statements to the CFG: then from the call itself.
  FlowPoint After = pointAfter(*B.Graph, Where);
  if (!After && isa<DeclStmt>(Where))
    After = pointAfter(*B.Graph, Var->getInit()->IgnoreParenImpCasts());
  if (!After)
    return Tested;
  walk(After, [&](const Stmt *S) {
    if (const auto *Assign = dyn_cast<BinaryOperator>(S))
      if (Assign->getOpcode() == BO_Assign && refers(Assign->getLHS(), Var))
        return Step::Stop;
    const auto *Ref = dyn_cast<DeclRefExpr>(S);
    if (!Ref || Ref->getDecl() != Var || isTarget(Ref))
      return Step::On;
    const Use How = of(Ref);
    IsTested |= How == Tested || isVoid(Ref);
    IsUseless |= How == NeverHolds;
    return IsTested ? Step::Found : Step::On;
  });
  return IsTested ? Tested : IsUseless ? NeverHolds : Ignored;
}

/// Whether \p Ref is only written to.
bool ResultUse::isTarget(const DeclRefExpr *Ref) const {
  const auto *Assign =
      dyn_cast_or_null<BinaryOperator>(B.Parents.getParentIgnoreParens(const_cast<DeclRefExpr *>(Ref)));
  return Assign && Assign->getOpcode() == BO_Assign && Assign->getLHS()->IgnoreParens() == Ref;
}

bool ResultUse::isVoid(const DeclRefExpr *Ref) const {
  const auto *Cast =
      dyn_cast_or_null<CStyleCastExpr>(B.Parents.getParentIgnoreParenImpCasts(const_cast<DeclRefExpr *>(Ref)));
  return Cast && Cast->getType()->isVoidType();
}

bool safespawn::expectsFailure(const CallExpr *Call, const ParentMap &Parents, const ASTContext &Context) {
  const Stmt *Child = Call;
  const Stmt *Parent = Parents.getParent(Child);
  for (; isa_and_nonnull<ParenExpr, CastExpr, StmtExpr>(Parent); Parent = Parents.getParent(Child))
    Child = Parent;
  if (isa_and_nonnull<CallExpr>(Parent))
    return true;
  const auto *Compare = dyn_cast_or_null<BinaryOperator>(Parent);
  if (!Compare || !Compare->isEqualityOp())
    return false;
  Expr::EvalResult Value;
  const Expr *Other = Compare->getLHS() == Child ? Compare->getRHS() : Compare->getLHS();
  return Other->EvaluateAsInt(Value, Context) && Value.Val.getInt() != 0;
}
