// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules about locks and conditions as they are written, which need no path:
//   lock.Copy, CondNoLoop, LostWakeup, and CondMutex for one condition with two locks.
// What happens to a lock along a path is left to LockState.cpp.
#include "checkers/Body.h"
#include "checkers/Checkers.h"
#include "checkers/Flow.h"
#include "checkers/Waits.h"
#include "fixits/LockFixes.h"
#include "clang/AST/RecordLayout.h"
#include "clang/StaticAnalyzer/Core/Checker.h"

using namespace clang;
using namespace ento;
using namespace safespawn;

namespace {

struct Copied;

class LockUse : public Checker<check::ASTCodeBody> {
public:
  Analysis *A = nullptr;
  void checkASTCodeBody(const Decl *D, AnalysisManager &Manager, BugReporter &Reporter) const;

private:
  void checkCopies(const Body &B) const;
  bool isFresh(const Copied &C, const Body &B) const;
  bool isMadeAnew(const Copied &C, const Body &B) const;
  void checkLoops(const Body &B) const;

  mutable std::unique_ptr<Waits> Waiting;
};

} // namespace

void LockUse::checkASTCodeBody(const Decl *D, AnalysisManager &Manager, BugReporter &Reporter) const {
  A->U.scan();
  const auto *F = dyn_cast<FunctionDecl>(D);
  AnalysisDeclContext *Context = Manager.getAnalysisDeclContext(D);
  if (!F || !Context || (!A->U.touchesSync(F) && !A->U.copiesSync(F)))
    return;
  const Body B{F, Context, Context->getParentMap(), Context->getCFG(), Manager, Reporter};
  if (!B.Graph)
    return;
  if (!Waiting)
    Waiting = std::make_unique<Waits>(A->U, Manager);
  if (A->Book.isOn(Rule::lock_Copy) && A->U.copiesSync(F))
    checkCopies(B);
  if (A->Book.isOn(Rule::lock_CondNoLoop))
    checkLoops(B);
}

// ---- Copy -----------------------------------------------------------------------------------------------------------

namespace {

enum class Way { Assigned, Initialised, Passed, Returned, Moved };

/// One copy of an object that is, or holds, a synchronisation object.
struct Copied {
  Way How = Way::Assigned;
  const Stmt *At = nullptr;      ///< where a person would look
  const Stmt *Event = nullptr;   ///< what the CFG has of it
  const Expr *Source = nullptr;  ///< the object, or with Moved what points to it
  const Expr *Target = nullptr;  ///< the same of the place that it goes to; null where it has no name
  const VarDecl *Made = nullptr; ///< the variable that it initialises
  const CallExpr *Call = nullptr;
  SyncPart Part;
};

StringRef nameOf(Sync Kind) {
  switch (Kind) {
  case Sync::Lock:
    return "lock";
  case Sync::Condition:
    return "condition";
  case Sync::Semaphore:
    return "semaphore";
  case Sync::Barrier:
    return "barrier";
  case Sync::Once:
    return "once control";
  }
  return "";
}

/// Finds the copies in one body. What is not evaluated (sizeof, typeof) copies nothing.
class CopyFinder {
public:
  CopyFinder(const Body &B, const Unit &U) : B(B), U(U) { visit(B.F->getBody()); }
  SmallVector<Copied, 4> Found;

private:
  void visit(const Stmt *S) {
    if (!S || isa<UnaryExprOrTypeTraitExpr>(S))
      return;
    if (const auto *Cast = dyn_cast<ImplicitCastExpr>(S); Cast && Cast->getCastKind() == CK_LValueToRValue)
      load(Cast);
    if (const auto *Call = dyn_cast<CallExpr>(S))
      if (const Meaning *Row = U.meaningOf(Call, Effect::Copy))
        move(Call, *Row);
    for (const Stmt *Child : S->children())
      visit(Child);
  }

  void add(Copied C) {
    for (const Copied &Known : Found)
      if (Known.At == C.At)
        return; // both branches of a choice
    Found.push_back(std::move(C));
  }

