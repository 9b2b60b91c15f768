#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace peal::store {

/// Names with a time each: which one is due next is known in O(1), a change takes O(log n). The
/// fields of a hash that have a time to live; the keys of a stripe that hold such hashes.
///
/// Not synchronised. Views of names die when the name is removed.
class TimeIndex {
 public:
  static constexpr int64_t kNever = -1;

  TimeIndex() = default;
  TimeIndex(const TimeIndex& other);
  TimeIndex& operator=(const TimeIndex&) = delete;
  ~TimeIndex();

  /// Adds `name` or changes its time. `at_ms` >= 0. Names below 4 GiB.
  void Set(std::string_view name, int64_t at_ms);
  /// True if it was there.
  bool Remove(std::string_view name);
  /// kNever if it is not there.
  int64_t TimeOf(std::string_view name) const;

  /// The earliest time; kNever if there is none.
  int64_t FirstTime() const { return heap_.empty() ? kNever : heap_[0]->at_ms; }
  /// A name with the earliest time. Needs one.
  std::string_view FirstName() const { return heap_[0]->name(); }

  /// How many have a time before `ms`. O(n).
  size_t CountBefore(int64_t ms) const;

  bool empty() const { return heap_.empty(); }
  size_t size() const { return heap_.size(); }
  /// Looks at everything: `is_there(name)` tells whether what has a time exists. For tests and
  /// DEBUG.
  template <typename IsThere>
  bool IsSound(IsThere is_there) const {
    for (size_t i = 0; i < heap_.size(); ++i) {
      const Node* const node = heap_[i];
      const bool is_in_order = i == 0 || heap_[(i - 1) / 2]->at_ms <= node->at_ms;
      if (node->place != i || !is_in_order || !is_there(node->name())) return false;
    }
    return nodes_.size() == heap_.size();
  }

  /// Heap bytes, this object included. O(1).
  size_t MemoryBytes() const;

 private:
  /// The name's bytes follow.
  struct Node {
    int64_t at_ms;
    uint32_t place;  // in the heap
    uint32_t size;

    std::string_view name() const { return {reinterpret_cast<const char*>(this + 1), size}; }
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const;
    size_t operator()(const Node* node) const { return (*this)(node->name()); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Node* a, const Node* b) const { return a == b; }
    bool operator()(std::string_view a, const Node* b) const { return a == b->name(); }
    bool operator()(const Node* a, std::string_view b) const { return a->name() == b; }
  };

  void Put(size_t place, Node* node) {
    heap_[place] = node;
    node->place = static_cast<uint32_t>(place);
  }
  /// Moves a node whose time has changed to where it belongs.
  void Settle(Node* node);

  std::unordered_set<Node*, Hash, Equal> nodes_;
  std::vector<Node*> heap_;  // binary, the earliest at 0
  size_t node_bytes_ = 0;
};

}  // namespace peal::store
