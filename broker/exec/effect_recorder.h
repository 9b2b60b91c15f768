#pragma once

#include <cstddef>
#include <vector>

#include "broker/exec/unit.h"
#include "store/sync/annotations.h"
#include "store/sync/mutex.h"

namespace peal::broker {

/// Keeps the effects of all units, in their serial order, until somebody takes them: DEBUG
/// PEAL-EFFECTS, for tests that repeat them elsewhere. [any thread]
class EffectRecorder final : public EffectSink {
 public:
  /// Above this it keeps no more.
  static constexpr size_t kMostBytes = size_t{256} * 1024 * 1024;

  void OnUnit(const std::vector<Effect>& effects) override;

  struct Taken {
    std::vector<Effect> effects;
    bool is_complete = true;
  };
  /// What has come since the last call.
  Taken Take();

 private:
  store::Mutex mutex_{store::LockRank::kLog};
  Taken taken_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace peal::broker
