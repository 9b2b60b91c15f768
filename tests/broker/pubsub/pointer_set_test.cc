#include "broker/pubsub/pointer_set.h"

#include <gtest/gtest.h>

#include <random>
#include <unordered_set>
#include <vector>

namespace peal::broker {
namespace {

int* Fake(uint64_t number) { return reinterpret_cast<int*>(0x100000 + number * 16); }

TEST(PointerSet, TellsWhetherAMemberIsNew) {
  PointerSet<int> set;
  EXPECT_FALSE(set.Contains(Fake(1)));
  EXPECT_TRUE(set.Add(Fake(1)));
  EXPECT_FALSE(set.Add(Fake(1)));
  EXPECT_EQ(set.size(), 1u);
  EXPECT_TRUE(set.Remove(Fake(1)));
  EXPECT_FALSE(set.Remove(Fake(1)));
  EXPECT_EQ(set.MemoryBytes(), 0u);
}

// Sizes around every change of shape: none, one table, split into parts.
TEST(PointerSet, BehavesAsASetWhateverItsSize) {
  constexpr uint32_t kSeed = 20261121;
  SCOPED_TRACE(kSeed);
  std::mt19937_64 random(kSeed);
  for (const uint64_t range : {3u, 40u, 1000u, 30000u}) {
    PointerSet<int> set;
    std::unordered_set<int*> model;
    for (int step = 0; step < 120'000; ++step) {
      int* member = Fake(random() % range);
      // Phases of growing and of shrinking, so that every threshold is crossed both ways.
      const bool grow = (step / 20'000) % 2 == 0;
      if (random() % 10 < (grow ? 7u : 3u)) {
        ASSERT_EQ(set.Add(member), model.insert(member).second);
      } else {
        ASSERT_EQ(set.Remove(member), model.erase(member) == 1);
      }
      ASSERT_EQ(set.size(), model.size());
    }
    for (uint64_t i = 0; i < range; ++i) {
      ASSERT_EQ(set.Contains(Fake(i)), model.count(Fake(i)) == 1);
    }
    std::unordered_set<int*> visited;
    set.ForEach([&](int* member) { EXPECT_TRUE(visited.insert(member).second); });
    EXPECT_EQ(visited, model);
  }
}

TEST(PointerSet, GivesAllMembersOneByOne) {
  for (const uint64_t count : {1u, 7u, 500u, 100'000u}) {
    PointerSet<int> set;
    for (uint64_t i = 0; i < count; ++i) set.Add(Fake(i));
    uint64_t hint = 0;
    uint64_t taken = 0;
    while (int* member = set.Any(hint)) {
      ASSERT_TRUE(set.Remove(member));
      ++taken;
    }
    EXPECT_EQ(taken, count);
    EXPECT_EQ(set.MemoryBytes(), 0u);
  }
}

TEST(PointerSet, TakesFewBytesForEachOfManyMembers) {
  PointerSet<int> set;
  for (uint64_t i = 0; i < 100'000; ++i) set.Add(Fake(i * 3));
  EXPECT_LT(set.MemoryBytes(), 100'000 * 16u);
}

}  // namespace
}  // namespace peal::broker
