// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/WrittenLocks.h"
#include "checkers/Flow.h"
#include "checkers/LockAttributes.h"
#include "clang/AST/RecursiveASTVisitor.h"

using namespace clang;
using namespace safespawn;

static const ValueDecl *key(const ValueDecl *D) { return D ? cast<ValueDecl>(D->getCanonicalDecl()) : nullptr; }

const ValueDecl *WrittenLocks::lastNamed(const Expr *E) {
  E = E->IgnoreParenCasts();
  if (const auto *Address = dyn_cast<UnaryOperator>(E); Address && Address->getOpcode() == UO_AddrOf)
    E = Address->getSubExpr()->IgnoreParenCasts();
  if (const auto *Member = dyn_cast<MemberExpr>(E))
    return key(Member->getMemberDecl());
  if (const auto *Ref = dyn_cast<DeclRefExpr>(E))
    return key(Ref->getDecl());
  return nullptr;
}

/// Visits one body, or the initialiser of one variable, for what is asked of the whole file.
struct WrittenLocks::Walk : RecursiveASTVisitor<WrittenLocks::Walk> {
  WrittenLocks &Into;
  explicit Walk(WrittenLocks &Into) : Into(Into) {}

  bool VisitDeclRefExpr(DeclRefExpr *Ref) { return ++Into.Mentions[key(Ref->getDecl())], true; }

  bool VisitBinaryOperator(BinaryOperator *Op) {
    if (!Op->isAssignmentOp())
      return true;
    if (const ValueDecl *To = lastNamed(Op->getLHS())) {
      ++Into.Writes[To];
      if (const auto *Var = dyn_cast<VarDecl>(To); Var && isa<DeclRefExpr>(Op->getLHS()->IgnoreParenCasts()))
        Into.Assigned[Var].push_back(Op->getRHS());
    }
    return true;
  }

  bool VisitUnaryOperator(UnaryOperator *Op) {
    if (Op->isIncrementDecrementOp() || Op->getOpcode() == UO_AddrOf)
      if (const ValueDecl *To = lastNamed(Op->getSubExpr()))
        ++Into.Writes[To];
    return true;
  }

  bool VisitVarDecl(VarDecl *Var) {
    if (const Expr *Init = Var->getInit()) {
      Into.Assigned[cast<VarDecl>(key(Var))].push_back(Init);
      noteKind(key(Var), Init);
    }
    return true;
  }

  bool VisitCallExpr(CallExpr *Call) {
    const FunctionDecl *Callee = Call->getDirectCallee();
    const bool Seen = Callee && (Callee->hasBody() || Into.U.isDescribed(Callee) || isDeclaredToLock(Callee));
    for (const Expr *Argument : Call->arguments())
      if (const QualType Type = Unit::pointeeOf(Argument);
          !Seen && !Type.isNull() && Into.U.syncKind(Type) == Sync::Lock)
        if (const ValueDecl *Place = lastNamed(Argument))
          Into.HandedOut.insert(Place);
    for (const Meaning &Row : Into.U.meaningsOf(Call->getDirectCallee())) {
      for (Role Which : {Row.Object, Row.Lock})
        if (const Expr *Object = Unit::argument(Call, Which)) {
          const auto *Address = dyn_cast<UnaryOperator>(Object->IgnoreParenCasts());
          if (Address && Address->getOpcode() == UO_AddrOf)
            ++Into.Described[lastNamed(Address->getSubExpr())];
        }
      if (Row.What == Effect::Init)
        noteInit(Call, Row);
    }
    return true;
  }

private:
  /// A static initialiser that is not all zeros makes a lock of a kind of its own.
  void noteKind(const ValueDecl *Place, const Expr *Init) {
    const auto *List = dyn_cast<InitListExpr>(Init->IgnoreParenCasts());
    if (!List)
      return;
    if (Into.U.syncKind(Place->getType()) == Sync::Lock) {
      Into.Made.insert(Place);
      if (!isZero(List))
        Into.Recursive.insert(Place);
      return;
    }
    const RecordDecl *Record = List->getType()->getAsRecordDecl();
    if (!Record) { // an array: its elements are of one kind
      for (const Expr *Part : List->inits())
        noteKind(Place, Part);
      return;
    }
    unsigned I = 0;
    for (const FieldDecl *Field : Record->fields()) {
      if (Record->isUnion() || Field->isUnnamedBitField())
        continue;
      if (I < List->getNumInits())
        noteKind(key(Field), List->getInit(I++));
    }
  }

