// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/Edits.h"
#include "clang/Lex/Lexer.h"

using namespace clang;
using namespace safespawn;

Edits::Edits(ASTContext &Context) : Context(Context), SM(Context.getSourceManager()) {}

bool Edits::isEditable(SourceRange Range) const {
  return Range.isValid() && Range.getBegin().isFileID() && Range.getEnd().isFileID() &&
         SM.getFileID(Range.getBegin()) == SM.getFileID(Range.getEnd()) && !SM.isInSystemHeader(Range.getBegin());
}

std::string Edits::text(SourceRange Range) const {
  return Lexer::getSourceText(CharSourceRange::getTokenRange(Range), SM, Context.getLangOpts()).str();
}

/// The text of the line that \p At is on, up to \p At.
static StringRef lineBefore(SourceLocation At, const SourceManager &SM) {
  auto [File, Offset] = SM.getDecomposedLoc(At);
  StringRef Before = SM.getBufferData(File).take_front(Offset);
  return Before.substr(Before.rfind('\n') + 1);
}

std::string Edits::indentOf(SourceLocation At) const {
  StringRef Line = lineBefore(At, SM);
  return Line.take_while([](char C) { return C == ' ' || C == '\t'; }).str();
}

std::string Edits::levelOf(SourceLocation Inner, SourceLocation Outer) const {
  std::string Deep = indentOf(Inner), Flat = indentOf(Outer);
  return StringRef(Deep).starts_with(Flat) && Deep.size() > Flat.size() ? Deep.substr(Flat.size()) : "    ";
}

bool Edits::isFirstOnLine(SourceLocation At) const { return lineBefore(At, SM).trim().empty(); }

SourceLocation Edits::after(SourceRange Range) const {
  return Lexer::getLocForEndOfToken(Range.getEnd(), 0, SM, Context.getLangOpts());
}

SourceLocation Edits::afterSemicolon(const Stmt *S) const {
  return Lexer::findLocationAfterToken(S->getEndLoc(), tok::semi, SM, Context.getLangOpts(),
                                       /*SkipTrailingWhitespaceAndNewLine=*/false);
}

void Edits::insert(SourceLocation At, std::string Text) { Hints.push_back(FixItHint::CreateInsertion(At, Text)); }

void Edits::replace(SourceRange Tokens, std::string Text) {
  Hints.push_back(FixItHint::CreateReplacement(CharSourceRange::getCharRange(Tokens.getBegin(), after(Tokens)), Text));
}

bool Edits::insertBefore(const Stmt *S, const ParentMap &Parents, const std::string &Statement) {
  SourceLocation End = afterSemicolon(S);
  if (!isEditable(S->getSourceRange()) || End.isInvalid())
    return false;
  const Stmt *Parent = Parents.getParent(S);
  if (isa_and_nonnull<CompoundStmt>(Parent)) {
    insert(S->getBeginLoc(),
           Statement + (isFirstOnLine(S->getBeginLoc()) ? ";\n" + indentOf(S->getBeginLoc()) : std::string("; ")));
    return true;
  }
  if (!isa_and_nonnull<IfStmt, ForStmt, WhileStmt>(Parent) || !isEditable(Parent->getSourceRange()))
    return false;
  std::optional<Token> Before;
  SourceLocation Previous = S->getBeginLoc();
  // The token that opens the branch: ')' or 'else'. Its end is where the brace goes.
  for (unsigned I = 1; I < 4096 && !Before; ++I) {
    SourceLocation At =
        Lexer::GetBeginningOfToken(S->getBeginLoc().getLocWithOffset(-int(I)), SM, Context.getLangOpts());
    Token T;
    if (Lexer::getRawToken(At, T, SM, Context.getLangOpts(), /*IgnoreWhiteSpace=*/false))
      continue;
    if (T.isNot(tok::comment) && T.isNot(tok::unknown)) {
      Before = T;
      Previous = T.getEndLoc();
    }
  }
  if (!Before)
    return false;
  if (!isFirstOnLine(S->getBeginLoc())) {
    insert(S->getBeginLoc(), "{ " + Statement + "; ");
    insert(End, " }");
    return true;
  }
  insert(Previous, " {");
  insert(S->getBeginLoc(), Statement + ";\n" + indentOf(S->getBeginLoc()));
  insert(End, "\n" + indentOf(Parent->getBeginLoc()) + "}");
  return true;
}

void Edits::needType(StringRef Name, StringRef Header) {
  auto Word = Context.Idents.find(Name);
  if (Word != Context.Idents.end() && !Context.getTranslationUnitDecl()->lookup(DeclarationName(Word->second)).empty())
    return;
  // After the first include of a system header, else at the top.
  StringRef Text = SM.getBufferData(SM.getMainFileID());
  size_t At = 0;
  for (size_t Line = 0; Line < Text.size();) {
    size_t End = Text.find('\n', Line);
    End = End == StringRef::npos ? Text.size() : End + 1;
    StringRef Words = Text.slice(Line, End).trim();
    if (Words.consume_front("#") && Words.ltrim().consume_front("include") && Words.contains('<')) {
      At = End;
      break;
    }
    Line = End;
  }
  insert(SM.getLocForStartOfFile(SM.getMainFileID()).getLocWithOffset(int(At)), "#include <" + Header.str() + ">\n");
}
