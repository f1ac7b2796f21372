// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bare spawns become tasks of a scope of the runtime (runtime/include/safespawn.h). A rewrite changes all that a file
// does with the handles of one block, or nothing: what is not understood is left alone, with the reason.
#pragma once

#include "checkers/Report.h"
#include "checkers/Unit.h"
#include "fixits/Edits.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/AnalysisManager.h"

namespace safespawn {

/// Why calls that a macro makes are left alone: what is right for one of its uses is not for another.
inline constexpr const char *MacroDisagrees = "a macro calls for it, and its uses do not agree on what it is to become";

struct RewriteOptions {
  /// What becomes of a thread that is detached on purpose.
  enum Purpose { Keep, Service, Background } Detached = Keep;
  unsigned Limit = 0; ///< tasks at a time that a scope may run; 0: all of them
};

/// A call in what tasks run that stays as it is, though it does not end the task alone.
struct StayingCall {
  const clang::FunctionDecl *In;
  clang::SourceLocation At;
  std::string What, Why;
};

/// What becomes of some threads that belong together.
struct ScopeRewrite {
  const clang::FunctionDecl *In = nullptr;
  clang::SourceLocation At;                         ///< the first spawn
  Fix Edits;                                        ///< without hints where it is left alone
  std::vector<clang::SourceLocation> Calls;         ///< those that become others
  std::string What;                                 ///< what is left alone
  Edits::MacroEdits Macros;                         ///< what is edited in the definitions of macros
  std::string Why;                                  ///< empty where it is not
  std::string Note;                                 ///< what a person should know of the result; may be empty
  std::vector<StayingCall> Staying;                 ///< in what the tasks run, and not edited
  std::vector<const clang::FunctionDecl *> Unasked; ///< the start routines of tasks that nobody asks how they ended
};

/// All rewrites of a file, and what it leaves alone, in the order of the source.
std::vector<ScopeRewrite> rewriteAsScopes(const Unit &U, const RewriteOptions &Asked,
                                          clang::ento::AnalysisManager &Manager);

} // namespace safespawn
