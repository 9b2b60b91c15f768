#include "store/value/hash_value.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

namespace peal::store {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;
using Pairs = std::map<std::string, std::string>;

Pairs Content(const HashValue& hash, int64_t now_ms = kNow) {
  Pairs pairs;
  hash.ForEach(now_ms, [&](std::string_view field, std::string_view value) {
    EXPECT_TRUE(pairs.emplace(field, value).second) << "visited twice: " << field;
  });
  return pairs;
}

std::string Get(const HashValue& hash, std::string_view field, int64_t now_ms = kNow) {
  HashValue::Digits digits;
  const auto value = hash.Get(field, now_ms, digits);
  return value ? std::string(*value) : "(nil)";
}

class HashValueTest : public ::testing::TestWithParam<int> {
 protected:
  HashValueTest() { limits.hash_max_listpack_entries = static_cast<uint64_t>(GetParam()); }
  bool Set(std::string_view field, std::string_view value, int64_t now_ms = kNow) {
    return hash.Set(field, value, limits, now_ms);
  }

  EncodingLimits limits;
  HashValue hash;
};
// At once a table; changing over on the way; a listpack all the time.
INSTANTIATE_TEST_SUITE_P(, HashValueTest, ::testing::Values(0, 50, 100'000));

TEST_P(HashValueTest, DoesWhatAMapDoes) {
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()) + 1);
  Pairs model;
  std::map<std::string, int64_t> times;
  const auto is_live = [&](const std::string& field) {
    return model.contains(field) && (!times.contains(field) || times[field] >= kNow);
  };
  for (int i = 0; i < 30'000; ++i) {
    const std::string field = random() % 4 == 0 ? std::to_string(random() % 200)
                                                : "field" + std::to_string(random() % 200);
    switch (random() % 8) {
      case 0:
      case 1:
      case 2: {
        std::string value = random() % 2 == 0 ? std::to_string(static_cast<int64_t>(random()))
                                              : std::string(random() % 60, 'v');
        const bool is_new = !is_live(field);
        ASSERT_EQ(Set(field, value), is_new);
        model[field] = value;
        times.erase(field);
        break;
      }
      case 3: {
        const bool was_live = is_live(field);
        ASSERT_EQ(hash.Erase(field, kNow), was_live);
        if (!was_live) break;
        model.erase(field);
        times.erase(field);
        break;
      }
      case 4:
        if (!model.contains(field)) break;
        times[field] = kNow - 500 + static_cast<int64_t>(random() % 1000);
        hash.SetExpiry(field, times[field]);
        break;
      case 5:
        ASSERT_EQ(hash.ClearExpiry(field), times.erase(field) == 1);
        break;
      case 6:
        ASSERT_EQ(Get(hash, field), is_live(field) ? model[field] : "(nil)");
        break;
      default: {
        std::vector<std::string> removed;
        hash.RemoveExpired(kNow, 3, removed);
        for (const std::string& gone : removed) {
          ASSERT_TRUE(model.contains(gone) && !is_live(gone)) << gone;
          model.erase(gone);
          times.erase(gone);
        }
      }
    }
    ASSERT_EQ(hash.Count(), model.size());
  }
  Pairs live;
  for (const auto& [field, value] : model) {
    if (is_live(field)) live[field] = value;
  }
  EXPECT_EQ(Content(hash), live);
  EXPECT_EQ(hash.CountAt(kNow), live.size());
  EXPECT_EQ(Content(hash, 0), model) << "nothing has expired at the beginning of time";

  const std::unique_ptr<ValueObject> copy = hash.Clone();
  EXPECT_EQ(Content(static_cast<const HashValue&>(*copy)), live);
  EXPECT_EQ(copy->NextExpiryMs(), hash.NextExpiryMs());
  EXPECT_EQ(copy->EncodingName(), hash.EncodingName());
}

TEST_P(HashValueTest, ScanVisitsEveryFieldThoughTheHashChanges) {
  Pairs stays;
  for (int i = 0; i < 1000; ++i) {
    Set("stays" + std::to_string(i), "v");
    stays["stays" + std::to_string(i)] = "v";
  }
  Pairs seen;
  uint64_t cursor = 0;
  int n = 0;
  do {
    cursor = hash.Scan(cursor, 10, kNow, [&](std::string_view field, std::string_view value) {
      if (field.starts_with("stays")) seen.emplace(field, value);
    });
    for (int i = 0; i < 20; ++i) Set("comes" + std::to_string(n++), "v");
  } while (cursor != 0);
  EXPECT_EQ(seen, stays);
  hash.Scan(~uint64_t{0}, 10, kNow, [](std::string_view, std::string_view) {});
}

TEST_P(HashValueTest, RandomFieldsAreAllOfThem) {
  for (int i = 0; i < 20; ++i) Set("f" + std::to_string(i), std::to_string(i));
  std::mt19937_64 random(3);
  std::set<std::string> seen;
  for (int i = 0; i < 2000; ++i) {
    hash.VisitRandom([&] { return random(); },
                     [&](std::string_view field, std::string_view value) {
                       EXPECT_EQ(field, "f" + std::string(value));
                       seen.insert(std::string(field));
                     });
  }
  EXPECT_EQ(seen.size(), 20u);
}

TEST(HashValue, LeavesTheListpackAtTheLimits) {
  EncodingLimits limits;
  limits.hash_max_listpack_entries = 3;
  limits.hash_max_listpack_value = 8;
  HashValue by_count;
  for (const char* field : {"a", "b", "c"}) by_count.Set(field, "v", limits, kNow);
  EXPECT_EQ(by_count.EncodingName(), "listpack");
  by_count.SetExpiry("a", kNow + 1);
  EXPECT_EQ(by_count.EncodingName(), "listpackex");
  by_count.Set("d", "v", limits, kNow);
  EXPECT_EQ(by_count.EncodingName(), "hashtable");
  EXPECT_EQ(by_count.ExpiryOf("a"), kNow + 1);

  HashValue by_value;
  by_value.Set("a", "12345678", limits, kNow);
  EXPECT_EQ(by_value.EncodingName(), "listpack");
  by_value.Set("a", "123456789", limits, kNow);
  EXPECT_EQ(by_value.EncodingName(), "hashtable");
  HashValue by_field;
  by_field.Set("123456789", "", limits, kNow);
  EXPECT_EQ(by_field.EncodingName(), "hashtable");
}

TEST(HashValue, ReplacesValuesOfAnyLengths) {
  EncodingLimits limits;
  limits.hash_max_listpack_entries = 0;
  HashValue hash;
  for (const size_t size : {0, 1, 7, 8, 127, 128, 300, 20'000, 126, 129, 3, 0}) {
    const std::string value(size, 'x');
    hash.Set("f", value, limits, kNow);
    ASSERT_EQ(Get(hash, "f"), value);
    ASSERT_EQ(hash.Count(), 1u);
  }
  const size_t empty = hash.MemoryBytes();
  hash.Set("f", std::string(20'000, 'x'), limits, kNow);
  EXPECT_GE(hash.MemoryBytes(), empty + 19'900);
}

TEST(HashValue, AFieldIsGoneAfterItsMillisecond) {
  EncodingLimits limits;
  HashValue hash;
  hash.Set("f", "v", limits, kNow);
  hash.SetExpiry("f", kNow);
  EXPECT_EQ(Get(hash, "f", kNow), "v");
  EXPECT_EQ(Get(hash, "f", kNow + 1), "(nil)");
  EXPECT_EQ(hash.Count(), 1u);
  EXPECT_EQ(hash.CountAt(kNow + 1), 0u);
  EXPECT_FALSE(hash.Erase("f", kNow + 1));
  EXPECT_TRUE(hash.Set("f", "w", limits, kNow + 1, HashValue::FieldTime::kKeep));
  EXPECT_EQ(hash.ExpiryOf("f"), HashValue::kNoExpiry) << "an expired time is not kept";
}

}  // namespace
}  // namespace peal::store
