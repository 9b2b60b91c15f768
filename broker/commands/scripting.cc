// EVAL, EVALSHA, EVAL_RO, EVALSHA_RO, FCALL, FCALL_RO and SCRIPT. Source of replies and errors:
// Redis 7.2, observed on 7.0.15.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "broker/commands/subcommand.h"
#include "broker/exec/client.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "broker/exec/worker.h"
#include "broker/scripts/engine.h"
#include "broker/scripts/scripts.h"
#include "protocol/base/check.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::EqualsIgnoreCase;
using protocol::Error;
using protocol::Flag;
using protocol::Group;
using protocol::KeyFlag;
using protocol::KeySpec;

namespace errors = protocol::errors;

constexpr Error kNoScript = Error::Static("NOSCRIPT No matching script. Please use EVAL.");
constexpr Error kTooManyKeys =
    Error::Static("ERR Number of keys can't be greater than number of args");
constexpr Error kNegativeKeys = Error::Static("ERR Number of keys can't be negative");
constexpr Error kBadKeyCount = Error::Static("ERR Bad number of keys provided");
constexpr Error kNotForReading =
    Error::Static("ERR Can not execute a script with write flag using *_ro command.");
constexpr Error kScriptOom = Error::Static(
    "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'");
constexpr Error kNoFunction = Error::Static("ERR Function not found");

/// Keys and arguments of "name numkeys key ... arg ...".
std::optional<Error> TakeArguments(const CommandContext& context, const Error& not_a_number,
                                   ScriptCall& call) {
  const auto keys = protocol::ParseInt64(context.arg(2));
  if (!keys) return not_a_number;
  if (*keys > static_cast<int64_t>(context.args.size()) - 3) return kTooManyKeys;
  if (*keys < 0) return kNegativeKeys;
  call.keys = context.args.subspan(3, static_cast<size_t>(*keys));
  call.args = context.args.subspan(3 + static_cast<size_t>(*keys));
  return std::nullopt;
}

/// What a script that declares its flags may do, and whether it may run at all.
std::optional<Error> Permit(const CommandContext& context, uint32_t flags, bool is_reading,
                            ScriptCall& call) {
  const bool writes = (flags & kScriptNoWrites) == 0;
  if (writes && is_reading) return kNotForReading;
  call.is_read_only = !writes;
  call.allows_oom = !writes || (flags & kScriptAllowOom) != 0;
  if (context.worker.is_out_of_memory() && !call.allows_oom) return kScriptOom;
  return std::nullopt;
}

/// False: the command ends here, and the client has been told if there is something to tell.
bool MayGoOn(CommandContext& context, Worker::Locked locked) {
  if (locked == Worker::Locked::kBusy) context.Fail(context.server.scripts().BusyError());
  return locked == Worker::Locked::kYes;
}

/// The Gate for the rest of the command. False as MayGoOn.
bool TakeGate(CommandContext& context) {
  return context.unit.is_exclusive() || MayGoOn(context, context.worker.LockGate(context.unit));
}

/// Monitors see a script before the commands that it runs, and all commands in the order in which
/// they were executed. False as TakeGate.
bool ShowToMonitors(CommandContext& context) {
  if (context.server.monitor_count().load(std::memory_order_relaxed) == 0) return true;
  if (!TakeGate(context)) return false;
  context.server.FeedMonitors(context.worker, context.client, context.args);
  return true;
}

/// Runs what `run` runs under the stripes of the script's keys if that is enough and it may be
/// trusted with it, or else with the Gate held. False, and nothing has been run, if
/// `is_still_there` says no once these are held: meanwhile others may have flushed it.
template <typename IsStillThere, typename Run>
bool RunHolding(CommandContext& context, const ScriptCall& call, bool may_share,
                IsStillThere is_still_there, Run run) {
  Unit& unit = context.unit;
  if (may_share && !unit.is_exclusive() && call.conduct->IsTrusted() && call.HasFewKeys()) {
    for (const std::string_view key : call.keys) unit.AddKey(key, Unit::HashKey(key));
    if (!MayGoOn(context, context.worker.LockStripes(unit))) return true;
    if (!is_still_there()) return false;
    // The messages of a script leave when everything it did is done.
    unit.DeferPublishes();
    if (run()) return true;
    unit.FinishToRepeat();
    unit.Begin(context.worker, &context.client, context.client.session().db,
               context.worker.now_ms());
  }
  if (!TakeGate(context)) return true;
  if (!is_still_there()) return false;
  unit.DeferPublishes();
  PEAL_CHECK(run());
  return true;
}

