#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/config/notify_flags.h"
#include "broker/net/connection.h"
#include "broker/pubsub/invalidation.h"
#include "broker/pubsub/subscriber.h"
#include "protocol/base/number.h"
#include "store/keyspace/keyspace.h"

namespace peal::broker {

class Client;
struct Config;
class Hub;
class HubPort;
struct Payload;
class Worker;

/// One argument of an effect: bytes, or an integer as decimal text. Lives for one call.
class EffectArg {
 public:
  EffectArg(std::string_view text) : text_(text) {}
  EffectArg(const char* text) : text_(text) {}
  EffectArg(int64_t value)
      : text_(digits_, static_cast<size_t>(protocol::FormatInt(digits_, value) - digits_)) {}
  EffectArg(const EffectArg&) = delete;
  EffectArg& operator=(const EffectArg&) = delete;

  std::string_view text() const { return text_; }

 private:
  char digits_[protocol::kMaxIntChars];
  std::string_view text_;
};

/// A deterministic command that repeats one change elsewhere.
struct Effect {
  uint32_t db = 0;
  std::vector<std::string> args;
};

/// Where units hand in their effects: the log of changes. Called while the unit still holds its
/// stripes, so the order of calls is a serial order of the units. Must not block or look at the
/// keyspace.
class EffectSink {
 public:
  virtual void OnUnit(const std::vector<Effect>& effects) = 0;

 protected:
  ~EffectSink() = default;
};

/// Numbers of the units of one worker. Plain: its thread, or all reactors parked.
struct UnitCounters {
  uint64_t keyspace_hits = 0;
  uint64_t keyspace_misses = 0;
  uint64_t expired_keys = 0;
  uint64_t expired_fields = 0;
  uint64_t changes = 0;  // as Redis' "dirty"
  uint64_t events = 0;   // keyspace events that had an audience

  UnitCounters& operator+=(const UnitCounters& other) {
    keyspace_hits += other.keyspace_hits;
    keyspace_misses += other.keyspace_misses;
    expired_keys += other.expired_keys;
    expired_fields += other.expired_fields;
    changes += other.changes;
    events += other.events;
    return *this;
  }
};

/// The only way to the keys: one command, one EXEC, or one step in the background.
///
/// Phases: Begin; AddKey for every key (plan); Lock, or AssumeExclusive; reading and changing;
/// Finish, which settles (effects to the log, keyspace events and deferred messages to the inboxes)
/// while the stripes are still held, then releases them, then gives garbage away. No effect happens
/// before all locks are held. Watchers are marked with each change. Time stands still within a
/// unit.
///
/// Reusable, one at a time. Its worker's thread. Keys passed in must stay valid until Finish.
class Unit {
 public:
  /// What a lookup for reading leaves out.
  enum Lookup : uint8_t {
    kLookupPlain = 0,
    kLookupNoTouch = 1,    // the time of last use stays
    kLookupNoNotify = 2,   // no "keymiss" event
    kLookupNoStats = 4,    // no count of hits and misses
    kLookupMustTouch = 8,  // notes the use even of a client with NO-TOUCH
  };

  explicit Unit(store::Keyspace& keyspace);
  Unit(const Unit&) = delete;
  Unit& operator=(const Unit&) = delete;
  ~Unit();

  static constexpr size_t kExactPlan = 64;

  static uint64_t HashKey(std::string_view key) { return store::HashKey(key); }
  static void Prefetch(store::Keyspace& keyspace, uint32_t db, uint64_t hash) {
    keyspace.Prefetch(static_cast<int>(db), hash);
  }

  // --- Phases.

  /// `client` may be null (work in the background). `db` in [0, databases).
  void Begin(Worker& worker, Client* client, uint32_t db, int64_t now_ms) {
    if (worker_ != &worker) [[unlikely]]
      Attach(worker);
    Begin(client, db, now_ms);
  }
  /// Without a worker: no events, garbage is freed on the spot. For tests of what lies below.
  void Begin(Client* client, uint32_t db, int64_t now_ms) {
    PEAL_DCHECK(phase_ == Phase::kIdle);
    phase_ = Phase::kPlan;
    client_ = client;
    db_ = db;
    now_ms_ = now_ms;
  }

