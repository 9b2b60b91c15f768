#include "store/keyspace/keyspace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace peal::store {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

/// The test thread holds the gate, so that it owns every stripe.
class KeyspaceTest : public ::testing::TestWithParam<int> {
 protected:
  KeyspaceTest() : keyspace({.stripes = GetParam(), .databases = 4}), exclusive(keyspace.gate()) {}

  Stripe& Of(std::string_view key) {
    Stripe& stripe = keyspace.StripeOf(HashKey(key));
    stripe.AssertOwned();
    return stripe;
  }
  Entry* Set(std::string_view key, StringInput value, ExpirePolicy expire = {},
             int db = 0) NO_THREAD_SAFETY_ANALYSIS {
    return Of(key).SetString(db, key, HashKey(key), std::move(value), expire, garbage);
  }
  Entry* Get(std::string_view key, int64_t now = kNow, int db = 0) NO_THREAD_SAFETY_ANALYSIS {
    return Of(key).Find(db, key, HashKey(key), now);
  }
  std::string Text(std::string_view key, int db = 0) {
    Entry* entry = Get(key, kNow, db);
    return entry == nullptr ? "(nil)" : entry->CopyString();
  }
  bool Erase(std::string_view key, int db = 0) NO_THREAD_SAFETY_ANALYSIS {
    return Of(key).Erase(db, key, HashKey(key), garbage);
  }
  void Watch(std::string_view key, const WatchTokenRef& token,
             int db = 0) NO_THREAD_SAFETY_ANALYSIS {
    Of(key).Watch(db, key, HashKey(key), token, kNow);
  }
  void Touch(std::string_view key, int db = 0) NO_THREAD_SAFETY_ANALYSIS {
    Of(key).TouchWatchers(db, key, HashKey(key));
  }

  Entry* GetRaw(std::string_view key) NO_THREAD_SAFETY_ANALYSIS {
    return Of(key).FindRaw(0, key, HashKey(key));
  }
  Entry* Append(std::string_view key, std::string_view bytes) NO_THREAD_SAFETY_ANALYSIS {
    return Of(key).Append(0, Get(key), HashKey(key), bytes, garbage);
  }
  void SetRange(std::string_view key, size_t offset,
                std::string_view bytes) NO_THREAD_SAFETY_ANALYSIS {
    Of(key).SetRange(0, Get(key), HashKey(key), offset, bytes, garbage);
  }
  void SetExpire(std::string_view key, int64_t at_ms) NO_THREAD_SAFETY_ANALYSIS {
    Of(key).SetExpire(0, Get(key), HashKey(key), at_ms, garbage);
  }
  bool ClearExpire(std::string_view key) NO_THREAD_SAFETY_ANALYSIS {
    return Of(key).ClearExpire(0, Get(key), HashKey(key), garbage);
  }
  void Unwatch(std::string_view key, const WatchTokenRef& token) NO_THREAD_SAFETY_ANALYSIS {
    Of(key).Unwatch(0, key, token.get());
  }
  bool HasExpiredSince(std::string_view key, const WatchTokenRef& token,
                       int64_t now) NO_THREAD_SAFETY_ANALYSIS {
    return Of(key).WatchedKeyExpired(0, key, HashKey(key), token.get(), now);
  }

  Keyspace keyspace;
  Gate::ExclusiveScope exclusive;
  Garbage garbage;
};

