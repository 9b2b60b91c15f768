// Client-side caching: who is told of which changes, in which form and when. Source: redis-server
// 7.0.15, which passes these tests, but for what docs/differences.md names.

#include <optional>
#include <set>
#include <utility>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

/// A client that caches, in the way of the protocol: a RESP3 client gets pushes, a RESP2 client has
/// a second connection that is subscribed.
class Cache {
 public:
  Cache(Client client, std::optional<Client> listener)
      : client_(std::move(client)), listener_(std::move(listener)) {}

  Client& client() { return client_; }
  Client& listener() { return listener_ ? *listener_ : client_; }
  std::string Do(const std::string& line) { return client_.Do(line); }
  /// CLIENT TRACKING ON with `options`.
  void Track(const std::string& options = "") {
    std::string line = "CLIENT TRACKING ON " + options;
    if (listener_) line += " REDIRECT " + listener_id_;
    ASSERT_EQ(client_.Do(line), "OK");
  }
  void set_listener_id(int64_t id) { listener_id_ = std::to_string(id); }
  /// The keys of the next invalidation: "['k']", or "nil".
  std::string Next() {
    const Reply reply = listener().Read();
    const std::string shown = reply.Show();
    const std::string head =
        listener_ ? "['message', '__redis__:invalidate', " : ">['invalidate', ";
    EXPECT_TRUE(shown.starts_with(head)) << shown;
    return reply.items.empty() ? shown : reply.items.back().Show();
  }
  /// What came so far, one after another.
  std::string All() {
    std::string all;
    if (listener_) {
      EXPECT_EQ(client_.Do("PING"), "PONG");
    }
    listener().SendLine("PING");
    for (Reply reply = listener().Read();; reply = listener().Read()) {
      if (reply.Show() == "PONG" || reply.Show() == "['pong', '']") return all;
      all += reply.items.empty() ? reply.Show() : reply.items.back().Show();
    }
  }

 private:
  Client client_;
  std::optional<Client> listener_;
  std::string listener_id_;
};

