#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "broker/config/address_rules.h"
#include "store/value/encoding_limits.h"

namespace peal::broker {

/// Redis' log levels. kNothing silences the log.
enum class LogLevel : uint8_t { kDebug, kVerbose, kNotice, kWarning, kNothing };

enum class LogFormat : uint8_t { kText, kJson };

/// Who may use a dangerous command: nobody, everybody, or connections from loopback and unix
/// sockets.
enum class LocalAccess : uint8_t { kNo, kYes, kLocal };

enum class Supervised : uint8_t { kUpstart, kSystemd, kAuto, kNo };

enum class MaxMemoryPolicy : uint8_t {
  kVolatileLru,
  kVolatileLfu,
  kVolatileRandom,
  kVolatileTtl,
  kAllkeysLru,
  kAllkeysLfu,
  kAllkeysRandom,
  kNoEviction,
  kVolatileLrm,  // least recently modified
  kAllkeysLrm,
};

/// Bits of shutdown-on-sigint and shutdown-on-sigterm; 0 is "default".
enum ShutdownFlag : uint32_t {
  kShutdownSave = 1u << 0,
  kShutdownNoSave = 1u << 1,
  kShutdownNow = 1u << 2,
  kShutdownForce = 1u << 3,
};

/// Classes of client-output-buffer-limit: index of Config::output_limits.
enum class ClientClass : uint8_t { kNormal, kReplica, kPubSub };
inline constexpr size_t kClientClasses = 3;

/// Output limit of a client class; 0 switches a limit off. The soft limit closes a client whose
/// queue stayed above soft_bytes for soft_seconds without a break.
struct OutputLimit {
  uint64_t hard_bytes = 0;
  uint64_t soft_bytes = 0;
  uint64_t soft_seconds = 0;
};

/// An amount of memory: `bytes`, or when `percent` is not 0 that share of maxmemory (1..100).
struct MemoryShare {
  uint64_t bytes = 0;
  uint32_t percent = 0;

  /// The amount in bytes; 0 means no limit. A share of an unlimited maxmemory is no limit.
  uint64_t Resolve(uint64_t maxmemory_bytes) const {
    return percent == 0 ? bytes : maxmemory_bytes / 100 * percent;
  }
};

/// Whether clients are asked for a certificate, and must have one.
enum class TlsClientAuth : uint8_t { kNo, kYes, kOptional };

/// Which part of a client's certificate names the user that it authenticates.
enum class TlsUserField : uint8_t { kOff, kCommonName, kUri };

/// What the certificates, keys and rules of TLS are made from.
struct TlsSettings {
  std::string cert_file;
  std::string key_file;
  std::string key_file_pass;
  std::string key_file_pass_file;
  std::string dh_params_file;
  std::string ca_cert_file;
  std::string ca_cert_dir;
  TlsClientAuth auth_clients = TlsClientAuth::kYes;
  std::string protocols;  // empty: TLSv1.2 and TLSv1.3
  std::string ciphers;
  std::string ciphersuites;
  bool prefer_server_ciphers = false;
  bool session_caching = true;
  uint32_t session_cache_size = 20480;
  uint32_t session_cache_timeout_s = 300;
};

/// What goes to the audit log, and where that is.
struct AuditSettings {
  std::string file;     // empty: off
  uint32_t events = 0;  // bit by protocol::Audit
  bool refuse_on_error = false;
};

/// One `save <seconds> <changes>` point.
struct SavePoint {
  uint64_t seconds = 0;
  uint64_t changes = 0;
};

/// The settings of a running server, typed. Directives that have no effect here yet are not in it:
/// ConfigStore keeps their text.
///
/// A plain struct without locks: it is written at start and by CONFIG SET, and CONFIG SET runs
/// while every reactor is parked. Between two turns a reactor may read any field without care. The
/// initial values below are those of the table of directives (ConfigStore sets all of them).
struct Config {
  // Network.
  std::vector<std::string> bind = {"*", "-::*"};  // a leading '-' makes an address optional
  uint16_t port = 6379;                           // 0: no TCP listener
  int tcp_backlog = 511;
  uint32_t tcp_keepalive_s = 300;  // 0: off
  uint32_t timeout_s = 0;          // idle time before a client is closed; 0: never
  std::string unixsocket;          // path; empty: none
  uint32_t unixsocketperm = 0;     // mode bits; 0: leave as the umask makes it
  uint32_t maxclients = 10000;
  bool protected_mode = true;
  uint64_t proto_max_bulk_len = 512ull << 20;
  uint64_t client_query_buffer_limit = 1ull << 30;
  std::array<OutputLimit, kClientClasses> output_limits = {
      OutputLimit{}, OutputLimit{256ull << 20, 64ull << 20, 60},
      OutputLimit{32ull << 20, 8ull << 20, 60}};
  MemoryShare maxmemory_clients;
  uint32_t io_threads = 1;  // reactors, 1..128; the default is the number of cores, at most 8
  uint64_t inbox_soft_limit_bytes = 64ull << 20;  // per reactor: above it publishers are slowed

