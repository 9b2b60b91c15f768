// Commands on lists that never wait. Source of replies, errors and events: Redis 7.2, observed on
// 7.0.15.
#include "broker/commands/list.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/exec/unit.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"

namespace peal::broker::list {
namespace {

using protocol::EqualsIgnoreCase;
using protocol::Error;
using protocol::ParseInt64;
using protocol::ReplyWriter;
using protocol::Result;
using store::ListpackItem;

namespace errors = protocol::errors;

constexpr Error kNumKeysNotPositive = Error::Static("ERR numkeys should be greater than 0");
constexpr Error kCountNotPositive = Error::Static("ERR count should be greater than 0");
constexpr Error kRankIsZero = Error::Static(
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use "
    "negative to start from the end of the list");
constexpr Error kCountNegative = Error::Static("ERR COUNT can't be negative");
constexpr Error kMaxLenNegative = Error::Static("ERR MAXLEN can't be negative");

std::unique_ptr<ListValue> NewList() { return std::make_unique<ListValue>(); }

const char* PushEvent(End end) { return end == End::kHead ? "lpush" : "rpush"; }
const char* PopEvent(End end) { return end == End::kHead ? "lpop" : "rpop"; }
const char* EndName(End end) { return end == End::kHead ? "LEFT" : "RIGHT"; }
const char* PopName(End end) { return end == End::kHead ? "LPOP" : "RPOP"; }

void ReplyItem(ReplyWriter& reply, const ListpackItem& item) {
  if (item.is_integer) {
    reply.BulkInteger(item.integer);
  } else {
    reply.Bulk(item.bytes);
  }
}

/// An element looked for. Integers are compared as such, not printed first.
class Wanted {
 public:
  explicit Wanted(std::string_view text) : text_(text), integer_(ParseInt64(text)) {}

  bool Is(const ListpackItem& item) const {
    return item.is_integer ? integer_ == item.integer : item.bytes == text_;
  }

 private:
  std::string_view text_;
  std::optional<int64_t> integer_;
};

/// A range of elements, as LRANGE and LTRIM understand it.
struct Range {
  size_t first = 0;
  size_t count = 0;
};

Range RangeOf(int64_t start, int64_t stop, size_t elements) {
  const auto count = static_cast<int64_t>(elements);
  if (start < 0) start = std::max<int64_t>(start + count, 0);
  if (stop < 0) stop += count;
  stop = std::min(stop, count - 1);
  if (start > stop) return {};
  return {static_cast<size_t>(start), static_cast<size_t>(stop - start + 1)};
}

/// Takes `count` elements off one end. With the last one the key goes.
void TakeOff(Unit& unit, std::string_view key, const Found<ListValue>& found, End end,
             size_t count) {
  const size_t elements = found.value->Count();
  const bool is_all = count == elements;
  if (is_all) {
    // Whole, so that it is freed without the stripe.
    unit.Delete(key);
  } else {
    Edit<ListValue> edit(unit, key, found);
    edit->Erase(end == End::kHead ? 0 : elements - count, count, unit.encoding_limits());
    edit.Commit(count);
  }
  unit.Notify(kNotifyList, PopEvent(end), key);
  if (is_all) unit.Notify(kNotifyGeneric, "del", key);
}

}  // namespace

// ---------------------------------------------------------------- arguments

std::optional<End> ReadEnd(std::string_view text) {
  if (EqualsIgnoreCase(text, "left")) return End::kHead;
  if (EqualsIgnoreCase(text, "right")) return End::kTail;
  return std::nullopt;
}

Result<MultiPop> ReadMultiPop(std::span<const std::string_view> args, size_t first) {
  MultiPop pop;
  const std::optional<int64_t> keys = ParseInt64(args[first]);
  if (!keys || *keys <= 0) return kNumKeysNotPositive;
  const size_t left = args.size() - first - 1;
  if (static_cast<uint64_t>(*keys) >= left) return errors::kSyntax;
  pop.keys = args.subspan(first + 1, static_cast<size_t>(*keys));
  size_t at = first + 1 + pop.keys.size();
  const std::optional<End> end = ReadEnd(args[at++]);
  if (!end) return errors::kSyntax;
  pop.end = *end;
  for (bool has_count = false; at < args.size(); at += 2, has_count = true) {
    if (has_count || !EqualsIgnoreCase(args[at], "count") || at + 1 == args.size()) {
      return errors::kSyntax;
    }
    const std::optional<int64_t> count = ParseInt64(args[at + 1]);
    if (!count || *count <= 0) return kCountNotPositive;
    pop.count = *count;
  }
  return pop;
}

Result<BlockMove> ReadBlockMove(std::span<const std::string_view> args, size_t first) {
  BlockMove move;
  const std::optional<End> from = ReadEnd(args[3]);
  const std::optional<End> to = ReadEnd(args[4]);
  if (!from || !to) return errors::kSyntax;
  move.from = *from;
  move.to = *to;
  if (args.size() == first) return move;
  if (args.size() != first + 3) return errors::kSyntax;
  move.is_exact = EqualsIgnoreCase(args[first], "exactly");
  if (!move.is_exact && !EqualsIgnoreCase(args[first], "count")) return errors::kSyntax;
  const bool one_by_one = EqualsIgnoreCase(args[first + 2], "obo");
  if (!one_by_one && !EqualsIgnoreCase(args[first + 2], "bulk")) return errors::kSyntax;
  const std::optional<int64_t> count = ParseInt64(args[first + 1]);
  if (!count || *count < 0) return errors::kMustBePositive;
  move.count = *count;
  move.is_reversed = one_by_one && move.from == move.to;
  return move;
}

// ---------------------------------------------------------------- pushing

namespace {

enum class IfMissing : uint8_t { kCreate, kNothing };

void Push(CommandContext& context, End end, IfMissing if_missing) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const auto found = FindValue<ListValue>(context, key);
  if (!found) return;
  if (!*found && if_missing == IfMissing::kNothing) return context.reply.Integer(0);
  Edit<ListValue> edit(unit, key, *found, NewList);
  const std::span<const std::string_view> texts = context.args.subspan(2);
  edit->Push(end, texts, unit.encoding_limits());
  const size_t count = edit->Count();
  edit.Commit(texts.size());
  unit.Notify(kNotifyList, PushEvent(end), key);
  unit.Replicate(context.args);
  context.reply.Integer(static_cast<int64_t>(count));
}

}  // namespace

