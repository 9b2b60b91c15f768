#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "store/sync/mutex.h"

namespace peal::broker {

/// Spikes above latency-monitor-threshold, by event; at most 160 samples each, one a second. Any
/// thread.
class LatencyMonitor {
 public:
  struct Sample {
    int64_t time_s = 0;
    uint64_t ms = 0;
  };
  struct Event {
    std::deque<Sample> samples;  // oldest first
    uint64_t max_ms = 0;
  };

  void Add(std::string_view event, uint64_t ms);
  std::map<std::string, Event> Events() const;
  /// All events if `names` is empty; returns how many were there.
  size_t Reset(const std::vector<std::string_view>& names);

 private:
  mutable store::Mutex mutex_{store::LockRank::kLeaf};
  std::map<std::string, Event, std::less<>> events_ GUARDED_BY(mutex_);
};

}  // namespace peal::broker
