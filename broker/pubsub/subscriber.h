#pragma once

#include <cstdint>
#include <vector>

#include "broker/net/connection.h"
#include "broker/pubsub/pointer_set.h"
#include "protocol/resp/encode.h"

namespace peal::broker {

struct Target;

/// The three name spaces of subscriptions. Channels and patterns are counted together in the
/// replies of SUBSCRIBE and PSUBSCRIBE; shard channels apart.
enum class Space : uint8_t { kChannel, kPattern, kShard };

/// A connection as the hub sees it: what it has subscribed to, and how it wants its messages
/// framed. Reactor thread only, except for reading counts with all reactors parked.
class Subscriber : public Connection {
 public:
  using Connection::Connection;

  protocol::RespVersion resp() const { return resp_; }
  void set_resp(protocol::RespVersion version) { resp_ = version; }

  PointerSet<Target>& subscriptions(Space space) { return sets_[static_cast<size_t>(space)]; }
  const PointerSet<Target>& subscriptions(Space space) const {
    return sets_[static_cast<size_t>(space)];
  }
  /// Channels and patterns, as the replies of (P)SUBSCRIBE count them.
  uint64_t GlobalCount() const {
    return uint64_t{subscriptions(Space::kChannel).size()} + subscriptions(Space::kPattern).size();
  }
  uint64_t ShardCount() const { return subscriptions(Space::kShard).size(); }
  bool IsSubscribed() const { return GlobalCount() + ShardCount() != 0; }

  /// Takes one or more encoded messages: `run` and, behind it, `tail` (if its length is not 0).
  ///
  /// While a command of the client's own runs that must answer first (EXEC), they are kept back.
  void Deliver(Range run, Range tail) {
    if (holds_back_) [[unlikely]] {
      HoldBack(run);
      if (tail.length != 0) HoldBack(tail);
      return;
    }
    Queue(run);
    if (tail.length != 0) Queue(tail);
  }
  bool is_holding_back() const { return holds_back_; }
  void BeginHoldingBack() { holds_back_ = true; }
  void EndHoldingBack();

 protected:
  ~Subscriber() override;

 private:
  void HoldBack(Range range);

  PointerSet<Target> sets_[3];
  std::vector<Range>* held_ = nullptr;  // each with a reference
  protocol::RespVersion resp_ = protocol::RespVersion::k2;
  bool holds_back_ = false;
};

}  // namespace peal::broker
