// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Story.h"
#include "checkers/Flow.h"
#include "checkers/LlvmCompat.h"
#include "checkers/Rules.h"
#include "clang/AST/ParentMap.h"

using namespace clang;
using namespace ento;
using namespace safespawn;

std::string safespawn::written(const MemRegion *Region) {
  if (const auto *Var = dyn_cast_or_null<VarRegion>(Region))
    return Var->getDecl()->getNameAsString();
  if (const auto *Field = dyn_cast_or_null<FieldRegion>(Region)) {
    const MemRegion *Super = Field->getSuperRegion();
    std::string Base;
    const char *Arrow = ".";
    if (const auto *Pointee = dyn_cast<SymbolicRegion>(Super)) {
      if (const MemRegion *Origin = Pointee->getSymbol()->getOriginRegion())
        Base = written(Origin);
      Arrow = "->";
    } else {
      Base = written(Super);
    }
    return Base.empty() ? Field->getDecl()->getNameAsString() : Base + Arrow + Field->getDecl()->getNameAsString();
  }
  if (const auto *Element = dyn_cast_or_null<ElementRegion>(Region)) {
    const MemRegion *Super = Element->getSuperRegion();
    std::string Base;
    if (const auto *Pointee = dyn_cast<SymbolicRegion>(Super)) {
      if (const MemRegion *Origin = Pointee->getSymbol()->getOriginRegion())
        Base = written(Origin);
      if (Element->getIndex().isZeroConstant() && !Base.empty())
        return "*" + Base;
    } else {
      Base = written(Super);
    }
    if (Base.empty())
      return "";
    if (auto Index = Element->getIndex().getAs<nonloc::ConcreteInt>()) {
      return Base + "[" + std::to_string(compat::valueOf(*Index)) + "]";
    }
    return Base + "[...]";
  }
  return "";
}

std::string safespawn::nameOf(const MemRegion *Storage, const Expr *Expression, const Unit &U, bool IsValue) {
  std::string Name = written(Storage);
  if (Expression && IsValue)
    return Name.empty() || isa<ArraySubscriptExpr, MemberExpr>(Expression->IgnoreParenCasts())
               ? U.text(Expression->IgnoreParenCasts())
               : Name;
  if (Expression) {
    Expression = Expression->IgnoreParenCasts();
    const bool Address = isa<UnaryOperator>(Expression) && cast<UnaryOperator>(Expression)->getOpcode() == UO_AddrOf;
    const Expr *Place = Address ? cast<UnaryOperator>(Expression)->getSubExpr()->IgnoreParenCasts() : Expression;
    if (isa<ArraySubscriptExpr, MemberExpr>(Place) || (Name.empty() && (Address || !Place->getType()->isPointerType())))
      return U.text(Place);
    if (Name.empty() && isa<DeclRefExpr>(Place))
      return "*" + U.text(Place);
  }
  return Name.empty() ? "the thread's handle" : Name;
}

StringRef safespawn::functionName(const Decl *D) {
  const auto *F = dyn_cast_or_null<NamedDecl>(D);
  return F && F->getIdentifier() ? F->getName() : StringRef("this function");
}

namespace {

/// Tells how the path came to leave without doing what it should: the last condition behind which it is not done any
/// more, or, where the function never does it, the condition whose branch holds the exit; in the words of the source.
class WayOut : public BugReporterVisitor {
public:
  WayOut(const LocationContext *Frame, const Stmt *Exit, const Stmt *Begun, Omission Omitted, const Unit &U)
      : Frame(Frame), Exit(Exit), Begun(Begun), Omitted(std::move(Omitted)), U(U), Parents(Frame->getParentMap()) {
    SmallVector<const CFGBlock *, 16> Work;
    for (const CFGBlock *Block : *Frame->getCFG())
      for (const CFGElement &Element : *Block)
        if (auto S = Element.getAs<CFGStmt>())
          if (const auto *Call = dyn_cast<CallExpr>(S->getStmt());
              Call && this->Omitted.Does(Call) && Doers.insert(Block).second)
            Work.push_back(Block);
    while (!Work.empty())
      for (const CFGBlock *Before : Work.pop_back_val()->preds())
        if (Before && Doers.insert(Before).second)
          Work.push_back(Before);
  }

  void Profile(llvm::FoldingSetNodeID &Id) const override {
    static int Tag;
    Id.AddPointer(&Tag);
    Id.AddPointer(Exit);
  }

