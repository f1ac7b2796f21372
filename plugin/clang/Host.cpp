// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "plugin/clang/Host.h"
#include "checkers/Checkers.h"
#include "checkers/LlvmCompat.h"
#include "checkers/LockAttributes.h"
#include "checkers/Triage.h"
#include "fixits/ScopeRewrite.h"
#include "plugin/clang/Findings.h"
#include "plugin/clang/Isolation.h"
#include "plugin/clang/Registration.h"
#include "clang/CrossTU/CrossTranslationUnit.h"
#include "clang/StaticAnalyzer/Core/AnalyzerOptions.h"
#include "clang/StaticAnalyzer/Core/CheckerManager.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/ExprEngine.h"
#include <csignal>
#include <unistd.h>

using namespace clang;
using namespace ento;
using namespace safespawn;

namespace {

/// Steps that the proof of one function may take. A compile must not feel it; what needs more is named as unproved.
constexpr unsigned CompileBudget = 8000;
constexpr unsigned DeepBudget = 2000000;

class Host : public ASTConsumer {
public:
  Host(CompilerInstance &CI, Options Asked) : CI(CI), Asked(std::move(Asked)), Errors(CI.getDiagnostics()) {}

  bool HandleTopLevelDecl(DeclGroupRef Group) override {
    // An error since the last declaration lies in this one, or just before it.
    if (Errors.hasErrorOccurred()) {
      for (Decl *D : Group)
        Broken.insert(D);
      Errors.reset();
    }
    return true;
  }

  void HandleTranslationUnit(ASTContext &Context) override;

private:
  /// The functions to analyse, and what becomes of each; runs in the copy where there is one.
  void analyse(Unit &U, Findings &Found);
  void rewrite(const Unit &U, AnalysisManager &Manager, Findings &Found) const;
  void inject() const;
  void finish(Findings &Found);
  void complain(const llvm::Twine &What) const;
  std::string mainFile() const;

  CompilerInstance &CI;
  Options Asked;
  DiagnosticErrorTrap Errors;
  llvm::SmallPtrSet<const Decl *, 8> Broken;
};

} // namespace

std::string Host::mainFile() const {
  const SourceManager &SM = CI.getSourceManager();
  OptionalFileEntryRef Main = SM.getFileEntryRefForID(SM.getMainFileID());
  return Main ? Main->getName().str() : std::string();
}

void Host::complain(const llvm::Twine &What) const {
  // Not a diagnostic: the compile has nothing to do with it, and -Werror must not make it fail.
  llvm::errs() << "safespawn: warning: " << What << '\n';
}

void Host::inject() const {
  if (Asked.Inject == Options::Crash)
    raise(SIGSEGV);
  while (Asked.Inject == Options::Hang)
    pause();
}

void Host::finish(Findings &Found) {
  const SourceManager &SM = CI.getSourceManager();
  for (Problem &P : Found.Problems)
    if (P.At.isInvalid())
      P.At = SM.getLocForStartOfFile(SM.getMainFileID());
  Found.normalise(CI.getSourceManager());
  if (!Asked.ReportFile.empty())
    if (std::string Complaint = Found.write(Asked.ReportFile, CI.getSourceManager()); !Complaint.empty()) {
      DiagnosticsEngine &Diags = CI.getDiagnostics();
      Diags.Report(Diags.getCustomDiagID(DiagnosticsEngine::Error, "safespawn: %0")) << Complaint;
    }
  if (!Asked.Quiet)
    Found.print(CI.getDiagnostics(), Asked.Offer);
}

