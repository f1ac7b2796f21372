// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// StackEscape: the object goes to the heap, and the entry owns it. That is two functions' edits that must agree: the
// spawner frees where no thread came to own the object, the entry frees before each of its ends. Offered only where
// every use in both is understood, and both are seen to be all there is.
#include "fixits/Bodies.h"
#include "fixits/Edits.h"
#include "fixits/ThreadFixes.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/Basic/Builtins.h"

using namespace clang;
using namespace safespawn;

/// Whether \p Call takes addresses for as long as it runs and keeps none: a function of the C library that the compiler
/// knows, whose result holds no address or is not used.
static bool onlyBorrows(const CallExpr *Call, const ParentMap &Parents, const Unit &U) {
  const FunctionDecl *Callee = Call->getDirectCallee();
  if (!Callee || !Callee->getBuiltinID() || Callee->getMemoryFunctionKind() == Builtin::BIfree ||
      !U.meaningsOf(Callee).empty())
    return false;
  return !Call->getType()->isPointerType() || isa_and_nonnull<CompoundStmt, IfStmt, ForStmt, WhileStmt>(
                                                  Parents.getParentIgnoreParenCasts(const_cast<CallExpr *>(Call)));
}

namespace {

/// Follows the address of one object through a function, to see that it goes nowhere.
class Loan {
public:
  Loan(const Unit &U, ento::AnalysisManager &Manager) : U(U), Manager(Manager) {}

  /// Whether all that \p Function does with the pointer \p Param, and with the variables that it copies it to, is to
  /// look at the object behind it. \p Names gets Param and those variables.
  bool staysIn(const FunctionDecl *Function, const ParmVarDecl *Param, SmallVectorImpl<const VarDecl *> &Names) {
    if (!Seen.insert(Param).second)
      return true;
    const ParentMap &Parents = Manager.getAnalysisDeclContext(Function)->getParentMap();
    Names.push_back(Param);
    for (size_t I = 0; I < Names.size(); ++I) {
      SmallVector<const DeclRefExpr *, 8> Uses;
      collect(Function->getBody(), Names[I], Uses);
      for (const DeclRefExpr *Use : Uses) {
        const Stmt *Parent = Parents.getParentIgnoreParens(const_cast<DeclRefExpr *>(Use));
        const auto *Assign = dyn_cast_or_null<BinaryOperator>(Parent);
        if (Names[I] != Param && Assign && Assign->getOpcode() == BO_Assign && Assign->getLHS()->IgnoreParens() == Use)
          continue; // the copy
        const auto *Load = dyn_cast_or_null<ImplicitCastExpr>(Parent);
        if (!Load || Load->getCastKind() != CK_LValueToRValue || !addressStays(Load, Parents, &Names))
          return false;
      }
    }
    return true;
  }

  /// Whether what is done with \p Part, the object or a part of it, keeps no address of it. \p Names gets the variables
  /// that hold one; without, there may be none.
  bool partStays(const Expr *Part, const ParentMap &Parents, SmallVectorImpl<const VarDecl *> *Names) {
    const Stmt *Up = Parents.getParent(Part);
    if (const auto *Paren = dyn_cast_or_null<ParenExpr>(Up))
      return partStays(Paren, Parents, Names);
    if (const auto *Member = dyn_cast_or_null<MemberExpr>(Up))
      return partStays(Member, Parents, Names);
    if (const auto *Cast = dyn_cast_or_null<CastExpr>(Up))
      return Cast->getCastKind() == CK_LValueToRValue || Cast->getCastKind() == CK_ToVoid ||
             (Cast->getCastKind() == CK_ArrayToPointerDecay && addressStays(Cast, Parents, Names));
    if (const auto *Op = dyn_cast_or_null<UnaryOperator>(Up))
      return Op->isIncrementDecrementOp() || (Op->getOpcode() == UO_AddrOf && addressStays(Op, Parents, Names));
    if (const auto *Assign = dyn_cast_or_null<BinaryOperator>(Up))
      return Assign->isAssignmentOp() && Assign->getLHS() == Part;
    return isa_and_nonnull<UnaryExprOrTypeTraitExpr>(Up);
  }

private:
  bool addressStays(const Expr *Address, const ParentMap &Parents, SmallVectorImpl<const VarDecl *> *Names) {
    const Stmt *Up = Parents.getParent(Address);
    if (const auto *Paren = dyn_cast_or_null<ParenExpr>(Up))
      return addressStays(Paren, Parents, Names);
    if (const auto *Cast = dyn_cast_or_null<CastExpr>(Up))
      return Cast->getCastKind() == CK_ToVoid || Cast->getCastKind() == CK_PointerToBoolean ||
             (Cast->getType()->isPointerType() && addressStays(Cast, Parents, Names));
    if (const auto *Op = dyn_cast_or_null<UnaryOperator>(Up))
      return Op->getOpcode() == UO_LNot || (Op->getOpcode() == UO_Deref && partStays(Op, Parents, Names));
    if (const auto *Member = dyn_cast_or_null<MemberExpr>(Up))
      return partStays(Member, Parents, Names);
    if (const auto *Element = dyn_cast_or_null<ArraySubscriptExpr>(Up))
      return partStays(Element, Parents, Names);
    if (const auto *Op = dyn_cast_or_null<BinaryOperator>(Up)) {
      if (Op->isAdditiveOp())
        return Op->getType()->isPointerType() && addressStays(Op, Parents, Names);
      return Op->isComparisonOp() || Op->isLogicalOp() ||
             (Op->getOpcode() == BO_Assign && isa_and_nonnull<CompoundStmt>(Parents.getParent(Op)) &&
              isCopied(Op->getLHS(), Names));
    }
    if (const auto *Declaration = dyn_cast_or_null<DeclStmt>(Up)) {
      for (const Decl *D : Declaration->decls())
        if (const auto *Var = dyn_cast<VarDecl>(D); Var && Var->getInit() == Address)
          return isCopied(Var, Names);
      return false;
    }
    if (const auto *Call = dyn_cast_or_null<CallExpr>(Up))
      return onlyBorrows(Call, Parents, U) || calleeBorrows(Call, Address);
    return isa_and_nonnull<IfStmt, WhileStmt, ForStmt, DoStmt>(Up);
  }

