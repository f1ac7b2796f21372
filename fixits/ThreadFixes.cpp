// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/ThreadFixes.h"

using namespace clang;
using namespace safespawn;

std::vector<Fix> safespawn::fixAtExit(const Unit &, Rule, const CallExpr *, const Meaning *, const Stmt *,
                                      const FunctionDecl *, bool, ento::AnalysisManager &) { return {}; }
std::vector<Fix> safespawn::fixOverwrite(const Unit &, const CallExpr *, const Meaning &, AnalysisDeclContext &) { return {}; }
std::vector<Fix> safespawn::fixUselessTest(const Unit &, const Meaning &, const BinaryOperator *) { return {}; }
std::vector<Fix> safespawn::fixIgnoredResult(const Unit &, const SpawnSite &, AnalysisDeclContext &) { return {}; }
std::vector<Fix> safespawn::fixLoopArgument(const Unit &, const SpawnSite &, const VarDecl *, AnalysisDeclContext &) { return {}; }
