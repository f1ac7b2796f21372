// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Unit.h"
#include "checkers/LockAttributes.h"
#include "clang/AST/ParentMapContext.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/Lex/Lexer.h"

using namespace clang;
using namespace safespawn;

/// Whether the effect is one on a thread's handle.
static bool touchesHandle(Effect What) {
  switch (What) {
  case Effect::Spawn:
  case Effect::Join:
  case Effect::TryJoin:
  case Effect::Detach:
  case Effect::Cancel:
    return true;
  default:
    return false;
  }
}

/// Whether the effect is one that only the row itself is asked for: no path differs by it, and no rule is about it.
static bool concernsNoRule(Effect What) { return isOnMemory(What) || What == Effect::ThreadState; }

/// Whether \p Row, of \p Callee, is such a one, or a path differs as it does without the row: the declaration says that
/// the call does not return.
static bool saysNoMore(const Meaning &Row, const FunctionDecl *Callee) {
  return concernsNoRule(Row.What) || (Row.What == Effect::EndProcess && Callee->isNoReturn());
}

/// Whether a rule can begin with the effect; the others only say more about what has begun.
static bool startsRule(Effect What) {
  return touchesHandle(What) || isOnSync(What) || What == Effect::AttributeSet || What == Effect::ScopeOpen ||
         What == Effect::ScopeJoin || What == Effect::ScopeTryJoin || What == Effect::SpawnTask ||
         What == Effect::TokenInit;
}

Unit::Unit(ASTContext &Context, Models Known) : Context(Context), Known(std::move(Known)) {}

bool Unit::mentionsAnyCall() const {
  // The identifier table holds each word that the preprocessor has seen: no word, no call. Only the words that a rule
  // starts from: half of all files read from something.
  for (const auto &Row : Known.all())
    if (startsRule(Row.second.front().What) && Context.Idents.find(Row.getKey()) != Context.Idents.end())
      return true;
  return mentionsLockAttributes(Context) || llvm::any_of(Known.tokens(), [&](const auto &Type) {
           return Context.Idents.find(Type.getKey()) != Context.Idents.end();
         });
}

ArrayRef<Meaning> Unit::rowsOf(const FunctionDecl *Callee) const {
  if (!Callee || !Callee->getIdentifier())
    return {};
  ArrayRef<Meaning> Rows = Known.named(Callee->getName());
  if (Rows.empty() || !Callee->getDeclContext()->getRedeclContext()->isTranslationUnit())
    return {};
  if (Callee->getType()->isFunctionProtoType() && Callee->getNumParams() != Rows.front().Args)
    return {};
  // The library's function has no body here, or one that the library's own header gives it. A body of the project's
  // (a shim, a mock) says more than the row.
  const FunctionDecl *Definition = nullptr;
  if (Rows.front().BuiltIn && Callee->hasBody(Definition) &&
      !Context.getSourceManager().isInSystemHeader(Definition->getLocation()))
    return {};
  return Rows;
}

ArrayRef<Meaning> Unit::meaningsOf(const FunctionDecl *Callee) const {
  ArrayRef<Meaning> Rows = rowsOf(Callee);
  if (Rows.empty() || saysNoMore(Rows.front(), Callee) || isOnScope(Rows.front().What))
    return {};
  return Rows;
}

/// Whether \p Call passes as many arguments as the row says; a variadic function gets those, and more.
static bool fits(const Meaning &Row, const CallExpr *Call) {
  return Call->getNumArgs() == Row.Args ||
         (Call->getNumArgs() > Row.Args && Call->getDirectCallee() && Call->getDirectCallee()->isVariadic());
}

ArrayRef<Meaning> Unit::meaningsOf(const CallExpr *Call) const {
  ArrayRef<Meaning> Rows = meaningsOf(Call->getDirectCallee());
  return !Rows.empty() && fits(Rows.front(), Call) ? Rows : ArrayRef<Meaning>();
}

bool Unit::isDescribed(const FunctionDecl *Callee) const {
  ArrayRef<Meaning> Rows = rowsOf(Callee);
  if (Rows.empty() || saysNoMore(Rows.front(), Callee))
    return false;
  return HasScopes || (Rows.front().What != Effect::Jump && Rows.front().What != Effect::JumpTarget);
}

const Meaning *Unit::meaningOf(const FunctionDecl *Callee, Effect What) const {
  for (const Meaning &Row : rowsOf(Callee))
    if (Row.What == What)
      return &Row;
  return nullptr;
}

