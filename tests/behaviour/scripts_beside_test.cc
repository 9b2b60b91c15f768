// Scripts that run beside others, under the locks of their keys: what they tell, what becomes of
// those who wait for their keys, and what happens when two of them need everything at once.

#include <chrono>
#include <csignal>
#include <map>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

using Command = std::vector<std::string>;

// Each of them takes longer than a script may keep its keys without taking everything.
constexpr const char* kSpins = "10000000";

class ScriptsBeside : public Behaviour {
 protected:
  void SetUp() override {
    Behaviour::SetUp();
    if (IsReference()) GTEST_SKIP() << "redis-server runs one script at a time";
    Client admin = ConnectResp2();
    admin.Do("SCRIPT FLUSH");
    admin.Do("CONFIG SET busy-reply-threshold 5000");
    admin.Do("CONFIG RESETSTAT");
  }
  void TearDown() override {
    if (HasServer() && !IsSkipped()) {
      ConnectResp2().Do("CONFIG SET busy-reply-threshold 5000");
    }
    Behaviour::TearDown();
  }

  /// Runs it as often as it takes to be trusted with its keys alone.
  void Train(Client& client, const Command& command) {
    for (int i = 0; i < 2; ++i) {
      const Reply reply = client.Call(command);
      ASSERT_FALSE(reply.IsError()) << reply.Show();
    }
    const int64_t shared = InfoNumber("scripts_shared");
    ASSERT_FALSE(client.Call(command).IsError());
    ASSERT_EQ(InfoNumber("scripts_shared"), shared + 1);
  }

  /// Two connections whose reactors differ.
  std::vector<Client> ConnectTwo() {
    std::vector<Client> two;
    std::vector<Client> others;
    two.push_back(ConnectResp2());
    const int64_t first = two[0].Id() % 64;
    while (two.size() < 2) {
      Client next = ConnectResp2();
      (next.Id() % 64 != first ? two : others).push_back(std::move(next));
    }
    return two;
  }

  /// Repeats `round`, which gets its number, until it returns true.
  void Repeat(const std::function<bool(int)>& round) {
    int number = 0;
    EXPECT_TRUE(Eventually([&] { return round(number++) || HasFailure(); }));
  }
};
INSTANTIATE_TEST_SUITE_P(, ScriptsBeside, ::testing::ValuesIn(ReactorSetups()), SetupName);

/// Needs two reactors at least.
class TwoScriptsAtOnce : public ScriptsBeside {};
INSTANTIATE_TEST_SUITE_P(, TwoScriptsAtOnce,
                         ::testing::Values(Setup{.reactors = kManyReactors,
                                                 .stripes = kManyStripes}),
                         SetupName);

TEST_P(TwoScriptsAtOnce, WhoeverIsRefusedTheGateAndHasOnlyReadRunsAgain) {
  std::vector<Client> two = ConnectTwo();
  Client listener = ConnectResp2();
  ConnectResp2().Do("CONFIG SET notify-keyspace-events Em");
  Subscribe(listener, {"SUBSCRIBE", "__keyevent@0__:keymiss"});
  std::map<std::string, int> runs;
  Repeat([&](int round) {
    const std::string number = std::to_string(round);
    const std::string script = "-- " + number +
                               "\nlocal value = redis.call('GET', KEYS[1]) "
                               "local n, most = 0, tonumber(ARGV[1]) while n < most do n = n + 1 "
                               "end return {value, n}";
    const std::vector<std::string> keys = {"left:" + number, "right:" + number};
    Train(two[0], {"EVAL", script, "1", keys[0], "0"});
    Train(two[1], {"EVAL", script, "1", keys[1], "0"});
    const int64_t repeated = InfoNumber("scripts_repeated");
    for (size_t i = 0; i < 2; ++i) two[i].SendCommand({"EVAL", script, "1", keys[i], kSpins});
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(two[i].Read().Show(), "[nil, :10000000]");
    }
    for (const std::string& key : keys) runs[key] = 4;
    return InfoNumber("scripts_repeated") > repeated;
  });
  EXPECT_EQ(InfoNumber("scripts_in_conflict"), 0);
  // Each run missed its key once.
  ConnectResp2().Do("CONFIG SET notify-keyspace-events \"\"");
  ConnectResp2().Do("PUBLISH __keyevent@0__:keymiss end");
  for (std::string key; (key = listener.Read().At(2)) != "end";) --runs[key];
  for (const auto& [key, left] : runs) EXPECT_EQ(left, 0) << key;
}

