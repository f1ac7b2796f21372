// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/TimerRewrite.h"
#include "fixits/Bodies.h"
#include "fixits/Edits.h"
#include "fixits/ScopePlace.h"

using namespace clang;
using namespace safespawn;

namespace {

constexpr const char *Scope = "timers";

bool isCallOf(const CallExpr *Call, StringRef Name, unsigned Arguments) {
  const FunctionDecl *Callee = Call->getDirectCallee();
  return Callee && Callee->getIdentifier() && Callee->getName() == Name && Call->getNumArgs() == Arguments;
}

/// The variable \p E is the address of.
const VarDecl *addressed(const Expr *E) {
  const auto *Address = dyn_cast<UnaryOperator>(E->IgnoreParenCasts());
  const auto *Ref = Address && Address->getOpcode() == UO_AddrOf
                        ? dyn_cast<DeclRefExpr>(Address->getSubExpr()->IgnoreParens())
                        : nullptr;
  const auto *Var = Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
  return Var && Var->hasLocalStorage() ? Var : nullptr;
}

class Timer {
public:
  Timer(const Unit &U, const FunctionDecl *F, const CallExpr *Create, ento::AnalysisManager &Manager)
      : U(U), F(F), Create(Create), Context(*Manager.getAnalysisDeclContext(F)), Parents(Context.getParentMap()),
        Body(cast<CompoundStmt>(F->getBody())), E(U.context()) {}

  std::string rewrite(ScopeRewrite &Out);

private:
  std::string readEvent();
  std::string readUses();
  std::string readTime();
  std::string placeProblem();
  std::string readMember(const DeclRefExpr *Ref);
  std::string readList(const InitListExpr *List, SmallVectorImpl<StringRef> &Path);
  std::string readValue(ArrayRef<StringRef> Path, const Expr *To, const Stmt *Set);
  bool isFixed(const Expr *To, const Stmt *Set) const;
  bool isZero(const Expr *Value) const {
    Expr::EvalResult Known;
    return Value->EvaluateAsInt(Known, U.context()) && Known.Val.getInt() == 0;
  }
  std::string leave();
  void write();

  const Unit &U;
  const FunctionDecl *F;
  const CallExpr *Create;
  AnalysisDeclContext &Context;
  const ParentMap &Parents;
  const CompoundStmt *Body;
  Edits E;

  const VarDecl *Id = nullptr, *Event = nullptr, *Time = nullptr;
  const CallExpr *Arm = nullptr;
  SmallVector<const CallExpr *, 2> Deletes;
  SmallVector<const Stmt *, 6> Settings; ///< of the event: they go
  const FunctionDecl *Callback = nullptr;
  const Expr *Value = nullptr; ///< what the callback gets; null: nothing
  bool IsNumber = false;
  enum { Unset, Unseen, Thread, Other } Notify = Unset; ///< what its expiry does

public:
  /// Whether its expiry may run a function on a thread.
  bool isOurs() const { return Notify == Unseen || Notify == Thread; }
  const VarDecl *id() const { return Id; }
};

} // namespace

/// One use of the event: a member gets a value.
std::string Timer::readMember(const DeclRefExpr *Ref) {
  SmallVector<StringRef, 2> Path;
  const Stmt *Up = Parents.getParent(const_cast<DeclRefExpr *>(Ref));
  for (; isa_and_nonnull<MemberExpr>(Up); Up = Parents.getParent(Up))
    Path.push_back(cast<MemberExpr>(Up)->getMemberDecl()->getName());
  const auto *Assign = dyn_cast_or_null<BinaryOperator>(Up);
  if (Path.empty() || !Assign || Assign->getOpcode() != BO_Assign || Parents.getParent(Assign) != Body ||
      Create->getBeginLoc() < Assign->getBeginLoc()) {
    Notify = Notify == Unset ? Unseen : Notify;
    return quoted(Event) + " is used for more than to describe the timer";
  }
  Settings.push_back(Assign);
  return readValue(Path, Assign->getRHS(), Assign);
}

