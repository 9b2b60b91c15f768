#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/config/config.h"

namespace peal::broker {

/// One finding of --check-system.
struct SystemFinding {
  bool is_fine = true;
  std::string text;  // what was found and, if not fine, what to do; one line
};

/// Looks at the limit of descriptors, the listen backlog, memory overcommit, transparent huge pages
/// and swapping, against what `config` needs. Reads /proc and /sys; never fails: what cannot be
/// read is told as such. `root` goes before the paths (for tests).
std::vector<SystemFinding> CheckSystem(const Config& config, const std::string& root = "");

/// Whether nothing has to be changed.
bool AreAllFine(const std::vector<SystemFinding>& findings);

/// The findings as lines for a terminal.
std::string FormatFindings(const std::vector<SystemFinding>& findings);

}  // namespace peal::broker
