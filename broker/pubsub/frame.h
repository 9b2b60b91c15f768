#pragma once

#include <charconv>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace peal::broker {

/// The frames in which subscribers get messages, in RESP2 form. The RESP3 form differs in the first
/// byte alone: '>' (push) for '*' (array). Source: RESP3 specification, "Pushes"; Redis 7.2 replies
/// so.
inline constexpr std::string_view kMessageHead = "*3\r\n$7\r\nmessage\r\n";
inline constexpr std::string_view kShardMessageHead = "*3\r\n$8\r\nsmessage\r\n";
inline constexpr std::string_view kPatternMessageHead = "*4\r\n$8\r\npmessage\r\n";
inline constexpr char kPushMark = '>';

/// Decimal digits of `value`.
inline size_t Digits(size_t value) {
  size_t digits = 1;
  while (value >= 10) {
    value /= 10;
    ++digits;
  }
  return digits;
}

inline size_t BulkHeadSize(size_t length) { return 1 + Digits(length) + 2; }
inline size_t BulkFrameSize(size_t length) { return BulkHeadSize(length) + length + 2; }

/// Writes "$<length>\r\n"; returns the end.
inline char* PutBulkHead(char* out, size_t length) {
  *out++ = '$';
  out = std::to_chars(out, out + 20, length).ptr;
  *out++ = '\r';
  *out++ = '\n';
  return out;
}

inline char* Put(char* out, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
  return out + bytes.size();
}

/// Writes a whole bulk string; returns the end.
inline char* PutBulk(char* out, std::string_view bytes) {
  out = Put(PutBulkHead(out, bytes.size()), bytes);
  *out++ = '\r';
  *out++ = '\n';
  return out;
}

/// Turns the frames in [begin, end), all of this file's making, from arrays into pushes.
inline void MarkAsPushes(char* begin, const char* end) {
  while (begin < end) {
    int items = begin[1] - '0';
    *begin = kPushMark;
    begin += 4;
    while (items-- > 0 && begin < end) {
      size_t length = 0;
      const auto parsed = std::from_chars(begin + 1, end, length);
      begin += (parsed.ptr - begin) + 2 + static_cast<std::ptrdiff_t>(length) + 2;
    }
  }
}

}  // namespace peal::broker
