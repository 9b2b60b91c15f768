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
  /// A reply of XREADGROUP with CLAIM about the key s: `entries` are the insides of arrays.
  std::string ClaimedEntries(const std::vector<std::string>& entries) const {
    std::string all;
    for (const std::string& entry : entries) all += (all.empty() ? "[" : ", [") + entry + "]";
    return resp() == 3 ? "{'s': [" + all + "]}" : "[['s', [" + all + "]]]";
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

TEST_P(Streams, IdsMayBeWrittenAsTheCLibraryReadsNumbers) {
  Client client = Connect();
  EXPECT_EQ(client.Do("XADD s 5-3 f v"), "'5-3'");
  for (const char* id : {"05-03", "+5-+3", " 5- 3", "\t5-3", "5--18446744073709551613"}) {
    EXPECT_EQ(client.Call({"XRANGE", "s", id, id}).items.size(), 1U) << id;
  }
  for (const char* id : {"5--3", "5-3 ", "+ 5", "++5", "5-018446744073709551616", " ", "0x5"}) {
    EXPECT_EQ(client.Call({"XRANGE", "s", id, id}).Show(),
              "-ERR Invalid stream ID specified as stream command argument")
        << id;
  }
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

TEST_P(Streams, CountersEndAtTheirGreatest) {
  if (IsReference()) GTEST_SKIP();  // goes on to negative numbers
  Client client = Connect();
  const std::string greatest = "9223372036854775807";
  EXPECT_EQ(client.Do("XADD s 1-0 f v"), "'1-0'");
  EXPECT_EQ(client.Do("XSETID s 1-0 ENTRIESADDED " + greatest), "OK");
  EXPECT_EQ(client.Do("XGROUP CREATE s g 1-0 ENTRIESREAD " + greatest), "OK");
  EXPECT_EQ(client.Do("XADD s 2-0 f v"), "'2-0'");
  client.Do("XREADGROUP GROUP g c STREAMS s >");
  const Reply stream = client.Call({"XINFO", "STREAM", "s"});
  EXPECT_EQ(stream.Find("entries-added")->Show(), ":" + greatest);
  const Reply groups = client.Call({"XINFO", "GROUPS", "s"});
  EXPECT_EQ(groups.items.at(0).Find("entries-read")->Show(), ":" + greatest);
  // What it is, it must be after a restart, too.
  const Reply payload = client.Call({"DUMP", "s"});
  EXPECT_EQ(client.Call({"RESTORE", "t", "0", payload.text}).Show(), "OK");
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

// ---------------------------------------------------------------- CLAIM of Redis 8.4, XNACK of 8.8

TEST_P(Streams, XreadgroupClaimsWhatHasBeenPendingForLong) {
  if (IsReference()) GTEST_SKIP();
  Run({
      {"XADD s 1-0 f v", "'1-0'"},
      {"XADD s 2-0 f v", "'2-0'"},
      {"XADD s 3-0 f v", "'3-0'"},
      {"XGROUP CREATE s g 0", "OK"},
      {"XREADGROUP GROUP g a COUNT 2 CLAIM 0 STREAMS s >",
       ClaimedEntries({"'1-0', ['f', 'v'], :0, :0", "'2-0', ['f', 'v'], :0, :0"}).c_str()},
      {"XREADGROUP GROUP g b CLAIM 3600000 STREAMS s >",
       ClaimedEntries({"'3-0', ['f', 'v'], :0, :0"}).c_str()},
      {"XREADGROUP GROUP g b CLAIM 3600000 STREAMS s >", "nil"},
      {"XREADGROUP GROUP g b CLAIM 9223372036854775807 STREAMS s >", "nil"},
      // A history is not claimed.
      {"XREADGROUP GROUP g b CLAIM 0 STREAMS s 0", OneEntry("s", "3-0").c_str()},
      {"XREADGROUP GROUP g b CLAIM x STREAMS s >", "-ERR min-idle-time is not an integer"},
      {"XREADGROUP GROUP g b CLAIM +1 STREAMS s >", "-ERR min-idle-time is not an integer"},
      {"XREADGROUP GROUP g b CLAIM -1 STREAMS s >",
       "-ERR min-idle-time must be a positive integer"},
      {"XREADGROUP CLAIM GROUP g b STREAMS s >", "-ERR min-idle-time is not an integer"},
      {"XREAD CLAIM 1 STREAMS s 0",
       "-ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead."},
  });
  // The longest pending first: those of a first, which are said to be older.
  Client client = Connect();
  EXPECT_EQ(client.Do("XCLAIM s g a 0 2-0 IDLE 7300000 JUSTID"), "['2-0']");
  EXPECT_EQ(client.Do("XCLAIM s g a 0 1-0 IDLE 7200000 JUSTID"), "['1-0']");
  EXPECT_EQ(client.Do("XADD s 4-0 f v"), "'4-0'");
  EXPECT_EQ(client.Do("XADD s 5-0 f v"), "'5-0'");
  const Reply reply = client.Call(
      {"XREADGROUP", "GROUP", "g", "b", "COUNT", "3", "CLAIM", "3600000", "STREAMS", "s", ">"});
  const Reply& entries = resp() == 3 ? reply.items[1] : reply.items[0].items[1];
  ASSERT_EQ(entries.items.size(), 3U) << reply;
  EXPECT_EQ(entries.items[0].items[0].text, "2-0");
  EXPECT_GE(entries.items[0].items[2].integer, 7'300'000);
  EXPECT_EQ(entries.items[0].items[3].integer, 1);
  EXPECT_EQ(entries.items[1].items[0].text, "1-0");
  EXPECT_EQ(entries.items[2].items[0].text, "4-0");
  EXPECT_EQ(entries.items[2].items[3].integer, 0);
  EXPECT_EQ(client.Do("XPENDING s g"), "[:4, '1-0', '4-0', [['b', '4']]]");
  const Reply pending = client.Call({"XPENDING", "s", "g", "1-0", "2-0", "9", "b"});
  ASSERT_EQ(pending.items.size(), 2U) << pending;
  EXPECT_EQ(pending.items[0].items[3].integer, 2);  // delivered once more
  EXPECT_EQ(client.Do("DEBUG PEAL-CHECK"), "OK");
}

TEST_P(Streams, WhatClaimFindsDeletedIsNoLongerPending) {
  if (IsReference()) GTEST_SKIP();
  Run({
      {"XADD s 1-0 f v", "'1-0'"},
      {"XADD s 2-0 f v", "'2-0'"},
      {"XADD s 3-0 f v", "'3-0'"},
      {"XGROUP CREATE s g 2-0", "OK"},
      {"XNACK s g FAIL FORCE IDS 2 1-0 2-0", ":2"},
      {"XDEL s 1-0", ":1"},
      {"XREADGROUP GROUP g a CLAIM 0 NOACK STREAMS s >",
       ClaimedEntries({"'2-0', ['f', 'v'], :-1, :0", "'3-0', ['f', 'v'], :0, :0"}).c_str()},
      // NOACK is for new entries only.
      {"XPENDING s g", "[:1, '2-0', '2-0', [['a', '1']]]"},
  });
}

TEST_P(Streams, ABlockedClaimIsServedByTimeAndByRelease) {
  if (IsReference()) GTEST_SKIP();
  Client client = Connect();
  Client waiting = Connect();
  client.Do("XADD s 1-0 f v");
  client.Do("XGROUP CREATE s g 0");
  client.Do("XREADGROUP GROUP g a STREAMS s >");
  // By time alone: nobody touches the key meanwhile.
  waiting.SendLine("XREADGROUP GROUP g b BLOCK 0 CLAIM 50 STREAMS s >");
  EXPECT_EQ(waiting.Read().Show().find("'1-0'"), resp() == 3 ? 8U : 9U);
  EXPECT_EQ(client.Do("XPENDING s g"), "[:1, '1-0', '1-0', [['b', '1']]]");
  // What is released is there at once.
  waiting.SendLine("XREADGROUP GROUP g b BLOCK 0 CLAIM 3600000 STREAMS s >");
  ASSERT_TRUE(AreBlocked(1));
  EXPECT_EQ(client.Do("XNACK s g SILENT IDS 1 1-0"), ":1");
  EXPECT_EQ(waiting.Read().Show(), ClaimedEntries({"'1-0', ['f', 'v'], :-1, :1"}));
  // So is what XCLAIM says to be old, and what is new.
  waiting.SendLine("XREADGROUP GROUP g b BLOCK 0 CLAIM 3600000 STREAMS s >");
  ASSERT_TRUE(AreBlocked(1));
  EXPECT_EQ(client.Do("XCLAIM s g a 0 1-0 TIME 1 JUSTID"), "['1-0']");
  EXPECT_NE(waiting.Read().Show().find("'1-0'"), std::string::npos);
  waiting.SendLine("XREADGROUP GROUP g b BLOCK 0 CLAIM 3600000 STREAMS s >");
  ASSERT_TRUE(AreBlocked(1));
  EXPECT_EQ(client.Do("XADD s 2-0 f v"), "'2-0'");
  EXPECT_EQ(waiting.Read().Show(), ClaimedEntries({"'2-0', ['f', 'v'], :0, :0"}));
  // The wait ends as others do.
  waiting.SendLine("XREADGROUP GROUP g b BLOCK 30 CLAIM 3600000 STREAMS s >");
  EXPECT_EQ(waiting.Read().Show(), "nil");
  EXPECT_TRUE(AreBlocked(0));
  EXPECT_EQ(client.Do("DEBUG PEAL-CHECK"), "OK");
}

TEST_P(Streams, XnackReleasesWhatIsPending) {
  if (IsReference()) GTEST_SKIP();
  Run({
      {"XADD s 1-0 f v", "'1-0'"},
      {"XADD s 2-0 f v", "'2-0'"},
      {"XADD s 3-0 f v", "'3-0'"},
      {"XGROUP CREATE s g 0", "OK"},
      {"XREADGROUP GROUP g a COUNT 1 STREAMS s >", OneEntry("s", "1-0").c_str()},
      {"XREADGROUP GROUP g b COUNT 1 STREAMS s >", OneEntry("s", "2-0").c_str()},
      {"XNACK s g FAIL IDS 2 2-0 9-9", ":1"},
      {"XNACK s g SILENT IDS 1 1-0", ":1"},
      {"XPENDING s g - + 9", "[['1-0', '', :-1, :0], ['2-0', '', :-1, :1]]"},
      {"XPENDING s g", "[:2, '1-0', '2-0', []]"},
      {"XPENDING s g IDLE 3600000 - + 9", "[['1-0', '', :-1, :0], ['2-0', '', :-1, :1]]"},
      {"XPENDING s g - + 9 a", "[]"},
      {"XNACK s g SILENT IDS 1 1-0", ":1"},
      {"XNACK s g FATAL IDS 1 2-0", ":1"},
      {"XPENDING s g - + 9", "[['1-0', '', :-1, :0], ['2-0', '', :-1, :9223372036854775807]]"},
      {"XNACK s g FATAL RETRYCOUNT 7 IDS 1 2-0", ":1"},
      {"XNACK s g FAIL IDS 1 3-0", ":0"},
      {"XNACK s g FAIL IDS 2 3-0 9-9 FORCE", ":1"},
      {"XNACK s g FATAL IDS 1 3-0 FORCE RETRYCOUNT 2", ":1"},
      {"XPENDING s g 2 + 9", "[['2-0', '', :-1, :7], ['3-0', '', :-1, :2]]"},
      // In the order in which they were released.
      {"XNACK s g FAIL IDS 1 1-0", ":1"},
      {"XREADGROUP GROUP g c COUNT 2 CLAIM 3600000 STREAMS s >",
       ClaimedEntries({"'2-0', ['f', 'v'], :-1, :7", "'3-0', ['f', 'v'], :-1, :2"}).c_str()},
      {"XCLAIM s g c 3600000 1-0 JUSTID", "['1-0']"},
      {"XNACK s g FAIL IDS 2 1-0 1-0", ":2"},
      {"XAUTOCLAIM s g c 3600000 0 JUSTID", "['0-0', ['1-0'], []]"},
      {"XACK s g 1-0 2-0 3-0", ":3"},
      {"XNACK none g FAIL IDS 1 1-0", "-NOGROUP No such key 'none' or consumer group 'g'"},
      {"XNACK s none FAIL IDS 1 1-0", "-NOGROUP No such key 's' or consumer group 'none'"},
      {"XNACK s g BAD IDS 1 1-0", "-ERR mode must be SILENT, FAIL, or FATAL"},
      {"XNACK s g FAIL FATAL IDS 1 1-0", "-ERR Unrecognized XNACK option 'FATAL'"},
      {"XNACK s g FAIL IDS 1 1-0 2-0", "-ERR Unrecognized XNACK option '2-0'"},
      {"XNACK s g FAIL IDS 1 1-0 RETRYCOUNT", "-ERR Unrecognized XNACK option 'RETRYCOUNT'"},
      {"XNACK s g FAIL FORCE RETRYCOUNT 5", "-ERR expected IDS keyword"},
      {"XNACK s g FAIL IDS 0 1-0", "-ERR numids must be a positive integer"},
      {"XNACK s g FAIL IDS 9223372036854775807 1-0", "-ERR number of IDs doesn't match numids"},
      {"XNACK s g FAIL IDS 1 x", "-ERR Invalid stream ID specified as stream command argument"},
      {"XNACK s g FAIL IDS 1 1-0 RETRYCOUNT x", "-ERR value is not an integer or out of range"},
      {"XNACK s g FAIL IDS 1 1-0 RETRYCOUNT -1", "-ERR Invalid RETRYCOUNT value, must be >= 0"},
      {"SET k v", "OK"},
      {"XNACK k g FAIL IDS 1 1-0",
       "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"DEBUG PEAL-CHECK", "OK"},
  });
}

TEST_P(Streams, WhatWasReleasedIsCopiedAndDumped) {
  if (IsReference()) GTEST_SKIP();
  Client client = Connect();
  client.Do("XADD s 1-0 f v");
  client.Do("XADD s 2-0 f v");
  client.Do("XGROUP CREATE s g 0");
  client.Do("XREADGROUP GROUP g a STREAMS s >");
  EXPECT_EQ(client.Do("XNACK s g FAIL IDS 1 2-0"), ":1");
  EXPECT_EQ(client.Do("COPY s copy"), ":1");
  EXPECT_EQ(client.Do("XPENDING copy g 2 + 9"), "[['2-0', '', :-1, :1]]");
  const std::string payload = client.Call({"DUMP", "s"}).text;
  EXPECT_EQ(client.Call({"RESTORE", "restored", "0", payload}).Show(), "OK");
  // A consumer without a name has it now, and anybody can claim it.
  EXPECT_EQ(client.Do("XPENDING restored g"), "[:2, '1-0', '2-0', [['', '1'], ['a', '1']]]");
  EXPECT_EQ(client.Do("XAUTOCLAIM restored g b 3600000 0 JUSTID"), "['0-0', ['2-0'], []]");
  EXPECT_EQ(client.Do("XGROUP DELCONSUMER copy g a"), ":1");
  EXPECT_EQ(client.Do("XGROUP DESTROY copy g"), ":1");
  EXPECT_EQ(client.Do("DEBUG PEAL-CHECK"), "OK");
}

// ---------------------------------------------------------------- producers, of Redis 8.6

TEST_P(Streams, XaddAddsAMessageOfAProducerOnce) {
  if (IsReference()) GTEST_SKIP();
  Client client = Connect();
  const std::string first = client.Do("XADD s IDMP p 1 * f v");
  EXPECT_EQ(client.Do("XADD s IDMP p 1 * other fields"), first);
  EXPECT_NE(client.Do("XADD s IDMP p 2 * f v"), first);
  EXPECT_NE(client.Do("XADD s IDMP q 1 * f v"), first);
  EXPECT_EQ(client.Do("XLEN s"), ":3");
  // By what is in it, in whatever order; not by the bytes alone.
  const std::string automatic = client.Do("XADD s IDMPAUTO p * a 1 b 2");
  EXPECT_EQ(client.Do("XADD s MAXLEN 100 IDMPAUTO p * b 2 a 1"), automatic);
  EXPECT_NE(client.Do("XADD s IDMPAUTO p * a 2 b 1"), automatic);
  EXPECT_NE(client.Do("XADD s IDMPAUTO p * a1 b 2 x"), automatic);
  EXPECT_EQ(client.Do("XLEN s"), ":6");
  EXPECT_EQ(client.Do("XADD none NOMKSTREAM IDMP p 1 * f v"), "nil");
  const auto info = [&](const char* field) {
    const Reply reply = client.Call({"XINFO", "STREAM", "s"});
    const Reply* const found = reply.Find(field);
    return found == nullptr ? -1 : found->integer;
  };
  EXPECT_EQ(info("idmp-duration"), 100);
  EXPECT_EQ(info("idmp-maxsize"), 100);
  EXPECT_EQ(info("pids-tracked"), 2);
  EXPECT_EQ(info("iids-tracked"), 6);
  EXPECT_EQ(info("iids-added"), 6);
  EXPECT_EQ(info("iids-duplicates"), 2);
  // The same settings keep what is known, others forget it.
  EXPECT_EQ(client.Do("XCFGSET s IDMP-DURATION 100 IDMP-MAXSIZE 100"), "OK");
  EXPECT_EQ(client.Do("XADD s IDMP p 1 * f v"), first);
  EXPECT_EQ(client.Do("COPY s copy"), ":1");
  EXPECT_EQ(client.Do("XADD copy IDMP p 1 * f v"), first);
  EXPECT_EQ(client.Do("XCFGSET s IDMP-MAXSIZE 2"), "OK");
  EXPECT_EQ(info("iids-tracked"), 0);
  EXPECT_NE(client.Do("XADD s IDMP p 1 * f v"), first);
  // Of each producer the latest two.
  const std::string kept = client.Do("XADD s IDMP p 2 * f v");
  client.Do("XADD s IDMP p 3 * f v");
  client.Do("XADD s IDMP q 1 * f v");
  EXPECT_EQ(client.Do("XADD s IDMP p 2 * f v"), kept);
  EXPECT_EQ(info("iids-tracked"), 3);
  EXPECT_EQ(info("iids-added"), 10);
  EXPECT_EQ(client.Do("XLEN s"), ":10");
  client.Do("XADD s IDMP p 1 * f v");
  EXPECT_EQ(client.Do("XLEN s"), ":11");
  EXPECT_EQ(client.Do("DEBUG PEAL-CHECK"), "OK");
  EXPECT_EQ(client.Do("DEL s copy"), ":2");
}

TEST_P(Streams, WhatAProducerSentIsForgottenInTime) {
  if (IsReference()) GTEST_SKIP();
  Client client = Connect();
  // Ids of entries tell when they were added.
  client.Do("XADD s 1-0 f v");
  EXPECT_EQ(client.Do("XIDMPRECORD s p 1 1-0"), "OK");
  EXPECT_NE(client.Do("XADD s IDMP p 1 * f v"), "'1-0'");
  EXPECT_EQ(client.Do("XLEN s"), ":2");
}

TEST_P(Streams, CommandsOnProducersRefuseBadArguments) {
  if (IsReference()) GTEST_SKIP();
  constexpr const char* kTwice = "-ERR IDMP/IDMPAUTO specified multiple times";
  constexpr const char* kWithId = "-ERR IDMP/IDMPAUTO can be used only with auto-generated IDs";
  constexpr const char* kBadDuration = "-ERR IDMP-DURATION must be between 1 and 86400 seconds";
  constexpr const char* kBadSize = "-ERR IDMP-MAXSIZE must be between 1 and 10000 entries";
  Run({
      {"XADD s IDMP p * f v", "-ERR Invalid stream ID specified as stream command argument"},
      {"XADD s IDMP p i 1-1 f v", kWithId},
      {"XADD s IDMPAUTO p 1-* f v", kWithId},
      {"XADD s IDMP p i IDMP q j * f v", kTwice},
      {"XADD s IDMPAUTO p IDMP q j * f v", kTwice},
      {"XADD s IDMP \"\" i * f v", "-ERR IDMP requires a non-empty producer ID"},
      {"XADD s IDMP p \"\" * f v", "-ERR IDMP requires a non-empty idempotent ID"},
      {"XADD s IDMPAUTO \"\" * f v", "-ERR IDMPAUTO requires a non-empty producer ID"},
      {"XADD s IDMPAUTO p * f", "-ERR wrong number of arguments for 'xadd' command"},
      {"EXISTS s", ":0"},
      {"XCFGSET s IDMP-MAXSIZE 1", "-ERR no such key"},
      {"XIDMPRECORD s p i 1-1", "-ERR no such key"},
      {"XADD s 1-1 f v", "'1-1'"},
      {"XCFGSET s", "-ERR At least one parameter must be specified"},
      {"XCFGSET s IDMP-DURATION", "-ERR syntax error"},
      {"XCFGSET s BOGUS 1", "-ERR syntax error"},
      {"XCFGSET s IDMP-DURATION 000", "-ERR value is not an integer or out of range"},
      {"XCFGSET s IDMP-DURATION 0", kBadDuration},
      {"XCFGSET s IDMP-DURATION 86401", kBadDuration},
      {"XCFGSET s IDMP-MAXSIZE 0", kBadSize},
      {"XCFGSET s IDMP-MAXSIZE 10001", kBadSize},
      {"XIDMPRECORD s p i 1-1", "OK"},
      {"XIDMPRECORD s p i 9-9", "-ERR The ID specified in XIDMPRECORD does not exist"},
      {"XIDMPRECORD s \"\" i 1-1",
       "-ERR XIDMPRECORD requires a non-empty producer ID and idempotent ID"},
      {"SET k v", "OK"},
      {"XCFGSET k IDMP-MAXSIZE 1",
       "-WRONGTYPE Operation against a key holding the wrong kind of value"},
  });
}

}  // namespace
}  // namespace peal::tests