  bool isCopied(const Expr *To, SmallVectorImpl<const VarDecl *> *Names) {
    const auto *Ref = dyn_cast<DeclRefExpr>(To->IgnoreParens());
    return Ref && isCopied(dyn_cast<VarDecl>(Ref->getDecl()), Names);
  }
  static bool isCopied(const VarDecl *To, SmallVectorImpl<const VarDecl *> *Names) {
    if (!Names || !To || !To->hasLocalStorage() || !To->getType()->isPointerType())
      return false;
    if (!llvm::is_contained(*Names, To))
      Names->push_back(To);
    return true;
  }

  bool calleeBorrows(const CallExpr *Call, const Expr *Address) {
    const FunctionDecl *Callee = Call->getDirectCallee(), *Definition = nullptr;
    if (!Callee || !Callee->hasBody(Definition) || !U.meaningsOf(Callee).empty())
      return false;
    for (unsigned I = 0; I < Call->getNumArgs() && I < Definition->getNumParams(); ++I)
      if (Call->getArg(I) == Address) {
        SmallVector<const VarDecl *, 4> Names;
        return staysIn(Definition, Definition->getParamDecl(I), Names);
      }
    return false;
  }

  const Unit &U;
  ento::AnalysisManager &Manager;
  llvm::SmallPtrSet<const ParmVarDecl *, 4> Seen;
};

/// The calls below a statement, and how often a function is named.
struct Calls : RecursiveASTVisitor<Calls> {
  SmallVector<const CallExpr *, 8> All;
  bool VisitCallExpr(CallExpr *Call) { return All.push_back(Call), true; }
};
struct Namings : RecursiveASTVisitor<Namings> {
  const FunctionDecl *Function;
  unsigned Count = 0;
  explicit Namings(const FunctionDecl *Function) : Function(Function->getCanonicalDecl()) {}
  bool VisitDeclRefExpr(DeclRefExpr *Ref) {
    const auto *Named = dyn_cast<FunctionDecl>(Ref->getDecl());
    Count += Named && Named->getCanonicalDecl() == Function;
    return true;
  }
};

} // namespace

/// Whether \p Function, or a function of this file that it calls, ends its thread other than by returning.
static bool endsThread(const FunctionDecl *Function, const Unit &U, llvm::SmallPtrSetImpl<const FunctionDecl *> &Seen) {
  const FunctionDecl *Definition = nullptr;
  if (!Function || !Function->hasBody(Definition) || !Seen.insert(Definition).second)
    return false;
  Calls Made;
  Made.TraverseStmt(Definition->getBody());
  return llvm::any_of(Made.All, [&](const CallExpr *Call) {
    return U.meaningOf(Call->getDirectCallee(), Effect::EndThread) || endsThread(Call->getDirectCallee(), U, Seen);
  });
}

/// Frees its argument before each end of \p Entry. \returns whether that is right, and can be done.
static bool freeInEntry(const FunctionDecl *Entry, const Unit &U, ento::AnalysisManager &Manager, Edits &E) {
  AnalysisDeclContext *Context = Manager.getAnalysisDeclContext(Entry);
  const auto *Body = dyn_cast<CompoundStmt>(Entry->getBody());
  const ParmVarDecl *Param = Entry->getNumParams() == 1 ? Entry->getParamDecl(0) : nullptr;
  llvm::SmallPtrSet<const FunctionDecl *, 8> Seen;
  if (!Body || !Param || !Context->getCFG() || hasNamesake(Body, Param) || !Param->getIdentifier() ||
      !Param->getType()->isPointerType() || Param->getType()->getPointeeType().hasQualifiers() ||
      endsThread(Entry, U, Seen))
    return false;
  SmallVector<const VarDecl *, 4> Names;
  if (!Loan(U, Manager).staysIn(Entry, Param, Names))
    return false;
  SmallVector<const Stmt *, 4> Ends;
  follow(*Context->getCFG(), {&Context->getCFG()->getEntry(), 0}, {}, [&](const Stmt *S) {
    if (S && !isa<ReturnStmt>(S))
      return true;
    if (!llvm::is_contained(Ends, S))
      Ends.push_back(S);
    return false;
  });
  const std::string Free = "free(" + Param->getNameAsString() + ")";
  return llvm::all_of(Ends, [&](const Stmt *End) {
    if (!End)
      return E.insertAtEnd(Body, Free);
    return llvm::none_of(Names, [&](const VarDecl *Name) { return mentions(End, Name); }) &&
           E.insertBefore(End, Context->getParentMap(), Free);
  });
}

