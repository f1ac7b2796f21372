// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/ThreadFixes.h"
#include "fixits/Bodies.h"
#include "fixits/Edits.h"
#include "fixits/Exits.h"
#include "clang/AST/ParentMap.h"

using namespace clang;
using namespace safespawn;

// ---- Leak and StackEscape: join before the exit ----

std::vector<Fix> safespawn::fixAtExit(const Unit &U, const CallExpr *Spawn, const Meaning *Row, const Stmt *Exit,
                                      const FunctionDecl *In, bool AllExits, bool HandleIsHere,
                                      ento::AnalysisManager &Manager) {
  if (!HandleIsHere || !Spawn || !Row || !In || !isa_and_nonnull<CompoundStmt>(In->getBody()))
    return {};
  const SpawnSite *Site = nullptr;
  for (const SpawnSite &S : U.spawnsIn(In))
    if (S.Call == Spawn)
      Site = &S;
  const Expr *Place = Site ? handlePlace(Spawn, *Row) : nullptr;
  const VarDecl *Var = Place ? variableOf(Place) : nullptr;
  // One handle in one variable that the exit can see; an array wants a loop, and a person to say over what. A thread
  // that does not end by itself, or not before somebody tells it something, must be told first.
  if (!Var || !Var->hasLocalStorage() || (Site->Entry && (U.neverEnds(Site->Entry) || U.mayWait(Site->Entry))))
    return {};
  const Expr *Outer = Place;
  while (const auto *Member = dyn_cast<MemberExpr>(Outer))
    Outer = Member->getBase()->IgnoreParenCasts();
  AnalysisDeclContext *Context = Manager.getAnalysisDeclContext(In);
  if (!isa<DeclRefExpr>(Outer) || !Context->getCFG())
    return {};

  // A join waits for whatever lock the thread wants.
  if ((!Site->Entry || !Site->Entry->hasBody() || U.locks(Site->Entry)) && U.locks(In))
    return {};
  Exits Ways(U, Spawn, *Row, In, *Context, [&U, Place](const CallExpr *Call) {
    for (const Meaning &Known : U.meaningsOf(Call->getDirectCallee()))
      if (isGivingUp(Known.What))
        if (const Expr *Object = Unit::argument(Call, Known.Object); Object && U.sameExpression(Object, Place))
          return true;
    return false;
  });
  if (!Ways.areClear(Var))
    return {};
  Edits E(U.context());
  const std::string Name = U.text(Place), Join = U.endingCall(*Row, Name);
  if (Join.empty() || !E.isEditable(Place->getSourceRange()))
    return {};
  // What stands before an exit may give away what the thread was given: free(buf); return -1;
  const Expr *Given = Site->Argument ? Site->Argument->IgnoreParenCasts() : nullptr;
  if (const auto *Address = dyn_cast_or_null<UnaryOperator>(Given); Address && Address->getOpcode() == UO_AddrOf)
    Given = Address->getSubExpr()->IgnoreParenCasts();
  const auto *Lent = dyn_cast_or_null<DeclRefExpr>(Given);
  for (const Stmt *Way : AllExits ? Ways.afterSuccess() : SmallVector<const Stmt *, 8>{Exit})
    if (const auto *Return = dyn_cast_or_null<ReturnStmt>(Way);
        (Lent && Ways.isNamedBefore(Way, Lent->getDecl())) || (Return && mentions(Return->getRetValue(), Var)) ||
        !Ways.isOurs(Way) || !Ways.insertBefore(Way, Join, Var, E))
      return {};
  return {{"join", "join '" + Name + "' before leaving '" + In->getNameAsString() + "'", E.take()}};
}

// ---- Overwrite: an array of handles ----

