#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "store/keyspace/value_object.h"
#include "store/value/encoding_limits.h"
#include "store/value/idempotent_ids.h"
#include "store/value/listpack.h"
#include "store/value/stream_group.h"
#include "store/value/stream_id.h"

namespace peal::store {

class StreamCursor;

/// A stream: entries of fields and values by ascending id, and the consumer groups that read them.
///
/// Entries lie in nodes, which are listpacks in the layout that Redis' snapshots and DUMP payloads
/// carry, so that these take the nodes as they are. A node is known by the id of its first entry,
/// its base. It begins with a master entry,
///
///   entries, deleted entries, number of fields, the fields, 0
///
/// and goes on with one of two forms of entries, whose ids are differences to the base:
///
///   flags, ms, seq, values, elements of this entry before this one       (fields of the master)
///   flags, ms, seq, number of fields, fields and values, elements as above
///
/// A deleted entry stays, marked by a flag, until its node goes. Source: Redis' stream listpacks,
/// as observed in DUMP payloads.
///
/// It may be empty. Needs its stripe's lock.
class StreamValue final : public ValueObject {
 public:
  static constexpr ValueType kType = ValueType::kStream;
  static constexpr bool kKeepsEmpty = true;
  /// Bytes that the fields and values of one entry, or a node, may have.
  static constexpr uint64_t kMaxNodeBytes = uint64_t{1} << 30;

  using Nodes = std::map<StreamId, Listpack>;
  using Groups = std::map<std::string, std::unique_ptr<StreamGroup>, std::less<>>;

  StreamValue() = default;

  ValueType type() const override { return kType; }
  size_t MemoryBytes() const override { return sizeof(StreamValue) + bytes_; }
  std::string_view EncodingName() const override { return "stream"; }
  size_t Count() const override { return length_; }
  bool IsSound() const override;
  std::unique_ptr<ValueObject> Clone() const override;

  // --- Facts.

  uint64_t length() const { return length_; }
  /// The largest id ever given out.
  StreamId last_id() const { return last_id_; }
  /// The smallest there is; 0-0 if there is none.
  StreamId first_id() const { return first_id_; }
  /// The largest that XDEL took away.
  StreamId max_deleted_id() const { return max_deleted_id_; }
  /// How many were ever added.
  uint64_t entries_added() const { return entries_added_; }
  const Nodes& nodes() const { return nodes_; }
  const Groups& groups() const { return groups_; }
  /// What producers told about their messages; null if none did yet.
  const IdempotentIds* idempotent_ids() const { return idempotent_ids_.get(); }
  IdempotentIds* idempotent_ids() { return idempotent_ids_.get(); }

  /// The largest id there is; 0-0 if there is none.
  StreamId LastEntryId() const;
  bool Contains(StreamId id) const;
  /// Entries in [first, last], counted up to `limit`. Whole nodes are counted in one step.
  uint64_t CountRange(StreamId first, StreamId last, uint64_t limit) const;
  /// How many entries were ever added up to `id`, as far as that can be told; else
  /// StreamGroup::kUnknown.
  int64_t EntriesUpTo(StreamId id) const;
  /// Whether XDEL made a hole at or behind `id`.
  bool HasHoleFrom(StreamId id) const;
  /// What lies between a group and the end; nullopt if holes make that uncertain.
  std::optional<int64_t> LagOf(const StreamGroup& group) const;

  // --- Changes.

  /// The id that XADD * gives: the clock's, or the one behind last_id(). nullopt if ids have run
  /// out.
  std::optional<StreamId> NextId(int64_t now_ms) const;
  /// Adds an entry. `id` must be above last_id(), and `fields` (each with its value behind it)
  /// within kMaxNodeBytes.
  void Append(const EncodingLimits& limits, StreamId id, std::span<const std::string_view> fields);
  /// False if there is none.
  bool Delete(StreamId id);
  /// Notes that XDEL took `id`.
  void NoteDeleted(StreamId id) {
    if (id > max_deleted_id_) max_deleted_id_ = id;
  }

  /// What happens to entries that groups still have to do with when they are deleted.
  enum class References : uint8_t {
    kKeep,          // they stay pending
    kDelete,        // they are no longer pending
    kAcknowledged,  // such entries are not deleted
  };
  /// Whether a group has yet to read the entry `id` or to acknowledge it. O(groups).
  bool IsReferenced(StreamId id) const;
  /// Makes `id` no longer pending in any group. Returns in how many it was.
  uint64_t DropReferences(StreamId id);

