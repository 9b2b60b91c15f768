// The hash commands. Expected replies were observed on redis-server 7.0.15.

#include <set>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class Hashes : public Behaviour {
 protected:
  struct Step {
    const char* command;
    const char* reply;
  };
  void Run(const std::vector<Step>& steps) {
    Client client = Connect();
    for (const Step& step : steps) EXPECT_EQ(client.Do(step.command), step.reply) << step.command;
  }
  std::string Map(const std::string& resp2, const std::string& resp3) {
    return resp() == 3 ? resp3 : resp2;
  }
  /// A hash of `fields` fields, which is a table from 513 on.
  void Fill(Client& client, const std::string& key, int fields) {
    std::vector<std::string> command = {"HSET", key};
    for (int i = 0; i < fields; ++i) {
      command.push_back("f" + std::to_string(i));
      command.push_back("v" + std::to_string(i));
    }
    ASSERT_EQ(client.Call(command).integer, fields);
  }
};
INSTANTIATE_TEST_SUITE_P(, Hashes, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(Hashes, FieldsAreSetAndRead) {
  Run({
      {"HSET h a 1 b 2", ":2"},
      {"HSET h a 3 c 4", ":1"},
      {"HSET h a 3 a 5", ":0"},
      {"HGET h a", "'5'"},
      {"HGET h missing", "nil"},
      {"HGET missing a", "nil"},
      {"HMGET h a missing b", "['5', nil, '2']"},
      {"HMGET missing a b", "[nil, nil]"},
      {"HLEN h", ":3"},
      {"HLEN missing", ":0"},
      {"HEXISTS h a", ":1"},
      {"HEXISTS h missing", ":0"},
      {"HEXISTS missing a", ":0"},
      {"HSTRLEN h a", ":1"},
      {"HSTRLEN h missing", ":0"},
      {"HSTRLEN missing a", ":0"},
      {"HKEYS h", "['a', 'b', 'c']"},
      {"HVALS h", "['5', '2', '4']"},
      {"HKEYS missing", "[]"},
      {"HVALS missing", "[]"},
      {"HMSET h d 1 e 2", "OK"},
      {"HSETNX h d 9", ":0"},
      {"HSETNX h f 9", ":1"},
      {"HSETNX new f 9", ":1"},
      {"HGET h d", "'1'"},
      {"TYPE h", "hash"},
      {"HSET h a", "-ERR wrong number of arguments for 'hset' command"},
      {"HSET h a b c", "-ERR wrong number of arguments for 'hset' command"},
      {"HMSET h a b c", "-ERR wrong number of arguments for 'hmset' command"},
      {"HSET missing a b c", "-ERR wrong number of arguments for 'hset' command"},
      {"EXISTS missing", ":0"},
  });
}

TEST_P(Hashes, HGetAllIsAMapInResp3) {
  Client client = Connect();
  client.Do("HSET h a 1 b 2");
  EXPECT_EQ(client.Raw("HGETALL h"),
            Map("*4\r\n", "%2\r\n") + "$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n");
  EXPECT_EQ(client.Raw("HGETALL missing"), Map("*0\r\n", "%0\r\n"));
}

TEST_P(Hashes, TheKeyGoesWithItsLastField) {
  Run({
      {"HSET h a 1 b 2 c 3", ":3"},
      {"HDEL h a a missing", ":1"},
      {"HDEL missing a", ":0"},
      {"HDEL h b c", ":2"},
      {"EXISTS h", ":0"},
      {"HDEL h b", ":0"},
  });
}

TEST_P(Hashes, CountersKeepTheirBounds) {
  Run({
      {"HINCRBY h n 5", ":5"},
      {"HINCRBY h n -7", ":-2"},
      {"HSET h max 9223372036854775807 text abc float 1.5", ":3"},
      {"HINCRBY h max 1", "-ERR increment or decrement would overflow"},
      {"HINCRBY h max -1", ":9223372036854775806"},
      {"HINCRBY h text 1", "-ERR hash value is not an integer"},
      {"HINCRBY h float 1", "-ERR hash value is not an integer"},
      {"HINCRBY h n x", "-ERR value is not an integer or out of range"},
      {"HINCRBY h n 1.5", "-ERR value is not an integer or out of range"},
      {"HINCRBYFLOAT h float 0.1", "'1.6'"},
      {"HINCRBYFLOAT h new 3.0e3", "'3000'"},
      {"HINCRBYFLOAT other new -0.5", "'-0.5'"},
      {"HINCRBYFLOAT h n 1", "'-1'"},
      {"HINCRBYFLOAT h text 1", "-ERR hash value is not a float"},
      {"HINCRBYFLOAT h n x", "-ERR value is not a valid float"},
      {"HINCRBYFLOAT h n nan", "-ERR value is not a valid float"},
      {"HINCRBYFLOAT h n inf", "-ERR value is NaN or Infinity"},
      {"HSET h big 1.1e4932", ":1"},
      {"HINCRBYFLOAT h big 1.1e4932", "-ERR increment would produce NaN or Infinity"},
  });
}

TEST_P(Hashes, OtherTypesAreRefused) {
  Client client = Connect();
  client.Do("SET s v");
  const std::string error = "-WRONGTYPE Operation against a key holding the wrong kind of value";
  for (const char* command :
       {"HSET s a 1", "HMSET s a 1", "HGET s a", "HMGET s a", "HGETALL s", "HDEL s a",
        "HEXISTS s a", "HINCRBY s a 1", "HINCRBYFLOAT s a 1", "HKEYS s", "HLEN s", "HRANDFIELD s",
        "HRANDFIELD s 1", "HSCAN s 0", "HSETNX s a 1", "HSTRLEN s a", "HVALS s"}) {
    EXPECT_EQ(client.Do(command), error) << command;
  }
  client.Do("HSET h a 1");
  EXPECT_EQ(client.Do("GET h"), error);
  EXPECT_EQ(client.Do("INCR h"), error);
  EXPECT_EQ(client.Do("SET h v"), "OK");
  EXPECT_EQ(client.Do("GET h"), "'v'");
}

TEST_P(Hashes, TheEncodingFollowsTheLimits) {
  Client client = Connect();
  Fill(client, "h", 512);
  EXPECT_EQ(client.Do("OBJECT ENCODING h"), "'listpack'");
  client.Do("HSET h one more");
  EXPECT_EQ(client.Do("OBJECT ENCODING h"), "'hashtable'");
  client.Do("HDEL h one");
  EXPECT_EQ(client.Do("OBJECT ENCODING h"), "'hashtable'");
  client.Call({"HSET", "long", "f", std::string(64, 'x')});
  EXPECT_EQ(client.Do("OBJECT ENCODING long"), "'listpack'");
  client.Call({"HSET", "long", "f", std::string(65, 'x')});
  EXPECT_EQ(client.Do("OBJECT ENCODING long"), "'hashtable'");
  client.Call({"HSET", "name", std::string(65, 'x'), "v"});
  EXPECT_EQ(client.Do("OBJECT ENCODING name"), "'hashtable'");
  EXPECT_EQ(client.Do("CONFIG SET hash-max-listpack-entries 2"), "OK");
  client.Do("HSET small a 1 b 2");
  EXPECT_EQ(client.Do("OBJECT ENCODING small"), "'listpack'");
  client.Do("HSET small c 3");
  EXPECT_EQ(client.Do("OBJECT ENCODING small"), "'hashtable'");
  EXPECT_EQ(client.Do("HGET small b"), "'2'");
  client.Do("CONFIG SET hash-max-listpack-entries 512");
}

TEST_P(Hashes, RandomFieldsComeInAllForms) {
  Client client = Connect();
  EXPECT_EQ(client.Do("HRANDFIELD missing"), "nil");
  EXPECT_EQ(client.Do("HRANDFIELD missing 5"), "[]");
  client.Do("HSET one f v");
  EXPECT_EQ(client.Do("HRANDFIELD one"), "'f'");
  EXPECT_EQ(client.Do("HRANDFIELD one 0"), "[]");
  EXPECT_EQ(client.Do("HRANDFIELD one 5"), "['f']");
  EXPECT_EQ(client.Do("HRANDFIELD one -3"), "['f', 'f', 'f']");
  EXPECT_EQ(client.Raw("HRANDFIELD one 1 WITHVALUES"),
            Map("*2\r\n", "*1\r\n*2\r\n") + "$1\r\nf\r\n$1\r\nv\r\n");
  EXPECT_EQ(client.Do("HRANDFIELD one x"), "-ERR value is not an integer or out of range");
  EXPECT_EQ(client.Do("HRANDFIELD one 1 bogus"), "-ERR syntax error");
  EXPECT_EQ(client.Do("HRANDFIELD one 1 WITHVALUES x"), "-ERR syntax error");
  EXPECT_EQ(client.Do("HRANDFIELD one 9223372036854775807 WITHVALUES"),
            "-ERR value is out of range");
  EXPECT_EQ(client.Do("HRANDFIELD one -9223372036854775808"),
            "-ERR value is out of range, value must between -9223372036854775807 and "
            "9223372036854775807");
  EXPECT_EQ(client.Do("HRANDFIELD one 9223372036854775807"), "['f']");
}

TEST_P(Hashes, ANegativeCountDoesNotEndTheServersMemory) {
  if (IsReference()) GTEST_SKIP() << "redis-server tries";
  Client client = Connect();
  client.Do("HSET one f v");
  EXPECT_EQ(client.Do("HRANDFIELD one -9223372036854775807"), "-ERR value is out of range");
  EXPECT_EQ(client.Call({"HRANDFIELD", "one", "-100000"}).items.size(), 100'000u);
}

TEST_P(Hashes, PositiveCountsGiveDifferentFields) {
  Client client = Connect();
  for (const int size : {100, 2000}) {
    client.Do("DEL h");
    Fill(client, "h", size);
    for (const int count : {1, 10, size / 2, size - 1, size, size + 5}) {
      const Reply reply = client.Call({"HRANDFIELD", "h", std::to_string(count)});
      std::set<std::string> fields;
      for (const Reply& item : reply.items) fields.insert(item.text);
      EXPECT_EQ(fields.size(), static_cast<size_t>(std::min(count, size)));
      EXPECT_EQ(reply.items.size(), fields.size());
    }
  }
}

TEST_P(Hashes, ScanPassesEveryFieldWithItsValue) {
  Client client = Connect();
  for (const int size : {100, 3000}) {
    client.Do("DEL h");
    Fill(client, "h", size);
    std::set<std::string> seen;
    std::string cursor = "0";
    int calls = 0;
    do {
      const Reply reply = client.Call({"HSCAN", "h", cursor, "COUNT", "20"});
      cursor = reply.items[0].text;
      const std::vector<Reply>& items = reply.items[1].items;
      for (size_t i = 0; i + 1 < items.size(); i += 2) {
        EXPECT_EQ(items[i].text.substr(1), items[i + 1].text.substr(1));
        seen.insert(items[i].text);
      }
      ++calls;
    } while (cursor != "0");
    EXPECT_EQ(seen.size(), static_cast<size_t>(size));
    EXPECT_EQ(calls == 1, size == 100);
  }
  client.Do("DEL h");
  client.Do("HSET h a 1 ab 2 b 3");
  EXPECT_EQ(client.Do("HSCAN h 0 MATCH a*"), "['0', ['a', '1', 'ab', '2']]");
  EXPECT_EQ(client.Do("HSCAN h 0 MATCH x"), "['0', []]");
  EXPECT_EQ(client.Do("HSCAN missing 0"), "['0', []]");
  EXPECT_EQ(client.Do("HSCAN missing 0 bogus"), "['0', []]");
  EXPECT_EQ(client.Do("HSCAN h 0 bogus"), "-ERR syntax error");
  EXPECT_EQ(client.Do("HSCAN h 0 COUNT 0"), "-ERR syntax error");
  EXPECT_EQ(client.Do("HSCAN h 0 COUNT x"), "-ERR value is not an integer or out of range");
  EXPECT_EQ(client.Do("HSCAN h 0 TYPE hash"), "-ERR syntax error");
  EXPECT_EQ(client.Do("HSCAN h x"), "-ERR invalid cursor");
  EXPECT_EQ(client.Do("HSCAN h 99999999999999999 COUNT 5"), client.Do("HSCAN h 0"));
}

TEST_P(Hashes, ScanLeavesOutValuesAsInRedis74) {
  if (IsReference()) GTEST_SKIP() << "redis-server 7.0 does not know NOVALUES";
  Client client = Connect();
  client.Do("HSET h a 1 ab 2 b 3");
  EXPECT_EQ(client.Do("HSCAN h 0 NOVALUES"), "['0', ['a', 'ab', 'b']]");
  EXPECT_EQ(client.Do("HSCAN h 0 NOVALUES MATCH a* COUNT 7"), "['0', ['a', 'ab']]");
}

TEST_P(Hashes, EachChangeIsAnEvent) {
  Client settings = ConnectResp2();
  settings.Do("CONFIG SET notify-keyspace-events Ehg");
  Client listener = Connect();
  Subscribe(listener, {"PSUBSCRIBE", "__keyevent@0__:*"});
  Client client = Connect();
  struct Row {
    const char* command;
    std::vector<std::string> events;
  };
  const Row rows[] = {
      {"HSET h a 1 b 2", {"hset"}},
      {"HSET h a 1", {"hset"}},
      {"HMSET h a 1", {"hset"}},
      {"HSETNX h a 1", {}},
      {"HSETNX h c 1", {"hset"}},
      {"HINCRBY h a 1", {"hincrby"}},
      {"HINCRBYFLOAT h a 1", {"hincrbyfloat"}},
      {"HINCRBY h a x", {}},
      {"HGETALL h", {}},
      {"HDEL h missing", {}},
      {"HDEL h a missing", {"hdel"}},
      {"HDEL h b c", {"hdel", "del"}},
  };
  for (const Row& row : rows) {
    client.Do(row.command);
    for (const std::string& event : row.events) {
      const Reply frame = listener.Read();
      EXPECT_EQ(frame.At(2), "__keyevent@0__:" + event) << row.command;
      EXPECT_EQ(frame.At(3), "h") << row.command;
    }
  }
  client.Do("SET end v");
  client.Do("DEL end");
  EXPECT_EQ(listener.Read().At(3), "end") << "there was one event more";
}

TEST_P(Hashes, WatchersSeeChangesOnly) {
  Client watcher = Connect();
  Client client = Connect();
  client.Do("HSET h a 1");
  const auto is_dirty = [&](const char* command) {
    watcher.Do("WATCH h");
    client.Do(command);
    watcher.Do("MULTI");
    watcher.Do("PING");
    return watcher.Do("EXEC") == "nil";
  };
  EXPECT_TRUE(is_dirty("HSET h a 1"));
  EXPECT_TRUE(is_dirty("HINCRBY h a 1"));
  EXPECT_FALSE(is_dirty("HGETALL h"));
  EXPECT_FALSE(is_dirty("HSETNX h a 1"));
  EXPECT_FALSE(is_dirty("HDEL h missing"));
  EXPECT_TRUE(is_dirty("HDEL h a"));
}

TEST_P(Hashes, MemoryComesBack) {
  if (IsReference()) GTEST_SKIP() << "looks at Peal's own accounting";
  Client client = Connect();
  client.Do("HSET h a 1");
  const int64_t before = client.Call({"MEMORY", "USAGE", "h"}).integer;
  Fill(client, "h", 3000);
  EXPECT_GT(client.Call({"MEMORY", "USAGE", "h"}).integer, before + 3000 * 10);
  EXPECT_EQ(client.Do("HSTRLEN h f2999"), ":5");
  EXPECT_EQ(client.Do("UNLINK h"), ":1");
  EXPECT_EQ(client.Do("DBSIZE"), ":0");
}

}  // namespace
}  // namespace peal::tests
