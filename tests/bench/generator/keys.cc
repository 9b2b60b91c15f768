// Keys: what do GET and SET cost, and how much memory does a key take?
#include <algorithm>
#include <array>
#include <deque>
#include <vector>

#include "client.h"
#include "scenarios.h"
#include "usage.h"
#include "wire.h"

namespace peal::bench {
namespace {

constexpr uint32_t kNoKey = ~0u;
constexpr size_t kKeysInFlight = 4096;  // of one connection; a power of two
constexpr double kOpenRate = 20'000;
constexpr size_t kDigits = 12;

class KeyLoad : public Handler {
 public:
  explicit KeyLoad(uint32_t connections) : connections_(connections) {
    g_loop.handler = this;
    for (uint32_t i = 0; i < connections; ++i) {
      connections_[i].id = i;
      connections_[i].keys.assign(kKeysInFlight, kNoKey);
      Open(connections_[i]);
    }
  }

  uint32_t key_count = 1'000'000;
  uint32_t ttl_s = 0;

  void SetValueBytes(uint32_t bytes) {
    value_.resize(bytes);
    for (uint32_t i = 0; i < bytes; ++i) value_[i] = char('a' + i % 26);
  }

  // SETs the keys [from, from + count) in order; the last batches may go a little further.
  void Store(uint32_t count, uint32_t from = 0) {
    operation_ = KeyOperation::kSet;
    in_order_ = true;
    is_open_loop_ = records_ = false;
    depth_ = 50;
    next_key_ = from;
    MakeAllReady();
    while (next_key_ < from + count) {
      Kick();
      Poll(kPollNs);
    }
    Drain();
    in_order_ = false;
  }

  void Closed(const std::string& name, KeyOperation operation, uint32_t depth) {
    operation_ = operation;
    depth_ = depth;
    is_open_loop_ = records_ = false;
    misses_ = wrong_ = 0;
    MakeAllReady();
    RunFor(g_options.warm_up_s);
    latency_.Clear();
    records_ = true;
    Window window;
    const uint64_t before = replies_;
    window.Begin();
    RunFor(g_options.window_s);
    window.End();
    const uint64_t count = replies_ - before;
    Drain();
    Row row(name);
    window.Put(row, count).Latency("batch_", latency_);
    row.Count("depth", depth).Count("payload_bytes", value_.size());
    PutChecks(row);
    Emit(row);
  }

  void OpenLoad(const std::string& name, KeyOperation operation, double seconds) {
    operation_ = operation;
    is_open_loop_ = records_ = true;
    misses_ = wrong_ = 0;
    latency_.Clear();
    lateness_.Clear();
    Window window;
    const uint64_t before = replies_;
    window.Begin();
    SendOnSchedule(seconds);
    window.End();
    const uint64_t count = replies_ - before;
    Drain();
    Row row(name);
    window.Put(row, count).Latency("", latency_);
    row.Number("send_late_p99_us", lateness_.Us(0.99)).Count("payload_bytes", value_.size());
    PutChecks(row);
    Emit(row);
  }

 private:
  // "key:" and twelve digits: sixteen bytes. The digits lead every value too.
  static void WriteDigits(char* to, uint32_t key) {
    for (size_t i = kDigits; i-- > 0; key /= 10) to[i] = char('0' + key % 10);
  }

  void AppendRequest(Connection& connection) {
    const uint32_t key = in_order_ ? next_key_++ : Random(key_count);
    KeyOperation operation = operation_;
    if (operation == KeyOperation::kMixed)
      operation = Random(5) == 0 ? KeyOperation::kSet : KeyOperation::kGet;
    std::array<char, 4 + kDigits> name = {'k', 'e', 'y', ':'};
    WriteDigits(name.data() + 4, key);
    const std::string_view key_name(name.data(), name.size());
    const bool is_get = operation == KeyOperation::kGet;
    connection.keys[connection.keys_head++ % kKeysInFlight] = is_get ? key : kNoKey;
    if (is_get) return AppendCommand(connection.output, {"GET", key_name});
    std::copy_n(name.data() + 4, kDigits, value_.data());
    if (ttl_s == 0) return AppendCommand(connection.output, {"SET", key_name, value_});
    AppendCommand(connection.output, {"SET", key_name, value_, "EX", std::to_string(ttl_s)});
  }

  void OnReply(Connection& connection, char type, std::string_view text, int64_t number) override {
    const uint32_t key = connection.keys[connection.keys_tail++ % kKeysInFlight];
    ++replies_;
    if (key != kNoKey) {
      char digits[kDigits];
      WriteDigits(digits, key);
      if (type == '$' && number < 0)
        ++misses_;
      else if (type != '$' || text.size() != value_.size() ||
               !text.starts_with(std::string_view(digits, kDigits)))
        ++wrong_;
    }
    if (is_open_loop_) {
      if (connection.due_ns.empty()) return;
      if (records_) latency_.Add(g_loop.now_ns - connection.due_ns.front());
      connection.due_ns.pop_front();
    } else if (connection.pending && --connection.pending == 0) {
      if (records_) latency_.Add(g_loop.now_ns - connection.sent_ns);
      ready_.push_back(&connection);
    }
  }

