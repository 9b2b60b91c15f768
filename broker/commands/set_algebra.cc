// Intersections, differences and unions of sets. Source of replies, errors and events: Redis 7.2,
// observed on 7.0.15; SUNIONCARD and SDIFFCARD: documentation of Redis 8.10.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/commands/set.h"
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
using store::EncodingLimits;
using store::SetValue;

namespace errors = protocol::errors;

constexpr Error kNumKeys = Error::Static("ERR numkeys should be greater than 0");
constexpr Error kTooManyKeys =
    Error::Static("ERR Number of keys can't be greater than number of args");
constexpr Error kNegativeLimit = Error::Static("ERR LIMIT can't be negative");

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

/// The sets at `keys`, null where there is none; nullopt with WRONGTYPE replied if one is something
/// else.
std::optional<std::vector<const SetValue*>> ReadSets(CommandContext& context,
                                                     std::span<const std::string_view> keys) {
  std::vector<const SetValue*> sets;
  sets.reserve(keys.size());
  for (const std::string_view key : keys) {
    const auto found = ReadValue<SetValue>(context, key);
    if (!found) return std::nullopt;
    sets.push_back(found->value);
  }
  return sets;
}

/// Calls fn(item) on each member that all of `sets` have, until it returns false. Sorts `sets`.
template <class Fn>
void Intersect(std::vector<const SetValue*>& sets, Fn fn) {
  if (std::find(sets.begin(), sets.end(), nullptr) != sets.end()) return;
  std::sort(sets.begin(), sets.end(),
            [](const SetValue* a, const SetValue* b) { return a->Count() < b->Count(); });
  sets[0]->ForEach([&](const SetItem& item) {
    for (size_t i = 1; i < sets.size(); ++i) {
      if (sets[i] != sets[0] && !sets[i]->Contains(item)) return true;
    }
    return fn(item);
  });
}

uint64_t TotalCount(const std::vector<const SetValue*>& sets) {
  uint64_t total = 0;
  for (const SetValue* set : sets) total += set == nullptr ? 0 : set->Count();
  return total;
}

/// Whether looking up each member of the first set in the others costs less than removing the
/// members of the others from a copy of the first. Half as much work counts as equal, since the
/// first ends early and copies nothing.
bool DiffersByLookup(const std::vector<const SetValue*>& sets) {
  uint64_t lookups = 0;
  for (const SetValue* set : sets) lookups += set == nullptr ? 0 : sets[0]->Count();
  return lookups / 2 <= TotalCount(sets);
}

/// Whether nothing can be left of sets[0] without the others, at a glance.
bool LeavesNothing(const std::vector<const SetValue*>& sets) {
  return sets[0] == nullptr || std::find(sets.begin() + 1, sets.end(), sets[0]) != sets.end();
}

/// Calls fn(item) on each member of sets[0] that no other has, until it returns false. Sorts the
/// others.
template <class Fn>
void SubtractByLookup(std::vector<const SetValue*>& sets, Fn fn) {
  const auto size_of = [](const SetValue* set) { return set == nullptr ? 0 : set->Count(); };
  // The largest is the likeliest to have a member.
  std::sort(sets.begin() + 1, sets.end(),
            [&](const SetValue* a, const SetValue* b) { return size_of(a) > size_of(b); });
  sets[0]->ForEach([&](const SetItem& item) {
    for (size_t i = 1; i < sets.size() && sets[i] != nullptr; ++i) {
      if (sets[i]->Contains(item)) return true;
    }
    return fn(item);
  });
}

/// Removes from `rest`, which has the members of sets[0], those of the others.
void SubtractByRemoval(const std::vector<const SetValue*>& sets, SetValue& rest) {
  for (size_t i = 1; i < sets.size() && rest.Count() > 0; ++i) {
    if (sets[i] == nullptr) continue;
    sets[i]->ForEach([&](const SetItem& item) {
      rest.Remove(item);
      return rest.Count() > 0;
    });
  }
}

/// As SubtractByLookup, by the way that is shorter. The items live as long as the sets and `copy`,
/// which is for this function to fill.
template <class Fn>
void Subtract(std::vector<const SetValue*>& sets, std::unique_ptr<store::ValueObject>& copy,
              Fn fn) {
  if (LeavesNothing(sets)) return;
  if (DiffersByLookup(sets)) return SubtractByLookup(sets, fn);
  copy = sets[0]->Clone();
  SetValue& rest = static_cast<SetValue&>(*copy);
  SubtractByRemoval(sets, rest);
  rest.ForEach(fn);
}

