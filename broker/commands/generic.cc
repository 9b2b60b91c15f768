// Commands on keys of any type. Source of replies, errors and events: Redis 7.2, observed
// on 7.0.15.
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/commands/random.h"
#include "broker/commands/scan.h"
#include "broker/exec/client.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
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
constexpr Error kBadFirstDb = Error::Static("ERR invalid first DB index");
constexpr Error kBadSecondDb = Error::Static("ERR invalid second DB index");

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
    {.spec = {.name = "flushall",
              .arity = -1,
              .group = Group::kServer,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kExclusive,
              .acl = Acl::kKeyspace | Acl::kWrite | Acl::kSlow | Acl::kDangerous,
              .audit = protocol::Audit::kAdmin,
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
              .audit = protocol::Audit::kAdmin,
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
