#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace peal::store {

/// Strings as arrays of bits. Bit 0 is the highest bit of the first byte, as Redis counts them.

/// The number of bits that are set.
uint64_t CountBits(std::string_view bytes);
/// Those of the bits `first` to `last`, which lie inside `bytes`.
uint64_t CountBits(std::string_view bytes, uint64_t first, uint64_t last);

/// The first bit from `first` to `last` (inside `bytes`) that equals `bit`.
std::optional<uint64_t> FindBit(std::string_view bytes, bool bit, uint64_t first, uint64_t last);

/// The unsigned number in `width` bits (1 to 64) at `offset`, highest bit first. What lies behind
/// the end reads as zeros.
uint64_t ReadBits(std::string_view bytes, uint64_t offset, int width);
/// Writes the low `width` bits of `value` at `offset`; all of them lie inside `bytes`.
void WriteBits(std::span<char> bytes, uint64_t offset, int width, uint64_t value);

/// What BITOP does with its sources. The last four: bits of the first source and of no other, of
/// others and not the first, of the first and any other, of exactly one.
enum class BitOperation : uint8_t { kAnd, kOr, kXor, kNot, kDiff, kDiff1, kAndOr, kOne };

/// Combines `sources` (at least one) into `out`. A source shorter than `out` reads as if zeros
/// followed; none is longer. `out` overlaps none of them.
void CombineBits(BitOperation operation, std::span<const std::string_view> sources,
                 std::span<char> out);

}  // namespace peal::store