namespace {

/// The function that spawns, with the object that it lends.
class Spawner {
public:
  Spawner(const Unit &U, const SpawnSite &Site, const VarDecl *Object, AnalysisDeclContext &Context)
      : U(U), Site(Site), Object(Object), Name(Object->getNameAsString()), Graph(*Context.getCFG()),
        Parents(Context.getParentMap()), Body(cast<CompoundStmt>(Site.In->getBody())),
        Declaration(declarationOf(Body, Object)), Result(testOf(Graph, Site.Call, *Site.Row, Parents, U)),
        Stored(storedBy(Site.Call, Parents)) {}

  /// Whether some path after the spawn leaves with the handle in the hands of nobody: on the heap the object would not
  /// escape any more, and the thread would still leak.
  bool losesHandle(bool HandleIsHere, bool IsDetached) const {
    const Expr *Place = handlePlace(Site.Call, *Site.Row);
    const VarDecl *Var = Place ? variableOf(Place) : nullptr;
    if (Site.In->isMain())
      return false;
    if (!Var || !Var->hasLocalStorage())
      return HandleIsHere;
    Calls Made;
    Made.TraverseStmt(const_cast<CompoundStmt *>(Body));
    if (IsDetached && llvm::none_of(Made.All, [&](const CallExpr *Call) { return givesUp(Call, Place, U); }))
      return false; // from the start
    bool Lost = false;
    follow(Graph, pointAfter(Graph, Site.Call), Result, [&](const Stmt *S) {
      if (const auto *Call = dyn_cast_or_null<CallExpr>(S)) {
        const bool Handed = U.meaningsOf(Call->getDirectCallee()).empty() && mentions(Call, Var);
        Lost |= U.meaningOf(Call, Effect::EndThread) != nullptr;
        return !Handed && !givesUp(Call, Place, U);
      }
      if (const auto *Assign = dyn_cast_or_null<BinaryOperator>(S); Assign && Assign->isAssignmentOp()) {
        const VarDecl *To = variableOf(Assign->getLHS());
        return !mentions(Assign->getRHS(), Var) || (To && To->hasLocalStorage());
      }
      if (S && !isa<ReturnStmt>(S))
        return true;
      Lost |= !S || !mentions(S, Var);
      return false;
    });
    return Lost;
  }

  /// Makes the edits. \returns whether they are right, and can be made.
  bool rewrite(Edits &E, ento::AnalysisManager &Manager) {
    return isPlain(E) && usesAreRewritten(E, Manager) && pointsNowhereElse() && isGoneAfterSpawn() && frees(E) &&
           declares(E);
  }

private:
  bool isObject(const Stmt *S) const {
    const auto *Ref = dyn_cast_or_null<DeclRefExpr>(S);
    return Ref && Ref->getDecl() == Object;
  }

  bool isPlain(const Edits &E) const {
    QualType Type = Object->getType();
    const auto *Record = Type->getAs<RecordType>();
    if (!Declaration || !Declaration->isSingleDecl() || !E.isEditable(Declaration->getSourceRange()) ||
        !isa_and_nonnull<CompoundStmt>(Parents.getParent(Declaration)) || !E.isFirstOnLine(Declaration->getBeginLoc()))
      return false;
    if (Type.hasQualifiers() || Type->isArrayType() || Type->isVariablyModifiedType() || Type->isAtomicType() ||
        Object->hasAttrs() || Object->getStorageClass() != SC_None || !(Type->isScalarType() || Record) ||
        (Record && (Record->hasConstFields() || Record->getDecl()->hasFlexibleArrayMember())))
      return false;
    const ASTContext &Context = U.context();
    if (Context.getTypeAlign(Type) > Context.getTargetInfo().getNewAlign()) // more than malloc gives
      return false;
    // The type stands before the name, whole, and is not defined there.
    const TypeLoc Written = Object->getTypeSourceInfo()->getTypeLoc();
    return Written.getEndLoc().isFileID() &&
           U.context().getSourceManager().isBeforeInTranslationUnit(Written.getEndLoc(), Object->getLocation()) &&
           E.text(SourceRange(Declaration->getBeginLoc(), Written.getEndLoc())).find('{') == std::string::npos &&
           !hasNamesake(Body, Object) && !mentions(Object->getInit(), Object);
  }

