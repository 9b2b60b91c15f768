// Sorted sets: single members, random members and scanning. Source of replies, errors and events:
// Redis 7.2, observed on 7.0.15.
#include "broker/commands/sorted_set.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "broker/commands/random.h"
#include "broker/commands/scan.h"
#include "broker/exec/edit.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"

namespace peal::broker {

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
using store::LexBound;
using store::LexRange;
using store::RankRange;
using store::ScoreRange;
using store::ZsetAddOptions;
using store::ZsetAddResult;
using store::ZsetValue;

namespace errors = protocol::errors;

// ---------------------------------------------------------------- shared

std::optional<double> ReadScore(std::string_view text) {
  // Small whole numbers, the usual scores, need no strtod.
  if (text.size() <= 15) {
    if (const std::optional<int64_t> whole = ParseInt64(text)) return static_cast<double>(*whole);
  }
  return protocol::ParseDouble(text);
}

namespace {

/// One end of a range of scores.
bool ReadScoreBound(std::string_view text, double& score, bool& excludes) {
  excludes = !text.empty() && text[0] == '(';
  if (excludes) text.remove_prefix(1);
  const std::string terminated(text.substr(0, text.find('\0')));
  char* end = nullptr;
  score = std::strtod(terminated.c_str(), &end);
  return *end == '\0' && !std::isnan(score);
}

std::optional<LexBound> ReadLexBound(std::string_view text) {
  if (text.empty()) return std::nullopt;
  LexBound bound;
  switch (text[0]) {
    case '-':
    case '+':
      if (text.size() > 1 && text[1] != '\0') return std::nullopt;
      bound.kind = text[0] == '-' ? LexBound::Kind::kLowest : LexBound::Kind::kHighest;
      return bound;
    case '(':
    case '[':
      bound.is_exclusive = text[0] == '(';
      bound.bytes = text.substr(1);
      return bound;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<ScoreRange> ReadScoreRange(std::string_view min, std::string_view max) {
  ScoreRange range;
  if (!ReadScoreBound(min, range.min, range.excludes_min)) return std::nullopt;
  if (!ReadScoreBound(max, range.max, range.excludes_max)) return std::nullopt;
  return range;
}

std::optional<LexRange> ReadLexRange(std::string_view min, std::string_view max) {
  const std::optional<LexBound> from = ReadLexBound(min);
  const std::optional<LexBound> to = ReadLexBound(max);
  if (!from || !to) return std::nullopt;
  return LexRange{*from, *to};
}

RankRange ClampRanks(int64_t first, int64_t last, size_t count) {
  const auto size = static_cast<int64_t>(count);
  if (first < 0) first = first < -size ? 0 : first + size;
  if (last < 0) last = last < -size ? -1 : last + size;
  if (last >= size) last = size - 1;
  if (first > last) return {};
  return {static_cast<size_t>(first), static_cast<size_t>(last) + 1};
}

bool EraseRange(Unit& unit, std::string_view key, const Found<ZsetValue>& found, RankRange range) {
  if (range.size() == found.value->Count()) return unit.Delete(key);
  Edit<ZsetValue> zset(unit, key, found);
  zset->EraseRange(range);
  return zset.Commit(range.size());
}

void StoreZset(CommandContext& context, std::string_view key, std::unique_ptr<ZsetValue> value,
               const char* event) {
  Unit& unit = context.unit;
  const size_t count = value->Count();
  if (count != 0) {
    unit.SetObject(key, std::move(value));
    unit.Notify(kNotifyZset, event, key);
    unit.Replicate(context.args);
  } else if (unit.Delete(key)) {
    unit.Notify(kNotifyGeneric, "del", key);
    unit.Replicate("DEL", key);
  }
  context.reply.Integer(static_cast<int64_t>(count));
}

namespace {

constexpr Error kNxWithXx =
    Error::Static("ERR XX and NX options at the same time are not compatible");
constexpr Error kGtLtNx =
    Error::Static("ERR GT, LT, and/or NX options at the same time are not compatible");
constexpr Error kIncrementsOnePair =
    Error::Static("ERR INCR option supports a single increment-element pair");
constexpr Error kScoreIsNan = Error::Static("ERR resulting score is not a number (NaN)");

// ---------------------------------------------------------------- ZADD, ZINCRBY, ZREM

/// Options in front of the pairs; returns where the pairs begin.
size_t ReadAddOptions(const CommandContext& context, ZsetAddOptions& options,
                      bool& counts_changes) {
  size_t at = 2;
  for (; at < context.args.size(); ++at) {
    const std::string_view option = context.arg(at);
    if (option.size() > 4) break;
    if (EqualsIgnoreCase(option, "nx")) {
      options.only_new = true;
    } else if (EqualsIgnoreCase(option, "xx")) {
      options.only_existing = true;
    } else if (EqualsIgnoreCase(option, "ch")) {
      counts_changes = true;
    } else if (EqualsIgnoreCase(option, "incr")) {
      options.increments = true;
    } else if (EqualsIgnoreCase(option, "gt")) {
      options.only_greater = true;
    } else if (EqualsIgnoreCase(option, "lt")) {
      options.only_less = true;
    } else {
      break;
    }
  }
  return at;
}

void AddGeneric(CommandContext& context, ZsetAddOptions options) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  bool counts_changes = false;
  const size_t first = ReadAddOptions(context, options, counts_changes);
  const size_t pair_args = context.args.size() - first;
  if (pair_args == 0 || pair_args % 2 != 0) return context.Fail(errors::kSyntax);
  if (options.only_new && options.only_existing) return context.Fail(kNxWithXx);
  if (int{options.only_greater} + int{options.only_less} + int{options.only_new} > 1) {
    return context.Fail(kGtLtNx);
  }
  if (options.increments && pair_args > 2) return context.Fail(kIncrementsOnePair);
  // A wrong score anywhere must leave everything as it is; one pair needs no memory.
  double first_score = 0;
  std::vector<double> more_scores;
  if (pair_args > 2) more_scores.reserve(pair_args / 2 - 1);
  for (size_t i = first; i < context.args.size(); i += 2) {
    const std::optional<double> score = ReadScore(context.arg(i));
    if (!score) return context.Fail(errors::kNotFloat);
    if (i == first) {
      first_score = *score;
    } else {
      more_scores.push_back(*score);
    }
  }

  const auto found = FindValue<ZsetValue>(context, key);
  if (!found) return;
  uint64_t added = 0;
  uint64_t updated = 0;
  bool is_refused = false;
  if (*found || !options.only_existing) {
    const store::EncodingLimits& limits = context.server.config().encoding;
    Edit<ZsetValue> zset(unit, key, *found, [&] {
      return std::make_unique<ZsetValue>(1, context.arg(first + 1).size(), limits);
    });
    for (size_t i = 0; i < pair_args / 2; ++i) {
      double& score = i == 0 ? first_score : more_scores[i - 1];
      switch (zset->Add(context.arg(first + 2 * i + 1), score, options, limits)) {
        case ZsetAddResult::kAdded:
          ++added;
          break;
        case ZsetAddResult::kUpdated:
          ++updated;
          break;
        case ZsetAddResult::kSame:
          break;
        case ZsetAddResult::kRefused:
          is_refused = true;
          break;
        case ZsetAddResult::kNan:
          return context.Fail(kScoreIsNan);  // the only pair: nothing has changed
      }
    }
    if (added + updated != 0) zset.Commit(added + updated);
  } else {
    is_refused = true;
  }
  if (!options.increments) {
    context.reply.Integer(static_cast<int64_t>(counts_changes ? added + updated : added));
  } else if (is_refused) {
    context.reply.Null();
  } else {
    context.reply.Double(first_score);
  }
  if (added + updated == 0) return;
  unit.Notify(kNotifyZset, options.increments ? "zincr" : "zadd", key);
  unit.Replicate(context.args);
}

}  // namespace

void ZAdd(CommandContext& context) { AddGeneric(context, {}); }

namespace {

void ZIncrBy(CommandContext& context) { AddGeneric(context, {.increments = true}); }

void ZRem(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const auto found = FindValue<ZsetValue>(context, key);
  if (!found) return;
  if (!*found) return context.reply.Integer(0);
  Edit<ZsetValue> zset(unit, key, *found);
  uint64_t removed = 0;
  for (size_t i = 2; i < context.args.size() && zset->Count() != 0; ++i) {
    if (zset->Erase(context.arg(i))) ++removed;
  }
  if (removed != 0) {
    const bool is_gone = zset.Commit(removed);
    unit.Notify(kNotifyZset, "zrem", key);
    if (is_gone) unit.Notify(kNotifyGeneric, "del", key);
    unit.Replicate(context.args);
  }
  context.reply.Integer(static_cast<int64_t>(removed));
}

// ---------------------------------------------------------------- looking

void ZCard(CommandContext& context) {
  const auto found = ReadValue<ZsetValue>(context, context.arg(1));
  if (!found) return;
  context.reply.Integer(*found ? static_cast<int64_t>(found->value->Count()) : 0);
}

void ReplyScore(CommandContext& context, const ZsetValue* zset, std::string_view member) {
  const std::optional<double> score = zset == nullptr ? std::nullopt : zset->Score(member);
  score ? context.reply.Double(*score) : context.reply.Null();
}

void ZScore(CommandContext& context) {
  const auto found = ReadValue<ZsetValue>(context, context.arg(1));
  if (found) ReplyScore(context, found->value, context.arg(2));
}

void ZMScore(CommandContext& context) {
  const auto found = ReadValue<ZsetValue>(context, context.arg(1));
  if (!found) return;
  context.reply.Array(context.args.size() - 2);
  for (size_t i = 2; i < context.args.size(); ++i) {
    ReplyScore(context, found->value, context.arg(i));
  }
}

void RankGeneric(CommandContext& context, bool from_the_end) {
  if (context.args.size() > 4) {
    return context.Fail(errors::WrongArity(context.command.spec.name));
  }
  const bool with_score = context.args.size() == 4;
  if (with_score && !EqualsIgnoreCase(context.arg(3), "withscore")) {
    return context.Fail(errors::kSyntax);
  }
  const auto found = ReadValue<ZsetValue>(context, context.arg(1));
  if (!found) return;
  std::optional<ZsetValue::Place> place;
  if (*found) place = found->value->Rank(context.arg(2));
  if (!place) return with_score ? context.reply.NullArray() : context.reply.Null();
  if (with_score) context.reply.Array(2);
  const size_t rank = from_the_end ? found->value->Count() - 1 - place->rank : place->rank;
  context.reply.Integer(static_cast<int64_t>(rank));
  if (with_score) context.reply.Double(place->score);
}

void ZRank(CommandContext& context) { RankGeneric(context, false); }
void ZRevRank(CommandContext& context) { RankGeneric(context, true); }

// ---------------------------------------------------------------- ZRANDMEMBER

/// `count` different members of more than that.
void ReplyDistinct(const ZsetValue& zset, size_t count, ZsetReply& reply) {
  const size_t total = zset.Count();
  if (count < total / 3) {
    std::unordered_set<size_t> ranks;
    while (ranks.size() < count) {
      const size_t rank = RandomNumber() % total;
      if (!ranks.insert(rank).second) continue;
      ZsetValue::Cursor at = zset.At(rank);
      reply.Put(at.member(), at.score());
    }
    return;
  }
  // Each one passed is taken with the chance that is due to it.
  size_t left = total;
  for (ZsetValue::Cursor at = zset.At(0); at.valid() && count != 0; at.Next()) {
    if (RandomNumber() % left-- >= count) continue;
    --count;
    reply.Put(at.member(), at.score());
  }
}

void ZRandMember(CommandContext& context) {
  int64_t count = 1;
  const bool has_count = context.args.size() > 2;
  const bool with_scores = context.args.size() > 3;
  if (has_count) {
    const std::optional<int64_t> read = ParseInt64(context.arg(2));
    if (!read) return context.Fail(errors::kNotInteger);
    count = *read;
    if (count == std::numeric_limits<int64_t>::min()) return context.Fail(errors::kNoOpposite);
    if (context.args.size() > 4 ||
        (with_scores && !EqualsIgnoreCase(context.arg(3), "withscores"))) {
      return context.Fail(errors::kSyntax);
    }
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 2;
    if (with_scores && (count < -kMost || count > kMost)) {
      return context.Fail(errors::kValueOutOfRange);
    }
  }
  const auto found = ReadValue<ZsetValue>(context, context.arg(1));
  if (!found) return;
  if (!*found) return has_count ? context.reply.Array(0) : context.reply.Null();
  const ZsetValue& zset = *found->value;
  const size_t total = zset.Count();
  if (!has_count) return context.reply.Bulk(zset.At(RandomNumber() % total).member());

  ZsetReply reply(context.reply, with_scores);
  if (count < 0) {
    const auto wanted = static_cast<uint64_t>(-count);
    // Differs: as SRANDMEMBER, a reply is about as long as the longest string at most.
    const uint64_t mean_bytes = zset.MemoryBytes() / total + 1;
    if (wanted > context.server.config().proto_max_bulk_len / mean_bytes) {
      return context.Fail(errors::kValueOutOfRange);
    }
    reply.Begin(wanted);
    for (uint64_t i = 0; i < wanted; ++i) {
      ZsetValue::Cursor at = zset.At(RandomNumber() % total);
      reply.Put(at.member(), at.score());
    }
    return;
  }
  if (static_cast<uint64_t>(count) < total) {
    reply.Begin(static_cast<size_t>(count));
    return ReplyDistinct(zset, static_cast<size_t>(count), reply);
  }
  reply.Begin(total);
  for (ZsetValue::Cursor at = zset.At(total - 1); at.valid(); at.Previous()) {
    reply.Put(at.member(), at.score());
  }
}

// ---------------------------------------------------------------- ZSCAN

void ZScan(CommandContext& context) {
  const std::optional<uint64_t> cursor = ReadCursor(context.arg(2));
  if (!cursor) return context.Fail(errors::kInvalidCursor);
  const auto found = ReadValue<ZsetValue>(context, context.arg(1));
  if (!found) return;
  if (!*found) {
    context.reply.Array(2);
    context.reply.Bulk("0");
    return context.reply.Array(0);
  }
  ScanOptions options;
  const Result<void> read = ReadScanOptions(context, 3, ScanKind::kMembers, options);
  if (!read.ok()) return context.Fail(read.error());

  const bool is_small = found->value->is_small();
  std::vector<std::pair<std::string, double>> items;
  const uint64_t next =
      found->value->Scan(*cursor, options.count, [&](std::string_view member, double score) {
        if (options.Matches(member)) items.emplace_back(member, score);
      });
  context.reply.Array(2);
  context.reply.BulkInteger(static_cast<int64_t>(next));
  context.reply.Array(2 * items.size());
  for (const auto& [member, score] : items) {
    context.reply.Bulk(member);
    // Text in RESP3 too.
    char text[32];
    context.reply.Bulk(is_small ? store::FormatListpackScore(score, text)
                                : store::FormatScoreOf17Digits(score, text));
  }
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kZaddKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kUpdate)};
constexpr ArgSpec kZaddCondition[] = {{.name = "nx", .type = ArgType::kPureToken, .token = "NX"},
                                      {.name = "xx", .type = ArgType::kPureToken, .token = "XX"}};
constexpr ArgSpec kZaddComparison[] = {{.name = "gt", .type = ArgType::kPureToken, .token = "GT"},
                                       {.name = "lt", .type = ArgType::kPureToken, .token = "LT"}};
constexpr ArgSpec kZaddScoreMember[] = {{.name = "score", .type = ArgType::kDouble},
                                        {.name = "member", .type = ArgType::kString}};
constexpr ArgSpec kZaddArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                 {.name = "condition",
                                  .type = ArgType::kOneOf,
                                  .is_optional = true,
                                  .since = "3.0.2",
                                  .children = kZaddCondition},
                                 {.name = "comparison",
                                  .type = ArgType::kOneOf,
                                  .is_optional = true,
                                  .since = "6.2.0",
                                  .children = kZaddComparison},
                                 {.name = "change",
                                  .type = ArgType::kPureToken,
                                  .token = "CH",
                                  .is_optional = true,
                                  .since = "3.0.2"},
                                 {.name = "increment",
                                  .type = ArgType::kPureToken,
                                  .token = "INCR",
                                  .is_optional = true,
                                  .since = "3.0.2"},
                                 {.name = "score_member",
                                  .type = ArgType::kBlock,
                                  .is_multiple = true,
                                  .children = kZaddScoreMember}};
constexpr HistoryEntry kZaddHistory[] = {{"2.4.0", "Takes several pairs."},
                                         {"3.0.2", "Knows XX, NX, CH and INCR."},
                                         {"6.2.0", "Knows GT and LT."}};
constexpr KeySpec kZcardKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly)};
constexpr ArgSpec kZcardArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0}};
constexpr KeySpec kZcountKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr KeySpec kZincrbyKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kUpdate)};
constexpr ArgSpec kZincrbyArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                    {.name = "increment", .type = ArgType::kInteger},
                                    {.name = "member", .type = ArgType::kString}};
