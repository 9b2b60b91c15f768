#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "store/keyspace/entry.h"
#include "store/keyspace/garbage.h"

namespace peal::store {

/// A hash table of entries by key, in cache-line buckets whose order is the order of the hashes.
///
/// Home bucket of a key = its hash scaled to the number of buckets, so sizes need not be powers of
/// two: they follow 4, 5, 6, 7 times a power of two, at a load of at most 90 %. A full home bucket
/// overflows into the next ones; each bucket counts the entries that went past it, so a search
/// stops early and deletions leave no tombstones. Growing and shrinking move a few buckets with
/// every insertion and deletion.
///
/// Not synchronised: everything needs the owning stripe's lock, but for what says otherwise.
/// `hash` is always HashKey(key) (or the function given at construction).
class Table {
 public:
  using HashFunction = uint64_t (*)(std::string_view);

  /// Positions of Scan are the upper kScanBits of the hash.
  static constexpr int kScanBits = 43;
  static constexpr uint64_t kScanEnd = uint64_t{1} << kScanBits;

  /// `hash` may be another function in tests.
  explicit Table(HashFunction hash = nullptr);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  /// The entry of `key`, or null. Owned by the table.
  Entry* Find(std::string_view key, uint64_t hash) const;

  /// Adds `entry`, whose key must not be present; takes ownership. Memory given up goes to
  /// `garbage`.
  void Insert(Entry* entry, uint64_t hash, Garbage& garbage);

  /// Takes the entry of `key` out and gives it to the caller; null if there is none.
  Entry* Erase(std::string_view key, uint64_t hash, Garbage& garbage);

  /// Puts `now` (same key) in the place of `before`, which goes to the caller. With now == before
  /// it refreshes what the table notes about an entry (whether it has an expiry).
  void Replace(Entry* before, Entry* now, uint64_t hash);

  /// Starts loading the bucket of `hash`. [any thread, no lock: only an address is computed]
  void Prefetch(uint64_t hash) const;
  /// Starts loading the entries that `hash` may mean; wants the bucket loaded already.
  void PrefetchEntry(uint64_t hash) const;

  /// A random entry, null if empty. `random` gives uniform 64-bit numbers. Close to uniform.
  Entry* RandomEntry(const std::function<uint64_t()>& random) const;

  /// Calls `fn` on the entries of the next buckets from `position` (0 at first) on, and returns the
  /// next position, kScanEnd when done. A key present from the first call to the last is passed at
  /// least once, whatever is inserted, erased or resized between calls. `fn` must not change the
  /// table.
  uint64_t Scan(uint64_t position, const std::function<void(Entry*)>& fn) const;

  /// Like Scan, but passes only entries with an expiry and does not touch the others.
  uint64_t ScanVolatile(uint64_t position, const std::function<void(Entry*)>& fn) const;

  /// Calls `fn` on every entry, once. `fn` must not change the table.
  void ForEach(const std::function<void(Entry*)>& fn) const;

  size_t size() const { return size_; }
  bool IsMigrating() const { return old_buckets_ != nullptr; }
  /// Bytes of the bucket arrays; entries not included.
  size_t MemoryBytes() const;
  size_t bucket_count() const { return count_.load(std::memory_order_relaxed); }

  /// Exchanges all content with `other`; needs both locks.
  void Swap(Table& other);

  /// Moves on with a growth or shrinkage under way, by `buckets` of the old array; insertions and
  /// deletions do so by themselves. For idle moments, since both arrays live until it is done.
  void ContinueMigration(size_t buckets, Garbage& garbage);

  /// Destroys all entries at once and leaves the table empty.
  void Clear();

  /// Frees an array that a table gave to a Garbage.
  static void FreeBuckets(void* memory, size_t bytes);

 private:
  struct Bucket;
  struct Slot {
    Bucket* bucket = nullptr;  // null: not found
    int index = 0;
  };

  Bucket* buckets() const { return buckets_.load(std::memory_order_relaxed); }
  Slot FindSlot(std::string_view key, uint64_t hash) const;
  static Slot FindIn(Bucket* buckets, size_t count, std::string_view key, uint64_t hash);
  static void InsertInto(Bucket* buckets, size_t count, Entry* entry, uint64_t hash);
  static void EraseFrom(Bucket* buckets, size_t count, const Slot& slot, uint64_t hash);
  void StartMigration(size_t new_count, Garbage& garbage);
  void MigrateBucket(Bucket& from);
  void ShrinkIfSparse(Garbage& garbage);
  uint64_t ScanRange(uint64_t position, bool only_volatile,
                     const std::function<void(Entry*)>& fn) const;
  void VisitHome(const Bucket* buckets, size_t count, size_t home, uint64_t first, uint64_t last,
                 bool only_volatile, const std::function<void(Entry*)>& fn) const;

  // Read without the lock by Prefetch, hence atomic; never followed there.
  std::atomic<Bucket*> buckets_{nullptr};
  std::atomic<size_t> count_{0};
  size_t size_ = 0;
  Bucket* old_buckets_ = nullptr;  // being emptied, or null
  size_t old_count_ = 0;
  size_t migrated_ = 0;  // old buckets below this are empty
  const HashFunction hash_;
};

}  // namespace peal::store
