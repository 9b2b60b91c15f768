#include "store/keyspace/entry_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace peal::store {
namespace {

struct Block {
  char* data;
  size_t bytes;
  char fill;
};

bool IsIntact(const Block& block) {
  for (size_t i = 0; i < block.bytes; ++i) {
    if (block.data[i] != block.fill) return false;
  }
  return true;
}

TEST(EntryPool, BlocksOfAllSizesNeverOverlap) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  EntryPool& pool = EntryPool::Instance();
  std::vector<Block> blocks;
  for (int i = 0; i < 50'000; ++i) {
    if (blocks.empty() || random() % 5 < 3) {
      const size_t bytes = 16 + random() % 300;
      char* data = static_cast<char*>(pool.Allocate(bytes));
      ASSERT_EQ(reinterpret_cast<uintptr_t>(data) % 8, 0u);
      const char fill = static_cast<char>(random());
      std::memset(data, fill, bytes);
      blocks.push_back({data, bytes, fill});
    } else {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      ASSERT_TRUE(IsIntact(blocks.back()));
      pool.Free(blocks.back().data, blocks.back().bytes);
      blocks.pop_back();
    }
  }
  for (const Block& block : blocks) {
    EXPECT_TRUE(IsIntact(block));
    pool.Free(block.data, block.bytes);
  }
}

TEST(EntryPool, GivesEmptySlabsBack) {
  EntryPool& pool = EntryPool::Instance();
  pool.FlushThreadCache();
  const size_t before = pool.SlabCount();
  std::vector<void*> blocks;
  for (int i = 0; i < 100'000; ++i) blocks.push_back(pool.Allocate(56));
  // 16 KiB hold 291 blocks of 56 bytes beside their header.
  EXPECT_GE(pool.SlabCount(), before + 100'000 / 291 - 1);
  EXPECT_LE(pool.SlabCount(), before + 100'000 / 291 + 2);
  for (void* block : blocks) pool.Free(block, 56);
  pool.FlushThreadCache();
  EXPECT_LE(pool.SlabCount(), before + 1);
}

TEST(EntryPool, BlocksMayBeFreedByOtherThreads) {
  EntryPool& pool = EntryPool::Instance();
  constexpr int kThreads = 4;
  std::vector<std::vector<Block>> rings(kThreads);
  for (int round = 0; round < 10; ++round) {
    std::vector<std::vector<Block>> fresh(kThreads);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      // Frees what its neighbour made in the round before, and makes blocks for the next one.
      threads.emplace_back([&pool, &old = rings[(t + 1) % kThreads], &made = fresh[t], t] {
        for (int i = 0; i < 1'000; ++i) {
          const size_t bytes = 16 + static_cast<size_t>(i % 100);
          char* data = static_cast<char*>(pool.Allocate(bytes));
          std::memset(data, t, bytes);
          made.push_back({data, bytes, static_cast<char>(t)});
        }
        for (const Block& block : old) {
          EXPECT_TRUE(IsIntact(block));
          pool.Free(block.data, block.bytes);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    rings = std::move(fresh);
  }
  for (const auto& ring : rings) {
    for (const Block& block : ring) pool.Free(block.data, block.bytes);
  }
}

}  // namespace
}  // namespace peal::store