class ClientTracking : public Behaviour {
 protected:
  Cache MakeCache() {
    Client client = Connect();
    if (resp() == 3) return Cache(std::move(client), std::nullopt);
    Client listener = ConnectResp2();
    const int64_t id = listener.Id();
    Subscribe(listener, {"SUBSCRIBE", "__redis__:invalidate"});
    Cache cache(std::move(client), std::move(listener));
    cache.set_listener_id(id);
    return cache;
  }
  Cache MakeTracking(const std::string& options = "") {
    Cache cache = MakeCache();
    cache.Track(options);
    return cache;
  }
  Client ConnectResp3() {
    Client client = ConnectResp2();
    client.Hello(3);
    return client;
  }
};
INSTANTIATE_TEST_SUITE_P(, ClientTracking, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(ClientTracking, AChangeOfAKeyThatWasReadIsToldOnce) {
  Cache cache = MakeTracking();
  Client writer = Connect();
  writer.Do("SET k 1");
  EXPECT_EQ(cache.Do("GET k"), "'1'");
  writer.Do("SET other 1");
  writer.Do("SET k 2");
  EXPECT_EQ(cache.Next(), "['k']");
  writer.Do("SET k 3");
  EXPECT_EQ(cache.All(), "");
  EXPECT_EQ(cache.Do("GET k"), "'3'");
  writer.Do("SET k 4");
  EXPECT_EQ(cache.All(), "['k']");
}

TEST_P(ClientTracking, EveryReadingCommandCountsForAllItsKeys) {
  Cache cache = MakeTracking();
  Client writer = Connect();
  const std::pair<const char*, const char*> rows[] = {
      {"GET a", "['a']"},
      {"MGET a b c", "['a']['b']['c']"},
      {"EXISTS a b", "['a']['b']"},
      {"TTL b", "['b']"},
      {"STRLEN c", "['c']"},
      {"LRANGE a 0 -1", "['a']"},  // of the wrong type
      {"SINTERCARD 2 b c", "['b']['c']"},
      {"OBJECT ENCODING a", "['a']"},
      {"TOUCH a", "['a']"},
      {"SET a 1", ""},
      {"GETSET a 1", ""},
      {"SORT b STORE x", ""},
      {"WATCH a", ""},
      {"RANDOMKEY", ""},
      {"KEYS *", ""},
  };
  for (const auto& [command, expected] : rows) {
    cache.Do("FLUSHALL");
    cache.Next();
    writer.Do("MSET a 1 b 2 c 3");
    cache.client().SendLine(command);
    cache.client().Read();
    for (const char* key : {"a", "b", "c"}) writer.Do("SET " + std::string(key) + " 5");
    EXPECT_EQ(cache.All(), expected) << command;
  }
}

TEST_P(ClientTracking, EveryChangingCommandIsAChange) {
  Client writer = Connect();
  const std::pair<const char*, const char*> rows[] = {
      {"SET k 1", "['k']"},
      {"APPEND k x", "['k']"},
      {"EXPIRE k 100", "['k']"},
      {"PERSIST k", ""},
      {"DEL k", "['k']"},
      {"RENAME k n", "['k']['n']"},
      {"RENAME n k", "['k']['n']"},
      {"MOVE k 3", "['k']"},
      {"COPY k n", ""},
      {"COPY k n REPLACE", "['n']"},
      {"GETEX k EX 100", "['k']"},
      {"GETEX k", ""},
      {"GETDEL k", "['k']"},
      {"SETRANGE k 9 x", "['k']"},
      {"SETNX k 5", ""},
      {"INCR n", "['n']"},
      {"MSET k 1 n 2", "['k']['n']"},
      {"TOUCH k", ""},
      {"RPUSH l 1", "['l']"},
      {"HSET h f v", "['h']"},
      {"SADD s m", "['s']"},
      {"ZADD z 1 m", "['z']"},
      {"XADD x * f v", "['x']"},
      {"PFADD p a", "['p']"},
      {"SETBIT k 1 1", "['k']"},
      {"SDIFFSTORE d s", ""},
      {"LPOP missing", ""},
  };
  for (const auto& [command, expected] : rows) {
    writer.Do("FLUSHALL");
    writer.Do("MSET k 1 n 2");
    Cache cache = MakeTracking();
    cache.Do("MGET k n l h s z x p d");
    writer.SendLine(command);
    writer.Read();
    std::string all = cache.All();
    if (all == "['n']['k']") all = "['k']['n']";
    EXPECT_EQ(all, expected) << command;
  }
}

TEST_P(ClientTracking, KeysOfAllDatabasesAreOneNameSpace) {
  Cache cache = MakeTracking();
  Client writer = Connect();
  cache.Do("GET k");
  writer.Do("SELECT 5");
  writer.Do("SET k 1");
  EXPECT_EQ(cache.Next(), "['k']");
}

TEST_P(ClientTracking, KeysAndReadersAreBinarySafe) {
  Cache cache = MakeTracking();
  Client writer = Connect();
  const std::string key("a\0\r\nb\xff", 6);
  cache.client().Call({"GET", key});
  cache.client().Call({"GET", ""});
  writer.Call({"SET", key, "1"});
  writer.Call({"SET", "", "1"});
  if (resp() == 3) {
    EXPECT_EQ(cache.client().ReadRaw(), ">2\r\n$10\r\ninvalidate\r\n*1\r\n$6\r\n" + key + "\r\n");
    EXPECT_EQ(cache.client().ReadRaw(), ">2\r\n$10\r\ninvalidate\r\n*1\r\n$0\r\n\r\n");
  } else {
    const std::string head = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n";
    EXPECT_EQ(cache.listener().ReadRaw(), head + "*1\r\n$6\r\n" + key + "\r\n");
    EXPECT_EQ(cache.listener().ReadRaw(), head + "*1\r\n$0\r\n\r\n");
  }
}

TEST_P(ClientTracking, AllWhoHaveReadAreTold) {
  Client writer = Connect();
  std::vector<Cache> caches;
  for (int i = 0; i < 9; ++i) {
    caches.push_back(MakeTracking());
    caches.back().Do("GET k");
  }
  EXPECT_TRUE(Eventually([&] { return InfoNumber("tracking_clients") == 9; }));
  EXPECT_EQ(InfoNumber("tracking_total_keys"), 1);
  EXPECT_EQ(InfoNumber("tracking_total_items"), 9);
  writer.Do("SET k 1");
  for (Cache& cache : caches) EXPECT_EQ(cache.Next(), "['k']");
  EXPECT_EQ(InfoNumber("tracking_total_keys"), 0);
  EXPECT_EQ(InfoNumber("tracking_total_items"), 0);
}

// ---------------------------------------------------------------- order

TEST_P(ClientTracking, WhatWasDoneBeforeARequestIsToldBeforeItsReply) {
  Client reader = ConnectResp3();
  ASSERT_EQ(reader.Do("CLIENT TRACKING ON"), "OK");
  Client writer = Connect();
  for (int i = 0; i < 300; ++i) {
    const std::string value = std::to_string(i);
    writer.Do("SET k " + value);
    if (i > 0) {
      ASSERT_EQ(reader.Read().Show(), ">['invalidate', ['k']]");
    }
    ASSERT_EQ(reader.Do("GET k"), "'" + value + "'");
  }
}

TEST_P(ClientTracking, OwnChangesAreToldBehindTheReply) {
  Client client = ConnectResp3();
  client.Do("CLIENT TRACKING ON");
  client.Send("GET k\r\nSET k 1\r\nGET k\r\nSET k 2\r\nPING\r\n");
  const std::string push = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n";
  for (const std::string& expected :
       {std::string("_\r\n"), std::string("+OK\r\n"), push, std::string("$1\r\n1\r\n"),
        std::string("+OK\r\n"), push, std::string("+PONG\r\n")}) {
    EXPECT_EQ(client.ReadRaw(), expected);
  }
}

TEST_P(ClientTracking, OwnChangesInATransactionAreToldBehindItsReply) {
  Client client = ConnectResp3();
  client.Do("CLIENT TRACKING ON");
  client.Do("MULTI");
  for (const char* line : {"GET a", "SET a 1", "GET b", "SET b 2", "GET a"}) {
    EXPECT_EQ(client.Do(line), "QUEUED");
  }
  EXPECT_EQ(client.Do("EXEC"), "[nil, OK, nil, OK, '1']");
  EXPECT_EQ(client.Read().Show(), ">['invalidate', ['a']]");
  EXPECT_EQ(client.Read().Show(), ">['invalidate', ['b']]");
  EXPECT_EQ(client.Do("PING"), "PONG");
  Client writer = Connect();
  writer.Do("MSET a 3 b 4");
  EXPECT_EQ(client.Read().Show(), ">['invalidate', ['a']]") << "read again behind the change";
  EXPECT_EQ(client.Do("PING"), "PONG");
}

TEST_P(ClientTracking, ATransactionOfAnotherTellsEachKeyOnce) {
  Cache cache = MakeTracking();
  cache.Do("MGET a b");
  Client writer = Connect();
  writer.Do("MULTI");
  for (const char* line : {"SET a 1", "SET b 1", "SET a 2"}) writer.Do(line);
  writer.Do("EXEC");
  EXPECT_EQ(cache.All(), "['a']['b']");
}

TEST_P(ClientTracking, WhoWaitedForAKeyIsToldOfItAndThenServed) {
  Client client = ConnectResp3();
  client.Do("CLIENT TRACKING ON");
  client.Do("LLEN l");
  client.SendLine("BLPOP l 0");
  Client writer = Connect();
  EXPECT_TRUE(Eventually([&] { return InfoNumber("blocked_clients") == 1; }));
  writer.Do("RPUSH l x");
  EXPECT_EQ(client.Read().Show(), ">['invalidate', ['l']]");
  EXPECT_EQ(client.Read().Show(), "['l', 'x']");
}

TEST_P(ClientTracking, WhatAStreamReaderGotAfterWaitingIsRemembered) {
  if (IsReference()) GTEST_SKIP() << "Redis 7.0 forgets it";
  Client client = ConnectResp3();
  client.Do("CLIENT TRACKING ON");
  client.SendLine("XREAD BLOCK 0 STREAMS x $");
  Client writer = Connect();
  EXPECT_TRUE(Eventually([&] { return InfoNumber("blocked_clients") == 1; }));
  writer.Do("XADD x 1-1 f v");
  EXPECT_EQ(client.Read().Show(), ">['invalidate', ['x']]");
  EXPECT_EQ(client.Read().Show(), "{'x': [['1-1', ['f', 'v']]]}");
  writer.Do("XADD x 1-2 f v");
  EXPECT_EQ(client.Read().Show(), ">['invalidate', ['x']]");
}

TEST_P(ClientTracking, ASilencedClientIsToldAllTheSame) {
  Client client = ConnectResp3();
  client.Do("CLIENT TRACKING ON");
  client.Do("GET k");
  client.SendLine("CLIENT REPLY OFF");
  client.SendLine("SET k 1");
  EXPECT_EQ(client.Read().Show(), ">['invalidate', ['k']]");
}

// ---------------------------------------------------------------- modes

TEST_P(ClientTracking, NoLoopKeepsOwnChangesBack) {
  Cache cache = MakeTracking("NOLOOP");
  Client writer = Connect();
  cache.Do("GET k");
  cache.Do("SET k 1");
  EXPECT_EQ(cache.All(), "");
  writer.Do("SET k 2");
  EXPECT_EQ(cache.All(), "") << "its own change has taken the key off the table";
  cache.Do("GET k");
  writer.Do("SET k 3");
  EXPECT_EQ(cache.All(), "['k']");
}

TEST_P(ClientTracking, OptInRemembersTheNextCommandOnly) {
  Cache cache = MakeTracking("OPTIN");
  Client writer = Connect();
  const auto change_all = [&] {
    for (const char* key : {"a", "b", "c"}) writer.Do("SET " + std::string(key) + " 1");
    return cache.All();
  };
  cache.Do("GET a");
  EXPECT_EQ(change_all(), "");
  EXPECT_EQ(cache.Do("CLIENT CACHING YES"), "OK");
  cache.Do("GET a");
  cache.Do("GET b");
  EXPECT_EQ(change_all(), "['a']");
  cache.Do("CLIENT CACHING YES");
  cache.Do("PING");
  cache.Do("GET a");
  EXPECT_EQ(change_all(), "");
  cache.Do("CLIENT CACHING YES");
  cache.Do("CLIENT ID");
  cache.Do("GET a");
  EXPECT_EQ(change_all(), "['a']") << "other subcommands of CLIENT do not count";
  cache.Do("CLIENT CACHING YES");
  cache.Do("NOSUCHCOMMAND");
  cache.Do("GET a");
  EXPECT_EQ(change_all(), "");
  cache.Do("CLIENT CACHING YES");
  cache.Do("CLIENT NOSUCHCOMMAND");
  cache.Do("GET a");
  EXPECT_EQ(change_all(), "");
}

TEST_P(ClientTracking, OptInHoldsForAWholeTransaction) {
  Cache cache = MakeTracking("OPTIN");
  Client writer = Connect();
  const auto change_all = [&] {
    for (const char* key : {"a", "b", "c"}) writer.Do("SET " + std::string(key) + " 1");
    return cache.All();
  };
  cache.Do("CLIENT CACHING YES");
  for (const char* line : {"MULTI", "GET a", "GET b", "EXEC", "GET c"}) cache.Do(line);
  EXPECT_EQ(change_all(), "['a']['b']");
  for (const char* line : {"MULTI", "GET a", "CLIENT CACHING YES", "GET b", "GET c", "EXEC"}) {
    cache.Do(line);
  }
  EXPECT_EQ(change_all(), "['b']['c']");
  cache.Do("CLIENT CACHING YES");
  for (const char* line : {"MULTI", "GET a", "DISCARD", "GET c"}) cache.Do(line);
  EXPECT_EQ(change_all(), "");
}

TEST_P(ClientTracking, OptOutLeavesTheNextCommandOut) {
  Cache cache = MakeTracking("OPTOUT");
  Client writer = Connect();
  cache.Do("GET a");
  EXPECT_EQ(cache.Do("CLIENT CACHING NO"), "OK");
  cache.Do("GET b");
  cache.Do("GET c");
  for (const char* key : {"a", "b", "c"}) writer.Do("SET " + std::string(key) + " 1");
  EXPECT_EQ(cache.All(), "['a']['c']");
}

TEST_P(ClientTracking, BroadcastingTellsOfPrefixesWithoutReading) {
  Cache cache = MakeTracking("BCAST PREFIX user: PREFIX a*[b]\\");
  Client writer = Connect();
  EXPECT_TRUE(Eventually([&] { return InfoNumber("tracking_total_prefixes") == 2; }));
  cache.Do("GET other");
  writer.Do("SET other 1");
  writer.Do("SET user 1");
  writer.Do("SET user: 1");
  EXPECT_EQ(cache.Next(), "['user:']");
  writer.Do("SET user:1 1");
  EXPECT_EQ(cache.Next(), "['user:1']");
  writer.Do("SET axxb 1");
  writer.Call({"SET", "a*[b]\\x", "1"});
  EXPECT_EQ(cache.Next(), "['a*[b]\\x']");
  EXPECT_EQ(InfoNumber("tracking_total_keys"), 0);
  EXPECT_EQ(cache.Do("CLIENT TRACKING OFF"), "OK");
  EXPECT_TRUE(Eventually([&] { return InfoNumber("tracking_total_prefixes") == 0; }));
  writer.Do("SET user:1 2");
  EXPECT_EQ(cache.All(), "");
}

TEST_P(ClientTracking, BroadcastingWithoutAPrefixTellsOfAllKeys) {
  Cache cache = MakeTracking("BCAST");
  Client writer = Connect();
  writer.Do("SET x 1");
  EXPECT_EQ(cache.Next(), "['x']");
  writer.Call({"SET", "", "1"});
  EXPECT_EQ(cache.Next(), "['']");
  writer.Do("DEL x");
  EXPECT_EQ(cache.Next(), "['x']");
  writer.Do("DEL x");
  EXPECT_EQ(cache.All(), "");
}

TEST_P(ClientTracking, BroadcastsOfOnePipelineAreOneMessageBehindItsReplies) {
  Client client = ConnectResp3();
  client.Do("CLIENT TRACKING ON BCAST PREFIX a PREFIX b");
  client.Send("SET b1 1\r\nSET a2 1\r\nSET c 1\r\nSET a1 1\r\nSET a2 2\r\n");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.Read().Show(), "OK");
  EXPECT_EQ(client.Read().Show(), ">['invalidate', ['a1', 'a2']]");
  EXPECT_EQ(client.Read().Show(), ">['invalidate', ['b1']]");
  EXPECT_EQ(client.Do("PING"), "PONG");
}

