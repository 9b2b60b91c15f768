// INFO, MONITOR, TIME, LASTSAVE, ROLE, LOLWUT, DEBUG, SHUTDOWN. Source of the replies:
// Redis 7.2.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/commands/subcommand.h"
#include "broker/config/options.h"
#include "broker/exec/client.h"
#include "broker/exec/command.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "broker/exec/worker.h"
#include "broker/keyspace/expiry_cycle.h"
#include "broker/keyspace/usage.h"
#include "broker/log/log.h"
#include "broker/metrics/info.h"
#include "broker/scripts/scripts.h"
#include "patterns/glob.h"
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
using protocol::RespVersion;

void Info(CommandContext& context) {
  context.reply.Verbatim("txt", BuildInfo(context.server, context.args.subspan(1)));
}

void Monitor(CommandContext& context) {
  // Its reply has no end, which an EXEC's must have.
  if (context.in_exec) {
    return context.Fail(Error::Static("ERR MONITOR isn't allowed for DENY BLOCKING client"));
  }
  Session& session = context.client.session();
  if (!session.is_monitor) {
    session.is_monitor = true;
    context.server.monitor_count().fetch_add(1, std::memory_order_relaxed);
    context.client.UpdateClass();
  }
  context.reply.Ok();
}

// ---------------------------------------------------------------- facts

void Time(CommandContext& context) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  context.reply.Array(2);
  context.reply.BulkInteger(now.tv_sec);
  context.reply.BulkInteger(now.tv_nsec / 1000);
}

// Nothing is ever saved: the time is that of the start, as with a Redis that has not saved yet.
void LastSave(CommandContext& context) { context.reply.Integer(context.server.start_time_s()); }

void Role(CommandContext& context) {
  context.reply.Array(3);
  context.reply.Bulk("master");
  context.reply.Integer(0);
  context.reply.Array(0);
}

/// A peal: the plain hunt on `bells` bells, each row a turn of swaps, the path of the treble drawn.
std::string DrawPeal(int bells) {
  constexpr std::string_view kBells = "1234567890ET";
  std::vector<int> row(static_cast<size_t>(bells));
  for (int i = 0; i < bells; ++i) row[static_cast<size_t>(i)] = i;
  std::string out;
  const int rows = 2 * bells;
  for (int at = 0; at <= rows; ++at) {
    out += "  ";
    for (const int bell : row) {
      out += ' ';
      out += bell == 0 ? '*' : kBells[static_cast<size_t>(bell)];
    }
    out += '\n';
    for (size_t i = static_cast<size_t>(at % 2); i + 1 < row.size(); i += 2) {
      std::swap(row[i], row[i + 1]);
    }
  }
  return out;
}

void Lolwut(CommandContext& context) {
  constexpr int64_t kFewest = 3;
  constexpr int64_t kMost = 12;
  int64_t bells = 6;
  size_t at = 1;
  if (context.args.size() > 2 && EqualsIgnoreCase(context.arg(1), "version")) {
    if (!ParseInt64(context.arg(2))) return context.Fail(protocol::errors::kNotInteger);
    at = 3;
  }
  if (at < context.args.size()) {
    const auto given = ParseInt64(context.arg(at));
    if (!given) return context.Fail(protocol::errors::kNotInteger);
    bells = std::clamp(*given, kFewest, kMost);
  }
  context.reply.Verbatim(
      "txt", fmt::format("{}\nPlain hunt on {} bells. Peal ver. {} (Redis ver. 7.2.4)\n",
                         DrawPeal(static_cast<int>(bells)), bells, PealVersion()));
}

// ---------------------------------------------------------------- SHUTDOWN

