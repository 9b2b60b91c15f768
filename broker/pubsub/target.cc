#include "broker/pubsub/target.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "store/keyspace/entry_pool.h"

namespace peal::broker {
namespace {

template <typename T>
T* Allocate(size_t count) {
  auto* memory = static_cast<T*>(std::calloc(count, sizeof(T)));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

template <typename T>
T* Reallocate(T* old, size_t count) {
  auto* memory = static_cast<T*>(std::realloc(static_cast<void*>(old), count * sizeof(T)));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

uint32_t HashPointer(const void* pointer) {
  return static_cast<uint32_t>((reinterpret_cast<uintptr_t>(pointer) * 0x9E3779B97F4A7C15u) >> 32);
}

}  // namespace

uint32_t LocalSubscribers::PlaceOf(const List& list, const Subscriber* subscriber) {
  uint32_t at = HashPointer(subscriber) & list.place_mask;
  while (list.places[at] != 0 && list.items[list.places[at] - 1] != subscriber) {
    at = (at + 1) & list.place_mask;
  }
  return at;
}

void LocalSubscribers::BuildPlaces(List& list, uint32_t capacity) {
  std::free(list.places);
  list.places = Allocate<uint32_t>(capacity);
  list.place_mask = capacity - 1;
  for (uint32_t i = 0; i < list.count; ++i) list.places[PlaceOf(list, list.items[i])] = i + 1;
}

void LocalSubscribers::Add(Subscriber* subscriber) {
  if (bits_ == 0) {
    bits_ = reinterpret_cast<uintptr_t>(subscriber);
    return;
  }
  if (!IsList()) {
    auto* first = reinterpret_cast<Subscriber*>(bits_);
    List* fresh = Allocate<List>(1);
    fresh->capacity = 4;
    fresh->items = Allocate<Subscriber*>(fresh->capacity);
    fresh->items[0] = first;
    fresh->count = 1;
    bits_ = reinterpret_cast<uintptr_t>(fresh) | 1;
  }
  List& all = *list();
  if (all.count == all.capacity) {
    all.capacity += all.capacity / 2;
    all.items = Reallocate(all.items, all.capacity);
  }
  all.items[all.count++] = subscriber;
  if (all.places == nullptr && all.count <= kIndexed) return;
  if (all.places == nullptr || all.count * 2 > all.place_mask + 1) {
    BuildPlaces(all, all.places == nullptr ? kIndexed * 4 : (all.place_mask + 1) * 2);
  } else {
    all.places[PlaceOf(all, subscriber)] = all.count;
  }
}

bool LocalSubscribers::Remove(Subscriber* subscriber) {
  if (bits_ == 0) return false;
  if (!IsList()) {
    if (reinterpret_cast<Subscriber*>(bits_) != subscriber) return false;
    bits_ = 0;
    return true;
  }
  List& all = *list();
  if (all.places != nullptr) {
    uint32_t gap = PlaceOf(all, subscriber);
    if (all.places[gap] == 0) return false;
    const uint32_t index = all.places[gap] - 1;
    // Close the gap in the table of places: those behind it that belong before it move up.
    for (uint32_t at = (gap + 1) & all.place_mask; all.places[at] != 0;
         at = (at + 1) & all.place_mask) {
      const uint32_t home = HashPointer(all.items[all.places[at] - 1]) & all.place_mask;
      if (((at - home) & all.place_mask) < ((at - gap) & all.place_mask)) continue;
      all.places[gap] = all.places[at];
      gap = at;
    }
    all.places[gap] = 0;
    Subscriber* moved = all.items[all.count - 1];
    if (moved != subscriber) {
      all.places[PlaceOf(all, moved)] = index + 1;
      all.items[index] = moved;
    }
    --all.count;
    if (all.count <= kIndexed / 2) {
      std::free(all.places);
      all.places = nullptr;
    }
  } else {
    Subscriber** const end = all.items + all.count;
    Subscriber** const found = std::find(all.items, end, subscriber);
    if (found == end) return false;
    *found = all.items[--all.count];
  }
  if (all.count == 0) {
    std::free(all.items);
    std::free(all.places);
    std::free(&all);
    bits_ = 0;
  } else if (all.capacity > 8 && all.count * 4 < all.capacity) {
    all.capacity /= 2;
    all.items = Reallocate(all.items, all.capacity);
    if (all.places != nullptr) BuildPlaces(all, (all.place_mask + 1) / 2);
  }
  return true;
}

size_t LocalSubscribers::MemoryBytes() const {
  if (!IsList()) return 0;
  const List& all = *list();
  return sizeof(List) + all.capacity * sizeof(void*) +
         (all.places == nullptr ? 0 : (all.place_mask + 1) * sizeof(uint32_t));
}

uint32_t Interest::count() const {
  if (bits_ == 0) return 0;
  if (!IsMany()) return Sole().count();
  uint32_t sum = 0;
  const Many* many = AllReactors();
  for (uint32_t i = 0; i < many->count; ++i) sum += many->entries[i].subscribers.count();
  return sum;
}

LocalSubscribers Interest::On(int reactor) const {
  if (bits_ == 0) return {};
  if (!IsMany()) return SoleReactor() == reactor ? Sole() : LocalSubscribers{};
  const Many* many = AllReactors();
  for (uint32_t i = 0; i < many->count; ++i) {
    if (many->entries[i].reactor == static_cast<uint32_t>(reactor)) {
      return many->entries[i].subscribers;
    }
  }
  return {};
}

void Interest::Add(int reactor, Subscriber* subscriber) {
  if (bits_ == 0 || (!IsMany() && SoleReactor() == reactor)) {
    LocalSubscribers sole = bits_ == 0 ? LocalSubscribers{} : Sole();
    sole.Add(subscriber);
    return SetSole(reactor, sole);
  }
  if (!IsMany()) {
    Many* many = Allocate<Many>(1);
    many->capacity = 2;
    many->entries = Allocate<Entry>(many->capacity);
    many->entries[0] = Entry{static_cast<uint32_t>(SoleReactor()), Sole()};
    many->count = 1;
    bits_ = (kMany << 48) | reinterpret_cast<uintptr_t>(many);
  }
  Many& many = *AllReactors();
  for (uint32_t i = 0; i < many.count; ++i) {
    if (many.entries[i].reactor == static_cast<uint32_t>(reactor)) {
      return many.entries[i].subscribers.Add(subscriber);
    }
  }
  if (many.count == many.capacity) {
    many.capacity *= 2;
    many.entries = Reallocate(many.entries, many.capacity);
  }
  many.entries[many.count] = Entry{static_cast<uint32_t>(reactor), {}};
  many.entries[many.count++].subscribers.Add(subscriber);
}

bool Interest::Remove(int reactor, Subscriber* subscriber) {
  if (bits_ == 0) return false;
  if (!IsMany()) {
    if (SoleReactor() != reactor) return false;
    LocalSubscribers sole = Sole();
    const bool removed = sole.Remove(subscriber);
    SetSole(reactor, sole);
    return removed;
  }
  Many& many = *AllReactors();
  for (uint32_t i = 0; i < many.count; ++i) {
    if (many.entries[i].reactor != static_cast<uint32_t>(reactor)) continue;
    const bool removed = many.entries[i].subscribers.Remove(subscriber);
    if (many.entries[i].subscribers.count() == 0) many.entries[i] = many.entries[--many.count];
    if (many.count == 1) {
      const Entry last = many.entries[0];
      std::free(many.entries);
      std::free(&many);
      SetSole(static_cast<int>(last.reactor), last.subscribers);
    }
    return removed;
  }
  return false;
}

namespace {

/// The blocks of targets: general allocators would round the 34 to 40 bytes of a usual channel up
/// to 48.
size_t BlockBytes(size_t name_bytes) {
  return std::max(sizeof(Target), Target::kNameOffset + name_bytes);
}

}  // namespace

Target* Target::New(Space space, uint32_t hash, std::string_view name) {
  static_assert(sizeof(Target) <= 24);
  PEAL_CHECK(name.size() < (size_t{1} << 30));
  void* memory = store::EntryPool::Instance().Allocate(BlockBytes(name.size()));
  auto* target = new (memory) Target;
  target->hash = hash;
  target->name_length = static_cast<uint32_t>(name.size());
  target->space = static_cast<uint32_t>(space);
  if (!name.empty()) {
    std::memcpy(static_cast<char*>(memory) + kNameOffset, name.data(), name.size());
  }
  return target;
}

void Target::Release() {
  if (refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    PEAL_DCHECK(interest.empty());
    const size_t bytes = BlockBytes(name_length);
    this->~Target();
    store::EntryPool::Instance().Free(this, bytes);
  }
}

}  // namespace peal::broker
