#include "broker/net/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "broker/log/log.h"
#include "broker/metrics/clock.h"

namespace peal::broker {
namespace {

using protocol::Error;
using protocol::Result;

constexpr int kAcceptsBetweenLooks = 8;

Error Failure(const std::string& what, int error) {
  return Error::Owned("ERR could not listen on " + what + ": " + std::strerror(error));
}

// Missing families and addresses are no fault of an optional address.
bool IsAbsent(int error) {
  return error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == EPROTONOSUPPORT ||
         error == ENOENT;
}

using Addresses = std::vector<std::pair<std::string, ListenerKind>>;

/// The place of `address` in `addresses`, or their end.
Addresses::const_iterator Find(const Addresses& addresses, const std::string& address) {
  return std::ranges::find(addresses, address, &Addresses::value_type::first);
}

bool Holds(const Addresses& addresses, const std::string& address) {
  return Find(addresses, address) != addresses.end();
}

}  // namespace

ListenerSet::ListenerSet(ListenerOptions options, OnSocket on_socket)
    : options_(std::move(options)),
      on_socket_(std::move(on_socket)),
      spare_fd_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

ListenerSet::~ListenerSet() {
  for (const auto& socket : sockets_) {
    if (socket->fd >= 0) ::close(socket->fd);
  }
  if (spare_fd_ >= 0) ::close(spare_fd_);
}

Result<void> ListenerSet::Open(const ListenerSet* before) {
  if (options_.port != 0 && options_.port == options_.tls_port) {
    return Error::Static("ERR port and tls-port are the same");
  }
  for (const ListenerKind kind : {ListenerKind::kTcp, ListenerKind::kTls}) {
    if ((kind == ListenerKind::kTls ? options_.tls_port : options_.port) == 0) continue;
    for (const std::string& address : options_.bind) {
      auto opened = OpenTcp(address, kind, before);
      if (!opened.ok()) return opened;
    }
  }
  if (!options_.unixsocket.empty()) {
    auto opened = OpenUnix();
    if (!opened.ok()) return opened;
  }
  if (sockets_.empty() && addresses_.empty()) {
    return Error::Owned(
        "ERR nothing to listen on: port and tls-port are 0 and unixsocket is empty, or no "
        "address of bind exists here");
  }
  return {};
}

Result<void> ListenerSet::OpenTcp(const std::string& configured, ListenerKind kind,
                                  const ListenerSet* before) {
  const uint16_t port = kind == ListenerKind::kTls ? options_.tls_port : options_.port;
  const bool is_optional = configured.starts_with('-');
  std::string address = is_optional ? configured.substr(1) : configured;
  const std::string what = "address " + address + " port " + std::to_string(port);
  if (address == "*") address = "0.0.0.0";
  if (address == "::*") address = "::";
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (status != 0) {
    if (is_optional) return {};
    return Error::Owned("ERR could not listen on " + what + ": " + gai_strerror(status));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, freeaddrinfo);
  const std::string key(reinterpret_cast<const char*>(found->ai_addr), found->ai_addrlen);
  if (before != nullptr && Holds(before->addresses_, key) && !Holds(addresses_, key)) {
    addresses_.emplace_back(key, kind);
    return {};
  }
  const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    if (is_optional && IsAbsent(errno)) return {};
    return Failure(what, errno);
  }
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  // Beside our own sockets at this port, which allow it meanwhile; another process' ones do not.
  if (before != nullptr && (before->options_.port == port || before->options_.tls_port == port)) {
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
  }
  if (found->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
  if (::bind(fd, found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd, options_.backlog) != 0) {
    const int error = errno;
    ::close(fd);
    if (is_optional && IsAbsent(error)) return {};
    return Failure(what, error);
  }
  const int no = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &no, sizeof no);
  auto socket = std::make_unique<Socket>();
  socket->fd = fd;
  socket->kind = kind;
  socket->address = key;
  socket->owner = this;
  sockets_.push_back(std::move(socket));
  addresses_.emplace_back(key, kind);
  return {};
}

void ListenerSet::ShareAddresses(bool shared) {
  const int value = shared ? 1 : 0;
  for (const auto& socket : sockets_) {
    if (socket->kind != ListenerKind::kUnix)
      setsockopt(socket->fd, SOL_SOCKET, SO_REUSEPORT, &value, sizeof value);
  }
}

Result<void> ListenerSet::OpenUnix() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string what = "unix socket " + options_.unixsocket;
  if (options_.unixsocket.size() >= sizeof address.sun_path) return Failure(what, ENAMETOOLONG);
  std::memcpy(address.sun_path, options_.unixsocket.c_str(), options_.unixsocket.size() + 1);
  // A socket left behind by a server that was killed is in the way; anything else stays untouched.
  struct stat status{};
  if (lstat(options_.unixsocket.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) return Failure(what, EEXIST);
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool is_alive =
        probe >= 0 && ::connect(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    if (probe >= 0) ::close(probe);
    if (is_alive) return Failure(what, EADDRINUSE);
    ::unlink(options_.unixsocket.c_str());
  }
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Failure(what, errno);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, options_.backlog) != 0) {
    const int error = errno;
    ::close(fd);
    return Failure(what, error);
  }
  if (options_.unixsocketperm != 0) chmod(options_.unixsocket.c_str(), options_.unixsocketperm);
  auto socket = std::make_unique<Socket>();
  socket->fd = fd;
  socket->kind = ListenerKind::kUnix;
  socket->owner = this;
  sockets_.push_back(std::move(socket));
  return {};
}

