#pragma once

#include <spdlog/fmt/fmt.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "broker/config/config.h"
#include "protocol/base/result.h"

/// The server's log. This folder alone knows spdlog; the rest of the code sees fmt format strings.
///
///   LogNotice("ready: port {} reactors {}", port, reactors);
///
/// Every function may be called from any thread and blocks for one write; it is not for the hot
/// path and not for use under a lock. What a client can cause at will goes through RateLimitedLog.
/// Never put payloads, keys of users, or secrets into a line.
namespace peal::broker {

struct LogOptions {
  LogLevel level = LogLevel::kNotice;
  LogFormat format = LogFormat::kText;
  std::string file;  // empty: standard output
  int output_fd =
      1;  // used without a file; colours only if it is a terminal and NO_COLOR is not set

  static LogOptions From(const Config& config);
};

class Log {
 public:
  /// Opens the log. Before it, lines go to standard output at kNotice. May be called again (the new
  /// output replaces the old one); on error the old output stays.
  static protocol::Result<void> Init(const LogOptions& options);

  static void SetLevel(LogLevel level);
  /// For lines written from now on.
  static void SetFormat(LogFormat format);
  static LogLevel Level() { return level_.load(std::memory_order_relaxed); }
  static bool IsOn(LogLevel level) { return level >= Level() && level != LogLevel::kNothing; }

  /// Opens the file afresh after it was moved away (SIGHUP). Does nothing without a file.
  static protocol::Result<void> Reopen();

  /// Writes one line. Control characters in `message` are escaped, so that one call is one line.
  static void Write(LogLevel level, std::string_view message) noexcept;

  /// Writes out what is buffered; for the end of the process.
  static void Flush() noexcept;

 private:
  static std::atomic<LogLevel> level_;
};

template <class... Args>
void LogAt(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (Log::IsOn(level)) Log::Write(level, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void LogDebug(fmt::format_string<Args...> format, Args&&... args) {
  LogAt(LogLevel::kDebug, format, std::forward<Args>(args)...);
}
template <class... Args>
void LogVerbose(fmt::format_string<Args...> format, Args&&... args) {
  LogAt(LogLevel::kVerbose, format, std::forward<Args>(args)...);
}
template <class... Args>
void LogNotice(fmt::format_string<Args...> format, Args&&... args) {
  LogAt(LogLevel::kNotice, format, std::forward<Args>(args)...);
}
template <class... Args>
void LogWarning(fmt::format_string<Args...> format, Args&&... args) {
  LogAt(LogLevel::kWarning, format, std::forward<Args>(args)...);
}

/// A limit on the lines of one call site:
///
///   static RateLimitedLog limited(LogLevel::kWarning, 10);
///   limited.Write("client {} closed: output limit", id);
///
/// At most `per_second` lines in each second of the steady clock. The first line of a later second
/// is preceded by "suppressed N similar lines" if there were any. Any thread; lock-free.
class RateLimitedLog {
 public:
  constexpr RateLimitedLog(LogLevel level, uint32_t per_second)
      : level_(level), per_second_(per_second) {}

  template <class... Args>
  void Write(fmt::format_string<Args...> format, Args&&... args) {
    if (Log::IsOn(level_) && Admit(NowSeconds()))
      Log::Write(level_, fmt::format(format, std::forward<Args>(args)...));
  }

  /// Whether a line may be written in second `now_s`; counts it. Apart from Write for tests.
  bool Admit(uint64_t now_s);

  /// Lines refused since the last "suppressed" line.
  uint64_t suppressed() const { return suppressed_.load(std::memory_order_relaxed); }

 private:
  static uint64_t NowSeconds();

  const LogLevel level_;
  const uint32_t per_second_;
  std::atomic<uint64_t> window_{0};  // second << 32 | lines written in it
  std::atomic<uint64_t> suppressed_{0};
};

}  // namespace peal::broker
