// Blocks in packed layouts of older releases, made element by element for tests.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace peal::tests {

inline std::string LittleEndianBytes(uint64_t value, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

/// A ziplist. Elements that are decimal integers are written as such.
inline std::string Ziplist(const std::vector<std::string>& elements) {
  std::string body;
  size_t last = 0;
  size_t last_size = 0;
  for (const std::string& element : elements) {
    std::string out = last_size < 254 ? LittleEndianBytes(last_size, 1)
                                      : '\xfe' + LittleEndianBytes(last_size, 4);
    const long long value = std::strtoll(element.c_str(), nullptr, 10);
    const auto raw = static_cast<uint64_t>(value);
    if (std::to_string(value) != element) {
      const size_t size = element.size();
      if (size < 64) {
        out += static_cast<char>(size);
      } else if (size < 16'384) {
        out += static_cast<char>(0x40 | size >> 8);
        out += static_cast<char>(size);
      } else {
        out += '\x80';
        for (int i = 3; i >= 0; --i) out += static_cast<char>(size >> (8 * i));
      }
      out += element;
    } else if (value >= 0 && value <= 12) {
      out += static_cast<char>(0xf1 + value);
    } else if (value >= -128 && value < 128) {
      out += '\xfe' + LittleEndianBytes(raw, 1);
    } else if (value >= -32'768 && value < 32'768) {
      out += '\xc0' + LittleEndianBytes(raw, 2);
    } else if (value >= -8'388'608 && value < 8'388'608) {
      out += '\xf0' + LittleEndianBytes(raw, 3);
    } else if (value >= -2'147'483'648ll && value < 2'147'483'648ll) {
      out += '\xd0' + LittleEndianBytes(raw, 4);
    } else {
      out += '\xe0' + LittleEndianBytes(raw, 8);
    }
    last = body.size();
    last_size = out.size();
    body += out;
  }
  return LittleEndianBytes(10 + body.size() + 1, 4) + LittleEndianBytes(10 + last, 4) +
         LittleEndianBytes(elements.size(), 2) + body + '\xff';
}

/// A zipmap of fields and values in turn, each value with `spare` unused octets behind it.
inline std::string Zipmap(const std::vector<std::string>& elements, uint8_t spare = 0) {
  std::string out = LittleEndianBytes(elements.size() / 2, 1);
  for (size_t i = 0; i < elements.size(); ++i) {
    const std::string& element = elements[i];
    out += element.size() < 254 ? LittleEndianBytes(element.size(), 1)
                                : '\xfe' + LittleEndianBytes(element.size(), 4);
    if (i % 2 == 1) out += static_cast<char>(spare);
    out += element;
    if (i % 2 == 1) out.append(spare, '?');
  }
  return out + '\xff';
}

/// An intset of `members` in the order given, as wide as the widest needs.
inline std::string Intset(const std::vector<int64_t>& members) {
  int width = 2;
  for (const int64_t member : members) {
    if (member != static_cast<int16_t>(member) && width < 4) width = 4;
    if (member != static_cast<int32_t>(member)) width = 8;
  }
  std::string out =
      LittleEndianBytes(static_cast<uint64_t>(width), 4) + LittleEndianBytes(members.size(), 4);
  for (const int64_t member : members)
    out += LittleEndianBytes(static_cast<uint64_t>(member), width);
  return out;
}

}  // namespace peal::tests
