// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkers/Model.h"
#include "checkers/EmbeddedModels.h"
#include "checkers/Rules.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/YAMLParser.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace safespawn;

namespace {

/// Which roles an effect needs, and which it may have besides. This table is the format's grammar.
struct EffectInfo {
  StringLiteral Name;
  Effect What;
  std::initializer_list<StringRef> Needs;
  std::initializer_list<StringRef> Takes;
};

const EffectInfo Effects[] = {
    {"spawn", Effect::Spawn, {"handle", "entry"}, {"argument", "attr", "success", "joined-by"}},
    {"join", Effect::Join, {"object"}, {"result", "success"}},
    {"try-join", Effect::TryJoin, {"object", "success"}, {"result"}},
    {"detach", Effect::Detach, {"object"}, {"success"}},
    {"cancel", Effect::Cancel, {"object"}, {"success"}},
    {"self", Effect::Self, {}, {}},
    {"equal", Effect::Equal, {"object", "other"}, {}},
    {"observe", Effect::Observe, {"object"}, {"value", "unless"}},
    {"end-thread", Effect::EndThread, {}, {"scopes"}},
    {"end-process", Effect::EndProcess, {}, {}},
    {"attribute-init", Effect::AttributeInit, {"object"}, {"success"}},
    {"attribute-destroy", Effect::AttributeDestroy, {"object"}, {}},
    {"attribute-set", Effect::AttributeSet, {"object"}, {"value", "detached", "recursive", "checked"}},
    {"default-attribute", Effect::DefaultAttribute, {}, {"success"}},
    {"fork", Effect::Fork, {}, {}},
    {"acquire", Effect::Acquire, {"object"}, {"mode", "success", "released-by"}},
    {"try-acquire", Effect::TryAcquire, {"object", "success"}, {"mode", "limit", "released-by"}},
    {"block", Effect::Block, {}, {"object", "limit", "value", "never", "flags", "unless", "unless-object", "kind"}},
    {"release", Effect::Release, {"object"}, {"success"}},
    {"init", Effect::Init, {"object"}, {"attr", "value", "recursive", "checked", "success"}},
    {"destroy", Effect::Destroy, {"object"}, {"success"}},
    {"once", Effect::Once, {"object", "entry"}, {"success"}},
    {"wait", Effect::Wait, {}, {"object", "lock", "limit", "never", "success"}},
    {"post", Effect::Post, {}, {"object", "broadcast"}},
    {"copy", Effect::Copy, {"destination", "source"}, {"size"}},
    {"free", Effect::Free, {"object"}, {}},
    {"compute", Effect::Compute, {}, {}},
    {"thread-state", Effect::ThreadState, {}, {}},
    {"guard", Effect::Guard, {"object"}, {}},
    {"scope-open", Effect::ScopeOpen, {"object"}, {"attr", "value", "limited", "deadline", "unbound", "success"}},
    {"scope-close", Effect::ScopeClose, {"object"}, {}},
    {"scope-join", Effect::ScopeJoin, {"object"}, {"result", "success"}},
    {"scope-try-join", Effect::ScopeTryJoin, {"object", "success"}, {"result", "limit", "never"}},
    {"scope-cancel", Effect::ScopeCancel, {"object"}, {}},
    {"scope-end", Effect::ScopeEnd, {"object"}, {}},
    {"scope-limit", Effect::ScopeLimit, {"object"}, {"value"}},
    {"scope-self", Effect::ScopeSelf, {}, {}},
    {"spawn-task",
     Effect::SpawnTask,
     {"scope"},
     {"handle", "entry", "argument", "size", "attr", "flags", "background", "success"}},
    {"cancel-task", Effect::CancelTask, {"object"}, {}},
    {"join-task", Effect::JoinTask, {"object"}, {"result", "limit", "never", "queued", "success"}},
    {"token-init", Effect::TokenInit, {"object"}, {"parent", "success"}},
    {"token-test", Effect::TokenTest, {}, {"object"}},
    {"jump", Effect::Jump, {"object"}, {}},
    {"jump-target", Effect::JumpTarget, {"object"}, {}},
};

Role Meaning::*roleNamed(StringRef Name) {
  static const std::pair<StringLiteral, Role Meaning::*> Roles[] = {
      {"object", &Meaning::Object}, {"other", &Meaning::Other},       {"handle", &Meaning::Handle},
      {"entry", &Meaning::Entry},   {"argument", &Meaning::Argument}, {"attr", &Meaning::Attr},
      {"result", &Meaning::Result}, {"value", &Meaning::Value},       {"lock", &Meaning::Lock},
      {"limit", &Meaning::Limit},   {"flags", &Meaning::Flags},       {"destination", &Meaning::Destination},
      {"source", &Meaning::Source}, {"size", &Meaning::Size},         {"scope", &Meaning::Scope},
      {"parent", &Meaning::Parent}};
  for (const auto &[Known, Member] : Roles)
    if (Known == Name)
      return Member;
  return nullptr;
}

/// The member that holds the column \p Name when its value is the name of a call or a constant, or null.
std::string Meaning::*nameColumn(StringRef Name) {
  static const std::pair<StringLiteral, std::string Meaning::*> Columns[] = {{"detached", &Meaning::DetachedName},
                                                                             {"joined-by", &Meaning::JoinedBy},
                                                                             {"recursive", &Meaning::RecursiveName},
                                                                             {"checked", &Meaning::CheckedName},
                                                                             {"unless", &Meaning::Unless},
                                                                             {"broadcast", &Meaning::Broadcast},
                                                                             {"released-by", &Meaning::ReleasedBy},
                                                                             {"never", &Meaning::NeverName},
                                                                             {"limited", &Meaning::LimitedBy},
                                                                             {"deadline", &Meaning::DeadlineBy},
                                                                             {"unbound", &Meaning::UnboundName},
                                                                             {"background", &Meaning::Background},
                                                                             {"unless-object", &Meaning::UnlessObject}};
  for (const auto &[Known, Member] : Columns)
    if (Known == Name)
      return Member;
  return nullptr;
}

const std::pair<StringLiteral, Sync> SyncNames[] = {{"lock", Sync::Lock},           {"condition", Sync::Condition},
                                                    {"semaphore", Sync::Semaphore}, {"barrier", Sync::Barrier},
                                                    {"once", Sync::Once},           {"queue", Sync::Queue}};
constexpr StringLiteral TokenName = "token";

bool isIdentifier(StringRef Word) {
  return !Word.empty() && (isAlpha(Word[0]) || Word[0] == '_') &&
         all_of(Word, [](char C) { return isAlnum(C) || C == '_'; });
}

/// Walks one document and collects every mistake with its place.
class Reader {
public:
  Reader(StringRef Text, StringRef Path, bool BuiltIn)
      : Buffer(MemoryBufferRef(Text, Path)), BuiltIn(BuiltIn), Stream(Buffer, Sources) {
    Sources.setDiagHandler(
        [](const SMDiagnostic &D, void *Self) {
          auto *R = static_cast<Reader *>(Self);
          if (D.getKind() == SourceMgr::DK_Error)
            R->Errors.push_back({unsigned(std::max(D.getLineNo(), 1)), unsigned(std::max(D.getColumnNo() + 1, 1)),
                                 D.getMessage().str()});
        },
        this);
  }

