// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "plugin/clang/Options.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

using namespace llvm;
using namespace safespawn;

/// \returns a complaint, or an empty string.
static std::string setProfile(StringRef Name, bool &Strict) {
  if (Name != "default" && Name != "strict")
    return ("unknown profile '" + Name + "', did you mean '" + nearest(Name, {"default", "strict"}) + "'?").str();
  Strict = Name == "strict";
  return "";
}

static std::string selectRules(bool Strict, StringRef Globs, RuleSet &Out) {
  Out = RuleSet::profile(Strict);
  std::string Wrong = Out.select(Globs);
  if (Wrong.empty())
    return "";
  SmallVector<StringRef, 64> Ids;
  for (const RuleInfo &Info : allRules()) {
    Ids.push_back(Info.ShortId);
    Ids.push_back(Info.FullId);
  }
  return "no rule matches '" + Wrong + "', did you mean '" + nearest(StringRef(Wrong).ltrim('-'), Ids).str() + "'?";
}

bool Options::parse(const std::vector<std::string> &Arguments, clang::DiagnosticsEngine &Diags, Options &Out) {
  auto Fail = [&](const Twine &What) {
    Diags.Report(Diags.getCustomDiagID(clang::DiagnosticsEngine::Error, "safespawn: %0")) << What.str();
    return false;
  };
  std::string Globs;
  for (StringRef Argument : Arguments) {
    auto [Key, Value] = Argument.split('=');
    if (Key == "profile") {
      if (std::string Complaint = setProfile(Value, Out.Strict); !Complaint.empty())
        return Fail(Complaint);
    } else if (Key == "rules") {
      Globs += (Globs.empty() ? "" : ",") + Value.str();
    } else if (Key == "report" && !Value.empty()) {
      Out.ReportFile = Value.str();
    } else if (Argument == "quiet") {
      Out.Quiet = true;
    } else if (Argument == "deep") {
      Out.Deep = true;
    } else if (Key == "triage") {
      if (Value != "on" && Value != "off")
        return Fail("argument 'triage' is on or off, not '" + Value + "'");
      Out.Triage = Value == "on";
    } else if (Argument == "no-config") {
      Out.ReadConfig = false;
    } else if (Key == "time-limit") {
      if (Value.getAsInteger(10, Out.TimeLimit) || !Out.TimeLimit)
        return Fail("argument 'time-limit' takes a number of seconds, not '" + Value + "'");
    } else if (Key == "to") {
      if (Value != "minimal" && Value != "scope")
        return Fail("argument 'to' is minimal or scope, not '" + Value + "'");
      Out.ToScope = Value == "scope";
    } else if (Key == "detached") {
      if (Value != "keep" && Value != "service" && Value != "background")
        return Fail("argument 'detached' is keep, service or background, not '" + Value + "'");
      Out.Detached = Value == "service" ? Service : Value == "background" ? Background : Keep;
    } else if (Key == "limit") {
      if (Value.getAsInteger(10, Out.Limit) || !Out.Limit)
        return Fail("argument 'limit' takes a number of tasks, not '" + Value + "'");
    } else if (Argument == "inject=crash-early") {
      Out.Inject = CrashEarly;
    } else if (Argument == "inject=crash") {
      Out.Inject = Crash;
    } else if (Argument == "inject=hang") {
      Out.Inject = Hang;
    } else {
      StringRef Near = nearest(Key, {"profile", "rules", "report", "quiet", "deep", "time-limit", "no-config", "triage",
                                     "to", "detached", "limit"});
      return Fail("unknown argument '" + Argument + "', did you mean '" + Near + "'?");
    }
  }
  if (std::string Complaint = selectRules(Out.Strict, Globs, Out.Rules); !Complaint.empty())
    return Fail(Complaint);
  return true;
}

std::string Options::fromEnvironment(Options &Out) {
  if (auto Profile = sys::Process::GetEnv("SAFESPAWN_PROFILE"))
    if (std::string Complaint = setProfile(*Profile, Out.Strict); !Complaint.empty())
      return "SAFESPAWN_PROFILE: " + Complaint;
  std::string Globs = sys::Process::GetEnv("SAFESPAWN_RULES").value_or("");
  if (std::string Complaint = selectRules(Out.Strict, Globs, Out.Rules); !Complaint.empty())
    return "SAFESPAWN_RULES: " + Complaint;
  const std::string Rewrites = sys::Process::GetEnv("SAFESPAWN_REWRITES").value_or("reports");
  if (Rewrites != "all" && Rewrites != "reports" && Rewrites != "none")
    return "SAFESPAWN_REWRITES: it is all, reports or none, not '" + Rewrites + "'";
  Out.Offer = Rewrites == "all" ? Everything : Rewrites == "reports" ? ForReports : Nothing;
  Out.ToScope = Out.Offer != Nothing;
  return "";
}

std::vector<ConfigMistake> safespawn::addUserModels(clang::SourceManager &SM, clang::DiagnosticsEngine &Diags,
                                                    Models &Known) {
  std::vector<ConfigMistake> Said;
  auto Say = [&](clang::SourceLocation At, std::string What) {
    Diags.Report(At, Diags.getCustomDiagID(clang::DiagnosticsEngine::Error, "%0")) << What;
    Said.push_back({At, std::move(What)});
  };
  clang::OptionalFileEntryRef Main = SM.getFileEntryRefForID(SM.getMainFileID());
  if (!Main)
    return Said; // standard input, a buffer: there is no folder to look in
  SmallString<256> Folder(Main->getName());
  SM.getFileManager().makeAbsolutePath(Folder);
  sys::path::remove_filename(Folder);
  for (; !Folder.empty(); Folder.resize(sys::path::parent_path(Folder).size())) {
    SmallString<256> File(Folder);
    sys::path::append(File, ".safespawn.yaml");
    if (!sys::fs::exists(File))
      continue;
    auto Text = MemoryBuffer::getFile(File, /*IsText=*/true);
    if (!Text) {
      clang::FileID Empty = SM.createFileID(MemoryBuffer::getMemBuffer("", File), clang::SrcMgr::C_User);
      Say(SM.getLocForStartOfFile(Empty), "cannot read it: " + Text.getError().message());
      return Said;
    }
    std::vector<ModelMistake> Mistakes = Known.add((*Text)->getBuffer(), File);
    if (Mistakes.empty())
      return Said;
    clang::OptionalFileEntryRef Entry = SM.getFileManager().getOptionalFileRef(File);
    clang::FileID Id = Entry ? SM.createFileID(*Entry, {}, clang::SrcMgr::C_User) : clang::FileID();
    for (const ModelMistake &M : Mistakes)
      Say(Entry ? SM.translateLineCol(Id, M.Line, M.Column) : clang::SourceLocation(), M.What);
    return Said;
  }
  return Said;
}
