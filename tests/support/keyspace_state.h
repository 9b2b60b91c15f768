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
  /// Of lists and sets: their size as a listpack would have it.
  size_t count = 0;
  size_t bytes = 0;
  size_t longest = 0;
};

/// All keys of database `db`. `client` speaks RESP2.
std::map<std::string, KeyState> ReadKeyspace(Client& client, int db);

/// `reply` without what depends on the clock and on inner structure: ages, times of delivery,
/// nodes.
Reply WithoutTimes(Reply reply);

/// `text`, if it is a number, with 17 significant digits.
std::string CanonicalNumber(const std::string& text);

/// Empty if both states are the same but for documented differences; else what differs.
/// `across_releases`: one of them is of Redis 7.0.
std::string CompareKeyStates(const KeyState& expected, const KeyState& actual,
                             bool across_releases);

}  // namespace peal::tests
