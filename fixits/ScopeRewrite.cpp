// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fixits/ScopeRewrite.h"
#include "fixits/Bodies.h"
#include "fixits/CancelForms.h"
#include "fixits/Edits.h"
#include "fixits/HeldTask.h"
#include "fixits/OwnThread.h"
#include "fixits/OwnerOffer.h"
#include "fixits/ScopePlace.h"
#include "fixits/ServiceRewrite.h"
#include "fixits/TaskExits.h"
#include "fixits/TimerRewrite.h"

using namespace clang;
using namespace safespawn;

namespace {

/// Writes one scope, with all that becomes of the threads that it owns.
class Writer {
public:
  Writer(const Unit &U, const ScopePlace &Place)
      : U(U), Place(Place), Parents(Place.parents()), E(U.context()), Scope(freeName()) {}

  /// \returns why it cannot be written, or an empty string.
  std::string write(const RewriteOptions &Asked, ento::AnalysisManager &Manager, ScopeRewrite &Out);

private:
  std::string freeName() const;
  void declare(const ValueDecl *D);
  std::string spawn(const ValueDecl *D, const HandleUse &Use, const std::string &Failed);
  void use(const HandleUse &Use, const TaskFamily &Kind);
  std::string leave(const std::string &Failed, const TaskExits &Ends);
  std::string leaveBy(const ScopePlace::Exit &Way, const std::string &Failed, const TaskExits &Ends);
  std::string join() const { return "ss_scope_join(&" + Scope + ", NULL)"; }
  std::string level() const { return levelIn(Place.block(), E); }

