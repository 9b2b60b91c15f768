// Clients that cache what they read, and trust that they are told: no cache may keep a value that
// the server no longer has, whatever writers, expiry, flushes and a small table do.
//
// $PEAL_STRESS_SECONDS (10) bounds each case, $PEAL_SEED repeats its random choices; how the
// threads interleave is not repeatable.

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

constexpr int kWriters = 3;
constexpr int kCaches = 4;
constexpr int kKeys = 64;

std::string KeyName(uint64_t number) { return "key:" + std::to_string(number % kKeys); }

/// A RESP3 client with the values that it has read and was not told of since.
class CachingClient {
 public:
  CachingClient(Client client, const std::string& options) : client_(std::move(client)) {
    const std::string reply = client_.Do("CLIENT TRACKING ON " + options);
    EXPECT_EQ(reply, "OK");
  }

  /// Reads keys that it does not have, several at once; replies and pushes come in any mixture.
  void Round(std::mt19937_64& random) {
    std::vector<std::string> asked;
    std::string requests;
    for (uint64_t i = 1 + random() % 8; i > 0; --i) {
      std::string key = KeyName(random());
      if (values_.contains(key)) {
        ++hits_;
        continue;
      }
      requests += EncodeCommand({"GET", key});
      asked.push_back(std::move(key));
    }
    requests += EncodeCommand({"PING"});
    client_.Send(requests);
    for (const std::string& key : asked) {
      const Reply reply = NextReply();
      values_[key] = reply.Show();
    }
    EXPECT_EQ(NextReply().Show(), "PONG");
  }
  /// Takes what it was told of all that happened before.
  void CatchUp() {
    client_.SendLine("PING");
    EXPECT_EQ(NextReply().Show(), "PONG");
  }

  const std::map<std::string, std::string>& values() const { return values_; }
  int64_t hits() const { return hits_; }
  int64_t told() const { return told_; }

 private:
  Reply NextReply() {
    for (;;) {
      Reply reply = client_.Read();
      if (reply.kind != Reply::Kind::kPush) return reply;
      EXPECT_EQ(reply.At(0), "invalidate");
      ++told_;
      const Reply& keys = reply.items.at(1);
      if (keys.IsNull()) values_.clear();
      for (const Reply& key : keys.items) values_.erase(key.text);
    }
  }

  Client client_;
  std::map<std::string, std::string> values_;
  int64_t hits_ = 0;
  int64_t told_ = 0;
};

class TrackingStress : public Behaviour {
 protected:
  void Writer(uint64_t seed) {
    std::mt19937_64 random(seed);
    Client client = Connect();
    while (!is_over_) {
      const std::string key = KeyName(random());
      const std::string value = std::to_string(random() % 1000);
      switch (random() % 16) {
        case 0:
          client.Call({"DEL", key});
          break;
        case 1:
          client.Call({"SET", key, value, "PX", std::to_string(1 + random() % 5)});
          break;
        case 2:
          client.Call({"RENAME", key, KeyName(random())});
          break;
        case 3:
          client.Call({"MSET", key, value, KeyName(random()), value});
          break;
        case 4:
          client.Pipeline(
              {{"MULTI"}, {"SET", key, value}, {"APPEND", KeyName(random()), "1"}, {"EXEC"}});
          break;
        case 5:
          client.Call({"INCR", key});
          break;
        case 6:
          if (random() % 64 == 0) client.Call({random() % 2 == 0 ? "FLUSHALL" : "FLUSHDB"});
          break;
        case 7:
          client.Pipeline(
              {{"SET", key, "1"}, {"SET", KeyName(random()), "2"}, {"SET", key, value}});
          break;
        default:
          client.Call({"SET", key, value});
      }
      ++writes_;
    }
  }

  void Run(const std::vector<std::string>& options) {
    const uint64_t seed = Seed();
    const char* chosen = std::getenv("PEAL_STRESS_SECONDS");
    const std::chrono::seconds duration(chosen != nullptr ? std::atoi(chosen) : 10);
    std::vector<CachingClient> caches;
    for (int i = 0; i < kCaches; ++i) {
      Client client = ConnectResp2();
      client.Hello(3);
      caches.emplace_back(std::move(client), options[static_cast<size_t>(i) % options.size()]);
    }
    std::vector<std::thread> threads;
    for (int i = 0; i < kWriters; ++i) {
      threads.emplace_back([this, seed, i] { Writer(seed + static_cast<uint64_t>(i)); });
    }
    for (int i = 0; i < kCaches; ++i) {
      threads.emplace_back([this, seed, i, &caches] {
        std::mt19937_64 random(seed + 100 + static_cast<uint64_t>(i));
        while (!is_over_) caches[static_cast<size_t>(i)].Round(random);
      });
    }
    // Who comes and goes, with tracking on, leaves ids behind.
    threads.emplace_back([this, seed] {
      std::mt19937_64 random(seed + 200);
      while (!is_over_) {
        Client client = ConnectResp2();
        client.Hello(3);
        CachingClient passing(std::move(client), random() % 2 == 0 ? "" : "BCAST PREFIX key:1");
        for (int i = 0; i < 20; ++i) passing.Round(random);
      }
    });
    const auto end = Clock::now() + duration;
    while (Clock::now() < end) std::this_thread::sleep_for(Milliseconds{20});
    is_over_ = true;
    for (std::thread& thread : threads) thread.join();
    Compare(caches);
  }

  void Compare(std::vector<CachingClient>& caches) {
    Client observer = ConnectResp2();
    // No key goes between asking the server and looking at the caches.
    for (int i = 0; i < kKeys; ++i) {
      EXPECT_TRUE(Eventually([&] {
        const int64_t ttl = observer.Call({"PTTL", KeyName(static_cast<uint64_t>(i))}).integer;
        return ttl == -1 || ttl == -2;
      }));
    }
    std::map<std::string, std::string> truth;
    for (int i = 0; i < kKeys; ++i) {
      const std::string key = KeyName(static_cast<uint64_t>(i));
      truth[key] = observer.Call({"GET", key}).Show();
    }
    int64_t hits = 0;
    int64_t told = 0;
    for (CachingClient& cache : caches) {
      cache.CatchUp();
      hits += cache.hits();
      told += cache.told();
      for (const auto& [key, value] : cache.values()) EXPECT_EQ(value, truth[key]) << key;
    }
    EXPECT_GT(hits, 0);
    EXPECT_GT(told, 0);
    std::cout << writes_ << " writes, " << hits << " hits, " << told << " messages" << std::endl;
  }

  std::atomic<bool> is_over_{false};
  std::atomic<int64_t> writes_{0};
};
INSTANTIATE_TEST_SUITE_P(, TrackingStress,
                         ::testing::Values(Setup{1, 1, 2}, Setup{kManyReactors, kManyStripes, 2},
                                           Setup{kManyReactors, 1, 2}),
                         SetupName);

TEST_P(TrackingStress, NoCacheKeepsAStaleValue) { Run({"", "BCAST", "BCAST PREFIX key:"}); }

TEST_P(TrackingStress, NoCacheKeepsAStaleValueWhileTheTableIsSmall) {
  Client admin = ConnectResp2();
  ASSERT_EQ(admin.Do("CONFIG SET tracking-table-max-keys 20"), "OK");
  Run({""});
  EXPECT_LE(InfoNumber("tracking_total_keys"), 20);
  admin.Do("CONFIG SET tracking-table-max-keys 1000000");
}

}  // namespace
}  // namespace peal::tests
