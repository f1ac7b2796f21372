// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Descriptors.h"
#include "checkers/WrittenLocks.h"
#include "clang/AST/RecursiveASTVisitor.h"

using namespace clang;
using namespace safespawn;

static const ValueDecl *key(const ValueDecl *D) { return D ? cast<ValueDecl>(D->getCanonicalDecl()) : nullptr; }

struct Descriptors::Walk : RecursiveASTVisitor<Descriptors::Walk> {
  Descriptors &Into;
  const FunctionDecl *In;
  Walk(Descriptors &Into, const FunctionDecl *In) : Into(Into), In(In) {}

  bool VisitCallExpr(CallExpr *Call) { return Into.Calls.push_back(Call), true; }
  bool VisitVarDecl(VarDecl *Var) {
    if (Var->hasInit())
      Into.Values[key(Var)].push_back(Var->getInit());
    return true;
  }
  bool VisitBinaryOperator(BinaryOperator *Op) {
    if (Op->isAssignmentOp())
      if (const ValueDecl *To = WrittenLocks::lastNamed(Op->getLHS()))
        Into.Values[To].push_back(Op->getRHS());
    return true;
  }
  bool VisitReturnStmt(ReturnStmt *Return) {
    if (const Expr *Value = Return->getRetValue())
      Into.Values[key(In)].push_back(Value);
    return true;
  }
};

void Descriptors::collect() {
  if (std::exchange(Collected, true))
    return;
  for (const FunctionDecl *F : U.definitions())
    Walk(*this, F).TraverseDecl(const_cast<FunctionDecl *>(F));
}

bool Descriptors::names(const CallExpr *Call, StringRef Word) const {
  return llvm::any_of(Call->arguments(), [&](const Expr *Given) {
    if (StringRef(U.text(Given)).contains(Word))
      return true;
    // Read, changed and written back: flags |= O_NONBLOCK.
    const auto *Ref = dyn_cast<DeclRefExpr>(Given->IgnoreParenCasts());
    const auto Assigned = Ref ? Values.find(key(Ref->getDecl())) : Values.end();
    return Assigned != Values.end() &&
           llvm::any_of(Assigned->second, [&](const Expr *Value) { return StringRef(U.text(Value)).contains(Word); });
  });
}

bool Descriptors::isFrom(const Expr *E, const Set &Of, StringRef Word, unsigned Depth) const {
  constexpr unsigned Deepest = 4; // a = b; b = a;
  if (Depth > Deepest)
    return false;
  E = E->IgnoreParenCasts();
  const auto *Call = dyn_cast<CallExpr>(E);
  const ValueDecl *Named = Call ? key(Call->getDirectCallee()) : WrittenLocks::lastNamed(E);
  if ((Call && names(Call, Word)) || (Named && Of.contains(Named)))
    return true;
  const auto Found = Named ? Values.find(Named) : Values.end();
  return Found != Values.end() &&
         llvm::any_of(Found->second, [&](const Expr *Value) { return isFrom(Value, Of, Word, Depth + 1); });
}

const Descriptors::Set &Descriptors::setWith(StringRef Word) {
  auto [Entry, New] = Known.try_emplace(Word);
  Set &Places = Entry->second;
  if (!New)
    return Places;
  collect();
  // A function that sets what it is given sets it for all who call it. Sets only grow.
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (const CallExpr *Call : Calls) {
      const FunctionDecl *Callee = Call->getDirectCallee(), *Definition = nullptr;
      const bool Ours = Callee && Callee->hasBody(Definition);
      const bool Sets = !Ours && names(Call, Word);
      for (unsigned I = 0; I < Call->getNumArgs(); ++I) {
        const ValueDecl *Given = WrittenLocks::lastNamed(Call->getArg(I));
        const bool ByCallee =
            Ours && I < Definition->getNumParams() && Places.contains(key(Definition->getParamDecl(I)));
        if (Given && (Sets || ByCallee))
          Changed |= Places.insert(Given).second;
      }
    }
  }
  return Places;
}

bool Descriptors::areSetWith(const Expr *E, StringRef Word) { return E && isFrom(E, setWith(Word), Word); }
