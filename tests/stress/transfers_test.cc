// Money moves between accounts in transactions. Whoever looks at all accounts at one point of time
// sees the same sum, whatever the writers do, and it is there when they are done.

#include "tests/stress/concurrent.h"

namespace peal::tests {
namespace {

using Command = std::vector<std::string>;

constexpr int kAccounts = 6;
constexpr int64_t kSum = int64_t{kAccounts} * 100;
constexpr int kWriters = 4;
constexpr int kTransfers = 1500 / kSlowness;  // of each writer
constexpr int kReaders = 2;

std::string Account(uint64_t number) { return "account:" + std::to_string(number); }

class Transfers : public Concurrent {
 protected:
  void SetUp() override {
    Concurrent::SetUp();
    Client client = Connect();
    for (int i = 0; i < kAccounts; ++i) {
      client.Call({"SET", Account(static_cast<uint64_t>(i)), "100"});
    }
  }

  /// Two different accounts.
  static std::pair<std::string, std::string> Choose(Random& random) {
    const uint64_t from = random() % kAccounts;
    const uint64_t to = (from + 1 + random() % (kAccounts - 1)) % kAccounts;
    return {Account(from), Account(to)};
  }

  static Command ReadAll() {
    Command command{"MGET"};
    for (int i = 0; i < kAccounts; ++i) command.push_back(Account(static_cast<uint64_t>(i)));
    return command;
  }

  /// Runs `transfer` in kWriters threads, kTransfers times each. Meanwhile `read` is called in
  /// kReaders threads, and must give kSum each time.
  void Run(const std::function<void(Client& client, Random& random)>& transfer,
           const std::function<int64_t(Client& client)>& read) {
    std::atomic<int> at_work{kWriters};
    for (int i = 0; i < kWriters; ++i) {
      Start([&](Client& client, Random& random) {
        for (int n = 0; n < kTransfers && !IsOver(); ++n) transfer(client, random);
        --at_work;
      });
    }
    for (int i = 0; i < kReaders; ++i) {
      Start([&](Client& client, Random&) {
        do {
          const int64_t sum = read(client);
          if (sum != kSum) SetOver();
          ASSERT_EQ(sum, kSum);
        } while (at_work > 0 && !IsOver());
      });
    }
    Join();
    Client client = Connect();
    EXPECT_EQ(read(client), kSum);
  }

