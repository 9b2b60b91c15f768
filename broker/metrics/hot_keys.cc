#include "broker/metrics/hot_keys.h"

#include <sys/resource.h>

#include <algorithm>
#include <limits>

#include "protocol/base/check.h"
#include "protocol/command/slot.h"

namespace peal::broker {
namespace {

int64_t Milliseconds(const timeval& time) {
  return int64_t{time.tv_sec} * 1000 + time.tv_usec / 1000;
}

// xorshift64*: whether a command is looked at need not be unpredictable.
uint64_t NextRandom(uint64_t& state) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545F4914F6CDD1DULL;
}

void AddTo(HotKeys::Totals& sum, const HotKeys::Totals& more) {
  sum.ticks += more.ticks;
  sum.bytes += more.bytes;
}

using Sums = std::vector<std::pair<std::string, uint64_t>>;

/// The `count` largest sums of several lists put together.
Sums Largest(std::span<const TopKeys* const> lists, size_t count) {
  std::unordered_map<std::string_view, uint64_t> total;
  for (const TopKeys* const list : lists) {
    for (const auto& [key, weight] : list->sums()) total[key] += weight;
  }
  Sums sums(total.begin(), total.end());
  const auto is_before = [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  };
  count = std::min(count, sums.size());
  std::partial_sort(sums.begin(), sums.begin() + static_cast<ptrdiff_t>(count), sums.end(),
                    is_before);
  sums.resize(count);
  return sums;
}

}  // namespace

void TopKeys::Add(std::string_view key, uint64_t weight) {
  if (key.size() > kMaxKeyBytes || weight == 0) return;
  const auto at = sums_.find(key);
  if (at != sums_.end()) {
    at->second += weight;
    return;
  }
  if (sums_.size() >= kMaxKeys) ForgetHalf();
  sums_.emplace(key, weight);
}

void TopKeys::ForgetHalf() {
  std::vector<uint64_t> weights;
  weights.reserve(sums_.size());
  for (const auto& [key, weight] : sums_) weights.push_back(weight);
  const auto middle = weights.begin() + static_cast<ptrdiff_t>(weights.size() / 2);
  std::nth_element(weights.begin(), middle, weights.end());
  const uint64_t median = *middle;
  // Those equal to the median may be all: of them as many go as it takes.
  size_t surplus = sums_.size() - sums_.size() / 2;
  std::erase_if(sums_, [&](const auto& sum) { return sum.second < median && surplus-- > 0; });
  for (auto at = sums_.begin(); at != sums_.end() && sums_.size() > kMaxKeys / 2;) {
    at = at->second == median ? sums_.erase(at) : std::next(at);
  }
}

HotKeys::CpuTime HotKeys::CpuTimeNow() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {.user_ms = Milliseconds(usage.ru_utime), .system_ms = Milliseconds(usage.ru_stime)};
}

uint64_t HotKeys::NetBytesOf(const Part& part, uint64_t net_bytes) {
  if (part.is_ended) return part.net_bytes;
  // Smaller after CONFIG RESETSTAT.
  return net_bytes >= part.net_at_start ? net_bytes - part.net_at_start : net_bytes;
}

void HotKeys::Start(Options options, std::span<const uint64_t> net_bytes, int64_t now_ms) {
  options_ = std::move(options);
  parts_.clear();
  parts_.resize(net_bytes.size());
  for (size_t i = 0; i < parts_.size(); ++i) {
    parts_[i].net_at_start = net_bytes[i];
    parts_[i].random = static_cast<uint64_t>(now_ms) * 2 + i * 2 + 1;
  }
  start_ms_ = now_ms;
  constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  end_ms_ = options_.duration_ms > 0 ? now_ms + options_.duration_ms : kNever;
  cpu_at_start_ = CpuTimeNow();
  is_cpu_ended_ = false;
  is_on_ = true;
  has_session_ = true;
}

void HotKeys::Stop(std::span<const uint64_t> net_bytes, int64_t now_ms) {
  for (size_t i = 0; i < parts_.size(); ++i) {
    parts_[i].net_bytes = NetBytesOf(parts_[i], net_bytes[i]);
    parts_[i].is_ended = true;
  }
  if (!is_cpu_ended_) cpu_at_end_ = CpuTimeNow();
  is_cpu_ended_ = true;
  end_ms_ = std::min(end_ms_, now_ms);
  is_on_ = false;
}

void HotKeys::Reset() { *this = HotKeys(); }

void HotKeys::Tick(int reactor, uint64_t net_bytes, int64_t now_ms) {
  if (now_ms < end_ms_) return;
  Part& part = parts_[static_cast<size_t>(reactor)];
  if (!part.is_ended) {
    part.net_bytes = NetBytesOf(part, net_bytes);
    part.is_ended = true;
  }
  if (reactor == 0 && !is_cpu_ended_) {
    cpu_at_end_ = CpuTimeNow();
    is_cpu_ended_ = true;
  }
}

bool HotKeys::IsSelected(std::span<const std::string_view> keys) const {
  if (options_.slots.empty()) return true;
  return std::any_of(keys.begin(), keys.end(), [this](std::string_view key) {
    return std::binary_search(options_.slots.begin(), options_.slots.end(), protocol::KeySlot(key));
  });
}

void HotKeys::Note(int reactor, std::span<const std::string_view> keys, Totals cost, bool is_nested,
                   int64_t now_ms) {
  if (now_ms >= end_ms_) return;
  Part& part = parts_[static_cast<size_t>(reactor)];
  if (!is_nested) AddTo(part.all, cost);
  if (keys.empty() || !IsSelected(keys)) return;
  AddTo(part.selected, cost);
  if (options_.sample_ratio > 1 && NextRandom(part.random) % options_.sample_ratio != 0) return;
  AddTo(part.sampled, cost);
  // Several keys share what their command costs.
  for (const std::string_view key : keys) {
    if (options_.cpu) part.by_ticks.Add(key, cost.ticks / keys.size());
    if (options_.net) part.by_bytes.Add(key, cost.bytes / keys.size());
  }
}

HotKeys::Report HotKeys::MakeReport(std::span<const uint64_t> net_bytes, int64_t now_ms) const {
  PEAL_DCHECK(has_session_ && net_bytes.size() == parts_.size());
  Report report;
  report.is_active = IsActive(now_ms);
  report.options = &options_;
  report.start_ms = start_ms_;
  report.duration_ms = std::min(now_ms, end_ms_) - start_ms_;
  std::vector<const TopKeys*> by_ticks;
  std::vector<const TopKeys*> by_bytes;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    AddTo(report.all, part.all);
    AddTo(report.selected, part.selected);
    AddTo(report.sampled, part.sampled);
    report.net_bytes += NetBytesOf(part, net_bytes[i]);
    by_ticks.push_back(&part.by_ticks);
    by_bytes.push_back(&part.by_bytes);
  }
  const CpuTime until = is_cpu_ended_ ? cpu_at_end_ : CpuTimeNow();
  report.cpu = {.user_ms = until.user_ms - cpu_at_start_.user_ms,
                .system_ms = until.system_ms - cpu_at_start_.system_ms};
  report.by_ticks = Largest(by_ticks, options_.count);
  report.by_bytes = Largest(by_bytes, options_.count);
  return report;
}

}  // namespace peal::broker
