// Commands on keys of any type. Source of replies, errors and events: Redis 7.2, observed
// on 7.0.15.
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/commands/expire_time.h"
#include "broker/commands/random.h"
#include "broker/commands/scan.h"
#include "broker/commands/subcommand.h"
#include "broker/exec/client.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "broker/keyspace/usage.h"
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
using protocol::HistoryEntry;
using protocol::KeyFlag;
using protocol::KeySpec;
using protocol::ParseInt64;
using protocol::Result;
using store::Entry;
using store::ExpirePolicy;

namespace errors = protocol::errors;

constexpr Error kSameObject = Error::Static("ERR source and destination objects are the same");
constexpr Error kNxWithOthers =
    Error::Static("ERR NX and XX, GT or LT options at the same time are not compatible");
constexpr Error kGtWithLt =
    Error::Static("ERR GT and LT options at the same time are not compatible");
constexpr Error kBadFirstDb = Error::Static("ERR invalid first DB index");
constexpr Error kBadSecondDb = Error::Static("ERR invalid second DB index");
constexpr Error kNoFrequency = Error::Static(
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
    "when "
    "switching between policies at runtime LRU and LFU data will take some time to adjust.");
constexpr Error kNoIdleTime = Error::Static(
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
    "switching "
    "between policies at runtime LRU and LFU data will take some time to adjust.");

// Integers that Redis shares between keys count as having this many references.
constexpr int64_t kSharedReferences = std::numeric_limits<int32_t>::max();
constexpr int64_t kSharedIntegers = 10'000;

std::string_view CommandName(const CommandContext& context) { return context.command.spec.name; }

// ---------------------------------------------------------------- existence

void DeleteKeys(CommandContext& context, std::string_view effect) {
  Unit& unit = context.unit;
  int64_t count = 0;
  for (size_t i = 1; i < context.args.size(); ++i) {
    const std::string_view key = context.arg(i);
    if (unit.Find(key) == nullptr) continue;  // or it has just expired, which is no deletion
    unit.Delete(key);
    unit.Notify(kNotifyGeneric, "del", key);
    unit.Replicate(effect, key);
    ++count;
  }
  context.reply.Integer(count);
}

void Del(CommandContext& context) { DeleteKeys(context, "DEL"); }
void Unlink(CommandContext& context) { DeleteKeys(context, "UNLINK"); }

void CountKeys(CommandContext& context, uint8_t lookup) {
  int64_t count = 0;
  for (size_t i = 1; i < context.args.size(); ++i) {
    if (context.unit.FindForRead(context.arg(i), lookup) != nullptr) ++count;
  }
  context.reply.Integer(count);
}

void Exists(CommandContext& context) { CountKeys(context, Unit::kLookupNoTouch); }
void Touch(CommandContext& context) { CountKeys(context, Unit::kLookupMustTouch); }

void Type(CommandContext& context) {
  const Entry* const entry = context.unit.FindForRead(context.arg(1), Unit::kLookupNoTouch);
  context.reply.Simple(entry == nullptr ? "none" : store::TypeName(entry->type()));
}

// ---------------------------------------------------------------- time to live

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

// ---------------------------------------------------------------- moving

void RenameGeneric(CommandContext& context, bool only_if_new) {
  Unit& unit = context.unit;
  const std::string_view from = context.arg(1);
  const std::string_view to = context.arg(2);
  if (unit.FindForWrite(from) == nullptr) return context.Fail(errors::kNoKey);
  if (from == to) return only_if_new ? context.reply.Integer(0) : context.reply.Ok();
  if (unit.FindForWrite(to) != nullptr && only_if_new) return context.reply.Integer(0);
  unit.Move(unit.db(), from, unit.db(), to);
  unit.Notify(kNotifyNew, "new", to);
  unit.Notify(kNotifyGeneric, "rename_from", from);
  unit.Notify(kNotifyGeneric, "rename_to", to);
  unit.Replicate("RENAME", from, to);
  only_if_new ? context.reply.Integer(1) : context.reply.Ok();
}

void Rename(CommandContext& context) { RenameGeneric(context, false); }
void RenameNx(CommandContext& context) { RenameGeneric(context, true); }

