#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "broker/net/arena.h"
#include "broker/net/inbox.h"
#include "broker/net/reactor.h"
#include "broker/pubsub/hub.h"
#include "broker/pubsub/invalidation.h"
#include "broker/pubsub/subscriber.h"
#include "patterns/pattern_tree.h"
#include "protocol/base/ref.h"
#include "store/keyspace/keyspace.h"
#include "store/sync/distributed_rwlock.h"
#include "store/sync/mutex.h"

namespace peal::broker {

class Tracking;
struct Tracker;

/// What CLIENT TRACKING asks for beside ON.
struct TrackingOptions {
  ClientId redirect = 0;  // who gets the invalidations; 0: the client itself
  bool is_broadcast = false;
  bool is_opt_in = false;
  bool is_opt_out = false;
  bool no_loop = false;
};

/// A prefix that clients in broadcasting mode asked for.
struct TrackingPrefix : protocol::RefCounted<TrackingPrefix> {
  /// What belongs to one reactor.
  struct Part {
    std::vector<Tracker*> trackers;           // who hears of changes from now on
    std::map<std::string, ClientId> changed;  // keys to tell of, and who changed each last
  };

  TrackingPrefix(std::string_view prefix, size_t reactors)
      : name(prefix), members(reactors), parts(reactors) {}

  const std::string name;
  patterns::PatternId id = 0;
  std::vector<uint32_t> members;  // clients of each reactor; guarded by the lock of the prefixes
  std::vector<Part> parts;        // by reactor, each only its thread's
};

using TrackingPrefixRef = protocol::Ref<TrackingPrefix>;

/// A client that has, or had, tracking on, or gets another's invalidations. Its reactor's thread,
/// or any while all reactors are parked; known to others by its id.
struct Tracker {
  explicit Tracker(Subscriber& own) : subscriber(own) {}

  /// Whether what the client reads now is remembered.
  bool Remembers() const {
    return is_on && !options.is_broadcast && (!options.is_opt_in || is_caching_told) &&
           (!options.is_opt_out || !is_caching_told);
  }

  Subscriber& subscriber;
  TrackingOptions options;
  bool is_on = false;
  /// What is posted to all reached the reactor after tracking was turned on, not before.
  bool is_settled = false;
  bool is_caching_told = false;  // CLIENT CACHING came and holds for the next command
  bool is_redirect_broken = false;
  uint32_t generation = 0;  // of `is_on`
  std::map<std::string, TrackingPrefixRef, std::less<>> prefixes;
  size_t prefix_bytes = 0;
  std::vector<TrackingPrefixRef> joining;  // of `prefixes`, not heard yet
  uint64_t remembered = 0;                 // about how often its id went into the table
};

/// A reactor's part in tracking: its trackers, and invalidations on their way to and from them. Its
/// thread, unless marked.
class TrackingPort {
 public:
  TrackingPort(Tracking& tracking, HubPort& hub_port);

  // --- Clients.

  /// The tracker of a client, made if there is none. Also with all reactors parked.
  Tracker& Ensure(Subscriber& subscriber);
  /// Turns tracking on, or changes how. Broadcasting: `prefixes` are added; none is every key.
  void Enable(Tracker& tracker, const TrackingOptions& options,
              const std::vector<std::string_view>& prefixes);
  void Disable(Tracker& tracker);
  /// The client has gone.
  void Forget(Tracker& tracker);

  // --- Keys. Under the lock of `stripe`.

  /// Remembers that `id` has read `key`; 1 if that was not known.
  uint64_t Remember(store::Stripe& stripe, std::string_view key, uint64_t hash, ClientId id);

  // --- Telling. While the stripes of the keys are held.

  /// Posts to the readers, and to those who have asked for a prefix of the key.
  void Post(const Invalidation& invalidation);
  /// Everything went: posts a null to all trackers but `except`, and forgets who has read what.
  void PostFlush(ClientId except, store::Garbage& garbage);

  /// Tells the client of one of its own changes; nothing: that all keys went. Nothing of a reply
  /// must be half written to its connection.
  void TellOwn(Tracker& tracker, const std::optional<std::string>& key);
  /// Tells broadcasting trackers what the inbox brought. Nothing of a reply must be half written to
  /// any connection.
  void TellChanges();

  /// Forgets keys above `max_keys` (0: no limit), a slice of them. True if work is left. The thread
  /// holds no lock.
  bool ForgetKeys(uint64_t max_keys);
  /// The same, and ids of clients that have gone, at the end of a turn.
  bool Step(uint64_t max_keys);

 private:
  friend class Tracking;

