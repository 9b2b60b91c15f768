#include "broker/net/transport.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

namespace peal::broker {
namespace {

class PlainTransport final : public Transport {
 public:
  ssize_t Read(int fd, const iovec* ranges, int count) override {
    for (;;) {
      const ssize_t n = count == 1 ? ::recv(fd, ranges[0].iov_base, ranges[0].iov_len, 0)
                                   : ::readv(fd, ranges, count);
      if (n >= 0) return n;
      if (errno != EINTR) return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    }
  }

  ssize_t Write(int fd, const iovec* ranges, int count) override {
    for (;;) {
      ssize_t n;
      if (count == 1) {
        n = ::send(fd, ranges[0].iov_base, ranges[0].iov_len, MSG_NOSIGNAL);
      } else {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(ranges);
        message.msg_iovlen = static_cast<size_t>(count);
        n = ::sendmsg(fd, &message, MSG_NOSIGNAL);
      }
      if (n >= 0) return n;
      if (errno != EINTR) return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    }
  }

  void Release() override {}
};

}  // namespace

Transport& Transport::Plain() {
  static PlainTransport plain;
  return plain;
}

}  // namespace peal::broker