  /// Plans `key`. Also after a Lock of nothing at all: EXEC plans while it runs.
  void AddKey(std::string_view key, uint64_t hash) {
    PEAL_DCHECK(phase_ == Phase::kPlan || (phase_ == Phase::kLocked && stripe_count_ == 0));
    const int index = keyspace_.StripeIndex(hash);
    if (stripe_count_ == 0) [[likely]] {
      cached_key_ = key;
      cached_hash_ = hash;
      first_ = &keyspace_.stripe(index);
      first_index_ = index;
      stripe_count_ = 1;
      phase_ = Phase::kPlan;
    } else if (index != first_index_) {
      AddStripe(index);
    }
  }
  /// Stripes planned so far. Exact up to kExactPlan; above that repeats may be counted.
  size_t planned_stripes() const { return stripe_count_; }

  /// Takes the planned stripes in ascending order.
  void Lock() NO_THREAD_SAFETY_ANALYSIS {
    PEAL_DCHECK(phase_ == Phase::kPlan || (phase_ == Phase::kLocked && stripe_count_ == 0));
    phase_ = Phase::kLocked;
    if (stripe_count_ == 1) [[likely]] {
      first_->mutex().Lock();
      if (first_->demands() != nullptr) [[unlikely]]
        LockDemands(false);
    } else if (stripe_count_ > 1) {
      LockMany(false);
    }
  }
  /// As Lock, for who can do without: false, with the unit ended and the turn a visit, if a holder
  /// of the Gate that allows visits came first. With a worker only.
  [[nodiscard]] bool LockUnlessVisits() NO_THREAD_SAFETY_ANALYSIS {
    PEAL_DCHECK(phase_ == Phase::kPlan || (phase_ == Phase::kLocked && stripe_count_ == 0));
    phase_ = Phase::kLocked;
    if (stripe_count_ == 1) [[likely]] {
      if (!first_->mutex().LockUnlessWanted()) [[unlikely]] {
        stripes_.assign(1, first_index_);
        return LockMany(true);
      }
      if (first_->demands() != nullptr) [[unlikely]]
        return LockDemands(true);
      return true;
    }
    return stripe_count_ == 0 || LockMany(true);
  }
  /// As Lock for a plan of one stripe; false, with the unit ended, if somebody holds it.
  [[nodiscard]] bool TryLock();
  /// The thread holds the Gate exclusively: every stripe is the unit's.
  void AssumeExclusive() {
    PEAL_DCHECK(store::Gate::ThreadHoldsAny());
    DropPlan();
    phase_ = Phase::kExclusive;
  }
  bool is_exclusive() const { return phase_ == Phase::kExclusive; }

  // --- For scripts, whose commands come one by one.

  /// Whether the unit holds the stripe of `key`.
  bool Holds(std::string_view key) const {
    if (phase_ == Phase::kExclusive) return true;
    if (phase_ != Phase::kLocked || stripe_count_ == 0) return false;
    const int index = keyspace_.StripeIndex(HashOf(key));
    return stripe_count_ == 1 ? index == first_index_
                              : std::binary_search(stripes_.begin(), stripes_.end(), index);
  }
  /// In the middle of a unit that holds stripes: takes that of `key`, too, if nobody keeps it.
  [[nodiscard]] bool TryAddKey(std::string_view key);
  /// In the middle of a unit that holds stripes: it goes on with the Gate held, which the caller
  /// gives back. False, and nothing has changed, if another unit is doing the same.
  [[nodiscard]] bool BecomeExclusive();
  /// Ends a unit that has only read and is going to be begun anew: what it was about to tell of
  /// keys that it missed will be told then.
  void FinishToRepeat();

  /// Settles, releases, frees. Does nothing if the unit has been finished already.
  void Finish() {
    if (phase_ == Phase::kIdle) return;
    if (must_settle_) [[unlikely]]
      Settle();
    Release();
    if (!garbage_.empty()) FreeGarbage();
  }

