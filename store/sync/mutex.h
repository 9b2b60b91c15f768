#pragma once

#include <atomic>
#include <cstdint>

#include "protocol/base/check.h"
#include "store/sync/annotations.h"
#include "store/sync/chaos.h"
#include "store/sync/lock_rank.h"

namespace peal::store {

/// A mutex of 8 bytes: spins briefly, then sleeps on a futex. Not recursive, not fair.
///
/// Debug builds check on every lock that the thread keeps the order of LockRank. Sections are
/// meant to be short; see style rules on what may not happen under a lock.
class CAPABILITY("mutex") Mutex {
 public:
  /// `index` orders mutexes of one rank (the stripe or shard number).
  explicit Mutex(LockRank rank, uint16_t index = 0) : index_(index), rank_(rank) {}
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ACQUIRE() {
    ChaosPoint();
#ifndef NDEBUG
    lock_rank::CheckBeforeLock(rank_, index_);
#endif
    uint32_t expected = kFree;
    if (!state_.compare_exchange_strong(expected, kTaken, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
      LockSlowly(false);
    }
    NoteLocked();
  }

  /// As Lock; but false if it has to wait and somebody wants the thread's Gate exclusively: whoever
  /// holds the mutex may be the one. The thread lets go of everything and steps aside.
  [[nodiscard]] bool LockUnlessWanted() TRY_ACQUIRE(true) {
    ChaosPoint();
#ifndef NDEBUG
    lock_rank::CheckBeforeLock(rank_, index_);
#endif
    uint32_t expected = kFree;
    if (!state_.compare_exchange_strong(expected, kTaken, std::memory_order_acquire,
                                        std::memory_order_relaxed) &&
        !LockSlowly(true)) {
      return false;
    }
    NoteLocked();
    return true;
  }

  /// True if the lock was free. Keeps the lock order like Lock(), though it could not deadlock.
  [[nodiscard]] bool TryLock() TRY_ACQUIRE(true) {
#ifndef NDEBUG
    lock_rank::CheckBeforeLock(rank_, index_);
#endif
    return TryLockInAnyOrder();
  }
  /// As TryLock for one who must not wait for any mutex after that, but may step aside.
  [[nodiscard]] bool TryLockInAnyOrder() TRY_ACQUIRE(true) {
    uint32_t expected = kFree;
    if (!state_.compare_exchange_strong(expected, kTaken, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
      return false;
    }
    NoteLocked();
    return true;
  }

  void Unlock() RELEASE() {
#ifndef NDEBUG
    lock_rank::Pop(this);
#endif
    if (state_.exchange(kFree, std::memory_order_release) == kContended) WakeOne();
  }

  /// Tells the analysis that the calling thread holds this mutex; debug builds check it.
  void AssertHeld() const ASSERT_CAPABILITY(this) {
#ifndef NDEBUG
    PEAL_CHECK(lock_rank::ThreadHolds(this));
#endif
  }

  LockRank rank() const { return rank_; }
  uint16_t index() const { return index_; }

 private:
  static constexpr uint32_t kFree = 0;
  static constexpr uint32_t kTaken = 1;
  static constexpr uint32_t kContended = 2;  // taken, and somebody may sleep

  bool LockSlowly(bool gives_up);
  void WakeOne();
  void NoteLocked() {
#ifndef NDEBUG
    lock_rank::Push(this, rank_, index_);
#endif
  }

  std::atomic<uint32_t> state_{kFree};
  const uint16_t index_;
  const LockRank rank_;
};
static_assert(sizeof(Mutex) == 8);

/// Holds a Mutex for a scope.
class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace peal::store
