// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Objects.h"
#include "checkers/Flow.h"
#include "checkers/LlvmCompat.h"
#include "clang/AST/ParentMap.h"

using namespace clang;
using namespace ento;
using namespace safespawn;

bool safespawn::addKnowledge(ProgramStateRef State, SymbolRef Symbol, llvm::FoldingSetNodeID &Id) {
  if (!Symbol) {
    Id.AddInteger(0);
    return true;
  }
  if (const llvm::APSInt *Value = State->getConstraintManager().getSymVal(State, Symbol)) {
    Id.AddInteger(1);
    Value->Profile(Id);
    return true;
  }
  const std::optional<bool> Holds = truthOf(State, Symbol);
  Id.AddInteger(Holds ? *Holds ? 3 : 2 : 4);
  return Holds.has_value();
}

int64_t safespawn::placeInOrder(const llvm::APSInt &Number) {
  if (Number.isSigned() || Number.getActiveBits() <= 63)
    return numberOf(Number);
  constexpr int64_t Room = 4096; // (size_t)-1, (size_t)-2: counted from the end
  const uint64_t FromEnd = ~uint64_t(numberOf(Number));
  return INT64_MAX - (FromEnd < Room ? int64_t(FromEnd) : Room);
}

/// Whether to infer something of \p Symbol from its parts would take long, and tell nothing: x | x >> 1 | x >> 2 ...
static bool isIntricate(SymbolRef Symbol) {
  constexpr unsigned MostParts = 12;
  return Symbol->computeComplexity() > MostParts;
}

std::pair<int64_t, int64_t> safespawn::boundsOf(ProgramStateRef State, SymbolRef Symbol) {
  if (!Symbol->getType()->isIntegralOrEnumerationType() || isIntricate(Symbol))
    return {INT64_MIN, INT64_MAX};
  ConstraintManager &Known = State->getConstraintManager();
  const llvm::APSInt *Least = Known.getSymMinVal(State, Symbol), *Most = Known.getSymMaxVal(State, Symbol);
  if (!Least || !Most)
    return {INT64_MIN, INT64_MAX};
  auto IsLimit = [](const llvm::APSInt &Number, bool Greatest) {
    return Number == (Greatest ? llvm::APSInt::getMaxValue(Number.getBitWidth(), Number.isUnsigned())
                               : llvm::APSInt::getMinValue(Number.getBitWidth(), Number.isUnsigned()));
  };
  return {IsLimit(*Least, false) ? INT64_MIN : placeInOrder(*Least),
          IsLimit(*Most, true) ? INT64_MAX : placeInOrder(*Most)};
}

/// Whether the path has learnt anything of \p Symbol, of what it is made of, or of what that may be equal to.
static bool isConstrained(ProgramStateRef State, SymbolRef Symbol) {
  ConstraintManager &Known = State->getConstraintManager();
  for (;;) {
    if (Known.getSymMinVal(State, Symbol))
      return true;
    if (const auto *WithNumber = dyn_cast<SymIntExpr>(Symbol))
      Symbol = WithNumber->getLHS();
    else if (const auto *FromNumber = dyn_cast<IntSymExpr>(Symbol))
      Symbol = FromNumber->getRHS();
    else if (const auto *Unary = dyn_cast<UnarySymExpr>(Symbol))
      Symbol = Unary->getOperand();
    else if (const auto *Cast = dyn_cast<SymbolCast>(Symbol))
      Symbol = Cast->getOperand();
    else
      return !isa<SymbolData>(Symbol); // two symbols: what is known is known of their difference
  }
}