void Host::HandleTranslationUnit(ASTContext &Context) {
  Findings Found;
  if (Context.getLangOpts().CPlusPlus || Context.getLangOpts().ObjC) {
    Found.Problems.push_back({Problem::Skipped, "", "not C", {}});
    return finish(Found);
  }
  Models Known;
  if (Asked.ReadConfig) {
    for (const ConfigMistake &M : addUserModels(CI.getSourceManager(), CI.getDiagnostics(), Known))
      Found.Problems.push_back({Problem::Config, "", M.What, M.At});
    if (!Found.Problems.empty())
      return finish(Found);
  }
  Unit U(Context, std::move(Known));
  U.scan();
  Found.Seen = U.definitions().size();
  for (const FunctionDecl *F : U.definitions()) {
    Found.Relevant += U.hasEffect(F) || U.copiesSync(F) || U.passesTokens(F);
    if (Broken.count(F))
      U.markBroken(F);
    if (U.isBroken(F))
      Found.Problems.push_back({Problem::Skipped, F->getNameAsString(), "an error lies in it", F->getLocation()});
  }
  // After a fatal error Clang says nothing more; an error that lies in no function may be felt in all of them.
  DiagnosticsEngine &Diags = CI.getDiagnostics();
  if (Diags.hasFatalErrorOccurred())
    Found.Problems.push_back({Problem::Error, "", "the compile ended with a fatal error", {}});
  else if (Diags.hasErrorOccurred() && Found.Problems.empty())
    Found.Problems.push_back({Problem::Error, "", "an error lies outside of all functions", {}});
  const bool Injected = Asked.Inject != Options::None;
  if (((Found.Relevant || Asked.ToScope) && !Asked.Rules.none()) || Injected) {
    Outcome How;
    if (canIsolate()) {
      std::string Text;
      How = runIsolated(
          Asked.TimeLimit,
          [&] {
            inject();
            Findings Inner;
            analyse(U, Inner);
            return Inner.serialise();
          },
          Text);
      Findings Inner;
      if (How.How == Outcome::Done && !Findings::deserialise(Text, Inner))
        How = {Outcome::Crashed, "it returned no result"};
      if (How.How == Outcome::Done) {
        Found.Reports = std::move(Inner.Reports);
        Found.Rewrites = std::move(Inner.Rewrites);
        Found.Left = std::move(Inner.Left);
        Found.Suspects = Inner.Suspects;
        Found.Proved = Inner.Proved;
        Found.Problems.insert(Found.Problems.end(), Inner.Problems.begin(), Inner.Problems.end());
      }
    } else {
      How = runGuarded([&] { analyse(U, Found); });
    }
    const std::string NotAnalysed = "the compile is not affected, but this file was not analysed";
    if (How.How == Outcome::Crashed || How.How == Outcome::NotStarted) {
      complain("the analysis of '" + mainFile() + "' crashed (" + How.Detail + "): " + NotAnalysed);
      Found.Problems.push_back({Problem::Crash, "", "the analysis crashed: " + How.Detail, {}});
    } else if (How.How == Outcome::TimedOut) {
      complain("the analysis of '" + mainFile() + "' took longer than " + How.Detail + ": " + NotAnalysed);
      Found.Problems.push_back({Problem::Timeout, "", "the analysis took longer than " + How.Detail, {}});
    }
  }
  finish(Found);
}

