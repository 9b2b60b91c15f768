#include "store/value/hyperloglog.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
#include <string>

namespace peal::store::hyperloglog {
namespace {

using Outcome = Editor::Outcome;

TEST(HyperLogLog, HashesAsRedisDoes) {
  // Observed on redis-server 7.0.15: PFADD k <element>, PFDEBUG DECODE k.
  const auto decoded = [](std::string_view element) {
    Editor editor(Create(), 3000);
    EXPECT_EQ(editor.Raise(PlaceOf(element)), Outcome::kRaised);
    return DescribeRuns(editor.text());
  };
  EXPECT_EQ(decoded("a"), "Z:12711 v:2,1 Z:3672");
  EXPECT_EQ(decoded("hello world"), "Z:9399 v:4,1 Z:6984");
  EXPECT_EQ(decoded(""), "Z:5938 v:2,1 Z:10445");
}

TEST(HyperLogLog, SparseAndDenseHoldTheSame) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 30; ++round) {
    std::array<uint8_t, kRegisters> expected{};
    Editor sparse(Create(), round % 3 == 0 ? 1'000'000 : 3000);
    Editor dense(Create(), 3000);
    ASSERT_TRUE(dense.MakeDense());
    const bool rises = round % 2 == 0;
    uint32_t index = 0;
    for (int i = 0; i < 3000; ++i) {
      index = rises ? index + static_cast<uint32_t>(random() % 12)
                    : static_cast<uint32_t>(random() % kRegisters);
      if (index >= kRegisters) break;
      const auto value = static_cast<uint8_t>(1 + random() % (random() % 500 == 0 ? 51 : 4));
      const Outcome outcome = expected[index] < value ? Outcome::kRaised : Outcome::kUnchanged;
      ASSERT_EQ(sparse.Raise({index, value}), outcome);
      ASSERT_EQ(dense.Raise({index, value}), outcome);
      expected[index] = std::max(expected[index], value);
    }
    for (Editor* editor : {&sparse, &dense}) {
      std::array<uint8_t, kRegisters> registers{};
      ASSERT_TRUE(IsValid(editor->text()));
      ASSERT_TRUE(MergeInto(editor->text(), registers));
      ASSERT_EQ(registers, expected);
      ASSERT_EQ(hyperloglog::Count(editor->text()), hyperloglog::Count(Registers(expected)));
    }
  }
}

TEST(HyperLogLog, EstimatesWithinItsError) {
  Editor editor(Create(), 3000);
  for (int i = 1; i <= 100'000; ++i) {
    editor.Raise(PlaceOf("element:" + std::to_string(i)));
    if (i == 10 || i == 1000 || i == 100'000) {
      const auto estimate = static_cast<double>(*hyperloglog::Count(editor.text()));
      EXPECT_LE(std::fabs(estimate - i), std::ceil(4 * 0.0081 * i)) << i;
    }
  }
}

TEST(HyperLogLog, KeepsItsEstimateUntilItIsStale) {
  std::string text = Create();
  EXPECT_EQ(CachedCount(text), 0u);
  SetCachedCount(text, 0x0102030405060708);
  EXPECT_EQ(CachedCount(text), 0x0102030405060708u);
  EXPECT_EQ(text.substr(8, 8), "\x08\x07\x06\x05\x04\x03\x02\x01");
  MarkStale(text);
  EXPECT_EQ(CachedCount(text), std::nullopt);
}

TEST(HyperLogLog, TurnsDenseWhenRunsDoNotFit) {
  Editor by_value(Create(), 3000);
  by_value.Raise({5, 32});
  EXPECT_EQ(EncodingOf(by_value.text()), Encoding::kSparse);
  by_value.Raise({6, 33});
  EXPECT_EQ(EncodingOf(by_value.text()), Encoding::kDense);
  EXPECT_EQ(by_value.text().size(), kDenseBytes);
  EXPECT_EQ(DenseRegister(by_value.text(), 5), 32);
  EXPECT_EQ(DenseRegister(by_value.text(), 6), 33);
  Editor by_size(Create(), 20);
  by_size.Raise({5, 1});
  EXPECT_EQ(EncodingOf(by_size.text()), Encoding::kSparse);
  by_size.Raise({900, 1});
  EXPECT_EQ(EncodingOf(by_size.text()), Encoding::kDense);
}

TEST(HyperLogLog, RefusesCorruptedRuns) {
  const std::string header = Create().substr(0, kHeaderBytes);
  std::array<uint8_t, kRegisters> registers{};
  for (const std::string& runs :
       {std::string(), std::string("\x7f", 1), std::string("\x7f\xff\x00", 3),
        std::string("\x00", 1), std::string(300, '\x3f'), std::string(20'000, '\xff')}) {
    const std::string text = header + runs;
    ASSERT_TRUE(IsValid(text));
    EXPECT_EQ(hyperloglog::Count(text), std::nullopt);
    EXPECT_FALSE(MergeInto(text, registers));
    EXPECT_EQ(ToDense(text), std::nullopt);
    DescribeRuns(text);
    Editor editor(text, 3000);
    editor.Raise({16'383, 3});
  }
  EXPECT_FALSE(IsValid(""));
  EXPECT_FALSE(IsValid("HYLL"));
  EXPECT_FALSE(IsValid(std::string("HYLL\x02") + std::string(100, '\0')));
  EXPECT_FALSE(IsValid(std::string("HYLL\0", 5) + std::string(100, '\0')));
}

}  // namespace
}  // namespace peal::store::hyperloglog
