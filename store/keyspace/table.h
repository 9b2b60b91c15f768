#pragma once

#include <cstddef>
#include <string_view>

#include "store/keyspace/bucket_table.h"
#include "store/keyspace/entry.h"
#include "store/keyspace/garbage.h"

namespace peal::store {

struct EntryTraits {
  using Node = Entry;
  using Retired = Garbage;
  static constexpr size_t kMapBytes = 1024 * 1024;
  static constexpr bool kUnmapsAlong = false;  // a Garbage frees without locks
  static std::string_view Key(const Entry* entry) { return entry->key(); }
  static bool HasExpiry(const Entry* entry) { return entry->has_expiry(); }
  static void Destroy(Entry* entry) { Entry::Destroy(entry); }
};

extern template class BucketTable<EntryTraits>;

/// The keys of one database in one stripe. Everything needs the stripe's lock, but for what says
/// otherwise.
class Table : public BucketTable<EntryTraits> {
 public:
  using BucketTable::BucketTable;
};

}  // namespace peal::store
