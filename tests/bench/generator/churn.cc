// Churn: what do subscribing and unsubscribing cost, on open connections and on new ones?
#include <deque>
#include <utility>
#include <vector>

#include "client.h"
#include "scenarios.h"
#include "usage.h"
#include "wire.h"

namespace peal::bench {
namespace {

constexpr uint32_t kChannels = 1'000'000;

std::string RandomChannel() {
  std::string channel = "chan:";
  AppendNumber(channel, Random(kChannels));
  return channel;
}

class Pairs : public Handler {
 public:
  static constexpr uint32_t kConnections = 50, kPairs = 8;

  Pairs() : connections_(kConnections) {
    g_loop.handler = this;
    for (Connection& connection : connections_) {
      Open(connection);
      ready_.push_back(&connection);
    }
  }
  ~Pairs() override {
    for (Connection& connection : connections_) Close(connection);
    Settle(0.1);
  }

  void RunFor(double seconds) {
    const uint64_t end_ns = NowNs() + uint64_t(seconds * 1e9);
    do {
      for (; !ready_.empty(); ready_.pop_back()) SendBatch(*ready_.back());
      Poll(kPollNs);
    } while (g_loop.now_ns < end_ns);
  }

  uint64_t operations() const { return operations_; }

 private:
  void SendBatch(Connection& connection) {
    for (uint32_t i = 0; i < kPairs; ++i) {
      const std::string channel = RandomChannel();
      AppendSubscribe(connection.output, channel, i + 1, false);
      AppendUnsubscribe(connection.output, channel, i + 1);
    }
    connection.pending = IsNats() ? 1 : 2 * kPairs;
    if (IsNats()) AppendPing(connection.output);
    Flush(connection);
  }

  void OnAck(Connection& connection) override {
    operations_ += IsNats() ? 2 * kPairs : 1;
    if (connection.pending && --connection.pending == 0) ready_.push_back(&connection);
  }

  std::deque<Connection> connections_;
  std::vector<Connection*> ready_;
  uint64_t operations_ = 0;
};

class Visits : public Handler {
 public:
  Visits() : connections_(32) {
    g_loop.handler = this;
    for (Connection& connection : connections_) Start(connection);
  }
  ~Visits() override {
    for (Connection& connection : connections_) Close(connection);
  }

  void RunFor(double seconds) {
    const uint64_t end_ns = NowNs() + uint64_t(seconds * 1e9);
    do {
      Poll(kPollNs);
      for (Connection* connection : std::exchange(acknowledged_, {})) {
        ++operations_;
        Close(*connection);
        Start(*connection);
      }
    } while (g_loop.now_ns < end_ns);
  }

  uint64_t operations() const { return operations_; }

 private:
  void Start(Connection& connection) {
    Open(connection);
    AppendSubscribe(connection.output, RandomChannel(), 1, false);
    if (IsNats()) AppendPing(connection.output);
    Flush(connection);
  }

  void OnAck(Connection& connection) override { acknowledged_.push_back(&connection); }

  std::deque<Connection> connections_;
  std::vector<Connection*> acknowledged_;
  uint64_t operations_ = 0;
};

template <typename Load>
void Measure(std::string_view name) {
  Load load;
  load.RunFor(g_options.warm_up_s);
  Window window;
  const uint64_t before = load.operations();
  window.Begin();
  load.RunFor(g_options.window_s);
  window.End();
  Row row(name);
  window.Put(row, load.operations() - before).Count("malformed", g_loop.malformed);
  Emit(row);
}

}  // namespace

void RunChurn() {
  Measure<Pairs>("sub-unsub");
  Measure<Visits>("conn-sub-close");
}

}  // namespace peal::bench
