// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls that end the process, in what only the tasks of one scope run: each becomes the failure of its task, and the
// function that waits for the tasks returns as it does when something fails. A call stays where anything could be lost
// by that: something that its frames hold, a result that somebody goes on with, a sibling that waits for the task.
#pragma once

#include "fixits/ScopePlace.h"
#include "llvm/ADT/SmallPtrSet.h"
#include <optional>
#include <string>
#include <vector>

namespace safespawn {

class TaskExits {
public:
  /// \p Failed is what the function of \p Place returns, with 'return', when something failed; may be empty.
  TaskExits(const Unit &U, const ScopePlace &Place, std::string Failed);

  /// Whether \p At comes after what write() puts there, so that nobody need ask once more.
  bool wasAskedBefore(const clang::Stmt *At) const;
  /// Makes each a failure, and has it heard of where the last task is joined: by \p Join, which tells whether one
  /// failed.
  void write(const std::string &Join, Edits &E) const;

private:
  struct End {
    const clang::Stmt *Whole;     ///< what is written: the call, or the macro that makes it
    const clang::Expr *Condition; ///< of a macro such as assert: it goes on where that holds; null for a call
    std::string Code;             ///< of the failure, as the source has it; empty where it has none
  };
  std::optional<End> endOf(const clang::CallExpr *Call, const clang::ParentMap &Parents) const;
  const clang::Stmt *findLastJoin() const;
  void find(const clang::FunctionDecl *Entry);
  bool isOurs(const clang::FunctionDecl *F, unsigned Depth = 0) const;
  bool holdsNothing(const clang::FunctionDecl *F) const;
  bool isAloneIn(const clang::Stmt *Loop, const clang::CallExpr *Join) const;

  const Unit &U;
  const ScopePlace &Place;
  const std::string Failed;
  const clang::Stmt *LastJoin = nullptr; ///< the statement of the block after which all tasks are over
  std::vector<End> Ends;                 ///< those that become failures
  llvm::SmallPtrSet<const clang::FunctionDecl *, 8> Looked;
};

} // namespace safespawn
