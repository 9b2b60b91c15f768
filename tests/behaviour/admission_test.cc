// Who gets in: allow and deny lists, and what a client may do before it has authenticated.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <thread>
#include <vector>

#include "tests/support/behaviour.h"
#include "tests/support/certificates.h"

namespace peal::tests {
namespace {

using ::testing::HasSubstr;

class Admission : public OwnServer {
 protected:
  void SetUp() override {
    if (IsReferenceUnderTest()) GTEST_SKIP() << "Peal's own";
  }

  static ServerOptions With(std::vector<std::string> args, bool tls = false) {
    ServerOptions options;
    options.reactors = 2;
    options.tls = tls;
    options.args = std::move(args);
    return options;
  }
  /// Whether the server answers at `address`, which is one of the loopback network: clients come
  /// from the address that they connect to.
  static bool Answers(const std::string& address, int port) {
    try {
      return Client::TcpTo(address, port).Do("PING") == "PONG";
    } catch (const std::exception&) {
      return false;
    }
  }
  static bool AnswersOverTls(const Server& server) {
    try {
      return server.Connect().Do("PING") == "PONG";
    } catch (const std::exception&) {
      return false;
    }
  }
  static int64_t Number(Client& client, const std::string& field) {
    return std::atoll(InfoField(client.Call({"INFO", "everything"}).text, field).c_str());
  }
};

TEST_F(Admission, ListsAreHeededFromTheNextConnectionOn) {
  Server server(With({}));
  Client admin = server.Connect();
  ASSERT_TRUE(Answers("127.0.0.2", server.port()));
  Client early = Client::TcpTo("127.0.0.2", server.port());
  ASSERT_EQ(early.Do("PING"), "PONG");

  ASSERT_EQ(admin.Do("CONFIG SET deny 127.0.0.2/32"), "OK");
  EXPECT_EQ(admin.Do("CONFIG GET deny"), "['deny', '127.0.0.2']");
  EXPECT_FALSE(Answers("127.0.0.2", server.port()));
  EXPECT_TRUE(Answers("127.0.0.3", server.port()));
  EXPECT_EQ(early.Do("PING"), "PONG") << "who is in stays in";
  EXPECT_EQ(Number(admin, "denied_connections"), 1);
  EXPECT_EQ(Number(admin, "rejected_connections"), 1);
  EXPECT_TRUE(server.WaitForLog("connection refused: 127.0.0.2 is not let in to the TCP port"));

  ASSERT_EQ(admin.Call({"CONFIG", "SET", "deny", "", "allow", "127.0.0.1 127.0.0.4/31"}).Show(),
            "OK");
  EXPECT_TRUE(Answers("127.0.0.1", server.port()));
  EXPECT_FALSE(Answers("127.0.0.2", server.port()));
  EXPECT_TRUE(Answers("127.0.0.4", server.port()));
  EXPECT_TRUE(Answers("127.0.0.5", server.port()));
  EXPECT_FALSE(Answers("127.0.0.6", server.port()));

  // deny comes before allow.
  ASSERT_EQ(admin.Do("CONFIG SET deny 127.0.0.5"), "OK");
  EXPECT_TRUE(Answers("127.0.0.4", server.port()));
  EXPECT_FALSE(Answers("127.0.0.5", server.port()));

  // A list of IPv6 networks lets no IPv4 address in, and the other way round.
  ASSERT_EQ(admin.Call({"CONFIG", "SET", "deny", "", "allow", "::/0"}).Show(), "OK");
  EXPECT_FALSE(Answers("127.0.0.1", server.port()));
  ASSERT_EQ(admin.Call({"CONFIG", "SET", "allow", "0.0.0.0/0"}).Show(), "OK");
  EXPECT_TRUE(Answers("127.0.0.1", server.port()));
}

TEST_F(Admission, ListsMayNameThePort) {
  Server server(With({"--allow", "tls:127.0.0.0/8", "--deny", "tcp:127.0.0.3"}, true));
  Client admin = Client::Tcp(server.port());
  ASSERT_EQ(admin.Do("PING"), "PONG") << "allow says nothing about this port";
  EXPECT_TRUE(AnswersOverTls(server));
  EXPECT_FALSE(Answers("127.0.0.3", server.port()));
  ASSERT_EQ(admin.Do("CONFIG SET allow tls:10.0.0.0/8"), "OK");
  EXPECT_FALSE(AnswersOverTls(server));
  EXPECT_TRUE(server.WaitForLog("connection refused: 127.0.0.1 is not let in to the TLS port"));
  EXPECT_TRUE(Answers("127.0.0.2", server.port()));
  ASSERT_EQ(admin.Call({"CONFIG", "SET", "allow", "10.0.0.0/8 tls:127.0.0.1"}).Show(), "OK");
  EXPECT_TRUE(AnswersOverTls(server));
  EXPECT_FALSE(Answers("127.0.0.2", server.port()));
}

TEST_F(Admission, ABadListIsRefusedAsAWhole) {
  Server server(With({"--allow", "127.0.0.0/8"}));
  Client client = server.Connect();
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"10.0.0.1/8", "'10.0.0.1/8': has bits set behind its length; the network is 10.0.0.0/8"},
      {"127.0.0.1 10.0.0.0/33", "the length behind the slash must be between 0 and 32"},
      {"10.0.0.0/", "the length behind the slash must be between 0 and 32"},
      {"10.0.0.0/-1", "the length behind the slash must be between 0 and 32"},
      {"10.0.0.0/8/8", "the length behind the slash must be between 0 and 32"},
      {"2001:db8::/129", "the length behind the slash must be between 0 and 128"},
      {"::ffff:10.0.0.0/95", "the length behind the slash must be between 96 and 128"},
      {"2001:db8::1/32", "the network is 2001:db8::/32"},
      {"10.0.0", "'10.0.0': no IPv4 or IPv6 address"},
      {"localhost", "no IPv4 or IPv6 address"},
      {"ssl:10.0.0.1", "'ssl:10.0.0.1': no IPv4 or IPv6 address"},
      {"tls:", "no IPv4 or IPv6 address"},
      {"tls:tcp:10.0.0.1", "no IPv4 or IPv6 address"},
      {"/8", "no IPv4 or IPv6 address"},
      {"10.0.0.0 /8", "no IPv4 or IPv6 address"},
  };
  for (const auto& [text, reason] : bad) {
    const std::string reply =
        client.Call({"CONFIG", "SET", "maxclients", "77", "allow", text}).Show();
    EXPECT_THAT(reply, HasSubstr("-ERR CONFIG SET failed (possibly related to argument 'allow')"));
    EXPECT_THAT(reply, HasSubstr(reason)) << text;
    EXPECT_EQ(client.Do("CONFIG GET allow"), "['allow', '127.0.0.0/8']");
    EXPECT_EQ(client.Do("CONFIG GET maxclients"), "['maxclients', '10000']");
    const std::string dir = MakeTemporaryDirectory();
    WriteFile(dir + "/bad.conf", "port 0\nunixsocket " + dir + "/s\ndeny " + text + "\n");
    const ProgramResult result = RunProgram(ServerUnderTest(), {dir + "/bad.conf"});
    EXPECT_EQ(result.exit_code, 1) << text;
    EXPECT_THAT(result.output, HasSubstr(reason)) << text;
    EXPECT_THAT(result.output, HasSubstr("line 3")) << text;
    std::filesystem::remove_all(dir);
  }
  std::string many;
  for (int i = 0; i < 1025; ++i)
    many += (i == 0 ? "" : " ") + ("10.0.0." + std::to_string(i % 256));
  EXPECT_THAT(client.Call({"CONFIG", "SET", "allow", many}).Show(), HasSubstr("at most 1024"));
}

