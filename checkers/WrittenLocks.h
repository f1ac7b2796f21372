// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which locks the functions of a unit take and give back, as it is written in them: named by the last declaration on
// the way to the lock, a field or a variable, so that all objects of one type count as one. For questions that need no
// more: whether anybody gives such a lock back at all, whether a callee may have.
#pragma once

#include "checkers/Unit.h"
#include "llvm/ADT/SetVector.h"

namespace safespawn {

struct DeclaredLock;

class WrittenLocks {
public:
  explicit WrittenLocks(const Unit &U) : U(U) {}

  /// The declaration that \p E, or what it points to, ends in: the field of a member, the variable of a name; or null.
  static const clang::ValueDecl *lastNamed(const clang::Expr *E);

  /// Whether \p Function, or a function of this file that it calls, gives back (takes) a lock in \p Place.
  bool releases(const clang::FunctionDecl *Function, const clang::ValueDecl *Place);
  bool acquires(const clang::FunctionDecl *Function, const clang::ValueDecl *Place);
  /// Whether it takes, waits for, or does anything else with what another function has made in \p Place.
  bool uses(const clang::FunctionDecl *Function, const clang::ValueDecl *Place);
  /// Whether \p Function gives back such a lock on behalf of its caller: itself or through a function that does so,
  /// while nothing in it takes one.
  bool releasesForCaller(const clang::FunctionDecl *Function, const clang::ValueDecl *Place);
  /// The same, of any lock.
  bool releasesForCaller(const clang::FunctionDecl *Function);
  /// Whether \p Call does so itself or through its callee.
  bool releases(const clang::CallExpr *Call, const clang::ValueDecl *Place);
  bool acquires(const clang::CallExpr *Call, const clang::ValueDecl *Place);
  /// Whether \p Function, or a function of this file that it calls, waits for a lock in \p Place as long as it takes.
  /// When \p Shared, others of its holders do not count.
  bool insistsOn(const clang::FunctionDecl *Function, const clang::ValueDecl *Place, bool Shared);
  /// Whether any function of this file does so.
  bool isInsistedOn(const clang::ValueDecl *Place);
  /// Whether it waits for a condition with one.
  bool waitsWith(const clang::FunctionDecl *Function, const clang::ValueDecl *Place);
  /// Whether any function of this file gives back a lock in \p Place.
  bool isReleased(const clang::ValueDecl *Place);
  /// Whether a function of this file that others were given to call does so with \p Lock on behalf of its caller.
  bool isReleasedByHandler(const clang::VarDecl *Lock);
  /// Whether all that this file does with the lock \p Var is to name it in calls that a model describes.
  bool isPlainlyUsed(const clang::VarDecl *Var);
  /// Whether a function of this file that calls \p Function gives back a lock in \p Place that it need not have taken.
  bool isReleasedByCaller(const clang::FunctionDecl *Function, const clang::ValueDecl *Place);
  /// Whether a function that code which is not seen may call destroys one.
  bool isDestroyedFromOutside(const clang::ValueDecl *Place);
  /// Whether a lock in \p Place may be recursive, or of a kind that we do not know, by the way this file makes it.
  bool mayBeRecursive(const clang::ValueDecl *Place);
  /// Whether a lock in \p Place may be one whose misuse is an error that it returns.
  bool mayBeChecked(const clang::ValueDecl *Place);
  /// The function that runs in a thread that this file spawns into \p Handle, the first that it names; or null.
  const clang::FunctionDecl *entryBehind(const clang::ValueDecl *Handle);
  /// How often this file assigns to \p Place or hands its address out.
  unsigned writesTo(const clang::ValueDecl *Place);

private:
  using Set = llvm::SmallSetVector<const clang::ValueDecl *, 4>;
  struct Facts {
    Set Acquired, Released, Used;
    Set Insisted, InsistedShared; ///< of the acquired ones: waited for as long as it takes
    Set WaitedWith;               ///< given back while a condition is waited for
    Set Destroyed;
    static constexpr Set Facts::*All[] = {&Facts::Acquired, &Facts::Released,       &Facts::Used,
                                          &Facts::Insisted, &Facts::InsistedShared, &Facts::WaitedWith,
                                          &Facts::Destroyed};
  };
  using FactsOfAll = llvm::DenseMap<const clang::FunctionDecl *, Facts>;
  struct Walk;

  void derive();
  /// Adds the places that \p E names or points to.
  void placesOf(const clang::Expr *E, Set &Out, unsigned Depth = 0) const;
  /// Adds the places of a lock that the function that \p Call calls is declared to take or to give back.
  void placesDeclared(const DeclaredLock &D, const clang::CallExpr *Call, Set &Out) const;
  /// Adds what \p Call does to \p Out, its callee as \p Known has it.
  void addEffects(const clang::CallExpr *Call, const FactsOfAll &Known, Facts &Out) const;
  /// Adds what is given to a parameter in \p Kind. \returns whether that is new.
  bool addGiven(const clang::CallExpr *Call, Set &Kind) const;
  void addFromCallee(const clang::CallExpr *Call, const clang::FunctionDecl *Callee, const Set &Of, Set &Out) const;

  const Unit &U;
  bool Derived = false;
  FactsOfAll Of;        ///< all that happens in a function
  FactsOfAll ForCaller; ///< what is left of it when the function has ended
  Set AllReleased, AllInsisted;
  Set Recursive, Checked;
  Set Made;      ///< by an initialiser, or a call that tells of which kind it is
  Set HandedOut; ///< to code that is not seen
  llvm::DenseMap<const clang::ValueDecl *, const clang::FunctionDecl *> Entries;
  llvm::DenseMap<const clang::ValueDecl *, unsigned> Writes, Mentions, Described;
  llvm::DenseMap<const clang::VarDecl *, llvm::SmallVector<const clang::Expr *, 2>> Assigned;
};

} // namespace safespawn
