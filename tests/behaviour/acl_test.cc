// Users and their rights: ACL, AUTH, and what every command is checked for. Compared with
// redis-server 7.0.15 where it has the same; what it lacks follows Redis 7.2, Valkey 9.2 (roles) or
// is Peal's own (separate rights to publish and to subscribe).
//
// $PEAL_SEED repeats a run of the random comparison, $PEAL_ACL_ROUNDS sets its length.

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/behaviour.h"
#include "tests/support/side_by_side.h"

namespace peal::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using CommandLine = std::vector<std::string>;

/// Waits until the peer has closed, whatever it sends before.
void ExpectClosed(Client& client) { client.ReadUntilClosed(); }

// ---------------------------------------------------------------- beside redis-server

/// A redis-server and a Peal of their own, and a connection to each that may do everything.
class AclSideBySide : public ::testing::Test {
 protected:
  AclSideBySide()
      : theirs_(RedisReference()),
        ours_({.reactors = 2, .stripes = 16}),
        them_(theirs_.Connect()),
        us_(ours_.Connect()) {}

  /// Both sides get the command; the octets of the replies must be the same. Returns them.
  std::string Same(const CommandLine& command) { return SameOn(them_, us_, command); }
  std::string SameOn(Client& them, Client& us, const CommandLine& command) {
    them.SendCommand(command);
    us.SendCommand(command);
    std::string expected = them.ReadRaw();
    const std::string actual = us.ReadRaw();
    EXPECT_EQ(Escaped(actual), Escaped(expected)) << ::testing::PrintToString(command);
    ++compared_;
    return expected;
  }
  /// Connections of a user that both sides have.
  std::pair<Client, Client> LogIn(const std::string& user, int resp) {
    std::pair<Client, Client> pair(theirs_.Connect(), ours_.Connect());
    for (Client* client : {&pair.first, &pair.second}) {
      EXPECT_EQ(client->Call({"AUTH", user, "x"}).text, "OK");
      client->Hello(resp);
    }
    return pair;
  }
  /// Names of the commands that both have, subcommands included.
  std::set<std::string> CommonCommands() {
    // COMMAND LIST of redis-server 7.0 leaves subcommands out.
    const auto names_of = [](Client& client) {
      std::set<std::string> names;
      for (const Reply& category : client.Call({"ACL", "CAT"}).items) {
        for (const Reply& name : client.Call({"ACL", "CAT", category.text}).items) {
          names.insert(name.text);
        }
      }
      return names;
    };
    const std::set<std::string> theirs = names_of(them_);
    const std::set<std::string> ours = names_of(us_);
    std::set<std::string> common;
    std::set_intersection(theirs.begin(), theirs.end(), ours.begin(), ours.end(),
                          std::inserter(common, common.begin()));
    return common;
  }

  Server theirs_;
  Server ours_;
  Client them_;
  Client us_;
  int compared_ = 0;
};

TEST_F(AclSideBySide, CategoriesHoldTheSameCommands) {
  Same({"ACL", "CAT"});
  const std::set<std::string> common = CommonCommands();
  EXPECT_GT(common.size(), 280U);
  for (const Reply& category : them_.Call({"ACL", "CAT"}).items) {
    const auto members = [&](Client& client) {
      std::set<std::string> names;
      for (const Reply& name : client.Call({"ACL", "CAT", category.text}).items) {
        if (common.contains(name.text)) names.insert(name.text);
      }
      return names;
    };
    EXPECT_EQ(members(us_), members(them_)) << category.text;
  }
  RecordProperty("commands", static_cast<int>(common.size()));
}

