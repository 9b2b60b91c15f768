#include "tests/support/client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>

namespace peal::tests {
namespace {

[[noreturn]] void Fail(const std::string& what) { throw std::runtime_error(what); }

[[noreturn]] void FailWithErrno(const std::string& what) { Fail(what + ": " + strerror(errno)); }

int OpenSocket(int family) {
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) FailWithErrno("socket");
  return fd;
}

void ConnectOrFail(int fd, const sockaddr* address, socklen_t size) {
  if (connect(fd, address, size) == 0) return;
  const int reason = errno;
  close(fd);
  errno = reason;
  FailWithErrno("connect");
}

void MakeReady(int fd, bool is_tcp) {
  const int on = 1;
  if (is_tcp) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

}  // namespace

Client Client::Tcp(int port, int receive_buffer_bytes) {
  const int fd = OpenSocket(AF_INET);
  if (receive_buffer_bytes > 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ConnectOrFail(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  MakeReady(fd, true);
  return Client(fd);
}

Client Client::Tcp6(int port) {
  const int fd = OpenSocket(AF_INET6);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<uint16_t>(port));
  address.sin6_addr = in6addr_loopback;
  ConnectOrFail(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  MakeReady(fd, true);
  return Client(fd);
}

Client Client::TcpTo(const std::string& address, int port) {
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, address.c_str(), &peer.sin_addr) != 1) Fail("no address: " + address);
  const int fd = OpenSocket(AF_INET);
  if (ntohl(peer.sin_addr.s_addr) >> 24 == 127) {
    sockaddr_in own = peer;
    own.sin_port = 0;
    if (bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) FailWithErrno("bind");
  }
  ConnectOrFail(fd, reinterpret_cast<const sockaddr*>(&peer), sizeof peer);
  MakeReady(fd, true);
  return Client(fd);
}

Client Client::Unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) Fail("socket path is too long: " + path);
  memcpy(address.sun_path, path.data(), path.size());
  const int fd = OpenSocket(AF_UNIX);
  ConnectOrFail(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  MakeReady(fd, false);
  return Client(fd);
}

Client Client::Tls(int port, const TlsOptions& options, int receive_buffer_bytes) {
  Client client = Tcp(port, receive_buffer_bytes);
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                             SSL_CTX_free);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (options.is_tls12) SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  bool is_good = SSL_CTX_load_verify_file(context.get(), options.ca.c_str()) == 1;
  if (!options.cert.empty()) {
    is_good =
        is_good && SSL_CTX_use_certificate_chain_file(context.get(), options.cert.c_str()) == 1 &&
        SSL_CTX_use_PrivateKey_file(context.get(), options.key.c_str(), SSL_FILETYPE_PEM) == 1;
  }
  if (!is_good) Fail("unusable TLS files");
  client.ssl_ = SSL_new(context.get());
  SSL_set_fd(client.ssl_, client.fd_);
  SSL_set_mode(client.ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_connect_state(client.ssl_);
  if (options.session != nullptr) SSL_set_session(client.ssl_, options.session);
  const Deadline deadline;
  for (int result = 0; (result = SSL_do_handshake(client.ssl_)) != 1;) {
    const int wish = SSL_get_error(client.ssl_, result);
    if (wish != SSL_ERROR_WANT_READ && wish != SSL_ERROR_WANT_WRITE) {
      const char* reason = ERR_reason_error_string(ERR_peek_last_error());
      ERR_clear_error();
      Fail(std::string("TLS handshake: ") + (reason == nullptr ? "the server closed" : reason));
    }
    client.WaitFor(wish == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline);
  }
  return client;
}

void Client::WaitFor(short events, const Deadline& deadline) {
  pollfd waiting{fd_, events, 0};
  if (poll(&waiting, 1, deadline.LeftMs()) == 0) Fail("waiting took too long");
}

ssize_t Client::ReadSome(char* to, size_t bytes) {
  if (ssl_ == nullptr) return recv(fd_, to, bytes, 0);
  size_t n = 0;
  const int result = SSL_read_ex(ssl_, to, bytes, &n);
  if (result == 1) return static_cast<ssize_t>(n);
  const int wish = SSL_get_error(ssl_, result);
  if (wish == SSL_ERROR_ZERO_RETURN) return 0;
  if (wish == SSL_ERROR_SYSCALL) return errno == 0 ? 0 : -1;
  errno = wish == SSL_ERROR_WANT_READ ? EAGAIN : ECONNRESET;
  ERR_clear_error();
  return -1;
}

ssize_t Client::WriteSome(const char* from, size_t bytes) {
  if (ssl_ == nullptr) return send(fd_, from, bytes, MSG_NOSIGNAL);
  size_t n = 0;
  const int result = SSL_write_ex(ssl_, from, bytes, &n);
  if (result == 1) return static_cast<ssize_t>(n);
  const int wish = SSL_get_error(ssl_, result);
  if (wish == SSL_ERROR_SYSCALL) return -1;
  errno = wish == SSL_ERROR_WANT_WRITE || wish == SSL_ERROR_WANT_READ ? EAGAIN : ECONNRESET;
  ERR_clear_error();
  return -1;
}

