#include "broker/metrics/command_stats.h"

namespace peal::broker {

void CommandStats::CountError(std::string_view code) {
  ++counters_.error_replies;
  const auto found = errors_.find(code);
  if (found != errors_.end()) {
    ++found->second;
  } else if (errors_.size() < kMaxErrors) {
    errors_.emplace(code, 1);
  }
}

uint64_t CommandStats::TotalCalls() const {
  uint64_t sum = 0;
  for (const CommandNumbers& numbers : commands_) sum += numbers.calls;
  return sum;
}

void CommandStats::Reset() {
  const size_t size = commands_.size();
  commands_.clear();
  commands_.resize(size);
  errors_.clear();
  counters_ = {};
}

}  // namespace peal::broker
