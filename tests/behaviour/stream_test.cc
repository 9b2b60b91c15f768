// Streams and their consumer groups. Expected replies were observed on redis-server 7.0.15, but for
// what the names of the tests say.

#include <string>
#include <thread>
#include <vector>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class Streams : public Behaviour {
 protected:
  struct Step {
    const char* command;
    const char* reply;
  };
  void Run(const std::vector<Step>& steps) {
    Client client = Connect();
    for (const Step& step : steps) EXPECT_EQ(client.Do(step.command), step.reply) << step.command;
  }
  /// Waits until `count` clients are blocked.
  bool AreBlocked(int64_t count) {
    return Eventually([&] { return InfoNumber("blocked_clients") == count; });
  }
  /// A reply of one entry of one key, in the protocol of the parameter.
  std::string OneEntry(const std::string& key, const std::string& id) const {
    const std::string entries = "[['" + id + "', ['f', 'v']]]";
    return resp() == 3 ? "{'" + key + "': " + entries + "}" : "[['" + key + "', " + entries + "]]";
  }
};
INSTANTIATE_TEST_SUITE_P(, Streams, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(Streams, XaddGivesAndTakesIds) {
  Run({
      {"XADD s 5-1 f v", "'5-1'"},
      {"XADD s 5-1 f v",
       "-ERR The ID specified in XADD is equal or smaller than the target stream top item"},
      {"XADD s 5-* f v", "'5-2'"},
      {"XADD s 4-* f v",
       "-ERR The ID specified in XADD is equal or smaller than the target stream top item"},
      {"XADD s 6 f v", "'6-0'"},
      {"XADD s 0-0 f v", "-ERR The ID specified in XADD must be greater than 0-0"},
      {"XADD s 0-* f v",
       "-ERR The ID specified in XADD is equal or smaller than the target stream top item"},
      {"XADD s x f v", "-ERR Invalid stream ID specified as stream command argument"},
      {"XADD s - f v", "-ERR Invalid stream ID specified as stream command argument"},
      {"XADD s 7-0 f", "-ERR wrong number of arguments for 'xadd' command"},
      {"XADD s 7-0 f v g", "-ERR wrong number of arguments for 'xadd' command"},
      {"XADD none NOMKSTREAM 1-1 f v", "nil"},
      {"EXISTS none", ":0"},
      {"XADD n 0-* f v", "'0-1'"},
      {"XADD s 18446744073709551615-18446744073709551615 f v",
       "'18446744073709551615-18446744073709551615'"},
      {"XADD s * f v",
       "-ERR The stream has exhausted the last possible ID, unable to add more items"},
      {"XLEN s", ":4"},
      {"TYPE s", "stream"},
      {"OBJECT ENCODING s", "'stream'"},
      {"SET k v", "OK"},
      {"XADD k 1-1 f v", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
  });
}

TEST_P(Streams, XaddAndXtrimTrim) {
  Run({
      {"XADD s 1-0 f v", "'1-0'"},
      {"XADD s MAXLEN = 2 2-0 f v", "'2-0'"},
      {"XADD s MAXLEN 2 3-0 f v", "'3-0'"},
      {"XRANGE s - +", "[['2-0', ['f', 'v']], ['3-0', ['f', 'v']]]"},
      {"XADD s MINID 4 4-0 f v", "'4-0'"},
      {"XLEN s", ":1"},
      {"XADD s MAXLEN ~ 1 5-0 f v", "'5-0'"},
      {"XLEN s", ":2"},
      {"XTRIM s MAXLEN ~ 0 LIMIT 1", ":0"},
      {"XTRIM s MAXLEN ~ 0 LIMIT 2", ":2"},
      {"EXISTS s", ":1"},
      {"XTRIM s MAXLEN 0", ":0"},
      {"XTRIM none MAXLEN 0", ":0"},
      {"XTRIM s MAXLEN -1", "-ERR The MAXLEN argument must be >= 0."},
      {"XTRIM s MAXLEN x", "-ERR value is not an integer or out of range"},
      {"XTRIM s MAXLEN 1 LIMIT 1",
       "-ERR syntax error, LIMIT cannot be used without the special ~ option"},
      {"XTRIM s MAXLEN 1 MINID 1",
       "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible"},
      {"XTRIM s LIMIT 1",
       "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"},
      {"XTRIM s bogus 1", "-ERR syntax error"},
  });
}

TEST_P(Streams, RangesAndDeletions) {
  Run({
      {"XADD s 1-0 f v", "'1-0'"},
      {"XADD s 1-1 f v g 12", "'1-1'"},
      {"XADD s 2-0 f v", "'2-0'"},
      {"XRANGE s 1 1", "[['1-0', ['f', 'v']], ['1-1', ['f', 'v', 'g', '12']]]"},
      {"XRANGE s (1-0 + COUNT 1", "[['1-1', ['f', 'v', 'g', '12']]]"},
      {"XREVRANGE s (2-0 - COUNT 1", "[['1-1', ['f', 'v', 'g', '12']]]"},
      {"XRANGE s 2 1", "[]"},
      {"XRANGE s - + COUNT x", "-ERR value is not an integer or out of range"},
      {"XRANGE s (18446744073709551615-18446744073709551615 +",
       "-ERR invalid start ID for the interval"},
      {"XRANGE s - (0-0", "-ERR invalid end ID for the interval"},
      {"XRANGE s - + LIMIT 1", "-ERR syntax error"},
      {"XRANGE none - +", "[]"},
      {"XDEL s 1-0 1-0 9-9", ":1"},
      {"XDEL s 1-1 x", "-ERR Invalid stream ID specified as stream command argument"},
      {"XLEN s", ":2"},
      {"XDEL s 1-1 2-0", ":2"},
      {"XRANGE s - +", "[]"},
      {"EXISTS s", ":1"},
      {"XSETID s 9-0 ENTRIESADDED 7 MAXDELETEDID 8-0", "OK"},
      {"XADD s 9-* f v", "'9-1'"},
      {"XSETID none 1-0", "-ERR no such key"},
  });
}

TEST_P(Streams, AReadOfSeveralKeysAnswersThoseThatHaveSomething) {
  Run({
      {"XADD a 1-0 f v", "'1-0'"},
      {"XADD b 1-0 f v", "'1-0'"},
      {"XREAD STREAMS a b none 0 1-0 0", OneEntry("a", "1-0").c_str()},
      {"XREAD COUNT 1 STREAMS a $", "nil"},
      {"XREAD STREAMS a >",
       "-ERR The > ID can be specified only when calling XREADGROUP using the "
       "GROUP <group> <consumer> option."},
      {"XREAD BLOCK -1 STREAMS a 0", "-ERR timeout is negative"},
      {"XREAD BLOCK x STREAMS a 0", "-ERR timeout is not an integer or out of range"},
      {"XREAD BLOCK 1 STREAMS a $", "nil"},
      {"MULTI", "OK"},
      {"XREAD BLOCK 0 STREAMS a $", "QUEUED"},
      {"EXEC", "[nil]"},
      {"COMMAND GETKEYS XREAD COUNT 1 STREAMS a b 0 0", "['a', 'b']"},
  });
}

TEST_P(Streams, AGroupDeliversAndRemembers) {
  Run({
      {"XADD s 1-0 f v", "'1-0'"},
      {"XGROUP CREATE none g 0",
       "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to "
       "use the MKSTREAM option to create an empty stream automatically."},
      {"XGROUP CREATE s g 0", "OK"},
      {"XGROUP CREATE s g 0", "-BUSYGROUP Consumer Group name already exists"},
      {"XREADGROUP GROUP g c STREAMS s >", OneEntry("s", "1-0").c_str()},
      {"XREADGROUP GROUP g c STREAMS s >", "nil"},
      {"XREADGROUP GROUP g c STREAMS s 0", OneEntry("s", "1-0").c_str()},
      {"XREADGROUP GROUP no c STREAMS s >",
       "-NOGROUP No such key 's' or consumer group 'no' in XREADGROUP with GROUP option"},
      {"XPENDING s g", "[:1, '1-0', '1-0', [['c', '1']]]"},
      {"XCLAIM s g d 0 1-0 JUSTID", "['1-0']"},
      {"XPENDING s g", "[:1, '1-0', '1-0', [['d', '1']]]"},
      {"XPENDING s g IDLE 100000 - + 10", "[]"},
      {"XPENDING s g - + 10 nobody", "[]"},
      {"XAUTOCLAIM s g c 0 0", "['0-0', [['1-0', ['f', 'v']]], []]"},
      {"XDEL s 1-0", ":1"},
      {"XAUTOCLAIM s g d 0 0", "['0-0', [], ['1-0']]"},
      {"XPENDING s g", "[:0, nil, nil, nil]"},
      {"XADD s 2-0 f v", "'2-0'"},
      {"XREADGROUP GROUP g c NOACK STREAMS s >", OneEntry("s", "2-0").c_str()},
      {"XPENDING s g - + 10", "[]"},
      {"XADD s 3-0 f v", "'3-0'"},
      {"XREADGROUP GROUP g c STREAMS s >", OneEntry("s", "3-0").c_str()},
      {"XACK s g 3-0 3-0 9-9", ":1"},
      {"XACK s no 3-0", ":0"},
      {"XGROUP DELCONSUMER s g c", ":0"},
      {"XGROUP CREATECONSUMER s g c", ":1"},
      {"XGROUP CREATECONSUMER s g c", ":0"},
      {"XGROUP SETID s g 2-0", "OK"},
      {"XREADGROUP GROUP g c STREAMS s >", OneEntry("s", "3-0").c_str()},
      {"XGROUP SETID s g bogus", "-ERR Invalid stream ID specified as stream command argument"},
      {"XGROUP DESTROY s g", ":1"},
      {"XGROUP DESTROY s g", ":0"},
      {"XGROUP BOGUS s g", "-ERR unknown subcommand 'BOGUS'. Try XGROUP HELP."},
      {"XPENDING s g", "-NOGROUP No such key 's' or consumer group 'g'"},
  });
}

TEST_P(Streams, ABlockedReadGetsWhatComesAfterIt) {
  Client reader = Connect();
  Client writer = Connect();
  EXPECT_EQ(writer.Do("XADD s 1-0 f v"), "'1-0'");
  reader.SendLine("XREAD BLOCK 0 STREAMS other s $ $");
  ASSERT_TRUE(AreBlocked(1));
  EXPECT_EQ(writer.Do("XADD s 2-0 f v"), "'2-0'");
  EXPECT_EQ(reader.Read().Show(), OneEntry("s", "2-0"));
}

TEST_P(Streams, ABlockedReadSleepsOverWhatIsNothingForIt) {
  Client reader = Connect();
  Client writer = Connect();
  reader.SendLine("XREAD BLOCK 0 STREAMS s 5");
  ASSERT_TRUE(AreBlocked(1));
  EXPECT_EQ(writer.Do("SET s v"), "OK");
  EXPECT_EQ(writer.Do("DEL s"), ":1");
  EXPECT_EQ(writer.Do("XADD s 5-0 f v"), "'5-0'");
  EXPECT_EQ(writer.Do("XADD s 6-0 f v"), "'6-0'");
  EXPECT_EQ(reader.Read().Show(), OneEntry("s", "6-0"));
}

TEST_P(Streams, ConsumersOfOneGroupTakeTurns) {
  Client writer = Connect();
  EXPECT_EQ(writer.Do("XGROUP CREATE s g $ MKSTREAM"), "OK");
  Client first = Connect();
  first.SendLine("XREADGROUP GROUP g a BLOCK 0 STREAMS s >");
  ASSERT_TRUE(AreBlocked(1));
  Client second = Connect();
  second.SendLine("XREADGROUP GROUP g b BLOCK 0 STREAMS s >");
  ASSERT_TRUE(AreBlocked(2));
  EXPECT_EQ(writer.Do("XADD s 1-0 f v"), "'1-0'");
  EXPECT_EQ(first.Read().Show(), OneEntry("s", "1-0"));
  EXPECT_EQ(writer.Do("XADD s 2-0 f v"), "'2-0'");
  EXPECT_EQ(second.Read().Show(), OneEntry("s", "2-0"));
  EXPECT_EQ(writer.Do("XPENDING s g"), "[:2, '1-0', '2-0', [['a', '1'], ['b', '1']]]");
}

TEST_P(Streams, ABlockedConsumerLearnsThatItsGroupHasGoneAsRedis72Tells) {
  if (IsReference()) GTEST_SKIP();  // 7.0 tells it in other words
  constexpr const char* kNoGroup =
      "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option";
  Client writer = Connect();
  Client reader = Connect();
  const auto wait = [&] {
    EXPECT_EQ(writer.Do("XGROUP CREATE s g $ MKSTREAM"), "OK");
    reader.SendLine("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
    return AreBlocked(1);
  };
  ASSERT_TRUE(wait());
  EXPECT_EQ(writer.Do("XGROUP DESTROY s g"), ":1");
  EXPECT_EQ(reader.Read().Show(), kNoGroup);
  ASSERT_TRUE(wait());
  EXPECT_EQ(writer.Do("DEL s"), ":1");
  EXPECT_EQ(reader.Read().Show(), kNoGroup);
  ASSERT_TRUE(wait());
  EXPECT_EQ(writer.Do("FLUSHALL"), "OK");
  EXPECT_EQ(reader.Read().Show(), kNoGroup);
  ASSERT_TRUE(wait());
  EXPECT_EQ(writer.Do("SET s v"), "OK");
  EXPECT_EQ(reader.Read().Show(),
            "-WRONGTYPE Operation against a key holding the wrong kind of value");
}

TEST_P(Streams, ErrorsThatAreNewInRedis72) {
  if (IsReference()) GTEST_SKIP();
  Run({
      {"XADD s 5-0 f v", "'5-0'"},
      {"XDEL s 5-0", ":1"},
      {"XREAD STREAMS a b 0",
       "-ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be "
       "specified."},
  });
}

TEST_P(Streams, XinfoTellsWhatRedis72Tells) {
  if (IsReference()) GTEST_SKIP();
  Client client = Connect();
  for (const char* line :
       {"XADD s 1-0 f v", "XADD s 2-0 f v", "XGROUP CREATE s g 0",
        "XREADGROUP GROUP g c COUNT 1 STREAMS s >", "XGROUP CREATECONSUMER s g idle"}) {
    client.Do(line);
  }
  const auto map = [&](std::vector<std::pair<std::string, std::string>> pairs) {
    std::string text = resp() == 3 ? "{" : "[";
    for (size_t i = 0; i < pairs.size(); ++i) {
      if (i > 0) text += ", ";
      text += "'" + pairs[i].first + "'" + (resp() == 3 ? ": " : ", ") + pairs[i].second;
    }
    return text + (resp() == 3 ? "}" : "]");
  };
  EXPECT_EQ(client.Do("XINFO STREAM s"), map({{"length", ":2"},
                                              {"radix-tree-keys", ":1"},
                                              {"radix-tree-nodes", ":2"},
                                              {"last-generated-id", "'2-0'"},
                                              {"max-deleted-entry-id", "'0-0'"},
                                              {"entries-added", ":2"},
                                              {"recorded-first-entry-id", "'1-0'"},
                                              {"groups", ":1"},
                                              {"first-entry", "['1-0', ['f', 'v']]"},
                                              {"last-entry", "['2-0', ['f', 'v']]"}}));
  EXPECT_EQ(client.Do("XINFO GROUPS s"), "[" +
                                             map({{"name", "'g'"},
                                                  {"consumers", ":2"},
                                                  {"pending", ":1"},
                                                  {"last-delivered-id", "'1-0'"},
                                                  {"entries-read", ":1"},
                                                  {"lag", ":1"}}) +
                                             "]");
  const std::string consumers = client.Do("XINFO CONSUMERS s g");
  EXPECT_THAT(consumers, ::testing::HasSubstr("'inactive'"));
  EXPECT_THAT(consumers, ::testing::HasSubstr(":-1"));
  EXPECT_THAT(client.Do("XINFO STREAM s FULL"), ::testing::HasSubstr("'active-time'"));
  EXPECT_EQ(client.Do("XINFO STREAM none"), "-ERR no such key");
  EXPECT_EQ(client.Do("XINFO STREAM s BOGUS"),
            "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.");
}

TEST_P(Streams, WhatGroupsNoteDownDoesNotBreakAWatch) {
  Client client = Connect();
  Client other = Connect();
  for (const char* line : {"XADD s 1-0 f v", "XGROUP CREATE s g 0", "WATCH s", "MULTI", "XLEN s"}) {
    client.Do(line);
  }
  EXPECT_EQ(other.Do("XREADGROUP GROUP g c STREAMS s >"), OneEntry("s", "1-0"));
  EXPECT_EQ(other.Do("XACK s g 1-0"), ":1");
  EXPECT_EQ(client.Do("EXEC"), "[:1]");
  client.Do("WATCH s");
  client.Do("MULTI");
  EXPECT_EQ(other.Do("XADD s 2-0 f v"), "'2-0'");
  EXPECT_EQ(client.Do("EXEC"), "nil");
}

TEST_P(Streams, ReadsTheLastEntryAsRedis74Does) {
  if (IsReference()) GTEST_SKIP();
  Run({
      {"XADD s 1-0 a b", "'1-0'"},
      {"XADD s 2-0 f v", "'2-0'"},
      {"XREAD STREAMS s none + +", OneEntry("s", "2-0").c_str()},
      {"XDEL s 1-0 2-0", ":2"},
      {"XREAD STREAMS s +", "nil"},
      {"XADD s 3-0 f v", "'3-0'"},
      {"XREAD BLOCK 0 STREAMS s +", OneEntry("s", "3-0").c_str()},
  });
}

TEST_P(Streams, DeletesWithRegardToGroupsAsRedis82Does) {
  if (IsReference()) GTEST_SKIP();
  Run({
      {"XADD s 1-0 f v", "'1-0'"},
      {"XADD s 2-0 f v", "'2-0'"},
      {"XADD s 3-0 f v", "'3-0'"},
      {"XGROUP CREATE s g 0", "OK"},
      {"XGROUP CREATE s h 2-0", "OK"},
      {"XREADGROUP GROUP g c COUNT 1 STREAMS s >", OneEntry("s", "1-0").c_str()},
      {"XDELEX s ACKED IDS 3 1-0 2-0 9-9", "[:2, :2, :-1]"},
      {"XACKDEL s g ACKED IDS 2 1-0 2-0", "[:1, :-1]"},
      {"XLEN s", ":2"},
      {"XREADGROUP GROUP g c STREAMS s > NOACK",
       "-ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be "
       "specified."},
      {"XREADGROUP GROUP g c COUNT 1 STREAMS s >", OneEntry("s", "2-0").c_str()},
      {"XDELEX s IDS 1 2-0", "[:1]"},
      {"XPENDING s g", "[:1, '2-0', '2-0', [['c', '1']]]"},
      {"XDELEX s DELREF IDS 1 2-0", "[:-1]"},
      {"XPENDING s g - + 9", "[]"},
      {"XADD s 4-0 f v", "'4-0'"},
      {"XREADGROUP GROUP g c COUNT 1 STREAMS s >", OneEntry("s", "3-0").c_str()},
      {"XACK s g 3-0", ":1"},
      {"XTRIM s ACKED MAXLEN 0", ":0"},
      {"XGROUP SETID s h 3-0", "OK"},
      {"XTRIM s MAXLEN 0 ACKED", ":1"},
      {"XREADGROUP GROUP g c COUNT 1 STREAMS s >", OneEntry("s", "4-0").c_str()},
      {"XADD s DELREF MAXLEN 0 5-0 f v", "'5-0'"},
      {"XPENDING s g - + 9", "[]"},
      {"XDELEX none IDS 2 1-0 2-0", "[:-1, :-1]"},
      {"XACKDEL s none IDS 1 1-0", "[:-1]"},
      {"XDELEX s IDS 0 1-0", "-ERR Number of IDs must be a positive integer"},
      {"XDELEX s IDS 9223372036854775807 1-0",
       "-ERR The `numids` parameter must match the number of arguments"},
      {"XDELEX s IDS 1 1-0 2-0", "-ERR syntax error"},
      {"XDELEX s KEEPREF ACKED IDS 1 1-0", "-ERR syntax error"},
      {"XDELEX s IDS 1 x", "-ERR Invalid stream ID specified as stream command argument"},
  });
}

}  // namespace
}  // namespace peal::tests
