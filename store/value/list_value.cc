#include "store/value/list_value.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "protocol/base/check.h"

namespace peal::store {
namespace {

/// Room that an element's own lengths take, at a guess that is seldom too low.
constexpr size_t kElementOverhead = 8;
/// Above this no number of elements allows a listpack to grow: each change moves its bytes.
constexpr size_t kSafeBytes = 8192;

/// What one listpack may hold, as list-max-listpack-size says it.
struct NodeLimit {
  explicit NodeLimit(const EncodingLimits& limits) {
    const int32_t size = limits.list_max_listpack_size;
    if (size >= 0) {
      bytes = kSafeBytes;
      half_bytes = kSafeBytes;
      count = static_cast<size_t>(std::max(size, 1));
    } else {
      bytes = size_t{2048} << std::min(-int64_t{size}, int64_t{5});
      half_bytes = bytes / 2;
    }
  }

  bool Allows(size_t pack_bytes, size_t elements) const {
    return pack_bytes <= bytes && elements <= count;
  }
  bool AllowsMore(const ListNode& node, std::string_view text) const {
    return Allows(node.Bytes() + text.size() + kElementOverhead, node.count + size_t{1});
  }
  /// Whether there would still be as much room again: what has just been parted is not joined.
  bool AllowsTwice(size_t pack_bytes, size_t elements) const {
    return pack_bytes <= half_bytes && elements <= count / 2;
  }

  size_t bytes = 0;
  size_t half_bytes = 0;
  size_t count = std::numeric_limits<size_t>::max();
};

/// What a deque of `n` elements of `bytes` each takes, near enough.
constexpr size_t DequeBytes(size_t n, size_t bytes) {
  constexpr size_t kBlockBytes = 512;
  const size_t per_block = kBlockBytes / bytes;
  const size_t blocks = n / per_block + 1;
  return blocks * (kBlockBytes + sizeof(void*)) + 64;
}

void AppendItem(Listpack& pack, const ListpackItem& item) {
  if (item.is_integer) {
    pack.AppendInteger(item.integer);
  } else {
    pack.Append(item.bytes);
  }
}

}  // namespace

/// Opens one node of the chain for a change, and books what that does to its heap bytes and
/// elements.
class ListValue::Change {
 public:
  Change(Chain& chain, ListNode& node)
      : chain_(chain), node_(node), before_(node.MemoryBytes()), count_(node.count) {
    node.Open();
  }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;
  ~Change() {
    chain_.pack_bytes += node_.MemoryBytes() - before_;
    chain_.count += node_.count - count_;
  }

