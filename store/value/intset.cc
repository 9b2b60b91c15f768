#include "store/value/intset.h"

#include <malloc.h>

#include <bit>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "protocol/base/check.h"

namespace peal::store {
namespace {

static_assert(std::endian::native == std::endian::little, "intset blocks are little-endian");

constexpr size_t kHeaderBytes = 8;
constexpr char kEmptyBlock[kHeaderBytes] = {2, 0, 0, 0, 0, 0, 0, 0};
constexpr size_t kMaxBytes = size_t{1} << 31;
constexpr size_t kShrinkFrom = 256;  // heap bytes below which room is not given back by itself

template <class T>
T Load(const unsigned char* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

template <class T>
void Store(unsigned char* to, T value) {
  std::memcpy(to, &value, sizeof(value));
}

int64_t LoadAt(const unsigned char* block, uint32_t width, size_t index) {
  const unsigned char* const at = block + kHeaderBytes + index * width;
  if (width == 2) return Load<int16_t>(at);
  if (width == 4) return Load<int32_t>(at);
  return Load<int64_t>(at);
}

void StoreAt(unsigned char* block, uint32_t width, size_t index, int64_t value) {
  unsigned char* const at = block + kHeaderBytes + index * width;
  if (width == 2) {
    Store(at, static_cast<int16_t>(value));
  } else if (width == 4) {
    Store(at, static_cast<int32_t>(value));
  } else {
    Store(at, value);
  }
}

uint32_t WidthFor(int64_t value) {
  if (value >= std::numeric_limits<int16_t>::min() && value <= std::numeric_limits<int16_t>::max())
    return 2;
  if (value >= std::numeric_limits<int32_t>::min() && value <= std::numeric_limits<int32_t>::max())
    return 4;
  return 8;
}

}  // namespace

Intset& Intset::operator=(Intset&& other) noexcept {
  std::swap(block_, other.block_);
  return *this;
}

Intset::Intset(const Intset& other) {
  if (other.block_ == nullptr) return;
  const std::string_view from = other.Block();
  Reserve(from.size());
  std::memcpy(block_, from.data(), from.size());
}

Intset::~Intset() { std::free(block_); }

std::optional<Intset> Intset::Parse(std::string_view block) {
  if (block.size() < kHeaderBytes || block.size() >= kMaxBytes) return std::nullopt;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(block.data());
  const uint32_t width = Load<uint32_t>(bytes);
  const uint64_t size = Load<uint32_t>(bytes + 4);
  if (width != 2 && width != 4 && width != 8) return std::nullopt;
  if (size == 0 || block.size() != kHeaderBytes + size * width) return std::nullopt;
  for (size_t i = 1; i < size; ++i) {
    if (LoadAt(bytes, width, i - 1) >= LoadAt(bytes, width, i)) return std::nullopt;
  }
  Intset set;
  set.Reserve(block.size());
  std::memcpy(set.block_, block.data(), block.size());
  return set;
}

std::string_view Intset::Block() const {
  if (block_ == nullptr) return {kEmptyBlock, kHeaderBytes};
  return {reinterpret_cast<const char*>(block_), kHeaderBytes + size() * Width()};
}

uint32_t Intset::Width() const { return block_ == nullptr ? 2 : Load<uint32_t>(block_); }

size_t Intset::size() const { return block_ == nullptr ? 0 : Load<uint32_t>(block_ + 4); }

void Intset::SetSize(size_t size) { Store(block_ + 4, static_cast<uint32_t>(size)); }

int64_t Intset::At(size_t index) const {
  PEAL_DCHECK(index < size());
  return LoadAt(block_, Width(), index);
}

void Intset::Put(size_t index, int64_t value) { StoreAt(block_, Width(), index, value); }

size_t Intset::LowerBound(int64_t value) const {
  const uint32_t width = Width();
  size_t low = 0;
  for (size_t count = size(); count > 0;) {
    const size_t half = count / 2;
    if (LoadAt(block_, width, low + half) < value) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return low;
}

bool Intset::Contains(int64_t value) const {
  const size_t at = LowerBound(value);
  return at < size() && At(at) == value;
}

void Intset::Reserve(size_t bytes) {
  PEAL_CHECK(bytes < kMaxBytes);
  if (block_ != nullptr && bytes <= malloc_usable_size(block_)) return;
  // An eighth ahead, so that a set that grows is not moved each time.
  auto* const moved = static_cast<unsigned char*>(std::realloc(block_, bytes + bytes / 8));
  PEAL_CHECK(moved != nullptr);
  if (block_ == nullptr) std::memcpy(moved, kEmptyBlock, kHeaderBytes);
  block_ = moved;
}

void Intset::Widen(uint32_t width) {
  const uint32_t before = Width();
  const size_t count = size();
  Reserve(kHeaderBytes + count * width);
  for (size_t i = count; i-- > 0;) StoreAt(block_, width, i, LoadAt(block_, before, i));
  Store(block_, width);
}

bool Intset::Insert(int64_t value) {
  const size_t at = LowerBound(value);
  const size_t count = size();
  if (at < count && At(at) == value) return false;
  if (WidthFor(value) > Width()) Widen(WidthFor(value));
  const uint32_t width = Width();
  Reserve(kHeaderBytes + (count + 1) * width);
  unsigned char* const gap = block_ + kHeaderBytes + at * width;
  std::memmove(gap + width, gap, (count - at) * width);
  SetSize(count + 1);
  Put(at, value);
  return true;
}

bool Intset::Erase(int64_t value) {
  const size_t at = LowerBound(value);
  const size_t count = size();
  if (at == count || At(at) != value) return false;
  const uint32_t width = Width();
  unsigned char* const gone = block_ + kHeaderBytes + at * width;
  std::memmove(gone, gone + width, (count - at - 1) * width);
  SetSize(count - 1);
  const size_t bytes = kHeaderBytes + (count - 1) * width;
  const size_t room = malloc_usable_size(block_);
  if (room >= kShrinkFrom && bytes < room / 2) {
    auto* const moved = static_cast<unsigned char*>(std::realloc(block_, bytes + bytes / 8));
    if (moved != nullptr) block_ = moved;
  }
  return true;
}

size_t Intset::MemoryBytes() const { return block_ == nullptr ? 0 : malloc_usable_size(block_); }

}  // namespace peal::store
