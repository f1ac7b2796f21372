// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the code makes of the result of a call: nothing, a test that says nothing, or something.
#pragma once

#include "checkers/Body.h"
#include "checkers/Unit.h"

namespace safespawn {

/// Follows the value of a call outward, and through a local variable forward, until something is done with it.
class ResultUse {
public:
  enum Use { Ignored, NeverHolds, Tested };

  ResultUse(const Body &B, const Meaning &Row) : B(B), Row(Row) {}

  Use of(const clang::Expr *Result);

  const clang::BinaryOperator *Comparison = nullptr; ///< the first that never holds
  const clang::VarDecl *Stored = nullptr;            ///< where the result goes, if it goes anywhere

private:
  bool mayCompareWrongly() const { return Row.Worked.How == Success::Zero || Row.Worked.How == Success::Constant; }
  bool isStatement(const clang::Stmt *Child, const clang::Stmt *Parent) const;
  Use assigned(const clang::BinaryOperator *Assign);
  Use stored(const clang::VarDecl *Var, const clang::Stmt *Where);
  bool isTarget(const clang::DeclRefExpr *Ref) const;
  bool isVoid(const clang::DeclRefExpr *Ref) const;

  const Body &B;
  const Meaning &Row;
};

/// Whether the author of \p Call expects it to fail: the result is compared with an error, or handed to a function that
/// looks at it, as tests of a refusal do.
bool expectsFailure(const clang::CallExpr *Call, const clang::ParentMap &Parents, const clang::ASTContext &Context);

} // namespace safespawn
