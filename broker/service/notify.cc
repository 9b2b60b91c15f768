#include "broker/service/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "protocol/base/number.h"

namespace peal::broker {

ServiceNotifier ServiceNotifier::FromEnvironment() {
  const char* path = getenv("NOTIFY_SOCKET");
  if (path == nullptr) return ServiceNotifier(std::string());
  uint64_t watchdog_us = 0;
  const char* watchdog = getenv("WATCHDOG_USEC");
  const char* watchdog_pid = getenv("WATCHDOG_PID");
  // The watchdog is meant for us if no process is named or it is this one.
  const bool is_ours =
      watchdog_pid == nullptr || protocol::ParseInt64(watchdog_pid).value_or(0) == getpid();
  if (watchdog != nullptr && is_ours) watchdog_us = protocol::ParseUint64(watchdog).value_or(0);
  return ServiceNotifier(path, watchdog_us);
}

ServiceNotifier::ServiceNotifier(std::string socket_path, uint64_t watchdog_us)
    : socket_path_(std::move(socket_path)), watchdog_us_(watchdog_us) {
  const bool is_address = !socket_path_.empty() &&
                          (socket_path_[0] == '/' || socket_path_[0] == '@') &&
                          socket_path_.size() < sizeof(sockaddr_un::sun_path);
  if (!is_address) socket_path_.clear();
}

void ServiceNotifier::Ready() const { Send("READY=1"); }
void ServiceNotifier::Stopping() const { Send("STOPPING=1"); }
void ServiceNotifier::Watchdog() const { Send("WATCHDOG=1"); }
void ServiceNotifier::Reloading() const { Send("RELOADING=1"); }

void ServiceNotifier::Status(std::string_view text) const {
  std::string line = "STATUS=";
  for (const char c : text) line.push_back(c == '\n' || c == '\r' ? ' ' : c);
  Send(line);
}

bool ServiceNotifier::Send(std::string_view assignments) const {
  if (!is_on()) return false;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, socket_path_.data(), socket_path_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // abstract
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path_.size());
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const ssize_t sent = sendto(fd, assignments.data(), assignments.size(), MSG_NOSIGNAL,
                              reinterpret_cast<const sockaddr*>(&address), length);
  close(fd);
  return sent == static_cast<ssize_t>(assignments.size());
}

}  // namespace peal::broker
