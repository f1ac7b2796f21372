// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules about scopes, their tasks and tokens as they are written, which need no path:
//   scope.NestedLimit, Daemon, DroppedError, cancel.FreshToken; scope.Order for options that are set too late,
//   scope.Unjoined for a scope with start and stop functions that nobody joins, and thread.StackEscape for what is lent
//   to a task and ends before its scope joins it.
// What happens to a scope along a path is left to ScopeState.cpp.
#include "checkers/Body.h"
#include "checkers/Checkers.h"
#include "checkers/Flow.h"
#include "checkers/ResultUse.h"
#include "checkers/ScopeOptions.h"
#include "fixits/Bodies.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/StaticAnalyzer/Core/Checker.h"
#include <deque>

using namespace clang;
using namespace ento;
using namespace safespawn;

namespace {

/// How a scope is named: a variable, or a field of an object.
struct ScopeName {
  const Expr *Written = nullptr;    ///< what points to the scope
  const VarDecl *Var = nullptr;     ///< the variable that it is
  const ValueDecl *Field = nullptr; ///< the field that it is, or that points to it
};

/// A function that runs as a part of a task.
struct Frame {
  const FunctionDecl *F;          ///< its definition
  const CallExpr *Call = nullptr; ///< the call of it, in Caller; null for the task's entry
  const Frame *Caller = nullptr;
};

class ScopeUse : public Checker<check::ASTCodeBody> {
public:
  Analysis *A = nullptr;
  void checkASTCodeBody(const Decl *D, AnalysisManager &Manager, BugReporter &Reporter) const;

private:
  void checkOptions(const Body &B) const;
  void checkStop(const Body &B) const;
  void checkLoan(const SpawnSite &Task, const Body &B) const;
  void checkResult(const CallExpr *Join, const Meaning &Row, const Body &B) const;
  void checkDaemon(const SpawnSite &Task, const Body &B) const;
  void checkNesting(const Body &B) const;
  void checkTokens(const Body &B) const;

  ScopeName nameOf(const Expr *E) const;
  bool isSame(const ScopeName &A, const ScopeName &B) const;
  const CallExpr *openingOf(const ScopeName &Scope) const;
  const FunctionDecl *functionOf(const CallExpr *Call) const;
  std::deque<Frame> framesOf(const FunctionDecl *Entry) const;
  bool isOwn(const Expr *E, const Frame &At, const SpawnSite &Task, AnalysisManager &Manager) const;
  const CallExpr *joinOfOwn(const Frame &At, const SpawnSite &Task, AnalysisManager &Manager) const;
  const CallExpr *waitIn(const Stmt *S) const;
  bool isBackground(const SpawnSite &Task) const;
  bool mayFail(const FunctionDecl *Entry) const;
  bool isStopTest(const Expr *E) const;
  bool canLeave(const Stmt *S, bool InnerLoop) const;
  bool isHandedOut(const VarDecl *Var, const FunctionDecl *F) const;
  const Stmt *endlessLoop(const Stmt *S) const;
  bool endsOnlyByFailure(const FunctionDecl *Entry) const;
  bool isLimitedLater(const ScopeName &Scope) const;
};

/// Whether \p S is written in \p Outer.
bool isIn(const Stmt *S, const Stmt *Outer, const ParentMap &Parents) {
  for (; S; S = Parents.getParent(S))
    if (S == Outer)
      return true;
  return false;
}

/// The block that \p Var is declared in.
const CompoundStmt *blockOf(const VarDecl *Var, const Stmt *S) {
  const auto *Block = dyn_cast<CompoundStmt>(S);
  for (const Stmt *Child : S->children()) {
    if (!Child)
      continue;
    if (const auto *Declaration = dyn_cast<DeclStmt>(Child);
        Block && Declaration && llvm::is_contained(Declaration->decls(), Var))
      return Block;
    if (const CompoundStmt *Inner = blockOf(Var, Child))
      return Inner;
  }
  return nullptr;
}

/// Whether the end of \p Var runs code.
bool hasEnd(const VarDecl *Var) { return Var->hasAttr<CleanupAttr>() || Var->getType().isDestructedType(); }

bool isNull(const Expr *E, ASTContext &Context) {
  return E->isNullPointerConstant(Context, Expr::NPC_ValueDependentIsNotNull);
}

Body bodyOf(const FunctionDecl *F, AnalysisManager &Manager, BugReporter &Reporter) {
  AnalysisDeclContext *Context = Manager.getAnalysisDeclContext(F);
  return {F, Context, Context->getParentMap(), Context->getCFG(), Manager, Reporter};
}

} // namespace

void ScopeUse::checkASTCodeBody(const Decl *D, AnalysisManager &Manager, BugReporter &Reporter) const {
  A->U.scan();
  const auto *F = dyn_cast<FunctionDecl>(D);
  if (!F || (!A->U.touchesScopes(F) && !A->U.passesTokens(F)))
    return;
  const Body B = bodyOf(F, Manager, Reporter);
  if (!B.Graph)
    return;
  if (A->Book.isOn(Rule::scope_Order))
    checkOptions(B);
  if (A->Book.isOn(Rule::scope_Unjoined))
    checkStop(B);
  for (const SpawnSite &Task : A->U.tasksIn(F)) {
    if (A->Book.isOn(Rule::thread_StackEscape))
      checkLoan(Task, B);
    if (A->Book.isOn(Rule::scope_Daemon))
      checkDaemon(Task, B);
  }
  if (A->Book.isOn(Rule::scope_DroppedError))
    for (const CallExpr *Call : A->U.callsIn(F))
      for (Effect What : {Effect::ScopeJoin, Effect::ScopeTryJoin})
        if (const Meaning *Row = A->U.meaningOf(Call, What))
          checkResult(Call, *Row, B);
  if (A->Book.isOn(Rule::scope_NestedLimit))
    checkNesting(B);
  if (A->Book.isOn(Rule::cancel_FreshToken))
    checkTokens(B);
}

