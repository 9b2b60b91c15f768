#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "client.h"
#include "histogram.h"
#include "row.h"
#include "usage.h"

namespace peal::bench {

/// Publishers, subscribers and the check of every delivery.
///
/// Each payload leads with magic, publisher, channel, sequence and time, then a filler; each
/// delivery is checked for all of them, and each case for the total.
class PubSubLoad : public Handler {
 public:
  /// Connections with this id or above are the scenario's own: their messages are not counted.
  static constexpr uint32_t kForeignId = 1u << 30;

  explicit PubSubLoad(uint32_t publisher_count = 4) : publisher_count_(publisher_count) {
    g_loop.handler = this;
  }

  // ---- What is measured; set before the first case.
  std::vector<std::string> channels;    // published to, at random
  uint64_t deliveries_per_publish = 1;  // what one publish must cause
  /// Sequences are kept for each subscriber, which then holds one channel only; else for each
  /// channel, which then has one subscriber only.
  bool checks_each_subscriber = false;
  uint32_t depth = 16;  // publishes that a publisher sends at once

  void SetPayload(uint32_t bytes);
  void ResetSequences();
  void ResetCounts();

  void AddPublishers();
  /// Opens `count` connections. `subscribe(i, out)` appends the subscriptions of connection i and
  /// returns how many there are.
  using Subscribe = std::function<uint64_t(uint32_t, std::string&)>;
  void AddSubscribers(uint32_t count, const Subscribe& subscribe, double limit_s = 60);
  void CloseAll();

  /// Each publisher keeps one batch of `depth` under way, all together at most two batches' worth
  /// of deliveries each, or 64 MiB. Emits a row; operations are deliveries, or publishes.
  enum class Operation { kDelivery, kPublish };
  Row Closed(const std::string& name, Operation operation = Operation::kDelivery);

  /// Publishes at a fixed rate; latency counts from the intended time, so that a server that stalls
  /// cannot hide it. `each_turn`, if any, runs once a turn of the loop.
  void OpenLoad(double rate, double seconds, const std::function<void()>& each_turn = {});

  /// One publish outside both loops.
  void PublishOne(Connection& publisher, uint64_t time_ns);
  void Drain(double limit_s = 8);
  /// Adds what was lost, too many, out of order or damaged: anything but 0 is a fault.
  void PutChecks(Row& row) const;

  std::deque<Connection> publishers, subscribers;
  uint64_t published = 0, replied = 0, delivered = 0, expected = 0;
  uint64_t receiver_mismatches = 0;  // PUBLISH replied another number than deliveries_per_publish
  uint64_t first_match_ns = 0;       // the first reply with the right number
  bool is_open_loop = false;
  bool records = false;
  Histogram latency, lateness;  // lateness: of the generator itself

 private:
  struct Head {
    uint32_t magic, publisher, channel, size;
    uint64_t sequence, time_ns;
  };

  void OnMessage(Connection& connection, std::string_view payload) override;
  void OnReply(Connection& connection, char type, std::string_view text, int64_t number) override;
  void OnAck(Connection& connection) override;
  void SendBatch(Connection& publisher);
  void FinishBatch(Connection& publisher);
  void Kick();
  void RunFor(double seconds);
  // Windows begin and end on a reply, so that one of few slow batches is exact.
  void RunToReply();

  const uint32_t publisher_count_;
  uint32_t subscriber_count_ = 1;
  std::vector<uint32_t> next_sequence_, wanted_sequence_;
  std::vector<Connection*> ready_;  // publishers with nothing under way
  std::string payload_;
  uint64_t max_in_flight_ = 0;
  uint64_t gaps_ = 0, reordered_ = 0, damaged_ = 0;
  bool is_draining_ = false;
};

}  // namespace peal::bench