/// A database number given by a client. `unreadable` replaces what is said of words that are no
/// 32-bit integers.
Result<uint32_t> ReadDb(const CommandContext& context, std::string_view text,
                        const Error* unreadable = nullptr) {
  const std::optional<int64_t> number = ParseInt64(text);
  if (!number) return unreadable != nullptr ? *unreadable : errors::kNotInteger;
  constexpr int64_t kIntMax = std::numeric_limits<int32_t>::max();
  constexpr int64_t kIntMin = std::numeric_limits<int32_t>::min();
  if (*number > kIntMax || *number < kIntMin) {
    return unreadable != nullptr ? *unreadable : errors::kInt32OutOfRange;
  }
  if (*number < 0 || *number >= context.server.config().databases) return errors::kDbOutOfRange;
  return static_cast<uint32_t>(*number);
}

void Move(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const Result<uint32_t> db = ReadDb(context, context.arg(2));
  if (!db.ok()) return context.Fail(db.error());
  if (*db == unit.db()) return context.Fail(kSameObject);
  if (unit.FindForWrite(key) == nullptr) return context.reply.Integer(0);
  if (unit.FindIn(*db, key) != nullptr) return context.reply.Integer(0);
  unit.Move(unit.db(), key, *db, key);
  unit.NotifyIn(*db, kNotifyNew, "new", key);
  unit.Notify(kNotifyGeneric, "move_from", key);
  unit.NotifyIn(*db, kNotifyGeneric, "move_to", key);
  unit.Replicate("MOVE", key, static_cast<int64_t>(*db));
  context.reply.Integer(1);
}

void Copy(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view from = context.arg(1);
  const std::string_view to = context.arg(2);
  uint32_t to_db = unit.db();
  bool replaces = false;
  for (size_t i = 3; i < context.args.size(); ++i) {
    if (EqualsIgnoreCase(context.arg(i), "replace")) {
      replaces = true;
    } else if (EqualsIgnoreCase(context.arg(i), "db") && i + 1 < context.args.size()) {
      const Result<uint32_t> db = ReadDb(context, context.arg(++i));
      if (!db.ok()) return context.Fail(db.error());
      to_db = *db;
    } else {
      return context.Fail(errors::kSyntax);
    }
  }
  if (to_db == unit.db() && from == to) return context.Fail(kSameObject);
  Entry* const source = unit.FindForRead(from);
  if (source == nullptr) return context.reply.Integer(0);
  if (unit.FindIn(to_db, to) != nullptr) {
    if (!replaces) return context.reply.Integer(0);
    unit.NotifyIn(to_db, kNotifyNew, "new", to);
  }
  const ExpirePolicy expire =
      source->has_expiry() ? ExpirePolicy::At(source->expire_ms()) : ExpirePolicy::Clear();
  if (source->is_string()) {
    store::StringSlice slice;
    store::Stripe::ReadString(*source, slice);
    unit.SetStringIn(to_db, to, slice.block ? store::StringInput(slice.block) : slice.bytes,
                     expire);
  } else {
    unit.SetObjectIn(to_db, to, source->object()->Clone(), expire);
  }
  unit.NotifyIn(to_db, kNotifyGeneric, "copy_to", to);
  unit.Replicate("COPY", from, to, "DB", static_cast<int64_t>(to_db), "REPLACE");
  context.reply.Integer(1);
}

// ---------------------------------------------------------------- looking around

/// "*" means every key, the empty one included, which the glob itself does not match.
bool MatchesKey(std::string_view pattern, std::string_view key) {
  return pattern == "*" || patterns::GlobMatch(pattern, key);
}

void Keys(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view pattern = context.arg(1);
  std::vector<std::string_view> found;  // into the entries: nothing changes while the Gate is held
  unit.keyspace().ForEach(static_cast<int>(unit.db()), [&](Entry* entry) {
    if (entry->IsExpired(unit.now_ms())) return;
    if (MatchesKey(pattern, entry->key())) found.push_back(entry->key());
  });
  context.reply.Array(found.size());
  for (const std::string_view key : found) context.reply.Bulk(key);
}

