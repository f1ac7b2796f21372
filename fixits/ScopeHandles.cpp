// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether a scope may own threads at all: all that the file does with their handles, how these are declared, and what
// holds them. Where the scope goes is not asked here.
#include "fixits/Bodies.h"
#include "fixits/CancelForms.h"
#include "fixits/Edits.h"
#include "fixits/ScopePlace.h"

using namespace clang;
using namespace safespawn;

/// More task objects than this do not go on a stack.
static constexpr uint64_t MaxAutomatic = 256;

std::string ScopePlace::attributeProblem(const HandleUse &Spawn) const {
  const Expr *Attr = Unit::argument(Spawn.In, Spawn.Row->Attr);
  if (!Attr || Attr->isNullPointerConstant(U.context(), Expr::NPC_ValueDependentIsNull))
    return "";
  const auto *Address = dyn_cast<UnaryOperator>(Attr->IgnoreParenCasts());
  const auto *Ref = Address && Address->getOpcode() == UO_AddrOf
                        ? dyn_cast<DeclRefExpr>(Address->getSubExpr()->IgnoreParenCasts())
                        : nullptr;
  const auto *Var = Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
  if (!Var || !Var->hasLocalStorage())
    return "its attributes come from elsewhere: they may make it detached";
  SmallVector<const DeclRefExpr *, 8> Mentions;
  collect(Body, Var, Mentions);
  for (const DeclRefExpr *Mention : Mentions) {
    const Stmt *Up = Mention;
    while (Up && !isa<CallExpr, CompoundStmt>(Up))
      Up = Parents.getParent(Up);
    const auto *Call = dyn_cast_or_null<CallExpr>(Up);
    if (!Call || U.meaningsOf(Call->getDirectCallee()).empty())
      return "its attributes " + quoted(Var) + " are used in a way that may make it detached";
    const Meaning *Row = U.meaningOf(Call->getDirectCallee(), Effect::AttributeSet);
    if (!Row || Row->DetachedName.empty())
      continue;
    const Expr *Value = Unit::argument(Call, Row->Value);
    const std::optional<int64_t> Detached = U.constantNamed(Row->DetachedName);
    Expr::EvalResult Known;
    if (!Value || !Detached || !Value->EvaluateAsInt(Known, U.context()) ||
        Known.Val.getInt().getExtValue() == *Detached)
      return "it is spawned detached";
  }
  return "";
}

std::string ScopePlace::spawnProblem(const HandleUse &Spawn) const {
  if (!safespawn::familyOf(Spawn.In, *Spawn.Row))
    return "the runtime has no form for '" + Spawn.Row->Call + "'";
  if (const FunctionDecl *Entry = Spawn.entry(); Entry && U.detachesItself(Entry))
    return "its start routine " + quoted(Entry) + " detaches it";
  return Spawn.By == In ? attributeProblem(Spawn) : "";
}

/// Whether what is to change of \p Use stands in the file itself, or in the definition of a macro there.
static bool isWritten(const HandleUse &Use, Edits E, const SourceManager &SM) {
  if (!E.enter(Use.In))
    return false;
  auto Is = [&](const Expr *Part) {
    const CharSourceRange File = E.written(Part->getSourceRange());
    return File.isValid() && SM.isInMainFile(File.getBegin());
  };
  return Is(Use.In) && Is(Use.In->getCallee()) && Is(Use.Given) && llvm::all_of(Use.In->arguments(), Is);
}

/// A background task is cancelled where its scope ends: nothing may be lost by that, and it has to hear of it.
std::string ScopePlace::backgroundProblem(const ValueDecl *D) const {
  const Edits E(U.context());
  if (!In->isMain())
    return quoted(D) + " goes on when " + quoted(In) + " returns, and a background task would not";
  if (isMany(D))
    return quoted(D) + " stands for several detached threads";
  for (const CallExpr *Call : U.callsIn(In))
    if (U.meaningOf(Call, Effect::EndThread))
      return quoted(D) + " goes on when 'main' ends its thread, and a background task would not";
  for (const HandleUse &Use : All.usesOf(D)) {
    if (Use.is(Effect::Spawn) && reaches(Graph, Use.In, Use.In))
      return quoted(D) + " is detached in a loop";
    if (Use.is(Effect::Detach) && (E.isByMacro(Use.In) || !isRemovable(Use.In, Parents)))
      return "'" + U.text(Use.In) + "' cannot be taken out";
  }
  return "";
}

