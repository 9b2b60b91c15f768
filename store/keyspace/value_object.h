#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace peal::store {

enum class ValueType : uint8_t { kString, kList, kSet, kZset, kHash, kStream };

/// The type's name as the TYPE command answers it: "string", "list", "set", "zset", "hash",
/// "stream".
std::string_view TypeName(ValueType type);

/// How far the way from a key to its value is loaded ahead of use: the entry, the object of a value
/// that is no string, what the object holds.
enum class PrefetchDepth : uint8_t { kEntry, kObject, kContents };

/// The value of a key that is not a string: a list, a set and so on, in a small or a large encoding
/// of its own. The entry owns it and deletes it through this base. Needs its stripe's lock.
///
/// A class of values says its type (`static constexpr ValueType kType`) and whether it may stay
/// when it is empty (`static constexpr bool kKeepsEmpty`; streams only).
class ValueObject {
 public:
  static constexpr int64_t kNoExpiry = -1;

  ValueObject() = default;
  ValueObject(const ValueObject&) = delete;
  ValueObject& operator=(const ValueObject&) = delete;
  virtual ~ValueObject() = default;

  virtual ValueType type() const = 0;
  /// Heap bytes, the object itself included. Kept up to date by every change: O(1).
  virtual size_t MemoryBytes() const = 0;
  /// As OBJECT ENCODING answers.
  virtual std::string_view EncodingName() const = 0;
  /// Elements: fields of a hash, members of a set, entries of a stream.
  virtual size_t Count() const = 0;
  /// The earliest time at which one of its elements goes, absolute Unix milliseconds; kNoExpiry if
  /// none does by itself. O(1).
  virtual int64_t NextExpiryMs() const { return kNoExpiry; }
  /// Starts loading what a command would read first beside the object itself.
  virtual void PrefetchContents() const {}
  /// Looks at everything: order, counters, every octet of a listpack. O(n) or more, for tests and
  /// DEBUG.
  virtual bool IsSound() const = 0;
  /// A deep copy, with its own encoding. O(n).
  virtual std::unique_ptr<ValueObject> Clone() const = 0;
};

}  // namespace peal::store
