// Clients that are killed, lose their rights or are paused in the middle of what they do: once that
// has been answered, nothing of theirs comes about any more, however long it had waited for locks.

#include <atomic>
#include <functional>
#include <thread>

#include "tests/stress/concurrent.h"

namespace peal::tests {
namespace {

constexpr int kBusy = 3;
constexpr int kRounds = 60 / kSlowness;
constexpr int kPauses = 4;  // a pause ends at the next tick of each reactor

// What they do, over and over: under stripes, with the Gate, in a pipeline, in a transaction.
const std::vector<std::string> kWays[] = {
    {"INCR n"},
    {"EVAL return(redis.call('INCR','n')) 0"},
    {"EVAL return(redis.call('INCR',KEYS[1])) 1 n"},
    {"INCR n", "INCR n", "INCR n", "INCR n"},
    {"MULTI", "INCR n", "INCR other", "EXEC"},
    {"MULTI", "INCR n", "KEYS nothing", "EXEC"},
    {"FLUSHDB", "INCR n"},
    {"SORT list BY nothing STORE sorted", "INCR n"},
};

class Admission : public Concurrent {
 protected:
  void SetUp() override {
    Concurrent::SetUp();
    client_ = std::make_unique<Client>(ConnectResp2());
    ASSERT_EQ(client_->Do("ACL SETUSER busy on nopass ~* &* +@all"), "OK");
  }
  void TearDown() override {
    if (client_ != nullptr) {
      EXPECT_EQ(client_->Do("CLIENT UNPAUSE"), "OK");
      EXPECT_EQ(client_->Do("ACL DELUSER busy"), ":1");
    }
    Concurrent::TearDown();
  }

  /// While others run `way` over and over: `interrupt`, and then their work must be at rest.
  void Interrupt(const std::vector<std::string>& way, const std::function<void()>& interrupt) {
    std::atomic<bool> is_over{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < kBusy; ++i) {
      threads.emplace_back([&, client = ConnectBusy()]() mutable {
        try {
          while (!is_over) {
            for (const std::string& command : way) client.SendLine(command);
            for (size_t k = 0; k < way.size(); ++k) {
              if (client.Read().kind != Reply::Kind::kError) ++replies_;
            }
          }
        } catch (const std::runtime_error&) {
          // It was killed.
        }
      });
    }
    const int64_t before = replies_;
    EXPECT_TRUE(Eventually([&] { return replies_ > before + 20; }));
    interrupt();
    const std::string at_rest = client_->Do("GET n");
    // As many turns of every reactor as anything left behind could need.
    for (int i = 0; i < 20; ++i) EXPECT_EQ(client_->Do("GET n"), at_rest);
    client_->Do("CLIENT UNPAUSE");
    is_over = true;
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(client_->Do("ACL SETUSER busy +@all"), "OK");
  }

  Client& client() { return *client_; }

 private:
  Client ConnectBusy() {
    Client client = ConnectResp2();
    EXPECT_EQ(client.Do("AUTH busy any"), "OK");
    return client;
  }

  std::unique_ptr<Client> client_;
  std::atomic<int64_t> replies_{0};
};
INSTANTIATE_TEST_SUITE_P(, Admission, ::testing::ValuesIn(ConcurrentSetups()), SetupName);

TEST_P(Admission, NothingOfKilledClientsComesLater) {
  for (const auto& way : kWays) {
    SCOPED_TRACE(way[0]);
    for (int round = 0; round < kRounds; ++round) {
      Interrupt(way, [this] { client().Do("CLIENT KILL USER busy"); });
    }
  }
}

TEST_P(Admission, NothingThatIsForbiddenComesLater) {
  for (const auto& way : kWays) {
    SCOPED_TRACE(way[0]);
    for (int round = 0; round < kRounds; ++round) {
      Interrupt(way, [this] { EXPECT_EQ(client().Do("ACL SETUSER busy -@all"), "OK"); });
    }
  }
}

TEST_P(Admission, NothingIsWrittenInAPause) {
  for (const auto& way : kWays) {
    SCOPED_TRACE(way[0]);
    for (int round = 0; round < kPauses; ++round) {
      Interrupt(way, [this] { EXPECT_EQ(client().Do("CLIENT PAUSE 100000 WRITE"), "OK"); });
    }
  }
}

}  // namespace
}  // namespace peal::tests
