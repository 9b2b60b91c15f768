#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "store/keyspace/entry_pool.h"
#include "store/keyspace/value_object.h"
#include "store/value/encoding_limits.h"
#include "store/value/intset.h"
#include "store/value/listpack.h"
#include "store/value/member.h"
#include "store/value/member_table.h"

namespace peal::store {

/// A set: an intset while all members are integers and few, a listpack while they are few and
/// short, else a hash table. It never goes back to a smaller encoding by itself. When it changes is
/// Redis 7.2's rule, and so are the directives.
///
/// Members are passed as ListpackItem: an integer where the encoding holds one, else bytes that
/// live until the next change of the set.
class SetValue final : public ValueObject {
 public:
  static constexpr ValueType kType = ValueType::kSet;
  static constexpr bool kKeepsEmpty = false;
  using Table = MemberTable<Member>;

  /// An empty set in the encoding for `hint` members (repeated ones counted) of which `first` is
  /// one.
  static std::unique_ptr<SetValue> Create(std::string_view first, size_t hint,
                                          const EncodingLimits& limits);
  /// Values read from a payload. Null if a member comes twice.
  static std::unique_ptr<SetValue> FromIntset(Intset members, const EncodingLimits& limits);
  static std::unique_ptr<SetValue> FromListpack(Listpack members, const EncodingLimits& limits);

  /// An empty intset.
  SetValue() = default;

  static void* operator new(size_t bytes) { return NewPoolBlock(bytes); }
  static void operator delete(void* block, size_t bytes) { FreePoolBlock(block, bytes); }

  ValueType type() const override { return kType; }
  size_t MemoryBytes() const override;
  std::string_view EncodingName() const override;
  size_t Count() const override;
  bool IsSound() const override;
  std::unique_ptr<ValueObject> Clone() const override;

  /// False if it was there already. `hint`: how many members come in one go, this one among them;
  /// with the first of them that is new the encoding becomes the one for all.
  bool Add(std::string_view member, const EncodingLimits& limits, size_t hint = 1);
  bool Add(const ListpackItem& member, const EncodingLimits& limits);
  /// False if it was not there.
  bool Remove(std::string_view member);
  bool Remove(const ListpackItem& member);
  bool Contains(std::string_view member) const;
  bool Contains(const ListpackItem& member) const;

  /// Calls fn(item) on each member. `fn` must not change the set. If it returns bool, false ends
  /// the walk.
  template <class Fn>
  void ForEach(Fn&& fn) const;

  /// As MemberTable::Scan; the small encodings pass everything at once and return 0. Returns 0 when
  /// done.
  template <class Fn>
  uint64_t Scan(uint64_t position, size_t count, Fn&& fn) const;

  /// A random member; the set must have one. random() gives uniform 64-bit numbers.
  template <class Random>
  ListpackItem RandomMember(Random&& random) const;

  /// The encodings, for payloads; null where it is another.
  const Intset* intset() const { return std::get_if<Intset>(&members_); }
  const Listpack* listpack() const { return std::get_if<Listpack>(&members_); }
  const Table* table() const {
    const auto* owner = std::get_if<std::unique_ptr<Table>>(&members_);
    return owner == nullptr ? nullptr : owner->get();
  }

 private:
  Table* mutable_table() { return const_cast<Table*>(table()); }
  Intset* mutable_intset() { return std::get_if<Intset>(&members_); }
  Listpack* mutable_listpack() { return std::get_if<Listpack>(&members_); }
  bool AddInteger(std::string_view text, int64_t value, const EncodingLimits& limits, size_t hint);
  bool AddToListpack(std::string_view text, const EncodingLimits& limits, size_t hint);
  void ConvertToListpack();
  Table& ConvertToTable();
  void InsertNew(Table& table, std::string_view text);

  template <class Fn, class Item>
  static bool Call(Fn& fn, Item&& item) {
    if constexpr (std::is_same_v<std::invoke_result_t<Fn&, Item>, bool>) {
      return fn(std::forward<Item>(item));
    } else {
      fn(std::forward<Item>(item));
      return true;
    }
  }

  std::variant<Intset, Listpack, std::unique_ptr<Table>> members_;
};

inline ListpackItem IntegerItem(int64_t value) {
  ListpackItem item;
  item.is_integer = true;
  item.integer = value;
  return item;
}

inline ListpackItem BytesItem(std::string_view bytes) {
  ListpackItem item;
  item.bytes = bytes;
  return item;
}

template <class Fn>
void SetValue::ForEach(Fn&& fn) const {
  if (const Table* members = table()) {
    members->ForEachWhile(
        [&](const Member* member) { return Call(fn, BytesItem(member->View())); });
  } else if (const Listpack* pack = listpack()) {
    for (Listpack::Position at = pack->First(); at != Listpack::kEnd; at = pack->Next(at)) {
      if (!Call(fn, pack->Get(at))) return;
    }
  } else {
    const Intset& ints = std::get<Intset>(members_);
    for (size_t i = 0, size = ints.size(); i < size; ++i) {
      if (!Call(fn, IntegerItem(ints.At(i)))) return;
    }
  }
}

template <class Fn>
uint64_t SetValue::Scan(uint64_t position, size_t count, Fn&& fn) const {
  const Table* const members = table();
  if (members == nullptr) {
    ForEach(fn);
    return 0;
  }
  const uint64_t next =
      members->Scan(position, count, [&](const Member* member) { fn(BytesItem(member->View())); });
  return next == Table::kScanEnd ? 0 : next;
}

template <class Random>
ListpackItem SetValue::RandomMember(Random&& random) const {
  if (const Table* members = table()) return BytesItem(members->RandomNode(random)->View());
  const size_t index = static_cast<size_t>(random() % Count());
  if (const Listpack* pack = listpack()) return pack->Get(pack->Seek(static_cast<int64_t>(index)));
  return IntegerItem(std::get<Intset>(members_).At(index));
}

}  // namespace peal::store
