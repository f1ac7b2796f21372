// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/LockFixes.h"
#include "checkers/Flow.h"
#include "fixits/Edits.h"
#include "fixits/Exits.h"

using namespace clang;
using namespace safespawn;

// ---- Leak: release before the exit ----

/// Whether \p Value is the same with the lock and without it: a constant, or a variable of the function's own.
static bool needsNoLock(const Expr *Value, const ASTContext &Context) {
  if (!Value)
    return true;
  Expr::EvalResult Constant;
  if (Value->EvaluateAsRValue(Constant, Context) && !Constant.HasSideEffects)
    return true;
  Value = Value->IgnoreParenCasts();
  if (const auto *Minus = dyn_cast<UnaryOperator>(Value); Minus && Minus->getOpcode() == UO_Minus)
    Value = Minus->getSubExpr()->IgnoreParenCasts();
  const auto *Ref = dyn_cast<DeclRefExpr>(Value);
  const auto *Var = Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
  return Var && Var->hasLocalStorage();
}

namespace {

/// How a lock is named: the variables and fields that the expression goes through.
struct Naming {
  SmallVector<const VarDecl *, 4> Variables;
  SmallVector<const FieldDecl *, 4> Fields;
  bool Plain = true; ///< nothing else: no call, no change

  void read(const Stmt *S) {
    if (const auto *Ref = dyn_cast<DeclRefExpr>(S)) {
      if (const auto *Var = dyn_cast<VarDecl>(Ref->getDecl()))
        Variables.push_back(Var);
    } else if (const auto *Member = dyn_cast<MemberExpr>(S)) {
      if (const auto *Field = dyn_cast<FieldDecl>(Member->getMemberDecl()))
        Fields.push_back(Field);
    } else if (const auto *Op = dyn_cast<UnaryOperator>(S)) {
      Plain &= !Op->isIncrementDecrementOp();
    } else if (const auto *Binary = dyn_cast<BinaryOperator>(S)) {
      Plain &= !Binary->isAssignmentOp();
    } else {
      Plain &= isa<CastExpr, ParenExpr, ArraySubscriptExpr, IntegerLiteral, CharacterLiteral>(S);
    }
    for (const Stmt *Child : S->children())
      if (Child)
        read(Child);
  }

  /// Whether evaluating \p S may make the expression name another object.
  bool isChangedBy(const Stmt *S, const Unit &U) const {
    if (llvm::any_of(Variables, [&](const VarDecl *Var) { return changes(S, Var, U); }))
      return true;
    const Expr *Target = nullptr;
    if (const auto *Assign = dyn_cast<BinaryOperator>(S); Assign && Assign->isAssignmentOp())
      Target = Assign->getLHS();
    else if (const auto *Op = dyn_cast<UnaryOperator>(S); Op && Op->isIncrementDecrementOp())
      Target = Op->getSubExpr();
    const auto *Member = dyn_cast_or_null<MemberExpr>(Target ? Target->IgnoreParenCasts() : nullptr);
    return Member && llvm::is_contained(Fields, Member->getMemberDecl());
  }
};

} // namespace

std::vector<Fix> safespawn::fixLockLeak(const Unit &U, const CallExpr *Acquire, const Meaning *Row, const Stmt *Exit,
                                        const FunctionDecl *In, ento::AnalysisManager &Manager) {
  if (!Acquire || !Row || !In || !isa_and_nonnull<CompoundStmt>(In->getBody()))
    return {};
  AnalysisDeclContext *Context = Manager.getAnalysisDeclContext(In);
  const Expr *Object = U.meaningOf(Acquire, Row->What) == Row ? Unit::argument(Acquire, Row->Object) : nullptr;
  const FlowPoint Taken = Object && Context->getCFG() ? pointAfter(*Context->getCFG(), Acquire) : FlowPoint();
  if (!Taken)
    return {};
  if (const auto *Return = dyn_cast_or_null<ReturnStmt>(Exit);
      Return && !needsNoLock(Return->getRetValue(), U.context()))
    return {};

  Naming Name;
  Name.read(Object);
  const VarDecl *Base = Name.Variables.empty() ? nullptr : Name.Variables.front();
  if (!Base || !Name.Plain ||
      llvm::any_of(Name.Variables, [&](const VarDecl *Var) { return hasNamesake(In->getBody(), Var); }) ||
      walk(Taken, [&](const Stmt *S) {
        return S == Exit || S == Acquire ? Step::Stop : Name.isChangedBy(S, U) ? Step::Found : Step::On;
      }))
    return {};
  Exits Ways(U, Acquire, *Row, In, *Context, [&U, Object](const CallExpr *Call) {
    if (const Meaning *Release = U.meaningOf(Call, Effect::Release))
      return U.sameExpression(Unit::argument(Call, Release->Object), Object);
    // A function of this file may well be the one that gives the lock back.
    const FunctionDecl *Callee = Call->getDirectCallee();
    return !Callee || (U.meaningsOf(Callee).empty() && U.locks(Callee));
  });
  Edits E(U.context());
  const std::string Written = E.text(Object->getSourceRange()), Release = U.endingCall(*Row, Written);
  if (Written.empty() || Written.find('\n') != std::string::npos || Release.empty() || !Ways.isResultKnown() ||
      !Ways.isOurs(Exit) || !Ways.insertBefore(Exit, Release, Base, E))
    return {};
  StringRef Shown = Written;
  Shown.consume_front("&");
  return {{"unlock", "release '" + Shown.str() + "' before leaving '" + In->getNameAsString() + "'", E.take()}};
}

// ---- Copy: pass a pointer ----

