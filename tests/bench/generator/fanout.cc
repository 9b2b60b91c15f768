// Fan-out: what does one delivery cost the server?
#include "pubsub_load.h"
#include "scenarios.h"
#include "wire.h"

namespace peal::bench {

void RunFanout(uint32_t subscribers) {
  PubSubLoad load;
  load.channels = {"bench"};
  load.checks_each_subscriber = true;
  load.deliveries_per_publish = subscribers;
  load.AddSubscribers(subscribers, [](uint32_t, std::string& out) {
    AppendSubscribe(out, "bench", 1, false);
    return 1;
  });
  load.AddPublishers();
  for (const uint32_t bytes : {64u, 1024u, 16384u}) {
    for (const uint32_t depth : {1u, 16u}) {
      if (g_options.quick && (bytes == 16384 || (bytes == 1024 && depth == 1))) continue;
      load.depth = depth;
      load.SetPayload(bytes);
      Emit(load.Closed(Format("%s-p%u",
                              bytes == 64     ? "64B"
                              : bytes == 1024 ? "1K"
                                              : "16K",
                              depth)));
    }
  }
}

void RunManyChannels() {
  constexpr uint32_t kChannels = 10'000, kConnections = 100;
  PubSubLoad load;
  for (uint32_t i = 0; i < kChannels; ++i) load.channels.push_back(Format("room.%u.events", i));
  load.AddSubscribers(kConnections, [&](uint32_t connection, std::string& out) {
    uint64_t count = 0;
    for (uint32_t i = connection; i < kChannels; i += kConnections, ++count)
      AppendSubscribe(out, load.channels[i], i, false);
    return count;
  });
  load.AddPublishers();
  for (const uint32_t bytes : {64u, 1024u}) {
    load.SetPayload(bytes);
    Emit(load.Closed(bytes == 64 ? "64B-p16" : "1K-p16"));
  }
}

}  // namespace peal::bench
