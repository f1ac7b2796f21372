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

struct Change;
struct Copied;
struct PlacedWait;

class LockUse : public Checker<check::ASTCodeBody> {
public:
  Analysis *A = nullptr;
  void checkASTCodeBody(const Decl *D, AnalysisManager &Manager, BugReporter &Reporter) const;

private:
  void checkCopies(const Body &B) const;
  bool isFresh(const Copied &C, const Body &B) const;
  bool isMadeAnew(const Copied &C, const Body &B) const;
  void checkLoops(const Body &B) const;
  void checkLocks(const Body &B) const;
  void checkWakeUps(const Body &B) const;
  void checkOneForMany(const Body &B, const CallExpr *Post, const Meaning &Row, ArrayRef<Change> Changes,
                       ArrayRef<const WaitSite *> Waiters) const;
  bool mayHoldLock(const FunctionDecl *F, const Stmt *At, AnalysisManager &Manager) const;
  bool isEnteredWithoutLock(const FunctionDecl *F, AnalysisManager &Manager, unsigned Depth = 0) const;
  const SpawnSite *spawnedOften(const FunctionDecl *F, AnalysisManager &Manager) const;

  /// All waits of the file, in its order.
  ArrayRef<PlacedWait> placedWaits() const;

  mutable std::unique_ptr<Waits> Waiting;
  mutable std::shared_ptr<std::vector<PlacedWait>> Placed;
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
  if (A->Book.isOn(Rule::lock_CondMutex))
    checkLocks(B);
  if (A->Book.isOn(Rule::lock_LostWakeup))
    checkWakeUps(B);
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
  unsigned Index = 0; ///< of the argument
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
  case Sync::Queue:
    return "queue";
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
            C.How = Way::Passed, C.At = Call->getArg(I), C.Call = Call, C.Index = I;
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
             What + nameOf(C.Part.Kind) + " '" + Name + "' by value: only the original works as one", C.At, Notes,
             C.How == Way::Passed ? fixPassedByValue(A->U, C.Call, C.Index) : std::vector<Fix>());
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

// ---- CondMutex: one condition, two locks ----------------------------------------------------------------------------

namespace {

/// A synchronisation object by its structure: a variable or a pointer, and the fields from there.
struct SyncPlace {
  const VarDecl *Object = nullptr;        ///< the variable that it is or lies in, or
  const Expr *Pointer = nullptr;          ///< the pointer that leads to what it lies in
  SmallVector<const FieldDecl *, 2> Path; ///< outermost first
  bool exists() const { return Object || Pointer; }
  const FieldDecl *leaf() const { return Path.empty() ? nullptr : Path.back(); }
};

/// What \p E points to; nothing where an index or a call comes in.
SyncPlace placeBehind(const Expr *E) {
  SyncPlace P;
  if (!E)
    return P;
  E = E->IgnoreParenCasts();
  const auto *Address = dyn_cast<UnaryOperator>(E);
  if (!Address || Address->getOpcode() != UO_AddrOf) {
    if (isa<DeclRefExpr, MemberExpr>(E) && E->getType()->isPointerType())
      P.Pointer = E;
    return P;
  }
  E = Address->getSubExpr()->IgnoreParenCasts();
  while (const auto *Member = dyn_cast<MemberExpr>(E)) {
    const auto *Field = dyn_cast<FieldDecl>(Member->getMemberDecl());
    if (!Field || Field->getParent()->isUnion())
      return {};
    P.Path.insert(P.Path.begin(), Field);
    E = Member->getBase()->IgnoreParenCasts();
    if (Member->isArrow()) {
      P.Pointer = isa<DeclRefExpr, MemberExpr>(E) ? E : nullptr;
      return P;
    }
  }
  if (const auto *Ref = dyn_cast<DeclRefExpr>(E))
    P.Object = dyn_cast<VarDecl>(Ref->getDecl());
  return P;
}

/// A wait, with what it waits for and gives back.
struct PlacedWait {
  const WaitSite *Site;
  SyncPlace Condition, Lock;
};

/// Whether no pointer can make the two the same object.
bool areDifferent(const SyncPlace &A, const SyncPlace &B) {
  if (A.Object && B.Object)
    return A.Object != B.Object || A.Path != B.Path;
  // A variable of its own is no field, and one field is not another.
  if (A.Pointer && A.Path.empty())
    return false;
  if (B.Pointer && B.Path.empty())
    return false;
  return A.leaf() != B.leaf();
}

/// Whether the two lie side by side in one object.
bool haveOneBase(const SyncPlace &A, const SyncPlace &B, const Unit &U) {
  return A.Pointer && B.Pointer && !A.Path.empty() && !B.Path.empty() && U.sameExpression(A.Pointer, B.Pointer);
}

/// What an object is called for a person: without the '&'.
std::string spoken(const Expr *E, const Unit &U) {
  E = E->IgnoreParenCasts();
  if (const auto *Address = dyn_cast<UnaryOperator>(E); Address && Address->getOpcode() == UO_AddrOf)
    E = Address->getSubExpr()->IgnoreParens();
  return U.text(E);
}

} // namespace

