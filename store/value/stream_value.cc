#include "store/value/stream_value.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

#include "protocol/base/check.h"

namespace peal::store {
namespace {

constexpr int64_t kDeleted = 1;     // flags of an entry
constexpr int64_t kSameFields = 2;  // as the master entry
constexpr uint64_t kEntryHead = 3;  // flags, ms, seq

// The master entry: where its numbers stand, and the elements besides the names of the fields.
uint64_t LiveEntries(const Listpack& node) {
  return static_cast<uint64_t>(node.Get(node.First()).integer);
}
uint64_t DeletedEntries(const Listpack& node) {
  return static_cast<uint64_t>(node.Get(node.Next(node.First())).integer);
}

/// Counts `count` more entries of the node as deleted.
void NoteDeletions(Listpack& node, uint64_t count) {
  const auto live = static_cast<int64_t>(LiveEntries(node) - count);
  const auto deleted = static_cast<int64_t>(DeletedEntries(node) + count);
  node.ReplaceInteger(node.First(), live);
  node.ReplaceInteger(node.Next(node.First()), deleted);
}

Listpack::Position Skip(const Listpack& node, Listpack::Position at, uint64_t count) {
  for (; count > 0; --count) at = node.Next(at);
  return at;
}

StreamId IdAt(StreamId base, int64_t ms, int64_t seq) {
  return {base.ms + static_cast<uint64_t>(ms), base.seq + static_cast<uint64_t>(seq)};
}

/// Where the flags of the entry stand whose last element is at `last`.
Listpack::Position EntryEndingAt(const Listpack& node, Listpack::Position last) {
  int64_t elements = node.Get(last).integer;
  Listpack::Position at = last;
  for (; elements > 0; --elements) at = node.Previous(at);
  return at;
}

/// The id of the last entry of a node, deleted or not.
StreamId LastIdOf(StreamId base, const Listpack& node) {
  const Listpack::Position ms = node.Next(EntryEndingAt(node, node.Last()));
  return IdAt(base, node.Get(ms).integer, node.Get(node.Next(ms)).integer);
}

/// Reads a foreign node, element by element.
class NodeReader {
 public:
  explicit NodeReader(const Listpack& node) : node_(node), at_(node.First()) {}

  bool Integer(int64_t& value) {
    if (at_ == Listpack::kEnd) return false;
    const ListpackItem item = node_.Get(at_);
    value = item.integer;
    at_ = node_.Next(at_);
    return item.is_integer;
  }
  /// Flags of an entry: in the short form, which stays as long when a bit of it changes.
  bool Flags(int64_t& value) {
    const Listpack::Position at = at_;
    return Integer(value) && value >= 0 && value < 128 && at_ == at + 2;
  }
  bool Skip(int64_t count) {
    if (count < 0) return false;
    for (; count > 0; --count) {
      if (at_ == Listpack::kEnd) return false;
      at_ = node_.Next(at_);
    }
    return true;
  }
  bool is_over() const { return at_ == Listpack::kEnd; }

