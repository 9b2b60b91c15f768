// DUMP and RESTORE. Expected replies were observed on redis-server 7.0.15, and payloads travel to a
// running one and back.

#include <array>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

/// CRC-64 as payloads end with it, bit by bit.
uint64_t Crc64(std::string_view bytes) {
  static const std::array<uint64_t, 256> kTable = [] {
    std::array<uint64_t, 256> table{};
    for (uint64_t octet = 0; octet < 256; ++octet) {
      uint64_t crc = octet;
      for (int bit = 0; bit < 8; ++bit)
        crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x95ac9329ac4bc9b5u : 0);
      table[octet] = crc;
    }
    return table;
  }();
  uint64_t crc = 0;
  for (const char c : bytes) crc = kTable[(crc ^ static_cast<uint8_t>(c)) & 255] ^ (crc >> 8);
  return crc;
}

/// `body` with the version and a right checksum behind it.
std::string Sealed(std::string body, unsigned version = 10) {
  body += static_cast<char>(version);
  body += static_cast<char>(version >> 8);
  const uint64_t crc = Crc64(body);
  for (int i = 0; i < 8; ++i) body += static_cast<char>(crc >> (8 * i));
  return body;
}

class DumpRestore : public Behaviour {
 protected:
  static void TearDownTestSuite() { Redis().reset(); }

  /// A redis-server of this suite, emptied.
  static Client Reference() {
    if (Redis() == nullptr) {
      ServerOptions options = RedisReference();
      options.args = {"--sanitize-dump-payload", "yes"};
      Redis() = std::make_unique<Server>(options);
    }
    Client client = Redis()->Connect();
    client.Do("FLUSHALL");
    return client;
  }

  static std::string Dump(Client& client, const std::string& key) {
    return client.Call({"DUMP", key}).text;
  }

