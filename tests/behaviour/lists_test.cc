// The list commands that do not wait. Expected replies were observed on redis-server 7.0.15.

#include <string>
#include <vector>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class Lists : public Behaviour {
 protected:
  struct Step {
    const char* command;
    const char* reply;
  };
  void Run(const std::vector<Step>& steps) {
    Client client = Connect();
    for (const Step& step : steps) EXPECT_EQ(client.Do(step.command), step.reply) << step.command;
  }
};
INSTANTIATE_TEST_SUITE_P(, Lists, ::testing::ValuesIn(AllSetups()), SetupName);

constexpr char kWrongType[] = "-WRONGTYPE Operation against a key holding the wrong kind of value";

TEST_P(Lists, PushAndPopAtBothEnds) {
  Run({
      {"RPUSH l a b c", ":3"},
      {"LPUSH l 1 2", ":5"},
      {"LRANGE l 0 -1", "['2', '1', 'a', 'b', 'c']"},
      {"TYPE l", "list"},
      {"LLEN l", ":5"},
      {"LLEN missing", ":0"},
      {"LPOP l", "'2'"},
      {"RPOP l", "'c'"},
      {"LPOP l 2", "['1', 'a']"},
      {"RPUSH l c d", ":3"},
      {"RPOP l 2", "['d', 'c']"},
      {"LPOP l 0", "[]"},
      {"LPOP l 9223372036854775807", "['b']"},
      {"EXISTS l", ":0"},
      {"LPOP l", "nil"},
      {"LPOP l 1", "nil"},
      {"LPUSHX l a", ":0"},
      {"RPUSHX l a", ":0"},
      {"EXISTS l", ":0"},
      {"RPUSH l a", ":1"},
      {"LPUSHX l b c", ":3"},
      {"RPUSHX l d", ":4"},
      {"LRANGE l 0 -1", "['c', 'b', 'a', 'd']"},
      {"LPOP l -1", "-ERR value is out of range, must be positive"},
      {"LPOP l x", "-ERR value is out of range, must be positive"},
      {"LPOP l 9223372036854775808", "-ERR value is out of range, must be positive"},
      {"LPOP l 1 2", "-ERR wrong number of arguments for 'lpop' command"},
      {"RPUSH l", "-ERR wrong number of arguments for 'rpush' command"},
  });
}

TEST_P(Lists, LookingInside) {
  Run({
      {"RPUSH l a b c 1 2", ":5"},
      {"LINDEX l 0", "'a'"},
      {"LINDEX l 3", "'1'"},
      {"LINDEX l -1", "'2'"},
      {"LINDEX l -5", "'a'"},
      {"LINDEX l 5", "nil"},
      {"LINDEX l -6", "nil"},
      {"LINDEX l -9223372036854775808", "nil"},
      {"LINDEX l x", "-ERR value is not an integer or out of range"},
      {"LINDEX missing x", "nil"},
      {"LRANGE l 1 2", "['b', 'c']"},
      {"LRANGE l -2 -1", "['1', '2']"},
      {"LRANGE l -100 100", "['a', 'b', 'c', '1', '2']"},
      {"LRANGE l -9223372036854775808 9223372036854775807", "['a', 'b', 'c', '1', '2']"},
      {"LRANGE l 3 1", "[]"},
      {"LRANGE l 5 9", "[]"},
      {"LRANGE l 0 -6", "[]"},
      {"LRANGE missing 0 -1", "[]"},
      {"LRANGE missing x 0", "-ERR value is not an integer or out of range"},
  });
}

TEST_P(Lists, LposCountsMatchesFromEitherEnd) {
  Run({
      {"RPUSH l a b c 1 2 3 c c", ":8"},
      {"LPOS l c", ":2"},
      {"LPOS l 1", ":3"},
      {"LPOS l 01", "nil"},
      {"LPOS l c RANK 2", ":6"},
      {"LPOS l c RANK -1", ":7"},
      {"LPOS l c RANK -3", ":2"},
      {"LPOS l c RANK 4", "nil"},
      {"LPOS l c COUNT 2", "[:2, :6]"},
      {"LPOS l c COUNT 0", "[:2, :6, :7]"},
      {"LPOS l c COUNT 0 RANK 2", "[:6, :7]"},
      {"LPOS l c COUNT 0 RANK -2", "[:6, :2]"},
      {"LPOS l c COUNT 0 MAXLEN 7", "[:2, :6]"},
      {"LPOS l c MAXLEN 2", "nil"},
      {"LPOS l c COUNT 5 MAXLEN 2", "[]"},
      {"LPOS l c RANK -1 MAXLEN 1", ":7"},
      {"LPOS l c RANK 9223372036854775807 COUNT 0", "[]"},
      {"LPOS l c MAXLEN 9223372036854775807 COUNT 9223372036854775807", "[:2, :6, :7]"},
      {"LPOS missing c", "nil"},
      {"LPOS missing c COUNT 0", "[]"},
      {"LPOS missing c RANK 0",
       "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or "
       "use negative to start from the end of the list"},
      {"LPOS l c COUNT -1", "-ERR COUNT can't be negative"},
      {"LPOS l c MAXLEN -1", "-ERR MAXLEN can't be negative"},
      {"LPOS l c RANK", "-ERR syntax error"},
      {"LPOS l c BOGUS 1", "-ERR syntax error"},
  });
}

