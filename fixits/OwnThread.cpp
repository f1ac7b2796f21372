// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/OwnThread.h"
#include "clang/AST/Attr.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/Basic/Builtins.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace clang;
using namespace safespawn;

namespace {

/// Whether a call with this effect is the same on every thread that makes it. To wait is not: a signal that the thread
/// does not block ends some waits. To start a thread is not either: the new one blocks what its starter does.
bool isSameOnAnyThread(Effect What) {
  switch (What) {
  case Effect::Wait:
    return false;
  case Effect::AttributeInit:
  case Effect::AttributeSet:
  case Effect::AttributeDestroy:
  case Effect::EndThread: // becomes the end of the task
    return true;
  default: // the routine of Once is named, and looked at for that
    return isOnSync(What) || isOnMemory(What);
  }
}

/// Visits all that a thread may run, and stops at the first thing that is not known to be harmless.
class Look : public RecursiveASTVisitor<Look> {
public:
  explicit Look(const Unit &U) : U(U) {}

  bool isHarmless(const FunctionDecl *Entry) {
    bool Is = note(Entry);
    while (Is && !Work.empty())
      Is = TraverseStmt(Work.pop_back_val()->getBody());
    return Is;
  }

  bool VisitDeclRefExpr(DeclRefExpr *Ref) {
    if (const auto *Var = dyn_cast<VarDecl>(Ref->getDecl()))
      return Var->getTLSKind() == VarDecl::TLS_None;
    // Whoever is named may be called, by qsort for one.
    const auto *F = dyn_cast<FunctionDecl>(Ref->getDecl());
    return !F || note(F);
  }
  bool VisitVarDecl(VarDecl *Var) {
    const auto *Cleanup = Var->getAttr<CleanupAttr>();
    return !Cleanup || note(Cleanup->getFunctionDecl());
  }
  bool VisitCallExpr(CallExpr *Call) { return Call->getDirectCallee(); }
  bool VisitAsmStmt(AsmStmt *) { return false; }

private:
  /// Whether \p F is harmless, or is yet to be looked into.
  bool note(const FunctionDecl *F) {
    if (U.meaningOf(F, Effect::Compute) || U.meaningOf(F, Effect::Copy) || U.meaningOf(F, Effect::Free))
      return true;
    if (ArrayRef<Meaning> Rows = U.meaningsOf(F); !Rows.empty())
      return llvm::all_of(Rows, [](const Meaning &Row) { return isSameOnAnyThread(Row.What); });
    if (U.meaningOf(F, Effect::ThreadState))
      return false;
    const FunctionDecl *Definition = nullptr;
    if (F->hasBody(Definition)) {
      if (Seen.insert(Definition).second)
        Work.push_back(Definition);
      return true;
    }
    // What the compiler itself makes of a name; not a function of the library that it knows.
    const unsigned Builtin = F->getBuiltinID();
    const Builtin::Context &Known = U.context().BuiltinInfo;
    return Builtin && !Known.isPredefinedLibFunction(Builtin) && !Known.isLibFunction(Builtin);
  }

  const Unit &U;
  llvm::SmallPtrSet<const FunctionDecl *, 16> Seen;
  SmallVector<const FunctionDecl *, 16> Work;
};

} // namespace

std::string safespawn::taskFlags(ArrayRef<HandleUse> Uses, const Unit &U) {
  // A thread that ran other tasks before does not have what its starter would hand on, which somebody here sets for
  // himself or for a thread that he names.
  bool Reuse = !U.has(Effect::ThreadState) && !U.has(Effect::Observe);
  for (const HandleUse &Use : Uses) {
    if (Use.What != HandleUse::Call || Use.is(Effect::Join) || Use.is(Effect::TryJoin))
      continue;
    const Expr *Attr = Use.is(Effect::Spawn) ? Unit::argument(Use.In, Use.Row->Attr) : nullptr;
    const bool HasAttr = Attr && !Attr->isNullPointerConstant(U.context(), Expr::NPC_ValueDependentIsNull);
    const FunctionDecl *Entry = Use.is(Effect::Spawn) ? Use.entry() : nullptr;
    Reuse = Reuse && Entry && !HasAttr && Look(U).isHarmless(Entry);
  }
  return Reuse ? "0" : "SS_TASK_FRESH | SS_TASK_INHERIT_MASK";
}
