#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "store/keyspace/value_object.h"
#include "store/value/encoding_limits.h"
#include "store/value/list_node.h"
#include "store/value/listpack.h"

namespace peal::store {

/// A list: one listpack while that stays within list-max-listpack-size, else a chain of such
/// listpacks, which OBJECT ENCODING calls a quicklist. A chain that shrinks to one listpack of half
/// the limit becomes a plain listpack again (as Redis 7.2 does).
///
/// Both ends are O(1). The inside is found by stepping over whole listpacks. An element larger than
/// the limit has a listpack of its own. With list-compress-depth the listpacks of the inside are
/// kept compressed: reading unpacks a copy of each, a change unpacks them for as long as it takes.
/// A new depth takes hold of a list when it is next changed.
///
/// Texts passed to changes must not be elements of the same list.
class ListValue final : public ValueObject {
 public:
  static constexpr ValueType kType = ValueType::kList;
  static constexpr bool kKeepsEmpty = false;

  enum class End : uint8_t { kHead, kTail };

  ListValue() = default;

  ValueType type() const override { return kType; }
  size_t MemoryBytes() const override;
  std::string_view EncodingName() const override;
  size_t Count() const override;
  void PrefetchContents() const override { pack_.Prefetch(); }
  bool IsSound() const override;
  std::unique_ptr<ValueObject> Clone() const override;

  // For payloads and snapshots.

  /// The elements of `packs`, one after another; there is at least one pack and none is empty.
  /// Packs beyond the limits stay as they are.
  static std::unique_ptr<ListValue> OfPacks(std::vector<Listpack> packs,
                                            const EncodingLimits& limits);
  /// Calls fn(const Listpack&) for each listpack from the head on.
  template <typename Fn>
  void ForEachPack(Fn fn) const {
    if (chain_ == nullptr) return fn(pack_);
    for (const ListNode& node : chain_->nodes) {
      if (node.IsCompressed()) {
        fn(static_cast<const Listpack&>(node.Copy()));
      } else {
        fn(node.pack());
      }
    }
  }

  /// A place in the list. Dies with its next change; what it has shown, with its next step.
  class Cursor {
   public:
    /// Whether there is an element.
    explicit operator bool() const { return pack_ != nullptr; }
    ListpackItem Get() const { return pack_->Get(at_); }
    /// To the neighbour towards the tail or the head; to nothing beyond the last one.
    void Next();
    void Previous();

   private:
    friend class ListValue;
    /// To the listpack of node node_.
    void Enter();

    const ListValue* list_ = nullptr;
    const Listpack* pack_ = nullptr;            // null: no element
    std::shared_ptr<const Listpack> unpacked_;  // of a compressed node
    size_t node_ = 0;                           // in a chain
    Listpack::Position at_ = Listpack::kEnd;
  };

  /// The element `index` from the head, or from the tail if negative (-1: the last).
  Cursor At(int64_t index) const;

  // Changes. Limits are those in force now; earlier elements stay as they are.

  void Push(End end, std::string_view text, const EncodingLimits& limits) {
    Push(end, {&text, 1}, limits);
  }
  /// One after another: the last of `texts` ends up outermost.
  void Push(End end, std::span<const std::string_view> texts, const EncodingLimits& limits);
  void InsertBefore(const Cursor& pivot, std::string_view text, const EncodingLimits& limits);
  void InsertAfter(const Cursor& pivot, std::string_view text, const EncodingLimits& limits);
  void Replace(const Cursor& at, std::string_view text, const EncodingLimits& limits);
  /// Erases `count` elements from `first` on; both within the list.
  void Erase(size_t first, size_t count, const EncodingLimits& limits);
  /// Erases up to `most` elements equal to `text`, from the head or from the tail on; returns how
  /// many.
  size_t Remove(End from, std::string_view text, size_t most, const EncodingLimits& limits);

 private:
  struct Chain {
    std::deque<ListNode> nodes;  // none empty
    size_t count = 0;
    size_t pack_bytes = 0;  // heap bytes of all listpacks
  };
  class Change;

  void MakeChain();
  void MakePackIfSmall(const EncodingLimits& limits);
  void PushToChain(End end, std::string_view text, const EncodingLimits& limits);
  void Insert(size_t node, Listpack::Position at, bool after, std::string_view text,
              const EncodingLimits& limits);
  void InsertNode(size_t index, std::string_view text);
  /// Moves what stands at and behind `at` into a new node behind.
  void Split(size_t node, Listpack::Position at);
  void EraseInNode(size_t node, Listpack::Position at, size_t count);
  /// Drops empty nodes of a chain and joins small neighbours.
  void Tidy(const EncodingLimits& limits);
  /// Opens the nodes near the ends and compresses the first ones behind them: all that a change at
  /// an end may have moved.
  void SettleEnds(const EncodingLimits& limits);
  /// The same, and compresses every node of the inside that is open.
  void SettleAll(const EncodingLimits& limits);

  Listpack pack_;                 // while there is no chain
  std::unique_ptr<Chain> chain_;  // null: one listpack
};

}  // namespace peal::store
