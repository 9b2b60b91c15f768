#include "store/value/list_value.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace peal::store {
namespace {

using End = ListValue::End;

std::vector<std::string> Elements(const ListValue& list) {
  std::vector<std::string> all;
  for (auto at = list.At(0); at; at.Next()) all.push_back(at.Get().ToString());
  return all;
}

std::vector<std::string> ElementsBackwards(const ListValue& list) {
  std::vector<std::string> all;
  for (auto at = list.At(-1); at; at.Previous()) all.push_back(at.Get().ToString());
  std::reverse(all.begin(), all.end());
  return all;
}

EncodingLimits LimitOf(int32_t size) {
  EncodingLimits limits;
  limits.list_max_listpack_size = size;
  return limits;
}

TEST(ListValue, BecomesAQuicklistBeyondTheLimitAndAListpackAtHalfOfIt) {
  const EncodingLimits limits = LimitOf(4);
  ListValue list;
  for (int i = 0; i < 4; ++i) list.Push(End::kTail, std::to_string(i), limits);
  EXPECT_EQ(list.EncodingName(), "listpack");
  list.Push(End::kTail, "4", limits);
  EXPECT_EQ(list.EncodingName(), "quicklist");
  list.Erase(4, 1, limits);
  EXPECT_EQ(list.EncodingName(), "quicklist");
  list.Erase(0, 1, limits);
  EXPECT_EQ(list.EncodingName(), "quicklist");
  list.Erase(0, 1, limits);
  EXPECT_EQ(list.EncodingName(), "listpack");
  EXPECT_EQ(Elements(list), (std::vector<std::string>{"2", "3"}));
}

TEST(ListValue, LimitsBytesToo) {
  const EncodingLimits limits = LimitOf(-1);  // 4 KiB
  ListValue list;
  list.Push(End::kTail, std::string(4'000, 'x'), limits);
  EXPECT_EQ(list.EncodingName(), "listpack");
  list.Push(End::kHead, std::string(100, 'y'), limits);
  EXPECT_EQ(list.EncodingName(), "quicklist");
  list.Replace(list.At(1), "small", limits);
  EXPECT_EQ(list.EncodingName(), "quicklist") << "still two listpacks";
  list.Erase(0, 1, limits);
  EXPECT_EQ(list.EncodingName(), "listpack");
  list.Replace(list.At(0), std::string(5'000, 'z'), limits);
  EXPECT_EQ(list.EncodingName(), "quicklist");
  list.Replace(list.At(0), "small", limits);
  EXPECT_EQ(list.EncodingName(), "listpack");
}

TEST(ListValue, CountsItsBytes) {
  const EncodingLimits limits = LimitOf(-2);
  ListValue list;
  EXPECT_EQ(list.MemoryBytes(), sizeof(ListValue));
  const std::string text(100, 'x');
  for (int i = 0; i < 10'000; ++i) list.Push(End::kTail, text, limits);
  EXPECT_GT(list.MemoryBytes(), 1'020'000u);
  EXPECT_LT(list.MemoryBytes(), 1'150'000u);
  EXPECT_LT(list.Clone()->MemoryBytes(), 1'150'000u);
  list.Erase(0, 9'999, limits);
  EXPECT_LT(list.MemoryBytes(), 1'000u);
}

TEST(ListValue, CompressesTheInsideOfAChain) {
  EncodingLimits limits = LimitOf(-2);
  limits.list_compress_depth = 1;
  ListValue list;
  const auto text = [](int i) { return std::to_string(i) + std::string(100, 'x'); };
  for (int i = 0; i < 10'000; ++i) list.Push(End::kTail, text(i), limits);
  EXPECT_TRUE(list.IsSound());
  EXPECT_LT(list.MemoryBytes(), 200'000u) << "of a million";
  EXPECT_LT(list.Clone()->MemoryBytes(), 200'000u);
  EXPECT_EQ(list.At(5'000).Get().ToString(), text(5'000));
  EXPECT_EQ(list.At(-5'000).Get().ToString(), text(5'000));
  size_t count = 0;
  list.ForEachPack([&](const Listpack& pack) { count += pack.Count(); });
  EXPECT_EQ(count, 10'000u);
  EXPECT_EQ(list.Remove(End::kHead, text(7'000), 0 - size_t{1}, limits), 1u);
  list.Replace(list.At(3'000), "new", limits);
  EXPECT_EQ(list.At(3'000).Get().ToString(), "new");
  EXPECT_LT(list.MemoryBytes(), 200'000u) << "what changed was compressed again";
  for (int i = 0; i < 9'000; ++i) {
    list.Erase(0, 1, limits);
    if (i % 1'000 == 0) {
      ASSERT_TRUE(list.IsSound());
    }
  }
  EXPECT_EQ(list.At(0).Get().ToString(), text(9'001));
  limits.list_compress_depth = 0;
  list.Replace(list.At(500), "more", limits);
  EXPECT_EQ(list.At(500).Get().ToString(), "more");
  EXPECT_TRUE(list.IsSound());
}

TEST(ListValue, LeavesAloneWhatDoesNotGetSmaller) {
  EncodingLimits limits = LimitOf(1);
  limits.list_compress_depth = 1;
  std::mt19937_64 random(1);
  std::string noise(1'000, ' ');
  for (char& c : noise) c = static_cast<char>(random());
  ListValue list;
  const std::string large(200'000, 'L');  // unpacking it would take too long
  for (const auto& text : {std::string("a"), noise, std::string("b"), large, std::string("c")}) {
    list.Push(End::kTail, text, limits);
  }
  EXPECT_GT(list.MemoryBytes(), 201'000u);
  EXPECT_TRUE(list.IsSound());
  EXPECT_EQ(list.At(1).Get().ToString(), noise);
  EXPECT_EQ(list.At(3).Get().ToString(), large);
}

TEST(ListValue, FollowsADequeThroughRandomChanges) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto any_text = [&]() -> std::string {
    switch (random() % 8) {
      case 0:
        return std::to_string(static_cast<int64_t>(random()));
      case 1:
        return std::string(random() % 3'000, 'l');
      case 2:
        return random() % 20 == 0 ? std::string(70'000, 'h') : "";
      default:
        return std::to_string(random() % 10);
    }
  };
  for (const int32_t size : {1, 2, 3, 8, 0, 100, -1, -2, -5, -100}) {
    EncodingLimits limits = LimitOf(size);
    const bool compresses = random() % 2 == 0;
    const bool shrinks = size % 2 == 0;
    ListValue list;
    std::deque<std::string> model;
    for (int step = 0; step < 3'000; ++step) {
      // Changed while lists live, back to none as well.
      if (compresses && random() % 200 == 0) {
        limits.list_compress_depth = static_cast<uint32_t>(random() % 4);
      }
      const std::string text = any_text();
      const size_t index = model.empty() ? 0 : random() % model.size();
      const auto spot = model.begin() + static_cast<std::ptrdiff_t>(index);
      const auto at = list.At(static_cast<int64_t>(index));
      ASSERT_EQ(static_cast<bool>(at), !model.empty());
      if (at) {
        ASSERT_EQ(at.Get().ToString(), model[index]);
      }
      switch (random() % 10) {
        case 0:
          list.Push(End::kHead, text, limits);
          model.push_front(text);
          break;
        case 1:
          list.Push(End::kTail, text, limits);
          model.push_back(text);
          break;
        case 2: {
          const std::string other = any_text();
          const std::vector<std::string_view> texts = {text, other, "tail"};
          list.Push(End::kHead, texts, limits);
          for (const auto each : texts) model.emplace_front(each);
          break;
        }
        case 3:
          if (model.empty()) break;
          list.InsertBefore(at, text, limits);
          model.insert(spot, text);
          break;
        case 4:
          if (model.empty()) break;
          list.InsertAfter(at, text, limits);
          model.insert(spot + 1, text);
          break;
        case 5:
          if (model.empty()) break;
          list.Replace(at, text, limits);
          *spot = text;
          break;
        case 6: {
          if (model.empty()) break;
          const size_t count = std::min(random() % (shrinks ? 12 : 4), model.size() - index);
          list.Erase(index, count, limits);
          model.erase(spot, spot + static_cast<std::ptrdiff_t>(count));
          break;
        }
        case 7: {
          if (random() % 10 != 0) break;
          const std::string wanted = std::to_string(random() % 10);
          const size_t most = random() % 4;
          size_t removed = 0;
          for (auto each = model.begin(); each != model.end() && removed < most;) {
            const bool hit = *each == wanted;
            each = hit ? model.erase(each) : each + 1;
            removed += hit;
          }
          ASSERT_EQ(list.Remove(End::kHead, wanted, most, limits), removed);
          break;
        }
        case 8: {
          if (random() % 10 != 0) break;
          const std::string wanted = std::to_string(random() % 10);
          const size_t most = random() % 4;
          size_t removed = 0;
          for (size_t i = model.size(); i-- > 0 && removed < most;) {
            if (model[i] != wanted) continue;
            model.erase(model.begin() + static_cast<std::ptrdiff_t>(i));
            ++removed;
          }
          ASSERT_EQ(list.Remove(End::kTail, wanted, most, limits), removed);
          break;
        }
        default:
          if (model.empty()) break;
          if (random() % 2 == 0) {
            list.Erase(0, 1, limits);
            model.pop_front();
          } else {
            list.Erase(model.size() - 1, 1, limits);
            model.pop_back();
          }
      }
      ASSERT_EQ(list.Count(), model.size());
      if (step % 50 == 0 || step < 50) {
        ASSERT_EQ(Elements(list), std::vector<std::string>(model.begin(), model.end()));
        ASSERT_TRUE(list.IsSound());
      }
    }
    const std::vector<std::string> all(model.begin(), model.end());
    ASSERT_EQ(Elements(list), all);
    ASSERT_EQ(ElementsBackwards(list), all);
    const auto clone = list.Clone();
    ASSERT_EQ(Elements(static_cast<const ListValue&>(*clone)), all);
    ASSERT_EQ(clone->EncodingName(), list.EncodingName());
    const auto count = static_cast<int64_t>(model.size());
    EXPECT_FALSE(list.At(count));
    EXPECT_FALSE(list.At(-count - 1));
    for (int64_t i = -count; i < count; ++i) {
      ASSERT_EQ(list.At(i).Get().ToString(), all[static_cast<size_t>(i < 0 ? i + count : i)]);
    }
    // The bytes told are those of a list that was never anything else, give or take the slack.
    ListValue fresh;
    for (const std::string& text : all) fresh.Push(End::kTail, text, limits);
    if (!compresses) {
      EXPECT_LT(list.MemoryBytes(), 3 * fresh.MemoryBytes() + 2'000);
      EXPECT_GT(list.MemoryBytes(), fresh.MemoryBytes() / 3);
    }
    list.Erase(0, model.size(), limits);
    EXPECT_EQ(list.Count(), 0u);
    EXPECT_LT(list.MemoryBytes(), 2'000u);
  }
}

}  // namespace
}  // namespace peal::store
