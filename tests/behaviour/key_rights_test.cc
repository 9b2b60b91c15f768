// Which words of a request are keys: rights are checked and locks are taken for those that the
// command then uses, whatever comes twice, in an odd order, or as the value of another option.
// Beside redis-server 7.0.15 where that does so too, and by what a user without rights reaches.
//
// $PEAL_SEED repeats a run of the random requests, $PEAL_KEY_RIGHTS_ROUNDS sets its length.

#include <cstdlib>
#include <initializer_list>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/behaviour.h"
#include "tests/support/side_by_side.h"

namespace peal::tests {
namespace {

using CommandLine = std::vector<std::string>;

class KeyRights : public Behaviour {};
INSTANTIATE_TEST_SUITE_P(, KeyRights,
                         ::testing::Values(Setup{
                             .reactors = kManyReactors, .stripes = kManyStripes, .resp = 2}),
                         SetupName);

TEST_P(KeyRights, KeysOfOddRequestsAreThoseOfRedis) {
  Client ours = ConnectResp2();
  Client theirs = Reference().Connect();
  for (const char* const request : {
           "SORT k STORE a STORE b",
           "SORT k BY STORE STORE b",
           "SORT k GET STORE GET STORE STORE STORE",
           "SORT k STORE",
           "SORT k BY w_* GET o_*",
           "SORT_RO k BY STORE",
           "GEORADIUS k 1 2 3 km",
           "GEORADIUS k 1 2 3 km STORE",
           "GEORADIUS k 1 2 3 km STORE a",
           "GEORADIUS k 1 2 3 km COUNT 1 STOREDIST a ASC",
           "GEORADIUS STORE 1 2 3 km STORE STORE",
           "GEORADIUS_RO k 1 2 3 km STORE a",
           "GEORADIUSBYMEMBER k STORE 3 km STORE a",
           "GEORADIUSBYMEMBER k m 3 STORE STORE a",
           "GEORADIUSBYMEMBER_RO k m 3 km STORE a",
           "GEOSEARCHSTORE a k FROMMEMBER STORE BYRADIUS 1 km STOREDIST STOREDIST",
           "GEOSEARCH k FROMMEMBER m BYRADIUS 1 km STORE a",
           "ZUNIONSTORE d 2 a b WEIGHTS 1 2 WEIGHTS 1 2 AGGREGATE MAX",
           "ZUNIONSTORE d 1 2 a b",
           "ZUNIONSTORE d 3 a b",
           "ZUNIONSTORE d x a b",
           "ZUNIONSTORE d -1 a b",
           "ZINTERSTORE d 2 2 2 WEIGHTS 2 2",
           "ZDIFFSTORE d 1 a",
           "ZUNION 1 a WITHSCORES",
           "ZINTERCARD 2 a b LIMIT 1 LIMIT 2",
           "SINTERCARD 2 a b LIMIT 1",
           "LMPOP 2 a b LEFT COUNT 1 COUNT 2",
           "BLMPOP 0 2 a b LEFT",
           "ZMPOP 1 a MIN COUNT 1",
           "BZMPOP 2 1 a MIN",
           "BLPOP a b 0",
           "XREAD COUNT 1 BLOCK 1 STREAMS a b 0 0",
           "XREAD STREAMS streams streams",
           "XREAD COUNT 1 STREAMS a b 0",
           "XREAD COUNT 1 COUNT 2 streams STREAMS STREAMS",
           "XREADGROUP GROUP g c STREAMS a b > >",
           "XREADGROUP GROUP g c COUNT 1 NOACK STREAMS a >",
           "XREADGROUP GROUP g c NOACK STREAMS STREAMS STREAMS",
           "EVAL s 2 a b c",
           "EVAL s 0 a b c",
           "EVAL s 4 a b c",
           "EVAL s x a b c",
           "EVAL s -1 a",
           "EVALSHA 2 1 a b",
           "EVAL_RO 1 2 a b",
           "FCALL f 1 a b",
           "FCALL_RO f 0",
           "BITOP NOT d a",
           "BITOP AND d a b c",
           "COPY a b DB 1 DB 2 REPLACE REPLACE",
           "SET k v GET GET",
           "SET k v EX 1 get",
           "SET k GET",
           "SET GET GET GET",
           "SET k v",
           "BITFIELD k GET u8 0",
           "BITFIELD k GET u8 0 GET u8",
           "BITFIELD k GET u8 0 SET u8 0 1",
           "BITFIELD k OVERFLOW SAT",
           "BITFIELD k OVERFLOW SAT GET u8 0 OVERFLOW WRAP",
           "BITFIELD k OVERFLOW SAT INCRBY u8 0 1",
           "BITFIELD k GET u8 0 OVERFLOW",
           "BITFIELD_RO k GET u8 0",
           "MSET a 1 b 2",
           "RENAME a b",
           "LMOVE a b LEFT LEFT",
           "SMOVE a b m",
           "LCS a b LEN IDX",
           "OBJECT ENCODING a",
           "MEMORY USAGE a SAMPLES 1",
           "XGROUP CREATE a g 0 MKSTREAM",
           "XINFO STREAM a FULL COUNT 1",
           "ZRANGESTORE d a 0 -1 BYSCORE REV",
           "PFMERGE d a b",
           "GETEX a EX 1 PERSIST",
       }) {
    for (const std::string ask : {"COMMAND GETKEYS ", "COMMAND GETKEYSANDFLAGS "}) {
      EXPECT_EQ(Escaped(ours.Raw(ask + request)), Escaped(theirs.Raw(ask + request)))
          << ask << request;
    }
  }
}

// Here Redis 7.0 names other keys than its commands use.
TEST_P(KeyRights, KeysAreThoseThatTheCommandUses) {
  if (IsReference()) GTEST_SKIP() << "redis-server 7.0 does not";
  Client client = ConnectResp2();
  for (const auto& [request, keys] : std::vector<std::pair<std::string, std::string>>{
           {"GEORADIUS k 1 2 3 km STORE a STORE b", "['k', 'b']"},
           {"GEORADIUS k 1 2 3 km STOREDIST a STOREDIST b", "['k', 'b']"},
           {"GEORADIUS k 1 2 3 km STORE a COUNT 1 STOREDIST b ASC", "['k', 'b']"},
           {"GEORADIUS k 1 2 3 km STOREDIST a STORE b", "['k', 'b']"},
           {"GEORADIUS k 1 2 3 km STORE STOREDIST ASC", "['k', 'STOREDIST']"},
           {"GEORADIUS k 1 2 3 km STORE STORE STORE b", "['k', 'b']"},
           {"GEORADIUSBYMEMBER k m 3 km STORE a STORE b", "['k', 'b']"},
           {"GEORADIUSBYMEMBER k m 3 km STOREDIST STORE STORE STOREDIST", "['k', 'STOREDIST']"},
           {"XREADGROUP NOACK GROUP STREAMS STREAMS STREAMS k >", "['k']"},
           {"XREADGROUP COUNT 1 GROUP g streams STREAMS k l > >", "['k', 'l']"},
           {"XREADGROUP GROUP g c GROUP g STREAMS STREAMS k >", "['k']"},
       }) {
    EXPECT_EQ(client.Do("COMMAND GETKEYS " + request), keys) << request;
  }
}

TEST_P(KeyRights, TheLastDestinationOfASearchNeedsTheRightAndHasTheLock) {
  if (IsReference()) GTEST_SKIP() << "redis-server 7.0 does not";
  Client admin = ConnectResp2();
  ASSERT_EQ(admin.Do("ACL SETUSER anne on >x +@all ~a*"), "OK");
  ASSERT_EQ(admin.Do("GEOADD a 1 1 m"), ":1");
  Client anne = ConnectResp2();
  ASSERT_EQ(anne.Do("AUTH anne x"), "OK");
  const std::string refused =
      "-NOPERM this user has no permissions to access one of the keys used as arguments (missing "
      "rule: %W~b)";
  for (const std::string search : {"GEORADIUS a 1 1 9 km", "GEORADIUSBYMEMBER a m 9 km"}) {
    for (const std::string options :
         {" STORE a1 STORE b", " STORE a1 STOREDIST b", " STOREDIST a1 STORE b",
          " STOREDIST a1 COUNT 1 STOREDIST b"}) {
      EXPECT_EQ(anne.Do(search + options), refused) << search << options;
    }
    EXPECT_EQ(anne.Do(search + " STORE b STORE a1"), ":1");
  }
  EXPECT_EQ(admin.Do("EXISTS b"), ":0");
  // In a debug build, a key whose stripe is not held stops the server.
  Client other = ConnectResp2();
  for (int i = 0; i < 100; ++i) {
    const std::string to = "b" + std::to_string(i);
    EXPECT_EQ(admin.Do("GEORADIUS a 1 1 9 km STORE a1 STORE " + to), ":1");
    EXPECT_EQ(other.Do("ZCARD " + to), ":1");
  }
  EXPECT_EQ(admin.Do("ACL DELUSER anne"), ":1");
}

TEST_P(KeyRights, AConsumerOfAnyNameReadsOnlyWhatTheRightsAllow) {
  if (IsReference()) GTEST_SKIP() << "redis-server 7.0 does not";
  Client admin = ConnectResp2();
  ASSERT_EQ(admin.Do("ACL SETUSER anne on >x +@all ~streams"), "OK");
  ASSERT_EQ(admin.Do("XGROUP CREATE secret streams $ MKSTREAM"), "OK");
  ASSERT_EQ(admin.Do("XADD secret 1-1 f v"), "'1-1'");
  Client anne = ConnectResp2();
  ASSERT_EQ(anne.Do("AUTH anne x"), "OK");
  EXPECT_EQ(anne.Do("XREADGROUP NOACK GROUP streams streams STREAMS secret >"),
            "-NOPERM this user has no permissions to access one of the keys used as arguments "
            "(missing rule: %R~secret)");
  EXPECT_EQ(admin.Do("XREADGROUP NOACK GROUP streams streams STREAMS secret >"),
            "[['secret', [['1-1', ['f', 'v']]]]]");
  EXPECT_EQ(admin.Do("ACL DELUSER anne"), ":1");
}

// ---------------------------------------------------------------- random requests

/// Requests whose options come in any number and order, as values of each other too.
class OddRequests {
 public:
  explicit OddRequests(uint64_t seed) : random_(seed) {}

