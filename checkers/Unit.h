// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the checkers share about one translation unit: which calls have which effects, which functions start which
// threads, and which functions matter at all. It is computed once, holds no fact about a path, and knows no rule.
#pragma once

#include "checkers/Model.h"
#include "clang/AST/ASTContext.h"
#include "clang/AST/Decl.h"
#include "clang/AST/Expr.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SmallVector.h"
#include <deque>
#include <optional>
#include <vector>

namespace safespawn {

/// A spawn as it is written in the source; through a thin wrapper, the call of the wrapper.
struct SpawnSite {
  const clang::CallExpr *Call = nullptr;
  const clang::FunctionDecl *In = nullptr;
  const Meaning *Row = nullptr;
  const clang::FunctionDecl *Entry = nullptr; ///< null when it is not named at the spawn
  const clang::Expr *Handle = nullptr, *Argument = nullptr, *Attr = nullptr;
  const clang::Expr *Scope = nullptr; ///< of a task
};

/// The synchronisation object that an object of some type is, or holds.
struct SyncPart {
  Sync Kind = Sync::Lock;
  llvm::SmallVector<const clang::FieldDecl *, 2> Path; ///< from the outermost field to it; empty for the object itself
};

class Unit {
public:
  Unit(clang::ASTContext &Context, Models Known);

  clang::ASTContext &context() const { return Context; }

  /// Whether any described call is mentioned in this unit at all. Cheap: no function body is visited.
  bool mentionsAnyCall() const;

  /// Visits the bodies of all functions defined outside of system headers. Does nothing the second time.
  void scan();

  /// The rows that describe \p Callee; a row fits the published function, not everything that shares its name. To copy
  /// memory says nothing about threads, no rule is about what a thread keeps for itself, and what is done to a scope says
  /// nothing about locks and handles: only meaningOf finds such a row.
  llvm::ArrayRef<Meaning> meaningsOf(const clang::FunctionDecl *Callee) const;
  llvm::ArrayRef<Meaning> meaningsOf(const clang::CallExpr *Call) const;
  /// Whether a row says more of \p Callee than that it works on memory or on what its thread keeps for itself.
  bool isDescribed(const clang::FunctionDecl *Callee) const;
  /// The row that gives \p Callee the effect \p What, or null.
  const Meaning *meaningOf(const clang::FunctionDecl *Callee, Effect What) const;
  const Meaning *meaningOf(const clang::CallExpr *Call, Effect What) const;
  /// The row of a spawn, also through a function of this file that only hands its parameters on to one.
  const Meaning *spawnRow(const clang::CallExpr *Call) const;

  /// What objects of \p Type are for, when they are there to synchronise threads.
  std::optional<Sync> syncKind(clang::QualType Type) const;
  /// Whether values of \p Type are tokens by which a stop request comes, or point to one.
  bool isToken(clang::QualType Type) const;
  /// The first synchronisation object that is copied with an object of \p Type, in the order of the fields.
  std::optional<SyncPart> syncWithin(clang::QualType Type) const;

  /// Whether \p Function only hands its parameters on to a spawn.
  bool isWrapper(const clang::FunctionDecl *Function) const { return Function && Wrappers.count(key(Function)); }
  /// Whether a call with this effect is made anywhere in the unit.
  bool has(Effect What) const { return Present & (uint64_t(1) << unsigned(What)); }
  /// The call that ends what \p Begin begins, joins a thread or releases a lock, as a statement without its semicolon;
  /// empty where no model says. \p Object is what to join or release, as the source has it.
  std::string endingCall(const Meaning &Begin, llvm::StringRef Object) const;

  /// All functions with a body, in the order of the source.
  llvm::ArrayRef<const clang::FunctionDecl *> definitions() const { return Definitions; }
  /// The calls written in \p Function, in the order of the source.
  llvm::ArrayRef<const clang::CallExpr *> callsIn(const clang::FunctionDecl *Function) const;
  /// The spawns written in \p Function.
  llvm::ArrayRef<SpawnSite> spawnsIn(const clang::FunctionDecl *Function) const;
  /// The spawns that name \p Entry as their start routine.
  llvm::ArrayRef<const SpawnSite *> spawnsOf(const clang::FunctionDecl *Entry) const;

