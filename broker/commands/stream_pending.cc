// What is pending in consumer groups of streams: acknowledged, told, claimed. Source of replies,
// errors and events: Redis 7.2, observed on 7.0.15.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/commands/stream.h"
#include "broker/exec/edit.h"
#include "broker/exec/unit.h"
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
using protocol::HistoryEntry;
using protocol::KeyFlag;
using protocol::KeySpec;
using protocol::ParseInt64;
using protocol::ReplyWriter;
using protocol::Result;
using store::PendingEntry;
using store::StreamConsumer;
using store::StreamGroup;
using store::StreamId;
using store::StreamValue;

namespace errors = protocol::errors;

/// A stream and one of its groups.
struct FoundGroup {
  Found<StreamValue> stream;
  StreamGroup* group = nullptr;
};

/// Looks up a group of the stream at `key` for commands that need one; nullopt with an error
/// replied if there is none.
std::optional<FoundGroup> FindGroup(CommandContext& context, std::string_view key,
                                    std::string_view name) {
  const auto found = ReadValue<StreamValue>(context, key);
  if (!found) return std::nullopt;
  StreamGroup* const group = *found ? found->value->FindGroup(name) : nullptr;
  if (group == nullptr) {
    context.Fail(NoStreamGroup(key, name));
    return std::nullopt;
  }
  return FoundGroup{*found, group};
}

// ---------------------------------------------------------------- XACK and XPENDING

void XAck(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const auto found = ReadValue<StreamValue>(context, key);
  if (!found) return;
  StreamGroup* const group = *found ? found->value->FindGroup(context.arg(2)) : nullptr;
  if (group == nullptr) return context.reply.Integer(0);
  const auto ids = ReadStreamIds(context.args.subspan(3));
  if (!ids.ok()) return context.Fail(ids.error());
  Edit<StreamValue> edit(unit, key, *found);
  uint64_t acknowledged = 0;
  for (const StreamId id : *ids) {
    if (group->DeletePending(id)) ++acknowledged;
  }
  if (acknowledged > 0) {
    edit.CommitQuietly(acknowledged);
    unit.Replicate(context.args);
  }
  context.reply.Integer(static_cast<int64_t>(acknowledged));
}

void XAckDel(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const Result<DeleteRequest> request = ReadDeleteRequest(context.args, 3);
  if (!request.ok()) return context.Fail(request.error());
  const auto found = FindValue<StreamValue>(context, key);
  if (!found) return;
  StreamGroup* const group = *found ? found->value->FindGroup(context.arg(2)) : nullptr;
  context.reply.Array(request->ids.size());
  if (group == nullptr) {
    for (size_t i = 0; i < request->ids.size(); ++i) context.reply.Integer(kIdIsNotThere);
    return;
  }
  Edit<StreamValue> edit(unit, key, *found);
  const uint64_t length = edit->length();
  uint64_t changes = 0;
  for (const StreamId id : request->ids) {
    if (!group->DeletePending(id)) {
      context.reply.Integer(kIdIsNotThere);
      continue;
    }
    ++changes;
    const int64_t outcome = DeleteEntry(*edit, id, request->references, changes);
    // An entry that had gone before counts as deleted.
    context.reply.Integer(outcome == kIdStillReferenced ? outcome : kIdDeleted);
  }
  if (changes == 0) return;
  if (edit->length() != length) {
    edit.Commit(changes);
    unit.Notify(kNotifyStream, "xdel", key);
  } else {
    edit.CommitQuietly(changes);
  }
  unit.Replicate(context.args);
}

void ReplyPendingSummary(CommandContext& context, const StreamGroup& group) {
  ReplyWriter& reply = context.reply;
  reply.Array(4);
  reply.Integer(static_cast<int64_t>(group.pending().size()));
  if (group.pending().empty()) {
    reply.Null();
    reply.Null();
    return reply.NullArray();
  }
  ReplyStreamId(reply, group.pending().begin()->first);
  ReplyStreamId(reply, std::prev(group.pending().end())->first);
  const auto has_pending = [](const auto& each) { return !each.second->pending().empty(); };
  const auto& consumers = group.consumers();
  reply.Array(static_cast<size_t>(std::count_if(consumers.begin(), consumers.end(), has_pending)));
  for (const auto& [name, consumer] : consumers) {
    if (consumer->pending().empty()) continue;
    reply.Array(2);
    reply.Bulk(name);
    reply.BulkInteger(static_cast<int64_t>(consumer->pending().size()));
  }
}