  std::vector<Meaning> Rows;
  std::vector<std::pair<std::string, Sync>> Types;
  std::vector<std::string> Tokens;
  std::vector<ModelMistake> Errors;

  void read() {
    auto Document = Stream.begin();
    if (Document == Stream.end())
      return;
    yaml::Node *Root = Document->getRoot();
    if (!Root || isa<yaml::NullNode>(Root)) // empty, or comments only
      return;
    auto *Top = dyn_cast<yaml::MappingNode>(Root);
    if (!Top)
      return fail(Root, "expected a mapping with the keys 'Models' or 'Types'");
    for (yaml::KeyValueNode &Entry : *Top) {
      std::string Key = scalar(Entry.getKey());
      if (Key == "Models")
        readRows(Entry.getValue(), &Reader::readRow,
                 "{call: my_start, args: 3, effect: spawn, handle: 0, entry: 1, success: zero}");
      else if (Key == "Types")
        readRows(Entry.getValue(), &Reader::readType, "{type: my_mutex, is: lock}");
      else {
        fail(Entry.getKey(), "unknown key '" + Key + "', expected 'Models' or 'Types'");
        if (yaml::Node *Value = Entry.getValue())
          Value->skip();
      }
    }
  }

private:
  void fail(yaml::Node *At, const Twine &What) {
    if (At)
      Stream.printError(At, What);
    else
      Errors.push_back({1, 1, What.str()});
  }