  const Unit &U;
  const ScopePlace &Place;
  const ParentMap &Parents;
  Edits E;
  const std::string Scope;
  bool WasJoined = false; ///< before memory that tasks live in is given back
};

/// A name for the scope that nobody has in this file.
std::string Writer::freeName() const {
  const SourceManager &SM = U.context().getSourceManager();
  const StringRef Text = SM.getBufferData(SM.getMainFileID());
  auto IsUsed = [&](const std::string &Name) { return hasWord(Text, Name); };
  for (const char *Name : {"scope", "tasks", "task_scope"})
    if (!IsUsed(Name) && !IsUsed(std::string(Name) + "_rc"))
      return Name;
  return "ss_scope_" + Place.function()->getNameAsString();
}

void Writer::declare(const ValueDecl *D) {
  replaceHandleType(D, "ss_task", E);
  if (!D->getType()->isPointerType())
    return;
  const CallExpr *Call = Place.allocationOf(D);
  SmallVector<const UnaryExprOrTypeTraitExpr *, 4> Sizes;
  gather(static_cast<const Stmt *>(Call), Sizes);
  for (const UnaryExprOrTypeTraitExpr *Size : Sizes)
    if (Size->isArgumentType() && Place.isHandle(Size->getTypeOfArgument()))
      replaceHandleType(Size->getArgumentTypeInfo()->getTypeLoc(), "ss_task", E);
  for (const Stmt *Up = Parents.getParent(Call); isa_and_nonnull<CastExpr, ParenExpr>(Up); Up = Parents.getParent(Up))
    if (const auto *Cast = dyn_cast<CStyleCastExpr>(Up))
      replaceHandleType(Cast->getTypeInfoAsWritten()->getTypeLoc(), "ss_task", E);
}

/// \p Failed is what the function returns when something failed.
std::string Writer::spawn(const ValueDecl *D, const HandleUse &Use, const std::string &Failed) {
  const CallExpr *Call = Use.In;
  const TaskFamily Kind = *familyOf(Call, *Use.Row);
  const std::string Flags = taskFlags(Place.usesOf(D), U) + (Place.isBackground(Use) ? " | SS_TASK_BACKGROUND" : "");
  const std::string Opened = Scope + "_rc";
  const Expr *Attr = Unit::argument(Call, Use.Row->Attr);
  const bool HasAttr = Attr && !Attr->isNullPointerConstant(U.context(), Expr::NPC_ValueDependentIsNull);
  std::string Name = HasAttr ? "ss_spawn" : "ss_spawn_task";
  Name += std::string(Kind.Pointers ? "_ptr" : "") + (HasAttr ? "_at" : "");

  // A scope that could not be opened has no tasks: whoever asks for the result of the spawn hears of it there.
  if (isStatement(Call, Parents)) {
    if (!isa<CastExpr>(Parents.getParent(Call))) {
      const bool Others = Place.mayRunAt(Call);
      if (Failed.empty() || E.isByMacro(Call) || !isa<CompoundStmt>(Parents.getParent(Call)) ||
          (Others && Place.mayWait()))
        return "nobody asks whether it was started, and what to do when it was not is not clear";
      const SourceLocation End = E.written(Call->getSourceRange()).getEnd(), Begin = E.begin(Call);
      const std::string Indent = E.indentOf(Begin), Deeper = Indent + level();
      Name = "if (" + Opened + " || " + Name;
      E.insert(End, Others ? ") {\n" + Deeper + "(void)" + join() + ";\n" + Deeper + Failed + ";\n" + Indent + "}"
                           : ")\n" + Deeper + Failed);
      if (Others)
        E.remove(End, E.afterSemicolon(Call));
      else
        E.breakLineAfter(Call);
    }
  } else {
    const Stmt *Parent = Parents.getParentIgnoreParenImpCasts(const_cast<CallExpr *>(Call));
    const Expr *Test = Call;
    std::string Refused = Opened + " || ";
    Expr::EvalResult Value;
    if (const auto *Op = dyn_cast<BinaryOperator>(Parent);
        Op && Op->isEqualityOp() && Op->getLHS()->IgnoreParenImpCasts() == Call &&
        Op->getRHS()->EvaluateAsInt(Value, U.context()) && Value.Val.getInt() == 0) {
      Test = Op;
      Refused = Opened + (Op->getOpcode() == BO_NE ? " != 0 || " : " == 0 && ");
    } else if (const auto *Not = dyn_cast<UnaryOperator>(Parent); Not && Not->getOpcode() == UO_LNot) {
      Test = Not;
      Refused = "!" + Opened + " && ";
    }
    const auto *If = dyn_cast_or_null<IfStmt>(Parents.getParent(const_cast<Expr *>(Test)));
    const auto *Assign = dyn_cast<BinaryOperator>(Parent);
    const std::string Choice = Opened + " ? " + Opened + " : ";
    if (Kind.Mapped) {
      Name = "SS_THRD(" + Choice + Name;
      E.insert(E.written(Call->getSourceRange()).getEnd(), ")");
    } else if (If && If->getCond() == Test && E.isEditable(Test->getSourceRange())) {
      E.insert(Test->getBeginLoc(), Refused);
    } else if (!E.isByMacro(Call) && (isa<DeclStmt, ReturnStmt>(Parent) || (Assign && Assign->isAssignmentOp()))) {
      Name = Choice + Name;
    } else {
      Name = "(" + Choice + Name;
      E.insert(E.written(Call->getSourceRange()).getEnd(), ")");
    }
  }
  E.rewrite(Call->getCallee()->getSourceRange(), Name);
  E.insert(E.begin(Call->getArg(0)), "&" + Scope + ", ");
  if (HasAttr) {
    E.insert(E.begin(Attr), "&(ss_task_opts){ .flags = " + Flags + ", .attr = ");
    E.insert(E.written(Attr->getSourceRange()).getEnd(), " }");
    E.insert(E.written(Call->getArg(Call->getNumArgs() - 1)->getSourceRange()).getEnd(), ", SS_HERE");
  } else if (Attr) {
    E.rewrite(Attr->getSourceRange(), Flags);
  } else {
    E.insert(E.begin(Unit::argument(Call, Use.Row->Entry)), Flags + ", ");
  }
  return "";
}

void Writer::use(const HandleUse &Use, const TaskFamily &Kind) {
  const CharSourceRange Handle = E.written(Use.Given->getSourceRange());
  if (Use.is(Effect::Cancel)) {
    cancelTask(Use, "", E);
    return;
  }
  if (Use.is(Effect::Detach)) {
    E.removeStatement(statementOf(Use.In, Parents));
    return;
  }
  if (!Use.is(Effect::Join) && !Use.is(Effect::TryJoin)) {
    E.insert(Handle.getBegin(), "ss_task_thread(&");
    E.insert(Handle.getEnd(), ")");
    return;
  }
  std::string Name =
      std::string(Use.is(Effect::Join) ? "ss_task_join" : "ss_task_tryjoin") + (Kind.Pointers ? "_ptr" : "");
  if (Kind.Mapped && !isStatement(Use.In, Parents)) {
    Name = "SS_THRD(" + Name;
    E.insert(E.written(Use.In->getSourceRange()).getEnd(), ")");
  }
  E.rewrite(Use.In->getCallee()->getSourceRange(), Name);
  E.insert(Handle.getBegin(), "&");
}

std::string Writer::leaveBy(const ScopePlace::Exit &Way, const std::string &Failed, const TaskExits &Ends) {
  const auto *Return = dyn_cast_or_null<ReturnStmt>(Way.At);
  const Expr *Value = Return ? Return->getRetValue() : nullptr;
  const std::string Text = Way.At ? E.text(Way.At->getSourceRange()) : "";
  const std::string At = Way.At ? "'" + Text + "'" : std::string("the end of its block");
  const bool IsMain = Place.function()->isMain();
  // Who ends the main thread, and not the process, waits for the others anyway.
  if (Way.Alive && Place.mayWait() && !(IsMain && Way.IsEndThread)) {
    // To return from main ends the process, whoever still runs.
    if (!IsMain || !Return || !E.isEditable(Return->getSourceRange()))
      return "it may still run at " + At + ", and wait for what comes only later";
    E.replace(Return->getSourceRange(), "exit(" + (Value ? E.text(Value->getSourceRange()) : "0") + ")");
    E.need("exit", "stdlib.h");
    return "";
  }
  if (Way.Alive && Place.isBehindPointer() && !Way.IsRelease)
    return "it may still run at " + At + ", where the memory of its task may be gone";
  if (Way.Alive && Value && holdsCall(Value))
    return "it may still run at " + At + ", which makes a call";
  const bool IsFailure = isa_and_nonnull<BreakStmt, ContinueStmt, GotoStmt>(Way.At) || (Return && Text == Failed);
  if (!Way.Alive && (IsFailure || (!Way.IsRelease && Ends.wasAskedBefore(Way.At))))
    return ""; // the scope joins what there is by itself, and there is nothing; or it is joined
  if (!Way.At)
    return E.insertAtEnd(Place.block(), "(void)" + join()) || !Way.Alive ? "" : At + " is written by a macro";
  const bool Tells = Value && !Failed.empty() && Text != Failed && !holdsCall(Value) && Place.errorsAreReal();
  if (!Tells && !Way.Alive && WasJoined && !Way.IsRelease)
    return ""; // with the release of the memory
  const std::string Statement =
      Tells ? "if (" + join() + " != 0)\n" + E.indentOf(Way.At->getBeginLoc()) + level() + Failed : "(void)" + join();
  const Stmt *Before = isa<CallExpr>(Way.At) ? statementOf(Way.At, Parents) : Way.At;
  if (Before && E.isEditable(Way.At->getSourceRange()) && E.insertBefore(Before, Parents, Statement))
    return "";
  return Way.Alive || Way.IsEndThread ? "there is no room for a join at " + At : "";
}

std::string Writer::leave(const std::string &Failed, const TaskExits &Ends) {
  const std::vector<ScopePlace::Exit> Ways = Place.exits();
  WasJoined = llvm::any_of(Ways, [](const ScopePlace::Exit &Way) { return Way.IsRelease; });
  for (const ScopePlace::Exit &Way : Ways)
    if (std::string Why = leaveBy(Way, Failed, Ends); !Why.empty())
      return Why;
  return "";
}

std::string Writer::write(const RewriteOptions &Asked, ento::AnalysisManager &Manager, ScopeRewrite &Out) {
  const SourceLocation Begin = E.begin(Place.first());
  if (Begin.isInvalid())
    return "there is no room for a scope in a macro";
  std::string Options = ".flags = SS_SUPERVISE";
  // A task that waits for one whose turn has not come would wait for ever.
  const bool IsLimited = Asked.Limit && !Place.mayWait();
  if (IsLimited)
    Options += ", .limit = " + std::to_string(Asked.Limit);
  const std::string Failed = Place.failureReturn();
  E.need("ss_scope", "safespawn.h");
  E.insert(Begin, "SS_SCOPE(" + Scope + ", " + Options + ");" +
                      (E.isFirstOnLine(Begin) ? "\n" + E.indentOf(Begin) : std::string(" ")));
  for (const ValueDecl *D : Place.Vars) {
    declare(D);
    for (const HandleUse &Use : Place.usesOf(D)) {
      if (Use.What != HandleUse::Call)
        continue;
      Out.Calls.push_back(Use.In->getBeginLoc());
      E.enter(Use.In);
      if (!Use.is(Effect::Spawn))
        use(Use, *Place.familyOf(D));
      else if (std::string Why = spawn(D, Use, Failed); !Why.empty())
        return Why;
      if (!E.leave())
        return MacroDisagrees;
    }
  }
  const TaskExits Ends(U, Place, Failed, Manager);
  if (std::string Why = leave(Failed, Ends); !Why.empty())
    return Why;
  for (const CallExpr *End : Place.endings())
    E.rewrite(End->getCallee()->getSourceRange(),
              End->getNumArgs() == 1 && End->getArg(0)->getType()->isPointerType() ? "ss_exit_ptr" : "ss_exit");
  Ends.write(join(), E);
  Out.Staying = Ends.staying();
  CancelForms Forms(U);
  for (const ValueDecl *D : Place.Vars)
    for (const FunctionDecl *Entry : Place.entriesOf(D))
      if (Place.isCancelled(D))
        Forms.add(Entry);
  Forms.write(E);
  const FunctionDecl *In = Place.function();
  Out.In = In;
  Out.At = Out.Calls.front();
  if (Asked.Limit && !IsLimited)
    Out.Note = "the scope gets no limit: a task may wait for another one, or for " + quoted(In);
  Out.What = "thread " + quoted(Place.Vars.front());
  Out.Macros = E.inMacros();
  Out.Edits = {"scope", "run as tasks of a scope, which " + quoted(In) + " does not leave before they are over",
               E.takeMerged()};
  return "";
}

/// Whether the types of \p A and \p B are one in the source, or those of fields of one struct.
bool isDeclaredWith(const ValueDecl *A, const ValueDecl *B) {
  if (A == B)
    return true;
  const auto *X = dyn_cast<FieldDecl>(A), *Y = dyn_cast<FieldDecl>(B);
  if (X || Y)
    return X && Y && X->getParent() == Y->getParent();
  return cast<VarDecl>(A)->getTypeSpecStartLoc() == cast<VarDecl>(B)->getTypeSpecStartLoc();
}

/// The variables and fields that hold handles of threads which \p F starts, where nobody else uses them; those that are
/// declared together are together.
std::vector<SmallVector<const ValueDecl *, 4>> ownedBy(const FunctionDecl *F, const Handles &All,
                                                       llvm::DenseSet<const ValueDecl *> &Taken) {
  std::vector<SmallVector<const ValueDecl *, 4>> Found;
  auto IsOwned = [&](ArrayRef<HandleUse> Uses) {
    return llvm::all_of(Uses, [&](const HandleUse &Use) { return Use.By == F; });
  };
  for (const auto &Known : All.all()) {
    const ValueDecl *D = Known.first;
    const auto *Var = dyn_cast<VarDecl>(D);
    if (Var && (isa<ParmVarDecl>(Var) ||
                !(Var->hasLocalStorage() || Var->isStaticLocal() || Var->getFormalLinkage() == Linkage::Internal)))
      continue;
    if (llvm::none_of(Known.second, [](const HandleUse &Use) { return Use.is(Effect::Spawn); }) ||
        llvm::any_of(All.all(),
                     [&](const auto &Other) { return isDeclaredWith(Other.first, D) && !IsOwned(Other.second); }))
      continue;
    Taken.insert(D);
    auto With = llvm::find_if(Found, [&](const auto &Group) { return isDeclaredWith(Group.front(), D); });
    if (With == Found.end())
      Found.push_back({D});
    else
      With->push_back(D);
  }
  return Found;
}

/// What stays of the calls that end the process in what \p Entries run, where nobody asks whether a task failed.
std::vector<StayingCall> stayingIn(ArrayRef<const FunctionDecl *> Entries, const Unit &U,
                                   ento::AnalysisManager &Manager) {
  ProcessEnds Ends(U, Entries, Manager);
  for (ProcessEnd &End : Ends.Found)
    if (End.Why.empty())
      End.Why = "nobody is seen to ask whether it failed";
  return TaskExits::stayingOf(Ends, U.context().getSourceManager());
}

/// Tells of each call that stays in what tasks run, those that are tasks already too, once.
void addStaying(const Unit &U, ento::AnalysisManager &Manager, std::vector<ScopeRewrite> &Found) {
  if (!U.has(Effect::EndProcess))
    return;
  std::vector<StayingCall> Staying = stayingIn(entriesOfTasks(U), U, Manager);
  for (const ScopeRewrite &One : Found)
    if (One.Why.empty()) {
      llvm::append_range(Staying, One.Staying);
      llvm::append_range(Staying, stayingIn(One.Unasked, U, Manager));
    }
  llvm::DenseSet<SourceLocation> Told;
  for (const StayingCall &Each : Staying)
    if (Told.insert(Each.At).second) {
      ScopeRewrite Left;
      Left.In = Each.In;
      Left.At = Each.At;
      Left.What = Each.What;
      Left.Why = Each.Why;
      Found.push_back(std::move(Left));
    }
}

/// Takes back what edits a macro that some other use of it in the file wants otherwise, or as it is.
void takeBackDisagreeing(const Unit &U, std::vector<ScopeRewrite> &Found) {
  const Edits E(U.context());
  const SourceManager &SM = U.context().getSourceManager();
  for (bool Again = true; Again;) {
    Again = false;
    Edits::MacroEdits Known;
    llvm::DenseSet<SourceLocation> Rewritten, Apart;
    for (const ScopeRewrite &One : Found) {
      if (!One.Why.empty())
        continue;
      Rewritten.insert(One.Calls.begin(), One.Calls.end());
      for (const auto &[Callee, Made] : One.Macros)
        if (!Known.emplace(Callee, Made).second && Known[Callee] != Made)
          Apart.insert(Callee);
    }
    for (const FunctionDecl *F : U.definitions())
      for (const CallExpr *Call : U.callsIn(F)) {
        const SourceLocation Callee = SM.getSpellingLoc(Call->getCallee()->getBeginLoc());
        if (E.isByMacro(Call) && Known.count(Callee) && !Rewritten.count(Call->getBeginLoc()))
          Apart.insert(Callee);
      }
    for (ScopeRewrite &One : Found)
      if (One.Why.empty() && llvm::any_of(One.Macros, [&](const auto &Each) { return Apart.count(Each.first); })) {
        One.Why = MacroDisagrees;
        Again = true;
      }
  }
}

} // namespace

