// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a run is asked to do, whoever asks: plugin arguments in a compile, environment variables in clangd.
#pragma once

#include "checkers/Model.h"
#include "checkers/Rules.h"
#include "clang/Basic/Diagnostic.h"
#include "clang/Basic/SourceManager.h"
#include <string>
#include <vector>

namespace safespawn {

struct Options {
  bool Strict = false; ///< the profile
  RuleSet Rules = RuleSet::profile(/*Strict=*/false);
  std::string ReportFile;  ///< empty: none
  bool Quiet = false;      ///< print no diagnostics
  bool Deep = false;       ///< no step budget worth the name
  bool Triage = true;      ///< only suspects are explored; off: every relevant function
  bool ReadConfig = true;  ///< look for .safespawn.yaml
  unsigned TimeLimit = 60; ///< seconds for one file
  bool ToScope = false;    ///< rewrite spawns into tasks of scopes, for the report
  /// Which rewrites are printed as quick fixes: those that repair a report, or the others as well.
  enum Offers { Nothing, ForReports, Everything } Offer = Nothing;
  /// What becomes of a thread that is detached on purpose.
  enum Purpose { Keep, Service, Background } Detached = Keep;
  unsigned Limit = 0; ///< tasks at once that a scope may have; 0: as many as are spawned
  /// For the tests of the isolation: what the analysis does to itself, before triage or in the proof.
  enum Injection { None, CrashEarly, Crash, Hang } Inject = None;

  /// Reads the arguments of -fplugin-arg-safespawn-…; a mistake is an error of the compile that names the nearest right
  /// spelling. \returns whether all is well.
  static bool parse(const std::vector<std::string> &Arguments, clang::DiagnosticsEngine &Diags, Options &Out);
  /// Reads SAFESPAWN_PROFILE, SAFESPAWN_RULES and SAFESPAWN_REWRITES, for hosts that pass no arguments.
  /// \returns a complaint, or an empty string.
  static std::string fromEnvironment(Options &Out);
};

struct ConfigMistake {
  clang::SourceLocation At; ///< invalid when the file cannot be read
  std::string What;
};

/// Adds the models of the .safespawn.yaml that is nearest above the main file, if there is one. Its mistakes are errors
/// of the compile, at their place, and are returned.
std::vector<ConfigMistake> addUserModels(clang::SourceManager &SM, clang::DiagnosticsEngine &Diags, Models &Known);

} // namespace safespawn
