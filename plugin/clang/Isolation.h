// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs a computation so that its crash, or its never ending, stays its own.
#pragma once

#include "llvm/ADT/STLFunctionalExtras.h"
#include <string>

namespace safespawn {

struct Outcome {
  enum Kind { Done, Crashed, TimedOut, NotStarted } How = Done;
  std::string Detail; ///< e.g. which signal
};

/// Whether this process has one thread, so that a copy of it is a working one.
bool canIsolate();

/// Runs \p Work in a copy of this process, at most \p Seconds long, and hands on the text that it returns. The copy
/// shares no memory with the caller and writes no file of the caller's; only single-threaded processes may call this.
Outcome runIsolated(unsigned Seconds, llvm::function_ref<std::string()> Work, std::string &Result);

/// Runs \p Work in this process; a crash in it leaves its memory behind and comes back as an outcome. For hosts with
/// threads, where a copy of the process would not work.
Outcome runGuarded(llvm::function_ref<void()> Work);

} // namespace safespawn
