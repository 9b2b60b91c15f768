// What one client may make the others wait for: its pipelines, its unread output, its requests that
// are too large to keep. Everybody else is served meanwhile.

#include <algorithm>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class Fairness : public Behaviour {
 protected:
  /// The number behind ` name=` in the CLIENT LIST line of `id`.
  int64_t ClientField(int64_t id, const std::string& name) {
    Client client = ConnectResp2();
    const std::string line = client.Call({"CLIENT", "LIST", "ID", std::to_string(id)}).text;
    const size_t at = line.find(" " + name + "=");
    return at == std::string::npos ? -1 : std::atoll(line.c_str() + at + name.size() + 2);
  }

  /// A subscriber that holds `count` channels with names of at least `name_bytes`.
  Client ConnectHolder(int count, size_t name_bytes) {
    Client holder = Connect();
    constexpr int kAtOnce = 100;
    for (int i = 0; i < count; i += kAtOnce) {
      std::vector<std::string> command{"SUBSCRIBE"};
      for (int n = i; n < i + kAtOnce; ++n) {
        std::string name = std::to_string(n) + ".";
        name.resize(std::max(name.size(), name_bytes), 'x');
        command.push_back(std::move(name));
      }
      holder.SendCommand(command);
      holder.ReadMany(kAtOnce);
    }
    return holder;
  }

  /// Expects the server to rest while nobody asks for anything.
  void ExpectIdle() {
    Client client = Connect();
    const auto began = Clock::now();
    const Milliseconds used_before = server().CpuTime();
    EXPECT_FALSE(client.WaitForInput(Milliseconds{400})) << "nobody sends anything";
    const Milliseconds used = server().CpuTime() - used_before;
    const auto passed = std::chrono::duration_cast<Milliseconds>(Clock::now() - began);
    EXPECT_LT(used, passed / 2) << "the server is busy while nobody asks for anything";
  }
};
INSTANTIATE_TEST_SUITE_P(, Fairness, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(Fairness, APipelineStopsWhileItsRepliesAreUnread) {
  constexpr size_t kValueBytes = 256 << 10;
  constexpr int kGets = 1000;
  Client other = Connect();
  other.Call({"SET", "large", std::string(kValueBytes, 'v')});
  Client stuck = Connect();
  const int64_t id = stuck.Id();
  std::string pipeline;
  for (int i = 0; i < kGets; ++i) pipeline += EncodeCommand({"GET", "large"});
  stuck.Send(pipeline + EncodeCommand({"ECHO", "behind"}));
  if (!IsReference()) {
    EXPECT_TRUE(Eventually([&] { return ClientField(id, "omem") > 0; }));
    // Time for more of them, if it does not stop.
    for (int i = 0; i < 200; ++i) ASSERT_EQ(other.Do("PING"), "PONG");
    EXPECT_LT(ClientField(id, "omem"), 16 << 20)
        << "of " << kGets * kValueBytes << " octets in all";
  }
  for (int i = 0; i < kGets; ++i) ASSERT_EQ(stuck.Read().text.size(), kValueBytes);
  EXPECT_EQ(stuck.Read().Show(), "'behind'") << "it goes on where it stopped";
}

TEST_P(Fairness, APipelineOfSmallRequestsStopsInItsMiddleToo) {
  constexpr int kEchoes = 50'000;
  const std::string text(1000, 'e');
  Client stuck = Connect();
  const int64_t id = stuck.Id();
  stuck.Do("SET k " + text);
  std::string pipeline;
  for (int i = 0; i < kEchoes; ++i) pipeline += EncodeCommand({"GETRANGE", "k", "0", "-1"});
  stuck.Send(pipeline);
  Client other = Connect();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(other.Do("PING"), "PONG");
  if (!IsReference()) {
    EXPECT_LT(ClientField(id, "omem"), 16 << 20);
  }
  for (int i = 0; i < kEchoes; ++i) ASSERT_EQ(stuck.Read().text, text) << i;
}

TEST_P(Fairness, LeavingChannelsWithoutReadingTheAnswersLeavesTheProcessorAlone) {
  constexpr int kChannels = 30'000;
  constexpr size_t kNameBytes = 1000;
  Client holder = ConnectHolder(kChannels, kNameBytes);
  holder.SendLine("UNSUBSCRIBE");
  Client other = Connect();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(other.Do("PING"), "PONG");
  ExpectIdle();
  for (int left = kChannels - 1; left >= 0; --left) {
    const Reply ack = holder.Read();
    ASSERT_EQ(ack.items.size(), 3U) << ack;
    ASSERT_EQ(ack.items[2].integer, left);
  }
  EXPECT_EQ(holder.Do("ECHO behind"), "'behind'");
}

TEST_P(Fairness, ResetWithoutReadingWhatCameBeforeLeavesTheProcessorAlone) {
  constexpr int kMessages = 40;
  Client holder = ConnectHolder(20'000, 20);
  holder.SendLine("SUBSCRIBE flood");
  holder.Read();
  Client publisher = Connect();
  const std::string payload(1 << 19, 'p');
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_EQ(publisher.Call({"PUBLISH", "flood", payload}).integer, 1);
  }
  holder.SendLine("RESET");
  for (int i = 0; i < 100; ++i) ASSERT_EQ(publisher.Do("PING"), "PONG");
  ExpectIdle();
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(holder.Read().At(2).size(), payload.size());
  EXPECT_EQ(holder.Read().Show(), "RESET");
  EXPECT_EQ(publisher.Do("PUBLISH flood x"), ":0");
}

TEST_P(Fairness, AMonitorSeesHugeRequestsByTheirBeginning) {
  if (IsReference()) GTEST_SKIP() << "Differs: Redis shows them whole";
  constexpr size_t kLongestLine = 128 << 10;
  Client monitor = Connect();
  ASSERT_EQ(monitor.Do("MONITOR"), "OK");
  Client client = ConnectResp2();
  client.Call({"SET", "k", std::string(8 << 20, '\x01')});
  std::vector<std::string> many{"DEL"};
  for (int i = 0; i < 100'000; ++i) many.push_back("key:" + std::to_string(i));
  client.Call(many);
  client.Do("ECHO fence");
  const std::string set = monitor.Read().text;
  EXPECT_LT(set.size(), kLongestLine);
  EXPECT_NE(set.find("\"SET\" \"k\" \"\\x01\\x01"), std::string::npos) << set.substr(0, 200);
  EXPECT_TRUE(set.ends_with("...")) << set.substr(set.size() - 100);
  const std::string del = monitor.Read().text;
  EXPECT_LT(del.size(), kLongestLine);
  EXPECT_NE(del.find("\"DEL\" \"key:0\" \"key:1\""), std::string::npos) << del.substr(0, 200);
  EXPECT_TRUE(del.ends_with("...")) << del.substr(del.size() - 100);
  EXPECT_TRUE(monitor.Read().text.ends_with("\"ECHO\" \"fence\""));
}

TEST_P(Fairness, AKeyIsExpiredAsSoonAsItsTimeHasComeWhoeverSlept) {
  // After a quiet time the clock must be read before the first command, not after it.
  Client client = Connect();
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(client.Do("SET k v PX 20"), "OK");
    EXPECT_FALSE(client.WaitForInput(Milliseconds{25}));
    ASSERT_EQ(client.Do("GET k"), "nil");
  }
}

TEST_P(Fairness, FewExpiredKeysAreFoundAmongManyThatLive) {
  // More than a tick looks at: each goes on where the last one stopped.
  constexpr int kLiving = 20'000;
  constexpr int kDying = 40;
  Client client = Connect();
  std::vector<std::vector<std::string>> commands;
  for (int i = 0; i < kLiving; ++i)
    commands.push_back({"SET", "living:" + std::to_string(i), "v", "EX", "3600"});
  for (int i = 0; i < kDying; ++i)
    commands.push_back({"SET", "dying:" + std::to_string(i), "v", "PX", "1"});
  client.Pipeline(commands);
  EXPECT_TRUE(Eventually([&] { return client.Do("DBSIZE") == ":" + std::to_string(kLiving); }))
      << client.Do("DBSIZE");
}

TEST_P(Fairness, LargeValuesFreedAsideAreCounted) {
  Client client = Connect();
  // What earlier tests left is gone first.
  const auto is_done = [&] { return InfoNumber("lazyfree_pending_objects") == 0; };
  ASSERT_TRUE(Eventually(is_done));
  const int64_t before = InfoNumber("lazyfreed_objects");
  for (int i = 0; i < 100; ++i) client.Call({"RPUSH", "list", std::string(8000, 'x')});
  client.Do("SET small v");
  EXPECT_EQ(client.Do("UNLINK list small"), ":2");
  EXPECT_TRUE(Eventually([&] { return InfoNumber("lazyfreed_objects") > before; }));
  EXPECT_TRUE(Eventually(is_done));
  client.Do("CONFIG RESETSTAT");
  EXPECT_EQ(InfoNumber("lazyfreed_objects"), 0);
}

TEST_P(Fairness, AKeyExpiresInTheMiddleOfALongPipeline) {
  // Observed with redis-server 7.0.15: each command sees the time at which it begins.
  Client client = Connect();
  ASSERT_EQ(client.Do("DEBUG SET-ACTIVE-EXPIRE 0"), "OK");
  const std::vector<Reply> replies = client.Pipeline({{"SET", "stays", "v", "PX", "60000"},
                                                      {"PEXPIRETIME", "stays"},
                                                      {"SET", "k", "v"},
                                                      {"PEXPIRE", "k", "1"},
                                                      {"DEBUG", "SLEEP", "0.05"},
                                                      {"GET", "k"},
                                                      {"SET", "stays", "v", "PX", "60000"},
                                                      {"PEXPIRETIME", "stays"}});
  EXPECT_EQ(client.Do("DEBUG SET-ACTIVE-EXPIRE 1"), "OK");
  EXPECT_EQ(replies[3].Show(), ":1");
  EXPECT_EQ(replies[5].Show(), "nil");
  EXPECT_GE(replies[7].integer, replies[1].integer + 50)
      << "the new time to live starts when it is set";
}

TEST_P(Fairness, ReplySkipSurvivesAPause) {
  Client admin = Connect();
  Client writer = Connect();
  ASSERT_EQ(admin.Do("CLIENT PAUSE 100000 WRITE"), "OK");
  writer.SendLine("CLIENT REPLY SKIP");
  writer.SendLine("SET k skipped");
  writer.SendLine("GET k");
  EXPECT_FALSE(writer.WaitForInput(Milliseconds{50}));
  ASSERT_EQ(admin.Do("CLIENT UNPAUSE"), "OK");
  EXPECT_EQ(writer.Read().Show(), "'skipped'") << "the reply of SET is the one that is skipped";
  EXPECT_EQ(writer.Do("ECHO fence"), "'fence'") << "and only that";
}

TEST_P(Fairness, QuotedInlineRequestsSurviveAPause) {
  Client admin = Connect();
  Client writer = Connect();
  ASSERT_EQ(admin.Do("CLIENT PAUSE 100000 WRITE"), "OK");
  // The first request is held; the quotes of the others must be undone once, not twice.
  writer.Send(EncodeCommand({"SET", "first", "1"}) + "SET k \"\\\"a b\\\" \\x5cx\"\r\n" +
              "SET l 'it \\'is'\r\nGET k\r\n" + EncodeCommand({"GET", "l"}) + "GET \"first\"\r\n");
  EXPECT_FALSE(writer.WaitForInput(Milliseconds{50}));
  ASSERT_EQ(admin.Do("CLIENT UNPAUSE"), "OK");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(writer.Read().Show(), "OK");
  EXPECT_EQ(writer.Read().text, "\"a b\" \\x");
  EXPECT_EQ(writer.Read().text, "it 'is");
  EXPECT_EQ(writer.Read().text, "1");
  // Held as the very first of its input.
  ASSERT_EQ(admin.Do("CLIENT PAUSE 100000 WRITE"), "OK");
  writer.Send("SET k \"x \\x5c y\"\r\nGET k\r\n");
  EXPECT_FALSE(writer.WaitForInput(Milliseconds{50}));
  ASSERT_EQ(admin.Do("CLIENT UNPAUSE"), "OK");
  EXPECT_EQ(writer.Read().Show(), "OK");
  EXPECT_EQ(writer.Read().text, "x \\ y");
}

TEST_P(Fairness, LargeRequestsSurviveAPause) {
  Client admin = Connect();
  Client writer = Connect();
  const std::string large(3 << 20, 'L');
  ASSERT_EQ(admin.Do("CLIENT PAUSE 100000 WRITE"), "OK");
  writer.Send(EncodeCommand({"SET", "first", "1"}) + EncodeCommand({"SET", "k", large}) +
              EncodeCommand({"STRLEN", "k"}) + EncodeCommand({"GET", "first"}));
  EXPECT_FALSE(writer.WaitForInput(Milliseconds{50}));
  ASSERT_EQ(admin.Do("CLIENT UNPAUSE"), "OK");
  EXPECT_EQ(writer.Read().Show(), "OK");
  EXPECT_EQ(writer.Read().Show(), "OK");
  EXPECT_EQ(writer.Read().integer, static_cast<int64_t>(large.size()));
  EXPECT_EQ(writer.Read().text, "1");
}

TEST_P(Fairness, WhoConnectsLaterHasTheLargerId) {
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(ConnectResp2());
  int64_t last = 0;
  for (Client& client : clients) {
    const int64_t id = client.Id();
    EXPECT_GT(id, last);
    last = id;
  }
}

}  // namespace
}  // namespace peal::tests
