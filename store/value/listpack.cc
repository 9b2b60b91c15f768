#include "store/value/listpack.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>

#include "protocol/base/check.h"
#include "protocol/base/number.h"

namespace peal::store {
namespace {

// A block: total bytes (4, little endian), number of elements (2), elements, kEndByte. An element
// is an encoding byte, the rest of its integer or of its length, its bytes, and the size of all
// that once more behind it, to walk back by.
constexpr uint32_t kHeaderBytes = 6;
constexpr uint32_t kEmptyBytes = kHeaderBytes + 1;
constexpr unsigned char kEndByte = 0xff;
constexpr uint32_t kUnknownCount = 65535;  // and from there on: too many for the two bytes
constexpr uint64_t kMaxBytes = std::numeric_limits<uint32_t>::max() / 2;
constexpr uint64_t kMaxParsedBytes = uint64_t{1} << 30;
constexpr size_t kShrinkFrom = 256;  // heap bytes below which room is not given back by itself

constexpr unsigned char kString12 = 0xe0;  // and the upper 4 of 12 bits of length
constexpr unsigned char kString32 = 0xf0;
constexpr unsigned char kInt13 = 0xc0;  // and the upper 5 of 13 bits
constexpr unsigned char kInt16 = 0xf1;
constexpr unsigned char kInt24 = 0xf2;
constexpr unsigned char kInt32 = 0xf3;
constexpr unsigned char kInt64 = 0xf4;

constexpr char kEmptyBlock[kEmptyBytes] = {kEmptyBytes, 0, 0, 0, 0, 0, static_cast<char>(kEndByte)};

uint64_t LoadLittle(const unsigned char* at, uint32_t bytes) {
  uint64_t value = 0;
  for (uint32_t i = 0; i < bytes; ++i) value |= uint64_t{at[i]} << (8 * i);
  return value;
}

void StoreLittle(unsigned char* at, uint64_t value, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; ++i) at[i] = static_cast<unsigned char>(value >> (8 * i));
}

int64_t LoadSigned(const unsigned char* at, uint32_t bytes) {
  const uint32_t spare_bits = 64 - 8 * bytes;
  return static_cast<int64_t>(LoadLittle(at, bytes) << spare_bits) >> spare_bits;
}

uint32_t TotalBytes(const unsigned char* block) {
  return static_cast<uint32_t>(LoadLittle(block, 4));
}
uint32_t HeaderCount(const unsigned char* block) {
  return static_cast<uint32_t>(LoadLittle(block + 4, 2));
}
void SetHeaderCount(unsigned char* block, uint64_t count) {
  StoreLittle(block + 4, std::min<uint64_t>(count, kUnknownCount), 2);
}

/// Bytes of the number behind an element of `entry_bytes`. The bounds lie one below what the bits
/// would hold; writers of the format have always had them there.
uint32_t BackBytes(uint64_t entry_bytes) {
  if (entry_bytes <= 127) return 1;
  if (entry_bytes < 16383) return 2;
  if (entry_bytes < 2097151) return 3;
  if (entry_bytes < 268435455) return 4;
  return 5;
}

/// Groups of 7 bits, the uppermost first; all but the first byte have their top bit set.
void StoreBack(unsigned char* at, uint64_t entry_bytes) {
  const uint32_t bytes = BackBytes(entry_bytes);
  for (uint32_t i = bytes; i-- > 0; entry_bytes >>= 7) {
    at[i] = static_cast<unsigned char>((entry_bytes & 127) | (i > 0 ? 128 : 0));
  }
}

/// The number whose last byte is at `last`. For blocks known to be sound.
uint32_t LoadBack(const unsigned char* last) {
  uint32_t value = *last & 127;
  for (uint32_t shift = 7; (*last & 128) != 0; shift += 7) {
    --last;
    value |= static_cast<uint32_t>(*last & 127) << shift;
  }
  return value;
}

/// What an element's first bytes tell.
struct Head {
  uint32_t bytes = 0;       // encoding byte and what belongs to it, an integer wholly included
  uint64_t text_bytes = 0;  // that follow
};

/// Bytes of the head that begins with `first`; 0 if no element begins so.
uint32_t HeadBytes(unsigned char first) {
  if (first < 0xc0) return 1;
  if (first < 0xf0) return 2;
  switch (first) {
    case kString32:
      return 5;
    case kInt16:
      return 3;
    case kInt24:
      return 4;
    case kInt32:
      return 5;
    case kInt64:
      return 9;
    default:
      return 0;
  }
}

/// All of the head must be readable.
Head ReadHead(const unsigned char* at) {
  const unsigned char first = *at;
  if (first < 0x80) return {1, 0};
  if (first < 0xc0) return {1, first & 0x3fu};
  if (first < 0xe0) return {2, 0};
  if (first < 0xf0) return {2, (first & 0x0fu) << 8 | at[1]};
  if (first == kString32) return {5, LoadLittle(at + 1, 4)};
  return {HeadBytes(first), 0};
}

/// The bytes of the element at `at`, without the number behind it.
uint32_t EntryBytes(const unsigned char* at) {
  const Head head = ReadHead(at);
  return head.bytes + static_cast<uint32_t>(head.text_bytes);
}

uint32_t Stride(const unsigned char* at) {
  // Small integers and short strings are nearly all there is.
  if (*at < 0x80) return 2;
  if (*at < 0xc0) return (*at & 0x3fu) + 2;
  const uint32_t entry_bytes = EntryBytes(at);
  return entry_bytes + BackBytes(entry_bytes);
}

bool IsInteger(unsigned char first) {
  return first < 0x80 || (first >= kInt13 && first < kString12) || first > kString32;
}

int64_t LoadInteger(const unsigned char* at) {
  const unsigned char first = *at;
  if (first < 0x80) return first;
  if (first < kString12) {
    const int64_t value = (first & 0x1f) << 8 | at[1];
    return value >= 1 << 12 ? value - (1 << 13) : value;
  }
  return LoadSigned(at + 1, HeadBytes(first) - 1);
}

std::string_view Text(const unsigned char* at) {
  const Head head = ReadHead(at);
  return {reinterpret_cast<const char*>(at) + head.bytes, head.text_bytes};
}

/// Whether both are the same. Names are short: a call of memcmp would cost more than they do.
bool IsSame(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const size_t size = a.size();
  const auto differs = [a, b](auto word, size_t offset) {
    auto other = word;
    std::memcpy(&word, a.data() + offset, sizeof word);
    std::memcpy(&other, b.data() + offset, sizeof other);
    return word != other;
  };
  // The last word of each length overlaps what came before.
  if (size > 16) {
    return !differs(uint64_t{0}, size - 8) && std::memcmp(a.data(), b.data(), size - 8) == 0;
  }
  if (size >= 8) return !differs(uint64_t{0}, size - 8) && !differs(uint64_t{0}, 0);
  if (size >= 4) return !differs(uint32_t{0}, size - 4) && !differs(uint32_t{0}, 0);
  for (size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

/// The canonical 64-bit integer that `text` is. Most texts are told by their first byte.
std::optional<int64_t> ReadInteger(std::string_view text) {
  constexpr size_t kLongest = 20;
  if (text.empty() || text.size() > kLongest || text[0] > '9') return std::nullopt;
  return protocol::ParseInt64(text);
}

/// An element yet to be written.
struct Fresh {
  explicit Fresh(std::string_view bytes) : text(bytes) {
    if (const auto value = ReadInteger(bytes)) {
      SetInteger(*value);
      return;
    }
    head[0] = static_cast<unsigned char>(0x80 | (bytes.size() & 0x3f));
    head_bytes = 1;
    if (bytes.size() >= 4096) {
      head[0] = kString32;
      StoreLittle(head + 1, bytes.size(), 4);
      head_bytes = 5;
    } else if (bytes.size() >= 64) {
      head[0] = static_cast<unsigned char>(kString12 | bytes.size() >> 8);
      head[1] = static_cast<unsigned char>(bytes.size());
      head_bytes = 2;
    }
  }
  explicit Fresh(int64_t value) { SetInteger(value); }

  void SetInteger(int64_t value) {
    text = {};
    const auto bits = static_cast<uint64_t>(value);
    if (value >= 0 && value <= 127) {
      head[0] = static_cast<unsigned char>(value);
      head_bytes = 1;
    } else if (value >= -4096 && value <= 4095) {
      head[0] = static_cast<unsigned char>(kInt13 | (bits >> 8 & 0x1f));
      head[1] = static_cast<unsigned char>(bits);
      head_bytes = 2;
    } else {
      const auto fits = [value](int width) {
        return value >= -(int64_t{1} << (width - 1)) && value < int64_t{1} << (width - 1);
      };
      head[0] = fits(16) ? kInt16 : fits(24) ? kInt24 : fits(32) ? kInt32 : kInt64;
      head_bytes = HeadBytes(head[0]);
      StoreLittle(head + 1, bits, head_bytes - 1);
    }
  }

  uint64_t EntryBytes() const { return head_bytes + text.size(); }
  uint64_t Stride() const { return EntryBytes() + BackBytes(EntryBytes()); }

  void WriteTo(unsigned char* at) const {
    std::memcpy(at, head, head_bytes);
    if (!text.empty()) std::memcpy(at + head_bytes, text.data(), text.size());
    StoreBack(at + EntryBytes(), EntryBytes());
  }

  unsigned char head[9] = {};
  uint32_t head_bytes = 0;
  std::string_view text;
};

/// What a block of `bytes` is moved to when it has outgrown its place: an eighth more, so that n
/// appends copy O(n) bytes in all. Small blocks live in the allocator's own rounding.
size_t RoomFor(size_t bytes) { return bytes < 64 ? bytes : bytes + bytes / 8; }

unsigned char* Resize(unsigned char* block, size_t room) {
  auto* const moved = static_cast<unsigned char*>(std::realloc(block, room));
  PEAL_CHECK(moved != nullptr);
  return moved;
}

/// Opens or closes a gap: what stands at `at` + `old_bytes` moves to `at` + `new_bytes`. The total
/// is kept up to date, the count is not. A null block becomes one.
void Splice(unsigned char*& block, uint32_t at, uint32_t old_bytes, uint64_t new_bytes) {
  if (block == nullptr) {
    block = Resize(nullptr, RoomFor(kEmptyBytes + new_bytes));
    std::memcpy(block, kEmptyBlock, kEmptyBytes);
  }
  if (new_bytes == old_bytes) return;
  const uint32_t before = TotalBytes(block);
  const uint64_t after = before - old_bytes + new_bytes;
  PEAL_CHECK(after <= kMaxBytes);
  if (after > before && after > malloc_usable_size(block)) block = Resize(block, RoomFor(after));
  std::memmove(block + at + new_bytes, block + at + old_bytes, before - at - old_bytes);
  StoreLittle(block, after, 4);
  if (after < before) {
    const size_t room = malloc_usable_size(block);
    if (room >= kShrinkFrom && after < room / 2) block = Resize(block, RoomFor(after));
  }
}

/// Puts `fresh` where `old_bytes` bytes of one element (or none) stand.
void Put(unsigned char*& block, uint32_t at, uint32_t old_bytes, const Fresh& fresh) {
  // The text may be part of the block that is about to move.
  const auto* const begin = reinterpret_cast<const char*>(block);
  if (block != nullptr && fresh.text.data() >= begin &&
      fresh.text.data() < begin + TotalBytes(block)) {
    const std::string copy(fresh.text);
    Fresh apart = fresh;
    apart.text = copy;
    Splice(block, at, old_bytes, apart.Stride());
    apart.WriteTo(block + at);
  } else {
    Splice(block, at, old_bytes, fresh.Stride());
    fresh.WriteTo(block + at);
  }
  if (old_bytes == 0 && HeaderCount(block) < kUnknownCount) {
    SetHeaderCount(block, HeaderCount(block) + 1);
  }
}

uint32_t BehindLast(const unsigned char* block) {
  return block == nullptr ? kHeaderBytes : TotalBytes(block) - 1;
}

}  // namespace

std::string_view ListpackItem::View(char (&digits)[24]) const {
  if (!is_integer) return bytes;
  return {digits, static_cast<size_t>(protocol::FormatInt(digits, integer) - digits)};
}

std::string ListpackItem::ToString() const {
  char digits[24];
  return std::string(View(digits));
}

bool ListpackItem::Equals(std::string_view text) const {
  char digits[24];
  return View(digits) == text;
}

Listpack& Listpack::operator=(Listpack&& other) noexcept {
  if (this != &other) {
    std::free(block_);
    block_ = std::exchange(other.block_, nullptr);
  }
  return *this;
}

Listpack::Listpack(const Listpack& other) {
  if (other.block_ == nullptr) return;
  const size_t bytes = TotalBytes(other.block_);
  block_ = Resize(nullptr, bytes);
  std::memcpy(block_, other.block_, bytes);
}

Listpack::~Listpack() { std::free(block_); }

std::optional<Listpack> Listpack::Parse(std::string_view block) {
  if (block.size() < kEmptyBytes || block.size() > kMaxParsedBytes) return std::nullopt;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(block.data());
  if (TotalBytes(bytes) != block.size()) return std::nullopt;
  const uint64_t end = block.size() - 1;  // where the end byte must be
  if (bytes[end] != kEndByte) return std::nullopt;
  uint64_t at = kHeaderBytes;
  uint64_t count = 0;
  while (at < end) {
    const uint32_t head_bytes = HeadBytes(bytes[at]);
    if (head_bytes == 0 || head_bytes > end - at) return std::nullopt;
    const uint64_t entry_bytes = head_bytes + ReadHead(bytes + at).text_bytes;
    const uint32_t back_bytes = BackBytes(entry_bytes);
    if (entry_bytes + back_bytes > end - at) return std::nullopt;
    unsigned char back[5];
    StoreBack(back, entry_bytes);
    if (std::memcmp(back, bytes + at + entry_bytes, back_bytes) != 0) return std::nullopt;
    at += entry_bytes + back_bytes;
    ++count;
  }
  const uint32_t told = HeaderCount(bytes);
  if (told != kUnknownCount && told != count) return std::nullopt;
  Listpack parsed;
  parsed.block_ = Resize(nullptr, block.size());
  std::memcpy(parsed.block_, bytes, block.size());
  return parsed;
}

std::string_view Listpack::Block() const {
  if (block_ == nullptr) return {kEmptyBlock, kEmptyBytes};
  return {reinterpret_cast<const char*>(block_), TotalBytes(block_)};
}

size_t Listpack::Count() const {
  if (block_ == nullptr) return 0;
  if (const uint32_t told = HeaderCount(block_); told != kUnknownCount) return told;
  size_t count = 0;
  for (const unsigned char* at = block_ + kHeaderBytes; *at != kEndByte; at += Stride(at)) ++count;
  return count;
}

size_t Listpack::Bytes() const { return block_ == nullptr ? kEmptyBytes : TotalBytes(block_); }

size_t Listpack::MemoryBytes() const { return block_ == nullptr ? 0 : malloc_usable_size(block_); }

Listpack::Position Listpack::First() const {
  return block_ == nullptr || block_[kHeaderBytes] == kEndByte ? kEnd : kHeaderBytes;
}

Listpack::Position Listpack::Last() const {
  return block_ == nullptr ? kEnd : Previous(BehindLast(block_));
}

Listpack::Position Listpack::Next(Position at) const {
  at += Stride(block_ + at);
  return block_[at] == kEndByte ? kEnd : at;
}

Listpack::Position Listpack::Previous(Position at) const {
  if (at <= kHeaderBytes) return kEnd;
  const uint32_t entry_bytes = LoadBack(block_ + at - 1);
  return at - entry_bytes - BackBytes(entry_bytes);
}

Listpack::Position Listpack::Seek(int64_t index) const {
  if (block_ == nullptr) return kEnd;
  if (const uint32_t told = HeaderCount(block_); told != kUnknownCount) {
    const int64_t count = told;
    if (index < 0 ? index < -count : index >= count) return kEnd;
    if (index < 0 && index < -(count / 2) - 1) index += count;  // nearer from the other side
    if (index >= 0 && index > count / 2) index -= count;
  }
  Position at = index < 0 ? Last() : First();
  for (; index < -1 && at != kEnd; ++index) at = Previous(at);
  for (; index > 0 && at != kEnd; --index) at = Next(at);
  return at;
}

ListpackItem Listpack::Get(Position at) const {
  const unsigned char* const entry = block_ + at;
  if (IsInteger(*entry)) return {true, LoadInteger(entry), {}};
  return {false, 0, Text(entry)};
}

Listpack::Position Listpack::Find(Position at, std::string_view text, unsigned skip) const {
  if (block_ == nullptr || at == kEnd) return kEnd;
  const auto integer = ReadInteger(text);
  const auto matches = [&](const unsigned char* entry) {
    if (IsInteger(*entry)) return integer && LoadInteger(entry) == *integer;
    // Even an integer is looked for as text: foreign blocks may hold one so.
    return IsSame(Text(entry), text);
  };
  for (const unsigned char* entry = block_ + at; *entry != kEndByte;) {
    if (matches(entry)) return static_cast<Position>(entry - block_);
    entry += Stride(entry);
    for (unsigned i = 0; i < skip && *entry != kEndByte; ++i) entry += Stride(entry);
  }
  return kEnd;
}

void Listpack::Append(std::string_view text) { Put(block_, BehindLast(block_), 0, Fresh(text)); }

void Listpack::AppendInteger(int64_t value) { Put(block_, BehindLast(block_), 0, Fresh(value)); }

void Listpack::Prepend(std::string_view text) { Put(block_, kHeaderBytes, 0, Fresh(text)); }

Listpack::Position Listpack::InsertBefore(Position at, std::string_view text) {
  if (at == kEnd) at = BehindLast(block_);
  Put(block_, at, 0, Fresh(text));
  return at;
}

Listpack::Position Listpack::InsertAfter(Position at, std::string_view text) {
  at = at == kEnd ? kHeaderBytes : at + Stride(block_ + at);
  Put(block_, at, 0, Fresh(text));
  return at;
}

Listpack::Position Listpack::Replace(Position at, std::string_view text) {
  Put(block_, at, Stride(block_ + at), Fresh(text));
  return at;
}

Listpack::Position Listpack::ReplaceInteger(Position at, int64_t value) {
  Put(block_, at, Stride(block_ + at), Fresh(value));
  return at;
}

Listpack::Position Listpack::Erase(Position at) { return EraseRange(at, 1); }

Listpack::Position Listpack::EraseRange(Position at, size_t count) {
  if (block_ == nullptr || at == kEnd) return kEnd;
  Position end = at;
  size_t erased = 0;
  for (; erased < count && block_[end] != kEndByte; ++erased) end += Stride(block_ + end);
  if (const uint32_t told = HeaderCount(block_); told != kUnknownCount) {
    SetHeaderCount(block_, told - erased);
  }
  if (erased > 0) Splice(block_, at, end - at, 0);
  return block_[at] == kEndByte ? kEnd : at;
}

void Listpack::Clear() {
  std::free(block_);
  block_ = nullptr;
}

void Listpack::ShrinkToFit() {
  if (block_ != nullptr && TotalBytes(block_) < malloc_usable_size(block_)) {
    block_ = Resize(block_, TotalBytes(block_));
  }
}

size_t Listpack::EncodedBytes(std::string_view text) { return Fresh(text).Stride(); }

}  // namespace peal::store
