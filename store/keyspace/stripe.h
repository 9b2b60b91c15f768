#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "store/keyspace/entry.h"
#include "store/keyspace/garbage.h"
#include "store/keyspace/table.h"
#include "store/keyspace/tracking.h"
#include "store/keyspace/waiters.h"
#include "store/keyspace/watch.h"
#include "store/sync/annotations.h"
#include "store/sync/mutex.h"
#include "store/value/time_index.h"

namespace peal::store {

/// What a string write does with the key's time to live.
struct ExpirePolicy {
  enum class Kind : uint8_t { kClear, kKeep, kAt };
  Kind kind = Kind::kClear;
  int64_t at_ms = Entry::kNoExpiry;  // absolute Unix milliseconds, with kAt

  static ExpirePolicy Clear() { return {}; }
  static ExpirePolicy Keep() { return {Kind::kKeep, Entry::kNoExpiry}; }
  static ExpirePolicy At(int64_t at_ms) { return {Kind::kAt, at_ms}; }
};

/// A value to store, not pointing into an entry: bytes (copied; a decimal integer in canonical form
/// is kept as a number), an integer, or a block received in place (not copied if longer than
/// Entry::kMaxEmbeddedBytes).
using StringInput = std::variant<std::string_view, int64_t, SharedBytesRef>;

/// A string value as read under the lock. `bytes` points into `block` if there is one and then
/// stays valid after unlocking; else into the entry or into `digits`, valid until the entry changes
/// or this object goes. Not copyable, since it may point into itself.
struct StringSlice {
  StringSlice() = default;
  StringSlice(const StringSlice&) = delete;
  StringSlice& operator=(const StringSlice&) = delete;

  std::string_view bytes;
  SharedBytesRef block;
  char digits[24];
};

/// One of the locks of the keyspace, and everything that it protects: for every database the keys
/// whose hash falls here, their watchers, their counts. Nothing about a key lies elsewhere.
///
/// Unless marked [any thread], a method needs mutex(), or the Gate held exclusively; code that has
/// locked a set of stripes says so with AssertOwned(). `hash` is HashKey(key); `db` is in
/// [0, databases). Nothing here logs, expires or notifies: that is the caller's unit.
class alignas(64) Stripe {
 public:
  /// `booked`: where changes of memory_bytes() are added up for all stripes, some hundred bytes
  /// late; may be null.
  Stripe(uint16_t index, int databases, std::atomic<int64_t>* booked);
  ~Stripe();
  Stripe(const Stripe&) = delete;
  Stripe& operator=(const Stripe&) = delete;

  Mutex& mutex() RETURN_CAPABILITY(mutex_) { return mutex_; }  // [any thread]

  /// Tells the analysis that this thread has the stripe; debug builds check that it holds the mutex
  /// or a gate exclusively.
  void AssertOwned() const ASSERT_CAPABILITY(mutex_);

  // --- Reading. No side effects: an expired key is not deleted.

  /// The entry of `key` if it exists and is not expired at `now_ms`, else null.
  Entry* Find(int db, std::string_view key, uint64_t hash, int64_t now_ms) const REQUIRES(mutex_);
  /// The entry even if expired.
  Entry* FindRaw(int db, std::string_view key, uint64_t hash) const REQUIRES(mutex_);
  /// Fills `out` from an entry of type string.
  static void ReadString(const Entry& entry, StringSlice& out);

  // --- Writing. Values taken out go to `garbage`. Entry pointers of the same key die.

  /// Creates or overwrites (any type) and returns the entry.
  Entry* SetString(int db, std::string_view key, uint64_t hash, StringInput value,
                   ExpirePolicy expire, Garbage& garbage) REQUIRES(mutex_);

  /// Appends to the string entry of `key`, which must exist (FindRaw() == entry). Amortised
  /// O(bytes).
  Entry* Append(int db, Entry* entry, uint64_t hash, std::string_view bytes, Garbage& garbage)
      REQUIRES(mutex_);

  /// Overwrites from `offset` on, zero-filling a gap. The caller bounds offset + bytes.size()
  /// (proto-max-bulk-len).
  Entry* SetRange(int db, Entry* entry, uint64_t hash, size_t offset, std::string_view bytes,
                  Garbage& garbage) REQUIRES(mutex_);

