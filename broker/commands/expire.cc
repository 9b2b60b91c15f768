// The time to live of keys. Source of replies, errors and events: Redis 7.2, observed
// on 7.0.15.
#include <span>
#include <string>
#include <string_view>

#include "broker/commands/expire_time.h"
#include "broker/exec/command.h"
#include "broker/exec/unit.h"
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
using protocol::HistoryEntry;
using protocol::KeyFlag;
using protocol::KeySpec;
using protocol::Result;
using store::Entry;

constexpr Error kNxWithOthers =
    Error::Static("ERR NX and XX, GT or LT options at the same time are not compatible");
constexpr Error kGtWithLt =
    Error::Static("ERR GT and LT options at the same time are not compatible");

std::string_view CommandName(const CommandContext& context) { return context.command.spec.name; }

struct ExpireConditions {
  bool nx = false;
  bool xx = false;
  bool gt = false;
  bool lt = false;
};

Result<void> ReadConditions(const CommandContext& context, ExpireConditions& out) {
  for (size_t i = 3; i < context.args.size(); ++i) {
    const std::string_view option = context.arg(i);
    if (EqualsIgnoreCase(option, "nx")) {
      out.nx = true;
    } else if (EqualsIgnoreCase(option, "xx")) {
      out.xx = true;
    } else if (EqualsIgnoreCase(option, "gt")) {
      out.gt = true;
    } else if (EqualsIgnoreCase(option, "lt")) {
      out.lt = true;
    } else {
      return Error::Owned("ERR Unsupported option " +
                          std::string(option.substr(0, std::min<size_t>(option.find('\0'), 4096))));
    }
  }
  if (out.nx && (out.xx || out.gt || out.lt)) return kNxWithOthers;
  if (out.gt && out.lt) return kGtWithLt;
  return {};
}

/// Whether the conditions let `at_ms` take the place of `before`; no expiry counts as infinitely
/// late.
bool Allows(const ExpireConditions& conditions, int64_t before, int64_t at_ms) {
  const bool had_one = before != Entry::kNoExpiry;
  if (conditions.nx && had_one) return false;
  if (conditions.xx && !had_one) return false;
  if (conditions.gt && (!had_one || at_ms <= before)) return false;
  return !(conditions.lt && had_one && at_ms >= before);
}

void ExpireGeneric(CommandContext& context, TimeUnit time_unit, bool is_relative) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  ExpireConditions conditions;
  const Result<void> read = ReadConditions(context, conditions);
  if (!read.ok()) return context.Fail(read.error());
  const Result<int64_t> time = ReadAnyExpireTime(context.arg(2), time_unit, is_relative,
                                                 unit.now_ms(), CommandName(context));
  if (!time.ok()) return context.Fail(time.error());
  Entry* const entry = unit.FindForWrite(key);
  if (entry == nullptr || !Allows(conditions, entry->expire_ms(), *time)) {
    return context.reply.Integer(0);
  }
  if (*time <= unit.now_ms()) {
    unit.Delete(key);
    unit.Replicate("DEL", key);
    unit.Notify(kNotifyGeneric, "del", key);
  } else {
    unit.SetExpire(key, entry, *time);
    unit.Replicate("PEXPIREAT", key, *time);
    unit.Notify(kNotifyGeneric, "expire", key);
  }
  context.reply.Integer(1);
}

void Expire(CommandContext& context) { ExpireGeneric(context, TimeUnit::kSeconds, true); }
void PExpire(CommandContext& context) { ExpireGeneric(context, TimeUnit::kMilliseconds, true); }
void ExpireAt(CommandContext& context) { ExpireGeneric(context, TimeUnit::kSeconds, false); }
void PExpireAt(CommandContext& context) { ExpireGeneric(context, TimeUnit::kMilliseconds, false); }

void ReplyTime(CommandContext& context, TimeUnit time_unit, bool is_relative) {
  const Entry* const entry = context.unit.FindForRead(context.arg(1), Unit::kLookupNoTouch);
  if (entry == nullptr) return context.reply.Integer(-2);
  if (!entry->has_expiry()) return context.reply.Integer(-1);
  int64_t ms = entry->expire_ms();
  if (is_relative) ms = std::max<int64_t>(ms - context.unit.now_ms(), 0);
  // Rounded to the nearest second, half up. The halves are added to the remainder: no overflow.
  const int64_t seconds = ms / 1000 + (ms % 1000 >= 500 ? 1 : 0);
  context.reply.Integer(time_unit == TimeUnit::kSeconds ? seconds : ms);
}

void Ttl(CommandContext& context) { ReplyTime(context, TimeUnit::kSeconds, true); }
void PTtl(CommandContext& context) { ReplyTime(context, TimeUnit::kMilliseconds, true); }
void ExpireTime(CommandContext& context) { ReplyTime(context, TimeUnit::kSeconds, false); }
void PExpireTime(CommandContext& context) { ReplyTime(context, TimeUnit::kMilliseconds, false); }

