// INFO: one table of fields. The names are those of Redis 7.2, because monitoring systems ask for
// them; what Peal does not have is told as 0.
#include "broker/metrics/info.h"

#include <spdlog/fmt/fmt.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <iterator>

#include "broker/config/options.h"
#include "broker/exec/blocking.h"
#include "broker/exec/client.h"
#include "broker/exec/multi.h"
#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/keyspace/usage.h"
#include "broker/metrics/clock.h"
#include "broker/metrics/memory.h"
#include "broker/metrics/redis_version.h"
#include "broker/metrics/totals.h"
#include "broker/pubsub/tracking.h"
#include "broker/scripts/engine.h"
#include "broker/scripts/scripts.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

using protocol::EqualsIgnoreCase;

enum class Section : uint8_t {
  kServer,
  kClients,
  kMemory,
  kPersistence,
  kThreads,
  kStats,
  kReplication,
  kCpu,
  kModules,
  kCommandStats,
  kErrorStats,
  kLatencyStats,
  kCluster,
  kKeyspace,
  kPubSub,
  kReactors,
  kTls,
};

struct SectionName {
  std::string_view name;   // as asked for
  std::string_view title;  // as headed
  bool is_default;
  bool is_in_all;  // "everything" has them all
};

// By Section. Redis prints in this order; Peal's own sections come last.
constexpr SectionName kSections[] = {
    {"server", "Server", true, true},
    {"clients", "Clients", true, true},
    {"memory", "Memory", true, true},
    {"persistence", "Persistence", true, true},
    {"threads", "Threads", false, true},
    {"stats", "Stats", true, true},
    {"replication", "Replication", true, true},
    {"cpu", "CPU", true, true},
    {"modules", "Modules", true, true},
    {"commandstats", "Commandstats", false, true},
    {"errorstats", "Errorstats", true, true},
    {"latencystats", "Latencystats", false, true},
    {"cluster", "Cluster", true, true},
    {"keyspace", "Keyspace", true, true},
    {"pubsub", "Pubsub", false, true},
    {"reactors", "Reactors", false, true},
    {"tls", "TLS", false, true},
};

/// Sums over all clients; taken only when a section needs them.
struct ClientFacts {
  uint64_t memory_bytes = 0;
  uint64_t largest_input = 0;
  uint64_t largest_output = 0;
  uint64_t blocked = 0;
  uint64_t with_timeout = 0;  // of those blocked
  uint64_t tracking = 0;
  uint64_t watching = 0;
  uint64_t watched_keys = 0;
};

struct ScriptFacts {
  ScriptCache::Facts cache;
  FunctionTable::Facts functions;
  uint64_t lua = 0;  // bytes in all reactors' states
  ScriptCounts counts;
};

struct Facts {
  Server& server;
  const Config& config;
  Totals totals;
  MemoryFacts memory;
  ClientFacts clients;
  ScriptFacts scripts;
  rusage self{};
  rusage children{};
  rusage thread{};
  timespec now{};

  int64_t now_ms() const { return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000; }
  uint64_t dataset() const {
    return std::min<uint64_t>(server.keyspace().MemoryBytes(), memory.used);
  }
};

using Out = std::string;

struct Field {
  Section section;
  std::string_view name;  // empty: `print` writes whole lines
  void (*print)(const Facts& facts, Out& out) = nullptr;
  std::string_view constant = {};  // without a function
};

void Put(Out& out, uint64_t value) { fmt::format_to(std::back_inserter(out), "{}", value); }

double Ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void PutRatio(Out& out, uint64_t part, uint64_t whole) {
  fmt::format_to(std::back_inserter(out), "{:.2f}", Ratio(part, whole));
}

void PutDifference(Out& out, uint64_t a, uint64_t b) {
  fmt::format_to(std::back_inserter(out), "{}", static_cast<int64_t>(a) - static_cast<int64_t>(b));
}

void PutTime(Out& out, const timeval& time) {
  fmt::format_to(std::back_inserter(out), "{}.{:06}", time.tv_sec, time.tv_usec);
}

void PutKbps(Out& out, uint64_t bytes_per_second) {
  fmt::format_to(std::back_inserter(out), "{:.2f}", static_cast<double>(bytes_per_second) / 1024);
}

std::string_view PolicyName(MaxMemoryPolicy policy) {
  constexpr std::string_view kNames[] = {
      "volatile-lru", "volatile-lfu",   "volatile-random", "volatile-ttl", "allkeys-lru",
      "allkeys-lfu",  "allkeys-random", "noeviction",      "volatile-lrm", "allkeys-lrm"};
  return kNames[static_cast<size_t>(policy)];
}

// ---------------------------------------------------------------- whole lines

void PrintListeners(const Facts& f, Out& out) {
  int number = 0;
  if (f.config.port != 0) {
    fmt::format_to(std::back_inserter(out), "listener{}:name=tcp", number++);
    for (const std::string& address : f.config.bind) out += ",bind=" + address;
    fmt::format_to(std::back_inserter(out), ",port={}\r\n", f.config.port);
  }
  if (f.config.tls_port != 0) {
    fmt::format_to(std::back_inserter(out), "listener{}:name=tls", number++);
    for (const std::string& address : f.config.bind) out += ",bind=" + address;
    fmt::format_to(std::back_inserter(out), ",port={}\r\n", f.config.tls_port);
  }
  if (!f.config.unixsocket.empty()) {
    fmt::format_to(std::back_inserter(out), "listener{}:name=unix,bind={}\r\n", number,
                   f.config.unixsocket);
  }
}

