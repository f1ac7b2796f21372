// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which branches of a function a path has to take both ways. A branch is idle when nothing that matters to a rule
// happens between it and the place where its ways meet again: no described call, no return, no call that may not come
// back, and no assignment to anything that a later branch, call or return depends on. A path goes one way through an
// idle branch and learns nothing from it, so that it stands for both.
#pragma once

#include "checkers/Checkers.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/AnalysisManager.h"
#include "llvm/ADT/DenseMap.h"
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

namespace safespawn {

class Forks {
public:
  explicit Forks(const Analysis &A) : A(A), U(A.U) {}

  struct Way {
    bool Side;
    bool Holds; ///< the condition is known then: on the other side the process ends
  };
  /// The way to take at the branch on \p Condition in \p Frame; nullopt where both have to be taken.
  std::optional<Way> wayAt(const clang::Stmt *Condition, const clang::StackFrameContext *Frame,
                           clang::ento::AnalysisManager &Manager);

  /// Whether paths go into \p F, which has no effect that is of concern: it is short, and what it returns ties its
  /// callers' values together, or it may not come back.
  bool isFollowed(const clang::FunctionDecl *F, clang::ento::AnalysisManager &Manager);

  /// The local variables of the function at \p Frame that its effects, returns and further branches depend on.
  llvm::ArrayRef<const clang::VarDecl *> localsThatMatter(const clang::StackFrameContext *Frame,
                                                          clang::ento::AnalysisManager &Manager);

  /// Whether the effects, returns and further branches of \p F, and of what it calls, may depend on the field or
  /// variable \p What.
  bool matters(const clang::ValueDecl *What, const clang::FunctionDecl *F, clang::ento::AnalysisManager &Manager) {
    return factsOf(F, Manager).Matter.count(What);
  }
  /// The same, or those of the functions above \p Frame may, once it has returned.
  bool matters(const clang::ValueDecl *What, const clang::StackFrameContext *Frame,
               clang::ento::AnalysisManager &Manager) {
    return factsAt(Frame, Manager).Matter.count(What) || askedAbove(Frame, Manager).count(What);
  }

  /// Whether those of the function at \p Frame may so behind its block \p B, or, where \p Inner is false, in it.
  bool mattersIn(const clang::ValueDecl *What, const clang::CFGBlock *B, const clang::StackFrameContext *Frame,
                 bool Inner, clang::ento::AnalysisManager &Manager);

  /// Whether they may so behind the block \p At of the function \p Here, or in its callers once it has returned, up to
  /// \p Outside, to which the path never returns.
  bool mattersBehind(const clang::ValueDecl *What, const clang::CFGBlock *At, const clang::LocationContext *Here,
                     const clang::LocationContext *Outside, clang::ento::AnalysisManager &Manager);

  /// An exploration ends: frames of another one may lie at the same addresses.
  void clear() {
    AtFrame.clear();
    Above.clear();
  }

private:
  using Decls = llvm::SmallPtrSet<const clang::ValueDecl *, 16>;
  struct Facts {
    bool Done = false; ///< while they are found, a function that calls itself asks for its own
    llvm::DenseMap<const clang::Stmt *, Way> Ways;
    std::vector<const clang::VarDecl *> Locals;
    Decls Matter;
    Decls Writes;            ///< what it changes that outlives it, and the parameters through which it does
    std::vector<Decls> From; ///< what is read in a block, and behind it, by the number of the block
  };
  /// \p Asked: what matters besides, because others ask for it.
  Facts find(const clang::FunctionDecl *F, llvm::ArrayRef<const clang::ValueDecl *> Asked,
             clang::ento::AnalysisManager &Manager);
  const Facts &factsOf(const clang::FunctionDecl *F, clang::ento::AnalysisManager &Manager);
  /// The facts of the function at \p Frame where its callers ask for what it has written.
  const Facts &factsAt(const clang::StackFrameContext *Frame, clang::ento::AnalysisManager &Manager);
  /// What the callers at \p Frame ask for once it has returned: memory, and the parameters that lead to their
  /// variables.
  const Decls &askedAbove(const clang::StackFrameContext *Frame, clang::ento::AnalysisManager &Manager);
  bool isUnderWay(const clang::FunctionDecl *F) const;
  /// Whether what \p Call answers is anybody's guess, whatever it is given: a function that nobody here knows. (What it
  /// returns a pointer to is named by what it was asked.)
  bool answersAnything(const clang::CallExpr *Call);
  void addReads(const clang::Stmt *S, Decls &Out, clang::ento::AnalysisManager &Manager);
  /// The memory that \p F, with all that it calls, may ask for, except for what lies in its own frame.
  const Decls &memoryReadBy(const clang::FunctionDecl *F, clang::ento::AnalysisManager &Manager);

  /// A function with all that it calls, as it is written.
  struct Written {
    Decls Names;                    ///< the memory that it names
    Decls Writes;                   ///< of that what it changes
    bool ThroughParameters = false; ///< it changes what its parameters lead to
  };
  const Written &writtenBelow(const clang::FunctionDecl *F);

  const Analysis &A;
  const Unit &U;
  llvm::DenseMap<const clang::FunctionDecl *, std::unique_ptr<Written>> Below;
  std::map<std::pair<const clang::FunctionDecl *, Focus>, std::unique_ptr<Facts>> Known;
  std::map<std::tuple<const clang::FunctionDecl *, Focus, std::vector<const clang::ValueDecl *>>, Facts> KnownFor;
  /// The facts of \p F where others ask for \p Asked; not Done while they are found, for who calls itself.
  const Facts &factsFor(const clang::FunctionDecl *F, std::vector<const clang::ValueDecl *> Asked,
                        clang::ento::AnalysisManager &Manager);
  /// Adds what decides on what \p Call, of \p F, makes of what is in \p Matter.
  void addDeciding(const clang::CallExpr *Call, const clang::FunctionDecl *F, const Decls &Matter, Decls &Out,
                   clang::ento::AnalysisManager &Manager);
  llvm::DenseMap<const clang::StackFrameContext *, const Facts *> AtFrame;
  std::map<const clang::StackFrameContext *, Decls> Above;
  struct Reads {
    bool Done = false;
    Decls Memory;
  };
  std::map<std::pair<const clang::FunctionDecl *, Focus>, Reads> ReadBy;
  /// The types of the functions of this file that somebody may have a pointer to; filled in when somebody asks.
  std::optional<llvm::SmallPtrSet<const clang::Type *, 16>> PointedTo;
  /// Whether a function is a getter, a predicate, a thin layer.
  llvm::DenseMap<const clang::FunctionDecl *, bool> Small;
};

} // namespace safespawn