TEST_P(TwoScriptsAtOnce, OfTwoThatHaveWrittenAndNeedEachOthersKeysOneEndsHalfway) {
  std::vector<Client> two = ConnectTwo();
  int64_t halfway = 0;
  Repeat([&](int round) {
    const std::string number = std::to_string(round);
    // Nothing in the script catches what ends it.
    const std::string script =
        "-- " + number +
        "\nredis.call('SET', KEYS[1], 'own') local n, most = 0, tonumber(ARGV[1]) "
        "while n < most do n = n + 1 end if ARGV[2] ~= '' then while true do "
        "local ok = pcall(function() redis.call('SET', ARGV[2], 'other') end) "
        "if ok then break end redis.pcall('SET', KEYS[1], 'caught') end end return 'done'";
    const std::vector<std::string> keys = {"left:" + number, "right:" + number};
    for (size_t i = 0; i < 2; ++i) Train(two[i], {"EVAL", script, "1", keys[i], "0", ""});
    for (size_t i = 0; i < 2; ++i) {
      two[i].SendCommand({"EVAL", script, "1", keys[i], kSpins, keys[1 - i]});
    }
    std::vector<std::string> shown;
    for (Client& client : two) shown.push_back(client.Read().Show());
    int errors = 0;
    for (size_t i = 0; i < 2; ++i) {
      if (shown[i] == "'done'") continue;
      ++errors;
      EXPECT_THAT(shown[i], ::testing::HasSubstr("-ERR Script ended halfway: "));
      EXPECT_THAT(shown[i], ::testing::HasSubstr(" script: "));
      // What it did before stays; what it was about to do is not done.
      EXPECT_EQ(two[i].Call({"GET", keys[i]}).Show(), "'other'");
      EXPECT_EQ(two[i].Call({"GET", keys[1 - i]}).Show(), "'own'");
    }
    EXPECT_LE(errors, 1);
    halfway += errors;
    EXPECT_EQ(InfoNumber("scripts_in_conflict"), halfway);
    // Whatever came of it: nothing is left locked, and the text gets everything from now on.
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(two[i].Call({"EVAL", script, "1", keys[i], "0", keys[1 - i]}).Show(), "'done'");
    }
    return errors == 1;
  });
  ConnectResp2().Do("CONFIG RESETSTAT");
  for (const char* const field :
       {"scripts_shared", "scripts_exclusive", "scripts_repeated", "scripts_in_conflict"}) {
    EXPECT_EQ(InfoNumber(field), 0) << field;
  }
}

TEST_P(TwoScriptsAtOnce, TwoThatTakeLongAfterTheyHaveWrittenBothGoOn) {
  std::vector<Client> two = ConnectTwo();
  for (int round = 0; round < 5; ++round) {
    const std::string script = "-- " + std::to_string(round) +
                               "\nredis.call('INCR', KEYS[1]) local n, most = 0, tonumber(ARGV[1]) "
                               "while n < most do n = n + 1 end return redis.call('INCR', KEYS[1])";
    for (size_t i = 0; i < 2; ++i) {
      two[i].Do("DEL left right");
      Train(two[i], {"EVAL", script, "1", i == 0 ? "left" : "right", "0"});
    }
    two[0].Do("MSET left 0 right 0");
    two[0].SendCommand({"EVAL", script, "1", "left", kSpins});
    two[1].SendCommand({"EVAL", script, "1", "right", kSpins});
    for (Client& client : two) EXPECT_EQ(client.Read().Show(), ":2");
  }
  EXPECT_EQ(InfoNumber("scripts_in_conflict"), 0);
}

