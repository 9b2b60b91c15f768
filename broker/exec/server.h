#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "broker/acl/users.h"
#include "broker/audit/audit_log.h"
#include "broker/auth/authenticator.h"
#include "broker/config/store.h"
#include "broker/exec/auth_guard.h"
#include "broker/exec/command_table.h"
#include "broker/exec/effect_recorder.h"
#include "broker/exec/worker.h"
#include "broker/metrics/command_log.h"
#include "broker/metrics/hot_keys.h"
#include "broker/metrics/latency.h"
#include "broker/net/listener.h"
#include "broker/net/reactor.h"
#include "broker/net/tls/keeper.h"
#include "broker/pubsub/hub.h"
#include "broker/pubsub/tracking.h"
#include "store/keyspace/garbage.h"
#include "store/keyspace/keyspace.h"
#include "store/sync/gate.h"
#include "store/sync/mutex.h"

namespace peal::broker {

class MemoryGauge;
class ScriptsState;

/// How CLIENT PAUSE holds commands back.
enum class PauseMode : uint8_t { kNone, kWrite, kAll };

/// The running broker: everything that exists once. Owns the reactors and their threads.
///
/// What commands may change at run time (config, pause, rights) changes only while all reactors are
/// parked. So a reactor sees one state of it between any two places where it may wait for a lock.
class Server {
 public:
  /// `config` was loaded already. Nothing listens yet.
  Server(std::unique_ptr<ConfigStore> config, std::string executable);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Opens the listeners and starts the reactors. The error is a line for the operator.
  protocol::Result<void> Start();
  /// Runs until a shutdown was asked for and done; returns the exit code. The calling thread
  /// handles signals.
  int Wait();

  ConfigStore& config_store() { return *config_; }
  const Config& config() const { return config_->config(); }
  /// Applies what CONFIG SET changed to the running parts. With all reactors parked.
  protocol::Result<void> ApplyChanges(std::span<const Directive* const> changed);

  CommandTable& commands() { return commands_; }
  AclUsers& acl() { return acl_; }
  Authentication& authentication() { return authentication_; }
  AuditLog& audit() { return audit_; }
  store::Gate& gate() { return keyspace_->gate(); }
  store::Keyspace& keyspace() { return *keyspace_; }
  MemoryGauge& memory_gauge() { return *memory_gauge_; }
  Hub& hub() { return *hub_; }
  Tracking& tracking() { return *tracking_; }
  CommandLog& command_log(CommandLog::Kind kind) {
    return command_logs_[static_cast<size_t>(kind)];
  }
  LatencyMonitor& latency() { return latency_; }
  HotKeys& hot_keys() { return hot_keys_; }
  EffectRecorder& effect_recorder() { return effect_recorder_; }
  ScriptsState& scripts() { return *scripts_; }
  /// Whether all units hand their effects to effect_recorder(). With all reactors parked.
  void RecordEffects(bool is_on);
  std::vector<std::unique_ptr<Worker>>& workers() { return workers_; }
  int reactor_count() const { return static_cast<int>(reactors_.size()); }

  /// Closes the listeners; more than once does nothing. On the first reactor's thread.
  void StopListening() { listeners_->Stop(); }
  /// Accepts what waits, apart from the loop. On the first reactor's thread.
  void AcceptWaiting() { listeners_->AcceptWaiting(); }

  /// Asks for the end (SHUTDOWN). The thread in Wait does the work. [any thread]
  void RequestShutdown(std::string_view why);
  bool IsShuttingDown() const { return is_shutting_down_.load(std::memory_order_relaxed); }

  ClientId NextClientId(int reactor) {
    return (next_client_.fetch_add(1, std::memory_order_relaxed) << kReactorBits) |
           static_cast<uint64_t>(reactor);
  }
  /// Connected clients of all reactors. [any thread]
  std::atomic<int>& client_count() { return client_count_; }
  /// Clients in MONITOR mode. [any thread] for the test, changed by their workers.
  std::atomic<int>& monitor_count() { return monitor_count_; }
  /// Takes requirepass-file over if SIGHUP has asked for it; if a script goes on for long, another
  /// time. On the first reactor's thread, in a turn and outside of any command.
  void TakePasswordOver(Reactor& reactor);
  /// Shows a command to all monitors. Reactor thread, after the command's function.
  void FeedMonitors(Worker& worker, const Client& client, std::span<const std::string_view> args,
                    bool by_script = false);

  // CLIENT PAUSE. Written with all reactors parked.
  PauseMode pause_mode() const { return pause_mode_; }
  int64_t pause_until_ms() const { return pause_until_ms_; }
  void SetPause(PauseMode mode, int64_t until_ms) {
    pause_mode_ = mode;
    pause_until_ms_ = until_ms;
    NoteAdmissionChange();
  }

