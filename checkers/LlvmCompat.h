// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What differs between the LLVM releases that we build against, under names that say what is wanted.
#pragma once

#include "checkers/Model.h"
#include "clang/AST/Attr.h"
#include "clang/Basic/Version.h"
#include "clang/CrossTU/CrossTranslationUnit.h"
#include "clang/StaticAnalyzer/Core/CheckerManager.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/AnalysisManager.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CallEvent.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CheckerContext.h"
#include <memory>

namespace safespawn::compat {

using namespace clang;
using namespace clang::ento;

/// A new symbol of type \p Type for something that \p Call produces; \p Tag tells several of one call apart.
inline DefinedOrUnknownSVal conjure(const CallEvent &Call, QualType Type, CheckerContext &C,
                                    const void *Tag = nullptr) {
#if CLANG_VERSION_MAJOR >= 21
  return C.getSValBuilder().conjureSymbolVal(Call, Type, C.blockCount(), Tag);
#else
  return C.getSValBuilder().conjureSymbolVal(Tag, Call.getOriginExpr(), C.getLocationContext(), Type, C.blockCount());
#endif
}

/// The number that \p Value is.
inline const llvm::APSInt &numberIn(const nonloc::ConcreteInt &Value) {
#if CLANG_VERSION_MAJOR >= 21
  return *Value.getValue();
#else
  return Value.getValue();
#endif
}

/// The same, as 64 bits.
inline int64_t valueOf(nonloc::ConcreteInt Value) { return numberOf(numberIn(Value)); }

/// Calls \p Do with the locks and the success value of an attribute exclusive_trylock_function or
/// shared_trylock_function, where these are not another spelling of try_acquire_capability. \returns whether it is one.
template <typename Fn> bool onOlderTry([[maybe_unused]] const Attr *A, [[maybe_unused]] Fn Do) {
#if CLANG_VERSION_MAJOR < 22
  if (const auto *Exclusive = dyn_cast<ExclusiveTrylockFunctionAttr>(A))
    return Do(Exclusive->args(), Exclusive->getSuccessValue()), true;
  if (const auto *Shared = dyn_cast<SharedTrylockFunctionAttr>(A))
    return Do(Shared->args(), Shared->getSuccessValue()), true;
#endif
  return false;
}

/// Whether the holder of a lock that is a \p Record may take it again.
inline bool isReentrant([[maybe_unused]] const RecordDecl *Record) {
#if CLANG_VERSION_MAJOR >= 21
  return Record->hasAttr<ReentrantCapabilityAttr>();
#else
  return false; // nobody can say so
#endif
}

/// The memory space that \p Region is known to live in.
inline const MemSpaceRegion *memorySpace(const MemRegion *Region, [[maybe_unused]] ProgramStateRef State) {
#if CLANG_VERSION_MAJOR >= 21
  return Region->getMemorySpace(State);
#else
  return Region->getMemorySpace();
#endif
}

/// An analysis manager whose findings go to \p Consumer. The manager owns the consumer.
inline std::unique_ptr<AnalysisManager> makeAnalysisManager(ASTContext &Context, Preprocessor &PP,
                                                            std::unique_ptr<PathDiagnosticConsumer> Consumer,
                                                            StoreManagerCreator Store,
                                                            ConstraintManagerCreator Constraints,
                                                            CheckerManager &Checkers, AnalyzerOptions &Options) {
  PathDiagnosticConsumers Consumers;
#if CLANG_VERSION_MAJOR >= 21
  Consumers.push_back(std::move(Consumer));
  return std::make_unique<AnalysisManager>(Context, PP, std::move(Consumers), Store, Constraints, &Checkers, Options);
#else
  Consumers.push_back(Consumer.release());
  return std::make_unique<AnalysisManager>(Context, PP, Consumers, Store, Constraints, &Checkers, Options);
#endif
}

} // namespace safespawn::compat

/// The head of a checker's callback for each binding of a value to a place.
#if CLANG_VERSION_MAJOR >= 21
#define SAFESPAWN_CHECK_BIND(Location, Value, C)                                                                       \
  void checkBind(clang::ento::SVal Location, clang::ento::SVal Value, const clang::Stmt *, bool,                       \
                 clang::ento::CheckerContext &C) const
#else
#define SAFESPAWN_CHECK_BIND(Location, Value, C)                                                                       \
  void checkBind(clang::ento::SVal Location, clang::ento::SVal Value, const clang::Stmt *,                             \
                 clang::ento::CheckerContext &C) const
#endif
