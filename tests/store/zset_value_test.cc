#include "store/value/zset_value.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace peal::store {
namespace {

using Model = std::map<std::string, double>;
using Ranked = std::vector<std::pair<double, std::string>>;

Ranked Sorted(const Model& model) {
  Ranked ranked;
  for (const auto& [member, score] : model) ranked.emplace_back(score, member);
  std::sort(ranked.begin(), ranked.end());
  return ranked;
}

Ranked Content(const ZsetValue& zset) {
  Ranked content;
  zset.ForEach([&](std::string_view member, double score) { content.emplace_back(score, member); });
  return content;
}

ZsetAddResult Add(ZsetValue& zset, std::string_view member, double score,
                  const ZsetAddOptions& options = {}, const EncodingLimits& limits = {}) {
  return zset.Add(member, score, options, limits);
}

TEST(ZsetValue, BecomesLargeBeyondItsLimitsAndStaysSo) {
  EncodingLimits limits;
  limits.zset_max_listpack_entries = 3;
  limits.zset_max_listpack_value = 4;
  for (const bool by_length : {false, true}) {
    ZsetValue zset;
    for (int i = 0; i < 3; ++i) Add(zset, std::to_string(i), i, {}, limits);
    EXPECT_EQ(zset.EncodingName(), "listpack");
    Add(zset, "0", 7, {}, limits);
    EXPECT_EQ(zset.EncodingName(), "listpack");
    if (by_length) {
      EXPECT_TRUE(zset.Erase("1"));
    }
    Add(zset, by_length ? "abcde" : "3", 1.5, {}, limits);
    EXPECT_EQ(zset.EncodingName(), "skiplist");
    EXPECT_TRUE(zset.IsSound());
    while (zset.Count() != 0) zset.EraseRange({0, 1});
    EXPECT_EQ(zset.EncodingName(), "skiplist");
  }
  EXPECT_EQ(ZsetValue(1, 5, limits).EncodingName(), "skiplist");
  EXPECT_EQ(ZsetValue(4, 1, limits).EncodingName(), "skiplist");
  EXPECT_EQ(ZsetValue(3, 4, limits).EncodingName(), "listpack");
}

TEST(ZsetValue, KeepsEveryScoreExactly) {
  for (const double score :
       {0.0, 1.0, -1.0, 0.1, -2.5e-300, 1e17, 4503599627370495.0, 4503599627370497.0,
        9007199254740993.0, 1e308, 5e-324, double{INFINITY}, -double{INFINITY}, 1.0 / 3}) {
    ZsetValue zset;
    Add(zset, "m", score);
    EXPECT_EQ(zset.EncodingName(), "listpack");
    EXPECT_EQ(zset.Score("m"), score);
  }
}

TEST(ZsetValue, AddObeysItsOptions) {
  ZsetValue zset;
  double score = 1;
  EXPECT_EQ(zset.Add("a", score, {.only_existing = true}, {}), ZsetAddResult::kRefused);
  EXPECT_EQ(zset.Add("a", score, {.only_greater = true}, {}), ZsetAddResult::kAdded);
  EXPECT_EQ(zset.Add("a", score, {}, {}), ZsetAddResult::kSame);
  EXPECT_EQ(zset.Add("a", score, {.only_new = true}, {}), ZsetAddResult::kRefused);
  EXPECT_EQ(zset.Add("a", score, {.only_greater = true}, {}), ZsetAddResult::kRefused);
  EXPECT_EQ(zset.Add("a", score, {.increments = true}, {}), ZsetAddResult::kUpdated);
  EXPECT_EQ(score, 2);
  score = -INFINITY;
  EXPECT_EQ(zset.Add("a", score, {.only_less = true}, {}), ZsetAddResult::kUpdated);
  score = INFINITY;
  EXPECT_EQ(zset.Add("a", score, {.increments = true}, {}), ZsetAddResult::kNan);
  EXPECT_EQ(zset.Score("a"), -INFINITY);
}

TEST(ZsetValue, AgreesWithAMapUnderRandomChanges) {
  for (const uint64_t most_small : {uint64_t{0}, uint64_t{20}, uint64_t{1000}}) {
    SCOPED_TRACE(most_small);
    EncodingLimits limits;
    limits.zset_max_listpack_entries = most_small;
    std::mt19937 random(static_cast<unsigned>(most_small));
    ZsetValue zset;
    Model model;
    for (int step = 0; step < 6'000; ++step) {
      const std::string member =
          random() % 2 == 0 ? std::to_string(random() % 200) : "m" + std::to_string(random() % 200);
      const double score = static_cast<double>(random() % 40) / 4 - 5;
      switch (random() % 8) {
        case 0:
        case 1:
          EXPECT_EQ(zset.Erase(member), model.erase(member) == 1);
          break;
        case 2: {
          if (model.empty() || random() % 8 != 0) break;
          const size_t first = random() % model.size();
          const size_t last = std::min(model.size(), first + random() % 9);
          const Ranked ranked = Sorted(model);
          zset.EraseRange({first, last});
          for (size_t i = first; i < last; ++i) model.erase(ranked[i].second);
          break;
        }
        default:
          Add(zset, member, score, {}, limits);
          model[member] = score;
      }
      ASSERT_EQ(zset.Count(), model.size());
      if (step % 50 != 0) continue;
      ASSERT_TRUE(zset.IsSound());
      const Ranked ranked = Sorted(model);
      ASSERT_EQ(Content(zset), ranked);
      const auto copy = zset.Clone();
      ASSERT_EQ(Content(static_cast<const ZsetValue&>(*copy)), ranked);
      for (size_t i = 0; i < ranked.size(); i += 7) {
        const auto place = zset.Rank(ranked[i].second);
        ASSERT_TRUE(place);
        EXPECT_EQ(place->rank, i);
        EXPECT_EQ(place->score, ranked[i].first);
        ZsetValue::Cursor at = zset.At(i);
        EXPECT_EQ(at.member(), ranked[i].second);
        at.Previous();
        EXPECT_EQ(at.valid(), i != 0);
      }
      EXPECT_FALSE(zset.At(ranked.size()).valid());
      ScoreRange range;
      range.min = static_cast<double>(random() % 40) / 4 - 5;
      range.max = static_cast<double>(random() % 40) / 4 - 5;
      range.excludes_min = random() % 2 == 0;
      range.excludes_max = random() % 2 == 0;
      size_t inside = 0;
      for (const auto& [each, ignored] : ranked) {
        inside += range.ReachesMin(each) && range.KeepsToMax(each) ? 1 : 0;
      }
      const RankRange found = zset.Find(range);
      EXPECT_EQ(found.size(), inside);
      if (inside != 0) {
        EXPECT_TRUE(range.ReachesMin(ranked[found.first].first));
      }
      std::set<std::string> scanned;
      uint64_t position = 0;
      do {
        position =
            zset.Scan(position, 10, [&](std::string_view each, double) { scanned.emplace(each); });
      } while (position != 0);
      EXPECT_EQ(scanned.size(), model.size());
    }
  }
}

TEST(ZsetValue, FindsRangesOfOctetsInBothEncodings) {
  for (const uint64_t most_small : {uint64_t{0}, uint64_t{100}}) {
    EncodingLimits limits;
    limits.zset_max_listpack_entries = most_small;
    ZsetValue zset;
    for (const char* const member : {"a", "b", "bb", "c", "10"}) Add(zset, member, 0, {}, limits);
    const auto bytes = [](std::string_view text, bool is_exclusive) {
      return LexBound{LexBound::Kind::kBytes, is_exclusive, text};
    };
    const LexBound lowest{LexBound::Kind::kLowest, false, {}};
    const LexBound highest{LexBound::Kind::kHighest, false, {}};
    const auto find = [&](const LexBound& min, const LexBound& max) {
      const RankRange forwards = zset.Find(LexRange{min, max});
      const RankRange backwards = zset.Find(LexRange{min, max}, true);
      EXPECT_EQ(forwards.size(), backwards.size());
      if (!forwards.empty()) {
        EXPECT_EQ(forwards.first, backwards.first);
      }
      return std::pair(forwards.empty() ? 0 : forwards.first, forwards.size());
    };
    using Found = std::pair<size_t, size_t>;
    EXPECT_EQ(find(lowest, highest), Found(0, 5));
    EXPECT_EQ(find(bytes("b", false), bytes("c", true)), Found(2, 2));
    EXPECT_EQ(find(bytes("b", true), highest), Found(3, 2));
    EXPECT_EQ(find(lowest, bytes("a", false)), Found(0, 2));
    EXPECT_EQ(find(bytes("c", true), bytes("c", false)), Found(0, 0));
    EXPECT_EQ(find(bytes("d", false), highest), Found(0, 0));
    EXPECT_EQ(find(highest, lowest), Found(0, 0));
    EXPECT_EQ(find(lowest, bytes("", false)), Found(0, 0));
  }
}

}  // namespace
}  // namespace peal::store
