#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/net/address.h"
#include "protocol/base/error.h"
#include "store/sync/mutex.h"

namespace peal::broker {

class Client;

/// Counts failed attempts to authenticate by address, so that nobody guesses passwords as fast as
/// the network allows. [any thread]
///
/// A table of fixed size: when it is full, who failed least often in the present minute is
/// forgotten. IPv6 addresses count by their first 64 bits, which one customer has to himself.
class AuthGuard {
 public:
  /// Failures of `address` in the minute of `now_ms`.
  uint32_t Failures(const IpAddress& address, int64_t now_ms) const;
  /// Counts one more; returns Failures.
  uint32_t Add(const IpAddress& address, int64_t now_ms);

  /// Attempts that were refused without a look at the password.
  uint64_t refusals() const { return refusals_.load(std::memory_order_relaxed); }
  void CountRefusal() { refusals_.fetch_add(1, std::memory_order_relaxed); }
  void ResetCounters() { refusals_.store(0, std::memory_order_relaxed); }

 private:
  static constexpr size_t kSets = 1024;
  static constexpr size_t kWays = 4;
  static constexpr int64_t kMinuteMs = 60'000;

  struct Entry {
    IpAddress address;
    uint32_t failures = 0;
    int64_t minute = -1;
  };
  using Set = std::array<Entry, kWays>;

  static IpAddress Key(const IpAddress& address);
  static size_t SetOf(const IpAddress& key);

  mutable store::Mutex mutex_{store::LockRank::kLeaf};
  std::array<Set, kSets> sets_ GUARDED_BY(mutex_);
  std::atomic<int64_t> last_minute_{-1};  // of the latest failure of all
  std::atomic<uint64_t> refusals_{0};
};

/// To be called before a password, key or token of `client` is looked at: an error if its address
/// failed too often in this minute (auth-failures-per-minute). The client is then closed after the
/// reply. Reactor thread.
std::optional<protocol::Error> RefuseAttempt(Client& client);

/// To be called when an attempt of `client` failed: counts it and writes a line with the reason to
/// the log.
void NoteFailedAttempt(Client& client, std::string_view reason);

}  // namespace peal::broker
