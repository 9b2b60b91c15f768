#pragma once

// The only place that includes the library; inlined, so that the compiler can specialise by length.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <string_view>

namespace peal::patterns {

/// XXH3 of `bytes` with a secret `seed`, so that clients cannot aim at one bucket.
inline uint64_t HashBytes(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

/// One multiplication of 64 x 64 bits folded to 64: enough mixing for a word and a secret seed.
inline uint64_t MixWord(uint64_t word, uint64_t seed) {
  return XXH3_mul128_fold64(word ^ seed, 0x9E3779B97F4A7C15ULL ^ (seed << 1));
}

}  // namespace peal::patterns
