#include "broker/net/output_queue.h"

#include <gtest/gtest.h>
#include <sys/uio.h>

#include <cstring>
#include <random>
#include <string>

#include "broker/net/arena.h"

namespace peal::broker {
namespace {

std::string Contents(const OutputQueue& queue) {
  std::vector<iovec> ranges(queue.segments() + 1);
  const int count = queue.Gather(ranges.data(), static_cast<int>(ranges.size()));
  std::string all;
  for (int i = 0; i < count; ++i) {
    all.append(static_cast<const char*>(ranges[i].iov_base), ranges[i].iov_len);
  }
  return all;
}

TEST(OutputQueue, HoldsNeighboursAsOneSegment) {
  BufferRef block = BufferRef::Adopt(Buffer::New(16));
  std::memcpy(block->data(), "0123456789abcdef", 16);
  OutputQueue queue;
  queue.Push({block.get(), 0, 4});
  queue.Push({block.get(), 4, 4});
  EXPECT_EQ(queue.segments(), 1u);
  queue.Push({block.get(), 10, 2});
  EXPECT_EQ(queue.segments(), 2u);
  EXPECT_EQ(Contents(queue), "01234567ab");
  EXPECT_EQ(queue.bytes(), 10u);
}

TEST(OutputQueue, CopiesGoOnInOneBlockUntilSomethingElseIsQueued) {
  BufferRef block = BufferRef::Adopt(Buffer::New(4));
  std::memcpy(block->data(), "BBBB", 4);
  OutputQueue queue;
  queue.PushCopy("aa");
  queue.PushCopy("cc");
  EXPECT_EQ(queue.segments(), 1u);
  queue.Push({block.get(), 0, 4});
  queue.PushCopy("dd");
  EXPECT_EQ(queue.segments(), 3u);
  EXPECT_EQ(Contents(queue), "aaccBBBBdd");
}

// All operations against a plain string, over every way to grow, wrap, split and compact.
TEST(OutputQueue, BehavesAsAStringOfBytes) {
  constexpr uint32_t kSeed = 3;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  OutputQueue queue;
  std::string model;
  for (int step = 0; step < 20'000; ++step) {
    const size_t size = random() % (random() % 20 == 0 ? 40'000 : 300);
    std::string bytes(size, static_cast<char>('a' + step % 26));
    switch (random() % 5) {
      case 0: {
        BufferRef block = BufferRef::Adopt(Buffer::New(static_cast<uint32_t>(size + 1)));
        std::memcpy(block->data(), bytes.data(), size);
        queue.Push({block.get(), 0, static_cast<uint32_t>(size)});
        model += bytes;
        break;
      }
      case 1:
        queue.PushCopy(bytes);
        model += bytes;
        break;
      case 2:
        queue.Compact(4096);
        break;
      default: {
        const size_t sent = std::min<size_t>(model.size(), random() % 3000);
        queue.Consume(sent);
        model.erase(0, sent);
      }
    }
    ASSERT_EQ(queue.bytes(), model.size());
    if (step % 50 == 0) {
      ASSERT_EQ(Contents(queue), model);
    }
    if (model.size() > 300'000) {
      queue.Clear();
      model.clear();
    }
  }
  ASSERT_EQ(Contents(queue), model);
}

TEST(Arena, WritesOnePieceInOneRangeHoweverItGrows) {
  Arena arena;
  arena.Begin(0);
  std::string expected;
  for (int i = 0; i < 30'000; ++i) {
    arena.Append("0123456789");
    expected += "0123456789";
  }
  const Range range = arena.End();
  EXPECT_EQ(std::string(range.data(), range.length), expected);
}

TEST(Arena, PutsPiecesSideBySide) {
  Arena arena;
  arena.Begin(10);
  arena.Append("one");
  const Range one = arena.End();
  arena.Begin(10);
  arena.Append("two");
  const Range two = arena.End();
  EXPECT_EQ(one.buffer, two.buffer);
  EXPECT_EQ(one.offset + one.length, two.offset);
}

}  // namespace
}  // namespace peal::broker
