#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace peal::store {

/// A set of clients by their ids, none of which is 0. One id takes no memory beyond the object.
class ReaderSet {
 public:
  /// False if it was there.
  bool Add(uint64_t id);
  size_t size() const { return size_; }
  void AppendTo(std::vector<uint64_t>& ids) const;

  /// Takes out those for which `is_alive(id)` is false; returns how many.
  template <class IsAlive>
  size_t RemoveDead(IsAlive is_alive) {
    std::vector<uint64_t> ids;
    AppendTo(ids);
    const size_t before = size_;
    *this = ReaderSet();
    for (const uint64_t id : ids) {
      if (is_alive(id)) Add(id);
    }
    return before - size_;
  }

 private:
  void Grow();
  static bool Put(uint64_t* slots, uint32_t capacity, uint64_t id);

  uint32_t size_ = 0;
  uint32_t capacity_ = 0;  // of slots_, a power of two; 0: sole_ is all there is
  uint64_t sole_ = 0;
  std::unique_ptr<uint64_t[]> slots_;  // open addressing, 0 is free
};

/// Who has read which keys of one stripe and may keep their values: clients with tracking on.
///
/// Keys of all databases are one name space, as in Redis: a change of the key in any of them
/// concerns those who read it in another. Needs the stripe's lock.
class TrackingTable {
 public:
  struct Counts {
    size_t keys = 0;
    size_t ids = 0;
  };

  /// Remembers that client `id` has read `key`. Returns what is new.
  Counts Add(std::string_view key, uint64_t hash, uint64_t id);
  /// Forgets `key` and appends those who have read it to `ids`; false if nobody has.
  bool Take(std::string_view key, uint64_t hash, std::vector<uint64_t>& ids);
  /// As Take, for some key that `random` chooses; it is written to `key`. Must not be empty.
  void TakeAny(uint64_t random, std::string& key, std::vector<uint64_t>& ids);

  bool empty() const { return keys_.empty(); }
  size_t size() const { return keys_.size(); }

  /// Goes on at `position` (0 at first) and forgets ids that are not alive and keys that nobody is
  /// left of, at the cost of about `steps`, which it counts down; adds what went to `gone`. Returns
  /// where to go on, 0 at the end. Keys that come or go between two calls may be passed over.
  template <class IsAlive>
  size_t Sweep(size_t position, size_t& steps, IsAlive is_alive, Counts& gone) {
    size_t bucket = position;
    std::vector<std::string_view> dead;
    size_t used = 0;
    for (; used < steps && bucket < keys_.bucket_count(); ++bucket, ++used) {
      for (auto at = keys_.begin(bucket); at != keys_.end(bucket); ++at) {
        used += at->second.size();
        gone.ids += at->second.RemoveDead(is_alive);
        if (at->second.size() == 0) dead.push_back(at->first.key);
      }
    }
    steps -= std::min(steps, used);
    const size_t next = bucket >= keys_.bucket_count() ? 0 : bucket;
    for (const std::string_view key : dead) keys_.erase(keys_.find(KeyOf(key)));
    gone.keys += dead.size();
    return next;
  }

 private:
  struct Key {
    std::string key;
    uint64_t hash;
  };
  struct KeyView {
    std::string_view key;
    uint64_t hash;
  };
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(const Key& key) const { return key.hash; }
    size_t operator()(const KeyView& key) const { return key.hash; }
  };
  struct KeyEqual {
    using is_transparent = void;
    static std::string_view Text(const Key& key) { return key.key; }
    static std::string_view Text(const KeyView& key) { return key.key; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return a.hash == b.hash && Text(a) == Text(b);
    }
  };
  static KeyView KeyOf(std::string_view key);

  std::unordered_map<Key, ReaderSet, KeyHash, KeyEqual> keys_;
};

}  // namespace peal::store
