// LATENCY and its subcommands. Source of the replies: Redis 7.2.
#include <algorithm>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/commands/subcommand.h"
#include "broker/exec/command.h"
#include "broker/exec/command_table.h"
#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/metrics/clock.h"
#include "broker/metrics/latency_report.h"
#include "broker/metrics/totals.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::Error;
using protocol::Flag;
using protocol::Group;

void LatencyLatest(CommandContext& context) {
  const auto events = context.server.latency().Events();
  context.reply.Array(events.size());
  for (const auto& [name, event] : events) {
    const LatencyMonitor::Sample& last = event.samples.back();
    context.reply.Array(4);
    context.reply.Bulk(name);
    context.reply.Integer(last.time_s);
    context.reply.Integer(static_cast<int64_t>(last.ms));
    context.reply.Integer(static_cast<int64_t>(event.max_ms));
  }
}

void LatencyHistory(CommandContext& context) {
  const auto events = context.server.latency().Events();
  const auto found = events.find(std::string(context.arg(2)));
  if (found == events.end()) return context.reply.Array(0);
  context.reply.Array(found->second.samples.size());
  for (const LatencyMonitor::Sample& sample : found->second.samples) {
    context.reply.Array(2);
    context.reply.Integer(sample.time_s);
    context.reply.Integer(static_cast<int64_t>(sample.ms));
  }
}

void LatencyReset(CommandContext& context) {
  const auto names = context.args.subspan(2);
  context.reply.Integer(
      static_cast<int64_t>(context.server.latency().Reset({names.begin(), names.end()})));
}

void LatencyGraph(CommandContext& context) {
  const auto events = context.server.latency().Events();
  const auto found = events.find(std::string(context.arg(2)));
  if (found == events.end()) {
    return context.Fail(Error::Owned("ERR No samples available for event '" +
                                     std::string(context.arg(2).substr(0, 128)) + "'"));
  }
  context.reply.Verbatim("txt", DrawLatency(found->first, found->second, std::time(nullptr)));
}

void LatencyDoctor(CommandContext& context) {
  const Config& config = context.server.config();
  context.reply.Verbatim(
      "txt", ReportLatency(context.server.latency().Events(), config.latency_monitor_threshold_ms,
                           config.slowlog_log_slower_than_us, std::time(nullptr)));
}

// ---------------------------------------------------------------- LATENCY HISTOGRAM

/// Microseconds and how many calls took at most that: one for each power of two in which there were
/// any.
std::vector<std::pair<int64_t, int64_t>> Cumulate(const Histogram& latency) {
  std::vector<std::pair<int64_t, int64_t>> steps;
  constexpr uint64_t kFirstNs = 1024;
  constexpr int kMostSteps = 40;
  // Redis names a step by the largest value that its histogram does not tell from the power of two.
  constexpr uint64_t kPrecision = 128;
  const double ticks_per_ns = static_cast<double>(UsToTicks(1'000'000)) / 1e9;
  uint64_t before = 0;
  for (int i = 0; i < kMostSteps && before < latency.count(); ++i) {
    const uint64_t ns = (kFirstNs << i) + (kFirstNs << i) / kPrecision - 1;
    const bool is_last = i + 1 == kMostSteps;
    const uint64_t count =
        is_last ? latency.count()
                : latency.CountUpTo(static_cast<uint64_t>(static_cast<double>(ns) * ticks_per_ns));
    if (count > before) steps.emplace_back(ns / 1000, count);
    before = count;
  }
  return steps;
}

void WriteHistogram(CommandContext& context, const TableEntry& entry, const Histogram& latency) {
  const auto steps = Cumulate(latency);
  context.reply.Bulk(entry.full_name);
  context.reply.Map(2);
  context.reply.Bulk("calls");
  context.reply.Integer(static_cast<int64_t>(latency.count()));
  context.reply.Bulk("histogram_usec");
  context.reply.Map(steps.size());
  for (const auto& [us, count] : steps) {
    context.reply.Integer(us);
    context.reply.Integer(count);
  }
}

