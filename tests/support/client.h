#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/deadline.h"
#include "tests/support/reply.h"

struct ssl_session_st;
struct ssl_st;

namespace peal::tests {

/// How a client speaks TLS.
struct TlsOptions {
  std::string ca;    ///< file of the authority that the server's certificate must come from
  std::string cert;  ///< files of the client's own; empty: none
  std::string key;
  bool is_tls12 = false;              ///< speaks TLS 1.2 instead of 1.3
  ssl_session_st* session = nullptr;  ///< to be resumed
};

/// A blocking connection to a server under test. Every wait has a deadline of kPatience; what does
/// not arrive by then throws std::runtime_error, which fails the test. For one thread.
class Client {
 public:
  /// Connects to 127.0.0.1. `receive_buffer_bytes` above 0 sets SO_RCVBUF, so that a client which
  /// does not read fills up soon.
  static Client Tcp(int port, int receive_buffer_bytes = 0);
  static Client Tcp6(int port);
  /// Connects to a numeric IPv4 address; to one of loopback it comes from that very address.
  static Client TcpTo(const std::string& address, int port);
  static Client Unix(const std::string& path);
  /// Connects to 127.0.0.1 and shakes hands. A refusal throws, though with TLS 1.3 a certificate is
  /// refused only afterwards, at the first reply.
  static Client Tls(int port, const TlsOptions& options, int receive_buffer_bytes = 0);

  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  /// Sends raw octets. Reads while the socket is full, so that a long pipeline cannot lock up.
  void Send(std::string_view bytes);
  void SendCommand(const std::vector<std::string>& arguments) { Send(EncodeCommand(arguments)); }
  /// Sends the words of `line` as one command.
  void SendLine(std::string_view line) { SendCommand(Words(line)); }

  Reply Read();
  /// The exact octets of the next value.
  std::string ReadRaw();
  std::vector<Reply> ReadMany(size_t count);
  /// Waits until the peer closes, and returns what it sent before; a reset counts as a close.
  std::string ReadUntilClosed();

  Reply Call(const std::vector<std::string>& arguments);
  /// The words of `line` as one command; its reply in the form of Reply::Show.
  std::string Do(std::string_view line);
  /// The words of `line` as one command; the octets of its reply.
  std::string Raw(std::string_view line);
  std::vector<Reply> Pipeline(const std::vector<std::vector<std::string>>& commands);

  /// Switches to RESP3; with 2 it does nothing.
  void Hello(int resp);
  /// Whether something has been received or can be received now.
  bool HasInput();
  /// Whether a value becomes available within `patience`.
  bool WaitForInput(Milliseconds patience);
  /// Ends the sending direction.
  void ShutdownWrite();
  void Close();

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  /// Of OpenSSL, for tests that go behind the stream; null without TLS.
  ssl_st* ssl() const { return ssl_; }
  /// "127.0.0.1:port" of this side, as CLIENT LIST shows it. TCP only.
  std::string LocalAddress() const;
  int64_t Id() { return Call({"CLIENT", "ID"}).integer; }

 private:
  explicit Client(int fd) : fd_(fd) {}
  /// Appends what can be read now; `*is_any` tells whether that was anything. False at end of file.
  bool ReceiveSome(bool* is_any);
  /// Waits for input and appends it. False at end of file.
  bool Receive(const Deadline& deadline);
  std::string_view Pending() const { return std::string_view(input_).substr(consumed_); }
  void Consume(size_t bytes);
  /// As recv and send of a non-blocking socket.
  ssize_t ReadSome(char* to, size_t bytes);
  ssize_t WriteSome(const char* from, size_t bytes);
  void WaitFor(short events, const Deadline& deadline);
  bool WaitForPlaintext(const Deadline& deadline);

  int fd_ = -1;
  ssl_st* ssl_ = nullptr;
  std::string input_;
  size_t consumed_ = 0;  // octets of input_ that were handed out
};

/// The kind, channel and payload of message frames as one string each: "message news hello".
std::string Frame(const Reply& reply);

}  // namespace peal::tests