const Meaning *Unit::meaningOf(const CallExpr *Call, Effect What) const {
  const Meaning *Row = meaningOf(Call->getDirectCallee(), What);
  return Row && fits(*Row, Call) ? Row : nullptr;
}

std::optional<Sync> Unit::syncKind(QualType Type) const {
  // The name that the model knows may be the first of several, and the last may be no more than an int.
  while (true) {
    Type = Type.getLocalUnqualifiedType();
    if (const auto *Alias = Type->getAs<TypedefType>()) {
      if (std::optional<Sync> Kind = Known.typeNamed(Alias->getDecl()->getName()))
        return Kind;
      Type = Alias->desugar();
    } else if (const auto *Record = Type->getAsRecordDecl()) {
      return Known.typeNamed(Record->getName());
    } else {
      return std::nullopt;
    }
  }
}

bool Unit::isToken(QualType Type) const {
  for (unsigned Depth = 0; Depth < 2; ++Depth) { // a pointer to one, too
    QualType Name = Type.getLocalUnqualifiedType();
    while (const auto *Alias = Name->getAs<TypedefType>()) {
      if (Known.tokens().contains(Alias->getDecl()->getName()))
        return true;
      Name = Alias->desugar();
    }
    if (const auto *Record = Name->getAsRecordDecl(); Record && Known.tokens().contains(Record->getName()))
      return true;
    if (!Name->isPointerType())
      return false;
    Type = Name->getPointeeType();
  }
  return false;
}

std::optional<SyncPart> Unit::syncWithin(QualType Type) const {
  while (const ArrayType *Array = Context.getAsArrayType(Type))
    Type = Array->getElementType();
  if (std::optional<Sync> Kind = syncKind(Type))
    return SyncPart{*Kind, {}};
  const RecordDecl *Record = Type->getAsRecordDecl();
  if (!Record || !(Record = Record->getDefinition()))
    return std::nullopt;
  auto [Known, IsNew] = PartOf.try_emplace(Record);
  if (!IsNew)
    return Known->second;
  std::optional<SyncPart> Found;
  for (const FieldDecl *Field : Record->fields())
    if (Found = syncWithin(Field->getType()); Found) {
      Found->Path.insert(Found->Path.begin(), Field);
      break;
    }
  return PartOf[Record] = Found;
}

const Meaning *Unit::spawnRow(const CallExpr *Call) const {
  if (const Meaning *Row = meaningOf(Call, Effect::Spawn))
    return Row;
  const FunctionDecl *Callee = Call->getDirectCallee();
  return Callee ? Wrappers.lookup(key(Callee)) : nullptr;
}

std::string Unit::endingCall(const Meaning &Begin, StringRef Object) const {
  const bool Spawns = Begin.What == Effect::Spawn;
  for (const Meaning &Row : Known.named(Spawns ? Begin.JoinedBy : Begin.ReleasedBy)) {
    if (Row.What != (Spawns ? Effect::Join : Effect::Release))
      continue;
    auto Null = Context.Idents.find("NULL");
    const bool HasNull = Null != Context.Idents.end() && Null->second->hasMacroDefinition();
    std::string Text = Row.Call + "(";
    for (unsigned I = 0; I < Row.Args; ++I)
      Text += (I ? ", " : "") + (I == Row.Object.index() ? Object.str() : std::string(HasNull ? "NULL" : "0"));
    return Text + ")";
  }
  return "";
}

const Expr *Unit::argument(const CallExpr *Call, Role Which) {
  return Which.isArgument() && Which.index() < Call->getNumArgs() ? Call->getArg(Which.index()) : nullptr;
}

const FunctionDecl *Unit::namedFunction(const Expr *E) {
  if (!E)
    return nullptr;
  E = E->IgnoreParenCasts();
  if (const auto *U = dyn_cast<UnaryOperator>(E); U && U->getOpcode() == UO_AddrOf)
    E = U->getSubExpr()->IgnoreParenCasts();
  const auto *Ref = dyn_cast<DeclRefExpr>(E);
  return Ref ? dyn_cast<FunctionDecl>(Ref->getDecl()) : nullptr;
}

QualType Unit::pointeeOf(const Expr *E) {
  if (!E)
    return {};
  const QualType Type = E->IgnoreParenCasts()->getType();
  if (const auto *Array = Type->getAsArrayTypeUnsafe())
    return Array->getElementType();
  return Type->getPointeeType();
}

bool Unit::sameExpression(const Expr *A, const Expr *B) const {
  llvm::FoldingSetNodeID X, Y;
  A->IgnoreParenCasts()->Profile(X, Context, /*Canonical=*/true);
  B->IgnoreParenCasts()->Profile(Y, Context, /*Canonical=*/true);
  return X == Y;
}

