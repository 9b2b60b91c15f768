#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "store/value/member.h"

namespace peal::store {

/// A member of a large sorted set with its score: one block, shared by the dictionary, which owns
/// it, and the order. 16 bytes take 32.
class ScoredMember {
 public:
  static ScoredMember* New(double score, std::string_view bytes);
  static void Destroy(ScoredMember* member);

  ScoredMember(const ScoredMember&) = delete;
  ScoredMember& operator=(const ScoredMember&) = delete;

  std::string_view View() const {
    return MemberBytesAt(reinterpret_cast<const char*>(this) + sizeof(ScoredMember));
  }
  size_t AllocationBytes() const { return BlockBytes(View().size()); }
  static constexpr bool has_expiry() { return false; }

  double score;  // changed by the tree that it is in only

 private:
  explicit ScoredMember(double with_score) : score(with_score) {}
  static size_t BlockBytes(size_t size) {
    return MemberBlockBytes(sizeof(ScoredMember) + MemberLengthBytes(size) + size);
  }
};

/// Whether (score, bytes) stands before `member` in a sorted set: by score, then by octets.
inline bool IsBefore(double score, std::string_view bytes, const ScoredMember& member) {
  return score < member.score || (score == member.score && bytes < member.View());
}

/// The order of a large sorted set: a B+ tree of members by (score, bytes) that knows how many
/// members each subtree holds, so that a member's rank and the member of a rank are both found in
/// O(log n).
///
/// Leaves hold pointers and are linked both ways; inner nodes hold, for each child, its number of
/// members and its first member with the score beside it, so that going down touches few members.
/// At least a quarter of each node is in use, the root excepted; members added in ascending order
/// fill nodes completely. Because: a skip list needs half as much memory again, and a cache miss
/// for every step.
///
/// Owns the nodes, not the members. Not synchronised. No score is NaN, no two members are equal.
class RankTree {
  struct Leaf;
  struct Inner;

 public:
  /// A place in the order. Dies with the next change.
  class Cursor {
   public:
    Cursor() = default;
    /// False behind the last and before the first member.
    bool valid() const { return leaf_ != nullptr; }
    const ScoredMember& operator*() const;
    const ScoredMember* operator->() const { return &**this; }
    void Next();
    void Previous();

   private:
    friend class RankTree;
    Cursor(const Leaf* leaf, uint32_t index) : leaf_(leaf), index_(index) {}
    const Leaf* leaf_ = nullptr;
    uint32_t index_ = 0;
  };

  RankTree() = default;
  RankTree(const RankTree&) = delete;
  RankTree& operator=(const RankTree&) = delete;
  ~RankTree();

  size_t size() const { return size_; }
  /// Heap bytes of the nodes; members not included. O(1).
  size_t MemoryBytes() const { return memory_bytes_; }

  void Insert(ScoredMember* member);
  /// `member` must be in the tree. It may be freed afterwards.
  void Erase(const ScoredMember* member);
  /// Gives `member`, which is in the tree, another score. In place if its neighbours allow.
  void ChangeScore(ScoredMember* member, double score);

  /// How many members stand before `member`, which is in the tree.
  size_t RankOf(const ScoredMember& member) const;
  /// How many members stand before (score, bytes), which need not be in the tree.
  size_t CountBefore(double score, std::string_view bytes) const;
  /// How many members have scores below `score`, or up to it.
  size_t CountBelow(double score, bool or_equal) const;
  /// How many members have octets below `bytes`, or up to them. Means something if all scores are
  /// equal.
  size_t CountLexBelow(std::string_view bytes, bool or_equal) const;

  /// The member of a rank; not valid from size() on.
  Cursor At(size_t rank) const;
  Cursor First() const { return At(0); }

  /// Looks at every node. False if something is wrong. For tests and DEBUG.
  bool IsSound() const;

 private:
  static constexpr int kMaxHeight = 24;  // of inner nodes, far beyond any memory
  struct Step {
    Inner* node;
    uint32_t child;
  };
  struct Path {
    Step steps[kMaxHeight];
    int height = 0;
  };

  template <typename StandsBefore>
  Leaf* Descend(StandsBefore stands_before, Path& path, uint32_t& index) const;
  template <typename StandsBefore>
  size_t CountWhile(StandsBefore stands_before) const;
  /// Where `member` is.
  Leaf* Locate(const ScoredMember& member, Path& path, uint32_t& index) const;

  Leaf* NewLeaf();
  Inner* NewInner();
  void FreeLeaf(Leaf* leaf);
  void FreeInner(Inner* inner);
  void FreeBelow(void* node, int height);
  /// Notes the first member of a leaf with its ancestors.
  static void NoteFirst(const Path& path, const Leaf& leaf);
  void AddBeside(Path& path, void* right, ScoredMember* first, size_t right_count);
  void EraseAt(Path& path, Leaf* leaf, uint32_t index);
  void Refill(Path& path);
  bool IsSoundBelow(const void* node, int height, size_t count, const ScoredMember* first,
                    const Leaf** last_leaf) const;

  void* root_ = nullptr;  // a Leaf if height_ is 0; null while empty
  int height_ = 0;        // levels of inner nodes
  size_t size_ = 0;
  size_t memory_bytes_ = 0;
};

}  // namespace peal::store