void Shutdown(CommandContext& context) {
  bool saves = false;
  bool skips_saving = false;
  bool aborts = false;
  for (const std::string_view option : context.args.subspan(1)) {
    if (EqualsIgnoreCase(option, "save")) {
      saves = true;
    } else if (EqualsIgnoreCase(option, "nosave")) {
      skips_saving = true;
    } else if (EqualsIgnoreCase(option, "abort")) {
      aborts = true;
    } else if (!EqualsIgnoreCase(option, "now") && !EqualsIgnoreCase(option, "force")) {
      return context.Fail(protocol::errors::kSyntax);
    }
  }
  if ((saves && skips_saving) || (aborts && context.args.size() > 2)) {
    return context.Fail(protocol::errors::kSyntax);
  }
  // A shutdown that was begun closes its clients at once, so there is never one to abort.
  if (aborts) return context.Fail(Error::Static("ERR No shutdown in progress."));
  if (!skips_saving && context.server.scripts().IsBusy()) {
    return context.Fail(context.server.scripts().BusyError());
  }
  if (saves) {
    LogWarning("SHUTDOWN SAVE refused: this server keeps its data in memory only");
    return context.Fail(Error::Static("ERR Errors trying to SHUTDOWN. Check logs."));
  }
  // No reply: the connection closes.
  context.server.RequestShutdown("SHUTDOWN command");
}

// ---------------------------------------------------------------- DEBUG

void DebugSleep(CommandContext& context) {
  constexpr double kMostSeconds = 3600;
  const std::string text(context.arg(2));  // strtod wants an end
  double seconds = std::strtod(text.c_str(), nullptr);
  if (!(seconds > 0)) seconds = 0;  // also not a number, as Redis has it
  seconds = std::min(seconds, kMostSeconds);
  const auto ns = static_cast<int64_t>(seconds * 1e9);
  timespec left{ns / 1'000'000'000, ns % 1'000'000'000};
  while (nanosleep(&left, &left) != 0) {
  }
  context.reply.Ok();
}

void DebugObject(CommandContext& context) {
  const store::Entry* entry = context.unit.Find(context.arg(2));
  if (entry == nullptr) return context.Fail(protocol::errors::kNoKey);
  context.reply.Simple(fmt::format(
      "Value at:0x{:x} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
      reinterpret_cast<uintptr_t>(entry), entry->EncodingName(),
      entry->is_string() ? entry->StringSize() + 1 : entry->MemoryBytes(), entry->lru(),
      IdleSeconds(entry->lru(), context.unit.now_ms())));
}

void DebugProtocol(CommandContext& context) {
  protocol::ReplyWriter& reply = context.reply;
  const std::string_view type = context.arg(2);
  const bool is_resp3 = reply.version() == RespVersion::k3;
  if (EqualsIgnoreCase(type, "string")) {
    reply.Bulk("Hello World");
  } else if (EqualsIgnoreCase(type, "integer")) {
    reply.Integer(12345);
  } else if (EqualsIgnoreCase(type, "double")) {
    reply.Double(3.141);
  } else if (EqualsIgnoreCase(type, "bignum")) {
    reply.BigNumber("1234567999999999999999999999999999999");
  } else if (EqualsIgnoreCase(type, "null")) {
    reply.Null();
  } else if (EqualsIgnoreCase(type, "array")) {
    reply.Array(3);
    for (int i = 0; i < 3; ++i) reply.Integer(i);
  } else if (EqualsIgnoreCase(type, "set")) {
    reply.Set(3);
    for (int i = 0; i < 3; ++i) reply.Integer(i);
  } else if (EqualsIgnoreCase(type, "map")) {
    reply.Map(3);
    for (int i = 0; i < 3; ++i) {
      reply.Integer(i);
      reply.Boolean(i == 1);
    }
  } else if (EqualsIgnoreCase(type, "attrib")) {
    if (reply.Attribute(1)) {
      reply.Bulk("key-popularity");
      reply.Array(2);
      reply.Bulk("key:123");
      reply.Integer(90);
    }
    reply.Bulk("Some real reply following the attribute");
  } else if (EqualsIgnoreCase(type, "push")) {
    if (!is_resp3) {
      return context.Fail(Error::Static("ERR RESP2 is not supported by this command"));
    }
    reply.Push(2);
    reply.Bulk("server-cpu-usage");
    reply.Integer(42);
    reply.Bulk("Some real reply following the push reply");
  } else if (EqualsIgnoreCase(type, "verbatim")) {
    reply.Verbatim("txt", "This is a verbatim\nstring");
  } else if (EqualsIgnoreCase(type, "true")) {
    reply.Boolean(true);
  } else if (EqualsIgnoreCase(type, "false")) {
    reply.Boolean(false);
  } else {
    context.Fail(Error::Static(
        "ERR Wrong protocol type name. Please use one of the following: "
        "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"));
  }
}

