// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Waits.h"

using namespace clang;
using namespace safespawn;

/// Calls \p Visit for \p S and all below it, except what \p Visit answers false for.
static void forEach(const Stmt *S, llvm::function_ref<bool(const Stmt *)> Visit) {
  if (S && Visit(S))
    for (const Stmt *Child : S->children())
      forEach(Child, Visit);
}

static bool isDescribed(const Stmt *S, const Unit &U) {
  const auto *Call = dyn_cast<CallExpr>(S);
  return Call && !U.meaningsOf(Call->getDirectCallee()).empty();
}

/// The variable that holds the result of \p Call, or null.
static const VarDecl *resultOf(const CallExpr *Call, const ParentMap &Parents) {
  const Stmt *Parent = Parents.getParentIgnoreParenImpCasts(const_cast<CallExpr *>(Call));
  if (const auto *Assign = dyn_cast_or_null<BinaryOperator>(Parent); Assign && Assign->getOpcode() == BO_Assign)
    return variableOf(Assign->getLHS());
  const auto *Declaration = dyn_cast_or_null<DeclStmt>(Parent);
  return Declaration && Declaration->isSingleDecl() ? dyn_cast<VarDecl>(Declaration->getSingleDecl()) : nullptr;
}

/// Whether \p Condition asks about something that another thread can change: not only about the function's own scalars.
static bool readsShared(const Expr *Condition, const Unit &U) {
  bool Shared = false;
  forEach(Condition, [&](const Stmt *S) {
    if (isDescribed(S, U))
      return false; // if (lock(&q->m) == 0)
    if (const auto *Ref = dyn_cast<DeclRefExpr>(S)) {
      const auto *Var = dyn_cast<VarDecl>(Ref->getDecl());
      Shared |= Var && (!Var->hasLocalStorage() || Var->getType()->isAtomicType() || Var->getType()->isRecordType() ||
                        Var->getType().isVolatileQualified());
    }
    const auto *Op = dyn_cast<UnaryOperator>(S);
    const auto *Member = dyn_cast<MemberExpr>(S);
    const auto *Call = dyn_cast<CallExpr>(S);
    // isinf(limit) computes.
    const bool Asks = Call && !(Call->getDirectCallee() && Call->getDirectCallee()->hasAttr<ConstAttr>());
    Shared |= Asks || isa<AtomicExpr, ArraySubscriptExpr>(S) || (Member && Member->isArrow()) ||
              (Op && Op->getOpcode() == UO_Deref);
    return true;
  });
  return Shared;
}

namespace {

/// What a test reads: the fields, variables and functions that it ends in, and the pointers that lead there.
struct Reads {
  llvm::SmallPtrSet<const ValueDecl *, 4> Ends, Ways;

  void add(const Expr *E, const Unit &U) {
    forEach(E, [&](const Stmt *S) {
      if (isDescribed(S, U))
        return false;
      if (const auto *Call = dyn_cast<CallExpr>(S)) {
        if (const FunctionDecl *Callee = Call->getDirectCallee())
          Ends.insert(Callee->getCanonicalDecl());
        for (const Expr *Argument : Call->arguments())
          addWay(Argument);
        return false;
      }
      if (const auto *Member = dyn_cast<MemberExpr>(S)) {
        Ends.insert(Member->getMemberDecl());
        addWay(Member->getBase());
        return false;
      }
      if (const auto *Ref = dyn_cast<DeclRefExpr>(S); Ref && !isa<EnumConstantDecl>(Ref->getDecl()))
        Ends.insert(Ref->getDecl());
      return true;
    });
  }

  bool namesEnd(const Stmt *S) const {
    bool Named = false;
    forEach(S, [&](const Stmt *Part) {
      if (const auto *Member = dyn_cast<MemberExpr>(Part))
        Named |= Ends.count(Member->getMemberDecl());
      else if (const auto *Ref = dyn_cast<DeclRefExpr>(Part))
        Named |= Ends.count(isa<FunctionDecl>(Ref->getDecl()) ? cast<ValueDecl>(Ref->getDecl()->getCanonicalDecl())
                                                              : Ref->getDecl());
      return !Named;
    });
    return Named;
  }
  bool names(const Stmt *S) const {
    return namesEnd(S) || llvm::any_of(Ways, [&](const ValueDecl *Way) { return mentions(S, Way); });
  }

private:
  void addWay(const Expr *E) {
    forEach(E, [&](const Stmt *S) {
      if (const auto *Ref = dyn_cast<DeclRefExpr>(S); Ref && isa<VarDecl>(Ref->getDecl()))
        Ways.insert(Ref->getDecl());
      return true;
    });
  }
};

} // namespace