// ---- which scope ----------------------------------------------------------------------------------------------------

ScopeName ScopeUse::nameOf(const Expr *E) const {
  ScopeName Name;
  if (!E)
    return Name;
  Name.Written = E->IgnoreParenCasts();
  const Expr *Object = Name.Written;
  if (const auto *Address = dyn_cast<UnaryOperator>(Object); Address && Address->getOpcode() == UO_AddrOf)
    Object = Address->getSubExpr()->IgnoreParenCasts();
  if (const auto *Ref = dyn_cast<DeclRefExpr>(Object))
    Name.Var = dyn_cast<VarDecl>(Ref->getDecl());
  else if (const auto *Member = dyn_cast<MemberExpr>(Object))
    Name.Field = Member->getMemberDecl();
  return Name;
}

bool ScopeUse::isSame(const ScopeName &A, const ScopeName &B) const {
  if (!A.Written || !B.Written)
    return false;
  if (A.Var || B.Var)
    return A.Var && B.Var && A.Var->getCanonicalDecl() == B.Var->getCanonicalDecl();
  return A.Field && A.Field == B.Field;
}

const CallExpr *ScopeUse::openingOf(const ScopeName &Scope) const {
  for (const FunctionDecl *F : A->U.definitions())
    for (const CallExpr *Call : A->U.callsIn(F))
      if (const Meaning *Row = A->U.meaningOf(Call, Effect::ScopeOpen))
        if (isSame(Scope, nameOf(Unit::argument(Call, Row->Object))))
          return Call;
  return nullptr;
}

const FunctionDecl *ScopeUse::functionOf(const CallExpr *Call) const {
  for (const FunctionDecl *F : A->U.definitions())
    if (llvm::is_contained(A->U.callsIn(F), Call))
      return F;
  return nullptr;
}

bool ScopeUse::isBackground(const SpawnSite &Task) const {
  const Meaning &Row = *Task.Row;
  if (Row.Background.empty())
    return false;
  for (const Expr *E : {Unit::argument(Task.Call, Row.Flags), Task.Attr}) {
    if (!E || isNull(E, A->U.context()))
      continue;
    const VarDecl *Options = variablePointedTo(E);
    if (namesConstant(E, Row.Background, A->U) ||
        (Options && Options->hasInit() && namesConstant(Options->getInit(), Row.Background, A->U)))
      return true;
    // What is set somewhere else may well say so.
    Expr::EvalResult Value;
    const bool Known =
        Options ? Options->hasInit() && Options->hasLocalStorage() : E->EvaluateAsInt(Value, A->U.context());
    if (!Known && !isa<CompoundLiteralExpr>(E->IgnoreParenCasts()) && !Options)
      return true;
  }
  return false;
}

// ---- Order: options that are set too late
// ----------------------------------------------------------------------------

void ScopeUse::checkOptions(const Body &B) const {
  for (const CallExpr *Open : A->U.callsIn(B.F)) {
    const Meaning *Row = A->U.meaningOf(Open, Effect::ScopeOpen);
    const VarDecl *Options = Row ? optionsOf(Open, *Row, A->U).In : nullptr;
    if (!Options || !Options->hasLocalStorage())
      continue;
    for (const BinaryOperator *Set : settingsOf(Options, *Row, B.F)) {
      if (!reaches(*B.Graph, Open, Set))
        continue;
      // For the next scope that is opened with them.
      const bool IsUsed = walk(pointAfter(*B.Graph, Set), [&](const Stmt *S) {
        const auto *Call = dyn_cast<CallExpr>(S);
        return Call && llvm::any_of(Call->arguments(), [&](const Expr *E) { return variablePointedTo(E) == Options; })
                   ? Step::Found
                   : Step::On;
      });
      if (!IsUsed)
        B.report(A->Book, Rule::scope_Order,
                 "'" + A->U.text(Set->getLHS()) + "' is set after the scope was opened, and has no effect", Set,
                 Body::Note{"the scope is opened here", B.at(Open)});
    }
  }
}

// ---- Unjoined: a scope that is stopped and not joined
// ------------------------------------------------------------------

void ScopeUse::checkStop(const Body &B) const {
  const Unit &U = A->U;
  const SourceManager &SM = U.context().getSourceManager();
  for (const CallExpr *Stop : U.callsIn(B.F)) {
    const Meaning *Row = U.meaningOf(Stop, Effect::ScopeCancel);
    if (!Row)
      continue;
    // Only what no other file can name: a static variable, a field of a struct that is declared here.
    const ScopeName Scope = nameOf(Unit::argument(Stop, Row->Object));
    const bool IsOurs = Scope.Var ? Scope.Var->hasGlobalStorage() && !Scope.Var->isExternallyVisible()
                                  : Scope.Field && !Scope.Field->getType()->isPointerType() &&
                                        SM.isInMainFile(SM.getExpansionLoc(Scope.Field->getLocation()));
    const CallExpr *Open = IsOurs ? openingOf(Scope) : nullptr;
    if (!Open)
      continue;
    bool Ends = false;
    for (const FunctionDecl *F : U.definitions())
      for (const CallExpr *Call : U.callsIn(F)) {
        const bool Passes = U.meaningOf(Call, Effect::ScopeOpen) || U.meaningOf(Call, Effect::ScopeCancel) ||
                            U.meaningOf(Call, Effect::SpawnTask) || U.meaningOf(Call, Effect::ScopeLimit);
        Ends |= !Passes && llvm::any_of(Call->arguments(), [&](const Expr *E) { return isSame(nameOf(E), Scope); });
      }
    if (!Ends)
      B.report(
          A->Book, Rule::scope_Unjoined,
          "scope '" + U.text(Scope.Written) + "' is cancelled here, and joined nowhere: its tasks may still run", Stop,
          Body::Note{"the scope is opened here", PathDiagnosticLocation::createBegin(
                                                     Open, SM, B.Manager.getAnalysisDeclContext(functionOf(Open)))});
  }
}

