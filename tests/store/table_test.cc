#include "store/keyspace/table.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/keyspace/hash.h"

namespace peal::store {
namespace {

uint64_t Seed() {
  static const uint64_t seed = std::random_device()();
  return seed;
}

std::string Name(uint64_t i) { return "key:" + std::to_string(i); }

/// Twenty keys at most share a hash; the rest differ in the lowest bits only.
uint64_t PoorHash(std::string_view key) { return HashKey(key) % 7; }
uint64_t SameHash(std::string_view) { return ~uint64_t{0}; }

class TableByHash : public ::testing::TestWithParam<Table::HashFunction> {
 protected:
  uint64_t Hash(std::string_view key) const { return GetParam()(key); }
};

TEST_P(TableByHash, AgreesWithAnUnorderedMapUnderRandomOperations) {
  SCOPED_TRACE("seed " + std::to_string(Seed()));
  std::mt19937_64 random(Seed());
  Table table(GetParam());
  std::unordered_map<std::string, int64_t> model;
  Garbage garbage;
  const int rounds = GetParam() == HashKey ? 200'000 : 6'000;
  const uint64_t names = GetParam() == HashKey ? 20'000 : 600;
  for (int i = 0; i < rounds; ++i) {
    // Phases of growing and of shrinking.
    const bool is_growing = (i / (rounds / 8)) % 2 == 0;
    const std::string key = Name(random() % names);
    const uint64_t hash = Hash(key);
    Entry* found = table.Find(key, hash);
    const auto expected = model.find(key);
    ASSERT_EQ(found != nullptr, expected != model.end());
    if (found != nullptr) {
      ASSERT_EQ(found->int_value(), expected->second);
    }
    if (random() % 4 < (is_growing ? 3u : 1u)) {
      const int64_t value = static_cast<int64_t>(random());
      Entry* entry = Entry::NewInt(key, value, random() % 2 ? 1 : Entry::kNoExpiry);
      if (found == nullptr) {
        table.Insert(entry, hash, garbage);
      } else {
        table.Replace(found, entry, hash);
        garbage.Add(found);
      }
      model[key] = value;
    } else {
      Entry* erased = table.Erase(key, hash, garbage);
      ASSERT_EQ(erased != nullptr, expected != model.end());
      if (erased != nullptr) garbage.Add(erased);
      model.erase(key);
    }
    ASSERT_EQ(table.size(), model.size());
    if (i % 64 == 0) garbage.Drop();
  }
  size_t seen = 0;
  table.ForEach([&](Entry* entry) {
    ++seen;
    EXPECT_TRUE(model.contains(std::string(entry->key())));
  });
  EXPECT_EQ(seen, model.size());
}

TEST_P(TableByHash, ScanPassesEveryKeyPresentThroughoutWhateverElseHappens) {
  SCOPED_TRACE("seed " + std::to_string(Seed()));
  std::mt19937_64 random(Seed() + 1);
  const bool is_real = GetParam() == HashKey;
  for (int round = 0; round < (is_real ? 60 : 12); ++round) {
    Table table(GetParam());
    Garbage garbage;
    const auto insert = [&](const std::string& key) {
      table.Insert(Entry::NewInt(key, 0, Entry::kNoExpiry), Hash(key), garbage);
    };
    const size_t stable = random() % (is_real ? 2'000 : 200);
    for (size_t i = 0; i < stable; ++i) insert("stable:" + std::to_string(i));
    size_t noise = random() % (is_real ? 4'000 : 100);
    for (size_t i = 0; i < noise; ++i) insert(Name(i));

    std::set<std::string> seen;
    uint64_t position = 0;
    uint64_t steps = 0;
    do {
      const uint64_t next = table.Scan(position, [&](Entry* entry) { seen.emplace(entry->key()); });
      ASSERT_GT(next, position);
      position = next;
      ASSERT_LT(++steps, 200'000u);
      // Bursts of growth and of shrinkage between two steps.
      const bool is_growing = random() % 2 == 0;
      for (uint64_t burst = random() % (is_real ? 60 : 8); burst > 0; --burst) {
        if (is_growing) {
          insert(Name(noise++));
        } else if (noise > 0) {
          const std::string key = Name(--noise);
          garbage.Add(table.Erase(key, Hash(key), garbage));
        }
      }
    } while (position != Table::kScanEnd && steps < (is_real ? 100'000u : 5'000u));
    ASSERT_EQ(position, Table::kScanEnd);
    for (size_t i = 0; i < stable; ++i) {
      ASSERT_TRUE(seen.contains("stable:" + std::to_string(i))) << "round " << round;
    }
  }
}

TEST_P(TableByHash, ScanOfAnUnchangedTablePassesEachKeyAboutOnce) {
  Table table(GetParam());
  Garbage garbage;
  for (uint64_t i = 0; i < 500; ++i) {
    table.Insert(Entry::NewInt(Name(i), 0, i % 5 == 0 ? 1 : Entry::kNoExpiry), Hash(Name(i)),
                 garbage);
  }
  size_t passed = 0;
  size_t with_expiry = 0;
  for (uint64_t at = 0; at != Table::kScanEnd;) at = table.Scan(at, [&](Entry*) { ++passed; });
  for (uint64_t at = 0; at != Table::kScanEnd;) {
    at = table.ScanVolatile(at, [&](Entry* entry) {
      ++with_expiry;
      EXPECT_TRUE(entry->has_expiry());
    });
  }
  EXPECT_EQ(passed, 500u);
  EXPECT_EQ(with_expiry, 100u);
}

INSTANTIATE_TEST_SUITE_P(Hashes, TableByHash, ::testing::Values(HashKey, PoorHash, SameHash));

TEST(Table, StaysWithinElevenBytesAKeyWhateverItsSize) {
  Table table;
  Garbage garbage;
  double sum = 0;
  int samples = 0;
  for (uint64_t i = 0; i < 300'000; ++i) {
    table.Insert(Entry::NewInt(Name(i), 0, Entry::kNoExpiry), HashKey(Name(i)), garbage);
    if (i > 1'000 && i % 1'000 == 0 && !table.IsMigrating()) {
      const double per_key = static_cast<double>(table.MemoryBytes()) / static_cast<double>(i + 1);
      EXPECT_LT(per_key, 11) << i;
      sum += per_key;
      ++samples;
    }
    if (i % 1'000 == 0) garbage.Drop();
  }
  EXPECT_LT(sum / samples, 9);
}

TEST(Table, GivesMemoryBackWhenItShrinks) {
  Table table;
  Garbage garbage;
  for (uint64_t i = 0; i < 50'000; ++i) {
    table.Insert(Entry::NewInt(Name(i), 0, Entry::kNoExpiry), HashKey(Name(i)), garbage);
  }
  for (uint64_t i = 0; i < 49'990; ++i) {
    garbage.Add(table.Erase(Name(i), HashKey(Name(i)), garbage));
  }
  table.ContinueMigration(SIZE_MAX, garbage);
  EXPECT_LE(table.MemoryBytes(), 1'024u);
  for (uint64_t i = 49'990; i < 50'000; ++i)
    EXPECT_NE(table.Find(Name(i), HashKey(Name(i))), nullptr);
}

TEST(Table, RandomEntryReachesAllKeysAboutEquallyOften) {
  SCOPED_TRACE("seed " + std::to_string(Seed()));
  std::mt19937_64 random(Seed() + 2);
  Table table;
  Garbage garbage;
  for (uint64_t i = 0; i < 100; ++i) {
    table.Insert(Entry::NewInt(Name(i), 0, Entry::kNoExpiry), HashKey(Name(i)), garbage);
  }
  std::map<std::string, int> hits;
  for (int i = 0; i < 100'000; ++i) ++hits[std::string(table.RandomEntry(std::ref(random))->key())];
  EXPECT_EQ(hits.size(), 100u);
  for (const auto& [key, count] : hits) {
    EXPECT_GT(count, 700) << key;
    EXPECT_LT(count, 1'350) << key;
  }
}

TEST(Table, AnswersWhenEmpty) {
  Table table;
  Garbage garbage;
  EXPECT_EQ(table.Find("a", HashKey("a")), nullptr);
  EXPECT_EQ(table.Erase("a", HashKey("a"), garbage), nullptr);
  EXPECT_EQ(table.Scan(0, [](Entry*) {}), Table::kScanEnd);
  EXPECT_EQ(table.RandomEntry([] { return uint64_t{1}; }), nullptr);
  EXPECT_EQ(table.MemoryBytes(), 0u);
  table.Prefetch(1);
  table.PrefetchEntry(1);
}

}  // namespace
}  // namespace peal::store