/// What the event starts with, below \p Path.
std::string Timer::readList(const InitListExpr *List, SmallVectorImpl<StringRef> &Path) {
  const RecordDecl *Record = List->getType()->getAsRecordDecl();
  std::string Why;
  auto Read = [&](const FieldDecl *Field, const Expr *Item) {
    Path.push_back(Field->getName());
    if (const auto *Inner = dyn_cast<InitListExpr>(Item))
      Why = readList(Inner, Path);
    else if (!isa<ImplicitValueInitExpr>(Item) && !isZero(Item))
      Why = readValue(Path, Item, declarationOf(Body, Event));
    Path.pop_back();
  };
  if (const FieldDecl *Field = List->getInitializedFieldInUnion()) {
    Read(Field, List->getInit(0));
    return Why;
  }
  if (!Record || Record->isUnion())
    return "";
  unsigned I = 0;
  for (const FieldDecl *Field : Record->fields()) {
    if (Field->isUnnamedBitField())
      continue;
    if (I < List->getNumInits() && Why.empty())
      Read(Field, List->getInit(I));
    ++I;
  }
  return Why;
}

/// Whether \p To is the same after \p Set for as long as the function runs.
bool Timer::isFixed(const Expr *To, const Stmt *Set) const {
  To = To->IgnoreParenCasts();
  if (To->isEvaluatable(U.context()))
    return true;
  if (const auto *Op = dyn_cast<UnaryOperator>(To); Op && Op->getOpcode() == UO_AddrOf)
    return isa<DeclRefExpr>(Op->getSubExpr()->IgnoreParens());
  const auto *Ref = dyn_cast<DeclRefExpr>(To);
  const auto *Var = Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
  if (!Var)
    return Ref != nullptr;
  auto Changes = [&](const Stmt *S) { return changes(S, Var, U) ? Step::Found : Step::On; };
  return Var->getType()->isArrayType() ||
         (Var->hasLocalStorage() && !walk(pointAfter(*Context.getCFG(), Set), Changes));
}

/// \p Set makes the member that \p Path leads to, the outermost first, \p To.
std::string Timer::readValue(ArrayRef<StringRef> Path, const Expr *To, const Stmt *Set) {
  // The members of unions within are fields of no name of their own in some C libraries.
  if (Path.back() == "sigev_notify") {
    const std::optional<int64_t> OnThread = U.constantNamed("SIGEV_THREAD");
    Expr::EvalResult Known;
    const bool IsSeen = OnThread && To->EvaluateAsInt(Known, U.context());
    Notify = !IsSeen ? Unseen : Known.Val.getInt().getExtValue() == *OnThread ? Thread : Other;
    return Notify == Thread ? "" : "what it does is not seen";
  }
  if (llvm::is_contained(Path, "_function") || Path.back() == "sigev_notify_function") {
    Callback = Unit::namedFunction(To);
    return Callback ? "" : "the function that it runs is not named";
  }
  if (llvm::is_contained(Path, "_attribute") || Path.back() == "sigev_notify_attributes")
    return To->isNullPointerConstant(U.context(), Expr::NPC_ValueDependentIsNull)
               ? ""
               : "its attributes cannot be passed on to the timer of a scope";
  if (Path.front() == "sigev_value" && Path.size() == 2 && !Value) {
    Value = To;
    IsNumber = Path.back() == "sival_int";
    return isFixed(To, Set) ? "" : "the value that it hands over may be another one when it is armed";
  }
  if (Path.back() == "sigev_signo")
    return ""; // a thread does not look at it
  return quoted(Event) + " is used for more than to describe the timer";
}

