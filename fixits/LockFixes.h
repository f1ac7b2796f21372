// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Remedies for the lock rules. As in ThreadFixes.h, an empty list where a person has to decide.
#pragma once

#include "checkers/Report.h"
#include "checkers/Unit.h"
#include "clang/AST/ParentMap.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/AnalysisManager.h"
#include <vector>

namespace safespawn {

/// Leak: give the lock that \p Acquire took back before \p Exit, a return statement or a call that ends the thread
/// (null: the end of \p In). \p Row is the acquiring row. Only where every path that comes to the exit holds the lock,
/// the lock can be named there as it was named at \p Acquire, and what is returned needs no lock.
std::vector<Fix> fixLockLeak(const Unit &U, const clang::CallExpr *Acquire, const Meaning *Row, const clang::Stmt *Exit,
                             const clang::FunctionDecl *In, clang::ento::AnalysisManager &Manager);

/// Copy: the object that \p Call passes by value as its argument \p Index goes by pointer. Only where the function is
/// this file's own, all its callers are seen, and it does nothing to its copy that its callers must not see.
std::vector<Fix> fixPassedByValue(const Unit &U, const clang::CallExpr *Call, unsigned Index);

/// CondNoLoop: `while` instead of the `if` that guards nothing but \p Wait, where asking again changes nothing.
std::vector<Fix> fixCondNoLoop(const Unit &U, const clang::CallExpr *Wait, const clang::IfStmt *Guard);

/// LostWakeup: wake all waiters instead of one at \p Post.
std::vector<Fix> fixWakeAll(const Unit &U, const clang::CallExpr *Post, const Meaning &Row);

} // namespace safespawn
