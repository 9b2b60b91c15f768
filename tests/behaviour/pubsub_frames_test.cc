// What subscribers and publishers read, octet by octet.
// Sources: the Redis pub/sub documentation and redis-server 7.0.15, which passes these tests.

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class PubSubFrames : public Behaviour {};
INSTANTIATE_TEST_SUITE_P(, PubSubFrames, ::testing::ValuesIn(AllSetups()), SetupName);

struct Kind {
  std::string subscribe;
  std::string unsubscribe;
};
const Kind kKinds[] = {
    {"subscribe", "unsubscribe"}, {"psubscribe", "punsubscribe"}, {"ssubscribe", "sunsubscribe"}};

TEST_P(PubSubFrames, EachArgumentIsAcknowledgedInOrderWithARisingCount) {
  for (const Kind& kind : kKinds) {
    Client client = Connect();
    client.SendLine(kind.subscribe + " a b c");
    EXPECT_EQ(client.ReadRaw(), RawAck(kind.subscribe, "a", 1));
    EXPECT_EQ(client.ReadRaw(), RawAck(kind.subscribe, "b", 2));
    EXPECT_EQ(client.ReadRaw(), RawAck(kind.subscribe, "c", 3));
    client.SendLine(kind.unsubscribe + " b a c");
    EXPECT_EQ(client.ReadRaw(), RawAck(kind.unsubscribe, "b", 2));
    EXPECT_EQ(client.ReadRaw(), RawAck(kind.unsubscribe, "a", 1));
    EXPECT_EQ(client.ReadRaw(), RawAck(kind.unsubscribe, "c", 0));
  }
}

TEST_P(PubSubFrames, SubscribingAgainAcknowledgesWithTheSameCount) {
  for (const Kind& kind : kKinds) {
    Client client = Connect();
    client.SendLine(kind.subscribe + " c c c");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(client.ReadRaw(), RawAck(kind.subscribe, "c", 1));
  }
}

TEST_P(PubSubFrames, UnsubscribingWhatIsNotHeldEchoesTheNameAndKeepsTheCount) {
  for (const Kind& kind : kKinds) {
    Client client = Connect();
    client.SendLine(kind.subscribe + " held");
    EXPECT_EQ(client.ReadRaw(), RawAck(kind.subscribe, "held", 1));
    client.SendLine(kind.unsubscribe + " other another");
    EXPECT_EQ(client.ReadRaw(), RawAck(kind.unsubscribe, "other", 1));
    EXPECT_EQ(client.ReadRaw(), RawAck(kind.unsubscribe, "another", 1));
  }
}

TEST_P(PubSubFrames, BareUnsubscribeLeavesEveryChannelWithAFallingCount) {
  for (const Kind& kind : kKinds) {
    Client client = Connect();
    Subscribe(client, {kind.subscribe, "a", "b", "c"});
    client.SendLine(kind.unsubscribe);
    std::vector<std::string> names;
    for (int left = 2; left >= 0; --left) {
      const Reply ack = client.Read();
      ASSERT_EQ(ack.items.size(), 3U) << ack;
      EXPECT_EQ(ack.At(0), kind.unsubscribe);
      EXPECT_EQ(ack.items[2].integer, left);
      names.push_back(ack.At(1));
    }
    EXPECT_THAT(names, ::testing::UnorderedElementsAre("a", "b", "c"));
  }
}

TEST_P(PubSubFrames, BareUnsubscribeWithNothingHeldAcknowledgesOnceWithANullName) {
  for (const Kind& kind : kKinds) {
    Client client = Connect();
    client.SendLine(kind.unsubscribe);
    const std::string head = resp() == 3 ? ">3\r\n" : "*3\r\n";
    EXPECT_EQ(client.ReadRaw(), head + "$" + std::to_string(kind.unsubscribe.size()) + "\r\n" +
                                    kind.unsubscribe + "\r\n" + RawNull() + ":0\r\n");
    EXPECT_EQ(client.Raw("PING"), "+PONG\r\n");
  }
}

