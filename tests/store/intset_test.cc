#include "store/value/intset.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace peal::store {
namespace {

std::vector<int64_t> Values(const Intset& set) {
  std::vector<int64_t> out;
  for (size_t i = 0; i < set.size(); ++i) out.push_back(set.At(i));
  return out;
}

TEST(Intset, HasThePublicLayout) {
  Intset set;
  EXPECT_EQ(set.Block(), std::string("\2\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(set.MemoryBytes(), 0u);
  set.Insert(5);
  set.Insert(-2);
  EXPECT_EQ(set.Block(), std::string("\2\0\0\0\2\0\0\0\xfe\xff\5\0", 12));
  set.Insert(65536);
  EXPECT_EQ(set.Block(), std::string("\4\0\0\0\3\0\0\0\xfe\xff\xff\xff\5\0\0\0\0\0\1\0", 20));
  EXPECT_TRUE(set.Erase(65536));
  EXPECT_EQ(set.Block().size(), 16u) << "the width stays";
}

TEST(Intset, AgreesWithASetUnderRandomOperations) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (const int bits : {4, 9, 16, 20, 33, 64}) {
    Intset set;
    std::set<int64_t> model;
    for (int i = 0; i < 4'000; ++i) {
      const int64_t value = static_cast<int64_t>(random()) >> (64 - bits);
      if (random() % 5 < (i % 1'000 < 600 ? 3u : 1u)) {
        ASSERT_EQ(set.Insert(value), model.insert(value).second);
      } else {
        ASSERT_EQ(set.Erase(value), model.erase(value) == 1);
      }
      ASSERT_EQ(set.Contains(value), model.contains(value));
      ASSERT_EQ(set.size(), model.size());
    }
    EXPECT_EQ(Values(set), std::vector<int64_t>(model.begin(), model.end()));
    if (model.empty()) continue;
    const auto parsed = Intset::Parse(set.Block());
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->Block(), set.Block());
    const Intset copy(set);
    EXPECT_EQ(copy.Block(), set.Block());
    const Intset moved(std::move(set));
    EXPECT_EQ(moved.Block(), copy.Block());
  }
}

TEST(Intset, HoldsTheExtremes) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  Intset set;
  for (const int64_t value : {kMost, int64_t{0}, kLeast, int64_t{-32768}, int64_t{32767}}) {
    EXPECT_TRUE(set.Insert(value));
    EXPECT_FALSE(set.Insert(value));
  }
  EXPECT_EQ(Values(set), (std::vector<int64_t>{kLeast, -32768, 0, 32767, kMost}));
}

TEST(Intset, ParseRefusesWhatIsNotOne) {
  const auto block = [](uint32_t width, uint32_t size, std::vector<int16_t> values) {
    std::string out(8 + 2 * values.size(), '\0');
    std::memcpy(out.data(), &width, 4);
    std::memcpy(out.data() + 4, &size, 4);
    if (!values.empty()) std::memcpy(out.data() + 8, values.data(), 2 * values.size());
    return out;
  };
  EXPECT_TRUE(Intset::Parse(block(2, 2, {1, 2})).has_value());
  EXPECT_FALSE(Intset::Parse("").has_value());
  EXPECT_FALSE(Intset::Parse(block(2, 0, {})).has_value()) << "empty";
  EXPECT_FALSE(Intset::Parse(block(3, 2, {1, 2})).has_value()) << "width";
  EXPECT_FALSE(Intset::Parse(block(2, 3, {1, 2})).has_value()) << "too short";
  EXPECT_FALSE(Intset::Parse(block(2, 1, {1, 2})).has_value()) << "too long";
  EXPECT_FALSE(Intset::Parse(block(2, 2, {2, 1})).has_value()) << "not sorted";
  EXPECT_FALSE(Intset::Parse(block(2, 2, {1, 1})).has_value()) << "twice";
  EXPECT_FALSE(Intset::Parse(block(8, 0x40000000, {1, 2})).has_value()) << "far too many";
  EXPECT_FALSE(Intset::Parse(block(4, 0x80000001, {1, 2})).has_value()) << "overflow";
}

}  // namespace
}  // namespace peal::store
