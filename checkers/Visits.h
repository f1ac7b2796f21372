// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the paths of an exploration have been, and what they knew there. A path that comes to a place following the
// same objects in the same stages as an earlier one, and knowing all that the earlier one knew, has nothing new to
// tell: the earlier path went on in every way that this one can. Property simulation (Das, Lerner, Seigle: ESP, PLDI
// 2002), by choice instead of by union, so that every path that is left is a real one.
#pragma once

#include "clang/StaticAnalyzer/Core/PathSensitive/ProgramState.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/SVals.h"
#include "llvm/ADT/FoldingSet.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

namespace safespawn {

/// What a path knows of one value.
struct Knowledge {
  enum Kind : uint8_t {
    Anything,   ///< a symbol of which nothing is known
    Bounded,    ///< a number, or a symbol of which something is known
    Comparison, ///< of a symbol with a number, without an answer; what is known is known of the symbol
    Unset,      ///< no value yet
    Other,      ///< an object
  } What = Other;
  enum Answer : uint8_t { Either, No, Yes } Holds = Either; ///< whether it is not zero
  unsigned Object = 0;                                      ///< from Visits::intern
  int64_t Least = INT64_MIN, Most = INT64_MAX;

  bool operator==(const Knowledge &O) const {
    return std::tie(What, Holds, Object, Least, Most) == std::tie(O.What, O.Holds, O.Object, O.Least, O.Most);
  }
  /// Whether whoever knows this much of a value goes on in every way that one who knows \p O can.
  bool covers(const Knowledge &O) const {
    if (What == Anything)
      return O.What != Other;
    if (What == O.What && (What == Bounded || What == Comparison))
      return (Holds == Either || Holds == O.Holds) && Least <= O.Least && O.Most <= Most;
    return *this == O;
  }
  void Profile(llvm::FoldingSetNodeID &Id) const {
    Id.AddInteger(What);
    Id.AddInteger(Holds);
    Id.AddInteger(Object);
    Id.AddInteger(Least);
    Id.AddInteger(Most);
  }
};

/// A path at a place.
struct Visit {
  /// A value, and what the path knows of it: filled in when somebody asks.
  struct Value {
    clang::ento::SVal Is;
    std::optional<Knowledge> Known;
  };
  /// A piece of memory that the path has written, and what it knows of its value.
  struct Cell {
    const clang::ento::MemRegion *Region;
    Knowledge Value;
  };
  using Cells = llvm::SmallVector<Cell, 8>;

  clang::ento::ProgramStateRef State;
  /// How often the path has come to this block, and before that to those of the calls that led to it, from within.
  llvm::SmallVector<unsigned, 8> Rounds;
  bool MayLeave = false; ///< whether the condition of a loop may end it here and now
  /// Of the variables that matter, in one order at one place.
  llvm::SmallVector<Value, 16> Values;
  /// Of the guards that were asked, by their keys in ascending order.
  llvm::SmallVector<std::pair<unsigned, Value>, 8> Guards;
  /// Of other memory that matters, by its address in ascending order: filled in when somebody asks.
  std::optional<Cells> Memory;
};

class Visits {
public:
  /// How a path is asked. To know all that each path knows at each place takes longer than to explore it; most paths
  /// differ in the first thing that they are asked.
  struct Questions {
    /// What is known of a value.
    llvm::function_ref<Knowledge(clang::ento::ProgramStateRef, clang::ento::SVal)> Of;
    /// Whether a guard that is asked in several places has an answer, and which; of other guards nobody asks twice.
    llvm::function_ref<bool(unsigned)> Ties;
    /// What lies in memory that a path has written, and in that which only another one has.
    llvm::function_ref<Visit::Cells(clang::ento::ProgramStateRef)> Recall;
    llvm::function_ref<Knowledge(clang::ento::ProgramStateRef, const clang::ento::MemRegion *)> OfUnwritten;
  };

  /// A number that stands for \p Id, the same for the same.
  unsigned intern(const llvm::FoldingSetNodeID &Id);
  /// Whether one of the earlier visits of \p Place covers \p Now, which is one of them from now on. \p Place tells also
  /// what the path follows.
  bool wasHere(const llvm::FoldingSetNodeID &Place, Visit Now, const Questions &Ask);
  void clear();

private:
  std::map<llvm::FoldingSetNodeID, unsigned> Numbers;
  std::map<llvm::FoldingSetNodeID, std::vector<Visit>> Earlier;
};

} // namespace safespawn