  std::string scalar(yaml::Node *N) {
    SmallString<32> Storage;
    if (auto *S = dyn_cast_or_null<yaml::ScalarNode>(N))
      return S->getValue(Storage).str();
    if (N) {
      fail(N, "expected a single value");
      N->skip();
    }
    return "";
  }

  struct Field {
    yaml::Node *Key;
    std::string Name, Value;
  };
  using Fields = SmallVector<Field, 10>;

  void readRows(yaml::Node *Value, void (Reader::*Read)(yaml::MappingNode &, const Fields &), StringRef Example) {
    auto *List = dyn_cast_or_null<yaml::SequenceNode>(Value);
    if (!List)
      return fail(Value, "expected a list of rows such as - " + Example);
    for (yaml::Node &Row : *List) {
      if (auto *Mapping = dyn_cast<yaml::MappingNode>(&Row)) {
        Fields Given;
        for (yaml::KeyValueNode &Entry : *Mapping) {
          yaml::Node *Key = Entry.getKey();
          std::string Name = scalar(Key);
          Given.push_back({Key, Name, scalar(Entry.getValue())});
        }
        (this->*Read)(*Mapping, Given);
      } else {
        fail(&Row, "expected a row such as " + Example);
        Row.skip();
      }
    }
  }

  const Field *find(yaml::MappingNode &Row, const Fields &Given, StringRef Name) {
    for (const Field &F : Given)
      if (F.Name == Name)
        return &F;
    fail(&Row, "a row needs '" + Name + "'");
    return nullptr;
  }

  /// The keys of rows with one of these effects.
  static SmallVector<StringRef, 12> keysOf(ArrayRef<EffectInfo> Some) {
    SmallVector<StringRef, 12> Keys{"call", "args", "effect"};
    for (const EffectInfo &Known : Some)
      for (const auto &Roles : {Known.Needs, Known.Takes})
        for (StringRef Name : Roles)
          if (!is_contained(Keys, Name))
            Keys.push_back(Name);
    return Keys;
  }

  /// Complains of each key that is none of \p Keys. What a row lacks is not worth telling then: it is there, misspelt.
  bool areKnown(const Fields &Given, ArrayRef<StringRef> Keys) {
    bool Are = true;
    for (const Field &F : Given)
      if (!is_contained(Keys, StringRef(F.Name))) {
        fail(F.Key, "unknown key '" + F.Name + "', expected one of " + join(Keys));
        Are = false;
      }
    return Are;
  }

  void readType(yaml::MappingNode &Row, const Fields &Given) {
    if (!areKnown(Given, {"type", "is"}))
      return;
    const Field *Type = find(Row, Given, "type"), *Is = find(Row, Given, "is");
    if (!Type || !Is)
      return;
    if (!isIdentifier(Type->Value))
      return fail(Type->Key, "'" + Type->Value + "' is not the name of a type");
    for (const auto &[Name, Kind] : SyncNames)
      if (Name == Is->Value)
        return Types.push_back({Type->Value, Kind});
    if (Is->Value == TokenName)
      return Tokens.push_back(Type->Value);
    SmallVector<StringRef, 8> Names;
    for (const auto &[Name, Kind] : SyncNames)
      Names.push_back(Name);
    Names.push_back(TokenName);
    fail(Is->Key, "expected one of " + join(Names) + ", not '" + Is->Value + "'");
  }

