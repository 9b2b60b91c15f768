#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace peal::patterns {

/// Names a text in a TextArena: chunk and offset.
using TextRef = uint32_t;

/// Texts packed into chunks of 16 KiB, two bytes of overhead each; long ones have a chunk each.
///
/// A chunk goes back to the allocator when its last text goes. A chunk that is more than half dead
/// asks to be emptied (see Free), so that the memory is at most about twice the live bytes.
/// Not thread-safe; reading is, among readers.
class TextArena {
 public:
  /// Copies `text`. Throws std::bad_alloc when all 524,288 chunks are in use (8 GiB of short
  /// texts).
  TextRef Add(std::string_view text);

  /// The text's bytes; valid until the arena changes.
  std::string_view Get(TextRef ref) const {
    const Chunk& chunk = chunks_[ref >> kOffsetBits];
    if (chunk.is_long) return {chunk.bytes.get(), chunk.used};
    const char* at = chunk.bytes.get() + ((ref & kOffsetMask) << 1);
    return {at + sizeof(Header), static_cast<size_t>(LengthAt(at) & ~kDead)};
  }

  /// Where the text's header or bytes lie, for prefetching only.
  const char* Address(TextRef ref) const {
    const Chunk& chunk = chunks_[ref >> kOffsetBits];
    return chunk.bytes.get() + ((ref & kOffsetMask) << 1);
  }

  /// Drops the text. True when its chunk is now sparse and ForEachIn + Add + Free should move the
  /// rest of it away: at most 8 KiB of text.
  bool Free(TextRef ref);

  /// Calls `visit(ref, text)` for each live text in the chunk of `ref`, if the chunk still exists.
  /// `visit` may Add, and may Free only what it was given.
  void ForEachIn(TextRef ref, const std::function<void(TextRef, std::string_view)>& visit);

  size_t MemoryBytes() const;

 private:
  using Header = uint16_t;
  static constexpr unsigned kOffsetBits = 13;  // in units of two bytes
  static constexpr uint32_t kOffsetMask = (1U << kOffsetBits) - 1;
  static constexpr uint32_t kMostChunks = 1U << (32 - kOffsetBits);
  static constexpr size_t kChunkBytes = 16'384;
  static constexpr size_t kLongText = 4'096;  // from here on a chunk of its own
  static constexpr Header kDead = 0x8000;
  static constexpr uint32_t kNoChunk = UINT32_MAX;

  struct Chunk {
    std::unique_ptr<char[]> bytes;
    size_t used = 0;
    size_t live = 0;
    bool is_long = false;
  };

  static Header LengthAt(const char* at);
  static size_t Footprint(size_t length) { return (sizeof(Header) + length + 1) & ~size_t{1}; }
  uint32_t NewChunk(size_t bytes);
  void Release(uint32_t index);

  std::vector<Chunk> chunks_;
  std::vector<uint32_t> unused_;  // indexes of chunks without memory
  uint32_t current_ = kNoChunk;
  size_t bytes_ = 0;
};

}  // namespace peal::patterns
