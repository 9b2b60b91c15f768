#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "protocol/base/number.h"

namespace peal::store {

/// The id of a stream's entry: milliseconds and a sequence number, "1700000000000-0".
struct StreamId {
  static constexpr size_t kMaxChars = 2 * protocol::kMaxIntChars + 1;

  uint64_t ms = 0;
  uint64_t seq = 0;

  static constexpr StreamId Max() { return {UINT64_MAX, UINT64_MAX}; }
  // NOLINTNEXTLINE(modernize-use-nullptr): there is no pointer
  friend constexpr auto operator<=>(const StreamId&, const StreamId&) = default;

  constexpr bool IsZero() const { return ms == 0 && seq == 0; }

  /// The id behind this one; false, and nothing changes, if there is none.
  constexpr bool Increment() {
    if (*this == Max()) return false;
    if (++seq == 0) ++ms;
    return true;
  }
  constexpr bool Decrement() {
    if (IsZero()) return false;
    if (seq-- == 0) --ms;
    return true;
  }

  /// Writes "<ms>-<seq>" at `out` (room: kMaxChars) and returns the end.
  char* Format(char* out) const {
    out = protocol::FormatUint(out, ms);
    *out++ = '-';
    return protocol::FormatUint(out, seq);
  }
  std::string ToString() const {
    char text[kMaxChars];
    return std::string(text, Format(text));
  }
};

}  // namespace peal::store
