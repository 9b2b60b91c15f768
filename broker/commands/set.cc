// Commands on the members of one set. Source of replies, errors and events: Redis 7.2, observed on
// 7.0.15.
#include "broker/commands/set.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "broker/commands/random.h"
#include "broker/commands/scan.h"
#include "broker/exec/edit.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "protocol/base/number.h"

namespace peal::broker {

const store::EncodingLimits& SetLimits(const CommandContext& context) {
  return context.server.config().encoding;
}

void ReplyItem(CommandContext& context, const SetItem& item) {
  if (item.is_integer) {
    context.reply.BulkInteger(item.integer);
  } else {
    context.reply.Bulk(item.bytes);
  }
}

void ReplyMembers(CommandContext& context, const store::SetValue& set) {
  context.reply.Set(set.Count());
  set.ForEach([&](const SetItem& item) { ReplyItem(context, item); });
}

namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::Flag;
using protocol::Group;
using protocol::HistoryEntry;
using protocol::KeyFlag;
using protocol::KeySpec;
using protocol::ParseInt64;
using protocol::Result;
using store::EncodingLimits;
using store::ExpirePolicy;
using store::SetValue;

namespace errors = protocol::errors;

// ---------------------------------------------------------------- members

void SAdd(CommandContext& context) {
  const std::string_view key = context.arg(1);
  const auto found = FindValue<SetValue>(context, key);
  if (!found) return;
  const EncodingLimits& limits = SetLimits(context);
  const auto members = context.args.subspan(2);
  Edit<SetValue> edit(context.unit, key, *found,
                      [&] { return SetValue::Create(members[0], members.size(), limits); });
  uint64_t added = 0;
  for (const std::string_view member : members) {
    const size_t hint = added == 0 && !edit.is_new() ? members.size() : 1;
    if (edit->Add(member, limits, hint)) ++added;
  }
  if (added > 0) {
    edit.Commit(added);
    context.unit.Notify(kNotifySet, "sadd", key);
    context.unit.Replicate(context.args);
  }
  context.reply.Integer(static_cast<int64_t>(added));
}

void SRem(CommandContext& context) {
  const std::string_view key = context.arg(1);
  const auto found = FindValue<SetValue>(context, key);
  if (!found) return;
  if (!*found) return context.reply.Integer(0);
  Edit<SetValue> edit(context.unit, key, *found);
  uint64_t removed = 0;
  for (const std::string_view member : context.args.subspan(2)) {
    if (edit->Remove(member)) ++removed;
  }
  if (removed > 0) {
    const bool is_gone = edit.Commit(removed);
    context.unit.Notify(kNotifySet, "srem", key);
    if (is_gone) context.unit.Notify(kNotifyGeneric, "del", key);
    context.unit.Replicate(context.args);
  }
  context.reply.Integer(static_cast<int64_t>(removed));
}

void SMove(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view from = context.arg(1);
  const std::string_view to = context.arg(2);
  const std::string_view member = context.arg(3);
  store::Entry* const from_entry = unit.FindForWrite(from);
  store::Entry* const to_entry = unit.FindForWrite(to);
  if (from_entry == nullptr) return context.reply.Integer(0);
  const auto source = AsValue<SetValue>(from_entry);
  const auto destination = AsValue<SetValue>(to_entry);
  if (!source || !destination) return context.Fail(errors::kWrongType);
  if (from_entry == to_entry) return context.reply.Integer(source->value->Contains(member) ? 1 : 0);
  {
    Edit<SetValue> edit(unit, from, *source);
    if (!edit->Remove(member)) return context.reply.Integer(0);
    const bool is_gone = edit.Commit();
    unit.Notify(kNotifySet, "srem", from);
    if (is_gone) unit.Notify(kNotifyGeneric, "del", from);
  }
  const EncodingLimits& limits = SetLimits(context);
  Edit<SetValue> edit(unit, to, *destination, [&] { return SetValue::Create(member, 1, limits); });
  if (edit->Add(member, limits)) {
    edit.Commit();
    unit.Notify(kNotifySet, "sadd", to);
  }
  unit.Replicate(context.args);
  context.reply.Integer(1);
}

void SIsMember(CommandContext& context) {
  const auto found = ReadValue<SetValue>(context, context.arg(1));
  if (!found) return;
  context.reply.Integer(*found && found->value->Contains(context.arg(2)) ? 1 : 0);
}

void SMIsMember(CommandContext& context) {
  const auto found = ReadValue<SetValue>(context, context.arg(1));
  if (!found) return;
  const auto members = context.args.subspan(2);
  context.reply.Array(members.size());
  for (const std::string_view member : members) {
    context.reply.Integer(*found && found->value->Contains(member) ? 1 : 0);
  }
}

void SCard(CommandContext& context) {
  const auto found = ReadValue<SetValue>(context, context.arg(1));
  if (!found) return;
  context.reply.Integer(*found ? static_cast<int64_t>(found->value->Count()) : 0);
}

void SMembers(CommandContext& context) {
  const auto found = ReadValue<SetValue>(context, context.arg(1));
  if (!found) return;
  if (!*found) return context.reply.Set(0);
  ReplyMembers(context, *found->value);
}

void SScan(CommandContext& context) {
  const std::optional<uint64_t> cursor = ReadCursor(context.arg(2));
  if (!cursor) return context.Fail(errors::kInvalidCursor);
  const auto found = ReadValue<SetValue>(context, context.arg(1));
  if (!found) return;
  if (!*found) {
    context.reply.Array(2);
    context.reply.Bulk("0");
    return context.reply.Array(0);
  }
  ScanOptions options;
  const Result<void> read = ReadScanOptions(context, 3, ScanKind::kMembers, options);
  if (!read.ok()) return context.Fail(read.error());
  std::vector<SetItem> passed;
  const uint64_t next = found->value->Scan(*cursor, options.count, [&](const SetItem& item) {
    char digits[24];
    if (options.Matches(item.View(digits))) passed.push_back(item);
  });
  context.reply.Array(2);
  context.reply.BulkInteger(static_cast<int64_t>(next));
  context.reply.Array(passed.size());
  for (const SetItem& item : passed) ReplyItem(context, item);
}

// ---------------------------------------------------------------- random members

/// Passes `count` different members of `set`, count < its size, each choice as likely as any other;
/// pass(item, is_chosen) for every member, or only for the chosen ones where those are few. `pass`
/// must not change the set.
template <class Pass>
void ChooseMembers(const SetValue& set, uint64_t count, Pass pass) {
  const uint64_t total = set.Count();
  // Few of many: drawn until there are enough different ones.
  if (set.table() != nullptr && count < total / 3) {
    std::unordered_set<const store::Member*> drawn;
    while (drawn.size() < count) {
      const store::Member* const member = set.table()->RandomNode(RandomNumber);
      if (drawn.insert(member).second) pass(store::BytesItem(member->View()), true);
    }
    return;
  }
  // One walk in which each member is taken with the chance that is left.
  uint64_t left = total;
  uint64_t wanted = count;
  set.ForEach([&](const SetItem& item) {
    const bool is_chosen = RandomNumber() % left < wanted;
    --left;
    if (is_chosen) --wanted;
    pass(item, is_chosen);
  });
}

/// Replies with `count` members, repeated ones among them.
void ReplyDraws(CommandContext& context, const SetValue& set, uint64_t count) {
  context.reply.Array(count);
  if (set.listpack() == nullptr) {
    for (; count > 0; --count) ReplyItem(context, set.RandomMember(RandomNumber));
    return;
  }
  std::vector<SetItem> members;
  members.reserve(set.Count());
  set.ForEach([&](const SetItem& item) { members.push_back(item); });
  for (; count > 0; --count) ReplyItem(context, members[RandomNumber() % members.size()]);
}

void SRandMember(CommandContext& context) {
  if (context.args.size() > 3) return context.Fail(errors::kSyntax);
  int64_t count = 0;
  const bool has_count = context.args.size() == 3;
  if (has_count) {
    const std::optional<int64_t> read = ParseInt64(context.arg(2));
    if (!read) return context.Fail(errors::kNotInteger);
    if (*read == std::numeric_limits<int64_t>::min()) return context.Fail(errors::kNoOpposite);
    count = *read;
  }
  const auto found = ReadValue<SetValue>(context, context.arg(1));
  if (!found) return;
  if (!*found) return has_count ? context.reply.Array(0) : context.reply.Null();
  const SetValue& set = *found->value;
  if (!has_count) return ReplyItem(context, set.RandomMember(RandomNumber));
  if (count < 0) {
    const uint64_t wanted = static_cast<uint64_t>(-count);
    // Differs: Redis tries to send as many as the client names, until its memory ends. Here the
    // reply may be about as long as the longest string.
    const uint64_t mean_bytes = set.MemoryBytes() / set.Count() + 1;
    if (wanted > context.server.config().proto_max_bulk_len / mean_bytes) {
      return context.Fail(errors::kValueOutOfRange);
    }
    return ReplyDraws(context, set, wanted);
  }
  const uint64_t wanted = std::min<uint64_t>(static_cast<uint64_t>(count), set.Count());
  context.reply.Array(wanted);
  if (wanted == set.Count()) {
    set.ForEach([&](const SetItem& item) { ReplyItem(context, item); });
  } else if (wanted > 0) {
    ChooseMembers(set, wanted, [&](const SetItem& item, bool is_chosen) {
      if (is_chosen) ReplyItem(context, item);
    });
  }
}

/// The effect of SPOP with a count: SREM in portions. Free of cost while nobody collects effects.
class PoppedEffect {
 public:
  static constexpr size_t kPortion = 1024;

