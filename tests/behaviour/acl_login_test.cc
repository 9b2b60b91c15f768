// Login, users in files and in the configuration, and the directives about them.

#include <string>
#include <vector>

#include "tests/support/behaviour.h"
#include "tests/support/side_by_side.h"

namespace peal::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

using CommandLine = std::vector<std::string>;

/// Waits until the peer has closed, whatever it sends before.
void ExpectClosed(Client& client) { client.ReadUntilClosed(); }

class AclLogin : public OwnServer {};

TEST_F(AclLogin, RequirepassIsTheDefaultUsersPassword) {
  Server server({.reactors = 2, .args = {"--requirepass", "secret"}});
  Client client = server.Connect();
  EXPECT_EQ(client.Do("PING"), "-NOAUTH Authentication required.");
  EXPECT_EQ(client.Do("AUTH default secret"), "OK");
  EXPECT_THAT(client.Call({"ACL", "LIST"}).At(0), StartsWith("user default on #2bb80d537b1da3e"));
  EXPECT_EQ(client.Do("ACL SETUSER default >more"), "OK");
  EXPECT_EQ(client.Do("AUTH more"), "OK");
  EXPECT_EQ(client.Do("CONFIG SET requirepass other"), "OK");
  EXPECT_EQ(client.Do("AUTH more"),
            "-WRONGPASS invalid username-password pair or user is disabled.");
  EXPECT_EQ(client.Do("AUTH other"), "OK");
  // A change that fails leaves passwords that ACL SETUSER gave.
  EXPECT_EQ(client.Do("ACL SETUSER default >kept"), "OK");
  EXPECT_THAT(client.Call({"CONFIG", "SET", "requirepass", "x", "maxclients", "2000000000"}).Show(),
              StartsWith("-ERR CONFIG SET failed"));
  EXPECT_EQ(client.Do("AUTH kept"), "OK");
  // Whoever is connected need not log in once the default user needs no password.
  Client stranger = server.Connect();
  EXPECT_EQ(stranger.Do("PING"), "-NOAUTH Authentication required.");
  EXPECT_EQ(client.Do("ACL SETUSER default nopass"), "OK");
  EXPECT_EQ(stranger.Do("PING"), "PONG");
  EXPECT_EQ(client.Do("ACL SETUSER default off"), "OK");
  EXPECT_EQ(stranger.Do("PING"), "-NOAUTH Authentication required.");
  EXPECT_EQ(client.Do("PING"), "PONG");
}

TEST_F(AclLogin, NewUsersGetTheChannelsOfAclPubsubDefault) {
  Server server({.args = {"--acl-pubsub-default", "allchannels"}});
  Client client = server.Connect();
  EXPECT_EQ(client.Do("ACL SETUSER a"), "OK");
  EXPECT_EQ(client.Do("CONFIG SET acl-pubsub-default resetchannels"), "OK");
  EXPECT_EQ(client.Do("ACL SETUSER b"), "OK");
  EXPECT_EQ(client.Do("ACL SETUSER a reset"), "OK");
  EXPECT_EQ(client.Do("ACL LIST"),
            "['user a off sanitize-payload resetchannels -@all', 'user b off resetchannels -@all', "
            "'user default on nopass ~* &* +@all']");
}

TEST_F(AclLogin, TheLogHasTheLengthOfTheConfiguration) {
  Server server({.args = {"--acllog-max-len", "3"}});
  Client client = server.Connect();
  for (int i = 0; i < 5; ++i) client.Call({"AUTH", "u" + std::to_string(i), "x"});
  const Reply log = client.Call({"ACL", "LOG"});
  ASSERT_EQ(log.items.size(), 3U);
  EXPECT_EQ(log.items[0].Find("username")->text, "u4");
  EXPECT_EQ(client.Do("CONFIG SET acllog-max-len 1"), "OK");
  EXPECT_EQ(client.Call({"ACL", "LOG"}).items.size(), 1U);
  client.Call({"AUTH", std::string(5000, 'x'), "x"});
  EXPECT_EQ(client.Call({"ACL", "LOG"}).items[0].Find("username")->text.size(), 1024U);
}

/// A server with an aclfile in a directory of its own.
class AclFile : public OwnServer {
 protected:
  AclFile() : dir_(MakeTemporaryDirectory()), path_(dir_ + "/users.acl") {}
  ~AclFile() override { (void)RunProgram("/bin/rm", {"-rf", dir_}); }
  ServerOptions Options() const {
    ServerOptions options;
    options.reactors = 2;
    options.args = {"--aclfile", path_};
    return options;
  }
  const std::string dir_;
  const std::string path_;
};

