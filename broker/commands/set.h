#pragma once

#include "broker/exec/command.h"
#include "store/value/set_value.h"

namespace peal::broker {

using SetItem = store::ListpackItem;

/// The directives by which sets choose their encoding.
const store::EncodingLimits& SetLimits(const CommandContext& context);

/// A member as a bulk string.
void ReplyItem(CommandContext& context, const SetItem& item);

/// All members, as a set in RESP3 and an array in RESP2.
void ReplyMembers(CommandContext& context, const store::SetValue& set);

}  // namespace peal::broker
