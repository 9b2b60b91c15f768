#include "broker/pubsub/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

namespace peal::broker {
namespace {

// Lists only compare and prefetch subscribers, so any aligned address will do.
Subscriber* Fake(uint64_t number) {
  return reinterpret_cast<Subscriber*>(0x7f0000000000 + number * 64);
}

std::set<Subscriber*> Members(const LocalSubscribers& subscribers) {
  std::set<Subscriber*> members;
  subscribers.ForEach([&](Subscriber* each) { EXPECT_TRUE(members.insert(each).second); });
  return members;
}

TEST(LocalSubscribers, BehaveAsASetAtEverySize) {
  constexpr uint32_t kSeed = 7;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  for (const uint32_t range : {2u, 20u, 40u, 2000u}) {
    LocalSubscribers list;
    std::set<Subscriber*> model;
    for (int step = 0; step < 60'000; ++step) {
      Subscriber* subscriber = Fake(random() % range);
      const bool grow = (step / 10'000) % 2 == 0;
      if (random() % 10 < (grow ? 7u : 3u)) {
        if (model.insert(subscriber).second) list.Add(subscriber);
      } else {
        ASSERT_EQ(list.Remove(subscriber), model.erase(subscriber) == 1);
      }
      ASSERT_EQ(list.count(), model.size());
      if (step % 997 == 0) {
        ASSERT_EQ(Members(list), model);
      }
    }
    ASSERT_EQ(Members(list), model);
    for (Subscriber* subscriber : model) ASSERT_TRUE(list.Remove(subscriber));
    EXPECT_EQ(list.count(), 0u);
  }
}

TEST(LocalSubscribers, OneSubscriberTakesNoMemory) {
  LocalSubscribers list;
  list.Add(Fake(1));
  EXPECT_EQ(list.MemoryBytes(), 0u);
  EXPECT_TRUE(list.Remove(Fake(1)));
}

TEST(Interest, CountsByReactor) {
  constexpr uint32_t kSeed = 11;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  Interest interest;
  std::map<int, std::set<Subscriber*>> model;
  for (int step = 0; step < 50'000; ++step) {
    const int reactor = static_cast<int>(random() % 5) * 12;
    Subscriber* subscriber = Fake(static_cast<uint64_t>(reactor) * 1000 + random() % 6);
    if (random() % 2 == 0) {
      if (model[reactor].insert(subscriber).second) interest.Add(reactor, subscriber);
    } else {
      ASSERT_EQ(interest.Remove(reactor, subscriber), model[reactor].erase(subscriber) == 1);
    }
    size_t sum = 0;
    for (const auto& [index, members] : model) {
      ASSERT_EQ(Members(interest.On(index)), members);
      sum += members.size();
    }
    ASSERT_EQ(interest.count(), sum);
    ASSERT_EQ(interest.empty(), sum == 0);
    std::map<int, uint32_t> seen;
    interest.ForEachReactor([&](int index, uint32_t count) { seen[index] = count; });
    for (const auto& [index, members] : model) {
      ASSERT_EQ(seen.count(index), members.empty() ? 0u : 1u);
      if (!members.empty()) {
        ASSERT_EQ(seen[index], members.size());
      }
    }
  }
  for (auto& [index, members] : model) {
    for (Subscriber* subscriber : members) interest.Remove(index, subscriber);
  }
  EXPECT_TRUE(interest.empty());
}

TEST(Target, KeepsItsNameByteForByte) {
  const std::string_view name("a\0\xff", 3);
  Target* target = Target::New(Space::kShard, 42, name);
  EXPECT_EQ(target->name(), name);
  EXPECT_EQ(target->kind(), Space::kShard);
  EXPECT_EQ(target->hash, 42u);
  target->AddRef();
  target->Release();
  target->Release();
  Target* empty = Target::New(Space::kChannel, 0, "");
  EXPECT_EQ(empty->name(), "");
  empty->Release();
}

}  // namespace
}  // namespace peal::broker
