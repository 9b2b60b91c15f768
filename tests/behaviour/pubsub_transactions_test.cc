// Publishing and subscribing inside MULTI.

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class PubSubTransactions : public Behaviour {};
INSTANTIATE_TEST_SUITE_P(, PubSubTransactions, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(PubSubTransactions, PublishInsideMultiIsDeliveredAtExec) {
  Client subscriber = Connect();
  Subscribe(subscriber, {"SUBSCRIBE", "c"});
  Subscribe(subscriber, {"SSUBSCRIBE", "s"});
  Client client = Connect();
  EXPECT_EQ(client.Do("MULTI"), "OK");
  EXPECT_EQ(client.Do("PUBLISH c one"), "QUEUED");
  EXPECT_EQ(client.Do("SET k v"), "QUEUED");
  EXPECT_EQ(client.Do("PUBLISH c two"), "QUEUED");
  EXPECT_EQ(client.Do("SPUBLISH s three"), "QUEUED");
  Client other = Connect();
  EXPECT_EQ(other.Do("PUBLISH c zero"), ":1");
  EXPECT_EQ(client.Do("EXEC"), "[:1, OK, :1, :1]");
  for (const char* expected :
       {"message c zero", "message c one", "message c two", "smessage s three"}) {
    EXPECT_EQ(Frame(subscriber.Read()), expected);
  }
}

TEST_P(PubSubTransactions, PushesToOneselfComeBehindTheReplyToExec) {
  if (resp() == 2) GTEST_SKIP() << "a RESP2 subscriber cannot publish";
  if (IsReference()) GTEST_SKIP() << "the order of Redis 7.2; 7.0 pushes before it replies";
  Client client = Connect();
  Subscribe(client, {"SUBSCRIBE", "own"});
  client.Do("MULTI");
  client.Do("PUBLISH own one");
  client.Do("PUBLISH own two");
  client.SendLine("EXEC");
  EXPECT_EQ(client.ReadRaw(), "*2\r\n:1\r\n:1\r\n");
  EXPECT_EQ(client.ReadRaw(), RawFrame({"message", "own", "one"}));
  EXPECT_EQ(client.ReadRaw(), RawFrame({"message", "own", "two"}));
}

TEST_P(PubSubTransactions, SubscribeWithOneArgumentWorksInsideMulti) {
  if (resp() == 3) GTEST_SKIP() << "acknowledgements are pushes outside of the reply to EXEC";
  Client client = Connect();
  client.Do("MULTI");
  EXPECT_EQ(client.Do("SUBSCRIBE c"), "QUEUED");
  EXPECT_EQ(client.Do("EXEC"), "[['subscribe', 'c', :1]]");
  Client publisher = Connect();
  EXPECT_EQ(publisher.Do("PUBLISH c x"), ":1");
  EXPECT_EQ(Frame(client.Read()), "message c x");
}

TEST_P(PubSubTransactions, SubscribeWithSeveralArgumentsIsRefusedInsideMulti) {
  if (IsReference()) GTEST_SKIP() << "Redis breaks the stream here; Peal refuses";
  for (const char* line : {"SUBSCRIBE a b", "PSUBSCRIBE a b", "UNSUBSCRIBE", "PUNSUBSCRIBE",
                           "UNSUBSCRIBE a b", "PUNSUBSCRIBE a b"}) {
    Client client = Connect();
    client.Do("MULTI");
    const Reply refusal = client.Call(Words(line));
    EXPECT_TRUE(refusal.IsError()) << line << ": " << refusal;
    EXPECT_EQ(client.Do("EXEC"), "-EXECABORT Transaction discarded because of previous errors.");
    EXPECT_EQ(client.Do("ECHO fence"), "'fence'");
  }
}

TEST_P(PubSubTransactions, SsubscribeInsideMultiIsAnErrorAtExec) {
  Client client = Connect();
  client.Do("MULTI");
  EXPECT_EQ(client.Do("SSUBSCRIBE s"), "QUEUED");
  EXPECT_EQ(client.Do("EXEC"), "[-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client]");
}

}  // namespace
}  // namespace peal::tests
