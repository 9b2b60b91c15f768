#include "store/sync/lock_rank.h"

#include <vector>

#include "protocol/base/check.h"

namespace peal::store::lock_rank {
namespace {

struct Held {
  const void* mutex;
  LockRank rank;
  uint16_t index;
};

std::vector<Held>& Stack() {
  thread_local std::vector<Held> stack;
  return stack;
}

}  // namespace

void CheckBeforeLock(LockRank rank, uint16_t index) {
  for (const Held& held : Stack()) {
    PEAL_CHECK(held.rank < rank || (held.rank == rank && held.index < index));
  }
}

void Push(const void* mutex, LockRank rank, uint16_t index) {
  Stack().push_back({mutex, rank, index});
}

void Pop(const void* mutex) {
  std::vector<Held>& stack = Stack();
  for (size_t i = stack.size(); i-- > 0;) {
    if (stack[i].mutex == mutex) {
      stack.erase(stack.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    }
  }
  PEAL_CHECK(false && "unlocking a mutex this thread does not hold");
}

bool ThreadHolds(const void* mutex) {
  for (const Held& held : Stack()) {
    if (held.mutex == mutex) return true;
  }
  return false;
}

int ThreadHeldCount() { return static_cast<int>(Stack().size()); }

}  // namespace peal::store::lock_rank
