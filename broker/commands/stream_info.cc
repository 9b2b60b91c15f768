// XINFO: streams, their groups and consumers described. Source of replies, errors and events:
// Redis 7.2, observed on 7.0.15.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "broker/commands/stream.h"
#include "broker/commands/subcommand.h"
#include "broker/exec/edit.h"
#include "broker/exec/unit.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::EqualsIgnoreCase;
using protocol::Flag;
using protocol::Group;
using protocol::HistoryEntry;
using protocol::KeyFlag;
using protocol::KeySpec;
using protocol::ParseInt64;
using protocol::ReplyWriter;
using store::StreamConsumer;
using store::StreamGroup;
using store::StreamId;
using store::StreamValue;

namespace errors = protocol::errors;

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
      return context.Fail(WrongSubcommand(context));
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
constexpr ArgSpec kXinfoGroupArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                       {.name = "groupname", .type = ArgType::kString}};
constexpr std::string_view kTips[] = {"nondeterministic_output"};
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
              .arguments = kXinfoGroupArgs,
              .tips = kTips},
     .run = XInfoConsumers},
};
constexpr Command kRows[] = {
    {.spec = {.name = "xinfo",
              .arity = -2,
              .group = Group::kStream,
              .since = "5.0.0",
              .acl = Acl::kSlow,
              .complexity = "Depends on the subcommand.",
              .summary = "Tells about streams."},
     .subcommands = kXinfoSubcommands},
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

std::span<const Command> StreamInfoCommands() { return kRows; }

}  // namespace peal::broker
