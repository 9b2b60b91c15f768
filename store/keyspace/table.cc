#include "store/keyspace/table.h"

#include <sys/mman.h>

#include <bit>
#include <cstring>
#include <new>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "protocol/base/check.h"
#include "store/keyspace/hash.h"

namespace peal::store {
namespace {

constexpr int kSlots = 9;
constexpr uint8_t kSaturated = 255;
constexpr size_t kBucketBytes = 64;
constexpr int kScanShift = 64 - Table::kScanBits;

// Old buckets emptied by one insertion or deletion, about a microsecond's work. The smallest step
// of growth (7 to 8 parts) leaves room for about one insertion per old bucket, so one would be
// enough to be done before the next step; more, because both arrays take memory until it is done.
constexpr size_t kMigrateStep = 8;

// Larger arrays come from the kernel, zeroed page by page on first touch: clearing a gigabyte at
// once would stall whoever inserts.
constexpr size_t kMapBytes = 1024 * 1024;

// __extension__ takes no `using`.
__extension__ typedef unsigned __int128 uint128;  // NOLINT(modernize-use-using)

size_t HomeOf(uint64_t hash, size_t count) {
  return static_cast<size_t>((static_cast<uint128>(hash) * count) >> 64);
}

/// The greatest hash whose home is `home`.
uint64_t LastHashOf(size_t home, size_t count) {
  const uint128 next = (static_cast<uint128>(home + 1) << 64) + count - 1;
  return static_cast<uint64_t>(next / count) - 1;
}

/// Zero means an empty slot. Bits that choose neither the stripe nor, in sizes to come, the bucket.
uint8_t TagOf(uint64_t hash) {
  const uint8_t tag = static_cast<uint8_t>(hash >> 16);
  return tag == 0 ? 1 : tag;
}

size_t CapacityOf(size_t count) { return count * kSlots * 9 / 10; }

/// Bucket counts are those whose bytes are a size class of jemalloc and mimalloc (four per
/// doubling), so that no memory is lost behind an array.
size_t NextCount(size_t count) {
  if (count < 8) return count + 1;
  const int step_bits = static_cast<int>(std::bit_width(count)) - 3;
  return count + (size_t{1} << step_bits);
}

size_t CountFor(size_t keys) {
  size_t count = 1;
  while (CapacityOf(count) < keys) count = NextCount(count);
  return count;
}

}  // namespace

/// One cache line: nine tags, a count, nine pointers of 48 bits. User addresses have 47 bits on
/// x86-64 and 48 on AArch64; their low three bits are zero, and the lowest holds "has an expiry".
struct alignas(kBucketBytes) Table::Bucket {
  uint8_t tags[kSlots];  // 0: empty
  uint8_t overflow;      // entries whose search passes through this bucket; stays at 255 once there
  uint8_t pointers[kSlots * 6];

  uint64_t Word(int i) const {
    uint64_t word;
    // Eight bytes that end with the six wanted: the last slot would otherwise read past the bucket.
    std::memcpy(&word, reinterpret_cast<const char*>(this) + 8 + 6 * i, sizeof(word));
    return word >> 16;
  }
  Entry* EntryAt(int i) const { return reinterpret_cast<Entry*>(Word(i) & ~uint64_t{7}); }
  bool IsVolatile(int i) const { return (Word(i) & 1) != 0; }
  void Put(int i, uint8_t tag, Entry* entry) {
    const uint64_t word =
        reinterpret_cast<uintptr_t>(entry) | (entry->has_expiry() ? uint64_t{1} : 0);
    PEAL_DCHECK((reinterpret_cast<uintptr_t>(entry) & 7) == 0 && (word >> 48) == 0);
    tags[i] = tag;
    std::memcpy(pointers + 6 * i, &word, 6);
  }

  /// Bit i is set where the tag of slot i is `tag`.
  uint32_t Match(uint8_t tag) const {
#if defined(__SSE2__)
    const __m128i line = _mm_load_si128(reinterpret_cast<const __m128i*>(this));
    const __m128i equal = _mm_cmpeq_epi8(line, _mm_set1_epi8(static_cast<char>(tag)));
    return static_cast<uint32_t>(_mm_movemask_epi8(equal)) & ((1u << kSlots) - 1);
#else
    uint32_t mask = 0;
    for (int i = 0; i < kSlots; ++i) mask |= static_cast<uint32_t>(tags[i] == tag) << i;
    return mask;
#endif
  }
  uint32_t Occupied() const { return ~Match(0) & ((1u << kSlots) - 1); }
};

namespace {

static_assert(std::endian::native == std::endian::little, "bucket words are little-endian");

void* NewBuckets(size_t count) {
  const size_t bytes = count * kBucketBytes;
  if (bytes >= kMapBytes) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    PEAL_CHECK(memory != MAP_FAILED);
    return memory;
  }
  void* memory = ::operator new(bytes, std::align_val_t{kBucketBytes});
  std::memset(memory, 0, bytes);
  return memory;
}

/// Calls fn(i) for each bit set.
template <class Fn>
void ForEachBit(uint32_t mask, Fn fn) {
  for (; mask != 0; mask &= mask - 1) fn(std::countr_zero(mask));
}

}  // namespace

