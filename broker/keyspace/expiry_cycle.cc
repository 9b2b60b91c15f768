#include "broker/keyspace/expiry_cycle.h"

#include <optional>

#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/keyspace/field_expiry.h"
#include "broker/metrics/clock.h"

namespace peal::broker {
namespace {

constexpr int kTicksPerSecond = 10;
// Share of one core in percent: as Redis, 25 and 2 more for each step of active-expire-effort
// above 1.
constexpr int64_t kBaseShare = 25;
constexpr int64_t kShareOfEffort = 2;
// What one visit of a stripe may look at and delete: its lock is held that long.
constexpr size_t kStepsOfVisit = 32;
constexpr size_t kKeysOfVisit = 20;
constexpr size_t kFieldsOfVisit = 100;
// Keys with an expiry that a tick looks at for each step of active-expire-effort, unless many of
// them have expired: ten thousand a second and reactor by default, a thousandth of a core. A
// million keys that live for hours must not cost more than that.
constexpr size_t kSampleOfTick = 1000;
// As Redis: the part of expired keys, in percent, that is not worth more work at effort 1; one less
// for each step above.
constexpr size_t kAcceptableStale = 10;

}  // namespace

ExpiryCycle::ExpiryCycle(Worker& worker) : worker_(worker), unit_(worker.server().keyspace()) {
  keys_.stripe = fields_.stripe = worker.reactor().index();
}

int64_t ExpiryCycle::BudgetUs() const {
  const int64_t effort = worker_.server().config().active_expire_effort;
  const int64_t share = kBaseShare + kShareOfEffort * (effort - 1);
  return 1'000'000 / kTicksPerSecond * share / 100;
}

void ExpiryCycle::Tick() {
  if (!is_enabled_) {
    is_round_done_ = true;
    return;
  }
  if (budget_us_ <= 0 && !is_round_done_) ++time_cap_reached_;
  budget_us_ = BudgetUs();
  is_round_done_ = false;
  seen_ = 0;
  expired_ = 0;
  const store::Keyspace& keyspace = worker_.server().keyspace();
  const int reactors = worker_.server().reactor_count();
  // A reactor beyond the number of stripes has none to look after.
  const int stripes =
      (keyspace.stripe_count() - worker_.reactor().index() + reactors - 1) / reactors;
  keys_.left = fields_.left = stripes * keyspace.databases();
  Step();
}

bool ExpiryCycle::Step() {
  if (is_round_done_ || budget_us_ <= 0) return false;
  const Server& server = worker_.server();
  const int64_t now_ms = worker_.now_ms();
  if (server.pause_mode() != PauseMode::kNone && now_ms < server.pause_until_ms()) {
    is_round_done_ = true;  // nothing expires while clients are paused
    return false;
  }
  const int64_t begin_us = MonotonicUs();
  int64_t spent_us = 0;
  do {
    // The clock is read once for several places: most have nothing to do.
    for (int i = 0; i < 128 && !is_round_done_; ++i) Advance(now_ms);
    spent_us = MonotonicUs() - begin_us;
  } while (!is_round_done_ && spent_us < kSliceUs && spent_us < budget_us_);
  budget_us_ -= spent_us;
  return !is_round_done_ && budget_us_ > 0;
}

void ExpiryCycle::Advance(int64_t now_ms) {
  if (keys_.left > 0 && !VisitKeys(now_ms)) Pass(keys_);
  if (IsSampleTaken()) keys_.left = 0;
  if (fields_.left > 0 && !VisitFields(now_ms)) Pass(fields_);
  is_round_done_ = keys_.left == 0 && fields_.left == 0;
}

void ExpiryCycle::Pass(Round& round) const {
  --round.left;
  const store::Keyspace& keyspace = worker_.server().keyspace();
  if (++round.db < keyspace.databases()) return;
  round.db = 0;
  round.stripe += worker_.server().reactor_count();
  if (round.stripe >= keyspace.stripe_count()) round.stripe = worker_.reactor().index();
}

bool ExpiryCycle::IsSampleTaken() const {
  const size_t effort = static_cast<size_t>(worker_.server().config().active_expire_effort);
  return seen_ >= kSampleOfTick * effort &&
         expired_ * 100 < seen_ * (kAcceptableStale - (effort - 1));
}

bool ExpiryCycle::VisitKeys(int64_t now_ms) {
  store::Stripe& stripe = worker_.server().keyspace().stripe(keys_.stripe);
  if (stripe.volatile_size(keys_.db) == 0) return false;
  found_.clear();
  if (!stripe.mutex().TryLock()) return false;
  const auto sample = stripe.CollectExpired(keys_.db, now_ms, kStepsOfVisit, kKeysOfVisit, found_);
  stripe.mutex().Unlock();
  if (sample.seen > 0) {
    const double part =
        100.0 * static_cast<double>(found_.size()) / static_cast<double>(sample.seen);
    stale_percent_ = stale_percent_ * 0.95 + part * 0.05;
  }
  if (!found_.empty()) {
    unit_.Begin(worker_, nullptr, static_cast<uint32_t>(keys_.db), now_ms);
    for (const std::string& key : found_) unit_.AddKey(key, Unit::HashKey(key));
    if (!unit_.TryLock()) return false;
    for (const std::string& key : found_) unit_.Find(key);
    unit_.Finish();
  }
  seen_ += sample.seen;
  expired_ += found_.size();
  return !sample.is_end;
}

bool ExpiryCycle::VisitFields(int64_t now_ms) {
  store::Stripe& stripe = worker_.server().keyspace().stripe(fields_.stripe);
  if (stripe.element_volatile_size(fields_.db) == 0) return false;
  if (!stripe.mutex().TryLock()) return false;
  const std::optional<std::string> key = stripe.NextWithExpiredElement(fields_.db, now_ms);
  stripe.mutex().Unlock();
  if (!key) return false;
  unit_.Begin(worker_, nullptr, static_cast<uint32_t>(fields_.db), now_ms);
  unit_.AddKey(*key, Unit::HashKey(*key));
  if (!unit_.TryLock()) return false;
  auto hash = AsValue<store::HashValue>(unit_.Find(*key));
  if (hash) ExpireFields(unit_, *key, *hash, kFieldsOfVisit);
  unit_.Finish();
  return true;
}

}  // namespace peal::broker
