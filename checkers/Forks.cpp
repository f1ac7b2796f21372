// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Forks.h"
#include "checkers/Flow.h"
#include "checkers/LockAttributes.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/Analysis/Analyses/Dominators.h"
#include "clang/Analysis/CFG.h"
#include "llvm/ADT/SetVector.h"

using namespace clang;
using namespace safespawn;

namespace {

using Decls = llvm::SmallPtrSet<const ValueDecl *, 16>;

/// Adds the members of \p Type, if it is a struct or an array of them: what is done to it is done to each.
void addMembers(QualType Type, Decls &Out) {
  const RecordDecl *Record = Type->getBaseElementTypeUnsafe()->getAsRecordDecl();
  if (!Record || !Record->getDefinition())
    return;
  for (const FieldDecl *Field : Record->getDefinition()->fields()) {
    Out.insert(cast<ValueDecl>(Field->getCanonicalDecl()));
    addMembers(Field->getType(), Out);
  }
}

/// What a store to an lvalue changes, from the innermost object outwards: `s.f[i] = x` changes `f` and, seen whole,
/// `s`; `s = t` also each member of it, and a member of a union the others.
void addTargets(const Expr *E, Decls &Out) {
  for (bool Whole = true; E;) {
    E = E->IgnoreParenCasts();
    if (const auto *Op = dyn_cast<UnaryOperator>(E); Op && Op->getOpcode() == UO_AddrOf) {
      E = Op->getSubExpr();
      continue;
    }
    const RecordDecl *Record = E->getType()->getAsRecordDecl();
    if (Whole || (Record && Record->isUnion()))
      addMembers(E->getType(), Out);
    Whole = false;
    if (const auto *Ref = dyn_cast<DeclRefExpr>(E)) {
      if (isa<VarDecl>(Ref->getDecl()))
        Out.insert(cast<ValueDecl>(Ref->getDecl()->getCanonicalDecl()));
      return;
    }
    if (const auto *Member = dyn_cast<MemberExpr>(E)) {
      Out.insert(cast<ValueDecl>(Member->getMemberDecl()->getCanonicalDecl()));
      if (Member->isArrow()) {
        if (const RecordDecl *Of = cast<FieldDecl>(Member->getMemberDecl())->getParent(); Of->isUnion())
          addMembers(Member->getBase()->getType()->getPointeeType(), Out);
        return;
      }
      E = Member->getBase();
    } else if (const auto *Element = dyn_cast<ArraySubscriptExpr>(E)) {
      E = Element->getBase();
    } else if (const auto *Op = dyn_cast<UnaryOperator>(E)) {
      E = Op->getSubExpr();
    } else {
      return;
    }
  }
}

/// One statement of the CFG, and what it changes.
struct Change {
  Decls Targets;
  const Stmt *Value = nullptr; ///< what the new value depends on
};

Change changeBy(const Stmt *S, const Unit &U) {
  Change C;
  if (const auto *B = dyn_cast<BinaryOperator>(S); B && B->isAssignmentOp()) {
    addTargets(B->getLHS(), C.Targets);
    C.Value = B;
  } else if (const auto *Op = dyn_cast<UnaryOperator>(S); Op && Op->isIncrementDecrementOp()) {
    addTargets(Op->getSubExpr(), C.Targets);
    C.Value = Op;
  } else if (const auto *Declaration = dyn_cast<DeclStmt>(S)) {
    for (const Decl *D : Declaration->decls())
      if (const auto *Var = dyn_cast<VarDecl>(D); Var && Var->hasInit()) {
        C.Targets.insert(cast<ValueDecl>(Var->getCanonicalDecl()));
        addMembers(Var->getType(), C.Targets);
        C.Value = Declaration;
      }
  } else if (const auto *Call = dyn_cast<CallExpr>(S); Call && U.meaningsOf(Call->getDirectCallee()).empty()) {
    for (const Expr *Argument : Call->arguments()) {
      const Expr *E = Argument->IgnoreParenCasts();
      const auto *Address = dyn_cast<UnaryOperator>(E);
      if ((Address && Address->getOpcode() == UO_AddrOf) || E->getType()->isArrayType())
        addTargets(E, C.Targets);
    }
    C.Value = Call;
  }
  return C;
}

bool meets(const Decls &A, const Decls &B) {
  return llvm::any_of(A, [&](const ValueDecl *D) { return B.count(D); });
}

/// A block that ends in a branch with two ways, and what lies between it and where they meet.
struct Branch {
  const CFGBlock *Block;
  const Stmt *Condition;
  std::vector<const CFGBlock *> Between;
  const Stmt *Whole = nullptr; ///< the statement that takes a value from the branch: x = a ? b : c
  bool Idle = true;
  bool Way = false;
};

/// The condition of \p B as the analyzer asks for it: of a || b what the block itself evaluates.
const Stmt *askedBy(const CFGBlock &B) {
  const auto *Condition = dyn_cast_or_null<Expr>(B.getTerminatorCondition());
  if (!Condition)
    return nullptr;
  Condition = Condition->IgnoreParens();
  if (const auto *Op = dyn_cast<BinaryOperator>(Condition); Op && Op->isLogicalOp())
    for (auto Element = B.rbegin(); Element != B.rend(); ++Element)
      if (auto S = Element->getAs<CFGStmt>())
        return S->getStmt();
  return Condition;
}

bool isLoop(const Stmt *Terminator) { return isa_and_nonnull<ForStmt, WhileStmt, DoStmt>(Terminator); }

/// The body of \p Call's callee, if it is here.
const FunctionDecl *calleeOf(const CallExpr *Call) {
  const FunctionDecl *Callee = Call ? Call->getDirectCallee() : nullptr, *Definition = nullptr;
  return Callee && Callee->hasBody(Definition) ? Definition : nullptr;
}

} // namespace

