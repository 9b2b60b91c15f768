// Times to live of the fields of hashes. Source of replies, errors and events: the documentation of
// Redis 7.4 and 8.0 and of Valkey 9.0; where their error texts differ, those of Redis 8.0.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/commands/expire_time.h"
#include "broker/commands/hash.h"
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
using protocol::KeyFlag;
using protocol::KeySpec;
using protocol::ParseInt64;
using protocol::Result;
using FieldTime = HashValue::FieldTime;
using Strings = std::span<const std::string_view>;

namespace errors = protocol::errors;

constexpr Error kNoFields =
    Error::Static("ERR Mandatory argument FIELDS is missing or not at the right position");
constexpr Error kBadFieldCount = Error::Static("ERR Number of fields must be a positive integer");
constexpr Error kBadFieldCountOfExpire =
    Error::Static("ERR Parameter `numFields` should be greater than 0");
constexpr Error kBadFieldCountOfSet = Error::Static("ERR invalid number of fields");
constexpr Error kFieldCountMismatch =
    Error::Static("ERR The `numfields` parameter must match the number of arguments");
constexpr Error kNegativeTime = Error::Static("ERR invalid expire time, must be >= 0");
constexpr Error kMissingTime = Error::Static("ERR missing expire time");
constexpr Error kTwoTimes =
    Error::Static("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
constexpr Error kTwoConditions =
    Error::Static("ERR Only one of FXX or FNX arguments can be specified");

// Codes of the replies, one for each field.
constexpr int64_t kNoSuchField = -2;
constexpr int64_t kNoTime = -1;
constexpr int64_t kConditionNotMet = 0;
constexpr int64_t kDone = 1;
constexpr int64_t kDeleted = 2;

// The latest time, as Redis has it: 2^46 - 1 ms.
constexpr int64_t kLatestMs = (int64_t{1} << 46) - 1;

// ---------------------------------------------------------------- arguments

/// Where a time of expiry comes from.
struct TimeForm {
  TimeUnit unit = TimeUnit::kSeconds;
  bool is_relative = false;
};

/// The absolute time in milliseconds that `text` means.
Result<int64_t> ReadFieldTime(const CommandContext& context, std::string_view text, TimeForm form) {
  const std::optional<int64_t> number = ParseInt64(text);
  if (!number) return errors::kNotInteger;
  if (*number < 0) return kNegativeTime;
  const int64_t factor = form.unit == TimeUnit::kSeconds ? 1000 : 1;
  const int64_t base_ms = form.is_relative ? context.unit.now_ms() : 0;
  if (*number > kLatestMs / factor || *number * factor > kLatestMs - base_ms) {
    return errors::InvalidExpire(context.command.spec.name);
  }
  return base_ms + *number * factor;
}

/// EX, PX, EXAT, PXAT; nullopt for another word.
std::optional<TimeForm> ReadTimeForm(std::string_view word) {
  if (EqualsIgnoreCase(word, "ex")) return TimeForm{TimeUnit::kSeconds, true};
  if (EqualsIgnoreCase(word, "px")) return TimeForm{TimeUnit::kMilliseconds, true};
  if (EqualsIgnoreCase(word, "exat")) return TimeForm{TimeUnit::kSeconds, false};
  if (EqualsIgnoreCase(word, "pxat")) return TimeForm{TimeUnit::kMilliseconds, false};
  return std::nullopt;
}

/// "FIELDS numfields field [field ...]" from args[at] to the end; nullopt with an error replied.
std::optional<Strings> ReadFields(CommandContext& context, size_t at, const Error& bad_count) {
  const auto fail = [&](const Error& error) {
    context.Fail(error);
    return std::nullopt;
  };
  if (at >= context.args.size() || !EqualsIgnoreCase(context.arg(at), "fields")) {
    return fail(kNoFields);
  }
  if (at + 1 >= context.args.size()) return fail(kFieldCountMismatch);
  const std::optional<int64_t> count = ParseInt64(context.arg(at + 1));
  if (!count || *count < 1) return fail(bad_count);
  const Strings fields = context.args.subspan(at + 2);
  if (static_cast<uint64_t>(*count) != fields.size()) return fail(kFieldCountMismatch);
  return fields;
}

/// For a key that is not there.
void ReplyEach(CommandContext& context, size_t count, int64_t code) {
  context.reply.Array(count);
  for (size_t i = 0; i < count; ++i) context.reply.Integer(code);
}

// ---------------------------------------------------------------- effects

void ReplicateDeletion(Unit& unit, std::string_view key,
                       const std::vector<std::string_view>& fields) {
  if (!unit.collects_effects() || fields.empty()) return;
  std::vector<std::string_view> effect = {"HDEL", key};
  effect.insert(effect.end(), fields.begin(), fields.end());
  unit.Replicate(Strings(effect));
}

/// `name` key [at_ms] FIELDS count field…
void ReplicateFields(Unit& unit, std::string_view name, std::string_view key,
                     std::optional<int64_t> at_ms, const std::vector<std::string_view>& fields) {
  if (!unit.collects_effects() || fields.empty()) return;
  const EffectArg time(at_ms.value_or(0));
  const EffectArg count(static_cast<int64_t>(fields.size()));
  std::vector<std::string_view> effect = {name, key};
  if (at_ms) effect.push_back(time.text());
  effect.insert(effect.end(), {"FIELDS", count.text()});
  effect.insert(effect.end(), fields.begin(), fields.end());
  unit.Replicate(Strings(effect));
}

// ---------------------------------------------------------------- HEXPIRE and its kin

enum class Condition : uint8_t { kNone, kNx, kXx, kGt, kLt };

Condition ReadCondition(std::string_view word) {
  if (EqualsIgnoreCase(word, "nx")) return Condition::kNx;
  if (EqualsIgnoreCase(word, "xx")) return Condition::kXx;
  if (EqualsIgnoreCase(word, "gt")) return Condition::kGt;
  if (EqualsIgnoreCase(word, "lt")) return Condition::kLt;
  return Condition::kNone;
}

/// A field without a time counts as one that stays for ever.
bool Allows(Condition condition, int64_t before_ms, int64_t at_ms) {
  const bool has_time = before_ms != HashValue::kNoExpiry;
  switch (condition) {
    case Condition::kNone:
      return true;
    case Condition::kNx:
      return !has_time;
    case Condition::kXx:
      return has_time;
    case Condition::kGt:
      return has_time && at_ms > before_ms;
    case Condition::kLt:
      return !has_time || at_ms < before_ms;
  }
  return false;
}

void Expire(CommandContext& context, TimeForm form) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const auto found = FindHash(context, key);
  if (!found) return;
  const Result<int64_t> at_ms = ReadFieldTime(context, context.arg(2), form);
  if (!at_ms.ok()) return context.Fail(at_ms.error());
  const Condition condition = ReadCondition(context.arg(3));
  const auto fields =
      ReadFields(context, condition == Condition::kNone ? 3 : 4, kBadFieldCountOfExpire);
  if (!fields) return;
  if (!*found) return ReplyEach(context, fields->size(), kNoSuchField);

  Edit<HashValue> edit(unit, key, *found);
  std::vector<std::string_view> changed;
  const bool deletes = *at_ms <= unit.now_ms();
  context.reply.Array(fields->size());
  for (const std::string_view field : *fields) {
    if (!edit->Contains(field, unit.now_ms())) {
      context.reply.Integer(kNoSuchField);
      continue;
    }
    if (!Allows(condition, edit->ExpiryOf(field), *at_ms)) {
      context.reply.Integer(kConditionNotMet);
      continue;
    }
    if (deletes) {
      edit->Erase(field, unit.now_ms());
    } else {
      edit->SetExpiry(field, *at_ms);
    }
    changed.push_back(field);
    context.reply.Integer(deletes ? kDeleted : kDone);
  }
  if (changed.empty()) return;
  const bool is_gone = edit.Commit(changed.size());
  unit.Notify(kNotifyHash, deletes ? "hdel" : "hexpire", key);
  if (is_gone) unit.Notify(kNotifyGeneric, "del", key);
  if (deletes) {
    ReplicateDeletion(unit, key, changed);
  } else {
    ReplicateFields(unit, "HPEXPIREAT", key, *at_ms, changed);
  }
}

