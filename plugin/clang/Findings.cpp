// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "plugin/clang/Findings.h"
#include "checkers/Report.h"
#include "checkers/Story.h"
#include "clang/AST/Decl.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA1.h"
#include "llvm/Support/raw_ostream.h"
#include <map>

using namespace clang;
using namespace ento;
using namespace safespawn;
namespace json = llvm::json;

Edit safespawn::editOf(const FixItHint &Hint, const SourceManager &SM) {
  const CharSourceRange Range = Hint.RemoveRange;
  unsigned Length = 0;
  if (Range.getBegin() != Range.getEnd() && Range.isCharRange())
    Length = SM.getFileOffset(Range.getEnd()) - SM.getFileOffset(Range.getBegin());
  return {Range.getBegin(), Length, Hint.CodeToInsert};
}

// ---- from the analyzer
// ------------------------------------------------------------------------------------------------

namespace {

class Consumer : public PathDiagnosticConsumer {
public:
  explicit Consumer(Findings &Out) : Out(Out) {}
  StringRef getName() const override { return "safespawn"; }
  bool supportsCrossFileDiagnostics() const override { return true; }

  void FlushDiagnosticsImpl(std::vector<const PathDiagnostic *> &Diags, FilesMade *) override {
    for (const PathDiagnostic *D : Diags)
      if (const RuleInfo *Info = findRule(D->getCheckerName()))
        if (isShown(*D, Diags))
          Out.Reports.push_back(convert(*D, *Info));
  }

private:
  static Finding convert(const PathDiagnostic &D, const RuleInfo &Info) {
    Finding F;
    F.Id = Info.Id;
    F.At = D.getLocation().asLocation();
    F.Message = D.getVerboseDescription().str();
    if (const auto *In = dyn_cast_or_null<NamedDecl>(D.getDeclWithIssue()))
      F.Function = In->getNameAsString();
    std::vector<Note> Extra;
    collect(storyOf(D), F, Extra);
    F.Notes.insert(F.Notes.end(), Extra.begin(), Extra.end());
    return F;
  }

  static void collect(const PathPieces &Pieces, Finding &F, std::vector<Note> &Extra) {
    for (const PathDiagnosticPieceRef &Piece : Pieces) {
      if (const auto *Call = dyn_cast<PathDiagnosticCallPiece>(Piece.get())) {
        collect(Call->path, F, Extra);
        continue;
      }
      if (const auto *Macro = dyn_cast<PathDiagnosticMacroPiece>(Piece.get())) {
        collect(Macro->subPieces, F, Extra);
        continue;
      }
      StringRef Text = Piece->getString();
      SourceLocation At = Piece->getLocation().asLocation();
      if (isa<PathDiagnosticEventPiece>(*Piece)) {
        if (Text != F.Message)
          F.Notes.push_back({At, Text.str()});
      } else if (Text.consume_front(StringRef(&FixMark, 1))) {
        auto [Name, Title] = Text.split(FixMark);
        Remedy R{Name.str(), Title.str(), {}};
        const SourceManager &SM = Piece->getLocation().getManager();
        for (const FixItHint &Hint : Piece->getFixits())
          R.Edits.push_back(editOf(Hint, SM));
        F.Fixes.push_back(std::move(R));
      } else {
        Extra.push_back({At, Text.str()});
      }
    }
  }

  Findings &Out;
};

} // namespace

std::unique_ptr<PathDiagnosticConsumer> safespawn::makeFindingsConsumer(Findings &Out) {
  return std::make_unique<Consumer>(Out);
}

// ---- as data
// ----------------------------------------------------------------------------------------------------------

void Findings::normalise(const SourceManager &SM) {
  auto Key = [&](const Finding &F) {
    PresumedLoc P = SM.getPresumedLoc(SM.getExpansionLoc(F.At));
    return std::make_tuple(std::string(P.isValid() ? P.getFilename() : ""), P.isValid() ? P.getLine() : 0,
                           P.isValid() ? P.getColumn() : 0, unsigned(F.Id), F.Message);
  };
  llvm::stable_sort(Reports, [&](const Finding &A, const Finding &B) {
    auto X = Key(A), Y = Key(B);
    return X != Y ? X < Y : A.Notes.size() < B.Notes.size(); // of two stories the shorter one
  });
  Reports.erase(
      std::unique(Reports.begin(), Reports.end(), [&](const Finding &A, const Finding &B) { return Key(A) == Key(B); }),
      Reports.end());
}