  // Process.
  bool daemonize = false;
  std::string pidfile;  // empty: none unless daemonize
  Supervised supervised = Supervised::kNo;
  LogLevel loglevel = LogLevel::kNotice;
  std::string logfile;  // empty: standard output
  LogFormat log_format = LogFormat::kText;
  std::string dir;  // absolute working directory; empty: where the server was started
  bool set_proc_title = true;
  std::string proc_title_template = "{title} {listen-addr} {server-mode}";
  bool always_show_logo = false;
  uint32_t hz = 10;  // 1..500
  bool dynamic_hz = true;
  uint32_t shutdown_timeout_s = 10;
  uint32_t shutdown_on_sigint = 0;   // ShutdownFlag bits
  uint32_t shutdown_on_sigterm = 0;  // ShutdownFlag bits
  LocalAccess enable_protected_configs = LocalAccess::kNo;
  LocalAccess enable_debug_command = LocalAccess::kNo;
  LocalAccess enable_module_command = LocalAccess::kNo;
  int64_t busy_reply_threshold_ms = 5000;
  uint64_t lua_memory_limit_bytes = uint64_t{256} << 20;  // of each reactor

  // Keyspace.
  uint32_t databases = 16;
  uint32_t keyspace_stripes = 1024;  // a power of two, 1..65536
  uint64_t maxmemory_bytes = 0;      // 0: no limit
  MaxMemoryPolicy maxmemory_policy = MaxMemoryPolicy::kNoEviction;
  uint32_t maxmemory_samples = 5;
  uint64_t tracking_table_max_keys = 1'000'000;
  uint32_t maxmemory_eviction_tenacity = 10;  // 0..100
  uint32_t lfu_log_factor = 10;
  uint32_t lfu_decay_time_min = 1;
  bool rdb_compression = true;
  uint32_t active_expire_effort = 1;  // 1..10
  bool lazyfree_lazy_eviction = false;
  bool lazyfree_lazy_expire = false;
  bool lazyfree_lazy_server_del = false;
  bool lazyfree_lazy_user_del = false;
  bool lazyfree_lazy_user_flush = false;
  bool activerehashing = true;
  bool jemalloc_bg_thread = true;

  store::EncodingLimits encoding;

  // Publish and subscribe.
  uint32_t notify_keyspace_events = 0;      // NotifyFlag bits
  uint32_t pubsub_cleanup_slice_us = 1000;  // longest slice of taking leave from many channels

  // Security.
  std::string requirepass;  // empty: no password
  std::string requirepass_file;
  std::string auth_token_file;  // empty: no tokens
  uint32_t auth_token_leeway_s = 10;
  std::string auth_token_issuer;    // empty: any
  std::string auth_token_audience;  // empty: only tokens without
  AuditSettings audit;
  std::string aclfile;  // empty: none
  uint64_t acllog_max_len = 128;
  bool acl_all_channels = false;  // rights of a new user to channels
  AddressList allow;              // empty: everybody
  AddressList deny;
  uint32_t auth_timeout_s = 60;           // 0: never
  uint32_t auth_failures_per_min = 1000;  // of one address; 0: any number

  // TLS.
  uint16_t tls_port = 0;  // 0: no TLS listener
  TlsSettings tls;
  TlsUserField tls_auth_clients_user = TlsUserField::kOff;
  uint32_t tls_handshake_timeout_s = 10;    // 0: never
  uint32_t tls_auto_reload_interval_s = 1;  // 0: files are not watched

  // Observability.
  int64_t slowlog_log_slower_than_us = 10000;  // -1: off; 0: everything
  uint64_t slowlog_max_len = 128;
  int64_t large_request_bytes = 1 << 20;  // -1: off
  uint64_t large_request_max_len = 128;
  int64_t large_reply_bytes = 1 << 20;  // -1: off
  uint64_t large_reply_max_len = 128;
  uint64_t latency_monitor_threshold_ms = 0;  // 0: off
  bool latency_tracking = true;
  std::vector<double> latency_tracking_info_percentiles = {50, 99, 99.9};

  const OutputLimit& output_limit(ClientClass client_class) const {
    return output_limits[static_cast<size_t>(client_class)];
  }
};

}  // namespace peal::broker
