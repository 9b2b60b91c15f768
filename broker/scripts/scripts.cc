#include "broker/scripts/scripts.h"

#include "broker/exec/client.h"
#include "broker/exec/command.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "broker/exec/worker.h"
#include "broker/log/log.h"
#include "broker/metrics/clock.h"
#include "broker/scripts/engine.h"
#include "protocol/base/check.h"

namespace peal::broker {
namespace {

using protocol::Error;

constexpr Error kBusyScript = Error::Static(
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.");
constexpr Error kBusyFunction = Error::Static(
    "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.");
constexpr Error kNotBusy = Error::Static("NOTBUSY No scripts in execution right now.");
constexpr Error kUnkillable = Error::Static(
    "UNKILLABLE Sorry the script already executed write commands against the dataset. You can "
    "either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE "
    "command.");

// How long the clients of the script's own reactor wait at most for their turn.
constexpr uint64_t kServiceUs = 5'000;
// How long the end of the server waits for a script that nobody calls slow.
constexpr uint64_t kShutdownPatienceUs = 5'000'000;
// How long a script may keep the stripes of its keys without keeping everything: processor time.
constexpr uint64_t kLongUs = 20'000;
// What FUNCTION STATS shows of a command.
constexpr size_t kMostShown = 128;

}  // namespace

const Error& ScriptsState::BusyError() const {
  return is_function_.load(std::memory_order_relaxed) ? kBusyFunction : kBusyScript;
}

const Error* ScriptsState::Kill(bool is_function) {
  if (!IsBusy()) return &kNotBusy;
  if (is_function_.load(std::memory_order_relaxed) != is_function) return &BusyError();
  if (has_written_.load(std::memory_order_relaxed)) return &kUnkillable;
  KillRequest none = KillRequest::kNone;
  kill_.compare_exchange_strong(none, KillRequest::kKill);
  return nullptr;
}

ScriptsState::Running ScriptsState::running() {
  const store::MutexLock lock(mutex_);
  if (!IsBusy()) return {};
  Running copy = running_;
  copy.duration_ms = TicksToUs(Ticks() - begin_ticks_) / 1000;
  return copy;
}

void ScriptsState::BecomeSlow(ScriptRun& run) {
  PEAL_DCHECK(store::Gate::ThreadHoldsAny());
  run.is_slow = true;
  run.has_strayed = true;
  is_function_.store(run.call.is_function, std::memory_order_relaxed);
  has_written_.store(run.has_written, std::memory_order_relaxed);
  if (kill_.load(std::memory_order_relaxed) == KillRequest::kKill) {
    kill_.store(KillRequest::kNone, std::memory_order_relaxed);
  }
  {
    const store::MutexLock lock(mutex_);
    running_ = {
        .name = std::string(run.call.name), .command = {}, .is_function = run.call.is_function};
    for (const std::string_view arg :
         run.context.args.subspan(0, std::min<size_t>(run.context.args.size(), kMostShown))) {
      running_.command.emplace_back(arg.substr(0, kMostShown));
    }
    begin_ticks_ = run.begin_ticks;
  }
  static RateLimitedLog limited(LogLevel::kWarning, 10);
  limited.Write("slow script: {} has run for {} ms, clients get BUSY. It can be ended with {} KILL",
                run.call.name, TicksToUs(Ticks() - run.begin_ticks) / 1000,
                run.call.is_function ? "FUNCTION" : "SCRIPT");
  is_busy_.store(true, std::memory_order_seq_cst);
  server_.gate().AllowVisits();
}

bool ScriptsState::IsAboutToBeSlow(const ScriptRun& run) const {
  const int64_t threshold_ms = server_.config().busy_reply_threshold_ms;
  return !run.is_slow && threshold_ms > 0 &&
         Ticks() - run.begin_ticks >= UsToTicks(static_cast<uint64_t>(threshold_ms) * 1000);
}

bool ScriptsState::IsLong(ScriptRun& run) {
  // Processor time takes a system call: it is asked for once the cheap clock gives a reason.
  const uint64_t passed = Ticks() - run.begin_ticks;
  if (run.begin_cpu_us == 0 && passed >= UsToTicks(kLongUs / 16)) run.begin_cpu_us = ThreadCpuUs();
  return passed >= UsToTicks(kLongUs) &&
         ThreadCpuUs() - run.begin_cpu_us >= static_cast<int64_t>(kLongUs);
}

void ScriptsState::NoteWrite(ScriptRun& run) {
  run.has_written = true;
  if (run.is_slow) has_written_.store(true, std::memory_order_relaxed);
}

KillRequest ScriptsState::Watch(ScriptRun& run) {
  const uint64_t now = Ticks();
  // Time goes on: a run that had no reason yet to take the Gate has it when it looks again.
  if (run.context.unit.is_exclusive() && IsAboutToBeSlow(run)) {
    BecomeSlow(run);
  } else if (run.is_slow && now >= next_service_ticks_) {
    server_.gate().EndVisits();
    run.context.worker.ServeWhileBusy();
    server_.gate().AllowVisits();
    next_service_ticks_ = Ticks() + UsToTicks(kServiceUs);
  }
  const KillRequest kill = kill_.load(std::memory_order_relaxed);
  if (kill == KillRequest::kShutdown && now - run.begin_ticks > UsToTicks(kShutdownPatienceUs)) {
    return kill;
  }
  return run.is_slow ? kill : KillRequest::kNone;
}

void ScriptsState::End(ScriptRun& run) {
  if (!run.is_slow) return;
  run.is_slow = false;
  server_.gate().EndVisits();
  is_busy_.store(false, std::memory_order_seq_cst);
  KillRequest kill = KillRequest::kKill;
  kill_.compare_exchange_strong(kill, KillRequest::kNone);
}

void ScriptsState::BeginCommand(const ScriptRun& run) {
  if (run.is_slow) server_.gate().EndVisits();
}

bool ScriptsState::IsToEnd(const ScriptRun& run) const {
  return run.is_slow && kill_.load(std::memory_order_relaxed) != KillRequest::kNone;
}

void ScriptsState::EndCommand(const ScriptRun& run) {
  if (run.is_slow) server_.gate().AllowVisits();
}

}  // namespace peal::broker
