#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/exec/blocking.h"
#include "broker/exec/client.h"
#include "broker/exec/command_table.h"
#include "broker/exec/unit.h"
#include "broker/metrics/clock.h"
#include "broker/metrics/command_log.h"
#include "broker/metrics/command_stats.h"
#include "broker/metrics/hot_keys.h"
#include "broker/net/arena.h"
#include "broker/net/reactor.h"
#include "broker/net/tls/transport.h"
#include "broker/pubsub/hub.h"
#include "broker/pubsub/tracking.h"
#include "protocol/resp/parser.h"

namespace peal::broker {

class Eviction;
class ExpiryCycle;
class LuaEngine;
class Server;

/// What a reactor executes: its clients, its part in the hub, its counters. One for each reactor;
/// its thread only, or any thread while all reactors are parked.
class Worker final : public ReactorHandler {
 public:
  Worker(Server& server, Reactor& reactor);
  ~Worker();

  Server& server() { return server_; }
  Reactor& reactor() { return reactor_; }
  HubPort& hub_port() { return hub_port_; }
  TrackingPort& tracking_port() { return tracking_port_; }
  CommandStats& stats() { return stats_; }
  Unit& unit() { return unit_; }
  Arena& replies() { return replies_; }
  protocol::RequestScratch& request_scratch() { return request_scratch_; }

  /// Executes complete requests at the front of `input`; see Connection::OnInput.
  std::span<char> HandleInput(Client& client, std::span<char> input);

  /// Runs a command's function under `unit`, which holds what it needs; counts and times it.
  /// For EXEC, whose commands passed their checks when queued.
  void Run(CommandContext& context, const TableEntry& entry);

  /// This reactor's Lua, made when it is first asked for.
  LuaEngine& lua();
  /// Null while there is none. With all reactors parked.
  const LuaEngine* lua_if_any() const { return lua_.get(); }
  /// Whether memory was beyond maxmemory when the command that runs began.
  bool is_out_of_memory() const { return is_out_of_memory_; }
  /// Tells the other clients of this reactor that it is busy: in the middle of a long command,
  /// which holds the Gate and lets nobody visit meanwhile, or in a visit, from a place that waits
  /// for another reactor's.
  void ServeWhileBusy();
  /// The unit of commands: that of ServeWhileBusy while that runs.
  Unit& current_unit() { return is_serving_ ? *meanwhile_unit_ : unit_; }

  /// Bytes written so far of the reply under way go to the client's queue now, so that something
  /// else may be queued behind them (or a piece of reply be sent by reference).
  void FlushReply(Client& client);
  /// Reply of a block by reference: a bulk string whose payload is not copied.
  void QueueReplyRange(Client& client, Range range);

  template <typename Visit>
  void ForEachClient(Visit&& visit) {
    for (Client* client : clients_) visit(*client);
  }
  Client* FindClient(ClientId id);
  /// Closes the clients that are doomed by now, some in each of the turns to come: closing a
  /// thousand takes milliseconds. With all reactors parked, any thread.
  void PostCloseDoomed();
  /// Takes a client that goes out of what INFO and maxclients count. Once for each; with all
  /// reactors parked, any thread.
  void CountOut(Client& client);
  size_t client_count() const { return clients_.size(); }
  /// Clients with subscriptions of any kind.
  uint32_t pubsub_clients() const { return pubsub_clients_; }
  void CountPubSubClient(int change) { pubsub_clients_ += static_cast<uint32_t>(change); }

  /// Milliseconds of wall clock, read once for each turn.
  int64_t now_ms() const { return now_ms_; }

  void AddJob(Client& client);
  /// Makes a client whose handshake is done the user that its certificate names, if
  /// tls-auth-clients-user asks for that and there is such a user.
  void AuthenticateByCertificate(Client& client);
  /// What the TLS connections of this reactor share; null before the first.
  const TlsShared* tls() const { return tls_.get(); }
  void ResetTlsCounters() {
    if (tls_ != nullptr) tls_->counters = {};
  }
  void ResetScriptCounts();
  /// Takes over settings that this worker keeps in a form of its own. With all reactors parked.
  void ConfigChanged();
  /// Number of the command whose function runs.
  uint32_t running_index() const { return running_index_; }
  ExpiryCycle& expiry() { return *expiry_; }
  Eviction& eviction() { return *eviction_; }
  BlockedClients& blocked() { return blocked_; }
  /// Whether CLIENT PAUSE is in force.
  bool IsPaused() const;

