// Ranges of sorted sets by rank, score and octets. Source of replies, errors and events: Redis 7.2,
// observed on 7.0.15.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "broker/commands/sorted_set.h"
#include "broker/exec/edit.h"
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
using store::LexRange;
using store::RankRange;
using store::ScoreRange;
using store::ZsetValue;

namespace errors = protocol::errors;

constexpr Error kLimitByRank = Error::Static(
    "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
constexpr Error kScoresByLex =
    Error::Static("ERR syntax error, WITHSCORES not supported in combination with BYLEX");

/// What a range is counted by.
enum class RangeBy : uint8_t { kRank, kScore, kLex };

/// A range as a client states it, before there is a sorted set to find it in.
struct RangeRequest {
  RangeBy by = RangeBy::kRank;
  bool is_reverse = false;
  int64_t first_rank = 0;
  int64_t last_rank = 0;
  ScoreRange scores;
  LexRange lex;
  int64_t offset = 0;
  int64_t limit = -1;  // negative: none

  /// Reads the two bounds. False, with the error replied, if they are none.
  bool ReadBounds(CommandContext& context, std::string_view min, std::string_view max);
  RankRange FindIn(const ZsetValue& zset) const;
};

bool RangeRequest::ReadBounds(CommandContext& context, std::string_view min, std::string_view max) {
  switch (by) {
    case RangeBy::kRank: {
      const std::optional<int64_t> first = ParseInt64(min);
      const std::optional<int64_t> last = ParseInt64(max);
      if (!first || !last) {
        context.Fail(errors::kNotInteger);
        return false;
      }
      first_rank = *first;
      last_rank = *last;
      return true;
    }
    case RangeBy::kScore: {
      const std::optional<ScoreRange> read = ReadScoreRange(min, max);
      if (!read) {
        context.Fail(kNotScoreRange);
        return false;
      }
      scores = *read;
      return true;
    }
    case RangeBy::kLex:
      break;
  }
  const std::optional<LexRange> read = ReadLexRange(min, max);
  if (!read) {
    context.Fail(kNotLexRange);
    return false;
  }
  lex = *read;
  return true;
}

RankRange RangeRequest::FindIn(const ZsetValue& zset) const {
  if (by == RangeBy::kRank) {
    const size_t count = zset.Count();
    const RankRange range = ClampRanks(first_rank, last_rank, count);
    if (!is_reverse || range.empty()) return range;
    return {count - range.last, count - range.first};
  }
  RankRange range = by == RangeBy::kScore ? zset.Find(scores) : zset.Find(lex, is_reverse);
  // A negative offset leads nowhere.
  if (offset < 0 || static_cast<uint64_t>(offset) >= range.size()) return {};
  size_t taken = range.size() - static_cast<size_t>(offset);
  if (limit >= 0)
    taken = static_cast<size_t>(std::min<uint64_t>(taken, static_cast<uint64_t>(limit)));
  if (is_reverse) {
    range.last -= static_cast<size_t>(offset);
    range.first = range.last - taken;
  } else {
    range.first += static_cast<size_t>(offset);
    range.last = range.first + taken;
  }
  return range;
}

// ---------------------------------------------------------------- ZRANGE and its kin

/// What a command leaves to its options.
struct RangeForm {
  std::optional<RangeBy> by = std::nullopt;
  std::optional<bool> is_reverse = std::nullopt;
  bool stores = false;
};

/// Reads "key bound bound [options]" from args[first] on. False with the error replied.
bool ReadRange(CommandContext& context, size_t first, RangeForm form, RangeRequest& request,
               bool& with_scores) {
  for (size_t i = first + 3; i < context.args.size(); ++i) {
    const std::string_view option = context.arg(i);
    if (!form.stores && EqualsIgnoreCase(option, "withscores")) {
      with_scores = true;
    } else if (EqualsIgnoreCase(option, "limit") && i + 2 < context.args.size()) {
      const std::optional<int64_t> offset = ParseInt64(context.arg(i + 1));
      const std::optional<int64_t> limit = ParseInt64(context.arg(i + 2));
      if (!offset || !limit) {
        context.Fail(errors::kNotInteger);
        return false;
      }
      request.offset = *offset;
      request.limit = *limit;
      i += 2;
    } else if (!form.is_reverse && EqualsIgnoreCase(option, "rev")) {
      form.is_reverse = true;
    } else if (!form.by && EqualsIgnoreCase(option, "bylex")) {
      form.by = RangeBy::kLex;
    } else if (!form.by && EqualsIgnoreCase(option, "byscore")) {
      form.by = RangeBy::kScore;
    } else {
      context.Fail(errors::kSyntax);
      return false;
    }
  }
  request.by = form.by.value_or(RangeBy::kRank);
  request.is_reverse = form.is_reverse.value_or(false);
  if (request.limit != -1 && request.by == RangeBy::kRank) {
    context.Fail(kLimitByRank);
    return false;
  }
  if (with_scores && request.by == RangeBy::kLex) {
    context.Fail(kScoresByLex);
    return false;
  }
  const bool is_swapped = request.is_reverse && request.by != RangeBy::kRank;
  const std::string_view one = context.arg(first + 1);
  const std::string_view other = context.arg(first + 2);
  return request.ReadBounds(context, is_swapped ? other : one, is_swapped ? one : other);
}

void RangeGeneric(CommandContext& context, const RangeForm& form) {
  RangeRequest request;
  bool with_scores = false;
  if (!ReadRange(context, 1, form, request, with_scores)) return;
  const auto found = ReadValue<ZsetValue>(context, context.arg(1));
  if (!found) return;
  if (!*found) return context.reply.Array(0);
  const ZsetValue& zset = *found->value;
  const RankRange range = request.FindIn(zset);
  ZsetReply reply(context.reply, with_scores);
  reply.Begin(range.size());
  if (range.empty()) return;
  ZsetValue::Cursor at = zset.At(request.is_reverse ? range.last - 1 : range.first);
  for (size_t left = range.size(); left > 0; --left) {
    reply.Put(at.member(), with_scores ? at.score() : 0);
    at.Step(request.is_reverse);
  }
}

void ZRange(CommandContext& context) { RangeGeneric(context, {}); }
void ZRevRange(CommandContext& context) {
  RangeGeneric(context, {.by = RangeBy::kRank, .is_reverse = true});
}
void ZRangeByScore(CommandContext& context) {
  RangeGeneric(context, {.by = RangeBy::kScore, .is_reverse = false});
}
void ZRevRangeByScore(CommandContext& context) {
  RangeGeneric(context, {.by = RangeBy::kScore, .is_reverse = true});
}
void ZRangeByLex(CommandContext& context) {
  RangeGeneric(context, {.by = RangeBy::kLex, .is_reverse = false});
}
void ZRevRangeByLex(CommandContext& context) {
  RangeGeneric(context, {.by = RangeBy::kLex, .is_reverse = true});
}

void ZRangeStore(CommandContext& context) {
  RangeRequest request;
  bool with_scores = false;
  if (!ReadRange(context, 2, {.stores = true}, request, with_scores)) return;
  const auto found = ReadValue<ZsetValue>(context, context.arg(2));
  if (!found) return;
  auto stored = std::make_unique<ZsetValue>();
  if (*found) {
    const ZsetValue& zset = *found->value;
    const store::EncodingLimits& limits = context.server.config().encoding;
    const RankRange range = request.FindIn(zset);
    // Redis knows how many there will be only if they are counted by rank.
    if (request.by == RangeBy::kRank) {
      stored = std::make_unique<ZsetValue>(range.size(), 0, limits);
    }
    ZsetValue::Cursor at;
    if (!range.empty()) at = zset.At(request.is_reverse ? range.last - 1 : range.first);
    for (size_t left = range.size(); left > 0; --left) {
      stored->AddNew(at.member(), at.score(), limits);
      at.Step(request.is_reverse);
    }
  }
  StoreZset(context, context.arg(1), std::move(stored), "zrangestore");
}

// ---------------------------------------------------------------- counting

void CountGeneric(CommandContext& context, RangeBy by) {
  RangeRequest request;
  request.by = by;
  if (!request.ReadBounds(context, context.arg(2), context.arg(3))) return;
  const auto found = ReadValue<ZsetValue>(context, context.arg(1));
  if (!found) return;
  const size_t count = *found ? request.FindIn(*found->value).size() : 0;
  context.reply.Integer(static_cast<int64_t>(count));
}

void ZCount(CommandContext& context) { CountGeneric(context, RangeBy::kScore); }
void ZLexCount(CommandContext& context) { CountGeneric(context, RangeBy::kLex); }

// ---------------------------------------------------------------- ZREMRANGEBY…

void RemoveRange(CommandContext& context, RangeBy by, const char* event) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  RangeRequest request;
  request.by = by;
  if (!request.ReadBounds(context, context.arg(2), context.arg(3))) return;
  const auto found = FindValue<ZsetValue>(context, key);
  if (!found) return;
  if (!*found) return context.reply.Integer(0);
  const RankRange range = request.FindIn(*found->value);
  if (!range.empty()) {
    const bool is_gone = EraseRange(unit, key, *found, range);
    unit.Notify(kNotifyZset, event, key);
    if (is_gone) unit.Notify(kNotifyGeneric, "del", key);
    unit.Replicate(context.args);
  }
  context.reply.Integer(static_cast<int64_t>(range.size()));
}