namespace {

/// The variable that \p Step counts up by one: i++, ++i, i += 1; null for anything else.
const VarDecl *countedBy(const Expr *Step, const ASTContext &Context) {
  const auto *Op = dyn_cast_or_null<UnaryOperator>(Step);
  if (Op && Op->isIncrementOp())
    return variableOf(Op->getSubExpr());
  const auto *Add = dyn_cast_or_null<BinaryOperator>(Step);
  Expr::EvalResult By;
  if (Add && Add->getOpcode() == BO_AddAssign && Add->getRHS()->EvaluateAsInt(By, Context) && By.Val.getInt() == 1)
    return variableOf(Add->getLHS());
  return nullptr;
}

/// for (i = 0; i < N; i++), with a constant N.
struct Counting {
  const ForStmt *Loop = nullptr;
  const VarDecl *Index = nullptr;
  const Expr *Bound = nullptr;
};

std::optional<Counting> countingLoopAround(const Stmt *S, const ParentMap &Parents, ASTContext &Context) {
  for (const Stmt *P = Parents.getParent(S); P; P = Parents.getParent(P)) {
    if (isa<WhileStmt, DoStmt>(P))
      return std::nullopt;
    const auto *For = dyn_cast<ForStmt>(P);
    if (!For)
      continue;
    Counting C{For};
    const auto *Condition =
        dyn_cast_or_null<BinaryOperator>(For->getCond() ? For->getCond()->IgnoreParenCasts() : nullptr);
    Expr::EvalResult Value;
    if (!Condition || Condition->getOpcode() != BO_LT || !Condition->getRHS()->EvaluateAsInt(Value, Context))
      return std::nullopt;
    C.Index = variableOf(Condition->getLHS());
    C.Bound = Condition->getRHS();
    const Expr *Start = nullptr;
    if (const auto *Init = dyn_cast_or_null<DeclStmt>(For->getInit()); Init && Init->isSingleDecl())
      Start = Init->getSingleDecl() == C.Index ? C.Index->getInit() : nullptr;
    else if (const auto *Set = dyn_cast_or_null<BinaryOperator>(For->getInit());
             Set && Set->getOpcode() == BO_Assign && variableOf(Set->getLHS()) == C.Index)
      Start = Set->getRHS();
    Expr::EvalResult First;
    if (!C.Index || !Start || !Start->EvaluateAsInt(First, Context) || First.Val.getInt() != 0 ||
        countedBy(For->getInc(), Context) != C.Index)
      return std::nullopt;
    return C;
  }
  return std::nullopt;
}

/// Whether \p S holds \p Inner.
bool within(const Stmt *S, const Stmt *Inner) {
  return S && (S == Inner || llvm::any_of(S->children(), [&](const Stmt *Child) { return within(Child, Inner); }));
}

/// Whether \p S leaves a round of the loop around it early, or moves \p Index itself.
bool leavesOrSteps(const Stmt *S, const VarDecl *Index) {
  if (!S)
    return false;
  if (isa<BreakStmt, ContinueStmt, GotoStmt>(S))
    return true;
  if (const auto *Assign = dyn_cast<BinaryOperator>(S);
      Assign && Assign->isAssignmentOp() && variableOf(Assign->getLHS()) == Index)
    return true;
  if (const auto *Op = dyn_cast<UnaryOperator>(S);
      Op && (Op->isIncrementDecrementOp() || Op->getOpcode() == UO_AddrOf) && variableOf(Op->getSubExpr()) == Index)
    return true;
  return llvm::any_of(S->children(), [&](const Stmt *Child) { return leavesOrSteps(Child, Index); });
}

/// Whether \p Bound may be written where \p Var is declared: all that it names is an enumerator from before.
bool isVisibleAt(const Expr *Bound, const VarDecl *Var) {
  if (const auto *Ref = dyn_cast<DeclRefExpr>(Bound->IgnoreParenCasts()))
    return isa<EnumConstantDecl>(Ref->getDecl()) && Ref->getDecl()->getBeginLoc() < Var->getBeginLoc();
  return llvm::all_of(Bound->children(),
                      [&](const Stmt *Child) { return !isa<Expr>(Child) || isVisibleAt(cast<Expr>(Child), Var); });
}

/// Whether \p Var is declared alone, without a value, at a place where an array may stand.
const DeclStmt *plainDeclaration(const Stmt *Body, const VarDecl *Var) {
  const DeclStmt *Declaration = declarationOf(Body, Var);
  return Declaration && Declaration->isSingleDecl() && !Var->hasInit() && !Var->isStaticLocal() ? Declaration : nullptr;
}

} // namespace

