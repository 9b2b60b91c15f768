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

void Gate::LockExclusive(int participant) NO_THREAD_SAFETY_ANALYSIS {
  PEAL_CHECK(held_gate == nullptr);
#ifndef NDEBUG
  PEAL_CHECK(lock_rank::ThreadHeldCount() == 0);
#endif
  const bool was_in_turn = participant != kNoParticipant && turnstile_.IsIn(participant);
  const uint32_t ticket = next_ticket_.fetch_add(1, std::memory_order_relaxed);
  if (was_in_turn) turnstile_.Leave(participant);
  ChaosPoint();
  for (uint32_t now; (now = serving_.load(std::memory_order_acquire)) != ticket;) {
    FutexWait(serving_, now);
  }
  turnstile_.WaitForKeptOut(participant);
  turnstile_.Close(participant);
  holder_ = participant;
  holder_was_in_turn_ = was_in_turn;
  held_gate = this;
}

void Gate::UnlockExclusive() NO_THREAD_SAFETY_ANALYSIS {
  PEAL_CHECK(held_gate == this);
  PEAL_DCHECK(lock_rank::ThreadHeldCount() == 0);
  held_gate = nullptr;
  // Back in the turn before anybody else can close: the caller goes on where it was.
  if (holder_was_in_turn_) turnstile_.EnterAsCloser(holder_);
  const uint32_t served = serving_.load(std::memory_order_relaxed);
  turnstile_.Open();
  ChaosPoint();
  serving_.store(served + 1, std::memory_order_seq_cst);
  if (next_ticket_.load(std::memory_order_seq_cst) != served + 1) FutexWakeAll(serving_);
}

}  // namespace peal::store