// ---- StackEscape: what ends before its task
// ---------------------------------------------------------------------------

void ScopeUse::checkLoan(const SpawnSite &Task, const Body &B) const {
  const Unit &U = A->U;
  const VarDecl *Lent = Task.Argument ? variablePointedTo(Task.Argument) : nullptr;
  if (!Lent || !Lent->hasLocalStorage() || Task.Row->Size.exists() || (Task.Entry && U.ignoresArgument(Task.Entry)))
    return;
  const ScopeName Scope = nameOf(Task.Scope);
  const VarDecl *Holder = variablePointedTo(Task.Scope); // the scope, or what it is a part of
  const bool IsLocal = Holder && Holder->hasLocalStorage();
  if (!IsLocal && B.F->isMain())
    return;
  // Where the object ends: with its block, or with the function.
  const Stmt *Whole = B.F->getBody();
  const CompoundStmt *LentIn = blockOf(Lent, Whole), *ScopeIn = IsLocal ? blockOf(Holder, Whole) : nullptr;
  if (IsLocal) {
    if (!LentIn || !ScopeIn)
      return; // a parameter lives as long as the function
    const SourceManager &SM = U.context().getSourceManager();
    if (LentIn == ScopeIn ? !hasEnd(Lent) || SM.isBeforeInTranslationUnit(Lent->getLocation(), Holder->getLocation())
                          : !isIn(LentIn, ScopeIn, B.Parents))
      return;
  }
  if (A->Book.isOn(Rule::thread_LoopArg) && refillsArgument(U, Task.Call, B.Manager))
    return;
  auto IsGiven = [&](const CallExpr *Call) {
    return llvm::any_of(Call->arguments(), [&](const Expr *E) { return isSame(nameOf(E), Scope); });
  };
  auto Visit = [&](const Stmt *S) {
    if (const auto *Call = dyn_cast<CallExpr>(S); Call && Call != Task.Call) {
      if (U.meaningOf(Call, Effect::JoinTask) ||
          (U.meaningOf(Call, Effect::Wait) && (!Task.Entry || U.copiesBeforePost(Task.Entry))))
        return Step::Stop;
      const bool Passes = U.isDescribed(Call->getDirectCallee()) && !U.meaningOf(Call, Effect::ScopeJoin) &&
                          !U.meaningOf(Call, Effect::ScopeTryJoin) && !U.meaningOf(Call, Effect::ScopeEnd);
      return !Passes && IsGiven(Call) ? Step::Stop : Step::On;
    }
    if (const auto *Declaration = dyn_cast<DeclStmt>(S))
      return llvm::is_contained(Declaration->decls(), Lent) ? Step::Found : Step::On; // the next round's
    if (isa<ReturnStmt>(S))
      return Step::Found;
    return LentIn && !isIn(S, LentIn, B.Parents) ? Step::Found : Step::On;
  };
  const CFGBlock *Failed = testOf(*B.Graph, Task.Call, *Task.Row, B.Parents, U).Failed;
  if (!leaves(*B.Graph, pointAfter(*B.Graph, Task.Call), Visit, Failed))
    return;
  const std::string Name = Lent->getNameAsString();
  std::string Text = "task gets the address of local '" + Name + "', which ends before ";
  Text += IsLocal ? "scope '" + Holder->getNameAsString() + "' joins it" : "its scope has to join it";
  B.report(A->Book, Rule::thread_StackEscape, Text, Task.Call,
           Body::Note{"'" + Name + "' is declared here" +
                          (IsLocal && LentIn == ScopeIn ? ", after the scope: what is declared last ends first" : ""),
                      B.at(Lent)});
}

// ---- DroppedError
// -----------------------------------------------------------------------------------------------------

/// Whether a task in \p Entry may fail: by its result, or by a call that ends it.
bool ScopeUse::mayFail(const FunctionDecl *Entry) const {
  const FunctionDecl *Definition = nullptr;
  if (!Entry || !Entry->hasBody(Definition))
    return !Entry || Entry->getReturnType()->isIntegerType();
  bool EndsItself = false;
  eachCallBelow(Definition, A->U, [&](const CallExpr *Call, const FunctionDecl *) {
    const Meaning *End = A->U.meaningOf(Call, Effect::EndThread);
    EndsItself |= End && End->JoinsScopes;
  });
  if (EndsItself)
    return true;
  if (!Definition->getReturnType()->isIntegerType())
    return false; // what it returns is a value
  struct Returns : RecursiveASTVisitor<Returns> {
    const ASTContext &Context;
    bool OnlyZero = true;
    explicit Returns(const ASTContext &Context) : Context(Context) {}
    bool VisitReturnStmt(ReturnStmt *Return) {
      Expr::EvalResult Value;
      OnlyZero &=
          Return->getRetValue() && Return->getRetValue()->EvaluateAsInt(Value, Context) && Value.Val.getInt() == 0;
      return true;
    }
  } All(A->U.context());
  All.TraverseStmt(Definition->getBody());
  return !All.OnlyZero;
}

