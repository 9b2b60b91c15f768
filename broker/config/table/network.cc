#include <string>
#include <vector>

#include "broker/config/table/rows.h"
#include "broker/config/value.h"

namespace peal::broker::table {
namespace {

void AssignBind(Config& config, std::string_view text) { config.bind = SplitBySpace(text); }

void AssignOctal(Config& config, std::string_view text) {
  config.unixsocketperm = 0;
  for (const char digit : text)
    config.unixsocketperm = config.unixsocketperm * 8 + static_cast<uint32_t>(digit - '0');
}

void AssignOutputLimits(Config& config, std::string_view text) {
  config.output_limits = ParseOutputLimits(text);
}

void AssignClientMemory(Config& config, std::string_view text) {
  config.maxmemory_clients = {};
  if (!text.empty() && text.back() == '%') {
    text.remove_suffix(1);
    config.maxmemory_clients.percent =
        static_cast<uint32_t>(protocol::ParseInt64(text).value_or(0));
  } else {
    config.maxmemory_clients.bytes = protocol::ParseUint64(text).value_or(0);
  }
}

constexpr Directive kRows[] = {
    Active(Row(DirectiveType::kList, "bind", "* -::*",
               "Addresses to listen on, at most 16. `*` and `::*` mean all IPv4 and all IPv6 "
               "addresses; a leading `-` lets the start succeed where the address is not there."),
           AssignBind, OnChange::kListeners),
    Active(Integer("port", "6379", 0, 65535, "TCP port; 0 opens none."), Number<&Config::port>,
           OnChange::kListeners),
    Fixed(Active(Integer("tcp-backlog", "511", 0, kIntMax,
                         "Length of the queue of connections not accepted yet. The kernel cuts it "
                         "at net.core.somaxconn."),
                 Number<&Config::tcp_backlog>)),
    Active(Integer("tcp-keepalive", "300", 0, kIntMax,
                   "Seconds of silence after which the kernel probes a connection; 0 never."),
           Number<&Config::tcp_keepalive_s>, OnChange::kTcpKeepalive),
    Active(Integer("timeout", "0", 0, kIntMax,
                   "Seconds of idleness after which a client is closed; 0 never. Subscribers are "
                   "never closed for idleness."),
           Number<&Config::timeout_s>),
    Fixed(Active(Row(DirectiveType::kPath, "unixsocket", "", "Path of a unix socket to listen on."),
                 String<&Config::unixsocket>)),
    Fixed(Active(Bounded(DirectiveType::kOctal, "unixsocketperm", "0", 0, 0777,
                         "Permissions of the unix socket, octal; 0 leaves them to the umask."),
                 AssignOctal)),
    Active(Integer("maxclients", "10000", 1, UINT32_MAX,
                   "Clients connected at the same time; further ones get an error and are closed."),
           Number<&Config::maxclients>, OnChange::kMaxClients),
    Active(Bool("protected-mode", "yes",
                "Without a password, accept only connections from loopback and unix sockets."),
           Flag<&Config::protected_mode>),
    Active(Memory("proto-max-bulk-len", "536870912", 1 << 20, kLongMax,
                  "Longest single argument of a command."),
           Number<&Config::proto_max_bulk_len>),
    Active(Memory("client-query-buffer-limit", "1073741824", 1 << 20, kLongMax,
                  "Most input of one client held before its command is complete."),
           Number<&Config::client_query_buffer_limit>),
    Active(Row(DirectiveType::kOutputLimits, "client-output-buffer-limit",
               "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
               "Per class of client (normal, replica, pubsub): bytes of unsent output that close a "
               "client at once, bytes that close it when exceeded for so many seconds; 0 is off."),
           AssignOutputLimits, OnChange::kClientMemory),
    Active(Bounded(DirectiveType::kMemoryShare, "maxmemory-clients", "0", 0, kLongMax,
                   "Memory of all clients together, in bytes or as a share of maxmemory. Above it "
                   "the largest clients are closed; 0 is no limit."),
           AssignClientMemory, OnChange::kClientMemory),
    Fixed(Active(Bounded(DirectiveType::kThreads, "io-threads", "auto", 1, 128,
                         "Reactor threads, each with its own connections. `auto` or 0: one for "
                         "each core this process may use, at most 8."),
                 Number<&Config::io_threads>)),
    With(Active(Memory("inbox-soft-limit", "67108864", 1 << 16, kLongMax,
                       "Bytes waiting in one reactor's inbox above which publishers on the other "
                       "reactors are slowed down."),
                Number<&Config::inbox_soft_limit_bytes>),
         kPealOnly),
    Fixed(Bool("io-threads-do-reads", "no", "Reactors always read on their own threads.")),
    Text("bind-source-addr", "", "Local address of outgoing connections."),
    Fixed(Integer("socket-mark-id", "0", 0, UINT32_MAX, "Mark of sockets for packet filters.")),
    Fixed(Integer("client-default-resp", "2", 2, 3, "Protocol version of a new connection.")),
};

}  // namespace

std::span<const Directive> NetworkRows() { return kRows; }

}  // namespace peal::broker::table
