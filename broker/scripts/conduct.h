#pragma once

#include <atomic>
#include <cstdint>

namespace peal::broker {

/// What the runs of a script or function so far have shown: whether it keeps to the keys that it
/// is called with, so that their stripes are enough for it. [any thread]
class Conduct {
 public:
  /// Runs with the Gate held before a script is trusted.
  static constexpr uint8_t kRunsOnTrial = 2;

  bool IsOnTrial() const { return state_.load(std::memory_order_relaxed) < kRunsOnTrial; }
  bool IsTrusted() const { return state_.load(std::memory_order_relaxed) == kRunsOnTrial; }

  /// A run on trial kept to its keys.
  void NoteGoodRun() {
    uint8_t runs = state_.load(std::memory_order_relaxed);
    while (runs < kRunsOnTrial &&
           !state_.compare_exchange_weak(runs, static_cast<uint8_t>(runs + 1))) {
    }
  }
  /// It went beyond its keys, or took long: from now on it gets everything.
  void Distrust() { state_.store(kDistrusted, std::memory_order_relaxed); }

 private:
  static constexpr uint8_t kDistrusted = UINT8_MAX;

  std::atomic<uint8_t> state_{0};  // good runs, or kDistrusted
};

}  // namespace peal::broker
