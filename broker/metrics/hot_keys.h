#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace peal::broker {

/// Sums of some weight by key, of which only the large ones matter: when there are too many keys,
/// the smaller half is forgotten. A key that always stays among the larger half has its exact sum.
/// Not synchronised.
class TopKeys {
 public:
  /// Keys kept at most, and the longest key that is looked at: together they bound the memory.
  static constexpr size_t kMaxKeys = 2048;
  static constexpr size_t kMaxKeyBytes = 1024;

  void Add(std::string_view key, uint64_t weight);
  const auto& sums() const { return sums_; }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  void ForgetHalf();

  std::unordered_map<std::string, uint64_t, Hash, std::equal_to<>> sums_;
};

/// One session of HOTKEYS (Redis 8.6): which keys take the most time and the most traffic.
///
/// Each reactor's thread notes its own commands in a part of its own; everything else is called
/// with all reactors parked.
class HotKeys {
 public:
  struct Options {
    bool cpu = false;
    bool net = false;
    uint32_t count = 10;          // keys told of each metric, 1 to 64
    int64_t duration_ms = 0;      // 0: until it is stopped
    uint32_t sample_ratio = 1;    // one command in so many is looked at
    std::vector<uint16_t> slots;  // ascending; empty: all
  };
  struct Totals {
    uint64_t ticks = 0;
    uint64_t bytes = 0;
  };
  /// Milliseconds of CPU time of the process.
  struct CpuTime {
    int64_t user_ms = 0;
    int64_t system_ms = 0;
  };
  struct Report {
    bool is_active = false;
    const Options* options = nullptr;
    int64_t start_ms = 0;
    int64_t duration_ms = 0;
    Totals all, selected, sampled;
    uint64_t net_bytes = 0;  // read and written by all connections
    CpuTime cpu;
    std::vector<std::pair<std::string, uint64_t>> by_ticks;  // falling
    std::vector<std::pair<std::string, uint64_t>> by_bytes;
  };

  /// `net_bytes`: what each reactor has read and written so far.
  void Start(Options options, std::span<const uint64_t> net_bytes, int64_t now_ms);
  void Stop(std::span<const uint64_t> net_bytes, int64_t now_ms);
  /// Forgets all.
  void Reset();
  /// Whether there is a session, running or ended.
  bool has_session() const { return has_session_; }
  bool IsActive(int64_t now_ms) const { return is_on_ && now_ms < end_ms_; }
  Report MakeReport(std::span<const uint64_t> net_bytes, int64_t now_ms) const;

  /// Whether commands are to be noted; a session whose time is up says so until it is stopped.
  /// [reactor threads]
  bool is_on() const { return is_on_; }
  /// One command with its keys; `is_nested`: part of an EXEC, which is noted too. [thread of
  /// reactor `reactor`]
  void Note(int reactor, std::span<const std::string_view> keys, Totals cost, bool is_nested,
            int64_t now_ms);
  /// To be called some times a second: keeps what was counted when the time was up. [likewise]
  void Tick(int reactor, uint64_t net_bytes, int64_t now_ms);

 private:
  struct Part {
    TopKeys by_ticks, by_bytes;
    Totals all, selected, sampled;
    uint64_t net_at_start = 0;
    uint64_t net_bytes = 0;  // of the session, once it is ended
    bool is_ended = false;
    uint64_t random = 0;
  };

  static CpuTime CpuTimeNow();
  static uint64_t NetBytesOf(const Part& part, uint64_t net_bytes);
  bool IsSelected(std::span<const std::string_view> keys) const;

  Options options_;
  std::vector<Part> parts_;
  int64_t start_ms_ = 0;
  int64_t end_ms_ = 0;
  CpuTime cpu_at_start_;
  CpuTime cpu_at_end_;  // by the first reactor, or by Stop
  bool is_cpu_ended_ = false;
  bool is_on_ = false;
  bool has_session_ = false;
};

}  // namespace peal::broker