  CommandLine Next() {
    line_.clear();
    switch (Below(20)) {
      case 0:
        return Take({"GEORADIUS", Key(), "1", "1", "999", "km"}, kSearchOptions);
      case 1:
        return Take({"GEORADIUSBYMEMBER", Key(), "secret1", "999", "km"}, kSearchOptions);
      case 2:
        return Take({"GEOSEARCHSTORE", Key(), Key(), "FROMLONLAT", "1", "1", "BYRADIUS", "9", "km"},
                    kSearchOptions);
      case 3:
        return Take({"SORT", Key()}, kSortOptions);
      case 4:
        return Take({"SORT_RO", Key()}, kSortOptions);
      case 5:
        return Streams("XREAD");
      case 6:
      case 7:
        return Streams("XREADGROUP");
      case 8:
        return Counted({OneOf({"ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE"}), Key()});
      case 9:
        return Counted(
            {OneOf({"ZUNION", "ZINTER", "ZDIFF", "ZINTERCARD", "SINTERCARD", "LMPOP", "ZMPOP"})});
      case 10:
        return Counted({OneOf({"BLMPOP", "BZMPOP"}), "0.001"});
      case 11:
        return Counted({"EVAL",
                        "local all = {} for i, key in ipairs(KEYS) do "
                        "all[i] = redis.pcall('DUMP', key) end return all"});
      case 12:
        return Take({"BITOP", OneOf({"NOT", "AND", "OR"}), Key(), Key()}, kKeys);
      case 13:
        return Take({"COPY", Key(), Key()}, kCopyOptions);
      case 14:
        return Take({"SET", Key(), "v"}, kSetOptions);
      case 15:
        return Take({"GETEX", Key()}, kSetOptions);
      case 16:
        return Take({"MSETEX", OneOf({"1", "2"}), Key(), "v", Key(), "v"}, kSetOptions);
      case 17:
        return Take({"LCS", Key(), Key()}, kLcsOptions);
      case 18:
        return Take({OneOf({"LMOVE", "RENAME", "RENAMENX", "SMOVE", "RPOPLPUSH"}), Key(), Key()},
                    kEnds);
      default:
        return Take({OneOf({"SUNIONSTORE", "SDIFFSTORE", "PFMERGE", "ZRANGESTORE", "SUNION"}),
                     Key(), Key()},
                    kKeys);
    }
  }

