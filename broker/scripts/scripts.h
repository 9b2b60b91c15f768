#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/scripts/cache.h"
#include "broker/scripts/functions.h"
#include "protocol/base/error.h"
#include "store/sync/annotations.h"
#include "store/sync/mutex.h"

namespace peal::broker {

class Server;
struct ScriptRun;

/// What a running script is asked to do.
enum class KillRequest : uint8_t {
  kNone,
  kKill,      // SCRIPT KILL, FUNCTION KILL
  kShutdown,  // the server ends: even a script that has written
};

/// Scripts and functions of the whole server: their texts, and the one script that runs too long.
///
/// A script runs with the Gate held, or under the stripes of its keys as long as it neither needs
/// more nor takes long (see Conduct). Up to busy-reply-threshold nobody needs to know of it. From
/// then on it has the Gate, so there is one such script at a time. It lets the other reactors in as
/// visitors whenever it looks at the clock (see store/sync/gate.h), and serves its own reactor's
/// clients in between: all of them get BUSY but for the few commands that may end it.
class ScriptsState {
 public:
  explicit ScriptsState(Server& server) : server_(server) {}

  ScriptCache& cache() { return cache_; }
  FunctionTable& functions() { return functions_; }

  /// Whether clients are to get BUSY. [any thread]
  bool IsBusy() const { return is_busy_.load(std::memory_order_relaxed); }
  /// The reply to a command that may not run meanwhile.
  const protocol::Error& BusyError() const;

  /// SCRIPT KILL and FUNCTION KILL; null if the script will be ended. [any thread]
  const protocol::Error* Kill(bool is_function);
  /// The server ends. [any thread]
  void KillForShutdown() { kill_.store(KillRequest::kShutdown, std::memory_order_relaxed); }

  /// FUNCTION STATS: the function that runs.
  struct Running {
    std::string name;
    std::vector<std::string> command;
    uint64_t duration_ms = 0;
    bool is_function = false;
  };
  /// Empty name: none that others can see.
  Running running();

  // --- For the engine.

  /// Whether Watch would call a run slow that it has not called so: it must have the Gate first.
  bool IsAboutToBeSlow(const ScriptRun& run) const;
  /// Whether a run has had the processor for so long that whoever waits for its stripes had better
  /// wait for the Gate. Others may have it meanwhile: that is no reason to distrust a script.
  static bool IsLong(ScriptRun& run);
  /// Looks at the clock on behalf of a run; serves others if it is slow.
  KillRequest Watch(ScriptRun& run);
  /// No longer slow: nobody visits. At the end of a run, or before it touches what others see.
  void End(ScriptRun& run);
  /// Keeps visitors out while a command of a slow script runs.
  void BeginCommand(const ScriptRun& run);
  /// Between the two: whether Watch is about to end the run.
  bool IsToEnd(const ScriptRun& run) const;
  void EndCommand(const ScriptRun& run);
  /// The script has changed something or may have: it cannot be killed any more.
  void NoteWrite(ScriptRun& run);

 private:
  void BecomeSlow(ScriptRun& run);

  Server& server_;
  ScriptCache cache_;
  FunctionTable functions_;
  std::atomic<bool> is_busy_{false};
  std::atomic<bool> has_written_{false};
  std::atomic<bool> is_function_{false};
  std::atomic<KillRequest> kill_{KillRequest::kNone};
  uint64_t next_service_ticks_ = 0;  // the running reactor's
  store::Mutex mutex_{store::LockRank::kLeaf};
  Running running_ GUARDED_BY(mutex_);
  uint64_t begin_ticks_ GUARDED_BY(mutex_) = 0;
};

}  // namespace peal::broker
