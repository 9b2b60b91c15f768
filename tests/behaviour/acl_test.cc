// Users and their rights: who is disconnected when, rights to publish and to subscribe (Peal's
// own), roles (Valkey 9.2), and changes beside traffic.

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using CommandLine = std::vector<std::string>;

/// Waits until the peer has closed, whatever it sends before.
void ExpectClosed(Client& client) { client.ReadUntilClosed(); }

class AclConnections : public Behaviour {
 protected:
  void SetUp() override {
    Behaviour::SetUp();
    admin_ = std::make_unique<Client>(ConnectResp2());
  }
  void TearDown() override {
    for (const std::string& user : users_) admin_->Call({"ACL", "DELUSER", user});
    for (const std::string& role : roles_) admin_->Call({"ACL", "DELROLE", role});
    admin_->Call({"ACL", "LOG", "RESET"});
  }
  std::string SetUser(const std::string& user, const std::string& rules) {
    users_.insert(user);
    CommandLine command = {"ACL", "SETUSER", user};
    for (std::string& word : Words(rules)) command.push_back(std::move(word));
    return admin_->Call(command).Show();
  }
  std::string SetRole(const std::string& role, const std::string& rules) {
    roles_.insert(role);
    CommandLine command = {"ACL", "SETROLE", role};
    for (std::string& word : Words(rules)) command.push_back(std::move(word));
    return admin_->Call(command).Show();
  }
  Client As(const std::string& user) {
    Client client = ConnectResp2();
    EXPECT_EQ(client.Call({"AUTH", user, "x"}).text, "OK");
    client.Hello(resp());
    return client;
  }
  Client& admin() { return *admin_; }

 private:
  std::unique_ptr<Client> admin_;
  std::set<std::string> users_;
  std::set<std::string> roles_;
};
INSTANTIATE_TEST_SUITE_P(, AclConnections, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(AclConnections, WhoLosesAChannelIsDisconnected) {
  const struct {
    const char* before;
    const char* subscribe;
    const char* after;
    bool is_closed;
  } kCases[] = {
      {"&a*", "SUBSCRIBE a1", "resetchannels &b*", true},
      {"&a*", "SUBSCRIBE a1", "resetchannels &a1", false},
      {"&a*", "SUBSCRIBE a1", "&b*", false},
      {"&*", "SUBSCRIBE a1", "resetchannels", true},
      {"&*", "SUBSCRIBE a1", "resetchannels &a?", false},
      {"&a*", "SSUBSCRIBE a1", "resetchannels &b*", true},
      {"&a*", "SSUBSCRIBE a1", "resetchannels &?1", false},
      {"&a*", "PSUBSCRIBE a*", "resetchannels &a* &c", false},
      {"&a*", "PSUBSCRIBE a*", "resetchannels &*", false},
      {"&a*", "PSUBSCRIBE a*", "resetchannels &a**", true},
      {"&a* &b*", "PSUBSCRIBE a* b*", "resetchannels &a*", true},
      {"&a*", "SUBSCRIBE a1", "(+@all &a*) resetchannels", false},
      {"&a*", "SUBSCRIBE a1", "off -@all", false},
      {"&a*", "SUBSCRIBE a1", "resetchannels %S&a*", false},
      {"&a*", "SUBSCRIBE a1", "resetchannels %P&a*", true},
  };
  for (const auto& one : kCases) {
    SCOPED_TRACE(std::string(one.before) + " | " + one.subscribe + " | " + one.after);
    ASSERT_EQ(SetUser("u", "reset on nopass +@all -acl|load allkeys " + std::string(one.before)),
              "OK");
    ASSERT_EQ(
        SetUser("other", "reset on nopass +@all -acl|load allkeys " + std::string(one.before)),
        "OK");
    Client first = As("u");
    Client second = As("u");
    Client idle = As("u");
    Client other = As("other");
    for (Client* client : {&first, &second, &other}) Subscribe(*client, Words(one.subscribe));
    ASSERT_EQ(SetUser("u", one.after), "OK");
    for (Client* client : {&first, &second}) {
      if (one.is_closed) {
        ExpectClosed(*client);
      } else {
        client->SendLine("PING");
        client->Read();
      }
    }
    idle.SendLine("AUTH u x");
    idle.Read();
    other.SendLine("PING");
    other.Read();
  }
}

TEST_P(AclConnections, WhoLosesAChannelGetsNothingPublishedAfterwards) {
  ASSERT_EQ(SetUser("u", "reset on nopass +@all -acl|load allkeys &a*"), "OK");
  std::vector<Client> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(As("u"));
    Subscribe(clients.back(), {"SUBSCRIBE", "a1", "a2"});
  }
  EXPECT_EQ(admin().Do("PUBLISH a1 before"), ":8");
  for (Client& client : clients) EXPECT_EQ(Frame(client.Read()), "message a1 before");
  ASSERT_EQ(SetUser("u", "resetchannels &a2"), "OK");
  EXPECT_EQ(admin().Do("PUBLISH a1 after"), ":0");
  for (Client& client : clients) EXPECT_EQ(client.ReadUntilClosed(), "");
}

