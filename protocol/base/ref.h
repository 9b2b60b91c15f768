#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "protocol/base/check.h"

namespace peal::protocol {

template <class T>
class Ref;

/// Base of objects that carry their own reference count: `class Message : public
/// RefCounted<Message>`.
///
/// An object is born with one reference, which Ref<T>::Adopt takes. When the last one goes,
/// `T::Destroy(T*)` is called, which T may define (a static function) to free memory its own way;
/// without one, `delete` is used. The count may be changed from any thread; no virtual functions.
template <class T>
class RefCounted {
 public:
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void AddRef() const { count_.fetch_add(1, std::memory_order_relaxed); }

  /// Adds `n` references at once: one atomic operation for a message shared by n receivers.
  void AddRefs(uint32_t n) const { count_.fetch_add(n, std::memory_order_relaxed); }

  /// Drops one reference; the object may be gone when this returns.
  void Release() const {
    // A holder of the only reference is alone: nobody can be adding one. Spares the locked
    // operation.
    if (count_.load(std::memory_order_acquire) == 1 ||
        count_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      T::Destroy(const_cast<T*>(static_cast<const T*>(this)));
    }
  }

  /// True if the caller's reference is the only one, so that it may change the object in place.
  bool IsUnique() const { return count_.load(std::memory_order_acquire) == 1; }

  uint32_t ref_count() const { return count_.load(std::memory_order_relaxed); }

  static void Destroy(T* object) { delete object; }

 protected:
  RefCounted() = default;
  ~RefCounted() = default;

 private:
  mutable std::atomic<uint32_t> count_{1};
};

/// An owning pointer to a RefCounted object; one pointer wide, may be empty.
template <class T>
class Ref {
 public:
  constexpr Ref() = default;
  constexpr Ref(std::nullptr_t) {}
  Ref(const Ref& other) : object_(other.object_) {
    if (object_ != nullptr) object_->AddRef();
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
    requires std::is_convertible_v<U*, T*>
  Ref(const Ref<U>& other) : object_(other.get()) {
    if (object_ != nullptr) object_->AddRef();
  }
  template <class U>
    requires std::is_convertible_v<U*, T*>
  Ref(Ref<U>&& other) noexcept : object_(other.Leak()) {}
  ~Ref() {
    if (object_ != nullptr) object_->Release();
  }
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }

  /// Takes over a reference the caller has (a fresh object has one).
  static Ref Adopt(T* object) { return Ref(object); }

  /// Adds a reference of its own.
  static Ref Share(T* object) {
    if (object != nullptr) object->AddRef();
    return Ref(object);
  }

  T* get() const { return object_; }
  T& operator*() const {
    PEAL_DCHECK(object_ != nullptr);
    return *object_;
  }
  T* operator->() const {
    PEAL_DCHECK(object_ != nullptr);
    return object_;
  }
  explicit operator bool() const { return object_ != nullptr; }

  /// Gives the reference to the caller, who must Release or Adopt it.
  [[nodiscard]] T* Leak() { return std::exchange(object_, nullptr); }
  void reset() { Ref().swap(*this); }
  void swap(Ref& other) noexcept { std::swap(object_, other.object_); }

  friend bool operator==(const Ref& a, const Ref& b) { return a.object_ == b.object_; }
  friend bool operator==(const Ref& a, std::nullptr_t) { return a.object_ == nullptr; }

 private:
  explicit Ref(T* object) : object_(object) {}

  T* object_ = nullptr;
};

/// Makes an object with `new` and holds its first reference.
template <class T, class... Args>
Ref<T> MakeRef(Args&&... args) {
  return Ref<T>::Adopt(new T(std::forward<Args>(args)...));
}

}  // namespace peal::protocol
