// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Can any path through a function break a rule that follows objects along paths? A flow-sensitive may-analysis on the
// CFG that runs the automata of Protocol.h on sets of stages, with a summary for each function of the file. It answers
// for all path rules at once and decides only who is looked at closely: a report is always the proof's.
//
// Why it misses nothing that the proof finds (in the calls and objects that both can see):
//  - an event moves every stage that the object may be in, and where it may not have happened (a try, a call whose
//    result is used) the old stages stay;
//  - objects are named by access path. What may be one object under two names is asked for each name: an event on a
//    name of unknown stage counts as an event on any other name that ends alike;
//  - a name that is assigned to lets go of its object, whose stages live on without a name;
//  - where paths meet, sets are united; no branch is taken to be impossible except for the direct test of a result;
//  - what cannot be named makes the function a suspect.
// Why it ends: a function has finitely many names, a relation between stages is 64 bits, and both only grow. Functions
// that call each other are gone through again until nothing is added; where that takes too long they are suspects.
#pragma once

#include "checkers/Checkers.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/AnalysisManager.h"
#include <memory>

namespace safespawn {

class Triage {
public:
  Triage(const Analysis &A, clang::ento::AnalysisManager &Manager);
  ~Triage();

  /// Whether a path through \p F, functions of this file that it calls included, may break a path rule when it starts
  /// with objects that nobody knows anything about.
  bool isSuspect(const clang::FunctionDecl *F);
  /// Says that nothing goes wrong in \p F by itself, so that its callers need not be suspect for what happens in there.
  void clear(const clang::FunctionDecl *F);
  /// Says what the proof of \p F has seen on all paths, of what it is suspect for: that it leaves every lock as it was if
  /// nobody holds it (\p Locks), and that it waits for all threads that it starts, and for no others (\p Threads).
  void balance(const clang::FunctionDecl *F, bool Locks, bool Threads);
  /// Whether \p F is judged when it is looked at by itself, whatever its callers in this file do with it.
  bool standsAlone(const clang::FunctionDecl *F);
  /// Whether a call of \p F leaves every lock and handle of its caller as it was, and always comes back: what happens
  /// inside is then its own business, and is judged when it is looked at by itself.
  bool isClosed(const clang::FunctionDecl *F);
  /// What \p F is suspect for.
  const Focus &suspicion(const clang::FunctionDecl *F);
  /// What \p F concerns, with all that it calls.
  const Focus &concern(const clang::FunctionDecl *F);
  /// Whether a call of \p F may wait for others.
  bool mayWait(const clang::FunctionDecl *F);

  struct Impl;

private:
  std::unique_ptr<Impl> I;
};

} // namespace safespawn
