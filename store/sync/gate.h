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

  /// As Enter; but while the holder allows visits it begins a visit instead of waiting: then false.
  [[nodiscard]] bool EnterOrVisit(int participant) { return turnstile_.EnterOrVisit(participant); }
  void LeaveVisit(int participant) { turnstile_.LeaveVisit(participant); }

  /// The holder goes on alone for long and lets the others in meanwhile, to tell those who wait for
  /// them how things are. A visitor leaves the keys alone, but for the lists of those who watch
  /// them; the holder reads and changes nothing of anybody else's until EndVisits has returned.
  void AllowVisits();
  void EndVisits() { turnstile_.EndVisits(holder_); }

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
  /// As LockExclusive for a participant in a turn; but gives up if the holder of that moment allows
  /// visits. Then false, and the turn has ended.
  [[nodiscard]] bool LockExclusiveUnlessVisits(int participant) TRY_ACQUIRE(true);

  /// The Gate for a participant that is in a turn, in the middle of a unit of work, and holds
  /// stripes: goes before everybody who waits for the Gate. Whoever waits for these stripes steps
  /// aside, so they are free to be let go of afterwards. False, and nothing has changed, if another
  /// is doing the same: one of the two has to end.
  [[nodiscard]] bool Upgrade(int participant) TRY_ACQUIRE(true);

  /// Someone in a turn that may have to wait for a stripe.
  class Bystander {
   public:
    /// Ends the turn and begins another; the thread holds no mutex.
    virtual void StepAside() = 0;

   protected:
    ~Bystander() = default;
  };
  /// Names the calling thread as that of `participant`, which steps aside while it waits for a
  /// stripe and somebody wants the Gate. Null: it is nobody's any more.
  void NameThread(int participant, Bystander* bystander);
  /// Whether the calling thread is in a turn and somebody wants the Gate exclusively.
  static bool ThreadIsWanted();
  static void ThreadStepsAside();

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
  // What has become of a ticket; more places than there can be tickets at one time.
  enum class Ticket : uint8_t { kWaits, kServed, kGivenUp };
  static constexpr uint32_t kTickets = 4 * kMaxParticipants;

  bool Lock(int participant, bool gives_up);
  void BecomeHolder(int participant, bool was_in_turn);
  /// Lets those who wait for a ticket look again; nobody has one from `first` on if that is next.
  void CallWaiting(uint32_t first);

  Turnstile turnstile_;
  alignas(64) std::atomic<uint32_t> next_ticket_{0};
  std::atomic<uint32_t> serving_{0};
  std::atomic<uint32_t> calls_{0};  // those who wait sleep on this
  std::atomic<Ticket> tickets_[kTickets] = {};
  std::atomic<int> upgrading_{kNoParticipant};
  std::atomic<bool> has_precedence_{false};  // whoever is upgrading has been given a served ticket
  int holder_ = kNoParticipant;              // the holder's place; written by the holder only
  bool holder_was_in_turn_ = false;          // likewise
};

}  // namespace peal::store
