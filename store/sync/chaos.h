#pragma once

namespace peal::store {

/// A place where another thread may get in between: before a lock, a post, a drain; after a claim
/// on a waiter.
///
/// With PEAL_CHAOS it yields the processor now and then (by a cheap per-thread generator), so that
/// tests meet rare interleavings; otherwise it is nothing.
#ifdef PEAL_CHAOS
void ChaosPoint();
#else
inline void ChaosPoint() {}
#endif

}  // namespace peal::store
