// Tokens given to AUTH: whose rights they bring, what happens when they expire and when keys or
// roles change. What a token may look like is tested in tests/broker/auth.

#include <sys/stat.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/behaviour.h"
#include "tests/support/token.h"

namespace peal::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kSecret(32, 'k');
const std::string kHexSecret = [] {
  std::string hex;
  for (size_t i = 0; i < kSecret.size(); ++i) hex += "6b";
  return hex;
}();
constexpr std::string_view kWrongPass =
    "WRONGPASS invalid username-password pair or user is disabled.";

/// Not time(), which lags behind by up to a tick.
int64_t Now() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(since_1970).count();
}

std::string Put(const std::string& path, const std::string& text) {
  WriteFile(path, text);
  EXPECT_EQ(chmod(path.c_str(), 0600), 0);
  return path;
}

class TokenLogins : public ::testing::Test {
 protected:
  TokenLogins()
      : keys_dir_(MakeTemporaryDirectory()),
        keys_(Put(keys_dir_ + "/keys",
                  "hmac main hex:" + kHexSecret + "\nhs256 web hex:" + kHexSecret + "\n")),
        server_({.reactors = 2,
                 .stripes = 16,
                 .args = {"--auth-token-file", keys_, "--auth-token-leeway", "0"}}),
        admin_(server_.Connect()) {
    EXPECT_EQ(admin_.Do("ACL SETROLE reader +@read +@connection +@pubsub +acl|whoami ~r:* &news.*"),
              "OK");
    EXPECT_EQ(admin_.Do("ACL SETROLE writer +@write ~w:*"), "OK");
    EXPECT_EQ(admin_.Do("ACL SETUSER ann on >pw +get +acl|whoami ~a:*"), "OK");
    EXPECT_EQ(admin_.Do("ACL SETUSER off off >pw +@all ~*"), "OK");
  }
  ~TokenLogins() override { RunProgram("/bin/rm", {"-r", keys_dir_}); }

  static std::string Token(const std::string& user, const std::string& roles,
                           int64_t valid_s = 600) {
    return PlainToken(kSecret, user, Now() + valid_s, roles);
  }
  std::string Auth(Client& client, const std::string& user, const std::string& token) {
    return client.Call({"AUTH", user, token}).text;
  }
  /// `valid_s`: 2 at least, since the second that has begun counts as one.
  Client LoggedIn(const std::string& user, const std::string& roles, int64_t valid_s = 600) {
    Client client = server_.Connect();
    EXPECT_EQ(Auth(client, user, Token(user, roles, valid_s)), "OK");
    return client;
  }

  const std::string keys_dir_;
  const std::string keys_;
  Server server_;
  Client admin_;
};

TEST_F(TokenLogins, WithoutRolesItIsTheUser) {
  Client client = LoggedIn("ann", "");
  EXPECT_EQ(client.Do("ACL WHOAMI"), "'ann'");
  EXPECT_EQ(client.Do("GET a:1"), "nil");
  EXPECT_THAT(client.Do("GET r:1"), HasSubstr("NOPERM"));
  Client other = server_.Connect();
  EXPECT_EQ(Auth(other, "nobody", Token("nobody", "")), kWrongPass);
  EXPECT_EQ(Auth(other, "off", Token("off", "")), kWrongPass);
  EXPECT_EQ(Auth(other, "off", Token("off", "reader")), kWrongPass);
  EXPECT_EQ(Auth(other, "ann", Token("bob", "")), kWrongPass);
  // Passwords go on beside tokens, also those that only look a little like one.
  EXPECT_EQ(Auth(other, "ann", "pw"), "OK");
  EXPECT_EQ(admin_.Do("ACL SETUSER dots on >peal1.x.y +ping"), "OK");
  EXPECT_EQ(Auth(other, "dots", "peal1.x.y"), "OK");
  EXPECT_THAT(admin_.Call({"INFO", "stats"}).text, HasSubstr("acl_access_denied_auth:4"));
  const std::string log = admin_.Call({"ACL", "LOG", "1"}).Show();
  EXPECT_THAT(log, HasSubstr("AUTH (token: the signature is wrong, or is for another user)"));
  EXPECT_TRUE(server_.WaitForLog("failed to authenticate: token: the user is off"));
}