  PathDiagnosticPieceRef VisitNode(const ExplodedNode *N, BugReporterContext &BRC, PathSensitiveBugReport &) override {
    auto Edge = N->getLocation().getAs<BlockEdge>();
    if (Done || !Edge || N->getLocationContext() != Frame)
      return nullptr;
    const CFGBlock *From = Edge->getSrc(), *To = Edge->getDst();
    const auto *Condition = dyn_cast_or_null<Expr>(From->getTerminatorCondition());
    if (!Condition || From->succ_size() != 2)
      return nullptr;
    const auto *If = dyn_cast_or_null<IfStmt>(From->getTerminatorStmt());
    const bool Holds = static_cast<const CFGBlock *>(*From->succ_begin()) == To;
    const bool HoldsExit = If && Exit && isWithin(Holds ? If->getThen() : If->getElse());
    if (Doers.empty() ? !HoldsExit : !Doers.count(From) || Doers.count(To))
      return nullptr;
    Done = true;
    PathDiagnosticLocation At(Condition, BRC.getSourceManager(), Frame);
    return std::make_shared<PathDiagnosticEventPiece>(At, story(Condition, Holds, If) +
                                                              (HoldsExit ? "taking the early return" : Omitted.Text));
  }

private:
  bool isWithin(const Stmt *Branch) const {
    for (const Stmt *S = Exit; S; S = Parents.getParent(S))
      if (S == Branch)
        return true;
    return false;
  }

  std::string story(const Expr *Condition, bool Holds, const IfStmt *If) const {
    const Expr *E = Condition->IgnoreParenCasts();
    while (const auto *Not = dyn_cast<UnaryOperator>(E)) {
      if (Not->getOpcode() != UO_LNot)
        break;
      E = Not->getSubExpr()->IgnoreParenCasts();
      Holds = !Holds;
    }
    // A call whose result is compared, or kept and then tested, has failed or worked; one that is only asked is quoted.
    const Expr *Tested = E;
    bool Result = false;
    if (const auto *Compare = dyn_cast<BinaryOperator>(E); Compare && Compare->isComparisonOp()) {
      Tested = Compare->getLHS()->IgnoreParenCasts();
      Result = Compare->getOpcode() == BO_EQ ? !isZero(Compare->getRHS()) == Holds : Holds;
    } else if (isa<DeclRefExpr>(E)) {
      Result = Holds;
    } else if (isa<CallExpr>(E)) {
      // if (fetch()) return -1: what is returned tells a failure from a plain answer.
      const auto *Return = dyn_cast_or_null<ReturnStmt>(Exit);
      Expr::EvalResult Value;
      Result = Holds && Return && Return->getRetValue() && Return->getRetValue()->EvaluateAsInt(Value, U.context()) &&
               Value.Val.getInt() != 0;
    }
    if (const auto *Assign = dyn_cast<BinaryOperator>(Tested); Assign && Assign->getOpcode() == BO_Assign)
      Tested = Assign->getRHS()->IgnoreParenCasts();
    if (const auto *Ref = dyn_cast<DeclRefExpr>(Tested))
      if (const Expr *Source = If ? lastValueOf(Ref->getDecl(), If) : nullptr)
        Tested = Source;
    if (const auto *Call = dyn_cast<CallExpr>(Tested);
        Call && Result && !isTheBegun(Call) && !tellsSuccessByTruth(Call))
      if (const FunctionDecl *Callee = Call->getDirectCallee(); Callee && Callee->getIdentifier())
        return "'" + Callee->getName().str() + "' fails: ";
    return "'" + U.text(E) + (Holds ? "' holds: " : "' does not hold: ");
  }

  /// The call that the story begins with has worked; in a loop, the same call in another round may fail.
  bool isTheBegun(const CallExpr *Call) const { return Call == Begun && !reaches(*Frame->getCFG(), Begun, Begun); }

  bool tellsSuccessByTruth(const CallExpr *Call) const {
    const Meaning *Row = U.spawnRow(Call);
    return Row && (Row->Worked.How == Success::NonZero || Row->Worked.How == Success::NonNull);
  }

  bool isZero(const Expr *E) const {
    Expr::EvalResult Value;
    return E->EvaluateAsInt(Value, U.context()) && Value.Val.getInt() == 0;
  }

