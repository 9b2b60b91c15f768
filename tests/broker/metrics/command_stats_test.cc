#include "broker/metrics/command_stats.h"

#include <gtest/gtest.h>

namespace peal::broker {
namespace {

TEST(CommandStatsTest, KeepsNoLatenciesWhileTrackingIsOff) {
  CommandStats stats(1);
  stats.set_tracks_latency(false);
  stats.Count(0, 5);
  EXPECT_EQ(stats.command(0).calls, 1u);
  EXPECT_EQ(stats.command(0).latency, nullptr);
  stats.set_tracks_latency(true);
  stats.Count(0, 5);
  ASSERT_NE(stats.command(0).latency, nullptr);
  EXPECT_EQ(stats.command(0).latency->count(), 1u);
}

TEST(CommandStatsTest, ResettingForgetsCallsAndErrors) {
  CommandStats stats(2);
  stats.Count(1, 5);
  stats.CountError("ERR");
  stats.Reset();
  EXPECT_EQ(stats.TotalCalls(), 0u);
  EXPECT_TRUE(stats.errors().empty());
  EXPECT_EQ(stats.counters().error_replies, 0u);
}

TEST(RatesTest, ATotalThatWasResetIsNoNegativeRate) {
  Rates rates;
  rates.Sample(1'600, 0, 0);
  rates.Sample(0, 0, 0);
  EXPECT_EQ(rates.CommandsPerSecond(), 1'000u);
}

}  // namespace
}  // namespace peal::broker
