#pragma once

#include "store/sync/annotations.h"
#include "store/sync/mutex.h"
#include "store/sync/turnstile.h"

namespace peal::store {

/// A reader-writer lock for very short, very frequent reads and rare writes.
///
/// Each reader (a participant, 0..63, one thread at a time each) marks a cache line of its own, so
/// readers never disturb each other; a writer waits for all of them. Writers are served one by one,
/// in no particular order, and readers kept out by one writer get in before the next. Neither side
/// is reentrant.
class CAPABILITY("rwlock") DistributedRwLock {
 public:
  /// `rank` is the place of the writers' side in the lock order.
  explicit DistributedRwLock(LockRank rank) : writer_mutex_(rank) {}
  DistributedRwLock(const DistributedRwLock&) = delete;
  DistributedRwLock& operator=(const DistributedRwLock&) = delete;

  void ReadLock(int participant) ACQUIRE_SHARED() { turnstile_.Enter(participant); }
  void ReadUnlock(int participant) RELEASE_SHARED() { turnstile_.Leave(participant); }

  void WriteLock() ACQUIRE() NO_THREAD_SAFETY_ANALYSIS {
    writer_mutex_.Lock();
    turnstile_.WaitForKeptOut(Turnstile::kNobody);
    turnstile_.Close(Turnstile::kNobody);
  }
  void WriteUnlock() RELEASE() NO_THREAD_SAFETY_ANALYSIS {
    turnstile_.Open();
    writer_mutex_.Unlock();
  }

  class SCOPED_CAPABILITY ReadScope {
   public:
    ReadScope(DistributedRwLock& lock, int participant) ACQUIRE_SHARED(lock)
        : lock_(lock), participant_(participant) {
      lock_.ReadLock(participant_);
    }
    ~ReadScope() RELEASE() { lock_.ReadUnlock(participant_); }
    ReadScope(const ReadScope&) = delete;
    ReadScope& operator=(const ReadScope&) = delete;

   private:
    DistributedRwLock& lock_;
    const int participant_;
  };

  class SCOPED_CAPABILITY WriteScope {
   public:
    explicit WriteScope(DistributedRwLock& lock) ACQUIRE(lock) : lock_(lock) { lock_.WriteLock(); }
    ~WriteScope() RELEASE() { lock_.WriteUnlock(); }
    WriteScope(const WriteScope&) = delete;
    WriteScope& operator=(const WriteScope&) = delete;

   private:
    DistributedRwLock& lock_;
  };

 private:
  Turnstile turnstile_;
  Mutex writer_mutex_;
};

}  // namespace peal::store