void ZRemRangeByRank(CommandContext& context) {
  RemoveRange(context, RangeBy::kRank, "zremrangebyrank");
}
void ZRemRangeByScore(CommandContext& context) {
  RemoveRange(context, RangeBy::kScore, "zremrangebyscore");
}
void ZRemRangeByLex(CommandContext& context) {
  RemoveRange(context, RangeBy::kLex, "zremrangebylex");
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kZcountKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kZcountArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                   {.name = "min", .type = ArgType::kDouble},
                                   {.name = "max", .type = ArgType::kDouble}};
constexpr ArgSpec kZlexcountArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                      {.name = "min", .type = ArgType::kString},
                                      {.name = "max", .type = ArgType::kString}};
constexpr ArgSpec kZrangeSortby[] = {
    {.name = "byscore", .type = ArgType::kPureToken, .token = "BYSCORE"},
    {.name = "bylex", .type = ArgType::kPureToken, .token = "BYLEX"}};
constexpr ArgSpec kZrangeOffsetCount[] = {{.name = "offset", .type = ArgType::kInteger},
                                          {.name = "count", .type = ArgType::kInteger}};
constexpr ArgSpec kZrangeArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                   {.name = "start", .type = ArgType::kString},
                                   {.name = "stop", .type = ArgType::kString},
                                   {.name = "sortby",
                                    .type = ArgType::kOneOf,
                                    .is_optional = true,
                                    .since = "6.2.0",
                                    .children = kZrangeSortby},
                                   {.name = "rev",
                                    .type = ArgType::kPureToken,
                                    .token = "REV",
                                    .is_optional = true,
                                    .since = "6.2.0"},
                                   {.name = "offset_count",
                                    .type = ArgType::kBlock,
                                    .token = "LIMIT",
                                    .is_optional = true,
                                    .since = "6.2.0",
                                    .children = kZrangeOffsetCount},
                                   {.name = "withscores",
                                    .type = ArgType::kPureToken,
                                    .token = "WITHSCORES",
                                    .is_optional = true}};
