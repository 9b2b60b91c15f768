// maxmemory and its policies. Each test has its own server.

#include <string>
#include <thread>
#include <vector>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class MaxMemory : public OwnServer {
 protected:
  static int64_t Number(Client& client, const std::string& section, const std::string& field) {
    const std::string info = client.Do("INFO " + section);
    const size_t at = info.find(field + ":");
    return at == std::string::npos ? -1 : std::atoll(info.c_str() + at + field.size() + 1);
  }
  static void Fill(Client& client, const std::string& prefix, int keys, const std::string& more) {
    const std::string value(1000, 'v');
    for (int i = 0; i < keys; ++i) {
      client.Do("SET " + prefix + std::to_string(i) + " " + value + more);
    }
  }
};

TEST_F(MaxMemory, ManyWritersDoNotOvershootByMoreThanAHundredth) {
  constexpr int64_t kLimit = 40 << 20;
  Server server(
      {.reactors = 4,
       .stripes = 1024,
       .args = {"--maxmemory", std::to_string(kLimit), "--maxmemory-policy", "allkeys-lru"}});
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      Client client = server.Connect();
      const std::string value(500, 'v');
      for (int i = 0; i < 30'000; ++i) {
        client.Send("SET w" + std::to_string(w) + ":" + std::to_string(i) + " " + value + "\r\n");
        if (i % 100 == 99) {
          for (int j = 0; j < 100; ++j) EXPECT_EQ(client.ReadRaw(), "+OK\r\n");
        }
      }
    });
  }
  Client watcher = server.Connect();
  int64_t most = 0;
  for (int i = 0; i < 50; ++i) most = std::max(most, Number(watcher, "memory", "used_memory"));
  for (std::thread& writer : writers) writer.join();
  most = std::max(most, Number(watcher, "memory", "used_memory"));
  EXPECT_GT(Number(watcher, "stats", "evicted_keys"), 1000);
  EXPECT_GT(std::atoll(watcher.Do("DBSIZE").c_str() + 1), 10'000);
  EXPECT_LE(most, kLimit + kLimit / 100);
}

