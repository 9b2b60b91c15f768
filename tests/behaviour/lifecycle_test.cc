// Starting, limits of the whole server, authentication and stopping. Each test has its own server.

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class Lifecycle : public OwnServer {
 protected:
  static void AwaitCount(Client& client, const std::string& field, int count) {
    const Deadline deadline;
    while (InfoField(client.Call({"INFO", "clients"}).text, field) != std::to_string(count)) {
      ASSERT_FALSE(deadline.HasPassed()) << field;
    }
  }
};

TEST_F(Lifecycle, ClientsBeyondMaxclientsAreRefusedWithAnError) {
  Server server({.reactors = 2, .args = {"--maxclients", "3"}});
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(server.Connect());
    // The probe that waited for the start may still be counted.
    while (true) {
      try {
        if (clients.back().Do("PING") == "PONG") break;
      } catch (const std::exception&) {
      }
      clients.back() = server.Connect();
    }
  }
  Client refused = server.Connect();
  EXPECT_EQ(refused.ReadUntilClosed(), "-ERR max number of clients reached\r\n");
  EXPECT_EQ(InfoField(clients[0].Call({"INFO"}).text, "rejected_connections"), "1");
  EXPECT_EQ(clients[0].Do("CONFIG SET maxclients 10"), "OK");
  Client welcome = server.Connect();
  EXPECT_EQ(welcome.Do("PING"), "PONG");
}

TEST_F(Lifecycle, KilledClientsAreNeitherListedNorCounted) {
  constexpr int kRounds = 40;
  for (const int reactors : {1, 4}) {
    SCOPED_TRACE(reactors);
    Server server({.reactors = reactors});
    Client admin = server.Connect();
    const std::vector<std::string> fields = {
        "connected_clients", "blocked_clients", "clients_in_timeout_table", "tracking_clients",
        "pubsub_clients",    "monitor_clients", "watching_clients",         "total_watched_keys"};
    const auto count = [&](const std::string& info) {
      std::string counts;
      for (const std::string& field : fields) counts += InfoField(info, field) + " ";
      return counts;
    };
    // The probe that waited for the start may still be counted.
    AwaitCount(admin, "connected_clients", 1);
    const std::string before = count(admin.Call({"INFO", "clients"}).text);
    for (int round = 0; round < kRounds && !HasFailure(); ++round) {
      std::vector<Client> clients;
      std::vector<std::vector<std::string>> kills;
      for (const std::string line : {"PING", "WATCH k", "BLPOP nokey 100", "SUBSCRIBE c", "MONITOR",
                                     "CLIENT TRACKING ON BCAST", "PSUBSCRIBE c*"}) {
        clients.push_back(server.Connect());
        kills.push_back({"CLIENT", "KILL", "ID", std::to_string(clients.back().Id())});
        if (line.starts_with("CLIENT")) clients.back().Hello(3);
        clients.back().SendLine(line);
        if (line.starts_with("BLPOP")) continue;
        clients.back().Read();
      }
      AwaitCount(admin, "blocked_clients", 1);
      const size_t killed = kills.size();
      kills.push_back({"INFO", "clients"});
      kills.push_back({"CLIENT", "LIST"});
      const std::vector<Reply> replies = admin.Pipeline(kills);
      for (size_t i = 0; i < killed; ++i) EXPECT_EQ(replies[i].Show(), ":1");
      EXPECT_EQ(count(replies[killed].text), before);
      const std::string& list = replies[killed + 1].text;
      EXPECT_EQ(std::count(list.begin(), list.end(), '\n'), 1) << list;
      for (Client& client : clients) client.ReadUntilClosed();
      EXPECT_EQ(count(admin.Call({"INFO", "clients"}).text), before);
    }
  }
}

TEST_F(Lifecycle, AKilledClientMakesRoomForAnotherAtOnce) {
  constexpr int kRounds = 40;
  Server server({.reactors = 4});
  Client admin = server.Connect();
  AwaitCount(admin, "connected_clients", 1);
  Client other = server.Connect();
  ASSERT_EQ(other.Do("PING"), "PONG");
  ASSERT_EQ(admin.Do("CONFIG SET maxclients 2"), "OK");
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_EQ(admin.Do("CLIENT KILL ID " + std::to_string(other.Id())), ":1");
    other = server.Connect();
    ASSERT_EQ(other.Do("PING"), "PONG") << round;
  }
}