TEST_F(TokenLogins, WithRolesTheRightsAreTheirs) {
  Client bob = LoggedIn("bob", "reader");
  EXPECT_EQ(bob.Do("ACL WHOAMI"), "'bob'");
  EXPECT_EQ(bob.Do("GET r:1"), "nil");
  EXPECT_THAT(bob.Do("GET w:1"), HasSubstr("NOPERM"));
  EXPECT_THAT(bob.Do("SET r:1 x"), HasSubstr("NOPERM"));
  // Not those of the user of that name.
  Client ann = LoggedIn("ann", "writer,reader");
  EXPECT_EQ(ann.Do("SET w:1 x"), "OK");
  EXPECT_THAT(ann.Do("GET a:1"), HasSubstr("NOPERM"));
  EXPECT_THAT(admin_.Call({"CLIENT", "LIST"}).text, HasSubstr("user=bob"));
  // No user has been made.
  EXPECT_THAT(admin_.Call({"ACL", "LIST"}).Show(), Not(HasSubstr("bob")));
  EXPECT_THAT(admin_.Call({"ACL", "USERS"}).Show(), Not(HasSubstr("bob")));
  EXPECT_EQ(admin_.Do("ACL GETUSER bob"), "nil");
  Client other = server_.Connect();
  EXPECT_EQ(Auth(other, "bob", Token("bob", "reader,nothere")), kWrongPass);
  // Neither acl-pubsub-default nor anything else gives them channels.
  EXPECT_EQ(admin_.Do("CONFIG SET acl-pubsub-default allchannels"), "OK");
  Client carol = LoggedIn("carol", "writer");
  EXPECT_THAT(carol.Do("PUBLISH x y"), HasSubstr("NOPERM"));
}

TEST_F(TokenLogins, HelloTakesThemAndResetForgetsThem) {
  Client client = server_.Connect();
  EXPECT_THAT(client.Call({"HELLO", "3", "AUTH", "bob", Token("bob", "reader")}).Show(),
              HasSubstr("proto"));
  EXPECT_EQ(client.Do("ACL WHOAMI"), "'bob'");
  EXPECT_EQ(client.Do("RESET"), "RESET");
  EXPECT_EQ(client.Do("ACL WHOAMI"), "'default'");
  const std::string jwt =
      Hs256(kSecret, R"({"alg":"HS256","kid":"web"})",
            R"({"sub":"bob","roles":["writer"],"exp":)" + std::to_string(Now() + 600) + "}");
  EXPECT_EQ(Auth(client, "bob", jwt), "OK");
  EXPECT_EQ(client.Do("SET w:2 x"), "OK");
}

TEST_F(TokenLogins, RolesThatChangeChangeTheirHolders) {
  Client bob = LoggedIn("bob", "reader");
  Client subscriber = LoggedIn("bob", "reader");
  subscriber.Hello(3);
  EXPECT_EQ(subscriber.Call({"SUBSCRIBE", "news.1"}).items.size(), 3U);
  EXPECT_EQ(admin_.Do("ACL SETROLE reader ~more:*"), "OK");
  EXPECT_EQ(bob.Do("GET more:1"), "nil");
  // Who holds a channel that the role has no more is disconnected; others stay.
  EXPECT_EQ(admin_.Do("ACL SETROLE reader resetchannels"), "OK");
  subscriber.ReadUntilClosed();
  EXPECT_EQ(bob.Do("ACL WHOAMI"), "'bob'");
  // A role that only tokens hold can be deleted, and they go.
  EXPECT_EQ(admin_.Do("ACL DELROLE reader"), ":1");
  bob.ReadUntilClosed();
  Client other = server_.Connect();
  EXPECT_EQ(Auth(other, "bob", Token("bob", "reader")), kWrongPass);
  EXPECT_EQ(admin_.Do("ACL SETROLE reader +ping"), "OK");
  EXPECT_EQ(Auth(other, "bob", Token("bob", "reader")), "OK");
  EXPECT_EQ(other.Do("PING"), "PONG");
  EXPECT_THAT(other.Do("GET r:1"), HasSubstr("NOPERM"));
}

