// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/Bodies.h"
#include "fixits/Edits.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include <map>

using namespace clang;
using namespace safespawn;

const Expr *safespawn::handlePlace(const CallExpr *Spawn, const Meaning &Row) {
  const Expr *Handle = Unit::argument(Spawn, Row.Handle);
  const auto *Address = dyn_cast_or_null<UnaryOperator>(Handle ? Handle->IgnoreParenCasts() : nullptr);
  return Address && Address->getOpcode() == UO_AddrOf ? Address->getSubExpr()->IgnoreParenCasts() : nullptr;
}

bool safespawn::givesUp(const CallExpr *Call, const Expr *Place, const Unit &U) {
  for (const Meaning &Known : U.meaningsOf(Call->getDirectCallee()))
    if (isGivingUp(Known.What))
      if (const Expr *Object = Unit::argument(Call, Known.Object); Object && U.sameExpression(Object, Place))
        return true;
  return false;
}

void safespawn::collect(const Stmt *S, const ValueDecl *D, SmallVectorImpl<const DeclRefExpr *> &Out) {
  if (!S)
    return;
  if (const auto *Ref = dyn_cast<DeclRefExpr>(S); Ref && Ref->getDecl() == D)
    Out.push_back(Ref);
  for (const Stmt *Child : S->children())
    collect(Child, D, Out);
}

const DeclStmt *safespawn::declarationOf(const Stmt *S, const VarDecl *Var) {
  if (!S)
    return nullptr;
  if (const auto *Declaration = dyn_cast<DeclStmt>(S))
    for (const Decl *D : Declaration->decls())
      if (D == Var)
        return Declaration;
  for (const Stmt *Child : S->children())
    if (const DeclStmt *Found = declarationOf(Child, Var))
      return Found;
  return nullptr;
}

const Stmt *safespawn::statementOf(const Stmt *E, const ParentMap &Parents) {
  while (E && !isa_and_nonnull<CompoundStmt>(Parents.getParent(E)))
    E = Parents.getParent(E);
  return E;
}

bool safespawn::hasNamesake(const Stmt *S, const VarDecl *Var) {
  if (!S)
    return false;
  if (const auto *Declaration = dyn_cast<DeclStmt>(S))
    for (const Decl *D : Declaration->decls())
      if (const auto *Named = dyn_cast<NamedDecl>(D);
          Named && Named != Var && Named->getIdentifier() == Var->getIdentifier())
        return true;
  return llvm::any_of(S->children(), [&](const Stmt *Child) { return hasNamesake(Child, Var); });
}

void safespawn::follow(const CFG &Graph, FlowPoint From, const SpawnTest &Worked,
                       llvm::function_ref<bool(const Stmt *)> GoOn) {
  if (!From)
    return;
  llvm::SmallPtrSet<const CFGBlock *, 32> Seen;
  SmallVector<FlowPoint, 16> Work{From};
  while (!Work.empty()) {
    FlowPoint At = Work.pop_back_val();
    bool Stopped = false;
    for (unsigned I = At.Index; I < At.Block->size() && !Stopped; ++I)
      if (auto Element = (*At.Block)[I].getAs<CFGStmt>())
        Stopped = !GoOn(Element->getStmt());
    if (const auto *Goto = dyn_cast_or_null<GotoStmt>(At.Block->getTerminatorStmt()); Goto && !Stopped)
      Stopped = !GoOn(Goto);
    if (Stopped || At.Block->hasNoReturnElement())
      continue;
    if (At.Block == &Graph.getExit())
      GoOn(nullptr);
    for (const CFGBlock *Next : At.Block->succs())
      if (Next && !(At.Block == Worked.Asked && Next == Worked.Failed) && Seen.insert(Next).second)
        Work.push_back({Next, 0});
  }
}

std::pair<std::string, std::string> safespawn::failureTest(const Meaning &Row) {
  switch (Row.Worked.How) {
  case Success::Constant:
    return {"", " != " + Row.Worked.Name};
  case Success::NonZero:
    return {"!", ""};
  case Success::NonNull:
    return {"!", ""};
  case Success::NonNegative:
    return {"", " < 0"};
  default:
    return {"", " != 0"};
  }
}

unsigned safespawn::countWrites(const Stmt *S, const VarDecl *Var, const Unit &U) {
  if (!S)
    return 0;
  unsigned N = changes(S, Var, U);
  for (const Stmt *Child : S->children())
    N += countWrites(Child, Var, U);
  return N;
}

bool safespawn::isFailureWay(const Stmt *Exit, ASTContext &Context) {
  if (const auto *Return = dyn_cast<ReturnStmt>(Exit)) {
    Expr::EvalResult Value;
    return !Return->getRetValue() || Return->getRetValue()->EvaluateAsRValue(Value, Context);
  }
  return isa<GotoStmt>(Exit);
}

/// Whether the condition \p S asks how a call ended: it holds one.
static bool testsCall(const Stmt *S) { return S && (isa<CallExpr>(S) || llvm::any_of(S->children(), testsCall)); }

