// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/CallResult.h"
#include "checkers/LlvmCompat.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/RangedConstraintManager.h"

using namespace clang;
using namespace ento;
using namespace safespawn;

std::optional<bool> safespawn::succeeded(ProgramStateRef State, SymbolRef Result, const Meaning *Row, const Unit &U) {
  if (!Result || !Row)
    return std::nullopt;
  SValBuilder &Values = State->getStateManager().getSValBuilder();
  auto Decide = [&](SVal Holds) -> std::optional<bool> {
    auto Known = Holds.getAs<DefinedOrUnknownSVal>();
    if (!Known)
      return std::nullopt;
    auto [Yes, No] = State->assume(*Known);
    if (bool(Yes) == bool(No))
      return std::nullopt;
    return bool(Yes);
  };
  QualType Type = Result->getType();
  SVal Value = Values.makeSymbolVal(Result);
  if (Loc::isLocType(Type))
    Value = Values.makeLoc(Result);
  switch (Row->Worked.How) {
  case Success::Always:
    return true;
  case Success::Zero:
  case Success::Constant:
    return Decide(Values.evalBinOp(State, BO_EQ, Value, Values.makeIntVal(*U.successValue(*Row), Type),
                                   Values.getConditionType()));
  case Success::NonZero:
  case Success::NonNull:
    return Decide(Values.evalBinOp(State, BO_NE, Value, Values.makeZeroVal(Type), Values.getConditionType()));
  case Success::NonNegative:
    return Decide(Values.evalBinOp(State, BO_GE, Value, Values.makeZeroVal(Type), Values.getConditionType()));
  }
  return std::nullopt;
}

bool safespawn::isAsked(ProgramStateRef State, SymbolRef Symbol) { return getConstraintMap(State).contains(Symbol); }

std::optional<bool> safespawn::isConstant(const CallEvent &Call, Role Which, StringRef Name, const Unit &U) {
  auto Value = Call.getArgSVal(Which.index()).getAs<nonloc::ConcreteInt>();
  if (!Value)
    return std::nullopt;
  // A macro, unlike an enumerator, has no value here: compare what is written.
  const std::optional<int64_t> Known = U.constantNamed(Name);
  return Known ? compat::valueOf(*Value) == *Known
               : U.text(Unit::argument(cast<CallExpr>(Call.getOriginExpr()), Which)) == Name;
}

ProgramStateRef safespawn::bindResult(ProgramStateRef State, const CallEvent &Call, CheckerContext &C) {
  QualType Type = Call.getResultType();
  if (Type->isVoidType())
    return State;
  return State->BindExpr(Call.getOriginExpr(), C.getLocationContext(), compat::conjure(Call, Type, C));
}
