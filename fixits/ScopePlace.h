// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a scope goes that owns the threads of one function, and whether it may: which block, before which statement,
// what leaves it, and what may still run there. Nothing here edits.
#pragma once

#include "checkers/Flow.h"
#include "fixits/Bodies.h"
#include "fixits/Edits.h"
#include "fixits/Handles.h"
#include "clang/Analysis/AnalysisDeclContext.h"
#include <string>
#include <vector>

namespace safespawn {

/// The family of calls that the runtime has for a kind of thread.
struct TaskFamily {
  bool Pointers = false; ///< the start routine returns void *, as pthread_create has it; else int
  bool Mapped = false;   ///< results are those of <threads.h>, not errno values
};
/// The family for \p Spawn, or nullopt where the runtime has none.
std::optional<TaskFamily> familyOf(const clang::CallExpr *Spawn, const Meaning &Row);

class ScopePlace {
public:
  ScopePlace(const Unit &U, const Handles &All, const clang::FunctionDecl *In, clang::AnalysisDeclContext &Context);

  /// The variables and fields whose threads the scope is to own.
  llvm::SmallVector<const clang::ValueDecl *, 4> Vars;

  /// Of these, the ones whose detached threads become background tasks: the scope cancels them before it waits.
  llvm::DenseSet<const clang::ValueDecl *> Background;

  /// Whether all that the file does with them is understood; \returns what is not, or an empty string.
  std::string understand() const;
  /// Whether \p Spawn may store over the handle of a thread that still runs; \returns so, or an empty string.
  std::string repeats(const clang::ValueDecl *D, const HandleUse &Spawn) const { return overwriteProblem(D, Spawn); }
  /// Finds the place; \returns why there is none, or an empty string.
  std::string find();

  /// A way out of the scope.
  struct Exit {
    const clang::Stmt *At;    ///< a return, break, continue or goto, a call; null: the end of the block
    bool Alive = false;       ///< a thread may still run there
    bool IsRelease = false;   ///< a call that gives back the memory that the tasks live in
    bool IsEndThread = false; ///< a call that ends the thread
  };
  std::vector<Exit> exits() const;
  /// Whether some thread may go on until somebody does something for it.
  bool mayWait() const;
  /// Whether the function starts threads for others: it returns while some thread waits for what comes only later.
  bool isLeft() const;
  /// Whether tasks live in memory that a pointer leads to, and that may be given back.
  bool isBehindPointer() const;
  /// Whether some thread may run when \p Call is made.
  bool mayRunAt(const clang::CallExpr *Call) const;
  /// The start routines of the threads of \p D.
  llvm::SmallVector<const clang::FunctionDecl *, 2> entriesOf(const clang::ValueDecl *D) const;
  /// Whether the threads of \p D are told to end, and then end where they would block.
  bool isCancelled(const clang::ValueDecl *D) const;
  /// What the function returns, with 'return', when a spawn or another call fails; empty where that is not clear.
  std::string failureReturn() const;
  /// Whether the join of the scope fails only when something failed, and not because a task returned a value.
  bool errorsAreReal() const;
  /// The calls that end a thread which may run as a task, or with the scope open.
  std::vector<const clang::CallExpr *> endings() const { return Endings; }

  bool isBackground(const HandleUse &Spawn) const;
  bool nestsWith(const ScopePlace &Other) const;
  bool contains(const clang::Stmt *S) const;
  const clang::CompoundStmt *block() const { return Block; }
  /// The statement of the block that the scope goes before.
  const clang::Stmt *first() const { return First; }
  const clang::FunctionDecl *function() const { return In; }
  const clang::ParentMap &parents() const { return Parents; }
  llvm::ArrayRef<HandleUse> usesOf(const clang::ValueDecl *D) const { return All.usesOf(D); }
  bool isHandle(clang::QualType Type) const { return All.isHandle(Type); }
  std::optional<TaskFamily> familyOf(const clang::ValueDecl *D) const;
  /// The call that makes the memory for the handles that \p D points to.
  const clang::CallExpr *allocationOf(const clang::ValueDecl *D) const;

private:
  using Decls = llvm::ArrayRef<const clang::ValueDecl *>;
  std::string useProblem(const clang::ValueDecl *D) const;
  std::string backgroundProblem(const clang::ValueDecl *D) const;
  std::string spawnProblem(const HandleUse &Spawn) const;
  std::string attributeProblem(const HandleUse &Spawn) const;
  std::string declarationProblem(const clang::ValueDecl *D) const;
  std::string variableProblem(const clang::VarDecl *Var) const;
  std::string fieldProblem(const clang::FieldDecl *Field) const;
  std::string memoryProblem(const clang::VarDecl *Var) const;
  std::string jumpProblem();
  std::string overwriteProblem(const clang::ValueDecl *D, const HandleUse &Spawn) const;
  std::string lateUseProblem() const;
  std::string endProblem();
  bool isMany(const clang::ValueDecl *D) const;
  bool isZone(const clang::ValueDecl *D, const HandleUse &Spawn, const HandleUse &Use, const clang::Stmt *&Zone) const;
  void findHome();
  void findFirst();
  void eachSpawn(llvm::function_ref<void(const clang::ValueDecl *, const HandleUse &)> Visit) const;
  /// Calls \p Found for each place that a thread of \p Spawn may reach without a join: a return, a statement out of the
  /// scope, a call that releases its memory, null for the end of the function.
  void followAlive(const clang::ValueDecl *D, const HandleUse &Spawn,
                   llvm::function_ref<void(const clang::Stmt *)> Found) const;
  /// As above, with \p GoOn asked for everything on the way.
  void follow(const clang::ValueDecl *D, const HandleUse &Spawn,
              llvm::function_ref<bool(const clang::Stmt *)> GoOn) const;
  /// Whether no thread of \p D runs on when control leaves \p Declared in any way but to return.
  bool endsWithin(const clang::ValueDecl *D, const clang::CompoundStmt *Declared) const;

  const Unit &U;
  const Handles &All;
  const clang::FunctionDecl *In;
  const clang::CFG &Graph;
  const clang::ParentMap &Parents;
  const clang::CompoundStmt *Body;
  /// The innermost block that declares what holds one of the handles while its thread runs.
  const clang::CompoundStmt *Home = nullptr;
  const clang::CompoundStmt *Block = nullptr; ///< the one that gets the scope
  const clang::Stmt *First = nullptr;
  std::vector<const clang::CallExpr *> Endings;
};

/// The indentation that one level adds in \p Block.
std::string levelIn(const clang::CompoundStmt *Block, const Edits &E);
/// Whether \p Name stands in \p Text as a whole word.
bool hasWord(llvm::StringRef Text, llvm::StringRef Name);
/// Makes \p Type the type of handles that \p D is declared with; a value it starts with becomes that of a struct.
void replaceHandleType(const clang::ValueDecl *D, const std::string &Type, Edits &E);
/// The same where \p Loc is written.
void replaceHandleType(clang::TypeLoc Loc, const std::string &Type, Edits &E);
/// 'name', as reasons have it.
std::string quoted(const clang::NamedDecl *D);

} // namespace safespawn
