// SLOWLOG of Redis 7.2, and COMMANDLOG of Valkey 8.1, which knows large requests and replies as
// well. Source of replies and errors: their documentation, SLOWLOG's observed on 7.0.15.
#include "broker/metrics/command_log.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "broker/commands/subcommand.h"
#include "broker/exec/command.h"
#include "broker/exec/server.h"
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
using protocol::ParseInt64;
using Kind = CommandLog::Kind;

constexpr Error kBadCount = Error::Static("ERR count should be greater than or equal to -1");

void ReplyLatest(CommandContext& context, Kind kind, int64_t count) {
  const auto entries = context.server.command_log(kind).Latest(count);
  context.reply.Array(entries.size());
  for (const CommandLog::Entry& entry : entries) {
    context.reply.Array(6);
    context.reply.Integer(entry.id);
    context.reply.Integer(entry.time_s);
    context.reply.Integer(entry.value);
    context.reply.Array(entry.args.size());
    for (const std::string& arg : entry.args) context.reply.Bulk(arg);
    context.reply.Bulk(entry.peer);
    context.reply.Bulk(entry.name);
  }
}

void ReplyLength(CommandContext& context, Kind kind) {
  context.reply.Integer(static_cast<int64_t>(context.server.command_log(kind).size()));
}

void Reset(CommandContext& context, Kind kind) {
  context.server.command_log(kind).Clear();
  context.reply.Ok();
}

// ---------------------------------------------------------------- SLOWLOG

void SlowlogGet(CommandContext& context) {
  int64_t count = 10;
  if (context.args.size() > 3) {
    return context.Fail(WrongSubcommand(context));
  }
  if (context.args.size() == 3) {
    const auto given = ParseInt64(context.arg(2));
    if (!given || *given < -1) return context.Fail(kBadCount);
    count = *given;
  }
  ReplyLatest(context, Kind::kSlow, count);
}

void SlowlogLen(CommandContext& context) { ReplyLength(context, Kind::kSlow); }
void SlowlogReset(CommandContext& context) { Reset(context, Kind::kSlow); }

void SlowlogHelp(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "GET [<count>]",
      "    The latest slow commands, 10 unless told (-1: all): id, time, microseconds,",
      "    arguments, address and name of the client.",
      "LEN",
      "    How many are kept.",
      "RESET",
      "    Forgets them.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
}

// ---------------------------------------------------------------- COMMANDLOG

/// The log that `text` names; nullopt with the error replied.
std::optional<Kind> ReadKind(CommandContext& context, std::string_view text) {
  if (EqualsIgnoreCase(text, "slow")) return Kind::kSlow;
  if (EqualsIgnoreCase(text, "large-request")) return Kind::kLargeRequest;
  if (EqualsIgnoreCase(text, "large-reply")) return Kind::kLargeReply;
  context.Fail(
      Error::Static("ERR type should be one of the following: slow, large-request, large-reply"));
  return std::nullopt;
}

void CommandlogGet(CommandContext& context) {
  const auto count = ParseInt64(context.arg(2));
  if (!count || *count < -1) return context.Fail(kBadCount);
  const auto kind = ReadKind(context, context.arg(3));
  if (kind) ReplyLatest(context, *kind, *count);
}

void CommandlogLen(CommandContext& context) {
  const auto kind = ReadKind(context, context.arg(2));
  if (kind) ReplyLength(context, *kind);
}

void CommandlogReset(CommandContext& context) {
  const auto kind = ReadKind(context, context.arg(2));
  if (kind) Reset(context, *kind);
}

void CommandlogHelp(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "COMMANDLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "GET <count> <slow|large-request|large-reply>",
      "    The latest commands of that kind (-1: all): id, time, microseconds or bytes,",
      "    arguments, address and name of the client.",
      "LEN <slow|large-request|large-reply>",
      "    How many are kept.",
      "RESET <slow|large-request|large-reply>",
      "    Forgets them.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
}

// ---------------------------------------------------------------- rows

constexpr std::string_view kGetTips[] = {"request_policy:all_nodes", "nondeterministic_output"};
constexpr std::string_view kLenTips[] = {"request_policy:all_nodes", "response_policy:agg_sum",
                                         "nondeterministic_output"};
constexpr std::string_view kResetTips[] = {"request_policy:all_nodes",
                                           "response_policy:all_succeeded"};
