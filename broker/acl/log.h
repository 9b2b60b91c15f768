#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "store/sync/mutex.h"

namespace peal::broker {

/// What ACL LOG shows: refusals, the newest first; like ones within a minute are one entry with a
/// count. Any thread.
class AclLog {
 public:
  enum class Reason : uint8_t { kAuth, kCommand, kKey, kChannel };
  enum class Context : uint8_t { kToplevel, kMulti, kLua };

  struct Event {
    Reason reason = Reason::kCommand;
    Context context = Context::kToplevel;
    std::string_view object;     // command, key or channel
    std::string_view user_name;  // for kAuth, as it was claimed
    std::string client;          // the client's line of CLIENT LIST
  };
  struct Entry {
    uint64_t id = 0;
    uint64_t count = 1;
    Reason reason = Reason::kCommand;
    Context context = Context::kToplevel;
    std::string object;
    std::string user_name;
    std::string client;
    int64_t created_ms = 0;  // Unix
    int64_t updated_ms = 0;
  };

  static std::string_view NameOf(Reason reason);
  static std::string_view NameOf(Context context);

  void Add(Event event, int64_t now_ms, uint64_t max_len);
  std::vector<Entry> Latest(size_t count) const;
  void Clear();
  void Trim(uint64_t max_len);

 private:
  mutable store::Mutex mutex_{store::LockRank::kLeaf};
  std::deque<Entry> entries_ GUARDED_BY(mutex_);  // newest in front
  uint64_t next_id_ GUARDED_BY(mutex_) = 0;
};

}  // namespace peal::broker
