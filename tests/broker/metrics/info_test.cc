#include "broker/metrics/info.h"

#include <gtest/gtest.h>

#include "broker/metrics/clock.h"
#include "broker/metrics/command_stats.h"
#include "broker/metrics/memory.h"

namespace peal::broker {
namespace {

TEST(HumanBytesTest, HasTheFormOfRedis) {
  EXPECT_EQ(HumanBytes(0), "0B");
  EXPECT_EQ(HumanBytes(1023), "1023B");
  EXPECT_EQ(HumanBytes(1024), "1.00K");
  EXPECT_EQ(HumanBytes(941'408), "919.34K");
  EXPECT_EQ(HumanBytes(uint64_t{3} << 30), "3.00G");
}

TEST(MemoryTest, ThePeakIsNotBelowWhatIsUsed) {
  const MemoryFacts facts = ReadMemory();
  EXPECT_GT(facts.rss, 0u);
  EXPECT_GE(facts.peak_used, facts.used);
  EXPECT_LE(facts.startup, facts.used);
  EXPECT_FALSE(AllocatorName().empty());
}

TEST(ClockTest, TicksConvertBothWays) {
  const uint64_t ticks = UsToTicks(1'000'000);
  EXPECT_NEAR(static_cast<double>(TicksToUs(ticks)), 1e6, 10);
  EXPECT_LE(UsToTicks(UINT64_MAX / 2), UINT64_MAX);
}

TEST(CommandStatsTest, CountsCallsErrorsAndTimesOfEachCommand) {
  CommandStats stats(3);
  stats.Count(1, 100);
  stats.Count(1, 300);
  stats.CountRejected(2);
  stats.CountFailed(1);
  stats.CountError("ERR");
  stats.CountError("ERR");
  stats.CountError("WRONGTYPE");
  EXPECT_EQ(stats.command(1).calls, 2u);
  EXPECT_EQ(stats.command(1).ticks, 400u);
  EXPECT_EQ(stats.command(1).failed, 1u);
  EXPECT_EQ(stats.command(2).rejected, 1u);
  EXPECT_EQ(stats.command(0).latency, nullptr);
  EXPECT_EQ(stats.command(1).latency->count(), 2u);
  EXPECT_EQ(stats.errors().find("ERR")->second, 2u);
  stats.Reset();
  EXPECT_EQ(stats.command(1).calls, 0u);
  EXPECT_TRUE(stats.errors().empty());
  EXPECT_EQ(stats.size(), 3u);
}

TEST(CommandStatsTest, InventedErrorCodesAreBounded) {
  CommandStats stats(1);
  for (int i = 0; i < 1000; ++i) stats.CountError("E" + std::to_string(i));
  EXPECT_LE(stats.errors().size(), 128u);
  EXPECT_EQ(stats.counters().error_replies, 1000u);
}

TEST(CommandStatsTest, RatesFollowTheLastSamples) {
  CommandStats stats(1);
  uint64_t bytes = 0;
  for (int i = 0; i < 16; ++i) {
    for (int k = 0; k < 10; ++k) stats.Count(0, 1);
    stats.Sample(bytes += 1000, 0);
  }
  EXPECT_EQ(stats.rates().CommandsPerSecond(), 100u);
  EXPECT_EQ(stats.rates().BytesInPerSecond(), 10'000u);
  for (int i = 0; i < 16; ++i) stats.Sample(bytes, 0);
  EXPECT_EQ(stats.rates().CommandsPerSecond(), 0u);
}

}  // namespace
}  // namespace peal::broker
