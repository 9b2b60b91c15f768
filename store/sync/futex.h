#pragma once

#include <atomic>
#include <cstdint>

namespace peal::store {

/// Sleeps while `*word` equals `expected`; may return early, so callers loop. Linux futex, private.
void FutexWait(std::atomic<uint32_t>& word, uint32_t expected);

/// As FutexWait, but for `us` microseconds at most; below a second.
void FutexWaitFor(std::atomic<uint32_t>& word, uint32_t expected, int64_t us);

/// Wakes at most `count` threads that sleep on `word`. The memory need not be live any more: the
/// kernel only compares addresses.
void FutexWake(std::atomic<uint32_t>& word, int count);
void FutexWakeAll(std::atomic<uint32_t>& word);

/// Tells the core that this is a spin loop.
inline void CpuRelax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

}  // namespace peal::store
