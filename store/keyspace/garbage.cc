#include "store/keyspace/garbage.h"

#include <cstdlib>
#include <iterator>

#include "store/keyspace/table.h"
#include "store/keyspace/tracking.h"
#include "store/value/time_index.h"

namespace peal::store {

Garbage::Garbage() = default;
Garbage::Garbage(Garbage&& other) noexcept { Add(std::move(other)); }
Garbage& Garbage::operator=(Garbage&& other) noexcept {
  if (this != &other) {
    Drop();
    Add(std::move(other));
  }
  return *this;
}
Garbage::~Garbage() { Drop(); }

void Garbage::Add(Entry* entry) {
  bytes_ += entry->MemoryBytes();
  ++keys_;
  entries_.push_back(entry);
}

void Garbage::Add(SharedBytesRef block) {
  bytes_ += block->memory_bytes();
  blocks_.push_back(std::move(block));
}

void Garbage::AddBuckets(void* memory, size_t bytes) {
  bytes_ += bytes;
  arrays_.emplace_back(memory, bytes);
}

void Garbage::Add(std::unique_ptr<Table> table) {
  // An estimate: looking at every entry would take the time this class is there to save.
  bytes_ += table->MemoryBytes() + table->size() * 64;
  keys_ += table->size();
  tables_.push_back(std::move(table));
}

void Garbage::Add(std::unique_ptr<TimeIndex> index) {
  bytes_ += index->MemoryBytes();
  indexes_.push_back(std::move(index));
}

void Garbage::Add(std::unique_ptr<TrackingTable> readers) {
  bytes_ += readers->size() * 128;  // an estimate, as for tables
  readers_.push_back(std::move(readers));
}

void Garbage::Add(Garbage&& other) {
  const auto take = [](auto& to, auto& from) {
    if (to.empty()) {
      to.swap(from);
    } else {
      to.insert(to.end(), std::make_move_iterator(from.begin()),
                std::make_move_iterator(from.end()));
    }
    from.clear();
  };
  take(entries_, other.entries_);
  take(blocks_, other.blocks_);
  take(arrays_, other.arrays_);
  take(tables_, other.tables_);
  take(indexes_, other.indexes_);
  take(readers_, other.readers_);
  bytes_ += std::exchange(other.bytes_, 0);
  keys_ += std::exchange(other.keys_, 0);
}

void Garbage::Drop() {
  for (Entry* entry : entries_) Entry::Destroy(entry);
  entries_.clear();
  blocks_.clear();
  for (const auto& [memory, bytes] : arrays_) Table::FreeBuckets(memory, bytes);
  arrays_.clear();
  tables_.clear();
  indexes_.clear();
  readers_.clear();
  bytes_ = 0;
  keys_ = 0;
}

}  // namespace peal::store