TEST_F(Lifecycle, TimeoutClosesIdleClientsButNeverSubscribers) {
  Server server({.args = {"--timeout", "1"}});
  Client idle = server.Connect();
  Client subscriber = server.Connect();
  Client by_pattern = server.Connect();
  subscriber.Do("SUBSCRIBE c");
  by_pattern.Do("PSUBSCRIBE c*");
  EXPECT_EQ(idle.Do("PING"), "PONG");
  EXPECT_EQ(idle.ReadUntilClosed(), "");
  Client publisher = server.Connect();
  EXPECT_EQ(publisher.Do("PUBLISH c x"), ":2");
  EXPECT_EQ(Frame(subscriber.Read()), "message c x");
  EXPECT_EQ(Frame(by_pattern.Read()), "pmessage c* c x");
}

TEST_F(Lifecycle, APasswordIsRequiredOfEverybody) {
  Server server({.reactors = 2, .args = {"--requirepass", "secret"}});
  Client client = server.Connect();
  EXPECT_EQ(client.Do("PING"), "-NOAUTH Authentication required.");
  EXPECT_EQ(client.Do("SUBSCRIBE c"), "-NOAUTH Authentication required.");
  EXPECT_TRUE(client.Do("HELLO 3").starts_with(
      "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "));
  EXPECT_EQ(client.Do("AUTH wrong"),
            "-WRONGPASS invalid username-password pair or user is disabled.");
  EXPECT_EQ(client.Do("AUTH nobody secret"),
            "-WRONGPASS invalid username-password pair or user is disabled.");
  EXPECT_EQ(client.Do("AUTH secret"), "OK");
  EXPECT_EQ(client.Do("PING"), "PONG");
  EXPECT_EQ(client.Do("RESET"), "RESET");
  EXPECT_EQ(client.Do("PING"), "-NOAUTH Authentication required.");
  EXPECT_EQ(client.Do("AUTH default secret"), "OK");
  Client other = server.Connect();
  EXPECT_EQ(other.Do("HELLO 3 AUTH default wrong"),
            "-WRONGPASS invalid username-password pair or user is disabled.");
  EXPECT_EQ(other.Call(Words("HELLO 3 AUTH default secret")).kind, Reply::Kind::kMap);
  EXPECT_EQ(other.Do("CONFIG SET requirepass \"\""), "OK");
  Client third = server.Connect();
  EXPECT_EQ(third.Do("PING"), "PONG");
  EXPECT_EQ(third.Do("AUTH x"),
            "-ERR AUTH <password> called without any password configured for the default user. Are "
            "you sure your configuration is correct?");
}

TEST_F(Lifecycle, StrangersGetFarSmallerLimits) {
  Server server({.args = {"--requirepass", "secret"}});
  for (const std::string input : {"*11\r\n", "*1\r\n$16385\r\n"}) {
    Client client = server.Connect();
    client.Send(input);
    EXPECT_EQ(client.ReadUntilClosed(),
              input[1] == '1' && input[2] == '1'
                  ? "-ERR Protocol error: unauthenticated multibulk length\r\n"
                  : "-ERR Protocol error: unauthenticated bulk length\r\n");
  }
}

