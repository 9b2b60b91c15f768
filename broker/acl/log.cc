#include "broker/acl/log.h"

#include <algorithm>
#include <utility>

namespace peal::broker {
namespace {

constexpr int64_t kSameForMs = 60'000;
// How many of the newest entries are looked at for a like one, as in Redis.
constexpr size_t kLookedAt = 10;
// Differs: Redis keeps names of any length, so that who may do nothing can still fill the memory.
constexpr size_t kLongestName = 1024;

}  // namespace

std::string_view AclLog::NameOf(Reason reason) {
  switch (reason) {
    case Reason::kAuth:
      return "auth";
    case Reason::kCommand:
      return "command";
    case Reason::kKey:
      return "key";
    case Reason::kChannel:
      return "channel";
  }
  return {};
}

std::string_view AclLog::NameOf(Context context) {
  switch (context) {
    case Context::kToplevel:
      return "toplevel";
    case Context::kMulti:
      return "multi";
    case Context::kLua:
      return "lua";
  }
  return {};
}

void AclLog::Add(Event event, int64_t now_ms, uint64_t max_len) {
  event.object = event.object.substr(0, kLongestName);
  event.user_name = event.user_name.substr(0, kLongestName);
  store::MutexLock lock(mutex_);
  const auto end = entries_.begin() + static_cast<ptrdiff_t>(std::min(entries_.size(), kLookedAt));
  const auto same = std::find_if(entries_.begin(), end, [&](const Entry& entry) {
    return entry.reason == event.reason && entry.context == event.context &&
           now_ms - entry.updated_ms <= kSameForMs && entry.object == event.object &&
           entry.user_name == event.user_name;
  });
  if (same != end) {
    Entry entry = std::move(*same);
    entries_.erase(same);
    ++entry.count;
    entry.client = std::move(event.client);
    entry.updated_ms = now_ms;
    entries_.push_front(std::move(entry));
    return;
  }
  Entry entry;
  entry.id = next_id_++;
  entry.reason = event.reason;
  entry.context = event.context;
  entry.object = event.object;
  entry.user_name = event.user_name;
  entry.client = std::move(event.client);
  entry.created_ms = entry.updated_ms = now_ms;
  entries_.push_front(std::move(entry));
  while (entries_.size() > max_len) entries_.pop_back();
}

std::vector<AclLog::Entry> AclLog::Latest(size_t count) const {
  store::MutexLock lock(mutex_);
  const auto end = entries_.begin() + static_cast<ptrdiff_t>(std::min(entries_.size(), count));
  return {entries_.begin(), end};
}

void AclLog::Clear() {
  store::MutexLock lock(mutex_);
  entries_.clear();
}

void AclLog::Trim(uint64_t max_len) {
  store::MutexLock lock(mutex_);
  while (entries_.size() > max_len) entries_.pop_back();
}

}  // namespace peal::broker
