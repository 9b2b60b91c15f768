#include "broker/config/check_system.h"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <optional>

#include "protocol/base/number.h"

namespace peal::broker {
namespace {

/// Descriptors that are not clients: listeners, logs, loops, files.
constexpr uint64_t kOwnDescriptors = 64;

std::optional<std::string> FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

std::optional<int64_t> Number(const std::string& path) {
  const std::optional<std::string> line = FirstLine(path);
  return line ? protocol::ParseInt64(*line) : std::nullopt;
}

SystemFinding Unreadable(const std::string& what, const std::string& path) {
  return {true, what + ": not known (" + path + " cannot be read)"};
}

SystemFinding CheckDescriptors(const Config& config) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return {true, "open files: limit not known"};
  const uint64_t needed = config.maxclients + kOwnDescriptors;
  const std::string found = "open files: limit " + std::to_string(limit.rlim_cur) + ", at most " +
                            std::to_string(limit.rlim_max) + ", needed " + std::to_string(needed);
  // The server raises the soft limit by itself.
  if (limit.rlim_max >= needed) return {true, found};
  return {false,
          found + ". Raise it (ulimit -n, LimitNOFILE= of a systemd unit) or lower maxclients"};
}

SystemFinding CheckBacklog(const Config& config, const std::string& root) {
  const std::string path = root + "/proc/sys/net/core/somaxconn";
  const std::optional<int64_t> value = Number(path);
  if (!value) return Unreadable("listen backlog", path);
  const std::string found = "listen backlog: net.core.somaxconn " + std::to_string(*value) +
                            ", tcp-backlog " + std::to_string(config.tcp_backlog);
  if (*value >= config.tcp_backlog) return {true, found};
  return {false, found + ". Bursts of new clients may be refused: sysctl net.core.somaxconn=" +
                     std::to_string(config.tcp_backlog)};
}

SystemFinding CheckOvercommit(const std::string& root) {
  const std::string path = root + "/proc/sys/vm/overcommit_memory";
  const std::optional<int64_t> value = Number(path);
  if (!value) return Unreadable("memory overcommit", path);
  const std::string found = "memory overcommit: vm.overcommit_memory " + std::to_string(*value);
  if (*value != 2) return {true, found};
  return {false, found + " refuses memory that is free: sysctl vm.overcommit_memory=1"};
}

SystemFinding CheckHugePages(const std::string& root) {
  const std::string path = root + "/sys/kernel/mm/transparent_hugepage/enabled";
  const std::optional<std::string> line = FirstLine(path);
  if (!line) return Unreadable("transparent huge pages", path);
  if (line->find("[always]") == std::string::npos)
    return {true, "transparent huge pages: " + *line};
  return {false, "transparent huge pages: " + *line +
                     ". Memory use and pauses grow: echo madvise > " + path};
}

SystemFinding CheckSwappiness(const std::string& root) {
  const std::string path = root + "/proc/sys/vm/swappiness";
  const std::optional<int64_t> value = Number(path);
  if (!value) return Unreadable("swapping", path);
  const std::string found = "swapping: vm.swappiness " + std::to_string(*value);
  if (*value <= 60) return {true, found};
  return {false, found + " swaps data out early: sysctl vm.swappiness=10"};
}

}  // namespace

std::vector<SystemFinding> CheckSystem(const Config& config, const std::string& root) {
  return {CheckDescriptors(config), CheckBacklog(config, root), CheckOvercommit(root),
          CheckHugePages(root), CheckSwappiness(root)};
}

bool AreAllFine(const std::vector<SystemFinding>& findings) {
  return std::all_of(findings.begin(), findings.end(),
                     [](const SystemFinding& finding) { return finding.is_fine; });
}

std::string FormatFindings(const std::vector<SystemFinding>& findings) {
  std::string out;
  for (const SystemFinding& finding : findings)
    out.append(finding.is_fine ? "[ok]   " : "[look] ").append(finding.text).append("\n");
  return out;
}

}  // namespace peal::broker
