// Taking members off the ends of sorted sets, and waiting for some. Source of replies, errors and
// events: Redis 7.2, observed on 7.0.15.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "broker/commands/sorted_set.h"
#include "broker/exec/blocking.h"
#include "broker/exec/edit.h"
#include "broker/exec/server.h"
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
using protocol::ReplyWriter;
using protocol::Result;
using store::RankRange;
using store::ZsetValue;

namespace errors = protocol::errors;

constexpr Error kFewKeys = Error::Static("ERR numkeys should be greater than 0");
constexpr Error kFewMembers = Error::Static("ERR count should be greater than 0");

enum class End : uint8_t { kMin, kMax };

/// What the reply to a pop looks like.
enum class PopReply : uint8_t {
  kFlat,        // member, score, member, score, …
  kPairs,       // [member, score], …
  kKeyedFlat,   // key, member, score
  kKeyedPairs,  // key, [[member, score], …]
};

/// Pops up to `count` (not 0) members and replies with them.
void Pop(Unit& unit, std::string_view key, const Found<ZsetValue>& found, End end, uint64_t count,
         PopReply form, ReplyWriter& reply) {
  const bool is_max = end == End::kMax;
  const size_t total = found.value->Count();
  const auto taken = static_cast<size_t>(std::min<uint64_t>(count, total));
  const RankRange range = is_max ? RankRange{total - taken, total} : RankRange{0, taken};
  switch (form) {
    case PopReply::kFlat:
      reply.Array(2 * taken);
      break;
    case PopReply::kPairs:
      reply.Array(taken);
      break;
    case PopReply::kKeyedFlat:
      reply.Array(1 + 2 * taken);
      reply.Bulk(key);
      break;
    case PopReply::kKeyedPairs:
      reply.Array(2);
      reply.Bulk(key);
      reply.Array(taken);
      break;
  }
  const bool in_pairs = form == PopReply::kPairs || form == PopReply::kKeyedPairs;
  ZsetValue::Cursor at = found.value->At(is_max ? total - 1 : 0);
  for (size_t left = taken; left > 0; --left, at.Step(is_max)) {
    if (in_pairs) reply.Array(2);
    reply.Bulk(at.member());
    reply.Double(at.score());
  }
  const bool is_gone = EraseRange(unit, key, found, range);
  unit.Notify(kNotifyZset, is_max ? "zpopmax" : "zpopmin", key);
  if (is_gone) unit.Notify(kNotifyGeneric, "del", key);
  unit.Replicate(is_max ? "ZPOPMAX" : "ZPOPMIN", key, static_cast<int64_t>(taken));
}

// ---------------------------------------------------------------- ZPOPMIN, ZPOPMAX

void PopFromOne(CommandContext& context, End end) {
  if (context.args.size() > 3) return context.Fail(errors::kSyntax);
  const bool has_count = context.args.size() == 3;
  int64_t count = 1;
  if (has_count) {
    const std::optional<int64_t> read = ParseInt64(context.arg(2));
    if (!read || *read < 0) return context.Fail(errors::kMustBePositive);
    count = *read;
  }
  const std::string_view key = context.arg(1);
  const auto found = FindValue<ZsetValue>(context, key);
  if (!found) return;
  if (!*found || count == 0) return context.reply.Array(0);
  const bool in_pairs = has_count && context.reply.version() == protocol::RespVersion::k3;
  Pop(context.unit, key, *found, end, static_cast<uint64_t>(count),
      in_pairs ? PopReply::kPairs : PopReply::kFlat, context.reply);
}

void ZPopMin(CommandContext& context) { PopFromOne(context, End::kMin); }
void ZPopMax(CommandContext& context) { PopFromOne(context, End::kMax); }

// ---------------------------------------------------------------- several keys

/// The first key with a sorted set, or none. nullopt, with WRONGTYPE replied, if something else
/// comes before it.
std::optional<Found<ZsetValue>> FindFirst(CommandContext& context,
                                          std::span<const std::string_view> keys,
                                          std::string_view& key) {
  for (const std::string_view candidate : keys) {
    const auto found = FindValue<ZsetValue>(context, candidate);
    if (found && !*found) continue;
    key = candidate;
    return found;
  }
  return Found<ZsetValue>{};
}

template <End kEnd>
bool ServePop(Unit& unit, std::span<const std::string_view>, std::string_view key,
              ReplyWriter& reply) {
  const auto found = AsValue<ZsetValue>(unit.FindForWrite(key));
  if (!found || !*found) return false;
  Pop(unit, key, *found, kEnd, 1, PopReply::kKeyedFlat, reply);
  return true;
}

