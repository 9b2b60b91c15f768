#pragma once

#include <cstddef>
#include <string_view>

#include "broker/exec/edit.h"
#include "broker/exec/unit.h"
#include "store/value/hash_value.h"

namespace peal::broker {

/// Takes expired fields out of the hash at `key`, at most `max_fields`: an effect of its own, with
/// the events "hexpired" and, if the key goes with its last field, "del"; `found` is empty then.
/// Returns how many went. Does nothing while expiry is on hold.
size_t ExpireFields(Unit& unit, std::string_view key, Found<store::HashValue>& found,
                    size_t max_fields);

}  // namespace peal::broker