void PrintCommandStats(const Facts& f, Out& out) {
  for (const auto& entry : f.server.commands().all()) {
    const Totals::OfCommand& command = f.totals.commands[entry->index];
    if (command.calls == 0 && command.rejected == 0 && command.failed == 0) continue;
    const uint64_t us = TicksToUs(command.ticks);
    fmt::format_to(
        std::back_inserter(out),
        "cmdstat_{}:calls={},usec={},usec_per_call={:.2f},rejected_calls={},failed_calls={}\r\n",
        entry->full_name, command.calls, us,
        command.calls == 0 ? 0.0
                           : static_cast<double>(TicksToNs(command.ticks)) / 1000 /
                                 static_cast<double>(command.calls),
        command.rejected, command.failed);
  }
}

void PrintErrorStats(const Facts& f, Out& out) {
  for (const auto& [code, count] : f.totals.errors) {
    fmt::format_to(std::back_inserter(out), "errorstat_{}:count={}\r\n", code, count);
  }
}

void PrintLatencyStats(const Facts& f, Out& out) {
  for (const auto& entry : f.server.commands().all()) {
    const Histogram latency = LatencyOf(f.server, entry->index);
    if (latency.count() == 0) continue;
    fmt::format_to(std::back_inserter(out), "latency_percentiles_usec_{}:", entry->full_name);
    bool is_first = true;
    for (const double percent : f.config.latency_tracking_info_percentiles) {
      char text[protocol::kMaxDoubleChars];
      const std::string_view name(
          text, static_cast<size_t>(protocol::FormatDouble(text, percent) - text));
      fmt::format_to(std::back_inserter(out), "{}p{}={:.3f}", is_first ? "" : ",", name,
                     static_cast<double>(TicksToNs(latency.Percentile(percent / 100))) / 1000);
      is_first = false;
    }
    out += "\r\n";
  }
}

/// The mean time to live of some keys of `db`, in milliseconds; 0 if none has one.
int64_t SampleTtl(const Facts& f, int db) {
  constexpr int kStripes = 32;
  constexpr int kKeys = 64;
  store::Keyspace& keyspace = f.server.keyspace();
  const int64_t now_ms = f.now_ms();
  int64_t sum = 0;
  int count = 0;
  for (int i = 0; i < keyspace.stripe_count() && i < kStripes && count < kKeys; ++i) {
    store::Stripe& stripe = keyspace.stripe(i);
    stripe.AssertOwned();  // the Gate
    const store::Table* table = stripe.table(db);
    if (table == nullptr) continue;
    uint64_t position = 0;
    for (int step = 0; step < 4 && position != store::Table::kScanEnd && count < kKeys; ++step) {
      position = table->ScanVolatile(position, [&](store::Entry* entry) {
        if (entry->expire_ms() <= now_ms) return;
        sum += entry->expire_ms() - now_ms;
        ++count;
      });
    }
  }
  return count == 0 ? 0 : sum / count;
}

void PrintKeyspace(const Facts& f, Out& out) {
  store::Keyspace& keyspace = f.server.keyspace();
  for (int db = 0; db < keyspace.databases(); ++db) {
    const size_t keys = keyspace.DbSize(db);
    const size_t expires = keyspace.VolatileSize(db);
    if (keys == 0) continue;
    fmt::format_to(std::back_inserter(out), "db{}:keys={},expires={},avg_ttl={}\r\n", db, keys,
                   expires, expires == 0 ? 0 : SampleTtl(f, db));
  }
}

void PrintReactors(const Facts& f, Out& out) {
  for (const auto& worker : f.server.workers()) {
    Reactor& reactor = worker->reactor();
    const Reactor::Counters& io = reactor.counters();
    fmt::format_to(
        std::back_inserter(out),
        "reactor{}:clients={},pubsub_clients={},turns={},posts={},inbox_bytes={},reads={},"
        "writes={},bytes_in={},bytes_out={},commands_per_sec={}\r\n",
        reactor.index(), worker->client_count(), worker->pubsub_clients(), io.turns, io.nodes,
        reactor.inbox().bytes().load(std::memory_order_relaxed), io.reads, io.writes, io.bytes_in,
        io.bytes_out, worker->stats().rates().CommandsPerSecond());
  }
}

/// Names as in Valkey 9.1.
void PrintCertificate(const Facts& f, Out& out) {
  const std::shared_ptr<const TlsContext> context = f.server.tls().Current();
  if (context == nullptr) return;
  fmt::format_to(std::back_inserter(out),
                 "tls_server_cert_serial:{}\r\ntls_server_cert_expire_time:{}\r\n"
                 "tls_server_cert_expires_in_seconds:{}\r\ntls_ca_cert_expire_time:{}\r\n",
                 context->certificate_serial(), context->certificate_end_s(),
                 context->certificate_end_s() - f.now.tv_sec, context->authority_end_s());
}

// ---------------------------------------------------------------- the table

