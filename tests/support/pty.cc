#include "tests/support/pty.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <stdexcept>

#include "tests/support/deadline.h"
#include "tests/support/reply.h"

namespace peal::tests {
namespace {

/// Removes escape sequences ("ESC [ ... letter") and carriage returns.
std::string Plain(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b' && i + 1 < text.size() && text[i + 1] == '[') {
      i += 2;
      while (i < text.size() && std::isalpha(static_cast<unsigned char>(text[i])) == 0) ++i;
    } else if (text[i] != '\r') {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

Pty::Pty(const std::vector<std::string>& words) {
  std::vector<std::string> copies = words;
  std::vector<char*> argv;
  for (std::string& word : copies) argv.push_back(word.data());
  argv.push_back(nullptr);
  winsize size{};
  size.ws_row = 50;
  size.ws_col = 200;
  pid_ = forkpty(&fd_, nullptr, nullptr, &size);
  if (pid_ < 0) throw std::runtime_error("forkpty failed");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("TERM", "xterm", 1);
    setenv("HOME", "/nonexistent", 1);  // no history, no preferences
    execvp(argv[0], argv.data());
    _exit(127);
  }
}

Pty::~Pty() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (fd_ >= 0) close(fd_);
}

void Pty::Type(std::string_view text) {
  std::string line{text};
  line += '\r';
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = write(fd_, rest.data(), rest.size());
    if (written <= 0) throw std::runtime_error("the terminal is closed");
    rest.remove_prefix(static_cast<size_t>(written));
  }
}

void Pty::Interrupt() {
  const char control_c = 3;
  if (write(fd_, &control_c, 1) != 1) throw std::runtime_error("the terminal is closed");
}

std::string Pty::Expect(std::string_view text) {
  const Deadline deadline;
  std::string raw;
  const size_t start = screen_.size();
  while (true) {
    screen_.resize(start);
    screen_ += Plain(raw);
    const size_t at = screen_.find(text, seen_);
    if (at != std::string::npos) {
      std::string before = screen_.substr(seen_, at - seen_);
      seen_ = at + text.size();
      return before;
    }
    pollfd waiting{fd_, POLLIN, 0};
    char chunk[4096];
    ssize_t got = 0;
    if (poll(&waiting, 1, deadline.LeftMs()) > 0) got = read(fd_, chunk, sizeof chunk);
    if (got <= 0) {
      throw std::runtime_error("expected \"" + std::string(text) + "\" but the terminal shows:\n" +
                               screen_.substr(seen_));
    }
    raw.append(chunk, static_cast<size_t>(got));
  }
}

}  // namespace peal::tests
