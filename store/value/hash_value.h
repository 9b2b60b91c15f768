#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/keyspace/value_object.h"
#include "store/value/encoding_limits.h"
#include "store/value/hash_field.h"
#include "store/value/listpack.h"
#include "store/value/member_table.h"
#include "store/value/time_index.h"

namespace peal::store {

/// A hash: values by field, in a listpack of field, value, field, value… while it is small, else in
/// a table. Fields may have a time at which they go.
///
/// A field is expired from the millisecond after its time on, as a key is. Methods that are told
/// the time do not see expired fields; these stay, and count, until RemoveExpired takes them out or
/// a write replaces them.
class HashValue final : public ValueObject {
 public:
  static constexpr ValueType kType = ValueType::kHash;
  static constexpr bool kKeepsEmpty = false;

  /// Where an integer of a listpack is printed for a view.
  using Digits = char[24];
  /// Views live for the call; those of a hash that is not small live until the next change.
  using Visitor = std::function<void(std::string_view field, std::string_view value)>;
  using Random = std::function<uint64_t()>;
  /// What setting a field does with its time.
  enum class FieldTime : uint8_t { kClear, kKeep };

  HashValue() = default;
  /// With an encoding of its own.
  HashValue(const HashValue& other);
  HashValue& operator=(const HashValue&) = delete;
  ~HashValue() override = default;

  ValueType type() const override { return kType; }
  size_t MemoryBytes() const override;
  std::string_view EncodingName() const override;
  /// Expired fields included, as HLEN has it.
  size_t Count() const override { return table_ == nullptr ? list_fields_ : table_->size(); }
  void PrefetchContents() const override { list_.Prefetch(); }
  bool IsSound() const override;
  int64_t NextExpiryMs() const override {
    return times_ == nullptr ? kNoExpiry : times_->FirstTime();
  }
  std::unique_ptr<ValueObject> Clone() const override { return std::make_unique<HashValue>(*this); }

  /// A small hash of fields and values in turn, as Listpack::Append makes them; no field comes
  /// twice. For payloads and snapshots.
  static std::unique_ptr<HashValue> OfListpack(Listpack pairs);

  /// In a listpack, so that going through all of it is cheap and picking one is not O(1).
  bool is_small() const { return table_ == nullptr; }
  /// The listpack of a small hash.
  const Listpack& listpack() const { return list_; }

  // --- Reading.

  std::optional<std::string_view> Get(std::string_view field, int64_t now_ms, Digits& digits) const;
  bool Contains(std::string_view field, int64_t now_ms) const {
    Digits digits;
    return Get(field, now_ms, digits).has_value();
  }
  void ForEach(int64_t now_ms, const Visitor& visit) const;
  /// As many as ForEach visits. O(1) unless HasExpired.
  size_t CountAt(int64_t now_ms) const;
  /// Visits some fields and returns the next cursor, 0 at the end; begins with 0. Those of a small
  /// hash all at once. A field that is there all the time is visited at least once. Any cursor is
  /// valid.
  uint64_t Scan(uint64_t cursor, size_t count, int64_t now_ms, const Visitor& visit) const;
  /// Visits a random field, an expired one too; close to uniform. Needs one.
  void VisitRandom(const Random& random, const Visitor& visit) const;

  // --- Changing. Views passed in must not point into this hash.

  /// True if there was no such field at `now_ms`.
  bool Set(std::string_view field, std::string_view value, const EncodingLimits& limits,
           int64_t now_ms, FieldTime time = FieldTime::kClear);
  /// True if there was such a field at `now_ms`; an expired one stays.
  bool Erase(std::string_view field, int64_t now_ms);

  // --- Times of fields.

  /// kNoExpiry if it has none.
  int64_t ExpiryOf(std::string_view field) const {
    return times_ == nullptr ? kNoExpiry : times_->TimeOf(field);
  }
  /// The field must be there. `at_ms` >= 0.
  void SetExpiry(std::string_view field, int64_t at_ms);
  /// True if it had one.
  bool ClearExpiry(std::string_view field);
  bool HasExpired(int64_t now_ms) const {
    return times_ != nullptr && times_->FirstTime() < now_ms;
  }
  /// Takes out fields that are expired at `now_ms`, those of the earliest times first, at most
  /// `max_fields`; appends them to `removed`.
  void RemoveExpired(int64_t now_ms, size_t max_fields, std::vector<std::string>& removed);

 private:
  using Table = MemberTable<HashField>;

  bool IsExpired(std::string_view field, int64_t now_ms) const {
    if (!HasExpired(now_ms)) [[likely]]
      return false;
    const int64_t at_ms = times_->TimeOf(field);
    return at_ms != kNoExpiry && at_ms < now_ms;
  }
  Listpack::Position FindInList(std::string_view field) const;
  /// True if the field was not there at all.
  bool Put(std::string_view field, std::string_view value, const EncodingLimits& limits);
  bool Remove(std::string_view field);
  void ConvertToTable();

  Listpack list_;  // empty once there is a table
  size_t list_fields_ = 0;
  std::unique_ptr<Table> table_;
  std::unique_ptr<TimeIndex> times_;  // never empty
};

}  // namespace peal::store