TEST_F(AclSideBySide, RulesAreAcceptedAndRefusedAlike) {
  const std::string hash(64, 'a');
  const std::vector<CommandLine> all_rules = {
      {"on"},
      {"off"},
      {"ON"},
      {"nopass"},
      {"resetpass"},
      {"reset"},
      {">pw"},
      {">pw", ">pw", ">two"},
      {">pw", "<pw"},
      {"<pw"},
      {">"},
      {"#" + hash},
      {"#" + hash, "!" + hash},
      {"!" + hash},
      {"#abc"},
      {"#" + std::string(64, 'A')},
      {"!abc"},
      {"nopass", ">pw"},
      {">pw", "nopass"},
      {"skip-sanitize-payload"},
      {"sanitize-payload"},
      {"skip-sanitize-payload", "reset"},
      {"allkeys"},
      {"~*"},
      {"~a", "~b", "~a"},
      {"%R~a", "%W~a"},
      {"%r~a", "%w~b", "%rw~c"},
      {"%R~a", "~a"},
      {"%~a"},
      {"%"},
      {"%R"},
      {"%X~a"},
      {"%RR~a"},
      {"%R~"},
      {"~"},
      {"~a b"},
      {"~a\tb"},
      {"allkeys", "~a"},
      {"allkeys", "%R~a"},
      {"allkeys", "%X~a"},
      {"allkeys", "resetkeys", "~a"},
      {"~a", "resetkeys"},
      {"~a", "allkeys"},
      {"allchannels"},
      {"&*"},
      {"&a", "&b", "&a"},
      {"&"},
      {"&a b"},
      {"allchannels", "&a"},
      {"allchannels", "resetchannels", "&a"},
      {"&a", "allchannels"},
      {"+get"},
      {"+GET"},
      {"+nosuch"},
      {"-nosuch"},
      {"+"},
      {"-"},
      {"+@all"},
      {"-@all"},
      {"allcommands"},
      {"nocommands"},
      {"+@ALL"},
      {"+@string"},
      {"+@STRING"},
      {"+@nosuch"},
      {"+@"},
      {"+config|get"},
      {"+CONFIG|GET"},
      {"+config|nosuch"},
      {"+config|"},
      {"+config|get|x"},
      {"+get|x|y"},
      {"+select|0"},
      {"+select|"},
      {"-select|0"},
      {"+@all", "-select", "+select|0"},
      {"+@all", "-config|set"},
      {"+nosuch|x"},
      {"foo"},
      {""},
      {"(+get ~a)"},
      {"(+get", "~a)"},
      {"(", "+get", "~a", ")"},
      {"(+get", "~a"},
      {"on", "(+get", "~a"},
      {"()"},
      {"( )"},
      {")"},
      {"+get)"},
      {"(nope)"},
      {"(on)"},
      {"(>pw)"},
      {"(reset)"},
      {"(+nosuch)"},
      {"(allkeys ~a)"},
      {"(+@all ~* &*)"},
      {"(+get ~a)", "(+set ~b)"},
      {"(+get ~a)", "clearselectors"},
      {"(+get ~a)", "reset"},
      {"on", "+nosuch", "nopass"},
  };
  for (const int resp : {2, 3}) {
    them_.Hello(resp);
    us_.Hello(resp);
    for (const CommandLine& rules : all_rules) {
      Same({"ACL", "DELUSER", "u"});
      CommandLine command = {"ACL", "SETUSER", "u"};
      command.insert(command.end(), rules.begin(), rules.end());
      Same(command);
      Same({"ACL", "GETUSER", "u"});
      Same({"ACL", "LIST"});
      Same({"ACL", "USERS"});
    }
  }
  RecordProperty("compared", compared_);
}