TEST_F(TokenLogins, DeletedUsersTakeTheirTokensAlong) {
  Client own = LoggedIn("ann", "");
  Client with_role = LoggedIn("ann", "reader");
  with_role.SendLine("SUBSCRIBE news.1");
  with_role.Read();
  Client other = LoggedIn("bob", "reader");
  EXPECT_EQ(admin_.Do("ACL DELUSER ann ann nobody"), ":1");
  EXPECT_EQ(own.ReadUntilClosed(), "");
  EXPECT_EQ(with_role.ReadUntilClosed(), "");
  EXPECT_EQ(other.Do("ACL WHOAMI"), "'bob'");
  // No user need exist for a token with roles: only one who is off keeps it out.
  EXPECT_EQ(LoggedIn("ann", "reader").Do("ACL WHOAMI"), "'ann'");
  EXPECT_EQ(admin_.Do("ACL DELUSER ann"), ":0");
}

TEST(TokenFiles, UsersThatAreNotInTheFileTakeTheirTokensAlong) {
  const std::string dir = MakeTemporaryDirectory();
  const std::string users = Put(dir + "/users", "role reader +@all ~*\nuser ann on nopass +@all\n");
  {
    Server server({.args = {"--aclfile", users, "--auth-token-file",
                            Put(dir + "/keys", "hmac main hex:" + kHexSecret + "\n")}});
    Client admin = server.Connect();
    Client ann = server.Connect();
    ASSERT_EQ(ann.Call({"AUTH", "ann", PlainToken(kSecret, "ann", Now() + 600, "reader")}).text,
              "OK");
    EXPECT_EQ(ann.Do("ACL WHOAMI"), "'ann'");
    Put(users, "role reader +@all ~*\n");
    EXPECT_EQ(admin.Do("ACL LOAD"), "OK");
    EXPECT_EQ(ann.ReadUntilClosed(), "");
  }
  RunProgram("/bin/rm", {"-r", dir});
}

TEST_F(TokenLogins, ClientKillFindsThemByTheirName) {
  EXPECT_EQ(admin_.Do("CLIENT KILL USER svc"), "-ERR No such user 'svc'");
  Client first = LoggedIn("svc", "reader");
  Client second = LoggedIn("svc", "writer");
  Client other = LoggedIn("bob", "reader");
  EXPECT_EQ(admin_.Do("CLIENT KILL USER svc"), ":2");
  EXPECT_EQ(first.ReadUntilClosed(), "");
  EXPECT_EQ(second.ReadUntilClosed(), "");
  EXPECT_EQ(other.Do("ACL WHOAMI"), "'bob'");
  EXPECT_EQ(admin_.Do("CLIENT KILL USER svc"), "-ERR No such user 'svc'");
}

TEST_F(TokenLogins, ExpiryEndsTheConnection) {
  // Every one of them is closed, whatever it does; who logs in anew in time stays.
  Client idle = LoggedIn("bob", "reader", 2);
  Client subscriber = LoggedIn("bob", "reader", 2);
  subscriber.Hello(3);
  EXPECT_EQ(subscriber.Call({"SUBSCRIBE", "news.1"}).items.size(), 3U);
  EXPECT_EQ(admin_.Do("ACL SETROLE waiter +blpop +monitor ~*"), "OK");
  Client waiter = LoggedIn("bob", "waiter", 2);
  waiter.SendLine("BLPOP nothing 0");
  Client monitor = LoggedIn("bob", "waiter", 2);
  EXPECT_EQ(monitor.Do("MONITOR"), "OK");
  Client renewed = LoggedIn("bob", "reader", 2);
  EXPECT_EQ(Auth(renewed, "bob", Token("bob", "reader")), "OK");
  Client password = LoggedIn("bob", "reader", 2);
  EXPECT_EQ(Auth(password, "ann", "pw"), "OK");
  idle.ReadUntilClosed();
  subscriber.ReadUntilClosed();
  waiter.ReadUntilClosed();
  monitor.ReadUntilClosed();
  EXPECT_EQ(renewed.Do("ACL WHOAMI"), "'bob'");
  EXPECT_EQ(password.Do("ACL WHOAMI"), "'ann'");
  EXPECT_THAT(admin_.Call({"INFO", "stats"}).text, HasSubstr("auth_token_expired_connections:4"));
  EXPECT_TRUE(server_.WaitForLog("its token has expired"));
}