  bool isZero(const Expr *Init) const {
    Init = Init->IgnoreParenCasts();
    if (const auto *List = dyn_cast<InitListExpr>(Init))
      return llvm::all_of(List->inits(), [&](const Expr *Part) { return isZero(Part); });
    Expr::EvalResult Value;
    return isa<ImplicitValueInitExpr>(Init) ||
           Init->isNullPointerConstant(Into.U.context(), Expr::NPC_ValueDependentIsNull) ||
           (Init->EvaluateAsInt(Value, Into.U.context()) && Value.Val.getInt() == 0);
  }

  void noteInit(const CallExpr *Call, const Meaning &Row) {
    const ASTContext &Context = Into.U.context();
    Expr::EvalResult Value;
    Into.placesOf(Unit::argument(Call, Row.Object), Into.Made);
    if (const Expr *Attr = Unit::argument(Call, Row.Attr))
      if (!Attr->isNullPointerConstant(const_cast<ASTContext &>(Context), Expr::NPC_ValueDependentIsNull) &&
          !isPlain(Attr))
        Into.placesOf(Unit::argument(Call, Row.Object), Into.Recursive);
    if (const Expr *Attr = Unit::argument(Call, Row.Attr); Attr && isChecked(Attr))
      Into.placesOf(Unit::argument(Call, Row.Object), Into.Checked);
    if (const Expr *Kind = Unit::argument(Call, Row.Value); Kind && !Row.RecursiveName.empty()) {
      const bool Known = Kind->EvaluateAsInt(Value, Context);
      const int64_t Bit = Into.U.constantNamed(Row.RecursiveName).value_or(0);
      if (!Known || (numberOf(Value.Val.getInt()) & Bit))
        Into.placesOf(Unit::argument(Call, Row.Object), Into.Recursive);
    }
  }

  /// Whether a call sets \p Attr, a variable, for locks that say when they are misused.
  bool isChecked(const Expr *Attr) const {
    const VarDecl *Var = safespawn::variablePointedTo(Attr);
    const auto *In = Var ? dyn_cast<FunctionDecl>(Var->getDeclContext()) : nullptr;
    if (!In)
      return false;
    return llvm::any_of(Into.U.callsIn(In), [&](const CallExpr *Call) {
      const Meaning *Row = Into.U.meaningOf(Call, Effect::AttributeSet);
      if (!Row || Row->CheckedName.empty() || safespawn::variablePointedTo(Unit::argument(Call, Row->Object)) != Var)
        return false;
      Expr::EvalResult Value;
      const Expr *Kind = Unit::argument(Call, Row->Value);
      const std::optional<int64_t> Known = Into.U.constantNamed(Row->CheckedName);
      return Kind->EvaluateAsInt(Value, Into.U.context()) && Known ? Value.Val.getInt().getExtValue() == *Known
                                                                   : Into.U.text(Kind) == Row->CheckedName;
    });
  }

  /// Whether this function sees to it that locks made with \p Attr are not recursive: it is a variable of this function
  /// that gets no such kind.
  bool isPlain(const Expr *Attr) const {
    const VarDecl *Var = safespawn::variablePointedTo(Attr);
    const auto *In = Var ? dyn_cast<FunctionDecl>(Var->getDeclContext()) : nullptr;
    if (!In || !Var->hasLocalStorage())
      return false;
    bool Plain = true;
    for (const CallExpr *Call : Into.U.callsIn(In)) {
      bool Described = false;
      for (const Meaning &Row : Into.U.meaningsOf(Call->getDirectCallee())) {
        Described = true;
        const Expr *Object = Unit::argument(Call, Row.Object);
        if (Row.What != Effect::AttributeSet || Row.RecursiveName.empty() || !Object ||
            safespawn::variablePointedTo(Object) != Var)
          continue;
        Expr::EvalResult Value;
        const Expr *Kind = Unit::argument(Call, Row.Value);
        Plain &= Kind->EvaluateAsInt(Value, Into.U.context()) &&
                 numberOf(Value.Val.getInt()) != Into.U.constantNamed(Row.RecursiveName).value_or(1) &&
                 Into.U.text(Kind) != Row.RecursiveName;
      }
      if (!Described)
        Plain &= llvm::none_of(Call->arguments(),
                               [&](const Expr *Given) { return safespawn::variablePointedTo(Given) == Var; });
    }
    return Plain;
  }
};