bool Findings::complete() const {
  return llvm::none_of(Problems, [](const Problem &P) { return P.What != Problem::Unproved; });
}

std::string Findings::serialise() const {
  std::string Text;
  llvm::raw_string_ostream Stream(Text);
  json::OStream Out(Stream);
  auto Raw = [](SourceLocation At) { return int64_t(At.getRawEncoding()); };
  auto PutNotes = [&](const std::vector<Note> &Notes) {
    Out.attributeArray("notes", [&] {
      for (const Note &N : Notes)
        Out.object([&] {
          Out.attribute("at", Raw(N.At));
          Out.attribute("text", json::fixUTF8(N.Text));
        });
    });
  };
  auto PutEdits = [&](const std::vector<Edit> &Edits) {
    Out.attributeArray("edits", [&] {
      for (const Edit &E : Edits)
        Out.object([&] {
          Out.attribute("at", Raw(E.Begin));
          Out.attribute("length", int64_t(E.Length));
          Out.attribute("text", json::fixUTF8(E.Text));
        });
    });
  };
  Out.object([&] {
    Out.attribute("seen", int64_t(Seen));
    Out.attribute("relevant", int64_t(Relevant));
    Out.attribute("suspects", int64_t(Suspects));
    Out.attribute("proved", int64_t(Proved));
    Out.attributeArray("problems", [&] {
      for (const Problem &P : Problems)
        Out.object([&] {
          Out.attribute("what", int64_t(P.What));
          Out.attribute("function", P.Function);
          Out.attribute("why", P.Why);
          Out.attribute("at", Raw(P.At));
        });
    });
    Out.attributeArray("reports", [&] {
      for (const Finding &F : Reports)
        Out.object([&] {
          Out.attribute("rule", int64_t(F.Id));
          Out.attribute("at", Raw(F.At));
          Out.attribute("message", json::fixUTF8(F.Message));
          Out.attribute("function", F.Function);
          PutNotes(F.Notes);
          Out.attributeArray("fixes", [&] {
            for (const Remedy &R : F.Fixes)
              Out.object([&] {
                Out.attribute("name", R.Name);
                Out.attribute("title", json::fixUTF8(R.Title));
                PutEdits(R.Edits);
              });
          });
        });
    });
    Out.attributeArray("rewrites", [&] {
      for (const Rewrite &R : Rewrites)
        Out.object([&] {
          Out.attribute("name", R.Name);
          Out.attribute("title", json::fixUTF8(R.Title));
          Out.attribute("function", R.Function);
          Out.attribute("at", Raw(R.At));
          Out.attribute("runtime", R.NeedsRuntime);
          Out.attributeArray("calls", [&] {
            for (SourceLocation Call : R.Calls)
              Out.object([&] { Out.attribute("at", Raw(Call)); });
          });
          PutEdits(R.Edits);
          PutNotes(R.Notes);
        });
    });
    Out.attributeArray("left", [&] {
      for (const LeftAlone &L : Left)
        Out.object([&] {
          Out.attribute("at", Raw(L.At));
          Out.attribute("function", L.Function);
          Out.attribute("what", json::fixUTF8(L.What));
          Out.attribute("why", json::fixUTF8(L.Why));
        });
    });
  });
  return Text;
}

