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

static bool isInclude(const FixItHint &H) { return StringRef(H.CodeToInsert).starts_with("#include"); }

/// Where the token of \p At stands in the text of the macro that \p Expansion is one of: for what an argument brings,
/// the parameter. Invalid where it comes from elsewhere.
static SourceLocation inDefinition(SourceLocation At, FileID Expansion, bool IsEnd, const SourceManager &SM) {
  while (At.isMacroID() && SM.getFileID(At) != Expansion) {
    const CharSourceRange Range = SM.getImmediateExpansionRange(At);
    At = IsEnd ? Range.getEnd() : Range.getBegin();
  }
  return At.isMacroID() ? SM.getSpellingLoc(At) : SourceLocation();
}

bool Edits::isByMacro(const CallExpr *Call) const {
  const SourceLocation Callee = Call->getCallee()->getBeginLoc();
  return Callee.isMacroID() && !SM.isMacroArgExpansion(Callee);
}

bool Edits::enter(const CallExpr *Call) {
  const SourceLocation Callee = Call->getCallee()->getBeginLoc();
  Expansion = FileID();
  Since = Hints.size();
  if (!isByMacro(Call))
    return true;
  Expansion = SM.getFileID(Callee);
  Entered = SM.getSpellingLoc(Callee);
  auto Is = [&](const Expr *Part) { return SM.isInMainFile(written(Part->getSourceRange()).getBegin()); };
  if (SM.getImmediateExpansionRange(Callee).getBegin().isFileID() && SM.isWrittenInMainFile(Entered) && Is(Call) &&
      Is(Call->getCallee()) && llvm::all_of(Call->arguments(), Is))
    return true;
  Expansion = FileID();
  return false;
}

bool Edits::leave() {
  if (Expansion.isInvalid())
    return true;
  Expansion = FileID();
  std::vector<std::pair<SourceLocation, std::string>> Made;
  for (size_t I = Since; I < Hints.size(); ++I)
    if (!isInclude(Hints[I]))
      Made.emplace_back(Hints[I].RemoveRange.getBegin(), Hints[I].CodeToInsert);
  auto [Known, IsNew] = Macros.try_emplace(Entered, Made);
  if (IsNew)
    return true;
  Hints.resize(Since, FixItHint());
  return Known->second == Made;
}

CharSourceRange Edits::written(SourceRange Range) const {
  if (Expansion.isValid()) {
    const SourceLocation Begin = inDefinition(Range.getBegin(), Expansion, false, SM);
    const SourceLocation End = inDefinition(Range.getEnd(), Expansion, true, SM);
    if (Begin.isInvalid() || End.isInvalid() || SM.getFileID(Begin) != SM.getFileID(End) || End < Begin)
      return {};
    return CharSourceRange::getCharRange(Begin, Lexer::getLocForEndOfToken(End, 0, SM, Context.getLangOpts()));
  }
  CharSourceRange File = Lexer::makeFileCharRange(CharSourceRange::getTokenRange(Range), SM, Context.getLangOpts());
  return File.isValid() && !SM.isInSystemHeader(File.getBegin()) ? File : CharSourceRange();
}

std::string Edits::text(SourceRange Range) const {
  return Lexer::getSourceText(written(Range), SM, Context.getLangOpts()).str();
}

static StringRef indentOfLine(StringRef Line) {
  return Line.take_while([](char C) { return C == ' ' || C == '\t'; });
}

/// The text of the line that \p At is on, up to \p At.
static StringRef lineBefore(SourceLocation At, const SourceManager &SM) {
  auto [File, Offset] = SM.getDecomposedLoc(At);
  StringRef Before = SM.getBufferData(File).take_front(Offset);
  return Before.substr(Before.rfind('\n') + 1);
}

std::string Edits::indentOf(SourceLocation At) const { return indentOfLine(lineBefore(At, SM)).str(); }

std::string Edits::levelOf(SourceLocation Inner, SourceLocation Outer) const {
  std::string Deep = indentOf(Inner), Flat = indentOf(Outer);
  return StringRef(Deep).starts_with(Flat) && Deep.size() > Flat.size() ? Deep.substr(Flat.size()) : "    ";
}

/// What the first block of \p Text begins its lines with, in addition to what it stands behind.
static StringRef levelOfFile(StringRef Text) {
  std::optional<StringRef> Outer;
  while (!Text.empty()) {
    StringRef Line;
    std::tie(Line, Text) = Text.split('\n');
    StringRef Inner = indentOfLine(Line);
    if (Outer && Inner.consume_front(*Outer) && !Inner.empty() && !Line.trim().empty())
      return Inner;
    Outer = Line.trim().ends_with("{") ? std::optional(indentOfLine(Line)) : std::nullopt;
  }
  return "\t";
}

