// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Places.h"
#include "checkers/LlvmCompat.h"
#include "checkers/Objects.h"

using namespace clang;
using namespace ento;
using namespace safespawn;

/// The name of what a call returned, by its symbol.
REGISTER_MAP_WITH_PROGRAMSTATE(AskedMap, SymbolRef, unsigned)

Places::Name Places::intern(Kind K, Name Base, Name Index, const ValueDecl *Decl, const void *Data) {
  const Node N{K, Base, Index, Decl, Data};
  auto [Found, New] = Known.try_emplace(N, Nodes.size() + 1);
  if (New)
    Nodes.push_back(N);
  return Found->second;
}

void Places::clear() {
  Nodes.clear();
  Known.clear();
}

Places::Name Places::ofObject(const MemRegion *Region, ProgramStateRef State) {
  if (!Region)
    return None;
  if (const auto *Var = dyn_cast<VarRegion>(Region))
    return intern(Variable, None, None, cast<VarDecl>(Var->getDecl()->getCanonicalDecl()),
                  Var->getDecl()->hasLocalStorage() ? safespawn::frameOf(Var, State) : nullptr);
  if (const auto *Field = dyn_cast<FieldRegion>(Region)) {
    Name Base = ofObject(Field->getSuperRegion(), State);
    return Base ? intern(Member, Base, None, Field->getDecl(), nullptr) : None;
  }
  if (const auto *Part = dyn_cast<ElementRegion>(Region)) {
    const MemRegion *Super = Part->getSuperRegion();
    const auto *Typed = dyn_cast<TypedValueRegion>(Super);
    const bool InArray = Typed && Typed->getValueType()->isArrayType();
    Name Base = ofObject(Super, State);
    if (!Base || (Part->getIndex().isZeroConstant() && !InArray)) // a cast, or *p
      return Base;
    Name Index = ofValue(Part->getIndex(), State);
    return Index ? intern(Element, Base, Index, nullptr,
                          Part->getElementType().getCanonicalType().getUnqualifiedType().getAsOpaquePtr())
                 : None;
  }
  if (const auto *Symbolic = dyn_cast<SymbolicRegion>(Region)) {
    Name Pointer = ofSymbol(Symbolic->getSymbol(), State);
    return Pointer ? intern(Pointee, Pointer, None, nullptr, nullptr) : None;
  }
  return intern(Unnamed, None, None, nullptr, Region);
}

Places::Name Places::ofValue(SVal Value, ProgramStateRef State) {
  if (auto Int = Value.getAs<nonloc::ConcreteInt>())
    return intern(Number, None, None, nullptr, reinterpret_cast<const void *>(compat::valueOf(*Int)));
  if (auto Cast = Value.getAs<nonloc::LocAsInteger>())
    return ofValue(Cast->getLoc(), State);
  if (SymbolRef Symbol = Value.getAsSymbol())
    return ofSymbol(Symbol, State);
  const MemRegion *Region = Value.getAsRegion();
  Name Object = Region ? ofObject(Region, State) : None;
  return Object ? intern(Address, Object, None, nullptr, nullptr) : None;
}

/// The region that was made anew when \p Symbol was conjured for what it holds, or null. The analyzer tags the new
/// value of a scalar with its region, and other tags may be anything: only memory of the manager's own is a region.
static const MemRegion *invalidated(const SymbolConjured *Symbol, ProgramStateRef State) {
  const void *Tag = Symbol->getTag();
  MemRegionManager &Regions = State->getStateManager().getRegionManager();
  if (!Tag || !Symbol->getType()->isPointerType() || !Regions.getAllocator().identifyObject(Tag))
    return nullptr;
  const auto *Region = static_cast<const MemRegion *>(Tag);
  return isa<TypedValueRegion>(Region) ? Region : nullptr;
}