  bool usesAreRewritten(Edits &E, ento::AnalysisManager &Manager) const {
    SmallVector<const DeclRefExpr *, 8> Uses;
    collect(Body, Object, Uses);
    unsigned AtSpawn = 0;
    for (const DeclRefExpr *Use : Uses) {
      if (!E.isEditable(Use->getSourceRange()))
        return false;
      const Stmt *Up = Parents.getParent(Use);
      const auto *Address = dyn_cast_or_null<UnaryOperator>(Up);
      if (Address && Address->getOpcode() != UO_AddrOf)
        Address = nullptr;
      if (isWithin(Use, Site.Call)) {
        if (!Address || Site.Argument->IgnoreParenCasts() != Address)
          return false;
        ++AtSpawn;
      } else if (!Loan(U, Manager).partStays(Use, Parents, nullptr)) {
        return false;
      }
      if (const auto *Member = dyn_cast_or_null<MemberExpr>(Up); Member && !Member->isArrow()) {
        if (!E.isEditable(Member->getSourceRange()) || Member->getOperatorLoc().isMacroID())
          return false;
        E.replace(SourceRange(Member->getOperatorLoc(), Member->getOperatorLoc()), "->");
      } else if (Address) {
        if (!E.isEditable(Address->getSourceRange()))
          return false;
        E.replace(Address->getSourceRange(), Name);
      } else {
        E.replace(Use->getSourceRange(), needsParens(Use) ? "(*" + Name + ")" : "*" + Name);
      }
    }
    return AtSpawn == 1;
  }

  bool isWithin(const Stmt *Inner, const Stmt *Outer) const {
    while (Inner && Inner != Outer)
      Inner = Parents.getParent(Inner);
    return Inner;
  }

  /// Whether an operator behind \p Use would bind before the '*', or a character before it make something else of it.
  bool needsParens(const DeclRefExpr *Use) const {
    const SourceManager &SM = U.context().getSourceManager();
    auto [File, Offset] = SM.getDecomposedLoc(Use->getBeginLoc());
    if (Offset && SM.getBufferData(File)[Offset - 1] == '/')
      return true;
    const Stmt *Up = Parents.getParent(Use);
    if (const auto *Load = dyn_cast_or_null<ImplicitCastExpr>(Up))
      Up = Parents.getParent(Load);
    if (const auto *Op = dyn_cast_or_null<UnaryOperator>(Up))
      return Op->isPostfix();
    return isa_and_nonnull<ArraySubscriptExpr, MemberExpr, CallExpr>(Up) && needsParensIn(Up, Use);
  }
  static bool needsParensIn(const Stmt *Up, const DeclRefExpr *Use) {
    if (const auto *Call = dyn_cast<CallExpr>(Up))
      return Call->getCallee()->IgnoreParenImpCasts() == Use;
    if (const auto *Element = dyn_cast<ArraySubscriptExpr>(Up))
      return Element->getLHS()->IgnoreParenImpCasts() == Use;
    return true;
  }

  /// Whether no address of another local is put into the object: its frame would end all the same.
  bool pointsNowhereElse() const {
    SmallVector<const Expr *, 8> Sources;
    if (Object->hasInit())
      Sources.push_back(Object->getInit());
    struct Stores : RecursiveASTVisitor<Stores> {
      const VarDecl *Object;
      SmallVectorImpl<const Expr *> &Sources;
      Stores(const VarDecl *Object, SmallVectorImpl<const Expr *> &Sources) : Object(Object), Sources(Sources) {}
      bool VisitBinaryOperator(BinaryOperator *B) {
        if (B->isAssignmentOp() && variableOf(B->getLHS()) == Object)
          Sources.push_back(B->getRHS());
        return true;
      }
    } Stored(Object, Sources);
    Stored.TraverseStmt(const_cast<CompoundStmt *>(Body));
    return llvm::none_of(Sources, [&](const Expr *Source) { return mayHoldLocal(Source, /*Through=*/true); });
  }
  /// Whether \p S may hold the address of a local; also by a local pointer that was given one, with \p Through.
  bool mayHoldLocal(const Stmt *S, bool Through) const {
    const auto *Value = dyn_cast_or_null<Expr>(S);
    if (!S || isObject(S) || (Value && Value->getType()->isArithmeticType()))
      return false;
    const VarDecl *Var = nullptr;
    if (const auto *Op = dyn_cast<UnaryOperator>(S); Op && Op->getOpcode() == UO_AddrOf)
      Var = variableOf(Op->getSubExpr());
    if (const auto *Decay = dyn_cast<CastExpr>(S); Decay && Decay->getCastKind() == CK_ArrayToPointerDecay)
      Var = variableOf(Decay->getSubExpr());
    if ((Var && Var->hasLocalStorage()) || isa<CompoundLiteralExpr>(S))
      return true;
    if (const auto *Ref = dyn_cast<DeclRefExpr>(S); Ref && Through) {
      Var = dyn_cast<VarDecl>(Ref->getDecl());
      if (Var && Var->hasLocalStorage() && !isa<ParmVarDecl>(Var) &&
          (Var->getType()->isRecordType() || (Var->getType()->isPointerType() && isGivenLocal(Body, Var))))
        return true;
    }
    return llvm::any_of(S->children(), [&](const Stmt *Child) { return mayHoldLocal(Child, Through); });
  }
  bool isGivenLocal(const Stmt *S, const VarDecl *Var) const {
    if (!S)
      return false;
    if (const auto *Assign = dyn_cast<BinaryOperator>(S))
      if (Assign->isAssignmentOp() && variableOf(Assign->getLHS()) == Var && mayHoldLocal(Assign->getRHS(), false))
        return true;
    if (const auto *Declared = dyn_cast<DeclStmt>(S))
      if (llvm::is_contained(Declared->decls(), Var) && mayHoldLocal(Var->getInit(), false))
        return true;
    return llvm::any_of(S->children(), [&](const Stmt *Child) { return isGivenLocal(Child, Var); });
  }