void HExpire(CommandContext& context) { Expire(context, {TimeUnit::kSeconds, true}); }
void HExpireAt(CommandContext& context) { Expire(context, {TimeUnit::kSeconds, false}); }
void HPExpire(CommandContext& context) { Expire(context, {TimeUnit::kMilliseconds, true}); }
void HPExpireAt(CommandContext& context) { Expire(context, {TimeUnit::kMilliseconds, false}); }

void HPersist(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const auto found = FindHash(context, key);
  if (!found) return;
  const auto fields = ReadFields(context, 2, kBadFieldCount);
  if (!fields) return;
  if (!*found) return ReplyEach(context, fields->size(), kNoSuchField);

  Edit<HashValue> edit(unit, key, *found);
  std::vector<std::string_view> changed;
  context.reply.Array(fields->size());
  for (const std::string_view field : *fields) {
    if (!edit->Contains(field, unit.now_ms())) {
      context.reply.Integer(kNoSuchField);
    } else if (!edit->ClearExpiry(field)) {
      context.reply.Integer(kNoTime);
    } else {
      changed.push_back(field);
      context.reply.Integer(kDone);
    }
  }
  if (changed.empty()) return;
  edit.Commit(changed.size());
  unit.Notify(kNotifyHash, "hpersist", key);
  ReplicateFields(unit, "HPERSIST", key, std::nullopt, changed);
}