bool Findings::deserialise(StringRef Text, Findings &Out) {
  llvm::Expected<json::Value> Parsed = json::parse(Text);
  if (!Parsed) {
    llvm::consumeError(Parsed.takeError());
    return false;
  }
  const json::Object *Top = Parsed->getAsObject();
  if (!Top)
    return false;
  auto At = [](const json::Object &O) {
    return SourceLocation::getFromRawEncoding(SourceLocation::UIntTy(O.getInteger("at").value_or(0)));
  };
  auto Word = [](const json::Object &O, StringRef Key) { return O.getString(Key).value_or("").str(); };
  auto Each = [](const json::Object &O, StringRef Key, auto Do) {
    if (const json::Array *List = O.getArray(Key))
      for (const json::Value &V : *List)
        if (const json::Object *Item = V.getAsObject())
          Do(*Item);
  };
  auto TakeNotes = [&](const json::Object &O, std::vector<Note> &Notes) {
    Each(O, "notes", [&](const json::Object &N) { Notes.push_back({At(N), Word(N, "text")}); });
  };
  auto TakeEdits = [&](const json::Object &O, std::vector<Edit> &Edits) {
    Each(O, "edits", [&](const json::Object &E) {
      Edits.push_back({At(E), unsigned(E.getInteger("length").value_or(0)), Word(E, "text")});
    });
  };
  Out.Seen = unsigned(Top->getInteger("seen").value_or(0));
  Out.Relevant = unsigned(Top->getInteger("relevant").value_or(0));
  Out.Suspects = unsigned(Top->getInteger("suspects").value_or(0));
  Out.Proved = unsigned(Top->getInteger("proved").value_or(0));
  Each(*Top, "problems", [&](const json::Object &O) {
    Out.Problems.push_back(
        {Problem::Kind(O.getInteger("what").value_or(0)), Word(O, "function"), Word(O, "why"), At(O)});
  });
  Each(*Top, "reports", [&](const json::Object &O) {
    Finding F{Rule(O.getInteger("rule").value_or(0)), At(O), Word(O, "message"), Word(O, "function"), {}, {}};
    TakeNotes(O, F.Notes);
    Each(O, "fixes", [&](const json::Object &X) {
      Remedy R{Word(X, "name"), Word(X, "title"), {}};
      TakeEdits(X, R.Edits);
      F.Fixes.push_back(std::move(R));
    });
    Out.Reports.push_back(std::move(F));
  });
  Each(*Top, "rewrites", [&](const json::Object &O) {
    Rewrite R;
    R.Name = Word(O, "name");
    R.Title = Word(O, "title");
    R.Function = Word(O, "function");
    R.At = At(O);
    R.NeedsRuntime = O.getBoolean("runtime").value_or(false);
    Each(O, "calls", [&](const json::Object &Call) { R.Calls.push_back(At(Call)); });
    TakeEdits(O, R.Edits);
    TakeNotes(O, R.Notes);
    Out.Rewrites.push_back(std::move(R));
  });
  Each(*Top, "left", [&](const json::Object &O) {
    Out.Left.push_back({At(O), Word(O, "function"), Word(O, "what"), Word(O, "why")});
  });
  return true;
}

// ---- for people
// -------------------------------------------------------------------------------------------------------

bool safespawn::isRepairable(const Finding &F) { return infoOf(F.Id).FullId.starts_with("safespawn.thread."); }

/// Whether \p R repairs \p F: as the command has it, where one of them stands on a line of the other.
static bool repairs(const Rewrite &R, const Finding &F, const SourceManager &SM) {
  auto IsOn = [&](SourceLocation At) {
    return llvm::any_of(R.Calls, [&](SourceLocation Call) {
      return SM.getFileID(SM.getExpansionLoc(Call)) == SM.getFileID(SM.getExpansionLoc(At)) &&
             SM.getExpansionLineNumber(Call) == SM.getExpansionLineNumber(At);
    });
  };
  return isRepairable(F) && (IsOn(F.At) || llvm::any_of(F.Notes, [&](const Note &N) { return IsOn(N.At); }));
}