  void readRow(yaml::MappingNode &Mapping, const Fields &Given) {
    static const SmallVector<StringRef, 12> AllKeys = keysOf(Effects);
    if (!areKnown(Given, AllKeys))
      return;
    const Field *Call = find(Mapping, Given, "call"), *Args = find(Mapping, Given, "args"),
                *What = find(Mapping, Given, "effect");
    if (!Call || !Args || !What)
      return;

    Meaning Row;
    Row.BuiltIn = BuiltIn;
    Row.Call = Call->Value;
    if (!isIdentifier(Row.Call))
      return fail(Call->Key, "'" + Row.Call + "' is not a function's name");
    if (StringRef(Args->Value).getAsInteger(10, Row.Args))
      return fail(Args->Key, "expected the number of arguments, not '" + Args->Value + "'");

    const EffectInfo *Info = nullptr;
    SmallVector<StringRef, 16> Names;
    for (const EffectInfo &Known : Effects) {
      Names.push_back(Known.Name);
      if (Known.Name == What->Value)
        Info = &Known;
    }
    if (!Info)
      return fail(What->Key,
                  "unknown effect '" + What->Value + "', did you mean '" + nearest(What->Value, Names) + "'?");
    Row.What = Info->What;

    for (StringRef Needed : Info->Needs)
      if (!find(Mapping, Given, Needed))
        return;
    for (const Field &F : Given) {
      if (F.Name == "call" || F.Name == "args" || F.Name == "effect")
        continue;
      if (!is_contained(Info->Needs, StringRef(F.Name)) && !is_contained(Info->Takes, StringRef(F.Name))) {
        return fail(F.Key, "'" + F.Name + "' says nothing about the effect '" + What->Value + "', expected one of " +
                               join(keysOf(*Info)));
      }
      if (F.Name == "success") {
        if (!readSuccess(F.Value, Row.Worked))
          return fail(F.Key, "expected zero, nonzero, nonnull, nonnegative, always or the name of a constant, not '" +
                                 F.Value + "'");
      } else if (std::string Meaning::*Column = nameColumn(F.Name)) {
        if (!isIdentifier(F.Value))
          return fail(F.Key, "expected a name, not '" + F.Value + "'");
        Row.*Column = F.Value;
      } else if (F.Name == "mode") {
        if (F.Value != "shared" && F.Value != "exclusive")
          return fail(F.Key, "expected shared or exclusive, not '" + F.Value + "'");
        Row.Shared = F.Value == "shared";
      } else if (F.Name == "kind") {
        if (F.Value != "file" && F.Value != "other")
          return fail(F.Key, "expected file or other, not '" + F.Value + "'");
        Row.File = F.Value == "file";
      } else if (F.Name == "queued") {
        if (F.Value != "left" && F.Value != "started")
          return fail(F.Key, "expected left or started, not '" + F.Value + "'");
        Row.StartsQueued = F.Value == "started";
      } else if (F.Name == "scopes") {
        if (F.Value != "left" && F.Value != "joined")
          return fail(F.Key, "expected left or joined, not '" + F.Value + "'");
        Row.JoinsScopes = F.Value == "joined";
      } else if (!readRole(F.Value, Row.*roleNamed(F.Name), Row.Args)) {
        return fail(F.Key, "expected the index of an argument, 0 to " + Twine(int(Row.Args) - 1) +
                               ", or 'return', not '" + F.Value + "'");
      }
    }
    Rows.push_back(std::move(Row));
  }

  static std::string join(ArrayRef<StringRef> Words) {
    std::string Text;
    for (StringRef W : Words)
      Text += (Text.empty() ? "" : ", ") + W.str();
    return Text;
  }

