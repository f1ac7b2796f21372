// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a report is told: what things are called in messages, and the notes that say how the path came there.
#pragma once

#include "checkers/Unit.h"
#include "clang/StaticAnalyzer/Core/BugReporter/BugReporterVisitors.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/MemRegion.h"
#include <functional>
#include <memory>
#include <string>

namespace safespawn {

/// How the user would write the object that lives in \p Region, or an empty string.
std::string written(const clang::ento::MemRegion *Region);
/// A handle's name in messages: where it is stored, else how it is written in \p Expression, its place or its value.
/// For an element of an array the source's own index, which stands for every round of a loop.
std::string nameOf(const clang::ento::MemRegion *Storage, const clang::Expr *Expression, const Unit &U,
                   bool IsValue = false);
llvm::StringRef functionName(const clang::Decl *D);

/// What a path should have done before its exit.
struct Omission {
  std::function<bool(const clang::CallExpr *)> Does; ///< whether a call does it
  std::string Text;                                  ///< that it was not done: "'t' is not joined"
};

/// Tells how the path came to leave \p Frame at \p Exit (null: its end) without what \p Omitted says: the last
/// condition behind which it is not done any more, or, where the function never does it, the condition whose branch
/// holds the exit; in the words of the source. \p Begun, which made it necessary, is known to have worked.
std::unique_ptr<clang::ento::BugReporterVisitor> tellWayOut(const clang::LocationContext *Frame,
                                                            const clang::Stmt *Exit, const clang::Stmt *Begun,
                                                            Omission Omitted, const Unit &U);
/// Tells, with \p Text, where the path learned what \p Result is.
std::unique_ptr<clang::ento::BugReporterVisitor> tellOutcome(clang::ento::SymbolRef Result, std::string Text);

/// What a report of ours shows of its path: the story, the calls that hold a part of it, and the arrows. The analyzer's
/// own remarks on the way are left out. The calls inside of \p D are changed.
clang::ento::PathPieces storyOf(const clang::ento::PathDiagnostic &D);
/// Whether a report of ours is shown where there are the reports \p Beside.
bool isShown(const clang::ento::PathDiagnostic &D, llvm::ArrayRef<const clang::ento::PathDiagnostic *> Beside);

} // namespace safespawn