constexpr Field kFields[] = {
    // Clients choose features by this version.
    {Section::kServer, "redis_version", nullptr, kRedisVersion},
    {Section::kServer, "server_name", nullptr, "peal"},
    {Section::kServer, "peal_version", [](const Facts&, Out& o) { o += PealVersion(); }},
    {Section::kServer, "redis_git_sha1", nullptr, "00000000"},
    {Section::kServer, "redis_git_dirty", nullptr, "0"},
    {Section::kServer, "redis_build_id", [](const Facts&, Out& o) { o += PealCommit(); }},
    {Section::kServer, "redis_mode", nullptr, "standalone"},
    {Section::kServer, "os",
     [](const Facts&, Out& o) {
       utsname name{};
       if (uname(&name) != 0) return;
       fmt::format_to(std::back_inserter(o), "{} {} {}", name.sysname, name.release, name.machine);
     }},
    {Section::kServer, "arch_bits", [](const Facts&, Out& o) { Put(o, sizeof(void*) * 8); }},
    {Section::kServer, "monotonic_clock", nullptr, "POSIX clock_gettime"},
    {Section::kServer, "multiplexing_api", nullptr, "epoll"},
    {Section::kServer, "atomicvar_api", nullptr, "c11-builtin"},
    {Section::kServer, "gcc_version",
     [](const Facts&, Out& o) {
       fmt::format_to(std::back_inserter(o), "{}.{}.{}", __GNUC__, __GNUC_MINOR__,
                      __GNUC_PATCHLEVEL__);
     }},
    {Section::kServer, "process_id",
     [](const Facts&, Out& o) { Put(o, static_cast<uint64_t>(getpid())); }},
    {Section::kServer, "process_supervised",
     [](const Facts& f, Out& o) {
       constexpr std::string_view kNames[] = {"no", "unknown", "systemd", "upstart"};
       o += kNames[static_cast<size_t>(f.config.supervised)];
     }},
    {Section::kServer, "run_id", [](const Facts& f, Out& o) { o += f.server.run_id(); }},
    {Section::kServer, "tcp_port",
     [](const Facts& f, Out& o) {
       Put(o, f.config.port != 0 ? f.config.port : f.config.tls_port);
     }},
    {Section::kServer, "server_time_usec",
     [](const Facts& f, Out& o) {
       Put(o, static_cast<uint64_t>(f.now.tv_sec) * 1'000'000 +
                  static_cast<uint64_t>(f.now.tv_nsec) / 1000);
     }},
    {Section::kServer, "uptime_in_seconds",
     [](const Facts& f, Out& o) {
       Put(o, static_cast<uint64_t>(std::max<int64_t>(f.now.tv_sec - f.server.start_time_s(), 0)));
     }},
    {Section::kServer, "uptime_in_days",
     [](const Facts& f, Out& o) {
       Put(o, static_cast<uint64_t>(std::max<int64_t>(f.now.tv_sec - f.server.start_time_s(), 0)) /
                  86400);
     }},
    {Section::kServer, "hz", [](const Facts& f, Out& o) { Put(o, f.config.hz); }},
    {Section::kServer, "configured_hz", [](const Facts& f, Out& o) { Put(o, f.config.hz); }},
    {Section::kServer, "lru_clock", [](const Facts& f, Out& o) { Put(o, LruClock(f.now_ms())); }},
    {Section::kServer, "executable", [](const Facts& f, Out& o) { o += f.server.executable(); }},
    {Section::kServer, "config_file",
     [](const Facts& f, Out& o) { o += f.server.config_store().file(); }},
    {Section::kServer, "io_threads_active",
     [](const Facts& f, Out& o) { Put(o, f.server.reactor_count() > 1 ? 1 : 0); }},
    {Section::kServer, "reactors",
     [](const Facts& f, Out& o) { Put(o, static_cast<uint64_t>(f.server.reactor_count())); }},
    {Section::kServer, "stripes",
     [](const Facts& f, Out& o) {
       Put(o, static_cast<uint64_t>(f.server.keyspace().stripe_count()));
     }},
    {Section::kServer, "shutdown_in_milliseconds", nullptr, "0"},
    {Section::kServer, "", PrintListeners},

    {Section::kClients, "connected_clients",
     [](const Facts& f, Out& o) {
       Put(o, static_cast<uint64_t>(std::max(f.server.client_count().load(), 0)));
     }},
    {Section::kClients, "cluster_connections", nullptr, "0"},
    {Section::kClients, "maxclients", [](const Facts& f, Out& o) { Put(o, f.config.maxclients); }},
    {Section::kClients, "client_recent_max_input_buffer",
     [](const Facts& f, Out& o) { Put(o, f.clients.largest_input); }},
    {Section::kClients, "client_recent_max_output_buffer",
     [](const Facts& f, Out& o) { Put(o, f.clients.largest_output); }},
    {Section::kClients, "blocked_clients",
     [](const Facts& f, Out& o) { Put(o, f.clients.blocked); }},
    {Section::kClients, "tracking_clients",
     [](const Facts& f, Out& o) { Put(o, f.clients.tracking); }},
    {Section::kClients, "pubsub_clients",
     [](const Facts& f, Out& o) { Put(o, f.totals.pubsub_clients); }},
    {Section::kClients, "watching_clients",
     [](const Facts& f, Out& o) { Put(o, f.clients.watching); }},
    {Section::kClients, "monitor_clients",
     [](const Facts& f, Out& o) {
       Put(o, static_cast<uint64_t>(std::max(f.server.monitor_count().load(), 0)));
     }},
    {Section::kClients, "clients_in_timeout_table",
     [](const Facts& f, Out& o) { Put(o, f.clients.with_timeout); }},
    {Section::kClients, "total_watched_keys",
     [](const Facts& f, Out& o) { Put(o, f.clients.watched_keys); }},
    {Section::kClients, "total_blocking_keys", nullptr, "0"},
    {Section::kClients, "total_blocking_keys_on_nokey", nullptr, "0"},

    {Section::kMemory, "used_memory", [](const Facts& f, Out& o) { Put(o, f.memory.used); }},
    {Section::kMemory, "used_memory_human",
     [](const Facts& f, Out& o) { o += HumanBytes(f.memory.used); }},
    {Section::kMemory, "used_memory_rss", [](const Facts& f, Out& o) { Put(o, f.memory.rss); }},
    {Section::kMemory, "used_memory_rss_human",
     [](const Facts& f, Out& o) { o += HumanBytes(f.memory.rss); }},
    {Section::kMemory, "used_memory_peak",
     [](const Facts& f, Out& o) { Put(o, f.memory.peak_used); }},
    {Section::kMemory, "used_memory_peak_human",
     [](const Facts& f, Out& o) { o += HumanBytes(f.memory.peak_used); }},
    {Section::kMemory, "used_memory_peak_perc",
     [](const Facts& f, Out& o) {
       fmt::format_to(std::back_inserter(o), "{:.2f}%",
                      100 * Ratio(f.memory.used, f.memory.peak_used));
     }},
    {Section::kMemory, "used_memory_overhead",
     [](const Facts& f, Out& o) { Put(o, f.memory.used - f.dataset()); }},
    {Section::kMemory, "used_memory_startup",
     [](const Facts& f, Out& o) { Put(o, f.memory.startup); }},
    {Section::kMemory, "used_memory_dataset", [](const Facts& f, Out& o) { Put(o, f.dataset()); }},
    {Section::kMemory, "used_memory_dataset_perc",
     [](const Facts& f, Out& o) {
       const double part = Ratio(f.dataset(), f.memory.used - f.memory.startup);
       fmt::format_to(std::back_inserter(o), "{:.2f}%", 100 * std::min(part, 1.0));
     }},
    {Section::kMemory, "allocator_allocated",
     [](const Facts& f, Out& o) { Put(o, f.memory.used); }},
    {Section::kMemory, "allocator_active", [](const Facts& f, Out& o) { Put(o, f.memory.active); }},
    {Section::kMemory, "allocator_resident",
     [](const Facts& f, Out& o) { Put(o, f.memory.resident); }},
    {Section::kMemory, "total_system_memory",
     [](const Facts& f, Out& o) { Put(o, f.memory.system_total); }},
    {Section::kMemory, "total_system_memory_human",
     [](const Facts& f, Out& o) { o += HumanBytes(f.memory.system_total); }},
    {Section::kMemory, "used_memory_lua", [](const Facts& f, Out& o) { Put(o, f.scripts.lua); }},
    {Section::kMemory, "used_memory_vm_eval",
     [](const Facts& f, Out& o) { Put(o, f.scripts.lua); }},
    {Section::kMemory, "used_memory_lua_human",
     [](const Facts& f, Out& o) { o += HumanBytes(f.scripts.lua); }},
    {Section::kMemory, "used_memory_scripts_eval",
     [](const Facts& f, Out& o) { Put(o, f.scripts.cache.bytes); }},
    {Section::kMemory, "number_of_cached_scripts",
     [](const Facts& f, Out& o) { Put(o, f.scripts.cache.scripts); }},
    {Section::kMemory, "number_of_functions",
     [](const Facts& f, Out& o) { Put(o, f.scripts.functions.functions); }},
    {Section::kMemory, "number_of_libraries",
     [](const Facts& f, Out& o) { Put(o, f.scripts.functions.libraries); }},
    // Scripts and functions share the states.
    {Section::kMemory, "used_memory_vm_functions", nullptr, "0"},
    {Section::kMemory, "used_memory_vm_total",
     [](const Facts& f, Out& o) { Put(o, f.scripts.lua); }},
    {Section::kMemory, "used_memory_vm_total_human",
     [](const Facts& f, Out& o) { o += HumanBytes(f.scripts.lua); }},
    {Section::kMemory, "used_memory_functions",
     [](const Facts& f, Out& o) { Put(o, f.scripts.functions.bytes); }},
    {Section::kMemory, "used_memory_scripts",
     [](const Facts& f, Out& o) { Put(o, f.scripts.cache.bytes + f.scripts.functions.bytes); }},
    {Section::kMemory, "used_memory_scripts_human",
     [](const Facts& f, Out& o) {
       o += HumanBytes(f.scripts.cache.bytes + f.scripts.functions.bytes);
     }},
    {Section::kMemory, "maxmemory",
     [](const Facts& f, Out& o) { Put(o, f.config.maxmemory_bytes); }},
    {Section::kMemory, "maxmemory_human",
     [](const Facts& f, Out& o) { o += HumanBytes(f.config.maxmemory_bytes); }},
    {Section::kMemory, "maxmemory_policy",
     [](const Facts& f, Out& o) { o += PolicyName(f.config.maxmemory_policy); }},
    {Section::kMemory, "allocator_frag_ratio",
     [](const Facts& f, Out& o) { PutRatio(o, f.memory.active, f.memory.used); }},
    {Section::kMemory, "allocator_frag_bytes",
     [](const Facts& f, Out& o) { PutDifference(o, f.memory.active, f.memory.used); }},
    {Section::kMemory, "allocator_rss_ratio",
     [](const Facts& f, Out& o) { PutRatio(o, f.memory.resident, f.memory.active); }},
    {Section::kMemory, "allocator_rss_bytes",
     [](const Facts& f, Out& o) { PutDifference(o, f.memory.resident, f.memory.active); }},
    {Section::kMemory, "rss_overhead_ratio",
     [](const Facts& f, Out& o) { PutRatio(o, f.memory.rss, f.memory.resident); }},
    {Section::kMemory, "rss_overhead_bytes",
     [](const Facts& f, Out& o) { PutDifference(o, f.memory.rss, f.memory.resident); }},
    {Section::kMemory, "mem_fragmentation_ratio",
     [](const Facts& f, Out& o) { PutRatio(o, f.memory.rss, f.memory.used); }},
    {Section::kMemory, "mem_fragmentation_bytes",
     [](const Facts& f, Out& o) { PutDifference(o, f.memory.rss, f.memory.used); }},
    {Section::kMemory, "mem_not_counted_for_evict", nullptr, "0"},
    {Section::kMemory, "mem_replication_backlog", nullptr, "0"},
    {Section::kMemory, "mem_total_replication_buffers", nullptr, "0"},
    {Section::kMemory, "mem_clients_slaves", nullptr, "0"},
    {Section::kMemory, "mem_clients_normal",
     [](const Facts& f, Out& o) { Put(o, f.clients.memory_bytes); }},
    {Section::kMemory, "mem_cluster_links", nullptr, "0"},
    {Section::kMemory, "mem_aof_buffer", nullptr, "0"},
    {Section::kMemory, "mem_allocator", [](const Facts&, Out& o) { o += AllocatorName(); }},
    {Section::kMemory, "active_defrag_running", nullptr, "0"},
    {Section::kMemory, "lazyfree_pending_objects",
     [](const Facts& f, Out& o) { Put(o, f.server.FreeingKeys()); }},
    {Section::kMemory, "lazyfreed_objects",
     [](const Facts& f, Out& o) { Put(o, f.server.FreedKeys()); }},

    {Section::kPersistence, "loading", nullptr, "0"},
    {Section::kPersistence, "async_loading", nullptr, "0"},
    {Section::kPersistence, "current_cow_peak", nullptr, "0"},
    {Section::kPersistence, "current_cow_size", nullptr, "0"},
    {Section::kPersistence, "current_cow_size_age", nullptr, "0"},
    {Section::kPersistence, "current_fork_perc", nullptr, "0.00"},
    {Section::kPersistence, "current_save_keys_processed", nullptr, "0"},
    {Section::kPersistence, "current_save_keys_total", nullptr, "0"},
    {Section::kPersistence, "rdb_changes_since_last_save",
     [](const Facts& f, Out& o) { Put(o, f.totals.units.changes); }},
    {Section::kPersistence, "rdb_bgsave_in_progress", nullptr, "0"},
    {Section::kPersistence, "rdb_last_save_time",
     [](const Facts& f, Out& o) { Put(o, static_cast<uint64_t>(f.server.start_time_s())); }},
    {Section::kPersistence, "rdb_last_bgsave_status", nullptr, "ok"},
    {Section::kPersistence, "rdb_last_bgsave_time_sec", nullptr, "-1"},
    {Section::kPersistence, "rdb_current_bgsave_time_sec", nullptr, "-1"},
    {Section::kPersistence, "rdb_saves", nullptr, "0"},
    {Section::kPersistence, "rdb_last_cow_size", nullptr, "0"},
    {Section::kPersistence, "rdb_last_load_keys_expired", nullptr, "0"},
    {Section::kPersistence, "rdb_last_load_keys_loaded", nullptr, "0"},
    {Section::kPersistence, "aof_enabled", nullptr, "0"},
    {Section::kPersistence, "aof_rewrite_in_progress", nullptr, "0"},
    {Section::kPersistence, "aof_rewrite_scheduled", nullptr, "0"},
    {Section::kPersistence, "aof_last_rewrite_time_sec", nullptr, "-1"},
    {Section::kPersistence, "aof_current_rewrite_time_sec", nullptr, "-1"},
    {Section::kPersistence, "aof_last_bgrewrite_status", nullptr, "ok"},
    {Section::kPersistence, "aof_rewrites", nullptr, "0"},
    {Section::kPersistence, "aof_rewrites_consecutive_failures", nullptr, "0"},
    {Section::kPersistence, "aof_last_write_status", nullptr, "ok"},
    {Section::kPersistence, "aof_last_cow_size", nullptr, "0"},
    {Section::kPersistence, "module_fork_in_progress", nullptr, "0"},
    {Section::kPersistence, "module_fork_last_cow_size", nullptr, "0"},

    {Section::kThreads, "reactor_threads",
     [](const Facts& f, Out& o) { Put(o, static_cast<uint64_t>(f.server.reactor_count())); }},

    {Section::kStats, "total_connections_received",
     [](const Facts& f, Out& o) { Put(o, f.server.total_connections().load()); }},
    {Section::kStats, "total_commands_processed",
     [](const Facts& f, Out& o) { Put(o, f.totals.commands_processed); }},
    {Section::kStats, "instantaneous_ops_per_sec",
     [](const Facts& f, Out& o) { Put(o, f.totals.commands_per_second); }},
    {Section::kStats, "total_net_input_bytes",
     [](const Facts& f, Out& o) { Put(o, f.totals.io.bytes_in); }},
    {Section::kStats, "total_net_output_bytes",
     [](const Facts& f, Out& o) { Put(o, f.totals.io.bytes_out); }},
    {Section::kStats, "total_net_repl_input_bytes", nullptr, "0"},
    {Section::kStats, "total_net_repl_output_bytes", nullptr, "0"},
    {Section::kStats, "instantaneous_input_kbps",
     [](const Facts& f, Out& o) { PutKbps(o, f.totals.bytes_in_per_second); }},
    {Section::kStats, "instantaneous_output_kbps",
     [](const Facts& f, Out& o) { PutKbps(o, f.totals.bytes_out_per_second); }},
    {Section::kStats, "instantaneous_input_repl_kbps", nullptr, "0.00"},
    {Section::kStats, "instantaneous_output_repl_kbps", nullptr, "0.00"},
    {Section::kStats, "rejected_connections",
     [](const Facts& f, Out& o) { Put(o, f.server.rejected_connections().load()); }},
    {Section::kStats, "denied_connections",
     [](const Facts& f, Out& o) { Put(o, f.server.denied_connections().load()); }},
    {Section::kStats, "sync_full", nullptr, "0"},
    {Section::kStats, "sync_partial_ok", nullptr, "0"},
    {Section::kStats, "sync_partial_err", nullptr, "0"},
    {Section::kStats, "expired_keys",
     [](const Facts& f, Out& o) { Put(o, f.totals.units.expired_keys); }},
    {Section::kStats, "expired_subkeys",
     [](const Facts& f, Out& o) { Put(o, f.totals.units.expired_fields); }},
    {Section::kStats, "expired_stale_perc",
     [](const Facts& f,
        Out&
            o) { fmt::format_to(std::back_inserter(o), "{:.2f}", f.totals.expired_stale_percent); }},
    {Section::kStats, "expired_time_cap_reached_count",
     [](const Facts& f, Out& o) { Put(o, f.totals.expire_time_cap_reached); }},
    {Section::kStats, "expire_cycle_cpu_milliseconds", nullptr, "0"},
    {Section::kStats, "evicted_keys",
     [](const Facts& f, Out& o) { Put(o, f.totals.evicted_keys); }},
    {Section::kStats, "evicted_scripts",
     [](const Facts& f, Out& o) { Put(o, f.scripts.cache.evicted); }},
    {Section::kStats, "scripts_shared",
     [](const Facts& f, Out& o) { Put(o, f.scripts.counts.shared); }},
    {Section::kStats, "scripts_exclusive",
     [](const Facts& f, Out& o) { Put(o, f.scripts.counts.exclusive); }},
    {Section::kStats, "scripts_repeated",
     [](const Facts& f, Out& o) { Put(o, f.scripts.counts.repeated); }},
    {Section::kStats, "scripts_in_conflict",
     [](const Facts& f, Out& o) { Put(o, f.scripts.counts.conflicts); }},
    {Section::kStats, "evicted_clients",
     [](const Facts& f, Out& o) { Put(o, f.totals.counters.evicted_clients); }},
    {Section::kStats, "total_eviction_exceeded_time",
     [](const Facts& f, Out& o) { Put(o, f.totals.eviction_exceeded_us / 1000); }},
    {Section::kStats, "current_eviction_exceeded_time", nullptr, "0"},
    {Section::kStats, "keyspace_hits",
     [](const Facts& f, Out& o) { Put(o, f.totals.units.keyspace_hits); }},
    {Section::kStats, "keyspace_misses",
     [](const Facts& f, Out& o) { Put(o, f.totals.units.keyspace_misses); }},
    {Section::kStats, "pubsub_channels",
     [](const Facts& f, Out& o) { Put(o, f.server.hub().channels().size()); }},
    {Section::kStats, "pubsub_patterns",
     [](const Facts& f, Out& o) { Put(o, f.server.hub().PatternCount()); }},
    {Section::kStats, "pubsubshard_channels",
     [](const Facts& f, Out& o) { Put(o, f.server.hub().shard_channels().size()); }},
    {Section::kStats, "latest_fork_usec", nullptr, "0"},
    {Section::kStats, "total_forks", nullptr, "0"},
    {Section::kStats, "migrate_cached_sockets", nullptr, "0"},
    {Section::kStats, "slave_expires_tracked_keys", nullptr, "0"},
    {Section::kStats, "active_defrag_hits", nullptr, "0"},
    {Section::kStats, "active_defrag_misses", nullptr, "0"},
    {Section::kStats, "active_defrag_key_hits", nullptr, "0"},
    {Section::kStats, "active_defrag_key_misses", nullptr, "0"},
    {Section::kStats, "total_active_defrag_time", nullptr, "0"},
    {Section::kStats, "current_active_defrag_time", nullptr, "0"},
    {Section::kStats, "tracking_total_keys",
     [](const Facts& f, Out& o) { Put(o, f.server.tracking().keys()); }},
    {Section::kStats, "tracking_total_items",
     [](const Facts& f, Out& o) { Put(o, f.server.tracking().ids()); }},
    {Section::kStats, "tracking_total_prefixes",
     [](const Facts& f, Out& o) { Put(o, f.server.tracking().prefixes()); }},
    {Section::kStats, "unexpected_error_replies", nullptr, "0"},
    {Section::kStats, "total_error_replies",
     [](const Facts& f, Out& o) { Put(o, f.totals.counters.error_replies); }},
    {Section::kStats, "dump_payload_sanitizations", nullptr, "0"},
    {Section::kStats, "total_reads_processed",
     [](const Facts& f, Out& o) { Put(o, f.totals.io.reads); }},
    {Section::kStats, "total_writes_processed",
     [](const Facts& f, Out& o) { Put(o, f.totals.io.writes); }},
    {Section::kStats, "io_threaded_reads_processed", nullptr, "0"},
    {Section::kStats, "io_threaded_writes_processed", nullptr, "0"},
    {Section::kStats, "client_query_buffer_limit_disconnections",
     [](const Facts& f, Out& o) { Put(o, f.totals.counters.input_limit_closes); }},
    {Section::kStats, "client_output_buffer_limit_disconnections",
     [](const Facts& f, Out& o) { Put(o, f.totals.counters.output_limit_closes); }},
    {Section::kStats, "protocol_errors",
     [](const Facts& f, Out& o) { Put(o, f.totals.counters.protocol_errors); }},
    {Section::kStats, "reply_buffer_shrinks", nullptr, "0"},
    {Section::kStats, "reply_buffer_expands", nullptr, "0"},
    {Section::kStats, "acl_access_denied_auth",
     [](const Facts& f, Out& o) { Put(o, f.totals.counters.auth_failures); }},
    {Section::kStats, "acl_access_denied_cmd",
     [](const Facts& f, Out& o) { Put(o, f.totals.counters.acl_denied_commands); }},
    {Section::kStats, "acl_access_denied_key",
     [](const Facts& f, Out& o) { Put(o, f.totals.counters.acl_denied_keys); }},
    {Section::kStats, "acl_access_denied_channel",
     [](const Facts& f, Out& o) { Put(o, f.totals.counters.acl_denied_channels); }},
    {Section::kStats, "acl_access_denied_tls_cert",
     [](const Facts& f, Out& o) { Put(o, f.totals.counters.certificate_refusals); }},
    {Section::kStats, "auth_attempts_refused",
     [](const Facts& f, Out& o) { Put(o, f.server.auth_guard().refusals()); }},
    {Section::kStats, "auth_timeouts",
     [](const Facts& f, Out& o) { Put(o, f.totals.counters.auth_timeouts); }},
    {Section::kStats, "http_requests_cut",
     [](const Facts& f, Out& o) { Put(o, f.totals.counters.http_closes); }},
    {Section::kStats, "auth_token_expired_connections",
     [](const Facts& f, Out& o) { Put(o, f.totals.counters.expired_tokens); }},
    {Section::kStats, "audit_log_records",
     [](const Facts& f, Out& o) { Put(o, f.server.audit().counters().records); }},
    {Section::kStats, "audit_log_lost",
     [](const Facts& f, Out& o) { Put(o, f.server.audit().counters().lost); }},
    {Section::kStats, "audit_log_left_out",
     [](const Facts& f, Out& o) { Put(o, f.server.audit().counters().left_out); }},

    {Section::kReplication, "role", nullptr, "master"},
    {Section::kReplication, "connected_slaves", nullptr, "0"},
    {Section::kReplication, "master_failover_state", nullptr, "no-failover"},
    {Section::kReplication, "master_replid",
     [](const Facts& f, Out& o) { o += f.server.run_id(); }},
    {Section::kReplication, "master_replid2", nullptr, "0000000000000000000000000000000000000000"},
    {Section::kReplication, "master_repl_offset", nullptr, "0"},
    {Section::kReplication, "second_repl_offset", nullptr, "-1"},
    {Section::kReplication, "repl_backlog_active", nullptr, "0"},
    {Section::kReplication, "repl_backlog_size", nullptr, "1048576"},
    {Section::kReplication, "repl_backlog_first_byte_offset", nullptr, "0"},
    {Section::kReplication, "repl_backlog_histlen", nullptr, "0"},

    {Section::kCpu, "used_cpu_sys", [](const Facts& f, Out& o) { PutTime(o, f.self.ru_stime); }},
    {Section::kCpu, "used_cpu_user", [](const Facts& f, Out& o) { PutTime(o, f.self.ru_utime); }},
    {Section::kCpu, "used_cpu_sys_children",
     [](const Facts& f, Out& o) { PutTime(o, f.children.ru_stime); }},
    {Section::kCpu, "used_cpu_user_children",
     [](const Facts& f, Out& o) { PutTime(o, f.children.ru_utime); }},
    // Of the reactor that answers.
    {Section::kCpu, "used_cpu_sys_main_thread",
     [](const Facts& f, Out& o) { PutTime(o, f.thread.ru_stime); }},
    {Section::kCpu, "used_cpu_user_main_thread",
     [](const Facts& f, Out& o) { PutTime(o, f.thread.ru_utime); }},

    {Section::kCommandStats, "", PrintCommandStats},
    {Section::kErrorStats, "", PrintErrorStats},
    {Section::kLatencyStats, "", PrintLatencyStats},
    {Section::kCluster, "cluster_enabled", nullptr, "0"},
    {Section::kKeyspace, "", PrintKeyspace},

    {Section::kPubSub, "channels",
     [](const Facts& f, Out& o) { Put(o, f.server.hub().channels().size()); }},
    {Section::kPubSub, "patterns",
     [](const Facts& f, Out& o) { Put(o, f.server.hub().PatternCount()); }},
    {Section::kPubSub, "shard_channels",
     [](const Facts& f, Out& o) { Put(o, f.server.hub().shard_channels().size()); }},
    {Section::kPubSub, "clients", [](const Facts& f, Out& o) { Put(o, f.totals.pubsub_clients); }},
    {Section::kPubSub, "messages_published",
     [](const Facts& f, Out& o) { Put(o, f.totals.messages_published); }},
    {Section::kPubSub, "messages_delivered",
     [](const Facts& f, Out& o) { Put(o, f.totals.messages_delivered); }},
    {Section::kPubSub, "keyspace_events",
     [](const Facts& f, Out& o) { Put(o, f.totals.units.events); }},
    {Section::kPubSub, "inbox_soft_limit_bytes",
     [](const Facts& f, Out& o) { Put(o, f.config.inbox_soft_limit_bytes); }},

    {Section::kReactors, "", PrintReactors},

    {Section::kTls, "tls_port", [](const Facts& f, Out& o) { Put(o, f.config.tls_port); }},
    {Section::kTls, "tls_connections", [](const Facts& f, Out& o) { Put(o, f.totals.tls.active); }},
    {Section::kTls, "tls_handshakes",
     [](const Facts& f, Out& o) { Put(o, f.totals.tls.counters.handshakes); }},
    {Section::kTls, "tls_sessions_resumed",
     [](const Facts& f, Out& o) { Put(o, f.totals.tls.counters.resumed); }},
    {Section::kTls, "tls_handshake_failures",
     [](const Facts& f, Out& o) { Put(o, f.totals.tls.counters.failures); }},
    {Section::kTls, "tls_handshake_timeouts",
     [](const Facts& f, Out& o) { Put(o, f.totals.tls.counters.timeouts); }},
    {Section::kTls, "tls_renegotiation_floods",
     [](const Facts& f, Out& o) { Put(o, f.totals.tls.counters.floods); }},
    {Section::kTls, "tls_reloads",
     [](const Facts& f, Out& o) { Put(o, f.server.tls().reloads()); }},
    {Section::kTls, "tls_failed_reloads",
     [](const Facts& f, Out& o) { Put(o, f.server.tls().failed_reloads()); }},
    {Section::kTls, "", PrintCertificate},
};

