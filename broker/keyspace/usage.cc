#include "broker/keyspace/usage.h"

namespace peal::broker {
namespace {

constexpr uint32_t kLruBits = 24;
constexpr uint32_t kMinuteMask = 0xffff;
constexpr uint32_t kCounterMask = 0xff;
// What a new key starts with, so that it is not the first to go.
constexpr uint32_t kStartCounter = 5;

uint32_t Minutes(int64_t now_ms) { return static_cast<uint32_t>(now_ms / 60'000) & kMinuteMask; }

/// A uniform number in [0, 1). Quality hardly matters here, speed does.
double Random() {
  static thread_local uint64_t state = 0x9e3779b97f4a7c15u;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return static_cast<double>(state >> 11) * 0x1.0p-53;
}

}  // namespace

bool UsesFrequency(MaxMemoryPolicy policy) {
  return policy == MaxMemoryPolicy::kAllkeysLfu || policy == MaxMemoryPolicy::kVolatileLfu;
}

bool UsesModification(MaxMemoryPolicy policy) {
  return policy == MaxMemoryPolicy::kAllkeysLrm || policy == MaxMemoryPolicy::kVolatileLrm;
}

uint32_t IdleSeconds(uint32_t lru, int64_t now_ms) {
  return (LruClock(now_ms) - lru) & ((1u << kLruBits) - 1);
}

uint32_t FrequencyOf(uint32_t lru, int64_t now_ms, const Config& config) {
  const uint32_t counter = lru & kCounterMask;
  if (config.lfu_decay_time_min == 0) return counter;
  const uint32_t passed = (Minutes(now_ms) - (lru >> 8)) & kMinuteMask;
  const uint32_t decay = passed / config.lfu_decay_time_min;
  return decay > counter ? 0 : counter - decay;
}

uint32_t WithFrequency(uint32_t counter, int64_t now_ms) {
  return (Minutes(now_ms) << 8) | counter;
}

uint32_t NoteFrequency(uint32_t lru, int64_t now_ms, const Config& config) {
  // A fresh entry has no bits set yet.
  uint32_t counter = lru == 0 ? kStartCounter : FrequencyOf(lru, now_ms, config);
  if (counter < kCounterMask && lru != 0) {
    const double above = counter > kStartCounter ? counter - kStartCounter : 0;
    if (Random() * (above * config.lfu_log_factor + 1) < 1) ++counter;
  }
  return WithFrequency(counter, now_ms);
}

}  // namespace peal::broker
