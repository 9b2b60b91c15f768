#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/net/arena.h"
#include "broker/net/inbox.h"
#include "broker/net/reactor.h"
#include "broker/pubsub/channel_table.h"
#include "broker/pubsub/target.h"
#include "patterns/pattern_tree.h"
#include "store/sync/distributed_rwlock.h"

namespace peal::broker {

class Hub;

/// What is published. Binary safe.
struct Payload {
  std::string_view bytes;
  /// When not null: `bytes` lie in this block, with `headroom` unused bytes before them and two
  /// behind; they are then sent from there. The hub takes references of its own and may write the
  /// unused bytes once, so a block serves one Publish.
  Buffer* block = nullptr;
  uint32_t headroom = 0;
};

/// Messages for one target that reactors hand to their subscribers: a run of frames, or one frame
/// and a tail. Posted to one reactor.
struct Delivery : InboxNode {
  Hub* hub = nullptr;
  Target* target = nullptr;  // referenced
  Buffer* buffer = nullptr;  // referenced
  uint32_t begin = 0;
  /// Where the run ends. While the node is the last of its inbox its producer may move it on; the
  /// reactor closes it with kTaken.
  std::atomic<uint32_t> end{0};
  Range tail;  // referenced if its length is not 0
  std::atomic<uint32_t> refs{0};

  static constexpr uint32_t kTaken = UINT32_MAX;
  void Unref();
};

/// A reactor's part in the hub: where it encodes messages and what it posted last. Reactor thread
/// only.
class HubPort {
 public:
  HubPort(Hub& hub, Reactor& reactor, int reactors);
  ~HubPort();

  Reactor& reactor() { return reactor_; }
  /// Wakes the reactors that got posts since the last call. Before any reply of this turn is sent.
  void WakeTouched();
  /// Has WakeTouched wake `reactor`, too: something else was pushed to its inbox.
  void Touch(int reactor) { touched_ |= uint64_t{1} << reactor; }
  /// Posts something else that counts for `bytes` until it has been taken.
  void Push(int reactor, InboxNode* node, size_t bytes);
  /// Lets go of blocks and nodes kept for extending. When the reactor goes idle.
  void Trim();
  /// The last Publish found an inbox above the soft limit.
  bool TakeCongestion() {
    const bool congested = congested_;
    congested_ = false;
    return congested;
  }
  uint64_t published() const { return published_; }
  uint64_t delivered() const { return delivered_; }

 private:
  friend class Hub;
  friend struct Delivery;

  struct Last {
    Delivery* delivery = nullptr;  // referenced
    Target* target = nullptr;      // for comparing only
  };

  Hub& hub_;
  Reactor& reactor_;
  Arena channel_frames_;
  Arena pattern_frames_;
  Arena converted_;  // RESP3 versions of runs
  std::vector<Last> last_;
  patterns::MatchScratch scratch_;
  std::vector<patterns::PatternId> matches_;
  uint64_t touched_ = 0;
  uint64_t published_ = 0;
  uint64_t delivered_ = 0;
  // While messages of before a change of subscriptions are delivered: who does not get those of a
  // target yet, and who still does.
  const Target* changed_target_ = nullptr;
  const Subscriber* joining_ = nullptr;
  Subscriber* leaving_ = nullptr;
  bool congested_ = false;
};

/// Channels, patterns and shard channels with their subscribers; takes messages to them.
///
/// PUBLISH encodes a message once for each target it meets (the channel, and each matching pattern)
/// and posts one node for each to every reactor that has subscribers of it, its own included, while
/// it holds the lock of the channel's shard: so all reactors see one order. Reactors hold the lists
/// of their own subscribers. See DESIGN.md. All methods: reactor threads, inside a turn.
class Hub {
 public:
  Hub(std::vector<Reactor*> reactors, int64_t inbox_soft_limit_bytes);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  ~Hub();

