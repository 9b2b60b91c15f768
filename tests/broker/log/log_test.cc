#include "broker/log/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

namespace peal::broker {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class LogFile : public testing::Test {
 protected:
  LogFile() {
    char path[] = "/tmp/peal-log-XXXXXX";
    const int fd = mkstemp(path);
    close(fd);
    path_ = path;
  }
  ~LogFile() override {
    static_cast<void>(Log::Init({}));
    unlink(path_.c_str());
  }
  void Open(LogFormat format, LogLevel level = LogLevel::kNotice) {
    const auto opened = Log::Init({.level = level, .format = format, .file = path_});
    ASSERT_TRUE(opened.ok()) << opened.error().text();
  }
  std::string Text() const {
    std::ifstream file(path_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  std::string path_;
};

TEST_F(LogFile, HoldsTimeProcessLevelAndMessage) {
  Open(LogFormat::kText);
  LogNotice("client {} closed", 7);
  EXPECT_THAT(Text(),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z " +
                           std::to_string(getpid()) + " notice client 7 closed\n"));
}

TEST_F(LogFile, MayBeJsonLines) {
  Open(LogFormat::kJson);
  LogWarning("a \"b\" \\ \n {}", "\x01é\xff");
  EXPECT_THAT(
      Text(),
      HasSubstr("\"level\":\"warning\",\"message\":\"a \\\"b\\\" \\\\ <0a> <01>é<ff>\"}\n"));
}

TEST_F(LogFile, HoldsOneLinePerCallWhateverTheMessage) {
  Open(LogFormat::kText);
  LogNotice("x\nfake line\r\n\033[31m{}", std::string(10000, 'y'));
  const std::string text = Text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_THAT(text, Not(HasSubstr("\033")));
  EXPECT_LT(text.size(), 5000u);
}

TEST_F(LogFile, HoldsOnlyLinesOfItsLevel) {
  Open(LogFormat::kText, LogLevel::kWarning);
  LogNotice("unseen");
  LogWarning("seen");
  Log::SetLevel(LogLevel::kDebug);
  LogDebug("debugged");
  Log::SetLevel(LogLevel::kNothing);
  LogWarning("silenced");
  EXPECT_THAT(Text(), Not(HasSubstr("unseen")));
  EXPECT_THAT(Text(), HasSubstr("seen"));
  EXPECT_THAT(Text(), HasSubstr("debug debugged"));
  EXPECT_THAT(Text(), Not(HasSubstr("silenced")));
}

TEST_F(LogFile, IsReopenedAfterItWasMoved) {
  Open(LogFormat::kText);
  LogNotice("before");
  const std::string moved = path_ + ".1";
  ASSERT_EQ(rename(path_.c_str(), moved.c_str()), 0);
  LogNotice("between");
  ASSERT_TRUE(Log::Reopen().ok());
  LogNotice("after");
  EXPECT_THAT(Text(), HasSubstr("after"));
  EXPECT_THAT(Text(), Not(HasSubstr("between")));
  unlink(moved.c_str());
}

TEST_F(LogFile, StaysWhenAnotherCannotBeOpened) {
  Open(LogFormat::kText);
  const auto opened = Log::Init({.file = "/nonexistent/peal.log"});
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().text(),
            "Can't open the log file '/nonexistent/peal.log': No such file or directory");
  LogNotice("still here");
  EXPECT_THAT(Text(), HasSubstr("still here"));
}

TEST_F(LogFile, TakesLinesFromManyThreadsWhole) {
  Open(LogFormat::kText);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 200; ++i) LogNotice("thread {} line {} {}", t, i, std::string(100, 'x'));
    });
  for (std::thread& thread : threads) thread.join();
  std::istringstream lines(Text());
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    ++count;
    EXPECT_THAT(line, testing::EndsWith(" " + std::string(100, 'x')));
  }
  EXPECT_EQ(count, 800);
}

TEST_F(LogFile, IsSparedByARateLimit) {
  Open(LogFormat::kText);
  RateLimitedLog limited(LogLevel::kWarning, 2);
  EXPECT_TRUE(limited.Admit(100));
  EXPECT_TRUE(limited.Admit(100));
  EXPECT_FALSE(limited.Admit(100));
  EXPECT_FALSE(limited.Admit(99)) << "a late thread counts into the newer second";
  EXPECT_EQ(limited.suppressed(), 2u);
  EXPECT_TRUE(limited.Admit(101));
  EXPECT_EQ(limited.suppressed(), 0u);
  EXPECT_THAT(Text(), HasSubstr("suppressed 2 similar lines"));
}

TEST_F(LogFile, HasNoColour) {
  Open(LogFormat::kText);
  LogWarning("plain");
  EXPECT_THAT(Text(), Not(HasSubstr("\033")));
}

}  // namespace
}  // namespace peal::broker
