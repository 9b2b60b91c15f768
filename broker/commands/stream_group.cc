// XGROUP: consumer groups of streams, made, changed and deleted. Source of replies, errors and
// events: Redis 7.2, observed on 7.0.15.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "broker/commands/stream.h"
#include "broker/commands/subcommand.h"
#include "broker/exec/edit.h"
#include "broker/exec/unit.h"
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
using protocol::HistoryEntry;
using protocol::KeyFlag;
using protocol::KeySpec;
using protocol::ParseInt64;
using protocol::Result;
using store::StreamConsumer;
using store::StreamGroup;
using store::StreamId;
using store::StreamValue;

namespace errors = protocol::errors;

constexpr Error kBusyGroup = Error::Static("BUSYGROUP Consumer Group name already exists");
constexpr Error kNoStream = Error::Static(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use "
    "the MKSTREAM option to create an empty stream automatically.");
constexpr Error kBadEntriesRead = Error::Static("ERR value for ENTRIESREAD must be positive or -1");

/// A stream and one of its groups.
struct FoundGroup {
  Found<StreamValue> stream;
  StreamGroup* group = nullptr;
};

/// Options of XGROUP CREATE and SETID.
struct GroupOptions {
  bool makes_stream = false;
  int64_t entries_read = StreamGroup::kUnknown;
};

bool ReadGroupOptions(CommandContext& context, bool is_create, GroupOptions& out) {
  for (size_t i = 5; i < context.args.size(); ++i) {
    if (is_create && EqualsIgnoreCase(context.arg(i), "mkstream")) {
      out.makes_stream = true;
    } else if (EqualsIgnoreCase(context.arg(i), "entriesread") && i + 1 < context.args.size()) {
      const auto count = ParseInt64(context.arg(++i));
      if (!count) {
        context.Fail(errors::kNotInteger);
        return false;
      }
      if (*count < 0 && *count != StreamGroup::kUnknown) {
        context.Fail(kBadEntriesRead);
        return false;
      }
      out.entries_read = *count;
    } else {
      context.Fail(WrongSubcommand(context));
      return false;
    }
  }
  return true;
}

/// Looks up the stream and the group that an XGROUP subcommand changes; nullopt with an error
/// replied if one of them is missing.
std::optional<FoundGroup> FindGroupToChange(CommandContext& context, bool needs_group) {
  const auto found = FindValue<StreamValue>(context, context.arg(2));
  if (!found) return std::nullopt;
  if (!*found) {
    context.Fail(kNoStream);
    return std::nullopt;
  }
  StreamGroup* const group = found->value->FindGroup(context.arg(3));
  if (group == nullptr && needs_group) {
    context.Fail(NoGroupFor(context.arg(2), context.arg(3)));
    return std::nullopt;
  }
  return FoundGroup{*found, group};
}

void XGroupCreate(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(2);
  GroupOptions options;
  if (!ReadGroupOptions(context, true, options)) return;
  const auto found = FindValue<StreamValue>(context, key);
  if (!found) return;
  if (!*found && !options.makes_stream) return context.Fail(kNoStream);
  if (context.args.size() > 8) return context.Fail(WrongSubcommand(context));
  StreamId id;
  if (context.arg(4) == "$") {
    if (*found) id = found->value->last_id();
  } else {
    const Result<StreamId> read = ReadStreamId(context.arg(4));
    if (!read.ok()) return context.Fail(read.error());
    id = *read;
  }
  if (*found && found->value->FindGroup(context.arg(3)) != nullptr) return context.Fail(kBusyGroup);
  Edit<StreamValue> edit(unit, key, *found, [] { return std::make_unique<StreamValue>(); });
  edit->AddGroup(context.arg(3), id, options.entries_read);
  if (edit.is_new()) {
    edit.Commit();
  } else {
    edit.CommitQuietly(1);
  }
  unit.Notify(kNotifyStream, "xgroup-create", key);
  unit.Replicate(context.args);
  context.reply.Ok();
}