  /// Follows a loaded object outward to what takes it.
  void load(const ImplicitCastExpr *Load) {
    const Expr *Source = Load->getSubExpr()->IgnoreParens();
    std::optional<SyncPart> Part = U.syncWithin(Source->getType());
    if (!Part)
      return;
    Copied C;
    C.Event = Load;
    C.Source = Source;
    C.Part = *Part;
    // A lock that is a plain number to the compiler: reading it copies it only into another one.
    const bool NeedsLock = !Source->getType()->isRecordType();
    auto Takes = [&](QualType Type) { return !NeedsLock || U.syncKind(Type).has_value(); };
    const Stmt *Child = Load;
    for (const Stmt *P = B.Parents.getParent(Child); P; Child = P, P = B.Parents.getParent(P)) {
      if (isa<ParenExpr, ImplicitCastExpr, FullExpr, InitListExpr, DesignatedInitExpr>(P))
        continue;
      if (const auto *Choice = dyn_cast<ConditionalOperator>(P)) {
        if (Choice->getCond() == Child)
          return;
      } else if (const auto *Binary = dyn_cast<BinaryOperator>(P)) {
        if (Binary->getRHS() != Child)
          return;
        if (Binary->getOpcode() == BO_Assign) {
          if (!Takes(Binary->getLHS()->getType()))
            return;
          C.How = Way::Assigned, C.At = Binary, C.Target = Binary->getLHS();
          return add(C);
        }
        if (Binary->getOpcode() != BO_Comma)
          return;
      } else if (const auto *Call = dyn_cast<CallExpr>(P)) {
        const FunctionDecl *Callee = Call->getDirectCallee();
        for (unsigned I = 0; I < Call->getNumArgs(); ++I)
          if (Call->getArg(I) == Child &&
              (!Callee || I >= Callee->getNumParams() ? !NeedsLock : Takes(Callee->getParamDecl(I)->getType()))) {
            C.How = Way::Passed, C.At = Call->getArg(I), C.Call = Call;
            return add(C);
          }
        return;
      } else if (isa<ReturnStmt>(P)) {
        C.How = Way::Returned, C.At = P;
        return Takes(B.F->getReturnType()) ? add(C) : void();
      } else if (const auto *Declaration = dyn_cast<DeclStmt>(P)) {
        C.How = Way::Initialised;
        for (const Decl *D : Declaration->decls())
          if (const auto *Var = dyn_cast<VarDecl>(D); Var && Var->getInit() == Child)
            C.Made = Var;
        C.At = C.Made && C.Made->getInit()->IgnoreParenImpCasts() == Source ? static_cast<const Stmt *>(Declaration)
                                                                            : Source;
        return C.Made && Takes(C.Made->getType()) ? add(C) : void();
      } else if (isa<CompoundLiteralExpr>(P)) {
        C.How = Way::Initialised, C.At = Source;
        return NeedsLock ? void() : add(C);
      } else if (const auto *Block = dyn_cast<CompoundStmt>(P)) {
        if (!isa_and_nonnull<StmtExpr>(B.Parents.getParent(Block)) || Block->body_back() != Child)
          return;
      } else if (!isa<StmtExpr>(P)) {
        return;
      }
    }
  }

  void move(const CallExpr *Call, const Meaning &Row) {
    Copied C;
    C.How = Way::Moved;
    C.At = C.Event = C.Call = Call;
    C.Source = Unit::argument(Call, Row.Source);
    C.Target = Unit::argument(Call, Row.Destination);
    const QualType From = Unit::pointeeOf(C.Source), To = Unit::pointeeOf(C.Target);
    std::optional<SyncPart> Part = From.isNull() ? std::nullopt : U.syncWithin(From);
    // Into bytes it is written down, not used.
    if (!Part || To.isNull() || !(To->isVoidType() || U.syncWithin(To)))
      return;
    C.Part = *Part;
    if (covers(Unit::argument(Call, Row.Size), From, *Part))
      add(C);
  }

  /// Whether so many bytes from the start of an object of \p Type hold the whole of \p Part.
  bool covers(const Expr *Size, QualType Type, const SyncPart &Part) const {
    ASTContext &Context = U.context();
    if (!Size)
      return true;
    Expr::EvalResult Bytes;
    if (!Size->EvaluateAsInt(Bytes, Context)) {
      // n * sizeof(struct queue)
      bool Whole = false;
      SmallVector<const Stmt *, 8> Work{Size};
      while (!Work.empty()) {
        const Stmt *S = Work.pop_back_val();
        if (const auto *SizeOf = dyn_cast<UnaryExprOrTypeTraitExpr>(S)) {
          Whole |= SizeOf->getKind() == UETT_SizeOf && U.syncWithin(SizeOf->getTypeOfArgument()).has_value();
          continue;
        }
        for (const Stmt *Child : S->children())
          if (Child)
            Work.push_back(Child);
      }
      return Whole;
    }
    while (const ArrayType *Array = Context.getAsArrayType(Type))
      Type = Array->getElementType();
    CharUnits End = CharUnits::Zero();
    for (const FieldDecl *Field : Part.Path) {
      const ASTRecordLayout &Layout = Context.getASTRecordLayout(Field->getParent());
      End += Context.toCharUnitsFromBits(int64_t(Layout.getFieldOffset(Field->getFieldIndex())));
      Type = Field->getType();
    }
    while (const ArrayType *Array = Context.getAsArrayType(Type))
      Type = Array->getElementType();
    End += Context.getTypeSizeInChars(Type);
    return Bytes.Val.getInt().getZExtValue() >= uint64_t(End.getQuantity());
  }