TEST_P(AclConnections, ClientsOfDeletedUsersAreDisconnected) {
  ASSERT_EQ(SetUser("u", "reset on nopass +@all -acl|load allkeys &*"), "OK");
  ASSERT_EQ(SetUser("v", "reset on nopass +@all -acl|load allkeys &*"), "OK");
  std::vector<Client> gone;
  for (int i = 0; i < 6; ++i) gone.push_back(As("u"));
  Subscribe(gone[0], {"SUBSCRIBE", "c"});
  gone[1].SendLine("BLPOP list 0");
  gone[2].SendLine("MULTI");
  Client stays = As("v");
  EXPECT_EQ(admin().Do("ACL DELUSER u nobody"), ":1");
  for (Client& client : gone) ExpectClosed(client);
  EXPECT_EQ(stays.Do("PING"), "PONG");
  // Whoever deletes himself may do nothing more, not even in the transaction that does it.
  Client self = As("v");
  self.SendLine("MULTI");
  self.SendLine("ACL DELUSER v");
  self.SendLine("SET stolen 1");
  self.SendLine("EXEC");
  const std::string rest = self.ReadUntilClosed();
  EXPECT_THAT(rest, HasSubstr("*2\r\n:1\r\n-NOPERM "));
  EXPECT_EQ(admin().Do("EXISTS stolen"), ":0");
  ExpectClosed(stays);
}

TEST_P(AclConnections, AChangeHoldsForTheNextCommandOnEveryReactor) {
  ASSERT_EQ(SetUser("u", "reset on nopass +@all -acl|load ~a*"), "OK");
  std::vector<Client> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(As("u"));
  for (Client& client : clients) EXPECT_EQ(client.Do("SET a 1"), "OK");
  ASSERT_EQ(SetUser("u", "-set"), "OK");
  for (Client& client : clients) {
    EXPECT_EQ(client.Do("SET a 1"),
              "-NOPERM this user has no permissions to run the 'set' command");
    EXPECT_EQ(client.Do("GET a"), "'1'");
    EXPECT_EQ(client.Do("GET b"),
              "-NOPERM this user has no permissions to access one of the keys used as arguments");
  }
}

TEST_P(AclConnections, WhoWaitsInAForbiddenCommandStopsWaiting) {
  ASSERT_EQ(SetUser("u", "reset on nopass +@all -acl|load ~a*"), "OK");
  Client waiting = As("u");
  const std::string id = std::to_string(waiting.Id());
  waiting.SendLine("BLPOP a1 0");
  ASSERT_TRUE(Eventually([&] {
    return admin().Call({"CLIENT", "LIST", "ID", id}).text.find("flags=b") != std::string::npos;
  }));
  ASSERT_EQ(SetUser("u", "~b*"), "OK");
  ASSERT_EQ(SetUser("u", "-get"), "OK");
  ASSERT_EQ(SetUser("u", "resetkeys ~b*"), "OK");
  EXPECT_EQ(waiting.Read().Show(),
            "-NOPERM this user has no permissions to access one of the keys used as arguments");
  EXPECT_EQ(admin().Do("RPUSH a1 x"), ":1");
  EXPECT_EQ(admin().Do("LLEN a1"), ":1");
  EXPECT_EQ(waiting.Do("PING"), "PONG");
}

TEST_P(AclConnections, TheUserIsSeenAndCanBeClosedByName) {
  ASSERT_EQ(SetUser("u", "reset on nopass +@all -acl|load allkeys &*"), "OK");
  Client one = As("u");
  Client two = As("u");
  EXPECT_EQ(one.Do("ACL WHOAMI"), "'u'");
  EXPECT_THAT(one.Call({"CLIENT", "INFO"}).text, HasSubstr(" user=u "));
  EXPECT_THAT(admin().Call({"CLIENT", "INFO"}).text, HasSubstr(" user=default "));
  EXPECT_EQ(admin().Do("CLIENT KILL USER nobody"), "-ERR No such user 'nobody'");
  EXPECT_EQ(admin().Do("CLIENT KILL USER u"), ":2");
  ExpectClosed(one);
  ExpectClosed(two);
  Client three = As("u");
  three.SendLine("RESET");
  EXPECT_EQ(three.Read().text, "RESET");
  EXPECT_EQ(three.Do("ACL WHOAMI"), "'default'");
}

