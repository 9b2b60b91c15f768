#include "broker/keyspace/usage.h"

#include <gtest/gtest.h>

namespace peal::broker {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;
constexpr int64_t kMinute = 60'000;

TEST(KeyUsage, IdleTimeCountsSecondsAcrossTheWrapOfTheClock) {
  EXPECT_EQ(IdleSeconds(LruClock(kNow), kNow + 7999), 7u);
  const int64_t before_wrap = ((int64_t{1} << 24) - 1) * 1000;
  EXPECT_EQ(IdleSeconds(LruClock(before_wrap), before_wrap + 3000), 3u);
}

TEST(KeyUsage, FrequencyGrowsLogarithmicallyAndDecaysByMinutes) {
  const Config config;
  uint32_t use = NoteFrequency(0, kNow, config);
  EXPECT_EQ(FrequencyOf(use, kNow, config), 5u) << "a new key starts above the least used";
  for (int i = 0; i < 100'000; ++i) use = NoteFrequency(use, kNow, config);
  const uint32_t often = FrequencyOf(use, kNow, config);
  EXPECT_GT(often, 60u);
  EXPECT_LT(often, 255u);
  EXPECT_EQ(FrequencyOf(use, kNow + 10 * kMinute, config), often - 10);
  EXPECT_EQ(FrequencyOf(use, kNow + 1000 * kMinute, config), 0u);
}

TEST(KeyUsage, FrequencyStaysWithDecayTurnedOff) {
  Config config;
  config.lfu_decay_time_min = 0;
  const uint32_t use = NoteFrequency(0, kNow, config);
  EXPECT_EQ(FrequencyOf(use, kNow + 1000 * kMinute, config), 5u);
}

}  // namespace
}  // namespace peal::broker
