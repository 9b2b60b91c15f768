#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "store/keyspace/entry_pool.h"

namespace peal::store {

/// Lengths in front of the bytes of a member: seven bits a byte, the lowest first, the top bit set
/// on all but the last. For building nodes of a MemberTable.
inline size_t MemberLengthBytes(size_t size) {
  size_t bytes = 1;
  for (; size >= 0x80; size >>= 7) ++bytes;
  return bytes;
}

/// Writes the length; returns where the bytes go.
inline char* PutMemberLength(char* to, size_t size) {
  for (; size >= 0x80; size >>= 7) *to++ = static_cast<char>(size | 0x80);
  *to++ = static_cast<char>(size);
  return to;
}

/// The bytes behind the length at `from`.
inline std::string_view MemberBytesAt(const char* from) {
  size_t size = static_cast<unsigned char>(*from++);
  if (size >= 0x80) [[unlikely]] {
    size &= 0x7f;
    for (int shift = 7;; shift += 7) {
      const unsigned char next = static_cast<unsigned char>(*from++);
      size |= static_cast<size_t>(next & 0x7f) << shift;
      if (next < 0x80) break;
    }
  }
  return {from, size};
}

/// Blocks of nodes are whole words: their addresses are multiples of 8, and so are their sizes.
inline size_t MemberBlockBytes(size_t used) { return (used + 7) & ~size_t{7}; }

/// A member of a large set: its length and its bytes in one block. 16 bytes take 24.
class Member {
 public:
  static Member* New(std::string_view bytes) {
    char* block = static_cast<char*>(NewPoolBlock(BlockBytes(bytes.size())));
    char* to = PutMemberLength(block, bytes.size());
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    return reinterpret_cast<Member*>(block);
  }
  static void Destroy(Member* member) { FreePoolBlock(member, member->AllocationBytes()); }

  Member() = delete;
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  std::string_view View() const { return MemberBytesAt(reinterpret_cast<const char*>(this)); }
  size_t AllocationBytes() const { return BlockBytes(View().size()); }
  static constexpr bool has_expiry() { return false; }

 private:
  static size_t BlockBytes(size_t size) { return MemberBlockBytes(MemberLengthBytes(size) + size); }
};

}  // namespace peal::store