TEST_P(Lists, ChangingTheInside) {
  Run({
      {"RPUSH l a b c b d b", ":6"},
      {"LSET l 1 B", "OK"},
      {"LSET l -1 12", "OK"},
      {"LRANGE l 0 -1", "['a', 'B', 'c', 'b', 'd', '12']"},
      {"LSET l 6 x", "-ERR index out of range"},
      {"LSET l -7 x", "-ERR index out of range"},
      {"LSET l x x", "-ERR value is not an integer or out of range"},
      {"LSET missing x x", "-ERR no such key"},
      {"LINSERT l BEFORE B x", ":7"},
      {"LINSERT l after 12 y", ":8"},
      {"LINSERT l BEFORE nowhere x", ":-1"},
      {"LINSERT missing BEFORE a x", ":0"},
      {"LINSERT l BESIDE a x", "-ERR syntax error"},
      {"LRANGE l 0 -1", "['a', 'x', 'B', 'c', 'b', 'd', '12', 'y']"},
      {"DEL l", ":1"},
      {"RPUSH l a 1 b 1 c 1", ":6"},
      {"LREM l 1 1", ":1"},
      {"LRANGE l 0 -1", "['a', 'b', '1', 'c', '1']"},
      {"LREM l -1 1", ":1"},
      {"LRANGE l 0 -1", "['a', 'b', '1', 'c']"},
      {"LREM l 0 nowhere", ":0"},
      {"LREM l -9223372036854775808 1", ":1"},
      {"LREM l x 1", "-ERR value is not an integer or out of range"},
      {"LREM missing 0 1", ":0"},
      {"LTRIM l 1 -1", "OK"},
      {"LRANGE l 0 -1", "['b', 'c']"},
      {"LTRIM l 0 100", "OK"},
      {"LLEN l", ":2"},
      {"LTRIM l 5 1", "OK"},
      {"EXISTS l", ":0"},
      {"LTRIM l 0 1", "OK"},
      {"RPUSH l a a", ":2"},
      {"LREM l 0 a", ":2"},
      {"EXISTS l", ":0"},
  });
}

TEST_P(Lists, MovingBetweenLists) {
  Run({
      {"RPUSH s a b c d", ":4"},
      {"LMOVE s d LEFT RIGHT", "'a'"},
      {"LMOVE s d right left", "'d'"},
      {"RPOPLPUSH s d", "'c'"},
      {"LRANGE d 0 -1", "['c', 'd', 'a']"},
      {"LMOVE d d LEFT RIGHT", "'c'"},
      {"LRANGE d 0 -1", "['d', 'a', 'c']"},
      {"LMOVE s s LEFT LEFT", "'b'"},
      {"LRANGE s 0 -1", "['b']"},
      {"LMOVE s d LEFT LEFT", "'b'"},
      {"EXISTS s", ":0"},
      {"LMOVE s d LEFT LEFT", "nil"},
      {"RPOPLPUSH s d", "nil"},
      {"LMOVE s d UP LEFT", "-ERR syntax error"},
      {"LMPOP 2 s d LEFT", "['d', ['b']]"},
      {"LMPOP 2 s d RIGHT COUNT 2", "['d', ['c', 'a']]"},
      {"LMPOP 2 s d RIGHT COUNT 10", "['d', ['d']]"},
      {"LMPOP 2 s d RIGHT COUNT 10", "nil"},
      {"LMPOP 0 s LEFT", "-ERR numkeys should be greater than 0"},
      {"LMPOP x s LEFT", "-ERR numkeys should be greater than 0"},
      {"LMPOP 9223372036854775807 s LEFT", "-ERR syntax error"},
      {"LMPOP 2 s LEFT", "-ERR syntax error"},
      {"LMPOP 1 s UP", "-ERR syntax error"},
      {"LMPOP 1 s LEFT COUNT 0", "-ERR count should be greater than 0"},
      {"LMPOP 1 s LEFT COUNT", "-ERR syntax error"},
      {"LMPOP 1 s LEFT COUNT 1 COUNT 1", "-ERR syntax error"},
  });
}