TEST_F(AclSideBySide, TheCommandsReplyAlike) {
  for (const int resp : {2, 3}) {
    them_.Hello(resp);
    us_.Hello(resp);
    for (const char* line : {"ACL",
                             "ACL nosuch",
                             "ACL WHOAMI",
                             "ACL WHOAMI x",
                             "ACL USERS",
                             "ACL USERS x",
                             "ACL LIST",
                             "ACL GETUSER",
                             "ACL GETUSER nosuch",
                             "ACL GETUSER default",
                             "ACL SETUSER",
                             "ACL SETUSER x",
                             "ACL GETUSER x",
                             "ACL DELUSER",
                             "ACL DELUSER default",
                             "ACL DELUSER x default",
                             "ACL DELUSER x nosuch x",
                             "ACL CAT nosuch",
                             "ACL CAT a b",
                             "ACL GENPASS 0",
                             "ACL GENPASS -1",
                             "ACL GENPASS 4097",
                             "ACL GENPASS x",
                             "ACL GENPASS 1 2",
                             "ACL LOG x",
                             "ACL LOG 1 2",
                             "ACL LOG RESET",
                             "ACL LOG",
                             "ACL LOG -1",
                             "ACL SAVE",
                             "ACL LOAD",
                             "ACL SAVE x",
                             "ACL DRYRUN",
                             "ACL DRYRUN default",
                             "ACL DRYRUN nosuch get k",
                             "ACL DRYRUN default get k",
                             "ACL DRYRUN default nosuch",
                             "ACL DRYRUN default get",
                             "ACL DRYRUN default config nosuch",
                             "ACL DRYRUN default config",
                             "ACL DRYRUN default config get x",
                             "AUTH",
                             "AUTH x",
                             "AUTH nosuch x",
                             "AUTH a b c",
                             "AUTH default x",
                             "HELLO 2 AUTH nosuch x",
                             "CLIENT KILL USER nosuch"}) {
      Same(Words(line));
    }
    Same({"ACL", "SETUSER", "a b", "on"});
    Same({"ACL", "SETUSER", std::string("a\0b", 3), "on"});
  }
  for (const auto& [bits, digits] :
       std::map<std::string, size_t>{{"1", 1}, {"4", 1}, {"5", 2}, {"256", 64}, {"4096", 1024}}) {
    EXPECT_EQ(us_.Call({"ACL", "GENPASS", bits}).text.size(), digits);
    EXPECT_EQ(them_.Call({"ACL", "GENPASS", bits}).text.size(), digits);
  }
  EXPECT_EQ(us_.Call({"ACL", "GENPASS"}).text.size(), 64U);
  EXPECT_NE(us_.Call({"ACL", "GENPASS"}).text, us_.Call({"ACL", "GENPASS"}).text);
}

TEST_F(AclSideBySide, RefusedCommandsAreToldAlike) {
  Same({"ACL", "SETUSER", "z", "on", "nopass", "+@all", "-@dangerous", "-set", "-select",
        "+select|0", "~k*", "%R~r*", "%W~w*", "&c*", "-config", "+acl|whoami", "+sort"});
  for (const int resp : {2, 3}) {
    auto [them, us] = LogIn("z", resp);
    for (const char* line : {"GET k",
                             "GET r",
                             "GET w",
                             "GET x",
                             "SET k 1",
                             "APPEND w 1",
                             "APPEND r 1",
                             "SELECT 0",
                             "SELECT 1",
                             "CONFIG GET x",
                             "CONFIG",
                             "CONFIG NOSUCH",
                             "NOSUCH",
                             "KEYS *",
                             "FLUSHALL",
                             "ACL WHOAMI",
                             "ACL LIST",
                             "CLIENT LIST",
                             "CLIENT KILL ID 999999",
                             "PUBLISH c 1",
                             "PUBLISH x 1",
                             "SPUBLISH x 1",
                             "SPUBLISH c1 1",
                             "MGET k1 k2",
                             "MGET k1 x",
                             "COPY r1 w1",
                             "COPY w1 r1",
                             "DEL r1",
                             "DEL w1",
                             "UNLINK k1 r1",
                             "RENAME k1 w1",
                             "RENAME w1 k1",
                             "SORT k BY w_*",
                             "SORT k BY foo",
                             "SORT k GET w",
                             "SORT k GET #",
                             "SORT_RO k BY w_*",
                             "SORT k LIMIT x 1 BY w_*",
                             "SORT k BY w_* LIMIT x",
                             "SORT k BY w_* STORE d",
                             "SORT x BY w_*",
                             "BITFIELD r GET u8 0",
                             "BITFIELD r SET u8 0 1",
                             "LMPOP 1 k LEFT",
                             "LMPOP 1 x LEFT",
                             "LMPOP 2 k x LEFT",
                             "LMPOP x k LEFT",
                             "LMPOP 9 k LEFT",
                             "ZUNIONSTORE w 1 r",
                             "ZUNIONSTORE r 1 r",
                             "ZUNIONSTORE w 1 w",
                             "XREAD STREAMS r 0",
                             "XREAD STREAMS w 0",
                             "XREAD STREAMS r w 0 0",
                             "OBJECT ENCODING w",
                             "OBJECT ENCODING x",
                             "EXISTS x",
                             "EXISTS w",
                             "TYPE w",
                             "TYPE x",
                             "TOUCH x",
                             "GEORADIUS r 1 1 1 km STORE x",
                             "GEORADIUS r 1 1 1 km STORE w",
                             "MULTI",
                             "GET x",
                             "EXEC",
                             "MULTI",
                             "SET k 1",
                             "DISCARD",
                             "WATCH x",
                             "WATCH w",
                             "PING",
                             "ECHO x",
                             "RESET",
                             "AUTH z x",
                             "GETDEL w",
                             "GETDEL k",
                             "EXPIRE w 10",
                             "EXPIRE r 10",
                             "LCS r1 w1",
                             "BITOP AND w1 r1",
                             "BITOP AND w1 w2",
                             "SUBSCRIBE x",
                             "PSUBSCRIBE c",
                             "PSUBSCRIBE x*",
                             "SSUBSCRIBE x y",
                             "SUBSCRIBE c1 x"}) {
      SameOn(them, us, Words(line));
    }
    them.Hello(resp);
    us.Hello(resp);
    SameOn(them, us, Words("PSUBSCRIBE c*"));
  }
  RecordProperty("compared", compared_);
}

