#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/exec/unit.h"

namespace peal::broker {

class Worker;

/// Deletes keys, and fields of hashes, whose time has come though nobody asks for them. One for
/// each worker; its thread.
///
/// Reactor r looks after the stripes r, r + N, r + 2N, …. Each tick gives it a budget, a share of
/// CPU that follows active-expire-effort; it is spent in short slices, so that no turn grows long.
/// Where few of a sample of keys have expired, the tick looks at no more of them, and the next goes
/// on from there: keys that live long cost next to nothing.
/// A stripe that is locked is skipped. What is found is deleted by units: with effects, events and
/// watchers.
class ExpiryCycle {
 public:
  explicit ExpiryCycle(Worker& worker);
  ExpiryCycle(const ExpiryCycle&) = delete;
  ExpiryCycle& operator=(const ExpiryCycle&) = delete;

  /// About ten times a second: gives a new budget and spends the first slice of it.
  void Tick();
  /// One slice (kSliceUs). True if there is more to do within this tick's budget; the worker then
  /// calls it again in its next turn.
  bool Step();

  /// For INFO: what the units of this cycle did.
  const UnitCounters& counters() const { return unit_.counters(); }
  void ResetCounters() { unit_.ResetCounters(); }
  /// Budgets that ran out with work left (INFO expired_time_cap_reached_count).
  uint64_t time_cap_reached() const { return time_cap_reached_; }
  /// The part, in percent, of seen keys with an expiry that were expired already; a moving average.
  double stale_percent() const { return stale_percent_; }

  /// DEBUG SET-ACTIVE-EXPIRE. With all reactors parked.
  void set_enabled(bool enabled) {
    is_enabled_ = enabled;
    if (!enabled) is_round_done_ = true;  // what is left of this tick's round, too
  }
  void set_effect_sink(EffectSink* sink) { unit_.set_effect_sink(sink); }

  static constexpr int64_t kSliceUs = 500;

 private:
  /// Where a walk over the stripes of this reactor and their databases stands.
  struct Round {
    int stripe = 0;
    int db = 0;
    int left = 0;  // places of this tick's round
  };

  int64_t BudgetUs() const;
  void Advance(int64_t now_ms);
  void Pass(Round& round) const;
  /// Whether this tick has looked at enough keys, and few of them had expired.
  bool IsSampleTaken() const;
  /// Deletes what is found expired in the next piece of the place of keys_. True if the place holds
  /// more pieces.
  bool VisitKeys(int64_t now_ms);
  /// Deletes expired fields of one hash in the place of fields_. True if there may be more.
  bool VisitFields(int64_t now_ms);

  Worker& worker_;
  Unit unit_;
  std::vector<std::string> found_;  // expired keys
  Round keys_;
  Round fields_;
  size_t seen_ = 0;        // keys with an expiry that this tick looked at
  size_t expired_ = 0;     // of those
  int64_t budget_us_ = 0;  // left of this tick's
  bool is_round_done_ = true;
  bool is_enabled_ = true;
  uint64_t time_cap_reached_ = 0;
  double stale_percent_ = 0;
};

}  // namespace peal::broker