  /// What the statement just before the `if` gave \p Var: rc = fetch(); if (rc) …
  const Expr *lastValueOf(const ValueDecl *Var, const IfStmt *If) const {
    const auto *Block = dyn_cast_or_null<CompoundStmt>(Parents.getParent(If));
    if (!Block)
      return nullptr;
    const Stmt *Before = nullptr;
    for (const Stmt *S : Block->body()) {
      if (S == If)
        break;
      Before = S;
    }
    if (const auto *Assign = dyn_cast_or_null<BinaryOperator>(Before))
      if (const auto *To = dyn_cast<DeclRefExpr>(Assign->getLHS()->IgnoreParens());
          To && To->getDecl() == Var && Assign->getOpcode() == BO_Assign)
        return Assign->getRHS()->IgnoreParenCasts();
    if (const auto *Declaration = dyn_cast_or_null<DeclStmt>(Before);
        Declaration && Declaration->isSingleDecl() && Declaration->getSingleDecl() == Var)
      if (const Expr *Init = cast<VarDecl>(Var)->getInit())
        return Init->IgnoreParenCasts();
    return nullptr;
  }

  const LocationContext *Frame;
  const Stmt *Exit;
  const Stmt *Begun;
  Omission Omitted;
  const Unit &U;
  const ParentMap &Parents;
  llvm::SmallPtrSet<const CFGBlock *, 32> Doers; ///< blocks from which it can still be done
  bool Done = false;
};

/// Tells where the path learned how a call ended.
class Outcome : public BugReporterVisitor {
public:
  Outcome(SymbolRef Result, std::string Text) : Result(Result), Text(std::move(Text)) {}

  void Profile(llvm::FoldingSetNodeID &Id) const override { Id.AddPointer(Result); }

  PathDiagnosticPieceRef VisitNode(const ExplodedNode *N, BugReporterContext &BRC, PathSensitiveBugReport &) override {
    const ExplodedNode *Before = N->getFirstPred();
    if (Done || !Before || !isKnown(N) || isKnown(Before))
      return nullptr;
    const Stmt *S = N->getStmtForDiagnostics();
    if (!S)
      return nullptr;
    Done = true;
    PathDiagnosticLocation At = PathDiagnosticLocation::createBegin(S, BRC.getSourceManager(), N->getLocationContext());
    return std::make_shared<PathDiagnosticEventPiece>(At, Text);
  }

private:
  bool isKnown(const ExplodedNode *N) const { return N->getState()->isNull(nonloc::SymbolVal(Result)).isConstrained(); }

  SymbolRef Result;
  std::string Text;
  bool Done = false;
};

} // namespace

std::unique_ptr<BugReporterVisitor> safespawn::tellWayOut(const LocationContext *Frame, const Stmt *Exit,
                                                          const Stmt *Begun, Omission Omitted, const Unit &U) {
  return std::make_unique<WayOut>(Frame, Exit, Begun, std::move(Omitted), U);
}

std::unique_ptr<BugReporterVisitor> safespawn::tellOutcome(SymbolRef Result, std::string Text) {
  return std::make_unique<Outcome>(Result, std::move(Text));
}

/// Whether \p Piece tells what a rule saw. The analyzer's own remarks on the way do not: what it assumed, which branch
/// it took. Where an assumption decides the path, the rule says so in its own words.
static bool isStory(const PathDiagnosticPiece &Piece) {
  if (const auto *Event = dyn_cast<PathDiagnosticEventPiece>(&Piece))
    return !Event->isPrunable() && Event->getTag() != ConditionBRVisitor::getTag();
  return isa<PathDiagnosticNotePiece>(Piece);
}

/// Drops what tells nothing, and the steps at \p Known, where the reader is anyway. \returns whether there is a story.
static bool keepStory(PathPieces &Pieces, const PathDiagnosticPiece *End, SourceLocation Known) {
  bool Any = false;
  Pieces.remove_if([&](const PathDiagnosticPieceRef &Piece) {
    if (isa<PathDiagnosticControlFlowPiece>(*Piece))
      return !Piece->getString().empty(); // without words it is an arrow
    bool Keep = Piece.get() == End;
    if (auto *Call = dyn_cast<PathDiagnosticCallPiece>(Piece.get()))
      Keep = keepStory(Call->path, End, Known);
    else if (auto *Macro = dyn_cast<PathDiagnosticMacroPiece>(Piece.get()))
      Keep = keepStory(Macro->subPieces, End, Known);
    else if (!Keep)
      Keep = isStory(*Piece) && (isa<PathDiagnosticNotePiece>(*Piece) || Piece->getLocation().asLocation() != Known);
    Any |= Keep;
    return !Keep;
  });
  return Any;
}

