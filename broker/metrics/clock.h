#pragma once

#include <cstdint>
#include <ctime>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace peal::broker {

/// A cheap clock for measuring short spans: the processor's time stamp counter where it runs at a
/// constant rate, else CLOCK_MONOTONIC in nanoseconds. Only differences mean something. [any
/// thread]
inline uint64_t Ticks() {
#if defined(__x86_64__)
  return __rdtsc();
#else
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
#endif
}

/// Microseconds of CLOCK_MONOTONIC, for deadlines. [any thread]
inline int64_t MonotonicUs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000 + now.tv_nsec / 1000;
}

/// Microseconds of processor time that the calling thread has had. A system call.
inline int64_t ThreadCpuUs() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000 + now.tv_nsec / 1000;
}

/// Milliseconds since 1970. [any thread]
inline int64_t WallClockMs() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

/// Measures the rate of Ticks(); once, at start, takes about 10 ms. Before it, conversions measure
/// by themselves on first use.
void CalibrateTicks();

uint64_t TicksToNs(uint64_t ticks);
inline uint64_t TicksToUs(uint64_t ticks) { return TicksToNs(ticks) / 1000; }
uint64_t UsToTicks(uint64_t us);

}  // namespace peal::broker
