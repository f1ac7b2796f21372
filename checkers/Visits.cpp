// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Visits.h"
#include "llvm/ADT/STLExtras.h"

using namespace clang;
using namespace ento;
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

/// Calls \p Do with what each path knows of each cell that either has.
template <typename Fn> static void forEachCell(const Visit::Cells &A, const Visit::Cells &B, Fn Do) {
  for (auto AtA = A.begin(), AtB = B.begin(); AtA != A.end() || AtB != B.end();) {
    const bool InA = AtA != A.end() && (AtB == B.end() || AtA->Region <= AtB->Region);
    const bool InB = AtB != B.end() && (AtA == A.end() || AtB->Region <= AtA->Region);
    const Visit::Cell &Any = InA ? *AtA : *AtB;
    Do(Any.Region, InA ? AtA->Value : Any.unwritten(), InB ? AtB->Value : Any.unwritten());
    AtA += InA;
    AtB += InB;
  }
}

bool Visit::memoryCovers(const Visit &Later) const {
  bool Covers = true;
  forEachCell(*Memory, *Later.Memory, [&](const MemRegion *, const Knowledge &Mine, const Knowledge &Theirs) {
    Covers &= Mine.covers(Theirs);
  });
  return Covers;
}

unsigned Visits::intern(const llvm::FoldingSetNodeID &Id) {
  return Numbers.try_emplace(Id, unsigned(Numbers.size())).first->second;
}

static Visit &withMemory(Visit &V, Visits::Recalls Recall) {
  if (!V.Memory)
    V.Memory = Recall(V.State);
  return V;
}

bool Visits::wasHere(const llvm::FoldingSetNodeID &Place, Visit Now, llvm::function_ref<bool(unsigned)> Ties,
                     Recalls Recall) {
  std::vector<Visit> &Here = Earlier[Place];
  // Memory is asked for only where the rest does not tell paths apart.
  for (Visit &Before : Here)
    if (covers(Before, Now, Ties) && withMemory(Before, Recall).memoryCovers(withMemory(Now, Recall)))
      return true;
  Here.push_back(std::move(Now));
  return false;
}

void Visits::clear() {
  Numbers.clear();
  Earlier.clear();
}