  /// Brings a string to at least `min_size` bytes, zero-filling what is new, and into a form that
  /// the caller may write: `bytes` is all of it, until the entry changes again. O(1) where there is
  /// room and no reply carries the bytes. The caller bounds `min_size` (proto-max-bulk-len).
  Entry* EditString(int db, Entry* entry, uint64_t hash, size_t min_size, std::span<char>& bytes,
                    Garbage& garbage) REQUIRES(mutex_);

  /// Takes ownership of `object` and creates or overwrites the key with it.
  Entry* SetObject(int db, std::string_view key, uint64_t hash, std::unique_ptr<ValueObject> object,
                   ExpirePolicy expire, Garbage& garbage) REQUIRES(mutex_);

  /// Books what the object of `key` has grown or shrunk by when it was changed in place, and notes
  /// when the next of its elements goes.
  void BookInPlace(int db, std::string_view key, const ValueObject& object, size_t bytes_before)
      REQUIRES(mutex_);

  /// Deletes the key, expired or not. True if there was one.
  bool Erase(int db, std::string_view key, uint64_t hash, Garbage& garbage) REQUIRES(mutex_);

  /// Takes the entry out whole (RENAME, MOVE, COPY between stripes), null if there is none.
  Entry* Extract(int db, std::string_view key, uint64_t hash, Garbage& garbage) REQUIRES(mutex_);
  /// Puts in an entry made elsewhere, replacing what the key held. Takes ownership.
  Entry* Adopt(int db, Entry* entry, uint64_t hash, Garbage& garbage) REQUIRES(mutex_);

  /// Sets the absolute time of expiry; the entry may move. A time in the past is the caller's case.
  Entry* SetExpire(int db, Entry* entry, uint64_t hash, int64_t at_ms, Garbage& garbage)
      REQUIRES(mutex_);
  /// True if there was an expiry.
  bool ClearExpire(int db, Entry* entry, uint64_t hash, Garbage& garbage) REQUIRES(mutex_);

  // --- Watching. See WatchList.

  void Watch(int db, std::string_view key, uint64_t hash, const WatchTokenRef& token,
             int64_t now_ms) REQUIRES(mutex_);
  void Unwatch(int db, std::string_view key, const WatchToken* token) REQUIRES(mutex_);
  /// Marks the watchers of a changed or deleted key dirty; call after the change. One branch if
  /// nobody watches anything here.
  void TouchWatchers(int db, std::string_view key, uint64_t hash) REQUIRES(mutex_);
  /// EXEC's extra look: true if `token`'s key has expired since WATCH without having been deleted.
  bool WatchedKeyExpired(int db, std::string_view key, uint64_t hash, const WatchToken* token,
                         int64_t now_ms) REQUIRES(mutex_);

  // --- Waiting. See WaitList.

  bool has_waiters() const REQUIRES(mutex_) { return waits_ != nullptr && !waits_->empty(); }
  /// The stripes that serving those who wait here may need; null if none.
  const std::vector<int>* demands() const REQUIRES(mutex_) {
    return waits_ == nullptr || waits_->demands().empty() ? nullptr : &waits_->demands();
  }
  /// Made on first use.
  WaitList& waits() REQUIRES(mutex_);

  // --- Tracking. See TrackingTable.

  /// What clients have read here; null if they have read nothing.
  TrackingTable* readers() REQUIRES(mutex_) { return readers_.get(); }
  /// Made on first use.
  TrackingTable& MakeReaders() REQUIRES(mutex_);
  /// Forgets all of it.
  void DropReaders(Garbage& garbage) REQUIRES(mutex_);

  // --- Expiry and eviction.

  /// Walks on from where the last call stopped and collects keys of `db` that are expired at
  /// `now_ms`, at most `max_keys` of them after at most `max_steps` buckets. The caller deletes
  /// them as units of their own.
  struct ExpirySample {
    size_t seen = 0;      // entries with an expiry, expired or not
    bool is_end = false;  // the next call begins at the front again
  };
  ExpirySample CollectExpired(int db, int64_t now_ms, size_t max_steps, size_t max_keys,
                              std::vector<std::string>& keys) REQUIRES(mutex_);

  /// A key of `db` that holds an element which is expired at `now_ms`, if there is one.
  std::optional<std::string> NextWithExpiredElement(int db, int64_t now_ms) const REQUIRES(mutex_);

  /// Moves on with table migrations under way in all databases, by `buckets` each; for idle
  /// moments.
  void ContinueMigration(size_t buckets, Garbage& garbage) REQUIRES(mutex_);

  // --- Whole databases.