TEST_F(TokenLogins, ExpiryEndsTransactionsWaitersAndScripts) {
  EXPECT_EQ(admin_.Do("ACL SETROLE all +@all ~* &*"), "OK");
  EXPECT_EQ(admin_.Do("CONFIG SET busy-reply-threshold 100"), "OK");
  Client queued = LoggedIn("bob", "all", 2);
  EXPECT_EQ(queued.Do("MULTI"), "OK");
  EXPECT_EQ(queued.Do("SET tx 1"), "QUEUED");
  Client waiter = LoggedIn("bob", "all", 2);
  waiter.SendLine("BLPOP list 0");
  Client held = LoggedIn("bob", "all", 2);
  held.SendLine("CLIENT REPLY OFF");
  EXPECT_EQ(queued.ReadUntilClosed(), "");
  EXPECT_EQ(waiter.ReadUntilClosed(), "");
  EXPECT_EQ(held.ReadUntilClosed(), "");
  // Who waited takes nothing any more, and nothing of the transaction was done.
  EXPECT_EQ(admin_.Do("RPUSH list x"), ":1");
  EXPECT_EQ(admin_.Do("LLEN list"), ":1");
  EXPECT_EQ(admin_.Do("EXISTS tx"), ":0");
  // A script goes on until it ends or is ended; then its client goes, too.
  Client script = LoggedIn("bob", "all", 2);
  const int64_t expiry = Now() + 2;
  script.SendCommand({"EVAL", "while true do end", "0"});
  const Deadline deadline(kPatience);
  while ((Now() <= expiry || !admin_.Do("PING").starts_with("-BUSY")) && !deadline.HasPassed()) {
    std::this_thread::sleep_for(Milliseconds(20));
  }
  EXPECT_EQ(admin_.Do("SCRIPT KILL"), "OK");
  EXPECT_THAT(script.ReadUntilClosed(), HasSubstr("Script killed by user"));
  EXPECT_EQ(admin_.Do("PING"), "PONG");
}

TEST_F(TokenLogins, TheNameDefaultGivesNoRightsOfTheDefaultUser) {
  EXPECT_EQ(admin_.Do("CONFIG SET requirepass open-sesame"), "OK");
  Client client = server_.Connect();
  EXPECT_THAT(client.Do("GET r:1"), HasSubstr("NOAUTH"));
  EXPECT_EQ(client.Call({"AUTH", Token("default", "reader")}).text, "OK");
  EXPECT_EQ(client.Do("ACL WHOAMI"), "'default'");
  EXPECT_EQ(client.Do("GET r:1"), "nil");
  EXPECT_THAT(client.Do("GET a:1"), HasSubstr("NOPERM"));
  EXPECT_THAT(client.Do("CONFIG GET port"), HasSubstr("NOPERM"));
  // Changes of the user of that name are none of the token's.
  EXPECT_EQ(
      admin_.Do("ACL SETUSER default ~x"),
      "-ERR Error in ACL SETUSER modifier '~x': Adding a "
      "pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any "
      "effect. Try 'resetkeys' to start with an empty list of patterns");
  EXPECT_EQ(client.Do("RESET"), "RESET");
  EXPECT_THAT(client.Do("GET r:1"), HasSubstr("NOAUTH"));
  EXPECT_EQ(client.Call({"AUTH", Token("default", "")}).text, "OK");
  EXPECT_EQ(client.Do("GET a:1"), "nil");
}

TEST_F(TokenLogins, GuessingIsSlowedAsThatOfPasswords) {
  EXPECT_EQ(admin_.Do("CONFIG SET auth-failures-per-minute 5"), "OK");
  const std::string bad = "peal1." + std::to_string(Now() + 60) + ".reader." + std::string(64, '0');
  // A minute may end meanwhile, which forgets the failures.
  std::string reply;
  for (int i = 0; i < 20 && !reply.starts_with("ERR too many failed attempts"); ++i) {
    Client client = Client::TcpTo("127.0.0.2", server_.port());
    reply = Auth(client, "bob", bad);
  }
  EXPECT_THAT(reply, HasSubstr("from this address, try again in a minute"));
  Client other = Client::TcpTo("127.0.0.3", server_.port());
  EXPECT_EQ(Auth(other, "bob", Token("bob", "reader")), "OK");
}