TEST_F(AclSideBySide, TransactionsAreCheckedAgainWhenTheyRun) {
  for (const int resp : {2, 3}) {
    Same({"ACL", "SETUSER", "z", "reset", "on", "nopass", "+@all", "-acl|load", "~*", "&*"});
    Same({"ACL", "SETUSER", "small", "reset", "on", "nopass", "~k", "+get", "+exec", "+auth"});
    auto [them, us] = LogIn("z", resp);
    for (const char* line : {"MULTI", "GET k", "SET k v", "PUBLISH c x", "APPEND k 1"}) {
      SameOn(them, us, Words(line));
    }
    Same({"ACL", "SETUSER", "z", "-append", "resetkeys", "%R~k", "resetchannels"});
    SameOn(them, us, Words("EXEC"));
    SameOn(them, us, Words("MULTI"));
    SameOn(them, us, Words("SET k v"));
    SameOn(them, us, Words("EXEC"));
    Same({"ACL", "SETUSER", "z", "allkeys"});
    for (const char* line :
         {"MULTI", "SET k 1", "AUTH small x", "SET k 2", "GET k", "GET x", "EXEC", "GET k"}) {
      SameOn(them, us, Words(line));
    }
  }
}

/// The fields that both have, without those that differ by nature.
std::vector<std::string> LogFields(const Reply& entry) {
  std::vector<std::string> fields;
  for (size_t i = 0; i + 1 < entry.items.size(); i += 2) {
    const std::string& name = entry.items[i].text;
    const bool is_own = name == "age-seconds" || name == "client-info" || name == "entry-id" ||
                        name.starts_with("timestamp-");
    if (!is_own) fields.push_back(name + "=" + entry.items[i + 1].Show());
  }
  return fields;
}

TEST_F(AclSideBySide, TheLogTellsTheSame) {
  Same({"ACL", "SETUSER", "z", "on", "nopass", "+@all", "-acl|load", "-set", "~k*", "&c*"});
  for (const int resp : {2, 3}) {
    Same({"ACL", "LOG", "RESET"});
    auto [them, us] = LogIn("z", resp);
    for (const char* line :
         {"SET k 1", "SET k 1", "GET x", "get y", "GET x", "PUBLISH x 1", "SUBSCRIBE c x",
          "AUTH nobody x", "auth nobody x", "AUTH z", "HELLO 3 AUTH nobody x", "MULTI", "GET x",
          "SET k 1", "DISCARD", "config nosuch", "ACL LOAD"}) {
      SameOn(them, us, Words(line));
    }
    const Reply theirs = them_.Call({"ACL", "LOG", "100"});
    const Reply ours = us_.Call({"ACL", "LOG", "100"});
    ASSERT_EQ(ours.items.size(), theirs.items.size());
    for (size_t i = 0; i < ours.items.size(); ++i) {
      EXPECT_EQ(LogFields(ours.items[i]), LogFields(theirs.items[i])) << i;
      EXPECT_EQ(ours.items[i].Find("client-info")->text.substr(0, 3), "id=");
    }
    EXPECT_EQ(us_.Call({"ACL", "LOG", "2"}).items.size(), 2U);
  }
}