 private:
  // An option is words; "?" stands for a key, "#" for a small number.
  using Options = std::vector<CommandLine>;
  static inline const Options kSearchOptions = {
      {"STORE", "?"}, {"STOREDIST", "?"}, {"STORE", "?"}, {"STOREDIST"},  {"COUNT", "#"},
      {"ASC"},        {"STORE", "STORE"}, {"DESC"},       {"STORE", "?"}, {"COUNT", "#", "ANY"}};
  static inline const Options kSortOptions = {
      {"STORE", "?"},      {"BY", "STORE"}, {"GET", "#"},  {"GET", "STORE"},
      {"LIMIT", "#", "#"}, {"STORE", "BY"}, {"ALPHA"},     {"ASC"},
      {"BY", "nosort"},    {"STORE", "?"},  {"GET", "s?"}, {"BY", "*"},
      {"GET", "*"},        {"BY", "LIMIT"}, {"DESC"},      {"STORE", "GET"}};
  static inline const Options kStreamOptions = {
      {"COUNT", "#"}, {"GROUP", "g", "c"},           {"GROUP", "g", "STREAMS"},
      {"NOACK"},      {"GROUP", "g", "COUNT"},       {"GROUP", "STREAMS", "STREAMS"},
      {"BLOCK", "1"}, {"GROUP", "STREAMS", "NOACK"}, {"CLAIM", "#"},
      {"COUNT", "#"}};
  static inline const Options kCountedOptions = {
      {"WEIGHTS", "#", "#"}, {"AGGREGATE", "MAX"}, {"LIMIT", "#"}, {"LEFT"}, {"MIN"},
      {"COUNT", "#"},        {"WITHSCORES"},       {"?"},          {"LEFT"}, {"MIN"}};
  static inline const Options kKeys = {{"?"}, {"?"}, {"0"}, {"-1"}, {"BYSCORE"}, {"secret1"}};
  static inline const Options kCopyOptions = {{"DB", "0"}, {"DB", "1"}, {"REPLACE"}, {"REPLACE"}};
  static inline const Options kSetOptions = {
      {"GET"},     {"EX", "100"},    {"NX"},          {"XX"},          {"KEEPTTL"},
      {"PERSIST"}, {"PX", "100000"}, {"IFEQ", "GET"}, {"IFNE", "GET"}, {"get"}};
  static inline const Options kLcsOptions = {{"LEN"}, {"IDX"}, {"MINMATCHLEN", "#"}};
  static inline const Options kEnds = {{"LEFT"}, {"RIGHT"}, {"LEFT", "RIGHT"}, {"secret1"}};

