#include "store/value/common_subsequence.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

namespace peal::store {
namespace {

constexpr size_t kWordBits = 64;

/// Where each byte that occurs in `a` stands in `b`, as rows of bits.
class Positions {
 public:
  Positions(std::string_view a, std::string_view b, size_t words) : words_(words) {
    slots_.fill(kNone);
    size_t count = 0;
    for (const char c : a) {
      uint16_t& slot = slots_[static_cast<unsigned char>(c)];
      if (slot == kNone) slot = static_cast<uint16_t>(count++);
    }
    bits_ = std::make_unique<uint64_t[]>(count * words);
    for (size_t i = 0; i < b.size(); ++i) {
      const uint16_t slot = slots_[static_cast<unsigned char>(b[i])];
      if (slot != kNone) bits_[slot * words + i / kWordBits] |= uint64_t{1} << (i % kWordBits);
    }
  }

  const uint64_t* RowOf(char c) const {
    return bits_.get() + slots_[static_cast<unsigned char>(c)] * words_;
  }

 private:
  static constexpr uint16_t kNone = 0xffff;

  const size_t words_;
  std::array<uint16_t, 256> slots_;
  std::unique_ptr<uint64_t[]> bits_;
};

/// The rows of the table of lengths, as differences: bit j of row i is clear if the common
/// subsequence of the first i + 1 bytes of `a` and the first j + 1 of `b` is longer than that with
/// the first j of `b`.
void NextRow(const uint64_t* positions, size_t words, uint64_t* row) {
  uint64_t carry = 0;
  for (size_t i = 0; i < words; ++i) {
    const uint64_t old = row[i];
    const uint64_t matches = old & positions[i];
    uint64_t sum = 0;
    uint64_t overflow = __builtin_add_overflow(old, matches, &sum) ? 1 : 0;
    overflow |= __builtin_add_overflow(sum, carry, &sum) ? 1 : 0;
    carry = overflow;
    row[i] = sum | (old & ~positions[i]);
  }
}

/// The first `bytes` bytes of a row, lowest bits first.
void CopyRow(const uint64_t* row, size_t bytes, char* out) {
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(out, row, bytes);
}

uint64_t CountClear(const uint64_t* row, size_t words) {
  uint64_t count = 0;
  for (size_t i = 0; i < words; ++i) count += static_cast<uint64_t>(std::popcount(~row[i]));
  return count;
}

/// Walks back from the ends of both strings. Ties go to the shorter `b`, as in Redis. `rows` have
/// `row_bytes` each, bit j in byte j / 8.
void Trace(std::string_view a, std::string_view b, const char* rows, size_t row_bytes,
           CommonSubsequence& result) {
  result.text.resize(result.length);
  size_t left = result.length;
  size_t i = a.size();
  size_t j = b.size();
  std::optional<SharedRun> run;
  while (i > 0 && j > 0) {
    if (a[i - 1] == b[j - 1]) {
      --i;
      --j;
      result.text[--left] = a[i];
      const auto a_at = static_cast<uint32_t>(i);
      const auto b_at = static_cast<uint32_t>(j);
      if (!run) run = SharedRun{a_at, a_at, b_at, b_at};
      run->a_first = a_at;
      run->b_first = b_at;
      continue;
    }
    if (run) result.runs.push_back(*run);
    run.reset();
    const auto byte = static_cast<unsigned char>(rows[(i - 1) * row_bytes + (j - 1) / 8]);
    if ((byte >> ((j - 1) % 8) & 1) == 0) {
      --i;
    } else {
      --j;
    }
  }
  if (run) result.runs.push_back(*run);
}

}  // namespace

CommonSubsequence FindCommonSubsequence(std::string_view a, std::string_view b, bool with_text) {
  CommonSubsequence result;
  if (a.empty() || b.empty()) return result;
  const size_t words = (b.size() + kWordBits - 1) / kWordBits;
  const Positions positions(a, b, words);
  const std::unique_ptr<uint64_t[]> row = std::make_unique_for_overwrite<uint64_t[]>(words);
  std::fill_n(row.get(), words, ~uint64_t{0});
  // Only as many bytes of a row are kept as there are bits: `b` may be one byte, and `a` millions.
  const size_t row_bytes = (b.size() + 7) / 8;
  std::unique_ptr<char[]> rows;
  if (with_text) rows = std::make_unique_for_overwrite<char[]>(a.size() * row_bytes);
  for (size_t i = 0; i < a.size(); ++i) {
    NextRow(positions.RowOf(a[i]), words, row.get());
    if (with_text) CopyRow(row.get(), row_bytes, rows.get() + i * row_bytes);
  }
  result.length = CountClear(row.get(), words);
  if (with_text) Trace(a, b, rows.get(), row_bytes, result);
  return result;
}

}  // namespace peal::store
