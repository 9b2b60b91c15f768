// Commands on hashes. Source of replies, errors and events: Redis 7.2, observed on 7.0.15.
#include "broker/commands/hash.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "broker/commands/random.h"
#include "broker/commands/scan.h"
#include "broker/exec/server.h"
#include "broker/keyspace/field_expiry.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"
#include "store/keyspace/hash.h"

namespace peal::broker {

namespace errors = protocol::errors;

namespace {

// What one lookup deletes of the fields whose time has come.
constexpr size_t kExpiredFieldsOfLookup = 64;

}  // namespace

std::optional<Found<HashValue>> ReadHash(CommandContext& context, std::string_view key) {
  auto found = ReadValue<HashValue>(context, key);
  if (found) ExpireFields(context.unit, key, *found, kExpiredFieldsOfLookup);
  return found;
}

std::optional<Found<HashValue>> FindHash(CommandContext& context, std::string_view key) {
  auto found = FindValue<HashValue>(context, key);
  if (found) ExpireFields(context.unit, key, *found, kExpiredFieldsOfLookup);
  return found;
}

Edit<HashValue> EditHash(CommandContext& context, std::string_view key,
                         const Found<HashValue>& found) {
  return Edit<HashValue>(context.unit, key, found, [] { return std::make_unique<HashValue>(); });
}

void ReplyField(CommandContext& context, const HashValue* hash, std::string_view field) {
  HashValue::Digits digits;
  std::optional<std::string_view> value;
  if (hash != nullptr) value = hash->Get(field, context.unit.now_ms(), digits);
  if (value) {
    context.reply.Bulk(*value);
  } else {
    context.reply.Null();
  }
}

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
using FieldTime = HashValue::FieldTime;

constexpr Error kNotIntegerValue = Error::Static("ERR hash value is not an integer");
constexpr Error kNotFloatValue = Error::Static("ERR hash value is not a float");
constexpr Error kIncrementNotFinite = Error::Static("ERR value is NaN or Infinity");

const store::EncodingLimits& Limits(const CommandContext& context) {
  return context.server.config().encoding;
}

// ---------------------------------------------------------------- writing

/// Sets the pairs from args[2] on. The number of new fields, or nullopt with an error replied.
std::optional<int64_t> SetPairs(CommandContext& context) {
  if (context.args.size() % 2 == 1) {
    context.Fail(errors::WrongArity(context.command.spec.name));
    return std::nullopt;
  }
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const auto found = FindHash(context, key);
  if (!found) return std::nullopt;
  Edit<HashValue> edit = EditHash(context, key, *found);
  int64_t added = 0;
  for (size_t i = 2; i < context.args.size(); i += 2) {
    added += edit->Set(context.arg(i), context.arg(i + 1), Limits(context), unit.now_ms()) ? 1 : 0;
  }
  edit.Commit(context.args.size() / 2 - 1);
  unit.Notify(kNotifyHash, "hset", key);
  unit.Replicate(context.args);
  return added;
}

void HSet(CommandContext& context) {
  if (const auto added = SetPairs(context)) context.reply.Integer(*added);
}

void HMSet(CommandContext& context) {
  if (SetPairs(context)) context.reply.Ok();
}

void HSetNx(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const auto found = FindHash(context, key);
  if (!found) return;
  if (*found && found->value->Contains(context.arg(2), unit.now_ms())) {
    return context.reply.Integer(0);
  }
  Edit<HashValue> edit = EditHash(context, key, *found);
  edit->Set(context.arg(2), context.arg(3), Limits(context), unit.now_ms());
  edit.Commit();
  unit.Notify(kNotifyHash, "hset", key);
  unit.Replicate("HSET", key, context.arg(2), context.arg(3));
  context.reply.Integer(1);
}

void HDel(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const auto found = FindHash(context, key);
  if (!found) return;
  if (!*found) return context.reply.Integer(0);
  Edit<HashValue> edit(unit, key, *found);
  uint64_t deleted = 0;
  for (size_t i = 2; i < context.args.size(); ++i) {
    if (edit->Erase(context.arg(i), unit.now_ms())) ++deleted;
  }
  if (deleted != 0) {
    const bool is_gone = edit.Commit(deleted);
    unit.Notify(kNotifyHash, "hdel", key);
    if (is_gone) unit.Notify(kNotifyGeneric, "del", key);
    unit.Replicate(context.args);
  }
  context.reply.Integer(static_cast<int64_t>(deleted));
}

/// Writes what an increment has come to: the field keeps its time.
void SetIncremented(CommandContext& context, const Found<HashValue>& found, std::string_view value,
                    const char* event) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const std::string_view field = context.arg(2);
  Edit<HashValue> edit = EditHash(context, key, found);
  edit->Set(field, value, Limits(context), unit.now_ms(), FieldTime::kKeep);
  edit.Commit();
  unit.Notify(kNotifyHash, event, key);
  const int64_t at_ms = edit->ExpiryOf(field);
  if (at_ms == HashValue::kNoExpiry) {
    unit.Replicate("HSET", key, field, value);
  } else {
    unit.Replicate("HSETEX", key, "PXAT", at_ms, "FIELDS", 1, field, value);
  }
}

