#include "patterns/glob.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "patterns/glob_scan.h"
#include "patterns/re2.h"
#include "tests/patterns/random_globs.h"

namespace peal::patterns {
namespace {

using std::string_view_literals::operator""sv;

struct Row {
  std::string_view pattern;
  std::string_view text;
  bool matches;
};

// Observed with redis-server 7.0.15, but for the bytes from 0x80, marked Differs in the matcher.
constexpr Row kRows[] = {
    {"", "", true},
    {"", "a", false},
    {"a", "", false},
    {"*", "", false},
    {"**", "", false},
    {"*", "a", true},
    {"**", "abc", true},
    {"a*", "a", true},
    {"a**", "a", true},
    {"a*b", "ab", true},
    {"a***b", "axxb", true},
    {"news.*", "news.", true},
    {"news.*", "news", false},
    {"news.*", "news.a.b", true},
    {"*?", "a", true},
    {"?*", "a", true},
    {"?", "", false},
    {"?", "ab", false},
    {"h?llo", "hello", true},
    {"h[^e]llo", "hallo", true},
    {"h[^e]llo", "hello", false},
    {"h[!e]llo", "h!llo", true},
    {"h[!e]llo", "hello", true},
    {"h[!e]llo", "hallo", false},
    {"h[b-a]llo", "hallo", true},
    {"h[b-a]llo", "hbllo", true},
    {"h[b-a]llo", "hcllo", false},
    {"[-a]", "-", true},
    {"[-a]", "a", true},
    {"[-a]", "b", false},
    {"[a-]", "a", true},
    {"[a-]", "]", true},
    {"[a-]", "^", true},
    {"[a-]", "-", false},
    {"[a-c-e]", "-", true},
    {"[a-c-e]", "e", true},
    {"[a-c-e]", "b", true},
    {"[a-c-e]", "d", false},
    {"[a\\-z]", "-", true},
    {"[a\\-z]", "z", true},
    {"[a\\-z]", "m", false},
    {"[a-\\]]", "a]", true},
    {"[a-\\]]", "b]", false},
    {"[a-\\]]", "a", false},
    {"[]", "", false},
    {"[]", "]", false},
    {"[]a]", "a", false},
    {"[]a]", "]", false},
    {"[]a]", "]a]", false},
    {"[^]", "a", true},
    {"[^]", "]", true},
    {"[^]", "", false},
    {"[^]", "ab", false},
    {"[^]]", "a]", true},
    {"[^]]", "]", false},
    {"[\\]]", "]", true},
    {"[\\]]", "\\", false},
    {"[*]", "*", true},
    {"[*]", "a", false},
    {"[?]", "?", true},
    {"[?]", "a", false},
    {"[[]", "[", true},
    {"[", "[", false},
    {"[", "", false},
    {"x[", "x[", false},
    {"x[", "x", false},
    {"[^", "a", true},
    {"[^", "", false},
    {"[a", "a", true},
    {"[a", "b", false},
    {"[ab", "b", true},
    {"[^a", "b", true},
    {"[^a", "a", false},
    {"[a-", "a", true},
    {"[a-", "-", true},
    {"[a-", "b", false},
    {"[\\", "\\", true},
    {"[a\\", "\\", true},
    {"[a\\", "a", true},
    {"\\*", "*", true},
    {"\\*", "a", false},
    {"\\?", "?", true},
    {"\\\\", "\\", true},
    {"\\a", "a", true},
    {"\\", "\\", true},
    {"a\\", "a\\", true},
    {"\\[a]", "[a]", true},
    {"\\[a]", "a", false},
    {"{a,b}", "a", false},
    {"{a,b}", "{a,b}", true},
    {"[a-\xff]", "z", true},
    {"[a-\xff]", "\x80", true},
    {"[a-\xff]", "A", false},
    {"[\x80-\xff]", "\x90", true},
    {"[\x80-\xff]", "a", false},
    {"a\0*"sv, "a\0b"sv, true},
    {"a\0*"sv, "ab"sv, false},
    {"[\0]"sv, "\0"sv, true},
    {"\0"sv, ""sv, false},
    {"A", "a", false},
    {"*a*b*c", "xxaxxbxxcxxc", true},
    {"*a*b*c", "xxaxxbxxcxxd", false},
    {"*ab", "aab", true},
    {"*.golf", "news.sports.golf", true},
    {"*.golf", "golf", false},
};

TEST(Glob, EveryRowOfTheContractHolds) {
  for (const Row& row : kRows)
    EXPECT_EQ(GlobMatch(row.pattern, row.text), row.matches)
        << Printable(row.pattern) << " on " << Printable(row.text);
}

TEST(Glob, TheRe2TranslationAgreesOnEveryRow) {
  for (const Row& row : kRows) {
    const re2::RE2 regex(GlobToRe2(row.pattern), Re2GlobOptions(1 << 20));
    ASSERT_TRUE(regex.ok()) << Printable(row.pattern) << regex.error();
    EXPECT_EQ(re2::RE2::FullMatch(row.text, regex), row.matches)
        << Printable(row.pattern) << " on " << Printable(row.text);
  }
}

TEST(Glob, AThousandSeparateStarsMatchAndOneMoreDoesNot) {
  std::string pattern;
  for (size_t i = 0; i < kMaxStars; ++i) pattern += "*a";
  const std::string text(kMaxStars + 1, 'a');
  EXPECT_TRUE(GlobMatch(pattern, text));
  EXPECT_TRUE(GlobMatch(pattern + "*", text));
  EXPECT_FALSE(GlobMatch(pattern + "*a", text));
}

TEST(Glob, StarsInOneRunCountOnce) {
  EXPECT_TRUE(GlobMatch(std::string(5'000, '*') + "a", "bba"));
  EXPECT_TRUE(GlobMatch("a" + std::string(5'000, '*'), "a"));
}

TEST(Glob, WithoutCaseLettersAreEqualButEscapedMembersAreExact) {
  EXPECT_TRUE(GlobMatchNoCase("MAX*", "maxmemory"));
  EXPECT_TRUE(GlobMatchNoCase("max*", "MAXMEMORY"));
  EXPECT_TRUE(GlobMatchNoCase("[M]ax", "max"));
  EXPECT_TRUE(GlobMatchNoCase("[a-c]x", "BX"));
  EXPECT_TRUE(GlobMatchNoCase("[A-C]x", "bx"));
  EXPECT_FALSE(GlobMatchNoCase("[\\M]ax", "max"));
  EXPECT_TRUE(GlobMatchNoCase("[\\m]ax", "mAX"));
  EXPECT_FALSE(GlobMatchNoCase("[Z-a]", "m"));  // swapped before lowering: 'z' .. 'a' holds nothing
  EXPECT_FALSE(GlobMatchNoCase("max", "min"));
}

/// The grammar written down a second time, as plainly as it goes: a table of reachable positions.
/// Cost: pattern times text.
bool PlainMatch(std::string_view pattern, std::string_view text) {
  if (text.empty()) return pattern.empty();
  std::vector<bool> reached(text.size() + 1, false);
  reached[0] = true;
  for (size_t p = 0; p < pattern.size();) {
    ByteSet members;
    const Token token = ScanToken(pattern, p, members);
    std::vector<bool> next(text.size() + 1, false);
    bool before = false;
    for (size_t t = 0; t <= text.size(); ++t) {
      if (token.kind == TokenKind::kStar) {
        before = before || reached[t];
        next[t] = before;
        continue;
      }
      if (t == text.size() || !reached[t]) continue;
      const auto byte = static_cast<unsigned char>(text[t]);
      next[t + 1] = token.kind == TokenKind::kAny ||
                    (token.kind == TokenKind::kClass ? members.Contains(byte) : token.byte == byte);
    }
    reached = next;
  }
  return reached[text.size()];
}

TEST(Glob, RandomPairsAgreeWithThePlainTableAndWithRe2) {
  constexpr uint64_t kSeed = 20'261'121;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  RandomGlobs random(kSeed);
  size_t matched = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string pattern = random.Pattern();
    const re2::RE2 regex(GlobToRe2(pattern), Re2GlobOptions(1 << 20));
    ASSERT_TRUE(regex.ok()) << Printable(pattern) << regex.error();
    for (int j = 0; j < 4; ++j) {
      const std::string text = j == 0 ? random.Text() : random.TextFor(pattern);
      const bool expected = PlainMatch(pattern, text);
      matched += expected;
      ASSERT_EQ(GlobMatch(pattern, text), expected) << Printable(pattern) << Printable(text);
      ASSERT_EQ(re2::RE2::FullMatch(text, regex), expected)
          << Printable(pattern) << Printable(text);
    }
  }
  EXPECT_GT(matched, 10'000U);
}

TEST(Glob, LongPairsThatLeaveTheQuickPathAgreeWithRe2) {
  constexpr uint64_t kSeed = 7;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  RandomGlobs random(kSeed);
  size_t matched = 0;
  for (int i = 0; i < 300; ++i) {
    // A head that backtracks for long, then random pieces in a text of few letters.
    std::string pattern = "*" + std::string(90 + random.Below(80), 'a') + "*";
    std::string text(4'000, 'a');
    const std::string inner = random.Pattern(30) + random.Pattern(80);
    pattern += inner;
    text += random.TextFor(inner);
    if (random.Below(2) == 0) {
      pattern += "*b?[ab]*" + std::string(100, '?') + "b";
      text += "bab" + std::string(100, 'a') + "b";
    }
    const re2::RE2 regex(GlobToRe2(pattern), Re2GlobOptions(8 << 20));
    const bool expected = re2::RE2::FullMatch(text, regex);
    matched += expected;
    ASSERT_EQ(GlobMatch(pattern, text), expected) << i << Printable(pattern);
  }
  EXPECT_GT(matched, 5U);
}

struct Burner {
  const char* name;
  std::string pattern;
  std::string text;
};

TEST(Glob, NoPatternOf64KiBCostsMoreThanItsBound) {
  constexpr size_t kSize = 65'536;
  std::string stars;
  for (size_t i = 0; i < kSize / 2; ++i) stars += "*a";
  std::string classes;
  for (size_t i = 0; i < kSize / 8; ++i) classes += "[ab]";
  std::string many_pieces;
  for (size_t i = 0; i < kSize / 12; ++i) many_pieces += "*?a[ab]aaaab";
  const Burner burners[] = {
      {"literal half", "*" + std::string(kSize / 2, 'a') + "b", std::string(kSize, 'a')},
      {"stars", stars + "b", std::string(kSize, 'a')},
      {"question marks", "*" + std::string(kSize / 2, '?') + "b*", std::string(kSize, 'a')},
      {"classes", "*" + classes + "c*", std::string(kSize, 'a')},
      {"pieces", many_pieces + "*", std::string(kSize, 'a')},
      {"giant class", "*[" + std::string(kSize, 'b') + "]", std::string(kSize, 'a')},
      {"unclosed", "*[" + std::string(kSize, 'b'), std::string(kSize, 'a')},
  };
  for (const Burner& burner : burners) {
    uint64_t steps = 0;
    EXPECT_FALSE(GlobMatchCounting(burner.pattern, burner.text, steps)) << burner.name;
    // 64 K bytes of text against 512 words of 64 states, and some for the rest.
    EXPECT_LT(steps, kSize * 700) << burner.name;
    RecordProperty(burner.name, static_cast<int>(steps));
  }
}

TEST(Glob, PiecesOfUpTo64StepsCostTimeLinearInTheText) {
  constexpr size_t kSize = 1'000'000;
  const std::string pattern = "*" + std::string(40, 'a') + "?" + std::string(20, 'a') + "b*";
  uint64_t steps = 0;
  EXPECT_FALSE(GlobMatchCounting(pattern, std::string(kSize, 'a'), steps));
  EXPECT_LT(steps, 2 * kSize);
}

}  // namespace
}  // namespace peal::patterns
