// Connections to the server, all on one epoll loop and one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base.h"

struct ssl_st;

namespace peal::bench {

/// One client connection. Plain data: the scenarios own it, the functions below drive it.
/// Must not move while it is open, because epoll holds its address.
struct Connection {
  int fd = -1;
  ssl_st* ssl = nullptr;  // with --tls
  uint32_t id = 0;
  bool wants_output = false;  // EPOLLOUT is armed
  bool is_stuck = false;      // reads nothing
  bool is_gone = false;       // the server closed it
  uint32_t pending = 0;       // replies still awaited
  uint64_t acks = 0;          // (un)subscribe acknowledgements, PONG
  uint64_t sent_ns = 0;
  std::string input;   // the unfinished frame
  std::string output;  // not yet sent, from output_done on
  size_t output_done = 0;
  std::vector<uint32_t> keys;  // ring of the keys in flight
  uint32_t keys_head = 0, keys_tail = 0;
  std::deque<uint64_t> due_ns;  // open loop: when each request in flight was to be sent
};

/// What a scenario does with what arrives.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual void OnMessage(Connection&, std::string_view /*payload*/) {}
  virtual void OnAck(Connection& connection) { ++connection.acks; }
  /// `type` is the RESP type byte; `text` the bulk or line; `number` the integer, the bulk's
  /// length (-1: null) or the array's.
  virtual void OnReply(Connection&, char /*type*/, std::string_view /*text*/, int64_t /*number*/) {}
};

/// What went wrong anywhere, and the loop's clock.
struct LoopState {
  Handler* handler = nullptr;
  uint64_t now_ns = 0;  // of the last read or poll
  uint64_t malformed = 0;
  uint64_t closed = 0;  // connections that the server closed
  std::string first_bad;
};
extern LoopState g_loop;

/// Counts a frame that should not have come, and remembers the first.
void CountMalformed(std::string_view what);

void OpenLoop();
/// Connects to the server; dies if that fails.
void Open(Connection& connection);
/// Closes with a reset, so that no port is left in TIME_WAIT.
void Close(Connection& connection);
/// Sends what the socket takes; the rest follows when it is writable.
void Flush(Connection& connection);
/// Stops or resumes reading.
void SetStuck(Connection& connection, bool is_stuck);
/// Waits for events for at most `timeout_ns` and handles one batch of them.
void Poll(int64_t timeout_ns);

constexpr int64_t kPollNs = 20'000'000;

/// Polls until `condition()` holds. False if that took longer than `limit_s`.
template <typename Condition>
bool Until(Condition condition, double limit_s) {
  const uint64_t end_ns = NowNs() + uint64_t(limit_s * 1e9);
  while (!condition()) {
    if (NowNs() > end_ns) return false;
    Poll(kPollNs);
  }
  return true;
}

/// Handles events for `seconds`.
inline void Settle(double seconds) {
  Until([] { return false; }, seconds);
}

}  // namespace peal::bench
