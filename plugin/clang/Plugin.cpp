// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The doors to Clang: an action that runs in every compile and in clangd, and checkers for the analyzer.
#include "plugin/clang/Host.h"
#include "plugin/clang/Registration.h"
#include "plugin/loader.h"
#include "clang/Frontend/CompilerInstance.h"
#include "clang/Frontend/FrontendPluginRegistry.h"
#include "clang/StaticAnalyzer/Frontend/CheckerRegistry.h"
#include <dlfcn.h>

using namespace clang;
using namespace safespawn;

namespace {

/// Whether nobody named the plugin: it came into the process by itself, as it does in clangd.
bool isPreloadedOnly(const CompilerInstance &CI) {
  auto Ask = reinterpret_cast<safespawn_was_preloaded_fn>(dlsym(RTLD_DEFAULT, "safespawn_was_preloaded"));
  if (!Ask || !Ask())
    return false;
  return llvm::none_of(CI.getFrontendOpts().Plugins, [](StringRef Path) { return Path.ends_with("safespawn.so"); });
}

class Action : public PluginASTAction {
  Options Asked;

  std::unique_ptr<ASTConsumer> CreateASTConsumer(CompilerInstance &CI, StringRef) override {
    // Under --analyze the checkers are there already; C++ comes later.
    if (CI.getFrontendOpts().ProgramAction == frontend::RunAnalysis)
      return std::make_unique<ForeignAnalysis>(CI);
    if (isPreloadedOnly(CI)) {
      if (std::string Complaint = Options::fromEnvironment(Asked); !Complaint.empty()) {
        DiagnosticsEngine &Diags = CI.getDiagnostics();
        Diags.Report(Diags.getCustomDiagID(DiagnosticsEngine::Error, "safespawn: %0")) << Complaint;
      }
    }
    return makeHost(CI, Asked);
  }

  bool ParseArgs(const CompilerInstance &CI, const std::vector<std::string> &Arguments) override {
    return Options::parse(Arguments, CI.getDiagnostics(), Asked);
  }

  // Before the main action: a report that -Werror makes an error must stop the object from being written.
  ActionType getActionType() override { return AddBeforeMainAction; }
};

FrontendPluginRegistry::Add<Action> Registered("safespawn", "unsafe concurrency in C, made visible and repaired");

} // namespace

// The analyzer looks these two up by name, through the loader.
extern "C" __attribute__((visibility("default"))) const char clang_analyzerAPIVersionString[] =
    CLANG_ANALYZER_API_VERSION_STRING;

extern "C" __attribute__((visibility("default"))) void clang_registerCheckers(ento::CheckerRegistry &Registry) {
  registerCheckers(Registry);
}
