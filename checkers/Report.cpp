// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Report.h"

using namespace clang;
using namespace ento;
using namespace safespawn;

void RuleBook::enable(Rule R, CheckerManager &Manager) {
  Types[size_t(R)] =
      std::make_unique<BugType>(Manager.getCurrentCheckerName(), infoOf(R).FullId, /*Category=*/"safespawn");
}

std::string RuleBook::described(Rule R, StringRef Message) const {
  return Pages ? (Message + " [" + infoOf(R).FullId + "]").str() : Message.str();
}

namespace {

/// On a page the description stands in the head, with the id; at the path's end the message is enough.
class BareEnd : public BugReporterVisitor {
public:
  explicit BareEnd(StringRef Message) : Message(Message.str()) {}
  void Profile(llvm::FoldingSetNodeID &Id) const override {
    static int Tag;
    Id.AddPointer(&Tag);
  }
  PathDiagnosticPieceRef VisitNode(const ExplodedNode *, BugReporterContext &, PathSensitiveBugReport &) override {
    return nullptr;
  }
  PathDiagnosticPieceRef getEndPath(BugReporterContext &, const ExplodedNode *,
                                    PathSensitiveBugReport &Report) override {
    return std::make_shared<PathDiagnosticEventPiece>(Report.getLocation(), Message, /*addPosRange=*/true);
  }

private:
  std::string Message;
};

} // namespace

PathReport::PathReport(const RuleBook &Book, Rule R, StringRef Message, const ExplodedNode *End,
                       PathDiagnosticLocation At, PathDiagnosticLocation Unique, const Decl *In)
    : PathSensitiveBugReport(Book.type(R), Message, Book.described(R, Message), End, Unique, In), At(At) {
  ++Book.Made;
  if (Book.Pages)
    addVisitor(std::make_unique<BareEnd>(Message));
}

ArrayRef<SourceRange> PathReport::getRanges() const {
  // The default is the range of the path's last statement, which need not be where the report lands.
  static const SourceRange None;
  return Ranges.empty() ? ArrayRef<SourceRange>(None) : ArrayRef<SourceRange>(Ranges);
}

static std::vector<std::shared_ptr<PathDiagnosticNotePiece>> fixNotes(const RuleBook &Book, ArrayRef<Fix> Fixes,
                                                                      PathDiagnosticLocation At) {
  std::vector<std::shared_ptr<PathDiagnosticNotePiece>> Notes;
  for (const Fix &F : Fixes) {
    std::string Text = Book.Hosted ? FixMark + F.Name + FixMark + F.Title : "fix '" + F.Name + "': " + F.Title;
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
  if (Book.Pages) // its one piece is both the head and the end
    addNote(("[" + infoOf(R).FullId + "]").str(), At);
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
