// Users and their rights beside redis-server 7.0.15, which must say the same of rules, categories,
// refusals and the log; then of random rules. Where 7.2 differs, as it does.
//
// $PEAL_SEED repeats a run of the random comparison, $PEAL_ACL_ROUNDS sets its length.

#include <cstdlib>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/behaviour.h"
#include "tests/support/side_by_side.h"

namespace peal::tests {
namespace {

using CommandLine = std::vector<std::string>;

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

}  // namespace
}  // namespace peal::tests
