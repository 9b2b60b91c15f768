#include "store/sync/gate.h"

#include "protocol/base/check.h"
#include "store/sync/chaos.h"
#include "store/sync/futex.h"
#include "store/sync/lock_rank.h"

namespace peal::store {
namespace {

thread_local const Gate* held_gate = nullptr;

}  // namespace

bool Gate::HeldExclusively() const { return held_gate == this; }

bool Gate::ThreadHoldsAny() { return held_gate != nullptr; }

void Gate::LockExclusive(int participant) NO_THREAD_SAFETY_ANALYSIS { Lock(participant, false); }

bool Gate::LockExclusiveUnlessVisits(int participant) NO_THREAD_SAFETY_ANALYSIS {
  return Lock(participant, true);
}

bool Gate::Lock(int participant, bool gives_up) {
  PEAL_CHECK(held_gate == nullptr);
#ifndef NDEBUG
  PEAL_CHECK(lock_rank::ThreadHeldCount() == 0);
#endif
  const bool was_in_turn = participant != kNoParticipant && turnstile_.IsIn(participant);
  const uint32_t ticket = next_ticket_.fetch_add(1, std::memory_order_seq_cst);
  std::atomic<Ticket>& own = tickets_[ticket % kTickets];
  if (was_in_turn) turnstile_.Leave(participant);
  ChaosPoint();
  for (;;) {
    // Read first: whatever is looked at below changes before this does.
    const uint32_t seen = calls_.load(std::memory_order_seq_cst);
    if (serving_.load(std::memory_order_seq_cst) == ticket) break;
    Ticket waits = Ticket::kWaits;
    if (gives_up && turnstile_.AllowsVisits() &&
        own.compare_exchange_strong(waits, Ticket::kGivenUp)) {
      return false;
    }
    ChaosPoint();
    FutexWait(calls_, seen);
  }
  own.store(Ticket::kWaits, std::memory_order_relaxed);
  turnstile_.WaitForKeptOut(participant);
  turnstile_.Close(participant);
  holder_ = participant;
  holder_was_in_turn_ = was_in_turn;
  held_gate = this;
  return true;
}

void Gate::AllowVisits() {
  turnstile_.AllowVisits();
  CallWaiting(serving_.load(std::memory_order_relaxed) + 1);
}

void Gate::CallWaiting(uint32_t first) {
  calls_.fetch_add(1, std::memory_order_seq_cst);
  if (next_ticket_.load(std::memory_order_seq_cst) != first) FutexWakeAll(calls_);
}

void Gate::UnlockExclusive() NO_THREAD_SAFETY_ANALYSIS {
  PEAL_CHECK(held_gate == this);
  PEAL_DCHECK(lock_rank::ThreadHeldCount() == 0);
  held_gate = nullptr;
  // Back in the turn before anybody else can close: the caller goes on where it was.
  if (holder_was_in_turn_) turnstile_.EnterAsCloser(holder_);
  uint32_t next = serving_.load(std::memory_order_relaxed) + 1;
  while (tickets_[next % kTickets].exchange(Ticket::kServed) == Ticket::kGivenUp) {
    tickets_[next % kTickets].store(Ticket::kWaits);
    ++next;
  }
  turnstile_.Open();
  ChaosPoint();
  serving_.store(next, std::memory_order_seq_cst);
  CallWaiting(next);
}

}  // namespace peal::store
