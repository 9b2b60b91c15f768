#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace peal::patterns {

/// Globs with more separated non-trailing stars than this match nothing.
///
/// Source: Redis refuses deeper nesting since its fix for CVE-2024-31228.
inline constexpr size_t kMaxStars = 1000;

/// ASCII lower case, whatever the locale. Other bytes stay as they are.
constexpr unsigned char LowerByte(unsigned char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<unsigned char>(byte + ('a' - 'A')) : byte;
}

/// A set of byte values.
class ByteSet {
 public:
  constexpr void Add(unsigned char byte) { words_[byte >> 6] |= uint64_t{1} << (byte & 63); }
  constexpr void AddRange(unsigned char low, unsigned char high) {
    for (unsigned value = low; value <= high; ++value) Add(static_cast<unsigned char>(value));
  }
  constexpr void Invert() {
    for (uint64_t& word : words_) word = ~word;
  }
  constexpr bool Contains(unsigned char byte) const {
    return (words_[byte >> 6] >> (byte & 63) & 1) != 0;
  }
  constexpr int Count() const {
    int count = 0;
    for (const uint64_t word : words_) count += std::popcount(word);
    return count;
  }

 private:
  std::array<uint64_t, 4> words_{};
};

/// Reads the class whose '[' stands just before `pos` and returns the position after it.
///
/// Calls on_byte(byte, is_escaped) for each single member and on_range(low, high), low <= high, for
/// each range. `negated` tells whether '^' came first. An unclosed class ends with the pattern.
/// This is the only place that knows the grammar of classes. Source: the contract's table, taken
/// from observing redis-server 7.0.15: no escape as the end of a range, "[a-]" is a range to ']',
/// reversed ranges are swapped.
template <typename OnByte, typename OnRange>
size_t ScanClass(std::string_view pattern, size_t pos, bool& negated, OnByte&& on_byte,
                 OnRange&& on_range) {
  negated = pos < pattern.size() && pattern[pos] == '^';
  if (negated) ++pos;
  while (pos < pattern.size()) {
    const auto byte = static_cast<unsigned char>(pattern[pos]);
    const size_t left = pattern.size() - pos;
    if (byte == '\\' && left >= 2) {
      on_byte(static_cast<unsigned char>(pattern[pos + 1]), true);
      pos += 2;
    } else if (byte == ']') {
      return pos + 1;
    } else if (left >= 3 && pattern[pos + 1] == '-') {
      const auto end = static_cast<unsigned char>(pattern[pos + 2]);
      // Differs: bytes compare unsigned on every machine; Redis' order depends on the sign of char.
      on_range(byte < end ? byte : end, byte < end ? end : byte);
      pos += 3;
    } else {
      on_byte(byte, false);
      ++pos;
    }
  }
  return pos;
}

/// Tells whether `byte` is in the class after '[' at `pos`; `pos` moves behind the class.
///
/// Without case, Redis compares members and ranges in lower case but escaped members exactly, and
/// swaps a reversed range before lowering it; so does this.
template <bool kNoCase>
bool ClassContains(std::string_view pattern, size_t& pos, unsigned char byte) {
  bool negated = false;
  bool found = false;
  const unsigned char lower = LowerByte(byte);
  pos = ScanClass(
      pattern, pos, negated,
      [&](unsigned char member, bool is_escaped) {
        found |= kNoCase && !is_escaped ? LowerByte(member) == lower : member == byte;
      },
      [&](unsigned char low, unsigned char high) {
        found |= kNoCase ? LowerByte(low) <= lower && lower <= LowerByte(high)
                         : low <= byte && byte <= high;
      });
  return found != negated;
}

enum class TokenKind : uint8_t { kLiteral, kAny, kClass, kStar };

/// One step of a glob. kStar stands for a whole run of stars.
struct Token {
  TokenKind kind = TokenKind::kLiteral;
  unsigned char byte = 0;  // of kLiteral
};

/// Reads the token at `pos` < pattern.size() and moves `pos` behind it. Fills `members` for kClass.
template <bool kNoCase = false>
Token ScanToken(std::string_view pattern, size_t& pos, ByteSet& members) {
  const auto byte = static_cast<unsigned char>(pattern[pos]);
  switch (byte) {
    case '*':
      while (pos < pattern.size() && pattern[pos] == '*') ++pos;
      return {TokenKind::kStar};
    case '?':
      ++pos;
      return {TokenKind::kAny};
    case '[': {
      members = ByteSet();
      bool negated = false;
      pos = ScanClass(
          pattern, pos + 1, negated,
          [&](unsigned char member, bool is_escaped) {
            members.Add(member);
            if (!kNoCase || is_escaped) return;
            members.Add(LowerByte(member));
            const unsigned char lower = LowerByte(member);
            if (lower >= 'a' && lower <= 'z') members.Add(lower & 0xDF);
          },
          [&](unsigned char low, unsigned char high) {
            if (!kNoCase) return members.AddRange(low, high);
            for (unsigned value = 0; value < 256; ++value) {
              const unsigned char lower = LowerByte(static_cast<unsigned char>(value));
              if (LowerByte(low) <= lower && lower <= LowerByte(high))
                members.Add(static_cast<unsigned char>(value));
            }
          });
      if (negated) members.Invert();
      return {TokenKind::kClass};
    }
    case '\\':
      if (pos + 1 < pattern.size()) {
        pos += 2;
        return {TokenKind::kLiteral, static_cast<unsigned char>(pattern[pos - 1])};
      }
      [[fallthrough]];
    default:
      ++pos;
      return {TokenKind::kLiteral, byte};
  }
}

}  // namespace peal::patterns
