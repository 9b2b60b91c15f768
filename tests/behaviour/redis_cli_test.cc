// redis-cli as a person uses it, in a pseudo-terminal.

#include "tests/support/behaviour.h"
#include "tests/support/pty.h"

namespace peal::tests {
namespace {

class RedisCli : public Behaviour {
 protected:
  Pty Terminal() {
    std::vector<std::string> words{"redis-cli", "-p", std::to_string(server().port())};
    if (resp() == 3) words.push_back("-3");
    return Pty(words);
  }
  std::string Prompt() { return "127.0.0.1:" + std::to_string(server().port()) + "> "; }

  /// Types `line` when the prompt is there; what is typed earlier gets lost.
  void Enter(Pty& terminal, const std::string& line) {
    terminal.Expect(Prompt());
    terminal.Type(line);
  }

  /// Publishes from a connection of its own.
  std::string Publish(const std::string& channel, const std::string& payload) {
    Client client = ConnectResp2();
    return client.Call({"PUBLISH", channel, payload}).Show();
  }
};
INSTANTIATE_TEST_SUITE_P(, RedisCli, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(RedisCli, CommandsShowTheirReplies) {
  Pty terminal = Terminal();
  Enter(terminal, "SET greeting \"hello world\"");
  terminal.Expect("OK\n");
  Enter(terminal, "GET greeting");
  terminal.Expect("\"hello world\"\n");
  Enter(terminal, "INCR greeting");
  terminal.Expect("(error) ERR value is not an integer or out of range\n");
  Enter(terminal, "MGET greeting none");
  terminal.Expect("1) \"hello world\"\n");
  terminal.Expect("2) (nil)\n");
  Enter(terminal, "PUBSUB NUMPAT");
  terminal.Expect("(integer) 0\n");
  Enter(terminal, "EVIL");
  terminal.Expect("(error) ERR unknown command 'EVIL'");
}

TEST_P(RedisCli, ASessionOfSubscriptionsRunsAsInTheReadme) {
  Pty terminal = Terminal();
  Enter(terminal, "SUBSCRIBE news.sports.golf news.sports.soccer news.sports.skiing");
  for (const char* name : {"golf", "soccer", "skiing"}) {
    terminal.Expect("\"subscribe\"\n");
    terminal.Expect("\"news.sports." + std::string(name) + "\"\n");
    terminal.Expect("(integer) ");
  }
  EXPECT_EQ(Publish("news.sports.golf", "hole in one"), ":1");
  terminal.Expect("\"message\"\n");
  terminal.Expect("\"news.sports.golf\"\n");
  terminal.Expect("\"hole in one\"\n");
  EXPECT_EQ(Publish("news.sports.skiing", "fresh snow"), ":1");
  terminal.Expect("\"fresh snow\"\n");
}

TEST_P(RedisCli, PatternsRunAsInTheReadme) {
  Pty terminal = Terminal();
  Enter(terminal, "PSUBSCRIBE news.sports.*");
  terminal.Expect("\"psubscribe\"\n");
  terminal.Expect("(integer) 1\n");
  EXPECT_EQ(Publish("news.sports.tennis", "match point"), ":1");
  terminal.Expect("\"pmessage\"\n");
  terminal.Expect("\"news.sports.*\"\n");
  terminal.Expect("\"news.sports.tennis\"\n");
  terminal.Expect("\"match point\"\n");
}

TEST_P(RedisCli, UnsubscribingIsAcknowledged) {
  if (resp() == 3) GTEST_SKIP() << "redis-cli 7.0 waits for a reply that is not a push";
  Pty terminal = Terminal();
  Enter(terminal, "UNSUBSCRIBE news.sports.golf");
  terminal.Expect("\"unsubscribe\"\n");
  terminal.Expect("\"news.sports.golf\"\n");
  terminal.Expect("(integer) 0\n");
  Enter(terminal, "UNSUBSCRIBE");
  terminal.Expect("\"unsubscribe\"\n");
  terminal.Expect("(nil)\n");
  terminal.Expect("(integer) 0\n");
  Enter(terminal, "PUNSUBSCRIBE news.sports.*");
  terminal.Expect("\"punsubscribe\"\n");
  terminal.Expect("(integer) 0\n");
}

TEST_P(RedisCli, MonitorShowsWhatOthersDo) {
  Pty terminal = Terminal();
  Enter(terminal, "MONITOR");
  terminal.Expect("OK\n");
  EXPECT_EQ(Publish("c", "x"), ":0");
  terminal.Expect("\"PUBLISH\" \"c\" \"x\"\n");
}

TEST_P(RedisCli, ItsReportsWork) {
  const std::string port = std::to_string(server().port());
  Client client = Connect();
  for (int i = 0; i < 50; ++i) client.Do("SET key:" + std::to_string(i) + " v");
  const ProgramResult big = RunProgram("redis-cli", {"-p", port, "--bigkeys"});
  EXPECT_EQ(big.exit_code, 0);
  EXPECT_NE(big.output.find("Sampled 50 keys"), std::string::npos) << big.output;
  const ProgramResult memory = RunProgram("redis-cli", {"-p", port, "--memkeys"});
  EXPECT_NE(memory.output.find("Sampled 50 keys"), std::string::npos) << memory.output;
  const ProgramResult scan = RunProgram("redis-cli", {"-p", port, "--scan", "--pattern", "key:1?"});
  EXPECT_EQ(std::count(scan.output.begin(), scan.output.end(), '\n'), 10) << scan.output;
  const ProgramResult pipe = RunProgram("redis-cli", {"-p", port, "--pipe"},
                                        EncodeCommand({"SET", "a", "1"}) + "INCR a\r\n");
  EXPECT_NE(pipe.output.find("errors: 0, replies: 2"), std::string::npos) << pipe.output;
  EXPECT_EQ(client.Do("GET a"), "'2'");
}

TEST_P(RedisCli, BenchmarkRuns) {
  const std::string port = std::to_string(server().port());
  const ProgramResult result =
      RunProgram("redis-benchmark",
                 {"-p", port, "-q", "-n", "2000", "-P", "16", "-t", "ping,set,get,incr,mset"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  for (const char* name : {"PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET"}) {
    EXPECT_NE(result.output.find(std::string(name)), std::string::npos) << result.output;
  }
  EXPECT_EQ(result.output.find("rror"), std::string::npos) << result.output;
}

}  // namespace
}  // namespace peal::tests
