// Whether commands of clients on all reactors look as if one thread had run them, in an order that
// respects real time.

#include "tests/support/linearizability.h"

#include <mutex>

#include "tests/stress/concurrent.h"

namespace peal::tests {
namespace {

using Command = std::vector<std::string>;

// ---------------------------------------------------------------- the checker itself

/// A command of one client.
Operation Done(const std::string& command, const std::string& reply, int64_t called,
               int64_t returned) {
  return {{Words(command)}, {reply}, called, returned};
}

TEST(FindNonLinearizable, AcceptsWhatOverlapsInAnyOrder) {
  EXPECT_EQ(FindNonLinearizable({}), "");
  EXPECT_EQ(FindNonLinearizable({Done("SET k 1", "OK", 0, 10), Done("GET k", "nil", 1, 9),
                                 Done("GET k", "'1'", 2, 3), Done("GET k", "'1'", 11, 12)}),
            "");
  // Ends and begins at the same time: may have overlapped.
  EXPECT_EQ(FindNonLinearizable({Done("SET k 1", "OK", 0, 10), Done("GET k", "nil", 10, 11)}), "");
  EXPECT_EQ(FindNonLinearizable({Done("BLPOP a b 0", "['b', 'x']", 0, 10),
                                 Done("RPUSH b x", ":1", 4, 6), Done("LLEN b", ":0", 11, 12)}),
            "");
  Operation lost = Done("SET k 2", "", 5, Operation::kNever);
  EXPECT_EQ(FindNonLinearizable({Done("SET k 1", "OK", 0, 1), lost, Done("GET k", "'1'", 6, 7),
                                 Done("GET k", "'2'", 8, 9)}),
            "");
  EXPECT_EQ(FindNonLinearizable({Done("SET k 1", "OK", 0, 1), lost, Done("GET k", "'1'", 6, 7)}),
            "");
}

TEST(FindNonLinearizable, RefusesHistoriesThatNoSingleThreadCouldWrite) {
  const std::pair<const char*, History> cases[] = {
      {"a stale read", {Done("SET k 1", "OK", 0, 1), Done("GET k", "nil", 2, 3)}},
      {"two reads against each other",
       {Done("SET k 1", "OK", 0, 9), Done("GET k", "'1'", 1, 2), Done("GET k", "nil", 3, 4)}},
      {"a lost update", {Done("INCRBY k 1", ":1", 0, 5), Done("INCRBY k 1", ":1", 0, 5)}},
      {"both won the comparison",
       {Done("SET k 1", "OK", 0, 1), Done("SET k 2 IFEQ 1", "OK", 2, 9),
        Done("SET k 3 IFEQ 1", "OK", 2, 9)}},
      {"the same old value twice",
       {Done("SET k 0", "OK", 0, 1), Done("GETSET k 1", "'0'", 2, 9),
        Done("GETSET k 2", "'0'", 2, 9)}},
      {"an element popped twice",
       {Done("RPUSH l a", ":1", 0, 1), Done("LPOP l", "'a'", 2, 9), Done("RPOP l", "'a'", 2, 9)}},
      {"an element from the wrong end",
       {Done("RPUSH l a b", ":2", 0, 1), Done("LPOP l", "'b'", 2, 3)}},
      {"half a move",
       {Done("RPUSH a x", ":1", 0, 1), Done("LMOVE a b LEFT LEFT", "'x'", 2, 9),
        Done("LLEN a", ":0", 3, 4), Done("LLEN b", ":0", 5, 6)}},
      {"a timeout beside an element",
       {Done("RPUSH a x", ":1", 0, 1), Done("BLPOP a b 0.1", "nil", 2, 3)}},
      {"stolen from who waited: the element was there before and after",
       {Done("BLPOP l 0", "['l', 'x']", 0, 20), Done("RPUSH l y", ":1", 1, 2),
        Done("LPOP l", "'y'", 3, 4), Done("LPOP l", "'x'", 5, 6)}},
      {"half an MSET", {Done("MSET a 1 b 1", "OK", 0, 9), Done("MGET a b", "['1', nil]", 1, 2)}},
      {"a change between a read and the EXEC that depended on it",
       {Done("SET k 1", "OK", 0, 1),
        {{Words("GET k"), Words("SET k 9")}, {"'1'", "OK"}, 2, 9},
        {{Words("GET k"), Words("SET k 8")}, {"'1'", "OK"}, 2, 9}}},
  };
  for (const auto& [what, history] : cases) {
    EXPECT_NE(FindNonLinearizable(history), "") << what;
  }
}

TEST(SequentialStore, DoesWhatOneRedisServerDoes) {
  ServerOptions options = RedisReference();
  options.args = {"--hz", "500"};  // it looks for timeouts as often as that
  Server server(options);
  Client client = server.Connect();
  SequentialStore store;
  std::mt19937_64 random(Seed());
  const auto key = [&](const char* kind) { return kind + std::to_string(random() % 3); };
  const auto side = [&] { return std::string(random() % 2 == 0 ? "LEFT" : "RIGHT"); };
  for (int i = 0; i < 3000; ++i) {
    const std::string n = std::to_string(i);
    const Command commands[] = {
        {"GET", key("s")},
        {"SET", key("s"), n},
        {"SET", key("s"), n, "NX"},
        {"GETSET", key("s"), n},
        {"INCRBY", key("s"), n},
        {"MSET", key("s"), n, key("s"), n},
        {"MSETNX", key("s"), n, key("s"), n},
        {"MGET", key("s"), key("s")},
        {"COPY", key("s"), key("s"), "REPLACE"},
        {"RENAME", key("s"), key("s")},
        {"DEL", key("s")},
        {"EXISTS", key("l")},
        {"LPUSH", key("l"), n, n + "b"},
        {"RPUSH", key("l"), n},
        {"LPOP", key("l")},
        {"RPOP", key("l")},
        {"LMOVE", key("l"), key("l"), side(), side()},
        {"RPOPLPUSH", key("l"), key("l")},
        {"BLPOP", key("l"), key("l"), "0.001"},
        {"BRPOP", key("l"), key("l"), "0.001"},
        {"BLMOVE", key("l"), key("l"), side(), side(), "0.001"},
        {"LLEN", key("l")},
        {"LRANGE", key("l"), "0", "-1"},
        {"DEL", key("l")},
    };
    const Command& command = commands[random() % std::size(commands)];
    if (command[0] == "COPY" && command[1] == command[2]) continue;
    ASSERT_EQ(store.Run(command), client.Call(command).Show()) << i << " " << command[0];
  }
}

// ---------------------------------------------------------------- the server

class Linearizability : public Concurrent {
 protected:
  static constexpr int kClients = 6;
  static constexpr int kEach = 1000 / kSlowness;

