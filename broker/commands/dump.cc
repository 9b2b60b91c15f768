// DUMP and RESTORE. Source of replies, errors and events: Redis 7.2, observed on 7.0.15.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "broker/keyspace/usage.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"
#include "store/rdb/payload.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::EqualsIgnoreCase;
using protocol::Error;
using protocol::Flag;
using protocol::Group;
using protocol::HistoryEntry;
using protocol::KeyFlag;
using protocol::KeySpec;
using protocol::ParseInt64;
using store::Entry;
using store::ExpirePolicy;

namespace errors = protocol::errors;

constexpr Error kBusyKey = Error::Static("BUSYKEY Target key name already exists.");
constexpr Error kBadIdleTime = Error::Static("ERR Invalid IDLETIME value, must be >= 0");
constexpr Error kBadFrequency = Error::Static("ERR Invalid FREQ value, must be >= 0 and <= 255");
constexpr Error kBadTtl = Error::Static("ERR Invalid TTL value, must be >= 0");
constexpr Error kBadFooter = Error::Static("ERR DUMP payload version or checksum are wrong");
constexpr Error kBadData = Error::Static("ERR Bad data format");

void Dump(CommandContext& context) {
  const Entry* const entry = context.unit.FindForRead(context.arg(1));
  if (entry == nullptr) return context.reply.Null();
  const bool compresses = context.server.config().rdb_compression;
  context.reply.Bulk(store::rdb::DumpPayload(*entry, compresses));
}

struct RestoreOptions {
  bool replace = false;
  bool is_absolute = false;
  std::optional<int64_t> idle_seconds;
  std::optional<int64_t> frequency;
};

std::optional<Error> ReadRestoreOptions(const CommandContext& context, RestoreOptions& out) {
  for (size_t i = 4; i < context.args.size(); ++i) {
    const std::string_view option = context.arg(i);
    const bool has_value = i + 1 < context.args.size();
    if (EqualsIgnoreCase(option, "replace")) {
      out.replace = true;
    } else if (EqualsIgnoreCase(option, "absttl")) {
      out.is_absolute = true;
    } else if (EqualsIgnoreCase(option, "idletime") && has_value && !out.frequency) {
      out.idle_seconds = ParseInt64(context.arg(++i));
      if (!out.idle_seconds) return errors::kNotInteger;
      if (*out.idle_seconds < 0) return kBadIdleTime;
    } else if (EqualsIgnoreCase(option, "freq") && has_value && !out.idle_seconds) {
      out.frequency = ParseInt64(context.arg(++i));
      if (!out.frequency) return errors::kNotInteger;
      if (*out.frequency < 0 || *out.frequency > 255) return kBadFrequency;
    } else {
      return errors::kSyntax;
    }
  }
  return std::nullopt;
}

/// A restored key has been used now, unless the options tell something else; what it replaces does
/// not count.
void NoteUse(const CommandContext& context, const RestoreOptions& options, Entry* entry) {
  const int64_t now_ms = context.unit.now_ms();
  const Config& config = context.server.config();
  if (UsesFrequency(config.maxmemory_policy)) {
    entry->set_lru(options.frequency
                       ? WithFrequency(static_cast<uint32_t>(*options.frequency), now_ms)
                       : NoteFrequency(0, now_ms, config));
  } else {
    entry->set_lru(LruClock(now_ms) - static_cast<uint32_t>(options.idle_seconds.value_or(0)));
  }
}

/// The request with an absolute time instead of `ttl`.
void ReplicateRestore(CommandContext& context, int64_t at_ms) {
  if (!context.unit.collects_effects()) return;
  std::vector<std::string_view> args(context.args.begin(), context.args.end());
  char digits[protocol::kMaxIntChars];
  args[2] = {digits, static_cast<size_t>(protocol::FormatInt(digits, at_ms) - digits)};
  args.emplace_back("ABSTTL");
  context.unit.Replicate(std::span<const std::string_view>(args));
}