constexpr HistoryEntry kZrangeHistory[] = {{"6.2.0", "Knows REV, BYSCORE, BYLEX and LIMIT."}};
constexpr ArgSpec kZrangebylexArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                        {.name = "min", .type = ArgType::kString},
                                        {.name = "max", .type = ArgType::kString},
                                        {.name = "offset_count",
                                         .type = ArgType::kBlock,
                                         .token = "LIMIT",
                                         .is_optional = true,
                                         .children = kZrangeOffsetCount}};
constexpr ArgSpec kZrangebyscoreArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "min", .type = ArgType::kDouble},
    {.name = "max", .type = ArgType::kDouble},
    {.name = "withscores",
     .type = ArgType::kPureToken,
     .token = "WITHSCORES",
     .is_optional = true,
     .since = "2.0.0"},
    {.name = "offset_count",
     .type = ArgType::kBlock,
     .token = "LIMIT",
     .is_optional = true,
     .children = kZrangeOffsetCount}};
constexpr HistoryEntry kZrangebyscoreHistory[] = {{"2.0.0", "Knows WITHSCORES."}};
constexpr KeySpec kZrangestoreKeys[] = {KeySpec::Single(1, KeyFlag::kOverwrite | KeyFlag::kUpdate),
                                        KeySpec::Single(2, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kZrangestoreArgs[] = {
    {.name = "dst", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "src", .type = ArgType::kKey, .key_spec_index = 1},
    {.name = "min", .type = ArgType::kString},
    {.name = "max", .type = ArgType::kString},
    {.name = "sortby", .type = ArgType::kOneOf, .is_optional = true, .children = kZrangeSortby},
    {.name = "rev", .type = ArgType::kPureToken, .token = "REV", .is_optional = true},
    {.name = "offset_count",
     .type = ArgType::kBlock,
     .token = "LIMIT",
     .is_optional = true,
     .children = kZrangeOffsetCount}};
constexpr KeySpec kZremKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kDelete)};
constexpr ArgSpec kZremrangebyrankArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "start", .type = ArgType::kInteger},
    {.name = "stop", .type = ArgType::kInteger}};
