#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/exec/unit.h"

namespace peal::broker {

class Server;
class Worker;

/// How much memory counts towards maxmemory, without asking the allocator for every command: what
/// the keyspace books at once, and all else (clients, channels, the allocator's own) as it was at
/// the last look some tenths of a second ago. One for the server. [any thread]
class MemoryGauge {
 public:
  explicit MemoryGauge(store::Keyspace& keyspace) : keyspace_(keyspace) {}

  int64_t used() const {
    return keyspace_.booked_bytes() + others_.load(std::memory_order_relaxed);
  }
  /// Asks the allocator; some tens of microseconds. `freeing`: bytes whose freeing is under way, so
  /// that no key has to go for them.
  void Refresh(size_t freeing);

 private:
  store::Keyspace& keyspace_;
  std::atomic<int64_t> others_{0};
};

/// Makes room when memory is above maxmemory, as maxmemory-policy says: takes samples of the keys,
/// keeps the best candidates of this and earlier rounds, and deletes the best. Each deletion is a
/// unit: effect, event, watchers. One for each worker; its thread, holding nothing.
/// Source: Redis documentation, "Key eviction".
class Eviction {
 public:
  explicit Eviction(Worker& worker);
  Eviction(const Eviction&) = delete;
  Eviction& operator=(const Eviction&) = delete;

  /// Deletes keys until memory is below the limit or the time of one go is over. False if it is
  /// above and there is nothing to delete.
  bool MakeRoom(int64_t now_ms);

  /// Goes on where the time of the last go was over. True if there is still more to do.
  bool Continue(int64_t now_ms) {
    if (has_more_) MakeRoom(now_ms);
    return has_more_;
  }

  const UnitCounters& counters() const { return unit_.counters(); }
  uint64_t evicted() const { return evicted_; }
  /// Microseconds spent above maxmemory in goes whose time was over.
  uint64_t exceeded_us() const { return exceeded_us_; }
  void ResetCounters();
  void set_effect_sink(EffectSink* sink) { unit_.set_effect_sink(sink); }

 private:
  /// A key that may go; the higher the score, the sooner.
  struct Candidate {
    std::string key;
    uint32_t db = 0;
    uint64_t score = 0;
  };
  static constexpr size_t kPoolSize = 16;

  bool EvictOne(int64_t now_ms);
  bool Evict(const Candidate& candidate, int64_t now_ms);
  bool TakeSamples(int64_t now_ms);
  bool SampleDatabases(int64_t now_ms);
  /// Notes which databases have keys that may go. Thousands of loads: not for every key.
  void ListDatabases(int64_t now_ms);
  /// Looks at some entries of one stripe; returns how many counted.
  size_t SampleStripe(int stripe, uint32_t db, size_t wanted, int64_t now_ms);
  uint64_t ScoreOf(const store::Entry& entry, int64_t now_ms) const;
  void Offer(const store::Entry& entry, uint32_t db, int64_t now_ms);
  int64_t BudgetUs() const;

  Worker& worker_;
  Unit unit_;
  std::array<Candidate, kPoolSize> pool_;  // the best last
  size_t pool_size_ = 0;
  std::vector<int> databases_;  // with keys that may go, when they were last listed
  int64_t listed_ms_ = 0;
  bool has_more_ = false;  // memory was still above the limit when the time was over
  uint64_t evicted_ = 0;
  uint64_t exceeded_us_ = 0;
};

}  // namespace peal::broker
