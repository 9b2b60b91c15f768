// Commands on the consumer groups of streams, and XINFO. Source of replies, errors and events:
// Redis 7.2, observed on 7.0.15.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <iterator>
#include <limits>
#include <memory>
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

constexpr Error kBusyGroup = Error::Static("BUSYGROUP Consumer Group name already exists");
constexpr Error kNoStream = Error::Static(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use "
    "the MKSTREAM option to create an empty stream automatically.");
constexpr Error kBadEntriesRead = Error::Static("ERR value for ENTRIESREAD must be positive or -1");

Error NoGroupFor(std::string_view key, std::string_view group) {
  return Error::Owned("NOGROUP No such consumer group '" + std::string(group) + "' for key name '" +
                      std::string(key) + "'");
}

/// Arguments that no form of a subcommand takes.
void FailSubcommand(CommandContext& context) {
  context.Fail(Error::Owned("ERR unknown subcommand or wrong number of arguments for '" +
                            std::string(context.arg(1).substr(0, 128)) + "'. Try " +
                            protocol::UpperCase(context.command.spec.parent) + " HELP."));
}

void ReplyHelp(CommandContext& context, std::span<const std::string_view> lines) {
  context.reply.Array(lines.size());
  for (const std::string_view line : lines) context.reply.Simple(line);
}

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

// ---------------------------------------------------------------- XGROUP

/// Options of XGROUP CREATE and SETID.
struct GroupOptions {
  bool makes_stream = false;
  int64_t entries_read = StreamGroup::kUnknown;
};

bool ReadGroupOptions(CommandContext& context, bool is_create, GroupOptions& out) {
  for (size_t i = 5; i < context.args.size(); ++i) {
    if (is_create && EqualsIgnoreCase(context.arg(i), "mkstream")) {
      out.makes_stream = true;
    } else if (EqualsIgnoreCase(context.arg(i), "entriesread") && i + 1 < context.args.size()) {
      const auto count = ParseInt64(context.arg(++i));
      if (!count) {
        context.Fail(errors::kNotInteger);
        return false;
      }
      if (*count < 0 && *count != StreamGroup::kUnknown) {
        context.Fail(kBadEntriesRead);
        return false;
      }
      out.entries_read = *count;
    } else {
      FailSubcommand(context);
      return false;
    }
  }
  return true;
}

/// Looks up the stream and the group that an XGROUP subcommand changes; nullopt with an error
/// replied if one of them is missing.
std::optional<FoundGroup> FindGroupToChange(CommandContext& context, bool needs_group) {
  const auto found = FindValue<StreamValue>(context, context.arg(2));
  if (!found) return std::nullopt;
  if (!*found) {
    context.Fail(kNoStream);
    return std::nullopt;
  }
  StreamGroup* const group = found->value->FindGroup(context.arg(3));
  if (group == nullptr && needs_group) {
    context.Fail(NoGroupFor(context.arg(2), context.arg(3)));
    return std::nullopt;
  }
  return FoundGroup{*found, group};
}

void XGroupCreate(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(2);
  GroupOptions options;
  if (!ReadGroupOptions(context, true, options)) return;
  const auto found = FindValue<StreamValue>(context, key);
  if (!found) return;
  if (!*found && !options.makes_stream) return context.Fail(kNoStream);
  if (context.args.size() > 8) return FailSubcommand(context);
  StreamId id;
  if (context.arg(4) == "$") {
    if (*found) id = found->value->last_id();
  } else {
    const Result<StreamId> read = ReadStreamId(context.arg(4));
    if (!read.ok()) return context.Fail(read.error());
    id = *read;
  }
  if (*found && found->value->FindGroup(context.arg(3)) != nullptr) return context.Fail(kBusyGroup);
  Edit<StreamValue> edit(unit, key, *found, [] { return std::make_unique<StreamValue>(); });
  edit->AddGroup(context.arg(3), id, options.entries_read);
  if (edit.is_new()) {
    edit.Commit();
  } else {
    edit.CommitQuietly(1);
  }
  unit.Notify(kNotifyStream, "xgroup-create", key);
  unit.Replicate(context.args);
  context.reply.Ok();
}

