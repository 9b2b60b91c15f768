#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "protocol/base/check.h"

namespace peal::broker {

/// A set of pointers in 16 bytes plus about 11 bytes for each member; made for the subscriptions of
/// one client, of which there may be none, a few or a million.
///
/// One open-addressed table that grows by half at 85 % load. From kSplit members on it is kFan such
/// tables, so that growing never moves more than a small part of a large set at once. Add, Remove
/// and Contains take constant time. Not thread-safe.
class PointerSetBase {
 public:
  PointerSetBase() = default;
  PointerSetBase(const PointerSetBase&) = delete;
  PointerSetBase& operator=(const PointerSetBase&) = delete;
  PointerSetBase(PointerSetBase&& other) noexcept
      : slots_(other.slots_), size_(other.size_), capacity_(other.capacity_) {
    other.slots_ = nullptr;
    other.size_ = other.capacity_ = 0;
  }
  ~PointerSetBase() { Clear(); }

  uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t MemoryBytes() const;
  void Clear();

 protected:
  bool AddPointer(void* pointer);
  bool RemovePointer(void* pointer);
  bool ContainsPointer(void* pointer) const;
  /// Any member, or nullptr. `hint` speeds up taking all members one by one: start with 0 and pass
  /// it on.
  void* AnyPointer(uint64_t& hint) const;
  template <typename Visit>
  void VisitPointers(Visit&& visit) const {
    if (capacity_ == kIsSplit) {
      for (uint32_t i = 0; i < kFan; ++i) Parts()[i].VisitPointers(visit);
      return;
    }
    for (uint32_t i = 0; i < capacity_; ++i) {
      if (slots_[i] != nullptr) visit(slots_[i]);
    }
  }

 private:
  static constexpr uint32_t kFan = 64;
  static constexpr uint32_t kSplit = 8192;
  static constexpr uint32_t kIsSplit = UINT32_MAX;

  static uint64_t Hash(const void* pointer) {
    uint64_t h = reinterpret_cast<uintptr_t>(pointer) * 0x9E3779B97F4A7C15u;
    return (h ^ (h >> 32)) * 0xD6E8FEB86659FD93u;
  }
  // Tables of a split set use the hash turned by the bits that chose the table.
  static uint64_t Part(uint64_t hash) { return hash >> 58; }
  uint32_t Home(uint64_t hash) const {
    return static_cast<uint32_t>(((hash & 0xFFFFFFFFu) * capacity_) >> 32);
  }
  PointerSetBase* Parts() const { return reinterpret_cast<PointerSetBase*>(slots_); }
  bool AddHashed(void* pointer, uint64_t hash);
  bool RemoveHashed(void* pointer, uint64_t hash);
  void Resize(uint32_t capacity);
  void Split();

  void** slots_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
};

template <typename T>
class PointerSet : public PointerSetBase {
 public:
  /// False if it was a member already.
  bool Add(T* member) { return AddPointer(member); }
  bool Remove(T* member) { return RemovePointer(member); }
  bool Contains(T* member) const { return ContainsPointer(member); }
  T* Any(uint64_t& hint) const { return static_cast<T*>(AnyPointer(hint)); }
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    VisitPointers([&](void* member) { visit(static_cast<T*>(member)); });
  }
};

}  // namespace peal::broker
