// The list commands that wait. Expected replies were observed on redis-server 7.0.15.

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class BlockingLists : public Behaviour {
 protected:
  /// Sends a command that must block, and waits until the server says so.
  Client Blocked(const std::string& command) {
    const int64_t before = InfoNumber("blocked_clients");
    Client client = Connect();
    client.SendLine(command);
    EXPECT_TRUE(Eventually([&] { return InfoNumber("blocked_clients") == before + 1; })) << command;
    return client;
  }
  void ExpectNobodyBlocked() {
    EXPECT_TRUE(Eventually([&] { return InfoNumber("blocked_clients") == 0; }));
  }
  std::string RawNullArray() const { return resp() == 3 ? "_\r\n" : "*-1\r\n"; }
};
INSTANTIATE_TEST_SUITE_P(, BlockingLists, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(BlockingLists, ReplyAtOnceWhenThereIsSomething) {
  Client client = Connect();
  client.Do("RPUSH l a b c d e f");
  EXPECT_EQ(client.Do("BLPOP missing l 0"), "['l', 'a']");
  EXPECT_EQ(client.Do("BRPOP missing l 0"), "['l', 'f']");
  EXPECT_EQ(client.Do("BLMPOP 0 2 missing l LEFT COUNT 2"), "['l', ['b', 'c']]");
  EXPECT_EQ(client.Do("BLMOVE l m LEFT RIGHT 0"), "'d'");
  EXPECT_EQ(client.Do("BRPOPLPUSH l m 0"), "'e'");
  EXPECT_EQ(client.Do("LRANGE m 0 -1"), "['e', 'd']");
  EXPECT_EQ(client.Do("EXISTS l"), ":0");
}

TEST_P(BlockingLists, CheckTheirArguments) {
  Client client = Connect();
  const struct {
    const char* command;
    const char* reply;
  } cases[] = {
      {"BLPOP l x", "-ERR timeout is not a float or out of range"},
      {"BLPOP l nan", "-ERR timeout is not a float or out of range"},
      {"BLPOP l -1", "-ERR timeout is negative"},
      {"BLPOP l", "-ERR wrong number of arguments for 'blpop' command"},
      {"BRPOPLPUSH l m -1", "-ERR timeout is negative"},
      {"BLMOVE l m LEFT UP x", "-ERR syntax error"},
      {"BLMOVE l m LEFT LEFT x", "-ERR timeout is not a float or out of range"},
      {"BLMPOP x 0 l LEFT", "-ERR numkeys should be greater than 0"},
      {"BLMPOP x 1 l UP", "-ERR syntax error"},
      {"BLMPOP x 1 l LEFT", "-ERR timeout is not a float or out of range"},
      {"BLMPOP 0 1 l LEFT COUNT 0", "-ERR count should be greater than 0"},
  };
  for (const auto& [command, reply] : cases) EXPECT_EQ(client.Do(command), reply) << command;
  ExpectNobodyBlocked();
}

TEST_P(BlockingLists, AreServedByAPush) {
  Client pusher = Connect();
  const struct {
    const char* command;
    const char* push;
    const char* reply;
    const char* left;
  } cases[] = {
      {"BLPOP l 0", "RPUSH l a b", "['l', 'a']", "['b']"},
      {"BRPOP l 0", "RPUSH l a b", "['l', 'b']", "['a']"},
      {"BLPOP l l 0", "LPUSH l a b", "['l', 'b']", "['a']"},
      {"BLMPOP 0 1 l RIGHT COUNT 2", "RPUSH l a b c", "['l', ['c', 'b']]", "['a']"},
      {"BLMOVE l m LEFT LEFT 0", "RPUSH l a b", "'a'", "['b']"},
      {"BLMOVE l l LEFT RIGHT 0", "RPUSH l a b", "'a'", "['b', 'a']"},
      {"BRPOPLPUSH l m 0", "RPUSH l a b", "'b'", "['a']"},
      {"BLPOP l 9223372036854775", "RPUSH l a b", "['l', 'a']", "['b']"},
      {"BLPOP l -0.0001", "RPUSH l a b", "['l', 'a']", "['b']"},
  };
  for (const auto& [command, push, reply, left] : cases) {
    Client waiter = Blocked(command);
    pusher.Do(push);
    EXPECT_EQ(waiter.Read().Show(), reply) << command;
    EXPECT_EQ(pusher.Do("LRANGE l 0 -1"), left) << command;
    pusher.Do("DEL l m");
    ExpectNobodyBlocked();
  }
}

TEST_P(BlockingLists, AreServedInTheOrderOfTheirComing) {
  std::vector<Client> waiters;
  for (int i = 0; i < 5; ++i) waiters.push_back(Blocked("BLPOP l other 0"));
  Client pusher = Connect();
  EXPECT_EQ(pusher.Do("RPUSH l a b c"), ":3");
  EXPECT_EQ(pusher.Do("EXISTS l"), ":0");
  EXPECT_EQ(pusher.Do("LPUSH other d e f"), ":3");
  EXPECT_EQ(waiters[0].Read().Show(), "['l', 'a']");
  EXPECT_EQ(waiters[1].Read().Show(), "['l', 'b']");
  EXPECT_EQ(waiters[2].Read().Show(), "['l', 'c']");
  EXPECT_EQ(waiters[3].Read().Show(), "['other', 'f']");
  EXPECT_EQ(waiters[4].Read().Show(), "['other', 'e']");
  EXPECT_EQ(pusher.Do("LRANGE other 0 -1"), "['d']");
  ExpectNobodyBlocked();
}

TEST_P(BlockingLists, WaitForSeveralKeysAndTakeOne) {
  Client pusher = Connect();
  Client waiter = Blocked("BLPOP a b c 0");
  pusher.Do("RPUSH b 1");
  EXPECT_EQ(waiter.Read().Show(), "['b', '1']");
  // It waits for none of them any more.
  EXPECT_EQ(pusher.Do("RPUSH a 2"), ":1");
  EXPECT_EQ(pusher.Do("RPUSH c 3"), ":1");
  EXPECT_EQ(pusher.Do("LLEN a"), ":1");
  EXPECT_EQ(pusher.Do("LLEN c"), ":1");
  // What comes together is served in the order in which it was written.
  pusher.Do("DEL a b c");
  waiter = Blocked("BLPOP a b c 0");
  pusher.Pipeline({{"MULTI"}, {"RPUSH", "c", "3"}, {"RPUSH", "a", "1"}, {"EXEC"}});
  EXPECT_EQ(waiter.Read().Show(), "['c', '3']");
  EXPECT_EQ(pusher.Do("LLEN a"), ":1");
}

TEST_P(BlockingLists, SeeOnlyWhatATransactionLeavesBehind) {
  Client pusher = Connect();
  Client waiter = Blocked("BLPOP l 0");
  pusher.Pipeline({{"MULTI"}, {"RPUSH", "l", "a"}, {"LPOP", "l"}, {"EXEC"}});
  pusher.Pipeline({{"MULTI"}, {"RPUSH", "l", "b"}, {"DEL", "l"}, {"EXEC"}});
  EXPECT_EQ(InfoNumber("blocked_clients"), 1);
  pusher.Pipeline(
      {{"MULTI"}, {"RPUSH", "l", "c"}, {"DEL", "l"}, {"LPUSH", "l", "d", "e"}, {"EXEC"}});
  EXPECT_EQ(waiter.Read().Show(), "['l', 'e']");
  EXPECT_EQ(pusher.Do("LRANGE l 0 -1"), "['d']");
}

TEST_P(BlockingLists, DoNotWaitInsideATransaction) {
  Client client = Connect();
  client.Do("MULTI");
  for (const char* command :
       {"BLPOP l 0", "BRPOP l 0", "BLMPOP 0 1 l LEFT", "BLMOVE l m LEFT LEFT 0", "BRPOPLPUSH l m 0",
        "RPUSH l a", "BLPOP l 0"}) {
    EXPECT_EQ(client.Do(command), "QUEUED");
  }
  const std::string null_array = RawNullArray();
  EXPECT_EQ(client.Raw("EXEC"), "*7\r\n" + null_array + null_array + null_array + RawNull() +
                                    RawNull() + ":1\r\n*2\r\n$1\r\nl\r\n$1\r\na\r\n");
}

TEST_P(BlockingLists, FeedOneAnotherInChains) {
  Client pusher = Connect();
  Client last = Blocked("BLPOP e 0");
  Client third = Blocked("BLMOVE d e RIGHT LEFT 0");
  Client second = Blocked("BRPOPLPUSH c d 0");
  Client first = Blocked("BLMOVE b c LEFT LEFT 0");
  EXPECT_EQ(pusher.Do("RPUSH b x"), ":1");
  EXPECT_EQ(first.Read().Show(), "'x'");
  EXPECT_EQ(second.Read().Show(), "'x'");
  EXPECT_EQ(third.Read().Show(), "'x'");
  EXPECT_EQ(last.Read().Show(), "['e', 'x']");
  EXPECT_EQ(pusher.Do("DBSIZE"), ":0");
  // Round in a circle, until nobody waits.
  Client there = Blocked("BLMOVE a b LEFT LEFT 0");
  Client back = Blocked("BLMOVE b a LEFT LEFT 0");
  pusher.Do("RPUSH a 1");
  EXPECT_EQ(there.Read().Show(), "'1'");
  EXPECT_EQ(back.Read().Show(), "'1'");
  EXPECT_EQ(pusher.Do("LRANGE a 0 -1"), "['1']");
  ExpectNobodyBlocked();
}

TEST_P(BlockingLists, EndWhenTheirTimeIsOver) {
  Client client = Connect();
  for (const char* command :
       {"BLPOP l 0.02", "BRPOP l m 0.02", "BLMPOP 0.02 1 l LEFT", "BLMOVE l m LEFT LEFT 0.02",
        "BRPOPLPUSH l m 0.02", "BLPOP l 0.0001"}) {
    EXPECT_EQ(client.Raw(command), RawNullArray()) << command;
  }
  ExpectNobodyBlocked();
  EXPECT_EQ(client.Do("RPUSH l a"), ":1");
  EXPECT_EQ(client.Do("LLEN l"), ":1");
  // Those who wait longer wait on.
  client.Do("DEL l");
  Client patient = Blocked("BLPOP l 1000");
  EXPECT_EQ(client.Raw("BLPOP l 0.02"), RawNullArray());
  client.Do("RPUSH l a");
  EXPECT_EQ(patient.Read().Show(), "['l', 'a']");
}

// SUBSCRIBE takes in what was posted to its reactor before, which may end a wait while the
// transaction holds its keys.
TEST_P(BlockingLists, AreServedWhileATransactionSubscribes) {
  for (int i = 0; i < 30; ++i) {
    Client waiter = Connect();
    waiter.SendLine("BLPOP l m 0");
    EXPECT_TRUE(Eventually([&] { return InfoNumber("blocked_clients") == 1; }));
    Client client = Connect();
    client.Send("LPUSH l x\r\nMULTI\r\nGET k\r\nSUBSCRIBE c\r\nGET k\r\nEXEC\r\n");
    EXPECT_EQ(waiter.Read().Show(), "['l', 'x']");
    EXPECT_EQ(client.Read().Show(), ":1");
    for (const char* reply : {"OK", "QUEUED", "QUEUED", "QUEUED"}) {
      EXPECT_EQ(client.Read().Show(), reply);
    }
    EXPECT_EQ(Connect().Do("PING"), "PONG");
  }
}

TEST_P(BlockingLists, EndByClientUnblock) {
  Client admin = Connect();
  Client waiter = Connect();
  const std::string id = std::to_string(waiter.Id());
  EXPECT_EQ(admin.Do("CLIENT UNBLOCK " + id), ":0");
  waiter.SendLine("BLPOP l m 0");
  ASSERT_TRUE(Eventually([&] { return InfoNumber("blocked_clients") == 1; }));
  EXPECT_EQ(admin.Do("CLIENT UNBLOCK " + id), ":1");
  EXPECT_EQ(waiter.ReadRaw(), RawNullArray());
  waiter.SendLine("BLMOVE l m LEFT LEFT 0");
  ASSERT_TRUE(Eventually([&] { return InfoNumber("blocked_clients") == 1; }));
  EXPECT_EQ(admin.Do("CLIENT UNBLOCK " + id + " ERROR"), ":1");
  EXPECT_EQ(waiter.Read().Show(), "-UNBLOCKED client unblocked via CLIENT UNBLOCK");
  ExpectNobodyBlocked();
  EXPECT_EQ(admin.Do("RPUSH l a"), ":1");
  EXPECT_EQ(waiter.Do("LPOP l"), "'a'");
}

TEST_P(BlockingLists, EndWithTheirConnection) {
  Client pusher = Connect();
  {
    Client gone = Blocked("BLPOP l m 0");
    Client mover = Blocked("BLMOVE l m LEFT LEFT 0");
    Client stays = Blocked("BRPOP l 0");
    gone.Close();
    mover.Close();
    ASSERT_TRUE(Eventually([&] { return InfoNumber("blocked_clients") == 1; }));
    EXPECT_EQ(pusher.Do("RPUSH l a b"), ":2");
    EXPECT_EQ(stays.Read().Show(), "['l', 'b']");
    EXPECT_EQ(pusher.Do("LRANGE l 0 -1"), "['a']");
  }
  pusher.Do("DEL l");
  Client killed = Blocked("BLPOP l 0");
  pusher.Do("CLIENT KILL ADDR " + killed.LocalAddress());
  EXPECT_EQ(pusher.Do("RPUSH l a"), ":1");
  ASSERT_TRUE(Eventually([&] { return InfoNumber("blocked_clients") == 0; }));
  EXPECT_EQ(pusher.Do("LLEN l"), ":1");
}

TEST_P(BlockingLists, WaitThroughValuesOfOtherTypes) {
  Client pusher = Connect();
  Client waiter = Blocked("BLPOP l 0");
  EXPECT_EQ(pusher.Do("SET l text"), "OK");
  EXPECT_EQ(pusher.Do("DEL l"), ":1");
  EXPECT_EQ(InfoNumber("blocked_clients"), 1);
  pusher.Do("RPUSH l a");
  EXPECT_EQ(waiter.Read().Show(), "['l', 'a']");
}

TEST_P(BlockingLists, KeepAnElementThatCannotBePushed) {
  Client pusher = Connect();
  pusher.Do("SET m text");
  Client waiter = Blocked("BLMOVE l m LEFT LEFT 0");
  Client next = Blocked("BLPOP l 0");
  pusher.Do("RPUSH l a");
  EXPECT_EQ(waiter.Read().Show(),
            "-WRONGTYPE Operation against a key holding the wrong kind of value");
  EXPECT_EQ(next.Read().Show(), "['l', 'a']");
  EXPECT_EQ(pusher.Do("GET m"), "'text'");
}

TEST_P(BlockingLists, AreServedByWhateverBringsAList) {
  Client client = Connect();
  client.Do("RPUSH source a b");
  Client renamed = Blocked("BLPOP l 0");
  client.Do("RENAME source l");
  EXPECT_EQ(renamed.Read().Show(), "['l', 'a']");
  Client copied = Blocked("BLPOP m 0");
  client.Do("COPY l m");
  EXPECT_EQ(copied.Read().Show(), "['m', 'b']");
  Client moved = Blocked("BLPOP l2 0");
  client.Do("LMOVE l l2 LEFT LEFT");
  EXPECT_EQ(moved.Read().Show(), "['l2', 'b']");
  Client swapped = Blocked("BLPOP l 0");
  client.Do("SELECT 5");
  client.Do("RPUSH l other");
  client.Do("SWAPDB 0 5");
  EXPECT_EQ(swapped.Read().Show(), "['l', 'other']");
  Client from_other = Blocked("BLPOP l 0");
  client.Do("RPUSH l five");
  client.Do("MOVE l 0");
  EXPECT_EQ(from_other.Read().Show(), "['l', 'five']");
  ExpectNobodyBlocked();
}

TEST_P(BlockingLists, HoldBackWhatFollowsInThePipeline) {
  Client pusher = Connect();
  Client waiter = Connect();
  waiter.Send(EncodeCommand({"BLPOP", "l", "0"}) + EncodeCommand({"LPUSH", "m", "x"}) +
              EncodeCommand({"BLPOP", "l", "0"}) + EncodeCommand({"PING"}));
  ASSERT_TRUE(Eventually([&] { return InfoNumber("blocked_clients") == 1; }));
  EXPECT_EQ(pusher.Do("EXISTS m"), ":0");
  pusher.Do("RPUSH l a");
  EXPECT_EQ(waiter.Read().Show(), "['l', 'a']");
  EXPECT_EQ(waiter.Read().Show(), ":1");
  EXPECT_FALSE(waiter.WaitForInput(Milliseconds(20)));
  pusher.Do("RPUSH l b");
  EXPECT_EQ(waiter.Read().Show(), "['l', 'b']");
  EXPECT_EQ(waiter.Read().Show(), "PONG");
}

TEST_P(BlockingLists, ChangeWatchedKeysWhenServed) {
  Client watcher = Connect();
  Client pusher = Connect();
  watcher.Do("WATCH m");
  Client mover = Blocked("BLMOVE l m LEFT LEFT 0");
  pusher.Do("RPUSH l a");
  EXPECT_EQ(mover.Read().Show(), "'a'");
  watcher.Do("MULTI");
  watcher.Do("PING");
  EXPECT_EQ(watcher.Do("EXEC"), "nil");
}

TEST_P(BlockingLists, BlmovemWaitsForEnough) {
  if (IsReference()) GTEST_SKIP() << "Redis 8.10 has it";
  Client pusher = Connect();
  EXPECT_EQ(pusher.Raw("BLMOVEM s d LEFT LEFT 0.01"), RawNullArray());
  Client exact = Blocked("BLMOVEM s d LEFT RIGHT 0 EXACTLY 3 BULK");
  pusher.Do("RPUSH s a b");
  EXPECT_EQ(pusher.Do("LLEN s"), ":2");
  pusher.Do("RPUSH s c d");
  EXPECT_EQ(exact.Read().Show(), "['a', 'b', 'c']");
  EXPECT_EQ(pusher.Do("LRANGE d 0 -1"), "['a', 'b', 'c']");
  EXPECT_EQ(pusher.Do("BLMOVEM s d LEFT LEFT 0 COUNT 5 OBO"), "['d']");
  Client some = Blocked("BLMOVEM s d LEFT LEFT 0 COUNT 2 OBO");
  pusher.Do("RPUSH s x y z");
  EXPECT_EQ(some.Read().Show(), "['y', 'x']");
  EXPECT_EQ(pusher.Do("LRANGE d 0 2"), "['y', 'x', 'd']");
  pusher.Do("MULTI");
  pusher.Do("BLMOVEM s d LEFT LEFT 0 EXACTLY 2 OBO");
  EXPECT_EQ(pusher.Do("EXEC"), "[nil]");
}

TEST_P(BlockingLists, GetEveryElementOnceWithManyAtWork) {
  constexpr int kConsumers = 6;
  constexpr int kProducers = 3;
  constexpr int kEach = 400;
  std::atomic<int> taken{0};
  std::vector<std::map<std::string, int>> seen(kConsumers);
  std::vector<std::thread> threads;
  for (int i = 0; i < kConsumers; ++i) {
    threads.emplace_back([&, i, client = Connect()]() mutable {
      const std::string command = i % 3 == 0   ? "BLPOP a b c 0"
                                  : i % 3 == 1 ? "BRPOP c a 0"
                                               : "BLMPOP 0 2 b a LEFT COUNT 3";
      for (;;) {
        const Reply reply = client.Call(Words(command));
        const Reply& popped = reply.items.at(1);
        const std::vector<Reply> items =
            popped.kind == Reply::Kind::kArray ? popped.items : std::vector<Reply>{popped};
        bool is_end = false;
        for (const Reply& item : items) {
          if (item.text == "end") {
            is_end = true;
          } else {
            ++seen[static_cast<size_t>(i)][item.text];
            ++taken;
          }
        }
        if (is_end) return;
      }
    });
  }
  // These pass elements on from one list to another.
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([client = Connect(), i]() mutable {
      const std::string command = i == 0 ? "BLMOVE first a LEFT RIGHT 0" : "BRPOPLPUSH second b 0";
      while (client.Call(Words(command)).text != "end") {
      }
    });
  }
  for (int i = 0; i < kProducers; ++i) {
    threads.emplace_back([client = Connect(), i]() mutable {
      static constexpr const char* kKeys[] = {"a", "b", "first", "second", "a"};
      for (int n = 0; n < kEach; ++n) {
        client.Call({"RPUSH", kKeys[(n + i) % 5], std::to_string(i) + ":" + std::to_string(n)});
      }
    });
  }
  EXPECT_TRUE(Eventually([&] { return taken.load() == kProducers * kEach; })) << taken.load();
  Client client = Connect();
  // Every consumer reads "a", and takes three at most.
  std::vector<std::string> ends = {"RPUSH", "a"};
  ends.resize(2 + 3 * kConsumers, "end");
  client.Call(ends);
  client.Do("LPUSH first end");
  client.Do("RPUSH second end");
  for (std::thread& thread : threads) thread.join();
  std::map<std::string, int> all;
  for (const auto& each : seen) {
    for (const auto& [text, count] : each) all[text] += count;
  }
  EXPECT_EQ(all.size(), static_cast<size_t>(kProducers * kEach));
  for (const auto& [text, count] : all) EXPECT_EQ(count, 1) << text;
  client.Do("DEL a b c first second");
}

}  // namespace
}  // namespace peal::tests
