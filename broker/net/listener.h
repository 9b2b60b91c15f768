#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/net/reactor.h"
#include "protocol/base/result.h"

namespace peal::broker {

struct ListenerOptions {
  std::vector<std::string> bind;  // numeric addresses or "*"; a leading '-' makes one optional
  uint16_t port = 0;              // 0: no TCP
  int backlog = 511;
  std::string unixsocket;       // path; empty: none
  uint32_t unixsocketperm = 0;  // mode bits; 0: as the umask makes it
};

/// The listening sockets, all watched by one reactor.
///
/// Sockets are opened by Open, before any thread runs, so that a busy port stops the start. Each
/// round accepts a bounded number of connections; when file descriptors are out, a spare one is
/// used to refuse, the log says so, and accepting rests for a moment instead of spinning.
class ListenerSet {
 public:
  /// What to do with a connected non-blocking socket, which the callee takes over.
  using OnSocket = std::function<void(int fd, bool is_unix)>;

  ListenerSet(ListenerOptions options, OnSocket on_socket);
  ListenerSet(const ListenerSet&) = delete;
  ListenerSet& operator=(const ListenerSet&) = delete;
  ~ListenerSet();

  /// Opens, binds and listens. The error names address and reason.
  protocol::Result<void> Open();
  /// Begins to accept. On the reactor's thread.
  void Start(Reactor& reactor);
  /// Takes over the unix socket of `other`, both on one reactor; nothing happens if it has none.
  void AdoptUnix(ListenerSet& other);
  /// Stops accepting and closes. On the reactor's thread.
  void Stop();
  size_t size() const { return sockets_.size(); }

 private:
  struct Socket {
    int fd = -1;
    bool is_unix = false;
    ListenerSet* owner = nullptr;
    uv_poll_t poll;
    bool is_watched = false;
  };

  protocol::Result<void> OpenTcp(const std::string& address);
  protocol::Result<void> OpenUnix();
  void AcceptSome(Socket& socket);
  static void Watch(Socket& socket);
  void Rest();

  static constexpr int kAcceptsAtOnce = 256;
  static constexpr uint64_t kRestMs = 100;

  ListenerOptions options_;
  const OnSocket on_socket_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  Reactor* reactor_ = nullptr;
  std::unique_ptr<uv_timer_t> rest_timer_;
  int spare_fd_ = -1;
};

}  // namespace peal::broker