void BlockingPop(CommandContext& context, End end) {
  const auto keys = context.args.subspan(1, context.args.size() - 2);
  const Result<int64_t> timeout_ms = ReadTimeoutSeconds(context.args.back());
  if (!timeout_ms.ok()) return context.Fail(timeout_ms.error());
  std::string_view key;
  const auto found = FindFirst(context, keys, key);
  if (!found) return;
  if (*found) {
    return Pop(context.unit, key, *found, end, 1, PopReply::kKeyedFlat, context.reply);
  }
  if (context.in_exec) return context.reply.NullArray();
  Block(context, {.serve = end == End::kMin ? ServePop<End::kMin> : ServePop<End::kMax>,
                  .args = context.args,
                  .keys = keys,
                  .destination = {},
                  .timeout_ms = *timeout_ms});
}

void BZPopMin(CommandContext& context) { BlockingPop(context, End::kMin); }
void BZPopMax(CommandContext& context) { BlockingPop(context, End::kMax); }

/// "numkeys key [key ...] MIN | MAX [COUNT count]".
struct MPopRequest {
  std::span<const std::string_view> keys;
  End end = End::kMin;
  uint64_t count = 1;
};

Result<MPopRequest> ReadMPop(std::span<const std::string_view> args, size_t at) {
  MPopRequest request;
  const std::optional<int64_t> numkeys = ParseInt64(args[at++]);
  if (!numkeys || *numkeys < 1) return kFewKeys;
  const auto keys = static_cast<uint64_t>(*numkeys);
  if (keys >= args.size() - at) return errors::kSyntax;
  request.keys = args.subspan(at, keys);
  at += keys;
  if (EqualsIgnoreCase(args[at], "max")) {
    request.end = End::kMax;
  } else if (!EqualsIgnoreCase(args[at], "min")) {
    return errors::kSyntax;
  }
  ++at;
  if (at == args.size()) return request;
  if (at + 1 == args.size() || !EqualsIgnoreCase(args[at], "count")) return errors::kSyntax;
  const std::optional<int64_t> count = ParseInt64(args[at + 1]);
  if (!count || *count < 1) return kFewMembers;
  request.count = static_cast<uint64_t>(*count);
  if (at + 2 != args.size()) return errors::kSyntax;
  return request;
}

bool ServeMPop(Unit& unit, std::span<const std::string_view> args, std::string_view key,
               ReplyWriter& reply) {
  const auto found = AsValue<ZsetValue>(unit.FindForWrite(key));
  if (!found || !*found) return false;
  const Result<MPopRequest> request = ReadMPop(args, 2);
  Pop(unit, key, *found, request->end, request->count, PopReply::kKeyedPairs, reply);
  return true;
}

void ZMPop(CommandContext& context) {
  const Result<MPopRequest> request = ReadMPop(context.args, 1);
  if (!request.ok()) return context.Fail(request.error());
  std::string_view key;
  const auto found = FindFirst(context, request->keys, key);
  if (!found) return;
  if (!*found) return context.reply.NullArray();
  Pop(context.unit, key, *found, request->end, request->count, PopReply::kKeyedPairs,
      context.reply);
}

void BZMPop(CommandContext& context) {
  const Result<MPopRequest> request = ReadMPop(context.args, 2);
  if (!request.ok()) return context.Fail(request.error());
  const Result<int64_t> timeout_ms = ReadTimeoutSeconds(context.arg(1));
  if (!timeout_ms.ok()) return context.Fail(timeout_ms.error());
  std::string_view key;
  const auto found = FindFirst(context, request->keys, key);
  if (!found) return;
  if (*found) {
    return Pop(context.unit, key, *found, request->end, request->count, PopReply::kKeyedPairs,
               context.reply);
  }
  if (context.in_exec) return context.reply.NullArray();
  Block(context, {.serve = ServeMPop,
                  .args = context.args,
                  .keys = request->keys,
                  .destination = {},
                  .timeout_ms = *timeout_ms});
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kBzmpopKeys[] = {
    KeySpec::KeyNum(2, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kDelete)};
constexpr ArgSpec kBzmpopWhere[] = {{.name = "min", .type = ArgType::kPureToken, .token = "MIN"},
                                    {.name = "max", .type = ArgType::kPureToken, .token = "MAX"}};
constexpr ArgSpec kBzmpopArgs[] = {
    {.name = "timeout", .type = ArgType::kDouble},
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true},
    {.name = "where", .type = ArgType::kOneOf, .children = kBzmpopWhere},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .is_optional = true}};
