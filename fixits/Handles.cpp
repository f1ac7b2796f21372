// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/Handles.h"
#include "fixits/Bodies.h"
#include "fixits/ScopePlace.h"
#include "clang/AST/RecursiveASTVisitor.h"

using namespace clang;
using namespace safespawn;

/// What \p Type is an array of, or points to; \p Type itself where it is neither.
static QualType elementOf(QualType Type, const ASTContext &Context) {
  if (const auto *Pointer = Type->getAs<PointerType>())
    return Pointer->getPointeeType();
  while (const ArrayType *Array = Context.getAsArrayType(Type))
    Type = Array->getElementType();
  return Type;
}

bool Handles::isHandle(QualType Type) const {
  const auto *Alias = Type->getAs<TypedefType>();
  return Alias && !Type.hasQualifiers() && Types.count(Alias->getDecl()->getCanonicalDecl());
}

struct Handles::Collect : RecursiveASTVisitor<Handles::Collect> {
  Handles &H;
  const FunctionDecl *By = nullptr;
  const ParentMap *Parents = nullptr;
  explicit Collect(Handles &H) : H(H) {}

  void note(const Expr *Ref, const ValueDecl *D) {
    if (!H.isHandle(elementOf(D->getType(), H.U.context())))
      return;
    HandleUse Use;
    Use.Ref = Ref;
    Use.By = By;
    if (Parents)
      H.classify(Use, *Parents);
    const auto *Var = dyn_cast<VarDecl>(D);
    const ValueDecl *Key = Var ? Var->getCanonicalDecl() : D;
    if (Use.is(Effect::Spawn))
      H.Places[Use.In] = Key;
    H.Uses[Key].push_back(Use);
  }
  bool VisitDeclRefExpr(DeclRefExpr *Ref) {
    if (const auto *Var = dyn_cast<VarDecl>(Ref->getDecl()))
      note(Ref, Var);
    return true;
  }
  bool VisitMemberExpr(MemberExpr *Member) {
    if (const auto *Field = dyn_cast<FieldDecl>(Member->getMemberDecl()))
      note(Member, Field);
    return true;
  }
};

Handles::Handles(const Unit &U, llvm::function_ref<const ParentMap &(const FunctionDecl *)> ParentsOf) : U(U) {
  for (const FunctionDecl *F : U.definitions())
    for (const SpawnSite &Site : U.spawnsIn(F)) {
      const FunctionDecl *Callee = Site.Call->getDirectCallee();
      const Meaning *Row = U.meaningOf(Callee, Effect::Spawn);
      if (!Row || !familyOf(Site.Call, *Row))
        continue;
      const auto *Pointer = Callee->getParamDecl(Row->Handle.index())->getType()->getAs<PointerType>();
      if (const auto *Alias = Pointer ? Pointer->getPointeeType()->getAs<TypedefType>() : nullptr)
        Types.insert(Alias->getDecl()->getCanonicalDecl());
    }
  if (Types.empty())
    return;
  Collect Visitor(*this);
  for (const FunctionDecl *F : U.definitions()) {
    Visitor.By = F;
    Visitor.Parents = &ParentsOf(F);
    Visitor.TraverseStmt(F->getBody());
  }
  Visitor.By = nullptr;
  Visitor.Parents = nullptr;
  for (Decl *D : U.context().getTranslationUnitDecl()->noload_decls())
    if (auto *Var = dyn_cast<VarDecl>(D); Var && Var->hasInit())
      Visitor.TraverseStmt(Var->getInit());
}

ArrayRef<HandleUse> Handles::usesOf(const ValueDecl *D) const {
  auto Found = Uses.find(D);
  return Found == Uses.end() ? ArrayRef<HandleUse>() : ArrayRef<HandleUse>(Found->second);
}

const ValueDecl *Handles::storedInto(const CallExpr *Spawn) const { return Places.lookup(Spawn); }

/// The role in which \p Row takes a handle from argument \p Index, as a value or, for a spawn, by its address.
static bool takesHandle(const Meaning &Row, unsigned Index, bool ByAddress) {
  auto Is = [&](Role R) { return R.isArgument() && R.index() == Index; };
  switch (Row.What) {
  case Effect::Spawn:
    return ByAddress && Is(Row.Handle);
  case Effect::Join:
  case Effect::TryJoin:
  case Effect::Detach:
  case Effect::Cancel:
  case Effect::Observe:
    return !ByAddress && Is(Row.Object);
  case Effect::Equal:
    return !ByAddress && (Is(Row.Object) || Is(Row.Other));
  default:
    return false;
  }
}

