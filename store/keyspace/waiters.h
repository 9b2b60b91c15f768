#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace peal::store {

/// Somebody who waits for something to come to one of several keys: a blocked client. Derived by
/// whoever knows what it waits for.
///
/// It stands in the list of each of its keys. Whoever changes one of them tries to serve it, under
/// that key's stripe; since keys may lie in different stripes, the state decides who may.
class Waiter : public std::enable_shared_from_this<Waiter> {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  virtual ~Waiter() = default;

  /// Takes the right to serve; false if it is over. Waits while another thread tries: that one
  /// holds all it needs and takes no further lock. [any thread, with the stripe of one of the keys]
  bool Claim();
  /// After Claim: it waits on.
  void GiveBack() { state_.store(kWaiting, std::memory_order_release); }
  /// After Claim: it has been served, once and for all.
  void MarkServed() { state_.store(kOver, std::memory_order_release); }
  bool is_over() const { return state_.load(std::memory_order_acquire) == kOver; }

 private:
  static constexpr uint8_t kWaiting = 0;
  static constexpr uint8_t kClaimed = 1;
  static constexpr uint8_t kOver = 2;

  std::atomic<uint8_t> state_{kWaiting};
};

using WaiterRef = std::shared_ptr<Waiter>;

/// Who waits for which keys of one stripe, in the order of coming. Needs the stripe's lock.
class WaitList {
 public:
  /// `demands`: the stripe that serving this waiter needs as well (the destination of BLMOVE), or
  /// -1.
  void Add(int db, std::string_view key, WaiterRef waiter, int demands);
  void Remove(int db, std::string_view key, const Waiter* waiter, int demands);
  bool empty() const { return keys_.empty(); }

  /// The waiters of a key, or null. Valid until the list changes.
  const std::deque<WaiterRef>* Find(int db, std::string_view key) const;

  /// Calls fn(key) for every key of `db` that somebody waits for.
  template <class Fn>
  void ForEachKey(int db, Fn fn) const {
    for (const auto& [name, waiters] : keys_) {
      if (name.first == db) fn(std::string_view(name.second));
    }
  }

  /// Stripes that serving somebody here may need; may repeat.
  const std::vector<int>& demands() const { return demands_; }

 private:
  using Name = std::pair<int, std::string>;
  struct NameHash {
    size_t operator()(const Name& name) const;
  };
  std::unordered_map<Name, std::deque<WaiterRef>, NameHash> keys_;
  std::vector<int> demands_;
};

}  // namespace peal::store