std::optional<int64_t> Unit::constantNamed(StringRef Name) const {
  auto Word = Context.Idents.find(Name);
  if (Word == Context.Idents.end())
    return std::nullopt;
  for (const NamedDecl *D : Context.getTranslationUnitDecl()->lookup(DeclarationName(Word->second)))
    if (const auto *Constant = dyn_cast<EnumConstantDecl>(D))
      return numberOf(Constant->getInitVal());
  return std::nullopt;
}

std::optional<int64_t> Unit::successValue(const Meaning &Row) const {
  switch (Row.Worked.How) {
  case Success::Zero:
    return 0;
  case Success::Constant:
    return constantNamed(Row.Worked.Name).value_or(0);
  default:
    return std::nullopt;
  }
}

/// \p Written on one line, shortened.
static std::string onOneLine(StringRef Written) {
  std::string Line;
  for (char C : Written)
    if (!isspace(static_cast<unsigned char>(C)))
      Line += C;
    else if (!Line.empty() && Line.back() != ' ')
      Line += ' ';
  constexpr size_t Longest = 48;
  if (Line.size() > Longest)
    Line = Line.substr(0, Longest - 3) + "...";
  return Line;
}

std::string Unit::text(CharSourceRange Range) const {
  return onOneLine(Lexer::getSourceText(Range, Context.getSourceManager(), Context.getLangOpts()));
}

std::string Unit::text(const Expr *E) const {
  CharSourceRange Range = Lexer::makeFileCharRange(CharSourceRange::getTokenRange(E->getSourceRange()),
                                                   Context.getSourceManager(), Context.getLangOpts());
  std::string Line = Range.isValid() ? text(Range) : "";
  if (!Line.empty())
    return Line;
  std::string Text;
  llvm::raw_string_ostream Out(Text);
  E->printPretty(Out, nullptr, Context.getPrintingPolicy());
  return onOneLine(Text);
}

/// Visits one body and notes what the unit wants to know of it.
struct Unit::Scan : RecursiveASTVisitor<Unit::Scan> {
  Unit &U;
  const FunctionDecl *In;
  SmallVector<const CallExpr *, 8> &Calls;
  SmallVector<const FieldDecl *, 4> &Writes;
  bool NotReturning = false, Erroneous = false;

  Scan(Unit &U, const FunctionDecl *In) : U(U), In(In), Calls(U.CallsIn[key(In)]), Writes(U.FieldWrites[key(In)]) {}

  bool VisitRecoveryExpr(RecoveryExpr *) { return Erroneous = true; }
  bool VisitDecl(Decl *D) {
    Erroneous |= D->isInvalidDecl();
    return true;
  }
  bool VisitCallExpr(CallExpr *Call) {
    if (const FunctionDecl *Callee = Call->getDirectCallee()) {
      Calls.push_back(Call);
      NotReturning |= Callee->isNoReturn();
      for (const ParmVarDecl *Param : Callee->parameters())
        if (U.isToken(Param->getType()))
          U.Tokening.insert(key(In));
      if (const Meaning *Row = U.meaningOf(Call, Effect::Copy))
        if (QualType Source = pointeeOf(argument(Call, Row->Source));
            !Source.isNull() && U.syncWithin(Source).has_value())
          U.Copying.insert(key(In));
    }
    return true;
  }
  bool VisitDeclRefExpr(DeclRefExpr *Ref) {
    if (const auto *F = dyn_cast<FunctionDecl>(Ref->getDecl()))
      if (!isCallee(Ref))
        U.AddressTaken.insert(key(F));
    return true;
  }
  bool TraverseCallExpr(CallExpr *Call) {
    Callees.insert(Call->getCallee()->IgnoreParenImpCasts());
    return RecursiveASTVisitor::TraverseCallExpr(Call);
  }
  bool VisitBinaryOperator(BinaryOperator *B) {
    if (B->isAssignmentOp())
      noteWrite(B->getLHS());
    return true;
  }
  bool VisitImplicitCastExpr(ImplicitCastExpr *Cast) {
    noteLoad(Cast);
    return true;
  }
  bool VisitInitListExpr(InitListExpr *List) {
    // As it is written, a list has its values without the casts.
    if (!List->isSemanticForm())
      List = List->getSemanticForm();
    for (const Expr *Value : List ? List->inits() : ArrayRef<Expr *>())
      if (const auto *Cast = dyn_cast<ImplicitCastExpr>(Value))
        noteLoad(Cast);
    return true;
  }
  bool VisitUnaryOperator(UnaryOperator *Op) {
    // An address that is handed out may be written through.
    if (Op->isIncrementDecrementOp() || Op->getOpcode() == UO_AddrOf)
      noteWrite(Op->getSubExpr());
    return true;
  }

private:
  llvm::DenseSet<const Expr *> Callees;
  bool isCallee(const Expr *E) const { return Callees.count(E); }
  void noteLoad(const ImplicitCastExpr *Cast) {
    const QualType Type = Cast->getSubExpr()->getType();
    if (Cast->getCastKind() == CK_LValueToRValue &&
        (Type->isRecordType() ? U.syncWithin(Type).has_value() : U.syncKind(Type).has_value()))
      U.Copying.insert(key(In));
  }
  void noteWrite(const Expr *E) {
    E = E->IgnoreParenCasts();
    while (const auto *Element = dyn_cast<ArraySubscriptExpr>(E))
      E = Element->getBase()->IgnoreParenCasts();
    if (const auto *Member = dyn_cast<MemberExpr>(E))
      if (const auto *Field = dyn_cast<FieldDecl>(Member->getMemberDecl()))
        Writes.push_back(Field);
    if (const auto *Ref = dyn_cast<DeclRefExpr>(E))
      if (const auto *Var = dyn_cast<VarDecl>(Ref->getDecl()); Var && !Var->hasLocalStorage())
        U.WritersOf[cast<VarDecl>(Var->getCanonicalDecl())].insert(key(In));
  }
};

