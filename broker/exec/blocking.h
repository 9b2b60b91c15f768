#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/exec/command.h"
#include "broker/net/connection.h"
#include "protocol/base/result.h"
#include "store/keyspace/waiters.h"

namespace peal::broker {

class BlockedClient;
class Client;
class Reactor;
class Worker;

/// Tries to do what `args` ask for with `key`: pops, moves, reads. Replies and returns true, or
/// returns false, having done nothing, if there is nothing for it at that key now. The unit holds
/// all keys of the request (the destination of a move included) and has its database. Called by the
/// command itself, and later by whoever changes the key, on any thread: it may use nothing of the
/// client.
using ServeFunction = bool (*)(Unit& unit, std::span<const std::string_view> args,
                               std::string_view key, protocol::ReplyWriter& reply);

/// In how many milliseconds what `args` ask for may be there though none of its keys was changed:
/// time alone does it. The unit holds all keys of the request.
using RetryFunction = int64_t (*)(Unit& unit, std::span<const std::string_view> args);

/// What a blocking command waits for.
struct BlockRequest {
  ServeFunction serve = nullptr;
  /// Null unless serving depends on the time.
  RetryFunction retry = nullptr;
  /// The request as `serve` gets it again; copied.
  std::span<const std::string_view> args = {};
  /// Copied; may repeat.
  std::span<const std::string_view> keys = {};
  /// Where serving pushes to, for BLMOVE and its kin; else data() is null.
  std::string_view destination = {};
  /// Milliseconds from now; 0: for ever.
  int64_t timeout_ms = 0;
};

/// Blocks the client of `context` until one of the keys can be served, its time is over, CLIENT
/// UNBLOCK or the end of the connection. To be called by a command that wrote no reply, outside
/// EXEC, with the keys (and the destination) in its plan.
void Block(CommandContext& context, const BlockRequest& request);

/// A timeout in seconds with fractions, as BLPOP has it, in milliseconds rounded up. Errors as
/// Redis.
protocol::Result<int64_t> ReadTimeoutSeconds(std::string_view text);
/// A timeout in whole milliseconds, as XREAD BLOCK has it.
protocol::Result<int64_t> ReadTimeoutMs(std::string_view text);

/// A client that waits. Made on the client's reactor; who serves it does so on any thread, under
/// the stripe of the key, and posts the reply. Everything else belongs to the client's reactor.
class BlockedClient final : public store::Waiter {
 public:
  BlockedClient(CommandContext& context, const BlockRequest& request);

  /// Tries to serve it; after Claim. The unit has its database.
  bool Serve(Unit& unit, std::string_view key);
  /// Sends what Serve replied to the client's reactor.
  void PostReply();
  /// After MarkServed by somebody else: the reply that ends the wait.
  void SetReply(std::string reply) { reply_ = std::move(reply); }
  const std::string& reply() const { return reply_; }
  /// The reply of a timeout: a null array, even where success is a single element.
  std::string TimeoutReply() const;
  ClientId id() const { return id_; }
  /// The request. The client's reactor, or any with all parked.
  std::span<const std::string_view> args() const { return args_; }
  /// Whether the client is to be told when the key that it is served from changes.
  bool is_remembered() const { return is_remembered_; }
  /// The stripe that serving it needs besides the key's, or -1.
  int demands() const { return demands_; }

  /// Takes it out of all lists. The thread holds no stripe.
  void Leave(Unit& unit, Worker& worker, int64_t now_ms);

  Client* client = nullptr;  // null once it has gone; the client's reactor only
  int64_t deadline_us = 0;   // monotonic; 0: none
  int64_t retry_us = 0;      // monotonic, when it is tried again; 0: when a key changes
  bool is_silent = false;    // CLIENT REPLY was off or skipping

 private:
  friend void Block(CommandContext& context, const BlockRequest& request);
  friend class BlockedClients;

  /// Plans all keys in `unit` and takes them.
  void Lock(Unit& unit, Worker& worker, int64_t now_ms);

  Reactor& reactor_;
  const ServeFunction serve_;
  const RetryFunction retry_;
  const ClientId id_;
  const bool is_remembered_;
  const uint32_t db_;
  const protocol::RespVersion resp_;
  int demands_ = -1;
  std::vector<std::string> texts_;  // of args_
  std::vector<std::string_view> args_;
  std::vector<std::string> keys_;
  std::string reply_;
};

using BlockedRef = std::shared_ptr<BlockedClient>;

/// The blocked clients of one reactor, by the end of their time. Its thread, or all parked.
class BlockedClients {
 public:
  explicit BlockedClients(Worker& worker) : worker_(worker) {}

  void Add(const BlockedRef& blocked);
  /// Tries to serve it in so many milliseconds, whatever happens to its keys.
  void ScheduleRetry(const BlockedRef& blocked, int64_t now_us, int64_t in_ms);
  /// Takes the client's wait back; it has gone.
  void Cancel(Client& client);
  /// Ends the wait with `reply`, if it is not over yet. True if it did. With all reactors parked
  /// (`is_exclusive`) from any thread, else on the client's.
  bool End(const BlockedRef& blocked, std::string reply, bool is_exclusive);
  /// Hands over the reply of a wait that is over, and lets the client go on.
  void Deliver(BlockedClient& blocked);
  /// At the end of a turn, when the worker's unit is idle: ends those whose time is over, takes
  /// those whose wait is over out of their lists, and asks for a turn when the next one's time is
  /// over.
  void Step(int64_t now_us);

 private:
  using ByTime = std::multimap<int64_t, BlockedRef>;  // monotonic microseconds

  static void Erase(ByTime& times, int64_t at_us, const BlockedClient& blocked);
  void Forget(BlockedClient& blocked);
  void LeaveLists();
  /// Tries those again for whom time may have brought something.
  void Retry(int64_t now_us);

  Worker& worker_;
  ByTime deadlines_;
  ByTime retries_;
  /// Their wait is over, but lists of keys still have them: a wait may end while the worker is in
  /// the middle of a command, as SUBSCRIBE takes in what was posted before, and its unit in use.
  std::vector<BlockedRef> leaving_;
};

}  // namespace peal::broker
