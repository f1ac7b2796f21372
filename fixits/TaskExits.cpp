// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/TaskExits.h"
#include "fixits/Bodies.h"

using namespace clang;
using namespace safespawn;

static bool isNull(const Expr *E, ASTContext &Context) {
  return !E || E->isNullPointerConstant(Context, Expr::NPC_ValueDependentIsNull);
}

static std::vector<const FunctionDecl *> entriesIn(const ScopePlace &Place) {
  std::vector<const FunctionDecl *> Out;
  for (const ValueDecl *D : Place.Vars)
    for (const FunctionDecl *Entry : Place.entriesOf(D))
      if (Entry)
        Out.push_back(Entry);
  return Out;
}

TaskExits::TaskExits(const Unit &U, const ScopePlace &Place, std::string Failed, ento::AnalysisManager &Manager)
    : U(U), Place(Place), Failed(std::move(Failed)), Entries(entriesIn(Place)), Known(U, Entries, Manager) {
  if (Known.Found.empty())
    return;
  const std::string Why = placeProblem();
  for (ProcessEnd &End : Known.Found)
    if (End.Why.empty())
      End.Why = Why;
}

/// Why nobody could go by a failure of a task, as the end of a sentence; empty where somebody can.
std::string TaskExits::placeProblem() {
  const std::string In = quoted(Place.function());
  // Siblings that wait would have ended with the process; who takes a returned value for a failure hears of too much.
  if (Failed.empty())
    return In + " does not say how it fails";
  if (!Place.Background.empty())
    return "nobody asks how a background task ends";
  if (Place.mayWait())
    return "others may wait for the task, or it for them";
  if (!Place.errorsAreReal())
    return "a number that a task returns counts as a failure, too";
  LastJoin = findLastJoin();
  return LastJoin ? "" : In + " does more than to join before all tasks are joined";
}

/// Whether \p Loop does nothing but to call \p Join.
bool TaskExits::isAloneIn(const Stmt *Loop, const CallExpr *Join) const {
  const auto *For = dyn_cast<ForStmt>(Loop);
  const Stmt *Body = For ? For->getBody() : nullptr;
  if (const auto *Block = dyn_cast_or_null<CompoundStmt>(Body); Block && Block->size() == 1)
    Body = Block->body_front();
  const auto *Only = dyn_cast_or_null<Expr>(Body);
  return Only && Only->IgnoreParenCasts() == Join;
}

/// The last of the statements that join, where they follow each other and nobody gets a result before all of them are
/// through: what a task has not done, nobody goes on with. Null where it is otherwise.
const Stmt *TaskExits::findLastJoin() const {
  const CompoundStmt *Block = Place.block();
  llvm::SmallPtrSet<const Stmt *, 4> Joins;
  SmallVector<const CallExpr *, 4> Spawns;
  for (const ValueDecl *D : Place.Vars)
    for (const HandleUse &Use : Place.usesOf(D)) {
      if (Use.is(Effect::Spawn))
        Spawns.push_back(Use.In);
      if (!Use.is(Effect::Join) && !Use.is(Effect::TryJoin))
        continue;
      const Stmt *Top = statementOf(Use.In, Place.parents());
      if (!Top || Use.is(Effect::TryJoin) || !isStatement(Use.In, Place.parents()) ||
          !isNull(Unit::argument(Use.In, Use.Row->Result), U.context()))
        return nullptr;
      if (const Stmt *Loop = Place.parents().getParent(Top); Loop != Block) {
        Top = isa_and_nonnull<CompoundStmt>(Loop) ? Place.parents().getParent(Loop) : Top;
        if (!Top || Place.parents().getParent(Top) != Block || !isAloneIn(Top, Use.In))
          return nullptr;
      } else if (isa<ForStmt>(Top) && !isAloneIn(Top, Use.In)) {
        return nullptr;
      }
      Joins.insert(Top);
    }
  const Stmt *Last = nullptr;
  unsigned Seen = 0;
  for (const Stmt *Child : Block->body()) {
    if (Joins.count(Child)) {
      Last = Child;
      ++Seen;
      continue;
    }
    if (Last && Seen < Joins.size())
      return nullptr;
    for (const CallExpr *Spawn : Spawns)
      if (Last && holds(Child, [&](const Stmt *S) { return S == Spawn; }))
        return nullptr;
  }
  return Last;
}

/// \p Text as a string that is also a format.
static std::string asFormat(StringRef Text) {
  std::string Out = "\"";
  for (char C : Text) {
    if (C == '"' || C == '\\' || C == '%')
      Out += C == '%' ? '%' : '\\';
    Out += C == '\n' ? ' ' : C;
  }
  return Out + "\"";
}

bool TaskExits::failsAny() const {
  return llvm::any_of(Known.Found, [](const ProcessEnd &End) { return End.Why.empty(); });
}

bool TaskExits::wasAskedBefore(const Stmt *At) const {
  return failsAny() && (!At || LastJoin->getEndLoc() < At->getBeginLoc());
}

void TaskExits::write(const std::string &Join, Edits &E) const {
  if (!failsAny())
    return;
  for (const ProcessEnd &Each : Known.Found) {
    if (!Each.Why.empty())
      continue;
    const std::string Fail = "ss_fail(" + (Each.Code.empty() ? std::string("EINVAL") : Each.Code) + ", " +
                             asFormat(E.text(Each.Whole->getSourceRange())) + ")";
    if (Each.Code.empty())
      E.need("EINVAL", "errno.h");
    const std::string Indent = E.indentOf(E.begin(Each.Whole));
    E.rewrite(Each.Whole->getSourceRange(), Each.Condition ? "if (!(" + E.text(Each.Condition->getSourceRange()) +
                                                                 "))\n" + Indent + levelIn(Place.block(), E) + Fail
                                                           : Fail);
    if (Each.Condition)
      E.breakLineAfter(Each.Whole);
  }
  const SourceLocation At = E.begin(LastJoin);
  const std::string Indent = E.indentOf(At);
  const auto *Loop = dyn_cast<ForStmt>(LastJoin);
  const bool HasBraces = Loop && isa<CompoundStmt>(Loop->getBody());
  E.insert(HasBraces ? E.after(LastJoin->getSourceRange()) : E.afterSemicolon(LastJoin),
           "\n" + Indent + "if (" + Join + " != 0)\n" + Indent + levelIn(Place.block(), E) + Failed + ";");
  if (!HasBraces)
    E.breakLineAfter(LastJoin);
}

std::vector<StayingCall> TaskExits::stayingOf(const ProcessEnds &Ends, const SourceManager &SM) {
  std::vector<StayingCall> Out;
  for (const ProcessEnd &End : Ends.Found)
    if (!End.Why.empty())
      Out.push_back(
          {End.By, SM.getExpansionLoc(End.Call->getBeginLoc()), Ends.nameOf(End), ProcessEnds::consequence(End.Why)});
  return Out;
}
