// MULTI, EXEC, DISCARD and WATCH. Expected replies were observed on redis-server 7.0.15.

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class Transactions : public Behaviour {};
INSTANTIATE_TEST_SUITE_P(, Transactions, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(Transactions, ExecRunsEverythingThatWasQueued) {
  Client client = Connect();
  EXPECT_EQ(client.Do("MULTI"), "OK");
  EXPECT_EQ(client.Do("SET a 1"), "QUEUED");
  EXPECT_EQ(client.Do("INCR a"), "QUEUED");
  EXPECT_EQ(client.Do("MGET a b"), "QUEUED");
  Client other = Connect();
  EXPECT_EQ(other.Do("GET a"), "nil") << "nothing has happened yet";
  EXPECT_EQ(client.Do("EXEC"), "[OK, :2, ['2', nil]]");
  EXPECT_EQ(client.Do("EXEC"), "-ERR EXEC without MULTI");
}

TEST_P(Transactions, ErrorsOfOneCommandDoNotStopTheOthers) {
  Client client = Connect();
  client.Do("SET text abc");
  client.Do("MULTI");
  client.Do("SET a 1");
  client.Do("INCR text");
  client.Do("SET b 2");
  EXPECT_EQ(client.Do("EXEC"), "[OK, -ERR value is not an integer or out of range, OK]");
  EXPECT_EQ(client.Do("MGET a b"), "['1', '2']");
}

TEST_P(Transactions, ErrorsWhileQueueingAbort) {
  for (const char* wrong : {"NONSENSE", "GET", "SET k"}) {
    Client client = Connect();
    client.Do("MULTI");
    EXPECT_EQ(client.Do("SET a 1"), "QUEUED");
    EXPECT_TRUE(client.Call(Words(wrong)).IsError());
    EXPECT_EQ(client.Do("EXEC"), "-EXECABORT Transaction discarded because of previous errors.");
    EXPECT_EQ(client.Do("GET a"), "nil");
  }
}

TEST_P(Transactions, WrongUseIsToldAndHarmless) {
  Client client = Connect();
  EXPECT_EQ(client.Do("EXEC"), "-ERR EXEC without MULTI");
  EXPECT_EQ(client.Do("DISCARD"), "-ERR DISCARD without MULTI");
  client.Do("MULTI");
  EXPECT_EQ(client.Do("MULTI"), "-ERR MULTI calls can not be nested");
  EXPECT_EQ(client.Do("WATCH a"), "-ERR WATCH inside MULTI is not allowed");
  EXPECT_EQ(client.Do("PING"), "QUEUED");
  EXPECT_EQ(client.Do("EXEC"), "[PONG]");
  client.Do("MULTI");
  EXPECT_EQ(client.Do("SET a 1"), "QUEUED");
  EXPECT_EQ(client.Do("DISCARD"), "OK");
  EXPECT_EQ(client.Do("GET a"), "nil");
  client.Do("MULTI");
  EXPECT_EQ(client.Do("EXEC"), "[]");
  client.Do("MULTI");
  EXPECT_EQ(client.Do("RESET"), "RESET");
  EXPECT_EQ(client.Do("EXEC"), "-ERR EXEC without MULTI");
}

TEST_P(Transactions, ARefusedExecSaysWhyTheTransactionIsOver) {
  const std::string over = "-EXECABORT Transaction discarded because of: ";
  Client client = Connect();
  client.Do("MULTI");
  EXPECT_EQ(client.Do("EXEC x"), over + "wrong number of arguments for 'exec' command");
  EXPECT_EQ(client.Do("EXEC"), "-ERR EXEC without MULTI");
  Client other = Connect();
  client.Do("MULTI");
  EXPECT_EQ(client.Do("SET a b"), "QUEUED");
  EXPECT_EQ(other.Do("CONFIG SET maxmemory 1"), "OK");
  EXPECT_EQ(client.Do("EXEC"), over + "OOM command not allowed when used memory > 'maxmemory'.");
  EXPECT_EQ(other.Do("CONFIG SET maxmemory 0"), "OK");
  EXPECT_EQ(client.Do("EXEC"), "-ERR EXEC without MULTI");
  if (resp() == 3) return;
  client.Do("SUBSCRIBE c");
  EXPECT_EQ(client.Do("EXEC"),
            over +
                "Can't execute 'exec': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
                "RESET are allowed in this context");
}

TEST_P(Transactions, AChangeOfAWatchedKeyMakesExecFail) {
  struct Row {
    const char* preparation;
    const char* change;
    bool aborts;
  };
  const Row rows[] = {
      {"SET k 1", "SET k 2", true},
      {"SET k 1", "SET k 1", true},
      {"SET k 1", "DEL k", true},
      {"DEL k", "SET k 1", true},
      {"DEL k", "DEL k", false},
      {"SET k 1", "GET k", false},
      {"SET k 1", "EXPIRE k 100", true},
      {"SET k 1", "PERSIST k", false},
      {"SET k 1", "APPEND k x", true},
      {"SET k 1", "INCR k", true},
      {"SET k 1", "SET other 1", false},
      {"SET k 1", "SETNX k 2", false},
      {"SET k 1", "MSET o 1 k 2", true},
      {"SET k 1", "FLUSHALL", true},
      {"DEL k", "FLUSHALL", false},
      {"SET k 1", "GETDEL k", true},
      {"SET k 1", "GETEX k EX 10", true},
      {"SET k 1", "GETEX k", false},
      {"XGROUP CREATE k g 0 MKSTREAM", "XGROUP DESTROY k g", false},
  };
  for (const Row& row : rows) {
    Client client = Connect();
    Client other = Connect();
    other.Do(row.preparation);
    EXPECT_EQ(client.Do("WATCH unrelated k"), "OK");
    other.Do(row.change);
    client.Do("MULTI");
    client.Do("ECHO done");
    client.SendLine("EXEC");
    const std::string null = resp() == 3 ? "_\r\n" : "*-1\r\n";
    EXPECT_EQ(client.ReadRaw(), row.aborts ? null : "*1\r\n$4\r\ndone\r\n")
        << row.preparation << ", " << row.change;
  }
}

TEST_P(Transactions, OneClientsOwnChangeCountsToo) {
  Client client = Connect();
  client.Do("WATCH k");
  client.Do("SET k 1");
  client.Do("MULTI");
  client.Do("PING");
  EXPECT_EQ(client.Do("EXEC"), "nil");
}

TEST_P(Transactions, TheListOfClientsShowsWhoseExecWillFail) {
  Client client = Connect();
  const auto flags = [&] {
    const std::string info = client.Call({"CLIENT", "INFO"}).text;
    const size_t at = info.find(" flags=") + 7;
    return info.substr(at, info.find(' ', at) - at);
  };
  client.Do("WATCH k");
  EXPECT_EQ(flags(), "N");
  Connect().Do("SET k 1");
  EXPECT_EQ(flags(), "d");
  client.Do("UNWATCH");
  EXPECT_EQ(flags(), "N");
}

TEST_P(Transactions, WatchesEndWithExecDiscardUnwatchAndReset) {
  Client client = Connect();
  Client other = Connect();
  for (const char* end : {"UNWATCH", "EXEC", "DISCARD"}) {
    client.Do("WATCH k");
    if (std::string_view(end) != "UNWATCH") client.Do("MULTI");
    client.Do(end);
    other.Do("INCR k");
    client.Do("MULTI");
    client.Do("PING");
    EXPECT_EQ(client.Do("EXEC"), "[PONG]") << end;
  }
}

TEST_P(Transactions, AWatchedKeyThatExpiresMakesExecFail) {
  Client client = Connect();
  // It must not have expired before it is watched.
  for (int64_t ttl_ms = 30; client.Do("EXISTS k") == ":0"; ttl_ms *= 2) {
    client.Do("UNWATCH");
    client.Do("SET k v PX " + std::to_string(ttl_ms));
    client.Do("WATCH k");
  }
  Client other = Connect();
  EXPECT_TRUE(Eventually([&] { return other.Do("EXISTS k") == ":0"; }));
  client.Do("MULTI");
  client.Do("PING");
  EXPECT_EQ(client.Do("EXEC"), "nil");
}

TEST_P(Transactions, WatchKnowsItsDatabase) {
  Client client = Connect();
  client.Do("WATCH k");
  Client other = Connect();
  other.Do("SELECT 1");
  other.Do("SET k 1");
  client.Do("MULTI");
  client.Do("PING");
  EXPECT_EQ(client.Do("EXEC"), "[PONG]");
}

TEST_P(Transactions, ConcurrentTransactionsAreAtomic) {
  // Each moves one unit between two counters; readers must never see the sum changed.
  Client setup = Connect();
  setup.Do("MSET left 1000 right 1000");
  std::vector<Client> movers;
  std::string bytes;
  for (int i = 0; i < 100; ++i) {
    bytes += EncodeCommand({"MULTI"}) + EncodeCommand({"DECR", "left"}) +
             EncodeCommand({"INCR", "right"}) + EncodeCommand({"EXEC"});
  }
  for (int i = 0; i < 4; ++i) movers.push_back(Connect());
  for (Client& mover : movers) mover.Send(bytes);
  Client reader = Connect();
  for (int i = 0; i < 200; ++i) {
    const Reply values = reader.Call({"MGET", "left", "right"});
    ASSERT_EQ(std::stoi(values.At(0)) + std::stoi(values.At(1)), 2000);
  }
  for (Client& mover : movers) mover.ReadMany(400);
  EXPECT_EQ(reader.Do("MGET left right"), "['600', '1400']");
}

TEST_P(Transactions, OptimisticIncrementsLoseNothing) {
  // The classic loop of WATCH, GET, MULTI, SET, EXEC by several interleaved clients.
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(Connect());
  int done = 0;  // successful increments
  for (int round = 0; done < 100; ++round) {
    ASSERT_LT(round, 2000);
    for (Client& client : clients) {
      client.SendLine("WATCH n");
      client.SendLine("GET n");
    }
    for (Client& client : clients) {
      client.Read();
      const Reply value = client.Read();
      const int next = value.IsNull() ? 1 : std::stoi(value.text) + 1;
      client.SendLine("MULTI");
      client.SendLine("SET n " + std::to_string(next));
      client.SendLine("EXEC");
    }
    for (Client& client : clients) {
      client.Read();
      client.Read();
      if (!client.Read().IsNull()) ++done;
    }
  }
  EXPECT_EQ(clients[0].Call({"GET", "n"}).text, std::to_string(done));
}

}  // namespace
}  // namespace peal::tests
