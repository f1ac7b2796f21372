// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Visits.h"
#include "llvm/ADT/STLExtras.h"

using namespace safespawn;

bool Visit::covers(const Visit &Later, llvm::function_ref<bool(unsigned)> Ties) const {
  // In an earlier round there are more rounds to come, but the way out may be taken later only.
  if (Round != Later.Round && (Round > Later.Round || !MayLeave))
    return false;
  if (!llvm::equal(Values, Later.Values, [](const Knowledge &A, const Knowledge &B) { return A.covers(B); }))
    return false;
  auto Known = Later.Guards.begin();
  for (const auto &[Key, Value] : Guards) {
    while (Known != Later.Guards.end() && Known->first < Key)
      ++Known;
    if (!Ties(Key))
      continue;
    if (Known == Later.Guards.end() || Known->first != Key || !(Known->second == Value))
      return false;
  }
  if (Round == Later.Round)
    return true; // what loops have left in memory is no more than the guards tell
  auto Mine = Memory.begin();
  for (const Cell &Theirs : Later.Memory) {
    if (Mine != Memory.end() && Mine->Region < Theirs.Region)
      return false; // this one knows what the later one does not
    if (Mine != Memory.end() && Mine->Region == Theirs.Region) {
      if (!Mine->Value.covers(Theirs.Value))
        return false;
      ++Mine;
    } else if (!Theirs.FromOutside || Theirs.Value.What == Knowledge::Other) {
      return false;
    }
  }
  return Mine == Memory.end();
}

unsigned Visits::intern(const llvm::FoldingSetNodeID &Id) {
  return Numbers.try_emplace(Id, unsigned(Numbers.size())).first->second;
}

bool Visits::wasHere(const llvm::FoldingSetNodeID &Place, Visit Now, llvm::function_ref<bool(unsigned)> Ties) {
  std::vector<Visit> &Here = Earlier[Place];
  if (llvm::any_of(Here, [&](const Visit &Before) { return Before.covers(Now, Ties); }))
    return true;
  Here.push_back(std::move(Now));
  return false;
}

void Visits::clear() {
  Numbers.clear();
  Earlier.clear();
}