std::string Edits::indented(StringRef Text) const {
  const StringRef Level = levelOfFile(SM.getBufferData(SM.getMainFileID()));
  std::string Result;
  while (!Text.empty()) {
    StringRef Line;
    const bool Ends = Text.contains('\n');
    std::tie(Line, Text) = Text.split('\n');
    size_t Tabs = Line.size() - Line.ltrim('\t').size(), Spaces = indentOfLine(Line).size() - Tabs;
    Line = Line.drop_front(Tabs + Spaces);
    if (Level == "\t") {
      Tabs += Spaces / 8;
      Spaces %= 8;
    }
    for (; Tabs; --Tabs)
      Result += Level;
    Result += std::string(Spaces, ' ') + Line.str() + (Ends ? "\n" : "");
  }
  return Result;
}

bool Edits::isFirstOnLine(SourceLocation At) const { return lineBefore(At, SM).trim().empty(); }

SourceLocation Edits::after(SourceRange Range) const {
  return Lexer::getLocForEndOfToken(Range.getEnd(), 0, SM, Context.getLangOpts());
}

SourceLocation Edits::afterSemicolon(const Stmt *S) const {
  CharSourceRange File = written(S->getSourceRange());
  if (File.isInvalid())
    return {};
  if (isa<DeclStmt>(S)) // its range has the semicolon
    return File.getEnd();
  auto Next = Lexer::findNextToken(File.getEnd().getLocWithOffset(-1), SM, Context.getLangOpts());
  return Next && Next->is(tok::semi) ? Next->getEndLoc() : SourceLocation();
}

/// \p Text with the line ends that the file of \p At has.
static std::string asWritten(StringRef Text, SourceLocation At, const SourceManager &SM) {
  StringRef File = SM.getBufferData(SM.getFileID(At));
  const size_t First = File.find('\n');
  if (First == StringRef::npos || First == 0 || File[First - 1] != '\r')
    return Text.str();
  std::string Result;
  for (char C : Text)
    Result += C == '\n' ? std::string("\r\n") : std::string(1, C);
  return Result;
}

void Edits::insert(SourceLocation At, std::string Text) {
  Hints.push_back(FixItHint::CreateInsertion(At, asWritten(Text, At, SM)));
}

void Edits::replace(SourceRange Tokens, std::string Text) {
  Hints.push_back(FixItHint::CreateReplacement(CharSourceRange::getCharRange(Tokens.getBegin(), after(Tokens)), Text));
}

void Edits::remove(SourceLocation Begin, SourceLocation End) {
  Hints.push_back(FixItHint::CreateRemoval(CharSourceRange::getCharRange(Begin, End)));
}

void Edits::removeStatement(const Stmt *S) {
  SourceLocation Begin = begin(S), End = afterSemicolon(S);
  auto [File, Offset] = SM.getDecomposedLoc(End);
  const StringRef Rest = SM.getBufferData(File).drop_front(Offset).take_until([](char C) { return C == '\n'; });
  if (isFirstOnLine(Begin) && Rest.trim().empty()) {
    Begin = Begin.getLocWithOffset(-int(lineBefore(Begin, SM).size()));
    End = End.getLocWithOffset(int(Rest.size()) + 1);
  } else {
    End = End.getLocWithOffset(int(Rest.size() - Rest.ltrim(" \t").size()));
  }
  remove(Begin, End);
}

void Edits::rewrite(SourceRange Tokens, std::string Text) {
  Hints.push_back(FixItHint::CreateReplacement(written(Tokens), Text));
}

std::vector<FixItHint> Edits::takeMerged() {
  std::vector<FixItHint> Merged;
  auto IsInsertion = [](const FixItHint &H) { return H.RemoveRange.getBegin() == H.RemoveRange.getEnd(); };
  llvm::stable_sort(Hints, [&](const FixItHint &A, const FixItHint &B) {
    const SourceLocation X = A.RemoveRange.getBegin(), Y = B.RemoveRange.getBegin();
    return X != Y ? X < Y : IsInsertion(A) && !IsInsertion(B);
  });
  for (size_t I = 0; I < Hints.size();) {
    const SourceLocation At = Hints[I].RemoveRange.getBegin();
    FixItHint One = Hints[I];
    size_t Next = I + 1;
    for (; Next < Hints.size() && Hints[Next].RemoveRange.getBegin() == At; ++Next) {
      const FixItHint &More = Hints[Next];
      if (isInclude(One) || isInclude(More))
        break;
      const bool IsKnown = std::any_of(
          Hints.begin() + std::ptrdiff_t(I), Hints.begin() + std::ptrdiff_t(Next), [&](const FixItHint &Before) {
            return Before.CodeToInsert == More.CodeToInsert && Before.RemoveRange.getEnd() == More.RemoveRange.getEnd();
          });
      if (IsKnown)
        continue;
      const std::string Text = One.CodeToInsert + More.CodeToInsert;
      const SourceLocation End = std::max(One.RemoveRange.getEnd(), More.RemoveRange.getEnd());
      One = At == End ? FixItHint::CreateInsertion(At, Text)
                      : FixItHint::CreateReplacement(CharSourceRange::getCharRange(At, End), Text);
    }
    Merged.push_back(std::move(One));
    I = Next;
  }
  Hints.clear();
  return Merged;
}

