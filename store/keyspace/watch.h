#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/base/ref.h"

namespace peal::store {

/// A client's "one of my watched keys was touched" flag. One token serves all keys of one WATCH
/// session; the client reads it at EXEC, stripes raise it under their locks.
class WatchToken : public protocol::RefCounted<WatchToken> {
 public:
  bool IsDirty() const { return dirty_.load(std::memory_order_acquire); }
  void MarkDirty() { dirty_.store(true, std::memory_order_release); }

 private:
  std::atomic<bool> dirty_{false};
};

using WatchTokenRef = protocol::Ref<WatchToken>;

/// Who watches which keys of one stripe. Needs the stripe's lock.
class WatchList {
 public:
  struct Watcher {
    WatchTokenRef token;
    /// The key was already expired, though not deleted, when WATCH was called. Its deletion is then
    /// no change (Redis 7.0 does the same).
    bool was_expired;
  };

  /// A token that already watches the key stays as it is.
  void Add(int db, std::string_view key, WatchTokenRef token, bool was_expired);
  void Remove(int db, std::string_view key, const WatchToken* token);
  bool empty() const { return keys_.empty(); }

  /// The watchers of a key, or null.
  std::vector<Watcher>* Find(int db, std::string_view key);

  /// Calls fn(key, watchers) for every watched key of `db`.
  template <class Fn>
  void ForEach(int db, Fn fn) {
    for (auto& [name, watchers] : keys_) {
      if (name.first == db) fn(std::string_view(name.second), watchers);
    }
  }

 private:
  using Name = std::pair<int, std::string>;
  struct NameHash {
    size_t operator()(const Name& name) const;
  };
  std::unordered_map<Name, std::vector<Watcher>, NameHash> keys_;
};

}  // namespace peal::store
