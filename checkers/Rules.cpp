// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Rules.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/GlobPattern.h"

using namespace llvm;
using namespace safespawn;

static constexpr StringLiteral BEHAVIORAL = "behavioral", RESOURCE = "resource", STRUCTURAL = "structural";
static constexpr bool DEFAULT = false, STRICT = true;

static const RuleInfo Table[] = {
#define SAFESPAWN_RULE(family, name, class, profile, summary)                                                          \
  {Rule::family##_##name, "safespawn." #family "." #name, #family "." #name, class, profile, summary},
#include "checkers/Rules.def"
};
static_assert(std::size(Table) <= 64, "RuleSet has too few bits");

ArrayRef<RuleInfo> safespawn::allRules() { return Table; }
const RuleInfo &safespawn::infoOf(Rule R) { return Table[size_t(R)]; }

const RuleInfo *safespawn::findRule(StringRef FullId) {
  for (const RuleInfo &Info : Table)
    if (Info.FullId == FullId)
      return &Info;
  return nullptr;
}

bool safespawn::isOver(Rule Winner, Rule Loser) {
#define SAFESPAWN_OVER(winner_family, winner, loser_family, loser)                                                     \
  if (Winner == Rule::winner_family##_##winner && Loser == Rule::loser_family##_##loser)                               \
    return true;
#include "checkers/Rules.def"
  return false;
}

RuleSet RuleSet::profile(bool Strict) {
  RuleSet Set;
  for (const RuleInfo &Info : Table)
    Set.set(Info.Id, Strict || !Info.Strict);
  return Set;
}

std::string RuleSet::select(StringRef Globs) {
  RuleSet Result = *this;
  SmallVector<StringRef, 8> Parts;
  Globs.split(Parts, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (StringRef Part : Parts) {
    Part = Part.trim();
    StringRef Glob = Part;
    bool Value = !Glob.consume_front("-");
    Expected<GlobPattern> Pattern = GlobPattern::create(Glob);
    if (!Pattern) {
      consumeError(Pattern.takeError());
      return Part.str();
    }
    bool Any = false;
    for (const RuleInfo &Info : Table)
      if (Pattern->match(Info.FullId) || Pattern->match(Info.ShortId)) {
        Result.set(Info.Id, Value);
        Any = true;
      }
    if (!Any)
      return Part.str();
  }
  *this = Result;
  return "";
}

StringRef safespawn::nearest(StringRef Word, ArrayRef<StringRef> Candidates) {
  StringRef Best;
  unsigned BestDistance = ~0u;
  for (StringRef Candidate : Candidates)
    if (unsigned Distance = Word.edit_distance_insensitive(Candidate); Distance < BestDistance) {
      Best = Candidate;
      BestDistance = Distance;
    }
  return Best;
}