Client::Client(Client&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      ssl_(std::exchange(other.ssl_, nullptr)),
      input_(std::move(other.input_)),
      consumed_(std::exchange(other.consumed_, 0)) {}

Client& Client::operator=(Client&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::exchange(other.fd_, -1);
    ssl_ = std::exchange(other.ssl_, nullptr);
    input_ = std::move(other.input_);
    consumed_ = std::exchange(other.consumed_, 0);
  }
  return *this;
}

Client::~Client() { Close(); }

void Client::Close() {
  if (ssl_ != nullptr) SSL_free(ssl_);
  ssl_ = nullptr;
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

void Client::Send(std::string_view bytes) {
  const Deadline deadline;
  while (!bytes.empty()) {
    const ssize_t sent = WriteSome(bytes.data(), bytes.size());
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) FailWithErrno("send");
    pollfd waiting{fd_, POLLIN | POLLOUT, 0};
    if (poll(&waiting, 1, deadline.LeftMs()) == 0) Fail("sending took too long");
    // Over TLS what can be read may be no input.
    bool is_any = false;
    if ((waiting.revents & POLLIN) != 0 && !ReceiveSome(&is_any)) Fail("the server closed");
  }
}

bool Client::ReceiveSome(bool* is_any) {
  if (fd_ < 0) Fail("the client is closed");
  char chunk[65536];
  while (true) {
    const ssize_t got = ReadSome(chunk, sizeof chunk);
    *is_any = got > 0;
    if (got > 0) input_.append(chunk, static_cast<size_t>(got));
    if (got > 0 || (got < 0 && errno == EAGAIN)) return true;
    if (got == 0 || errno == ECONNRESET) return false;
    if (errno != EINTR) FailWithErrno("recv");
  }
}

bool Client::Receive(const Deadline& deadline) {
  while (true) {
    bool is_any = false;
    if (!ReceiveSome(&is_any)) return false;
    if (is_any) return true;
    pollfd waiting{fd_, POLLIN, 0};
    if (poll(&waiting, 1, deadline.LeftMs()) == 0) {
      Fail("nothing came in time; received so far: " + Escaped(Pending().substr(0, 200)));
    }
  }
}

void Client::Consume(size_t bytes) {
  consumed_ += bytes;
  if (consumed_ == input_.size() || consumed_ > (1U << 20)) {
    input_.erase(0, consumed_);
    consumed_ = 0;
  }
}

Reply Client::Read() {
  const std::string raw = ReadRaw();
  Reply reply;
  ParseReply(raw, &reply);
  return reply;
}

std::string Client::ReadRaw() {
  const Deadline deadline;
  while (true) {
    const size_t taken = ParseReply(Pending(), nullptr);
    if (taken != 0) {
      std::string raw{Pending().substr(0, taken)};
      Consume(taken);
      return raw;
    }
    if (!Receive(deadline)) {
      Fail("the server closed; received so far: " + Escaped(Pending().substr(0, 200)));
    }
  }
}

std::vector<Reply> Client::ReadMany(size_t count) {
  std::vector<Reply> replies;
  replies.reserve(count);
  for (size_t i = 0; i < count; ++i) replies.push_back(Read());
  return replies;
}

std::string Client::ReadUntilClosed() {
  const Deadline deadline;
  while (Receive(deadline)) {
  }
  std::string rest{Pending()};
  Consume(rest.size());
  return rest;
}

Reply Client::Call(const std::vector<std::string>& arguments) {
  SendCommand(arguments);
  return Read();
}

std::string Client::Do(std::string_view line) { return Call(Words(line)).Show(); }

std::string Client::Raw(std::string_view line) {
  SendLine(line);
  return ReadRaw();
}

std::vector<Reply> Client::Pipeline(const std::vector<std::vector<std::string>>& commands) {
  std::string bytes;
  for (const auto& command : commands) bytes += EncodeCommand(command);
  Send(bytes);
  return ReadMany(commands.size());
}

void Client::Hello(int resp) {
  if (resp == 2) return;
  const Reply reply = Call({"HELLO", std::to_string(resp)});
  if (reply.IsError()) Fail("HELLO failed: " + reply.Show());
}

bool Client::HasInput() { return WaitForInput(Milliseconds{0}); }

bool Client::WaitForInput(Milliseconds patience) {
  if (!Pending().empty()) return true;
  if (ssl_ != nullptr) return WaitForPlaintext(Deadline(patience));
  pollfd waiting{fd_, POLLIN, 0};
  return poll(&waiting, 1, static_cast<int>(patience.count())) > 0;
}

bool Client::WaitForPlaintext(const Deadline& deadline) {
  // What makes the socket readable may be a ticket, which is no input.
  for (bool is_any = false;;) {
    if (!ReceiveSome(&is_any) || is_any) return true;
    pollfd waiting{fd_, POLLIN, 0};
    if (poll(&waiting, 1, deadline.LeftMs()) == 0) return false;
  }
}

void Client::ShutdownWrite() { shutdown(fd_, SHUT_WR); }

std::string Client::LocalAddress() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    FailWithErrno("getsockname");
  }
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

std::string Frame(const Reply& reply) {
  std::string out;
  for (const Reply& item : reply.items) {
    if (!out.empty()) out += ' ';
    out += item.kind == Reply::Kind::kInteger ? std::to_string(item.integer) : Escaped(item.text);
  }
  return out;
}

}  // namespace peal::tests