void HIncrBy(CommandContext& context) {
  const std::optional<int64_t> increment = ParseInt64(context.arg(3));
  if (!increment) return context.Fail(errors::kNotInteger);
  const auto found = FindHash(context, context.arg(1));
  if (!found) return;
  int64_t value = 0;
  if (*found) {
    HashValue::Digits digits;
    if (const auto text = found->value->Get(context.arg(2), context.unit.now_ms(), digits)) {
      const std::optional<int64_t> before = ParseInt64(*text);
      if (!before) return context.Fail(kNotIntegerValue);
      value = *before;
    }
  }
  if (__builtin_add_overflow(value, *increment, &value)) return context.Fail(errors::kOverflow);
  char digits[protocol::kMaxIntChars];
  SetIncremented(context, *found,
                 {digits, static_cast<size_t>(protocol::FormatInt(digits, value) - digits)},
                 "hincrby");
  context.reply.Integer(value);
}

void HIncrByFloat(CommandContext& context) {
  const std::optional<long double> increment = protocol::ParseLongDouble(context.arg(3));
  if (!increment) return context.Fail(errors::kNotFloat);
  if (std::isinf(*increment)) return context.Fail(kIncrementNotFinite);
  const auto found = FindHash(context, context.arg(1));
  if (!found) return;
  long double value = 0;
  if (*found) {
    HashValue::Digits digits;
    if (const auto text = found->value->Get(context.arg(2), context.unit.now_ms(), digits)) {
      const std::optional<long double> before = protocol::ParseLongDouble(*text);
      if (!before) return context.Fail(kNotFloatValue);
      value = *before;
    }
  }
  value += *increment;
  if (std::isnan(value) || std::isinf(value)) return context.Fail(errors::kNotFinite);
  const std::string text = protocol::FormatLongDoubleHuman(value);
  SetIncremented(context, *found, text, "hincrbyfloat");
  context.reply.Bulk(text);
}

// ---------------------------------------------------------------- reading

void HGet(CommandContext& context) {
  const auto found = ReadHash(context, context.arg(1));
  if (!found) return;
  ReplyField(context, found->value, context.arg(2));
}

void HMGet(CommandContext& context) {
  const auto found = ReadHash(context, context.arg(1));
  if (!found) return;
  context.reply.Array(context.args.size() - 2);
  for (size_t i = 2; i < context.args.size(); ++i) {
    ReplyField(context, found->value, context.arg(i));
  }
}

void HExists(CommandContext& context) {
  const auto found = ReadHash(context, context.arg(1));
  if (!found) return;
  const bool exists = *found && found->value->Contains(context.arg(2), context.unit.now_ms());
  context.reply.Integer(exists ? 1 : 0);
}

void HStrLen(CommandContext& context) {
  const auto found = ReadHash(context, context.arg(1));
  if (!found) return;
  HashValue::Digits digits;
  std::optional<std::string_view> value;
  if (*found) value = found->value->Get(context.arg(2), context.unit.now_ms(), digits);
  context.reply.Integer(value ? static_cast<int64_t>(value->size()) : 0);
}

/// Counts expired fields that nobody has met yet, as Redis 7.4 does.
void HLen(CommandContext& context) {
  const auto found = ReadHash(context, context.arg(1));
  if (!found) return;
  context.reply.Integer(*found ? static_cast<int64_t>(found->value->Count()) : 0);
}

