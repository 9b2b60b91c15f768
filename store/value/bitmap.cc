#include "store/value/bitmap.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "protocol/base/check.h"
#include "protocol/base/wide.h"

namespace peal::store {
namespace {

uint64_t LoadWord(const char* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

/// The mask of the bits `first` to `last` (0 to 7) of one byte.
unsigned ByteMask(uint64_t first, uint64_t last) {
  return (0xffu >> first) & (0xffu << (7 - last)) & 0xffu;
}

template <int kUnroll = 4>
[[gnu::always_inline]] inline uint64_t CountWords(const char* at, size_t words) {
  uint64_t counts[kUnroll] = {};
  for (; words >= kUnroll; words -= kUnroll, at += kUnroll * sizeof(uint64_t)) {
    for (int i = 0; i < kUnroll; ++i) {
      counts[i] += static_cast<uint64_t>(
          __builtin_popcountll(LoadWord(at + static_cast<size_t>(i) * sizeof(uint64_t))));
    }
  }
  for (; words > 0; --words, at += sizeof(uint64_t)) {
    counts[0] += static_cast<uint64_t>(__builtin_popcountll(LoadWord(at)));
  }
  uint64_t count = 0;
  for (const uint64_t part : counts) count += part;
  return count;
}

uint64_t CountPortably(const char* at, size_t words) { return CountWords(at, words); }

// The build does not assume the instruction, which every machine of the last fifteen years has.
#if defined(__x86_64__)
__attribute__((target("popcnt"))) uint64_t CountByInstruction(const char* at, size_t words) {
  return CountWords(at, words);
}
const bool kHasInstruction = __builtin_cpu_supports("popcnt") != 0;
#else
uint64_t CountByInstruction(const char* at, size_t words) { return CountWords(at, words); }
constexpr bool kHasInstruction = false;
#endif

/// `from` in [0, width of all], else the first byte at or behind `from` that is not all `skip`.
size_t SkipBytes(std::string_view bytes, size_t from, size_t end, unsigned char skip) {
  uint64_t same = 0;
  std::memset(&same, skip, sizeof same);
  while (end - from >= sizeof same && LoadWord(bytes.data() + from) == same) from += sizeof same;
  while (from < end && static_cast<unsigned char>(bytes[from]) == skip) ++from;
  return from;
}

// ---------------------------------------------------------------- BITOP, block by block

constexpr size_t kBlockWords = 512;
constexpr size_t kBlockBytes = kBlockWords * sizeof(uint64_t);
using Block = std::array<uint64_t, kBlockWords>;

/// The bytes of `source` from `offset` on, with zeros behind its end.
void LoadBlock(std::string_view source, size_t offset, Block& block) {
  const size_t size = offset >= source.size() ? 0 : std::min(source.size() - offset, kBlockBytes);
  if (size != kBlockBytes) block.fill(0);
  if (size != 0) std::memcpy(block.data(), source.data() + offset, size);
}

template <typename Fn>
void ForWords(Block& to, const Block& from, Fn fn) {
  for (size_t i = 0; i < kBlockWords; ++i) to[i] = fn(to[i], from[i]);
}

template <typename Fn>
void Fold(std::span<const std::string_view> sources, size_t offset, Block& result, Fn fn) {
  Block block;
  LoadBlock(sources[0], offset, result);
  for (const std::string_view source : sources.subspan(1)) {
    LoadBlock(source, offset, block);
    ForWords(result, block, fn);
  }
}

/// The union of all sources but the first.
void UniteOthers(std::span<const std::string_view> sources, size_t offset, Block& result) {
  if (sources.size() == 1) return result.fill(0);
  Fold(sources.subspan(1), offset, result, [](uint64_t a, uint64_t b) { return a | b; });
}

void CombineBlock(BitOperation operation, std::span<const std::string_view> sources, size_t offset,
                  Block& result) {
  Block other;
  switch (operation) {
    case BitOperation::kAnd:
      return Fold(sources, offset, result, [](uint64_t a, uint64_t b) { return a & b; });
    case BitOperation::kOr:
      return Fold(sources, offset, result, [](uint64_t a, uint64_t b) { return a | b; });
    case BitOperation::kXor:
      return Fold(sources, offset, result, [](uint64_t a, uint64_t b) { return a ^ b; });
    case BitOperation::kNot:
      LoadBlock(sources[0], offset, result);
      for (uint64_t& word : result) word = ~word;
      return;
    case BitOperation::kDiff:
      LoadBlock(sources[0], offset, result);
      UniteOthers(sources, offset, other);
      return ForWords(result, other, [](uint64_t a, uint64_t b) { return a & ~b; });
    case BitOperation::kDiff1:
      LoadBlock(sources[0], offset, result);
      UniteOthers(sources, offset, other);
      return ForWords(result, other, [](uint64_t a, uint64_t b) { return ~a & b; });
    case BitOperation::kAndOr:
      LoadBlock(sources[0], offset, result);
      UniteOthers(sources, offset, other);
      return ForWords(result, other, [](uint64_t a, uint64_t b) { return a & b; });
    case BitOperation::kOne: {
      Block repeated;
      repeated.fill(0);
      LoadBlock(sources[0], offset, result);
      for (const std::string_view source : sources.subspan(1)) {
        LoadBlock(source, offset, other);
        for (size_t i = 0; i < kBlockWords; ++i) {
          repeated[i] |= result[i] & other[i];
          result[i] |= other[i];
        }
      }
      return ForWords(result, repeated, [](uint64_t a, uint64_t b) { return a & ~b; });
    }
  }
}

}  // namespace

uint64_t CountBits(std::string_view bytes) {
  const size_t words = bytes.size() / sizeof(uint64_t);
  const char* const begin = bytes.data();
  uint64_t count = kHasInstruction ? CountByInstruction(begin, words) : CountPortably(begin, words);
  for (const char c : bytes.substr(words * sizeof(uint64_t))) {
    count += static_cast<uint64_t>(std::popcount(static_cast<unsigned char>(c)));
  }
  return count;
}

uint64_t CountBits(std::string_view bytes, uint64_t first, uint64_t last) {
  PEAL_DCHECK(first <= last && last / 8 < bytes.size());
  const size_t from = first / 8;
  const size_t to = last / 8;
  const auto count_of = [&](size_t at, unsigned mask) {
    return static_cast<uint64_t>(std::popcount(static_cast<unsigned char>(bytes[at]) & mask));
  };
  if (from == to) return count_of(from, ByteMask(first % 8, last % 8));
  return count_of(from, ByteMask(first % 8, 7)) + CountBits(bytes.substr(from + 1, to - from - 1)) +
         count_of(to, ByteMask(0, last % 8));
}

std::optional<uint64_t> FindBit(std::string_view bytes, bool bit, uint64_t first, uint64_t last) {
  PEAL_DCHECK(first <= last && last / 8 < bytes.size());
  const size_t to = last / 8;
  const unsigned flip = bit ? 0 : 0xff;
  for (size_t at = first / 8; at <= to;) {
    const unsigned mask =
        ByteMask(at == first / 8 ? first % 8 : 0, at == to ? last % 8 : uint64_t{7});
    const unsigned wanted = (static_cast<unsigned char>(bytes[at]) ^ flip) & mask;
    if (wanted != 0) {
      return at * 8 + static_cast<uint64_t>(std::countl_zero(static_cast<unsigned char>(wanted)));
    }
    // The last byte is looked at with its mask, whatever it holds.
    at = at == to ? to + 1 : SkipBytes(bytes, at + 1, to, static_cast<unsigned char>(flip));
  }
  return std::nullopt;
}

uint64_t ReadBits(std::string_view bytes, uint64_t offset, int width) {
  PEAL_DCHECK(width >= 1 && width <= 64);
  // 64 bits at an odd place lie in nine bytes.
  std::array<unsigned char, 9> part{};
  const uint64_t from = offset / 8;
  if (from < bytes.size()) {
    const size_t size = std::min(part.size(), bytes.size() - static_cast<size_t>(from));
    std::memcpy(part.data(), bytes.data() + from, size);
  }
  protocol::Uint128 value = 0;
  for (const unsigned char byte : part) value = value << 8 | byte;
  value >>= 72 - offset % 8 - static_cast<uint64_t>(width);
  const uint64_t low = static_cast<uint64_t>(value);
  return width == 64 ? low : low & ((uint64_t{1} << width) - 1);
}

void WriteBits(std::span<char> bytes, uint64_t offset, int width, uint64_t value) {
  PEAL_DCHECK(width >= 1 && width <= 64);
  PEAL_DCHECK((offset + static_cast<uint64_t>(width) - 1) / 8 < bytes.size());
  auto left = static_cast<uint64_t>(width);
  while (left > 0) {
    const uint64_t in_byte = offset % 8;
    const uint64_t count = std::min(left, 8 - in_byte);
    const unsigned mask = ByteMask(in_byte, in_byte + count - 1);
    const auto part = static_cast<unsigned>((value >> (left - count)) << (8 - in_byte - count));
    char& byte = bytes[static_cast<size_t>(offset / 8)];
    byte = static_cast<char>((static_cast<unsigned char>(byte) & ~mask) | (part & mask));
    offset += count;
    left -= count;
  }
}

void CombineBits(BitOperation operation, std::span<const std::string_view> sources,
                 std::span<char> out) {
  PEAL_DCHECK(!sources.empty());
  Block block;
  for (size_t offset = 0; offset < out.size(); offset += kBlockBytes) {
    CombineBlock(operation, sources, offset, block);
    std::memcpy(out.data() + offset, block.data(), std::min(kBlockBytes, out.size() - offset));
  }
}

}  // namespace peal::store
