// Every row of the glob grammar, through PSUBSCRIBE and PUBLISH.
// Expected results were observed on redis-server 7.0.15.

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class PubSubGlobs : public Behaviour {};
INSTANTIATE_TEST_SUITE_P(, PubSubGlobs, ::testing::ValuesIn(AllSetups()), SetupName);

struct Row {
  std::string pattern;
  std::vector<std::string> matching;
  std::vector<std::string> other;
};

const Row kRows[] = {
    {"", {""}, {"a"}},
    {"*", {"a", "a.b"}, {""}},
    {"**", {"a"}, {""}},
    {"a*", {"a", "ab", "a.b.c"}, {"", "b", "ba"}},
    {"a**", {"a", "ab"}, {"b"}},
    {"*a", {"a", "ba", "b.a"}, {"", "ab"}},
    {"news.*", {"news.", "news.a", "news.a.b"}, {"news", "News.a"}},
    {"*.golf", {".golf", "news.golf", "a.b.golf"}, {"golf", "a.golfx"}},
    {"news.*.golf", {"news.x.golf", "news.a.b.golf", "news..golf"}, {"news.golf"}},
    {"a*b*c", {"abc", "aXbYc", "abbcc"}, {"acb", "ab", "abcd"}},
    {"*?", {"a", "ab"}, {""}},
    {"?*", {"a", "ab"}, {""}},
    {"h?llo", {"hello", "h?llo", std::string("h\0llo", 5)}, {"hllo", "heello"}},
    {"h[ae]llo", {"hello", "hallo"}, {"hillo", "h[ae]llo"}},
    {"h[^e]llo", {"hallo"}, {"hello", "hllo"}},
    {"h[!e]llo", {"h!llo", "hello"}, {"hallo"}},
    {"h[a-b]llo", {"hallo", "hbllo"}, {"hcllo", "h-llo"}},
    {"h[b-a]llo", {"hallo", "hbllo"}, {"hcllo"}},
    {"[-a]", {"-", "a"}, {"b"}},
    {"[a-]", {"a", "]", "^"}, {"-", "b"}},
    {"[a-c-e]", {"a", "b", "c", "-", "e"}, {"d"}},
    {"[a\\-z]", {"a", "-", "z"}, {"m", "\\"}},
    {"[a-\\]]", {"a]", "\\]", "`]"}, {"b]", "a"}},
    {"[]", {}, {"", "]", "[]", "a"}},
    {"[]a]", {}, {"]", "a", "a]", "]a]"}},
    {"[^]", {"a", "]", "^"}, {"", "ab"}},
    {"[^]]", {"a]", "]]"}, {"]", "a"}},
    {"[\\]]", {"]"}, {"\\", "\\]"}},
    {"[*]", {"*"}, {"a", ""}},
    {"[?]", {"?"}, {"a"}},
    {"[[]", {"["}, {"a"}},
    {"[", {}, {"", "[", "a"}},
    {"x[", {}, {"x", "x["}},
    {"[^", {"a", "^"}, {"", "ab"}},
    {"[a", {"a"}, {"[a", "b"}},
    {"[ab", {"a", "b"}, {"ab", "c"}},
    {"[^a", {"b"}, {"a"}},
    {"[a-", {"a", "-"}, {"b"}},
    {"[\\", {"\\"}, {"a"}},
    {"[a\\", {"a", "\\"}, {"b"}},
    {"\\*", {"*"}, {"a", "\\*"}},
    {"\\?", {"?"}, {"a"}},
    {"\\\\", {"\\"}, {"\\\\"}},
    {"\\a", {"a"}, {"\\a"}},
    {"\\", {"\\"}, {""}},
    {"a\\", {"a\\"}, {"a"}},
    {"\\[a]", {"[a]"}, {"a"}},
    {std::string("a\0*", 3), {std::string("a\0b", 3), std::string("a\0", 2)}, {"a", "ab"}},
    {"a\r\n*", {"a\r\nb"}, {"a"}},
    {"한*", {"한글"}, {"글한"}},
    {"{a,b}", {"{a,b}"}, {"a", "b"}},
};

TEST_P(PubSubGlobs, AnyPatternAloneMatchesWhatRedisMatches) {
  Client subscriber = Connect();
  Client publisher = Connect();
  for (const Row& row : kRows) {
    Subscribe(subscriber, {"PSUBSCRIBE", row.pattern});
    for (const std::string& channel : row.matching) {
      EXPECT_EQ(publisher.Call({"PUBLISH", channel, "x"}).integer, 1)
          << Escaped(row.pattern) << " on " << Escaped(channel);
    }
    for (const std::string& channel : row.other) {
      EXPECT_EQ(publisher.Call({"PUBLISH", channel, "x"}).integer, 0)
          << Escaped(row.pattern) << " on " << Escaped(channel);
    }
    for (const std::string& channel : row.matching) {
      EXPECT_EQ(subscriber.ReadRaw(), RawFrame({"pmessage", row.pattern, channel, "x"}));
    }
    Subscribe(subscriber, {"PUNSUBSCRIBE", row.pattern});
  }
}

TEST_P(PubSubGlobs, AllPatternsTogetherMatchAsEachAlone) {
  Client subscriber = Connect();
  Client publisher = Connect();
  for (const Row& row : kRows) Subscribe(subscriber, {"PSUBSCRIBE", row.pattern});
  for (const Row& row : kRows) {
    for (const std::string& channel : row.matching) {
      const int64_t count = publisher.Call({"PUBLISH", channel, "x"}).integer;
      std::vector<std::string> patterns;
      for (int64_t i = 0; i < count; ++i) patterns.push_back(subscriber.Read().At(1));
      EXPECT_THAT(patterns, ::testing::Contains(row.pattern)) << Escaped(channel);
      for (const Row& other : kRows) {
        for (const std::string& text : other.other) {
          if (text != channel) continue;
          EXPECT_THAT(patterns, ::testing::Not(::testing::Contains(other.pattern)))
              << Escaped(channel);
        }
      }
    }
  }
}

TEST_P(PubSubGlobs, ExpensivePatternsDoNotHoldUpThePublisher) {
  if (IsReference()) GTEST_SKIP() << "redis-server is slow here";
  Client subscriber = Connect();
  std::string stars;
  for (int i = 0; i < 60; ++i) stars += "a*";
  Subscribe(subscriber, {"PSUBSCRIBE", stars + "b", "*" + stars + "[b-c]"});
  Client publisher = Connect();
  EXPECT_EQ(publisher.Call({"PUBLISH", std::string(20'000, 'a'), "x"}).integer, 0);
}

}  // namespace
}  // namespace peal::tests