std::vector<Fix> safespawn::fixOverwrite(const Unit &U, const CallExpr *Spawn, const Meaning &Row,
                                         AnalysisDeclContext &In) {
  const auto *Place = dyn_cast_or_null<DeclRefExpr>(handlePlace(Spawn, Row));
  const auto *Var = Place ? dyn_cast<VarDecl>(Place->getDecl()) : nullptr;
  const ParentMap &Parents = In.getParentMap();
  std::optional<Counting> Loop = countingLoopAround(Spawn, Parents, U.context());
  const DeclStmt *Declaration = Var ? plainDeclaration(In.getBody(), Var) : nullptr;
  if (!Loop || !Declaration || !mentions(Loop->Loop, Var))
    return {};
  SmallVector<const DeclRefExpr *, 4> Uses;
  collect(In.getBody(), Var, Uses);
  if (Uses.size() != 2) // the spawn, and one join
    return {};
  const DeclRefExpr *Joined = Uses[0] == Place ? Uses[1] : Uses[0];
  const Stmt *Parent = Parents.getParentIgnoreParenImpCasts(const_cast<DeclRefExpr *>(Joined));
  const auto *Join = dyn_cast_or_null<CallExpr>(Parent);
  const Stmt *JoinStatement = Join && U.meaningOf(Join, Effect::Join) ? statementOf(Join, Parents) : nullptr;
  // The join is a statement of its own in the block that holds the loop, after it.
  if (!JoinStatement || JoinStatement != Join || Parents.getParent(JoinStatement) != Parents.getParent(Loop->Loop) ||
      !reaches(*In.getCFG(), Spawn, Join))
    return {};
  // Every round must have spawned when the joins run: what fails leaves, nothing leaves the loop in another way, and
  // the spawn stands under no condition but its own.
  const SpawnTest Result = testOf(*In.getCFG(), Spawn, Row, Parents, U);
  if (!Result.Known || !Result.Failed || walk({Result.Failed, 0}, [&](const Stmt *S) {
        return S == Join || isa<ReturnStmt>(S) ? Step::Found : Step::On; // a return would lose those that run
      }))
    return {};
  const Stmt *Up = statementOf(Spawn, Parents);
  const Stmt *Inner = Loop->Loop->getBody();
  const bool Direct = Up && (Parents.getParent(Up) == Inner || Parents.getParent(Up) == Loop->Loop || Up == Inner ||
                             statementOf(Loop->Loop, Parents) == Up);
  if (!Direct || leavesOrSteps(Inner, Loop->Index) || !isVisibleAt(Loop->Bound, Var))
    return {};
  if (const auto *If = dyn_cast<IfStmt>(Up);
      If && statementOf(Loop->Loop, Parents) != Up && !within(If->getCond(), Spawn))
    return {};
  Edits E(U.context());
  if (!E.isEditable(Declaration->getSourceRange()) || !E.isEditable(Place->getSourceRange()) ||
      !E.isEditable(Join->getSourceRange()) || E.written(Loop->Bound->getSourceRange()).isInvalid())
    return {};
  if (!E.isFirstOnLine(Join->getBeginLoc()))
    return {};
  const std::string Bound = E.text(Loop->Bound->getSourceRange()), Index = Loop->Index->getNameAsString();
  const bool OwnIndex = isa<DeclStmt>(Loop->Loop->getInit());
  if (const auto *Block = dyn_cast<CompoundStmt>(Inner); Block && !Block->body_empty())
    Inner = Block->body_front();
  E.insert(E.after(SourceRange(Var->getLocation(), Var->getLocation())), "[" + Bound + "]");
  E.insert(E.after(Place->getSourceRange()), "[" + Index + "]");
  E.insert(Join->getBeginLoc(), "for (" + (OwnIndex ? Loop->Index->getType().getAsString() + " " : std::string()) +
                                    Index + " = 0; " + Index + " < " + Bound + "; " + Index + "++)\n" +
                                    E.indentOf(Join->getBeginLoc()) +
                                    E.levelOf(Inner->getBeginLoc(), Loop->Loop->getBeginLoc()));
  E.insert(E.after(Joined->getSourceRange()), "[" + Index + "]");
  return {{"array", "keep each thread's handle in an array and join them all", E.take()}};
}