TEST_F(AclSideBySide, ScriptsHaveTheRightsOfTheirCaller) {
  Same({"ACL", "SETUSER", "z", "on", "nopass", "+@all", "-set", "-acl|load", "~k*", "&c*"});
  Same({"FUNCTION", "LOAD",
        "#!lua name=l\nredis.register_function('f',function(k,a) return redis.call('set','k',1) "
        "end)"});
  for (const int resp : {2, 3}) {
    Same({"ACL", "LOG", "RESET"});
    auto [them, us] = LogIn("z", resp);
    for (const char* script : {"return redis.call('set','k',1)",
                               "return redis.pcall('set','k',1)",
                               "return redis.call('get','x')",
                               "return redis.pcall('get','x')",
                               "return redis.call('get','k')",
                               "return redis.pcall('get','x').err",
                               "return redis.call('publish','x','1')",
                               "return redis.pcall('publish','x','1')",
                               "return redis.call('config','set','x','y')",
                               "return redis.call('sort','k','by','w_*')",
                               "return redis.call('config')",
                               "return redis.call('get')",
                               "return tostring(redis.acl_check_cmd('get','k'))",
                               "return tostring(redis.acl_check_cmd('get','x'))",
                               "return tostring(redis.acl_check_cmd('set','k','1'))",
                               "return tostring(redis.acl_check_cmd('publish','c','x'))",
                               "return tostring(redis.acl_check_cmd('publish','y','x'))",
                               "return tostring(redis.acl_check_cmd('get'))",
                               "return tostring(redis.acl_check_cmd('config','get','x'))",
                               "return tostring(redis.acl_check_cmd('nosuch'))"}) {
      SameOn(them, us, {"EVAL", script, "0"});
    }
    SameOn(them, us, {"EVAL", "return 1", "1", "x"});
    SameOn(them, us, {"EVAL", "return 1", "1", "k"});
    SameOn(them, us, {"FCALL", "f", "0"});
    for (const char* line : {"MULTI", "EVAL return(redis.call('set','k',1)) 0", "EXEC"}) {
      SameOn(them, us, Words(line));
    }
    const Reply theirs = them_.Call({"ACL", "LOG", "100"});
    const Reply ours = us_.Call({"ACL", "LOG", "100"});
    ASSERT_EQ(ours.items.size(), theirs.items.size());
    for (size_t i = 0; i < ours.items.size(); ++i) {
      EXPECT_EQ(LogFields(ours.items[i]), LogFields(theirs.items[i])) << i;
    }
  }
}

// ---------------------------------------------------------------- random rules

/// Keys as redis-server shows them: where reading and writing all keys were allowed one after the
/// other it shows a rule that it does not read back.
std::string AsRedisShows(const Reply& keys) {
  std::string text = keys.Show();
  for (size_t at = text.find("%RW~*"); at != std::string::npos; at = text.find("%RW~*")) {
    text.erase(at, 3);
  }
  return text;
}

/// Random rules, and random commands to ask about.
class RandomRules {
 public:
  RandomRules(uint64_t seed, const std::set<std::string>& commands)
      : random_(seed), commands_(commands.begin(), commands.end()) {}

