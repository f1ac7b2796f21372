// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/LockAttributes.h"
#include "checkers/LlvmCompat.h"
#include "clang/AST/Attr.h"

using namespace clang;
using namespace safespawn;

QualType DeclaredLock::type() const {
  const QualType Type = Lock->getType();
  return Type->isPointerType() ? Type->getPointeeType() : Type;
}

bool safespawn::isDeclaredToLock(const FunctionDecl *F) {
  return F && F->hasAttrs() && llvm::any_of(F->attrs(), [](const Attr *A) {
           return isa<AcquireCapabilityAttr, ReleaseCapabilityAttr, TryAcquireCapabilityAttr>(A) ||
                  compat::onOlderTry(A, [](auto &&...) {});
         });
}

bool safespawn::hasLockAttributes(const FunctionDecl *F) {
  return isDeclaredToLock(F) || (F && F->hasAttr<RequiresCapabilityAttr>());
}

/// The row that a model would have for a call of a function that is declared so.
static const Meaning *rowOf(DeclaredLock::Kind How, bool Shared, bool SuccessIsTrue) {
  auto Make = [](Effect What, bool Shared, Success::Kind Worked) {
    Meaning Row;
    Row.What = What;
    Row.Shared = Shared;
    Row.Worked.How = Worked;
    return Row;
  };
  static const Meaning Takes[] = {Make(Effect::Acquire, false, Success::Always),
                                  Make(Effect::Acquire, true, Success::Always)};
  static const Meaning Tries[][2] = {
      {Make(Effect::TryAcquire, false, Success::Zero), Make(Effect::TryAcquire, true, Success::Zero)},
      {Make(Effect::TryAcquire, false, Success::NonZero), Make(Effect::TryAcquire, true, Success::NonZero)}};
  static const Meaning Gives = Make(Effect::Release, false, Success::Always);
  switch (How) {
  case DeclaredLock::Taken:
    return &Takes[Shared];
  case DeclaredLock::Tried:
    return &Tries[SuccessIsTrue][Shared];
  case DeclaredLock::Given:
    return &Gives;
  case DeclaredLock::Needed:
    break;
  }
  return nullptr;
}

llvm::SmallVector<DeclaredLock, 2> safespawn::declaredLocks(const FunctionDecl *F) {
  llvm::SmallVector<DeclaredLock, 2> Found;
  if (!hasLockAttributes(F))
    return Found;
  auto Add = [&](const Attr *A, DeclaredLock::Kind How, auto Locks, const Expr *SuccessValue = nullptr) {
    // acquire_shared_capability, shared_lock_function, shared_locks_required …
    const bool Shared = StringRef(A->getSpelling()).contains("shared");
    bool True = true;
    if (SuccessValue && !SuccessValue->EvaluateAsBooleanCondition(True, F->getASTContext()))
      return;
    for (const Expr *Lock : Locks) {
      if (const auto *Not = dyn_cast<UnaryOperator>(Lock->IgnoreParens()); Not && Not->getOpcode() == UO_LNot)
        continue; // that it is not held
      DeclaredLock D{How, Shared, false, Lock, rowOf(How, Shared, True), A->getLocation()};
      const RecordDecl *Record = D.type()->getAsRecordDecl();
      D.Reentrant = Record && compat::isReentrant(Record);
      Found.push_back(D);
    }
  };
  for (const Attr *A : F->attrs()) {
    if (const auto *Acquire = dyn_cast<AcquireCapabilityAttr>(A))
      Add(A, DeclaredLock::Taken, Acquire->args());
    else if (const auto *Try = dyn_cast<TryAcquireCapabilityAttr>(A))
      Add(A, DeclaredLock::Tried, Try->args(), Try->getSuccessValue());
    else if (const auto *Release = dyn_cast<ReleaseCapabilityAttr>(A))
      Add(A, DeclaredLock::Given, Release->args());
    else if (const auto *Requires = dyn_cast<RequiresCapabilityAttr>(A))
      Add(A, DeclaredLock::Needed, Requires->args());
    else
      compat::onOlderTry(A, [&](auto Locks, const Expr *Success) { Add(A, DeclaredLock::Tried, Locks, Success); });
  }
  return Found;
}

bool safespawn::isLeftUnchecked(const FunctionDecl *F) { return F->hasAttr<NoThreadSafetyAnalysisAttr>(); }

bool safespawn::mentionsLockAttributes(const ASTContext &Context) {
  for (const char *Word :
       {"acquire_capability", "acquire_shared_capability", "try_acquire_capability", "try_acquire_shared_capability",
        "release_capability", "release_shared_capability", "release_generic_capability", "requires_capability",
        "requires_shared_capability", "exclusive_lock_function", "shared_lock_function", "exclusive_trylock_function",
        "shared_trylock_function", "unlock_function", "exclusive_locks_required", "shared_locks_required"})
    if (Context.Idents.find(Word) != Context.Idents.end() ||
        Context.Idents.find(("__" + llvm::Twine(Word) + "__").str()) != Context.Idents.end())
      return true;
  return false;
}

bool safespawn::isKnownByAttributes(const FunctionDecl *F, const Unit &U) {
  return hasLockAttributes(F) && U.meaningsOf(F).empty() && (!F->hasBody() || !U.hasEffect(F));
}

llvm::SmallVector<const FieldDecl *, 2> safespawn::wayToLock(QualType Type, const Unit &U) {
  std::optional<SyncPart> Part = U.syncWithin(Type);
  if (!Part || Part->Kind != Sync::Lock ||
      llvm::any_of(Part->Path, [](const FieldDecl *Field) { return Field->getType()->isArrayType(); }))
    return {};
  return Part->Path;
}