// ---- UncheckedSpawn ----

std::vector<Fix> safespawn::fixUselessTest(const Unit &U, const Meaning &Row, const BinaryOperator *Test,
                                           const VarDecl *Stored, const FunctionDecl *In) {
  if (Stored && countWrites(In->getBody(), Stored, U) != 1)
    return {};
  Edits E(U.context());
  if (!E.isEditable(Test->getSourceRange()) || Test->getOperatorLoc().isMacroID())
    return {};
  Expr::EvalResult Value;
  const bool ConstantRight = Test->getRHS()->EvaluateAsInt(Value, U.context());
  const bool WhenFailed =
      Test->getOpcode() == BO_EQ || (ConstantRight ? Test->getOpcode() == BO_LT || Test->getOpcode() == BO_LE
                                                   : Test->getOpcode() == BO_GT || Test->getOpcode() == BO_GE);
  const std::string Worked = Row.Worked.How == Success::Constant ? Row.Worked.Name : "0";
  const std::string Operator = WhenFailed ? "!=" : "==";
  if (ConstantRight)
    E.replace(SourceRange(Test->getOperatorLoc(), Test->getRHS()->getEndLoc()), Operator + " " + Worked);
  else
    E.replace(SourceRange(Test->getLHS()->getBeginLoc(), Test->getOperatorLoc()), Worked + " " + Operator);
  return {{"test",
           "test for " + std::string(WhenFailed ? "failure" : "success") + " with '" + Operator + " " + Worked + "'",
           E.take()}};
}

std::vector<Fix> safespawn::fixIgnoredResult(const Unit &U, const SpawnSite &Site, AnalysisDeclContext &In) {
  const ParentMap &Parents = In.getParentMap();
  const CallExpr *Call = Site.Call;
  Edits E(U.context());
  if (!isa_and_nonnull<CompoundStmt>(Parents.getParent(Call)) || !E.isEditable(Call->getSourceRange()) ||
      E.afterSemicolon(Call).isInvalid() || !E.isFirstOnLine(Call->getBeginLoc()))
    return {};
  // Returning in the middle is right only where nothing else runs yet.
  bool OthersRun = false;
  for (const SpawnSite &Other : U.spawnsIn(Site.In))
    OthersRun |= reaches(*In.getCFG(), Other.Call, Call);

  std::vector<Fix> Fixes;
  const auto [Before, After] = failureTest(*Site.Row);
  for (const auto &[Text, Exit] : failureWays(In.getBody(), U.context())) {
    // Not in the middle of others' work, and not with a lock held.
    if (!isa<GotoStmt>(Exit) && (OthersRun || U.locks(Site.In)))
      continue;
    Edits Change(U.context());
    const auto *Body = cast<CompoundStmt>(In.getBody());
    std::string Level = Change.levelOf(Body->body_front()->getBeginLoc(), Site.In->getBeginLoc());
    Change.insert(Call->getBeginLoc(), "if (" + Before);
    // A comment behind the spawn is about the spawn, and stays with it.
    const SourceLocation End = Change.after(Call->getSourceRange()), Semicolon = Change.afterSemicolon(Call);
    const SourceLocation Line = Change.endOfLine(Semicolon);
    const std::string Then = "\n" + Change.indentOf(Call->getBeginLoc()) + Level + Text;
    if (Line.isValid() && Line != Semicolon) {
      const SourceLocation Last = Semicolon.getLocWithOffset(-1);
      Change.insert(End, After + ")");
      Change.replace(SourceRange(Last, Last), "");
      Change.insert(Line, Then + ";");
    } else {
      Change.insert(End, After + ")" + Then);
    }
    std::string Name;
    for (char C : Text)
      if (isalnum(static_cast<unsigned char>(C)) || C == '_')
        Name += C;
      else if (!Name.empty() && Name.back() != '-')
        Name += '-';
    Fixes.push_back({Name, "on failure, '" + Text + "' as the function's other failures do", Change.take()});
  }
  return Fixes;
}

