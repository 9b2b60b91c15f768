#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "store/keyspace/shared_bytes.h"
#include "store/keyspace/value_object.h"

namespace peal::store {

/// One key with its value, in one allocation: 8 bytes of header, 8 of expiry if there is one, 4 of
/// length if the key has 255 bytes or more, the key, the value or a pointer to it, spare bytes.
///
/// A key of 16 bytes with a value of 32 takes 56 bytes, 64 with an expiry. An entry belongs to the
/// table of one stripe; everything here needs that stripe's lock. Fields behind the header are not
/// aligned and are read with memcpy.
class Entry {
 public:
  static constexpr size_t kMaxEmbeddedBytes = 1024;  // longer strings go to a SharedBytes block
  static constexpr int64_t kNoExpiry = -1;
  static constexpr uint32_t kLruMask = (1u << 24) - 1;

  enum class Encoding : uint8_t { kInt, kEmbedded, kShared, kObject };

  // Creation. `expire_ms` is absolute Unix time in milliseconds, or kNoExpiry. Keys below 4 GiB.
  static Entry* NewInt(std::string_view key, int64_t value, int64_t expire_ms);
  /// `bytes` at most kMaxEmbeddedBytes.
  static Entry* NewEmbedded(std::string_view key, std::string_view bytes, int64_t expire_ms);
  static Entry* NewShared(std::string_view key, SharedBytesRef block, int64_t expire_ms);
  /// Takes ownership of `object`.
  static Entry* NewObject(std::string_view key, ValueType type, ValueObject* object,
                          int64_t expire_ms);
  /// The same value under the same or another key, with another expiry. Moves block or object out
  /// of `from`, which may then only be destroyed. Keeps the LRU bits.
  static Entry* Rebuild(Entry* from, std::string_view key, int64_t expire_ms);

  /// Frees the entry and drops its value.
  static void Destroy(Entry* entry);

  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  std::string_view key() const;
  ValueType type() const { return static_cast<ValueType>(type_); }
  Encoding encoding() const { return static_cast<Encoding>(encoding_); }
  bool is_string() const { return type() == ValueType::kString; }

  bool has_expiry() const { return has_expiry_ != 0; }
  /// Absolute Unix time in milliseconds, or kNoExpiry.
  int64_t expire_ms() const;
  /// True if the key is gone at `now_ms`, deleted or not: from the millisecond *after* its time on,
  /// as Redis has it.
  bool IsExpired(int64_t now_ms) const { return has_expiry() && now_ms > expire_ms(); }

  /// 24 bits for the eviction policy: coarse LRU clock, or LFU minutes and counter.
  uint32_t lru() const { return lru_; }
  /// Writes only if it changes, so that readers of a hot key do not dirty its cache line.
  void set_lru(uint32_t lru) {
    if (lru_ != (lru & kLruMask)) lru_ = lru & kLruMask;
  }

  // Values. Each needs the encoding it names.
  int64_t int_value() const;                 // kInt
  std::string_view embedded_value() const;   // kEmbedded
  std::span<char> mutable_embedded_value();  // kEmbedded
  SharedBytesRef shared_value() const;       // kShared: takes a reference
  SharedBytes* shared_block() const;         // kShared: no reference
  ValueObject* object() const;               // kObject

  /// Length of a string value in bytes, an integer as printed in decimal.
  size_t StringSize() const;
  /// A copy of a string value, an integer printed in decimal.
  std::string CopyString() const;

  /// OBJECT ENCODING: "int", "embstr" (up to 44 bytes), "raw", or the object's own.
  std::string_view EncodingName() const;

  /// Heap bytes of key, value and this header (a shared block in full).
  size_t MemoryBytes() const;
  /// Heap bytes of this allocation alone.
  size_t AllocationBytes() const;

  // Changes in place; each returns false, having done nothing, if a new entry is needed.
  bool TrySetInt(int64_t value);
  bool TrySetEmbedded(std::string_view bytes);  // at most kMaxEmbeddedBytes
  /// Overwrites the time of an entry that has one, or makes room for one.
  bool TrySetExpire(int64_t expire_ms);
  bool ClearExpire();
  /// Puts another block in place of this one's (kShared). Returns the old one.
  SharedBytesRef ExchangeShared(SharedBytesRef block);

 private:
  static constexpr uint32_t kLongKey = 255;
  static constexpr size_t kMaxSlack = 255;

  Entry() = default;
  static Entry* Allocate(std::string_view key, ValueType type, Encoding encoding,
                         size_t value_bytes, int64_t expire_ms);
  char* tail() { return reinterpret_cast<char*>(this + 1); }
  const char* tail() const { return reinterpret_cast<const char*>(this + 1); }
  size_t key_offset() const {
    return (has_expiry() ? 8u : 0u) + (short_key_ == kLongKey ? 4u : 0u);
  }
  size_t key_size() const;
  size_t used_bytes() const {
    return key_offset() + key_size() + value_bytes_;
  }  // behind the header
  char* value() { return tail() + key_offset() + key_size(); }
  const char* value() const { return tail() + key_offset() + key_size(); }

  uint64_t type_ : 4 = 0;
  uint64_t encoding_ : 2 = 0;
  uint64_t has_expiry_ : 1 = 0;
  uint64_t : 6;  // room for a snapshot version
  uint64_t lru_ : 24 = 0;
  uint64_t short_key_ : 8 = 0;     // key length, or kLongKey
  uint64_t value_bytes_ : 11 = 0;  // inline value: 8 for numbers and pointers, 0..1024 embedded
  uint64_t slack_ : 8 = 0;         // allocated bytes behind the value
};
static_assert(sizeof(Entry) == 8);

}  // namespace peal::store