  /// Changes whenever something comes about that might have kept a command from being run: rights,
  /// a pause, the end of a client. Whoever waited for locks since it admitted a command looks at
  /// it. In a turn.
  uint64_t admission() const { return admission_; }
  /// With all reactors parked.
  void NoteAdmissionChange() { ++admission_; }

  // Facts for INFO.
  const std::string& executable() const { return executable_; }
  const std::string& run_id() const { return run_id_; }
  int64_t start_time_s() const { return start_time_s_; }
  TlsKeeper& tls() { return tls_; }
  AuthGuard& auth_guard() { return auth_guard_; }
  std::atomic<uint64_t>& rejected_connections() { return rejected_connections_; }
  /// Of those rejected, who is not let in by `allow` and `deny`.
  std::atomic<uint64_t>& denied_connections() { return denied_connections_; }
  std::atomic<uint64_t>& total_connections() { return total_connections_; }
  /// Frees large values away from the reactors' threads. [any thread]
  void FreeLater(store::Garbage garbage);
  /// Bytes that FreeLater has taken and not yet freed, about. [any thread]
  size_t FreeingBytes() const;
  /// Keys among that, and keys freed so since the start or CONFIG RESETSTAT.
  size_t FreeingKeys() const;
  size_t FreedKeys() const;
  void ResetFreedKeys();

 private:
  class FreeThread;

  /// Takes over an accepted socket: checks limits, then gives it to the least loaded reactor.
  void Assign(int fd, ListenerKind kind);
  /// What is spoken with a connection that a listener of `kind` has accepted: what the ports mean
  /// since the last CONFIG SET, even before the listeners have been exchanged. nullopt: the port is
  /// closed.
  std::optional<ListenerKind> KindNow(int fd, ListenerKind kind) const;
  bool Refuse(int fd, ListenerKind kind);
  void PrepareSocket(int fd, ListenerKind kind) const;
  /// Makes a TLS context from the configuration in force; none if there is no TLS port.
  protocol::Result<TlsKeeper::Made> MakeTls() const;
  protocol::Result<void> RaiseFileLimit(uint32_t maxclients);
  void DrainAndStop();
  /// Reads afresh what SIGHUP asks for: log files, keys, the default user's password.
  void ReopenFiles(int signal_number);
  void ReplaceListeners(std::unique_ptr<ListenerSet> next);
  ListenerOptions MakeListenerOptions() const;
  /// Tells the list of processes what proc-title-template asks for.
  void ShowTitle() const;

  std::unique_ptr<ConfigStore> config_;
  const std::string executable_;
  const std::string run_id_;
  const int64_t start_time_s_;
  CommandTable commands_;
  AclUsers acl_{commands_};
  Authentication authentication_{acl_};
  AuditLog audit_;
  std::unique_ptr<store::Keyspace> keyspace_;
  std::unique_ptr<MemoryGauge> memory_gauge_;
  std::vector<std::unique_ptr<Reactor>> reactors_;
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<Tracking> tracking_;
  std::vector<std::unique_ptr<Worker>> workers_;
  // Changed on the first reactor in a turn, or with all reactors parked.
  std::unique_ptr<ListenerSet> listeners_;
  std::vector<std::unique_ptr<ListenerSet>> next_listeners_;  // open, to replace it in this order
  std::vector<std::unique_ptr<ListenerSet>>
      retired_listeners_;  // their handles may still be closing
  std::vector<std::thread> threads_;
  std::unique_ptr<FreeThread> free_thread_;
  TlsKeeper tls_;
  AuthGuard auth_guard_;
  store::Mutex monitor_mutex_{store::LockRank::kLeaf};
  std::array<CommandLog, CommandLog::kKinds> command_logs_;
  LatencyMonitor latency_;
  HotKeys hot_keys_;
  EffectRecorder effect_recorder_;
  std::unique_ptr<ScriptsState> scripts_;
  std::atomic<uint64_t> next_client_{1};
  std::atomic<int> client_count_{0};
  std::atomic<int> monitor_count_{0};
  std::atomic<uint64_t> rejected_connections_{0};
  std::atomic<uint64_t> denied_connections_{0};
  std::atomic<uint64_t> total_connections_{0};
  PauseMode pause_mode_ = PauseMode::kNone;
  int64_t pause_until_ms_ = 0;
  uint64_t admission_ = 0;
  std::atomic<const char*> password_due_{nullptr};  // what asked for it; text without an end
  std::atomic<bool> is_shutting_down_{false};
};

}  // namespace peal::broker
