#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "protocol/base/check.h"
#include "protocol/base/wide.h"
#include "store/keyspace/hash.h"

namespace peal::store {

/// The arithmetic of bucket tables.
namespace buckets {

inline constexpr int kSlots = 9;
inline constexpr uint8_t kSaturated = 255;
inline constexpr size_t kBytes = 64;

static_assert(std::endian::native == std::endian::little, "bucket words are little-endian");

inline size_t HomeOf(uint64_t hash, size_t count) {
  return static_cast<size_t>((static_cast<protocol::Uint128>(hash) * count) >> 64);
}

/// The greatest hash whose home is `home`.
inline uint64_t LastHashOf(size_t home, size_t count) {
  const protocol::Uint128 next = (static_cast<protocol::Uint128>(home + 1) << 64) + count - 1;
  return static_cast<uint64_t>(next / count) - 1;
}

/// Zero means an empty slot. Bits that choose neither the stripe nor, in sizes to come, the bucket.
inline uint8_t TagOf(uint64_t hash) {
  const uint8_t tag = static_cast<uint8_t>(hash >> 16);
  return tag == 0 ? 1 : tag;
}

inline size_t CapacityOf(size_t count) { return count * kSlots * 9 / 10; }

/// Bucket counts are those whose bytes are a size class of jemalloc and mimalloc (four per
/// doubling), so that no memory is lost behind an array.
inline size_t NextCount(size_t count) {
  if (count < 8) return count + 1;
  const int step_bits = static_cast<int>(std::bit_width(count)) - 3;
  return count + (size_t{1} << step_bits);
}

inline size_t CountFor(size_t keys) {
  size_t count = 1;
  while (CapacityOf(count) < keys) count = NextCount(count);
  return count;
}

/// Bytes of all mapped arrays, which no allocator knows of. [any thread]
inline std::atomic<size_t> mapped_bytes{0};

inline void* Map(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  PEAL_CHECK(memory != MAP_FAILED);
  mapped_bytes.fetch_add(bytes, std::memory_order_relaxed);
  return memory;
}

inline void Unmap(void* memory, size_t bytes) {
  PEAL_CHECK(munmap(memory, bytes) == 0);
  mapped_bytes.fetch_sub(bytes, std::memory_order_relaxed);
}

/// Calls fn(i) for each bit set.
template <class Fn>
void ForEachBit(uint32_t mask, Fn fn) {
  for (; mask != 0; mask &= mask - 1) fn(std::countr_zero(mask));
}

}  // namespace buckets

/// A hash table of nodes by key, in cache-line buckets whose order is the order of the hashes: the
/// table of keys (Table) and of the members of large sets, hashes and sorted sets (MemberTable).
///
/// Home bucket of a key = its hash scaled to the number of buckets, so sizes need not be powers of
/// two: they follow 4, 5, 6, 7 times a power of two, at a load of at most 90 %. A full home bucket
/// overflows into the next ones; each bucket counts the nodes that went past it, so a search stops
/// early and deletions leave no tombstones. Growing and shrinking move a few buckets with every
/// insertion and deletion.
///
/// Not synchronised, but for what says otherwise. `hash` is always the table's hash of the key.
///
/// Traits has
///   Node                                  what is stored; addresses are multiples of 8
///   static std::string_view Key(const Node*)
///   static bool HasExpiry(const Node*)    noted in the table for ScanVolatile
///   static void Destroy(Node*)            for Clear
///   Retired                               takes old arrays: AddBuckets(void* memory, size_t bytes)
///   kMapBytes                             arrays from this size on are mapped, not allocated
///   kUnmapsAlong                          old mapped arrays are given back while they are emptied,
///                                         not through Retired
template <class Traits>
class BucketTable {
 public:
  using Node = typename Traits::Node;
  using Retired = typename Traits::Retired;
  using HashFunction = uint64_t (*)(std::string_view);

