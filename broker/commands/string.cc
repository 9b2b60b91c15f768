// Commands on strings. Source of replies, errors and events: Redis 7.2, observed on 7.0.15.
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "broker/commands/expire_time.h"
#include "broker/commands/value_condition.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
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
using protocol::HistoryEntry;
using protocol::KeyFlag;
using protocol::KeySpec;
using protocol::ParseInt64;
using protocol::Result;
using store::Entry;
using store::ExpirePolicy;
using store::StringSlice;

namespace errors = protocol::errors;

constexpr Error kDecrementOverflow = Error::Static("ERR decrement would overflow");

std::string_view CommandName(const CommandContext& context) { return context.command.spec.name; }

/// Replies with the string in `entry`, straight from the keyspace.
void ReplyString(CommandContext& context, const Entry& entry) {
  switch (entry.encoding()) {
    case Entry::Encoding::kEmbedded:
      return context.reply.Bulk(entry.embedded_value());
    case Entry::Encoding::kInt:
      return context.reply.BulkInteger(entry.int_value());
    case Entry::Encoding::kShared:
      return context.reply.Bulk(entry.shared_block()->view());
    case Entry::Encoding::kObject:
      break;
  }
  context.Fail(errors::kWrongType);
}

/// False, with the error replied, if `entry` is there and no string.
bool RequireString(CommandContext& context, const Entry* entry) {
  if (entry == nullptr || entry->is_string()) [[likely]]
    return true;
  context.Fail(errors::kWrongType);
  return false;
}

/// Replies as GET. False if that was an error.
bool ReplyGet(CommandContext& context, std::string_view key) {
  const Entry* const entry = context.unit.FindForRead(key);
  if (entry == nullptr) {
    context.reply.Null();
    return true;
  }
  if (!RequireString(context, entry)) return false;
  ReplyString(context, *entry);
  return true;
}

void Get(CommandContext& context) { ReplyGet(context, context.arg(1)); }

// ---------------------------------------------------------------- SET

/// Options of SET and GETEX.
struct SetOptions {
  bool nx = false;
  bool xx = false;
  bool get = false;
  bool keep_ttl = false;
  bool persist = false;
  bool has_expire = false;
  bool is_relative = false;
  TimeUnit unit = TimeUnit::kSeconds;
  std::string_view expire;
  std::optional<ValueCondition> condition;
  std::string_view operand;  // of condition
};

/// Reads the options from args[first] on. `is_getex`: PERSIST instead of NX, XX, GET and KEEPTTL.
bool ReadSetOptions(const CommandContext& context, size_t first, bool is_getex, SetOptions& out) {
  for (size_t i = first; i < context.args.size(); ++i) {
    const std::string_view option = context.arg(i);
    if (!is_getex && EqualsIgnoreCase(option, "nx") && !out.xx && !out.condition) {
      out.nx = true;
    } else if (!is_getex && EqualsIgnoreCase(option, "xx") && !out.nx && !out.condition) {
      out.xx = true;
    } else if (!is_getex && !out.nx && !out.xx && i + 1 < context.args.size() &&
               ReadValueCondition(option)) {
      const std::optional<ValueCondition> condition = ReadValueCondition(option);
      if (out.condition && out.condition != condition) return false;
      out.condition = condition;
      out.operand = context.arg(++i);
    } else if (!is_getex && EqualsIgnoreCase(option, "get")) {
      out.get = true;
    } else if (!is_getex && EqualsIgnoreCase(option, "keepttl") && !out.has_expire) {
      out.keep_ttl = true;
    } else if (is_getex && EqualsIgnoreCase(option, "persist") && !out.has_expire) {
      out.persist = true;
    } else if (!out.keep_ttl && !out.persist && i + 1 < context.args.size()) {
      const bool is_ex = EqualsIgnoreCase(option, "ex");
      const bool is_px = EqualsIgnoreCase(option, "px");
      const bool is_exat = EqualsIgnoreCase(option, "exat");
      if (!is_ex && !is_px && !is_exat && !EqualsIgnoreCase(option, "pxat")) return false;
      const bool is_relative = is_ex || is_px;
      const TimeUnit unit = is_ex || is_exat ? TimeUnit::kSeconds : TimeUnit::kMilliseconds;
      // The same option twice is good, and the last one counts.
      if (out.has_expire && (out.is_relative != is_relative || out.unit != unit)) return false;
      out.has_expire = true;
      out.is_relative = is_relative;
      out.unit = unit;
      out.expire = context.arg(++i);
    } else {
      return false;
    }
  }
  return true;
}

