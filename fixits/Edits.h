// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Edits as text: where a statement begins and ends in the file, how its line is indented, what may be edited at all.
#pragma once

#include "clang/AST/ASTContext.h"
#include "clang/AST/Expr.h"
#include "clang/AST/ParentMap.h"
#include "clang/Basic/Diagnostic.h"
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace safespawn {

class Edits {
public:
  explicit Edits(clang::ASTContext &Context);

  /// What is edited of \p Call from here on, where a macro writes it, is edited where that is defined. \returns false
  /// where it is not defined in the main file by whole tokens.
  bool enter(const clang::CallExpr *Call);
  /// Ends that. \returns false where another call that the same text of a macro makes was edited otherwise.
  bool leave();
  /// What was edited in the definitions of macros: where the callee stands, and each edit after it.
  using MacroEdits = std::map<clang::SourceLocation, std::vector<std::pair<clang::SourceLocation, std::string>>>;
  const MacroEdits &inMacros() const { return Macros; }

  /// Whether all of \p Range is written in a file that is the user's to edit, none of it by a macro.
  bool isEditable(clang::SourceRange Range) const;
  /// The text in the file that \p Range stands for, where it is whole tokens and whole macro uses; invalid otherwise.
  clang::CharSourceRange written(clang::SourceRange Range) const;
  /// The text of \p Range, to the end of its last token; macros as they are written.
  std::string text(clang::SourceRange Range) const;
  /// The white space that the line of \p At begins with.
  std::string indentOf(clang::SourceLocation At) const;
  /// The indentation that one level adds in this file, judged by the statement \p Inner in the block of \p Outer.
  std::string levelOf(clang::SourceLocation Inner, clang::SourceLocation Outer) const;
  /// \p Text, whose lines begin with a tab for each level and maybe spaces after them, as the main file indents.
  std::string indented(llvm::StringRef Text) const;
  /// Whether only white space stands before \p At on its line.
  bool isFirstOnLine(clang::SourceLocation At) const;
  /// The place after the last token of \p Range.
  clang::SourceLocation after(clang::SourceRange Range) const;
  /// The place after the semicolon that ends \p S; invalid where none does.
  clang::SourceLocation afterSemicolon(const clang::Stmt *S) const;

  /// The end of the line of \p At, which may be reached through a comment; invalid where something else comes first.
  clang::SourceLocation endOfLine(clang::SourceLocation At) const;
  /// Puts what follows \p S on its line, other than a comment, on one of its own.
  void breakLineAfter(const clang::Stmt *S);
  /// Whether the line after the one that ends at \p At is empty.
  bool isBeforeEmptyLine(clang::SourceLocation At) const;

  /// Whether a line of the preprocessor's stands in \p Range, after its first line.
  bool holdsDirective(clang::SourceRange Range) const;

  /// Whether a macro's own text makes \p Call, and not what its user hands to it.
  bool isByMacro(const clang::CallExpr *Call) const;

  /// Where the text that \p S stands for begins in the file.
  clang::SourceLocation begin(const clang::Stmt *S) const { return written(S->getSourceRange()).getBegin(); }

  void insert(clang::SourceLocation At, std::string Text);
  void replace(clang::SourceRange Tokens, std::string Text);
  /// Takes out the text from \p Begin up to \p End.
  void remove(clang::SourceLocation Begin, clang::SourceLocation End);
  /// Takes out \p S and its semicolon, with its line where nothing else stands there.
  void removeStatement(const clang::Stmt *S);
  /// As replace, with macros as they are written.
  void rewrite(clang::SourceRange Tokens, std::string Text);

  /// Puts \p Statement (without semicolon) before \p S, in braces where \p S is the only statement of an if or a loop.
  /// \returns false, with no edit made, where that cannot be done.
  bool insertBefore(const clang::Stmt *S, const clang::ParentMap &Parents, const std::string &Statement);
  /// Puts \p Statement (without semicolon) at the end of \p Body. \returns false, with no edit made, where that cannot
  /// be done.
  bool insertAtEnd(const clang::CompoundStmt *Body, const std::string &Statement);
  /// The place in the main file after the last include that stands under no condition and before \p Before; invalid
  /// where there is none.
  clang::SourceLocation afterIncludes(clang::SourceLocation Before) const;
  /// Makes the type, function or macro \p Name available in the main file with \p Header, unless it is.
  void need(llvm::StringRef Name, llvm::StringRef Header);

  /// All edits, each once, and as one where several begin at one place: in the order in which they were made, and
  /// what replaces text last. Includes stay by themselves: another fix of the file may bring the same one.
  std::vector<clang::FixItHint> takeMerged();
  std::vector<clang::FixItHint> take() { return std::move(Hints); }

private:
  clang::ASTContext &Context;
  const clang::SourceManager &SM;
  std::vector<clang::FixItHint> Hints;
  clang::FileID Expansion; ///< of the macro that was entered; invalid outside of one
  clang::SourceLocation Entered;
  size_t Since = 0; ///< the first hint since then
  MacroEdits Macros;
};

} // namespace safespawn