std::vector<ScopeRewrite> safespawn::rewriteAsScopes(const Unit &U, const RewriteOptions &Asked,
                                                     ento::AnalysisManager &Manager) {
  const SourceManager &SM = U.context().getSourceManager();
  const Handles All(
      U, [&](const FunctionDecl *F) -> const ParentMap & { return Manager.getAnalysisDeclContext(F)->getParentMap(); });
  std::vector<ScopeRewrite> Out;
  llvm::DenseSet<const ValueDecl *> Taken;
  auto Leave = [&](const FunctionDecl *In, const CallExpr *Spawn, const std::string &Whose, const std::string &Why) {
    ScopeRewrite Left;
    Left.In = In;
    Left.At = Spawn->getBeginLoc();
    Left.What = Whose;
    Left.Why = Why;
    Out.push_back(std::move(Left));
  };
  auto LeaveAll = [&](const FunctionDecl *In, ArrayRef<const ValueDecl *> Vars, const std::string &Why,
                      bool GoesOn = false) {
    for (const ValueDecl *D : Vars)
      for (const HandleUse &Use : All.usesOf(D))
        if (Use.is(Effect::Spawn))
          Leave(In, Use.In, "thread " + quoted(D), Why + (GoesOn ? offerOwner(U, Use) : ""));
  };
  for (const FunctionDecl *F : U.definitions()) {
    if (SM.isInMainFile(SM.getExpansionLoc(F->getLocation())) && !U.isBroken(F))
      rewriteTimers(U, F, Manager, Out);
    if (U.spawnsIn(F).empty())
      continue;
    AnalysisDeclContext *Context = Manager.getAnalysisDeclContext(F);
    const bool IsOurs = SM.isInMainFile(SM.getExpansionLoc(F->getLocation())) && !U.isBroken(F) && Context->getCFG() &&
                        isa_and_nonnull<CompoundStmt>(F->getBody());
    std::vector<std::unique_ptr<ScopePlace>> Places;
    auto Find = [&](ArrayRef<const ValueDecl *> Vars) -> std::unique_ptr<ScopePlace> {
      auto New = std::make_unique<ScopePlace>(U, All, F, *Context);
      New->Vars.assign(Vars.begin(), Vars.end());
      if (Asked.Detached == RewriteOptions::Background)
        for (const ValueDecl *D : Vars)
          if (isDetached(D, All))
            New->Background.insert(D);
      std::string Why = New->find();
      if (Why.empty())
        return New;
      LeaveAll(F, Vars, Why);
      return nullptr;
    };
    for (const SmallVector<const ValueDecl *, 4> &Vars : ownedBy(F, All, Taken)) {
      if (!IsOurs) {
        LeaveAll(F, Vars, "its function is not in this file, or has an error");
        continue;
      }
      if (Asked.Detached == RewriteOptions::Service && Vars.size() == 1 && isDetached(Vars.front(), All)) {
        ScopeRewrite Service;
        if (std::string Why = rewriteAsService(U, All, Vars.front(), Manager, Service); !Why.empty())
          LeaveAll(F, Vars, Why);
        else
          Out.push_back(std::move(Service));
        continue;
      }
      std::unique_ptr<ScopePlace> Found = Find(Vars);
      // What nests shares a scope.
      for (size_t I = 0; Found && I < Places.size();) {
        if (!Places[I]->nestsWith(*Found)) {
          ++I;
          continue;
        }
        SmallVector<const ValueDecl *, 8> Both(Places[I]->Vars.begin(), Places[I]->Vars.end());
        llvm::append_range(Both, Found->Vars);
        Places.erase(Places.begin() + std::ptrdiff_t(I));
        Found = Find(Both);
        I = 0;
      }
      if (Found)
        Places.push_back(std::move(Found));
    }
    for (const std::unique_ptr<ScopePlace> &Found : Places) {
      ScopeRewrite Rewrite;
      if (std::string Why = Writer(U, *Found).write(Asked, Manager, Rewrite); !Why.empty())
        LeaveAll(F, Found->Vars, Why, Found->isLeft());
      else
        Out.push_back(std::move(Rewrite));
    }
    for (const SpawnSite &Site : U.spawnsIn(F)) {
      const ValueDecl *Stored = All.storedInto(Site.Call);
      const Meaning *Row = U.meaningOf(Site.Call, Effect::Spawn);
      if ((Stored && Taken.count(Stored)) || (Row && !familyOf(Site.Call, *Row)))
        continue;
      if (!Stored || isa<ParmVarDecl>(Stored)) {
        Leave(F, Site.Call, "a thread", "its handle is stored behind a pointer, or in what is not declared for one");
        continue;
      }
      const auto *Var = dyn_cast<VarDecl>(Stored);
      if (Var && Var->getFormalLinkage() != Linkage::Internal) {
        Leave(F, Site.Call, "thread " + quoted(Stored), "other files may use its handle");
        continue;
      }
      auto IsJoined = [&](const ValueDecl *D) {
        return llvm::any_of(All.usesOf(D), [](const HandleUse &Use) { return Use.Row && isGivingUp(Use.Row->What); });
      };
      SmallVector<const ValueDecl *, 4> Together;
      for (const auto &[D, Uses] : All.all())
        if (isDeclaredWith(D, Stored) &&
            llvm::any_of(Uses, [](const HandleUse &Use) { return Use.is(Effect::Spawn); })) {
          Together.push_back(D);
          Taken.insert(D);
        }
      ScopeRewrite Held;
      if (std::string Why = rewriteHeld(U, All, Together, Manager, Held); !Why.empty())
        LeaveAll(F, Together, Why, llvm::none_of(Together, IsJoined));
      else
        Out.push_back(std::move(Held));
    }
  }
  takeBackDisagreeing(U, Out);
  addStaying(U, Manager, Out);
  return Out;
}
