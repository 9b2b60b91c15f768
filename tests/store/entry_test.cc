#include "store/keyspace/entry.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

namespace peal::store {
namespace {

struct Free {
  void operator()(Entry* entry) const { Entry::Destroy(entry); }
};
using Owned = std::unique_ptr<Entry, Free>;

TEST(Entry, TakesFiftySixBytesForAKeyOf16AndAValueOf32) {
  const std::string key(16, 'k'), value(32, 'v');
  EXPECT_EQ(Owned(Entry::NewEmbedded(key, value, Entry::kNoExpiry))->AllocationBytes(), 56u);
  EXPECT_EQ(Owned(Entry::NewEmbedded(key, value, 1))->AllocationBytes(), 64u);
}

TEST(Entry, KeepsKeysAndValuesOfAnyLengthAndBytes) {
  for (const size_t key_size : {0u, 1u, 15u, 254u, 255u, 256u, 70'000u}) {
    for (const size_t value_size : {0u, 1u, 44u, 1'023u, 1'024u}) {
      for (const int64_t expire : {Entry::kNoExpiry, int64_t{1'700'000'000'000}}) {
        const std::string key(key_size, '\0'), value(value_size, '\xff');
        Owned entry(Entry::NewEmbedded(key, value, expire));
        EXPECT_EQ(entry->key(), key);
        EXPECT_EQ(entry->embedded_value(), value);
        EXPECT_EQ(entry->expire_ms(), expire);
        EXPECT_EQ(entry->StringSize(), value_size);
      }
    }
  }
}

TEST(Entry, ExpiresAfterItsMillisecond) {
  Owned entry(Entry::NewInt("a", 1, 1'000));
  EXPECT_FALSE(entry->IsExpired(999));
  EXPECT_FALSE(entry->IsExpired(1'000));
  EXPECT_TRUE(entry->IsExpired(1'001));
}

TEST(Entry, NamesItsEncodingAsRedisDoes) {
  EXPECT_EQ(Owned(Entry::NewInt("a", 7, Entry::kNoExpiry))->EncodingName(), "int");
  EXPECT_EQ(Owned(Entry::NewEmbedded("a", std::string(44, 'x'), -1))->EncodingName(), "embstr");
  EXPECT_EQ(Owned(Entry::NewEmbedded("a", std::string(45, 'x'), -1))->EncodingName(), "raw");
  EXPECT_EQ(Owned(Entry::NewShared("a", SharedBytes::Copy("x"), -1))->EncodingName(), "raw");
}

TEST(Entry, ChangesInPlaceNeverTouchTheKey) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200; ++round) {
    const std::string key(random() % 300, 'k');
    std::string value(random() % 200, 'v');
    int64_t expire = Entry::kNoExpiry;
    Owned entry(Entry::NewEmbedded(key, value, expire));
    const size_t bytes = entry->AllocationBytes();
    for (int i = 0; i < 50; ++i) {
      switch (random() % 3) {
        case 0: {
          const std::string fresh(random() % 220, static_cast<char>('a' + i % 26));
          if (entry->TrySetEmbedded(fresh)) value = fresh;
          break;
        }
        case 1:
          if (entry->TrySetExpire(i)) expire = i;
          break;
        default:
          if (entry->ClearExpire()) expire = Entry::kNoExpiry;
      }
      ASSERT_EQ(entry->key(), key);
      ASSERT_EQ(entry->embedded_value(), value);
      ASSERT_EQ(entry->expire_ms(), expire);
      ASSERT_EQ(entry->AllocationBytes(), bytes);
    }
  }
}

TEST(Entry, RebuildMovesTheValueAndLeavesAnEmptyShell) {
  SharedBytesRef block = SharedBytes::Copy(std::string(5'000, 'x'));
  Owned entry(Entry::NewShared("a", block, Entry::kNoExpiry));
  entry->set_lru(77);
  Owned moved(Entry::Rebuild(entry.get(), "b", 5));
  entry.reset();
  EXPECT_EQ(moved->key(), "b");
  EXPECT_EQ(moved->lru(), 77u);
  EXPECT_EQ(moved->expire_ms(), 5);
  EXPECT_EQ(moved->shared_block(), block.get());
  EXPECT_EQ(block->ref_count(), 2u);
}

class CountedObject : public ValueObject {
 public:
  explicit CountedObject(int* live) : live_(live) { ++*live_; }
  ~CountedObject() override { --*live_; }
  ValueType type() const override { return ValueType::kHash; }
  size_t MemoryBytes() const override { return 100; }
  std::string_view EncodingName() const override { return "listpack"; }
  size_t Count() const override { return 1; }
  bool IsSound() const override { return true; }
  std::unique_ptr<ValueObject> Clone() const override {
    return std::make_unique<CountedObject>(live_);
  }

 private:
  int* live_;
};

TEST(Entry, OwnsTheObjectOfAnotherType) {
  int live = 0;
  {
    Owned entry(Entry::NewObject("a", ValueType::kHash, new CountedObject(&live), 9));
    EXPECT_EQ(TypeName(entry->type()), "hash");
    EXPECT_EQ(entry->EncodingName(), "listpack");
    EXPECT_EQ(entry->MemoryBytes(), entry->AllocationBytes() + 100);
    EXPECT_EQ(live, 1);
  }
  EXPECT_EQ(live, 0);
}

}  // namespace
}  // namespace peal::store