ArrayRef<PlacedWait> LockUse::placedWaits() const {
  if (!Placed) {
    Placed = std::make_shared<std::vector<PlacedWait>>();
    for (const FunctionDecl *F : A->U.definitions())
      for (const WaitSite &Wait : Waiting->in(F))
        Placed->push_back({&Wait, placeBehind(Wait.condition()), placeBehind(Wait.lock())});
  }
  return *Placed;
}

void LockUse::checkLocks(const Body &B) const {
  const Unit &U = A->U;
  auto Own = [&](const SyncPlace &P) {
    // A local's pointer may lead elsewhere by the second wait.
    const auto *Ref = dyn_cast_or_null<DeclRefExpr>(P.Pointer);
    const auto *Var = Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
    bool Changes = !Var;
    for (const CFGBlock *Block : *B.Graph)
      for (const CFGElement &Element : *Block)
        if (auto S = Element.getAs<CFGStmt>(); S && Var && !isa<DeclStmt>(S->getStmt()))
          Changes |= changes(S->getStmt(), Var, U);
    return !Changes;
  };
  for (const WaitSite &Second : Waiting->in(B.F)) {
    const SyncPlace Condition = placeBehind(Second.condition()), Lock = placeBehind(Second.lock());
    if (!Condition.exists() || !Lock.exists())
      continue;
    const WaitSite *First = nullptr;
    for (const PlacedWait &Other : placedWaits()) {
      if (Other.Site->Call == Second.Call)
        break;
      if (!Other.Condition.exists() || !Other.Lock.exists() || Condition.Path != Other.Condition.Path ||
          !areDifferent(Lock, Other.Lock))
        continue;
      const bool Here = Other.Site->In->getCanonicalDecl() == B.F->getCanonicalDecl();
      const bool IsSame =
          Condition.Object
              ? Condition.Object == Other.Condition.Object
              : Other.Condition.Pointer &&
                    ((Here && U.sameExpression(Condition.Pointer, Other.Condition.Pointer) && Own(Condition)) ||
                     (haveOneBase(Condition, Lock, U) && haveOneBase(Other.Condition, Other.Lock, U)));
      if (IsSame) {
        First = Other.Site;
        break;
      }
    }
    if (First)
      B.report(A->Book, Rule::lock_CondMutex,
               "condition '" + spoken(Second.condition(), U) + "' is waited for with lock '" +
                   spoken(Second.lock(), U) + "' here, and with another one elsewhere",
               Second.Call,
               Body::Note{"waited for with lock '" + spoken(First->lock(), U) + "' here", B.at(First->Call)});
  }
}

// ---- LostWakeup -----------------------------------------------------------------------------------------------------

