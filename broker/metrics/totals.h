#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/exec/unit.h"
#include "broker/metrics/command_stats.h"
#include "broker/net/reactor.h"
#include "broker/net/tls/transport.h"

namespace peal::broker {

class Server;

/// What the TLS connections of all workers count, and how many there are.
struct TlsNumbers {
  TlsShared::Counters counters;
  uint64_t active = 0;

  TlsNumbers& operator+=(const TlsShared& own);
};

/// The counters of all workers, added up. Made with all reactors parked.
struct Totals {
  struct OfCommand {
    uint64_t calls = 0;
    uint64_t ticks = 0;
    uint64_t rejected = 0;
    uint64_t failed = 0;
  };

  explicit Totals(Server& server);

  std::vector<OfCommand> commands;  // by TableEntry::index
  CommandStats::Counters counters;
  std::map<std::string, uint64_t> errors;
  UnitCounters units;
  Reactor::Counters io;
  TlsNumbers tls;
  uint64_t commands_processed = 0;
  uint64_t commands_per_second = 0;
  uint64_t bytes_in_per_second = 0;
  uint64_t bytes_out_per_second = 0;
  uint64_t pubsub_clients = 0;
  uint64_t messages_published = 0;
  uint64_t messages_delivered = 0;
  uint64_t expire_time_cap_reached = 0;
  uint64_t evicted_keys = 0;
  uint64_t eviction_exceeded_us = 0;
  double expired_stale_percent = 0;  // the mean over workers
};

/// Latencies of one command on all workers. With all reactors parked.
Histogram LatencyOf(Server& server, uint32_t command);

}  // namespace peal::broker