void Table::FreeBuckets(void* memory, size_t bytes) {
  if (memory == nullptr) return;
  if (bytes >= kMapBytes) {
    PEAL_CHECK(munmap(memory, bytes) == 0);
  } else {
    ::operator delete(memory, std::align_val_t{kBucketBytes});
  }
}

Table::Table(HashFunction hash) : hash_(hash != nullptr ? hash : HashKey) {
  static_assert(sizeof(Bucket) == kBucketBytes);
}

Table::~Table() { Clear(); }

Table::Slot Table::FindIn(Bucket* buckets, size_t count, std::string_view key, uint64_t hash) {
  const uint8_t tag = TagOf(hash);
  size_t at = HomeOf(hash, count);
  for (size_t i = 0; i < count; ++i) {
    Bucket& bucket = buckets[at];
    for (uint32_t mask = bucket.Match(tag); mask != 0; mask &= mask - 1) {
      const int index = std::countr_zero(mask);
      if (bucket.EntryAt(index)->key() == key) return {&bucket, index};
    }
    if (bucket.overflow == 0) break;
    if (++at == count) at = 0;
  }
  return {};
}

Table::Slot Table::FindSlot(std::string_view key, uint64_t hash) const {
  if (buckets() != nullptr) {
    const Slot slot = FindIn(buckets(), bucket_count(), key, hash);
    if (slot.bucket != nullptr || old_buckets_ == nullptr) return slot;
    return FindIn(old_buckets_, old_count_, key, hash);
  }
  return {};
}

Entry* Table::Find(std::string_view key, uint64_t hash) const {
  const Slot slot = FindSlot(key, hash);
  return slot.bucket == nullptr ? nullptr : slot.bucket->EntryAt(slot.index);
}

void Table::InsertInto(Bucket* buckets, size_t count, Entry* entry, uint64_t hash) {
  // Ends: the load is below one, so some bucket has room.
  for (size_t at = HomeOf(hash, count);;) {
    Bucket& bucket = buckets[at];
    const uint32_t free = bucket.Match(0);
    if (free != 0) {
      bucket.Put(std::countr_zero(free), TagOf(hash), entry);
      return;
    }
    if (bucket.overflow != kSaturated) ++bucket.overflow;
    if (++at == count) at = 0;
  }
}

void Table::EraseFrom(Bucket* buckets, size_t count, const Slot& slot, uint64_t hash) {
  slot.bucket->tags[slot.index] = 0;
  for (size_t at = HomeOf(hash, count); &buckets[at] != slot.bucket;) {
    // A saturated count no longer knows how many, so it stays until the table is resized.
    if (buckets[at].overflow != kSaturated) --buckets[at].overflow;
    if (++at == count) at = 0;
  }
}

void Table::Insert(Entry* entry, uint64_t hash, Garbage& garbage) {
  PEAL_DCHECK(hash == hash_(entry->key()));
  PEAL_DCHECK(Find(entry->key(), hash) == nullptr);
  if (size_ + 1 > CapacityOf(bucket_count())) {
    // Cannot be unfinished by the arithmetic at kMigrateStep; correct if it ever were.
    while (IsMigrating()) ContinueMigration(kMigrateStep, garbage);
    StartMigration(bucket_count() == 0 ? 1 : NextCount(bucket_count()), garbage);
  }
  InsertInto(buckets(), bucket_count(), entry, hash);
  ++size_;
  ContinueMigration(kMigrateStep, garbage);
}

Entry* Table::Erase(std::string_view key, uint64_t hash, Garbage& garbage) {
  const Slot slot = FindSlot(key, hash);
  if (slot.bucket == nullptr) return nullptr;
  Entry* entry = slot.bucket->EntryAt(slot.index);
  const bool is_in_new = slot.bucket >= buckets() && slot.bucket < buckets() + bucket_count();
  if (is_in_new) {
    EraseFrom(buckets(), bucket_count(), slot, hash);
  } else {
    EraseFrom(old_buckets_, old_count_, slot, hash);
  }
  --size_;
  ContinueMigration(kMigrateStep, garbage);
  ShrinkIfSparse(garbage);
  return entry;
}

