// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an analysis found, as data: it is handed from the process that analyses to the one that compiles, printed as
// diagnostics, and written as the JSON report that the command reads.
#pragma once

#include "checkers/Rules.h"
#include "plugin/clang/Options.h"
#include "clang/Basic/Diagnostic.h"
#include "clang/Basic/SourceManager.h"
#include "clang/StaticAnalyzer/Core/BugReporter/BugReporter.h"
#include "llvm/Support/JSON.h"
#include <memory>
#include <string>
#include <vector>

namespace safespawn {

struct Edit {
  clang::SourceLocation Begin;
  unsigned Length = 0;
  std::string Text;
};

Edit editOf(const clang::FixItHint &Hint, const clang::SourceManager &SM);

struct Remedy {
  std::string Name, Title;
  std::vector<Edit> Edits;
};

struct Note {
  clang::SourceLocation At;
  std::string Text;
};

struct Finding {
  Rule Id;
  clang::SourceLocation At;
  std::string Message, Function;
  std::vector<Note> Notes;
  std::vector<Remedy> Fixes; ///< one: the fix; several: alternatives
};

/// Edits, of several files perhaps, that make code what it was asked to become, whether a rule complains of it or not:
/// spawns that become tasks of a scope. All of them are made or none.
struct Rewrite {
  std::string Name, Title; ///< as a fix has them: one word, and what it does for a person
  std::string Function;
  clang::SourceLocation At; ///< with Name what it is known by: what two units say of one function is one rewrite
  /// The calls that become others. A report that stands on the line of one of them, or tells of it in a note, is
  /// repaired by this rewrite and not by its own fixes.
  std::vector<clang::SourceLocation> Calls;
  std::vector<Edit> Edits;
  std::vector<Note> Notes;   ///< what a person should know of the result
  bool NeedsRuntime = false; ///< the result includes safespawn.h
};

/// Whether there are rewrites that repair reports like \p F.
bool isRepairable(const Finding &F);

/// What would have been rewritten, but is not.
struct LeftAlone {
  clang::SourceLocation At; ///< one of a rewrite's Calls here, in another unit's eyes, takes that rewrite back
  std::string Function;
  std::string What; ///< names it: thread 't'
  std::string Why;
};

/// Something that was not analysed, or not to its end.
struct Problem {
  enum Kind { Unproved, Skipped, Crash, Timeout, Error, Config };
  Kind What;
  std::string Function, Why;
  clang::SourceLocation At; ///< may be invalid
};

struct Findings {
  std::vector<Finding> Reports;
  std::vector<Problem> Problems;
  std::vector<Rewrite> Rewrites;
  std::vector<LeftAlone> Left;
  unsigned Seen = 0;     ///< functions defined in the file
  unsigned Relevant = 0; ///< of these, the ones that touch an effect
  unsigned Suspects = 0; ///< of these, the ones that triage could not clear: each is proved, or a problem says unproved
  unsigned Proved = 0;   ///< of these, the ones that were explored to the end, on their own or from their callers

  /// Sorts by place and drops what was found twice.
  void normalise(const clang::SourceManager &SM);
  bool complete() const;

  /// For the way between two processes that share one source manager: locations go as they are.
  std::string serialise() const;
  static bool deserialise(llvm::StringRef Text, Findings &Out);

  /// Prints the reports as diagnostics. A report is an error under -Werror and nothing under -w.
  /// As \p Offer has it, each one is followed by the rewrites of this file alone that repair it, and the others are
  /// warnings of their own: clangd takes a remark for a note of the report before it.
  void print(clang::DiagnosticsEngine &Diags, Options::Offers Offer) const;
  /// Writes the JSON report; \returns a complaint, or an empty string.
  std::string write(llvm::StringRef File, const clang::SourceManager &SM) const;
};

/// Turns what the analyzer reports into findings in \p Out.
std::unique_ptr<clang::ento::PathDiagnosticConsumer> makeFindingsConsumer(Findings &Out);

} // namespace safespawn
