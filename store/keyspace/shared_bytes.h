#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/base/ref.h"

namespace peal::store {

/// A block of bytes shared by a key and the replies that still carry it; one allocation.
///
/// Bytes below a size somebody has seen never change while the block is shared. Only the owner of
/// the only reference may write, which for a value in the keyspace means: under its stripe's lock.
class SharedBytes : public protocol::RefCounted<SharedBytes> {
 public:
  /// A block holding a copy of `bytes`, with room for `capacity` in total (at least bytes.size()).
  static protocol::Ref<SharedBytes> Copy(std::string_view bytes, size_t capacity = 0);
  /// A block of `size` bytes not yet written, for readers that fill it in place.
  static protocol::Ref<SharedBytes> Uninitialized(size_t size, size_t capacity = 0);

  static void Destroy(SharedBytes* block);

  std::string_view view() const { return {data(), size_}; }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  char* mutable_data() { return reinterpret_cast<char*>(this + 1); }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  size_t memory_bytes() const { return sizeof(*this) + capacity_; }

  /// Needs the only reference; size at most capacity().
  void set_size(size_t size) { size_ = size; }

 private:
  SharedBytes(size_t size, size_t capacity) : size_(size), capacity_(capacity) {}

  size_t size_;
  size_t capacity_;
};

using SharedBytesRef = protocol::Ref<SharedBytes>;

}  // namespace peal::store