std::string ScopePlace::useProblem(const ValueDecl *D) const {
  const Edits E(U.context());
  const std::optional<TaskFamily> Kind = familyOf(D);
  for (const HandleUse &Use : All.usesOf(D)) {
    switch (Use.What) {
    case HandleUse::Size:
    case HandleUse::Test:
    case HandleUse::Allocate:
    case HandleUse::Free:
      continue;
    case HandleUse::Call:
      break;
    case HandleUse::Other:
      return quoted(D) + " is used for more than to start, join or name a thread: '" +
             U.text(isa_and_nonnull<Expr>(Use.Around) ? cast<Expr>(Use.Around) : Use.Ref) + "'";
    }
    if (!isWritten(Use, E, U.context().getSourceManager()))
      return "'" + Use.Row->Call + "' is called by a macro";
    switch (Use.Row->What) {
    case Effect::Spawn:
      if (std::string Why = spawnProblem(Use); !Why.empty())
        return Why;
      break;
    case Effect::Join:
      break;
    case Effect::TryJoin:
      if (Use.Row->Args != 2)
        return "the runtime has no form for '" + Use.Row->Call + "' with its clock";
      break;
    case Effect::Detach:
      if (!Background.count(D))
        return quoted(D) + " is detached: see --detached=service and --detached=background";
      break;
    case Effect::Cancel:
      if (!Kind || !Kind->Pointers || (Use.By == In && !isStatement(Use.In, Parents)))
        return "the runtime has no form for '" + U.text(Use.In) + "' as it is used here";
      break;
    default:
      if (!Kind || !Kind->Pointers)
        return "the runtime has no form for '" + Use.Row->Call + "'";
    }
  }
  if (Background.count(D))
    if (std::string Why = backgroundProblem(D); !Why.empty())
      return Why;
  if (isCancelled(D)) {
    CancelForms Forms(U);
    for (const FunctionDecl *Entry : entriesOf(D))
      if (std::string Why = Forms.add(Entry); !Why.empty())
        return quoted(D) + " is cancelled, and " + Why;
  }
  return "";
}

std::string ScopePlace::declarationProblem(const ValueDecl *D) const {
  const SourceManager &SM = U.context().getSourceManager();
  Edits E(U.context());
  if (!E.isEditable(D->getSourceRange()) || !SM.isInMainFile(D->getLocation()))
    return quoted(D) + " is declared by a macro, or in a header that others include";
  if (const auto *Field = dyn_cast<FieldDecl>(D))
    return fieldProblem(Field);
  const auto *Var = cast<VarDecl>(D);
  if (!Var->getTypeSourceInfo())
    return quoted(D) + " has no type that can be changed";
  return Var->getType()->isPointerType() ? memoryProblem(Var) : variableProblem(Var);
}

std::string ScopePlace::variableProblem(const VarDecl *Var) const {
  ASTContext &Context = U.context();
  if (const Expr *Value = Var->getInit(); Value && !isZero(Value, Context))
    return quoted(Var) + " starts with a value";
  if (const auto *List = dyn_cast_or_null<InitListExpr>(Var->getInit()); List && List->getNumInits() > 1)
    return quoted(Var) + " starts with a value for each place";
  if (const auto *Array = Context.getAsConstantArrayType(Var->getType());
      Array && Var->hasLocalStorage() && Context.getConstantArrayElementCount(Array) > MaxAutomatic)
    return quoted(Var) + " has so many places that its tasks do not fit on the stack";
  if (Var->isFileVarDecl()) {
    for (const Decl *D : Context.getTranslationUnitDecl()->noload_decls())
      if (const auto *Other = dyn_cast<VarDecl>(D);
          Other && Other->getTypeSpecStartLoc() == Var->getTypeSpecStartLoc() && !llvm::is_contained(Vars, Other))
        return quoted(Var) + " is declared together with " + quoted(Other) + ", which stays";
    if (Var->getPreviousDecl() || Var->getMostRecentDecl() != Var)
      return quoted(Var) + " is declared more than once";
  }
  // What is declared in one statement changes its type together.
  if (const DeclStmt *Statement = declarationOf(Body, Var))
    for (const Decl *D : Statement->decls())
      if (const auto *Other = dyn_cast<VarDecl>(D); !Other || !llvm::is_contained(Vars, Other))
        return quoted(Var) + " is declared together with " + (Other ? quoted(Other) + ", which" : "what") + " stays";
  return "";
}

/// A pointer to handles: the memory is made once, of so many handles, and given back after the join.
std::string ScopePlace::memoryProblem(const VarDecl *Var) const {
  const std::string Elsewhere = quoted(Var) + " points to handles that lie elsewhere";
  if (!Var->hasLocalStorage() || isa<ParmVarDecl>(Var))
    return Elsewhere;
  const DeclStmt *Statement = declarationOf(Body, Var);
  if (!Statement || !Statement->isSingleDecl())
    return quoted(Var) + " is declared together with what stays";
  unsigned Values =
      Var->getInit() && !Var->getInit()->isNullPointerConstant(U.context(), Expr::NPC_ValueDependentIsNull);
  for (const HandleUse &Use : All.usesOf(Var))
    Values += Use.What == HandleUse::Allocate;
  const CallExpr *Call = allocationOf(Var);
  const FunctionDecl *Callee = Call ? Call->getDirectCallee() : nullptr;
  if (Values != 1 || !Callee || !Callee->getReturnType()->isVoidPointerType() ||
      Callee->getBuiltinID() == Builtin::BIrealloc)
    return Elsewhere;
  // The size has to follow the type.
  SmallVector<const UnaryExprOrTypeTraitExpr *, 4> Sizes;
  for (const Expr *Argument : Call->arguments())
    gather(static_cast<const Stmt *>(Argument), Sizes);
  Edits E(U.context());
  const bool Follows = llvm::any_of(Sizes, [&](const UnaryExprOrTypeTraitExpr *Size) {
    return Size->getKind() == UETT_SizeOf && All.isHandle(Size->getTypeOfArgument()) &&
           E.isEditable(Size->getSourceRange());
  });
  return Follows ? "" : "the memory that " + quoted(Var) + " points to is not measured in handles";
}

