#include "broker/pubsub/hub.h"

#include <cstring>

#include "broker/pubsub/frame.h"
#include "protocol/base/check.h"
#include "store/sync/chaos.h"

namespace peal::broker {
namespace {

// From here on a message gets a block of its own, of its own size: copying it among others would
// cost more than an extra range in a gathered write, and a slow reader would pin its neighbours.
constexpr size_t kOwnBlockBytes = 8 * 1024;

std::string_view HeadOf(Space space) {
  return space == Space::kShard ? kShardMessageHead : kMessageHead;
}

}  // namespace

void Delivery::Unref() {
  if (refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

// ---------------------------------------------------------------- port

HubPort::HubPort(Hub& hub, Reactor& reactor, int reactors)
    : hub_(hub), reactor_(reactor), last_(static_cast<size_t>(reactors)) {
  hub.ports_[static_cast<size_t>(reactor.index())] = this;
}

HubPort::~HubPort() { Trim(); }

void HubPort::WakeTouched() {
  for (uint64_t touched = std::exchange(touched_, 0); touched != 0; touched &= touched - 1) {
    hub_.reactors_[static_cast<size_t>(__builtin_ctzll(touched))]->Wake();
  }
}

void HubPort::Push(int reactor, InboxNode* node, size_t bytes) {
  Inbox& inbox = hub_.reactors_[static_cast<size_t>(reactor)]->inbox();
  const int64_t posted =
      inbox.bytes().fetch_add(static_cast<int64_t>(bytes), std::memory_order_relaxed);
  if (posted > hub_.inbox_soft_limit_.load(std::memory_order_relaxed)) congested_ = true;
  inbox.Push(node);
  Touch(reactor);
}

void HubPort::Trim() {
  for (Last& last : last_) {
    if (last.delivery != nullptr) last.delivery->Unref();
    last = {};
  }
}

// ---------------------------------------------------------------- publishing

Hub::Hub(std::vector<Reactor*> reactors, int64_t inbox_soft_limit_bytes)
    : reactors_(std::move(reactors)),
      ports_(reactors_.size()),
      inbox_soft_limit_(inbox_soft_limit_bytes) {}

Hub::~Hub() = default;

bool Hub::IsCalm() const {
  const int64_t mark = inbox_soft_limit_.load(std::memory_order_relaxed) / 2;
  for (Reactor* reactor : reactors_) {
    if (reactor->inbox().bytes().load(std::memory_order_relaxed) > mark) return false;
  }
  return true;
}

namespace {

/// The bytes of one publish, encoded when a target first asks for them.
class FrameMaker {
 public:
  FrameMaker(std::string_view channel, const Payload& payload)
      : channel_(channel), payload_(payload), own_(payload.bytes.size() >= kOwnBlockBytes) {}
  ~FrameMaker() {
    if (block_ != nullptr) block_->Release();
  }
  FrameMaker(const FrameMaker&) = delete;
  FrameMaker& operator=(const FrameMaker&) = delete;

  /// The message for the channel's own subscribers, in one range.
  Range Message(Arena& arena, std::string_view head) {
    const size_t head_size =
        head.size() + BulkFrameSize(channel_.size()) + BulkHeadSize(payload_.bytes.size());
    if (own_) {
      MakeBlock(head_size);
      if (head_size <= offset_) {
        PutHead(block_->data() + offset_ - head_size, head);
        return {block_, offset_ - static_cast<uint32_t>(head_size),
                static_cast<uint32_t>(head_size + payload_.bytes.size() + 2)};
      }
    }
    char* out = arena.Begin(head_size + payload_.bytes.size() + 2);
    out = Put(PutHead(out, head), payload_.bytes);
    *out++ = '\r';
    *out++ = '\n';
    arena.Commit(head_size + payload_.bytes.size() + 2);
    return arena.End();
  }

  /// The message for the subscribers of `pattern`; `tail` is set if it does not fit in one range.
  Range PatternMessage(Arena& arena, std::string_view pattern, Range* tail) {
    const size_t head_size = kPatternMessageHead.size() + BulkFrameSize(pattern.size()) +
                             BulkFrameSize(channel_.size()) + BulkHeadSize(payload_.bytes.size());
    if (own_) MakeBlock(0);
    const size_t size = own_ ? head_size : head_size + payload_.bytes.size() + 2;
    char* out = Put(arena.Begin(size), kPatternMessageHead);
    out = PutBulk(PutBulk(out, pattern), channel_);
    out = PutBulkHead(out, payload_.bytes.size());
    if (own_) {
      *tail = {block_, offset_, static_cast<uint32_t>(payload_.bytes.size() + 2)};
    } else {
      out = Put(out, payload_.bytes);
      *out++ = '\r';
      *out++ = '\n';
    }
    arena.Commit(size);
    return arena.End();
  }

 private:
  char* PutHead(char* out, std::string_view head) {
    return PutBulkHead(PutBulk(Put(out, head), channel_), payload_.bytes.size());
  }

  // The payload and its CR LF in a block, with room for the head of a message in front.
  void MakeBlock(size_t head_size) {
    if (block_ != nullptr) return;
    if (payload_.block != nullptr) {
      block_ = payload_.block;
      block_->AddRef();
      offset_ = payload_.headroom;
    } else {
      if (head_size == 0) head_size = kMessageHead.size() + BulkFrameSize(channel_.size()) + 24;
      block_ = Buffer::New(static_cast<uint32_t>(head_size + payload_.bytes.size() + 2));
      offset_ = static_cast<uint32_t>(head_size);
      std::memcpy(block_->data() + offset_, payload_.bytes.data(), payload_.bytes.size());
    }
    std::memcpy(block_->data() + offset_ + payload_.bytes.size(), "\r\n", 2);
  }

  const std::string_view channel_;
  const Payload& payload_;
  const bool own_;
  Buffer* block_ = nullptr;
  uint32_t offset_ = 0;
};

}  // namespace

uint64_t Hub::Publish(HubPort& port, Space space, std::string_view channel,
                      const Payload& payload) {
  ++port.published_;
  const bool has_patterns =
      space == Space::kChannel && pattern_count_.load(std::memory_order_acquire) != 0;
  ChannelTable& table = Table(space);
  if (!has_patterns && table.size() == 0) return 0;
  FrameMaker frames(channel, payload);
  uint64_t receivers = 0;
  const uint32_t hash = ChannelTable::Hash(channel);
  ChannelTable::Shard& shard = table.ShardOf(hash);
  store::MutexLock lock(shard.mutex);
  if (Target* target = shard.Find(hash, channel)) {
    receivers += Post(port, target, frames.Message(port.channel_frames_, HeadOf(space)), {});
  }
  if (has_patterns) {
    store::DistributedRwLock::ReadScope reading(pattern_lock_, port.reactor_.index());
    port.matches_.clear();
    patterns_.Match(channel, port.scratch_, port.matches_);
    for (const patterns::PatternId id : port.matches_) {
      Range tail;
      const Range frame = frames.PatternMessage(port.pattern_frames_, patterns_.Pattern(id), &tail);
      receivers += Post(port, static_cast<Target*>(patterns_.Value(id)), frame, tail);
    }
  }
  return receivers;
}

uint64_t Hub::CountReceivers(HubPort& port, Space space, std::string_view channel) {
  uint64_t receivers = Table(space).CountSubscribers(channel);
  if (space == Space::kChannel && pattern_count_.load(std::memory_order_acquire) != 0) {
    store::DistributedRwLock::ReadScope reading(pattern_lock_, port.reactor_.index());
    port.matches_.clear();
    patterns_.Match(channel, port.scratch_, port.matches_);
    for (const patterns::PatternId id : port.matches_) {
      receivers += static_cast<Target*>(patterns_.Value(id))->interest.count();
    }
  }
  return receivers;
}

uint64_t Hub::Post(HubPort& port, Target* target, Range frame, Range tail) {
  uint64_t receivers = 0;
  target->interest.ForEachReactor([&](int index, uint32_t count) {
    receivers += count;
    Reactor& reactor = *reactors_[static_cast<size_t>(index)];
    HubPort::Last& last = port.last_[static_cast<size_t>(index)];
    const int64_t posted =
        reactor.inbox().bytes().fetch_add(frame.length + tail.length, std::memory_order_relaxed);
    if (posted > inbox_soft_limit_.load(std::memory_order_relaxed)) port.congested_ = true;
    // Still the last of the inbox and followed by this very frame: the run grows, and the
    // subscribers will get both in one range. Being last is what keeps the order among different
    // targets.
    if (tail.length == 0 && last.delivery != nullptr && last.target == target &&
        last.delivery->buffer == frame.buffer && reactor.inbox().head() == last.delivery) {
      store::ChaosPoint();
      uint32_t expected = frame.offset;
      if (last.delivery->end.compare_exchange_strong(expected, frame.offset + frame.length,
                                                     std::memory_order_acq_rel)) {
        return;
      }
    }
    auto* delivery = new Delivery;
    delivery->run = RunDelivery;
    delivery->hub = this;
    delivery->target = target;
    delivery->buffer = frame.buffer;
    delivery->begin = frame.offset;
    delivery->end.store(frame.offset + frame.length, std::memory_order_relaxed);
    delivery->tail = tail;
    delivery->refs.store(2, std::memory_order_relaxed);
    target->AddRef();
    frame.buffer->AddRef();
    if (tail.length != 0) tail.buffer->AddRef();
    if (last.delivery != nullptr) last.delivery->Unref();
    // A frame with a tail is not extended: an impossible target keeps it from being compared.
    last = {delivery, tail.length == 0 ? target : nullptr};
    reactor.inbox().Push(delivery);
    port.touched_ |= uint64_t{1} << index;
  });
  return receivers;
}

// ---------------------------------------------------------------- delivering

LocalSubscribers Hub::LocalOf(HubPort& port, Target* target) {
  const int reactor = port.reactor_.index();
  if (target->kind() == Space::kPattern) {
    store::DistributedRwLock::ReadScope reading(pattern_lock_, reactor);
    return target->interest.On(reactor);
  }
  ChannelTable::Shard& shard = Table(target->kind()).ShardOf(target->hash);
  store::MutexLock lock(shard.mutex);
  return target->interest.On(reactor);
}

void Hub::RunDelivery(InboxNode* node, Reactor& reactor) {
  auto* delivery = static_cast<Delivery*>(node);
  Hub& hub = *delivery->hub;
  HubPort& port = *hub.ports_[static_cast<size_t>(reactor.index())];
  store::ChaosPoint();
  const uint32_t end = delivery->end.exchange(Delivery::kTaken, std::memory_order_acq_rel);
  const Range run{delivery->buffer, delivery->begin, end - delivery->begin};
  reactor.inbox().bytes().fetch_sub(run.length + delivery->tail.length, std::memory_order_relaxed);
  hub.Deliver(port, delivery->target, run, delivery->tail);
  delivery->target->Release();
  delivery->buffer->Release();
  if (delivery->tail.length != 0) delivery->tail.buffer->Release();
  delivery->Unref();
}

void Hub::Deliver(HubPort& port, Target* target, Range run, Range tail) {
  const LocalSubscribers local = LocalOf(port, target);
  const bool is_changed = target == port.changed_target_;
  const Subscriber* joining = is_changed ? port.joining_ : nullptr;
  Range pushes;  // the RESP3 form, made once when the first subscriber wants it
  uint64_t delivered = 0;
  const auto deliver = [&](Subscriber* subscriber) {
    if (subscriber->is_closing() || subscriber == joining) return;
    ++delivered;
    if (subscriber->resp() == protocol::RespVersion::k2) return subscriber->Deliver(run, tail);
    if (pushes.length == 0) {
      char* copy = port.converted_.Begin(run.length);
      std::memcpy(copy, run.data(), run.length);
      MarkAsPushes(copy, copy + run.length);
      port.converted_.Commit(run.length);
      pushes = port.converted_.End();
    }
    subscriber->Deliver(pushes, tail);
  };
  local.ForEach(deliver);
  if (is_changed && port.leaving_ != nullptr) deliver(port.leaving_);
  port.delivered_ += delivered;
}

// ---------------------------------------------------------------- subscribing

bool Hub::Subscribe(HubPort& port, Space space, std::string_view name, Subscriber& subscriber) {
  return space == Space::kPattern ? SubscribePattern(port, name, subscriber)
                                  : SubscribeChannel(port, space, name, subscriber);
}

bool Hub::SubscribeChannel(HubPort& port, Space space, std::string_view name,
                           Subscriber& subscriber) {
  ChannelTable& table = Table(space);
  const uint32_t hash = ChannelTable::Hash(name);
  ChannelTable::Shard& shard = table.ShardOf(hash);
  Target* target = nullptr;
  {
    store::MutexLock lock(shard.mutex);
    target = shard.Find(hash, name);
    if (target == nullptr) {
      target = Target::New(space, hash, name);
      shard.Insert(target);
      table.CountAdded();
    } else if (subscriber.subscriptions(space).Contains(target)) {
      return false;
    }
    // Whoever published to this channel so far has posted, for that takes this lock: what is taken
    // now came before the subscription, and all that comes later follows it.
    port.reactor_.TakePosts();
    target->interest.Add(port.reactor_.index(), &subscriber);
  }
  subscriber.subscriptions(space).Add(target);
  DeliverEarlier(port, target, &subscriber, nullptr);
  return true;
}

bool Hub::SubscribePattern(HubPort& port, std::string_view name, Subscriber& subscriber) {
  Target* target = nullptr;
  {
    store::DistributedRwLock::WriteScope lock(pattern_lock_);
    bool inserted = false;
    const patterns::PatternId id = patterns_.Insert(name, &inserted);
    if (inserted) {
      target = Target::New(Space::kPattern, id, {});
      patterns_.SetValue(id, target);
      pattern_count_.store(patterns_.size(), std::memory_order_release);
    } else {
      target = static_cast<Target*>(patterns_.Value(id));
      if (subscriber.subscriptions(Space::kPattern).Contains(target)) return false;
    }
    port.reactor_.TakePosts();
    target->interest.Add(port.reactor_.index(), &subscriber);
  }
  subscriber.subscriptions(Space::kPattern).Add(target);
  DeliverEarlier(port, target, &subscriber, nullptr);
  return true;
}

void Hub::DeliverEarlier(HubPort& port, const Target* target, const Subscriber* joining,
                         Subscriber* leaving) {
  port.changed_target_ = target;
  port.joining_ = joining;
  port.leaving_ = leaving;
  port.reactor_.DrainTaken();
  port.changed_target_ = nullptr;
  port.joining_ = nullptr;
  port.leaving_ = nullptr;
}

bool Hub::Unsubscribe(HubPort& port, Space space, std::string_view name, Subscriber& subscriber) {
  Target* target = nullptr;
  if (space == Space::kPattern) {
    store::DistributedRwLock::ReadScope reading(pattern_lock_, port.reactor_.index());
    if (const auto id = patterns_.Find(name)) target = static_cast<Target*>(patterns_.Value(*id));
  } else {
    const uint32_t hash = ChannelTable::Hash(name);
    ChannelTable::Shard& shard = Table(space).ShardOf(hash);
    store::MutexLock lock(shard.mutex);
    target = shard.Find(hash, name);
  }
  // If this subscriber holds the target it cannot have gone since the lock was left.
  if (target == nullptr || !subscriber.subscriptions(space).Remove(target)) return false;
  Remove(port, target, subscriber);
  return true;
}

bool Hub::UnsubscribeAny(HubPort& port, Space space, Subscriber& subscriber, uint64_t& hint,
                         std::string* name) {
  Target* target = subscriber.subscriptions(space).Any(hint);
  if (target == nullptr) return false;
  if (name != nullptr) {
    if (space == Space::kPattern) {
      store::DistributedRwLock::ReadScope reading(pattern_lock_, port.reactor_.index());
      name->assign(patterns_.Pattern(target->hash));
    } else {
      name->assign(target->name());
    }
  }
  subscriber.subscriptions(space).Remove(target);
  Remove(port, target, subscriber);
  return true;
}

bool Hub::TakeOff(Target* target, int reactor, Subscriber& subscriber) {
  PEAL_CHECK(target->interest.Remove(reactor, &subscriber));
  return target->interest.empty();
}

void Hub::Remove(HubPort& port, Target* target, Subscriber& subscriber) {
  // As in Subscribe: what was posted under this lock before is delivered with the subscriber, what
  // comes later without it.
  const int reactor = port.reactor_.index();
  bool was_last = false;
  if (target->kind() == Space::kPattern) {
    store::DistributedRwLock::WriteScope lock(pattern_lock_);
    port.reactor_.TakePosts();
    was_last = TakeOff(target, reactor, subscriber);
    if (was_last) RemovePattern(target);
  } else {
    ChannelTable& table = Table(target->kind());
    ChannelTable::Shard& shard = table.ShardOf(target->hash);
    store::MutexLock lock(shard.mutex);
    port.reactor_.TakePosts();
    was_last = TakeOff(target, reactor, subscriber);
    if (was_last) {
      shard.Erase(target);
      table.CountRemoved();
    }
  }
  DeliverEarlier(port, target, nullptr, &subscriber);
  if (was_last) target->Release();
}

void Hub::RemovePattern(Target* target) {
  patterns_.Remove(target->hash);
  pattern_count_.store(patterns_.size(), std::memory_order_release);
}

void Hub::DropAll(Subscriber& subscriber) {
  const int reactor = subscriber.reactor().index();
  for (const Space space : {Space::kChannel, Space::kPattern, Space::kShard}) {
    auto& held = subscriber.subscriptions(space);
    held.ForEach([&](Target* target) {
      bool was_last = false;
      if (space == Space::kPattern) {
        store::DistributedRwLock::WriteScope lock(pattern_lock_);
        was_last = TakeOff(target, reactor, subscriber);
        if (was_last) RemovePattern(target);
      } else {
        ChannelTable::Shard& shard = Table(space).ShardOf(target->hash);
        store::MutexLock lock(shard.mutex);
        was_last = TakeOff(target, reactor, subscriber);
        if (was_last) {
          shard.Erase(target);
          Table(space).CountRemoved();
        }
      }
      if (was_last) target->Release();
    });
    held.Clear();
  }
}

std::string_view Hub::NameOf(Space space, const Target& target) const {
  return space == Space::kPattern ? patterns_.Pattern(target.hash) : target.name();
}

std::vector<std::string> Hub::Subscriptions(Space space, const Subscriber& subscriber) {
  std::vector<std::string> names;
  subscriber.subscriptions(space).ForEach(
      [&](Target* target) { names.emplace_back(NameOf(space, *target)); });
  return names;
}

}  // namespace peal::broker