  /// Positions of Scan are the upper kScanBits of the hash.
  static constexpr int kScanBits = 43;
  static constexpr uint64_t kScanEnd = uint64_t{1} << kScanBits;

  /// `hash` may be another function in tests.
  explicit BucketTable(HashFunction hash = nullptr) : hash_(hash != nullptr ? hash : HashKey) {}
  ~BucketTable() { Clear(); }
  BucketTable(const BucketTable&) = delete;
  BucketTable& operator=(const BucketTable&) = delete;

  uint64_t Hash(std::string_view key) const { return hash_(key); }

  /// The node of `key`, or null. Owned by the table.
  Node* Find(std::string_view key, uint64_t hash) const;

  /// Adds `node`, whose key must not be present; takes ownership. Memory given up goes to
  /// `retired`.
  void Insert(Node* node, uint64_t hash, Retired& retired);

  /// Takes the node of `key` out and gives it to the caller; null if there is none.
  Node* Erase(std::string_view key, uint64_t hash, Retired& retired);

  /// Puts `now` (same key) in the place of `before`, which goes to the caller. With now == before
  /// it refreshes what the table notes about a node (whether it has an expiry).
  void Replace(Node* before, Node* now, uint64_t hash);

  /// Starts loading the bucket of `hash`. [any thread, no lock: only an address is computed]
  void Prefetch(uint64_t hash) const;
  /// Starts loading the nodes that `hash` may mean; wants the bucket loaded already.
  void PrefetchEntry(uint64_t hash) const {
    ForEachCandidate(hash, [](const Node* node) { __builtin_prefetch(node); });
  }
  /// Calls fn(const Node*) for the nodes of the home bucket that `hash` may mean: seldom more than
  /// one, and not always the right one.
  template <class Fn>
  void ForEachCandidate(uint64_t hash, Fn&& fn) const;

  /// A random node, null if empty. `random()` gives uniform 64-bit numbers. Close to uniform.
  template <class Random>
  Node* RandomEntry(Random&& random) const;

  /// Calls `fn` on the nodes of the next buckets from `position` (0 at first) on, and returns the
  /// next position, kScanEnd when done. A key present from the first call to the last is passed at
  /// least once, whatever is inserted, erased or resized between calls. `fn` must not change the
  /// table.
  template <class Fn>
  uint64_t Scan(uint64_t position, Fn&& fn) const {
    return ScanRange(position, false, fn);
  }

  /// Like Scan, but passes only nodes with an expiry and does not touch the others.
  template <class Fn>
  uint64_t ScanVolatile(uint64_t position, Fn&& fn) const {
    return ScanRange(position, true, fn);
  }

  /// Calls `fn` on every node, once. `fn` must not change the table.
  template <class Fn>
  void ForEach(Fn&& fn) const {
    ForEachWhile([&fn](Node* node) {
      fn(node);
      return true;
    });
  }
  /// The same, until `fn` returns false.
  template <class Fn>
  void ForEachWhile(Fn&& fn) const;

  size_t size() const { return size_; }
  bool IsMigrating() const { return old_buckets_ != nullptr; }
  /// Bytes of the bucket arrays; nodes not included.
  size_t MemoryBytes() const { return (bucket_count() + old_count_ - unmapped_) * buckets::kBytes; }
  size_t bucket_count() const { return count_.load(std::memory_order_relaxed); }

  /// Exchanges all content with `other`; needs both locks.
  void Swap(BucketTable& other);

  /// Moves on with a growth or shrinkage under way, by `step` buckets of the old array; insertions
  /// and deletions do so by themselves. For idle moments, since both arrays live until it is done.
  void ContinueMigration(size_t step, Retired& retired);

  /// Destroys all nodes at once and leaves the table empty.
  void Clear();

  /// Looks at everything: each node is where a search finds it, counts are right. O(n), for tests
  /// and DEBUG.
  bool IsSound() const;

  /// Frees an array that a table gave to its Retired.
  static void FreeBuckets(void* memory, size_t bytes);

