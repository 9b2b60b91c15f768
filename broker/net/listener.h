#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/config/address_rules.h"
#include "broker/net/reactor.h"
#include "protocol/base/result.h"

namespace peal::broker {

struct ListenerOptions {
  std::vector<std::string> bind;  // numeric addresses or "*"; a leading '-' makes one optional
  uint16_t port = 0;              // 0: no TCP
  uint16_t tls_port = 0;          // 0: no TLS
  int backlog = 511;
  std::string unixsocket;       // path; empty: none
  uint32_t unixsocketperm = 0;  // mode bits; 0: as the umask makes it
};

/// The listening sockets, all watched by one reactor.
///
/// Sockets are opened by Open, before any thread runs, so that a busy port stops the start. Each
/// round accepts a bounded number of connections for a bounded time; when file descriptors are out,
/// a spare one is used to refuse, the log says so, and accepting rests for a moment instead of
/// spinning.
class ListenerSet {
 public:
  /// What to do with a connected non-blocking socket, which the callee takes over.
  using OnSocket = std::function<void(int fd, ListenerKind kind)>;

  ListenerSet(ListenerOptions options, OnSocket on_socket);
  ListenerSet(const ListenerSet&) = delete;
  ListenerSet& operator=(const ListenerSet&) = delete;
  ~ListenerSet();

  /// Opens, binds and listens. The error names address and reason.
  ///
  /// `before`, if any, is the set that this one will replace: addresses that both have are not
  /// opened; Adopt takes them over, and with them who waits in their backlogs.
  protocol::Result<void> Open(const ListenerSet* before = nullptr);
  /// Lets others of this process bind to addresses that overlap these (`*` and 127.0.0.1), until
  /// called with false. With no reactor in a turn but the caller's.
  void ShareAddresses(bool shared);
  /// Begins to accept. On the reactor's thread.
  void Start(Reactor& reactor);
  /// Takes over the unix socket of `other` and the addresses that Open left to it, and lets in who
  /// still waits at the others. Both on one reactor; before Start, and before other.Stop.
  void Adopt(ListenerSet& other);
  /// Stops accepting and closes; more than once does nothing. On the reactor's thread.
  void Stop();
  /// Accepts what waits now, apart from the loop. On the reactor's thread.
  void AcceptWaiting();

 private:
  struct Socket {
    int fd = -1;
    ListenerKind kind = ListenerKind::kTcp;
    std::string address;  // as bind(2) takes it; empty for the unix socket
    ListenerSet* owner = nullptr;
    uv_poll_t poll;
    bool is_watched = false;
  };

  protocol::Result<void> OpenTcp(const std::string& address, ListenerKind kind,
                                 const ListenerSet* before);
  protocol::Result<void> OpenUnix();
  void AcceptSome(Socket& socket);
  static void Watch(Socket& socket);
  void Rest();

  static constexpr int kAcceptsAtOnce = 256;
  static constexpr int64_t kAcceptSliceUs = 500;
  static constexpr uint64_t kRestMs = 100;

  ListenerOptions options_;
  const OnSocket on_socket_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  // Of the TCP sockets, those to be adopted included: where, and of which kind.
  std::vector<std::pair<std::string, ListenerKind>> addresses_;
  Reactor* reactor_ = nullptr;
  std::unique_ptr<uv_timer_t> rest_timer_;
  int spare_fd_ = -1;
};

}  // namespace peal::broker
