#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "protocol/base/check.h"
#include "store/value/listpack.h"

namespace peal::store {

/// One listpack of a long list, as it is or as a raw LZF stream (list-compress-depth).
///
/// Not synchronised.
class ListNode {
 public:
  ListNode() = default;
  ListNode(Listpack pack, uint32_t elements) : count(elements), pack_(std::move(pack)) {}
  ListNode(ListNode&&) noexcept = default;
  ListNode& operator=(ListNode&&) noexcept = default;
  ListNode Clone() const;

  bool IsCompressed() const { return stream_ != nullptr; }
  /// The listpack, which must not be compressed.
  const Listpack& pack() const {
    PEAL_DCHECK(!IsCompressed());
    return pack_;
  }
  Listpack& pack() {
    PEAL_DCHECK(!IsCompressed());
    is_hard_ = false;
    return pack_;
  }
  /// A copy of the listpack, whatever its form.
  Listpack Copy() const;

  /// Octets of the listpack, whatever its form.
  size_t Bytes() const { return IsCompressed() ? pack_bytes_ : pack_.Bytes(); }
  /// Heap bytes.
  size_t MemoryBytes() const;
  bool IsSound() const;

  /// Makes a listpack of it again; nothing if it is one.
  void Open();
  /// Compresses it if it is worth that: it is small enough to be unpacked for each look at it,
  /// large enough to save something, and does save something.
  void Compress();

  uint32_t count = 0;  // elements

 private:
  Listpack pack_;                   // empty while there is a stream
  std::unique_ptr<char[]> stream_;  // null: not compressed
  uint32_t stream_bytes_ = 0;
  uint32_t pack_bytes_ = 0;  // of the listpack that the stream unpacks to
  bool is_hard_ = false;     // did not get smaller; until it is changed
};

}  // namespace peal::store