/// What \p F, a function of this file, does with the handle that it gets as its parameter \p Index, where it only names
/// the thread; else null.
static const Meaning *observedBy(const FunctionDecl *F, unsigned Index, const Unit &U, unsigned Depth = 0) {
  const FunctionDecl *Definition = nullptr;
  if (!F || !F->hasBody(Definition) || Index >= Definition->getNumParams() || Depth > 4)
    return nullptr;
  const ParmVarDecl *Handle = Definition->getParamDecl(Index);
  SmallVector<const DeclRefExpr *, 4> Mentions;
  collect(Definition->getBody(), Handle, Mentions);
  const Meaning *Found = nullptr;
  unsigned Known = 0;
  for (const CallExpr *Call : U.callsIn(Definition))
    for (unsigned I = 0; I < Call->getNumArgs(); ++I) {
      const auto *Ref = dyn_cast<DeclRefExpr>(Call->getArg(I)->IgnoreParenImpCasts());
      if (!Ref || Ref->getDecl() != Handle)
        continue;
      const Meaning *Row = U.meaningOf(Call->getDirectCallee(), Effect::Observe);
      if (!Row || !takesHandle(*Row, I, /*ByAddress=*/false))
        Row = observedBy(Call->getDirectCallee(), I, U, Depth + 1);
      Known += Row != nullptr;
      Found = Row ? Row : Found;
    }
  return Known == Mentions.size() ? Found : nullptr;
}

void Handles::classify(HandleUse &Use, const ParentMap &Parents) const {
  const ASTContext &Context = U.context();
  const Expr *E = Use.Ref;
  const Stmt *Up = nullptr;
  for (;; E = cast<Expr>(Up)) {
    Up = Parents.getParent(const_cast<Expr *>(E));
    if (isa_and_nonnull<ParenExpr>(Up))
      continue;
    if (const auto *Cast = dyn_cast_or_null<ImplicitCastExpr>(Up);
        Cast && (Cast->getCastKind() == CK_ArrayToPointerDecay || Cast->getCastKind() == CK_LValueToRValue ||
                 Cast->getCastKind() == CK_NoOp))
      continue;
    if (const auto *Element = dyn_cast_or_null<ArraySubscriptExpr>(Up); Element && Element->getBase() == E)
      continue;
    if (const auto *Op = dyn_cast_or_null<UnaryOperator>(Up); Op) {
      if (Op->getOpcode() == UO_Deref || (Op->getOpcode() == UO_AddrOf && isHandle(E->getType())))
        continue;
      if (Op->getOpcode() == UO_LNot && E->getType()->isPointerType())
        Use.What = HandleUse::Test;
    }
    if (const auto *Op = dyn_cast_or_null<BinaryOperator>(Up)) {
      const Expr *Other = Op->getLHS() == E ? Op->getRHS() : Op->getLHS();
      if (Op->getOpcode() == BO_Add && E->getType()->isPointerType())
        continue;
      if (Op->isEqualityOp() && E->getType()->isPointerType() &&
          Other->isNullPointerConstant(const_cast<ASTContext &>(Context), Expr::NPC_ValueDependentIsNull))
        Use.What = HandleUse::Test;
      if (Op->getOpcode() == BO_Assign && Op->getLHS() == E && E->getType()->isPointerType() &&
          isa<CallExpr>(Other->IgnoreParenCasts()))
        Use.What = HandleUse::Allocate;
    }
    break;
  }
  Use.Given = E;
  Use.Around = Up;
  if (Use.What != HandleUse::Other)
    return;
  if (isa_and_nonnull<UnaryExprOrTypeTraitExpr>(Up)) {
    Use.What = HandleUse::Size;
    return;
  }
  const bool IsPointer = E->getType()->isPointerType();
  if (IsPointer && isa_and_nonnull<IfStmt, ForStmt, WhileStmt, ConditionalOperator>(Up))
    Use.What = HandleUse::Test;
  // The memory of handles goes to free as a void *.
  const Stmt *Passed = E;
  if (const auto *Cast = dyn_cast_or_null<ImplicitCastExpr>(Up); Cast && Cast->getCastKind() == CK_BitCast) {
    Passed = Cast;
    Up = Parents.getParent(Passed);
  }
  const auto *Call = dyn_cast_or_null<CallExpr>(Up);
  if (!Call || Call->getCallee() == Passed)
    return;
  for (unsigned I = 0; I < Call->getNumArgs(); ++I) {
    if (Call->getArg(I) != Passed)
      continue;
    for (const Meaning &Row : U.meaningsOf(Call->getDirectCallee()))
      if (Passed == E && takesHandle(Row, I, IsPointer)) {
        Use.What = HandleUse::Call;
        Use.In = Call;
        Use.Row = &Row;
        return;
      }
    const FunctionDecl *Callee = Call->getDirectCallee();
    if (const Meaning *Row = Passed == E && !IsPointer ? observedBy(Callee, I, U) : nullptr) {
      Use.What = HandleUse::Call;
      Use.In = Call;
      Use.Row = Row;
      return;
    }
    if (Callee && Passed != E && Callee->getBuiltinID() == Builtin::BIfree) {
      Use.What = HandleUse::Free;
      Use.In = Call;
    }
  }
}
