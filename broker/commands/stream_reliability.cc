// What keeps messages of streams from being lost or doubled: XNACK of Redis 8.8, XCFGSET of 8.6 and
// XIDMPRECORD of 8.8. Source of replies and errors: their documentation.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/commands/stream.h"
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
using protocol::KeyFlag;
using protocol::KeySpec;
using protocol::ParseInt64;
using protocol::Result;
using store::IdempotentIds;
using store::PendingEntry;
using store::StreamGroup;
using store::StreamId;
using store::StreamValue;

namespace errors = protocol::errors;

// ---------------------------------------------------------------- XNACK

enum class NackMode : uint8_t { kSilent, kFail, kFatal };

struct NackRequest {
  NackMode mode = NackMode::kFail;
  std::vector<StreamId> ids;
  std::optional<int64_t> deliveries;  // RETRYCOUNT
  bool force = false;
};

Result<NackMode> ReadMode(std::string_view text) {
  if (EqualsIgnoreCase(text, "silent")) return NackMode::kSilent;
  if (EqualsIgnoreCase(text, "fail")) return NackMode::kFail;
  if (EqualsIgnoreCase(text, "fatal")) return NackMode::kFatal;
  return Error::Static("ERR mode must be SILENT, FAIL, or FATAL");
}

/// XNACK key group mode, then in any order IDS numids id [id ...], RETRYCOUNT count and FORCE.
Result<NackRequest> ReadNack(std::span<const std::string_view> args) {
  NackRequest out;
  PEAL_ASSIGN_OR_RETURN(out.mode, ReadMode(args[3]));
  for (size_t i = 4; i < args.size(); ++i) {
    const size_t more = args.size() - i - 1;
    if (EqualsIgnoreCase(args[i], "force")) {
      out.force = true;
    } else if (EqualsIgnoreCase(args[i], "retrycount") && more > 0) {
      out.deliveries = ParseInt64(args[++i]);
      if (!out.deliveries) return errors::kNotInteger;
      if (*out.deliveries < 0) {
        return Error::Static("ERR Invalid RETRYCOUNT value, must be >= 0");
      }
    } else if (EqualsIgnoreCase(args[i], "ids") && more > 0 && out.ids.empty()) {
      const auto count = ParseInt64(args[++i]);
      if (!count || *count < 1) {
        return Error::Static("ERR numids must be a positive integer");
      }
      if (static_cast<uint64_t>(*count) > more - 1) {
        return Error::Static("ERR number of IDs doesn't match numids");
      }
      const auto texts = args.subspan(i + 1, static_cast<size_t>(*count));
      PEAL_ASSIGN_OR_RETURN(out.ids, ReadStreamIds(texts));
      i += texts.size();
    } else {
      return Error::Owned("ERR Unrecognized XNACK option '" + std::string(args[i]) + "'");
    }
  }
  if (out.ids.empty()) return Error::Static("ERR expected IDS keyword");
  return out;
}

/// The deliveries that an entry counts after it was released, with `before`.
uint64_t DeliveriesAfter(const NackRequest& request, uint64_t before) {
  if (request.deliveries) return static_cast<uint64_t>(*request.deliveries);
  before = std::min<uint64_t>(before, INT64_MAX);  // a payload may tell of more
  switch (request.mode) {
    case NackMode::kSilent:
      return before == 0 ? 0 : before - 1;
    case NackMode::kFail:
      break;
    case NackMode::kFatal:
      return INT64_MAX;
  }
  return before;
}

void XNack(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const Result<NackRequest> request = ReadNack(context.args);
  if (!request.ok()) return context.Fail(request.error());
  const auto found = FindValue<StreamValue>(context, key);
  if (!found) return;
  StreamGroup* const group = *found ? found->value->FindGroup(context.arg(2)) : nullptr;
  if (group == nullptr) return context.Fail(NoStreamGroup(key, context.arg(2)));

  Edit<StreamValue> edit(unit, key, *found);
  uint64_t released = 0;
  for (const StreamId id : request->ids) {
    const PendingEntry* const entry = group->FindPending(id);
    if (entry == nullptr && (!request->force || !edit->Contains(id))) continue;
    const uint64_t before = entry == nullptr ? 0 : entry->deliveries;
    const PendingEntry& after = group->Release(id, DeliveriesAfter(*request, before));
    ++released;
    if (!unit.collects_effects()) continue;
    unit.Replicate("XNACK", key, group->name(), "FAIL", "IDS", "1", id.ToString(), "RETRYCOUNT",
                   static_cast<int64_t>(after.deliveries), "FORCE");
  }
  edit.CommitQuietly(released);
  if (released > 0) unit.TryWaiters(key);
  context.reply.Integer(static_cast<int64_t>(released));
}

// ---------------------------------------------------------------- XCFGSET and XIDMPRECORD

