// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a rule reports: which rules are on and under which checker's name, and reports that carry named fixes.
#pragma once

#include "checkers/Rules.h"
#include "clang/AST/ASTContext.h"
#include "clang/Basic/Diagnostic.h"
#include "clang/StaticAnalyzer/Core/BugReporter/BugReporter.h"
#include "clang/StaticAnalyzer/Core/BugReporter/BugType.h"
#include "clang/StaticAnalyzer/Core/CheckerManager.h"
#include <array>
#include <memory>
#include <string>
#include <vector>

namespace safespawn {

/// One remedy: edits that belong together.
struct Fix {
  std::string Name;  ///< one word, for --choose
  std::string Title; ///< what it does, for a person
  std::vector<clang::FixItHint> Hints;
};

/// The rules that are on in this analysis, each with the bug type that carries its id.
class RuleBook {
public:
  void enable(Rule R, clang::ento::CheckerManager &Manager);
  bool isOn(Rule R) const { return Types[size_t(R)] != nullptr; }
  const clang::ento::BugType &type(Rule R) const { return *Types[size_t(R)]; }
  /// Whether a rule that is on is reported instead of \p Loser where \p Winner fits as well.
  bool yields(Rule Loser, Rule Winner) const { return isOn(Winner) && isOver(Winner, Loser); }
  /// Fixes go to our own output, which shows them with their names; otherwise to the analyzer's.
  bool Hosted = false;
  /// The analyzer writes pages, which show a report's text and not the name of the checker that made it.
  bool Pages = false;
  /// How many reports along a path were made so far.
  mutable unsigned Made = 0;
  /// \p Message as it is shown where nobody else adds the id.
  std::string described(Rule R, llvm::StringRef Message) const;

private:
  std::array<std::unique_ptr<clang::ento::BugType>, 64> Types;
};

/// How a note that carries a fix is told from one that tells a part of the story, in hosted analyses.
/// The text is this mark, the fix's name, the mark again, and its title.
constexpr char FixMark = '\x1f';

/// A report about a path. It lands where the rule says, not necessarily where the path ends.
class PathReport : public clang::ento::PathSensitiveBugReport {
public:
  /// Of reports with one \p Unique place and one message the shortest story is shown.
  PathReport(const RuleBook &Book, Rule R, llvm::StringRef Message, const clang::ento::ExplodedNode *End,
             clang::ento::PathDiagnosticLocation At, clang::ento::PathDiagnosticLocation Unique, const clang::Decl *In);

  clang::ento::PathDiagnosticLocation getLocation() const override { return At; }
  llvm::ArrayRef<clang::SourceRange> getRanges() const override;

  /// One fix is attached to the report; several become notes, one each.
  void offer(const RuleBook &Book, llvm::ArrayRef<Fix> Fixes);

private:
  clang::ento::PathDiagnosticLocation At;
};

/// A report that needs no path.
class PlainReport : public clang::ento::BasicBugReport {
public:
  PlainReport(const RuleBook &Book, Rule R, llvm::StringRef Message, clang::ento::PathDiagnosticLocation At,
              const clang::Decl *In);
  void offer(const RuleBook &Book, llvm::ArrayRef<Fix> Fixes);
};

} // namespace safespawn