/// `by_digest`: the client does not know the script's text.
void Run(CommandContext& context, const ScriptRef& script, ScriptCall& call, bool is_reading,
         bool by_digest) {
  call.name = script->sha;
  if (script->shebang.is_there) {
    if (const auto error = Permit(context, script->shebang.flags, is_reading, call)) {
      return context.Fail(*error);
    }
  } else {
    call.is_read_only = is_reading;
  }
  call.conduct = &script->conduct;
  const auto is_still_there = [&] { return !by_digest || !script->is_gone.load(); };
  if (!RunHolding(context, call, true, is_still_there,
                  [&] { return context.worker.lua().Run(context, *script, call); })) {
    context.Fail(kNoScript);
  }
}

void EvalText(CommandContext& context, bool is_reading) {
  if (!ShowToMonitors(context)) return;
  ScriptCall call;
  if (const auto error = TakeArguments(context, errors::kNotInteger, call)) {
    return context.Fail(*error);
  }
  ScriptCache& cache = context.server.scripts().cache();
  const std::string sha = Sha1Hex(context.arg(1));
  if (const ScriptRef* const known = context.worker.lua().FindCompiled(sha)) {
    cache.Use(**known);
    return Run(context, *known, call, is_reading, false);
  }
  ScriptRef script = cache.Find(sha);
  if (script == nullptr) {
    auto shebang = ParseScriptShebang(context.arg(1));
    if (!shebang.ok()) return context.Fail(shebang.error());
    script = std::make_shared<Script>();
    script->sha = sha;
    script->body = context.arg(1);
    script->shebang = *shebang;
  }
  const auto compiled = context.worker.lua().Compile(script);
  if (!compiled.ok()) return context.Fail(compiled.error());
  script = cache.Add(script);
  // Another reactor may have been faster: then the marks of its copy are the ones that count.
  context.worker.lua().Replace(script);
  cache.Use(*script);
  Run(context, script, call, is_reading, false);
}

