// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The blocking calls of a thread that is cancelled: as a task it ends where one of them says so. Each becomes the
// runtime's form of it together with the exit that cancellation was, so that no loop goes on over the error.
#pragma once

#include "checkers/Unit.h"
#include "fixits/Edits.h"
#include "fixits/Handles.h"
#include <string>
#include <vector>

namespace safespawn {

class CancelForms {
public:
  explicit CancelForms(const Unit &U) : U(U) {}

  /// Adds all that a thread in \p Entry may run. \returns why it cannot be cancelled as a task, or an empty string.
  std::string add(const clang::FunctionDecl *Entry);
  void write(Edits &E) const;

  struct Form;

private:
  struct Point {
    const clang::CallExpr *Call;
    const Form *To;
    const clang::FunctionDecl *By;
    const clang::Stmt *Statement; ///< that the call is, or that keeps its result
    std::string Result;           ///< the variable that it is kept in; empty where nobody looks at it
  };
  std::string addFunction(const clang::FunctionDecl *F, const clang::ParentMap &Parents);
  std::string addPoint(const clang::CallExpr *Call, const Form &To, const clang::FunctionDecl *By,
                       const clang::ParentMap &Parents);
  bool passesPoint(const clang::Stmt *Part, const clang::Stmt *Of, const clang::ParentMap &Parents,
                   unsigned Depth = 0) const;
  bool isPassedBy(const clang::FunctionDecl *F, unsigned Depth) const;
  std::string loopProblem(const clang::FunctionDecl *F, const clang::ParentMap &Parents) const;

  const Unit &U;
  std::vector<Point> Points;
  llvm::SmallVector<const clang::FunctionDecl *, 8> Seen;
};

/// Makes the cancel of a thread that of its task, which is \p Member of what holds the handle.
void cancelTask(const HandleUse &Use, const std::string &Member, Edits &E);

} // namespace safespawn