  PoppedEffect(Unit& unit, std::string_view key) : unit_(unit), key_(key) {}
  PoppedEffect(const PoppedEffect&) = delete;
  PoppedEffect& operator=(const PoppedEffect&) = delete;

  void Add(const SetItem& item) {
    if (!unit_.collects_effects()) return;
    members_.push_back(item.ToString());
    if (members_.size() == kPortion) Flush();
  }
  void Flush() {
    if (members_.empty()) return;
    std::vector<std::string_view> args = {"SREM", key_};
    args.insert(args.end(), members_.begin(), members_.end());
    unit_.Replicate(std::span<const std::string_view>(args));
    members_.clear();
  }

 private:
  Unit& unit_;
  const std::string_view key_;
  std::vector<std::string> members_;
};

void PopMany(CommandContext& context, std::string_view key, uint64_t count) {
  Unit& unit = context.unit;
  const auto found = FindValue<SetValue>(context, key);
  if (!found) return;
  if (!*found || count == 0) return context.reply.Set(0);
  SetValue& set = *found->value;
  const uint64_t total = set.Count();
  if (count >= total) {
    ReplyMembers(context, set);
    unit.Delete(key);
    unit.Notify(kNotifySet, "spop", key);
    unit.Notify(kNotifyGeneric, "del", key);
    return unit.Replicate("DEL", key);
  }
  context.reply.Set(count);
  PoppedEffect effect(unit, key);
  const uint64_t remaining = total - count;
  if (remaining * 5 <= count) {
    // Few stay: they move to a new set, and the old one goes as a whole, in the background if it is
    // large.
    const EncodingLimits& limits = SetLimits(context);
    std::unique_ptr<SetValue> rest;
    ChooseMembers(set, count, [&](const SetItem& item, bool is_chosen) {
      if (is_chosen) {
        ReplyItem(context, item);
        return effect.Add(item);
      }
      char digits[24];
      if (rest == nullptr) rest = SetValue::Create(item.View(digits), 1, limits);
      rest->Add(item, limits);
    });
    unit.SetObject(key, std::move(rest), ExpirePolicy::Keep());
  } else {
    Edit<SetValue> edit(unit, key, *found);
    if (set.table() != nullptr) {
      for (uint64_t i = 0; i < count; ++i) {
        const SetItem item = set.RandomMember(RandomNumber);
        ReplyItem(context, item);
        effect.Add(item);
        edit->Remove(item);
      }
    } else {
      std::vector<std::string> chosen;
      ChooseMembers(set, count, [&](const SetItem& item, bool is_chosen) {
        if (!is_chosen) return;
        ReplyItem(context, item);
        effect.Add(item);
        chosen.push_back(item.ToString());
      });
      for (const std::string& member : chosen) edit->Remove(std::string_view(member));
    }
    edit.Commit(count);
  }
  unit.Notify(kNotifySet, "spop", key);
  effect.Flush();
}

void SPop(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  if (context.args.size() > 3) return context.Fail(errors::kSyntax);
  if (context.args.size() == 3) {
    const std::optional<int64_t> count = ParseInt64(context.arg(2));
    if (!count || *count < 0) return context.Fail(errors::kMustBePositive);
    return PopMany(context, key, static_cast<uint64_t>(*count));
  }
  const auto found = FindValue<SetValue>(context, key);
  if (!found) return;
  if (!*found) return context.reply.Null();
  Edit<SetValue> edit(unit, key, *found);
  const SetItem item = edit->RandomMember(RandomNumber);
  ReplyItem(context, item);
  char digits[24];
  unit.Replicate("SREM", key, item.View(digits));
  edit->Remove(item);
  const bool is_gone = edit.Commit();
  unit.Notify(kNotifySet, "spop", key);
  if (is_gone) unit.Notify(kNotifyGeneric, "del", key);
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kSaddKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kInsert)};
constexpr ArgSpec kSaddArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                 {.name = "member", .type = ArgType::kString, .is_multiple = true}};
constexpr HistoryEntry kSaddHistory[] = {{"2.4.0", "Takes several members."}};
constexpr KeySpec kScardKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly)};
constexpr ArgSpec kScardArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0}};
constexpr std::string_view kSdiffTips[] = {"nondeterministic_output_order"};
constexpr ArgSpec kSismemberArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                      {.name = "member", .type = ArgType::kString}};
constexpr KeySpec kSmembersKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr KeySpec kSmoveKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kDelete),
    KeySpec::Single(2, KeyFlag::kReadWrite | KeyFlag::kInsert)};