/// What a refused or a done write replies; SETNX differs from SET.
enum class SetReply : uint8_t { kStatus, kNumber };

void SetGeneric(CommandContext& context, const SetOptions& options, std::string_view key,
                std::string_view value, SetReply style) {
  Unit& unit = context.unit;
  ExpirePolicy expire = options.keep_ttl ? ExpirePolicy::Keep() : ExpirePolicy::Clear();
  if (options.has_expire) {
    const Result<int64_t> at_ms = ReadExpireTime(options.expire, options.unit, options.is_relative,
                                                 unit.now_ms(), CommandName(context));
    if (!at_ms.ok()) return context.Fail(at_ms.error());
    expire = ExpirePolicy::At(*at_ms);
  }
  if (options.condition) {
    const Entry* const entry = unit.FindForWrite(key);
    if (!RequireString(context, entry)) return;
    const Result<bool> is_met = entry == nullptr
                                    ? MissingMeets(*options.condition)
                                    : Meets(*entry, *options.condition, options.operand);
    if (!is_met.ok()) return context.Fail(is_met.error());
    if (options.get) ReplyGet(context, key);
    if (!*is_met) {
      if (!options.get) context.reply.Null();
      return;
    }
  } else if (options.get && !ReplyGet(context, key)) {
    return;
  }
  if (options.nx || options.xx) {
    const bool exists = unit.FindForWrite(key) != nullptr;
    if (exists ? options.nx : options.xx) {
      if (options.get) return;
      return style == SetReply::kStatus ? context.reply.Null() : context.reply.Integer(0);
    }
  }
  unit.SetString(key, value, expire);
  unit.Notify(kNotifyString, "set", key);
  if (options.has_expire) {
    unit.Replicate("SET", key, value, "PXAT", expire.at_ms);
    unit.Notify(kNotifyGeneric, "expire", key);
  } else if (options.keep_ttl) {
    unit.Replicate("SET", key, value, "KEEPTTL");
  } else {
    unit.Replicate("SET", key, value);
  }
  if (options.get) return;
  if (style == SetReply::kStatus) {
    context.reply.Ok();
  } else {
    context.reply.Integer(1);
  }
}

void Set(CommandContext& context) {
  const std::string_view key = context.arg(1);
  const std::string_view value = context.arg(2);
  if (context.args.size() == 3) [[likely]] {
    Unit& unit = context.unit;
    unit.SetString(key, value);
    unit.Notify(kNotifyString, "set", key);
    unit.Replicate("SET", key, value);
    return context.reply.Ok();
  }
  SetOptions options;
  if (!ReadSetOptions(context, 3, false, options)) return context.Fail(errors::kSyntax);
  SetGeneric(context, options, key, value, SetReply::kStatus);
}

void SetNx(CommandContext& context) {
  SetOptions options;
  options.nx = true;
  SetGeneric(context, options, context.arg(1), context.arg(2), SetReply::kNumber);
}

void SetWithTime(CommandContext& context, TimeUnit unit) {
  SetOptions options;
  options.has_expire = true;
  options.is_relative = true;
  options.unit = unit;
  options.expire = context.arg(2);
  SetGeneric(context, options, context.arg(1), context.arg(3), SetReply::kStatus);
}

void SetEx(CommandContext& context) { SetWithTime(context, TimeUnit::kSeconds); }
void PSetEx(CommandContext& context) { SetWithTime(context, TimeUnit::kMilliseconds); }

// ---------------------------------------------------------------- GET with a change

void GetSet(CommandContext& context) {
  const std::string_view key = context.arg(1);
  if (!ReplyGet(context, key)) return;
  context.unit.SetString(key, context.arg(2));
  context.unit.Notify(kNotifyString, "set", key);
  context.unit.Replicate("SET", key, context.arg(2));
}

void GetDel(CommandContext& context) {
  const std::string_view key = context.arg(1);
  if (!ReplyGet(context, key)) return;
  if (!context.unit.Delete(key)) return;
  context.unit.Notify(kNotifyGeneric, "del", key);
  context.unit.Replicate("DEL", key);
}

