#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "broker/metrics/latency.h"

namespace peal::broker {

/// LATENCY GRAPH: a column for each sample, the newest at the right, with its age below.
std::string DrawLatency(std::string_view name, const LatencyMonitor::Event& event, int64_t now_s);

/// LATENCY DOCTOR: what was slow, how often, and what to do about it.
/// `threshold_ms` is latency-monitor-threshold, 0 when the monitor is off.
std::string ReportLatency(const std::map<std::string, LatencyMonitor::Event>& events,
                          uint64_t threshold_ms, int64_t slowlog_slower_than_us, int64_t now_s);

}  // namespace peal::broker
