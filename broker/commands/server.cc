// REPLICAOF and SLAVEOF. Source of the replies: Redis 7.2.
#include <string_view>

#include "broker/exec/command.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::EqualsIgnoreCase;
using protocol::Error;
using protocol::Flag;
using protocol::Group;

constexpr int64_t kMaxPort = 65535;

// Differs: this server is always a master, so only NO ONE succeeds, and whoever asks for more must
// learn that no data will follow.
void ReplicaOf(CommandContext& context) {
  if (EqualsIgnoreCase(context.args[1], "no") && EqualsIgnoreCase(context.args[2], "one")) {
    return context.reply.Ok();
  }
  const auto port = protocol::ParseInt64(context.args[2]);
  if (!port || *port < 0 || *port > kMaxPort) {
    return context.Fail(Error::Static("ERR Invalid master port"));
  }
  context.Fail(Error::Static("ERR This server cannot be a replica of another one"));
}

constexpr ArgSpec kHostPort[] = {{.name = "host", .type = ArgType::kString},
                                 {.name = "port", .type = ArgType::kInteger}};
constexpr ArgSpec kNoOne[] = {{.name = "no", .type = ArgType::kPureToken, .token = "NO"},
                              {.name = "one", .type = ArgType::kPureToken, .token = "ONE"}};
constexpr ArgSpec kChoices[] = {
    {.name = "host-port", .type = ArgType::kBlock, .children = kHostPort},
    {.name = "no-one", .type = ArgType::kBlock, .children = kNoOne}};
constexpr ArgSpec kArgs[] = {{.name = "args", .type = ArgType::kOneOf, .children = kChoices}};

constexpr auto kFlags = Flag::kAdmin | Flag::kNoScript | Flag::kStale | Flag::kNoAsyncLoading;
constexpr auto kAcl = Acl::kAdmin | Acl::kSlow | Acl::kDangerous;

constexpr Command kRows[] = {
    {.spec = {.name = "replicaof",
              .arity = 3,
              .group = Group::kServer,
              .since = "5.0.0",
              .flags = kFlags,
              .acl = kAcl,
              .complexity = "O(1)",
              .summary = "Makes the server a replica of another one, or a master.",
              .arguments = kArgs},
     .run = ReplicaOf},
    {.spec = {.name = "slaveof",
              .arity = 3,
              .group = Group::kServer,
              .since = "1.0.0",
              .flags = kFlags,
              .acl = kAcl,
              .complexity = "O(1)",
              .summary = "Makes the server a replica of another one, or a master.",
              .arguments = kArgs,
              .deprecated_since = "5.0.0",
              .replaced_by = "`REPLICAOF`"},
     .run = ReplicaOf},
};

}  // namespace

std::span<const Command> ServerCommands() { return kRows; }

}  // namespace peal::broker