void EvalDigest(CommandContext& context, bool is_reading) {
  if (!ShowToMonitors(context)) return;
  ScriptCall call;
  if (context.arg(1).size() != 40) return context.Fail(kNoScript);
  if (const auto error = TakeArguments(context, errors::kNotInteger, call)) {
    return context.Fail(*error);
  }
  LuaEngine& lua = context.worker.lua();
  char sha[40];
  std::transform(context.arg(1).begin(), context.arg(1).end(), sha,
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (const ScriptRef* const known = lua.FindCompiled({sha, sizeof sha})) {
    return Run(context, *known, call, is_reading, true);
  }
  const ScriptRef script = context.server.scripts().cache().Find({sha, sizeof sha});
  if (script == nullptr) return context.Fail(kNoScript);
  const auto compiled = lua.Compile(script);
  if (!compiled.ok()) return context.Fail(compiled.error());
  Run(context, script, call, is_reading, true);
}

void Eval(CommandContext& context) { EvalText(context, false); }
void EvalRo(CommandContext& context) { EvalText(context, true); }
void EvalSha(CommandContext& context) { EvalDigest(context, false); }
void EvalShaRo(CommandContext& context) { EvalDigest(context, true); }

void FindAndCall(CommandContext& context, bool is_reading) {
  FunctionTable& functions = context.server.scripts().functions();
  const uint64_t version = functions.version();
  const FunctionTable::Found found = functions.Find(context.arg(1));
  if (found.library == nullptr) return context.Fail(kNoFunction);
  ScriptCall call;
  if (const auto error = TakeArguments(context, kBadKeyCount, call)) return context.Fail(*error);
  call.name = found.function->name;
  call.is_function = true;
  if (const auto error = Permit(context, found.function->flags, is_reading, call)) {
    return context.Fail(*error);
  }
  LuaEngine& lua = context.worker.lua();
  if (lua.libraries_version() != version) {
    uint64_t current_version = 0;
    const Libraries current = functions.Current(&current_version);
    lua.ForgetLibraries(current_version, current);
  }
  call.conduct = found.function->conduct.get();
  // Loading a library takes its time.
  if (RunHolding(
          context, call, lua.IsLoaded(*found.library),
          [&] { return functions.version() == version; },
          [&] { return lua.RunFunction(context, found.library, call); })) {
    return;
  }
  // Libraries have changed. With the Gate held they do not change again.
  if (!context.unit.is_exclusive()) {
    context.unit.Finish();
    context.unit.Begin(context.worker, &context.client, context.client.session().db,
                       context.worker.now_ms());
    if (!TakeGate(context)) return;
  }
  FindAndCall(context, is_reading);
}

void CallFunction(CommandContext& context, bool is_reading) {
  if (ShowToMonitors(context)) FindAndCall(context, is_reading);
}

void Fcall(CommandContext& context) { CallFunction(context, false); }
void FcallRo(CommandContext& context) { CallFunction(context, true); }

// ---------------------------------------------------------------- SCRIPT

void ScriptLoad(CommandContext& context) {
  ScriptCache& cache = context.server.scripts().cache();
  const std::string sha = Sha1Hex(context.arg(2));
  ScriptRef script = cache.FindAndPin(sha);
  if (script == nullptr) {
    auto shebang = ParseScriptShebang(context.arg(2));
    if (!shebang.ok()) return context.Fail(shebang.error());
    script = std::make_shared<Script>();
    script->sha = sha;
    script->body = context.arg(2);
    script->shebang = *shebang;
    script->is_pinned.store(true);
    const auto compiled = context.worker.lua().Compile(script);
    if (!compiled.ok()) return context.Fail(compiled.error());
    script = cache.Add(script);
    // As above.
    context.worker.lua().Replace(script);
  }
  context.reply.Bulk(sha);
}

void ScriptExists(CommandContext& context) {
  context.reply.Array(context.args.size() - 2);
  for (const std::string_view sha : context.args.subspan(2)) {
    const bool is_there = sha.size() == 40 && context.server.scripts().cache().Find(
                                                  protocol::LowerCase(sha)) != nullptr;
    context.reply.Integer(is_there ? 1 : 0);
  }
}

void ScriptFlush(CommandContext& context) {
  if (context.args.size() > 3 ||
      (context.args.size() == 3 && !EqualsIgnoreCase(context.arg(2), "sync") &&
       !EqualsIgnoreCase(context.arg(2), "async"))) {
    return context.Fail(Error::Static("ERR SCRIPT FLUSH only support SYNC|ASYNC option"));
  }
  context.server.scripts().cache().Flush();
  context.reply.Ok();
}

void ScriptKill(CommandContext& context) {
  if (const Error* const error = context.server.scripts().Kill(false)) return context.Fail(*error);
  context.reply.Ok();
}

void ScriptShow(CommandContext& context) {
  const ScriptRef script =
      context.server.scripts().cache().Find(protocol::LowerCase(context.arg(2)));
  if (script == nullptr) return context.Fail(Error::Static("NOSCRIPT No matching script."));
  context.reply.Bulk(script->body);
}

// Differs: there is no debugger; who asks for one is told so.
void ScriptDebug(CommandContext& context) {
  if (EqualsIgnoreCase(context.arg(2), "no")) return context.reply.Ok();
  if (EqualsIgnoreCase(context.arg(2), "yes") || EqualsIgnoreCase(context.arg(2), "sync")) {
    return context.Fail(Error::Static("ERR This server has no debugger for scripts"));
  }
  context.Fail(Error::Static("ERR Use SCRIPT DEBUG YES/SYNC/NO"));
}

void ScriptHelp(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "SCRIPT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "DEBUG (YES|SYNC|NO)",
      "    There is no debugger; NO is accepted.",
      "EXISTS <sha1> [<sha1> ...]",
      "    Which of the scripts are in the cache.",
      "FLUSH [ASYNC|SYNC]",
      "    Empties the cache of scripts.",
      "KILL",
      "    Ends the script that runs too long, if it has not written.",
      "LOAD <script>",
      "    Puts a script into the cache without running it.",
      "SHOW <sha1>",
      "    The text of a script of the cache.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
}

// ---------------------------------------------------------------- rows

constexpr ArgSpec kKeyArg = {.name = "key",
                             .type = ArgType::kKey,
                             .key_spec_index = 0,
                             .is_optional = true,
                             .is_multiple = true};
constexpr ArgSpec kArgArg = {
    .name = "arg", .type = ArgType::kString, .is_optional = true, .is_multiple = true};
constexpr ArgSpec kNumKeysArg = {.name = "numkeys", .type = ArgType::kInteger};
constexpr ArgSpec kEvalArgs[] = {
    {.name = "script", .type = ArgType::kString}, kNumKeysArg, kKeyArg, kArgArg};
constexpr ArgSpec kEvalShaArgs[] = {
    {.name = "sha1", .type = ArgType::kString}, kNumKeysArg, kKeyArg, kArgArg};
constexpr ArgSpec kFcallArgs[] = {
    {.name = "function", .type = ArgType::kString}, kNumKeysArg, kKeyArg, kArgArg};

constexpr KeySpec kWritingKeys[] = {
    KeySpec::KeyNum(2, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kUpdate)};
constexpr KeySpec kReadingKeys[] = {KeySpec::KeyNum(2, KeyFlag::kReadOnly | KeyFlag::kAccess)};

constexpr auto kRunFlags = Flag::kNoScript | Flag::kStale | Flag::kSkipMonitor |
                           Flag::kNoMandatoryKeys | Flag::kMovableKeys | Flag::kExclusive;

constexpr protocol::CommandSpec RunRow(std::string_view name, std::string_view since,
                                       bool is_reading, std::string_view summary,
                                       std::span<const ArgSpec> arguments) {
  return {.name = name,
          .arity = -3,
          .group = Group::kScripting,
          .since = since,
          .flags = kRunFlags | (is_reading ? Flag::kReadonly : Flag::kMayReplicate),
          .keys = is_reading ? std::span<const KeySpec>(kReadingKeys)
                             : std::span<const KeySpec>(kWritingKeys),
          .acl = Acl::kSlow | Acl::kScripting,
          .complexity = "Depends on the script.",
          .summary = summary,
          .arguments = arguments};
}

constexpr std::string_view kAllNodesTips[] = {"request_policy:all_nodes",
                                              "response_policy:all_succeeded"};
constexpr std::string_view kExistsTips[] = {"request_policy:all_shards",
                                            "response_policy:agg_logical_and"};
constexpr std::string_view kKillTips[] = {"request_policy:all_shards",
                                          "response_policy:one_succeeded"};

constexpr protocol::CommandSpec SubRow(std::string_view name, int arity, std::string_view since,
                                       Flag flags, std::string_view complexity,
                                       std::string_view summary, std::span<const ArgSpec> arguments,
                                       std::span<const std::string_view> tips) {
  return {.name = name,
          .arity = arity,
          .group = Group::kScripting,
          .since = since,
          .flags = flags,
          .acl = Acl::kSlow | Acl::kScripting,
          .parent = "script",
          .complexity = complexity,
          .summary = summary,
          .arguments = arguments,
          .tips = tips};
}

constexpr ArgSpec kModes[] = {{.name = "yes", .type = ArgType::kPureToken, .token = "YES"},
                              {.name = "sync", .type = ArgType::kPureToken, .token = "SYNC"},
                              {.name = "no", .type = ArgType::kPureToken, .token = "NO"}};
constexpr ArgSpec kDebugArgs[] = {{.name = "mode", .type = ArgType::kOneOf, .children = kModes}};
constexpr ArgSpec kDigests[] = {{.name = "sha1", .type = ArgType::kString, .is_multiple = true}};
constexpr ArgSpec kDigest[] = {{.name = "sha1", .type = ArgType::kString}};
constexpr ArgSpec kFlushTypes[] = {{.name = "async", .type = ArgType::kPureToken, .token = "ASYNC"},
                                   {.name = "sync", .type = ArgType::kPureToken, .token = "SYNC"}};
constexpr ArgSpec kFlushArgs[] = {{.name = "flush-type",
                                   .type = ArgType::kOneOf,
                                   .is_optional = true,
                                   .since = "6.2.0",
                                   .children = kFlushTypes}};
constexpr ArgSpec kText[] = {{.name = "script", .type = ArgType::kString}};

/// A row whose executions go to the audit log.
constexpr protocol::CommandSpec Audited(protocol::CommandSpec spec) {
  spec.audit = protocol::Audit::kScript;
  return spec;
}

constexpr auto kPlain = Flag::kNoScript;
constexpr Command kScriptSubcommands[] = {
    {.spec = SubRow("debug", 3, "3.2.0", kPlain, "O(1)", "There is no debugger: NO is accepted.",
                    kDebugArgs, {}),
     .run = ScriptDebug},
    {.spec = SubRow("exists", -3, "2.6.0", kPlain, "O(N) where N is the number of digests",
                    "Which scripts are in the cache.", kDigests, kExistsTips),
     .run = ScriptExists},
    {.spec = Audited(SubRow("flush", -2, "2.6.0", kPlain, "O(N) where N is the number of scripts",
                            "Empties the cache of scripts.", kFlushArgs, kAllNodesTips)),
     .run = ScriptFlush},
    {.spec = SubRow("help", 2, "5.0.0", Flag::kLoading | Flag::kStale, "O(1)",
                    "Tells of the subcommands.", {}, {}),
     .run = ScriptHelp},
    {.spec = Audited(SubRow("kill", 2, "2.6.0", kPlain | Flag::kAllowBusy, "O(1)",
                            "Ends a script that runs too long.", {}, kKillTips)),
     .run = ScriptKill},
    {.spec = Audited(SubRow("load", 3, "2.6.0", kPlain | Flag::kStale,
                            "O(N) where N is the length of the script",
                            "Puts a script into the cache.", kText, kAllNodesTips)),
     .run = ScriptLoad},
    {.spec = SubRow("show", 3, "8.0.0", kPlain, "O(1)", "The text of a script.", kDigest, {}),
     .run = ScriptShow},
};

constexpr Command kRows[] = {
    {.spec = RunRow("eval", "2.6.0", false, "Runs a script.", kEvalArgs),
     .run = Eval,
     .takes_locks = true},
    {.spec = RunRow("evalsha", "2.6.0", false, "Runs a script of the cache.", kEvalShaArgs),
     .run = EvalSha,
     .takes_locks = true},
    {.spec = RunRow("eval_ro", "7.0.0", true, "Runs a script that only reads.", kEvalArgs),
     .run = EvalRo,
     .takes_locks = true},
    {.spec = RunRow("evalsha_ro", "7.0.0", true, "Runs a script of the cache that only reads.",
                    kEvalShaArgs),
     .run = EvalShaRo,
     .takes_locks = true},
    {.spec = RunRow("fcall", "7.0.0", false, "Runs a function.", kFcallArgs),
     .run = Fcall,
     .takes_locks = true},
    {.spec = RunRow("fcall_ro", "7.0.0", true, "Runs a function that only reads.", kFcallArgs),
     .run = FcallRo,
     .takes_locks = true},
    {.spec = {.name = "script",
              .arity = -2,
              .group = Group::kScripting,
              .since = "2.6.0",
              .acl = Acl::kSlow,
              .complexity = "Depends on subcommand.",
              .summary = "Commands for the cache of scripts."},
     .subcommands = kScriptSubcommands},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
    for (const Command& sub : command.subcommands) {
      if (!protocol::IsSound(sub.spec)) return false;
    }
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> ScriptingCommands() { return kRows; }

}  // namespace peal::broker
