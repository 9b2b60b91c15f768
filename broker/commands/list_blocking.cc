// Commands on lists that wait until there is something. Source of replies, errors and events: Redis
// 7.2, observed on 7.0.15.
#include "broker/commands/list.h"
#include "broker/exec/blocking.h"
#include "broker/exec/unit.h"
#include "protocol/base/check.h"

namespace peal::broker::list {
namespace {

using protocol::ReplyWriter;
using protocol::Result;

namespace errors = protocol::errors;

using Args = std::span<const std::string_view>;

/// The list at `key`, for those who serve: what is of another type is not what is waited for.
Found<ListValue> Find(Unit& unit, std::string_view key) {
  return AsValue<ListValue>(unit.FindForWrite(key)).value_or(Found<ListValue>{});
}

/// False with the error replied, which ends the wait, if the destination is of another type.
bool IsOpen(const std::optional<Found<ListValue>>& to, ReplyWriter& reply) {
  if (to) return true;
  reply.Error(errors::kWrongType);
  return false;
}

// ---------------------------------------------------------------- popping

void PopWithKey(Unit& unit, ReplyWriter& reply, std::string_view key, const Found<ListValue>& found,
                End end) {
  reply.Array(2);
  reply.Bulk(key);
  PopOne(unit, reply, key, found, end);
}

template <End kEnd>
bool ServePop(Unit& unit, Args, std::string_view key, ReplyWriter& reply) {
  const Found<ListValue> found = Find(unit, key);
  if (!found) return false;
  PopWithKey(unit, reply, key, found, kEnd);
  return true;
}

template <End kEnd>
void BlockingPop(CommandContext& context) {
  const Args keys = context.args.subspan(1, context.args.size() - 2);
  const Result<int64_t> timeout_ms = ReadTimeoutSeconds(context.args.back());
  if (!timeout_ms.ok()) return context.Fail(timeout_ms.error());
  for (const std::string_view key : keys) {
    const auto found = FindValue<ListValue>(context, key);
    if (!found) return;
    if (*found) return PopWithKey(context.unit, context.reply, key, *found, kEnd);
  }
  if (context.in_exec) return context.reply.NullArray();
  Block(context,
        {.serve = ServePop<kEnd>, .args = context.args, .keys = keys, .timeout_ms = *timeout_ms});
}

void PopManyWithKey(Unit& unit, ReplyWriter& reply, std::string_view key,
                    const Found<ListValue>& found, const MultiPop& pop) {
  reply.Array(2);
  reply.Bulk(key);
  PopMany(unit, reply, key, found, pop.end, pop.count);
}

bool ServeMultiPop(Unit& unit, Args args, std::string_view key, ReplyWriter& reply) {
  const Found<ListValue> found = Find(unit, key);
  if (!found) return false;
  PopManyWithKey(unit, reply, key, found, *ReadMultiPop(args, 2));
  return true;
}

// ---------------------------------------------------------------- moving

bool ServeMoveOne(Unit& unit, Args args, ReplyWriter& reply, End from_end, End to_end) {
  const Found<ListValue> from = Find(unit, args[1]);
  if (!from) return false;
  const auto to = AsValue<ListValue>(unit.FindForWrite(args[2]));
  if (IsOpen(to, reply))
    MoveOne(unit, reply, args[1], from, args[2], protocol::Checked(to), from_end, to_end);
  return true;
}

bool ServeMove(Unit& unit, Args args, std::string_view, ReplyWriter& reply) {
  return ServeMoveOne(unit, args, reply, protocol::Checked(ReadEnd(args[3])),
                      protocol::Checked(ReadEnd(args[4])));
}

bool ServePopPush(Unit& unit, Args args, std::string_view, ReplyWriter& reply) {
  return ServeMoveOne(unit, args, reply, End::kTail, End::kHead);
}

bool ServeMoveMany(Unit& unit, Args args, std::string_view, ReplyWriter& reply) {
  const BlockMove move = *ReadBlockMove(args, 6);
  const Found<ListValue> from = Find(unit, args[1]);
  if (!from) return false;
  if (move.is_exact && static_cast<int64_t>(from.value->Count()) < move.count) return false;
  const auto to = AsValue<ListValue>(unit.FindForWrite(args[2]));
  if (IsOpen(to, reply)) MoveMany(unit, reply, args[1], from, args[2], protocol::Checked(to), move);
  return true;
}

void BlockOnSource(CommandContext& context, ServeFunction serve, int64_t timeout_ms) {
  Block(context, {.serve = serve,
                  .args = context.args,
                  .keys = context.args.subspan(1, 1),
                  .destination = context.arg(2),
                  .timeout_ms = timeout_ms});
}

void BlockingMove(CommandContext& context, ServeFunction serve, End from_end, End to_end,
                  std::string_view timeout) {
  const Result<int64_t> timeout_ms = ReadTimeoutSeconds(timeout);
  if (!timeout_ms.ok()) return context.Fail(timeout_ms.error());
  const auto from = FindValue<ListValue>(context, context.arg(1));
  if (!from) return;
  if (!*from) {
    if (context.in_exec) return context.reply.Null();
    return BlockOnSource(context, serve, *timeout_ms);
  }
  const auto to = FindValue<ListValue>(context, context.arg(2));
  if (!to) return;
  MoveOne(context.unit, context.reply, context.arg(1), *from, context.arg(2), *to, from_end,
          to_end);
}

}  // namespace

void BLPop(CommandContext& context) { BlockingPop<End::kHead>(context); }
void BRPop(CommandContext& context) { BlockingPop<End::kTail>(context); }

void BLMPop(CommandContext& context) {
  const Result<MultiPop> pop = ReadMultiPop(context.args, 2);
  if (!pop.ok()) return context.Fail(pop.error());
  const Result<int64_t> timeout_ms = ReadTimeoutSeconds(context.arg(1));
  if (!timeout_ms.ok()) return context.Fail(timeout_ms.error());
  for (const std::string_view key : pop->keys) {
    const auto found = FindValue<ListValue>(context, key);
    if (!found) return;
    if (*found) return PopManyWithKey(context.unit, context.reply, key, *found, *pop);
  }
  if (context.in_exec) return context.reply.NullArray();
  Block(
      context,
      {.serve = ServeMultiPop, .args = context.args, .keys = pop->keys, .timeout_ms = *timeout_ms});
}

void BLMove(CommandContext& context) {
  const std::optional<End> from_end = ReadEnd(context.arg(3));
  const std::optional<End> to_end = ReadEnd(context.arg(4));
  if (!from_end || !to_end) return context.Fail(errors::kSyntax);
  BlockingMove(context, ServeMove, *from_end, *to_end, context.arg(5));
}

void BRPopLPush(CommandContext& context) {
  BlockingMove(context, ServePopPush, End::kTail, End::kHead, context.arg(3));
}

void BLMoveM(CommandContext& context) {
  const Result<BlockMove> move = ReadBlockMove(context.args, 6);
  if (!move.ok()) return context.Fail(move.error());
  const Result<int64_t> timeout_ms = ReadTimeoutSeconds(context.arg(5));
  if (!timeout_ms.ok()) return context.Fail(timeout_ms.error());
  const auto from = FindValue<ListValue>(context, context.arg(1));
  if (!from) return;
  const auto elements = static_cast<int64_t>(*from ? from->value->Count() : 0);
  if (move->is_exact ? elements < move->count : elements == 0 && move->count > 0) {
    if (context.in_exec) return context.reply.Null();
    return BlockOnSource(context, ServeMoveMany, *timeout_ms);
  }
  if (move->count == 0) return context.reply.Array(0);
  const auto to = FindValue<ListValue>(context, context.arg(2));
  if (!to) return;
  MoveMany(context.unit, context.reply, context.arg(1), *from, context.arg(2), *to, *move);
}

}  // namespace peal::broker::list