  static bool readSuccess(StringRef Word, Success &Out) {
    static const std::pair<StringLiteral, Success::Kind> Kinds[] = {{"always", Success::Always},
                                                                    {"zero", Success::Zero},
                                                                    {"nonzero", Success::NonZero},
                                                                    {"nonnull", Success::NonNull},
                                                                    {"nonnegative", Success::NonNegative}};
    for (const auto &[Name, Kind] : Kinds)
      if (Name == Word) {
        Out = {Kind, ""};
        return true;
      }
    if (!isIdentifier(Word))
      return false;
    Out = {Success::Constant, Word.str()};
    return true;
  }

  static bool readRole(StringRef Word, Role &Out, unsigned Args) {
    unsigned Index;
    if (Word == "return")
      Out = Role::returned();
    else if (!Word.getAsInteger(10, Index) && Index < Args)
      Out = Role::argument(Index);
    else
      return false;
    return true;
  }

  MemoryBufferRef Buffer;
  bool BuiltIn;
  SourceMgr Sources;
  yaml::Stream Stream;
};

} // namespace

/// \p Text with an empty line for each row of a call that nobody can call. (A row that does not begin as all of ours do
/// is kept.)
static std::string rowsFor(StringRef Text, function_ref<bool(StringRef)> MayBeCalled) {
  std::string Kept;
  StringRef Section; // not written yet: one without rows is left out
  bool Skip = false;
  while (!Text.empty()) {
    const auto [Line, Rest] = Text.split('\n');
    Text = Rest;
    StringRef Row = Line;
    if (Row.consume_front("  - {call: "))
      Skip = !MayBeCalled(Row.take_until([](char C) { return C == ',' || C == ' '; }));
    else if (!Row.starts_with("     ")) // no row goes on here
      Skip = false;
    if (Line.ends_with(":") && !Line.starts_with("#")) {
      Section = Line;
    } else if (!Skip && !Line.trim().empty() && !Line.ltrim().starts_with("#")) {
      if (!Section.empty())
        Kept.insert(Kept.size() - 1, std::exchange(Section, "").str());
      Kept += Line;
    }
    Kept += '\n';
  }
  return Kept;
}

Models::Models(function_ref<bool(StringRef)> MayBeCalled) {
  for (unsigned I = 0; I < NumEmbeddedModels; ++I)
    for (const ModelMistake &M :
         read(rowsFor(EmbeddedModels[I].Text, MayBeCalled), EmbeddedModels[I].Name, /*BuiltIn=*/true))
      report_fatal_error(Twine("safespawn: built-in model: ") + EmbeddedModels[I].Name + ":" + Twine(M.Line) + ": " +
                         M.What);
}

std::vector<ModelMistake> Models::add(StringRef Text, StringRef Path) { return read(Text, Path, /*BuiltIn=*/false); }

std::vector<ModelMistake> Models::read(StringRef Text, StringRef Path, bool BuiltIn) {
  Reader R(Text, Path, BuiltIn);
  R.read();
  if (!R.Errors.empty())
    return R.Errors;
  for (Meaning &Row : R.Rows) {
    std::vector<Meaning> &Same = Rows[Row.Call];
    // A user's row replaces what is built in for that call.
    if (!BuiltIn && !Same.empty() && Same.front().BuiltIn)
      Same.clear();
    Same.push_back(std::move(Row));
  }
  for (const auto &[Name, Kind] : R.Types)
    Types[Name] = Kind;
  for (const std::string &Name : R.Tokens)
    Tokens.insert(Name);
  return {};
}

ArrayRef<Meaning> Models::named(StringRef Name) const {
  auto Found = Rows.find(Name);
  return Found == Rows.end() ? ArrayRef<Meaning>() : ArrayRef<Meaning>(Found->second);
}

std::optional<Sync> Models::typeNamed(StringRef Name) const {
  auto Found = Types.find(Name);
  return Found == Types.end() ? std::nullopt : std::optional(Found->second);
}
