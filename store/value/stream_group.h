#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "store/value/stream_id.h"

namespace peal::store {

class StreamConsumer;

/// An entry that was delivered to a consumer of a group and not acknowledged yet.
struct PendingEntry {
  int64_t delivered_ms = 0;  // wall clock, of the last delivery; StreamGroup::SetDelivered
  uint64_t deliveries = 0;
  StreamConsumer* consumer = nullptr;  // never null
  uint64_t order = 0;                  // among those delivered at the same time; the group's

  /// Counts one more delivery.
  void CountDelivery() {
    if (deliveries < INT64_MAX) ++deliveries;
  }
};

/// A consumer of a group, by name. Its group owns it. What XNACK released belongs to one without a
/// name that is not among the consumers().
class StreamConsumer {
 public:
  static constexpr int64_t kNever = -1;

  explicit StreamConsumer(std::string_view name, int64_t now_ms) : seen_ms(now_ms), name_(name) {}

  const std::string& name() const { return name_; }
  /// What it has got and not acknowledged; the entries are those of the group.
  const std::map<StreamId, PendingEntry*>& pending() const { return pending_; }

  int64_t seen_ms;             // when it last asked for something
  int64_t active_ms = kNever;  // when it last got something

 private:
  friend class StreamGroup;

  std::string name_;
  std::map<StreamId, PendingEntry*> pending_;
};

/// A consumer group of a stream: how far it has read, its consumers and what is pending. The stream
/// owns it. Needs the stripe's lock.
class StreamGroup {
 public:
  static constexpr int64_t kUnknown = -1;
  using Consumers = std::map<std::string, std::unique_ptr<StreamConsumer>, std::less<>>;

  /// Books its heap bytes in `bytes`, which must outlive it.
  StreamGroup(std::string_view name, StreamId last, int64_t read, size_t& bytes);
  StreamGroup(const StreamGroup&) = delete;
  StreamGroup& operator=(const StreamGroup&) = delete;
  ~StreamGroup();

  const std::string& name() const { return name_; }
  const Consumers& consumers() const { return consumers_; }
  /// What is pending, by id.
  const std::map<StreamId, PendingEntry>& pending() const { return pending_; }

  StreamConsumer* FindConsumer(std::string_view name) const;
  /// There must be none of that name yet.
  StreamConsumer& AddConsumer(std::string_view name, int64_t now_ms);
  /// With what is pending for it. Returns how much that was.
  size_t DeleteConsumer(StreamConsumer& consumer);

  PendingEntry* FindPending(StreamId id);
  /// Makes `id` pending for `consumer`, whoever had it before.
  PendingEntry& SetPending(StreamId id, StreamConsumer& consumer, int64_t delivered_ms,
                           uint64_t deliveries);
  /// Notes when a pending entry was delivered.
  void SetDelivered(StreamId id, PendingEntry& entry, int64_t delivered_ms);
  /// Gives a pending entry to another consumer.
  void Reassign(StreamId id, PendingEntry& entry, StreamConsumer& consumer);
  /// False if it is not pending.
  bool DeletePending(StreamId id);

  /// Makes `id` pending for nobody, as if it had been delivered before all others.
  PendingEntry& Release(StreamId id, uint64_t deliveries);
  bool IsReleased(const PendingEntry& entry) const { return entry.consumer == released_.get(); }
  /// What XNACK released; null if it never did.
  const StreamConsumer* released() const { return released_.get(); }

  /// The pending entry whose last delivery lies back the longest; of several the one that was first
  /// noted; null if nothing is pending. The first call takes O(n log n) and memory for an index,
  /// which is kept from then on.
  const std::pair<const StreamId, PendingEntry>* LongestPending();
  /// What PendingEntry::order will be next: those below it were there before.
  uint64_t next_order() const { return next_order_; }

  /// Whether consumers, what is pending and the index fit together.
  bool IsSound() const;

  std::unique_ptr<StreamGroup> Clone(size_t& bytes) const;

  StreamId last_id;      // of what was delivered
  int64_t entries_read;  // how many entries of the stream lie up to last_id, or kUnknown

 private:
  using ByTime = std::set<std::tuple<int64_t, uint64_t, StreamId>>;  // delivered_ms, order

  StreamConsumer& Released();
  /// Notes the delivery of an entry that is not in the index.
  void List(StreamId id, PendingEntry& entry, int64_t delivered_ms);
  /// Takes an entry out of the index, to be changed.
  void Unlist(StreamId id, const PendingEntry& entry);

  std::string name_;
  size_t& bytes_;
  Consumers consumers_;
  std::map<StreamId, PendingEntry> pending_;
  uint64_t next_order_ = 0;
  std::unique_ptr<StreamConsumer> released_;
  std::unique_ptr<ByTime> by_time_;  // of pending_, once it was asked for
};

}  // namespace peal::store
