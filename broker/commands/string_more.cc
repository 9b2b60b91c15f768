// Commands on strings that compare them, or set them under conditions. Source of LCS: Redis 7.2,
// observed on 7.0.15. DELEX, DIGEST and MSETEX: Redis 8.4; INCREX: Redis 8.8; DELIFEQ: Valkey 9.0;
// each as documented.
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
#include "protocol/base/wide.h"
#include "store/value/common_subsequence.h"

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
using store::Entry;
using store::ExpirePolicy;
using store::StringSlice;

namespace errors = protocol::errors;

constexpr Error kMustBeStrings = Error::Static("ERR The specified keys must contain string values");
constexpr Error kLengthAndIndexes =
    Error::Static("ERR If you want both the length and indexes, please just use IDX.");
constexpr Error kTooLongForLcs = Error::Static("ERR String too long for LCS");
constexpr Error kTooMuchForLcs =
    Error::Static("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
constexpr Error kConditionNeedsString =
    Error::Static("ERR Key should be of string type if conditions are specified");
constexpr Error kBadCondition =
    Error::Static("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");
constexpr Error kBadNumKeys = Error::Static("ERR invalid numkeys value");
constexpr Error kBadPairs = Error::Static("ERR wrong number of key-value pairs");
constexpr Error kEnxNeedsExpiry = Error::Static("ERR ENX flag requires an expiration");
constexpr Error kBoundsCross = Error::Static("ERR LBOUND can't be greater than UBOUND");
constexpr Error kInfiniteIncrement = Error::Static("ERR BYFLOAT increment cannot be Infinity");
constexpr Error kInfiniteValue = Error::Static("ERR value cannot be Infinity");
constexpr Error kAppliedOverflows = Error::Static("ERR applied increment would overflow");

// ---------------------------------------------------------------- LCS

struct LcsOptions {
  bool length = false;
  bool indexes = false;
  bool with_match_length = false;
  int64_t min_match_length = 0;
};

/// Reads the options of LCS, or replies with an error.
bool ReadLcsOptions(CommandContext& context, LcsOptions& options) {
  for (size_t i = 3; i < context.args.size(); ++i) {
    const std::string_view word = context.arg(i);
    if (EqualsIgnoreCase(word, "idx")) {
      options.indexes = true;
    } else if (EqualsIgnoreCase(word, "len")) {
      options.length = true;
    } else if (EqualsIgnoreCase(word, "withmatchlen")) {
      options.with_match_length = true;
    } else if (EqualsIgnoreCase(word, "minmatchlen") && i + 1 < context.args.size()) {
      const std::optional<int64_t> least = ParseInt64(context.arg(++i));
      if (!least) {
        context.Fail(errors::kNotInteger);
        return false;
      }
      options.min_match_length = *least;
    } else {
      context.Fail(errors::kSyntax);
      return false;
    }
  }
  if (options.indexes && options.length) {
    context.Fail(kLengthAndIndexes);
    return false;
  }
  return true;
}

void ReplyRuns(CommandContext& context, const store::CommonSubsequence& found,
               const LcsOptions& options) {
  protocol::ReplyWriter& reply = context.reply;
  const auto is_wanted = [&](const store::SharedRun& run) {
    return int64_t{run.length()} >= options.min_match_length;
  };
  size_t count = 0;
  for (const store::SharedRun& run : found.runs) count += is_wanted(run) ? 1 : 0;
  reply.Map(2);
  reply.Bulk("matches");
  reply.Array(count);
  for (const store::SharedRun& run : found.runs) {
    if (!is_wanted(run)) continue;
    reply.Array(options.with_match_length ? 3 : 2);
    reply.Array(2);
    reply.Integer(run.a_first);
    reply.Integer(run.a_last);
    reply.Array(2);
    reply.Integer(run.b_first);
    reply.Integer(run.b_last);
    if (options.with_match_length) reply.Integer(run.length());
  }
  reply.Bulk("len");
  reply.Integer(static_cast<int64_t>(found.length));
}

void Lcs(CommandContext& context) {
  const Entry* const first = context.unit.FindForRead(context.arg(1));
  const Entry* const second = context.unit.FindForRead(context.arg(2));
  if ((first != nullptr && !first->is_string()) || (second != nullptr && !second->is_string())) {
    return context.Fail(kMustBeStrings);
  }
  LcsOptions options;
  if (!ReadLcsOptions(context, options)) return;
  StringSlice a;
  StringSlice b;
  if (first != nullptr) store::Stripe::ReadString(*first, a);
  if (second != nullptr) store::Stripe::ReadString(*second, b);
  constexpr uint64_t kLongest = std::numeric_limits<uint32_t>::max() - 1;
  if (a.bytes.size() >= kLongest || b.bytes.size() >= kLongest) {
    return context.Fail(kTooLongForLcs);
  }
  // The size of the table Redis would make, since its limit bounds the time as well.
  const auto cells = static_cast<protocol::Uint128>(a.bytes.size() + 1) * (b.bytes.size() + 1);
  if (cells * sizeof(uint32_t) > context.server.config().proto_max_bulk_len) {
    return context.Fail(kTooMuchForLcs);
  }
  const store::CommonSubsequence found =
      store::FindCommonSubsequence(a.bytes, b.bytes, !options.length);
  if (options.indexes) {
    ReplyRuns(context, found, options);
  } else if (options.length) {
    context.reply.Integer(static_cast<int64_t>(found.length));
  } else {
    context.reply.Bulk(found.text);
  }
}

// ---------------------------------------------------------------- conditions

void Digest(CommandContext& context) {
  const Entry* const entry = context.unit.FindForRead(context.arg(1));
  if (entry == nullptr) return context.reply.Null();
  if (!entry->is_string()) return context.Fail(errors::kWrongType);
  StringSlice slice;
  store::Stripe::ReadString(*entry, slice);
  context.reply.Bulk(DigestText(slice.bytes));
}

void DeleteAndReply(CommandContext& context, std::string_view key) {
  context.unit.Delete(key);
  context.unit.Notify(kNotifyGeneric, "del", key);
  context.unit.Replicate("DEL", key);
  context.reply.Integer(1);
}

void DelEx(CommandContext& context) {
  if (context.args.size() != 2 && context.args.size() != 4) {
    return context.Fail(errors::WrongArity(context.command.spec.name));
  }
  const std::string_view key = context.arg(1);
  const Entry* const entry = context.unit.FindForWrite(key);
  if (entry == nullptr) return context.reply.Integer(0);
  if (context.args.size() == 4) {
    if (!entry->is_string()) return context.Fail(kConditionNeedsString);
    const std::optional<ValueCondition> condition = ReadValueCondition(context.arg(2));
    if (!condition) return context.Fail(kBadCondition);
    const Result<bool> is_met = Meets(*entry, *condition, context.arg(3));
    if (!is_met.ok()) return context.Fail(is_met.error());
    if (!*is_met) return context.reply.Integer(0);
  }
  DeleteAndReply(context, key);
}

void DelIfEq(CommandContext& context) {
  const std::string_view key = context.arg(1);
  const Entry* const entry = context.unit.FindForWrite(key);
  if (entry == nullptr) return context.reply.Integer(0);
  if (!entry->is_string()) return context.Fail(errors::kWrongType);
  const Result<bool> is_equal = Meets(*entry, ValueCondition::kEqual, context.arg(2));
  if (!*is_equal) return context.reply.Integer(0);
  DeleteAndReply(context, key);
}

// ---------------------------------------------------------------- times to live

/// EX, PX, EXAT or PXAT with its number.
struct ExpireOption {
  TimeUnit unit = TimeUnit::kSeconds;
  bool is_relative = false;
  std::string_view text;
};

/// Reads args[at] and the number behind it, and moves `at` to that; nothing if it is another word.
std::optional<ExpireOption> ReadExpireOption(const CommandContext& context, size_t& at) {
  const std::string_view word = context.arg(at);
  const bool is_ex = EqualsIgnoreCase(word, "ex");
  const bool is_px = EqualsIgnoreCase(word, "px");
  const bool is_exat = EqualsIgnoreCase(word, "exat");
  if (!is_ex && !is_px && !is_exat && !EqualsIgnoreCase(word, "pxat")) return std::nullopt;
  if (at + 1 >= context.args.size()) return std::nullopt;
  ExpireOption option;
  option.unit = is_ex || is_exat ? TimeUnit::kSeconds : TimeUnit::kMilliseconds;
  option.is_relative = is_ex || is_px;
  option.text = context.arg(++at);
  return option;
}

Result<int64_t> TimeOf(const CommandContext& context, const ExpireOption& option) {
  return ReadExpireTime(option.text, option.unit, option.is_relative, context.unit.now_ms(),
                        context.command.spec.name);
}

void MSetEx(CommandContext& context) {
  Unit& unit = context.unit;
  const std::optional<int64_t> count = ParseInt64(context.arg(1));
  if (!count || *count < 1 || *count > std::numeric_limits<int32_t>::max()) {
    return context.Fail(kBadNumKeys);
  }
  const auto pairs = static_cast<size_t>(*count);
  if (pairs > (context.args.size() - 2) / 2) return context.Fail(kBadPairs);
  const size_t end = 2 + 2 * pairs;
  bool nx = false;
  bool xx = false;
  bool keep_ttl = false;
  std::optional<ExpireOption> expire;
  for (size_t i = end; i < context.args.size(); ++i) {
    const std::string_view word = context.arg(i);
    if (EqualsIgnoreCase(word, "nx") && !xx) {
      nx = true;
    } else if (EqualsIgnoreCase(word, "xx") && !nx) {
      xx = true;
    } else if (EqualsIgnoreCase(word, "keepttl") && !expire) {
      keep_ttl = true;
    } else {
      if (keep_ttl || expire) return context.Fail(errors::kSyntax);
      expire = ReadExpireOption(context, i);
      if (!expire) return context.Fail(errors::kSyntax);
    }
  }
  ExpirePolicy policy = keep_ttl ? ExpirePolicy::Keep() : ExpirePolicy::Clear();
  if (expire) {
    const Result<int64_t> at_ms = TimeOf(context, *expire);
    if (!at_ms.ok()) return context.Fail(at_ms.error());
    policy = ExpirePolicy::At(*at_ms);
  }
  if (nx || xx) {
    for (size_t i = 2; i < end; i += 2) {
      if ((unit.FindForWrite(context.arg(i)) != nullptr) == nx) return context.reply.Integer(0);
    }
  }
  for (size_t i = 2; i < end; i += 2) {
    const std::string_view key = context.arg(i);
    const std::string_view value = context.arg(i + 1);
    unit.SetString(key, value, policy);
    unit.Notify(kNotifyString, "set", key);
    if (expire) {
      unit.Notify(kNotifyGeneric, "expire", key);
      unit.Replicate("SET", key, value, "PXAT", policy.at_ms);
    } else if (keep_ttl) {
      unit.Replicate("SET", key, value, "KEEPTTL");
    } else {
      unit.Replicate("SET", key, value);
    }
  }
  context.reply.Integer(1);
}

// ---------------------------------------------------------------- INCREX

struct IncrOptions {
  bool is_float = false;
  bool saturates = false;
  bool persists = false;
  bool only_without_ttl = false;
  std::optional<std::string_view> increment;
  std::optional<std::string_view> lower;
  std::optional<std::string_view> upper;
  std::optional<ExpireOption> expire;
};

/// False on a syntax error.
bool ReadIncrOptions(const CommandContext& context, IncrOptions& options) {
  const auto take = [&](std::optional<std::string_view>& into, size_t& at) {
    if (into || at + 1 >= context.args.size()) return false;
    into = context.arg(++at);
    return true;
  };
  for (size_t i = 2; i < context.args.size(); ++i) {
    const std::string_view word = context.arg(i);
    if (EqualsIgnoreCase(word, "byint") || EqualsIgnoreCase(word, "byfloat")) {
      options.is_float = word.size() == 7;
      if (!take(options.increment, i)) return false;
    } else if (EqualsIgnoreCase(word, "lbound")) {
      if (!take(options.lower, i)) return false;
    } else if (EqualsIgnoreCase(word, "ubound")) {
      if (!take(options.upper, i)) return false;
    } else if (EqualsIgnoreCase(word, "saturate") && !options.saturates) {
      options.saturates = true;
    } else if (EqualsIgnoreCase(word, "enx") && !options.persists && !options.only_without_ttl) {
      options.only_without_ttl = true;
    } else if (EqualsIgnoreCase(word, "persist") && !options.persists && !options.expire &&
               !options.only_without_ttl) {
      options.persists = true;
    } else {
      if (options.expire || options.persists) return false;
      options.expire = ReadExpireOption(context, i);
      if (!options.expire) return false;
    }
  }
  return true;
}

/// How INCREX counts: in 64-bit integers.
struct IntCounting {
  using Number = int64_t;
  static constexpr Number kLeast = std::numeric_limits<int64_t>::min();
  static constexpr Number kMost = std::numeric_limits<int64_t>::max();
  static constexpr const char* kEvent = "incrby";

  static std::optional<Number> Parse(std::string_view text) { return ParseInt64(text); }
  static const Error& NoNumber() { return errors::kNotInteger; }
  static Error BadBound(std::string_view name) {
    return Error::Owned("ERR " + std::string(name) + " is not an integer or out of range");
  }
  static bool IsInfinite(Number) { return false; }
  /// `a` + `b` inside [lower, upper]; nullopt, with `nearest` set, if it is outside.
  static std::optional<Number> Add(Number a, Number b, Number lower, Number upper,
                                   Number& nearest) {
    const protocol::Int128 sum = static_cast<protocol::Int128>(a) + b;
    nearest = sum > upper ? upper : lower;
    if (sum < lower || sum > upper) return std::nullopt;
    return static_cast<Number>(sum);
  }
  static std::optional<Number> Difference(Number a, Number b) {
    Number difference = 0;
    if (__builtin_sub_overflow(a, b, &difference)) return std::nullopt;
    return difference;
  }
  static std::string Format(Number number) { return std::to_string(number); }
  static void Reply(CommandContext& context, Number number) { context.reply.Integer(number); }
};

/// In long doubles, as INCRBYFLOAT.
struct FloatCounting {
  using Number = long double;
  static constexpr Number kLeast = std::numeric_limits<long double>::lowest();
  static constexpr Number kMost = std::numeric_limits<long double>::max();
  static constexpr const char* kEvent = "incrbyfloat";

  static std::optional<Number> Parse(std::string_view text) {
    return protocol::ParseLongDouble(text);
  }
  static const Error& NoNumber() { return errors::kNotFloat; }
  static Error BadBound(std::string_view name) {
    return Error::Owned("ERR " + std::string(name) + " is not a valid float");
  }
  static bool IsInfinite(Number number) { return std::isinf(number); }
  static std::optional<Number> Add(Number a, Number b, Number lower, Number upper,
                                   Number& nearest) {
    const Number sum = a + b;
    nearest = sum > upper ? upper : lower;
    if (!(sum >= lower && sum <= upper)) return std::nullopt;
    return sum;
  }
  static std::optional<Number> Difference(Number a, Number b) {
    const Number difference = a - b;
    if (!std::isfinite(difference)) return std::nullopt;
    return difference;
  }
  static std::string Format(Number number) { return protocol::FormatLongDoubleHuman(number); }
  static void Reply(CommandContext& context, Number number) {
    if (context.reply.version() == protocol::RespVersion::k3) {
      context.reply.Double(static_cast<double>(number));
    } else {
      context.reply.Bulk(Format(number));
    }
  }
};

template <typename Counting>
void IncrExBy(CommandContext& context, const IncrOptions& options) {
  using Number = typename Counting::Number;
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);

  const std::optional<Number> increment = Counting::Parse(options.increment.value_or("1"));
  if (!increment) return context.Fail(Counting::NoNumber());
  if (Counting::IsInfinite(*increment)) return context.Fail(kInfiniteIncrement);
  const std::optional<Number> lower =
      options.lower ? Counting::Parse(*options.lower) : Counting::kLeast;
  if (!lower || Counting::IsInfinite(*lower)) return context.Fail(Counting::BadBound("LBOUND"));
  const std::optional<Number> upper =
      options.upper ? Counting::Parse(*options.upper) : Counting::kMost;
  if (!upper || Counting::IsInfinite(*upper)) return context.Fail(Counting::BadBound("UBOUND"));
  if (*lower > *upper) return context.Fail(kBoundsCross);
  int64_t at_ms = Entry::kNoExpiry;
  if (options.expire) {
    const Result<int64_t> read = TimeOf(context, *options.expire);
    if (!read.ok()) return context.Fail(read.error());
    at_ms = *read;
  }

  const Entry* const entry = unit.FindForWrite(key);
  Number before = 0;
  if (entry != nullptr) {
    if (!entry->is_string()) return context.Fail(errors::kWrongType);
    StringSlice slice;
    store::Stripe::ReadString(*entry, slice);
    const std::optional<Number> stored = Counting::Parse(slice.bytes);
    if (!stored) return context.Fail(Counting::NoNumber());
    if (Counting::IsInfinite(*stored)) return context.Fail(kInfiniteValue);
    before = *stored;
  }
  Number nearest = 0;
  std::optional<Number> now = Counting::Add(before, *increment, *lower, *upper, nearest);
  if (!now && !options.saturates) {
    context.reply.Array(2);
    Counting::Reply(context, before);
    return Counting::Reply(context, 0);
  }
  if (!now) now = nearest;
  const std::optional<Number> applied = Counting::Difference(*now, before);
  if (!applied) return context.Fail(kAppliedOverflows);

  const bool has_ttl = entry != nullptr && entry->has_expiry();
  const bool sets_ttl = options.expire && !(options.only_without_ttl && has_ttl);
  const std::string text = Counting::Format(*now);
  ExpirePolicy policy = ExpirePolicy::Keep();
  if (options.persists) policy = ExpirePolicy::Clear();
  if (sets_ttl) policy = ExpirePolicy::At(at_ms);
  unit.SetString(key, std::string_view(text), policy);
  unit.Notify(kNotifyString, Counting::kEvent, key);
  if (sets_ttl) {
    unit.Notify(kNotifyGeneric, "expire", key);
    unit.Replicate("SET", key, text, "PXAT", at_ms);
  } else if (options.persists) {
    if (has_ttl) unit.Notify(kNotifyGeneric, "persist", key);
    unit.Replicate("SET", key, text);
  } else {
    unit.Replicate("SET", key, text, "KEEPTTL");
  }
  context.reply.Array(2);
  Counting::Reply(context, *now);
  Counting::Reply(context, *applied);
}