 private:
  static std::unique_ptr<Server>& Redis() {
    static std::unique_ptr<Server> redis;
    return redis;
  }
};
INSTANTIATE_TEST_SUITE_P(, DumpRestore, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(DumpRestore, StringsComeBack) {
  Client client = Connect();
  EXPECT_EQ(client.Do("DUMP missing"), "nil");
  EXPECT_EQ(client.Do("SET k b"), "OK");
  EXPECT_EQ(Dump(client, "k"), std::string("\0\1b\n\0\x16$\xb8\x91\xa6\xe3\x12\x83", 13));
  for (const std::string& value :
       {std::string(), std::string("12"), std::string("-9223372036854775808"),
        std::string(1'000, 'x'), std::string(1 << 20, 'y'), std::string("\0\r\n\xff", 4)}) {
    client.Call({"SET", "k", value});
    const std::string payload = Dump(client, "k");
    EXPECT_EQ(client.Call({"RESTORE", "copy", "0", payload, "REPLACE"}).Show(), "OK");
    EXPECT_EQ(client.Call({"GET", "copy"}).text, value);
    EXPECT_EQ(client.Do("OBJECT ENCODING copy"), client.Do("OBJECT ENCODING k"));
  }
  EXPECT_EQ(client.Do("CONFIG SET rdbcompression no"), "OK");
  client.Call({"SET", "k", std::string(1'000, 'x')});
  EXPECT_GT(Dump(client, "k").size(), 1'000u);
  EXPECT_EQ(client.Do("CONFIG SET rdbcompression yes"), "OK");
  EXPECT_LT(Dump(client, "k").size(), 100u);
}

TEST_P(DumpRestore, RefusesInTheOrderOfRedis) {
  Client client = Connect();
  client.Do("SET k b");
  const std::string good = Dump(client, "k");
  const std::string bad_sum = good.substr(0, good.size() - 1) + "x";
  const auto restore = [&](std::vector<std::string> args) {
    args.insert(args.begin(), "RESTORE");
    return client.Call(args).Show();
  };
  const std::string busy = "-BUSYKEY Target key name already exists.";
  const std::string not_integer = "-ERR value is not an integer or out of range";
  const std::string syntax = "-ERR syntax error";
  const std::string footer = "-ERR DUMP payload version or checksum are wrong";
  const std::string data = "-ERR Bad data format";
  EXPECT_EQ(restore({"k", "0"}), "-ERR wrong number of arguments for 'restore' command");
  EXPECT_EQ(restore({"k", "0", good}), busy);
  EXPECT_EQ(restore({"k", "x", "", "FOO"}), syntax);
  EXPECT_EQ(restore({"k", "x", ""}), busy);
  EXPECT_EQ(restore({"k", "x", "", "REPLACE"}), not_integer);
  EXPECT_EQ(restore({"k", "-1", "", "REPLACE"}), "-ERR Invalid TTL value, must be >= 0");
  EXPECT_EQ(restore({"k", "0", "", "REPLACE"}), footer);
  EXPECT_EQ(restore({"n", "0", "abc"}), footer);
  EXPECT_EQ(restore({"n", "0", bad_sum}), footer);
  EXPECT_EQ(restore({"n", "0", Sealed(std::string("\0\1b", 3), 13)}), footer);
  EXPECT_EQ(restore({"n", "0", Sealed("")}), data);
  EXPECT_EQ(restore({"n", "0",
                     Sealed("\x08"
                            "abc")}),
            data);
  EXPECT_EQ(restore({"n", "0", Sealed(std::string("\1\0", 2))}), data) << "an empty list";
  EXPECT_EQ(restore({"n", "0", good, "IDLETIME"}), syntax);
  EXPECT_EQ(restore({"n", "0", good, "IDLETIME", "x"}), not_integer);
  EXPECT_EQ(restore({"n", "0", good, "IDLETIME", "-1"}),
            "-ERR Invalid IDLETIME value, must be >= 0");
  EXPECT_EQ(restore({"n", "0", good, "FREQ", "256"}),
            "-ERR Invalid FREQ value, must be >= 0 and <= 255");
  EXPECT_EQ(restore({"n", "0", good, "FREQ", "-1"}),
            "-ERR Invalid FREQ value, must be >= 0 and <= 255");
  EXPECT_EQ(restore({"n", "0", good, "IDLETIME", "1", "FREQ", "1"}), syntax);
  EXPECT_EQ(restore({"n", "0", good, "FREQ", "1", "IDLETIME", "1"}), syntax);
  EXPECT_EQ(client.Do("EXISTS n"), ":0");
  EXPECT_EQ(client.Do("GET k"), "'b'");
  EXPECT_EQ(restore({"n", "0", Sealed(std::string("\0\1b", 3), 12)}), "OK");
}

TEST_P(DumpRestore, TimesAreRelativeOrAbsolute) {
  Client client = Connect();
  client.Do("SET k b");
  const std::string payload = Dump(client, "k");
  const auto restore = [&](const std::string& ttl, std::vector<std::string> options) {
    std::vector<std::string> args = {"RESTORE", "n", ttl, payload};
    args.insert(args.end(), options.begin(), options.end());
    return client.Call(args).Show();
  };
  EXPECT_EQ(restore("100000", {}), "OK");
  EXPECT_EQ(client.Do("TTL n"), ":100");
  EXPECT_EQ(restore("0", {"REPLACE"}), "OK");
  EXPECT_EQ(client.Do("TTL n"), ":-1");
  EXPECT_EQ(restore("9999999999999", {"replace", "absttl"}), "OK");
  EXPECT_EQ(client.Do("PEXPIRETIME n"), ":9999999999999");
  EXPECT_EQ(restore("1", {"ABSTTL", "REPLACE"}), "OK");
  EXPECT_EQ(client.Do("EXISTS n"), ":0");
  EXPECT_EQ(restore("1", {"ABSTTL"}), "OK");
  EXPECT_EQ(client.Do("EXISTS n"), ":0");
  EXPECT_EQ(restore("9223372036854775807", {}), "OK");
  EXPECT_EQ(client.Do("EXISTS n"), ":0");
  EXPECT_EQ(restore("9223372036854775807", {"ABSTTL"}), "OK");
  EXPECT_EQ(client.Do("PEXPIRETIME n"), ":9223372036854775807");
}

TEST_P(DumpRestore, UseIsRestored) {
  Client client = Connect();
  client.Do("SET k b");
  const std::string payload = Dump(client, "k");
  client.Call({"RESTORE", "n", "0", payload, "IDLETIME", "5000"});
  EXPECT_THAT(client.Do("OBJECT IDLETIME n"), ::testing::AnyOf(":5000", ":5001"));
  ASSERT_EQ(client.Do("CONFIG SET maxmemory-policy allkeys-lfu"), "OK");
  client.Call({"RESTORE", "n", "0", payload, "REPLACE", "FREQ", "77"});
  EXPECT_EQ(client.Do("OBJECT FREQ n"), ":77");
  client.Call({"RESTORE", "n", "0", payload, "REPLACE", "IDLETIME", "5000"});
  EXPECT_EQ(client.Do("OBJECT FREQ n"), ":5");
  ASSERT_EQ(client.Do("CONFIG SET maxmemory-policy noeviction"), "OK");
}

TEST_P(DumpRestore, TellsEvents) {
  Client client = Connect();
  Client listener = ConnectResp2();
  ASSERT_EQ(client.Do("CONFIG SET notify-keyspace-events Egxn"), "OK");
  Subscribe(listener, {"PSUBSCRIBE", "__keyevent@0__:*"});
  client.Do("SET k b");
  const std::string payload = Dump(client, "k");
  client.Call({"RESTORE", "n", "0", payload});
  client.Call({"RESTORE", "n", "100000", payload, "REPLACE"});
  client.Call({"RESTORE", "n", "1", payload, "REPLACE", "ABSTTL"});
  client.Call({"RESTORE", "n", "1", payload, "ABSTTL"});
  client.Do("SET end b");
  const auto next = [&] {
    const Reply reply = listener.Read();
    return reply.At(2).substr(15) + " " + reply.At(3);
  };
  EXPECT_EQ(next(), "new k");
  EXPECT_EQ(next(), "new n");
  EXPECT_EQ(next(), "restore n");
  EXPECT_EQ(next(), "new n");
  EXPECT_EQ(next(), "restore n");
  EXPECT_EQ(next(), "del n");
  EXPECT_EQ(next(), "new end");
}

// ---------------------------------------------------------------- to redis-server and back

std::string Numbered(const char* stem, int i) { return stem + std::to_string(i); }

/// Commands that make a value of each type and encoding, by name of the key.
std::vector<std::pair<std::string, std::vector<std::vector<std::string>>>> Recipes() {
  std::vector<std::pair<std::string, std::vector<std::vector<std::string>>>> recipes;
  const auto add = [&](const std::string& key, std::vector<std::vector<std::string>> commands) {
    for (std::vector<std::string>& command : commands) command.insert(command.begin() + 1, key);
    recipes.emplace_back(key, std::move(commands));
  };
  const auto many = [](const char* name, int count, auto element) {
    std::vector<std::string> command = {name};
    for (int i = 0; i < count; ++i) {
      for (std::string& each : element(i)) command.push_back(std::move(each));
    }
    return std::vector<std::vector<std::string>>{command};
  };
  using Strings = std::vector<std::string>;
  add("int", {{"SET", "12345"}});
  add("embstr", {{"SET", "short"}});
  add("raw", {{"SET", std::string(5'000, 'z') + "end"}});
  add("binary", {{"SET", std::string("\0\1\2\xff", 4)}});
  add("list-small", {{"RPUSH", "a", "12", "-5000", "", std::string(100, 'x'), "99999999999"}});
  add("list-large", many("RPUSH", 3'000, [](int i) { return Strings{Numbered("element-", i)}; }));
  add("list-huge-element", {{"RPUSH", std::string(30'000, 'a'), "b", std::string(9'000, 'c')}});
  add("set-int16", {{"SADD", "1", "-7", "30000"}});
  add("set-int32", {{"SADD", "1", "70000"}});
  add("set-int64", {{"SADD", "1", "9223372036854775807", "-9223372036854775808"}});
  add("set-ints-many", many("SADD", 600, [](int i) { return Strings{std::to_string(i * 11)}; }));
  add("set-small", {{"SADD", "a", "b", "12", ""}});
  add("set-large", many("SADD", 1'000, [](int i) { return Strings{Numbered("member-", i)}; }));
  add("zset-small", {{"ZADD", "1", "a", "-inf", "b", "0.1", "12", "1e300", "c", "3", "d"}});
  add("zset-large", many("ZADD", 500, [](int i) {
        return Strings{std::to_string(i % 50) + ".25", Numbered("member-", i)};
      }));
  add("zset-infinite", many("ZADD", 200, [](int i) {
        return Strings{i % 2 == 0 ? "inf" : "-inf", Numbered("m", i)};
      }));
  add("hash-small", {{"HSET", "f", "v", "12", "34", "", "", "long", std::string(60, 'v')}});
  add("hash-large", many("HSET", 700, [](int i) {
        return Strings{Numbered("field-", i), Numbered("value ", i)};
      }));
  add("hash-long-value", {{"HSET", "f", std::string(100, 'v'), "g", "w"}});
  std::vector<std::vector<std::string>> entries;
  for (int i = 1; i <= 300; ++i) {
    entries.push_back({"XADD", std::to_string(1'000 + i / 4) + "-" + std::to_string(i), "n",
                       std::to_string(i), i % 7 == 0 ? "odd" : "field", "some text"});
  }
  add("stream", entries);
  entries.push_back({"XDEL", "1001-5", "1010-40", "1075-300"});
  add("stream-holes", entries);
  add("stream-empty", {{"XADD", "5-5", "f", "v"}, {"XDEL", "5-5"}});
  return recipes;
}

/// Consumer groups on a stream, with what is pending.
std::vector<std::vector<std::string>> GroupCommands(const std::string& key) {
  return {{"XGROUP", "CREATE", key, "readers", "0"},
          {"XGROUP", "CREATE", key, "late", "$", "ENTRIESREAD", "3"},
          {"XGROUP", "CREATECONSUMER", key, "readers", "idle"},
          {"XREADGROUP", "GROUP", "readers", "ann", "COUNT", "10", "STREAMS", key, ">"},
          {"XREADGROUP", "GROUP", "readers", "bob", "COUNT", "70", "STREAMS", key, ">"},
          {"XACK", key, "readers", "1000-1", "1000-3"}};
}

void Make(Client& client) {
  for (const auto& [key, commands] : Recipes()) {
    for (const std::vector<std::string>& command : commands)
      EXPECT_FALSE(client.Call(command).IsError()) << command[0] << " " << key;
  }
  for (const char* const key : {"stream", "stream-holes"}) {
    for (const std::vector<std::string>& command : GroupCommands(key))
      EXPECT_FALSE(client.Call(command).IsError()) << command[0] << " " << key;
  }
}

/// What a redis-server tells of a key, order left out where it means nothing.
std::string Contents(Client& redis, const std::string& key) {
  if (redis.Do("TYPE " + key) == "stream") return redis.Do("XINFO STREAM " + key + " FULL COUNT 0");
  return redis.Do("DEBUG DIGEST-VALUE " + key);
}

TEST_P(DumpRestore, ValuesOfRedisComeBackTheSame) {
  if (IsReference()) GTEST_SKIP();
  Client redis = Reference();
  Client client = Connect();
  Make(redis);
  for (const auto& [key, commands] : Recipes()) {
    SCOPED_TRACE(key);
    const std::string payload = Dump(redis, key);
    ASSERT_EQ(client.Call({"RESTORE", key, "0", payload}).Show(), "OK");
    EXPECT_EQ(client.Do("TYPE " + key), redis.Do("TYPE " + key));
    const std::string encoding = client.Do("OBJECT ENCODING " + key);
    const std::string redis_encoding = redis.Do("OBJECT ENCODING " + key);
    // Lists and sets have had a listpack encoding since Redis 7.2.
    if (key == "list-small" || key == "set-small") {
      EXPECT_EQ(encoding, "'listpack'");
    } else {
      EXPECT_EQ(encoding, redis_encoding);
    }
    const std::string before = Contents(redis, key);
    const std::string again = Dump(client, key);
    EXPECT_EQ(again[again.size() - 10], 10) << "a version that Redis 7.0 reads";
    ASSERT_EQ(redis.Call({"RESTORE", key, "0", again, "REPLACE"}).Show(), "OK");
    EXPECT_EQ(Contents(redis, key), before);
  }
}

TEST_P(DumpRestore, ValuesMadeHereAreReadByRedis) {
  if (IsReference()) GTEST_SKIP();
  Client redis = Reference();
  Client client = Connect();
  Make(client);
  Client maker = Reference();
  Make(maker);
  for (const auto& [key, commands] : Recipes()) {
    SCOPED_TRACE(key);
    const std::string payload = Dump(client, key);
    ASSERT_FALSE(payload.empty());
    ASSERT_EQ(redis.Call({"RESTORE", "copy", "0", payload, "REPLACE"}).Show(), "OK");
    if (!key.starts_with("stream")) {
      EXPECT_EQ(Contents(redis, "copy"), Contents(maker, key));
    } else {
      EXPECT_EQ(redis.Do("XRANGE copy - +"), maker.Do("XRANGE " + key + " - +"));
      if (key != "stream-empty") {
        EXPECT_EQ(redis.Do("XPENDING copy readers"), maker.Do("XPENDING " + key + " readers"));
      }
    }
    // What the server itself takes back is what it had.
    ASSERT_EQ(client.Call({"RESTORE", "copy", "0", payload, "REPLACE"}).Show(), "OK");
    EXPECT_EQ(client.Do("OBJECT ENCODING copy"), client.Do("OBJECT ENCODING " + key));
    EXPECT_EQ(Dump(client, "copy").size(), payload.size());
    if (!key.starts_with("set-") && key != "hash-large" && key != "hash-long-value") {
      EXPECT_EQ(Dump(client, "copy"), payload);
    }
  }
}

// ---------------------------------------------------------------- damage

TEST_P(DumpRestore, DamagedPayloadsUnderARightChecksumDoNoHarm) {
  Client redis = Reference();
  Client client = Connect();
  Make(redis);
  std::vector<std::string> bodies;
  for (const auto& [key, commands] : Recipes()) {
    const std::string payload = Dump(redis, key);
    bodies.push_back(payload.substr(0, payload.size() - 10));
  }
  std::mt19937_64 random(Seed());
  for (int round = 0; round < 40; ++round) {
    std::vector<std::vector<std::string>> commands;
    for (int i = 0; i < 25; ++i) {
      std::string body = bodies[random() % bodies.size()];
      const size_t range = random() % 2 == 0 ? body.size() : std::min<size_t>(body.size(), 80);
      for (uint64_t n = 1 + random() % 3; n > 0; --n)
        body[random() % range] = static_cast<char>(random());
      if (random() % 10 == 0) body.resize(random() % body.size());
      commands.push_back({"RESTORE", "k", "0", Sealed(body), "REPLACE"});
      commands.push_back({"DUMP", "k"});
      commands.push_back({"TYPE", "k"});
    }
    for (const Reply& reply : client.Pipeline(commands)) {
      if (reply.IsError()) {
        ASSERT_EQ(reply.Show(), "-ERR Bad data format");
      }
    }
    const Reply payload = client.Call({"DUMP", "k"});
    if (!payload.IsNull()) {
      ASSERT_EQ(client.Call({"RESTORE", "k", "0", payload.text, "REPLACE"}).Show(), "OK");
    }
  }
}

/// Small values of each type and encoding, for damage at each of their places.
std::vector<std::vector<std::string>> SmallValues() {
  const std::string far_away = "4102444800000";
  return {
      {"SET", "string", "some text"},
      {"SET", "int", "-70000"},
      {"RPUSH", "list", "a", "12", "-5000", "", "99999999999", std::string(70, 'x')},
      {"RPUSH", "quicklist", "a", std::string(9'000, 'x'), "b"},
      {"SADD", "intset", "1", "-7", "70000"},
      {"SADD", "set", "a", "12", "", "bcd"},
      {"SADD", "large-set", "a", "12", "", std::string(70, 'x')},
      {"ZADD", "zset", "1", "a", "-inf", "b", "0.1", "12"},
      {"ZADD", "large-zset", "1", "a", "inf", "b", "0.1", std::string(70, 'x')},
      {"HSET", "hash", "f", "v", "12", "34", "", ""},
      {"HSET", "large-hash", "f", "v", "12", std::string(70, 'x')},
      {"HSET", "hash-times", "f", "v", "g", "w", "h", "x"},
      {"HPEXPIREAT", "hash-times", far_away, "FIELDS", "2", "f", "g"},
      {"HSET", "large-hash-times", "f", "v", "g", std::string(70, 'x')},
      {"HPEXPIREAT", "large-hash-times", far_away, "FIELDS", "1", "f"},
      {"XADD", "stream", "1-1", "f", "v", "g", "w"},
      {"XADD", "stream", "1-2", "f", "12", "g", "-5"},
      {"XADD", "stream", "2-0", "other", "field"},
      {"XADD", "stream", "2-1", "f", "v", "g", "w"},
      {"XDEL", "stream", "1-2"},
      {"XGROUP", "CREATE", "stream", "readers", "0"},
      {"XREADGROUP", "GROUP", "readers", "ann", "COUNT", "2", "STREAMS", "stream", ">"},
      {"XREADGROUP", "GROUP", "readers", "bob", "STREAMS", "stream", ">"},
  };
}

class DamagedPayloads : public DumpRestore {};
INSTANTIATE_TEST_SUITE_P(, DamagedPayloads, ::testing::ValuesIn(ReactorSetups()), SetupName);

TEST_P(DamagedPayloads, AreRefusedOrHarmlessWhicheverBitIsWrong) {
  if (IsReference()) GTEST_SKIP() << "redis-server takes values that contradict themselves";
  Client client = Connect();
  ASSERT_EQ(client.Do("CONFIG SET rdbcompression no"), "OK");
  std::set<std::string> names;
  for (const std::vector<std::string>& command : SmallValues()) {
    ASSERT_FALSE(client.Call(command).IsError()) << command[0] << " " << command[1];
    if (command[0][0] != 'X' || command[0] == "XADD") names.insert(command[1]);
  }
  std::map<std::string, std::string> payloads;
  for (const std::string& name : names) payloads[name] = Dump(client, name);
  ASSERT_EQ(client.Do("CONFIG SET rdbcompression yes"), "OK");
  // What reads a value of each type, and changes a copy: those of other types say WRONGTYPE.
  const auto uses_of = [](const std::string& key) {
    const std::string copy = "copy-" + key;
    return std::vector<std::vector<std::string>>{
        {"GET", key},
        {"LRANGE", key, "0", "-1"},
        {"SMEMBERS", key},
        {"ZRANGE", key, "0", "-1", "WITHSCORES"},
        {"HGETALL", key},
        {"XRANGE", key, "-", "+"},
        {"XINFO", "STREAM", key, "FULL"},
        {"DUMP", key},
        {"COPY", key, copy, "REPLACE"},
        {"LPUSH", copy, "new"},
        {"SADD", copy, "new"},
        {"ZADD", copy, "3", "new"},
        {"HSET", copy, "new", "v"},
        {"XTRIM", copy, "MAXLEN", "1"},
    };
  };
  size_t taken = 0;
  size_t refused = 0;
  const auto try_all = [&](const std::vector<std::string>& bodies, unsigned version) {
    std::vector<std::vector<std::string>> commands;
    for (size_t i = 0; i < bodies.size(); ++i) {
      const std::string key = "k" + std::to_string(i);
      commands.push_back({"RESTORE", key, "0", Sealed(bodies[i], version), "REPLACE"});
      for (std::vector<std::string>& use : uses_of(key)) commands.push_back(std::move(use));
    }
    const std::vector<Reply> replies = client.Pipeline(commands);
    for (size_t i = 0; i < replies.size(); ++i) {
      const std::string shown = replies[i].IsError() ? replies[i].Show() : "";
      if (commands[i][0] != "RESTORE") {
        const bool is_expected =
            shown.empty() || shown.starts_with("-WRONGTYPE") || shown == "-ERR no such key";
        ASSERT_TRUE(is_expected) << commands[i][0] << ": " << shown;
        continue;
      }
      ASSERT_TRUE(shown.empty() || shown == "-ERR Bad data format") << shown;
      ++(shown.empty() ? taken : refused);
    }
    ASSERT_EQ(client.Do("DEBUG PEAL-CHECK"), "OK");
  };
  for (const auto& [name, payload] : payloads) {
    SCOPED_TRACE(name);
    const std::string body = payload.substr(0, payload.size() - 10);
    const auto version = static_cast<unsigned char>(payload[payload.size() - 10]);
    for (size_t at = 0; at < std::min<size_t>(body.size(), 400); ++at) {
      std::vector<std::string> bodies;
      for (unsigned bit = 0; bit < 8; ++bit) {
        bodies.push_back(body);
        bodies.back()[at] = static_cast<char>(body[at] ^ (1u << bit));
      }
      for (const char octet : {'\x00', '\x7f', '\x80', '\xff'}) {
        bodies.push_back(body);
        bodies.back()[at] = octet;
      }
      bodies.push_back(body.substr(0, at));
      bodies.push_back(body.substr(0, at) + body.substr(at + 1));
      bodies.push_back(body.substr(0, at) + body[at] + body.substr(at));
      ASSERT_NO_FATAL_FAILURE(try_all(bodies, version)) << "octet " << at;
    }
  }
  EXPECT_GT(taken, 1'000u);
  EXPECT_GT(refused, 1'000u);
  std::cout << taken << " damaged payloads were taken, " << refused << " refused\n";
}

}  // namespace
}  // namespace peal::tests