struct Waits::Place {
  const Unit &U;
  const CFG &Graph;
  const ParentMap &Parents;
  ArrayRef<WaitSite> Sites; ///< all of the function's
  const CallExpr *Wait;
  const VarDecl *Result; ///< of the wait
  FlowPoint After;
  llvm::SmallPtrSet<const CFGBlock *, 32> Cycle; ///< the blocks on a way from the wait back to it

  Place(const Unit &U, AnalysisDeclContext &Context, ArrayRef<WaitSite> Sites, const CallExpr *Wait)
      : U(U), Graph(*Context.getCFG()), Parents(Context.getParentMap()), Sites(Sites), Wait(Wait),
        Result(resultOf(Wait, Parents)), After(pointAfter(Graph, Wait)) {
    if (!After)
      return;
    auto Spread = [&](bool Forward) {
      llvm::SmallPtrSet<const CFGBlock *, 32> Seen;
      SmallVector<const CFGBlock *, 32> Work{After.Block};
      while (!Work.empty()) {
        const CFGBlock *Block = Work.pop_back_val();
        auto Push = [&](const CFGBlock *Next) {
          if (Next && Seen.insert(Next).second)
            Work.push_back(Next);
        };
        if (Forward)
          for (const CFGBlock *Next : Block->succs())
            Push(Next);
        else
          for (const CFGBlock *Next : Block->preds())
            Push(Next);
      }
      return Seen;
    };
    auto Ahead = Spread(true), Behind = Spread(false);
    for (const CFGBlock *Block : Ahead)
      if (Behind.count(Block))
        Cycle.insert(Block);
  }

  /// What \p Block branches on, or null.
  static const Expr *testIn(const CFGBlock *Block) {
    unsigned Ways = 0;
    for (const CFGBlock *Next : Block->succs())
      Ways += Next != nullptr;
    return Ways > 1 ? dyn_cast_or_null<Expr>(Block->getLastCondition()) : nullptr;
  }

  /// Whether \p Test asks for nothing but how the wait ended.
  bool asksResultOnly(const Expr *Test) const {
    bool Asks = false, More = false;
    forEach(Test, [&](const Stmt *S) {
      if (S == Wait) {
        Asks = true;
        return false;
      }
      if (const auto *Ref = dyn_cast<DeclRefExpr>(S)) {
        Asks |= Ref->getDecl() == Result;
        More |= Ref->getDecl() != Result && !isa<EnumConstantDecl>(Ref->getDecl());
      }
      return true;
    });
    return Asks && !More;
  }

  /// Whether the wait is repeated by more than its own result. A loop that tests nothing at all, or leaves when the
  /// wait has failed, goes on for ever.
  bool isInLoop() const {
    bool Tested = false, OnlyResult = true;
    for (const CFGBlock *Block : Cycle)
      if (const Expr *Test = testIn(Block)) {
        Tested = true;
        OnlyResult &= asksResultOnly(Test);
      }
    if (Cycle.empty() || !Tested || !OnlyResult)
      return !Cycle.empty();
    const Meaning *Row = U.meaningOf(Wait, Effect::Wait);
    const CFGBlock *Failed = Row ? testOf(Graph, Wait, *Row, Parents, U).Failed : nullptr;
    return Failed && !Cycle.count(Failed);
  }

  static bool isLoop(const Stmt *S, ASTContext &Context) {
    if (isa<ForStmt, WhileStmt>(S))
      return true;
    const auto *Do = dyn_cast<DoStmt>(S);
    bool Again = true;
    return Do && !(Do->getCond()->EvaluateAsBooleanCondition(Again, Context) && !Again); // do { } while (0)
  }

  bool holdsWait(const Stmt *S) const {
    bool Holds = false;
    forEach(S, [&](const Stmt *Part) {
      Holds |= llvm::any_of(Sites, [&](const WaitSite &Site) { return Site.Call == Part; });
      return !Holds;
    });
    return Holds;
  }

