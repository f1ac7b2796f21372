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
#include <optional>
#include <unistd.h>

using namespace clang;
using namespace ento;
using namespace safespawn;

namespace {

/// Steps that the proof of one function may take. A compile must not feel it; what needs more is named as unproved. As
/// much again is given where the end is near.
constexpr unsigned CompileBudget = 16000;
constexpr unsigned DeepBudget = 2000000;

/// One file under analysis: the rules about code as it is written, triage, then proof.
class Session {
public:
  /// What is found goes into \p Found.
  Session(CompilerInstance &CI, const Options &Asked, Unit &U, Findings &Found);
  /// Applies the rules about code as it is written. \returns whether triage leaves anything to prove.
  bool look();
  /// Proves it. What was found is there only after finish().
  void prove();
  void finish();

private:
  static AnalyzerOptions optionsFor(CompilerInstance &CI, const Options &Asked);
  bool isAnalysed(const FunctionDecl *F) const { return !U.isBroken(F) && Manager->getCFG(F); }
  bool isRelevant(const FunctionDecl *F) const { return U.touchesHandles(F) || U.touchesSync(F) || U.touchesScopes(F); }
  struct Exploration {
    FunctionSummariesTy Summaries;
    SetOfConstDecls Inlined;
  };
  /// Explores \p F, for what triage suspects or for everything. \returns whether all paths were seen.
  bool explore(const FunctionDecl *F, Exploration &Into, bool Everything);
  void count(const FunctionDecl *F, bool Whole);
  void rewrite();

