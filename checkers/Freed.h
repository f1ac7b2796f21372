// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which kinds of objects the calls of a unit may free, by the types of the pointers that they give away. What goes as
// bytes, numbers or pointers holds no lock.
#pragma once

#include "checkers/Unit.h"
#include "llvm/ADT/SetVector.h"

namespace safespawn {

class Freed {
public:
  explicit Freed(const Unit &U) : U(U) {}

  /// Whether \p Call, or what it calls in this file, may free an object of type \p Record (null: of any type).
  bool mayFree(const clang::CallExpr *Call, const clang::RecordDecl *Record);

private:
  struct Facts {
    llvm::SmallSetVector<const clang::RecordDecl *, 4> Types; ///< null: of a type that is not known
    llvm::SmallSetVector<unsigned, 2> Params;                 ///< what its callers hand to it
  };
  void derive();
  void add(const clang::CallExpr *Call, Facts &Out) const;
  static void addObject(const clang::Expr *Pointer, Facts &Out);

  const Unit &U;
  bool Derived = false;
  llvm::DenseMap<const clang::FunctionDecl *, Facts> Of;
};

} // namespace safespawn
