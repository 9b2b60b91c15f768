#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace peal::broker {

/// Counts of spans of time by their size in ticks: 8 buckets for each power of two, so a reading is
/// at most 12 % off. Fixed memory (2 KiB), constant-time Add. Not thread-safe.
class Histogram {
 public:
  void Add(uint64_t ticks) {
    ++buckets_[BucketOf(ticks)];
    ++count_;
  }
  uint64_t count() const { return count_; }
  void Merge(const Histogram& other) {
    for (size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
  }
  /// The upper bound of the bucket below which `share` (0 to 1) of all spans lie, in ticks; 0 if
  /// empty.
  uint64_t Percentile(double share) const {
    if (count_ == 0) return 0;
    const auto wanted = static_cast<uint64_t>(share * static_cast<double>(count_));
    uint64_t seen = 0;
    for (size_t i = 0; i < kBuckets; ++i) {
      seen += buckets_[i];
      if (seen > wanted || seen == count_) return UpperBound(i);
    }
    return UpperBound(kBuckets - 1);
  }
  /// How many spans were at most about `ticks`.
  uint64_t CountUpTo(uint64_t ticks) const {
    uint64_t seen = 0;
    for (size_t i = 0; i < kBuckets && UpperBound(i) <= ticks; ++i) seen += buckets_[i];
    return seen;
  }

 private:
  static constexpr int kSubBits = 3;
  static constexpr size_t kBuckets = (64 - kSubBits + 1) << kSubBits;

  static size_t BucketOf(uint64_t value) {
    if (value < (1u << kSubBits)) return value;
    const int top = 63 - __builtin_clzll(value);
    const int shift = top - kSubBits;
    return (static_cast<size_t>(shift + 1) << kSubBits) |
           ((value >> shift) & ((1u << kSubBits) - 1));
  }
  static uint64_t UpperBound(size_t bucket) {
    if (bucket < (1u << kSubBits)) return bucket;
    const auto shift = static_cast<int>(bucket >> kSubBits) - 1;
    const uint64_t low = ((bucket & ((1u << kSubBits) - 1)) | (1u << kSubBits));
    return ((low + 1) << shift) - 1;
  }

  std::array<uint32_t, kBuckets> buckets_{};
  uint64_t count_ = 0;
};

}  // namespace peal::broker
