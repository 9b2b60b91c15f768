#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/metrics/histogram.h"
#include "broker/metrics/rates.h"

namespace peal::broker {

/// Numbers of one command on one reactor.
struct CommandNumbers {
  uint64_t calls = 0;
  uint64_t ticks = 0;
  uint64_t rejected = 0;
  uint64_t failed = 0;
  std::unique_ptr<Histogram> latency;  // from the first call on
};

/// What one worker counts. Plain numbers: its reactor's thread writes, anybody reads with all
/// reactors parked, when the sum over workers is taken.
class CommandStats {
 public:
  /// `commands`: how many rows the command table has.
  explicit CommandStats(size_t commands) : commands_(commands) {}

  struct Counters {
    uint64_t protocol_errors = 0;
    uint64_t input_limit_closes = 0;
    uint64_t output_limit_closes = 0;
    uint64_t evicted_clients = 0;
    uint64_t error_replies = 0;
    uint64_t auth_failures = 0;
    uint64_t acl_denied_commands = 0;
    uint64_t acl_denied_keys = 0;
    uint64_t acl_denied_channels = 0;
    uint64_t auth_timeouts = 0;
    uint64_t certificate_refusals = 0;
    uint64_t http_closes = 0;
    uint64_t expired_tokens = 0;  // clients closed because their token expired
  };

  /// One call of command number `index` that took `ticks`.
  void Count(uint32_t index, uint64_t ticks) {
    CommandNumbers& numbers = commands_[index];
    ++numbers.calls;
    numbers.ticks += ticks;
    if (!tracks_latency_) return;
    if (numbers.latency == nullptr) [[unlikely]]
      numbers.latency = std::make_unique<Histogram>();
    numbers.latency->Add(ticks);
  }
  void CountRejected(uint32_t index) { ++commands_[index].rejected; }
  void CountFailed(uint32_t index) { ++commands_[index].failed; }
  /// One error reply that begins with `code`. At most kMaxErrors different codes are kept apart.
  void CountError(std::string_view code);

  void set_tracks_latency(bool tracks) { tracks_latency_ = tracks; }
  Counters& counters() { return counters_; }
  const CommandNumbers& command(uint32_t index) const { return commands_[index]; }
  size_t size() const { return commands_.size(); }
  const std::map<std::string, uint64_t, std::less<>>& errors() const { return errors_; }
  uint64_t TotalCalls() const;
  /// Forgets latencies of one command.
  void ResetLatency(uint32_t index) { commands_[index].latency.reset(); }
  /// CONFIG RESETSTAT.
  void Reset();

  /// To be called every 100 ms with running totals of octets read and written.
  void Sample(uint64_t bytes_in, uint64_t bytes_out) {
    rates_.Sample(TotalCalls(), bytes_in, bytes_out);
  }
  const Rates& rates() const { return rates_; }

 private:
  static constexpr size_t kMaxErrors = 128;

  std::vector<CommandNumbers> commands_;
  std::map<std::string, uint64_t, std::less<>> errors_;
  Counters counters_;
  Rates rates_;
  bool tracks_latency_ = true;
};

}  // namespace peal::broker