  /// The replies of the commands, as one EXEC. Throws if it was not carried out.
  static Reply Exec(Client& client, const std::vector<Command>& commands) {
    std::vector<Command> all{{"MULTI"}};
    all.insert(all.end(), commands.begin(), commands.end());
    all.push_back({"EXEC"});
    Reply reply = client.Pipeline(all).back();
    if (reply.items.size() != commands.size()) throw std::runtime_error(reply.Show());
    return reply;
  }
};
INSTANTIATE_TEST_SUITE_P(, Transfers, ::testing::ValuesIn(ConcurrentSetups()), SetupName);

TEST_P(Transfers, ByDifferencesInATransaction) {
  Run(
      [](Client& client, Random& random) {
        const auto [from, to] = Choose(random);
        const std::string amount = std::to_string(random() % 50);
        Exec(client, {{"DECRBY", from, amount}, {"INCRBY", to, amount}});
      },
      [](Client& client) { return SumOf(client.Call(ReadAll())); });
}

TEST_P(Transfers, ByNewValuesOfWatchedAccounts) {
  std::atomic<int> refused{0};
  Run(
      [&](Client& client, Random& random) {
        const auto [from, to] = Choose(random);
        const int64_t amount = static_cast<int64_t>(random() % 50);
        while (true) {
          client.Call({"WATCH", from, to});
          const int64_t left = SumOf(client.Call({"GET", from}));
          const int64_t right = SumOf(client.Call({"GET", to}));
          const Reply reply = client
                                  .Pipeline({{"MULTI"},
                                             {"SET", from, std::to_string(left - amount)},
                                             {"SET", to, std::to_string(right + amount)},
                                             {"EXEC"}})
                                  .back();
          if (!reply.IsNull()) break;
          ++refused;
        }
      },
      [](Client& client) { return SumOf(Exec(client, {ReadAll(), {"EXISTS", "nothing"}})); });
  std::cout << refused << " of " << kWriters * kTransfers << " had to be repeated" << std::endl;
}

TEST_P(Transfers, ByScriptsThatNameTheirAccounts) {
  const std::string script =
      "local left = redis.call('GET', KEYS[1]) local right = redis.call('GET', KEYS[2]) "
      "redis.call('SET', KEYS[1], left - ARGV[1]) redis.call('SET', KEYS[2], right + ARGV[1]) "
      "return left + right";
  const std::string look =
      "local sum = 0 for i = 1, #KEYS do sum = sum + redis.call('GET', KEYS[i]) end return sum";
  Run(
      [&](Client& client, Random& random) {
        const auto [from, to] = Choose(random);
        const std::string amount = std::to_string(random() % 50);
        Reply reply;
        // Plain commands, transactions and what needs everything go beside them.
        switch (random() % 16) {
          case 0:
            Exec(client, {{"DECRBY", from, amount}, {"INCRBY", to, amount}});
            return;
          case 1:
            client.Do("KEYS account:1");
            return;
          case 2:
            client.Do("SCAN 0");
            return;
          case 3:
            // A text of its own each time: none is ever trusted.
            reply = client.Call(
                {"EVAL", script + " -- " + std::to_string(random() % 1000), "2", from, to, amount});
            break;
          default:
            reply = client.Call({"EVAL", script, "2", from, to, amount});
        }
        ASSERT_FALSE(reply.IsError()) << reply.Show();
      },
      [&](Client& client) {
        Command command{"EVAL_RO", look, std::to_string(kAccounts)};
        for (int i = 0; i < kAccounts; ++i) command.push_back(Account(static_cast<uint64_t>(i)));
        return SumOf(client.Call(command));
      });
  if (!IsReference()) {
    EXPECT_GT(InfoNumber("scripts_shared"), 0);
  }
}

TEST_P(Transfers, ByScriptsThatLeaveTheirKeysNowAndThen) {
  // Half of the texts name an account that they do not use at first, and use one that they have not
  // named, before they write or after it. Whatever the server then does, it does whole.
  std::atomic<int> refused{0};
  Run(
      [&](Client& client, Random& random) {
        const auto [from, to] = Choose(random);
        const std::string text = "-- " + std::to_string(random() % 100) + "\n";
        const bool is_late = random() % 2 == 0;
        const std::string script =
            text + (is_late ? "redis.call('DECRBY', KEYS[1], ARGV[1]) "
                              "redis.call('INCRBY', ARGV[2] ~= '' and ARGV[2] or KEYS[2], ARGV[1])"
                            : "local to = ARGV[2] ~= '' and ARGV[2] or KEYS[2] "
                              "local n = redis.call('GET', to) "
                              "redis.call('DECRBY', KEYS[1], ARGV[1]) "
                              "redis.call('SET', to, n + ARGV[1])");
        const bool strays = random() % 4 == 0;
        // Half of what ends halfway stays done.
        const std::string amount = is_late && strays ? "0" : std::to_string(random() % 50);
        const Reply reply = client.Call({"EVAL", script, strays ? "1" : "2", from,
                                         strays ? amount : to, strays ? to : amount, ""});
        if (!reply.IsError()) return;
        ASSERT_NE(reply.Show().find("Script ended halfway"), std::string::npos) << reply.Show();
        ASSERT_TRUE(is_late && strays) << reply.Show();
        ++refused;
      },
      [](Client& client) { return SumOf(client.Call(ReadAll())); });
  std::cout << refused << " ended halfway" << std::endl;
}

TEST_P(Transfers, BetweenDatabasesWhileTheyAreSwapped) {
  std::atomic<int> swaps{0};
  Run(
      [&](Client& client, Random& random) {
        const auto [from, to] = Choose(random);
        const std::string amount = std::to_string(random() % 50);
        Exec(client,
             {{"SELECT", "1"}, {"DECRBY", from, amount}, {"SELECT", "0"}, {"INCRBY", to, amount}});
        if (random() % 16 == 0 && client.Do("SWAPDB 0 1") == "OK") ++swaps;
      },
      [](Client& client) {
        const Reply reply = Exec(client, {{"SELECT", "1"}, ReadAll(), {"SELECT", "0"}, ReadAll()});
        return SumOf(reply.items[1]) + SumOf(reply.items[3]);
      });
  EXPECT_GT(swaps, 0);
}

TEST_P(Transfers, AmongTypesInTransactionsThatMayTakeEverything) {
  Client client = Connect();
  client.Do("HSET hash field 0");
  client.Do("ZADD zset 0 member");
  client.Do("RPUSH list 2 1 3");
  Run(
      [](Client& mover, Random& random) {
        const std::string account = Account(random() % kAccounts);
        const int64_t amount = static_cast<int64_t>(random() % 50) - 25;
        const std::string give = std::to_string(-amount);
        const std::string take = std::to_string(amount);
        std::vector<Command> commands{{"INCRBY", account, give}};
        // SORT by a pattern may look at any key, so that this one runs alone.
        if (random() % 4 == 0) commands.push_back(Words("SORT list BY account:* STORE sorted"));
        commands.push_back(random() % 2 == 0 ? Command{"HINCRBY", "hash", "field", take}
                                             : Command{"ZINCRBY", "zset", take, "member"});
        Exec(mover, commands);
      },
      [](Client& reader) {
        return SumOf(
            Exec(reader, {ReadAll(), Words("HGET hash field"), Words("ZSCORE zset member")}));
      });
  EXPECT_EQ(client.Do("LLEN sorted"), ":3");
}

}  // namespace
}  // namespace peal::tests