  /// The predicate that stands over the wait, within the innermost loop.
  void findGuard(Judgement &J) const {
    const Stmt *Child = Wait;
    for (const Stmt *P = Parents.getParent(Child); P && !isLoop(P, U.context()); Child = P, P = Parents.getParent(P)) {
      const Expr *Condition = nullptr;
      if (const auto *If = dyn_cast<IfStmt>(P)) {
        // Two ways to wait are chosen by something else than the predicate.
        if (Child != If->getCond() && !(If->getElse() && holdsWait(If->getThen()) && holdsWait(If->getElse())))
          Condition = If->getCond();
      } else if (const auto *Logic = dyn_cast<BinaryOperator>(P)) {
        if (Logic->isLogicalOp() && Child == Logic->getRHS())
          Condition = Logic->getLHS();
      } else if (const auto *Choice = dyn_cast<ConditionalOperator>(P)) {
        if (Child != Choice->getCond() && !(holdsWait(Choice->getLHS()) && holdsWait(Choice->getRHS())))
          Condition = Choice->getCond();
      }
      if (Condition && !asksResultOnly(Condition) && readsShared(Condition, U)) {
        J.Guard = Condition;
        J.Under = P;
        return;
      }
    }
  }

  /// Whether the code behind the wait goes on as if \p Guard had become false, without looking.
  bool goesOnUntested(const Expr *Guard, bool InLoop) const;
};

/// The parts of \p Guard that each must hold for the wait, without negations.
static void splitGuard(const Expr *Guard, SmallVectorImpl<const Expr *> &Parts) {
  Guard = Guard->IgnoreParenImpCasts();
  const auto *And = dyn_cast<BinaryOperator>(Guard);
  if (And && And->getOpcode() == BO_LAnd) {
    splitGuard(And->getLHS(), Parts);
    splitGuard(And->getRHS(), Parts);
  } else {
    Parts.push_back(Guard);
  }
}

/// \p E without negations; \p Negated says whether their number is odd.
static const Expr *positive(const Expr *E, bool &Negated) {
  Negated = false;
  E = E->IgnoreParenImpCasts();
  while (const auto *Not = dyn_cast<UnaryOperator>(E)) {
    if (Not->getOpcode() != UO_LNot)
      break;
    Negated = !Negated;
    E = Not->getSubExpr()->IgnoreParenImpCasts();
  }
  return E;
}