  /// The tasks that are spawned into scopes in \p Function, and those that name \p Entry as their start routine.
  llvm::ArrayRef<SpawnSite> tasksIn(const clang::FunctionDecl *Function) const;
  llvm::ArrayRef<const SpawnSite *> tasksOf(const clang::FunctionDecl *Entry) const;

  /// Whether \p Function, or a function of this file that it calls, has an effect on a thread's handle.
  bool touchesHandles(const clang::FunctionDecl *Function) const { return Touching.count(key(Function)); }
  /// Whether \p Function, or a function of this file that it calls, has an effect on a lock, condition or the like.
  bool touchesSync(const clang::FunctionDecl *Function) const { return Syncing.count(key(Function)); }
  /// Whether \p Function, or a function of this file that it calls, has an effect on a scope, its tasks or a token.
  bool touchesScopes(const clang::FunctionDecl *Function) const { return Scoping.count(key(Function)); }
  /// Whether \p Function itself hands a token to a function that it calls.
  bool passesTokens(const clang::FunctionDecl *Function) const { return Tokening.count(key(Function)); }
  /// Whether \p Function itself may copy a synchronisation object by value.
  bool copiesSync(const clang::FunctionDecl *Function) const { return Copying.count(key(Function)); }
  /// Whether \p Function, or a function of this file that it calls, initialises a synchronisation object.
  bool initialises(const clang::FunctionDecl *Function) const { return Initialising.count(key(Function)); }
  /// Whether \p Function, or a function of this file that it calls, makes any call that a model describes.
  bool hasEffect(const clang::FunctionDecl *Function) const { return Effective.count(key(Function)); }
  /// Whether \p Function, or a function of this file that it calls, joins or detaches a thread.
  bool givesUpHandles(const clang::FunctionDecl *Function) const { return GivingUp.count(key(Function)); }
  /// Whether \p Call does so, or calls a function of this file that does.
  bool givesUpHandles(const clang::CallExpr *Call) const;
  /// Whether a path through \p Function can differ in what we look at: it has an effect, or may not return.
  bool matters(const clang::FunctionDecl *Function) const { return Mattering.count(key(Function)); }
  /// Whether somebody may call \p Function whom we do not see.
  bool hasUnseenCallers(const clang::FunctionDecl *Function) const;
  /// The functions of this file that call \p Function directly, some more than once.
  llvm::ArrayRef<const clang::FunctionDecl *> callersOf(const clang::FunctionDecl *Function) const;
  /// Whether \p Function is handed to others, who may call it when they like: an entry, a handler.
  bool isHandedOut(const clang::FunctionDecl *Function) const { return AddressTaken.count(key(Function)); }
  /// Whether a function of this file calls \p Function directly.
  bool isCalled(const clang::FunctionDecl *Function) const { return CallersOf.count(key(Function)); }
  /// Whether \p Entry (or a function of this file that it calls) detaches the thread that it runs on.
  bool detachesItself(const clang::FunctionDecl *Entry) const { return SelfDetaching.count(key(Entry)); }
  /// The fields that a thread started in \p Entry may write, by assignments in functions of this file that it reaches.
  llvm::DenseSet<const clang::FieldDecl *> fieldsWrittenBy(const clang::FunctionDecl *Entry) const;
  /// Whether \p Function, or a function of this file that it calls, may write the global or static variable \p Var.
  bool mayWrite(const clang::FunctionDecl *Function, const clang::VarDecl *Var) const {
    auto Writers = WritersOf.find(llvm::cast<clang::VarDecl>(Var->getCanonicalDecl()));
    return Writers != WritersOf.end() && Writers->second.count(key(Function));
  }
  /// Whether objects of \p Type are made to be shared: they hold an atomic, or a lock, condition or semaphore in use.
  bool isShared(clang::QualType Type) const;
  /// Whether \p Entry, once it has posted, no longer uses what its parameter points to.
  bool copiesBeforePost(const clang::FunctionDecl *Entry) const;
  /// Whether \p Entry is seen, and never looks at its parameter.
  bool ignoresArgument(const clang::FunctionDecl *Entry) const;
  /// Whether a thread in \p Entry may end only when somebody does something for it: it waits, blocks, or spins on what
  /// it does not write, there or in a function of this file that it calls.
  bool mayWait(const clang::FunctionDecl *Entry) const { return Waiting.count(key(Entry)); }
  /// Whether \p Function, or a function of this file that it calls, takes or gives back a lock.
  bool locks(const clang::FunctionDecl *Function) const { return Locking.count(key(Function)); }
  /// Whether the thread in \p Entry never ends by itself: a loop without condition, break, return or exit.
  bool neverEnds(const clang::FunctionDecl *Entry) const { return Endless.count(key(Entry)); }