TEST_P(TwoScriptsAtOnce, AtTheThresholdOneOfTwoGetsTheGateAndTheOthersAnAnswer) {
  std::vector<Client> two = ConnectTwo();
  std::vector<Client> others;
  for (int i = 0; i < 2 * kManyReactors; ++i) others.push_back(ConnectResp2());
  Repeat([&](int round) {
    Client admin = ConnectResp2();
    admin.Do("CONFIG SET busy-reply-threshold 5000");
    const std::string script = "-- " + std::to_string(round) +
                               "\nredis.call('SET', KEYS[1], 1) local n, most = 0, "
                               "tonumber(ARGV[1]) while n < most do n = n + 1 end return 'done'";
    // Others each round: two names may lie under one stripe by chance.
    const std::string left = "left:" + std::to_string(round);
    const std::string right = "right:" + std::to_string(round);
    Train(two[0], {"EVAL", script, "1", left, "0"});
    Train(two[1], {"EVAL", script, "1", right, "0"});
    const int64_t conflicts = InfoNumber("scripts_in_conflict");
    admin.Do("CONFIG SET busy-reply-threshold 40");
    two[0].SendCommand({"EVAL", script, "1", left, "50000000"});
    two[1].SendCommand({"EVAL", script, "1", right, "50000000"});
    while (!two[0].HasInput() || !two[1].HasInput()) {
      for (Client& other : others) {
        const std::string shown = other.Do("MGET " + left + " " + right);
        EXPECT_TRUE(shown.starts_with("[") || shown.starts_with("-BUSY")) << shown;
      }
    }
    int halfway = 0;
    for (Client& client : two) {
      const std::string shown = client.Read().Show();
      if (shown == "'done'" || shown.starts_with("-BUSY")) continue;
      EXPECT_THAT(shown, ::testing::HasSubstr("-ERR Script ended halfway: "));
      ++halfway;
    }
    EXPECT_EQ(InfoNumber("scripts_in_conflict"), conflicts + halfway);
    return halfway == 1;
  });
}

TEST_P(ScriptsBeside, PipelinesOfThoseWhoWaitLoseAndRepeatNothing) {
  Client client = ConnectResp2();
  std::vector<Client> others;
  for (int i = 0; i < 2 * kManyReactors; ++i) others.push_back(ConnectResp2());
  std::vector<int64_t> counted(others.size(), 0);
  for (size_t i = 0; i < others.size(); ++i) client.Do("SET own:" + std::to_string(i) + " 0");
  for (int round = 0; round < 6; ++round) {
    const bool is_called_slow = round % 2 == 1;
    client.Do("CONFIG SET busy-reply-threshold 5000");
    const std::string script = "-- " + std::to_string(round) +
                               "\nredis.call('INCR', KEYS[1]) local n, most = 0, tonumber(ARGV[1]) "
                               "while n < most do n = n + 1 end return redis.call('INCR', KEYS[1])";
    client.Do("SET k 0");
    Train(client, {"EVAL", script, "1", "k", "0"});
    if (is_called_slow) client.Do("CONFIG SET busy-reply-threshold 30");
    client.SendCommand({"EVAL", script, "1", "k", is_called_slow ? "20000000" : kSpins});
    constexpr int kEach = 60;
    for (size_t i = 0; i < others.size(); ++i) {
      const std::string own = "own:" + std::to_string(i);
      std::string sent;
      for (int n = 0; n < kEach; ++n) {
        for (const Command& command :
             {Command{"INCR", own}, Command{"ECHO", std::to_string(n)}, Command{"MGET", "k", own},
              Command{"WATCH", "k"}, Command{"MULTI"}, Command{"INCR", own}, Command{"GET", "k"},
              Command{"EXEC"}, Command{"SCAN", "0"}}) {
          sent += EncodeCommand(command);
        }
      }
      others[i].Send(sent);
    }
    for (size_t i = 0; i < others.size(); ++i) {
      int64_t& count = counted[i];
      const auto is_busy = [](const Reply& reply) { return reply.Show().starts_with("-BUSY "); };
      for (int n = 0; n < kEach; ++n) {
        const std::vector<Reply> replies = others[i].ReadMany(9);
        if (!is_busy(replies[0])) {
          ++count;
          EXPECT_EQ(replies[0].Show(), ":" + std::to_string(count));
        }
        if (!is_busy(replies[1])) {
          EXPECT_EQ(replies[1].Show(), "'" + std::to_string(n) + "'");
        }
        if (!is_busy(replies[2])) {
          ASSERT_EQ(replies[2].items.size(), 2u) << replies[2].Show();
          // The script is whole: nobody sees it between its two steps.
          const std::string k = replies[2].At(0);
          EXPECT_TRUE(k == "6" || k == "8") << k;
          EXPECT_EQ(replies[2].At(1), std::to_string(count));
        }
        EXPECT_EQ(replies[3].Show(), "OK");
        EXPECT_EQ(replies[4].Show(), "OK");
        const std::string exec = replies[7].Show();
        if (replies[7].items.size() == 2) {
          ++count;
          EXPECT_EQ(replies[7].items[0].Show(), ":" + std::to_string(count));
          EXPECT_TRUE(replies[7].At(1) == "6" || replies[7].At(1) == "8") << exec;
        } else {
          EXPECT_TRUE(exec == "nil" || exec.starts_with("-EXECABORT ")) << exec;
        }
        EXPECT_TRUE(is_busy(replies[8]) || replies[8].items.size() == 2) << replies[8].Show();
      }
    }
    EXPECT_EQ(client.Read().Show(), ":8");
  }
  client.Do("CONFIG SET busy-reply-threshold 5000");
}

