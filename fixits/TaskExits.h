// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls that end the process, in what only the tasks of one scope run: each becomes the failure of its task, and the
// function that waits for the tasks returns as it does when something fails. A call stays where anything could be lost
// by that: something that its frames hold, a result that somebody goes on with, a sibling that waits for the task.
// What stays is told.
#pragma once

#include "fixits/ProcessEnds.h"
#include "fixits/ScopePlace.h"
#include "fixits/ScopeRewrite.h"
#include <string>
#include <vector>

namespace safespawn {

class TaskExits {
public:
  /// \p Failed is what the function of \p Place returns, with 'return', when something failed; may be empty.
  TaskExits(const Unit &U, const ScopePlace &Place, std::string Failed, clang::ento::AnalysisManager &Manager);

  /// Whether \p At comes after what write() puts there, so that nobody need ask once more.
  bool wasAskedBefore(const clang::Stmt *At) const;
  /// Makes each a failure that can be one, and has it heard of where the last task is joined: by \p Join, which tells
  /// whether one failed.
  void write(const std::string &Join, Edits &E) const;
  std::vector<StayingCall> staying() const { return stayingOf(Known, U.context().getSourceManager()); }

  /// The calls of \p Ends that stay.
  static std::vector<StayingCall> stayingOf(const ProcessEnds &Ends, const clang::SourceManager &SM);

private:
  std::string placeProblem();
  const clang::Stmt *findLastJoin() const;
  bool isAloneIn(const clang::Stmt *Loop, const clang::CallExpr *Join) const;
  bool failsAny() const;

  const Unit &U;
  const ScopePlace &Place;
  const std::string Failed;
  const std::vector<const clang::FunctionDecl *> Entries;
  ProcessEnds Known;
  const clang::Stmt *LastJoin = nullptr; ///< the statement of the block after which all tasks are over
};

} // namespace safespawn
