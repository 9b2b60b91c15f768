#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

#include "protocol/base/check.h"

namespace peal::broker {

/// A block of bytes shared by output queues, inboxes and reactors.
///
/// Bytes, once a range that covers them was handed out, never change; whoever fills the rest of the
/// block (its one producer) only appends. [any thread] for the count; the bytes are published by
/// the queue or inbox that carries the range.
class Buffer {
 public:
  /// A block with room for `capacity` bytes and one reference. Ends the process when memory is out.
  static Buffer* New(uint32_t capacity) {
    void* memory = std::malloc(sizeof(Buffer) + capacity);
    if (memory == nullptr) throw std::bad_alloc();
    return new (memory) Buffer(capacity);
  }

  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  uint32_t capacity() const { return capacity_; }

  void AddRef(uint32_t count = 1) { refs_.fetch_add(count, std::memory_order_relaxed); }
  void Release(uint32_t count = 1) {
    const uint32_t before = refs_.fetch_sub(count, std::memory_order_acq_rel);
    PEAL_DCHECK(before >= count);
    if (before == count) {
      this->~Buffer();
      std::free(this);
    }
  }

 private:
  explicit Buffer(uint32_t capacity) : refs_(1), capacity_(capacity) {}
  ~Buffer() = default;

  std::atomic<uint32_t> refs_;
  const uint32_t capacity_;
};

/// Owns one reference to a Buffer, or none.
class BufferRef {
 public:
  BufferRef() = default;
  /// Takes over a reference that the caller owned.
  static BufferRef Adopt(Buffer* buffer) { return BufferRef(buffer); }
  static BufferRef Share(Buffer* buffer) {
    buffer->AddRef();
    return BufferRef(buffer);
  }
  BufferRef(BufferRef&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
  BufferRef& operator=(BufferRef&& other) noexcept {
    if (this != &other) {
      Reset();
      buffer_ = std::exchange(other.buffer_, nullptr);
    }
    return *this;
  }
  BufferRef(const BufferRef& other) : buffer_(other.buffer_) {
    if (buffer_ != nullptr) buffer_->AddRef();
  }
  BufferRef& operator=(const BufferRef& other) {
    if (this != &other) {
      Reset();
      buffer_ = other.buffer_;
      if (buffer_ != nullptr) buffer_->AddRef();
    }
    return *this;
  }
  ~BufferRef() { Reset(); }

  void Reset() {
    if (buffer_ != nullptr) std::exchange(buffer_, nullptr)->Release();
  }
  Buffer* Detach() { return std::exchange(buffer_, nullptr); }
  Buffer* get() const { return buffer_; }
  Buffer* operator->() const { return buffer_; }
  explicit operator bool() const { return buffer_ != nullptr; }

 private:
  explicit BufferRef(Buffer* buffer) : buffer_(buffer) {}
  Buffer* buffer_ = nullptr;
};

/// `length` bytes of `buffer` from `offset` on. Borrows: says nothing about references.
struct Range {
  Buffer* buffer = nullptr;
  uint32_t offset = 0;
  uint32_t length = 0;

  const char* data() const { return buffer->data() + offset; }
};

}  // namespace peal::broker
