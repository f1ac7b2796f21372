// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Remedies for the thread rules. Each returns what follows from the code and no more: an empty list where a person has
// to decide, several fixes where there is more than one sensible remedy. No fix touches what a macro expands to.
#pragma once

#include "checkers/Report.h"
#include "checkers/Unit.h"
#include "clang/Analysis/AnalysisDeclContext.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/AnalysisManager.h"
#include <vector>

namespace safespawn {

/// Leak and StackEscape: join the thread that \p Spawn started before \p Exit (null: the end of \p In), or before all
/// exits. Only where every path that comes to the exit has the thread running, and the thread ends by itself.
std::vector<Fix> fixAtExit(const Unit &U, const clang::CallExpr *Spawn, const Meaning *Row, const clang::Stmt *Exit,
                           const clang::FunctionDecl *In, bool AllExits, bool HandleIsHere,
                           clang::ento::AnalysisManager &Manager);

/// StackEscape: the object that \p Spawn lends goes to the heap, and the entry frees it. Only where the entry is
/// started by this call alone and does nothing with its argument but look at it, the spawner has done with the object
/// once the thread runs, says what it does when something fails, and does not lose the thread's handle. \p
/// HandleIsHere: on the path that is reported nobody else has it; \p IsDetached: there the thread is detached.
std::vector<Fix> fixOnHeap(const Unit &U, const clang::CallExpr *Spawn, const clang::FunctionDecl *In,
                           bool HandleIsHere, bool IsDetached, clang::ento::AnalysisManager &Manager);

/// Overwrite: an array of handles, where a counting loop spawns into one variable that is joined once, after the loop.
std::vector<Fix> fixOverwrite(const Unit &U, const clang::CallExpr *Spawn, const Meaning &Row,
                              clang::AnalysisDeclContext &In);

/// UncheckedSpawn, tested in a way that never holds: the test that was meant. Not where \p Stored, which is tested, may
/// hold another call's result.
std::vector<Fix> fixUselessTest(const Unit &U, const Meaning &Row, const clang::BinaryOperator *Test,
                                const clang::VarDecl *Stored, const clang::FunctionDecl *In);

/// UncheckedSpawn, result ignored: do on failure what the function does on its other failures.
std::vector<Fix> fixIgnoredResult(const Unit &U, const SpawnSite &Site, clang::AnalysisDeclContext &In);

/// LoopArg: an integer goes by value, with the matching read in the entry; other objects become an array.
std::vector<Fix> fixLoopArgument(const Unit &U, const SpawnSite &Site, const clang::VarDecl *Lent,
                                 clang::AnalysisDeclContext &In);

} // namespace safespawn