/// Adds the variable or member that \p S itself names. \returns what else is to be looked at: \p S with its children,
/// or the object that a member is taken of, null where that is a variable: s.f is not all of s.
static const Stmt *addNamed(const Stmt *S, Decls &Out) {
  if (const auto *Ref = dyn_cast<DeclRefExpr>(S); Ref && isa<VarDecl>(Ref->getDecl()))
    Out.insert(cast<ValueDecl>(Ref->getDecl()->getCanonicalDecl()));
  const auto *Member = dyn_cast<MemberExpr>(S);
  if (!Member)
    return S;
  Out.insert(cast<ValueDecl>(Member->getMemberDecl()->getCanonicalDecl()));
  const Expr *Object = Member->getBase()->IgnoreParens();
  for (; !Member->isArrow(); Object = Member->getBase()->IgnoreParens()) {
    if (isa<DeclRefExpr>(Object))
      return nullptr;
    Member = dyn_cast<MemberExpr>(Object);
    if (!Member)
      break;
  }
  return Object;
}

/// Of what a described call is given, what is read to find it: of &p->f it is p, of &v nothing. What lies there is not
/// asked for.
static SmallVector<const Expr *, 4> readForAddress(const Expr *Argument) {
  SmallVector<const Expr *, 4> Reads;
  const Expr *E = Argument->IgnoreParenCasts();
  const auto *Address = dyn_cast<UnaryOperator>(E);
  if (Address && Address->getOpcode() == UO_AddrOf)
    E = Address->getSubExpr()->IgnoreParenCasts();
  else if (!E->getType()->isArrayType())
    return {Argument};
  for (;;) {
    const auto *Member = dyn_cast<MemberExpr>(E);
    const auto *Element = dyn_cast<ArraySubscriptExpr>(E);
    const Expr *Base = Member ? Member->getBase() : Element ? Element->getBase()->IgnoreParenCasts() : nullptr;
    if (Element)
      Reads.push_back(Element->getIdx());
    if (!Base || (Member && Member->isArrow()) || (Element && !Base->getType()->isArrayType())) {
      if (!isa<DeclRefExpr>(E))
        Reads.push_back(Base ? Base : E);
      return Reads;
    }
    E = Base->IgnoreParenCasts();
  }
}

bool Forks::answersAnything(const CallExpr *Call) {
  if (Call->getType()->isPointerType())
    return false;
  if (const FunctionDecl *Callee = Call->getDirectCallee())
    return !Callee->hasBody() && !Callee->getBuiltinID() && !U.isDescribed(Callee);
  if (!PointedTo) {
    PointedTo.emplace();
    for (const FunctionDecl *F : U.definitions())
      if (U.isHandedOut(F))
        PointedTo->insert(F->getType().getCanonicalType().getTypePtr());
  }
  // A path may know where it points, if that is in this file.
  const auto *Type = Call->getCallee()->getType()->getPointeeType()->getAs<FunctionProtoType>();
  return Type && !PointedTo->count(Type->getCanonicalTypeInternal().getTypePtr());
}

