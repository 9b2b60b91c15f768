#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "broker/exec/command.h"
#include "broker/exec/unit.h"
#include "protocol/base/check.h"
#include "protocol/base/error.h"

namespace peal::broker {

/// The value of type T at a key, or nothing there.
template <typename T>
struct Found {
  store::Entry* entry = nullptr;
  T* value = nullptr;

  explicit operator bool() const { return value != nullptr; }
};

/// Casts an entry to its value of type T: empty if `entry` is null, nullopt if it is of another
/// type.
template <typename T>
std::optional<Found<T>> AsValue(store::Entry* entry) {
  if (entry == nullptr) return Found<T>{};
  if (entry->type() != T::kType) return std::nullopt;
  return Found<T>{entry, static_cast<T*>(entry->object())};
}

/// Looks up the T at `key` for reading; nullopt with WRONGTYPE replied if it is something else.
template <typename T>
std::optional<Found<T>> ReadValue(CommandContext& context, std::string_view key,
                                  uint8_t lookup = Unit::kLookupPlain) {
  auto found = AsValue<T>(context.unit.FindForRead(key, lookup));
  if (!found) context.Fail(protocol::errors::kWrongType);
  return found;
}

/// Looks up the T at `key` for changing; nullopt with WRONGTYPE replied if it is something else.
template <typename T>
std::optional<Found<T>> FindValue(CommandContext& context, std::string_view key) {
  auto found = AsValue<T>(context.unit.FindForWrite(key));
  if (!found) context.Fail(protocol::errors::kWrongType);
  return found;
}

/// A change of a value in place. Made before the first change of the value; Commit after the last
/// books the memory, marks watchers and waiters, counts, and deletes a value that has become empty.
/// Without a change there is nothing to commit. Must not outlive the value.
template <typename T>
class Edit {
 public:
  Edit(Unit& unit, std::string_view key, const Found<T>& found)
      : unit_(unit), key_(key), found_(found), bytes_before_(found.value->MemoryBytes()) {}

  /// The T at `key` as `found`, or a new one, made by `make()`, when there is none.
  template <typename Make>
  Edit(Unit& unit, std::string_view key, const Found<T>& found, Make&& make)
      : Edit(unit, key, found ? found : Create(unit, key, std::forward<Make>(make)())) {
    is_new_ = !found;
  }

  Edit(const Edit&) = delete;
  Edit& operator=(const Edit&) = delete;
  ~Edit() {
    PEAL_DCHECK(is_committed_ || (!is_new_ && found_.value->MemoryBytes() == bytes_before_));
  }

  T* operator->() { return found_.value; }
  T& operator*() { return *found_.value; }
  bool is_new() const { return is_new_; }

  /// `changes`: how many elements changed, as Redis counts them. True if the key is gone because
  /// its value had become empty: the command tells the "del" event after its own.
  bool Commit(uint64_t changes = 1) {
    PEAL_DCHECK(!is_committed_);
    is_committed_ = true;
    unit_.ObjectChanged(key_, *found_.entry, bytes_before_, changes);
    if (T::kKeepsEmpty || found_.value->Count() != 0) return false;
    unit_.DeleteEmpty(key_);
    return true;
  }

  /// As Commit, but watchers and waiters do not learn of it: what consumer groups note down is no
  /// change of the key for Redis. The value stays even if it is empty.
  void CommitQuietly(uint64_t changes) {
    PEAL_DCHECK(!is_committed_);
    is_committed_ = true;
    unit_.ObjectChanged(key_, *found_.entry, bytes_before_, changes, true);
  }

 private:
  static Found<T> Create(Unit& unit, std::string_view key, std::unique_ptr<T> value) {
    T* const plain = value.get();
    return {unit.AddObject(key, std::move(value)), plain};
  }

  Unit& unit_;
  const std::string_view key_;
  const Found<T> found_;
  const size_t bytes_before_;
  bool is_new_ = false;
  bool is_committed_ = false;
};

}  // namespace peal::broker