constexpr ArgSpec kZmscoreArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "member", .type = ArgType::kString, .is_multiple = true}};
constexpr ArgSpec kZrandmemberOptions[] = {{.name = "count", .type = ArgType::kInteger},
                                           {.name = "withscores",
                                            .type = ArgType::kPureToken,
                                            .token = "WITHSCORES",
                                            .is_optional = true}};
constexpr ArgSpec kZrandmemberArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                        {.name = "options",
                                         .type = ArgType::kBlock,
                                         .is_optional = true,
                                         .children = kZrandmemberOptions}};
constexpr std::string_view kZrandmemberTips[] = {"nondeterministic_output"};
constexpr ArgSpec kZrankArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                  {.name = "member", .type = ArgType::kString}};
constexpr ArgSpec kZrankWithScoreArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "member", .type = ArgType::kString},
    {.name = "withscore", .type = ArgType::kPureToken, .token = "WITHSCORE", .is_optional = true}};
constexpr HistoryEntry kZrankHistory[] = {{"7.2.0", "Knows WITHSCORE."}};
constexpr KeySpec kZremKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kDelete)};
constexpr HistoryEntry kZremHistory[] = {{"2.4.0", "Takes several members."}};
constexpr ArgSpec kZscanArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "cursor", .type = ArgType::kInteger},
    {.name = "pattern", .type = ArgType::kPattern, .token = "MATCH", .is_optional = true},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .is_optional = true}};