/// What the value of an expression depends on: variables and fields, whatever object they belong to.
void Forks::addReads(const Stmt *S, Decls &Out, ento::AnalysisManager &Manager) {
  const auto *Call = dyn_cast_or_null<CallExpr>(S);
  if (!S || (Call && answersAnything(Call)))
    return;
  if (const Stmt *Inner = addNamed(S, Out); Inner != S)
    return addReads(Inner, Out, Manager);
  if (const FunctionDecl *Callee = calleeOf(Call); Callee && U.meaningsOf(Callee).empty()) {
    const Decls &Inside = memoryReadBy(Callee, Manager);
    Out.insert(Inside.begin(), Inside.end());
  }
  if (const ArrayRef<Meaning> Rows = Call ? U.meaningsOf(Call) : ArrayRef<Meaning>(); !Rows.empty()) {
    for (unsigned N = 0; N < Call->getNumArgs(); ++N)
      if (llvm::any_of(Rows, [&](const Meaning &Row) { return Row.names(N); }))
        for (const Expr *Read : readForAddress(Call->getArg(N)))
          addReads(Read, Out, Manager);
    return;
  }
  for (const Stmt *Child : S->children())
    addReads(Child, Out, Manager);
}

bool Forks::isFollowed(const FunctionDecl *F, ento::AnalysisManager &Manager) {
  auto [Known, New] = Small.try_emplace(F->getCanonicalDecl(), false);
  if (New) {
    // A getter, a predicate, a thin layer.
    const auto *Body = dyn_cast_or_null<CompoundStmt>(F->getBody());
    Known->second = Body && Body->size() <= 3 && llvm::none_of(Body->body(), [](const Stmt *S) {
                      return isa<ForStmt, WhileStmt, DoStmt, SwitchStmt>(S);
                    });
  }
  if (Known->second)
    return true;
  if (!U.matters(F))
    return false;
  const FunctionDecl *Definition = F->getDefinition();
  const CFG *Graph = Manager.getCFG(Definition);
  constexpr unsigned ShortBlocks = 16; // check(rc), die(), xmalloc()
  return !Graph || Graph->size() <= ShortBlocks || neverReturns(F, Manager);
}

/// Adds \p D, if it outlives the function that names it.
static void addLasting(const ValueDecl *D, Decls &Out) {
  const auto *Var = dyn_cast<VarDecl>(D);
  if (!Var || !Var->hasLocalStorage())
    Out.insert(cast<ValueDecl>(D->getCanonicalDecl()));
}

/// All memory that \p S names, and that outlives the function that it stands in.
static void addLastingIn(const Stmt *S, Decls &Out) {
  if (!S)
    return;
  Decls Named;
  const Stmt *Inner = addNamed(S, Named);
  for (const ValueDecl *D : Named)
    addLasting(D, Out);
  if (Inner != S)
    return addLastingIn(Inner, Out);
  for (const Stmt *Child : S->children())
    addLastingIn(Child, Out);
}

/// All that \p S changes.
static void addChanged(const Stmt *S, const Unit &U, Decls &Out) {
  if (!S)
    return;
  const Decls Targets = changeBy(S, U).Targets;
  Out.insert(Targets.begin(), Targets.end());
  for (const Stmt *Child : S->children())
    addChanged(Child, U, Out);
}

const Forks::Written &Forks::writtenBelow(const FunctionDecl *F) {
  if (auto Known = Below.find(F); Known != Below.end())
    return *Known->second;
  auto Found = std::make_unique<Written>();
  llvm::SetVector<const FunctionDecl *> Work;
  Work.insert(F);
  for (size_t Next = 0; Next < Work.size(); ++Next) {
    addLastingIn(Work[Next]->getBody(), Found->Names);
    Decls Changed;
    addChanged(Work[Next]->getBody(), U, Changed);
    for (const ValueDecl *D : Changed) {
      addLasting(D, Found->Writes);
      Found->ThroughParameters |= isa<ParmVarDecl>(D) && D->getType()->isPointerType();
    }
    for (const CallExpr *Call : U.callsIn(Work[Next]))
      if (const FunctionDecl *Callee = calleeOf(Call))
        Work.insert(Callee);
  }
  return *(Below[F] = std::move(Found));
}

