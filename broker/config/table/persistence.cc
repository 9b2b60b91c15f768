#include "broker/config/table/rows.h"

// Most of this has no effect yet: values are checked and kept for CONFIG GET, SET and REWRITE.
namespace peal::broker::table {
namespace {

constexpr std::string_view kSanitize[] = {"no", "yes", "clients"};
constexpr std::string_view kFsync[] = {"everysec", "always", "no"};
constexpr std::string_view kDisklessLoad[] = {"disabled", "on-empty-db", "swapdb"};

constexpr Directive FileName(std::string_view name, std::string_view value,
                             std::string_view summary) {
  return Row(DirectiveType::kFileName, name, value, summary);
}

constexpr Directive kPersistenceRows[] = {
    With(Row(DirectiveType::kSavePoints, "save", "3600 1 300 100 60 10000",
             "Snapshot after so many seconds if so many keys changed."),
         kNoEffectAlarm),
    With(FileName("dbfilename", "dump.rdb", "Name of the snapshot file."), kProtected),
    Active(Bool("rdbcompression", "yes", "Compress snapshots and replies of DUMP."),
           Flag<&Config::rdb_compression>),
    Fixed(Bool("rdbchecksum", "yes", "Checksum at the end of snapshots.")),
    Bool("rdb-del-sync-files", "no", "Remove snapshots that served replication only."),
    Bool("rdb-save-incremental-fsync", "yes", "Sync snapshots little by little."),
    Bool("stop-writes-on-bgsave-error", "yes", "Refuse writes after a failed snapshot."),
    OneOf("sanitize-dump-payload", "no", kSanitize, "Check restored values deeply."),
    With(Integer("rdb-key-save-delay", "0", INT32_MIN, kIntMax, "Delay per key, for tests."),
         kHidden),
    With(Integer("key-load-delay", "0", INT32_MIN, kIntMax, "Delay per key, for tests."), kHidden),
    With(Integer("loading-process-events-interval-bytes", "2097152", 1024, kIntMax,
                 "Bytes loaded between two looks at clients."),
         kHidden),
    With(Bool("appendonly", "no", "Append-only file."), kNoEffectAlarm),
    Fixed(FileName("appendfilename", "appendonly.aof", "Name of the append-only file.")),
    Fixed(FileName("appenddirname", "appendonlydir", "Directory of the append-only files.")),
    OneOf("appendfsync", "everysec", kFsync, "When the append-only file is synced."),
    Bool("no-appendfsync-on-rewrite", "no", "No syncs during a rewrite."),
    Integer("auto-aof-rewrite-percentage", "100", 0, kIntMax, "Growth that starts a rewrite."),
    Memory("auto-aof-rewrite-min-size", "67108864", 0, kLongMax, "Least size for a rewrite."),
    Bool("aof-load-truncated", "yes", "Load a file that was cut short."),
    Bool("aof-use-rdb-preamble", "yes", "Begin the file with a snapshot."),
    Bool("aof-timestamp-enabled", "no", "Times in the file."),
    Bool("aof-rewrite-incremental-fsync", "yes", "Sync rewrites little by little."),
    Bool("aof-disable-auto-gc", "no", "Keep old files."),
};

constexpr Directive kReplicationRows[] = {
    With(Fixed(Aka("slaveof", Row(DirectiveType::kReplicaOf, "replicaof", "",
                                  "Host and port of the primary."))),
         kNoEffectAlarm),
    With(Row(DirectiveType::kSecretText, "masterauth", "", "Password at the primary."), kSensitive),
    With(Text("masteruser", "", "User at the primary."), kSensitive),
    Aka("slave-serve-stale-data",
        Bool("replica-serve-stale-data", "yes", "Answer without a link.")),
    Aka("slave-read-only", Bool("replica-read-only", "yes", "Refuse writes on a replica.")),
    Aka("slave-priority", Integer("replica-priority", "100", 0, kIntMax, "Rank at failover.")),
    Bool("replica-announced", "yes", "Let Sentinel tell of this replica."),
    Aka("slave-announce-ip", Text("replica-announce-ip", "", "Address told to the primary.")),
    Aka("slave-announce-port",
        Integer("replica-announce-port", "0", 0, 65535, "Port told to the primary.")),
    Aka("slave-lazy-flush", Bool("replica-lazy-flush", "no", "Flush in the background.")),
    Aka("slave-ignore-maxmemory",
        Bool("replica-ignore-maxmemory", "yes", "Leave eviction to the primary.")),
    Bool("replica-ignore-disk-write-errors", "no", "Go on after a failed write."),
    Integer("repl-timeout", "60", 1, kIntMax, "Seconds of silence that end a link."),
    Aka("repl-ping-slave-period",
        Integer("repl-ping-replica-period", "10", 1, kIntMax, "Seconds between pings.")),
    Memory("repl-backlog-size", "1048576", 1, kLongMax, "Bytes kept for partial syncs."),
    Integer("repl-backlog-ttl", "3600", 0, kLongMax, "Seconds to keep them without replicas."),
    Bool("repl-disable-tcp-nodelay", "no", "Fewer, larger packets to replicas."),
    Bool("repl-diskless-sync", "yes", "Send snapshots without a file."),
    Integer("repl-diskless-sync-delay", "5", 0, kIntMax, "Seconds to wait for more replicas."),
    Integer("repl-diskless-sync-max-replicas", "0", 0, kIntMax, "Replicas that end the wait."),
    OneOf("repl-diskless-load", "disabled", kDisklessLoad, "Load without a file."),
    Aka("min-slaves-to-write",
        Integer("min-replicas-to-write", "0", 0, kIntMax, "Replicas needed for writes.")),
    Aka("min-slaves-max-lag",
        Integer("min-replicas-max-lag", "10", 0, kIntMax, "Seconds of lag that still count.")),
};

}  // namespace

std::span<const Directive> PersistenceRows() { return kPersistenceRows; }
std::span<const Directive> ReplicationRows() { return kReplicationRows; }

}  // namespace peal::broker::table
