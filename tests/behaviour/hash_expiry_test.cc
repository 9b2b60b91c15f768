// Times to live of hash fields. Expected replies follow the documentation of Redis 7.4 and 8.0;
// redis-server 7.0 does not know these commands.

#include <thread>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class HashExpiry : public Behaviour {
 protected:
  struct Step {
    const char* command;
    const char* reply;
  };
  void SetUp() override {
    Behaviour::SetUp();
    if (HasServer() && IsReference()) GTEST_SKIP() << "redis-server 7.0 has no such commands";
  }
  void Run(const std::vector<Step>& steps) {
    Client client = Connect();
    for (const Step& step : steps) EXPECT_EQ(client.Do(step.command), step.reply) << step.command;
  }
  /// While it lives nothing expires unless it is looked at.
  struct NoActiveExpiry {
    explicit NoActiveExpiry(Client admin) : client(std::move(admin)) {
      client.Do("DEBUG SET-ACTIVE-EXPIRE 0");
    }
    ~NoActiveExpiry() { client.Do("DEBUG SET-ACTIVE-EXPIRE 1"); }
    Client client;
  };
  /// Lets a time to live of 1 ms pass.
  static void PassTime(Client& client) {
    const auto now = [&] {
      const Reply time = client.Call({"TIME"});
      return std::stoll(time.At(0)) * 1000 + std::stoll(time.At(1)) / 1000;
    };
    const int64_t until = now() + 3;
    while (now() < until) std::this_thread::yield();
  }
};
INSTANTIATE_TEST_SUITE_P(, HashExpiry, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(HashExpiry, TimesAreSetAndTold) {
  Run({
      {"HSET h a 1 b 2 c 3", ":3"},
      {"HEXPIRE h 100 FIELDS 2 a missing", "[:1, :-2]"},
      {"HTTL h FIELDS 3 a b missing", "[:100, :-1, :-2]"},
      {"HPEXPIREAT h 9999999999123 FIELDS 1 a", "[:1]"},
      {"HPEXPIRETIME h FIELDS 1 a", "[:9999999999123]"},
      {"HEXPIRETIME h FIELDS 2 a b", "[:10000000000, :-1]"},
      {"HEXPIREAT h 9999999999 FIELDS 1 a", "[:1]"},
      {"HPEXPIRETIME h FIELDS 1 a", "[:9999999999000]"},
      {"HPERSIST h FIELDS 3 a b missing", "[:1, :-1, :-2]"},
      {"HTTL h FIELDS 1 a", "[:-1]"},
      {"HPEXPIRE h 100000 FIELDS 1 a", "[:1]"},
      {"HTTL h FIELDS 1 a", "[:100]"},
      {"HTTL missing FIELDS 2 a b", "[:-2, :-2]"},
      {"HPTTL missing FIELDS 1 a", "[:-2]"},
      {"HEXPIRETIME missing FIELDS 1 a", "[:-2]"},
      {"HPEXPIRETIME missing FIELDS 1 a", "[:-2]"},
      {"HPERSIST missing FIELDS 1 a", "[:-2]"},
      {"HEXPIRE missing 10 FIELDS 2 a b", "[:-2, :-2]"},
      {"EXISTS missing", ":0"},
      {"OBJECT ENCODING h", "'listpackex'"},
      {"HDEL h a", ":1"},
      {"OBJECT ENCODING h", "'listpack'"},
  });
}

TEST_P(HashExpiry, ConditionsLookAtTheTimeBefore) {
  Run({
      {"HSET h a 1 b 2 c 3", ":3"},
      {"HEXPIREAT h 9999999999 NX FIELDS 1 a", "[:1]"},
      {"HEXPIREAT h 9999999999 NX FIELDS 2 a b", "[:0, :1]"},
      {"HEXPIREAT h 9999999998 XX FIELDS 3 a c missing", "[:1, :0, :-2]"},
      {"HEXPIREAT h 9999999998 GT FIELDS 3 a b c", "[:0, :0, :0]"},
      {"HEXPIREAT h 9999999999 GT FIELDS 2 a c", "[:1, :0]"},
      {"HEXPIREAT h 9999999999 LT FIELDS 3 a b c", "[:0, :0, :1]"},
      {"HEXPIREAT h 9999999990 LT FIELDS 2 a c", "[:1, :1]"},
      // The condition is looked at first.
      {"HEXPIREAT h 1 NX FIELDS 1 a", "[:0]"},
      {"HEXPIREAT h 1 GT FIELDS 1 a", "[:0]"},
      {"HLEN h", ":3"},
  });
}

TEST_P(HashExpiry, ATimeInThePastDeletes) {
  Run({
      {"HSET h a 1 b 2 c 3", ":3"},
      {"HPEXPIREAT h 1 FIELDS 2 a missing", "[:2, :-2]"},
      {"HEXISTS h a", ":0"},
      {"HEXPIRE h 0 FIELDS 2 b b", "[:2, :-2]"},
      {"HPEXPIRE h 0 FIELDS 1 c", "[:2]"},
      {"EXISTS h", ":0"},
  });
}

TEST_P(HashExpiry, ArgumentsAreChecked) {
  Run({
      {"SET s v", "OK"},
      {"HSET h a 1", ":1"},
      {"HEXPIRE h 10 FIELDS 1", "-ERR wrong number of arguments for 'hexpire' command"},
      {"HEXPIRE h x FIELDS 1 a", "-ERR value is not an integer or out of range"},
      {"HEXPIRE h -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0"},
      {"HEXPIRE h 9223372036854775807 FIELDS 1 a", "-ERR invalid expire time in 'hexpire' command"},
      {"HPEXPIREAT h 70368744177664 FIELDS 1 a",
       "-ERR invalid expire time in 'hpexpireat' command"},
      {"HPEXPIREAT h 70368744177663 FIELDS 1 a", "[:1]"},
      {"HPEXPIRE h 70368744177663 FIELDS 1 a", "-ERR invalid expire time in 'hpexpire' command"},
      {"HEXPIRE h 10 FELDER 1 a",
       "-ERR Mandatory argument FIELDS is missing or not at the right position"},
      {"HEXPIRE h 10 NX XX FIELDS 1 a",
       "-ERR Mandatory argument FIELDS is missing or not at the right position"},
      {"HEXPIRE h 10 FIELDS 0 a", "-ERR Parameter `numFields` should be greater than 0"},
      {"HEXPIRE h 10 FIELDS x a", "-ERR Parameter `numFields` should be greater than 0"},
      {"HEXPIRE h 10 FIELDS 2 a",
       "-ERR The `numfields` parameter must match the number of arguments"},
      {"HEXPIRE h 10 FIELDS 1 a b",
       "-ERR The `numfields` parameter must match the number of arguments"},
      {"HEXPIRE h 10 NX FIELDS 1",
       "-ERR The `numfields` parameter must match the number of arguments"},
      {"HEXPIRE s x FIELDS 1 a",
       "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"HTTL h FIELDS 0 a", "-ERR Number of fields must be a positive integer"},
      {"HTTL h FIELDS 9223372036854775807 a",
       "-ERR The `numfields` parameter must match the number of arguments"},
      {"HTTL h 1 FIELDS a",
       "-ERR Mandatory argument FIELDS is missing or not at the right position"},
      {"HTTL s FIELDS 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"HPERSIST h FIELDS -1 a", "-ERR Number of fields must be a positive integer"},
      {"HGETDEL h FIELDS 0 a", "-ERR Number of fields must be a positive integer"},
      {"HGETEX h PERSIST 1 FIELDS 1 a",
       "-ERR Mandatory argument FIELDS is missing or not at the right position"},
      {"HGETEX h EX x FIELDS 1 a", "-ERR value is not an integer or out of range"},
      {"HGETEX h PX -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0"},
      {"HGETEX h EXAT 99999999999999 FIELDS 1 a", "-ERR invalid expire time in 'hgetex' command"},
      {"HGETEX h EX 10 FIELDS",
       "-ERR The `numfields` parameter must match the number of arguments"},
      {"HSETEX h FIELDS 2 a b c", "-ERR wrong number of arguments for 'hsetex' command"},
      {"HSETEX h FIELDS 1 a b c", "-ERR wrong number of arguments for 'hsetex' command"},
      {"HSETEX h FIELDS x a b", "-ERR invalid number of fields"},
      {"HSETEX h FIELDS 0 a b", "-ERR invalid number of fields"},
      {"HSETEX h NX FIELDS 1 a b", "-ERR unknown argument: NX"},
      {"HSETEX h FNX FXX FIELDS 1 a b", "-ERR Only one of FXX or FNX arguments can be specified"},
      {"HSETEX h EX 10 KEEPTTL FIELDS 1 a b",
       "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"},
      {"HSETEX h EX 10 EX 10 FIELDS 1 a b",
       "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"},
      {"HSETEX h EX FIELDS 1 a b", "-ERR value is not an integer or out of range"},
      {"HSETEX h FNX KEEPTTL a EX", "-ERR unknown argument: a"},
      {"HSETEX s FIELDS 1 a b",
       "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"HGET h a", "'1'"},
  });
}

TEST_P(HashExpiry, OverwritingAFieldTakesItsTimeIncrementingDoesNot) {
  Run({
      {"HSET h a 1 b 2", ":2"},
      {"HEXPIRE h 100 FIELDS 2 a b", "[:1, :1]"},
      {"HINCRBY h a 1", ":2"},
      {"HINCRBYFLOAT h b 1", "'3'"},
      {"HTTL h FIELDS 2 a b", "[:100, :100]"},
      {"HSET h a 1", ":0"},
      {"HMSET h b 1", "OK"},
      {"HTTL h FIELDS 2 a b", "[:-1, :-1]"},
      {"HEXPIRE h 100 FIELDS 1 a", "[:1]"},
      {"HDEL h a", ":1"},
      {"HSET h a 1", ":1"},
      {"HTTL h FIELDS 1 a", "[:-1]"},
  });
}

TEST_P(HashExpiry, HGetDelTakesFieldsAway) {
  Run({
      {"HSET h a 1 b 2 c 3", ":3"},
      {"HGETDEL h FIELDS 3 a missing a", "['1', nil, nil]"},
      {"HGETDEL missing FIELDS 2 a b", "[nil, nil]"},
      {"HLEN h", ":2"},
      {"HGETDEL h FIELDS 2 b c", "['2', '3']"},
      {"EXISTS h", ":0"},
  });
}

TEST_P(HashExpiry, HGetExChangesOnlyTheTime) {
  Run({
      {"HSET h a 1 b 2 c 3", ":3"},
      {"HGETEX h FIELDS 2 a missing", "['1', nil]"},
      {"HGETEX missing EX 10 FIELDS 2 a b", "[nil, nil]"},
      {"HGETEX h EX 100 FIELDS 2 a missing", "['1', nil]"},
      {"HTTL h FIELDS 2 a b", "[:100, :-1]"},
      {"HGETEX h FIELDS 1 a", "['1']"},
      {"HTTL h FIELDS 1 a", "[:100]"},
      {"HGETEX h PXAT 9999999999123 FIELDS 1 a", "['1']"},
      {"HPEXPIRETIME h FIELDS 1 a", "[:9999999999123]"},
      {"HGETEX h PERSIST FIELDS 2 a b", "['1', '2']"},
      {"HTTL h FIELDS 2 a b", "[:-1, :-1]"},
      {"HGETEX h PX 0 FIELDS 3 a b c", "['1', '2', '3']"},
      {"EXISTS h", ":0"},
  });
}

TEST_P(HashExpiry, HSetExSetsAllFieldsOrNone) {
  Run({
      {"HSETEX h FXX FIELDS 1 a 1", ":0"},
      {"EXISTS h", ":0"},
      {"HSETEX h EX 100 FIELDS 2 a 1 b 2", ":1"},
      {"HTTL h FIELDS 2 a b", "[:100, :100]"},
      {"HSETEX h FNX FIELDS 2 c 3 a 9", ":0"},
      {"HEXISTS h c", ":0"},
      {"HSETEX h FXX FIELDS 2 a 9 c 3", ":0"},
      {"HGET h a", "'1'"},
      {"HSETEX h FXX KEEPTTL FIELDS 1 a 5", ":1"},
      {"HGET h a", "'5'"},
      {"HTTL h FIELDS 1 a", "[:100]"},
      {"HSETEX h FIELDS 1 a 6", ":1"},
      {"HTTL h FIELDS 1 a", "[:-1]"},
      {"HSETEX h PXAT 9999999999123 FNX FIELDS 1 c 3", ":1"},
      {"HPEXPIRETIME h FIELDS 1 c", "[:9999999999123]"},
      {"HSETEX h PX 0 FIELDS 1 c 4", ":1"},
      {"HEXISTS h c", ":0"},
      {"HSETEX new EXAT 1 FIELDS 1 c 4", ":1"},
      {"EXISTS new", ":0"},
      {"HSETEX h fields 1 fields fields", ":1"},
      {"HGET h fields", "'fields'"},
  });
}

TEST_P(HashExpiry, AnExpiredFieldIsNeverSeen) {
  NoActiveExpiry hold(ConnectResp2());
  Client client = Connect();
  // More than one lookup deletes, so that some are there and must be passed over.
  for (const int fields : {3, 400, 2000}) {
    std::vector<std::string> set = {"HSET", "h"};
    std::vector<std::string> expire = {"HPEXPIRE", "h", "1", "FIELDS", std::to_string(fields)};
    for (int i = 0; i < fields; ++i) {
      set.insert(set.end(), {"f" + std::to_string(i), "v"});
      expire.push_back("f" + std::to_string(i));
    }
    const std::string last = "f" + std::to_string(fields - 1);
    const struct {
      std::string command, reply;
    } rows[] = {
        {"HGET h " + last, "nil"},
        {"HMGET h stays " + last, "['1', nil]"},
        {"HEXISTS h " + last, ":0"},
        {"HSTRLEN h " + last, ":0"},
        {"HGETALL h", resp() == 3 ? "{'stays': '1'}" : "['stays', '1']"},
        {"HKEYS h", "['stays']"},
        {"HVALS h", "['1']"},
        {"HRANDFIELD h", "'stays'"},
        {"HRANDFIELD h 5", "['stays']"},
        {"HRANDFIELD h -2", "['stays', 'stays']"},
        {"HTTL h FIELDS 1 " + last, "[:-2]"},
        {"HPERSIST h FIELDS 1 " + last, "[:-2]"},
        {"HEXPIRE h 100 FIELDS 1 " + last, "[:-2]"},
        {"HDEL h " + last, ":0"},
        {"HGETDEL h FIELDS 1 " + last, "[nil]"},
        {"HGETEX h PERSIST FIELDS 1 " + last, "[nil]"},
        {"HSETEX h FXX FIELDS 1 " + last + " w", ":0"},
        {"HSETEX h FNX FIELDS 1 " + last + " w", ":1"},
        {"HSETNX h " + last + " w", ":1"},
        {"HSET h " + last + " w", ":1"},
        {"HINCRBY h " + last + " 5", ":5"},
        {"HINCRBYFLOAT h " + last + " 5", "'5'"},
    };
    for (const auto& row : rows) {
      client.Do("DEL h");
      client.Call(set);
      client.Do("HSET h stays 1");
      client.Call(expire);
      PassTime(client);
      EXPECT_EQ(client.Do(row.command), row.reply) << row.command << " with " << fields;
      if (row.command.starts_with("HINCR") || row.command.starts_with("HSET ")) {
        EXPECT_EQ(client.Do("HTTL h FIELDS 1 " + last), "[:-1]");
      }
    }
    client.Do("DEL h");
    client.Call(set);
    client.Do("HSET h stays 1");
    client.Call(expire);
    PassTime(client);
    std::string cursor = "0";
    std::string seen;
    do {
      const Reply reply = client.Call({"HSCAN", "h", cursor});
      cursor = reply.items[0].text;
      for (const Reply& item : reply.items[1].items) seen += item.text + " ";
    } while (cursor != "0");
    EXPECT_EQ(seen, "stays 1 ");
    // It may be copied and moved with the rest.
    EXPECT_EQ(client.Do("RENAME h other"), "OK");
    EXPECT_EQ(client.Do("HKEYS other"), "['stays']");
    client.Do("DEL other");
  }
}

TEST_P(HashExpiry, FieldsGoWithoutBeingAsked) {
  Client client = Connect();
  const int64_t before = InfoNumber("expired_subkeys");
  for (int i = 0; i < 100; ++i) {
    const std::string key = "h" + std::to_string(i);
    client.Do("HSET " + key + " a 1 b 2 c 3");
    client.Do("HPEXPIRE " + key + " " + std::to_string(1 + i) + " FIELDS 3 a b c");
  }
  client.Do("HSET stays a 1 b 2");
  client.Do("HPEXPIRE stays 5 FIELDS 1 a");
  EXPECT_TRUE(Eventually([&] { return client.Do("DBSIZE") == ":1"; }));
  EXPECT_TRUE(Eventually([&] { return InfoNumber("expired_subkeys") == before + 301; }));
  EXPECT_EQ(client.Do("HLEN stays"), ":1");
}

TEST_P(HashExpiry, LargeHashesGoInPieces) {
  Client client = Connect();
  std::vector<std::string> set = {"HSETEX", "h", "PX", "20", "FIELDS", "5000"};
  for (int i = 0; i < 5000; ++i) set.insert(set.end(), {"f" + std::to_string(i), "v"});
  EXPECT_EQ(client.Call(set).integer, 1);
  EXPECT_TRUE(Eventually([&] { return client.Do("EXISTS h") == ":0"; }));
}

TEST_P(HashExpiry, TimesFollowTheKeyWhereverItGoes) {
  Client client = Connect();
  // In one transaction, so that its field is there still.
  const auto make_and = [&](const std::vector<std::string>& commands) {
    client.Do("FLUSHALL");
    client.Do("MULTI");
    client.Do("HSETEX h PX 1 FIELDS 1 a 1");
    for (const std::string& command : commands) client.Do(command);
    return client.Do("EXEC");
  };
  const auto is_empty = [&] { return client.Do("DBSIZE") == ":0"; };
  EXPECT_EQ(make_and({"RENAME h renamed", "DBSIZE"}), "[:1, OK, :1]");
  EXPECT_TRUE(Eventually(is_empty));
  EXPECT_EQ(make_and({"EXPIRE h 100", "PERSIST h"}), "[:1, :1, :1]");
  EXPECT_TRUE(Eventually(is_empty));
  EXPECT_EQ(make_and({"MOVE h 1"}), "[:1, :1]");
  client.Do("SELECT 1");
  EXPECT_TRUE(Eventually(is_empty));
  client.Do("SELECT 0");
  EXPECT_EQ(make_and({"SWAPDB 0 1"}), "[:1, OK]");
  client.Do("SELECT 1");
  EXPECT_TRUE(Eventually(is_empty));
  client.Do("SELECT 0");
  // What replaces the hash has no such times.
  EXPECT_EQ(make_and({"SET h v"}), "[:1, OK]");
  client.Do("HSETEX other PX 40 FIELDS 1 a 1");
  EXPECT_TRUE(Eventually([&] { return client.Do("EXISTS other") == ":0"; }));
  EXPECT_EQ(client.Do("GET h"), "'v'");
}

TEST_P(HashExpiry, EachChangeIsAnEvent) {
  Client settings = ConnectResp2();
  settings.Do("CONFIG SET notify-keyspace-events Ehg");
  Client listener = Connect();
  Subscribe(listener, {"PSUBSCRIBE", "__keyevent@0__:*"});
  Client client = Connect();
  struct Row {
    const char* command;
    std::vector<std::string> events;
  };
  const Row rows[] = {
      {"HSET h a 1 b 2 c 3", {"hset"}},
      {"HEXPIRE h 100 FIELDS 2 a b", {"hexpire"}},
      {"HEXPIRE h 100 NX FIELDS 2 a missing", {}},
      {"HPERSIST h FIELDS 2 a b", {"hpersist"}},
      {"HPERSIST h FIELDS 2 a b", {}},
      {"HGETEX h EX 100 FIELDS 2 a missing", {"hexpire"}},
      {"HGETEX h FIELDS 1 a", {}},
      {"HGETEX h PERSIST FIELDS 1 a", {"hpersist"}},
      {"HPEXPIREAT h 1 FIELDS 1 a", {"hdel"}},
      {"HGETEX h PX 0 FIELDS 1 b", {"hdel"}},
      {"HGETDEL h FIELDS 2 missing c", {"hdel", "del"}},
      {"HGETDEL h FIELDS 1 c", {}},
      {"HSETEX h FIELDS 1 a 1", {"hset"}},
      {"HSETEX h FNX FIELDS 1 a 1", {}},
      {"HSETEX h EX 100 FIELDS 1 b 1", {"hset", "hexpire"}},
      {"HSETEX h PX 0 FIELDS 2 a 1 b 1", {"hset", "hdel", "del"}},
      {"HSETEX h PX 1 FIELDS 1 a 1", {"hset", "hexpire", "hexpired", "del"}},
  };
  for (const Row& row : rows) {
    client.Do(row.command);
    for (const std::string& event : row.events) {
      const Reply frame = listener.Read();
      EXPECT_EQ(frame.At(2), "__keyevent@0__:" + event) << row.command;
      EXPECT_EQ(frame.At(3), "h") << row.command;
    }
  }
  client.Do("SET end v");
  client.Do("DEL end");
  EXPECT_EQ(listener.Read().At(3), "end") << "there was one event more";
}

TEST_P(HashExpiry, NothingGoesWhileClientsArePaused) {
  NoActiveExpiry hold(ConnectResp2());
  Client client = Connect();
  client.Do("HSET h stays 1");
  client.Do("HSETEX h PX 1 FIELDS 1 a 1");  // a later write would delete it if that takes 1 ms
  PassTime(client);
  client.Do("CLIENT PAUSE 100000 WRITE");
  EXPECT_EQ(client.Do("HGET h a"), "nil");
  EXPECT_EQ(client.Do("HKEYS h"), "['stays']");
  EXPECT_EQ(client.Do("HLEN h"), ":2") << "the field is still there, and HLEN counts it";
  client.Do("CLIENT UNPAUSE");
  EXPECT_EQ(client.Do("HLEN h"), ":1");
}

}  // namespace
}  // namespace peal::tests