/// Whether \p S stands under a test whose branch ends by returning something other than success: an error is told
/// already.
static bool tellsAnother(const Stmt *S, const Body &B) {
  for (const Stmt *Parent = B.Parents.getParent(S); Parent; Parent = B.Parents.getParent(Parent)) {
    const auto *Block = dyn_cast<CompoundStmt>(Parent);
    if (!Block || !isa_and_nonnull<IfStmt>(B.Parents.getParent(Block)))
      continue;
    const Stmt *Last = Block->body_back();
    if (isa<GotoStmt>(Last))
      return true;
    const auto *Return = dyn_cast<ReturnStmt>(Last);
    Expr::EvalResult Value;
    if (Return && Return->getRetValue() &&
        !(Return->getRetValue()->EvaluateAsInt(Value, B.Context->getASTContext()) && Value.Val.getInt() == 0))
      return true;
  }
  return false;
}

void ScopeUse::checkResult(const CallExpr *Join, const Meaning &Row, const Body &B) const {
  const Unit &U = A->U;
  if (Row.Worked.How == Success::Always || Join->getType()->isVoidType())
    return;
  if (const Expr *Result = Unit::argument(Join, Row.Result); Result && !isNull(Result, U.context()))
    return;
  ResultUse Result(B, Row);
  if (Result.of(Join) != ResultUse::Ignored || tellsAnother(Join, B))
    return;
  const ScopeName Scope = nameOf(Unit::argument(Join, Row.Object));
  // Cancelled before: what its tasks make of that is nobody's failure. Asked afterwards: then somebody looks.
  for (const CallExpr *Call : U.callsIn(B.F)) {
    const Meaning *Cancel = U.meaningOf(Call, Effect::ScopeCancel);
    if (Cancel && isSame(nameOf(Unit::argument(Call, Cancel->Object)), Scope) && reaches(*B.Graph, Call, Join))
      return;
    const bool Asks = (!U.isDescribed(Call->getDirectCallee()) || U.meaningOf(Call, Effect::ScopeJoin)) &&
                      llvm::any_of(Call->arguments(), [&](const Expr *E) { return isSame(nameOf(E), Scope); });
    if (Call != Join && Asks && reaches(*B.Graph, Join, Call))
      return;
  }
  // Tasks that cannot fail, in a scope that no deadline ends.
  bool HasTask = false, MayFail = false;
  for (const FunctionDecl *F : U.definitions())
    for (const SpawnSite &Task : U.tasksIn(F))
      if (isSame(nameOf(Task.Scope), Scope)) {
        HasTask = true;
        MayFail |= mayFail(Task.Entry);
      }
  const CallExpr *Open = openingOf(Scope);
  const Meaning *OpenRow = Open ? U.meaningOf(Open, Effect::ScopeOpen) : nullptr;
  if (HasTask && !MayFail && (!OpenRow || optionsOf(Open, *OpenRow, U).HasDeadline == false))
    return;
  const std::string Name = Scope.Var ? "'" + Scope.Var->getNameAsString() + "'" : "'" + U.text(Scope.Written) + "'";
  B.report(A->Book, Rule::scope_DroppedError,
           "result of the join of scope " + Name + " is " +
               (Result.Stored ? "stored in '" + Result.Stored->getNameAsString() + "' and never tested" : "ignored") +
               ": nobody learns that a task failed",
           Join, {});
}

// ---- Daemon
// -----------------------------------------------------------------------------------------------------------

/// Whether \p E says no more than that a stop was requested, or is always true.
bool ScopeUse::isStopTest(const Expr *E) const {
  E = E->IgnoreParenCasts();
  if (const auto *Not = dyn_cast<UnaryOperator>(E); Not && Not->getOpcode() == UO_LNot)
    return isStopTest(Not->getSubExpr());
  if (const auto *Op = dyn_cast<BinaryOperator>(E)) {
    Expr::EvalResult Value;
    if (Op->isLogicalOp())
      return isStopTest(Op->getLHS()) && isStopTest(Op->getRHS());
    if (Op->isComparisonOp())
      return Op->getRHS()->EvaluateAsInt(Value, A->U.context()) && isStopTest(Op->getLHS());
    return Op->getOpcode() == BO_Assign && isStopTest(Op->getRHS());
  }
  if (const auto *Call = dyn_cast<CallExpr>(E))
    return A->U.meaningOf(Call, Effect::TokenTest) != nullptr;
  bool Always = false;
  return E->EvaluateAsBooleanCondition(Always, A->U.context()) && Always;
}

/// Whether control can leave a loop through \p S other than behind a test for a request to stop.
bool ScopeUse::canLeave(const Stmt *S, bool InnerLoop) const {
  if (!S)
    return false;
  if (isa<ReturnStmt, GotoStmt, IndirectGotoStmt>(S) || (isa<BreakStmt>(S) && !InnerLoop))
    return true;
  if (const auto *If = dyn_cast<IfStmt>(S); If && isStopTest(If->getCond()))
    return canLeave(If->getElse(), InnerLoop);
  if (const auto *Call = dyn_cast<CallExpr>(S)) {
    const FunctionDecl *Callee = Call->getDirectCallee();
    if (Callee && (Callee->isNoReturn() || (Callee->hasBody() && A->U.matters(Callee))))
      return true;
  }
  const bool Inner = InnerLoop || isa<ForStmt, WhileStmt, DoStmt, SwitchStmt>(S);
  return llvm::any_of(S->children(), [&](const Stmt *Child) { return canLeave(Child, Inner); });
}

