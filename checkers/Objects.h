// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which object an expression or a region stands for, and where it lives.
#pragma once

#include "checkers/Unit.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/ProgramState.h"

namespace safespawn {

/// Adds what the path knows of \p Symbol to a fingerprint: whether it is zero, or which value it has.
/// \returns whether anything is known.
bool addKnowledge(clang::ento::ProgramStateRef State, clang::ento::SymbolRef Symbol, llvm::FoldingSetNodeID &Id);
/// Whether \p Symbol is known to be other than 0 on the path, or to be 0.
std::optional<bool> truthOf(clang::ento::ProgramStateRef State, clang::ento::SymbolRef Symbol);
std::optional<bool> truthOf(clang::ento::ProgramStateRef State, clang::ento::SVal Value);
/// A number that stands to those of other numbers as \p Number stands to them, whatever their signs. Of those beyond
/// INT64_MAX only the last few thousand, which are errors and marks, are told apart.
int64_t placeInOrder(const llvm::APSInt &Number);
/// The least and the greatest value that the path knows \p Symbol to have; the limits of int64_t where there are none.
/// Both are places in order.
std::pair<int64_t, int64_t> boundsOf(clang::ento::ProgramStateRef State, clang::ento::SymbolRef Symbol);
/// Adds to a fingerprint the calls that led to \p Frame (may be null), whichever rounds of loops they were made in.
void addKin(const clang::LocationContext *Frame, llvm::FoldingSetNodeID &Id);
/// The frame that \p Region is an automatic object of, or null.
const clang::StackFrameContext *frameOf(const clang::ento::MemRegion *Region, clang::ento::ProgramStateRef State);
/// The region of the handle at \p Region, whatever cast it is seen through; the first element of an array stays one.
const clang::ento::MemRegion *handleAt(const clang::ento::MemRegion *Region);
/// Whether two places (may be null) lie in two members of one union.
bool sharesUnion(const clang::ento::MemRegion *A, const clang::ento::MemRegion *B);
/// The object that the lvalue \p E is (an element or member of): a variable, or what a pointer variable points to.
const clang::ento::MemRegion *objectWritten(const clang::Expr *E, clang::ento::ProgramStateRef State,
                                            const clang::LocationContext *Frame);
/// The region of the lvalue \p E, which has no effects; null where it is not made of variables, members and pointers.
const clang::ento::MemRegion *regionWritten(const clang::Expr *E, clang::ento::ProgramStateRef State,
                                            const clang::LocationContext *Frame);
/// The object that \p E names, an expression over the parameters of a function that gets the values \p Given: the
/// object itself, or what a pointer leads to. Null as above.
const clang::ento::MemRegion *objectGiven(const clang::Expr *E, llvm::ArrayRef<clang::ento::SVal> Given,
                                          clang::ento::ProgramStateRef State, const clang::LocationContext *Frame);
/// Whether \p Region is (a part of) an element of an array.
bool isInArray(const clang::ento::MemRegion *Region);
/// Whether \p Call stands under an `if` that the spawns into \p Place do not stand under, a flag, a count, "have it",
/// or behind a loop that they stand in. What ties such a guard to the spawn is the program's own business, and may well
/// be out of sight.
bool isGuarded(const clang::CallExpr *Call, const clang::Expr *Place, const clang::LocationContext *Frame,
               const Unit &U, bool BehindLoop);
/// Whether \p E is one and the same element in every round of a loop: t[0].
bool isFixedElement(const clang::Expr *E, clang::ASTContext &Context);

} // namespace safespawn
