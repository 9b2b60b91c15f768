// FUNCTION. Source of replies and errors: Redis 7.2, observed on 7.0.15.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/commands/subcommand.h"
#include "broker/exec/client.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "broker/exec/worker.h"
#include "broker/metrics/clock.h"
#include "broker/scripts/engine.h"
#include "broker/scripts/scripts.h"
#include "patterns/glob.h"
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
using protocol::Result;

// Redis' own limit on what a library may do while it is loaded.
constexpr int64_t kLoadTimeoutMs = 500;
// The limit of all libraries of one payload together.
constexpr int64_t kRestoreTimeoutMs = 2000;

/// Loads a library's text once, to learn its functions.
Result<LibraryRef> Learn(CommandContext& context, std::string_view code, int64_t timeout_ms) {
  PEAL_ASSIGN_OR_RETURN(const LibraryHeader header, ParseLibraryHeader(code));
  auto library = std::make_shared<FunctionLibrary>();
  library->name = header.name;
  library->code = code;
  library->header_size = header.size;
  PEAL_RETURN_IF_ERROR(context.worker.lua().Load(*library, timeout_ms));
  return LibraryRef(std::move(library));
}

void FunctionLoad(CommandContext& context) {
  bool replaces = false;
  for (size_t i = 2; i + 1 < context.args.size(); ++i) {
    if (!EqualsIgnoreCase(context.arg(i), "replace")) {
      return context.Fail(
          Error::Owned("ERR Unknown option given: " + std::string(context.arg(i).substr(0, 128))));
    }
    replaces = true;
  }
  const std::string_view code = context.args.back();
  FunctionTable& functions = context.server.scripts().functions();
  // A library that would not be let in is not run first.
  const auto header = ParseLibraryHeader(code);
  if (!header.ok()) return context.Fail(header.error());
  if (!replaces) {
    for (const LibraryRef& other : functions.All()) {
      if (other->name == header->name) {
        return context.Fail(Error::Owned("ERR Library '" + header->name + "' already exists"));
      }
    }
  }
  auto library = Learn(context, code, kLoadTimeoutMs);
  if (!library.ok()) return context.Fail(library.error());
  const std::string name = (*library)->name;
  const auto added = functions.Add(*library, replaces);
  if (!added.ok()) return context.Fail(added.error());
  context.unit.Replicate(context.args);
  context.reply.Bulk(name);
}

void FunctionDelete(CommandContext& context) {
  if (!context.server.scripts().functions().Delete(context.arg(2))) {
    return context.Fail(Error::Static("ERR Library not found"));
  }
  context.unit.Replicate(context.args);
  context.reply.Ok();
}

void FunctionFlush(CommandContext& context) {
  if (context.args.size() > 3) return context.Fail(WrongSubcommand(context));
  if (context.args.size() == 3 && !EqualsIgnoreCase(context.arg(2), "sync") &&
      !EqualsIgnoreCase(context.arg(2), "async")) {
    return context.Fail(Error::Static("ERR FUNCTION FLUSH only supports SYNC|ASYNC option"));
  }
  context.server.scripts().functions().Flush();
  context.unit.Replicate(context.args);
  context.reply.Ok();
}

void WriteFunction(protocol::ReplyWriter& reply, const RegisteredFunction& function) {
  reply.Map(3);
  reply.Bulk("name");
  reply.Bulk(function.name);
  reply.Bulk("description");
  if (function.description.has_value()) {
    reply.Bulk(*function.description);
  } else {
    reply.Null();
  }
  reply.Bulk("flags");
  size_t flags = 0;
  ForEachScriptFlag(function.flags, [&](std::string_view) { ++flags; });
  reply.Set(flags);
  ForEachScriptFlag(function.flags, [&](std::string_view name) { reply.Simple(name); });
}

void FunctionList(CommandContext& context) {
  bool with_code = false;
  bool has_pattern = false;
  std::string_view pattern;
  for (size_t i = 2; i < context.args.size(); ++i) {
    if (!with_code && EqualsIgnoreCase(context.arg(i), "withcode")) {
      with_code = true;
    } else if (!has_pattern && EqualsIgnoreCase(context.arg(i), "libraryname")) {
      if (i + 1 == context.args.size()) {
        return context.Fail(Error::Static("ERR library name argument was not given"));
      }
      has_pattern = true;
      pattern = context.arg(++i);
    } else {
      return context.Fail(
          Error::Owned("ERR Unknown argument " + std::string(context.arg(i).substr(0, 128))));
    }
  }
  std::vector<LibraryRef> libraries = context.server.scripts().functions().All();
  if (has_pattern) {
    std::erase_if(libraries, [&](const LibraryRef& library) {
      return !patterns::GlobMatchNoCase(pattern, library->name);
    });
  }
  protocol::ReplyWriter& reply = context.reply;
  reply.Array(libraries.size());
  for (const LibraryRef& library : libraries) {
    reply.Map(with_code ? 4 : 3);
    reply.Bulk("library_name");
    reply.Bulk(library->name);
    reply.Bulk("engine");
    reply.Bulk("LUA");
    reply.Bulk("functions");
    reply.Array(library->functions.size());
    for (const RegisteredFunction& function : library->functions) WriteFunction(reply, function);
    if (!with_code) continue;
    reply.Bulk("library_code");
    reply.Bulk(library->code);
  }
}