// ---------------------------------------------------------------- HTTL and its kin

/// `is_relative`: the time that is left instead of the time of day.
void ReplyTimes(CommandContext& context, TimeForm form) {
  const auto found = ReadHash(context, context.arg(1));
  if (!found) return;
  const auto fields = ReadFields(context, 2, kBadFieldCount);
  if (!fields) return;
  if (!*found) return ReplyEach(context, fields->size(), kNoSuchField);

  const int64_t now_ms = context.unit.now_ms();
  context.reply.Array(fields->size());
  for (const std::string_view field : *fields) {
    const int64_t at_ms = found->value->ExpiryOf(field);
    if (!found->value->Contains(field, now_ms)) {
      context.reply.Integer(kNoSuchField);
    } else if (at_ms == HashValue::kNoExpiry) {
      context.reply.Integer(kNoTime);
    } else {
      const int64_t ms = form.is_relative ? at_ms - now_ms : at_ms;
      context.reply.Integer(form.unit == TimeUnit::kSeconds ? (ms + 999) / 1000 : ms);
    }
  }
}

void HTtl(CommandContext& context) { ReplyTimes(context, {TimeUnit::kSeconds, true}); }
void HPTtl(CommandContext& context) { ReplyTimes(context, {TimeUnit::kMilliseconds, true}); }
void HExpireTime(CommandContext& context) { ReplyTimes(context, {TimeUnit::kSeconds, false}); }
void HPExpireTime(CommandContext& context) {
  ReplyTimes(context, {TimeUnit::kMilliseconds, false});
}

// ---------------------------------------------------------------- HGETDEL, HGETEX

void HGetDel(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const auto found = FindHash(context, key);
  if (!found) return;
  const auto fields = ReadFields(context, 2, kBadFieldCount);
  if (!fields) return;
  context.reply.Array(fields->size());
  if (!*found) {
    for (size_t i = 0; i < fields->size(); ++i) context.reply.Null();
    return;
  }
  Edit<HashValue> edit(unit, key, *found);
  std::vector<std::string_view> deleted;
  for (const std::string_view field : *fields) {
    ReplyField(context, &*edit, field);
    if (edit->Erase(field, unit.now_ms())) deleted.push_back(field);
  }
  if (deleted.empty()) return;
  const bool is_gone = edit.Commit(deleted.size());
  unit.Notify(kNotifyHash, "hdel", key);
  if (is_gone) unit.Notify(kNotifyGeneric, "del", key);
  ReplicateDeletion(unit, key, deleted);
}

