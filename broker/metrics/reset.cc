#include "broker/metrics/reset.h"

#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/keyspace/eviction.h"
#include "broker/keyspace/expiry_cycle.h"
#include "broker/scripts/scripts.h"

namespace peal::broker {

void ResetStatistics(Server& server) {
  for (const auto& worker : server.workers()) {
    worker->stats().Reset();
    worker->unit().ResetCounters();
    worker->expiry().ResetCounters();
    worker->eviction().ResetCounters();
    worker->reactor().counters() = Reactor::Counters();
    worker->ResetTlsCounters();
    worker->ResetScriptCounts();
  }
  server.ResetFreedKeys();
  server.audit().ResetCounters();
  server.scripts().cache().ResetEvicted();
  server.total_connections().store(0, std::memory_order_relaxed);
  server.rejected_connections().store(0, std::memory_order_relaxed);
  server.denied_connections().store(0, std::memory_order_relaxed);
  server.auth_guard().ResetCounters();
}

}  // namespace peal::broker
