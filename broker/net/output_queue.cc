#include "broker/net/output_queue.h"

#include <sys/uio.h>

#include <algorithm>
#include <cstring>

namespace peal::broker {

void OutputQueue::Grow() {
  const uint32_t capacity = capacity_ * 4;
  auto* ring = static_cast<Segment*>(std::malloc(capacity * sizeof(Segment)));
  if (ring == nullptr) throw std::bad_alloc();
  for (uint32_t i = 0; i < count_; ++i) ring[i] = At(i);
  if (capacity_ != kInline) std::free(heap_);
  heap_ = ring;
  capacity_ = capacity;
  first_ = 0;
}

void OutputQueue::PushCopy(std::string_view bytes) {
  bytes_ += bytes.size();
  while (!bytes.empty()) {
    if (copy_used_ != 0) {
      Segment& last = At(count_ - 1);
      const auto n = static_cast<uint32_t>(
          std::min<size_t>(bytes.size(), last.buffer->capacity() - copy_used_));
      std::memcpy(last.buffer->data() + copy_used_, bytes.data(), n);
      last.length += n;
      copy_used_ += n;
      bytes.remove_prefix(n);
      if (copy_used_ == last.buffer->capacity()) copy_used_ = 0;
      continue;
    }
    const auto n = static_cast<uint32_t>(std::min<size_t>(bytes.size(), kCopyBlock));
    Buffer* block = Buffer::New(kCopyBlock);
    std::memcpy(block->data(), bytes.data(), n);
    bytes.remove_prefix(n);
    Append(Range{block, 0, n});
    copy_used_ = n == kCopyBlock ? 0 : n;
  }
}

int OutputQueue::Gather(iovec* out, int max) const {
  const int n = std::min<int>(max, static_cast<int>(count_));
  for (int i = 0; i < n; ++i) {
    const Segment& segment = At(static_cast<uint32_t>(i));
    out[i].iov_base = segment.buffer->data() + segment.offset;
    out[i].iov_len = segment.length;
  }
  return n;
}

void OutputQueue::Consume(uint64_t bytes) {
  PEAL_DCHECK(bytes <= bytes_);
  bytes_ -= bytes;
  while (bytes != 0) {
    Segment& first = At(0);
    if (bytes < first.length) {
      first.offset += static_cast<uint32_t>(bytes);
      first.length -= static_cast<uint32_t>(bytes);
      return;
    }
    bytes -= first.length;
    first.buffer->Release();
    first_ = (first_ + 1) & (capacity_ - 1);
    --count_;
  }
  if (count_ == 0) {
    copy_used_ = 0;
    // An idle connection keeps nothing; a busy one keeps its small ring.
    if (capacity_ > 64) Clear();
  }
}

void OutputQueue::Compact(uint32_t limit) {
  // Small neighbours are copied into blocks of their own; large ranges keep their shared block.
  const uint32_t n = count_;
  bool any = false;
  for (uint32_t i = 0; i < n && !any; ++i) any = At(i).length < limit;
  if (!any || copy_used_ != 0) return;
  for (uint32_t i = 0; i < n; ++i) {
    const Segment segment = At(0);
    first_ = (first_ + 1) & (capacity_ - 1);
    --count_;
    bytes_ -= segment.length;
    if (segment.length < limit) {
      PushCopy({segment.buffer->data() + segment.offset, segment.length});
      segment.buffer->Release();
    } else {
      copy_used_ = 0;
      PushOwned(Range{segment.buffer, segment.offset, segment.length});
    }
  }
}

void OutputQueue::Clear() {
  for (uint32_t i = 0; i < count_; ++i) At(i).buffer->Release();
  if (capacity_ != kInline) std::free(heap_);
  capacity_ = kInline;
  first_ = count_ = copy_used_ = 0;
  bytes_ = 0;
}

}  // namespace peal::broker
