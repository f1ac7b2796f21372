// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/ServiceRewrite.h"
#include "fixits/Bodies.h"
#include "fixits/ScopePlace.h"

using namespace clang;
using namespace safespawn;

bool safespawn::isDetached(const ValueDecl *D, const Handles &All) {
  return llvm::any_of(All.usesOf(D), [](const HandleUse &Use) { return Use.is(Effect::Detach); });
}

/// Whether \p F runs at most once in a process: it is main, or who calls it does, and not in a loop.
static bool runsOnce(const FunctionDecl *F, const Unit &U, ento::AnalysisManager &Manager, unsigned Depth = 0) {
  if (F->isMain())
    return !U.isCalled(F);
  if (Depth > 4 || U.isHandedOut(F) || U.hasUnseenCallers(F) || U.callersOf(F).size() != 1)
    return false;
  const FunctionDecl *Caller = U.callersOf(F).front();
  const CFG *Graph = Manager.getCFG(Caller);
  for (const CallExpr *Call : U.callsIn(Caller))
    if (const FunctionDecl *Callee = Call->getDirectCallee();
        Callee && Callee->getCanonicalDecl() == F->getCanonicalDecl())
      return Graph && !reaches(*Graph, Call, Call) && runsOnce(Caller, U, Manager, Depth + 1);
  return false;
}

/// The function that the service runs: \p Entry itself, or one beside it that takes its value for no failure.
static std::string bodyOf(const FunctionDecl *Entry, const TaskFamily &Kind, Edits &E) {
  const std::string Name = Entry->getNameAsString();
  if (!Kind.Pointers)
    return Name;
  E.insert(E.after(Entry->getBody()->getSourceRange()),
           E.indented("\n\nstatic int " + Name + "_service(void *arg)\n{\n\t(void)" + Name + "(arg);\n\treturn 0;\n}"));
  return Name + "_service";
}

std::string safespawn::rewriteAsService(const Unit &U, const Handles &All, const ValueDecl *D,
                                        ento::AnalysisManager &Manager, ScopeRewrite &Out) {
  const SourceManager &SM = U.context().getSourceManager();
  const auto *Var = dyn_cast<VarDecl>(D);
  Edits E(U.context());
  const HandleUse *Spawn = nullptr;
  const CallExpr *Detach = nullptr;
  for (const HandleUse &Use : All.usesOf(D)) {
    if (Use.is(Effect::Spawn) && !Spawn)
      Spawn = &Use;
    else if (Use.is(Effect::Detach) && !Detach)
      Detach = Use.In;
    else
      return quoted(D) + " is used for more than to start and detach one thread";
    if (E.written(Use.In->getSourceRange()).isInvalid() || !E.isEditable(Use.In->getCallee()->getSourceRange()))
      return "'" + Use.Row->Call + "' is called by a macro";
  }
  if (!Spawn || !Detach || !Var || !Var->hasLocalStorage() || !All.isHandle(Var->getType()) || Var->hasInit())
    return quoted(D) + " is used for more than to start and detach one thread";
  const FunctionDecl *In = Spawn->By;
  AnalysisDeclContext *Context = Manager.getAnalysisDeclContext(In);
  const ParentMap &Parents = Context->getParentMap();
  const DeclStmt *Declared = declarationOf(In->getBody(), Var);
  if (!Declared || !Declared->isSingleDecl() || !E.isEditable(Declared->getSourceRange()))
    return quoted(D) + " is declared together with what stays";
  if (reaches(*Context->getCFG(), Spawn->In, Spawn->In) || !runsOnce(In, U, Manager))
    return quoted(In) + " may start it more than once, and a service runs once at a time";
  if (!isRemovable(Detach, Parents))
    return "'" + U.text(Detach) + "' cannot be taken out";
  const Expr *Attr = Unit::argument(Spawn->In, Spawn->Row->Attr);
  if (Attr && !Attr->isNullPointerConstant(U.context(), Expr::NPC_ValueDependentIsNull))
    return "an attribute cannot be passed on to a service";
  const std::optional<TaskFamily> Kind = familyOf(Spawn->In, *Spawn->Row);
  const Expr *Named = Unit::argument(Spawn->In, Spawn->Row->Entry);
  const FunctionDecl *Entry = Unit::namedFunction(Named), *Definition = nullptr;
  if (!Kind || !Entry || !Entry->hasBody(Definition) || !SM.isInMainFile(Definition->getLocation()) ||
      !SM.isBeforeInTranslationUnit(Definition->getLocation(), In->getLocation()))
    return "its start routine does not stand before " + quoted(In) + " in this file";
  bool Ends = holdsHiddenReturn(Definition->getBody());
  eachCallBelow(Definition, U, [&](const CallExpr *Call, const FunctionDecl *) {
    Ends |= bool(U.meaningOf(Call, Effect::EndThread));
  });
  if (Ends)
    return "its start routine " + quoted(Entry) + " ends its thread by a call";
  if (Kind->Pointers && hasWord(SM.getBufferData(SM.getMainFileID()), Entry->getNameAsString() + "_service"))
    return "the file has a '" + Entry->getNameAsString() + "_service' of its own";

  E.replace(Var->getTypeSourceInfo()->getTypeLoc().getSourceRange(), "static ss_service");
  std::string Start = "ss_service_start";
  if (Kind->Mapped && !isStatement(Spawn->In, Parents)) {
    Start = "SS_THRD(" + Start;
    E.insert(E.written(Spawn->In->getSourceRange()).getEnd(), ")");
  }
  E.rewrite(Spawn->In->getCallee()->getSourceRange(), Start);
  if (Attr)
    E.rewrite(Attr->getSourceRange(), "NULL");
  E.rewrite(Named->getSourceRange(), (Attr ? "" : "NULL, ") + bodyOf(Definition, *Kind, E));
  E.removeStatement(Detach);
  E.need("ss_service", "safespawn.h");
  Out.In = In;
  Out.At = Spawn->In->getBeginLoc();
  Out.Calls = {Spawn->In->getBeginLoc(), Detach->getBeginLoc()};
  Out.Unasked = {Definition};
  Out.Edits = {"service", "run as a service, which a drain of the runtime stops", E.takeMerged()};
  return "";
}
