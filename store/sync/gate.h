#pragma once

#include <atomic>
#include <cstdint>

#include "store/sync/annotations.h"
#include "store/sync/turnstile.h"

namespace peal::store {

/// Whole-keyspace exclusion by parking threads at turn boundaries.
///
/// Its readers are *turns*: a reactor opens one around each callback, so a reactor asleep in poll
/// is outside and is never waited for. An exclusive holder runs while nobody else is in a turn; it
/// may read the state of any parked reactor. Holders are served in the order of their tickets, and
/// between two of them every participant that was kept waiting gets at least one normal turn.
class CAPABILITY("gate") Gate {
 public:
  static constexpr int kMaxParticipants = Turnstile::kMaxParticipants;
  /// For threads without a place of their own: they may hold exclusively but not open turns.
  static constexpr int kNoParticipant = Turnstile::kNobody;

  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// Begins a turn of `participant` (0..63, one thread at a time each); waits while the gate is
  /// held.
  void Enter(int participant) { turnstile_.Enter(participant); }

  /// Ends the turn.
  void Leave(int participant) { turnstile_.Leave(participant); }

  /// True while somebody holds or waits for exclusivity: whoever is in a long turn should leave it
  /// and enter again at the next point where it holds nothing. [any thread]
  bool ExclusiveWanted() const { return turnstile_.IsClosed(); }

  bool InTurn(int participant) const { return turnstile_.IsIn(participant); }

  /// True if the calling thread holds this gate exclusively. [any thread]
  bool HeldExclusively() const;

  /// True if the calling thread holds some gate exclusively; for assertions on what it guards.
  static bool ThreadHoldsAny();

  /// Takes the gate for the calling thread. With a participant in a turn, that turn ends while
  /// waiting and is open again after Unlock. The thread must hold no mutex (checked in debug
  /// builds) and must not hold a gate already. Prefer ExclusiveScope.
  void LockExclusive(int participant = kNoParticipant) ACQUIRE();
  void UnlockExclusive() RELEASE();

  /// A turn for a scope.
  class TurnScope {
   public:
    TurnScope(Gate& gate, int participant) : gate_(gate), participant_(participant) {
      gate_.Enter(participant_);
    }
    ~TurnScope() { gate_.Leave(participant_); }
    TurnScope(const TurnScope&) = delete;
    TurnScope& operator=(const TurnScope&) = delete;

   private:
    Gate& gate_;
    const int participant_;
  };

  /// Exclusivity for a scope.
  class SCOPED_CAPABILITY ExclusiveScope {
   public:
    explicit ExclusiveScope(Gate& gate, int participant = kNoParticipant) ACQUIRE(gate)
        : gate_(gate) {
      gate_.LockExclusive(participant);
    }
    ~ExclusiveScope() RELEASE() { gate_.UnlockExclusive(); }
    ExclusiveScope(const ExclusiveScope&) = delete;
    ExclusiveScope& operator=(const ExclusiveScope&) = delete;

   private:
    Gate& gate_;
  };

 private:
  Turnstile turnstile_;
  alignas(64) std::atomic<uint32_t> next_ticket_{0};
  std::atomic<uint32_t> serving_{0};
  int holder_ = kNoParticipant;      // the holder's place; written by the holder only
  bool holder_was_in_turn_ = false;  // likewise
};

}  // namespace peal::store