  /// What XTRIM and XADD leave.
  struct Trim {
    bool by_id = false;        // MINID, else MAXLEN
    bool approximate = false;  // whole nodes only
    uint64_t max_length = 0;
    StreamId min_id;
    uint64_t limit = 0;  // entries at most, where approximate; 0: no limit
    References references = References::kKeep;
  };
  /// Takes entries from the front. Returns how many.
  uint64_t TrimFront(const Trim& trim);

  void set_last_id(StreamId id) { last_id_ = id; }
  void set_max_deleted_id(StreamId id) { max_deleted_id_ = id; }
  void set_entries_added(uint64_t count) { entries_added_ = count; }

  // For taking over a foreign stream: first its nodes, then the facts, then its groups.

  /// Takes a node behind all others, after looking at every element; false if it is not sound.
  bool AddNode(StreamId base, Listpack node);
  /// False if they contradict the nodes. first_id() is found.
  bool SetFacts(StreamId last_id, StreamId max_deleted_id, uint64_t entries_added);

  StreamGroup* FindGroup(std::string_view name) const;
  /// Null if there is one of that name already.
  StreamGroup* AddGroup(std::string_view name, StreamId last_id, int64_t entries_read);
  bool DeleteGroup(std::string_view name);

  IdempotentIds& MakeIdempotentIds();

 private:
  friend class StreamCursor;

  void Book(const Listpack& node) { bytes_ += kNodeBytes + node.MemoryBytes(); }
  void Unbook(const Listpack& node) { bytes_ -= kNodeBytes + node.MemoryBytes(); }
  void EraseNode(Nodes::iterator at);
  void FindFirstId();
  /// TrimFront where the references of each entry matter.
  uint64_t TrimEach(const Trim& trim);
  /// Marks entries as deleted, from the front of a node while `wanted(id)`. Returns how many.
  template <typename Wanted>
  uint64_t TrimNode(Nodes::iterator at, Wanted wanted);

  // A tree's node and the allocator's rounding.
  static constexpr size_t kNodeBytes = 4 * sizeof(void*) + sizeof(StreamId) + sizeof(Listpack) + 8;

  size_t bytes_ = 0;  // of what hangs on this object
  uint64_t length_ = 0;
  StreamId last_id_;
  StreamId first_id_;
  StreamId max_deleted_id_;
  uint64_t entries_added_ = 0;
  Nodes nodes_;
  // These book their bytes in bytes_, so they must go first.
  Groups groups_;
  std::unique_ptr<IdempotentIds> idempotent_ids_;
};

/// Walks the entries of a stream in [first, last], deleted ones left out. Dies with the next change
/// of the stream.
class StreamCursor {
 public:
  StreamCursor(const StreamValue& stream, StreamId first, StreamId last, bool backwards = false);

  /// Moves to the next entry, at the beginning the first one. False if there is none.
  bool Next();

  // Of the present entry.

  StreamId id() const { return id_; }
  uint64_t fields() const { return fields_; }
  /// Calls fn(field, value), both ListpackItem, for each.
  template <typename Fn>
  void ForEachField(Fn fn) const {
    const Listpack& node = at_->second;
    Listpack::Position name = has_own_fields_ ? body_ : first_field_;
    Listpack::Position value = has_own_fields_ ? node.Next(name) : body_;
    for (uint64_t i = 0; i < fields_; ++i) {
      fn(node.Get(name), node.Get(value));
      if (i + 1 == fields_) break;
      if (has_own_fields_) {
        name = node.Next(value);
        value = node.Next(name);
      } else {
        name = node.Next(name);
        value = node.Next(value);
      }
    }
  }

 private:
  friend class StreamValue;

  /// Comes to the node at_.
  void ReadMaster();
  /// To the next entry there is, deleted or not; false behind the last one.
  bool StepForward();
  bool StepBackward();
  void ReadEntry(Listpack::Position position);

  const StreamValue::Nodes& nodes_;
  const StreamId first_;
  const StreamId last_;
  const bool backwards_;
  StreamValue::Nodes::const_iterator at_;
  bool is_over_ = false;

  // Of the node.
  uint64_t master_fields_ = 0;
  Listpack::Position first_field_ = Listpack::kEnd;
  Listpack::Position first_entry_ = Listpack::kEnd;
  Listpack::Position next_ = Listpack::kEnd;  // the entry to read; backwards its last element

  // Of the entry.
  Listpack::Position position_ = Listpack::kEnd;  // its flags
  Listpack::Position body_ = Listpack::kEnd;      // first field or, with the master's fields, value
  StreamId id_;
  uint64_t fields_ = 0;
  bool is_deleted_ = false;
  bool has_own_fields_ = false;
};

}  // namespace peal::store
