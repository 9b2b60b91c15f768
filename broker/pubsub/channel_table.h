#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/pubsub/target.h"
#include "store/sync/mutex.h"

namespace peal::broker {

/// Every channel (or every shard channel) that has subscribers, by name. Shared by all reactors.
///
/// Cut into shards, each with a lock. The lock of a channel's shard guards its interest, and
/// holding it while posting a message is what gives all subscribers one order of a channel's
/// messages.
class ChannelTable {
 public:
  static constexpr uint32_t kShards = 1024;

  /// A part of the table; open-addressed, at most 85 % full, growing by a third.
  struct alignas(64) Shard {
    store::Mutex mutex{store::LockRank::kChannelShard};
    uint32_t count GUARDED_BY(mutex) = 0;
    uint32_t capacity GUARDED_BY(mutex) = 0;
    Target** slots GUARDED_BY(mutex) = nullptr;

    Target* Find(uint32_t hash, std::string_view name) const REQUIRES(mutex);
    void Insert(Target* target) REQUIRES(mutex);
    void Erase(Target* target) REQUIRES(mutex);

   private:
    uint32_t Home(uint32_t hash) const REQUIRES(mutex) {
      return static_cast<uint32_t>((uint64_t{hash * 0x9E3779B1u} * capacity) >> 32);
    }
    void Resize(uint32_t wanted) REQUIRES(mutex);
  };

  ChannelTable() : shards_(new Shard[kShards]) {}
  ~ChannelTable();

  static uint32_t Hash(std::string_view name);
  Shard& ShardOf(uint32_t hash) { return shards_[hash % kShards]; }

  /// Channels with at least one subscriber. [any thread], exact with all reactors parked.
  uint64_t size() const { return size_.load(std::memory_order_relaxed); }
  void CountAdded() { size_.fetch_add(1, std::memory_order_relaxed); }
  void CountRemoved() { size_.fetch_sub(1, std::memory_order_relaxed); }

  /// Names of all channels; shard by shard, so not one moment's picture while others subscribe.
  template <typename Keep>
  std::vector<std::string> Names(Keep&& keep) {
    std::vector<std::string> names;
    for (uint32_t i = 0; i < kShards; ++i) {
      Shard& shard = shards_[i];
      store::MutexLock lock(shard.mutex);
      for (uint32_t at = 0; at < shard.capacity; ++at) {
        if (shard.slots[at] != nullptr && keep(shard.slots[at]->name())) {
          names.emplace_back(shard.slots[at]->name());
        }
      }
    }
    return names;
  }
  uint32_t CountSubscribers(std::string_view name);

 private:
  std::unique_ptr<Shard[]> shards_;
  std::atomic<uint64_t> size_{0};
};

}  // namespace peal::broker