  /// What came of waiting for the locks of a command.
  enum class Locked : uint8_t {
    kYes,
    kBusy,      // not to be had: a script goes on for long
    kOutdated,  // meanwhile rights, a pause, or the end of the client came about
  };
  /// The stripes that `unit` has planned, for the command under way. Unless kYes the unit has
  /// ended; after kOutdated the command's function returns at once, with nothing done and nothing
  /// replied: the command is admitted anew.
  [[nodiscard]] Locked LockStripes(Unit& unit);
  /// Likewise the Gate, which the caller gives back after the unit's Finish.
  [[nodiscard]] Locked LockGate(Unit& unit);

  /// Takes over a connected socket. On this reactor's thread.
  void Accept(int fd, ListenerKind kind, ClientId id);

  // ReactorHandler
  void OnStart() override;
  void OnTurnBegin() override;
  bool OnTurnEnd() override;
  void OnVisitEnd() override;
  void OnVisitMeanwhile() override { ServeWhileBusy(); }
  void OnTick() override;
  void OnStop() override;

 private:
  friend class Client;

  struct Parsed;
  struct Batch;
  class NullSink;
  enum class Outcome : uint8_t {
    kGoOn,
    kStop,      // executed, and nothing more is to be read for now
    kHeldBack,  // not executed: comes again when the client is resumed
    kAgain,     // not executed: to be admitted anew
  };
  static constexpr uint32_t kAllRun = UINT32_MAX;

  std::span<char> ParseAndExecute(Client& client, std::span<char> input);
  void AddToBatch(Batch& batch, Client& client, const TableEntry* entry,
                  std::span<const std::string_view> args, uint32_t begin, uint32_t end);
  /// Executes the batch and empties it. Returns kAllRun, or from which offset of the input on is
  /// unread.
  uint32_t RunBatch(Client& client, Batch& batch);
  void PrefetchValues(uint32_t db, const Batch& batch);
  std::span<char> KeepRebuilt(Client& client, std::span<const std::string_view> args,
                              std::span<const char> before, std::span<const char> behind);
  Outcome Execute(Client& client, const TableEntry* entry, std::span<const std::string_view> args,
                  uint64_t key_hash) {
    const Outcome outcome = ExecuteOne(client, entry, args, key_hash);
    if (client.session().tracker != nullptr && outcome != Outcome::kHeldBack) [[unlikely]]
      AfterTracked(client, entry, args);
    return outcome;
  }
  Outcome ExecuteOne(Client& client, const TableEntry* entry,
                     std::span<const std::string_view> args, uint64_t key_hash);
  /// Admits the command and runs or queues it. kAgain: while it waited, what had admitted it
  /// changed.
  Outcome AdmitAndRun(Client& client, const TableEntry& entry,
                      std::span<const std::string_view> args, uint64_t key_hash,
                      protocol::ReplyWriter& reply, bool is_silent);
  /// Whether rights, a pause, or the end of a client came about since the command was admitted.
  bool IsOutdated() const;
  /// Undoes a subscription that a change of rights could not see, since it came halfway.
  void RecheckSubscriber(Client& client, const TableEntry& entry,
                         std::span<const std::string_view> args);
  bool Admit(Client& client, const TableEntry& entry, std::span<const std::string_view> args,
             protocol::ReplyWriter& reply);
  void Reject(Client& client, const TableEntry* entry, const protocol::Error& error,
              protocol::ReplyWriter& reply);
  /// True if the command may run: memory is below maxmemory, or it needs none.
  bool HasRoom(Client& client, const TableEntry& entry, protocol::ReplyWriter& reply);
  bool IsHeldByPause(const Client& client, const TableEntry& entry) const;
  void Call(CommandContext& context, const TableEntry& entry, uint64_t key_hash);
  void RunUnaudited(CommandContext& context, const TableEntry& entry);
  /// Whether clients are only to be told that a script goes on for long.
  bool IsBusy() const { return is_serving_ || reactor_.is_visit(); }
  static void AddMovableKeys(Unit& unit, const TableEntry& entry,
                             std::span<const std::string_view> args);
  /// Does for a client that has to do with tracking what follows its command: tells it of its own
  /// changes, keeps the table bounded, ends what CLIENT CACHING began.
  void AfterTracked(Client& client, const TableEntry* entry,
                    std::span<const std::string_view> args);
  void NoteHotKeys(const CommandContext& context, const TableEntry& entry, HotKeys::Totals cost);
  void RememberKeys(const CommandContext& context, const TableEntry& entry);
  void NoteSlow(CommandContext& context, const TableEntry& entry, uint64_t ticks);
  /// Notes a command whose request or reply is large.
  void NoteLarge(CommandContext& context, const TableEntry& entry, uint64_t request_bytes,
                 uint64_t reply_bytes);
  void LogCommand(CommandLog::Kind kind, CommandContext& context, const TableEntry& entry,
                  int64_t value, uint64_t max_len);
  void Forget(Client& client);
  void Reap(Client& client);
  bool RunReaper();
  bool RunJobs();
  void ResumeCongested();
  void LookAtClients();
  /// Closes a client that takes too long to shake hands or to authenticate.
  void CheckEntry(Client& client);
  /// Closes a client that has not authenticated and is owed more than it may be.
  bool IsOwedTooMuch(Client& client);
  /// Closes a client whose token has expired.
  void CloseExpired(Client& client);
  /// Brings now_ms_ up to date; `ticks` is the present.
  void ReadClock(uint64_t ticks);
  void EvictClient(Client& largest, uint64_t largest_bytes, uint64_t limit);

