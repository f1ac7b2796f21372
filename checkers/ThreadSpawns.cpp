// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules about a spawn as it is written, which need no path: thread.UncheckedSpawn, LoopArg, TooManyHandles, LateConfig.
// What becomes of the handle afterwards is left to ThreadHandles.cpp.
#include "checkers/Body.h"
#include "checkers/Checkers.h"
#include "checkers/Flow.h"
#include "checkers/ResultUse.h"
#include "fixits/ThreadFixes.h"
#include "clang/AST/ParentMap.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/StaticAnalyzer/Core/Checker.h"

using namespace clang;
using namespace ento;
using namespace safespawn;

namespace {

class ThreadSpawns : public Checker<check::ASTCodeBody> {
public:
  Analysis *A = nullptr;
  void checkASTCodeBody(const Decl *D, AnalysisManager &Manager, BugReporter &Reporter) const;

private:
  void checkResult(const SpawnSite &Site, const Body &B) const;
  void checkLoopArgument(const SpawnSite &Site, const Body &B) const;
  void checkCount(const SpawnSite &Site, const Body &B) const;
  void checkAttributes(const Body &B) const;
};

} // namespace

void ThreadSpawns::checkASTCodeBody(const Decl *D, AnalysisManager &Manager, BugReporter &Reporter) const {
  A->U.scan();
  const auto *F = dyn_cast<FunctionDecl>(D);
  AnalysisDeclContext *Context = Manager.getAnalysisDeclContext(D);
  if (!F || !Context || !A->U.matters(F))
    return;
  Body B{F, Context, Context->getParentMap(), Context->getCFG(), Manager, Reporter};
  if (!B.Graph)
    return;
  for (const SpawnSite &Site : llvm::concat<const SpawnSite>(A->U.spawnsIn(F), A->U.tasksIn(F))) {
    if (A->Book.isOn(Rule::thread_UncheckedSpawn))
      checkResult(Site, B);
    if (A->Book.isOn(Rule::thread_LoopArg))
      checkLoopArgument(Site, B);
    if (A->Book.isOn(Rule::thread_TooManyHandles))
      checkCount(Site, B);
  }
  if (A->Book.isOn(Rule::thread_LateConfig))
    checkAttributes(B);
}

// ---- UncheckedSpawn -------------------------------------------------------------------------------------------------

void ThreadSpawns::checkResult(const SpawnSite &Site, const Body &B) const {
  if (Site.Row->Worked.How == Success::Always || Site.Call->getType()->isVoidType())
    return;
  ResultUse Result(B, *Site.Row);
  switch (Result.of(Site.Call)) {
  case ResultUse::Tested:
    return;
  case ResultUse::NeverHolds:
    return B.report(
        A->Book, Rule::thread_UncheckedSpawn,
        "test '" + A->U.text(Result.Comparison) + "' says nothing about the spawn: " +
            (Site.Row->Worked.How == Success::Constant
                 ? "it returns '" + Site.Row->Worked.Name + "' when it works, and nothing negative when it fails"
                 : "its errors are positive numbers"),
        Site.Call, Body::Note{"the result is tested here", B.at(Result.Comparison)},
        fixUselessTest(A->U, *Site.Row, Result.Comparison, Result.Stored, B.F));
  case ResultUse::Ignored:
    if (Site.Row->Handle.isReturned())
      return; // the handle itself is lost: Leak says so
    break;
  }
  const bool IsTask = Site.Row->What == Effect::SpawnTask;
  const std::string Place =
      Result.Stored ? "stored in '" + Result.Stored->getNameAsString() + "' and never tested" : "ignored";
  B.report(A->Book, Rule::thread_UncheckedSpawn,
           "result of the spawn is " + Place + ": when it fails, no " +
               (IsTask ? "task runs" : "thread runs and the handle is garbage"),
           Site.Call, {}, IsTask || Result.Stored ? std::vector<Fix>() : fixIgnoredResult(A->U, Site, *B.Context));
}