TEST_P(PubSubFrames, ChannelsAndPatternsShareACounterAndShardChannelsHaveTheirOwn) {
  Client client = Connect();
  client.SendLine("SUBSCRIBE a");
  EXPECT_EQ(client.ReadRaw(), RawAck("subscribe", "a", 1));
  client.SendLine("PSUBSCRIBE p*");
  EXPECT_EQ(client.ReadRaw(), RawAck("psubscribe", "p*", 2));
  client.SendLine("SSUBSCRIBE s");
  EXPECT_EQ(client.ReadRaw(), RawAck("ssubscribe", "s", 1));
  client.SendLine("SUBSCRIBE b");
  EXPECT_EQ(client.ReadRaw(), RawAck("subscribe", "b", 3));
  client.SendLine("UNSUBSCRIBE");
  client.ReadRaw();
  EXPECT_EQ(client.Read().items[2].integer, 1) << "the pattern still counts";
  client.SendLine("UNSUBSCRIBE");
  EXPECT_EQ(client.Read().Show(),
            resp() == 3 ? ">['unsubscribe', nil, :1]" : "['unsubscribe', nil, :1]");
  client.SendLine("SUNSUBSCRIBE s");
  EXPECT_EQ(client.ReadRaw(), RawAck("sunsubscribe", "s", 0));
}

TEST_P(PubSubFrames, MessagesCarryKindChannelAndPayload) {
  Client subscriber = Connect();
  Subscribe(subscriber, {"SUBSCRIBE", "news"});
  Subscribe(subscriber, {"SSUBSCRIBE", "shard"});
  Client publisher = Connect();
  EXPECT_EQ(publisher.Raw("PUBLISH news hello"), ":1\r\n");
  EXPECT_EQ(subscriber.ReadRaw(), RawFrame({"message", "news", "hello"}));
  EXPECT_EQ(publisher.Raw("SPUBLISH shard hi"), ":1\r\n");
  EXPECT_EQ(subscriber.ReadRaw(), RawFrame({"smessage", "shard", "hi"}));
}

TEST_P(PubSubFrames, PatternMessagesCarryThePatternToo) {
  Client subscriber = Connect();
  Subscribe(subscriber, {"PSUBSCRIBE", "ne?s.*"});
  Client publisher = Connect();
  EXPECT_EQ(publisher.Raw("PUBLISH news.golf hello"), ":1\r\n");
  EXPECT_EQ(subscriber.ReadRaw(), RawFrame({"pmessage", "ne?s.*", "news.golf", "hello"}));
}

TEST_P(PubSubFrames, ChannelAndEachMatchingPatternDeliverOnceEach) {
  Client subscriber = Connect();
  Subscribe(subscriber, {"SUBSCRIBE", "news"});
  Subscribe(subscriber, {"PSUBSCRIBE", "n*", "*s", "other*"});
  Client publisher = Connect();
  EXPECT_EQ(publisher.Raw("PUBLISH news x"), ":3\r\n");
  EXPECT_EQ(subscriber.ReadRaw(), RawFrame({"message", "news", "x"})) << "the channel comes first";
  const std::vector<std::string> rest = {subscriber.ReadRaw(), subscriber.ReadRaw()};
  EXPECT_THAT(rest, ::testing::UnorderedElementsAre(RawFrame({"pmessage", "n*", "news", "x"}),
                                                    RawFrame({"pmessage", "*s", "news", "x"})));
}

TEST_P(PubSubFrames, NamesAndPayloadsMayHoldAnyOctetsOrNone) {
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte += static_cast<char>(i);
  const std::string names[] = {"", every_byte, "line\r\nbreak", std::string("nul\0nul", 7), "한글"};
  for (const std::string& name : names) {
    Client subscriber = Connect();
    Subscribe(subscriber, {"SUBSCRIBE", name});
    Client publisher = Connect();
    for (const std::string& payload : names) {
      EXPECT_EQ(publisher.Call({"PUBLISH", name, payload}).integer, 1);
      EXPECT_EQ(subscriber.ReadRaw(), RawFrame({"message", name, payload}));
    }
  }
}

TEST_P(PubSubFrames, BigPayloadsArriveWhole) {
  Client subscriber = Connect();
  Client other = Connect();
  Subscribe(subscriber, {"SUBSCRIBE", "big"});
  Subscribe(other, {"PSUBSCRIBE", "b*"});
  Client publisher = Connect();
  for (const size_t bytes : {size_t{16} << 10, size_t{1} << 20}) {
    std::string payload(bytes, 'x');
    for (size_t i = 0; i < bytes; i += 997) payload[i] = static_cast<char>(i);
    EXPECT_EQ(publisher.Call({"PUBLISH", "big", payload}).integer, 2);
    EXPECT_TRUE(subscriber.ReadRaw() == RawFrame({"message", "big", payload})) << bytes;
    EXPECT_TRUE(other.ReadRaw() == RawFrame({"pmessage", "b*", "big", payload})) << bytes;
  }
}

