// Scripts that count, spin and are killed, beside clients that wait, listen, watch, change settings
// and libraries. Whatever happens to a script, what it did is done whole or not at all, nobody
// hears an answer that is none, and nothing is left behind.

#include <algorithm>

#include "tests/stress/concurrent.h"

namespace peal::tests {
namespace {

using Command = std::vector<std::string>;

constexpr int kCalls = 1000 / kSlowness;  // of each of those who count
constexpr int kSpins = 24 / kSlowness + 2;

bool IsBusy(const std::string& shown) { return shown.find("BUSY ") != std::string::npos; }

class ScriptsAmongOthers : public Concurrent {
 protected:
  void SetUp() override {
    Concurrent::SetUp();
    if (IsReference()) GTEST_SKIP() << "for several reactors";
    Client client = ConnectResp2();
    client.Do("CONFIG SET busy-reply-threshold 2");
    client.Do("FUNCTION FLUSH");
  }
  void TearDown() override {
    if (HasServer() && !IsSkipped()) {
      Client client = ConnectResp2();
      client.Do("FUNCTION FLUSH");
      client.Do("CONFIG SET busy-reply-threshold 5000");
    }
    Concurrent::TearDown();
  }

  /// Repeats a command until it is not refused because of a script.
  static std::string Insist(Client& client, const std::vector<std::string>& command) {
    for (;;) {
      std::string shown = client.Call(command).Show();
      if (!IsBusy(shown)) return shown;
    }
  }
};
INSTANTIATE_TEST_SUITE_P(, ScriptsAmongOthers, ::testing::ValuesIn(ConcurrentSetups()), SetupName);

TEST_P(ScriptsAmongOthers, EachIsWholeOrNothing) {
  constexpr int kCounters = 3;
  std::atomic<int> at_work{kCounters + 2};
  std::atomic<int64_t> counted{0};
  std::atomic<int64_t> pushed{0};
  std::atomic<int64_t> popped{0};
  std::atomic<int> killed{0};
  std::atomic<int> busy{0};
  // Two keys that are changed together, a list that others wait for, a message for each change.
  const std::string kCount =
      "local a = redis.call('INCR', 'left') local b = redis.call('INCR', 'right') "
      "if a ~= b then error('torn') end redis.call('RPUSH', 'list', a) "
      "redis.call('PUBLISH', 'news', a) return a";
  for (int i = 0; i < kCounters; ++i) {
    Start([&, i](Client& client, Random& random) {
      for (int n = 0; n < kCalls && !IsOver(); ++n) {
        std::string shown;
        if (i == 2) {
          for (const auto& command :
               std::vector<std::vector<std::string>>{{"MULTI"}, {"EVAL", kCount, "0"}, {"EXEC"}}) {
            shown = client.Call(command).Show();
          }
        } else if (i == 1) {
          // Names its keys, so it runs under their stripes alone.
          shown = client.Call({"EVAL", kCount, "3", "left", "right", "list"}).Show();
        } else {
          shown = client.Call({"EVAL", kCount, "0"}).Show();
        }
        if (IsBusy(shown) || shown.starts_with("-EXECABORT")) {
          ++busy;
        } else {
          ASSERT_EQ(shown.find('-'), std::string::npos) << shown;
          ++counted;
          ++pushed;
        }
        if (random() % 64 == 0) client.Do("RESET");
      }
      --at_work;
    });
  }
  // Scripts that spin; some write at the end, if nobody has ended them by then.
  for (int i = 0; i < 2; ++i) {
    Start([&, i](Client& client, Random& random) {
      for (int n = 0; n < kSpins && !IsOver(); ++n) {
        const std::string key = "spun:" + std::to_string(i) + ":" + std::to_string(n);
        const std::string script =
            random() % 2 == 0
                ? "while true do pcall(function() while true do end end) end"
                : "local c = coroutine.wrap(function() local n = 0 while n < 3e6 do n = n + 1 end "
                  "end) c() for i = 1, 100 do redis.call('GET', KEYS[1]) end "
                  "redis.call('SET', KEYS[1], 1) return 'written'";
        // This one is trusted with its key when it begins to spin.
        const std::string trusted =
            "local n = 0 while n < tonumber(ARGV[1]) do n = n + 1 end redis.call('GET', KEYS[1]) "
            "if ARGV[1] ~= '0' then redis.call('SET', KEYS[1], 1) return 'written' end -- " +
            key;
        std::string shown;
        if (random() % 2 == 0) {
          for (int run = 0; run < 2; ++run) Insist(client, {"EVAL", trusted, "1", key, "0"});
          shown = Insist(client, {"EVAL", trusted, "1", key, "3e6"});
        } else {
          shown = Insist(client, {"EVAL", script, "1", key});
        }
        const bool is_written = shown == "'written'";
        ASSERT_TRUE(is_written || shown.find("Script killed by user") != std::string::npos)
            << shown;
        ASSERT_EQ(Insist(client, {"EXISTS", key}), is_written ? ":1" : ":0") << shown;
      }
      --at_work;
    });
  }
  Start([&](Client& client, Random&) {
    while (at_work > 0 && !IsOver()) {
      const std::string shown = client.Do("SCRIPT KILL");
      if (shown == "OK") ++killed;
      ASSERT_TRUE(shown == "OK" || shown.starts_with("-NOTBUSY") ||
                  shown.starts_with("-UNKILLABLE") || IsBusy(shown))
          << shown;
      std::this_thread::sleep_for(Milliseconds(1));
    }
  });
  for (int i = 0; i < 2; ++i) {
    Start([&](Client& client, Random&) {
      while ((at_work > 0 || popped < pushed) && !IsOver()) {
        const std::string shown = client.Do("BLPOP list 0.05");
        if (shown.starts_with("[")) ++popped;
        ASSERT_TRUE(shown.starts_with("[") || shown == "nil" || IsBusy(shown)) << shown;
      }
    });
  }
  Start([&](Client& client, Random& random) {
    while (at_work > 0 && !IsOver()) {
      client.Do("WATCH left right");
      const std::string before = client.Do("GET left");
      client.Do("MULTI");
      client.Do("GET left");
      client.Do("GET right");
      const Reply reply = client.Call({"EXEC"});
      if (reply.items.size() == 2) {
        ASSERT_EQ(reply.items[0].Show(), reply.items[1].Show());
        if (!IsBusy(before)) {
          ASSERT_EQ(before, reply.items[0].Show());
        }
      }
      if (random() % 8 == 0) client.Do("UNWATCH");
    }
  });
  Start([&](Client& client, Random& random) {
    int n = 0;
    while (at_work > 0 && !IsOver()) {
      const std::string name = "lib" + std::to_string(random() % 3);
      std::string library = "#!lua name=" + name + "\nredis.register_function('";
      library += name;
      library += "', function(keys) return ";
      library += std::to_string(++n);
      library += " end)";
      Insist(client, {"FUNCTION", "LOAD", "REPLACE", library});
      const std::string shown = Insist(client, {"FCALL", name, "0"});
      ASSERT_EQ(shown, ":" + std::to_string(n));
      if (random() % 4 == 0) Insist(client, {"FUNCTION", "DELETE", name});
      if (random() % 4 == 0) Insist(client, {"SCRIPT", "FLUSH"});
      Insist(client, {"CONFIG", "SET", "busy-reply-threshold", random() % 2 == 0 ? "1" : "3"});
      Insist(client, {"CLIENT", "LIST"});
      client.Do("FUNCTION STATS");
    }
  });
  Start([&](Client&, Random&) {
    // Comes and goes, and listens meanwhile.
    int64_t last = 0;
    while (at_work > 0 && !IsOver()) {
      Client listener = ConnectResp2();
      if (IsBusy(listener.Do("SUBSCRIBE news"))) continue;
      for (int i = 0; i < 20 && listener.WaitForInput(Milliseconds(20)); ++i) {
        const int64_t now = std::atoll(listener.Read().items.at(2).text.c_str());
        ASSERT_GT(now, last);
        last = now;
      }
    }
  });
  Join();
  Client client = ConnectResp2();
  EXPECT_EQ(client.Do("GET left"), "'" + std::to_string(counted.load()) + "'");
  EXPECT_EQ(client.Do("GET right"), "'" + std::to_string(counted.load()) + "'");
  EXPECT_EQ(client.Do("LLEN list"), ":0");
  EXPECT_EQ(popped, pushed);
  EXPECT_EQ(BlockedClients(), 0);
  EXPECT_GT(killed, 0);
  EXPECT_GT(InfoNumber("scripts_shared"), 0);
  std::cout << counted << " counted, " << busy << " were told BUSY, " << killed << " killed\n";
}

TEST_P(ScriptsAmongOthers, WhatHasBeenReplacedOrFlushedIsNotRun) {
  constexpr int kChanges = 150 / kSlowness;
  ConnectResp2().Do("CONFIG SET busy-reply-threshold 5000");
  const std::string text = "redis.call('INCR', KEYS[1]) return #ARGV";
  const std::string digest = ConnectResp2().Call({"SCRIPT", "LOAD", text}).text;
  std::atomic<int> at_work{2};
  std::atomic<int> loaded{0};   // the version of the library that is certainly there
  std::atomic<int> flushes{0};  // odd while the script may be there or not
  std::atomic<int64_t> calls{0};
  std::atomic<int> missing{0};
  Start([&](Client& client, Random& random) {
    for (int version = 1; version <= kChanges && !IsOver(); ++version) {
      ASSERT_EQ(client
                    .Call({"FUNCTION", "LOAD", "REPLACE",
                           "#!lua name=lib\nredis.register_function('f', function(keys) "
                           "redis.call('INCR', keys[1]) return " +
                               std::to_string(version) + " end)"})
                    .Show(),
                "'lib'");
      loaded = version;
      for (auto left = random() % 32; left > 0; --left) client.Do("FCALL f 1 k");
    }
    --at_work;
  });
  Start([&](Client& client, Random& random) {
    for (int n = 0; n < kChanges && !IsOver(); ++n) {
      for (const Command& command : {Command{"SCRIPT", "FLUSH"}, Command{"SCRIPT", "LOAD", text}}) {
        ++flushes;
        ASSERT_FALSE(client.Call(command).IsError());
        ++flushes;
        for (auto left = random() % 32; left > 0; --left) client.Do("INCR other");
      }
    }
    --at_work;
  });
  for (int i = 0; i < 3; ++i) {
    Start([&, i](Client& client, Random& random) {
      // All want the same key, and now and then one keeps it for long or stops everybody.
      const std::string slow = "-- " + std::to_string(i) +
                               "\nlocal n = 0 while n < tonumber(ARGV[1]) do n = n + 1 end "
                               "return redis.call('INCR', KEYS[1])";
      while (at_work > 0 && !IsOver()) {
        const int version = loaded;
        if (version != 0) {
          const Reply reply = client.Call({"FCALL", "f", "1", "k"});
          ASSERT_FALSE(reply.IsError()) << reply.Show();
          ASSERT_GE(reply.integer, version);
        }
        const int before = flushes;
        const std::string shown = client.Call({"EVALSHA", digest, "1", "k"}).Show();
        const int after = flushes;
        ASSERT_TRUE(shown == ":0" || shown.starts_with("-NOSCRIPT")) << shown;
        if (before == after && before % 4 == 0) {
          ASSERT_EQ(shown, ":0");
        }
        if (before == after && before % 4 == 2) {
          ASSERT_NE(shown, ":0");
        }
        if (shown != ":0") ++missing;
        ++calls;
        if (random() % 32 == 0) client.Call({"EVAL", slow, "1", "k", "100000"});
        if (random() % 64 == 0) client.Do("KEYS k");
      }
    });
  }
  Join();
  EXPECT_GT(missing, 0);
  EXPECT_GT(calls, missing);
  EXPECT_GT(InfoNumber("scripts_shared"), 0);
}

}  // namespace
}  // namespace peal::tests
