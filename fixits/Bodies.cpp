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