Places::Name Places::ofSymbol(SymbolRef Symbol, ProgramStateRef State) {
  auto ReadFrom = [&](const MemRegion *Region) {
    Name Base = ofObject(Region, State);
    return Base ? intern(Content, Base, None, nullptr, nullptr) : None;
  };
  if (const Name *Answer = State->get<AskedMap>(Symbol))
    return *Answer;
  if (const auto *Initial = dyn_cast<SymbolRegionValue>(Symbol))
    return ReadFrom(Initial->getRegion());
  if (const auto *Derived = dyn_cast<SymbolDerived>(Symbol))
    return ReadFrom(Derived->getRegion());
  if (const auto *Conjured = dyn_cast<SymbolConjured>(Symbol))
    if (const MemRegion *Region = invalidated(Conjured, State))
      return ReadFrom(Region);
  if (const auto *Cast = dyn_cast<SymbolCast>(Symbol))
    return ofSymbol(Cast->getOperand(), State);
  auto Compute = [&](BinaryOperator::Opcode Op, Name Left, Name Right) {
    return Left && Right
               ? intern(Computed, Left, Right, nullptr, reinterpret_cast<const void *>(static_cast<uintptr_t>(Op)))
               : None;
  };
  auto Constant = [&](const llvm::APSInt &Value) {
    return intern(Number, None, None, nullptr, reinterpret_cast<const void *>(numberOf(Value)));
  };
  if (const auto *Sum = dyn_cast<SymIntExpr>(Symbol))
    return Compute(Sum->getOpcode(), ofSymbol(Sum->getLHS(), State), Constant(Sum->getRHS()));
  if (const auto *Sum = dyn_cast<IntSymExpr>(Symbol))
    return Compute(Sum->getOpcode(), Constant(Sum->getLHS()), ofSymbol(Sum->getRHS(), State));
  if (const auto *Sum = dyn_cast<SymSymExpr>(Symbol))
    return Compute(Sum->getOpcode(), ofSymbol(Sum->getLHS(), State), ofSymbol(Sum->getRHS(), State));
  return intern(Unnamed, None, None, nullptr, Symbol);
}

ProgramStateRef Places::remember(ProgramStateRef State, const CallEvent &Call) {
  const auto *Callee = dyn_cast_or_null<FunctionDecl>(Call.getDecl());
  // What allocates returns another place each time.
  if (!Callee || Callee->hasAttr<RestrictAttr>() || Call.isInSystemHeader() || !Call.getResultType()->isPointerType())
    return State;
  const auto *Result = dyn_cast_or_null<SymbolConjured>(Call.getReturnValue().getAsSymbol());
  if (!Result || Result->getTag())
    return State;
  Name List = intern(Argument, None, None, nullptr, nullptr);
  for (unsigned I = 0; I < Call.getNumArgs(); ++I) {
    Name Given = ofValue(Call.getArgSVal(I), State);
    if (!Given)
      return State;
    List = intern(Argument, Given, List, nullptr, nullptr);
  }
  return State->set<AskedMap>(Result, intern(Asked, List, None, Callee->getCanonicalDecl(), nullptr));
}

ProgramStateRef Places::forgetDead(ProgramStateRef State, SymbolReaper &Reaper) {
  for (const auto &[Symbol, Answer] : State->get<AskedMap>())
    if (Reaper.isDead(Symbol))
      State = State->remove<AskedMap>(Symbol);
  return State;
}

// ---- what names say -------------------------------------------------------------------------------------------------

const ValueDecl *Places::declarationOf(Name Place) const {
  for (Name N = Place; N; N = node(N).Base)
    if (node(N).K == Asked || node(N).Decl)
      return node(N).Decl;
  return nullptr;
}

bool Places::isWithin(Name Place, Name Object) const {
  for (Name N = Place; N; N = node(N).Base)
    if (N == Object)
      return true;
  return false;
}

bool Places::isPartOf(Name Place, Name Object) const {
  Name N = Place;
  while (N && N != Object && (node(N).K == Member || node(N).K == Element))
    N = node(N).Base;
  return N && N == Object;
}

