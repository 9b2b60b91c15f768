// HOTKEYS of Redis 8.6. Source of replies and errors: its documentation.
#include "broker/metrics/hot_keys.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/commands/subcommand.h"
#include "broker/exec/command.h"
#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/metrics/clock.h"
#include "broker/net/reactor.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"
#include "protocol/command/slot.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::EqualsIgnoreCase;
using protocol::Error;
using protocol::Flag;
using protocol::Group;
using protocol::ParseInt64;
using protocol::Result;

constexpr int64_t kMaxMetrics = 2;
constexpr int64_t kMaxCount = 64;
constexpr int64_t kMaxDurationS = 1'000'000;
constexpr int64_t kMaxSampleRatio = 1'000'000'000;

Error NotBetween(std::string_view what, int64_t low, int64_t high) {
  return Error::Owned("ERR " + std::string(what) + " must be between " + std::to_string(low) +
                      " and " + std::to_string(high));
}

/// Reads the options of HOTKEYS START from left to right.
class OptionsReader {
 public:
  explicit OptionsReader(std::span<const std::string_view> args) : args_(args) {}

  Result<HotKeys::Options> Read() {
    while (at_ < args_.size()) {
      const std::string_view option = args_[at_++];
      Result<void> read;
      if (EqualsIgnoreCase(option, "metrics") && !has_metrics_) {
        read = ReadMetrics();
      } else if (EqualsIgnoreCase(option, "count")) {
        read = ReadNumber("COUNT", 1, kMaxCount, options_.count);
      } else if (EqualsIgnoreCase(option, "duration")) {
        read = ReadNumber("DURATION", 1, kMaxDurationS, options_.duration_ms);
        options_.duration_ms *= 1000;
      } else if (EqualsIgnoreCase(option, "sample")) {
        read = ReadSample();
      } else if (EqualsIgnoreCase(option, "slots") && options_.slots.empty()) {
        read = ReadSlots();
      } else {
        return protocol::errors::kSyntax;
      }
      if (!read.ok()) return read.error();
    }
    if (!has_metrics_) return Error::Static("ERR METRICS parameter is required");
    return std::move(options_);
  }

 private:
  template <typename Number>
  Result<void> ReadNumber(std::string_view what, int64_t low, int64_t high, Number& number) {
    if (at_ == args_.size()) return protocol::errors::kSyntax;
    const auto given = ParseInt64(args_[at_++]);
    if (!given || *given < low || *given > high) return NotBetween(what, low, high);
    number = static_cast<Number>(*given);
    return {};
  }

  Result<void> ReadSample() {
    if (at_ < args_.size()) {
      const auto given = ParseInt64(args_[at_]);
      if (!given || *given < 1) return Error::Static("ERR SAMPLE ratio must be positive");
    }
    return ReadNumber("SAMPLE ratio", 1, kMaxSampleRatio, options_.sample_ratio);
  }

  Result<void> ReadMetrics() {
    int64_t count = 0;
    if (auto read = ReadNumber("METRICS count", 1, kMaxMetrics, count); !read.ok()) return read;
    has_metrics_ = true;
    const size_t end = at_ + static_cast<size_t>(count);
    if (end > args_.size()) {
      return Error::Static("ERR METRICS count does not match number of metric types provided");
    }
    for (; at_ < end; ++at_) {
      // Others may come with later releases and are passed over.
      const bool is_cpu = EqualsIgnoreCase(args_[at_], "cpu");
      if (!is_cpu && !EqualsIgnoreCase(args_[at_], "net")) continue;
      bool& metric = is_cpu ? options_.cpu : options_.net;
      if (metric) {
        return Error::Owned("ERR METRICS " + std::string(is_cpu ? "CPU" : "NET") +
                            " defined more than once");
      }
      metric = true;
    }
    if (options_.cpu || options_.net) return {};
    return Error::Static("ERR METRICS no valid metrics passed. Supported: CPU, NET");
  }

  Result<void> ReadSlots() {
    int64_t count = 0;
    if (auto read = ReadNumber("SLOTS count", 1, protocol::kSlots, count); !read.ok()) return read;
    if (args_.size() - at_ < static_cast<size_t>(count)) {
      return Error::Static("ERR not enough slot numbers provided");
    }
    std::bitset<protocol::kSlots> seen;
    for (int64_t i = 0; i < count; ++i) {
      const auto slot = ParseInt64(args_[at_++]);
      if (!slot || *slot < 0 || *slot >= protocol::kSlots) {
        return Error::Static("ERR Invalid or out of range slot");
      }
      if (seen.test(static_cast<size_t>(*slot))) {
        return Error::Static("ERR duplicate slot number");
      }
      seen.set(static_cast<size_t>(*slot));
      options_.slots.push_back(static_cast<uint16_t>(*slot));
    }
    std::sort(options_.slots.begin(), options_.slots.end());
    return {};
  }

