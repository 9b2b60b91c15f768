#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace peal::protocol {

/// Room that FormatInt and FormatUint need: a sign and 19 digits, or 20 digits.
inline constexpr size_t kMaxIntChars = 20;

/// Room that FormatDouble needs at most.
inline constexpr size_t kMaxDoubleChars = 32;

/// The integer that `text` is, if it is the one canonical decimal spelling of a 64-bit signed
/// integer. Refused: empty text, spaces, '+', leading zeros, "-0", anything out of range. These are
/// the rules by which Redis reads integers, so that a string and its integer encoding are never
/// told apart.
std::optional<int64_t> ParseInt64(std::string_view text);

/// As ParseInt64, for 0 .. 2^64 - 1.
std::optional<uint64_t> ParseUint64(std::string_view text);

/// Decimal or hexadecimal floating point, "inf" and "infinity" in any case with an optional sign.
/// Refused: empty text, leading or trailing space, nan, overflow to infinity, underflow to zero.
/// As Redis 7.0 reads a score or an increment.
std::optional<double> ParseDouble(std::string_view text);

/// As ParseDouble in the precision INCRBYFLOAT computes in; texts of 5,120 octets or more are
/// refused.
std::optional<long double> ParseLongDouble(std::string_view text);

/// A size such as "100", "10mb", "1k": units (case does not matter) are b, k = 1000, kb = 1024,
/// m, mb, g, gb in the same manner. Refused: sign, fraction, space, unknown unit, more than 2^64
/// - 1.
/// Differs: Redis takes a unit without a number for 0.
std::optional<uint64_t> ParseMemory(std::string_view text);

/// The number of decimal digits of `value`, 1 .. 20.
int CountDigits(uint64_t value);

/// Writes `value` in decimal at `out` (room: kMaxIntChars) and returns the end. No NUL.
char* FormatUint(char* out, uint64_t value);
char* FormatInt(char* out, int64_t value);

/// The shortest decimal text that reads back as `value`; "inf", "-inf", "nan". Plain notation while
/// that stays short, else "1.5e+21": the shape Redis 7.2 uses for doubles. Writes at most
/// kMaxDoubleChars octets at `out` and returns the end.
char* FormatDouble(char* out, double value);

/// `value` with 17 digits after the point, trailing zeros removed, never an exponent: what
/// INCRBYFLOAT stores and replies. "-0" becomes "0". At most 5,120 octets.
std::string FormatLongDoubleHuman(long double value);

namespace number_internal {

inline constexpr char kDigitPairs[201] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

inline constexpr uint64_t kPowersOfTen[20] = {1ull,
                                              10ull,
                                              100ull,
                                              1000ull,
                                              10000ull,
                                              100000ull,
                                              1000000ull,
                                              10000000ull,
                                              100000000ull,
                                              1000000000ull,
                                              10000000000ull,
                                              100000000000ull,
                                              1000000000000ull,
                                              10000000000000ull,
                                              100000000000000ull,
                                              1000000000000000ull,
                                              10000000000000000ull,
                                              100000000000000000ull,
                                              1000000000000000000ull,
                                              10000000000000000000ull};

}  // namespace number_internal

inline int CountDigits(uint64_t value) {
  // 1233 / 4096 is a little above log10(2): an estimate that is right or one too small.
  const int bits = 64 - std::countl_zero(value | 1);
  const int estimate = (bits * 1233) >> 12;
  return estimate + (value >= number_internal::kPowersOfTen[estimate] ? 1 : 0) +
         (value == 0 ? 1 : 0);
}

inline char* FormatUint(char* out, uint64_t value) {
  if (value < 10) {  // most replies are 0, 1 or a small count
    *out = static_cast<char>('0' + value);
    return out + 1;
  }
  char* const end = out + CountDigits(value);
  char* at = end;
  while (value >= 100) {
    at -= 2;
    std::memcpy(at, number_internal::kDigitPairs + 2 * (value % 100), 2);
    value /= 100;
  }
  if (value >= 10) {
    std::memcpy(at - 2, number_internal::kDigitPairs + 2 * value, 2);
  } else {
    at[-1] = static_cast<char>('0' + value);
  }
  return end;
}

inline char* FormatInt(char* out, int64_t value) {
  uint64_t magnitude = static_cast<uint64_t>(value);
  if (value < 0) {
    *out++ = '-';
    magnitude = ~magnitude + 1;  // right for the least value too
  }
  return FormatUint(out, magnitude);
}

}  // namespace peal::protocol