void Host::analyse(Unit &U, Findings &Found) {
  ASTContext &Context = U.context();
  AnalyzerOptions Analyzer = CI.getAnalyzerOpts(); // a copy: the compile's own are not ours to change
  // They report nothing: what builtins return, that errno is one place, what memset and calloc leave behind.
  Analyzer.CheckersAndPackages = {{"core.builtin", true},
                                  {"apiModeling.Errno", true},
                                  {"unix.cstring.CStringModeling", true},
                                  {"unix.DynamicMemoryModeling", true}};
  for (const RuleInfo &Info : allRules())
    if (Asked.Rules.has(Info.Id))
      Analyzer.CheckersAndPackages.emplace_back(Info.FullId.str(), true);

  // In C these are the cleanup attribute's calls, at which the analyzer's paths end.
  Analyzer.ShouldIncludeImplicitDtorsInCFG = false;
  // A comparison is decided where a branch asks for it, and not at all where nothing depends on that branch.
  Analyzer.ShouldEagerlyAssume = false;

  Analysis Shared(U);
  Shared.Book.Hosted = true;
  Shared.Strict = Asked.Strict;
  HostedRegistration Registration(Shared, Asked.Rules);
  CheckerManager Checkers(Context, Analyzer, CI.getPreprocessor(), {}, {registerCheckers});
  auto Manager =
      compat::makeAnalysisManager(Context, CI.getPreprocessor(), makeFindingsConsumer(Found), CreateRegionStoreManager,
                                  CreateRangeConstraintManager, Checkers, Analyzer);
  cross_tu::CrossTranslationUnitContext CrossUnit(CI);
  const unsigned Budget = Asked.Deep ? DeepBudget : CompileBudget;
  Triage Filter(Shared, *Manager);
  llvm::SmallPtrSet<const FunctionDecl *, 16> Explored;
  // A matter of the proof, whether triage chooses what is proved or not: what a path passes by it need not know.
  Shared.Closed = [&Filter](const FunctionDecl *F) { return Filter.isClosed(F); };
  Shared.Concern = [&Filter](const FunctionDecl *F) -> const Focus & { return Filter.concern(F); };
  Shared.Waits = [&Filter](const FunctionDecl *F) { return Filter.mayWait(F); };
  struct Exploration {
    FunctionSummariesTy Summaries;
    SetOfConstDecls Inlined;
  };
  auto Explore = [&](const FunctionDecl *F, Exploration &Into) {
    Shared.On = {/*All=*/true, false, false, {}};
    if (Asked.Triage && !U.touchesScopes(F) && !hasLockAttributes(F))
      Shared.On = Filter.suspicion(F);
    ExprEngine Engine(CrossUnit, *Manager, &Into.Inlined, &Into.Summaries, ExprEngine::Inline_Regular);
    Engine.ExecuteWorkList(Manager->getAnalysisDeclContextManager().getStackFrame(F), Budget);
    if (!Shared.Trial)
      Engine.getBugReporter().FlushReports();
    return Engine.hasEmptyWorkList(); // a loop that was left early is no gap: PathModel says how
  };
  auto Count = [&](const FunctionDecl *F, bool Whole) {
    ++Found.Suspects;
    if (Whole)
      ++Found.Proved;
    else
      Found.Problems.push_back(
          {Problem::Unproved, F->getNameAsString(), "too many paths: the step budget ran out", F->getLocation()});
  };
  auto IsAnalysed = [&](const FunctionDecl *F) { return !U.isBroken(F) && Manager->getCFG(F); };
  auto IsRelevant = [&](const FunctionDecl *F) {
    return U.touchesHandles(F) || U.touchesSync(F) || U.touchesScopes(F);
  };

  // What only functions of this file call is judged from there. But where nothing goes wrong however it is called, what
  // made it suspect need not be followed again from each of its callers, and from theirs.
  const auto CallersFirst = U.callersFirst();
  Shared.Trial = true;
  for (const FunctionDecl *F : llvm::reverse(CallersFirst)) {
    if (!Asked.Triage || !IsAnalysed(F) || !IsRelevant(F) || !Filter.isSuspect(F) || Filter.standsAlone(F))
      continue;
    const unsigned Before = Shared.Book.Made;
    Exploration Alone;
    if (!Explore(F, Alone) || Shared.Book.Made != Before)
      continue;
    Count(F, true);
    Filter.clear(F);
  }
  Shared.Trial = false;

  Exploration Here;
  for (const FunctionDecl *F : CallersFirst) {
    if (!IsAnalysed(F))
      continue;
    {
      BugReporter Plain(*Manager);
      Checkers.runCheckersOnASTBody(F, *Manager, Plain);
      Plain.FlushReports();
    }
    if (!IsRelevant(F))
      continue;
    // What is seen from all of its callers need not be seen once more without them.
    if (!Filter.standsAlone(F) &&
        (Here.Inlined.count(F) || llvm::none_of(U.callersOf(F), [&](const FunctionDecl *Caller) {
           return Explored.count(Caller->getCanonicalDecl());
         })))
      continue;
    if (Asked.Triage && !Filter.isSuspect(F))
      continue;
    Explored.insert(F->getCanonicalDecl());
    Count(F, Explore(F, Here));
  }
  Manager->FlushDiagnostics();
  if (Asked.ToScope && (Asked.Offer != Options::ForReports || llvm::any_of(Found.Reports, isRepairable)))
    rewrite(U, *Manager, Found);
}

void Host::rewrite(const Unit &U, AnalysisManager &Manager, Findings &Found) const {
  RewriteOptions How;
  How.Limit = Asked.Limit;
  How.Detached = Asked.Detached == Options::Service      ? RewriteOptions::Service
                 : Asked.Detached == Options::Background ? RewriteOptions::Background
                                                         : RewriteOptions::Keep;
  for (ScopeRewrite &One : rewriteAsScopes(U, How, Manager)) {
    if (!One.Why.empty()) {
      Found.Left.push_back({One.At, One.In->getNameAsString(), One.What, One.Why});
      continue;
    }
    Rewrite Known;
    Known.Name = One.Edits.Name;
    Known.Title = One.Edits.Title;
    Known.Function = One.In->getNameAsString();
    Known.At = One.At;
    Known.Calls = std::move(One.Calls);
    Known.NeedsRuntime = true;
    if (!One.Note.empty())
      Known.Notes.push_back({One.At, One.Note});
    for (const FixItHint &Hint : One.Edits.Hints)
      Known.Edits.push_back(editOf(Hint, U.context().getSourceManager()));
    Found.Rewrites.push_back(std::move(Known));
  }
}

std::unique_ptr<ASTConsumer> safespawn::makeHost(CompilerInstance &CI, Options Asked) {
  return std::make_unique<Host>(CI, std::move(Asked));
}
