// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Freed.h"

using namespace clang;
using namespace safespawn;

void Freed::addObject(const Expr *Pointer, Facts &Out) {
  if (const auto *Ref = dyn_cast<DeclRefExpr>(Pointer->IgnoreParenCasts()))
    if (const auto *Param = dyn_cast<ParmVarDecl>(Ref->getDecl())) {
      Out.Params.insert(Param->getFunctionScopeIndex());
      if (Param->getType()->isVoidPointerType())
        return; // its callers know more of it
    }
  const QualType Type = Unit::pointeeOf(Pointer);
  if (const RecordDecl *Record = Type.isNull() ? nullptr : Type->getAsRecordDecl())
    Out.Types.insert(cast<RecordDecl>(Record->getCanonicalDecl()));
  else if (Type.isNull() || Type->isVoidType())
    Out.Types.insert(nullptr);
}

void Freed::add(const CallExpr *Call, Facts &Out) const {
  if (const Meaning *Row = U.meaningOf(Call, Effect::Free))
    addObject(Unit::argument(Call, Row->Object), Out);
  auto Inner = Call->getDirectCallee() ? Of.find(Call->getDirectCallee()->getCanonicalDecl()) : Of.end();
  if (Inner == Of.end())
    return;
  Out.Types.insert(Inner->second.Types.begin(), Inner->second.Types.end());
  for (unsigned Index : Inner->second.Params)
    if (Index < Call->getNumArgs())
      addObject(Call->getArg(Index), Out);
}

void Freed::derive() {
  if (std::exchange(Derived, true))
    return;
  // Sets only grow, and there are no more types than the file names.
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (const FunctionDecl *F : U.definitions()) {
      Facts Next = Of.lookup(F->getCanonicalDecl());
      const size_t Known = Next.Types.size() + Next.Params.size();
      for (const CallExpr *Call : U.callsIn(F))
        add(Call, Next);
      if (Next.Types.size() + Next.Params.size() == Known)
        continue;
      Of[F->getCanonicalDecl()] = std::move(Next);
      Changed = true;
    }
  }
}

bool Freed::mayFree(const CallExpr *Call, const RecordDecl *Record) {
  derive();
  Facts Here;
  add(Call, Here);
  if (const Meaning *Row = U.meaningOf(Call, Effect::Free))
    if (const QualType Type = Unit::pointeeOf(Unit::argument(Call, Row->Object)); Type.isNull() || Type->isVoidType())
      return true;
  if (!Record)
    return !Here.Types.empty() || !Here.Params.empty();
  return Here.Types.contains(cast<RecordDecl>(Record->getCanonicalDecl())) || Here.Types.contains(nullptr);
}