 private:
  Chain& chain_;
  ListNode& node_;
  const size_t before_;
  const size_t count_;
};

// ---------------------------------------------------------------- facts

size_t ListValue::MemoryBytes() const {
  if (chain_ == nullptr) return sizeof(*this) + pack_.MemoryBytes();
  return sizeof(*this) + sizeof(Chain) + DequeBytes(chain_->nodes.size(), sizeof(ListNode)) +
         chain_->pack_bytes;
}

std::string_view ListValue::EncodingName() const {
  return chain_ == nullptr ? "listpack" : "quicklist";
}

size_t ListValue::Count() const { return chain_ == nullptr ? pack_.Count() : chain_->count; }

std::unique_ptr<ValueObject> ListValue::Clone() const {
  auto clone = std::make_unique<ListValue>();
  if (chain_ == nullptr) {
    clone->pack_ = Listpack(pack_);
    return clone;
  }
  clone->chain_ = std::make_unique<Chain>();
  Chain& chain = *clone->chain_;
  chain.count = chain_->count;
  for (const ListNode& node : chain_->nodes) {
    chain.nodes.push_back(node.Clone());
    chain.pack_bytes += chain.nodes.back().MemoryBytes();
  }
  return clone;
}

std::unique_ptr<ListValue> ListValue::OfPacks(std::vector<Listpack> packs,
                                              const EncodingLimits& limits) {
  PEAL_DCHECK(!packs.empty());
  auto list = std::make_unique<ListValue>();
  Listpack& first = packs.front();
  if (packs.size() == 1 && NodeLimit(limits).Allows(first.Bytes(), first.Count())) {
    list->pack_ = std::move(first);
    return list;
  }
  list->chain_ = std::make_unique<Chain>();
  Chain& chain = *list->chain_;
  for (Listpack& pack : packs) {
    const size_t count = pack.Count();
    PEAL_DCHECK(count != 0);
    chain.count += count;
    chain.pack_bytes += pack.MemoryBytes();
    chain.nodes.emplace_back(std::move(pack), static_cast<uint32_t>(count));
  }
  list->SettleAll(limits);
  return list;
}

bool ListValue::IsSound() const {
  if (chain_ == nullptr) return pack_.IsSound();
  size_t count = 0;
  size_t pack_bytes = 0;
  for (const ListNode& node : chain_->nodes) {
    if (!node.IsSound()) return false;
    count += node.count;
    pack_bytes += node.MemoryBytes();
  }
  return pack_.empty() && count == chain_->count && pack_bytes == chain_->pack_bytes;
}

// ---------------------------------------------------------------- places

ListValue::Cursor ListValue::At(int64_t index) const {
  Cursor cursor;
  cursor.list_ = this;
  const auto count = static_cast<int64_t>(Count());
  if (index < 0 ? index < -count : index >= count) return cursor;
  if (chain_ == nullptr) {
    cursor.pack_ = &pack_;
    cursor.at_ = pack_.Seek(index);
    return cursor;
  }
  const std::deque<ListNode>& nodes = chain_->nodes;
  // From the nearer end.
  if (index < 0) index += count;
  if (index < count / 2) {
    while (index >= nodes[cursor.node_].count) index -= nodes[cursor.node_++].count;
  } else {
    index -= count;
    cursor.node_ = nodes.size() - 1;
    while (index < -int64_t{nodes[cursor.node_].count}) index += nodes[cursor.node_--].count;
  }
  cursor.Enter();
  cursor.at_ = cursor.pack_->Seek(index);
  return cursor;
}

void ListValue::Cursor::Enter() {
  const ListNode& node = list_->chain_->nodes[node_];
  if (node.IsCompressed()) {
    unpacked_ = std::make_shared<const Listpack>(node.Copy());
    pack_ = unpacked_.get();
  } else {
    unpacked_.reset();
    pack_ = &node.pack();
  }
}

void ListValue::Cursor::Next() {
  at_ = pack_->Next(at_);
  if (at_ != Listpack::kEnd) return;
  const Chain* const chain = list_->chain_.get();
  if (chain == nullptr || ++node_ == chain->nodes.size()) {
    pack_ = nullptr;
    return;
  }
  Enter();
  at_ = pack_->First();
}

void ListValue::Cursor::Previous() {
  at_ = pack_->Previous(at_);
  if (at_ != Listpack::kEnd) return;
  const Chain* const chain = list_->chain_.get();
  if (chain == nullptr || node_ == 0) {
    pack_ = nullptr;
    return;
  }
  --node_;
  Enter();
  at_ = pack_->Last();
}

// ---------------------------------------------------------------- between the encodings

void ListValue::MakeChain() {
  chain_ = std::make_unique<Chain>();
  if (pack_.empty()) {
    pack_.Clear();
    return;
  }
  chain_->count = pack_.Count();
  chain_->pack_bytes = pack_.MemoryBytes();
  chain_->nodes.emplace_back(std::move(pack_), static_cast<uint32_t>(chain_->count));
}

void ListValue::MakePackIfSmall(const EncodingLimits& limits) {
  if (chain_ == nullptr || chain_->nodes.size() > 1) return;
  if (!chain_->nodes.empty()) {
    ListNode& only = chain_->nodes.front();
    if (!NodeLimit(limits).AllowsTwice(only.Bytes(), only.count)) return;
    only.Open();
    pack_ = std::move(only.pack());
  }
  chain_.reset();
}

// ---------------------------------------------------------------- adding

void ListValue::Push(End end, std::span<const std::string_view> texts,
                     const EncodingLimits& limits) {
  if (chain_ == nullptr) {
    size_t more_bytes = 0;
    for (const std::string_view text : texts) more_bytes += text.size();
    if (NodeLimit(limits).Allows(pack_.Bytes() + more_bytes, pack_.Count() + texts.size())) {
      for (const std::string_view text : texts) {
        if (end == End::kHead) {
          pack_.Prepend(text);
        } else {
          pack_.Append(text);
        }
      }
      return;
    }
    MakeChain();
  }
  for (const std::string_view text : texts) PushToChain(end, text, limits);
}

void ListValue::PushToChain(End end, std::string_view text, const EncodingLimits& limits) {
  std::deque<ListNode>& nodes = chain_->nodes;
  const size_t outer = end == End::kHead ? 0 : nodes.size() - 1;
  if (nodes.empty() || !NodeLimit(limits).AllowsMore(nodes[outer], text)) {
    InsertNode(end == End::kHead ? 0 : nodes.size(), text);
    return SettleEnds(limits);
  }
  ListNode& node = nodes[outer];
  const Change change(*chain_, node);
  if (end == End::kHead) {
    node.pack().Prepend(text);
  } else {
    node.pack().Append(text);
  }
  ++node.count;
}

void ListValue::InsertNode(size_t index, std::string_view text) {
  std::deque<ListNode>& nodes = chain_->nodes;
  ListNode fresh;
  fresh.pack().Append(text);
  fresh.count = 1;
  chain_->pack_bytes += fresh.MemoryBytes();
  ++chain_->count;
  // What was the outermost has grown to its end.
  if (!nodes.empty() && (index == 0 || index == nodes.size())) {
    ListNode& inner = index == 0 ? nodes.front() : nodes.back();
    const Change change(*chain_, inner);
    inner.pack().ShrinkToFit();
  }
  nodes.insert(nodes.begin() + static_cast<std::ptrdiff_t>(index), std::move(fresh));
}

void ListValue::Split(size_t node, Listpack::Position at) {
  std::deque<ListNode>& nodes = chain_->nodes;
  ListNode behind;
  {
    const Change change(*chain_, nodes[node]);
  }
  const Listpack& whole = std::as_const(nodes[node]).pack();
  for (auto from = at; from != Listpack::kEnd; from = whole.Next(from)) {
    AppendItem(behind.pack(), whole.Get(from));
    ++behind.count;
  }
  chain_->count += behind.count;
  chain_->pack_bytes += behind.MemoryBytes();
  EraseInNode(node, at, behind.count);
  nodes.insert(nodes.begin() + static_cast<std::ptrdiff_t>(node) + 1, std::move(behind));
}

void ListValue::Insert(size_t index, Listpack::Position at, bool after, std::string_view text,
                       const EncodingLimits& limits) {
  const NodeLimit limit(limits);
  std::deque<ListNode>& nodes = chain_->nodes;
  const auto has_room = [&](size_t i) { return limit.AllowsMore(nodes[i], text); };
  const auto push = [&](size_t i, bool front) {
    const Change change(*chain_, nodes[i]);
    ++nodes[i].count;
    if (front) {
      nodes[i].pack().Prepend(text);
    } else {
      nodes[i].pack().Append(text);
    }
  };
  if (has_room(index)) {
    const Change change(*chain_, nodes[index]);
    ++nodes[index].count;
    if (after) {
      nodes[index].pack().InsertAfter(at, text);
    } else {
      nodes[index].pack().InsertBefore(at, text);
    }
    return;
  }
  // Everything from `at` on belongs behind the new element.
  {
    const Change change(*chain_, nodes[index]);
  }
  if (after) at = nodes[index].pack().Next(at);
  if (at == nodes[index].pack().First()) {
    if (index > 0 && has_room(index - 1)) return push(index - 1, false);
    return InsertNode(index, text);
  }
  if (at == Listpack::kEnd) {
    if (index + 1 < nodes.size() && has_room(index + 1)) return push(index + 1, true);
    return InsertNode(index + 1, text);
  }
  Split(index, at);
  if (has_room(index)) return push(index, false);
  if (has_room(index + 1)) return push(index + 1, true);
  InsertNode(index + 1, text);
}

void ListValue::InsertBefore(const Cursor& pivot, std::string_view text,
                             const EncodingLimits& limits) {
  if (chain_ != nullptr) {
    Insert(pivot.node_, pivot.at_, false, text, limits);
    return SettleAll(limits);
  }
  if (NodeLimit(limits).Allows(pack_.Bytes() + text.size(), pack_.Count() + 1)) {
    pack_.InsertBefore(pivot.at_, text);
    return;
  }
  MakeChain();
  Insert(0, pivot.at_, false, text, limits);
}

void ListValue::InsertAfter(const Cursor& pivot, std::string_view text,
                            const EncodingLimits& limits) {
  if (chain_ != nullptr) {
    Insert(pivot.node_, pivot.at_, true, text, limits);
    return SettleAll(limits);
  }
  if (NodeLimit(limits).Allows(pack_.Bytes() + text.size(), pack_.Count() + 1)) {
    pack_.InsertAfter(pivot.at_, text);
    return;
  }
  MakeChain();
  Insert(0, pivot.at_, true, text, limits);
}

void ListValue::Replace(const Cursor& at, std::string_view text, const EncodingLimits& limits) {
  const NodeLimit limit(limits);
  if (chain_ == nullptr) {
    if (limit.Allows(pack_.Bytes() + text.size(), pack_.Count())) {
      pack_.Replace(at.at_, text);
      return;
    }
    MakeChain();
  }
  ListNode& node = chain_->nodes[at.node_];
  if (node.count == 1 || limit.Allows(node.Bytes() + text.size() + kElementOverhead, node.count)) {
    const Change change(*chain_, node);
    node.pack().Replace(at.at_, text);
  } else {
    {
      const Change change(*chain_, node);
    }
    const bool was_last = node.pack().Next(at.at_) == Listpack::kEnd;
    EraseInNode(at.node_, at.at_, 1);
    // Where it stood, now stands what followed it.
    const auto beside = was_last ? node.pack().Last() : at.at_;
    Insert(at.node_, beside, was_last, text, limits);
  }
  MakePackIfSmall(limits);
  SettleAll(limits);
}

// ---------------------------------------------------------------- erasing

void ListValue::EraseInNode(size_t index, Listpack::Position at, size_t count) {
  ListNode& node = chain_->nodes[index];
  const Change change(*chain_, node);
  node.pack().EraseRange(at, count);
  node.count -= static_cast<uint32_t>(count);
}

void ListValue::Erase(size_t first, size_t count, const EncodingLimits& limits) {
  PEAL_DCHECK(first + count <= Count());
  if (count == 0) return;
  if (chain_ == nullptr) {
    pack_.EraseRange(pack_.Seek(static_cast<int64_t>(first)), count);
    return;
  }
  std::deque<ListNode>& nodes = chain_->nodes;
  const bool is_at_an_end = first == 0 || first + count == chain_->count;
  const Cursor from = At(static_cast<int64_t>(first));
  size_t node = from.node_;
  if (from.at_ != from.pack_->First()) {
    // Not the whole of it: the end of the first node, or a piece of the middle.
    size_t here = 0;
    for (auto at = from.at_; at != Listpack::kEnd && here < count; at = from.pack_->Next(at)) {
      ++here;
    }
    EraseInNode(node, from.at_, here);
    count -= here;
    ++node;
  }
  size_t end = node;
  for (; end < nodes.size() && nodes[end].count <= count; ++end) {
    count -= nodes[end].count;
    chain_->count -= nodes[end].count;
    chain_->pack_bytes -= nodes[end].MemoryBytes();
  }
  if (count > 0) {
    {
      const Change change(*chain_, nodes[end]);
    }
    EraseInNode(end, nodes[end].pack().First(), count);
  }
  const auto begin = nodes.begin();
  nodes.erase(begin + static_cast<std::ptrdiff_t>(node), begin + static_cast<std::ptrdiff_t>(end));
  if (!is_at_an_end) Tidy(limits);
  MakePackIfSmall(limits);
  if (is_at_an_end) {
    SettleEnds(limits);
  } else {
    SettleAll(limits);
  }
}

size_t ListValue::Remove(End from, std::string_view text, size_t most,
                         const EncodingLimits& limits) {
  const auto remove_in = [&](Listpack& pack, size_t limit) {
    size_t removed = 0;
    if (from == End::kHead) {
      auto at = pack.Find(pack.First(), text);
      for (; at != Listpack::kEnd && removed < limit; ++removed) {
        at = pack.Find(pack.Erase(at), text);
      }
      return removed;
    }
    for (auto at = pack.Last(); at != Listpack::kEnd && removed < limit;) {
      const auto before = pack.Previous(at);
      if (pack.Get(at).Equals(text)) {
        pack.Erase(at);
        ++removed;
      }
      at = before;
    }
    return removed;
  };
  if (chain_ == nullptr) return remove_in(pack_, most);
  std::deque<ListNode>& nodes = chain_->nodes;
  size_t removed = 0;
  for (size_t i = 0; i < nodes.size() && removed < most; ++i) {
    ListNode& node = nodes[from == End::kHead ? i : nodes.size() - 1 - i];
    if (node.IsCompressed()) {
      const Listpack pack = node.Copy();
      if (pack.Find(pack.First(), text) == Listpack::kEnd) continue;
    }
    const Change change(*chain_, node);
    const size_t here = remove_in(node.pack(), most - removed);
    node.count -= static_cast<uint32_t>(here);
    removed += here;
  }
  if (removed > 0) {
    Tidy(limits);
    MakePackIfSmall(limits);
    SettleAll(limits);
  }
  return removed;
}

void ListValue::Tidy(const EncodingLimits& limits) {
  const NodeLimit limit(limits);
  std::deque<ListNode>& nodes = chain_->nodes;
  size_t kept = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    ListNode& node = nodes[i];
    if (kept > 0) {
      ListNode& last = nodes[kept - 1];
      if (limit.AllowsTwice(last.Bytes() + node.Bytes(), size_t{last.count} + node.count)) {
        const Change change(*chain_, last);
        const Change emptied(*chain_, node);
        const Listpack& pack = std::as_const(node).pack();
        for (auto at = pack.First(); at != Listpack::kEnd; at = pack.Next(at)) {
          AppendItem(last.pack(), pack.Get(at));
        }
        last.count += std::exchange(node.count, 0);
        node.pack().Clear();
      }
    }
    if (node.count == 0) {
      chain_->pack_bytes -= node.MemoryBytes();
      continue;
    }
    if (kept != i) nodes[kept] = std::move(node);
    ++kept;
  }
  nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(kept), nodes.end());
}