void XGroupSetId(CommandContext& context) {
  Unit& unit = context.unit;
  GroupOptions options;
  if (!ReadGroupOptions(context, false, options)) return;
  const auto found = FindGroupToChange(context, true);
  if (!found) return;
  if (context.args.size() > 7) return FailSubcommand(context);
  StreamId id = found->stream.value->last_id();
  if (context.arg(4) != "$") {
    const Result<StreamId> read = ReadStreamId(context.arg(4), 0, true);
    if (!read.ok()) return context.Fail(read.error());
    id = *read;
  }
  Edit<StreamValue> edit(unit, context.arg(2), found->stream);
  found->group->last_id = id;
  found->group->entries_read = options.entries_read;
  edit.CommitQuietly(1);
  unit.Notify(kNotifyStream, "xgroup-setid", context.arg(2));
  unit.Replicate(context.args);
  context.reply.Ok();
}

void XGroupDestroy(CommandContext& context) {
  Unit& unit = context.unit;
  const auto found = FindGroupToChange(context, false);
  if (!found) return;
  if (found->group == nullptr) return context.reply.Integer(0);
  Edit<StreamValue> edit(unit, context.arg(2), found->stream);
  edit->DeleteGroup(context.arg(3));
  edit.CommitQuietly(1);
  unit.TryWaiters(context.arg(2));  // who waits as a consumer of the group is told
  unit.Notify(kNotifyStream, "xgroup-destroy", context.arg(2));
  unit.Replicate(context.args);
  context.reply.Integer(1);
}

void XGroupCreateConsumer(CommandContext& context) {
  Unit& unit = context.unit;
  const auto found = FindGroupToChange(context, true);
  if (!found) return;
  if (found->group->FindConsumer(context.arg(4)) != nullptr) return context.reply.Integer(0);
  Edit<StreamValue> edit(unit, context.arg(2), found->stream);
  FindOrAddConsumer(unit, context.arg(2), *found->group, context.arg(4));
  edit.CommitQuietly(1);
  context.reply.Integer(1);
}

void XGroupDelConsumer(CommandContext& context) {
  Unit& unit = context.unit;
  const auto found = FindGroupToChange(context, true);
  if (!found) return;
  StreamConsumer* const consumer = found->group->FindConsumer(context.arg(4));
  if (consumer == nullptr) return context.reply.Integer(0);
  Edit<StreamValue> edit(unit, context.arg(2), found->stream);
  const size_t pending = found->group->DeleteConsumer(*consumer);
  edit.CommitQuietly(1);
  unit.Notify(kNotifyStream, "xgroup-delconsumer", context.arg(2));
  unit.Replicate(context.args);
  context.reply.Integer(static_cast<int64_t>(pending));
}

