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

}  // namespace

ExpiryCycle::ExpiryCycle(Worker& worker)
    : worker_(worker), unit_(worker.server().keyspace()), stripe_(worker.reactor().index()) {}

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
  // A round looks once at a piece of every stripe of this reactor.
  const int reactors = worker_.server().reactor_count();
  stripes_left_ = (worker_.server().keyspace().stripe_count() + reactors - 1) / reactors;
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
    // The clock is read once for several stripes: most have nothing to do.
    for (int i = 0; i < 16 && !is_round_done_; ++i) Advance(now_ms);
    spent_us = MonotonicUs() - begin_us;
  } while (!is_round_done_ && spent_us < kSliceUs && spent_us < budget_us_);
  budget_us_ -= spent_us;
  return !is_round_done_ && budget_us_ > 0;
}

void ExpiryCycle::Advance(int64_t now_ms) {
  store::Keyspace& keyspace = worker_.server().keyspace();
  // A reactor beyond the number of stripes has none to look after.
  if (stripe_ >= keyspace.stripe_count()) stripe_ = worker_.reactor().index();
  if (stripe_ < keyspace.stripe_count()) {
    for (; db_ < keyspace.databases(); ++db_) {
      // The same piece of the keyspace comes next again: there is more.
      const bool has_more_keys = VisitKeys(now_ms);
      const bool has_more_fields = VisitFields(now_ms);
      if (has_more_keys || has_more_fields) return;
    }
  }
  db_ = 0;
  stripe_ += worker_.server().reactor_count();
  if (--stripes_left_ <= 0) is_round_done_ = true;
}

bool ExpiryCycle::VisitKeys(int64_t now_ms) {
  store::Stripe& stripe = worker_.server().keyspace().stripe(stripe_);
  if (stripe.volatile_size(db_) == 0) return false;
  keys_.clear();
  if (!stripe.mutex().TryLock()) return false;
  const size_t seen = stripe.CollectExpired(db_, now_ms, kStepsOfVisit, kKeysOfVisit, keys_);
  stripe.mutex().Unlock();
  if (seen == 0) return false;
  const double part = 100.0 * static_cast<double>(keys_.size()) / static_cast<double>(seen);
  stale_percent_ = stale_percent_ * 0.95 + part * 0.05;
  if (keys_.empty()) return false;
  unit_.Begin(worker_, nullptr, static_cast<uint32_t>(db_), now_ms);
  for (const std::string& key : keys_) unit_.AddKey(key, Unit::HashKey(key));
  if (!unit_.TryLock()) return false;
  for (const std::string& key : keys_) unit_.Find(key);
  unit_.Finish();
  // As Redis: worth going on here while at least a tenth of what is seen has expired.
  return keys_.size() * 10 >= seen;
}

bool ExpiryCycle::VisitFields(int64_t now_ms) {
  store::Stripe& stripe = worker_.server().keyspace().stripe(stripe_);
  if (stripe.element_volatile_size(db_) == 0) return false;
  if (!stripe.mutex().TryLock()) return false;
  const std::optional<std::string> key = stripe.NextWithExpiredElement(db_, now_ms);
  stripe.mutex().Unlock();
  if (!key) return false;
  unit_.Begin(worker_, nullptr, static_cast<uint32_t>(db_), now_ms);
  unit_.AddKey(*key, Unit::HashKey(*key));
  if (!unit_.TryLock()) return false;
  auto hash = AsValue<store::HashValue>(unit_.Find(*key));
  if (hash) ExpireFields(unit_, *key, *hash, kFieldsOfVisit);
  unit_.Finish();
  return true;
}

}  // namespace peal::broker
