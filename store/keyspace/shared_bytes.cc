#include "store/keyspace/shared_bytes.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace peal::store {

SharedBytesRef SharedBytes::Uninitialized(size_t size, size_t capacity) {
  capacity = std::max(size, capacity);
  void* memory = ::operator new(sizeof(SharedBytes) + capacity);
  return SharedBytesRef::Adopt(new (memory) SharedBytes(size, capacity));
}

SharedBytesRef SharedBytes::Copy(std::string_view bytes, size_t capacity) {
  SharedBytesRef block = Uninitialized(bytes.size(), capacity);
  if (!bytes.empty()) std::memcpy(block->mutable_data(), bytes.data(), bytes.size());
  return block;
}

void SharedBytes::Destroy(SharedBytes* block) {
  block->~SharedBytes();
  ::operator delete(block);
}

}  // namespace peal::store
