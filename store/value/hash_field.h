#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

#include "store/value/member.h"

namespace peal::store {

/// A field of a large hash with its value, in one block: length and bytes of the field, length and
/// bytes of the value. A field of 8 bytes with a value of 16 takes 32.
class HashField {
 public:
  static HashField* New(std::string_view field, std::string_view value) {
    char* const block = static_cast<char*>(NewPoolBlock(BlockBytes(field, value)));
    char* const to = PutMemberLength(block, field.size());
    if (!field.empty()) std::memcpy(to, field.data(), field.size());
    PutValue(to + field.size(), value);
    return reinterpret_cast<HashField*>(block);
  }
  static void Destroy(HashField* node) { FreePoolBlock(node, node->AllocationBytes()); }

  HashField() = delete;
  HashField(const HashField&) = delete;
  HashField& operator=(const HashField&) = delete;

  std::string_view View() const { return MemberBytesAt(reinterpret_cast<const char*>(this)); }
  std::string_view Value() const {
    const std::string_view field = View();
    return MemberBytesAt(field.data() + field.size());
  }
  size_t AllocationBytes() const { return BlockBytes(View(), Value()); }
  static constexpr bool has_expiry() { return false; }

  /// Overwrites the value if the block would be of the same size anew. False, with nothing done,
  /// if not. `value` must not point into this block.
  bool TrySetValue(std::string_view value) {
    const std::string_view field = View();
    if (BlockBytes(field, value) != AllocationBytes()) return false;
    PutValue(reinterpret_cast<char*>(this) + MemberLengthBytes(field.size()) + field.size(), value);
    return true;
  }

 private:
  static size_t BlockBytes(std::string_view field, std::string_view value) {
    return MemberBlockBytes(MemberLengthBytes(field.size()) + field.size() +
                            MemberLengthBytes(value.size()) + value.size());
  }
  static void PutValue(char* to, std::string_view value) {
    to = PutMemberLength(to, value.size());
    if (!value.empty()) std::memcpy(to, value.data(), value.size());
  }
};

}  // namespace peal::store
