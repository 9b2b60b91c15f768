#include "broker/config/replace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

namespace peal::broker {
namespace {

/// Closes and unlinks what was begun, unless Keep() was called.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& beside) : path_(beside + ".XXXXXX") {
    fd_ = mkostemp(path_.data(), O_CLOEXEC);
  }
  ~TemporaryFile() {
    if (fd_ < 0) return;
    close(fd_);
    if (!is_kept_) unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int fd() const { return fd_; }
  const std::string& path() const { return path_; }
  void Keep() { is_kept_ = true; }

 private:
  std::string path_;
  int fd_ = -1;
  bool is_kept_ = false;
};

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    text.remove_prefix(static_cast<size_t>(wrote));
  }
  return true;
}

// Makes the rename last through a power cut. Some file systems cannot; the new file is there
// anyway.
void SyncDirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

}  // namespace

int ReplaceFile(const std::string& path, std::string_view text) {
  TemporaryFile temporary(path);
  if (temporary.fd() < 0) return errno;
  struct stat info = {};
  // The new file keeps the old one's permissions; a file that may hold a password starts private.
  if (stat(path.c_str(), &info) == 0 && fchmod(temporary.fd(), info.st_mode & 07777) != 0) {
    return errno;
  }
  if (!WriteAll(temporary.fd(), text) || fsync(temporary.fd()) != 0) return errno;
  if (rename(temporary.path().c_str(), path.c_str()) != 0) return errno;
  temporary.Keep();
  SyncDirectoryOf(path);
  return 0;
}

}  // namespace peal::broker
