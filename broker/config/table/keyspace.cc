#include "broker/config/notify_flags.h"
#include "broker/config/table/rows.h"
#include "broker/config/value.h"

namespace peal::broker::table {
namespace {

constexpr std::string_view kPolicies[] = {
    "volatile-lru", "volatile-lfu",   "volatile-random", "volatile-ttl", "allkeys-lru",
    "allkeys-lfu",  "allkeys-random", "noeviction",      "volatile-lrm", "allkeys-lrm"};

void AssignNotify(Config& config, std::string_view text) {
  const protocol::Result<uint32_t> mask = ParseNotifyFlags(text);
  config.notify_keyspace_events = mask.ok() ? *mask : 0;
}

constexpr Directive kPubSubRows[] = {
    Active(Row(DirectiveType::kNotifyFlags, "notify-keyspace-events", "",
               "Classes of keyspace events that are published: `K` and `E` choose the channels, "
               "`A` or letters of `g$lshzxetdmn` the events; empty is off."),
           AssignNotify, OnChange::kNotify),
    With(Active(Integer("pubsub-cleanup-slice-us", "1000", 50, 100000,
                        "Longest time in microseconds that leaving many channels at once may take "
                        "from a reactor before others are served."),
                Number<&Config::pubsub_cleanup_slice_us>),
         kPealOnly),
};

constexpr Directive kMemoryRows[] = {
    Active(Memory("maxmemory", "0", 0, kLongMax, "Most memory for data; 0 is no limit."),
           Number<&Config::maxmemory_bytes>, OnChange::kMaxMemory),
    Active(OneOf("maxmemory-policy", "noeviction", kPolicies,
                 "Which keys make room when maxmemory is reached."),
           Choice<&Config::maxmemory_policy, kPolicies>, OnChange::kMaxMemory),
    Active(
        Integer("maxmemory-samples", "5", 1, kIntMax, "Keys compared to find one that makes room."),
        Number<&Config::maxmemory_samples>),
    Active(Integer("maxmemory-eviction-tenacity", "10", 0, 100,
                   "How long one command may make room: 10 is 0.5 ms, 100 until it is done."),
           Number<&Config::maxmemory_eviction_tenacity>),
    Active(Integer("lfu-log-factor", "10", 0, kIntMax,
                   "How many uses saturate the frequency counter."),
           Number<&Config::lfu_log_factor>),
    Active(Integer("lfu-decay-time", "1", 0, kIntMax,
                   "Minutes after which the frequency counter falls by one."),
           Number<&Config::lfu_decay_time_min>),
    Active(Bool("lazyfree-lazy-eviction", "no", "Free evicted values in the background."),
           Flag<&Config::lazyfree_lazy_eviction>),
    Active(Bool("lazyfree-lazy-expire", "no", "Free expired values in the background."),
           Flag<&Config::lazyfree_lazy_expire>),
    Active(Bool("lazyfree-lazy-server-del", "no", "Free overwritten values in the background."),
           Flag<&Config::lazyfree_lazy_server_del>),
    Active(Bool("lazyfree-lazy-user-del", "no", "Make DEL behave as UNLINK."),
           Flag<&Config::lazyfree_lazy_user_del>),
    Active(Bool("lazyfree-lazy-user-flush", "no", "Make FLUSHALL and FLUSHDB asynchronous."),
           Flag<&Config::lazyfree_lazy_user_flush>),
    Active(Integer("tracking-table-max-keys", "1000000", 0, kLongMax,
                   "Keys remembered for client-side caching; above it some are forgotten, and who "
                   "has read them is told. 0 is no limit."),
           Number<&Config::tracking_table_max_keys>),
    Bool("activedefrag", "no", "Active defragmentation."),
    Memory("active-defrag-ignore-bytes", "104857600", 1, kLongMax, "Waste to start at."),
    Integer("active-defrag-threshold-lower", "10", 0, 1000,
            "Fragmentation in percent to start at."),
    Integer("active-defrag-threshold-upper", "100", 0, 1000, "Fragmentation for full effort."),
    Integer("active-defrag-cycle-min", "1", 1, 99, "Least effort in percent of a core."),
    Integer("active-defrag-cycle-max", "25", 1, 99, "Greatest effort in percent of a core."),
    Integer("active-defrag-max-scan-fields", "1000", 1, kLongMax, "Fields handled at once."),
    Active(Bool("jemalloc-bg-thread", "yes",
                "Give free memory back to the system from a background thread within seconds; "
                "without it as memory is used."),
           Flag<&Config::jemalloc_bg_thread>, OnChange::kAllocator),
};

constexpr Directive kKeyspaceRows[] = {
    Fixed(Active(Integer("databases", "16", 1, kIntMax, "Number of databases for SELECT."),
                 Number<&Config::databases>)),
    With(Fixed(Active(Bounded(DirectiveType::kPowerOfTwo, "keyspace-stripes", "1024", 1, 65536,
                              "Parts of the keyspace that are locked independently."),
                      Number<&Config::keyspace_stripes>)),
         kPealOnly),
    Active(Integer("active-expire-effort", "1", 1, 10, "Effort to find expired keys."),
           Number<&Config::active_expire_effort>),
    Active(Bool("activerehashing", "yes", "Grow tables in the background too."),
           Flag<&Config::activerehashing>),
};

}  // namespace

std::span<const Directive> PubSubRows() { return kPubSubRows; }
std::span<const Directive> MemoryRows() { return kMemoryRows; }
std::span<const Directive> KeyspaceRows() { return kKeyspaceRows; }

}  // namespace peal::broker::table
