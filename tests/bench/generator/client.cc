#include "client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
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

// The client's side of TLS, as cheap as it can be: whether the certificate is good is not asked.
SSL_CTX* TlsContext() {
  static SSL_CTX* const context = [] {
    SSL_CTX* made = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                               SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(made, 1);
    return made;
  }();
  return context;
}

// As recv and send.
ssize_t Receive(const Connection& connection, char* to, size_t bytes) {
  if (connection.ssl == nullptr) return recv(connection.fd, to, bytes, 0);
  size_t total = 0;
  while (total < bytes) {
    size_t n = 0;
    const int result = SSL_read_ex(connection.ssl, to + total, bytes - total, &n);
    total += n;
    if (result == 1) continue;
    if (total > 0) break;
    const int wish = SSL_get_error(connection.ssl, result);
    ERR_clear_error();
    if (wish != SSL_ERROR_WANT_READ) return 0;
    errno = EAGAIN;
    return -1;
  }
  return ssize_t(total);
}

ssize_t Send(const Connection& connection, const char* from, size_t bytes) {
  if (connection.ssl == nullptr) return send(connection.fd, from, bytes, MSG_NOSIGNAL);
  size_t n = 0;
  const int result = SSL_write_ex(connection.ssl, from, bytes, &n);
  if (result == 1) return ssize_t(n);
  const int wish = SSL_get_error(connection.ssl, result);
  ERR_clear_error();
  errno = wish == SSL_ERROR_WANT_WRITE || wish == SSL_ERROR_WANT_READ ? EAGAIN : ECONNRESET;
  return -1;
}

void Read(Connection& connection) {
  static std::vector<char> buffer(kReadBytes + kMaxFrameBytes);
  const size_t kept = connection.input.size();
  if (kept > kMaxFrameBytes) Die("a frame is larger than %zu bytes", kMaxFrameBytes);
  std::memcpy(buffer.data(), connection.input.data(), kept);
  const ssize_t count = Receive(connection, buffer.data() + kept, kReadBytes);
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
  // What OpenSSL has read already makes no event.
  if (connection.ssl != nullptr && SSL_pending(connection.ssl) > 0) Read(connection);
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
  if (g_options.tls) {
    connection.ssl = SSL_new(TlsContext());
    SSL_set_fd(connection.ssl, connection.fd);
    if (SSL_connect(connection.ssl) != 1) Die("the TLS handshake failed");
  }
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
  SSL_free(connection.ssl);
  connection.ssl = nullptr;
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
    const ssize_t count = Send(connection, output.data() + connection.output_done,
                               output.size() - connection.output_done);
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
