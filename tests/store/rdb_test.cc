#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "store/rdb/crc64.h"
#include "store/rdb/format.h"
#include "store/rdb/packed.h"
#include "store/rdb/reader.h"
#include "store/rdb/writer.h"
#include "store/value/lzf.h"
#include "tests/store/old_packed.h"

namespace peal::store::rdb {
namespace {

using tests::Ziplist;
using tests::Zipmap;

std::string RandomBytes(std::mt19937& random, size_t size, unsigned alphabet = 256) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random() % alphabet);
  return bytes;
}

// ---------------------------------------------------------------- CRC-64

TEST(Crc64, IsThatOfTheCheckString) {
  EXPECT_EQ(Crc64("123456789"), 0xe9c6d914c4b8d9cau);
  EXPECT_EQ(Crc64(""), 0u);
}

TEST(Crc64, AgreesWithTheDefinitionBitByBitAndGoesOnWhereItStopped) {
  std::mt19937 random(1);
  for (size_t size = 0; size < 100; ++size) {
    const std::string bytes = RandomBytes(random, size);
    uint64_t expected = 0;
    for (const char c : bytes) {
      expected ^= static_cast<unsigned char>(c);
      for (int bit = 0; bit < 8; ++bit)
        expected = (expected >> 1) ^ ((expected & 1) != 0 ? 0x95ac9329ac4bc9b5u : 0);
    }
    EXPECT_EQ(Crc64(bytes), expected);
    const size_t cut = random() % (size + 1);
    EXPECT_EQ(
        Crc64(std::string_view(bytes).substr(cut), Crc64(std::string_view(bytes).substr(0, cut))),
        expected);
  }
}

// ---------------------------------------------------------------- LZF

TEST(Lzf, UnpacksWhatItPacked) {
  std::mt19937 random(2);
  size_t packed_ones = 0;
  for (size_t size = 0; size < 5'000; size = size * 5 / 4 + 1) {
    for (const unsigned alphabet : {1u, 2u, 16u, 256u}) {
      const std::string bytes = RandomBytes(random, size, alphabet);
      std::string packed = "before";
      const size_t packed_size = LzfCompress(bytes, packed);
      ASSERT_EQ(packed.size(), 6 + packed_size);
      if (packed_size == 0) continue;
      ++packed_ones;
      ASSERT_LE(packed_size + 4, size);
      const std::string_view stream = std::string_view(packed).substr(6);
      std::string unpacked;
      ASSERT_TRUE(LzfDecompress(stream, size, unpacked));
      ASSERT_EQ(unpacked, bytes);
      ASSERT_FALSE(LzfDecompress(stream, size + 1, unpacked));
      ASSERT_FALSE(LzfDecompress(stream, size - 1, unpacked));
      ASSERT_FALSE(LzfDecompress(stream.substr(0, packed_size - 1), size, unpacked));
    }
  }
  EXPECT_GT(packed_ones, 50u);
}

