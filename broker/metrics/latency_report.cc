#include "broker/metrics/latency_report.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <iterator>
#include <vector>

namespace peal::broker {
namespace {

constexpr size_t kRows = 4;
constexpr std::string_view kInk[] = {"_", "o", "#"};  // a third, two thirds, the whole of a row

std::string Age(int64_t seconds) {
  seconds = std::max<int64_t>(seconds, 0);
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m", seconds / 60);
  if (seconds < 86400) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / 86400);
}

}  // namespace

std::string DrawLatency(std::string_view name, const LatencyMonitor::Event& event, int64_t now_s) {
  uint64_t high = 0;
  uint64_t low = UINT64_MAX;
  std::vector<std::string> ages;
  size_t longest = 0;
  for (const LatencyMonitor::Sample& sample : event.samples) {
    high = std::max(high, sample.ms);
    low = std::min(low, sample.ms);
    ages.push_back(Age(now_s - sample.time_s));
    longest = std::max(longest, ages.back().size());
  }
  std::string out = fmt::format("{} - high {} ms, low {} ms (all time high {} ms)\n", name, high,
                                low, event.max_ms);
  out.append(80, '-').append("\n");
  // Heights in thirds of a row; the smallest sample still shows.
  const uint64_t full = kRows * std::size(kInk);
  for (size_t row = kRows; row-- > 0;) {
    for (const LatencyMonitor::Sample& sample : event.samples) {
      const uint64_t span = high - low;
      const uint64_t height = span == 0 ? 1 : 1 + (sample.ms - low) * (full - 1) / span;
      const uint64_t below = row * std::size(kInk);
      out += height <= below ? std::string_view(" ")
                             : kInk[std::min<uint64_t>(height - below, std::size(kInk)) - 1];
    }
    out += '\n';
  }
  out += '\n';
  // Ages stand upright.
  for (size_t line = 0; line < longest; ++line) {
    for (const std::string& age : ages) out += line < age.size() ? age[line] : ' ';
    out += '\n';
  }
  return out;
}

std::string ReportLatency(const std::map<std::string, LatencyMonitor::Event>& events,
                          uint64_t threshold_ms, int64_t slowlog_slower_than_us, int64_t now_s) {
  if (threshold_ms == 0 && events.empty()) {
    return "The latency monitor is off. Switch it on with CONFIG SET latency-monitor-threshold "
           "<milliseconds>, wait a while, and ask again.\n";
  }
  if (events.empty()) {
    return fmt::format("Nothing has taken {} ms or longer since the last LATENCY RESET.\n",
                       threshold_ms);
  }
  std::string out;
  for (const auto& [name, event] : events) {
    uint64_t sum = 0;
    for (const LatencyMonitor::Sample& sample : event.samples) sum += sample.ms;
    const size_t count = event.samples.size();
    const int64_t span_s = std::max<int64_t>(now_s - event.samples.front().time_s, 1);
    fmt::format_to(std::back_inserter(out),
                   "{}: {} spike{} in {}, mean {} ms, worst {} ms, latest {} ago.\n", name, count,
                   count == 1 ? "" : "s", Age(span_s), sum / count, event.max_ms,
                   Age(now_s - event.samples.back().time_s));
  }
  out += "\nAdvice:\n";
  const bool has_commands = events.contains("command") || events.contains("fast-command");
  if (events.contains("command")) {
    if (slowlog_slower_than_us < 0 ||
        slowlog_slower_than_us > static_cast<int64_t>(threshold_ms) * 1000) {
      fmt::format_to(
          std::back_inserter(out),
          "- The slow log does not see these commands. CONFIG SET slowlog-log-slower-than {}.\n",
          threshold_ms * 1000);
    } else {
      out +=
          "- Look for the slow commands with SLOWLOG GET. KEYS and large MGET, DEL or FLUSHALL are "
          "the usual ones: use SCAN, smaller pieces, UNLINK and ASYNC.\n";
    }
  }
  if (events.contains("fast-command")) {
    out +=
        "- Commands that take constant time were slow: the machine was. Look for swapping, a busy "
        "hypervisor, or more reactors (io-threads) than free cores.\n";
  }
  if (!has_commands) out += "- Commands themselves were fast.\n";
  return out;
}

}  // namespace peal::broker
