#include "store/keyspace/tracking.h"

#include "protocol/base/check.h"
#include "store/keyspace/hash.h"

namespace peal::store {
namespace {

constexpr uint32_t kFirstCapacity = 4;

}  // namespace

// ---------------------------------------------------------------- readers of one key

bool ReaderSet::Put(uint64_t* slots, uint32_t capacity, uint64_t id) {
  // Ids count connections, so their low bits alone would crowd together.
  uint64_t at = (id * 0x9e3779b97f4a7c15u) >> 32;
  for (;; ++at) {
    uint64_t& slot = slots[at & (capacity - 1)];
    if (slot == id) return false;
    if (slot != 0) continue;
    slot = id;
    return true;
  }
}

void ReaderSet::Grow() {
  const uint32_t capacity = capacity_ == 0 ? kFirstCapacity : capacity_ * 2;
  auto slots = std::make_unique<uint64_t[]>(capacity);
  std::vector<uint64_t> ids;
  AppendTo(ids);
  for (const uint64_t id : ids) Put(slots.get(), capacity, id);
  slots_ = std::move(slots);
  capacity_ = capacity;
}

bool ReaderSet::Add(uint64_t id) {
  PEAL_DCHECK(id != 0);
  if (capacity_ == 0) {
    if (size_ == 0) {
      sole_ = id;
      size_ = 1;
      return true;
    }
    if (sole_ == id) return false;
  }
  if (size_ + 1 > capacity_ / 4 * 3) Grow();
  if (!Put(slots_.get(), capacity_, id)) return false;
  ++size_;
  return true;
}

void ReaderSet::AppendTo(std::vector<uint64_t>& ids) const {
  if (capacity_ == 0) {
    if (size_ != 0) ids.push_back(sole_);
    return;
  }
  for (uint32_t i = 0; i < capacity_; ++i) {
    if (slots_[i] != 0) ids.push_back(slots_[i]);
  }
}

// ---------------------------------------------------------------- keys of a stripe

TrackingTable::KeyView TrackingTable::KeyOf(std::string_view key) { return {key, HashKey(key)}; }

TrackingTable::Counts TrackingTable::Add(std::string_view key, uint64_t hash, uint64_t id) {
  Counts added;
  auto found = keys_.find(KeyView{key, hash});
  if (found == keys_.end()) {
    found = keys_.emplace(Key{std::string(key), hash}, ReaderSet()).first;
    added.keys = 1;
  }
  added.ids = found->second.Add(id) ? 1 : 0;
  return added;
}

bool TrackingTable::Take(std::string_view key, uint64_t hash, std::vector<uint64_t>& ids) {
  const auto found = keys_.find(KeyView{key, hash});
  if (found == keys_.end()) return false;
  found->second.AppendTo(ids);
  keys_.erase(found);
  return true;
}

void TrackingTable::TakeAny(uint64_t random, std::string& key, std::vector<uint64_t>& ids) {
  // A table that was once large may be nearly empty, and does not shrink.
  constexpr size_t kBuckets = 64;
  PEAL_DCHECK(!keys_.empty());
  size_t bucket = random % keys_.bucket_count();
  auto chosen = keys_.begin();
  for (size_t i = 0; i < kBuckets && bucket < keys_.bucket_count(); ++i, ++bucket) {
    if (keys_.bucket_size(bucket) == 0) continue;
    chosen = keys_.find(KeyView{keys_.begin(bucket)->first.key, keys_.begin(bucket)->first.hash});
    break;
  }
  key = chosen->first.key;
  chosen->second.AppendTo(ids);
  keys_.erase(chosen);
}

}  // namespace peal::store