void LPush(CommandContext& context) { Push(context, End::kHead, IfMissing::kCreate); }
void RPush(CommandContext& context) { Push(context, End::kTail, IfMissing::kCreate); }
void LPushX(CommandContext& context) { Push(context, End::kHead, IfMissing::kNothing); }
void RPushX(CommandContext& context) { Push(context, End::kTail, IfMissing::kNothing); }

// ---------------------------------------------------------------- popping

void PopMany(Unit& unit, ReplyWriter& reply, std::string_view key, const Found<ListValue>& found,
             End end, int64_t count) {
  const size_t taken = std::min<size_t>(static_cast<size_t>(count), found.value->Count());
  reply.Array(taken);
  auto at = found.value->At(end == End::kHead ? 0 : -1);
  for (size_t i = 0; i < taken; ++i) {
    ReplyItem(reply, at.Get());
    end == End::kHead ? at.Next() : at.Previous();
  }
  TakeOff(unit, key, found, end, taken);
  unit.Replicate(PopName(end), key, static_cast<int64_t>(taken));
}

void PopOne(Unit& unit, ReplyWriter& reply, std::string_view key, const Found<ListValue>& found,
            End end) {
  ReplyItem(reply, found.value->At(end == End::kHead ? 0 : -1).Get());
  TakeOff(unit, key, found, end, 1);
  unit.Replicate(PopName(end), key);
}

namespace {

void Pop(CommandContext& context, End end) {
  const std::string_view key = context.arg(1);
  const bool has_count = context.args.size() > 2;
  if (context.args.size() > 3) {
    return context.Fail(errors::WrongArity(context.command.spec.name));
  }
  const std::optional<int64_t> count = has_count ? ParseInt64(context.arg(2)) : 1;
  if (!count || *count < 0) return context.Fail(errors::kMustBePositive);
  const auto found = FindValue<ListValue>(context, key);
  if (!found) return;
  if (!*found) return has_count ? context.reply.NullArray() : context.reply.Null();
  if (!has_count) return PopOne(context.unit, context.reply, key, *found, end);
  if (*count == 0) return context.reply.Array(0);
  PopMany(context.unit, context.reply, key, *found, end, *count);
}

}  // namespace

void LPop(CommandContext& context) { Pop(context, End::kHead); }
void RPop(CommandContext& context) { Pop(context, End::kTail); }