  /// Whether nobody uses the object where it may be the thread's, or before it is there.
  bool isGoneAfterSpawn() const {
    bool Used = false;
    auto Look = [&](const Stmt *S) {
      Used |= isObject(S);
      return S != Declaration && !isa_and_nonnull<ReturnStmt>(S);
    };
    follow(Graph, {&Graph.getEntry(), 0}, {}, Look);
    follow(Graph, pointAfter(Graph, Site.Call), Result, Look);
    return !Used;
  }

  /// Frees before each statement that leaves with the object in the spawner's hands: it comes before the spawn, or the
  /// spawn failed. Where the function goes on beside the thread, whether it worked or not: in a test behind the spawn.
  bool frees(Edits &E) {
    SmallVector<const Stmt *, 4> Before, Failed;
    if (!leaves(pointAfter(Graph, Declaration), Before))
      return false;
    if (Result.Failed && leaves({Result.Failed, 0}, Failed)) {
      if (!findWay(Failed, {Result.Failed, 0}))
        return false;
      for (const Stmt *Exit : Before)
        if (!llvm::is_contained(Failed, Exit))
          Failed.push_back(Exit);
      return freesBefore(Failed, E);
    }
    return freesBefore(Before, E) && testsAndFrees(E);
  }

  bool testsAndFrees(Edits &E) {
    const Stmt *Statement = statementOf(Site.Call, Parents);
    const auto *Return = dyn_cast_or_null<ReturnStmt>(Statement);
    if (!Statement || !(Return || storesAlone(Statement)) || !E.isEditable(Statement->getSourceRange()) ||
        !E.isFirstOnLine(Statement->getBeginLoc()) || isUsedAfter(pointAfter(Graph, Site.Call)))
      return false;
    const SourceLocation End = E.endOfLine(E.afterSemicolon(Statement));
    const std::string Variable = Return ? freshName() : Stored->getNameAsString();
    if (End.isInvalid() || Variable.empty() || (Return && !isResult(Return->getRetValue())))
      return false;
    SmallVector<const Stmt *, 4> Ends;
    follow(Graph, pointAfter(Graph, Site.Call), {}, [&](const Stmt *S) {
      if (!S || isa<ReturnStmt>(S))
        Ends.push_back(S);
      return S && !isa<ReturnStmt>(S);
    });
    if (Return)
      Ends.assign({Return});
    if (!findWay(Ends, pointAfter(Graph, Site.Call)))
      return false;
    const std::string Indent = E.indentOf(Statement->getBeginLoc());
    const auto [Left, Right] = failureTest(*Site.Row);
    std::string Test =
        "\n" + Indent + "if (" + Left + Variable + Right + ")\n" + Indent + level(E) + "free(" + Name + ");";
    if (Return) {
      E.replace(SourceRange(Return->getReturnLoc(), Return->getReturnLoc()),
                Site.Call->getType().getAsString() + " " + Variable + " =");
      Test += "\n" + Indent + "return " + Variable + ";";
    }
    E.insert(End, Test);
    return true;
  }

  /// Whether \p Statement stores the spawn's result in a local variable, and does no more.
  bool storesAlone(const Stmt *Statement) const {
    return Stored && Stored->hasLocalStorage() &&
           Statement == Parents.getParentIgnoreParenImpCasts(const_cast<CallExpr *>(Site.Call));
  }
  static const VarDecl *storedBy(const CallExpr *Spawn, const ParentMap &Parents) {
    const Stmt *Up = Parents.getParentIgnoreParenImpCasts(const_cast<CallExpr *>(Spawn));
    if (const auto *Assign = dyn_cast_or_null<BinaryOperator>(Up); Assign && Assign->getOpcode() == BO_Assign) {
      const auto *Ref = dyn_cast<DeclRefExpr>(Assign->getLHS()->IgnoreParens());
      return Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
    }
    const auto *Declared = dyn_cast_or_null<DeclStmt>(Up);
    return Declared && Declared->isSingleDecl() ? dyn_cast<VarDecl>(Declared->getSingleDecl()) : nullptr;
  }
  /// Whether \p Value is the spawn's result.
  bool isResult(const Expr *Value) const {
    Value = Value ? Value->IgnoreParenImpCasts() : nullptr;
    const auto *Ref = dyn_cast_or_null<DeclRefExpr>(Value);
    return Value == Site.Call || (Ref && Stored && Ref->getDecl() == Stored);
  }

