// Numbers: what is read is written again as the same text (integers) or the same value (floats),
// and integer reading agrees with the C library wherever the spelling is canonical.
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "protocol/base/check.h"
#include "protocol/base/number.h"

namespace protocol = peal::protocol;

namespace {

std::string Print(int64_t value) {
  char text[protocol::kMaxIntChars];
  return {text, protocol::FormatInt(text, value)};
}

void CheckDouble(double value) {
  char text[protocol::kMaxDoubleChars];
  const std::string printed(text, protocol::FormatDouble(text, value));
  PEAL_CHECK(printed.size() <= sizeof text);
  if (std::isnan(value)) {
    PEAL_CHECK(printed == "nan");
    return;
  }
  if (value != 0 && std::fpclassify(value) == FP_SUBNORMAL)
    return;  // strtod may call these underflow
  const auto again = protocol::ParseDouble(printed);
  PEAL_CHECK(again && *again == value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);

  errno = 0;
  char* end = nullptr;
  const long long number = std::strtoll(text.c_str(), &end, 10);
  const bool is_canonical = errno == 0 && !text.empty() && Print(number) == text;
  const auto parsed = protocol::ParseInt64(text);
  PEAL_CHECK(parsed.has_value() == is_canonical);
  PEAL_CHECK(!parsed || *parsed == number);

  const auto unsigned_number = protocol::ParseUint64(text);
  if (unsigned_number) {
    char printed[protocol::kMaxIntChars];
    PEAL_CHECK(std::string(printed, protocol::FormatUint(printed, *unsigned_number)) == text);
    PEAL_CHECK(protocol::CountDigits(*unsigned_number) == static_cast<int>(text.size()));
  }
  if (const auto value = protocol::ParseDouble(text)) CheckDouble(*value);
  if (const auto value = protocol::ParseLongDouble(text)) {
    static_cast<void>(protocol::FormatLongDoubleHuman(*value));
  }
  static_cast<void>(protocol::ParseMemory(text));
  if (size >= sizeof(double)) {
    double value = 0;
    std::memcpy(&value, data, sizeof value);
    CheckDouble(value);
    int64_t integer = 0;
    std::memcpy(&integer, data, sizeof integer);
    PEAL_CHECK(protocol::ParseInt64(Print(integer)) == integer);
  }
  return 0;
}