void XCfgSet(CommandContext& context) {
  Unit& unit = context.unit;
  std::optional<int64_t> duration_s;
  std::optional<int64_t> max_ids;
  for (size_t i = 2; i < context.args.size(); i += 2) {
    const bool is_duration = EqualsIgnoreCase(context.arg(i), "idmp-duration");
    if (!is_duration && !EqualsIgnoreCase(context.arg(i), "idmp-maxsize")) {
      return context.Fail(errors::kSyntax);
    }
    if (i + 1 == context.args.size()) return context.Fail(errors::kSyntax);
    const auto value = ParseInt64(context.arg(i + 1));
    if (!value) return context.Fail(errors::kNotInteger);
    if (is_duration && (*value < 1 || *value > IdempotentIds::kMaxDurationS)) {
      return context.Fail(Error::Static("ERR IDMP-DURATION must be between 1 and 86400 seconds"));
    }
    if (!is_duration && (*value < 1 || *value > IdempotentIds::kMaxIds)) {
      return context.Fail(Error::Static("ERR IDMP-MAXSIZE must be between 1 and 10000 entries"));
    }
    (is_duration ? duration_s : max_ids) = value;
  }
  if (!duration_s && !max_ids) {
    return context.Fail(Error::Static("ERR At least one parameter must be specified"));
  }
  const auto found = FindValue<StreamValue>(context, context.arg(1));
  if (!found) return;
  if (!*found) return context.Fail(errors::kNoKey);
  Edit<StreamValue> edit(unit, context.arg(1), *found);
  IdempotentIds& ids = edit->MakeIdempotentIds();
  ids.Configure(duration_s.value_or(ids.duration_s()), max_ids.value_or(ids.max_ids()));
  edit.CommitQuietly(1);
  unit.Replicate(context.args);
  context.reply.Ok();
}

void XIdmpRecord(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view producer = context.arg(2);
  const std::string_view id = context.arg(3);
  if (producer.empty() || id.empty()) {
    return context.Fail(
        Error::Static("ERR XIDMPRECORD requires a non-empty producer ID and idempotent ID"));
  }
  const Result<StreamId> entry = ReadStreamId(context.arg(4));
  if (!entry.ok()) return context.Fail(entry.error());
  const auto found = FindValue<StreamValue>(context, context.arg(1));
  if (!found) return;
  if (!*found) return context.Fail(errors::kNoKey);
  if (!found->value->Contains(*entry)) {
    return context.Fail(Error::Static("ERR The ID specified in XIDMPRECORD does not exist"));
  }
  Edit<StreamValue> edit(unit, context.arg(1), *found);
  IdempotentIds& ids = edit->MakeIdempotentIds();
  ids.Expire(unit.now_ms());
  const StreamId* const known = ids.Find(producer, id);
  const bool is_new = known == nullptr;
  const bool is_same = !is_new && *known == *entry;
  if (is_new) ids.Add(producer, id, *entry);
  edit.CommitQuietly(is_new ? 1 : 0);
  if (!is_new && !is_same) {
    return context.Fail(
        Error::Static("ERR The producer ID and idempotent ID belong to another entry"));
  }
  if (is_new) unit.Replicate(context.args);
  context.reply.Ok();
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kUpdate)};
constexpr ArgSpec kModes[] = {{.name = "silent", .type = ArgType::kPureToken, .token = "SILENT"},
                              {.name = "fail", .type = ArgType::kPureToken, .token = "FAIL"},
                              {.name = "fatal", .type = ArgType::kPureToken, .token = "FATAL"}};
constexpr ArgSpec kIds[] = {{.name = "numids", .type = ArgType::kInteger},
                            {.name = "id", .type = ArgType::kString, .is_multiple = true}};
constexpr ArgSpec kXnackArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "group", .type = ArgType::kString},
    {.name = "mode", .type = ArgType::kOneOf, .children = kModes},
    {.name = "ids", .type = ArgType::kBlock, .token = "IDS", .children = kIds},
    {.name = "count", .type = ArgType::kInteger, .token = "RETRYCOUNT", .is_optional = true},
    {.name = "force", .type = ArgType::kPureToken, .token = "FORCE", .is_optional = true}};
constexpr ArgSpec kXcfgsetArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                    {.name = "idmp-duration",
                                     .type = ArgType::kInteger,
                                     .token = "IDMP-DURATION",
                                     .is_optional = true},
                                    {.name = "idmp-maxsize",
                                     .type = ArgType::kInteger,
                                     .token = "IDMP-MAXSIZE",
                                     .is_optional = true}};
constexpr ArgSpec kXidmprecordArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                        {.name = "pid", .type = ArgType::kString},
                                        {.name = "iid", .type = ArgType::kString},
                                        {.name = "stream-id", .type = ArgType::kString}};

constexpr Command kRows[] = {
    {.spec = {.name = "xcfgset",
              .arity = -2,
              .group = Group::kStream,
              .since = "8.6.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kFast,
              .complexity = "O(1), and O(N) for N ids of producers that are forgotten",
              .summary = "Sets how long and how many ids of its producers a stream keeps.",
              .arguments = kXcfgsetArgs},
     .run = XCfgSet},
    {.spec = {.name = "xidmprecord",
              .arity = 5,
              .group = Group::kStream,
              .since = "8.8.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Notes which entry a producer added with an id; for replication.",
              .arguments = kXidmprecordArgs},
     .run = XIdmpRecord},
    {.spec = {.name = "xnack",
              .arity = -7,
              .group = Group::kStream,
              .since = "8.8.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kFast,
              .complexity = "O(log N) for each id, with N entries pending",
              .summary = "Gives pending entries back to the group, for other consumers to claim.",
              .arguments = kXnackArgs},
     .run = XNack},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> StreamReliabilityCommands() { return kRows; }

}  // namespace peal::broker