/// Whether the address of \p Var goes anywhere but to calls that a model describes.
bool ScopeUse::isHandedOut(const VarDecl *Var, const FunctionDecl *F) const {
  struct Uses : RecursiveASTVisitor<Uses> {
    const Unit &U;
    const VarDecl *Var;
    unsigned All = 0, Described = 0;
    Uses(const Unit &U, const VarDecl *Var) : U(U), Var(Var) {}
    bool VisitDeclRefExpr(DeclRefExpr *Ref) { return All += Ref->getDecl() == Var, true; }
    bool VisitCallExpr(CallExpr *Call) {
      for (Effect What : {Effect::ScopeOpen, Effect::ScopeClose, Effect::ScopeCancel, Effect::ScopeJoin,
                          Effect::ScopeTryJoin, Effect::ScopeEnd, Effect::ScopeLimit, Effect::SpawnTask})
        if (const Meaning *Row = U.meaningOf(Call, What)) {
          const Expr *Object = Unit::argument(Call, What == Effect::SpawnTask ? Row->Scope : Row->Object);
          Described += Object && variablePointedTo(Object) == Var;
        }
      return true;
    }
  } Count(A->U, Var);
  Count.TraverseStmt(F->getBody());
  return Count.All > Count.Described;
}

/// A loop in \p S that only a request to stop ends, or nothing at all; null without one.
const Stmt *ScopeUse::endlessLoop(const Stmt *S) const {
  if (!S)
    return nullptr;
  const Expr *Condition = nullptr;
  const Stmt *Inside = nullptr;
  if (const auto *For = dyn_cast<ForStmt>(S))
    Condition = For->getCond(), Inside = For->getBody();
  else if (const auto *While = dyn_cast<WhileStmt>(S))
    Condition = While->getCond(), Inside = While->getBody();
  else if (const auto *Do = dyn_cast<DoStmt>(S))
    Condition = Do->getCond(), Inside = Do->getBody();
  if (Inside && (!Condition || isStopTest(Condition)) && !canLeave(Inside, /*InnerLoop=*/false))
    return S;
  for (const Stmt *Child : S->children())
    if (const Stmt *Found = endlessLoop(Child))
      return Found;
  return nullptr;
}

/// Whether \p Entry goes on until it fails, or until it is stopped.
bool ScopeUse::endsOnlyByFailure(const FunctionDecl *Entry) const {
  struct Ends : RecursiveASTVisitor<Ends> {
    const ScopeUse &Rules;
    bool Endless = false, Succeeds = false;
    explicit Ends(const ScopeUse &Rules) : Rules(Rules) {}
    void note(const Expr *Condition) { Endless |= !Condition || Rules.isStopTest(Condition); }
    bool VisitForStmt(ForStmt *S) { return note(S->getCond()), true; }
    bool VisitWhileStmt(WhileStmt *S) { return note(S->getCond()), true; }
    bool VisitDoStmt(DoStmt *S) { return note(S->getCond()), true; }
    bool TraverseIfStmt(IfStmt *If) {
      return Rules.isStopTest(If->getCond()) || RecursiveASTVisitor::TraverseIfStmt(If);
    }
    bool VisitReturnStmt(ReturnStmt *Return) {
      Expr::EvalResult Value;
      Succeeds |= Return->getRetValue() && Return->getRetValue()->EvaluateAsInt(Value, Rules.A->U.context()) &&
                  Value.Val.getInt() == 0;
      return true;
    }
  } All(*this);
  All.TraverseStmt(Entry->getBody());
  return All.Endless && !All.Succeeds;
}

void ScopeUse::checkDaemon(const SpawnSite &Task, const Body &B) const {
  const Unit &U = A->U;
  const FunctionDecl *Entry = Task.Entry ? Task.Entry->getDefinition() : nullptr;
  const Stmt *Loop = Entry ? endlessLoop(Entry->getBody()) : nullptr;
  if (!Loop || isBackground(Task))
    return;
  const ScopeName Scope = nameOf(Task.Scope);
  const CallExpr *Open = openingOf(Scope);
  const Meaning *OpenRow = Open ? U.meaningOf(Open, Effect::ScopeOpen) : nullptr;
  if (!Scope.Written || (OpenRow && optionsOf(Open, *OpenRow, U).HasDeadline != false))
    return;
  const CallExpr *Join = nullptr;
  walk(pointAfter(*B.Graph, Task.Call), [&](const Stmt *S) {
    const auto *Call = dyn_cast<CallExpr>(S);
    if (!Call)
      return Step::On;
    if (U.meaningOf(Call, Effect::CancelTask))
      return Step::Stop;
    if (llvm::none_of(Call->arguments(), [&](const Expr *E) { return isSame(nameOf(E), Scope); }))
      return Step::On;
    if (U.meaningOf(Call, Effect::ScopeJoin)) {
      Join = Call;
      return Step::Found;
    }
    // Cancelled, or in the hands of others, who may.
    return U.meaningOf(Call, Effect::SpawnTask) || U.meaningOf(Call, Effect::ScopeClose) ? Step::On : Step::Stop;
  });
  if (!Join)
    return;
  // Who else could cancel it: a function that gets it by its address, or that finds the scope it runs in, and a sibling
  // that ends by failing.
  const bool Private = Scope.Var && Scope.Var->hasLocalStorage() && !isHandedOut(Scope.Var, B.F);
  for (const FunctionDecl *F : U.definitions()) {
    const auto Runs = U.tasksOf(F);
    for (const CallExpr *Call : U.callsIn(F)) {
      const Meaning *Cancel = F == B.F ? nullptr : U.meaningOf(Call, Effect::ScopeCancel);
      if (!Cancel)
        continue;
      const Expr *Object = Unit::argument(Call, Cancel->Object);
      const ScopeName Other = nameOf(Object);
      if (const auto *Self = dyn_cast<CallExpr>(Object->IgnoreParenCasts());
          Self && U.meaningOf(Self, Effect::ScopeSelf)) {
        if (Runs.empty() || llvm::any_of(Runs, [&](const SpawnSite *Run) { return isSame(nameOf(Run->Scope), Scope); }))
          return;
      } else if (const bool AnotherLocal =
                     Other.Var && Other.Var->hasLocalStorage() && !Other.Var->getType()->isPointerType();
                 !Private && !AnotherLocal) {
        return;
      }
    }
    for (const SpawnSite &Sibling : U.tasksIn(F)) {
      const FunctionDecl *Body = Sibling.Entry ? Sibling.Entry->getDefinition() : nullptr;
      if (Body && Sibling.Entry != Task.Entry && isSame(nameOf(Sibling.Scope), Scope) && mayFail(Body) &&
          endsOnlyByFailure(Body))
        return;
    }
  }
  const std::string Name = Entry->getNameAsString();
  B.report(A->Book, Rule::scope_Daemon,
           "task '" + Name +
               "' goes on until it is cancelled, and its scope is joined without that: the join waits for ever",
           Task.Call,
           {Body::Note{"the scope is joined here", B.at(Join)},
            Body::Note{"the loop of '" + Name + "'",
                       PathDiagnosticLocation::createBegin(Loop, B.Reporter.getSourceManager(),
                                                           B.Manager.getAnalysisDeclContext(Entry))}});
}

