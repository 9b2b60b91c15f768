#pragma once

#include <sys/types.h>

struct iovec;

namespace peal::broker {

/// How bytes get on and off a socket: the seam between connections and plain TCP, unix sockets or
/// TLS.
///
/// Both calls never block. They return the number of bytes moved, 0 at the end of the stream (Read
/// only), or -errno; -EAGAIN means "wait for the socket". Reactor thread only.
class Transport {
 public:
  virtual ssize_t Read(int fd, const iovec* ranges, int count) = 0;
  virtual ssize_t Write(int fd, const iovec* ranges, int count) = 0;
  /// The connection no longer uses this transport.
  virtual void Release() = 0;

  /// Plain sockets. Has no state: one object serves all connections.
  static Transport& Plain();

 protected:
  ~Transport() = default;
};

}  // namespace peal::broker