void HGetEx(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const auto found = FindHash(context, key);
  if (!found) return;
  std::optional<int64_t> at_ms;
  size_t fields_at = 2;
  const bool persists = EqualsIgnoreCase(context.arg(2), "persist");
  if (const auto form = ReadTimeForm(context.arg(2))) {
    const Result<int64_t> read = ReadFieldTime(context, context.arg(3), *form);
    if (!read.ok()) return context.Fail(read.error());
    at_ms = *read;
    fields_at = 4;
  } else if (persists) {
    fields_at = 3;
  }
  const auto fields = ReadFields(context, fields_at, kBadFieldCount);
  if (!fields) return;

  context.reply.Array(fields->size());
  if (!*found || (!at_ms && !persists)) {
    for (const std::string_view field : *fields) ReplyField(context, found->value, field);
    return;
  }
  Edit<HashValue> edit(unit, key, *found);
  std::vector<std::string_view> changed;
  const bool deletes = at_ms && *at_ms <= unit.now_ms();
  for (const std::string_view field : *fields) {
    ReplyField(context, &*edit, field);
    if (!edit->Contains(field, unit.now_ms())) continue;
    if (deletes) {
      edit->Erase(field, unit.now_ms());
    } else if (at_ms) {
      edit->SetExpiry(field, *at_ms);
    } else if (!edit->ClearExpiry(field)) {
      continue;
    }
    changed.push_back(field);
  }
  if (changed.empty()) return;
  const bool is_gone = edit.Commit(changed.size());
  unit.Notify(kNotifyHash, deletes ? "hdel" : at_ms ? "hexpire" : "hpersist", key);
  if (is_gone) unit.Notify(kNotifyGeneric, "del", key);
  if (deletes) {
    ReplicateDeletion(unit, key, changed);
  } else {
    ReplicateFields(unit, at_ms ? "HPEXPIREAT" : "HPERSIST", key, at_ms, changed);
  }
}

// ---------------------------------------------------------------- HSETEX

struct SetExOptions {
  bool only_if_none_exists = false;  // FNX
  bool only_if_all_exist = false;    // FXX
  bool keeps_time = false;           // KEEPTTL
  std::optional<int64_t> at_ms;
  Strings pairs;
};

/// False with an error replied.
bool ReadSetExOptions(CommandContext& context, SetExOptions& out) {
  const auto fail = [&](const Error& error) {
    context.Fail(error);
    return false;
  };
  const Error wrong_arity = errors::WrongArity(context.command.spec.name);
  const size_t size = context.args.size();
  for (size_t i = 2; i < size; ++i) {
    const std::string_view option = context.arg(i);
    if (EqualsIgnoreCase(option, "fields")) {
      if (i + 3 >= size) return fail(wrong_arity);
      const std::optional<int64_t> count = ParseInt64(context.arg(i + 1));
      if (!count || *count < 1 || *count > INT32_MAX) return fail(kBadFieldCountOfSet);
      out.pairs = context.args.subspan(i + 2);
      if (out.pairs.size() != 2 * static_cast<uint64_t>(*count)) return fail(wrong_arity);
      return true;
    }
    if (EqualsIgnoreCase(option, "fnx") || EqualsIgnoreCase(option, "fxx")) {
      if (out.only_if_none_exists || out.only_if_all_exist) return fail(kTwoConditions);
      (EqualsIgnoreCase(option, "fnx") ? out.only_if_none_exists : out.only_if_all_exist) = true;
      continue;
    }
    const std::optional<TimeForm> form = ReadTimeForm(option);
    if (!form && !EqualsIgnoreCase(option, "keepttl")) {
      return fail(Error::Owned("ERR unknown argument: " + std::string(option)));
    }
    if (out.keeps_time || out.at_ms) return fail(kTwoTimes);
    if (!form) {
      out.keeps_time = true;
      continue;
    }
    if (++i == size) return fail(kMissingTime);
    const Result<int64_t> at_ms = ReadFieldTime(context, context.arg(i), *form);
    if (!at_ms.ok()) return fail(at_ms.error());
    out.at_ms = *at_ms;
  }
  return fail(wrong_arity);
}

