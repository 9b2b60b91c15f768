#pragma once

#include <chrono>

namespace peal::tests {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

/// How much longer than usual everything may take: sanitizers slow the server down.
#ifdef PEAL_SANITIZED
inline constexpr int kSlowness = 4;
#else
inline constexpr int kSlowness = 1;
#endif

/// The longest any single wait of a test may take before the test fails.
inline constexpr Milliseconds kPatience{10'000 * kSlowness};

/// A point in time after which waiting has failed.
class Deadline {
 public:
  explicit Deadline(Milliseconds patience = kPatience) : end_(Clock::now() + patience) {}

  bool HasPassed() const { return Clock::now() >= end_; }
  /// Milliseconds left, at least 0; fits poll().
  int LeftMs() const {
    const auto left = std::chrono::duration_cast<Milliseconds>(end_ - Clock::now()).count();
    return left > 0 ? static_cast<int>(left) : 0;
  }

 private:
  Clock::time_point end_;
};

}  // namespace peal::tests
