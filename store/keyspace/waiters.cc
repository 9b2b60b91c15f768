#include "store/keyspace/waiters.h"

#include <algorithm>
#include <thread>

#include "protocol/base/check.h"
#include "store/keyspace/hash.h"
#include "store/sync/chaos.h"

namespace peal::store {

bool Waiter::Claim() {
  uint8_t seen = kWaiting;
  while (!state_.compare_exchange_weak(seen, kClaimed, std::memory_order_acq_rel)) {
    if (seen == kOver) return false;
    if (seen == kClaimed) std::this_thread::yield();
    seen = kWaiting;
  }
  ChaosPoint();
  return true;
}

size_t WaitList::NameHash::operator()(const Name& name) const {
  return HashKey(name.second) ^ static_cast<size_t>(name.first);
}

void WaitList::Add(int db, std::string_view key, WaiterRef waiter, int demands) {
  keys_[Name(db, key)].push_back(std::move(waiter));
  if (demands >= 0) demands_.push_back(demands);
}

void WaitList::Remove(int db, std::string_view key, const Waiter* waiter, int demands) {
  const auto found = keys_.find(Name(db, key));
  if (found == keys_.end()) return;
  std::deque<WaiterRef>& waiters = found->second;
  const auto at = std::find_if(waiters.begin(), waiters.end(),
                               [&](const WaiterRef& each) { return each.get() == waiter; });
  if (at == waiters.end()) return;
  waiters.erase(at);
  if (waiters.empty()) keys_.erase(found);
  if (demands < 0) return;
  const auto demand = std::find(demands_.begin(), demands_.end(), demands);
  PEAL_DCHECK(demand != demands_.end());
  *demand = demands_.back();
  demands_.pop_back();
}

const std::deque<WaiterRef>* WaitList::Find(int db, std::string_view key) const {
  const auto found = keys_.find(Name(db, key));
  return found == keys_.end() ? nullptr : &found->second;
}

}  // namespace peal::store
