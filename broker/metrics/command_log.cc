#include "broker/metrics/command_log.h"

#include <algorithm>
#include <ctime>

namespace peal::broker {
namespace {

constexpr size_t kMaxArgs = 32;
constexpr size_t kMaxArgBytes = 128;

}  // namespace

void CommandLog::Add(std::span<const std::string_view> args, int64_t value, std::string_view peer,
                     std::string_view name, uint64_t max_len) {
  Entry entry;
  entry.time_s = std::time(nullptr);
  entry.value = value;
  entry.peer = peer;
  entry.name = name;
  const size_t shown = std::min(args.size(), kMaxArgs);
  for (size_t i = 0; i < shown; ++i) {
    if (i == kMaxArgs - 1 && args.size() > kMaxArgs) {
      entry.args.push_back("... (" + std::to_string(args.size() - kMaxArgs + 1) +
                           " more arguments)");
    } else if (args[i].size() > kMaxArgBytes) {
      entry.args.push_back(std::string(args[i].substr(0, kMaxArgBytes)) + "... (" +
                           std::to_string(args[i].size() - kMaxArgBytes) + " more bytes)");
    } else {
      entry.args.emplace_back(args[i]);
    }
  }
  store::MutexLock lock(mutex_);
  entry.id = next_id_++;
  entries_.push_front(std::move(entry));
  while (entries_.size() > max_len) entries_.pop_back();
}

std::vector<CommandLog::Entry> CommandLog::Latest(int64_t count) const {
  store::MutexLock lock(mutex_);
  const size_t wanted =
      count < 0 ? entries_.size() : std::min(entries_.size(), static_cast<size_t>(count));
  return {entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(wanted)};
}

size_t CommandLog::size() const {
  store::MutexLock lock(mutex_);
  return entries_.size();
}

void CommandLog::Clear() {
  store::MutexLock lock(mutex_);
  entries_.clear();
}

void CommandLog::Trim(uint64_t max_len) {
  store::MutexLock lock(mutex_);
  while (entries_.size() > max_len) entries_.pop_back();
}

}  // namespace peal::broker