/// Whether control can leave \p Loop: by its condition, a break of its own, a goto, a return or a call that ends.
static bool canLeave(const Stmt *S, const Unit &U, bool InnerLoop) {
  if (!S)
    return false;
  if (isa<ReturnStmt, GotoStmt, IndirectGotoStmt>(S) || (isa<BreakStmt>(S) && !InnerLoop))
    return true;
  if (const auto *Call = dyn_cast<CallExpr>(S)) {
    // What a function that we cannot see does, we cannot say: it may well end the thread.
    const FunctionDecl *Callee = Call->getDirectCallee();
    if (Callee && Callee->isNoReturn())
      return true;
    if (Callee && Callee->hasBody() && U.matters(Callee))
      return true;
  }
  bool Inner = InnerLoop || isa<ForStmt, WhileStmt, DoStmt, SwitchStmt>(S);
  for (const Stmt *Child : S->children())
    if (canLeave(Child, U, Inner))
      return true;
  return false;
}

static bool holdsEndlessLoop(const Stmt *S, const Unit &U, ASTContext &Context) {
  if (!S)
    return false;
  const Expr *Condition = nullptr;
  const Stmt *Body = nullptr;
  if (const auto *For = dyn_cast<ForStmt>(S))
    Condition = For->getCond(), Body = For->getBody();
  else if (const auto *While = dyn_cast<WhileStmt>(S))
    Condition = While->getCond(), Body = While->getBody();
  else if (const auto *Do = dyn_cast<DoStmt>(S))
    Condition = Do->getCond(), Body = Do->getBody();
  if (Body) {
    bool Always = !Condition;
    if (Condition && !Condition->isValueDependent())
      (void)Condition->EvaluateAsBooleanCondition(Always, Context);
    if (Always && !canLeave(Body, U, /*InnerLoop=*/false))
      return true;
  }
  for (const Stmt *Child : S->children())
    if (holdsEndlessLoop(Child, U, Context))
      return true;
  return false;
}