bool Waits::Place::goesOnUntested(const Expr *Guard, bool InLoop) const {
  SmallVector<const Expr *, 4> Parts;
  splitGuard(Guard, Parts);
  if (Parts.size() > 8)
    Parts = {Guard};
  Reads Whole;
  Whole.add(Guard, U);
  SmallVector<Reads, 4> Each(Parts.size());
  for (unsigned I = 0; I < Parts.size(); ++I)
    Each[I].add(Parts[I], U);

  // A call that is given nothing but locks and the like takes one or gives it back, whoever wrote it.
  auto IsOnSync = [&](const CallExpr *Call) {
    return Call->getNumArgs() && llvm::all_of(Call->arguments(), [&](const Expr *Argument) {
             const QualType Pointee = Unit::pointeeOf(Argument);
             return !Pointee.isNull() && U.syncKind(Pointee);
           });
  };
  auto Releases = [&](const Stmt *S) {
    const auto *Call = dyn_cast<CallExpr>(S);
    return Call &&
           (U.meaningOf(Call, Effect::Release) || (U.meaningsOf(Call->getDirectCallee()).empty() && IsOnSync(Call)));
  };
  // A call of the project's own that nobody describes; a logger (variadic) does not act on the state.
  auto OwnCall = [&](const Stmt *S) -> const CallExpr * {
    const auto *Call = dyn_cast<CallExpr>(S);
    const FunctionDecl *Callee = Call ? Call->getDirectCallee() : nullptr;
    return Callee && !Callee->isVariadic() && !Callee->getBuiltinID() && U.meaningsOf(Callee).empty() &&
                   !IsOnSync(Call) && !U.context().getSourceManager().isInSystemHeader(Callee->getLocation())
               ? Call
               : nullptr;
  };
  // Locals that are given what is found behind the wait: to test one of them is to look again. Which of them a path has
  // filled is a part of its state, a bit each.
  SmallVector<const VarDecl *, 4> Found;
  llvm::DenseMap<const Stmt *, unsigned> Fills;
  auto NoteFound = [&](const Stmt *S, bool Locked) {
    auto Fill = [&](const VarDecl *Var) {
      constexpr size_t Most = 4;
      if (!Var || !Var->hasLocalStorage() || !Var->getType()->isScalarType() || Var == Result ||
          (Found.size() == Most && !llvm::is_contained(Found, Var)))
        return;
      if (!llvm::is_contained(Found, Var))
        Found.push_back(Var);
      Fills[S] |= 1u << (llvm::find(Found, Var) - Found.begin());
    };
    // From what the predicate reads, or what somebody hands out under the lock, which may be nothing.
    auto Tells = [&](const Expr *Value) {
      bool Calls = false;
      forEach(Value, [&](const Stmt *Part) { return !(Calls |= OwnCall(Part) != nullptr); });
      return Whole.names(Value) || (InLoop && Locked && Calls && Value->getType()->isPointerType());
    };
    if (const auto *Assign = dyn_cast<BinaryOperator>(S); Assign && Assign->getOpcode() == BO_Assign) {
      if (Tells(Assign->getRHS()))
        Fill(variableOf(Assign->getLHS()));
    } else if (const auto *Declaration = dyn_cast<DeclStmt>(S)) {
      for (const Decl *D : Declaration->decls())
        if (const auto *Var = dyn_cast<VarDecl>(D); Var && Var->hasInit() && Tells(Var->getInit()))
          Fill(Var);
    } else if (const CallExpr *Call = OwnCall(S); Call && Tells(Call)) {
      for (const Expr *Argument : Call->arguments())
        Fill(variablePointedTo(Argument));
    }
    return Step::On;
  };
  walk(After, [&](const Stmt *S) { return NoteFound(S, false); });
  walk(After, [&](const Stmt *S) { return Releases(S) ? Step::Stop : NoteFound(S, true); });

  struct At {
    FlowPoint Where;
    unsigned Asked;  ///< the parts of the guard that were asked again
    unsigned Filled; ///< the locals of Found
    bool Locked;     ///< the lock may still be held
  };
  auto NamesFound = [&](const Stmt *S, const At &Now) {
    for (unsigned I = 0; I < Found.size(); ++I)
      if ((Now.Filled & (1u << I)) && mentions(S, Found[I]))
        return true;
    return false;
  };
  // Code acts on the predicate when it changes what that reads, or hands on what it found.
  auto Acts = [&](const Stmt *S, const At &Now) {
    const Expr *Target = nullptr;
    if (const auto *Assign = dyn_cast<BinaryOperator>(S); Assign && Assign->isAssignmentOp())
      Target = Assign->getLHS();
    else if (const auto *Op = dyn_cast<UnaryOperator>(S); Op && Op->isIncrementDecrementOp())
      Target = Op->getSubExpr();
    if (Target) {
      const VarDecl *Var = variableOf(Target);
      return !(Var && Var->hasLocalStorage()) && Whole.namesEnd(Target);
    }
    if (const auto *Return = dyn_cast<ReturnStmt>(S))
      return Return->getRetValue() && (NamesFound(Return->getRetValue(), Now) || Whole.namesEnd(Return->getRetValue()));
    const CallExpr *Call = OwnCall(S);
    if (!Call || llvm::any_of(Sites, [&](const WaitSite &Site) { return Site.Call == Call; }))
      return false;
    // What fetches a value to look at has not acted yet.
    for (const Expr *Argument : Call->arguments())
      if (Fills.count(S) && llvm::is_contained(Found, variablePointedTo(Argument)))
        return false;
    const Stmt *Parent = Parents.getParentIgnoreParenImpCasts(const_cast<CallExpr *>(Call));
    if (isa_and_nonnull<Expr, DeclStmt, ReturnStmt, SwitchStmt>(Parent) && !isa<StmtExpr>(Parent))
      return false;
    const auto *If = dyn_cast_or_null<IfStmt>(Parent);
    const Expr *Condition = If ? If->getCond() : Parent && isLoop(Parent, U.context()) ? conditionOf(Parent) : nullptr;
    if (Condition && Condition->IgnoreParenImpCasts() == Call)
      return false;
    return Whole.namesEnd(Call) || (Now.Locked && Whole.names(Call)) || NamesFound(Call, Now);
  };

  // The loops around the wait: one that asks about what others change looks for itself.
  auto IsOfLoop = [&](const Expr *Test) {
    const Stmt *Child = Test, *P = Parents.getParent(Child);
    for (; isa_and_nonnull<Expr>(P); Child = P, P = Parents.getParent(P))
      ;
    if (!P || !isLoop(P, U.context()) || conditionOf(P) != Child || !readsShared(Test, U))
      return false;
    for (const Stmt *Up = Wait; Up; Up = Parents.getParent(Up))
      if (Up == P)
        return true;
    return false;
  };

  const unsigned All = (1u << Parts.size()) - 1;
  llvm::DenseSet<std::pair<const CFGBlock *, unsigned>> Seen;
  SmallVector<At, 16> Work{{After, 0, 0, true}};
  while (!Work.empty()) {
    At Now = Work.pop_back_val();
    bool Stopped = false;
    for (unsigned I = Now.Where.Index; I < Now.Where.Block->size() && !Stopped; ++I)
      if (auto Element = (*Now.Where.Block)[I].getAs<CFGStmt>()) {
        const Stmt *S = Element->getStmt();
        if (S == Wait)
          Stopped = true;
        else if (Acts(S, Now))
          return true;
        Now.Locked &= !Releases(S);
        Now.Filled |= Fills.lookup(S);
      }
    const CFGBlock *Block = Now.Where.Block;
    if (Stopped || Block->hasNoReturnElement())
      continue;
    if (Block == &Graph.getExit()) {
      if (!InLoop)
        return true;
      continue;
    }
    unsigned Asked = Now.Asked;
    const CFGBlock *Ended = nullptr; // where a path goes on which a part of the guard no longer holds
    if (const Expr *Test = testIn(Block); Test && !asksResultOnly(Test)) {
      if (NamesFound(Test, Now) || (InLoop && IsOfLoop(Test)) || (Parts.size() == 1 && Whole.namesEnd(Test)))
        continue;
      bool Negated = false, PartNegated = false;
      const Expr *Core = positive(Test, Negated);
      for (unsigned I = 0; I < Parts.size(); ++I) {
        if (!Each[I].namesEnd(Test))
          continue;
        Asked |= 1u << I;
        if (U.sameExpression(Core, positive(Parts[I], PartNegated)) && Block->succ_size() == 2)
          Ended = *(Negated == PartNegated ? Block->succ_begin() + 1 : Block->succ_begin());
      }
      if (Asked == All)
        continue;
    }
    for (const CFGBlock *Next : Block->succs())
      if (Next && Next != Ended && Seen.insert({Next, Asked << 8 | Now.Filled << 1 | Now.Locked}).second)
        Work.push_back({{Next, 0}, Asked, Now.Filled, Now.Locked});
  }
  return false;
}