  // --- Facts.

  uint32_t db() const { return db_; }
  /// For SELECT inside EXEC.
  void set_db(uint32_t db) { db_ = db; }
  /// Wall clock in milliseconds, the same for the whole unit.
  int64_t now_ms() const { return now_ms_; }
  store::Keyspace& keyspace() { return keyspace_; }
  const UnitCounters& counters() const { return counters_; }
  void ResetCounters() { counters_ = UnitCounters(); }
  /// Changes made by this unit so far.
  uint64_t changes() const { return changes_; }
  /// Up to what size values keep their compact encodings: as configured, or the defaults without a
  /// worker.
  const store::EncodingLimits& encoding_limits() const;

  /// While clients are paused nothing may change: what has expired is gone for them, but stays.
  bool IsExpiryOnHold() const;
  /// Counts fields that were deleted because their time had come.
  void CountExpiredFields(uint64_t fields) { counters_.expired_fields += fields; }

  // --- Looking up. A key whose time has come is deleted first (as an effect of its own, with event
  // and watchers), so it is never returned. Entries are valid until the next change of their key.

  /// For commands that read: counts hit or miss, tells "keymiss", notes the use.
  store::Entry* FindForRead(std::string_view key, uint8_t lookup = kLookupPlain);
  /// For commands that may change the key: notes the use.
  store::Entry* FindForWrite(std::string_view key);
  /// Only looks.
  store::Entry* Find(std::string_view key) { return FindIn(db_, key); }
  store::Entry* FindIn(uint32_t db, std::string_view key);

  // --- Changing. Each marks watchers, counts a change and serves those who wait for the key (when
  // the unit settles); effects and events are the command's to tell, but for "new", which is told
  // here.

  store::Entry* SetString(std::string_view key, store::StringInput value,
                          store::ExpirePolicy expire = store::ExpirePolicy::Clear()) {
    return SetStringIn(db_, key, std::move(value), expire);
  }
  /// `entry` as returned by a lookup of `key`, a string.
  store::Entry* Append(std::string_view key, store::Entry* entry, std::string_view bytes);
  store::Entry* SetRange(std::string_view key, store::Entry* entry, size_t offset,
                         std::string_view bytes);
  /// Makes a string at least `min_size` bytes long and hands it out for writing; see
  /// Stripe::EditString. `bytes` are valid until the next change of the key.
  store::Entry* EditString(std::string_view key, store::Entry* entry, size_t min_size,
                           std::span<char>& bytes);
  /// Puts a value that is not a string at `key`, whatever was there.
  store::Entry* SetObject(std::string_view key, std::unique_ptr<store::ValueObject> object,
                          store::ExpirePolicy expire = store::ExpirePolicy::Clear()) {
    return SetObjectIn(db_, key, std::move(object), expire);
  }
  store::Entry* SetObjectIn(uint32_t db, std::string_view key,
                            std::unique_ptr<store::ValueObject> object, store::ExpirePolicy expire);
  /// Adds a value that an Edit fills at once, at a key where nothing is. Counts no change.
  store::Entry* AddObject(std::string_view key, std::unique_ptr<store::ValueObject> object);
  /// Deletes a value that an Edit has emptied. Counts no change.
  void DeleteEmpty(std::string_view key);
  /// The object of `key` was changed in place `changes` times and had `bytes_before` before. Use
  /// Edit. `is_quiet`: watchers and waiters do not learn of it.
  void ObjectChanged(std::string_view key, const store::Entry& entry, size_t bytes_before,
                     uint64_t changes, bool is_quiet = false);
  /// True if there was such a key.
  bool Delete(std::string_view key) { return DeleteIn(db_, key); }
  bool DeleteIn(uint32_t db, std::string_view key);
  void SetExpire(std::string_view key, store::Entry* entry, int64_t at_ms);
  bool ClearExpire(std::string_view key, store::Entry* entry);
  /// SetString in another database, for COPY.
  store::Entry* SetStringIn(uint32_t db, std::string_view key, store::StringInput value,
                            store::ExpirePolicy expire);
  /// Moves an existing key, replacing what is at `to`. May cross stripes and databases.
  void Move(uint32_t from_db, std::string_view from, uint32_t to_db, std::string_view to);
  /// Empties one database or all (`db` < 0). Exclusive units only. Returns the number of keys that
  /// went.
  size_t Flush(int db);
  /// Exclusive units only.
  void SwapDb(uint32_t a, uint32_t b);

