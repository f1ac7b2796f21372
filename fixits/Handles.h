// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a file keeps the handles of its threads, and all that it does with them: whoever changes the type of a handle
// has to change every use of it. Nothing here edits.
#pragma once

#include "checkers/Unit.h"
#include "clang/AST/ParentMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace safespawn {

/// One mention of a variable or field that holds handles, or points to them.
struct HandleUse {
  enum Kind {
    Call,     ///< to a call that a model describes, in a role of a handle
    Size,     ///< sizeof, which evaluates nothing
    Allocate, ///< a pointer gets the memory for handles from a call
    Free,     ///< a pointer goes to a call, as the handles' memory and not as one of them
    Test,     ///< a pointer is compared with NULL
    Other,
  };
  Kind What = Other;
  const clang::Expr *Ref = nullptr;        ///< names the variable or field
  const clang::Expr *Given = nullptr;      ///< what is handed to the call
  const clang::CallExpr *In = nullptr;     ///< the call
  const Meaning *Row = nullptr;            ///< what the call means
  const clang::FunctionDecl *By = nullptr; ///< the function that does it; null at file level
  const clang::Stmt *Around = nullptr;     ///< for Other: what it is used in

  bool is(Effect What) const { return Row && Row->What == What; }
  /// What the thread of a spawn runs; null where it is not named.
  const clang::FunctionDecl *entry() const { return Unit::namedFunction(Unit::argument(In, Row->Entry)); }
};

class Handles {
public:
  Handles(const Unit &U, llvm::function_ref<const clang::ParentMap &(const clang::FunctionDecl *)> ParentsOf);

  /// The variables and fields that hold handles, or point to them, in the order of their first mention.
  using Map = llvm::MapVector<const clang::ValueDecl *, llvm::SmallVector<HandleUse, 4>>;
  const Map &all() const { return Uses; }
  llvm::ArrayRef<HandleUse> usesOf(const clang::ValueDecl *D) const;

  /// The variable or field that \p Spawn stores its handle into or behind, when it is declared as one that holds
  /// handles; else null.
  const clang::ValueDecl *storedInto(const clang::CallExpr *Spawn) const;
  /// Whether \p Type is what the calls of this file name their handles' type.
  bool isHandle(clang::QualType Type) const;
  /// Whether the file has threads of several kinds, as <pthread.h> and <threads.h> do.
  bool hasSeveralTypes() const { return Types.size() > 1; }

private:
  struct Collect;
  void classify(HandleUse &Use, const clang::ParentMap &Parents) const;

  const Unit &U;
  llvm::DenseSet<const clang::TypedefNameDecl *> Types;
  Map Uses;
  llvm::DenseMap<const clang::CallExpr *, const clang::ValueDecl *> Places;
};

} // namespace safespawn
