// Memory: what do idle connections and subscriptions cost, and what happens when their owner dies?
#include <sys/resource.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "pubsub_load.h"
#include "scenarios.h"
#include "usage.h"
#include "wire.h"

namespace peal::bench {
namespace {

// Owners subscribe to numbered names in chunks; a bystander measures how long a PING takes.
class Owners : public Handler {
 public:
  static constexpr uint32_t kChunk = 100;

  Owners(uint32_t owners, bool patterns) : owners_(owners), sent_(owners, 0), patterns_(patterns) {
    g_loop.handler = this;
    Open(bystander_);
    Flush(bystander_);
    for (Connection& owner : owners_) {
      Open(owner);
      Flush(owner);
    }
    Settle(0.1);
  }
  ~Owners() override {
    for (Connection& owner : owners_) Close(owner);
    Close(bystander_);
  }

  // Until `total` are acknowledged, or no more are asked for after `limit_s`. Each owner keeps at
  // most two chunks under way.
  void SubscribeAll(uint32_t total, double limit_s) {
    const uint64_t began_ns = NowNs();
    const auto count = uint32_t(owners_.size());
    uint64_t asked = 0;
    while (asked < total && double(NowNs() - began_ns) / 1e9 <= limit_s) {
      for (uint32_t owner = 0; owner < count; ++owner) {
        while (sent_[owner] < total / count && sent_[owner] < Acknowledged(owner) + 2 * kChunk) {
          SendChunk(owner);
          asked += kChunk;
        }
      }
      Poll(kPollNs);
    }
    Until([&] { return Acknowledged() >= asked; }, 10);
  }

  uint64_t Acknowledged() const {
    uint64_t sum = 0;
    for (uint32_t owner = 0; owner < owners_.size(); ++owner) sum += Acknowledged(owner);
    return sum;
  }

  void CloseOwners() {
    for (Connection& owner : owners_) Close(owner);
  }

