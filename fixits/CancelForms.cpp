// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/CancelForms.h"
#include "fixits/Bodies.h"
#include "fixits/ScopePlace.h"

using namespace clang;
using namespace safespawn;

struct CancelForms::Form {
  const char *Call, *To;
  enum { Sleep, Errno, Test } How; ///< an error number; -1 and errno; only asks
  const char *In;                  ///< of a sleep: makes nanoseconds of the argument; null: it takes the same arguments
};

static const CancelForms::Form Forms[] = {
    {"sleep", "ss_sleep", CancelForms::Form::Sleep, "SS_SEC"},
    {"usleep", "ss_sleep", CancelForms::Form::Sleep, "SS_US"},
    {"nanosleep", "ss_nanosleep", CancelForms::Form::Errno, nullptr},
    {"read", "ss_read", CancelForms::Form::Errno, nullptr},
    {"write", "ss_write", CancelForms::Form::Errno, nullptr},
    {"recv", "ss_recv", CancelForms::Form::Errno, nullptr},
    {"send", "ss_send", CancelForms::Form::Errno, nullptr},
    {"recvmsg", "ss_recvmsg", CancelForms::Form::Errno, nullptr},
    {"sendmsg", "ss_sendmsg", CancelForms::Form::Errno, nullptr},
    {"accept", "ss_accept", CancelForms::Form::Errno, nullptr},
    {"connect", "ss_connect", CancelForms::Form::Errno, nullptr},
    {"poll", "ss_poll_ms", CancelForms::Form::Errno, nullptr},
    {"epoll_wait", "ss_epoll_wait", CancelForms::Form::Errno, nullptr},
    {"waitpid", "ss_waitpid", CancelForms::Form::Errno, nullptr},
    {"sem_wait", "ss_sem_wait", CancelForms::Form::Errno, nullptr},
    {"pthread_testcancel", "ss_cancelled", CancelForms::Form::Test, nullptr},
};

/// Calls of the system that wait, and that the runtime has no form of; and those that say when a thread may be
/// cancelled.
static const char *const Without[] = {
    "accept4",
    "aio_suspend",
    "clock_nanosleep",
    "epoll_pwait",
    "fcntl",
    "flock",
    "getaddrinfo",
    "ioctl",
    "lockf",
    "mq_receive",
    "mq_send",
    "mq_timedreceive",
    "mq_timedsend",
    "msgrcv",
    "msgsnd",
    "pause",
    "ppoll",
    "pread",
    "pselect",
    "pthread_setcancelstate",
    "pthread_setcanceltype",
    "pwrite",
    "readv",
    "recvfrom",
    "recvmmsg",
    "select",
    "sem_clockwait",
    "sem_timedwait",
    "sendfile",
    "sendmmsg",
    "sendto",
    "sigsuspend",
    "sigtimedwait",
    "sigwait",
    "sigwaitinfo",
    "splice",
    "system",
    "tcdrain",
    "thrd_sleep",
    "vfork",
    "wait",
    "wait3",
    "wait4",
    "waitid",
    "writev",
};

static constexpr const char *Leave = "ss_exit_ptr(PTHREAD_CANCELED)";

/// Whether an `else` that follows \p S could be taken for that of an `if` in its place.
static bool mayTakeElse(const Stmt *S, const ParentMap &Parents) {
  for (const Stmt *Up = Parents.getParent(S); Up && !isa<CompoundStmt>(Up); S = Up, Up = Parents.getParent(Up))
    if (const auto *If = dyn_cast<IfStmt>(Up); If && If->getThen() == S && If->getElse())
      return true;
  return false;
}