/// Whether an object of \p Type holds one of \p Record, not behind a pointer.
static bool holdsRecord(QualType Type, const RecordDecl *Record, const ASTContext &Context, unsigned Depth = 0) {
  while (const ArrayType *Array = Context.getAsArrayType(Type))
    Type = Array->getElementType();
  const RecordDecl *Other = Type->getAsRecordDecl();
  if (Other && Other->getCanonicalDecl() == Record->getCanonicalDecl())
    return true;
  if (!Other || !(Other = Other->getDefinition()) || Depth > 8)
    return false;
  return llvm::any_of(Other->fields(), [&](const FieldDecl *Field) {
    return holdsRecord(Field->getType(), Record, Context, Depth + 1);
  });
}

/// A struct whose field becomes a task: its objects stay where they are, and nobody fills them in by position.
std::string ScopePlace::fieldProblem(const FieldDecl *Field) const {
  const RecordDecl *Record = Field->getParent();
  const std::string Holder = Record->getIdentifier() ? "'struct " + Record->getNameAsString() + "'" : "its struct";
  if (Record->isUnion() || Record->hasAttr<PackedAttr>())
    return Holder + ", which " + quoted(Field) + " is a field of, has a layout of its own";
  if (Field->getType()->isPointerType())
    return quoted(Field) + " points to handles that lie elsewhere";
  for (const FieldDecl *Other : Record->fields())
    if (Other->getBeginLoc() == Field->getBeginLoc() && !llvm::is_contained(Vars, Other))
      return quoted(Field) + " is declared together with " + quoted(Other) + ", which stays";

  const ASTContext &Context = U.context();
  std::string Why;
  auto Look = [&](const Stmt *S) {
    SmallVector<const ImplicitCastExpr *, 16> Reads;
    SmallVector<const InitListExpr *, 8> Lists;
    SmallVector<const CallExpr *, 16> Calls;
    gather(S, Reads);
    gather(S, Lists);
    gather(S, Calls);
    for (const ImplicitCastExpr *Read : Reads)
      if (Read->getCastKind() == CK_LValueToRValue && holdsRecord(Read->getType(), Record, Context))
        Why = "an object of " + Holder + " is copied";
    for (const InitListExpr *List : Lists) {
      const RecordDecl *Filled = List->getType()->getAsRecordDecl();
      const InitListExpr *Form = List->getSyntacticForm() ? List->getSyntacticForm() : List;
      if (!Filled || Filled->getCanonicalDecl() != Record->getCanonicalDecl() || !List->isSemanticForm() ||
          Field->getFieldIndex() >= List->getNumInits() ||
          isa<ImplicitValueInitExpr>(List->getInit(Field->getFieldIndex())) ||
          (Form->getNumInits() == 1 && isZero(Form->getInit(0), Context)))
        continue;
      Why = "an object of " + Holder + " starts with a value for " + quoted(Field);
    }
    for (const CallExpr *Call : Calls) {
      const FunctionDecl *Callee = Call->getDirectCallee();
      const bool Moves = Callee && (Callee->getBuiltinID() == Builtin::BIrealloc || U.meaningOf(Call, Effect::Copy));
      for (unsigned I = 0; Moves && I < Call->getNumArgs(); ++I)
        if (QualType Object = Unit::pointeeOf(Call->getArg(I));
            !Object.isNull() && holdsRecord(Object, Record, Context))
          Why = "an object of " + Holder + " is moved by " + quoted(Callee);
    }
  };
  for (const FunctionDecl *F : U.definitions())
    Look(F->getBody());
  for (const Decl *D : Context.getTranslationUnitDecl()->noload_decls())
    if (const auto *Var = dyn_cast<VarDecl>(D); Var && Var->getInit())
      Look(Var->getInit());
  return Why;
}

std::string ScopePlace::understand() const {
  for (const ValueDecl *D : Vars)
    if (std::string Why = useProblem(D); !Why.empty())
      return Why;
  for (const ValueDecl *D : Vars)
    if (std::string Why = declarationProblem(D); !Why.empty())
      return Why;
  return "";
}