  std::span<const std::string_view> args_;
  size_t at_ = 0;
  bool has_metrics_ = false;
  HotKeys::Options options_;
};

/// What each reactor has read and written. With all of them parked.
std::vector<uint64_t> NetBytes(Server& server) {
  std::vector<uint64_t> bytes;
  for (const auto& worker : server.workers()) {
    const Reactor::Counters& counters = worker->reactor().counters();
    bytes.push_back(counters.bytes_in + counters.bytes_out);
  }
  return bytes;
}

void HotkeysStart(CommandContext& context) {
  auto options = OptionsReader(context.args.subspan(2)).Read();
  if (!options.ok()) return context.Fail(options.error());
  HotKeys& hot_keys = context.server.hot_keys();
  const int64_t now_ms = context.unit.now_ms();
  if (hot_keys.IsActive(now_ms)) {
    return context.Fail(Error::Static("ERR hotkey tracking session already in progress"));
  }
  hot_keys.Start(std::move(options.value()), NetBytes(context.server), now_ms);
  context.reply.Ok();
}

void HotkeysStop(CommandContext& context) {
  HotKeys& hot_keys = context.server.hot_keys();
  if (!hot_keys.has_session()) return context.reply.Null();
  hot_keys.Stop(NetBytes(context.server), context.unit.now_ms());
  context.reply.Ok();
}

void HotkeysReset(CommandContext& context) {
  HotKeys& hot_keys = context.server.hot_keys();
  if (hot_keys.IsActive(context.unit.now_ms())) {
    return context.Fail(
        Error::Static("ERR hotkey tracking session in progress, stop tracking first"));
  }
  hot_keys.Reset();
  context.reply.Ok();
}

void ReplySlots(protocol::ReplyWriter& reply, std::span<const uint16_t> slots) {
  std::vector<std::pair<uint16_t, uint16_t>> ranges;
  for (const uint16_t slot : slots) {
    if (!ranges.empty() && ranges.back().second + 1 == slot) {
      ranges.back().second = slot;
    } else {
      ranges.emplace_back(slot, slot);
    }
  }
  if (slots.empty()) ranges.emplace_back(0, protocol::kSlots - 1);
  reply.Array(ranges.size());
  for (const auto& [first, last] : ranges) {
    reply.Array(first == last ? 1 : 2);
    reply.Integer(first);
    if (first != last) reply.Integer(last);
  }
}

int64_t Us(uint64_t ticks) { return static_cast<int64_t>(TicksToUs(ticks)); }

void HotkeysGet(CommandContext& context) {
  HotKeys& hot_keys = context.server.hot_keys();
  if (!hot_keys.has_session()) return context.reply.NullArray();
  const auto report = hot_keys.MakeReport(NetBytes(context.server), context.unit.now_ms());
  const HotKeys::Options& options = *report.options;
  const bool has_slots = !options.slots.empty();
  const bool is_sampled = has_slots && options.sample_ratio > 1;
  protocol::ReplyWriter& reply = context.reply;
  const auto number = [&reply](std::string_view name, uint64_t value) {
    reply.Bulk(name);
    reply.Integer(static_cast<int64_t>(value));
  };
  // An array of one, as some day there may be several nodes in it.
  reply.Array(1);
  reply.Map(7U + (options.cpu ? 3 : 0) + (options.net ? 2 : 0) + (has_slots ? 2 : 0) +
            (is_sampled ? 2 : 0));
  number("tracking-active", report.is_active ? 1 : 0);
  number("sample-ratio", options.sample_ratio);
  reply.Bulk("selected-slots");
  ReplySlots(reply, options.slots);
  if (is_sampled) {
    reply.Bulk("sampled-commands-selected-slots-us");
    reply.Integer(Us(report.sampled.ticks));
  }
  if (has_slots) {
    reply.Bulk("all-commands-selected-slots-us");
    reply.Integer(Us(report.selected.ticks));
  }
  reply.Bulk("all-commands-all-slots-us");
  reply.Integer(Us(report.all.ticks));
  if (is_sampled) number("net-bytes-sampled-commands-selected-slots", report.sampled.bytes);
  if (has_slots) number("net-bytes-all-commands-selected-slots", report.selected.bytes);
  number("net-bytes-all-commands-all-slots", report.all.bytes);
  number("collection-start-time-unix-ms", static_cast<uint64_t>(report.start_ms));
  number("collection-duration-ms", static_cast<uint64_t>(report.duration_ms));
  if (options.cpu) {
    number("total-cpu-time-user-ms", static_cast<uint64_t>(report.cpu.user_ms));
    number("total-cpu-time-sys-ms", static_cast<uint64_t>(report.cpu.system_ms));
  }
  if (options.net) number("total-net-bytes", report.net_bytes);
  if (options.cpu) {
    reply.Bulk("by-cpu-time-us");
    reply.Array(report.by_ticks.size() * 2);
    for (const auto& [key, ticks] : report.by_ticks) {
      reply.Bulk(key);
      reply.Integer(Us(ticks));
    }
  }
  if (options.net) {
    reply.Bulk("by-net-bytes");
    reply.Array(report.by_bytes.size() * 2);
    for (const auto& [key, bytes] : report.by_bytes) {
      reply.Bulk(key);
      reply.Integer(static_cast<int64_t>(bytes));
    }
  }
}