// ---- NestedLimit
// ------------------------------------------------------------------------------------------------------

/// The functions of this file that run in a task of \p Entry and do something to a scope: one for each call that leads
/// there, after its caller.
std::deque<Frame> ScopeUse::framesOf(const FunctionDecl *Entry) const {
  std::deque<Frame> Frames{{Entry}}; // stable addresses
  llvm::SmallPtrSet<const CallExpr *, 8> Seen;
  for (size_t I = 0; I < Frames.size(); ++I)
    for (const CallExpr *Call : A->U.callsIn(Frames[I].F)) {
      const FunctionDecl *Callee = nullptr;
      if (Call->getDirectCallee()->hasBody(Callee) && A->U.touchesScopes(Callee) && Seen.insert(Call).second)
        Frames.push_back({Callee, Call, &Frames[I]});
    }
  return Frames;
}

/// What \p E stands for: what a pointer was declared with, what a parameter was given. \p In becomes the frame in which
/// that is written.
static const Expr *sourceOf(const Expr *E, const Frame *&In) {
  for (;;) {
    E = E->IgnoreParenCasts();
    const auto *Ref = dyn_cast<DeclRefExpr>(E);
    const auto *Var = Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
    if (!Var || !Var->hasLocalStorage() || !Var->getType()->isPointerType())
      return E;
    if (const auto *Param = dyn_cast<ParmVarDecl>(Var)) {
      if (!In->Call || Param->getFunctionScopeIndex() >= In->Call->getNumArgs())
        return E;
      E = In->Call->getArg(Param->getFunctionScopeIndex());
      In = In->Caller;
    } else if (Var->hasInit()) {
      E = Var->getInit();
    } else {
      return E;
    }
  }
}

/// Whether \p E, in \p At, is the scope that \p Task, which runs it, belongs to.
bool ScopeUse::isOwn(const Expr *E, const Frame &At, const SpawnSite &Task, AnalysisManager &Manager) const {
  const Unit &U = A->U;
  const Frame *In = &At;
  E = sourceOf(E, In);
  if (const auto *Self = dyn_cast<CallExpr>(E)) {
    if (!U.meaningOf(Self, Effect::ScopeSelf))
      return false;
    // Behind the opening of another it is that one.
    for (; In; Self = In->Call, In = In->Caller)
      for (const CallExpr *Open : U.callsIn(In->F))
        if (U.meaningOf(Open, Effect::ScopeOpen) && reaches(*Manager.getCFG(In->F), Open, Self))
          return false;
    return true;
  }
  const ScopeName Own = nameOf(Task.Scope), Named = nameOf(E);
  if (Named.Var && Named.Var->hasGlobalStorage())
    return isSame(Own, Named);
  // What the entry's parameter says: the scope itself, the object that it is a field of, or one that points to it.
  auto IsParameter = [&](const Expr *Value) {
    const auto *Ref = dyn_cast<DeclRefExpr>(Value);
    return Ref && isa<ParmVarDecl>(Ref->getDecl()) && !In->Call;
  };
  if (IsParameter(E))
    return Task.Argument && isSame(nameOf(Task.Argument), Own);
  const auto *Member = dyn_cast<MemberExpr>(E);
  if (const auto *Address = dyn_cast<UnaryOperator>(E); Address && Address->getOpcode() == UO_AddrOf)
    Member = dyn_cast<MemberExpr>(Address->getSubExpr()->IgnoreParenCasts());
  if (!Member || !Member->isArrow() || !IsParameter(sourceOf(Member->getBase(), In)))
    return false;
  if (Own.Field)
    return Own.Field == Member->getMemberDecl();
  // ctx.scope = &s; ss_spawn(&s, work, &ctx);
  const VarDecl *Given = Task.Argument ? variablePointedTo(Task.Argument) : nullptr;
  if (!Given || !Own.Var)
    return false;
  struct Stores : RecursiveASTVisitor<Stores> {
    const ScopeUse &Rules;
    const ScopeName &Own;
    const VarDecl *Given;
    const ValueDecl *Field;
    bool Found = false;
    Stores(const ScopeUse &Rules, const ScopeName &Own, const VarDecl *Given, const ValueDecl *Field)
        : Rules(Rules), Own(Own), Given(Given), Field(Field) {}
    bool VisitBinaryOperator(BinaryOperator *Assign) {
      const auto *To = dyn_cast<MemberExpr>(Assign->getLHS()->IgnoreParens());
      Found |= Assign->getOpcode() == BO_Assign && To && To->getMemberDecl() == Field && variableOf(To) == Given &&
               Rules.isSame(Rules.nameOf(Assign->getRHS()), Own);
      return true;
    }
  } All(*this, Own, Given, Member->getMemberDecl());
  All.TraverseStmt(Task.In->getBody());
  const auto *List = dyn_cast_or_null<InitListExpr>(Given->getInit());
  if (List && !List->isSemanticForm())
    List = List->getSemanticForm();
  const auto *Field = dyn_cast<FieldDecl>(Member->getMemberDecl());
  return All.Found || (List && Field && Field->getFieldIndex() < List->getNumInits() &&
                       isSame(nameOf(List->getInit(Field->getFieldIndex())), Own));
}

