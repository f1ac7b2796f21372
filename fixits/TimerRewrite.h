// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A timer of POSIX whose expiry runs a function on a thread of its own (SIGEV_THREAD) becomes a timer of a scope, where
// it is made, armed once and deleted in one function.
#pragma once

#include "fixits/ScopeRewrite.h"

namespace safespawn {

/// Adds what becomes of the timers that \p F makes, or why nothing does, to \p Out.
void rewriteTimers(const Unit &U, const clang::FunctionDecl *F, clang::ento::AnalysisManager &Manager,
                   std::vector<ScopeRewrite> &Out);

} // namespace safespawn
