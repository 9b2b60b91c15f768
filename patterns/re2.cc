#include "patterns/re2.h"

#include <array>

#include "patterns/glob_scan.h"

namespace peal::patterns {
namespace {

constexpr std::string_view kNothing = "[^\\x00-\\xff]";

void AppendByte(std::string& out, unsigned value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const bool is_plain = (value >= '0' && value <= '9') || (value >= 'a' && value <= 'z') ||
                        (value >= 'A' && value <= 'Z');
  if (is_plain) {
    out.push_back(static_cast<char>(value));
    return;
  }
  out += "\\x";
  out.push_back(kDigits[value >> 4]);
  out.push_back(kDigits[value & 15]);
}

void AppendClass(std::string& out, const ByteSet& members) {
  if (members.Count() == 0) {
    out += kNothing;
    return;
  }
  out.push_back('[');
  for (unsigned low = 0; low < 256; ++low) {
    if (!members.Contains(static_cast<unsigned char>(low))) continue;
    unsigned high = low;
    while (high < 255 && members.Contains(static_cast<unsigned char>(high + 1))) ++high;
    AppendByte(out, low);
    out.push_back('-');
    AppendByte(out, high);
    low = high;
  }
  out.push_back(']');
}

}  // namespace

std::string GlobToRe2(std::string_view pattern) {
  std::string out = "(?s)\\A";
  size_t stars = 0;
  size_t others = 0;
  ByteSet members;
  for (size_t pos = 0; pos < pattern.size();) {
    const Token token = ScanToken(pattern, pos, members);
    switch (token.kind) {
      case TokenKind::kStar:
        out += ".*";
        if (pos < pattern.size() && ++stars > kMaxStars) return std::string(kNothing);
        continue;
      case TokenKind::kAny:
        out += '.';
        break;
      case TokenKind::kClass:
        AppendClass(out, members);
        break;
      case TokenKind::kLiteral:
        AppendByte(out, token.byte);
        break;
    }
    ++others;
  }
  // Stars alone need a byte of text: Redis' matcher enters its loop only with one.
  if (others == 0 && !pattern.empty()) return "(?s)\\A.+\\z";
  return out + "\\z";
}

re2::RE2::Options Re2GlobOptions(int64_t memory_bytes) {
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_dot_nl(true);
  options.set_log_errors(false);
  options.set_max_mem(memory_bytes);
  return options;
}

}  // namespace peal::patterns