void LMPop(CommandContext& context) {
  const Result<MultiPop> pop = ReadMultiPop(context.args, 1);
  if (!pop.ok()) return context.Fail(pop.error());
  for (const std::string_view key : pop->keys) {
    const auto found = FindValue<ListValue>(context, key);
    if (!found) return;
    if (!*found) continue;
    context.reply.Array(2);
    context.reply.Bulk(key);
    return PopMany(context.unit, context.reply, key, *found, pop->end, pop->count);
  }
  context.reply.NullArray();
}

// ---------------------------------------------------------------- moving

void MoveOne(Unit& unit, ReplyWriter& reply, std::string_view from_key,
             const Found<ListValue>& from, std::string_view to_key, const Found<ListValue>& to,
             End from_end, End to_end) {
  const std::string text = from.value->At(from_end == End::kHead ? 0 : -1).Get().ToString();
  if (from.value == to.value) {
    Edit<ListValue> edit(unit, to_key, to);
    edit->Erase(from_end == End::kHead ? 0 : edit->Count() - 1, 1, unit.encoding_limits());
    edit->Push(to_end, text, unit.encoding_limits());
    edit.Commit();
    unit.Notify(kNotifyList, PushEvent(to_end), to_key);
    unit.Notify(kNotifyList, PopEvent(from_end), from_key);
  } else {
    {
      Edit<ListValue> edit(unit, to_key, to, NewList);
      edit->Push(to_end, text, unit.encoding_limits());
      edit.Commit(0);  // the whole is one change
      unit.Notify(kNotifyList, PushEvent(to_end), to_key);
    }
    TakeOff(unit, from_key, from, from_end, 1);
  }
  unit.Replicate("LMOVE", from_key, to_key, EndName(from_end), EndName(to_end));
  reply.Bulk(text);
}

void MoveMany(Unit& unit, ReplyWriter& reply, std::string_view from_key,
              const Found<ListValue>& from, std::string_view to_key, const Found<ListValue>& to,
              const BlockMove& move) {
  const size_t elements = from.value->Count();
  const size_t taken = std::min<size_t>(static_cast<size_t>(move.count), elements);
  reply.Array(taken);
  if (taken == 0) return;
  // In the order in which they will stand.
  std::vector<std::string> block;
  block.reserve(taken);
  auto at = from.value->At(static_cast<int64_t>(move.from == End::kHead ? 0 : elements - taken));
  for (; block.size() < taken; at.Next()) block.push_back(at.Get().ToString());
  if (move.is_reversed) std::reverse(block.begin(), block.end());
  std::vector<std::string_view> texts(block.begin(), block.end());
  for (const std::string_view text : texts) reply.Bulk(text);
  if (move.to == End::kHead) std::reverse(texts.begin(), texts.end());
  if (from.value == to.value) {
    Edit<ListValue> edit(unit, to_key, to);
    edit->Erase(move.from == End::kHead ? 0 : elements - taken, taken, unit.encoding_limits());
    edit->Push(move.to, texts, unit.encoding_limits());
    edit.Commit(taken);
    unit.Notify(kNotifyList, PushEvent(move.to), to_key);
    unit.Notify(kNotifyList, PopEvent(move.from), from_key);
  } else {
    {
      Edit<ListValue> edit(unit, to_key, to, NewList);
      edit->Push(move.to, texts, unit.encoding_limits());
      edit.Commit(0);
      unit.Notify(kNotifyList, PushEvent(move.to), to_key);
    }
    TakeOff(unit, from_key, from, move.from, taken);
  }
  // Elements that meet at one end came one by one or in bulk; else both are the same.
  unit.Replicate("LMOVEM", from_key, to_key, EndName(move.from), EndName(move.to), "EXACTLY",
                 static_cast<int64_t>(taken), move.is_reversed ? "OBO" : "BULK");
}

void LMove(CommandContext& context) {
  const std::optional<End> from_end = ReadEnd(context.arg(3));
  const std::optional<End> to_end = ReadEnd(context.arg(4));
  if (!from_end || !to_end) return context.Fail(errors::kSyntax);
  const auto from = FindValue<ListValue>(context, context.arg(1));
  if (!from) return;
  if (!*from) return context.reply.Null();
  const auto to = FindValue<ListValue>(context, context.arg(2));
  if (!to) return;
  MoveOne(context.unit, context.reply, context.arg(1), *from, context.arg(2), *to, *from_end,
          *to_end);
}