void GetEx(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  SetOptions options;
  if (!ReadSetOptions(context, 2, true, options)) return context.Fail(errors::kSyntax);
  Entry* const entry = unit.FindForRead(key);
  if (entry == nullptr) return context.reply.Null();
  if (!RequireString(context, entry)) return;
  int64_t at_ms = 0;
  if (options.has_expire) {
    const Result<int64_t> read = ReadExpireTime(options.expire, options.unit, options.is_relative,
                                                unit.now_ms(), CommandName(context));
    if (!read.ok()) return context.Fail(read.error());
    at_ms = *read;
  }
  ReplyString(context, *entry);
  if (options.has_expire) {
    if (at_ms <= unit.now_ms()) {
      unit.Delete(key);
      unit.Replicate("DEL", key);
      unit.Notify(kNotifyGeneric, "del", key);
    } else {
      unit.SetExpire(key, entry, at_ms);
      unit.Replicate("PEXPIREAT", key, at_ms);
      unit.Notify(kNotifyGeneric, "expire", key);
    }
  } else if (options.persist && unit.ClearExpire(key, entry)) {
    unit.Replicate("PERSIST", key);
    unit.Notify(kNotifyGeneric, "persist", key);
  }
}

// ---------------------------------------------------------------- several keys

void MGet(CommandContext& context) {
  context.reply.Array(context.args.size() - 1);
  for (size_t i = 1; i < context.args.size(); ++i) {
    const Entry* const entry = context.unit.FindForRead(context.arg(i));
    if (entry == nullptr || !entry->is_string()) {
      context.reply.Null();
    } else {
      ReplyString(context, *entry);
    }
  }
}

void SetEach(CommandContext& context) {
  for (size_t i = 1; i < context.args.size(); i += 2) {
    const std::string_view key = context.arg(i);
    context.unit.SetString(key, context.arg(i + 1));
    context.unit.Notify(kNotifyString, "set", key);
    context.unit.Replicate("SET", key, context.arg(i + 1));
  }
}

bool HasPairs(CommandContext& context) {
  if (context.args.size() % 2 == 1) return true;
  context.Fail(errors::WrongArity(CommandName(context)));
  return false;
}

void MSet(CommandContext& context) {
  if (!HasPairs(context)) return;
  SetEach(context);
  context.reply.Ok();
}

void MSetNx(CommandContext& context) {
  if (!HasPairs(context)) return;
  for (size_t i = 1; i < context.args.size(); i += 2) {
    if (context.unit.FindForWrite(context.arg(i)) != nullptr) return context.reply.Integer(0);
  }
  SetEach(context);
  context.reply.Integer(1);
}

// ---------------------------------------------------------------- numbers

/// The integer a string holds, if it is one in Redis' sense.
std::optional<int64_t> IntegerOf(const Entry& entry) {
  if (entry.encoding() == Entry::Encoding::kInt) return entry.int_value();
  StringSlice slice;
  store::Stripe::ReadString(entry, slice);
  return ParseInt64(slice.bytes);
}

void Add(CommandContext& context, int64_t increment) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const Entry* const entry = unit.FindForWrite(key);
  if (!RequireString(context, entry)) return;
  int64_t value = 0;
  if (entry != nullptr) {
    const std::optional<int64_t> before = IntegerOf(*entry);
    if (!before) return context.Fail(errors::kNotInteger);
    value = *before;
  }
  if (__builtin_add_overflow(value, increment, &value)) return context.Fail(errors::kOverflow);
  unit.SetString(key, value, ExpirePolicy::Keep());
  unit.Notify(kNotifyString, "incrby", key);
  unit.Replicate("SET", key, value, "KEEPTTL");
  context.reply.Integer(value);
}

void Incr(CommandContext& context) { Add(context, 1); }
void Decr(CommandContext& context) { Add(context, -1); }

void IncrBy(CommandContext& context) {
  const std::optional<int64_t> increment = ParseInt64(context.arg(2));
  if (!increment) return context.Fail(errors::kNotInteger);
  Add(context, *increment);
}

void DecrBy(CommandContext& context) {
  const std::optional<int64_t> decrement = ParseInt64(context.arg(2));
  if (!decrement) return context.Fail(errors::kNotInteger);
  if (*decrement == std::numeric_limits<int64_t>::min()) return context.Fail(kDecrementOverflow);
  Add(context, -*decrement);
}

