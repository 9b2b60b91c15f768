#include "broker/metrics/clock.h"

#include <ctime>

namespace peal::broker {
namespace {

uint64_t MonotonicNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// Ticks in a nanosecond.
double MeasureRate() {
#if defined(__x86_64__)
  constexpr uint64_t kSpanNs = 10'000'000;
  const uint64_t began_ns = MonotonicNs();
  const uint64_t began = Ticks();
  uint64_t now_ns = began_ns;
  while (now_ns - began_ns < kSpanNs) now_ns = MonotonicNs();
  return static_cast<double>(Ticks() - began) / static_cast<double>(now_ns - began_ns);
#else
  return 1.0;
#endif
}

double Rate() {
  static const double rate = MeasureRate();
  return rate;
}

}  // namespace

void CalibrateTicks() { (void)Rate(); }

uint64_t TicksToNs(uint64_t ticks) {
  return static_cast<uint64_t>(static_cast<double>(ticks) / Rate());
}

uint64_t UsToTicks(uint64_t us) {
  const double ticks = static_cast<double>(us) * 1000.0 * Rate();
  return ticks >= 1.8e19 ? UINT64_MAX : static_cast<uint64_t>(ticks);
}

}  // namespace peal::broker
