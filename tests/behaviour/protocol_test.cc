// What the server makes of bytes: pipelines, inline commands, malformed and cut-off input.
// Error texts were observed on redis-server 7.0.15.

#include <stop_token>
#include <thread>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class Protocol : public Behaviour {};
INSTANTIATE_TEST_SUITE_P(, Protocol, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(Protocol, MalformedInputGetsItsErrorAndTheConnectionCloses) {
  struct Row {
    std::string input;
    std::string error;
  };
  const Row rows[] = {
      {"*x\r\n", "invalid multibulk length"},
      {"*2147483648\r\n", "invalid multibulk length"},
      {"*1\r\n$x\r\n", "invalid bulk length"},
      {"*1\r\n$-1\r\n", "invalid bulk length"},
      {"*1\r\n$536870913\r\n", "invalid bulk length"},
      {"*1\r\n+PING\r\n", "expected '$', got '+'"},
      {"SET \"x\r\n", "unbalanced quotes in request"},
      {std::string(65 * 1024 + 1, 'a'), "too big inline request"},
      {"*" + std::string(65 * 1024 + 1, '1'), "too big mbulk count string"},
      {"*1\r\n$" + std::string(65 * 1024 + 1, '1'), "too big bulk count string"},
  };
  for (const Row& row : rows) {
    Client client = Connect();
    Client bystander = Connect();
    client.Send("*1\r\n$4\r\nPING\r\n" + row.input);
    EXPECT_EQ(client.ReadUntilClosed(), "+PONG\r\n-ERR Protocol error: " + row.error + "\r\n");
    EXPECT_EQ(bystander.Do("PING"), "PONG");
  }
}

TEST_P(Protocol, MoreThan1048576ArgumentsAreRefused) {
  if (IsReference()) GTEST_SKIP() << "Redis 7 takes more";
  Client client = Connect();
  client.Send("*1048577\r\n");
  EXPECT_EQ(client.ReadUntilClosed(), "-ERR Protocol error: invalid multibulk length\r\n");
}

TEST_P(Protocol, UnknownCommandsAndWrongArityAreNamed) {
  Client client = Connect();
  EXPECT_EQ(client.Do("nonsense"), "-ERR unknown command 'nonsense', with args beginning with: ");
  EXPECT_EQ(client.Do("Nonsense a b"),
            "-ERR unknown command 'Nonsense', with args beginning with: 'a' 'b' ");
  EXPECT_EQ(client.Call({std::string(200, 'n'), std::string(200, 'a')}).text,
            "ERR unknown command '" + std::string(128, 'n') + "', with args beginning with: '" +
                std::string(128, 'a') + "' ");
  EXPECT_EQ(client.Call({"a\r\nb"}).Show(),
            "-ERR unknown command 'a  b', with args beginning with: ");
  EXPECT_EQ(client.Do("GET"), "-ERR wrong number of arguments for 'get' command");
  EXPECT_EQ(client.Do("GET a b"), "-ERR wrong number of arguments for 'get' command");
  EXPECT_EQ(client.Do("CLIENT SETNAME"),
            "-ERR wrong number of arguments for 'client|setname' command");
  EXPECT_EQ(client.Do("CLIENT nonsense"), "-ERR unknown subcommand 'nonsense'. Try CLIENT HELP.");
  EXPECT_EQ(client.Do("PING"), "PONG");
}

TEST_P(Protocol, CommandsMayArriveOctetByOctet) {
  Client client = Connect();
  const std::string bytes =
      EncodeCommand({"SET", "k", "line\r\nbreak"}) + "PING\r\n" + EncodeCommand({"GET", "k"});
  for (const char byte : bytes) client.Send({&byte, 1});
  EXPECT_EQ(client.Read().Show(), "OK");
  EXPECT_EQ(client.Read().Show(), "PONG");
  EXPECT_EQ(client.Read().text, "line\r\nbreak");
}

TEST_P(Protocol, CommandsMayBeCutAnywhere) {
  const std::string bytes =
      EncodeCommand({"SET", "k", "value"}) + EncodeCommand({"GET", "k"}) + "ECHO hi\r\n";
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    Client client = Connect();
    client.Send(bytes.substr(0, cut));
    client.Send(bytes.substr(cut));
    EXPECT_EQ(client.Read().Show(), "OK") << cut;
    EXPECT_EQ(client.Read().Show(), "'value'") << cut;
    EXPECT_EQ(client.Read().Show(), "'hi'") << cut;
  }
}

