#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace peal::patterns {

/// Makes globs and texts that meet each other often: few letters, many metacharacters, and texts
/// made from patterns.
class RandomGlobs {
 public:
  explicit RandomGlobs(uint64_t seed) : random_(seed) {}

  size_t Below(size_t bound) { return random_() % bound; }

  std::string Pattern(size_t most_tokens = 8) {
    std::string out;
    for (size_t left = Below(most_tokens + 1); left > 0; --left) {
      switch (Below(12)) {
        case 0:
        case 1:
          out += '*';
          break;
        case 2:
          out += '?';
          break;
        case 3:
        case 4:
          out += Class();
          break;
        case 5:
          out += '\\';
          out += Byte();
          break;
        case 6:
          out += Word();
          break;
        default:
          out += Byte();
      }
    }
    return out;
  }

  std::string Text(size_t most_bytes = 10) {
    std::string out;
    for (size_t left = Below(most_bytes + 1); left > 0; --left) {
      if (Below(8) == 0)
        out += Word();
      else
        out += Byte();
    }
    return out;
  }

  /// A text that resembles `pattern`, and often matches it.
  std::string TextFor(std::string_view pattern) {
    std::string out;
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (Below(20) == 0) continue;
      switch (pattern[i]) {
        case '*':
          out += Text(3);
          break;
        case '?':
          out += Byte();
          break;
        case '[': {
          const size_t end = pattern.find(']', i);
          const size_t last = end == std::string_view::npos ? pattern.size() : end;
          if (last > i + 1) out += pattern[i + 1 + Below(last - i - 1)];
          i = last;
          break;
        }
        case '\\':
          if (i + 1 < pattern.size()) ++i;
          [[fallthrough]];
        default:
          out += pattern[i];
      }
    }
    return out;
  }

 private:
  char Byte() {
    static constexpr std::string_view kBytes("aaabbc-]^\\[*?A\0\x80\xff\n.1", 21);
    return kBytes[Below(kBytes.size())];
  }
  std::string Word() {
    static constexpr std::string_view kWords[] = {"news.sports.", "user", ".golf", "abcabcabc",
                                                  "17"};
    return std::string(kWords[Below(5)]);
  }
  std::string Class() {
    std::string out = "[";
    if (Below(3) == 0) out += '^';
    for (size_t left = Below(4); left > 0; --left) {
      out += Byte();
      if (Below(3) == 0) {
        out += '-';
        out += Byte();
      }
    }
    if (Below(8) != 0) out += ']';
    return out;
  }

  std::mt19937_64 random_;
};

/// Quotes every byte outside printable ASCII, for messages of tests.
inline std::string Printable(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"') {
      out += c;
    } else {
      out += "\\x";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out + '"';
}

}  // namespace peal::patterns
