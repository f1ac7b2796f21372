// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where threads wait for a condition, and whether they test again what they wait for when they come back.
#pragma once

#include "checkers/Flow.h"
#include "checkers/Unit.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/AnalysisManager.h"
#include <map>

namespace safespawn {

/// A condition wait as it is written; through a function of this file that leaves the loop to its callers, the call of
/// that function.
struct WaitSite {
  const clang::CallExpr *Call = nullptr;
  const clang::FunctionDecl *In = nullptr;
  const clang::CallExpr *Inner = nullptr; ///< the model's call, behind all functions in between
  const Meaning *Row = nullptr;           ///< of Inner
  bool Bounded = false;                   ///< with a time limit

  /// What is waited for, and the lock that is given back meanwhile, as they are named at Call; null where they are not.
  const clang::Expr *condition() const { return atCall(Row->Object); }
  const clang::Expr *lock() const { return atCall(Row->Lock); }

private:
  const clang::Expr *atCall(Role Which) const;
};

/// What becomes of one wait.
struct Judgement {
  bool Loops = true;
  const clang::Expr *Guard = nullptr; ///< the predicate that is tested once, before the wait; null where none is
  const clang::Stmt *Under = nullptr; ///< what tests it: an if, && or the like
};

/// Answers are kept: one object serves a unit.
class Waits {
public:
  Waits(const Unit &U, clang::ento::AnalysisManager &Manager) : U(U), Manager(Manager) {}

  /// The waits that \p Function is to be judged by.
  llvm::ArrayRef<WaitSite> in(const clang::FunctionDecl *Function);
  /// Whether \p Wait is repeated until a test says that there is nothing to wait for.
  Judgement judge(const WaitSite &Wait);
  /// The variables and fields that decide whether \p Wait is repeated.
  llvm::SmallVector<const clang::ValueDecl *, 4> predicateOf(const WaitSite &Wait);

private:
  /// A function, as far as one of its waits is concerned.
  struct Place;
  enum class Helper { Working, No, Yes };

  bool leavesLoopToCallers(const clang::FunctionDecl *Function);
  bool isCalledInLoop(const clang::FunctionDecl *Function);
  std::optional<WaitSite> siteOf(const clang::CallExpr *Call, const clang::FunctionDecl *In);

  const Unit &U;
  clang::ento::AnalysisManager &Manager;
  std::map<const clang::FunctionDecl *, llvm::SmallVector<WaitSite, 2>> Sites; // stable addresses
  llvm::DenseMap<const clang::FunctionDecl *, Helper> Helpers;
};

} // namespace safespawn
