#include "broker/config/table/rows.h"
#include "store/value/encoding_limits.h"

// Nothing here has an effect yet: values are checked and kept for CONFIG GET, SET and REWRITE.
namespace peal::broker::table {
namespace {

constexpr std::string_view kEndpointTypes[] = {"ip", "hostname", "unknown-endpoint"};

constexpr Directive kClusterRows[] = {
    With(Fixed(Bool("cluster-enabled", "no", "Cluster mode.")), kNoEffectAlarm),
    Fixed(Text("cluster-config-file", "nodes.conf", "State file of the cluster.")),
    Integer("cluster-node-timeout", "15000", 0, kLongMax, "Milliseconds until a node is suspect."),
    Fixed(Integer("cluster-port", "0", 0, 65535, "Port of the bus; 0 is port + 10000.")),
    Text("cluster-announce-ip", "", "Address told to others."),
    Integer("cluster-announce-port", "0", 0, 65535, "Port told to others."),
    Integer("cluster-announce-tls-port", "0", 0, 65535, "TLS port told to others."),
    Integer("cluster-announce-bus-port", "0", 0, 65535, "Bus port told to others."),
    Text("cluster-announce-hostname", "", "Host name told to others."),
    Text("cluster-announce-human-nodename", "", "Name of the node in logs."),
    OneOf("cluster-preferred-endpoint-type", "ip", kEndpointTypes, "What clients are sent to."),
    Bool("cluster-require-full-coverage", "yes", "Refuse service while slots are missing."),
    Bool("cluster-allow-reads-when-down", "no", "Serve reads while the cluster is down."),
    Bool("cluster-allow-pubsubshard-when-down", "yes",
         "Serve shard channels while the cluster is down."),
    Bool("cluster-allow-replica-migration", "yes", "Let replicas move to other primaries."),
    Integer("cluster-migration-barrier", "1", 0, kIntMax, "Replicas a primary keeps."),
    Aka("cluster-slave-validity-factor",
        Integer("cluster-replica-validity-factor", "10", 0, kIntMax, "Lag that bars failover.")),
    Aka("cluster-slave-no-failover",
        Bool("cluster-replica-no-failover", "no", "Never become primary by itself.")),
    Memory("cluster-link-sendbuf-limit", "0", 0, kLongMax, "Output limit of a bus link."),
    With(Integer("cluster-ping-interval", "1000", 1, kIntMax, "Milliseconds between pings."),
         kHidden),
};

using store::EncodingLimits;

template <auto kField>
void Encoding(Config& config, std::string_view text) {
  using Field = std::remove_reference_t<decltype(config.encoding.*kField)>;
  config.encoding.*kField = static_cast<Field>(protocol::ParseInt64(text).value_or(0));
}

constexpr Directive kEncodingRows[] = {
    Aka("hash-max-ziplist-entries", Active(Integer("hash-max-listpack-entries", "512", 0, kLongMax,
                                                   "Fields of a compact hash."),
                                           Encoding<&EncodingLimits::hash_max_listpack_entries>)),
    Aka("hash-max-ziplist-value",
        Active(Memory("hash-max-listpack-value", "64", 0, kLongMax, "Longest value in it."),
               Encoding<&EncodingLimits::hash_max_listpack_value>)),
    Aka("list-max-ziplist-size",
        Active(Integer("list-max-listpack-size", "-2", INT32_MIN, kIntMax,
                       "Size of a list's node: elements, or -1 to -5 for 4 to 64 KiB."),
               Encoding<&EncodingLimits::list_max_listpack_size>)),
    Active(Integer("list-compress-depth", "0", 0, kIntMax,
                   "Nodes at each end of a list that are not compressed; 0 compresses none."),
           Encoding<&EncodingLimits::list_compress_depth>),
    Active(Integer("set-max-intset-entries", "512", 0, kLongMax, "Members of a set of integers."),
           Encoding<&EncodingLimits::set_max_intset_entries>),
    Active(Integer("set-max-listpack-entries", "128", 0, kLongMax, "Members of a compact set."),
           Encoding<&EncodingLimits::set_max_listpack_entries>),
    Active(Memory("set-max-listpack-value", "64", 0, kLongMax, "Longest member in it."),
           Encoding<&EncodingLimits::set_max_listpack_value>),
    Aka("zset-max-ziplist-entries", Active(Integer("zset-max-listpack-entries", "128", 0, kLongMax,
                                                   "Members of a compact sorted set."),
                                           Encoding<&EncodingLimits::zset_max_listpack_entries>)),
    Aka("zset-max-ziplist-value",
        Active(Memory("zset-max-listpack-value", "64", 0, kLongMax, "Longest member in it."),
               Encoding<&EncodingLimits::zset_max_listpack_value>)),
    Active(Memory("hll-sparse-max-bytes", "3000", 0, kLongMax, "Largest sparse HyperLogLog."),
           Encoding<&EncodingLimits::hll_sparse_max_bytes>),
    Active(Memory("stream-node-max-bytes", "4096", 0, kLongMax, "Bytes of a stream's node."),
           Encoding<&EncodingLimits::stream_node_max_bytes>),
    Active(Integer("stream-node-max-entries", "100", 0, kLongMax, "Entries of a stream's node."),
           Encoding<&EncodingLimits::stream_node_max_entries>),
};

}  // namespace

std::span<const Directive> ClusterRows() { return kClusterRows; }
std::span<const Directive> EncodingRows() { return kEncodingRows; }

}  // namespace peal::broker::table
