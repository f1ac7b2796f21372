// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/ScopeOptions.h"
#include "checkers/Flow.h"
#include "clang/AST/RecursiveASTVisitor.h"

using namespace clang;
using namespace safespawn;

namespace {

/// The member of a variable that \p Assign sets; null where it sets something else.
const MemberExpr *memberSet(const BinaryOperator *Assign, const VarDecl *Var) {
  const auto *Member = dyn_cast<MemberExpr>(Assign->getLHS()->IgnoreParens());
  const bool OfVar = Assign->isAssignmentOp() && Member && !Member->isArrow() && variableOf(Member) == Var;
  return OfVar ? Member : nullptr;
}

struct Settings : RecursiveASTVisitor<Settings> {
  const VarDecl *Var;
  SmallVector<const BinaryOperator *, 4> Found;
  explicit Settings(const VarDecl *Var) : Var(Var) {}
  bool VisitBinaryOperator(BinaryOperator *Assign) {
    if (memberSet(Assign, Var))
      Found.push_back(Assign);
    return true;
  }
};

bool isZero(const Expr *E, const ASTContext &Context) {
  Expr::EvalResult Value;
  return isa<ImplicitValueInitExpr>(E) || (E->EvaluateAsInt(Value, Context) && Value.Val.getInt() == 0);
}

} // namespace

bool safespawn::namesConstant(const Stmt *E, StringRef Name, const Unit &U) {
  if (!E || Name.empty())
    return false;
  if (const auto *Ref = dyn_cast<DeclRefExpr>(E))
    return Ref->getDecl()->getDeclName().isIdentifier() && Ref->getDecl()->getName() == Name;
  if (const auto *Literal = dyn_cast<IntegerLiteral>(E)) // what is left of a macro
    return Literal->getBeginLoc().isMacroID() && U.text(Literal) == Name;
  return llvm::any_of(E->children(), [&](const Stmt *Child) { return namesConstant(Child, Name, U); });
}

SmallVector<const BinaryOperator *, 2> safespawn::settingsOf(const VarDecl *Options, const Meaning &Row,
                                                             const FunctionDecl *Function) {
  Settings All(Options);
  All.TraverseStmt(Function->getBody());
  SmallVector<const BinaryOperator *, 2> Found;
  for (const BinaryOperator *Assign : All.Found)
    if (StringRef Name = memberSet(Assign, Options)->getMemberDecl()->getName();
        Name == Row.LimitedBy || Name == Row.DeadlineBy)
      Found.push_back(Assign);
  return Found;
}

ScopeOptions safespawn::optionsOf(const CallExpr *Open, const Meaning &Row, const Unit &U) {
  ScopeOptions Found;
  const ASTContext &Context = U.context();
  if (const Expr *Value = Unit::argument(Open, Row.Value))
    Found.Limited = !isZero(Value, Context);
  const Expr *Attr = Unit::argument(Open, Row.Attr);
  if (!Attr || Attr->isNullPointerConstant(const_cast<ASTContext &>(Context), Expr::NPC_ValueDependentIsNotNull)) {
    Found.HasDeadline = Found.Unbound = false;
    if (!Found.Limited && !Row.Value.isArgument())
      Found.Limited = false;
    return Found;
  }
  const Expr *E = Attr->IgnoreParenCasts();
  if (const auto *Address = dyn_cast<UnaryOperator>(E); Address && Address->getOpcode() == UO_AddrOf)
    E = Address->getSubExpr()->IgnoreParens();
  const Expr *Init = nullptr;
  SmallVector<const BinaryOperator *, 4> Assigned;
  if (const auto *Literal = dyn_cast<CompoundLiteralExpr>(E)) {
    Init = Literal->getInitializer();
  } else if (const auto *Ref = dyn_cast<DeclRefExpr>(E)) {
    const auto *Var = dyn_cast<VarDecl>(Ref->getDecl());
    const auto *In = Var ? dyn_cast<FunctionDecl>(Var->getDeclContext()) : nullptr;
    if (!Var || isa<ParmVarDecl>(Var) || (!In && !Var->getType().isConstQualified()))
      return Found;
    Found.In = Var;
    Init = Var->getInit();
    if (In && In->getBody()) {
      Settings All(Var);
      All.TraverseStmt(In->getBody());
      Assigned = std::move(All.Found);
    }
  }
  const auto *List = dyn_cast_or_null<InitListExpr>(Init);
  if (List && !List->isSemanticForm())
    List = List->getSemanticForm();
  const RecordDecl *Record = E->getType()->getAsRecordDecl();
  if ((!List && Assigned.empty()) || !Record)
    return Found;

  auto IsSet = [&](StringRef Member) {
    if (Member.empty())
      return false;
    for (const FieldDecl *Field : Record->fields())
      if (List && Field->getName() == Member && Field->getFieldIndex() < List->getNumInits() &&
          !isZero(List->getInit(Field->getFieldIndex()), Context))
        return true;
    return llvm::any_of(Assigned, [&](const BinaryOperator *Assign) {
      return cast<MemberExpr>(Assign->getLHS()->IgnoreParens())->getMemberDecl()->getName() == Member &&
             !isZero(Assign->getRHS(), Context);
    });
  };
  if (!Row.Value.isArgument())
    Found.Limited = IsSet(Row.LimitedBy);
  Found.HasDeadline = IsSet(Row.DeadlineBy);
  Found.Unbound = namesConstant(List, Row.UnboundName, U) || llvm::any_of(Assigned, [&](const BinaryOperator *Assign) {
                    return namesConstant(Assign->getRHS(), Row.UnboundName, U);
                  });
  return Found;
}