void Restore(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  RestoreOptions options;
  if (const auto error = ReadRestoreOptions(context, options)) return context.Fail(*error);
  const bool exists = unit.FindForWrite(key) != nullptr;
  if (exists && !options.replace) return context.Fail(kBusyKey);
  const std::optional<int64_t> ttl = ParseInt64(context.arg(2));
  if (!ttl) return context.Fail(errors::kNotInteger);
  if (*ttl < 0) return context.Fail(kBadTtl);
  const auto body = store::rdb::PayloadBody(context.arg(3));
  if (!body) return context.Fail(kBadFooter);
  auto value = store::rdb::LoadPayload(*body, context.server.config().encoding);
  if (!value) return context.Fail(kBadData);

  // A time too far away to be told counts as past, as in Redis.
  int64_t at_ms = *ttl;
  const bool is_relative = at_ms != 0 && !options.is_absolute;
  if (is_relative && __builtin_add_overflow(at_ms, unit.now_ms(), &at_ms)) at_ms = -1;
  if (at_ms != 0 && at_ms <= unit.now_ms()) {
    if (exists) {
      unit.Delete(key);
      unit.Notify(kNotifyGeneric, "del", key);
      unit.Replicate("DEL", key);
    }
    return context.reply.Ok();
  }
  const ExpirePolicy expire = at_ms == 0 ? ExpirePolicy::Clear() : ExpirePolicy::At(at_ms);
  if (exists) unit.Notify(kNotifyNew, "new", key);  // for Redis the old key is deleted first
  Entry* const entry = value->object != nullptr
                           ? unit.SetObject(key, std::move(value->object), expire)
                           : unit.SetString(key, std::string_view(value->string), expire);
  NoteUse(context, options, entry);
  unit.Notify(kNotifyGeneric, "restore", key);
  if (is_relative) {
    ReplicateRestore(context, at_ms);
  } else {
    unit.Replicate(context.args);
  }
  context.reply.Ok();
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kDumpKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kDumpArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0}};
constexpr std::string_view kDumpTips[] = {"nondeterministic_output"};
constexpr KeySpec kRestoreKeys[] = {KeySpec::Single(1, KeyFlag::kOverwrite | KeyFlag::kUpdate)};
constexpr ArgSpec kRestoreArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                    {.name = "ttl", .type = ArgType::kInteger},
                                    {.name = "serialized-value", .type = ArgType::kString},
                                    {.name = "replace",
                                     .type = ArgType::kPureToken,
                                     .token = "REPLACE",
                                     .is_optional = true,
                                     .since = "3.0.0"},
                                    {.name = "absttl",
                                     .type = ArgType::kPureToken,
                                     .token = "ABSTTL",
                                     .is_optional = true,
                                     .since = "5.0.0"},
                                    {.name = "seconds",
                                     .type = ArgType::kInteger,
                                     .token = "IDLETIME",
                                     .is_optional = true,
                                     .since = "5.0.0"},
                                    {.name = "frequency",
                                     .type = ArgType::kInteger,
                                     .token = "FREQ",
                                     .is_optional = true,
                                     .since = "5.0.0"}};
constexpr HistoryEntry kRestoreHistory[] = {
    {"3.0.0", "REPLACE."}, {"5.0.0", "ABSTTL."}, {"5.0.0", "IDLETIME and FREQ."}};

constexpr Command kRows[] = {
    {.spec = {.name = "dump",
              .arity = 2,
              .group = Group::kGeneric,
              .since = "2.6.0",
              .flags = Flag::kReadonly,
              .keys = kDumpKeys,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kSlow,
              .complexity = "O(N) in the bytes of the value",
              .summary = "Returns the value of a key in a form that RESTORE takes.",
              .arguments = kDumpArgs,
              .tips = kDumpTips},
     .run = Dump},
    {.spec = {.name = "restore",
              .arity = -4,
              .group = Group::kGeneric,
              .since = "2.6.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kRestoreKeys,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kSlow | Acl::kDangerous,
              .complexity = "O(N) in the bytes of the value, O(N*log(N)) for sorted sets",
              .summary = "Creates a key from what DUMP returned.",
              .arguments = kRestoreArgs,
              .history = kRestoreHistory},
     .run = Restore},
    {.spec = {.name = "restore-asking",
              .arity = -4,
              .group = Group::kServer,
              .since = "3.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kAsking,
              .keys = kRestoreKeys,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kSlow | Acl::kDangerous,
              .complexity = "O(N) in the bytes of the value, O(N*log(N)) for sorted sets",
              .summary = "Does what RESTORE does. Cluster nodes send it to each other.",
              .arguments = kRestoreArgs,
              .history = kRestoreHistory},
     .run = Restore},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> DumpCommands() { return kRows; }

}  // namespace peal::broker