  /// Starts watching `key` for `token`.
  void Watch(std::string_view key, const store::WatchTokenRef& token);
  void Unwatch(uint32_t db, std::string_view key, uint64_t hash, const store::WatchToken* token);
  /// True if the watched key has expired since, without having been deleted.
  bool WatchedKeyExpired(uint32_t db, std::string_view key, uint64_t hash,
                         const store::WatchToken* token);

  // --- Waiting. See blocking.h.

  /// Puts `waiter` into the list of a planned key. `demands`: the stripe of another planned key
  /// that serving it will need, or -1.
  void Wait(uint32_t db, std::string_view key, store::WaiterRef waiter, int demands);
  void StopWaiting(uint32_t db, std::string_view key, const store::Waiter* waiter, int demands);

  /// Tries to serve those who wait for `key` though it was not changed, when the unit settles.
  void TryWaiters(std::string_view key);

  // --- Client-side caching. See pubsub/tracking.h.

  /// Remembers that `id` has read a planned key; 1 if that was not known.
  uint64_t Remember(std::string_view key, ClientId id);
  /// Changes of the unit's own client that it is to be told of after its reply; nothing stands for
  /// all keys. Kept beyond Finish.
  std::vector<std::optional<std::string>>& own_invalidations() { return own_invalidations_; }

  // --- What others learn of it.

  /// Notes an effect of this unit. Costs one branch while nobody collects them.
  template <typename... Args>
  void Replicate(const Args&... args) {
    if (sink_ == nullptr) [[likely]]
      return;
    ReplicateList({EffectArg(args)...});
  }

  /// Notes a request as it came as the effect of this unit: for commands that do the same wherever
  /// they are repeated.
  void Replicate(std::span<const std::string_view> args) {
    if (sink_ != nullptr) [[unlikely]]
      ReplicateSpan(args);
  }
  /// Whether effects are collected: for commands that must put theirs together.
  bool collects_effects() const { return sink_ != nullptr; }
  /// While set, commands' effects are left out: a script asked for it (redis.set_repl).
  void MuteEffects(bool is_muted) { mutes_effects_ = is_muted; }

  /// Tells a keyspace event of `event_class` (one NotifyFlag), if configured and somebody listens.
  /// `event` must be a literal. Posted by Finish, in the order of the calls.
  void Notify(NotifyFlag event_class, const char* event, std::string_view key) {
    NotifyIn(db_, event_class, event, key);
  }
  void NotifyIn(uint32_t db, NotifyFlag event_class, const char* event, std::string_view key) {
    if ((*notify_flags_ & event_class) == 0) [[likely]]
      return;
    NoteEvent(db, event_class, event, key);
  }

  /// PUBLISH and SPUBLISH. At once outside EXEC; inside it the message leaves with the other news
  /// of the unit, in order. Returns the number of receivers seen now.
  uint64_t Publish(Space space, std::string_view channel, const Payload& payload);
  /// Posts events and deferred messages noted so far. For EXEC, before a queued SUBSCRIBE: what was
  /// published earlier must not reach the new subscription.
  void PostNews();
  /// From here on the unit is an EXEC.
  void DeferPublishes() { defers_publishes_ = true; }

  /// Collects the effects of units on this thread's unit; null: nobody does.
  void set_effect_sink(EffectSink* sink) { sink_ = sink; }

 private:
  enum class Phase : uint8_t { kIdle, kPlan, kLocked, kExclusive };

  /// News for the hub, in the order in which it came about.
  struct News {
    const char* event = nullptr;  // null: a message
    NotifyFlag event_class{};
    Space space = Space::kChannel;
    uint32_t db = 0;
    std::string name;  // the key, or the channel
    std::string payload;
  };