// ---- Who waits, and for whom ----

const Expr *WaitSite::atCall(Role Which) const {
  const Expr *Given = Unit::argument(Inner, Which);
  if (Call == Inner || !Given)
    return Given;
  // Through one function, from its parameter back to what it was called with.
  const auto *Ref = dyn_cast<DeclRefExpr>(Given->IgnoreParenCasts());
  const auto *Param = Ref ? dyn_cast<ParmVarDecl>(Ref->getDecl()) : nullptr;
  const FunctionDecl *Callee = Call->getDirectCallee()->getDefinition();
  for (unsigned I = 0; Param && Callee && I < Callee->getNumParams() && I < Call->getNumArgs(); ++I)
    if (Callee->getParamDecl(I) == Param)
      return Call->getArg(I);
  return nullptr;
}

std::optional<WaitSite> Waits::siteOf(const CallExpr *Call, const FunctionDecl *In) {
  if (const Meaning *Row = U.meaningOf(Call, Effect::Wait)) {
    if (!Row->Lock.exists())
      return std::nullopt;
    const Expr *Limit = Unit::argument(Call, Row->Limit);
    const bool Bounded = Limit && !Limit->isNullPointerConstant(U.context(), Expr::NPC_ValueDependentIsNotNull);
    return WaitSite{Call, In, Call, Row, Bounded};
  }
  const FunctionDecl *Callee = Call->getDirectCallee();
  if (!leavesLoopToCallers(Callee))
    return std::nullopt;
  const WaitSite &Behind = in(Callee).front();
  return WaitSite{Call, In, Behind.Inner, Behind.Row, Behind.Bounded};
}

ArrayRef<WaitSite> Waits::in(const FunctionDecl *Function) {
  Function = Function->getCanonicalDecl();
  if (auto Known = Sites.find(Function); Known != Sites.end())
    return Known->second;
  SmallVector<WaitSite, 2> Found;
  for (const CallExpr *Call : U.callsIn(Function))
    if (std::optional<WaitSite> Site = siteOf(Call, Function))
      Found.push_back(*Site);
  return Sites[Function] = std::move(Found);
}

