#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "broker/exec/command.h"
#include "broker/exec/unit.h"
#include "protocol/base/error.h"
#include "protocol/base/result.h"
#include "store/value/stream_value.h"

namespace peal::broker {

inline constexpr protocol::Error kInvalidStreamId =
    protocol::Error::Static("ERR Invalid stream ID specified as stream command argument");

/// An id as clients write it: "5-1", or "5", where `missing_seq` stands for the rest. If
/// `allows_ends`, also "-" and "+" for the least and the greatest.
protocol::Result<store::StreamId> ReadStreamId(std::string_view text, uint64_t missing_seq = 0,
                                               bool allows_ends = false);

/// All of `texts`, or the error of the first that is no id.
protocol::Result<std::vector<store::StreamId>> ReadStreamIds(
    std::span<const std::string_view> texts);

/// One end of a range: an id, "-", "+", or "(" and an id that is left out itself.
protocol::Result<store::StreamId> ReadRangeStart(std::string_view text);
protocol::Result<store::StreamId> ReadRangeEnd(std::string_view text);

/// What XCLAIM and its kin reply when the stream or the group is not there.
protocol::Error NoStreamGroup(std::string_view key, std::string_view group);

/// What XGROUP and XINFO reply when the stream is there but the group is not.
protocol::Error NoGroupFor(std::string_view key, std::string_view group);

/// KEEPREF, DELREF or ACKED, in any letter case.
std::optional<store::StreamValue::References> ReadReferences(std::string_view text);

/// Replies of XDELEX and XACKDEL for each id.
inline constexpr int64_t kIdIsNotThere = -1;
inline constexpr int64_t kIdDeleted = 1;
inline constexpr int64_t kIdStillReferenced = 2;

/// What XDELEX and XACKDEL delete: "[KEEPREF | DELREF | ACKED] IDS numids id [id ...]", the two
/// parts in any order, from args[first] on.
struct DeleteRequest {
  store::StreamValue::References references = store::StreamValue::References::kKeep;
  std::vector<store::StreamId> ids;
};
protocol::Result<DeleteRequest> ReadDeleteRequest(std::span<const std::string_view> args,
                                                  size_t first);
/// Deletes one entry as such a request wants it; the reply for it. Counts in `changes`.
int64_t DeleteEntry(store::StreamValue& stream, store::StreamId id,
                    store::StreamValue::References references, uint64_t& changes);

void ReplyStreamId(protocol::ReplyWriter& reply, store::StreamId id);
/// The cursor's entry: its id and an array of fields and values; as an array, or as elements of one
/// that the caller opened.
void ReplyStreamEntryParts(protocol::ReplyWriter& reply, const store::StreamCursor& cursor);
void ReplyStreamEntry(protocol::ReplyWriter& reply, const store::StreamCursor& cursor);
/// The entry `id` in the same form; false, with nothing written, if there is none.
bool ReplyStreamEntry(protocol::ReplyWriter& reply, const store::StreamValue& stream,
                      store::StreamId id);
/// The entries in [first, last] as an array: at most `count`, or all if that is 0.
void ReplyStreamRange(protocol::ReplyWriter& reply, const store::StreamValue& stream,
                      store::StreamId first, store::StreamId last, uint64_t count,
                      bool backwards = false);

/// What repeats the present state of a pending entry elsewhere.
void ReplicateClaim(Unit& unit, std::string_view key, const store::StreamGroup& group,
                    store::StreamId id, const store::PendingEntry& entry);
/// What repeats that an entry is no longer pending.
void ReplicateAck(Unit& unit, std::string_view key, const store::StreamGroup& group,
                  store::StreamId id);
/// What repeats how far a group has read.
void ReplicateGroupId(Unit& unit, std::string_view key, const store::StreamGroup& group);

/// Milliseconds since the last delivery; -1 if nobody has the entry, because XNACK released it.
int64_t IdleTime(const store::StreamGroup& group, const store::PendingEntry& entry, int64_t now_ms);

/// The consumer of that name; a new one is told as event and effect.
store::StreamConsumer& FindOrAddConsumer(Unit& unit, std::string_view key,
                                         store::StreamGroup& group, std::string_view name);

}  // namespace peal::broker
