#include "store/sync/turnstile.h"

#include "store/sync/chaos.h"
#include "store/sync/futex.h"

namespace peal::store {
namespace {

// Turns are bounded by some 200 us and most are far shorter; then sleep.
constexpr int kSpins = 200;
constexpr int64_t kUsBetweenLooksAtPrecedence = 500;

}  // namespace

void Turnstile::SetOut(std::atomic<uint32_t>& word) {
  if (word.exchange(kOut, std::memory_order_seq_cst) == kInAndAwaited) FutexWakeAll(word);
}

void Turnstile::LeaveLine(Line& line) { SetOut(line.in); }

void Turnstile::AwaitOut(std::atomic<uint32_t>& word) {
  for (int i = 0; i < kSpins; ++i) {
    if (word.load(std::memory_order_seq_cst) == kOut) return;
    CpuRelax();
  }
  for (;;) {
    uint32_t seen = word.load(std::memory_order_seq_cst);
    if (seen == kOut) return;
    if (seen == kIn && !word.compare_exchange_strong(seen, kInAndAwaited)) continue;
    FutexWait(word, kInAndAwaited);
  }
}

bool Turnstile::EnterSlow(Line& line, bool may_visit) {
  line.kept_out.store(kIn, std::memory_order_seq_cst);
  do {
    SetOut(line.in);
    ChaosPoint();
    for (int i = 0; i < kSpins && closed_.load(std::memory_order_relaxed) != kOpen; ++i) CpuRelax();
    for (uint32_t seen; (seen = closed_.load(std::memory_order_seq_cst)) != kOpen;) {
      if (may_visit && seen == kClosedToAllButVisitors) {
        line.visiting.store(kIn, std::memory_order_seq_cst);
        if (closed_.load(std::memory_order_seq_cst) == kClosedToAllButVisitors) {
          // It does not wait any more; the next closer need not see to it that it gets in.
          SetOut(line.kept_out);
          return false;
        }
        SetOut(line.visiting);
        continue;
      }
      sleepers_.fetch_add(1, std::memory_order_seq_cst);
      FutexWait(closed_, seen);
      sleepers_.fetch_sub(1, std::memory_order_relaxed);
    }
    line.in.store(kIn, std::memory_order_seq_cst);
  } while (closed_.load(std::memory_order_seq_cst) != kOpen);
  // First in, then no longer waiting: the next closer sees at least one of the two.
  SetOut(line.kept_out);
  return true;
}

bool Turnstile::AwaitOut(int participant, const std::atomic<int>* precedence) {
  std::atomic<uint32_t>& word = lines_[participant].in;
  for (int i = 0; i < kSpins; ++i) {
    if (word.load(std::memory_order_seq_cst) == kOut) return true;
    CpuRelax();
  }
  for (;;) {
    uint32_t seen = word.load(std::memory_order_seq_cst);
    if (seen == kOut) return true;
    if (precedence != nullptr && precedence->load(std::memory_order_seq_cst) == participant) {
      return false;
    }
    if (seen == kIn && !word.compare_exchange_strong(seen, kInAndAwaited)) continue;
    FutexWaitFor(word, kInAndAwaited, kUsBetweenLooksAtPrecedence);
  }
}

bool Turnstile::Close(int self, const std::atomic<int>* precedence) {
  closed_.store(kClosed, std::memory_order_seq_cst);
  ChaosPoint();
  for (int i = 0; i < kMaxParticipants; ++i) {
    if (i == self) continue;
    if (!AwaitOut(i, precedence)) return false;
    AwaitOut(lines_[i].visiting);
  }
  return true;
}

void Turnstile::AllowVisits() {
  closed_.store(kClosedToAllButVisitors, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) != 0) FutexWakeAll(closed_);
}

void Turnstile::EndVisits(int self) {
  closed_.store(kClosed, std::memory_order_seq_cst);
  ChaosPoint();
  for (int i = 0; i < kMaxParticipants; ++i) {
    if (i != self) AwaitOut(lines_[i].visiting);
  }
}

void Turnstile::Open() {
  closed_.store(kOpen, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) != 0) FutexWakeAll(closed_);
}

void Turnstile::WaitForKeptOut(int self) {
  for (int i = 0; i < kMaxParticipants; ++i) {
    if (i != self) AwaitOut(lines_[i].kept_out);
  }
}

}  // namespace peal::store