std::string CancelForms::addPoint(const CallExpr *Call, const Form &To, const FunctionDecl *By,
                                  const ParentMap &Parents) {
  const Edits E(U.context());
  Point New{Call, &To, By, Call, ""};
  const std::string Odd = "'" + U.text(Call) + "', where it may be cancelled, stands where an exit does not fit";
  if (E.written(Call->getSourceRange()).isInvalid() || !E.isEditable(Call->getCallee()->getSourceRange()))
    return Odd;
  if (isStatement(Call, Parents)) {
    for (const Stmt *Up = Parents.getParent(Call); isa_and_nonnull<Expr>(Up); Up = Parents.getParent(Up))
      New.Statement = Up; // (void)
    if (mayTakeElse(New.Statement, Parents))
      return Odd;
    Points.push_back(New);
    return "";
  }
  // It is kept in a variable that can tell -1 from the rest.
  const Stmt *Parent = Parents.getParentIgnoreParenImpCasts(const_cast<CallExpr *>(Call));
  const VarDecl *Kept = nullptr;
  if (const auto *Assign = dyn_cast<BinaryOperator>(Parent); Assign && Assign->getOpcode() == BO_Assign) {
    const auto *Ref = dyn_cast<DeclRefExpr>(Assign->getLHS()->IgnoreParens());
    Kept = Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
    New.Statement = Assign;
  } else if (const auto *Declaration = dyn_cast<DeclStmt>(Parent); Declaration && Declaration->isSingleDecl()) {
    Kept = dyn_cast<VarDecl>(Declaration->getSingleDecl());
    New.Statement = Declaration;
  }
  if (To.How != Form::Errno || !Kept || !Kept->hasLocalStorage() || !Kept->getType()->isSignedIntegerType() ||
      !isa_and_nonnull<CompoundStmt>(Parents.getParent(New.Statement)) || E.afterSemicolon(New.Statement).isInvalid())
    return Odd;
  New.Result = Kept->getNameAsString();
  Points.push_back(New);
  return "";
}

/// Whether whoever comes to \p Of evaluates \p Part, which is below it.
static bool isSure(const Stmt *Part, const Stmt *Of, const ParentMap &Parents) {
  for (const Stmt *Up = Parents.getParent(Part); Part != Of; Part = Up, Up = Parents.getParent(Up)) {
    if (!Up)
      return false;
    if (const auto *If = dyn_cast<IfStmt>(Up); If && If->getCond() != Part)
      return false;
    if (const auto *Op = dyn_cast<BinaryOperator>(Up); Op && Op->isLogicalOp() && Op->getLHS() != Part)
      return false;
    if (Up != Of && (isa<AbstractConditionalOperator, SwitchStmt>(Up) || (isLoop(Up) && !isa<DoStmt>(Up))))
      return false;
  }
  return true;
}

bool CancelForms::isPassedBy(const FunctionDecl *F, unsigned Depth) const {
  const FunctionDecl *Definition = nullptr;
  if (Depth > 4 || !F || !F->hasBody(Definition))
    return false;
  const ParentMap Parents(Definition->getBody());
  SmallVector<const ReturnStmt *, 4> Returns;
  gather(static_cast<const Stmt *>(Definition->getBody()), Returns);
  const bool IsStraight =
      Returns.empty() || (Returns.size() == 1 && Parents.getParent(Returns[0]) == Definition->getBody());
  return IsStraight && passesPoint(Definition->getBody(), Definition->getBody(), Parents, Depth);
}

/// Whether each time through \p Of, where \p Part is one of it, a point is passed.
bool CancelForms::passesPoint(const Stmt *Part, const Stmt *Of, const ParentMap &Parents, unsigned Depth) const {
  SmallVector<const CallExpr *, 16> Calls;
  gather(Part, Calls);
  SmallVector<const ContinueStmt *, 4> Rounds;
  gather(Part, Rounds);
  return llvm::any_of(Calls, [&](const CallExpr *Call) {
    const bool IsPoint = llvm::any_of(Points, [&](const Point &P) { return P.Call == Call; }) ||
                         isPassedBy(Call->getDirectCallee(), Depth + 1);
    return IsPoint && isSure(Call, Of, Parents) &&
           llvm::all_of(Rounds, [&](const ContinueStmt *Round) { return Call->getBeginLoc() < Round->getBeginLoc(); });
  });
}

/// Each loop has to come to a point, or to its end.
std::string CancelForms::loopProblem(const FunctionDecl *F, const ParentMap &Parents) const {
  SmallVector<const Stmt *, 32> Everything;
  gather(static_cast<const Stmt *>(F->getBody()), Everything);
  for (const Stmt *S : Everything) {
    if (!isLoop(S))
      continue;
    const auto *For = dyn_cast<ForStmt>(S);
    if (For && For->getCond() && For->getInc() && !holdsCall(For->getCond()))
      continue;
    if (!passesPoint(S, S, Parents))
      return "a loop in " + quoted(F) + " has nothing that a cancelled task surely comes to";
  }
  return "";
}