/// The range of the long form of XPENDING.
struct PendingRange {
  StreamId first;
  StreamId last;
  uint64_t count = 0;
  int64_t min_idle_ms = 0;
  std::optional<std::string_view> consumer;
};

Result<PendingRange> ReadPendingRange(std::span<const std::string_view> args) {
  PendingRange out;
  size_t at = 3;
  if (EqualsIgnoreCase(args[3], "idle")) {
    const auto idle = ParseInt64(args[4]);
    if (!idle) return errors::kNotInteger;
    if (args.size() < 8) return errors::kSyntax;
    out.min_idle_ms = *idle;
    at = 5;
  }
  const auto count = ParseInt64(args[at + 2]);
  if (!count) return errors::kNotInteger;
  out.count = *count < 0 ? 0 : static_cast<uint64_t>(*count);
  PEAL_ASSIGN_OR_RETURN(out.first, ReadRangeStart(args[at]));
  PEAL_ASSIGN_OR_RETURN(out.last, ReadRangeEnd(args[at + 1]));
  if (at + 3 < args.size()) out.consumer = args[at + 3];
  return out;
}

void ReplyPendingEntry(ReplyWriter& reply, StreamId id, const PendingEntry& entry,
                       const StreamGroup& group, int64_t now_ms) {
  reply.Array(4);
  ReplyStreamId(reply, id);
  reply.Bulk(entry.consumer->name());
  reply.Integer(IdleTime(group, entry, now_ms));
  reply.Integer(static_cast<int64_t>(entry.deliveries));
}

/// `pending` is that of a group or of a consumer.
template <typename Pending, typename EntryOf>
void ReplyPendingRange(CommandContext& context, const PendingRange& range, const StreamGroup& group,
                       const Pending& pending, EntryOf entry_of) {
  const int64_t now_ms = context.unit.now_ms();
  protocol::StringSink sink;
  ReplyWriter parts(sink, context.reply.version());
  uint64_t count = 0;
  for (auto at = pending.lower_bound(range.first);
       count < range.count && at != pending.end() && at->first <= range.last; ++at) {
    const PendingEntry& entry = *entry_of(at->second);
    if (range.min_idle_ms != 0 && now_ms - entry.delivered_ms < range.min_idle_ms) continue;
    ++count;
    ReplyPendingEntry(parts, at->first, entry, group, now_ms);
  }
  context.reply.Array(count);
  context.reply.sink().Append(sink.view());
}

void XPending(CommandContext& context) {
  const size_t args = context.args.size();
  if (args != 3 && (args < 6 || args > 9)) return context.Fail(errors::kSyntax);
  std::optional<PendingRange> range;
  if (args != 3) {
    const Result<PendingRange> read = ReadPendingRange(context.args);
    if (!read.ok()) return context.Fail(read.error());
    range = *read;
  }
  const auto found = FindGroup(context, context.arg(1), context.arg(2));
  if (!found) return;
  const StreamGroup& group = *found->group;
  if (!range) return ReplyPendingSummary(context, group);
  if (!range->consumer) {
    return ReplyPendingRange(context, *range, group, group.pending(),
                             [](const PendingEntry& entry) { return &entry; });
  }
  const StreamConsumer* const consumer = group.FindConsumer(*range->consumer);
  if (consumer == nullptr) return context.reply.Array(0);
  ReplyPendingRange(context, *range, group, consumer->pending(),
                    [](const PendingEntry* entry) { return entry; });
}

// ---------------------------------------------------------------- XCLAIM and XAUTOCLAIM

/// Options of XCLAIM.
struct ClaimOptions {
  int64_t min_idle_ms = 0;
  std::vector<StreamId> ids;
  int64_t delivered_ms = 0;
  std::optional<uint64_t> deliveries;
  StreamId last_id;
  bool force = false;
  bool just_id = false;
};

Result<int64_t> ReadClaimNumber(std::string_view text, const char* what) {
  const auto value = ParseInt64(text);
  if (value) return *value;
  return Error::Owned(std::string("ERR Invalid ") + what + " argument for XCLAIM");
}

