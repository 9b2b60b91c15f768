#include "broker/metrics/totals.h"

#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/keyspace/eviction.h"
#include "broker/keyspace/expiry_cycle.h"

namespace peal::broker {

TlsNumbers& TlsNumbers::operator+=(const TlsShared& own) {
  counters.handshakes += own.counters.handshakes;
  counters.resumed += own.counters.resumed;
  counters.failures += own.counters.failures;
  counters.timeouts += own.counters.timeouts;
  counters.floods += own.counters.floods;
  active += own.active;
  return *this;
}

Totals::Totals(Server& server) : commands(server.commands().all().size()) {
  for (const auto& worker : server.workers()) {
    CommandStats& stats = worker->stats();
    for (uint32_t i = 0; i < stats.size() && i < commands.size(); ++i) {
      const CommandNumbers& numbers = stats.command(i);
      commands[i].calls += numbers.calls;
      commands[i].ticks += numbers.ticks;
      commands[i].rejected += numbers.rejected;
      commands[i].failed += numbers.failed;
      commands_processed += numbers.calls;
    }
    const CommandStats::Counters& own = stats.counters();
    counters.protocol_errors += own.protocol_errors;
    counters.input_limit_closes += own.input_limit_closes;
    counters.output_limit_closes += own.output_limit_closes;
    counters.evicted_clients += own.evicted_clients;
    counters.error_replies += own.error_replies;
    counters.auth_failures += own.auth_failures;
    counters.acl_denied_commands += own.acl_denied_commands;
    counters.acl_denied_keys += own.acl_denied_keys;
    counters.acl_denied_channels += own.acl_denied_channels;
    counters.auth_timeouts += own.auth_timeouts;
    counters.certificate_refusals += own.certificate_refusals;
    counters.http_closes += own.http_closes;
    if (worker->tls() != nullptr) tls += *worker->tls();
    counters.expired_tokens += own.expired_tokens;
    for (const auto& [code, count] : stats.errors()) errors[code] += count;
    units += worker->unit().counters();
    units += worker->expiry().counters();
    const Reactor::Counters& reactor = worker->reactor().counters();
    io.bytes_in += reactor.bytes_in;
    io.bytes_out += reactor.bytes_out;
    io.reads += reactor.reads;
    io.writes += reactor.writes;
    io.turns += reactor.turns;
    io.nodes += reactor.nodes;
    commands_per_second += stats.rates().CommandsPerSecond();
    bytes_in_per_second += stats.rates().BytesInPerSecond();
    bytes_out_per_second += stats.rates().BytesOutPerSecond();
    pubsub_clients += worker->pubsub_clients();
    messages_published += worker->hub_port().published();
    messages_delivered += worker->hub_port().delivered();
    units += worker->eviction().counters();
    evicted_keys += worker->eviction().evicted();
    eviction_exceeded_us += worker->eviction().exceeded_us();
    expire_time_cap_reached += worker->expiry().time_cap_reached();
    expired_stale_percent += worker->expiry().stale_percent();
  }
  if (!server.workers().empty()) {
    expired_stale_percent /= static_cast<double>(server.workers().size());
  }
}

Histogram LatencyOf(Server& server, uint32_t command) {
  Histogram sum;
  for (const auto& worker : server.workers()) {
    const CommandNumbers& numbers = worker->stats().command(command);
    if (numbers.latency != nullptr) sum.Merge(*numbers.latency);
  }
  return sum;
}

}  // namespace peal::broker