void Scan(CommandContext& context) {
  Unit& unit = context.unit;
  const std::optional<uint64_t> cursor = ReadCursor(context.arg(1));
  if (!cursor) return context.Fail(errors::kInvalidCursor);
  ScanOptions options;
  const Result<void> read = ReadScanOptions(context, 2, ScanKind::kKeys, options);
  if (!read.ok()) return context.Fail(read.error());
  std::vector<std::string> found;
  std::vector<std::string> expired;
  const uint64_t next =
      unit.keyspace().Scan(static_cast<int>(unit.db()), *cursor, options.count, [&](Entry* entry) {
        if (!options.Matches(entry->key())) return;
        if (entry->IsExpired(unit.now_ms())) {
          expired.emplace_back(entry->key());
        } else if (!options.has_type ||
                   EqualsIgnoreCase(options.type, store::TypeName(entry->type()))) {
          found.emplace_back(entry->key());
        }
      });
  context.reply.Array(2);
  context.reply.BulkInteger(static_cast<int64_t>(next));
  context.reply.Array(found.size());
  for (const std::string& key : found) context.reply.Bulk(key);
  // Keys met after their time are deleted now, under locks of their own (inside EXEC all are held).
  if (expired.empty()) return;
  const bool takes_locks = !unit.is_exclusive();
  if (takes_locks) {
    for (const std::string& key : expired) unit.AddKey(key, Unit::HashKey(key));
    unit.Lock();
  }
  for (const std::string& key : expired) unit.Find(key);
  if (takes_locks) unit.Finish();  // while the planned keys are still there
}

void DbSize(CommandContext& context) {
  context.reply.Integer(
      static_cast<int64_t>(context.unit.keyspace().DbSize(static_cast<int>(context.unit.db()))));
}

void RandomKey(CommandContext& context) {
  Unit& unit = context.unit;
  std::string key;
  if (!unit.keyspace().RandomKey(static_cast<int>(unit.db()), unit.now_ms(), RandomNumber, key)) {
    return context.reply.Null();
  }
  context.reply.Bulk(key);
}

// ---------------------------------------------------------------- whole databases

/// ASYNC and SYNC differ in Redis in who frees the memory. Differs: here another thread always
/// does, so that nobody waits for it while all reactors are parked.
bool FlushOptionsAreGood(CommandContext& context) {
  const bool is_good = context.args.size() == 1 ||
                       (context.args.size() == 2 && (EqualsIgnoreCase(context.arg(1), "async") ||
                                                     EqualsIgnoreCase(context.arg(1), "sync")));
  if (!is_good) context.Fail(errors::kSyntax);
  return is_good;
}

void FlushDb(CommandContext& context) {
  if (!FlushOptionsAreGood(context)) return;
  context.unit.Flush(static_cast<int>(context.unit.db()));
  context.unit.Replicate("FLUSHDB");
  context.reply.Ok();
}

void FlushAll(CommandContext& context) {
  if (!FlushOptionsAreGood(context)) return;
  context.unit.Flush(-1);
  context.unit.Replicate("FLUSHALL");
  context.reply.Ok();
}

void SwapDb(CommandContext& context) {
  const Result<uint32_t> first = ReadDb(context, context.arg(1), &kBadFirstDb);
  const Result<uint32_t> second = ReadDb(context, context.arg(2), &kBadSecondDb);
  // The words are read first, then the ranges looked at.
  if (!first.ok() && first.error() == kBadFirstDb) return context.Fail(kBadFirstDb);
  if (!second.ok() && second.error() == kBadSecondDb) return context.Fail(kBadSecondDb);
  if (!first.ok() || !second.ok()) return context.Fail(errors::kDbOutOfRange);
  if (*first != *second) context.unit.SwapDb(*first, *second);
  context.unit.Replicate("SWAPDB", static_cast<int64_t>(*first), static_cast<int64_t>(*second));
  context.reply.Ok();
}

// ---------------------------------------------------------------- OBJECT

/// The entry that OBJECT talks about, looked at without a trace; null with the reply written.
const Entry* FindObject(CommandContext& context) {
  const Entry* const entry =
      context.unit.FindForRead(context.arg(2), Unit::kLookupNoTouch | Unit::kLookupNoNotify);
  if (entry == nullptr) context.reply.Null();
  return entry;
}

void ObjectEncoding(CommandContext& context) {
  const Entry* const entry = FindObject(context);
  if (entry != nullptr) context.reply.Bulk(entry->EncodingName());
}

void ObjectRefCount(CommandContext& context) {
  const Entry* const entry = FindObject(context);
  if (entry == nullptr) return;
  const bool is_shared = entry->encoding() == Entry::Encoding::kInt && entry->int_value() >= 0 &&
                         entry->int_value() < kSharedIntegers;
  context.reply.Integer(is_shared ? kSharedReferences : 1);
}