constexpr ArgSpec kZrevrangeArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                      {.name = "start", .type = ArgType::kInteger},
                                      {.name = "stop", .type = ArgType::kInteger},
                                      {.name = "withscores",
                                       .type = ArgType::kPureToken,
                                       .token = "WITHSCORES",
                                       .is_optional = true}};
constexpr ArgSpec kZrevrangebylexArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "max", .type = ArgType::kString},
    {.name = "min", .type = ArgType::kString},
    {.name = "offset_count",
     .type = ArgType::kBlock,
     .token = "LIMIT",
     .is_optional = true,
     .children = kZrangeOffsetCount}};
constexpr ArgSpec kZrevrangebyscoreArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "max", .type = ArgType::kDouble},
    {.name = "min", .type = ArgType::kDouble},
    {.name = "withscores", .type = ArgType::kPureToken, .token = "WITHSCORES", .is_optional = true},
    {.name = "offset_count",
     .type = ArgType::kBlock,
     .token = "LIMIT",
     .is_optional = true,
     .children = kZrangeOffsetCount}};
constexpr HistoryEntry kZrevrangebyscoreHistory[] = {{"2.1.6", "Bounds may exclude themselves."}};

constexpr Command kRows[] = {
    {.spec = {.name = "zcount",
              .arity = 4,
              .group = Group::kSortedSet,
              .since = "2.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kZcountKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kFast,
              .complexity = "O(log(N)) where N is the number of members",
              .summary = "Counts the members of a sorted set whose scores lie in a range.",
              .arguments = kZcountArgs},
     .run = ZCount},
    {.spec = {.name = "zlexcount",
              .arity = 4,
              .group = Group::kSortedSet,
              .since = "2.8.9",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kZcountKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kFast,
              .complexity = "O(log(N)) where N is the number of members",
              .summary = "Counts the members of a sorted set that lie in a range of octets.",
              .arguments = kZlexcountArgs},
     .run = ZLexCount},
    {.spec = {.name = "zrange",
              .arity = -4,
              .group = Group::kSortedSet,
              .since = "1.2.0",
              .flags = Flag::kReadonly,
              .keys = kZcountKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kSlow,
              .complexity =
                  "O(log(N) + M) where N is the number of members and M of those returned",
              .summary =
                  "Returns the members of a sorted set in a range of ranks, scores or octets.",
              .arguments = kZrangeArgs,
              .history = kZrangeHistory},
     .run = ZRange},
    {.spec = {.name = "zrangebylex",
              .arity = -4,
              .group = Group::kSortedSet,
              .since = "2.8.9",
              .flags = Flag::kReadonly,
              .keys = kZcountKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kSlow,
              .complexity =
                  "O(log(N) + M) where N is the number of members and M of those returned",
              .summary = "Returns the members of a sorted set in a range of octets.",
              .arguments = kZrangebylexArgs,
              .deprecated_since = "6.2.0",
              .replaced_by = "`ZRANGE` with the `BYLEX` argument"},
     .run = ZRangeByLex},
    {.spec = {.name = "zrangebyscore",
              .arity = -4,
              .group = Group::kSortedSet,
              .since = "1.0.5",
              .flags = Flag::kReadonly,
              .keys = kZcountKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kSlow,
              .complexity =
                  "O(log(N) + M) where N is the number of members and M of those returned",
              .summary = "Returns the members of a sorted set in a range of scores.",
              .arguments = kZrangebyscoreArgs,
              .history = kZrangebyscoreHistory,
              .deprecated_since = "6.2.0",
              .replaced_by = "`ZRANGE` with the `BYSCORE` argument"},
     .run = ZRangeByScore},
    {.spec = {.name = "zrangestore",
              .arity = -5,
              .group = Group::kSortedSet,
              .since = "6.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kZrangestoreKeys,
              .acl = Acl::kWrite | Acl::kSortedSet | Acl::kSlow,
              .complexity = "O(log(N) + M) where N is the number of members and M of those stored",
              .summary = "Stores the members of a sorted set in a range of ranks, scores or octets "
                         "at another key.",
              .arguments = kZrangestoreArgs},
     .run = ZRangeStore},
    {.spec = {.name = "zremrangebylex",
              .arity = 4,
              .group = Group::kSortedSet,
              .since = "2.8.9",
              .flags = Flag::kWrite,
              .keys = kZremKeys,
              .acl = Acl::kWrite | Acl::kSortedSet | Acl::kSlow,
              .complexity =
                  "O(log(N) + M*log(N)) where N is the number of members and M of those removed",
              .summary = "Removes the members of a sorted set in a range of octets.",
              .arguments = kZlexcountArgs},
     .run = ZRemRangeByLex},
    {.spec = {.name = "zremrangebyrank",
              .arity = 4,
              .group = Group::kSortedSet,
              .since = "2.0.0",
              .flags = Flag::kWrite,
              .keys = kZremKeys,
              .acl = Acl::kWrite | Acl::kSortedSet | Acl::kSlow,
              .complexity =
                  "O(log(N) + M*log(N)) where N is the number of members and M of those removed",
              .summary = "Removes the members of a sorted set in a range of ranks.",
              .arguments = kZremrangebyrankArgs},
     .run = ZRemRangeByRank},
    {.spec = {.name = "zremrangebyscore",
              .arity = 4,
              .group = Group::kSortedSet,
              .since = "1.2.0",
              .flags = Flag::kWrite,
              .keys = kZremKeys,
              .acl = Acl::kWrite | Acl::kSortedSet | Acl::kSlow,
              .complexity =
                  "O(log(N) + M*log(N)) where N is the number of members and M of those removed",
              .summary = "Removes the members of a sorted set in a range of scores.",
              .arguments = kZcountArgs},
     .run = ZRemRangeByScore},
    {.spec =
         {.name = "zrevrange",
          .arity = -4,
          .group = Group::kSortedSet,
          .since = "1.2.0",
          .flags = Flag::kReadonly,
          .keys = kZcountKeys,
          .acl = Acl::kRead | Acl::kSortedSet | Acl::kSlow,
          .complexity = "O(log(N) + M) where N is the number of members and M of those returned",
          .summary =
              "Returns the members of a sorted set in a range of ranks, the highest score first.",
          .arguments = kZrevrangeArgs,
          .deprecated_since = "6.2.0",
          .replaced_by = "`ZRANGE` with the `REV` argument"},
     .run = ZRevRange},
    {.spec = {.name = "zrevrangebylex",
              .arity = -4,
              .group = Group::kSortedSet,
              .since = "2.8.9",
              .flags = Flag::kReadonly,
              .keys = kZcountKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kSlow,
              .complexity =
                  "O(log(N) + M) where N is the number of members and M of those returned",
              .summary =
                  "Returns the members of a sorted set in a range of octets, the last one first.",
              .arguments = kZrevrangebylexArgs,
              .deprecated_since = "6.2.0",
              .replaced_by = "`ZRANGE` with the `REV` and `BYLEX` arguments"},
     .run = ZRevRangeByLex},
    {.spec = {.name = "zrevrangebyscore",
              .arity = -4,
              .group = Group::kSortedSet,
              .since = "2.2.0",
              .flags = Flag::kReadonly,
              .keys = kZcountKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kSlow,
              .complexity =
                  "O(log(N) + M) where N is the number of members and M of those returned",
              .summary =
                  "Returns the members of a sorted set in a range of scores, the highest first.",
              .arguments = kZrevrangebyscoreArgs,
              .history = kZrevrangebyscoreHistory,
              .deprecated_since = "6.2.0",
              .replaced_by = "`ZRANGE` with the `REV` and `BYSCORE` arguments"},
     .run = ZRevRangeByScore},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> SortedSetRangeCommands() { return kRows; }

}  // namespace peal::broker