void IncrEx(CommandContext& context) {
  IncrOptions options;
  if (!ReadIncrOptions(context, options)) return context.Fail(errors::kSyntax);
  if (options.only_without_ttl && !options.expire) return context.Fail(kEnxNeedsExpiry);
  if (options.is_float) {
    IncrExBy<FloatCounting>(context, options);
  } else {
    IncrExBy<IntCounting>(context, options);
  }
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kReadKey[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr KeySpec kDeleteKey[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kDelete)};
constexpr KeySpec kDelexKey[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kDelete | KeyFlag::kVariable)};
constexpr KeySpec kIncrexKey[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kUpdate)};
constexpr KeySpec kLcsKeys[] = {KeySpec::Range(1, 2, 1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr KeySpec kMsetexKeys[] = {
    {.flags = KeyFlag::kOverwrite | KeyFlag::kUpdate, .find = KeySpec::Find::kKeyNum, .step = 2}};

constexpr ArgSpec kKeyArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0}};
constexpr ArgSpec kDelifeqArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                    {.name = "value", .type = ArgType::kString}};
constexpr ArgSpec kDelexCondition[] = {
    {.name = "ifeq-value", .type = ArgType::kString, .token = "IFEQ"},
    {.name = "ifne-value", .type = ArgType::kString, .token = "IFNE"},
    {.name = "ifdeq-digest", .type = ArgType::kString, .token = "IFDEQ"},
    {.name = "ifdne-digest", .type = ArgType::kString, .token = "IFDNE"}};
