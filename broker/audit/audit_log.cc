#include "broker/audit/audit_log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "broker/log/log.h"
#include "broker/metrics/clock.h"

namespace peal::broker {
namespace {

using protocol::Audit;
using protocol::Error;
using protocol::Result;

uint32_t BitOf(Audit event) { return 1u << static_cast<int>(event); }

std::string Reason(int error) { return std::generic_category().message(error); }

/// Negative: the error. O_NONBLOCK: a pipe that nobody reads must not stop the server.
int OpenFile(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0600);
  return fd < 0 ? -errno : fd;
}

void TellFailure(int error) {
  static RateLimitedLog limited(LogLevel::kWarning, 1);
  limited.Write("audit log cannot be written: {}", Reason(error));
}

bool IsRefusal(const AuditRecord& record) {
  return record.event == Audit::kDenied || (record.event == Audit::kAuth && !record.error.empty());
}

}  // namespace

AuditLog::~AuditLog() {
  store::MutexLock lock(mutex_);
  CloseFile();
  if (farewell_fd_ >= 0) close(farewell_fd_);
}

AuditLog::Prepared::~Prepared() {
  if (fd_ >= 0) close(fd_);
}

bool AuditLog::KeepsFile(const AuditSettings& settings) const {
  return settings.file == settings_.file && (fd_ >= 0 || settings.file.empty());
}

Result<AuditLog::Prepared> AuditLog::Prepare(const AuditSettings& settings,
                                             const std::string& dir) const {
  Prepared prepared(settings);
  {
    store::MutexLock lock(mutex_);
    if (settings.file.empty() || KeepsFile(settings)) return prepared;
  }
  const bool is_elsewhere = !dir.empty() && !settings.file.starts_with('/');
  prepared.fd_ = OpenFile(is_elsewhere ? dir + "/" + settings.file : settings.file);
  if (prepared.fd_ < 0) {
    return Error::Owned("cannot open '" + settings.file + "': " + Reason(-prepared.fd_));
  }
  return prepared;
}

void AuditLog::Put(Prepared prepared) {
  const AuditSettings& settings = prepared.settings_;
  store::MutexLock lock(mutex_);
  const bool keeps_file = KeepsFile(settings);
  const bool told_before = fd_ >= 0 && (settings_.events & BitOf(Audit::kConfig)) != 0;
  if (told_before && (!keeps_file || (settings.events & BitOf(Audit::kConfig)) == 0)) {
    if (farewell_fd_ >= 0) close(farewell_fd_);
    farewell_fd_ = fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  }
  if (!keeps_file) {
    CloseFile();
    fd_ = std::exchange(prepared.fd_, -1);
    is_refusing_.store(false, std::memory_order_relaxed);
  }
  settings_ = settings;
  if (!settings.refuse_on_error) is_refusing_.store(false, std::memory_order_relaxed);
  Publish();
}

Result<void> AuditLog::Configure(const AuditSettings& settings) {
  PEAL_ASSIGN_OR_RETURN(Prepared prepared, Prepare(settings));
  Put(std::move(prepared));
  return {};
}

/// Tells what is missing at its end.
void AuditLog::CloseFile() {
  if (fd_ < 0) return;
  if (untold_left_out_ != 0 || untold_lost_ != 0) WriteGap(WallClockMs());
  close(std::exchange(fd_, -1));
  is_cut_ = false;
}

void AuditLog::Publish() {
  events_.store((fd_ >= 0 ? settings_.events : 0) | (farewell_fd_ >= 0 ? BitOf(Audit::kConfig) : 0),
                std::memory_order_relaxed);
}

void AuditLog::BidFarewell(std::string_view line) {
  const ssize_t wrote = write(farewell_fd_, line.data(), line.size());
  if (wrote != static_cast<ssize_t>(line.size())) ++counters_.lost;
  close(std::exchange(farewell_fd_, -1));
  Publish();
}

