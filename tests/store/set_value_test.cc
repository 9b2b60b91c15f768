#include "store/value/set_value.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

namespace peal::store {
namespace {

std::string Text(const ListpackItem& item) { return item.ToString(); }

std::set<std::string> Members(const SetValue& set) {
  std::set<std::string> out;
  set.ForEach([&](const ListpackItem& item) { EXPECT_TRUE(out.insert(Text(item)).second); });
  EXPECT_EQ(out.size(), set.Count());
  return out;
}

TEST(SetValue, AgreesWithASetUnderRandomOperationsInEveryEncoding) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const EncodingLimits limits;
  for (int round = 0; round < 60; ++round) {
    const uint64_t names = uint64_t{8} << random() % 9;
    const int kind = round % 3;  // integers, words, both
    SetValue set;
    std::set<std::string> model;
    for (int i = 0; i < 3'000; ++i) {
      const uint64_t name = random() % names;
      const bool is_word = kind == 1 || (kind == 2 && name % 7 == 0);
      const std::string member =
          is_word ? "w" + std::to_string(name) : std::to_string(static_cast<int64_t>(name) - 40);
      if (random() % 3 != 0) {
        ASSERT_EQ(set.Add(member, limits), model.insert(member).second);
      } else {
        ASSERT_EQ(set.Remove(std::string_view(member)), model.erase(member) == 1);
      }
      ASSERT_EQ(set.Contains(std::string_view(member)), model.contains(member));
      ASSERT_EQ(set.Count(), model.size());
    }
    ASSERT_EQ(Members(set), model);
    const auto clone = set.Clone();
    ASSERT_EQ(Members(static_cast<const SetValue&>(*clone)), model);
    ASSERT_EQ(clone->EncodingName(), set.EncodingName());
    std::set<std::string> scanned;
    uint64_t cursor = 0;
    do {
      cursor = set.Scan(cursor, 7, [&](const ListpackItem& item) { scanned.insert(Text(item)); });
    } while (cursor != 0);
    ASSERT_EQ(scanned, model);
    if (!model.empty()) {
      const std::string member = Text(set.RandomMember(random));
      ASSERT_TRUE(model.contains(member));
    }
  }
}

TEST(SetValue, ChangesItsEncodingByTheRulesOfRedis72) {
  EncodingLimits limits;
  limits.set_max_intset_entries = 8;
  limits.set_max_listpack_entries = 4;
  limits.set_max_listpack_value = 10;
  const auto fill = [&](SetValue& set, int first, int count) {
    for (int i = first; i < first + count; ++i) set.Add(std::to_string(i), limits);
  };
  SetValue integers;
  fill(integers, 0, 8);
  EXPECT_EQ(integers.EncodingName(), "intset");
  EXPECT_FALSE(integers.Add("3", limits, 100)) << "nothing new, no change";
  EXPECT_EQ(integers.EncodingName(), "intset");
  fill(integers, 8, 1);
  EXPECT_EQ(integers.EncodingName(), "hashtable");

  SetValue few;
  fill(few, 0, 3);
  few.Add("a", limits);
  EXPECT_EQ(few.EncodingName(), "listpack");
  few.Add("b", limits);
  EXPECT_EQ(few.EncodingName(), "hashtable");

  SetValue many;
  fill(many, 0, 4);
  many.Add("a", limits);
  EXPECT_EQ(many.EncodingName(), "hashtable");

  SetValue longer;
  fill(longer, 0, 1);
  longer.Add("abcdefghijk", limits);
  EXPECT_EQ(longer.EncodingName(), "hashtable");

  SetValue wide;  // an integer of 19 digits does not fit a listpack of short members
  wide.Add("1234567890123456789", limits);
  wide.Add("a", limits);
  EXPECT_EQ(wide.EncodingName(), "hashtable");

  EXPECT_EQ(SetValue::Create("1", 8, limits)->EncodingName(), "intset");
  EXPECT_EQ(SetValue::Create("1", 9, limits)->EncodingName(), "hashtable");
  EXPECT_EQ(SetValue::Create("a", 4, limits)->EncodingName(), "listpack");
  EXPECT_EQ(SetValue::Create("a", 5, limits)->EncodingName(), "hashtable");
  const auto hinted = SetValue::Create("a", 1, limits);
  hinted->Add("a", limits);
  hinted->Add("b", limits, 5);
  EXPECT_EQ(hinted->EncodingName(), "hashtable");
}

TEST(SetValue, TakesPayloadsApart) {
  const EncodingLimits limits;
  Listpack pack;
  for (const char* member : {"a", "b", "17"}) pack.Append(member);
  const auto set = SetValue::FromListpack(Listpack(pack), limits);
  ASSERT_NE(set, nullptr);
  EXPECT_EQ(Members(*set), (std::set<std::string>{"17", "a", "b"}));
  EXPECT_EQ(set->EncodingName(), "listpack");
  pack.Append("a");
  EXPECT_EQ(SetValue::FromListpack(Listpack(pack), limits), nullptr);

  EncodingLimits small;
  small.set_max_listpack_entries = 2;
  small.set_max_intset_entries = 2;
  EXPECT_EQ(SetValue::FromListpack(Listpack(*set->listpack()), small)->EncodingName(), "hashtable");
  Intset integers;
  for (int i = 0; i < 3; ++i) integers.Insert(i);
  EXPECT_EQ(SetValue::FromIntset(Intset(integers), limits)->EncodingName(), "intset");
  EXPECT_EQ(SetValue::FromIntset(Intset(integers), small)->EncodingName(), "hashtable");
}

TEST(SetValue, CountsItsMemory) {
  const EncodingLimits limits;
  SetValue set;
  const size_t empty = set.MemoryBytes();
  for (int i = 0; i < 10'000; ++i) {
    set.Add("member:" + std::to_string(100'000'000 + i), limits);
  }
  const size_t full = set.MemoryBytes();
  EXPECT_GT(full, 10'000u * (24 + 7));
  EXPECT_LT(full, 10'000u * (24 + 22));
  for (int i = 0; i < 10'000; ++i) {
    set.Remove(std::string_view("member:" + std::to_string(100'000'000 + i)));
  }
  EXPECT_LT(set.MemoryBytes(), empty + 4'000);
}

}  // namespace
}  // namespace peal::store
