#include "store/value/bitmap.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace peal::store {
namespace {

/// Bits as a plain row, to compare with.
std::vector<bool> BitsOf(std::string_view bytes) {
  std::vector<bool> bits;
  for (const char c : bytes) {
    for (int i = 7; i >= 0; --i) bits.push_back((static_cast<unsigned char>(c) >> i & 1) != 0);
  }
  return bits;
}

std::string RandomBytes(std::mt19937_64& random, size_t size) {
  std::string bytes(size, '\0');
  // Long stretches of one kind, so that searches have something to skip.
  const uint64_t kind = random() % 3;
  for (char& c : bytes) {
    c = static_cast<char>(kind == 0 ? random() & 0xff : kind == 1 ? 0 : 0xff);
    if (kind != 0 && random() % 40 == 0) c = static_cast<char>(random() & 0xff);
  }
  return bytes;
}

TEST(Bitmap, CountsAndFindsLikeARowOfBits) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 3000; ++round) {
    const std::string bytes = RandomBytes(random, 1 + random() % 100);
    const std::vector<bool> bits = BitsOf(bytes);
    const uint64_t first = random() % bits.size();
    const uint64_t last = first + random() % (bits.size() - first);
    uint64_t count = 0;
    std::optional<uint64_t> found[2];
    for (uint64_t i = first; i <= last; ++i) {
      count += bits[i] ? 1 : 0;
      if (!found[bits[i]]) found[bits[i]] = i;
    }
    ASSERT_EQ(CountBits(bytes, first, last), count);
    ASSERT_EQ(FindBit(bytes, false, first, last), found[0]);
    ASSERT_EQ(FindBit(bytes, true, first, last), found[1]);
    ASSERT_EQ(CountBits(bytes), CountBits(bytes, 0, bits.size() - 1));
  }
  EXPECT_EQ(CountBits(""), 0u);
}

TEST(Bitmap, FieldsOfAnyWidthAreReadBackAsWritten) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = RandomBytes(random, 9 + random() % 20);
    const int width = 1 + static_cast<int>(random() % 64);
    const uint64_t offset = random() % (bytes.size() * 8 - static_cast<uint64_t>(width) + 1);
    const uint64_t value = width == 64 ? random() : random() & ((uint64_t{1} << width) - 1);
    std::vector<bool> expected = BitsOf(bytes);
    for (int i = 0; i < width; ++i) {
      expected[offset + static_cast<uint64_t>(i)] = (value >> (width - 1 - i) & 1) != 0;
    }
    WriteBits(bytes, offset, width, value);
    ASSERT_EQ(BitsOf(bytes), expected);
    ASSERT_EQ(ReadBits(bytes, offset, width), value);
  }
  EXPECT_EQ(ReadBits("\xff", 4, 8), 0xf0u);
  EXPECT_EQ(ReadBits("\xff", 8, 64), 0u);
  EXPECT_EQ(ReadBits("", uint64_t{1} << 40, 64), 0u);
}

TEST(Bitmap, CombinesSourcesOfDifferentLengths) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> texts(1 + random() % 4);
    size_t size = 0;
    for (std::string& text : texts) {
      text = RandomBytes(random, random() % (random() % 4 == 0 ? 10'000 : 60));
      size = std::max(size, text.size());
    }
    const std::vector<std::string_view> sources(texts.begin(), texts.end());
    for (int operation = 0; operation < 8; ++operation) {
      std::string out(size, 'x');
      CombineBits(static_cast<BitOperation>(operation), sources, out);
      for (size_t i = 0; i < size; ++i) {
        unsigned all = 0xff;
        unsigned any = 0;
        unsigned odd = 0;
        unsigned twice = 0;
        unsigned others = 0;
        for (size_t k = 0; k < texts.size(); ++k) {
          const unsigned byte = i < texts[k].size() ? static_cast<unsigned char>(texts[k][i]) : 0u;
          all &= byte;
          twice |= any & byte;
          any |= byte;
          odd ^= byte;
          if (k > 0) others |= byte;
        }
        const unsigned first = i < texts[0].size() ? static_cast<unsigned char>(texts[0][i]) : 0u;
        const unsigned expected[] = {
            all,         any, odd, ~first & 0xff, first & ~others, ~first & others, first & others,
            any & ~twice};
        ASSERT_EQ(static_cast<unsigned char>(out[i]), expected[operation] & 0xff)
            << operation << " at " << i;
      }
    }
  }
}

}  // namespace
}  // namespace peal::store
