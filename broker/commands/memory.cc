// MEMORY and its subcommands. Source of the replies: Redis 7.2.
#include "broker/metrics/memory.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "broker/commands/subcommand.h"
#include "broker/exec/client.h"
#include "broker/exec/command.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "broker/exec/worker.h"
#include "broker/metrics/info.h"
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
using protocol::KeyFlag;
using protocol::KeySpec;
using protocol::ParseInt64;

// A slot of the table, at the load it grows at.
constexpr size_t kSlotBytes = 10;

void MemoryUsage(CommandContext& context) {
  for (size_t i = 3; i < context.args.size(); i += 2) {
    const auto samples =
        i + 1 < context.args.size() ? ParseInt64(context.arg(i + 1)) : std::nullopt;
    if (!EqualsIgnoreCase(context.arg(i), "samples") || i + 1 >= context.args.size()) {
      return context.Fail(protocol::errors::kSyntax);
    }
    if (!samples) return context.Fail(protocol::errors::kNotInteger);
    if (*samples < 0) return context.Fail(protocol::errors::kSyntax);
  }
  const store::Entry* entry = context.unit.FindForRead(
      context.arg(2), Unit::kLookupNoTouch | Unit::kLookupNoStats | Unit::kLookupNoNotify);
  if (entry == nullptr) return context.reply.Null();
  context.reply.Integer(static_cast<int64_t>(entry->MemoryBytes() + kSlotBytes));
}

void WriteBytes(CommandContext& context, std::string_view name, uint64_t value) {
  context.reply.Bulk(name);
  context.reply.Integer(static_cast<int64_t>(value));
}

void WriteDifference(CommandContext& context, std::string_view name, uint64_t a, uint64_t b) {
  context.reply.Bulk(name);
  context.reply.Integer(static_cast<int64_t>(a) - static_cast<int64_t>(b));
}

void WriteRatio(CommandContext& context, std::string_view name, uint64_t part, uint64_t whole,
                double scale = 1) {
  context.reply.Bulk(name);
  context.reply.Double(whole == 0 ? 0
                                  : scale * static_cast<double>(part) / static_cast<double>(whole));
}

uint64_t ClientBytes(Server& server) {
  uint64_t bytes = 0;
  for (const auto& worker : server.workers()) {
    worker->ForEachClient([&](const Client& client) { bytes += client.MemoryBytes(); });
  }
  return bytes;
}

void MemoryStats(CommandContext& context) {
  const MemoryFacts memory = ReadMemory();
  store::Keyspace& keyspace = context.server.keyspace();
  const uint64_t dataset = std::min<uint64_t>(keyspace.MemoryBytes(), memory.used);
  size_t keys = 0;
  size_t used_databases = 0;
  for (int db = 0; db < keyspace.databases(); ++db) {
    const size_t size = keyspace.DbSize(db);
    keys += size;
    if (size != 0) ++used_databases;
  }
  context.reply.Map(27 + used_databases);
  WriteBytes(context, "peak.allocated", memory.peak_used);
  WriteBytes(context, "total.allocated", memory.used);
  WriteBytes(context, "startup.allocated", memory.startup);
  WriteBytes(context, "replication.backlog", 0);
  WriteBytes(context, "clients.slaves", 0);
  WriteBytes(context, "clients.normal", ClientBytes(context.server));
  WriteBytes(context, "cluster.links", 0);
  WriteBytes(context, "aof.buffer", 0);
  WriteBytes(context, "lua.caches", 0);
  WriteBytes(context, "functions.caches", 0);
  for (int db = 0; db < keyspace.databases(); ++db) {
    const size_t size = keyspace.DbSize(db);
    if (size == 0) continue;
    context.reply.Bulk(fmt::format("db.{}", db));
    context.reply.Map(3);
    WriteBytes(context, "overhead.hashtable.main", size * kSlotBytes);
    // The time to live is part of the entry.
    WriteBytes(context, "overhead.hashtable.expires", keyspace.VolatileSize(db) * 8);
    WriteBytes(context, "overhead.hashtable.slot-to-keys", 0);
  }
  WriteBytes(context, "overhead.total", memory.used - dataset);
  WriteBytes(context, "keys.count", keys);
  WriteBytes(context, "keys.bytes-per-key", keys == 0 ? 0 : (memory.used - memory.startup) / keys);
  WriteBytes(context, "dataset.bytes", dataset);
  WriteRatio(context, "dataset.percentage", std::min(dataset, memory.used - memory.startup),
             memory.used - memory.startup, 100);
  WriteRatio(context, "peak.percentage", memory.used, memory.peak_used, 100);
  WriteBytes(context, "allocator.allocated", memory.used);
  WriteBytes(context, "allocator.active", memory.active);
  WriteBytes(context, "allocator.resident", memory.resident);
  WriteRatio(context, "allocator-fragmentation.ratio", memory.active, memory.used);
  WriteDifference(context, "allocator-fragmentation.bytes", memory.active, memory.used);
  WriteRatio(context, "allocator-rss.ratio", memory.resident, memory.active);
  WriteDifference(context, "allocator-rss.bytes", memory.resident, memory.active);
  WriteRatio(context, "rss-overhead.ratio", memory.rss, memory.resident);
  WriteDifference(context, "rss-overhead.bytes", memory.rss, memory.resident);
  WriteRatio(context, "fragmentation", memory.rss, memory.used);
  WriteDifference(context, "fragmentation.bytes", memory.rss, memory.used);
}