  bool isUsedAfter(FlowPoint From) const {
    bool Used = false;
    follow(Graph, From, {}, [&](const Stmt *S) {
      Used |= isObject(S);
      return S != Declaration;
    });
    return Used;
  }

  /// A name for the spawn's result that means nothing yet in the function, or nothing at all.
  std::string freshName() const {
    for (const char *Candidate : {"err", "rc", "result"}) {
      struct Named : RecursiveASTVisitor<Named> {
        StringRef Wanted;
        bool Found = false;
        explicit Named(StringRef Wanted) : Wanted(Wanted) {}
        bool VisitNamedDecl(NamedDecl *D) {
          Found |= D->getIdentifier() && D->getName() == Wanted;
          return true;
        }
        bool VisitDeclRefExpr(DeclRefExpr *Ref) { return VisitNamedDecl(Ref->getDecl()); }
      } Look(Candidate);
      Look.TraverseDecl(const_cast<FunctionDecl *>(Site.In));
      auto Word = U.context().Idents.find(Candidate);
      if (!Look.Found && (Word == U.context().Idents.end() || !Word->second->hasMacroDefinition()))
        return Candidate;
    }
    return "";
  }

  /// Collects the statements by which control leaves the block of the object, without a thread, from \p From on.
  /// \returns false where it goes on beside paths on which there is a thread, or one on which the object is not there.
  bool leaves(FlowPoint From, SmallVectorImpl<const Stmt *> &Exits) const {
    bool Clear = true;
    follow(Graph, From, {}, [&](const Stmt *S) {
      if (S == Site.Call)
        return false;
      const auto *Call = dyn_cast_or_null<CallExpr>(S);
      const bool Ends = !S || isa<ReturnStmt, GotoStmt>(S) || (Call && U.meaningOf(Call, Effect::EndThread));
      Clear &= S && S != Declaration;
      if (Ends && S && !llvm::is_contained(Exits, S))
        Exits.push_back(S);
      return !Ends && S != Declaration;
    });
    auto Shared = [&](const Stmt *S) {
      Clear &= !S || !llvm::is_contained(Exits, S);
      return S && S != Declaration && !isa<ReturnStmt>(S);
    };
    follow(Graph, {&Graph.getEntry(), 0}, {}, Shared);
    follow(Graph, pointAfter(Graph, Site.Call), Result, Shared);
    for (const Stmt *Exit : Exits)
      if (const auto *Goto = dyn_cast<GotoStmt>(Exit))
        Clear &= !isUsedAfter(targetOf(Goto));
      else
        Clear &= !mentions(Exit, Object);
    return Clear;
  }

  FlowPoint targetOf(const GotoStmt *Goto) const {
    for (const CFGBlock *Block : Graph)
      if (Block->getTerminatorStmt() == Goto && !Block->succ_empty())
        return {*Block->succ_begin(), 0};
    return {};
  }

  bool freesBefore(ArrayRef<const Stmt *> Exits, Edits &E) const {
    return llvm::all_of(Exits, [&](const Stmt *Exit) {
      const bool Jumps =
          isa<ReturnStmt, GotoStmt>(Exit) || isa_and_nonnull<IfStmt, ForStmt, WhileStmt>(Parents.getParent(Exit));
      const Stmt *At = Jumps ? Exit : statementOf(Exit, Parents);
      return At && E.insertBefore(At, Parents, "free(" + Name + ")");
    });
  }

  /// What the function does where there is no memory: what it does where the spawn fails, which is to leave by \p
  /// Exits, or by ending the process, from \p Failing on; else what its other failures do, where they all do one thing.
  bool findWay(ArrayRef<const Stmt *> Exits, FlowPoint Failing) {
    const Edits E(U.context());
    auto Text = [&](const Stmt *Exit) { return E.text(Exit->getSourceRange()); };
    if (Exits.empty()) {
      SmallVector<const CallExpr *, 2> Last;
      follow(Graph, Failing, {}, [&](const Stmt *S) {
        if (const auto *Call = dyn_cast_or_null<CallExpr>(S))
          if (Call->getDirectCallee() && Call->getDirectCallee()->isNoReturn())
            Last.push_back(Call);
        return S != Site.Call; // tried again
      });
      auto IsNumber = [&](const Expr *Argument) {
        Expr::EvalResult Value;
        return Argument->EvaluateAsInt(Value, U.context());
      };
      if (Last.size() == 1 && llvm::all_of(Last.front()->arguments(), IsNumber))
        Way = Text(Last.front());
      return !Way.empty();
    }
    if (llvm::all_of(Exits, [&](const Stmt *Exit) {
          return Exit && isFailureWay(Exit, U.context()) && Text(Exit) == Text(Exits.front());
        })) {
      Way = isRightAtDeclaration(Exits.front(), Failing) ? Text(Exits.front()) : "";
      return !Way.empty();
    }
    // What the spawn returns when it fails is an error number, and is what the function returns.
    auto HandsUp = [&](const Stmt *Exit) {
      const auto *Return = dyn_cast_or_null<ReturnStmt>(Exit);
      return Return && isResult(Return->getRetValue());
    };
    if (Site.Row->Worked.How == Success::Zero && llvm::all_of(Exits, HandsUp) && !isChangedFrom(Failing)) {
      if (!isRightAtDeclaration(Exits.front(), Failing))
        return false;
      Way = "return ENOMEM";
      WayNeeds = "errno.h";
      return true;
    }
    const std::vector<FailureWay> Ways = failureWays(Body, U.context());
    if (Ways.size() == 1 && isRightAtDeclaration(Ways.front().Exit, Failing))
      Way = Ways.front().Text;
    return !Way.empty();
  }