void DebugSetActiveExpire(CommandContext& context) {
  const bool is_on = context.arg(2) != "0";
  for (const auto& worker : context.server.workers()) worker->expiry().set_enabled(is_on);
  context.reply.Ok();
}

// POPULATE count [prefix [size]]: keys that are there already stay as they are.
void DebugPopulate(CommandContext& context) {
  constexpr int64_t kMostKeys = 100'000'000;
  constexpr int64_t kLongestValue = 1 << 20;
  const auto count = ParseInt64(context.arg(2));
  const std::string_view prefix = context.args.size() > 3 ? context.arg(3) : "key";
  const auto size = context.args.size() > 4 ? ParseInt64(context.arg(4)) : 0;
  if (!count || !size || *count < 0 || *count > kMostKeys || *size < 0 || *size > kLongestValue) {
    return context.Fail(protocol::errors::kValueOutOfRange);
  }
  std::string value;
  for (int64_t i = 0; i < *count; ++i) {
    const std::string key = fmt::format("{}:{}", prefix, i);
    if (context.unit.Find(key) != nullptr) continue;
    value = fmt::format("value:{}", i);
    if (*size > 0) value.resize(static_cast<size_t>(*size), '\0');
    context.unit.SetString(key, std::string_view(value));
  }
  context.reply.Ok();
}

// Differs: a subcommand of Peal's own. DEBUG runs with all reactors parked, so nothing is half
// done.
void DebugPealCheck(CommandContext& context) {
  const std::string fault = context.server.keyspace().FindFault();
  if (!fault.empty()) return context.Fail(Error::Owned("ERR " + fault));
  context.reply.Ok();
}

// Differs: a subcommand of Peal's own, for tests that repeat the effects of writes elsewhere.
// TAKE replies with those since START or the last TAKE: database, then the command.
void DebugPealEffects(CommandContext& context) {
  const std::string_view what = context.arg(2);
  if (EqualsIgnoreCase(what, "start") || EqualsIgnoreCase(what, "stop")) {
    context.server.RecordEffects(EqualsIgnoreCase(what, "start"));
    return context.reply.Ok();
  }
  if (!EqualsIgnoreCase(what, "take")) return context.Fail(protocol::errors::kSyntax);
  const EffectRecorder::Taken taken = context.server.effect_recorder().Take();
  if (!taken.is_complete) return context.Fail(Error::Static("ERR Too many effects to keep"));
  context.reply.Array(taken.effects.size());
  for (const Effect& effect : taken.effects) {
    context.reply.Array(effect.args.size() + 1);
    context.reply.Integer(effect.db);
    for (const std::string& arg : effect.args) context.reply.Bulk(arg);
  }
}

