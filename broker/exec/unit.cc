#include "broker/exec/unit.h"

#include <algorithm>
#include <string>
#include <utility>

#include "broker/exec/blocking.h"
#include "broker/exec/client.h"
#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/keyspace/usage.h"
#include "broker/pubsub/hub.h"
#include "broker/pubsub/tracking.h"
#include "protocol/base/check.h"
#include "store/sync/futex.h"

namespace peal::broker {
namespace {

using store::Entry;
using store::ExpirePolicy;
using store::Stripe;

}  // namespace

Unit::Unit(store::Keyspace& keyspace) : keyspace_(keyspace) {}

Unit::~Unit() { PEAL_DCHECK(phase_ == Phase::kIdle); }

void Unit::Attach(Worker& worker) {
  worker_ = &worker;
  config_ = &worker.server().config();
  notify_flags_ = &config_->notify_keyspace_events;
  trackers_ = &worker.server().tracking().trackers();
}

const store::EncodingLimits& Unit::encoding_limits() const {
  static constexpr store::EncodingLimits kDefaults;
  return config_ != nullptr ? config_->encoding : kDefaults;
}

// ---------------------------------------------------------------- phases

void Unit::AddStripe(int index) {
  if (stripes_.empty()) stripes_.push_back(first_index_);
  // So that the count of a small plan is exact; LockMany sees to the rest.
  if (stripes_.size() <= kExactPlan &&
      std::find(stripes_.begin(), stripes_.end(), index) != stripes_.end()) {
    return;
  }
  stripes_.push_back(index);
  ++stripe_count_;
}

void Unit::DropPlan() {
  stripes_.clear();
  stripe_count_ = 0;
}

bool Unit::LockAll() NO_THREAD_SAFETY_ANALYSIS {
  for (size_t i = 0; i < stripes_.size(); ++i) {
    if (keyspace_.stripe(stripes_[i]).mutex().LockUnlessWanted()) continue;
    while (i-- > 0) keyspace_.stripe(stripes_[i]).mutex().Unlock();
    return false;
  }
  return true;
}

bool Unit::LockMany(bool may_visit) NO_THREAD_SAFETY_ANALYSIS {
  // Nothing has been done yet, so everything may be let go of and taken again.
  std::sort(stripes_.begin(), stripes_.end());
  stripes_.erase(std::unique(stripes_.begin(), stripes_.end()), stripes_.end());
  for (;;) {
    if (!LockAll()) {
      if (!may_visit) {
        store::Gate::ThreadStepsAside();
        continue;
      }
      worker_->reactor().YieldToExclusive();
      if (!worker_->reactor().is_visit()) continue;
      DropPlan();
      Release();
      return false;
    }
    if (!AddDemands()) break;
    for (const int index : locked_) keyspace_.stripe(index).mutex().Unlock();
    std::sort(stripes_.begin(), stripes_.end());
  }
  stripe_count_ = stripes_.size();
  if (stripe_count_ == 1) stripes_.clear();  // a plan of one is kept in first_ alone
  return true;
}

bool Unit::LockDemands(bool may_visit) NO_THREAD_SAFETY_ANALYSIS {
  first_->mutex().Unlock();
  stripes_.assign(1, first_index_);
  return LockMany(may_visit);
}

bool Unit::TryAddKey(std::string_view key) NO_THREAD_SAFETY_ANALYSIS {
  constexpr int kTries = 200;  // about as long as a command takes
  PEAL_DCHECK(phase_ == Phase::kLocked && stripe_count_ > 0);
  if (Holds(key)) return true;
  const int index = keyspace_.StripeIndex(HashOf(key));
  Stripe& stripe = keyspace_.stripe(index);
  for (int i = 0; !stripe.mutex().TryLockInAnyOrder(); ++i) {
    if (i == kTries) return false;
    store::CpuRelax();
  }
  // Serving those who wait there would take stripes that are not held.
  if (stripe.demands() != nullptr) {
    stripe.mutex().Unlock();
    return false;
  }
  if (stripes_.empty()) stripes_.push_back(first_index_);
  stripes_.insert(std::lower_bound(stripes_.begin(), stripes_.end(), index), index);
  stripe_count_ = stripes_.size();
  return true;
}

bool Unit::BecomeExclusive() NO_THREAD_SAFETY_ANALYSIS {
  PEAL_DCHECK(phase_ == Phase::kLocked);
  if (!keyspace_.gate().Upgrade(worker_->reactor().index())) return false;
  // Nobody is in a turn any more: what was done under the stripes stays out of sight.
  if (stripe_count_ == 1) {
    first_->mutex().Unlock();
  } else {
    UnlockMany();
  }
  DropPlan();
  phase_ = Phase::kExclusive;
  return true;
}

void Unit::FinishToRepeat() {
  std::erase_if(news_, [](const News& news) { return news.event_class == kNotifyKeyMiss; });
  Finish();
}

bool Unit::AddDemands() {
  locked_ = stripes_;
  for (const int index : locked_) {
    const Stripe& stripe = keyspace_.stripe(index);
    stripe.AssertOwned();
    const std::vector<int>* demands = stripe.demands();
    if (demands == nullptr) continue;
    for (const int wanted : *demands) {
      if (std::find(stripes_.begin(), stripes_.end(), wanted) == stripes_.end()) {
        stripes_.push_back(wanted);
      }
    }
  }
  return stripes_.size() != locked_.size();
}

void Unit::UnlockMany() NO_THREAD_SAFETY_ANALYSIS {
  for (const int index : stripes_) keyspace_.stripe(index).mutex().Unlock();
  stripes_.clear();
}

bool Unit::TryLock() NO_THREAD_SAFETY_ANALYSIS {
  PEAL_DCHECK(phase_ == Phase::kPlan && stripe_count_ == 1);
  if (!first_->mutex().TryLock()) {
    stripe_count_ = 0;
    phase_ = Phase::kIdle;
    return false;
  }
  phase_ = Phase::kLocked;
  return true;
}

void Unit::Settle() {
  must_settle_ = false;
  // Who waited for what changed is told before it is served, as in Redis.
  PostInvalidations();
  if (!ready_.empty()) {
    ServeWaiters();
    PostInvalidations();
  }
  if (!effects_.empty()) {
    if (sink_ != nullptr) sink_->OnUnit(effects_);
    effects_.clear();
  }
  PostNews();
}

void Unit::PostNews() {
  for (const News& news : news_) {
    if (news.event != nullptr) {
      PublishEvent(news);
    } else {
      Payload payload;
      payload.bytes = news.payload;
      worker_->server().hub().Publish(worker_->hub_port(), news.space, news.name, payload);
    }
  }
  news_.clear();
}

void Unit::FreeGarbage() {
  if (worker_ != nullptr && garbage_.IsLarge()) {
    worker_->server().FreeLater(std::move(garbage_));
    garbage_ = store::Garbage();
  } else {
    garbage_.Drop();
  }
}

// ---------------------------------------------------------------- looking up

Entry* Unit::FindHashed(uint32_t db, std::string_view key, uint64_t hash) {
  Stripe& stripe = keyspace_.StripeOf(hash);
  stripe.AssertOwned();
  Entry* const entry = stripe.FindRaw(static_cast<int>(db), key, hash);
  if (entry == nullptr || !entry->IsExpired(now_ms_)) [[likely]]
    return entry;
  return Expire(db, key, hash);
}

Entry* Unit::FindIn(uint32_t db, std::string_view key) { return FindHashed(db, key, HashOf(key)); }

bool Unit::IsExpiryOnHold() const {
  if (worker_ == nullptr) return false;
  const Server& server = worker_->server();
  return server.pause_mode() != PauseMode::kNone && now_ms_ < server.pause_until_ms();
}

Entry* Unit::Expire(uint32_t db, std::string_view key, uint64_t hash) {
  if (IsExpiryOnHold()) return nullptr;
  Stripe& stripe = keyspace_.StripeOf(hash);
  stripe.AssertOwned();
  stripe.Erase(static_cast<int>(db), key, hash, garbage_);
  ++counters_.expired_keys;
  if (sink_ != nullptr) {
    effects_.push_back(Effect{db, {"DEL", std::string(key)}});
    must_settle_ = true;
  }
  NotifyIn(db, kNotifyExpired, "expired", key);
  Touched(stripe, db, key, hash, true);
  return nullptr;
}

void Unit::Touch(Entry* entry, bool even_if_no_touch, bool is_write) {
  if (!even_if_no_touch && client_ != nullptr && client_->session().no_touch) [[unlikely]]
    return;
  if (config_ != nullptr && !is_write && UsesModification(config_->maxmemory_policy)) [[unlikely]]
    return;
  if (config_ != nullptr && UsesFrequency(config_->maxmemory_policy)) [[unlikely]] {
    entry->set_lru(NoteFrequency(entry->lru(), now_ms_, *config_));
  } else {
    entry->set_lru(LruClock(now_ms_));
  }
}

Entry* Unit::FindForRead(std::string_view key, uint8_t lookup) {
  Entry* const entry = FindHashed(db_, key, HashOf(key));
  if (entry != nullptr) [[likely]] {
    if ((lookup & kLookupNoStats) == 0) ++counters_.keyspace_hits;
    if ((lookup & kLookupNoTouch) == 0) Touch(entry, (lookup & kLookupMustTouch) != 0, false);
    return entry;
  }
  if ((lookup & kLookupNoStats) == 0) ++counters_.keyspace_misses;
  if ((lookup & kLookupNoNotify) == 0) Notify(kNotifyKeyMiss, "keymiss", key);
  return nullptr;
}

Entry* Unit::FindForWrite(std::string_view key) {
  Entry* const entry = FindHashed(db_, key, HashOf(key));
  if (entry != nullptr) Touch(entry, false, true);
  return entry;
}

// ---------------------------------------------------------------- changing

Entry* Unit::SetStringIn(uint32_t db_number, std::string_view key, store::StringInput value,
                         ExpirePolicy expire) {
  const uint64_t hash = HashOf(key);
  const int db = static_cast<int>(db_number);
  Stripe& stripe = keyspace_.StripeOf(hash);
  stripe.AssertOwned();
  // A value whose time has come must not be kept, replaced or restored without its expiry being
  // told.
  if (stripe.volatile_size(db) != 0) FindHashed(db_number, key, hash);
  if ((*notify_flags_ & kNotifyNew) != 0 && stripe.FindRaw(db, key, hash) == nullptr) [[unlikely]] {
    NotifyIn(db_number, kNotifyNew, "new", key);
  }
  Entry* const entry = stripe.SetString(db, key, hash, std::move(value), expire, garbage_);
  Touch(entry, true, true);
  Touched(stripe, db_number, key, hash);
  CountChange();
  return entry;
}

Entry* Unit::SetObjectIn(uint32_t db_number, std::string_view key,
                         std::unique_ptr<store::ValueObject> object, ExpirePolicy expire) {
  const uint64_t hash = HashOf(key);
  const int db = static_cast<int>(db_number);
  Stripe& stripe = keyspace_.StripeOf(hash);
  stripe.AssertOwned();
  if (FindHashed(db_number, key, hash) == nullptr) NotifyIn(db_number, kNotifyNew, "new", key);
  Entry* const entry = stripe.SetObject(db, key, hash, std::move(object), expire, garbage_);
  Touch(entry, true, true);
  Touched(stripe, db_number, key, hash);
  CountChange();
  return entry;
}

Entry* Unit::AddObject(std::string_view key, std::unique_ptr<store::ValueObject> object) {
  const uint64_t hash = HashOf(key);
  Stripe& stripe = keyspace_.StripeOf(hash);
  stripe.AssertOwned();
  PEAL_DCHECK(FindHashed(db_, key, hash) == nullptr);
  Notify(kNotifyNew, "new", key);
  Entry* const entry = stripe.SetObject(static_cast<int>(db_), key, hash, std::move(object),
                                        ExpirePolicy::Clear(), garbage_);
  Touch(entry, true, true);
  return entry;
}

void Unit::DeleteEmpty(std::string_view key) {
  const uint64_t hash = HashOf(key);
  Stripe& stripe = keyspace_.StripeOf(hash);
  stripe.AssertOwned();
  stripe.Erase(static_cast<int>(db_), key, hash, garbage_);
  Touched(stripe, db_, key, hash);
}

void Unit::ObjectChanged(std::string_view key, const Entry& entry, size_t bytes_before,
                         uint64_t changes, bool is_quiet) {
  const uint64_t hash = HashOf(key);
  Stripe& stripe = keyspace_.StripeOf(hash);
  stripe.AssertOwned();
  stripe.BookInPlace(static_cast<int>(db_), key, *entry.object(), bytes_before);
  if (!is_quiet) Touched(stripe, db_, key, hash);
  counters_.changes += changes;
  changes_ += changes;
}

Entry* Unit::Append(std::string_view key, Entry* entry, std::string_view bytes) {
  const uint64_t hash = HashOf(key);
  const int db = static_cast<int>(db_);
  Stripe& stripe = keyspace_.StripeOf(hash);
  stripe.AssertOwned();
  entry = stripe.Append(db, entry, hash, bytes, garbage_);
  Touched(stripe, db_, key, hash);
  CountChange();
  return entry;
}

Entry* Unit::SetRange(std::string_view key, Entry* entry, size_t offset, std::string_view bytes) {
  const uint64_t hash = HashOf(key);
  const int db = static_cast<int>(db_);
  Stripe& stripe = keyspace_.StripeOf(hash);
  stripe.AssertOwned();
  entry = stripe.SetRange(db, entry, hash, offset, bytes, garbage_);
  Touched(stripe, db_, key, hash);
  CountChange();
  return entry;
}

Entry* Unit::EditString(std::string_view key, Entry* entry, size_t min_size,
                        std::span<char>& bytes) {
  const uint64_t hash = HashOf(key);
  Stripe& stripe = keyspace_.StripeOf(hash);
  stripe.AssertOwned();
  entry = stripe.EditString(static_cast<int>(db_), entry, hash, min_size, bytes, garbage_);
  Touched(stripe, db_, key, hash);
  CountChange();
  return entry;
}

bool Unit::DeleteIn(uint32_t db, std::string_view key) {
  const uint64_t hash = HashOf(key);
  Stripe& stripe = keyspace_.StripeOf(hash);
  stripe.AssertOwned();
  if (!stripe.Erase(static_cast<int>(db), key, hash, garbage_)) return false;
  Touched(stripe, db, key, hash);
  CountChange();
  return true;
}

void Unit::SetExpire(std::string_view key, Entry* entry, int64_t at_ms) {
  const uint64_t hash = HashOf(key);
  const int db = static_cast<int>(db_);
  Stripe& stripe = keyspace_.StripeOf(hash);
  stripe.AssertOwned();
  stripe.SetExpire(db, entry, hash, at_ms, garbage_);
  Touched(stripe, db_, key, hash);
  CountChange();
}

bool Unit::ClearExpire(std::string_view key, Entry* entry) {
  const uint64_t hash = HashOf(key);
  const int db = static_cast<int>(db_);
  Stripe& stripe = keyspace_.StripeOf(hash);
  stripe.AssertOwned();
  if (!stripe.ClearExpire(db, entry, hash, garbage_)) return false;
  Touched(stripe, db_, key, hash);
  CountChange();
  return true;
}

void Unit::Move(uint32_t from_db, std::string_view from, uint32_t to_db, std::string_view to) {
  const uint64_t from_hash = HashOf(from);
  const uint64_t to_hash = HashOf(to);
  Stripe& source = keyspace_.StripeOf(from_hash);
  source.AssertOwned();
  Entry* taken = source.Extract(static_cast<int>(from_db), from, from_hash, garbage_);
  PEAL_CHECK(taken != nullptr);
  if (from != to) {
    Entry* const renamed = Entry::Rebuild(taken, to, taken->expire_ms());
    garbage_.Add(taken);
    taken = renamed;
  }
  Stripe& target = keyspace_.StripeOf(to_hash);
  target.AssertOwned();
  target.Adopt(static_cast<int>(to_db), taken, to_hash, garbage_);
  Touched(source, from_db, from, from_hash);
  Touched(target, to_db, to, to_hash);
  CountChange();
}

size_t Unit::Flush(int db) {
  PEAL_CHECK(is_exclusive());
  const size_t removed = db < 0 ? keyspace_.FlushAll(garbage_) : keyspace_.FlushDb(db, garbage_);
  InvalidateAll();
  const auto databases = static_cast<uint32_t>(keyspace_.databases());
  for (uint32_t each = 0; each < databases; ++each) {
    if (db < 0 || each == static_cast<uint32_t>(db)) TouchedAll(each);
  }
  counters_.changes += removed;
  changes_ += removed;
  return removed;
}

void Unit::InvalidateAll() {
  if (trackers_->load(std::memory_order_relaxed) == 0) return;
  PostInvalidations();
  Tracker* const own = client_ != nullptr ? client_->session().tracker : nullptr;
  worker_->tracking_port().PostFlush(own != nullptr ? client_->id() : 0, garbage_);
  if (own != nullptr && own->is_on) own_invalidations_.emplace_back();
}

void Unit::SwapDb(uint32_t a, uint32_t b) {
  PEAL_CHECK(is_exclusive());
  keyspace_.SwapDb(static_cast<int>(a), static_cast<int>(b));
  InvalidateAll();
  TouchedAll(a);
  TouchedAll(b);
  CountChange();
}

// ---------------------------------------------------------------- waiting

void Unit::Touched(Stripe& stripe, uint32_t db, std::string_view key, uint64_t hash,
                   bool by_nobody) {
  stripe.AssertOwned();
  stripe.TouchWatchers(static_cast<int>(db), key, hash);
  if (trackers_->load(std::memory_order_relaxed) != 0) [[unlikely]]
    NoteInvalidation(stripe, key, hash, by_nobody);
  if (!stripe.has_waiters()) [[likely]]
    return;
  if (stripe.waits().Find(static_cast<int>(db), key) == nullptr) return;
  ready_.emplace_back(db, key);
  must_settle_ = true;
}

void Unit::TryWaiters(std::string_view key) {
  const Stripe& stripe = keyspace_.StripeOf(HashOf(key));
  stripe.AssertOwned();
  if (!stripe.has_waiters()) return;
  ready_.emplace_back(db_, key);
  must_settle_ = true;
}

void Unit::TouchedAll(uint32_t db) {
  for (int i = 0; i < keyspace_.stripe_count(); ++i) {
    Stripe& stripe = keyspace_.stripe(i);
    stripe.AssertOwned();
    if (!stripe.has_waiters()) continue;
    stripe.waits().ForEachKey(static_cast<int>(db),
                              [&](std::string_view key) { ready_.emplace_back(db, key); });
    must_settle_ = true;
  }
}

void Unit::ServeWaiters() {
  const uint32_t db = db_;
  // Serving changes keys in turn: BLMOVE pushes what it pops. Each round ends somebody's wait.
  for (size_t i = 0; i < ready_.size(); ++i) {
    const auto [key_db, key] = std::move(ready_[i]);
    ServeKey(key_db, key);
  }
  ready_.clear();
  db_ = db;
  must_settle_ = false;
}

void Unit::ServeKey(uint32_t db, std::string_view key) {
  Stripe& stripe = keyspace_.StripeOf(HashOf(key));
  stripe.AssertOwned();
  if (!stripe.has_waiters()) return;
  const bool was_there = FindIn(db, key) != nullptr;
  for (size_t i = 0;;) {
    const auto* const waiting = stripe.waits().Find(static_cast<int>(db), key);
    if (waiting == nullptr || i >= waiting->size()) return;
    const store::WaiterRef waiter = (*waiting)[i];
    if (!waiter->Claim()) {
      ++i;  // over; its own reactor takes it out
      continue;
    }
    db_ = db;
    auto& blocked = static_cast<BlockedClient&>(*waiter);
    served_ = blocked.id();
    served_key_ = key;
    const bool is_served = blocked.Serve(*this, key);
    served_ = 0;
    if (!is_served) {
      waiter->GiveBack();
      ++i;
      // Nobody finds anything in what has been emptied. A key that was missing all along is looked
      // at by everybody: its deletion ends the wait of those who read as a consumer group.
      if (was_there && FindIn(db, key) == nullptr) return;
      continue;
    }
    if (blocked.is_remembered()) Remember(key, blocked.id());
    waiter->MarkServed();
    stripe.waits().Remove(static_cast<int>(db), key, waiter.get(), blocked.demands());
    blocked.PostReply();
  }
}

void Unit::Wait(uint32_t db, std::string_view key, store::WaiterRef waiter, int demands) {
  Stripe& stripe = keyspace_.StripeOf(HashOf(key));
  stripe.AssertOwned();
  stripe.waits().Add(static_cast<int>(db), key, std::move(waiter), demands);
}

void Unit::StopWaiting(uint32_t db, std::string_view key, const store::Waiter* waiter,
                       int demands) {
  Stripe& stripe = keyspace_.StripeOf(HashOf(key));
  stripe.AssertOwned();
  if (stripe.has_waiters()) {
    stripe.waits().Remove(static_cast<int>(db), key, waiter, demands);
  }
}

// ---------------------------------------------------------------- client-side caching

uint64_t Unit::Remember(std::string_view key, ClientId id) {
  const uint64_t hash = HashOf(key);
  return worker_->tracking_port().Remember(keyspace_.StripeOf(hash), key, hash, id);
}

void Unit::NoteInvalidation(Stripe& stripe, std::string_view key, uint64_t hash, bool by_nobody) {
  Tracking& tracking = worker_->server().tracking();
  std::vector<ClientId> readers;
  tracking.Take(stripe, key, hash, readers);
  const ClientId caller = client_ != nullptr ? client_->id() : 0;
  ClientId changer = caller;
  // Who is served after waiting changes keys in its own name, but the key that it waited for was
  // changed by another, too.
  if (served_ != 0) changer = key == served_key_ ? 0 : served_;
  if (by_nobody) changer = 0;
  if (caller != 0 && std::erase(readers, caller) != 0) {
    const Tracker& own = *client_->session().tracker;
    const bool is_loop = own.options.no_loop && changer == caller;
    if (own.is_on && !own.options.is_broadcast && !is_loop) own_invalidations_.emplace_back(key);
  }
  if (readers.empty() && !tracking.has_prefixes()) return;
  invalidations_.push_back(
      {.key = std::string(key), .readers = std::move(readers), .changer = changer});
  must_settle_ = true;
}

void Unit::PostInvalidations() {
  for (const Invalidation& invalidation : invalidations_) {
    worker_->tracking_port().Post(invalidation);
  }
  invalidations_.clear();
}

// ---------------------------------------------------------------- watching

void Unit::Watch(std::string_view key, const store::WatchTokenRef& token) {
  const uint64_t hash = HashOf(key);
  Stripe& stripe = keyspace_.StripeOf(hash);
  stripe.AssertOwned();
  stripe.Watch(static_cast<int>(db_), key, hash, token, now_ms_);
}

void Unit::Unwatch(uint32_t db, std::string_view key, uint64_t hash,
                   const store::WatchToken* token) {
  Stripe& stripe = keyspace_.StripeOf(hash);
  stripe.AssertOwned();
  stripe.Unwatch(static_cast<int>(db), key, token);
}

bool Unit::WatchedKeyExpired(uint32_t db, std::string_view key, uint64_t hash,
                             const store::WatchToken* token) {
  Stripe& stripe = keyspace_.StripeOf(hash);
  stripe.AssertOwned();
  return stripe.WatchedKeyExpired(static_cast<int>(db), key, hash, token, now_ms_);
}

// ---------------------------------------------------------------- effects, events, messages

void Unit::ReplicateList(std::initializer_list<EffectArg> args) {
  if (mutes_effects_) return;
  Effect effect;
  effect.db = db_;
  effect.args.reserve(args.size());
  for (const EffectArg& arg : args) effect.args.emplace_back(arg.text());
  effects_.push_back(std::move(effect));
  must_settle_ = true;
}

void Unit::ReplicateSpan(std::span<const std::string_view> args) {
  if (mutes_effects_) return;
  Effect effect;
  effect.db = db_;
  effect.args.assign(args.begin(), args.end());
  effects_.push_back(std::move(effect));
  must_settle_ = true;
}

void Unit::NoteEvent(uint32_t db, NotifyFlag event_class, const char* event, std::string_view key) {
  if ((*notify_flags_ & (kNotifyKeyspace | kNotifyKeyevent)) == 0) return;
  if (!worker_->server().hub().HasAudience()) return;
  News& news = news_.emplace_back();
  news.event = event;
  news.event_class = event_class;
  news.db = db;
  news.name = key;
  must_settle_ = true;
}

void Unit::PublishEvent(const News& news) {
  Hub& hub = worker_->server().hub();
  HubPort& port = worker_->hub_port();
  ++counters_.events;
  Payload payload;
  const std::string db = std::to_string(news.db);
  if ((*notify_flags_ & kNotifyKeyspace) != 0) {
    channel_scratch_.assign("__keyspace@").append(db).append("__:").append(news.name);
    payload.bytes = news.event;
    hub.Publish(port, Space::kChannel, channel_scratch_, payload);
  }
  if ((*notify_flags_ & kNotifyKeyevent) != 0) {
    channel_scratch_.assign("__keyevent@").append(db).append("__:").append(news.event);
    payload.bytes = news.name;
    hub.Publish(port, Space::kChannel, channel_scratch_, payload);
  }
}

uint64_t Unit::Publish(Space space, std::string_view channel, const Payload& payload) {
  PEAL_DCHECK(worker_ != nullptr);
  Hub& hub = worker_->server().hub();
  if (!defers_publishes_) [[likely]] {
    return hub.Publish(worker_->hub_port(), space, channel, payload);
  }
  News& news = news_.emplace_back();
  news.space = space;
  news.name = channel;
  news.payload = payload.bytes;
  must_settle_ = true;
  return hub.CountReceivers(worker_->hub_port(), space, channel);
}

}  // namespace peal::broker