constexpr ArgSpec kDelexArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                  {.name = "condition",
                                   .type = ArgType::kOneOf,
                                   .is_optional = true,
                                   .children = kDelexCondition}};
constexpr ArgSpec kIncrexIncrement[] = {
    {.name = "float", .type = ArgType::kDouble, .token = "BYFLOAT"},
    {.name = "integer", .type = ArgType::kInteger, .token = "BYINT"}};
constexpr ArgSpec kIncrexExpiration[] = {
    {.name = "seconds", .type = ArgType::kInteger, .token = "EX"},
    {.name = "milliseconds", .type = ArgType::kInteger, .token = "PX"},
    {.name = "unix-time-seconds", .type = ArgType::kUnixTime, .token = "EXAT"},
    {.name = "unix-time-milliseconds", .type = ArgType::kUnixTime, .token = "PXAT"},
    {.name = "persist", .type = ArgType::kPureToken, .token = "PERSIST"}};
constexpr ArgSpec kIncrexArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "increment",
     .type = ArgType::kOneOf,
     .is_optional = true,
     .children = kIncrexIncrement},
    {.name = "saturate", .type = ArgType::kPureToken, .token = "SATURATE", .is_optional = true},
    {.name = "lowerbound", .type = ArgType::kString, .token = "LBOUND", .is_optional = true},
    {.name = "upperbound", .type = ArgType::kString, .token = "UBOUND", .is_optional = true},
    {.name = "expiration",
     .type = ArgType::kOneOf,
     .is_optional = true,
     .children = kIncrexExpiration},
    {.name = "enx", .type = ArgType::kPureToken, .token = "ENX", .is_optional = true}};
