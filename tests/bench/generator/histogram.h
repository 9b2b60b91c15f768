#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace peal::bench {

/// Times in nanoseconds, log-linear: 64 buckets for each power of two, so at most 1.6 % wrong.
class Histogram {
 public:
  void Add(uint64_t value_ns) {
    ++count_;
    max_ns_ = std::max(max_ns_, value_ns);
    // Values below 64 have a bucket each; beyond, `power` halvings bring the value into [64, 128).
    const size_t power = value_ns < 64 ? 0 : size_t(std::bit_width(value_ns)) - 6;
    const size_t index = power == 0 ? value_ns : power * 64 + ((value_ns >> (power - 1)) & 63);
    ++buckets_[std::min(index, buckets_.size() - 1)];
  }

  /// The value in microseconds that the share `quantile` of all values does not exceed.
  double Us(double quantile) const {
    const auto wanted = uint64_t(quantile * double(count_));
    uint64_t seen = 0;
    for (size_t index = 0; index < buckets_.size(); ++index) {
      seen += buckets_[index];
      if (seen <= wanted) continue;
      const size_t power = index / 64, rest = index % 64;
      const uint64_t value_ns = power == 0 ? rest : uint64_t(64 + rest) << (power - 1);
      return double(std::min(value_ns, max_ns_)) / 1000.0;
    }
    return MaxUs();
  }

  double MaxUs() const { return double(max_ns_) / 1000.0; }
  uint64_t count() const { return count_; }

  void Clear() {
    std::fill(buckets_.begin(), buckets_.end(), 0);
    count_ = max_ns_ = 0;
  }

 private:
  std::vector<uint64_t> buckets_ = std::vector<uint64_t>(64 * 40, 0);
  uint64_t count_ = 0;
  uint64_t max_ns_ = 0;
};

}  // namespace peal::bench
