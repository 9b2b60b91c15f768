#include "store/keyspace/watch.h"

#include <functional>
#include <utility>

namespace peal::store {

size_t WatchList::NameHash::operator()(const Name& name) const {
  return std::hash<std::string_view>()(name.second) * 31 + static_cast<size_t>(name.first);
}

void WatchList::Add(int db, std::string_view key, WatchTokenRef token, bool was_expired) {
  std::vector<Watcher>& watchers = keys_[Name(db, std::string(key))];
  for (const Watcher& watcher : watchers) {
    if (watcher.token == token) return;
  }
  watchers.push_back({std::move(token), was_expired});
}

void WatchList::Remove(int db, std::string_view key, const WatchToken* token) {
  const auto found = keys_.find(Name(db, std::string(key)));
  if (found == keys_.end()) return;
  std::erase_if(found->second, [token](const Watcher& w) { return w.token.get() == token; });
  if (found->second.empty()) keys_.erase(found);
}

std::vector<WatchList::Watcher>* WatchList::Find(int db, std::string_view key) {
  const auto found = keys_.find(Name(db, std::string(key)));
  return found == keys_.end() ? nullptr : &found->second;
}

}  // namespace peal::store