  size_t Below(size_t bound) { return random_() % bound; }
  const std::string& Command() { return commands_[Below(commands_.size())]; }
  std::string Name() {
    static const char* const kNames[] = {"a", "b", "ab", "a1", "b1", "key:1", "key:22", "k", ""};
    return kNames[Below(std::size(kNames))];
  }
  std::string Pattern() {
    static const char* const kPatterns[] = {"a",     "b",    "a*",    "b*", "*b",  "?", "key:*",
                                            "key:?", "[ab]", "a[^b]", "*",  "k*1", "",  "a?b*"};
    return kPatterns[Below(std::size(kPatterns))];
  }
  std::string Category() {
    static const char* const kCategories[] = {
        "keyspace", "read",   "write",    "set",         "sortedset",  "list",        "hash",
        "string",   "bitmap", "geo",      "hyperloglog", "stream",     "pubsub",      "admin",
        "fast",     "slow",   "blocking", "dangerous",   "connection", "transaction", "all"};
    return kCategories[Below(std::size(kCategories))];
  }
  std::string SelectorRule() {
    switch (Below(12)) {
      case 0:
        return "~" + Pattern();
      case 1:
        return "%R~" + Pattern();
      case 2:
        return "%W~" + Pattern();
      case 3:
        return Below(4) == 0 ? "allkeys" : "resetkeys";
      case 4:
        return "&" + Pattern();
      case 5:
        return Below(4) == 0 ? "allchannels" : "resetchannels";
      case 6:
      case 7:
        return (Below(3) == 0 ? "-@" : "+@") + Category();
      case 8:
        return "+select|" + std::to_string(Below(3));
      case 9:
        return "-" + Command();
      default:
        return "+" + Command();
    }
  }
  std::string Rule() {
    switch (Below(16)) {
      case 0: {
        std::string selector = "(";
        for (size_t i = Below(5); i > 0; --i) selector += SelectorRule() + " ";
        return selector + ")";
      }
      case 1:
        return Below(3) == 0 ? "clearselectors" : "on";
      default:
        return SelectorRule();
    }
  }
  /// A command with arguments that mostly fit it.
  CommandLine Request() {
    static const char* const kLines[] = {"GET K",
                                         "SET K v",
                                         "SET K v GET",
                                         "MGET K K",
                                         "MSET K v K v",
                                         "DEL K K",
                                         "COPY K K",
                                         "RENAME K K",
                                         "LPUSH K v",
                                         "LMOVE K K LEFT LEFT",
                                         "BLPOP K K 0",
                                         "SADD K v",
                                         "SINTERSTORE K K K",
                                         "SINTERCARD 2 K K",
                                         "ZADD K 1 m",
                                         "ZUNIONSTORE K 2 K K",
                                         "ZDIFF 2 K K",
                                         "ZMPOP 2 K K MIN",
                                         "HSET K f v",
                                         "HGETALL K",
                                         "XADD K * f v",
                                         "XREAD STREAMS K K 0 0",
                                         "XGROUP CREATE K g 0",
                                         "PFADD K v",
                                         "PFCOUNT K K",
                                         "BITFIELD K GET u8 0",
                                         "BITFIELD K SET u8 0 1",
                                         "BITOP AND K K K",
                                         "GEOADD K 1 1 m",
                                         "GEORADIUS K 1 1 1 km STORE K",
                                         "GEOSEARCHSTORE K K FROMLONLAT 1 1 BYRADIUS 1 km",
                                         "SORT K",
                                         "SORT K STORE K",
                                         "OBJECT ENCODING K",
                                         "EXISTS K",
                                         "TYPE K",
                                         "TOUCH K",
                                         "EXPIRE K 10",
                                         "GETDEL K",
                                         "GETEX K",
                                         "APPEND K v",
                                         "LCS K K",
                                         "PUBLISH K m",
                                         "SPUBLISH K m",
                                         "SUBSCRIBE K K",
                                         "PSUBSCRIBE P P",
                                         "SSUBSCRIBE K",
                                         "UNSUBSCRIBE K",
                                         "SELECT 0",
                                         "SELECT 2",
                                         "CONFIG GET x",
                                         "CONFIG SET x y",
                                         "CLIENT ID",
                                         "CLIENT KILL ID 1",
                                         "INFO",
                                         "FLUSHALL",
                                         "KEYS *",
                                         "SCAN 0",
                                         "MULTI",
                                         "EXEC",
                                         "WATCH K",
                                         "PING",
                                         "AUTH x",
                                         "HELLO",
                                         "MEMORY USAGE K",
                                         "DUMP K",
                                         "RESTORE K 0 x",
                                         "ACL WHOAMI",
                                         "ACL SETUSER x",
                                         "MOVE K 1",
                                         "SWAPDB 0 1",
                                         "DEBUG OBJECT K",
                                         "SINTER K K K",
                                         "SMOVE K K m",
                                         "HRANDFIELD K"};
    CommandLine words = Words(kLines[Below(std::size(kLines))]);
    for (std::string& word : words) {
      if (word == "K") word = Name();
      if (word == "P") word = Pattern();
    }
    return words;
  }