PathPieces safespawn::storyOf(const PathDiagnostic &D) {
  PathPieces Pieces = D.path;
  // A step of the story that stands where the report itself stands says nothing, where there is more to say.
  const bool More = llvm::any_of(Pieces, [](const PathDiagnosticPieceRef &Piece) {
    return isa<PathDiagnosticNotePiece>(*Piece) && Piece->getFixits().empty();
  });
  keepStory(Pieces, Pieces.back().get(), More ? D.getLocation().asLocation() : SourceLocation());
  return Pieces;
}

static bool passesBy(const PathPieces &Pieces, SourceLocation Place) {
  return llvm::any_of(Pieces, [&](const PathDiagnosticPieceRef &Piece) {
    if (const auto *Call = dyn_cast<PathDiagnosticCallPiece>(Piece.get()))
      return passesBy(Call->path, Place);
    if (const auto *Macro = dyn_cast<PathDiagnosticMacroPiece>(Piece.get()))
      return passesBy(Macro->subPieces, Place);
    return isStory(*Piece) && Piece->getLocation().asLocation() == Place;
  });
}

/// Whether the path of \p D began in a caller of the function that the defect lies in.
static bool isSeenFromCaller(const PathDiagnostic &D) {
  const Decl *In = D.getUniqueingDecl();
  const auto First =
      llvm::find_if(D.path, [](const PathDiagnosticPieceRef &P) { return !isa<PathDiagnosticNotePiece>(*P); });
  if (!In || First == D.path.end())
    return false;
  const FullSourceLoc Start = (*First)->getLocation().asLocation();
  const SourceManager &SM = Start.getManager();
  return !SM.isPointWithin(SM.getExpansionLoc(Start), SM.getExpansionLoc(In->getBeginLoc()),
                           SM.getExpansionLoc(In->getEndLoc()));
}

/// \p Message without what stands in quotes, or with no more of it than the last step: lock of 'r->zones->lock'.
/// Callers have other names for the same object.
static std::string withoutNames(StringRef Message, bool LastSteps = false) {
  std::string Text;
  SmallVector<StringRef, 8> Parts;
  Message.split(Parts, '\'');
  for (size_t I = 0; I < Parts.size(); ++I)
    if (I % 2 == 0)
      Text += Parts[I];
    else if (LastSteps)
      Text += Parts[I].substr(Parts[I].find_last_of(".>") + 1);
  return Text;
}

/// Whether \p Other reports the defect of \p D, seen on another path: in the words of the function itself, where \p D
/// has those of a caller; in those of another caller, of which one is as good as the other; or under a rule that fits
/// it better.
static bool isSaidBetter(const PathDiagnostic &D, const PathDiagnostic &Other) {
  const RuleInfo *Own = findRule(D.getCheckerName()), *Specific = findRule(Other.getCheckerName());
  const StringRef Text = D.getVerboseDescription(), OtherText = Other.getVerboseDescription();
  if (Own && Own == Specific && isSeenFromCaller(D) &&
      D.getLocation().asLocation() == Other.getLocation().asLocation() &&
      D.getUniqueingDecl() == Other.getUniqueingDecl() && withoutNames(Text) == withoutNames(OtherText) &&
      (!isSeenFromCaller(Other) || (withoutNames(Text, true) == withoutNames(OtherText, true) && OtherText < Text)))
    return true;
  return Own && Specific && Specific->Id == Rule::thread_StackEscape && isOver(Specific->Id, Own->Id) &&
         D.getDeclWithIssue() == Other.getDeclWithIssue() && passesBy(D.path, Other.getLocation().asLocation());
}

bool safespawn::isShown(const PathDiagnostic &D, ArrayRef<const PathDiagnostic *> Beside) {
  FullSourceLoc At = D.getLocation().asLocation();
  return !At.getManager().isInSystemHeader(At) && // not the user's to edit
         llvm::none_of(Beside, [&](const PathDiagnostic *Other) { return isSaidBetter(D, *Other); });
}
