// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What fixes ask of a function's body: where a variable is named and declared, where control leaves, what the function
// does when a call fails. Nothing here edits.
#pragma once

#include "checkers/Flow.h"
#include "checkers/Unit.h"
#include "clang/AST/ParentMap.h"
#include "clang/Analysis/CFG.h"
#include <string>
#include <utility>
#include <vector>

namespace safespawn {

/// The place that a spawn stores its handle into, as an lvalue; null where it is not named.
const clang::Expr *handlePlace(const clang::CallExpr *Spawn, const Meaning &Row);
/// Whether \p Call joins or detaches the handle at \p Place.
bool givesUp(const clang::CallExpr *Call, const clang::Expr *Place, const Unit &U);

/// All nodes of one kind below \p S, in the order of the source.
template <typename Node> void gather(const clang::Stmt *S, llvm::SmallVectorImpl<const Node *> &Out) {
  if (!S)
    return;
  if (const auto *Found = llvm::dyn_cast<Node>(S))
    Out.push_back(Found);
  for (const clang::Stmt *Child : S->children())
    gather(Child, Out);
}

/// All mentions of \p D below \p S, in the order of the source.
void collect(const clang::Stmt *S, const clang::ValueDecl *D, llvm::SmallVectorImpl<const clang::DeclRefExpr *> &Out);
/// The declaration statement of the local \p Var below \p S.
const clang::DeclStmt *declarationOf(const clang::Stmt *S, const clang::VarDecl *Var);
/// The statement that stands in a block and holds \p E, or null.
const clang::Stmt *statementOf(const clang::Stmt *E, const clang::ParentMap &Parents);
/// Whether \p S declares something else under the name of \p Var.
bool hasNamesake(const clang::Stmt *S, const clang::VarDecl *Var);
/// How often \p S gives \p Var a value.
unsigned countWrites(const clang::Stmt *S, const clang::VarDecl *Var, const Unit &U);

/// Walks forward from \p From as walk() does, and also comes to each goto, and to the end of the body as null. A path
/// goes on where \p GoOn says so, and does not go where the spawn of \p Worked failed.
void follow(const clang::CFG &Graph, FlowPoint From, const SpawnTest &Worked,
            llvm::function_ref<bool(const clang::Stmt *)> GoOn);

/// How a failure of \p Row reads as a condition: what stands before the call, and what after it.
std::pair<std::string, std::string> failureTest(const Meaning &Row);

/// What a function does when a call fails: a constant it returns, or a label it goes to.
struct FailureWay {
  std::string Text; ///< without the semicolon
  const clang::Stmt *Exit;
};
/// The ways of \p Body, each text once, in the order of their texts; not what it returns when all went well.
std::vector<FailureWay> failureWays(const clang::Stmt *Body, clang::ASTContext &Context);
/// Whether \p Exit returns nothing or a constant, or goes to a label.
bool isFailureWay(const clang::Stmt *Exit, clang::ASTContext &Context);

inline bool isLoop(const clang::Stmt *S) {
  return llvm::isa_and_nonnull<clang::ForStmt, clang::WhileStmt, clang::DoStmt>(S);
}
/// Whether \p Call is a statement of a block, and nothing is left when it is taken out.
bool isRemovable(const clang::CallExpr *Call, const clang::ParentMap &Parents);
/// Whether \p Var is something else in each round of \p Loop: it is counted, it moves on from itself, it is made anew,
/// or it follows something that does so. Where it begins again within the loop it does not.
bool advances(const clang::Stmt *Loop, const clang::VarDecl *Var, unsigned Depth = 0);
/// Whether \p Call stands by itself, so that nobody asks for its result.
bool isStatement(const clang::CallExpr *Call, const clang::ParentMap &Parents);
/// Calls \p Visit for each call that is made in \p From, or in a function of this file that it calls.
void eachCallBelow(const clang::FunctionDecl *From, const Unit &U,
                   llvm::function_ref<void(const clang::CallExpr *, const clang::FunctionDecl *)> Visit);
/// Whether \p Value, which may be a list, is no more than zeros.
bool isZero(const clang::Expr *Value, const clang::ASTContext &Context);

} // namespace safespawn
