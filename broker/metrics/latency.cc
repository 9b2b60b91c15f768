#include "broker/metrics/latency.h"

#include <algorithm>
#include <ctime>

namespace peal::broker {
namespace {

constexpr size_t kSamples = 160;

}  // namespace

void LatencyMonitor::Add(std::string_view name, uint64_t ms) {
  const int64_t now_s = std::time(nullptr);
  store::MutexLock lock(mutex_);
  auto found = events_.find(name);
  if (found == events_.end()) found = events_.emplace(std::string(name), Event{}).first;
  Event& event = found->second;
  event.max_ms = std::max(event.max_ms, ms);
  if (!event.samples.empty() && event.samples.back().time_s == now_s) {
    event.samples.back().ms = std::max(event.samples.back().ms, ms);
    return;
  }
  event.samples.push_back({now_s, ms});
  if (event.samples.size() > kSamples) event.samples.pop_front();
}

std::map<std::string, LatencyMonitor::Event> LatencyMonitor::Events() const {
  store::MutexLock lock(mutex_);
  return {events_.begin(), events_.end()};
}

size_t LatencyMonitor::Reset(const std::vector<std::string_view>& names) {
  store::MutexLock lock(mutex_);
  if (names.empty()) {
    const size_t count = events_.size();
    events_.clear();
    return count;
  }
  size_t count = 0;
  for (const std::string_view name : names) {
    const auto found = events_.find(name);
    if (found == events_.end()) continue;
    events_.erase(found);
    ++count;
  }
  return count;
}

}  // namespace peal::broker