  void MakeAllReady() {
    ready_.clear();
    for (Connection& connection : connections_) ready_.push_back(&connection);
  }

  void Kick() {
    while (!ready_.empty()) {
      Connection& connection = *ready_.back();
      ready_.pop_back();
      for (uint32_t i = 0; i < depth_; ++i) AppendRequest(connection);
      connection.pending = depth_;
      connection.sent_ns = NowNs();
      Flush(connection);
    }
  }

  void RunFor(double seconds) {
    const uint64_t end_ns = NowNs() + uint64_t(seconds * 1e9);
    do {
      Kick();
      Poll(kPollNs);
    } while (g_loop.now_ns < end_ns);
  }

  void SendOnSchedule(double seconds) {
    const uint64_t began_ns = NowNs(), total = uint64_t(kOpenRate * seconds);
    const auto due_ns = [&](uint64_t index) {
      return began_ns + uint64_t(double(index) * 1e9 / kOpenRate);
    };
    for (uint64_t next = 0; next < total;) {
      uint64_t now_ns = NowNs();
      for (; next < total && now_ns >= due_ns(next); ++next) {
        Connection& connection = connections_[next % connections_.size()];
        AppendRequest(connection);
        connection.due_ns.push_back(due_ns(next));
        lateness_.Add(now_ns - due_ns(next));
      }
      for (Connection& connection : connections_)
        if (!connection.output.empty()) Flush(connection);
      now_ns = NowNs();
      const uint64_t due = due_ns(next);
      Poll(due > now_ns ? int64_t(due - now_ns) : 0);
    }
  }

  void Drain() {
    const auto is_idle = [](const Connection& connection) { return connection.due_ns.empty(); };
    Until(
        [&] {
          return is_open_loop_ ? std::ranges::all_of(connections_, is_idle)
                               : ready_.size() == connections_.size();
        },
        5);
  }

  void PutChecks(Row& row) const {
    row.Count("malformed", wrong_ + g_loop.malformed);
    if (misses_) row.Count("misses", misses_);
    if (!g_loop.first_bad.empty()) row.Text("first_bad", g_loop.first_bad);
    if (g_loop.closed) row.Count("closed_conns", g_loop.closed);
  }

  std::deque<Connection> connections_;
  std::vector<Connection*> ready_;
  std::string value_;
  KeyOperation operation_ = KeyOperation::kGet;
  uint32_t depth_ = 16;
  uint32_t next_key_ = 0;
  bool in_order_ = false, is_open_loop_ = false, records_ = false;
  uint64_t replies_ = 0, misses_ = 0, wrong_ = 0;
  Histogram latency_, lateness_;
};

}  // namespace

void RunKeys(KeyOperation operation) {
  KeyLoad load(50);
  load.key_count = g_options.quick ? 200'000 : 1'000'000;
  const char* name = operation == KeyOperation::kGet   ? "get"
                     : operation == KeyOperation::kSet ? "set"
                                                       : "mixed";
  for (const uint32_t bytes : {64u, 1024u}) {
    const char* size = bytes == 64 ? "64B" : "1K";
    load.SetValueBytes(bytes);
    load.Store(load.key_count);
    for (const uint32_t depth : {1u, 16u})
      load.Closed(Format("%s-%s-p%u", name, size, depth), operation, depth);
    if (bytes == 64)
      load.OpenLoad(Format("%s-64B-open20k", name), operation, g_options.quick ? 1 : 2);
  }
}

void RunMemoryPerKey(bool with_ttl) {
  KeyLoad load(10);
  load.SetValueBytes(32);
  load.ttl_s = with_ttl ? 86400 : 0;
  constexpr uint32_t kFirst = 1000;  // touch every code path before the baseline
  load.Store(kFirst);
  Settle(0.2);
  const double rss_before = ServerRssBytes();
  uint32_t stored = kFirst;
  for (const uint32_t total : {1'000'000u, 5'000'000u}) {
    if (total > 1'000'000 && g_options.quick) continue;
    Window window;
    window.Begin();
    load.Store(total - stored, stored);
    window.End();
    Settle(0.5);
    Row row(Format("%uM-keys%s", total / 1'000'000, with_ttl ? "-ttl" : ""));
    row.Number("bytes_per_key", (ServerRssBytes() - rss_before) / (total - kFirst));
    window.Put(row, total - stored).Count("payload_bytes", 32);
    row.Count("malformed", g_loop.malformed);
    if (!g_loop.first_bad.empty()) row.Text("first_bad", g_loop.first_bad);
    Emit(row);
    stored = total;
  }
}

}  // namespace peal::bench
