#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace peal::store {

/// The 64-bit hash of a key: XXH3 with a seed drawn once per process, so that clients cannot choose
/// keys that collide by computation. Stripes take its low bits, tables its high ones.
///
/// Not a MAC: should somebody still produce collisions, tables get slow, never wrong or larger.
uint64_t HashKey(std::string_view key);

/// XXH3 of `bytes` without a seed: the same on every server, as DIGEST promises.
uint64_t DigestOf(std::string_view bytes);

/// The same with 128 bits, as octets.
std::array<char, 16> WideDigestOf(std::string_view bytes);

/// Fixes the seed; only before any key is hashed, for tests that must repeat exactly.
void SetHashSeedForTesting(uint64_t seed);

}  // namespace peal::store
