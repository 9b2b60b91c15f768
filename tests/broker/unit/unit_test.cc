#include "broker/exec/unit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <latch>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "store/sync/gate.h"

namespace peal::broker {
namespace {

using store::Entry;
using store::ExpirePolicy;
using testing::ElementsAre;

constexpr int64_t kNow = 1'700'000'000'000;

/// A copy of what units hand in, one list of effects each.
class Log final : public EffectSink {
 public:
  void OnUnit(const std::vector<Effect>& effects) override {
    for (const Effect& effect : effects) {
      std::string line = std::to_string(effect.db) + ":";
      for (const std::string& arg : effect.args) line += " " + arg;
      lines.push_back(line);
    }
    if (on_unit) on_unit();
  }
  std::vector<std::string> lines;
  std::function<void()> on_unit;
};

class UnitTest : public testing::TestWithParam<int> {
 protected:
  UnitTest() : keyspace_({.stripes = GetParam(), .databases = 4}), unit_(keyspace_) {}

  /// Runs `body` as one unit over `keys`.
  template <typename Body>
  void Run(std::initializer_list<std::string_view> keys, Body body, int64_t now_ms = kNow,
           uint32_t db = 0) {
    unit_.Begin(nullptr, db, now_ms);
    for (const std::string_view key : keys) unit_.AddKey(key, Unit::HashKey(key));
    unit_.Lock();
    body();
    unit_.Finish();
  }
  void Put(std::string_view key, std::string_view value,
           ExpirePolicy expire = ExpirePolicy::Clear(), uint32_t db = 0) {
    Run({key}, [&] { unit_.SetString(key, value, expire); }, kNow, db);
  }
  std::string Value(std::string_view key, int64_t now_ms = kNow, uint32_t db = 0) {
    std::string value = "(none)";
    Run(
        {key},
        [&] {
          if (const Entry* entry = unit_.Find(key)) value = entry->CopyString();
        },
        now_ms, db);
    return value;
  }
  store::WatchTokenRef Watch(std::string_view key, int64_t now_ms = kNow, uint32_t db = 0) {
    auto token = protocol::MakeRef<store::WatchToken>();
    Run({key}, [&] { unit_.Watch(key, token); }, now_ms, db);
    return token;
  }
  /// Whether another thread could take the stripe of `key` now.
  bool IsFree(std::string_view key) {
    bool is_free = false;
    std::thread other([&] {
      store::Mutex& mutex = keyspace_.StripeOf(Unit::HashKey(key)).mutex();
      if (mutex.TryLock()) {
        is_free = true;
        mutex.Unlock();
      }
    });
    other.join();
    return is_free;
  }

