// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an exploration is about. Triage names the locks for which a function is suspect; its paths then follow these and
// nothing else: calls that concern other locks or threads only are passed by, and branches that lead to such calls
// alone are taken one way (program slicing, Weiser, ICSE 1981, with the suspicion as the criterion).
#pragma once

#include "clang/AST/Decl.h"
#include "clang/AST/Expr.h"
#include <set>
#include <tuple>

namespace safespawn {

struct Focus {
  bool All = false;     ///< everything: the other members tell nothing then
  bool Waits = false;   ///< also the calls that may wait for others
  bool Threads = false; ///< also threads and their handles
  bool Syncs = false;   ///< also all locks, conditions and the like
  /// Locks, conditions and the like, by the variable or field that they are (elements of).
  std::set<const clang::ValueDecl *> Objects;

  static Focus everything() {
    Focus F;
    F.All = true;
    return F;
  }
  bool empty() const { return !All && !Waits && !Threads && !Syncs && Objects.empty(); }
  /// Whether the lock or the like \p Declared concerns this; null for one that only a pointer leads to.
  bool isOn(const clang::ValueDecl *Declared) const { return All || Syncs || !Declared || Objects.count(Declared); }
  /// Whether something that concerns \p Other may concern this.
  bool meets(const Focus &Other) const;
  void add(const Focus &Other);
  bool operator==(const Focus &O) const { return members() == O.members(); }
  bool operator<(const Focus &O) const { return members() < O.members(); }

private:
  std::tuple<const bool &, const bool &, const bool &, const bool &, const std::set<const clang::ValueDecl *> &>
  members() const {
    return std::tie(All, Waits, Threads, Syncs, Objects);
  }
};

/// The variable or field that \p Pointer points to (an element of); null where only its value tells.
const clang::ValueDecl *objectNamed(const clang::Expr *Pointer);
/// Whether \p Declared holds objects, and not pointers to such as lie elsewhere.
bool holdsObjects(const clang::ValueDecl *Declared);

} // namespace safespawn
