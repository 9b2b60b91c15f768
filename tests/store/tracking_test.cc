// Who has read which keys: what is new is counted once, taking forgets, sweeping lets go of the
// dead.

#include "store/keyspace/tracking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "store/keyspace/hash.h"

namespace peal::store {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TrackingTable::Counts Add(TrackingTable& table, std::string_view key, uint64_t id) {
  return table.Add(key, HashKey(key), id);
}

std::vector<uint64_t> Take(TrackingTable& table, std::string_view key) {
  std::vector<uint64_t> ids;
  const bool was_there = table.Take(key, HashKey(key), ids);
  EXPECT_EQ(was_there, !ids.empty());
  return ids;
}

TEST(ReaderSet, HoldsEachIdOnceWhateverTheirNumber) {
  ReaderSet set;
  std::set<uint64_t> expected;
  for (uint64_t round = 0; round < 2; ++round) {
    for (uint64_t id = 64; id < 64 * 1000; id += 64) {
      EXPECT_EQ(set.Add(id), round == 0) << id;
      expected.insert(id);
    }
  }
  std::vector<uint64_t> ids;
  set.AppendTo(ids);
  EXPECT_EQ(set.size(), expected.size());
  EXPECT_EQ(std::set<uint64_t>(ids.begin(), ids.end()), expected);
  EXPECT_EQ(ids.size(), expected.size());
}

TEST(ReaderSet, LetsGoOfTheDead) {
  ReaderSet set;
  for (uint64_t id = 1; id <= 100; ++id) set.Add(id);
  EXPECT_EQ(set.RemoveDead([](uint64_t id) { return id == 7; }), 99u);
  std::vector<uint64_t> ids;
  set.AppendTo(ids);
  EXPECT_THAT(ids, UnorderedElementsAre(7));
  EXPECT_EQ(set.RemoveDead([](uint64_t) { return false; }), 1u);
  EXPECT_EQ(set.size(), 0u);
  EXPECT_TRUE(set.Add(7));
}

TEST(TrackingTable, CountsWhatIsNew) {
  TrackingTable table;
  const TrackingTable::Counts first = Add(table, "k", 1);
  EXPECT_EQ(first.keys, 1u);
  EXPECT_EQ(first.ids, 1u);
  const TrackingTable::Counts again = Add(table, "k", 1);
  EXPECT_EQ(again.keys, 0u);
  EXPECT_EQ(again.ids, 0u);
  const TrackingTable::Counts other = Add(table, "k", 2);
  EXPECT_EQ(other.keys, 0u);
  EXPECT_EQ(other.ids, 1u);
}

TEST(TrackingTable, TakingForgetsTheKey) {
  TrackingTable table;
  Add(table, "k", 1);
  Add(table, "k", 2);
  Add(table, std::string_view("\0", 1), 3);
  EXPECT_THAT(Take(table, "k"), UnorderedElementsAre(1, 2));
  EXPECT_THAT(Take(table, "k"), IsEmpty());
  EXPECT_THAT(Take(table, ""), IsEmpty());
  EXPECT_THAT(Take(table, std::string_view("\0", 1)), UnorderedElementsAre(3));
  EXPECT_TRUE(table.empty());
}

TEST(TrackingTable, AnyKeyIsTakenUntilNoneIsLeft) {
  TrackingTable table;
  std::set<std::string> left;
  for (int i = 0; i < 500; ++i) {
    left.insert("key" + std::to_string(i));
    Add(table, "key" + std::to_string(i), 1);
  }
  uint64_t random = 1;
  while (!table.empty()) {
    std::string key;
    std::vector<uint64_t> ids;
    table.TakeAny(random = random * 6364136223846793005u + 1442695040888963407u, key, ids);
    EXPECT_EQ(left.erase(key), 1u) << key;
    EXPECT_THAT(ids, UnorderedElementsAre(1));
  }
  EXPECT_THAT(left, IsEmpty());
}

TEST(TrackingTable, SweepingInSlicesLetsGoOfTheDead) {
  TrackingTable table;
  for (int i = 0; i < 1000; ++i) {
    Add(table, "key" + std::to_string(i), 1);
    if (i % 2 == 0) Add(table, "key" + std::to_string(i), 2);
  }
  TrackingTable::Counts gone;
  size_t slices = 0;
  for (size_t position = 0;; ++slices) {
    size_t steps = 10;
    position = table.Sweep(position, steps, [](uint64_t id) { return id == 2; }, gone);
    EXPECT_TRUE(steps == 0 || position == 0);
    if (position == 0) break;
  }
  EXPECT_GT(slices, 10u);
  EXPECT_EQ(gone.keys, 500u);
  EXPECT_EQ(gone.ids, 1000u);
  EXPECT_EQ(table.size(), 500u);
  EXPECT_THAT(Take(table, "key0"), UnorderedElementsAre(2));
  EXPECT_THAT(Take(table, "key1"), IsEmpty());
}

}  // namespace
}  // namespace peal::store