/// Whether \p S holds a loop that goes on until somebody else writes: its condition reads what other threads can reach,
/// and nothing that the loop itself changes.
static bool spinsOnOthers(const Stmt *S, const ASTContext &Context) {
  if (!S)
    return false;
  const auto *Endless = dyn_cast<ForStmt>(S);
  if (Endless && !Endless->getCond())
    return true; // it ends by a test inside, on whatever that reads
  const Expr *Condition = nullptr;
  if (const auto *For = dyn_cast<ForStmt>(S))
    Condition = For->getCond();
  else if (const auto *While = dyn_cast<WhileStmt>(S))
    Condition = While->getCond();
  else if (const auto *Do = dyn_cast<DoStmt>(S))
    Condition = Do->getCond();
  bool Always = false;
  if (Condition && Condition->EvaluateAsBooleanCondition(Always, Context) && Always)
    return true;
  if (Condition) {
    struct Reads : RecursiveASTVisitor<Reads> {
      llvm::SmallPtrSet<const VarDecl *, 4> Locals;
      bool Shared = false;
      bool VisitDeclRefExpr(DeclRefExpr *Ref) {
        const auto *Var = dyn_cast<VarDecl>(Ref->getDecl());
        if (Var && Var->hasLocalStorage() && !Var->getType().isVolatileQualified())
          Locals.insert(Var);
        Shared |= Var && !Var->hasLocalStorage();
        return true;
      }
      bool VisitMemberExpr(MemberExpr *Member) { return Shared |= Member->isArrow(), true; }
      bool VisitUnaryOperator(UnaryOperator *Op) { return Shared |= Op->getOpcode() == UO_Deref, true; }
      bool VisitAtomicExpr(AtomicExpr *) { return Shared = true; }
    } Read;
    Read.TraverseStmt(const_cast<Expr *>(Condition));
    struct Writes : RecursiveASTVisitor<Writes> {
      const Reads &Read;
      bool Progress = false;
      explicit Writes(const Reads &Read) : Read(Read) {}
      void note(const Expr *E) {
        const auto *Ref = dyn_cast<DeclRefExpr>(E->IgnoreParenCasts());
        Progress |= Ref && Read.Locals.count(dyn_cast<VarDecl>(Ref->getDecl()));
      }
      bool VisitBinaryOperator(BinaryOperator *B) { return B->isAssignmentOp() ? (note(B->getLHS()), true) : true; }
      bool VisitUnaryOperator(UnaryOperator *Op) {
        return Op->isIncrementDecrementOp() || Op->getOpcode() == UO_AddrOf ? (note(Op->getSubExpr()), true) : true;
      }
    } Write(Read);
    Write.TraverseStmt(const_cast<Stmt *>(S));
    if (Read.Shared && !Write.Progress)
      return true;
  }
  return llvm::any_of(S->children(), [&](const Stmt *Child) { return spinsOnOthers(Child, Context); });
}

template <typename Set> void Unit::closeOverCallers(Set &Functions) const {
  SmallVector<const FunctionDecl *, 32> Work(Functions.begin(), Functions.end());
  while (!Work.empty()) {
    auto Callers = CallersOf.find(Work.pop_back_val());
    if (Callers == CallersOf.end())
      continue;
    for (const FunctionDecl *Caller : Callers->second)
      if (Functions.insert(Caller).second)
        Work.push_back(Caller);
  }
}