/// Adds the members of `sets` to `all` until it has `limit`.
void Unite(const std::vector<const SetValue*>& sets, uint64_t limit, const EncodingLimits& limits,
           SetValue& all) {
  for (const SetValue* set : sets) {
    if (set == nullptr) continue;
    set->ForEach([&](const SetItem& item) {
      all.Add(item, limits);
      return all.Count() < limit;
    });
    if (all.Count() >= limit) return;
  }
}

/// For a union that is not stored: a hash table, but where all are integers and few.
std::unique_ptr<SetValue> NewUnion(const std::vector<const SetValue*>& sets,
                                   const EncodingLimits& limits) {
  const bool are_integers = std::all_of(sets.begin(), sets.end(), [](const SetValue* set) {
    return set == nullptr || set->intset() != nullptr;
  });
  return SetValue::Create("0", are_integers ? TotalCount(sets) : kNoLimit, limits);
}

void ReplyCollected(CommandContext& context, const std::vector<SetItem>& items) {
  context.reply.Set(items.size());
  for (const SetItem& item : items) ReplyItem(context, item);
}

void SInter(CommandContext& context) {
  auto sets = ReadSets(context, context.args.subspan(1));
  if (!sets) return;
  std::vector<SetItem> common;
  Intersect(*sets, [&](const SetItem& item) {
    common.push_back(item);
    return true;
  });
  ReplyCollected(context, common);
}

void SDiff(CommandContext& context) {
  auto sets = ReadSets(context, context.args.subspan(1));
  if (!sets) return;
  std::unique_ptr<store::ValueObject> copy;
  std::vector<SetItem> rest;
  Subtract(*sets, copy, [&](const SetItem& item) {
    rest.push_back(item);
    return true;
  });
  ReplyCollected(context, rest);
}

void SUnion(CommandContext& context) {
  const auto sets = ReadSets(context, context.args.subspan(1));
  if (!sets) return;
  const auto all = NewUnion(*sets, SetLimits(context));
  Unite(*sets, kNoLimit, SetLimits(context), *all);
  ReplyMembers(context, *all);
}

/// Puts `result` at the key that is the first argument and replies with its size.
void StoreResult(CommandContext& context, std::unique_ptr<SetValue> result, const char* event) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const size_t count = result->Count();
  if (count > 0) {
    unit.SetObject(key, std::move(result));
    unit.Notify(kNotifySet, event, key);
    unit.Replicate(context.args);
  } else if (unit.Delete(key)) {
    unit.Notify(kNotifyGeneric, "del", key);
    unit.Replicate(context.args);
  }
  context.reply.Integer(static_cast<int64_t>(count));
}

void SInterStore(CommandContext& context) {
  auto sets = ReadSets(context, context.args.subspan(2));
  if (!sets) return;
  auto result = std::make_unique<SetValue>();
  Intersect(*sets, [&](const SetItem& item) {
    result->Add(item, SetLimits(context));
    return true;
  });
  StoreResult(context, std::move(result), "sinterstore");
}

void SDiffStore(CommandContext& context) {
  auto sets = ReadSets(context, context.args.subspan(2));
  if (!sets) return;
  auto result = std::make_unique<SetValue>();
  const auto add = [&](const SetItem& item) {
    result->Add(item, SetLimits(context));
    return true;
  };
  if (!LeavesNothing(*sets)) {
    if (DiffersByLookup(*sets)) {
      SubtractByLookup(*sets, add);
    } else {
      // As in Redis, the encoding is that of a set that once had all of the first.
      (*sets)[0]->ForEach(add);
      SubtractByRemoval(*sets, *result);
    }
  }
  StoreResult(context, std::move(result), "sdiffstore");
}

void SUnionStore(CommandContext& context) {
  const auto sets = ReadSets(context, context.args.subspan(2));
  if (!sets) return;
  auto result = std::make_unique<SetValue>();
  Unite(*sets, kNoLimit, SetLimits(context), *result);
  StoreResult(context, std::move(result), "sunionstore");
}

