#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "store/keyspace/entry.h"

namespace peal::store {

class Table;
class TimeIndex;
class TrackingTable;

/// What a unit took out of the keyspace, to be freed after its locks are released.
///
/// Owned by one thread at a time; may be moved to another, which is where IsLarge() garbage should
/// go (a million-field value or a flushed database takes long to free). Reusable: Drop() keeps
/// room.
class Garbage {
 public:
  /// Above this, freeing is worth another thread's while.
  static constexpr size_t kLargeBytes = 64 * 1024;

  Garbage();
  Garbage(Garbage&& other) noexcept;
  Garbage& operator=(Garbage&& other) noexcept;
  ~Garbage();

  void Add(Entry* entry);
  void Add(SharedBytesRef block);
  /// A bucket array of a table.
  void AddBuckets(void* memory, size_t bytes);
  /// A whole table with its entries.
  void Add(std::unique_ptr<Table> table);
  void Add(std::unique_ptr<TimeIndex> index);
  void Add(std::unique_ptr<TrackingTable> readers);
  /// Takes everything of `other`.
  void Add(Garbage&& other);

  bool empty() const {
    return entries_.empty() && blocks_.empty() && arrays_.empty() && tables_.empty() &&
           indexes_.empty() && readers_.empty();
  }
  /// Approximate bytes that freeing gives back.
  size_t bytes() const { return bytes_; }
  /// Keys whose entries or values are here.
  size_t keys() const { return keys_; }
  bool IsLarge() const { return bytes_ >= kLargeBytes; }

  /// Frees all. Needs no lock held.
  void Drop();

 private:
  std::vector<Entry*> entries_;
  std::vector<SharedBytesRef> blocks_;
  std::vector<std::pair<void*, size_t>> arrays_;
  std::vector<std::unique_ptr<Table>> tables_;
  std::vector<std::unique_ptr<TimeIndex>> indexes_;
  std::vector<std::unique_ptr<TrackingTable>> readers_;
  size_t bytes_ = 0;
  size_t keys_ = 0;
};

}  // namespace peal::store
