// The same random script against redis-server and Peal: every reply must be the same, octet by
// octet.
//
// $PEAL_SEED repeats a run, $PEAL_DIFFERENTIAL_COMMANDS sets the length of each script. Commands
// whose replies must differ (ids, addresses, times, orders that hashing decides) are not in it, or
// are compared without order.

#include <algorithm>
#include <random>
#include <set>
#include <sstream>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

/// Makes commands that are mostly right, often odd and sometimes wrong.
class ScriptWriter {
 public:
  explicit ScriptWriter(uint64_t seed) : random_(seed) {}

  std::vector<std::string> Next() {
    std::vector<std::string> command = Command();
    if (OneIn(25)) Damage(command);
    if (OneIn(8)) std::transform(command[0].begin(), command[0].end(), command[0].begin(), tolower);
    return command;
  }

  bool OneIn(int n) { return Number(n) == 0; }
  int Number(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }

 private:
  template <size_t N>
  std::string Pick(const char* const (&choices)[N]) {
    return choices[Number(N)];
  }

  std::string Key() {
    static const char* const kKeys[] = {"a",  "b",   "c",      "d",      "e", "num",
                                        "f1", "big", "{t}one", "{t}two", "",  "key with space"};
    return Pick(kKeys);
  }

  std::string Value() {
    switch (Number(10)) {
      case 0:
        return "";
      case 1:
        return std::string("b\0\r\n\xff", 5);
      case 2:
        return std::string(static_cast<size_t>(Number(300)), 'v');
      case 3:
        return "3.25";
      case 4:
        return std::string(44 + static_cast<size_t>(Number(3)), 'e');
      default:
        return Integer();
    }
  }

  std::string Integer() {
    static const char* const kOdd[] = {"0",
                                       "-1",
                                       "9223372036854775807",
                                       "-9223372036854775808",
                                       "9223372036854775808",
                                       "+5",
                                       "05",
                                       " 5",
                                       "5 ",
                                       "1e3",
                                       "abc",
                                       "",
                                       "18446744073709551616"};
    if (OneIn(5)) return Pick(kOdd);
    return std::to_string(Number(200) - 100);
  }

  std::string Float() {
    static const char* const kOdd[] = {"1.5",  "-0.1", "1e10",    "inf",  "-inf", "nan",   "3.0",
                                       "1e-7", "abc",  "5.0e-1x", "0x10", "",     "1e400", "-2"};
    return Pick(kOdd);
  }

