#include "store/value/common_subsequence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace peal::store {
namespace {

/// The table of lengths, and the walk through it that Redis' documentation describes.
std::string ByTable(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> table(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      table[i][j] = a[i - 1] == b[j - 1] ? table[i - 1][j - 1] + 1
                                         : std::max(table[i - 1][j], table[i][j - 1]);
    }
  }
  std::string text;
  for (size_t i = a.size(), j = b.size(); i > 0 && j > 0;) {
    if (a[i - 1] == b[j - 1]) {
      text += a[--i];
      --j;
    } else if (table[i - 1][j] > table[i][j - 1]) {
      --i;
    } else {
      --j;
    }
  }
  std::reverse(text.begin(), text.end());
  return text;
}

TEST(CommonSubsequence, EqualsTheOneOfTheTable) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    const auto make = [&] {
      std::string text(random() % 200, '\0');
      const uint64_t letters = 1 + random() % 5;
      for (char& c : text) c = static_cast<char>('a' + random() % letters);
      return text;
    };
    const std::string a = make();
    const std::string b = make();
    const CommonSubsequence found = FindCommonSubsequence(a, b, true);
    ASSERT_EQ(found.text, ByTable(a, b)) << a << " " << b;
    ASSERT_EQ(found.length, found.text.size());
    ASSERT_EQ(FindCommonSubsequence(a, b, false).length, found.length);
    std::string from_runs;
    for (auto run = found.runs.rbegin(); run != found.runs.rend(); ++run) {
      ASSERT_EQ(a.substr(run->a_first, run->length()), b.substr(run->b_first, run->length()));
      ASSERT_EQ(run->b_last - run->b_first + 1, run->length());
      from_runs += a.substr(run->a_first, run->length());
    }
    ASSERT_EQ(from_runs, found.text);
  }
}

TEST(CommonSubsequence, OfNothingIsEmpty) {
  EXPECT_EQ(FindCommonSubsequence("", "abc", true).length, 0u);
  EXPECT_EQ(FindCommonSubsequence("abc", "", true).length, 0u);
  EXPECT_TRUE(FindCommonSubsequence("", "", true).runs.empty());
}

}  // namespace
}  // namespace peal::store
