// Unions, intersections and differences of sorted sets. Source of replies, errors and events: Redis
// 7.2, observed on 7.0.15.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/commands/sorted_set.h"
#include "broker/exec/edit.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"
#include "store/keyspace/hash.h"
#include "store/value/set_value.h"

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
using store::SetValue;
using store::ZsetValue;

namespace errors = protocol::errors;

constexpr Error kWeightNotFloat = Error::Static("ERR weight value is not a float");
constexpr Error kNegativeLimit = Error::Static("ERR LIMIT can't be negative");

enum class Combination : uint8_t { kUnion, kIntersection, kDifference };
enum class Aggregate : uint8_t { kSum, kMin, kMax };

// ---------------------------------------------------------------- inputs

/// A key that is combined: a sorted set, a set, whose members all have score 1, or nothing.
class Input {
 public:
  /// nullopt if `entry` is neither.
  static std::optional<Input> Of(store::Entry* entry);

  double weight = 1;

  size_t Count() const;
  std::optional<double> Score(std::string_view member) const;
  /// Whether members that ForEach passes are gone after the call.
  bool PassesShortLived() const;
  /// Calls fn(member, score) for each until it returns false.
  template <typename Fn>
  void ForEach(Fn fn) const;

 private:
  // Both null: no such key.
  const ZsetValue* zset_ = nullptr;
  const SetValue* set_ = nullptr;
};

std::optional<Input> Input::Of(store::Entry* entry) {
  Input input;
  if (const auto zset = AsValue<ZsetValue>(entry)) {
    input.zset_ = zset->value;
    return input;
  }
  const auto set = AsValue<SetValue>(entry);
  if (!set) return std::nullopt;
  input.set_ = set->value;
  return input;
}

size_t Input::Count() const {
  if (zset_ != nullptr) return zset_->Count();
  return set_ != nullptr ? set_->Count() : 0;
}

std::optional<double> Input::Score(std::string_view member) const {
  if (zset_ != nullptr) return zset_->Score(member);
  if (set_ != nullptr && set_->Contains(member)) return 1;
  return std::nullopt;
}

bool Input::PassesShortLived() const {
  if (zset_ != nullptr) return zset_->is_small();
  return set_ != nullptr && set_->table() == nullptr;
}

template <typename Fn>
void Input::ForEach(Fn fn) const {
  if (zset_ != nullptr) {
    for (ZsetValue::Cursor at = zset_->At(0); at.valid() && fn(at.member(), at.score());) at.Next();
  } else if (set_ != nullptr) {
    set_->ForEach([&fn](const store::ListpackItem& item) -> bool {
      char digits[24];
      return fn(item.View(digits), 1.0);
    });
  }
}

// ---------------------------------------------------------------- combining

struct Request {
  Combination combination = Combination::kUnion;
  Aggregate aggregate = Aggregate::kSum;
  std::vector<Input> inputs;
  bool with_scores = false;
  uint64_t limit = 0;  // ZINTERCARD; 0: none
};

struct Scored {
  std::string_view member;
  double score;
};

struct HashMember {
  size_t operator()(std::string_view member) const { return store::HashKey(member); }
};

/// The members of a result, in no order at first.
class Outcome {
 public:
  void Add(const Input& from, std::string_view member, double score) {
    members_.push_back({Keep(from, member), score});
  }
  /// A view of `member` that lasts as long as the outcome.
  std::string_view Keep(const Input& from, std::string_view member) {
    return from.PassesShortLived() ? std::string_view(copies_.emplace_back(member)) : member;
  }
  void Sort() {
    std::sort(members_.begin(), members_.end(), [](const Scored& a, const Scored& b) {
      return a.score < b.score || (a.score == b.score && a.member < b.member);
    });
  }
  std::vector<Scored>& members() { return members_; }

 private:
  std::vector<Scored> members_;
  std::deque<std::string> copies_;
};

double Weighted(const Input& input, double score) {
  const double product = input.weight * score;
  return std::isnan(product) ? 0 : product;  // nothing times infinity
}

void Join(double& score, double other, Aggregate aggregate) {
  switch (aggregate) {
    case Aggregate::kSum:
      score += other;
      if (std::isnan(score)) score = 0;  // the infinities cancel out
      return;
    case Aggregate::kMin:
      if (other < score) score = other;
      return;
    case Aggregate::kMax:
      if (other > score) score = other;
      return;
  }
}