void FunctionStats(CommandContext& context) {
  const ScriptsState::Running running = context.server.scripts().running();
  const FunctionTable::Facts facts = context.server.scripts().functions().facts();
  protocol::ReplyWriter& reply = context.reply;
  reply.Map(2);
  reply.Bulk("running_script");
  if (running.name.empty()) {
    reply.Null();
  } else {
    reply.Map(3);
    reply.Bulk("name");
    reply.Bulk(running.name);
    reply.Bulk("command");
    reply.Array(running.command.size());
    for (const std::string& arg : running.command) reply.Bulk(arg);
    reply.Bulk("duration_ms");
    reply.Integer(static_cast<int64_t>(running.duration_ms));
  }
  reply.Bulk("engines");
  reply.Map(1);
  reply.Bulk("LUA");
  reply.Map(2);
  reply.Bulk("libraries_count");
  reply.Integer(static_cast<int64_t>(facts.libraries));
  reply.Bulk("functions_count");
  reply.Integer(static_cast<int64_t>(facts.functions));
}

void FunctionKill(CommandContext& context) {
  if (const Error* const error = context.server.scripts().Kill(true)) return context.Fail(*error);
  context.reply.Ok();
}

void FunctionDump(CommandContext& context) {
  context.reply.Bulk(DumpLibraries(context.server.scripts().functions().All(),
                                   context.server.config().rdb_compression));
}

void FunctionRestore(CommandContext& context) {
  if (context.args.size() > 4) return context.Fail(WrongSubcommand(context));
  RestorePolicy policy = RestorePolicy::kAppend;
  if (context.args.size() == 4) {
    const std::string_view name = context.arg(3);
    if (EqualsIgnoreCase(name, "flush")) {
      policy = RestorePolicy::kFlush;
    } else if (EqualsIgnoreCase(name, "replace")) {
      policy = RestorePolicy::kReplace;
    } else if (!EqualsIgnoreCase(name, "append")) {
      return context.Fail(Error::Static(
          "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE."));
    }
  }
  std::vector<LibraryRef> libraries;
  const uint64_t begin_ticks = Ticks();
  const auto learn = [&](std::string_view code) -> Result<void> {
    const auto spent_ms = static_cast<int64_t>(TicksToUs(Ticks() - begin_ticks) / 1000);
    PEAL_ASSIGN_OR_RETURN(
        LibraryRef library,
        Learn(context, code, std::clamp<int64_t>(kRestoreTimeoutMs - spent_ms, 0, kLoadTimeoutMs)));
    libraries.push_back(std::move(library));
    return {};
  };
  const auto read = ReadLibraries(context.arg(2), learn);
  if (!read.ok()) return context.Fail(read.error());
  const auto restored = context.server.scripts().functions().Restore(libraries, policy);
  if (!restored.ok()) return context.Fail(restored.error());
  context.unit.Replicate(context.args);
  context.reply.Ok();
}

void FunctionHelp(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "FUNCTION <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "DELETE <library name>",
      "    Deletes a library.",
      "DUMP",
      "    All libraries as a payload for RESTORE.",
      "FLUSH [ASYNC|SYNC]",
      "    Deletes all libraries.",
      "KILL",
      "    Ends the function that runs too long, if it has not written.",
      "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
      "    Libraries, their functions and, on demand, their texts.",
      "LOAD [REPLACE] <code>",
      "    Adds a library.",
      "RESTORE <payload> [FLUSH|APPEND|REPLACE]",
      "    Adds the libraries of a payload.",
      "STATS",
      "    The function that runs, and how many there are.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
}

// ---------------------------------------------------------------- rows

constexpr protocol::CommandSpec Row(std::string_view name, int arity, Flag flags, Acl acl,
                                    std::string_view summary, std::span<const ArgSpec> arguments,
                                    std::span<const std::string_view> tips) {
  return {.name = name,
          .arity = arity,
          .group = Group::kScripting,
          .since = "7.0.0",
          .flags = flags,
          .acl = acl | Acl::kSlow | Acl::kScripting,
          .parent = "function",
          .complexity = "O(N) where N is the number of functions",
          .summary = summary,
          .arguments = arguments,
          .tips = tips};
}