std::string Timer::readEvent() {
  SmallVector<const DeclRefExpr *, 8> Uses;
  collect(Body, Event, Uses);
  std::string Why;
  for (const DeclRefExpr *Ref : Uses) {
    const Stmt *Up = Parents.getParentIgnoreParenImpCasts(const_cast<DeclRefExpr *>(Ref));
    const Stmt *Around = Up ? Parents.getParentIgnoreParenImpCasts(const_cast<Stmt *>(Up)) : nullptr;
    if (isa_and_nonnull<UnaryExprOrTypeTraitExpr>(Up))
      continue;
    if (const auto *Call = dyn_cast_or_null<CallExpr>(Around); Call && isa<UnaryOperator>(Up)) {
      if (Call == Create)
        continue;
      // memset(&event, 0, sizeof(event))
      const FunctionDecl *Callee = Call->getDirectCallee();
      if (Callee && Callee->getBuiltinID() == Builtin::BImemset && isZero(Call->getArg(1)) &&
          Parents.getParent(Call) == Body) {
        Settings.push_back(Call);
        continue;
      }
    }
    if (std::string Odd = readMember(Ref); Why.empty())
      Why = Odd;
  }
  const Expr *Init = Event->getInit();
  const DeclStmt *Declared = declarationOf(Body, Event);
  SmallVector<StringRef, 4> Path;
  if (const auto *List = dyn_cast_or_null<InitListExpr>(Init)) {
    if (std::string Odd = readList(List, Path); Why.empty())
      Why = Odd;
  } else if (Init && Why.empty()) {
    Notify = Notify == Unset ? Unseen : Notify;
    Why = quoted(Event) + " starts with values";
  }
  if (Why.empty() && (!Declared || !Declared->isSingleDecl() || Parents.getParent(Declared) != Body))
    Why = quoted(Event) + " is declared together with what stays";
  Settings.push_back(Declared);
  if (Why.empty() && (Notify != Thread || !Callback))
    Why = "what it does is not seen";
  return Why;
}

std::string Timer::readUses() {
  SmallVector<const DeclRefExpr *, 8> Uses;
  collect(Body, Id, Uses);
  for (const DeclRefExpr *Ref : Uses) {
    const Stmt *Up = Ref;
    while (isa_and_nonnull<Expr>(Up) && !isa<CallExpr>(Up))
      Up = Parents.getParent(Up);
    const auto *Call = dyn_cast_or_null<CallExpr>(Up);
    if (Call == Create)
      continue;
    if (Call && isCallOf(Call, "timer_settime", 4) && !Arm) {
      Arm = Call;
      continue;
    }
    if (Call && isCallOf(Call, "timer_delete", 1) && isStatement(Call, Parents)) {
      Deletes.push_back(Call);
      continue;
    }
    return Call && isCallOf(Call, "timer_settime", 4) ? "it is armed more than once"
                                                      : quoted(Id) + " is used for more than to arm and delete it";
  }
  if (!Arm)
    return "it is never armed";
  if (!isZero(Arm->getArg(1)) || !Arm->getArg(3)->isNullPointerConstant(U.context(), Expr::NPC_ValueDependentIsNull))
    return "it is armed for a time of the clock, or asks for the old one";
  if (isStatement(Arm, Parents))
    return "nobody asks whether it was armed";
  return "";
}

/// A time of 0 would disarm it.
std::string Timer::readTime() {
  const std::string Unseen = "the time that it is armed for is not seen";
  Time = addressed(Arm->getArg(2));
  if (!Time)
    return Unseen;
  auto IsTime = [&](const Expr *Number) {
    return !isa<ImplicitValueInitExpr>(Number) && !isZero(Number) && Number->isEvaluatable(U.context());
  };
  if (const auto *List = dyn_cast_or_null<InitListExpr>(Time->getInit()); List && List->getNumInits() == 2)
    if (const auto *First = dyn_cast<InitListExpr>(List->getInit(1)))
      if (llvm::any_of(First->inits(), IsTime))
        return "";
  SmallVector<const BinaryOperator *, 16> Operations;
  gather(static_cast<const Stmt *>(Body), Operations);
  for (const BinaryOperator *Op : Operations) {
    const auto *Part = dyn_cast<MemberExpr>(Op->getLHS()->IgnoreParens());
    const auto *Whole = Part ? dyn_cast<MemberExpr>(Part->getBase()->IgnoreParens()) : nullptr;
    if (Op->getOpcode() == BO_Assign && Whole && Whole->getMemberDecl()->getName() == "it_value" &&
        variableOf(Whole) == Time && Parents.getParent(Op) == Body && Op->getBeginLoc() < Arm->getBeginLoc() &&
        IsTime(Op->getRHS()))
      return "";
  }
  return Unseen;
}