 private:
  const Listpack& node_;
  Listpack::Position at_;
};

/// Whether `node` is laid out as it should be, with its entries in order and its counts right. Each
/// entry, deleted or not, has a greater id than those before it that are not deleted.
bool IsSoundNode(StreamId base, const Listpack& node) {
  NodeReader reader(node);
  int64_t live = 0;
  int64_t deleted = 0;
  int64_t master_fields = 0;
  int64_t zero = 0;
  if (!reader.Integer(live) || !reader.Integer(deleted) || !reader.Integer(master_fields) ||
      !reader.Skip(master_fields) || !reader.Integer(zero) || zero != 0 || reader.is_over()) {
    return false;
  }
  int64_t live_seen = 0;
  int64_t deleted_seen = 0;
  std::optional<StreamId> last_live;
  while (!reader.is_over()) {
    int64_t flags = 0;
    int64_t ms = 0;
    int64_t seq = 0;
    if (!reader.Flags(flags) || !reader.Integer(ms) || !reader.Integer(seq)) return false;
    const StreamId id = IdAt(base, ms, seq);
    // XSETID may take back the ids of deleted entries, but of no others.
    if (id < base || (last_live && id <= *last_live)) return false;
    if ((flags & kDeleted) == 0) last_live = id;
    int64_t fields = master_fields;
    int64_t elements = kEntryHead;
    if ((flags & kSameFields) == 0) {
      if (!reader.Integer(fields) || fields < 0 || fields > INT32_MAX) return false;
      if (!reader.Skip(fields)) return false;
      elements += 1 + fields;
    }
    int64_t told = 0;
    if (!reader.Skip(fields) || !reader.Integer(told) || told != elements + fields) return false;
    ((flags & kDeleted) != 0 ? deleted_seen : live_seen) += 1;
  }
  return live == live_seen && deleted == deleted_seen;
}

}  // namespace

bool StreamValue::IsSound() const {
  uint64_t live = 0;
  size_t bytes = 0;
  const StreamId* previous = nullptr;
  for (const auto& [base, node] : nodes_) {
    if (!node.IsSound() || !IsSoundNode(base, node)) return false;
    if (previous != nullptr && base <= *previous) return false;
    previous = &base;
    live += static_cast<uint64_t>(node.Get(node.First()).integer);
    bytes += kNodeBytes + node.MemoryBytes();
  }
  for (const auto& [name, group] : groups_) {
    if (name != group->name() || !group->IsSound()) return false;
  }
  if (idempotent_ids_ != nullptr && !idempotent_ids_->IsSound()) return false;
  const StreamId last = LastEntryId();
  return live == length_ && bytes <= bytes_ && last <= last_id_ && first_id_ <= last;
}

// ---------------------------------------------------------------- walking

StreamCursor::StreamCursor(const StreamValue& stream, StreamId first, StreamId last, bool backwards)
    : nodes_(stream.nodes_), first_(first), last_(last), backwards_(backwards) {
  at_ = nodes_.upper_bound(backwards ? last : first);
  if (at_ != nodes_.begin()) {
    --at_;
  } else if (backwards) {
    is_over_ = true;  // all entries lie behind `last`
  }
  if (nodes_.empty() || first > last) is_over_ = true;
  if (!is_over_) ReadMaster();
}

void StreamCursor::ReadMaster() {
  const Listpack& node = at_->second;
  const Listpack::Position fields = node.Next(node.Next(node.First()));
  master_fields_ = static_cast<uint64_t>(node.Get(fields).integer);
  first_field_ = node.Next(fields);
  first_entry_ = Skip(node, first_field_, master_fields_ + 1);
  next_ = backwards_ ? node.Last() : first_entry_;
}

void StreamCursor::ReadEntry(Listpack::Position position) {
  const Listpack& node = at_->second;
  position_ = position;
  const int64_t flags = node.Get(position).integer;
  const Listpack::Position ms = node.Next(position);
  const Listpack::Position seq = node.Next(ms);
  id_ = IdAt(at_->first, node.Get(ms).integer, node.Get(seq).integer);
  is_deleted_ = (flags & kDeleted) != 0;
  has_own_fields_ = (flags & kSameFields) == 0;
  body_ = node.Next(seq);
  fields_ = master_fields_;
  if (has_own_fields_) {
    fields_ = static_cast<uint64_t>(node.Get(body_).integer);
    body_ = node.Next(body_);
  }
}

bool StreamCursor::StepForward() {
  if (next_ == Listpack::kEnd) {
    if (++at_ == nodes_.end()) return false;
    ReadMaster();
  }
  ReadEntry(next_);
  next_ = Skip(at_->second, body_, (has_own_fields_ ? 2 : 1) * fields_ + 1);
  return true;
}

bool StreamCursor::StepBackward() {
  if (next_ == Listpack::kEnd) {
    if (at_ == nodes_.begin()) return false;
    --at_;
    ReadMaster();
  }
  ReadEntry(EntryEndingAt(at_->second, next_));
  next_ = position_ == first_entry_ ? Listpack::kEnd : at_->second.Previous(position_);
  return true;
}

bool StreamCursor::Next() {
  while (!is_over_) {
    is_over_ = !(backwards_ ? StepBackward() : StepForward());
    // Of the deleted ones not even the order is certain: XSETID may take ids back.
    if (is_over_ || is_deleted_) continue;
    if (id_ >= first_ && id_ <= last_) return true;
    is_over_ = backwards_ ? id_ < first_ : id_ > last_;
  }
  return false;
}

// ---------------------------------------------------------------- facts

std::unique_ptr<ValueObject> StreamValue::Clone() const {
  auto copy = std::make_unique<StreamValue>();
  for (const auto& [base, node] : nodes_) {
    copy->Book(copy->nodes_.emplace_hint(copy->nodes_.end(), base, node)->second);
  }
  copy->length_ = length_;
  copy->last_id_ = last_id_;
  copy->first_id_ = first_id_;
  copy->max_deleted_id_ = max_deleted_id_;
  copy->entries_added_ = entries_added_;
  for (const auto& [name, group] : groups_) {
    copy->groups_.emplace_hint(copy->groups_.end(), name, group->Clone(copy->bytes_));
  }
  if (idempotent_ids_ != nullptr) copy->idempotent_ids_ = idempotent_ids_->Clone(copy->bytes_);
  return copy;
}

StreamId StreamValue::LastEntryId() const {
  StreamCursor cursor(*this, StreamId(), StreamId::Max(), true);
  return cursor.Next() ? cursor.id() : StreamId();
}

bool StreamValue::Contains(StreamId id) const { return StreamCursor(*this, id, id).Next(); }

uint64_t StreamValue::CountRange(StreamId first, StreamId last, uint64_t limit) const {
  if (first > last) return 0;
  auto at = nodes_.upper_bound(first);
  if (at != nodes_.begin()) --at;
  uint64_t count = 0;
  while (count < limit && at != nodes_.end() && at->first <= last) {
    const auto& [base, node] = *at;
    ++at;
    const bool ends_within = at != nodes_.end() ? at->first <= last : last >= last_id_;
    if (base >= first && ends_within) {
      count += LiveEntries(node);
      continue;
    }
    StreamId end = last;
    if (at != nodes_.end() && at->first <= last) {
      end = at->first;
      end.Decrement();
    }
    StreamCursor cursor(*this, std::max(first, base), end);
    while (count < limit && cursor.Next()) ++count;
  }
  return std::min(count, limit);
}

bool StreamValue::HasHoleFrom(StreamId id) const {
  // A hole before the first entry no longer matters.
  return length_ > 0 && first_id_ <= max_deleted_id_ && id <= max_deleted_id_;
}

int64_t StreamValue::EntriesUpTo(StreamId id) const {
  if (entries_added_ == 0) return 0;
  const auto added = static_cast<int64_t>(entries_added_);
  const auto length = static_cast<int64_t>(length_);
  if (length == 0 && id <= last_id_) return added;
  if (id == last_id_) return added;
  if (id > last_id_) return StreamGroup::kUnknown;
  if (max_deleted_id_.IsZero() || max_deleted_id_ < first_id_) {
    if (id < first_id_) return added - length;
    if (id == first_id_) return added - length + 1;
  }
  return StreamGroup::kUnknown;
}

std::optional<int64_t> StreamValue::LagOf(const StreamGroup& group) const {
  if (entries_added_ == 0) return 0;
  const auto added = static_cast<int64_t>(entries_added_);
  if (group.entries_read != StreamGroup::kUnknown && !HasHoleFrom(group.last_id)) {
    return added - group.entries_read;
  }
  const int64_t read = EntriesUpTo(group.last_id);
  if (read == StreamGroup::kUnknown) return std::nullopt;
  return added - read;
}

// ---------------------------------------------------------------- changes

std::optional<StreamId> StreamValue::NextId(int64_t now_ms) const {
  if (now_ms > 0 && static_cast<uint64_t>(now_ms) > last_id_.ms) {
    return StreamId{static_cast<uint64_t>(now_ms), 0};
  }
  StreamId id = last_id_;
  if (!id.Increment()) return std::nullopt;
  return id;
}

void StreamValue::Append(const EncodingLimits& limits, StreamId id,
                         std::span<const std::string_view> fields) {
  PEAL_DCHECK(id > last_id_ && !fields.empty() && fields.size() % 2 == 0);
  uint64_t text_bytes = 0;
  for (const std::string_view text : fields) text_bytes += text.size();

  auto at = nodes_.end();
  if (!nodes_.empty()) {
    at = std::prev(at);
    Listpack& node = at->second;
    uint64_t most_bytes = limits.stream_node_max_bytes;
    if (most_bytes == 0 || most_bytes > kMaxNodeBytes) most_bytes = kMaxNodeBytes;
    const uint64_t most_entries = limits.stream_node_max_entries;
    if (node.Bytes() + text_bytes >= most_bytes ||
        (most_entries > 0 && LiveEntries(node) + DeletedEntries(node) >= most_entries)) {
      Unbook(node);
      node.ShrinkToFit();
      Book(node);
      at = nodes_.end();
    }
  }

  const uint64_t count = fields.size() / 2;
  bool has_same_fields = true;
  if (at == nodes_.end()) {
    at = nodes_.emplace_hint(at, id, Listpack());
    Listpack& node = at->second;
    node.AppendInteger(1);
    node.AppendInteger(0);
    node.AppendInteger(static_cast<int64_t>(count));
    for (size_t i = 0; i < fields.size(); i += 2) node.Append(fields[i]);
    node.AppendInteger(0);
  } else {
    Listpack& node = at->second;
    Unbook(node);
    Listpack::Position master = node.Next(node.Next(node.First()));
    has_same_fields = node.Get(master).integer == static_cast<int64_t>(count);
    for (size_t i = 0; has_same_fields && i < fields.size(); i += 2) {
      master = node.Next(master);
      has_same_fields = node.Get(master).Equals(fields[i]);
    }
    node.ReplaceInteger(node.First(), static_cast<int64_t>(LiveEntries(node) + 1));
  }

  Listpack& node = at->second;
  const StreamId base = at->first;
  node.AppendInteger(has_same_fields ? kSameFields : 0);
  node.AppendInteger(static_cast<int64_t>(id.ms - base.ms));
  node.AppendInteger(static_cast<int64_t>(id.seq - base.seq));
  if (!has_same_fields) node.AppendInteger(static_cast<int64_t>(count));
  for (size_t i = 0; i < fields.size(); i += 2) {
    if (!has_same_fields) node.Append(fields[i]);
    node.Append(fields[i + 1]);
  }
  const uint64_t elements = kEntryHead + (has_same_fields ? count : 2 * count + 1);
  node.AppendInteger(static_cast<int64_t>(elements));
  Book(node);

  ++length_;
  // Differs: stays at the greatest that a client may set, where Redis goes on to negative ones.
  if (entries_added_ < INT64_MAX) ++entries_added_;
  last_id_ = id;
  if (length_ == 1) first_id_ = id;
}

void StreamValue::EraseNode(Nodes::iterator at) {
  Unbook(at->second);
  length_ -= LiveEntries(at->second);
  nodes_.erase(at);
}

void StreamValue::FindFirstId() {
  StreamCursor cursor(*this, StreamId(), StreamId::Max());
  first_id_ = cursor.Next() ? cursor.id() : StreamId();
}

bool StreamValue::Delete(StreamId id) {
  StreamCursor cursor(*this, id, id);
  if (!cursor.Next()) return false;
  const auto at = nodes_.find(cursor.at_->first);
  Listpack& node = at->second;
  if (LiveEntries(node) == 1) {
    EraseNode(at);
  } else {
    Unbook(node);
    // The flags are no longer for that: the positions stay.
    node.ReplaceInteger(cursor.position_, node.Get(cursor.position_).integer | kDeleted);
    NoteDeletions(node, 1);
    Book(node);
    --length_;
  }
  if (id == first_id_) FindFirstId();
  return true;
}

template <typename Wanted>
uint64_t StreamValue::TrimNode(Nodes::iterator at, Wanted wanted) {
  Listpack& node = at->second;
  uint64_t removed = 0;
  Unbook(node);
  StreamCursor cursor(*this, at->first, StreamId::Max());
  while (cursor.Next() && cursor.at_->first == at->first && wanted(cursor.id())) {
    node.ReplaceInteger(cursor.position_, node.Get(cursor.position_).integer | kDeleted);
    --length_;
    ++removed;
  }
  NoteDeletions(node, removed);
  Book(node);
  return removed;
}

bool StreamValue::IsReferenced(StreamId id) const {
  return std::any_of(groups_.begin(), groups_.end(), [id](const auto& each) {
    const StreamGroup& group = *each.second;
    return group.last_id < id || group.pending().contains(id);
  });
}

uint64_t StreamValue::DropReferences(StreamId id) {
  uint64_t count = 0;
  for (const auto& [name, group] : groups_) {
    if (group->DeletePending(id)) ++count;
  }
  return count;
}

uint64_t StreamValue::TrimEach(const Trim& trim) {
  std::vector<StreamId> ids;
  uint64_t length = length_;
  const auto is_enough = [&](StreamId id) {
    return trim.by_id ? id >= trim.min_id : length <= trim.max_length;
  };
  for (auto at = nodes_.begin(); at != nodes_.end();) {
    const auto& [base, node] = *at;
    const uint64_t entries = LiveEntries(node);
    if (trim.limit != 0 && ids.size() + entries > trim.limit) break;
    const bool is_whole =
        trim.by_id ? LastIdOf(base, node) < trim.min_id : length >= trim.max_length + entries;
    if (trim.approximate && !is_whole) break;
    ++at;
    bool is_done = false;
    StreamCursor cursor(*this, base, StreamId::Max());
    for (uint64_t i = 0; i < entries && !is_done && cursor.Next(); ++i) {
      is_done = is_enough(cursor.id());
      if (is_done) break;
      if (trim.references == References::kAcknowledged && IsReferenced(cursor.id())) continue;
      ids.push_back(cursor.id());
      --length;
    }
    if (is_done) break;
  }
  for (const StreamId id : ids) {
    if (trim.references == References::kDelete) DropReferences(id);
    Delete(id);
  }
  // Behind what had to stay they leave holes.
  if (!ids.empty() && length_ > 0 && ids.back() > first_id_) NoteDeleted(ids.back());
  return ids.size();
}

uint64_t StreamValue::TrimFront(const Trim& trim) {
  if (trim.references != References::kKeep && !groups_.empty()) return TrimEach(trim);
  uint64_t removed = 0;
  while (!nodes_.empty() && (trim.by_id || length_ > trim.max_length)) {
    const auto at = nodes_.begin();
    const uint64_t entries = LiveEntries(at->second);
    if (trim.limit != 0 && removed + entries > trim.limit) break;
    const bool is_whole = trim.by_id ? LastIdOf(at->first, at->second) < trim.min_id
                                     : length_ - entries >= trim.max_length;
    if (is_whole) {
      EraseNode(at);
      removed += entries;
      continue;
    }
    if (trim.approximate) break;
    removed += TrimNode(
        at, [&](StreamId id) { return trim.by_id ? id < trim.min_id : length_ > trim.max_length; });
    if (LiveEntries(at->second) == 0) EraseNode(at);
    break;
  }
  if (removed > 0) FindFirstId();
  return removed;
}

bool StreamValue::AddNode(StreamId base, Listpack node) {
  if (!IsSoundNode(base, node)) return false;
  if (!nodes_.empty() && base <= LastEntryId()) return false;
  const uint64_t entries = LiveEntries(node);
  if (entries == 0) return true;  // Redis leaves such nodes behind; here each holds an entry
  const auto at = nodes_.emplace_hint(nodes_.end(), base, std::move(node));
  Book(at->second);
  length_ += entries;
  return true;
}

bool StreamValue::SetFacts(StreamId last_id, StreamId max_deleted_id, uint64_t entries_added) {
  if (last_id < LastEntryId() || entries_added > INT64_MAX) return false;
  last_id_ = last_id;
  max_deleted_id_ = max_deleted_id;
  entries_added_ = entries_added;
  FindFirstId();
  return true;
}

IdempotentIds& StreamValue::MakeIdempotentIds() {
  if (idempotent_ids_ == nullptr) idempotent_ids_ = std::make_unique<IdempotentIds>(bytes_);
  return *idempotent_ids_;
}

StreamGroup* StreamValue::FindGroup(std::string_view name) const {
  const auto at = groups_.find(name);
  return at == groups_.end() ? nullptr : at->second.get();
}

StreamGroup* StreamValue::AddGroup(std::string_view name, StreamId last_id, int64_t entries_read) {
  const auto at = groups_.lower_bound(name);
  if (at != groups_.end() && at->first == name) return nullptr;
  return groups_
      .emplace_hint(at, std::string(name),
                    std::make_unique<StreamGroup>(name, last_id, entries_read, bytes_))
      ->second.get();
}

bool StreamValue::DeleteGroup(std::string_view name) {
  const auto at = groups_.find(name);
  if (at == groups_.end()) return false;
  groups_.erase(at);
  return true;
}

}  // namespace peal::store
