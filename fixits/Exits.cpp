// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/Exits.h"

using namespace clang;
using namespace safespawn;

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
  visit(pointAfter(Graph, Begin), Result, /*StopWhenEnded=*/true, [&](const Stmt *Exit) {
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
  return E.insertAtEnd(Body, Statement);
}

/// Calls \p Found for each exit that is reached from \p From without another begin.
void Exits::visit(FlowPoint From, const SpawnTest &Worked, bool StopWhenEnded,
                  llvm::function_ref<void(const Stmt *)> Found) const {
  follow(Graph, From, Worked, [&](const Stmt *S) {
    const auto *Call = dyn_cast_or_null<CallExpr>(S);
    const bool IsExit = !S || isa<ReturnStmt>(S) || (Call && U.meaningOf(Call, Effect::EndThread));
    if (IsExit)
      Found(S);
    return !IsExit && S != Begin && !(StopWhenEnded && Call && Ends(Call));
  });
}

bool Exits::comesFrom(FlowPoint From, const Stmt *Exit) const {
  bool Comes = false;
  visit(From, {}, /*StopWhenEnded=*/false, [&](const Stmt *Found) { Comes |= Found == Exit; });
  return Comes;
}