TEST_P(Protocol, APipelineOfTenThousandCommandsIsAnsweredInOrder) {
  Client client = Connect();
  std::string bytes;
  for (int i = 0; i < 10'000; ++i) bytes += EncodeCommand({"ECHO", std::to_string(i)});
  client.Send(bytes);
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(client.Read().text, std::to_string(i));
}

TEST_P(Protocol, APipelineOfTenThousandSubscriptionsIsAnsweredInOrder) {
  Client client = Connect();
  std::string bytes;
  for (int i = 0; i < 10'000; ++i) bytes += EncodeCommand({"SUBSCRIBE", std::to_string(i)});
  bytes += EncodeCommand({"RESET"});
  client.Send(bytes);
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(client.ReadRaw(), RawAck("subscribe", std::to_string(i), i + 1));
  }
  EXPECT_EQ(client.Read().Show(), "RESET");
}

TEST_P(Protocol, OnePipeliningClientDoesNotStarveAnother) {
  // As many connections as reactors and one more: some share a reactor with the busy one.
  std::vector<Client> others;
  Client busy = Connect();
  for (int i = 0; i < kManyReactors; ++i) others.push_back(Connect());
  std::string bytes;
  for (int i = 0; i < 10'000; ++i) bytes += EncodeCommand({"SET", "k", "v"});
  busy.Send(EncodeCommand({"CLIENT", "REPLY", "OFF"}));
  {
    // Its input has no end: who is not served in the middle of it is not served at all.
    const std::jthread sending([&](const std::stop_token& stop) {
      try {
        while (!stop.stop_requested()) busy.Send(bytes);
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
      }
    });
    for (int i = 0; i < 50; ++i) {
      for (Client& other : others) ASSERT_EQ(other.Do("PING"), "PONG");
    }
  }
  EXPECT_EQ(busy.Do("CLIENT REPLY ON"), "OK");
}

TEST_P(Protocol, AClientThatEndsItsInputGetsItsLastReplies) {
  Client client = Connect();
  client.Send(EncodeCommand({"ECHO", "last"}));
  client.ShutdownWrite();
  const std::string rest = client.ReadUntilClosed();
  EXPECT_TRUE(rest.empty() || rest == "$4\r\nlast\r\n") << rest;
}

TEST_P(Protocol, ACutOffCommandTouchesNobody) {
  for (const char* part :
       {"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100\r\nabc", "*1000\r\n", "*", "SET k"}) {
    Client client = Connect();
    client.Send(part);
    client.Close();
  }
  Client client = Connect();
  EXPECT_EQ(client.Do("GET k"), "nil");
}

TEST_P(Protocol, ManyArgumentsAreFine) {
  Client client = Connect();
  std::vector<std::string> command{"DEL"};
  for (int i = 0; i < 100'000; ++i) command.push_back("k" + std::to_string(i));
  EXPECT_EQ(client.Call(command).Show(), ":0");
}

TEST_P(Protocol, HelloSwitchesBothWaysAndDescribesTheServer) {
  Client client = ConnectResp2();
  const Reply map = client.Call({"HELLO", "3"});
  ASSERT_EQ(map.kind, Reply::Kind::kMap);
  for (const char* field : {"server", "version", "proto", "id", "mode", "role", "modules"}) {
    EXPECT_NE(map.Find(field), nullptr) << field;
  }
  EXPECT_EQ(map.Find("proto")->integer, 3);
  EXPECT_EQ(map.Find("mode")->text, "standalone");
  EXPECT_EQ(map.Find("role")->text, "master");
  EXPECT_TRUE(map.Find("version")->text.starts_with("7."));
  EXPECT_EQ(client.Raw("GET missing"), "_\r\n");
  EXPECT_EQ(client.Call({"HELLO"}).Find("proto")->integer, 3);
  EXPECT_EQ(client.Call({"HELLO", "2", "SETNAME", "me"}).kind, Reply::Kind::kArray);
  EXPECT_EQ(client.Do("CLIENT GETNAME"), "'me'");
  EXPECT_EQ(client.Raw("GET missing"), "$-1\r\n");
  EXPECT_EQ(client.Do("HELLO 4"), "-NOPROTO unsupported protocol version");
  EXPECT_EQ(client.Do("HELLO x"), "-ERR Protocol version is not an integer or out of range");
  EXPECT_EQ(client.Do("HELLO 2 bogus"), "-ERR Syntax error in HELLO option 'bogus'");
}

}  // namespace
}  // namespace peal::tests
