// Effects: what a unit hands in for replicas, repeated in an empty keyspace, makes the same
// keyspace.

#include "tests/support/behaviour.h"
#include "tests/support/keyspace_state.h"
#include "tests/support/script/groups.h"
#include "tests/support/side_by_side.h"

namespace peal::tests {
namespace {

constexpr int kDatabases = 16;

class Effects : public Behaviour {
 protected:
  void SetUp() override {
    Behaviour::SetUp();
    if (IsReference()) GTEST_SKIP() << "redis-server does not hand them out";
  }

  using Keyspaces = std::vector<std::map<std::string, KeyState>>;
  static Keyspaces ReadAll(Client& client) {
    Keyspaces all;
    for (int db = 0; db < kDatabases; ++db) all.push_back(ReadKeyspace(client, db));
    return all;
  }

  /// Repeats one command; the words are those of a replica.
  void Repeat(Client& client, const Reply& effect) {
    if (effect.items.at(0).integer != db_) {
      db_ = effect.items[0].integer;
      client.Do("SELECT " + std::to_string(db_));
    }
    std::vector<std::string> command;
    for (size_t i = 1; i < effect.items.size(); ++i) command.push_back(effect.At(i));
    const Reply reply = client.Call(command);
    EXPECT_FALSE(reply.IsError()) << reply << " to " << Escaped(EncodeCommand(command));
  }

  void RunAndRepeat(CommandLine (*make)(Vocabulary& words)) {
    constexpr int kCommands = 2000;
    constexpr int kCommandsBetweenTakes = 500;
    const uint64_t seed = Seed();
    Vocabulary words(seed);
    Client clients[2] = {Connect(), Connect()};
    Client admin = ConnectResp2();
    ASSERT_EQ(admin.Do("DEBUG PEAL-EFFECTS START"), "OK");
    std::vector<Reply> effects;
    const auto take = [&] {
      Reply taken = admin.Call({"DEBUG", "PEAL-EFFECTS", "TAKE"});
      ASSERT_FALSE(taken.IsError()) << taken;
      for (Reply& effect : taken.items) effects.push_back(std::move(effect));
    };
    const int commands = ScriptLength(kCommands);
    for (int i = 0; i < commands; ++i) {
      clients[words.Number(2)].Call(make(words));
      if (i % kCommandsBetweenTakes == kCommandsBetweenTakes - 1) take();
    }
    take();
    EXPECT_FALSE(effects.empty());
    const Keyspaces expected = ReadAll(admin);
    ASSERT_EQ(admin.Do("DEBUG PEAL-EFFECTS STOP"), "OK");
    ASSERT_EQ(admin.Do("FLUSHALL"), "OK");
    Client replica = ConnectResp2();
    db_ = 0;
    for (const Reply& effect : effects) Repeat(replica, effect);
    const Keyspaces actual = ReadAll(admin);
    for (size_t db = 0; db < kDatabases; ++db) {
      for (const auto& [key, difference] :
           CompareKeyspaces(expected[db], actual[db], Encodings::kAny)) {
        ADD_FAILURE() << "PEAL_SEED=" << seed << " database " << db << " key '" << Escaped(key)
                      << "': " << difference;
      }
    }
    EXPECT_EQ(admin.Do("DEBUG PEAL-CHECK"), "OK") << "PEAL_SEED=" << seed;
  }

 private:
  int64_t db_ = 0;
};
INSTANTIATE_TEST_SUITE_P(, Effects, ::testing::ValuesIn(ReactorSetups()), SetupName);

TEST_P(Effects, OfStringsMakeTheSameKeyspace) { RunAndRepeat(StringCommand); }
TEST_P(Effects, OfBitmapsMakeTheSameKeyspace) { RunAndRepeat(BitmapCommand); }
TEST_P(Effects, OfHyperLogLogsMakeTheSameKeyspace) { RunAndRepeat(HyperLogLogCommand); }
TEST_P(Effects, OfListsMakeTheSameKeyspace) { RunAndRepeat(ListCommand); }
TEST_P(Effects, OfSetsMakeTheSameKeyspace) { RunAndRepeat(SetCommand); }
TEST_P(Effects, OfHashesMakeTheSameKeyspace) { RunAndRepeat(HashCommand); }
TEST_P(Effects, OfSortedSetsMakeTheSameKeyspace) { RunAndRepeat(SortedSetCommand); }
TEST_P(Effects, OfGeoMakeTheSameKeyspace) { RunAndRepeat(GeoCommand); }
TEST_P(Effects, OfStreamsMakeTheSameKeyspace) { RunAndRepeat(StreamCommand); }
TEST_P(Effects, OfLaterStreamCommandsMakeTheSameKeyspace) { RunAndRepeat(LaterStreamCommand); }
TEST_P(Effects, OfGenericCommandsMakeTheSameKeyspace) { RunAndRepeat(GenericCommand); }
TEST_P(Effects, OfTransactionsMakeTheSameKeyspace) { RunAndRepeat(TransactionCommand); }

TEST_P(Effects, OfASortByOtherKeysAreItsElements) {
  Client client = ConnectResp2();
  client.Do("DEBUG SET-ACTIVE-EXPIRE 0");
  client.Do("SADD s a b");
  client.Do("HSET h_a f 1");
  client.Do("HSET h_b f 2");
  client.Do("HPEXPIRE h_a 1 FIELDS 1 f");
  ASSERT_TRUE(Eventually([&] { return client.Do("HGET h_a f") == "nil"; }));
  ASSERT_EQ(client.Do("DEBUG PEAL-EFFECTS START"), "OK");
  EXPECT_EQ(client.Do("SORT s ALPHA GET h_*->f STORE list"), ":2");
  const Reply effects = client.Call({"DEBUG", "PEAL-EFFECTS", "TAKE"});
  client.Do("DEBUG PEAL-EFFECTS STOP");
  client.Do("DEBUG SET-ACTIVE-EXPIRE 1");
  // Whoever repeats them may still have the field that had gone here.
  EXPECT_EQ(effects.Show(), "[[:0, 'DEL', 'list'], [:0, 'RPUSH', 'list', '', '2']]");
}

TEST_P(Effects, OfProducersMakeTheSameIds) {
  Client client = Connect();
  Client admin = ConnectResp2();
  ASSERT_EQ(admin.Do("DEBUG PEAL-EFFECTS START"), "OK");
  const std::string first = client.Do("XADD s IDMP p 1 * f v");
  const std::string second = client.Do("XADD s IDMPAUTO p * f v");
  client.Do("XADD s IDMP p 1 * f v");
  // Goes at once, and is remembered.
  const std::string gone = client.Do("XADD gone IDMP p 1 MAXLEN 0 * f v");
  const Reply effects = admin.Call({"DEBUG", "PEAL-EFFECTS", "TAKE"});
  EXPECT_EQ(effects.items.size(), 7U) << effects;
  ASSERT_EQ(admin.Do("DEBUG PEAL-EFFECTS STOP"), "OK");
  ASSERT_EQ(admin.Do("FLUSHALL"), "OK");
  Client replica = ConnectResp2();
  for (const Reply& effect : effects.items) Repeat(replica, effect);
  EXPECT_EQ(client.Do("XADD s IDMP p 1 * f v"), first);
  EXPECT_EQ(client.Do("XADD s IDMPAUTO p * f v"), second);
  EXPECT_EQ(client.Do("XADD gone IDMP p 1 * f v"), gone);
  EXPECT_EQ(client.Do("XLEN s"), ":2");
  EXPECT_EQ(client.Do("XLEN gone"), ":0");
}

}  // namespace
}  // namespace peal::tests