bool MayBeSet(const SetExOptions& options, const HashValue* hash, int64_t now_ms) {
  if (!options.only_if_none_exists && !options.only_if_all_exist) return true;
  for (size_t i = 0; i < options.pairs.size(); i += 2) {
    const bool exists = hash != nullptr && hash->Contains(options.pairs[i], now_ms);
    if (exists == options.only_if_none_exists) return false;
  }
  return true;
}

/// Fields with a time are told one by one, since each may have kept another.
void ReplicateSetEx(Unit& unit, std::string_view key, const SetExOptions& options,
                    const HashValue& hash) {
  if (!unit.collects_effects()) return;
  std::vector<std::string_view> plain = {"HSET", key};
  for (size_t i = 0; i < options.pairs.size(); i += 2) {
    const std::string_view field = options.pairs[i];
    const std::string_view value = options.pairs[i + 1];
    const int64_t at_ms = hash.ExpiryOf(field);
    if (at_ms == HashValue::kNoExpiry) {
      plain.insert(plain.end(), {field, value});
    } else {
      unit.Replicate("HSETEX", key, "PXAT", at_ms, "FIELDS", 1, field, value);
    }
  }
  if (plain.size() > 2) unit.Replicate(Strings(plain));
}

void HSetEx(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  SetExOptions options;
  if (!ReadSetExOptions(context, options)) return;
  const auto found = FindHash(context, key);
  if (!found) return;
  if (!MayBeSet(options, found->value, unit.now_ms())) return context.reply.Integer(0);

  Edit<HashValue> edit = EditHash(context, key, *found);
  const bool deletes = options.at_ms && *options.at_ms <= unit.now_ms();
  const FieldTime time = options.keeps_time ? FieldTime::kKeep : FieldTime::kClear;
  std::vector<std::string_view> deleted;
  for (size_t i = 0; i < options.pairs.size(); i += 2) {
    const std::string_view field = options.pairs[i];
    edit->Set(field, options.pairs[i + 1], context.server.config().encoding, unit.now_ms(), time);
    if (deletes) {
      edit->Erase(field, unit.now_ms());
      deleted.push_back(field);
    } else if (options.at_ms) {
      edit->SetExpiry(field, *options.at_ms);
    }
  }
  if (!deletes) ReplicateSetEx(unit, key, options, *edit);
  const bool is_gone = edit.Commit(options.pairs.size() / 2);
  unit.Notify(kNotifyHash, "hset", key);
  if (options.at_ms) unit.Notify(kNotifyHash, deletes ? "hdel" : "hexpire", key);
  if (is_gone) unit.Notify(kNotifyGeneric, "del", key);
  ReplicateDeletion(unit, key, deleted);
  context.reply.Integer(1);
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kUpdateKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kUpdate)};
constexpr KeySpec kReadKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr KeySpec kGetDelKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kDelete)};
constexpr KeySpec kGetExKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kUpdate)};

constexpr ArgSpec kKeyArg = {.name = "key", .type = ArgType::kKey, .key_spec_index = 0};
constexpr ArgSpec kFieldList[] = {{.name = "numfields", .type = ArgType::kInteger},
                                  {.name = "field", .type = ArgType::kString, .is_multiple = true}};
constexpr ArgSpec kFieldsArg = {
    .name = "fields", .type = ArgType::kBlock, .token = "FIELDS", .children = kFieldList};
constexpr ArgSpec kConditions[] = {{.name = "nx", .type = ArgType::kPureToken, .token = "NX"},
                                   {.name = "xx", .type = ArgType::kPureToken, .token = "XX"},
                                   {.name = "gt", .type = ArgType::kPureToken, .token = "GT"},
                                   {.name = "lt", .type = ArgType::kPureToken, .token = "LT"}};
constexpr ArgSpec kConditionArg = {
    .name = "condition", .type = ArgType::kOneOf, .is_optional = true, .children = kConditions};
constexpr ArgSpec kHExpireArgs[] = {
    kKeyArg, {.name = "seconds", .type = ArgType::kInteger}, kConditionArg, kFieldsArg};
constexpr ArgSpec kHPExpireArgs[] = {
    kKeyArg, {.name = "milliseconds", .type = ArgType::kInteger}, kConditionArg, kFieldsArg};