void Unit::scan() {
  if (Scanned)
    return;
  Scanned = true;
  if (!mentionsAnyCall())
    return;
  const SourceManager &SM = Context.getSourceManager();
  HasScopes = llvm::any_of(Known.all(), [&](const auto &Row) {
    return Row.second.front().What == Effect::ScopeOpen && Context.Idents.find(Row.getKey()) != Context.Idents.end();
  });
  for (Decl *D : Context.getTranslationUnitDecl()->noload_decls()) {
    auto *F = dyn_cast<FunctionDecl>(D);
    if (!F || !F->doesThisDeclarationHaveABody() || SM.isInSystemHeader(SM.getExpansionLoc(F->getLocation())))
      continue;
    Definitions.push_back(F);
    Scan S(*this, F);
    S.TraverseDecl(F);
    if (S.NotReturning)
      Mattering.insert(key(F));
    if (S.Erroneous)
      markBroken(F);
  }
  for (const FunctionDecl *F : Definitions) {
    if (spinsOnOthers(F->getBody(), Context))
      Waiting.insert(key(F));
    for (const CallExpr *Call : CallsIn[key(F)]) {
      const FunctionDecl *Callee = Call->getDirectCallee();
      CallersOf[key(Callee)].push_back(key(F));
      if (isDeclaredToLock(Callee))
        for (auto *Set : {&Locking, &Mattering, &Effective, &Syncing})
          Set->insert(key(F));
      for (const Meaning &Row : rowsOf(Callee)) {
        if (Row.What == Effect::JumpTarget || (Row.What == Effect::Jump && !HasScopes))
          continue; // a jump matters to scopes alone, and there are files full of them
        Present |= uint64_t(1) << unsigned(Row.What);
        if (saysNoMore(Row, Callee))
          continue;
        if (isOnScope(Row.What))
          Scoping.insert(key(F));
        if (isOnSync(Row.What))
          if (const Expr *Object = argument(Call, Row.Object))
            noteShared(Object);
        if (Row.What == Effect::Acquire || Row.What == Effect::TryAcquire || Row.What == Effect::Guard ||
            Row.What == Effect::Release)
          Locking.insert(key(F));
        if (Row.What == Effect::Block)
          Waiting.insert(key(F));
        Mattering.insert(key(F));
        Effective.insert(key(F));
        if (Row.What == Effect::Init)
          Initialising.insert(key(F));
        if (Row.What == Effect::Wait || Row.What == Effect::ScopeJoin || Row.What == Effect::ScopeTryJoin ||
            Row.What == Effect::ScopeEnd || Row.What == Effect::JoinTask)
          Waiting.insert(key(F));
        if (touchesHandle(Row.What))
          Touching.insert(key(F));
        if (isOnSync(Row.What))
          Syncing.insert(key(F));
        if (isGivingUp(Row.What))
          GivingUp.insert(key(F));
        if (Row.What == Effect::Detach)
          if (const Expr *Object = argument(Call, Row.Object)) {
            Object = Object->IgnoreParenCasts();
            if (const auto *Ref = dyn_cast<DeclRefExpr>(Object)) // pthread_t me = pthread_self();
              if (const auto *Var = dyn_cast<VarDecl>(Ref->getDecl()); Var && Var->hasInit())
                Object = Var->getInit()->IgnoreParenCasts();
            if (const auto *Inner = dyn_cast<CallExpr>(Object); Inner && meaningOf(Inner, Effect::Self))
              SelfDetaching.insert(key(F));
          }
      }
    }
  }
  // What is declared to hold a lock and does anything that a rule is about begins with it held.
  for (const FunctionDecl *F : Definitions)
    if (Effective.count(key(F)) && hasLockAttributes(F))
      Syncing.insert(key(F));
  closeOverCallers(Touching);
  closeOverCallers(Syncing);
  closeOverCallers(Scoping);
  closeOverCallers(Effective);
  closeOverCallers(GivingUp);
  closeOverCallers(Waiting);
  closeOverCallers(Locking);
  closeOverCallers(Mattering);
  closeOverCallers(SelfDetaching);
  closeOverCallers(Initialising);
  for (auto &Written : WritersOf)
    closeOverCallers(Written.second);
  deriveWrappers();
  for (const FunctionDecl *F : Definitions) {
    if (holdsEndlessLoop(F->getBody(), *this, Context))
      Endless.insert(key(F));
    for (const CallExpr *Call : CallsIn[key(F)]) {
      const Meaning *Task = meaningOf(Call, Effect::SpawnTask);
      if (const Meaning *Row = Task ? Task : spawnRow(Call))
        (Task ? Tasks : Spawns)[key(F)].push_back({Call, F, Row, namedFunction(argument(Call, Row->Entry)),
                                                   argument(Call, Row->Handle), argument(Call, Row->Argument),
                                                   argument(Call, Row->Attr), argument(Call, Row->Scope)});
    }
  }
}

/// The index of the parameter of \p In that \p E hands on unchanged.
static Role handedOn(const Expr *E, const FunctionDecl *In) {
  if (E)
    if (const auto *Ref = dyn_cast<DeclRefExpr>(E->IgnoreParenCasts()))
      if (const auto *Param = dyn_cast<ParmVarDecl>(Ref->getDecl()))
        for (unsigned I = 0; I < In->getNumParams(); ++I)
          if (In->getParamDecl(I) == Param)
            return Role::argument(I);
  return Role::none();
}

/// Whether all that \p In does with the result of \p Call is to return it.
static bool returnsResult(const FunctionDecl *In, const CallExpr *Call) {
  const auto *Body = dyn_cast_or_null<CompoundStmt>(In->getBody());
  if (!Body || Body->body_empty())
    return false;
  const auto *Return = dyn_cast<ReturnStmt>(Body->body_back());
  return Return && Return->getRetValue() && Return->getRetValue()->IgnoreParenCasts() == Call;
}

void Unit::deriveWrappers() {
  // A wrapper of a wrapper needs another round; the chain ends because each round adds a function.
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (const FunctionDecl *F : Definitions) {
      if (Wrappers.count(key(F)))
        continue;
      for (const CallExpr *Call : CallsIn[key(F)]) {
        const Meaning *Inner = spawnRow(Call);
        if (!Inner || !returnsResult(F, Call))
          continue;
        Meaning Row = *Inner;
        Row.Call = F->getName().str();
        Row.Args = F->getNumParams();
        Row.BuiltIn = false;
        Row.Handle = Inner->Handle.isReturned() ? Inner->Handle : handedOn(argument(Call, Inner->Handle), F);
        Row.Entry = handedOn(argument(Call, Inner->Entry), F);
        Row.Argument = handedOn(argument(Call, Inner->Argument), F);
        Row.Attr = handedOn(argument(Call, Inner->Attr), F);
        if (!Row.Handle.exists())
          continue;
        DerivedRows.push_back(std::move(Row));
        Wrappers[key(F)] = &DerivedRows.back();
        Changed = true;
        break;
      }
    }
  }
}

