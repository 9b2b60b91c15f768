// What a connection may do while it holds subscriptions, and how it gets out again.
// Sources: the Redis pub/sub documentation and redis-server 7.0.15, which passes these tests.

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class PubSubModes : public Behaviour {
 protected:
  std::string Refusal(const std::string& name) {
    return "-ERR Can't execute '" + name +
           "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
           "context";
  }
};
INSTANTIATE_TEST_SUITE_P(, PubSubModes, ::testing::ValuesIn(AllSetups()), SetupName);

const std::vector<std::string> kSubscribing[] = {
    {"SUBSCRIBE", "c"}, {"PSUBSCRIBE", "c*"}, {"SSUBSCRIBE", "c"}};

TEST_P(PubSubModes, AResp2SubscriberIsRefusedOtherCommandsAndResp3IsNot) {
  for (const auto& subscribing : kSubscribing) {
    Client client = Connect();
    Subscribe(client, subscribing);
    if (resp() == 2) {
      EXPECT_EQ(client.Do("GET k"), Refusal("get"));
      EXPECT_EQ(client.Do("PUBLISH c x"), Refusal("publish"));
      EXPECT_EQ(client.Do("HELLO 3"), Refusal("hello"));
      EXPECT_EQ(client.Do("CLIENT ID"), Refusal("client|id"));
      EXPECT_EQ(client.Do("MULTI"), Refusal("multi"));
      EXPECT_EQ(client.Do("PUBSUB NUMPAT"), Refusal("pubsub|numpat"));
      EXPECT_TRUE(client.Call({"NONSENSE"}).text.starts_with("ERR unknown command"));
    } else {
      EXPECT_EQ(client.Raw("GET k"), "_\r\n");
      EXPECT_EQ(client.Do("SET k v"), "OK");
      EXPECT_EQ(client.Do("DEL k"), ":1");
    }
  }
}