Result<ClaimOptions> ReadClaim(std::span<const std::string_view> args, int64_t now_ms) {
  ClaimOptions out;
  PEAL_ASSIGN_OR_RETURN(out.min_idle_ms, ReadClaimNumber(args[4], "min-idle-time"));
  size_t i = 5;
  for (; i < args.size(); ++i) {
    const Result<StreamId> id = ReadStreamId(args[i]);
    if (!id.ok()) break;  // an option
    out.ids.push_back(*id);
  }
  out.delivered_ms = now_ms;
  for (; i < args.size(); ++i) {
    const bool has_more = i + 1 < args.size();
    if (EqualsIgnoreCase(args[i], "force")) {
      out.force = true;
    } else if (EqualsIgnoreCase(args[i], "justid")) {
      out.just_id = true;
    } else if (has_more && EqualsIgnoreCase(args[i], "idle")) {
      PEAL_ASSIGN_OR_RETURN(const int64_t idle, ReadClaimNumber(args[++i], "IDLE option"));
      if (__builtin_sub_overflow(now_ms, idle, &out.delivered_ms)) out.delivered_ms = now_ms;
    } else if (has_more && EqualsIgnoreCase(args[i], "time")) {
      PEAL_ASSIGN_OR_RETURN(out.delivered_ms, ReadClaimNumber(args[++i], "TIME option"));
    } else if (has_more && EqualsIgnoreCase(args[i], "retrycount")) {
      PEAL_ASSIGN_OR_RETURN(const int64_t count, ReadClaimNumber(args[++i], "RETRYCOUNT option"));
      out.deliveries.reset();
      if (count >= 0) out.deliveries = static_cast<uint64_t>(count);
    } else if (has_more && EqualsIgnoreCase(args[i], "lastid")) {
      PEAL_ASSIGN_OR_RETURN(out.last_id, ReadStreamId(args[++i]));
    } else {
      return Error::Owned("ERR Unrecognized XCLAIM option '" + std::string(args[i]) + "'");
    }
  }
  // A client's clock may be off: a bogus time is now.
  if (out.delivered_ms < 0 || out.delivered_ms > now_ms) out.delivered_ms = now_ms;
  return out;
}

bool IsIdle(const StreamGroup& group, const PendingEntry& entry, int64_t min_idle_ms,
            int64_t now_ms) {
  return min_idle_ms <= 0 || group.IsReleased(entry) || now_ms - entry.delivered_ms >= min_idle_ms;
}

void XClaim(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const auto found = FindGroup(context, key, context.arg(2));
  if (!found) return;
  const Result<ClaimOptions> options = ReadClaim(context.args, unit.now_ms());
  if (!options.ok()) return context.Fail(options.error());

  StreamGroup& group = *found->group;
  const StreamValue& stream = *found->stream.value;
  Edit<StreamValue> edit(unit, key, found->stream);
  uint64_t changes = 0;
  bool must_tell_last_id = false;
  if (options->last_id > group.last_id) {
    group.last_id = options->last_id;
    must_tell_last_id = true;
    ++changes;
  }
  if (group.FindConsumer(context.arg(3)) == nullptr) ++changes;
  StreamConsumer& consumer = FindOrAddConsumer(unit, key, group, context.arg(3));
  consumer.seen_ms = unit.now_ms();

  protocol::StringSink sink;
  ReplyWriter parts(sink, context.reply.version());
  uint64_t claimed = 0;
  for (const StreamId id : options->ids) {
    if (!stream.Contains(id)) {
      if (group.DeletePending(id)) {
        ReplicateAck(unit, key, group, id);
        ++changes;
      }
      continue;
    }
    PendingEntry* entry = group.FindPending(id);
    if (entry == nullptr) {
      if (!options->force) continue;
      entry = &group.SetPending(id, consumer, unit.now_ms(), 1);
    } else if (!IsIdle(group, *entry, options->min_idle_ms, unit.now_ms())) {
      continue;
    }
    group.Reassign(id, *entry, consumer);
    group.SetDelivered(id, *entry, options->delivered_ms);
    if (const auto deliveries = options->deliveries) {
      entry->deliveries = *deliveries;
    } else if (!options->just_id) {
      entry->CountDelivery();
    }
    if (options->just_id) {
      ReplyStreamId(parts, id);
    } else {
      ReplyStreamEntry(parts, stream, id);
    }
    ++claimed;
    ++changes;
    consumer.active_ms = unit.now_ms();
    ReplicateClaim(unit, key, group, id, *entry);
    must_tell_last_id = false;
  }
  if (must_tell_last_id) ReplicateGroupId(unit, key, group);
  edit.CommitQuietly(changes);
  // Who waits for what has been idle for long may find something that is said to be so.
  if (options->delivered_ms != unit.now_ms()) unit.TryWaiters(key);
  context.reply.Array(claimed);
  context.reply.sink().Append(sink.view());
}