TEST_P(Lists, LmovemMovesSeveralAtOnce) {
  if (IsReference()) GTEST_SKIP() << "Redis 8.10 has it";
  Run({
      {"RPUSH s 1 2 3 4", ":4"},
      {"LMOVEM s d LEFT LEFT COUNT 2 OBO", "['2', '1']"},
      {"LRANGE s 0 -1", "['3', '4']"},
      {"LRANGE d 0 -1", "['2', '1']"},
      {"LMOVEM s d LEFT LEFT EXACTLY 5 BULK", "nil"},
      {"LMOVEM s d RIGHT LEFT COUNT 9 BULK", "['3', '4']"},
      {"LRANGE d 0 -1", "['3', '4', '2', '1']"},
      {"EXISTS s", ":0"},
      {"LMOVEM s d LEFT LEFT", "[]"},
      {"LMOVEM s d LEFT LEFT COUNT 1 OBO", "[]"},
      {"LMOVEM s d LEFT LEFT EXACTLY 1 OBO", "nil"},
      {"LMOVEM d s RIGHT RIGHT EXACTLY 3 OBO", "['1', '2', '4']"},
      {"LMOVEM d s RIGHT LEFT", "['3']"},
      {"LRANGE s 0 -1", "['3', '1', '2', '4']"},
      {"LMOVEM s d RIGHT RIGHT COUNT 2 BULK", "['2', '4']"},
      {"LMOVEM s s LEFT LEFT EXACTLY 2 OBO", "['1', '3']"},
      {"LMOVEM s s LEFT LEFT EXACTLY 2 BULK", "['1', '3']"},
      {"LRANGE s 0 -1", "['1', '3']"},
      {"LMOVEM s d LEFT LEFT COUNT 0 OBO", "[]"},
      {"LMOVEM s d LEFT LEFT COUNT -1 OBO", "-ERR value is out of range, must be positive"},
      {"LMOVEM s d LEFT LEFT COUNT 1", "-ERR syntax error"},
      {"LMOVEM s d LEFT LEFT MOST 1 OBO", "-ERR syntax error"},
      {"LMOVEM s d LEFT LEFT COUNT 1 SOMEHOW", "-ERR syntax error"},
      {"LMOVEM s d LEFT UP", "-ERR syntax error"},
  });
}

TEST_P(Lists, RefuseKeysOfOtherTypes) {
  Client client = Connect();
  client.Do("SET str v");
  client.Do("RPUSH l a");
  for (const char* command : {"LPUSH str a",
                              "RPUSHX str a",
                              "LPOP str",
                              "RPOP str 1",
                              "LLEN str",
                              "LINDEX str 0",
                              "LRANGE str 0 -1",
                              "LPOS str a",
                              "LSET str 0 a",
                              "LINSERT str BEFORE a b",
                              "LREM str 0 a",
                              "LTRIM str 0 1",
                              "LMOVE str l LEFT LEFT",
                              "LMOVE l str LEFT LEFT",
                              "RPOPLPUSH l str",
                              "LMPOP 2 str l LEFT",
                              "BLPOP str l 0",
                              "BRPOP str 0",
                              "BLMOVE str l LEFT LEFT 0",
                              "BLMOVE l str LEFT LEFT 0",
                              "BRPOPLPUSH l str 0",
                              "BLMPOP 0 2 str l LEFT",
                              "GET l",
                              "APPEND l x",
                              "INCR l"}) {
    EXPECT_EQ(client.Do(command), kWrongType) << command;
  }
  EXPECT_EQ(client.Do("LRANGE l 0 -1"), "['a']");
  EXPECT_EQ(client.Do("GET str"), "'v'");
}