TEST_P(KeyspaceTest, StoresEachKindOfStringInItsEncoding) {
  EXPECT_EQ(Set("a", std::string_view("12345"))->EncodingName(), "int");
  EXPECT_EQ(Set("b", std::string_view("0123"))->EncodingName(), "embstr");
  EXPECT_EQ(Set("c", int64_t{-7})->EncodingName(), "int");
  EXPECT_EQ(Set("d", std::string_view(std::string(2'000, 'x')))->EncodingName(), "raw");
  EXPECT_EQ(Text("a"), "12345");
  EXPECT_EQ(Text("b"), "0123");
  EXPECT_EQ(Text("c"), "-7");
  EXPECT_EQ(Text("d"), std::string(2'000, 'x'));
  EXPECT_EQ(keyspace.DbSize(0), 4u);
}

TEST_P(KeyspaceTest, AReaderOfALargeValueKeepsItWhileItIsAppendedToOrDeleted) {
  const std::string value(4'000, 'x');
  Set("a", SharedBytes::Copy(value));
  StringSlice slice;
  Stripe::ReadString(*Get("a"), slice);
  ASSERT_TRUE(slice.block);
  Append("a", "yz");
  EXPECT_EQ(slice.bytes, value);
  EXPECT_EQ(Text("a"), value + "yz");
  Erase("a");
  garbage.Drop();
  EXPECT_EQ(slice.bytes, value);
  EXPECT_EQ(slice.block->ref_count(), 1u);
}

TEST_P(KeyspaceTest, AppendingToAnUnsharedLargeValueIsAmortised) {
  Set("a", std::string_view("x"));
  std::string expected = "x";
  std::set<const SharedBytes*> blocks;
  for (int i = 0; i < 20'000; ++i) {
    Entry* entry = Append("a", "0123456789");
    expected += "0123456789";
    if (entry->encoding() == Entry::Encoding::kShared) blocks.insert(entry->shared_block());
    garbage.Drop();
  }
  EXPECT_EQ(Text("a"), expected);
  EXPECT_LT(blocks.size(), 20u);
}

TEST_P(KeyspaceTest, SetRangeFillsAGapWithZeros) {
  Set("a", int64_t{42});
  SetRange("a", 5, "end");
  EXPECT_EQ(Text("a"), std::string("42\0\0\0end", 8));
  SetRange("a", 2'000, "far");
  EXPECT_EQ(Text("a").size(), 2'003u);
  EXPECT_EQ(Text("a").substr(0, 8), std::string("42\0\0\0end", 8));
}

TEST_P(KeyspaceTest, ExpirySurvivesOrGoesAsTheWriteSays) {
  Set("a", int64_t{1}, ExpirePolicy::At(kNow + 10));
  EXPECT_EQ(Set("a", int64_t{2}, ExpirePolicy::Keep())->expire_ms(), kNow + 10);
  EXPECT_EQ(keyspace.VolatileSize(0), 1u);
  EXPECT_EQ(Get("a", kNow + 11), nullptr);
  EXPECT_NE(GetRaw("a"), nullptr);
  EXPECT_FALSE(Set("a", int64_t{3})->has_expiry());
  EXPECT_EQ(keyspace.VolatileSize(0), 0u);
  SetExpire("a", kNow + 5);
  EXPECT_EQ(Get("a")->expire_ms(), kNow + 5);
  EXPECT_EQ(keyspace.VolatileSize(0), 1u);
  EXPECT_TRUE(ClearExpire("a"));
  EXPECT_FALSE(ClearExpire("a"));
  EXPECT_EQ(Text("a"), "3");
  EXPECT_EQ(keyspace.VolatileSize(0), 0u);
}

TEST_P(KeyspaceTest, CollectExpiredFindsExactlyTheExpiredKeys) {
  std::set<std::string> expected;
  for (int i = 0; i < 3'000; ++i) {
    const std::string key = "k" + std::to_string(i);
    if (i % 3 == 0) {
      Set(key, int64_t{i});
    } else {
      Set(key, int64_t{i}, ExpirePolicy::At(i % 3 == 1 ? kNow - 1 : kNow + 1));
      if (i % 3 == 1) expected.insert(key);
    }
  }
  std::set<std::string> found;
  for (int i = 0; i < keyspace.stripe_count(); ++i) {
    Stripe& stripe = keyspace.stripe(i);
    stripe.AssertOwned();
    for (int rounds = 0; rounds < 2'000; ++rounds) {
      std::vector<std::string> keys;
      stripe.CollectExpired(0, kNow, 4, 10, keys);
      EXPECT_LE(keys.size(), 10u);
      for (const std::string& key : keys) {
        found.insert(key);
        EXPECT_TRUE(Erase(key));
      }
    }
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(keyspace.VolatileSize(0), 1'000u);
}

TEST_P(KeyspaceTest, AWatchTokenGetsDirtyByTouchOfItsKeyOnly) {
  WatchTokenRef token = protocol::MakeRef<WatchToken>();
  Watch("a", token);
  Touch("b");
  Touch("a", 1);
  EXPECT_FALSE(token->IsDirty());
  Touch("a");
  EXPECT_TRUE(token->IsDirty());
  Unwatch("a", token);
  EXPECT_EQ(token->ref_count(), 1u);
}

TEST_P(KeyspaceTest, DeletingAKeyThatWasExpiredWhenWatchedIsNoChange) {
  Set("a", int64_t{1}, ExpirePolicy::At(kNow - 1));
  WatchTokenRef token = protocol::MakeRef<WatchToken>();
  Watch("a", token);
  EXPECT_FALSE(HasExpiredSince("a", token, kNow));
  Erase("a");
  Touch("a");
  EXPECT_FALSE(token->IsDirty());
  Set("a", int64_t{2});
  Touch("a");
  EXPECT_TRUE(token->IsDirty());
}

TEST_P(KeyspaceTest, AWatchedKeyThatExpiresSinceIsReported) {
  Set("a", int64_t{1}, ExpirePolicy::At(kNow + 5));
  WatchTokenRef token = protocol::MakeRef<WatchToken>();
  Watch("a", token);
  EXPECT_FALSE(HasExpiredSince("a", token, kNow + 5));
  EXPECT_TRUE(HasExpiredSince("a", token, kNow + 6));
}

TEST_P(KeyspaceTest, FlushTouchesWatchersOfExistingKeysOnly) {
  Set("a", int64_t{1});
  Set("c", int64_t{1}, {}, 1);
  WatchTokenRef present = protocol::MakeRef<WatchToken>();
  WatchTokenRef absent = protocol::MakeRef<WatchToken>();
  Watch("a", present);
  Watch("b", absent);
  EXPECT_EQ(keyspace.FlushDb(0, garbage), 1u);
  EXPECT_TRUE(present->IsDirty());
  EXPECT_FALSE(absent->IsDirty());
  EXPECT_EQ(keyspace.DbSize(0), 0u);
  EXPECT_EQ(Text("c", 1), "1");
  EXPECT_EQ(keyspace.FlushAll(garbage), 1u);
  EXPECT_EQ(keyspace.MemoryBytes(), 0u);
}

TEST_P(KeyspaceTest, SwapDbExchangesKeysCountsAndTouchesWatchers) {
  Set("a", int64_t{1}, ExpirePolicy::At(kNow + 1));
  Set("b", int64_t{2}, {}, 2);
  Set("c", int64_t{3}, {}, 2);
  WatchTokenRef token = protocol::MakeRef<WatchToken>();
  WatchTokenRef other = protocol::MakeRef<WatchToken>();
  Watch("b", token);
  Watch("z", other);
  keyspace.SwapDb(0, 2);
  EXPECT_EQ(Text("a", 2), "1");
  EXPECT_EQ(Text("b"), "2");
  EXPECT_EQ(keyspace.DbSize(0), 2u);
  EXPECT_EQ(keyspace.VolatileSize(2), 1u);
  EXPECT_TRUE(token->IsDirty());
  EXPECT_FALSE(other->IsDirty());
}

TEST_P(KeyspaceTest, CountsMemoryExactlyUnderRandomWrites) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = "k" + std::to_string(random() % 500);
    switch (random() % 5) {
      case 0:
        Erase(key);
        break;
      case 1:
        Set(key, std::string_view(std::string(random() % 1'500, 'v')));
        break;
      case 2:
        Set(key, static_cast<int64_t>(random()), ExpirePolicy::At(kNow + 1));
        break;
      case 3:
        if (Get(key) != nullptr) Append(key, "tail");
        break;
      default:
        if (Get(key) != nullptr) SetExpire(key, kNow);
    }
    garbage.Drop();
  }
  size_t expected = 0;
  size_t with_expiry = 0;
  size_t keys = 0;
  keyspace.ForEach(0, [&](Entry* entry) {
    expected += entry->MemoryBytes();
    with_expiry += entry->has_expiry() ? 1 : 0;
    ++keys;
  });
  for (int i = 0; i < keyspace.stripe_count(); ++i) {
    keyspace.stripe(i).AssertOwned();
    if (const Table* table = keyspace.stripe(i).table(0)) expected += table->MemoryBytes();
  }
  EXPECT_EQ(keyspace.MemoryBytes(), expected);
  EXPECT_EQ(keyspace.VolatileSize(0), with_expiry);
  EXPECT_EQ(keyspace.DbSize(0), keys);
}

/// A value whose elements go at a time that the test chooses.
class TimedObject : public ValueObject {
 public:
  ValueType type() const override { return ValueType::kHash; }
  size_t MemoryBytes() const override { return sizeof(*this); }
  std::string_view EncodingName() const override { return "listpack"; }
  size_t Count() const override { return 1; }
  bool IsSound() const override { return true; }
  int64_t NextExpiryMs() const override { return next_ms; }
  std::unique_ptr<ValueObject> Clone() const override { return std::make_unique<TimedObject>(); }

  int64_t next_ms = kNoExpiry;
};

TEST_P(KeyspaceTest, KnowsWhichKeysHoldExpiredElementsWhateverHappensToThem) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto time = [&] {
    return random() % 3 == 0 ? ValueObject::kNoExpiry : kNow + static_cast<int64_t>(random() % 100);
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = "k" + std::to_string(random() % 100);
    const int db = static_cast<int>(random() % 2);
    const uint64_t hash = HashKey(key);
    Stripe& stripe = Of(key);
    stripe.AssertOwned();
    Entry* const entry = stripe.FindRaw(db, key, hash);
    switch (random() % 8) {
      case 0:
        stripe.Erase(db, key, hash, garbage);
        break;
      case 1:
        stripe.SetString(db, key, hash, std::string_view("v"), {}, garbage);
        break;
      case 2:
        if (entry != nullptr) stripe.SetExpire(db, entry, hash, kNow + 1, garbage);
        break;
      case 3:
        if (entry != nullptr) {
          stripe.Adopt(1 - db, stripe.Extract(db, key, hash, garbage), hash, garbage);
        }
        break;
      case 4:
        if (random() % 50 == 0) keyspace.SwapDb(0, 1);
        if (random() % 500 == 0) keyspace.FlushDb(db, garbage);
        break;
      case 5:
        if (entry != nullptr && !entry->is_string()) {
          auto& object = static_cast<TimedObject&>(*entry->object());
          object.next_ms = time();
          stripe.BookInPlace(db, key, object, object.MemoryBytes());
        }
        break;
      default: {
        auto object = std::make_unique<TimedObject>();
        object->next_ms = time();
        stripe.SetObject(db, key, hash, std::move(object), {}, garbage);
      }
    }
    garbage.Drop();
  }
  for (const int db : {0, 1}) {
    std::map<int, std::pair<int64_t, std::string>> first;  // by stripe
    std::map<int, size_t> counts;
    keyspace.ForEach(db, [&](Entry* entry) {
      if (entry->is_string()) return;
      const int64_t next_ms = entry->object()->NextExpiryMs();
      if (next_ms == ValueObject::kNoExpiry) return;
      const int index = keyspace.StripeIndex(HashKey(entry->key()));
      ++counts[index];
      auto [at, is_new] = first.try_emplace(index, next_ms, entry->key());
      if (next_ms < at->second.first) at->second = std::pair(next_ms, std::string(entry->key()));
    });
    for (int i = 0; i < keyspace.stripe_count(); ++i) {
      Stripe& stripe = keyspace.stripe(i);
      stripe.AssertOwned();
      ASSERT_EQ(stripe.element_volatile_size(db), counts[i]);
      if (!first.contains(i)) {
        ASSERT_FALSE(stripe.NextWithExpiredElement(db, INT64_MAX).has_value());
        continue;
      }
      const int64_t next_ms = first[i].first;
      ASSERT_FALSE(stripe.NextWithExpiredElement(db, next_ms).has_value());
      const auto key = stripe.NextWithExpiredElement(db, next_ms + 1);
      ASSERT_TRUE(key.has_value());
      const Entry* const entry = stripe.FindRaw(db, *key, HashKey(*key));
      ASSERT_NE(entry, nullptr);
      ASSERT_EQ(entry->object()->NextExpiryMs(), next_ms);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Stripes, KeyspaceTest, ::testing::Values(1, 16, 1024));

class KeyspaceThreads : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Stripes, KeyspaceThreads, ::testing::Values(1, 64));

TEST_P(KeyspaceThreads, ScanAcrossStripesIsCompleteUnderConcurrentWrites) {
  Keyspace keyspace({.stripes = GetParam(), .databases = 1});
  const auto set = [&](const std::string& key) {
    Garbage garbage;
    const uint64_t hash = HashKey(key);
    Stripe& stripe = keyspace.StripeOf(hash);
    MutexLock lock(stripe.mutex());
    stripe.SetString(0, key, hash, int64_t{1}, {}, garbage);
  };
  for (int i = 0; i < 2'000; ++i) set("stable:" + std::to_string(i));
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  for (int t = 0; t < 3; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; !stop.load(); ++i) {
        const std::string key = "n" + std::to_string(t) + ":" + std::to_string(i % 3'000);
        if ((i / 3'000) % 2 == 0) {
          set(key);
        } else {
          Garbage garbage;
          const uint64_t hash = HashKey(key);
          Stripe& stripe = keyspace.StripeOf(hash);
          MutexLock lock(stripe.mutex());
          stripe.Erase(0, key, hash, garbage);
        }
        keyspace.Prefetch(0, HashKey(key));
        keyspace.PrefetchStep(0, HashKey(key), PrefetchDepth::kEntry);
        keyspace.PrefetchStep(0, HashKey(key), PrefetchDepth::kObject);
        keyspace.PrefetchStep(0, HashKey(key), PrefetchDepth::kContents);
      }
    });
  }
  for (int round = 0; round < 5; ++round) {
    std::set<std::string> seen;
    uint64_t cursor = 0;
    do {
      cursor = keyspace.Scan(0, cursor, 20, [&](Entry* entry) {
        if (entry->key().starts_with("stable:")) seen.emplace(entry->key());
      });
      ASSERT_LT(cursor, uint64_t{1} << 53);
    } while (cursor != 0);
    EXPECT_EQ(seen.size(), 2'000u);
  }
  stop = true;
  for (std::thread& writer : writers) writer.join();
}

TEST_P(KeyspaceThreads, TransfersBetweenLockedStripesKeepTheSum) {
  Keyspace keyspace({.stripes = GetParam(), .databases = 1});
  constexpr int kAccounts = 50;
  const auto name = [](uint64_t i) { return "account:" + std::to_string(i); };
  const auto change = [&](const std::string& key, int64_t by) NO_THREAD_SAFETY_ANALYSIS {
    Garbage garbage;
    const uint64_t hash = HashKey(key);
    Stripe& stripe = keyspace.StripeOf(hash);
    stripe.AssertOwned();
    const Entry* entry = stripe.Find(0, key, hash, kNow);
    const int64_t balance = entry == nullptr ? 0 : entry->int_value();
    stripe.SetString(0, key, hash, balance + by, {}, garbage);
  };
  const auto sum = [&] {
    Gate::ExclusiveScope exclusive(keyspace.gate());
    int64_t total = 0;
    keyspace.ForEach(0, [&](Entry* entry) { total += entry->int_value(); });
    return total;
  };
  std::atomic<int> wrong_sums{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<uint64_t>(t));
      for (int i = 0; i < 2'000; ++i) {
        if (i % 100 == t) {
          if (sum() != 0) ++wrong_sums;
          continue;
        }
        Gate::TurnScope turn(keyspace.gate(), t);
        const std::string from = name(random() % kAccounts);
        const std::string to = name(random() % kAccounts);
        const int first = keyspace.StripeIndex(HashKey(from));
        const int last = keyspace.StripeIndex(HashKey(to));
        const MutexLock lower(keyspace.stripe(std::min(first, last)).mutex());
        const auto move = [&] {
          change(from, -5);
          change(to, 5);
        };
        if (first == last) {
          move();
          continue;
        }
        const MutexLock upper(keyspace.stripe(std::max(first, last)).mutex());
        move();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong_sums, 0);
  EXPECT_EQ(sum(), 0);
}

TEST(Keyspace, ScanAcceptsAnyCursor) {
  Keyspace keyspace({.stripes = 4, .databases = 1});
  std::mt19937_64 random(1);
  for (int i = 0; i < 1'000; ++i) keyspace.Scan(0, random(), 10, [](Entry*) {});
  EXPECT_EQ(keyspace.Scan(0, ~uint64_t{0}, ~size_t{0}, [](Entry*) {}), 0u);
  EXPECT_EQ(keyspace.Scan(0, 0, 0, [](Entry*) {}), 0u);
}

TEST(Keyspace, ASmallDatabaseIsScannedInOneCall) {
  Keyspace keyspace({.stripes = 1024, .databases = 1});
  Garbage garbage;
  for (const std::string key : {"a", "b", "c"}) {
    Stripe& stripe = keyspace.StripeOf(HashKey(key));
    MutexLock lock(stripe.mutex());
    stripe.SetString(0, key, HashKey(key), int64_t{1}, {}, garbage);
  }
  int passed = 0;
  EXPECT_EQ(keyspace.Scan(0, 0, 10, [&](Entry*) { ++passed; }), 0u);
  EXPECT_EQ(passed, 3);
}

TEST(Keyspace, RandomKeyFindsLiveKeysOnly) {
  Keyspace keyspace({.stripes = 8, .databases = 1});
  Garbage garbage;
  std::mt19937_64 random(2);
  std::string key;
  EXPECT_FALSE(keyspace.RandomKey(0, kNow, std::ref(random), key));
  for (int i = 0; i < 20; ++i) {
    const std::string name = "k" + std::to_string(i);
    Stripe& stripe = keyspace.StripeOf(HashKey(name));
    MutexLock lock(stripe.mutex());
    stripe.SetString(0, name, HashKey(name), int64_t{1},
                     i < 10 ? ExpirePolicy::At(kNow - 1) : ExpirePolicy::Clear(), garbage);
  }
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(keyspace.RandomKey(0, kNow, std::ref(random), key));
    EXPECT_GE(std::stoi(key.substr(1)), 10);
  }
}

}  // namespace
}  // namespace peal::store