  Table* table(int db) REQUIRES(mutex_);  // null if never used
  const Table* table(int db) const REQUIRES(mutex_);
  /// Starts the walk of this stripe's share of SCAN. See Table::Scan; kScanEnd when the db is
  /// unused.
  uint64_t Scan(int db, uint64_t position, const std::function<void(Entry*)>& fn) const
      REQUIRES(mutex_);
  /// Empties `db`; marks watchers of keys that existed. Needs the Gate, to be one event with the
  /// other stripes.
  void Flush(int db, Garbage& garbage) REQUIRES(mutex_);
  /// Exchanges two databases; marks watchers of keys that exist in either. Needs the Gate.
  void Swap(int a, int b) REQUIRES(mutex_);

  /// Looks at everything here: tables, values, counters, bytes, and whether each key belongs to
  /// `index` of `stripes`. Empty, or what is wrong first. O(n), for tests and DEBUG.
  std::string FindFault(int index, int stripes) const REQUIRES(mutex_);

  /// Keys of `db`, expired ones included; those with an expiry. [any thread]
  size_t size(int db) const { return Counters(db).keys.load(std::memory_order_relaxed); }
  size_t volatile_size(int db) const {
    return Counters(db).volatile_keys.load(std::memory_order_relaxed);
  }
  /// Keys of `db` with elements that have an expiry of their own. [any thread]
  size_t element_volatile_size(int db) const {
    return Counters(db).element_volatile_keys.load(std::memory_order_relaxed);
  }
  /// Bytes of entries, values and tables of all databases. [any thread]
  size_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }

  // --- Prefetching (Table::Prefetch).

  /// [any thread, no lock]
  void Prefetch(int db, uint64_t hash) const;
  /// Needs what lies before on the way loaded to be of use.
  void PrefetchStep(int db, uint64_t hash, PrefetchDepth depth) const REQUIRES(mutex_);

 private:
  struct DbCounters {
    // Written under the mutex with plain load and store; atomic for readers without it.
    std::atomic<uint32_t> keys{0};
    std::atomic<uint32_t> volatile_keys{0};
    std::atomic<uint32_t> element_volatile_keys{0};
  };
  struct Database {
    Table table;
    DbCounters counters;
    size_t bytes = 0;  // of entries, values and bucket arrays
    uint64_t expire_position = 0;
    /// Keys whose values hold elements with an expiry, by the next of them; made on first use.
    std::unique_ptr<TimeIndex> element_times;
  };
  /// What is to be known of an entry before it is changed.
  struct Before {
    Entry* entry = nullptr;
    size_t bytes = 0;
    bool is_volatile = false;
    bool is_object = false;
  };

  static std::string FindFaultIn(const Database& database, int index, int stripes);
  const DbCounters& Counters(int db) const;
  Database* At(int db) const;  // null if never used
  Database& Make(int db);
  static Before Note(Entry* entry);
  /// Puts `now` where `before` was (nowhere, if null), and books the difference.
  Entry* Install(Database& database, const Before& before, Entry* now, uint64_t hash,
                 Garbage& garbage) REQUIRES(mutex_);
  /// EditString, with new bytes zero-filled up to `zero_end` only.
  Entry* Open(int db, Entry* entry, uint64_t hash, size_t min_size, size_t zero_end,
              std::span<char>& bytes, Garbage& garbage) REQUIRES(mutex_);
  /// Books a deletion.
  void Forget(Database& database, const Before& before, size_t table_bytes_before) REQUIRES(mutex_);
  void Book(Database& database, size_t bytes_before, size_t bytes_now) REQUIRES(mutex_);
  /// Keeps element_times: the next element of `key` goes at `at_ms`.
  void NoteElementTime(Database& database, std::string_view key, int64_t at_ms) REQUIRES(mutex_);
  void TouchAllOf(int db, const Table* before, const Table* now) REQUIRES(mutex_);

  Mutex mutex_;  // shares its cache line with the table header of database 0
  mutable Database first_;
  const int databases_;
  std::atomic<size_t> memory_bytes_{0};
  std::atomic<int64_t>* const booked_;
  int64_t unreported_ GUARDED_BY(mutex_) = 0;
  /// Databases 1..n-1, made on first write, kept until the end; atomic for Prefetch and size.
  std::atomic<std::atomic<Database*>*> others_{nullptr};
  std::unique_ptr<WatchList> watches_ GUARDED_BY(mutex_);
  std::unique_ptr<WaitList> waits_ GUARDED_BY(mutex_);
  std::unique_ptr<TrackingTable> readers_ GUARDED_BY(mutex_);
};

}  // namespace peal::store