void WrittenLocks::placesOf(const Expr *E, Set &Out, unsigned Depth) const {
  constexpr unsigned Deepest = 8; // p = q; q = p;
  if (!E || Depth > Deepest)
    return;
  E = E->IgnoreParenCasts();
  if (const auto *Op = dyn_cast<UnaryOperator>(E))
    return placesOf(Op->getSubExpr(), Out, Depth + 1);
  if (const auto *Element = dyn_cast<ArraySubscriptExpr>(E))
    return placesOf(Element->getBase(), Out, Depth + 1);
  if (const auto *Member = dyn_cast<MemberExpr>(E))
    return (void)Out.insert(key(Member->getMemberDecl()));
  if (const auto *Op = dyn_cast<BinaryOperator>(E))
    return placesOf(Op->isAssignmentOp() || Op->getOpcode() == BO_Comma ? Op->getRHS() : Op->getLHS(), Out, Depth + 1);
  if (const auto *Choice = dyn_cast<AbstractConditionalOperator>(E)) {
    placesOf(Choice->getTrueExpr(), Out, Depth + 1);
    return placesOf(Choice->getFalseExpr(), Out, Depth + 1);
  }
  if (const auto *Ref = dyn_cast<DeclRefExpr>(E)) {
    const auto *Var = dyn_cast<VarDecl>(key(Ref->getDecl()));
    if (!Var)
      return;
    Out.insert(Var);
    if (Var->getType()->isPointerType() && Var->hasLocalStorage())
      for (const Expr *Given : Assigned.lookup(Var))
        placesOf(Given, Out, Depth + 1);
    return;
  }
  if (const auto *Call = dyn_cast<CallExpr>(E)) {
    const FunctionDecl *Callee = Call->getDirectCallee(), *Definition = nullptr;
    if (!Callee)
      return;
    Out.insert(key(Callee));
    if (!Callee->hasBody(Definition))
      return;
    struct Returns : RecursiveASTVisitor<Returns> {
      SmallVector<const Expr *, 2> Values;
      bool VisitReturnStmt(ReturnStmt *Return) {
        if (Return->getRetValue())
          Values.push_back(Return->getRetValue());
        return true;
      }
    } Visit;
    Visit.TraverseStmt(Definition->getBody());
    for (const Expr *Value : Visit.Values)
      placesOf(Value, Out, Depth + 1);
  }
}

void WrittenLocks::addFromCallee(const CallExpr *Call, const FunctionDecl *Callee, const Set &From, Set &Out) const {
  for (const ValueDecl *Place : From) {
    const auto *Param = dyn_cast<ParmVarDecl>(Place);
    if (!Param) {
      if (const auto *Var = dyn_cast<VarDecl>(Place); !Var || !Var->hasLocalStorage())
        Out.insert(Place);
    } else if (const auto *In = dyn_cast<FunctionDecl>(Param->getDeclContext()); In && key(In) == key(Callee)) {
      if (unsigned I = Param->getFunctionScopeIndex(); I < Call->getNumArgs())
        placesOf(Call->getArg(I), Out);
    }
  }
}

void WrittenLocks::placesDeclared(const DeclaredLock &D, const CallExpr *Call, Set &Out) const {
  if (const auto Way = wayToLock(D.type(), U); !Way.empty()) {
    Out.insert(key(Way.back()));
    return;
  }
  const auto *Param = dyn_cast_or_null<ParmVarDecl>(lastNamed(D.Lock));
  if (!Param)
    placesOf(D.Lock, Out);
  else if (unsigned I = Param->getFunctionScopeIndex(); I < Call->getNumArgs())
    placesOf(Call->getArg(I), Out);
}

/// Whether the effect needs a synchronisation object that another call has made.
static bool isUse(Effect What) {
  switch (What) {
  case Effect::Acquire:
  case Effect::TryAcquire:
  case Effect::Guard:
  case Effect::Release:
  case Effect::Wait:
  case Effect::Post:
    return true;
  default:
    return false;
  }
}