void HGetAll(CommandContext& context) {
  const auto found = ReadHash(context, context.arg(1));
  if (!found) return;
  if (!*found) return context.reply.Map(0);
  const int64_t now_ms = context.unit.now_ms();
  context.reply.Map(found->value->CountAt(now_ms));
  found->value->ForEach(now_ms, [&](std::string_view field, std::string_view value) {
    context.reply.Bulk(field);
    context.reply.Bulk(value);
  });
}

void HKeys(CommandContext& context) {
  const auto found = ReadHash(context, context.arg(1));
  if (!found) return;
  if (!*found) return context.reply.Array(0);
  const int64_t now_ms = context.unit.now_ms();
  context.reply.Array(found->value->CountAt(now_ms));
  found->value->ForEach(
      now_ms, [&](std::string_view field, std::string_view) { context.reply.Bulk(field); });
}

void HVals(CommandContext& context) {
  const auto found = ReadHash(context, context.arg(1));
  if (!found) return;
  if (!*found) return context.reply.Array(0);
  const int64_t now_ms = context.unit.now_ms();
  context.reply.Array(found->value->CountAt(now_ms));
  found->value->ForEach(
      now_ms, [&](std::string_view, std::string_view value) { context.reply.Bulk(value); });
}

void HScan(CommandContext& context) {
  const std::optional<uint64_t> cursor = ReadCursor(context.arg(2));
  if (!cursor) return context.Fail(errors::kInvalidCursor);
  const auto found = ReadHash(context, context.arg(1));
  if (!found) return;
  if (!*found) {
    context.reply.Array(2);
    context.reply.Bulk("0");
    return context.reply.Array(0);
  }
  ScanOptions options;
  const Result<void> read = ReadScanOptions(context, 3, ScanKind::kFields, options);
  if (!read.ok()) return context.Fail(read.error());

  const HashValue& hash = *found->value;
  std::vector<std::string_view> items;
  std::deque<std::string> copies;  // views of a small hash do not last
  const auto take = [&](std::string_view item) {
    items.push_back(hash.is_small() ? copies.emplace_back(item) : item);
  };
  const uint64_t next = hash.Scan(*cursor, options.count, context.unit.now_ms(),
                                  [&](std::string_view field, std::string_view value) {
                                    if (!options.Matches(field)) return;
                                    take(field);
                                    if (!options.no_values) take(value);
                                  });
  context.reply.Array(2);
  context.reply.BulkInteger(static_cast<int64_t>(next));
  context.reply.Array(items.size());
  for (const std::string_view item : items) context.reply.Bulk(item);
}

// ---------------------------------------------------------------- HRANDFIELD

using FieldAndValue = std::pair<std::string, std::string>;

/// The fields that are seen, for picking at random where the hash itself is slow at it: when it is
/// small, and while it holds expired fields.
std::vector<FieldAndValue> CopyFields(const HashValue& hash, int64_t now_ms) {
  std::vector<FieldAndValue> fields;
  hash.ForEach(now_ms, [&](std::string_view field, std::string_view value) {
    fields.emplace_back(field, value);
  });
  return fields;
}

/// Seeded, since clients choose the fields.
struct KeyHash {
  size_t operator()(std::string_view field) const { return store::HashKey(field); }
};

class RandomFields {
 public:
  RandomFields(CommandContext& context, const HashValue& hash, bool with_values)
      : reply_(context.reply),
        hash_(hash),
        now_ms_(context.unit.now_ms()),
        with_values_(with_values) {}

  /// All of them.
  void ReplyAll() {
    Begin(hash_.CountAt(now_ms_));
    hash_.ForEach(now_ms_, [&](auto field, auto value) { Put(field, value); });
  }

  /// `count` different ones of `total`, count < total.
  void ReplyDistinct(size_t count, size_t total) {
    Begin(count);
    // Few of many are drawn until they are enough; else each one passed is taken with the chance
    // that is due to it.
    if (!hash_.is_small() && !hash_.HasExpired(now_ms_) && count < total / 3) {
      std::unordered_set<std::string_view, KeyHash> taken;
      while (taken.size() < count) {
        hash_.VisitRandom(RandomNumber, [&](auto field, auto value) {
          if (taken.insert(field).second) Put(field, value);
        });
      }
      return;
    }
    size_t left = total;
    hash_.ForEach(now_ms_, [&](auto field, auto value) {
      if (RandomNumber() % left-- >= count) return;
      --count;
      Put(field, value);
    });
  }