  /// Whether an error lies in \p Function, so that what we would see of it is not what the user wrote.
  bool isBroken(const clang::FunctionDecl *Function) const { return Broken.count(key(Function)); }
  void markBroken(const clang::FunctionDecl *Function) { Broken.insert(key(Function)); }
  /// The functions that matter, copy or pass tokens, each after its callers (where calls go in circles, in the order of
  /// the source).
  std::vector<const clang::FunctionDecl *> callersFirst() const;

  /// The expression in the given role of \p Call, or null.
  static const clang::Expr *argument(const clang::CallExpr *Call, Role Which);
  /// The function that \p E names, looking through '&', parentheses and casts; null otherwise.
  static const clang::FunctionDecl *namedFunction(const clang::Expr *E);
  /// What \p E points to (arrays: an element), as it was before casts; null when it is no pointer.
  static clang::QualType pointeeOf(const clang::Expr *E);
  /// Whether two expressions are written alike and name the same declarations.
  bool sameExpression(const clang::Expr *A, const clang::Expr *B) const;
  /// Whether \p Value is known to be the result with which a call of \p Row reports success; nullopt if it is not
  /// known.
  std::optional<int64_t> successValue(const Meaning &Row) const;
  /// The value of the enumeration constant \p Name of this unit.
  std::optional<int64_t> constantNamed(llvm::StringRef Name) const;
  /// The text of \p E in the source, on one line, shortened.
  std::string text(const clang::Expr *E) const;
  std::string text(clang::CharSourceRange Range) const;

private:
  struct Scan;
  static const clang::FunctionDecl *key(const clang::FunctionDecl *F) { return F->getCanonicalDecl(); }
  llvm::ArrayRef<Meaning> rowsOf(const clang::FunctionDecl *Callee) const;
  void deriveWrappers();
  void noteShared(const clang::Expr *Object);
  template <typename Set> void closeOverCallers(Set &Functions) const;

  clang::ASTContext &Context;
  Models Known;
  bool Scanned = false;
  bool HasScopes = false; ///< a call that opens one is mentioned
  uint64_t Present = 0;   ///< effects, a bit each
  llvm::SmallVector<const clang::FunctionDecl *, 32> Definitions;
  llvm::DenseMap<const clang::FunctionDecl *, llvm::SmallVector<const clang::CallExpr *, 8>> CallsIn;
  llvm::DenseMap<const clang::FunctionDecl *, llvm::SmallVector<const clang::FunctionDecl *, 4>> CallersOf;
  using SitesOfFunctions = llvm::DenseMap<const clang::FunctionDecl *, llvm::SmallVector<SpawnSite, 2>>;
  /// The sites by the entry that they name, in the order of the file; made when the first is asked for.
  using SitesOfEntries = llvm::DenseMap<const clang::FunctionDecl *, llvm::SmallVector<const SpawnSite *, 2>>;
  llvm::ArrayRef<const SpawnSite *> sitesOf(const clang::FunctionDecl *Entry, const SitesOfFunctions &All,
                                            std::optional<SitesOfEntries> &By) const;
  SitesOfFunctions Spawns, Tasks;
  mutable std::optional<SitesOfEntries> SpawnsBy, TasksBy;
  llvm::DenseMap<const clang::FunctionDecl *, llvm::SmallVector<const clang::FieldDecl *, 4>> FieldWrites;
  llvm::DenseMap<const clang::VarDecl *, llvm::DenseSet<const clang::FunctionDecl *>> WritersOf;
  llvm::DenseMap<const clang::FunctionDecl *, const Meaning *> Wrappers;
  std::deque<Meaning> DerivedRows; // stable addresses
  llvm::DenseSet<const clang::RecordDecl *> SharedRecords;
  mutable llvm::DenseMap<const clang::RecordDecl *, std::optional<SyncPart>> PartOf;
  llvm::DenseSet<const clang::FunctionDecl *> Touching, Syncing, Scoping, Effective, GivingUp, Waiting, Locking,
      Mattering, SelfDetaching, AddressTaken, Endless, Broken, Copying, Initialising, Tokening;
};

} // namespace safespawn