const VarDecl *Places::variableOf(Name Place) const {
  Name N = Place;
  while (N && (node(N).K == Member || node(N).K == Element))
    N = node(N).Base;
  return N && node(N).K == Variable ? cast<VarDecl>(node(N).Decl) : nullptr;
}

const StackFrameContext *Places::frameOf(Name Place) const {
  Name N = Place;
  while (N && (node(N).K == Member || node(N).K == Element))
    N = node(N).Base;
  return N && node(N).K == Variable ? static_cast<const StackFrameContext *>(node(N).Data) : nullptr;
}

bool Places::isInArray(Name Place) const {
  for (Name N = Place; N; N = node(N).Base)
    if (node(N).K == Element)
      return true;
  return false;
}

bool Places::mayBeOneElement(Name A, Name B) const {
  auto IsOpen = [&](Name Index) { return Index && node(Index).K != Number; };
  // The first element goes by the name of its array.
  auto IsFirst = [&](Name Whole, Name Part) {
    return node(Part).K == Element && node(Part).Base == Whole && IsOpen(node(Part).Index);
  };
  bool Open = false;
  while (A != B && A && B) {
    if (IsFirst(A, B) || IsFirst(B, A))
      return true;
    if (node(A).K != node(B).K || node(A).Decl != node(B).Decl)
      return false;
    if (node(A).Index != node(B).Index) {
      if (!IsOpen(node(A).Index) && !IsOpen(node(B).Index))
        return false;
      Open = true;
    }
    A = node(A).Base;
    B = node(B).Base;
  }
  return Open && A == B;
}

bool Places::readsOf(Name Place, SmallVectorImpl<const ValueDecl *> &Pointers,
                     SmallVectorImpl<const ValueDecl *> &Indexes) const {
  for (Name N = Place; N; N = node(N).Base) {
    const Node &At = node(N);
    if (At.K == Asked || At.K == Unnamed)
      return At.K == Unnamed;
    if (At.K == Content) {
      const ValueDecl *Pointer = declarationOf(At.Base);
      if (!Pointer)
        return false;
      Pointers.push_back(Pointer);
    }
    if (At.Index && !readsOf(At.Index, Indexes, Indexes))
      return false;
  }
  return true;
}

std::string Places::written(Name Place) const {
  if (!Place)
    return "";
  const Node &At = node(Place);
  switch (At.K) {
  case Variable:
    return At.Decl->getNameAsString();
  case Member: {
    Name Of = At.Base;
    while (node(Of).K == Member && !node(Of).Decl->getIdentifier()) // of an anonymous struct or union
      Of = node(Of).Base;
    const bool Arrow = node(Of).K == Pointee;
    std::string Base = written(Arrow ? node(Of).Base : Of);
    return Base.empty() ? "" : Base + (Arrow ? "->" : ".") + At.Decl->getNameAsString();
  }
  case Element: {
    std::string Base = node(At.Base).K == Pointee ? written(node(At.Base).Base) : written(At.Base);
    std::string Index = written(At.Index);
    return Base.empty() || Index.empty() ? "" : Base + "[" + Index + "]";
  }
  case Pointee: {
    std::string Pointer = written(At.Base);
    return Pointer.empty() ? "" : "*" + Pointer;
  }
  case Content:
    return written(At.Base);
  case Address:
    return "";
  case Number:
    return std::to_string(reinterpret_cast<intptr_t>(At.Data));
  case Asked: {
    std::string Arguments;
    for (Name List = At.Base; node(List).Base; List = node(List).Index) {
      std::string Value = written(node(List).Base);
      if (Value.empty())
        return "";
      Arguments = Value + (Arguments.empty() ? "" : ", ") + Arguments;
    }
    return At.Decl->getNameAsString() + "(" + Arguments + ")";
  }
  case Computed:
  case Argument:
  case Unnamed:
    return "";
  }
  return "";
}