  /// `count` times any of them.
  void ReplyAny(size_t count) {
    Begin(count);
    if (!hash_.is_small() && !hash_.HasExpired(now_ms_)) {
      for (size_t i = 0; i < count; ++i) {
        hash_.VisitRandom(RandomNumber, [&](auto field, auto value) { Put(field, value); });
      }
      return;
    }
    const std::vector<FieldAndValue> fields = CopyFields(hash_, now_ms_);
    for (size_t i = 0; i < count; ++i) {
      const FieldAndValue& picked = fields[RandomNumber() % fields.size()];
      Put(picked.first, picked.second);
    }
  }

 private:
  bool in_pairs() const { return with_values_ && reply_.version() == protocol::RespVersion::k3; }
  void Begin(size_t count) { reply_.Array(with_values_ && !in_pairs() ? 2 * count : count); }
  void Put(std::string_view field, std::string_view value) {
    if (in_pairs()) reply_.Array(2);
    reply_.Bulk(field);
    if (with_values_) reply_.Bulk(value);
  }

  protocol::ReplyWriter& reply_;
  const HashValue& hash_;
  const int64_t now_ms_;
  const bool with_values_;
};

void ReplyOneRandom(CommandContext& context) {
  const auto found = ReadHash(context, context.arg(1));
  if (!found) return;
  const int64_t now_ms = context.unit.now_ms();
  if (!*found || found->value->CountAt(now_ms) == 0) return context.reply.Null();
  if (found->value->HasExpired(now_ms)) {
    const std::vector<FieldAndValue> fields = CopyFields(*found->value, now_ms);
    return context.reply.Bulk(fields[RandomNumber() % fields.size()].first);
  }
  found->value->VisitRandom(RandomNumber,
                            [&](std::string_view field, auto) { context.reply.Bulk(field); });
}

void HRandField(CommandContext& context) {
  if (context.args.size() == 2) return ReplyOneRandom(context);
  const std::optional<int64_t> count = ParseInt64(context.arg(2));
  if (!count) return context.Fail(errors::kNotInteger);
  if (*count == std::numeric_limits<int64_t>::min()) return context.Fail(errors::kNoOpposite);
  const bool with_values = context.args.size() > 3;
  if (context.args.size() > 4 || (with_values && !EqualsIgnoreCase(context.arg(3), "withvalues"))) {
    return context.Fail(errors::kSyntax);
  }
  constexpr int64_t kMaxPairs = std::numeric_limits<int64_t>::max() / 2;
  if (with_values && (*count < -kMaxPairs || *count > kMaxPairs)) {
    return context.Fail(errors::kValueOutOfRange);
  }
  const auto found = ReadHash(context, context.arg(1));
  if (!found) return;
  const size_t total = *found ? found->value->CountAt(context.unit.now_ms()) : 0;
  if (total == 0 || *count == 0) return context.reply.Array(0);

  const HashValue& hash = *found->value;
  RandomFields fields(context, hash, with_values);
  if (*count > 0) {
    const auto wanted = static_cast<uint64_t>(*count);
    return wanted >= total ? fields.ReplyAll() : fields.ReplyDistinct(wanted, total);
  }
  const uint64_t wanted = static_cast<uint64_t>(-*count);
  // Differs: Redis tries to send as many as the client names, until its memory ends. Here the reply
  // may be about as long as the longest string.
  const uint64_t mean_bytes = hash.MemoryBytes() / hash.Count() + 1;
  if (wanted > context.server.config().proto_max_bulk_len / mean_bytes) {
    return context.Fail(errors::kValueOutOfRange);
  }
  fields.ReplyAny(wanted);
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kHdelKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kDelete)};
constexpr ArgSpec kHdelArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                 {.name = "field", .type = ArgType::kString, .is_multiple = true}};
constexpr HistoryEntry kHdelHistory[] = {{"2.4.0", "Takes several fields."}};
constexpr KeySpec kHexistsKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly)};
constexpr ArgSpec kHexistsArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                    {.name = "field", .type = ArgType::kString}};
constexpr KeySpec kHgetKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kHgetallArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0}};
constexpr std::string_view kHgetallTips[] = {"nondeterministic_output_order"};
constexpr KeySpec kHincrbyKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kUpdate)};
constexpr ArgSpec kHincrbyArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                    {.name = "field", .type = ArgType::kString},
                                    {.name = "increment", .type = ArgType::kInteger}};
