#include "request_load.h"

#include "usage.h"
#include "wire.h"

namespace peal::bench {
namespace {

constexpr uint64_t kProbeIntervalNs = 1'000'000;
constexpr double kPatienceS = 60;

}  // namespace

RequestLoad::RequestLoad(uint32_t connections) : connections_(connections) {
  g_loop.handler = this;
  Open(bystander_);
  Open(control_);
  for (uint32_t i = 0; i < connections; ++i) {
    connections_[i].id = i;
    Open(connections_[i]);
    ready_.push_back(&connections_[i]);
  }
}

RequestLoad::~RequestLoad() {
  for (Connection& connection : connections_) Close(connection);
  Close(bystander_);
  Close(control_);
}

void RequestLoad::Run(uint64_t count, const Append& append, uint32_t depth) {
  depth_ = depth;
  next_ = 0;
  while (next_ < count) {
    Kick(count, append);
    PollAndWatch();
  }
  Drain();
}

void RequestLoad::Measure(const std::string& name, uint32_t depth, const Append& append,
                          bool nulls_are_misses) {
  depth_ = depth;
  next_ = nulls_ = 0;
  const auto run_for = [&](double seconds) {
    const uint64_t end_ns = NowNs() + uint64_t(seconds * 1e9);
    do {
      Kick(~uint64_t{0}, append);
      PollAndWatch();
    } while (NowNs() < end_ns);
  };
  run_for(g_options.warm_up_s);
  batches_.Clear();
  records_ = true;
  Window window;
  const uint64_t before = requests_done_;
  window.Begin();
  run_for(g_options.window_s);
  window.End();
  const uint64_t count = requests_done_ - before;
  records_ = false;
  Drain();
  Row row(name);
  window.Put(row, count).Latency("batch_", batches_);
  row.Count("depth", depth).Count("malformed", g_loop.malformed);
  if (nulls_are_misses) row.Count("misses", nulls_);
  if (!g_loop.first_bad.empty()) row.Text("first_bad", g_loop.first_bad);
  if (g_loop.closed) row.Count("closed_conns", g_loop.closed);
  Emit(row);
}

RequestLoad::Reply RequestLoad::Ask(std::initializer_list<std::string_view> words) {
  has_last_ = false;
  AppendCommand(control_.output, words);
  Flush(control_);
  if (!Until([&] { return has_last_; }, kPatienceS)) Die("no reply in %.0f s", kPatienceS);
  return last_;
}

Histogram RequestLoad::TakeRoundTrips() {
  Until([&] { return has_answer_; }, kPatienceS);
  Histogram taken = round_trips_;
  round_trips_.Clear();
  return taken;
}

void RequestLoad::Watch(double seconds) {
  const uint64_t end_ns = NowNs() + uint64_t(seconds * 1e9);
  while (NowNs() < end_ns || !has_answer_) PollAndWatch();
}

void RequestLoad::OnReply(Connection& connection, char type, std::string_view text,
                          int64_t number) {
  if (&connection == &bystander_) {
    has_answer_ = true;
    round_trips_.Add(g_loop.now_ns - ping_ns_);
    return;
  }
  if (&connection == &control_) {
    last_ = {.type = type, .text = std::string(text), .number = number};
    has_last_ = true;
    return;
  }
  if (number < 0 && (type == '$' || type == '*')) ++nulls_;
  if (on_reply) on_reply(connection, type, text, number);
  if (connection.pending == 0 || --connection.pending > 0) return;
  requests_done_ += connection.acks;  // the requests of the batch
  if (records_) batches_.Add(g_loop.now_ns - connection.sent_ns);
  ready_.push_back(&connection);
}

void RequestLoad::Kick(uint64_t end, const Append& append) {
  while (!ready_.empty() && next_ < end) {
    Connection& connection = *ready_.back();
    ready_.pop_back();
    connection.acks = 0;
    for (uint32_t i = 0; i < depth_ && next_ < end; ++i) {
      connection.pending += append(connection.output, connection, next_++);
      ++connection.acks;
    }
    connection.sent_ns = NowNs();
    Flush(connection);
  }
}

void RequestLoad::PollAndWatch() {
  const uint64_t now_ns = NowNs();
  if (has_answer_ && now_ns >= ping_ns_ + kProbeIntervalNs) {
    has_answer_ = false;
    AppendPing(bystander_.output);
    ping_ns_ = NowNs();
    Flush(bystander_);
  }
  Poll(int64_t(kProbeIntervalNs));
}

void RequestLoad::Drain() {
  if (!Until([&] { return ready_.size() == connections_.size(); }, kPatienceS))
    Die("replies are missing after %.0f s", kPatienceS);
}

}  // namespace peal::bench