namespace {

/// Something that a waiter tests gets a value.
struct Change {
  const Stmt *At = nullptr;
  const Expr *Target = nullptr;
  const ValueDecl *Of = nullptr;
  bool ToConstant = false;
};

/// The variable or field that the lvalue \p E ends in.
const ValueDecl *endOf(const Expr *E) {
  E = E->IgnoreParenCasts();
  while (const auto *Element = dyn_cast<ArraySubscriptExpr>(E))
    E = Element->getBase()->IgnoreParenCasts();
  if (const auto *Member = dyn_cast<MemberExpr>(E))
    return Member->getMemberDecl();
  const auto *Ref = dyn_cast<DeclRefExpr>(E);
  const auto *Var = Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
  return Var && Var->hasGlobalStorage() ? Var : nullptr;
}

std::optional<Change> changeBy(const Stmt *S, ASTContext &Context) {
  Change C;
  C.At = S;
  const Expr *Value = nullptr;
  if (const auto *Assign = dyn_cast<BinaryOperator>(S); Assign && Assign->isAssignmentOp()) {
    C.Target = Assign->getLHS();
    Value = Assign->getOpcode() == BO_Assign ? Assign->getRHS() : nullptr;
  } else if (const auto *Op = dyn_cast<UnaryOperator>(S); Op && Op->isIncrementDecrementOp()) {
    C.Target = Op->getSubExpr();
  } else if (const auto *Atomic = dyn_cast<AtomicExpr>(S); Atomic && Atomic->getNumSubExprs() > 2) { // not a load
    const auto *Address = dyn_cast<UnaryOperator>(Atomic->getPtr()->IgnoreParenCasts());
    C.Target = Address && Address->getOpcode() == UO_AddrOf ? Address->getSubExpr() : nullptr;
    Value = Atomic->getVal1();
  }
  C.Of = C.Target ? endOf(C.Target) : nullptr;
  if (!C.Of)
    return std::nullopt;
  Expr::EvalResult Constant;
  C.ToConstant = Value && Value->EvaluateAsInt(Constant, Context);
  return C;
}

template <typename F> void forEachStatement(const CFG &Graph, F Visit) {
  for (const CFGBlock *Block : Graph)
    for (const CFGElement &Element : *Block)
      if (auto S = Element.getAs<CFGStmt>())
        Visit(S->getStmt());
}

/// Whether two conditions are one, or the same field of objects of one type.
bool mayBeOne(const SyncPlace &A, const SyncPlace &B) {
  if (!A.exists() || !B.exists() || A.leaf() != B.leaf())
    return false;
  return A.leaf() || (A.Object && A.Object == B.Object);
}

/// The row with which \p Call takes a lock, or null.
const Meaning *takingRow(const CallExpr *Call, const Unit &U) {
  for (Effect What : {Effect::Acquire, Effect::TryAcquire, Effect::Guard})
    if (const Meaning *Row = U.meaningOf(Call, What))
      return Row;
  return nullptr;
}

} // namespace

/// Whether a lock may be held at \p At by what \p F did before.
bool LockUse::mayHoldLock(const FunctionDecl *F, const Stmt *At, AnalysisManager &Manager) const {
  const Unit &U = A->U;
  const CFG *Graph = Manager.getCFG(F);
  if (!Graph)
    return true;
  for (const CallExpr *Call : U.callsIn(F)) {
    const FunctionDecl *Callee = Call->getDirectCallee();
    const Meaning *Row = takingRow(Call, U);
    const Expr *Lock = Row ? Unit::argument(Call, Row->Object) : nullptr;
    if (const Meaning *Wait = U.meaningOf(Call, Effect::Wait); Wait && Wait->Lock.exists())
      Lock = Unit::argument(Call, Wait->Lock); // it comes back with it
    const bool Hidden =
        !Lock && U.meaningsOf(Callee).empty() &&
        (Callee->hasBody() ? U.locks(Callee) : llvm::any_of(Call->arguments(), [&](const Expr *Argument) {
          const QualType Pointee = Unit::pointeeOf(Argument);
          return !Pointee.isNull() && U.syncWithin(Pointee).has_value();
        }));
    if (!Lock && !Hidden)
      continue;
    if (walk(pointAfter(*Graph, Call), [&](const Stmt *S) {
          if (S == At)
            return Step::Found;
          const auto *Other = dyn_cast<CallExpr>(S);
          const Meaning *Release = Other ? U.meaningOf(Other, Effect::Release) : nullptr;
          const Expr *Freed = Release ? Unit::argument(Other, Release->Object) : nullptr;
          return Freed && (!Lock || U.sameExpression(Freed, Lock)) ? Step::Stop : Step::On;
        }))
      return true;
  }
  return false;
}

