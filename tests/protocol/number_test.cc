#include "protocol/base/number.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>
#include <string>

namespace peal::protocol {
namespace {

std::string Double(double value) {
  char out[kMaxDoubleChars];
  return {out, FormatDouble(out, value)};
}

TEST(ParseInt64, TakesTheCanonicalSpellingOnly) {
  EXPECT_EQ(ParseInt64("0"), 0);
  EXPECT_EQ(ParseInt64("-1"), -1);
  EXPECT_EQ(ParseInt64("9223372036854775807"), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(ParseInt64("-9223372036854775808"), std::numeric_limits<int64_t>::min());
  for (const char* bad : {"", "-", "+1", "-0", "00", "01", "-01", " 1", "1 ", "1.0", "1e3", "0x1",
                          "9223372036854775808", "-9223372036854775809", "99999999999999999999",
                          "18446744073709551616", "100000000000000000000"})
    EXPECT_EQ(ParseInt64(bad), std::nullopt) << bad;
}

TEST(ParseUint64, TakesTheCanonicalSpellingOnly) {
  EXPECT_EQ(ParseUint64("0"), 0u);
  EXPECT_EQ(ParseUint64("18446744073709551615"), std::numeric_limits<uint64_t>::max());
  for (const char* bad : {"", "-1", "00", "18446744073709551616", "1x"})
    EXPECT_EQ(ParseUint64(bad), std::nullopt) << bad;
}

TEST(FormatInt, WritesEveryLength) {
  for (int shift = 0; shift < 64; ++shift) {
    for (const uint64_t delta : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}}) {
      const uint64_t value = (uint64_t{1} << shift) + delta;
      char out[kMaxIntChars];
      EXPECT_EQ(std::string(out, FormatUint(out, value)), std::to_string(value));
      EXPECT_EQ(CountDigits(value), static_cast<int>(std::to_string(value).size()));
      const auto number = static_cast<int64_t>(value);
      EXPECT_EQ(std::string(out, FormatInt(out, number)), std::to_string(number));
    }
  }
  for (uint64_t power = 1; power < 10'000'000'000'000'000'000u; power *= 10) {
    EXPECT_EQ(CountDigits(power - 1), static_cast<int>(std::to_string(power - 1).size()));
    EXPECT_EQ(CountDigits(power), static_cast<int>(std::to_string(power).size()));
  }
}

TEST(ParseDouble, ReadsWhatRedisReads) {
  EXPECT_EQ(ParseDouble("1.5"), 1.5);
  EXPECT_EQ(ParseDouble("+1e3"), 1000);
  EXPECT_EQ(ParseDouble(".5"), 0.5);
  EXPECT_EQ(ParseDouble("0x10"), 16);
  EXPECT_EQ(ParseDouble("inf"), INFINITY);
  EXPECT_EQ(ParseDouble("-Infinity"), -INFINITY);
  for (const char* bad : {"", " 1", "1 ", "nan", "1e400", "1e-400", "1x", "e", "--1"})
    EXPECT_EQ(ParseDouble(bad), std::nullopt) << bad;
  EXPECT_EQ(ParseDouble(std::string_view("1\0", 2)), std::nullopt);
}

// The notation is that of Redis 7.2: whole numbers up to 2^62 plain, then the shortest digits, with
// an exponent where plain notation would need many zeros.
TEST(FormatDouble, ChoosesTheNotationOfRedis72) {
  EXPECT_EQ(Double(0), "0");
  EXPECT_EQ(Double(-0.0), "-0");
  EXPECT_EQ(Double(1), "1");
  EXPECT_EQ(Double(-42), "-42");
  EXPECT_EQ(Double(0.1), "0.1");
  EXPECT_EQ(Double(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(Double(-1.25), "-1.25");
  EXPECT_EQ(Double(1e15), "1000000000000000");
  EXPECT_EQ(Double(4611686018427387904.0), "4611686018427387904");
  EXPECT_EQ(Double(1e20), "1e+20");
  EXPECT_EQ(Double(12345678901234567890.0), "12345678901234567000");
  EXPECT_EQ(Double(1e-6), "0.000001");
  EXPECT_EQ(Double(1e-7), "1e-7");
  EXPECT_EQ(Double(-1.5e-7), "-1.5e-7");
  EXPECT_EQ(Double(0.000123456), "1.23456e-4");
  EXPECT_EQ(Double(1e300), "1e+300");
  EXPECT_EQ(Double(5e-324), "5e-324");
  EXPECT_EQ(Double(1.7976931348623157e308), "1.7976931348623157e+308");
  EXPECT_EQ(Double(INFINITY), "inf");
  EXPECT_EQ(Double(-INFINITY), "-inf");
  EXPECT_EQ(Double(NAN), "nan");
}

TEST(FormatDouble, IsReadBackExactly) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200'000; ++i) {
    const auto value = i % 2 == 0 ? std::bit_cast<double>(random())
                                  : static_cast<double>(random() % 1'000'000'000) / 1e5;
    if (!std::isnormal(value)) continue;
    const std::string text = Double(value);
    ASSERT_LE(text.size(), kMaxDoubleChars);
    ASSERT_EQ(ParseDouble(text), value) << text;
  }
}

TEST(FormatLongDoubleHuman, NeverWritesAnExponentOrTrailingZeros) {
  EXPECT_EQ(FormatLongDoubleHuman(0), "0");
  EXPECT_EQ(FormatLongDoubleHuman(-0.0L), "0");
  EXPECT_EQ(FormatLongDoubleHuman(10.5L), "10.5");
  EXPECT_EQ(FormatLongDoubleHuman(3.0L), "3");
  EXPECT_EQ(FormatLongDoubleHuman(100.0L), "100");
  EXPECT_EQ(FormatLongDoubleHuman(5.0e3L), "5000");
  EXPECT_EQ(FormatLongDoubleHuman(0.1L), "0.1");
  EXPECT_EQ(FormatLongDoubleHuman(std::numeric_limits<long double>::max()).size(), 4933u);
}

TEST(ParseLongDouble, RefusesVeryLongTexts) {
  EXPECT_EQ(ParseLongDouble("1.5"), 1.5L);
  EXPECT_EQ(ParseLongDouble(std::string(6'000, '1')), std::nullopt);
  EXPECT_EQ(ParseLongDouble("nan"), std::nullopt);
}

TEST(ParseMemory, KnowsTheUnitsOfRedis) {
  EXPECT_EQ(ParseMemory("100"), 100u);
  EXPECT_EQ(ParseMemory("100B"), 100u);
  EXPECT_EQ(ParseMemory("1k"), 1000u);
  EXPECT_EQ(ParseMemory("1kb"), 1024u);
  EXPECT_EQ(ParseMemory("2M"), 2'000'000u);
  EXPECT_EQ(ParseMemory("10mb"), 10u << 20);
  EXPECT_EQ(ParseMemory("1g"), 1'000'000'000u);
  EXPECT_EQ(ParseMemory("1GB"), 1u << 30);
  for (const char* bad : {"", "mb", "-1", "1.5k", "1 k", "1tb", "1kk", "18446744073709551615kb",
                          "99999999999999999999999"})
    EXPECT_EQ(ParseMemory(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace peal::protocol
