// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread that is detached on purpose and started once in a process becomes a service of the runtime, where the user
// asks for that: a drain stops it, and nobody else waits for it.
#pragma once

#include "fixits/Handles.h"
#include "fixits/ScopeRewrite.h"

namespace safespawn {

/// Whether what \p D stands for is given up by a detach and not by a join.
bool isDetached(const clang::ValueDecl *D, const Handles &All);
/// Rewrites the thread of \p D. \returns why it cannot be done, or an empty string.
std::string rewriteAsService(const Unit &U, const Handles &All, const clang::ValueDecl *D,
                             clang::ento::AnalysisManager &Manager, ScopeRewrite &Out);

} // namespace safespawn
