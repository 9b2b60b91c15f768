#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace peal::tests {

/// A program in a pseudo-terminal, as a person would run it. For one thread.
class Pty {
 public:
  explicit Pty(const std::vector<std::string>& words);
  ~Pty();
  Pty(const Pty&) = delete;
  Pty& operator=(const Pty&) = delete;

  /// Types `text` followed by the return key.
  void Type(std::string_view text);
  /// Sends control-C.
  void Interrupt();
  /// Waits until the screen shows `text` behind what earlier calls have found, and returns what
  /// came before it. Throws std::runtime_error, with what was shown, if it does not come.
  std::string Expect(std::string_view text);

 private:
  int fd_ = -1;
  pid_t pid_ = -1;
  std::string screen_;  // without escape sequences and carriage returns
  size_t seen_ = 0;
};

}  // namespace peal::tests