/// The answer of \p Asked where it follows from the least and the greatest value that its left side may have.
static std::optional<bool> truthByRange(ProgramStateRef State, const SymIntExpr *Asked) {
  ConstraintManager &Known = State->getConstraintManager();
  const BinaryOperatorKind Op = Asked->getOpcode();
  const llvm::APSInt &Right = Asked->getRHS();
  if (Right == 0 && (Op == BO_EQ || Op == BO_NE)) {
    const ConditionTruthVal IsNull = Known.isNull(State, Asked->getLHS());
    return IsNull.isConstrained() ? std::optional(IsNull.isConstrainedTrue() == (Op == BO_EQ)) : std::nullopt;
  }
  const llvm::APSInt Number = Op == BO_Add ? -Right : Right; // x + 7 is zero where x is -7
  const llvm::APSInt *Least = Known.getSymMinVal(State, Asked->getLHS());
  const llvm::APSInt *Most = Known.getSymMaxVal(State, Asked->getLHS());
  // As wide as the number or narrower it is extended for the comparison, and keeps its value.
  if (!Least || !Most || Least->getBitWidth() > Number.getBitWidth() || Least->isSigned() != Number.isSigned())
    return std::nullopt;
  const int LeastTo = llvm::APSInt::compareValues(*Least, Number), MostTo = llvm::APSInt::compareValues(*Most, Number);
  switch (Op) {
  case BO_LT:
    return MostTo < 0 ? std::optional(true) : LeastTo >= 0 ? std::optional(false) : std::nullopt;
  case BO_GE:
    return MostTo < 0 ? std::optional(false) : LeastTo >= 0 ? std::optional(true) : std::nullopt;
  case BO_GT:
    return LeastTo > 0 ? std::optional(true) : MostTo <= 0 ? std::optional(false) : std::nullopt;
  case BO_LE:
    return LeastTo > 0 ? std::optional(false) : MostTo <= 0 ? std::optional(true) : std::nullopt;
  case BO_EQ:
  case BO_NE:
  case BO_Add:
  case BO_Sub:
    if (LeastTo > 0 || MostTo < 0)
      return Op != BO_EQ;
    return LeastTo == 0 && MostTo == 0 ? std::optional(Op == BO_EQ) : std::nullopt;
  default:
    return std::nullopt;
  }
}

std::optional<bool> safespawn::truthOf(ProgramStateRef State, SymbolRef Symbol) {
  // A comparison is kept as it is written: what the path knows is about its sides. To try both answers is right, and
  // takes long; most are of something of which nothing is known, or of one value and a number.
  const ConditionTruthVal IsNull = State->getConstraintManager().isNull(State, Symbol);
  if (IsNull.isConstrained())
    return IsNull.isConstrainedFalse();
  const auto *Asked = dyn_cast<BinarySymExpr>(Symbol);
  if (!Asked || !Asked->getType()->isIntegralOrEnumerationType() || isIntricate(Asked) || !isConstrained(State, Asked))
    return std::nullopt;
  const auto *WithNumber = dyn_cast<SymIntExpr>(Asked);
  if (WithNumber)
    if (std::optional<bool> Truth = truthByRange(State, WithNumber))
      return Truth;
  if (!BinaryOperator::isComparisonOp(Asked->getOpcode())) {
    const auto [Least, Most] = boundsOf(State, Asked);
    return Least > 0 || Most < 0 ? std::optional(true) : Least == 0 && Most == 0 ? std::optional(false) : std::nullopt;
  }
  if (WithNumber && BinaryOperator::isEqualityOp(WithNumber->getOpcode())) {
    const llvm::APSInt &Number = WithNumber->getRHS();
    if (Number == 0 && isa<SymbolData>(WithNumber->getLHS()))
      return std::nullopt;
    // That a value is not a certain number changes nothing where it was known. That it is one has to be told to all
    // that is made of it, which takes longer.
    const bool Unequal = WithNumber->getOpcode() == BO_NE;
    const ProgramStateRef Noted = State->assume(nonloc::SymbolVal(Asked), Unequal);
    return !Noted ? std::optional(!Unequal) : Noted == State ? std::optional(Unequal) : std::nullopt;
  }
  auto [Holds, Fails] = State->assume(nonloc::SymbolVal(Asked));
  return bool(Holds) == bool(Fails) ? std::nullopt : std::optional(bool(Holds));
}

std::optional<bool> safespawn::truthOf(ProgramStateRef State, SVal Value) {
  if (SymbolRef Symbol = Value.getAsSymbol())
    return truthOf(State, Symbol);
  if (Value.isConstant())
    return !Value.isZeroConstant();
  return Value.getAs<loc::MemRegionVal>() ? std::optional(true) : std::nullopt;
}

void safespawn::addKin(const LocationContext *Frame, llvm::FoldingSetNodeID &Id) {
  unsigned Depth = 0; // so that what is added next is no call
  for (; Frame; Frame = Frame->getParent(), ++Depth)
    Id.AddPointer(Frame->getStackFrame()->getCallSite());
  Id.AddInteger(Depth);
}

const StackFrameContext *safespawn::frameOf(const MemRegion *Region, ProgramStateRef State) {
  const auto *Space = dyn_cast_or_null<StackSpaceRegion>(compat::memorySpace(Region->getBaseRegion(), State));
  return Space ? Space->getStackFrame() : nullptr;
}

