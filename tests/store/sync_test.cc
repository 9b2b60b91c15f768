#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "store/sync/distributed_rwlock.h"
#include "store/sync/gate.h"
#include "store/sync/mutex.h"

namespace peal::store {
namespace {

#ifdef PEAL_SANITIZED
constexpr int kRounds = 2'000;
#else
constexpr int kRounds = 20'000;
#endif

template <class Fn>
void RunThreads(int count, Fn fn) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(fn, i);
  for (std::thread& thread : threads) thread.join();
}

TEST(Mutex, LetsOneThreadInAtATime) {
  Mutex mutex(LockRank::kLeaf);
  int64_t counter = 0;
  RunThreads(8, [&](int) {
    for (int i = 0; i < kRounds; ++i) {
      MutexLock lock(mutex);
      ++counter;
    }
  });
  EXPECT_EQ(counter, 8 * kRounds);
}

TEST(Mutex, TryLockFailsWhileHeldAndSucceedsAfter) {
  Mutex mutex(LockRank::kLeaf);
  const auto try_elsewhere = [&mutex] {
    bool got = false;
    std::thread([&] {
      if (mutex.TryLock()) {
        got = true;
        mutex.Unlock();
      }
    }).join();
    return got;
  };
  {
    MutexLock lock(mutex);
    EXPECT_FALSE(try_elsewhere());
  }
  EXPECT_TRUE(try_elsewhere());
}

TEST(Mutex, StripesInAscendingOrderAreAllowed) {
  Mutex first(LockRank::kStripe, 1), second(LockRank::kStripe, 2), shard(LockRank::kChannelShard);
  MutexLock a(first);
  MutexLock b(second);
  MutexLock c(shard);
}

#ifndef NDEBUG
TEST(MutexDeathTest, StopsWhenStripesAreLockedInDescendingOrder) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Mutex first(LockRank::kStripe, 1), second(LockRank::kStripe, 2);
  EXPECT_DEATH(
      {
        MutexLock b(second);
        MutexLock a(first);
      },
      "check failed");
}

TEST(MutexDeathTest, StopsWhenAStripeIsLockedUnderAShard) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Mutex stripe(LockRank::kStripe), shard(LockRank::kChannelShard);
  EXPECT_DEATH(
      {
        MutexLock b(shard);
        MutexLock a(stripe);
      },
      "check failed");
}

TEST(GateDeathTest, StopsWhenExclusivityIsAskedForWithALockHeld) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Gate gate;
  Mutex stripe(LockRank::kStripe);
  EXPECT_DEATH(
      {
        MutexLock lock(stripe);
        Gate::ExclusiveScope exclusive(gate);
      },
      "check failed");
}
#endif

TEST(Gate, NoTurnRunsWhileItIsHeldExclusively) {
  constexpr int kThreads = 8;
  Gate gate;
  // Each turn changes its own cell twice; a holder must see both changes of every turn or none.
  struct alignas(64) Cell {
    int64_t a = 0;
    int64_t b = 0;
  };
  std::vector<Cell> cells(kThreads);
  std::atomic<int64_t> violations{0};
  int64_t exclusive_units = 0;
  RunThreads(kThreads, [&](int me) {
    for (int i = 0; i < kRounds; ++i) {
      Gate::TurnScope turn(gate, me);
      ++cells[me].a;
      if (i % 64 == me) {
        Gate::ExclusiveScope exclusive(gate, me);
        ++exclusive_units;
        for (int k = 0; k < kThreads; ++k) {
          if (k != me && cells[k].a != cells[k].b && gate.InTurn(k)) ++violations;
        }
        if (!gate.HeldExclusively()) ++violations;
      }
      ++cells[me].b;
      if (gate.HeldExclusively() || !gate.InTurn(me)) ++violations;
    }
  });
  EXPECT_EQ(violations, 0);
  for (const Cell& cell : cells) EXPECT_EQ(cell.a, kRounds);
  EXPECT_GT(exclusive_units, 0);
}

TEST(Gate, SharedCountersStayConsistentWithoutAnyOtherLock) {
  Gate gate;
  int64_t total = 0;  // written under exclusivity only, by participants and by a stranger
  std::atomic<int64_t> odd{0};
  RunThreads(6, [&](int me) {
    for (int i = 0; i < kRounds / 10; ++i) {
      if (me == 5) {
        Gate::ExclusiveScope exclusive(gate);
        total += 2;
      } else if (i % 8 == 0) {
        Gate::TurnScope turn(gate, me);
        Gate::ExclusiveScope exclusive(gate, me);
        total += 1;
        total += 1;
      } else {
        Gate::TurnScope turn(gate, me);
        if (total % 2 != 0) ++odd;
      }
    }
  });
  EXPECT_EQ(odd, 0);
  EXPECT_EQ(total, 2 * (kRounds / 10) + 5 * 2 * ((kRounds / 10 + 7) / 8));
}

TEST(Gate, DoesNotWaitForParticipantsOutside) {
  Gate gate;
  {
    Gate::TurnScope turn(gate, 3);
  }
  Gate::ExclusiveScope exclusive(gate);
  EXPECT_TRUE(gate.HeldExclusively());
  EXPECT_TRUE(Gate::ThreadHoldsAny());
}

TEST(Gate, AWaitingParticipantGetsATurnBetweenTwoHolders) {
  Gate gate;
  std::atomic<bool> stop{false};
  std::atomic<int> turns{0};
  // Two strangers fight for exclusivity without a pause; a participant must still come through.
  std::vector<std::thread> holders;
  for (int i = 0; i < 2; ++i) {
    holders.emplace_back([&] {
      while (!stop.load()) Gate::ExclusiveScope exclusive(gate);
    });
  }
  std::thread participant([&] {
    for (int i = 0; i < 1'000; ++i) {
      Gate::TurnScope turn(gate, 0);
      ++turns;
    }
  });
  participant.join();
  stop = true;
  for (std::thread& holder : holders) holder.join();
  EXPECT_EQ(turns, 1'000);
}

TEST(Gate, AHolderIsBackInItsTurnAfterwards) {
  Gate gate;
  gate.Enter(7);
  {
    Gate::ExclusiveScope exclusive(gate, 7);
  }
  EXPECT_TRUE(gate.InTurn(7));
  EXPECT_FALSE(gate.HeldExclusively());
  gate.Leave(7);
  EXPECT_FALSE(gate.InTurn(7));
}

TEST(DistributedRwLock, ReadersNeverSeeAHalfDoneWrite) {
  DistributedRwLock lock(LockRank::kPatternWriter);
  int64_t left = 0;
  int64_t right = 0;
  std::atomic<int64_t> torn{0};
  RunThreads(6, [&](int me) {
    for (int i = 0; i < kRounds; ++i) {
      if (me < 2 && i % 16 == 0) {
        DistributedRwLock::WriteScope write(lock);
        ++left;
        ++right;
      } else {
        DistributedRwLock::ReadScope read(lock, me);
        if (left != right) ++torn;
      }
    }
  });
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(left, 2 * ((kRounds + 15) / 16));
}

}  // namespace
}  // namespace peal::store
