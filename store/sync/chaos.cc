#include "store/sync/chaos.h"

#ifdef PEAL_CHAOS
#include <sched.h>

#include <cstdint>

namespace peal::store {

void ChaosPoint() {
  thread_local uint64_t state = 0;
  // The address of a thread-local differs by thread, which is seed enough.
  if (state == 0) state = reinterpret_cast<uintptr_t>(&state) | 1;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  if ((state >> 32) % 8 == 0) sched_yield();
}

}  // namespace peal::store
#endif
