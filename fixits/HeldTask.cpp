// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/HeldTask.h"
#include "fixits/CancelForms.h"
#include "fixits/OwnThread.h"

using namespace clang;
using namespace safespawn;

/// What the calls become calls of. FLAGS, FN, SPAWN, STARTED, VALUE, JOIN and JOINED differ.
static const char Helpers[] = R"(
/* A thread that one function starts and another one joins, with the scope that owns it. */
struct held_task {
	ss_scope scope;
	ss_task task;
};

static int held_task_start(struct held_task *held, FN fn, void *arg, const ss_site *site)
{
	const ss_scope_opts opts = { .flags = SS_SUPERVISE | SS_UNBOUND };
	int err = ss_scope_open(&held->scope, &opts, site);

	if (!err)
		err = SPAWN(&held->scope, &held->task, FLAGS, fn, arg,
		SITE);
	if (err)
		ss_scope_fini(&held->scope);
	return STARTED;
}

static int held_task_join(struct held_task *held, VALUE *value)
{
	int err;

	(void)ss_scope_join(&held->scope, NULL); /* what the task returned is the caller's to judge */
	err = JOIN(&held->task, value);
	if (err != EDEADLK) /* from the task itself */
		ss_scope_fini(&held->scope);
	return JOINED;
}
)";

/// The helpers for one family, and for tasks with \p Flags.
static std::string helpersFor(const TaskFamily &Kind, const std::string &Flags) {
  std::string Text = Helpers;
  auto Put = [&](StringRef What, StringRef By) {
    const size_t At = Text.find(What.str());
    Text.replace(At, What.size(), By.str());
  };
  Put("FLAGS", Flags);
  Put("FN fn", Kind.Pointers ? "ss_ptr_fn fn" : "ss_fn fn");
  const std::string Spawn = Kind.Pointers ? "ss_spawn_task_ptr_at(" : "ss_spawn_task_at(";
  Put("SPAWN(", Spawn);
  Put("SITE", std::string(StringRef("err = ").size() + Spawn.size(), ' ') + "site");
  Put("STARTED", Kind.Mapped ? "!err ? thrd_success : err == ENOMEM ? thrd_nomem : thrd_error" : "err");
  Put("JOINED", Kind.Mapped ? "err ? thrd_error : thrd_success" : "err");
  Put("VALUE *", Kind.Pointers ? "void **" : "int *");
  Put("JOIN(", Kind.Pointers ? "ss_task_join_ptr(" : "ss_task_join(");
  return Text;
}

/// Whether a loop of this file calls \p F, directly, over and over with the same arguments.
static bool isRepeated(const FunctionDecl *F, const Unit &U, ento::AnalysisManager &Manager) {
  for (const FunctionDecl *Caller : U.callersOf(F)) {
    const ParentMap &Parents = Manager.getAnalysisDeclContext(Caller)->getParentMap();
    for (const CallExpr *Call : U.callsIn(Caller)) {
      if (!Call->getDirectCallee() || Call->getDirectCallee()->getCanonicalDecl() != F->getCanonicalDecl())
        continue;
      SmallVector<const DeclRefExpr *, 4> Named;
      for (const Expr *Argument : Call->arguments())
        gather(static_cast<const Stmt *>(Argument), Named);
      for (const Stmt *Up = Parents.getParent(Call); Up; Up = Parents.getParent(Up))
        if (isLoop(Up) && llvm::none_of(Named, [&](const DeclRefExpr *Ref) {
              const auto *Var = dyn_cast<VarDecl>(Ref->getDecl());
              return Var && advances(Up, Var);
            }))
          return true;
    }
  }
  return false;
}

