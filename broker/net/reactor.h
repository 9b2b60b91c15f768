#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "broker/net/connection.h"
#include "broker/net/inbox.h"
#include "broker/net/uv.h"
#include "store/sync/gate.h"

namespace peal::broker {

/// What a reactor asks of the layer above. Called on the reactor's thread, inside a turn.
class ReactorHandler {
 public:
  /// The reactor's thread runs now; before anything else.
  virtual void OnStart() = 0;
  /// A turn begins, after a sleep or after the last one: the time to look at clocks.
  virtual void OnTurnBegin() = 0;
  /// All input of this turn is processed: deliver what the inbox brought, go on with long jobs.
  /// Returns true if work is left for the next turn, which then comes without waiting.
  virtual bool OnTurnEnd() = 0;
  /// In the place of OnTurnEnd when the turn is a visit: the keys are not to be touched.
  virtual void OnVisitEnd() = 0;
  /// In the middle of a turn that was left and is not to be had back for long: a visit, in which
  /// this reactor's clients may be told so.
  virtual void OnVisitMeanwhile() = 0;
  /// The loop ends: close every connection and handle of the layer above. The last call.
  virtual void OnStop() = 0;
  /// About every 100 ms.
  virtual void OnTick() = 0;

 protected:
  ~ReactorHandler() = default;
};

/// One event loop on one thread, with the connections it owns.
///
/// Each round of the loop is a turn: the sockets that are ready are read and their commands
/// executed, the inbox is drained, and then everything that was queued is sent, once for each
/// connection. Inside a turn the reactor is a participant of the Gate, which it lets go first
/// between any two connections; asleep it is not, so whoever needs all reactors parked never waits
/// for a sleeper.
class Reactor final : private store::Gate::Bystander {
 public:
  Reactor(int index, store::Gate& gate, size_t read_buffer_bytes);
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor();

  int index() const { return index_; }
  uv_loop_t* loop() { return &loop_; }
  void set_handler(ReactorHandler* handler) { handler_ = handler; }

  /// Runs the loop until Stop. The calling thread is the reactor's from here on.
  void Run();
  /// [any thread] Closes all connections and ends Run.
  void Stop();

  Inbox& inbox() { return inbox_; }
  /// [any thread] Makes sure that the reactor looks at its inbox. Call after Inbox::Push.
  void Wake() {
    if (asleep_.load(std::memory_order_seq_cst) &&
        asleep_.exchange(false, std::memory_order_seq_cst)) {
      uv_async_send(&async_);
    }
  }
  /// [any thread] Push and Wake.
  void Post(InboxNode* node) {
    inbox_.Push(node);
    Wake();
  }
  /// Runs what was posted before the call: all of it, or about `kDrainSlice` nodes. Reactor thread,
  /// in a turn.
  void DrainAll();
  /// As DrainAll, but only what TakePosts has taken.
  void DrainTaken();
  bool HasPosts() const { return pending_ != nullptr || !inbox_.empty(); }
  /// Moves what was posted out of the inbox, so that DrainAll and later turns run it before
  /// anything posted from now on. Reactor thread.
  void TakePosts();
  /// Microseconds on the monotonic clock, read once for each turn.
  int64_t turn_us() const { return turn_us_; }
  /// Connections owned or assigned and still on their way. [any thread]
  std::atomic<int>& load() { return load_; }

  /// Opens a turn unless one is open. The first thing any libuv callback on this loop does.
  void BeginTurn();
  /// Makes sure that a turn comes within about `ms`, even if nothing happens.
  void ScheduleTurn(uint64_t ms);

  /// Lets an exclusive holder of the Gate go first, if one waits. Between two commands only.
  void YieldToExclusive();
  store::Gate& gate() { return gate_; }
  /// Whether this turn is a visit while another reactor holds the Gate for long (see store::Gate):
  /// clients may be told so, and nothing else.
  bool is_visit() const { return is_visit_; }
  /// Takes the Gate, in a turn that is no visit. False, and the turn is a visit, if whoever has it
  /// keeps it for long.
  [[nodiscard]] bool LockExclusive();
  void UnlockExclusive();

  /// In the middle of a command, or of anything else in a turn, that goes on for long: reads and
  /// writes those of `connections` whose sockets are ready, goes on with input that was kept, and
  /// sends what is queued, as a turn does. `busy`, whose command it is, is only written to.
  void ServeMeanwhile(const std::vector<Connection*>& connections, const Connection* busy);

  std::array<OutputLimit, kClientClasses>& output_limits() { return output_limits_; }
  /// A connection whose unread replies pass this many bytes is not read until they are sent.
  static constexpr uint64_t kOutputPauseBytes = 4 << 20;
  /// Handshakes cost up to a millisecond each; those that do not fit into this part of a turn wait
  /// for the next one, so that a storm of new connections leaves room for those that are there.
  static constexpr int64_t kHandshakeSliceUs = 500;

  /// Counters of this reactor; others read them with all reactors parked.
  struct Counters {
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
    uint64_t reads = 0;
    uint64_t writes = 0;
    uint64_t turns = 0;
    uint64_t nodes = 0;
  };
  Counters& counters() { return counters_; }

 private:
  friend class Connection;

  void StepAside() override;
  static void OnCheck(uv_check_t* handle);
  static void OnPrepare(uv_prepare_t* handle);
  void LeaveTurn();
  void EndTurn();
  void DrainSlice(int nodes);
  /// Goes on with the kept input of those that can, but for `busy`; appends them to `served`.
  void RunRunnable(const Connection* busy, std::vector<Connection*>* served);
  void RunGreeting();
  /// Whether one more handshake fits into this turn, and nobody has waited longer for it.
  bool MayShakeHands() const {
    return handshake_us_ < kHandshakeSliceUs && (greeting_.empty() || is_greeting_run_);
  }
  void FlushDirty();
  void CloseMarked();
  void KeepAwake(bool awake);
  void CloseOwnHandles();

  const int index_;
  store::Gate& gate_;
  ReactorHandler* handler_ = nullptr;
  uv_loop_t loop_;
  uv_prepare_t prepare_;
  uv_check_t check_;
  uv_idle_t idle_;
  uv_async_t async_;
  uv_timer_t tick_;
  uv_timer_t soon_;
  std::unique_ptr<char[]> read_buffer_;
  std::unique_ptr<char[]> meanwhile_buffer_;  // read_buffer_ holds the running command
  const size_t read_buffer_bytes_;
  InboxNode* pending_ = nullptr;  // taken from the inbox, oldest first
  InboxNode* pending_last_ = nullptr;
  std::vector<Connection*> dirty_;
  std::vector<Connection*> closing_;
  std::deque<Connection*> runnable_;
  std::deque<Connection*> greeting_;  // their handshakes wait, first come first
  int64_t handshake_us_ = 0;          // spent on handshakes in this turn
  std::array<OutputLimit, kClientClasses> output_limits_;
  int64_t turn_us_ = 0;
  Counters counters_;
  bool in_turn_ = false;
  bool is_visit_ = false;
  bool is_greeting_run_ = false;  // inside RunGreeting
  bool is_closed_ = false;
  bool idle_active_ = false;
  bool work_left_ = false;
  std::atomic<bool> stopping_{false};
  alignas(64) std::atomic<bool> asleep_{false};
  std::atomic<int> load_{0};
  Inbox inbox_;
};

}  // namespace peal::broker
