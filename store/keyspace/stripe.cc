#include "store/keyspace/stripe.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "protocol/base/check.h"
#include "protocol/base/number.h"
#include "store/keyspace/hash.h"
#include "store/sync/gate.h"

namespace peal::store {
namespace {

// Appending keeps as much room again, up to this; as Redis does, so that users find the same
// memory.
constexpr size_t kMaxPreallocation = 1024 * 1024;
// What a stripe changes before it tells: so that stripes do not share a cache line at every write.
constexpr int64_t kReportBytes = 512;

/// A value as it will be stored.
struct Normalized {
  Entry::Encoding encoding = Entry::Encoding::kEmbedded;
  int64_t number = 0;
  std::string_view bytes;  // kEmbedded
  SharedBytesRef block;    // kShared
};

Normalized NormalizeBytes(std::string_view bytes) {
  Normalized value;
  if (bytes.size() <= protocol::kMaxIntChars) {
    if (const auto number = protocol::ParseInt64(bytes)) {
      value.encoding = Entry::Encoding::kInt;
      value.number = *number;
      return value;
    }
  }
  if (bytes.size() <= Entry::kMaxEmbeddedBytes) {
    value.bytes = bytes;
    return value;
  }
  value.encoding = Entry::Encoding::kShared;
  value.block = SharedBytes::Copy(bytes);
  return value;
}

/// `input` outlives the result.
Normalized Normalize(StringInput& input) {
  if (const auto* bytes = std::get_if<std::string_view>(&input)) return NormalizeBytes(*bytes);
  Normalized value;
  if (const auto* number = std::get_if<int64_t>(&input)) {
    value.encoding = Entry::Encoding::kInt;
    value.number = *number;
    return value;
  }
  SharedBytesRef& block = std::get<SharedBytesRef>(input);
  if (block->size() <= Entry::kMaxEmbeddedBytes) return NormalizeBytes(block->view());
  value.encoding = Entry::Encoding::kShared;
  value.block = std::move(block);
  return value;
}

/// Brings the expiry of `entry` to `expire_ms` without moving it; false if that cannot be.
bool TrySetExpiry(Entry* entry, int64_t expire_ms) {
  return expire_ms == Entry::kNoExpiry ? entry->ClearExpire() : entry->TrySetExpire(expire_ms);
}

/// Writes `value` into `entry`; false, with the value untouched, if a new entry is needed.
bool TrySetValue(Entry* entry, Normalized& value, Garbage& garbage) {
  switch (value.encoding) {
    case Entry::Encoding::kInt:
      return entry->TrySetInt(value.number);
    case Entry::Encoding::kEmbedded:
      return entry->TrySetEmbedded(value.bytes);
    case Entry::Encoding::kShared:
      if (entry->encoding() != Entry::Encoding::kShared) return false;
      garbage.Add(entry->ExchangeShared(std::move(value.block)));
      return true;
    case Entry::Encoding::kObject:
      break;
  }
  return false;
}

Entry* NewEntry(std::string_view key, Normalized& value, int64_t expire_ms) {
  switch (value.encoding) {
    case Entry::Encoding::kInt:
      return Entry::NewInt(key, value.number, expire_ms);
    case Entry::Encoding::kShared:
      return Entry::NewShared(key, std::move(value.block), expire_ms);
    default:
      return Entry::NewEmbedded(key, value.bytes, expire_ms);
  }
}

/// When the next element of the value goes.
int64_t NextExpiryOf(const Entry& entry) {
  return entry.is_string() ? ValueObject::kNoExpiry : entry.object()->NextExpiryMs();
}

int64_t WantedExpiry(const Entry* before, ExpirePolicy policy) {
  switch (policy.kind) {
    case ExpirePolicy::Kind::kClear:
      return Entry::kNoExpiry;
    case ExpirePolicy::Kind::kKeep:
      return before == nullptr ? Entry::kNoExpiry : before->expire_ms();
    case ExpirePolicy::Kind::kAt:
      return policy.at_ms;
  }
  return Entry::kNoExpiry;
}

}  // namespace

Stripe::Stripe(uint16_t index, int databases, std::atomic<int64_t>* booked)
    : mutex_(LockRank::kStripe, index), databases_(databases), booked_(booked) {
  PEAL_CHECK(databases >= 1);
}

Stripe::~Stripe() {
  std::atomic<Database*>* others = others_.load(std::memory_order_relaxed);
  if (others == nullptr) return;
  for (int i = 1; i < databases_; ++i) delete others[i].load(std::memory_order_relaxed);
  delete[] others;
}

void Stripe::AssertOwned() const {
#ifndef NDEBUG
  PEAL_CHECK(lock_rank::ThreadHolds(&mutex_) || Gate::ThreadHoldsAny());
#endif
}

const Stripe::DbCounters& Stripe::Counters(int db) const {
  static const DbCounters kNone;
  const Database* database = At(db);
  return database == nullptr ? kNone : database->counters;
}

Stripe::Database* Stripe::At(int db) const {
  PEAL_DCHECK(db >= 0 && db < databases_);
  if (db == 0) return &first_;
  const auto* others = others_.load(std::memory_order_acquire);
  return others == nullptr ? nullptr : others[db].load(std::memory_order_acquire);
}

Stripe::Database& Stripe::Make(int db) {
  Database* database = At(db);
  if (database != nullptr) return *database;
  auto* others = others_.load(std::memory_order_relaxed);
  if (others == nullptr) {
    others = new std::atomic<Database*>[static_cast<size_t>(databases_)]();
    others_.store(others, std::memory_order_release);
  }
  database = new Database;
  others[db].store(database, std::memory_order_release);
  return *database;
}

Stripe::Before Stripe::Note(Entry* entry) {
  if (entry == nullptr) return {};
  return {entry, entry->MemoryBytes(), entry->has_expiry(), !entry->is_string()};
}

void Stripe::Book(Database& database, size_t bytes_before, size_t bytes_now) {
  // Only the owner of the stripe writes, so no read-modify-write is needed; modular arithmetic.
  database.bytes += bytes_now - bytes_before;
  memory_bytes_.store(memory_bytes_.load(std::memory_order_relaxed) + bytes_now - bytes_before,
                      std::memory_order_relaxed);
  unreported_ += static_cast<int64_t>(bytes_now - bytes_before);
  if (booked_ != nullptr && (unreported_ >= kReportBytes || unreported_ <= -kReportBytes)) {
    booked_->fetch_add(std::exchange(unreported_, 0), std::memory_order_relaxed);
  }
}

Entry* Stripe::Install(Database& database, const Before& before, Entry* now, uint64_t hash,
                       Garbage& garbage) {
  const bool is_volatile = now->has_expiry();
  size_t table_before = 0;
  size_t table_now = 0;
  if (before.entry == nullptr) {
    table_before = database.table.MemoryBytes();
    database.table.Insert(now, hash, garbage);
    table_now = database.table.MemoryBytes();
    database.counters.keys.store(static_cast<uint32_t>(database.table.size()),
                                 std::memory_order_relaxed);
  } else if (now != before.entry) {
    database.table.Replace(before.entry, now, hash);
    garbage.Add(before.entry);
  } else if (is_volatile != before.is_volatile) {
    database.table.Replace(now, now, hash);
  }
  if (is_volatile != before.is_volatile) {
    auto& count = database.counters.volatile_keys;
    count.store(count.load(std::memory_order_relaxed) + (is_volatile ? 1u : ~0u),
                std::memory_order_relaxed);
  }
  Book(database, before.bytes + table_before, now->MemoryBytes() + table_now);
  if (!now->is_string() || before.is_object) {
    NoteElementTime(database, now->key(), NextExpiryOf(*now));
  }
  return now;
}

void Stripe::NoteElementTime(Database& database, std::string_view key, int64_t at_ms) {
  std::unique_ptr<TimeIndex>& times = database.element_times;
  if (times == nullptr && at_ms == ValueObject::kNoExpiry) return;
  const size_t bytes_before = times == nullptr ? 0 : times->MemoryBytes();
  if (at_ms == ValueObject::kNoExpiry) {
    if (!times->Remove(key)) return;
  } else {
    if (times == nullptr) times = std::make_unique<TimeIndex>();
    times->Set(key, at_ms);
  }
  database.counters.element_volatile_keys.store(static_cast<uint32_t>(times->size()),
                                                std::memory_order_relaxed);
  if (times->empty()) times.reset();
  Book(database, bytes_before, times == nullptr ? 0 : times->MemoryBytes());
}

void Stripe::Forget(Database& database, const Before& before, size_t table_bytes_before) {
  if (before.is_object) {
    NoteElementTime(database, before.entry->key(), ValueObject::kNoExpiry);
  }
  database.counters.keys.store(static_cast<uint32_t>(database.table.size()),
                               std::memory_order_relaxed);
  if (before.is_volatile) {
    auto& count = database.counters.volatile_keys;
    count.store(count.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  }
  Book(database, before.bytes + table_bytes_before, database.table.MemoryBytes());
}

Entry* Stripe::FindRaw(int db, std::string_view key, uint64_t hash) const {
  const Database* database = At(db);
  return database == nullptr ? nullptr : database->table.Find(key, hash);
}

Entry* Stripe::Find(int db, std::string_view key, uint64_t hash, int64_t now_ms) const {
  Entry* entry = FindRaw(db, key, hash);
  return entry != nullptr && entry->IsExpired(now_ms) ? nullptr : entry;
}

void Stripe::ReadString(const Entry& entry, StringSlice& out) {
  out.block.reset();
  switch (entry.encoding()) {
    case Entry::Encoding::kInt:
      out.bytes = {
          out.digits,
          static_cast<size_t>(protocol::FormatInt(out.digits, entry.int_value()) - out.digits)};
      return;
    case Entry::Encoding::kEmbedded:
      out.bytes = entry.embedded_value();
      return;
    case Entry::Encoding::kShared:
      out.block = entry.shared_value();
      out.bytes = out.block->view();
      return;
    case Entry::Encoding::kObject:
      break;
  }
  PEAL_CHECK(false && "not a string");
}

Entry* Stripe::SetString(int db, std::string_view key, uint64_t hash, StringInput input,
                         ExpirePolicy expire, Garbage& garbage) {
  Database& database = Make(db);
  const Before before = Note(database.table.Find(key, hash));
  const int64_t expire_ms = WantedExpiry(before.entry, expire);
  Normalized value = Normalize(input);
  if (before.entry != nullptr && before.entry->is_string() &&
      TrySetExpiry(before.entry, expire_ms) && TrySetValue(before.entry, value, garbage)) {
    return Install(database, before, before.entry, hash, garbage);
  }
  Entry* entry = NewEntry(key, value, expire_ms);
  if (before.entry != nullptr) entry->set_lru(before.entry->lru());
  return Install(database, before, entry, hash, garbage);
}

Entry* Stripe::SetObject(int db, std::string_view key, uint64_t hash,
                         std::unique_ptr<ValueObject> object, ExpirePolicy expire,
                         Garbage& garbage) {
  Database& database = Make(db);
  const Before before = Note(database.table.Find(key, hash));
  const ValueType type = object->type();
  Entry* entry = Entry::NewObject(key, type, object.release(), WantedExpiry(before.entry, expire));
  return Install(database, before, entry, hash, garbage);
}

void Stripe::BookInPlace(int db, std::string_view key, const ValueObject& object,
                         size_t bytes_before) {
  Database& database = Make(db);
  Book(database, bytes_before, object.MemoryBytes());
  NoteElementTime(database, key, object.NextExpiryMs());
}

Entry* Stripe::Append(int db, Entry* entry, uint64_t hash, std::string_view bytes,
                      Garbage& garbage) {
  return SetRange(db, entry, hash, entry->StringSize(), bytes, garbage);
}

Entry* Stripe::SetRange(int db, Entry* entry, uint64_t hash, size_t offset, std::string_view bytes,
                        Garbage& garbage) {
  if (bytes.empty()) return entry;
  std::span<char> data;
  entry = Open(db, entry, hash, offset + bytes.size(), offset, data, garbage);
  std::memcpy(data.data() + offset, bytes.data(), bytes.size());
  return entry;
}

Entry* Stripe::EditString(int db, Entry* entry, uint64_t hash, size_t min_size,
                          std::span<char>& bytes, Garbage& garbage) {
  return Open(db, entry, hash, min_size, min_size, bytes, garbage);
}

Entry* Stripe::Open(int db, Entry* entry, uint64_t hash, size_t min_size, size_t zero_end,
                    std::span<char>& bytes, Garbage& garbage) {
  PEAL_CHECK(entry->is_string());
  Database& database = Make(db);
  const Before before = Note(entry);
  const size_t old_size = entry->StringSize();
  const size_t new_size = std::max(old_size, min_size);
  const auto fill_gap = [&](char* data) {
    if (zero_end > old_size) std::memset(data + old_size, 0, zero_end - old_size);
  };

  if (entry->encoding() == Entry::Encoding::kShared) {
    SharedBytes* block = entry->shared_block();
    if (block->IsUnique() && block->capacity() >= new_size) {
      fill_gap(block->mutable_data());
      block->set_size(new_size);
      bytes = {block->mutable_data(), new_size};
      return Install(database, before, entry, hash, garbage);
    }
  }

  StringSlice old;
  ReadString(*entry, old);
  if (new_size <= Entry::kMaxEmbeddedBytes) {
    char data[Entry::kMaxEmbeddedBytes];
    if (!old.bytes.empty()) std::memcpy(data, old.bytes.data(), old.bytes.size());
    // All of it, since the copy must not read what nobody wrote.
    std::memset(data + old_size, 0, new_size - old_size);
    const std::string_view text(data, new_size);
    Entry* now = entry;
    if (!entry->TrySetEmbedded(text)) {
      now = Entry::NewEmbedded(entry->key(), text, entry->expire_ms());
      now->set_lru(entry->lru());
    }
    bytes = now->mutable_embedded_value();
    return Install(database, before, now, hash, garbage);
  }

  const size_t spare = old_size == 0 ? 0 : std::min(new_size, kMaxPreallocation);
  SharedBytesRef block = SharedBytes::Uninitialized(new_size, new_size + spare);
  if (!old.bytes.empty()) std::memcpy(block->mutable_data(), old.bytes.data(), old.bytes.size());
  fill_gap(block->mutable_data());
  bytes = {block->mutable_data(), new_size};
  if (entry->encoding() == Entry::Encoding::kShared) {
    garbage.Add(entry->ExchangeShared(std::move(block)));
    return Install(database, before, entry, hash, garbage);
  }
  Entry* fresh = Entry::NewShared(entry->key(), std::move(block), entry->expire_ms());
  fresh->set_lru(entry->lru());
  return Install(database, before, fresh, hash, garbage);
}

bool Stripe::Erase(int db, std::string_view key, uint64_t hash, Garbage& garbage) {
  Entry* entry = Extract(db, key, hash, garbage);
  if (entry == nullptr) return false;
  garbage.Add(entry);
  return true;
}

Entry* Stripe::Extract(int db, std::string_view key, uint64_t hash, Garbage& garbage) {
  Database* database = At(db);
  if (database == nullptr) return nullptr;
  const size_t table_before = database->table.MemoryBytes();
  Entry* entry = database->table.Erase(key, hash, garbage);
  if (entry != nullptr) Forget(*database, Note(entry), table_before);
  return entry;
}

Entry* Stripe::Adopt(int db, Entry* entry, uint64_t hash, Garbage& garbage) {
  Database& database = Make(db);
  return Install(database, Note(database.table.Find(entry->key(), hash)), entry, hash, garbage);
}

Entry* Stripe::SetExpire(int db, Entry* entry, uint64_t hash, int64_t at_ms, Garbage& garbage) {
  Database& database = Make(db);
  const Before before = Note(entry);
  if (entry->TrySetExpire(at_ms)) return Install(database, before, entry, hash, garbage);
  return Install(database, before, Entry::Rebuild(entry, entry->key(), at_ms), hash, garbage);
}

bool Stripe::ClearExpire(int db, Entry* entry, uint64_t hash, Garbage& garbage) {
  if (!entry->has_expiry()) return false;
  Database& database = Make(db);
  const Before before = Note(entry);
  Entry* now = entry->ClearExpire() ? entry : Entry::Rebuild(entry, entry->key(), Entry::kNoExpiry);
  Install(database, before, now, hash, garbage);
  return true;
}

void Stripe::Watch(int db, std::string_view key, uint64_t hash, const WatchTokenRef& token,
                   int64_t now_ms) {
  if (watches_ == nullptr) watches_ = std::make_unique<WatchList>();
  const Entry* entry = FindRaw(db, key, hash);
  watches_->Add(db, key, token, entry != nullptr && entry->IsExpired(now_ms));
}

void Stripe::Unwatch(int db, std::string_view key, const WatchToken* token) {
  if (watches_ != nullptr) watches_->Remove(db, key, token);
}

void Stripe::TouchWatchers(int db, std::string_view key, uint64_t hash) {
  if (watches_ == nullptr || watches_->empty()) return;
  std::vector<WatchList::Watcher>* watchers = watches_->Find(db, key);
  if (watchers == nullptr) return;
  const bool exists = FindRaw(db, key, hash) != nullptr;
  for (WatchList::Watcher& watcher : *watchers) {
    if (watcher.was_expired && !exists) {
      watcher.was_expired = false;  // it was gone when watched, and still is
    } else {
      watcher.token->MarkDirty();
    }
  }
}

WaitList& Stripe::waits() {
  if (waits_ == nullptr) waits_ = std::make_unique<WaitList>();
  return *waits_;
}

TrackingTable& Stripe::MakeReaders() {
  if (readers_ == nullptr) readers_ = std::make_unique<TrackingTable>();
  return *readers_;
}

void Stripe::DropReaders(Garbage& garbage) {
  if (readers_ != nullptr) garbage.Add(std::move(readers_));
}

bool Stripe::WatchedKeyExpired(int db, std::string_view key, uint64_t hash, const WatchToken* token,
                               int64_t now_ms) {
  if (watches_ == nullptr) return false;
  const std::vector<WatchList::Watcher>* watchers = watches_->Find(db, key);
  if (watchers == nullptr) return false;
  for (const WatchList::Watcher& watcher : *watchers) {
    if (watcher.token.get() != token || watcher.was_expired) continue;
    const Entry* entry = FindRaw(db, key, hash);
    return entry != nullptr && entry->IsExpired(now_ms);
  }
  return false;
}

Stripe::ExpirySample Stripe::CollectExpired(int db, int64_t now_ms, size_t max_steps,
                                            size_t max_keys, std::vector<std::string>& keys) {
  Database* database = At(db);
  if (database == nullptr || volatile_size(db) == 0) return {.is_end = true};
  ExpirySample sample;
  size_t found = 0;
  bool is_full = false;
  const std::function<void(Entry*)> look = [&](Entry* entry) {
    ++sample.seen;
    if (!entry->IsExpired(now_ms)) return;
    if (found == max_keys) {
      is_full = true;
      return;
    }
    ++found;
    keys.emplace_back(entry->key());
  };
  for (size_t step = 0; step < max_steps; ++step) {
    const uint64_t next = database->table.ScanVolatile(database->expire_position, look);
    if (is_full) break;  // what did not fit is met again by the next call
    sample.is_end = next == Table::kScanEnd;
    database->expire_position = sample.is_end ? 0 : next;
    if (sample.is_end) break;
  }
  return sample;
}

std::optional<std::string> Stripe::NextWithExpiredElement(int db, int64_t now_ms) const {
  const Database* database = At(db);
  if (database == nullptr || database->element_times == nullptr) return std::nullopt;
  const TimeIndex& times = *database->element_times;
  if (times.FirstTime() >= now_ms) return std::nullopt;
  return std::string(times.FirstName());
}

void Stripe::ContinueMigration(size_t buckets, Garbage& garbage) {
  for (int db = 0; db < databases_; ++db) {
    Database* database = At(db);
    if (database == nullptr) continue;
    const size_t before = database->table.MemoryBytes();
    database->table.ContinueMigration(buckets, garbage);
    Book(*database, before, database->table.MemoryBytes());
  }
}

Table* Stripe::table(int db) {
  Database* database = At(db);
  return database == nullptr ? nullptr : &database->table;
}

const Table* Stripe::table(int db) const {
  const Database* database = At(db);
  return database == nullptr ? nullptr : &database->table;
}

uint64_t Stripe::Scan(int db, uint64_t position, const std::function<void(Entry*)>& fn) const {
  const Table* all = table(db);
  return all == nullptr ? Table::kScanEnd : all->Scan(position, fn);
}

void Stripe::TouchAllOf(int db, const Table* before, const Table* now) {
  if (watches_ == nullptr) return;
  watches_->ForEach(db, [&](std::string_view key, std::vector<WatchList::Watcher>& watchers) {
    const uint64_t hash = HashKey(key);
    const bool existed = before != nullptr && before->Find(key, hash) != nullptr;
    const bool exists = now != nullptr && now->Find(key, hash) != nullptr;
    if (!existed && !exists) return;
    for (WatchList::Watcher& watcher : watchers) {
      if (watcher.was_expired && !exists) {
        watcher.was_expired = false;
      } else {
        watcher.token->MarkDirty();
      }
    }
  });
}

void Stripe::Flush(int db, Garbage& garbage) {
  Database* database = At(db);
  if (database == nullptr || database->table.MemoryBytes() == 0) return;
  TouchAllOf(db, &database->table, nullptr);
  auto flushed = std::make_unique<Table>();
  flushed->Swap(database->table);
  garbage.Add(std::move(flushed));
  database->counters.keys.store(0, std::memory_order_relaxed);
  database->counters.volatile_keys.store(0, std::memory_order_relaxed);
  database->counters.element_volatile_keys.store(0, std::memory_order_relaxed);
  database->expire_position = 0;
  if (database->element_times != nullptr) garbage.Add(std::move(database->element_times));
  Book(*database, database->bytes, 0);
}

void Stripe::Swap(int a, int b) {
  if (a == b || (At(a) == nullptr && At(b) == nullptr)) return;
  Database& first = Make(a);
  Database& second = Make(b);
  TouchAllOf(a, &first.table, &second.table);
  TouchAllOf(b, &second.table, &first.table);
  first.table.Swap(second.table);
  const auto swap_count = [](std::atomic<uint32_t>& x, std::atomic<uint32_t>& y) {
    const uint32_t value = x.load(std::memory_order_relaxed);
    x.store(y.load(std::memory_order_relaxed), std::memory_order_relaxed);
    y.store(value, std::memory_order_relaxed);
  };
  swap_count(first.counters.keys, second.counters.keys);
  swap_count(first.counters.volatile_keys, second.counters.volatile_keys);
  swap_count(first.counters.element_volatile_keys, second.counters.element_volatile_keys);
  std::swap(first.bytes, second.bytes);
  std::swap(first.expire_position, second.expire_position);
  std::swap(first.element_times, second.element_times);
}

void Stripe::Prefetch(int db, uint64_t hash) const {
  if (const Database* database = At(db)) database->table.Prefetch(hash);
}

void Stripe::PrefetchStep(int db, uint64_t hash, PrefetchDepth depth) const {
  const Database* const database = At(db);
  if (database == nullptr) return;
  if (depth == PrefetchDepth::kEntry) return database->table.PrefetchEntry(hash);
  database->table.ForEachCandidate(hash, [depth](const Entry* entry) {
    if (entry->type() == ValueType::kString) return;
    const ValueObject* const object = entry->object();
    if (depth == PrefetchDepth::kObject) {
      // It may lie across two lines.
      const auto at = reinterpret_cast<uintptr_t>(object);
      __builtin_prefetch(object);
      __builtin_prefetch(reinterpret_cast<const void*>(at + 40));
    } else {
      object->PrefetchContents();
    }
  });
}

// ---------------------------------------------------------------- faults

std::string Stripe::FindFaultIn(const Database& database, int index, int stripes) {
  const Table& table = database.table;
  if (!table.IsSound()) return "a search does not find a key, or the table counts wrong";
  size_t bytes = table.MemoryBytes();
  size_t volatile_keys = 0;
  size_t keys_with_times = 0;
  std::string fault;
  const auto blame = [&fault](const Entry& entry, const char* what) {
    if (fault.empty()) fault = "key '" + std::string(entry.key()) + "': " + what;
  };
  table.ForEach([&](const Entry* entry) {
    bytes += entry->MemoryBytes();
    volatile_keys += entry->has_expiry() ? 1 : 0;
    const uint64_t mask = static_cast<uint64_t>(stripes) - 1;
    if ((HashKey(entry->key()) & mask) != static_cast<uint64_t>(index)) {
      blame(*entry, "lies in a stripe that is not its own");
    }
    if (entry->has_expiry() && entry->expire_ms() < 0) blame(*entry, "has a negative expiry");
    if (entry->is_string() != (entry->encoding() != Entry::Encoding::kObject)) {
      return blame(*entry, "is of a type that its encoding cannot have");
    }
    if (entry->is_string()) return;
    const ValueObject& object = *entry->object();
    if (object.type() != entry->type()) blame(*entry, "holds a value of another type");
    if (object.Count() == 0 && object.type() != ValueType::kStream) blame(*entry, "is empty");
    if (!object.IsSound()) blame(*entry, "holds a value that is not sound");
    const int64_t next_ms = object.NextExpiryMs();
    if (next_ms == ValueObject::kNoExpiry) return;
    ++keys_with_times;
    const TimeIndex* const times = database.element_times.get();
    if (times == nullptr || times->TimeOf(entry->key()) != next_ms) {
      blame(*entry, "has elements whose time is not noted");
    }
  });
  if (!fault.empty()) return fault;
  const TimeIndex* const times = database.element_times.get();
  if (times != nullptr) bytes += times->MemoryBytes();
  const DbCounters& counters = database.counters;
  if (counters.keys.load(std::memory_order_relaxed) != table.size()) return "counts keys wrong";
  if (counters.volatile_keys.load(std::memory_order_relaxed) != volatile_keys) {
    return "counts keys with an expiry wrong";
  }
  if (counters.element_volatile_keys.load(std::memory_order_relaxed) != keys_with_times ||
      keys_with_times != (times == nullptr ? 0 : times->size())) {
    return "counts keys with elements that expire wrong";
  }
  if (bytes != database.bytes) {
    return "books " + std::to_string(database.bytes) + " bytes for " + std::to_string(bytes);
  }
  return {};
}

std::string Stripe::FindFault(int index, int stripes) const {
  size_t bytes = 0;
  for (int db = 0; db < databases_; ++db) {
    const Database* const database = At(db);
    if (database == nullptr) continue;
    const std::string fault = FindFaultIn(*database, index, stripes);
    if (!fault.empty()) {
      return "stripe " + std::to_string(index) + ", database " + std::to_string(db) + ": " + fault;
    }
    bytes += database->bytes;
  }
  if (bytes == memory_bytes()) return {};
  return "stripe " + std::to_string(index) + ": databases have " + std::to_string(bytes) +
         " bytes of " + std::to_string(memory_bytes());
}

}  // namespace peal::store