TEST_P(AclConnections, RightsToPublishAndSubscribeAreApart) {
  ASSERT_EQ(SetUser("u", "reset on nopass +@all -acl|load %P&out.* %S&in.* &both.*"), "OK");
  Client client = As("u");
  const std::string refused =
      "-NOPERM this user has no permissions to access one of the channels used as arguments";
  EXPECT_EQ(client.Do("PUBLISH out.1 x"), ":0");
  EXPECT_EQ(client.Do("PUBLISH in.1 x"), refused);
  EXPECT_EQ(client.Do("PUBLISH both.1 x"), ":0");
  EXPECT_EQ(client.Do("SUBSCRIBE out.1"), refused);
  EXPECT_EQ(client.Do("PSUBSCRIBE out.*"), refused);
  EXPECT_EQ(client.Do("SSUBSCRIBE out.1"), refused);
  Subscribe(client, {"SUBSCRIBE", "in.1", "both.1"});
  EXPECT_EQ(admin().Call({"ACL", "GETUSER", "u"}).Find("channels")->text,
            "%P&out.* %S&in.* &both.*");
}

TEST_P(AclConnections, RolesGiveTheirRulesToUsers) {
  ASSERT_EQ(SetRole("reader", "+@read %R~pub:* &news.*"), "OK");
  ASSERT_EQ(SetRole("writer", "+@write ~own:* (+incr ~count)"), "OK");
  ASSERT_EQ(SetUser("u", "on nopass +ping +subscribe role:reader"), "OK");
  Client client = As("u");
  EXPECT_EQ(client.Do("GET pub:1"), "nil");
  EXPECT_EQ(client.Do("GET own:1"),
            "-NOPERM this user has no permissions to access one of the keys used as arguments");
  EXPECT_EQ(client.Do("SET own:1 x"),
            "-NOPERM this user has no permissions to run the 'set' command");
  ASSERT_EQ(SetUser("u", "role:writer"), "OK");
  EXPECT_EQ(client.Do("SET own:1 x"), "OK");
  EXPECT_EQ(client.Do("INCR count"), ":1");
  EXPECT_EQ(admin().Call({"ACL", "GETUSER", "u"}).Find("roles")->Show(), "['reader', 'writer']");
  EXPECT_THAT(admin().Call({"ACL", "LIST"}).Show(),
              HasSubstr("'user u on nopass resetchannels -@all +ping +subscribe role:reader "
                        "role:writer'"));
  EXPECT_EQ(admin().Do("ACL ROLES"), "['reader', 'writer']");
  EXPECT_EQ(admin().Call({"ACL", "GETROLE", "reader"}).Find("commands")->text, "-@all +@read");
  EXPECT_TRUE(admin().Call({"ACL", "GETROLE", "nobody"}).IsNull());
  // A change of the role is one of all its users.
  ASSERT_EQ(SetRole("reader", "-get"), "OK");
  EXPECT_EQ(client.Do("GET pub:1"),
            "-NOPERM this user has no permissions to run the 'get' command");
  EXPECT_EQ(admin().Do("ACL DELROLE reader"),
            "-ERR The role 'reader' is held by the user 'u'; take it away with -role:reader first");
  ASSERT_EQ(SetUser("u", "-role:writer"), "OK");
  EXPECT_EQ(client.Do("SET own:1 x"),
            "-NOPERM this user has no permissions to run the 'set' command");
  EXPECT_EQ(admin().Do("ACL DELROLE writer nobody"), ":1");
  EXPECT_EQ(SetUser("u", "role:writer"),
            "-ERR Error in ACL SETUSER modifier 'role:writer': There is no such role");
  EXPECT_EQ(SetRole("x", "on"),
            "-ERR Error in ACL SETROLE modifier 'on': Roles have rules for commands, keys and "
            "channels only");
}