  // One PING after the other. Returns the round trips.
  Histogram ProbeFor(double seconds) {
    round_trips_.Clear();
    const uint64_t end_ns = NowNs() + uint64_t(seconds * 1e9);
    has_answer_ = true;
    while (NowNs() < end_ns || !has_answer_) {
      if (has_answer_ && NowNs() < end_ns) {
        has_answer_ = false;
        AppendPing(bystander_.output);
        ping_ns_ = NowNs();
        Flush(bystander_);
      }
      Poll(kPollNs);
      if (NowNs() > end_ns + 10'000'000'000) break;
    }
    return round_trips_;
  }

 private:
  uint64_t Acknowledged(uint32_t owner) const {
    return IsNats() ? owners_[owner].acks * kChunk : owners_[owner].acks;
  }

  void SendChunk(uint32_t owner) {
    Connection& connection = owners_[owner];
    for (uint32_t i = 0; i < kChunk; ++i) {
      const auto number = uint32_t((sent_[owner] + i) * owners_.size() + owner);
      AppendSubscribe(connection.output,
                      Format(patterns_ ? "room.%08u.*" : "room.%08u.events", number), number + 1,
                      patterns_);
    }
    if (IsNats()) AppendPing(connection.output);
    Flush(connection);
    sent_[owner] += kChunk;
  }

  void OnAck(Connection& connection) override {
    if (&connection == &bystander_)
      OnAnswer();
    else
      ++connection.acks;
  }
  void OnReply(Connection& connection, char, std::string_view, int64_t) override {
    if (&connection == &bystander_) OnAnswer();
  }
  void OnAnswer() {
    has_answer_ = true;
    round_trips_.Add(g_loop.now_ns - ping_ns_);
  }

  std::deque<Connection> owners_;
  std::vector<uint64_t> sent_;
  const bool patterns_;
  Connection bystander_;
  bool has_answer_ = true;
  uint64_t ping_ns_ = 0;
  Histogram round_trips_;
};

}  // namespace

void RunIdleSubscribers() {
  rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  const auto count =
      uint32_t(std::min<uint64_t>(g_options.quick ? 5000 : 20'000, files.rlim_cur - 500));
  PubSubLoad load(1);
  load.channels = {"bench"};
  load.checks_each_subscriber = true;
  load.deliveries_per_publish = count;
  load.AddPublishers();
  const double rss_before = ServerRssBytes(), cpu_before = ServerCpuUs();
  const uint64_t began_ns = NowNs();
  load.AddSubscribers(count, [](uint32_t, std::string& out) {
    AppendSubscribe(out, "bench", 1, false);
    return 1;
  });
  const double setup_s = double(NowNs() - began_ns) / 1e9, connect_us = ServerCpuUs() - cpu_before;
  Settle(0.3);
  const double rss_idle = ServerRssBytes();

  load.depth = 1;
  load.SetPayload(64);
  load.ResetSequences();
  load.is_open_loop = true;
  std::vector<double> last_ms;
  const double cpu_idle = ServerCpuUs();
  for (int i = 0; i < 7; ++i) {
    const uint64_t sent_ns = NowNs();
    load.PublishOne(load.publishers[0], sent_ns);
    Flush(load.publishers[0]);
    if (!Until([&] { return load.delivered >= load.expected; }, 5)) break;
    last_ms.push_back(double(g_loop.now_ns - sent_ns) / 1e6);
  }
  const double broadcast_us = ServerCpuUs() - cpu_idle;
  Row row("idle");
  row.Count("conns", count).Number("rss_per_conn", (rss_idle - rss_before) / count);
  row.Number("connect_s", setup_s).Number("srv_us_connect", connect_us / count);
  if (!last_ms.empty()) {
    std::ranges::sort(last_ms);
    row.Number("bcast_last_ms", last_ms[last_ms.size() / 2]).Number("bcast_max_ms", last_ms.back());
    row.Number("srv_us_op", broadcast_us / double(load.delivered));
    row.Number("rss_after_bcast_per_conn", (ServerRssBytes() - rss_before) / count);
  }
  load.PutChecks(row);
  Emit(row);
}

void RunSubscriptionMemory(bool patterns) {
  Owners owners(10, patterns);
  const double rss_before = ServerRssBytes(), cpu_before = ServerCpuUs();
  const uint64_t began_ns = NowNs();
  owners.SubscribeAll(g_options.quick ? 100'000 : 1'000'000, g_options.quick ? 3 : 7);
  const double setup_s = double(NowNs() - began_ns) / 1e9, setup_us = ServerCpuUs() - cpu_before;
  const auto count = double(owners.Acknowledged());
  Settle(0.3);
  const double rss_grown = ServerRssBytes() - rss_before;
  const Histogram calm = owners.ProbeFor(0.2);

  const double cpu_dying = ServerCpuUs();
  owners.CloseOwners();
  const Histogram dying = owners.ProbeFor(1.5);
  // CPU time beyond what the probe itself costs is the cleanup's.
  const double cpu_after = ServerCpuUs();
  const Histogram after = owners.ProbeFor(0.3);
  const double ping_us = after.count() ? (ServerCpuUs() - cpu_after) / double(after.count()) : 0;
  const double cleanup_us = cpu_after - cpu_dying - ping_us * double(dying.count());

  Row row(patterns ? "patterns" : "channels");
  row.Count("subs", uint64_t(count)).Number("bytes_per_sub", count > 0 ? rss_grown / count : 0);
  row.Number("subscribe_s", setup_s).Number("srv_us_op", count > 0 ? setup_us / count : 0);
  row.Number("ops_s", count / setup_s).Number("ping_max_before_us", calm.MaxUs());
  row.Number("cleanup_stall_ms", dying.MaxUs() / 1000.0);
  row.Number("cleanup_cpu_us_per_sub", count > 0 ? std::max(0.0, cleanup_us) / count : 0);
  row.Number("rss_kept_mb", (ServerRssBytes() - rss_before) / 1e6);
  row.Count("malformed", g_loop.malformed);
  Emit(row);
}

void RunDyingSubscriber() {
  Owners owners(1, false);
  const double rss_before = ServerRssBytes();
  owners.SubscribeAll(g_options.quick ? 100'000 : 1'000'000, 30);
  const auto count = owners.Acknowledged();
  Settle(0.3);
  const double rss_full = ServerRssBytes();
  const Histogram calm = owners.ProbeFor(1);
  owners.CloseOwners();
  const Histogram dying = owners.ProbeFor(10);
  const double rss_after = ServerRssBytes();
  Row row("one-of-1M");
  row.Count("subs", count).Number("bytes_per_sub", (rss_full - rss_before) / double(count));
  row.Number("ping_max_before_us", calm.MaxUs());
  row.Number("cleanup_stall_ms", dying.MaxUs() / 1000.0);
  row.Number("rss_before_mb", rss_before / 1e6).Number("rss_full_mb", rss_full / 1e6);
  row.Number("rss_after_10s_mb", rss_after / 1e6);
  row.Number("rss_after_over_before", rss_after / rss_before).Count("malformed", g_loop.malformed);
  Emit(row);
}

}  // namespace peal::bench
