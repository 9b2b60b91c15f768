#include "store/value/member_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <unordered_set>

#include "store/keyspace/hash.h"
#include "store/value/member.h"

namespace peal::store {
namespace {

using SetTable = MemberTable<Member>;

uint64_t Seed() {
  static const uint64_t seed = std::random_device()();
  return seed;
}

std::string Name(uint64_t i) { return "member:" + std::to_string(i); }

uint64_t PoorHash(std::string_view key) { return HashKey(key) % 7; }
uint64_t SameHash(std::string_view) { return ~uint64_t{0}; }
/// Full buckets at the end of the array, so that runs wrap around to its start.
uint64_t HighHash(std::string_view key) { return HashKey(key) | (uint64_t{0xff} << 56); }

class MemberTableByHash : public ::testing::TestWithParam<SetTable::HashFunction> {};

TEST_P(MemberTableByHash, AgreesWithAnUnorderedSetUnderRandomOperations) {
  SCOPED_TRACE("seed " + std::to_string(Seed()));
  std::mt19937_64 random(Seed());
  SetTable table(GetParam());
  std::unordered_set<std::string> model;
  const bool is_real = GetParam() == HashKey;
  const int rounds = is_real ? 400'000 : 6'000;
  const uint64_t names = is_real ? 60'000 : 600;
  size_t node_bytes = 0;
  for (int i = 0; i < rounds; ++i) {
    // Phases of growing and of shrinking.
    const bool is_growing = (i / (rounds / 8)) % 2 == 0;
    const std::string member = Name(random() % names);
    ASSERT_EQ(table.Contains(member), model.contains(member));
    if (random() % 4 < (is_growing ? 3u : 1u)) {
      Member* node = Member::New(member);
      if (Member* before = table.Find(member); before != nullptr) {
        table.Replace(before, node);
        Member::Destroy(before);
      } else {
        table.Insert(node);
        node_bytes += node->AllocationBytes();
      }
      model.insert(member);
    } else {
      Member* node = table.Erase(member);
      ASSERT_EQ(node != nullptr, model.erase(member) == 1);
      if (node != nullptr) {
        node_bytes -= node->AllocationBytes();
        Member::Destroy(node);
      }
    }
    ASSERT_EQ(table.size(), model.size());
  }
  size_t seen = 0;
  table.ForEach([&](Member* node) {
    ++seen;
    EXPECT_TRUE(model.contains(std::string(node->View())));
  });
  EXPECT_EQ(seen, model.size());
  EXPECT_GE(table.MemoryBytes(), node_bytes);
  EXPECT_LE(table.MemoryBytes(), node_bytes + 64 + seen * 40);
  table.Clear();
  EXPECT_EQ(table.MemoryBytes(), 0u);
}

TEST_P(MemberTableByHash, ScanPassesEveryMemberPresentThroughoutWhateverElseHappens) {
  SCOPED_TRACE("seed " + std::to_string(Seed()));
  std::mt19937_64 random(Seed() + 1);
  const bool is_real = GetParam() == HashKey;
  for (int round = 0; round < (is_real ? 60 : 12); ++round) {
    SetTable table(GetParam());
    const auto insert = [&](const std::string& member) { table.Insert(Member::New(member)); };
    const size_t stable = random() % (is_real ? 2'000 : 200);
    for (size_t i = 0; i < stable; ++i) insert("stable:" + std::to_string(i));
    // The largest have mapped arrays, unmapped along.
    size_t noise = random() % (is_real ? (round % 10 == 0 ? 40'000 : 4'000) : 100);
    for (size_t i = 0; i < noise; ++i) insert(Name(i));

    std::set<std::string> seen;
    uint64_t position = 0;
    uint64_t steps = 0;
    do {
      const uint64_t next = table.Scan(position, 1 + random() % 20,
                                       [&](Member* node) { seen.emplace(node->View()); });
      ASSERT_GT(next, position);
      position = next;
      ASSERT_LT(++steps, 200'000u);
      // Bursts of growth and of shrinkage between two steps.
      const bool is_growing = random() % 2 == 0;
      for (uint64_t burst = random() % (is_real ? 60 : 8); burst > 0; --burst) {
        if (is_growing) {
          insert(Name(noise++));
        } else if (noise > 0) {
          Member::Destroy(table.Erase(Name(--noise)));
        }
      }
    } while (position != SetTable::kScanEnd && steps < (is_real ? 100'000u : 5'000u));
    ASSERT_EQ(position, SetTable::kScanEnd);
    for (size_t i = 0; i < stable; ++i) {
      ASSERT_TRUE(seen.contains("stable:" + std::to_string(i))) << "round " << round;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Hashes, MemberTableByHash,
                         ::testing::Values(HashKey, PoorHash, SameHash, HighHash));

TEST(MemberTable, ScanTakesAnyPositionAndStopsAfterTheCount) {
  SetTable table;
  for (uint64_t i = 0; i < 1'000; ++i) table.Insert(Member::New(Name(i)));
  size_t passed = 0;
  const auto count = [&](Member*) { ++passed; };
  EXPECT_EQ(table.Scan(UINT64_MAX, 10, count), SetTable::kScanEnd);
  EXPECT_EQ(table.Scan(SetTable::kScanEnd, 10, count), SetTable::kScanEnd);
  EXPECT_EQ(passed, 0u);
  table.Scan(12'345, 10, count);
  EXPECT_GE(passed, 10u);
  EXPECT_LE(passed, 10u + 40u);
  passed = 0;
  EXPECT_EQ(table.Scan(0, SIZE_MAX, count), SetTable::kScanEnd);
  EXPECT_EQ(passed, 1'000u);
}

TEST(MemberTable, StaysWithinElevenBytesAMemberBesidesTheNodes) {
  SetTable table;
  double sum = 0;
  int samples = 0;
  size_t node_bytes = 0;
  for (uint64_t i = 0; i < 300'000; ++i) {
    Member* node = Member::New(Name(i));
    node_bytes += node->AllocationBytes();
    table.Insert(node);
    if (i > 1'000 && i % 1'000 == 0) {
      const double per_member =
          static_cast<double>(table.MemoryBytes() - node_bytes) / static_cast<double>(i + 1);
      EXPECT_LT(per_member, 20) << i;  // both arrays while they move
      sum += per_member;
      ++samples;
    }
  }
  EXPECT_LT(sum / samples, 11);
  EXPECT_EQ(table.Find(Name(1))->AllocationBytes(), 16u);  // length, "member:1"
}

TEST(MemberTable, GivesMemoryBackWhenItShrinks) {
  SetTable table;
  for (uint64_t i = 0; i < 100'000; ++i) table.Insert(Member::New(Name(i)));
  for (uint64_t i = 0; i < 99'990; ++i) Member::Destroy(table.Erase(Name(i)));
  table.ContinueMigration(SIZE_MAX);
  EXPECT_LE(table.MemoryBytes(), 1'024u);
  for (uint64_t i = 99'990; i < 100'000; ++i) EXPECT_TRUE(table.Contains(Name(i)));
}

TEST(MemberTable, RandomNodeReachesAllMembersAboutEquallyOften) {
  SCOPED_TRACE("seed " + std::to_string(Seed()));
  std::mt19937_64 random(Seed() + 2);
  SetTable table;
  EXPECT_EQ(table.RandomNode(random), nullptr);
  for (uint64_t i = 0; i < 100; ++i) table.Insert(Member::New(Name(i)));
  std::map<std::string, int> hits;
  for (int i = 0; i < 100'000; ++i) ++hits[std::string(table.RandomNode(random)->View())];
  EXPECT_EQ(hits.size(), 100u);
  for (const auto& [member, count] : hits) {
    EXPECT_GT(count, 700) << member;
    EXPECT_LT(count, 1'350) << member;
  }
}

TEST(Member, HoldsBytesOfAnyLength) {
  for (const size_t size : {0, 1, 7, 127, 128, 129, 255, 256, 16'383, 16'384, 3'000'000}) {
    const std::string bytes(size, '\xff');
    Member* member = Member::New(bytes);
    EXPECT_EQ(member->View(), bytes);
    EXPECT_GT(member->AllocationBytes(), size);
    EXPECT_LT(member->AllocationBytes(), size + 12);
    Member::Destroy(member);
  }
}

}  // namespace
}  // namespace peal::store