TEST_F(Admission, UnixSocketsAreBeyondTheLists) {
  const std::string dir = MakeTemporaryDirectory();
  Server server(With({"--unixsocket", dir + "/s"}));
  Client admin = server.Connect();
  ASSERT_EQ(admin.Do("CONFIG SET deny 0.0.0.0/0"), "OK");
  EXPECT_FALSE(Answers("127.0.0.1", server.port()));
  Client local = Client::Unix(dir + "/s");
  EXPECT_EQ(local.Do("CONFIG SET deny \"\""), "OK") << "the way back in";
  EXPECT_TRUE(Answers("127.0.0.1", server.port()));
  std::filesystem::remove_all(dir);
}

// ---------------------------------------------------------------- before authenticating

TEST_F(Admission, WhoDoesNotAuthenticateInTimeIsClosed) {
  Server server(With({"--requirepass", "secret", "--auth-timeout", "1"}));
  Client known = server.Connect();
  ASSERT_EQ(known.Do("AUTH secret"), "OK");
  Client silent = server.Connect();
  Client talking = server.Connect();
  const Deadline deadline;
  std::string last;
  try {
    while (!deadline.HasPassed()) last = talking.Do("PING");
    FAIL() << "talking does not help";
  } catch (const std::exception&) {
    EXPECT_THAT(last, HasSubstr("-NOAUTH"));
  }
  EXPECT_EQ(silent.ReadUntilClosed(), "");
  EXPECT_EQ(known.Do("PING"), "PONG");
  EXPECT_EQ(Number(known, "auth_timeouts"), 2);
  EXPECT_TRUE(server.WaitForLog("it did not authenticate within 1 s"));
  // Who was authenticated has its time anew behind a RESET.
  ASSERT_EQ(known.Do("RESET"), "RESET");
  ASSERT_EQ(known.Do("AUTH secret"), "OK");
  // Without a password nobody has to.
  ASSERT_EQ(known.Do("CONFIG SET requirepass \"\""), "OK");
  Client free = server.Connect();
  EXPECT_FALSE(free.WaitForInput(Milliseconds{2500}));
  EXPECT_EQ(free.Do("PING"), "PONG");
}

