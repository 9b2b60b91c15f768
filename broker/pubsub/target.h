#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "broker/pubsub/subscriber.h"
#include "protocol/base/check.h"

namespace peal::broker {

/// The subscribers of one target on one reactor: one pointer when there is one, else a list.
///
/// Only the reactor changes it, and only under the target's lock; so the reactor may walk it
/// without the lock, and publishers elsewhere may count it under the lock.
class LocalSubscribers {
 public:
  uint32_t count() const { return bits_ == 0 ? 0 : IsList() ? list()->count : 1; }
  void Add(Subscriber* subscriber);
  /// False if it was not in the list.
  bool Remove(Subscriber* subscriber);
  size_t MemoryBytes() const;

  template <typename Visit>
  void ForEach(Visit&& visit) const {
    if (bits_ == 0) return;
    if (!IsList()) return visit(reinterpret_cast<Subscriber*>(bits_));
    const List* all = list();
    for (uint32_t i = 0; i < all->count; ++i) {
      if (i + 4 < all->count) __builtin_prefetch(all->items[i + 4]);
      visit(all->items[i]);
    }
  }

 private:
  friend class Interest;
  // Order of subscribers means nothing, so removing moves the last one into the gap. `places` finds
  // a subscriber in a long list: an open-addressed table of index + 1, 0 for free.
  struct List {
    uint32_t count;
    uint32_t capacity;
    Subscriber** items;
    uint32_t* places;
    uint32_t place_mask;
  };
  static constexpr uint32_t kIndexed = 32;

  bool IsList() const { return (bits_ & 1) != 0; }
  List* list() const { return reinterpret_cast<List*>(bits_ & ~uintptr_t{1}); }
  static uint32_t PlaceOf(const List& list, const Subscriber* subscriber);
  static void BuildPlaces(List& list, uint32_t capacity);

  uintptr_t bits_ = 0;
};

/// Which reactors have subscribers of a target. 8 bytes while one reactor has, which is the usual
/// case. Guarded by the target's lock.
class Interest {
 public:
  bool empty() const { return bits_ == 0; }
  /// Receivers on all reactors.
  uint32_t count() const;
  /// The subscribers on `reactor`; count() is 0 if there are none.
  LocalSubscribers On(int reactor) const;
  void Add(int reactor, Subscriber* subscriber);
  bool Remove(int reactor, Subscriber* subscriber);

  template <typename Visit>  // visit(reactor, count)
  void ForEachReactor(Visit&& visit) const {
    if (bits_ == 0) return;
    if (!IsMany()) return visit(SoleReactor(), Sole().count());
    const Many* many = AllReactors();
    for (uint32_t i = 0; i < many->count; ++i) {
      visit(static_cast<int>(many->entries[i].reactor), many->entries[i].subscribers.count());
    }
  }

 private:
  struct Entry {
    uint32_t reactor;
    LocalSubscribers subscribers;
  };
  struct Many {
    uint32_t count;
    uint32_t capacity;
    Entry* entries;
  };
  // Low 48 bits: LocalSubscribers of the sole reactor, or Many*. High 16: reactor + 1, or kMany.
  static constexpr uint64_t kMany = 0xFFFF;
  static constexpr uint64_t kLow = (uint64_t{1} << 48) - 1;

  bool IsMany() const { return bits_ >> 48 == kMany; }
  int SoleReactor() const { return static_cast<int>(bits_ >> 48) - 1; }
  LocalSubscribers Sole() const {
    LocalSubscribers subscribers;
    subscribers.bits_ = bits_ & kLow;
    return subscribers;
  }
  Many* AllReactors() const { return reinterpret_cast<Many*>(bits_ & kLow); }
  void SetSole(int reactor, LocalSubscribers subscribers) {
    bits_ =
        subscribers.bits_ == 0 ? 0 : (static_cast<uint64_t>(reactor + 1) << 48) | subscribers.bits_;
  }

  uint64_t bits_ = 0;
};

/// A channel, shard channel or pattern that has subscribers. Shared by all reactors.
///
/// `interest` is guarded by the lock of the target's shard (patterns: by the pattern lock); the
/// rest never changes. Referenced by the table while it has subscribers, and by messages on their
/// way.
struct Target {
  Interest interest;
  std::atomic<uint32_t> refs{1};
  uint32_t hash;              // of a channel's name; the PatternId of a pattern
  uint32_t name_length : 30;  // 0 for a pattern, whose text the tree holds
  uint32_t space : 2;

  static Target* New(Space space, uint32_t hash, std::string_view name);
  std::string_view name() const {
    return {reinterpret_cast<const char*>(this) + kNameOffset, name_length};
  }
  Space kind() const { return static_cast<Space>(space); }
  void AddRef() { refs.fetch_add(1, std::memory_order_relaxed); }
  void Release();

  static constexpr size_t kNameOffset = 20;
};

}  // namespace peal::broker
