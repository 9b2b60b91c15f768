#include "store/value/idempotent_ids.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>

namespace peal::store {
namespace {

TEST(IdempotentIds, KeepsTheLatestOfEachProducer) {
  size_t bytes = 0;
  IdempotentIds ids(bytes);
  ids.Configure(100, 2);
  ids.Add("p", "1", {1000, 0});
  ids.Add("p", "2", {1000, 1});
  ids.Add("q", "1", {1000, 2});
  ids.Add("p", "3", {1000, 3});
  EXPECT_EQ(ids.Find("p", "1"), nullptr);
  ASSERT_NE(ids.Find("p", "2"), nullptr);
  EXPECT_EQ(*ids.Find("p", "2"), (StreamId{1000, 1}));
  EXPECT_EQ(*ids.Find("q", "1"), (StreamId{1000, 2}));
  EXPECT_EQ(ids.Find("r", "1"), nullptr);
  EXPECT_EQ(ids.producers(), 2U);
  EXPECT_EQ(ids.size(), 3U);
  EXPECT_EQ(ids.added(), 4U);
  EXPECT_TRUE(ids.IsSound());
}

TEST(IdempotentIds, ForgetsInTime) {
  size_t bytes = 0;
  IdempotentIds ids(bytes);
  ids.Configure(1, 100);
  ids.Add("p", "1", {1000, 0});
  ids.Add("q", "1", {1500, 0});
  ids.Expire(0);
  ids.Expire(1999);
  EXPECT_EQ(ids.size(), 2U);
  ids.Expire(2000);
  EXPECT_EQ(ids.size(), 1U);
  EXPECT_EQ(ids.Find("p", "1"), nullptr);
  EXPECT_EQ(ids.producers(), 1U);
  ids.Expire(INT64_MAX);
  EXPECT_EQ(ids.size(), 0U);
  // Ids may be far ahead of every clock.
  ids.Add("p", "1", StreamId::Max());
  ids.Expire(INT64_MAX);
  EXPECT_EQ(ids.size(), 1U);
}

TEST(IdempotentIds, OtherBoundsForgetAll) {
  size_t bytes = 0;
  IdempotentIds ids(bytes);
  ids.Add("p", "1", {1000, 0});
  ids.Configure(100, 100);
  EXPECT_EQ(ids.size(), 1U);
  ids.Configure(101, 100);
  EXPECT_EQ(ids.size(), 0U);
  EXPECT_EQ(ids.added(), 1U);
}

TEST(IdempotentIds, BooksWhatItTakesAndGivesItBack) {
  constexpr int kSteps = 3000;
  size_t bytes = 0;
  size_t copied_bytes = 0;
  {
    IdempotentIds ids(bytes);
    const size_t empty = bytes;
    ids.Configure(10, 7);
    std::mt19937 random(1);
    std::map<std::pair<std::string, std::string>, StreamId> model;
    for (int i = 0; i < kSteps; ++i) {
      const std::string producer = "producer with a long name " + std::to_string(random() % 5);
      const std::string id(1 + random() % 40, static_cast<char>('a' + random() % 20));
      const StreamId entry{1000 + static_cast<uint64_t>(i) * 10, 0};
      ids.Expire(static_cast<int64_t>(entry.ms));
      if (const StreamId* const known = ids.Find(producer, id)) {
        EXPECT_EQ(*known, (model[{producer, id}]));
      } else {
        ids.Add(producer, id, entry);
        model[{producer, id}] = entry;
      }
      EXPECT_LE(ids.size(), 5U * 7U);
    }
    EXPECT_TRUE(ids.IsSound());
    const std::unique_ptr<IdempotentIds> copy = ids.Clone(copied_bytes);
    EXPECT_TRUE(copy->IsSound());
    EXPECT_EQ(copy->size(), ids.size());
    EXPECT_EQ(copy->added(), ids.added());
    EXPECT_EQ(copied_bytes, bytes);
    ids.Expire(INT64_MAX);
    EXPECT_EQ(bytes, empty);
  }
  EXPECT_EQ(bytes, 0U);
  EXPECT_EQ(copied_bytes, 0U);
}

}  // namespace
}  // namespace peal::store
