// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Visits.h"
#include "llvm/ADT/STLExtras.h"

using namespace clang;
using namespace ento;
using namespace safespawn;

/// What the path of \p V knows of \p Of, one of its values or guards.
static const Knowledge &known(const Visit &V, Visit::Value &Of, const Visits::Questions &Ask) {
  if (!Of.Known)
    Of.Known = Ask.Of(V.State, Of.Is);
  return *Of.Known;
}

/// Whether a guard of which a path knows \p Known has an answer.
static bool isAnswered(const Knowledge &Known) {
  return Known.Holds != Knowledge::Either || Known.What == Knowledge::Other;
}

static bool sameAnswer(const Knowledge &A, const Knowledge &B) {
  return A.Holds == B.Holds && (A.What == Knowledge::Other) == (B.What == Knowledge::Other) && A.Object == B.Object;
}

/// Whether \p Before knew no more than \p Later does, as far as variables and guards go.
static bool covers(Visit &Before, Visit &Later, const Visits::Questions &Ask) {
  // In an earlier round there are more rounds to come, but the way out may be taken later only.
  for (auto [Mine, Theirs] : llvm::zip(Before.Rounds, Later.Rounds))
    if (Mine != Theirs && (Mine > Theirs || !Before.MayLeave))
      return false;
  if (Before.Values.size() != Later.Values.size())
    return false;
  for (auto [Mine, Theirs] : llvm::zip(Before.Values, Later.Values))
    if (!known(Before, Mine, Ask).covers(known(Later, Theirs, Ask)))
      return false;
  auto Theirs = Later.Guards.begin();
  for (auto &[Key, Value] : Before.Guards) {
    while (Theirs != Later.Guards.end() && Theirs->first < Key)
      ++Theirs;
    if (!Ask.Ties(Key) || !isAnswered(known(Before, Value, Ask)))
      continue;
    if (Theirs == Later.Guards.end() || Theirs->first != Key ||
        !sameAnswer(known(Later, Theirs->second, Ask), known(Before, Value, Ask)))
      return false;
  }
  return true;
}

static const Visit::Cells &memory(Visit &V, const Visits::Questions &Ask) {
  if (!V.Memory)
    V.Memory = Ask.Recall(V.State);
  return *V.Memory;
}

/// The same, of the memory that either has written.
static bool memoryCovers(Visit &Before, Visit &Later, const Visits::Questions &Ask) {
  const Visit::Cells &A = memory(Before, Ask), &B = memory(Later, Ask);
  for (auto AtA = A.begin(), AtB = B.begin(); AtA != A.end() || AtB != B.end();) {
    const bool InA = AtA != A.end() && (AtB == B.end() || AtA->Region <= AtB->Region);
    const bool InB = AtB != B.end() && (AtA == A.end() || AtB->Region <= AtA->Region);
    const Knowledge Mine = InA ? AtA->Value : Ask.OfUnwritten(Before.State, AtB->Region);
    if (!Mine.covers(InB ? AtB->Value : Ask.OfUnwritten(Later.State, AtA->Region)))
      return false;
    AtA += InA;
    AtB += InB;
  }
  return true;
}

unsigned Visits::intern(const llvm::FoldingSetNodeID &Id) {
  return Numbers.try_emplace(Id, unsigned(Numbers.size())).first->second;
}

bool Visits::wasHere(const llvm::FoldingSetNodeID &Place, Visit Now, const Questions &Ask) {
  std::vector<Visit> &Here = Earlier[Place];
  for (Visit &Before : Here)
    if (covers(Before, Now, Ask) && memoryCovers(Before, Now, Ask))
      return true;
  Here.push_back(std::move(Now));
  return false;
}

void Visits::clear() {
  Numbers.clear();
  Earlier.clear();
}