void Persist(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  Entry* const entry = unit.FindForWrite(key);
  if (entry == nullptr || !unit.ClearExpire(key, entry)) return context.reply.Integer(0);
  unit.Replicate("PERSIST", key);
  unit.Notify(kNotifyGeneric, "persist", key);
  context.reply.Integer(1);
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kExpireKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kUpdate)};
constexpr ArgSpec kExpireCondition[] = {{.name = "nx", .type = ArgType::kPureToken, .token = "NX"},
                                        {.name = "xx", .type = ArgType::kPureToken, .token = "XX"},
                                        {.name = "gt", .type = ArgType::kPureToken, .token = "GT"},
                                        {.name = "lt", .type = ArgType::kPureToken, .token = "LT"}};
constexpr ArgSpec kExpireArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                   {.name = "seconds", .type = ArgType::kInteger},
                                   {.name = "condition",
                                    .type = ArgType::kOneOf,
                                    .is_optional = true,
                                    .since = "7.0.0",
                                    .children = kExpireCondition}};
constexpr HistoryEntry kExpireHistory[] = {{"7.0.0", "Knows NX, XX, GT and LT."}};
constexpr ArgSpec kExpireatArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                     {.name = "unix-time-seconds", .type = ArgType::kUnixTime},
                                     {.name = "condition",
                                      .type = ArgType::kOneOf,
                                      .is_optional = true,
                                      .since = "7.0.0",
                                      .children = kExpireCondition}};
constexpr KeySpec kExpiretimeKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kExpiretimeArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0}};
constexpr ArgSpec kPexpireArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                    {.name = "milliseconds", .type = ArgType::kInteger},
                                    {.name = "condition",
                                     .type = ArgType::kOneOf,
                                     .is_optional = true,
                                     .since = "7.0.0",
                                     .children = kExpireCondition}};
constexpr ArgSpec kPexpireatArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "unix-time-milliseconds", .type = ArgType::kUnixTime},
    {.name = "condition",
     .type = ArgType::kOneOf,
     .is_optional = true,
     .since = "7.0.0",
     .children = kExpireCondition}};
constexpr HistoryEntry kPttlHistory[] = {{"2.8.0", "Replies -2 for a missing key."}};
constexpr std::string_view kPttlTips[] = {"nondeterministic_output"};

constexpr Command kRows[] = {
    {.spec = {.name = "expire",
              .arity = -3,
              .group = Group::kGeneric,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kExpireKeys,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Sets the time to live of a key in seconds.",
              .arguments = kExpireArgs,
              .history = kExpireHistory},
     .run = Expire},
    {.spec = {.name = "expireat",
              .arity = -3,
              .group = Group::kGeneric,
              .since = "1.2.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kExpireKeys,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Sets the Unix time in seconds at which a key expires.",
              .arguments = kExpireatArgs,
              .history = kExpireHistory},
     .run = ExpireAt},
    {.spec = {.name = "expiretime",
              .arity = 2,
              .group = Group::kGeneric,
              .since = "7.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kExpiretimeKeys,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns the Unix time in seconds at which a key expires.",
              .arguments = kExpiretimeArgs},
     .run = ExpireTime},
    {.spec = {.name = "persist",
              .arity = 2,
              .group = Group::kGeneric,
              .since = "2.2.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kExpireKeys,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Takes the time to live from a key.",
              .arguments = kExpiretimeArgs},
     .run = Persist},
    {.spec = {.name = "pexpire",
              .arity = -3,
              .group = Group::kGeneric,
              .since = "2.6.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kExpireKeys,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Sets the time to live of a key in milliseconds.",
              .arguments = kPexpireArgs,
              .history = kExpireHistory},
     .run = PExpire},
    {.spec = {.name = "pexpireat",
              .arity = -3,
              .group = Group::kGeneric,
              .since = "2.6.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kExpireKeys,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Sets the Unix time in milliseconds at which a key expires.",
              .arguments = kPexpireatArgs,
              .history = kExpireHistory},
     .run = PExpireAt},
    {.spec = {.name = "pexpiretime",
              .arity = 2,
              .group = Group::kGeneric,
              .since = "7.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kExpiretimeKeys,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns the Unix time in milliseconds at which a key expires.",
              .arguments = kExpiretimeArgs},
     .run = PExpireTime},
    {.spec = {.name = "pttl",
              .arity = 2,
              .group = Group::kGeneric,
              .since = "2.6.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kExpiretimeKeys,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns the time to live of a key in milliseconds.",
              .arguments = kExpiretimeArgs,
              .history = kPttlHistory,
              .tips = kPttlTips},
     .run = PTtl},
    {.spec = {.name = "ttl",
              .arity = 2,
              .group = Group::kGeneric,
              .since = "1.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kExpiretimeKeys,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns the time to live of a key in seconds.",
              .arguments = kExpiretimeArgs,
              .history = kPttlHistory,
              .tips = kPttlTips},
     .run = Ttl},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> ExpireCommands() { return kRows; }

}  // namespace peal::broker