void HotkeysHelp(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "HOTKEYS <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "START METRICS <count> [CPU] [NET] [COUNT <k>] [DURATION <seconds>] [SAMPLE <ratio>]",
      "      [SLOTS <count> <slot> ...]",
      "    Begin to look for the keys that take the most time or traffic.",
      "STOP",
      "    End it; what was found stays.",
      "GET",
      "    What was found so far.",
      "RESET",
      "    Forget what was found.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
}

// ---------------------------------------------------------------- rows

constexpr auto kAdminAcl = Acl::kAdmin | Acl::kSlow | Acl::kDangerous;
constexpr auto kFlags = Flag::kAdmin | Flag::kNoScript | Flag::kExclusive;

constexpr ArgSpec kMetrics[] = {
    {.name = "count", .type = ArgType::kInteger, .token = "METRICS"},
    {.name = "cpu", .type = ArgType::kPureToken, .token = "CPU", .is_optional = true},
    {.name = "net", .type = ArgType::kPureToken, .token = "NET", .is_optional = true}};
constexpr ArgSpec kSlots[] = {{.name = "count", .type = ArgType::kInteger, .token = "SLOTS"},
                              {.name = "slot", .type = ArgType::kInteger, .is_multiple = true}};
constexpr ArgSpec kStartArgs[] = {
    {.name = "metrics", .type = ArgType::kBlock, .children = kMetrics},
    {.name = "k", .type = ArgType::kInteger, .token = "COUNT", .is_optional = true},
    {.name = "seconds", .type = ArgType::kInteger, .token = "DURATION", .is_optional = true},
    {.name = "ratio", .type = ArgType::kInteger, .token = "SAMPLE", .is_optional = true},
    {.name = "slots", .type = ArgType::kBlock, .is_optional = true, .children = kSlots}};

constexpr Command kSubcommands[] = {
    {.spec = {.name = "get",
              .arity = 2,
              .group = Group::kServer,
              .since = "8.6.0",
              .flags = kFlags,
              .acl = kAdminAcl,
              .parent = "hotkeys",
              .complexity = "O(K) where K is the number of keys returned",
              .summary = "Returns the keys that took the most time or traffic."},
     .run = HotkeysGet},
    {.spec = {.name = "help",
              .arity = 2,
              .group = Group::kServer,
              .since = "8.6.1",
              .flags = Flag::kLoading | Flag::kStale,
              .acl = Acl::kSlow,
              .parent = "hotkeys",
              .complexity = "O(1)",
              .summary = "Tells about the subcommands."},
     .run = HotkeysHelp},
    {.spec = {.name = "reset",
              .arity = 2,
              .group = Group::kServer,
              .since = "8.6.0",
              .flags = kFlags,
              .acl = kAdminAcl,
              .parent = "hotkeys",
              .complexity = "O(1)",
              .summary = "Forgets what was found about hot keys."},
     .run = HotkeysReset},
    {.spec = {.name = "start",
              .arity = -2,
              .group = Group::kServer,
              .since = "8.6.0",
              .flags = kFlags,
              .acl = kAdminAcl,
              .parent = "hotkeys",
              .complexity = "O(1)",
              .summary = "Begins to look for the keys that take the most time or traffic.",
              .arguments = kStartArgs},
     .run = HotkeysStart},
    {.spec = {.name = "stop",
              .arity = 2,
              .group = Group::kServer,
              .since = "8.6.0",
              .flags = kFlags,
              .acl = kAdminAcl,
              .parent = "hotkeys",
              .complexity = "O(1)",
              .summary = "Ends the search for hot keys."},
     .run = HotkeysStop},
};

constexpr Command kRows[] = {
    {.spec = {.name = "hotkeys",
              .arity = -2,
              .group = Group::kServer,
              .since = "8.6.0",
              .acl = Acl::kSlow,
              .complexity = "Depends on subcommand.",
              .summary = "A container for commands about hot keys."},
     .subcommands = kSubcommands},
};

}  // namespace

std::span<const Command> HotKeysCommands() { return kRows; }

}  // namespace peal::broker
