#pragma once

#include <re2/re2.h>
#include <re2/set.h>

#include <string>
#include <string_view>

namespace peal::patterns {

/// The RE2 syntax that matches exactly what GlobMatch(pattern, ·) matches, for Re2GlobOptions().
///
/// Anchored at both ends. Bytes outside letters and digits are written in hexadecimal, so the
/// result is ASCII and at most some 20 times as long as `pattern` plus 700 bytes for each class.
std::string GlobToRe2(std::string_view pattern);

/// Latin-1 (one byte, one character), '.' matches newlines, errors not logged, `memory_bytes` for
/// program and automaton.
re2::RE2::Options Re2GlobOptions(int64_t memory_bytes);

}  // namespace peal::patterns