void XGroupSetId(CommandContext& context) {
  Unit& unit = context.unit;
  GroupOptions options;
  if (!ReadGroupOptions(context, false, options)) return;
  const auto found = FindGroupToChange(context, true);
  if (!found) return;
  if (context.args.size() > 7) return context.Fail(WrongSubcommand(context));
  StreamId id = found->stream.value->last_id();
  if (context.arg(4) != "$") {
    const Result<StreamId> read = ReadStreamId(context.arg(4), 0, true);
    if (!read.ok()) return context.Fail(read.error());
    id = *read;
  }
  Edit<StreamValue> edit(unit, context.arg(2), found->stream);
  found->group->last_id = id;
  found->group->entries_read = options.entries_read;
  edit.CommitQuietly(1);
  unit.Notify(kNotifyStream, "xgroup-setid", context.arg(2));
  unit.Replicate(context.args);
  context.reply.Ok();
}

void XGroupDestroy(CommandContext& context) {
  Unit& unit = context.unit;
  const auto found = FindGroupToChange(context, false);
  if (!found) return;
  if (found->group == nullptr) return context.reply.Integer(0);
  Edit<StreamValue> edit(unit, context.arg(2), found->stream);
  edit->DeleteGroup(context.arg(3));
  edit.CommitQuietly(1);
  unit.TryWaiters(context.arg(2));  // who waits as a consumer of the group is told
  unit.Notify(kNotifyStream, "xgroup-destroy", context.arg(2));
  unit.Replicate(context.args);
  context.reply.Integer(1);
}

void XGroupCreateConsumer(CommandContext& context) {
  Unit& unit = context.unit;
  const auto found = FindGroupToChange(context, true);
  if (!found) return;
  if (found->group->FindConsumer(context.arg(4)) != nullptr) return context.reply.Integer(0);
  Edit<StreamValue> edit(unit, context.arg(2), found->stream);
  FindOrAddConsumer(unit, context.arg(2), *found->group, context.arg(4));
  edit.CommitQuietly(1);
  context.reply.Integer(1);
}

void XGroupDelConsumer(CommandContext& context) {
  Unit& unit = context.unit;
  const auto found = FindGroupToChange(context, true);
  if (!found) return;
  StreamConsumer* const consumer = found->group->FindConsumer(context.arg(4));
  if (consumer == nullptr) return context.reply.Integer(0);
  Edit<StreamValue> edit(unit, context.arg(2), found->stream);
  const size_t pending = found->group->DeleteConsumer(*consumer);
  edit.CommitQuietly(1);
  unit.Notify(kNotifyStream, "xgroup-delconsumer", context.arg(2));
  unit.Replicate(context.args);
  context.reply.Integer(static_cast<int64_t>(pending));
}

void XGroupHelp(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "CREATE <key> <group> <id|$> [MKSTREAM] [ENTRIESREAD <count>]",
      "    Make a group that has read up to the id, and with MKSTREAM the stream.",
      "CREATECONSUMER <key> <group> <consumer>",
      "    Make a consumer of the group.",
      "DELCONSUMER <key> <group> <consumer>",
      "    Delete a consumer, with what is pending for it.",
      "DESTROY <key> <group>",
      "    Delete a group.",
      "SETID <key> <group> <id|$> [ENTRIESREAD <count>]",
      "    Set how far the group has read.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kXgroupDestroyKeys[] = {
    KeySpec::Single(2, KeyFlag::kReadWrite | KeyFlag::kDelete)};
constexpr ArgSpec kXgroupDestroyArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "groupname", .type = ArgType::kString}};
constexpr KeySpec kXgroupCreateKeys[] = {
    KeySpec::Single(2, KeyFlag::kReadWrite | KeyFlag::kInsert)};
constexpr ArgSpec kXgroupCreateId[] = {
    {.name = "id", .type = ArgType::kString},
    {.name = "new_id", .type = ArgType::kPureToken, .token = "$"}};