void LatencyHistogram(CommandContext& context) {
  std::vector<const TableEntry*> chosen;
  // A container stands for its subcommands.
  const auto add = [&](const TableEntry* entry) {
    chosen.push_back(entry);
    chosen.insert(chosen.end(), entry->subcommands.begin(), entry->subcommands.end());
  };
  if (context.args.size() == 2) {
    for (const TableEntry* entry : context.server.commands().top()) add(entry);
  }
  for (const std::string_view name : context.args.subspan(2)) {
    if (const TableEntry* entry = context.server.commands().FindFull(name)) add(entry);
  }
  std::vector<std::pair<const TableEntry*, Histogram>> found;
  for (const TableEntry* entry : chosen) {
    Histogram latency = LatencyOf(context.server, entry->index);
    if (latency.count() != 0) found.emplace_back(entry, latency);
  }
  context.reply.Map(found.size());
  for (const auto& [entry, latency] : found) WriteHistogram(context, *entry, latency);
}

void LatencyHelp(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "LATENCY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "DOCTOR",
      "    A report on latency for people.",
      "GRAPH <event>",
      "    A drawing of the samples of an event.",
      "HISTOGRAM [<command> ...]",
      "    How many calls of commands took at most how many microseconds.",
      "HISTORY <event>",
      "    Times and latencies of an event.",
      "LATEST",
      "    The latest latency of every event.",
      "RESET [<event> ...]",
      "    Forgets events; all if none is named.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
}

constexpr ArgSpec kEvent[] = {{.name = "event", .type = ArgType::kString}};
constexpr ArgSpec kEvents[] = {
    {.name = "event", .type = ArgType::kString, .is_optional = true, .is_multiple = true}};
constexpr ArgSpec kCommandNames[] = {
    {.name = "command", .type = ArgType::kString, .is_optional = true, .is_multiple = true}};
constexpr std::string_view kTips[] = {"nondeterministic_output", "request_policy:all_nodes",
                                      "response_policy:special"};
constexpr std::string_view kResetTips[] = {"request_policy:all_nodes", "response_policy:agg_sum"};

constexpr auto kFlags = Flag::kAdmin | Flag::kNoScript | Flag::kLoading | Flag::kStale;
constexpr auto kAcl = Acl::kAdmin | Acl::kSlow | Acl::kDangerous;

constexpr protocol::CommandSpec Row(std::string_view name, int arity, std::string_view summary,
                                    std::span<const ArgSpec> arguments,
                                    std::span<const std::string_view> tips) {
  return {.name = name,
          .arity = arity,
          .group = Group::kServer,
          .since = "2.8.13",
          .flags = kFlags,
          .acl = kAcl,
          .parent = "latency",
          .complexity = "O(1)",
          .summary = summary,
          .arguments = arguments,
          .tips = tips};
}

constexpr Command kSubcommands[] = {
    {.spec = Row("doctor", 2, "Returns a report on latency for people.", {}, kTips),
     .run = LatencyDoctor},
    {.spec = Row("graph", 3, "Draws the samples of an event.", kEvent, kTips), .run = LatencyGraph},
    {.spec = {.name = "help",
              .arity = 2,
              .group = Group::kServer,
              .since = "2.8.13",
              .flags = Flag::kLoading | Flag::kStale,
              .acl = Acl::kSlow,
              .parent = "latency",
              .complexity = "O(1)",
              .summary = "Tells about the subcommands."},
     .run = LatencyHelp},
    {.spec = {.name = "histogram",
              .arity = -2,
              .group = Group::kServer,
              .since = "7.0.0",
              .flags = kFlags | Flag::kExclusive,
              .acl = kAcl,
              .parent = "latency",
              .complexity = "O(N) where N is the number of commands looked up",
              .summary = "Returns how long commands took, cumulated.",
              .arguments = kCommandNames,
              .tips = kTips},
     .run = LatencyHistogram},
    {.spec = Row("history", 3, "Returns the samples of an event.", kEvent, kTips),
     .run = LatencyHistory},
    {.spec = Row("latest", 2, "Returns the latest sample of every event.", {}, kTips),
     .run = LatencyLatest},
    {.spec = Row("reset", -2, "Forgets the samples of events.", kEvents, kResetTips),
     .run = LatencyReset},
};

constexpr Command kRows[] = {
    {.spec = {.name = "latency",
              .arity = -2,
              .group = Group::kServer,
              .since = "2.8.13",
              .acl = Acl::kSlow,
              .complexity = "Depends on subcommand.",
              .summary = "A container for commands about latency."},
     .subcommands = kSubcommands},
};

}  // namespace

std::span<const Command> LatencyCommands() { return kRows; }

}  // namespace peal::broker