/// The end of the line of \p At when a comment is all that stands there, else \p At.
static SourceLocation afterComment(SourceLocation At, const SourceManager &SM) {
  auto [File, Offset] = SM.getDecomposedLoc(At);
  StringRef Rest = SM.getBufferData(File).drop_front(Offset);
  StringRef Line = Rest.take_until([](char C) { return C == '\n' || C == '\r'; }).rtrim();
  StringRef Comment = Line.ltrim();
  const bool Whole =
      Comment.starts_with("//") || (Comment.starts_with("/*") && Comment.ends_with("*/") && Comment.count("*/") == 1);
  return Whole ? At.getLocWithOffset(int(Line.size())) : At;
}

/// Whether a line of the preprocessor's begins in \p Text, after its first line.
static bool isSplit(StringRef Text) {
  while (!Text.empty()) {
    Text = Text.split('\n').second;
    if (Text.ltrim(" \t").starts_with("#"))
      return true;
  }
  return false;
}

bool Edits::holdsDirective(SourceRange Range) const { return isSplit(text(Range)); }

SourceLocation Edits::endOfLine(SourceLocation At) const {
  if (At.isInvalid())
    return At;
  const SourceLocation End = afterComment(At, SM);
  StringRef Rest = SM.getBufferData(SM.getFileID(End)).drop_front(SM.getFileOffset(End));
  Rest = Rest.take_until([](char C) { return C == '\n'; });
  return Rest.trim().empty() ? End : SourceLocation();
}

bool Edits::isBeforeEmptyLine(SourceLocation At) const {
  StringRef Rest = SM.getBufferData(SM.getFileID(At)).drop_front(SM.getFileOffset(At));
  return Rest.split('\n').second.split('\n').first.trim().empty();
}

void Edits::breakLineAfter(const Stmt *S) {
  if (const SourceLocation End = afterSemicolon(S); End.isValid() && endOfLine(End).isInvalid())
    insert(End, "\n" + indentOf(begin(S)));
}

bool Edits::insertBefore(const Stmt *S, const ParentMap &Parents, const std::string &Statement) {
  const CharSourceRange File = written(S->getSourceRange());
  const SourceLocation End = afterSemicolon(S);
  if (File.isInvalid() || End.isInvalid())
    return false;
  const SourceLocation Begin = File.getBegin();
  const Stmt *Parent = Parents.getParent(S);
  // What takes lines of its own leaves no other statement on them: it would look like a part of it.
  const size_t Line = Statement.find('\n');
  const bool HasLines = Line != std::string::npos;
  const std::string Indent = indentOf(Begin);
  if (isa_and_nonnull<CompoundStmt, LabelStmt, SwitchCase>(Parent)) {
    insert(Begin, Statement + (isFirstOnLine(Begin) || HasLines ? ";\n" + Indent : std::string("; ")));
    return true;
  }
  if (!isa_and_nonnull<IfStmt, ForStmt, WhileStmt>(Parent) || !Parent->getBeginLoc().isFileID())
    return false;
  if (!isFirstOnLine(Begin) && HasLines) {
    const std::string Deep = indentOfLine(StringRef(Statement).drop_front(Line + 1)).str();
    const std::string Level = StringRef(Deep).starts_with(Indent) ? Deep.substr(Indent.size()) : "    ";
    std::string Deeper = "{\n" + Indent + Level;
    for (char C : Statement)
      Deeper += C == '\n' ? C + Level : std::string(1, C);
    insert(Begin, Deeper + ";\n" + Indent + Level);
    insert(End, "\n" + Indent + "}");
    return true;
  }
  if (!isFirstOnLine(Begin)) {
    insert(Begin, "{ " + Statement + "; ");
    insert(End, " }");
    return true;
  }
  // The token that opens the branch, ')' or 'else': the brace goes behind it. No directive may stand in between, and
  // none behind the statement: the branch would not be the same with it.
  auto [Id, Offset] = SM.getDecomposedLoc(Begin);
  StringRef Text = SM.getBufferData(Id);
  SourceLocation Opens;
  for (unsigned Back = 1; Back <= Offset && Opens.isInvalid(); ++Back) {
    SourceLocation At = Lexer::GetBeginningOfToken(Begin.getLocWithOffset(-int(Back)), SM, Context.getLangOpts());
    Token T;
    if (!Lexer::getRawToken(At, T, SM, Context.getLangOpts(), /*IgnoreWhiteSpace=*/false) && T.isNot(tok::comment) &&
        T.isNot(tok::unknown))
      Opens = T.getEndLoc();
  }
  if (Opens.isInvalid())
    return false;
  const unsigned From = SM.getFileOffset(Opens), To = SM.getFileOffset(End);
  StringRef Behind = Text.drop_front(To);
  if (isSplit(Text.slice(From, Offset)) || isSplit(Behind.substr(0, Behind.find_first_not_of(" \t\r\n") + 1)))
    return false;
  insert(Opens, " {");
  insert(Begin, Statement + ";\n" + Indent);
  insert(afterComment(End, SM), "\n" + indentOf(Parent->getBeginLoc()) + "}");
  return true;
}