constexpr ArgSpec kSmoveArgs[] = {
    {.name = "source", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "destination", .type = ArgType::kKey, .key_spec_index = 1},
    {.name = "member", .type = ArgType::kString}};
constexpr KeySpec kSpopKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kDelete)};
constexpr ArgSpec kSpopArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "count", .type = ArgType::kInteger, .is_optional = true, .since = "3.2.0"}};
constexpr HistoryEntry kSpopHistory[] = {{"3.2.0", "Added `count`."}};
constexpr std::string_view kSpopTips[] = {"nondeterministic_output"};
constexpr ArgSpec kSrandmemberArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "count", .type = ArgType::kInteger, .is_optional = true, .since = "2.6.0"}};
constexpr HistoryEntry kSrandmemberHistory[] = {{"2.6.0", "Added `count`."}};
constexpr KeySpec kSremKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kDelete)};
constexpr ArgSpec kSscanArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "cursor", .type = ArgType::kInteger},
    {.name = "pattern", .type = ArgType::kPattern, .token = "MATCH", .is_optional = true},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .is_optional = true}};

constexpr Command kRows[] = {
    {.spec = {.name = "sadd",
              .arity = -3,
              .group = Group::kSet,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kSaddKeys,
              .acl = Acl::kWrite | Acl::kSet | Acl::kFast,
              .complexity = "O(N) for N members",
              .summary = "Adds members to a set, creating it if needed.",
              .arguments = kSaddArgs,
              .history = kSaddHistory},
     .run = SAdd},
    {.spec = {.name = "scard",
              .arity = 2,
              .group = Group::kSet,
              .since = "1.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kScardKeys,
              .acl = Acl::kRead | Acl::kSet | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Tells how many members a set has.",
              .arguments = kScardArgs},
     .run = SCard},
    {.spec = {.name = "sismember",
              .arity = 3,
              .group = Group::kSet,
              .since = "1.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kScardKeys,
              .acl = Acl::kRead | Acl::kSet | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Tells whether a set has a member.",
              .arguments = kSismemberArgs},
     .run = SIsMember},
    {.spec = {.name = "smembers",
              .arity = 2,
              .group = Group::kSet,
              .since = "1.0.0",
              .flags = Flag::kReadonly,
              .keys = kSmembersKeys,
              .acl = Acl::kRead | Acl::kSet | Acl::kSlow,
              .complexity = "O(N) with N the members of the set",
              .summary = "Replies with all members of a set.",
              .arguments = kScardArgs,
              .tips = kSdiffTips},
     .run = SMembers},
    {.spec = {.name = "smismember",
              .arity = -3,
              .group = Group::kSet,
              .since = "6.2.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kSmembersKeys,
              .acl = Acl::kRead | Acl::kSet | Acl::kFast,
              .complexity = "O(N) for N members asked for",
              .summary = "Tells for each of several members whether a set has it.",
              .arguments = kSaddArgs},
     .run = SMIsMember},
    {.spec = {.name = "smove",
              .arity = 4,
              .group = Group::kSet,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kSmoveKeys,
              .acl = Acl::kWrite | Acl::kSet | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Moves a member from one set to another.",
              .arguments = kSmoveArgs},
     .run = SMove},
    {.spec = {.name = "spop",
              .arity = -2,
              .group = Group::kSet,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kSpopKeys,
              .acl = Acl::kWrite | Acl::kSet | Acl::kFast,
              .complexity = "O(1) without a count, O(N) for a count of N",
              .summary = "Takes random members out of a set and replies with them.",
              .arguments = kSpopArgs,
              .history = kSpopHistory,
              .tips = kSpopTips},
     .run = SPop},
    {.spec = {.name = "srandmember",
              .arity = -2,
              .group = Group::kSet,
              .since = "1.0.0",
              .flags = Flag::kReadonly,
              .keys = kSmembersKeys,
              .acl = Acl::kRead | Acl::kSet | Acl::kSlow,
              .complexity = "O(1) without a count, O(N) for a count of N or -N",
              .summary = "Replies with random members of a set.",
              .arguments = kSrandmemberArgs,
              .history = kSrandmemberHistory,
              .tips = kSpopTips},
     .run = SRandMember},
    {.spec = {.name = "srem",
              .arity = -3,
              .group = Group::kSet,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kSremKeys,
              .acl = Acl::kWrite | Acl::kSet | Acl::kFast,
              .complexity = "O(N) for N members",
              .summary = "Removes members from a set.",
              .arguments = kSaddArgs,
              .history = kSaddHistory},
     .run = SRem},
    {.spec = {.name = "sscan",
              .arity = -3,
              .group = Group::kSet,
              .since = "2.8.0",
              .flags = Flag::kReadonly,
              .keys = kSmembersKeys,
              .acl = Acl::kRead | Acl::kSet | Acl::kSlow,
              .complexity = "O(1) for a call, O(N) for a whole walk",
              .summary = "Walks through the members of a set step by step.",
              .arguments = kSscanArgs,
              .tips = kSpopTips},
     .run = SScan},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> SetCommands() { return kRows; }

}  // namespace peal::broker
