#include "store/sync/gate.h"

#include "protocol/base/check.h"
#include "store/sync/chaos.h"
#include "store/sync/futex.h"
#include "store/sync/lock_rank.h"

namespace peal::store {
namespace {

thread_local const Gate* held_gate = nullptr;
thread_local const Gate* own_gate = nullptr;
thread_local int own_participant = Gate::kNoParticipant;
thread_local Gate::Bystander* own_bystander = nullptr;

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
  uint32_t ticket = next_ticket_.fetch_add(1, std::memory_order_seq_cst);
  if (was_in_turn) turnstile_.Leave(participant);
  ChaosPoint();
  for (;;) {
    std::atomic<Ticket>& own = tickets_[ticket % kTickets];
    // Read first: whatever is looked at below changes before this does.
    const uint32_t seen = calls_.load(std::memory_order_seq_cst);
    if (serving_.load(std::memory_order_seq_cst) == ticket) {
      own.store(Ticket::kWaits, std::memory_order_relaxed);
      turnstile_.WaitForKeptOut(participant);
      if (turnstile_.Close(participant, &upgrading_)) break;
      // The one that is still in takes this turn at the Gate; this thread queues up again.
      ticket = next_ticket_.fetch_add(1, std::memory_order_seq_cst);
      ChaosPoint();
      has_precedence_.store(true, std::memory_order_seq_cst);
      calls_.fetch_add(1, std::memory_order_seq_cst);
      FutexWakeAll(calls_);
      continue;
    }
    Ticket waits = Ticket::kWaits;
    if (gives_up && turnstile_.AllowsVisits() &&
        own.compare_exchange_strong(waits, Ticket::kGivenUp)) {
      return false;
    }
    ChaosPoint();
    FutexWait(calls_, seen);
  }
  BecomeHolder(participant, was_in_turn);
  return true;
}

void Gate::BecomeHolder(int participant, bool was_in_turn) {
  holder_ = participant;
  holder_was_in_turn_ = was_in_turn;
  held_gate = this;
}

bool Gate::Upgrade(int participant) NO_THREAD_SAFETY_ANALYSIS {
  PEAL_CHECK(held_gate == nullptr && turnstile_.IsIn(participant));
  int nobody = kNoParticipant;
  if (!upgrading_.compare_exchange_strong(nobody, participant, std::memory_order_seq_cst)) {
    return false;
  }
  // Whoever closes waits for this participant and makes way for it. If nobody does, its own ticket
  // comes up.
  const uint32_t ticket = next_ticket_.fetch_add(1, std::memory_order_seq_cst);
  std::atomic<Ticket>& own = tickets_[ticket % kTickets];
  ChaosPoint();
  for (;;) {
    const uint32_t seen = calls_.load(std::memory_order_seq_cst);
    if (serving_.load(std::memory_order_seq_cst) == ticket) {
      own.store(Ticket::kWaits, std::memory_order_relaxed);
      turnstile_.WaitForKeptOut(participant);
      break;
    }
    if (has_precedence_.exchange(false, std::memory_order_seq_cst)) {
      Ticket waits = Ticket::kWaits;
      PEAL_CHECK(own.compare_exchange_strong(waits, Ticket::kGivenUp));
      break;
    }
    FutexWait(calls_, seen);
  }
  turnstile_.Close(participant);
  // Nobody else is in a turn now, so nobody can ask for the same.
  upgrading_.store(kNoParticipant, std::memory_order_seq_cst);
  BecomeHolder(participant, true);
  return true;
}

void Gate::NameThread(int participant, Bystander* bystander) {
  own_gate = this;
  own_participant = participant;
  own_bystander = bystander;
}

bool Gate::ThreadIsWanted() {
  return own_bystander != nullptr && held_gate == nullptr && own_gate->InTurn(own_participant) &&
         own_gate->ExclusiveWanted();
}

void Gate::ThreadStepsAside() {
  // What it kept it would keep from whoever holds the Gate, and from those who visit.
  PEAL_DCHECK(lock_rank::ThreadHeldCount() == 0);
  own_bystander->StepAside();
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