  const Body &B;
  const Unit &U;
};

/// An object by the pointer that leads to it, or as it is named.
struct Named {
  const Expr *E = nullptr;
  bool Pointer = false;
};

/// The object that the lvalue \p E is.
Named objectAt(const Expr *E) {
  E = E->IgnoreParenCasts();
  if (const auto *Deref = dyn_cast<UnaryOperator>(E); Deref && Deref->getOpcode() == UO_Deref)
    return {Deref->getSubExpr()->IgnoreParenCasts(), true};
  return {E, false};
}

/// The object that \p E points to.
Named objectBehind(const Expr *E) {
  E = E->IgnoreParenCasts();
  if (const auto *Address = dyn_cast<UnaryOperator>(E); Address && Address->getOpcode() == UO_AddrOf)
    return objectAt(Address->getSubExpr());
  return {E, !E->getType()->isArrayType()};
}

} // namespace

/// Whether the copied object is one that nobody can have used as a lock: a template, a value of the function's own.
bool LockUse::isFresh(const Copied &C, const Body &B) const {
  const Unit &U = A->U;
  if (isa<CompoundLiteralExpr>(C.Source->IgnoreParenCasts()))
    return true;
  const VarDecl *Var = C.How == Way::Moved ? variablePointedTo(C.Source) : variableOf(C.Source);
  if (!Var)
    return false;
  if (U.context().getBaseElementType(Var->getType()).isConstQualified())
    return true;
  // An initialiser makes a lock as good as a literal does, until somebody uses it.
  if (!Var->hasLocalStorage() && (Var->isExternallyVisible() || !Var->hasInit() || C.Part.Path.empty()))
    return false;
  auto IsUsedBy = [&](const CallExpr *Call) {
    const FunctionDecl *Callee = Call->getDirectCallee();
    for (unsigned I = 0; I < Call->getNumArgs(); ++I) {
      if (variablePointedTo(Call->getArg(I)) != Var)
        continue;
      if (!U.meaningsOf(Callee).empty())
        return true;
      const QualType Taken =
          Callee && I < Callee->getNumParams() ? Callee->getParamDecl(I)->getType()->getPointeeType() : QualType();
      if (!Taken.isNull() && !Taken.isConstQualified() && U.syncWithin(Taken) &&
          (!Callee->hasBody() || U.touchesSync(Callee)))
        return true;
    }
    return false;
  };
  if (Var->hasLocalStorage())
    return llvm::none_of(U.callsIn(B.F),
                         [&](const CallExpr *Call) { return IsUsedBy(Call) && reaches(*B.Graph, Call, C.Event); });
  return llvm::none_of(U.definitions(), [&](const FunctionDecl *F) { return llvm::any_of(U.callsIn(F), IsUsedBy); });
}