std::string safespawn::rewriteHeld(const Unit &U, const Handles &All, ArrayRef<const ValueDecl *> Vars,
                                   ento::AnalysisManager &Manager, ScopeRewrite &Out) {
  const SourceManager &SM = U.context().getSourceManager();
  std::optional<TaskFamily> Kind;
  const ValueDecl *FirstDeclared = Vars.front();
  llvm::SmallPtrSet<const FunctionDecl *, 8> Seen;
  for (const ValueDecl *D : Vars) {
    if (D->getLocation() < FirstDeclared->getLocation())
      FirstDeclared = D;
    bool IsJoined = false;
    for (const HandleUse &Use : All.usesOf(D)) {
      if (!Use.By)
        return quoted(D) + " is used out of all functions";
      IsJoined |= Use.is(Effect::Join);
      AnalysisDeclContext *Context = Manager.getAnalysisDeclContext(Use.By);
      if (!SM.isInMainFile(SM.getExpansionLoc(Use.By->getLocation())) || U.isBroken(Use.By) || !Context->getCFG() ||
          !isa_and_nonnull<CompoundStmt>(Use.By->getBody()))
        return "it is used in " + quoted(Use.By) + ", which is not in this file or has an error";
      if (Use.is(Effect::Equal))
        return quoted(D) + " is compared where its thread may be joined already";
      if (Use.is(Effect::TryJoin))
        return "the runtime has no form for '" + Use.Row->Call + "' on a handle that is kept";
      ScopePlace Place(U, All, Use.By, *Context);
      Place.Vars.assign(Vars.begin(), Vars.end());
      if (Seen.insert(Use.By).second)
        if (std::string Why = Place.understand(); !Why.empty())
          return Why;
      if (!Use.is(Effect::Spawn))
        continue;
      if (std::string Why = Place.repeats(D, Use); !Why.empty())
        return Why;
      if (isRepeated(Use.By, U, Manager))
        return quoted(Use.By) + " may store over a handle of a thread that still runs: a loop calls it";
      const Expr *Attr = Unit::argument(Use.In, Use.Row->Attr);
      if (Attr && !Attr->isNullPointerConstant(U.context(), Expr::NPC_ValueDependentIsNull))
        return "an attribute cannot be passed on to a task that is kept";
      const TaskFamily Each = *familyOf(Use.In, *Use.Row);
      if (Kind && Kind->Pointers != Each.Pointers)
        return "threads of <pthread.h> and of <threads.h> share a struct";
      Kind = Each;
    }
    if (!IsJoined)
      return "nobody joins it";
  }
  if (!Kind || (!Kind->Pointers && U.has(Effect::Spawn) && All.hasSeveralTypes()))
    return "threads of <pthread.h> and of <threads.h> share a file";
  Edits E(U.context());
  const SourceLocation At = E.afterIncludes(FirstDeclared->getBeginLoc());
  if (At.isInvalid())
    return "there is no room for a scope before " + quoted(FirstDeclared);
  for (const char *Name : {"held_task", "held_task_start", "held_task_join"})
    if (hasWord(SM.getBufferData(SM.getMainFileID()), Name))
      return std::string("the file has a '") + Name + "' of its own";

  E.need("ss_scope", "safespawn.h");
  E.need("EDEADLK", "errno.h");
  // All threads of the file that are kept share the helpers, each with edits of its own: these have to be the same.
  std::vector<HandleUse> Everything;
  for (const auto &[D, Uses] : All.all())
    llvm::append_range(Everything, Uses);
  E.insert(At, E.indented(helpersFor(*Kind, taskFlags(Everything, U))));
  for (const ValueDecl *D : Vars) {
    replaceHandleType(D, "struct held_task", E);
    for (const HandleUse &Use : All.usesOf(D)) {
      if (Use.What != HandleUse::Call)
        continue;
      Out.Calls.push_back(Use.In->getBeginLoc());
      E.enter(Use.In);
      const CharSourceRange Handle = E.written(Use.Given->getSourceRange());
      std::string Name;
      if (Use.is(Effect::Spawn)) {
        Out.At = Use.In->getBeginLoc();
        Out.In = Use.By;
        if (const FunctionDecl *Run = Use.entry())
          Out.Unasked.push_back(Run);
        Name = "held_task_start";
        const Expr *Entry = Unit::argument(Use.In, Use.Row->Entry);
        if (const Expr *Attr = Unit::argument(Use.In, Use.Row->Attr))
          E.remove(E.begin(Attr), E.begin(Entry));
        E.insert(E.written(Use.In->getArg(Use.In->getNumArgs() - 1)->getSourceRange()).getEnd(), ", SS_HERE");
      } else if (Use.is(Effect::Join)) {
        Name = "held_task_join";
        E.insert(Handle.getBegin(), "&");
      } else if (Use.is(Effect::Cancel)) {
        cancelTask(Use, ".task", E);
      } else {
        E.insert(Handle.getBegin(), "ss_task_thread(&");
        E.insert(Handle.getEnd(), ".task)");
      }
      if (!Name.empty())
        E.rewrite(Use.In->getCallee()->getSourceRange(), Name);
      if (!E.leave())
        return MacroDisagrees;
    }
  }
  CancelForms Forms(U);
  for (const ValueDecl *D : Vars)
    for (const HandleUse &Use : All.usesOf(D))
      if (Use.is(Effect::Spawn) &&
          llvm::any_of(All.usesOf(D), [](const HandleUse &Other) { return Other.is(Effect::Cancel); }) &&
          Forms.add(Use.entry()).empty())
        Forms.write(E);
  Out.What = "thread " + quoted(Vars.front());
  Out.Macros = E.inMacros();
  Out.Edits = {"scope", "run as a task with a scope of its own, which its join ends", E.takeMerged()};
  return "";
}
