// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With which options a scope is opened, as far as the source says so where it is opened.
#pragma once

#include "checkers/Unit.h"
#include <optional>

namespace safespawn {

/// Each is nullopt where the options come from elsewhere.
struct ScopeOptions {
  std::optional<bool> Limited;        ///< a number of tasks that may run at a time is set
  std::optional<bool> HasDeadline;    ///< its tasks are cancelled at some time
  std::optional<bool> Unbound;        ///< no part of the stack of the thread that opens it
  const clang::VarDecl *In = nullptr; ///< the variable that holds them, if there is one
};

/// The options of the scope that \p Open, a call of \p Row, makes.
ScopeOptions optionsOf(const clang::CallExpr *Open, const Meaning &Row, const Unit &U);

/// The assignments in \p Function to a member of \p Options that \p Row knows a meaning of.
llvm::SmallVector<const clang::BinaryOperator *, 2> settingsOf(const clang::VarDecl *Options, const Meaning &Row,
                                                               const clang::FunctionDecl *Function);

/// Whether the constant \p Name is written anywhere in \p E.
bool namesConstant(const clang::Stmt *E, llvm::StringRef Name, const Unit &U);

} // namespace safespawn
