#include "store/value/rank_tree.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace peal::store {
namespace {

using Model = std::set<std::pair<double, std::string>>;

/// A tree with the members it does not own.
class Order {
 public:
  ~Order() {
    while (tree.size() != 0) Erase(*tree.First());
  }
  const ScoredMember* Insert(double score, const std::string& bytes) {
    ScoredMember* const member = ScoredMember::New(score, bytes);
    tree.Insert(member);
    return member;
  }
  void Erase(const ScoredMember& member) {
    tree.Erase(&member);
    ScoredMember::Destroy(const_cast<ScoredMember*>(&member));
  }
  /// The member that must be there.
  ScoredMember* Find(double score, const std::string& bytes) {
    const RankTree::Cursor at = tree.At(tree.CountBefore(score, bytes));
    EXPECT_TRUE(at.valid());
    EXPECT_EQ(at->score, score);
    EXPECT_EQ(at->View(), bytes);
    return const_cast<ScoredMember*>(&*at);
  }

  RankTree tree;
};

void ExpectEqual(const Order& order, const Model& model) {
  ASSERT_TRUE(order.tree.IsSound());
  ASSERT_EQ(order.tree.size(), model.size());
  RankTree::Cursor at = order.tree.First();
  for (const auto& [score, bytes] : model) {
    ASSERT_TRUE(at.valid());
    ASSERT_EQ(at->score, score);
    ASSERT_EQ(at->View(), bytes);
    at.Next();
  }
  ASSERT_FALSE(at.valid());
  if (model.empty()) return;
  at = order.tree.At(model.size() - 1);
  for (auto it = model.rbegin(); it != model.rend(); ++it) {
    ASSERT_EQ(at->View(), it->second);
    at.Previous();
  }
  ASSERT_FALSE(at.valid());
}

TEST(RankTree, IsEmptyAtFirst) {
  const RankTree tree;
  EXPECT_EQ(tree.size(), 0u);
  EXPECT_EQ(tree.MemoryBytes(), 0u);
  EXPECT_FALSE(tree.First().valid());
  EXPECT_EQ(tree.CountBelow(1, true), 0u);
  EXPECT_TRUE(tree.IsSound());
}

TEST(RankTree, AscendingInsertionFillsItsNodes) {
  Order order;
  for (int i = 0; i < 100'000; ++i) order.Insert(i, "m");
  ASSERT_TRUE(order.tree.IsSound());
  EXPECT_LT(order.tree.MemoryBytes(), 100'000u * 10);
  EXPECT_EQ(order.tree.CountBelow(70'000, false), 70'000u);
  EXPECT_EQ(order.tree.CountBelow(70'000, true), 70'001u);
  EXPECT_EQ(order.tree.At(4711)->score, 4711);
}

TEST(RankTree, CanBeEmptiedFromEitherEnd) {
  for (const bool from_the_end : {false, true}) {
    Order order;
    for (int i = 0; i < 20'000; ++i) order.Insert(i % 7, std::to_string(i));
    for (size_t left = 20'000; left > 0; --left) {
      order.Erase(*order.tree.At(from_the_end ? left - 1 : 0));
      if (left % 512 == 0) {
        ASSERT_TRUE(order.tree.IsSound());
      }
    }
    EXPECT_EQ(order.tree.MemoryBytes(), 0u);
  }
}

TEST(RankTree, AgreesWithASetUnderRandomChanges) {
  for (const unsigned seed : {1u, 2u, 3u, 4u}) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Order order;
    Model model;
    std::vector<std::pair<double, std::string>> members;
    // Grows for two thirds of the way and shrinks then; few scores, so that octets decide often.
    for (int step = 0; step < 60'000; ++step) {
      const bool grows = step < 40'000;
      const unsigned what = random() % 10;
      if (members.empty() || what < (grows ? 6u : 2u)) {
        std::pair<double, std::string> added(static_cast<double>(random() % 50) - 25,
                                             std::to_string(random() % 100'000));
        if (!model.insert(added).second) continue;
        order.Insert(added.first, added.second);
        members.push_back(std::move(added));
        continue;
      }
      const size_t at = random() % members.size();
      auto& [score, bytes] = members[at];
      if (what < 8) {
        order.Erase(*order.Find(score, bytes));
        model.erase({score, bytes});
        std::swap(members[at], members.back());
        members.pop_back();
      } else {
        const double now = what == 8 ? score + 0.25 : static_cast<double>(random() % 50) - 25;
        if (model.count({now, bytes}) != 0) continue;
        order.tree.ChangeScore(order.Find(score, bytes), now);
        model.erase({score, bytes});
        model.insert({now, bytes});
        score = now;
      }
      if (step % 1'000 != 0) continue;
      ExpectEqual(order, model);
      const double bound = static_cast<double>(random() % 50) - 25;
      size_t below = 0;
      size_t up_to = 0;
      for (const auto& [each, ignored] : model) {
        below += each < bound ? 1 : 0;
        up_to += each <= bound ? 1 : 0;
      }
      EXPECT_EQ(order.tree.CountBelow(bound, false), below);
      EXPECT_EQ(order.tree.CountBelow(bound, true), up_to);
    }
    ExpectEqual(order, model);
  }
}

TEST(RankTree, FindsBoundsByOctets) {
  Order order;
  std::set<std::string> model;
  std::mt19937 random(5);
  for (int i = 0; i < 5'000; ++i) {
    const std::string bytes = std::to_string(random() % 100'000);
    if (model.insert(bytes).second) order.Insert(0, bytes);
  }
  for (int i = 0; i < 1'000; ++i) {
    const std::string bound = std::to_string(random() % 100'000);
    const auto below = std::distance(model.begin(), model.lower_bound(bound));
    const auto up_to = std::distance(model.begin(), model.upper_bound(bound));
    EXPECT_EQ(order.tree.CountLexBelow(bound, false), static_cast<size_t>(below));
    EXPECT_EQ(order.tree.CountLexBelow(bound, true), static_cast<size_t>(up_to));
  }
}

}  // namespace
}  // namespace peal::store
