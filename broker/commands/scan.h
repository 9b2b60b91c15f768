#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/exec/command.h"
#include "protocol/base/result.h"

namespace peal::broker {

/// A cursor as Redis reads it: any 64-bit number, a minus sign wraps.
std::optional<uint64_t> ReadCursor(std::string_view text);

/// Options of SCAN, HSCAN, SSCAN and ZSCAN.
struct ScanOptions {
  size_t count = 10;
  std::string_view pattern = "*";
  std::string_view type;   // SCAN only
  bool has_type = false;   // SCAN only
  bool no_values = false;  // HSCAN only

  /// "*" means everything, the empty string included, which the glob itself does not match.
  bool Matches(std::string_view text) const;
};

/// Which options a command knows besides MATCH and COUNT.
enum class ScanKind : uint8_t { kKeys, kMembers, kFields };

/// Reads the options from args[first] on. Errors as Redis.
protocol::Result<void> ReadScanOptions(const CommandContext& context, size_t first, ScanKind kind,
                                       ScanOptions& out);

}  // namespace peal::broker
