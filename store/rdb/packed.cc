#include "store/rdb/packed.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "store/rdb/format.h"

namespace peal::store::rdb {
namespace {

constexpr unsigned char kEnd = 0xFF;

uint64_t LittleEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

uint64_t BigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

/// The octets of a block up to, not including, its end mark.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  size_t at() const { return at_; }
  bool AtEnd() const { return at_ == bytes_.size(); }
  unsigned char Peek() const { return static_cast<unsigned char>(bytes_[at_]); }
  /// The next `size` octets; false if there are not so many.
  bool Take(uint64_t size, std::string_view& out) {
    if (size > bytes_.size() - at_) return false;
    out = bytes_.substr(at_, static_cast<size_t>(size));
    at_ += static_cast<size_t>(size);
    return true;
  }
  bool Skip(uint64_t size) {
    std::string_view ignored;
    return Take(size, ignored);
  }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
};

bool AppendTo(Listpack& out, std::string_view text) {
  if (out.Bytes() + Listpack::EncodedBytes(text) > kMaxStringBytes) return false;
  out.Append(text);
  return true;
}

/// A signed number of `bits` in the low bits of `raw`.
int64_t SignExtend(uint64_t raw, unsigned bits) {
  const unsigned shift = 64 - bits;
  return static_cast<int64_t>(raw << shift) >> shift;
}

/// One element behind its back length.
bool TakeZiplistElement(Cursor& cursor, Listpack& out) {
  std::string_view bytes;
  if (!cursor.Take(1, bytes)) return false;
  const auto head = static_cast<unsigned char>(bytes[0]);
  if (head < 0xC0) {
    uint64_t size = head & 0x3Fu;
    if (head >= 0x80) {
      if (!cursor.Take(4, bytes)) return false;
      size = BigEndian(bytes);
    } else if (head >= 0x40) {
      if (!cursor.Take(1, bytes)) return false;
      size = size << 8 | static_cast<unsigned char>(bytes[0]);
    }
    return cursor.Take(size, bytes) && AppendTo(out, bytes);
  }
  unsigned octets = 0;
  switch (head) {
    case 0xC0:
      octets = 2;
      break;
    case 0xD0:
      octets = 4;
      break;
    case 0xE0:
      octets = 8;
      break;
    case 0xF0:
      octets = 3;
      break;
    case 0xFE:
      octets = 1;
      break;
    default:
      if (head < 0xF1 || head > 0xFD) return false;
      out.AppendInteger(head - 0xF1);
      return true;
  }
  if (!cursor.Take(octets, bytes)) return false;
  out.AppendInteger(SignExtend(LittleEndian(bytes), 8 * octets));
  return out.Bytes() <= kMaxStringBytes;
}

}  // namespace

std::optional<Listpack> ListpackFromZiplist(std::string_view block) {
  constexpr size_t kHeader = 10;  // octets in all, offset of the last element, count
  constexpr unsigned char kLongBackLength = 0xFE;
  constexpr uint64_t kUnknownCount = std::numeric_limits<uint16_t>::max();
  if (block.size() <= kHeader || LittleEndian(block.substr(0, 4)) != block.size() ||
      static_cast<unsigned char>(block.back()) != kEnd)
    return std::nullopt;
  const uint64_t tail = LittleEndian(block.substr(4, 4));
  const uint64_t count_told = LittleEndian(block.substr(8, 2));
  if (tail >= block.size()) return std::nullopt;

  Listpack out;
  Cursor cursor(block.substr(kHeader, block.size() - kHeader - 1));
  uint64_t count = 0;
  size_t last = 0;
  uint64_t last_size = 0;
  for (; !cursor.AtEnd(); ++count) {
    const size_t begin = cursor.at();
    std::string_view bytes;
    uint64_t back_length = cursor.Peek();
    if (back_length == kEnd || !cursor.Skip(1)) return std::nullopt;
    if (back_length == kLongBackLength) {
      if (!cursor.Take(4, bytes)) return std::nullopt;
      back_length = LittleEndian(bytes);
    }
    if (back_length != last_size || !TakeZiplistElement(cursor, out)) return std::nullopt;
    last = begin;
    last_size = cursor.at() - begin;
  }
  if (count != 0 && tail != kHeader + last) return std::nullopt;
  if (count_told != kUnknownCount && count_told != count) return std::nullopt;
  return out;
}

std::optional<Listpack> ListpackFromZipmap(std::string_view block) {
  constexpr unsigned char kLongLength =
      0xFE;  // and the least count that the first octet cannot tell
  if (block.size() < 2 || static_cast<unsigned char>(block.back()) != kEnd) return std::nullopt;
  Listpack out;
  Cursor cursor(block.substr(1, block.size() - 2));
  const auto take_length = [&cursor](uint64_t& length) {
    std::string_view bytes;
    if (!cursor.Take(1, bytes)) return false;
    length = static_cast<unsigned char>(bytes[0]);
    if (length == kEnd) return false;
    if (length != kLongLength) return true;
    if (!cursor.Take(4, bytes)) return false;
    length = LittleEndian(bytes);
    return true;
  };
  uint64_t count = 0;
  for (; !cursor.AtEnd(); ++count) {
    uint64_t length = 0;
    std::string_view bytes;
    if (!take_length(length) || !cursor.Take(length, bytes) || !AppendTo(out, bytes))
      return std::nullopt;
    std::string_view spare;
    if (!take_length(length) || !cursor.Take(1, spare) || !cursor.Take(length, bytes) ||
        !AppendTo(out, bytes) || !cursor.Skip(static_cast<unsigned char>(spare[0])))
      return std::nullopt;
  }
  const auto count_told = static_cast<unsigned char>(block[0]);
  if (count == 0 || (count_told < kLongLength && count_told != count)) return std::nullopt;
  return out;
}

}  // namespace peal::store::rdb
