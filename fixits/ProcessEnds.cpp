// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/ProcessEnds.h"
#include "checkers/Flow.h"
#include "fixits/Bodies.h"
#include "fixits/Edits.h"
#include "fixits/ScopePlace.h"

using namespace clang;
using namespace safespawn;

ProcessEnds::ProcessEnds(const Unit &U, ArrayRef<const FunctionDecl *> Entries, ento::AnalysisManager &Manager)
    : U(U), Entries(Entries), Manager(Manager) {
  std::vector<Functions> ByEntry;
  for (const FunctionDecl *Entry : Entries) {
    ByEntry.push_back(reachedFrom(Entry));
    Reached.insert(ByEntry.back().begin(), ByEntry.back().end());
  }
  for (const Functions &Ours : ByEntry) {
    std::vector<ProcessEnd> Here;
    for (const FunctionDecl *By : Ours) {
      const ParentMap &Parents = Manager.getAnalysisDeclContext(By)->getParentMap();
      for (const CallExpr *Call : U.callsIn(By))
        if (U.meaningOf(Call, Effect::EndProcess) && !isInChild(Call, By))
          Here.push_back(describe(Call, By, Parents));
    }
    std::string Why;
    for (const FunctionDecl *By : Here.empty() ? Functions() : Ours) {
      if (Why.empty())
        Why = foreignUseOf(By);
      if (Why.empty())
        Why = heldBy(By);
    }
    for (ProcessEnd &End : Here) {
      if (End.Why.empty())
        End.Why = Why;
      auto Known = llvm::find_if(Found, [&](const ProcessEnd &Other) { return Other.Call == End.Call; });
      if (Known == Found.end())
        Found.push_back(End);
      else if (Known->Why.empty())
        Known->Why = End.Why; // what one task may lose, it must not lose
    }
  }
}

/// The functions with a body that a task in \p Entry runs, and not only in a process of its own.
ProcessEnds::Functions ProcessEnds::reachedFrom(const FunctionDecl *Entry) const {
  Functions Out;
  const FunctionDecl *Definition = nullptr;
  auto Add = [&](const FunctionDecl *F) {
    if (F && F->hasBody(Definition) && llvm::is_contained(U.definitions(), Definition))
      Out.insert(Definition);
  };
  Add(Entry);
  for (size_t I = 0; I < Out.size(); ++I)
    for (const CallExpr *Call : U.callsIn(Out[I]))
      if (!isInChild(Call, Out[I]))
        Add(Call->getDirectCallee());
  return Out;
}

/// Whether \p Call may be made in a child process that \p By has forked: what ends there is not ours.
bool ProcessEnds::isInChild(const CallExpr *Call, const FunctionDecl *By) const {
  if (!U.has(Effect::Fork))
    return false;
  AnalysisDeclContext *Context = Manager.getAnalysisDeclContext(By);
  const CFG *Graph = Context->getCFG();
  for (const CallExpr *Fork : U.callsIn(By)) {
    const Meaning *Row = U.meaningOf(Fork, Effect::Fork);
    if (!Row || !Graph || !reaches(*Graph, Fork, Call))
      continue;
    Meaning IsChild = *Row;
    IsChild.Worked.How = Success::Zero;
    const SpawnTest Test = testOf(*Graph, Fork, IsChild, Context->getParentMap(), U);
    if (!Test.Known)
      return true;
    if (!Test.Failed)
      continue; // parent and child do the same
    auto IsCall = [&](const Stmt *S) { return S == Call ? Step::Found : Step::On; };
    for (const CFGBlock *Child : Test.Asked->succs())
      if (Child && Child != Test.Failed && !walk({&Graph->getEntry(), 0}, IsCall, Child))
        return true;
  }
  return false;
}