void Findings::print(DiagnosticsEngine &Diags, Options::Offers Offer) const {
  if (Diags.getIgnoreAllWarnings())
    return;
  // The engine's own mapping of -Werror passes over diagnostics that it did not define.
  const bool AsErrors = Diags.getWarningsAsErrors();
  const unsigned Report = AsErrors ? Diags.getCustomDiagID(DiagnosticsEngine::Error, "%0 [%1]")
                                   : Diags.getCustomDiagID(DiagnosticsEngine::Warning, "%0 [%1]");
  const unsigned Plain = Diags.getCustomDiagID(DiagnosticsEngine::Note, "%0");
  auto Hints = [](const DiagnosticBuilder &B, const Remedy &R) {
    for (const Edit &E : R.Edits)
      B << FixItHint::CreateReplacement(CharSourceRange::getCharRange(E.Begin, E.Begin.getLocWithOffset(int(E.Length))),
                                        E.Text);
  };
  const SourceManager &SM = Diags.getSourceManager();
  std::vector<const Rewrite *> Offered;
  for (const Rewrite &R : Rewrites)
    if (Offer != Options::Nothing && llvm::all_of(R.Edits, [&](const Edit &E) { return SM.isInMainFile(E.Begin); }))
      Offered.push_back(&R);
  auto OfferAt = [&](SourceLocation At, const Rewrite &R) {
    Hints(Diags.Report(At, Plain) << "rewrite as a " + R.Name, {R.Name, R.Title, R.Edits});
  };
  for (const Finding &F : Reports) {
    {
      DiagnosticBuilder B = Diags.Report(F.At, Report);
      B << F.Message << infoOf(F.Id).FullId;
      if (F.Fixes.size() == 1)
        Hints(B, F.Fixes.front());
    }
    for (const Note &N : F.Notes)
      Diags.Report(N.At, Plain) << N.Text;
    if (F.Fixes.size() > 1)
      for (const Remedy &R : F.Fixes)
        Hints(Diags.Report(F.At, Plain) << "fix '" + R.Name + "': " + R.Title, R);
    for (const Rewrite *R : Offered)
      if (repairs(*R, F, SM))
        OfferAt(F.At, *R);
  }
  if (Offer != Options::Everything)
    return;
  const unsigned Possible = Diags.getCustomDiagID(DiagnosticsEngine::Warning, "can %0 [safespawn]");
  for (const Rewrite *R : Offered) {
    if (llvm::any_of(Reports, [&](const Finding &F) { return repairs(*R, F, SM); }))
      continue;
    Diags.Report(R->At, Possible) << R->Title;
    OfferAt(R->At, *R);
  }
}