  size_t Below(size_t bound) { return random_() % bound; }
  std::string OneOf(std::initializer_list<const char*> words) {
    return *(words.begin() + Below(words.size()));
  }
  /// Of each type one that may be read and written (a), read (r), written (w), and neither (s).
  std::string Key() {
    // Names that are words of options, too.
    if (Below(8) == 0) return OneOf({"STORE", "STREAMS", "GET"});
    return OneOf({"a", "a", "r", "w", "s"}) + OneOf({"string", "list", "set", "zset", "stream"});
  }
  void Append(const CommandLine& words) {
    for (const std::string& word : words) {
      if (word == "?") {
        line_.push_back(Key());
      } else if (word == "#") {
        line_.push_back(OneOf({"0", "1", "2", "9"}));
      } else {
        line_.push_back(word);
      }
    }
  }
  CommandLine Take(const CommandLine& head, const Options& options) {
    Append(head);
    for (size_t left = Below(5); left > 0; --left) Append(options[Below(options.size())]);
    return line_;
  }
  CommandLine Counted(CommandLine head) {
    const size_t keys = 1 + Below(3);
    head.push_back(std::to_string(Below(6) == 0 ? Below(6) : keys));
    for (size_t i = 0; i < keys; ++i) head.push_back(Key());
    return Take(head, kCountedOptions);
  }
  CommandLine Streams(const std::string& command) {
    Take({command}, kStreamOptions);
    if (command == "XREADGROUP" && Below(2) == 0) {
      Append({"GROUP", "STREAMS", OneOf({"STREAMS", "c"})});
    }
    const size_t keys = 1 + Below(2);
    line_.emplace_back("STREAMS");
    for (size_t i = 0; i < keys; ++i) line_.push_back(Key());
    for (size_t i = 0; i < keys; ++i) line_.push_back(OneOf({"0", "0", ">"}));
    return line_;
  }