void ListenerSet::Start(Reactor& reactor) {
  reactor_ = &reactor;
  rest_timer_ = std::make_unique<uv_timer_t>();
  PEAL_CHECK(uv_timer_init(reactor.loop(), rest_timer_.get()) == 0);
  rest_timer_->data = this;
  for (const auto& socket : sockets_) {
    if (!socket->is_watched) {
      PEAL_CHECK(uv_poll_init(reactor.loop(), &socket->poll, socket->fd) == 0);
      socket->poll.data = socket.get();
      socket->is_watched = true;
    }
    Watch(*socket);  // an adopted one too: it may have been at rest
  }
}

void ListenerSet::Watch(Socket& socket) {
  PEAL_CHECK(uv_poll_start(&socket.poll, UV_READABLE, [](uv_poll_t* handle, int, int) {
               auto& ready = *static_cast<Socket*>(handle->data);
               ready.owner->reactor_->BeginTurn();
               ready.owner->AcceptSome(ready);
             }) == 0);
}

void ListenerSet::Adopt(ListenerSet& other) {
  const auto stays = [this](const Socket& socket) {
    return socket.kind == ListenerKind::kUnix || Holds(addresses_, socket.address);
  };
  for (const auto& socket : other.sockets_) {
    if (other.reactor_ != nullptr && !stays(*socket)) other.AcceptSome(*socket);
  }
  std::vector<std::unique_ptr<Socket>> left;
  for (auto& socket : other.sockets_) {
    if (!stays(*socket)) {
      left.push_back(std::move(socket));
      continue;
    }
    if (socket->kind == ListenerKind::kUnix) {
      options_.unixsocket = other.options_.unixsocket;
    } else {
      socket->kind = Find(addresses_, socket->address)->second;  // the two ports may have swapped
    }
    socket->owner = this;
    sockets_.push_back(std::move(socket));
  }
  other.sockets_ = std::move(left);
}

void ListenerSet::Stop() {
  for (const auto& socket : sockets_) {
    if (socket->is_watched) uv_close(reinterpret_cast<uv_handle_t*>(&socket->poll), nullptr);
    socket->is_watched = false;
    if (socket->fd < 0) continue;
    ::close(std::exchange(socket->fd, -1));
    if (socket->kind == ListenerKind::kUnix) ::unlink(options_.unixsocket.c_str());
  }
  if (spare_fd_ >= 0) ::close(std::exchange(spare_fd_, -1));
  if (reactor_ == nullptr) return;
  uv_close(reinterpret_cast<uv_handle_t*>(rest_timer_.get()), nullptr);
  reactor_ = nullptr;
}

void ListenerSet::AcceptWaiting() {
  for (const auto& socket : sockets_) {
    if (socket->is_watched && uv_is_active(reinterpret_cast<uv_handle_t*>(&socket->poll)) != 0) {
      AcceptSome(*socket);
    }
  }
}

void ListenerSet::AcceptSome(Socket& socket) {
  const int64_t end_us = MonotonicUs() + kAcceptSliceUs;
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    // Who still waits is told of by the next round.
    if (i % kAcceptsBetweenLooks == kAcceptsBetweenLooks - 1 && MonotonicUs() >= end_us) return;
    const int fd = ::accept4(socket.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      on_socket_(fd, socket.kind);
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    const int error = errno;
    static RateLimitedLog limited(LogLevel::kWarning, 1);
    limited.Write("cannot accept connections: {}; {}", std::strerror(error),
                  error == EMFILE || error == ENFILE
                      ? "file descriptors are used up: raise `ulimit -n` or lower maxclients"
                      : "trying again in a moment");
    if ((error == EMFILE || error == ENFILE) && spare_fd_ >= 0) {
      // The waiting client learns of it at once instead of hanging in the backlog.
      ::close(spare_fd_);
      const int refused = ::accept4(socket.fd, nullptr, nullptr, SOCK_CLOEXEC);
      if (refused >= 0) ::close(refused);
      spare_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    return Rest();
  }
}

void ListenerSet::Rest() {
  for (const auto& socket : sockets_) uv_poll_stop(&socket->poll);
  uv_timer_start(
      rest_timer_.get(),
      [](uv_timer_t* timer) {
        auto& self = *static_cast<ListenerSet*>(timer->data);
        for (const auto& socket : self.sockets_) Watch(*socket);
      },
      kRestMs, 0);
}

}  // namespace peal::broker
