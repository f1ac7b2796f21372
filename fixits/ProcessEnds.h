// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls that end the process with all of its tasks, in what tasks run: which there are, and whether each could fail its
// task instead, or why not. Nothing here edits, and nothing here asks who would hear of the failure.
#pragma once

#include "checkers/Unit.h"
#include "clang/AST/ParentMap.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/AnalysisManager.h"
#include "llvm/ADT/SetVector.h"
#include <string>
#include <vector>

namespace safespawn {

struct ProcessEnd {
  const clang::CallExpr *Call = nullptr;
  const clang::FunctionDecl *By = nullptr;
  const clang::Stmt *Whole = nullptr;     ///< what is written: the call, or the macro that makes it
  const clang::Expr *Condition = nullptr; ///< of a macro such as assert: it goes on where that holds; null for a call
  std::string Code;                       ///< of the failure, as the source has it; empty where it has none
  std::string Why;                        ///< it cannot fail its task alone; empty where it can
};

class ProcessEnds {
public:
  /// \p Entries are the start routines of some tasks, one for each place that starts one.
  ProcessEnds(const Unit &U, llvm::ArrayRef<const clang::FunctionDecl *> Entries,
              clang::ento::AnalysisManager &Manager);

  std::vector<ProcessEnd> Found; ///< each once
  /// What the note on one that stays begins with, and what it says where \p Why is the reason.
  std::string nameOf(const ProcessEnd &End) const;
  static std::string consequence(const std::string &Why);

private:
  using Functions = llvm::SetVector<const clang::FunctionDecl *>;
  Functions reachedFrom(const clang::FunctionDecl *Entry) const;
  bool isInChild(const clang::CallExpr *Call, const clang::FunctionDecl *By) const;
  std::string foreignUseOf(const clang::FunctionDecl *F, unsigned Depth = 0) const;
  std::string heldBy(const clang::FunctionDecl *F) const;
  ProcessEnd describe(const clang::CallExpr *Call, const clang::FunctionDecl *By,
                      const clang::ParentMap &Parents) const;

  const Unit &U;
  const llvm::ArrayRef<const clang::FunctionDecl *> Entries;
  clang::ento::AnalysisManager &Manager;
  Functions Reached;
};

/// The start routines of all tasks that are tasks in the source as it is, one for each place that starts one.
std::vector<const clang::FunctionDecl *> entriesOfTasks(const Unit &U);

} // namespace safespawn
