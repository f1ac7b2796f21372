// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What may happen to an object in which order: one automaton for a synchronisation object, one for a thread's handle,
// one for a scope. They are stated here once. Triage runs them on sets of stages over the CFG, proof on one stage along
// a path; what a stage cannot say (who holds a lock for whom, whether a path is real) is the proof's own business.
#pragma once

#include "checkers/Rules.h"
#include <cstdint>
#include <optional>

namespace safespawn {

/// Where one step leads, and the rule that it breaks, if any.
template <typename Stage> struct Move {
  Stage Next;
  std::optional<Rule> Broken;
};

/// Where a lock, condition, semaphore, barrier or once control stands.
///
///   Unborn --init--> Made --acquire--> Held --release--> Free --acquire--> Held
///                     \--destroy--> Gone <--destroy--/
///
/// Unknown is where an object starts that came from elsewhere; no rule is broken from there.
enum class SyncStage : uint8_t {
  Unknown,
  Unborn, ///< automatic or heap storage that nobody has initialised
  Made,   ///< initialised on this path, and never taken since
  Held,   ///< taken on this path, by this thread alone
  Shared, ///< taken on this path for reading
  Nested, ///< taken several times, as readers and owners of recursive locks may: how often, we do not count
  Free,   ///< given back on this path
  Gone,   ///< destroyed on this path
};
constexpr unsigned NumSyncStages = 8;

enum class SyncEvent : uint8_t {
  Init,
  Acquire,
  AcquireShared,
  AcquireAgain, ///< of a lock that is recursive, or that somebody tries only: it cannot block on itself
  Release,
  Destroy,
  Use,     ///< anything else that needs a living object
  WaitFor, ///< the lock that a condition wait gives back and takes again
  End,     ///< the function, or the thread, ends
};

/// C11 7.26.4, POSIX.1-2017 2.9.9 and the descriptions of the calls; MISRA C:2012 amendment 4, rules 22.14 to 22.18.
Move<SyncStage> step(SyncStage From, SyncEvent What);

/// Where a thread's handle stands.
///
///   Empty --spawn--> Live --join--> Joined    --join or detach--> DoubleJoin
///               \      \----detach-> Detached --join or detach--> DoubleJoin
///                \-(spawn fails)--> Failed    --join, detach, cancel--> JoinUnspawned
enum class HandleStage : uint8_t { Unknown, Empty, Live, Failed, Joined, Detached };
constexpr unsigned NumHandleStages = 6;

enum class HandleEvent : uint8_t {
  Spawn,
  SpawnDetached,
  Join,
  Detach,
  Cancel,
  End, ///< the handle goes out of reach
};

/// POSIX.1-2017, pthread_join and pthread_detach: "undefined if the value does not refer to a joinable thread"; CERT
/// CON39-C, MISRA C:2012 amendment 4, rule 22.11.
Move<HandleStage> step(HandleStage From, HandleEvent What);

/// Where a scope stands.
///
///   Open --spawn--> Busy --join--> Joined --spawn--> report Order
///      \               \--close--> Closed --spawn--> report Order
///       \---------------\-- goes out of reach -----> report Unjoined
///
/// Busy is an open scope that had a task. Unknown is a scope from elsewhere.
enum class ScopeStage : uint8_t { Unknown, Open, Busy, Closed, Joined };
constexpr unsigned NumScopeStages = 5;

enum class ScopeEvent : uint8_t {
  Open,
  Spawn,
  Limit, ///< the number of tasks that may run at a time is set
  Close,
  Join,
  Jump, ///< a jump, or the end of the thread, passes the scope by
  End,  ///< the scope goes out of reach
};

/// What holds for the runtime, and for every library of the kind: errgroup's SetLimit after Go, WaitGroup's Add after
/// Wait, oneTBB's missing_wait.
Move<ScopeStage> step(ScopeStage From, ScopeEvent What);

} // namespace safespawn
