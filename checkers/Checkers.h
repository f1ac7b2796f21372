// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The checker objects that a host registers. Rules are rows of Rules.def; these objects run them.
#pragma once

#include "checkers/Focus.h"
#include "checkers/Report.h"
#include "checkers/Unit.h"
#include "clang/StaticAnalyzer/Core/CheckerManager.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/ProgramState.h"
#include <functional>

namespace clang {
class CompilerInstance;
}

namespace safespawn {

/// What all checker objects of one analysis share. The host keeps it alive as long as they are.
struct Analysis {
  explicit Analysis(Unit &U, bool Strict = false, bool Hosted = false) : U(U), Strict(Strict) { Book.Hosted = Hosted; }
  Unit &U;
  RuleBook Book;
  bool Strict = false; ///< the profile: also what library code ought to have
  bool Trial = false;  ///< whether there are reports is all that is asked; they are not shown
  unsigned Before = 0; ///< of a trial: the reports that had been made when it began
  /// Whether a path of the exploration at hand gives back a lock that it has not taken, or ends with one that stands
  /// where it did not stand at the beginning.
  mutable bool Unbalanced = false;
  /// Whether one gives up a thread that it has not started, or ends with one that it has and that still runs.
  mutable bool LeavesThreads = false;
  bool isDecided() const { return Trial && Book.Made != Before; }
  /// With so many nodes an exploration goes on only where little of it is left; 0 where it goes on in any case.
  unsigned Doubtful = 0;
  /// Whether too much was left of the one at hand.
  mutable bool GivenUp = false;
  /// Whether a call leaves its caller's objects as they were (see Triage); null where nobody has looked.
  std::function<bool(const clang::FunctionDecl *)> Closed;
  bool leavesAlone(const clang::FunctionDecl *Callee) const {
    return Callee && Closed && Callee->hasBody() && U.hasEffect(Callee) && Closed(Callee);
  }
  /// Whether a function may wait for others (see Triage); null where nobody has looked.
  std::function<bool(const clang::FunctionDecl *)> Waits;
  /// Whether the path knows that nothing runs in the scope that lies there: it is joined, or never had a task.
  std::function<bool(clang::ento::ProgramStateRef, const clang::ento::MemRegion *)> IsIdle;
  /// What the exploration at hand is about; everything where nobody has looked.
  Focus On = Focus::everything();
  /// What a function, with all that it calls, concerns (see Triage); null where nobody has looked.
  std::function<const Focus &(const clang::FunctionDecl *)> Concern;
  /// Whether \p Function, whose body is here, or \p Call, of a described function or of such a one, is of concern.
  bool concerns(const clang::FunctionDecl *Function) const {
    return U.hasEffect(Function) && (On.All || !Concern || On.meets(Concern(Function)));
  }
  bool concerns(const clang::CallExpr *Call) const;
  /// Whether \p Call, which \p Row says to wait for others, may do so for long, as far as its arguments are constants.
  bool mayWaitForLong(const clang::CallExpr *Call, const Meaning &Row) const;
  /// The same, by any of its meanings.
  bool mayWaitForLong(const clang::CallExpr *Call) const;
  /// Whether \p Flags, the value of the argument in the role Flags, tells \p Call not to wait.
  bool forbidWaiting(int64_t Flags, const clang::CallExpr *Call, const Meaning &Row) const;
  /// Whether \p Function, which is of concern, is so only because it may wait.
  bool onlyWaits(const clang::FunctionDecl *Function) const {
    Focus Others = On;
    Others.Waits = false;
    return !On.All && Concern && !Others.meets(Concern(Function));
  }
  /// Whether a path follows something that even a call of a closed function could meet; one question per checker.
  llvm::SmallVector<std::function<bool(clang::ento::ProgramStateRef, const clang::CallExpr *)>, 2> Follows;
  /// Whether a path that makes such a call has been reported already, for whatever this one holds; null where nobody
  /// follows what a path holds.
  std::function<bool(clang::ento::ProgramStateRef, const clang::LocationContext *, const clang::CallExpr *)> IsTold;
  /// Adds what a path follows to a fingerprint; one for each checker that follows something.
  llvm::SmallVector<void (*)(clang::ento::ProgramStateRef, llvm::FoldingSetNodeID &), 4> Fingerprints;
};

/// How paths are explored: loops, guards, callees without effects. Registered before the others; \p Keep lives as long
/// as the checkers do.
void registerPathModel(clang::ento::CheckerManager &Manager, Analysis &A, std::shared_ptr<void> Keep);
/// What is to be made up for where the analyzer is run by somebody else: functions in headers, and how a report is
/// told. Headers are explored where the compiler \p CI is known.
void registerAnalyzerDoor(clang::ento::CheckerManager &Manager, Analysis &A, clang::CompilerInstance *CI);
/// What the checkers of \p Manager share, once the path model is registered.
Analysis &analysisOf(clang::ento::CheckerManager &Manager);
/// thread.*: rules that follow a handle along a path.
void registerThreadHandles(clang::ento::CheckerManager &Manager, Analysis &A);
/// thread.*: rules about a spawn as it is written.
void registerThreadSpawns(clang::ento::CheckerManager &Manager, Analysis &A);
/// lock.*: rules that follow a lock or the like along a path.
void registerLockState(clang::ento::CheckerManager &Manager, Analysis &A);
/// lock.*: rules about locks and conditions as they are written.
void registerLockUse(clang::ento::CheckerManager &Manager, Analysis &A);
/// scope.*: rules that follow a scope along a path.
void registerScopeState(clang::ento::CheckerManager &Manager, Analysis &A);
/// scope.*, cancel.*: rules about scopes, their tasks and tokens as they are written.
void registerScopeUse(clang::ento::CheckerManager &Manager, Analysis &A);

} // namespace safespawn
