// KEYS, SCAN, RANDOMKEY and their guarantees.

#include <map>
#include <set>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class Keyspace : public Behaviour {
 protected:
  /// Adds key:0 ... key:<count-1>.
  static void Fill(Client& client, int count) {
    std::string bytes;
    for (int i = 0; i < count; ++i) {
      bytes += EncodeCommand({"SET", "key:" + std::to_string(i), std::to_string(i)});
    }
    client.Send(bytes);
    client.ReadMany(static_cast<size_t>(count));
  }
};
INSTANTIATE_TEST_SUITE_P(, Keyspace, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(Keyspace, ScanReturnsEveryKeyThatStaysWhileOthersComeAndGo) {
  Client client = Connect();
  Fill(client, 2000);
  std::set<std::string> seen;
  std::string cursor = "0";
  int step = 0;
  do {
    const Reply reply = client.Call({"SCAN", cursor, "COUNT", "20"});
    cursor = reply.At(0);
    for (const Reply& key : reply.items[1].items) seen.insert(key.text);
    // Growth and shrinking in between: the table resizes under the cursor.
    for (int i = 0; i < 40; ++i) {
      client.Do("SET extra:" + std::to_string(step * 40 + i) + " v");
    }
    if (step % 3 == 0) client.Do("DEL extra:" + std::to_string(step));
    ASSERT_LT(++step, 4000) << "the scan does not end";
  } while (cursor != "0");
  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(seen.count("key:" + std::to_string(i)), 1U) << i;
  }
}

TEST_P(Keyspace, ScanReturnsEveryKeyWhileTheTableShrinks) {
  Client client = Connect();
  Fill(client, 5000);
  std::set<std::string> seen;
  std::string cursor = "0";
  int next_deleted = 200;
  do {
    const Reply reply = client.Call({"SCAN", cursor, "COUNT", "50"});
    cursor = reply.At(0);
    for (const Reply& key : reply.items[1].items) seen.insert(key.text);
    for (int i = 0; i < 100 && next_deleted < 5000; ++i, ++next_deleted) {
      client.Do("DEL key:" + std::to_string(next_deleted));
    }
  } while (cursor != "0");
  for (int i = 0; i < 200; ++i) ASSERT_EQ(seen.count("key:" + std::to_string(i)), 1U) << i;
}

TEST_P(Keyspace, ScanFiltersByPatternAndType) {
  Client client = Connect();
  Fill(client, 100);
  client.Do("SET other v");
  const auto scan = [&](std::vector<std::string> options) {
    std::set<std::string> found;
    std::string cursor = "0";
    do {
      std::vector<std::string> command{"SCAN", cursor};
      command.insert(command.end(), options.begin(), options.end());
      const Reply reply = client.Call(command);
      cursor = reply.At(0);
      for (const Reply& key : reply.items[1].items) found.insert(key.text);
    } while (cursor != "0");
    return found.size();
  };
  EXPECT_EQ(scan({}), 101U);
  EXPECT_EQ(scan({"MATCH", "key:*"}), 100U);
  EXPECT_EQ(scan({"MATCH", "key:?"}), 10U);
  EXPECT_EQ(scan({"MATCH", "other"}), 1U);
  EXPECT_EQ(scan({"MATCH", "nothing*", "COUNT", "1000"}), 0U);
  EXPECT_EQ(scan({"TYPE", "string"}), 101U);
  EXPECT_EQ(scan({"TYPE", "list"}), 0U);
  EXPECT_EQ(client.Do("SCAN x"), "-ERR invalid cursor");
  EXPECT_EQ(client.Do("SCAN 0 COUNT 0"), "-ERR syntax error");
  EXPECT_EQ(client.Do("SCAN 0 COUNT x"), "-ERR value is not an integer or out of range");
  EXPECT_EQ(client.Do("SCAN 0 bogus"), "-ERR syntax error");
  const Reply far = client.Call({"SCAN", "18446744073709551615"});
  EXPECT_EQ(far.items.size(), 2U) << "a made-up cursor does no harm: " << far;
}

TEST_P(Keyspace, KeysMatchesGlobsAndForgetsExpiredOnes) {
  Client client = Connect();
  client.Do("MSET one 1 two 2 three 3 four 4");
  const auto keys = [&](const std::string& pattern) {
    std::set<std::string> found;
    for (const Reply& key : client.Call({"KEYS", pattern}).items) found.insert(key.text);
    return found;
  };
  EXPECT_EQ(keys("*"), (std::set<std::string>{"one", "two", "three", "four"}));
  EXPECT_EQ(keys("t*"), (std::set<std::string>{"two", "three"}));
  EXPECT_EQ(keys("*o*"), (std::set<std::string>{"one", "two", "four"}));
  EXPECT_EQ(keys("t??"), (std::set<std::string>{"two"}));
  EXPECT_EQ(keys("one"), (std::set<std::string>{"one"}));
  EXPECT_EQ(keys("zzz"), (std::set<std::string>{}));
  client.Do("DEBUG SET-ACTIVE-EXPIRE 0");
  client.Do("PEXPIRE one 1");
  EXPECT_TRUE(Eventually([&] { return client.Do("EXISTS one") == ":0"; }));
  client.Do("SET one 1 PX 1");
  EXPECT_TRUE(Eventually([&] { return keys("one").empty(); }));
  client.Do("DEBUG SET-ACTIVE-EXPIRE 1");
}

TEST_P(Keyspace, NumbersOfDatabasesAreLookedAt) {
  const std::string out_of_range =
      "-ERR value is out of range, value must between -2147483648 and 2147483647";
  const std::string no_integer = "-ERR value is not an integer or out of range";
  const std::string no_database = "-ERR DB index is out of range";
  Client client = Connect();
  client.Do("SET k v");
  for (const char* line : {"SELECT ", "MOVE k ", "COPY k l DB "}) {
    EXPECT_EQ(client.Do(line + std::string("2147483648")), out_of_range) << line;
    EXPECT_EQ(client.Do(line + std::string("-2147483649")), out_of_range) << line;
    EXPECT_EQ(client.Do(line + std::string("2147483647")), no_database) << line;
    EXPECT_EQ(client.Do(line + std::string("-1")), no_database) << line;
    EXPECT_EQ(client.Do(line + std::string("9223372036854775808")), no_integer) << line;
    EXPECT_EQ(client.Do(line + std::string("x")), no_integer) << line;
  }
  EXPECT_EQ(client.Do("SWAPDB 2147483648 0"), "-ERR invalid first DB index");
  EXPECT_EQ(client.Do("SWAPDB 0 x"), "-ERR invalid second DB index");
  EXPECT_EQ(client.Do("SWAPDB 0 16"), no_database);
}

TEST_P(Keyspace, RandomkeyReachesEveryKey) {
  Client client = Connect();
  EXPECT_EQ(client.Do("RANDOMKEY"), "nil");
  Fill(client, 8);
  std::map<std::string, int> counts;
  EXPECT_TRUE(Eventually([&] {
    ++counts[client.Call({"RANDOMKEY"}).text];
    return counts.size() == 8;
  }));
}

}  // namespace
}  // namespace peal::tests