  /// Times that are far away or past, so that no reply depends on when it is asked for.
  std::string Seconds() {
    static const char* const kOdd[] = {"0", "-1", "9223372036854775807", "9223372036854775",
                                       "x", "",   "-9223372036854775808"};
    return OneIn(4) ? Pick(kOdd) : std::to_string(100'000 + Number(1000));
  }

  std::string Timestamp(bool in_ms) {
    if (OneIn(4)) return Seconds();
    return std::to_string(4'000'000'000LL + Number(1000)) + (in_ms ? "000" : "");
  }

  std::vector<std::string> SetCommand() {
    std::vector<std::string> command{"SET", Key(), Value()};
    for (int i = Number(4); i > 0; --i) {
      static const char* const kOptions[] = {"NX", "XX", "GET", "KEEPTTL", "nx", "get", "bogus"};
      static const char* const kTimed[] = {"EX", "PX", "EXAT", "PXAT", "ex"};
      if (OneIn(2)) {
        command.push_back(Pick(kOptions));
      } else {
        const std::string option = Pick(kTimed);
        command.push_back(option);
        if (!OneIn(10)) command.push_back(Timestamp(option == "PXAT"));
      }
    }
    return command;
  }

  std::vector<std::string> GetexCommand() {
    static const char* const kOptions[] = {"EX", "PX", "EXAT", "PXAT", "PERSIST", "KEEPTTL"};
    std::vector<std::string> command{"GETEX", Key()};
    for (int i = Number(3); i > 0; --i) {
      const std::string option = Pick(kOptions);
      command.push_back(option);
      if (option != "PERSIST") command.push_back(Timestamp(option == "PXAT"));
    }
    return command;
  }

  std::vector<std::string> ExpireCommand() {
    static const char* const kNames[] = {"EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"};
    static const char* const kOptions[] = {"NX", "XX", "GT", "LT", "gt", "bogus"};
    const std::string name = Pick(kNames);
    std::vector<std::string> command{
        name, Key(), name.ends_with("AT") ? Timestamp(name == "PEXPIREAT") : Seconds()};
    for (int i = OneIn(2) ? Number(3) : 0; i > 0; --i) command.push_back(Pick(kOptions));
    return command;
  }

  std::vector<std::string> Keys(const std::string& name, int most) {
    std::vector<std::string> command{name};
    for (int i = 1 + Number(most); i > 0; --i) command.push_back(Key());
    return command;
  }

  std::vector<std::string> Pairs(const std::string& name) {
    std::vector<std::string> command{name};
    for (int i = 1 + Number(3); i > 0; --i) {
      command.push_back(Key());
      command.push_back(Value());
    }
    if (OneIn(10)) command.push_back(Key());
    return command;
  }

  std::vector<std::string> Command() {
    switch (Number(46)) {
      case 0:
      case 1:
      case 2:
        return SetCommand();
      case 3:
        return {"SET", "num", Integer()};
      case 4:
      case 5:
        return {"GET", Key()};
      case 6:
        return {"GETSET", Key(), Value()};
      case 7:
        return {"GETDEL", Key()};
      case 8:
        return GetexCommand();
      case 9:
        return Keys("MGET", 4);
      case 10:
        return Pairs("MSET");
      case 11:
        return Pairs("MSETNX");
      case 12:
        return {OneIn(2) ? "INCR" : "DECR", Key()};
      case 13:
        return {OneIn(2) ? "INCRBY" : "DECRBY", Key(), Integer()};
      case 14:
        return {"INCRBYFLOAT", Key(), Float()};
      case 15:
        return {"APPEND", Key(), Value()};
      case 16:
        return {"STRLEN", Key()};
      case 17:
        return {"SETNX", Key(), Value()};
      case 18:
        return {OneIn(2) ? "SETEX" : "PSETEX", Key(), Seconds(), Value()};
      case 19:
        return Keys(OneIn(2) ? "DEL" : "UNLINK", 3);
      case 20:
        return Keys(OneIn(2) ? "EXISTS" : "TOUCH", 3);
      case 21:
        return {"TYPE", Key()};
      case 22:
      case 23:
        return ExpireCommand();
      case 24:
        return {OneIn(2) ? "EXPIRETIME" : "PEXPIRETIME", Key()};
      case 25:
        return {"PERSIST", Key()};
      case 26:
        return {"DBSIZE"};
      case 27:
        return {"SELECT", OneIn(4) ? Integer() : std::to_string(Number(3))};
      case 28:
        return {"MULTI"};
      case 29:
        return {"EXEC"};
      case 30:
        return {OneIn(2) ? "DISCARD" : "UNWATCH"};
      case 31:
        return Keys("WATCH", 2);
      case 32:
        return {"PING"};
      case 33:
        return {"ECHO", Value()};
      case 34:
        return {"PUBLISH", Key(), Value()};
      case 35:
        return {"PUBSUB", OneIn(2) ? "NUMSUB" : "SHARDNUMSUB", Key(), Key()};
      case 36:
        return {"PUBSUB", "NUMPAT"};
      case 37: {
        static const char* const kLines[] = {"CONFIG GET maxmemory",
                                             "CONFIG GET nothing",
                                             "CONFIG SET maxmemory x",
                                             "CONFIG SET nothing 1",
                                             "CONFIG",
                                             "CONFIG nonsense",
                                             "CONFIG SET timeout -1",
                                             "CONFIG GET",
                                             "CONFIG SET",
                                             "CONFIG SET timeout 0 hz",
                                             "CONFIG SET timeout 0 timeout 0",
                                             "CONFIG GET maxcl*",
                                             "CONFIG SET hz 10",
                                             "CONFIG SET maxmemory 0",
                                             "CONFIG SET databases 4",
                                             "CONFIG RESETSTAT x",
                                             "CONFIG SET notify-keyspace-events zzzq"};
        return Words(Pick(kLines));
      }
      case 38: {
        static const char* const kLines[] = {"CLIENT",
                                             "CLIENT SETNAME",
                                             "CLIENT GETNAME",
                                             "CLIENT SETNAME bob",
                                             "CLIENT SETNAME \"\"",
                                             "CLIENT NO-EVICT on",
                                             "CLIENT NO-EVICT maybe",
                                             "CLIENT KILL",
                                             "CLIENT KILL ID 0",
                                             "CLIENT KILL ID 123456789",
                                             "CLIENT KILL 1.2.3.4:5",
                                             "CLIENT LIST TYPE nonsense",
                                             "CLIENT LIST ID x",
                                             "CLIENT REPLY maybe",
                                             "CLIENT PAUSE x",
                                             "CLIENT PAUSE 0",
                                             "CLIENT UNPAUSE",
                                             "CLIENT UNBLOCK 123456789",
                                             "CLIENT UNBLOCK x",
                                             "CLIENT nonsense",
                                             "CLIENT ID x"};
        return Words(Pick(kLines));
      }
      case 39: {
        static const char* const kLines[] = {
            "COMMAND GETKEYS GET k",           "COMMAND GETKEYS MSET a 1 b 2",
            "COMMAND GETKEYS PING a",          "COMMAND GETKEYS nonsense a",
            "COMMAND GETKEYS GET a b",         "COMMAND GETKEYSANDFLAGS SET a b",
            "COMMAND INFO nonsense",           "COMMAND nonsense",
            "COMMAND GETKEYSANDFLAGS DEL a b", "COMMAND GETKEYS MGET a b c"};
        return Words(Pick(kLines));
      }
      case 40:
        return {"GETRANGE", Key(), Integer(), Integer()};
      case 41:
        return {"SETRANGE", Key(), std::to_string(Number(12) - 2), Value()};
      case 42: {
        static const char* const kLines[] = {"SCAN x",
                                             "SCAN 0 COUNT 0",
                                             "SCAN 0 COUNT x",
                                             "SCAN 0 bogus",
                                             "SCAN 0 MATCH",
                                             "SLOWLOG",
                                             "SLOWLOG nonsense",
                                             "SLOWLOG GET x",
                                             "SLOWLOG GET -2",
                                             "LATENCY nonsense",
                                             "LATENCY HISTORY nothing",
                                             "MEMORY nonsense",
                                             "MEMORY USAGE missing",
                                             "OBJECT ENCODING missing",
                                             "OBJECT nonsense a",
                                             "HELLO 4",
                                             "HELLO x",
                                             "HELLO 2 AUTH",
                                             "HELLO 2 bogus",
                                             "AUTH x",
                                             "AUTH a b",
                                             "AUTH a b c",
                                             "nonsense a b",
                                             "nonsense",
                                             "SUBSCRIBE",
                                             "UNSUBSCRIBE",
                                             "PUNSUBSCRIBE none",
                                             "SUNSUBSCRIBE none",
                                             "KEYS",
                                             "FLUSHALL bogus",
                                             "FLUSHDB ASYNC",
                                             "SELECT 99",
                                             "SELECT x",
                                             "DEBUG nonsense",
                                             "RESET",
                                             "SHUTDOWN bogus",
                                             "PING a b"};
        return Words(Pick(kLines));
      }
      case 43:
        return {"SUBSTR", Key(), Integer(), Integer()};
      case 44:
        return {"OBJECT", "REFCOUNT", "missing"};
      default:
        return {"TTL", "missing"};
    }
  }

  /// Drops or adds an argument, or makes one up.
  void Damage(std::vector<std::string>& command) {
    switch (Number(4)) {
      case 0:
        if (command.size() > 1) command.pop_back();
        break;
      case 1:
        command.push_back(Value());
        break;
      case 2:
        command.resize(1);
        break;
      default:
        command[0] += OneIn(2) ? "x" : std::string(150, 'n');
    }
  }

  std::mt19937_64 random_;
};

class Differential : public Behaviour {};
INSTANTIATE_TEST_SUITE_P(, Differential, ::testing::ValuesIn(AllSetups()), SetupName);

Server& Reference() {
  static Server* const server = [] {
    class End : public ::testing::Environment {
     public:
      explicit End(Server* started) : server_(started) {}
      void TearDown() override { delete server_; }

     private:
      Server* server_;
    };
    auto* started = new Server(RedisReference());
    ::testing::AddGlobalTestEnvironment(new End(started));
    return started;
  }();
  return *server;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), tolower);
  return text;
}

