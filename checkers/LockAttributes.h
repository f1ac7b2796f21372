// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What functions are declared to do with locks, by the attributes of -Wthread-safety. A declaration is the author's own
// word: it holds for functions that we do not see, and it tells what a function owes that we do.
#pragma once

#include "checkers/Unit.h"

namespace safespawn {

/// One lock that an attribute of a function names.
struct DeclaredLock {
  enum Kind {
    Taken, ///< held when the function has returned
    Tried, ///< the same, when it returned success
    Given, ///< held when the function is called, and not afterwards
    Needed ///< held all the time
  };
  Kind How = Taken;
  bool Shared = false;
  bool Reentrant = false;            ///< its holder may take it again
  const clang::Expr *Lock = nullptr; ///< the lock or a pointer to it, over the function's parameters
  const Meaning *Row = nullptr;      ///< what a model would say of a call; null where it is Needed
  clang::SourceLocation At;

  /// The type of the lock.
  clang::QualType type() const;
};

/// Whether an attribute says what \p F does with locks, or which it needs.
bool hasLockAttributes(const clang::FunctionDecl *F);
/// Whether an attribute says that a call of \p F takes a lock or gives one back.
bool isDeclaredToLock(const clang::FunctionDecl *F);
/// What the attributes of \p F say.
llvm::SmallVector<DeclaredLock, 2> declaredLocks(const clang::FunctionDecl *F);
/// Whether the body of \p F is not meant to keep what its declaration says, or any balance.
bool isLeftUnchecked(const clang::FunctionDecl *F);
/// Whether this unit has read any word that such an attribute is spelled with.
bool mentionsLockAttributes(const clang::ASTContext &Context);
/// Whether a call of \p F does what the attributes say, as nothing tells it better: its body is not here, or makes no
/// call that a model describes.
bool isKnownByAttributes(const clang::FunctionDecl *F, const Unit &U);
/// The fields that lead to the lock in an object of \p Type, where that is the project's own around one.
llvm::SmallVector<const clang::FieldDecl *, 2> wayToLock(clang::QualType Type, const Unit &U);

} // namespace safespawn