TEST_P(ClientTracking, BroadcastingWithNoLoopLeavesOutWhatTheClientChangedLast) {
  Cache cache = MakeTracking("BCAST NOLOOP");
  Client writer = Connect();
  cache.Do("SET k 1");
  EXPECT_EQ(cache.All(), "");
  writer.Do("SET k 2");
  EXPECT_EQ(cache.Next(), "['k']");
  cache.client().Send("SET a 1\r\nSET b 1\r\n");
  cache.client().ReadMany(2);
  EXPECT_EQ(cache.All(), "");
  cache.Do("SET e 1 PX 1");
  EXPECT_EQ(cache.Next(), "['e']") << "its time had come, nobody did it";
}

TEST_P(ClientTracking, WhoTurnsTrackingOnIsNotToldOfBefore) {
  Cache other = MakeTracking("BCAST");
  for (int i = 0; i < 50; ++i) {
    Cache cache = MakeCache();
    Client writer = Connect();
    writer.Do("SET k 1");
    writer.Do("FLUSHALL");
    cache.Track("BCAST");
    EXPECT_EQ(cache.All(), "");
    writer.Do("SET k 1");
    EXPECT_EQ(cache.All(), "['k']");
  }
}

TEST_P(ClientTracking, NoLoopDoesNotKeepBackWhatTheServedHaveChanged) {
  Cache pusher = MakeTracking("NOLOOP");
  Client waiter = Connect();
  pusher.Do("LRANGE to 0 -1");
  waiter.SendLine("BLMOVE from to LEFT LEFT 0");
  EXPECT_TRUE(Eventually([&] { return InfoNumber("blocked_clients") == 1; }));
  pusher.Do("LPUSH from e");
  EXPECT_EQ(waiter.Read().Show(), "'e'");
  EXPECT_EQ(pusher.All(), "['to']");
}