TEST_F(AclFile, UsersAreSavedAndLoaded) {
  WriteFile(path_, "\nuser default on nopass ~* &* +@all\n\r\n  user a on >pw ~a* (+get ~b*)  \n");
  std::string saved;
  {
    Server server(Options());
    Client client = server.Connect();
    EXPECT_EQ(client.Do("ACL USERS"), "['a', 'default']");
    EXPECT_EQ(client.Do("ACL SETROLE r +@read %R~x* %S&news.*"), "OK");
    EXPECT_EQ(client
                  .Call({"ACL", "SETUSER", "b", "on", "#" + std::string(64, 'a'), "role:r",
                         "+select|0", "(~\"a)b\" &x)"})
                  .Show(),
              "OK");
    EXPECT_EQ(client.Do("ACL SAVE"), "OK");
    saved = ReadFile(path_);
    EXPECT_THAT(saved,
                StartsWith("role r %R~x* resetchannels %S&news.* -@all +@read\nuser a on #"));
    // Nothing of this was saved.
    EXPECT_EQ(client.Do("ACL SETUSER c on"), "OK");
    EXPECT_EQ(client.Do("ACL SETUSER a off"), "OK");
    EXPECT_EQ(client.Do("ACL LOAD"), "OK");
    EXPECT_EQ(client.Do("ACL USERS"), "['a', 'b', 'default']");
    EXPECT_EQ(client.Do("ACL SAVE"), "OK");
    EXPECT_EQ(ReadFile(path_), saved);
  }
  Server server(Options());
  Client client = server.Connect();
  EXPECT_EQ(client.Do("ACL SAVE"), "OK");
  EXPECT_EQ(ReadFile(path_), saved);
}

TEST_F(AclFile, LoadingKeepsConnectionsWhoseUserStaysAndClosesOthers) {
  WriteFile(path_, "user a on nopass ~* &a* +@all\nuser b on nopass ~* &* +@all\n");
  Server server(Options());
  Client admin = server.Connect();
  const auto as = [&](const std::string& user) {
    Client client = server.Connect();
    EXPECT_EQ(client.Call({"AUTH", user, "x"}).text, "OK");
    return client;
  };
  Client stays = as("a");
  Client loses = as("a");
  Client gone = as("b");
  loses.Do("SUBSCRIBE a1");
  stays.Do("SUBSCRIBE a2");
  WriteFile(path_, "user a on nopass ~* &a2 +@all\n");
  EXPECT_EQ(admin.Do("ACL LOAD"), "OK");
  ExpectClosed(loses);
  ExpectClosed(gone);
  EXPECT_EQ(stays.Do("PING"), "['pong', '']");
  EXPECT_EQ(admin.Do("ACL USERS"), "['a', 'default']");
}

TEST_F(AclFile, FaultsAreToldAsRedisTellsThemAndChangeNothing) {
  const std::string good = "user default on nopass ~* &* +@all\nuser a on nopass ~a* +get\n";
  WriteFile(path_, good);
  ServerOptions reference = RedisReference();
  reference.args = {"--aclfile", path_};
  Server theirs(reference);
  Server ours(Options());
  Client them = theirs.Connect();
  Client us = ours.Connect();
  const std::string list = us.Do("ACL LIST");
  int compared = 0;
  for (const std::string bad : {
           "user b on +nosuch\n",
           "\n\nuser b on foo\n",
           "foo\n",
           "user\n",
           "# a comment\n",
           "user a on\nuser a on\n",
           "user b (+get\n",
           "user b on\nuser c (+get ~x\nuser d on\n",
           "user b +@all ~a (+set %R~x) (~b  +get )\nuser e allkeys ~x\n",
           "user b on +nosuch ~a b foo\nuser c #abc\nuser c on\nrolex y\n",
           "user b <nope\n",
           "user default on nopass ~* &* +@all\nuser b (nope)\nuser c +@nosuch +config|nosuch\n",
           "user b +config|get|x\n",
           "user b &* &x\n",
       }) {
    WriteFile(path_, bad);
    them.SendLine("ACL LOAD");
    us.SendLine("ACL LOAD");
    EXPECT_EQ(us.ReadRaw(), them.ReadRaw()) << bad;
    EXPECT_EQ(us.Do("ACL LIST"), list) << bad;
    ++compared;
  }
  WriteFile(path_, "user b on role:x\nrole (x +get\nrole y on\nrole y +get\n");
  EXPECT_EQ(us.Do("ACL LOAD"),
            "-ERR '" + path_ + ":2: username '(x' contains invalid characters. " + path_ +
                ":3: Roles have rules for commands, keys and channels only. WARNING: Duplicate "
                "user 'y' found on line 4. " +
                path_ +
                ":1: There is no such role. WARNING: ACL errors detected, no change to the "
                "previously active ACL rules was performed");
  (void)RunProgram("/bin/rm", {path_});
  us.SendLine("ACL LOAD");
  them.SendLine("ACL LOAD");
  EXPECT_EQ(us.ReadRaw(), them.ReadRaw());
  EXPECT_EQ(us.Do("ACL LIST"), list);
  RecordProperty("compared", compared);
}