constexpr Command kRows[] = {
    {.spec = {.name = "zadd",
              .arity = -4,
              .group = Group::kSortedSet,
              .since = "1.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kZaddKeys,
              .acl = Acl::kWrite | Acl::kSortedSet | Acl::kFast,
              .complexity = "O(log(N)) for each pair, where N is the number of members",
              .summary = "Adds members with scores to a sorted set, or changes their scores; the "
                         "key is created if missing.",
              .arguments = kZaddArgs,
              .history = kZaddHistory},
     .run = ZAdd},
    {.spec = {.name = "zcard",
              .arity = 2,
              .group = Group::kSortedSet,
              .since = "1.2.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kZcardKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns the number of members of a sorted set.",
              .arguments = kZcardArgs},
     .run = ZCard},
    {.spec = {.name = "zincrby",
              .arity = 4,
              .group = Group::kSortedSet,
              .since = "1.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kZincrbyKeys,
              .acl = Acl::kWrite | Acl::kSortedSet | Acl::kFast,
              .complexity = "O(log(N)) where N is the number of members",
              .summary = "Adds to the score of a member; a missing one counts as 0.",
              .arguments = kZincrbyArgs},
     .run = ZIncrBy},
    {.spec = {.name = "zmscore",
              .arity = -3,
              .group = Group::kSortedSet,
              .since = "6.2.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kZcountKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kFast,
              .complexity = "O(N) where N is the number of members asked for",
              .summary = "Returns the scores of several members.",
              .arguments = kZmscoreArgs},
     .run = ZMScore},
    {.spec = {.name = "zrandmember",
              .arity = -2,
              .group = Group::kSortedSet,
              .since = "6.2.0",
              .flags = Flag::kReadonly,
              .keys = kZcountKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kSlow,
              .complexity = "O(M*log(N)) where N is the number of members and M of those returned",
              .summary = "Returns members of a sorted set chosen at random.",
              .arguments = kZrandmemberArgs,
              .tips = kZrandmemberTips},
     .run = ZRandMember},
    {.spec = {.name = "zrank",
              .arity = -3,
              .group = Group::kSortedSet,
              .since = "2.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kZcountKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kFast,
              .complexity = "O(log(N)) where N is the number of members",
              .summary = "Returns the rank of a member, counted from the lowest score.",
              .arguments = kZrankWithScoreArgs,
              .history = kZrankHistory},
     .run = ZRank},
    {.spec = {.name = "zrem",
              .arity = -3,
              .group = Group::kSortedSet,
              .since = "1.2.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kZremKeys,
              .acl = Acl::kWrite | Acl::kSortedSet | Acl::kFast,
              .complexity = "O(M*log(N)) where N is the number of members and M of those removed",
              .summary = "Removes members from a sorted set; the key goes with the last one.",
              .arguments = kZmscoreArgs,
              .history = kZremHistory},
     .run = ZRem},
    {.spec = {.name = "zrevrank",
              .arity = -3,
              .group = Group::kSortedSet,
              .since = "2.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kZcountKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kFast,
              .complexity = "O(log(N)) where N is the number of members",
              .summary = "Returns the rank of a member, counted from the highest score.",
              .arguments = kZrankWithScoreArgs,
              .history = kZrankHistory},
     .run = ZRevRank},
    {.spec = {.name = "zscan",
              .arity = -3,
              .group = Group::kSortedSet,
              .since = "2.8.0",
              .flags = Flag::kReadonly,
              .keys = kZcountKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kSlow,
              .complexity = "O(1) for each call, O(N) for all members",
              .summary = "Walks through the members of a sorted set with their scores.",
              .arguments = kZscanArgs,
              .tips = kZrandmemberTips},
     .run = ZScan},
    {.spec = {.name = "zscore",
              .arity = 3,
              .group = Group::kSortedSet,
              .since = "1.2.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kZcountKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns the score of a member.",
              .arguments = kZrankArgs},
     .run = ZScore},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> SortedSetCommands() { return kRows; }

}  // namespace peal::broker