void ObjectIdleTime(CommandContext& context) {
  const Entry* const entry = FindObject(context);
  if (entry == nullptr) return;
  if (UsesFrequency(context.server.config().maxmemory_policy)) return context.Fail(kNoIdleTime);
  context.reply.Integer(IdleSeconds(entry->lru(), context.unit.now_ms()));
}

void ObjectFreq(CommandContext& context) {
  const Entry* const entry = FindObject(context);
  if (entry == nullptr) return;
  const Config& config = context.server.config();
  if (!UsesFrequency(config.maxmemory_policy)) return context.Fail(kNoFrequency);
  context.reply.Integer(FrequencyOf(entry->lru(), context.unit.now_ms(), config));
}

void ObjectHelp(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "ENCODING <key>",
      "    How the value is stored.",
      "FREQ <key>",
      "    The logarithmic counter of uses, with an lfu maxmemory-policy.",
      "IDLETIME <key>",
      "    Seconds since the key was last used, without an lfu maxmemory-policy.",
      "REFCOUNT <key>",
      "    References to the value.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kCopyKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess),
                                 KeySpec::Single(2, KeyFlag::kOverwrite | KeyFlag::kUpdate)};
constexpr ArgSpec kCopyArgs[] = {
    {.name = "source", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "destination", .type = ArgType::kKey, .key_spec_index = 1},
    {.name = "destination-db", .type = ArgType::kInteger, .token = "DB", .is_optional = true},
    {.name = "replace", .type = ArgType::kPureToken, .token = "REPLACE", .is_optional = true}};
constexpr std::string_view kDbsizeTips[] = {"request_policy:all_shards", "response_policy:agg_sum"};
constexpr KeySpec kDelKeys[] = {KeySpec::Range(1, -1, 1, KeyFlag::kRemove | KeyFlag::kDelete)};
constexpr ArgSpec kDelArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true}};
constexpr std::string_view kDelTips[] = {"request_policy:multi_shard", "response_policy:agg_sum"};
constexpr KeySpec kExistsKeys[] = {KeySpec::Range(1, -1, 1, KeyFlag::kReadOnly)};
constexpr HistoryEntry kExistsHistory[] = {{"3.0.3", "Takes several keys."}};
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
constexpr ArgSpec kFlushallAsync[] = {
    {.name = "async", .type = ArgType::kPureToken, .token = "ASYNC", .since = "4.0.0"},
    {.name = "sync", .type = ArgType::kPureToken, .token = "SYNC", .since = "6.2.0"}};
constexpr ArgSpec kFlushallArgs[] = {
    {.name = "async", .type = ArgType::kOneOf, .is_optional = true, .children = kFlushallAsync}};
constexpr HistoryEntry kFlushallHistory[] = {{"4.0.0", "Knows ASYNC."}, {"6.2.0", "Knows SYNC."}};
constexpr std::string_view kFlushallTips[] = {"request_policy:all_shards",
                                              "response_policy:all_succeeded"};
constexpr ArgSpec kKeysArgs[] = {{.name = "pattern", .type = ArgType::kPattern}};
constexpr std::string_view kKeysTips[] = {"request_policy:all_shards",
                                          "nondeterministic_output_order"};
constexpr KeySpec kMoveKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kUpdate)};
constexpr ArgSpec kMoveArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                 {.name = "db", .type = ArgType::kInteger}};
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
constexpr std::string_view kRandomkeyTips[] = {"request_policy:all_shards",
                                               "nondeterministic_output"};
constexpr KeySpec kRenameKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kDelete),
    KeySpec::Single(2, KeyFlag::kOverwrite | KeyFlag::kUpdate)};
constexpr ArgSpec kRenameArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                   {.name = "newkey", .type = ArgType::kKey, .key_spec_index = 1}};
constexpr KeySpec kRenamenxKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kDelete),
    KeySpec::Single(2, KeyFlag::kOverwrite | KeyFlag::kInsert)};
constexpr HistoryEntry kRenamenxHistory[] = {{"3.2.0", "Equal names are no error."}};
constexpr ArgSpec kScanArgs[] = {
    {.name = "cursor", .type = ArgType::kInteger},
    {.name = "pattern", .type = ArgType::kPattern, .token = "MATCH", .is_optional = true},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .is_optional = true},
    {.name = "type",
     .type = ArgType::kString,
     .token = "TYPE",
     .is_optional = true,
     .since = "6.0.0"}};