TEST_P(ClientTracking, BroadcastingWithNoLoopTellsTheServedOfThePush) {
  Cache pusher = MakeTracking("BCAST NOLOOP");
  Cache waiter = MakeTracking("BCAST NOLOOP");
  waiter.client().SendLine("BLMOVE from to LEFT LEFT 0");
  EXPECT_TRUE(Eventually([&] { return InfoNumber("blocked_clients") == 1; }));
  pusher.Do("RPUSH from a b");
  if (resp() == 2) {
    EXPECT_EQ(waiter.client().Read().Show(), "'a'");
    EXPECT_EQ(waiter.Next(), "['from']");
  } else {
    // Which comes first is left to the reactors.
    const std::set<std::string> both = {waiter.client().Read().Show(),
                                        waiter.client().Read().Show()};
    EXPECT_EQ(both, (std::set<std::string>{"'a'", ">['invalidate', ['from']]"}));
  }
  EXPECT_TRUE(pusher.Next().find("'to'") != std::string::npos);
}

TEST_P(ClientTracking, AllAreToldWhileOneOfThemDoesNotRead) {
  Client writer = Connect();
  writer.Do("SET big " + std::string(1 << 20, 'x'));
  Client slow = ConnectResp3();
  Client own = ConnectResp3();
  Client other = ConnectResp3();
  slow.Do("CLIENT TRACKING ON BCAST PREFIX k");
  own.Do("CLIENT TRACKING ON BCAST PREFIX k NOLOOP");
  other.Do("CLIENT TRACKING ON BCAST PREFIX k");
  for (int i = 0; i < 32; ++i) slow.SendLine("GET big");
  // Lengths change, so that blocks of messages end between those for one and those for another.
  for (size_t i = 0; i < 2000; ++i) {
    const std::string key = "k" + std::to_string(i) + std::string(i * 7 % 23, 'z');
    const std::string told = ">['invalidate', ['" + key + "']]";
    writer.Do("SET " + key + " v");
    ASSERT_EQ(other.Read().Show(), told);
    ASSERT_EQ(own.Read().Show(), told);
  }
}