/// One bit for each Section.
uint32_t Choose(std::span<const std::string_view> names) {
  uint32_t chosen = 0;
  const auto add = [&](auto&& wanted) {
    for (size_t i = 0; i < std::size(kSections); ++i) {
      if (wanted(kSections[i])) chosen |= 1u << i;
    }
  };
  if (names.empty()) add([](const SectionName& section) { return section.is_default; });
  for (const std::string_view name : names) {
    if (EqualsIgnoreCase(name, "default")) {
      add([](const SectionName& section) { return section.is_default; });
    } else if (EqualsIgnoreCase(name, "all")) {
      add([](const SectionName& section) { return section.is_in_all; });
    } else if (EqualsIgnoreCase(name, "everything")) {
      add([](const SectionName&) { return true; });
    } else {
      add([&](const SectionName& section) { return EqualsIgnoreCase(name, section.name); });
    }
  }
  return chosen;
}

ClientFacts LookAtClients(Server& server) {
  ClientFacts facts;
  for (const auto& worker : server.workers()) {
    worker->ForEachClient([&](const Client& client) {
      facts.memory_bytes += client.MemoryBytes();
      const Session& session = client.session();
      if (session.is_doomed) return;
      facts.largest_input = std::max<uint64_t>(facts.largest_input, client.input_capacity());
      facts.largest_output = std::max(facts.largest_output, client.output().bytes());
      if (session.blocked != nullptr) {
        ++facts.blocked;
        if (session.blocked->deadline_us != 0) ++facts.with_timeout;
      }
      if (session.tracker != nullptr && session.tracker->is_on) ++facts.tracking;
      const auto& multi = session.multi;
      if (multi == nullptr || multi->watched.empty()) return;
      ++facts.watching;
      facts.watched_keys += multi->watched.size();
    });
  }
  return facts;
}