/// Whether a limit is set for \p Scope after it was opened.
bool ScopeUse::isLimitedLater(const ScopeName &Scope) const {
  return llvm::any_of(A->U.definitions(), [&](const FunctionDecl *F) {
    return llvm::any_of(A->U.callsIn(F), [&](const CallExpr *Call) {
      const Meaning *Row = A->U.meaningOf(Call, Effect::ScopeLimit);
      return Row && isSame(Scope, nameOf(Unit::argument(Call, Row->Object)));
    });
  });
}

/// The call in \p At that joins the scope which \p Task belongs to, or null.
const CallExpr *ScopeUse::joinOfOwn(const Frame &At, const SpawnSite &Task, AnalysisManager &Manager) const {
  for (const CallExpr *Call : A->U.callsIn(At.F))
    for (Effect What : {Effect::ScopeJoin, Effect::ScopeTryJoin, Effect::ScopeEnd})
      if (const Meaning *Row = A->U.meaningOf(Call, What);
          Row && isOwn(Unit::argument(Call, Row->Object), At, Task, Manager) &&
          !expectsFailure(Call, Manager.getAnalysisDeclContext(At.F)->getParentMap(), A->U.context()))
        return Call;
  return nullptr;
}

/// The call by which \p S waits for what another task does: \p S, or one in a function of this file that it calls. A
/// function that opens a scope waits for its own tasks.
const CallExpr *ScopeUse::waitIn(const Stmt *S) const {
  const Unit &U = A->U;
  auto IsWait = [&](const CallExpr *Call) {
    const Meaning *Join = U.meaningOf(Call, Effect::JoinTask);
    return U.meaningOf(Call, Effect::Wait) || (Join && !Join->StartsQueued);
  };
  const auto *Call = dyn_cast<CallExpr>(S);
  if (!Call || !Call->getDirectCallee())
    return nullptr;
  if (IsWait(Call))
    return Call;
  const CallExpr *Wait = nullptr;
  eachCallBelow(Call->getDirectCallee(), U, [&](const CallExpr *Inner, const FunctionDecl *In) {
    if (!Wait && IsWait(Inner) &&
        llvm::none_of(U.callsIn(In), [&](const CallExpr *Open) { return U.meaningOf(Open, Effect::ScopeOpen); }))
      Wait = Inner;
  });
  return Wait;
}

void ScopeUse::checkNesting(const Body &B) const {
  const Unit &U = A->U;
  const auto Tasks = U.tasksOf(B.F);
  if (Tasks.empty())
    return;
  const std::deque<Frame> Frames = framesOf(B.F);
  auto At = [&](const Stmt *S, const FunctionDecl *In) {
    return PathDiagnosticLocation::createBegin(S, B.Reporter.getSourceManager(), B.Manager.getAnalysisDeclContext(In));
  };
  /// How the task comes to \p In, the last step first.
  auto WayTo = [&](const Frame *In, const SpawnSite &Task, SmallVectorImpl<Body::Note> &Notes) {
    for (; In->Call; In = In->Caller)
      Notes.push_back({"'" + In->F->getNameAsString() + "' is called here", At(In->Call, In->Caller->F)});
    Notes.push_back({"'" + B.F->getNameAsString() + "' is a task of the scope, spawned here", At(Task.Call, Task.In)});
  };
  for (const SpawnSite *Task : Tasks) {
    for (const Frame &In : Frames)
      if (const CallExpr *Join = joinOfOwn(In, *Task, B.Manager)) {
        SmallVector<Body::Note, 2> Notes;
        WayTo(&In, *Task, Notes);
        bodyOf(In.F, B.Manager, B.Reporter)
            .report(A->Book, Rule::scope_NestedLimit, "task joins the scope that it belongs to, and waits for itself",
                    Join, Notes);
        return;
      }
    const CallExpr *Open = openingOf(nameOf(Task->Scope));
    const Meaning *OpenRow = Open ? U.meaningOf(Open, Effect::ScopeOpen) : nullptr;
    const bool Limited =
        (OpenRow && optionsOf(Open, *OpenRow, U).Limited.value_or(false)) || isLimitedLater(nameOf(Task->Scope));
    if (!Limited)
      continue;
    for (const Frame &Spawner : Frames)
      for (const SpawnSite &Nested : U.tasksIn(Spawner.F)) {
        if (!isOwn(Nested.Scope, Spawner, *Task, B.Manager) || isBackground(Nested))
          continue;
        // What comes after the spawn: in its function, then in those that called it.
        const CallExpr *After = Nested.Call;
        for (const Frame *In = &Spawner; In; After = In->Call, In = In->Caller) {
          const Stmt *Wait = walk(pointAfter(*B.Manager.getCFG(In->F), After),
                                  [&](const Stmt *S) { return waitIn(S) ? Step::Found : Step::On; });
          if (!Wait)
            continue;
          SmallVector<Body::Note, 4> Notes;
          if (const CallExpr *Inner = waitIn(Wait); Inner != Wait)
            Notes.push_back({"the wait is here", At(Inner, functionOf(Inner))});
          Notes.push_back({"the other task is spawned here", At(Nested.Call, Spawner.F)});
          WayTo(&Spawner, *Task, Notes);
          bodyOf(In->F, B.Manager, B.Reporter)
              .report(A->Book, Rule::scope_NestedLimit,
                      "task waits for one that it spawned into its own scope: with the limit reached, that one waits "
                      "for the place of the first",
                      Wait, Notes);
          return;
        }
      }
  }
}