ArrayRef<const CallExpr *> Unit::callsIn(const FunctionDecl *Function) const {
  auto Found = CallsIn.find(key(Function));
  return Found == CallsIn.end() ? ArrayRef<const CallExpr *>() : ArrayRef<const CallExpr *>(Found->second);
}

ArrayRef<const FunctionDecl *> Unit::callersOf(const FunctionDecl *Function) const {
  auto Found = CallersOf.find(key(Function));
  return Found == CallersOf.end() ? ArrayRef<const FunctionDecl *>() : ArrayRef<const FunctionDecl *>(Found->second);
}

ArrayRef<SpawnSite> Unit::spawnsIn(const FunctionDecl *Function) const {
  auto Found = Spawns.find(key(Function));
  return Found == Spawns.end() ? ArrayRef<SpawnSite>() : ArrayRef<SpawnSite>(Found->second);
}

ArrayRef<const SpawnSite *> Unit::sitesOf(const FunctionDecl *Entry, const SitesOfFunctions &All,
                                          std::optional<SitesOfEntries> &By) const {
  if (!By) {
    By.emplace();
    for (const FunctionDecl *F : Definitions)
      if (auto In = All.find(key(F)); In != All.end())
        for (const SpawnSite &Site : In->second)
          if (Site.Entry)
            (*By)[key(Site.Entry)].push_back(&Site);
  }
  auto Found = By->find(key(Entry));
  return Found == By->end() ? ArrayRef<const SpawnSite *>() : ArrayRef<const SpawnSite *>(Found->second);
}

ArrayRef<const SpawnSite *> Unit::spawnsOf(const FunctionDecl *Entry) const { return sitesOf(Entry, Spawns, SpawnsBy); }

ArrayRef<SpawnSite> Unit::tasksIn(const FunctionDecl *Function) const {
  auto Found = Tasks.find(key(Function));
  return Found == Tasks.end() ? ArrayRef<SpawnSite>() : ArrayRef<SpawnSite>(Found->second);
}

ArrayRef<const SpawnSite *> Unit::tasksOf(const FunctionDecl *Entry) const { return sitesOf(Entry, Tasks, TasksBy); }

bool Unit::givesUpHandles(const CallExpr *Call) const {
  return llvm::any_of(meaningsOf(Call), [](const Meaning &Row) { return isGivingUp(Row.What); }) ||
         (Call->getDirectCallee() && givesUpHandles(Call->getDirectCallee()));
}

bool Unit::hasUnseenCallers(const FunctionDecl *Function) const {
  return Function->isExternallyVisible() || AddressTaken.count(key(Function)) || !CallersOf.count(key(Function));
}

llvm::DenseSet<const FieldDecl *> Unit::fieldsWrittenBy(const FunctionDecl *Entry) const {
  llvm::DenseSet<const FieldDecl *> Fields;
  llvm::DenseSet<const FunctionDecl *> Seen;
  SmallVector<const FunctionDecl *, 16> Work{key(Entry)};
  while (!Work.empty()) {
    const FunctionDecl *F = Work.pop_back_val();
    auto Calls = CallsIn.find(F);
    if (!Seen.insert(F).second || Calls == CallsIn.end())
      continue;
    auto Writes = FieldWrites.find(F);
    Fields.insert(Writes->second.begin(), Writes->second.end());
    for (const CallExpr *Call : Calls->second)
      Work.push_back(key(Call->getDirectCallee()));
  }
  return Fields;
}

void Unit::noteShared(const Expr *Object) {
  // &s->queue.lock makes both the queue and what holds it shared.
  Object = Object->IgnoreParenCasts();
  if (const auto *Op = dyn_cast<UnaryOperator>(Object); Op && Op->getOpcode() == UO_AddrOf)
    Object = Op->getSubExpr()->IgnoreParenCasts();
  while (const auto *Member = dyn_cast<MemberExpr>(Object)) {
    if (const auto *Field = dyn_cast<FieldDecl>(Member->getMemberDecl()))
      SharedRecords.insert(Field->getParent());
    Object = Member->getBase()->IgnoreParenCasts();
  }
}