constexpr ArgSpec kHExpireAtArgs[] = {
    kKeyArg, {.name = "unix-time-seconds", .type = ArgType::kUnixTime}, kConditionArg, kFieldsArg};
constexpr ArgSpec kHPExpireAtArgs[] = {
    kKeyArg,
    {.name = "unix-time-milliseconds", .type = ArgType::kUnixTime},
    kConditionArg,
    kFieldsArg};
constexpr ArgSpec kFieldsArgs[] = {kKeyArg, kFieldsArg};
constexpr ArgSpec kGetExTimes[] = {
    {.name = "seconds", .type = ArgType::kInteger, .token = "EX"},
    {.name = "milliseconds", .type = ArgType::kInteger, .token = "PX"},
    {.name = "unix-time-seconds", .type = ArgType::kUnixTime, .token = "EXAT"},
    {.name = "unix-time-milliseconds", .type = ArgType::kUnixTime, .token = "PXAT"},
    {.name = "persist", .type = ArgType::kPureToken, .token = "PERSIST"}};
constexpr ArgSpec kHGetExArgs[] = {
    kKeyArg,
    {.name = "expiration", .type = ArgType::kOneOf, .is_optional = true, .children = kGetExTimes},
    kFieldsArg};
constexpr ArgSpec kSetExConditions[] = {
    {.name = "fnx", .type = ArgType::kPureToken, .token = "FNX"},
    {.name = "fxx", .type = ArgType::kPureToken, .token = "FXX"}};
constexpr ArgSpec kSetExTimes[] = {
    {.name = "seconds", .type = ArgType::kInteger, .token = "EX"},
    {.name = "milliseconds", .type = ArgType::kInteger, .token = "PX"},
    {.name = "unix-time-seconds", .type = ArgType::kUnixTime, .token = "EXAT"},
    {.name = "unix-time-milliseconds", .type = ArgType::kUnixTime, .token = "PXAT"},
    {.name = "keepttl", .type = ArgType::kPureToken, .token = "KEEPTTL"}};
constexpr ArgSpec kPair[] = {{.name = "field", .type = ArgType::kString},
                             {.name = "value", .type = ArgType::kString}};
constexpr ArgSpec kPairList[] = {
    {.name = "numfields", .type = ArgType::kInteger},
    {.name = "data", .type = ArgType::kBlock, .is_multiple = true, .children = kPair}};
constexpr ArgSpec kHSetExArgs[] = {
    kKeyArg,
    {.name = "condition",
     .type = ArgType::kOneOf,
     .is_optional = true,
     .children = kSetExConditions},
    {.name = "expiration", .type = ArgType::kOneOf, .is_optional = true, .children = kSetExTimes},
    {.name = "fields", .type = ArgType::kBlock, .token = "FIELDS", .children = kPairList}};

constexpr std::string_view kComplexity = "O(N) where N is the number of fields named";
constexpr Flag kWriteFlags = Flag::kWrite | Flag::kFast;
constexpr Flag kGrowFlags = Flag::kWrite | Flag::kDenyOom | Flag::kFast;
constexpr Flag kReadFlags = Flag::kReadonly | Flag::kFast;
constexpr Acl kWriteAcl = Acl::kWrite | Acl::kHash | Acl::kFast;
constexpr Acl kReadAcl = Acl::kRead | Acl::kHash | Acl::kFast;