const MemRegion *safespawn::handleAt(const MemRegion *Region) {
  const auto *Element = dyn_cast_or_null<ElementRegion>(Region);
  const auto *Super =
      Element && Element->getIndex().isZeroConstant() ? dyn_cast<TypedValueRegion>(Element->getSuperRegion()) : nullptr;
  return Super && Super->getValueType()->isScalarType() ? Super : Region;
}

bool safespawn::sharesUnion(const MemRegion *A, const MemRegion *B) {
  for (const auto *Part = dyn_cast_or_null<SubRegion>(A); Part && B; Part = dyn_cast<SubRegion>(Part->getSuperRegion()))
    if (const auto *Member = dyn_cast<FieldRegion>(Part); Member && Member->getDecl()->getParent()->isUnion())
      if (B->isSubRegionOf(Member->getSuperRegion()) && !B->isSubRegionOf(Member))
        return true;
  return false;
}

const MemRegion *safespawn::objectWritten(const Expr *E, ProgramStateRef State, const LocationContext *Frame) {
  while (E) {
    E = E->IgnoreParenCasts();
    if (const auto *Element = dyn_cast<ArraySubscriptExpr>(E)) {
      E = Element->getBase();
    } else if (const auto *Member = dyn_cast<MemberExpr>(E)) {
      E = Member->getBase();
    } else if (const auto *Op = dyn_cast<UnaryOperator>(E);
               Op && (Op->getOpcode() == UO_Deref || Op->getOpcode() == UO_AddrOf || Op->isIncrementDecrementOp())) {
      E = Op->getSubExpr();
    } else if (const auto *Sum = dyn_cast<BinaryOperator>(E); Sum && Sum->isAdditiveOp()) {
      E = Sum->getLHS();
    } else if (const auto *Ref = dyn_cast<DeclRefExpr>(E)) {
      const auto *Var = dyn_cast<VarDecl>(Ref->getDecl());
      if (!Var)
        return nullptr;
      SVal Location = State->getLValue(Var, Frame);
      if (Var->getType()->isPointerType())
        Location = State->getSVal(Location.castAs<Loc>());
      const MemRegion *Region = Location.getAsRegion();
      return Region ? Region->getBaseRegion() : nullptr;
    } else {
      return nullptr;
    }
  }
  return nullptr;
}

namespace {

/// Follows an expression that has no effects, by what is stored where it reads.
struct Follower {
  ProgramStateRef State;
  const LocationContext *Frame;
  ArrayRef<SVal> Given; ///< the values of parameters, in place of what is stored

  const MemRegion *lvalue(const Expr *E) const {
    E = E->IgnoreParenCasts();
    if (const auto *Ref = dyn_cast<DeclRefExpr>(E)) {
      const auto *Var = dyn_cast<VarDecl>(Ref->getDecl());
      return Var && !given(Var) ? State->getLValue(Var, Frame).getAsRegion() : nullptr;
    }
    if (const auto *Member = dyn_cast<MemberExpr>(E)) {
      const auto *Field = dyn_cast<FieldDecl>(Member->getMemberDecl());
      const MemRegion *Base = Member->isArrow() ? pointee(Member->getBase()) : lvalue(Member->getBase());
      return Base && Field ? State->getLValue(Field, loc::MemRegionVal(Base)).getAsRegion() : nullptr;
    }
    if (const auto *Op = dyn_cast<UnaryOperator>(E); Op && Op->getOpcode() == UO_Deref)
      return pointee(Op->getSubExpr());
    return nullptr;
  }

  const MemRegion *pointee(const Expr *Pointer) const {
    Pointer = Pointer->IgnoreParenCasts();
    if (const auto *Op = dyn_cast<UnaryOperator>(Pointer); Op && Op->getOpcode() == UO_AddrOf)
      return lvalue(Op->getSubExpr());
    if (const auto *Ref = dyn_cast<DeclRefExpr>(Pointer))
      if (const SVal *Value = given(Ref->getDecl()))
        return Value->getAsRegion();
    const MemRegion *Place = lvalue(Pointer);
    if (!Place || Pointer->getType()->isArrayType())
      return Place;
    return State->getSVal(Place).getAsRegion();
  }

private:
  const SVal *given(const ValueDecl *D) const {
    const auto *Param = dyn_cast<ParmVarDecl>(D);
    return Param && Param->getFunctionScopeIndex() < Given.size() ? &Given[Param->getFunctionScopeIndex()] : nullptr;
  }
};

} // namespace