void WrittenLocks::addEffects(const CallExpr *Call, const FactsOfAll &Known, Facts &Out) const {
  const FunctionDecl *Callee = Call->getDirectCallee();
  if (!Callee)
    return;
  for (const Meaning &Row : U.meaningsOf(Callee)) {
    if (Row.What == Effect::Release)
      placesOf(Unit::argument(Call, Row.Object), Out.Released);
    else if (Row.What == Effect::Acquire || Row.What == Effect::TryAcquire || Row.What == Effect::Guard)
      placesOf(Unit::argument(Call, Row.Object), Out.Acquired);
    if (Row.What == Effect::Acquire)
      placesOf(Unit::argument(Call, Row.Object), Row.Shared ? Out.InsistedShared : Out.Insisted);
    if (Row.What == Effect::Wait)
      placesOf(Unit::argument(Call, Row.Lock), Out.WaitedWith);
    if (Row.What == Effect::Destroy)
      placesOf(Unit::argument(Call, Row.Object), Out.Destroyed);
    if (isUse(Row.What))
      for (Role Which : {Row.Object, Row.Lock})
        placesOf(Unit::argument(Call, Which), Out.Used);
  }
  if (isKnownByAttributes(Callee, U))
    for (const DeclaredLock &D : declaredLocks(Callee))
      if (D.How != DeclaredLock::Needed)
        placesDeclared(D, Call, D.How == DeclaredLock::Given ? Out.Released : Out.Acquired);
  if (auto Found = Known.find(cast<FunctionDecl>(key(Callee))); Found != Known.end()) {
    const Facts Inner = Found->second; // a copy: Out may be its own
    for (Set Facts::*Kind : Facts::All)
      addFromCallee(Call, Callee, Inner.*Kind, Out.*Kind);
  }
}

bool WrittenLocks::addGiven(const CallExpr *Call, Set &Kind) const {
  const FunctionDecl *Callee = nullptr;
  const size_t Before = Kind.size();
  if (Call->getDirectCallee()->hasBody(Callee))
    for (const ParmVarDecl *Param : Callee->parameters())
      if (Kind.contains(Param) && Param->getFunctionScopeIndex() < Call->getNumArgs())
        placesOf(Call->getArg(Param->getFunctionScopeIndex()), Kind);
  return Kind.size() != Before;
}

void WrittenLocks::derive() {
  if (std::exchange(Derived, true))
    return;
  Walk Visit(*this);
  for (Decl *D : U.context().getTranslationUnitDecl()->noload_decls())
    if (auto *Var = dyn_cast<VarDecl>(D); Var && Var->hasInit())
      Visit.TraverseDecl(Var);
  for (const FunctionDecl *F : U.definitions())
    Visit.TraverseDecl(const_cast<FunctionDecl *>(F));
  for (const FunctionDecl *F : U.definitions())
    for (const SpawnSite &Spawn : U.spawnsIn(F))
      if (const ValueDecl *Handle = Spawn.Handle ? lastNamed(Spawn.Handle) : nullptr; Handle && Spawn.Entry)
        Entries.try_emplace(Handle, Spawn.Entry);
  // Sets only grow, and there are no more places than the file names.
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (const FunctionDecl *F : U.definitions())
      for (const CallExpr *Call : U.callsIn(F))
        for (Set *Kind : {&Recursive, &Checked, &Made, &HandedOut})
          Changed |= addGiven(Call, *Kind);
  }
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (const FunctionDecl *F : U.definitions()) {
      if (!U.touchesSync(F))
        continue;
      Facts &Known = Of[cast<FunctionDecl>(key(F))];
      Facts Next = Known;
      for (const CallExpr *Call : U.callsIn(F))
        addEffects(Call, Of, Next);
      if (llvm::any_of(Facts::All, [&](Set Facts::*Kind) { return (Next.*Kind).size() != (Known.*Kind).size(); })) {
        Of[cast<FunctionDecl>(key(F))] = std::move(Next);
        Changed = true;
      }
    }
  }
  for (const auto &[F, Known] : Of) {
    AllReleased.insert(Known.Released.begin(), Known.Released.end());
    AllInsisted.insert(Known.Insisted.begin(), Known.Insisted.end());
    AllInsisted.insert(Known.InsistedShared.begin(), Known.InsistedShared.end());
  }
  // Callees first; of functions that call each other in circles, what is known by then.
  const std::vector<const FunctionDecl *> Order = U.callersFirst();
  for (auto F = Order.rbegin(); F != Order.rend(); ++F) {
    if (!U.locks(*F))
      continue;
    Facts All, Left;
    for (const CallExpr *Call : U.callsIn(*F))
      addEffects(Call, ForCaller, All);
    for (const ValueDecl *Place : All.Acquired)
      if (!All.Released.contains(Place))
        Left.Acquired.insert(Place);
    for (const ValueDecl *Place : All.Released)
      if (!All.Acquired.contains(Place))
        Left.Released.insert(Place);
    ForCaller[cast<FunctionDecl>(key(*F))] = std::move(Left);
  }
}

bool WrittenLocks::releases(const FunctionDecl *Function, const ValueDecl *Place) {
  derive();
  auto Found = Function ? Of.find(cast<FunctionDecl>(key(Function))) : Of.end();
  return Found != Of.end() && Found->second.Released.contains(key(Place));
}

