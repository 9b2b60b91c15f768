#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "broker/exec/command.h"
#include "broker/exec/edit.h"
#include "protocol/base/error.h"
#include "store/value/zset_value.h"

/// What the files of the sorted set commands share.
namespace peal::broker {

inline constexpr protocol::Error kNotScoreRange =
    protocol::Error::Static("ERR min or max is not a float");
inline constexpr protocol::Error kNotLexRange =
    protocol::Error::Static("ERR min or max not valid string range item");

/// A score or an increment; nullopt if it is no number.
std::optional<double> ReadScore(std::string_view text);

/// Bounds of scores, "(" in front of those that exclude themselves. What strtod takes is good,
/// spaces in front and empty text (0) included, as with Redis.
std::optional<store::ScoreRange> ReadScoreRange(std::string_view min, std::string_view max);

/// Bounds of octets: "-", "+", "(bytes" or "[bytes". The views go into the range.
std::optional<store::LexRange> ReadLexRange(std::string_view min, std::string_view max);

/// Ranks from `first` to `last`, both included, negative ones counted from the end.
store::RankRange ClampRanks(int64_t first, int64_t last, size_t count);

/// Writes arrays of members, with or without their scores: in RESP2 one after the other, in RESP3
/// in pairs.
class ZsetReply {
 public:
  ZsetReply(protocol::ReplyWriter& reply, bool with_scores)
      : reply_(reply),
        with_scores_(with_scores),
        is_nested_(with_scores && reply.version() == protocol::RespVersion::k3) {}

  void Begin(size_t count) { reply_.Array(with_scores_ && !is_nested_ ? 2 * count : count); }
  void Put(std::string_view member, double score) {
    if (is_nested_) reply_.Array(2);
    reply_.Bulk(member);
    if (with_scores_) reply_.Double(score);
  }

 private:
  protocol::ReplyWriter& reply_;
  const bool with_scores_;
  const bool is_nested_;
};

/// ZADD, for GEOADD too.
void ZAdd(CommandContext& context);

/// Takes the members of `range`, at least one, out of the sorted set at `key`. True if the key is
/// gone because none is left: then all go at once, and a large set is freed without the stripe.
bool EraseRange(Unit& unit, std::string_view key, const Found<store::ZsetValue>& found,
                store::RankRange range);

/// Puts a computed sorted set at `key`, or deletes the key if it is empty; replies with the number
/// of members. `event` must be a literal.
void StoreZset(CommandContext& context, std::string_view key,
               std::unique_ptr<store::ZsetValue> value, const char* event);

}  // namespace peal::broker