// ---------------------------------------------------------------- all keys

TEST_P(ClientTracking, FlushingIsToldAsANull) {
  Cache cache = MakeTracking();
  Cache broadcasting = MakeTracking("BCAST");
  Client writer = Connect();
  for (const char* line : {"FLUSHALL", "FLUSHDB", "FLUSHALL ASYNC"}) {
    cache.Do("GET k");
    writer.Do(line);
    EXPECT_EQ(cache.All(), "nil") << line;
    EXPECT_EQ(broadcasting.All(), "nil") << line;
    EXPECT_EQ(InfoNumber("tracking_total_keys"), 0);
  }
  writer.Do("SELECT 3");
  writer.Do("FLUSHDB");
  EXPECT_EQ(cache.All(), "nil") << "whatever the database";
  writer.Do("MULTI");
  writer.Do("FLUSHALL");
  writer.Do("EXEC");
  EXPECT_EQ(cache.All(), "nil");
  cache.Do("GET k");
  writer.Do("SWAPDB 0 3");
  EXPECT_EQ(cache.All(), IsReference() ? "" : "nil") << "Redis leaves the cache stale";
}

TEST_P(ClientTracking, FlushingIsANullOfTheProtocol) {
  Cache cache = MakeTracking();
  Client writer = Connect();
  writer.Do("FLUSHALL");
  if (resp() == 3) {
    EXPECT_EQ(cache.client().ReadRaw(), ">2\r\n$10\r\ninvalidate\r\n_\r\n");
  } else {
    EXPECT_EQ(cache.listener().ReadRaw(),
              "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n");
  }
}

TEST_P(ClientTracking, OwnFlushIsToldBehindTheReplyEvenWithNoLoop) {
  Client client = ConnectResp3();
  client.Do("CLIENT TRACKING ON NOLOOP");
  client.Do("GET k");
  client.Send("FLUSHALL\r\nPING\r\n");
  EXPECT_EQ(client.Read().Show(), "OK");
  EXPECT_EQ(client.Read().Show(), ">['invalidate', nil]");
  EXPECT_EQ(client.Read().Show(), "PONG");
}

