// Many publishers and subscribers on all reactors at once, with subscriptions, patterns and
// connections coming and going: nothing may be lost, doubled or out of order.
//
// $PEAL_STRESS_SECONDS (10) bounds each case, $PEAL_SEED repeats its random choices; how the
// threads interleave is not repeatable.

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

constexpr int kPublishers = 4;
constexpr int kSteady = 5;    // subscribers that stay for the whole test
constexpr int kChurning = 4;  // subscribers that come and go
constexpr int kChannels = 8;
constexpr int64_t kMostAhead =
    20'000;  // messages that publishers may be ahead of the slowest reader

std::string ChannelName(int channel) { return "stress." + std::to_string(channel); }

/// "<publisher>:<number>"; numbers rise by one on each channel of each publisher. The last message
/// of a publisher on a channel ends in '.'.
struct Message {
  int channel = 0;
  int publisher = 0;
  int64_t number = 0;
  bool is_last = false;

  static Message From(const std::string& channel_name, const std::string& payload) {
    Message message;
    message.channel = std::stoi(channel_name.substr(channel_name.find('.') + 1));
    const size_t colon = payload.find(':');
    message.publisher = std::stoi(payload.substr(0, colon));
    message.number = std::stoll(payload.substr(colon + 1));
    message.is_last = payload.ends_with('.');
    return message;
  }
};

/// What one steady subscriber saw on each channel: how much, and a hash that depends on the order.
struct Seen {
  std::array<int64_t, kChannels> count{};
  std::array<uint64_t, kChannels> hash{};
  friend bool operator==(const Seen&, const Seen&) = default;
};

class OrderAndLoss : public Behaviour {
 protected:
  void SetUp() override {
    Behaviour::SetUp();
    Client client = ConnectResp2();
    ASSERT_EQ(client.Call({"CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 0 0"}).Show(),
              "OK");
  }
  void TearDown() override {
    if (!HasServer()) return;
    Client client = ConnectResp2();
    client.Call({"CONFIG", "SET", "client-output-buffer-limit", "pubsub 33554432 8388608 60"});
  }

  void Publisher(int publisher, uint64_t seed) {
    std::mt19937_64 random(seed);
    Client client = Connect();
    std::array<int64_t, kChannels> next{};
    while (!is_over_) {
      std::vector<std::vector<std::string>> batch;
      for (uint64_t i = 1 + random() % 24; i > 0; --i) {
        const int channel = static_cast<int>(random() % kChannels);
        batch.push_back({"PUBLISH", ChannelName(channel),
                         std::to_string(publisher) + ":" +
                             std::to_string(next[static_cast<size_t>(channel)]++)});
      }
      for (const Reply& reply : client.Pipeline(batch)) {
        ASSERT_GE(reply.integer, kSteady) << reply;
      }
      published_ += static_cast<int64_t>(batch.size());
      while (!is_over_ && published_ - Slowest() > kMostAhead) std::this_thread::yield();
    }
    for (int channel = 0; channel < kChannels; ++channel) {
      client.Call({"PUBLISH", ChannelName(channel),
                   std::to_string(publisher) + ":" +
                       std::to_string(next[static_cast<size_t>(channel)]) + "."});
    }
  }

  int64_t Slowest() const {
    int64_t least = received_[0];
    for (const auto& received : received_) least = std::min<int64_t>(least, received);
    return least;
  }

  void Steady(int index, Client& client, Seen& seen) {
    std::array<std::array<int64_t, kPublishers>, kChannels> next{};
    for (int left = kChannels * kPublishers; left > 0;) {
      const Reply frame = client.Read();
      const bool by_pattern = frame.At(0) == "pmessage";
      const std::string& payload = frame.At(by_pattern ? 3 : 2);
      const Message message = Message::From(frame.At(by_pattern ? 2 : 1), payload);
      const auto channel = static_cast<size_t>(message.channel);
      ASSERT_EQ(message.number, next[channel][static_cast<size_t>(message.publisher)]++) << frame;
      ++seen.count[channel];
      for (const char c : payload) {
        seen.hash[channel] = (seen.hash[channel] ^ static_cast<unsigned char>(c)) * 1099511628211U;
      }
      ++received_[static_cast<size_t>(index)];
      if (message.is_last) --left;
    }
  }

  /// Subscribes and leaves again. While it holds a channel, numbers must rise without a gap.
  void Churner(int index, uint64_t seed) {
    std::mt19937_64 random(seed);
    while (!is_over_) {
      try {
        Client client = Connect();
        churner_ids_[static_cast<size_t>(index)] = client.Id();
        for (uint64_t rounds = 1 + random() % 20; rounds > 0 && !is_over_; --rounds) {
          ChurnOnce(client, random);
        }
        if (random() % 2 == 0) client.SendLine("PSUBSCRIBE stress.* *.1 str?ss.[0-9]");
      } catch (const std::runtime_error&) {
        ++interruptions_;  // it was killed
      }
    }
  }

