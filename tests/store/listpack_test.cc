#include "store/value/listpack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peal::store {
namespace {

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

std::vector<std::string> Elements(const Listpack& pack) {
  std::vector<std::string> all;
  for (auto at = pack.First(); at != Listpack::kEnd; at = pack.Next(at)) {
    all.push_back(pack.Get(at).ToString());
  }
  return all;
}

std::vector<std::string> ElementsBackwards(const Listpack& pack) {
  std::vector<std::string> all;
  for (auto at = pack.Last(); at != Listpack::kEnd; at = pack.Previous(at)) {
    all.push_back(pack.Get(at).ToString());
  }
  std::reverse(all.begin(), all.end());
  return all;
}

/// Texts about every bound of the encodings.
std::string AnyText(std::mt19937_64& random) {
  switch (random() % 8) {
    case 0:
      return std::to_string(random() % 300);
    case 1:
      return std::to_string(static_cast<int64_t>(random() >> (random() % 64)));
    case 2:
      return std::to_string(-static_cast<int64_t>(random() >> (random() % 63 + 1)));
    case 3:
      return "0" + std::to_string(random() % 100);
    case 4:
      return std::string(60 + random() % 8, static_cast<char>(random()));
    case 5:
      return std::string(120 + random() % 12, static_cast<char>(random()));
    case 6:
      if (random() % 20 == 0) return std::string(4'090 + random() % 12, 'm');
      return "";
    default:
      return std::string(random() % 12, static_cast<char>('a' + random() % 26));
  }
}

TEST(Listpack, HasTheOctetsThatRedisWrites) {
  const struct {
    std::string text;
    const char* octets;
  } cases[] = {
      {"0", "0001"},
      {"127", "7f01"},
      {"128", "c08002"},
      {"4095", "cfff02"},
      {"-1", "dfff02"},
      {"-4096", "d00002"},
      {"4096", "f1001003"},
      {"-32768", "f1008003"},
      {"32768", "f200800004"},
      {"-8388608", "f200008004"},
      {"8388608", "f30000800005"},
      {"-2147483648", "f30000008005"},
      {"2147483648", "f4000000800000000009"},
      {"-9223372036854775808", "f4000000000000008009"},
      {"9223372036854775807", "f4ffffffffffffff7f09"},
      {"9223372036854775808", "933932323333373230333638353437373538303814"},
      {"", "8001"},
      {"01", "82303103"},
      {"-0", "822d3003"},
      {"+1", "822b3103"},
      {" 1", "82203103"},
      {"abc", "8361626304"},
  };
  for (const auto& [text, octets] : cases) {
    Listpack pack;
    pack.Append(text);
    const size_t bytes = std::string_view(octets).size() / 2;
    const char total = static_cast<char>(7 + bytes);
    EXPECT_EQ(Hex(pack.Block()), Hex({&total, 1}) + "0000000100" + octets + "ff") << text;
    EXPECT_EQ(Listpack::EncodedBytes(text), bytes);
    EXPECT_EQ(pack.Get(pack.First()).ToString(), text);
  }
}

TEST(Listpack, KeepsTheLengthsOfLongTextsAsRedisDoes) {
  const struct {
    size_t size;
    const char* head;
    const char* back;
  } cases[] = {
      {63, "bf", "40"},
      {64, "e040", "42"},
      {125, "e07d", "7f"},
      {126, "e07e", "0180"},
      {4'095, "efff", "2081"},
      {4'096, "f000100000", "2085"},
      {16'377, "f0f93f0000", "7ffe"},
      {16'378, "f0fa3f0000", "00ffff"},
      {2'097'145, "f0f9ff1f00", "7ffffe"},
      {2'097'146, "f0faff1f00", "00ffffff"},
  };
  for (const auto& [size, head, back] : cases) {
    Listpack pack;
    pack.Append(std::string(size, 'x'));
    const std::string_view block = pack.Block();
    EXPECT_EQ(Hex(block.substr(6, std::string_view(head).size() / 2)), head) << size;
    const size_t back_bytes = std::string_view(back).size() / 2;
    EXPECT_EQ(Hex(block.substr(block.size() - 1 - back_bytes)), std::string(back) + "ff") << size;
    EXPECT_EQ(pack.Get(pack.Last()).bytes.size(), size);
    EXPECT_TRUE(Listpack::Parse(block).has_value());
  }
}

TEST(Listpack, IsEmptyWithoutABlock) {
  Listpack pack;
  EXPECT_TRUE(pack.empty());
  EXPECT_EQ(pack.Count(), 0u);
  EXPECT_EQ(pack.Bytes(), 7u);
  EXPECT_EQ(pack.MemoryBytes(), 0u);
  EXPECT_EQ(Hex(pack.Block()), "070000000000ff");
  EXPECT_EQ(pack.First(), Listpack::kEnd);
  EXPECT_EQ(pack.Last(), Listpack::kEnd);
  EXPECT_EQ(pack.Seek(0), Listpack::kEnd);
  EXPECT_EQ(pack.Seek(-1), Listpack::kEnd);
  EXPECT_EQ(pack.Find(pack.First(), "a"), Listpack::kEnd);
  pack.Append("a");
  pack.Erase(pack.First());
  EXPECT_TRUE(pack.empty());
  EXPECT_EQ(Hex(pack.Block()), "070000000000ff");
}

TEST(Listpack, FollowsAVectorThroughRandomChanges) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    Listpack pack;
    std::vector<std::string> model;
    for (int step = 0; step < 300; ++step) {
      const std::string text = AnyText(random);
      const size_t index = model.empty() ? 0 : random() % model.size();
      const auto spot = model.begin() + static_cast<std::ptrdiff_t>(index);
      const auto at = pack.Seek(static_cast<int64_t>(index));
      ASSERT_EQ(at == Listpack::kEnd, model.empty());
      switch (random() % 11) {
        case 0:
        case 1:
          pack.Append(text);
          model.push_back(text);
          break;
        case 2:
          pack.Prepend(text);
          model.insert(model.begin(), text);
          break;
        case 3: {
          const auto value = static_cast<int64_t>(random() >> (random() % 64));
          pack.AppendInteger(value);
          model.push_back(std::to_string(value));
          break;
        }
        case 4:
          ASSERT_TRUE(pack.Get(pack.InsertBefore(at, text)).Equals(text));
          model.insert(spot, text);
          break;
        case 5:
          if (model.empty()) break;
          ASSERT_TRUE(pack.Get(pack.InsertAfter(at, text)).Equals(text));
          model.insert(spot + 1, text);
          break;
        case 6:
          if (model.empty()) break;
          ASSERT_TRUE(pack.Get(pack.Replace(at, text)).Equals(text));
          *spot = text;
          break;
        case 7:
          if (model.empty()) break;
          pack.ReplaceInteger(at, step);
          *spot = std::to_string(step);
          break;
        case 8: {
          if (model.empty()) break;
          const auto next = pack.Erase(at);
          model.erase(spot);
          ASSERT_EQ(next == Listpack::kEnd, index == model.size());
          if (next != Listpack::kEnd) {
            ASSERT_EQ(pack.Get(next).ToString(), model[index]);
          }
          break;
        }
        case 9: {
          if (random() % 8 != 0) break;
          const size_t count = random() % 20;
          pack.EraseRange(at, count);
          model.erase(spot,
                      spot + static_cast<std::ptrdiff_t>(std::min(count, model.size() - index)));
          break;
        }
        default:
          if (random() % 50 == 0) {
            pack.Clear();
            model.clear();
          } else {
            pack.ShrinkToFit();
          }
      }
      ASSERT_EQ(pack.Count(), model.size());
      ASSERT_EQ(pack.empty(), model.empty());
    }
    ASSERT_EQ(Elements(pack), model);
    ASSERT_EQ(ElementsBackwards(pack), model);
    const auto size = static_cast<int64_t>(model.size());
    for (int64_t i = -size - 2; i < size + 2; ++i) {
      const auto at = pack.Seek(i);
      ASSERT_EQ(at == Listpack::kEnd, i < -size || i >= size);
      if (at == Listpack::kEnd) continue;
      const std::string& wanted = model[static_cast<size_t>(i < 0 ? i + size : i)];
      ASSERT_EQ(pack.Get(at).ToString(), wanted);
      const auto found = pack.Find(pack.First(), wanted);
      ASSERT_NE(found, Listpack::kEnd);
      ASSERT_TRUE(pack.Get(found).Equals(wanted));
    }
    auto parsed = Listpack::Parse(pack.Block());
    ASSERT_TRUE(parsed.has_value());
    ASSERT_EQ(parsed->Block(), pack.Block());
    const Listpack copy(pack);
    ASSERT_EQ(copy.Block(), pack.Block());
    // However it came about, the same elements make the same block.
    Listpack again;
    for (const std::string& text : model) again.Append(text);
    ASSERT_EQ(again.Block(), pack.Block());
    const Listpack moved(std::move(*parsed));
    ASSERT_EQ(moved.Block(), pack.Block());
  }
}

TEST(Listpack, FindsOnlyAtTheStepAskedFor) {
  Listpack pack;
  for (const char* text : {"a", "1", "b", "a", "1", "b"}) pack.Append(text);
  EXPECT_EQ(pack.Find(pack.First(), "a", 1), pack.First());
  EXPECT_EQ(pack.Find(pack.First(), "1", 1), pack.Seek(4));
  EXPECT_EQ(pack.Find(pack.Seek(1), "a", 1), pack.Seek(3));
  EXPECT_EQ(pack.Find(pack.First(), "b"), pack.Seek(2));
  EXPECT_EQ(pack.Find(pack.Seek(1), "b", 1), pack.Seek(5));
  EXPECT_EQ(pack.Find(pack.First(), "01"), Listpack::kEnd);
  EXPECT_EQ(pack.Find(pack.First(), ""), Listpack::kEnd);
}

TEST(Listpack, TakesTextsOutOfItself) {
  Listpack pack;
  pack.Append(std::string(100, 'x'));
  pack.Append("middle");
  for (int i = 0; i < 20; ++i) pack.Append(pack.Get(pack.First()).bytes);
  for (int i = 0; i < 20; ++i) pack.Prepend(pack.Get(pack.Last()).bytes);
  EXPECT_EQ(pack.Count(), 42u);
  pack.Replace(pack.First(), pack.Get(pack.Seek(21)).bytes);
  EXPECT_EQ(pack.Get(pack.First()).ToString(), "middle");
  EXPECT_EQ(pack.Get(pack.Last()).ToString(), std::string(100, 'x'));
}

TEST(Listpack, CountsBeyondWhatItsHeaderHolds) {
  Listpack pack;
  for (int i = 0; i < 65'534; ++i) pack.AppendInteger(i);
  EXPECT_EQ(Hex(pack.Block().substr(4, 2)), "feff");
  for (int i = 65'534; i < 70'000; ++i) pack.AppendInteger(i);
  EXPECT_EQ(Hex(pack.Block().substr(4, 2)), "ffff");
  EXPECT_EQ(pack.Count(), 70'000u);
  EXPECT_EQ(pack.Get(pack.Seek(69'999)).integer, 69'999);
  EXPECT_EQ(pack.Get(pack.Seek(-70'000)).integer, 0);
  EXPECT_EQ(pack.Seek(70'000), Listpack::kEnd);
  EXPECT_TRUE(Listpack::Parse(pack.Block()).has_value());
  pack.EraseRange(pack.First(), 69'000);
  EXPECT_EQ(pack.Count(), 1'000u);
  EXPECT_LT(pack.MemoryBytes(), 3 * pack.Bytes());
}

TEST(Listpack, GrowsWithoutCopyingEverythingEachTime) {
  Listpack pack;
  size_t changes = 0;
  for (int i = 0; i < 100'000; ++i) {
    const size_t before = pack.MemoryBytes();
    pack.Append("0123456789abcdef");
    changes += pack.MemoryBytes() != before;
  }
  EXPECT_LT(changes, 300u);
  EXPECT_LT(pack.MemoryBytes(), pack.Bytes() * 5 / 4);
}

TEST(Listpack, RefusesBlocksThatAreNotSound) {
  Listpack pack;
  pack.Append("hello");
  pack.Append("1024");
  const std::string sound(pack.Block());
  ASSERT_TRUE(Listpack::Parse(sound).has_value());
  for (size_t size = 0; size < sound.size(); ++size) {
    EXPECT_FALSE(Listpack::Parse(std::string_view(sound).substr(0, size)).has_value());
  }
  EXPECT_FALSE(Listpack::Parse(sound + sound.back()).has_value());
  const auto with = [&](size_t at, char byte) {
    std::string changed = sound;
    changed[at] = byte;
    return Listpack::Parse(changed).has_value();
  };
  EXPECT_FALSE(with(0, 1)) << "total";
  EXPECT_FALSE(with(4, 3)) << "count";
  EXPECT_FALSE(with(6, '\x86')) << "length";
  EXPECT_FALSE(with(12, 5)) << "length behind the element";
  EXPECT_FALSE(with(6, '\xff')) << "end too early";
  EXPECT_FALSE(with(6, '\xf5')) << "encoding";
  EXPECT_FALSE(with(sound.size() - 1, 0)) << "no end";
  EXPECT_TRUE(with(7, 'H'));
}

TEST(Listpack, SurvivesMutatedBlocks) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    Listpack pack;
    for (uint64_t i = random() % 8; i > 0; --i) pack.Append(AnyText(random));
    std::string block(pack.Block());
    for (uint64_t i = random() % 4; i > 0; --i) {
      block[random() % block.size()] = static_cast<char>(random());
    }
    if (random() % 4 == 0) block.resize(random() % (block.size() + 8));
    if (random() % 2 == 0 && block.size() >= 4) {
      for (size_t i = 0; i < 4; ++i) block[i] = static_cast<char>(block.size() >> (8 * i));
    }
    // A heap block of just the size, so that a sanitizer sees a read beside it.
    const std::vector<char> exact(block.begin(), block.end());
    auto parsed = Listpack::Parse({exact.data(), exact.size()});
    if (!parsed) continue;
    ++accepted;
    ASSERT_EQ(parsed->Block(), block);
    const auto elements = Elements(*parsed);
    ASSERT_EQ(parsed->Count(), elements.size());
    ASSERT_EQ(ElementsBackwards(*parsed), elements);
    for (const std::string& text : elements) {
      ASSERT_NE(parsed->Find(parsed->First(), text), Listpack::kEnd);
    }
    parsed->Append("more");
    parsed->Prepend("12");
    ASSERT_EQ(parsed->Count(), elements.size() + 2);
  }
  EXPECT_GT(accepted, 1'000u);
}

}  // namespace
}  // namespace peal::store
