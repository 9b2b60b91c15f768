#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace peal::broker {

/// Rates of commands and octets over the last 16 samples, taken every 100 ms.
class Rates {
 public:
  void Sample(uint64_t commands, uint64_t bytes_in, uint64_t bytes_out) {
    Push(commands_, commands);
    Push(in_, bytes_in);
    Push(out_, bytes_out);
    at_ = (at_ + 1) % kSamples;
  }
  uint64_t CommandsPerSecond() const { return PerSecond(commands_); }
  uint64_t BytesInPerSecond() const { return PerSecond(in_); }
  uint64_t BytesOutPerSecond() const { return PerSecond(out_); }

 private:
  static constexpr size_t kSamples = 16;
  static constexpr uint64_t kSamplesPerSecond = 10;
  struct Series {
    uint64_t last = 0;
    std::array<uint64_t, kSamples> steps{};
  };

  void Push(Series& series, uint64_t total) const {
    series.steps[at_] = total >= series.last ? total - series.last : 0;
    series.last = total;
  }
  static uint64_t PerSecond(const Series& series) {
    uint64_t sum = 0;
    for (const uint64_t step : series.steps) sum += step;
    return sum * kSamplesPerSecond / kSamples;
  }

  Series commands_, in_, out_;
  size_t at_ = 0;
};

}  // namespace peal::broker