TEST_F(Admission, RepliesOwedBeforeAuthenticationAreFew) {
  Server server(With({"--requirepass", "secret"}));
  Client known = server.Connect();
  ASSERT_EQ(known.Do("AUTH secret"), "OK");
  // A usual pipeline behind a wrong password is answered.
  Client usual = server.Connect();
  std::vector<std::vector<std::string>> pipeline(100, {"GET", "k"});
  pipeline.insert(pipeline.begin(), {"AUTH", "wrong"});
  const std::vector<Reply> replies = usual.Pipeline(pipeline);
  EXPECT_THAT(replies[0].text, HasSubstr("WRONGPASS"));
  EXPECT_THAT(replies[100].text, HasSubstr("NOAUTH"));
  // One without end is not.
  Client flood = server.Connect();
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "G\n";
  try {
    flood.Send(many);
    flood.ReadUntilClosed();
  } catch (const std::exception&) {
    // Cut while it was still sending.
  }
  EXPECT_EQ(Number(known, "client_output_buffer_limit_disconnections"), 1);
  EXPECT_TRUE(server.WaitForLog("before it has authenticated"));
  // Nor is more than a few arguments, or a large one.
  Client large = server.Connect();
  large.Send("*2\r\n$4\r\nECHO\r\n$16385\r\n");
  EXPECT_THAT(large.ReadUntilClosed(), HasSubstr("unauthenticated bulk length"));
  Client wide = server.Connect();
  wide.Send("*11\r\n");
  EXPECT_THAT(wide.ReadUntilClosed(), HasSubstr("unauthenticated multibulk length"));
  // Who authenticates within a pipeline may go on in it.
  Client good = server.Connect();
  std::string rest = EncodeCommand({"AUTH", "secret"});
  for (int i = 0; i < 2000; ++i) rest += EncodeCommand({"PING", std::string(100, 'x')});
  good.Send(rest);
  EXPECT_EQ(good.ReadMany(2001).back().text, std::string(100, 'x'));
}

TEST_F(Admission, AnAddressThatFailsTooOftenIsRefusedForAMinute) {
  Server server(With({"--requirepass", "secret", "--auth-failures-per-minute", "20"}));
  Client known = Client::TcpTo("127.0.0.1", server.port());
  ASSERT_EQ(known.Do("AUTH secret"), "OK");
  const auto try_password = [&](const std::string& from, const std::string& command) {
    return Client::TcpTo(from, server.port()).Do(command);
  };
  // A minute may end meanwhile, which forgets the failures.
  std::string reply;
  int failures = 0;
  while (failures < 60 && !reply.starts_with("-ERR too many failed attempts")) {
    reply =
        try_password("127.0.0.2", failures % 2 == 0 ? "AUTH wrong" : "HELLO 3 AUTH default wrong");
    ++failures;
  }
  EXPECT_THAT(reply, HasSubstr("from this address, try again in a minute"));
  EXPECT_GT(failures, 20);
  EXPECT_GE(Number(known, "auth_attempts_refused"), 1);
  EXPECT_GE(Number(known, "acl_access_denied_auth"), 20);
  EXPECT_EQ(try_password("127.0.0.3", "AUTH secret"), "OK") << "others are not refused";
  EXPECT_EQ(known.Do("PING"), "PONG");
  EXPECT_TRUE(server.WaitForLog("refusing attempts to authenticate from 127.0.0.2"));
  EXPECT_TRUE(server.WaitForLog("failed to authenticate: wrong user or password; "));
  ASSERT_EQ(known.Do("CONFIG SET auth-failures-per-minute 0"), "OK");
  EXPECT_EQ(try_password("127.0.0.2", "AUTH secret"), "OK");
}

TEST_F(Admission, HttpIsCut) {
  Server server(With({}));
  Client watching = server.Connect();
  const std::vector<std::string> requests = {
      "POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET k v\r\n",
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\nSET k v\r\n",
      "host: localhost\r\nSET k v\r\n",
      EncodeCommand({"PoSt", "/"}) + "SET k v\r\n",
  };
  for (const std::string& request : requests) {
    Client client = server.Connect();
    client.Send(request);
    EXPECT_EQ(client.ReadUntilClosed(), "") << request;
  }
  EXPECT_EQ(watching.Do("GET k"), "nil");
  EXPECT_EQ(Number(watching, "http_requests_cut"), static_cast<int64_t>(requests.size()));
  EXPECT_TRUE(server.WaitForLog("possible security attack: closing client id="));
}

}  // namespace
}  // namespace peal::tests