// ---- LoopArg --------------------------------------------------------------------------------------------------------

void ThreadSpawns::checkLoopArgument(const SpawnSite &Site, const Body &B) const {
  const Stmt *Change = refillsArgument(A->U, Site.Call, B.Manager);
  if (!Change)
    return;
  const VarDecl *Lent = variablePointedTo(Site.Argument);
  const std::string Name = Lent->getNameAsString(), Who = Site.Scope ? "task" : "thread";
  B.report(A->Book, Rule::thread_LoopArg,
           Who + " gets the address of '" + Name + "', which the loop changes while the " + Who + " runs", Site.Call,
           Body::Note{"'" + Name + "' is changed here, before the next round", B.at(Change)},
           Site.Scope ? std::vector<Fix>() : fixLoopArgument(A->U, Site, Lent, *B.Context));
}

// ---- TooManyHandles -------------------------------------------------------------------------------------------------

namespace {

std::optional<int64_t> constantOf(const Expr *E, const ASTContext &Context) {
  Expr::EvalResult Value;
  if (!E || E->isValueDependent() || !E->EvaluateAsInt(Value, Context))
    return std::nullopt;
  return numberOf(Value.Val.getInt());
}

/// An element of an array of known size whose index is a variable plus a constant.
struct Slot {
  const ValueDecl *Array = nullptr;
  std::string Written; ///< the array, as the source has it
  int64_t Size = 0;
  const VarDecl *Index = nullptr;
  int64_t Offset = 0;
};

std::optional<Slot> slotOf(const Expr *E, const Unit &U) {
  const ASTContext &Context = U.context();
  if (!E)
    return std::nullopt;
  E = E->IgnoreParenCasts();
  const Expr *Base = nullptr, *Index = nullptr;
  if (const auto *Op = dyn_cast<UnaryOperator>(E); Op && Op->getOpcode() == UO_AddrOf) {
    const Expr *Of = Op->getSubExpr()->IgnoreParenCasts();
    while (const auto *Member = dyn_cast<MemberExpr>(Of)) { // &workers[i].tid
      if (Member->isArrow() || !isa<ArraySubscriptExpr, MemberExpr>(Member->getBase()->IgnoreParenCasts()))
        break;
      Of = Member->getBase()->IgnoreParenCasts();
    }
    if (const auto *Element = dyn_cast<ArraySubscriptExpr>(Of))
      Base = Element->getBase(), Index = Element->getIdx();
  } else if (const auto *Sum = dyn_cast<BinaryOperator>(E); Sum && Sum->getOpcode() == BO_Add) {
    Base = Sum->getLHS(), Index = Sum->getRHS();
  }
  if (!Base)
    return std::nullopt;
  Base = Base->IgnoreParenImpCasts();
  const auto *Type = Context.getAsConstantArrayType(Base->getType());
  if (!Type)
    return std::nullopt;
  Slot S;
  S.Written = U.text(Base);
  S.Size = Type->getSize().getSExtValue();
  if (const auto *Ref = dyn_cast<DeclRefExpr>(Base))
    S.Array = Ref->getDecl();
  else if (const auto *Member = dyn_cast<MemberExpr>(Base))
    S.Array = Member->getMemberDecl();
  Index = Index->IgnoreParenCasts();
  if (const auto *Sum = dyn_cast<BinaryOperator>(Index); Sum && Sum->isAdditiveOp())
    if (auto By = constantOf(Sum->getRHS(), Context)) {
      S.Offset = Sum->getOpcode() == BO_Add ? *By : -*By;
      Index = Sum->getLHS()->IgnoreParenCasts();
    }
  if (const auto *Ref = dyn_cast<DeclRefExpr>(Index))
    S.Index = dyn_cast<VarDecl>(Ref->getDecl());
  return S.Array && S.Index ? std::optional<Slot>(S) : std::nullopt;
}

/// Whether \p S compares \p Index itself; an element that it picks is another matter.
bool tests(const Stmt *S, const VarDecl *Index) {
  if (!S || isa<CallExpr, ArraySubscriptExpr>(S))
    return false;
  if (const auto *Ref = dyn_cast<DeclRefExpr>(S); Ref && Ref->getDecl() == Index)
    return true;
  return llvm::any_of(S->children(), [&](const Stmt *Child) { return tests(Child, Index); });
}

/// Whether the body of a loop tests \p Index once more: then the loop's condition is not the only bound.
bool testsInside(const Stmt *S, const VarDecl *Index) {
  if (!S)
    return false;
  if (const auto *If = dyn_cast<IfStmt>(S); If && tests(If->getCond(), Index))
    return true;
  if (const auto *Choice = dyn_cast<ConditionalOperator>(S); Choice && tests(Choice->getCond(), Index))
    return true;
  if (const auto *Switch = dyn_cast<SwitchStmt>(S); Switch && tests(Switch->getCond(), Index))
    return true;
  return llvm::any_of(S->children(), [&](const Stmt *Child) { return testsInside(Child, Index); });
}

/// The greatest value of \p Index in the body of \p Loop; nullopt when the loop is not a plain counting one.
std::optional<int64_t> greatest(const Stmt *Loop, const VarDecl *Index, const ASTContext &Context) {
  const Expr *Condition = nullptr;
  const Stmt *LoopBody = nullptr;
  if (const auto *For = dyn_cast<ForStmt>(Loop)) {
    Condition = For->getCond(), LoopBody = For->getBody();
    // Counting down: the greatest is the first.
    if (const auto *Step = dyn_cast_or_null<UnaryOperator>(For->getInc()); Step && Step->isDecrementOp()) {
      if (testsInside(LoopBody, Index) || !mentions(Step, Index))
        return std::nullopt;
      if (const auto *Init = dyn_cast_or_null<BinaryOperator>(For->getInit());
          Init && Init->getOpcode() == BO_Assign && mentions(Init->getLHS(), Index))
        return constantOf(Init->getRHS(), Context);
      if (const auto *Init = dyn_cast_or_null<DeclStmt>(For->getInit());
          Init && Init->isSingleDecl() && Init->getSingleDecl() == Index)
        return constantOf(Index->getInit(), Context);
      return std::nullopt;
    }
  } else if (const auto *While = dyn_cast<WhileStmt>(Loop)) {
    Condition = While->getCond(), LoopBody = While->getBody();
  }
  const auto *Compare = dyn_cast_or_null<BinaryOperator>(Condition ? Condition->IgnoreParenCasts() : nullptr);
  if (!Compare || !Compare->isComparisonOp() || testsInside(LoopBody, Index))
    return std::nullopt;
  const auto *Left = dyn_cast<DeclRefExpr>(Compare->getLHS()->IgnoreParenCasts());
  std::optional<int64_t> Bound = constantOf(Compare->getRHS(), Context);
  if (!Left || Left->getDecl() != Index || !Bound)
    return std::nullopt;
  switch (Compare->getOpcode()) {
  case BO_LT:
  case BO_NE:
    return *Bound - 1;
  case BO_LE:
    return *Bound;
  default:
    return std::nullopt;
  }
}

} // namespace