 private:
  static constexpr int kScanShift = 64 - kScanBits;

  // Old buckets emptied by one insertion or deletion. The smallest step of growth (7 to 8 parts)
  // leaves room for about one insertion per old bucket, so one would be enough to be done before
  // the next step. Where old memory goes along the way, few, so that growth adds little to each
  // insertion; elsewhere more, about a microsecond's work, because both arrays take memory until it
  // is done.
  static constexpr size_t kMigrateStep = Traits::kUnmapsAlong ? 3 : 8;
  // How far from its home a new node may stand in the array that is being left.
  static constexpr size_t kOldReach = 8;
  // Buckets unmapped at a time with kUnmapsAlong: 64 KiB, some microseconds.
  static constexpr size_t kUnmapStep = 1024;

  /// One cache line: nine tags, a count, nine pointers of 48 bits. User addresses have 47 bits on
  /// x86-64 and 48 on AArch64; their low three bits are zero, and the lowest holds "has an expiry".
  struct alignas(buckets::kBytes) Bucket {
    uint8_t tags[buckets::kSlots];  // 0: empty
    uint8_t overflow;  // nodes whose search passes through this bucket; stays at 255 once there
    uint8_t pointers[buckets::kSlots * 6];

    uint64_t Word(int i) const {
      uint64_t word;
      // Eight bytes that end with the six wanted: the last slot would otherwise read past the
      // bucket.
      std::memcpy(&word, reinterpret_cast<const char*>(this) + 8 + 6 * i, sizeof(word));
      return word >> 16;
    }
    Node* EntryAt(int i) const { return reinterpret_cast<Node*>(Word(i) & ~uint64_t{7}); }
    bool IsVolatile(int i) const { return (Word(i) & 1) != 0; }
    void Put(int i, uint8_t tag, Node* node) {
      const uint64_t word =
          reinterpret_cast<uintptr_t>(node) | (Traits::HasExpiry(node) ? uint64_t{1} : 0);
      PEAL_DCHECK((reinterpret_cast<uintptr_t>(node) & 7) == 0 && (word >> 48) == 0);
      tags[i] = tag;
      std::memcpy(pointers + 6 * i, &word, 6);
    }

    /// Bit i is set where the tag of slot i is `tag`.
    uint32_t Match(uint8_t tag) const {
#if defined(__SSE2__)
      const __m128i line = _mm_load_si128(reinterpret_cast<const __m128i*>(this));
      const __m128i equal = _mm_cmpeq_epi8(line, _mm_set1_epi8(static_cast<char>(tag)));
      return static_cast<uint32_t>(_mm_movemask_epi8(equal)) & ((1u << buckets::kSlots) - 1);
#else
      uint32_t mask = 0;
      for (int i = 0; i < buckets::kSlots; ++i) mask |= static_cast<uint32_t>(tags[i] == tag) << i;
      return mask;
#endif
    }
    uint32_t Occupied() const { return ~Match(0) & ((1u << buckets::kSlots) - 1); }
  };
  static_assert(sizeof(Bucket) == buckets::kBytes);

  struct Slot {
    Bucket* bucket = nullptr;  // null: not found
    int index = 0;
  };

  /// One of the two arrays. Buckets below `from` have moved and may be unmapped: what once went
  /// past all of them is met first in bucket `from`, so walks start and wrap around there.
  struct Array {
    Bucket* buckets;
    size_t count;
    size_t from;

    size_t Start(uint64_t hash) const {
      const size_t home = buckets::HomeOf(hash, count);
      return home < from ? from : home;
    }
    size_t Next(size_t at) const { return ++at == count ? from : at; }
  };

  Bucket* array() const { return buckets_.load(std::memory_order_relaxed); }
  Array Current() const { return {array(), bucket_count(), 0}; }
  Array Old() const { return {old_buckets_, old_count_, migrated_}; }