/// Whether the lock of the copy is made anew behind the copy, or the copy only keeps the value for a while.
bool LockUse::isMadeAnew(const Copied &C, const Body &B) const {
  const Unit &U = A->U;
  Named Target;
  if (C.Target)
    Target = C.How == Way::Moved ? objectBehind(C.Target) : objectAt(C.Target);
  else if (!C.Made)
    return false;
  // A variable that is not named by an expression of its own is compared by its declaration.
  const VarDecl *Var = C.Made ? C.Made : !Target.Pointer && isa<DeclRefExpr>(Target.E) ? variableOf(Target.E) : nullptr;
  auto Same = [&](Named Object) {
    if (Var)
      return !Object.Pointer && isa<DeclRefExpr>(Object.E) && variableOf(Object.E) == Var;
    return Object.Pointer == Target.Pointer && U.sameExpression(Object.E, Target.E);
  };
  auto IsPart = [&](Named Object) {
    while (true) {
      if (Same(Object))
        return true;
      const auto *Member = dyn_cast<MemberExpr>(Object.E);
      const auto *Element = dyn_cast<ArraySubscriptExpr>(Object.E);
      if (Object.Pointer || (!Member && !Element))
        return false;
      if (Member)
        Object = Member->isArrow() ? Named{Member->getBase()->IgnoreParenCasts(), true} : objectAt(Member->getBase());
      else
        Object = {Element->getBase()->IgnoreParenCasts(),
                  !Element->getBase()->IgnoreParenCasts()->getType()->isArrayType()};
    }
  };
  return walk(pointAfter(*B.Graph, C.Event), [&](const Stmt *S) {
           if (const auto *Assign = dyn_cast<BinaryOperator>(S); Assign && Assign->getOpcode() == BO_Assign) {
             if (Assign == C.At)
               return Step::On;
             // dst->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER
             if (U.syncWithin(Assign->getLHS()->getType()) && IsPart(objectAt(Assign->getLHS())))
               return Step::Found;
             // saved = q->lock; *q = *other; q->lock = saved;
             const bool PutsBack = Var && variableOf(Assign->getRHS()) == Var && C.How != Way::Moved &&
                                   U.sameExpression(Assign->getLHS(), C.Source);
             return PutsBack ? Step::Found : Step::On;
           }
           const auto *Call = dyn_cast<CallExpr>(S);
           if (!Call || Call == C.Event)
             return Step::On;
           const FunctionDecl *Callee = Call->getDirectCallee();
           const bool Unseen = U.meaningsOf(Callee).empty();
           for (const Expr *Argument : Call->arguments()) {
             const QualType Pointee = Unit::pointeeOf(Argument);
             if (Pointee.isNull() || !U.syncWithin(Pointee) || !IsPart(objectBehind(Argument)))
               continue;
             // The lock itself goes to a wrapper, or the whole to a function of this file that makes one.
             if (U.meaningOf(Call, Effect::Init) || (Unseen && U.syncKind(Pointee) && !C.Part.Path.empty()) ||
                 (Callee && U.initialises(Callee)))
               return Step::Found;
           }
           return Step::On;
         }) != nullptr;
}

void LockUse::checkCopies(const Body &B) const {
  for (const Copied &C : CopyFinder(B, A->U).Found) {
    if (isFresh(C, B) || isMadeAnew(C, B))
      continue;
    std::string What;
    switch (C.How) {
    case Way::Assigned:
      What = "assignment copies ";
      break;
    case Way::Initialised:
      What = "initialiser copies ";
      break;
    case Way::Passed:
      What = "call of '" + A->U.text(C.Call->getCallee()) + "' copies ";
      break;
    case Way::Returned:
      What = "return copies ";
      break;
    case Way::Moved:
      What = "'" + A->U.text(C.Call->getCallee()) + "' copies ";
      break;
    }
    const Named Object = C.How == Way::Moved ? objectBehind(C.Source) : objectAt(C.Source);
    std::string Name = A->U.text(Object.E);
    if (isa<BinaryOperator>(Object.E))
      Name = "(" + Name + ")";
    std::string Link = Object.Pointer ? "->" : ".";
    for (const FieldDecl *Field : C.Part.Path)
      if (Field->getIdentifier()) {
        Name += Link + Field->getNameAsString();
        Link = ".";
      }
    if (Object.Pointer && Link == "->")
      Name = "*" + Name;
    SmallVector<Body::Note, 1> Notes;
    if (!C.Part.Path.empty())
      Notes.push_back({"the " + nameOf(C.Part.Kind).str() + " is declared here", B.at(C.Part.Path.back())});
    B.report(A->Book, Rule::lock_Copy,
             What + nameOf(C.Part.Kind) + " '" + Name + "' by value: only the original works as one", C.At, Notes);
  }
}

// ---- CondNoLoop -----------------------------------------------------------------------------------------------------

void LockUse::checkLoops(const Body &B) const {
  for (const WaitSite &Wait : Waiting->in(B.F)) {
    const Judgement J = Waiting->judge(Wait);
    if (J.Loops)
      continue;
    SmallVector<Body::Note, 2> Notes;
    if (J.Guard)
      Notes.push_back({"'" + A->U.text(J.Guard) + "' is tested here, and not again after the wait", B.at(J.Guard)});
    if (Wait.Call != Wait.Inner)
      Notes.push_back(
          {"it waits here", PathDiagnosticLocation(Wait.Inner->getBeginLoc(), B.Reporter.getSourceManager())});
    const auto *If = dyn_cast_or_null<IfStmt>(J.Under);
    B.report(A->Book, Rule::lock_CondNoLoop,
             "'" + A->U.text(Wait.Call->getCallee()) +
                 "' waits without a loop: it may return before what is waited for has happened",
             Wait.Call, Notes, If ? fixCondNoLoop(A->U, Wait.Call, If) : std::vector<Fix>());
  }
}

void safespawn::registerLockUse(CheckerManager &Manager, Analysis &A) { Manager.registerChecker<LockUse>()->A = &A; }
