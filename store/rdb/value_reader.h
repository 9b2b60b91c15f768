#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "store/keyspace/value_object.h"
#include "store/rdb/reader.h"
#include "store/value/encoding_limits.h"

namespace peal::store::rdb {

/// A value that was read: a string, or something else.
struct LoadedValue {
  std::string string;                   // if there is no object
  std::unique_ptr<ValueObject> object;  // null: a string
};

/// Reads a value written in `form`, a number of format.h; nullopt if it is not known or anything in
/// the value is wrong. What follows the value is left unread.
///
/// No octet is trusted: duplicates, scores that are no numbers, elements out of order, counts that
/// contradict what is there, empty values (streams may be empty) are refused, and nothing is
/// allocated because of a number alone. Encodings are those that `limits` give.
///
/// Differs: Redis takes some values that contradict themselves, such as a stream whose length is
/// not that of its entries.
std::optional<LoadedValue> ReadValue(Reader& reader, uint8_t form, const EncodingLimits& limits);

}  // namespace peal::store::rdb