const Forks::Decls &Forks::memoryReadBy(const FunctionDecl *F, ento::AnalysisManager &Manager) {
  auto [Known, New] = ReadBy.try_emplace({F, A.On});
  Reads &Found = Known->second;
  if (Found.Done)
    return Found.Memory;
  if (!New || isUnderWay(F)) { // it calls itself, and who asks is part of the answer: all that any of them names
    const Decls &Names = writtenBelow(F).Names;
    Found.Memory.insert(Names.begin(), Names.end());
    Found.Done = true;
    return Found.Memory;
  }
  Decls All;
  if (A.concerns(F))
    All = factsOf(F, Manager).Matter;
  else if (isFollowed(F, Manager))
    addReads(F->getBody(), All, Manager);
  for (const ValueDecl *D : All)
    addLasting(D, Found.Memory);
  Found.Done = true;
  return Found.Memory;
}

Forks::Facts Forks::find(const FunctionDecl *F, ArrayRef<const ValueDecl *> Asked, ento::AnalysisManager &Manager) {
  Facts Found;
  AnalysisDeclContext *Context = Manager.getAnalysisDeclContext(F);
  CFG *Graph = Context ? Context->getCFG() : nullptr;
  if (!Graph)
    return Found;
  CFGPostDomTree PostDominators(Graph);
  const ParentMap &Parents = Context->getParentMap();

  auto Holds = [](const Stmt *Outer, auto Is) {
    SmallVector<const Stmt *, 8> Work{Outer};
    while (!Work.empty()) {
      const Stmt *S = Work.pop_back_val();
      if (Is(S))
        return true;
      for (const Stmt *Child : S->children())
        if (Child)
          Work.push_back(Child);
    }
    return false;
  };
  Decls Handles; // of threads that are started here, and what they lie in: who reads one may hand it on
  auto AddHandles = [&](const Stmt *S) {
    const auto *Spawn = dyn_cast<CallExpr>(S);
    const Meaning *Row = Spawn ? U.meaningOf(Spawn, Effect::Spawn) : nullptr;
    if (Row && !Row->Handle.isReturned())
      addTargets(Unit::argument(Spawn, Row->Handle), Handles);
    if (Change C = changeBy(S, U); C.Value && !Spawn && Holds(C.Value, [&](const Stmt *Inner) {
                                     const auto *Call = dyn_cast<CallExpr>(Inner);
                                     const Meaning *Row = Call ? U.meaningOf(Call, Effect::Spawn) : nullptr;
                                     return Row && Row->Handle.isReturned();
                                   }))
      Handles.insert(C.Targets.begin(), C.Targets.end());
  };
  if (A.On.All || A.On.Threads)
    for (const CFGBlock *B : *Graph)
      for (const CFGElement &Element : *B)
        if (auto S = Element.getAs<CFGStmt>())
          AddHandles(S->getStmt());

  // What ends a path's idleness, whatever its values.
  auto IsEffect = [&](const Stmt *S) {
    if (isa<ReturnStmt>(S))
      return true;
    if (const auto *Ref = dyn_cast<DeclRefExpr>(S))
      return Handles.count(cast<ValueDecl>(Ref->getDecl()->getCanonicalDecl())) != 0;
    if (const auto *Member = dyn_cast<MemberExpr>(S))
      return Handles.count(Member->getMemberDecl()) != 0;
    const auto *Call = dyn_cast<CallExpr>(S);
    const FunctionDecl *Callee = Call ? Call->getDirectCallee() : nullptr;
    if (!Callee)
      return false;
    return Callee->isNoReturn() || A.concerns(Call) ||
           (Callee->hasBody() && U.matters(Callee) && neverReturns(Callee, Manager));
  };
  llvm::DenseMap<const CFGBlock *, bool> HasEffect;
  llvm::SmallPtrSet<const CFGBlock *, 8> Described;
  Decls Flags; // local variables that begin with a constant
  std::vector<std::pair<const CFGBlock *, Change>> Changes;
  struct Passing { ///< a call of a function that is followed, and what it may change
    const CFGBlock *Block;
    const CallExpr *Call;
    const FunctionDecl *Callee;
    Decls Targets;
  };
  std::vector<Passing> Calls;
  // What effects, returns and the branches that are not idle depend on, in a block and behind it.
  std::vector<Decls> Relevant(Graph->getNumBlockIDs());
  auto Spread = [](const CFGBlock *Of, const Decls &Read, std::vector<Decls> &Into) {
    SmallVector<std::pair<const CFGBlock *, const ValueDecl *>, 64> Work;
    for (const ValueDecl *D : Read)
      Work.push_back({Of, D});
    bool Added = false;
    while (!Work.empty()) {
      const auto [At, D] = Work.pop_back_val();
      if (!Into[At->getBlockID()].insert(D).second)
        continue;
      Added = true;
      for (const CFGBlock *Before : At->preds())
        if (Before)
          Work.push_back({Before, D});
    }
    return Added;
  };
  auto ReadBy = [&](const Stmt *S) {
    Decls Read;
    addReads(S, Read, Manager);
    return Read;
  };
  Spread(&Graph->getExit(), Decls(Asked.begin(), Asked.end()), Relevant);
  for (const CFGBlock *B : *Graph) {
    bool Effect = B->hasNoReturnElement();
    for (const CFGElement &Element : *B)
      if (auto S = Element.getAs<CFGStmt>()) {
        const auto *Call = dyn_cast<CallExpr>(S->getStmt());
        const FunctionDecl *Callee = Call ? Call->getDirectCallee() : nullptr;
        if (Callee && (U.isDescribed(Callee) || isDeclaredToLock(Callee) || U.hasEffect(Callee)))
          Described.insert(B); // the end of a thread is not the end of all
        if (IsEffect(S->getStmt())) {
          Effect = true;
          Spread(B, ReadBy(S->getStmt()), Relevant);
        }
        if (Change C = changeBy(S->getStmt(), U); !C.Targets.empty())
          Changes.push_back({B, std::move(C)});
        if (const FunctionDecl *Inner = calleeOf(Call);
            Inner && U.meaningsOf(Inner).empty() && (A.concerns(Inner) || isFollowed(Inner, Manager))) {
          const Written &There = writtenBelow(Inner);
          Decls Targets = There.Writes;
          for (const Expr *Argument : There.ThroughParameters ? Call->arguments() : CallExpr::const_arg_range({}, {}))
            if (Argument->getType()->isPointerType())
              addTargets(Argument, Targets);
          if (!Targets.empty())
            Calls.push_back({B, Call, Inner, std::move(Targets)});
        }
        if (const auto *Declaration = dyn_cast<DeclStmt>(S->getStmt()))
          for (const Decl *D : Declaration->decls())
            if (const auto *Var = dyn_cast<VarDecl>(D); Var && Var->hasLocalStorage() && Var->hasInit() &&
                                                        Var->getType()->isIntegerType() &&
                                                        Var->getInit()->isEvaluatable(F->getASTContext()))
              Flags.insert(cast<ValueDecl>(Var->getCanonicalDecl()));
      }
    // What a switch chooses among is followed in all its ways anyway.
    if (isa_and_nonnull<SwitchStmt, IndirectGotoStmt>(B->getTerminatorStmt()))
      Spread(B, ReadBy(B->getTerminatorCondition()), Relevant);
    HasEffect[B] = Effect;
  }

  // Where the process ends, whatever comes, nothing that is followed matters any more.
  llvm::SmallPtrSet<const CFGBlock *, 8> Doomed;
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (const CFGBlock *B : *Graph) {
      if (Doomed.count(B) || Described.count(B) || B == &Graph->getExit())
        continue;
      const bool Ends = B->hasNoReturnElement() ||
                        (!B->succ_empty() &&
                         llvm::all_of(B->succs(), [&](const CFGBlock *Next) { return !Next || Doomed.count(Next); }));
      if (Ends)
        Changed = Doomed.insert(B).second;
    }
  }

  std::vector<Branch> Branches;
  for (const CFGBlock *B : *Graph) {
    const Stmt *Condition = askedBy(*B);
    const Stmt *Terminator = B->getTerminatorStmt();
    if (!Condition || B->succ_size() != 2 || isa<SwitchStmt>(Terminator))
      continue;
    const CFGBlock *Sides[] = {*B->succ_begin(), *(B->succ_begin() + 1)};
    const bool Ends[] = {!Sides[0] || Doomed.count(Sides[0]), !Sides[1] || Doomed.count(Sides[1])};
    if (Sides[0] && Sides[1] && Ends[0] != Ends[1] && !Holds(Condition, IsEffect)) {
      Found.Ways[Condition] = {Ends[1], true};
      // A flag that a path has not seen set would lead it into that end.
      Decls FlagsAsked;
      for (const ValueDecl *D : ReadBy(Condition))
        if (Flags.count(D))
          FlagsAsked.insert(D);
      Spread(B, FlagsAsked, Relevant);
      continue;
    }
    Branch New{B, Condition, {}, nullptr, true, false};
    const auto *Node = PostDominators.getBase().getNode(const_cast<CFGBlock *>(B));
    const CFGBlock *Meet = Node && Node->getIDom() ? Node->getIDom()->getBlock() : nullptr;
    if (!Meet)
      continue;
    llvm::SmallPtrSet<const CFGBlock *, 16> Seen;
    SmallVector<const CFGBlock *, 16> Work;
    for (const CFGBlock *Next : B->succs())
      if (Next && Next != Meet && Seen.insert(Next).second)
        Work.push_back(Next);
    while (!Work.empty()) {
      const CFGBlock *At = Work.pop_back_val();
      New.Between.push_back(At);
      for (const CFGBlock *Next : At->succs())
        if (Next && Next != Meet && Seen.insert(Next).second)
          Work.push_back(Next);
    }
    // Out of a loop; elsewhere past what one way has and the other has not.
    const CFGBlock *True = *B->succ_begin();
    New.Way = !isLoop(Terminator) && True == Meet;
    if (isa<AbstractConditionalOperator, BinaryOperator>(Terminator)) {
      New.Whole = Terminator;
      for (const Stmt *P = Parents.getParent(Terminator); isa_and_nonnull<Expr, DeclStmt, ReturnStmt>(P);
           P = Parents.getParent(P))
        New.Whole = P;
    }
    Branches.push_back(std::move(New));
  }

  // Whether a call has worked is part of what it did: who asks learns it. That a lock could not be waited for, or given
  // back, is no state to go on in; who only logs it goes on as if it had worked.
  auto Answers = [&](const Stmt *S) {
    const auto *Call = dyn_cast<CallExpr>(S);
    const ArrayRef<Meaning> Rows = Call ? U.meaningsOf(Call) : ArrayRef<Meaning>();
    return IsEffect(S) &&
           (Rows.empty() || !llvm::all_of(Rows, [](const Meaning &Row) { return failsOnlyIfBroken(Row.What); }));
  };
  Decls Results;
  for (const auto &[Block, C] : Changes)
    if (C.Value && !isa<CallExpr>(C.Value) && Holds(C.Value, Answers))
      Results.insert(C.Targets.begin(), C.Targets.end());
  auto AsksEffect = [&](const Stmt *Condition) {
    return meets(ReadBy(Condition), Results) || Holds(Condition, Answers);
  };

  // A branch that is not idle makes its condition matter before it, what matters makes its assignments matter, and
  // these the branches around them: until nothing is added.
  auto Matters = [&](const Decls &Changed, const CFGBlock *In) { return meets(Changed, Relevant[In->getBlockID()]); };
  auto IsIdle = [&](const Branch &B) {
    if (AsksEffect(B.Condition))
      return false;
    for (const CFGBlock *Block : B.Between)
      if (HasEffect.lookup(Block))
        return false;
    if (B.Whole) {
      if (isa<ReturnStmt>(B.Whole) || !isa<Expr, DeclStmt>(B.Whole))
        return false;
      if (Matters(changeBy(B.Whole, U).Targets, B.Block))
        return false;
      // A value that goes into a call: which one does not matter where the call has no effect.
      if (Holds(B.Whole, IsEffect))
        return false;
      const Stmt *Parent = Parents.getParent(B.Whole);
      if (isa_and_nonnull<SwitchStmt>(Parent))
        return false;
    }
    llvm::SmallPtrSet<const CFGBlock *, 16> Inside(B.Between.begin(), B.Between.end());
    return llvm::none_of(Changes,
                         [&](const auto &C) { return Inside.count(C.first) && Matters(C.second.Targets, C.first); }) &&
           llvm::none_of(Calls, [&](const Passing &P) { return Inside.count(P.Block) && Matters(P.Targets, P.Block); });
  };
  std::vector<bool> Seen(Changes.size());
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (Branch &B : Branches)
      if (B.Idle && !IsIdle(B)) {
        B.Idle = false;
        Changed = true;
        Spread(B.Block, ReadBy(B.Condition), Relevant);
      }
    for (size_t N = 0; N < Changes.size(); ++N)
      if (const auto &[Block, C] = Changes[N]; !Seen[N] && Matters(C.Targets, Block)) {
        Seen[N] = true;
        Changed |= Spread(Block, ReadBy(C.Value), Relevant);
      }
    for (const Passing &P : Calls)
      if (Matters(P.Targets, P.Block)) {
        Decls Deciding;
        addDeciding(P.Call, P.Callee, Relevant[P.Block->getBlockID()], Deciding, Manager);
        Changed |= Spread(P.Block, Deciding, Relevant);
      }
  }
  for (const Branch &B : Branches)
    if (B.Idle)
      Found.Ways[B.Condition] = {B.Way, false};
  for (const Decls &There : Relevant)
    Found.Matter.insert(There.begin(), There.end());
  for (const ValueDecl *D : Found.Matter)
    if (const auto *Var = dyn_cast<VarDecl>(D); Var && Var->hasLocalStorage() && !Var->getType()->isAggregateType())
      Found.Locals.push_back(Var);

  // What a path is asked, besides, whatever comes of it.
  Found.From = std::move(Relevant);
  for (const CFGBlock *B : *Graph)
    if (const Stmt *Condition = askedBy(*B)) {
      auto Way = Found.Ways.find(Condition);
      if (Way == Found.Ways.end() || Way->second.Holds)
        Spread(B, ReadBy(Condition), Found.From);
    }
  for (const auto &[Block, C] : Changes)
    for (const ValueDecl *D : C.Targets)
      if (isa<ParmVarDecl>(D))
        Found.Writes.insert(D);
      else
        addLasting(D, Found.Writes);
  llvm::sort(Found.Locals, [](const VarDecl *A, const VarDecl *B) { return A->getLocation() < B->getLocation(); });
  return Found;
}

