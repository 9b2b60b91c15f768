// CONFIG compared with a running redis-server (texts observed on 7.0.15).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "broker/config/store.h"
#include "tests/support/server.h"

namespace peal::broker {
namespace {

using tests::Reply;

// Values that depend on where and how the server was started, or differ on purpose (io-threads).
const std::set<std::string>& OwnValues() {
  static const std::set<std::string> names = {
      "port", "dir",        "logfile",    "daemonize",      "pidfile",
      "bind", "io-threads", "unixsocket", "protected-mode", "enable-debug-command"};
  return names;
}

class ConfigLikeRedis : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    tests::ServerOptions options = tests::RedisReference();
    options.args = {"--save", "3600 1 300 100 60 10000"};
    redis_ = new tests::Server(options);
    store_ = new ConfigStore;  // lives as long as the server: the same changes happen to both
  }
  static void TearDownTestSuite() {
    delete redis_;
    redis_ = nullptr;
    delete store_;
    store_ = nullptr;
  }

  static std::map<std::string, std::string> All(const Reply& reply) {
    std::map<std::string, std::string> values;
    for (size_t i = 0; i + 1 < reply.items.size(); i += 2)
      values[reply.items[i].text] = reply.items[i + 1].text;
    return values;
  }

  // Does the same CONFIG SET here and there and compares the replies and then the values.
  void ExpectSame(const std::vector<std::string>& words) {
    SCOPED_TRACE(testing::PrintToString(words));
    std::vector<std::string> command = {"CONFIG", "SET"};
    command.insert(command.end(), words.begin(), words.end());
    tests::Client client = redis_->Connect();
    const Reply theirs = client.Call(command);
    std::vector<ConfigStore::Pair> pairs;
    for (size_t i = 0; i + 1 < words.size(); i += 2) pairs.emplace_back(words[i], words[i + 1]);
    const auto ours = store_->Set(pairs, false);
    EXPECT_EQ(ours.ok() ? "OK" : std::string(ours.error().text()), theirs.text);
    for (size_t i = 0; i + 1 < words.size(); i += 2) {
      const std::vector<std::string_view> name = {words[i]};
      const auto got = store_->Get(name);
      const Reply their_value = client.Call({"CONFIG", "GET", words[i]});
      ASSERT_EQ(got.size() * 2, their_value.items.size());
      if (got.empty()) continue;
      EXPECT_EQ(got[0].first, their_value.At(0));
      if (!OwnValues().contains(words[i])) {
        EXPECT_EQ(got[0].second, their_value.At(1));
      }
    }
  }

  static tests::Server* redis_;
  static ConfigStore* store_;
};

tests::Server* ConfigLikeRedis::redis_ = nullptr;
ConfigStore* ConfigLikeRedis::store_ = nullptr;

TEST_F(ConfigLikeRedis, HasEveryNameAndTheSameDefaults) {
  const auto theirs = All(redis_->Connect().Call({"CONFIG", "GET", "*"}));
  ASSERT_GT(theirs.size(), 150u);
  const std::vector<std::string_view> globs = {"*"};
  std::map<std::string, std::string> ours;
  for (const auto& [name, value] : store_->Get(globs)) ours[name] = value;
  for (const auto& [name, value] : theirs) {
    ASSERT_TRUE(ours.contains(name)) << name;
    if (!OwnValues().contains(name)) {
      EXPECT_EQ(ours[name], value) << name;
    }
  }
}

TEST_F(ConfigLikeRedis, AgreesOnWhatCannotBeChangedAtRunTime) {
  tests::Client client = redis_->Connect();
  for (const auto& [name, value] : All(client.Call({"CONFIG", "GET", "*"}))) {
    SCOPED_TRACE(name);
    // A word that no typed directive takes; texts that would take it are left out by their type.
    const Directive* row = FindDirective(name);
    ASSERT_NE(row, nullptr);
    const bool is_free_text =
        row->type == DirectiveType::kText || row->type == DirectiveType::kSecretText ||
        row->type == DirectiveType::kList || row->type == DirectiveType::kProcTitle;
    if (is_free_text && !row->has(kFixed)) continue;
    if (name == "loglevel") continue;          // Differs: "nothing" is a level since 7.2
    if (name == "maxmemory-policy") continue;  // Differs: two policies of Redis 8.6 more
    ExpectSame({name, "zz zz"});
  }
}

