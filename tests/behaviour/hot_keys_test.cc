// HOTKEYS of Redis 8.6: replies and errors from its documentation.

#include <map>
#include <string>
#include <vector>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class HotKeysCommand : public Behaviour {
 protected:
  void SetUp() override {
    Behaviour::SetUp();
    if (IsReference()) GTEST_SKIP() << "redis-server 7.0 has no HOTKEYS";
    client_.emplace(ConnectResp2());
    client_->Do("HOTKEYS STOP");
    client_->Do("HOTKEYS RESET");
  }

  std::string Do(std::string_view line) { return client_->Do(line); }

  /// The fields of HOTKEYS GET.
  std::map<std::string, Reply> Get() {
    const Reply reply = client_->Call({"HOTKEYS", "GET"});
    std::map<std::string, Reply> fields;
    EXPECT_EQ(reply.items.size(), 1U) << reply;
    if (reply.items.size() != 1) return fields;
    const auto& items = reply.items[0].items;
    for (size_t i = 0; i + 1 < items.size(); i += 2) fields[items[i].text] = items[i + 1];
    return fields;
  }

  std::optional<Client> client_;
};
INSTANTIATE_TEST_SUITE_P(, HotKeysCommand, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(HotKeysCommand, TellsBytesOfRequestsAndRepliesByKey) {
  Do("SET product:1 Laptop");
  Do("SET product:2 Phone");
  ASSERT_EQ(Do("HOTKEYS START METRICS 2 CPU NET"), "OK");
  // From several connections: each may be with another reactor.
  for (int i = 0; i < 10; ++i) {
    Client other = ConnectResp2();
    for (int j = 0; j < 10; ++j) other.Do("GET product:1");
  }
  for (int i = 0; i < 10; ++i) Do("GET product:2");
  Do("PING");
  auto fields = Get();
  EXPECT_EQ(fields["tracking-active"].Show(), ":1");
  EXPECT_EQ(fields["sample-ratio"].Show(), ":1");
  EXPECT_EQ(fields["selected-slots"].Show(), "[[:0, :16383]]");
  EXPECT_EQ(fields["by-net-bytes"].Show(), "['product:1', :4000, 'product:2', :390]");
  EXPECT_EQ(fields["by-cpu-time-us"].items.size(), 4U);
  EXPECT_GT(fields["net-bytes-all-commands-all-slots"].integer, 4390);
  EXPECT_GE(fields["total-net-bytes"].integer, 4390);
  EXPECT_FALSE(fields.contains("all-commands-selected-slots-us"));
  ASSERT_EQ(Do("HOTKEYS STOP"), "OK");
  Do("GET product:2");
  fields = Get();
  EXPECT_EQ(fields["tracking-active"].Show(), ":0");
  EXPECT_EQ(fields["by-net-bytes"].Show(), "['product:1', :4000, 'product:2', :390]");
  EXPECT_EQ(Do("HOTKEYS RESET"), "OK");
  EXPECT_EQ(Do("HOTKEYS GET"), "nil");
  EXPECT_EQ(Do("HOTKEYS STOP"), "nil");
}

TEST_P(HotKeysCommand, KeysOfOneCommandShareItsCostAndTransactionsCountOnce) {
  ASSERT_EQ(Do("HOTKEYS START METRICS 1 NET COUNT 2"), "OK");
  // 4 + 10 + 3 x 7 octets of request, 4 + 3 x 5 of reply.
  Do("MGET a b c");
  auto fields = Get();
  EXPECT_EQ(fields["by-net-bytes"].Show(), "['a', :18, 'b', :18]");
  EXPECT_FALSE(fields.contains("by-cpu-time-us"));
  EXPECT_FALSE(fields.contains("total-cpu-time-user-ms"));
  const int64_t before = Get()["net-bytes-all-commands-all-slots"].integer;
  Do("MULTI");
  Do("SET x 1");
  Do("EXEC");
  fields = Get();
  // MULTI and its OK, EXEC and its [OK], and the HOTKEYS GET before.
  EXPECT_EQ(fields["by-net-bytes"].items[0].text, "x");
  EXPECT_GT(fields["net-bytes-all-commands-all-slots"].integer, before);
}

TEST_P(HotKeysCommand, LooksAtTheSlotsThatAreNamed) {
  // CLUSTER KEYSLOT foo = 12182, bar = 5061.
  ASSERT_EQ(Do("HOTKEYS START METRICS 2 CPU NET SAMPLE 1000000 SLOTS 3 12183 12182 7"), "OK");
  Do("SET foo 1");
  Do("SET bar 1");
  const auto fields = Get();
  EXPECT_EQ(fields.at("selected-slots").Show(), "[[:7], [:12182, :12183]]");
  EXPECT_EQ(fields.at("net-bytes-all-commands-selected-slots").Show(), ":34");
  EXPECT_TRUE(fields.contains("sampled-commands-selected-slots-us"));
  EXPECT_TRUE(fields.contains("net-bytes-sampled-commands-selected-slots"));
  ASSERT_EQ(Do("HOTKEYS STOP"), "OK");
  ASSERT_EQ(Do("HOTKEYS START METRICS 1 NET SLOTS 1 5061"), "OK");
  Do("GET foo");
  Do("GET bar");
  EXPECT_EQ(Get().at("by-net-bytes").items[0].text, "bar");
  EXPECT_FALSE(Get().contains("sampled-commands-selected-slots-us"));
}

TEST_P(HotKeysCommand, TheHottestKeysAreFoundAmongMany) {
  ASSERT_EQ(Do("HOTKEYS START METRICS 1 NET COUNT 3"), "OK");
  std::vector<std::vector<std::string>> commands;
  for (int i = 0; i < 30'000; ++i) {
    commands.push_back({"GET", "cold:" + std::to_string(i)});
    if (i % 10 == 0) commands.push_back({"GET", "hot:" + std::to_string(i / 10 % 3)});
  }
  client_->Pipeline(commands);
  const auto hot = Get().at("by-net-bytes").items;
  ASSERT_EQ(hot.size(), 6U);
  for (size_t i = 0; i < hot.size(); i += 2) EXPECT_EQ(hot[i].text.substr(0, 4), "hot:");
}

TEST_P(HotKeysCommand, EndsWhenItsTimeIsUp) {
  ASSERT_EQ(Do("HOTKEYS START METRICS 1 CPU DURATION 1"), "OK");
  Do("SET early 1");
  EXPECT_TRUE(Eventually([&] { return Get()["tracking-active"].Show() == ":0"; }));
  Do("SET late 1");
  const auto fields = Get();
  EXPECT_EQ(fields.at("collection-duration-ms").Show(), ":1000");
  ASSERT_EQ(fields.at("by-cpu-time-us").items.size(), 2U);
  EXPECT_EQ(fields.at("by-cpu-time-us").items[0].text, "early");
  EXPECT_EQ(Do("HOTKEYS START METRICS 1 CPU"), "OK") << "the last one is over";
}

TEST_P(HotKeysCommand, IsAMapInResp3) {
  Client modern = ConnectResp2();
  modern.Do("HELLO 3");
  ASSERT_EQ(modern.Do("HOTKEYS START METRICS 1 CPU"), "OK");
  const Reply reply = modern.Call({"HOTKEYS", "GET"});
  ASSERT_EQ(reply.items.size(), 1U);
  EXPECT_EQ(reply.items[0].Show().substr(0, 24), "{'tracking-active': :1, ");
}

TEST_P(HotKeysCommand, SaysWhatIsWrong) {
  const std::map<std::string, std::string> errors = {
      {"", "ERR METRICS parameter is required"},
      {"COUNT 3", "ERR METRICS parameter is required"},
      {"METRICS", "ERR syntax error"},
      {"METRICS 0", "ERR METRICS count must be between 1 and 2"},
      {"METRICS -1", "ERR METRICS count must be between 1 and 2"},
      {"METRICS 3 CPU NET", "ERR METRICS count must be between 1 and 2"},
      {"METRICS 9223372036854775807", "ERR METRICS count must be between 1 and 2"},
      {"METRICS 2 CPU", "ERR METRICS count does not match number of metric types provided"},
      {"METRICS 1 CPU NET", "ERR syntax error"},
      {"METRICS 1 GPU", "ERR METRICS no valid metrics passed. Supported: CPU, NET"},
      {"METRICS 2 CPU CPU", "ERR METRICS CPU defined more than once"},
      {"METRICS 2 NET NET", "ERR METRICS NET defined more than once"},
      {"METRICS 1 CPU COUNT 0", "ERR COUNT must be between 1 and 64"},
      {"METRICS 1 CPU COUNT 100", "ERR COUNT must be between 1 and 64"},
      {"METRICS 1 CPU COUNT", "ERR syntax error"},
      {"METRICS 1 CPU SAMPLE 0", "ERR SAMPLE ratio must be positive"},
      {"METRICS 1 CPU DURATION 0", "ERR DURATION must be between 1 and 1000000"},
      {"METRICS 1 CPU SLOTS 2 0", "ERR not enough slot numbers provided"},
      {"METRICS 1 CPU SLOTS 2 0 0", "ERR duplicate slot number"},
      {"METRICS 1 CPU SLOTS 1 16384", "ERR Invalid or out of range slot"},
      {"METRICS 1 CPU SLOTS 99999 1", "ERR SLOTS count must be between 1 and 16384"},
  };
  for (const auto& [options, error] : errors) {
    EXPECT_EQ(Do("HOTKEYS START " + options), "-" + error) << options;
  }
  EXPECT_EQ(Do("HOTKEYS GET"), "nil") << "none of them began";
  ASSERT_EQ(Do("HOTKEYS START METRICS 2 GPU CPU"), "OK");
  EXPECT_EQ(Do("HOTKEYS START METRICS 1 NET"), "-ERR hotkey tracking session already in progress");
  EXPECT_EQ(Do("HOTKEYS RESET"), "-ERR hotkey tracking session in progress, stop tracking first");
}

}  // namespace
}  // namespace peal::tests