/// Arguments of SINTERCARD and its kin: "numkeys key [key ...] [APPROX] [LIMIT limit]".
struct CardArgs {
  std::span<const std::string_view> keys;
  uint64_t limit = kNoLimit;
};

/// nullopt with the error replied.
std::optional<CardArgs> ReadCardArgs(CommandContext& context, bool knows_approx) {
  CardArgs out;
  const auto fail = [&](const Error& error) {
    context.Fail(error);
    return std::nullopt;
  };
  const std::optional<int64_t> num_keys = ParseInt64(context.arg(1));
  if (!num_keys || *num_keys < 1) return fail(kNumKeys);
  if (static_cast<uint64_t>(*num_keys) > context.args.size() - 2) return fail(kTooManyKeys);
  out.keys = context.args.subspan(2, static_cast<size_t>(*num_keys));
  for (size_t i = 2 + out.keys.size(); i < context.args.size(); ++i) {
    if (knows_approx && EqualsIgnoreCase(context.arg(i), "approx")) continue;
    if (!EqualsIgnoreCase(context.arg(i), "limit") || i + 1 == context.args.size()) {
      return fail(errors::kSyntax);
    }
    const std::optional<int64_t> limit = ParseInt64(context.arg(++i));
    if (!limit || *limit < 0) return fail(kNegativeLimit);
    out.limit = *limit == 0 ? kNoLimit : static_cast<uint64_t>(*limit);
  }
  return out;
}

/// Counts the calls up to a limit; says whether to go on.
struct Counter {
  uint64_t limit;
  uint64_t count = 0;
  bool operator()(const SetItem&) { return ++count < limit; }
};

void SInterCard(CommandContext& context) {
  const auto args = ReadCardArgs(context, false);
  if (!args) return;
  auto sets = ReadSets(context, args->keys);
  if (!sets) return;
  Counter counter{args->limit};
  Intersect(*sets, std::ref(counter));
  context.reply.Integer(static_cast<int64_t>(counter.count));
}

void SDiffCard(CommandContext& context) {
  const auto args = ReadCardArgs(context, false);
  if (!args) return;
  auto sets = ReadSets(context, args->keys);
  if (!sets) return;
  Counter counter{args->limit};
  std::unique_ptr<store::ValueObject> copy;
  Subtract(*sets, copy, std::ref(counter));
  context.reply.Integer(static_cast<int64_t>(counter.count));
}

