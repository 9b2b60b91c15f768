#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "broker/exec/command.h"
#include "broker/exec/edit.h"
#include "protocol/base/error.h"
#include "protocol/base/result.h"
#include "store/value/list_value.h"

/// What the files of the list commands share. list.cc has the commands that never wait,
/// list_blocking.cc those that may, list_rows.cc the rows of all.
namespace peal::broker::list {

using store::ListValue;
using End = ListValue::End;

// ---------------------------------------------------------------- arguments

/// LEFT or RIGHT in any letter case.
std::optional<End> ReadEnd(std::string_view text);

/// What LMPOP and BLMPOP ask for.
struct MultiPop {
  std::span<const std::string_view> keys;
  End end = End::kHead;
  int64_t count = 1;
};
/// Reads "numkeys key [key ...] LEFT|RIGHT [COUNT count]" from args[first] on.
protocol::Result<MultiPop> ReadMultiPop(std::span<const std::string_view> args, size_t first);

/// What LMOVEM and BLMOVEM ask for.
struct BlockMove {
  End from = End::kHead;
  End to = End::kHead;
  int64_t count = 1;
  bool is_exact = false;
  bool is_reversed = false;
};
/// Reads "LEFT|RIGHT LEFT|RIGHT" from args[3] on, and "[COUNT|EXACTLY count OBO|BULK]" from
/// args[first] on.
protocol::Result<BlockMove> ReadBlockMove(std::span<const std::string_view> args, size_t first);

// ---------------------------------------------------------------- changes that several share

/// Replies with the first or last `count` elements (fewer if there are no more) as an array, the
/// outermost first, and takes them out: events and effects included.
void PopMany(Unit& unit, protocol::ReplyWriter& reply, std::string_view key,
             const Found<ListValue>& found, End end, int64_t count);
/// Replies with one element and takes it out.
void PopOne(Unit& unit, protocol::ReplyWriter& reply, std::string_view key,
            const Found<ListValue>& found, End end);
/// Moves one element and replies with it. `to` may be empty, or the same list as `from`.
void MoveOne(Unit& unit, protocol::ReplyWriter& reply, std::string_view from_key,
             const Found<ListValue>& from, std::string_view to_key, const Found<ListValue>& to,
             End from_end, End to_end);
/// Moves as many as asked for, or as there are, and replies with them as they now stand.
void MoveMany(Unit& unit, protocol::ReplyWriter& reply, std::string_view from_key,
              const Found<ListValue>& from, std::string_view to_key, const Found<ListValue>& to,
              const BlockMove& move);

// ---------------------------------------------------------------- commands

void LIndex(CommandContext& context);
void LInsert(CommandContext& context);
void LLen(CommandContext& context);
void LMove(CommandContext& context);
void LMoveM(CommandContext& context);
void LMPop(CommandContext& context);
void LPop(CommandContext& context);
void LPos(CommandContext& context);
void LPush(CommandContext& context);
void LPushX(CommandContext& context);
void LRange(CommandContext& context);
void LRem(CommandContext& context);
void LSet(CommandContext& context);
void LTrim(CommandContext& context);
void RPop(CommandContext& context);
void RPopLPush(CommandContext& context);
void RPush(CommandContext& context);
void RPushX(CommandContext& context);

void BLMove(CommandContext& context);
void BLMoveM(CommandContext& context);
void BLMPop(CommandContext& context);
void BLPop(CommandContext& context);
void BRPop(CommandContext& context);
void BRPopLPush(CommandContext& context);

}  // namespace peal::broker::list
