// XREAD and XREADGROUP. Source of replies, errors and events: Redis 7.2, observed on 7.0.15.
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

/// The options of XREAD and XREADGROUP. Views of the arguments.
struct ReadRequest {
  bool is_group = false;
  std::string_view group;
  std::string_view consumer;
  bool no_ack = false;
  uint64_t count = 0;  // 0: all
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

/// Delivers to `consumer` what nobody in the group got.
void ReplyNew(Unit& unit, const ReadRequest& request, std::string_view key,
              const StreamValue& stream, StreamGroup& group, StreamConsumer& consumer,
              ReplyWriter& reply) {
  StreamId first = group.last_id;
  first.Increment();
  const uint64_t most = request.count == 0 ? UINT64_MAX : request.count;
  const uint64_t count = stream.CountRange(first, StreamId::Max(), most);
  reply.Array(count);
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
    ReplyStreamEntry(reply, cursor);
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
      entry->delivered_ms = unit.now_ms();
      ++entry->deliveries;
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
  const bool serves = !read.is_new || stream.LastEntryId() > group.last_id;
  if (serves) {
    ReplyKey(reply, read.key);
    if (read.is_new) {
      ReplyNew(unit, request, read.key, stream, group, consumer, reply);
    } else {
      ReplyHistory(unit, request, read, stream, group, consumer, reply);
    }
    ++changes;
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
    const bool serves = is_group ? found->value->LastEntryId() > group->last_id
                                 : found->value->LastEntryId() > read.after;
    if (!serves) {
      if (is_group) break;
      continue;
    }
    ReplyHeader(reply, 1);
    return is_group ? ReadAsConsumer(unit, *request, read, *found, *group, reply)
                    : ReadPlain(*request, read, *found->value, reply);
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
    {.name = "noack", .type = ArgType::kPureToken, .token = "NOACK", .is_optional = true},
    {.name = "streams", .type = ArgType::kBlock, .token = "STREAMS", .children = kXreadStreams}};

constexpr Command kRows[] = {
    {.spec = {.name = "xread",
              .arity = -4,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kReadonly | Flag::kBlocking | Flag::kMovableKeys,
              .keys = kXreadKeys,
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
