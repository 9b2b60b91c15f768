#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "broker/audit/record.h"
#include "broker/config/config.h"
#include "protocol/base/result.h"
#include "store/sync/mutex.h"

namespace peal::broker {

/// The audit log: JSON lines in a file of its own. [any thread] but for what says otherwise.
///
/// A record is one write(2) to a descriptor opened with O_APPEND, so that lines stay whole in a
/// file that others append to, too. It blocks for that write: audited commands are rare.
class AuditLog {
 public:
  /// Of records that a stranger can cause at will (refusals, failed logins), so many a second.
  static constexpr uint32_t kRefusalsPerSecond = 100;

  AuditLog() = default;
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;
  ~AuditLog();

  /// Settings whose file is open: nothing can fail any more.
  class Prepared {
   public:
    Prepared(Prepared&& other) noexcept
        : settings_(std::move(other.settings_)), fd_(std::exchange(other.fd_, -1)) {}
    Prepared& operator=(Prepared&&) = delete;
    ~Prepared();

   private:
    friend class AuditLog;
    explicit Prepared(const AuditSettings& settings) : settings_(settings) {}

    AuditSettings settings_;
    int fd_ = -1;  // negative: that of the log stays, or there is none
  };
  /// Opens the file if it is another one; a relative name is looked up in `dir`, "": the working
  /// directory. The error is a reason.
  protocol::Result<Prepared> Prepare(const AuditSettings& settings,
                                     const std::string& dir = "") const;
  /// Puts the settings in force. Who ends or moves the log is in it: the next record of `config`,
  /// which is that of the command that did so, goes to where such records went before, too.
  void Put(Prepared prepared);
  /// Prepare and Put.
  protocol::Result<void> Configure(const AuditSettings& settings);
  /// Opens the file afresh after it was moved away. If that fails the old one stays in use.
  void Reopen(std::string_view why);

  /// Whether such events are written down.
  bool Wants(protocol::Audit event) const {
    return (events_.load(std::memory_order_relaxed) >> static_cast<int>(event) & 1) != 0;
  }
  void Write(const AuditRecord& record, int64_t now_ms);

  /// Whether audited commands must be refused because the last write failed and
  /// `audit-log-on-error refuse` is set. Tries once more to write first.
  bool MustRefuse(protocol::Audit event, int64_t now_ms) {
    return is_refusing_.load(std::memory_order_relaxed) && Wants(event) && !Recovers(now_ms);
  }
  /// To be called now and then: tells what was left out when nothing more comes.
  void Tick(int64_t now_ms);

  struct Counters {
    uint64_t records = 0;   // written
    uint64_t lost = 0;      // not written because of an error
    uint64_t left_out = 0;  // because there were too many
  };
  Counters counters() const;
  void ResetCounters();

 private:
  bool Recovers(int64_t now_ms);
  /// Whether `settings` go on with the file that is open, or with none.
  bool KeepsFile(const AuditSettings& settings) const REQUIRES(mutex_);
  void CloseFile() REQUIRES(mutex_);
  void Publish() REQUIRES(mutex_);
  void BidFarewell(std::string_view line) REQUIRES(mutex_);
  bool Admit(const AuditRecord& record, int64_t now_ms) REQUIRES(mutex_);
  bool WriteGap(int64_t now_ms) REQUIRES(mutex_);
  int Put(std::string_view line) REQUIRES(mutex_);
  void NoteOutcome(int error) REQUIRES(mutex_);

  std::atomic<uint32_t> events_{0};  // bit by Audit; 0 without a file
  std::atomic<bool> is_refusing_{false};
  mutable store::Mutex mutex_{store::LockRank::kLeaf};
  AuditSettings settings_ GUARDED_BY(mutex_);
  int fd_ GUARDED_BY(mutex_) = -1;
  int farewell_fd_ GUARDED_BY(mutex_) = -1;  // where the next record of `config` goes, too
  bool is_cut_ GUARDED_BY(mutex_) = false;   // the file ends in the middle of a line
  int64_t second_ GUARDED_BY(mutex_) = 0;    // of the refusals counted in used_
  uint32_t used_ GUARDED_BY(mutex_) = 0;
  uint64_t untold_left_out_ GUARDED_BY(mutex_) = 0;  // since the last line about gaps
  uint64_t untold_lost_ GUARDED_BY(mutex_) = 0;
  Counters counters_ GUARDED_BY(mutex_);
};

}  // namespace peal::broker