constexpr Error kBadCount = Error::Static("ERR COUNT must be > 0");
constexpr Error kBadAutoClaimIdle =
    Error::Static("ERR Invalid min-idle-time argument for XAUTOCLAIM");
constexpr int64_t kMaxAutoClaimCount = INT64_MAX / 16;
constexpr uint64_t kAutoClaimTriesPerCount = 10;

void XAutoClaim(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const auto min_idle_ms = ParseInt64(context.arg(4));
  if (!min_idle_ms) return context.Fail(kBadAutoClaimIdle);
  const Result<StreamId> start = ReadRangeStart(context.arg(5));
  if (!start.ok()) return context.Fail(start.error());
  uint64_t count = 100;
  bool just_id = false;
  for (size_t i = 6; i < context.args.size(); ++i) {
    if (EqualsIgnoreCase(context.arg(i), "count") && i + 1 < context.args.size()) {
      const auto read = ParseInt64(context.arg(++i));
      if (!read || *read < 1 || *read > kMaxAutoClaimCount) return context.Fail(kBadCount);
      count = static_cast<uint64_t>(*read);
    } else if (EqualsIgnoreCase(context.arg(i), "justid")) {
      just_id = true;
    } else {
      return context.Fail(errors::kSyntax);
    }
  }
  const auto found = FindGroup(context, key, context.arg(2));
  if (!found) return;

  StreamGroup& group = *found->group;
  const StreamValue& stream = *found->stream.value;
  Edit<StreamValue> edit(unit, key, found->stream);
  uint64_t changes = group.FindConsumer(context.arg(3)) == nullptr ? 1 : 0;
  StreamConsumer& consumer = FindOrAddConsumer(unit, key, group, context.arg(3));
  consumer.seen_ms = unit.now_ms();

  protocol::StringSink sink;
  ReplyWriter parts(sink, context.reply.version());
  uint64_t claimed = 0;
  std::vector<StreamId> deleted;
  auto at = group.pending().lower_bound(*start);
  for (uint64_t tries = count * kAutoClaimTriesPerCount;
       tries > 0 && count > 0 && at != group.pending().end(); --tries) {
    const StreamId id = at->first;
    ++at;  // the entry may go
    if (!stream.Contains(id)) {
      group.DeletePending(id);
      ReplicateAck(unit, key, group, id);
      deleted.push_back(id);
      ++changes;
      --count;
      continue;
    }
    PendingEntry& entry = *group.FindPending(id);
    if (!IsIdle(group, entry, *min_idle_ms, unit.now_ms())) continue;
    group.Reassign(id, entry, consumer);
    group.SetDelivered(id, entry, unit.now_ms());
    if (!just_id) entry.CountDelivery();
    if (just_id) {
      ReplyStreamId(parts, id);
    } else {
      ReplyStreamEntry(parts, stream, id);
    }
    ++claimed;
    ++changes;
    --count;
    consumer.active_ms = unit.now_ms();
    ReplicateClaim(unit, key, group, id, entry);
  }
  const StreamId cursor = at == group.pending().end() ? StreamId() : at->first;
  edit.CommitQuietly(changes);
  context.reply.Array(3);
  ReplyStreamId(context.reply, cursor);
  context.reply.Array(claimed);
  context.reply.sink().Append(sink.view());
  context.reply.Array(deleted.size());
  for (const StreamId id : deleted) ReplyStreamId(context.reply, id);
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kXackKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kUpdate)};
constexpr ArgSpec kReferences[] = {
    {.name = "keepref", .type = ArgType::kPureToken, .token = "KEEPREF"},
    {.name = "delref", .type = ArgType::kPureToken, .token = "DELREF"},
    {.name = "acked", .type = ArgType::kPureToken, .token = "ACKED"}};
constexpr ArgSpec kIds[] = {{.name = "numids", .type = ArgType::kInteger},
                            {.name = "id", .type = ArgType::kString, .is_multiple = true}};
constexpr ArgSpec kXackdelArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "group", .type = ArgType::kString},
    {.name = "condition", .type = ArgType::kOneOf, .is_optional = true, .children = kReferences},
    {.name = "ids", .type = ArgType::kBlock, .token = "IDS", .children = kIds}};
constexpr ArgSpec kXackArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                 {.name = "group", .type = ArgType::kString},
                                 {.name = "id", .type = ArgType::kString, .is_multiple = true}};