/// Whether no function of this file calls \p F with a lock held. From other files, a function that takes no lock itself
/// is expected to be called without one.
bool LockUse::isEnteredWithoutLock(const FunctionDecl *F, AnalysisManager &Manager, unsigned Depth) const {
  const Unit &U = A->U;
  constexpr unsigned Deepest = 4;
  if (Depth > Deepest)
    return false;
  for (const FunctionDecl *Caller : U.callersOf(F)) {
    for (const CallExpr *Call : U.callsIn(Caller))
      if (Call->getDirectCallee()->getCanonicalDecl() == F->getCanonicalDecl() && mayHoldLock(Caller, Call, Manager))
        return false;
    if (!isEnteredWithoutLock(Caller, Manager, Depth + 1))
      return false;
  }
  return F->isExternallyVisible() || !U.hasUnseenCallers(F) || !U.spawnsOf(F).empty();
}

/// The spawn of one of several threads that come to \p F and may run at one time, where there is one.
const SpawnSite *LockUse::spawnedOften(const FunctionDecl *F, AnalysisManager &Manager) const {
  const Unit &U = A->U;
  llvm::SmallPtrSet<const FunctionDecl *, 8> Seen;
  SmallVector<const FunctionDecl *, 8> Work{F->getCanonicalDecl()};
  while (!Work.empty()) {
    const FunctionDecl *Entry = Work.pop_back_val();
    if (!Seen.insert(Entry).second)
      continue;
    // A thread that is joined before the next one starts is alone.
    auto Sites = U.spawnsOf(Entry);
    for (const SpawnSite *Site : Sites)
      for (const SpawnSite *Next : Sites) {
        const CFG *Graph = Site->In == Next->In ? Manager.getCFG(Site->In) : nullptr;
        if (!Graph ? Site != Next : walk(pointAfter(*Graph, Site->Call), [&](const Stmt *S) {
                                      const auto *Call = dyn_cast<CallExpr>(S);
                                      return S == Next->Call                           ? Step::Found
                                             : Call && U.meaningOf(Call, Effect::Join) ? Step::Stop
                                                                                       : Step::On;
                                    }) != nullptr)
          return Next;
      }
    for (const FunctionDecl *Caller : U.callersOf(Entry))
      Work.push_back(Caller);
  }
  return nullptr;
}

void LockUse::checkWakeUps(const Body &B) const {
  const Unit &U = A->U;
  if (!U.has(Effect::Wait) || !U.has(Effect::Post))
    return;
  llvm::SmallPtrSet<const Stmt *, 4> Reported;
  for (const CallExpr *Post : U.callsIn(B.F)) {
    const Meaning *Row = U.meaningOf(Post, Effect::Post);
    const SyncPlace Condition = Row ? placeBehind(Unit::argument(Post, Row->Object)) : SyncPlace();
    if (!Condition.exists())
      continue;
    SmallVector<const WaitSite *, 4> Waiters;
    llvm::DenseMap<const ValueDecl *, const WaitSite *> Tested;
    for (const PlacedWait &Wait : placedWaits())
      if (mayBeOne(Condition, Wait.Condition)) {
        Waiters.push_back(Wait.Site);
        // Who wakes up by himself misses nothing for long.
        for (const ValueDecl *Read : Waiting->predicateOf(*Wait.Site))
          if (!Wait.Site->Bounded)
            Tested.try_emplace(Read, Wait.Site);
      }
    if (Waiters.empty())
      continue;
    SmallVector<Change, 4> Changes;
    forEachStatement(*B.Graph, [&](const Stmt *S) {
      if (std::optional<Change> C = changeBy(S, U.context()); C && Tested.count(C->Of) && reaches(*B.Graph, S, Post))
        Changes.push_back(*C);
    });
    checkOneForMany(B, Post, *Row, Changes, Waiters);

    for (const Change &C : Changes) {
      const WaitSite &Wait = *Tested[C.Of];
      const SyncPlace Lock = placeBehind(Wait.lock());
      // Whoever takes the lock between the change and the signal comes after a waiter's test, or before it.
      auto Takes = [&](const Stmt *S) {
        const auto *Call = dyn_cast<CallExpr>(S);
        return Call && Call != Post &&
               (takingRow(Call, U) || (U.meaningsOf(Call->getDirectCallee()).empty() &&
                                       (!Call->getDirectCallee() || U.locks(Call->getDirectCallee()))));
      };
      const bool Straight = walk(pointAfter(*B.Graph, C.At), [&](const Stmt *S) {
        return S == Post ? Step::Found : Takes(S) ? Step::Stop : Step::On;
      });
      if (!Straight || !Lock.exists() || Reported.count(C.At) || mayHoldLock(B.F, C.At, B.Manager) ||
          U.initialises(B.F) || !isEnteredWithoutLock(B.F, B.Manager))
        continue;
      Reported.insert(C.At);
      B.report(A->Book, Rule::lock_LostWakeup,
               "'" + U.text(C.Target) + "' is changed without lock '" + spoken(Wait.lock(), U) +
                   "': a thread between its test and its wait misses the wake-up",
               C.At,
               {Body::Note{"tested and waited for here, with the lock", B.at(Wait.Call)},
                Body::Note{"the wake-up", B.at(Post)}});
    }
  }
}

