#include "store/rdb/writer.h"

#include <bit>
#include <cstddef>
#include <cstring>
#include <limits>

#include "protocol/base/number.h"
#include "store/rdb/format.h"
#include "store/value/lzf.h"

namespace peal::store::rdb {
namespace {

constexpr size_t kShortestCompressed = 21;
constexpr size_t kLongestSmallInteger = 11;  // "-2147483648"

/// The octets of an unsigned number, highest first.
template <typename T>
void AppendBigEndian(std::string& out, T value) {
  for (size_t i = sizeof(T); i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i)));
}

template <typename T>
void AppendLittleEndian(std::string& out, T value) {
  static_assert(std::endian::native == std::endian::little);
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

void Writer::Length(uint64_t length) {
  if (length < (1u << 6)) {
    Byte(static_cast<uint8_t>(kLength6 | length));
  } else if (length < (1u << 14)) {
    Byte(static_cast<uint8_t>(kLength14 | (length >> 8)));
    Byte(static_cast<uint8_t>(length));
  } else if (length <= std::numeric_limits<uint32_t>::max()) {
    Byte(kLength32);
    AppendBigEndian(out_, static_cast<uint32_t>(length));
  } else {
    Byte(kLength64);
    AppendBigEndian(out_, length);
  }
}

bool Writer::SmallInteger(int64_t value) {
  if (value == static_cast<int8_t>(value)) {
    Byte(kEncoded | kEncodedInt8);
    Byte(static_cast<uint8_t>(value));
  } else if (value == static_cast<int16_t>(value)) {
    Byte(kEncoded | kEncodedInt16);
    AppendLittleEndian(out_, static_cast<uint16_t>(value));
  } else if (value == static_cast<int32_t>(value)) {
    Byte(kEncoded | kEncodedInt32);
    AppendLittleEndian(out_, static_cast<uint32_t>(value));
  } else {
    return false;
  }
  return true;
}

void Writer::String(std::string_view bytes) {
  if (bytes.size() <= kLongestSmallInteger) {
    const auto value = protocol::ParseInt64(bytes);
    if (value && SmallInteger(*value)) return;
  }
  if (compresses_ && bytes.size() >= kShortestCompressed) {
    std::string compressed;
    if (LzfCompress(bytes, compressed) != 0) {
      Byte(kEncoded | kEncodedLzf);
      Length(compressed.size());
      Length(bytes.size());
      return Raw(compressed);
    }
  }
  Length(bytes.size());
  Raw(bytes);
}

void Writer::IntegerString(int64_t value) {
  if (SmallInteger(value)) return;
  char digits[protocol::kMaxIntChars];
  const char* const end = protocol::FormatInt(digits, value);
  const auto size = static_cast<size_t>(end - digits);
  Length(size);
  Raw({digits, size});
}

void Writer::Double(double value) { Uint64(std::bit_cast<uint64_t>(value)); }
void Writer::Uint64(uint64_t value) { AppendLittleEndian(out_, value); }
void Writer::Uint64BigEndian(uint64_t value) { AppendBigEndian(out_, value); }

}  // namespace peal::store::rdb
