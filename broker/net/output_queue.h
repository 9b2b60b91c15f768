#pragma once

#include <cstdint>
#include <string_view>

#include "broker/net/buffer.h"

struct iovec;

namespace peal::broker {

/// What a connection has still to send: ranges of shared buffers, oldest first.
///
/// Bytes are never copied here but in Compact. Two neighbouring ranges of one buffer are held as
/// one, so a run of messages costs one segment however many they are. Holds one reference for each
/// segment. Reactor thread only.
class OutputQueue {
 public:
  OutputQueue() = default;
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;
  ~OutputQueue() { Clear(); }

  bool empty() const { return count_ == 0; }
  /// Bytes queued; a shared range counts in full for every queue that holds it.
  uint64_t bytes() const { return bytes_; }
  uint32_t segments() const { return count_; }

  /// Appends `range`, taking a reference to its buffer.
  void Push(Range range) {
    bytes_ += range.length;
    if (count_ != 0) {
      Segment& last = At(count_ - 1);
      if (last.buffer == range.buffer && last.offset + last.length == range.offset) {
        last.length += range.length;
        return;
      }
    }
    range.buffer->AddRef();
    Append(range);
  }

  /// Appends `range`, taking over a reference that the caller owned.
  void PushOwned(Range range) {
    bytes_ += range.length;
    Append(range);
  }

  /// Copies `bytes` into a block of the queue's own and appends that. For a connection whose socket
  /// is full: its backlog must not pin large shared blocks for the sake of a few bytes in each.
  void PushCopy(std::string_view bytes);

  /// Fills `out` with at most `max` ranges to write; returns their number.
  int Gather(iovec* out, int max) const;

  /// Drops the first `bytes`, which were sent.
  void Consume(uint64_t bytes);

  /// Copies what lies in pieces smaller than `limit` together, so that shared blocks can go.
  void Compact(uint32_t limit);

  void Clear();

  /// Memory of this queue's own: the segment list and copied blocks are counted, shared blocks are
  /// not.
  size_t OwnedBytes() const { return capacity_ > kInline ? capacity_ * sizeof(Segment) : 0; }

 private:
  struct Segment {
    Buffer* buffer;
    uint32_t offset;
    uint32_t length;
  };
  static constexpr uint32_t kInline = 1;
  static constexpr uint32_t kCopyBlock = 16 * 1024;

  Segment* Ring() { return capacity_ == kInline ? &inline_ : heap_; }
  const Segment* Ring() const { return capacity_ == kInline ? &inline_ : heap_; }
  Segment& At(uint32_t index) { return Ring()[(first_ + index) & (capacity_ - 1)]; }
  const Segment& At(uint32_t index) const { return Ring()[(first_ + index) & (capacity_ - 1)]; }
  void Append(Range range) {
    if (count_ == capacity_) Grow();
    At(count_++) = Segment{range.buffer, range.offset, range.length};
    copy_used_ = 0;
  }
  void Grow();

  uint64_t bytes_ = 0;
  uint32_t first_ = 0;
  uint32_t count_ = 0;
  uint32_t capacity_ = kInline;
  uint32_t copy_used_ =
      0;  // bytes used of the last segment's block while it is our own copy block; else 0
  union {
    Segment inline_;
    Segment* heap_;
  };
};

}  // namespace peal::broker