TEST_P(PubSubModes, PingAnswersInTheFormOfTheMode) {
  Client client = Connect();
  EXPECT_EQ(client.Raw("PING"), "+PONG\r\n");
  EXPECT_EQ(client.Raw("PING hi"), "$2\r\nhi\r\n");
  Subscribe(client, {"SUBSCRIBE", "c"});
  if (resp() == 2) {
    EXPECT_EQ(client.Raw("PING"), "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    EXPECT_EQ(client.Raw("PING hi"), "*2\r\n$4\r\npong\r\n$2\r\nhi\r\n");
  } else {
    EXPECT_EQ(client.Raw("PING"), "+PONG\r\n");
    EXPECT_EQ(client.Raw("PING hi"), "$2\r\nhi\r\n");
  }
  Subscribe(client, {"UNSUBSCRIBE", "c"});
  EXPECT_EQ(client.Raw("PING"), "+PONG\r\n");
}

TEST_P(PubSubModes, ModeEndsWhenNothingIsHeldAnyMore) {
  Client client = Connect();
  Subscribe(client, {"SUBSCRIBE", "c"});
  Subscribe(client, {"PSUBSCRIBE", "p"});
  Subscribe(client, {"SSUBSCRIBE", "s"});
  for (const auto& leaving : {"UNSUBSCRIBE", "PUNSUBSCRIBE"}) {
    client.SendLine(leaving);
    client.Read();
    if (resp() == 2) {
      EXPECT_EQ(client.Do("GET k"), Refusal("get"));
    }
  }
  client.SendLine("SUNSUBSCRIBE");
  client.Read();
  EXPECT_EQ(client.Do("GET k"), "nil");
}

TEST_P(PubSubModes, ResetDropsSubscriptionsInSilenceAndReturnsToResp2) {
  Client client = Connect();
  Subscribe(client, {"SUBSCRIBE", "c", "d"});
  Subscribe(client, {"PSUBSCRIBE", "c*"});
  Subscribe(client, {"SSUBSCRIBE", "s"});
  EXPECT_EQ(client.Raw("RESET"), "+RESET\r\n");
  EXPECT_EQ(client.Raw("GET k"), "$-1\r\n");
  Client publisher = Connect();
  EXPECT_EQ(publisher.Do("PUBLISH c x"), ":0");
  EXPECT_EQ(publisher.Do("SPUBLISH s x"), ":0");
  EXPECT_EQ(publisher.Do("PUBSUB NUMPAT"), ":0");
  EXPECT_EQ(client.Raw("PING"), "+PONG\r\n");
}

TEST_P(PubSubModes, QuitSaysOkAndCloses) {
  Client client = Connect();
  Subscribe(client, {"SUBSCRIBE", "c"});
  client.SendLine("QUIT");
  EXPECT_EQ(client.ReadUntilClosed(), "+OK\r\n");
  Client other = Connect();
  EXPECT_TRUE(Eventually([&] { return other.Do("PUBLISH c x") == ":0"; }));
}

TEST_P(PubSubModes, AResp3SubscriberCanStepDownToResp2) {
  if (resp() == 2) GTEST_SKIP() << "HELLO is refused to a RESP2 subscriber";
  Client client = Connect();
  Subscribe(client, {"SUBSCRIBE", "c"});
  EXPECT_EQ(client.Call({"HELLO", "2"}).kind, Reply::Kind::kArray);
  Client publisher = Connect();
  publisher.Do("PUBLISH c x");
  EXPECT_EQ(client.ReadRaw(), EncodeCommand({"message", "c", "x"}));
  EXPECT_EQ(client.Do("GET k"), Refusal("get"));
}

TEST_P(PubSubModes, ClientReplyOffDoesNotSilencePushes) {
  if (resp() == 2) GTEST_SKIP() << "CLIENT is refused to a RESP2 subscriber";
  Client client = Connect();
  Subscribe(client, {"SUBSCRIBE", "c"});
  client.SendLine("CLIENT REPLY OFF");
  client.SendLine("PING");
  Client publisher = Connect();
  // The reply to the command sent before the next publish shows that it has been executed.
  ASSERT_TRUE(Eventually([&] {
    return publisher.Call({"CLIENT", "LIST", "TYPE", "pubsub"}).text.find("cmd=ping") !=
           std::string::npos;
  }));
  EXPECT_EQ(publisher.Do("PUBLISH c one"), ":1");
  EXPECT_EQ(Frame(client.Read()), "message c one");
  EXPECT_EQ(client.Do("CLIENT REPLY ON"), "OK");
  client.SendLine("CLIENT REPLY SKIP");
  client.SendLine("ECHO skipped");
  EXPECT_EQ(publisher.Do("PUBLISH c two"), ":1");
  EXPECT_EQ(Frame(client.Read()), "message c two");
}

TEST_P(PubSubModes, ClientReplyOffSilencesRepliesAndSkipTheNextOne) {
  Client client = Connect();
  client.SendLine("CLIENT REPLY OFF");
  client.SendLine("SET k v");
  client.SendLine("NONSENSE");
  EXPECT_EQ(client.Do("CLIENT REPLY ON"), "OK");
  EXPECT_EQ(client.Do("GET k"), "'v'");
  client.SendLine("CLIENT REPLY SKIP");
  client.SendLine("ECHO skipped");
  EXPECT_EQ(client.Do("ECHO heard"), "'heard'");
}

TEST_P(PubSubModes, ClientListShowsSubscribersWithTheirCounts) {
  Client client = Connect();
  Subscribe(client, {"SUBSCRIBE", "a", "b"});
  Subscribe(client, {"PSUBSCRIBE", "p*"});
  Subscribe(client, {"SSUBSCRIBE", "s1", "s2", "s3"});
  Client watcher = Connect();
  const std::string list = watcher.Call({"CLIENT", "LIST", "TYPE", "pubsub"}).text;
  EXPECT_NE(list.find("addr=" + client.LocalAddress() + " "), std::string::npos) << list;
  EXPECT_NE(list.find(" flags=P "), std::string::npos) << list;
  EXPECT_NE(list.find(" sub=2 psub=1 ssub=3 "), std::string::npos) << list;
  EXPECT_EQ(list.find(watcher.LocalAddress()), std::string::npos) << list;
}

TEST_P(PubSubModes, MonitorLikeQuitAndInlineCommandsWorkWhileSubscribed) {
  Client client = Connect();
  client.Send("SUBSCRIBE inline\r\n");
  EXPECT_EQ(client.ReadRaw(), RawAck("subscribe", "inline", 1));
  client.Send("UNSUBSCRIBE\r\n");
  EXPECT_EQ(client.ReadRaw(), RawAck("unsubscribe", "inline", 0));
}

TEST_P(PubSubModes, KilledSubscribersAreClosedAndForgotten) {
  Client killer = Connect();
  Client bystander = Connect();
  for (const std::string filter : {"ID", "ADDR", "LADDR", "TYPE", "OLD"}) {
    Client client = Connect();
    const int64_t id = client.Id();
    Subscribe(client, {"SUBSCRIBE", "doomed"});
    Subscribe(client, {"PSUBSCRIBE", "doom*"});
    Reply reply;
    if (filter == "ID") {
      reply = killer.Call({"CLIENT", "KILL", "ID", std::to_string(id)});
    } else if (filter == "ADDR") {
      reply = killer.Call({"CLIENT", "KILL", "ADDR", client.LocalAddress()});
    } else if (filter == "LADDR") {
      reply =
          killer.Call({"CLIENT", "KILL", "LADDR",
                       "127.0.0.1:" + std::to_string(server().client_port()), "TYPE", "pubsub"});
    } else if (filter == "TYPE") {
      reply = killer.Call({"CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes"});
    } else {
      reply = killer.Call({"CLIENT", "KILL", client.LocalAddress()});
    }
    EXPECT_EQ(reply.Show(), filter == "OLD" ? "OK" : ":1") << filter;
    EXPECT_EQ(client.ReadUntilClosed(), "") << filter;
    EXPECT_TRUE(Eventually([&] { return killer.Do("PUBLISH doomed x") == ":0"; })) << filter;
  }
  EXPECT_EQ(bystander.Do("PING"), "PONG");
  EXPECT_EQ(killer.Do("CLIENT KILL 1.2.3.4:5"), "-ERR No such client");
  EXPECT_EQ(killer.Do("CLIENT KILL ID 999999999"), ":0");
  EXPECT_EQ(killer.Do("CLIENT KILL ID x"), "-ERR client-id should be greater than 0");
  EXPECT_EQ(killer.Do("CLIENT KILL TYPE x"), "-ERR Unknown client type 'x'");
  EXPECT_EQ(killer.Do("CLIENT KILL ID 1 SKIPME"), "-ERR syntax error");
  EXPECT_EQ(killer.Do("CLIENT KILL USER nobody-such"), "-ERR No such user 'nobody-such'");
}

TEST_P(PubSubModes, AKilledSubscriberIsGoneWhenTheReplyToClientKillIsRead) {
  Client killer = Connect();
  for (int i = 0; i < 50; ++i) {
    Client client = Connect();
    const std::string id = std::to_string(client.Id());
    Subscribe(client, {"SUBSCRIBE", "doomed"});
    Subscribe(client, {"PSUBSCRIBE", "doom*"});
    ASSERT_EQ(killer.Call({"CLIENT", "KILL", "ID", id}).integer, 1);
    ASSERT_EQ(killer.Do("PUBLISH doomed x"), ":0") << "in round " << i;
  }
}

TEST_P(PubSubModes, ManyKilledSubscribersLeaveNothingBehind) {
  std::vector<Client> subscribers;
  for (int i = 0; i < 40; ++i) {
    subscribers.push_back(Connect());
    Subscribe(subscribers.back(), {"SUBSCRIBE", "c" + std::to_string(i % 5), "common"});
    Subscribe(subscribers.back(), {"PSUBSCRIBE", "c?"});
  }
  Client killer = Connect();
  EXPECT_EQ(killer.Do("PUBLISH common x"), ":40");
  EXPECT_EQ(killer.Do("CLIENT KILL TYPE pubsub"), ":40");
  EXPECT_TRUE(Eventually([&] { return killer.Do("PUBSUB CHANNELS") == "[]"; }));
  EXPECT_EQ(killer.Do("PUBSUB NUMPAT"), ":0");
}

}  // namespace
}  // namespace peal::tests