TEST_F(Lifecycle, ListensOnAUnixSocketAsWell) {
  const std::string dir = MakeTemporaryDirectory();
  {
    Server server(
        {.reactors = 2, .args = {"--unixsocket", dir + "/s.sock", "--unixsocketperm", "700"}});
    Client client = Client::Unix(dir + "/s.sock");
    EXPECT_EQ(client.Do("PING"), "PONG");
    EXPECT_EQ(client.Do("SUBSCRIBE c"), "['subscribe', 'c', :1]");
    struct stat status{};
    ASSERT_EQ(stat((dir + "/s.sock").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700U);
    Client publisher = server.Connect();
    EXPECT_EQ(publisher.Do("PUBLISH c x"), ":1");
    EXPECT_EQ(Frame(client.Read()), "message c x");
    const std::string list = publisher.Call({"CLIENT", "LIST"}).text;
    EXPECT_NE(list.find("addr=" + dir + "/s.sock:0 "), std::string::npos) << list;
  }
  rmdir(dir.c_str());
}

TEST_F(Lifecycle, BindsToIpv4AndIpv6Addresses) {
  Server server({.args = {"--bind", "127.0.0.1", "::1"}});
  Client v4 = server.Connect();
  EXPECT_EQ(v4.Do("PING"), "PONG");
  Client v6 = Client::Tcp6(server.port());
  EXPECT_EQ(v6.Do("PING"), "PONG");
  const std::string info = v6.Call({"CLIENT", "INFO"}).text;
  EXPECT_NE(info.find(" addr=[::1]:"), std::string::npos) << info;
}

TEST_F(Lifecycle, DebugIsRefusedUnlessEnabled) {
  Server server({.without_debug = true});
  Client client = server.Connect();
  const Reply refusal = client.Call({"DEBUG", "SLEEP", "0"});
  EXPECT_TRUE(refusal.text.starts_with("ERR DEBUG command not allowed.")) << refusal;
  EXPECT_EQ(client.Do("CONFIG SET enable-debug-command yes"),
            "-ERR CONFIG SET failed (possibly related to argument 'enable-debug-command') - can't "
            "set immutable config");
}

TEST_F(Lifecycle, SigtermEndsCleanlyWithClientsConnected) {
  for (const int number : {SIGTERM, SIGINT}) {
    Server server({.reactors = kManyReactors, .stripes = kManyStripes});
    std::vector<Client> clients;
    for (int i = 0; i < 12; ++i) {
      clients.push_back(server.Connect());
      clients.back().Do(i % 3 == 0 ? "PSUBSCRIBE c*" : i % 3 == 1 ? "SUBSCRIBE c" : "SET k v");
    }
    server.Signal(number);
    EXPECT_EQ(server.WaitForExit(), 0);
    for (Client& client : clients) client.ReadUntilClosed();
  }
}

TEST_F(Lifecycle, SigtermEndsWhileAStuckSubscriberHasOutputPending) {
  Server server({.reactors = 2});
  Client stuck = Client::Tcp(server.port(), 4096);
  stuck.Do("SUBSCRIBE c");
  Client publisher = server.Connect();
  for (int i = 0; i < 20; ++i) publisher.Call({"PUBLISH", "c", std::string(1 << 20, 'x')});
  EXPECT_EQ(server.Stop(), 0);
}

TEST_F(Lifecycle, ShutdownEndsTheServer) {
  for (const char* line : {"SHUTDOWN", "SHUTDOWN NOSAVE", "SHUTDOWN NOW NOSAVE FORCE"}) {
    Server server({.reactors = 2});
    Client client = server.Connect();
    EXPECT_EQ(client.Do("SHUTDOWN nonsense"), "-ERR syntax error");
    EXPECT_EQ(client.Do("SHUTDOWN ABORT"), "-ERR No shutdown in progress.");
    client.SendLine(line);
    EXPECT_EQ(client.ReadUntilClosed(), "");
    EXPECT_EQ(server.WaitForExit(), 0);
  }
}

TEST_F(Lifecycle, ShutdownEndsWhileItsTimeoutIsBeingChanged) {
  // Who waits for the end is no reactor: CONFIG SET does not park it.
  Server server({.reactors = 2});
  Client changing = server.Connect();
  std::string requests;
  for (int i = 0; i < 2'000; ++i) {
    requests += "CONFIG SET shutdown-timeout " + std::to_string(5 + i % 2) + "\r\n";
  }
  changing.Send(requests);
  server.Signal(SIGTERM);
  EXPECT_EQ(server.WaitForExit(), 0);
}

TEST_F(Lifecycle, ABusyPortStopsTheStartWithAMessage) {
  Server server;
  const ProgramResult result = RunProgram(
      ServerUnderTest(), {"--port", std::to_string(server.port()), "--bind", "127.0.0.1"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.output.find("in use"), std::string::npos) << result.output;
  Client client = server.Connect();
  EXPECT_EQ(client.Do("PING"), "PONG");
}

TEST_F(Lifecycle, AWrongDirectiveStopsTheStartAndIsNamed) {
  const std::string dir = MakeTemporaryDirectory();
  WriteFile(dir + "/bad.conf", "port 0\n# a comment\nnonsense-directive 5\n");
  ProgramResult result = RunProgram(ServerUnderTest(), {dir + "/bad.conf"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.output.find("nonsense-directive"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("3"), std::string::npos) << "the line: " << result.output;
  WriteFile(dir + "/bad.conf", "maxclients many\n");
  result = RunProgram(ServerUnderTest(), {dir + "/bad.conf"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.output.find("maxclients"), std::string::npos) << result.output;
  result = RunProgram(ServerUnderTest(), {"--nonsense", "1"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.output.find("nonsense"), std::string::npos) << result.output;
  result = RunProgram(ServerUnderTest(), {dir + "/missing.conf"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.output.find("missing.conf"), std::string::npos) << result.output;
  result =
      RunProgram(ServerUnderTest(), {"--port", "0", "--unixsocket", dir + "/no/such/dir/s.sock"});
  EXPECT_EQ(result.exit_code, 1);
  RunProgram("rm", {"-r", dir});
}

TEST_F(Lifecycle, CheckSystemFailsWhenSomethingHasToBeChanged) {
  if (IsReferenceUnderTest()) GTEST_SKIP() << "Peal's own";
  // No machine gives one process so many descriptors.
  const ProgramResult result =
      RunProgram(ServerUnderTest(), {"--check-system", "--maxclients", "4000000000"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.output.find("[look] open files"), std::string::npos) << result.output;
  const ProgramResult modest =
      RunProgram(ServerUnderTest(), {"--check-system", "--maxclients", "1"});
  EXPECT_EQ(modest.exit_code, modest.output.find("[look]") == std::string::npos ? 0 : 1)
      << modest.output;
}

TEST_F(Lifecycle, LogFormatChangesAtOnce) {
  if (IsReferenceUnderTest()) GTEST_SKIP() << "Peal's own";
  Server server;
  Client client = server.Connect();
  EXPECT_EQ(client.Do("DEBUG LOG plain"), "OK");
  EXPECT_EQ(client.Do("CONFIG SET log-format json"), "OK");
  EXPECT_EQ(client.Do("DEBUG LOG structured"), "OK");
  EXPECT_EQ(client.Do("CONFIG SET log-format text"), "OK");
  EXPECT_EQ(client.Do("DEBUG LOG again"), "OK");
  const std::string log = server.Log();
  EXPECT_NE(log.find(" warning DEBUG LOG: plain\n"), std::string::npos) << log;
  EXPECT_NE(log.find("\"message\":\"DEBUG LOG: structured\"}\n"), std::string::npos) << log;
  EXPECT_NE(log.find(" warning DEBUG LOG: again\n"), std::string::npos) << log;
}

TEST_F(Lifecycle, TheListOfProcessesShowsWhereItListens) {
  // Observed with redis-server 7.0.15.
  Server server({.args = {"--bind", "127.0.0.1"}});
  Client client = server.Connect();
  const auto title = [&server] {
    const std::string text = ReadFile("/proc/" + std::to_string(server.pid()) + "/cmdline");
    return text.substr(0, text.find('\0'));
  };
  const std::string port = std::to_string(server.port());
  EXPECT_EQ(title(), ServerUnderTest() + " 127.0.0.1:" + port);
  EXPECT_EQ(
      client.Call({"CONFIG", "SET", "proc-title-template", "mine {port} {listen-addr} "}).Show(),
      "OK");
  EXPECT_EQ(title(), "mine " + port + " 127.0.0.1:" + port);
  EXPECT_EQ(
      client.Call({"CONFIG", "SET", "proc-title-template", "{bogus}"}).Show(),
      "-ERR CONFIG SET failed (possibly related to argument 'proc-title-template') - template "
      "format is invalid or contains unknown variables");
  EXPECT_EQ(title(), "mine " + port + " 127.0.0.1:" + port);
  const std::string longest(100'000, 'x');
  EXPECT_EQ(client.Call({"CONFIG", "SET", "proc-title-template", longest}).Show(), "OK");
  EXPECT_TRUE(title().starts_with("xxxxxxxx"));
  EXPECT_LT(title().size(), longest.size());
  EXPECT_EQ(client.Do("CONFIG SET set-proc-title no"),
            "-ERR CONFIG SET failed (possibly related to argument 'set-proc-title') - can't set "
            "immutable config");
}

TEST_F(Lifecycle, VersionAndHelpAreShown) {
  const ProgramResult version = RunProgram(ServerUnderTest(), {"--version"});
  EXPECT_EQ(version.exit_code, 0);
  if (!IsReferenceUnderTest()) {
    EXPECT_THAT(version.output,
                ::testing::ContainsRegex("^peal-server v=[0-9]+\\.[0-9]+\\.[0-9]+ sha=[0-9a-z-]+ "))
        << version.output;
  }
  const ProgramResult help = RunProgram(ServerUnderTest(), {"--help"});
  EXPECT_NE(help.output.find("Usage"), std::string::npos) << help.output;
}

TEST_F(Lifecycle, ConfigurationIsReadFromAFileAndStandardInput) {
  Server server({.config_file = "# mine\nmaxclients 77\nslowlog-max-len 5\n"
                                "client-output-buffer-limit pubsub 1mb 512kb 10\n"
                                "notify-keyspace-events \"Ex\"\n"});
  Client client = server.Connect();
  EXPECT_EQ(client.Call({"CONFIG", "GET", "maxclients"}).At(1), "77");
  EXPECT_EQ(client.Call({"CONFIG", "GET", "notify-keyspace-events"}).At(1), "xE");
  EXPECT_NE(client.Call({"CONFIG", "GET", "client-output-buffer-limit"})
                .At(1)
                .find("pubsub 1048576 524288 10"),
            std::string::npos);
}

TEST_F(Lifecycle, ConfigRewriteKeepsCommentsAndWritesWhatChanged) {
  Server server({.config_file = "# my comment\nmaxclients 77\n\n# another\nslowlog-max-len 5\n"});
  Client client = server.Connect();
  EXPECT_EQ(client.Do("CONFIG SET slowlog-max-len 99 maxmemory 100mb"), "OK");
  EXPECT_EQ(client.Call({"CONFIG", "SET", "requirepass", "with space"}).Show(), "OK");
  EXPECT_EQ(client.Do("CONFIG REWRITE"), "OK");
  const std::string text = ReadFile(server.dir() + "/server.conf");
  EXPECT_TRUE(text.starts_with("# my comment\nmaxclients 77\n\n# another\nslowlog-max-len 99\n"))
      << text;
  EXPECT_NE(text.find("\nmaxmemory 100mb\n"), std::string::npos) << text;
  EXPECT_NE(text.find("requirepass \"with space\""), std::string::npos) << text;
  EXPECT_EQ(text.find("hz "), std::string::npos) << "defaults are not written: " << text;
}

TEST_F(Lifecycle, ConfigRewriteWithoutAFileIsAnError) {
  Server server;
  Client client = server.Connect();
  EXPECT_EQ(client.Do("CONFIG REWRITE"), "-ERR The server is running without a config file");
}

TEST_F(Lifecycle, SighupReopensTheLogAndTestConfigChecksIt) {
  if (IsReferenceUnderTest()) GTEST_SKIP() << "Peal's own";
  Server server;
  const std::string log = server.dir() + "/server.log";
  ASSERT_EQ(rename(log.c_str(), (log + ".1").c_str()), 0);
  server.Signal(SIGHUP);
  const Deadline deadline;
  struct stat status{};
  while (stat(log.c_str(), &status) != 0 && !deadline.HasPassed()) {
    std::this_thread::sleep_for(Milliseconds{5});
  }
  EXPECT_EQ(stat(log.c_str(), &status), 0);
  EXPECT_EQ(RunProgram(ServerUnderTest(), {"--test-config", "--port", "1"}).exit_code, 0);
  EXPECT_EQ(RunProgram(ServerUnderTest(), {"--test-config", "--port", "x"}).exit_code, 1);
}

}  // namespace
}  // namespace peal::tests
