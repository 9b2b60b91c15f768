#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

struct iovec;

namespace peal::broker {

/// How bytes get on and off a socket: the seam between connections and plain TCP, unix sockets or
/// TLS.
///
/// No call ever blocks. Read and Write return the number of bytes moved, 0 at the end of the stream
/// (Read only), or -errno; -EAGAIN means "wait for the socket". Reactor thread only.
class Transport {
 public:
  virtual ssize_t Read(int fd, const iovec* ranges, int count) = 0;
  /// Without ranges it sends only what the transport itself has kept.
  virtual ssize_t Write(int fd, const iovec* ranges, int count) = 0;

  /// Goes on with what must happen before the first byte. Returns 1 when that is done, -EAGAIN to
  /// be called again when the socket is readable, or -errno. May take a millisecond of computing.
  virtual ssize_t Handshake(int /*fd*/) { return 1; }
  /// The socket will be closed next: says goodbye if that is possible at once.
  virtual void Close(int /*fd*/) {}
  /// Nobody uses the transport any more. The last call.
  virtual void Release() = 0;

  /// Whether Handshake has returned 1. Until then Read and Write are not called with ranges.
  bool is_ready() const { return is_ready_; }
  /// Whether Read may have more although no event of the socket will tell.
  bool has_input() const { return has_input_; }
  /// Whether bytes of the transport's own wait for the socket to take them.
  bool has_output() const { return has_output_; }

  /// Memory held for this connection.
  virtual size_t MemoryBytes() const { return 0; }
  /// The subject of the certificate that the other side has proved to own; empty if none.
  virtual std::string PeerSubject() const { return {}; }

  /// Plain sockets. Has no state: one object serves all connections.
  static Transport& Plain();

 protected:
  ~Transport() = default;

  bool is_ready_ = true;
  bool has_input_ = false;
  bool has_output_ = false;
};

}  // namespace peal::broker