// ---- LoopArg ----

/// Reads the integer that the thread is given by value: edits every use of the entry's parameter, or fails.
static bool readByValue(const FunctionDecl *Entry, QualType Type, const Unit &U, Edits &E) {
  const FunctionDecl *Definition = nullptr;
  if (!Entry->hasBody(Definition) || Definition->getNumParams() != 1)
    return false;
  const ParmVarDecl *Param = Definition->getParamDecl(0);
  ParentMap Parents(Definition->getBody());
  auto Cast = [&](QualType To) { return "(" + To.getUnqualifiedType().getAsString() + ")(intptr_t)"; };
  // *p, where p is the expression that holds the address.
  auto DerefOf = [&](const Expr *Pointer) -> const UnaryOperator * {
    const Stmt *Parent = Parents.getParent(const_cast<Expr *>(Pointer));
    while (isa_and_nonnull<ParenExpr, CastExpr>(Parent))
      Parent = Parents.getParent(Parent);
    const auto *Deref = dyn_cast_or_null<UnaryOperator>(Parent);
    if (!Deref || Deref->getOpcode() != UO_Deref || !U.context().hasSameUnqualifiedType(Deref->getType(), Type))
      return nullptr;
    // Once: an entry that looks again and again waits for the loop's change.
    for (const Stmt *Child = Deref, *P = Parents.getParent(Child); P; Child = P, P = Parents.getParent(P))
      if (isa<ForStmt, WhileStmt, DoStmt>(P))
        return nullptr;
    if (Deref->getType().isVolatileQualified())
      return nullptr;
    // Only a read: what the thread wrote back would be lost.
    const Stmt *Reader = Parents.getParentIgnoreParens(const_cast<UnaryOperator *>(Deref));
    const auto *Load = dyn_cast_or_null<ImplicitCastExpr>(Reader);
    return Load && Load->getCastKind() == CK_LValueToRValue && E.isEditable(Deref->getSourceRange()) ? Deref : nullptr;
  };
  SmallVector<const DeclRefExpr *, 4> Uses;
  collect(Definition->getBody(), Param, Uses);
  if (Uses.empty())
    return false;
  for (const DeclRefExpr *Use : Uses) {
    if (const UnaryOperator *Deref = DerefOf(Use)) {
      E.replace(Deref->getSourceRange(), Cast(Type) + Param->getNameAsString());
      continue;
    }
    // int *p = arg; … *p
    const Stmt *Parent = Parents.getParent(const_cast<DeclRefExpr *>(Use));
    while (isa_and_nonnull<ParenExpr, CastExpr>(Parent))
      Parent = Parents.getParent(Parent);
    const auto *Declaration = dyn_cast_or_null<DeclStmt>(Parent);
    const auto *Alias =
        Declaration && Declaration->isSingleDecl() ? dyn_cast<VarDecl>(Declaration->getSingleDecl()) : nullptr;
    if (!Alias || !Alias->getType()->isPointerType() ||
        !U.context().hasSameUnqualifiedType(Alias->getType()->getPointeeType(), Type) ||
        !E.isEditable(Declaration->getSourceRange()))
      return false;
    SmallVector<const DeclRefExpr *, 4> Reads;
    collect(Definition->getBody(), Alias, Reads);
    for (const DeclRefExpr *Read : Reads) {
      const UnaryOperator *Deref = DerefOf(Read);
      if (!Deref)
        return false;
      E.replace(Deref->getSourceRange(), Alias->getNameAsString());
    }
    E.replace(SourceRange(Declaration->getBeginLoc(), Alias->getEndLoc()), Type.getUnqualifiedType().getAsString() +
                                                                               " " + Alias->getNameAsString() + " = " +
                                                                               Cast(Type) + Param->getNameAsString());
  }
  return true;
}