  std::mt19937_64 random_;
  CommandLine line_;
};

void Furnish(Client& admin, const std::string& prefix) {
  const std::string word = prefix == "a" || prefix == "r" ? "open" : "secret";
  admin.Call({"SET", prefix + "string", word + "1"});
  admin.Call({"RPUSH", prefix + "list", word + "1", word + "2"});
  admin.Call({"SADD", prefix + "set", word + "1", word + "2"});
  admin.Call({"GEOADD", prefix + "zset", "1", "1", word + "1", "1.001", "1", word + "2"});
  admin.Call({"XADD", prefix + "stream", "1-1", word + "1", word + "2"});
  admin.Call({"XGROUP", "CREATE", prefix + "stream", "g", "0"});
  admin.Call({"XGROUP", "CREATE", prefix + "stream", "STREAMS", "0"});
}

/// What is stored, by key.
std::map<std::string, std::string> Contents(Client& admin, const std::string& pattern) {
  std::map<std::string, std::string> contents;
  for (const Reply& key : admin.Call({"KEYS", pattern}).items) {
    contents[key.text] = admin.Call({"DUMP", key.text}).text;
  }
  // To Redis, too, XREADGROUP is one that reads, though the group then knows what was delivered.
  contents.erase("rstream");
  return contents;
}

TEST_P(KeyRights, NoOptionLeadsToKeysWithoutRights) {
  if (IsReference()) GTEST_SKIP() << "redis-server 7.0 does not";
  const uint64_t seed = Seed();
  const char* const length = std::getenv("PEAL_KEY_RIGHTS_ROUNDS");
  const int rounds = length == nullptr ? 6'000 : std::atoi(length);
  Client admin = ConnectResp2();
  // So that what is stored can be searched for words.
  ASSERT_EQ(admin.Do("CONFIG SET rdbcompression no"), "OK");
  ASSERT_EQ(admin.Do("ACL SETUSER anne on >x +@all -@admin ~a* ~STORE ~STREAMS ~GET %R~r* %W~w*"),
            "OK");
  Client anne = ConnectResp2();
  ASSERT_EQ(anne.Do("AUTH anne x"), "OK");
  OddRequests requests(seed);
  int accepted = 0;
  int refused = 0;
  std::map<std::string, std::string> before;
  for (int i = 0; i < rounds && !HasFailure(); ++i) {
    if (i % 8 == 0) {
      ASSERT_EQ(admin.Do("FLUSHALL"), "OK");
      for (const char* const prefix : {"a", "r", "w", "s"}) Furnish(admin, prefix);
      before = Contents(admin, "[rs]*");
    }
    const CommandLine request = requests.Next();
    const Reply reply = anne.Call(request);
    const std::string shown = ::testing::PrintToString(request) + ", seed " + std::to_string(seed);
    if (reply.IsError()) {
      refused += reply.text.find("NOPERM") != std::string::npos ? 1 : 0;
      continue;
    }
    ++accepted;
    EXPECT_EQ(Contents(admin, "[rs]*"), before) << shown;
    EXPECT_EQ(reply.Show().find("secret"), std::string::npos) << shown << reply.Show();
    for (const auto& [key, dump] : Contents(admin, "[aSG]*")) {
      EXPECT_EQ(dump.find("secret"), std::string::npos) << shown << key;
    }
  }
  RecordProperty("accepted", accepted);
  RecordProperty("refused", refused);
  EXPECT_GT(accepted, rounds / 20);
  EXPECT_GT(refused, rounds / 20);
  EXPECT_EQ(admin.Do("ACL DELUSER anne"), ":1");
}

}  // namespace
}  // namespace peal::tests