TEST_P(ClientTracking, ExpiryIsAChange) {
  Cache cache = MakeTracking();
  Client writer = Connect();
  // In one transaction it is read before it can expire.
  const auto read = [&](const std::string& key) {
    writer.Do("SET " + key + " 1");
    cache.Do("MULTI");
    cache.Do("PEXPIRE " + key + " 1");
    cache.Do("GET " + key);
    EXPECT_EQ(cache.Do("EXEC"), "[:1, '1']");
  };
  read("active");
  EXPECT_EQ(cache.Next(), "['active']") << "nobody touches the key";
  writer.Do("DEBUG SET-ACTIVE-EXPIRE 0");
  read("lazy");
  EXPECT_TRUE(Eventually([&] { return writer.Do("GET lazy") == "nil"; }));
  EXPECT_EQ(cache.Next(), "['lazy']");
  writer.Do("DEBUG SET-ACTIVE-EXPIRE 1");
}

// ---------------------------------------------------------------- bounds

TEST_P(ClientTracking, TheTableIsBoundedAndWhoIsForgottenIsTold) {
  Client admin = ConnectResp2();
  ASSERT_EQ(admin.Do("CONFIG SET tracking-table-max-keys 10"), "OK");
  Cache cache = MakeTracking();
  std::set<std::string> told;
  for (int i = 0; i < 100; ++i) {
    cache.client().SendLine("GET k" + std::to_string(i));
    for (Reply reply = cache.client().Read(); reply.kind == Reply::Kind::kPush;
         reply = cache.client().Read()) {
      told.insert(reply.items.back().Show());
    }
  }
  EXPECT_TRUE(Eventually([&] { return InfoNumber("tracking_total_keys") == 10; }));
  for (size_t i = told.size(); i < 90; ++i) told.insert(cache.Next());
  EXPECT_EQ(told.size(), 90u);
  EXPECT_EQ(cache.All(), "");
  for (int i = 0; i < 100; ++i) admin.Do("SET k" + std::to_string(i) + " 1");
  for (int i = 0; i < 10; ++i) told.insert(cache.Next());
  EXPECT_EQ(told.size(), 100u) << "each key is told of once";
  admin.Do("CONFIG SET tracking-table-max-keys 1000000");
}

TEST_P(ClientTracking, ClientsThatHaveGoneAreForgotten) {
  if (IsReference()) GTEST_SKIP() << "Redis forgets them when the key changes";
  for (int i = 0; i < 4; ++i) {
    Client gone = Connect();
    gone.Do("CLIENT TRACKING ON");
    std::vector<std::vector<std::string>> reads;
    for (int k = 0; k < 700; ++k) reads.push_back({"GET", "k" + std::to_string(k)});
    gone.Pipeline(reads);
  }
  EXPECT_TRUE(Eventually([&] { return InfoNumber("tracking_total_keys") == 0; }));
  EXPECT_EQ(InfoNumber("tracking_total_items"), 0);
  EXPECT_TRUE(Eventually([&] { return InfoNumber("tracking_clients") == 0; }));
}

TEST_P(ClientTracking, TheDeadAreSweptFromAmongTheLiving) {
  if (IsReference()) GTEST_SKIP() << "Redis forgets them when the key changes";
  Cache cache = MakeTracking();
  cache.Do("GET k7");
  for (int i = 0; i < 6; ++i) {
    Client gone = Connect();
    gone.Do("CLIENT TRACKING ON");
    std::vector<std::vector<std::string>> reads;
    for (int k = 0; k < 700; ++k) reads.push_back({"GET", "k" + std::to_string(k)});
    gone.Pipeline(reads);
  }
  EXPECT_TRUE(Eventually([&] { return InfoNumber("tracking_total_items") < 2100; }));
  Client writer = Connect();
  writer.Do("SET k7 1");
  EXPECT_EQ(cache.Next(), "['k7']");
}

// ---------------------------------------------------------------- redirection

TEST_P(ClientTracking, ARedirectThatHasGoneIsToldWithEachInvalidation) {
  Client client = Connect();
  const int64_t id = client.Id();
  Client target = ConnectResp2();
  const std::string target_id = std::to_string(target.Id());
  EXPECT_EQ(client.Do("CLIENT TRACKING ON REDIRECT " + target_id), "OK");
  EXPECT_EQ(client.Do("CLIENT GETREDIR"), ":" + target_id);
  client.Do("MGET a b");
  target.Close();
  Client writer = ConnectResp2();
  EXPECT_TRUE(Eventually([&] {
    return writer.Call({"CLIENT", "LIST", "ID", target_id}).text.find("id=") == std::string::npos;
  }));
  writer.Do("SET a 1");
  writer.Do("SET b 1");
  const auto line = [&] { return writer.Call({"CLIENT", "LIST", "ID", std::to_string(id)}).text; };
  EXPECT_TRUE(Eventually([&] { return line().find(" flags=tR ") != std::string::npos; })) << line();
  EXPECT_NE(line().find(" redir=" + target_id + " "), std::string::npos) << line();
  if (resp() == 3) {
    const std::string push = ">2\r\n$21\r\ntracking-redir-broken\r\n:" + target_id + "\r\n";
    EXPECT_EQ(client.ReadRaw(), push);
    EXPECT_EQ(client.ReadRaw(), push);
  }
  const Reply info = client.Call({"CLIENT", "TRACKINGINFO"});
  ASSERT_NE(info.Find("flags"), nullptr);
  EXPECT_NE(info.Find("flags")->Show().find("['on', 'broken_redirect']"), std::string::npos)
      << info;
}

