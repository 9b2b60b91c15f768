// Collections: memory of each element, the stalls that growth and large deletions cause others, and
// what a cache keeps when memory is short.
#include <cmath>
#include <ctime>
#include <vector>

#include "request_load.h"
#include "scenarios.h"
#include "usage.h"
#include "wire.h"

namespace peal::bench {
namespace {

constexpr uint32_t kPerRequest = 50;

std::string Member(uint64_t number) {
  return Format("%016llx", static_cast<unsigned long long>(number * 0x9E3779B97F4A7C15u));
}

// Appends a request that adds `kPerRequest` elements, those from `first` on, to `key`.
uint32_t AppendElements(std::string& out, std::string_view type, std::string_view key,
                        uint64_t first) {
  if (type == "stream") {
    for (uint32_t i = 0; i < kPerRequest; ++i)
      AppendCommand(out, {"XADD", key, "*", "field", Member(first + i)});
    return kPerRequest;
  }
  const char* const command = type == "list"   ? "RPUSH"
                              : type == "hash" ? "HSET"
                              : type == "set"  ? "SADD"
                                               : "ZADD";
  std::vector<std::string> words = {command, std::string(key)};
  for (uint32_t i = 0; i < kPerRequest; ++i) {
    if (type == "zset") words.push_back(std::to_string(Random(1u << 30)));
    words.push_back(Member(first + i));
    if (type == "hash") words.push_back(Member(first + i + 1));
  }
  AppendWords(out, words);
  return 1;
}

void AppendSet(std::string& out, uint64_t number, std::string_view value) {
  AppendCommand(out,
                {"SET", Format("key:%012llu", static_cast<unsigned long long>(number)), value});
}

void PutStall(Row& row, const Histogram& trips) {
  row.Number("cleanup_stall_ms", trips.MaxUs() / 1000.0).Number("p99_us", trips.Us(0.99));
  row.Count("malformed", g_loop.malformed);
  if (!g_loop.first_bad.empty()) row.Text("first_bad", g_loop.first_bad);
}

// Numbers in [0, count) after Zipf's law with exponent 0.99, by rejection: the densities 1/x^0.99
// are turned around analytically and corrected.
class Zipf {
 public:
  explicit Zipf(uint32_t count)
      : count_(count), top_(Integral(count + 0.5)), low_(Integral(1.5) - 1) {}

  uint32_t Next() {
    while (true) {
      const double at = low_ + (double(Random(1u << 30)) + 0.5) / double(1u << 30) * (top_ - low_);
      const double x = std::pow(1 + at * (1 - kExponent), 1 / (1 - kExponent));
      const double k = std::min(std::max(std::round(x), 1.0), double(count_));
      if (at >= Integral(k + 0.5) - std::pow(k, -kExponent)) return uint32_t(k) - 1;
    }
  }

 private:
  static constexpr double kExponent = 0.99;
  static double Integral(double x) { return (std::pow(x, 1 - kExponent) - 1) / (1 - kExponent); }