TEST_P(ScriptsBeside, WhatOthersAreToldIsTheSameHoweverItRuns) {
  Client client = ConnectResp2();
  Client listener = ConnectResp2();
  Client reader = ConnectResp2();
  reader.Hello(3);
  client.Do("CONFIG SET notify-keyspace-events KEA");
  Subscribe(listener, {"PSUBSCRIBE", "*"});
  ASSERT_EQ(reader.Do("CLIENT TRACKING ON"), "OK");
  const Command command = {"EVAL",
                           "redis.call('SET', KEYS[1], 'x', 'PX', 1) "
                           "redis.call('PUBLISH', 'c', 'first') redis.call('RPUSH', KEYS[2], 'e') "
                           "local n = 0 while n < 200000 do n = n + 1 end "
                           "local still = redis.call('GET', KEYS[1]) redis.call('DEL', KEYS[1]) "
                           "redis.call('SPUBLISH', 'c', 'shard') redis.call('PUBLISH', 'c', 'last')"
                           " redis.call('DEL', KEYS[2]) return {still, redis.call('TTL', KEYS[1])}",
                           "2", "string", "list"};
  std::vector<std::string> before;
  for (int run = 0; run < 5; ++run) {
    const int64_t shared = InfoNumber("scripts_shared");
    EXPECT_EQ(reader.Do("GET string"), "nil");
    EXPECT_EQ(reader.Do("LRANGE list 0 -1"), "[]");
    // Time stands still while it runs.
    EXPECT_EQ(client.Call(command).Show(), "['x', :-2]");
    EXPECT_EQ(InfoNumber("scripts_shared"), shared + (run < 2 ? 0 : 1));
    client.Do("PUBLISH end end");
    std::vector<std::string> told;
    do {
      told.push_back(listener.Read().Show());
    } while (told.back().find("'end', 'end'") == std::string::npos);
    EXPECT_EQ(told.size(), 13u) << ::testing::PrintToString(told);
    if (run > 0) {
      EXPECT_EQ(told, before);
    }
    before = told;
    EXPECT_EQ(reader.Read().At(0), "invalidate");
    EXPECT_EQ(reader.Read().At(0), "invalidate");
    EXPECT_EQ(reader.Do("PING"), "PONG");
  }
}