constexpr ArgSpec kXgroupCreateArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "groupname", .type = ArgType::kString},
    {.name = "id", .type = ArgType::kOneOf, .children = kXgroupCreateId},
    {.name = "mkstream", .type = ArgType::kPureToken, .token = "MKSTREAM", .is_optional = true},
    {.name = "entries_read",
     .type = ArgType::kInteger,
     .token = "ENTRIESREAD",
     .is_optional = true}};
constexpr HistoryEntry kXgroupCreateHistory[] = {{"7.0.0", "`ENTRIESREAD`."}};
constexpr ArgSpec kXgroupCreateconsumerArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "groupname", .type = ArgType::kString},
    {.name = "consumername", .type = ArgType::kString}};
constexpr KeySpec kXgroupSetidKeys[] = {KeySpec::Single(2, KeyFlag::kReadWrite | KeyFlag::kUpdate)};
constexpr ArgSpec kXgroupSetidArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "groupname", .type = ArgType::kString},
    {.name = "id", .type = ArgType::kOneOf, .children = kXgroupCreateId},
    {.name = "entries_read",
     .type = ArgType::kInteger,
     .token = "ENTRIESREAD",
     .is_optional = true}};
constexpr HistoryEntry kXgroupSetidHistory[] = {{"7.0.0", "`ENTRIESREAD`."}};
constexpr Command kXgroupSubcommands[] = {
    {.spec = {.name = "destroy",
              .arity = 4,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kWrite,
              .keys = kXgroupDestroyKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kSlow,
              .parent = "xgroup",
              .complexity = "O(N) with N entries pending in the group",
              .summary = "Deletes a consumer group.",
              .arguments = kXgroupDestroyArgs},
     .run = XGroupDestroy},
    {.spec = {.name = "create",
              .arity = -5,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kXgroupCreateKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kSlow,
              .parent = "xgroup",
              .complexity = "O(1)",
              .summary = "Makes a consumer group.",
              .arguments = kXgroupCreateArgs,
              .history = kXgroupCreateHistory},
     .run = XGroupCreate},
    {.spec = {.name = "createconsumer",
              .arity = 5,
              .group = Group::kStream,
              .since = "6.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kXgroupCreateKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kSlow,
              .parent = "xgroup",
              .complexity = "O(1)",
              .summary = "Makes a consumer of a group.",
              .arguments = kXgroupCreateconsumerArgs},
     .run = XGroupCreateConsumer},
    {.spec = {.name = "delconsumer",
              .arity = 5,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kWrite,
              .keys = kXgroupDestroyKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kSlow,
              .parent = "xgroup",
              .complexity = "O(1)",
              .summary = "Deletes a consumer of a group, with what is pending for it.",
              .arguments = kXgroupCreateconsumerArgs},
     .run = XGroupDelConsumer},
    {.spec = {.name = "setid",
              .arity = -5,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kWrite,
              .keys = kXgroupSetidKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kSlow,
              .parent = "xgroup",
              .complexity = "O(1)",
              .summary = "Sets up to which id a consumer group has read.",
              .arguments = kXgroupSetidArgs,
              .history = kXgroupSetidHistory},
     .run = XGroupSetId},
    {.spec = {.name = "help",
              .arity = 2,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kLoading | Flag::kStale,
              .acl = Acl::kStream | Acl::kSlow,
              .parent = "xgroup",
              .complexity = "O(1)",
              .summary = "Tells about the subcommands."},
     .run = XGroupHelp},
};
constexpr Command kRows[] = {
    {.spec = {.name = "xgroup",
              .arity = -2,
              .group = Group::kStream,
              .since = "5.0.0",
              .acl = Acl::kSlow,
              .complexity = "Depends on the subcommand.",
              .summary = "Commands on consumer groups."},
     .subcommands = kXgroupSubcommands},
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

std::span<const Command> StreamGroupCommands() { return kRows; }

}  // namespace peal::broker
