#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace peal::store {

/// A run of bytes that two strings share, as part of their longest common subsequence. Positions,
/// both ends inclusive.
struct SharedRun {
  uint32_t a_first;
  uint32_t a_last;
  uint32_t b_first;
  uint32_t b_last;

  uint32_t length() const { return a_last - a_first + 1; }
};

struct CommonSubsequence {
  uint64_t length = 0;
  std::string text;             // empty unless asked for
  std::vector<SharedRun> runs;  // from the last to the first
};

/// The longest common subsequence of `a` and `b`, each below 4 GiB: bytes of both in the same
/// order, not necessarily side by side. Of several the one that LCS of Redis finds.
///
/// O(|a| * |b| / 64) time. `with_text` asks for text and runs too, which takes |a| * |b| / 8 bytes
/// besides |b| / 8 for each different byte in `a`; the length alone takes the latter only. Source:
/// H. Hyyrö, "Bit-parallel LCS-length computation revisited", 2004.
CommonSubsequence FindCommonSubsequence(std::string_view a, std::string_view b, bool with_text);

}  // namespace peal::store