TEST_P(Lists, ChangeTheirEncodingWithTheirSize) {
  if (IsReference()) GTEST_SKIP() << "Redis 7.0 knows only quicklists";
  Client client = Connect();
  EXPECT_EQ(client.Do("CONFIG SET list-max-listpack-size 4"), "OK");
  client.Do("RPUSH l 1 2 3 4");
  EXPECT_EQ(client.Do("OBJECT ENCODING l"), "'listpack'");
  client.Do("LPUSH l 0");
  EXPECT_EQ(client.Do("OBJECT ENCODING l"), "'quicklist'");
  EXPECT_EQ(client.Do("LRANGE l 0 -1"), "['0', '1', '2', '3', '4']");
  client.Do("LTRIM l 3 -1");
  EXPECT_EQ(client.Do("OBJECT ENCODING l"), "'listpack'");
  EXPECT_EQ(client.Do("CONFIG SET list-max-listpack-size -2"), "OK");
}

TEST_P(Lists, HoldManyAndLargeElements) {
  Client client = Connect();
  std::vector<std::string> push = {"RPUSH", "l"};
  for (int i = 0; i < 20'000; ++i) push.push_back(std::to_string(i));
  EXPECT_EQ(client.Call(push).integer, 20'000);
  EXPECT_EQ(client.Do("LINDEX l 12345"), "'12345'");
  EXPECT_EQ(client.Do("LINDEX l -1"), "'19999'");
  EXPECT_EQ(client.Do("LPOS l 19000"), ":19000");
  EXPECT_EQ(client.Do("LINSERT l BEFORE 10000 x"), ":20001");
  EXPECT_EQ(client.Do("LRANGE l 9999 10001"), "['9999', 'x', '10000']");
  EXPECT_EQ(client.Call({"LRANGE", "l", "0", "-1"}).items.size(), 20'001U);
  const std::string large(3'000'000, 'z');
  EXPECT_EQ(client.Call({"LSET", "l", "10000", large}).Show(), "OK");
  EXPECT_TRUE(client.Call({"LINDEX", "l", "10000"}).text == large);
  EXPECT_EQ(client.Call({"LREM", "l", "0", large}).integer, 1);
  EXPECT_EQ(client.Call({"LPOP", "l", "19990"}).items.size(), 19'990U);
  EXPECT_EQ(client.Do("LRANGE l 0 1"), "['19990', '19991']");
  EXPECT_EQ(client.Do("COPY l m"), ":1");
  EXPECT_EQ(client.Do("LPOP l"), "'19990'");
  EXPECT_EQ(client.Do("LLEN m"), ":10");
  const std::string octets("\r\n\0\xff", 4);
  EXPECT_EQ(client.Call({"LPUSH", "m", octets, ""}).integer, 12);
  EXPECT_EQ(client.Do("LPOP m"), "''");
  EXPECT_TRUE(client.Call({"LPOP", "m"}).text == octets);
}

TEST_P(Lists, TellTheirEvents) {
  Client client = Connect();
  Client listener = ConnectResp2();
  client.Do("CONFIG SET notify-keyspace-events Elg");
  listener.Do("PSUBSCRIBE __keyevent@*");
  const auto events = [&] {
    client.Do("PUBLISH __keyevent@end x");
    std::string all;
    for (;;) {
      const Reply frame = listener.Read();
      const std::string& channel = frame.At(2);
      if (channel == "__keyevent@end") return all;
      all += channel.substr(channel.find(':') + 1) + ' ' + frame.At(3) + ' ';
    }
  };
  const struct {
    const char* command;
    const char* events;
  } cases[] = {
      {"RPUSH s a b c d", "rpush s "},
      {"LPUSHX s e", "lpush s "},
      {"LPUSHX missing e", ""},
      {"LSET s 0 x", "lset s "},
      {"LINSERT s BEFORE x y", "linsert s "},
      {"LREM s 0 y", "lrem s "},
      {"LREM s 0 y", ""},
      {"LMOVE s t LEFT RIGHT", "rpush t lpop s "},
      {"RPOPLPUSH t t", "lpush t rpop t "},
      {"RPOPLPUSH t s", "lpush s rpop t del t "},
      {"LTRIM s 0 2", "ltrim s "},
      {"LTRIM s 0 2", "ltrim s "},
      {"LPOP s 0", ""},
      {"LPOP s", "lpop s "},
      {"LMPOP 1 s RIGHT COUNT 9", "rpop s del s "},
      {"RPUSH s a", "rpush s "},
      {"LTRIM s 1 0", "ltrim s del s "},
      {"RPUSH s a", "rpush s "},
      {"BLPOP s 0", "lpop s del s "},
      {"RPUSH s a", "rpush s "},
      {"LREM s 0 a", "lrem s del s "},
  };
  for (const auto& [command, expected] : cases) {
    client.Do(command);
    EXPECT_EQ(events(), expected) << command;
  }
}

}  // namespace
}  // namespace peal::tests