  Server& server_;
  Reactor& reactor_;
  HubPort hub_port_;
  TrackingPort tracking_port_;
  Unit unit_;
  Arena replies_;
  protocol::RequestScratch request_scratch_;
  CommandStats stats_;
  Client* replying_ = nullptr;  // whose reply is under way
  std::vector<Client*> clients_;
  uint32_t pubsub_clients_ = 0;
  uint32_t scan_at_ = 0;  // where the slow look at all clients goes on
  bool was_paused_ = false;
  bool has_freed_much_ = false;  // since the last tick
  std::atomic<uint64_t> clients_bytes_{0};
  std::atomic<uint64_t> largest_client_bytes_{0};
  std::unique_ptr<TlsShared> tls_;
  std::vector<Client*> reaped_;
  std::vector<Client*> jobs_;
  std::vector<Client*> congested_;
  std::unique_ptr<ExpiryCycle> expiry_;
  std::unique_ptr<Eviction> eviction_;
  BlockedClients blocked_{*this};
  std::string rebuilt_;  // see KeepRebuilt
  int64_t now_ms_ = 0;
  uint64_t clock_ticks_ = UsToTicks(1000);  // what now_ms_ may be behind between two commands
  uint64_t clock_due_ticks_ = 0;
  uint64_t ticks_ = 0;       // when the last command ended
  uint64_t slow_ticks_ = 0;  // from here on a command is looked at by slowlog and latency monitor
  // From these sizes on a command goes to a log.
  uint64_t large_request_bytes_ = UINT64_MAX;
  uint64_t large_reply_bytes_ = UINT64_MAX;
  uint64_t reap_hint_ = 0;
  uint32_t running_index_ = 0;
  uint64_t admission_ = 0;  // Server::admission() as of the command under way
  bool must_admit_again_ = false;
  bool is_out_of_memory_ = false;
  bool is_serving_ = false;  // ServeWhileBusy
  std::unique_ptr<LuaEngine> lua_;
  std::unique_ptr<Unit> meanwhile_unit_;
};

}  // namespace peal::broker
