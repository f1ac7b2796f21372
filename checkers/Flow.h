// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Questions about the control flow of one function, answered on its CFG: what can be reached from where.
#pragma once

#include "checkers/Unit.h"
#include "clang/AST/ParentMap.h"
#include "clang/Analysis/AnalysisDeclContext.h"
#include "clang/Analysis/CFG.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/AnalysisManager.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <optional>

namespace safespawn {

/// A place between two elements of a CFG.
struct FlowPoint {
  const clang::CFGBlock *Block = nullptr;
  unsigned Index = 0; ///< of the next element
  explicit operator bool() const { return Block; }
};

enum class Step { On, Stop, Found };

/// The point just after \p S is evaluated.
FlowPoint pointAfter(const clang::CFG &Graph, const clang::Stmt *S);

/// Walks forward from \p From over all paths and calls \p Visit for each statement that is evaluated, each once.
/// \returns the statement for which it answered Found, or null. A path ends where it answers Stop, and before \p
/// Barred.
const clang::Stmt *walk(FlowPoint From, llvm::function_ref<Step(const clang::Stmt *)> Visit,
                        const clang::CFGBlock *Barred = nullptr);

/// As walk: whether a path comes to a statement for which \p Visit answers Found, or to the end of the function.
bool leaves(const clang::CFG &Graph, FlowPoint From, llvm::function_ref<Step(const clang::Stmt *)> Visit,
            const clang::CFGBlock *Barred = nullptr);

/// What the code makes of a spawn's result.
struct SpawnTest {
  bool Known = false;                      ///< we understand it
  const clang::CFGBlock *Failed = nullptr; ///< where a path goes when the spawn failed; null when nobody asks
  const clang::CFGBlock *Asked = nullptr;  ///< the block that ends with the test
};

/// The first test of \p Spawn's result that says whether it worked.
SpawnTest testOf(const clang::CFG &Graph, const clang::CallExpr *Spawn, const Meaning &Row,
                 const clang::ParentMap &Parents, const Unit &U);

/// A question that the code asks without changing anything, and may ask again: `if (locked)`.
struct Guard {
  unsigned Hash = 0;    ///< the same for one question, however it is written: a <= b is !(a > b), x is !(x == 0)
  bool Negated = false; ///< the condition asks the opposite
  llvm::SmallVector<const clang::ValueDecl *, 4> Reads; ///< variables and fields
  bool Follows = false;                                 ///< reads also what has no name but a pointer to it
  /// The variable or member whose truth it is, or that it compares with a constant, where it is no more than that; and
  /// what it asks of that, 0 for its truth.
  const clang::Expr *Object = nullptr;
  unsigned Question = 0;
};
/// The guard that \p Condition asks, or nullopt.
std::optional<Guard> guardOf(const clang::Expr *Condition, const clang::ASTContext &Context);

/// The condition of a loop; null for one without, and for what is no loop.
const clang::Expr *conditionOf(const clang::Stmt *Loop);
/// The loop that \p Condition is (a part of) the condition of, or null.
const clang::Stmt *loopOf(const clang::Expr *Condition, const clang::ParentMap &Parents);

/// Whether \p F, whose body is here, is seen never to return.
bool neverReturns(const clang::FunctionDecl *F, clang::ento::AnalysisManager &Manager);

/// Whether \p To may be evaluated after \p From.
bool reaches(const clang::CFG &Graph, const clang::Stmt *From, const clang::Stmt *To);

/// Whether \p S makes a call.
bool holdsCall(const clang::Stmt *S);
/// Whether \p S is, or holds, a statement for which \p Is answers true.
bool holds(const clang::Stmt *S, llvm::function_ref<bool(const clang::Stmt *)> Is);
/// Whether control may come back into a function that holds \p S where nobody sees a jump: what setjmp does, and what
/// pthread_cleanup_push is made of.
bool holdsHiddenReturn(const clang::Stmt *S);
/// Whether \p D is named anywhere in \p S.
bool mentions(const clang::Stmt *S, const clang::ValueDecl *D);
/// The variable that the lvalue \p E is (a part of), or null when it lies behind a pointer.
const clang::VarDecl *variableOf(const clang::Expr *E);
/// The variable that \p E points to (a part of): &v, &v.f, v as an array; null for anything else.
const clang::VarDecl *variablePointedTo(const clang::Expr *E);
/// Whether evaluating \p S changes the object \p Var (a part of it), or hands its address to code that may.
bool changes(const clang::Stmt *S, const clang::VarDecl *Var, const Unit &U);

/// The statement that changes the object whose address \p Spawn hands to its thread while the thread may still run, in
/// the loop around the spawn; null when there is none. (Rule LoopArg; StackEscape gives way to it.)
const clang::Stmt *refillsArgument(const Unit &U, const clang::CallExpr *Spawn, clang::ento::AnalysisManager &Manager);

/// Whether \p Spawn, in a loop, stores into the very place that it stored into in the round before, with no join or
/// detach in between. (Rule Overwrite; Leak gives way to it.)
bool overwritesItself(const Unit &U, const clang::CallExpr *Spawn, clang::ento::AnalysisManager &Manager);

} // namespace safespawn
