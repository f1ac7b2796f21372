// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The calls that may wait for others and that a path can still come to. Whoever looks into a function only for what it
// waits for need look no further than the last of them.
#pragma once

#include "checkers/Checkers.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/AnalysisManager.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallPtrSet.h"
#include <map>
#include <vector>

namespace safespawn {

class WaitsAhead {
public:
  /// Null among them stands for a call through a pointer, which may lead anywhere.
  using Calls = llvm::SmallPtrSet<const clang::CallExpr *, 8>;

  explicit WaitsAhead(const Analysis &A) : A(A) {}

  /// Those that may come in \p B or behind it, before \p F returns, in \p F itself and in what it calls.
  const Calls &from(const clang::FunctionDecl *F, const clang::CFGBlock *B, clang::ento::AnalysisManager &Manager);

private:
  /// Adds \p Call if it may wait, or those in its callee.
  void add(const clang::CallExpr *Call, Calls &Out);
  /// Those in \p F and in what it calls.
  const Calls &in(const clang::FunctionDecl *F);

  const Analysis &A;
  llvm::DenseMap<const clang::FunctionDecl *, std::vector<Calls>> From; ///< by the number of the block
  std::map<const clang::FunctionDecl *, Calls> Inside;
};

} // namespace safespawn
