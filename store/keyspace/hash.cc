#include "store/keyspace/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <random>

namespace peal::store {
namespace {

uint64_t DrawSeed() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) | device();
}

// Written before threads start (static initialisation or a test), read-only afterwards.
uint64_t hash_seed = DrawSeed();

}  // namespace

uint64_t HashKey(std::string_view key) {
  return XXH3_64bits_withSeed(key.data(), key.size(), hash_seed);
}

uint64_t DigestOf(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

void SetHashSeedForTesting(uint64_t seed) { hash_seed = seed; }

}  // namespace peal::store
