#include "broker/config/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace peal::broker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

TEST(Words, AreSeparatedByAnyRunOfBlanks) {
  EXPECT_THAT(SplitWords("  port \t 7000 \r\n"), Optional(ElementsAre("port", "7000")));
  EXPECT_THAT(SplitWords(" \t"), Optional(IsEmpty()));
}

TEST(Words, InDoubleQuotesKnowEscapes) {
  EXPECT_THAT(SplitWords(R"(a "b c" "\x41\n\t\"\\\q" "")"),
              Optional(ElementsAre("a", "b c", "A\n\t\"\\q", "")));
  EXPECT_THAT(SplitWords(R"("\xzz" "\x4")"), Optional(ElementsAre("xzz", "x4")));
}

TEST(Words, InSingleQuotesKnowOnlyTheEscapedQuote) {
  EXPECT_THAT(SplitWords(R"('a \n b' 'it\'s' '')"), Optional(ElementsAre("a \\n b", "it's", "")));
}

TEST(Words, MayHaveAQuotedEnd) {
  EXPECT_THAT(SplitWords(R"(foo"bar baz" x)"), Optional(ElementsAre("foobar baz", "x")));
}

TEST(Words, WithUnbalancedQuotesAreRefused) {
  for (const char* line : {"\"a", "'a", "\"a\"b", "'a'b", "a \"b\\\"", "\"a\"\"b\""})
    EXPECT_EQ(SplitWords(line), std::nullopt) << line;
}

TEST(Words, SurviveQuotingAndSplitting) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::string word(random() % 12, '\0');
    for (char& c : word) c = static_cast<char>(random());
    EXPECT_THAT(SplitWords(QuoteWord(word)), Optional(ElementsAre(word)));
  }
}

}  // namespace
}  // namespace peal::broker