void IncrByFloat(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const Entry* const entry = unit.FindForWrite(key);
  if (!RequireString(context, entry)) return;
  long double value = 0;
  if (entry != nullptr) {
    StringSlice slice;
    store::Stripe::ReadString(*entry, slice);
    const std::optional<long double> before = protocol::ParseLongDouble(slice.bytes);
    if (!before) return context.Fail(errors::kNotFloat);
    value = *before;
  }
  const std::optional<long double> increment = protocol::ParseLongDouble(context.arg(2));
  if (!increment) return context.Fail(errors::kNotFloat);
  value += *increment;
  if (std::isnan(value) || std::isinf(value)) return context.Fail(errors::kNotFinite);
  const std::string text = protocol::FormatLongDoubleHuman(value);
  unit.SetString(key, std::string_view(text), ExpirePolicy::Keep());
  unit.Notify(kNotifyString, "incrbyfloat", key);
  unit.Replicate("SET", key, text, "KEEPTTL");
  context.reply.Bulk(text);
}

// ---------------------------------------------------------------- parts of a string

/// False, with the error replied, if a string would pass proto-max-bulk-len.
bool FitsLimit(CommandContext& context, uint64_t before, uint64_t more) {
  const uint64_t limit = context.server.config().proto_max_bulk_len;
  if (before <= limit && more <= limit - before) return true;
  context.Fail(errors::kStringTooBig);
  return false;
}

void Append(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const std::string_view bytes = context.arg(2);
  Entry* entry = unit.FindForWrite(key);
  if (!RequireString(context, entry)) return;
  if (entry == nullptr) {
    entry = unit.SetString(key, bytes);
  } else {
    if (!FitsLimit(context, entry->StringSize(), bytes.size())) return;
    entry = unit.Append(key, entry, bytes);
  }
  unit.Notify(kNotifyString, "append", key);
  unit.Replicate("APPEND", key, bytes);
  context.reply.Integer(static_cast<int64_t>(entry->StringSize()));
}

void StrLen(CommandContext& context) {
  const Entry* const entry = context.unit.FindForRead(context.arg(1));
  if (!RequireString(context, entry)) return;
  context.reply.Integer(entry == nullptr ? 0 : static_cast<int64_t>(entry->StringSize()));
}

/// `from` and `to` inclusive; negative ones count from the end.
std::string_view Slice(std::string_view bytes, int64_t from, int64_t to) {
  const auto size = static_cast<int64_t>(bytes.size());
  if (from < 0 && to < 0 && from > to) return {};
  if (from < 0) from = from < -size ? 0 : from + size;
  if (to < 0) to = to < -size ? 0 : to + size;
  if (to >= size) to = size - 1;
  if (from > to || size == 0) return {};
  return bytes.substr(static_cast<size_t>(from), static_cast<size_t>(to - from + 1));
}

void GetRange(CommandContext& context) {
  const std::optional<int64_t> from = ParseInt64(context.arg(2));
  const std::optional<int64_t> to = ParseInt64(context.arg(3));
  if (!from || !to) return context.Fail(errors::kNotInteger);
  const Entry* const entry = context.unit.FindForRead(context.arg(1));
  if (!RequireString(context, entry)) return;
  if (entry == nullptr) return context.reply.Bulk("");
  StringSlice slice;
  store::Stripe::ReadString(*entry, slice);
  context.reply.Bulk(Slice(slice.bytes, *from, *to));
}