/// Whether the reply, unless it is an error, shows ids, versions, times or an order that hashing
/// decides.
bool MayDiffer(const std::vector<std::string>& command) {
  static const std::set<std::string> names = {"hello",       "scan",        "slowlog get",
                                              "dbsize",      "client id",   "client list",
                                              "client info", "memory usage"};
  const std::string name = Lower(command[0]);
  if (names.contains(name)) return true;
  if (name == "command") return command.size() == 1 || Lower(command[1]) != "getkeys";
  return command.size() > 1 && names.contains(name + " " + Lower(command[1]));
}

/// Whether two replies have the same octets, but for the milliseconds that pass between asking one
/// server and the other: a deadline given relative to now may differ a little.
bool IsSame(const std::string& expected, const std::string& actual) {
  if (expected == actual) return true;
  constexpr int64_t kLeastTimestamp = 1'600'000'000;
  constexpr int64_t kToleranceMs = 5000;
  std::istringstream one(expected);
  std::istringstream other(actual);
  std::string left;
  std::string right;
  while (std::getline(one, left)) {
    if (!std::getline(other, right)) return false;
    if (left == right) continue;
    if (left[0] != ':' || right[0] != ':') return false;
    const int64_t a = std::strtoll(left.c_str() + 1, nullptr, 10);
    const int64_t b = std::strtoll(right.c_str() + 1, nullptr, 10);
    if (a < kLeastTimestamp || b < a - kToleranceMs || b > a + kToleranceMs) return false;
  }
  return !std::getline(other, right);
}