  const Options &Asked;
  Unit &U;
  Findings &Found;
  AnalyzerOptions Analyzer; // a copy: the compile's own are not ours to change
  Analysis Shared;
  HostedRegistration Registration;
  CheckerManager Checkers;
  std::unique_ptr<AnalysisManager> Manager;
  cross_tu::CrossTranslationUnitContext CrossUnit;
  Triage Filter;
  std::vector<const FunctionDecl *> CallersFirst;
};

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
  /// Analyses the file, in the copy where there is one and it is worth one; what becomes of it is in \p Found.
  Outcome analyse(Unit &U, Findings &Found) const;
  void inject(Options::Injection When) const;
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

void Host::inject(Options::Injection What) const {
  if (Asked.Inject != What)
    return;
  while (What == Options::Hang)
    pause();
  raise(SIGSEGV);
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
  IdentifierTable &Names = Context.Idents;
  IdentifierInfoLookup *Precompiled = Names.getExternalIdentifierLookup();
  Models Known(
      [&](StringRef Call) { return Names.find(Call) != Names.end() || (Precompiled && Precompiled->get(Call)); });
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
  if (((Found.Relevant || Asked.ToScope) && !Asked.Rules.none()) || Asked.Inject != Options::None) {
    Findings Inner;
    const Outcome How = analyse(U, Inner);
    const std::string NotAnalysed = "the compile is not affected, but this file was not analysed";
    if (How.How == Outcome::Done) {
      Found.Reports = std::move(Inner.Reports);
      Found.Rewrites = std::move(Inner.Rewrites);
      Found.Left = std::move(Inner.Left);
      Found.Suspects = Inner.Suspects;
      Found.Proved = Inner.Proved;
      Found.Problems.insert(Found.Problems.end(), Inner.Problems.begin(), Inner.Problems.end());
    } else if (How.How == Outcome::TimedOut) {
      complain("the analysis of '" + mainFile() + "' took longer than " + How.Detail + ": " + NotAnalysed);
      Found.Problems.push_back({Problem::Timeout, "", "the analysis took longer than " + How.Detail, {}});
    } else {
      complain("the analysis of '" + mainFile() + "' crashed (" + How.Detail + "): " + NotAnalysed);
      Found.Problems.push_back({Problem::Crash, "", "the analysis crashed: " + How.Detail, {}});
    }
  }
  finish(Found);
}

Outcome Host::analyse(Unit &U, Findings &Found) const {
  // A copy of the process costs as much as the passes that look at each function once, and most files need no more than
  // these. The analyzer's engine, which goes wherever the code leads it, has a copy to itself.
  auto Run = std::make_unique<std::optional<Session>>();
  bool Left = false;
  Outcome How = runGuarded([&] {
    inject(Options::CrashEarly);
    Run->emplace(CI, Asked, U, Found);
    Left = (*Run)->look() || Asked.ToScope || Asked.Inject != Options::None;
    if (!Left)
      (*Run)->finish();
  });
  if (How.How != Outcome::Done) {
    (void)Run.release(); // what a crash left behind cannot be taken down
    return How;
  }
  if (!Left)
    return How;
  auto Prove = [&] {
    inject(Options::Crash);
    inject(Options::Hang);
    (*Run)->prove();
    (*Run)->finish();
  };
  if (!canIsolate()) {
    How = runGuarded(Prove);
    if (How.How != Outcome::Done)
      (void)Run.release();
    return How;
  }
  std::string Text;
  How = runIsolated(
      Asked.TimeLimit,
      [&] {
        Prove();
        return Found.serialise();
      },
      Text);
  Run.reset(); // our own half of it finds what look() found
  Found = {};
  if (How.How == Outcome::Done && !Findings::deserialise(Text, Found))
    How = {Outcome::Crashed, "it returned no result"};
  return How;
}

AnalyzerOptions Session::optionsFor(CompilerInstance &CI, const Options &Asked) {
  AnalyzerOptions Analyzer = CI.getAnalyzerOpts();
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
  // How often a function was followed elsewhere in the file must not decide whether it is followed here.
  Analyzer.MaxTimesInlineLarge = UINT_MAX;
  // A comparison is decided where a branch asks for it, and not at all where nothing depends on that branch.
  Analyzer.ShouldEagerlyAssume = false;
  return Analyzer;
}

Session::Session(CompilerInstance &CI, const Options &Asked, Unit &U, Findings &Found)
    : Asked(Asked), U(U), Found(Found), Analyzer(optionsFor(CI, Asked)), Shared(U, Asked.Strict, /*Hosted=*/true),
      Registration(Shared, Asked.Rules), Checkers(U.context(), Analyzer, CI.getPreprocessor(), {}, {registerCheckers}),
      Manager(compat::makeAnalysisManager(U.context(), CI.getPreprocessor(), makeFindingsConsumer(Found),
                                          CreateRegionStoreManager, CreateRangeConstraintManager, Checkers, Analyzer)),
      CrossUnit(CI), Filter(Shared, *Manager), CallersFirst(U.callersFirst()) {
  // A matter of the proof, whether triage chooses what is proved or not: what a path passes by it need not know.
  Shared.Closed = [this](const FunctionDecl *F) { return Filter.isClosed(F); };
  Shared.Concern = [this](const FunctionDecl *F) -> const Focus & { return Filter.concern(F); };
  Shared.Waits = [this](const FunctionDecl *F) { return Filter.mayWait(F); };
}

bool Session::explore(const FunctionDecl *F, Exploration &Into, bool Everything) {
  Shared.On = Everything || U.touchesScopes(F) || hasLockAttributes(F) ? Focus::everything() : Filter.suspicion(F);
  Shared.Unbalanced = hasLockAttributes(F);
  Shared.LeavesThreads = false;
  Shared.Before = Shared.Book.Made;
  ExprEngine Engine(CrossUnit, *Manager, &Into.Inlined, &Into.Summaries, ExprEngine::Inline_Regular);
  Shared.Doubtful = Asked.Deep ? 0 : CompileBudget;
  Shared.GivenUp = false;
  Engine.ExecuteWorkList(Manager->getAnalysisDeclContextManager().getStackFrame(F),
                         Asked.Deep ? DeepBudget : 2 * CompileBudget);
  if (!Shared.Trial)
    Engine.getBugReporter().FlushReports();
  return !Shared.GivenUp && Engine.hasEmptyWorkList(); // a loop that was left early is no gap: PathModel says how
}

void Session::count(const FunctionDecl *F, bool Whole) {
  ++Found.Suspects;
  if (Whole)
    ++Found.Proved;
  else
    Found.Problems.push_back(
        {Problem::Unproved, F->getNameAsString(), "too many paths: the step budget ran out", F->getLocation()});
}

bool Session::look() {
  for (const FunctionDecl *F : CallersFirst)
    if (isAnalysed(F)) {
      BugReporter Plain(*Manager);
      Checkers.runCheckersOnASTBody(F, *Manager, Plain);
      Plain.FlushReports();
    }
  // Callees first: what is known of a suspect one may clear its callers, once it is proved.
  return llvm::any_of(llvm::reverse(CallersFirst), [&](const FunctionDecl *F) {
    return isAnalysed(F) && isRelevant(F) && (!Asked.Triage || Filter.isSuspect(F));
  });
}

void Session::prove() {
  // Callees first: what is known of them need not be followed again from each of their callers, and from theirs. What
  // only functions of this file call is judged from there, but where nothing goes wrong however it is called there is
  // nothing to judge. (Without triage too, so that the same is passed by.)
  llvm::SmallPtrSet<const FunctionDecl *, 16> Clean, Explored;
  llvm::DenseMap<const FunctionDecl *, SetOfConstDecls> Unproved; // and what was seen of others there
  Shared.Trial = true;
  for (const FunctionDecl *F : llvm::reverse(CallersFirst)) {
    if (!isAnalysed(F) || !isRelevant(F) || !U.isCalled(F) || !Filter.isSuspect(F))
      continue;
    Exploration Apart;
    const bool Whole = explore(F, Apart, /*Everything=*/false);
    if (Shared.isDecided())
      continue;
    if (!Whole) {
      Unproved[F->getCanonicalDecl()] = std::move(Apart.Inlined);
      continue;
    }
    Filter.balance(F, !Shared.Unbalanced, !Shared.LeavesThreads);
    if (!Asked.Triage)
      continue;
    count(F, true);
    Clean.insert(F->getCanonicalDecl());
    if (!Filter.standsAlone(F))
      Filter.clear(F);
  }
  Shared.Trial = false;

  // Callers first: they show what is meant.
  Exploration Here;
  for (const FunctionDecl *F : CallersFirst) {
    if (!isAnalysed(F) || !isRelevant(F) || Clean.count(F->getCanonicalDecl()))
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
    if (auto Tried = Unproved.find(F->getCanonicalDecl()); Asked.Triage && Tried != Unproved.end()) {
      // As far as the budget goes nothing was found, and nothing would be the second time.
      Here.Inlined.insert(Tried->second.begin(), Tried->second.end());
      count(F, false);
      continue;
    }
    count(F, explore(F, Here, /*Everything=*/!Asked.Triage));
  }
}

void Session::finish() {
  Manager->FlushDiagnostics();
  if (Asked.ToScope && (Asked.Offer != Options::ForReports || llvm::any_of(Found.Reports, isRepairable)))
    rewrite();
}

void Session::rewrite() {
  RewriteOptions How;
  How.Limit = Asked.Limit;
  How.Detached = Asked.Detached == Options::Service      ? RewriteOptions::Service
                 : Asked.Detached == Options::Background ? RewriteOptions::Background
                                                         : RewriteOptions::Keep;
  for (ScopeRewrite &One : rewriteAsScopes(U, How, *Manager)) {
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