void XGroupHelp(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "CREATE <key> <group> <id|$> [MKSTREAM] [ENTRIESREAD <count>]",
      "    Make a group that has read up to the id, and with MKSTREAM the stream.",
      "CREATECONSUMER <key> <group> <consumer>",
      "    Make a consumer of the group.",
      "DELCONSUMER <key> <group> <consumer>",
      "    Delete a consumer, with what is pending for it.",
      "DESTROY <key> <group>",
      "    Delete a group.",
      "SETID <key> <group> <id|$> [ENTRIESREAD <count>]",
      "    Set how far the group has read.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
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

// ---------------------------------------------------------------- XINFO

/// Looks up the stream XINFO is about; null with an error replied if there is none.
const StreamValue* FindForInfo(CommandContext& context) {
  const auto found = ReadValue<StreamValue>(context, context.arg(2));
  if (!found) return nullptr;
  if (!*found) context.Fail(errors::kNoKey);
  return found->value;
}

/// Nodes of the radix tree in which Redis would keep these keys, the root included: what XINFO
/// STREAM tells. Keys have 16 bytes. A chain of single children is one node, and so are each fork
/// and each leaf.
uint64_t CountRadixNodes(const StreamValue::Nodes& nodes) {
  constexpr int kKeyBytes = 16;
  if (nodes.empty()) return 1;
  const auto common_bytes = [](StreamId a, StreamId b) {
    return a.ms != b.ms ? std::countl_zero(a.ms ^ b.ms) / 8
                        : 8 + std::countl_zero(a.seq ^ b.seq) / 8;
  };
  uint64_t count = 0;
  std::vector<int> forks;  // depths of those above the present key, ascending
  // Counts what begins below the fork above it and reaches down to `depth`.
  const auto add = [&count](int parent, int depth) {
    ++count;
    if (depth > parent + 1) ++count;  // the chain between them
  };
  for (auto at = nodes.begin(); at != nodes.end();) {
    const StreamId key = at->first;
    const int before = forks.empty() ? -1 : forks.back();
    ++at;
    const int common = at == nodes.end() ? -1 : common_bytes(key, at->first);
    add(std::max(before, common), kKeyBytes);
    // Forks deeper than what the next key shares are complete.
    while (!forks.empty() && forks.back() > common) {
      const int depth = forks.back();
      forks.pop_back();
      add(std::max(forks.empty() ? -1 : forks.back(), common), depth);
    }
    if (common >= 0 && (forks.empty() || forks.back() < common)) forks.push_back(common);
  }
  return count;
}

void ReplyLabel(ReplyWriter& reply, std::string_view label, int64_t value) {
  reply.Bulk(label);
  reply.Integer(value);
}

void ReplyLabel(ReplyWriter& reply, std::string_view label, StreamId id) {
  reply.Bulk(label);
  ReplyStreamId(reply, id);
}

void ReplyEntriesRead(ReplyWriter& reply, const StreamValue& stream, const StreamGroup& group) {
  reply.Bulk("entries-read");
  group.entries_read == StreamGroup::kUnknown ? reply.Null() : reply.Integer(group.entries_read);
  const std::optional<int64_t> lag = stream.LagOf(group);
  reply.Bulk("lag");
  lag ? reply.Integer(*lag) : reply.Null();
}

uint64_t UpTo(uint64_t count, uint64_t limit) {
  return limit == 0 ? count : std::min(count, limit);
}

void ReplyFullConsumer(ReplyWriter& reply, const StreamConsumer& consumer, uint64_t limit) {
  reply.Map(5);
  reply.Bulk("name");
  reply.Bulk(consumer.name());
  ReplyLabel(reply, "seen-time", consumer.seen_ms);
  ReplyLabel(reply, "active-time", consumer.active_ms);
  ReplyLabel(reply, "pel-count", static_cast<int64_t>(consumer.pending().size()));
  reply.Bulk("pending");
  const uint64_t count = UpTo(consumer.pending().size(), limit);
  reply.Array(count);
  auto at = consumer.pending().begin();
  for (uint64_t i = 0; i < count; ++i, ++at) {
    reply.Array(3);
    ReplyStreamId(reply, at->first);
    reply.Integer(at->second->delivered_ms);
    reply.Integer(static_cast<int64_t>(at->second->deliveries));
  }
}

void ReplyFullGroup(ReplyWriter& reply, const StreamValue& stream, const StreamGroup& group,
                    uint64_t limit) {
  const size_t released = group.released() == nullptr ? 0 : group.released()->pending().size();
  reply.Map(released == 0 ? 7 : 8);
  reply.Bulk("name");
  reply.Bulk(group.name());
  ReplyLabel(reply, "last-delivered-id", group.last_id);
  ReplyEntriesRead(reply, stream, group);
  ReplyLabel(reply, "pel-count", static_cast<int64_t>(group.pending().size()));
  if (released != 0) ReplyLabel(reply, "nacked-count", static_cast<int64_t>(released));
  reply.Bulk("pending");
  const uint64_t count = UpTo(group.pending().size(), limit);
  reply.Array(count);
  auto at = group.pending().begin();
  for (uint64_t i = 0; i < count; ++i, ++at) {
    reply.Array(4);
    ReplyStreamId(reply, at->first);
    reply.Bulk(at->second.consumer->name());
    reply.Integer(at->second.delivered_ms);
    reply.Integer(static_cast<int64_t>(at->second.deliveries));
  }
  reply.Bulk("consumers");
  reply.Array(group.consumers().size());
  for (const auto& [name, consumer] : group.consumers()) ReplyFullConsumer(reply, *consumer, limit);
}

void ReplyEdge(ReplyWriter& reply, const char* label, const StreamValue& stream, StreamId id) {
  reply.Bulk(label);
  if (stream.length() == 0 || !ReplyStreamEntry(reply, stream, id)) reply.Null();
}

/// What XADD IDMP and XCFGSET have left: told only of streams that have seen one of them.
void ReplyIdempotentIds(ReplyWriter& reply, const store::IdempotentIds& ids) {
  ReplyLabel(reply, "idmp-duration", ids.duration_s());
  ReplyLabel(reply, "idmp-maxsize", ids.max_ids());
  ReplyLabel(reply, "pids-tracked", static_cast<int64_t>(ids.producers()));
  ReplyLabel(reply, "iids-tracked", static_cast<int64_t>(ids.size()));
  ReplyLabel(reply, "iids-added", static_cast<int64_t>(ids.added()));
  ReplyLabel(reply, "iids-duplicates", static_cast<int64_t>(ids.duplicates()));
}

void XInfoStream(CommandContext& context) {
  const StreamValue* const stream = FindForInfo(context);
  if (stream == nullptr) return;
  const size_t options = context.args.size() - 3;
  const bool is_full = options > 0;
  uint64_t limit = 10;
  if (is_full) {
    if ((options != 1 && options != 3) || !EqualsIgnoreCase(context.arg(3), "full") ||
        (options == 3 && !EqualsIgnoreCase(context.arg(4), "count"))) {
      return FailSubcommand(context);
    }
    if (options == 3) {
      const auto count = ParseInt64(context.arg(5));
      if (!count) return context.Fail(errors::kNotInteger);
      if (*count >= 0) limit = static_cast<uint64_t>(*count);
    }
  }
  ReplyWriter& reply = context.reply;
  const store::IdempotentIds* const ids = stream->idempotent_ids();
  reply.Map((is_full ? 9 : 10) + (ids != nullptr ? 6 : 0));
  ReplyLabel(reply, "length", static_cast<int64_t>(stream->length()));
  ReplyLabel(reply, "radix-tree-keys", static_cast<int64_t>(stream->nodes().size()));
  ReplyLabel(reply, "radix-tree-nodes", static_cast<int64_t>(CountRadixNodes(stream->nodes())));
  ReplyLabel(reply, "last-generated-id", stream->last_id());
  ReplyLabel(reply, "max-deleted-entry-id", stream->max_deleted_id());
  ReplyLabel(reply, "entries-added", static_cast<int64_t>(stream->entries_added()));
  ReplyLabel(reply, "recorded-first-entry-id", stream->first_id());
  if (ids != nullptr) ReplyIdempotentIds(reply, *ids);
  if (!is_full) {
    ReplyLabel(reply, "groups", static_cast<int64_t>(stream->groups().size()));
    ReplyEdge(reply, "first-entry", *stream, stream->first_id());
    return ReplyEdge(reply, "last-entry", *stream, stream->LastEntryId());
  }
  reply.Bulk("entries");
  ReplyStreamRange(reply, *stream, StreamId(), StreamId::Max(), limit);
  reply.Bulk("groups");
  reply.Array(stream->groups().size());
  for (const auto& [name, group] : stream->groups()) ReplyFullGroup(reply, *stream, *group, limit);
}

void XInfoGroups(CommandContext& context) {
  const StreamValue* const stream = FindForInfo(context);
  if (stream == nullptr) return;
  ReplyWriter& reply = context.reply;
  reply.Array(stream->groups().size());
  for (const auto& [name, group] : stream->groups()) {
    reply.Map(6);
    reply.Bulk("name");
    reply.Bulk(name);
    ReplyLabel(reply, "consumers", static_cast<int64_t>(group->consumers().size()));
    ReplyLabel(reply, "pending", static_cast<int64_t>(group->pending().size()));
    ReplyLabel(reply, "last-delivered-id", group->last_id);
    ReplyEntriesRead(reply, *stream, *group);
  }
}

void XInfoConsumers(CommandContext& context) {
  const StreamValue* const stream = FindForInfo(context);
  if (stream == nullptr) return;
  const StreamGroup* const group = stream->FindGroup(context.arg(3));
  if (group == nullptr) return context.Fail(NoGroupFor(context.arg(2), context.arg(3)));
  ReplyWriter& reply = context.reply;
  const int64_t now_ms = context.unit.now_ms();
  reply.Array(group->consumers().size());
  for (const auto& [name, consumer] : group->consumers()) {
    const bool was_active = consumer->active_ms != StreamConsumer::kNever;
    reply.Map(4);
    reply.Bulk("name");
    reply.Bulk(name);
    ReplyLabel(reply, "pending", static_cast<int64_t>(consumer->pending().size()));
    ReplyLabel(reply, "idle", std::max<int64_t>(now_ms - consumer->seen_ms, 0));
    ReplyLabel(reply, "inactive",
               was_active ? now_ms - consumer->active_ms : StreamConsumer::kNever);
  }
}

void XInfoHelp(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "CONSUMERS <key> <group>",
      "    The consumers of a group.",
      "GROUPS <key>",
      "    The groups of a stream.",
      "STREAM <key> [FULL [COUNT <count>]]",
      "    The stream itself; with FULL also entries, groups, consumers and what is pending.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
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
constexpr std::string_view kXaddTips[] = {"nondeterministic_output"};
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
constexpr KeySpec kXgroupDestroyKeys[] = {
    KeySpec::Single(2, KeyFlag::kReadWrite | KeyFlag::kDelete)};
constexpr ArgSpec kXgroupDestroyArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "groupname", .type = ArgType::kString}};
constexpr KeySpec kXgroupCreateKeys[] = {
    KeySpec::Single(2, KeyFlag::kReadWrite | KeyFlag::kInsert)};
