#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace peal::patterns {

/// Maps 32-bit hashes to 32-bit payloads; several payloads may share a hash.
///
/// It keeps no keys: the owner compares what a payload stands for. Extendible hashing over segments
/// of at most 7,168 slots, so that growing moves one segment (some 100 us) and never doubles the
/// memory; a segment grows by a quarter, so that it is 70 to 86 % full. Buckets of seven slots keep
/// their 16-bit tags apart from the payloads: a look-up that finds nothing, the common case by far,
/// reads one 16-byte group. 8.3 bytes a slot, some 10.5 bytes an entry.
/// Reading is thread-safe among readers.
class HashDirectory {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  /// Calls `visit(payload)` for the payloads under `hash` until it returns true.
  template <typename Visit>
  void Lookup(uint32_t hash, Visit&& visit) const {
    if (directory_.empty()) return;
    hash = Usable(hash);
    const View& view = directory_[DirectoryIndex(hash)];
    uint32_t bucket = BucketOf(hash, view);
    // The bound is the segment: every bucket full and passed over is possible in theory only.
    for (uint32_t walked = 0; walked < view.buckets; ++walked) {
      const Tags& tags = view.tags[bucket];
      for (uint32_t hits = MatchTags(tags, static_cast<uint16_t>(hash)); hits != 0;
           hits &= hits - 1) {
        const Slot slot{bucket * kSlots + static_cast<uint32_t>(__builtin_ctz(hits)) / kLaneBits};
        if (view.high[slot.index] != hash >> 16) continue;
        if (visit(view.payloads[slot.index])) return;
      }
      if (tags.passed == 0) return;
      if (++bucket == view.buckets) bucket = 0;
    }
  }

  /// The first payload under `hash`, or kNone.
  uint32_t First(uint32_t hash) const {
    uint32_t found = kNone;
    Lookup(hash, [&](uint32_t payload) {
      found = payload;
      return true;
    });
    return found;
  }

  /// Adds an entry, even when `hash` is there already.
  void Insert(uint32_t hash, uint32_t payload);

  /// Puts `to` in place of `from` under `hash`; the entry must be there.
  void Replace(uint32_t hash, uint32_t from, uint32_t to);

  /// Removes the entry; it must be there.
  void Erase(uint32_t hash, uint32_t payload);

  size_t size() const { return size_; }
  size_t MemoryBytes() const;

 private:
  static constexpr uint32_t kSlots = 7;  // a bucket's; the eighth lane counts passers-by
  static constexpr uint32_t kMostBuckets = 1'024;
  static constexpr unsigned kMostDepth = 16;

  struct alignas(16) Tags {
    uint16_t tags[kSlots];  // low half of the hash; 0 is empty
    uint16_t passed;        // entries that live further on because this bucket was full
  };
  struct Slot {
    uint32_t index;
  };
  /// What a look-up needs of a segment, copied into the directory to spare a cache miss.
  struct View {
    Tags* tags = nullptr;
    uint16_t* high = nullptr;
    uint32_t* payloads = nullptr;
    uint32_t buckets = 0;
    uint32_t segment = 0;
    uint32_t depth = 0;
  };
  struct Segment {
    std::unique_ptr<Tags[]> tags;
    std::unique_ptr<uint16_t[]> high;
    std::unique_ptr<uint32_t[]> payloads;
    uint32_t buckets = 0;
    uint32_t count = 0;
    uint32_t depth = 0;   // leading hash bits that all its entries share
    uint32_t prefix = 0;  // those bits, in the low end
  };

#if defined(__SSE2__)
  static constexpr uint32_t kLaneBits = 2;
  static uint32_t MatchTags(const Tags& tags, uint16_t tag) {
    const __m128i lanes = _mm_load_si128(reinterpret_cast<const __m128i*>(&tags));
    const __m128i same = _mm_cmpeq_epi16(lanes, _mm_set1_epi16(static_cast<int16_t>(tag)));
    // One bit of the two that a 16-bit lane gives, and not the counter's lane.
    return static_cast<uint32_t>(_mm_movemask_epi8(same)) & 0x1555U;
  }
#else
  static constexpr uint32_t kLaneBits = 1;
  static uint32_t MatchTags(const Tags& tags, uint16_t tag) {
    uint32_t hits = 0;
    for (uint32_t i = 0; i < kSlots; ++i) hits |= uint32_t{tags.tags[i] == tag} << i;
    return hits;
  }
#endif

  /// Tag 0 means empty, so no hash may have it.
  static uint32_t Usable(uint32_t hash) { return (hash & 0xFFFF) == 0 ? hash | 1 : hash; }
  size_t DirectoryIndex(uint32_t hash) const {
    return static_cast<size_t>(uint64_t{hash} >> (32 - depth_));
  }
  static uint32_t BucketOf(uint32_t hash, const View& view) {
    return static_cast<uint32_t>(uint64_t{hash << view.depth} * view.buckets >> 32);
  }
  static View ViewOf(const Segment& segment, uint32_t index) {
    return {segment.tags.get(), segment.high.get(), segment.payloads.get(), segment.buckets, index,
            segment.depth};
  }

  static Segment MakeSegment(uint32_t buckets, uint32_t depth, uint32_t prefix);
  static void Place(const View& view, uint32_t hash, uint32_t payload);
  template <typename Visit>
  static void ForEach(const Segment& segment, Visit&& visit);
  Slot FindSlot(const View& view, uint32_t hash, uint32_t payload) const;
  void Publish(uint32_t index);
  void Resize(uint32_t index, uint32_t buckets);
  void Split(uint32_t index);
  bool MergeWithSibling(uint32_t index);

  std::vector<View> directory_;  // 2^depth_ views, by the leading bits of the hash
  std::vector<Segment> segments_;
  std::vector<uint32_t> unused_;  // indexes in segments_ without memory
  unsigned depth_ = 0;
  size_t size_ = 0;
  size_t slot_bytes_ = 0;
};

}  // namespace peal::patterns