void RPopLPush(CommandContext& context) {
  const auto from = FindValue<ListValue>(context, context.arg(1));
  if (!from) return;
  if (!*from) return context.reply.Null();
  const auto to = FindValue<ListValue>(context, context.arg(2));
  if (!to) return;
  MoveOne(context.unit, context.reply, context.arg(1), *from, context.arg(2), *to, End::kTail,
          End::kHead);
}

void LMoveM(CommandContext& context) {
  const Result<BlockMove> move = ReadBlockMove(context.args, 5);
  if (!move.ok()) return context.Fail(move.error());
  const auto from = FindValue<ListValue>(context, context.arg(1));
  if (!from) return;
  const auto elements = static_cast<int64_t>(*from ? from->value->Count() : 0);
  if (move->is_exact && elements < move->count) return context.reply.Null();
  if (elements == 0) return context.reply.Array(0);
  const auto to = FindValue<ListValue>(context, context.arg(2));
  if (!to) return;
  MoveMany(context.unit, context.reply, context.arg(1), *from, context.arg(2), *to, *move);
}

// ---------------------------------------------------------------- looking

void LLen(CommandContext& context) {
  const auto found = ReadValue<ListValue>(context, context.arg(1));
  if (!found) return;
  context.reply.Integer(*found ? static_cast<int64_t>(found->value->Count()) : 0);
}

void LIndex(CommandContext& context) {
  const auto found = ReadValue<ListValue>(context, context.arg(1));
  if (!found) return;
  if (!*found) return context.reply.Null();
  const std::optional<int64_t> index = ParseInt64(context.arg(2));
  if (!index) return context.Fail(errors::kNotInteger);
  const auto at = found->value->At(*index);
  if (!at) return context.reply.Null();
  ReplyItem(context.reply, at.Get());
}

void LRange(CommandContext& context) {
  const std::optional<int64_t> start = ParseInt64(context.arg(2));
  const std::optional<int64_t> stop = ParseInt64(context.arg(3));
  if (!start || !stop) return context.Fail(errors::kNotInteger);
  const auto found = ReadValue<ListValue>(context, context.arg(1));
  if (!found) return;
  if (!*found) return context.reply.Array(0);
  const Range range = RangeOf(*start, *stop, found->value->Count());
  context.reply.Array(range.count);
  auto at = found->value->At(static_cast<int64_t>(range.first));
  for (size_t i = 0; i < range.count; ++i, at.Next()) ReplyItem(context.reply, at.Get());
}

namespace {

struct PosOptions {
  int64_t rank = 1;
  int64_t count = -1;   // below 0: one place, not in an array; 0: all
  int64_t max_len = 0;  // 0: no limit
};

Result<PosOptions> ReadPosOptions(std::span<const std::string_view> args) {
  PosOptions options;
  for (size_t i = 3; i < args.size(); i += 2) {
    if (i + 1 == args.size()) return errors::kSyntax;
    const std::optional<int64_t> value = ParseInt64(args[i + 1]);
    if (EqualsIgnoreCase(args[i], "rank")) {
      if (!value) return errors::kNotInteger;
      if (*value == 0) return kRankIsZero;
      // Differs from 7.0.15, where the least number means something by accident; 7.2 refuses it.
      if (*value == std::numeric_limits<int64_t>::min()) return errors::kNoOpposite;
      options.rank = *value;
    } else if (EqualsIgnoreCase(args[i], "count")) {
      if (!value || *value < 0) return kCountNegative;
      options.count = *value;
    } else if (EqualsIgnoreCase(args[i], "maxlen")) {
      if (!value || *value < 0) return kMaxLenNegative;
      options.max_len = *value;
    } else {
      return errors::kSyntax;
    }
  }
  return options;
}

}  // namespace

void LPos(CommandContext& context) {
  const Result<PosOptions> options = ReadPosOptions(context.args);
  if (!options.ok()) return context.Fail(options.error());
  const bool wants_array = options->count >= 0;
  const auto found = ReadValue<ListValue>(context, context.arg(1));
  if (!found) return;
  if (!*found) return wants_array ? context.reply.Array(0) : context.reply.Null();
  const bool is_backward = options->rank < 0;
  const auto elements = static_cast<int64_t>(found->value->Count());
  const int64_t looked_at = options->max_len == 0 ? elements : std::min(options->max_len, elements);
  int64_t to_skip = (is_backward ? -options->rank : options->rank) - 1;
  const size_t most = !wants_array          ? 1
                      : options->count == 0 ? std::numeric_limits<size_t>::max()
                                            : static_cast<size_t>(options->count);
  const Wanted wanted(context.arg(2));
  std::vector<int64_t> places;
  auto at = found->value->At(is_backward ? -1 : 0);
  for (int64_t i = 0; i < looked_at && places.size() < most; ++i) {
    if (wanted.Is(at.Get()) && to_skip-- <= 0) places.push_back(is_backward ? elements - 1 - i : i);
    is_backward ? at.Previous() : at.Next();
  }
  if (!wants_array) {
    return places.empty() ? context.reply.Null() : context.reply.Integer(places.front());
  }
  context.reply.Array(places.size());
  for (const int64_t place : places) context.reply.Integer(place);
}

