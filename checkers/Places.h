// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How an object is reached, as a name that survives calls. The analyzer forgets what a pointer in memory points to at
// each call that might have changed it; a lock that is reached by the same steps before and after such a call is one
// lock all the same, because nobody replaces a lock that is held. A pointer that was assigned on the path names what
// was assigned. Rules that need certainty ask isSure().
#pragma once

#include "checkers/Unit.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CallEvent.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CheckerContext.h"
#include <map>

namespace safespawn {

/// The names of one exploration, each the same number on all of its paths.
class Places {
public:
  /// A name; none where the memory is not known.
  using Name = unsigned;
  static constexpr Name None = 0;

  /// The name of the object at \p Region.
  Name ofObject(const clang::ento::MemRegion *Region, clang::ento::ProgramStateRef State);
  /// The name of what \p Value is: where it was read from, or what it points to.
  Name ofValue(clang::ento::SVal Value, clang::ento::ProgramStateRef State);

  /// The last declaration on the way to \p Place: a field, a variable, the function that was asked for it; or null.
  const clang::ValueDecl *declarationOf(Name Place) const;
  /// Whether \p Place lies in \p Object, or behind a pointer that is found in it.
  bool isWithin(Name Place, Name Object) const;
  /// Whether \p Place is \p Object or a part of it.
  bool isPartOf(Name Place, Name Object) const;
  /// The variable that \p Place is (a part of), without going through a pointer; or null.
  const clang::VarDecl *variableOf(Name Place) const;
  /// The frame of that variable, when it is an automatic one.
  const clang::StackFrameContext *frameOf(Name Place) const;
  /// Whether an element of an array lies on the way to \p Place.
  bool isInArray(Name Place) const;
  /// Whether two elements of one array that have two names may be one: of one of them the index is not known.
  bool mayBeOneElement(Name A, Name B) const;
  /// The declarations of the pointers that are followed on the way to \p Place, and of what indexes are made of; false
  /// when a call is asked, too.
  bool readsOf(Name Place, llvm::SmallVectorImpl<const clang::ValueDecl *> &Pointers,
               llvm::SmallVectorImpl<const clang::ValueDecl *> &Indexes) const;
  /// How the user would write \p Place, or an empty string.
  std::string written(Name Place) const;

  /// Remembers what was asked for the pointer that \p Call returned: asked again, it is the same place.
  clang::ento::ProgramStateRef remember(clang::ento::ProgramStateRef State, const clang::ento::CallEvent &Call);
  static clang::ento::ProgramStateRef forgetDead(clang::ento::ProgramStateRef State, clang::ento::SymbolReaper &Reaper);

  /// Forgets all names: those of another exploration mean other memory.
  void clear();

private:
  enum Kind : uint8_t {
    Variable, ///< Decl, with Data as the frame of an automatic one
    Member,   ///< Decl of Base
    Element,  ///< number Index of Base, which is seen as an array of Data
    Pointee,  ///< what the value Base points to
    Content,  ///< the value that was read from Base
    Address,  ///< the value that points to Base
    Number,   ///< Data as a constant
    Computed, ///< Base, Index and Data as the operation
    Asked,    ///< what the function Decl returned for the list Base of arguments
    Argument, ///< of a list: the value Base, after the list Index
    Unnamed,  ///< Data as a symbol or region of which no more is known
  };
  struct Node {
    Kind K;
    Name Base, Index;
    const clang::ValueDecl *Decl;
    const void *Data;
    bool operator<(const Node &O) const {
      return std::tie(K, Base, Index, Decl, Data) < std::tie(O.K, O.Base, O.Index, O.Decl, O.Data);
    }
  };
  Name intern(Kind K, Name Base, Name Index, const clang::ValueDecl *Decl, const void *Data);
  Name ofSymbol(clang::ento::SymbolRef Symbol, clang::ento::ProgramStateRef State);
  const Node &node(Name N) const { return Nodes[N - 1]; }

  std::vector<Node> Nodes;
  std::map<Node, Name> Known;
};

} // namespace safespawn
