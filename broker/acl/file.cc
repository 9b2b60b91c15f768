#include "broker/acl/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <system_error>

#include "broker/config/replace_file.h"

namespace peal::broker {
namespace {

using protocol::Error;
using protocol::Result;

constexpr size_t kLargestFile = size_t{64} << 20;

std::string Reason(int error) { return std::generic_category().message(error); }

Error CannotRead(const std::string& path, const std::string& reason) {
  return Error::Owned("ERR Error loading ACLs, opening file '" + path + "': " + reason);
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

}  // namespace

std::vector<AclFileLine> SplitAclFile(std::string_view text) {
  std::vector<AclFileLine> lines;
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    AclFileLine split;
    split.number = number;
    for (size_t i = 0; i < line.size();) {
      if (IsBlank(line[i])) {
        ++i;
        continue;
      }
      const size_t begin = i;
      while (i < line.size() && !IsBlank(line[i])) ++i;
      split.words.push_back(line.substr(begin, i - begin));
    }
    if (!split.words.empty()) lines.push_back(std::move(split));
  }
  return lines;
}

Result<std::string> ReadAclFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return CannotRead(path, Reason(errno));
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) break;
    const int error = errno;
    if (got < 0 || text.size() + static_cast<size_t>(got) > kLargestFile) {
      close(fd);
      return CannotRead(path, got < 0 ? Reason(error) : "it is longer than 64 MiB");
    }
    text.append(buffer, static_cast<size_t>(got));
  }
  close(fd);
  return text;
}

Result<void> WriteAclFile(const std::string& path, std::string_view text) {
  if (const int error = ReplaceFile(path, text); error != 0) {
    return Error::Owned("'" + path + "': " + Reason(error));
  }
  return {};
}

}  // namespace peal::broker
