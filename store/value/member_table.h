#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "store/keyspace/bucket_table.h"

namespace peal::store {

/// Arrays of member tables are freed at once; what is large has been unmapped bit by bit.
struct FreeArrays {
  void (*free)(void* memory, size_t bytes);
  void AddBuckets(void* memory, size_t bytes) const { free(memory, bytes); }
};

template <class NodeType>
struct MemberTraits {
  using Node = NodeType;
  using Retired = const FreeArrays;
  // Small, since there is nobody to clear or free an array later.
  static constexpr size_t kMapBytes = 128 * 1024;
  static constexpr bool kUnmapsAlong = true;
  static std::string_view Key(const Node* node) { return node->View(); }
  static bool HasExpiry(const Node* node) { return node->has_expiry(); }
  static void Destroy(Node* node) { NodeType::Destroy(node); }
};

/// The members of a large set, hash or sorted set, by their bytes: a BucketTable that owns its
/// nodes and counts their memory. No operation but Clear, Visit and the destructor takes longer
/// than some microseconds, whatever the size.
///
/// Node is one allocation whose address is a multiple of 8 (see Member, the node of sets), with
///   std::string_view View() const     the member; never changes
///   size_t AllocationBytes() const    does not change while the node is in the table
///   bool has_expiry() const           see Refresh
///   static void Destroy(Node*)
///
/// Not synchronised. Hashes are optional arguments, for callers that look up and insert: Hash() of
/// the member.
template <class Node>
class MemberTable {
  using Base = BucketTable<MemberTraits<Node>>;

 public:
  using HashFunction = typename Base::HashFunction;
  static constexpr uint64_t kScanEnd = Base::kScanEnd;

  /// `hash` may be another function in tests.
  explicit MemberTable(HashFunction hash = nullptr) : base_(hash) {}

  uint64_t Hash(std::string_view member) const { return base_.Hash(member); }

  /// The node of `member`, or null. Owned by the table.
  Node* Find(std::string_view member) const { return Find(member, Hash(member)); }
  Node* Find(std::string_view member, uint64_t hash) const { return base_.Find(member, hash); }
  bool Contains(std::string_view member) const { return Find(member) != nullptr; }

  /// Adds `node`, whose member must not be present; takes ownership.
  void Insert(Node* node) { Insert(node, Hash(node->View())); }
  void Insert(Node* node, uint64_t hash) {
    node_bytes_ += node->AllocationBytes();
    base_.Insert(node, hash, kFree);
  }

  /// Takes the node of `member` out and gives it to the caller, who destroys it; null if none.
  [[nodiscard]] Node* Erase(std::string_view member) { return Erase(member, Hash(member)); }
  [[nodiscard]] Node* Erase(std::string_view member, uint64_t hash) {
    Node* node = base_.Erase(member, hash, kFree);
    if (node != nullptr) node_bytes_ -= node->AllocationBytes();
    return node;
  }

  /// Puts `now` (same member) in the place of `before`, which goes to the caller.
  void Replace(Node* before, Node* now) {
    node_bytes_ += now->AllocationBytes() - before->AllocationBytes();
    base_.Replace(before, now, Hash(now->View()));
  }

  /// After has_expiry() of a node in the table has changed.
  void Refresh(Node* node) { base_.Replace(node, node, Hash(node->View())); }

  /// Starts loading what Find(…, hash) will look at.
  void Prefetch(uint64_t hash) const { base_.Prefetch(hash); }

  /// A random node, null if empty. `random()` gives uniform 64-bit numbers. Close to uniform.
  template <class Random>
  Node* RandomNode(Random&& random) const {
    return base_.RandomEntry(random);
  }

  /// Calls fn(node) on the nodes of the next buckets from `position` (0 at first) on until `count`
  /// have been passed, and returns the next position, kScanEnd (2^43) when done. A member present
  /// from the first call to the last is passed at least once, whatever is inserted, erased or
  /// resized between calls. Any position is valid. Looks at ten buckets for each of `count`, at
  /// most. `fn` must not change the table.
  template <class Fn>
  uint64_t Scan(uint64_t position, size_t count, Fn&& fn) const {
    return ScanWith(position, count, fn,
                    [this](uint64_t at, auto& pass) { return base_.Scan(at, pass); });
  }
  /// The same, but passes only nodes with an expiry and does not touch the others.
  template <class Fn>
  uint64_t ScanVolatile(uint64_t position, size_t count, Fn&& fn) const {
    return ScanWith(position, count, fn,
                    [this](uint64_t at, auto& pass) { return base_.ScanVolatile(at, pass); });
  }

  /// Calls fn(node) on every node, once, in no order. `fn` must not change the table.
  template <class Fn>
  void ForEach(Fn&& fn) const {
    base_.ForEach(fn);
  }
  /// The same, until `fn` returns false.
  template <class Fn>
  void ForEachWhile(Fn&& fn) const {
    base_.ForEachWhile(fn);
  }

  size_t size() const { return base_.size(); }
  bool empty() const { return base_.size() == 0; }
  /// Heap bytes of arrays and nodes. O(1).
  size_t MemoryBytes() const { return base_.MemoryBytes() + node_bytes_; }

  /// Moves on with a growth or shrinkage under way.
  void ContinueMigration(size_t step) { base_.ContinueMigration(step, kFree); }

  /// Looks at everything. For tests and DEBUG.
  bool IsSound() const {
    size_t bytes = 0;
    base_.ForEach([&](const Node* node) { bytes += node->AllocationBytes(); });
    return bytes == node_bytes_ && base_.IsSound();
  }

  /// Destroys all nodes.
  void Clear() {
    base_.Clear();
    node_bytes_ = 0;
  }

  void Swap(MemberTable& other) {
    base_.Swap(other.base_);
    std::swap(node_bytes_, other.node_bytes_);
  }

 private:
  static constexpr FreeArrays kFree{&Base::FreeBuckets};

  template <class Fn, class Step>
  static uint64_t ScanWith(uint64_t position, size_t count, Fn& fn, Step step) {
    size_t passed = 0;
    auto pass = [&](Node* node) {
      ++passed;
      fn(node);
    };
    size_t steps = 0;
    do {
      position = step(position, pass);
    } while (position < kScanEnd && passed < count && ++steps / 10 < count);
    return position;
  }

  Base base_;
  size_t node_bytes_ = 0;
};

}  // namespace peal::store
