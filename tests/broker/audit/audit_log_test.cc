// A disk that fills in the middle of a record.
#include "broker/audit/audit_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/server.h"

namespace peal::broker {
namespace {

/// Files may grow to `bytes` only while it lives.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) : old_handler_(signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &old_), 0);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = old_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  ~FileLimit() {
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &old_), 0);
    signal(SIGXFSZ, old_handler_);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit old_{};
  void (*old_handler_)(int);
};

TEST(AuditLog, APieceOfARecordStandsOnALineOfItsOwn) {
  const std::string dir = tests::MakeTemporaryDirectory();
  const std::string file = dir + "/audit.log";
  const uint32_t events = 1U << static_cast<int>(protocol::Audit::kAdmin);
  AuditLog log;
  ASSERT_TRUE(log.Configure({.file = file, .events = events, .refuse_on_error = true}).ok());
  EXPECT_TRUE(log.Wants(protocol::Audit::kAdmin));
  EXPECT_FALSE(log.Wants(protocol::Audit::kAuth));
  const AuditRecord record{.event = protocol::Audit::kAdmin, .user = "ann", .command = "flushall"};
  constexpr int64_t kNowMs = 1'800'000'000'123;
  log.Write(record, kNowMs);
  const std::string whole = FormatAuditRecord(record, kNowMs);
  EXPECT_EQ(whole,
            R"({"time":"2027-01-15T08:00:00.123Z","event":"admin","user":"ann","addr":"","id":0,)"
            R"("command":"flushall","args":[],"result":"ok"})"
            "\n");
  constexpr size_t kRoom = 20;
  {
    const FileLimit limit(whole.size() + kRoom);
    log.Write(record, kNowMs);
    EXPECT_TRUE(log.MustRefuse(protocol::Audit::kAdmin, kNowMs));
    EXPECT_FALSE(log.MustRefuse(protocol::Audit::kAuth, kNowMs)) << "it is not written down";
    log.Write(record, kNowMs);
  }
  EXPECT_EQ(log.counters().lost, 2U);
  EXPECT_FALSE(log.MustRefuse(protocol::Audit::kAdmin, kNowMs)) << "there is room again";
  log.Write(record, kNowMs);
  EXPECT_EQ(tests::ReadFile(file),
            whole + whole.substr(0, kRoom) + "\n" + FormatAuditGap(0, 2, kNowMs) + whole);
  std::filesystem::remove_all(dir);
}

TEST(AuditLog, ReactorsWhoseClocksDifferShareOneBound) {
  const std::string dir = tests::MakeTemporaryDirectory();
  const uint32_t events = 1U << static_cast<int>(protocol::Audit::kDenied);
  const AuditRecord refusal{.event = protocol::Audit::kDenied, .user = "ann", .error = "NOPERM"};
  constexpr int64_t kNowMs = 1'800'000'000'000;
  AuditLog log;
  ASSERT_TRUE(log.Configure({.file = dir + "/audit.log", .events = events}).ok());
  for (int i = 0; i < 1000; ++i) log.Write(refusal, kNowMs - i % 2);
  EXPECT_LE(log.counters().records, 2 * AuditLog::kRefusalsPerSecond);
  EXPECT_EQ(log.counters().records + log.counters().left_out, 1000U);
  // A clock that was set back by more stops nothing.
  const uint64_t before = log.counters().records;
  log.Write(refusal, kNowMs - 3'600'000);
  EXPECT_EQ(log.counters().records, before + 1);
  std::filesystem::remove_all(dir);
}

TEST(AuditLog, ManyAtOnceTellOneGap) {
  // Whoever comes second to a log that can be written again has nothing to tell.
  const std::string dir = tests::MakeTemporaryDirectory();
  const std::string file = dir + "/audit.log";
  const uint32_t events = 1U << static_cast<int>(protocol::Audit::kAdmin);
  const AuditRecord record{.event = protocol::Audit::kAdmin, .user = "ann", .command = "flushall"};
  constexpr int64_t kNowMs = 1'800'000'000'000;
  constexpr int kThreads = 8;
  for (int round = 0; round < 50; ++round) {
    std::filesystem::remove(file);
    AuditLog log;
    ASSERT_TRUE(log.Configure({.file = file, .events = events, .refuse_on_error = true}).ok());
    {
      const FileLimit limit(0);
      log.Write(record, kNowMs);
    }
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] { EXPECT_FALSE(log.MustRefuse(protocol::Audit::kAdmin, kNowMs)); });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(tests::ReadFile(file), FormatAuditGap(0, 1, kNowMs));
  }
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace peal::broker
