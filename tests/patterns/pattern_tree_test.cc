#include "patterns/pattern_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "patterns/glob.h"
#include "tests/patterns/random_globs.h"

namespace peal::patterns {
namespace {

std::vector<std::string> Matching(const PatternTree& tree, std::string_view channel) {
  MatchScratch scratch;
  std::vector<PatternId> ids;
  tree.Match(channel, scratch, ids);
  std::vector<std::string> patterns;
  for (const PatternId id : ids) patterns.emplace_back(tree.Pattern(id));
  std::sort(patterns.begin(), patterns.end());
  return patterns;
}

TEST(PatternTree, FindsWhatWasInsertedAndNothingElse) {
  PatternTree tree;
  bool inserted = false;
  const PatternId id = tree.Insert("news.*", &inserted);
  EXPECT_TRUE(inserted);
  EXPECT_EQ(tree.Insert("news.*", &inserted), id);
  EXPECT_FALSE(inserted);
  EXPECT_EQ(tree.Find("news.*"), id);
  EXPECT_EQ(tree.Find("news."), std::nullopt);
  EXPECT_EQ(tree.Pattern(id), "news.*");
  EXPECT_EQ(tree.size(), 1U);
}

TEST(PatternTree, KeepsTheOwnersValueUntilThePatternIsRemoved) {
  PatternTree tree;
  int subscriber = 0;
  const PatternId id = tree.Insert("a*", nullptr);
  EXPECT_EQ(tree.Value(id), nullptr);
  tree.SetValue(id, &subscriber);
  EXPECT_EQ(tree.Value(id), &subscriber);
  tree.Remove(id);
  EXPECT_EQ(tree.Value(tree.Insert("b*", nullptr)), nullptr);
}

TEST(PatternTree, UsesIdsAgainAfterRemove) {
  PatternTree tree;
  const PatternId first = tree.Insert("a*", nullptr);
  tree.Insert("b*", nullptr);
  tree.Remove(first);
  EXPECT_EQ(tree.Insert("c*", nullptr), first);
}

TEST(PatternTree, AppendsBehindWhatTheCallerHas) {
  PatternTree tree;
  const PatternId id = tree.Insert("*", nullptr);
  MatchScratch scratch;
  std::vector<PatternId> out = {99, 98};
  tree.Match("x", scratch, out);
  EXPECT_EQ(out, (std::vector<PatternId>{99, 98, id}));
}

TEST(PatternTree, FollowsRedisOnTheEmptyChannelAndTheEmptyPattern) {
  PatternTree tree;
  tree.Insert("", nullptr);
  tree.Insert("*", nullptr);
  EXPECT_EQ(Matching(tree, ""), (std::vector<std::string>{""}));
  EXPECT_EQ(Matching(tree, "a"), (std::vector<std::string>{"*"}));
}

TEST(PatternTree, ReportsAPatternOnceThoughItsFragmentOccursTwice) {
  PatternTree tree;
  tree.Insert("*ab*", nullptr);
  tree.Insert("[xy][zw]*", nullptr);
  EXPECT_EQ(Matching(tree, "abababab"), (std::vector<std::string>{"*ab*"}));
  EXPECT_EQ(Matching(tree, "xzxzyw"), (std::vector<std::string>{"[xy][zw]*"}));
}

TEST(PatternTree, HoldsLongPatternsAndChannels) {
  PatternTree tree;
  const std::string body(70'000, 'x');
  const PatternId id = tree.Insert("*" + body + "?17", nullptr);
  tree.Insert(body, nullptr);
  EXPECT_EQ(Matching(tree, "ab" + body + ".17").size(), 1U);
  EXPECT_EQ(Matching(tree, body).size(), 1U);
  EXPECT_TRUE(Matching(tree, "ab" + body + ".18").empty());
  tree.Remove(id);
  EXPECT_TRUE(Matching(tree, "ab" + body + ".17").empty());
}

TEST(PatternTree, GivesItsMemoryBackWhenAllPatternsAreRemoved) {
  PatternTree tree;
  const size_t before = tree.MemoryBytes();
  std::vector<PatternId> ids;
  for (int i = 0; i < 50'000; ++i)
    ids.push_back(tree.Insert("news." + std::to_string(i) + ".*", nullptr));
  EXPECT_LT(tree.MemoryBytes(), 50'000 * 65U);
  for (const PatternId id : ids) tree.Remove(id);
  EXPECT_EQ(tree.size(), 0U);
  EXPECT_LT(tree.MemoryBytes(), before + 65'536);
}

TEST(PatternTree, ShrinksWhileAFewScatteredPatternsStay) {
  PatternTree tree;
  std::vector<PatternId> ids;
  for (int i = 0; i < 100'000; ++i)
    ids.push_back(tree.Insert("news." + std::to_string(i) + ".*", nullptr));
  const size_t full = tree.MemoryBytes();
  for (size_t i = 0; i < ids.size(); ++i)
    if (i % 50 != 0) tree.Remove(ids[i]);
  EXPECT_EQ(tree.size(), 2'000U);
  // Records of 16 bytes stay where their ids are; all else shrinks.
  EXPECT_LT(tree.MemoryBytes(), full / 2);
  EXPECT_EQ(Matching(tree, "news.50.x"), (std::vector<std::string>{"news.50.*"}));
  EXPECT_TRUE(Matching(tree, "news.51.x").empty());
}

struct Set {
  const char* name;
  std::string (*pattern)(int);
  std::string (*channel)(int);
};

// Sets in which every pattern shares something with all others; channel(i) matches pattern(i).
constexpr Set kSets[] = {
    {"Prefix", [](int i) { return "news." + std::to_string(i) + ".*"; },
     [](int i) { return "news." + std::to_string(i) + ".x"; }},
    {"Suffix", [](int i) { return "*.golf." + std::to_string(i); },
     [](int i) { return "n.golf." + std::to_string(i); }},
    {"Inner", [](int i) { return "ev.*." + std::to_string(i) + ".end"; },
     [](int i) { return "ev.q." + std::to_string(i) + ".end"; }},
    {"Class", [](int i) { return "log[a-c]." + std::to_string(i) + ".*"; },
     [](int i) { return "logb." + std::to_string(i) + ".x"; }},
    {"SharedLongPrefix", [](int i) { return std::string(200, 'a') + "*" + std::to_string(i); },
     [](int i) { return std::string(200, 'a') + "x" + std::to_string(i); }},
    {"ManyRunsThatDifferInTheMiddle",
     [](int i) { return "a*b*c*d*e*" + std::to_string(i) + "*f*g*h*i*"; },
     [](int i) { return "abcde" + std::to_string(i) + "fghi"; }},
    {"TwoWordsOfMany",
     [](int i) {
       return "alpha" + std::to_string(i % 70) + "beta*gamma" + std::to_string(i / 70) + "delta";
     },
     [](int i) {
       return "alpha" + std::to_string(i % 70) + "betagamma" + std::to_string(i / 70) + "delta";
     }},
    {"ClassesOnly",
     [](int i) {
       std::string out;
       for (int n = i, k = 0; k < 6; ++k, n /= 5)
         out += std::string("[") + static_cast<char>('a' + n % 5) + static_cast<char>('p' + n % 5) +
                "]";
       return out + "*";
     },
     [](int i) {
       std::string out;
       for (int n = i, k = 0; k < 6; ++k, n /= 5) out += static_cast<char>('a' + n % 5);
       return out + "z";
     }},
};

class PatternTreeSets : public testing::TestWithParam<Set> {};

TEST_P(PatternTreeSets, MatchesAsTryingEachWouldAndEmptiesCleanly) {
  constexpr int kPatterns = 5'000;
  PatternTree tree;
  std::vector<std::string> patterns;
  std::vector<PatternId> ids;
  for (int i = 0; i < kPatterns; ++i) {
    patterns.push_back(GetParam().pattern(i));
    ids.push_back(tree.Insert(patterns.back(), nullptr));
  }
  const auto expect_equal = [&](size_t from) {
    for (int i = 0; i < kPatterns; i += 97) {
      const std::string channel = GetParam().channel(i);
      std::vector<std::string> expected;
      for (size_t p = from; p < patterns.size(); ++p)
        if (GlobMatch(patterns[p], channel)) expected.push_back(patterns[p]);
      std::sort(expected.begin(), expected.end());
      if (static_cast<size_t>(i) >= from) {
        ASSERT_FALSE(expected.empty()) << Printable(channel);
      }
      ASSERT_EQ(Matching(tree, channel), expected) << Printable(channel);
    }
  };
  expect_equal(0);
  for (size_t i = 0; i < kPatterns / 2; ++i) tree.Remove(ids[i]);
  expect_equal(kPatterns / 2);
  for (size_t i = kPatterns / 2; i < kPatterns; ++i) tree.Remove(ids[i]);
  EXPECT_TRUE(tree.empty());
}

INSTANTIATE_TEST_SUITE_P(Sets, PatternTreeSets, testing::ValuesIn(kSets),
                         [](const auto& set) { return std::string(set.param.name); });

TEST(PatternTree, ChurnAgreesWithAPlainModel) {
  for (const uint64_t seed : {1, 2, 3}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomGlobs random(seed);
    PatternTree tree;
    std::map<std::string, PatternId> model;
    size_t matched = 0;
    for (int step = 0; step < 20'000; ++step) {
      const size_t action = random.Below(10);
      // Grows for the first half, shrinks in the second.
      if (action < (step < 10'000 ? 7U : 2U)) {
        const std::string pattern = random.Pattern(6);
        bool inserted = false;
        const PatternId id = tree.Insert(pattern, &inserted);
        ASSERT_EQ(inserted, model.emplace(pattern, id).second);
        ASSERT_EQ(model[pattern], id);
      } else if (action < 9 && !model.empty()) {
        auto at = model.lower_bound(random.Pattern(6));
        if (at == model.end()) at = model.begin();
        ASSERT_EQ(tree.Find(at->first), at->second);
        tree.Remove(at->second);
        ASSERT_EQ(tree.Find(at->first), std::nullopt);
        model.erase(at);
      }
      if (step % 20 == 0) {
        const std::string channel = random.Text(20);
        std::vector<std::string> expected;
        for (const auto& [pattern, id] : model)
          if (GlobMatch(pattern, channel)) expected.push_back(pattern);
        matched += expected.size();
        ASSERT_EQ(Matching(tree, channel), expected) << Printable(channel);
      }
      ASSERT_EQ(tree.size(), model.size());
    }
    EXPECT_GT(matched, 1'000U);
    for (const auto& [pattern, id] : model) tree.Remove(id);
    EXPECT_TRUE(tree.empty());
  }
}

TEST(PatternTree, ManyThreadsReadAtOnce) {
  PatternTree tree;
  for (int i = 0; i < 2'000; ++i) tree.Insert("news." + std::to_string(i) + ".*", nullptr);
  std::vector<std::thread> readers;
  std::vector<size_t> found(4, 0);
  for (size_t r = 0; r < found.size(); ++r) {
    readers.emplace_back([&tree, &found, r] {
      MatchScratch scratch;
      std::vector<PatternId> out;
      for (int i = 0; i < 2'000; ++i) {
        out.clear();
        tree.Match("news." + std::to_string(i) + ".x", scratch, out);
        found[r] += out.size();
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
  for (const size_t count : found) EXPECT_EQ(count, 2'000U);
}

TEST(PatternTree, FindsWhatStandsBehindAStarAtItsEarliestAndLater) {
  PatternTree tree;
  MatchScratch scratch;
  // A long head first, so that short heads lower the place from which on fragments are looked for.
  const std::vector<std::string> patterns = {std::string(300, 'h') + "*.17.*", "head.*.18.*",
                                             "?*.19.*", "*.20.*"};
  const std::vector<std::string> channels = {std::string(300, 'h') + ".17.x", "head..18.", "a.19.",
                                             ".20."};
  std::vector<PatternId> ids;
  for (size_t i = 0; i < patterns.size(); ++i) {
    ids.push_back(tree.Insert(patterns[i], nullptr));
    for (size_t j = 0; j <= i; ++j) {
      for (const char* tail : {"", "x", "some.more.of.it"}) {
        std::vector<PatternId> found;
        tree.Match(channels[j] + tail, scratch, found);
        EXPECT_THAT(found, ::testing::Contains(ids[j])) << patterns[j] << " after " << patterns[i];
      }
    }
  }
  // The lowest place goes with the pattern that had it; the others are still found.
  tree.Remove(ids[3]);
  tree.Remove(ids[2]);
  std::vector<PatternId> found;
  tree.Match(channels[0], scratch, found);
  EXPECT_THAT(found, ::testing::ElementsAre(ids[0]));
}

}  // namespace
}  // namespace peal::patterns
