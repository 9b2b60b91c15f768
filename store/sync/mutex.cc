#include "store/sync/mutex.h"

#include "store/sync/futex.h"
#include "store/sync/gate.h"

namespace peal::store {
namespace {

constexpr int64_t kUsBetweenLooksAtGate = 500;

}  // namespace

bool Mutex::LockSlowly(bool gives_up) {
  // A section under a stripe takes well under a microsecond; a sleep and a wake-up cost several.
  constexpr int kSpins = 64;
  for (int i = 0; i < kSpins; ++i) {
    CpuRelax();
    uint32_t expected = kFree;
    if (state_.load(std::memory_order_relaxed) == kFree &&
        state_.compare_exchange_weak(expected, kTaken, std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
      return true;
    }
  }
  // From here on the state is left at "contended", since others may sleep as well.
  while (state_.exchange(kContended, std::memory_order_acquire) != kFree) {
    if (rank_ != LockRank::kStripe) {
      FutexWait(state_, kContended);
      continue;
    }
    // A stripe may be held for long, by one who waits for this thread to leave its turn.
    if (Gate::ThreadIsWanted()) {
      if (gives_up) return false;
      Gate::ThreadStepsAside();
    } else {
      FutexWaitFor(state_, kContended, kUsBetweenLooksAtGate);
    }
  }
  return true;
}

void Mutex::WakeOne() { FutexWake(state_, 1); }

}  // namespace peal::store