constexpr ArgSpec kXgroupCreateId[] = {
    {.name = "id", .type = ArgType::kString},
    {.name = "new_id", .type = ArgType::kPureToken, .token = "$"}};
constexpr ArgSpec kXgroupCreateArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "groupname", .type = ArgType::kString},
    {.name = "id", .type = ArgType::kOneOf, .children = kXgroupCreateId},
    {.name = "mkstream", .type = ArgType::kPureToken, .token = "MKSTREAM", .is_optional = true},
    {.name = "entries_read",
     .type = ArgType::kInteger,
     .token = "ENTRIESREAD",
     .is_optional = true}};
constexpr HistoryEntry kXgroupCreateHistory[] = {{"7.0.0", "`ENTRIESREAD`."}};
constexpr ArgSpec kXgroupCreateconsumerArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "groupname", .type = ArgType::kString},
    {.name = "consumername", .type = ArgType::kString}};
constexpr KeySpec kXgroupSetidKeys[] = {KeySpec::Single(2, KeyFlag::kReadWrite | KeyFlag::kUpdate)};
constexpr ArgSpec kXgroupSetidArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "groupname", .type = ArgType::kString},
    {.name = "id", .type = ArgType::kOneOf, .children = kXgroupCreateId},
    {.name = "entries_read",
     .type = ArgType::kInteger,
     .token = "ENTRIESREAD",
     .is_optional = true}};