constexpr ArgSpec kLcsArgs[] = {
    {.name = "key1", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "key2", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "len", .type = ArgType::kPureToken, .token = "LEN", .is_optional = true},
    {.name = "idx", .type = ArgType::kPureToken, .token = "IDX", .is_optional = true},
    {.name = "len", .type = ArgType::kInteger, .token = "MINMATCHLEN", .is_optional = true},
    {.name = "withmatchlen",
     .type = ArgType::kPureToken,
     .token = "WITHMATCHLEN",
     .is_optional = true}};
constexpr ArgSpec kMsetexData[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                   {.name = "value", .type = ArgType::kString}};
constexpr ArgSpec kMsetexCondition[] = {{.name = "nx", .type = ArgType::kPureToken, .token = "NX"},
                                        {.name = "xx", .type = ArgType::kPureToken, .token = "XX"}};
constexpr ArgSpec kMsetexExpiration[] = {
    {.name = "seconds", .type = ArgType::kInteger, .token = "EX"},
    {.name = "milliseconds", .type = ArgType::kInteger, .token = "PX"},
    {.name = "unix-time-seconds", .type = ArgType::kUnixTime, .token = "EXAT"},
    {.name = "unix-time-milliseconds", .type = ArgType::kUnixTime, .token = "PXAT"},
    {.name = "keepttl", .type = ArgType::kPureToken, .token = "KEEPTTL"}};
