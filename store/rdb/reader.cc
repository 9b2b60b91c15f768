#include "store/rdb/reader.h"

#include <bit>
#include <cstring>
#include <limits>

#include "protocol/base/number.h"
#include "store/rdb/format.h"
#include "store/value/lzf.h"

namespace peal::store::rdb {
namespace {

uint64_t BigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

uint64_t LittleEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

}  // namespace

std::string_view Reader::Raw(size_t size) {
  if (size > rest_.size()) {
    Fail();
    return {};
  }
  const std::string_view bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return bytes;
}

uint8_t Reader::Byte() {
  const std::string_view byte = Raw(1);
  return byte.empty() ? 0 : static_cast<uint8_t>(byte[0]);
}

uint64_t Reader::Length() {
  const uint8_t first = Byte();
  if (first < kLength14) return first;
  if (first < kLength32) return (first & 0x3Fu) << 8 | Byte();
  if (first == kLength32) return BigEndian(Raw(4));
  if (first == kLength64) return BigEndian(Raw(8));
  Fail();
  return 0;
}

std::string_view Reader::IntegerString(size_t size, std::string& scratch) {
  const uint64_t raw = LittleEndian(Raw(size));
  if (!ok()) return {};
  const int64_t value = size == 1   ? static_cast<int8_t>(raw)
                        : size == 2 ? static_cast<int16_t>(raw)
                                    : static_cast<int32_t>(raw);
  char digits[protocol::kMaxIntChars];
  scratch.assign(digits, protocol::FormatInt(digits, value));
  return scratch;
}

std::string_view Reader::String(std::string& scratch) {
  if (rest_.empty()) {
    Fail();
    return {};
  }
  const auto first = static_cast<uint8_t>(rest_[0]);
  if (first < kEncoded) {
    const uint64_t size = Length();
    if (size > kMaxStringBytes) Fail();
    return ok() ? Raw(static_cast<size_t>(size)) : std::string_view();
  }
  Byte();
  switch (first & 0x3F) {
    case kEncodedInt8:
      return IntegerString(1, scratch);
    case kEncodedInt16:
      return IntegerString(2, scratch);
    case kEncodedInt32:
      return IntegerString(4, scratch);
    case kEncodedLzf: {
      const uint64_t packed_size = Length();
      const uint64_t size = Length();
      if (packed_size > Remaining() || size > kMaxStringBytes) Fail();
      if (!ok()) return {};
      if (LzfDecompress(Raw(static_cast<size_t>(packed_size)), static_cast<size_t>(size), scratch))
        return scratch;
      break;
    }
    default:
      break;
  }
  Fail();
  return {};
}

double Reader::Double() { return std::bit_cast<double>(Uint64()); }

double Reader::TextDouble() {
  constexpr uint8_t kNegativeInfinity = 255, kInfinity = 254, kNotANumber = 253;
  const uint8_t size = Byte();
  switch (size) {
    case kNegativeInfinity:
      return -std::numeric_limits<double>::infinity();
    case kInfinity:
      return std::numeric_limits<double>::infinity();
    case kNotANumber:
      return std::numeric_limits<double>::quiet_NaN();
    default:
      break;
  }
  const auto value = protocol::ParseDouble(Raw(size));
  if (!value) Fail();
  return value.value_or(0);
}

uint64_t Reader::Uint64() { return LittleEndian(Raw(8)); }
uint64_t Reader::Uint64BigEndian() { return BigEndian(Raw(8)); }

}  // namespace peal::store::rdb
