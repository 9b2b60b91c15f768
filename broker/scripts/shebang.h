#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/result.h"

namespace peal::broker {

/// What a script or function declares about itself. Source: Redis 7.0 script flags.
enum ScriptFlag : uint32_t {
  kScriptNoWrites = 1,
  kScriptAllowOom = 2,
  kScriptAllowStale = 4,
  kScriptNoCluster = 8,
  kScriptAllowCrossSlotKeys = 16,
};

/// The flag of a name ("no-writes"), or 0.
uint32_t ScriptFlagOf(std::string_view name);

/// The names of `flags`, in the order in which Redis lists them.
template <typename Visit>
void ForEachScriptFlag(uint32_t flags, Visit visit) {
  constexpr std::string_view kNames[] = {"no-writes", "allow-oom", "allow-stale", "no-cluster",
                                         "allow-cross-slot-keys"};
  for (uint32_t i = 0; i < 5; ++i) {
    if ((flags & (1u << i)) != 0) visit(kNames[i]);
  }
}

/// The first line of a script, if that is "#!lua ...".
struct Shebang {
  bool is_there = false;
  uint32_t flags = 0;
  size_t size = 0;  // of the line, without its end: the code goes on from there
};

/// For EVAL: "#!lua flags=a,b". A script without such a line has none of the flags and follows the
/// rules of old.
protocol::Result<Shebang> ParseScriptShebang(std::string_view body);

struct LibraryHeader {
  std::string name;
  size_t size = 0;
};

/// For FUNCTION LOAD: "#!lua name=<name>".
protocol::Result<LibraryHeader> ParseLibraryHeader(std::string_view code);

/// Letters, digits and underscores, at least one.
bool IsFunctionName(std::string_view name);
inline constexpr std::string_view kBadFunctionName =
    "Library names can only contain letters, numbers, or underscores(_) and must be at least one "
    "character long";

}  // namespace peal::broker
