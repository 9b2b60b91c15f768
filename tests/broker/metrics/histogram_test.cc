#include "broker/metrics/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace peal::broker {
namespace {

TEST(HistogramTest, AnEmptyOneHasNoPercentiles) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.Percentile(0.5), 0u);
  EXPECT_EQ(histogram.CountUpTo(1'000'000), 0u);
}

TEST(HistogramTest, PercentilesAreAtMostAnEighthAboveTheSortedValues) {
  const uint64_t seed = 20261121;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  Histogram histogram;
  std::vector<uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t value = random() >> (random() % 50 + 10);
    values.push_back(value);
    histogram.Add(value);
  }
  std::sort(values.begin(), values.end());
  for (const double share : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999}) {
    const uint64_t exact = values[static_cast<size_t>(share * static_cast<double>(values.size()))];
    const uint64_t told = histogram.Percentile(share);
    EXPECT_GE(told, exact) << share;
    EXPECT_LE(told, exact + exact / 8 + 1) << share;
  }
  EXPECT_EQ(histogram.Percentile(1.0) >= values.back(), true);
}

TEST(HistogramTest, CountsUpToABoundGrowWithTheBound) {
  Histogram histogram;
  for (uint64_t value = 1; value <= 4096; ++value) histogram.Add(value);
  uint64_t before = 0;
  for (uint64_t bound = 1; bound <= 8192; bound *= 2) {
    const uint64_t count = histogram.CountUpTo(bound);
    EXPECT_GE(count, before);
    EXPECT_LE(count, bound);
    before = count;
  }
  EXPECT_EQ(before, 4096u);
}

TEST(HistogramTest, MergingAddsUp) {
  Histogram a;
  Histogram b;
  a.Add(10);
  b.Add(1000);
  b.Add(1000);
  a.Merge(b);
  EXPECT_EQ(a.count(), 3u);
  EXPECT_GE(a.Percentile(0.9), 1000u);
}

TEST(HistogramTest, TheLargestValueHasABucket) {
  Histogram histogram;
  histogram.Add(UINT64_MAX);
  EXPECT_EQ(histogram.count(), 1u);
  EXPECT_EQ(histogram.Percentile(1), UINT64_MAX);
}

}  // namespace
}  // namespace peal::broker
