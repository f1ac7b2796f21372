// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The ways out of a function, as far as one thing is concerned that a call begins and another call ends: a thread and
// its join, a lock and its release. Every fix that ends it before an exit asks here whether that is right for all
// paths.
#pragma once

#include "checkers/Flow.h"
#include "fixits/Bodies.h"
#include "fixits/Edits.h"
#include <functional>

namespace safespawn {

class Exits {
public:
  /// \p Begin begins it where \p Row says that it worked; a call ends it for which \p Ends says so.
  Exits(const Unit &U, const clang::CallExpr *Begin, const Meaning &Row, const clang::FunctionDecl *In,
        clang::AnalysisDeclContext &Context, std::function<bool(const clang::CallExpr *)> Ends);

  /// Whether what the code makes of the result of the call that begins is understood.
  bool isResultKnown() const { return Result.Known; }
  /// Whether it is clear at each exit what \p Var stands for: its value goes nowhere but into calls that we know, no
  /// other variable has its name, and the result of the call that begins is understood.
  bool areClear(const clang::VarDecl *Var) const;
  /// The return statements that are reached once it has begun; null stands for the end of the body.
  llvm::SmallVector<const clang::Stmt *, 8> afterSuccess() const;
  /// Whether every path to \p Exit has it begun and not ended: an edit there serves them all.
  bool isOurs(const clang::Stmt *Exit) const;
  /// Whether a call that stands before \p Exit in its block, and behind the begin, names \p D.
  bool isNamedBefore(const clang::Stmt *Exit, const clang::ValueDecl *D) const;
  /// Puts \p Statement, which names \p Var, before \p Exit. \returns whether that can be done.
  bool insertBefore(const clang::Stmt *Exit, const std::string &Statement, const clang::VarDecl *Var, Edits &E) const;

private:
  void visit(FlowPoint From, const SpawnTest &Worked, bool StopWhenEnded,
             llvm::function_ref<void(const clang::Stmt *)> Found) const;
  bool comesFrom(FlowPoint From, const clang::Stmt *Exit) const;

  const Unit &U;
  const clang::CallExpr *Begin;
  const clang::CFG &Graph;
  const clang::ParentMap &Parents;
  const clang::CompoundStmt *Body;
  const SpawnTest Result;
  const std::function<bool(const clang::CallExpr *)> Ends;
};

} // namespace safespawn
