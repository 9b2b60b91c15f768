#include "broker/pubsub/pointer_set.h"

#include <algorithm>

namespace peal::broker {

void PointerSetBase::Clear() {
  if (capacity_ == kIsSplit) {
    for (uint32_t i = 0; i < kFan; ++i) Parts()[i].Clear();
  }
  std::free(slots_);
  slots_ = nullptr;
  size_ = capacity_ = 0;
}

size_t PointerSetBase::MemoryBytes() const {
  if (capacity_ != kIsSplit) return capacity_ * sizeof(void*);
  size_t bytes = kFan * sizeof(PointerSetBase);
  for (uint32_t i = 0; i < kFan; ++i) bytes += Parts()[i].MemoryBytes();
  return bytes;
}

void PointerSetBase::Resize(uint32_t capacity) {
  void** old = slots_;
  const uint32_t old_capacity = capacity_;
  slots_ = nullptr;
  capacity_ = capacity;
  if (capacity != 0) {
    slots_ = static_cast<void**>(std::calloc(capacity, sizeof(void*)));
    if (slots_ == nullptr) throw std::bad_alloc();
  }
  for (uint32_t i = 0; i < old_capacity; ++i) {
    if (old[i] == nullptr) continue;
    PEAL_DCHECK(slots_ != nullptr);  // nobody shrinks below size_
    uint32_t at = Home(Hash(old[i]));
    while (slots_[at] != nullptr) at = at + 1 == capacity_ ? 0 : at + 1;
    slots_[at] = old[i];
  }
  std::free(old);
}

void PointerSetBase::Split() {
  auto* parts = static_cast<PointerSetBase*>(std::calloc(kFan, sizeof(PointerSetBase)));
  if (parts == nullptr) throw std::bad_alloc();
  for (uint32_t i = 0; i < kFan; ++i) new (&parts[i]) PointerSetBase();
  for (uint32_t i = 0; i < capacity_; ++i) {
    if (slots_[i] == nullptr) continue;
    const uint64_t hash = Hash(slots_[i]);
    parts[Part(hash)].AddHashed(slots_[i], hash);
  }
  std::free(slots_);
  slots_ = reinterpret_cast<void**>(parts);
  capacity_ = kIsSplit;
}

bool PointerSetBase::AddPointer(void* pointer) {
  const uint64_t hash = Hash(pointer);
  if (capacity_ != kIsSplit) {
    if (size_ < kSplit) return AddHashed(pointer, hash);
    Split();
  }
  if (!Parts()[Part(hash)].AddHashed(pointer, hash)) return false;
  ++size_;
  return true;
}

bool PointerSetBase::AddHashed(void* pointer, uint64_t hash) {
  if ((size_ + 1) * 20 > capacity_ * 17) {
    // Growing for a member that is there already would be a waste, so look first.
    for (uint32_t i = 0, at = capacity_ == 0 ? 0 : Home(hash); i < capacity_; ++i) {
      if (slots_[at] == nullptr) break;
      if (slots_[at] == pointer) return false;
      at = at + 1 == capacity_ ? 0 : at + 1;
    }
    Resize(capacity_ == 0 ? 2 : std::max(capacity_ + capacity_ / 3, capacity_ + 2));
  }
  uint32_t at = Home(hash);
  while (slots_[at] != nullptr) {
    if (slots_[at] == pointer) return false;
    at = at + 1 == capacity_ ? 0 : at + 1;
  }
  slots_[at] = pointer;
  ++size_;
  return true;
}

bool PointerSetBase::ContainsPointer(void* pointer) const {
  const uint64_t hash = Hash(pointer);
  const PointerSetBase& table = capacity_ == kIsSplit ? Parts()[Part(hash)] : *this;
  if (table.capacity_ == 0) return false;
  for (uint32_t at = table.Home(hash);;) {
    if (table.slots_[at] == pointer) return true;
    if (table.slots_[at] == nullptr) return false;
    at = at + 1 == table.capacity_ ? 0 : at + 1;
  }
}

bool PointerSetBase::RemovePointer(void* pointer) {
  const uint64_t hash = Hash(pointer);
  if (capacity_ != kIsSplit) return RemoveHashed(pointer, hash);
  if (!Parts()[Part(hash)].RemoveHashed(pointer, hash)) return false;
  if (--size_ == 0) Clear();
  return true;
}

bool PointerSetBase::RemoveHashed(void* pointer, uint64_t hash) {
  if (capacity_ == 0) return false;
  uint32_t at = Home(hash);
  while (slots_[at] != pointer) {
    if (slots_[at] == nullptr) return false;
    at = at + 1 == capacity_ ? 0 : at + 1;
  }
  // Members behind the gap move up, so that no tombstones are needed.
  uint32_t gap = at;
  for (;;) {
    at = at + 1 == capacity_ ? 0 : at + 1;
    if (slots_[at] == nullptr) break;
    const uint32_t home = Home(Hash(slots_[at]));
    const bool stays = gap < at ? (home > gap && home <= at) : (home > gap || home <= at);
    if (stays) continue;
    slots_[gap] = slots_[at];
    gap = at;
  }
  slots_[gap] = nullptr;
  --size_;
  if (size_ == 0) {
    Clear();
  } else if (capacity_ > 16 && size_ * 4 < capacity_) {
    Resize(capacity_ / 2);
  }
  return true;
}

void* PointerSetBase::AnyPointer(uint64_t& hint) const {
  if (size_ == 0) return nullptr;
  if (capacity_ == kIsSplit) {
    for (;;) {
      const PointerSetBase& part = Parts()[(hint >> 32) % kFan];
      if (part.size_ != 0) {
        uint64_t low = hint & 0xFFFFFFFFu;
        void* found = part.AnyPointer(low);
        hint = (hint & ~uint64_t{0xFFFFFFFFu}) | low;
        return found;
      }
      hint = ((hint >> 32) + 1) << 32;
    }
  }
  for (;; ++hint) {
    void* found = slots_[(hint & 0xFFFFFFFFu) % capacity_];
    if (found != nullptr) return found;
  }
}

}  // namespace peal::broker