constexpr KeySpec kBzpopmaxKeys[] = {
    KeySpec::Range(1, -2, 1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kDelete)};
constexpr ArgSpec kBzpopmaxArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true},
    {.name = "timeout", .type = ArgType::kDouble}};
constexpr HistoryEntry kBzpopmaxHistory[] = {{"6.0.0", "The timeout may have a fraction."}};
constexpr KeySpec kZmpopKeys[] = {
    KeySpec::KeyNum(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kDelete)};
constexpr ArgSpec kZmpopArgs[] = {
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true},
    {.name = "where", .type = ArgType::kOneOf, .children = kBzmpopWhere},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .is_optional = true}};
constexpr KeySpec kZpopmaxKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kDelete)};
constexpr ArgSpec kZpopmaxArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "count", .type = ArgType::kInteger, .is_optional = true}};

constexpr Command kRows[] = {
    {.spec =
         {.name = "bzmpop",
          .arity = -5,
          .group = Group::kSortedSet,
          .since = "7.0.0",
          .flags = Flag::kWrite | Flag::kBlocking | Flag::kMovableKeys,
          .keys = kBzmpopKeys,
          .acl = Acl::kWrite | Acl::kSortedSet | Acl::kSlow | Acl::kBlocking,
          .complexity = "O(K) + O(M*log(N)) where K is the number of keys, N the number of members "
                        "and M of those popped",
          .summary =
              "Pops members from the first of several sorted sets that has any; waits if none has.",
          .arguments = kBzmpopArgs},
     .run = BZMPop},
    {.spec = {.name = "bzpopmax",
              .arity = -3,
              .group = Group::kSortedSet,
              .since = "5.0.0",
              .flags = Flag::kWrite | Flag::kNoScript | Flag::kBlocking | Flag::kFast,
              .keys = kBzpopmaxKeys,
              .acl = Acl::kWrite | Acl::kSortedSet | Acl::kFast | Acl::kBlocking,
              .complexity = "O(log(N)) where N is the number of members",
              .summary = "Pops the member with the highest score from the first sorted set that "
                         "has any; waits if none has.",
              .arguments = kBzpopmaxArgs,
              .history = kBzpopmaxHistory},
     .run = BZPopMax},
    {.spec = {.name = "bzpopmin",
              .arity = -3,
              .group = Group::kSortedSet,
              .since = "5.0.0",
              .flags = Flag::kWrite | Flag::kNoScript | Flag::kBlocking | Flag::kFast,
              .keys = kBzpopmaxKeys,
              .acl = Acl::kWrite | Acl::kSortedSet | Acl::kFast | Acl::kBlocking,
              .complexity = "O(log(N)) where N is the number of members",
              .summary = "Pops the member with the lowest score from the first sorted set that has "
                         "any; waits if none has.",
              .arguments = kBzpopmaxArgs,
              .history = kBzpopmaxHistory},
     .run = BZPopMin},
    {.spec = {.name = "zmpop",
              .arity = -4,
              .group = Group::kSortedSet,
              .since = "7.0.0",
              .flags = Flag::kWrite | Flag::kMovableKeys,
              .keys = kZmpopKeys,
              .acl = Acl::kWrite | Acl::kSortedSet | Acl::kSlow,
              .complexity = "O(K) + O(M*log(N)) where K is the number of keys, N the number of "
                            "members and M of those popped",
              .summary = "Pops members from the first of several sorted sets that has any.",
              .arguments = kZmpopArgs},
     .run = ZMPop},
    {.spec = {.name = "zpopmax",
              .arity = -2,
              .group = Group::kSortedSet,
              .since = "5.0.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kZpopmaxKeys,
              .acl = Acl::kWrite | Acl::kSortedSet | Acl::kFast,
              .complexity = "O(M*log(N)) where N is the number of members and M of those popped",
              .summary = "Pops the members with the highest scores.",
              .arguments = kZpopmaxArgs},
     .run = ZPopMax},
    {.spec = {.name = "zpopmin",
              .arity = -2,
              .group = Group::kSortedSet,
              .since = "5.0.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kZpopmaxKeys,
              .acl = Acl::kWrite | Acl::kSortedSet | Acl::kFast,
              .complexity = "O(M*log(N)) where N is the number of members and M of those popped",
              .summary = "Pops the members with the lowest scores.",
              .arguments = kZpopmaxArgs},
     .run = ZPopMin},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> SortedSetPopCommands() { return kRows; }

}  // namespace peal::broker
