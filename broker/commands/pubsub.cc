// SUBSCRIBE and its kin, PUBLISH, SPUBLISH, PUBSUB. Source of the replies: Redis 7.2.
#include <string>
#include <vector>

#include "broker/commands/subcommand.h"
#include "broker/exec/client.h"
#include "broker/exec/command.h"
#include "broker/exec/leave.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "broker/exec/worker.h"
#include "broker/pubsub/hub.h"
#include "patterns/glob.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::ChannelUse;
using protocol::Error;
using protocol::Flag;
using protocol::Group;
using protocol::KeyFlag;
using protocol::KeySpec;

void SubscribeTo(CommandContext& context, Space space, std::string_view kind) {
  Client& client = context.client;
  // Messages that come meanwhile, for what is subscribed already, wait until all is acknowledged.
  const bool was_holding_back = client.is_holding_back();
  client.BeginHoldingBack();
  for (size_t i = 1; i < context.args.size(); ++i) {
    const std::string_view name = context.args[i];
    context.server.hub().Subscribe(context.worker.hub_port(), space, name, client);
    Acknowledge(client, kind, &name,
                space == Space::kShard ? client.ShardCount() : client.GlobalCount());
  }
  if (!was_holding_back) {
    context.worker.FlushReply(client);
    client.EndHoldingBack();
  }
  client.UpdateClass();
}

void UnsubscribeFrom(CommandContext& context, Space space, std::string_view kind) {
  Client& client = context.client;
  if (context.args.size() == 1) return LeaveEach(context, space, kind);
  // First everything is left, which may hand out messages of before; then it is acknowledged, with
  // the counts of one after another.
  context.worker.FlushReply(client);
  const uint64_t before = space == Space::kShard ? client.ShardCount() : client.GlobalCount();
  std::vector<bool> was_held(context.args.size());
  for (size_t i = 1; i < context.args.size(); ++i) {
    was_held[i] =
        context.server.hub().Unsubscribe(context.worker.hub_port(), space, context.args[i], client);
  }
  uint64_t count = before;
  for (size_t i = 1; i < context.args.size(); ++i) {
    if (was_held[i]) --count;
    Acknowledge(client, kind, &context.args[i], count);
  }
  client.UpdateClass();
}

void Subscribe(CommandContext& context) { SubscribeTo(context, Space::kChannel, "subscribe"); }
void PSubscribe(CommandContext& context) { SubscribeTo(context, Space::kPattern, "psubscribe"); }
void Unsubscribe(CommandContext& context) {
  UnsubscribeFrom(context, Space::kChannel, "unsubscribe");
}
void PUnsubscribe(CommandContext& context) {
  UnsubscribeFrom(context, Space::kPattern, "punsubscribe");
}
void SUnsubscribe(CommandContext& context) {
  UnsubscribeFrom(context, Space::kShard, "sunsubscribe");
}

void SSubscribe(CommandContext& context) {
  if (context.in_exec) {
    return context.Fail(Error::Static("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"));
  }
  SubscribeTo(context, Space::kShard, "ssubscribe");
}

constexpr size_t kLargestMessage = size_t{1} << 30;

void PublishTo(CommandContext& context, Space space) {
  Payload payload;
  payload.bytes = context.args[2];
  // A frame is one range of a block, which 32 bits measure.
  if (payload.bytes.size() + context.args[1].size() > kLargestMessage) {
    return context.Fail(protocol::errors::kStringTooBig);
  }
  payload.block = context.client.BlockOf(payload.bytes, &payload.headroom);
  context.reply.Integer(
      static_cast<int64_t>(context.unit.Publish(space, context.args[1], payload)));
}

void Publish(CommandContext& context) { PublishTo(context, Space::kChannel); }
void SPublish(CommandContext& context) { PublishTo(context, Space::kShard); }

void ReplyNames(CommandContext& context, ChannelTable& table) {
  if (context.args.size() > 3) {
    return context.Fail(WrongSubcommand(context));
  }
  const bool all = context.args.size() == 2;
  const std::string_view pattern = all ? std::string_view() : context.args[2];
  const std::vector<std::string> names =
      table.Names([&](std::string_view name) { return all || patterns::GlobMatch(pattern, name); });
  context.reply.Array(names.size());
  for (const std::string& name : names) context.reply.Bulk(name);
}

void ReplyCounts(CommandContext& context, ChannelTable& table) {
  context.reply.Array((context.args.size() - 2) * 2);
  for (size_t i = 2; i < context.args.size(); ++i) {
    context.reply.Bulk(context.args[i]);
    context.reply.Integer(table.CountSubscribers(context.args[i]));
  }
}

void PubSubChannels(CommandContext& context) {
  ReplyNames(context, context.server.hub().channels());
}
void PubSubNumSub(CommandContext& context) {
  ReplyCounts(context, context.server.hub().channels());
}
void PubSubShardChannels(CommandContext& context) {
  ReplyNames(context, context.server.hub().shard_channels());
}
void PubSubShardNumSub(CommandContext& context) {
  ReplyCounts(context, context.server.hub().shard_channels());
}
void PubSubNumPat(CommandContext& context) {
  context.reply.Integer(static_cast<int64_t>(context.server.hub().PatternCount()));
}

