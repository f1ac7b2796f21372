// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/OwnerOffer.h"
#include "fixits/Edits.h"
#include "fixits/OwnThread.h"
#include "fixits/ScopePlace.h"

using namespace clang;
using namespace safespawn;

namespace {

/// An object that outlives the function that names it.
struct Owner {
  const RecordDecl *Type = nullptr;
  std::string Member; ///< what stands before the name of a member of it: 'server->'
};

/// The struct that holds the handle, or the one that the thread gets.
Owner ownerOf(const Unit &U, const HandleUse &Spawn) {
  const Edits E(U.context());
  const Expr *Object = Spawn.Given->IgnoreParenImpCasts();
  if (const auto *Op = dyn_cast<UnaryOperator>(Object); Op && Op->getOpcode() == UO_AddrOf)
    Object = Op->getSubExpr()->IgnoreParenImpCasts();
  while (const auto *Element = dyn_cast<ArraySubscriptExpr>(Object))
    Object = Element->getBase()->IgnoreParenImpCasts();
  if (const auto *Member = dyn_cast<MemberExpr>(Object))
    if (const auto *Field = dyn_cast<FieldDecl>(Member->getMemberDecl()))
      return {Field->getParent(), E.text(Member->getBase()->getSourceRange()) + (Member->isArrow() ? "->" : ".")};

  const Expr *Argument = Unit::argument(Spawn.In, Spawn.Row->Argument);
  const QualType Type = Unit::pointeeOf(Argument);
  if (Type.isNull() || !Type->getAsRecordDecl())
    return {};
  Argument = Argument->IgnoreParenCasts();
  const auto *Address = dyn_cast<UnaryOperator>(Argument);
  const Expr *Named = Address && Address->getOpcode() == UO_AddrOf ? Address->getSubExpr() : Argument;
  const auto *Ref = dyn_cast<DeclRefExpr>(Named->IgnoreParens());
  const auto *Var = Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
  if (!Var || (Named != Argument && Var->hasLocalStorage()))
    return {};
  return {Type->getAsRecordDecl(), Var->getNameAsString() + (Named == Argument ? "->" : ".")};
}

/// The parameter, to an object of \p Type, of a function that destroys or frees what the object holds, or the object.
const ParmVarDecl *endOf(const RecordDecl *Type, const Unit &U) {
  for (const FunctionDecl *F : U.definitions())
    for (const ParmVarDecl *Param : F->parameters()) {
      const QualType Object = Param->getType()->getPointeeType();
      const RecordDecl *Record = Object.isNull() ? nullptr : Object->getAsRecordDecl();
      if (!Record || Record->getCanonicalDecl() != Type->getCanonicalDecl())
        continue;
      for (const CallExpr *Call : U.callsIn(F))
        for (Effect What : {Effect::Destroy, Effect::Free})
          if (const Meaning *Row = U.meaningOf(Call, What)) {
            SmallVector<const DeclRefExpr *, 4> Named;
            gather<DeclRefExpr>(Unit::argument(Call, Row->Object), Named);
            if (llvm::any_of(Named, [&](const DeclRefExpr *Ref) { return Ref->getDecl() == Param; }))
              return Param;
          }
    }
  return nullptr;
}

} // namespace

std::string safespawn::offerOwner(const Unit &U, const HandleUse &Spawn) {
  const SourceManager &SM = U.context().getSourceManager();
  const std::optional<TaskFamily> Kind = familyOf(Spawn.In, *Spawn.Row);
  const Owner Of = ownerOf(U, Spawn);
  const RecordDecl *Type = Of.Type ? Of.Type->getDefinition() : nullptr;
  if (!Kind || !Type || !Type->getIdentifier() || Type->isUnion() || SM.isInSystemHeader(Type->getLocation()))
    return "";
  const bool IsTaken = llvm::any_of(Type->fields(), [](const FieldDecl *F) { return F->getName() == "scope"; });
  const std::string Name = IsTaken ? "task_scope" : "scope", Scope = "&" + Of.Member + Name;
  const Edits E(U.context());
  auto Text = [&](Role Which) { return E.text(Unit::argument(Spawn.In, Which)->getSourceRange()); };

  std::string Lines = "; 'struct " + Type->getNameAsString() + "' could own it:";
  Lines += "\n  struct " + Type->getNameAsString() + "\n\tss_scope " + Name + ";";
  Lines += "\n  " + Spawn.By->getNameAsString();
  Lines += "\n\tint rc = ss_scope_open(" + Scope +
           ", &(ss_scope_opts){ .flags = SS_SUPERVISE | SS_UNBOUND }, SS_HERE);\n\tif (rc == 0)\n\t\trc = ";
  Lines += std::string(Kind->Pointers ? "ss_spawn_task_ptr(" : "ss_spawn_task(") + Scope + ", NULL, " +
           taskFlags(Spawn, U) + ", " + Text(Spawn.Row->Entry) + ", " + Text(Spawn.Row->Argument) + ");";
  const ParmVarDecl *Param = endOf(Type, U);
  const auto *End = Param ? cast<FunctionDecl>(Param->getDeclContext()) : nullptr;
  const std::string Ended = Param ? "&" + Param->getNameAsString() + "->" + Name : Scope;
  Lines += "\n  " + (End ? End->getNameAsString() : std::string("where it ends")) + ", when the thread was told to end";
  Lines += "\n\tss_scope_join(" + Ended + ", NULL);\n\tss_scope_fini(" + Ended + ");";
  return Lines;
}
