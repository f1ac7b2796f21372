// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which branches of a function a path has to take both ways. A branch is idle when nothing that matters to a rule
// happens between it and the place where its ways meet again: no described call, no return, no call that may not come
// back, and no assignment to anything that a later branch, call or return depends on. A path goes one way through an
// idle branch and learns nothing from it, so that it stands for both.
#pragma once

#include "checkers/Checkers.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/AnalysisManager.h"
#include "llvm/ADT/DenseMap.h"
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace safespawn {

class Forks {
public:
  explicit Forks(const Analysis &A) : A(A), U(A.U) {}

  struct Way {
    bool Side;
    bool Holds; ///< the condition is known then: on the other side the process ends
  };
  /// The way to take at the branch on \p Condition in \p F; nullopt where both have to be taken.
  std::optional<Way> wayAt(const clang::Stmt *Condition, const clang::FunctionDecl *F,
                           clang::ento::AnalysisManager &Manager);

  /// The local variables of \p F that its effects, returns and further branches depend on.
  llvm::ArrayRef<const clang::VarDecl *> localsThatMatter(const clang::FunctionDecl *F,
                                                          clang::ento::AnalysisManager &Manager);

  /// Whether \p F's effects, returns and further branches may depend on the field or variable \p What.
  bool matters(const clang::ValueDecl *What, const clang::FunctionDecl *F, clang::ento::AnalysisManager &Manager) {
    return factsOf(F, Manager).Matter.count(What);
  }

private:
  struct Facts {
    llvm::DenseMap<const clang::Stmt *, Way> Ways;
    std::vector<const clang::VarDecl *> Locals;
    llvm::SmallPtrSet<const clang::ValueDecl *, 16> Matter;
  };
  Facts find(const clang::FunctionDecl *F, clang::ento::AnalysisManager &Manager) const;
  const Facts &factsOf(const clang::FunctionDecl *F, clang::ento::AnalysisManager &Manager);

  const Analysis &A;
  const Unit &U;
  std::map<std::pair<const clang::FunctionDecl *, Focus>, std::unique_ptr<Facts>> Known;
};

} // namespace safespawn