void SetRange(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const std::string_view bytes = context.arg(3);
  const std::optional<int64_t> offset = ParseInt64(context.arg(2));
  if (!offset) return context.Fail(errors::kNotInteger);
  if (*offset < 0) return context.Fail(errors::kOffsetOutOfRange);
  Entry* entry = unit.FindForWrite(key);
  if (!RequireString(context, entry)) return;
  if (bytes.empty()) {
    return context.reply.Integer(entry == nullptr ? 0 : static_cast<int64_t>(entry->StringSize()));
  }
  const auto at = static_cast<uint64_t>(*offset);
  if (!FitsLimit(context, at, bytes.size())) return;
  if (entry == nullptr) entry = unit.SetString(key, std::string_view());
  entry = unit.SetRange(key, entry, static_cast<size_t>(at), bytes);
  unit.Notify(kNotifyString, "setrange", key);
  unit.Replicate("SETRANGE", key, *offset, bytes);
  context.reply.Integer(static_cast<int64_t>(entry->StringSize()));
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kAppendKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kInsert)};
constexpr ArgSpec kAppendArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                   {.name = "value", .type = ArgType::kString}};
constexpr KeySpec kDecrKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kUpdate)};
constexpr ArgSpec kDecrArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0}};
constexpr ArgSpec kDecrbyArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                   {.name = "decrement", .type = ArgType::kInteger}};
constexpr KeySpec kGetKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr KeySpec kGetdelKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kDelete)};
constexpr ArgSpec kGetexExpiration[] = {
    {.name = "seconds", .type = ArgType::kInteger, .token = "EX"},
    {.name = "milliseconds", .type = ArgType::kInteger, .token = "PX"},
    {.name = "unix-time-seconds", .type = ArgType::kUnixTime, .token = "EXAT"},
    {.name = "unix-time-milliseconds", .type = ArgType::kUnixTime, .token = "PXAT"},
    {.name = "persist", .type = ArgType::kPureToken, .token = "PERSIST"}};
constexpr ArgSpec kGetexArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                  {.name = "expiration",
                                   .type = ArgType::kOneOf,
                                   .is_optional = true,
                                   .children = kGetexExpiration}};
constexpr ArgSpec kGetrangeArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                     {.name = "start", .type = ArgType::kInteger},
                                     {.name = "end", .type = ArgType::kInteger}};
constexpr ArgSpec kIncrbyArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                   {.name = "increment", .type = ArgType::kInteger}};
constexpr ArgSpec kIncrbyfloatArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                        {.name = "increment", .type = ArgType::kDouble}};
constexpr KeySpec kMgetKeys[] = {KeySpec::Range(1, -1, 1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kMgetArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true}};
constexpr std::string_view kMgetTips[] = {"request_policy:multi_shard"};
constexpr KeySpec kMsetKeys[] = {KeySpec::Range(1, -1, 2, KeyFlag::kOverwrite | KeyFlag::kUpdate)};
constexpr ArgSpec kMsetArgs[] = {
    {.name = "key_value", .type = ArgType::kBlock, .is_multiple = true, .children = kAppendArgs}};
constexpr std::string_view kMsetTips[] = {"request_policy:multi_shard",
                                          "response_policy:all_succeeded"};
constexpr KeySpec kMsetnxKeys[] = {
    KeySpec::Range(1, -1, 2, KeyFlag::kOverwrite | KeyFlag::kInsert)};
constexpr std::string_view kMsetnxTips[] = {"request_policy:multi_shard",
                                            "response_policy:agg_min"};
constexpr KeySpec kPsetexKeys[] = {KeySpec::Single(1, KeyFlag::kOverwrite | KeyFlag::kUpdate)};
constexpr ArgSpec kPsetexArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                   {.name = "milliseconds", .type = ArgType::kInteger},
                                   {.name = "value", .type = ArgType::kString}};
constexpr KeySpec kSetKeys[] = {KeySpec::Single(
    1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kUpdate | KeyFlag::kVariable)};
constexpr ArgSpec kSetCondition[] = {
    {.name = "nx", .type = ArgType::kPureToken, .token = "NX"},
    {.name = "xx", .type = ArgType::kPureToken, .token = "XX"},
    {.name = "ifeq-value", .type = ArgType::kString, .token = "IFEQ", .since = "8.1.0"},
    {.name = "ifne-value", .type = ArgType::kString, .token = "IFNE", .since = "8.4.0"},
    {.name = "ifdeq-digest", .type = ArgType::kString, .token = "IFDEQ", .since = "8.4.0"},
    {.name = "ifdne-digest", .type = ArgType::kString, .token = "IFDNE", .since = "8.4.0"}};
constexpr ArgSpec kSetExpiration[] = {
    {.name = "seconds", .type = ArgType::kInteger, .token = "EX", .since = "2.6.12"},
    {.name = "milliseconds", .type = ArgType::kInteger, .token = "PX", .since = "2.6.12"},
    {.name = "unix-time-seconds", .type = ArgType::kUnixTime, .token = "EXAT", .since = "6.2.0"},
    {.name = "unix-time-milliseconds",
     .type = ArgType::kUnixTime,
     .token = "PXAT",
     .since = "6.2.0"},
    {.name = "keepttl", .type = ArgType::kPureToken, .token = "KEEPTTL", .since = "6.0.0"}};