void Table::Replace(Entry* before, Entry* now, uint64_t hash) {
  // Compares pointers, not keys: `before` may have been emptied into `now` already.
  const auto replace_in = [&](Bucket* array, size_t count) {
    const uint8_t tag = TagOf(hash);
    size_t at = HomeOf(hash, count);
    for (size_t i = 0; i < count; ++i) {
      Bucket& bucket = array[at];
      for (uint32_t mask = bucket.Match(tag); mask != 0; mask &= mask - 1) {
        const int index = std::countr_zero(mask);
        if (bucket.EntryAt(index) == before) {
          bucket.Put(index, tag, now);
          return true;
        }
      }
      if (bucket.overflow == 0) break;
      if (++at == count) at = 0;
    }
    return false;
  };
  const bool is_found = replace_in(buckets(), bucket_count()) ||
                        (IsMigrating() && replace_in(old_buckets_, old_count_));
  PEAL_CHECK(is_found);
}

void Table::StartMigration(size_t new_count, Garbage& garbage) {
  PEAL_DCHECK(!IsMigrating());
  Bucket* fresh = static_cast<Bucket*>(NewBuckets(new_count));
  if (size_ == 0) {
    if (buckets() != nullptr) garbage.AddBuckets(buckets(), bucket_count() * kBucketBytes);
  } else {
    old_buckets_ = buckets();
    old_count_ = bucket_count();
    migrated_ = 0;
  }
  buckets_.store(fresh, std::memory_order_relaxed);
  count_.store(new_count, std::memory_order_relaxed);
}

void Table::MigrateBucket(Bucket& from) {
  // Three passes, so that the cache misses of the nine entries and of their new homes overlap.
  const uint32_t occupied = from.Occupied();
  uint64_t hashes[kSlots];
  ForEachBit(occupied, [&](int i) { __builtin_prefetch(from.EntryAt(i)); });
  ForEachBit(occupied, [&](int i) {
    hashes[i] = hash_(from.EntryAt(i)->key());
    __builtin_prefetch(&buckets()[HomeOf(hashes[i], bucket_count())], 1);
  });
  ForEachBit(occupied,
             [&](int i) { InsertInto(buckets(), bucket_count(), from.EntryAt(i), hashes[i]); });
  // The overflow count stays: searches in the old array still pass through here.
  std::memset(from.tags, 0, sizeof(from.tags));
}

void Table::ContinueMigration(size_t step, Garbage& garbage) {
  if (!IsMigrating()) return;
  for (; step > 0 && migrated_ < old_count_; --step) MigrateBucket(old_buckets_[migrated_++]);
  if (migrated_ < old_count_) {
    // For the next operation here.
    const Bucket& next = old_buckets_[migrated_];
    ForEachBit(next.Occupied(), [&](int i) { __builtin_prefetch(next.EntryAt(i)); });
    return;
  }
  garbage.AddBuckets(old_buckets_, old_count_ * kBucketBytes);
  old_buckets_ = nullptr;
  old_count_ = 0;
  migrated_ = 0;
}

void Table::ShrinkIfSparse(Garbage& garbage) {
  if (IsMigrating() || size_ * 5 >= CapacityOf(bucket_count()) * 2) return;
  // Half as much again as there is: far from the next growth and from the next shrinkage.
  const size_t wanted = CountFor(size_ + size_ / 2 + 1);
  if (wanted < bucket_count()) StartMigration(wanted, garbage);
}

void Table::Prefetch(uint64_t hash) const {
  const size_t count = count_.load(std::memory_order_relaxed);
  // Count and array may be of different moments; the address is then useless, not harmful.
  const uintptr_t base = reinterpret_cast<uintptr_t>(buckets_.load(std::memory_order_relaxed));
  __builtin_prefetch(reinterpret_cast<const void*>(base + HomeOf(hash, count) * kBucketBytes));
}

void Table::PrefetchEntry(uint64_t hash) const {
  if (buckets() == nullptr) return;
  const auto prefetch_in = [hash](const Bucket* array, size_t count) {
    const Bucket& bucket = array[HomeOf(hash, count)];
    ForEachBit(bucket.Match(TagOf(hash)), [&](int i) { __builtin_prefetch(bucket.EntryAt(i)); });
  };
  prefetch_in(buckets(), bucket_count());
  if (IsMigrating()) prefetch_in(old_buckets_, old_count_);
}

