#include "broker/auth/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <system_error>

namespace peal::broker {
namespace {

using protocol::Error;
using protocol::Result;

constexpr size_t kLargestFile = size_t{1} << 20;

Error CannotRead(const std::string& path, std::string_view reason) {
  return Error::Owned("cannot read '" + path + "': " + std::string(reason));
}

Result<SecretFile> ReadDescriptor(int fd, const std::string& path) {
  struct stat status{};
  if (fstat(fd, &status) != 0) {
    return CannotRead(path, std::generic_category().message(errno));
  }
  if (S_ISDIR(status.st_mode)) return CannotRead(path, std::generic_category().message(EISDIR));
  // One buffer for all, so that it does not move and leave copies. Pipes tell no size.
  const size_t room = S_ISREG(status.st_mode) && static_cast<size_t>(status.st_size) < kLargestFile
                          ? static_cast<size_t>(status.st_size)
                          : kLargestFile;
  std::string text(room + 1, '\0');
  size_t length = 0;
  while (length < text.size()) {
    const ssize_t got = read(fd, text.data() + length, text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      Cleanse(text);
      return CannotRead(path, std::generic_category().message(error));
    }
    if (got == 0) break;
    length += static_cast<size_t>(got);
  }
  if (length > room) {
    Cleanse(text);
    return CannotRead(path, "it grew while it was read, or is longer than 1 MiB");
  }
  SecretFile file{.text = Secret(std::string_view(text).substr(0, length)),
                  .is_open_to_others = (status.st_mode & S_IROTH) != 0};
  Cleanse(text);
  return file;
}

}  // namespace

Result<SecretFile> ReadSecretFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return CannotRead(path, std::generic_category().message(errno));
  Result<SecretFile> file = ReadDescriptor(fd, path);
  close(fd);
  return file;
}

Result<Secret> ReadPasswordFile(const std::string& path) {
  PEAL_ASSIGN_OR_RETURN(const SecretFile file, ReadSecretFile(path));
  if (file.is_open_to_others) {
    return Error::Owned("'" + path + "' holds a secret, and everybody may read it: chmod o-r");
  }
  std::string_view line = file.text.view();
  line = line.substr(0, line.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return Error::Owned("the first line of '" + path + "' is empty");
  if (line.find('\0') != std::string_view::npos) {
    return Error::Owned("the first line of '" + path + "' has a NUL octet");
  }
  return Secret(line);
}

Result<Secret> DefaultPassword(const Config& config) {
  if (config.requirepass_file.empty()) return Secret(config.requirepass);
  if (!config.requirepass.empty()) {
    return Error::Static("requirepass and requirepass-file cannot be used at the same time");
  }
  Result<Secret> password = ReadPasswordFile(config.requirepass_file);
  if (!password.ok()) {
    return Error::Owned("requirepass-file: " + std::string(password.error().text()));
  }
  return password;
}

}  // namespace peal::broker
