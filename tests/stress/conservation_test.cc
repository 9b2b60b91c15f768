// Producers, consumers that wait, and others who rename, move, copy, sort, swap, unblock and kill
// among them: what was put is taken once, in order, by whoever came first.

#include <mutex>

#include "tests/stress/concurrent.h"

namespace peal::tests {
namespace {

using Command = std::vector<std::string>;

// ---------------------------------------------------------------- the checkers themselves

TEST(Tally, TellsWhatWasLostDoubledOrInvented) {
  Tally tally;
  tally.Put("a");
  tally.Put("b");
  tally.Take("a");
  EXPECT_EQ(tally.Differences(), "b was lost\n");
  Tally other;
  other.Take("b");
  tally += other;
  EXPECT_EQ(tally.Differences(), "");
  tally.Take("a");
  tally.Take("c");
  EXPECT_EQ(tally.Differences(), "a was taken 2 times\nc came from nowhere\n");
}

TEST(FirstOutOfOrder, FindsRepetitionsAndSteps) {
  EXPECT_EQ(FirstOutOfOrder({}), -1);
  EXPECT_EQ(FirstOutOfOrder({1, 2, 7}), -1);
  EXPECT_EQ(FirstOutOfOrder({1, 2, 2}), 2);
  EXPECT_EQ(FirstOutOfOrder({1, 3, 2, 4}), 2);
}

TEST(SumOf, AddsUpRepliesOfAnyShape) {
  Reply reply;
  ParseReply("*3\r\n$2\r\n-5\r\n_\r\n*2\r\n:7\r\n,3\r\n", &reply);
  EXPECT_EQ(SumOf(reply), 5);
  ParseReply("*1\r\n$2\r\n5x\r\n", &reply);
  EXPECT_THROW(SumOf(reply), std::runtime_error);
  ParseReply("-ERR no\r\n", &reply);
  EXPECT_THROW(SumOf(reply), std::runtime_error);
}

// ---------------------------------------------------------------- the server

class Conservation : public Concurrent {
 protected:
  static constexpr int kProducers = 3;
  static constexpr int kEach = 1000 / kSlowness;

  template <size_t kSize>
  static std::string Pick(Random& random, const char* const (&choices)[kSize]) {
    return choices[random() % kSize];
  }

  /// As Start; counted among those whose end AwaitWorkers waits for.
  void StartWorker(const std::function<void(Client& client, Random& random)>& body) {
    ++at_work_;
    Start([this, body](Client& client, Random& random) {
      // Whatever ends it, the others must not wait for it.
      struct End {
        std::atomic<int>& at_work;
        ~End() { --at_work; }
      } const end{at_work_};
      body(client, random);
    });
  }
  bool IsAnyAtWork() const { return at_work_ > 0 && !IsOver(); }

  /// Starts a thread that calls `step` as long as anybody is at work, and adds to the tally.
  void StartConsumer(const std::function<void(Client& client, Random& random, Tally& own)>& step) {
    Start([this, step](Client& client, Random& random) {
      Tally own;
      while (IsAnyAtWork()) step(client, random, own);
      const std::lock_guard lock(mutex_);
      tally_ += own;
    });
  }

  void Put(const std::string& name) {
    const std::lock_guard lock(mutex_);
    tally_.Put(name);
  }

  /// Whether a connection was closed, in contrast to a reply that did not come.
  static bool WasKilled(const std::runtime_error& error) {
    const std::string_view what = error.what();
    return what.starts_with("the server closed") || what.starts_with("send:");
  }

  /// Takes what is left in `keys` of databases 0 and 1.
  void TakeTheRest(const std::vector<std::string>& keys) {
    Client client = Connect();
    for (const char* db : {"1", "0"}) {
      client.Call({"SELECT", db});
      for (const std::string& key : keys) {
        const std::string type = client.Call({"TYPE", key}).text;
        const Reply rest = client.Call({type == "zset" ? "ZRANGE" : "LRANGE", key, "0", "-1"});
        ASSERT_FALSE(rest.IsError()) << rest;
        for (const Reply& item : rest.items) tally_.Take(item.text);
      }
    }
  }

