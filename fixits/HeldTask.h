// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread that one function starts and another one joins becomes a task with a scope of its own, beside it in the
// object that holds the handle. Two small functions, written into the file once, open and end the scope, so that each
// call stays the expression that it was.
#pragma once

#include "fixits/Edits.h"
#include "fixits/ScopePlace.h"
#include "fixits/ScopeRewrite.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/AnalysisManager.h"

namespace safespawn {

/// Rewrites all uses of \p Vars, variables and fields that are declared together. \returns why not, or an empty string.
std::string rewriteHeld(const Unit &U, const Handles &All, llvm::ArrayRef<const clang::ValueDecl *> Vars,
                        clang::ento::AnalysisManager &Manager, ScopeRewrite &Out);

} // namespace safespawn
