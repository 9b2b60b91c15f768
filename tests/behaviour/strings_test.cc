// The string commands. Expected replies were observed on redis-server 7.0.15.

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class Strings : public Behaviour {
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
INSTANTIATE_TEST_SUITE_P(, Strings, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(Strings, SetHonoursEveryOption) {
  Run({
      {"SET k v", "OK"},
      {"SET k w NX", "nil"},
      {"SET k w XX", "OK"},
      {"SET n w XX", "nil"},
      {"SET n w NX", "OK"},
      {"SET k x GET", "'w'"},
      {"SET k y NX GET", "'x'"},
      {"GET k", "'x'"},
      {"SET new y GET", "nil"},
      {"SET k v EX 100", "OK"},
      {"TTL k", ":100"},
      {"SET k v2 KEEPTTL", "OK"},
      {"TTL k", ":100"},
      {"SET k v3", "OK"},
      {"TTL k", ":-1"},
      {"SET k v PXAT 9999999999999", "OK"},
      {"PEXPIRETIME k", ":9999999999999"},
      {"SET k v EXAT 9999999999", "OK"},
      {"EXPIRETIME k", ":9999999999"},
      {"SET k v EXAT 1", "OK"},
      {"GET k", "nil"},
      {"SET k v EX 0", "-ERR invalid expire time in 'set' command"},
      {"SET k v EX -1", "-ERR invalid expire time in 'set' command"},
      {"SET k v EX x", "-ERR value is not an integer or out of range"},
      {"SET k v EX 9223372036854775807", "-ERR invalid expire time in 'set' command"},
      {"SET k v EX 1 PX 1", "-ERR syntax error"},
      {"SET k v EX 1 KEEPTTL", "-ERR syntax error"},
      {"SET k v NX XX", "-ERR syntax error"},
      {"SET k v EX", "-ERR syntax error"},
      {"SET k v bogus", "-ERR syntax error"},
      {"SET k", "-ERR wrong number of arguments for 'set' command"},
  });
}

TEST_P(Strings, GetexChangesOnlyTheTime) {
  Run({
      {"GETEX k", "nil"},
      {"SET k v", "OK"},
      {"GETEX k EX 100", "'v'"},
      {"TTL k", ":100"},
      {"GETEX k", "'v'"},
      {"TTL k", ":100"},
      {"GETEX k PERSIST", "'v'"},
      {"TTL k", ":-1"},
      {"GETEX k PXAT 9999999999999", "'v'"},
      {"PEXPIRETIME k", ":9999999999999"},
      {"GETEX k EX 0", "-ERR invalid expire time in 'getex' command"},
      {"GETEX k KEEPTTL", "-ERR syntax error"},
      {"GETEX k EX 1 PERSIST", "-ERR syntax error"},
      {"GETEX k EXAT 1", "'v'"},
      {"EXISTS k", ":0"},
  });
}

TEST_P(Strings, CountersKeepTheirBounds) {
  Run({
      {"INCR n", ":1"},
      {"INCRBY n 41", ":42"},
      {"DECR n", ":41"},
      {"DECRBY n 1", ":40"},
      {"SET n 9223372036854775807", "OK"},
      {"INCR n", "-ERR increment or decrement would overflow"},
      {"DECRBY n -1", "-ERR increment or decrement would overflow"},
      {"GET n", "'9223372036854775807'"},
      {"DECRBY n -9223372036854775808", "-ERR decrement would overflow"},
      {"INCRBY n x", "-ERR value is not an integer or out of range"},
      {"SET n abc", "OK"},
      {"INCR n", "-ERR value is not an integer or out of range"},
      {"INCRBYFLOAT n 1", "-ERR value is not a valid float"},
      {"SET n 10.50", "OK"},
      {"INCRBYFLOAT n 0.1", "'10.6'"},
      {"INCRBYFLOAT n -5", "'5.6'"},
      {"SET n 5.0e3", "OK"},
      {"INCRBYFLOAT n 200", "'5200'"},
      {"INCRBYFLOAT n inf", "-ERR increment would produce NaN or Infinity"},
      {"INCR n", ":5201"},
      {"EXPIRE n 100", ":1"},
      {"INCR n", ":5202"},
      {"TTL n", ":100"},
  });
}

TEST_P(Strings, SeveralKeysAtOnce) {
  Run({
      {"MSET a 1 b 2 a 3", "OK"},
      {"MGET a b c", "['3', '2', nil]"},
      {"MSETNX c 1 a 1", ":0"},
      {"EXISTS c", ":0"},
      {"MSETNX c 1 d 2", ":1"},
      {"MSET a", "-ERR wrong number of arguments for 'mset' command"},
      {"MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"},
      {"EXISTS a a b missing", ":3"},
      {"DEL a a b missing", ":2"},
      {"UNLINK c d", ":2"},
      {"DBSIZE", ":0"},
  });
}

TEST_P(Strings, TheRestOfTheFamily) {
  Run({
      {"APPEND k ab", ":2"},
      {"APPEND k cd", ":4"},
      {"STRLEN k", ":4"},
      {"STRLEN missing", ":0"},
      {"GETSET k new", "'abcd'"},
      {"GETDEL k", "'new'"},
      {"GETDEL k", "nil"},
      {"SETNX k 1", ":1"},
      {"SETNX k 2", ":0"},
      {"SETEX k 100 v", "OK"},
      {"PSETEX k 100000 v", "OK"},
      {"SETEX k 0 v", "-ERR invalid expire time in 'setex' command"},
      {"PSETEX k -1 v", "-ERR invalid expire time in 'psetex' command"},
      {"TYPE k", "string"},
      {"TYPE missing", "none"},
  });
}

TEST_P(Strings, ValuesMayHoldAnyOctetsAndBeLarge) {
  Client client = Connect();
  for (const size_t bytes : {0UL, 1UL, 15UL, 44UL, 45UL, 300UL, 70'000UL, 5'000'000UL}) {
    std::string value(bytes, '\0');
    for (size_t i = 0; i < bytes; ++i) value[i] = static_cast<char>(i * 7);
    ASSERT_EQ(client.Call({"SET", "k", value}).Show(), "OK");
    EXPECT_TRUE(client.Call({"GET", "k"}).text == value) << bytes;
    EXPECT_EQ(client.Call({"STRLEN", "k"}).integer, static_cast<int64_t>(bytes));
    EXPECT_EQ(client.Call({"APPEND", "k", "x"}).integer, static_cast<int64_t>(bytes) + 1);
  }
  std::string key(300'000, 'k');
  key[5] = '\0';
  ASSERT_EQ(client.Call({"SET", key, "v"}).Show(), "OK");
  EXPECT_EQ(client.Call({"GET", key}).text, "v");
}

TEST_P(Strings, DatabasesAreSeparate) {
  Run({
      {"SET k zero", "OK"},
      {"SELECT 1", "OK"},
      {"GET k", "nil"},
      {"SET k one", "OK"},
      {"SELECT 0", "OK"},
      {"GET k", "'zero'"},
      {"SELECT 16", "-ERR DB index is out of range"},
      {"SELECT -1", "-ERR DB index is out of range"},
      {"SELECT x", "-ERR value is not an integer or out of range"},
      {"FLUSHDB", "OK"},
      {"DBSIZE", ":0"},
      {"SELECT 1", "OK"},
      {"DBSIZE", ":1"},
      {"FLUSHALL SYNC", "OK"},
      {"DBSIZE", ":0"},
      {"FLUSHALL bogus", "-ERR syntax error"},
  });
}

TEST_P(Strings, TimesToLive) {
  Run({
      {"TTL missing", ":-2"},
      {"PTTL missing", ":-2"},
      {"EXPIRETIME missing", ":-2"},
      {"SET k v", "OK"},
      {"TTL k", ":-1"},
      {"PEXPIRETIME k", ":-1"},
      {"PERSIST k", ":0"},
      {"EXPIRE k 100", ":1"},
      {"TTL k", ":100"},
      {"EXPIRE k 50 GT", ":0"},
      {"EXPIRE k 200 LT", ":0"},
      {"EXPIRE k 200 NX", ":0"},
      {"EXPIRE k 200 XX", ":1"},
      {"EXPIRE k 300 GT", ":1"},
      {"EXPIRE k 100 LT", ":1"},
      {"EXPIRE k 100 NX XX",
       "-ERR NX and XX, GT or LT options at the same time are not compatible"},
      {"EXPIRE k 100 GT LT", "-ERR GT and LT options at the same time are not compatible"},
      {"EXPIRE k 100 bogus", "-ERR Unsupported option bogus"},
      {"EXPIRE k x", "-ERR value is not an integer or out of range"},
      {"EXPIRE k 9223372036854775807", "-ERR invalid expire time in 'expire' command"},
      {"PERSIST k", ":1"},
      {"EXPIRE k 100 GT", ":0"},
      {"EXPIRE k 100 LT", ":1"},
      {"EXPIREAT k 9999999999", ":1"},
      {"EXPIRETIME k", ":9999999999"},
      {"PEXPIREAT k 9999999999123", ":1"},
      {"PEXPIRETIME k", ":9999999999123"},
      {"EXPIRETIME k", ":9999999999"},
      {"EXPIREAT k 1", ":1"},
      {"EXISTS k", ":0"},
      {"SET k v", "OK"},
      {"PEXPIRE k -5", ":1"},
      {"DBSIZE", ":0"},
  });
}

TEST_P(Strings, KeysExpireWhetherTouchedOrNot) {
  Client client = Connect();
  const int64_t expired_before = InfoNumber("expired_keys");
  for (int i = 0; i < 500; ++i) {
    client.Do("SET key:" + std::to_string(i) + " v PX " + std::to_string(1 + i % 50));
  }
  client.Do("SET stays v");
  EXPECT_TRUE(Eventually([&] { return client.Do("DBSIZE") == ":1"; }));
  EXPECT_EQ(client.Do("GET key:7"), "nil");
  EXPECT_EQ(client.Do("GET stays"), "'v'");
  EXPECT_TRUE(Eventually([&] { return InfoNumber("expired_keys") == expired_before + 500; }));
}

TEST_P(Strings, TwoClientsNeverSeeHalfAnMset) {
  Client writer = Connect();
  Client reader = Connect();
  std::string writes;
  std::string reads;
  for (int i = 0; i < 500; ++i) {
    const std::string n = std::to_string(i);
    writes += EncodeCommand({"MSET", "a", n, "b", n, "c", n, "d", n});
    reads += EncodeCommand({"MGET", "d", "b", "a", "c"});
  }
  writer.Send(writes);
  reader.Send(reads);
  for (int i = 0; i < 500; ++i) {
    const Reply values = reader.Read();
    for (const Reply& value : values.items) ASSERT_EQ(value.Show(), values.items[0].Show());
  }
  writer.ReadMany(500);
}

}  // namespace
}  // namespace peal::tests