void LockUse::checkOneForMany(const Body &B, const CallExpr *Post, const Meaning &Row, ArrayRef<Change> Changes,
                              ArrayRef<const WaitSite *> Waiters) const {
  const Unit &U = A->U;
  if (Row.Broadcast.empty() || reaches(*B.Graph, Post, Post))
    return;
  // Several signals, or a waiter that passes the signal on, may well reach them all.
  const SyncPlace Condition = placeBehind(Unit::argument(Post, Row.Object));
  auto PostsToo = [&](const FunctionDecl *F) {
    return llvm::any_of(U.callsIn(F), [&](const CallExpr *Other) {
      const Meaning *Known = U.meaningOf(Other, Effect::Post);
      return Known && Other != Post && mayBeOne(Condition, placeBehind(Unit::argument(Other, Known->Object)));
    });
  };
  if (PostsToo(B.F))
    return;
  for (const Change &C : Changes) {
    if (!C.ToConstant)
      continue;
    SmallVector<const WaitSite *, 4> Many;
    bool TakenBack = false;
    for (const WaitSite *Wait : Waiters) {
      if (!llvm::is_contained(Waiting->predicateOf(*Wait), C.Of))
        continue;
      Many.push_back(Wait);
      TakenBack |= PostsToo(Wait->In);
      // A waiter that takes the flag back is the only one whom it was for.
      if (const CFG *Graph = B.Manager.getCFG(Wait->In))
        forEachStatement(*Graph, [&](const Stmt *S) {
          std::optional<Change> Back = changeBy(S, U.context());
          TakenBack |= Back && Back->Of == C.Of;
        });
    }
    if (Many.empty() || TakenBack)
      continue;
    SmallVector<Body::Note, 3> Notes{{"'" + U.text(C.Target) + "' is set here", B.at(C.At)},
                                     {"a thread waits for it here", B.at(Many.front()->Call)}};
    if (const SpawnSite *Site = spawnedOften(Many.front()->In, B.Manager))
      Notes.push_back({"several such threads are spawned here", B.at(Site->Call)});
    else if (Many.size() > 1 && Many.back()->In != Many.front()->In)
      Notes.push_back({"and another one here", B.at(Many.back()->Call)});
    else
      continue;
    return B.report(A->Book, Rule::lock_LostWakeup,
                    "'" + U.text(Post->getCallee()) + "' wakes one thread, and several wait for '" + U.text(C.Target) +
                        "'",
                    Post, Notes, fixWakeAll(U, Post, Row));
  }
}

void safespawn::registerLockUse(CheckerManager &Manager, Analysis &A) { Manager.registerChecker<LockUse>()->A = &A; }