TEST(ScriptsBesideOwnServer, TimeInWhichOthersHaveTheProcessorCostsNoTrust) {
  Server server({.reactors = 2, .stripes = 16});
  Client client = server.Connect();
  // Whoever has the processor most of the time: each run is stopped for longer than it may last.
  const std::jthread others([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      server.Signal(SIGSTOP);
      std::this_thread::sleep_for(Milliseconds(30));
      server.Signal(SIGCONT);
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
  });
  const auto shared = [&] {
    return InfoField(client.Call({"INFO", "stats"}).text, "scripts_shared");
  };
  for (int i = 1; i <= 3; ++i) {
    const Command command = {"EVAL",
                             "-- " + std::to_string(i) +
                                 "\nlocal n = 0 while n < 300000 do n = n + 1 end "
                                 "return redis.call('INCR', KEYS[1])",
                             "1", "k" + std::to_string(i)};
    for (int run = 1; run <= 4; ++run) EXPECT_EQ(client.Call(command).integer, run);
    EXPECT_EQ(shared(), std::to_string(2 * i));
  }
}

TEST_P(ScriptsBeside, WhoeverWaitsForAnotherKeyIsServed) {
  Client client = ConnectResp2();
  int64_t shared = 0;
  int round = 0;
  for (const bool is_declared : {true, false}) {
    SCOPED_TRACE(is_declared);
    const std::string script = "-- " + std::to_string(++round) +
                               "\nredis.call('SET', KEYS[1], 1) "
                               "local length = redis.call('RPUSH', ARGV[1], 'x') "
                               "if ARGV[2] then redis.call('RPUSH', ARGV[2], 'y') end "
                               "return length";
    Train(client, {"EVAL", script, "2", "key", "list", "list"});
    client.Do("DEL list source target last");
    // From list to list to a third client, and none of the stripes is the script's.
    Client mover = ConnectResp2();
    Client taker = ConnectResp2();
    mover.SendLine("BLMOVE source target LEFT RIGHT 0");
    ASSERT_TRUE(Eventually([&] { return InfoNumber("blocked_clients") == 1; }));
    taker.SendLine("BLMOVE target last LEFT RIGHT 0");
    ASSERT_TRUE(Eventually([&] { return InfoNumber("blocked_clients") == 2; }));
    Command command = {"EVAL", script, "2", "key", is_declared ? "source" : "list", "source"};
    Client far = ConnectResp2();
    if (!is_declared) {
      // "source" may lie under a stripe that the script holds, by chance.
      far.SendLine("BLMOVE far target LEFT RIGHT 0");
      ASSERT_TRUE(Eventually([&] { return InfoNumber("blocked_clients") == 3; }));
      command.push_back("far");
    }
    shared = InfoNumber("scripts_shared");
    EXPECT_EQ(client.Call(command).Show(), ":1");
    EXPECT_EQ(InfoNumber("scripts_shared"), shared + (is_declared ? 1 : 0));
    EXPECT_EQ(mover.Read().Show(), "'x'");
    EXPECT_EQ(taker.Read().Show(), "'x'");
    if (!is_declared) {
      EXPECT_EQ(far.Read().Show(), "'y'");
    }
    EXPECT_EQ(client.Do("LRANGE last 0 -1"), "['x']");
    EXPECT_EQ(client.Do("EXISTS source target"), is_declared ? ":0" : ":1");
  }
}

TEST_P(ScriptsBeside, RightsAreThoseOfWhoeverRunsIt) {
  Client admin = ConnectResp2();
  Client user = ConnectResp2();
  admin.Do("ACL SETUSER narrow on nopass ~mine* resetchannels +@all");
  user.Do("AUTH narrow any");
  const std::string script =
      "return redis.call(ARGV[1], ARGV[2] ~= '' and ARGV[2] or KEYS[1], 'v')";
  Train(admin, {"EVAL", script, "1", "mine", "SET", ""});
  const auto run = [&](Client& client, const std::string& command, const std::string& key) {
    return client.Call({"EVAL", script, "1", "mine", command, key}).Show();
  };
  EXPECT_EQ(run(user, "SET", ""), "OK");
  const std::string refused = run(user, "SET", "theirs");
  EXPECT_THAT(refused, ::testing::HasSubstr("The user executing the script can't "));
  EXPECT_THAT(run(user, "PUBLISH", "channel"),
              ::testing::HasSubstr("The user executing the script can't "));
  EXPECT_EQ(admin.Do("EXISTS theirs"), ":0");
  // Taken away while the script is trusted.
  admin.Do("ACL SETUSER narrow -set");
  EXPECT_THAT(run(user, "SET", ""), ::testing::HasSubstr("The user executing the script can't "));
  EXPECT_EQ(run(admin, "SET", ""), "OK");
  admin.Do("ACL DELUSER narrow");
}