bool Has(uint32_t chosen, Section section) {
  return (chosen & (1u << static_cast<uint32_t>(section))) != 0;
}

}  // namespace

std::string HumanBytes(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{}B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  for (const char unit : {'K', 'M', 'G', 'T'}) {
    if (value < 1024) return fmt::format("{:.2f}{}", value, unit);
    value /= 1024;
  }
  return fmt::format("{:.2f}P", value);
}

std::string BuildInfo(Server& server, std::span<const std::string_view> sections) {
  const uint32_t chosen = Choose(sections);
  if (chosen == 0) return {};
  // First: what is gathered below takes memory itself.
  const MemoryFacts memory = Has(chosen, Section::kMemory) ? ReadMemory() : MemoryFacts{};
  Facts facts{.server = server,
              .config = server.config(),
              .totals = Totals(server),
              .memory = memory,
              .clients = {}};
  facts.scripts.cache = server.scripts().cache().facts();
  facts.scripts.functions = server.scripts().functions().facts();
  for (const auto& worker : server.workers()) {
    if (const LuaEngine* const lua = worker->lua_if_any()) {
      facts.scripts.lua += lua->memory_bytes();
      facts.scripts.counts += lua->counts();
    }
  }
  if (Has(chosen, Section::kMemory) || Has(chosen, Section::kClients)) {
    facts.clients = LookAtClients(server);
  }
  getrusage(RUSAGE_SELF, &facts.self);
  getrusage(RUSAGE_CHILDREN, &facts.children);
  getrusage(RUSAGE_THREAD, &facts.thread);
  clock_gettime(CLOCK_REALTIME, &facts.now);

  std::string out;
  out.reserve(8192);
  for (size_t i = 0; i < std::size(kSections); ++i) {
    const auto section = static_cast<Section>(i);
    if (!Has(chosen, section)) continue;
    if (!out.empty()) out += "\r\n";
    out.append("# ").append(kSections[i].title).append("\r\n");
    for (const Field& field : kFields) {
      if (field.section != section) continue;
      if (field.name.empty()) {
        field.print(facts, out);
        continue;
      }
      out.append(field.name).append(":");
      if (field.print != nullptr) {
        field.print(facts, out);
      } else {
        out += field.constant;
      }
      out += "\r\n";
    }
  }
  return out;
}

}  // namespace peal::broker
