// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What calls mean. A model is a list of rows, each of which maps one call to one effect on the roles of its arguments;
// a call with two effects has two rows. The model knows no checker, and a checker knows no function's name.
// The format is described for users in docs/models.md; the built-in files and a user's own are read by the same code.
#pragma once

#include "llvm/ADT/APSInt.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSet.h"
#include <optional>
#include <string>
#include <vector>

namespace safespawn {

/// \p Value in 64 bits; what is more is cut off, so that UINT64_MAX is -1.
inline int64_t numberOf(const llvm::APSInt &Value) { return int64_t(Value.extOrTrunc(64).getZExtValue()); }

enum class Effect {
  Spawn,            ///< starts a thread: handle, entry, argument, attr
  Join,             ///< waits for the thread and gives its handle up: object, result
  TryJoin,          ///< as Join, but a failure leaves the handle alive
  Detach,           ///< gives the handle up without waiting: object
  Cancel,           ///< asks the thread to end: object
  Self,             ///< returns the calling thread's own handle
  Equal,            ///< compares two handles: object, other
  Observe,          ///< takes a handle and leaves its ownership as it was: object
  EndThread,        ///< does not return: ends the calling thread
  EndProcess,       ///< does not return: ends the process
  AttributeInit,    ///< object
  AttributeDestroy, ///< object
  AttributeSet,     ///< object; value and the name of the constant that makes threads detached
  Init,             ///< makes a synchronisation object, with attr: object, attr
  DefaultAttribute, ///< changes what a spawn without attributes gets
  Fork,             ///< returns 0 in a child process that has one thread
  Acquire,          ///< takes a lock, waiting for it as long as it takes: object, mode
  TryAcquire,       ///< takes a lock or says that it could not: object, mode
  Block,            ///< may wait for something outside of this thread: object, limit, value, flags, kind
  Release,          ///< gives a lock back: object
  Destroy,          ///< ends a synchronisation object: object
  Once,             ///< runs a routine unless it was run before: object, entry
  Wait,             ///< goes on only after another thread has acted: object, lock, limit
  Post,             ///< lets a waiting thread go on: object
  Copy,             ///< copies memory as it is: destination, source, size
  Free,             ///< gives memory back: object
  Compute,          ///< works on memory alone: does not wait, and no state of the calling thread matters to it
  ThreadState,      ///< asks for, or changes, what belongs to the calling thread, or what it hands on to new ones
  Guard,            ///< takes a lock up to the end of the variable that gets the result: object
  ScopeOpen,        ///< makes a scope, which tasks are spawned into and joined from: object, attr, value
  ScopeClose,       ///< refuses further tasks: object
  ScopeJoin,        ///< waits for all tasks of a scope and tells whether one failed: object, result, limit
  ScopeTryJoin,     ///< as ScopeJoin, but a failure may leave the scope open
  ScopeCancel,      ///< asks all tasks of a scope to end, now or at a time: object
  ScopeEnd,         ///< releases a scope, and waits for what still runs in it: object
  ScopeLimit,       ///< sets how many tasks of a scope may run at a time: object
  ScopeSelf,        ///< returns the scope that the calling task belongs to
  SpawnTask,        ///< starts a task of a scope: scope, handle, entry, argument, size, attr, flags
  CancelTask,       ///< asks one task to end: object
  JoinTask,         ///< waits for one task and gives its storage back: object
  TokenInit,        ///< makes a token that a stop request comes by: object, parent
  TokenTest,        ///< returns other than 0 only when a stop was requested: object
  Jump,             ///< does not return: goes back to where its target was set: object
  JumpTarget,       ///< sets the target of jumps: object
};

/// Those of calls that wait for others, for what they are told or for long.
inline constexpr Effect WaitingEffects[] = {Effect::Block,        Effect::Join,     Effect::Wait,    Effect::ScopeJoin,
                                            Effect::ScopeTryJoin, Effect::ScopeEnd, Effect::JoinTask};

/// Whether the effect is one on memory: it says nothing about threads.
inline bool isOnMemory(Effect What) { return What == Effect::Copy || What == Effect::Free || What == Effect::Compute; }

/// Whether the effect is one on a scope, its tasks, or a token: calls that threads, handles and locks know nothing of.
inline bool isOnScope(Effect What) { return What >= Effect::ScopeOpen && What <= Effect::JumpTarget; }

/// What a synchronisation object is for.
enum class Sync { Lock, Condition, Semaphore, Barrier, Once, Queue };

/// Whether the effect is one on a synchronisation object.
inline bool isOnSync(Effect What) {
  switch (What) {
  case Effect::Acquire:
  case Effect::TryAcquire:
  case Effect::Guard:
  case Effect::Release:
  case Effect::Init:
  case Effect::Destroy:
  case Effect::Once:
  case Effect::Wait:
  case Effect::Post:
    return true;
  default:
    return false;
  }
}

/// Whether a call of this kind fails only where the program is broken: nobody writes code to go on after it has.
inline bool failsOnlyIfBroken(Effect What) {
  return What == Effect::Init || What == Effect::Acquire || What == Effect::Release || What == Effect::Destroy ||
         What == Effect::Post;
}

/// Whether the effect gives a thread's handle up: nobody may join or detach it again.
inline bool isGivingUp(Effect What) {
  return What == Effect::Join || What == Effect::TryJoin || What == Effect::Detach;
}

/// Where a role is found in a call.
class Role {
public:
  static Role none() { return Role(-1); }
  static Role returned() { return Role(-2); }
  static Role argument(unsigned Index) { return Role(int(Index)); }