constexpr Command kRows[] = {
    {.spec = {.name = "hexpire",
              .arity = -6,
              .group = Group::kHash,
              .since = "7.4.0",
              .flags = kGrowFlags,
              .keys = kUpdateKeys,
              .acl = kWriteAcl,
              .complexity = kComplexity,
              .summary = "Gives fields of a hash a time to live in seconds.",
              .arguments = kHExpireArgs},
     .run = HExpire},
    {.spec = {.name = "hexpireat",
              .arity = -6,
              .group = Group::kHash,
              .since = "7.4.0",
              .flags = kGrowFlags,
              .keys = kUpdateKeys,
              .acl = kWriteAcl,
              .complexity = kComplexity,
              .summary = "Sets the time at which fields of a hash go, in seconds of Unix time.",
              .arguments = kHExpireAtArgs},
     .run = HExpireAt},
    {.spec = {.name = "hexpiretime",
              .arity = -5,
              .group = Group::kHash,
              .since = "7.4.0",
              .flags = kReadFlags,
              .keys = kReadKeys,
              .acl = kReadAcl,
              .complexity = kComplexity,
              .summary = "Returns the times at which fields of a hash go, in seconds of Unix time.",
              .arguments = kFieldsArgs},
     .run = HExpireTime},
    {.spec = {.name = "hgetdel",
              .arity = -5,
              .group = Group::kHash,
              .since = "8.0.0",
              .flags = kWriteFlags,
              .keys = kGetDelKeys,
              .acl = kWriteAcl,
              .complexity = kComplexity,
              .summary = "Returns the values of fields of a hash and deletes the fields.",
              .arguments = kFieldsArgs},
     .run = HGetDel},
    {.spec = {.name = "hgetex",
              .arity = -5,
              .group = Group::kHash,
              .since = "8.0.0",
              .flags = kWriteFlags,
              .keys = kGetExKeys,
              .acl = kWriteAcl,
              .complexity = kComplexity,
              .summary =
                  "Returns the values of fields of a hash and may change when the fields go.",
              .arguments = kHGetExArgs},
     .run = HGetEx},
    {.spec = {.name = "hpersist",
              .arity = -5,
              .group = Group::kHash,
              .since = "7.4.0",
              .flags = kWriteFlags,
              .keys = kUpdateKeys,
              .acl = kWriteAcl,
              .complexity = kComplexity,
              .summary = "Takes the time to live from fields of a hash.",
              .arguments = kFieldsArgs},
     .run = HPersist},
    {.spec = {.name = "hpexpire",
              .arity = -6,
              .group = Group::kHash,
              .since = "7.4.0",
              .flags = kGrowFlags,
              .keys = kUpdateKeys,
              .acl = kWriteAcl,
              .complexity = kComplexity,
              .summary = "Gives fields of a hash a time to live in milliseconds.",
              .arguments = kHPExpireArgs},
     .run = HPExpire},
    {.spec = {.name = "hpexpireat",
              .arity = -6,
              .group = Group::kHash,
              .since = "7.4.0",
              .flags = kGrowFlags,
              .keys = kUpdateKeys,
              .acl = kWriteAcl,
              .complexity = kComplexity,
              .summary =
                  "Sets the time at which fields of a hash go, in milliseconds of Unix time.",
              .arguments = kHPExpireAtArgs},
     .run = HPExpireAt},
    {.spec = {.name = "hpexpiretime",
              .arity = -5,
              .group = Group::kHash,
              .since = "7.4.0",
              .flags = kReadFlags,
              .keys = kReadKeys,
              .acl = kReadAcl,
              .complexity = kComplexity,
              .summary =
                  "Returns the times at which fields of a hash go, in milliseconds of Unix time.",
              .arguments = kFieldsArgs},
     .run = HPExpireTime},
    {.spec = {.name = "hpttl",
              .arity = -5,
              .group = Group::kHash,
              .since = "7.4.0",
              .flags = kReadFlags,
              .keys = kReadKeys,
              .acl = kReadAcl,
              .complexity = kComplexity,
              .summary = "Returns the time that fields of a hash have left in milliseconds.",
              .arguments = kFieldsArgs},
     .run = HPTtl},
    {.spec = {.name = "hsetex",
              .arity = -6,
              .group = Group::kHash,
              .since = "8.0.0",
              .flags = kGrowFlags,
              .keys = kUpdateKeys,
              .acl = kWriteAcl,
              .complexity = kComplexity,
              .summary = "Sets fields of a hash and may set when they go.",
              .arguments = kHSetExArgs},
     .run = HSetEx},
    {.spec = {.name = "httl",
              .arity = -5,
              .group = Group::kHash,
              .since = "7.4.0",
              .flags = kReadFlags,
              .keys = kReadKeys,
              .acl = kReadAcl,
              .complexity = kComplexity,
              .summary = "Returns the time that fields of a hash have left in seconds.",
              .arguments = kFieldsArgs},
     .run = HTtl},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> HashExpiryCommands() { return kRows; }

}  // namespace peal::broker
