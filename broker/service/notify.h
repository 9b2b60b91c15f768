#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/result.h"

namespace peal::broker {

/// Tells the service manager about our state: one datagram to the socket named by NOTIFY_SOCKET
/// (systemd's sd_notify protocol; '@' begins an abstract name). No libsystemd.
///
/// Without NOTIFY_SOCKET every call does nothing. Any thread. Sends never block.
class ServiceNotifier {
 public:
  /// Reads NOTIFY_SOCKET and WATCHDOG_USEC / WATCHDOG_PID.
  static ServiceNotifier FromEnvironment();

  /// `socket_path` may be empty: notifications off.
  explicit ServiceNotifier(std::string socket_path, uint64_t watchdog_us = 0);

  bool is_on() const { return !socket_path_.empty(); }

  /// How often Watchdog() must be called, half of what the manager allows; 0: not wanted.
  uint64_t watchdog_interval_ms() const { return watchdog_us_ / 2000; }

  void Ready() const;                             // READY=1
  void Stopping() const;                          // STOPPING=1
  void Watchdog() const;                          // WATCHDOG=1
  void Reloading() const;                         // RELOADING=1
  void Status(std::string_view text) const;       // STATUS=…, line breaks become spaces
  bool Send(std::string_view assignments) const;  // "A=1\nB=2"; false if it could not be sent

 private:
  std::string socket_path_;
  uint64_t watchdog_us_;
};

}  // namespace peal::broker