TEST_F(ConfigLikeRedis, RefusesTheSameIntegers) {
  tests::Client client = redis_->Connect();
  for (const auto& [name, value] : All(client.Call({"CONFIG", "GET", "*"}))) {
    const Directive* row = FindDirective(name);
    ASSERT_NE(row, nullptr);
    if (row->has(kFixed) || row->type != DirectiveType::kInteger) continue;
    if (name == "port" || name == "tls-port") continue;  // would move the server
    for (const char* word : {"-99999999999", "", "1x", "010", "99999999999999999999", "1.0"})
      ExpectSame({name, word});
  }
}

TEST_F(ConfigLikeRedis, ReadsAndPrintsEachTypeTheSame) {
  const std::vector<std::vector<std::string>> cases = {
      {"maxmemory", "1k"},
      {"maxmemory", "1Kb"},
      {"maxmemory", "10xb"},
      {"maxmemory", "-1"},
      {"maxmemory", "0"},
      {"maxmemory", "100%"},
      {"maxmemory-clients", "5%"},
      {"maxmemory-clients", "101%"},
      {"maxmemory-clients", "-1"},
      {"maxmemory-clients", "0"},
      {"maxmemory-policy", "ALLKEYS-lru"},
      {"save", "900 1 300 10"},
      {"save", "900"},
      {"save", "0 1"},
      {"save", "900 1 a b"},
      {"save", ""},
      {"client-output-buffer-limit", "pubsub 1mb 2mb 3 normal 1 1 1"},
      {"client-output-buffer-limit", "slave 1 1 1"},
      {"client-output-buffer-limit", "replica 2 2 2"},
      {"client-output-buffer-limit", "pubsub 1 2"},
      {"client-output-buffer-limit", "foo 1 2 3"},
      {"client-output-buffer-limit", "master 1 2 3"},
      {"client-output-buffer-limit", "pubsub x 2mb 3"},
      {"client-output-buffer-limit", "normal 0 0 0"},
      {"notify-keyspace-events", "KEq"},
      {"notify-keyspace-events", "mEg"},
      {"notify-keyspace-events", "g$lshzxetdKE"},
      {"notify-keyspace-events", "Ag"},
      {"notify-keyspace-events", ""},
      {"latency-tracking-info-percentiles", "50 101"},
      {"latency-tracking-info-percentiles", "a"},
      {"latency-tracking-info-percentiles", "50 99.99 0.0"},
      {"latency-tracking-info-percentiles", ""},
      {"shutdown-on-sigterm", "save now"},
      {"shutdown-on-sigterm", "foo"},
      {"shutdown-on-sigterm", "save nosave"},
      {"oom-score-adj-values", "1 2"},
      {"oom-score-adj-values", "1 2 3000"},
      {"oom-score-adj-values", "1 2 3"},
      {"hz", "1000000"},
      {"hz", "10"},
      {"slowlog-log-slower-than", "-1"},
      {"slowlog-log-slower-than", "-2"},
      {"list-max-listpack-size", "1mb"},
      {"hll-sparse-max-bytes", "1k"},
      {"proto-max-bulk-len", "1"},
      {"lua-time-limit", "100"},
      {"Lua-Time-Limit", "x"},
      {"TIMEOUT", "5"},
      {"dbfilename", "x"},
      {"dir", "/"},
      {"proc-title-template", "{foo}"},
      {"requirepass", ""},
      {"sanitize-dump-payload", "CLIENTS"},
      {"appendfsync", "always"},
  };
  for (const std::vector<std::string>& words : cases) ExpectSame(words);
}

TEST_F(ConfigLikeRedis, ReportsTheSameObjectionOfSeveral) {
  const std::vector<std::vector<std::string>> cases = {
      {"foo", "bar"},
      {"timeout", "1", "timeout", "2"},
      {"timeout", "1", "foo", "1", "bar", "2"},
      {"daemonize", "no", "foo", "1"},
      {"foo", "1", "daemonize", "no"},
      {"timeout", "x", "daemonize", "no"},
      {"timeout", "3", "hz", "x"},
      {"slave-read-only", "yes", "replica-read-only", "no"},
  };
  for (const std::vector<std::string>& words : cases) ExpectSame(words);
}

}  // namespace
}  // namespace peal::broker
