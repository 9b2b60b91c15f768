// Random commands of the server itself, fixed questions and malformed input against redis-server
// and Peal: every reply must be the same, octet by octet, but for what side_by_side.h lists.
//
// $PEAL_SEED repeats a run, $PEAL_DIFFERENTIAL_COMMANDS sets the length of each script.

#include "tests/support/behaviour.h"
#include "tests/support/script/groups.h"
#include "tests/support/side_by_side.h"

namespace peal::tests {
namespace {

class Differential : public Behaviour {};
INSTANTIATE_TEST_SUITE_P(, Differential, ::testing::ValuesIn(AllSetups()), SetupName);

constexpr KeyKind kKind = KeyKind::kString;

CommandLine ConfigLine(Vocabulary& w) {
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
  return Words(w.Pick(kLines));
}

CommandLine ClientLine(Vocabulary& w) {
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
  return Words(w.Pick(kLines));
}

CommandLine CommandLineOfCommand(Vocabulary& w) {
  static const char* const kLines[] = {
      "COMMAND GETKEYS GET k",           "COMMAND GETKEYS MSET a 1 b 2",
      "COMMAND GETKEYS PING a",          "COMMAND GETKEYS nonsense a",
      "COMMAND GETKEYS GET a b",         "COMMAND GETKEYSANDFLAGS SET a b",
      "COMMAND INFO nonsense",           "COMMAND nonsense",
      "COMMAND GETKEYSANDFLAGS DEL a b", "COMMAND GETKEYS MGET a b c"};
  return Words(w.Pick(kLines));
}

CommandLine OtherLine(Vocabulary& w) {
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
  return Words(w.Pick(kLines));
}

CommandLine ServerCommand(Vocabulary& words) {
  static constexpr Vocabulary::Choice kChoices[] = {
      {12, StringCommand},
      {10, TransactionCommand},
      {1, [](Vocabulary&) -> CommandLine { return {"PING"}; }},
      {1, [](Vocabulary& w) -> CommandLine { return {"ECHO", w.Value()}; }},
      {1, [](Vocabulary& w) -> CommandLine { return {"PUBLISH", w.Key(kKind), w.Value()}; }},
      {1,
       [](Vocabulary& w) -> CommandLine {
         return {"PUBSUB", w.OneIn(2) ? "NUMSUB" : "SHARDNUMSUB", w.Key(kKind), w.Key(kKind)};
       }},
      {1, [](Vocabulary&) -> CommandLine { return {"PUBSUB", "NUMPAT"}; }},
      {2, ConfigLine},
      {2, ClientLine},
      {2, CommandLineOfCommand},
      {2, OtherLine},
  };
  return words.Command(kChoices);
}

TEST_P(Differential, ARandomScriptGetsTheRepliesOfRedis) {
  constexpr int kCommands = 4000;
  SideBySide sides(Reference(), server(), resp(), Seed());
  sides.Run(ServerCommand, ScriptLength(kCommands));
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