constexpr ArgSpec kSetArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                {.name = "value", .type = ArgType::kString},
                                {.name = "condition",
                                 .type = ArgType::kOneOf,
                                 .is_optional = true,
                                 .since = "2.6.12",
                                 .children = kSetCondition},
                                {.name = "get",
                                 .type = ArgType::kPureToken,
                                 .token = "GET",
                                 .is_optional = true,
                                 .since = "6.2.0"},
                                {.name = "expiration",
                                 .type = ArgType::kOneOf,
                                 .is_optional = true,
                                 .children = kSetExpiration}};
constexpr HistoryEntry kSetHistory[] = {{"2.6.12", "Knows EX, PX, NX and XX."},
                                        {"6.0.0", "Knows KEEPTTL."},
                                        {"6.2.0", "Knows GET, EXAT and PXAT."},
                                        {"7.0.0", "Takes NX and GET together."},
                                        {"8.1.0", "Knows IFEQ."},
                                        {"8.4.0", "Knows IFNE, IFDEQ and IFDNE."}};
constexpr ArgSpec kSetexArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                  {.name = "seconds", .type = ArgType::kInteger},
                                  {.name = "value", .type = ArgType::kString}};
constexpr KeySpec kSetnxKeys[] = {KeySpec::Single(1, KeyFlag::kOverwrite | KeyFlag::kInsert)};
constexpr KeySpec kSetrangeKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kUpdate)};
constexpr ArgSpec kSetrangeArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                     {.name = "offset", .type = ArgType::kInteger},
                                     {.name = "value", .type = ArgType::kString}};
constexpr KeySpec kStrlenKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly)};

