// CLIENT, CONFIG, COMMAND, INFO, SLOWLOG, LATENCY, MEMORY, DEBUG and MONITOR.
// Expected replies were observed on redis-server 7.0.15 unless the test says otherwise.

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class Administration : public Behaviour {};
INSTANTIATE_TEST_SUITE_P(, Administration, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(Administration, ClientNamesAndIds) {
  Client client = Connect();
  Client later = Connect();
  EXPECT_LT(client.Id(), later.Id());
  EXPECT_EQ(client.Do("CLIENT GETNAME"), "nil");
  EXPECT_EQ(client.Do("CLIENT SETNAME bob"), "OK");
  EXPECT_EQ(client.Do("CLIENT GETNAME"), "'bob'");
  EXPECT_EQ(client.Call({"CLIENT", "SETNAME", "with space"}).Show(),
            "-ERR Client names cannot contain spaces, newlines or special characters.");
  EXPECT_EQ(client.Do("CLIENT GETNAME"), "'bob'");
  EXPECT_EQ(client.Do("CLIENT SETNAME \"\""), "OK");
  EXPECT_EQ(client.Do("CLIENT GETNAME"), "nil");
}

TEST_P(Administration, ClientInfoAndListShowTheSameFields) {
  Client client = Connect();
  client.Do("CLIENT SETNAME watched");
  client.Do("SELECT 3");
  const int64_t id = client.Id();
  const std::string info = client.Call({"CLIENT", "INFO"}).text;
  for (const std::string& field :
       std::vector<std::string>{"id=" + std::to_string(id) + " ",
                                " addr=" + client.LocalAddress() + " ",
                                " laddr=127.0.0.1:" + std::to_string(server().client_port()) + " ",
                                std::string(" fd="),
                                std::string(" name=watched "),
                                std::string(" age="),
                                std::string(" idle="),
                                std::string(" flags=N "),
                                std::string(" db=3 "),
                                std::string(" sub=0 "),
                                std::string(" psub=0 "),
                                std::string(" ssub=0 "),
                                std::string(" multi=-1 "),
                                std::string(" qbuf="),
                                std::string(" qbuf-free="),
                                std::string(" argv-mem="),
                                std::string(" multi-mem="),
                                std::string(" rbs="),
                                std::string(" rbp="),
                                std::string(" obl="),
                                std::string(" oll="),
                                std::string(" omem="),
                                std::string(" tot-mem="),
                                std::string(" events=r"),
                                std::string(" cmd=client|info "),
                                std::string(" user=default "),
                                std::string(" redir=-1 "),
                                " resp=" + std::to_string(resp())}) {
    EXPECT_NE((info).find(field), std::string::npos) << field << " in " << info;
  }
  Client other = Connect();
  const std::string list = other.Call({"CLIENT", "LIST", "ID", std::to_string(id)}).text;
  EXPECT_TRUE(list.starts_with("id=" + std::to_string(id) + " addr=")) << list;
  EXPECT_EQ(std::count(list.begin(), list.end(), '\n'), 1);
  EXPECT_EQ(other.Call({"CLIENT", "LIST", "ID", "999999999"}).text, "");
  EXPECT_EQ(other.Do("CLIENT LIST TYPE nonsense"), "-ERR Unknown client type 'nonsense'");
  EXPECT_EQ(other.Do("CLIENT LIST ID x"), "-ERR Invalid client ID");
  EXPECT_EQ(other.Do("CLIENT LIST nonsense"), "-ERR syntax error");
}

TEST_P(Administration, ClientSetinfoIsShown) {
  if (IsReference()) GTEST_SKIP() << "since Redis 7.2";
  Client client = Connect();
  EXPECT_EQ(client.Do("CLIENT SETINFO LIB-NAME mylib"), "OK");
  EXPECT_EQ(client.Do("CLIENT SETINFO lib-ver 1.2"), "OK");
  const std::string info = client.Call({"CLIENT", "INFO"}).text;
  EXPECT_NE(info.find(" lib-name=mylib lib-ver=1.2"), std::string::npos) << info;
  EXPECT_EQ(client.Call({"CLIENT", "SETINFO", "LIB-NAME", "a b"}).Show(),
            "-ERR lib-name cannot contain spaces, newlines or special characters.");
  EXPECT_EQ(client.Do("CLIENT SETINFO other x"), "-ERR Unrecognized option 'other'");
  EXPECT_EQ(client.Do("CLIENT NO-TOUCH on"), "OK");
  EXPECT_EQ(client.Do("CLIENT NO-TOUCH off"), "OK");
  EXPECT_EQ(client.Do("RESET"), "RESET");
  EXPECT_NE(client.Call({"CLIENT", "INFO"}).text.find(" lib-name=mylib "), std::string::npos);
}

TEST_P(Administration, ClientPauseHoldsWritesAndUnpauseLetsThemGo) {
  Client client = Connect();
  Client writer = Connect();
  EXPECT_EQ(client.Do("CLIENT PAUSE 100000 WRITE"), "OK");
  writer.SendLine("SET k v");
  EXPECT_EQ(client.Do("GET k"), "nil") << "reads go on";
  EXPECT_FALSE(writer.WaitForInput(Milliseconds{50}));
  EXPECT_EQ(client.Do("CLIENT UNPAUSE"), "OK");
  EXPECT_EQ(writer.Read().Show(), "OK");
  EXPECT_EQ(client.Do("CLIENT PAUSE 30"), "OK");
  EXPECT_EQ(writer.Do("GET k"), "'v'") << "the pause ends by itself";
  EXPECT_EQ(client.Do("CLIENT PAUSE x"), "-ERR timeout is not an integer or out of range");
  EXPECT_EQ(client.Do("CLIENT PAUSE 10 bogus"), "-ERR CLIENT PAUSE mode must be WRITE or ALL");
}

TEST_P(Administration, ClientPauseHoldsPublishToo) {
  Client client = Connect();
  Client subscriber = Connect();
  Subscribe(subscriber, {"SUBSCRIBE", "c"});
  Client publisher = Connect();
  EXPECT_EQ(client.Do("CLIENT PAUSE 100000 WRITE"), "OK");
  publisher.SendLine("PUBLISH c x");
  EXPECT_FALSE(subscriber.WaitForInput(Milliseconds{50}));
  EXPECT_EQ(client.Do("CLIENT UNPAUSE"), "OK");
  EXPECT_EQ(publisher.Read().Show(), ":1");
  EXPECT_EQ(Frame(subscriber.Read()), "message c x");
}

TEST_P(Administration, ConfigSetTakesSeveralAtOnceAllOrNone) {
  Client client = Connect();
  EXPECT_EQ(client.Do("CONFIG SET slowlog-max-len 77 slowlog-log-slower-than 5000000"), "OK");
  EXPECT_EQ(client.Call({"CONFIG", "GET", "slowlog-max-len"}).At(1), "77");
  const Reply refusal =
      client.Call({"CONFIG", "SET", "slowlog-max-len", "78", "maxmemory", "nonsense"});
  EXPECT_EQ(refusal.Show(),
            "-ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be "
            "a memory value");
  EXPECT_EQ(client.Call({"CONFIG", "GET", "slowlog-max-len"}).At(1), "77");
  EXPECT_EQ(client.Do("CONFIG SET slowlog-max-len 128 slowlog-log-slower-than 10000"), "OK");
  EXPECT_EQ(client.Do("CONFIG SET nonsense 1"),
            "-ERR Unknown option or number of arguments for CONFIG SET - 'nonsense'");
  EXPECT_EQ(client.Do("CONFIG SET port x"),
            "-ERR CONFIG SET failed (possibly related to argument 'port') - argument couldn't be "
            "parsed into an integer");
  EXPECT_EQ(client.Do("CONFIG SET databases 4"),
            "-ERR CONFIG SET failed (possibly related to argument 'databases') - can't set "
            "immutable config");
  EXPECT_EQ(
      client.Do("CONFIG SET timeout 1 timeout 2"),
      "-ERR CONFIG SET failed (possibly related to argument 'timeout') - duplicate parameter");
}

TEST_P(Administration, ConfigGetTakesGlobsAndSeveralNames) {
  Client client = Connect();
  EXPECT_EQ(client.Call({"CONFIG", "GET", "maxclients"}).items.size(), 2U);
  const Reply reply = client.Call({"CONFIG", "GET", "slowlog-*", "timeout"});
  EXPECT_EQ(reply.items.size(), 6U);
  ASSERT_NE(reply.Find("timeout"), nullptr);
  EXPECT_EQ(reply.Find("timeout")->text, "0");
  EXPECT_EQ(reply.kind, resp() == 3 ? Reply::Kind::kMap : Reply::Kind::kArray);
  const Reply all = client.Call({"CONFIG", "GET", "*"});
  EXPECT_GT(all.items.size(), 2U * 150U);
  EXPECT_EQ(client.Call({"CONFIG", "GET", "nonsense"}).items.size(), 0U);
}

TEST_P(Administration, ConfigResetstatClearsCounters) {
  Client client = Connect();
  client.Do("GET missing");
  EXPECT_GT(InfoNumber("keyspace_misses"), 0);
  EXPECT_EQ(client.Do("CONFIG RESETSTAT"), "OK");
  EXPECT_EQ(Info("keyspace_misses"), "0");
  EXPECT_EQ(Info("keyspace_hits"), "0");
}

TEST_P(Administration, InfoHasItsSectionsAndFields) {
  Client client = Connect();
  const std::string info = client.Call({"INFO"}).text;
  for (const char* section :
       {"# Server", "# Clients", "# Memory", "# Persistence", "# Stats", "# Replication", "# CPU",
        "# Cluster", "# Keyspace", "# Errorstats"}) {
    EXPECT_NE(info.find(section), std::string::npos) << section;
  }
  for (const char* field : {"redis_version",
                            "redis_mode",
                            "run_id",
                            "tcp_port",
                            "uptime_in_seconds",
                            "process_id",
                            "connected_clients",
                            "blocked_clients",
                            "maxclients",
                            "used_memory",
                            "used_memory_rss",
                            "maxmemory_policy",
                            "loading",
                            "total_connections_received",
                            "total_commands_processed",
                            "instantaneous_ops_per_sec",
                            "expired_keys",
                            "keyspace_hits",
                            "keyspace_misses",
                            "pubsub_channels",
                            "pubsub_patterns",
                            "role",
                            "connected_slaves",
                            "master_repl_offset",
                            "cluster_enabled",
                            "used_cpu_sys",
                            "used_cpu_user"}) {
    EXPECT_NE(InfoField(info, field), "") << field;
  }
  EXPECT_TRUE(InfoField(info, "redis_version").starts_with("7."));
  EXPECT_EQ(InfoField(info, "role"), "master");
  client.Do("SET k v EX 100");
  const std::string keyspace = client.Call({"INFO", "keyspace"}).text;
  EXPECT_TRUE(InfoField(keyspace, "db0").starts_with("keys=1,expires=1,avg_ttl=")) << keyspace;
  const std::string stats = client.Call({"INFO", "commandstats"}).text;
  EXPECT_TRUE(InfoField(stats, "cmdstat_set").starts_with("calls=")) << stats;
  EXPECT_EQ(client.Call({"INFO", "nonsense"}).text, "");
  const std::string two = client.Call({"INFO", "server", "clients"}).text;
  EXPECT_NE(two.find("# Server"), std::string::npos);
  EXPECT_NE(two.find("# Clients"), std::string::npos);
  EXPECT_EQ(two.find("# Memory"), std::string::npos);
}

TEST_P(Administration, ErrorsAndCallsAreCounted) {
  Client client = Connect();
  client.Do("CONFIG RESETSTAT");
  client.Do("SET k abc");
  client.Do("INCR k");
  client.Do("GET");
  const std::string info = client.Call({"INFO", "everything"}).text;
  EXPECT_EQ(InfoField(info, "errorstat_ERR"), "count=2");
  EXPECT_NE(InfoField(info, "cmdstat_incr").find("calls=1,"), std::string::npos);
  EXPECT_NE(InfoField(info, "cmdstat_incr").find("failed_calls=1"), std::string::npos);
  EXPECT_NE(InfoField(info, "cmdstat_get").find("rejected_calls=1"), std::string::npos);
}

TEST_P(Administration, CommandDescribesTheCommands) {
  Client client = Connect();
  const int64_t count = client.Call({"COMMAND", "COUNT"}).integer;
  EXPECT_EQ(client.Call({"COMMAND"}).items.size(), static_cast<size_t>(count));
  EXPECT_GT(client.Call({"COMMAND", "LIST"}).items.size(), static_cast<size_t>(count))
      << "subcommands are in the list";
  const Reply info = client.Call({"COMMAND", "INFO", "get", "nonsense", "publish"});
  ASSERT_EQ(info.items.size(), 3U);
  ASSERT_EQ(info.items[0].items.size(), 10U);
  EXPECT_EQ(info.items[0].items[0].text, "get");
  EXPECT_EQ(info.items[0].items[1].integer, 2);
  EXPECT_TRUE(info.items[1].IsNull());
  EXPECT_EQ(client.Do("COMMAND GETKEYS MSET a 1 b 2"), "['a', 'b']");
  EXPECT_EQ(client.Do("COMMAND GETKEYS ECHO a"), "-ERR The command has no key arguments");
  EXPECT_EQ(client.Do("COMMAND GETKEYS nonsense a"), "-ERR Invalid command specified");
  EXPECT_EQ(client.Do("COMMAND GETKEYS GET a b"),
            "-ERR Invalid number of arguments specified for command");
  const Reply docs = client.Call({"COMMAND", "DOCS", "get"});
  const Reply* get = docs.Find("get");
  ASSERT_NE(get, nullptr);
  for (const char* field : {"summary", "since", "group", "complexity", "arguments"}) {
    EXPECT_NE(get->Find(field), nullptr) << field;
  }
  EXPECT_EQ(get->Find("group")->text, "string");
  EXPECT_EQ(get->Find("since")->text, "1.0.0");
}

TEST_P(Administration, SlowlogRecordsWhatWasSlow) {
  Client client = Connect();
  EXPECT_EQ(client.Do("CONFIG SET slowlog-log-slower-than 0"), "OK");
  EXPECT_EQ(client.Do("SLOWLOG RESET"), "OK");
  client.Do("CLIENT SETNAME slow");
  client.Do("SET slow:key v");
  const Reply log = client.Call({"SLOWLOG", "GET", "10"});
  EXPECT_EQ(client.Do("CONFIG SET slowlog-log-slower-than -1"), "OK");
  bool is_found = false;
  for (const Reply& entry : log.items) {
    ASSERT_EQ(entry.items.size(), 6U) << entry;
    if (entry.items[3].Show() != "['SET', 'slow:key', 'v']") continue;
    is_found = true;
    EXPECT_EQ(entry.items[4].text, client.LocalAddress());
    EXPECT_EQ(entry.items[5].text, "slow");
  }
  EXPECT_TRUE(is_found) << log;
  EXPECT_GT(client.Call({"SLOWLOG", "LEN"}).integer, 0);
  EXPECT_EQ(client.Do("SLOWLOG RESET"), "OK");
  EXPECT_EQ(client.Do("SLOWLOG LEN"), ":0");
  EXPECT_EQ(client.Do("CONFIG SET slowlog-log-slower-than 10000"), "OK");
}

// Expected from the documentation of Valkey 8.1.
TEST_P(Administration, CommandlogRecordsWhatWasSlowOrLarge) {
  if (IsReference()) GTEST_SKIP();
  Client client = Connect();
  EXPECT_EQ(client.Call({"CONFIG", "GET", "commandlog-request-larger-than"}).At(1), "1048576");
  EXPECT_EQ(client.Call({"CONFIG", "GET", "commandlog-reply-larger-than"}).At(1), "1048576");
  EXPECT_EQ(client.Do("CONFIG SET slowlog-log-slower-than -1"), "OK");
  for (const char* const kind : {"slow", "large-request", "large-reply"}) {
    EXPECT_EQ(client.Do(std::string("COMMANDLOG RESET ") + kind), "OK");
    EXPECT_EQ(client.Do(std::string("COMMANDLOG LEN ") + kind), ":0");
  }
  client.Do("CLIENT SETNAME large");
  const std::string value(600'000, 'v');
  EXPECT_EQ(client.Call({"SET", "small", value}).Show(), "OK");
  EXPECT_EQ(client.Do("COMMANDLOG LEN large-request"), ":0");
  EXPECT_EQ(client.Call({"MSET", "large", value, "k", value}).Show(), "OK");
  client.Call({"GET", "small"});
  EXPECT_EQ(client.Do("COMMANDLOG LEN large-reply"), ":0");
  client.Call({"MGET", "small", "large"});

  const Reply requests = client.Call({"COMMANDLOG", "GET", "-1", "large-request"});
  ASSERT_EQ(requests.items.size(), 1U) << requests;
  const Reply& request = requests.items[0];
  ASSERT_EQ(request.items.size(), 6U);
  EXPECT_EQ(request.items[2].integer, 1'200'010);
  EXPECT_EQ(request.items[3].items[0].text, "MSET");
  EXPECT_EQ(request.items[3].items[2].text,
            std::string(128, 'v') + "... (" + std::to_string(value.size() - 128) + " more bytes)");
  EXPECT_EQ(request.items[4].text, client.LocalAddress());
  EXPECT_EQ(request.items[5].text, "large");
  const Reply replies = client.Call({"COMMANDLOG", "GET", "10", "large-reply"});
  ASSERT_EQ(replies.items.size(), 1U) << replies;
  EXPECT_EQ(replies.items[0].items[2].integer, 1'200'000 + 4 + 2 * 11);
  EXPECT_EQ(replies.items[0].items[3].Show(), "['MGET', 'small', 'large']");

  EXPECT_EQ(client.Do("CONFIG SET commandlog-request-larger-than -1"), "OK");
  client.Call({"MSET", "large", value, "k", value});
  EXPECT_EQ(client.Do("COMMANDLOG LEN large-request"), ":1");
  EXPECT_EQ(client.Do("CONFIG SET commandlog-large-request-max-len 0"), "OK");
  EXPECT_EQ(client.Do("COMMANDLOG LEN large-request"), ":0");
  EXPECT_EQ(client.Do("CONFIG SET commandlog-large-request-max-len 128 "
                      "commandlog-request-larger-than 1048576"),
            "OK");

  // The slow one is that of SLOWLOG.
  EXPECT_EQ(client.Do("CONFIG SET commandlog-execution-slower-than 0"), "OK");
  client.Do("SET slow:key v");
  EXPECT_EQ(client.Do("CONFIG SET slowlog-log-slower-than -1"), "OK");
  const Reply slow = client.Call({"COMMANDLOG", "GET", "-1", "slow"});
  EXPECT_EQ(slow.Show(), client.Call({"SLOWLOG", "GET", "-1"}).Show());
  EXPECT_FALSE(slow.items.empty());
  EXPECT_EQ(client.Do("COMMANDLOG RESET slow"), "OK");
  EXPECT_EQ(client.Do("SLOWLOG LEN"), ":0");
  EXPECT_EQ(client.Do("CONFIG SET slowlog-log-slower-than 10000"), "OK");

  constexpr const char* kBadKind =
      "-ERR type should be one of the following: slow, large-request, large-reply";
  EXPECT_EQ(client.Do("COMMANDLOG GET 1 bogus"), kBadKind);
  EXPECT_EQ(client.Do("COMMANDLOG LEN bogus"), kBadKind);
  EXPECT_EQ(client.Do("COMMANDLOG RESET bogus"), kBadKind);
  EXPECT_EQ(client.Do("COMMANDLOG GET -2 slow"),
            "-ERR count should be greater than or equal to -1");
  EXPECT_EQ(client.Do("COMMANDLOG GET x slow"), "-ERR count should be greater than or equal to -1");
}

TEST_P(Administration, LatencyMonitorAndHistogramsWork) {
  Client client = Connect();
  client.Do("LATENCY RESET");
  EXPECT_EQ(client.Do("LATENCY RESET"), ":0");
  EXPECT_EQ(client.Do("CONFIG SET latency-monitor-threshold 10"), "OK");
  EXPECT_EQ(client.Do("DEBUG SLEEP 0.05"), "OK");
  EXPECT_EQ(client.Do("CONFIG SET latency-monitor-threshold 0"), "OK");
  // On a busy machine other commands may take as long.
  const Reply latest = client.Call({"LATENCY", "LATEST"});
  const auto event = std::find_if(latest.items.begin(), latest.items.end(),
                                  [](const Reply& each) { return each.At(0) == "command"; });
  ASSERT_NE(event, latest.items.end()) << latest;
  EXPECT_GE(event->items[3].integer, 50) << latest;
  EXPECT_GE(client.Call({"LATENCY", "HISTORY", "command"}).items.size(), 1U);
  EXPECT_EQ(client.Do("LATENCY RESET command"), ":1");
  client.Do("SET k v");
  const Reply histogram = client.Call({"LATENCY", "HISTOGRAM", "set"});
  ASSERT_NE(histogram.Find("set"), nullptr) << histogram;
  EXPECT_GT(histogram.Find("set")->Find("calls")->integer, 0);
}

TEST_P(Administration, MemoryUsageCountsAKey) {
  Client client = Connect();
  client.Call({"SET", "k", std::string(1000, 'x')});
  const int64_t bytes = client.Call({"MEMORY", "USAGE", "k"}).integer;
  EXPECT_GT(bytes, 1000);
  EXPECT_LT(bytes, 1400);
  EXPECT_EQ(client.Do("MEMORY USAGE missing"), "nil");
}

TEST_P(Administration, ObjectEncodingTellsHowAStringIsKept) {
  Client client = Connect();
  client.Do("SET n 12345");
  client.Do("SET short abc");
  client.Call({"SET", "long", std::string(100, 'x')});
  EXPECT_EQ(client.Do("OBJECT ENCODING n"), "'int'");
  EXPECT_EQ(client.Do("OBJECT ENCODING short"), "'embstr'");
  EXPECT_EQ(client.Do("OBJECT ENCODING long"), "'raw'");
}

TEST_P(Administration, TimeEchoAndLolwutAnswer) {
  Client client = Connect();
  const Reply now = client.Call({"TIME"});
  ASSERT_EQ(now.items.size(), 2U);
  EXPECT_GT(std::stoll(now.At(0)), 1'700'000'000);
  EXPECT_EQ(client.Do("ECHO hello"), "'hello'");
  EXPECT_NE(client.Call({"LOLWUT"}).text.find("ver. 7."), std::string::npos);
}

TEST_P(Administration, DebugSleepStopsOnlyItsOwnReplies) {
  Client client = Connect();
  const auto start = Clock::now();
  EXPECT_EQ(client.Do("DEBUG SLEEP 0.1"), "OK");
  EXPECT_GE(Clock::now() - start, Milliseconds{100});
}

TEST_P(Administration, KilledClientsRunNothingMore) {
  constexpr int kClients = 400;
  Client killer = Connect();
  std::vector<Client> clients;
  for (int i = 0; i < kClients; ++i) clients.push_back(Connect());
  for (Client& client : clients) client.Do("CLIENT SETNAME doomed");
  EXPECT_GE(killer.Call({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}).integer, kClients);
  for (Client& client : clients) {
    try {
      client.SendLine("INCR n");
    } catch (const std::runtime_error&) {
      // It is closed already.
    }
  }
  for (Client& client : clients) EXPECT_EQ(client.ReadUntilClosed(), "");
  EXPECT_EQ(killer.Do("GET n"), "nil");
}

TEST_P(Administration, ResetReturnsTheConnectionToItsBeginning) {
  Client client = Connect();
  client.Do("CLIENT SETNAME bob");
  client.Do("SELECT 3");
  client.Do("WATCH k");
  client.Do("MULTI");
  client.Do("PING");
  EXPECT_EQ(client.Do("RESET"), "RESET");
  const std::string info = client.Call({"CLIENT", "INFO"}).text;
  EXPECT_NE(info.find(" name= "), std::string::npos) << info;
  EXPECT_NE(info.find(" db=0 "), std::string::npos) << info;
  EXPECT_NE(info.find(" resp=2"), std::string::npos) << info;
  EXPECT_EQ(client.Do("EXEC"), "-ERR EXEC without MULTI");
}

class Monitor : public Behaviour {};
INSTANTIATE_TEST_SUITE_P(, Monitor, ::testing::ValuesIn(AllSetups()), SetupName);

/// A MONITOR line without its time.
std::string WithoutTime(const Reply& line) {
  const size_t space = line.text.find(' ');
  return space == std::string::npos ? line.text : line.text.substr(space + 1);
}

TEST_P(Monitor, ShowsCommandsWithTimeDatabaseAddressAndQuotedArguments) {
  Client monitor = Connect();
  EXPECT_EQ(monitor.Do("MONITOR"), "OK");
  Client client = ConnectResp2();
  client.Do("SELECT 2");
  client.Call({"SET", "k", "a \"b\"\r\n\x01\xff\\"});
  client.Do("PUBLISH c x");
  const std::string address = client.LocalAddress();
  const Reply first = monitor.Read();
  EXPECT_EQ(first.kind, Reply::Kind::kSimple);
  EXPECT_THAT(first.text, ::testing::MatchesRegex("[0-9]+\\.[0-9]+ \\[2 .*\\] \"SELECT\" \"2\""));
  EXPECT_EQ(WithoutTime(monitor.Read()),
            "[2 " + address + "] \"SET\" \"k\" \"a \\\"b\\\"\\r\\n\\x01\\xff\\\\\"");
  EXPECT_EQ(WithoutTime(monitor.Read()), "[2 " + address + "] \"PUBLISH\" \"c\" \"x\"");
}

TEST_P(Monitor, KeepsTheOrderOfOneClient) {
  Client monitor = Connect();
  EXPECT_EQ(monitor.Do("MONITOR"), "OK");
  Client client = ConnectResp2();
  for (int i = 0; i < 300; ++i) client.SendLine("ECHO " + std::to_string(i));
  client.ReadMany(300);
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(monitor.Read().text.ends_with("\"ECHO\" \"" + std::to_string(i) + "\""));
  }
}

TEST_P(Monitor, HidesPasswordsAndEndsWithReset) {
  Client monitor = Connect();
  EXPECT_EQ(monitor.Do("MONITOR"), "OK");
  Client client = ConnectResp2();
  client.Do("AUTH secret");
  client.Do("HELLO 2 AUTH default secret");
  client.Do("PING");
  EXPECT_TRUE(monitor.Read().text.ends_with("] \"AUTH\" \"(redacted)\""));
  EXPECT_TRUE(
      monitor.Read().text.ends_with("] \"HELLO\" \"2\" \"AUTH\" \"(redacted)\" \"(redacted)\""));
  EXPECT_TRUE(monitor.Read().text.ends_with("\"PING\""));
  EXPECT_EQ(monitor.Do("RESET"), "RESET");
  client.Do("PING");
  EXPECT_EQ(monitor.Do("ECHO fence"), "'fence'");
}

}  // namespace
}  // namespace peal::tests