  void ChurnOnce(Client& client, std::mt19937_64& random) {
    const int channel = static_cast<int>(random() % kChannels);
    const bool by_pattern = random() % 2 == 0;
    const std::string name = by_pattern ? "s*." + std::to_string(channel) : ChannelName(channel);
    client.SendCommand({by_pattern ? "PSUBSCRIBE" : "SUBSCRIBE", name});
    ASSERT_EQ(client.Read().items.at(2).integer, 1);
    std::map<int, int64_t> last;
    for (uint64_t messages = random() % 50; messages > 0 && !is_over_; --messages) {
      Check(client.Read(), last);
    }
    client.SendCommand({by_pattern ? "PUNSUBSCRIBE" : "UNSUBSCRIBE", name});
    while (true) {
      const Reply frame = client.Read();
      if (frame.At(0).ends_with("unsubscribe")) return;
      Check(frame, last);
    }
  }

  static void Check(const Reply& frame, std::map<int, int64_t>& last) {
    const bool by_pattern = frame.At(0) == "pmessage";
    const Message message =
        Message::From(frame.At(by_pattern ? 2 : 1), frame.At(by_pattern ? 3 : 2));
    const auto [at, is_first] = last.try_emplace(message.publisher, message.number);
    if (!is_first) {
      ASSERT_EQ(message.number, ++at->second) << frame;
    }
  }

  void Killer(uint64_t seed) {
    std::mt19937_64 random(seed);
    Client client = Connect();
    while (!is_over_) {
      const int64_t id = churner_ids_[random() % kChurning];
      if (id > 0) client.Call({"CLIENT", "KILL", "ID", std::to_string(id)});
      client.Call({"PUBSUB", "CHANNELS"});
      client.Call({"PUBSUB", "NUMSUB", ChannelName(0)});
      client.Call({"CLIENT", "LIST", "TYPE", "pubsub"});
      client.Call({"INFO"});
      std::this_thread::sleep_for(Milliseconds{3});
    }
  }

  void Start(const std::function<void()>& body) {
    threads_.emplace_back([this, body] {
      try {
        body();
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
        is_over_ = true;
      }
    });
  }

  std::atomic<bool> is_over_{false};
  std::atomic<int64_t> published_{0};
  std::atomic<int64_t> interruptions_{0};
  std::array<std::atomic<int64_t>, kSteady> received_{};
  std::array<std::atomic<int64_t>, kChurning> churner_ids_{};
  std::vector<std::thread> threads_;
};
INSTANTIATE_TEST_SUITE_P(, OrderAndLoss,
                         ::testing::Values(Setup{1, 1, 2}, Setup{kManyReactors, kManyStripes, 2},
                                           Setup{kManyReactors, 1, 3}),
                         SetupName);

TEST_P(OrderAndLoss, EverySubscriberSeesTheSameWhileOthersComeAndGo) {
  const uint64_t seed = Seed();
  const char* chosen = std::getenv("PEAL_STRESS_SECONDS");
  const std::chrono::seconds duration(chosen != nullptr ? std::atoi(chosen) : 10);
  std::vector<Client> clients;
  std::array<Seen, kSteady> seen{};
  for (int i = 0; i < kSteady; ++i) {
    clients.push_back(Connect());
    if (i % 2 == 0) {
      std::vector<std::string> command{"SUBSCRIBE"};
      for (int channel = 0; channel < kChannels; ++channel) command.push_back(ChannelName(channel));
      Subscribe(clients.back(), command);
    } else {
      Subscribe(clients.back(), {"PSUBSCRIBE", i % 4 == 1 ? "stress.*" : "*ess.?"});
    }
  }
  for (int i = 0; i < kSteady; ++i) {
    const auto at = static_cast<size_t>(i);
    Start([this, i, at, &clients, &seen] { Steady(i, clients[at], seen[at]); });
  }
  for (int i = 0; i < kPublishers; ++i) {
    Start([this, i, seed] { Publisher(i, seed + static_cast<uint64_t>(i)); });
  }
  for (int i = 0; i < kChurning; ++i) {
    Start([this, i, seed] { Churner(i, seed + 100 + static_cast<uint64_t>(i)); });
  }
  Start([this, seed] { Killer(seed + 200); });
  const auto end = Clock::now() + duration;
  while (!is_over_ && Clock::now() < end) std::this_thread::sleep_for(Milliseconds{20});
  is_over_ = true;
  for (std::thread& thread : threads_) thread.join();
  for (const Seen& one : seen) EXPECT_EQ(one, seen[0]) << "subscribers saw different orders";
  int64_t total = 0;
  for (const int64_t count : seen[0].count) total += count;
  EXPECT_EQ(total, published_ + kPublishers * kChannels);
  std::cout << total << " messages, " << interruptions_ << " subscribers killed" << std::endl;
}

}  // namespace
}  // namespace peal::tests