TEST(Lzf, AllocatesNothingForSizesThatAStreamCannotHave) {
  std::string out;
  EXPECT_FALSE(LzfDecompress("abc", size_t{1} << 31, out));
  EXPECT_FALSE(LzfDecompress("abc", size_t{1} << 62, out));
  EXPECT_FALSE(LzfDecompress("", 10, out));
  EXPECT_FALSE(LzfDecompress("abc", 0, out));
  EXPECT_LT(out.capacity(), 1'000u);
}

TEST(Lzf, SurvivesRandomStreams) {
  std::mt19937 random(3);
  std::string out;
  for (int i = 0; i < 100'000; ++i) {
    const std::string stream = RandomBytes(random, random() % 40);
    LzfDecompress(stream, random() % 3'000, out);
  }
}

// ---------------------------------------------------------------- primitives

std::string Written(uint64_t length) {
  std::string out;
  Writer(out).Length(length);
  return out;
}

TEST(RdbPrimitives, LengthsTakeTheShortestForm) {
  EXPECT_EQ(Written(0), std::string("\0", 1));
  EXPECT_EQ(Written(63), "\x3f");
  EXPECT_EQ(Written(64), "\x40\x40");
  EXPECT_EQ(Written(16'383), "\x7f\xff");
  EXPECT_EQ(Written(16'384), std::string("\x80\0\0\x40\0", 5));
  EXPECT_EQ(Written(0xffffffff), "\x80\xff\xff\xff\xff");
  EXPECT_EQ(Written(0x100000000), std::string("\x81\0\0\0\1\0\0\0\0", 9));
  for (const uint64_t length :
       {uint64_t{0}, uint64_t{63}, uint64_t{64}, uint64_t{16'383}, uint64_t{16'384},
        uint64_t{0xffffffff}, uint64_t{0x100000000}, std::numeric_limits<uint64_t>::max()}) {
    const std::string bytes = Written(length);
    Reader reader(bytes);
    EXPECT_EQ(reader.Length(), length);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.Remaining(), 0u);
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      Reader cut_reader(std::string_view(bytes).substr(0, cut));
      cut_reader.Length();
      EXPECT_FALSE(cut_reader.ok());
    }
  }
}

std::string WrittenString(std::string_view text, bool compresses = true) {
  std::string out;
  Writer(out, compresses).String(text);
  return out;
}

TEST(RdbPrimitives, StringsTakeTheShortestForm) {
  EXPECT_EQ(WrittenString(""), std::string("\0", 1));
  EXPECT_EQ(WrittenString("abc"), "\3abc");
  EXPECT_EQ(WrittenString("0"), std::string("\xc0\0", 2));
  EXPECT_EQ(WrittenString("-128"), "\xc0\x80");
  EXPECT_EQ(WrittenString("128"), std::string("\xc1\x80\0", 3));
  EXPECT_EQ(WrittenString("-32768"), std::string("\xc1\0\x80", 3));
  EXPECT_EQ(WrittenString("32768"), std::string("\xc2\0\x80\0\0", 5));
  EXPECT_EQ(WrittenString("-2147483648"), std::string("\xc2\0\0\0\x80", 5));
  EXPECT_EQ(WrittenString("2147483648"), "\n2147483648");
  EXPECT_EQ(WrittenString("007"),
            "\3"
            "007");
  EXPECT_EQ(WrittenString("+1"), "\2+1");
  EXPECT_EQ(WrittenString("-0"), "\2-0");
  const std::string long_one(1'000, 'x');
  EXPECT_EQ(WrittenString(long_one)[0], '\xc3');
  EXPECT_LT(WrittenString(long_one).size(), 50u);
  EXPECT_EQ(WrittenString(long_one, false), "\x43\xe8" + long_one);
  EXPECT_EQ(WrittenString(std::string(20, 'x')), '\x14' + std::string(20, 'x'));
}

TEST(RdbPrimitives, StringsComeBack) {
  std::mt19937 random(4);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    if (i % 3 == 0) {
      text = std::to_string(static_cast<int64_t>(random()) - (1ll << 31));
    } else {
      text = RandomBytes(random, random() % (i % 50 == 1 ? 20'000 : 100), i % 3 == 1 ? 3 : 256);
    }
    const std::string bytes = WrittenString(text);
    std::string scratch;
    Reader reader(bytes);
    ASSERT_EQ(reader.String(scratch), text);
    ASSERT_TRUE(reader.ok());
    ASSERT_EQ(reader.Remaining(), 0u);
    Reader cut(std::string_view(bytes).substr(0, random() % bytes.size()));
    ASSERT_EQ(cut.String(scratch), "");
    ASSERT_FALSE(cut.ok());
  }
}

TEST(RdbPrimitives, IntegersAreWrittenAsTheStringsTheyAre) {
  for (const int64_t value :
       {int64_t{0}, int64_t{-129}, int64_t{1} << 31, std::numeric_limits<int64_t>::min(),
        std::numeric_limits<int64_t>::max(), int64_t{-1} << 31}) {
    std::string out;
    Writer(out).IntegerString(value);
    EXPECT_EQ(out, WrittenString(std::to_string(value)));
  }
}

TEST(RdbPrimitives, WrongStringsAreRefused) {
  const std::string_view wrong[] = {
      {"", 0},
      {"\xc4", 1},
      {"\xff", 1},
      {"\xc0", 1},
      {"\x82", 1},
      {"\5ab", 3},
      {"\xc3\1\5", 3},
      {"\xc3\1\5\0", 4},
      {"\x81\xff\xff\xff\xff\xff\xff\xff\xff", 9},
      {"\x80\xff\xff\xff\xff", 5},
      {"\xc3\1\x80\xff\xff\xff\xff\0", 8},
  };
  for (const std::string_view bytes : wrong) {
    std::string scratch;
    Reader reader(bytes);
    reader.String(scratch);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.Remaining(), 0u);
  }
}

TEST(RdbPrimitives, ALengthIsNoEncoding) {
  Reader reader("\xc0\x01");
  EXPECT_EQ(reader.Length(), 0u);
  EXPECT_FALSE(reader.ok());
}

TEST(RdbPrimitives, DoublesComeBackInBothForms) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double value : {0.0, -0.0, 1.5, -1e300, 5e-324, kInfinity, -kInfinity}) {
    std::string out;
    Writer(out).Double(value);
    ASSERT_EQ(out.size(), 8u);
    Reader reader(out);
    const double again = reader.Double();
    EXPECT_EQ(again, value);
    EXPECT_EQ(std::signbit(again), std::signbit(value));
  }
  EXPECT_EQ(Reader("\xfe").TextDouble(), kInfinity);
  EXPECT_EQ(Reader("\xff").TextDouble(), -kInfinity);
  EXPECT_TRUE(std::isnan(Reader("\xfd").TextDouble()));
  EXPECT_EQ(Reader("\4-1.5").TextDouble(), -1.5);
  for (const std::string_view wrong : {"", "\4-1.", "\2xx", "\3nan"}) {
    Reader reader(wrong);
    reader.TextDouble();
    EXPECT_FALSE(reader.ok()) << wrong;
  }
}

// ---------------------------------------------------------------- packed layouts

std::vector<std::string> Elements(const std::optional<Listpack>& pack) {
  std::vector<std::string> elements;
  if (!pack) return {"refused"};
  for (auto at = pack->First(); at != Listpack::kEnd; at = pack->Next(at))
    elements.push_back(pack->Get(at).ToString());
  return elements;
}

std::vector<std::string> OddElements() {
  return {"a",
          "",
          "0",
          "12",
          "13",
          "-1",
          "127",
          "128",
          "-128",
          "-129",
          "32767",
          "32768",
          "8388607",
          "8388608",
          "-8388608",
          "2147483647",
          "2147483648",
          "-9223372036854775808",
          "007",
          std::string(63, 'x'),
          std::string(64, 'y'),
          std::string(253, 'z'),
          std::string(16'383, 'v'),
          std::string(16'384, 'w'),
          "after a large one",
          "9223372036854775807"};
}

TEST(Packed, ZiplistsOfAllEncodingsAreRead) {
  EXPECT_EQ(Elements(ListpackFromZiplist(Ziplist({}))), std::vector<std::string>{});
  EXPECT_EQ(Elements(ListpackFromZiplist(Ziplist(OddElements()))), OddElements());
}

TEST(Packed, WrongZiplistsAreRefused) {
  const std::string good = Ziplist({"a", "1000", "b"});
  for (size_t cut = 0; cut < good.size(); ++cut)
    EXPECT_FALSE(ListpackFromZiplist(std::string_view(good).substr(0, cut)));
  EXPECT_FALSE(ListpackFromZiplist(good + '\xff'));
  for (const size_t at : {0u, 3u, 4u, 7u, 8u, 9u, 10u, 13u, 17u}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] + 1);
    EXPECT_FALSE(ListpackFromZiplist(bad)) << at;
  }
  std::string uncounted = good;
  uncounted[8] = uncounted[9] = '\xff';
  EXPECT_EQ(Elements(ListpackFromZiplist(uncounted)), (std::vector<std::string>{"a", "1000", "b"}));
}

TEST(Packed, ZipmapsAreRead) {
  const std::vector<std::string> pairs = {
      "field", "value", "", "", "n", "12", std::string(300, 'f'), std::string(254, 'v')};
  EXPECT_EQ(Elements(ListpackFromZipmap(Zipmap(pairs))), pairs);
  EXPECT_EQ(Elements(ListpackFromZipmap(Zipmap(pairs, 3))), pairs);
}

TEST(Packed, WrongZipmapsAreRefused) {
  EXPECT_FALSE(ListpackFromZipmap(Zipmap({})));
  const std::string good = Zipmap({"f", "v", "g", "w"}, 1);
  for (size_t cut = 0; cut < good.size(); ++cut)
    EXPECT_FALSE(ListpackFromZipmap(std::string_view(good).substr(0, cut)));
  EXPECT_FALSE(ListpackFromZipmap(good + '\xff'));
  std::string bad = good;
  bad[0] = 3;
  EXPECT_FALSE(ListpackFromZipmap(bad));
  bad[0] = '\xfe';  // more than the octet can tell
  EXPECT_TRUE(ListpackFromZipmap(bad));
}

TEST(Packed, RandomDamageIsSurvived) {
  std::mt19937 random(5);
  const std::string blocks[] = {Ziplist(OddElements()), Zipmap({"f", "v", "g", "12"}, 2),
                                Ziplist({"a", "b", "1", "-5"})};
  for (int i = 0; i < 40'000; ++i) {
    std::string block = blocks[i % 3];
    for (unsigned n = 1 + random() % 3; n > 0; --n)
      block[random() % std::min<size_t>(block.size(), 200)] = static_cast<char>(random());
    if (random() % 4 == 0) block.resize(random() % block.size());
    const auto ziplist = ListpackFromZiplist(block);
    if (ziplist) {
      EXPECT_TRUE(Listpack::Parse(ziplist->Block()));
    }
    ListpackFromZipmap(block);
  }
}

}  // namespace
}  // namespace peal::store::rdb