std::string Findings::write(StringRef File, const SourceManager &SM) const {
  auto PathOf = [&](SourceLocation At) -> std::string {
    OptionalFileEntryRef Entry = SM.getFileEntryRefForID(SM.getFileID(SM.getExpansionLoc(At)));
    if (!Entry) { // what could not be read has a path; standard input has none
      StringRef Name = At.isValid() ? SM.getBufferName(SM.getExpansionLoc(At)) : StringRef();
      return llvm::sys::path::is_absolute(Name) ? Name.str() : "";
    }
    llvm::SmallString<256> Path(Entry->getFileEntry().tryGetRealPathName());
    if (Path.empty() || !llvm::sys::path::is_absolute(Path)) {
      Path = Entry->getName();
      SM.getFileManager().makeAbsolutePath(Path);
    }
    llvm::SmallString<256> Real;
    return (llvm::sys::fs::real_path(Path, Real) ? Path : Real).str().str();
  };
  llvm::SmallString<256> Temporary;
  int Descriptor;
  if (std::error_code Error = llvm::sys::fs::createUniqueFile(File + ".%%%%%%", Descriptor, Temporary))
    return "cannot write the report '" + File.str() + "': " + Error.message();
  {
    llvm::raw_fd_ostream Stream(Descriptor, /*shouldClose=*/true);
    json::OStream Out(Stream, /*IndentSize=*/1);
    auto Place = [&](SourceLocation At) {
      SourceLocation L = SM.getExpansionLoc(At);
      Out.attribute("file", json::fixUTF8(PathOf(At)));
      Out.attribute("line", At.isValid() ? int64_t(SM.getSpellingLineNumber(L)) : 0);
      Out.attribute("column", At.isValid() ? int64_t(SM.getSpellingColumnNumber(L)) : 0);
      Out.attribute("offset", At.isValid() ? int64_t(SM.getFileOffset(L)) : 0);
    };
    // An edit is one of a content, not of a name: its file's hash is that which git gives it.
    std::map<std::string, std::string> Hashes;
    auto HashOf = [&](SourceLocation At) {
      StringRef Content = SM.getBufferData(SM.getFileID(At));
      llvm::SHA1 Hash;
      Hash.update("blob " + llvm::utostr(Content.size()));
      Hash.update(StringRef("\0", 1));
      Hash.update(Content);
      return llvm::toHex(Hash.final(), /*LowerCase=*/true);
    };
    auto PutNotes = [&](const std::vector<Note> &Notes) {
      Out.attributeArray("notes", [&] {
        for (const Note &N : Notes)
          Out.object([&] {
            Place(N.At);
            Out.attribute("message", json::fixUTF8(N.Text));
          });
      });
    };
    auto PutEdits = [&](const std::vector<Edit> &Edits) {
      Out.attributeArray("edits", [&] {
        for (const Edit &E : Edits)
          Out.object([&] {
            const std::string Path = json::fixUTF8(PathOf(E.Begin));
            if (std::string &Hash = Hashes[Path]; Hash.empty())
              Hash = HashOf(E.Begin);
            Out.attribute("file", Path);
            Out.attribute("offset", int64_t(SM.getFileOffset(E.Begin)));
            Out.attribute("length", int64_t(E.Length));
            Out.attribute("text", json::fixUTF8(E.Text));
          });
      });
    };
    unsigned Unproved = 0, Skipped = 0;
    for (const Problem &P : Problems) {
      Unproved += P.What == Problem::Unproved;
      Skipped += P.What == Problem::Skipped && !P.Function.empty();
    }
    Out.object([&] {
      Out.attribute("version", 1);
      Out.attribute("main", json::fixUTF8(PathOf(SM.getLocForStartOfFile(SM.getMainFileID()))));
      Out.attribute("complete", complete());
      Out.attributeObject("functions", [&] {
        Out.attribute("seen", int64_t(Seen));
        Out.attribute("relevant", int64_t(Relevant));
        Out.attribute("suspects", int64_t(Suspects));
        Out.attribute("proved", int64_t(Proved));
        Out.attribute("unproved", int64_t(Unproved));
        Out.attribute("skipped", int64_t(Skipped));
      });
      Out.attributeArray("problems", [&] {
        static const char *const Kinds[] = {"unproved", "skipped", "crash", "timeout", "error", "config"};
        for (const Problem &P : Problems)
          Out.object([&] {
            Out.attribute("kind", Kinds[P.What]);
            Out.attribute("function", json::fixUTF8(P.Function));
            Place(P.At);
            Out.attribute("why", json::fixUTF8(P.Why));
          });
      });
      Out.attributeArray("reports", [&] {
        for (const Finding &F : Reports)
          Out.object([&] {
            Out.attribute("rule", infoOf(F.Id).FullId);
            Out.attribute("class", infoOf(F.Id).Class);
            Out.attribute("function", json::fixUTF8(F.Function));
            Place(F.At);
            Out.attribute("message", json::fixUTF8(F.Message));
            PutNotes(F.Notes);
            Out.attributeArray("fixes", [&] {
              for (const Remedy &R : F.Fixes)
                Out.object([&] {
                  Out.attribute("name", R.Name);
                  Out.attribute("title", json::fixUTF8(R.Title));
                  PutEdits(R.Edits);
                });
            });
          });
      });
      Out.attributeArray("rewrites", [&] {
        for (const Rewrite &R : Rewrites)
          Out.object([&] {
            Out.attribute("name", R.Name);
            Out.attribute("title", json::fixUTF8(R.Title));
            Out.attribute("function", json::fixUTF8(R.Function));
            Place(R.At);
            Out.attribute("runtime", R.NeedsRuntime);
            Out.attributeArray("calls", [&] {
              for (SourceLocation Call : R.Calls)
                Out.object([&] { Place(Call); });
            });
            PutEdits(R.Edits);
            PutNotes(R.Notes);
          });
      });
      Out.attributeArray("left", [&] {
        for (const LeftAlone &L : Left)
          Out.object([&] {
            Place(L.At);
            Out.attribute("function", json::fixUTF8(L.Function));
            Out.attribute("what", json::fixUTF8(L.What));
            Out.attribute("why", json::fixUTF8(L.Why));
          });
      });
      Out.attributeObject("files", [&] {
        for (const auto &[Path, Hash] : Hashes)
          Out.attribute(Path, Hash);
      });
    });
    Stream << '\n';
    Stream.close();
    if (Stream.has_error()) {
      std::string Why = Stream.error().message();
      Stream.clear_error();
      llvm::sys::fs::remove(Temporary);
      return "cannot write the report '" + File.str() + "': " + Why;
    }
  }
  if (std::error_code Error = llvm::sys::fs::rename(Temporary, File)) {
    llvm::sys::fs::remove(Temporary);
    return "cannot write the report '" + File.str() + "': " + Error.message();
  }
  return "";
}
