// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/TaskExits.h"
#include "fixits/Bodies.h"
#include "clang/AST/Attr.h"

using namespace clang;
using namespace safespawn;

static bool isNull(const Expr *E, ASTContext &Context) {
  return !E || E->isNullPointerConstant(Context, Expr::NPC_ValueDependentIsNull);
}

TaskExits::TaskExits(const Unit &U, const ScopePlace &Place, std::string Failed)
    : U(U), Place(Place), Failed(std::move(Failed)) {
  // Siblings that wait would have ended with the process; who takes a returned value for a failure hears of too much.
  if (this->Failed.empty() || !Place.Background.empty() || Place.mayWait() || !Place.errorsAreReal())
    return;
  LastJoin = findLastJoin();
  if (LastJoin)
    for (const ValueDecl *D : Place.Vars)
      for (const FunctionDecl *Entry : Place.entriesOf(D))
        find(Entry);
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

/// Whether nobody but the tasks of the scope runs \p F.
bool TaskExits::isOurs(const FunctionDecl *F, unsigned Depth) const {
  if (Depth > 8 || F->isExternallyVisible())
    return false;
  auto IsF = [&](const FunctionDecl *Other) { return Other && Other->getCanonicalDecl() == F->getCanonicalDecl(); };
  unsigned Spawned = 0, Named = 0, Called = 0;
  for (const ValueDecl *D : Place.Vars)
    for (const FunctionDecl *Entry : Place.entriesOf(D))
      Spawned += IsF(Entry);
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
  for (const Decl *D : U.context().getTranslationUnitDecl()->decls())
    if (const auto *Var = dyn_cast<VarDecl>(D); Var && Var->getInit())
      Count(Var->getInit());
  if (Named != Spawned + Called)
    return false; // somebody keeps its address
  return llvm::all_of(U.callersOf(F), [&](const FunctionDecl *By) { return IsF(By) || isOurs(By, Depth + 1); });
}

/// Whether a frame of \p F has nothing to give back when it is left at any place. What a function of a library gives,
/// it gives as its result or through a pointer to where that is kept; of other functions nothing is known. The runtime
/// does not run the cleanups of variables.
bool TaskExits::holdsNothing(const FunctionDecl *F) const {
  const SourceManager &SM = U.context().getSourceManager();
  const Stmt *Body = F->getBody();
  if (U.isBroken(F) || U.locks(F) || holdsHiddenReturn(Body) || holds(Body, [](const Stmt *S) {
        const auto *Declared = dyn_cast<DeclStmt>(S);
        return Declared && llvm::any_of(Declared->decls(), [](const Decl *D) { return D->hasAttr<CleanupAttr>(); });
      }))
    return false;
  const ParentMap Parents(const_cast<Stmt *>(Body));
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
  return llvm::all_of(Calls, IsPlain);
}

/// How the end of the process that \p Call is can become a failure; nullopt where it cannot, or \p Call is none.
std::optional<TaskExits::End> TaskExits::endOf(const CallExpr *Call, const ParentMap &Parents) const {
  const SourceManager &SM = U.context().getSourceManager();
  const Edits E(U.context());
  const FunctionDecl *Callee = Call->getDirectCallee();
  // What does not return, and neither ends the thread nor jumps, ends the process.
  if (!Callee->isNoReturn() || !SM.isInSystemHeader(Callee->getLocation()) || !U.meaningsOf(Callee).empty() ||
      U.meaningOf(Callee, Effect::Jump) || !SM.isInMainFile(SM.getExpansionLoc(Call->getBeginLoc())))
    return std::nullopt;
  if (E.isEditable(Call->getSourceRange())) {
    Expr::EvalResult Code;
    if (!isStatement(Call, Parents) || Call->getNumArgs() > 1)
      return std::nullopt;
    if (!Call->getNumArgs())
      return End{Call, nullptr, ""};
    if (!Call->getArg(0)->EvaluateAsInt(Code, U.context()) || Code.Val.getInt() == 0)
      return std::nullopt;
    return End{Call, nullptr, E.text(Call->getArg(0)->getSourceRange())};
  }
  // A macro of the system's that asks first. What it asks is asked in every build from now on, so it may do no more.
  const Expr *Condition = nullptr;
  for (const Stmt *Up = Parents.getParent(Call); Up; Up = Parents.getParent(Up)) {
    if (isa<CompoundStmt>(Parents.getParent(Up)) && E.written(Up->getSourceRange()).isValid())
      return Condition && E.written(Condition->getSourceRange()).isValid() && !Condition->HasSideEffects(U.context())
                 ? std::optional(End{Up, Condition, ""})
                 : std::nullopt;
    if (const auto *If = dyn_cast<IfStmt>(Up); If && !Condition)
      Condition = If->getCond();
    else if (const auto *Choice = dyn_cast<ConditionalOperator>(Up); Choice && !Condition)
      Condition = Choice->getCond();
  }
  return std::nullopt;
}

void TaskExits::find(const FunctionDecl *Entry) {
  std::vector<End> Found;
  bool Holds = false;
  eachCallBelow(Entry, U, [&](const CallExpr *, const FunctionDecl *Named) {
    const FunctionDecl *By = nullptr;
    if (!Named->hasBody(By) || !Looked.insert(By).second)
      return;
    Holds |= !isOurs(By) || !holdsNothing(By);
    const ParentMap Parents(By->getBody());
    for (const CallExpr *Call : U.callsIn(By))
      if (std::optional<End> Known = endOf(Call, Parents))
        Found.push_back(*Known);
  });
  if (!Holds)
    llvm::append_range(Ends, Found);
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

bool TaskExits::wasAskedBefore(const Stmt *At) const {
  return !Ends.empty() && (!At || LastJoin->getEndLoc() < At->getBeginLoc());
}

void TaskExits::write(const std::string &Join, Edits &E) const {
  if (Ends.empty())
    return;
  for (const End &Each : Ends) {
    const std::string Fail = "ss_fail(" + (Each.Code.empty() ? std::string("EINVAL") : Each.Code) + ", " +
                             asFormat(E.text(Each.Whole->getSourceRange())) + ")";
    if (Each.Code.empty())
      E.need("EINVAL", "errno.h");
    const std::string Indent = E.indentOf(E.begin(Each.Whole));
    E.rewrite(Each.Whole->getSourceRange(), Each.Condition ? "if (!(" + E.text(Each.Condition->getSourceRange()) +
                                                                 "))\n" + Indent + levelIn(Place.block(), E) + Fail
                                                           : Fail);
  }
  const SourceLocation At = E.begin(LastJoin);
  const std::string Indent = E.indentOf(At);
  const auto *Loop = dyn_cast<ForStmt>(LastJoin);
  const bool HasBraces = Loop && isa<CompoundStmt>(Loop->getBody());
  E.insert(HasBraces ? E.after(LastJoin->getSourceRange()) : E.afterSemicolon(LastJoin),
           "\n" + Indent + "if (" + Join + " != 0)\n" + Indent + levelIn(Place.block(), E) + Failed + ";");
}
