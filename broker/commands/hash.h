#pragma once

#include <optional>
#include <string_view>

#include "broker/exec/command.h"
#include "broker/exec/edit.h"
#include "store/value/hash_value.h"

namespace peal::broker {

using store::HashValue;

/// ReadValue and FindValue for hashes, which first delete some of the fields whose time has come.
/// What is left of these is not seen by methods of the hash that are told the time.
std::optional<Found<HashValue>> ReadHash(CommandContext& context, std::string_view key);
std::optional<Found<HashValue>> FindHash(CommandContext& context, std::string_view key);

/// An Edit of the hash at `key`, a new one if there is none.
Edit<HashValue> EditHash(CommandContext& context, std::string_view key,
                         const Found<HashValue>& found);

/// Replies with the value of `field`, null if there is none or `hash` is null.
void ReplyField(CommandContext& context, const HashValue* hash, std::string_view field);

}  // namespace peal::broker
