#include "broker/net/reactor.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "broker/metrics/clock.h"
#include "protocol/base/check.h"
#include "store/sync/chaos.h"

namespace peal::broker {
namespace {

constexpr int kDrainNodes = 4096;
constexpr int kDrainBetweenYields = 256;
constexpr size_t kSendsBetweenYields = 16;
constexpr uint64_t kTickMs = 100;
constexpr std::chrono::milliseconds kBetweenVisits(2);

}  // namespace

Reactor::Reactor(int index, store::Gate& gate, size_t read_buffer_bytes)
    : index_(index),
      gate_(gate),
      read_buffer_(new char[read_buffer_bytes]),
      read_buffer_bytes_(read_buffer_bytes) {
  PEAL_CHECK(uv_loop_init(&loop_) == 0);
  loop_.data = this;
  PEAL_CHECK(uv_prepare_init(&loop_, &prepare_) == 0);
  PEAL_CHECK(uv_check_init(&loop_, &check_) == 0);
  PEAL_CHECK(uv_idle_init(&loop_, &idle_) == 0);
  PEAL_CHECK(uv_timer_init(&loop_, &tick_) == 0);
  PEAL_CHECK(uv_timer_init(&loop_, &soon_) == 0);
  PEAL_CHECK(uv_async_init(&loop_, &async_, [](uv_async_t*) {}) == 0);
  PEAL_CHECK(uv_prepare_start(&prepare_, OnPrepare) == 0);
  PEAL_CHECK(uv_check_start(&check_, OnCheck) == 0);
  PEAL_CHECK(uv_timer_start(
                 &tick_,
                 [](uv_timer_t* timer) {
                   auto& self = *static_cast<Reactor*>(timer->loop->data);
                   self.BeginTurn();
                   if (!self.is_visit_) self.handler_->OnTick();
                 },
                 kTickMs, kTickMs) == 0);
}

Reactor::~Reactor() {
  // A reactor that never ran, or was not stopped, still has its own handles.
  if (!is_closed_) {
    CloseOwnHandles();
    uv_run(&loop_, UV_RUN_DEFAULT);
  }
  PEAL_CHECK(uv_loop_close(&loop_) == 0);
}

void Reactor::CloseOwnHandles() {
  is_closed_ = true;
  for (uv_handle_t* own :
       {reinterpret_cast<uv_handle_t*>(&prepare_), reinterpret_cast<uv_handle_t*>(&check_),
        reinterpret_cast<uv_handle_t*>(&idle_), reinterpret_cast<uv_handle_t*>(&async_),
        reinterpret_cast<uv_handle_t*>(&tick_), reinterpret_cast<uv_handle_t*>(&soon_)}) {
    uv_close(own, nullptr);
  }
}

void Reactor::Run() {
  gate_.NameThread(index_, this);
  turn_us_ = MonotonicUs();
  BeginTurn();
  handler_->OnStart();
  EndTurn();
  uv_run(&loop_, UV_RUN_DEFAULT);
  gate_.NameThread(index_, nullptr);
}

void Reactor::Stop() {
  stopping_.store(true, std::memory_order_seq_cst);
  uv_async_send(&async_);
}

void Reactor::BeginTurn() {
  if (in_turn_) return;
  is_visit_ = !gate_.EnterOrVisit(index_);
  in_turn_ = true;
  turn_us_ = MonotonicUs();
  handshake_us_ = 0;
  ++counters_.turns;
  handler_->OnTurnBegin();
}

void Reactor::LeaveTurn() {
  if (!in_turn_) return;
  in_turn_ = false;
  is_visit_ ? gate_.LeaveVisit(index_) : gate_.Leave(index_);
  is_visit_ = false;
}

void Reactor::YieldToExclusive() {
  if (!gate_.ExclusiveWanted() && !is_visit_) [[likely]]
    return;
  if (gate_.HeldExclusively()) return;
  is_visit_ ? gate_.LeaveVisit(index_) : gate_.Leave(index_);
  is_visit_ = !gate_.EnterOrVisit(index_);
}

void Reactor::StepAside() {
  PEAL_DCHECK(in_turn_ && !is_visit_);
  gate_.Leave(index_);
  while (!gate_.EnterOrVisit(index_)) {
    is_visit_ = true;
    handler_->OnVisitMeanwhile();
    if (!is_visit_) return;  // a turn has begun in between
    is_visit_ = false;
    gate_.LeaveVisit(index_);
    std::this_thread::sleep_for(kBetweenVisits);
  }
}

bool Reactor::LockExclusive() NO_THREAD_SAFETY_ANALYSIS {
  PEAL_DCHECK(in_turn_ && !is_visit_);
  if (gate_.LockExclusiveUnlessVisits(index_)) return true;
  is_visit_ = !gate_.EnterOrVisit(index_);
  return false;
}

void Reactor::UnlockExclusive() NO_THREAD_SAFETY_ANALYSIS { gate_.UnlockExclusive(); }

void Reactor::ServeMeanwhile(const std::vector<Connection*>& connections, const Connection* busy) {
  std::vector<pollfd> sockets;
  std::vector<Connection*> served;
  for (Connection* connection : connections) {
    if (connection->is_closing()) continue;
    const bool reads = connection != busy && !connection->IsPaused();
    const int events = (reads ? POLLIN : 0) | (connection->wants_write_ ? POLLOUT : 0);
    if (events == 0) continue;
    sockets.push_back(
        {.fd = connection->fd(), .events = static_cast<int16_t>(events), .revents = 0});
    served.push_back(connection);
  }
  const int found = ::poll(sockets.data(), sockets.size(), 0);
  size_t ready = 0;
  for (size_t i = 0; i < sockets.size() && found > 0; ++i) {
    if (sockets[i].revents == 0) continue;
    served[ready] = served[i];
    sockets[ready++] = sockets[i];
  }
  served.resize(ready);
  if (meanwhile_buffer_ == nullptr) meanwhile_buffer_.reset(new char[read_buffer_bytes_]);
  read_buffer_.swap(meanwhile_buffer_);
  turn_us_ = MonotonicUs();
  handshake_us_ = 0;
  TakePosts();
  DrainSlice(kDrainNodes);
  for (size_t i = 0; i < ready; ++i) {
    Connection& connection = *served[i];
    if (connection.is_closing()) continue;
    const int events = sockets[i].revents;
    // Whatever else the system says of a socket that is not read shows when it is written to.
    if ((sockets[i].events & POLLOUT) != 0 && (events & ~POLLIN) != 0) connection.OnWritable();
    if ((sockets[i].events & POLLIN) != 0 && (events & ~POLLOUT) != 0 && !connection.IsPaused()) {
      connection.OnReadable();
    }
  }
  RunRunnable(busy, &served);
  RunGreeting();
  FlushDirty();
  // Who left goes now: a script may go on for hours. The list of those that close keeps them until
  // its turn, which finds nothing left to do.
  for (Connection* connection : served) {
    if (connection->is_closing() && connection != busy) connection->TearDown();
  }
  read_buffer_.swap(meanwhile_buffer_);
}

void Reactor::ScheduleTurn(uint64_t ms) {
  if (uv_is_active(reinterpret_cast<uv_handle_t*>(&soon_)) && uv_timer_get_due_in(&soon_) <= ms) {
    return;
  }
  uv_timer_start(
      &soon_, [](uv_timer_t* timer) { static_cast<Reactor*>(timer->loop->data)->BeginTurn(); }, ms,
      0);
}

void Reactor::TakePosts() {
  InboxNode* taken = inbox_.TakeAll();
  if (taken == nullptr) return;
  if (pending_ == nullptr) {
    pending_ = taken;
  } else {
    pending_last_->next = taken;
  }
  while (taken->next != nullptr) taken = taken->next;
  pending_last_ = taken;
}

void Reactor::DrainSlice(int nodes) {
  while (pending_ != nullptr && nodes-- > 0) {
    InboxNode* node = pending_;
    pending_ = node->next;
    ++counters_.nodes;
    node->run(node, *this);
  }
}

void Reactor::DrainAll() {
  store::ChaosPoint();
  TakePosts();
  InboxNode* const last = pending_last_;
  for (bool is_last = pending_ == nullptr; !is_last;) {
    for (int i = 0; i < kDrainBetweenYields && !is_last; ++i) {
      is_last = pending_ == last;
      DrainSlice(1);
    }
    YieldToExclusive();
  }
}

void Reactor::DrainTaken() {
  InboxNode* const last = pending_ == nullptr ? nullptr : pending_last_;
  while (pending_ != nullptr) {
    const bool was_last = pending_ == last;
    DrainSlice(1);
    if (was_last) break;
  }
}

void Reactor::EndTurn() {
  BeginTurn();
  RunRunnable(nullptr, nullptr);
  RunGreeting();
  TakePosts();
  DrainSlice(kDrainNodes);
  if (is_visit_) {
    handler_->OnVisitEnd();
    work_left_ = pending_ != nullptr;
  } else {
    work_left_ = handler_->OnTurnEnd() || pending_ != nullptr;
  }
  work_left_ = work_left_ || !greeting_.empty();
  CloseMarked();
  FlushDirty();
  LeaveTurn();
}

void Reactor::RunRunnable(const Connection* busy, std::vector<Connection*>* served) {
  // One of them may be the one that takes long, and those behind it are served meanwhile.
  for (size_t left = runnable_.size(); left > 0 && !runnable_.empty(); --left) {
    Connection* const connection = runnable_.front();
    runnable_.pop_front();
    if (connection == busy) {
      runnable_.push_back(connection);
      continue;
    }
    connection->is_runnable_ = false;
    YieldToExclusive();
    if (served != nullptr && !connection->is_closing_) served->push_back(connection);
    connection->ProcessKeptInput();
    connection->MaybeDelete();
  }
}

void Reactor::RunGreeting() {
  if (greeting_.empty()) return;
  is_greeting_run_ = true;
  while (!greeting_.empty() && (greeting_.front()->is_closing_ || MayShakeHands())) {
    Connection* const connection = greeting_.front();
    greeting_.pop_front();
    connection->is_greeting_ = false;
    YieldToExclusive();
    connection->ResumeReading(Pause::kHandshake);
    if (!connection->is_closing_ && connection->pauses_ == 0) connection->OnReadable();
    connection->MaybeDelete();
  }
  is_greeting_run_ = false;
}

void Reactor::FlushDirty() {
  // Connections marked while sending (none should be) would come with the next turn.
  const size_t n = dirty_.size();
  for (size_t i = 0; i < n; ++i) {
    if (i + 2 < n) __builtin_prefetch(dirty_[i + 2]);
    // Thousands of sends take milliseconds; whoever needs all reactors parked waits for a few of
    // them.
    if (i % kSendsBetweenYields == 0) YieldToExclusive();
    dirty_[i]->Flush();
  }
  dirty_.erase(dirty_.begin(), dirty_.begin() + static_cast<ptrdiff_t>(n));
}

void Reactor::CloseMarked() {
  for (size_t i = 0; i < closing_.size(); ++i) closing_[i]->TearDown();
  closing_.clear();
}

void Reactor::KeepAwake(bool awake) {
  if (awake == idle_active_) return;
  idle_active_ = awake;
  if (awake) {
    uv_idle_start(&idle_, [](uv_idle_t*) {});
  } else {
    uv_idle_stop(&idle_);
  }
}

void Reactor::OnPrepare(uv_prepare_t* handle) {
  auto& self = *static_cast<Reactor*>(handle->loop->data);
  if (self.in_turn_) self.EndTurn();
  bool awake =
      self.work_left_ || !self.runnable_.empty() || !self.closing_.empty() || !self.dirty_.empty();
  if (!awake) {
    // Announce the sleep, then look once more: a producer either sees the announcement and sends
    // the signal, or pushed early enough for this look to find its node.
    self.asleep_.store(true, std::memory_order_seq_cst);
    if (!self.inbox_.empty()) {
      self.asleep_.store(false, std::memory_order_relaxed);
      awake = true;
    }
  }
  self.KeepAwake(awake);
}

void Reactor::OnCheck(uv_check_t* handle) {
  auto& self = *static_cast<Reactor*>(handle->loop->data);
  self.asleep_.store(false, std::memory_order_relaxed);
  if (self.in_turn_ || self.work_left_ || !self.runnable_.empty() || !self.closing_.empty() ||
      !self.dirty_.empty() || !self.inbox_.empty()) {
    self.EndTurn();
  }
  if (self.stopping_.load(std::memory_order_relaxed)) {
    self.stopping_.store(false, std::memory_order_relaxed);
    self.BeginTurn();
    // What was posted may be sockets on their way here; nothing must be left behind.
    while (self.HasPosts()) self.DrainAll();
    self.handler_->OnStop();
    self.EndTurn();
    self.CloseOwnHandles();
  }
}

}  // namespace peal::broker