  /// Sends `payload` to the subscribers of `channel` (kChannel: and of the patterns it matches;
  /// kShard: shard channel). Returns how many frames are on their way.
  uint64_t Publish(HubPort& port, Space space, std::string_view channel, const Payload& payload);

  /// How many frames Publish would send now.
  uint64_t CountReceivers(HubPort& port, Space space, std::string_view channel);

  /// True if some message could be delivered at all: a cheap test before making one.
  bool HasAudience() const {
    return channels_.size() != 0 || pattern_count_.load(std::memory_order_relaxed) != 0;
  }

  /// Adds `name` to what `subscriber` gets; false if it had it. Messages published before this call
  /// never reach it. May deliver others' messages, so nothing must be half written to connections.
  bool Subscribe(HubPort& port, Space space, std::string_view name, Subscriber& subscriber);
  /// False if the subscriber did not hold it. Messages published before this call reach it still,
  /// now; none later does. As Subscribe, nothing must be half written to connections.
  bool Unsubscribe(HubPort& port, Space space, std::string_view name, Subscriber& subscriber);
  /// Drops some subscription of `space`, writing its name to `name` unless null; false if none is
  /// left.
  bool UnsubscribeAny(HubPort& port, Space space, Subscriber& subscriber, uint64_t& hint,
                      std::string* name);

  /// Takes every subscription from `subscriber`, whichever reactor it is on, without delivering
  /// anything. The caller holds the Gate: its reactor is parked outside of any walk over the lists.
  void DropAll(Subscriber& subscriber);

  /// Whether `is_allowed` holds for the names of all that `subscriber` holds. The caller holds the
  /// Gate.
  template <typename Predicate>
  bool AllOfSubscriptions(Space space, const Subscriber& subscriber, Predicate&& is_allowed) const {
    bool all = true;
    subscriber.subscriptions(space).ForEach(
        [&](const Target* target) { all = all && is_allowed(NameOf(space, *target)); });
    return all;
  }
  /// Copies of the names that `subscriber` holds.
  std::vector<std::string> Subscriptions(Space space, const Subscriber& subscriber);

  ChannelTable& channels() { return channels_; }
  ChannelTable& shard_channels() { return shard_channels_; }
  uint64_t PatternCount() const { return pattern_count_.load(std::memory_order_relaxed); }
  std::atomic<int64_t>& inbox_soft_limit() { return inbox_soft_limit_; }
  /// True if no inbox is above half the soft limit.
  bool IsCalm() const;

 private:
  friend struct Delivery;

  std::string_view NameOf(Space space, const Target& target) const;
  ChannelTable& Table(Space space) { return space == Space::kShard ? shard_channels_ : channels_; }
  uint64_t Post(HubPort& port, Target* target, Range frame, Range tail);
  void Deliver(HubPort& port, Target* target, Range run, Range tail);
  LocalSubscribers LocalOf(HubPort& port, Target* target);
  bool SubscribeChannel(HubPort& port, Space space, std::string_view name, Subscriber& subscriber);
  bool SubscribePattern(HubPort& port, std::string_view name, Subscriber& subscriber);
  void Remove(HubPort& port, Target* target, Subscriber& subscriber);
  /// Takes `subscriber` off the target's list; true if nobody is left. Under the target's lock.
  void RemovePattern(Target* target);
  bool TakeOff(Target* target, int reactor, Subscriber& subscriber);
  void DeliverEarlier(HubPort& port, const Target* target, const Subscriber* joining,
                      Subscriber* leaving);

  static void RunDelivery(InboxNode* node, Reactor& reactor);

  const std::vector<Reactor*> reactors_;
  std::vector<HubPort*> ports_;
  ChannelTable channels_;
  ChannelTable shard_channels_;
  store::DistributedRwLock pattern_lock_{store::LockRank::kPatternWriter};
  patterns::PatternTree patterns_;  // guarded by pattern_lock_, as every pattern's interest
  std::atomic<uint64_t> pattern_count_{0};
  std::atomic<int64_t> inbox_soft_limit_;

  friend class HubPort;
};

}  // namespace peal::broker