constexpr std::string_view kWriteTips[] = {"request_policy:all_shards",
                                           "response_policy:all_succeeded"};
constexpr std::string_view kKillTips[] = {"request_policy:all_shards",
                                          "response_policy:one_succeeded"};
constexpr std::string_view kStatsTips[] = {"nondeterministic_output", "request_policy:all_shards",
                                           "response_policy:special"};
constexpr std::string_view kListTips[] = {"nondeterministic_output_order"};

constexpr ArgSpec kName[] = {{.name = "library-name", .type = ArgType::kString}};
constexpr ArgSpec kFlushTypes[] = {{.name = "async", .type = ArgType::kPureToken, .token = "ASYNC"},
                                   {.name = "sync", .type = ArgType::kPureToken, .token = "SYNC"}};
constexpr ArgSpec kFlushArgs[] = {
    {.name = "flush-type", .type = ArgType::kOneOf, .is_optional = true, .children = kFlushTypes}};
constexpr ArgSpec kListArgs[] = {
    {.name = "library-name-pattern",
     .type = ArgType::kString,
     .token = "LIBRARYNAME",
     .is_optional = true},
    {.name = "withcode", .type = ArgType::kPureToken, .token = "WITHCODE", .is_optional = true}};
constexpr ArgSpec kLoadArgs[] = {
    {.name = "replace", .type = ArgType::kPureToken, .token = "REPLACE", .is_optional = true},
    {.name = "function-code", .type = ArgType::kString}};
constexpr ArgSpec kPolicies[] = {
    {.name = "flush", .type = ArgType::kPureToken, .token = "FLUSH"},
    {.name = "append", .type = ArgType::kPureToken, .token = "APPEND"},
    {.name = "replace", .type = ArgType::kPureToken, .token = "REPLACE"}};
constexpr ArgSpec kRestoreArgs[] = {
    {.name = "serialized-value", .type = ArgType::kString},
    {.name = "policy", .type = ArgType::kOneOf, .is_optional = true, .children = kPolicies}};

/// A row whose executions go to the audit log.
constexpr protocol::CommandSpec Audited(protocol::CommandSpec spec) {
  spec.audit = protocol::Audit::kScript;
  return spec;
}

constexpr auto kWrite = Flag::kNoScript | Flag::kWrite;
constexpr auto kDenied = kWrite | Flag::kDenyOom;
constexpr auto kLook = Flag::kNoScript;
constexpr auto kBusy = Flag::kNoScript | Flag::kAllowBusy;

constexpr Command kSubcommands[] = {
    {.spec =
         Audited(Row("delete", 3, kWrite, Acl::kWrite, "Deletes a library.", kName, kWriteTips)),
     .run = FunctionDelete},
    {.spec = Row("dump", 2, kLook, Acl::kNone, "All libraries as a payload.", {}, {}),
     .run = FunctionDump},
    {.spec = Audited(
         Row("flush", -2, kWrite, Acl::kWrite, "Deletes all libraries.", kFlushArgs, kWriteTips)),
     .run = FunctionFlush},
    {.spec = Row("help", 2, Flag::kLoading | Flag::kStale, Acl::kNone, "Tells of the subcommands.",
                 {}, {}),
     .run = FunctionHelp},
    {.spec = Audited(
         Row("kill", 2, kBusy, Acl::kNone, "Ends a function that runs too long.", {}, kKillTips)),
     .run = FunctionKill},
    {.spec = Row("list", -2, kLook, Acl::kNone, "Libraries and functions.", kListArgs, kListTips),
     .run = FunctionList},
    {.spec =
         Audited(Row("load", -3, kDenied, Acl::kWrite, "Adds a library.", kLoadArgs, kWriteTips)),
     .run = FunctionLoad},
    {.spec = Audited(Row("restore", -3, kDenied, Acl::kWrite, "Adds the libraries of a payload.",
                         kRestoreArgs, kWriteTips)),
     .run = FunctionRestore},
    {.spec = Row("stats", 2, kBusy, Acl::kNone, "What runs, and how many functions there are.", {},
                 kStatsTips),
     .run = FunctionStats},
};

constexpr Command kRows[] = {
    {.spec = {.name = "function",
              .arity = -2,
              .group = Group::kScripting,
              .since = "7.0.0",
              .acl = Acl::kSlow,
              .complexity = "Depends on subcommand.",
              .summary = "Commands for libraries of functions."},
     .subcommands = kSubcommands},
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

std::span<const Command> FunctionCommands() { return kRows; }

}  // namespace peal::broker
