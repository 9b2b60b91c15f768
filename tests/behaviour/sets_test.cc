// The set commands. Expected replies were observed on redis-server 7.0.15; those of SUNIONCARD and
// SDIFFCARD come from the documentation of Redis 8.10, encodings from Redis 7.2.

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class Sets : public Behaviour {
 protected:
  struct Step {
    const char* command;
    const char* reply;
  };
  void Run(const std::vector<Step>& steps) {
    Client client = Connect();
    for (const Step& step : steps) EXPECT_EQ(client.Do(step.command), step.reply) << step.command;
  }
  /// A set as the protocol of the parameter has it, in the given order.
  std::string SetOf(const std::string& members) const {
    return resp() == 3 ? "~[" + members + "]" : "[" + members + "]";
  }
};
INSTANTIATE_TEST_SUITE_P(, Sets, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(Sets, MembersComeAndGo) {
  const std::string three = SetOf("'1', '2', '3'");
  const std::string none = SetOf("");
  Run({
      {"SADD s 3 1 2", ":3"},
      {"SADD s 3 4", ":1"},
      {"SCARD s", ":4"},
      {"SREM s 4 4 9 x", ":1"},
      {"SMEMBERS s", three.c_str()},
      {"SISMEMBER s 2", ":1"},
      {"SISMEMBER s 02", ":0"},
      {"SMISMEMBER s 1 9 3", "[:1, :0, :1]"},
      {"SREM s 1 2 3", ":3"},
      {"EXISTS s", ":0"},
      {"SMEMBERS s", none.c_str()},
      {"SCARD s", ":0"},
      {"SISMEMBER s 1", ":0"},
      {"SMISMEMBER s 1 2", "[:0, :0]"},
      {"SREM s 1", ":0"},
      {"SADD s \"\"", ":1"},
      {"SISMEMBER s \"\"", ":1"},
      {"SADD s", "-ERR wrong number of arguments for 'sadd' command"},
      {"SET k v", "OK"},
      {"SADD k 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"SMISMEMBER k 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"GET s", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"TYPE s", "set"},
  });
}

TEST_P(Sets, MoveTakesFromOneAndGivesToTheOther) {
  Run({
      {"SADD a 1 2", ":2"},
      {"SMOVE a b 1", ":1"},
      {"SMOVE a b 1", ":0"},
      {"SISMEMBER b 1", ":1"},
      {"SADD a 1", ":1"},
      {"SMOVE a b 1", ":1"},
      {"SCARD b", ":1"},
      {"SMOVE a a 2", ":1"},
      {"SMOVE a a 3", ":0"},
      {"SMOVE a b 2", ":1"},
      {"EXISTS a", ":0"},
      {"SET k v", "OK"},
      {"SMOVE a k 1", ":0"},
      {"SMOVE b k 9", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"SMOVE k b 9", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
  });
}

TEST_P(Sets, AlgebraOfIntegers) {
  const std::string inter = SetOf("'3'");
  const std::string all = SetOf("'1', '2', '3', '4', '5'");
  const std::string diff = SetOf("'1', '2'");
  const std::string none = SetOf("");
  const char* wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value";
  Run({
      {"SADD a 1 2 3", ":3"},
      {"SADD b 3 4 5", ":3"},
      {"SET k v", "OK"},
      {"SINTER a b", inter.c_str()},
      {"SUNION a b missing", all.c_str()},
      {"SDIFF a b missing", diff.c_str()},
      {"SDIFF a a", none.c_str()},
      {"SDIFF missing a", none.c_str()},
      {"SINTER a missing", none.c_str()},
      {"SINTER missing k", wrong},
      {"SDIFF missing k", wrong},
      {"SUNION a k", wrong},
      {"SINTERSTORE d a b", ":1"},
      {"SMEMBERS d", inter.c_str()},
      {"SUNIONSTORE d a b", ":5"},
      {"SMEMBERS d", all.c_str()},
      {"OBJECT ENCODING d", "'intset'"},
      {"SDIFFSTORE a a b", ":2"},
      {"SMEMBERS a", diff.c_str()},
      {"EXPIRE d 100", ":1"},
      {"SUNIONSTORE d d", ":5"},
      {"TTL d", ":-1"},
      {"SINTERSTORE d a b", ":0"},
      {"EXISTS d", ":0"},
      {"SUNIONSTORE k a", ":2"},
      {"TYPE k", "set"},
      {"SDIFFSTORE k missing", ":0"},
      {"EXISTS k", ":0"},
  });
}

TEST_P(Sets, AlgebraOfLargeSetsByBothWaysOfSubtracting) {
  Client client = Connect();
  std::vector<std::string> large = {"SADD", "large"};
  std::vector<std::string> even = {"SADD", "even"};
  for (int i = 0; i < 3'000; ++i) {
    large.push_back("m" + std::to_string(i));
    if (i % 2 == 0) even.push_back("m" + std::to_string(i));
  }
  client.Call(large);
  client.Call(even);
  EXPECT_EQ(client.Do("SADD few m1 m2 m3 other"), ":4");
  EXPECT_EQ(client.Do("SDIFFSTORE d large even"), ":1500");
  EXPECT_EQ(client.Do("SDIFFSTORE d few even large even large"), ":1");
  EXPECT_EQ(client.Do("SDIFFSTORE d large few few even few few few few"), ":1498");
  EXPECT_EQ(client.Do("SISMEMBER d m5"), ":1");
  EXPECT_EQ(client.Do("SISMEMBER d m3"), ":0");
  EXPECT_EQ(client.Do("SINTERSTORE d large few even"), ":1");
  EXPECT_EQ(client.Do("SUNIONSTORE d large few even"), ":3001");
  EXPECT_EQ(client.Call({"SUNION", "large", "few"}).items.size(), 3'001u);
  EXPECT_EQ(client.Call({"SDIFF", "large", "few", "few", "even", "few", "few"}).items.size(),
            1'498u);
}

TEST_P(Sets, CardinalitiesStopAtTheirLimit) {
  Run({
      {"SADD a 1 2 3", ":3"},
      {"SADD b 1 2 3 4", ":4"},
      {"SINTERCARD 2 a b", ":3"},
      {"SINTERCARD 2 a b LIMIT 2", ":2"},
      {"SINTERCARD 2 a b LIMIT 0", ":3"},
      {"SINTERCARD 2 a b LIMIT 9 limit 1", ":1"},
      {"SINTERCARD 2 a missing", ":0"},
      {"SINTERCARD 0 a", "-ERR numkeys should be greater than 0"},
      {"SINTERCARD x a", "-ERR numkeys should be greater than 0"},
      {"SINTERCARD 3 a b", "-ERR Number of keys can't be greater than number of args"},
      {"SINTERCARD 9223372036854775807 a",
       "-ERR Number of keys can't be greater than number of args"},
      {"SINTERCARD 2 a b LIMIT", "-ERR syntax error"},
      {"SINTERCARD 2 a b LIMIT -1", "-ERR LIMIT can't be negative"},
      {"SINTERCARD 2 a b LIMIT x", "-ERR LIMIT can't be negative"},
      {"SINTERCARD 1 a b", "-ERR syntax error"},
  });
}

TEST_P(Sets, CardinalitiesOfUnionAndDifference) {
  if (IsReference()) GTEST_SKIP() << "later than 7.0.15";
  Run({
      {"SADD a 1 2 3", ":3"},
      {"SADD b x 3 y", ":3"},
      {"SUNIONCARD 2 a b", ":5"},
      {"SUNIONCARD 2 a b LIMIT 3", ":3"},
      {"SUNIONCARD 2 a b LIMIT 0", ":5"},
      {"SUNIONCARD 2 a b APPROX", ":5"},
      {"SUNIONCARD 2 a b LIMIT 2 APPROX", ":2"},
      {"SUNIONCARD 2 a missing", ":3"},
      {"SUNIONCARD 1 a b", "-ERR syntax error"},
      {"SUNIONCARD 0 a", "-ERR numkeys should be greater than 0"},
      {"SDIFFCARD 2 a b", ":2"},
      {"SDIFFCARD 2 a b LIMIT 1", ":1"},
      {"SDIFFCARD 2 missing a", ":0"},
      {"SDIFFCARD 2 a b APPROX", "-ERR syntax error"},
      {"SDIFFCARD 2 a b LIMIT -1", "-ERR LIMIT can't be negative"},
      {"SET k v", "OK"},
      {"SUNIONCARD 2 a k", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
  });
}

TEST_P(Sets, RandomMembersAreMembers) {
  Client client = Connect();
  EXPECT_EQ(client.Do("SRANDMEMBER s"), "nil");
  EXPECT_EQ(client.Do("SRANDMEMBER s 5"), "[]");
  EXPECT_EQ(client.Do("SPOP s"), "nil");
  EXPECT_EQ(client.Do("SPOP s 5"), SetOf(""));
  for (const int size : {5, 100, 1'000}) {
    std::vector<std::string> add = {"SADD", "s"};
    std::set<std::string> members;
    for (int i = 0; i < size; ++i) {
      const std::string name = (size == 5 ? "" : "m") + std::to_string(i);
      members.insert(name);
      add.push_back(name);
    }
    client.Call(add);
    for (const int count : {0, 1, 3, size - 1, size, size + 1, -1, -7, -3 * size}) {
      const Reply reply = client.Call({"SRANDMEMBER", "s", std::to_string(count)});
      EXPECT_EQ(reply.kind, Reply::Kind::kArray);
      std::set<std::string> seen;
      for (const Reply& item : reply.items) seen.insert(item.text);
      EXPECT_TRUE(std::includes(members.begin(), members.end(), seen.begin(), seen.end()));
      if (count >= 0) {
        EXPECT_EQ(seen.size(), static_cast<size_t>(std::min(count, size)));
      }
      EXPECT_EQ(reply.items.size(),
                static_cast<size_t>(count < 0 ? -count : std::min(count, size)));
    }
    client.Do("EXPIRE s 100");
    // A few of many, and nearly all.
    for (const size_t count : {size_t{1}, size_t{3}, members.size() - 5}) {
      const size_t wanted = std::min(count, members.size());
      const Reply reply = client.Call({"SPOP", "s", std::to_string(count)});
      EXPECT_EQ(reply.items.size(), wanted);
      for (const Reply& item : reply.items) EXPECT_EQ(members.erase(item.text), 1u) << item.text;
      EXPECT_EQ(client.Do("SCARD s"), ":" + std::to_string(members.size()));
      if (members.empty()) break;
      EXPECT_EQ(client.Do("TTL s"), ":100");
    }
    while (!members.empty()) EXPECT_EQ(members.erase(client.Call({"SPOP", "s"}).text), 1u);
    EXPECT_EQ(client.Do("EXISTS s"), ":0");
  }
  client.Do("SADD s 1");
  const char* not_positive = "-ERR value is out of range, must be positive";
  EXPECT_EQ(client.Do("SPOP s -1"), not_positive);
  EXPECT_EQ(client.Do("SPOP s x"), not_positive);
  EXPECT_EQ(client.Do("SPOP s 1 1"), "-ERR syntax error");
  EXPECT_EQ(client.Do("SPOP s 0"), SetOf(""));
  EXPECT_EQ(client.Do("SRANDMEMBER s x"), "-ERR value is not an integer or out of range");
  EXPECT_EQ(client.Do("SRANDMEMBER s 1 1"), "-ERR syntax error");
  EXPECT_EQ(client.Do("SRANDMEMBER s -9223372036854775808"),
            "-ERR value is out of range, value must between -9223372036854775807 and "
            "9223372036854775807");
  EXPECT_EQ(client.Do("SRANDMEMBER s 9223372036854775807"), "['1']");
  EXPECT_EQ(client.Do("SPOP s 9223372036854775807"), SetOf("'1'"));
  if (!IsReference()) {
    client.Do("SADD s 1");
    EXPECT_EQ(client.Do("SRANDMEMBER s -9223372036854775807"), "-ERR value is out of range");
  }
}

TEST_P(Sets, ScanWalksThroughEveryEncoding) {
  Client client = Connect();
  EXPECT_EQ(client.Do("SSCAN s 0"), "['0', []]");
  EXPECT_EQ(client.Do("SSCAN s x"), "-ERR invalid cursor");
  EXPECT_EQ(client.Do("SSCAN s 0 COUNT 0"), "['0', []]") << "no key, no look at the options";
  client.Do("SADD s 1 2 13");
  EXPECT_EQ(client.Do("SSCAN s 0"), "['0', ['1', '2', '13']]");
  EXPECT_EQ(client.Do("SSCAN s 0 MATCH 1* COUNT 1"), "['0', ['1', '13']]");
  EXPECT_EQ(client.Do("SSCAN s 0 COUNT 0"), "-ERR syntax error");
  EXPECT_EQ(client.Do("SSCAN s 0 COUNT x"), "-ERR value is not an integer or out of range");
  EXPECT_EQ(client.Do("SSCAN s 0 MATCH"), "-ERR syntax error");
  EXPECT_EQ(client.Do("SSCAN s 0 TYPE set"), "-ERR syntax error");
  std::vector<std::string> add = {"SADD", "t"};
  std::set<std::string> members;
  for (int i = 0; i < 2'000; ++i) {
    add.push_back("m" + std::to_string(i));
    members.insert(add.back());
  }
  client.Call(add);
  std::set<std::string> seen;
  std::string cursor = "0";
  int calls = 0;
  do {
    const Reply reply = client.Call({"SSCAN", "t", cursor, "COUNT", "50"});
    ASSERT_EQ(reply.items.size(), 2u);
    cursor = reply.items[0].text;
    for (const Reply& item : reply.items[1].items) seen.insert(item.text);
    ASSERT_LT(++calls, 200);
  } while (cursor != "0");
  EXPECT_EQ(seen, members);
  EXPECT_GT(calls, 20);
}

TEST_P(Sets, EncodingsFollowTheDirectives) {
  if (IsReference()) GTEST_SKIP() << "listpacks of sets came with 7.2";
  Run({
      {"SADD i 1 2 3", ":3"},
      {"OBJECT ENCODING i", "'intset'"},
      {"SADD i x", ":1"},
      {"OBJECT ENCODING i", "'listpack'"},
      {"SREM i x", ":1"},
      {"OBJECT ENCODING i", "'listpack'"},
      {"CONFIG SET set-max-listpack-value 3", "OK"},
      {"SADD i long", ":1"},
      {"OBJECT ENCODING i", "'hashtable'"},
      {"CONFIG SET set-max-intset-entries 2", "OK"},
      {"SADD j 1 2", ":2"},
      {"OBJECT ENCODING j", "'intset'"},
      {"SADD j 3", ":1"},
      {"OBJECT ENCODING j", "'hashtable'"},
      {"SADD l 1 2 3", ":3"},
      {"OBJECT ENCODING l", "'listpack'"},
      {"CONFIG SET set-max-listpack-entries 1", "OK"},
      {"SADD m a b", ":2"},
      {"OBJECT ENCODING m", "'hashtable'"},
      {"CONFIG SET set-max-listpack-entries 128 set-max-intset-entries 512", "OK"},
      {"CONFIG SET set-max-listpack-value 64", "OK"},
  });
}

TEST_P(Sets, NameTheirEvents) {
  struct Row {
    const char* command;
    std::vector<std::string> events;  // "event key"
  };
  const Row rows[] = {
      {"SADD a 1 2 3", {"sadd a"}},
      {"SADD a 1", {}},
      {"SREM a 9", {}},
      {"SREM a 1", {"srem a"}},
      {"SMOVE a b 2", {"srem a", "sadd b"}},
      {"SMOVE a b 3", {"srem a", "del a", "sadd b"}},
      {"SADD a 2", {"sadd a"}},
      {"SMOVE a b 2", {"srem a", "del a"}},
      {"SPOP b", {"spop b"}},
      {"SPOP b", {"spop b", "del b"}},
      {"SADD b 1 2 3", {"sadd b"}},
      {"SPOP b 1", {"spop b"}},
      {"SPOP b 0", {}},
      {"SPOP b 5", {"spop b", "del b"}},
      {"SPOP b 5", {}},
      {"SADD a 1 2", {"sadd a"}},
      {"SADD b 2 3", {"sadd b"}},
      {"SINTERSTORE d a b", {"sinterstore d"}},
      {"SUNIONSTORE d a b", {"sunionstore d"}},
      {"SDIFFSTORE d a b", {"sdiffstore d"}},
      {"SDIFFSTORE d a a", {"del d"}},
      {"SINTERSTORE d a missing", {}},
      {"SREM a 1 2", {"srem a", "del a"}},
  };
  Client admin = ConnectResp2();
  ASSERT_EQ(admin.Call({"CONFIG", "SET", "notify-keyspace-events", "EA"}).Show(), "OK");
  Client listener = Connect();
  Subscribe(listener, {"PSUBSCRIBE", "__keyevent@0__:*"});
  Client client = Connect();
  for (const Row& row : rows) {
    client.Do(row.command);
    client.Do("PUBLISH __keyevent@0__:fence x");
    std::vector<std::string> events;
    for (;;) {
      const Reply frame = listener.Read();
      const std::string event = frame.At(2).substr(std::string_view("__keyevent@0__:").size());
      if (event == "fence") break;
      events.push_back(event + " " + frame.At(3));
    }
    EXPECT_EQ(events, row.events) << row.command;
  }
}

}  // namespace
}  // namespace peal::tests
