// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules about locks and conditions as they are written, which need no path:
//   lock.Copy, CondNoLoop, LostWakeup, and CondMutex for one condition with two locks.
// What happens to a lock along a path is left to LockState.cpp.
#include "checkers/Checkers.h"
#include "checkers/Flow.h"
#include "clang/StaticAnalyzer/Core/Checker.h"

using namespace clang;
using namespace ento;
using namespace safespawn;

namespace {

class LockUse : public Checker<check::ASTCodeBody> {
public:
  Analysis *A = nullptr;
  void checkASTCodeBody(const Decl *D, AnalysisManager &Manager, BugReporter &Reporter) const;
};

} // namespace

void LockUse::checkASTCodeBody(const Decl *, AnalysisManager &, BugReporter &) const { A->U.scan(); }

void safespawn::registerLockUse(CheckerManager &Manager, Analysis &A) { Manager.registerChecker<LockUse>()->A = &A; }