constexpr Command kRows[] = {
    {.spec = {.name = "append",
              .arity = 3,
              .group = Group::kString,
              .since = "2.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kAppendKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kFast,
              .complexity = "O(M) amortized, where M is the length of the appended bytes",
              .summary = "Appends to the string at a key, which is created if missing.",
              .arguments = kAppendArgs},
     .run = Append},
    {.spec = {.name = "decr",
              .arity = 2,
              .group = Group::kString,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kDecrKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Takes one from the integer at a key; a missing key counts as 0.",
              .arguments = kDecrArgs},
     .run = Decr},
    {.spec = {.name = "decrby",
              .arity = 3,
              .group = Group::kString,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kDecrKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Takes an integer from the integer at a key; a missing key counts as 0.",
              .arguments = kDecrbyArgs},
     .run = DecrBy},
    {.spec = {.name = "get",
              .arity = 2,
              .group = Group::kString,
              .since = "1.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kGetKeys,
              .acl = Acl::kRead | Acl::kString | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns the string value of a key.",
              .arguments = kDecrArgs},
     .run = Get},
    {.spec = {.name = "getdel",
              .arity = 2,
              .group = Group::kString,
              .since = "6.2.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kGetdelKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns the string value of a key and deletes the key.",
              .arguments = kDecrArgs},
     .run = GetDel},
    {.spec = {.name = "getex",
              .arity = -2,
              .group = Group::kString,
              .since = "6.2.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kDecrKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns the string value of a key and may change its time to live.",
              .arguments = kGetexArgs},
     .run = GetEx},
    {.spec = {.name = "getrange",
              .arity = 4,
              .group = Group::kString,
              .since = "2.4.0",
              .flags = Flag::kReadonly,
              .keys = kGetKeys,
              .acl = Acl::kRead | Acl::kString | Acl::kSlow,
              .complexity = "O(M) where M is the length of the returned bytes",
              .summary = "Returns a part of a string.",
              .arguments = kGetrangeArgs},
     .run = GetRange},
    {.spec = {.name = "getset",
              .arity = 3,
              .group = Group::kString,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kDecrKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Sets a key and returns its previous string value.",
              .arguments = kAppendArgs,
              .deprecated_since = "6.2.0",
              .replaced_by = "`SET` with the `!GET` argument"},
     .run = GetSet},
    {.spec = {.name = "incr",
              .arity = 2,
              .group = Group::kString,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kDecrKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Adds one to the integer at a key; a missing key counts as 0.",
              .arguments = kDecrArgs},
     .run = Incr},
    {.spec = {.name = "incrby",
              .arity = 3,
              .group = Group::kString,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kDecrKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Adds an integer to the integer at a key; a missing key counts as 0.",
              .arguments = kIncrbyArgs},
     .run = IncrBy},
    {.spec = {.name = "incrbyfloat",
              .arity = 3,
              .group = Group::kString,
              .since = "2.6.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kDecrKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kFast,
              .complexity = "O(1)",
              .summary =
                  "Adds a floating point number to the number at a key; a missing key counts as 0.",
              .arguments = kIncrbyfloatArgs},
     .run = IncrByFloat},
    {.spec = {.name = "mget",
              .arity = -2,
              .group = Group::kString,
              .since = "1.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kMgetKeys,
              .acl = Acl::kRead | Acl::kString | Acl::kFast,
              .complexity = "O(N) where N is the number of keys",
              .summary = "Returns the string values of several keys at one moment.",
              .arguments = kMgetArgs,
              .tips = kMgetTips},
     .run = MGet},
    {.spec = {.name = "mset",
              .arity = -3,
              .group = Group::kString,
              .since = "1.0.1",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kMsetKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kSlow,
              .complexity = "O(N) where N is the number of keys",
              .summary = "Sets several keys at one moment.",
              .arguments = kMsetArgs,
              .tips = kMsetTips},
     .run = MSet},
    {.spec = {.name = "msetnx",
              .arity = -3,
              .group = Group::kString,
              .since = "1.0.1",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kMsetnxKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kSlow,
              .complexity = "O(N) where N is the number of keys",
              .summary = "Sets several keys, if none of them exists.",
              .arguments = kMsetArgs,
              .tips = kMsetnxTips},
     .run = MSetNx},
    {.spec = {.name = "psetex",
              .arity = 4,
              .group = Group::kString,
              .since = "2.6.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kPsetexKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kSlow,
              .complexity = "O(1)",
              .summary = "Sets a key with a time to live in milliseconds.",
              .arguments = kPsetexArgs,
              .deprecated_since = "2.6.12",
              .replaced_by = "`SET` with the `PX` argument"},
     .run = PSetEx},
    {.spec = {.name = "set",
              .arity = -3,
              .group = Group::kString,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kSetKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kSlow,
              .complexity = "O(1)",
              .summary = "Sets the string value of a key, whatever its type was; the key is "
                         "created if it does not exist.",
              .arguments = kSetArgs,
              .history = kSetHistory},
     .run = Set},
    {.spec = {.name = "setex",
              .arity = 4,
              .group = Group::kString,
              .since = "2.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kPsetexKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kSlow,
              .complexity = "O(1)",
              .summary = "Sets a key with a time to live in seconds.",
              .arguments = kSetexArgs,
              .deprecated_since = "2.6.12",
              .replaced_by = "`SET` with the `EX` argument"},
     .run = SetEx},
    {.spec = {.name = "setnx",
              .arity = 3,
              .group = Group::kString,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kSetnxKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Sets a key, if it does not exist.",
              .arguments = kAppendArgs,
              .deprecated_since = "2.6.12",
              .replaced_by = "`SET` with the `NX` argument"},
     .run = SetNx},
    {.spec = {.name = "setrange",
              .arity = 4,
              .group = Group::kString,
              .since = "2.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kSetrangeKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kSlow,
              .complexity =
                  "O(M) where M is the length of the written bytes and of the gap before them",
              .summary = "Overwrites a part of a string, which grows with zero bytes as needed.",
              .arguments = kSetrangeArgs},
     .run = SetRange},
    {.spec = {.name = "strlen",
              .arity = 2,
              .group = Group::kString,
              .since = "2.2.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kStrlenKeys,
              .acl = Acl::kRead | Acl::kString | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns the length of a string in bytes.",
              .arguments = kDecrArgs},
     .run = StrLen},
    {.spec = {.name = "substr",
              .arity = 4,
              .group = Group::kString,
              .since = "1.0.0",
              .flags = Flag::kReadonly,
              .keys = kGetKeys,
              .acl = Acl::kRead | Acl::kString | Acl::kSlow,
              .complexity = "O(M) where M is the length of the returned bytes",
              .summary = "Returns a part of a string.",
              .arguments = kGetrangeArgs,
              .deprecated_since = "2.0.0",
              .replaced_by = "`GETRANGE`"},
     .run = GetRange},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> StringCommands() { return kRows; }

}  // namespace peal::broker