void PubSubHelp(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "CHANNELS [<pattern>]",
      "    Names of the channels with subscribers, all or those that match.",
      "NUMPAT",
      "    How many different patterns are subscribed.",
      "NUMSUB [<channel> ...]",
      "    How many subscribers each channel has, patterns not counted.",
      "SHARDCHANNELS [<pattern>]",
      "    Names of the shard channels with subscribers, all or those that match.",
      "SHARDNUMSUB [<shardchannel> ...]",
      "    How many subscribers each shard channel has.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
}

constexpr ArgSpec kChannelArg = {.name = "channel", .type = ArgType::kString};
constexpr ArgSpec kShardChannelArg = {.name = "shardchannel", .type = ArgType::kString};
constexpr ArgSpec kMessageArg = {.name = "message", .type = ArgType::kString};
constexpr ArgSpec kPublishArgs[] = {kChannelArg, kMessageArg};
constexpr ArgSpec kSPublishArgs[] = {kShardChannelArg, kMessageArg};
constexpr ArgSpec kChannelArgs[] = {
    {.name = "channel", .type = ArgType::kString, .is_multiple = true}};
constexpr ArgSpec kOptionalChannelArgs[] = {
    {.name = "channel", .type = ArgType::kString, .is_optional = true, .is_multiple = true}};
constexpr ArgSpec kPatternArgs[] = {
    {.name = "pattern", .type = ArgType::kPattern, .is_multiple = true}};
constexpr ArgSpec kOptionalPatternArgs[] = {
    {.name = "pattern", .type = ArgType::kPattern, .is_optional = true, .is_multiple = true}};
constexpr ArgSpec kOptionalPatternArg[] = {
    {.name = "pattern", .type = ArgType::kPattern, .is_optional = true}};
constexpr ArgSpec kShardChannelArgs[] = {
    {.name = "shardchannel", .type = ArgType::kString, .is_multiple = true}};
constexpr ArgSpec kOptionalShardChannelArgs[] = {
    {.name = "shardchannel", .type = ArgType::kString, .is_optional = true, .is_multiple = true}};

// Positions of shard channels, for routing: they are no keys.
constexpr KeySpec kShardChannelsAt[] = {KeySpec::Range(1, -1, 1, KeyFlag::kNotKey)};
constexpr KeySpec kShardChannelAt[] = {KeySpec::Single(1, KeyFlag::kNotKey)};

constexpr auto kSubscriberFlags = Flag::kPubSub | Flag::kNoScript | Flag::kLoading | Flag::kStale |
                                  Flag::kSentinel | Flag::kSubscriberOk;
constexpr auto kShardSubscriberFlags =
    Flag::kPubSub | Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kSubscriberOk;
constexpr auto kInspectFlags = Flag::kPubSub | Flag::kLoading | Flag::kStale;

constexpr Command kPubSubSubcommands[] = {
    {.spec = {.name = "channels",
              .arity = -2,
              .group = Group::kPubSub,
              .since = "2.8.0",
              .flags = kInspectFlags,
              .acl = Acl::kPubSub | Acl::kSlow,
              .parent = "pubsub",
              .complexity = "O(N) where N is the number of channels with subscribers",
              .summary = "Lists the channels that have subscribers.",
              .arguments = kOptionalPatternArg},
     .run = PubSubChannels},
    {.spec = {.name = "help",
              .arity = 2,
              .group = Group::kPubSub,
              .since = "6.2.0",
              .flags = Flag::kLoading | Flag::kStale,
              .acl = Acl::kSlow,
              .parent = "pubsub",
              .complexity = "O(1)",
              .summary = "Tells about the subcommands."},
     .run = PubSubHelp},
    {.spec = {.name = "numpat",
              .arity = 2,
              .group = Group::kPubSub,
              .since = "2.8.0",
              .flags = kInspectFlags,
              .acl = Acl::kPubSub | Acl::kSlow,
              .parent = "pubsub",
              .complexity = "O(1)",
              .summary = "Counts the different patterns subscribed."},
     .run = PubSubNumPat},
    {.spec = {.name = "numsub",
              .arity = -2,
              .group = Group::kPubSub,
              .since = "2.8.0",
              .flags = kInspectFlags,
              .acl = Acl::kPubSub | Acl::kSlow,
              .parent = "pubsub",
              .complexity = "O(N) where N is the number of channels asked for",
              .summary = "Counts the subscribers of channels.",
              .arguments = kOptionalChannelArgs},
     .run = PubSubNumSub},
    {.spec = {.name = "shardchannels",
              .arity = -2,
              .group = Group::kPubSub,
              .since = "7.0.0",
              .flags = kInspectFlags,
              .acl = Acl::kPubSub | Acl::kSlow,
              .parent = "pubsub",
              .complexity = "O(N) where N is the number of shard channels with subscribers",
              .summary = "Lists the shard channels that have subscribers.",
              .arguments = kOptionalPatternArg},
     .run = PubSubShardChannels},
    {.spec = {.name = "shardnumsub",
              .arity = -2,
              .group = Group::kPubSub,
              .since = "7.0.0",
              .flags = kInspectFlags,
              .acl = Acl::kPubSub | Acl::kSlow,
              .parent = "pubsub",
              .complexity = "O(N) where N is the number of shard channels asked for",
              .summary = "Counts the subscribers of shard channels.",
              .arguments = kOptionalShardChannelArgs},
     .run = PubSubShardNumSub},
};

