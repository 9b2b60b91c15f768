// Subscribers that do not read, hold very much, or die: they are cut, and nobody else notices.

#include <thread>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class PubSubLimits : public Behaviour {
 protected:
  void SetLimit(const std::string& limit) {
    Client client = ConnectResp2();
    ASSERT_EQ(client.Call({"CONFIG", "SET", "client-output-buffer-limit", limit}).Show(), "OK");
  }
  void TearDown() override {
    if (HasServer()) SetLimit("pubsub 33554432 8388608 60");
  }
};
INSTANTIATE_TEST_SUITE_P(, PubSubLimits, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(PubSubLimits, ASubscriberThatNeverReadsIsCutByItsHardLimitAndNamed) {
  SetLimit("pubsub 1048576 0 0");
  const int64_t cut_before =
      IsReference() ? 0 : InfoNumber("client_output_buffer_limit_disconnections");
  Client stuck = server().Connect(4096);
  stuck.Hello(resp());
  const std::string address = stuck.LocalAddress();
  Subscribe(stuck, {"SUBSCRIBE", "flood"});
  Client healthy = Connect();
  Subscribe(healthy, {"SUBSCRIBE", "flood"});
  Client publisher = Connect();
  const std::string payload(16 << 10, 'x');
  bool was_cut = false;
  for (int i = 0; i < 4000 && !was_cut; ++i) {
    was_cut = publisher.Call({"PUBLISH", "flood", payload}).integer == 1;
    ASSERT_EQ(healthy.Read().At(2).size(), payload.size());
  }
  EXPECT_TRUE(was_cut);
  EXPECT_TRUE(server().WaitForLog(address));
  EXPECT_TRUE(server().WaitForLog("overcoming of output buffer limits"));
  if (!IsReference()) {
    EXPECT_EQ(InfoNumber("client_output_buffer_limit_disconnections"), cut_before + 1);
  }
  stuck.ReadUntilClosed();
}

TEST_P(PubSubLimits, ASoftLimitCutsOnlyAfterItsTime) {
  SetLimit("pubsub 0 65536 1");
  Client stuck = server().Connect(4096);
  stuck.Hello(resp());
  Subscribe(stuck, {"SUBSCRIBE", "soft"});
  Client publisher = Connect();
  const std::string payload(1 << 20, 'x');
  const auto start = Clock::now();
  for (int i = 0; i < 12; ++i) ASSERT_EQ(publisher.Call({"PUBLISH", "soft", payload}).integer, 1);
  // The limit is checked when something is appended, and by the server's timer.
  EXPECT_TRUE(Eventually([&] { return publisher.Do("PUBLISH soft x") == ":0"; }));
  EXPECT_GE(Clock::now() - start, Milliseconds{900});
}

TEST_P(PubSubLimits, HundredThousandSubscriptionsDieWhileOthersAreServed) {
  constexpr int kSubscriptions = 100'000;
  Client holder = Connect();
  std::string bytes;
  for (int i = 0; i < kSubscriptions; i += 100) {
    std::vector<std::string> command{i % 1000 == 0 ? "PSUBSCRIBE" : "SUBSCRIBE"};
    for (int n = i; n < i + 100; ++n) command.push_back("channel." + std::to_string(n) + ".x*");
    bytes += EncodeCommand(command);
  }
  holder.Send(bytes);
  for (int i = 1; i <= kSubscriptions; ++i) {
    const Reply ack = holder.Read();
    ASSERT_EQ(ack.items.size(), 3U);
    ASSERT_EQ(ack.items[2].integer, i);
  }
  Client client = Connect();
  EXPECT_EQ(client.Do("PUBLISH channel.5000.x* hello"), ":1")
      << "held as a pattern, which matches its own name";
  holder.Close();
  EXPECT_TRUE(Eventually([&] {
    EXPECT_EQ(client.Do("PING"), "PONG");
    return client.Do("PUBLISH channel.99999.x* hello") == ":0" &&
           client.Do("PUBSUB NUMPAT") == ":0";
  }));
  EXPECT_TRUE(Eventually([&] { return client.Call({"PUBSUB", "CHANNELS"}).items.empty(); }));
}

TEST_P(PubSubLimits, ADeadSubscriberIsForgotten) {
  Client client = Connect();
  {
    Client subscriber = Connect();
    Subscribe(subscriber, {"SUBSCRIBE", "c"});
    Subscribe(subscriber, {"PSUBSCRIBE", "c*"});
    Subscribe(subscriber, {"SSUBSCRIBE", "c"});
    EXPECT_EQ(client.Do("PUBLISH c x"), ":2");
  }
  EXPECT_TRUE(Eventually([&] { return client.Do("PUBLISH c x") == ":0"; }));
  EXPECT_TRUE(Eventually([&] { return client.Do("SPUBLISH c x") == ":0"; }));
  EXPECT_EQ(client.Do("PUBSUB NUMPAT"), ":0");
}

}  // namespace
}  // namespace peal::tests