TEST_F(TokenLogins, KeysAreReadAfreshAndBadOnesAreNot) {
  const std::string old = Token("bob", "reader");
  Client client = server_.Connect();
  Put(keys_, "hmac main hex:00\n");
  server_.Signal(SIGHUP);
  EXPECT_TRUE(server_.WaitForLog(keys_ + ":1: a secret has 32 octets at least"));
  EXPECT_EQ(Auth(client, "bob", old), "OK");
  Put(keys_, "hmac main hex:" + std::string(64, '0') + "\n");
  server_.Signal(SIGHUP);
  EXPECT_TRUE(server_.WaitForLog("keys of tokens read afresh after SIGHUP: 1 keys"));
  EXPECT_EQ(Auth(client, "bob", old), kWrongPass);
  EXPECT_EQ(client.Do("ACL WHOAMI"), "'bob'") << "who is logged in stays";
  EXPECT_EQ(Auth(client, "bob", PlainToken(std::string(32, '\0'), "bob", Now() + 60, "reader")),
            "OK");
  // CONFIG SET: all or nothing.
  const std::string bad = Put(keys_dir_ + "/bad", "# keys\nhmac a hex:" + kHexSecret + "\nwhat\n");
  EXPECT_EQ(admin_.Call({"CONFIG", "SET", "auth-token-file", bad}).text,
            "ERR CONFIG SET failed (possibly related to argument 'auth-token-file') - " + bad +
                ":3: a line begins with hmac, hs256, rs256 or es256");
  EXPECT_EQ(admin_.Call({"CONFIG", "GET", "auth-token-file"}).items.at(1).text, keys_);
  EXPECT_EQ(admin_.Call({"CONFIG", "SET", "auth-token-file", ""}).text, "OK");
  EXPECT_EQ(Auth(client, "bob", PlainToken(std::string(32, '\0'), "bob", Now() + 60, "reader")),
            kWrongPass);
}

TEST_F(TokenLogins, TheOpensslCommandMakesThem) {
  // The line of docs/security.md.
  const std::string key_file = keys_dir_ + "/token.key";
  ASSERT_EQ(
      RunProgram("/bin/sh", {"-c", "umask 077; openssl rand -hex 32 > " + key_file}).exit_code, 0);
  Put(keys_, "hmac main file:" + key_file + "\n");
  server_.Signal(SIGHUP);
  ASSERT_TRUE(server_.WaitForLog("keys of tokens read afresh"));
  const std::string expiry = std::to_string(Now() + 600);
  const ProgramResult made = RunProgram(
      "/bin/sh", {"-c", "printf 'peal1\\n%s\\n%s\\n%s' bob " + expiry +
                            " reader | openssl dgst -sha256 -mac HMAC -macopt key:$(cat " +
                            key_file + ") -r | cut -d' ' -f1"});
  ASSERT_EQ(made.exit_code, 0) << made.output;
  std::string mac = made.output;
  while (mac.ends_with('\n')) mac.pop_back();
  Client client = server_.Connect();
  EXPECT_EQ(Auth(client, "bob", "peal1." + expiry + ".reader." + mac), "OK");
  EXPECT_EQ(client.Do("GET r:1"), "nil");
}

TEST_F(TokenLogins, ManyComeAndGo) {
  // Accounts live as long as their sessions: names that come once leave nothing behind.
  Client client = server_.Connect();
  for (int i = 0; i < 3000; ++i) {
    const std::string name = "user" + std::to_string(i);
    ASSERT_EQ(Auth(client, name, Token(name, "reader,writer")), "OK");
  }
  EXPECT_EQ(client.Do("ACL WHOAMI"), "'user2999'");
  EXPECT_EQ(admin_.Do("ACL SETROLE writer ~more:*"), "OK");
  EXPECT_EQ(client.Do("SET more:1 x"), "OK");
}

TEST(TokenFiles, ABadOneRefusesTheStart) {
  const std::string dir = MakeTemporaryDirectory();
  const std::string keys = Put(dir + "/keys", "hmac a hex:" + kHexSecret + "\nhmac b hex:12\n");
  for (const std::string& option : {std::string("--port"), std::string("--test-config")}) {
    std::vector<std::string> args = {option};
    if (option == "--port") args.push_back(std::to_string(FreePort()));
    args.insert(args.end(), {"--auth-token-file", keys});
    const ProgramResult result = RunProgram(ServerUnderTest(), args);
    EXPECT_EQ(result.exit_code, 1) << option;
    EXPECT_THAT(result.output,
                HasSubstr("auth-token-file: " + keys + ":2: a secret has 32 octets at least"));
  }
  RunProgram("/bin/rm", {"-r", dir});
}

}  // namespace
}  // namespace peal::tests