constexpr Command kRows[] = {
    {.spec = {.name = "psubscribe",
              .arity = -2,
              .group = Group::kPubSub,
              .since = "2.0.0",
              .flags = kSubscriberFlags,
              .channels = ChannelUse::kSubscribePattern,
              .acl = Acl::kPubSub | Acl::kSlow,
              .complexity = "O(N) where N is the number of patterns to subscribe to",
              .summary = "Subscribes to all channels that match patterns.",
              .arguments = kPatternArgs},
     .run = PSubscribe},
    {.spec = {.name = "publish",
              .arity = 3,
              .group = Group::kPubSub,
              .since = "2.0.0",
              .flags = Flag::kPubSub | Flag::kLoading | Flag::kStale | Flag::kFast |
                       Flag::kMayReplicate | Flag::kSentinel,
              .channels = ChannelUse::kPublish,
              .acl = Acl::kPubSub | Acl::kFast,
              .complexity =
                  "O(N+M) where N is the number of subscribers of the channel and M the number of "
                  "matching patterns' subscribers",
              .summary = "Sends a message to a channel.",
              .arguments = kPublishArgs},
     .run = Publish},
    {.spec = {.name = "pubsub",
              .arity = -2,
              .group = Group::kPubSub,
              .since = "2.8.0",
              .acl = Acl::kSlow,
              .complexity = "Depends on subcommand.",
              .summary = "A container for commands that look at publish and subscribe."},
     .subcommands = kPubSubSubcommands},
    {.spec = {.name = "punsubscribe",
              .arity = -1,
              .group = Group::kPubSub,
              .since = "2.0.0",
              .flags = kSubscriberFlags,
              .acl = Acl::kPubSub | Acl::kSlow,
              .complexity = "O(N) where N is the number of patterns to leave",
              .summary = "Leaves patterns, or all of them.",
              .arguments = kOptionalPatternArgs},
     .run = PUnsubscribe},
    {.spec = {.name = "spublish",
              .arity = 3,
              .group = Group::kPubSub,
              .since = "7.0.0",
              .flags =
                  Flag::kPubSub | Flag::kLoading | Flag::kStale | Flag::kFast | Flag::kMayReplicate,
              .keys = kShardChannelAt,
              .channels = ChannelUse::kPublish,
              .acl = Acl::kPubSub | Acl::kFast,
              .complexity = "O(N) where N is the number of subscribers of the shard channel",
              .summary = "Sends a message to a shard channel.",
              .arguments = kSPublishArgs},
     .run = SPublish},
    {.spec = {.name = "ssubscribe",
              .arity = -2,
              .group = Group::kPubSub,
              .since = "7.0.0",
              .flags = kShardSubscriberFlags,
              .keys = kShardChannelsAt,
              .channels = ChannelUse::kSubscribe,
              .acl = Acl::kPubSub | Acl::kSlow,
              .complexity = "O(N) where N is the number of shard channels to subscribe to",
              .summary = "Subscribes to shard channels.",
              .arguments = kShardChannelArgs},
     .run = SSubscribe},
    {.spec = {.name = "subscribe",
              .arity = -2,
              .group = Group::kPubSub,
              .since = "2.0.0",
              .flags = kSubscriberFlags,
              .channels = ChannelUse::kSubscribe,
              .acl = Acl::kPubSub | Acl::kSlow,
              .complexity = "O(N) where N is the number of channels to subscribe to",
              .summary = "Subscribes to channels.",
              .arguments = kChannelArgs},
     .run = Subscribe},
    {.spec = {.name = "sunsubscribe",
              .arity = -1,
              .group = Group::kPubSub,
              .since = "7.0.0",
              .flags = kShardSubscriberFlags,
              .keys = kShardChannelsAt,
              .acl = Acl::kPubSub | Acl::kSlow,
              .complexity = "O(N) where N is the number of shard channels to leave",
              .summary = "Leaves shard channels, or all of them.",
              .arguments = kOptionalShardChannelArgs},
     .run = SUnsubscribe},
    {.spec = {.name = "unsubscribe",
              .arity = -1,
              .group = Group::kPubSub,
              .since = "2.0.0",
              .flags = kSubscriberFlags,
              .acl = Acl::kPubSub | Acl::kSlow,
              .complexity = "O(N) where N is the number of channels to leave",
              .summary = "Leaves channels, or all of them.",
              .arguments = kOptionalChannelArgs},
     .run = Unsubscribe},
};

}  // namespace

std::span<const Command> PubSubCommands() { return kRows; }

}  // namespace peal::broker
