// XREAD and XREADGROUP. Source of replies, errors and events: Redis 7.2, observed on 7.0.15.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/commands/stream.h"
#include "broker/exec/blocking.h"
#include "broker/exec/edit.h"
#include "broker/exec/unit.h"
#include "protocol/base/check.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"
#include "protocol/command/keys.h"
#include "protocol/resp/sink.h"

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
using protocol::ReplyWriter;
using protocol::RespVersion;
using protocol::Result;
using store::PendingEntry;
using store::StreamConsumer;
using store::StreamCursor;
using store::StreamGroup;
using store::StreamId;
using store::StreamValue;

namespace errors = protocol::errors;

constexpr Error kGroupOfXread = Error::Static(
    "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
constexpr Error kNoackOfXread = Error::Static(
    "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.");
constexpr Error kClaimOfXread = Error::Static(
    "ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead.");
constexpr Error kIdleNotInteger = Error::Static("ERR min-idle-time is not an integer");
constexpr Error kIdleNegative = Error::Static("ERR min-idle-time must be a positive integer");
constexpr Error kUnbalancedXread = Error::Static(
    "ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.");
constexpr Error kUnbalancedXreadgroup = Error::Static(
    "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be "
    "specified.");
constexpr Error kNoGroupOption = Error::Static("ERR Missing GROUP option for XREADGROUP");
constexpr Error kDollarOfGroup = Error::Static(
    "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of "
    "this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would "
    "just return an empty result set.");
constexpr Error kNewOfXread = Error::Static(
    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> "
    "option.");

Error NoGroup(std::string_view key, std::string_view group) {
  return Error::Owned("NOGROUP No such key '" + std::string(key) + "' or consumer group '" +
                      std::string(group) + "' in XREADGROUP with GROUP option");
}

/// So long an XREADGROUP with CLAIM waits before it looks again, at most.
constexpr int64_t kLongestRetryMs = 60'000;

/// The options of XREAD and XREADGROUP. Views of the arguments.
struct ReadRequest {
  bool is_group = false;
  std::string_view group;
  std::string_view consumer;
  bool no_ack = false;
  std::optional<int64_t> claim_ms;  // CLAIM, of Redis 8.4
  uint64_t count = 0;               // 0: all
  std::optional<int64_t> block_ms;
  std::span<const std::string_view> keys;
  std::span<const std::string_view> ids;  // as many
};

Result<ReadRequest> ReadOptions(std::span<const std::string_view> args, bool is_group) {
  ReadRequest out;
  out.is_group = is_group;
  bool has_group = false;
  size_t streams = 0;
  for (size_t i = 1; i < args.size() && streams == 0; ++i) {
    const size_t more = args.size() - i - 1;
    if (EqualsIgnoreCase(args[i], "block") && more > 0) {
      PEAL_ASSIGN_OR_RETURN(out.block_ms, ReadTimeoutMs(args[++i]));
    } else if (EqualsIgnoreCase(args[i], "count") && more > 0) {
      const auto count = ParseInt64(args[++i]);
      if (!count) return errors::kNotInteger;
      out.count = *count < 0 ? 0 : static_cast<uint64_t>(*count);
    } else if (EqualsIgnoreCase(args[i], "streams") && more > 0) {
      if (more % 2 != 0) return is_group ? kUnbalancedXreadgroup : kUnbalancedXread;
      streams = more / 2;
      out.keys = args.subspan(i + 1, streams);
      out.ids = args.subspan(i + 1 + streams);
    } else if (EqualsIgnoreCase(args[i], "group") && more >= 2) {
      if (!is_group) return kGroupOfXread;
      out.group = args[++i];
      out.consumer = args[++i];
      has_group = true;
    } else if (EqualsIgnoreCase(args[i], "claim") && more > 0) {
      if (!is_group) return kClaimOfXread;
      out.claim_ms = ParseInt64(args[++i]);
      if (!out.claim_ms) return kIdleNotInteger;
      if (*out.claim_ms < 0) return kIdleNegative;
    } else if (EqualsIgnoreCase(args[i], "noack")) {
      if (!is_group) return kNoackOfXread;
      out.no_ack = true;
    } else {
      return errors::kSyntax;
    }
  }
  if (streams == 0) return errors::kSyntax;
  if (is_group && !has_group) return kNoGroupOption;
  return out;
}

/// A read of one key.
struct OneRead {
  std::string_view key;
  StreamId after;       // entries above this one
  bool is_new = false;  // XREADGROUP >: entries that no consumer of the group got
};

/// Opens the element of one key in the reply; an array of entries must follow.
void ReplyKey(ReplyWriter& reply, std::string_view key) {
  if (reply.version() == RespVersion::k2) reply.Array(2);
  reply.Bulk(key);
}

void ReplyHeader(ReplyWriter& reply, size_t keys) {
  reply.version() == RespVersion::k2 ? reply.Array(keys) : reply.Map(keys);
}

// ---------------------------------------------------------------- XREAD

bool ReadPlain(const ReadRequest& request, const OneRead& read, const StreamValue& stream,
               ReplyWriter& reply) {
  if (stream.LastEntryId() <= read.after) return false;
  StreamId first = read.after;
  first.Increment();
  ReplyKey(reply, read.key);
  ReplyStreamRange(reply, stream, first, StreamId::Max(), request.count);
  return true;
}

// ---------------------------------------------------------------- XREADGROUP

/// An entry as it is shown with CLAIM: also how long ago it was delivered, and how often before.
void ReplyClaimEntry(ReplyWriter& reply, const StreamCursor& cursor, int64_t idle_ms,
                     uint64_t deliveries) {
  reply.Array(4);
  ReplyStreamEntryParts(reply, cursor);
  reply.Integer(idle_ms);
  reply.Integer(static_cast<int64_t>(deliveries));
}

/// What CLAIM found.
struct Claimed {
  uint64_t entries = 0;  // in the reply
  uint64_t changes = 0;
};

/// Whether CLAIM may take `entry`.
bool IsClaimable(const StreamGroup& group, const PendingEntry& entry, int64_t min_idle_ms,
                 int64_t now_ms) {
  return group.IsReleased(entry) || now_ms - entry.delivered_ms >= min_idle_ms;
}

/// Gives to `consumer` what has been pending for long, the longest first.
Claimed Claim(Unit& unit, const ReadRequest& request, std::string_view key,
              const StreamValue& stream, StreamGroup& group, StreamConsumer& consumer,
              ReplyWriter& reply) {
  Claimed out;
  if (!request.claim_ms) return out;
  // What is claimed goes to the end of the order and must not be met again.
  const uint64_t end = group.next_order();
  while (request.count == 0 || out.entries < request.count) {
    const auto* const first = group.LongestPending();
    if (first == nullptr || first->second.order >= end) break;
    if (!IsClaimable(group, first->second, *request.claim_ms, unit.now_ms())) break;
    const StreamId id = first->first;
    ++out.changes;
    StreamCursor cursor(stream, id, id);
    if (!cursor.Next()) {  // deleted meanwhile
      group.DeletePending(id);
      ReplicateAck(unit, key, group, id);
      continue;
    }
    PendingEntry& entry = *group.FindPending(id);
    ReplyClaimEntry(reply, cursor, IdleTime(group, entry, unit.now_ms()), entry.deliveries);
    group.Reassign(id, entry, consumer);
    group.SetDelivered(id, entry, unit.now_ms());
    entry.CountDelivery();
    ++out.entries;
    consumer.active_ms = unit.now_ms();
    ReplicateClaim(unit, key, group, id, entry);
  }
  return out;
}

/// How many entries `request` gets that nobody in the group got, after `claimed` others.
uint64_t CountNew(const ReadRequest& request, const StreamValue& stream, const StreamGroup& group,
                  uint64_t claimed) {
  const uint64_t most = request.count == 0 ? UINT64_MAX : request.count - claimed;
  StreamId first = group.last_id;
  if (most == 0 || !first.Increment()) return 0;
  return stream.CountRange(first, StreamId::Max(), most);
}

/// Delivers to `consumer` the next `count` that nobody in the group got.
void ReplyNew(Unit& unit, const ReadRequest& request, std::string_view key,
              const StreamValue& stream, StreamGroup& group, StreamConsumer& consumer,
              uint64_t count, ReplyWriter& reply) {
  StreamId first = group.last_id;
  first.Increment();
  StreamCursor cursor(stream, first, StreamId::Max());
  for (uint64_t i = 0; i < count && cursor.Next(); ++i) {
    const StreamId id = cursor.id();
    // A hole ahead makes counting on uncertain.
    if (group.entries_read != StreamGroup::kUnknown && !stream.HasHoleFrom(id)) {
      // Differs: stays at the greatest, where Redis goes on to negative ones.
      if (group.entries_read < INT64_MAX) ++group.entries_read;
    } else {
      group.entries_read = stream.EntriesUpTo(id);
    }
    group.last_id = id;
    request.claim_ms ? ReplyClaimEntry(reply, cursor, 0, 0) : ReplyStreamEntry(reply, cursor);
    if (request.no_ack) continue;
    const PendingEntry& entry = group.SetPending(id, consumer, unit.now_ms(), 1);
    consumer.active_ms = unit.now_ms();
    ReplicateClaim(unit, key, group, id, entry);
  }
  ReplicateGroupId(unit, key, group);
}

/// Delivers to `consumer` once more what is pending for it.
void ReplyHistory(Unit& unit, const ReadRequest& request, const OneRead& read,
                  const StreamValue& stream, StreamGroup& group, const StreamConsumer& consumer,
                  ReplyWriter& reply) {
  const auto first = consumer.pending().upper_bound(read.after);
  uint64_t count = 0;
  for (auto at = first; at != consumer.pending().end(); ++at) {
    if (request.count != 0 && count == request.count) break;
    ++count;
  }
  reply.Array(count);
  auto at = first;
  for (uint64_t i = 0; i < count; ++i, ++at) {
    const auto& [id, entry] = *at;
    if (ReplyStreamEntry(reply, stream, id)) {
      group.SetDelivered(id, *entry, unit.now_ms());
      entry->CountDelivery();
      ReplicateClaim(unit, read.key, group, id, *entry);
    } else {
      reply.Array(2);
      ReplyStreamId(reply, id);
      reply.NullArray();
    }
  }
}

/// The group exists. False if there is nothing; the consumer has been there in any case.
bool ReadAsConsumer(Unit& unit, const ReadRequest& request, const OneRead& read,
                    const Found<StreamValue>& found, StreamGroup& group, ReplyWriter& reply) {
  Edit<StreamValue> edit(unit, read.key, found);
  const StreamValue& stream = *found.value;
  const size_t consumers = group.consumers().size();
  StreamConsumer& consumer = FindOrAddConsumer(unit, read.key, group, request.consumer);
  uint64_t changes = group.consumers().size() - consumers;
  consumer.seen_ms = unit.now_ms();
  bool serves = true;
  if (!read.is_new) {
    ReplyKey(reply, read.key);
    ReplyHistory(unit, request, read, stream, group, consumer, reply);
    ++changes;
  } else {
    protocol::StringSink sink;
    ReplyWriter parts(sink, reply.version());
    const Claimed claimed = Claim(unit, request, read.key, stream, group, consumer, parts);
    const uint64_t news = CountNew(request, stream, group, claimed.entries);
    serves = claimed.entries + news > 0;
    if (serves) {
      ReplyKey(reply, read.key);
      reply.Array(claimed.entries + news);
      reply.sink().Append(sink.view());
    }
    if (news > 0) {
      ReplyNew(unit, request, read.key, stream, group, consumer, news, reply);
      ++changes;
    }
    changes += claimed.changes;
  }
  edit.CommitQuietly(changes);
  return serves;
}

// ---------------------------------------------------------------- both

/// Serves those who wait: what came to `key` answers the request.
bool Serve(Unit& unit, std::span<const std::string_view> args, std::string_view key,
           ReplyWriter& reply, bool is_group) {
  const Result<ReadRequest> request = ReadOptions(args, is_group);
  store::Entry* const entry = unit.FindForRead(key, Unit::kLookupNoNotify | Unit::kLookupNoStats);
  const auto found = AsValue<StreamValue>(entry);
  if (!found) {
    if (is_group) reply.Error(errors::kWrongType);
    return is_group;
  }
  StreamGroup* group = nullptr;
  if (is_group) {
    // The stream or the group has gone: nothing will ever come.
    if (*found) group = found->value->FindGroup(request->group);
    if (group == nullptr) {
      reply.Error(NoGroup(key, request->group));
      return true;
    }
  } else if (!*found) {
    return false;
  }
  for (size_t i = 0; i < request->keys.size(); ++i) {
    if (request->keys[i] != key) continue;
    OneRead read{.key = key, .after = StreamId(), .is_new = is_group};
    if (!is_group) read.after = *ReadStreamId(request->ids[i]);
    // What there is, is known when it has been read.
    protocol::StringSink sink;
    ReplyWriter parts(sink, reply.version());
    const bool serves = is_group ? ReadAsConsumer(unit, *request, read, *found, *group, parts)
                                 : ReadPlain(*request, read, *found->value, parts);
    if (serves) {
      ReplyHeader(reply, 1);
      reply.sink().Append(sink.view());
      return true;
    }
    if (is_group) break;
  }
  return false;
}

bool ServeXRead(Unit& unit, std::span<const std::string_view> args, std::string_view key,
                ReplyWriter& reply) {
  return Serve(unit, args, key, reply, false);
}
bool ServeXReadGroup(Unit& unit, std::span<const std::string_view> args, std::string_view key,
                     ReplyWriter& reply) {
  return Serve(unit, args, key, reply, true);
}

/// CLAIM looks again when the first entry has been pending long enough, and often enough for those
/// that are delivered meanwhile.
int64_t RetryXReadGroup(Unit& unit, std::span<const std::string_view> args) {
  constexpr int64_t kShortestMs = 10;
  const Result<ReadRequest> request = ReadOptions(args, true);
  const int64_t min_idle_ms = protocol::Checked(request->claim_ms);
  int64_t in_ms = std::min(min_idle_ms, kLongestRetryMs);
  for (const std::string_view key : request->keys) {
    const auto found = AsValue<StreamValue>(unit.Find(key));
    if (!found || !*found) continue;
    StreamGroup* const group = found->value->FindGroup(request->group);
    if (group == nullptr) continue;
    Edit<StreamValue> edit(unit, key, *found);  // there may be an index from now on
    const auto* const first = group->LongestPending();
    edit.CommitQuietly(0);
    if (first == nullptr) continue;
    const int64_t idle_ms = unit.now_ms() - first->second.delivered_ms;
    in_ms = std::min(in_ms, min_idle_ms - std::min(idle_ms, min_idle_ms));
  }
  return std::max(in_ms, kShortestMs);
}

/// Reads the id of `key`, which must be a stream, or nothing at all for XREAD. False if an error
/// was replied.
bool ReadOne(CommandContext& context, const ReadRequest& request, std::string_view key,
             std::string_view id, OneRead& out) {
  const auto found = ReadValue<StreamValue>(context, key);
  if (!found) return false;
  out.key = key;
  if (request.is_group && (!*found || found->value->FindGroup(request.group) == nullptr)) {
    context.Fail(NoGroup(key, request.group));
    return false;
  }
  if (id == "$") {
    if (request.is_group) context.Fail(kDollarOfGroup);
    if (*found) out.after = found->value->last_id();
    return !request.is_group;
  }
  if (id == "+" && !request.is_group) {  // as of Redis 7.4: the last entry
    if (*found) out.after = found->value->LastEntryId();
    if (*found && !out.after.Decrement()) out.after = found->value->last_id();
    return true;
  }
  if (id == ">") {
    if (!request.is_group) context.Fail(kNewOfXread);
    out.is_new = true;
    return request.is_group;
  }
  const Result<StreamId> after = ReadStreamId(id);
  if (!after.ok()) {
    context.Fail(after.error());
    return false;
  }
  out.after = *after;
  out.is_new = request.is_group && *after == StreamId::Max();  // as Redis notes ">" down
  return true;
}

void WaitForMore(CommandContext& context, const ReadRequest& request,
                 std::span<const OneRead> reads) {
  // What counts as new is settled now.
  std::vector<std::string> ids;
  ids.reserve(reads.size());
  std::vector<std::string_view> args(context.args.begin(), context.args.end());
  if (!request.is_group) {
    const size_t first_id = args.size() - reads.size();
    for (size_t i = 0; i < reads.size(); ++i) {
      args[first_id + i] = ids.emplace_back(reads[i].after.ToString());
    }
  }
  BlockRequest wait;
  wait.serve = request.is_group ? ServeXReadGroup : ServeXRead;
  if (request.claim_ms) wait.retry = RetryXReadGroup;
  wait.args = args;
  wait.keys = request.keys;
  wait.timeout_ms = protocol::Checked(request.block_ms);
  Block(context, wait);
}

void Read(CommandContext& context, bool is_group) {
  Unit& unit = context.unit;
  const Result<ReadRequest> request = ReadOptions(context.args, is_group);
  if (!request.ok()) return context.Fail(request.error());
  std::vector<OneRead> reads(request->keys.size());
  for (size_t i = 0; i < reads.size(); ++i) {
    if (!ReadOne(context, *request, request->keys[i], request->ids[i], reads[i])) return;
  }
  // How many keys have something is known when they have been read.
  protocol::StringSink sink;
  ReplyWriter parts(sink, context.reply.version());
  size_t served = 0;
  for (const OneRead& read : reads) {
    const Found<StreamValue> found =
        protocol::Checked(AsValue<StreamValue>(unit.FindForRead(read.key)));
    if (!found) continue;
    const bool serves = is_group ? ReadAsConsumer(unit, *request, read, found,
                                                  *found.value->FindGroup(request->group), parts)
                                 : ReadPlain(*request, read, *found.value, parts);
    if (serves) ++served;
  }
  if (served > 0) {
    ReplyHeader(context.reply, served);
    return context.reply.sink().Append(sink.view());
  }
  if (!request->block_ms || context.in_exec) return context.reply.NullArray();
  WaitForMore(context, *request, reads);
}

void XRead(CommandContext& context) { Read(context, false); }
void XReadGroup(CommandContext& context) { Read(context, true); }

// ---------------------------------------------------------------- rows

/// The keys behind STREAMS where that is an option, as ReadOptions does it.
/// Differs: for Redis 7.0 the keys stand behind the first such word, which may be the name of the
/// consumer; it checks the rights to those, and reads others.
void FindStreams(std::span<const std::string_view> args, std::vector<protocol::KeyAt>& keys) {
  for (size_t i = 1; i < args.size(); ++i) {
    if (EqualsIgnoreCase(args[i], "streams")) {
      const size_t streams = (args.size() - i - 1) / 2;
      for (size_t at = i + 1; at <= i + streams; ++at) {
        keys.push_back({at, KeyFlag::kReadOnly | KeyFlag::kAccess});
      }
      return;
    }
    if (EqualsIgnoreCase(args[i], "group")) {
      i += 2;
    } else if (EqualsIgnoreCase(args[i], "block") || EqualsIgnoreCase(args[i], "count") ||
               EqualsIgnoreCase(args[i], "claim")) {
      i += 1;
    }
  }
}

constexpr KeySpec kXreadKeys[] = {{.flags = KeyFlag::kReadOnly | KeyFlag::kAccess,
                                   .begin = KeySpec::Begin::kKeyword,
                                   .index = 1,
                                   .keyword = "STREAMS",
                                   .last = -1,
                                   .limit = 2}};
constexpr ArgSpec kXreadStreams[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true},
    {.name = "id", .type = ArgType::kString, .is_multiple = true}};