constexpr ArgSpec kHincrbyfloatArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "field", .type = ArgType::kString},
    {.name = "increment", .type = ArgType::kDouble}};
constexpr KeySpec kHmsetKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kUpdate)};
constexpr ArgSpec kHmsetFieldValue[] = {{.name = "field", .type = ArgType::kString},
                                        {.name = "value", .type = ArgType::kString}};
constexpr ArgSpec kHmsetArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                  {.name = "field_value",
                                   .type = ArgType::kBlock,
                                   .is_multiple = true,
                                   .children = kHmsetFieldValue}};
constexpr ArgSpec kHrandfieldOptions[] = {{.name = "count", .type = ArgType::kInteger},
                                          {.name = "withvalues",
                                           .type = ArgType::kPureToken,
                                           .token = "WITHVALUES",
                                           .is_optional = true}};
constexpr ArgSpec kHrandfieldArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                       {.name = "options",
                                        .type = ArgType::kBlock,
                                        .is_optional = true,
                                        .children = kHrandfieldOptions}};
constexpr std::string_view kHrandfieldTips[] = {"nondeterministic_output"};
constexpr ArgSpec kHscanArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "cursor", .type = ArgType::kInteger},
    {.name = "pattern", .type = ArgType::kPattern, .token = "MATCH", .is_optional = true},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .is_optional = true},
    {.name = "novalues",
     .type = ArgType::kPureToken,
     .token = "NOVALUES",
     .is_optional = true,
     .since = "7.4.0"}};
constexpr HistoryEntry kHsetHistory[] = {{"4.0.0", "Takes several pairs of field and value."}};
constexpr KeySpec kHsetnxKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kInsert)};
constexpr ArgSpec kHsetnxArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                   {.name = "field", .type = ArgType::kString},
                                   {.name = "value", .type = ArgType::kString}};