// What is freed inside blocks of memory that hold other keys is room, too.
TEST_F(MaxMemory, LoweringTheLimitKeepsWhatFits) {
  constexpr int kKeys = 80'000;
  Server server({.reactors = 1, .stripes = 1024, .args = {"--maxmemory-policy", "allkeys-lru"}});
  Client client = server.Connect();
  const int64_t empty = Number(client, "memory", "used_memory");
  const std::string value(100, 'v');
  for (int i = 0; i < kKeys; i += 1000) {
    for (int j = i; j < i + 1000; ++j) client.SendLine("SET k" + std::to_string(j) + " " + value);
    for (int j = i; j < i + 1000; ++j) ASSERT_EQ(client.ReadRaw(), "+OK\r\n");
  }
  const int64_t limit = empty + (Number(client, "memory", "used_memory") - empty) / 4;
  EXPECT_EQ(client.Do("CONFIG SET maxmemory " + std::to_string(limit)), "OK");
  int64_t used = limit + 1;
  for (int i = 0; i < 100'000 && used > limit; ++i) used = Number(client, "memory", "used_memory");
  EXPECT_LE(used, limit);
  EXPECT_EQ(client.Do("SET more v"), "OK");
  const int left = std::atoi(client.Do("DBSIZE").c_str() + 1);
  EXPECT_GT(left, kKeys / 8);
  EXPECT_LT(left, kKeys / 3);
}

TEST_F(MaxMemory, WithoutEvictionWritesThatNeedMemoryAreRefused) {
  Server server({.reactors = 1, .stripes = 1024, .args = {"--maxmemory-policy", "noeviction"}});
  Client client = server.Connect();
  EXPECT_EQ(client.Do("SET k v"), "OK");
  EXPECT_EQ(client.Do("CONFIG SET maxmemory 1"), "OK");
  const std::string oom = "-OOM command not allowed when used memory > 'maxmemory'.";
  EXPECT_EQ(client.Do("SET k w"), oom);
  EXPECT_EQ(client.Do("GET k"), "'v'");
  EXPECT_EQ(client.Do("DEL nothing"), ":0");
  EXPECT_EQ(client.Do("MULTI"), "OK");
  EXPECT_EQ(client.Do("SET k w"), oom);
  EXPECT_EQ(client.Do("EXEC"), "-EXECABORT Transaction discarded because of previous errors.");
  EXPECT_EQ(client.Do("CONFIG SET maxmemory 0"), "OK");
  EXPECT_EQ(client.Do("MULTI"), "OK");
  EXPECT_EQ(client.Do("SET k w"), "QUEUED");
  Client other = server.Connect();
  EXPECT_EQ(other.Do("CONFIG SET maxmemory 1"), "OK");
  EXPECT_THAT(client.Do("EXEC"), ::testing::StartsWith("-EXECABORT"));
  EXPECT_EQ(client.Do("GET k"), "'v'");
  EXPECT_EQ(client.Do("DEL k"), ":1");
}

TEST_F(MaxMemory, VolatilePoliciesSpareKeysWithoutExpiry) {
  for (const std::string policy :
       {"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "volatile-lrm"}) {
    Server server({.reactors = 2, .stripes = 1024, .args = {"--maxmemory-policy", policy}});
    Client client = server.Connect();
    Fill(client, "kept", 1000, "");
    Fill(client, "volatile", 1000, " EX 10000");
    const int64_t used = Number(client, "memory", "used_memory");
    EXPECT_EQ(client.Do("CONFIG SET maxmemory " + std::to_string(used - 500'000)), "OK") << policy;
    EXPECT_EQ(client.Do("SET last v EX 10"), "OK");
    const Deadline evicting;
    while (Number(client, "stats", "evicted_keys") < 300 && !evicting.HasPassed()) {
    }
    EXPECT_GE(Number(client, "stats", "evicted_keys"), 300) << policy;
    for (int i = 0; i < 1000; i += 7) {
      EXPECT_EQ(client.Do("EXISTS kept" + std::to_string(i)), ":1") << policy;
    }
    // When nothing volatile is left, writes are refused.
    EXPECT_EQ(client.Do("CONFIG SET maxmemory 1"), "OK");
    const Deadline deadline;
    while (client.Do("SET k v EX 100")[0] != '-' && !deadline.HasPassed()) {
    }
    EXPECT_EQ(client.Do("SET k v"), "-OOM command not allowed when used memory > 'maxmemory'.");
    EXPECT_EQ(client.Do("DBSIZE"), ":1000") << policy;
  }
}

TEST_F(MaxMemory, TheLeastRecentlyUsedGoFirstAndEachTellsAnEvent) {
  Server server({.reactors = 1,
                 .stripes = 1024,
                 .args = {"--maxmemory-policy", "allkeys-lru", "--maxmemory-samples", "10",
                          "--notify-keyspace-events", "Ee"}});
  Client client = server.Connect();
  Client listener = server.Connect();
  listener.Do("SUBSCRIBE __keyevent@0__:evicted");
  Fill(client, "old", 2000, "");
  // The clock of last use counts seconds.
  const Deadline deadline;
  while (std::atoll(client.Do("OBJECT IDLETIME old0").c_str() + 1) < 2 && !deadline.HasPassed()) {
  }
  Fill(client, "new", 2000, "");
  const int64_t used = Number(client, "memory", "used_memory");
  EXPECT_EQ(client.Do("CONFIG SET maxmemory " + std::to_string(used - 1'000'000)), "OK");
  EXPECT_EQ(client.Do("SET last v"), "OK");
  EXPECT_THAT(listener.ReadRaw(), ::testing::HasSubstr("evicted"));
  const Deadline evicting;
  while (Number(client, "stats", "evicted_keys") < 800 && !evicting.HasPassed()) {
  }
  int old_left = 0;
  int new_left = 0;
  for (int i = 0; i < 2000; ++i) {
    old_left += client.Do("EXISTS old" + std::to_string(i)) == ":1" ? 1 : 0;
    new_left += client.Do("EXISTS new" + std::to_string(i)) == ":1" ? 1 : 0;
  }
  EXPECT_GE(new_left, 1980);
  EXPECT_LE(old_left, 1300);
}

TEST_F(MaxMemory, WhatIsEvictedIsAnEffect) {
  if (IsReferenceUnderTest()) GTEST_SKIP() << "redis-server does not hand effects out";
  Server server({.reactors = 1, .stripes = 16, .args = {"--maxmemory-policy", "allkeys-random"}});
  Client client = server.Connect();
  Fill(client, "k", 2000, "");
  EXPECT_EQ(client.Do("DEBUG PEAL-EFFECTS START"), "OK");
  const int64_t used = Number(client, "memory", "used_memory");
  EXPECT_EQ(client.Do("CONFIG SET maxmemory " + std::to_string(used - 500'000)), "OK");
  const Deadline evicting;
  while (Number(client, "stats", "evicted_keys") < 100 && !evicting.HasPassed()) {
  }
  EXPECT_EQ(client.Do("CONFIG SET maxmemory 0"), "OK");
  const int64_t evicted = Number(client, "stats", "evicted_keys");
  EXPECT_GE(evicted, 100);
  const Reply effects = client.Call({"DEBUG", "PEAL-EFFECTS", "TAKE"});
  int64_t deleted = 0;
  for (const Reply& effect : effects.items) deleted += effect.At(1) == "DEL" ? 1 : 0;
  EXPECT_EQ(deleted, evicted);
}

}  // namespace
}  // namespace peal::tests
