#include "protocol/base/number.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

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
  const auto [end, status] = std::from_chars(text.data(), text.data() + digits, value);
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

char* FormatDouble(char* out, double value) {
  if (std::isnan(value)) {
    std::memcpy(out, "nan", 3);
    return out + 3;
  }
  if (std::isinf(value)) {
    const std::string_view text = value > 0 ? "inf" : "-inf";
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
  }
  // The shortest digits, then the notation: plain while the point is within 21 places of the
  // digits.
  const double magnitude = std::fabs(value);
  if (value == std::floor(value) && magnitude < 1e17) {
    if (value == 0 && std::signbit(value)) *out++ = '-';
    return FormatInt(out, static_cast<int64_t>(value));
  }
  const bool plain = magnitude >= 1e-6 && magnitude < 1e21;
  return std::to_chars(out, out + kMaxDoubleChars, value,
                       plain ? std::chars_format::fixed : std::chars_format::scientific)
      .ptr;
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
