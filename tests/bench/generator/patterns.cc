// Patterns: how does the cost of a publish grow with the number of patterns subscribed?
#include <algorithm>
#include <functional>

#include "pubsub_load.h"
#include "request_load.h"
#include "scenarios.h"
#include "wire.h"

namespace peal::bench {
namespace {

// `pattern(i)` is the i-th pattern, `channel(i)` a channel that it alone matches.
struct Kind {
  std::string_view name;
  std::string (*pattern)(uint32_t);
  std::string (*channel)(uint32_t);
};

// Longer than any node of a tree would like to keep inline.
constexpr char kLongPrefix[] = "events.region.europe-west.cluster.blue.service.billing.instance.";

// The first four are the kinds a user writes; NATS has wildcards of its own for them.
std::string MixedPattern(uint32_t i) {
  switch (i % 4) {
    case 1:
      return Format(IsNats() ? "*.%u.login" : "u?er.%u.login", i);
    case 2:
      return Format(IsNats() ? "logb.%u.>" : "log[a-c].%u.*", i);
    case 3:
      return Format("ev.*.%u.end", i);
    default:
      return Format("news.%u.*", i);
  }
}
std::string MixedChannel(uint32_t i) {
  switch (i % 4) {
    case 1:
      return Format("user.%u.login", i);
    case 2:
      return Format("logb.%u.x", i);
    case 3:
      return Format("ev.q7.%u.end", i);
    default:
      return Format("news.%u.x", i);
  }
}

const Kind kPlain = {"plain", [](uint32_t i) { return Format("news.%u.*", i); },
                     [](uint32_t i) { return Format("news.%u.x", i); }};
const Kind kMixed = {"mixed", MixedPattern, MixedChannel};

const Kind kKinds[] = {
    {"prefix", kPlain.pattern, kPlain.channel},
    {"suffix", [](uint32_t i) { return Format("*.%u.golf", i); },
     [](uint32_t i) { return Format("news.%u.golf", i); }},
    {"inner", [](uint32_t i) { return Format("news.*.%u.golf", i); },
     [](uint32_t i) { return Format("news.q7.%u.golf", i); }},
    {"class", [](uint32_t i) { return Format("log[a-c].%u.?", i); },
     [](uint32_t i) { return Format("logb.%u.x", i); }},
    kMixed,
    // Adversarial: no literal byte before the star tells them apart.
    {"shared-prefix", [](uint32_t i) { return Format("%s*.%u.*", kLongPrefix, i); },
     [](uint32_t i) { return Format("%sq7.%u.end", kLongPrefix, i); }},
    {"leading-star", [](uint32_t i) { return Format("*.%u.*", i); },
     [](uint32_t i) { return Format("news.%u.x", i); }},
};

void RunKind(const Kind& kind, uint32_t count, bool skip_none) {
  PubSubLoad load;
  const uint32_t connections = std::min(10u, count);
  const double rss_before = ServerRssBytes();
  const uint64_t began_ns = NowNs();
  load.AddSubscribers(
      connections,
      [&](uint32_t connection, std::string& out) {
        uint64_t own = 0;
        for (uint32_t i = connection; i < count; i += connections, ++own)
          AppendSubscribe(out, kind.pattern(i), i + 1, true);
        return own;
      },
      120);
  const double setup_s = double(NowNs() - began_ns) / 1e9;
  const double rss_grown = ServerRssBytes() - rss_before;
  load.AddPublishers();

  // At most 10,000 channels, spread over all patterns.
  const uint32_t channels = std::min(count, 10'000u), step = count / channels;
  for (const bool hits : {true, false}) {
    if (!hits && skip_none) continue;
    load.channels.clear();
    for (uint32_t i = 0; i < channels; ++i)
      load.channels.push_back(
          kind.channel(hits ? i * step + (step > 1 ? Random(step) : 0) : count + i));
    load.deliveries_per_publish = hits ? 1 : 0;
    load.SetPayload(64);
    Row row = load.Closed(Format("%s-%d", std::string(kind.name).c_str(), hits ? 1 : 0),
                          PubSubLoad::Operation::kPublish);
    row.Number("setup_s", setup_s);
    if (hits && count >= 1000) row.Number("bytes_per_sub", rss_grown / count);
    Emit(row);
  }
  load.CloseAll();
}

/// A million subscriptions leave a busy server by and by: those of one set must not be counted
/// among the receivers of the next, nor their end among its cost.
void WaitUntilNobodySubscribes() {
  constexpr double kPatienceS = 60;
  Settle(0.2);
  if (IsNats()) return;
  RequestLoad load(0);
  if (!Until([&load] { return load.Ask({"PUBSUB", "NUMPAT"}).number == 0; }, kPatienceS))
    Die("subscriptions are left %.0f s after they closed", kPatienceS);
}

}  // namespace

void RunPatterns(uint32_t count) {
  RunKind(kPlain, count, false);
  WaitUntilNobodySubscribes();
  RunKind(kMixed, count, g_options.quick);
}

bool RunPatternKind(std::string_view name, uint32_t count) {
  for (const Kind& kind : kKinds) {
    if (kind.name != name) continue;
    RunKind(kind, count, false);
    return true;
  }
  return false;
}

}  // namespace peal::bench