void Unite(const Request& request, Outcome& outcome) {
  std::unordered_map<std::string_view, size_t, HashMember> places;
  std::vector<Scored>& members = outcome.members();
  for (const Input& input : request.inputs) {
    input.ForEach([&](std::string_view member, double score) {
      const double weighted = Weighted(input, score);
      if (const auto found = places.find(member); found != places.end()) {
        Join(members[found->second].score, weighted, request.aggregate);
      } else {
        outcome.Add(input, member, weighted);
        places.emplace(members.back().member, members.size() - 1);
      }
      return true;
    });
  }
}

/// Calls fn(member, score) for the members of the first input that all others have, until it
/// returns false.
template <typename Fn>
void ForEachInAll(const Request& request, Fn fn) {
  const Input& first = request.inputs.front();
  first.ForEach([&](std::string_view member, double score) {
    double joined = Weighted(first, score);
    for (size_t i = 1; i < request.inputs.size(); ++i) {
      const std::optional<double> other = request.inputs[i].Score(member);
      if (!other) return true;
      Join(joined, *other * request.inputs[i].weight, request.aggregate);
    }
    return fn(member, joined);
  });
}

void Subtract(const Request& request, Outcome& outcome) {
  const Input& first = request.inputs.front();
  first.ForEach([&](std::string_view member, double score) {
    for (size_t i = 1; i < request.inputs.size(); ++i) {
      if (request.inputs[i].Score(member)) return true;
    }
    outcome.Add(first, member, score);
    return true;
  });
}

void Combine(const Request& request, Outcome& outcome) {
  switch (request.combination) {
    case Combination::kUnion:
      Unite(request, outcome);
      break;
    case Combination::kIntersection:
      ForEachInAll(request, [&](std::string_view member, double score) {
        outcome.Add(request.inputs.front(), member, score);
        return true;
      });
      break;
    case Combination::kDifference:
      Subtract(request, outcome);
      break;
  }
  outcome.Sort();
}

// ---------------------------------------------------------------- commands

/// Which options a command knows.
enum class Form : uint8_t { kReply, kStore, kCount };

/// Reads the weights of all inputs from args[at] on.
bool ReadWeights(CommandContext& context, size_t at, Request& request) {
  for (Input& input : request.inputs) {
    const std::optional<double> weight = ReadScore(context.arg(at++));
    if (!weight) {
      context.Fail(kWeightNotFloat);
      return false;
    }
    input.weight = *weight;
  }
  return true;
}

bool ReadAggregate(CommandContext& context, std::string_view name, Request& request) {
  if (EqualsIgnoreCase(name, "sum")) {
    request.aggregate = Aggregate::kSum;
  } else if (EqualsIgnoreCase(name, "min")) {
    request.aggregate = Aggregate::kMin;
  } else if (EqualsIgnoreCase(name, "max")) {
    request.aggregate = Aggregate::kMax;
  } else {
    context.Fail(errors::kSyntax);
    return false;
  }
  return true;
}

bool ReadOptions(CommandContext& context, size_t at, Form form, Request& request) {
  const bool has_scores = form != Form::kCount && request.combination != Combination::kDifference;
  while (at < context.args.size()) {
    const std::string_view option = context.arg(at);
    const size_t left = context.args.size() - at;
    if (has_scores && left > request.inputs.size() && EqualsIgnoreCase(option, "weights")) {
      if (!ReadWeights(context, at + 1, request)) return false;
      at += 1 + request.inputs.size();
    } else if (has_scores && left >= 2 && EqualsIgnoreCase(option, "aggregate")) {
      if (!ReadAggregate(context, context.arg(at + 1), request)) return false;
      at += 2;
    } else if (form == Form::kReply && EqualsIgnoreCase(option, "withscores")) {
      request.with_scores = true;
      ++at;
    } else if (form == Form::kCount && left >= 2 && EqualsIgnoreCase(option, "limit")) {
      const std::optional<int64_t> limit = ParseInt64(context.arg(at + 1));
      if (!limit || *limit < 0) {
        context.Fail(kNegativeLimit);
        return false;
      }
      request.limit = static_cast<uint64_t>(*limit);
      at += 2;
    } else {
      context.Fail(errors::kSyntax);
      return false;
    }
  }
  return true;
}