bool HasNul(const std::vector<std::string>& command) {
  return std::any_of(command.begin(), command.end(),
                     [](const std::string& word) { return word.find('\0') != word.npos; });
}

bool IsSubscribing(const std::string& name) { return Lower(name).ends_with("subscribe"); }

std::string Shown(const std::vector<std::string>& command) {
  std::string out;
  for (const std::string& word : command) out += "'" + Escaped(word.substr(0, 60)) + "' ";
  return out;
}

TEST_P(Differential, ARandomScriptGetsTheRepliesOfRedis) {
  const uint64_t seed = Seed();
  const char* chosen = std::getenv("PEAL_DIFFERENTIAL_COMMANDS");
  const int commands = chosen != nullptr ? std::atoi(chosen) : 4000;
  ScriptWriter writer(seed);
  Client ours[2] = {Connect(), Connect()};
  Client theirs[2] = {Client::Tcp(Reference().port()), Client::Tcp(Reference().port())};
  for (Client& client : theirs) client.Hello(resp());
  ASSERT_EQ(theirs[0].Do("FLUSHALL"), "OK");
  ASSERT_EQ(theirs[0].Do("CONFIG RESETSTAT"), ours[0].Do("CONFIG RESETSTAT"));
  bool is_queueing[2] = {false, false};
  int differences = 0;
  for (int i = 0; i < commands && differences < 20; ++i) {
    const std::vector<std::string> command = writer.Next();
    const size_t who = static_cast<size_t>(writer.Number(2));
    // A subscribing command with several names has several replies; the scripts do not send them.
    if (IsSubscribing(command[0]) && command.size() > 2) continue;
    const std::string name = Lower(command[0]);
    if (name == "shutdown" && command != Words("SHUTDOWN bogus")) continue;  // it would obey
    // The arity of COMMAND GETKEYS differs between 7.0 and 7.2.
    if (name == "command" && command.size() == 3) continue;
    // Inside the reply to EXEC nothing may differ.
    if (is_queueing[who] && MayDiffer(command)) continue;
    // Peal refuses in MULTI what would break the reply to EXEC.
    if (is_queueing[who] && IsSubscribing(name) && command.size() != 2) continue;
    theirs[who].SendCommand(command);
    ours[who].SendCommand(command);
    const std::string expected = theirs[who].ReadRaw();
    const std::string actual = ours[who].ReadRaw();
    // Redis cuts what it cites in an error at a NUL.
    if (HasNul(command) && actual[0] == '-' && expected[0] == '-') continue;
    const bool is_same = MayDiffer(command) && expected[0] != '-' ? actual[0] == expected[0]
                                                                  : IsSame(expected, actual);
    if (!is_same) {
      ++differences;
      ADD_FAILURE() << "PEAL_SEED=" << seed << " command " << i << ": " << Shown(command)
                    << "\n  redis: " << Escaped(expected.substr(0, 300))
                    << "\n  peal:  " << Escaped(actual.substr(0, 300));
      // One difference must not cause others: all begin anew.
      for (Client* client : {&ours[0], &ours[1], &theirs[0], &theirs[1]}) {
        client->Do("RESET");
        client->Hello(resp());
        client->Do("FLUSHALL");
      }
      is_queueing[0] = is_queueing[1] = false;
      continue;
    }
    if (name == "multi") is_queueing[who] = true;
    if (name == "exec" || name == "discard" || name == "reset") {
      is_queueing[who] = command.size() > 1 && is_queueing[who];
    }
    if (name == "reset") {
      ours[who].Hello(resp());
      theirs[who].Hello(resp());
    }
  }
  // What is left in the keyspaces must be the same as well.
  for (Client* client : {&ours[0], &theirs[0]}) client->Do("RESET");
  for (int db = 0; db < 3; ++db) {
    std::vector<std::string> contents[2];
    Client* const both[] = {&ours[0], &theirs[0]};
    for (size_t side = 0; side < 2; ++side) {
      both[side]->Do("SELECT " + std::to_string(db));
      for (const Reply& key : both[side]->Call({"KEYS", "*"}).items) {
        contents[side].push_back(
            key.Show() + "=" + both[side]->Call({"GET", key.text}).Show() + " until " +
            std::to_string(both[side]->Call({"EXPIRETIME", key.text}).integer / 100));
      }
      std::sort(contents[side].begin(), contents[side].end());
    }
    EXPECT_EQ(contents[0], contents[1]) << "database " << db << ", PEAL_SEED=" << seed;
  }
}