/// Whether a call of \p Function is one wait, which the caller has to repeat: it waits with the lock that the caller
/// holds, whatever the predicate.
bool Waits::leavesLoopToCallers(const FunctionDecl *Function) {
  if (!U.has(Effect::Wait) || !U.touchesSync(Function))
    return false;
  Function = Function->getCanonicalDecl();
  auto [Known, IsNew] = Helpers.try_emplace(Function, Helper::Working);
  if (!IsNew)
    return Known->second == Helper::Yes; // a circle of calls is no wrapper
  bool Is = false, Locks = false;
  for (const CallExpr *Call : U.callsIn(Function))
    Locks |= U.meaningOf(Call, Effect::Acquire) || U.meaningOf(Call, Effect::TryAcquire);
  AnalysisDeclContext *Context = Locks ? nullptr : Manager.getAnalysisDeclContext(Function);
  if (Context && Context->getCFG()) {
    Is = !in(Function).empty();
    for (const WaitSite &Site : in(Function)) {
      const Place P(U, *Context, in(Function), Site.Call);
      Judgement J;
      P.findGuard(J);
      Is &= P.After && !P.isInLoop() && !J.Guard;
    }
  }
  Helpers[Function] = Is ? Helper::Yes : Helper::No;
  return Is;
}

bool Waits::isCalledInLoop(const FunctionDecl *Function) {
  for (const FunctionDecl *Caller : U.callersOf(Function))
    for (const CallExpr *Call : U.callsIn(Caller))
      if (Call->getDirectCallee()->getCanonicalDecl() == Function->getCanonicalDecl())
        if (AnalysisDeclContext *Context = Manager.getAnalysisDeclContext(Caller); Context->getCFG())
          if (Place(U, *Context, {}, Call).isInLoop())
            return true;
  return false;
}

Judgement Waits::judge(const WaitSite &Wait) {
  AnalysisDeclContext *Context = Manager.getAnalysisDeclContext(Wait.In);
  if (!Context || !Context->getCFG())
    return {};
  const Place P(U, *Context, in(Wait.In), Wait.Call);
  if (!P.After)
    return {};
  Judgement J;
  P.findGuard(J);
  if (P.isInLoop()) {
    // With a time limit it is a sleep: what comes after it must expect that nothing has happened.
    J.Loops = !J.Guard || Wait.Bounded || !P.goesOnUntested(J.Guard, /*InLoop=*/true);
    return J;
  }
  if (leavesLoopToCallers(Wait.In) || isCalledInLoop(Wait.In))
    return J; // the callers are judged
  if (J.Guard) {
    J.Loops = !P.goesOnUntested(J.Guard, /*InLoop=*/false);
    return J;
  }
  // With a time limit and nobody who asks how it ended, it is a sleep that can be cut short.
  bool AsksResult = false, AsksState = false;
  walk(P.After, [&](const Stmt *S) {
    if (const auto *Ref = dyn_cast<DeclRefExpr>(S))
      AsksResult |= Ref->getDecl() == P.Result;
    return Step::On;
  });
  const Stmt *Parent = P.Parents.getParentIgnoreParenImpCasts(const_cast<CallExpr *>(Wait.Call));
  AsksResult |= !P.Result && isa_and_nonnull<Expr, ReturnStmt>(Parent) && !isa<StmtExpr, CStyleCastExpr>(Parent);
  for (const CFGBlock *Block : *Context->getCFG())
    if (const Expr *Test = Place::testIn(Block); Test && readsShared(Test, U) && !P.asksResultOnly(Test))
      AsksState |= reaches(*Context->getCFG(), Wait.Call, Test);
  J.Loops = Wait.Bounded && (!AsksResult || AsksState);
  return J;
}

SmallVector<const ValueDecl *, 4> Waits::predicateOf(const WaitSite &Wait) {
  AnalysisDeclContext *Context = Manager.getAnalysisDeclContext(Wait.In);
  if (!Context || !Context->getCFG())
    return {};
  const Place P(U, *Context, in(Wait.In), Wait.Call);
  const Stmt *Loop = Wait.Call;
  while (Loop && !Place::isLoop(Loop, U.context()))
    Loop = P.Parents.getParent(Loop);
  Reads Asked;
  for (const CFGBlock *Block : P.Cycle)
    if (const Expr *Test = Place::testIn(Block); Test && !P.asksResultOnly(Test)) {
      const Stmt *Up = Test;
      while (Up && Up != Loop)
        Up = P.Parents.getParent(Up);
      if (Up || !Loop)
        Asked.add(Test, U);
    }
  SmallVector<const ValueDecl *, 4> Found;
  for (const ValueDecl *D : Asked.Ends)
    if (isa<FieldDecl, VarDecl>(D))
      Found.push_back(D);
  return Found;
}