  double count_, top_, low_;
};

uint64_t UsedMemory(RequestLoad& load) {
  const std::string text = load.Ask({"INFO", "memory"}).text;
  const size_t at = text.find("used_memory:");
  if (at == std::string::npos) Die("INFO memory has no used_memory");
  return std::strtoull(text.c_str() + at + 12, nullptr, 10);
}

}  // namespace

bool RunCollectionMemory(std::string_view type, bool is_large) {
  if (type != "list" && type != "hash" && type != "set" && type != "zset" && type != "stream")
    return false;
  RequestLoad load(10);
  const uint64_t total = (g_options.quick ? 100'000 : 2'000'000) / kPerRequest;
  // Touch every code path before the baseline.
  const auto fill = [&](uint64_t requests, std::string_view prefix) {
    load.Run(requests, [&](std::string& out, Connection&, uint64_t number) {
      const std::string key = std::string(prefix) + (is_large ? "" : std::to_string(number));
      return AppendElements(out, type, key, number * kPerRequest);
    });
  };
  fill(20, "warm:");
  Settle(0.2);
  const double rss_before = ServerRssBytes();
  Window window;
  window.Begin();
  fill(total, "data:");
  window.End();
  Settle(0.5);
  Row row(std::string(type) + (is_large ? "-large" : "-of-50"));
  row.Number("bytes_per_element", (ServerRssBytes() - rss_before) / double(total * kPerRequest));
  window.Put(row, total * kPerRequest).Count("malformed", g_loop.malformed);
  Emit(row);
  return true;
}

void RunGrowth() {
  RequestLoad load(10);
  const uint64_t keys = g_options.quick ? 200'000 : 5'000'000;
  const auto measured = [&](const char* name, auto&& work, double watch_s = 0.5) {
    load.Watch(0.1);
    load.TakeRoundTrips();
    Window window;
    window.Begin();
    work();
    load.Watch(watch_s);
    window.End();
    const Histogram trips = load.TakeRoundTrips();
    Row row(name);
    PutStall(row, trips);
    window.Put(row, 1);
    Emit(row);
  };
  measured("5M keys inserted, one at a time", [&] {
    load.Run(
        keys,
        [](std::string& out, Connection&, uint64_t number) {
          AppendSet(out, number, "sixteen bytes...");
          return 1;
        },
        16);
  });
  measured("FLUSHALL of them", [&] { load.Ask({"FLUSHALL"}); }, 2);
  load.Run(keys / 5, [](std::string& out, Connection&, uint64_t number) {
    AppendCommand(out, {"SET", Format("key:%012llu", static_cast<unsigned long long>(number)),
                        "sixteen bytes...", "PXAT", "99999999999999"});
    return 1;
  });
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  const std::string due =
      std::to_string(uint64_t(now.tv_sec) * 1000 + (g_options.quick ? 2000 : 12000));
  load.Run(keys / 5, [&](std::string& out, Connection&, uint64_t number) {
    AppendCommand(
        out, {"PEXPIREAT", Format("key:%012llu", static_cast<unsigned long long>(number)), due});
    return 1;
  });
  measured("1M keys expire at once", [&] {}, g_options.quick ? 4 : 16);
  load.Ask({"FLUSHALL"});
  load.Watch(1);
  for (const char* type : {"set", "hash", "zset", "list"}) {
    const std::string key = std::string("large:") + type;
    measured(Format("%s of 5M elements grows", type).c_str(), [&] {
      load.Run(
          keys / kPerRequest,
          [&](std::string& out, Connection&, uint64_t number) {
            return AppendElements(out, type, key, number * kPerRequest);
          },
          1);
    });
    measured(Format("DEL of the %s", type).c_str(), [&] { load.Ask({"DEL", key}); }, 2);
  }
}

void RunHitRatio() {
  const uint32_t keys = g_options.quick ? 50'000 : 500'000;
  const uint64_t requests = g_options.quick ? 300'000 : 4'000'000;
  const std::string value(100, 'v');
  for (const char* policy : {"allkeys-lru", "allkeys-lfu"}) {
    RequestLoad load(10);
    load.Ask({"FLUSHALL"});
    load.Ask({"CONFIG", "SET", "maxmemory", "0"});
    load.Ask({"CONFIG", "SET", "maxmemory-policy", policy});
    load.Watch(1);
    const uint64_t empty = UsedMemory(load);
    load.Run(keys, [&](std::string& out, Connection&, uint64_t number) {
      AppendSet(out, number, value);
      return 1;
    });
    const uint64_t full = UsedMemory(load);
    load.Ask({"CONFIG", "SET", "maxmemory", std::to_string(empty + (full - empty) / 4)});
    load.Watch(2);
    Zipf zipf(keys);
    // Ranks are spread over the keys, so that what was stored first is not what is asked for most.
    const auto key_of = [&](uint32_t rank) { return uint32_t(uint64_t(rank) * 7'919 % keys); };
    uint64_t hits = 0, asked = 0;
    bool counts = false;
    std::vector<uint32_t> missed;
    load.on_reply = [&](Connection& connection, char type, std::string_view, int64_t number) {
      if (type != '$') return;
      const uint32_t key = connection.keys[connection.keys_tail++ % connection.keys.size()];
      if (number < 0) missed.push_back(key);
      if (!counts) return;
      ++asked;
      if (number >= 0) ++hits;
    };
    const auto append = [&](std::string& out, Connection& connection, uint64_t) -> uint32_t {
      if (connection.keys.empty()) connection.keys.resize(4096);
      uint32_t replies = 1;
      if (!missed.empty()) {  // as a cache-aside client does
        AppendSet(out, missed.back(), value);
        missed.pop_back();
        ++replies;
      }
      const uint32_t key = key_of(zipf.Next());
      connection.keys[connection.keys_head++ % connection.keys.size()] = key;
      AppendCommand(out, {"GET", Format("key:%012u", key)});
      return replies;
    };
    load.Run(requests / 2, append);  // until what is kept follows the trace
    counts = true;
    Window window;
    window.Begin();
    load.Run(requests / 2, append);
    window.End();
    Row row(policy);
    row.Number("hit_ratio", double(hits) / double(asked));
    row.Number("used_over_limit", double(UsedMemory(load)) / double(empty + (full - empty) / 4));
    window.Put(row, asked).Count("malformed", g_loop.malformed);
    if (!g_loop.first_bad.empty()) row.Text("first_bad", g_loop.first_bad);
    Emit(row);
  }
}

}  // namespace peal::bench
