// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which descriptors a unit makes such that calls on them do not wait, as it is written: by the call that they come from
// or by one that sets them up, told by the name of a constant among its arguments. Descriptors are known by the last
// declaration on the way to them, so that a field is one for all objects of its type.
#pragma once

#include "checkers/Unit.h"
#include "llvm/ADT/StringMap.h"

namespace safespawn {

class Descriptors {
public:
  explicit Descriptors(const Unit &U) : U(U) {}

  /// Whether a call with a constant that has \p Word in its name makes or sets what \p E stands for.
  bool areSetWith(const clang::Expr *E, llvm::StringRef Word);

private:
  using Set = llvm::DenseSet<const clang::ValueDecl *>;
  struct Walk;

  void collect();
  const Set &setWith(llvm::StringRef Word);
  bool names(const clang::CallExpr *Call, llvm::StringRef Word) const;
  bool isFrom(const clang::Expr *E, const Set &Of, llvm::StringRef Word, unsigned Depth = 0) const;

  const Unit &U;
  bool Collected = false;
  std::vector<const clang::CallExpr *> Calls;
  /// What is assigned to variables and fields, and what functions return.
  llvm::DenseMap<const clang::ValueDecl *, llvm::SmallVector<const clang::Expr *, 2>> Values;
  llvm::StringMap<Set> Known; ///< by the word
};

} // namespace safespawn
