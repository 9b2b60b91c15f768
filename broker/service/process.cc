#include "broker/service/process.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>

namespace peal::broker {

using protocol::Error;
using protocol::Result;

namespace {

Error SystemError(const std::string& what, int error) {
  return Error::Owned(what + ": " + std::generic_category().message(error));
}

}  // namespace

Result<void> WritePidFile(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return SystemError("Can't write the pid file '" + path + "'", errno);
  const std::string text = std::to_string(getpid()) + "\n";
  const ssize_t wrote = write(fd, text.data(), text.size());
  const int error = wrote < 0 ? errno : ENOSPC;
  close(fd);
  if (wrote != static_cast<ssize_t>(text.size()))
    return SystemError("Can't write the pid file '" + path + "'", error);
  return {};
}

void RemovePidFile(const std::string& path) {
  // A second server may have taken the path over meanwhile.
  std::ifstream file(path);
  std::string text;
  if (std::getline(file, text) && text == std::to_string(getpid())) unlink(path.c_str());
}

Result<void> Daemonize() {
  const pid_t child = fork();
  if (child < 0) return SystemError("Can't fork", errno);
  if (child > 0) _exit(0);
  if (setsid() < 0) return SystemError("Can't leave the session", errno);
  const int null = open("/dev/null", O_RDWR);
  if (null < 0) return SystemError("Can't open /dev/null", errno);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (dup2(null, stream) < 0) return SystemError("Can't redirect standard streams", errno);
  }
  if (null > STDERR_FILENO) close(null);
  return {};
}

std::string SignalName(int signal_number) {
  const char* name = sigabbrev_np(signal_number);
  if (name != nullptr) return std::string("SIG") + name;
  return "signal " + std::to_string(signal_number);
}

}  // namespace peal::broker
