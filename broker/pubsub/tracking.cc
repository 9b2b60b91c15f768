#include "broker/pubsub/tracking.h"

#include <algorithm>
#include <memory>

#include "broker/pubsub/frame.h"
#include "protocol/base/check.h"
#include "protocol/resp/encode.h"
#include "store/sync/chaos.h"

namespace peal::broker {
namespace {

constexpr std::string_view kPushHead = ">2\r\n$10\r\ninvalidate\r\n";
constexpr std::string_view kMessageHeadOfInvalidate =
    "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n";
constexpr std::string_view kBrokenHead = ">2\r\n$21\r\ntracking-redir-broken\r\n";

// Changed keys that wait to be told together; beyond, they are told in several messages.
constexpr size_t kMostChangedBytes = size_t{1} << 20;
// Slices of Step.
constexpr int kForgetAtOnce = 256;
constexpr size_t kSweepSteps = 2000;
constexpr size_t kSweepStripeSteps = 10;  // of them for each stripe, empty ones too
// So many ids left behind are not worth a sweep.
constexpr uint64_t kSweepFloor = 1024;

std::string GlobOfPrefix(std::string_view prefix) {
  std::string glob;
  glob.reserve(prefix.size() + 1);
  for (const char c : prefix) {
    if (c == '*' || c == '?' || c == '[' || c == ']' || c == '\\') glob += '\\';
    glob += c;
  }
  return glob + '*';
}

/// "*1\r\n" and the key: what an invalidation of one key carries.
std::string ArrayOfOne(std::string_view key) {
  std::string array = "*1\r\n";
  const size_t head = array.size();
  array.resize(head + BulkFrameSize(key.size()));
  PutBulk(array.data() + head, key);
  return array;
}

uint64_t Random() {
  static thread_local uint64_t state = 0x9e3779b97f4a7c15u ^ reinterpret_cast<uintptr_t>(&state);
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

template <class Node, class... Args>
std::unique_ptr<Node> Own(InboxNode* node) {
  return std::unique_ptr<Node>(static_cast<Node*>(node));
}

}  // namespace

// ---------------------------------------------------------------- messages

/// What is sent to one or more clients: an array of keys, or the null of their protocol.
struct TrackingPort::Message {
  /// A form of it, made when the first client wants it. Holds on to the block: other pieces are
  /// begun in the arena before the last client has got this one.
  struct Form {
    Range range{};
    BufferRef block;
  };

