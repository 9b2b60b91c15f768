#include "protocol/base/number.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "protocol/base/check.h"
#include "protocol/base/text.h"

namespace peal::protocol {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

constexpr size_t kLongestFloatText = 5120;

}  // namespace

std::optional<uint64_t> ParseUint64(std::string_view text) {
  if (text.empty() || text.size() > 20) return std::nullopt;
  if (text[0] == '0') {
    if (text.size() == 1) return 0;
    return std::nullopt;
  }
  uint64_t value = 0;
  for (const char c : text) {
    if (!IsDigit(c)) return std::nullopt;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (value > (std::numeric_limits<uint64_t>::max() - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

std::optional<int64_t> ParseInt64(std::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  const auto magnitude = ParseUint64(negative ? text.substr(1) : text);
  if (!magnitude) return std::nullopt;
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (!negative) {
    if (*magnitude > kMost) return std::nullopt;
    return static_cast<int64_t>(*magnitude);
  }
  if (*magnitude == 0 || *magnitude > kMost + 1) return std::nullopt;
  return static_cast<int64_t>(~*magnitude + 1);
}

namespace {

// strtod and strtold know every spelling that Redis takes; what they take beyond is refused here.
template <typename T, T (*Read)(const char*, char**)>
std::optional<T> ParseFloat(std::string_view text) {
  if (text.empty() || text.size() >= kLongestFloatText || IsSpace(text[0])) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  char* end = nullptr;
  errno = 0;
  const T value = Read(terminated.c_str(), &end);
  if (end != terminated.c_str() + terminated.size() || std::isnan(value)) return std::nullopt;
  if (errno == ERANGE && (std::isinf(value) || std::fpclassify(value) == FP_ZERO)) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

std::optional<double> ParseDouble(std::string_view text) {
  return ParseFloat<double, std::strtod>(text);
}

std::optional<long double> ParseLongDouble(std::string_view text) {
  return ParseFloat<long double, std::strtold>(text);
}

std::optional<uint64_t> ParseMemory(std::string_view text) {
  size_t digits = 0;
  while (digits < text.size() && IsDigit(text[digits])) ++digits;
  if (digits == 0 || digits > 20) return std::nullopt;
  uint64_t value = 0;
  const std::string_view number = text.substr(0, digits);
  const auto [end, status] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (status != std::errc()) return std::nullopt;
  struct Unit {
    std::string_view name;
    uint64_t bytes;
  };
  static constexpr Unit kUnits[] = {
      {"", 1},
      {"b", 1},
      {"k", 1000},
      {"kb", 1024},
      {"m", 1000 * 1000},
      {"mb", 1024 * 1024},
      {"g", 1000ull * 1000 * 1000},
      {"gb", 1024ull * 1024 * 1024},
  };
  for (const Unit& unit : kUnits) {
    if (!EqualsIgnoreCase(text.substr(digits), unit.name)) continue;
    if (value > std::numeric_limits<uint64_t>::max() / unit.bytes) return std::nullopt;
    return value * unit.bytes;
  }
  return std::nullopt;
}

namespace {

// Redis prints whole numbers up to here as integers: half of what 64 signed bits hold.
constexpr double kMostPlainInteger = 4611686018427387904.0;

// Writes a positive finite value. The library finds the shortest digits; the notation is chosen
// here, by Redis 7.2's rule: plain if the zeros to add stay few, else "1.5e-7" with an unpadded
// exponent.
char* WriteShortest(char* out, double value) {
  char text[kMaxDoubleChars];
  const char* const text_end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  char digits[kMaxDoubleChars];
  int count = 0;
  const char* at = text;
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits[count++] = *at;
  }
  PEAL_DCHECK(count > 0);
  int exponent = 0;  // of the first digit
  std::from_chars(at + (at[1] == '+' ? 2 : 1), text_end, exponent);

  const int last = exponent - (count - 1);  // power of ten of the last digit
  const bool is_plain = last >= 0 ? exponent < count + 7 : last > -7 || std::abs(exponent) < 4;
  if (!is_plain) {
    *out++ = digits[0];
    if (count > 1) {
      *out++ = '.';
      std::memcpy(out, digits + 1, static_cast<size_t>(count - 1));
      out += count - 1;
    }
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    return FormatUint(out, static_cast<uint64_t>(std::abs(exponent)));
  }
  const auto put = [&out](const char* from, int n) {
    std::memcpy(out, from, static_cast<size_t>(n));
    out += n;
  };
  const auto put_zeros = [&out](int n) {
    std::memset(out, '0', static_cast<size_t>(n));
    out += n;
  };
  if (last >= 0) {
    put(digits, count);
    put_zeros(last);
  } else if (exponent >= 0) {
    put(digits, exponent + 1);
    *out++ = '.';
    put(digits + exponent + 1, count - exponent - 1);
  } else {
    put("0.", 2);
    put_zeros(-exponent - 1);
    put(digits, count);
  }
  return out;
}

}  // namespace

char* FormatDouble(char* out, double value) {
  if (std::isnan(value)) {
    return std::copy_n("nan", 3, out);
  }
  if (std::isinf(value)) {
    const std::string_view text = value > 0 ? "inf" : "-inf";
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
  }
  if (std::signbit(value)) {
    *out++ = '-';
    value = -value;
  }
  if (value <= kMostPlainInteger && value == std::floor(value)) {
    return FormatUint(out, static_cast<uint64_t>(value));
  }
  return WriteShortest(out, value);
}

std::string FormatLongDoubleHuman(long double value) {
  char text[kLongestFloatText];
  const int written = std::snprintf(text, sizeof text, "%.17Lf", value);
  std::string out(text, static_cast<size_t>(written));
  if (out.find('.') != std::string::npos) {
    while (out.back() == '0') out.pop_back();
    if (out.back() == '.') out.pop_back();
  }
  if (out == "-0") out = "0";
  return out;
}

}  // namespace peal::protocol
