#include "broker/config/words.h"

#include <algorithm>

namespace peal::broker {
namespace {

// ASCII blanks, whatever the locale.
bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char Unescape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Reads from the octet after an opening `quote` past the closing one. False if that is missing or
// glued to a following word.
bool ReadQuoted(std::string_view line, size_t& at, char quote, std::string& word) {
  while (at < line.size()) {
    const char c = line[at];
    if (c == quote) {
      ++at;
      return at == line.size() || IsBlank(line[at]);
    }
    if (quote == '"' && c == '\\' && at + 3 < line.size() && line[at + 1] == 'x' &&
        HexDigit(line[at + 2]) >= 0 && HexDigit(line[at + 3]) >= 0) {
      word.push_back(static_cast<char>(HexDigit(line[at + 2]) * 16 + HexDigit(line[at + 3])));
      at += 4;
    } else if (quote == '"' && c == '\\' && at + 1 < line.size()) {
      word.push_back(Unescape(line[at + 1]));
      at += 2;
    } else if (quote == '\'' && c == '\\' && at + 1 < line.size() && line[at + 1] == '\'') {
      word.push_back('\'');
      at += 2;
    } else {
      word.push_back(c);
      ++at;
    }
  }
  return false;
}

}  // namespace

std::optional<std::vector<std::string>> SplitWords(std::string_view line) {
  std::vector<std::string> words;
  size_t at = 0;
  while (true) {
    while (at < line.size() && IsBlank(line[at])) ++at;
    if (at == line.size()) return words;
    std::string& word = words.emplace_back();
    // A quote may open in the middle of a word, but ends it.
    while (at < line.size() && !IsBlank(line[at])) {
      const char c = line[at++];
      if (c == '"' || c == '\'') {
        if (!ReadQuoted(line, at, c, word)) return std::nullopt;
        break;
      }
      word.push_back(c);
    }
  }
}

std::string QuoteWord(std::string_view word) {
  const bool plain =
      !word.empty() && word[0] != '#' && std::all_of(word.begin(), word.end(), [](char c) {
        return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '\\';
      });
  if (plain) return std::string(word);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : word) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (octet < 0x20 || octet == 0x7f) {
      // UTF-8 stays readable; control characters would break the line or a terminal.
      out.append("\\x");
      out.push_back(kHex[octet >> 4]);
      out.push_back(kHex[octet & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
  return out;
}

}  // namespace peal::broker
