#include "store/value/time_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>

namespace peal::store {
namespace {

TEST(TimeIndex, KnowsTheEarliestNameThroughAnyChanges) {
  std::mt19937_64 random(7);
  TimeIndex index;
  std::map<std::string, int64_t> model;
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = "name" + std::to_string(random() % 300);
    if (random() % 3 == 0) {
      EXPECT_EQ(index.Remove(name), model.erase(name) == 1);
    } else {
      const auto at_ms = static_cast<int64_t>(random() % 1000);
      index.Set(name, at_ms);
      model[name] = at_ms;
    }
    ASSERT_EQ(index.size(), model.size());
    ASSERT_EQ(index.TimeOf(name), model.contains(name) ? model[name] : TimeIndex::kNever);
    if (model.empty()) {
      ASSERT_EQ(index.FirstTime(), TimeIndex::kNever);
      continue;
    }
    const auto earliest = std::min_element(model.begin(), model.end(),
                                           [](auto& a, auto& b) { return a.second < b.second; });
    ASSERT_EQ(index.FirstTime(), earliest->second);
    ASSERT_EQ(model[std::string(index.FirstName())], earliest->second);
  }
  const auto before_500 = std::count_if(model.begin(), model.end(),
                                        [](const auto& entry) { return entry.second < 500; });
  EXPECT_EQ(index.CountBefore(500), static_cast<size_t>(before_500));

  const TimeIndex copy(index);
  EXPECT_EQ(copy.size(), model.size());
  for (const auto& [name, at_ms] : model) EXPECT_EQ(copy.TimeOf(name), at_ms);
}

TEST(TimeIndex, TakesAnyBytesAsAName) {
  TimeIndex index;
  index.Set("", 5);
  index.Set(std::string_view("a\0b", 3), 4);
  EXPECT_EQ(index.FirstName(), std::string_view("a\0b", 3));
  EXPECT_TRUE(index.Remove(std::string_view("a\0b", 3)));
  EXPECT_EQ(index.FirstName(), "");
  EXPECT_TRUE(index.Remove(""));
  EXPECT_TRUE(index.empty());
}

}  // namespace
}  // namespace peal::store
