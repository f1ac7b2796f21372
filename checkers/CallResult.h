// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a path makes of a described call: a value to bind, whether it knows that the call worked, and what was passed.
#pragma once

#include "checkers/Unit.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CallEvent.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CheckerContext.h"

namespace safespawn {

/// What \p State knows of the success of a call of \p Row that returned \p Result: true, false, or nothing.
std::optional<bool> succeeded(clang::ento::ProgramStateRef State, clang::ento::SymbolRef Result, const Meaning *Row,
                              const Unit &U);

/// Whether \p State knows anything of \p Symbol: the program has asked about it.
bool isAsked(clang::ento::ProgramStateRef State, clang::ento::SymbolRef Symbol);

/// Whether the argument in the role \p Which is the constant \p Name; nothing where the path does not know.
std::optional<bool> isConstant(const clang::ento::CallEvent &Call, Role Which, llvm::StringRef Name, const Unit &U);

/// Gives the call's expression a value that nothing is known of.
clang::ento::ProgramStateRef bindResult(clang::ento::ProgramStateRef State, const clang::ento::CallEvent &Call,
                                        clang::ento::CheckerContext &C);

} // namespace safespawn
