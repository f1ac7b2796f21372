// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a rule that needs no path works on: one function at a time, and how it reports there.
#pragma once

#include "checkers/Report.h"
#include "clang/AST/ParentMap.h"
#include "clang/Analysis/AnalysisDeclContext.h"
#include "clang/Analysis/CFG.h"
#include "clang/StaticAnalyzer/Core/PathSensitive/AnalysisManager.h"

namespace safespawn {

/// The function under inspection.
struct Body {
  const clang::FunctionDecl *F;
  clang::AnalysisDeclContext *Context;
  const clang::ParentMap &Parents;
  const clang::CFG *Graph;
  clang::ento::AnalysisManager &Manager;
  clang::ento::BugReporter &Reporter;

  clang::ento::PathDiagnosticLocation at(const clang::Stmt *S) const {
    return clang::ento::PathDiagnosticLocation::createBegin(S, Reporter.getSourceManager(), Context);
  }
  clang::ento::PathDiagnosticLocation at(const clang::Decl *D) const {
    return clang::ento::PathDiagnosticLocation::createBegin(D, Reporter.getSourceManager());
  }

  struct Note {
    std::string Text;
    clang::ento::PathDiagnosticLocation At;
  };
  void report(const RuleBook &Book, Rule R, const llvm::Twine &Text, const clang::Stmt *At, llvm::ArrayRef<Note> Notes,
              llvm::ArrayRef<Fix> Fixes = {}) const {
    auto Report = std::make_unique<PlainReport>(Book, R, Text.str(), at(At), F);
    Report->addRange(At->getSourceRange());
    for (const Note &N : Notes)
      Report->addNote(N.Text, N.At);
    Report->offer(Book, Fixes);
    Reporter.emitReport(std::move(Report));
  }
};

} // namespace safespawn