std::vector<Fix> safespawn::fixLoopArgument(const Unit &U, const SpawnSite &Site, const VarDecl *Lent,
                                            AnalysisDeclContext &In) {
  ASTContext &Context = U.context();
  const SourceManager &SM = Context.getSourceManager();
  const std::string Name = Lent->getNameAsString();
  const Expr *Given = Site.Argument->IgnoreParenCasts();
  const auto *Address = dyn_cast<UnaryOperator>(Given);
  const auto *Whole = dyn_cast<DeclRefExpr>(Address ? Address->getSubExpr()->IgnoreParenCasts() : Given);
  if (!Whole)
    return {};

  // By value, where the object is an integer and the entry, which only this spawn names, does nothing but read it.
  Edits ByValue(Context);
  if (Lent->getType()->isIntegerType() && Address && Site.Entry && U.spawnsOf(Site.Entry).size() == 1 &&
      !U.isCalled(Site.Entry) && ByValue.isEditable(Site.Argument->getSourceRange()) &&
      Context.getTypeSize(Lent->getType()) <= Context.getTypeSize(Context.VoidPtrTy)) {
    const FunctionDecl *Definition = nullptr;
    if (Site.Entry->hasBody(Definition) &&
        SM.getFileID(Definition->getLocation()) == SM.getFileID(Site.Call->getBeginLoc()) &&
        readByValue(Site.Entry, Lent->getType(), U, ByValue)) {
      ByValue.replace(Site.Argument->getSourceRange(), "(void *)(intptr_t)" + Name);
      ByValue.need("intptr_t", "stdint.h");
      return {{"by-value", "pass the value of '" + Name + "' instead of its address", ByValue.take()}};
    }
  }

  // Else an element for each round, where the loop counts to a constant and the object lives in the loop alone.
  const ParentMap &Parents = In.getParentMap();
  std::optional<Counting> Loop = countingLoopAround(Site.Call, Parents, Context);
  const DeclStmt *Declaration = plainDeclaration(In.getBody(), Lent);
  if (!Loop || Loop->Index == Lent || !Declaration)
    return {};
  SmallVector<const DeclRefExpr *, 8> Everywhere, Inside;
  collect(In.getBody(), Lent, Everywhere);
  collect(Loop->Loop->getBody(), Lent, Inside);
  const bool DeclaredInside = declarationOf(Loop->Loop->getBody(), Lent) != nullptr;
  Edits Array(Context);
  if (Everywhere.size() != Inside.size() || DeclaredInside || !isVisibleAt(Loop->Bound, Lent) ||
      Array.written(Loop->Bound->getSourceRange()).isInvalid() || !Array.isEditable(Declaration->getSourceRange()) ||
      !llvm::all_of(Inside, [&](const DeclRefExpr *Use) { return Array.isEditable(Use->getSourceRange()); }))
    return {};
  // Each round must fill its element before the spawn, and nothing may carry over from the one before.
  if (leavesOrSteps(Loop->Loop->getBody(), Loop->Index))
    return {};
  for (const Stmt *P = Parents.getParent(Loop->Loop); P; P = Parents.getParent(P))
    if (isa<ForStmt, WhileStmt, DoStmt>(P)) // its next round would fill the same elements
      return {};
  for (const DeclRefExpr *Use : Inside) {
    if (within(Site.Call, Use))
      continue;
    const Stmt *Whole = statementOf(Use, Parents);
    const auto *Assign = dyn_cast_or_null<BinaryOperator>(Whole);
    const auto *Output = dyn_cast_or_null<CallExpr>(Whole);
    const bool Fills = Assign ? Assign->getOpcode() == BO_Assign && !mentions(Assign->getRHS(), Lent) &&
                                    variableOf(Assign->getLHS()) == Lent
                              : Output && U.meaningsOf(Output->getDirectCallee()).empty();
    if (!Fills || Parents.getParent(Whole) != Loop->Loop->getBody())
      return {};
  }
  Array.insert(Array.after(SourceRange(Lent->getLocation(), Lent->getLocation())),
               "[" + Array.text(Loop->Bound->getSourceRange()) + "]");
  for (const DeclRefExpr *Use : Inside)
    Array.insert(Array.after(Use->getSourceRange()), "[" + Loop->Index->getNameAsString() + "]");
  return {{"array", "give each thread an element of its own", Array.take()}};
}