// ---- FreshToken
// -------------------------------------------------------------------------------------------------------

namespace {

/// The token that a function was given.
struct OwnToken {
  const ParmVarDecl *Param = nullptr;
  const FieldDecl *Field = nullptr; ///< where the parameter points to what holds it
};

OwnToken ownToken(const FunctionDecl *F, const Unit &U) {
  for (const ParmVarDecl *Param : F->parameters())
    if (U.isToken(Param->getType()))
      return {Param, nullptr};
  for (const ParmVarDecl *Param : F->parameters())
    if (const RecordDecl *Record =
            Param->getType()->isPointerType() ? Param->getType()->getPointeeType()->getAsRecordDecl() : nullptr)
      for (const FieldDecl *Field : Record->fields())
        if (U.isToken(Field->getType()))
          return {Param, Field};
  return {};
}

bool names(const Stmt *S, const OwnToken &Own) {
  if (!S)
    return false;
  if (const auto *Member = dyn_cast<MemberExpr>(S); Member && Own.Field && Member->getMemberDecl() == Own.Field)
    return true;
  if (const auto *Ref = dyn_cast<DeclRefExpr>(S); Ref && !Own.Field && Ref->getDecl() == Own.Param)
    return true;
  return llvm::any_of(S->children(), [&](const Stmt *Child) { return names(Child, Own); });
}

} // namespace

void ScopeUse::checkTokens(const Body &B) const {
  const Unit &U = A->U;
  const OwnToken Own = ownToken(B.F, U);
  if (!Own.Param)
    return;
  std::string At = "'" + Own.Param->getNameAsString();
  At += Own.Field ? "->" + Own.Field->getNameAsString() + "'" : "'";
  /// The call that makes a token that nothing else tells, when \p Var is one.
  auto MadeAnew = [&](const VarDecl *Var) -> const CallExpr * {
    for (const CallExpr *Call : U.callsIn(B.F))
      if (const Meaning *Row = U.meaningOf(Call, Effect::TokenInit);
          Row && Row->Object.isArgument() && variablePointedTo(Unit::argument(Call, Row->Object)) == Var) {
        const Expr *Parent = Unit::argument(Call, Row->Parent);
        return !Parent || isNull(Parent, U.context()) ? Call : nullptr;
      }
    return nullptr;
  };
  /// Whether \p S is only reached when the own token was asked: it has fired, or is not there.
  auto IsUnderTest = [&](const Stmt *S) {
    for (const Stmt *Child = S, *Parent = B.Parents.getParent(S); Parent;
         Child = Parent, Parent = B.Parents.getParent(Parent)) {
      const Expr *Condition = nullptr;
      if (const auto *If = dyn_cast<IfStmt>(Parent))
        Condition = If->getCond();
      else if (const auto *Choice = dyn_cast<AbstractConditionalOperator>(Parent))
        Condition = Choice->getCond();
      if (Condition && Condition != Child && names(Condition, Own))
        return true;
    }
    return false;
  };
  llvm::SmallPtrSet<const CallExpr *, 4> Told;
  for (const CallExpr *Call : U.callsIn(B.F)) {
    const FunctionDecl *Callee = Call->getDirectCallee();
    if (U.isDescribed(Callee) || IsUnderTest(Call) ||
        llvm::any_of(Call->arguments(), [&](const Expr *E) { return names(E, Own); }))
      continue;
    // After a wait for the token there is nothing left to tell.
    if (llvm::any_of(U.callsIn(B.F), [&](const CallExpr *Wait) {
          const Meaning *Row = U.meaningOf(Wait, Effect::Block);
          const Expr *Object = Row ? Unit::argument(Wait, Row->Object) : nullptr;
          return Object && names(Object, Own) && reaches(*B.Graph, Wait, Call);
        }))
      continue;
    for (unsigned I = 0; I < Call->getNumArgs() && I < Callee->getNumParams(); ++I) {
      if (!U.isToken(Callee->getParamDecl(I)->getType()))
        continue;
      const Expr *Given = Call->getArg(I);
      const std::string Name = "'" + Callee->getNameAsString() + "'";
      if (isNull(Given, U.context())) {
        B.report(A->Book, Rule::cancel_FreshToken,
                 Name + " gets no token, though " + At + " is at hand: a request to stop does not reach it", Call,
                 Body::Note{At + " comes from here", B.at(Own.Param)});
        continue;
      }
      const VarDecl *Var = variablePointedTo(Given);
      const CallExpr *Made = Var && Var->hasLocalStorage() ? MadeAnew(Var) : nullptr;
      if (const auto *Root = dyn_cast<CallExpr>(Given->IgnoreParenCasts()))
        if (const Meaning *Row = U.meaningOf(Root, Effect::TokenInit); Row && Row->Object.isReturned())
          if (const Expr *Parent = Unit::argument(Root, Row->Parent); !Parent || isNull(Parent, U.context()))
            Made = Root;
      if (Made && Told.insert(Made).second)
        B.report(A->Book, Rule::cancel_FreshToken,
                 Name + " gets a new token, though " + At + " is at hand: a request to stop does not reach it", Call,
                 Body::Note{"the token is made here, and nothing tells it", B.at(Made)});
    }
  }
}

void safespawn::registerScopeUse(CheckerManager &Manager, Analysis &A) { Manager.registerChecker<ScopeUse>()->A = &A; }
