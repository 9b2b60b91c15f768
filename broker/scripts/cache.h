#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/scripts/conduct.h"
#include "broker/scripts/shebang.h"
#include "store/sync/annotations.h"
#include "store/sync/mutex.h"

namespace peal::broker {

/// The text of one script. Never changes but for its marks.
struct Script {
  std::string sha;  // 40 lower-case hex digits of the SHA-1 of `body`
  std::string body;
  Shebang shebang;
  std::atomic<uint64_t> last_use{0};   // by EVAL; see ScriptCache
  std::atomic<bool> is_pinned{false};  // came by SCRIPT LOAD: never evicted
  std::atomic<bool> is_gone{false};    // flushed or evicted: no longer to be run by its digest
  Conduct conduct;
};

using ScriptRef = std::shared_ptr<Script>;

/// SHA-1 of `bytes` as 40 lower-case hex digits.
std::string Sha1Hex(std::string_view bytes);

/// The scripts of the server by their digests. Those that came by EVAL alone are bounded in number
/// and bytes, and the one unused longest goes first (as in Redis 7.4: 500); those of SCRIPT LOAD
/// stay until SCRIPT FLUSH. [any thread]
class ScriptCache {
 public:
  static constexpr size_t kMostByEval = 500;
  static constexpr size_t kMostBytesByEval = size_t{64} << 20;

  /// Null if there is none.
  ScriptRef Find(std::string_view sha);
  /// As Find, for SCRIPT LOAD: the script stays.
  ScriptRef FindAndPin(std::string_view sha);
  /// Adds a script, or returns the one that is there, which stays if `script` is to stay. One that
  /// is gone stays gone for all who know it: a copy of it is added.
  ScriptRef Add(ScriptRef script);
  /// Marks a use, which puts off its eviction.
  void Use(Script& script) {
    script.last_use.store(clock_.fetch_add(1, std::memory_order_relaxed) + 1,
                          std::memory_order_relaxed);
  }
  void Flush();

  struct Facts {
    size_t scripts = 0;
    size_t bytes = 0;
    uint64_t evicted = 0;
  };
  Facts facts();
  void ResetEvicted() { evicted_.store(0, std::memory_order_relaxed); }

 private:
  void Pin(Script& script) REQUIRES(mutex_);
  void Evict() REQUIRES(mutex_);
  void DropFromEval(std::vector<Script*>::iterator at) REQUIRES(mutex_);

  store::Mutex mutex_{store::LockRank::kLeaf};
  std::unordered_map<std::string_view, ScriptRef> scripts_ GUARDED_BY(mutex_);  // key: its sha
  size_t bytes_ GUARDED_BY(mutex_) = 0;
  // Those that are not pinned: one more than kMostByEval at most, in no order.
  std::vector<Script*> by_eval_ GUARDED_BY(mutex_);
  size_t bytes_by_eval_ GUARDED_BY(mutex_) = 0;
  std::atomic<uint64_t> clock_{0};
  std::atomic<uint64_t> evicted_{0};
};

}  // namespace peal::broker