TEST_P(PubSubFrames, PublishToNobodyCountsZero) {
  Client client = Connect();
  EXPECT_EQ(client.Raw("PUBLISH nobody x"), ":0\r\n");
  EXPECT_EQ(client.Raw("SPUBLISH nobody x"), ":0\r\n");
}

TEST_P(PubSubFrames, PublishCountsEveryFrameOfEveryClient) {
  std::vector<Client> subscribers;
  for (int i = 0; i < 9; ++i) {
    subscribers.push_back(Connect());
    Subscribe(subscribers.back(), {"SUBSCRIBE", "c"});
    if (i % 3 == 0) Subscribe(subscribers.back(), {"PSUBSCRIBE", "c*", "*c"});
  }
  Client publisher = Connect();
  EXPECT_EQ(publisher.Do("PUBLISH c x"), ":15");
  for (int i = 0; i < 9; ++i) subscribers[static_cast<size_t>(i)].ReadMany(i % 3 == 0 ? 3 : 1);
}

TEST_P(PubSubFrames, ShardChannelsAndChannelsDoNotMeet) {
  Client subscriber = Connect();
  Subscribe(subscriber, {"SUBSCRIBE", "x"});
  Subscribe(subscriber, {"PSUBSCRIBE", "*"});
  Client shard = Connect();
  Subscribe(shard, {"SSUBSCRIBE", "x"});
  Client publisher = Connect();
  EXPECT_EQ(publisher.Do("SPUBLISH x sharded"), ":1");
  EXPECT_EQ(publisher.Do("PUBLISH x global"), ":2");
  EXPECT_EQ(Frame(shard.Read()), "smessage x sharded");
  EXPECT_EQ(Frame(subscriber.Read()), "message x global");
  EXPECT_EQ(Frame(subscriber.Read()), "pmessage * x global");
}

TEST_P(PubSubFrames, NoUnsubscribedChannelDeliversAnyMore) {
  Client subscriber = Connect();
  Subscribe(subscriber, {"SUBSCRIBE", "a", "b"});
  Subscribe(subscriber, {"PSUBSCRIBE", "a*"});
  Subscribe(subscriber, {"UNSUBSCRIBE", "a"});
  Subscribe(subscriber, {"PUNSUBSCRIBE", "a*"});
  Client publisher = Connect();
  EXPECT_EQ(publisher.Do("PUBLISH a x"), ":0");
  EXPECT_EQ(publisher.Do("PUBLISH b fence"), ":1");
  EXPECT_EQ(Frame(subscriber.Read()), "message b fence");
}

TEST_P(PubSubFrames, TheOwnMessageComesBehindTheReplyToPublish) {
  if (resp() == 2) GTEST_SKIP() << "a RESP2 subscriber cannot publish";
  if (IsReference()) GTEST_SKIP() << "the order of Redis 7.2; 7.0 pushes before it replies";
  Client client = Connect();
  Subscribe(client, {"SUBSCRIBE", "own"});
  Subscribe(client, {"PSUBSCRIBE", "o*"});
  client.SendLine("PUBLISH own x");
  EXPECT_EQ(client.ReadRaw(), ":2\r\n");
  EXPECT_EQ(client.ReadRaw(), RawFrame({"message", "own", "x"}));
  EXPECT_EQ(client.ReadRaw(), RawFrame({"pmessage", "o*", "own", "x"}));
}

TEST_P(PubSubFrames, ArityErrorsNameTheCommand) {
  Client client = Connect();
  for (const char* name : {"publish", "spublish", "subscribe", "psubscribe", "ssubscribe"}) {
    EXPECT_EQ(client.Do(name),
              "-ERR wrong number of arguments for '" + std::string(name) + "' command");
  }
  EXPECT_EQ(client.Do("PUBLISH a b c"), "-ERR wrong number of arguments for 'publish' command");
}