  struct ReadersNode;
  struct ChangeNode;
  struct FlushNode;
  struct JoinNode;
  struct RedirectNode;
  struct BrokenNode;
  struct Message;

  void Push(int reactor, InboxNode* node, size_t bytes);
  void Took(size_t bytes);
  Tracker* Find(ClientId id);
  void PostReaders(std::string_view key, const std::vector<ClientId>& readers, ClientId changer);
  void PostChange(const Invalidation& invalidation);
  void Join(ClientId id, uint32_t generation);
  void Note(TrackingPrefix& prefix, std::string_view key, ClientId changer);
  void Tell(TrackingPrefix& prefix);
  void Send(Tracker& tracker, Message& message);
  void SendTo(Subscriber& subscriber, Message& message, bool is_redirected);
  void Redirect(ClientId from, ClientId to, Message& message);
  void RedirectIsBroken(Tracker& tracker);
  /// Takes any key out of the table and tells its readers, if there are more than `max_keys`; false
  /// if there are not.
  bool ForgetAny(uint64_t max_keys);
  bool Sweep();

  Tracking& tracking_;
  HubPort& hub_port_;
  Reactor& reactor_;
  std::unordered_map<ClientId, Tracker> trackers_;
  Arena pushes_;
  Arena messages_;
  std::map<std::string_view, TrackingPrefixRef> changed_;  // by name, as they are told
  size_t changed_bytes_ = 0;
  patterns::MatchScratch scratch_;
  std::vector<patterns::PatternId> matches_;
  std::vector<ClientId> readers_;                  // working memory
  std::vector<std::vector<ClientId>> by_reactor_;  // working memory of PostReaders
  bool is_sweeper_ = false;
  int sweep_stripe_ = 0;
  size_t sweep_position_ = 0;
};

/// Client-side caching: which clients are to be told of which changes.
///
/// Who has read a key stands in the key's stripe, as an id, written under the same lock under which
/// it was read; whoever changes the key takes the entry and posts to the readers' reactors before
/// the stripe is released. Broadcasting clients have prefixes instead, which a tree finds. See
/// DESIGN.md. [any thread] unless marked.
class Tracking {
 public:
  Tracking(store::Keyspace& keyspace, size_t reactors);
  Tracking(const Tracking&) = delete;
  Tracking& operator=(const Tracking&) = delete;
  ~Tracking();

  /// Connected clients that were ever told of changes; while it is 0 nobody is to be told anything.
  const std::atomic<uint32_t>& trackers() const { return trackers_; }
  bool has_prefixes() const { return prefix_count_.load(std::memory_order_acquire) != 0; }

  /// Takes those who have read `key` out of its stripe, whose lock is held. One branch if nobody
  /// has read anything there.
  bool Take(store::Stripe& stripe, std::string_view key, uint64_t hash,
            std::vector<ClientId>& readers);

  // For INFO.
  uint64_t keys() const { return keys_.load(std::memory_order_relaxed); }
  uint64_t ids() const { return ids_.load(std::memory_order_relaxed); }
  uint64_t prefixes() const { return prefix_count_.load(std::memory_order_relaxed); }

 private:
  friend class TrackingPort;

  TrackingPort& PortOf(const Reactor& reactor) {
    return *ports_[static_cast<size_t>(reactor.index())];
  }
  TrackingPrefixRef JoinPrefix(std::string_view name, int reactor);
  void LeavePrefix(TrackingPrefix& prefix, int reactor);
  /// Whether so many readers have gone that looking for them pays.
  bool NeedsSweep() const;

  store::Keyspace& keyspace_;
  std::vector<TrackingPort*> ports_;
  std::atomic<uint32_t> trackers_{0};
  // Changed only under the lock of the stripe that what they count is in: whoever waits for a
  // stripe may let a flush go first, which sets them to 0.
  std::atomic<uint64_t> keys_{0};
  std::atomic<uint64_t> ids_{0};
  std::atomic<uint64_t> dead_ids_{0};  // at most: what clients that have gone left behind
  std::atomic<bool> is_sweeping_{false};
  store::Mutex alive_mutex_{store::LockRank::kLeaf};
  std::unordered_set<ClientId> alive_ GUARDED_BY(alive_mutex_);  // all trackers

  store::DistributedRwLock prefix_lock_{store::LockRank::kPatternWriter};
  // Guarded by prefix_lock_:
  patterns::PatternTree tree_;  // of prefixes that are not empty, as globs
  std::map<std::string_view, TrackingPrefixRef> prefixes_;
  TrackingPrefix* everything_ = nullptr;  // the empty one
  std::atomic<uint64_t> prefix_count_{0};
};

}  // namespace peal::broker
