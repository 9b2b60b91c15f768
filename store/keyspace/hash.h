#pragma once

#include <cstdint>
#include <string_view>

namespace peal::store {

/// The 64-bit hash of a key: XXH3 with a seed drawn once per process, so that clients cannot choose
/// keys that collide by computation. Stripes take its low bits, tables its high ones.
///
/// Not a MAC: should somebody still produce collisions, tables get slow, never wrong or larger.
uint64_t HashKey(std::string_view key);

/// Fixes the seed; only before any key is hashed, for tests that must repeat exactly.
void SetHashSeedForTesting(uint64_t seed);

}  // namespace peal::store