/// Reads "numkeys key [key ...] [options]" from args[first] on and looks the keys up. False with
/// the error replied.
bool ReadRequest(CommandContext& context, size_t first, Form form, Request& request) {
  const std::optional<int64_t> count = ParseInt64(context.arg(first));
  if (!count) {
    context.Fail(errors::kNotInteger);
    return false;
  }
  if (*count < 1) {
    context.Fail(Error::Owned("ERR at least 1 input key is needed for '" +
                              std::string(context.command.spec.name) + "' command"));
    return false;
  }
  if (static_cast<uint64_t>(*count) > context.args.size() - first - 1) {
    context.Fail(errors::kSyntax);
    return false;
  }
  const auto keys = static_cast<size_t>(*count);
  request.inputs.reserve(keys);
  for (size_t i = 0; i < keys; ++i) {
    const std::optional<Input> input =
        Input::Of(context.unit.FindForRead(context.arg(first + 1 + i)));
    if (!input) {
      context.Fail(errors::kWrongType);
      return false;
    }
    request.inputs.push_back(*input);
  }
  if (!ReadOptions(context, first + 1 + keys, form, request)) return false;
  // The smallest goes first: an intersection is no larger, and sums are added up in Redis' order.
  if (request.combination != Combination::kDifference) {
    std::stable_sort(request.inputs.begin(), request.inputs.end(),
                     [](const Input& a, const Input& b) { return a.Count() < b.Count(); });
  }
  return true;
}

void CombineAndReply(CommandContext& context, Combination combination) {
  Request request;
  request.combination = combination;
  if (!ReadRequest(context, 1, Form::kReply, request)) return;
  Outcome outcome;
  Combine(request, outcome);
  ZsetReply reply(context.reply, request.with_scores);
  reply.Begin(outcome.members().size());
  for (const Scored& each : outcome.members()) reply.Put(each.member, each.score);
}

void ZUnion(CommandContext& context) { CombineAndReply(context, Combination::kUnion); }
void ZInter(CommandContext& context) { CombineAndReply(context, Combination::kIntersection); }
void ZDiff(CommandContext& context) { CombineAndReply(context, Combination::kDifference); }

void CombineAndStore(CommandContext& context, Combination combination, const char* event) {
  Request request;
  request.combination = combination;
  if (!ReadRequest(context, 2, Form::kStore, request)) return;
  Outcome outcome;
  Combine(request, outcome);
  const store::EncodingLimits& limits = context.server.config().encoding;
  size_t longest = 0;
  for (const Scored& each : outcome.members()) longest = std::max(longest, each.member.size());
  auto stored = std::make_unique<ZsetValue>(outcome.members().size(), longest, limits);
  for (const Scored& each : outcome.members()) stored->AddNew(each.member, each.score, limits);
  StoreZset(context, context.arg(1), std::move(stored), event);
}

void ZUnionStore(CommandContext& context) {
  CombineAndStore(context, Combination::kUnion, "zunionstore");
}
void ZInterStore(CommandContext& context) {
  CombineAndStore(context, Combination::kIntersection, "zinterstore");
}
void ZDiffStore(CommandContext& context) {
  CombineAndStore(context, Combination::kDifference, "zdiffstore");
}

