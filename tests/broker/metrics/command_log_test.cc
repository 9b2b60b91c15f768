#include "broker/metrics/command_log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace peal::broker {
namespace {

std::vector<CommandLog::Entry> LogOne(const std::vector<std::string>& words) {
  const std::vector<std::string_view> args(words.begin(), words.end());
  CommandLog log;
  log.Add(args, 7, "1.2.3.4:5", "me", 10);
  return log.Latest(-1);
}

TEST(CommandLogTest, KeepsTheNewestUpToItsLength) {
  CommandLog log;
  const std::vector<std::string_view> args = {"get", "a"};
  for (int i = 0; i < 5; ++i) log.Add(args, i, "", "", 3);
  const auto entries = log.Latest(-1);
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].value, 4);
  EXPECT_EQ(entries[0].id, 4);
  EXPECT_EQ(entries[2].value, 2);
  EXPECT_EQ(log.Latest(2).size(), 2u);
  EXPECT_EQ(log.Latest(100).size(), 3u);
  EXPECT_EQ(log.Latest(0).size(), 0u);
}

TEST(CommandLogTest, IdsGoOnAfterClearing) {
  CommandLog log;
  const std::vector<std::string_view> args = {"get", "a"};
  log.Add(args, 1, "", "", 3);
  log.Clear();
  EXPECT_EQ(log.size(), 0u);
  log.Add(args, 1, "", "", 3);
  EXPECT_EQ(log.Latest(-1)[0].id, 1);
}

TEST(CommandLogTest, ALengthOfNothingKeepsNothing) {
  CommandLog log;
  const std::vector<std::string_view> args = {"get", "a"};
  log.Add(args, 1, "", "", 0);
  EXPECT_EQ(log.size(), 0u);
}

TEST(CommandLogTest, TrimmingDropsTheOldest) {
  CommandLog log;
  const std::vector<std::string_view> args = {"get", "a"};
  for (int i = 0; i < 5; ++i) log.Add(args, i, "", "", 10);
  log.Trim(2);
  ASSERT_EQ(log.size(), 2u);
  EXPECT_EQ(log.Latest(-1)[1].value, 3);
}

// Texts observed on redis-server 7.0.15.
TEST(CommandLogTest, CutsManyArgumentsAsRedisDoes) {
  std::vector<std::string> words = {"mset"};
  for (int i = 0; i < 32; ++i) words.push_back("w");
  const auto entries = LogOne(words);
  ASSERT_EQ(entries[0].args.size(), 32u);
  EXPECT_EQ(entries[0].args.back(), "... (2 more arguments)");
  words.pop_back();
  EXPECT_EQ(LogOne(words)[0].args.back(), "w");
}

TEST(CommandLogTest, CutsLongArgumentsAsRedisDoes) {
  const auto entries = LogOne({"set", std::string(128, 'a'), std::string(130, 'b')});
  EXPECT_EQ(entries[0].args[1], std::string(128, 'a'));
  EXPECT_EQ(entries[0].args[2], std::string(128, 'b') + "... (2 more bytes)");
}

}  // namespace
}  // namespace peal::broker