  /// Whether the variable with the spawn's result gets another value.
  bool isChangedFrom(FlowPoint From) const {
    bool Changed = false;
    follow(Graph, From, {}, [&](const Stmt *S) {
      const auto *Assign = dyn_cast_or_null<BinaryOperator>(S);
      const bool IsSpawn = isa_and_nonnull<DeclStmt>(S) || (Assign && isResult(Assign->getRHS()));
      Changed |= S && Stored && !IsSpawn && changes(S, Stored, U);
      return S != Declaration;
    });
    return Changed;
  }

  /// Whether to leave at the declaration by \p Exit, which stands further on, undoes nothing that was not done yet, and
  /// forgets nothing that was. A failed spawn leaves from \p Failing on.
  bool isRightAtDeclaration(const Stmt *Exit, FlowPoint Failing) const {
    auto Acts = [&](const Stmt *S) {
      const auto *Call = dyn_cast_or_null<CallExpr>(S);
      const Expr *Place = handlePlace(Site.Call, *Site.Row);
      return Call && Call != Site.Call && !onlyBorrows(Call, Parents, U) && !(Place && givesUp(Call, Place, U));
    };
    if (const auto *Goto = dyn_cast<GotoStmt>(Exit))
      return !(Object->hasInit() && Object->getInit()->HasSideEffects(U.context())) && isSameAtDeclaration(Goto, Acts);
    // Nothing was done before the declaration; or nothing more before the spawn, and the failing path undoes nothing.
    bool Acted = reaches(Graph, Site.Call, Declaration), Undone = false;
    follow(Graph, {&Graph.getEntry(), 0}, {}, [&](const Stmt *S) {
      Acted |= Acts(S);
      return S != Declaration;
    });
    auto Undoes = [&](const Stmt *S) {
      Undone |= Acts(S);
      return S && S != Site.Call && !isa<ReturnStmt>(S);
    };
    follow(Graph, pointAfter(Graph, Declaration), {}, Undoes);
    follow(Graph, Failing, {}, Undoes);
    return !Acted || !Undone;
  }

  /// Whether the code behind the label of \p Goto finds at the declaration what it finds at the goto.
  bool isSameAtDeclaration(const GotoStmt *Goto, llvm::function_ref<bool(const Stmt *)> Acts) const {
    const SourceManager &SM = U.context().getSourceManager();
    llvm::SmallPtrSet<const VarDecl *, 8> Looked;
    follow(Graph, targetOf(Goto), {}, [&](const Stmt *S) {
      if (const auto *Ref = dyn_cast_or_null<DeclRefExpr>(S))
        if (const auto *Var = dyn_cast<VarDecl>(Ref->getDecl()); Var && Var->hasLocalStorage())
          Looked.insert(Var);
      return true;
    });
    auto IsLater = [&](const VarDecl *Var) {
      return SM.isBeforeInTranslationUnit(Declaration->getEndLoc(), Var->getLocation());
    };
    if (llvm::any_of(Looked, IsLater))
      return false;
    for (const CFGBlock *Block : Graph)
      for (const CFGElement &Element : *Block) {
        auto Evaluated = Element.getAs<CFGStmt>();
        const Stmt *S = Evaluated ? Evaluated->getStmt() : nullptr;
        if (S && SM.isBeforeInTranslationUnit(Declaration->getEndLoc(), S->getBeginLoc()) &&
            SM.isBeforeInTranslationUnit(S->getBeginLoc(), Goto->getBeginLoc()) &&
            (Acts(S) || llvm::any_of(Looked, [&](const VarDecl *Var) { return changes(S, Var, U); })))
          return false;
      }
    return true;
  }

  std::string level(const Edits &E) const {
    return E.levelOf(Body->body_front()->getBeginLoc(), Site.In->getBeginLoc());
  }

