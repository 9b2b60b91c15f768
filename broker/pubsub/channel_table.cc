#include "broker/pubsub/channel_table.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "store/keyspace/hash.h"

namespace peal::broker {

uint32_t ChannelTable::Hash(std::string_view name) {
  return static_cast<uint32_t>(store::HashKey(name) >> 16);
}

ChannelTable::~ChannelTable() {
  for (uint32_t i = 0; i < kShards; ++i) {
    store::MutexLock lock(shards_[i].mutex);
    std::free(shards_[i].slots);
  }
}

Target* ChannelTable::Shard::Find(uint32_t hash, std::string_view name) const {
  if (capacity == 0) return nullptr;
  for (uint32_t at = Home(hash); slots[at] != nullptr; at = at + 1 == capacity ? 0 : at + 1) {
    if (slots[at]->hash == hash && slots[at]->name() == name) return slots[at];
  }
  return nullptr;
}

void ChannelTable::Shard::Resize(uint32_t wanted) {
  Target** const old = slots;
  const uint32_t old_capacity = capacity;
  slots = static_cast<Target**>(std::calloc(wanted, sizeof(Target*)));
  if (slots == nullptr) throw std::bad_alloc();
  capacity = wanted;
  for (uint32_t i = 0; i < old_capacity; ++i) {
    if (old[i] == nullptr) continue;
    uint32_t at = Home(old[i]->hash);
    while (slots[at] != nullptr) at = at + 1 == capacity ? 0 : at + 1;
    slots[at] = old[i];
  }
  std::free(old);
}

void ChannelTable::Shard::Insert(Target* target) {
  if ((count + 1) * 20 > capacity * 17) Resize(std::max(capacity + capacity / 3, capacity + 2));
  uint32_t at = Home(target->hash);
  while (slots[at] != nullptr) at = at + 1 == capacity ? 0 : at + 1;
  slots[at] = target;
  ++count;
}

void ChannelTable::Shard::Erase(Target* target) {
  uint32_t at = Home(target->hash);
  while (slots[at] != target) at = at + 1 == capacity ? 0 : at + 1;
  uint32_t gap = at;
  for (;;) {
    at = at + 1 == capacity ? 0 : at + 1;
    if (slots[at] == nullptr) break;
    const uint32_t home = Home(slots[at]->hash);
    const bool stays = gap < at ? (home > gap && home <= at) : (home > gap || home <= at);
    if (stays) continue;
    slots[gap] = slots[at];
    gap = at;
  }
  slots[gap] = nullptr;
  --count;
  if (count == 0) {
    std::free(slots);
    slots = nullptr;
    capacity = 0;
  } else if (capacity > 32 && count * 4 < capacity) {
    Resize(capacity / 2);
  }
}

uint32_t ChannelTable::CountSubscribers(std::string_view name) {
  const uint32_t hash = Hash(name);
  Shard& shard = ShardOf(hash);
  store::MutexLock lock(shard.mutex);
  const Target* target = shard.Find(hash, name);
  return target == nullptr ? 0 : target->interest.count();
}

}  // namespace peal::broker