constexpr std::string_view kTips[] = {"nondeterministic_output"};
constexpr KeySpec kXautoclaimKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kDelete)};
constexpr ArgSpec kXautoclaimArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "group", .type = ArgType::kString},
    {.name = "consumer", .type = ArgType::kString},
    {.name = "min-idle-time", .type = ArgType::kString},
    {.name = "start", .type = ArgType::kString},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .is_optional = true},
    {.name = "justid", .type = ArgType::kPureToken, .token = "JUSTID", .is_optional = true}};
constexpr HistoryEntry kXautoclaimHistory[] = {
    {"7.0.0",
     "The reply has a third element: the ids that were pending but no longer in the stream."}};
constexpr ArgSpec kXclaimArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "group", .type = ArgType::kString},
    {.name = "consumer", .type = ArgType::kString},
    {.name = "min-idle-time", .type = ArgType::kString},
    {.name = "id", .type = ArgType::kString, .is_multiple = true},
    {.name = "ms", .type = ArgType::kInteger, .token = "IDLE", .is_optional = true},
    {.name = "unix-time-milliseconds",
     .type = ArgType::kUnixTime,
     .token = "TIME",
     .is_optional = true},
    {.name = "count", .type = ArgType::kInteger, .token = "RETRYCOUNT", .is_optional = true},
    {.name = "force", .type = ArgType::kPureToken, .token = "FORCE", .is_optional = true},
    {.name = "justid", .type = ArgType::kPureToken, .token = "JUSTID", .is_optional = true},
    {.name = "id", .type = ArgType::kString, .token = "LASTID", .is_optional = true}};
constexpr KeySpec kXpendingKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kXpendingFilters[] = {
    {.name = "min-idle-time",
     .type = ArgType::kInteger,
     .token = "IDLE",
     .is_optional = true,
     .since = "6.2.0"},
    {.name = "start", .type = ArgType::kString},
    {.name = "end", .type = ArgType::kString},
    {.name = "count", .type = ArgType::kInteger},
    {.name = "consumer", .type = ArgType::kString, .is_optional = true}};
constexpr ArgSpec kXpendingArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                     {.name = "group", .type = ArgType::kString},
                                     {.name = "filters",
                                      .type = ArgType::kBlock,
                                      .is_optional = true,
                                      .children = kXpendingFilters}};
constexpr HistoryEntry kXpendingHistory[] = {
    {"6.2.0", "`IDLE`, and ranges that leave out their ends."}};

constexpr Command kRows[] = {
    {.spec = {.name = "xack",
              .arity = -4,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kXackKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kFast,
              .complexity = "O(log N) for each id, with N entries pending",
              .summary = "Acknowledges entries: they are no longer pending in the group.",
              .arguments = kXackArgs},
     .run = XAck},
    {.spec = {.name = "xackdel",
              .arity = -6,
              .group = Group::kStream,
              .since = "8.2.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kXautoclaimKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kFast,
              .complexity = "O(log N + G) for each id, with N entries in the stream and G groups",
              .summary = "Acknowledges entries and deletes them from the stream.",
              .arguments = kXackdelArgs},
     .run = XAckDel},
    {.spec = {.name = "xautoclaim",
              .arity = -6,
              .group = Group::kStream,
              .since = "6.2.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kXautoclaimKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kFast,
              .complexity = "O(N) with N entries looked at, at most ten times COUNT",
              .summary = "Gives entries that have been pending for long to another consumer.",
              .arguments = kXautoclaimArgs,
              .history = kXautoclaimHistory,
              .tips = kTips},
     .run = XAutoClaim},
    {.spec = {.name = "xclaim",
              .arity = -6,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kXackKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kFast,
              .complexity = "O(log N) for each id, with N entries pending in the group",
              .summary = "Gives pending entries to another consumer.",
              .arguments = kXclaimArgs,
              .tips = kTips},
     .run = XClaim},
    {.spec = {.name = "xpending",
              .arity = -3,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kReadonly,
              .keys = kXpendingKeys,
              .acl = Acl::kRead | Acl::kStream | Acl::kSlow,
              .complexity = "O(N) with N entries returned or, with IDLE, looked at",
              .summary = "Tells what is pending in a consumer group.",
              .arguments = kXpendingArgs,
              .history = kXpendingHistory,
              .tips = kTips},
     .run = XPending},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> StreamPendingCommands() { return kRows; }

}  // namespace peal::broker