  store::Keyspace keyspace_;
  Unit unit_;
};

INSTANTIATE_TEST_SUITE_P(Stripes, UnitTest, testing::Values(1, 1024), [](const auto& param_info) {
  return "stripes" + std::to_string(param_info.param);
});

TEST_P(UnitTest, HoldsItsStripesUntilEffectsAreHandedInAndNoLonger) {
  Log log;
  bool was_free_at_settling = true;
  log.on_unit = [&] { was_free_at_settling = IsFree("a") || IsFree("b"); };
  unit_.set_effect_sink(&log);

  Run({"a", "b"}, [&] {
    unit_.SetString("a", std::string_view("1"));
    unit_.Replicate("SET", "a", "1");
    EXPECT_TRUE(log.lines.empty()) << "effects leave with the unit, not one by one";
    EXPECT_FALSE(IsFree("a"));
  });

  EXPECT_THAT(log.lines, ElementsAre("0: SET a 1"));
  EXPECT_FALSE(was_free_at_settling);
  EXPECT_TRUE(IsFree("a"));
  EXPECT_TRUE(IsFree("b"));
}

TEST_P(UnitTest, HandsInNothingWhereNothingChanged) {
  Log log;
  int calls = 0;
  log.on_unit = [&] { ++calls; };
  unit_.set_effect_sink(&log);

  Run({"a"}, [&] { EXPECT_EQ(unit_.Find("a"), nullptr); });

  EXPECT_EQ(calls, 0);
}

TEST_P(UnitTest, WritesIntegersAsTextInEffects) {
  Log log;
  unit_.set_effect_sink(&log);

  Run({"a"}, [&] { unit_.Replicate("PEXPIREAT", "a", int64_t{-12}); });

  EXPECT_THAT(log.lines, ElementsAre("0: PEXPIREAT a -12"));
}

TEST_P(UnitTest, DeletesAnExpiredKeyBeforeTheCommandsOwnEffects) {
  Put("a", "old", ExpirePolicy::At(kNow + 10));
  Log log;
  unit_.set_effect_sink(&log);

  Run(
      {"a"},
      [&] {
        EXPECT_EQ(unit_.FindForWrite("a"), nullptr);
        unit_.SetString("a", std::string_view("new"));
        unit_.Replicate("SET", "a", "new");
      },
      kNow + 11);

  EXPECT_THAT(log.lines, ElementsAre("0: DEL a", "0: SET a new"));
  EXPECT_EQ(unit_.counters().expired_keys, 1u);
}

TEST_P(UnitTest, TellsTheExpiryOfAKeyThatIsOverwrittenUnseen) {
  Put("a", "old", ExpirePolicy::At(kNow + 10));
  Log log;
  unit_.set_effect_sink(&log);

  // KEEPTTL must not take over a time that has passed.
  Run(
      {"a"}, [&] { unit_.SetString("a", std::string_view("new"), ExpirePolicy::Keep()); },
      kNow + 11);

  EXPECT_THAT(log.lines, ElementsAre("0: DEL a"));
  EXPECT_EQ(Value("a", kNow + 1000), "new");
}

TEST_P(UnitTest, KeepsAKeyInTheMillisecondOfItsExpiry) {
  Put("a", "v", ExpirePolicy::At(kNow + 10));

  EXPECT_EQ(Value("a", kNow + 10), "v");
  EXPECT_EQ(Value("a", kNow + 11), "(none)");
}

TEST_P(UnitTest, MarksWatchersAtEveryKindOfChange) {
  struct Case {
    const char* what;
    std::function<void(Entry*)> change;
  };
  const std::array cases = {
      Case{"set", [&](Entry*) { unit_.SetString("k", std::string_view("2")); }},
      Case{"append", [&](Entry* entry) { unit_.Append("k", entry, "2"); }},
      Case{"setrange", [&](Entry* entry) { unit_.SetRange("k", entry, 3, "2"); }},
      Case{"delete", [&](Entry*) { unit_.Delete("k"); }},
      Case{"expire", [&](Entry* entry) { unit_.SetExpire("k", entry, kNow + 5000); }},
      Case{"persist", [&](Entry* entry) { unit_.ClearExpire("k", entry); }},
      Case{"move away", [&](Entry*) { unit_.Move(0, "k", 0, "other"); }},
  };
  for (const Case& each : cases) {
    Put("k", "1", ExpirePolicy::At(kNow + 1000));
    const auto token = Watch("k");
    const auto bystander = Watch("bystander");
    Run({"k", "other"}, [&] { each.change(unit_.Find("k")); });
    EXPECT_TRUE(token->IsDirty()) << each.what;
    EXPECT_FALSE(bystander->IsDirty()) << each.what;
  }
}

TEST_P(UnitTest, MarksWatchersOfWhereAKeyIsMovedTo) {
  Put("from", "v");
  const auto token = Watch("to");
  const auto elsewhere = Watch("to", kNow, 1);

  Run({"from", "to"}, [&] { unit_.Move(0, "from", 0, "to"); });

  EXPECT_TRUE(token->IsDirty());
  EXPECT_FALSE(elsewhere->IsDirty()) << "the same name in another database is another key";
}

TEST_P(UnitTest, DoesNotMarkWatchersWhenLooking) {
  Put("k", "1");
  const auto token = Watch("k");

  Run({"k"}, [&] {
    unit_.FindForRead("k");
    unit_.FindForWrite("k");
  });

  EXPECT_FALSE(token->IsDirty());
}

TEST_P(UnitTest, LeavesWatchersAloneWhenAKeyGoesThatWasExpiredWhenWatched) {
  Put("k", "1", ExpirePolicy::At(kNow + 10));
  const auto token = Watch("k", kNow + 20);

  EXPECT_EQ(Value("k", kNow + 30), "(none)");

  EXPECT_FALSE(token->IsDirty());
}

TEST_P(UnitTest, SeesThatAWatchedKeyExpiredThoughNobodyDeletedIt) {
  Put("k", "1", ExpirePolicy::At(kNow + 10));
  const auto token = Watch("k");
  const uint64_t hash = Unit::HashKey("k");

  Run({"k"}, [&] { EXPECT_FALSE(unit_.WatchedKeyExpired(0, "k", hash, token.get())); });
  Run({"k"}, [&] { EXPECT_TRUE(unit_.WatchedKeyExpired(0, "k", hash, token.get())); }, kNow + 11);
}

TEST_P(UnitTest, MovesValueAndExpiryAcrossKeysAndDatabases) {
  Put("from", std::string(5000, 'x'), ExpirePolicy::At(kNow + 100));
  Put("to", "in the way", ExpirePolicy::Clear(), 2);

  Run({"from", "to"}, [&] { unit_.Move(0, "from", 2, "to"); });

  EXPECT_EQ(Value("from"), "(none)");
  EXPECT_EQ(Value("to", kNow + 100, 2), std::string(5000, 'x'));
  EXPECT_EQ(Value("to", kNow + 101, 2), "(none)");
}

TEST_P(UnitTest, CountsHitsMissesAndChanges) {
  Put("there", "v");
  unit_.ResetCounters();

  Run({"there", "missing"}, [&] {
    unit_.FindForRead("there");
    unit_.FindForRead("missing");
    unit_.FindForRead("missing", Unit::kLookupNoStats);
    unit_.FindForWrite("missing");
    unit_.Delete("missing");
    unit_.Delete("there");
  });

  EXPECT_EQ(unit_.counters().keyspace_hits, 1u);
  EXPECT_EQ(unit_.counters().keyspace_misses, 1u);
  EXPECT_EQ(unit_.counters().changes, 1u);
}

TEST_P(UnitTest, LocksAStripeOnceHoweverManyOfItsKeysAreNamed) {
  Run({"a", "a", "b", "a", "b"}, [&] {
    unit_.SetString("a", std::string_view("1"));
    unit_.SetString("b", std::string_view("2"));
  });

  EXPECT_EQ(Value("a"), "1");
  EXPECT_EQ(Value("b"), "2");
  EXPECT_TRUE(IsFree("a"));
}

TEST_P(UnitTest, CountsPlannedStripesExactlyUpToTheLimitOfTransactions) {
  unit_.Begin(nullptr, 0, kNow);
  std::vector<std::string> keys;
  for (int i = 0; i < 40; ++i) keys.push_back("key" + std::to_string(i));
  std::set<int> stripes;
  for (int round = 0; round < 10; ++round) {
    for (const std::string& key : keys) {
      unit_.AddKey(key, Unit::HashKey(key));
      stripes.insert(keyspace_.StripeIndex(Unit::HashKey(key)));
    }
  }

  EXPECT_EQ(unit_.planned_stripes(), stripes.size());
  unit_.Finish();
}

TEST_P(UnitTest, IsReadyAgainAfterATryThatFailed) {
  store::Mutex& mutex = keyspace_.StripeOf(Unit::HashKey("a")).mutex();
  std::latch is_held(1);
  std::latch may_release(1);
  std::thread holder([&] {
    const store::MutexLock lock(mutex);
    is_held.count_down();
    may_release.wait();
  });
  is_held.wait();
  unit_.Begin(nullptr, 0, kNow);
  unit_.AddKey("a", Unit::HashKey("a"));
  EXPECT_FALSE(unit_.TryLock());
  may_release.count_down();
  holder.join();

  unit_.Begin(nullptr, 0, kNow);
  unit_.AddKey("a", Unit::HashKey("a"));
  ASSERT_TRUE(unit_.TryLock());
  unit_.Finish();
  unit_.Finish();  // nothing more to do
  EXPECT_TRUE(IsFree("a"));
}

TEST_P(UnitTest, OwnsEverythingWhileTheGateIsHeld) {
  Put("a", "1");
  Put("b", "2", ExpirePolicy::Clear(), 3);
  const auto token = Watch("a");
  const auto missing = Watch("missing");
  {
    store::Gate::ExclusiveScope alone(keyspace_.gate());
    unit_.Begin(nullptr, 0, kNow);
    unit_.AssumeExclusive();
    unit_.SwapDb(0, 3);
    EXPECT_EQ(unit_.Find("b")->CopyString(), "2");
    EXPECT_EQ(unit_.Flush(-1), 2u);
    EXPECT_EQ(unit_.Find("b"), nullptr);
    unit_.Finish();
  }

  EXPECT_TRUE(token->IsDirty());
  EXPECT_FALSE(missing->IsDirty()) << "a key that was not there before or after is not touched";
  EXPECT_EQ(keyspace_.DbSize(0), 0u);
}

TEST_P(UnitTest, KeepsTheSumWhileManyThreadsTransferBetweenKeys) {
  constexpr int kThreads = 4;
  constexpr int kKeys = 8;
  constexpr int kTransfers = 2000;
  constexpr int64_t kEach = 1000;
  const auto name = [](int i) { return "account" + std::to_string(i); };
  for (int i = 0; i < kKeys; ++i) {
    Run({name(i)}, [&] { unit_.SetString(name(i), kEach); });
  }
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));

  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(seed + static_cast<unsigned>(t));
      Unit unit(keyspace_);
      for (int i = 0; i < kTransfers; ++i) {
        const std::string from = name(static_cast<int>(random() % kKeys));
        const std::string to = name(static_cast<int>(random() % kKeys));
        unit.Begin(nullptr, 0, kNow);
        unit.AddKey(from, Unit::HashKey(from));
        unit.AddKey(to, Unit::HashKey(to));
        unit.Lock();
        unit.SetString(from, unit.Find(from)->int_value() - 1);
        unit.SetString(to, unit.Find(to)->int_value() + 1);
        unit.Finish();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  int64_t sum = 0;
  for (int i = 0; i < kKeys; ++i) sum += std::stoll(Value(name(i)));
  EXPECT_EQ(sum, kEach * kKeys);
}

}  // namespace
}  // namespace peal::broker
