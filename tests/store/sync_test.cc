#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <span>
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
  threads.reserve(static_cast<size_t>(count));
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
  holders.reserve(2);
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

// ---------------------------------------------------------------- visits

TEST(GateVisits, AreAllowedOnlyWhileTheHolderSaysSo) {
  Gate gate;
  const auto visits = [&](int participant) {
    bool is_visit = false;
    std::thread([&] {
      is_visit = !gate.EnterOrVisit(participant);
      if (is_visit) {
        EXPECT_FALSE(gate.InTurn(participant));
        EXPECT_FALSE(gate.HeldExclusively());
        gate.LeaveVisit(participant);
      } else {
        gate.Leave(participant);
      }
    }).join();
    return is_visit;
  };
  EXPECT_FALSE(visits(1));
  gate.Enter(0);
  gate.LockExclusive(0);
  gate.AllowVisits();
  EXPECT_TRUE(visits(1));
  EXPECT_TRUE(visits(2));
  EXPECT_TRUE(visits(1));
  gate.EndVisits();
  gate.AllowVisits();
  EXPECT_TRUE(visits(1));
  gate.EndVisits();
  gate.UnlockExclusive();
  EXPECT_TRUE(gate.InTurn(0));
  EXPECT_FALSE(visits(1));
  gate.Leave(0);
}

TEST(GateVisits, WhoWaitsIsLetInWhenTheyBeginAndGetsATurnWhenAllIsOver) {
  Gate gate;
  gate.LockExclusive();
  std::atomic<int> visits{0};
  std::atomic<int> turns{0};
  std::vector<std::thread> threads;
  for (int me = 1; me <= 3; ++me) {
    threads.emplace_back([&, me] {
      for (bool is_turn = false; !is_turn;) {
        is_turn = gate.EnterOrVisit(me);
        if (is_turn) {
          ++turns;
          gate.Leave(me);
        } else {
          ++visits;
          gate.LeaveVisit(me);
        }
      }
    });
  }
  gate.AllowVisits();
  while (visits < 30) std::this_thread::yield();
  EXPECT_EQ(turns, 0);
  gate.EndVisits();
  const int seen = visits;
  for (int i = 0; i < 100; ++i) std::this_thread::yield();
  EXPECT_EQ(visits, seen);
  gate.UnlockExclusive();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(turns, 3);
}

TEST(GateVisits, EndWhenTheLastVisitorHasLeft) {
  Gate gate;
  std::atomic<bool> is_in{false};
  std::atomic<bool> is_ending{false};
  std::atomic<bool> is_leaving{false};
  gate.LockExclusive();
  gate.AllowVisits();
  std::thread visitor([&] {
    EXPECT_FALSE(gate.EnterOrVisit(1));
    is_in = true;
    while (!is_ending) std::this_thread::yield();
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    is_leaving = true;
    gate.LeaveVisit(1);
  });
  while (!is_in) std::this_thread::yield();
  is_ending = true;
  gate.EndVisits();
  EXPECT_TRUE(is_leaving);
  visitor.join();
  gate.UnlockExclusive();
}