std::string CancelForms::addFunction(const FunctionDecl *F, const ParentMap &Parents) {
  for (const CallExpr *Call : U.callsIn(F)) {
    const FunctionDecl *Callee = Call->getDirectCallee();
    if (!Callee)
      return quoted(F) + " calls through a pointer what may block";
    if (Callee->hasBody())
      continue;
    const std::string Name = Callee->getNameAsString();
    if (const Form *To = llvm::find_if(Forms, [&](const Form &Each) { return Name == Each.Call; });
        To != std::end(Forms)) {
      if (std::string Why = addPoint(Call, *To, F, Parents); !Why.empty())
        return Why;
      continue;
    }
    const bool Waits = llvm::any_of(U.meaningsOf(Callee), [](const Meaning &Row) {
      return Row.What == Effect::Block || Row.What == Effect::Wait || Row.What == Effect::Join ||
             Row.What == Effect::TryJoin || Row.What == Effect::Spawn;
    });
    if (Waits || llvm::is_contained(Without, Name))
      return quoted(F) + " calls " + quoted(Callee) + ", which is not cancelled as a task";
    if (!Callee->getBuiltinID() && U.meaningsOf(Callee).empty() &&
        !U.context().getSourceManager().isInSystemHeader(Callee->getLocation()))
      return quoted(F) + " calls " + quoted(Callee) + ", which is not seen and may block";
  }
  return "";
}

std::string CancelForms::add(const FunctionDecl *Entry) {
  const SourceManager &SM = U.context().getSourceManager();
  const FunctionDecl *Definition = nullptr;
  if (!Entry || !Entry->hasBody(Definition))
    return "its start routine is not seen, and may block in calls that cancel only a thread";
  SmallVector<const FunctionDecl *, 8> Work{Definition}, New;
  std::string Why;
  while (!Work.empty() && Why.empty()) {
    const FunctionDecl *F = Work.pop_back_val();
    if (llvm::is_contained(Seen, F))
      continue;
    Seen.push_back(F);
    New.push_back(F);
    if (!SM.isInMainFile(SM.getExpansionLoc(F->getLocation())) || U.isBroken(F))
      return quoted(F) + ", which it runs, is not in this file or has an error";
    if (holdsHiddenReturn(F->getBody()))
      return "'ss_exit_ptr' would jump over what pthread_cleanup_push or the like holds in " + quoted(F);
    Why = addFunction(F, ParentMap(F->getBody()));
    for (const CallExpr *Call : U.callsIn(F))
      if (const FunctionDecl *Callee = Call->getDirectCallee(), *Body = nullptr; Callee && Callee->hasBody(Body))
        Work.push_back(Body);
  }
  for (const FunctionDecl *F : New)
    if (Why.empty())
      Why = loopProblem(F, ParentMap(F->getBody()));
  if (Why.empty() && Points.empty())
    Why = "it has no call at which it would be cancelled as a task";
  return Why;
}

void CancelForms::write(Edits &E) const {
  for (const Point &P : Points) {
    const Form &To = *P.To;
    const SourceLocation Begin = E.begin(P.Statement);
    const std::string Deeper = E.indentOf(Begin) + levelIn(cast<CompoundStmt>(P.By->getBody()), E);
    const std::string Exit = "\n" + Deeper + Leave;
    const std::string IsStop = "(errno == ECANCELED || errno == ETIMEDOUT)";
    const SourceLocation Callee = E.begin(P.Call->getCallee());
    if (To.In) {
      E.insert(E.begin(P.Call->getArg(0)), std::string(To.In) + "(");
      E.insert(E.written(P.Call->getArg(0)->getSourceRange()).getEnd(), ")");
    }
    if (To.How == Form::Errno)
      E.need("ECANCELED", "errno.h");
    if (!P.Result.empty()) {
      E.rewrite(P.Call->getCallee()->getSourceRange(), To.To);
      E.insert(E.afterSemicolon(P.Statement),
               "\n" + E.indentOf(Begin) + "if (" + P.Result + " < 0 && " + IsStop + ")" + Exit + ";");
      continue;
    }
    if (Begin != Callee)
      E.remove(Begin, Callee);
    E.rewrite(P.Call->getCallee()->getSourceRange(), std::string("if (") + To.To);
    E.insert(E.written(P.Call->getSourceRange()).getEnd(),
             (To.How == Form::Errno ? " < 0 && " + IsStop : std::string(" != 0")) + ")" + Exit);
  }
}

void safespawn::cancelTask(const HandleUse &Use, const std::string &Member, Edits &E) {
  const CharSourceRange Handle = E.written(Use.Given->getSourceRange());
  E.rewrite(Use.In->getCallee()->getSourceRange(), "ss_task_cancel");
  E.insert(Handle.getBegin(), "&");
  E.insert(Handle.getEnd(), Member + ", ECANCELED, NULL");
  E.need("ECANCELED", "errno.h");
}