  void Attach(Worker& worker);
  void AddStripe(int index);
  void DropPlan();
  bool LockMany(bool may_visit);
  bool LockAll();
  void UnlockMany();
  /// Widens the locked set until it holds what serving any waiter of its stripes may need.
  bool LockDemands(bool may_visit);
  bool AddDemands();
  void Release() NO_THREAD_SAFETY_ANALYSIS {
    if (phase_ == Phase::kLocked) {
      if (stripe_count_ == 1) [[likely]] {
        first_->mutex().Unlock();
      } else if (stripe_count_ > 1) {
        UnlockMany();
      }
    }
    stripe_count_ = 0;
    changes_ = 0;
    defers_publishes_ = false;
    cached_key_ = {};
    phase_ = Phase::kIdle;
  }
  void Settle();
  /// Marks the watchers of a changed key, and notes it if somebody waits for it or has read it.
  /// `by_nobody`: its time had come.
  void Touched(store::Stripe& stripe, uint32_t db, std::string_view key, uint64_t hash,
               bool by_nobody = false);
  void NoteInvalidation(store::Stripe& stripe, std::string_view key, uint64_t hash, bool by_nobody);
  void PostInvalidations();
  void TouchedAll(uint32_t db);
  /// Tells all clients that track that every key may have changed.
  void InvalidateAll();
  void ServeWaiters();
  void ServeKey(uint32_t db, std::string_view key);
  void FreeGarbage();
  uint64_t HashOf(std::string_view key) const {
    const bool cached = key.data() == cached_key_.data() && key.size() == cached_key_.size();
    return cached ? cached_hash_ : store::HashKey(key);
  }
  void Touch(store::Entry* entry, bool even_if_no_touch, bool is_write);
  store::Entry* FindHashed(uint32_t db, std::string_view key, uint64_t hash);
  /// Deletes an expired key unless expiry is on hold. Null always.
  store::Entry* Expire(uint32_t db, std::string_view key, uint64_t hash);
  void CountChange() {
    ++counters_.changes;
    ++changes_;
  }
  void ReplicateList(std::initializer_list<EffectArg> args);
  void ReplicateSpan(std::span<const std::string_view> args);
  void NoteEvent(uint32_t db, NotifyFlag event_class, const char* event, std::string_view key);
  void PublishEvent(const News& news);

  static constexpr uint32_t kNoNotifyFlags = 0;
  static constexpr std::atomic<uint32_t> kNoTrackers{0};

  store::Keyspace& keyspace_;
  Worker* worker_ = nullptr;
  Client* client_ = nullptr;
  const Config* config_ = nullptr;  // null without a worker
  const uint32_t* notify_flags_ = &kNoNotifyFlags;
  const std::atomic<uint32_t>* trackers_ = &kNoTrackers;
  EffectSink* sink_ = nullptr;
  store::Stripe* first_ = nullptr;
  std::string_view cached_key_;  // the first planned key
  uint64_t cached_hash_ = 0;
  int64_t now_ms_ = 0;
  size_t stripe_count_ = 0;
  uint64_t changes_ = 0;
  uint32_t db_ = 0;
  int first_index_ = 0;
  Phase phase_ = Phase::kIdle;
  bool must_settle_ = false;
  bool defers_publishes_ = false;
  bool mutes_effects_ = false;
  std::vector<int> stripes_;  // all of them, once there are two; sorted by LockMany
  std::vector<int> locked_;   // working memory of AddDemands
  store::Garbage garbage_;
  std::vector<Effect> effects_;
  std::vector<News> news_;
  std::vector<std::pair<uint32_t, std::string>> ready_;  // keys changed that somebody waits for
  std::vector<Invalidation> invalidations_;
  std::vector<std::optional<std::string>> own_invalidations_;
  ClientId served_ = 0;          // who waited and is being served
  std::string_view served_key_;  // for which key; while served_ is set
  std::string channel_scratch_;
  UnitCounters counters_;
};

}  // namespace peal::broker