bool Forks::isUnderWay(const FunctionDecl *F) const {
  auto Found = Known.find({F, A.On});
  return Found != Known.end() && !Found->second->Done;
}

const Forks::Facts &Forks::factsOf(const FunctionDecl *F, ento::AnalysisManager &Manager) {
  auto [Slot, New] = Known.try_emplace({F, A.On});
  if (New) {
    Slot->second = std::make_unique<Facts>(); // for who calls itself
    *Slot->second = find(F, {}, Manager);
    Slot->second->Done = true;
  }
  return *Slot->second;
}

const Forks::Facts &Forks::factsFor(const FunctionDecl *F, std::vector<const ValueDecl *> Asked,
                                    ento::AnalysisManager &Manager) {
  llvm::sort(Asked);
  auto [Known, New] = KnownFor.try_emplace({F, A.On, Asked});
  if (New) {
    Known->second = find(F, Asked, Manager);
    Known->second.Done = true;
  }
  return Known->second;
}

void Forks::addDeciding(const CallExpr *Call, const FunctionDecl *F, const Decls &Matter, Decls &Out,
                        ento::AnalysisManager &Manager) {
  const Written &Inside = writtenBelow(F);
  std::vector<const ValueDecl *> Asked;
  for (const ValueDecl *D : Inside.Writes)
    if (Matter.count(D))
      Asked.push_back(D);
  for (unsigned N = 0; Inside.ThroughParameters && N < Call->getNumArgs() && N < F->getNumParams(); ++N) {
    Decls Given;
    addTargets(Call->getArg(N), Given);
    if (F->getParamDecl(N)->getType()->isPointerType() && meets(Given, Matter))
      Asked.push_back(cast<ValueDecl>(F->getParamDecl(N)->getCanonicalDecl()));
  }
  const Facts &Of = factsFor(F, std::move(Asked), Manager);
  const Decls Deciding = Of.Done ? Of.Matter : Inside.Names;
  for (const ValueDecl *D : Deciding)
    addLasting(D, Out);
  for (unsigned N = 0; N < Call->getNumArgs(); ++N)
    if (!Of.Done || N >= F->getNumParams() || Deciding.count(cast<ValueDecl>(F->getParamDecl(N)->getCanonicalDecl())))
      addReads(Call->getArg(N), Out, Manager);
}