TEST_P(PubSubFrames, IntrospectionCountsDirectSubscribersOnly) {
  Client one = Connect();
  Client two = Connect();
  Subscribe(one, {"SUBSCRIBE", "news.a", "news.b"});
  Subscribe(two, {"SUBSCRIBE", "news.a", "other"});
  Subscribe(one, {"PSUBSCRIBE", "news.*", "x*"});
  Subscribe(two, {"PSUBSCRIBE", "news.*"});
  Subscribe(two, {"SSUBSCRIBE", "news.s", "zzz"});
  Client client = Connect();
  const auto names = [&client](std::string_view line) {
    std::vector<std::string> found;
    for (const Reply& item : client.Call(Words(line)).items) found.push_back(item.text);
    return found;
  };
  using ::testing::UnorderedElementsAre;
  EXPECT_THAT(names("PUBSUB CHANNELS"), UnorderedElementsAre("news.a", "news.b", "other"));
  EXPECT_THAT(names("PUBSUB CHANNELS n*"), UnorderedElementsAre("news.a", "news.b"));
  EXPECT_THAT(names("PUBSUB SHARDCHANNELS"), UnorderedElementsAre("news.s", "zzz"));
  EXPECT_THAT(names("PUBSUB SHARDCHANNELS z*"), UnorderedElementsAre("zzz"));
  EXPECT_EQ(client.Raw("PUBSUB NUMSUB news.a none news.b"),
            "*6\r\n$6\r\nnews.a\r\n:2\r\n$4\r\nnone\r\n:0\r\n$6\r\nnews.b\r\n:1\r\n");
  EXPECT_EQ(client.Raw("PUBSUB NUMSUB"), "*0\r\n");
  EXPECT_EQ(client.Raw("PUBSUB SHARDNUMSUB news.s news.a"),
            "*4\r\n$6\r\nnews.s\r\n:1\r\n$6\r\nnews.a\r\n:0\r\n");
  EXPECT_EQ(client.Raw("PUBSUB SHARDNUMSUB"), "*0\r\n");
  EXPECT_EQ(client.Raw("PUBSUB NUMPAT"), ":2\r\n") << "unique patterns";
  EXPECT_EQ(Info("pubsub_channels"), "3");
  EXPECT_EQ(Info("pubsub_patterns"), "2");
  if (!IsReference()) {
    EXPECT_EQ(Info("pubsubshard_channels"), "2");
    EXPECT_EQ(Info("pubsub_clients"), "2");
  }
}

TEST_P(PubSubFrames, IntrospectionErrorsAreThoseOfRedis) {
  Client client = Connect();
  EXPECT_EQ(client.Do("PUBSUB"), "-ERR wrong number of arguments for 'pubsub' command");
  EXPECT_EQ(client.Do("PUBSUB nonsense"), "-ERR unknown subcommand 'nonsense'. Try PUBSUB HELP.");
  EXPECT_EQ(client.Do("PUBSUB NUMPAT x"),
            "-ERR wrong number of arguments for 'pubsub|numpat' command");
  EXPECT_EQ(
      client.Do("PUBSUB CHANNELS a b"),
      "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.");
  const Reply help = client.Call({"PUBSUB", "HELP"});
  ASSERT_GT(help.items.size(), 5U);
  EXPECT_EQ(help.At(0), "PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
}

class PubSubHuge : public Behaviour {};
INSTANTIATE_TEST_SUITE_P(, PubSubHuge, ::testing::ValuesIn(ReactorSetups()), SetupName);

TEST_P(PubSubHuge, APayloadOf64MebibytesReachesEverySubscriber) {
  Client config = Connect();
  ASSERT_EQ(config.Call({"CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 0 0"}).Show(),
            "OK");
  std::vector<Client> subscribers;
  for (int i = 0; i < 2; ++i) {
    subscribers.push_back(Connect());
    Subscribe(subscribers.back(), {"SUBSCRIBE", "huge"});
  }
  std::string payload(size_t{64} << 20, 'h');
  for (size_t i = 0; i < payload.size(); i += 4099) payload[i] = static_cast<char>(i >> 12);
  Client publisher = Connect();
  EXPECT_EQ(publisher.Call({"PUBLISH", "huge", payload}).integer, 2);
  for (Client& subscriber : subscribers) {
    const Reply frame = subscriber.Read();
    EXPECT_TRUE(frame.At(2) == payload);
  }
  ASSERT_EQ(
      config.Call({"CONFIG", "SET", "client-output-buffer-limit", "pubsub 33554432 8388608 60"})
          .Show(),
      "OK");
}

}  // namespace
}  // namespace peal::tests