constexpr ArgSpec kXreadArgs[] = {
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .is_optional = true},
    {.name = "milliseconds", .type = ArgType::kInteger, .token = "BLOCK", .is_optional = true},
    {.name = "streams", .type = ArgType::kBlock, .token = "STREAMS", .children = kXreadStreams}};
constexpr KeySpec kXreadgroupKeys[] = {{.flags = KeyFlag::kReadOnly | KeyFlag::kAccess,
                                        .begin = KeySpec::Begin::kKeyword,
                                        .index = 4,
                                        .keyword = "STREAMS",
                                        .last = -1,
                                        .limit = 2}};
constexpr ArgSpec kXreadgroupGroupConsumer[] = {{.name = "group", .type = ArgType::kString},
                                                {.name = "consumer", .type = ArgType::kString}};
constexpr ArgSpec kXreadgroupArgs[] = {
    {.name = "group_consumer",
     .type = ArgType::kBlock,
     .token = "GROUP",
     .children = kXreadgroupGroupConsumer},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .is_optional = true},
    {.name = "milliseconds", .type = ArgType::kInteger, .token = "BLOCK", .is_optional = true},
    {.name = "min-idle-time",
     .type = ArgType::kInteger,
     .token = "CLAIM",
     .is_optional = true,
     .since = "8.4.0"},
    {.name = "noack", .type = ArgType::kPureToken, .token = "NOACK", .is_optional = true},
    {.name = "streams", .type = ArgType::kBlock, .token = "STREAMS", .children = kXreadStreams}};

constexpr Command kRows[] = {
    {.spec = {.name = "xread",
              .arity = -4,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kReadonly | Flag::kBlocking | Flag::kMovableKeys,
              .keys = kXreadKeys,
              .more_keys = FindStreams,
              .acl = Acl::kRead | Acl::kStream | Acl::kSlow | Acl::kBlocking,
              .complexity = "O(N) with N entries returned",
              .summary = "Returns entries of streams behind given ids; may wait for them.",
              .arguments = kXreadArgs},
     .run = XRead},
    {.spec = {.name = "xreadgroup",
              .arity = -7,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kWrite | Flag::kBlocking | Flag::kMovableKeys,
              .keys = kXreadgroupKeys,
              .more_keys = FindStreams,
              .acl = Acl::kWrite | Acl::kStream | Acl::kSlow | Acl::kBlocking,
              .complexity = "O(N) with N entries returned",
              .summary = "Returns entries of streams to a consumer of a group; may wait for them.",
              .arguments = kXreadgroupArgs},
     .run = XReadGroup},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> StreamReadCommands() { return kRows; }

}  // namespace peal::broker
