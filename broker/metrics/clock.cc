#include "broker/metrics/clock.h"

#include <ctime>

namespace peal::broker {
namespace {

uint64_t MonotonicNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

#if defined(__x86_64__)
/// Both clocks at one moment.
struct Moment {
  uint64_t ns;
  uint64_t ticks;
};

Moment ReadBoth() {
  // Whoever else gets the processor between the two readings spoils them: the closest ones count.
  constexpr int kTries = 16;
  Moment best{};
  uint64_t least = UINT64_MAX;
  for (int i = 0; i < kTries; ++i) {
    const uint64_t before = Ticks();
    const uint64_t ns = MonotonicNs();
    const uint64_t taken = Ticks() - before;
    if (taken >= least) continue;
    least = taken;
    best = {.ns = ns, .ticks = before + taken / 2};
  }
  return best;
}
#endif

// Ticks in a nanosecond.
double MeasureRate() {
#if defined(__x86_64__)
  constexpr uint64_t kSpanNs = 10'000'000;
  const Moment begin = ReadBoth();
  while (MonotonicNs() - begin.ns < kSpanNs) {
  }
  const Moment end = ReadBoth();
  return static_cast<double>(end.ticks - begin.ticks) / static_cast<double>(end.ns - begin.ns);
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