// Differs: with APPROX Redis estimates by a HyperLogLog; the exact number is as good an estimate.
void SUnionCard(CommandContext& context) {
  const auto args = ReadCardArgs(context, true);
  if (!args) return;
  const auto sets = ReadSets(context, args->keys);
  if (!sets) return;
  const auto all = NewUnion(*sets, SetLimits(context));
  Unite(*sets, args->limit, SetLimits(context), *all);
  context.reply.Integer(static_cast<int64_t>(all->Count()));
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kSdiffKeys[] = {KeySpec::Range(1, -1, 1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kSdiffArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true}};
constexpr std::string_view kSdiffTips[] = {"nondeterministic_output_order"};
constexpr KeySpec kSdiffstoreKeys[] = {
    KeySpec::Single(1, KeyFlag::kOverwrite | KeyFlag::kUpdate),
    KeySpec::Range(2, -1, 1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kSdiffstoreArgs[] = {
    {.name = "destination", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 1, .is_multiple = true}};
constexpr KeySpec kSintercardKeys[] = {KeySpec::KeyNum(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kSintercardArgs[] = {
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true},
    {.name = "limit", .type = ArgType::kInteger, .token = "LIMIT", .is_optional = true}};
constexpr KeySpec kSinterstoreKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kUpdate),
    KeySpec::Range(2, -1, 1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kSunioncardArgs[] = {
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true},
    {.name = "approx", .type = ArgType::kPureToken, .token = "APPROX", .is_optional = true},
    {.name = "limit", .type = ArgType::kInteger, .token = "LIMIT", .is_optional = true}};

constexpr Command kRows[] = {
    {.spec = {.name = "sdiff",
              .arity = -2,
              .group = Group::kSet,
              .since = "1.0.0",
              .flags = Flag::kReadonly,
              .keys = kSdiffKeys,
              .acl = Acl::kRead | Acl::kSet | Acl::kSlow,
              .complexity = "O(N) with N the members of all sets together",
              .summary = "Replies with the members of the first set that no other set has.",
              .arguments = kSdiffArgs,
              .tips = kSdiffTips},
     .run = SDiff},
    {.spec = {.name = "sdiffstore",
              .arity = -3,
              .group = Group::kSet,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kSdiffstoreKeys,
              .acl = Acl::kWrite | Acl::kSet | Acl::kSlow,
              .complexity = "O(N) with N the members of all sets together",
              .summary = "Stores the members of the first set that no other set has.",
              .arguments = kSdiffstoreArgs},
     .run = SDiffStore},
    {.spec =
         {.name = "sinter",
          .arity = -2,
          .group = Group::kSet,
          .since = "1.0.0",
          .flags = Flag::kReadonly,
          .keys = kSdiffKeys,
          .acl = Acl::kRead | Acl::kSet | Acl::kSlow,
          .complexity =
              "O(N*M) at worst, with N the members of the smallest set and M the number of sets",
          .summary = "Replies with the members that all sets have.",
          .arguments = kSdiffArgs,
          .tips = kSdiffTips},
     .run = SInter},
    {.spec =
         {.name = "sintercard",
          .arity = -3,
          .group = Group::kSet,
          .since = "7.0.0",
          .flags = Flag::kReadonly | Flag::kMovableKeys,
          .keys = kSintercardKeys,
          .acl = Acl::kRead | Acl::kSet | Acl::kSlow,
          .complexity =
              "O(N*M) at worst, with N the members of the smallest set and M the number of sets",
          .summary = "Counts the members that all sets have.",
          .arguments = kSintercardArgs},
     .run = SInterCard},
    {.spec =
         {.name = "sinterstore",
          .arity = -3,
          .group = Group::kSet,
          .since = "1.0.0",
          .flags = Flag::kWrite | Flag::kDenyOom,
          .keys = kSinterstoreKeys,
          .acl = Acl::kWrite | Acl::kSet | Acl::kSlow,
          .complexity =
              "O(N*M) at worst, with N the members of the smallest set and M the number of sets",
          .summary = "Stores the members that all sets have.",
          .arguments = kSdiffstoreArgs},
     .run = SInterStore},
    {.spec = {.name = "sunion",
              .arity = -2,
              .group = Group::kSet,
              .since = "1.0.0",
              .flags = Flag::kReadonly,
              .keys = kSdiffKeys,
              .acl = Acl::kRead | Acl::kSet | Acl::kSlow,
              .complexity = "O(N) with N the members of all sets together",
              .summary = "Replies with the members that at least one set has.",
              .arguments = kSdiffArgs,
              .tips = kSdiffTips},
     .run = SUnion},
    {.spec = {.name = "sunionstore",
              .arity = -3,
              .group = Group::kSet,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kSdiffstoreKeys,
              .acl = Acl::kWrite | Acl::kSet | Acl::kSlow,
              .complexity = "O(N) with N the members of all sets together",
              .summary = "Stores the members that at least one set has.",
              .arguments = kSdiffstoreArgs},
     .run = SUnionStore},
    {.spec = {.name = "sdiffcard",
              .arity = -3,
              .group = Group::kSet,
              .since = "8.10.0",
              .flags = Flag::kReadonly | Flag::kMovableKeys,
              .keys = kSintercardKeys,
              .acl = Acl::kRead | Acl::kSet | Acl::kSlow,
              .complexity = "O(N) with N the members of all sets together",
              .summary = "Counts the members of the first set that no other set has.",
              .arguments = kSintercardArgs},
     .run = SDiffCard},
    {.spec = {.name = "sunioncard",
              .arity = -3,
              .group = Group::kSet,
              .since = "8.10.0",
              .flags = Flag::kReadonly | Flag::kMovableKeys,
              .keys = kSintercardKeys,
              .acl = Acl::kRead | Acl::kSet | Acl::kSlow,
              .complexity = "O(N) with N the members of all sets together",
              .summary = "Counts the members that at least one set has.",
              .arguments = kSunioncardArgs},
     .run = SUnionCard},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> SetAlgebraCommands() { return kRows; }

}  // namespace peal::broker