/// Who else than the tasks may run \p F, as the end of a sentence; empty: nobody.
std::string ProcessEnds::foreignUseOf(const FunctionDecl *F, unsigned Depth) const {
  if (F->isExternallyVisible())
    return "other files may call " + quoted(F);
  auto IsF = [&](const FunctionDecl *Other) { return Other && Other->getCanonicalDecl() == F->getCanonicalDecl(); };
  const auto Spawned = unsigned(llvm::count_if(Entries, IsF));
  unsigned Named = 0, Called = 0;
  auto Count = [&](const Stmt *S) {
    SmallVector<const DeclRefExpr *, 16> Refs;
    gather(S, Refs);
    Named += unsigned(
        llvm::count_if(Refs, [&](const DeclRefExpr *Ref) { return IsF(dyn_cast<FunctionDecl>(Ref->getDecl())); }));
  };
  for (const FunctionDecl *By : U.definitions()) {
    Count(By->getBody());
    for (const CallExpr *Call : U.callsIn(By))
      Called += IsF(Call->getDirectCallee());
  }
  for (const Decl *D : U.context().getTranslationUnitDecl()->noload_decls())
    if (const auto *Var = dyn_cast<VarDecl>(D); Var && Var->getInit())
      Count(Var->getInit());
  if (Named != Spawned + Called)
    return "others may run " + quoted(F) + ", too"; // somebody keeps its address
  for (const FunctionDecl *By : U.callersOf(F)) {
    if (llvm::none_of(Reached, [&](const FunctionDecl *Ours) { return Ours->getCanonicalDecl() == By; }))
      return quoted(By) + " calls " + quoted(F) + ", too";
    if (Depth > 8)
      return "others may call " + quoted(F) + ", too";
    if (IsF(By))
      continue;
    if (std::string Why = foreignUseOf(By, Depth + 1); !Why.empty())
      return Why;
  }
  return "";
}

/// What a frame of \p F may have to give back when it is left, as the end of a sentence; empty: nothing. What a
/// function of a library gives, it gives as its result or through a pointer to where that is kept; of other functions
/// nothing is known. The runtime does not run the cleanups of variables.
std::string ProcessEnds::heldBy(const FunctionDecl *F) const {
  const SourceManager &SM = U.context().getSourceManager();
  const Stmt *Body = F->getBody();
  if (U.isBroken(F))
    return quoted(F) + " has an error";
  if (U.locks(F))
    return quoted(F) + " takes a lock";
  if (holdsHiddenReturn(Body))
    return "something in " + quoted(F) + " is done at its end, by a cleanup or the like";
  const ParentMap &Parents = Manager.getAnalysisDeclContext(F)->getParentMap();
  auto IsPlain = [&](const CallExpr *Call) {
    const FunctionDecl *Callee = Call->getDirectCallee();
    if (!Callee)
      return false;
    if (Callee->hasBody() && !SM.isInSystemHeader(Callee->getLocation()))
      return true; // is looked at by itself
    const bool Computes = U.meaningOf(Callee, Effect::Compute) || U.meaningOf(Callee, Effect::Copy);
    if (!Computes && (!SM.isInSystemHeader(Callee->getLocation()) ||
                      llvm::any_of(U.meaningsOf(Callee), [](const Meaning &Row) { return Row.What != Effect::Block; })))
      return false;
    for (unsigned I = 0; I < Call->getNumArgs(); ++I) {
      const Expr *Argument = Call->getArg(I)->IgnoreParenCasts();
      const auto *Address = dyn_cast<UnaryOperator>(Argument);
      if (!Argument->getType()->isArrayType() && !(Address && Address->getOpcode() == UO_AddrOf))
        continue;
      const QualType Object = Unit::pointeeOf(Argument);
      const QualType Taken =
          I < Callee->getNumParams() ? Callee->getParamDecl(I)->getType()->getPointeeType() : QualType();
      const bool IsRead = !Taken.isNull() && Taken.isConstQualified();
      if (!IsRead && !Object->isCharType() && (!Computes || Object->isPointerType()))
        return false;
    }
    if (Callee->isNoReturn() || isStatement(Call, Parents))
      return true;
    const Stmt *Up = Parents.getParentIgnoreParenImpCasts(const_cast<CallExpr *>(Call));
    const auto *Op = dyn_cast_or_null<BinaryOperator>(Up);
    return Callee->getReturnType()->isArithmeticType() &&
           (Computes || isa_and_nonnull<IfStmt>(Up) || (Op && (Op->isComparisonOp() || Op->isLogicalOp())));
  };
  SmallVector<const CallExpr *, 16> Calls;
  gather(Body, Calls);
  for (const CallExpr *Call : Calls)
    if (!IsPlain(Call))
      return "what '" + U.text(Call) + "' gives " + quoted(F) + " may have to be given back";
  return "";
}