std::vector<FailureWay> safespawn::failureWays(const Stmt *Body, ASTContext &Context) {
  struct Failures : RecursiveASTVisitor<Failures> {
    std::map<std::string, const Stmt *> Ways;
    const Edits E;
    ASTContext &Context;
    explicit Failures(ASTContext &Context) : E(Context), Context(Context) {}
    bool VisitIfStmt(IfStmt *If) {
      const Stmt *Last = If->getThen();
      if (const auto *Block = dyn_cast<CompoundStmt>(Last))
        Last = Block->body_empty() ? nullptr : Block->body_back();
      if (!Last || !testsCall(If->getCond()) || !isFailureWay(Last, Context))
        return true;
      if (std::string Text = E.text(Last->getSourceRange()); !Text.empty())
        Ways[Text] = Last;
      return true;
    }
  } Find(Context);
  Find.TraverseStmt(const_cast<Stmt *>(Body));
  const auto *End = dyn_cast<ReturnStmt>(cast<CompoundStmt>(Body)->body_back());
  std::vector<FailureWay> Ways;
  for (const auto &[Text, Exit] : Find.Ways)
    if (!End || !End->getRetValue() || Find.E.text(End->getSourceRange()) != Text) // not what says that all went well
      Ways.push_back({Text, Exit});
  return Ways;
}

bool safespawn::isStatement(const CallExpr *Call, const ParentMap &Parents) {
  const Stmt *Parent = Parents.getParentIgnoreParenImpCasts(const_cast<CallExpr *>(Call));
  auto Asks = [&](const Expr *Condition) { return Condition && Condition->IgnoreParenImpCasts() == Call; };
  if (const auto *Cast = dyn_cast_or_null<CStyleCastExpr>(Parent))
    return Cast->getCastKind() == CK_ToVoid;
  if (const auto *If = dyn_cast_or_null<IfStmt>(Parent))
    return !Asks(If->getCond());
  if (const auto *For = dyn_cast_or_null<ForStmt>(Parent))
    return !Asks(For->getCond());
  if (const auto *While = dyn_cast_or_null<WhileStmt>(Parent))
    return !Asks(While->getCond());
  return isa_and_nonnull<CompoundStmt, LabelStmt, SwitchCase>(Parent) ||
         (isa_and_nonnull<DoStmt>(Parent) && !Asks(cast<DoStmt>(Parent)->getCond()));
}

bool safespawn::isRemovable(const CallExpr *Call, const ParentMap &Parents) {
  return isStatement(Call, Parents) && isa_and_nonnull<CompoundStmt>(Parents.getParent(statementOf(Call, Parents))) &&
         Parents.getParent(Call) == Parents.getParent(statementOf(Call, Parents));
}

bool safespawn::advances(const Stmt *Loop, const VarDecl *Var, unsigned Depth) {
  if (Depth > 4)
    return false;
  auto Follows = [&](const Expr *Value) {
    SmallVector<const DeclRefExpr *, 8> Named;
    gather(static_cast<const Stmt *>(Value), Named);
    return holdsCall(Value) || llvm::any_of(Named, [&](const DeclRefExpr *Ref) {
             const auto *Other = dyn_cast<VarDecl>(Ref->getDecl());
             return Other && (Other == Var || advances(Loop, Other, Depth + 1));
           });
  };
  SmallVector<const ForStmt *, 4> Inner;
  for (const Stmt *Child : Loop->children())
    gather(Child, Inner);
  for (const ForStmt *For : Inner) {
    const Stmt *Init = For->getInit();
    const auto *Assign = dyn_cast_or_null<BinaryOperator>(Init);
    if (Init && (declarationOf(Init, Var) || (Assign && variableOf(Assign->getLHS()) == Var)))
      return false;
  }
  const Stmt *Before = isa<ForStmt>(Loop) ? cast<ForStmt>(Loop)->getInit() : nullptr;
  for (const Stmt *Child : Loop->children()) {
    if (!Child || Child == Before)
      continue;
    if (declarationOf(Child, Var))
      return Var->getInit() && Follows(Var->getInit());
    SmallVector<const UnaryOperator *, 4> Steps;
    SmallVector<const BinaryOperator *, 8> Operations;
    gather(Child, Steps);
    gather(Child, Operations);
    for (const UnaryOperator *Step : Steps)
      if (Step->isIncrementDecrementOp() && variableOf(Step->getSubExpr()) == Var)
        return true;
    for (const BinaryOperator *Op : Operations)
      if (Op->isAssignmentOp() && variableOf(Op->getLHS()) == Var &&
          (Op->isCompoundAssignmentOp() || Follows(Op->getRHS())))
        return true;
  }
  return false;
}

bool safespawn::isZero(const Expr *Value, const ASTContext &Context) {
  Expr::EvalResult Known;
  if (isa<ImplicitValueInitExpr>(Value))
    return true;
  if (const auto *List = dyn_cast<InitListExpr>(Value))
    return llvm::all_of(List->inits(), [&](const Expr *Item) { return isZero(Item, Context); });
  return Value->EvaluateAsInt(Known, Context) && Known.Val.getInt() == 0;
}

void safespawn::eachCallBelow(const FunctionDecl *From, const Unit &U,
                              llvm::function_ref<void(const CallExpr *, const FunctionDecl *)> Visit) {
  llvm::SmallPtrSet<const FunctionDecl *, 16> Seen;
  SmallVector<const FunctionDecl *, 16> Work{From};
  while (!Work.empty()) {
    const FunctionDecl *F = Work.pop_back_val()->getCanonicalDecl();
    if (!Seen.insert(F).second)
      continue;
    for (const CallExpr *Call : U.callsIn(F)) {
      Visit(Call, F);
      if (const FunctionDecl *Callee = Call->getDirectCallee(); Callee && Callee->hasBody())
        Work.push_back(Callee);
    }
  }
}
