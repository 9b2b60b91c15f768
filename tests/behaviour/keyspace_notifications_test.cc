// Keyspace and keyevent messages. Source: the Redis documentation of keyspace notifications and
// redis-server 7.0.15, which passes these tests.

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class KeyspaceNotifications : public Behaviour {
 protected:
  void Enable(const std::string& flags) {
    Client client = ConnectResp2();
    ASSERT_EQ(client.Call({"CONFIG", "SET", "notify-keyspace-events", flags}).Show(), "OK");
  }
  Client Listener() {
    Client client = Connect();
    Subscribe(client, {"PSUBSCRIBE", "__key*__:*"});
    return client;
  }
  /// Reads one event and returns "channel payload".
  static std::string Event(Client& listener) {
    const Reply frame = listener.Read();
    return frame.At(2) + " " + frame.At(3);
  }
};
INSTANTIATE_TEST_SUITE_P(, KeyspaceNotifications, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(KeyspaceNotifications, EachEventIsTwoMessagesKeyspaceFirst) {
  Enable("KEA");
  Client listener = Listener();
  Client client = Connect();
  client.Do("SET k v");
  EXPECT_EQ(Event(listener), "__keyspace@0__:k set");
  EXPECT_EQ(Event(listener), "__keyevent@0__:set k");
  client.Do("SELECT 5");
  client.Do("SET k v");
  EXPECT_EQ(Event(listener), "__keyspace@5__:k set");
  EXPECT_EQ(Event(listener), "__keyevent@5__:set k");
}

TEST_P(KeyspaceNotifications, EveryCommandOfTheSliceNamesItsEvents) {
  struct Row {
    const char* command;
    std::vector<std::string> events;  // "event key"
  };
  const Row rows[] = {
      {"SET k 5", {"set k"}},
      {"SET k 5 EX 100", {"set k", "expire k"}},
      {"SET k 5 KEEPTTL", {"set k"}},
      {"SET k 5 NX", {}},
      {"SETEX k 100 5", {"set k", "expire k"}},
      {"PSETEX k 100000 5", {"set k", "expire k"}},
      {"SETNX k 5", {}},
      {"SETNX n 5", {"set n"}},
      {"GETSET k 6", {"set k"}},
      {"GET k", {}},
      {"INCR k", {"incrby k"}},
      {"INCRBY k 2", {"incrby k"}},
      {"DECR k", {"incrby k"}},
      {"DECRBY k 2", {"incrby k"}},
      {"INCRBYFLOAT k 1", {"incrbyfloat k"}},
      {"APPEND k 1", {"append k"}},
      {"SETRANGE k 1 x", {"setrange k"}},
      {"SETRANGE missing 1 \"\"", {}},
      {"MSET a 1 b 2", {"set a", "set b"}},
      {"MSETNX a 1 c 2", {}},
      {"MSETNX c 1 d 2", {"set c", "set d"}},
      {"EXPIRE k 100", {"expire k"}},
      {"PEXPIRE k 100000", {"expire k"}},
      {"EXPIREAT k 9999999999", {"expire k"}},
      {"EXPIRE missing 100", {}},
      {"PERSIST k", {"persist k"}},
      {"PERSIST k", {}},
      {"GETEX k EX 100", {"expire k"}},
      {"GETEX k PERSIST", {"persist k"}},
      {"GETEX k", {}},
      {"GETDEL k", {"del k"}},
      {"EXPIRE a -1", {"del a"}},
      {"DEL b missing c", {"del b", "del c"}},
      {"UNLINK d n", {"del d", "del n"}},
      {"DEL missing", {}},
  };
  Enable("EA");
  Client listener = Listener();
  Client client = Connect();
  for (const Row& row : rows) {
    client.Do(row.command);
    client.Do("PUBLISH __keyevent@0__:fence x");
    std::vector<std::string> events;
    for (std::string event = Event(listener); event != "__keyevent@0__:fence x";
         event = Event(listener)) {
      events.push_back(event.substr(std::string_view("__keyevent@0__:").size()));
    }
    EXPECT_EQ(events, row.events) << row.command;
  }
}

TEST_P(KeyspaceNotifications, FlagsChooseClassesAndKinds) {
  const auto seen = [this](const std::string& flags) {
    Enable(flags);
    Client listener = Listener();
    Client client = Connect();
    client.Do("DEL k");
    client.Do("SET k v");
    client.Do("EXPIRE k 100");
    client.Do("GET missing");
    client.Do("DEL k");
    client.Do("PUBLISH __keyfence__:x x");
    std::string events;
    for (std::string event = Event(listener); event != "__keyfence__:x x";
         event = Event(listener)) {
      events += event.substr(5) + ";";
    }
    return events;
  };
  EXPECT_EQ(seen(""), "");
  EXPECT_EQ(seen("KE"), "");
  EXPECT_EQ(seen("$"), "");
  EXPECT_EQ(seen("K$"), "space@0__:k set;");
  EXPECT_EQ(seen("E$"), "event@0__:set k;");
  EXPECT_EQ(seen("Kg"), "space@0__:k expire;space@0__:k del;");
  EXPECT_EQ(seen("Em"), "event@0__:keymiss missing;");
  EXPECT_EQ(seen("En"), "event@0__:new k;");
  EXPECT_EQ(seen("El"), "");
}

TEST_P(KeyspaceNotifications, TheDirectiveIsShownInItsCanonicalForm) {
  Client client = Connect();
  const auto canonical = [&](const std::string& flags) {
    Enable(flags);
    const Reply reply = client.Call({"CONFIG", "GET", "notify-keyspace-events"});
    return reply.At(1);
  };
  EXPECT_EQ(canonical("KEA"), "AKE");
  EXPECT_EQ(canonical("xKg"), "gxK");
  EXPECT_EQ(canonical("g$lshzxetdEK"), "AKE");
  EXPECT_EQ(canonical("AKEm"), "AKEm");
  EXPECT_EQ(canonical("E$"), "$E");
  const Reply refusal = client.Call({"CONFIG", "SET", "notify-keyspace-events", "KEq"});
  EXPECT_TRUE(refusal.text.starts_with("ERR CONFIG SET failed")) << refusal;
  EXPECT_EQ(canonical("K$"), "$K");
}

TEST_P(KeyspaceNotifications, ExpiredFiresWhenTheKeyGoesLazilyOrActively) {
  Enable("Ex");
  Client listener = Listener();
  Client client = Connect();
  client.Do("SET active v PX 20");
  EXPECT_EQ(Event(listener), "__keyevent@0__:expired active") << "nobody touches the key";
  client.Do("DEBUG SET-ACTIVE-EXPIRE 0");
  client.Do("SET lazy v PX 1");
  EXPECT_TRUE(Eventually([&] { return client.Do("GET lazy") == "nil"; }));
  EXPECT_EQ(Event(listener), "__keyevent@0__:expired lazy");
  client.Do("DEBUG SET-ACTIVE-EXPIRE 1");
}

TEST_P(KeyspaceNotifications, EventsOfOneKeyKeepTheOrderOfItsChanges) {
  Enable("KA");
  Client listener = Listener();
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(Connect());
  for (int i = 0; i < 200; ++i) {
    Client& client = clients[static_cast<size_t>(i % 4)];
    client.Do(i % 2 == 0 ? "SET k 1" : "DEL k");
  }
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(Event(listener), i % 2 == 0 ? "__keyspace@0__:k set" : "__keyspace@0__:k del");
  }
}

TEST_P(KeyspaceNotifications, EventsOfATransactionComeInItsOrder) {
  Enable("EA");
  Client listener = Listener();
  Client client = Connect();
  client.Do("MULTI");
  client.Do("SET a 1");
  client.Do("INCR b");
  client.Do("DEL a");
  client.Do("EXEC");
  EXPECT_EQ(Event(listener), "__keyevent@0__:set a");
  EXPECT_EQ(Event(listener), "__keyevent@0__:incrby b");
  EXPECT_EQ(Event(listener), "__keyevent@0__:del a");
}

}  // namespace
}  // namespace peal::tests