  static Bucket* NewBuckets(size_t count);
  /// IsSound for one array; adds its nodes to `nodes`.
  bool IsSoundArray(const Array& in, bool is_old, size_t& nodes) const;
  Slot FindSlot(std::string_view key, uint64_t hash) const;
  /// The slot of the node for which is_wanted(node).
  template <class Wanted>
  static Slot FindIn(const Array& in, uint64_t hash, Wanted is_wanted);
  static void InsertInto(Bucket* array, size_t count, Node* node, uint64_t hash);
  /// False if there is no room near its home, or that has moved.
  bool InsertIntoOld(Node* node, uint64_t hash);
  static void EraseFrom(const Array& in, const Slot& slot, uint64_t hash);
  void StartMigration(size_t new_count, Retired& retired);
  void MigrateBucket(const Bucket& from);
  void UnmapMigrated();
  void ShrinkIfSparse(Retired& retired);
  template <class Fn>
  uint64_t ScanRange(uint64_t position, bool only_volatile, Fn& fn) const;
  template <class Fn>
  void VisitHome(const Array& in, size_t home, uint64_t first, uint64_t last, bool only_volatile,
                 Fn& fn) const;

  // Read without the lock by Prefetch, hence atomic; never followed there.
  std::atomic<Bucket*> buckets_{nullptr};
  std::atomic<size_t> count_{0};
  size_t size_ = 0;
  Bucket* old_buckets_ = nullptr;  // being moved, or null
  size_t old_count_ = 0;
  size_t migrated_ = 0;  // old buckets below this have moved; what they hold is stale
  size_t unmapped_ = 0;  // and those below this are gone
  const HashFunction hash_;
};

template <class Traits>
auto BucketTable<Traits>::NewBuckets(size_t count) -> Bucket* {
  const size_t bytes = count * buckets::kBytes;
  // Larger arrays come from the kernel, zeroed page by page on first touch: clearing a gigabyte at
  // once would stall whoever inserts.
  if (bytes >= Traits::kMapBytes) return static_cast<Bucket*>(buckets::Map(bytes));
  void* memory = ::operator new(bytes, std::align_val_t{buckets::kBytes});
  std::memset(memory, 0, bytes);
  return static_cast<Bucket*>(memory);
}

template <class Traits>
void BucketTable<Traits>::FreeBuckets(void* memory, size_t bytes) {
  if (memory == nullptr) return;
  if (bytes >= Traits::kMapBytes) {
    buckets::Unmap(memory, bytes);
  } else {
    ::operator delete(memory, std::align_val_t{buckets::kBytes});
  }
}

template <class Traits>
template <class Wanted>
auto BucketTable<Traits>::FindIn(const Array& in, uint64_t hash, Wanted is_wanted) -> Slot {
  const uint8_t tag = buckets::TagOf(hash);
  size_t at = in.Start(hash);
  for (size_t i = 0; i < in.count; ++i) {
    Bucket& bucket = in.buckets[at];
    for (uint32_t mask = bucket.Match(tag); mask != 0; mask &= mask - 1) {
      const int index = std::countr_zero(mask);
      if (is_wanted(bucket.EntryAt(index))) return {&bucket, index};
    }
    if (bucket.overflow == 0) break;
    at = in.Next(at);
  }
  return {};
}

template <class Traits>
auto BucketTable<Traits>::FindSlot(std::string_view key, uint64_t hash) const -> Slot {
  if (array() == nullptr) return {};
  const auto has_key = [&key](const Node* node) { return Traits::Key(node) == key; };
  const Slot slot = FindIn(Current(), hash, has_key);
  if (slot.bucket != nullptr || old_buckets_ == nullptr) return slot;
  return FindIn(Old(), hash, has_key);
}

template <class Traits>
auto BucketTable<Traits>::Find(std::string_view key, uint64_t hash) const -> Node* {
  const Slot slot = FindSlot(key, hash);
  return slot.bucket == nullptr ? nullptr : slot.bucket->EntryAt(slot.index);
}

template <class Traits>
void BucketTable<Traits>::InsertInto(Bucket* array, size_t count, Node* node, uint64_t hash) {
  // Ends: the load is below one, so some bucket has room.
  for (size_t at = buckets::HomeOf(hash, count);;) {
    Bucket& bucket = array[at];
    const uint32_t free = bucket.Match(0);
    if (free != 0) {
      bucket.Put(std::countr_zero(free), buckets::TagOf(hash), node);
      return;
    }
    if (bucket.overflow != buckets::kSaturated) ++bucket.overflow;
    if (++at == count) at = 0;
  }
}

template <class Traits>
bool BucketTable<Traits>::InsertIntoOld(Node* node, uint64_t hash) {
  // A fresh array is filled from its front to its end as the old one moves, and pages of the kernel
  // with it. New nodes all over it would meet a page fault each.
  const size_t home = buckets::HomeOf(hash, old_count_);
  if (home < migrated_) return false;
  const size_t end = std::min(old_count_, home + kOldReach);
  for (size_t at = home; at < end; ++at) {
    const uint32_t free = old_buckets_[at].Match(0);
    if (free == 0) continue;
    old_buckets_[at].Put(std::countr_zero(free), buckets::TagOf(hash), node);
    for (; at > home; --at) {
      uint8_t& overflow = old_buckets_[at - 1].overflow;
      if (overflow != buckets::kSaturated) ++overflow;
    }
    return true;
  }
  return false;
}

template <class Traits>
void BucketTable<Traits>::EraseFrom(const Array& in, const Slot& slot, uint64_t hash) {
  slot.bucket->tags[slot.index] = 0;
  for (size_t at = in.Start(hash); &in.buckets[at] != slot.bucket; at = in.Next(at)) {
    // A saturated count no longer knows how many, so it stays until the table is resized.
    if (in.buckets[at].overflow != buckets::kSaturated) --in.buckets[at].overflow;
  }
}

template <class Traits>
void BucketTable<Traits>::Insert(Node* node, uint64_t hash, Retired& retired) {
  PEAL_DCHECK(hash == hash_(Traits::Key(node)));
  PEAL_DCHECK(Find(Traits::Key(node), hash) == nullptr);
  if (size_ + 1 > buckets::CapacityOf(bucket_count())) {
    // Cannot be unfinished by the arithmetic at kMigrateStep; correct if it ever were.
    while (IsMigrating()) ContinueMigration(kMigrateStep, retired);
    StartMigration(bucket_count() == 0 ? 1 : buckets::NextCount(bucket_count()), retired);
  }
  if (!IsMigrating() || !InsertIntoOld(node, hash)) {
    InsertInto(array(), bucket_count(), node, hash);
  }
  ++size_;
  ContinueMigration(kMigrateStep, retired);
}

template <class Traits>
auto BucketTable<Traits>::Erase(std::string_view key, uint64_t hash, Retired& retired) -> Node* {
  const Slot slot = FindSlot(key, hash);
  if (slot.bucket == nullptr) return nullptr;
  Node* node = slot.bucket->EntryAt(slot.index);
  const bool is_in_new = slot.bucket >= array() && slot.bucket < array() + bucket_count();
  EraseFrom(is_in_new ? Current() : Old(), slot, hash);
  --size_;
  ContinueMigration(kMigrateStep, retired);
  ShrinkIfSparse(retired);
  return node;
}

template <class Traits>
void BucketTable<Traits>::Replace(Node* before, Node* now, uint64_t hash) {
  // Compares pointers, not keys: `before` may have been emptied into `now` already.
  const auto is_before = [before](const Node* node) { return node == before; };
  Slot slot = FindIn(Current(), hash, is_before);
  if (slot.bucket == nullptr && IsMigrating()) slot = FindIn(Old(), hash, is_before);
  PEAL_CHECK(slot.bucket != nullptr);
  slot.bucket->Put(slot.index, buckets::TagOf(hash), now);
}

template <class Traits>
void BucketTable<Traits>::StartMigration(size_t new_count, Retired& retired) {
  PEAL_DCHECK(!IsMigrating());
  Bucket* fresh = NewBuckets(new_count);
  if (size_ == 0) {
    if (array() != nullptr) retired.AddBuckets(array(), bucket_count() * buckets::kBytes);
  } else {
    old_buckets_ = array();
    old_count_ = bucket_count();
    migrated_ = 0;
    unmapped_ = 0;
  }
  buckets_.store(fresh, std::memory_order_relaxed);
  count_.store(new_count, std::memory_order_relaxed);
}

template <class Traits>
void BucketTable<Traits>::MigrateBucket(const Bucket& from) {
  // Three passes, so that the cache misses of the nine nodes and of their new homes overlap.
  const uint32_t occupied = from.Occupied();
  uint64_t hashes[buckets::kSlots];
  buckets::ForEachBit(occupied, [&](int i) { __builtin_prefetch(from.EntryAt(i)); });
  buckets::ForEachBit(occupied, [&](int i) {
    hashes[i] = hash_(Traits::Key(from.EntryAt(i)));
    __builtin_prefetch(&array()[buckets::HomeOf(hashes[i], bucket_count())], 1);
  });
  buckets::ForEachBit(
      occupied, [&](int i) { InsertInto(array(), bucket_count(), from.EntryAt(i), hashes[i]); });
}

template <class Traits>
void BucketTable<Traits>::UnmapMigrated() {
  if (old_count_ * buckets::kBytes < Traits::kMapBytes) return;
  while (migrated_ - unmapped_ >= kUnmapStep) {
    buckets::Unmap(old_buckets_ + unmapped_, kUnmapStep * buckets::kBytes);
    unmapped_ += kUnmapStep;
  }
}

template <class Traits>
void BucketTable<Traits>::ContinueMigration(size_t step, Retired& retired) {
  if (!IsMigrating()) return;
  for (; step > 0 && migrated_ < old_count_; --step) MigrateBucket(old_buckets_[migrated_++]);
  if constexpr (Traits::kUnmapsAlong) UnmapMigrated();
  if (migrated_ < old_count_) {
    // For the next operation here.
    const Bucket& next = old_buckets_[migrated_];
    buckets::ForEachBit(next.Occupied(), [&](int i) { __builtin_prefetch(next.EntryAt(i)); });
    return;
  }
  if (unmapped_ == 0) {
    retired.AddBuckets(old_buckets_, old_count_ * buckets::kBytes);
  } else if (unmapped_ < old_count_) {
    buckets::Unmap(old_buckets_ + unmapped_, (old_count_ - unmapped_) * buckets::kBytes);
  }
  old_buckets_ = nullptr;
  old_count_ = 0;
  migrated_ = 0;
  unmapped_ = 0;
}

template <class Traits>
void BucketTable<Traits>::ShrinkIfSparse(Retired& retired) {
  if (IsMigrating() || size_ * 5 >= buckets::CapacityOf(bucket_count()) * 2) return;
  // Half as much again as there is: far from the next growth and from the next shrinkage.
  const size_t wanted = buckets::CountFor(size_ + size_ / 2 + 1);
  if (wanted < bucket_count()) StartMigration(wanted, retired);
}

template <class Traits>
void BucketTable<Traits>::Prefetch(uint64_t hash) const {
  const size_t count = count_.load(std::memory_order_relaxed);
  // Count and array may be of different moments; the address is then useless, not harmful.
  const uintptr_t base = reinterpret_cast<uintptr_t>(buckets_.load(std::memory_order_relaxed));
  __builtin_prefetch(
      reinterpret_cast<const void*>(base + buckets::HomeOf(hash, count) * buckets::kBytes));
}

template <class Traits>
template <class Fn>
void BucketTable<Traits>::ForEachCandidate(uint64_t hash, Fn&& fn) const {
  if (array() == nullptr) return;
  const auto look_in = [&](const Array& in) {
    const Bucket& bucket = in.buckets[in.Start(hash)];
    buckets::ForEachBit(bucket.Match(buckets::TagOf(hash)), [&](int i) { fn(bucket.EntryAt(i)); });
  };
  look_in(Current());
  if (IsMigrating()) look_in(Old());
}

template <class Traits>
template <class Random>
auto BucketTable<Traits>::RandomEntry(Random&& random) const -> Node* {
  if (size_ == 0) return nullptr;
  // Buckets of both arrays, numbered through; the emptied part of the old one left out.
  const size_t new_count = bucket_count();
  const size_t total = new_count + (old_count_ - migrated_);
  const auto bucket_at = [&](size_t i) -> const Bucket& {
    return i < new_count ? array()[i] : old_buckets_[migrated_ + (i - new_count)];
  };
  // Every slot has the same chance, so every node has. At the lowest load a try succeeds with
  // about one third.
  constexpr int kTries = 64;
  for (int i = 0; i < kTries; ++i) {
    const uint64_t draw = random();
    const Bucket& bucket = bucket_at(buckets::HomeOf(draw, total));
    const int slot = static_cast<int>((draw & 0xffff) % buckets::kSlots);
    if (bucket.tags[slot] != 0) return bucket.EntryAt(slot);
  }
  // A small table in the middle of shrinking, or bad luck: the next occupied bucket.
  size_t at = buckets::HomeOf(random(), total);
  for (size_t i = 0; i < total; ++i, at = at + 1 == total ? 0 : at + 1) {
    const uint32_t occupied = bucket_at(at).Occupied();
    if (occupied != 0) return bucket_at(at).EntryAt(std::countr_zero(occupied));
  }
  PEAL_CHECK(false && "size does not match content");
  return nullptr;
}

template <class Traits>
template <class Fn>
void BucketTable<Traits>::VisitHome(const Array& in, size_t home, uint64_t first, uint64_t last,
                                    bool only_volatile, Fn& fn) const {
  size_t at = home < in.from ? in.from : home;
  for (size_t i = 0; i < in.count; ++i) {
    const Bucket& bucket = in.buckets[at];
    const auto is_wanted = [&](int slot) { return !only_volatile || bucket.IsVolatile(slot); };
    // All nodes of a bucket are on their way before the first is looked at: a walk over many keys
    // waits for memory and for nothing else.
    buckets::ForEachBit(bucket.Occupied(), [&](int slot) {
      if (is_wanted(slot)) __builtin_prefetch(bucket.EntryAt(slot));
    });
    buckets::ForEachBit(bucket.Occupied(), [&](int slot) {
      if (!is_wanted(slot)) return;
      Node* node = bucket.EntryAt(slot);
      const uint64_t hash = hash_(Traits::Key(node));
      if (hash >= first && hash <= last && buckets::HomeOf(hash, in.count) == home) fn(node);
    });
    if (bucket.overflow == 0) return;
    at = in.Next(at);
  }
}

template <class Traits>
template <class Fn>
uint64_t BucketTable<Traits>::ScanRange(uint64_t position, bool only_volatile, Fn& fn) const {
  if (position >= kScanEnd || size_ == 0) return kScanEnd;
  // The range of hashes of one bucket in the coarser array, looked up in both: each key is in
  // exactly one of them, and what is in the range does not depend on sizes, before or after.
  const uint64_t first = position << kScanShift;
  size_t coarse = bucket_count();
  if (IsMigrating() && old_count_ < coarse) coarse = old_count_;
  const size_t home = buckets::HomeOf(first, coarse);
  const uint64_t last = buckets::LastHashOf(home, coarse);
  const auto visit = [&](const Array& in) {
    const size_t end = buckets::HomeOf(last, in.count);
    for (size_t i = buckets::HomeOf(first, in.count); i <= end; ++i) {
      VisitHome(in, i, first, last, only_volatile, fn);
    }
  };
  visit(Current());
  if (IsMigrating()) visit(Old());
  if (home + 1 == coarse) return kScanEnd;
  // Rounded down: the few hashes in between are passed again rather than left out.
  const uint64_t next = (last + 1) >> kScanShift;
  return next > position ? next : position + 1;
}

template <class Traits>
template <class Fn>
void BucketTable<Traits>::ForEachWhile(Fn&& fn) const {
  const auto visit = [&fn](const Array& in) {
    for (size_t i = in.from; i < in.count; ++i) {
      const Bucket& bucket = in.buckets[i];
      for (uint32_t mask = bucket.Occupied(); mask != 0; mask &= mask - 1) {
        if (!fn(bucket.EntryAt(std::countr_zero(mask)))) return false;
      }
    }
    return true;
  };
  if (visit(Current())) visit(Old());
}

template <class Traits>
void BucketTable<Traits>::Swap(BucketTable& other) {
  PEAL_CHECK(hash_ == other.hash_);
  const auto swap_atomic = [](auto& a, auto& b) {
    b.store(a.exchange(b.load(std::memory_order_relaxed), std::memory_order_relaxed),
            std::memory_order_relaxed);
  };
  swap_atomic(buckets_, other.buckets_);
  swap_atomic(count_, other.count_);
  std::swap(size_, other.size_);
  std::swap(old_buckets_, other.old_buckets_);
  std::swap(old_count_, other.old_count_);
  std::swap(migrated_, other.migrated_);
  std::swap(unmapped_, other.unmapped_);
}

template <class Traits>
void BucketTable<Traits>::Clear() {
  ForEach([](Node* node) { Traits::Destroy(node); });
  FreeBuckets(array(), bucket_count() * buckets::kBytes);
  if (unmapped_ == 0) {
    FreeBuckets(old_buckets_, old_count_ * buckets::kBytes);
  } else if (unmapped_ < old_count_) {
    buckets::Unmap(old_buckets_ + unmapped_, (old_count_ - unmapped_) * buckets::kBytes);
  }
  buckets_.store(nullptr, std::memory_order_relaxed);
  count_.store(0, std::memory_order_relaxed);
  size_ = 0;
  old_buckets_ = nullptr;
  old_count_ = 0;
  migrated_ = 0;
  unmapped_ = 0;
}

template <class Traits>
bool BucketTable<Traits>::IsSoundArray(const Array& in, bool is_old, size_t& nodes) const {
  std::vector<size_t> passing(in.count);
  for (size_t i = in.from; i < in.count; ++i) {
    const Bucket& bucket = in.buckets[i];
    for (uint32_t mask = bucket.Occupied(); mask != 0; mask &= mask - 1) {
      const int index = std::countr_zero(mask);
      const Node* const node = bucket.EntryAt(index);
      const uint64_t hash = hash_(Traits::Key(node));
      const Slot found = FindSlot(Traits::Key(node), hash);
      if (found.bucket != &bucket || found.index != index) return false;
      if (bucket.IsVolatile(index) != Traits::HasExpiry(node)) return false;
      for (size_t at = in.Start(hash); at != i; at = in.Next(at)) ++passing[at];
      ++nodes;
    }
  }
  for (size_t i = in.from; i < in.count; ++i) {
    const uint8_t noted = in.buckets[i].overflow;
    if (noted == buckets::kSaturated) continue;
    // Nodes that have moved on from an old array are still counted where they once went past.
    if (is_old ? noted < passing[i] : noted != passing[i]) return false;
  }
  return true;
}

template <class Traits>
bool BucketTable<Traits>::IsSound() const {
  size_t nodes = 0;
  if (array() != nullptr && !IsSoundArray(Current(), false, nodes)) return false;
  if (old_buckets_ != nullptr && !IsSoundArray(Old(), true, nodes)) return false;
  return nodes == size_;
}

}  // namespace peal::store
