#pragma once

#include <cstdint>
#include <string_view>

namespace peal::patterns {

/// Tells whether `text` as a whole matches the Redis glob `pattern`. Both are bytes; NUL counts.
///
/// `*` any run, `?` one byte, `[...]` one byte of a class, `\x` the byte x; '.' and '/' are
/// ordinary. A pattern of stars only does not match the empty text, and patterns with more than
/// kMaxStars separated stars match nothing: Redis 7.0.15 behaves so. Bytes from 0x80 in ranges
/// compare unsigned (Differs).
///
/// Time: O(pattern + text) where the pieces between stars are literal or at most 64 steps long; a
/// longer piece of k steps with '?' or classes costs text * k / 64 word operations at worst.
/// Memory: none for short inputs, O(longest piece), itself at most the text, for long ones.
/// Thread-safe.
bool GlobMatch(std::string_view pattern, std::string_view text);

/// GlobMatch without regard to ASCII case, with Redis' exceptions: an escaped class member compares
/// exactly. Used for configuration names.
bool GlobMatchNoCase(std::string_view pattern, std::string_view text);

/// GlobMatch that adds the steps taken (pattern or text bytes looked at, or words of 64 states
/// advanced) to `steps`, so that tests can bound the work instead of the time.
bool GlobMatchCounting(std::string_view pattern, std::string_view text, uint64_t& steps);

}  // namespace peal::patterns
