#include "store/sync/lock_rank.h"

#include <cstddef>

#include "protocol/base/check.h"

namespace peal::store::lock_rank {
namespace {

struct Held {
  const void* mutex;
  LockRank rank;
  uint16_t index;
};

/// All 1,024 stripes and a few more. Plain memory without a destructor, because other thread-local
/// objects take locks in theirs.
constexpr size_t kMaxHeld = 1024 + 64;
struct Stack {
  Held held[kMaxHeld];
  size_t size;
};
thread_local Stack stack;  // zero-initialised

}  // namespace

void CheckBeforeLock(LockRank rank, uint16_t index) {
  for (size_t i = 0; i < stack.size; ++i) {
    const Held& held = stack.held[i];
    PEAL_CHECK(held.rank < rank || (held.rank == rank && held.index < index));
  }
}

void Push(const void* mutex, LockRank rank, uint16_t index) {
  PEAL_CHECK(stack.size < kMaxHeld);
  stack.held[stack.size++] = {mutex, rank, index};
}

void Pop(const void* mutex) {
  for (size_t i = stack.size; i-- > 0;) {
    if (stack.held[i].mutex != mutex) continue;
    for (--stack.size; i < stack.size; ++i) stack.held[i] = stack.held[i + 1];
    return;
  }
  PEAL_CHECK(false && "unlocking a mutex this thread does not hold");
}

bool ThreadHolds(const void* mutex) {
  for (size_t i = 0; i < stack.size; ++i) {
    if (stack.held[i].mutex == mutex) return true;
  }
  return false;
}

int ThreadHeldCount() { return static_cast<int>(stack.size); }

}  // namespace peal::store::lock_rank