/// Edits all that \p Function does with its parameter \p Param, which becomes a pointer, or fails.
static bool usePointer(const FunctionDecl *Function, const ParmVarDecl *Param, const Unit &U, Edits &E) {
  ParentMap Parents(Function->getBody());
  SmallVector<const DeclRefExpr *, 8> Uses;
  collect(Function->getBody(), Param, Uses);
  for (const DeclRefExpr *Use : Uses) {
    const Stmt *Parent = Parents.getParent(const_cast<DeclRefExpr *>(Use));
    if (const auto *Member = dyn_cast_or_null<MemberExpr>(Parent)) {
      const SourceRange Dot(Member->getOperatorLoc(), Member->getOperatorLoc());
      if (!E.isEditable(Member->getSourceRange()) || !E.isEditable(Dot))
        return false;
      E.replace(Dot, "->");
    } else if (const auto *Address = dyn_cast_or_null<UnaryOperator>(Parent);
               Address && Address->getOpcode() == UO_AddrOf && E.isEditable(Address->getSourceRange())) {
      E.replace(Address->getSourceRange(), Param->getNameAsString());
    } else {
      return false;
    }
    // What it writes into its copy would reach the caller.
    for (const Stmt *Up = Use; Up; Up = Parents.getParent(Up))
      if (changes(Up, Param, U))
        return false;
  }
  return true;
}

std::vector<Fix> safespawn::fixPassedByValue(const Unit &U, const CallExpr *Call, unsigned Index) {
  const FunctionDecl *Function = Call->getDirectCallee();
  Function = Function ? Function->getDefinition() : nullptr;
  if (!Function || U.hasUnseenCallers(Function) || Index >= Function->getNumParams())
    return {};
  const ParmVarDecl *Param = Function->getParamDecl(Index);
  Edits E(U.context());
  if (!Param->getType()->isRecordType() || Param->getType().isConstQualified() || !Param->getIdentifier() ||
      !usePointer(Function, Param, U, E))
    return {};
  for (const FunctionDecl *Declaration : Function->redecls()) {
    const ParmVarDecl *Declared = Declaration->getParamDecl(Index);
    if (!E.isEditable(Declared->getSourceRange()))
      return {};
    if (Declared->getIdentifier())
      E.insert(Declared->getLocation(), "*");
    else
      E.insert(E.after(Declared->getSourceRange()), " *");
  }
  llvm::SmallPtrSet<const FunctionDecl *, 4> Seen;
  for (const FunctionDecl *Caller : U.callersOf(Function)) {
    if (!Seen.insert(Caller).second)
      continue;
    for (const CallExpr *Other : U.callsIn(Caller)) {
      if (Other->getDirectCallee()->getCanonicalDecl() != Function->getCanonicalDecl())
        continue;
      const auto *Load = dyn_cast<ImplicitCastExpr>(Other->getArg(Index));
      const Expr *Object = Load && Load->getCastKind() == CK_LValueToRValue ? Load->getSubExpr() : nullptr;
      if (!Object || Object->getType().isConstQualified() || !E.isEditable(Object->getSourceRange()))
        return {};
      if (const auto *Deref = dyn_cast<UnaryOperator>(Object); Deref && Deref->getOpcode() == UO_Deref)
        E.replace(SourceRange(Deref->getOperatorLoc(), Deref->getOperatorLoc()), "");
      else if (isa<DeclRefExpr, MemberExpr, ArraySubscriptExpr>(Object))
        E.insert(Object->getBeginLoc(), "&");
      else
        return {};
    }
  }
  return {{"pointer", "pass '" + Param->getNameAsString() + "' by pointer", E.take()}};
}

// ---- CondNoLoop: ask again ----

std::vector<Fix> safespawn::fixCondNoLoop(const Unit &U, const CallExpr *Wait, const IfStmt *Guard) {
  const Meaning *Row = U.meaningOf(Wait, Effect::Wait);
  // A wait with a time limit has come to an end of its own; to go round again takes a person.
  if (!Row || Unit::argument(Wait, Row->Limit) || Guard->getElse() || Guard->hasInitStorage() ||
      Guard->hasVarStorage() || Guard->getCond()->HasSideEffects(U.context(), /*IncludePossibleEffects=*/false))
    return {};
  const Stmt *Only = Guard->getThen();
  if (const auto *Block = dyn_cast<CompoundStmt>(Only))
    Only = Block->size() == 1 ? Block->body_front() : nullptr;
  if (const auto *Assign = dyn_cast_or_null<BinaryOperator>(Only); Assign && Assign->getOpcode() == BO_Assign)
    Only = Assign->getRHS()->IgnoreParenImpCasts();
  if (const auto *Cast = dyn_cast_or_null<CStyleCastExpr>(Only))
    Only = Cast->getSubExpr()->IgnoreParenImpCasts();
  Edits E(U.context());
  const SourceLocation If = Guard->getIfLoc();
  if (Only != Wait || !E.isEditable(SourceRange(If, If)))
    return {};
  E.replace(SourceRange(If, If), "while");
  return {{"while", "test again after each wake-up", E.take()}};
}

// ---- LostWakeup: wake all ----

std::vector<Fix> safespawn::fixWakeAll(const Unit &U, const CallExpr *Post, const Meaning &Row) {
  const SourceRange Name = Post->getCallee()->getSourceRange();
  Edits E(U.context());
  if (Row.Broadcast.empty() || !E.isEditable(Name))
    return {};
  E.replace(Name, Row.Broadcast);
  return {{"broadcast", "wake all waiters with '" + Row.Broadcast + "'", E.take()}};
}
