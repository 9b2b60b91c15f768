#include "broker/log/log.h"

#include <fcntl.h>
#include <spdlog/formatter.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <system_error>

#include "protocol/base/utf8.h"

namespace peal::broker {

using protocol::Error;
using protocol::Result;

namespace {

/// Longest message; what is longer is cut, so that no line of ours can fill a disk.
constexpr size_t kMaxMessageBytes = 4096;

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::trace;
    case LogLevel::kVerbose:
      return spdlog::level::debug;
    case LogLevel::kNotice:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kNothing:
      break;
  }
  return spdlog::level::off;
}

const char* LevelName(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return "debug";
    case spdlog::level::debug:
      return "verbose";
    case spdlog::level::info:
      return "notice";
    default:
      return "warning";
  }
}

const char* LevelColour(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return "\033[2m";
    case spdlog::level::info:
      return "\033[32m";
    default:
      return "\033[33m";
  }
}

// "2026-11-21T05:00:24.148Z": one form for both formats, without the machine's time zone.
std::string Timestamp(spdlog::log_clock::time_point when) {
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm utc = {};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, ms % 1000);
}

class TextFormatter final : public spdlog::formatter {
 public:
  explicit TextFormatter(bool with_colour) : with_colour_(with_colour) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    fmt::format_to(std::back_inserter(out), "{} {} {}{}{} {}\n", Timestamp(message.time), getpid(),
                   with_colour_ ? LevelColour(message.level) : "", LevelName(message.level),
                   with_colour_ ? "\033[0m" : "",
                   std::string_view(message.payload.data(), message.payload.size()));
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<TextFormatter>(with_colour_);
  }

 private:
  bool with_colour_;
};

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    fmt::format_to(std::back_inserter(out), R"({{"time":"{}","pid":{},"level":"{}","message":")",
                   Timestamp(message.time), getpid(), LevelName(message.level));
    // Control characters are gone already (Log::Write); what remains is the two of JSON itself.
    for (const char c : message.payload) {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    constexpr std::string_view kEnd = "\"}\n";
    out.append(kEnd.data(), kEnd.data() + kEnd.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

bool WantsColour(const LogOptions& options) {
  const char* no_colour = getenv("NO_COLOR");
  return options.format == LogFormat::kText && options.file.empty() &&
         (no_colour == nullptr || *no_colour == '\0') && isatty(options.output_fd) == 1;
}

std::unique_ptr<spdlog::formatter> MakeFormatter(const LogOptions& options) {
  if (options.format == LogFormat::kJson) return std::make_unique<JsonFormatter>();
  return std::make_unique<TextFormatter>(WantsColour(options));
}

/// Writes each line with one write(2), so that lines stay whole in a file that others append to and
/// in one that was moved away. The sink's own mutex (spdlog's) guards its members; it is a leaf: no
/// other lock is taken under it.
class DescriptorSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  DescriptorSink() : base_sink(MakeFormatter({})) {}

  Result<void> Configure(const LogOptions& options) {
    const std::lock_guard lock(mutex_);
    PEAL_RETURN_IF_ERROR(Open(options));
    formatter_ = MakeFormatter(options);
    options_ = options;
    return {};
  }

  void SetFormat(LogFormat format) {
    const std::lock_guard lock(mutex_);
    options_.format = format;
    formatter_ = MakeFormatter(options_);
  }

  Result<void> Reopen() {
    const std::lock_guard lock(mutex_);
    if (options_.file.empty()) return {};
    return Open(options_);
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    const char* at = line.data();
    size_t left = line.size();
    while (left > 0) {
      const ssize_t wrote = write(fd_, at, left);
      if (wrote < 0 && errno == EINTR) continue;
      // A full disk or a closed pipe must not end the server.
      if (wrote <= 0) return;
      at += wrote;
      left -= static_cast<size_t>(wrote);
    }
  }
  void flush_() override {}

 private:
  // Under mutex_. On error the old descriptor stays.
  Result<void> Open(const LogOptions& options) {
    int fd = options.output_fd;
    if (!options.file.empty()) {
      fd = open(options.file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
      if (fd < 0)
        return Error::Owned("Can't open the log file '" + options.file +
                            "': " + std::generic_category().message(errno));
    }
    if (owns_fd_) close(fd_);
    fd_ = fd;
    owns_fd_ = !options.file.empty();
    return {};
  }

  LogOptions options_;
  int fd_ = STDOUT_FILENO;
  bool owns_fd_ = false;
};

struct Output {
  std::shared_ptr<DescriptorSink> sink = std::make_shared<DescriptorSink>();
  spdlog::logger logger{"peal", sink};
};

// Never destroyed: threads may log while the process ends.
Output& GlobalOutput() {
  static Output* output = [] {
    auto* fresh = new Output;
    fresh->logger.set_level(spdlog::level::trace);  // Log::Level() decides
    return fresh;
  }();
  return *output;
}

// One call is one line: control characters and cut UTF-8 would let a client forge lines or confuse
// a terminal or a JSON reader.
std::string OneLine(std::string_view message) {
  std::string out;
  const bool is_cut = message.size() > kMaxMessageBytes;
  message = message.substr(0, kMaxMessageBytes);
  out.reserve(message.size() + 8);
  for (size_t i = 0; i < message.size();) {
    const auto octet = static_cast<unsigned char>(message[i]);
    const size_t length = protocol::Utf8CharBytes(message.substr(i));
    const bool is_text = length > 1 || (octet >= 0x20 && octet < 0x7f);
    if (is_text) {
      out.append(message.substr(i, length));
      i += length;
    } else {
      fmt::format_to(std::back_inserter(out), "<{:02x}>", octet);
      ++i;
    }
  }
  if (is_cut) out.append("...");
  return out;
}

}  // namespace

std::atomic<LogLevel> Log::level_{LogLevel::kNotice};

LogOptions LogOptions::From(const Config& config) {
  return {.level = config.loglevel, .format = config.log_format, .file = config.logfile};
}

Result<void> Log::Init(const LogOptions& options) {
  PEAL_RETURN_IF_ERROR(GlobalOutput().sink->Configure(options));
  SetLevel(options.level);
  return {};
}

void Log::SetFormat(LogFormat format) { GlobalOutput().sink->SetFormat(format); }

void Log::SetLevel(LogLevel level) { level_.store(level, std::memory_order_relaxed); }

Result<void> Log::Reopen() { return GlobalOutput().sink->Reopen(); }

void Log::Write(LogLevel level, std::string_view message) noexcept {
  if (level == LogLevel::kNothing) return;
  const std::string line = OneLine(message);
  GlobalOutput().logger.log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

void Log::Flush() noexcept { GlobalOutput().logger.flush(); }

uint64_t RateLimitedLog::NowSeconds() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

bool RateLimitedLog::Admit(uint64_t now_s) {
  uint64_t window = window_.load(std::memory_order_relaxed);
  while (true) {
    // Whoever comes with an older second than the window's counts into the window: threads read
    // the clock before they get here.
    const bool is_new = (window >> 32) < (now_s & UINT32_MAX);
    const uint64_t used = is_new ? 0 : window & UINT32_MAX;
    if (used >= per_second_) {
      suppressed_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    const uint64_t second = is_new ? now_s & UINT32_MAX : window >> 32;
    if (!window_.compare_exchange_weak(window, second << 32 | (used + 1),
                                       std::memory_order_relaxed))
      continue;
    if (is_new) {
      const uint64_t lines = suppressed_.exchange(0, std::memory_order_relaxed);
      if (lines > 0) LogAt(level_, "suppressed {} similar lines", lines);
    }
    return true;
  }
}

}  // namespace peal::broker