void AuditLog::Reopen(std::string_view why) {
  int opened = -1;
  {
    store::MutexLock lock(mutex_);
    if (fd_ < 0) return;
    opened = OpenFile(settings_.file);
    if (opened >= 0) {
      close(std::exchange(fd_, opened));
      is_cut_ = false;
    }
  }
  if (opened >= 0) {
    LogNotice("audit log reopened after {}", why);
  } else {
    LogWarning("audit log could not be reopened after {}, the old file stays in use: {}", why,
               Reason(-opened));
  }
}

/// Whether one more refusal may be written in this second.
bool AuditLog::Admit(const AuditRecord& record, int64_t now_ms) {
  if (!IsRefusal(record)) return true;
  // Reactors read the clock at different times: the second before is this one still.
  const int64_t second = now_ms / 1000;
  if (second > second_ || second < second_ - 1) {
    second_ = second;
    used_ = 0;
  }
  if (used_ >= kRefusalsPerSecond) {
    ++untold_left_out_;
    ++counters_.left_out;
    return false;
  }
  ++used_;
  return true;
}

void AuditLog::Write(const AuditRecord& record, int64_t now_ms) {
  if (!Wants(record.event)) return;
  const std::string line = FormatAuditRecord(record, now_ms);
  int error = 0;
  {
    store::MutexLock lock(mutex_);
    if (farewell_fd_ >= 0 && record.event == Audit::kConfig) BidFarewell(line);
    if (fd_ < 0 || (settings_.events & BitOf(record.event)) == 0) return;
    if (!Admit(record, now_ms)) return;
    // Gaps stand where they are. While refusals are being left out their number still grows.
    const bool is_flood_over = used_ < kRefusalsPerSecond || now_ms / 1000 > second_;
    if (untold_lost_ != 0 || (untold_left_out_ != 0 && is_flood_over)) WriteGap(now_ms);
    error = Put(line);
    NoteOutcome(error);
    if (error == 0) {
      ++counters_.records;
    } else {
      ++counters_.lost;
      ++untold_lost_;
    }
  }
  if (error != 0) TellFailure(error);
}

bool AuditLog::WriteGap(int64_t now_ms) {
  const int error = Put(FormatAuditGap(untold_left_out_, untold_lost_, now_ms));
  if (error == 0) untold_left_out_ = untold_lost_ = 0;
  NoteOutcome(error);
  return error == 0;
}

/// Writes the line. Returns 0 or the error; part of a line counts as none, and the next one begins
/// on a line of its own.
int AuditLog::Put(std::string_view line) {
  std::string whole;
  if (is_cut_) {
    whole = "\n" + std::string(line);
    line = whole;
  }
  ssize_t wrote = 0;
  do {
    wrote = write(fd_, line.data(), line.size());
  } while (wrote < 0 && errno == EINTR);
  if (wrote < 0) return errno;
  if (static_cast<size_t>(wrote) == line.size()) {
    is_cut_ = false;
    return 0;
  }
  is_cut_ = is_cut_ || wrote > 0;
  return ENOSPC;
}

void AuditLog::NoteOutcome(int error) {
  is_refusing_.store(error != 0 && settings_.refuse_on_error, std::memory_order_relaxed);
}

bool AuditLog::Recovers(int64_t now_ms) {
  store::MutexLock lock(mutex_);
  // Another thread may have been quicker.
  return fd_ < 0 || !is_refusing_.load(std::memory_order_relaxed) || WriteGap(now_ms);
}

void AuditLog::Tick(int64_t now_ms) {
  store::MutexLock lock(mutex_);
  if (fd_ < 0 || untold_left_out_ == 0 || now_ms / 1000 <= second_) return;
  WriteGap(now_ms);
}

AuditLog::Counters AuditLog::counters() const {
  store::MutexLock lock(mutex_);
  return counters_;
}

void AuditLog::ResetCounters() {
  store::MutexLock lock(mutex_);
  counters_ = {};
}

}  // namespace peal::broker