constexpr Command kRows[] = {
    {.spec = {.name = "hdel",
              .arity = -3,
              .group = Group::kHash,
              .since = "2.0.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kHdelKeys,
              .acl = Acl::kWrite | Acl::kHash | Acl::kFast,
              .complexity = "O(N) where N is the number of fields named",
              .summary = "Deletes fields of a hash; the key goes with the last one.",
              .arguments = kHdelArgs,
              .history = kHdelHistory},
     .run = HDel},
    {.spec = {.name = "hexists",
              .arity = 3,
              .group = Group::kHash,
              .since = "2.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kHexistsKeys,
              .acl = Acl::kRead | Acl::kHash | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Tells whether a hash has a field.",
              .arguments = kHexistsArgs},
     .run = HExists},
    {.spec = {.name = "hget",
              .arity = 3,
              .group = Group::kHash,
              .since = "2.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kHgetKeys,
              .acl = Acl::kRead | Acl::kHash | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns the value of a field of a hash.",
              .arguments = kHexistsArgs},
     .run = HGet},
    {.spec = {.name = "hgetall",
              .arity = 2,
              .group = Group::kHash,
              .since = "2.0.0",
              .flags = Flag::kReadonly,
              .keys = kHgetKeys,
              .acl = Acl::kRead | Acl::kHash | Acl::kSlow,
              .complexity = "O(N) where N is the number of fields",
              .summary = "Returns all fields of a hash with their values.",
              .arguments = kHgetallArgs,
              .tips = kHgetallTips},
     .run = HGetAll},
    {.spec = {.name = "hincrby",
              .arity = 4,
              .group = Group::kHash,
              .since = "2.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kHincrbyKeys,
              .acl = Acl::kWrite | Acl::kHash | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Adds an integer to the integer in a field; a missing field counts as 0.",
              .arguments = kHincrbyArgs},
     .run = HIncrBy},
    {.spec =
         {.name = "hincrbyfloat",
          .arity = 4,
          .group = Group::kHash,
          .since = "2.6.0",
          .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
          .keys = kHincrbyKeys,
          .acl = Acl::kWrite | Acl::kHash | Acl::kFast,
          .complexity = "O(1)",
          .summary =
              "Adds a floating point number to the number in a field; a missing field counts as 0.",
          .arguments = kHincrbyfloatArgs},
     .run = HIncrByFloat},
    {.spec = {.name = "hkeys",
              .arity = 2,
              .group = Group::kHash,
              .since = "2.0.0",
              .flags = Flag::kReadonly,
              .keys = kHgetKeys,
              .acl = Acl::kRead | Acl::kHash | Acl::kSlow,
              .complexity = "O(N) where N is the number of fields",
              .summary = "Returns all fields of a hash.",
              .arguments = kHgetallArgs,
              .tips = kHgetallTips},
     .run = HKeys},
    {.spec = {.name = "hlen",
              .arity = 2,
              .group = Group::kHash,
              .since = "2.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kHexistsKeys,
              .acl = Acl::kRead | Acl::kHash | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns the number of fields of a hash.",
              .arguments = kHgetallArgs},
     .run = HLen},
    {.spec = {.name = "hmget",
              .arity = -3,
              .group = Group::kHash,
              .since = "2.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kHgetKeys,
              .acl = Acl::kRead | Acl::kHash | Acl::kFast,
              .complexity = "O(N) where N is the number of fields named",
              .summary = "Returns the values of several fields.",
              .arguments = kHdelArgs},
     .run = HMGet},
    {.spec = {.name = "hmset",
              .arity = -4,
              .group = Group::kHash,
              .since = "2.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kHmsetKeys,
              .acl = Acl::kWrite | Acl::kHash | Acl::kFast,
              .complexity = "O(N) where N is the number of fields set",
              .summary = "Sets several fields of a hash.",
              .arguments = kHmsetArgs,
              .deprecated_since = "4.0.0",
              .replaced_by = "`HSET` with multiple field-value pairs"},
     .run = HMSet},
    {.spec = {.name = "hrandfield",
              .arity = -2,
              .group = Group::kHash,
              .since = "6.2.0",
              .flags = Flag::kReadonly,
              .keys = kHgetKeys,
              .acl = Acl::kRead | Acl::kHash | Acl::kSlow,
              .complexity = "O(N) where N is the number of fields returned",
              .summary = "Returns fields of a hash chosen at random.",
              .arguments = kHrandfieldArgs,
              .tips = kHrandfieldTips},
     .run = HRandField},
    {.spec = {.name = "hscan",
              .arity = -3,
              .group = Group::kHash,
              .since = "2.8.0",
              .flags = Flag::kReadonly,
              .keys = kHgetKeys,
              .acl = Acl::kRead | Acl::kHash | Acl::kSlow,
              .complexity = "O(1) for each call, O(N) for all the calls of a scan, where N is the "
                            "number of fields",
              .summary = "Goes through the fields of a hash in small steps.",
              .arguments = kHscanArgs,
              .tips = kHrandfieldTips},
     .run = HScan},
    {.spec = {.name = "hset",
              .arity = -4,
              .group = Group::kHash,
              .since = "2.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kHmsetKeys,
              .acl = Acl::kWrite | Acl::kHash | Acl::kFast,
              .complexity = "O(N) where N is the number of fields set",
              .summary = "Sets fields of a hash; the key is created if it does not exist.",
              .arguments = kHmsetArgs,
              .history = kHsetHistory},
     .run = HSet},
    {.spec = {.name = "hsetnx",
              .arity = 4,
              .group = Group::kHash,
              .since = "2.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kHsetnxKeys,
              .acl = Acl::kWrite | Acl::kHash | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Sets a field of a hash, if it does not exist.",
              .arguments = kHsetnxArgs},
     .run = HSetNx},
    {.spec = {.name = "hstrlen",
              .arity = 3,
              .group = Group::kHash,
              .since = "3.2.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kHexistsKeys,
              .acl = Acl::kRead | Acl::kHash | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns the length of the value of a field in bytes.",
              .arguments = kHexistsArgs},
     .run = HStrLen},
    {.spec = {.name = "hvals",
              .arity = 2,
              .group = Group::kHash,
              .since = "2.0.0",
              .flags = Flag::kReadonly,
              .keys = kHgetKeys,
              .acl = Acl::kRead | Acl::kHash | Acl::kSlow,
              .complexity = "O(N) where N is the number of fields",
              .summary = "Returns all values of a hash.",
              .arguments = kHgetallArgs,
              .tips = kHgetallTips},
     .run = HVals},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> HashCommands() { return kRows; }

}  // namespace peal::broker
