#include "broker/exec/effect_recorder.h"

#include <utility>

namespace peal::broker {

void EffectRecorder::OnUnit(const std::vector<Effect>& effects) {
  const store::MutexLock lock(mutex_);
  for (const Effect& effect : effects) {
    for (const std::string& arg : effect.args) bytes_ += sizeof(std::string) + arg.size();
    if (bytes_ > kMostBytes) taken_.is_complete = false;
    if (!taken_.is_complete) return;
    taken_.effects.push_back(effect);
  }
}

EffectRecorder::Taken EffectRecorder::Take() {
  const store::MutexLock lock(mutex_);
  bytes_ = 0;
  return std::exchange(taken_, {});
}

}  // namespace peal::broker
