// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rules as C++ sees them: one enumerator per row of Rules.def, and a selection of them.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <bitset>
#include <string>

namespace safespawn {

enum class Rule {
#define SAFESPAWN_RULE(family, name, class, profile, summary) family##_##name,
#include "checkers/Rules.def"
};

struct RuleInfo {
  Rule Id;
  llvm::StringLiteral FullId;  ///< safespawn.thread.Leak
  llvm::StringLiteral ShortId; ///< thread.Leak
  llvm::StringLiteral Class;   ///< behavioral, resource or structural
  bool Strict;                 ///< only in profile strict
  llvm::StringLiteral Summary;
};

llvm::ArrayRef<RuleInfo> allRules();
const RuleInfo &infoOf(Rule R);
/// The rule whose full id is \p FullId, or null.
const RuleInfo *findRule(llvm::StringRef FullId);

/// Which rules are on.
class RuleSet {
public:
  static RuleSet profile(bool Strict);

  /// Applies a comma-separated list of globs on full or short ids, left to right; '-' before a glob turns rules off.
  /// \returns the first glob that fits no rule (nothing is changed then), or an empty string.
  std::string select(llvm::StringRef Globs);

  bool has(Rule R) const { return On[size_t(R)]; }
  void set(Rule R, bool Value = true) { On[size_t(R)] = Value; }
  bool none() const { return On.none(); }

private:
  std::bitset<64> On;
};

/// Whether \p Winner is reported instead of \p Loser where both fit one defect.
bool isOver(Rule Winner, Rule Loser);

/// The word of \p Candidates nearest to \p Word by edit distance.
llvm::StringRef nearest(llvm::StringRef Word, llvm::ArrayRef<llvm::StringRef> Candidates);

} // namespace safespawn
