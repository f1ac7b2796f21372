// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the analyzer is run by somebody else (clang --analyze, scan-build), it has three habits that our host has not:
// it explores no function of a header for its own sake, a page of its lists every assumption and every branch on the
// way, and in C its paths end where a variable with the cleanup attribute does. This makes up for the first two for our
// reports alone; paths go on for all checkers.
#include "checkers/Checkers.h"
#include "checkers/Story.h"
#include "clang/CrossTU/CrossTranslationUnit.h"
#include "clang/Frontend/CompilerInstance.h"
#include "clang/StaticAnalyzer/Core/AnalyzerOptions.h"
#include "clang/StaticAnalyzer/Core/Checker.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/AnalysisManager.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/CheckerContext.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/ExprEngine.h"

using namespace clang;
using namespace ento;
using namespace safespawn;

namespace {

class AnalyzerDoor : public Checker<check::BeginFunction, check::EndOfTranslationUnit> {
public:
  Analysis *A = nullptr;
  CompilerInstance *CI = nullptr;

  void checkBeginFunction(CheckerContext &C) const { Explored.insert(C.getLocationContext()->getDecl()); }
  void checkEndOfTranslationUnit(const TranslationUnitDecl *, AnalysisManager &Manager, BugReporter &) const;

private:
  void exploreHeaders(AnalysisManager &Manager) const;

  mutable SetOfConstDecls Explored; ///< as roots and as callees
};

/// The reports that wait in a consumer for the end of the file.
struct Waiting : PathDiagnosticConsumer {
  static llvm::FoldingSet<PathDiagnostic> &in(PathDiagnosticConsumer &Consumer) { return Consumer.*(&Waiting::Diags); }
};

} // namespace

void AnalyzerDoor::exploreHeaders(AnalysisManager &Manager) const {
  if (!CI || Manager.options.AnalyzeAll || !Manager.options.AnalyzeSpecificFunction.empty())
    return;
  // -analyzer-opt-analyze-headers would do it too, and have all checkers explore all functions of all headers, the
  // system's as well.
  const SourceManager &SM = Manager.getASTContext().getSourceManager();
  cross_tu::CrossTranslationUnitContext CrossUnit(*CI);
  FunctionSummariesTy Summaries;
  for (const FunctionDecl *F : A->U.callersFirst()) {
    if (Manager.isInCodeFile(SM.getExpansionLoc(F->getBody()->getBeginLoc())) || !A->U.touchesHandles(F) ||
        !Manager.getCFG(F) || (!A->U.hasUnseenCallers(F) && Explored.count(F)))
      continue;
    ExprEngine Engine(CrossUnit, Manager, &Explored, &Summaries, ExprEngine::Inline_Regular);
    Engine.ExecuteWorkList(Manager.getAnalysisDeclContextManager().getStackFrame(F),
                           Manager.options.MaxNodesPerTopLevelFunction);
    Engine.getBugReporter().FlushReports();
  }
}

/// Does for \p Reports what our host does for its own.
static void tidy(llvm::FoldingSet<PathDiagnostic> &Reports) {
  SmallVector<const PathDiagnostic *, 16> All;
  for (const PathDiagnostic &D : Reports)
    All.push_back(&D);
  SmallVector<PathDiagnostic *, 4> Dropped;
  for (PathDiagnostic &D : Reports)
    if (!findRule(D.getCheckerName()))
      continue;
    else if (isShown(D, All))
      D.getMutablePieces() = storyOf(D);
    else
      Dropped.push_back(&D);
  for (PathDiagnostic *D : Dropped) {
    Reports.RemoveNode(D);
    delete D;
  }
}

void AnalyzerDoor::checkEndOfTranslationUnit(const TranslationUnitDecl *, AnalysisManager &Manager,
                                             BugReporter &) const {
  const LangOptions &Language = Manager.getASTContext().getLangOpts();
  if (Language.CPlusPlus || Language.ObjC || !A->U.mentionsAnyCall())
    return;
  A->U.scan();
  exploreHeaders(Manager);
  for (const auto &Consumer : Manager.getPathDiagnosticConsumers())
    tidy(Waiting::in(*Consumer));
}

void safespawn::registerAnalyzerDoor(CheckerManager &Manager, Analysis &A, CompilerInstance *CI) {
  auto *Door = Manager.registerChecker<AnalyzerDoor>();
  Door->A = &A;
  Door->CI = CI;
  // The manager that reads this is made after its checkers.
  if (CI && !CI->getLangOpts().CPlusPlus)
    CI->getAnalyzerOpts().ShouldIncludeImplicitDtorsInCFG = false;
}