TEST_P(TwoScriptsAtOnce, AFlushWhileTheTableOfReadersIsTidiedUpLeavesItsCountsRight) {
  constexpr int kRounds = 24;
  constexpr int kKeys = 3000;
  Client admin = ConnectResp2();
  for (int round = 0; round < kRounds && !HasFailure(); ++round) {
    SCOPED_TRACE(round);
    // Now readers who have left are looked for, now the table is kept small.
    const bool leaves = round % 2 == 0;
    admin.Do("CONFIG SET tracking-table-max-keys " + std::string(leaves ? "1000000" : "100"));
    std::vector<Client> two = ConnectTwo();
    // While it spins it keeps the stripe of its key; then it takes everything from whoever waits.
    const std::string script =
        "-- " + std::to_string(round) +
        "\nredis.call('GET', KEYS[1]) local n, most = 0, tonumber(ARGV[1]) while n < most do "
        "n = n + 1 end if ARGV[2] ~= '' then redis.call('FLUSHALL') end return n";
    const std::string own = "own:" + std::to_string(round);
    Train(two[0], {"EVAL", script, "1", own, "0", ""});
    two[1].Hello(3);
    ASSERT_EQ(two[1].Do("CLIENT TRACKING ON"), "OK");
    std::string reads;
    std::string writes;
    for (int i = 0; i < kKeys; ++i) {
      reads += EncodeCommand({"GET", std::to_string(i)});
      writes += EncodeCommand({"SET", std::to_string(i), "x"});
    }
    if (leaves) {
      two[1].Send(reads);
      two[1].ReadMany(kKeys);
    }
    two[0].SendCommand({"EVAL", script, "1", own, kSpins, "flush"});
    if (!leaves) two[1].Send(reads + EncodeCommand({"CLIENT", "TRACKING", "OFF"}));
    two[1].ShutdownWrite();
    two[1].ReadUntilClosed();
    EXPECT_EQ(two[0].Read().Show(), ":10000000");
    // On a slow machine some are read after the flush. Each write takes its key out of the table.
    admin.Send(writes);
    admin.ReadMany(kKeys);
    EXPECT_TRUE(Eventually([&] { return Info("tracking_total_keys") == "0"; }))
        << Info("tracking_total_keys");
    EXPECT_TRUE(Eventually([&] { return Info("tracking_total_items") == "0"; }))
        << Info("tracking_total_items");
  }
}

TEST_P(ScriptsBeside, TheMemoryLimitAndErrorsEndThemAsAlways) {
  Client client = ConnectResp2();
  const std::string script =
      "redis.call('INCR', KEYS[1]) if ARGV[1] == 'memory' then local t = {} for i = 1, 1e9 do "
      "t[i] = string.rep('x', 100000) .. i end end if ARGV[1] == 'error' then error('mine') end "
      "if ARGV[1] == 'type' then redis.call('RPUSH', KEYS[1], 1) end return 0";
  Train(client, {"EVAL", script, "1", "k", ""});
  client.Do("SET k 0");
  int count = 0;
  for (const char* const how : {"error", "type", "", "memory", "error", "type", ""}) {
    const std::string shown = client.Call({"EVAL", script, "1", "k", how}).Show();
    EXPECT_EQ(shown.starts_with("-"), *how != '\0') << shown;
    EXPECT_EQ(client.Do("GET k"), "'" + std::to_string(++count) + "'");
  }
}

}  // namespace
}  // namespace peal::tests