Entry* Table::RandomEntry(const std::function<uint64_t()>& random) const {
  if (size_ == 0) return nullptr;
  // Buckets of both arrays, numbered through; the emptied part of the old one left out.
  const size_t new_count = bucket_count();
  const size_t total = new_count + (old_count_ - migrated_);
  const auto bucket_at = [&](size_t i) -> const Bucket& {
    return i < new_count ? buckets()[i] : old_buckets_[migrated_ + (i - new_count)];
  };
  // Every slot has the same chance, so every entry has. At the lowest load a try succeeds with
  // about one third.
  constexpr int kTries = 64;
  for (int i = 0; i < kTries; ++i) {
    const uint64_t draw = random();
    const Bucket& bucket = bucket_at(HomeOf(draw, total));
    const int slot = static_cast<int>((draw & 0xffff) % kSlots);
    if (bucket.tags[slot] != 0) return bucket.EntryAt(slot);
  }
  // A small table in the middle of shrinking, or bad luck: the next occupied bucket.
  size_t at = HomeOf(random(), total);
  for (size_t i = 0; i < total; ++i, at = at + 1 == total ? 0 : at + 1) {
    const uint32_t occupied = bucket_at(at).Occupied();
    if (occupied != 0) return bucket_at(at).EntryAt(std::countr_zero(occupied));
  }
  PEAL_CHECK(false && "size does not match content");
  return nullptr;
}

void Table::VisitHome(const Bucket* array, size_t count, size_t home, uint64_t first, uint64_t last,
                      bool only_volatile, const std::function<void(Entry*)>& fn) const {
  size_t at = home;
  for (size_t i = 0; i < count; ++i) {
    const Bucket& bucket = array[at];
    ForEachBit(bucket.Occupied(), [&](int slot) {
      if (only_volatile && !bucket.IsVolatile(slot)) return;
      Entry* entry = bucket.EntryAt(slot);
      const uint64_t hash = hash_(entry->key());
      if (hash >= first && hash <= last && HomeOf(hash, count) == home) fn(entry);
    });
    if (bucket.overflow == 0) return;
    if (++at == count) at = 0;
  }
}

uint64_t Table::ScanRange(uint64_t position, bool only_volatile,
                          const std::function<void(Entry*)>& fn) const {
  if (position >= kScanEnd || size_ == 0) return kScanEnd;
  // The range of hashes of one bucket in the coarser array, looked up in both: each key is in
  // exactly one of them, and what is in the range does not depend on sizes, before or after.
  const uint64_t first = position << kScanShift;
  size_t coarse = bucket_count();
  if (IsMigrating() && old_count_ < coarse) coarse = old_count_;
  const size_t home = HomeOf(first, coarse);
  const uint64_t last = LastHashOf(home, coarse);
  const auto visit = [&](const Bucket* array, size_t count) {
    const size_t end = HomeOf(last, count);
    for (size_t i = HomeOf(first, count); i <= end; ++i) {
      VisitHome(array, count, i, first, last, only_volatile, fn);
    }
  };
  visit(buckets(), bucket_count());
  if (IsMigrating()) visit(old_buckets_, old_count_);
  if (home + 1 == coarse) return kScanEnd;
  // Rounded down: the few hashes in between are passed again rather than left out.
  const uint64_t next = (last + 1) >> kScanShift;
  return next > position ? next : position + 1;
}

uint64_t Table::Scan(uint64_t position, const std::function<void(Entry*)>& fn) const {
  return ScanRange(position, false, fn);
}

uint64_t Table::ScanVolatile(uint64_t position, const std::function<void(Entry*)>& fn) const {
  return ScanRange(position, true, fn);
}

void Table::ForEach(const std::function<void(Entry*)>& fn) const {
  const auto visit = [&fn](const Bucket* array, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      ForEachBit(array[i].Occupied(), [&](int slot) { fn(array[i].EntryAt(slot)); });
    }
  };
  visit(buckets(), bucket_count());
  visit(old_buckets_, old_count_);
}

size_t Table::MemoryBytes() const { return (bucket_count() + old_count_) * kBucketBytes; }

void Table::Swap(Table& other) {
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
}

void Table::Clear() {
  const auto destroy = [](Bucket* array, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      ForEachBit(array[i].Occupied(), [&](int slot) { Entry::Destroy(array[i].EntryAt(slot)); });
    }
    FreeBuckets(array, count * kBucketBytes);
  };
  destroy(buckets(), bucket_count());
  destroy(old_buckets_, old_count_);
  buckets_.store(nullptr, std::memory_order_relaxed);
  count_.store(0, std::memory_order_relaxed);
  size_ = 0;
  old_buckets_ = nullptr;
  old_count_ = 0;
  migrated_ = 0;
}

}  // namespace peal::store
