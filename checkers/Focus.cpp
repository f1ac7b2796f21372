// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Focus.h"
#include "checkers/Checkers.h"
#include "checkers/LockAttributes.h"
#include "llvm/ADT/STLExtras.h"

using namespace clang;
using namespace safespawn;

bool Focus::meets(const Focus &Other) const {
  return All || Other.All || (Waits && Other.Waits) || (Threads && Other.Threads) ||
         (Syncs && (Other.Syncs || !Other.Objects.empty())) || (Other.Syncs && !Objects.empty()) ||
         llvm::any_of(Other.Objects, [&](const ValueDecl *D) { return Objects.count(D); });
}

void Focus::add(const Focus &Other) {
  All |= Other.All;
  Waits |= Other.Waits;
  Threads |= Other.Threads;
  Syncs |= Other.Syncs;
  Objects.insert(Other.Objects.begin(), Other.Objects.end());
}

const ValueDecl *safespawn::objectNamed(const Expr *Pointer) {
  const Expr *E = Pointer->IgnoreParenCasts();
  if (const auto *Address = dyn_cast<UnaryOperator>(E); Address && Address->getOpcode() == UO_AddrOf)
    E = Address->getSubExpr()->IgnoreParenCasts();
  else if (!E->getType()->isArrayType())
    return nullptr;
  while (const auto *Element = dyn_cast<ArraySubscriptExpr>(E)) {
    E = Element->getBase()->IgnoreParenCasts();
    if (!E->getType()->isArrayType())
      return nullptr;
  }
  const ValueDecl *Declared = nullptr;
  if (const auto *Ref = dyn_cast<DeclRefExpr>(E))
    Declared = Ref->getDecl();
  else if (const auto *Member = dyn_cast<MemberExpr>(E))
    Declared = Member->getMemberDecl();
  return Declared && holdsObjects(Declared) ? cast<ValueDecl>(Declared->getCanonicalDecl()) : nullptr;
}

bool Analysis::concerns(const CallExpr *Call) const {
  const FunctionDecl *Callee = Call->getDirectCallee(), *Definition = nullptr;
  if (!Callee || isDeclaredToLock(Callee))
    return Callee;
  if (!U.isDescribed(Callee))
    return Callee->hasBody(Definition) && concerns(Definition);
  const ArrayRef<Meaning> Rows = U.meaningsOf(Call);
  if (On.All || Rows.empty())
    return true;
  auto IsOn = [&](Role Which) {
    const Expr *Object = Unit::argument(Call, Which);
    return Object && On.isOn(objectNamed(Object));
  };
  return llvm::any_of(Rows, [&](const Meaning &Row) {
    if (isOnSync(Row.What) && Row.What != Effect::Wait)
      return IsOn(Row.Object);
    switch (Row.What) {
    case Effect::Wait:
      return On.Waits || On.Threads || IsOn(Row.Object) || IsOn(Row.Lock);
    case Effect::Join:
    case Effect::TryJoin:
      return On.Waits || On.Threads;
    case Effect::Block:
      return On.Waits && mayWaitForLong(Call, Row);
    case Effect::Spawn: {
      if (On.Threads)
        return true;
      const FunctionDecl *Entry = Unit::namedFunction(Unit::argument(Call, Row.Entry)), *Body = nullptr;
      return Entry && Entry->hasBody(Body) && concerns(Body); // it may give back what its spawner took
    }
    case Effect::Detach:
    case Effect::Cancel:
    case Effect::Self:
    case Effect::Equal:
    case Effect::Observe:
      return On.Threads;
    default:
      return true;
    }
  });
}

bool Analysis::forbidWaiting(int64_t Flags, const CallExpr *Call, const Meaning &Row) const {
  // A macro has no value here: compare what is written, unless nothing at all is.
  if (const std::optional<int64_t> Bit = U.constantNamed(Row.Unless))
    return Flags & *Bit;
  const Expr *Written = Unit::argument(Call, Row.Flags);
  return Flags && (!Written || !Written->isEvaluatable(U.context()) || StringRef(U.text(Written)).contains(Row.Unless));
}

bool Analysis::mayWaitForLong(const CallExpr *Call, const Meaning &Row) const {
  if (Row.File && !Strict)
    return false;
  auto Constant = [&](const Expr *E) {
    Expr::EvalResult Value;
    return E && E->getType()->isIntegerType() && E->EvaluateAsInt(Value, U.context())
               ? std::optional(numberOf(Value.Val.getInt()))
               : std::nullopt;
  };
  const Expr *Limit = Unit::argument(Call, Row.Limit), *Flags = Unit::argument(Call, Row.Flags);
  if (Constant(Unit::argument(Call, Row.Value)) == 0)
    return false;
  if (Limit && (Row.NeverName.empty() || U.text(Limit) != Row.NeverName)) {
    const auto *Address = dyn_cast<UnaryOperator>(Limit->IgnoreParenCasts());
    if ((Address && Address->getOpcode() == UO_AddrOf) || Constant(Limit).value_or(-1) >= 0)
      return false;
  }
  const std::optional<int64_t> Said = Constant(Flags);
  return !Said || !forbidWaiting(*Said, Call, Row);
}

bool Analysis::mayWaitForLong(const CallExpr *Call) const {
  return llvm::any_of(WaitingEffects, [&](Effect What) {
    const Meaning *Row = U.meaningOf(Call, What);
    return Row && mayWaitForLong(Call, *Row);
  });
}

bool safespawn::holdsObjects(const ValueDecl *Declared) {
  return isa<VarDecl, FieldDecl>(Declared) && !Declared->getType()->isPointerType();
}