constexpr HistoryEntry kXgroupSetidHistory[] = {{"7.0.0", "`ENTRIESREAD`."}};
constexpr Command kXgroupSubcommands[] = {
    {.spec = {.name = "destroy",
              .arity = 4,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kWrite,
              .keys = kXgroupDestroyKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kSlow,
              .parent = "xgroup",
              .complexity = "O(N) with N entries pending in the group",
              .summary = "Deletes a consumer group.",
              .arguments = kXgroupDestroyArgs},
     .run = XGroupDestroy},
    {.spec = {.name = "create",
              .arity = -5,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kXgroupCreateKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kSlow,
              .parent = "xgroup",
              .complexity = "O(1)",
              .summary = "Makes a consumer group.",
              .arguments = kXgroupCreateArgs,
              .history = kXgroupCreateHistory},
     .run = XGroupCreate},
    {.spec = {.name = "createconsumer",
              .arity = 5,
              .group = Group::kStream,
              .since = "6.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kXgroupCreateKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kSlow,
              .parent = "xgroup",
              .complexity = "O(1)",
              .summary = "Makes a consumer of a group.",
              .arguments = kXgroupCreateconsumerArgs},
     .run = XGroupCreateConsumer},
    {.spec = {.name = "delconsumer",
              .arity = 5,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kWrite,
              .keys = kXgroupDestroyKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kSlow,
              .parent = "xgroup",
              .complexity = "O(1)",
              .summary = "Deletes a consumer of a group, with what is pending for it.",
              .arguments = kXgroupCreateconsumerArgs},
     .run = XGroupDelConsumer},
    {.spec = {.name = "setid",
              .arity = -5,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kWrite,
              .keys = kXgroupSetidKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kSlow,
              .parent = "xgroup",
              .complexity = "O(1)",
              .summary = "Sets up to which id a consumer group has read.",
              .arguments = kXgroupSetidArgs,
              .history = kXgroupSetidHistory},
     .run = XGroupSetId},
    {.spec = {.name = "help",
              .arity = 2,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kLoading | Flag::kStale,
              .acl = Acl::kStream | Acl::kSlow,
              .parent = "xgroup",
              .complexity = "O(1)",
              .summary = "Tells about the subcommands."},
     .run = XGroupHelp},
};
constexpr KeySpec kXinfoStreamKeys[] = {KeySpec::Single(2, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kXinfoStreamFull[] = {
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .is_optional = true}};
constexpr ArgSpec kXinfoStreamArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                        {.name = "full",
                                         .type = ArgType::kBlock,
                                         .token = "FULL",
                                         .is_optional = true,
                                         .children = kXinfoStreamFull}};