constexpr ArgSpec kMsetexArgs[] = {
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "data", .type = ArgType::kBlock, .is_multiple = true, .children = kMsetexData},
    {.name = "condition",
     .type = ArgType::kOneOf,
     .is_optional = true,
     .children = kMsetexCondition},
    {.name = "expiration",
     .type = ArgType::kOneOf,
     .is_optional = true,
     .children = kMsetexExpiration}};
constexpr std::string_view kMsetexTips[] = {"request_policy:multi_shard",
                                            "response_policy:all_succeeded"};

constexpr Command kRows[] = {
    {.spec = {.name = "delex",
              .arity = -2,
              .group = Group::kString,
              .since = "8.4.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kDelexKey,
              .acl = Acl::kWrite | Acl::kString | Acl::kFast,
              .complexity = "O(N) where N is the length of the string, if there is a condition",
              .summary = "Deletes a key, if its value or the digest of its value is as expected.",
              .arguments = kDelexArgs},
     .run = DelEx},
    {.spec = {.name = "delifeq",
              .arity = 3,
              .group = Group::kString,
              .since = "9.0.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kDeleteKey,
              .acl = Acl::kWrite | Acl::kString | Acl::kFast,
              .complexity = "O(N) where N is the length of the string",
              .summary = "Deletes a key, if its value is as expected.",
              .arguments = kDelifeqArgs},
     .run = DelIfEq},
    {.spec = {.name = "digest",
              .arity = 2,
              .group = Group::kString,
              .since = "8.4.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kReadKey,
              .acl = Acl::kRead | Acl::kString | Acl::kFast,
              .complexity = "O(N) where N is the length of the string",
              .summary = "Returns the digest of a string as hexadecimal digits.",
              .arguments = kKeyArgs},
     .run = Digest},
    {.spec = {.name = "increx",
              .arity = -2,
              .group = Group::kString,
              .since = "8.8.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kIncrexKey,
              .acl = Acl::kWrite | Acl::kString | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Adds to the number at a key within bounds, and may change its time to "
                         "live; a missing key counts as 0.",
              .arguments = kIncrexArgs},
     .run = IncrEx},
    {.spec = {.name = "lcs",
              .arity = -3,
              .group = Group::kString,
              .since = "7.0.0",
              .flags = Flag::kReadonly,
              .keys = kLcsKeys,
              .acl = Acl::kRead | Acl::kString | Acl::kSlow,
              .complexity = "O(N*M) where N and M are the lengths of the strings",
              .summary = "Finds the longest common subsequence of two strings.",
              .arguments = kLcsArgs},
     .run = Lcs},
    {.spec = {.name = "msetex",
              .arity = -4,
              .group = Group::kString,
              .since = "8.4.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kMovableKeys,
              .keys = kMsetexKeys,
              .acl = Acl::kWrite | Acl::kString | Acl::kSlow,
              .complexity = "O(N) where N is the number of keys",
              .summary = "Sets several keys at one moment, if all or none of them exist, with one "
                         "time to live.",
              .arguments = kMsetexArgs,
              .tips = kMsetexTips},
     .run = MSetEx},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> MoreStringCommands() { return kRows; }

}  // namespace peal::broker
