// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Protocol.h"

using namespace safespawn;

Move<SyncStage> safespawn::step(SyncStage From, SyncEvent What) {
  using S = SyncStage;
  const bool Dead = From == S::Unborn || From == S::Gone;
  const bool Taken = From == S::Held || From == S::Shared || From == S::Nested;
  auto Dies = [&](S Next) -> Move<S> {
    return Dead ? Move<S>{Next, Rule::lock_Lifetime} : Move<S>{Next, std::nullopt};
  };
  switch (What) {
  case SyncEvent::Init:
    // Made again without an end: what waits on the first one is lost.
    if (From == S::Made || From == S::Free || Taken)
      return {S::Made, Rule::lock_Lifetime};
    return {S::Made, std::nullopt};
  case SyncEvent::Acquire:
    if (From == S::Held || From == S::Shared)
      return {From, Rule::lock_DoubleLock};
    return Dies(From == S::Nested ? S::Nested : S::Held);
  case SyncEvent::AcquireShared:
    if (From == S::Held)
      return {From, Rule::lock_DoubleLock};
    return Dies(From == S::Shared || From == S::Nested ? S::Nested : S::Shared);
  case SyncEvent::AcquireAgain:
    return Dies(Taken ? S::Nested : S::Held);
  case SyncEvent::Release:
    if (From == S::Made || From == S::Free)
      return {From, Rule::lock_NotHeld};
    return Dies(From == S::Nested ? S::Unknown : S::Free);
  case SyncEvent::Destroy:
    if (From == S::Held || From == S::Shared)
      return {S::Gone, Rule::lock_Lifetime};
    return Dies(S::Gone);
  case SyncEvent::Use:
    return Dies(From);
  case SyncEvent::WaitFor:
    if (From == S::Made || From == S::Free)
      return {From, Rule::lock_CondMutex};
    return Dies(From);
  case SyncEvent::End:
    if (From == S::Held || From == S::Shared)
      return {From, Rule::lock_Leak};
    return {From, std::nullopt};
  }
  return {From, std::nullopt};
}

Move<HandleStage> safespawn::step(HandleStage From, HandleEvent What) {
  using S = HandleStage;
  const bool GivenUp = From == S::Joined || From == S::Detached;
  auto GiveUp = [&](S Next) -> Move<S> {
    if (GivenUp)
      return {Next, Rule::thread_DoubleJoin};
    if (From == S::Empty || From == S::Failed)
      return {Next, Rule::thread_JoinUnspawned};
    return {Next, std::nullopt};
  };
  switch (What) {
  case HandleEvent::Spawn:
  case HandleEvent::SpawnDetached: {
    const S Next = What == HandleEvent::Spawn ? S::Live : S::Detached;
    return From == S::Live ? Move<S>{Next, Rule::thread_Overwrite} : Move<S>{Next, std::nullopt};
  }
  case HandleEvent::Join:
    return GiveUp(S::Joined);
  case HandleEvent::Detach:
    return GiveUp(S::Detached);
  case HandleEvent::Cancel:
    if (From == S::Empty || From == S::Failed)
      return {From, Rule::thread_JoinUnspawned};
    return {From, std::nullopt};
  case HandleEvent::End:
    return From == S::Live ? Move<S>{From, Rule::thread_Leak} : Move<S>{From, std::nullopt};
  }
  return {From, std::nullopt};
}

Move<ScopeStage> safespawn::step(ScopeStage From, ScopeEvent What) {
  using S = ScopeStage;
  auto If = [&](bool Broken, S Next, Rule R) { return Broken ? Move<S>{Next, R} : Move<S>{Next, std::nullopt}; };
  switch (What) {
  case ScopeEvent::Open:
    return {S::Open, std::nullopt};
  case ScopeEvent::Spawn:
    return If(From == S::Closed || From == S::Joined, From == S::Open ? S::Busy : From, Rule::scope_Order);
  case ScopeEvent::Limit:
    return If(From == S::Busy, From, Rule::scope_Order);
  case ScopeEvent::Close:
    return {From == S::Joined ? From : S::Closed, std::nullopt};
  case ScopeEvent::Join:
    return {S::Joined, std::nullopt};
  case ScopeEvent::Jump:
    return If(From == S::Open || From == S::Busy || From == S::Closed, From, Rule::scope_Order);
  case ScopeEvent::End:
    return If(From == S::Open || From == S::Busy, From, Rule::scope_Unjoined);
  }
  return {From, std::nullopt};
}
