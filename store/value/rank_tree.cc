#include "store/value/rank_tree.h"

#include <cstring>
#include <new>

#include "protocol/base/check.h"

namespace peal::store {

ScoredMember* ScoredMember::New(double score, std::string_view bytes) {
  static_assert(sizeof(ScoredMember) == sizeof(double));
  void* const block = NewPoolBlock(BlockBytes(bytes.size()));
  auto* const member = new (block) ScoredMember(score);
  char* const to = PutMemberLength(static_cast<char*>(block) + sizeof(ScoredMember), bytes.size());
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return member;
}

void ScoredMember::Destroy(ScoredMember* member) {
  FreePoolBlock(member, member->AllocationBytes());
}

// Sizes of the allocator: 512 and 1024 octets.
struct RankTree::Leaf {
  static constexpr uint32_t kCapacity = 61;
  Leaf* previous = nullptr;
  Leaf* next = nullptr;
  uint32_t count = 0;
  ScoredMember* members[kCapacity];
};

struct RankTree::Inner {
  static constexpr uint32_t kCapacity = 31;
  uint32_t count = 0;
  void* children[kCapacity];
  size_t sizes[kCapacity];
  double first_scores[kCapacity];
  ScoredMember* firsts[kCapacity];

  void Set(uint32_t at, void* child, size_t size, ScoredMember* first) {
    children[at] = child;
    sizes[at] = size;
    SetFirst(at, first);
  }
  void SetFirst(uint32_t at, ScoredMember* first) {
    firsts[at] = first;
    first_scores[at] = first->score;
  }
  size_t TotalSize() const {
    size_t total = 0;
    for (uint32_t i = 0; i < count; ++i) total += sizes[i];
    return total;
  }
  /// Moves the children from `from` on to `at` in `to`, which may be this node.
  void Move(uint32_t from, uint32_t n, Inner& to, uint32_t at) {
    std::memmove(to.children + at, children + from, n * sizeof *children);
    std::memmove(to.sizes + at, sizes + from, n * sizeof *sizes);
    std::memmove(to.first_scores + at, first_scores + from, n * sizeof *first_scores);
    std::memmove(to.firsts + at, firsts + from, n * sizeof *firsts);
  }
};

const ScoredMember& RankTree::Cursor::operator*() const { return *leaf_->members[index_]; }

void RankTree::Cursor::Next() {
  if (++index_ < leaf_->count) return;
  leaf_ = leaf_->next;
  index_ = 0;
}

void RankTree::Cursor::Previous() {
  if (index_ != 0) {
    --index_;
    return;
  }
  leaf_ = leaf_->previous;
  if (leaf_ != nullptr) index_ = leaf_->count - 1;
}

RankTree::~RankTree() {
  if (root_ != nullptr) FreeBelow(root_, height_);
}

void RankTree::FreeBelow(void* node, int height) {
  if (height == 0) return FreeLeaf(static_cast<Leaf*>(node));
  auto* const inner = static_cast<Inner*>(node);
  for (uint32_t i = 0; i < inner->count; ++i) FreeBelow(inner->children[i], height - 1);
  FreeInner(inner);
}

RankTree::Leaf* RankTree::NewLeaf() {
  static_assert(sizeof(Leaf) == 512);
  memory_bytes_ += sizeof(Leaf);
  return new Leaf;
}

RankTree::Inner* RankTree::NewInner() {
  static_assert(sizeof(Inner) <= 1024);
  memory_bytes_ += 1024;
  return new Inner;
}

void RankTree::FreeLeaf(Leaf* leaf) {
  memory_bytes_ -= sizeof(Leaf);
  delete leaf;
}

void RankTree::FreeInner(Inner* inner) {
  memory_bytes_ -= 1024;
  delete inner;
}

// ---------------------------------------------------------------- going down

namespace {

/// The first index in [from, count) at which `stands_before` fails; it holds for a prefix.
template <typename Holds>
uint32_t FirstWhereNot(uint32_t from, uint32_t count, Holds holds) {
  while (from < count) {
    const uint32_t middle = (from + count) / 2;
    if (holds(middle)) {
      from = middle + 1;
    } else {
      count = middle;
    }
  }
  return from;
}

}  // namespace

// `stands_before(score, member)` holds for a prefix of the order. Goes to the leaf where the prefix
// ends; `index` is the first place there at which it does not hold, at most the leaf's count.
template <typename StandsBefore>
RankTree::Leaf* RankTree::Descend(StandsBefore stands_before, Path& path, uint32_t& index) const {
  void* node = root_;
  path.height = height_;
  for (int level = 0; level < height_; ++level) {
    auto* const inner = static_cast<Inner*>(node);
    // The last child that begins in the prefix; the first one if none does.
    const uint32_t child = FirstWhereNot(1, inner->count, [&](uint32_t i) {
      return stands_before(inner->first_scores[i], *inner->firsts[i]);
    });
    path.steps[level] = {inner, child - 1};
    node = inner->children[child - 1];
  }
  auto* const leaf = static_cast<Leaf*>(node);
  index = FirstWhereNot(0, leaf->count, [&](uint32_t i) {
    return stands_before(leaf->members[i]->score, *leaf->members[i]);
  });
  return leaf;
}

template <typename StandsBefore>
size_t RankTree::CountWhile(StandsBefore stands_before) const {
  if (root_ == nullptr) return 0;
  Path path;
  uint32_t index = 0;
  Descend(stands_before, path, index);
  size_t count = index;
  for (int level = 0; level < path.height; ++level) {
    const Step& step = path.steps[level];
    for (uint32_t i = 0; i < step.child; ++i) count += step.node->sizes[i];
  }
  return count;
}

size_t RankTree::CountBefore(double score, std::string_view bytes) const {
  return CountWhile([&](double at, const ScoredMember& member) {
    return at < score || (at == score && member.View() < bytes);
  });
}

size_t RankTree::RankOf(const ScoredMember& member) const {
  return CountBefore(member.score, member.View());
}

size_t RankTree::CountBelow(double score, bool or_equal) const {
  if (or_equal) return CountWhile([&](double at, const ScoredMember&) { return at <= score; });
  return CountWhile([&](double at, const ScoredMember&) { return at < score; });
}

size_t RankTree::CountLexBelow(std::string_view bytes, bool or_equal) const {
  return CountWhile([&](double, const ScoredMember& member) {
    return or_equal ? member.View() <= bytes : member.View() < bytes;
  });
}

RankTree::Leaf* RankTree::Locate(const ScoredMember& member, Path& path, uint32_t& index) const {
  // Up to and with the member, so that a child that begins with it is taken.
  Leaf* const leaf = Descend(
      [&](double at, const ScoredMember& other) {
        return at < member.score || (at == member.score && other.View() <= member.View());
      },
      path, index);
  PEAL_CHECK(index != 0 && leaf->members[index - 1] == &member);
  --index;
  return leaf;
}

RankTree::Cursor RankTree::At(size_t rank) const {
  if (rank >= size_) return Cursor();
  const void* node = root_;
  for (int level = 0; level < height_; ++level) {
    const auto* const inner = static_cast<const Inner*>(node);
    uint32_t child = 0;
    while (rank >= inner->sizes[child]) rank -= inner->sizes[child++];
    node = inner->children[child];
  }
  return Cursor(static_cast<const Leaf*>(node), static_cast<uint32_t>(rank));
}

// ---------------------------------------------------------------- changing

void RankTree::NoteFirst(const Path& path, const Leaf& leaf) {
  for (int level = path.height - 1; level >= 0; --level) {
    const Step& step = path.steps[level];
    step.node->SetFirst(step.child, leaf.members[0]);
    if (step.child != 0) return;
  }
}

void RankTree::Insert(ScoredMember* member) {
  ++size_;
  if (root_ == nullptr) {
    Leaf* const leaf = NewLeaf();
    leaf->members[0] = member;
    leaf->count = 1;
    root_ = leaf;
    return;
  }
  Path path;
  uint32_t index = 0;
  Leaf* leaf = Descend(
      [&](double at, const ScoredMember& other) {
        return at < member->score || (at == member->score && other.View() < member->View());
      },
      path, index);
  for (int level = 0; level < path.height; ++level) {
    ++path.steps[level].node->sizes[path.steps[level].child];
  }
  Leaf* target = leaf;
  Leaf* right = nullptr;
  if (leaf->count == Leaf::kCapacity) {
    right = NewLeaf();
    right->previous = leaf;
    right->next = leaf->next;
    if (leaf->next != nullptr) leaf->next->previous = right;
    leaf->next = right;
    // Members that come in ascending order leave full leaves behind them.
    const bool is_append = right->next == nullptr && index == leaf->count;
    const uint32_t keep = is_append ? Leaf::kCapacity : Leaf::kCapacity / 2;
    right->count = leaf->count - keep;
    leaf->count = keep;
    std::memcpy(right->members, leaf->members + keep, right->count * sizeof *leaf->members);
    if (index > keep || is_append) {
      index -= keep;
      target = right;
    }
  }
  std::memmove(target->members + index + 1, target->members + index,
               (target->count - index) * sizeof *target->members);
  target->members[index] = member;
  ++target->count;
  if (target == leaf && index == 0) NoteFirst(path, *leaf);
  if (right != nullptr) AddBeside(path, right, right->members[0], right->count);
}

// Puts `right` behind the child that the path goes through; its `right_count` members have been
// counted there so far. Splits what is full, up to the root.
void RankTree::AddBeside(Path& path, void* right, ScoredMember* first, size_t right_count) {
  for (int level = path.height - 1; level >= 0; --level) {
    Inner* const node = path.steps[level].node;
    uint32_t at = path.steps[level].child;
    node->sizes[at] -= right_count;
    ++at;
    Inner* target = node;
    Inner* split = nullptr;
    if (node->count == Inner::kCapacity) {
      split = NewInner();
      // As for leaves: most appends go to the end.
      const uint32_t keep = at == node->count ? Inner::kCapacity - 1 : Inner::kCapacity / 2;
      split->count = node->count - keep;
      node->Move(keep, split->count, *split, 0);
      node->count = keep;
      if (at > keep) {
        at -= keep;
        target = split;
      }
    }
    target->Move(at, target->count - at, *target, at + 1);
    target->Set(at, right, right_count, first);
    ++target->count;
    if (split == nullptr) return;
    right = split;
    first = split->firsts[0];
    right_count = split->TotalSize();
  }
  Inner* const top = NewInner();
  auto* const left_first =
      height_ == 0 ? static_cast<Leaf*>(root_)->members[0] : static_cast<Inner*>(root_)->firsts[0];
  top->Set(0, root_, size_ - right_count, left_first);
  top->Set(1, right, right_count, first);
  top->count = 2;
  root_ = top;
  ++height_;
  PEAL_CHECK(height_ < kMaxHeight);
}

void RankTree::Erase(const ScoredMember* member) {
  Path path;
  uint32_t index = 0;
  Leaf* const leaf = Locate(*member, path, index);
  EraseAt(path, leaf, index);
}

void RankTree::EraseAt(Path& path, Leaf* leaf, uint32_t index) {
  --size_;
  --leaf->count;
  std::memmove(leaf->members + index, leaf->members + index + 1,
               (leaf->count - index) * sizeof *leaf->members);
  for (int level = 0; level < path.height; ++level) {
    --path.steps[level].node->sizes[path.steps[level].child];
  }
  if (path.height == 0) {
    if (leaf->count == 0) {
      FreeLeaf(leaf);
      root_ = nullptr;
    }
    return;
  }
  if (index == 0) NoteFirst(path, *leaf);
  if (leaf->count < Leaf::kCapacity / 4) Refill(path);
}

// The leaf at the end of the path has become too small: joins it with a neighbour or takes some of
// the neighbour's members, and so on upwards.
void RankTree::Refill(Path& path) {
  for (int level = path.height - 1; level >= 0; --level) {
    Inner* const parent = path.steps[level].node;
    const uint32_t child = path.steps[level].child;
    const uint32_t left_at = child == 0 ? 0 : child - 1;
    const uint32_t right_at = left_at + 1;
    PEAL_DCHECK(right_at < parent->count);
    bool is_joined = false;
    if (level == path.height - 1) {
      auto* const left = static_cast<Leaf*>(parent->children[left_at]);
      auto* const right = static_cast<Leaf*>(parent->children[right_at]);
      const uint32_t both = left->count + right->count;
      // Joins only what leaves some room: else the next insertion would split it again.
      is_joined = both <= Leaf::kCapacity * 3 / 4;
      const uint32_t keep = is_joined ? both : both / 2;
      if (keep > left->count) {
        const uint32_t n = keep - left->count;
        std::memcpy(left->members + left->count, right->members, n * sizeof *left->members);
        std::memmove(right->members, right->members + n,
                     (right->count - n) * sizeof *right->members);
      } else {
        const uint32_t n = left->count - keep;
        std::memmove(right->members + n, right->members, right->count * sizeof *right->members);
        std::memcpy(right->members, left->members + keep, n * sizeof *right->members);
      }
      left->count = keep;
      right->count = both - keep;
      parent->sizes[left_at] = left->count;
      parent->sizes[right_at] = right->count;
      if (is_joined) {
        left->next = right->next;
        if (right->next != nullptr) right->next->previous = left;
        FreeLeaf(right);
      } else {
        parent->SetFirst(right_at, right->members[0]);
      }
      if (child == 0) NoteFirst(path, *left);  // it may have been empty
    } else {
      auto* const left = static_cast<Inner*>(parent->children[left_at]);
      auto* const right = static_cast<Inner*>(parent->children[right_at]);
      const uint32_t both = left->count + right->count;
      is_joined = both <= Inner::kCapacity * 3 / 4;
      const uint32_t keep = is_joined ? both : both / 2;
      if (keep > left->count) {
        const uint32_t n = keep - left->count;
        right->Move(0, n, *left, left->count);
        right->Move(n, right->count - n, *right, 0);
      } else {
        const uint32_t n = left->count - keep;
        right->Move(0, right->count, *right, n);
        left->Move(keep, n, *right, 0);
      }
      left->count = keep;
      right->count = both - keep;
      parent->sizes[left_at] = left->TotalSize();
      parent->sizes[right_at] = right->TotalSize();
      if (is_joined) {
        FreeInner(right);
      } else {
        parent->SetFirst(right_at, right->firsts[0]);
      }
    }
    if (!is_joined) return;
    parent->Move(right_at + 1, parent->count - right_at - 1, *parent, right_at);
    --parent->count;
    if (level == 0) {
      if (parent->count > 1) return;
      root_ = parent->children[0];
      --height_;
      FreeInner(parent);
      return;
    }
    if (parent->count >= Inner::kCapacity / 4) return;
  }
}

void RankTree::ChangeScore(ScoredMember* member, double score) {
  Path path;
  uint32_t index = 0;
  Leaf* const leaf = Locate(*member, path, index);
  Cursor before(leaf, index);
  Cursor behind(leaf, index);
  before.Previous();
  behind.Next();
  const bool fits = (!before.valid() || !IsBefore(score, member->View(), *before)) &&
                    (!behind.valid() || IsBefore(score, member->View(), *behind));
  if (fits) {
    member->score = score;
    if (index == 0) NoteFirst(path, *leaf);
    return;
  }
  EraseAt(path, leaf, index);
  member->score = score;
  Insert(member);
}

// ---------------------------------------------------------------- checking

bool RankTree::IsSoundBelow(const void* node, int height, size_t count, const ScoredMember* first,
                            const Leaf** last_leaf) const {
  const bool is_root = node == root_;
  if (height == 0) {
    const auto* const leaf = static_cast<const Leaf*>(node);
    if (leaf->count != count || leaf->count > Leaf::kCapacity || leaf->count == 0) return false;
    if (first != nullptr && leaf->members[0] != first) return false;
    if (leaf->previous != *last_leaf) return false;
    if (*last_leaf != nullptr && (*last_leaf)->next != leaf) return false;
    const ScoredMember* before =
        *last_leaf == nullptr ? nullptr : (*last_leaf)->members[(*last_leaf)->count - 1];
    for (uint32_t i = 0; i < leaf->count; ++i) {
      const ScoredMember* const member = leaf->members[i];
      if (before != nullptr && !IsBefore(before->score, before->View(), *member)) return false;
      before = member;
    }
    *last_leaf = leaf;
    return true;
  }
  const auto* const inner = static_cast<const Inner*>(node);
  if (inner->count > Inner::kCapacity || inner->count < (is_root ? 2u : 1u)) return false;
  if (inner->TotalSize() != count) return false;
  if (first != nullptr && inner->firsts[0] != first) return false;
  for (uint32_t i = 0; i < inner->count; ++i) {
    if (inner->first_scores[i] != inner->firsts[i]->score) return false;
    if (!IsSoundBelow(inner->children[i], height - 1, inner->sizes[i], inner->firsts[i], last_leaf))
      return false;
  }
  return true;
}

bool RankTree::IsSound() const {
  if (root_ == nullptr) return size_ == 0 && memory_bytes_ == 0 && height_ == 0;
  const Leaf* last_leaf = nullptr;
  return IsSoundBelow(root_, height_, size_, nullptr, &last_leaf) && last_leaf->next == nullptr;
}

}  // namespace peal::store