TEST(GateVisits, NobodySeesWhatTheHolderHasHalfDone) {
  Gate gate;
  // Written by the holder without visits and by nobody else; visitors read.
  int64_t a = 0;
  int64_t b = 0;
  std::atomic<int64_t> violations{0};
  std::atomic<int64_t> visits{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int me = 1; me <= 2; ++me) {
    threads.emplace_back([&, me] {
      while (!stop) {
        const bool is_turn = gate.EnterOrVisit(me);
        if (a != b) ++violations;
        if (is_turn) {
          gate.Leave(me);
        } else {
          ++visits;
          gate.LeaveVisit(me);
        }
        std::this_thread::yield();
      }
    });
  }
  for (int i = 0; i < kRounds / 100 || visits < 100; ++i) {
    Gate::TurnScope turn(gate, 0);
    Gate::ExclusiveScope exclusive(gate, 0);
    for (int k = 0; k < 5; ++k) {
      ++a;
      ++b;
      gate.AllowVisits();
      if (k == 2) std::this_thread::yield();
      gate.EndVisits();
    }
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(violations, 0);
  EXPECT_EQ(a, b);
}

TEST(GateVisits, WhoWaitsForTheGateHearsOfThemTheFirstTime) {
  Gate gate;
  std::atomic<int> round{0};
  std::atomic<int> done{0};
  constexpr int kEnd = kRounds;
  std::thread waiter([&] {
    for (int i = 1; i <= kEnd; ++i) {
      for (int k = 0; round.load() < i; ++k) {
        if (k > 10'000) std::this_thread::yield();
      }
      if (gate.LockExclusiveUnlessVisits(1)) {
        ADD_FAILURE() << "in round " << i;
        gate.UnlockExclusive();
      }
      done = i;
    }
  });
  for (int i = 1; i <= kEnd; ++i) {
    gate.LockExclusive(0);
    round = i;
    // So that it is met at every step on its way to sleep.
    for (int k = 0; k < i % 2048; ++k) std::atomic_signal_fence(std::memory_order_seq_cst);
    gate.AllowVisits();
    while (done.load() < i) std::this_thread::yield();
    gate.EndVisits();
    gate.UnlockExclusive();
  }
  waiter.join();
}

TEST(GateVisits, TicketsThatWereGivenUpAreSkipped) {
  Gate gate;
  std::atomic<int64_t> odd{0};
  std::atomic<int64_t> given_up{0};
  std::atomic<int64_t> served{0};
  std::atomic<bool> stop{false};
  int64_t total = 0;  // written under exclusivity only
  const auto work = [&] {
    ++total;
    if (total % 2 == 0) ++odd;
    ++total;
    ++served;
  };
  RunThreads(6, [&](int me) {
    for (int i = 0; me == 0 || !stop; ++i) {
      if (me == 0 && i >= kRounds / 100 && given_up > 0) {
        stop = true;
        break;
      }
      if (me == 5) {
        Gate::ExclusiveScope exclusive(gate);  // waits whatever happens
        work();
      } else if (me == 0) {
        Gate::TurnScope turn(gate, me);
        Gate::ExclusiveScope exclusive(gate, me);
        work();
        gate.AllowVisits();
        std::this_thread::yield();
        gate.EndVisits();
      } else if (gate.EnterOrVisit(me)) {
        if (gate.LockExclusiveUnlessVisits(me)) {
          work();
          gate.UnlockExclusive();
          gate.Leave(me);
        } else {
          ++given_up;
          EXPECT_FALSE(gate.InTurn(me));
        }
      } else {
        gate.LeaveVisit(me);
      }
      std::this_thread::yield();
    }
  });
  EXPECT_EQ(odd, 0);
  EXPECT_EQ(total, 2 * served);
}

// A thread that waits for a stripe in a turn; see Gate::Bystander.
class InTurn final : Gate::Bystander {
 public:
  InTurn(Gate& gate, int participant) : gate_(gate), participant_(participant) {
    gate_.NameThread(participant_, this);
    gate_.Enter(participant_);
  }
  ~InTurn() {
    gate_.Leave(participant_);
    gate_.NameThread(participant_, nullptr);
  }
  void StepAside() override {
    gate_.Leave(participant_);
    gate_.Enter(participant_);
    ++asides_;
  }
  int asides() const { return asides_; }

 private:
  Gate& gate_;
  const int participant_;
  int asides_ = 0;
};

TEST(GateUpgrade, GoesBeforeThoseWhoWaitForTheGateOrForAStripe) {
  Gate gate;
  Mutex stripe(LockRank::kStripe);
  int value = 0;
  std::atomic<int> waiting{0};
  std::vector<std::jthread> threads;
  gate.Enter(0);
  stripe.Lock();
  value = 1;
  // Two in a turn, then two who want everything.
  for (int i = 1; i <= 2; ++i) {
    threads.emplace_back([&, i] {
      InTurn turn(gate, i);
      ++waiting;
      stripe.Lock();
      EXPECT_EQ(value % 2, 0);
      value += 2;
      stripe.Unlock();
      EXPECT_GT(turn.asides(), 0);
    });
  }
  while (waiting < 2) std::this_thread::yield();
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      ++waiting;
      const Gate::ExclusiveScope scope(gate);
      EXPECT_EQ(value % 2, 0);
      value += 2;
    });
  }
  while (waiting < 4) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const bool is_upgraded = gate.Upgrade(0);
  stripe.Unlock();
  EXPECT_TRUE(is_upgraded);
  if (is_upgraded) {
    EXPECT_TRUE(gate.HeldExclusively());
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_EQ(value, 1);
    value = 2;
    gate.UnlockExclusive();
  }
  gate.Leave(0);
  threads.clear();
  EXPECT_EQ(value, 10);
}

TEST(GateUpgrade, OfTwoOneIsRefusedAndMustLeave) {
  Gate gate;
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> upgraded{0};
    std::atomic<int> ready{0};
    {
      std::vector<std::jthread> threads;
      threads.reserve(3);
      for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&, i] {
          gate.Enter(i);
          ++ready;
          while (ready < 3) std::this_thread::yield();
          if (gate.Upgrade(i)) {
            ++upgraded;
            gate.UnlockExclusive();
          }
          gate.Leave(i);
        });
      }
    }
    // The others may come one after the other, but nobody twice at a time.
    EXPECT_GE(upgraded, 1);
  }
}

