#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "tests/support/client.h"

namespace peal::tests {

/// What a key holds, in a form that does not depend on hashing.
struct KeyState {
  std::string type;
  int64_t expire_ms = 0;
  std::string encoding;
  std::string content;
  /// Of lists, sets and sorted sets: their size as a listpack would have it.
  size_t count = 0;
  size_t bytes = 0;
  size_t longest = 0;
};

/// All keys of database `db`. `client` speaks RESP2. Without `has_zero_signs` a score of -0 counts
/// as 0.
std::map<std::string, KeyState> ReadKeyspace(Client& client, int db, bool has_zero_signs = true);

/// `reply` without what depends on the clock and on inner structure: ages, times of delivery,
/// nodes.
Reply WithoutTimes(Reply reply);

/// `text`, if it is a number, with 17 significant digits; -0 as 0 without `has_zero_signs`.
std::string CanonicalNumber(const std::string& text, bool has_zero_signs);

/// How the encodings of two values are compared.
enum class Encodings {
  kEqual,
  /// The first is that of Redis 7.0, which has no listpacks for lists and sets.
  kAcrossReleases,
  /// Not at all: they may depend on what was there before.
  kAny
};

/// Empty if both states are the same but for documented differences; else what differs.
std::string CompareKeyStates(const KeyState& expected, const KeyState& actual, Encodings encodings);

/// What differs between two keyspaces as read by ReadKeyspace: key and difference.
std::map<std::string, std::string> CompareKeyspaces(const std::map<std::string, KeyState>& expected,
                                                    const std::map<std::string, KeyState>& actual,
                                                    Encodings encodings);

}  // namespace peal::tests