void ZInterCard(CommandContext& context) {
  Request request;
  request.combination = Combination::kIntersection;
  if (!ReadRequest(context, 1, Form::kCount, request)) return;
  uint64_t count = 0;
  ForEachInAll(request, [&](std::string_view, double) { return ++count != request.limit; });
  context.reply.Integer(static_cast<int64_t>(count));
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kZdiffKeys[] = {KeySpec::KeyNum(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kZdiffArgs[] = {
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true},
    {.name = "withscores",
     .type = ArgType::kPureToken,
     .token = "WITHSCORES",
     .is_optional = true}};
constexpr KeySpec kZdiffstoreKeys[] = {KeySpec::Single(1, KeyFlag::kOverwrite | KeyFlag::kUpdate),
                                       KeySpec::KeyNum(2, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kZdiffstoreArgs[] = {
    {.name = "destination", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 1, .is_multiple = true}};
constexpr ArgSpec kZinterAggregate[] = {
    {.name = "sum", .type = ArgType::kPureToken, .token = "SUM"},
    {.name = "min", .type = ArgType::kPureToken, .token = "MIN"},
    {.name = "max", .type = ArgType::kPureToken, .token = "MAX"}};
constexpr ArgSpec kZinterArgs[] = {
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true},
    {.name = "weight",
     .type = ArgType::kInteger,
     .token = "WEIGHTS",
     .is_optional = true,
     .is_multiple = true},
    {.name = "aggregate",
     .type = ArgType::kOneOf,
     .token = "AGGREGATE",
     .is_optional = true,
     .children = kZinterAggregate},
    {.name = "withscores",
     .type = ArgType::kPureToken,
     .token = "WITHSCORES",
     .is_optional = true}};
constexpr ArgSpec kZintercardArgs[] = {
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true},
    {.name = "limit", .type = ArgType::kInteger, .token = "LIMIT", .is_optional = true}};
constexpr ArgSpec kZinterstoreArgs[] = {
    {.name = "destination", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 1, .is_multiple = true},
    {.name = "weight",
     .type = ArgType::kInteger,
     .token = "WEIGHTS",
     .is_optional = true,
     .is_multiple = true},
    {.name = "aggregate",
     .type = ArgType::kOneOf,
     .token = "AGGREGATE",
     .is_optional = true,
     .children = kZinterAggregate}};

constexpr Command kRows[] = {
    {.spec = {.name = "zdiff",
              .arity = -3,
              .group = Group::kSortedSet,
              .since = "6.2.0",
              .flags = Flag::kReadonly | Flag::kMovableKeys,
              .keys = kZdiffKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kSlow,
              .complexity = "O(N*K + M*log(M)) where N is the size of the first input, K the "
                            "number of inputs and M the size of the result",
              .summary = "Returns the members of the first sorted set that the others lack.",
              .arguments = kZdiffArgs},
     .run = ZDiff},
    {.spec = {.name = "zdiffstore",
              .arity = -4,
              .group = Group::kSortedSet,
              .since = "6.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kMovableKeys,
              .keys = kZdiffstoreKeys,
              .acl = Acl::kWrite | Acl::kSortedSet | Acl::kSlow,
              .complexity = "O(N*K + M*log(M)) where N is the size of the first input, K the "
                            "number of inputs and M the size of the result",
              .summary = "Stores the members of the first sorted set that the others lack.",
              .arguments = kZdiffstoreArgs},
     .run = ZDiffStore},
    {.spec = {.name = "zinter",
              .arity = -3,
              .group = Group::kSortedSet,
              .since = "6.2.0",
              .flags = Flag::kReadonly | Flag::kMovableKeys,
              .keys = kZdiffKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kSlow,
              .complexity = "O(N*K + M*log(M)) where N is the size of the smallest input, K the "
                            "number of inputs and M the size of the result",
              .summary = "Returns the members that all of several sorted sets have.",
              .arguments = kZinterArgs},
     .run = ZInter},
    {.spec = {.name = "zintercard",
              .arity = -3,
              .group = Group::kSortedSet,
              .since = "7.0.0",
              .flags = Flag::kReadonly | Flag::kMovableKeys,
              .keys = kZdiffKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kSlow,
              .complexity =
                  "O(N*K) where N is the size of the smallest input and K the number of inputs",
              .summary = "Counts the members that all of several sorted sets have.",
              .arguments = kZintercardArgs},
     .run = ZInterCard},
    {.spec = {.name = "zinterstore",
              .arity = -4,
              .group = Group::kSortedSet,
              .since = "2.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kMovableKeys,
              .keys = kZdiffstoreKeys,
              .acl = Acl::kWrite | Acl::kSortedSet | Acl::kSlow,
              .complexity = "O(N*K + M*log(M)) where N is the size of the smallest input, K the "
                            "number of inputs and M the size of the result",
              .summary = "Stores the members that all of several sorted sets have.",
              .arguments = kZinterstoreArgs},
     .run = ZInterStore},
    {.spec = {.name = "zunion",
              .arity = -3,
              .group = Group::kSortedSet,
              .since = "6.2.0",
              .flags = Flag::kReadonly | Flag::kMovableKeys,
              .keys = kZdiffKeys,
              .acl = Acl::kRead | Acl::kSortedSet | Acl::kSlow,
              .complexity = "O(N + M*log(M)) where N is the sum of the sizes of the inputs and M "
                            "the size of the result",
              .summary = "Returns the members that any of several sorted sets has.",
              .arguments = kZinterArgs},
     .run = ZUnion},
    {.spec = {.name = "zunionstore",
              .arity = -4,
              .group = Group::kSortedSet,
              .since = "2.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kMovableKeys,
              .keys = kZdiffstoreKeys,
              .acl = Acl::kWrite | Acl::kSortedSet | Acl::kSlow,
              .complexity = "O(N + M*log(M)) where N is the sum of the sizes of the inputs and M "
                            "the size of the result",
              .summary = "Stores the members that any of several sorted sets has.",
              .arguments = kZinterstoreArgs},
     .run = ZUnionStore},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> SortedSetCombineCommands() { return kRows; }

}  // namespace peal::broker