std::string Timer::placeProblem() {
  const SourceManager &SM = U.context().getSourceManager();
  SmallVector<const LabelStmt *, 4> Labels;
  gather(static_cast<const Stmt *>(Body), Labels);
  if (!Labels.empty() || holdsHiddenReturn(Body))
    return "a jump may lead into its scope";
  const DeclStmt *Declared = declarationOf(Body, Id);
  if (!Declared || !Declared->isSingleDecl() || Parents.getParent(Declared) != Body || Id->hasInit())
    return quoted(Id) + " is declared together with what stays";
  if (!statementOf(Create, Parents) || Parents.getParent(statementOf(Create, Parents)) != Body ||
      Parents.getParent(statementOf(Arm, Parents)) != Body)
    return "it is made or armed in a block within " + quoted(F);
  for (const Stmt *S : Settings)
    if (E.written(S->getSourceRange()).isInvalid() || E.afterSemicolon(S).isInvalid() ||
        E.holdsDirective(S->getSourceRange()))
      return "a macro describes it";
  for (const Expr *Part : {static_cast<const Expr *>(Create), static_cast<const Expr *>(Arm)})
    if (E.written(Part->getSourceRange()).isInvalid())
      return "a macro makes it";
  const FunctionDecl *Definition = nullptr;
  if (!Callback->hasBody(Definition) || !SM.isInMainFile(Definition->getLocation()) ||
      !SM.isBeforeInTranslationUnit(Definition->getLocation(), F->getLocation()))
    return quoted(Callback) + " does not stand before " + quoted(F) + " in this file";
  Callback = Definition;
  bool Ends = false;
  eachCallBelow(Callback, U, [&](const CallExpr *Call, const FunctionDecl *) {
    Ends |= U.meaningOf(Call, Effect::EndThread) || isCallOf(Call, "timer_delete", 1);
  });
  if (Ends)
    return quoted(Callback) + " ends its thread, or a timer, by a call";
  if (U.locks(F) && U.locks(Callback))
    return quoted(F) + " and " + quoted(Callback) + " take locks, and to stop the timer is to wait for " +
           quoted(Callback);
  for (const std::string &Name : {std::string(Scope), Callback->getNameAsString() + "_task"})
    if (hasWord(SM.getBufferData(SM.getMainFileID()), Name))
      return "the file has a '" + Name + "' of its own";
  return "";
}

/// The ways out from where it is armed.
std::string Timer::leave() {
  const CFG &Graph = *Context.getCFG();
  std::string Why;
  llvm::SetVector<const Stmt *> Returns;
  follow(Graph, pointAfter(Graph, Create), SpawnTest{}, [&](const Stmt *S) {
    if (const auto *Return = dyn_cast_or_null<ReturnStmt>(S))
      Returns.insert(Return);
    const auto *Call = dyn_cast_or_null<CallExpr>(S);
    if (Call && U.meaningOf(Call, Effect::EndThread))
      Why = quoted(F) + " ends its thread by a call";
    return S && !isa<ReturnStmt>(S);
  });
  follow(Graph, pointAfter(Graph, Arm), SpawnTest{}, [&](const Stmt *S) {
    const auto *Return = dyn_cast_or_null<ReturnStmt>(S);
    const bool IsDeleted = S && llvm::is_contained(Deletes, S);
    if (!S || Return) {
      if (!F->isMain())
        Why = "it may still run when " + quoted(F) + " returns";
      else if (Return && Return->getRetValue() && holdsCall(Return->getRetValue()))
        Why = "it may still run at '" + E.text(Return->getSourceRange()) + "', which makes a call";
    }
    return S && !Return && !IsDeleted;
  });
  const std::string Join = std::string("(void)ss_scope_join(&") + Scope + ", NULL)";
  for (const Stmt *Return : Returns)
    if (Why.empty() && (!E.isEditable(Return->getSourceRange()) || !E.insertBefore(Return, Parents, Join)))
      Why = "there is no room for a join at '" + E.text(Return->getSourceRange()) + "'";
  if (Why.empty() && !isa<ReturnStmt>(Body->body_back()))
    E.insertAtEnd(Body, Join);
  return Why;
}