bool Unit::isShared(QualType Type) const {
  if (Type->isAtomicType() || syncKind(Type))
    return true;
  const RecordDecl *Record = Type->getAsRecordDecl();
  if (!Record)
    return false;
  return SharedRecords.count(Record) ||
         llvm::any_of(Record->fields(), [](const FieldDecl *Field) { return Field->getType()->isAtomicType(); });
}

bool Unit::ignoresArgument(const FunctionDecl *Entry) const {
  const FunctionDecl *Definition = nullptr;
  return Entry->hasBody(Definition) &&
         llvm::none_of(Definition->parameters(), [](const ParmVarDecl *Param) { return Param->isReferenced(); });
}

bool Unit::copiesBeforePost(const FunctionDecl *Entry) const {
  const FunctionDecl *Definition = nullptr;
  if (!Entry->hasBody(Definition))
    return true; // not seen: the spawner waits for something, and we trust it
  // In the order of the source: the first post, and after it no mention of the parameter or of a pointer made from it.
  struct Order : RecursiveASTVisitor<Order> {
    const Unit &U;
    llvm::SmallPtrSet<const VarDecl *, 4> Aliases;
    SourceLocation Post;
    SmallVector<SourceLocation, 8> Uses;
    explicit Order(const Unit &U) : U(U) {}
    bool VisitVarDecl(VarDecl *V) {
      if (V->getType()->isPointerType() && V->hasInit())
        if (const auto *Ref = dyn_cast<DeclRefExpr>(V->getInit()->IgnoreParenCasts()))
          if (Aliases.count(dyn_cast<VarDecl>(Ref->getDecl())))
            Aliases.insert(V);
      return true;
    }
    bool VisitCallExpr(CallExpr *Call) {
      if (Post.isInvalid() && U.meaningOf(Call, Effect::Post))
        Post = Call->getEndLoc();
      return true;
    }
    bool TraverseCallExpr(CallExpr *Call) {
      // The lock around the post is given back before the waiter can go on.
      return U.meaningOf(Call, Effect::Release) || RecursiveASTVisitor::TraverseCallExpr(Call);
    }
    bool VisitDeclRefExpr(DeclRefExpr *Ref) {
      if (Aliases.count(dyn_cast<VarDecl>(Ref->getDecl())))
        Uses.push_back(Ref->getLocation());
      return true;
    }
  } Visit(*this);
  for (const ParmVarDecl *Param : Definition->parameters())
    Visit.Aliases.insert(Param);
  Visit.TraverseStmt(Definition->getBody());
  if (Visit.Post.isInvalid()) // then a function that it calls may post, after it has copied
    return llvm::any_of(CallsIn.lookup(key(Entry)),
                        [&](const CallExpr *C) { return meaningsOf(C->getDirectCallee()).empty(); });
  const SourceManager &SM = Context.getSourceManager();
  return llvm::none_of(Visit.Uses, [&](SourceLocation Use) { return SM.isBeforeInTranslationUnit(Visit.Post, Use); });
}

std::vector<const FunctionDecl *> Unit::callersFirst() const {
  std::vector<const FunctionDecl *> Order;
  llvm::DenseMap<const FunctionDecl *, const FunctionDecl *> Defined;
  for (const FunctionDecl *F : Definitions)
    Defined[key(F)] = F;
  llvm::DenseSet<const FunctionDecl *> Seen;
  // Depth first over calls, noted on the way back and reversed: a topological order. A stack of our own, because call
  // chains are as long as the program makes them.
  struct Visit {
    const FunctionDecl *F;
    unsigned Next;
  };
  for (auto Root = Definitions.rbegin(); Root != Definitions.rend(); ++Root) {
    if (!Seen.insert(key(*Root)).second)
      continue;
    SmallVector<Visit, 16> Stack{{key(*Root), 0}};
    while (!Stack.empty()) {
      Visit &Top = Stack.back();
      auto Calls = CallsIn.find(Top.F);
      if (Calls == CallsIn.end() || Top.Next == Calls->second.size()) {
        if (const FunctionDecl *F = Defined.lookup(Top.F); F && (matters(F) || copiesSync(F) || passesTokens(F)))
          Order.push_back(F);
        Stack.pop_back();
        continue;
      }
      const FunctionDecl *Callee = key(Calls->second[Top.Next++]->getDirectCallee());
      if (Defined.count(Callee) && Seen.insert(Callee).second)
        Stack.push_back({Callee, 0});
    }
  }
  std::reverse(Order.begin(), Order.end());
  return Order;
}