// ---------------------------------------------------------------- compression

void ListValue::SettleEnds(const EncodingLimits& limits) {
  const size_t depth = limits.list_compress_depth;
  if (depth == 0 || chain_ == nullptr) return;
  std::deque<ListNode>& nodes = chain_->nodes;
  const auto book = [&](ListNode& node, auto change) {
    chain_->pack_bytes -= node.MemoryBytes();
    change(node);
    chain_->pack_bytes += node.MemoryBytes();
  };
  const size_t size = nodes.size();
  for (size_t i = 0; i < std::min(depth, size); ++i) {
    if (nodes[i].IsCompressed()) book(nodes[i], [](ListNode& node) { node.Open(); });
    ListNode& other = nodes[size - 1 - i];
    if (other.IsCompressed()) book(other, [](ListNode& node) { node.Open(); });
  }
  if (size <= 2 * depth) return;
  book(nodes[depth], [](ListNode& node) { node.Compress(); });
  book(nodes[size - 1 - depth], [](ListNode& node) { node.Compress(); });
}

void ListValue::SettleAll(const EncodingLimits& limits) {
  const size_t depth = limits.list_compress_depth;
  if (depth == 0 || chain_ == nullptr) return;
  SettleEnds(limits);
  std::deque<ListNode>& nodes = chain_->nodes;
  for (size_t i = depth; i < nodes.size() && nodes.size() - i > depth; ++i) {
    ListNode& node = nodes[i];
    if (node.IsCompressed()) continue;
    chain_->pack_bytes -= node.MemoryBytes();
    node.Compress();
    chain_->pack_bytes += node.MemoryBytes();
  }
}

}  // namespace peal::store