void ThreadSpawns::checkCount(const SpawnSite &Site, const Body &B) const {
  const ASTContext &Context = A->U.context();
  for (const Expr *Place : {Site.Handle, Site.Argument}) {
    std::optional<Slot> S = slotOf(Place, A->U);
    if (!S)
      continue;
    const bool IsHandle = Place == Site.Handle;
    for (const Stmt *Loop = B.Parents.getParent(Site.Call); Loop; Loop = B.Parents.getParent(Loop)) {
      std::optional<int64_t> Last = greatest(Loop, S->Index, Context);
      if (!Last || *Last + S->Offset < S->Size)
        continue;
      const std::string Element = S->Written + "[" + std::to_string(*Last + S->Offset) + "]";
      return B.report(A->Book, Rule::thread_TooManyHandles,
                      (IsHandle ? "loop spawns into '" + Element : "loop hands '" + Element + "' to a thread") +
                          (IsHandle ? "', but the array has " : ", but the array has ") + llvm::Twine(S->Size) +
                          " elements",
                      Site.Call, Body::Note{"'" + S->Array->getNameAsString() + "' is declared here", B.at(S->Array)});
    }
  }
}

// ---- LateConfig -----------------------------------------------------------------------------------------------------

void ThreadSpawns::checkAttributes(const Body &B) const {
  const Unit &U = A->U;
  /// Whether \p S makes an object with the attributes in \p Attr.
  auto Makes = [&](const Stmt *S, const VarDecl *Attr) {
    const auto *Call = dyn_cast<CallExpr>(S);
    if (!Call)
      return false;
    const Meaning *Spawn = U.spawnRow(Call);
    if (const Expr *Used = Spawn ? Unit::argument(Call, Spawn->Attr) : nullptr)
      return variablePointedTo(Used) == Attr;
    return llvm::any_of(U.meaningsOf(Call->getDirectCallee()), [&](const Meaning &Row) {
      const Expr *Used = Unit::argument(Call, Row.Attr);
      return Used && variablePointedTo(Used) == Attr;
    });
  };
  /// The same, or \p S hands them to code that may.
  auto Uses = [&](const Stmt *S, const VarDecl *Attr) {
    const auto *Call = dyn_cast<CallExpr>(S);
    if (!Call || Makes(S, Attr))
      return Call != nullptr;
    return U.meaningsOf(Call->getDirectCallee()).empty() &&
           llvm::any_of(Call->arguments(), [&](const Expr *E) { return variablePointedTo(E) == Attr; });
  };
  auto Renews = [&](const Stmt *S, const VarDecl *Attr) {
    const auto *Call = dyn_cast<CallExpr>(S);
    if (!Call)
      return false;
    for (Effect What : {Effect::AttributeInit, Effect::AttributeDestroy})
      if (const Meaning *Row = U.meaningOf(Call, What))
        return variablePointedTo(Unit::argument(Call, Row->Object)) == Attr;
    return false;
  };
  for (const CFGBlock *Block : *B.Graph)
    for (const CFGElement &Element : *Block) {
      auto Statement = Element.getAs<CFGStmt>();
      const auto *Set = Statement ? dyn_cast<CallExpr>(Statement->getStmt()) : nullptr;
      const Meaning *Row = Set ? U.meaningOf(Set, Effect::AttributeSet) : nullptr;
      const VarDecl *Attr = Row ? variablePointedTo(Unit::argument(Set, Row->Object)) : nullptr;
      if (!Attr || !Attr->hasLocalStorage() || isa<ParmVarDecl>(Attr))
        continue;
      // Used again later: the setting is for the next one.
      if (walk(pointAfter(*B.Graph, Set), [&](const Stmt *S) {
            return Uses(S, Attr) ? Step::Found : Renews(S, Attr) ? Step::Stop : Step::On;
          }))
        continue;
      const CallExpr *Made = nullptr;
      for (const CFGBlock *Other : *B.Graph)
        for (const CFGElement &Earlier : *Other)
          if (auto S = Earlier.getAs<CFGStmt>(); S && !Made && Makes(S->getStmt(), Attr))
            if (walk(pointAfter(*B.Graph, S->getStmt()), [&](const Stmt *Next) {
                  return Next == Set ? Step::Found : Renews(Next, Attr) ? Step::Stop : Step::On;
                }))
              Made = cast<CallExpr>(S->getStmt());
      if (Made)
        B.report(A->Book, Rule::thread_LateConfig,
                 "attribute '" + Attr->getNameAsString() +
                     "' is set after the object that should have used it was made",
                 Set, Body::Note{"'" + Attr->getNameAsString() + "' is used here, for the last time", B.at(Made)});
    }
}

void safespawn::registerThreadSpawns(CheckerManager &Manager, Analysis &A) {
  Manager.registerChecker<ThreadSpawns>()->A = &A;
}
