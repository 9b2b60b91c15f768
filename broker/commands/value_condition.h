#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "store/keyspace/entry.h"

namespace peal::broker {

/// What SET and DELEX may ask of the string at a key before they change it. Source: Redis 8.4.
enum class ValueCondition : uint8_t { kEqual, kNotEqual, kDigestEqual, kDigestNotEqual };

/// IFEQ, IFNE, IFDEQ or IFDNE in any letter case.
std::optional<ValueCondition> ReadValueCondition(std::string_view word);

/// Whether the string in `entry` meets `condition`. `operand`: the value, or 16 hexadecimal digits;
/// an error if a digest has another length.
protocol::Result<bool> Meets(const store::Entry& entry, ValueCondition condition,
                             std::string_view operand);

/// Whether a key that is missing meets `condition`: it differs from every value.
constexpr bool MissingMeets(ValueCondition condition) {
  return condition == ValueCondition::kNotEqual || condition == ValueCondition::kDigestNotEqual;
}

/// The digest of a string as DIGEST replies it: XXH3, 64 bits, 16 hexadecimal digits.
std::string DigestText(std::string_view bytes);

}  // namespace peal::broker
