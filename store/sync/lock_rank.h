#pragma once

#include <cstdint>

namespace peal::store {

/// The lock order, in one place. A thread may take a mutex only if it holds none of a higher rank,
/// and of its own rank only such with a smaller index (stripes and shards lock in ascending index).
/// The Gate comes before all of them: exclusivity is asked for with empty hands.
enum class LockRank : uint8_t {
  kStripe,
  kChannelShard,
  kPatternWriter,
  kLog,
  kLeaf,  // takes nothing after it; at most one leaf at a time
};

class Gate;

namespace lock_rank {

// Debug bookkeeping on a thread-local stack. Callers invoke these only without NDEBUG.

/// Stops the process if taking this lock now breaks the order.
void CheckBeforeLock(LockRank rank, uint16_t index);
/// Notes a lock just taken. `mutex` identifies it.
void Push(const void* mutex, LockRank rank, uint16_t index);
/// Forgets a lock; order of release is free.
void Pop(const void* mutex);
bool ThreadHolds(const void* mutex);
int ThreadHeldCount();

}  // namespace lock_rank
}  // namespace peal::store