constexpr HistoryEntry kXinfoStreamHistory[] = {
    {"6.0.0", "`FULL`."},
    {"7.0.0",
     "The fields `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, "
     "`entries-read` and `lag`."}};
constexpr ArgSpec kXinfoGroupsArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0}};
constexpr HistoryEntry kXinfoGroupsHistory[] = {{"7.0.0", "The fields `entries-read` and `lag`."}};
constexpr Command kXinfoSubcommands[] = {
    {.spec = {.name = "stream",
              .arity = -3,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kReadonly,
              .keys = kXinfoStreamKeys,
              .acl = Acl::kRead | Acl::kStream | Acl::kSlow,
              .parent = "xinfo",
              .complexity = "O(1)",
              .summary = "Tells about a stream.",
              .arguments = kXinfoStreamArgs,
              .history = kXinfoStreamHistory},
     .run = XInfoStream},
    {.spec = {.name = "help",
              .arity = 2,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kLoading | Flag::kStale,
              .acl = Acl::kStream | Acl::kSlow,
              .parent = "xinfo",
              .complexity = "O(1)",
              .summary = "Tells about the subcommands."},
     .run = XInfoHelp},
    {.spec = {.name = "groups",
              .arity = 3,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kReadonly,
              .keys = kXinfoStreamKeys,
              .acl = Acl::kRead | Acl::kStream | Acl::kSlow,
              .parent = "xinfo",
              .complexity = "O(1)",
              .summary = "Tells about the consumer groups of a stream.",
              .arguments = kXinfoGroupsArgs,
              .history = kXinfoGroupsHistory},
     .run = XInfoGroups},
    {.spec = {.name = "consumers",
              .arity = 4,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kReadonly,
              .keys = kXinfoStreamKeys,
              .acl = Acl::kRead | Acl::kStream | Acl::kSlow,
              .parent = "xinfo",
              .complexity = "O(1)",
              .summary = "Tells about the consumers of a group.",
              .arguments = kXgroupDestroyArgs,
              .tips = kXaddTips},
     .run = XInfoConsumers},
};
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
              .tips = kXaddTips},
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
              .tips = kXaddTips},
     .run = XClaim},
    {.spec = {.name = "xgroup",
              .arity = -2,
              .group = Group::kStream,
              .since = "5.0.0",
              .acl = Acl::kSlow,
              .complexity = "Depends on the subcommand.",
              .summary = "Commands on consumer groups."},
     .subcommands = kXgroupSubcommands},
    {.spec = {.name = "xinfo",
              .arity = -2,
              .group = Group::kStream,
              .since = "5.0.0",
              .acl = Acl::kSlow,
              .complexity = "Depends on the subcommand.",
              .summary = "Tells about streams."},
     .subcommands = kXinfoSubcommands},
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
              .tips = kXaddTips},
     .run = XPending},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
    for (const Command& sub : command.subcommands) {
      if (!protocol::IsSound(sub.spec)) return false;
    }
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> StreamGroupCommands() { return kRows; }

}  // namespace peal::broker
