#include "store/sync/mutex.h"

#include "store/sync/futex.h"

namespace peal::store {

void Mutex::LockSlow() {
  // A section under a stripe takes well under a microsecond; a sleep and a wake-up cost several.
  constexpr int kSpins = 64;
  for (int i = 0; i < kSpins; ++i) {
    CpuRelax();
    uint32_t expected = kFree;
    if (state_.load(std::memory_order_relaxed) == kFree &&
        state_.compare_exchange_weak(expected, kTaken, std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
      return;
    }
  }
  // From here on the state is left at "contended", since others may sleep as well.
  while (state_.exchange(kContended, std::memory_order_acquire) != kFree) {
    FutexWait(state_, kContended);
  }
}

void Mutex::WakeOne() { FutexWake(state_, 1); }

}  // namespace peal::store