  bool isArgument() const { return Index >= 0; }
  bool isReturned() const { return Index == -2; }
  bool exists() const { return Index != -1; }
  unsigned index() const { return unsigned(Index); }

private:
  explicit Role(int Index) : Index(Index) {}
  int Index;
};

/// How the call tells its caller that it has worked.
struct Success {
  enum Kind {
    Always,      ///< it cannot fail
    Zero,        ///< 0 on success, a positive error number otherwise
    Constant,    ///< the named constant on success, e.g. thrd_success
    NonZero,     ///< true on success
    NonNull,     ///< NULL on failure
    NonNegative, ///< -1 (or less) on failure
  };
  Kind How = Always;
  std::string Name; ///< of the constant
};

/// One row: what a call means.
struct Meaning {
  std::string Call;
  unsigned Args = 0;
  Effect What = Effect::Observe;
  Role Object = Role::none(), Other = Role::none(), Handle = Role::none(), Entry = Role::none();
  Role Argument = Role::none(), Attr = Role::none(), Result = Role::none(), Value = Role::none(), Lock = Role::none();
  Role Limit = Role::none(); ///< how long a call may wait: NULL or a negative number when for ever
  Role Flags = Role::none(); ///< may hold the constant Unless
  Role Destination = Role::none(), Source = Role::none(), Size = Role::none();
  Role Scope = Role::none();  ///< for SpawnTask: where the task belongs
  Role Parent = Role::none(); ///< for TokenInit: the token that the new one is told by
  Success Worked;
  std::string JoinedBy;      ///< for Spawn: the call that joins what it starts, which fixes write
  std::string ReleasedBy;    ///< for Acquire and TryAcquire: the call that gives the lock back, which fixes write
  std::string DetachedName;  ///< for AttributeSet: the constant that makes threads detached
  std::string RecursiveName; ///< for Init and AttributeSet: the constant (or a bit of the value) for a recursive lock
  std::string CheckedName;   ///< for Init and AttributeSet: the constant for a lock whose misuse is an error it returns
  std::string Unless;        ///< for Block: the constant among the flags with which the call does not wait
  std::string UnlessObject;  ///< for Block: part of the name of a constant with which the object was made not to wait
  std::string Broadcast;     ///< for Post that wakes one: the call that wakes all, which fixes write
  std::string NeverName;     ///< for a row with Limit: the constant that stands for no limit
  std::string LimitedBy;     ///< for ScopeOpen: the member of attr that says how many tasks may run at a time
  std::string DeadlineBy;    ///< for ScopeOpen: the member of attr that says when the tasks are cancelled
  std::string UnboundName;   ///< for ScopeOpen: the constant in attr for a scope that no thread's stack has to outlive
  std::string Background;    ///< for SpawnTask: the constant in flags or attr for a task that a join does not wait for
  bool Shared = false;       ///< for Acquire and TryAcquire: others may hold the lock in the same way
  bool File = false;         ///< for Block: waits for a file, as a disk does, not for another party
  bool JoinsScopes = false;  ///< for EndThread: scopes that are open are joined first
  bool StartsQueued = false; ///< for JoinTask: a task that waits for its place is started
  bool BuiltIn = true;       ///< describes a library's call, not a function of the user's own project

  /// Whether the argument \p Index has a part in it.
  bool names(unsigned Index) const {
    for (Role R : {Object, Other, Handle, Entry, Argument, Attr, Result, Value, Lock, Limit, Flags, Destination, Source,
                   Size, Scope, Parent})
      if (R.isArgument() && R.index() == Index)
        return true;
    return false;
  }
};

/// A mistake in a file of models.
struct ModelMistake {
  unsigned Line, Column;
  std::string What;
};

/// All rows that are in force for one translation unit.
class Models {
public:
  /// Reads the built-in files. They are part of this program: a mistake in one of them is a bug and aborts.
  Models() : Models([](llvm::StringRef) { return true; }) {}
  /// The same, of the rows of calls that \p MayBeCalled: to read all takes longer than to look at most files.
  explicit Models(llvm::function_ref<bool(llvm::StringRef)> MayBeCalled);

  /// Adds the rows of a file in the user's format. \returns its mistakes; with one, nothing is added.
  std::vector<ModelMistake> add(llvm::StringRef Text, llvm::StringRef Path);

  /// The rows of the calls named \p Name; empty where nobody describes one.
  llvm::ArrayRef<Meaning> named(llvm::StringRef Name) const;
  const llvm::StringMap<std::vector<Meaning>> &all() const { return Rows; }
  /// What objects of the type named \p Name are for; nullopt where nobody says.
  std::optional<Sync> typeNamed(llvm::StringRef Name) const;
  /// The names of types whose objects are tokens, or pointers to one.
  const llvm::StringSet<> &tokens() const { return Tokens; }

private:
  std::vector<ModelMistake> read(llvm::StringRef Text, llvm::StringRef Path, bool BuiltIn);
  llvm::StringMap<std::vector<Meaning>> Rows;
  llvm::StringMap<Sync> Types;
  llvm::StringSet<> Tokens;
};

} // namespace safespawn