constexpr HistoryEntry kScanHistory[] = {{"6.0.0", "Knows TYPE."}};
constexpr std::string_view kScanTips[] = {"nondeterministic_output", "request_policy:special"};
constexpr ArgSpec kSwapdbArgs[] = {{.name = "index1", .type = ArgType::kInteger},
                                   {.name = "index2", .type = ArgType::kInteger}};
constexpr KeySpec kTypeKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly)};
constexpr KeySpec kObjectKeys[] = {KeySpec::Single(2, KeyFlag::kReadOnly)};
constexpr ArgSpec kObjectArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0}};
constexpr std::string_view kObjectTips[] = {"nondeterministic_output"};
constexpr Command kObjectSubcommands[] = {
    {.spec = {.name = "encoding",
              .arity = 3,
              .group = Group::kGeneric,
              .since = "2.2.3",
              .flags = Flag::kReadonly,
              .keys = kObjectKeys,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kSlow,
              .parent = "object",
              .complexity = "O(1)",
              .summary = "Tells how the value of a key is stored.",
              .arguments = kObjectArgs,
              .tips = kObjectTips},
     .run = ObjectEncoding},
    {.spec = {.name = "freq",
              .arity = 3,
              .group = Group::kGeneric,
              .since = "4.0.0",
              .flags = Flag::kReadonly,
              .keys = kObjectKeys,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kSlow,
              .parent = "object",
              .complexity = "O(1)",
              .summary = "Tells how often a key is used, as a logarithmic counter.",
              .arguments = kObjectArgs,
              .tips = kObjectTips},
     .run = ObjectFreq},
    {.spec = {.name = "idletime",
              .arity = 3,
              .group = Group::kGeneric,
              .since = "2.2.3",
              .flags = Flag::kReadonly,
              .keys = kObjectKeys,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kSlow,
              .parent = "object",
              .complexity = "O(1)",
              .summary = "Tells how long a key has not been used, in seconds.",
              .arguments = kObjectArgs,
              .tips = kObjectTips},
     .run = ObjectIdleTime},
    {.spec = {.name = "refcount",
              .arity = 3,
              .group = Group::kGeneric,
              .since = "2.2.3",
              .flags = Flag::kReadonly,
              .keys = kObjectKeys,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kSlow,
              .parent = "object",
              .complexity = "O(1)",
              .summary = "Counts the references to the value of a key.",
              .arguments = kObjectArgs,
              .tips = kObjectTips},
     .run = ObjectRefCount},
    {.spec = {.name = "help",
              .arity = 2,
              .group = Group::kGeneric,
              .since = "6.2.0",
              .flags = Flag::kLoading | Flag::kStale,
              .acl = Acl::kKeyspace | Acl::kSlow,
              .parent = "object",
              .complexity = "O(1)",
              .summary = "Tells about the subcommands."},
     .run = ObjectHelp},
};