TEST_P(AclConnections, ARoleThatLosesAChannelDisconnects) {
  ASSERT_EQ(SetRole("news", "+subscribe &news.*"), "OK");
  ASSERT_EQ(SetUser("u", "on nopass +subscribe role:news"), "OK");
  Client client = As("u");
  Subscribe(client, {"SUBSCRIBE", "news.1"});
  ASSERT_EQ(SetRole("news", "&more.*"), "OK");
  EXPECT_EQ(admin().Do("PUBLISH news.1 x"), ":1");
  ASSERT_EQ(SetRole("news", "resetchannels &more.*"), "OK");
  EXPECT_EQ(admin().Do("PUBLISH news.1 x"), ":0");
  ExpectClosed(client);
}

TEST_P(AclConnections, AdministratorsAreToldTheMissingRule) {
  ASSERT_EQ(SetUser("u", "reset on nopass +@all -set ~k*"), "OK");
  Client client = As("u");
  EXPECT_EQ(client.Do("SET k 1"),
            "-NOPERM this user has no permissions to run the 'set' command (missing rule: +set or "
            "one of +@write +@string +@slow)");
  EXPECT_EQ(client.Do("GET x"),
            "-NOPERM this user has no permissions to access one of the keys used as arguments "
            "(missing rule: %R~x)");
  ASSERT_EQ(SetUser("u", "-acl|setuser"), "OK");
  EXPECT_EQ(client.Do("SET k 1"), "-NOPERM this user has no permissions to run the 'set' command");
}

TEST_P(AclConnections, RefusalsAreCounted) {
  ASSERT_EQ(SetUser("u", "reset on nopass +@all -acl|load -set ~k* &c*"), "OK");
  Client client = As("u");
  const auto counts = [&] {
    std::vector<int64_t> all;
    for (const char* kind : {"auth", "cmd", "key", "channel"}) {
      all.push_back(InfoNumber("acl_access_denied_" + std::string(kind)));
    }
    return all;
  };
  const std::vector<int64_t> before = counts();
  for (const char* line : {"SET k 1", "GET x", "GET y", "PUBLISH x 1", "AUTH u", "AUTH nobody x",
                           "AUTH nobody y", "GET k"}) {
    client.Do(line);
  }
  std::vector<int64_t> after = counts();
  for (size_t i = 0; i < after.size(); ++i) after[i] -= before[i];
  EXPECT_THAT(after, ElementsAre(2, 1, 2, 1));
}

class AclChanges : public OwnServer {};

TEST_F(AclChanges, ChangesBesideTrafficAreSeenWhole) {
  Server server({.reactors = 4, .stripes = 64});
  Client admin = server.Connect();
  ASSERT_EQ(admin.Do("ACL SETUSER u on nopass +@all ~a:* &a.*"), "OK");
  constexpr int kClients = 6;
  constexpr int kChanges = 150;
  std::atomic<bool> is_over{false};
  std::atomic<int64_t> replies{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    threads.emplace_back([&, i] {
      while (!is_over.load()) {
        try {
          Client client = server.Connect();
          if (client.Call({"AUTH", "u", "x"}).IsError()) continue;  // deleted just now
          if (i % 3 == 0) client.Call({"SUBSCRIBE", "a.1"});
          for (int k = 0; k < 40 && !is_over.load(); ++k) {
            if (i % 3 == 0) {
              client.Call({"PING"});
              continue;
            }
            // Keys of both halves are never allowed together.
            const Reply both = client.Call({"MGET", "a:1", "b:1"});
            EXPECT_TRUE(both.IsError()) << both;
            const Reply one = client.Call({"INCR", i % 2 == 0 ? "a:n" : "b:n"});
            EXPECT_TRUE(!one.IsError() || one.text.starts_with("NOPERM") ||
                        one.text.starts_with("NOAUTH"))
                << one;
            client.Call({"PUBLISH", "a.1", "x"});
            ++replies;
          }
        } catch (const std::runtime_error&) {
          // Its user was deleted, or it lost its channel.
        }
      }
    });
  }
  for (int i = 0; i < kChanges; ++i) {
    const char* const kRules[] = {"resetkeys ~a:* resetchannels &a.*",
                                  "resetkeys ~b:* resetchannels &b.*",
                                  "resetkeys ~b:* resetchannels &*"};
    CommandLine command = Words("ACL SETUSER u on nopass +@all");
    for (const std::string& word : Words(kRules[i % 3])) command.push_back(word);
    EXPECT_EQ(admin.Call(command).Show(), "OK");
    if (i % 25 == 24) admin.Call({"ACL", "DELUSER", "u"});
    admin.Call({"ACL", "LOG"});
    admin.Call({"CLIENT", "LIST"});
  }
  is_over = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(replies.load(), 0);
  EXPECT_EQ(admin.Do("PING"), "PONG");
}

}  // namespace
}  // namespace peal::tests
