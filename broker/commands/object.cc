// OBJECT: how a key is kept. Source of replies, errors and events: Redis 7.2, observed
// on 7.0.15.
#include <limits>
#include <span>
#include <string_view>

#include "broker/commands/subcommand.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "broker/keyspace/usage.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::Error;
using protocol::Flag;
using protocol::Group;
using protocol::KeyFlag;
using protocol::KeySpec;
using store::Entry;

constexpr Error kNoFrequency = Error::Static(
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
    "when switching between policies at runtime LRU and LFU data will take some time to adjust.");
constexpr Error kNoIdleTime = Error::Static(
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
    "switching between policies at runtime LRU and LFU data will take some time to adjust.");

// Integers that Redis shares between keys count as having this many references.
constexpr int64_t kSharedReferences = std::numeric_limits<int32_t>::max();
constexpr int64_t kSharedIntegers = 10'000;

/// The entry that OBJECT talks about, looked at without a trace; null with the reply written.
const Entry* FindObject(CommandContext& context) {
  const Entry* const entry =
      context.unit.FindForRead(context.arg(2), Unit::kLookupNoTouch | Unit::kLookupNoNotify);
  if (entry == nullptr) context.reply.Null();
  return entry;
}

void ObjectEncoding(CommandContext& context) {
  const Entry* const entry = FindObject(context);
  if (entry != nullptr) context.reply.Bulk(entry->EncodingName());
}

void ObjectRefCount(CommandContext& context) {
  const Entry* const entry = FindObject(context);
  if (entry == nullptr) return;
  const bool is_shared = entry->encoding() == Entry::Encoding::kInt && entry->int_value() >= 0 &&
                         entry->int_value() < kSharedIntegers;
  context.reply.Integer(is_shared ? kSharedReferences : 1);
}

void ObjectIdleTime(CommandContext& context) {
  const Entry* const entry = FindObject(context);
  if (entry == nullptr) return;
  if (UsesFrequency(context.server.config().maxmemory_policy)) return context.Fail(kNoIdleTime);
  context.reply.Integer(IdleSeconds(entry->lru(), context.unit.now_ms()));
}

void ObjectFreq(CommandContext& context) {
  const Entry* const entry = FindObject(context);
  if (entry == nullptr) return;
  const Config& config = context.server.config();
  if (!UsesFrequency(config.maxmemory_policy)) return context.Fail(kNoFrequency);
  context.reply.Integer(FrequencyOf(entry->lru(), context.unit.now_ms(), config));
}

void ObjectHelp(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "ENCODING <key>",
      "    How the value is stored.",
      "FREQ <key>",
      "    The logarithmic counter of uses, with an lfu maxmemory-policy.",
      "IDLETIME <key>",
      "    Seconds since the key was last used, without an lfu maxmemory-policy.",
      "REFCOUNT <key>",
      "    References to the value.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kObjectKeys[] = {KeySpec::Single(2, KeyFlag::kReadOnly)};
constexpr ArgSpec kObjectArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0}};
constexpr std::string_view kObjectTips[] = {"nondeterministic_output"};
constexpr Command kObjectSubcommands[] = {
    {.spec = {.name = "encoding",
              .arity = 3,
              .group = Group::kGeneric,
              .since = "2.2.3",
              .flags = Flag::kReadonly,
              .keys = kObjectKeys,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kSlow,
              .parent = "object",
              .complexity = "O(1)",
              .summary = "Tells how the value of a key is stored.",
              .arguments = kObjectArgs,
              .tips = kObjectTips},
     .run = ObjectEncoding},
    {.spec = {.name = "freq",
              .arity = 3,
              .group = Group::kGeneric,
              .since = "4.0.0",
              .flags = Flag::kReadonly,
              .keys = kObjectKeys,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kSlow,
              .parent = "object",
              .complexity = "O(1)",
              .summary = "Tells how often a key is used, as a logarithmic counter.",
              .arguments = kObjectArgs,
              .tips = kObjectTips},
     .run = ObjectFreq},
    {.spec = {.name = "idletime",
              .arity = 3,
              .group = Group::kGeneric,
              .since = "2.2.3",
              .flags = Flag::kReadonly,
              .keys = kObjectKeys,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kSlow,
              .parent = "object",
              .complexity = "O(1)",
              .summary = "Tells how long a key has not been used, in seconds.",
              .arguments = kObjectArgs,
              .tips = kObjectTips},
     .run = ObjectIdleTime},
    {.spec = {.name = "refcount",
              .arity = 3,
              .group = Group::kGeneric,
              .since = "2.2.3",
              .flags = Flag::kReadonly,
              .keys = kObjectKeys,
              .acl = Acl::kKeyspace | Acl::kRead | Acl::kSlow,
              .parent = "object",
              .complexity = "O(1)",
              .summary = "Counts the references to the value of a key.",
              .arguments = kObjectArgs,
              .tips = kObjectTips},
     .run = ObjectRefCount},
    {.spec = {.name = "help",
              .arity = 2,
              .group = Group::kGeneric,
              .since = "6.2.0",
              .flags = Flag::kLoading | Flag::kStale,
              .acl = Acl::kKeyspace | Acl::kSlow,
              .parent = "object",
              .complexity = "O(1)",
              .summary = "Tells about the subcommands."},
     .run = ObjectHelp},
};

constexpr Command kRows[] = {
    {.spec = {.name = "object",
              .arity = -2,
              .group = Group::kGeneric,
              .since = "2.2.3",
              .acl = Acl::kSlow,
              .complexity = "Depends on subcommand.",
              .summary = "A container for commands that look at how values are kept."},
     .subcommands = kObjectSubcommands},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
    for (const Command& sub : command.subcommands) {
      if (!protocol::IsSound(sub.spec)) return false;
    }
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> ObjectCommands() { return kRows; }

}  // namespace peal::broker