constexpr auto kAdminAcl = Acl::kAdmin | Acl::kSlow | Acl::kDangerous;
constexpr auto kLogFlags = Flag::kAdmin | Flag::kLoading | Flag::kStale;
constexpr ArgSpec kCount[] = {{.name = "count", .type = ArgType::kInteger, .is_optional = true}};
constexpr ArgSpec kGetArgs[] = {{.name = "count", .type = ArgType::kInteger},
                                {.name = "type", .type = ArgType::kString}};
constexpr ArgSpec kTypeArgs[] = {{.name = "type", .type = ArgType::kString}};

constexpr Command kSlowlogSubcommands[] = {
    {.spec = {.name = "get",
              .arity = -2,
              .group = Group::kServer,
              .since = "2.2.12",
              .flags = kLogFlags,
              .acl = kAdminAcl,
              .parent = "slowlog",
              .complexity = "O(N) where N is the number of entries returned",
              .summary = "Returns the latest slow commands.",
              .arguments = kCount,
              .tips = kGetTips},
     .run = SlowlogGet},
    {.spec = {.name = "help",
              .arity = 2,
              .group = Group::kServer,
              .since = "6.2.0",
              .flags = Flag::kLoading | Flag::kStale,
              .acl = Acl::kSlow,
              .parent = "slowlog",
              .complexity = "O(1)",
              .summary = "Tells about the subcommands."},
     .run = SlowlogHelp},
    {.spec = {.name = "len",
              .arity = 2,
              .group = Group::kServer,
              .since = "2.2.12",
              .flags = kLogFlags,
              .acl = kAdminAcl,
              .parent = "slowlog",
              .complexity = "O(1)",
              .summary = "Counts the slow commands that are kept.",
              .tips = kLenTips},
     .run = SlowlogLen},
    {.spec = {.name = "reset",
              .arity = 2,
              .group = Group::kServer,
              .since = "2.2.12",
              .flags = kLogFlags,
              .acl = kAdminAcl,
              .parent = "slowlog",
              .complexity = "O(N) where N is the number of entries kept",
              .summary = "Forgets the slow commands.",
              .tips = kResetTips},
     .run = SlowlogReset},
};

constexpr Command kCommandlogSubcommands[] = {
    {.spec = {.name = "get",
              .arity = 4,
              .group = Group::kServer,
              .since = "8.1.0",
              .flags = kLogFlags,
              .acl = kAdminAcl,
              .parent = "commandlog",
              .complexity = "O(N) where N is the number of entries returned",
              .summary = "Returns the latest commands that were slow or large.",
              .arguments = kGetArgs,
              .tips = kGetTips},
     .run = CommandlogGet},
    {.spec = {.name = "help",
              .arity = 2,
              .group = Group::kServer,
              .since = "8.1.0",
              .flags = Flag::kLoading | Flag::kStale,
              .acl = Acl::kSlow,
              .parent = "commandlog",
              .complexity = "O(1)",
              .summary = "Tells about the subcommands."},
     .run = CommandlogHelp},
    {.spec = {.name = "len",
              .arity = 3,
              .group = Group::kServer,
              .since = "8.1.0",
              .flags = kLogFlags,
              .acl = kAdminAcl,
              .parent = "commandlog",
              .complexity = "O(1)",
              .summary = "Counts the commands that are kept in a log.",
              .arguments = kTypeArgs,
              .tips = kLenTips},
     .run = CommandlogLen},
    {.spec = {.name = "reset",
              .arity = 3,
              .group = Group::kServer,
              .since = "8.1.0",
              .flags = kLogFlags,
              .acl = kAdminAcl,
              .parent = "commandlog",
              .complexity = "O(N) where N is the number of entries kept",
              .summary = "Forgets the commands of a log.",
              .arguments = kTypeArgs,
              .tips = kResetTips},
     .run = CommandlogReset},
};

constexpr Command kRows[] = {
    {.spec = {.name = "commandlog",
              .arity = -2,
              .group = Group::kServer,
              .since = "8.1.0",
              .acl = Acl::kSlow,
              .complexity = "Depends on subcommand.",
              .summary = "A container for commands about slow and large commands."},
     .subcommands = kCommandlogSubcommands},
    {.spec = {.name = "slowlog",
              .arity = -2,
              .group = Group::kServer,
              .since = "2.2.12",
              .acl = Acl::kSlow,
              .complexity = "Depends on subcommand.",
              .summary = "A container for commands about slow commands."},
     .subcommands = kSlowlogSubcommands},
};

}  // namespace

std::span<const Command> CommandLogCommands() { return kRows; }

}  // namespace peal::broker
