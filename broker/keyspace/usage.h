#pragma once

#include <cstdint>

#include "broker/config/config.h"

namespace peal::broker {

// The 24 bits in which an entry remembers its use: seconds of the last one (modulo 2^24), or, for
// the lfu policies, 16 bits of minutes and 8 of a logarithmic counter. Source: Redis documentation,
// "Key eviction".

/// True for the policies that count uses instead of noting the last.
bool UsesFrequency(MaxMemoryPolicy policy);

/// True for the policies that note only when a key was last modified.
bool UsesModification(MaxMemoryPolicy policy);

/// The clock of last use.
inline uint32_t LruClock(int64_t now_ms) {
  return static_cast<uint32_t>(now_ms / 1000) & ((1u << 24) - 1);
}

/// Seconds since the use that `lru` notes.
uint32_t IdleSeconds(uint32_t lru, int64_t now_ms);

/// The counter after decay, as OBJECT FREQ tells it.
uint32_t FrequencyOf(uint32_t lru, int64_t now_ms, const Config& config);

/// The 24 bits of a counter that is known.
uint32_t WithFrequency(uint32_t counter, int64_t now_ms);

/// The new 24 bits after one more use.
uint32_t NoteFrequency(uint32_t lru, int64_t now_ms, const Config& config);

}  // namespace peal::broker