const Forks::Decls &Forks::askedAbove(const StackFrameContext *Frame, ento::AnalysisManager &Manager) {
  auto [Known, New] = Above.try_emplace(Frame);
  Decls &Asked = Known->second;
  const StackFrameContext *Caller = Frame->getParent() ? Frame->getParent()->getStackFrame() : nullptr;
  if (!New || !Caller || !isa<FunctionDecl>(Caller->getDecl()))
    return Asked;
  const Facts &Of = factsAt(Caller, Manager);
  const CFGBlock *Site = Frame->getCallSiteBlock();
  const Decls &Further = askedAbove(Caller, Manager),
              &Behind = Site && Site->getBlockID() < Of.From.size() ? Of.From[Site->getBlockID()] : Of.Matter;
  for (const Decls *From : {&Further, &Behind})
    for (const ValueDecl *D : *From)
      addLasting(D, Asked);
  const auto *Call = dyn_cast<CallExpr>(Frame->getCallSite());
  const auto *F = cast<FunctionDecl>(Frame->getDecl());
  for (unsigned N = 0; Call && N < Call->getNumArgs() && N < F->getNumParams(); ++N) {
    Decls Given;
    addTargets(Call->getArg(N), Given);
    if (meets(Given, Behind) || meets(Given, Further))
      Asked.insert(cast<ValueDecl>(F->getParamDecl(N)->getCanonicalDecl()));
  }
  return Asked;
}

