// What a measured window cost: CPU time of the server, of the generator and of everything else.
#pragma once

#include <cstdint>

#include "row.h"

namespace peal::bench {

/// CPU time of all the server's threads in microseconds, user and kernel, from the scheduler's
/// nanosecond counters (the usual ones count in steps of 10 ms). Dies if the server is gone.
double ServerCpuUs();

/// Resident memory of the server in bytes.
double ServerRssBytes();

/// A stretch of wall time with what was used in it.
class Window {
 public:
  void Begin();
  void End();

  double wall_s() const { return wall_s_; }
  double server_us() const { return server_us_; }

  /// Adds operations per second, server CPU per operation, and how busy server, generator and
  /// others were. Loopback TCP does the receiver's protocol work in the sender's send(), so the
  /// server's figure holds that too.
  Row& Put(Row& row, uint64_t operations) const;

 private:
  uint64_t began_ns_ = 0;
  double server_before_us_ = 0, own_before_us_ = 0, all_before_us_ = 0;
  double wall_s_ = 0, server_us_ = 0, own_us_ = 0, all_us_ = 0;
};

}  // namespace peal::bench