const MemRegion *safespawn::regionWritten(const Expr *E, ProgramStateRef State, const LocationContext *Frame) {
  return Follower{std::move(State), Frame, {}}.lvalue(E);
}

const MemRegion *safespawn::objectGiven(const Expr *E, ArrayRef<SVal> Given, ProgramStateRef State,
                                        const LocationContext *Frame) {
  const Follower Follow{std::move(State), Frame, Given};
  return E->getType()->isPointerType() ? Follow.pointee(E) : Follow.lvalue(E);
}

bool safespawn::isInArray(const MemRegion *Region) {
  while (const auto *Sub = dyn_cast_or_null<SubRegion>(Region)) {
    if (isa<ElementRegion>(Sub))
      return true;
    Region = Sub->getSuperRegion();
  }
  return false;
}

bool safespawn::isGuarded(const CallExpr *Call, const Expr *Place, const LocationContext *Frame, const Unit &U,
                          bool BehindLoop) {
  const auto *In = dyn_cast_or_null<FunctionDecl>(Frame->getDecl());
  const ParentMap &Parents = Frame->getParentMap();
  auto Above = [&](const Stmt *S, const Stmt *Outer) {
    for (; S; S = Parents.getParent(S))
      if (S == Outer)
        return true;
    return false;
  };
  // if (rc) after rc = spawn() is no guard of its own.
  auto AsksResult = [&](const Expr *Condition, const CallExpr *Spawn) {
    const Stmt *Parent = Parents.getParentIgnoreParenImpCasts(const_cast<CallExpr *>(Spawn));
    const VarDecl *Result = nullptr;
    if (const auto *Assign = dyn_cast_or_null<BinaryOperator>(Parent); Assign && Assign->getOpcode() == BO_Assign)
      Result = variableOf(Assign->getLHS());
    else if (const auto *Declaration = dyn_cast_or_null<DeclStmt>(Parent); Declaration && Declaration->isSingleDecl())
      Result = dyn_cast<VarDecl>(Declaration->getSingleDecl());
    return Result && mentions(Condition, Result);
  };
  bool Spawned = false, Guarded = false;
  for (const SpawnSite &Site : In ? U.spawnsIn(In) : ArrayRef<SpawnSite>()) {
    const auto *Address = dyn_cast_or_null<UnaryOperator>(Site.Handle ? Site.Handle->IgnoreParenCasts() : nullptr);
    if (!Address || Address->getOpcode() != UO_AddrOf || !U.sameExpression(Address->getSubExpr(), Place) ||
        !reaches(*Frame->getCFG(), Site.Call, Call))
      continue;
    Spawned = true;
    // A loop of the spawn's own: how often it went round on this path is our cut, not the program's.
    for (const Stmt *P = Parents.getParent(Site.Call); P; P = Parents.getParent(P))
      Guarded |= BehindLoop && isa<ForStmt, WhileStmt>(P) && !Above(Call, P);
    const Stmt *Child = Call;
    for (const Stmt *P = Parents.getParent(Call); P; Child = P, P = Parents.getParent(P)) {
      const auto *If = dyn_cast<IfStmt>(P);
      const auto *Logic = dyn_cast<BinaryOperator>(P);
      const Expr *Condition = If && Child != If->getCond()                                ? If->getCond()
                              : Logic && Logic->isLogicalOp() && Child == Logic->getRHS() ? Logic->getLHS()
                                                                                          : nullptr;
      Guarded |= Condition && !Above(Site.Call, P) && !AsksResult(Condition, Site.Call);
    }
  }
  if (Spawned)
    return Guarded;
  // Spawned elsewhere, through a pointer: any condition here may be the flag that goes with it.
  const VarDecl *Own = variableOf(Place);
  if (Own && !isa<ParmVarDecl>(Own))
    return false;
  const Stmt *Child = Call;
  for (const Stmt *P = Parents.getParent(Call); P; Child = P, P = Parents.getParent(P)) {
    if (const auto *If = dyn_cast<IfStmt>(P); If && Child != If->getCond())
      return true;
    if (const auto *Logic = dyn_cast<BinaryOperator>(P); Logic && Logic->isLogicalOp() && Child == Logic->getRHS())
      return true;
  }
  return false;
}

bool safespawn::isFixedElement(const Expr *E, ASTContext &Context) {
  const auto *Element = dyn_cast<ArraySubscriptExpr>(E->IgnoreParenCasts());
  Expr::EvalResult Index;
  return Element && Element->getIdx()->EvaluateAsInt(Index, Context);
}
