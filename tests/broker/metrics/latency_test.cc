#include "broker/metrics/latency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/metrics/latency_report.h"

namespace peal::broker {
namespace {

using testing::HasSubstr;

LatencyMonitor::Event Samples(std::initializer_list<uint64_t> latencies) {
  LatencyMonitor::Event event;
  int64_t time_s = 1000;
  for (const uint64_t ms : latencies) {
    event.samples.push_back({time_s++, ms});
    event.max_ms = std::max(event.max_ms, ms);
  }
  return event;
}

TEST(LatencyMonitorTest, KeepsTheLargestSpikeOfASecond) {
  LatencyMonitor monitor;
  monitor.Add("command", 10);
  monitor.Add("command", 30);
  monitor.Add("command", 20);
  const auto events = monitor.Events();
  ASSERT_EQ(events.size(), 1u);
  const LatencyMonitor::Event& event = events.at("command");
  EXPECT_EQ(event.max_ms, 30u);
  EXPECT_LE(event.samples.size(), 2u);  // the second may have changed in between
}

TEST(LatencyMonitorTest, ResetsOneEventOrAll) {
  LatencyMonitor monitor;
  monitor.Add("command", 10);
  monitor.Add("fast-command", 10);
  monitor.Add("expire-cycle", 10);
  EXPECT_EQ(monitor.Reset({"command", "no-such-event"}), 1u);
  EXPECT_EQ(monitor.Events().size(), 2u);
  EXPECT_EQ(monitor.Reset({}), 2u);
  EXPECT_TRUE(monitor.Events().empty());
}

TEST(LatencyReportTest, TheGraphHasAColumnForEachSampleAndItsAgeBelow) {
  const std::string graph = DrawLatency("command", Samples({5, 20, 1, 30}), 1004);
  EXPECT_THAT(graph, HasSubstr("command - high 30 ms, low 1 ms (all time high 30 ms)\n"));
  EXPECT_THAT(graph, HasSubstr("\n\n4321\nssss\n"));
}

TEST(LatencyReportTest, EqualSamplesDrawAFlatLine) {
  EXPECT_THAT(DrawLatency("command", Samples({7, 7, 7}), 1003), HasSubstr("\n___\n"));
}

TEST(LatencyReportTest, TheDoctorTellsWhatToDo) {
  EXPECT_THAT(ReportLatency({}, 0, 10'000, 0), HasSubstr("CONFIG SET latency-monitor-threshold"));
  EXPECT_THAT(ReportLatency({}, 100, 10'000, 0), HasSubstr("Nothing has taken 100 ms"));
  EXPECT_THAT(ReportLatency({{"command", Samples({10, 20})}}, 5, 10'000, 1002),
              HasSubstr("command: 2 spikes in 2s, mean 15 ms, worst 20 ms"));
  EXPECT_THAT(ReportLatency({{"command", Samples({10})}}, 5, 10'000, 1002),
              HasSubstr("CONFIG SET slowlog-log-slower-than 5000"));
  EXPECT_THAT(ReportLatency({{"command", Samples({10})}}, 5, 1000, 1002), HasSubstr("SLOWLOG GET"));
}

}  // namespace
}  // namespace peal::broker