void Timer::write() {
  const std::string Name = Callback->getNameAsString();
  for (const Stmt *S : Settings)
    E.removeStatement(S);
  E.replace(Id->getTypeSourceInfo()->getTypeLoc().getSourceRange(), "ss_timer");
  const SourceLocation Begin = E.begin(statementOf(Create, Parents));
  E.insert(Begin, std::string("SS_SCOPE(") + Scope + ", .flags = SS_SUPERVISE);\n" + E.indentOf(Begin));
  // Without a scope there is no timer; -1 is how the old calls said so, to whoever looks closer than whether it is 0.
  auto Result = [&](const CallExpr *Call, const std::string &Error) {
    const Stmt *Parent = Parents.getParentIgnoreParenImpCasts(const_cast<CallExpr *>(Call));
    const auto *Op = dyn_cast<BinaryOperator>(Parent);
    const auto *Not = dyn_cast<UnaryOperator>(Parent);
    const bool IsAsked = isa<IfStmt>(Parent) || (Op && Op->isLogicalOp()) || (Not && Not->getOpcode() == UO_LNot);
    E.rewrite(Call->getSourceRange(), IsAsked ? Error : "(" + Error + " ? -1 : 0)");
  };
  if (isStatement(Create, Parents))
    E.removeStatement(statementOf(Create, Parents));
  else
    Result(Create, std::string(Scope) + "_rc");
  const std::string When =
      E.text(cast<UnaryOperator>(Arm->getArg(2)->IgnoreParenCasts())->getSubExpr()->getSourceRange());
  auto Nanoseconds = [&](StringRef Part) {
    return "SS_SEC(" + When + "." + Part.str() + ".tv_sec) + " + When + "." + Part.str() + ".tv_nsec";
  };
  const std::string Given = !Value ? "NULL" : E.text(Value->getSourceRange());
  const std::string Start = std::string("ss_timer_start(&") + Scope + ", &" + Id->getNameAsString() + ", " +
                            Nanoseconds("it_value") + ", " + Nanoseconds("it_interval") + ", " + Name + "_task, " +
                            (IsNumber ? "(void *)(intptr_t)(" + Given + ")" : Given) + ")";
  Result(Arm, Start);
  for (const CallExpr *Delete : Deletes) {
    E.rewrite(Delete->getCallee()->getSourceRange(), "ss_timer_stop");
    E.insert(E.begin(Delete->getArg(0)), "&");
  }
  E.insert(E.after(Callback->getBody()->getSourceRange()),
           E.indented("\n\nstatic int " + Name + "_task(void *arg)\n{\n\t" + Name + "((union sigval){ " +
                      (IsNumber ? ".sival_int = (int)(intptr_t)arg" : ".sival_ptr = arg") + " });\n\treturn 0;\n}"));
  E.need("ss_scope", "safespawn.h");
}

std::string Timer::rewrite(ScopeRewrite &Out) {
  Id = addressed(Create->getArg(2));
  Event = addressed(Create->getArg(1));
  if (!Event) {
    Notify = Create->getArg(1)->isNullPointerConstant(U.context(), Expr::NPC_ValueDependentIsNull) ? Other : Unseen;
    return "what it does is not seen";
  }
  std::string Why = readEvent();
  if (!Id)
    return "its handle is not a variable of " + quoted(F);
  for (auto Step : {&Timer::readUses, &Timer::readTime, &Timer::placeProblem, &Timer::leave})
    if (Why.empty())
      Why = (this->*Step)();
  if (!Why.empty())
    return Why;
  write();
  Out.Calls = {Create->getBeginLoc(), Arm->getBeginLoc()};
  Out.Unasked = {Callback};
  Out.Edits = {"scope", "run by a timer of a scope, which " + quoted(F) + " does not leave before it is stopped",
               E.takeMerged()};
  return "";
}

void safespawn::rewriteTimers(const Unit &U, const FunctionDecl *F, ento::AnalysisManager &Manager,
                              std::vector<ScopeRewrite> &Out) {
  if (!isa_and_nonnull<CompoundStmt>(F->getBody()))
    return;
  for (const CallExpr *Create : U.callsIn(F)) {
    if (!isCallOf(Create, "timer_create", 3) || !Manager.getCFG(F))
      continue;
    ScopeRewrite New;
    New.In = F;
    New.At = Create->getBeginLoc();
    Timer One(U, F, Create, Manager);
    New.Why = One.rewrite(New);
    if (!New.Why.empty() && !One.isOurs())
      continue; // it sends a signal
    New.What = "timer" + (One.id() ? " " + quoted(One.id()) : std::string());
    Out.push_back(std::move(New));
  }
}
