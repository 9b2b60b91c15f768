#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace peal::tests {

/// A redis-server child on a unix socket in a directory of its own: the live reference of error
/// texts.
class RedisReference {
 public:
  static constexpr const char* kProgram = "/usr/bin/redis-server";
  static bool IsInstalled() { return access(kProgram, X_OK) == 0; }

  explicit RedisReference(const std::vector<std::string>& options = {}) {
    char name[] = "/tmp/peal-protocol-XXXXXX";
    if (mkdtemp(name) == nullptr) return;
    directory_ = name;
    socket_path_ = directory_ + "/redis.sock";
    std::vector<std::string> words = {kProgram,       "--port",     "0",     "--save",  "",
                                      "--unixsocket", socket_path_, "--dir", directory_};
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    child_ = fork();
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      // Not freopen: it would print once more what the parent has buffered.
      const int nothing = open("/dev/null", O_WRONLY);
      if (nothing < 0 || dup2(nothing, STDOUT_FILENO) < 0) _exit(126);
      execv(kProgram, argv.data());
      _exit(127);
    }
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
      const int fd = Connect();
      if (fd >= 0) {
        close(fd);
        is_up_ = true;
        return;
      }
      poll(nullptr, 0, 5);  // the child has no other sign that it listens
    }
  }
  ~RedisReference() {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }
  RedisReference(const RedisReference&) = delete;
  RedisReference& operator=(const RedisReference&) = delete;

  bool IsUp() const { return is_up_; }

  /// Everything the server answers to `bytes` on a connection of their own, up to its closing. The
  /// sender closes its side first, which the server notices when it has answered everything.
  std::string Answer(std::string_view bytes) const {
    const int fd = Connect();
    if (fd < 0) return "no connection";
    std::string answer;
    while (!bytes.empty()) {
      const ssize_t n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) break;  // closed already: the answer tells why
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    shutdown(fd, SHUT_WR);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
      pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
      if (poll(&one, 1, 100) <= 0) continue;
      char buffer[4096];
      const ssize_t n = read(fd, buffer, sizeof buffer);
      if (n <= 0) break;
      answer.append(buffer, static_cast<size_t>(n));
    }
    close(fd);
    return answer;
  }

 private:
  int Connect() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path_.copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
      return fd;
    if (fd >= 0) close(fd);
    return -1;
  }

  std::string directory_;
  std::string socket_path_;
  pid_t child_ = -1;
  bool is_up_ = false;
};

}  // namespace peal::tests

/// Starts a reference called `name`, or skips the test where there is none to start.
#define PEAL_START_REFERENCE(name, ...)                                                 \
  if (!peal::tests::RedisReference::IsInstalled())                                      \
    GTEST_SKIP() << "redis-server is not installed: no live reference to compare with"; \
  const peal::tests::RedisReference name __VA_ARGS__;                                   \
  ASSERT_TRUE(name.IsUp())