TEST(GateUpgrade, MixesWithTicketsStripesAndTurns) {
  constexpr int kThreads = 4;
  constexpr int kTurns = 3000;
  Gate gate;
  Mutex stripes[2] = {Mutex(LockRank::kStripe, 0), Mutex(LockRank::kStripe, 1)};
  int64_t values[2] = {0, 0};  // each guarded by its stripe, or by the Gate
  std::atomic<int64_t> added{0};
  std::atomic<int> upgraded{0};
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        std::mt19937 random(static_cast<unsigned>(i));
        for (int n = 0; n < kTurns; ++n) {
          InTurn turn(gate, i);
          const auto choice = random() % 8;
          const size_t at = random() % 2;
          if (choice == 0) {
            gate.LockExclusive(i);
            ++values[0];
            ++values[1];
            added += 2;
            gate.UnlockExclusive();
          } else {
            stripes[at].Lock();
            ++values[at];
            ++added;
            // Goes on to the other one half-way.
            const bool is_upgraded = choice == 1 && gate.Upgrade(i);
            stripes[at].Unlock();
            if (is_upgraded) {
              ++values[1 - at];
              ++added;
              ++upgraded;
              gate.UnlockExclusive();
            }
          }
        }
      });
    }
  }
  EXPECT_EQ(values[0] + values[1], added);
  EXPECT_GT(upgraded, 0);
}

// As a reactor: visits while it waits.
class Visitor final : Gate::Bystander {
 public:
  Visitor(Gate& gate, int participant, std::atomic<int>& visits)
      : gate_(gate), participant_(participant), visits_(visits) {
    gate_.NameThread(participant_, this);
  }
  ~Visitor() { gate_.NameThread(participant_, nullptr); }
  void Enter() {
    while (!gate_.EnterOrVisit(participant_)) {
      ++visits_;
      gate_.LeaveVisit(participant_);
      std::this_thread::yield();
    }
  }
  void StepAside() override {
    gate_.Leave(participant_);
    Enter();
  }
  /// Lower ones first; drops what it has when it is in the way of somebody.
  static void Lock(std::span<Mutex> stripes) NO_THREAD_SAFETY_ANALYSIS {
    for (size_t i = 0; i < stripes.size();) {
      if (stripes[i].LockUnlessWanted()) {
        ++i;
        continue;
      }
      while (i > 0) stripes[--i].Unlock();
      Gate::ThreadStepsAside();
    }
  }
  static void Unlock(std::span<Mutex> stripes) NO_THREAD_SAFETY_ANALYSIS {
    for (Mutex& stripe : stripes) stripe.Unlock();
  }

 private:
  Gate& gate_;
  const int participant_;
  std::atomic<int>& visits_;
};

TEST(GateUpgrade, MixesWithVisitsAndWithThoseWhoGiveUp) {
  constexpr int kThreads = 5;
  constexpr size_t kStripes = 3;
  Gate gate;
  Mutex stripes[kStripes] = {Mutex(LockRank::kStripe, 0), Mutex(LockRank::kStripe, 1),
                             Mutex(LockRank::kStripe, 2)};
  int64_t values[kStripes] = {0, 0, 0};  // each guarded by its stripe, or by the Gate
  std::atomic<int64_t> added{0};
  std::atomic<int> upgraded{0};
  std::atomic<int> refused{0};
  std::atomic<int> given_up{0};
  std::atomic<int> visits{0};
  // With the Gate held: everything changes twice, and whoever comes between sees neither.
  const auto change_all = [&](bool allows_visits) {
    for (int64_t& value : values) ++value;
    if (allows_visits) {
      gate.AllowVisits();
      std::this_thread::yield();
      gate.EndVisits();
    }
    for (int64_t& value : values) ++value;
    added += 2 * static_cast<int64_t>(kStripes);
  };
  RunThreads(kThreads, [&](int me) {
    std::mt19937 random(static_cast<unsigned>(me));
    Visitor visitor(gate, me, visits);
    const auto is_over = [&](int n) {
      return n >= 100 * kRounds || (n >= kRounds && upgraded > 50 && refused > 0 && given_up > 0);
    };
    for (int n = 0; !is_over(n); ++n) {
      visitor.Enter();
      const auto choice = random() % 16;
      const size_t at = random() % kStripes;
      if (choice == 0) {
        gate.LockExclusive(me);
        change_all(random() % 2 == 0);
        gate.UnlockExclusive();
      } else if (choice == 1) {
        if (!gate.LockExclusiveUnlessVisits(me)) {
          ++given_up;
          continue;
        }
        change_all(false);
        gate.UnlockExclusive();
      } else {
        const size_t count = random() % 2 == 0 && at + 1 < kStripes ? 2 : 1;
        const std::span<Mutex> own(stripes + at, count);
        Visitor::Lock(own);
        for (size_t i = at; i < at + count; ++i) {
          ++values[i];
          EXPECT_EQ(values[i] % 2, 1);
        }
        const bool wants_all = choice < 6;
        const bool has_all = wants_all && gate.Upgrade(me);
        for (size_t i = at; i < at + count; ++i) ++values[i];
        added += 2 * static_cast<int64_t>(count);
        Visitor::Unlock(own);
        if (has_all) {
          ++upgraded;
          change_all(random() % 2 == 0);
          gate.UnlockExclusive();
        } else if (wants_all) {
          ++refused;
        }
      }
      gate.Leave(me);
    }
  });
  int64_t sum = 0;
  for (const int64_t value : values) sum += value;
  EXPECT_EQ(sum, added);
  EXPECT_GT(upgraded, 0);
  EXPECT_GT(refused, 0);
  EXPECT_GT(given_up, 0);
  EXPECT_GT(visits, 0);
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
