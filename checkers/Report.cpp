// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Report.h"

using namespace clang;
using namespace ento;
using namespace safespawn;

void RuleBook::enable(Rule R, CheckerManager &Manager) {
  Types[size_t(R)] =
      std::make_unique<BugType>(Manager.getCurrentCheckerName(), infoOf(R).Summary, /*Category=*/"safespawn");
}

PathReport::PathReport(const RuleBook &Book, Rule R, StringRef Message, const ExplodedNode *End,
                       PathDiagnosticLocation At, PathDiagnosticLocation Unique, const Decl *In)
    : PathSensitiveBugReport(Book.type(R), Message, End, Unique, In), At(At) {}

ArrayRef<SourceRange> PathReport::getRanges() const {
  // The default is the range of the path's last statement, which need not be where the report lands.
  static const SourceRange None;
  return Ranges.empty() ? ArrayRef<SourceRange>(None) : ArrayRef<SourceRange>(Ranges);
}

static std::vector<std::shared_ptr<PathDiagnosticNotePiece>> fixNotes(const RuleBook &Book, ArrayRef<Fix> Fixes,
                                                                      PathDiagnosticLocation At) {
  std::vector<std::shared_ptr<PathDiagnosticNotePiece>> Notes;
  for (const Fix &F : Fixes) {
    std::string Text =
        Book.Hosted ? FixMark + F.Name + FixMark + F.Title : "fix '" + F.Name + "': " + F.Title;
    auto Note = std::make_shared<PathDiagnosticNotePiece>(At, Text);
    for (const FixItHint &Hint : F.Hints)
      Note->addFixit(Hint);
    Notes.push_back(std::move(Note));
  }
  return Notes;
}

void PathReport::offer(const RuleBook &Book, ArrayRef<Fix> Fixes) {
  if (!Book.Hosted && Fixes.size() == 1)
    for (const FixItHint &Hint : Fixes.front().Hints)
      addFixItHint(Hint);
  else
    for (auto &Note : fixNotes(Book, Fixes, At))
      Notes.push_back(Note);
}

PlainReport::PlainReport(const RuleBook &Book, Rule R, StringRef Message, PathDiagnosticLocation At, const Decl *In)
    : BasicBugReport(Book.type(R), Message, At) {
  setDeclWithIssue(In);
}

void PlainReport::offer(const RuleBook &Book, ArrayRef<Fix> Fixes) {
  if (!Book.Hosted && Fixes.size() == 1)
    for (const FixItHint &Hint : Fixes.front().Hints)
      addFixItHint(Hint);
  else
    for (auto &Note : fixNotes(Book, Fixes, getLocation()))
      Notes.push_back(Note);
}
