// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rules as the analyzer's checkers: safespawn.<family>.<Rule>, one per row of the table.
#pragma once

#include "checkers/Checkers.h"
#include "clang/AST/ASTConsumer.h"
#include "clang/StaticAnalyzer/Frontend/CheckerRegistry.h"

namespace safespawn {

/// Adds all checkers to \p Registry.
void registerCheckers(clang::ento::CheckerRegistry &Registry);

/// While it lives, checkers that this thread registers belong to \p Of, and the rules that are on are \p Rules. Without
/// one, the analyzer's own options decide (clang --analyze, scan-build) and the checkers own what they share.
class HostedRegistration {
public:
  HostedRegistration(Analysis &Of, const RuleSet &Rules);
  ~HostedRegistration();
  HostedRegistration(const HostedRegistration &) = delete;
};

/// In the place of our host where the compiler runs the analyzer by itself: while it lives, checkers know that
/// compiler.
class ForeignAnalysis : public clang::ASTConsumer {
public:
  explicit ForeignAnalysis(clang::CompilerInstance &CI);
  ~ForeignAnalysis() override;
};

} // namespace safespawn