void DebugHelp(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "ERROR <string>",
      "    Replies with that error.",
      "LOG <message>",
      "    Writes a line to the server's log.",
      "OBJECT <key>",
      "    How the value of a key is kept.",
      "PEAL-CHECK",
      "    Looks at all keys, tables, values and counters; an error tells what is wrong first.",
      "PEAL-EFFECTS <START|TAKE|STOP>",
      "    Keeps the effects of writes, as a replica would get them, and replies with them.",
      "POPULATE <count> [<prefix>] [<size>]",
      "    Makes keys named <prefix>:<number> (key:0, key:1, ...).",
      "PROTOCOL <type>",
      "    Replies with a value of that type of the protocol: string, integer, double, bignum,",
      "    null, array, set, map, attrib, push, verbatim, true, false.",
      "SET-ACTIVE-EXPIRE <0|1>",
      "    Whether keys whose time has come are deleted though nobody asks for them.",
      "SLEEP <seconds>",
      "    Stops the whole server for so long. Decimals allowed.",
      "STRINGMATCH-LEN <length> <pattern>",
      "    Matches a text of so many a's against a pattern; replies 1 or 0.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
}

void DebugStringMatch(CommandContext& context) {
  constexpr int64_t kLongest = 1 << 20;
  const auto length = ParseInt64(context.arg(2));
  if (!length || *length < 0 || *length > kLongest) {
    return context.Fail(protocol::errors::kValueOutOfRange);
  }
  const std::string text(static_cast<size_t>(*length), 'a');
  context.reply.Integer(patterns::GlobMatch(context.arg(3), text) ? 1 : 0);
}

struct DebugSubcommand {
  std::string_view name;
  size_t least_args;  // DEBUG and its name included
  size_t most_args;
  void (*run)(CommandContext& context);
};

constexpr DebugSubcommand kDebugSubcommands[] = {
    {"error", 3, 3, [](CommandContext& c) { c.Fail(Error::Owned(c.arg(2))); }},
    {"help", 2, 2, DebugHelp},
    {"log", 3, 3,
     [](CommandContext& c) {
       LogWarning("DEBUG LOG: {}", c.arg(2));
       c.reply.Ok();
     }},
    {"object", 3, 3, DebugObject},
    {"peal-check", 2, 2, DebugPealCheck},
    {"peal-effects", 3, 3, DebugPealEffects},
    {"populate", 3, 5, DebugPopulate},
    {"protocol", 3, 3, DebugProtocol},
    {"set-active-expire", 3, 3, DebugSetActiveExpire},
    {"sleep", 3, 3, DebugSleep},
    {"stringmatch-len", 4, 4, DebugStringMatch},
};

void Debug(CommandContext& context) {
  const LocalAccess access = context.server.config().enable_debug_command;
  if (access == LocalAccess::kNo || (access == LocalAccess::kLocal && !context.client.IsLocal())) {
    return context.Fail(
        Error::Static("ERR DEBUG command not allowed. If the enable-debug-command option is set to "
                      "\"local\", you can "
                      "run it from a local connection, otherwise you need to set this option in "
                      "the configuration "
                      "file, and then restart the server."));
  }
  for (const DebugSubcommand& sub : kDebugSubcommands) {
    if (!EqualsIgnoreCase(context.arg(1), sub.name)) continue;
    if (context.args.size() < sub.least_args || context.args.size() > sub.most_args) break;
    return sub.run(context);
  }
  context.Fail(WrongSubcommand(context));
}

// ---------------------------------------------------------------- rows

constexpr ArgSpec kSections[] = {
    {.name = "section", .type = ArgType::kString, .is_optional = true, .is_multiple = true}};
constexpr ArgSpec kVersion[] = {
    {.name = "version", .type = ArgType::kInteger, .token = "VERSION", .is_optional = true}};
constexpr ArgSpec kSaves[] = {{.name = "nosave", .type = ArgType::kPureToken, .token = "NOSAVE"},
                              {.name = "save", .type = ArgType::kPureToken, .token = "SAVE"}};
constexpr ArgSpec kShutdownArgs[] = {
    {.name = "save-selector", .type = ArgType::kOneOf, .is_optional = true, .children = kSaves},
    {.name = "now",
     .type = ArgType::kPureToken,
     .token = "NOW",
     .is_optional = true,
     .since = "7.0.0"},
    {.name = "force",
     .type = ArgType::kPureToken,
     .token = "FORCE",
     .is_optional = true,
     .since = "7.0.0"},
    {.name = "abort",
     .type = ArgType::kPureToken,
     .token = "ABORT",
     .is_optional = true,
     .since = "7.0.0"}};

