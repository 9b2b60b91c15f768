// Latency: how long does a delivery take at a fixed rate, and what do stuck readers do to others?
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

void SubscribeHundred(PubSubLoad& load) {
  load.channels = {"bench"};
  load.checks_each_subscriber = true;
  load.deliveries_per_publish = 100;
  load.AddSubscribers(100, [](uint32_t, std::string& out) {
    AppendSubscribe(out, "bench", 1, false);
    return 1;
  });
  load.AddPublishers();
}

// From here on every delivery is recorded.
void StartRecording(PubSubLoad& load) {
  load.Drain();
  load.ResetCounts();
  load.ResetSequences();
  load.records = true;
}

// Publishes 16 KiB payloads on a channel of its own beside the load, at `rate`.
class Firehose {
 public:
  explicit Firehose(double rate) : step_ns_(1e9 / rate), payload_(16384, 'x') {
    publisher_.id = PubSubLoad::kForeignId;
    Open(publisher_);
  }
  ~Firehose() {
    Close(publisher_);
    for (Connection& reader : readers_) Close(reader);
  }

  void AddStuckReaders(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      Connection& reader = readers_.emplace_back();
      reader.id = PubSubLoad::kForeignId + 1 + i;
      Open(reader);
      AppendSubscribe(reader.output, "firehose", 1, false);
      if (IsNats()) AppendPing(reader.output);
      Flush(reader);
    }
    const auto acknowledged = [](const Connection& reader) { return reader.acks > 0; };
    if (!Until([&] { return std::ranges::all_of(readers_, acknowledged); }, 10))
      Die("subscribing timed out");
    for (Connection& reader : readers_) SetStuck(reader, true);
  }

  void Turn() {
    const uint64_t now_ns = NowNs();
    if (next_ns_ == 0) next_ns_ = now_ns;
    for (; next_ns_ <= now_ns; next_ns_ += uint64_t(step_ns_))
      AppendPublish(publisher_.output, "firehose", payload_);
    Flush(publisher_);
  }

  // How many of the stuck readers the server has cut: reads what is left for each.
  uint32_t CountCut() {
    for (Connection& reader : readers_) SetStuck(reader, false);
    const auto gone = [](const Connection& reader) { return reader.is_gone; };
    Until([&] { return std::ranges::all_of(readers_, gone); }, 3);
    return uint32_t(std::ranges::count_if(readers_, gone));
  }

 private:
  const double step_ns_;
  const std::string payload_;
  uint64_t next_ns_ = 0;
  Connection publisher_;
  std::deque<Connection> readers_;
};

}  // namespace

void RunLatency() {
  PubSubLoad load;
  SubscribeHundred(load);
  load.SetPayload(64);
  load.ResetSequences();
  load.OpenLoad(1000, 0.5);
  StartRecording(load);
  Window window;
  window.Begin();
  load.OpenLoad(1000, g_options.quick ? 2 : 4);
  window.End();
  load.Drain();
  Row row("100subs-1000ps");
  window.Put(row, load.delivered).Latency("", load.latency);
  row.Number("send_late_p99_us", load.lateness.Us(0.99));
  load.PutChecks(row);
  Emit(row);
}

void RunSlowConsumer() {
  constexpr double kRate = 300;
  PubSubLoad load;
  SubscribeHundred(load);
  load.SetPayload(16384);
  load.ResetSequences();
  load.OpenLoad(kRate, 0.3);
  StartRecording(load);
  Window window;
  window.Begin();
  load.OpenLoad(kRate, g_options.quick ? 1 : 2);
  window.End();
  load.Drain();
  Row healthy("healthy");
  window.Put(healthy, load.delivered).Latency("", load.latency);
  load.PutChecks(healthy);
  Emit(healthy);

  const double rss_before = ServerRssBytes();
  double rss_peak = rss_before;
  Connection& stuck = load.subscribers[0];
  SetStuck(stuck, true);
  load.ResetCounts();
  load.deliveries_per_publish = 99;
  load.ResetSequences();
  load.first_match_ns = 0;
  g_loop.closed = 0;
  const uint64_t began_ns = NowNs();
  window.Begin();
  for (int i = 0; i < (g_options.quick ? 10 : 45); ++i) {
    load.OpenLoad(kRate, 0.2);
    rss_peak = std::max(rss_peak, ServerRssBytes());
  }
  window.End();
  load.Drain();
  load.receiver_mismatches = 0;  // 100 receivers until the stuck one is cut, then 99
  Row row("one-stuck");
  window.Put(row, load.delivered).Latency("", load.latency);
  row.Number("rss_peak_delta_mb", (rss_peak - rss_before) / 1e6);
  row.Number("published_mb", double(load.published) * 16384 / 1e6);
  load.PutChecks(row);
  // Was the stuck one cut? Reading what is left for it shows an end.
  load.records = false;
  SetStuck(stuck, false);
  Until([&] { return stuck.is_gone; }, 1.5);
  row.Text("stuck", stuck.is_gone ? "cut by the server" : "kept");
  if (load.first_match_ns)
    row.Number("stuck_cut_at_s", double(load.first_match_ns - began_ns) / 1e9);
  Emit(row);
}

void RunManySlowConsumers() {
  constexpr uint32_t kStuck = 50, kEach = 100;
  constexpr double kRate = 200, kFirehoseRate = 200;
  rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  const uint64_t most = g_options.quick ? 2000 : std::min<uint64_t>(19'500, files.rlim_cur - 500);
  const auto groups = uint32_t(most / kEach);
  PubSubLoad load;
  for (uint32_t i = 0; i < groups; ++i) load.channels.push_back(Format("group.%u", i));
  load.checks_each_subscriber = true;
  load.deliveries_per_publish = kEach;
  load.AddSubscribers(groups * kEach, [&](uint32_t i, std::string& out) {
    AppendSubscribe(out, load.channels[i % groups], 1, false);
    return 1;
  });
  load.AddPublishers();
  load.SetPayload(64);
  load.ResetSequences();
  Firehose firehose(kFirehoseRate);
  const double rss_before = ServerRssBytes();
  double rss_peak = rss_before;
  uint64_t next_look_ns = 0;
  const auto turn = [&] {
    firehose.Turn();
    if (NowNs() < next_look_ns) return;
    next_look_ns = NowNs() + 100'000'000;
    rss_peak = std::max(rss_peak, ServerRssBytes());
  };
  load.OpenLoad(kRate, 1, turn);
  for (const bool with_stuck : {false, true}) {
    if (with_stuck) firehose.AddStuckReaders(kStuck);
    StartRecording(load);
    rss_peak = ServerRssBytes();
    Window window;
    window.Begin();
    load.OpenLoad(kRate, g_options.quick ? 4 : 20, turn);
    window.End();
    load.Drain();
    Row row(with_stuck ? "50-stuck" : "healthy");
    row.Count("conns", groups * kEach);
    window.Put(row, load.delivered).Latency("", load.latency);
    row.Number("send_late_p99_us", load.lateness.Us(0.99));
    row.Number("rss_peak_delta_mb", (rss_peak - rss_before) / 1e6);
    load.PutChecks(row);
    if (with_stuck) {
      load.records = false;
      row.Count("stuck_cut", firehose.CountCut());
    }
    Emit(row);
  }
}

}  // namespace peal::bench
