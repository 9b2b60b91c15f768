#include "client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "wire.h"

namespace peal::bench {

LoopState g_loop;

namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr size_t kMaxFrameBytes = 1 << 20;
int g_epoll = -1;

void Arm(Connection& connection, bool output) {
  epoll_event event{};
  event.events =
      (connection.is_stuck ? 0u : unsigned(EPOLLIN)) | (output ? unsigned(EPOLLOUT) : 0u);
  event.data.ptr = &connection;
  epoll_ctl(g_epoll, EPOLL_CTL_MOD, connection.fd, &event);
  connection.wants_output = output;
}

void Read(Connection& connection) {
  static std::vector<char> buffer(kReadBytes + kMaxFrameBytes);
  const size_t kept = connection.input.size();
  if (kept > kMaxFrameBytes) Die("a frame is larger than %zu bytes", kMaxFrameBytes);
  std::memcpy(buffer.data(), connection.input.data(), kept);
  const ssize_t count = recv(connection.fd, buffer.data() + kept, kReadBytes, 0);
  if (count <= 0) {
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    ++g_loop.closed;
    Close(connection);
    connection.is_gone = true;
    return;
  }
  g_loop.now_ns = NowNs();
  const char* end = buffer.data() + kept + count;
  const char* rest = IsNats() ? ParseNats(connection, buffer.data(), end)
                              : ParseResp(connection, buffer.data(), end);
  connection.input.assign(rest, size_t(end - rest));
}

}  // namespace

void CountMalformed(std::string_view what) {
  if (g_loop.malformed++ == 0) g_loop.first_bad = std::string(what.substr(0, 80));
}

void OpenLoop() { g_epoll = epoll_create1(EPOLL_CLOEXEC); }

void Open(Connection& connection) {
  connection.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection.fd < 0) Die("socket: %s", std::strerror(errno));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(uint16_t(g_options.port));
  inet_pton(AF_INET, g_options.host.c_str(), &address.sin_addr);
  if (connect(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
    Die("connect: %s", std::strerror(errno));
  const int one = 1;
  setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(connection.fd, F_SETFL, fcntl(connection.fd, F_GETFL) | O_NONBLOCK);
  connection.is_gone = connection.wants_output = false;
  connection.pending = 0;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &connection;
  epoll_ctl(g_epoll, EPOLL_CTL_ADD, connection.fd, &event);
  if (IsNats()) AppendNatsHello(connection.output);
}

void Close(Connection& connection) {
  if (connection.fd < 0) return;
  const linger reset{1, 0};
  setsockopt(connection.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close(connection.fd);
  connection.fd = -1;
  connection.input.clear();
  connection.output.clear();
  connection.output_done = 0;
  connection.wants_output = false;
}

void Flush(Connection& connection) {
  if (connection.fd < 0) return;
  std::string& output = connection.output;
  while (connection.output_done < output.size()) {
    const ssize_t count = send(connection.fd, output.data() + connection.output_done,
                               output.size() - connection.output_done, MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) break;  // reset by the server: the next read says so
      if (!connection.wants_output) Arm(connection, true);
      return;
    }
    connection.output_done += size_t(count);
  }
  output.clear();
  connection.output_done = 0;
  if (connection.wants_output) Arm(connection, false);
}

void SetStuck(Connection& connection, bool is_stuck) {
  connection.is_stuck = is_stuck;
  if (connection.fd >= 0) Arm(connection, connection.wants_output);
}

void Poll(int64_t timeout_ns) {
  static epoll_event events[1024];
  timespec timeout{time_t(timeout_ns / 1'000'000'000), long(timeout_ns % 1'000'000'000)};
  if (g_options.spin) timeout = {0, 0};
  const int count = epoll_pwait2(g_epoll, events, 1024, &timeout, nullptr);
  g_loop.now_ns = NowNs();
  for (int i = 0; i < count; ++i) {
    Connection& connection = *static_cast<Connection*>(events[i].data.ptr);
    if (connection.fd < 0) continue;  // closed by an earlier event of this batch
    if (events[i].events & EPOLLOUT) Flush(connection);
    if (connection.fd >= 0 && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
      Read(connection);
  }
}

}  // namespace peal::bench