 private:
  std::mt19937_64 random_;
  const std::vector<std::string> commands_;
};

TEST_F(AclSideBySide, RandomRulesAllowTheSame) {
  const char* chosen = std::getenv("PEAL_ACL_ROUNDS");
  const int rounds = chosen != nullptr ? std::atoi(chosen) : 150;
  constexpr int kRequests = 25;
  RandomRules random(Seed(), CommonCommands());
  int rule_lists = 0;
  int requests = 0;
  int allowed = 0;
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    CommandLine command = {"ACL", "SETUSER", "u"};
    if (round % 4 == 0) command.emplace_back("reset");
    if (round % 3 == 0) command.emplace_back("+@all");
    std::string rules;
    for (size_t i = 1 + random.Below(12); i > 0; --i) {
      command.push_back(random.Rule());
      rules += command.back() + " ";
    }
    SCOPED_TRACE("round " + std::to_string(round) + ": " + rules);
    if (Same(command) != "+OK\r\n") continue;
    ++rule_lists;
    // The text of command rules differs by design; keys, channels and flags do not.
    const Reply theirs = them_.Call({"ACL", "GETUSER", "u"});
    const Reply ours = us_.Call({"ACL", "GETUSER", "u"});
    for (const char* field : {"flags", "keys", "channels"}) {
      EXPECT_EQ(AsRedisShows(*ours.Find(field)), theirs.Find(field)->Show());
    }
    const auto& selectors = theirs.Find("selectors")->items;
    ASSERT_EQ(ours.Find("selectors")->items.size(), selectors.size());
    for (size_t i = 0; i < selectors.size(); ++i) {
      for (const char* field : {"keys", "channels"}) {
        EXPECT_EQ(AsRedisShows(*ours.Find("selectors")->items[i].Find(field)),
                  selectors[i].Find(field)->Show());
      }
    }
    // What we say about the user makes the same user again, there and here.
    CommandLine copy = {"ACL", "SETUSER", "copy", "reset"};
    for (const Reply& line : us_.Call({"ACL", "LIST"}).items) {
      if (!line.text.starts_with("user u ")) continue;
      for (const std::string& word : Words(line.text.substr(7))) copy.push_back(word);
    }
    EXPECT_EQ(Same(copy), "+OK\r\n");
    for (int i = 0; i < kRequests; ++i) {
      const CommandLine request = random.Request();
      for (const char* user : {"u", "copy"}) {
        CommandLine question = {"ACL", "DRYRUN", user};
        question.insert(question.end(), request.begin(), request.end());
        if (Same(question) == "+OK\r\n") ++allowed;
        ++requests;
      }
    }
  }
  if (!HasFailure()) {
    EXPECT_GT(rule_lists, rounds / 10);
  }
  std::cout << rule_lists << " lists of rules, " << requests << " requests, " << allowed
            << " allowed\n";
}

// ---------------------------------------------------------------- connections

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

// ---------------------------------------------------------------- login, files, configuration

class AclOwnServer : public OwnServer {};

TEST_F(AclOwnServer, RequirepassIsTheDefaultUsersPassword) {
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

TEST_F(AclOwnServer, NewUsersGetTheChannelsOfAclPubsubDefault) {
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

TEST_F(AclOwnServer, TheLogHasTheLengthOfTheConfiguration) {
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

TEST_F(AclOwnServer, UsersOfTheConfigurationFileAreKeptByARewrite) {
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

// ---------------------------------------------------------------- changes beside traffic

TEST_F(AclOwnServer, ChangesBesideTrafficAreSeenWhole) {
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