void MemoryDoctor(CommandContext& context) {
  constexpr uint64_t kSmall = 5u << 20;
  constexpr uint64_t kMuch = 10u << 20;
  const MemoryFacts memory = ReadMemory();
  if (memory.used < kSmall) {
    return context.reply.Verbatim(
        "txt",
        "This server uses very little memory; there is nothing to be learned from it yet.\n");
  }
  std::string advice;
  if (memory.peak_used > memory.used + memory.used / 2) {
    fmt::format_to(
        std::back_inserter(advice),
        "- At its peak the server used {}, now {}. What was freed may not be back with the "
        "system yet: MEMORY PURGE returns it.\n",
        HumanBytes(memory.peak_used), HumanBytes(memory.used));
  }
  if (memory.active > memory.used + memory.used * 2 / 5 && memory.active - memory.used > kMuch) {
    fmt::format_to(std::back_inserter(advice),
                   "- Pages are {} % full: values of many sizes came and went.\n",
                   memory.used * 100 / memory.active);
  }
  if (memory.rss > memory.resident + memory.resident / 2 && memory.rss - memory.resident > kMuch) {
    fmt::format_to(std::back_inserter(advice), "- {} are used outside of the allocator.\n",
                   HumanBytes(memory.rss - memory.resident));
  }
  const uint64_t clients = ClientBytes(context.server);
  if (clients > memory.used / 2) {
    fmt::format_to(
        std::back_inserter(advice),
        "- {} are held for clients, most of it unsent output. CLIENT LIST shows who does not "
        "read (omem); client-output-buffer-limit bounds it.\n",
        HumanBytes(clients));
  }
  context.reply.Verbatim("txt", advice.empty() ? "No trouble with memory found.\n" : advice);
}

void MemoryMallocStats(CommandContext& context) {
  context.reply.Verbatim("txt", AllocatorReport());
}

void MemoryPurge(CommandContext& context) {
  PurgeMemory();
  context.reply.Ok();
}

void MemoryHelp(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "DOCTOR",
      "    A report on the use of memory for people.",
      "MALLOC-STATS",
      "    The allocator's own report.",
      "PURGE",
      "    Gives free memory back to the system.",
      "STATS",
      "    What the memory of the server is used for.",
      "USAGE <key> [SAMPLES <count>]",
      "    Bytes of a key with its value.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
}

constexpr KeySpec kKeyAt[] = {KeySpec::Single(2, KeyFlag::kReadOnly)};
constexpr ArgSpec kUsageArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "count", .type = ArgType::kInteger, .token = "SAMPLES", .is_optional = true}};
constexpr std::string_view kTips[] = {"nondeterministic_output", "request_policy:all_shards",
                                      "response_policy:special"};
constexpr std::string_view kPurgeTips[] = {"request_policy:all_shards",
                                           "response_policy:all_succeeded"};

constexpr protocol::CommandSpec Row(std::string_view name, Flag flags, std::string_view summary,
                                    std::string_view complexity,
                                    std::span<const std::string_view> tips) {
  return {.name = name,
          .arity = 2,
          .group = Group::kServer,
          .since = "4.0.0",
          .flags = flags,
          .acl = Acl::kSlow,
          .parent = "memory",
          .complexity = complexity,
          .summary = summary,
          .tips = tips};
}

constexpr std::string_view kPerClient = "O(N) where N is the number of connections";
constexpr std::string_view kPerMemory = "Grows with the memory allocated, may be slow";

constexpr Command kSubcommands[] = {
    {.spec = Row("doctor", Flag::kExclusive, "Returns a report on memory for people.", kPerClient,
                 kTips),
     .run = MemoryDoctor},
    {.spec = Row("help", Flag::kLoading | Flag::kStale, "Tells about the subcommands.", "O(1)", {}),
     .run = MemoryHelp},
    {.spec = Row("malloc-stats", Flag::kNone, "Returns the allocator's report.", kPerMemory, kTips),
     .run = MemoryMallocStats},
    {.spec =
         Row("purge", Flag::kNone, "Gives free memory back to the system.", kPerMemory, kPurgeTips),
     .run = MemoryPurge},
    {.spec = Row("stats", Flag::kExclusive, "Returns what memory is used for.", kPerClient, kTips),
     .run = MemoryStats},
    {.spec = {.name = "usage",
              .arity = -3,
              .group = Group::kServer,
              .since = "4.0.0",
              .flags = Flag::kReadonly,
              .keys = kKeyAt,
              .acl = Acl::kRead | Acl::kSlow,
              .parent = "memory",
              .complexity = "O(N) where N is the number of samples",
              .summary = "Returns the bytes of a key with its value.",
              .arguments = kUsageArgs},
     .run = MemoryUsage},
};

constexpr Command kRows[] = {
    {.spec = {.name = "memory",
              .arity = -2,
              .group = Group::kServer,
              .since = "4.0.0",
              .acl = Acl::kSlow,
              .complexity = "Depends on subcommand.",
              .summary = "A container for commands about memory."},
     .subcommands = kSubcommands},
};

}  // namespace

std::span<const Command> MemoryCommands() { return kRows; }

}  // namespace peal::broker