TEST_P(ClientTracking, InvalidationsCanBeRedirectedToAResp3Client) {
  Client client = Connect();
  Client target = ConnectResp3();
  client.Do("CLIENT TRACKING ON REDIRECT " + std::to_string(target.Id()));
  client.Do("GET k");
  client.Do("SET k 1");
  EXPECT_EQ(target.ReadRaw(), ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n");
  Client writer = Connect();
  writer.Do("FLUSHALL");
  if (!IsReference()) {
    EXPECT_EQ(target.ReadRaw(), ">2\r\n$10\r\ninvalidate\r\n_\r\n");
  }
}

TEST_P(ClientTracking, WithoutPushesOrSubscriptionNothingIsSent) {
  Client client = ConnectResp2();
  Client target = ConnectResp2();
  Client writer = Connect();
  client.Do("CLIENT TRACKING ON");
  client.Do("GET k");
  writer.Do("SET k 1");
  EXPECT_EQ(client.Do("PING"), "PONG");
  client.Do("CLIENT TRACKING ON REDIRECT " + std::to_string(target.Id()));
  client.Do("GET k");
  writer.Do("SET k 1");
  EXPECT_EQ(client.Do("PING"), "PONG");
  EXPECT_EQ(target.Do("PING"), "PONG");
  Subscribe(target, {"SUBSCRIBE", "whatever"});
  client.Do("GET k");
  writer.Do("SET k 1");
  EXPECT_EQ(target.Read().Show(), "['message', '__redis__:invalidate', ['k']]");
}

// ---------------------------------------------------------------- on and off

TEST_P(ClientTracking, TurnedOffItTellsNothingAndTurnedOnAgainWhatWasReadBefore) {
  Cache cache = MakeTracking();
  Client writer = Connect();
  cache.Do("MGET a b");
  cache.Do("CLIENT TRACKING OFF");
  cache.Do("GET c");
  writer.Do("SET a 1");
  EXPECT_EQ(cache.All(), "");
  cache.Track();
  writer.Do("MSET a 1 c 1");
  EXPECT_EQ(cache.All(), "");
  writer.Do("SET b 1");
  EXPECT_EQ(cache.All(), "['b']");
}

TEST_P(ClientTracking, ResetTurnsItOff) {
  Client client = ConnectResp3();
  Client writer = Connect();
  client.Do("CLIENT TRACKING ON BCAST");
  EXPECT_TRUE(Eventually([&] { return InfoNumber("tracking_clients") == 1; }));
  EXPECT_EQ(client.Do("RESET"), "RESET");
  EXPECT_TRUE(Eventually([&] { return InfoNumber("tracking_clients") == 0; }));
  EXPECT_TRUE(Eventually([&] { return InfoNumber("tracking_total_prefixes") == 0; }));
  client.Hello(3);
  EXPECT_EQ(client.Do("CLIENT GETREDIR"), ":-1");
  writer.Do("SET k 1");
  EXPECT_EQ(client.Do("PING"), "PONG");
}

TEST_P(ClientTracking, ClientInfoShowsIt) {
  Client client = Connect();
  const auto shows = [&](const std::string& flags, const std::string& redirect) {
    const std::string line = client.Call({"CLIENT", "INFO"}).text;
    EXPECT_NE(line.find(" flags=" + flags + " "), std::string::npos) << line;
    EXPECT_NE(line.find(" redir=" + redirect + " "), std::string::npos) << line;
  };
  shows("N", "-1");
  client.Do("CLIENT TRACKING ON");
  shows("t", "0");
  client.Do("CLIENT TRACKING OFF");
  client.Do("CLIENT TRACKING ON BCAST");
  shows("tB", "0");
  client.Do("CLIENT TRACKING OFF");
  shows("N", "-1");
}

TEST_P(ClientTracking, OptionsAreCheckedInOrder) {
  const std::pair<const char*, const char*> rows[] = {
      {"CLIENT TRACKING", "-ERR wrong number of arguments for 'client|tracking' command"},
      {"CLIENT TRACKING xx", "-ERR syntax error"},
      {"CLIENT TRACKING ON FOO", "-ERR syntax error"},
      {"CLIENT TRACKING ON REDIRECT", "-ERR syntax error"},
      {"CLIENT TRACKING ON REDIRECT 999999",
       "-ERR The client ID you want redirect to does not exist"},
      {"CLIENT TRACKING ON REDIRECT abc", "-ERR value is not an integer or out of range"},
      {"CLIENT TRACKING ON REDIRECT 0", "-ERR The client ID you want redirect to does not exist"},
      {"CLIENT TRACKING ON REDIRECT -1", "-ERR The client ID you want redirect to does not exist"},
      {"CLIENT TRACKING xx REDIRECT 99999",
       "-ERR The client ID you want redirect to does not exist"},
      {"CLIENT TRACKING ON PREFIX a", "-ERR PREFIX option requires BCAST mode to be enabled"},
      {"CLIENT TRACKING ON BCAST OPTIN", "-ERR OPTIN and OPTOUT are not compatible with BCAST"},
      {"CLIENT TRACKING ON OPTIN OPTOUT", "-ERR You can't specify both OPTIN mode and OPTOUT mode"},
      {"CLIENT TRACKING ON BCAST PREFIX a PREFIX ab PREFIX abc",
       "-ERR Prefix 'a' overlaps with another provided prefix 'ab'. Prefixes for a single client "
       "must not overlap."},
      {"CLIENT TRACKING ON BCAST PREFIX ab PREFIX x PREFIX a",
       "-ERR Prefix 'ab' overlaps with another provided prefix 'a'. Prefixes for a single client "
       "must not overlap."},
      {"CLIENT TRACKING ON BCAST PREFIX x PREFIX a", "OK"},
      {"CLIENT TRACKING ON BCAST PREFIX b PREFIX ax",
       "-ERR Prefix 'ax' overlaps with an existing prefix 'a'. Prefixes for a single client must "
       "not overlap."},
      {"CLIENT TRACKING ON BCAST PREFIX q PREFIX \"\"",
       "-ERR Prefix 'q' overlaps with another provided prefix ''. Prefixes for a single client "
       "must not overlap."},
      {"CLIENT TRACKING ON BCAST PREFIX \"\" PREFIX q",
       "-ERR Prefix '' overlaps with an existing prefix 'a'. Prefixes for a single client must "
       "not overlap."},
      {"CLIENT TRACKING ON BCAST PREFIX b", "OK"},
      {"CLIENT TRACKING ON",
       "-ERR You can't switch BCAST mode on/off before disabling tracking for this client, and "
       "then re-enabling it with a different mode."},
      {"CLIENT TRACKING ON BCAST", "OK"},
      {"CLIENT TRACKING ON BCAST PREFIX q",
       "-ERR Prefix 'q' overlaps with an existing prefix ''. Prefixes for a single client must "
       "not overlap."},
      {"CLIENT TRACKING OFF FOO", "-ERR syntax error"},
      {"CLIENT TRACKING OFF BCAST OPTIN", "OK"},
      {"CLIENT TRACKING OFF", "OK"},
      {"CLIENT CACHING", "-ERR wrong number of arguments for 'client|caching' command"},
      {"CLIENT CACHING FOO",
       "-ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or "
       "OPTOUT mode enabled"},
      {"CLIENT TRACKING ON OPTIN", "OK"},
      {"CLIENT TRACKING ON OPTOUT",
       "-ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and "
       "then re-enabling it with a different mode."},
      {"CLIENT CACHING FOO", "-ERR syntax error"},
      {"CLIENT CACHING NO",
       "-ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."},
      {"CLIENT CACHING YES", "OK"},
      {"CLIENT TRACKING ON", "OK"},
      {"CLIENT CACHING YES",
       "-ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."},
  };
  Client client = Connect();
  for (const auto& [command, expected] : rows) EXPECT_EQ(client.Do(command), expected) << command;
  const std::string id = std::to_string(client.Id());
  EXPECT_EQ(client.Do("CLIENT TRACKING ON REDIRECT " + id + " REDIRECT " + id),
            "-ERR A client can only redirect to a single other client");
}

TEST_P(ClientTracking, TrackingInfoTellsModesAndPrefixes) {
  Client client = ConnectResp2();
  const auto info = [&] { return client.Do("CLIENT TRACKINGINFO"); };
  EXPECT_EQ(info(), "['flags', ['off'], 'redirect', :-1, 'prefixes', []]");
  client.Do("CLIENT TRACKING ON BCAST NOLOOP PREFIX b PREFIX a");
  EXPECT_EQ(info(), "['flags', ['on', 'bcast', 'noloop'], 'redirect', :0, 'prefixes', ['a', 'b']]");
  client.Do("CLIENT TRACKING ON BCAST");
  EXPECT_EQ(info(), "['flags', ['on', 'bcast'], 'redirect', :0, 'prefixes', ['', 'a', 'b']]");
  client.Do("CLIENT TRACKING OFF");
  client.Do("CLIENT TRACKING ON OPTIN");
  client.Do("CLIENT CACHING YES");
  EXPECT_EQ(info(), "['flags', ['on', 'optin', 'caching-yes'], 'redirect', :0, 'prefixes', []]");
  client.Do("CLIENT TRACKING OFF");
  client.Do("CLIENT TRACKING ON OPTOUT NOLOOP");
  client.Do("CLIENT CACHING NO");
  EXPECT_EQ(info(),
            "['flags', ['on', 'optout', 'caching-no', 'noloop'], 'redirect', :0, 'prefixes', []]");
  client.Do("PING");
  EXPECT_EQ(info(), "['flags', ['on', 'optout', 'noloop'], 'redirect', :0, 'prefixes', []]");
  client.Hello(3);
  EXPECT_EQ(client.Raw("CLIENT TRACKINGINFO"),
            "%3\r\n$5\r\nflags\r\n~3\r\n$2\r\non\r\n$6\r\noptout\r\n$6\r\nnoloop\r\n$8\r\nredirect"
            "\r\n:0\r\n$8\r\nprefixes\r\n*0\r\n");
}

}  // namespace
}  // namespace peal::tests