  std::string_view keys;  // encoded; empty: all keys went
  Form push{};
  Form message{};
};

/// A key changed that clients of the reactor have read.
struct TrackingPort::ReadersNode : InboxNode {
  Tracking* tracking;
  std::string keys;  // encoded
  std::vector<ClientId> readers;
  ClientId changer;
  size_t bytes() const { return keys.size() + readers.size() * sizeof(ClientId); }
};

/// A key changed that begins with prefixes that clients of the reactor have asked for.
struct TrackingPort::ChangeNode : InboxNode {
  Tracking* tracking;
  std::string key;
  ClientId changer;
  std::vector<TrackingPrefixRef> prefixes;
};

/// All keys went.
struct TrackingPort::FlushNode : InboxNode {
  Tracking* tracking;
  ClientId except;
};

/// Stands behind all that was posted before tracking was turned on.
struct TrackingPort::JoinNode : InboxNode {
  Tracking* tracking;
  ClientId id;
  uint32_t generation;
};

/// What one client is to be told goes to another.
struct TrackingPort::RedirectNode : InboxNode {
  Tracking* tracking;
  ClientId from;
  ClientId to;
  std::string keys;
};

/// The client that `id` redirects to has gone.
struct TrackingPort::BrokenNode : InboxNode {
  Tracking* tracking;
  ClientId id;
  ClientId redirect;
};

void TrackingPort::SendTo(Subscriber& subscriber, Message& message, bool is_redirected) {
  const bool is_push = subscriber.resp() == protocol::RespVersion::k3;
  // A RESP2 client understands messages only as a subscriber, and only on behalf of another.
  if (!is_push && !(is_redirected && subscriber.IsSubscribed())) return;
  auto& [range, block] = is_push ? message.push : message.message;
  if (range.length == 0) {
    const std::string_view head = is_push ? kPushHead : kMessageHeadOfInvalidate;
    // Differs: Redis sends the null of the protocol of the client that tracks, which a client of
    // the other protocol cannot read.
    const std::string_view null = is_push ? "_\r\n" : "$-1\r\n";
    const std::string_view keys = message.keys.empty() ? null : message.keys;
    Arena& arena = is_push ? pushes_ : messages_;
    Put(Put(arena.Begin(head.size() + keys.size()), head), keys);
    arena.Commit(head.size() + keys.size());
    range = arena.End();
    block = BufferRef::Share(range.buffer);
  }
  subscriber.Deliver(range, {});
}

void TrackingPort::Send(Tracker& tracker, Message& message) {
  if (tracker.options.redirect == 0) return SendTo(tracker.subscriber, message, false);
  Redirect(tracker.subscriber.id(), tracker.options.redirect, message);
}

void TrackingPort::Redirect(ClientId from, ClientId to, Message& message) {
  if (ReactorOf(to) == reactor_.index()) {
    if (Tracker* const target = Find(to)) return SendTo(target->subscriber, message, true);
    if (ReactorOf(from) == reactor_.index()) {
      if (Tracker* const tracker = Find(from)) RedirectIsBroken(*tracker);
      return;
    }
    auto* node = new BrokenNode;
    node->tracking = &tracking_;
    node->id = from;
    node->redirect = to;
    node->run = [](InboxNode* posted, Reactor& reactor) {
      const auto own = Own<BrokenNode>(posted);
      TrackingPort& port = own->tracking->PortOf(reactor);
      port.Took(sizeof(BrokenNode));
      Tracker* const tracker = port.Find(own->id);
      if (tracker == nullptr || !tracker->is_on) return;
      if (tracker->options.redirect == own->redirect) port.RedirectIsBroken(*tracker);
    };
    return Push(ReactorOf(from), node, sizeof(BrokenNode));
  }
  auto* node = new RedirectNode;
  node->tracking = &tracking_;
  node->from = from;
  node->to = to;
  node->keys = message.keys;
  node->run = [](InboxNode* posted, Reactor& reactor) {
    const auto own = Own<RedirectNode>(posted);
    TrackingPort& port = own->tracking->PortOf(reactor);
    port.Took(own->keys.size());
    Message redirected{.keys = own->keys};
    port.Redirect(own->from, own->to, redirected);
  };
  Push(ReactorOf(to), node, node->keys.size());
}

void TrackingPort::RedirectIsBroken(Tracker& tracker) {
  tracker.is_redirect_broken = true;
  if (tracker.subscriber.resp() != protocol::RespVersion::k3) return;
  const std::string id = ":" + std::to_string(tracker.options.redirect) + "\r\n";
  Put(Put(pushes_.Begin(kBrokenHead.size() + id.size()), kBrokenHead), id);
  pushes_.Commit(kBrokenHead.size() + id.size());
  tracker.subscriber.Deliver(pushes_.End(), {});
}

void TrackingPort::TellOwn(Tracker& tracker, const std::optional<std::string>& key) {
  const std::string keys = key ? ArrayOfOne(*key) : std::string();
  Message message{.keys = keys};
  Send(tracker, message);
}

// ---------------------------------------------------------------- posting

TrackingPort::TrackingPort(Tracking& tracking, HubPort& hub_port)
    : tracking_(tracking),
      hub_port_(hub_port),
      reactor_(hub_port.reactor()),
      by_reactor_(tracking.ports_.size()) {
  tracking.ports_[static_cast<size_t>(reactor_.index())] = this;
}

void TrackingPort::Push(int reactor, InboxNode* node, size_t bytes) {
  store::ChaosPoint();
  hub_port_.Push(reactor, node, bytes);
}

void TrackingPort::Took(size_t bytes) {
  reactor_.inbox().bytes().fetch_sub(static_cast<int64_t>(bytes), std::memory_order_relaxed);
}

Tracker* TrackingPort::Find(ClientId id) {
  const auto found = trackers_.find(id);
  return found == trackers_.end() ? nullptr : &found->second;
}

uint64_t TrackingPort::Remember(store::Stripe& stripe, std::string_view key, uint64_t hash,
                                ClientId id) {
  stripe.AssertOwned();
  const store::TrackingTable::Counts added = stripe.MakeReaders().Add(key, hash, id);
  if (added.keys != 0) tracking_.keys_.fetch_add(1, std::memory_order_relaxed);
  if (added.ids != 0) tracking_.ids_.fetch_add(1, std::memory_order_relaxed);
  return added.ids;
}

void TrackingPort::Post(const Invalidation& invalidation) {
  if (!invalidation.readers.empty()) {
    PostReaders(invalidation.key, invalidation.readers, invalidation.changer);
  }
  if (tracking_.has_prefixes()) PostChange(invalidation);
}

void TrackingPort::PostReaders(std::string_view key, const std::vector<ClientId>& readers,
                               ClientId changer) {
  for (const ClientId id : readers) by_reactor_[static_cast<size_t>(ReactorOf(id))].push_back(id);
  for (size_t reactor = 0; reactor < by_reactor_.size(); ++reactor) {
    if (by_reactor_[reactor].empty()) continue;
    auto* node = new ReadersNode;
    node->tracking = &tracking_;
    node->keys = ArrayOfOne(key);
    node->readers = std::exchange(by_reactor_[reactor], {});
    node->changer = changer;
    node->run = [](InboxNode* posted, Reactor& own_reactor) {
      const auto own = Own<ReadersNode>(posted);
      TrackingPort& port = own->tracking->PortOf(own_reactor);
      port.Took(own->bytes());
      Message message{.keys = own->keys};
      for (const ClientId id : own->readers) {
        Tracker* const tracker = port.Find(id);
        // What it read before it began to listen to prefixes is no concern of its any more.
        if (tracker == nullptr || !tracker->is_on || tracker->options.is_broadcast) continue;
        if (tracker->options.no_loop && id == own->changer) continue;
        port.Send(*tracker, message);
      }
    };
    Push(static_cast<int>(reactor), node, node->bytes());
  }
}

void TrackingPort::PostChange(const Invalidation& invalidation) {
  std::vector<std::vector<TrackingPrefixRef>> wanted(by_reactor_.size());
  {
    const store::DistributedRwLock::ReadScope reading(tracking_.prefix_lock_, reactor_.index());
    const auto add = [&](TrackingPrefix* prefix) {
      for (size_t i = 0; i < wanted.size(); ++i) {
        if (prefix->members[i] != 0) wanted[i].push_back(TrackingPrefixRef::Share(prefix));
      }
    };
    if (tracking_.everything_ != nullptr) add(tracking_.everything_);
    if (!tracking_.tree_.empty()) {
      matches_.clear();
      tracking_.tree_.Match(invalidation.key, scratch_, matches_);
      for (const patterns::PatternId id : matches_) {
        add(static_cast<TrackingPrefix*>(tracking_.tree_.Value(id)));
      }
    }
  }
  for (size_t reactor = 0; reactor < wanted.size(); ++reactor) {
    if (wanted[reactor].empty()) continue;
    auto* node = new ChangeNode;
    node->tracking = &tracking_;
    node->key = invalidation.key;
    node->changer = invalidation.changer;
    node->prefixes = std::move(wanted[reactor]);
    node->run = [](InboxNode* posted, Reactor& own_reactor) {
      const auto own = Own<ChangeNode>(posted);
      TrackingPort& port = own->tracking->PortOf(own_reactor);
      port.Took(own->key.size());
      for (const TrackingPrefixRef& prefix : own->prefixes) {
        port.Note(*prefix, own->key, own->changer);
      }
    };
    Push(static_cast<int>(reactor), node, node->key.size());
  }
}

void TrackingPort::PostFlush(ClientId except, store::Garbage& garbage) {
  PEAL_DCHECK(tracking_.keyspace_.gate().HeldExclusively());
  for (int i = 0; i < tracking_.keyspace_.stripe_count(); ++i) {
    store::Stripe& stripe = tracking_.keyspace_.stripe(i);
    stripe.AssertOwned();
    stripe.DropReaders(garbage);
  }
  tracking_.keys_.store(0, std::memory_order_relaxed);
  tracking_.ids_.store(0, std::memory_order_relaxed);
  tracking_.dead_ids_.store(0, std::memory_order_relaxed);
  for (size_t i = 0; i < tracking_.ports_.size(); ++i) {
    if (tracking_.ports_[i]->trackers_.empty()) continue;  // all reactors are parked
    auto* node = new FlushNode;
    node->tracking = &tracking_;
    node->except = except;
    node->run = [](InboxNode* posted, Reactor& reactor) {
      const auto own = Own<FlushNode>(posted);
      TrackingPort& port = own->tracking->PortOf(reactor);
      port.Took(sizeof(FlushNode));
      Message message;
      for (auto& [id, tracker] : port.trackers_) {
        if (tracker.is_on && tracker.is_settled && id != own->except) port.Send(tracker, message);
      }
    };
    Push(static_cast<int>(i), node, sizeof(FlushNode));
  }
}

// ---------------------------------------------------------------- broadcasting

void TrackingPort::Note(TrackingPrefix& prefix, std::string_view key, ClientId changer) {
  TrackingPrefix::Part& part = prefix.parts[static_cast<size_t>(reactor_.index())];
  if (part.trackers.empty()) return;
  if (part.changed.empty()) changed_.emplace(prefix.name, TrackingPrefixRef::Share(&prefix));
  part.changed[std::string(key)] = changer;
  changed_bytes_ += key.size() + sizeof(std::string);
  if (changed_bytes_ > kMostChangedBytes) TellChanges();
}

void TrackingPort::TellChanges() {
  if (changed_.empty()) return;
  for (auto& [name, prefix] : changed_) Tell(*prefix);
  changed_.clear();
  changed_bytes_ = 0;
}

void TrackingPort::Tell(TrackingPrefix& prefix) {
  TrackingPrefix::Part& part = prefix.parts[static_cast<size_t>(reactor_.index())];
  const std::map<std::string, ClientId> changed = std::move(part.changed);
  part.changed.clear();
  // Without what `own` has changed itself.
  const auto encode = [&](ClientId own) {
    protocol::StringSink sink;
    protocol::ReplyWriter writer(sink, protocol::RespVersion::k2);
    size_t count = 0;
    for (const auto& [key, changer] : changed) count += own == 0 || changer != own ? 1 : 0;
    if (count == 0) return std::string();
    writer.Array(count);
    for (const auto& [key, changer] : changed) {
      if (own == 0 || changer != own) writer.Bulk(key);
    }
    return sink.Take();
  };
  const std::string all = encode(0);
  Message message{.keys = all};
  for (Tracker* const tracker : part.trackers) {
    if (!tracker->options.no_loop) {
      Send(*tracker, message);
      continue;
    }
    const std::string others = encode(tracker->subscriber.id());
    Message excluding{.keys = others};
    if (!others.empty()) Send(*tracker, excluding);
  }
}

// ---------------------------------------------------------------- clients

Tracker& TrackingPort::Ensure(Subscriber& subscriber) {
  const auto [at, is_new] = trackers_.try_emplace(subscriber.id(), subscriber);
  if (is_new) {
    tracking_.trackers_.fetch_add(1, std::memory_order_seq_cst);
    const store::MutexLock lock(tracking_.alive_mutex_);
    tracking_.alive_.insert(subscriber.id());
  }
  return at->second;
}

void TrackingPort::Enable(Tracker& tracker, const TrackingOptions& options,
                          const std::vector<std::string_view>& prefixes) {
  tracker.is_on = true;
  tracker.is_redirect_broken = false;
  tracker.options = options;
  const auto join = [&](std::string_view name) {
    if (tracker.prefixes.contains(name)) return;
    const TrackingPrefixRef prefix = tracking_.JoinPrefix(name, reactor_.index());
    tracker.prefixes.emplace(name, prefix);
    tracker.prefix_bytes += name.size() + sizeof(TrackingPrefix);
    tracker.joining.push_back(prefix);
  };
  if (options.is_broadcast) {
    if (prefixes.empty()) join({});
    for (const std::string_view name : prefixes) join(name);
  }
  // What is posted to everybody from now on comes behind this; what came before was posted when
  // the client had not asked for it.
  auto* node = new JoinNode;
  node->tracking = &tracking_;
  node->id = tracker.subscriber.id();
  node->generation = tracker.generation;
  node->run = [](InboxNode* posted, Reactor& reactor) {
    const auto own = Own<JoinNode>(posted);
    TrackingPort& port = own->tracking->PortOf(reactor);
    port.Took(sizeof(JoinNode));
    port.Join(own->id, own->generation);
  };
  Push(reactor_.index(), node, sizeof(JoinNode));
}

void TrackingPort::Join(ClientId id, uint32_t generation) {
  Tracker* const tracker = Find(id);
  if (tracker == nullptr || !tracker->is_on || tracker->generation != generation) return;
  tracker->is_settled = true;
  if (tracker->joining.empty()) return;
  TellChanges();
  for (const TrackingPrefixRef& prefix : std::exchange(tracker->joining, {})) {
    prefix->parts[static_cast<size_t>(reactor_.index())].trackers.push_back(tracker);
  }
}

void TrackingPort::Disable(Tracker& tracker) {
  if (!tracker.is_on) return;
  for (const auto& [name, prefix] : tracker.prefixes) {
    TrackingPrefix::Part& part = prefix->parts[static_cast<size_t>(reactor_.index())];
    std::erase(part.trackers, &tracker);
    if (part.trackers.empty() && !part.changed.empty()) {
      part.changed.clear();
      changed_.erase(prefix->name);
    }
    tracking_.LeavePrefix(*prefix, reactor_.index());
  }
  tracker.prefixes.clear();
  tracker.prefix_bytes = 0;
  tracker.joining.clear();
  tracker.options = {};
  tracker.is_on = tracker.is_settled = false;
  tracker.is_caching_told = tracker.is_redirect_broken = false;
  ++tracker.generation;
}

void TrackingPort::Forget(Tracker& tracker) {
  Disable(tracker);
  const ClientId id = tracker.subscriber.id();
  tracking_.dead_ids_.fetch_add(tracker.remembered, std::memory_order_relaxed);
  trackers_.erase(id);
  {
    const store::MutexLock lock(tracking_.alive_mutex_);
    tracking_.alive_.erase(id);
  }
  tracking_.trackers_.fetch_sub(1, std::memory_order_seq_cst);
}

// ---------------------------------------------------------------- bounds

bool TrackingPort::Step(uint64_t max_keys) {
  bool more = ForgetKeys(max_keys);
  if (is_sweeper_ || tracking_.dead_ids_.load(std::memory_order_relaxed) != 0) {
    more = Sweep() || more;
  }
  return more;
}

bool TrackingPort::ForgetKeys(uint64_t max_keys) {
  if (max_keys == 0) return false;
  for (int i = 0; i < kForgetAtOnce; ++i) {
    if (tracking_.keys() <= max_keys || !ForgetAny(max_keys)) return false;
  }
  return tracking_.keys() > max_keys;
}

bool TrackingPort::ForgetAny(uint64_t max_keys) {
  store::Keyspace& keyspace = tracking_.keyspace_;
  int stripe_index = keyspace.StripeIndex(Random());
  for (int tries = 0; tries < keyspace.stripe_count(); ++tries) {
    store::Stripe& stripe = keyspace.stripe(stripe_index);
    stripe_index = keyspace.StripeIndex(static_cast<uint64_t>(stripe_index) + 1);
    const store::MutexLock lock(stripe.mutex());
    store::TrackingTable* const table = stripe.readers();
    if (table == nullptr || table->empty()) continue;
    // Other reactors may be at the same; together they forget no more than they are to.
    uint64_t keys = tracking_.keys();
    do {
      if (keys <= max_keys) return false;
    } while (!tracking_.keys_.compare_exchange_weak(keys, keys - 1, std::memory_order_relaxed));
    std::string key;
    readers_.clear();
    table->TakeAny(Random(), key, readers_);
    tracking_.ids_.fetch_sub(readers_.size(), std::memory_order_relaxed);
    PostReaders(key, readers_, 0);
    return true;
  }
  return false;
}

bool TrackingPort::Sweep() {
  if (!is_sweeper_) {
    if (!tracking_.NeedsSweep()) return false;
    if (tracking_.is_sweeping_.exchange(true, std::memory_order_acq_rel)) return false;
    is_sweeper_ = true;
    sweep_stripe_ = 0;
    sweep_position_ = 0;
    tracking_.dead_ids_.store(0, std::memory_order_relaxed);
  }
  size_t steps = kSweepSteps;
  while (steps > kSweepStripeSteps && sweep_stripe_ < tracking_.keyspace_.stripe_count()) {
    steps -= kSweepStripeSteps;
    store::Stripe& stripe = tracking_.keyspace_.stripe(sweep_stripe_);
    const store::MutexLock lock(stripe.mutex());
    store::TrackingTable* const table = stripe.readers();
    if (table != nullptr) {
      const store::MutexLock alive_lock(tracking_.alive_mutex_);
      const std::unordered_set<ClientId>* const alive = &tracking_.alive_;
      store::TrackingTable::Counts gone;
      sweep_position_ = table->Sweep(
          sweep_position_, steps, [alive](uint64_t id) { return alive->contains(id); }, gone);
      tracking_.keys_.fetch_sub(gone.keys, std::memory_order_relaxed);
      tracking_.ids_.fetch_sub(gone.ids, std::memory_order_relaxed);
      if (sweep_position_ != 0) break;
    }
    ++sweep_stripe_;
  }
  if (sweep_stripe_ < tracking_.keyspace_.stripe_count()) return true;
  is_sweeper_ = false;
  tracking_.is_sweeping_.store(false, std::memory_order_release);
  return tracking_.NeedsSweep();
}

// ---------------------------------------------------------------- shared

Tracking::Tracking(store::Keyspace& keyspace, size_t reactors)
    : keyspace_(keyspace), ports_(reactors) {}

Tracking::~Tracking() = default;

bool Tracking::Take(store::Stripe& stripe, std::string_view key, uint64_t hash,
                    std::vector<ClientId>& readers) {
  stripe.AssertOwned();
  store::TrackingTable* const table = stripe.readers();
  if (table == nullptr || table->empty()) return false;
  const size_t before = readers.size();
  if (!table->Take(key, hash, readers)) return false;
  keys_.fetch_sub(1, std::memory_order_relaxed);
  ids_.fetch_sub(readers.size() - before, std::memory_order_relaxed);
  return true;
}

bool Tracking::NeedsSweep() const {
  const uint64_t dead = dead_ids_.load(std::memory_order_relaxed);
  if (dead == 0) return false;
  return dead >= ids() / 2 + kSweepFloor || trackers_.load(std::memory_order_relaxed) == 0;
}

TrackingPrefixRef Tracking::JoinPrefix(std::string_view name, int reactor) {
  const store::DistributedRwLock::WriteScope lock(prefix_lock_);
  auto found = prefixes_.find(name);
  if (found == prefixes_.end()) {
    auto prefix = protocol::MakeRef<TrackingPrefix>(name, ports_.size());
    if (name.empty()) {
      everything_ = prefix.get();
    } else {
      prefix->id = tree_.Insert(GlobOfPrefix(name), nullptr);
      tree_.SetValue(prefix->id, prefix.get());
    }
    const std::string_view own_name = prefix->name;
    found = prefixes_.emplace(own_name, std::move(prefix)).first;
    prefix_count_.store(prefixes_.size(), std::memory_order_release);
  }
  ++found->second->members[static_cast<size_t>(reactor)];
  return found->second;
}

void Tracking::LeavePrefix(TrackingPrefix& prefix, int reactor) {
  const store::DistributedRwLock::WriteScope lock(prefix_lock_);
  PEAL_CHECK(prefix.members[static_cast<size_t>(reactor)] != 0);
  --prefix.members[static_cast<size_t>(reactor)];
  if (std::any_of(prefix.members.begin(), prefix.members.end(), [](uint32_t n) { return n != 0; }))
    return;
  if (prefix.name.empty()) {
    everything_ = nullptr;
  } else {
    tree_.Remove(prefix.id);
  }
  prefixes_.erase(prefix.name);
  prefix_count_.store(prefixes_.size(), std::memory_order_release);
}

}  // namespace peal::broker