/// How the program ends when it is started with these arguments.
ProgramResult Start(const std::vector<std::string>& args) {
  std::vector<std::string> all = args;
  for (const std::string word : {"--port", "0"}) all.push_back(word);
  return RunProgram(ServerUnderTest(), all);
}

TEST_F(AclFile, AServerWithWrongUsersDoesNotStart) {
  WriteFile(path_, "user a on\n\nuser b +nosuch\n");
  ProgramResult result = Start({"--aclfile", path_});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr(path_ + ":3: Error in applying operation '+nosuch': "
                                               "Unknown command or category name in ACL."));
  const std::string config = dir_ + "/peal.conf";
  const struct {
    const char* text;
    const char* where;
    const char* reason;
  } kCases[] = {
      {"port 0\nuser a on\nuser a off\n", "at line 3 of ",
       "Error in user declaration 'a': Duplicate user found. A user can only be defined once in "
       "config files"},
      {"user a on +nosuch\n", "at line 1 of ",
       "Error in user declaration 'a': '+nosuch': Unknown command or category name in ACL"},
      {"\n\nuser a on foo\n", "at line 3 of ",
       "Error in user declaration 'a': 'foo': Syntax error"},
      {"user a on (+get\n", "at line 1 of ",
       "Error in user declaration 'a': Unmatched parenthesis in selector definition"},
      {"user\n", "at line 1 of ", "Bad directive or wrong number of arguments"},
      {"user \"a b\" on\n", "at line 1 of ", "Spaces not allowed in ACL usernames"},
      {"user a <secret\n", "at line 1 of ", "'<(redacted)': The password you are trying to remove"},
      {"user a role:x\n", "at line 1 of ", "'role:x': There is no such role"},
      {"role x >secret\n", "at line 1 of ", "Error in role declaration 'x': '>(redacted)'"},
      {"user a on\naclfile /nowhere\n", "", "at the same time is invalid"},
      {"aclfile /nowhere/users.acl\n", "",
       "opening file '/nowhere/users.acl': No such file or directory"},
  };
  for (const auto& one : kCases) {
    WriteFile(config, one.text);
    result = Start({config});
    EXPECT_EQ(result.exit_code, 1) << one.text;
    EXPECT_THAT(result.output, HasSubstr(one.where)) << one.text;
    EXPECT_THAT(result.output, HasSubstr(one.reason)) << one.text;
    EXPECT_THAT(result.output, Not(HasSubstr("secret"))) << one.text;
    EXPECT_NE(RunProgram(ServerUnderTest(), {config, "--test-config"}).exit_code, 0) << one.text;
  }
}

TEST_F(AclLogin, UsersOfTheConfigurationFileAreKeptByARewrite) {
  ServerOptions options;
  options.reactors = 2;
  options.config_file =
      "# users\nuser a on >pw ~a* +@read role:r\ntimeout 7\nrole r &news.*\nuser b off\n# end\n";
  Server server(options);
  Client client = server.Connect();
  EXPECT_EQ(client.Do("ACL USERS"), "['a', 'b', 'default']");
  EXPECT_EQ(client.Do("ACL DELUSER b"), ":1");
  EXPECT_EQ(client.Call({"ACL", "SETUSER", "c", "on", "~a\"b", "(~\"x)\" +get)"}).Show(), "OK");
  EXPECT_EQ(client.Do("CONFIG SET timeout 8"), "OK");
  const std::string list = client.Do("ACL LIST");
  EXPECT_EQ(client.Do("CONFIG REWRITE"), "OK");
  const std::string file = server.dir() + "/peal.conf";
  const Reply info = client.Call({"INFO", "server"});
  const std::string path = InfoField("\n" + info.text, "config_file");
  const std::string text = ReadFile(path);
  EXPECT_THAT(text, StartsWith("# users\nrole r resetchannels &news.* -@all\nuser a on #"));
  EXPECT_THAT(text, HasSubstr("\ntimeout 8\n# end\n"));
  EXPECT_THAT(text, Not(HasSubstr("user b")));
  EXPECT_THAT(text, Not(HasSubstr("user default")));
  ServerOptions again;
  again.config_file = text;
  Server second(again);
  EXPECT_EQ(second.Connect().Do("ACL LIST"), list);
}

}  // namespace
}  // namespace peal::tests
