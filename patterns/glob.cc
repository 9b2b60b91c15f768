#include "patterns/glob.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "patterns/glob_scan.h"

namespace peal::patterns {
namespace {

/// Steps the backtracking matcher may take before the bounded one starts over. Nearly every real
/// pair ends far below it; the worst one wastes some 20 us.
constexpr uint64_t kBacktrackSteps = 16'384;

unsigned char ByteAt(std::string_view bytes, size_t pos) {
  return static_cast<unsigned char>(bytes[pos]);
}

/// Whether the stars of `pattern` that something follows are at most kMaxStars.
bool StarsWithinLimit(std::string_view pattern) {
  if (pattern.size() <= 2 * kMaxStars) return true;
  size_t stars = 0;
  ByteSet members;
  for (size_t pos = 0; pos < pattern.size();) {
    const Token token = ScanToken(pattern, pos, members);
    if (token.kind == TokenKind::kStar && pos < pattern.size() && ++stars > kMaxStars) return false;
  }
  return true;
}

/// Two pointers and one way back, to the last star: enough because an earlier star that takes more
/// bytes only makes the rest harder. Returns nothing when `budget` steps did not decide.
template <bool kNoCase>
std::optional<bool> MatchBacktracking(std::string_view pattern, std::string_view text,
                                      uint64_t budget, uint64_t& steps) {
  constexpr size_t kNone = std::string_view::npos;
  size_t p = 0;
  size_t t = 0;
  size_t star = kNone;   // pattern position after the last star
  size_t star_text = 0;  // text position its run ends at for now
  uint64_t spent = 0;
  const auto finish = [&](bool is_match) {
    steps += spent;
    return is_match;
  };
  while (t < text.size()) {
    if (spent > budget) return finish(false), std::nullopt;
    ++spent;
    bool fits = false;
    if (p < pattern.size()) {
      const unsigned char byte = ByteAt(text, t);
      size_t next = p + 1;
      switch (pattern[p]) {
        case '*':
          while (next < pattern.size() && pattern[next] == '*') ++next;
          if (next == pattern.size()) return finish(true);
          p = star = next;
          star_text = t;
          continue;
        case '?':
          fits = true;
          break;
        case '[':
          fits = ClassContains<kNoCase>(pattern, next, byte);
          spent += next - p;
          break;
        case '\\':
          if (next < pattern.size()) ++next;
          [[fallthrough]];
        default: {
          const unsigned char literal = ByteAt(pattern, next - 1);
          fits = kNoCase ? LowerByte(literal) == LowerByte(byte) : literal == byte;
        }
      }
      if (fits) {
        p = next;
        ++t;
        continue;
      }
    }
    if (star == kNone) return finish(false);
    p = star;
    t = ++star_text;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return finish(p == pattern.size());
}

/// What stands between two stars, prepared for searching.
class Piece {
 public:
  /// Reads from `pos` to the next star or the end. False as soon as the piece needs more than
  /// `most` bytes of text, so that a giant pattern costs no more than its text.
  template <bool kNoCase>
  bool Read(std::string_view pattern, size_t& pos, size_t most, uint64_t& steps) {
    sets_.clear();
    literal_.clear();
    is_literal_ = true;
    size_t length = 0;
    while (pos < pattern.size() && pattern[pos] != '*') {
      if (++length > most) return false;
      ByteSet members;
      const size_t before = pos;
      const Token token = ScanToken<kNoCase>(pattern, pos, members);
      steps += pos - before;
      if (token.kind == TokenKind::kLiteral) {
        members.Add(token.byte);
        if (kNoCase) {
          const unsigned char lower = LowerByte(token.byte);
          members.Add(lower);
          if (lower >= 'a' && lower <= 'z') members.Add(lower & 0xDF);
        }
      } else if (token.kind == TokenKind::kAny) {
        members.Invert();
      }
      if (is_literal_ && token.kind == TokenKind::kLiteral && members.Count() == 1) {
        literal_.push_back(static_cast<char>(token.byte));
        continue;
      }
      if (is_literal_) {  // the first step that is not literal: go over to sets
        is_literal_ = false;
        for (const char byte : literal_) {
          ByteSet one;
          one.Add(static_cast<unsigned char>(byte));
          sets_.push_back(one);
        }
      }
      sets_.push_back(members);
    }
    return true;
  }

  size_t size() const { return is_literal_ ? literal_.size() : sets_.size(); }

  /// Whether the piece matches at `at`; needs at + size() <= text.size().
  bool MatchesAt(std::string_view text, size_t at, uint64_t& steps) const {
    if (is_literal_) {
      steps += literal_.size();
      return text.substr(at, literal_.size()) == literal_;
    }
    for (size_t i = 0; i < sets_.size(); ++i) {
      ++steps;
      if (!sets_[i].Contains(ByteAt(text, at + i))) return false;
    }
    return true;
  }

  /// First position from `from` where the piece matches, or npos.
  size_t FindIn(std::string_view text, size_t from, uint64_t& steps) {
    if (size() > text.size() - from) return std::string_view::npos;
    if (is_literal_) return FindLiteral(text, from, steps);
    if (size() <= kShortPiece) return FindShort(text, from, steps);
    return FindBitParallel(text, from, steps);
  }

 private:
  static constexpr size_t kShortPiece = 8;  // below this a naive search costs as little as a table

  size_t FindLiteral(std::string_view text, size_t from, uint64_t& steps) const {
    // memmem and not string_view::find: glibc's is linear for any needle (two-way search).
    const void* at =
        memmem(text.data() + from, text.size() - from, literal_.data(), literal_.size());
    const size_t found = at == nullptr
                             ? std::string_view::npos
                             : static_cast<size_t>(static_cast<const char*>(at) - text.data());
    steps += (at == nullptr ? text.size() : found) - from + literal_.size();
    return found;
  }

  size_t FindShort(std::string_view text, size_t from, uint64_t& steps) const {
    for (size_t at = from; at + sets_.size() <= text.size(); ++at)
      if (MatchesAt(text, at, steps)) return at;
    return std::string_view::npos;
  }

  /// Shift-And (Baeza-Yates and Gonnet, 1992) over as many words as the piece needs: bit i says
  /// that the last i + 1 bytes match the first i + 1 steps.
  size_t FindBitParallel(std::string_view text, size_t from, uint64_t& steps) {
    const size_t words = (sets_.size() + 63) / 64;
    masks_.assign(words * 256, 0);
    steps += words * 256;
    for (size_t i = 0; i < sets_.size(); ++i)
      for (unsigned value = 0; value < 256; ++value)
        if (sets_[i].Contains(static_cast<unsigned char>(value)))
          masks_[value * words + i / 64] |= uint64_t{1} << (i % 64);
    steps += sets_.size() * 4;
    state_.assign(words, 0);
    const uint64_t last = uint64_t{1} << ((sets_.size() - 1) % 64);
    for (size_t t = from; t < text.size(); ++t) {
      const uint64_t* mask = masks_.data() + ByteAt(text, t) * words;
      uint64_t carry = 1;
      for (size_t w = 0; w < words; ++w) {
        const uint64_t shifted = state_[w] << 1 | carry;
        carry = state_[w] >> 63;
        state_[w] = shifted & mask[w];
      }
      steps += words;
      if ((state_[words - 1] & last) != 0) return t + 1 - sets_.size();
    }
    return std::string_view::npos;
  }

  bool is_literal_ = true;
  std::string literal_;
  std::vector<ByteSet> sets_;
  std::vector<uint64_t> masks_;  // [byte][word]
  std::vector<uint64_t> state_;
};

/// Takes the pieces between stars one after the other, each at its first place: no step back.
template <bool kNoCase>
bool MatchByPieces(std::string_view pattern, std::string_view text, uint64_t& steps) {
  Piece piece;
  size_t p = 0;
  if (!piece.Read<kNoCase>(pattern, p, text.size(), steps)) return false;
  if (!piece.MatchesAt(text, 0, steps)) return false;
  size_t t = piece.size();
  if (p == pattern.size()) return t == text.size();
  while (true) {
    steps += 1;
    while (p < pattern.size() && pattern[p] == '*') ++p;
    if (p == pattern.size()) return true;
    if (!piece.Read<kNoCase>(pattern, p, text.size() - t, steps)) return false;
    if (p == pattern.size()) return piece.MatchesAt(text, text.size() - piece.size(), steps);
    const size_t found = piece.FindIn(text, t, steps);
    if (found == std::string_view::npos) return false;
    t = found + piece.size();
  }
}

template <bool kNoCase>
bool Match(std::string_view pattern, std::string_view text, uint64_t& steps) {
  // Redis needs a byte of text before it looks at a star.
  if (text.empty()) return pattern.empty();
  const std::optional<bool> quick =
      MatchBacktracking<kNoCase>(pattern, text, kBacktrackSteps, steps);
  const bool is_match = quick ? *quick : MatchByPieces<kNoCase>(pattern, text, steps);
  return is_match && StarsWithinLimit(pattern);
}

}  // namespace

bool GlobMatch(std::string_view pattern, std::string_view text) {
  uint64_t steps = 0;
  return Match<false>(pattern, text, steps);
}

bool GlobMatchNoCase(std::string_view pattern, std::string_view text) {
  uint64_t steps = 0;
  return Match<true>(pattern, text, steps);
}

bool GlobMatchCounting(std::string_view pattern, std::string_view text, uint64_t& steps) {
  return Match<false>(pattern, text, steps);
}

}  // namespace peal::patterns