/// How the end of the process that \p Call is can become a failure, or why not.
ProcessEnd ProcessEnds::describe(const CallExpr *Call, const FunctionDecl *By, const ParentMap &Parents) const {
  const SourceManager &SM = U.context().getSourceManager();
  const Edits E(U.context());
  ProcessEnd Out;
  Out.Call = Call;
  Out.By = By;
  if (!SM.isInMainFile(SM.getExpansionLoc(Call->getBeginLoc()))) {
    Out.Why = "it stands in a header";
    return Out;
  }
  if (E.isEditable(Call->getSourceRange())) {
    Expr::EvalResult Code;
    Out.Whole = Call;
    if (!isStatement(Call, Parents))
      Out.Why = "it is a part of an expression";
    else if (Call->getNumArgs() > 1)
      Out.Why = "it does more than that";
    else if (Call->getNumArgs() && !Call->getArg(0)->EvaluateAsInt(Code, U.context()))
      Out.Why = "its code may be that of success";
    else if (Call->getNumArgs() && Code.Val.getInt() == 0)
      Out.Why = "its code is that of success";
    else if (Call->getNumArgs())
      Out.Code = E.text(Call->getArg(0)->getSourceRange());
    return Out;
  }
  // What a macro of the project's does besides, and when it ends, is its own affair. One of the system's asks first,
  // and ends where that does not hold. What it asks is asked in every build from now on, so it may do no more.
  Out.Why = "a macro makes it";
  if (!SM.isInSystemHeader(SM.getSpellingLoc(Call->getCallee()->getBeginLoc())))
    return Out;
  const Expr *Condition = nullptr;
  const Stmt *Below = Call;
  for (const Stmt *Up = Parents.getParent(Call); Up; Below = Up, Up = Parents.getParent(Up)) {
    if (isa_and_nonnull<CompoundStmt>(Parents.getParent(Up)) && E.written(Up->getSourceRange()).isValid()) {
      if (!Condition || !E.written(Condition->getSourceRange()).isValid())
        return Out;
      Out.Whole = Up;
      Out.Condition = Condition;
      Out.Why = Condition->HasSideEffects(U.context()) ? "it does more than to ask" : "";
      return Out;
    }
    if (const auto *If = dyn_cast<IfStmt>(Up); If && !Condition && Below == If->getElse())
      Condition = If->getCond();
    else if (const auto *Choice = dyn_cast<ConditionalOperator>(Up);
             Choice && !Condition && Below == Choice->getFalseExpr())
      Condition = Choice->getCond();
    else if (isa<IfStmt, AbstractConditionalOperator>(Up))
      return Out;
  }
  return Out;
}

std::string ProcessEnds::nameOf(const ProcessEnd &End) const {
  const SourceManager &SM = U.context().getSourceManager();
  return "'" + U.text(SM.getExpansionRange(End.Call->getSourceRange())) + "' in " + quoted(End.By);
}

std::string ProcessEnds::consequence(const std::string &Why) {
  return "it ends the process with all of its tasks, and cannot fail its task alone: " + Why;
}

/// Adds what \p Entry stands for in \p In: a function, or all those that callers hand to \p In for it.
static void addEntries(const Unit &U, const Expr *Entry, const FunctionDecl *In, std::vector<const FunctionDecl *> &Out,
                       unsigned Depth = 0) {
  if (const FunctionDecl *Named = Unit::namedFunction(Entry)) {
    Out.push_back(Named);
    return;
  }
  const auto *Ref = Entry ? dyn_cast<DeclRefExpr>(Entry->IgnoreParenCasts()) : nullptr;
  const auto *Param = Ref ? dyn_cast<ParmVarDecl>(Ref->getDecl()) : nullptr;
  if (!Param || Depth > 4)
    return;
  const unsigned Index = Param->getFunctionScopeIndex();
  for (const FunctionDecl *By : U.definitions())
    for (const CallExpr *Call : U.callsIn(By))
      if (Call->getDirectCallee()->getCanonicalDecl() == In->getCanonicalDecl() && Index < Call->getNumArgs())
        addEntries(U, Call->getArg(Index), By, Out, Depth + 1);
}

std::vector<const FunctionDecl *> safespawn::entriesOfTasks(const Unit &U) {
  std::vector<const FunctionDecl *> Out;
  for (const FunctionDecl *F : U.definitions())
    for (const SpawnSite &Site : U.tasksIn(F))
      addEntries(U, Unit::argument(Site.Call, Site.Row->Entry), F, Out);
  return Out;
}
