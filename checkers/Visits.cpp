// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Visits.h"
#include "llvm/ADT/STLExtras.h"

using namespace safespawn;

/// Whether \p Before knew no more than \p Later does, as far as variables and guards go.
static bool covers(const Visit &Before, const Visit &Later, llvm::function_ref<bool(unsigned)> Ties) {
  // In an earlier round there are more rounds to come, but the way out may be taken later only.
  if (Before.Round != Later.Round && (Before.Round > Later.Round || !Before.MayLeave))
    return false;
  if (!llvm::equal(Before.Values, Later.Values, [](const Knowledge &A, const Knowledge &B) { return A.covers(B); }))
    return false;
  auto Known = Later.Guards.begin();
  for (const auto &[Key, Value] : Before.Guards) {
    while (Known != Later.Guards.end() && Known->first < Key)
      ++Known;
    if (!Ties(Key))
      continue;
    if (Known == Later.Guards.end() || Known->first != Key || !(Known->second == Value))
      return false;
  }
  return true;
}

bool Visit::memoryCovers(const Visit &Later) const {
  auto Mine = Memory->begin();
  for (const Cell &Theirs : *Later.Memory) {
    if (Mine != Memory->end() && Mine->Region < Theirs.Region)
      return false; // this one knows what the later one does not
    if (Mine != Memory->end() && Mine->Region == Theirs.Region) {
      if (!Mine->Value.covers(Theirs.Value))
        return false;
      ++Mine;
    } else if (!Theirs.FromOutside || Theirs.Value.What == Knowledge::Other) {
      return false;
    }
  }
  return Mine == Memory->end();
}

unsigned Visits::intern(const llvm::FoldingSetNodeID &Id) {
  return Numbers.try_emplace(Id, unsigned(Numbers.size())).first->second;
}

bool Visits::wasHere(const llvm::FoldingSetNodeID &Place, Visit Now, llvm::function_ref<bool(unsigned)> Ties,
                     llvm::function_ref<Visit::Cells(clang::ento::ProgramStateRef)> Recall) {
  std::vector<Visit> &Here = Earlier[Place];
  auto WithMemory = [&](Visit &V) -> Visit & {
    if (!V.Memory)
      V.Memory = Recall(V.State);
    return V;
  };
  for (Visit &Before : Here)
    // What loops have left in memory is asked for only where a round is left out; guards tell the rest.
    if (covers(Before, Now, Ties) && (Before.Round == Now.Round || WithMemory(Before).memoryCovers(WithMemory(Now))))
      return true;
  Here.push_back(std::move(Now));
  return false;
}

void Visits::clear() {
  Numbers.clear();
  Earlier.clear();
}