// ---------------------------------------------------------------- changing the inside

void LSet(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const auto found = FindValue<ListValue>(context, key);
  if (!found) return;
  if (!*found) return context.Fail(errors::kNoKey);
  const std::optional<int64_t> index = ParseInt64(context.arg(2));
  if (!index) return context.Fail(errors::kNotInteger);
  const auto at = found->value->At(*index);
  if (!at) return context.Fail(errors::kOutOfRange);
  Edit<ListValue> edit(unit, key, *found);
  edit->Replace(at, context.arg(3), unit.encoding_limits());
  edit.Commit();
  unit.Notify(kNotifyList, "lset", key);
  unit.Replicate(context.args);
  context.reply.Ok();
}

void LInsert(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const bool is_after = EqualsIgnoreCase(context.arg(2), "after");
  if (!is_after && !EqualsIgnoreCase(context.arg(2), "before")) {
    return context.Fail(errors::kSyntax);
  }
  const auto found = FindValue<ListValue>(context, key);
  if (!found) return;
  if (!*found) return context.reply.Integer(0);
  const Wanted pivot(context.arg(3));
  auto at = found->value->At(0);
  while (at && !pivot.Is(at.Get())) at.Next();
  if (!at) return context.reply.Integer(-1);
  Edit<ListValue> edit(unit, key, *found);
  if (is_after) {
    edit->InsertAfter(at, context.arg(4), unit.encoding_limits());
  } else {
    edit->InsertBefore(at, context.arg(4), unit.encoding_limits());
  }
  const size_t count = edit->Count();
  edit.Commit();
  unit.Notify(kNotifyList, "linsert", key);
  unit.Replicate(context.args);
  context.reply.Integer(static_cast<int64_t>(count));
}

void LRem(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const std::optional<int64_t> count = ParseInt64(context.arg(2));
  if (!count) return context.Fail(errors::kNotInteger);
  const auto found = FindValue<ListValue>(context, key);
  if (!found) return;
  if (!*found) return context.reply.Integer(0);
  const End from = *count < 0 ? End::kTail : End::kHead;
  const uint64_t magnitude =
      *count < 0 ? ~static_cast<uint64_t>(*count) + 1 : static_cast<uint64_t>(*count);
  const size_t most = *count == 0 ? std::numeric_limits<size_t>::max() : magnitude;
  size_t removed = 0;
  {
    Edit<ListValue> edit(unit, key, *found);
    removed = edit->Remove(from, context.arg(3), most, unit.encoding_limits());
    if (removed > 0) {
      const bool is_gone = edit.Commit(removed);
      unit.Notify(kNotifyList, "lrem", key);
      if (is_gone) unit.Notify(kNotifyGeneric, "del", key);
      unit.Replicate(context.args);
    }
  }
  context.reply.Integer(static_cast<int64_t>(removed));
}

void LTrim(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const std::optional<int64_t> start = ParseInt64(context.arg(2));
  const std::optional<int64_t> stop = ParseInt64(context.arg(3));
  if (!start || !stop) return context.Fail(errors::kNotInteger);
  const auto found = FindValue<ListValue>(context, key);
  if (!found) return;
  if (!*found) return context.reply.Ok();
  const size_t elements = found->value->Count();
  const Range kept = RangeOf(*start, *stop, elements);
  if (kept.count == 0) {
    unit.Delete(key);
  } else {
    Edit<ListValue> edit(unit, key, *found);
    const size_t behind = kept.first + kept.count;
    edit->Erase(behind, elements - behind, unit.encoding_limits());
    edit->Erase(0, kept.first, unit.encoding_limits());
    edit.Commit(elements - kept.count);
  }
  unit.Notify(kNotifyList, "ltrim", key);
  if (kept.count == 0) unit.Notify(kNotifyGeneric, "del", key);
  if (kept.count < elements) unit.Replicate(context.args);
  context.reply.Ok();
}

}  // namespace peal::broker::list
