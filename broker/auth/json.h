#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace peal::broker {

/// A member of a JSON object, as far as tokens need to know it.
struct JsonValue {
  enum class Kind : uint8_t { kString, kNumber, kStrings, kOther };
  Kind kind = Kind::kOther;
  std::string text;                  // kString
  double number = 0;                 // kNumber
  std::vector<std::string> strings;  // kStrings: an array of nothing but strings
};

using JsonObject = std::map<std::string, JsonValue, std::less<>>;

/// Reads a JSON text (RFC 8259) that is one object. Refused: anything else, texts that are not
/// UTF-8, names that come twice (RFC 7519, section 4, leaves the choice), more than 8 levels.
/// Work and memory are bounded by the length of `text`. The error is a reason for the log.
protocol::Result<JsonObject> ParseJsonObject(std::string_view text);

}  // namespace peal::broker