TEST_P(Differential, FixedQuestionsGetTheAnswersOfRedis) {
  const char* const lines[] = {
      "CONFIG GET databases",
      "CONFIG GET client-output-buffer-limit",
      "CONFIG GET proto-max-bulk-len",
      "CONFIG GET maxmemory-policy",
      "CONFIG GET slowlog-max*",
      "CONFIG GET timeout",
      "CONFIG GET nothing-such",
      "CONFIG GET appendonly",
      "CONFIG GET latency-tracking-info-percentiles",
      "COMMAND INFO get",
      "COMMAND INFO mget",
      "COMMAND INFO publish",
      "COMMAND INFO subscribe",
      "COMMAND INFO spublish",
      "COMMAND INFO del",
      "COMMAND INFO expire",
      "COMMAND INFO incr",
      "COMMAND INFO multi",
      "COMMAND INFO exec",
      "COMMAND INFO watch",
      "COMMAND INFO ping",
      "COMMAND INFO scan",
      "COMMAND INFO nonsense get",
      "COMMAND DOCS nonsense",
      "COMMAND LIST FILTERBY PATTERN publish",
      "COMMAND LIST FILTERBY PATTERN zzz*",
      "COMMAND LIST FILTERBY bogus x",
      "LATENCY LATEST",
      "LATENCY RESET",
      "SLOWLOG RESET",
  };
  Client ours = Connect();
  Client theirs = Client::Tcp(Reference().port());
  theirs.Hello(resp());
  for (const char* line : lines) {
    const std::string expected = theirs.Raw(line);
    const std::string actual = ours.Raw(line);
    EXPECT_TRUE(actual == expected) << line << "\n  redis: " << Escaped(expected.substr(0, 1500))
                                    << "\n  peal:  " << Escaped(actual.substr(0, 1500));
  }
}

TEST_P(Differential, MalformedInputGetsTheErrorAndTheEndThatRedisGives) {
  const std::string inputs[] = {
      "*1\r\n$x\r\n",
      "*1\r\n$-5\r\n",
      "*1\r\n+PING\r\n",
      "*x\r\n",
      "*99999999999\r\n",
      "*1\r\n$536870913\r\n",
      "*1\r\n\r\n",
      "*2\r\n$4\r\nPING\r\nhello\r\n",
      "SET \"unbalanced\r\n",
      "SET 'a'b c\r\n",
      std::string(70'000, 'a'),
      "*" + std::string(70'000, '1'),
      "*1\r\n$" + std::string(70'000, '1'),
  };
  for (const std::string& input : inputs) {
    Client ours = Connect();
    Client theirs = Client::Tcp(Reference().port());
    theirs.Hello(resp());
    theirs.Send(input);
    ours.Send(input);
    const std::string expected = theirs.ReadUntilClosed();
    EXPECT_EQ(Escaped(ours.ReadUntilClosed()), Escaped(expected)) << Escaped(input.substr(0, 60));
  }
}

TEST_P(Differential, OddButLegalInputIsUnderstoodAsByRedis) {
  const std::string inputs[] = {
      "PING\r\n",
      "PING\n",
      "\r\n\r\nPING\r\n",
      "  PING   hello  \r\n",
      "ECHO \"a\\x41\\n\\\"b\"\r\n",
      "ECHO 'it\\'s'\r\n",
      "*0\r\nPING\r\n",
      "*-1\r\nPING\r\n",
      "*1\r\n$4\r\nping\r\n",
      "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n",
      "ECHO \"\"\r\n",
      "*1\r\n$0\r\n\r\n",
  };
  for (const std::string& input : inputs) {
    Client ours = Connect();
    Client theirs = Client::Tcp(Reference().port());
    theirs.Hello(resp());
    std::string replies[2];
    Client* const both[] = {&ours, &theirs};
    for (size_t side = 0; side < 2; ++side) {
      both[side]->Send(input + "*2\r\n$4\r\nECHO\r\n$5\r\nfence\r\n");
      while (!replies[side].ends_with("$5\r\nfence\r\n")) replies[side] += both[side]->ReadRaw();
    }
    EXPECT_EQ(Escaped(replies[0]), Escaped(replies[1])) << Escaped(input);
  }
}

}  // namespace
}  // namespace peal::tests