  using Make = std::function<void(History& history, Client& client, Random& random, int number)>;

  /// Lets all clients do `make` at once, each kEach times, and returns what they saw.
  History Record(const Make& make) {
    std::mutex mutex;
    History all;
    for (int i = 0; i < kClients; ++i) {
      Start([&, i](Client& client, Random& random) {
        History own;
        for (int n = 0; n < kEach && !IsOver(); ++n) make(own, client, random, i * kEach + n);
        const std::lock_guard lock(mutex);
        all.insert(all.end(), own.begin(), own.end());
      });
    }
    Join();
    return all;
  }

  static std::string Pick(Random& random, std::initializer_list<const char*> choices) {
    return *(choices.begin() + random() % choices.size());
  }
};
INSTANTIATE_TEST_SUITE_P(, Linearizability, ::testing::ValuesIn(ConcurrentSetups()), SetupName);

TEST_P(Linearizability, OfRegisters) {
  const bool has_ifeq = !IsReference();
  const History all = Record([&](History& history, Client& client, Random& random, int number) {
    const std::string key = Pick(random, {"r0", "r1"});
    const std::string value = std::to_string(1'000'000 * (number + 1));
    switch (random() % 7) {
      case 0:
        CallInto(history, client, {{"SET", key, value}});
        break;
      case 1:
        CallInto(history, client, {{"GETSET", key, value}});
        break;
      case 2:
      case 3:
        CallInto(history, client, {{"INCRBY", key, "1"}});
        break;
      case 4:
        CallInto(history, client, {{"DEL", key}});
        break;
      default: {
        const Reply now = CallInto(history, client, {{"GET", key}});
        if (now.IsNull()) {
          CallInto(history, client, {{"SET", key, value, "NX"}});
        } else if (has_ifeq) {
          CallInto(history, client, {{"SET", key, value, "IFEQ", now.text}});
        }
      }
    }
  });
  ASSERT_GE(all.size(), size_t{kClients * kEach});
  // What is linearizable for each key is so for all.
  for (const char* key : {"r0", "r1"}) {
    History of_key;
    for (const Operation& operation : all) {
      if (operation.commands[0][1] == key) of_key.push_back(operation);
    }
    EXPECT_GE(of_key.size(), size_t{kEach});
    EXPECT_EQ(FindNonLinearizable(std::move(of_key)), "");
  }
}

TEST_P(Linearizability, OfSeveralKeysAtOnce) {
  const History all = Record([&](History& history, Client& client, Random& random, int number) {
    const auto key = [&] { return Pick(random, {"s0", "s1", "s2", "s3"}); };
    const std::string value = std::to_string(1'000'000 * (number + 1));
    const std::string from = key();
    std::string to = key();
    if (to == from) to = from == "s0" ? "s3" : "s0";
    switch (random() % 9) {
      case 0:
        CallInto(history, client, {{"MSET", from, value, to, value}});
        break;
      case 1:
        CallInto(history, client, {{"RENAME", from, to}});
        break;
      case 2:
        CallInto(history, client, {{"COPY", from, to, "REPLACE"}});
        break;
      case 3:
        CallInto(history, client,
                 {{"INCRBY", from, "7"}, {"INCRBY", to, "-7"}, {"MGET", to, from}});
        break;
      case 4:
        CallInto(history, client, {{"MSETNX", from, value, to, value}});
        break;
      case 5:
        CallInto(history, client, {{"DEL", from}, {"SET", to, value}});
        break;
      case 6: {  // Reads, and changes if nobody has changed it since.
        Operation operation{{{"GET", from}, {"SET", to, value}}, {}, NowNs()};
        client.Call({"WATCH", from});
        operation.replies.push_back(client.Call({"GET", from}).Show());
        const Reply reply = client.Pipeline({{"MULTI"}, {"SET", to, value}, {"EXEC"}}).back();
        operation.returned_ns = NowNs();
        if (reply.IsNull()) break;
        operation.replies.push_back(reply.items.at(0).Show());
        history.push_back(std::move(operation));
        break;
      }
      default:
        CallInto(history, client, {{"MGET", "s0", "s1", "s2", "s3"}});
    }
  });
  EXPECT_EQ(FindNonLinearizable(all), "");
}

TEST_P(Linearizability, OfListsWithThoseWhoWait) {
  const History all = Record([&](History& history, Client& client, Random& random, int number) {
    const auto key = [&] { return Pick(random, {"l0", "l1", "l2"}); };
    const auto side = [&] { return Pick(random, {"LEFT", "RIGHT"}); };
    const std::string value = std::to_string(number);
    switch (random() % 12) {
      case 0:
      case 1:
        CallInto(history, client, {{"LPUSH", key(), value}});
        break;
      case 2:
        CallInto(history, client, {{"RPUSH", key(), value, value + "b"}});
        break;
      case 3:
        CallInto(history, client, {{"RPOP", key()}});
        break;
      case 4:
        CallInto(history, client, {{"LPOP", key()}});
        break;
      case 5:
        CallInto(history, client, {{"LMOVE", key(), key(), side(), side()}});
        break;
      case 6:
        CallInto(history, client, {{"BLMOVE", key(), key(), side(), side(), "0.02"}});
        break;
      case 7:
        CallInto(history, client, {{"BLPOP", key(), key(), "0.02"}});
        break;
      case 8:
        CallInto(history, client, {{"BRPOP", key(), key(), key(), "0.02"}});
        break;
      case 9:  // Whoever waits sees nothing of it.
        CallInto(history, client,
                 {{"RPUSH", "l0", value}, {"RPOPLPUSH", "l0", "l1"}, {"LPOP", "l1"}});
        break;
      case 10:
        CallInto(history, client,
                 {{"LRANGE", "l0", "0", "-1"},
                  {"LRANGE", "l1", "0", "-1"},
                  {"LRANGE", "l2", "0", "-1"}});
        break;
      default:
        CallInto(history, client, {{"RENAME", key(), key()}});
    }
  });
  EXPECT_EQ(FindNonLinearizable(all), "");
}

}  // namespace
}  // namespace peal::tests