  /// The declaration becomes a pointer's; test and initialiser go behind the declarations that follow it.
  bool declares(Edits &E) const {
    const DeclStmt *Last = Declaration;
    const auto *Block = cast<CompoundStmt>(Parents.getParent(Declaration));
    const Expr *Init = Object->getInit();
    bool Behind = false;
    for (const Stmt *S : Block->body()) {
      if (S == Declaration) {
        Behind = true;
        continue;
      }
      const auto *Next = dyn_cast<DeclStmt>(S);
      if (!Behind)
        continue;
      auto Acts = [&](const Decl *D) {
        const auto *Var = dyn_cast<VarDecl>(D);
        return !Var || mentions(Var->getInit(), Object) || Var->getType()->isVariablyModifiedType() ||
               (Var->getInit() && Var->getInit()->HasSideEffects(U.context()));
      };
      if (!Next || mentions(Next, Object) || llvm::any_of(Next->decls(), Acts) ||
          (Init && Init->HasSideEffects(U.context())))
        break;
      Last = Next;
    }
    const SourceLocation End = E.endOfLine(E.afterSemicolon(Last));
    if (End.isInvalid())
      return false;
    const std::string Indent = E.indentOf(Declaration->getBeginLoc());
    const TypeLoc Written = Object->getTypeSourceInfo()->getTypeLoc();
    std::string Text = std::string(E.isBeforeEmptyLine(End) ? "\n\n" : "\n") + Indent + "if (!" + Name + ")\n" +
                       Indent + level(E) + Way + ";";
    if (Init) {
      const std::string Value = E.text(Init->getSourceRange());
      if (Value.empty())
        return false;
      const bool Braces = isa<InitListExpr>(Init);
      Text +=
          "\n" + Indent + "*" + Name + " = " +
          (Braces ? "(" + E.text(SourceRange(Declaration->getBeginLoc(), Written.getEndLoc())) + ")" : std::string()) +
          Value + ";";
    }
    // From the name to the end of the initialiser.
    E.replace(SourceRange(Object->getLocation(), Init ? Object->getEndLoc() : Object->getLocation()),
              "*" + Name + " = malloc(sizeof(*" + Name + "))");
    E.insert(End, Text);
    E.need("malloc", "stdlib.h");
    if (!WayNeeds.empty())
      E.need("ENOMEM", WayNeeds);
    return true;
  }

  const Unit &U;
  const SpawnSite &Site;
  const VarDecl *Object;
  const std::string Name;
  const CFG &Graph;
  const ParentMap &Parents;
  const CompoundStmt *Body;
  const DeclStmt *Declaration;
  const SpawnTest Result;
  const VarDecl *Stored;     ///< the variable with the spawn's result, or null
  std::string Way, WayNeeds; ///< what to do without memory, and the header that it takes
};

} // namespace

std::vector<Fix> safespawn::fixOnHeap(const Unit &U, const CallExpr *Spawn, const FunctionDecl *In, bool HandleIsHere,
                                      bool IsDetached, ento::AnalysisManager &Manager) {
  if (!In || !isa_and_nonnull<CompoundStmt>(In->getBody()))
    return {};
  const SpawnSite *Site = nullptr;
  for (const SpawnSite &S : U.spawnsIn(In))
    if (S.Call == Spawn)
      Site = &S;
  if (!Site || !Site->Entry || !Site->Argument || U.locks(In))
    return {};
  const auto *Address = dyn_cast<UnaryOperator>(Site->Argument->IgnoreParenCasts());
  const auto *Given = dyn_cast<DeclRefExpr>(Address ? Address->getSubExpr() : Site->Argument);
  const auto *Object = Given ? dyn_cast<VarDecl>(Given->getDecl()) : nullptr;
  AnalysisDeclContext *Context = Manager.getAnalysisDeclContext(In);
  if (!Address || Address->getOpcode() != UO_AddrOf || !Object || !Object->hasLocalStorage() ||
      isa<ParmVarDecl>(Object) || !Context->getCFG())
    return {};

  // With another object lent by the function, each would have to be freed where the other cannot be had.
  for (const SpawnSite &Other : U.spawnsIn(In))
    if (const VarDecl *Lent = Other.Argument ? variablePointedTo(Other.Argument) : nullptr)
      if (Other.Call != Spawn && Lent->hasLocalStorage())
        return {};

  // All that starts the entry is this one call, in the file that is edited.
  const SourceManager &SM = U.context().getSourceManager();
  const FunctionDecl *Entry = nullptr;
  if (!Site->Entry->hasBody(Entry) || Entry->isExternallyVisible() || Entry == In ||
      SM.getFileID(Entry->getLocation()) != SM.getMainFileID() ||
      SM.getFileID(Spawn->getBeginLoc()) != SM.getMainFileID())
    return {};
  Namings Named(Entry);
  Named.TraverseDecl(U.context().getTranslationUnitDecl());
  if (Named.Count != 1)
    return {};

  // What another configuration makes of the functions is not seen.
  Edits E(U.context());
  if (E.holdsDirective(In->getBody()->getSourceRange()) || E.holdsDirective(Entry->getBody()->getSourceRange()))
    return {};
  Spawner Lender(U, *Site, Object, *Context);
  if (Lender.losesHandle(HandleIsHere, IsDetached) || !freeInEntry(Entry, U, Manager, E) || !Lender.rewrite(E, Manager))
    return {};
  return {{"heap", "allocate '" + Object->getNameAsString() + "', and let '" + Entry->getNameAsString() + "' free it",
           E.take()}};
}