bool Edits::insertAtEnd(const CompoundStmt *Body, const std::string &Statement) {
  const SourceLocation Brace = Body->getRBracLoc();
  if (!isEditable(SourceRange(Brace, Brace)) || Body->body_empty())
    return false;
  if (isFirstOnLine(Brace))
    insert(Brace, levelOf(Body->body_front()->getBeginLoc(), Brace) + Statement + ";\n" + indentOf(Brace));
  else
    insert(Brace, Statement + "; ");
  return true;
}

/// Calls \p Visit with each include of \p Text that stands under no condition, and with the place after its line.
static void eachInclude(StringRef Text, llvm::function_ref<void(StringRef, size_t)> Visit) {
  unsigned Depth = 0;
  for (size_t Line = 0; Line < Text.size();) {
    size_t End = Text.find('\n', Line);
    End = End == StringRef::npos ? Text.size() : End + 1;
    StringRef Words = Text.slice(Line, End).trim();
    if (Words.consume_front("#")) {
      Words = Words.ltrim();
      if (Words.starts_with("if"))
        ++Depth;
      else if (Words.starts_with("endif") && Depth)
        --Depth;
      else if (!Depth && Words.starts_with("include"))
        Visit(Words, End);
    }
    Line = End;
  }
}

/// The place after the comments that \p Text begins with.
static size_t afterHead(StringRef Text) {
  size_t Head = 0;
  for (bool InComment = false; Head < Text.size();) {
    size_t End = Text.find('\n', Head);
    End = End == StringRef::npos ? Text.size() : End + 1;
    StringRef Words = Text.slice(Head, End).trim();
    InComment |= Words.starts_with("/*");
    if (!InComment && !Words.starts_with("//"))
      break;
    InComment &= !Words.contains("*/");
    Head = End;
  }
  return Head;
}

SourceLocation Edits::afterIncludes(SourceLocation Before) const {
  size_t At = 0;
  eachInclude(SM.getBufferData(SM.getMainFileID()).take_front(SM.getFileOffset(Before)),
              [&](StringRef, size_t End) { At = End; });
  return At ? SM.getLocForStartOfFile(SM.getMainFileID()).getLocWithOffset(int(At)) : SourceLocation();
}

void Edits::need(StringRef Name, StringRef Header) {
  // What another system header happens to bring along, another compiler's may not: only an include of the user's own,
  // or a type of the user's own, is enough.
  StringRef Text = SM.getBufferData(SM.getMainFileID());
  if (Text.contains(("<" + Header + ">").str()) || (Header == "stdint.h" && Text.contains("<inttypes.h>")))
    return;
  auto Word = Context.Idents.find(Name);
  if (Word != Context.Idents.end())
    for (const NamedDecl *D : Context.getTranslationUnitDecl()->lookup(DeclarationName(Word->second)))
      if (!SM.isInSystemHeader(D->getLocation()))
        return;
  // After the first include that stands under no condition, one of a system header where there is one; else after the
  // comments that the file begins with.
  size_t AnyAt = StringRef::npos, SystemAt = StringRef::npos;
  eachInclude(Text, [&](StringRef Words, size_t End) {
    size_t &At = Words.contains('<') ? SystemAt : AnyAt;
    At = std::min(At, End);
  });
  const size_t At = SystemAt != StringRef::npos ? SystemAt : AnyAt != StringRef::npos ? AnyAt : afterHead(Text);
  const SourceLocation Place = SM.getLocForStartOfFile(SM.getMainFileID()).getLocWithOffset(int(At));
  const std::string Line = asWritten(("#include <" + Header + ">\n").str(), Place, SM);
  if (llvm::none_of(Hints, [&](const FixItHint &H) { return H.CodeToInsert == Line; }))
    insert(Place, Line);
}
