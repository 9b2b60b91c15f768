// Tree, plain matcher and a live redis-server must agree on every (pattern, text) pair.
//
// The reference is driven by KEYS: a database that holds the texts as keys answers one pattern with
// all texts that match, so 200 texts make 200 verdicts a command. Two things need care: KEYS takes
// "*" alone as "all", the empty key included, where its matcher says no; and ranges that cross byte
// 0x80 depend on the sign of char there (Differs).
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "patterns/glob.h"
#include "patterns/glob_scan.h"
#include "patterns/pattern_tree.h"
#include "tests/patterns/random_globs.h"

namespace peal::patterns {
namespace {

constexpr const char* kRedisServer = "/usr/bin/redis-server";

/// A redis-server child on a unix socket in a directory of its own, and one connection to it.
class Redis {
 public:
  Redis() {
    char name[] = "/tmp/peal-globs-XXXXXX";
    if (mkdtemp(name) == nullptr) return;
    directory_ = name;
    const std::string socket_path = directory_ + "/redis.sock";
    child_ = fork();
    if (child_ == 0) {
      if (freopen("/dev/null", "w", stdout) == nullptr) _exit(126);
      execl(kRedisServer, kRedisServer, "--port", "0", "--save", "", "--unixsocket",
            socket_path.c_str(), "--dir", directory_.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < deadline) {
      socket_ = socket(AF_UNIX, SOCK_STREAM, 0);
      if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return;
      close(socket_);
      socket_ = -1;
      usleep(10'000);  // the child has no other sign that it listens
    }
  }
  ~Redis() {
    if (socket_ >= 0) close(socket_);
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }
  Redis(const Redis&) = delete;
  Redis& operator=(const Redis&) = delete;

  bool IsConnected() const { return socket_ >= 0; }

  void Queue(const std::vector<std::string>& arguments) {
    output_ += "*" + std::to_string(arguments.size()) + "\r\n";
    for (const std::string& argument : arguments)
      output_ += "$" + std::to_string(argument.size()) + "\r\n" + argument + "\r\n";
  }

  /// Sends what is queued. Small enough not to fill both buffers while nobody reads.
  bool Send() {
    size_t sent = 0;
    while (sent < output_.size()) {
      const ssize_t n = write(socket_, output_.data() + sent, output_.size() - sent);
      if (n <= 0) return false;
      sent += static_cast<size_t>(n);
    }
    output_.clear();
    return true;
  }

  /// One reply: the bulk strings of an array, or a simple line as one string.
  std::vector<std::string> Reply() {
    const std::string line = Line();
    if (line.empty() || line[0] != '*') return {line};
    std::vector<std::string> items(static_cast<size_t>(std::atoll(line.c_str() + 1)));
    for (std::string& item : items) {
      const std::string head = Line();
      const auto length = static_cast<size_t>(std::atoll(head.c_str() + 1));
      while (input_.size() - at_ < length + 2 && Fill()) {
      }
      item = input_.substr(at_, length);
      at_ += length + 2;
    }
    return items;
  }

  std::vector<std::string> Ask(const std::vector<std::string>& arguments) {
    Queue(arguments);
    return Send() ? Reply() : std::vector<std::string>{"no answer"};
  }

 private:
  bool Fill() {
    char buffer[65'536];
    const ssize_t n = read(socket_, buffer, sizeof(buffer));
    if (n <= 0) return false;
    input_.erase(0, at_);
    at_ = 0;
    input_.append(buffer, static_cast<size_t>(n));
    return true;
  }
  std::string Line() {
    size_t end;
    while ((end = input_.find("\r\n", at_)) == std::string::npos)
      if (!Fill()) return "";
    std::string line = input_.substr(at_, end - at_);
    at_ = end + 2;
    return line;
  }

  std::string directory_;
  pid_t child_ = -1;
  int socket_ = -1;
  std::string output_;
  std::string input_;
  size_t at_ = 0;
};

/// Whether a range of `pattern` has one end below and one above 0x80.
bool HasRangeAcrossSign(std::string_view pattern) {
  bool found = false;
  for (size_t pos = 0; pos < pattern.size();) {
    if (pattern[pos] == '\\') {
      pos += 2;
    } else if (pattern[pos] == '[') {
      bool negated = false;
      pos = ScanClass(
          pattern, pos + 1, negated, [](unsigned char, bool) {},
          [&](unsigned char low, unsigned char high) { found |= low < 0x80 && high >= 0x80; });
    } else {
      ++pos;
    }
  }
  return found;
}

#define START_REDIS(redis)                                                              \
  if (access(kRedisServer, X_OK) != 0)                                                  \
    GTEST_SKIP() << "redis-server is not installed: no live reference to compare with"; \
  Redis redis;                                                                          \
  ASSERT_TRUE(redis.IsConnected())

TEST(RedisReference, SeededPairsAgree) {
  START_REDIS(redis);
  // PEAL_GLOB_PAIRS sets another number.
  const char* wanted = std::getenv("PEAL_GLOB_PAIRS");
  const size_t pairs = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 1'000'000;
  constexpr uint64_t kSeed = 20'261'121;
  constexpr size_t kPatterns = 200;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  RandomGlobs random(kSeed);
  size_t compared = 0;
  size_t matched = 0;
  while (compared < pairs) {
    PatternTree tree;
    std::vector<std::string> patterns;
    while (patterns.size() < kPatterns) {
      std::string pattern = random.Pattern();
      bool inserted = false;
      if (pattern == "*" || HasRangeAcrossSign(pattern)) continue;
      tree.Insert(pattern, &inserted);
      if (inserted) patterns.push_back(std::move(pattern));
    }
    std::set<std::string> texts;
    for (const std::string& pattern : patterns) {
      texts.insert(random.TextFor(pattern));
      if (texts.size() % 4 == 0) texts.insert(random.Text());
    }
    redis.Queue({"FLUSHALL"});
    for (const std::string& text : texts) redis.Queue({"SET", text, "1"});
    ASSERT_TRUE(redis.Send());
    for (size_t i = 0; i <= texts.size(); ++i) ASSERT_EQ(redis.Reply()[0], "+OK");

    std::set<std::pair<std::string, std::string>> by_tree;
    MatchScratch scratch;
    std::vector<PatternId> ids;
    for (const std::string& text : texts) {
      ids.clear();
      tree.Match(text, scratch, ids);
      for (const PatternId id : ids) by_tree.emplace(tree.Pattern(id), text);
    }
    for (const std::string& pattern : patterns) {
      const std::vector<std::string> keys = redis.Ask({"KEYS", pattern});
      const std::set<std::string> expected(keys.begin(), keys.end());
      for (const std::string& text : texts) {
        const bool is_match = expected.count(text) > 0;
        ASSERT_EQ(GlobMatch(pattern, text), is_match) << Printable(pattern) << Printable(text);
        ASSERT_EQ(by_tree.count({pattern, text}) > 0, is_match)
            << Printable(pattern) << Printable(text);
        matched += is_match;
      }
      compared += texts.size();
    }
  }
  RecordProperty("pairs", std::to_string(compared));
  RecordProperty("matched", std::to_string(matched));
  std::printf("%zu pairs compared, %zu of them match\n", compared, matched);
  EXPECT_GT(matched, compared / 200);
}

TEST(RedisReference, TheLimitOfStarsIsTheSame) {
  START_REDIS(redis);
  const std::string text(1'100, 'a');
  ASSERT_EQ(redis.Ask({"SET", text, "1"})[0], "+OK");
  std::string stars;
  for (size_t i = 1; i <= kMaxStars + 2; ++i) {
    stars += "*a";
    if (i + 2 < kMaxStars) continue;
    for (const std::string& pattern : {stars, stars + "*"})
      EXPECT_EQ(redis.Ask({"KEYS", pattern}).size() == 1, GlobMatch(pattern, text)) << i;
  }
}

TEST(RedisReference, StarsAloneDoNotMatchTheEmptyChannel) {
  START_REDIS(redis);
  // KEYS looks at "*" before its matcher does; "**" shows the matcher.
  ASSERT_EQ(redis.Ask({"SET", "", "1"})[0], "+OK");
  EXPECT_TRUE(redis.Ask({"KEYS", "**"}).empty());
  EXPECT_FALSE(GlobMatch("**", ""));
}

}  // namespace
}  // namespace peal::patterns
