#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "store/keyspace/garbage.h"
#include "store/keyspace/hash.h"
#include "store/keyspace/stripe.h"
#include "store/sync/gate.h"

namespace peal::store {

struct KeyspaceOptions {
  int stripes = 1024;  // power of two in [1, 1024]
  int databases = 16;  // at least 1
};

/// All keys of all databases, spread over stripes. Fixed number of stripes; a key never changes its
/// own.
///
/// Order of locking: gate(), then stripes in ascending index. Methods take the locks they need
/// unless they say otherwise. Time is always the caller's: the keyspace has no clock.
class Keyspace {
 public:
  static constexpr int kMaxStripes = 1024;
  static constexpr int kStripeBits = 10;

  explicit Keyspace(KeyspaceOptions options);
  ~Keyspace();
  Keyspace(const Keyspace&) = delete;
  Keyspace& operator=(const Keyspace&) = delete;

  int stripe_count() const { return options_.stripes; }
  int databases() const { return options_.databases; }
  Gate& gate() { return gate_; }

  int StripeIndex(uint64_t hash) const {
    return static_cast<int>(hash & static_cast<uint64_t>(options_.stripes - 1));
  }
  Stripe& stripe(int index) { return stripes_[index]; }
  const Stripe& stripe(int index) const { return stripes_[index]; }
  Stripe& StripeOf(uint64_t hash) { return stripes_[StripeIndex(hash)]; }

  /// Keys of `db`, expired ones included. A sum of counters; exact under the gate. [any thread]
  size_t DbSize(int db) const;
  size_t VolatileSize(int db) const;
  /// Bytes of entries, values and tables. [any thread]
  size_t MemoryBytes() const;

  /// About MemoryBytes(), at once: some hundred bytes a stripe late. [any thread]
  int64_t booked_bytes() const { return booked_bytes_.load(std::memory_order_relaxed); }

  /// Loads the bucket of a key ahead of its use; no lock. [any thread]
  void Prefetch(int db, uint64_t hash) { StripeOf(hash).Prefetch(db, hash); }
  /// Goes a step further with a key's entry and value, with the stripe's lock if it is free. Wants
  /// the step before, Prefetch at first, some hundred instructions earlier.
  void PrefetchStep(int db, uint64_t hash, PrefetchDepth depth);

  /// One step of SCAN: passes entries of `db` under their stripe's lock (expired ones included,
  /// duplicates possible, no changes to the keyspace from `fn`) until at least `count` were passed
  /// or a bound on empty buckets is reached; returns the next cursor, 0 at the end. A key present
  /// during the whole scan is passed at least once. Any number is accepted as `cursor`. Cursors are
  /// below 2^53.
  uint64_t Scan(int db, uint64_t cursor, size_t count, const std::function<void(Entry*)>& fn);

  /// Passes every entry of `db`. The caller holds the gate exclusively (KEYS).
  void ForEach(int db, const std::function<void(Entry*)>& fn);

  /// The key of a random entry not expired at `now_ms`, stripes weighted by size; false if none is
  /// found in a bounded number of tries. Redis may return an expired key too when all are.
  bool RandomKey(int db, int64_t now_ms, const std::function<uint64_t()>& random, std::string& key);

  // --- The caller holds the gate exclusively.

  /// Looks at everything. Empty, or what is wrong first. O(n), for tests and DEBUG.
  std::string FindFault();
  /// Empties a database; the tables go to `garbage`. Returns the number of keys removed.
  size_t FlushDb(int db, Garbage& garbage);
  size_t FlushAll(Garbage& garbage);
  void SwapDb(int a, int b);

 private:
  const KeyspaceOptions options_;
  Gate gate_;
  alignas(64) std::atomic<int64_t> booked_bytes_{0};
  Stripe* stripes_;  // options_.stripes of them, in one aligned block
};

}  // namespace peal::store
