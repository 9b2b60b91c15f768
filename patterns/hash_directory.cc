#include "patterns/hash_directory.h"

#include <algorithm>
#include <cstdlib>

#include "patterns/give_back.h"

namespace peal::patterns {
namespace {

constexpr size_t kBucketBytes = 16 + 7 * (2 + 4);

}  // namespace

HashDirectory::Segment HashDirectory::MakeSegment(uint32_t buckets, uint32_t depth,
                                                  uint32_t prefix) {
  Segment segment;
  segment.tags = std::make_unique<Tags[]>(buckets);  // cleared: all empty
  segment.high.reset(new uint16_t[size_t{buckets} * kSlots]);
  segment.payloads.reset(new uint32_t[size_t{buckets} * kSlots]);
  segment.buckets = buckets;
  segment.depth = depth;
  segment.prefix = prefix;
  return segment;
}

void HashDirectory::Place(const View& view, uint32_t hash, uint32_t payload) {
  uint32_t bucket = BucketOf(hash, view);
  while (true) {  // ends: the caller keeps a free slot in every segment
    Tags& tags = view.tags[bucket];
    for (uint32_t i = 0; i < kSlots; ++i) {
      if (tags.tags[i] != 0) continue;
      tags.tags[i] = static_cast<uint16_t>(hash);
      view.high[bucket * kSlots + i] = static_cast<uint16_t>(hash >> 16);
      view.payloads[bucket * kSlots + i] = payload;
      return;
    }
    ++tags.passed;  // at most 7,168 entries in a segment: cannot overflow
    if (++bucket == view.buckets) bucket = 0;
  }
}

template <typename Visit>
void HashDirectory::ForEach(const Segment& segment, Visit&& visit) {
  for (uint32_t bucket = 0; bucket < segment.buckets; ++bucket) {
    for (uint32_t i = 0; i < kSlots; ++i) {
      const uint16_t tag = segment.tags[bucket].tags[i];
      if (tag == 0) continue;
      const uint32_t slot = bucket * kSlots + i;
      visit(uint32_t{segment.high[slot]} << 16 | tag, segment.payloads[slot]);
    }
  }
}

void HashDirectory::Publish(uint32_t index) {
  const Segment& segment = segments_[index];
  const size_t share = size_t{1} << (depth_ - segment.depth);
  const View view = ViewOf(segment, index);
  std::fill_n(directory_.begin() + static_cast<ptrdiff_t>(segment.prefix * share), share, view);
}

void HashDirectory::Resize(uint32_t index, uint32_t buckets) {
  Segment& old = segments_[index];
  Segment fresh = MakeSegment(buckets, old.depth, old.prefix);
  const View view = ViewOf(fresh, index);
  ForEach(old, [&](uint32_t hash, uint32_t payload) { Place(view, hash, payload); });
  fresh.count = old.count;
  slot_bytes_ += (size_t{fresh.buckets} - old.buckets) * kBucketBytes;
  old = std::move(fresh);
  Publish(index);
}

void HashDirectory::Split(uint32_t index) {
  Segment old = std::move(segments_[index]);
  slot_bytes_ -= old.buckets * kBucketBytes;
  if (old.depth == depth_) {
    std::vector<View> wider(directory_.size() * 2);
    for (size_t i = 0; i < wider.size(); ++i) wider[i] = directory_[i / 2];
    directory_ = std::move(wider);
    ++depth_;
  }
  uint32_t counts[2] = {0, 0};
  const unsigned shift = 31 - old.depth;
  ForEach(old, [&](uint32_t hash, uint32_t) { ++counts[hash >> shift & 1]; });
  for (uint32_t half = 0; half < 2; ++half) {
    const uint32_t buckets = std::max<uint32_t>(2, counts[half] * 4 / (kSlots * 3) + 1);
    Segment fresh = MakeSegment(buckets, old.depth + 1, old.prefix << 1 | half);
    uint32_t to = index;
    if (half == 1) {
      if (unused_.empty()) {
        to = static_cast<uint32_t>(segments_.size());
        segments_.emplace_back();
      } else {
        to = unused_.back();
        unused_.pop_back();
      }
    }
    const View view = ViewOf(fresh, to);
    ForEach(old, [&](uint32_t hash, uint32_t payload) {
      if ((hash >> shift & 1) == half) Place(view, hash, payload);
    });
    fresh.count = counts[half];
    slot_bytes_ += buckets * kBucketBytes;
    segments_[to] = std::move(fresh);
    Publish(to);
  }
}

bool HashDirectory::MergeWithSibling(uint32_t index) {
  const Segment& one = segments_[index];
  if (one.depth == 0) return false;
  const size_t share = size_t{1} << (depth_ - one.depth);
  const uint32_t other = directory_[(one.prefix ^ 1) * share].segment;
  const Segment& two = segments_[other];
  if (two.depth != one.depth) return false;
  const uint32_t count = one.count + two.count;
  if (count > kMostBuckets * kSlots / 3) return false;
  const uint32_t buckets = std::max<uint32_t>(2, count * 4 / (kSlots * 3) + 1);
  Segment fresh = MakeSegment(buckets, one.depth - 1, one.prefix >> 1);
  const View view = ViewOf(fresh, index);
  for (const Segment* from : {&one, &two})
    ForEach(*from, [&](uint32_t hash, uint32_t payload) { Place(view, hash, payload); });
  fresh.count = count;
  slot_bytes_ += (size_t{buckets} - one.buckets - two.buckets) * kBucketBytes;
  segments_[other] = Segment();
  unused_.push_back(other);
  segments_[index] = std::move(fresh);
  Publish(index);
  return true;
}

void HashDirectory::Insert(uint32_t hash, uint32_t payload) {
  hash = Usable(hash);
  if (directory_.empty()) {
    segments_.push_back(MakeSegment(1, 0, 0));
    slot_bytes_ += kBucketBytes;
    directory_.resize(1);
    Publish(0);
  }
  uint32_t index = directory_[DirectoryIndex(hash)].segment;
  // A loop because a split may, in theory, leave all on one side.
  while (segments_[index].count >= segments_[index].buckets * kSlots * 86 / 100) {
    const Segment& segment = segments_[index];
    const uint32_t wider = std::max(segment.buckets + 1, segment.buckets * 5 / 4);
    if (wider <= kMostBuckets || segment.depth == kMostDepth) {
      Resize(index, wider);
    } else {
      Split(index);
      index = directory_[DirectoryIndex(hash)].segment;
    }
  }
  Segment& segment = segments_[index];
  Place(ViewOf(segment, index), hash, payload);
  ++segment.count;
  ++size_;
}

HashDirectory::Slot HashDirectory::FindSlot(const View& view, uint32_t hash,
                                            uint32_t payload) const {
  uint32_t bucket = BucketOf(hash, view);
  for (uint32_t walked = 0; walked < view.buckets; ++walked) {
    const Tags& tags = view.tags[bucket];
    for (uint32_t i = 0; i < kSlots; ++i) {
      const uint32_t slot = bucket * kSlots + i;
      if (tags.tags[i] == static_cast<uint16_t>(hash) && view.high[slot] == hash >> 16 &&
          view.payloads[slot] == payload)
        return {slot};
    }
    if (tags.passed == 0) break;
    if (++bucket == view.buckets) bucket = 0;
  }
  std::abort();  // the owner asked for an entry that is not there: its own records are damaged
}

void HashDirectory::Replace(uint32_t hash, uint32_t from, uint32_t to) {
  hash = Usable(hash);
  const View& view = directory_[DirectoryIndex(hash)];
  view.payloads[FindSlot(view, hash, from).index] = to;
}

void HashDirectory::Erase(uint32_t hash, uint32_t payload) {
  hash = Usable(hash);
  const View view = directory_[DirectoryIndex(hash)];
  const Slot slot = FindSlot(view, hash, payload);
  const uint32_t home = slot.index / kSlots;
  view.tags[home].tags[slot.index % kSlots] = 0;
  for (uint32_t bucket = BucketOf(hash, view); bucket != home;) {
    --view.tags[bucket].passed;
    if (++bucket == view.buckets) bucket = 0;
  }
  Segment& segment = segments_[view.segment];
  --segment.count;
  if (--size_ == 0) {
    GiveBack(directory_);
    GiveBack(segments_);
    GiveBack(unused_);
    depth_ = 0;
    slot_bytes_ = 0;
    return;
  }
  if (segment.count * 5 > segment.buckets * kSlots * 2 || segment.buckets <= 2) return;
  // Below 40 %: shrink to 75 %, with the sibling if both are small.
  if (!MergeWithSibling(view.segment))
    Resize(view.segment, std::max<uint32_t>(2, segment.count * 4 / (kSlots * 3) + 1));
}

size_t HashDirectory::MemoryBytes() const {
  return slot_bytes_ + directory_.capacity() * sizeof(View) +
         segments_.capacity() * sizeof(Segment) + unused_.capacity() * sizeof(uint32_t);
}

}  // namespace peal::patterns
