#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "protocol/base/check.h"

namespace peal::store {

/// The part that Gate and DistributedRwLock share: up to 64 participants that pass in and out, each
/// on a cache line of its own, and one closer at a time who keeps them out.
///
/// Passing is one exchange on an own line and a load of a line that is rarely written. Memory
/// order: "I am in" and "is it closed" on one side, "it is closed" and "is anyone in" on the other,
/// are sequentially consistent, so that at least one side sees the other.
class Turnstile {
 public:
  static constexpr int kMaxParticipants = 64;
  static constexpr int kNobody = -1;

  /// Goes in; waits while closed. `participant` must be out, and is used by one thread at a time.
  void Enter(int participant) {
    Line& line = At(participant);
    PEAL_DCHECK(line.in.load(std::memory_order_relaxed) == kOut);
    line.in.store(kIn, std::memory_order_seq_cst);
    if (closed_.load(std::memory_order_seq_cst) != kOpen) [[unlikely]]
      EnterSlow(line, false);
  }

  /// As Enter, but while visits are allowed it comes in as a visitor: then false, and LeaveVisit
  /// follows instead of Leave.
  [[nodiscard]] bool EnterOrVisit(int participant) {
    Line& line = At(participant);
    PEAL_DCHECK(line.in.load(std::memory_order_relaxed) == kOut);
    line.in.store(kIn, std::memory_order_seq_cst);
    if (closed_.load(std::memory_order_seq_cst) == kOpen) [[likely]]
      return true;
    return EnterSlow(line, true);
  }

  void LeaveVisit(int participant) { SetOut(At(participant).visiting); }

  /// The closer lets the others in as visitors, until EndVisits, which waits until they have left.
  void AllowVisits();
  void EndVisits(int self);

  /// Goes out; wakes a closer that waits for it.
  void Leave(int participant) {
    Line& line = At(participant);
    PEAL_DCHECK(line.in.load(std::memory_order_relaxed) != kOut);
    LeaveLine(line);
  }

  bool IsIn(int participant) const {
    return lines_[participant].in.load(std::memory_order_acquire) != kOut;
  }
  bool IsClosed() const { return closed_.load(std::memory_order_acquire) != kOpen; }

  /// Closes and waits until everybody but `self` (or kNobody) is out. The caller makes sure that
  /// there is one closer at a time. False, and it stays closed, once the participant `*precedence`
  /// is still in: the caller lets that one close in its place.
  bool Close(int self, const std::atomic<int>* precedence = nullptr);

  bool AllowsVisits() const {
    return closed_.load(std::memory_order_seq_cst) == kClosedToAllButVisitors;
  }

  /// Opens again and wakes those who wait in Enter.
  void Open();

  /// Waits until everybody who was kept out by the last Close has got in since. Call while open.
  void WaitForKeptOut(int self);

  /// Marks `participant` as in without looking whether it is closed; for the closer itself.
  void EnterAsCloser(int participant) { At(participant).in.store(kIn, std::memory_order_relaxed); }

 private:
  static constexpr uint32_t kOut = 0;
  static constexpr uint32_t kIn = 1;
  static constexpr uint32_t kInAndAwaited = 2;  // whoever sets it back to kOut wakes the closer

  // Values of closed_.
  static constexpr uint32_t kOpen = 0;
  static constexpr uint32_t kClosed = 1;
  static constexpr uint32_t kClosedToAllButVisitors = 2;

  struct alignas(64) Line {
    std::atomic<uint32_t> in{kOut};
    std::atomic<uint32_t> kept_out{kOut};  // same three values: waits in EnterSlow
    std::atomic<uint32_t> visiting{kOut};  // likewise: is in as a visitor
  };

  Line& At(int participant) {
    PEAL_DCHECK(participant >= 0 && participant < kMaxParticipants);
    return lines_[participant];
  }
  bool EnterSlow(Line& line, bool may_visit);
  void LeaveLine(Line& line);
  static void AwaitOut(std::atomic<uint32_t>& word);
  /// As AwaitOut for a participant's `in`; false if it takes precedence.
  bool AwaitOut(int participant, const std::atomic<int>* precedence);
  static void SetOut(std::atomic<uint32_t>& word);

  Line lines_[kMaxParticipants];
  alignas(64) std::atomic<uint32_t> closed_{0};
  std::atomic<uint32_t> sleepers_{0};  // threads that sleep on closed_
};

}  // namespace peal::store