constexpr Command kRows[] = {
    {.spec = {.name = "copy",
              .arity = -3,
              .group = Group::kGeneric,
              .since = "6.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kCopyKeys,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kSlow,
              .complexity = "O(N) where N is the length of the value",
              .summary = "Copies the value of a key to another key.",
              .arguments = kCopyArgs},
     .run = Copy},
    {.spec = {.name = "dbsize",
              .arity = 1,
              .group = Group::kServer,
              .since = "1.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Counts the keys of the database.",
              .tips = kDbsizeTips},
     .run = DbSize},
    {.spec = {.name = "del",
              .arity = -2,
              .group = Group::kGeneric,
              .since = "1.0.0",
              .flags = Flag::kWrite,
              .keys = kDelKeys,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kSlow,
              .complexity =
                  "O(N) where N is the number of keys; large values are freed by another thread",
              .summary = "Deletes keys.",
              .arguments = kDelArgs,
              .tips = kDelTips},
     .run = Del},
    {.spec = {.name = "exists",
              .arity = -2,
              .group = Group::kGeneric,
              .since = "1.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kExistsKeys,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kFast,
              .complexity = "O(N) where N is the number of keys",
              .summary = "Counts how many of the keys exist.",
              .arguments = kDelArgs,
              .history = kExistsHistory,
              .tips = kDelTips},
     .run = Exists},
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
    {.spec = {.name = "flushall",
              .arity = -1,
              .group = Group::kServer,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kExclusive,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kSlow | Acl::kDangerous,
              .complexity = "O(1); the memory is given back by another thread",
              .summary = "Deletes all keys of all databases.",
              .arguments = kFlushallArgs,
              .history = kFlushallHistory,
              .tips = kFlushallTips},
     .run = FlushAll},
    {.spec = {.name = "flushdb",
              .arity = -1,
              .group = Group::kServer,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kExclusive,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kSlow | Acl::kDangerous,
              .complexity = "O(1); the memory is given back by another thread",
              .summary = "Deletes all keys of the database.",
              .arguments = kFlushallArgs,
              .history = kFlushallHistory,
              .tips = kFlushallTips},
     .run = FlushDb},
    {.spec =
         {.name = "keys",
          .arity = 2,
          .group = Group::kGeneric,
          .since = "1.0.0",
          .flags = Flag::kReadonly | Flag::kExclusive,
          .acl = Acl::kKeyspace | Acl::kRead | Acl::kSlow | Acl::kDangerous,
          .complexity =
              "O(N) where N is the number of keys in the database; every client waits meanwhile",
          .summary = "Returns all keys that match a pattern.",
          .arguments = kKeysArgs,
          .tips = kKeysTips},
     .run = Keys},
    {.spec = {.name = "move",
              .arity = 3,
              .group = Group::kGeneric,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kMoveKeys,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Moves a key to another database.",
              .arguments = kMoveArgs},
     .run = Move},
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
    {.spec = {.name = "randomkey",
              .arity = 1,
              .group = Group::kGeneric,
              .since = "1.0.0",
              .flags = Flag::kReadonly,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kSlow,
              .complexity = "O(1)",
              .summary = "Returns a key chosen at random.",
              .tips = kRandomkeyTips},
     .run = RandomKey},
    {.spec = {.name = "rename",
              .arity = 3,
              .group = Group::kGeneric,
              .since = "1.0.0",
              .flags = Flag::kWrite,
              .keys = kRenameKeys,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kSlow,
              .complexity = "O(1)",
              .summary = "Renames a key, replacing what had the new name.",
              .arguments = kRenameArgs},
     .run = Rename},
    {.spec = {.name = "renamenx",
              .arity = 3,
              .group = Group::kGeneric,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kRenamenxKeys,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Renames a key, if the new name is free.",
              .arguments = kRenameArgs,
              .history = kRenamenxHistory},
     .run = RenameNx},
    {.spec = {.name = "scan",
              .arity = -2,
              .group = Group::kGeneric,
              .since = "2.8.0",
              .flags = Flag::kReadonly,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kSlow,
              .complexity =
                  "O(1) for one call, O(N) for a whole walk, where N is the number of keys",
              .summary = "Walks over the keys of the database in steps.",
              .arguments = kScanArgs,
              .history = kScanHistory,
              .tips = kScanTips},
     .run = Scan},
    {.spec = {.name = "swapdb",
              .arity = 3,
              .group = Group::kServer,
              .since = "4.0.0",
              .flags = Flag::kWrite | Flag::kFast | Flag::kExclusive,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kFast | Acl::kDangerous,
              .complexity = "O(N) where N is the number of clients that watch keys of the two",
              .summary = "Exchanges two databases.",
              .arguments = kSwapdbArgs},
     .run = SwapDb},
    {.spec = {.name = "touch",
              .arity = -2,
              .group = Group::kGeneric,
              .since = "3.2.1",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kExistsKeys,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kFast,
              .complexity = "O(N) where N is the number of keys",
              .summary = "Notes a use of keys and counts those that exist.",
              .arguments = kDelArgs,
              .tips = kDelTips},
     .run = Touch},
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
    {.spec = {.name = "type",
              .arity = 2,
              .group = Group::kGeneric,
              .since = "1.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kTypeKeys,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Tells the type of the value at a key.",
              .arguments = kExpiretimeArgs},
     .run = Type},
    {.spec = {.name = "unlink",
              .arity = -2,
              .group = Group::kGeneric,
              .since = "4.0.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kDelKeys,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kFast,
              .complexity =
                  "O(N) where N is the number of keys; large values are freed by another thread",
              .summary = "Deletes keys; their memory is given back later.",
              .arguments = kDelArgs,
              .tips = kDelTips},
     .run = Unlink},
    {.spec = {.name = "object",
              .arity = -2,
              .group = Group::kGeneric,
              .since = "2.2.3",
              .acl = Acl::kSlow,
              .complexity = "Depends on subcommand.",
              .summary = "A container for commands that look at how values are kept."},
     .subcommands = kObjectSubcommands},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> GenericCommands() { return kRows; }

}  // namespace peal::broker