  /// Starts a thread that ends the waits of `victims` now and then: their time is over, or an
  /// error.
  void StartUnblocker(const std::vector<std::atomic<int64_t>>& victims) {
    Start([this, &victims](Client& client, Random& random) {
      while (IsAnyAtWork()) {
        const std::string id = std::to_string(victims[random() % victims.size()]);
        client.Call({"CLIENT", "UNBLOCK", id, random() % 2 == 0 ? "TIMEOUT" : "ERROR"});
      }
    });
  }

  std::mutex mutex_;
  Tally tally_;
  std::atomic<int> at_work_{0};
};
INSTANTIATE_TEST_SUITE_P(, Conservation, ::testing::ValuesIn(ConcurrentSetups()), SetupName);

constexpr const char* kTimeouts[] = {"0.001", "0.01", "0.03"};
constexpr const char* kSides[] = {"LEFT", "RIGHT"};

TEST_P(Conservation, OfListElementsUnderEverythingAtOnce) {
  constexpr const char* kKeys[] = {"a", "b", "c", "first"};
  for (int i = 0; i < kProducers; ++i) {
    StartWorker([&, i](Client& client, Random& random) {
      for (int n = 0; n < kEach && !IsOver(); ++n) {
        const std::string name = std::to_string(i) + ":" + std::to_string(n);
        Put(name);
        const std::string key = Pick(random, kKeys);
        Reply reply;
        if (random() % 4 != 0) {
          reply = client.Call({random() % 2 == 0 ? "RPUSH" : "LPUSH", key, name});
        } else {
          Put(name + "+");
          reply = client
                      .Pipeline({{"MULTI"},
                                 {"RPUSH", key, name},
                                 {"LPUSH", Pick(random, kKeys), name + "+"},
                                 {"EXEC"}})
                      .back();
        }
        ASSERT_FALSE(reply.IsError() || reply.IsNull()) << reply;
      }
    });
  }
  // Who renames, moves to another database and back, copies, sorts, swaps and empties.
  StartWorker([&](Client& client, Random& random) {
    for (int n = 0; n < 120 / kSlowness && !IsOver(); ++n) {
      const std::string key = Pick(random, kKeys);
      switch (random() % 6) {
        case 0:
          if (client.Call({"RENAME", key, "renamed"}).IsError()) break;
          while (!client.Call({"LMOVE", "renamed", key, "RIGHT", "LEFT"}).IsNull()) {
          }
          break;
        case 1:
          if (client.Call({"MOVE", key, "1"}).integer == 1) {
            client.Call({"SELECT", "1"});
            // Not as long as there is such a key; what stays is looked for in the end.
            for (int tries = 0; tries < 50 && client.Call({"MOVE", key, "0"}).integer == 0;
                 ++tries) {
            }
            client.Call({"SELECT", "0"});
          }
          break;
        case 2:
          client.Call({"COPY", key, "copy", "REPLACE"});
          client.Call({"RENAME", "copy", "copy2"});
          break;
        case 3:
          client.Call({"SORT", key, "BY", "copy*", "GET", "#", "GET", "none:*", "STORE", "sorted"});
          client.Call({"SORT", key, "ALPHA", "STORE", "sorted2"});
          break;
        case 4:
          EXPECT_EQ(client.Do("SWAPDB 0 1"), "OK");
          EXPECT_EQ(client.Do("SWAPDB 1 0"), "OK");
          break;
        default:
          client.Do("SELECT 5");
          client.Do("RPUSH a other");
          EXPECT_EQ(client.Do("FLUSHDB"), "OK");
          client.Do("SELECT 0");
      }
    }
  });
  std::vector<std::atomic<int64_t>> consumers(5);
  for (size_t i = 0; i < consumers.size(); ++i) {
    StartConsumer([&, i](Client& client, Random& random, Tally& own) {
      if (consumers[i] == 0) consumers[i] = client.Id();
      const Command commands[] = {
          {"BLPOP", "a", "b", "c", Pick(random, kTimeouts)},
          {"BRPOP", "c", "a", Pick(random, kTimeouts)},
          {"BLMPOP", Pick(random, kTimeouts), "2", "b", "a", Pick(random, kSides), "COUNT", "3"},
          {"LMPOP", "2", "b", "c", Pick(random, kSides), "COUNT", "2"},
      };
      const Reply reply = client.Call(commands[random() % std::size(commands)]);
      if (reply.IsNull() || reply.At(0).empty()) {
        ASSERT_TRUE(reply.IsNull() || reply.text.starts_with("UNBLOCKED")) << reply;
        return;
      }
      const Reply& popped = reply.items.at(1);
      if (popped.kind == Reply::Kind::kBulk) own.Take(popped.text);
      for (const Reply& item : popped.items) own.Take(item.text);
    });
  }
  StartUnblocker(consumers);
  // These pass elements on. One who is killed loses the reply, never the element.
  std::vector<std::atomic<int64_t>> movers(3);
  for (size_t i = 0; i < movers.size(); ++i) {
    StartConsumer([&, i](Client& client, Random& random, Tally&) {
      try {
        movers[i] = client.Id();
        const Command commands[] = {
            {"BLMOVE", "first", "a", Pick(random, kSides), Pick(random, kSides), "0.05"},
            {"BRPOPLPUSH", "a", "first", "0.05"},
            {"BLMOVE", "c", "b", Pick(random, kSides), Pick(random, kSides), "0.05"},
            {"BLMOVE", "b", "c", Pick(random, kSides), Pick(random, kSides), "0.05"},
        };
        client.Call(commands[random() % std::size(commands)]);
      } catch (const std::runtime_error& error) {
        if (!WasKilled(error)) throw;
        client = Connect();
      }
    });
  }
  std::atomic<int> killed{0};
  Start([&](Client& client, Random& random) {
    while (IsAnyAtWork()) {
      const std::string id = std::to_string(movers[random() % movers.size()]);
      killed += static_cast<int>(client.Call({"CLIENT", "KILL", "ID", id}).integer);
      client.Do("PING");
    }
  });
  Join();
  TakeTheRest({"a", "b", "c", "first", "renamed"});
  EXPECT_EQ(tally_.Differences(), "");
  EXPECT_GE(tally_.put(), size_t{kProducers * kEach});
  std::cout << tally_.put() << " elements, " << killed << " movers killed" << std::endl;
}

TEST_P(Conservation, OfMembersOfSortedSets) {
  constexpr const char* kKeys[] = {"z1", "z2", "z3"};
  for (int i = 0; i < kProducers; ++i) {
    StartWorker([&, i](Client& client, Random& random) {
      for (int n = 0; n < kEach && !IsOver(); ++n) {
        const std::string name = std::to_string(i) + ":" + std::to_string(n);
        Put(name);
        const std::string score = std::to_string(random() % 100);
        ASSERT_EQ(client.Call({"ZADD", Pick(random, kKeys), score, name}).integer, 1);
      }
    });
  }
  std::vector<std::atomic<int64_t>> consumers(4);
  for (size_t i = 0; i < consumers.size(); ++i) {
    StartConsumer([&, i](Client& client, Random& random, Tally& own) {
      if (consumers[i] == 0) consumers[i] = client.Id();
      const Command commands[] = {
          {"BZPOPMIN", "z1", "z2", "z3", Pick(random, kTimeouts)},
          {"BZPOPMAX", "z3", "z1", Pick(random, kTimeouts)},
          {"BZMPOP", Pick(random, kTimeouts), "2", "z2", "z1", "MIN", "COUNT", "1"},
          {"BZMPOP", Pick(random, kTimeouts), "3", "z3", "z2", "z1", "MAX", "COUNT", "3"},
      };
      const Command& command = commands[random() % std::size(commands)];
      const Reply reply = client.Call(command);
      if (reply.IsNull() || reply.IsError()) {
        ASSERT_TRUE(reply.IsNull() || reply.text.starts_with("UNBLOCKED")) << reply;
        return;
      }
      if (command[0] != "BZMPOP") return own.Take(reply.At(1));
      for (const Reply& pair : reply.items.at(1).items) own.Take(pair.At(0));
    });
  }
  StartUnblocker(consumers);
  Join();
  TakeTheRest({"z1", "z2", "z3"});
  EXPECT_EQ(tally_.Differences(), "");
  EXPECT_EQ(tally_.put(), size_t{kProducers * kEach});
}

TEST_P(Conservation, OfEntriesAmongConsumersOfAGroup) {
  constexpr const char* kKeys[] = {"s1", "s2"};
  Client setup = Connect();
  for (const char* key : kKeys) {
    EXPECT_EQ(setup.Call({"XGROUP", "CREATE", key, "workers", "0", "MKSTREAM"}).Show(), "OK");
  }
  for (int i = 0; i < kProducers; ++i) {
    StartWorker([&, i](Client& client, Random& random) {
      for (int n = 0; n < kEach && !IsOver(); ++n) {
        const std::string key = Pick(random, kKeys);
        const std::string id =
            client.Call({"XADD", key, "*", "n", std::to_string(i) + ":" + std::to_string(n)}).text;
        Put(key + " " + id);
      }
    });
  }
  // What one consumer is given nobody else is given.
  std::vector<std::atomic<int64_t>> consumers(4);
  for (size_t i = 0; i < consumers.size(); ++i) {
    StartConsumer([&, i](Client& client, Random& random, Tally& own) {
      if (consumers[i] == 0) consumers[i] = client.Id();
      const Reply reply = client.Call(
          {"XREADGROUP", "GROUP", "workers", "worker" + std::to_string(i), "COUNT",
           std::to_string(1 + random() % 3), "BLOCK", "20", "STREAMS", "s1", "s2", ">", ">"});
      if (reply.IsNull()) return;
      // A map in RESP3, an array of pairs in RESP2.
      std::vector<const Reply*> flat;
      for (const Reply& item : reply.items) {
        if (reply.kind == Reply::Kind::kMap) {
          flat.push_back(&item);
        } else {
          for (const Reply& part : item.items) flat.push_back(&part);
        }
      }
      for (size_t at = 0; at + 1 < flat.size(); at += 2) {
        for (const Reply& entry : flat[at + 1]->items) {
          own.Take(flat[at]->text + " " + entry.At(0));
          const Reply acknowledged = client.Call({"XACK", flat[at]->text, "workers", entry.At(0)});
          ASSERT_EQ(acknowledged.integer, 1) << entry;
        }
      }
    });
  }
  Start([&](Client& client, Random& random) {
    while (IsAnyAtWork()) {
      const std::string id = std::to_string(consumers[random() % consumers.size()]);
      client.Call({"CLIENT", "UNBLOCK", id});
    }
  });
  // A reader without a group sees all, in order.
  std::map<std::string, std::string> seen_by_reader;
  Start([&](Client& client, Random&) {
    std::string last = "0-0";
    std::vector<int64_t> counts;
    while (true) {
      const bool is_last = !IsAnyAtWork();
      const Reply reply = client.Call({"XREAD", "BLOCK", "20", "STREAMS", "s1", last});
      if (reply.IsNull()) {
        if (is_last) return;
        continue;
      }
      const Reply& entries =
          reply.kind == Reply::Kind::kMap ? reply.items.at(1) : reply.items.at(0).items.at(1);
      for (const Reply& entry : entries.items) {
        last = entry.At(0);
        ASSERT_TRUE(seen_by_reader.emplace(last, entry.items.at(1).At(1)).second) << last;
      }
    }
  });
  Join();
  for (const char* key : kKeys) {
    const Reply rest = setup.Call({"XREADGROUP", "GROUP", "workers", "last", "STREAMS", key, ">"});
    if (rest.IsNull()) continue;
    const Reply& entries =
        rest.kind == Reply::Kind::kMap ? rest.items.at(1) : rest.items.at(0).items.at(1);
    for (const Reply& entry : entries.items) {
      tally_.Take(std::string(key) + " " + entry.At(0));
      setup.Call({"XACK", key, "workers", entry.At(0)});
    }
  }
  EXPECT_EQ(tally_.Differences(), "");
  EXPECT_EQ(tally_.put(), size_t{kProducers * kEach});
  EXPECT_EQ(static_cast<int64_t>(seen_by_reader.size()), setup.Call({"XLEN", "s1"}).integer);
  for (const char* key : kKeys) {
    EXPECT_EQ(setup.Call({"XPENDING", key, "workers"}).items.at(0).integer, 0);
  }
}

TEST_P(Conservation, OfEntriesWhoseConsumersAreKilled) {
  constexpr int kEntries = 2000 / kSlowness;
  Client setup = Connect();
  setup.Do("XGROUP CREATE s workers 0 MKSTREAM");
  StartWorker([&](Client& client, Random&) {
    for (int n = 0; n < kEntries && !IsOver(); ++n) {
      const std::string name = std::to_string(n);
      Put(client.Call({"XADD", "s", "*", "n", name}).text);
    }
  });
  std::vector<std::atomic<int64_t>> consumers(3);
  for (size_t i = 0; i < consumers.size(); ++i) {
    StartConsumer([&, i](Client& client, Random&, Tally&) {
      try {
        consumers[i] = client.Id();
        client.Call({"XREADGROUP", "GROUP", "workers", "worker" + std::to_string(i), "BLOCK", "20",
                     "STREAMS", "s", ">"});
      } catch (const std::runtime_error& error) {
        if (!WasKilled(error)) throw;
        client = Connect();
      }
    });
  }
  Start([&](Client& client, Random& random) {
    while (IsAnyAtWork()) {
      const std::string id = std::to_string(consumers[random() % consumers.size()]);
      client.Call({"CLIENT", "KILL", "ID", id});
    }
  });
  Join();
  // What was given to anybody, whether the reply arrived or not, is pending; the rest is new.
  setup.Do("XREADGROUP GROUP workers last STREAMS s >");
  const Reply pending = setup.Call(Words("XPENDING s workers - + 100000"));
  for (const Reply& entry : pending.items) {
    tally_.Take(entry.At(0));
    EXPECT_EQ(entry.items.at(3).integer, 1) << "delivered more than once: " << entry;
  }
  EXPECT_EQ(tally_.Differences(), "");
  EXPECT_EQ(tally_.put(), size_t{kEntries});
}

TEST_P(Conservation, OfTheOrderAlongAChain) {
  constexpr int kElements = 2000 / kSlowness;
  // Two clients for each link. Who pops at one end and pushes at the other keeps the order.
  std::atomic<int> left{kElements};
  for (const std::string link : {"ab", "bc", "cd"}) {
    for (int i = 0; i < 2; ++i) {
      Start([&, from = link.substr(0, 1), to = link.substr(1)](Client& client, Random&) {
        while (left > 0 && !IsOver()) client.Call({"BLMOVE", from, to, "LEFT", "RIGHT", "0.05"});
      });
    }
  }
  std::vector<int64_t> numbers;
  Start([&](Client& client, Random&) {
    while (left > 0 && !IsOver()) {
      const Reply reply = client.Call({"BLPOP", "d", "10"});
      ASSERT_FALSE(reply.IsNull());
      numbers.push_back(SumOf(reply.items.at(1)));
      --left;
    }
  });
  Start([&](Client& client, Random& random) {
    for (int n = 0; n < kElements && !IsOver();) {
      Command push{"RPUSH", "a"};
      for (uint64_t more = 1 + random() % 3; more > 0 && n < kElements; --more) {
        push.push_back(std::to_string(n++));
      }
      client.Call(push);
    }
  });
  Join();
  ASSERT_EQ(numbers.size(), size_t{kElements});
  EXPECT_EQ(FirstOutOfOrder(numbers), -1);
}

TEST_P(Conservation, WhoCameFirstIsServedFirstAndNobodyStealsInBetween) {
  constexpr size_t kWaiters = 24;
  constexpr int64_t kPushes = 9;  // of each of two producers
  constexpr const char* kWaits[] = {"BLPOP a b 0", "BRPOP b a 0", "BLMPOP 0 2 a b LEFT",
                                    "BLMPOP 0 2 b a RIGHT COUNT 2"};
  std::vector<Client> waiters;
  for (size_t i = 0; i < kWaiters; ++i) {
    waiters.push_back(Connect());
    waiters.back().SendLine(kWaits[i % std::size(kWaits)]);
    AwaitBlocked(static_cast<int64_t>(i) + 1);
  }
  for (const char* key : {"a", "b"}) {
    StartWorker([&, key = std::string(key)](Client& client, Random&) {
      for (int64_t n = 0; n < kPushes && !IsOver(); ++n) {
        client.Call({"RPUSH", key, std::to_string(n)});
      }
    });
  }
  // There are more who wait than elements, so nobody else ever sees one.
  for (int i = 0; i < 2; ++i) {
    Start([&](Client& client, Random& random) {
      constexpr const char* kLooks[] = {"LPOP a",
                                        "RPOP b",
                                        "LLEN a",
                                        "LLEN b",
                                        "LMPOP 2 a b LEFT",
                                        "EXISTS a b",
                                        "LMOVE a b LEFT LEFT"};
      while (IsAnyAtWork()) {
        const std::string reply = client.Do(kLooks[random() % std::size(kLooks)]);
        if (reply != "nil" && reply != ":0") SetOver();
        ASSERT_TRUE(reply == "nil" || reply == ":0") << reply;
      }
    });
  }
  Join();
  AwaitBlocked(static_cast<int64_t>(kWaiters) - 2 * kPushes);
  std::map<std::string, std::vector<int64_t>> given;
  for (size_t i = 0; i < 2 * kPushes; ++i) {
    const Reply reply = waiters[i].Read();
    given[reply.At(0)].push_back(SumOf(reply.items.at(1)));
  }
  for (const char* key : {"a", "b"}) {
    EXPECT_EQ(given[key].size(), size_t{kPushes});
    EXPECT_EQ(FirstOutOfOrder(given[key]), -1) << ::testing::PrintToString(given[key]);
  }
  waiters.clear();
}

TEST_P(Conservation, ATransactionThatTakesItsOwnPushesServesNobody) {
  std::vector<Client> waiters;
  for (const char* wait : {"BLPOP a b 0", "BLMOVE a c LEFT LEFT 0", "BLMPOP 0 1 b LEFT COUNT 5",
                           "BZPOPMIN z 0", "XREAD BLOCK 0 STREAMS s 0"}) {
    waiters.push_back(Connect());
    waiters.back().SendLine(wait);
    AwaitBlocked(static_cast<int64_t>(waiters.size()));
  }
  for (int i = 0; i < 4; ++i) {
    Start([&](Client& client, Random& random) {
      const std::vector<std::vector<Command>> transactions = {
          {{"RPUSH", "a", "x"}, {"LPOP", "a"}},
          {{"RPUSH", "b", "x", "y"}, {"DEL", "b"}},
          {{"LPUSH", "a", "x"}, {"RENAME", "a", "b"}, {"LMOVE", "b", "own", "LEFT", "LEFT"}},
          {{"RPUSH", "own", "x"}, {"COPY", "own", "a", "REPLACE"}, {"UNLINK", "a"}},
          {{"RPUSH", "own", "x"}, {"SORT", "own", "BY", "none*", "STORE", "b"}, {"DEL", "b"}},
          {{"ZADD", "z", "1", "m"}, {"ZREM", "z", "m"}, {"XADD", "s", "*", "f", "v"}, {"DEL", "s"}},
          {{"SELECT", "3"}, {"RPUSH", "a", "x"}, {"MOVE", "a", "0"}, {"SELECT", "0"}, {"DEL", "a"}},
      };
      for (int n = 0; n < 800 / kSlowness && !IsOver(); ++n) {
        std::vector<Command> all = transactions[random() % transactions.size()];
        all.insert(all.begin(), {"MULTI"});
        all.push_back({"EXEC"});
        const Reply reply = client.Pipeline(all).back();
        ASSERT_EQ(reply.items.size(), all.size() - 2) << reply;
        for (const Reply& item : reply.items) ASSERT_FALSE(item.IsError()) << reply;
      }
    });
  }
  Join();
  EXPECT_EQ(BlockedClients(), static_cast<int64_t>(waiters.size()));
  for (Client& waiter : waiters) EXPECT_FALSE(waiter.HasInput());
  Client client = Connect();
  client.Do("RPUSH a end");
  EXPECT_EQ(waiters[0].Read().Show(), "['a', 'end']");
  client.Do("RPUSH a next");
  EXPECT_EQ(waiters[1].Read().Show(), "'next'");
  waiters.clear();
}

TEST_P(Conservation, OfElementsThatCrossInOppositeDirections) {
  Client setup = Connect();
  constexpr int kEachSide = 20;
  for (int i = 0; i < kEachSide; ++i) {
    for (const char* name : {"x", "y"}) {
      const std::string element = name + std::to_string(i);
      setup.Call({"RPUSH", std::string("list:") + name, element});
      setup.Call({"SADD", std::string("set:") + name, element});
      setup.Call({"HSET", std::string("hash:") + name, element, "1"});
    }
  }
  for (int i = 0; i < 4; ++i) {
    StartWorker([&, i](Client& client, Random& random) {
      const std::string from = i % 2 == 0 ? "x" : "y";
      const std::string to = i % 2 == 0 ? "y" : "x";
      for (int n = 0; n < 1000 / kSlowness && !IsOver(); ++n) {
        const Command commands[] = {
            {"LMOVE", "list:" + from, "list:" + to, "LEFT", "RIGHT"},
            {"BLMOVE", "list:" + from, "list:" + to, "RIGHT", "LEFT", "0.01"},
            {"RPOPLPUSH", "list:" + from, "list:" + to},
            {"SMOVE", "set:" + from, "set:" + to, Pick(random, kSides) == "LEFT" ? "x1" : "y1"},
            {"SMOVE", "set:" + from, "set:" + to, "x" + std::to_string(random() % kEachSide)},
            {"SUNIONSTORE", "union:" + from, "set:" + from, "set:" + to},
            {"SINTER", "set:" + to, "set:" + from},
            {"RENAME", "union:" + to, "union:" + from},
            {"COPY", "hash:" + from, "hash:copy:" + to, "REPLACE"},
            {"SORT", "set:" + from, "BY", "hash:" + to + ":*", "STORE", "sorted:" + to},
        };
        const Command& command = commands[random() % std::size(commands)];
        const Reply reply = client.Call(command);
        // No member is ever in both.
        ASSERT_TRUE(command[0] != "SINTER" || reply.items.empty()) << reply;
        ASSERT_TRUE(command[0] != "SUNIONSTORE" || reply.integer == 2 * kEachSide) << reply;
      }
    });
  }
  Start([&](Client& client, Random&) {
    while (IsAnyAtWork()) {
      const std::vector<Reply> replies = client.Pipeline({{"MULTI"},
                                                          {"LLEN", "list:x"},
                                                          {"SCARD", "set:y"},
                                                          {"LLEN", "list:y"},
                                                          {"SCARD", "set:x"},
                                                          {"EXEC"}});
      const Reply& counts = replies.back();
      ASSERT_EQ(counts.items.at(0).integer + counts.items.at(2).integer, 2 * kEachSide);
      ASSERT_EQ(counts.items.at(1).integer + counts.items.at(3).integer, 2 * kEachSide);
    }
  });
  Join();
  std::set<std::string> members;
  for (const char* key : {"list:x", "list:y"}) {
    for (const Reply& item : setup.Call({"LRANGE", key, "0", "-1"}).items) {
      EXPECT_TRUE(members.insert(item.text).second) << item;
    }
  }
  EXPECT_EQ(members.size(), size_t{2 * kEachSide});
}

}  // namespace
}  // namespace peal::tests
