#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/sync/mutex.h"

namespace peal::broker {

/// The latest commands that were slow or large, one log for each kind. Any thread; touched only
/// when a command was such. Arguments are cut as Redis cuts them: 32 of them, 128 octets each.
class CommandLog {
 public:
  enum class Kind : uint8_t { kSlow, kLargeRequest, kLargeReply };
  static constexpr size_t kKinds = 3;

  struct Entry {
    int64_t id = 0;
    int64_t time_s = 0;  // Unix
    int64_t value = 0;   // microseconds, or bytes
    std::vector<std::string> args;
    std::string peer;
    std::string name;  // of the client
  };

  void Add(std::span<const std::string_view> args, int64_t value, std::string_view peer,
           std::string_view name, uint64_t max_len);
  /// The newest first; -1: all.
  std::vector<Entry> Latest(int64_t count) const;
  size_t size() const;
  void Clear();
  void Trim(uint64_t max_len);

 private:
  mutable store::Mutex mutex_{store::LockRank::kLeaf};
  std::deque<Entry> entries_ GUARDED_BY(mutex_);  // newest in front
  int64_t next_id_ GUARDED_BY(mutex_) = 0;
};

}  // namespace peal::broker
