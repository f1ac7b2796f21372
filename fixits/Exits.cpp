// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/Exits.h"

using namespace clang;
using namespace safespawn;

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

Exits::Exits(const Unit &U, const CallExpr *Begin, const Meaning &Row, const FunctionDecl *In,
             AnalysisDeclContext &Context, std::function<bool(const CallExpr *)> Ends)
    : U(U), Begin(Begin), Graph(*Context.getCFG()), Parents(Context.getParentMap()),
      Body(cast<CompoundStmt>(In->getBody())), Result(testOf(Graph, Begin, Row, Parents, U)), Ends(std::move(Ends)) {}

bool Exits::areClear(const VarDecl *Var) const {
  SmallVector<const DeclRefExpr *, 8> Uses;
  collect(Body, Var, Uses);
  for (const DeclRefExpr *Use : Uses) {
    const Stmt *Up = Use;
    while (Up && !isa<CallExpr>(Up) && !isa<CompoundStmt>(Up))
      Up = Parents.getParent(Up);
    const auto *Call = dyn_cast_or_null<CallExpr>(Up);
    if (!Call || (Call != Begin && U.meaningsOf(Call->getDirectCallee()).empty()))
      return false;
  }
  return Result.Known && !hasNamesake(Body, Var);
}

SmallVector<const Stmt *, 8> Exits::afterSuccess() const {
  SmallVector<const Stmt *, 8> Found;
  visit(pointAfter(Graph, Begin), Result.Failed, /*StopWhenEnded=*/true, [&](const Stmt *Exit) {
    if (!llvm::is_contained(Found, Exit))
      Found.push_back(Exit);
  });
  return Found;
}

bool Exits::isOurs(const Stmt *Exit) const {
  if (comesFrom({&Graph.getEntry(), 0}, Exit)) // without the begin
    return false;
  if (Result.Failed && comesFrom({Result.Failed, 0}, Exit))
    return false;
  for (const CFGBlock *Block : Graph)
    for (unsigned I = 0; I < Block->size(); ++I)
      if (auto Element = (*Block)[I].getAs<CFGStmt>())
        if (const auto *Call = dyn_cast<CallExpr>(Element->getStmt()); Call && Ends(Call))
          if (comesFrom({Block, I + 1}, Exit))
            return false;
  return true;
}

bool Exits::isNamedBefore(const Stmt *Exit, const ValueDecl *D) const {
  const auto *Block = Exit ? dyn_cast_or_null<CompoundStmt>(Parents.getParent(Exit)) : Body;
  for (const Stmt *S : Block ? Block->body() : Body->body()) {
    if (S == Exit)
      break;
    if (isa<CallExpr>(S) && S != Begin && mentions(S, D) && reaches(Graph, Begin, S))
      return true;
  }
  return false;
}

bool Exits::insertBefore(const Stmt *Exit, const std::string &Statement, const VarDecl *Var, Edits &E) const {
  // What an inner block declares is gone at an exit outside of it.
  const DeclStmt *Declaration = declarationOf(Body, Var);
  const Stmt *Scope = Declaration ? Parents.getParent(Declaration) : Body;
  const Stmt *Up = Exit ? Exit : Body;
  while (Up && Up != Scope)
    Up = Parents.getParent(Up);
  if (!Up)
    return false;
  if (Exit) {
    const Stmt *At = isa<ReturnStmt>(Exit) || isa_and_nonnull<IfStmt, ForStmt, WhileStmt>(Parents.getParent(Exit))
                         ? Exit
                         : statementOf(Exit, Parents);
    return At && E.insertBefore(At, Parents, Statement);
  }
  SourceLocation Brace = Body->getRBracLoc();
  if (!E.isEditable(SourceRange(Brace, Brace)) || Body->body_empty())
    return false;
  if (E.isFirstOnLine(Brace))
    E.insert(Brace, E.levelOf(Body->body_front()->getBeginLoc(), Brace) + Statement + ";\n" + E.indentOf(Brace));
  else
    E.insert(Brace, Statement + "; ");
  return true;
}

/// Calls \p Found for each exit that is reached from \p From without another begin and without entering \p Barred.
void Exits::visit(FlowPoint From, const CFGBlock *Barred, bool StopWhenEnded,
                  llvm::function_ref<void(const Stmt *)> Found) const {
  if (!From)
    return;
  llvm::SmallPtrSet<const CFGBlock *, 32> Seen;
  SmallVector<FlowPoint, 16> Work{From};
  while (!Work.empty()) {
    FlowPoint At = Work.pop_back_val();
    bool Stopped = false;
    for (unsigned I = At.Index; I < At.Block->size() && !Stopped; ++I)
      if (auto Element = (*At.Block)[I].getAs<CFGStmt>()) {
        const Stmt *S = Element->getStmt();
        const auto *Call = dyn_cast<CallExpr>(S);
        const bool EndsThread = Call && U.meaningOf(Call, Effect::EndThread);
        if (isa<ReturnStmt>(S) || EndsThread)
          Found(S);
        Stopped = S == Begin || isa<ReturnStmt>(S) || EndsThread || (StopWhenEnded && Call && Ends(Call));
      }
    if (Stopped || At.Block->hasNoReturnElement())
      continue;
    if (At.Block == &Graph.getExit())
      Found(nullptr);
    for (const CFGBlock *Next : At.Block->succs())
      if (Next && Next != Barred && Seen.insert(Next).second)
        Work.push_back({Next, 0});
  }
}

bool Exits::comesFrom(FlowPoint From, const Stmt *Exit) const {
  bool Comes = false;
  visit(From, nullptr, /*StopWhenEnded=*/false, [&](const Stmt *Found) { Comes |= Found == Exit; });
  return Comes;
}