bool WrittenLocks::uses(const FunctionDecl *Function, const ValueDecl *Place) {
  derive();
  auto Found = Function ? Of.find(cast<FunctionDecl>(key(Function))) : Of.end();
  return Found != Of.end() && Place && Found->second.Used.contains(key(Place));
}

bool WrittenLocks::acquires(const FunctionDecl *Function, const ValueDecl *Place) {
  derive();
  auto Found = Function ? Of.find(cast<FunctionDecl>(key(Function))) : Of.end();
  return Found != Of.end() && Found->second.Acquired.contains(key(Place));
}

bool WrittenLocks::insistsOn(const FunctionDecl *Function, const ValueDecl *Place, bool Shared) {
  derive();
  auto Found = Function ? Of.find(cast<FunctionDecl>(key(Function))) : Of.end();
  return Found != Of.end() && (Found->second.Insisted.contains(key(Place)) ||
                               (!Shared && Found->second.InsistedShared.contains(key(Place))));
}

bool WrittenLocks::isInsistedOn(const ValueDecl *Place) {
  derive();
  return AllInsisted.contains(key(Place));
}

bool WrittenLocks::waitsWith(const FunctionDecl *Function, const ValueDecl *Place) {
  derive();
  auto Found = Function ? Of.find(cast<FunctionDecl>(key(Function))) : Of.end();
  return Found != Of.end() && Found->second.WaitedWith.contains(key(Place));
}

bool WrittenLocks::releasesForCaller(const FunctionDecl *Function, const ValueDecl *Place) {
  derive();
  auto Found = Function ? ForCaller.find(cast<FunctionDecl>(key(Function))) : ForCaller.end();
  return Found != ForCaller.end() && Found->second.Released.contains(key(Place));
}

bool WrittenLocks::releasesForCaller(const FunctionDecl *Function) {
  derive();
  auto Found = ForCaller.find(cast<FunctionDecl>(key(Function)));
  return Found != ForCaller.end() && !Found->second.Released.empty();
}

bool WrittenLocks::releases(const CallExpr *Call, const ValueDecl *Place) {
  derive();
  Facts Here;
  addEffects(Call, Of, Here);
  return Here.Released.contains(key(Place));
}

bool WrittenLocks::acquires(const CallExpr *Call, const ValueDecl *Place) {
  derive();
  Facts Here;
  addEffects(Call, Of, Here);
  return Here.Acquired.contains(key(Place));
}

bool WrittenLocks::isReleased(const ValueDecl *Place) {
  derive();
  return AllReleased.contains(key(Place));
}

bool WrittenLocks::isReleasedByHandler(const VarDecl *Lock) {
  return isReleased(Lock) && llvm::any_of(U.definitions(), [&](const FunctionDecl *F) {
           return U.isHandedOut(F) && releasesForCaller(F, Lock);
         });
}

bool WrittenLocks::isPlainlyUsed(const VarDecl *Var) {
  derive();
  return Mentions.lookup(key(Var)) == Described.lookup(key(Var));
}

bool WrittenLocks::isReleasedByCaller(const FunctionDecl *Function, const ValueDecl *Place) {
  derive();
  for (const FunctionDecl *Caller : U.definitions()) {
    if (!releases(Caller, Place))
      continue;
    for (const CallExpr *Call : U.callsIn(Caller)) {
      if (key(Call->getDirectCallee()) != key(Function))
        continue;
      for (const CallExpr *Later : U.callsIn(Caller))
        if (releases(Later, Place) && !acquires(Later, Place))
          return true;
    }
  }
  return false;
}

bool WrittenLocks::isDestroyedFromOutside(const ValueDecl *Place) {
  derive();
  return llvm::any_of(U.definitions(), [&](const FunctionDecl *F) {
    auto Found = Of.find(cast<FunctionDecl>(key(F)));
    return Found != Of.end() && Found->second.Destroyed.contains(key(Place)) &&
           (F->isExternallyVisible() || U.isHandedOut(F));
  });
}

bool WrittenLocks::mayBeRecursive(const ValueDecl *Place) {
  derive();
  return Recursive.contains(key(Place)) || (HandedOut.contains(key(Place)) && !Made.contains(key(Place)));
}

bool WrittenLocks::mayBeChecked(const ValueDecl *Place) {
  derive();
  return Checked.contains(key(Place));
}

const FunctionDecl *WrittenLocks::entryBehind(const ValueDecl *Handle) {
  derive();
  return Entries.lookup(key(Handle));
}

unsigned WrittenLocks::writesTo(const ValueDecl *Place) {
  derive();
  return Writes.lookup(key(Place));
}