const Forks::Facts &Forks::factsAt(const StackFrameContext *Frame, ento::AnalysisManager &Manager) {
  if (auto Found = AtFrame.find(Frame); Found != AtFrame.end())
    return *Found->second;
  const auto *F = cast<FunctionDecl>(Frame->getDecl());
  const Facts *Of = &factsOf(F, Manager);
  std::vector<const ValueDecl *> Asked;
  const Decls &Further = askedAbove(Frame, Manager);
  for (const ValueDecl *D : Of->Writes)
    if (Further.count(D) && !Of->Matter.count(D))
      Asked.push_back(D);
  if (!Asked.empty())
    Of = &factsFor(F, std::move(Asked), Manager);
  AtFrame[Frame] = Of;
  return *Of;
}

std::optional<Forks::Way> Forks::wayAt(const Stmt *Condition, const StackFrameContext *Frame,
                                       ento::AnalysisManager &Manager) {
  const Facts &Of = factsAt(Frame, Manager);
  auto Found = Of.Ways.find(Condition);
  return Found == Of.Ways.end() ? std::nullopt : std::optional(Found->second);
}

llvm::ArrayRef<const VarDecl *> Forks::localsThatMatter(const StackFrameContext *Frame,
                                                        ento::AnalysisManager &Manager) {
  return factsAt(Frame, Manager).Locals;
}

bool Forks::mattersIn(const ValueDecl *What, const CFGBlock *B, const StackFrameContext *Frame, bool Inner,
                      ento::AnalysisManager &Manager) {
  if (!B)
    return true;
  const auto &From = factsAt(Frame, Manager).From;
  auto Reads = [&](const CFGBlock *At) { return At->getBlockID() < From.size() && From[At->getBlockID()].count(What); };
  // The place in the innermost function is the end of its block; a call may stand anywhere in its own.
  return Inner ? llvm::any_of(B->succs(), [&](const CFGBlock *Next) { return Next && Reads(Next); }) : Reads(B);
}

bool Forks::mattersBehind(const ValueDecl *What, const CFGBlock *At, const LocationContext *Here,
                          const LocationContext *Outside, ento::AnalysisManager &Manager) {
  for (bool Inner = true; Here && Here != Outside; Here = Here->getParent()) {
    const auto *Frame = dyn_cast<StackFrameContext>(Here);
    if (!Frame || !isa<FunctionDecl>(Frame->getDecl()))
      continue;
    if (mattersIn(What, At, Frame, Inner, Manager))
      return true;
    At = Frame->getCallSiteBlock();
    Inner = false;
  }
  return false;
}
