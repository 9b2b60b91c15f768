#include "patterns/text_arena.h"

#include <cstring>
#include <new>

#include "patterns/give_back.h"

namespace peal::patterns {

TextArena::Header TextArena::LengthAt(const char* at) {
  Header header;
  std::memcpy(&header, at, sizeof(header));
  return header;
}

uint32_t TextArena::NewChunk(size_t bytes) {
  uint32_t index;
  if (!unused_.empty()) {
    index = unused_.back();
    unused_.pop_back();
  } else {
    if (chunks_.size() == kMostChunks) throw std::bad_alloc();
    index = static_cast<uint32_t>(chunks_.size());
    chunks_.emplace_back();
  }
  Chunk& chunk = chunks_[index];
  chunk.bytes.reset(new char[bytes]);  // not make_unique: no need to clear it
  chunk.used = chunk.live = 0;
  chunk.is_long = false;
  bytes_ += bytes;
  return index;
}

void TextArena::Release(uint32_t index) {
  Chunk& chunk = chunks_[index];
  bytes_ -= chunk.is_long ? chunk.used + 1 : kChunkBytes;
  chunk.bytes.reset();
  chunk.used = chunk.live = 0;
  if (current_ == index) current_ = kNoChunk;
  unused_.push_back(index);
  if (unused_.size() == chunks_.size()) {
    GiveBack(chunks_);
    GiveBack(unused_);
  }
}

TextRef TextArena::Add(std::string_view text) {
  if (text.size() >= kLongText) {
    const uint32_t index = NewChunk(text.size() + 1);
    Chunk& chunk = chunks_[index];
    chunk.is_long = true;
    chunk.used = chunk.live = text.size();
    std::memcpy(chunk.bytes.get(), text.data(), text.size());
    return index << kOffsetBits;
  }
  const size_t footprint = Footprint(text.size());
  if (current_ == kNoChunk || chunks_[current_].used + footprint > kChunkBytes)
    current_ = NewChunk(kChunkBytes);
  Chunk& chunk = chunks_[current_];
  const size_t offset = chunk.used;
  char* at = chunk.bytes.get() + offset;
  const auto header = static_cast<Header>(text.size());
  std::memcpy(at, &header, sizeof(header));
  if (!text.empty()) std::memcpy(at + sizeof(header), text.data(), text.size());
  chunk.used += footprint;
  chunk.live += footprint;
  return current_ << kOffsetBits | static_cast<uint32_t>(offset >> 1);
}

bool TextArena::Free(TextRef ref) {
  const uint32_t index = ref >> kOffsetBits;
  Chunk& chunk = chunks_[index];
  if (chunk.is_long) {
    Release(index);
    return false;
  }
  char* at = chunk.bytes.get() + ((ref & kOffsetMask) << 1);
  const Header header = LengthAt(at);
  const Header dead = header | kDead;
  std::memcpy(at, &dead, sizeof(dead));
  chunk.live -= Footprint(header);
  if (chunk.live == 0) {
    Release(index);
    return false;
  }
  return index != current_ && chunk.live < kChunkBytes / 2;
}

void TextArena::ForEachIn(TextRef ref,
                          const std::function<void(TextRef, std::string_view)>& visit) {
  const uint32_t index = ref >> kOffsetBits;
  for (size_t offset = 0; index < chunks_.size() && chunks_[index].bytes != nullptr &&
                          !chunks_[index].is_long && offset < chunks_[index].used;) {
    const char* at = chunks_[index].bytes.get() + offset;
    const Header header = LengthAt(at);
    const size_t length = header & ~kDead;
    const TextRef here = index << kOffsetBits | static_cast<uint32_t>(offset >> 1);
    offset += Footprint(length);
    if ((header & kDead) == 0) visit(here, {at + sizeof(header), length});
  }
}

size_t TextArena::MemoryBytes() const {
  return bytes_ + chunks_.capacity() * sizeof(Chunk) + unused_.capacity() * sizeof(uint32_t);
}

}  // namespace peal::patterns
