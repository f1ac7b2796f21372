// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "plugin/clang/Registration.h"
#include "plugin/clang/Options.h"
#include "clang/AST/ASTContext.h"
#include "clang/StaticAnalyzer/Core/AnalyzerOptions.h"
#include "clang/StaticAnalyzer/Core/CheckerManager.h"

using namespace clang;
using namespace ento;
using namespace safespawn;

namespace {

struct Hosting {
  Analysis *Of;
  const RuleSet *Rules;
};
/// The registry takes plain functions, so what they belong to has to wait here. Per thread: clangd analyses in several.
thread_local Hosting *Current = nullptr;
thread_local Hosting Slot;
/// The compiler that runs the analyzer by itself.
thread_local CompilerInstance *Compiler = nullptr;

constexpr llvm::StringLiteral ProfileOption = "Profile";
constexpr llvm::StringLiteral PathModelName = "safespawn.model.Paths";

/// What the checkers share when nobody else owns it.
struct OwnAnalysis {
  explicit OwnAnalysis(ASTContext &Context, Models Known) : U(Context, std::move(Known)), A(U) {}
  Unit U;
  Analysis A;
};

/// The registry that was filled last and is not used yet. A plugin that is named twice is asked twice for one registry.
thread_local const CheckerRegistry *Filled = nullptr;

void registerModel(CheckerManager &Manager) {
  Filled = nullptr;
  if (Current)
    return registerPathModel(Manager, *Current->Of, nullptr);
  ASTContext &Context = Manager.getASTContext();
  Models Known;
  addUserModels(Context.getSourceManager(), Context.getDiagnostics(), Known); // it has said what is wrong
  auto Own = std::make_shared<OwnAnalysis>(Context, std::move(Known));
  switch (Manager.getAnalyzerOptions().AnalysisDiagOpt) {
  case PD_HTML:
  case PD_HTML_SINGLE_FILE:
  case PD_PLIST_HTML:
  case PD_SARIF_HTML:
    Own->A.Book.Pages = true;
    break;
  default:
    break;
  }
  Own->A.Strict = Manager.getAnalyzerOptions().getCheckerStringOption(PathModelName, ProfileOption,
                                                                      /*SearchInParents=*/true) == "strict";
  registerPathModel(Manager, Own->A, Own);
  registerAnalyzerDoor(Manager, Own->A, Compiler);
}

template <Rule R> void enableRule(CheckerManager &Manager) { analysisOf(Manager).Book.enable(R, Manager); }

template <Rule R> bool shouldEnable(const CheckerManager &Manager) {
  if (Current)
    return Current->Rules->has(R);
  const RuleInfo &Info = infoOf(R);
  const AnalyzerOptions &Options = Manager.getAnalyzerOptions();
  // Named by itself, a strict rule is wanted whatever the profile.
  for (const auto &[Name, Enabled] : Options.CheckersAndPackages)
    if (Enabled && Name == Info.FullId)
      return true;
  return !Info.Strict ||
         Options.getCheckerStringOption(Info.FullId, ProfileOption, /*SearchInParents=*/true) == "strict";
}

bool always(const CheckerManager &) { return true; }

constexpr llvm::StringLiteral HandlesName = "safespawn.model.ThreadHandles";
constexpr llvm::StringLiteral SpawnsName = "safespawn.model.ThreadSpawns";
constexpr llvm::StringLiteral LockStateName = "safespawn.model.LockState";
constexpr llvm::StringLiteral LockUseName = "safespawn.model.LockUse";
constexpr llvm::StringLiteral ScopeStateName = "safespawn.model.ScopeState";
constexpr llvm::StringLiteral ScopeUseName = "safespawn.model.ScopeUse";
constexpr llvm::StringLiteral ModelNames[] = {HandlesName, SpawnsName,     LockStateName,
                                              LockUseName, ScopeStateName, ScopeUseName};

} // namespace

HostedRegistration::HostedRegistration(Analysis &Of, const RuleSet &Rules) {
  Slot = {&Of, &Rules};
  Current = &Slot;
}
ForeignAnalysis::ForeignAnalysis(CompilerInstance &CI) { Compiler = &CI; }
ForeignAnalysis::~ForeignAnalysis() { Compiler = nullptr; }

HostedRegistration::~HostedRegistration() { Current = nullptr; }

void safespawn::registerCheckers(CheckerRegistry &Registry) {
  if (std::exchange(Filled, &Registry) == &Registry)
    return;
  constexpr llvm::StringLiteral Docs = "docs/rules";
  Registry.addPackage("safespawn");
  Registry.addPackageOption("string", "safespawn", ProfileOption, "default",
                            "default: a report is a defect; strict: also what library code ought to have", "released");
  Registry.addChecker(registerModel, always, PathModelName, "how paths are explored", Docs, /*IsHidden=*/true);
  Registry.addChecker([](CheckerManager &M) { registerThreadHandles(M, analysisOf(M)); }, always, HandlesName,
                      "follows threads' handles", Docs, /*IsHidden=*/true);
  Registry.addChecker([](CheckerManager &M) { registerThreadSpawns(M, analysisOf(M)); }, always, SpawnsName,
                      "looks at spawns as written", Docs, /*IsHidden=*/true);
  Registry.addChecker([](CheckerManager &M) { registerLockState(M, analysisOf(M)); }, always, LockStateName,
                      "follows locks", Docs, /*IsHidden=*/true);
  Registry.addChecker([](CheckerManager &M) { registerLockUse(M, analysisOf(M)); }, always, LockUseName,
                      "looks at locks as written", Docs, /*IsHidden=*/true);
  Registry.addChecker([](CheckerManager &M) { registerScopeState(M, analysisOf(M)); }, always, ScopeStateName,
                      "follows scopes", Docs, /*IsHidden=*/true);
  Registry.addChecker([](CheckerManager &M) { registerScopeUse(M, analysisOf(M)); }, always, ScopeUseName,
                      "looks at scopes as written", Docs, /*IsHidden=*/true);
  // Whatever else is on: exit() ends a path, and __builtin_expect() is its argument.
  Registry.addDependency(PathModelName, "core.builtin.BuiltinFunctions");
  Registry.addDependency(PathModelName, "core.builtin.NoReturnFunctions");
  // Memory that malloc has just given holds nothing yet: a lock in it was not made.
  Registry.addDependency(LockStateName, "unix.DynamicMemoryModeling");
  for (llvm::StringRef Model : ModelNames)
    Registry.addDependency(Model, PathModelName);
#define SAFESPAWN_RULE(family, name, class, profile, summary)                                                          \
  Registry.addChecker(enableRule<Rule::family##_##name>, shouldEnable<Rule::family##_##name>,                          \
                      "safespawn." #family "." #name, summary, Docs, /*IsHidden=*/false);                              \
  for (llvm::StringRef Model : ModelNames)                                                                             \
    Registry.addDependency("safespawn." #family "." #name, Model);
#include "checkers/Rules.def"
}