constexpr std::string_view kChanging[] = {"nondeterministic_output"};
constexpr std::string_view kInfoTips[] = {"nondeterministic_output", "request_policy:all_shards",
                                          "response_policy:special"};
constexpr auto kAdminAcl = Acl::kAdmin | Acl::kSlow | Acl::kDangerous;
constexpr Command kRows[] = {
    {.spec = {.name = "debug",
              .arity = -2,
              .group = Group::kServer,
              .since = "1.0.0",
              .flags = Flag::kAdmin | Flag::kNoScript | Flag::kLoading | Flag::kStale |
                       Flag::kProtected | Flag::kExclusive,
              .acl = kAdminAcl,
              .audit = protocol::Audit::kAdmin,
              .complexity = "Depends on subcommand.",
              .summary = "A container for commands for tests."},
     .run = Debug},
    {.spec = {.name = "info",
              .arity = -1,
              .group = Group::kServer,
              .since = "1.0.0",
              .flags = Flag::kLoading | Flag::kStale | Flag::kSentinel | Flag::kExclusive,
              .acl = Acl::kSlow | Acl::kDangerous,
              .complexity =
                  "O(1), but O(N) in the number of clients for its sections clients and memory",
              .summary = "Returns facts and counters of the server.",
              .arguments = kSections,
              .tips = kInfoTips},
     .run = Info},
    {.spec = {.name = "lastsave",
              .arity = 1,
              .group = Group::kServer,
              .since = "1.0.0",
              .flags = Flag::kLoading | Flag::kStale | Flag::kFast,
              .acl = Acl::kAdmin | Acl::kFast | Acl::kDangerous,
              .complexity = "O(1)",
              .summary = "Returns when the data was last saved.",
              .tips = kChanging},
     .run = LastSave},
    {.spec = {.name = "lolwut",
              .arity = -1,
              .group = Group::kServer,
              .since = "5.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .acl = Acl::kRead | Acl::kFast,
              .complexity = "O(N) where N is the number of bells",
              .summary = "Rings a few bells.",
              .arguments = kVersion},
     .run = Lolwut},
    {.spec = {.name = "monitor",
              .arity = 1,
              .group = Group::kServer,
              .since = "1.0.0",
              .flags = Flag::kAdmin | Flag::kNoScript | Flag::kLoading | Flag::kStale,
              .acl = kAdminAcl,
              .complexity = "O(1)",
              .summary = "Shows every command that the server executes from now on."},
     .run = Monitor},
    {.spec = {.name = "role",
              .arity = 1,
              .group = Group::kServer,
              .since = "2.8.12",
              .flags =
                  Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kFast | Flag::kSentinel,
              .acl = Acl::kAdmin | Acl::kFast | Acl::kDangerous,
              .complexity = "O(1)",
              .summary = "Tells the part of this server in replication."},
     .run = Role},
    {.spec = {.name = "shutdown",
              .arity = -1,
              .group = Group::kServer,
              .since = "1.0.0",
              .flags = Flag::kAdmin | Flag::kNoScript | Flag::kLoading | Flag::kStale |
                       Flag::kNoMulti | Flag::kSentinel | Flag::kAllowBusy,
              .acl = kAdminAcl,
              .audit = protocol::Audit::kAdmin,
              .complexity = "O(1)",
              .summary = "Ends the server.",
              .arguments = kShutdownArgs},
     .run = Shutdown},
    {.spec = {.name = "time",
              .arity = 1,
              .group = Group::kServer,
              .since = "2.6.0",
              .flags = Flag::kLoading | Flag::kStale | Flag::kFast,
              .acl = Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns the time of the server.",
              .tips = kChanging},
     .run = Time},
};

}  // namespace

std::span<const Command> IntrospectionCommands() { return kRows; }

}  // namespace peal::broker
