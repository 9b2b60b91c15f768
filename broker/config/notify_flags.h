#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/result.h"

namespace peal::broker {

/// Classes of keyspace events, as letters of `notify-keyspace-events` and as bits of a mask.
enum NotifyFlag : uint32_t {
  kNotifyKeyspace = 1u << 0,  // K: __keyspace@<db>__:<key>
  kNotifyKeyevent = 1u << 1,  // E: __keyevent@<db>__:<event>
  kNotifyGeneric = 1u << 2,   // g
  kNotifyString = 1u << 3,    // $
  kNotifyList = 1u << 4,      // l
  kNotifySet = 1u << 5,       // s
  kNotifyHash = 1u << 6,      // h
  kNotifyZset = 1u << 7,      // z
  kNotifyExpired = 1u << 8,   // x
  kNotifyEvicted = 1u << 9,   // e
  kNotifyStream = 1u << 10,   // t
  kNotifyKeyMiss = 1u << 11,  // m, not part of A
  kNotifyModule = 1u << 12,   // d
  kNotifyNew = 1u << 13,      // n, not part of A
};

/// The letter A.
inline constexpr uint32_t kNotifyAll = kNotifyGeneric | kNotifyString | kNotifyList | kNotifySet |
                                       kNotifyHash | kNotifyZset | kNotifyExpired | kNotifyEvicted |
                                       kNotifyStream | kNotifyModule;

/// Reads letters in any order, repeats allowed. Any other letter is an error with Redis' text.
protocol::Result<uint32_t> ParseNotifyFlags(std::string_view letters);

/// The letters of `mask` in the order in which CONFIG GET shows them: A (or g$lshzxetd), n, K, E,
/// m.
///
/// Differs: redis-server 7.0 drops n when all classes of A are set, so that CONFIG REWRITE loses
/// it.
std::string FormatNotifyFlags(uint32_t mask);

}  // namespace peal::broker
