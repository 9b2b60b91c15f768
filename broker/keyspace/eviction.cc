#include "broker/keyspace/eviction.h"

#include <algorithm>
#include <utility>

#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/keyspace/usage.h"
#include "broker/metrics/clock.h"
#include "broker/metrics/memory.h"

namespace peal::broker {
namespace {

/// Random numbers for sampling; speed matters more than quality.
uint64_t Random() {
  static thread_local uint64_t state = 0x9e3779b97f4a7c15u ^ Ticks();
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

bool OnlyVolatile(MaxMemoryPolicy policy) {
  switch (policy) {
    case MaxMemoryPolicy::kVolatileLru:
    case MaxMemoryPolicy::kVolatileLfu:
    case MaxMemoryPolicy::kVolatileRandom:
    case MaxMemoryPolicy::kVolatileTtl:
    case MaxMemoryPolicy::kVolatileLrm:
      return true;
    default:
      return false;
  }
}

bool IsRandom(MaxMemoryPolicy policy) {
  return policy == MaxMemoryPolicy::kAllkeysRandom || policy == MaxMemoryPolicy::kVolatileRandom;
}

}  // namespace

void MemoryGauge::Refresh(size_t freeing) {
  const auto used = static_cast<int64_t>(ReadMemory().used) - static_cast<int64_t>(freeing);
  others_.store(std::max<int64_t>(used - keyspace_.booked_bytes(), 0), std::memory_order_relaxed);
}

Eviction::Eviction(Worker& worker) : worker_(worker), unit_(worker.server().keyspace()) {}

void Eviction::ResetCounters() {
  unit_.ResetCounters();
  evicted_ = 0;
  exceeded_us_ = 0;
}

int64_t Eviction::BudgetUs() const {
  // As Redis: 50 us for each of the first ten steps, then 15 % more a step; 100 has no limit.
  const uint32_t tenacity = worker_.server().config().maxmemory_eviction_tenacity;
  if (tenacity >= 100) return INT64_MAX;
  if (tenacity <= 10) return int64_t{50} * tenacity;
  double us = 500;
  for (uint32_t step = 10; step < tenacity; ++step) us *= 1.15;
  return static_cast<int64_t>(us);
}

bool Eviction::MakeRoom(int64_t now_ms) {
  Server& server = worker_.server();
  const Config& config = server.config();
  const auto limit = static_cast<int64_t>(config.maxmemory_bytes);
  has_more_ = false;
  if (limit == 0) return true;
  if (server.memory_gauge().used() <= limit) return true;
  if (config.maxmemory_policy == MaxMemoryPolicy::kNoEviction) return false;
  if (server.pause_mode() != PauseMode::kNone && now_ms < server.pause_until_ms()) return true;
  const int64_t begin_us = MonotonicUs();
  const int64_t budget_us = BudgetUs();
  do {
    if (!EvictOne(now_ms)) return false;
    if (server.memory_gauge().used() <= limit) return true;
  } while (MonotonicUs() - begin_us < budget_us);
  // The next turns go on; this command need not wait for all of it.
  has_more_ = true;
  exceeded_us_ += static_cast<uint64_t>(MonotonicUs() - begin_us);
  return true;
}

bool Eviction::EvictOne(int64_t now_ms) {
  // A candidate of an earlier round may have gone, or no longer be the best; there is a bound, for
  // others delete too.
  constexpr int kRounds = 16;
  for (int round = 0; round < kRounds; ++round) {
    if (!TakeSamples(now_ms) && pool_size_ == 0) return false;
    while (pool_size_ > 0) {
      const Candidate best = std::move(pool_[--pool_size_]);
      if (Evict(best, now_ms)) return true;
    }
  }
  return false;
}

bool Eviction::Evict(const Candidate& candidate, int64_t now_ms) {
  const Config& config = worker_.server().config();
  unit_.Begin(worker_, nullptr, candidate.db, now_ms);
  unit_.AddKey(candidate.key, Unit::HashKey(candidate.key));
  unit_.Lock();
  const store::Entry* const entry = unit_.Find(candidate.key);
  const bool may_go =
      entry != nullptr && (!OnlyVolatile(config.maxmemory_policy) || entry->has_expiry());
  if (may_go) {
    unit_.Delete(candidate.key);
    unit_.Replicate("DEL", candidate.key);
    unit_.Notify(kNotifyEvicted, "evicted", candidate.key);
    ++evicted_;
  }
  unit_.Finish();
  return may_go;
}

bool Eviction::TakeSamples(int64_t now_ms) {
  constexpr int64_t kListMs = 100;
  if (now_ms < listed_ms_ || now_ms - listed_ms_ >= kListMs) ListDatabases(now_ms);
  if (SampleDatabases(now_ms)) return true;
  // Keys may have come to another database meanwhile.
  ListDatabases(now_ms);
  return SampleDatabases(now_ms);
}

void Eviction::ListDatabases(int64_t now_ms) {
  const store::Keyspace& keyspace = worker_.server().keyspace();
  const bool is_volatile = OnlyVolatile(worker_.server().config().maxmemory_policy);
  databases_.clear();
  for (int db = 0; db < keyspace.databases(); ++db) {
    if ((is_volatile ? keyspace.VolatileSize(db) : keyspace.DbSize(db)) != 0) {
      databases_.push_back(db);
    }
  }
  listed_ms_ = now_ms;
}

bool Eviction::SampleDatabases(int64_t now_ms) {
  const store::Keyspace& keyspace = worker_.server().keyspace();
  const Config& config = worker_.server().config();
  const bool is_volatile = OnlyVolatile(config.maxmemory_policy);
  const auto stripes = static_cast<uint32_t>(keyspace.stripe_count());
  size_t seen = 0;
  for (const int db : databases_) {
    size_t wanted = config.maxmemory_samples;
    // From a random stripe on, until there are enough or all have been looked at.
    uint32_t at = static_cast<uint32_t>(Random()) % stripes;
    for (uint32_t i = 0; i < stripes && wanted > 0; ++i, at = (at + 1) % stripes) {
      const store::Stripe& stripe = keyspace.stripe(static_cast<int>(at));
      if ((is_volatile ? stripe.volatile_size(db) : stripe.size(db)) == 0) continue;
      const size_t found =
          SampleStripe(static_cast<int>(at), static_cast<uint32_t>(db), wanted, now_ms);
      seen += found;
      wanted -= std::min(wanted, found);
    }
  }
  return seen > 0;
}

size_t Eviction::SampleStripe(int index, uint32_t db, size_t wanted, int64_t now_ms) {
  // A bucket holds keys whose hashes are neighbours, so its keys are as random as any.
  constexpr int kSteps = 32;
  const bool is_volatile = OnlyVolatile(worker_.server().config().maxmemory_policy);
  store::Stripe& stripe = worker_.server().keyspace().stripe(index);
  store::MutexLock lock(stripe.mutex());
  const store::Table* const table = stripe.table(static_cast<int>(db));
  if (table == nullptr) return 0;
  size_t seen = 0;
  const auto visit = [&](store::Entry* entry) {
    if (seen >= wanted) return;
    ++seen;
    Offer(*entry, db, now_ms);
  };
  const uint64_t start = Random() % store::Table::kScanEnd;
  uint64_t position = start;
  bool has_wrapped = false;
  for (int step = 0; seen < wanted && (step < kSteps || seen == 0); ++step) {
    position = is_volatile ? table->ScanVolatile(position, visit) : table->Scan(position, visit);
    if (position >= store::Table::kScanEnd) {
      if (has_wrapped) break;
      has_wrapped = true;
      position = 0;
    }
    if (has_wrapped && position >= start) break;
  }
  return seen;
}

uint64_t Eviction::ScoreOf(const store::Entry& entry, int64_t now_ms) const {
  const Config& config = worker_.server().config();
  if (IsRandom(config.maxmemory_policy)) return Random();
  if (config.maxmemory_policy == MaxMemoryPolicy::kVolatileTtl) {
    return UINT64_MAX - static_cast<uint64_t>(entry.expire_ms());
  }
  if (UsesFrequency(config.maxmemory_policy)) {
    return 255 - FrequencyOf(entry.lru(), now_ms, config);
  }
  return IdleSeconds(entry.lru(), now_ms);
}

void Eviction::Offer(const store::Entry& entry, uint32_t db, int64_t now_ms) {
  const uint64_t score = ScoreOf(entry, now_ms);
  if (pool_size_ == kPoolSize && score <= pool_[0].score) return;
  const std::string_view key = entry.key();
  for (size_t i = 0; i < pool_size_; ++i) {
    if (pool_[i].db == db && pool_[i].key == key) return;
  }
  if (pool_size_ == kPoolSize) {
    std::move(pool_.begin() + 1, pool_.end(), pool_.begin());
    --pool_size_;
  }
  Candidate* const end = pool_.data() + pool_size_;
  Candidate* const at =
      std::upper_bound(pool_.data(), end, score,
                       [](uint64_t own, const Candidate& other) { return own < other.score; });
  std::move_backward(at, end, end + 1);
  *at = Candidate{std::string(key), db, score};
  ++pool_size_;
}

}  // namespace peal::broker
