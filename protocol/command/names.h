#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "protocol/command/spec.h"

namespace peal::protocol {

/// "pubsub", "sorted-set": as COMMAND DOCS prints groups.
std::string_view GroupName(Group group);
/// "pure-token", "oneof": as COMMAND DOCS prints types of arguments.
std::string_view ArgTypeName(ArgType type);
/// Flags that COMMAND INFO prints, with their names, in its order.
std::span<const std::pair<Flag, std::string_view>> FlagNames();
/// Categories without '@', in the order of COMMAND INFO.
std::span<const std::pair<Acl, std::string_view>> CategoryNames();
/// "RO", "access", "not_key": flags of key specs.
std::span<const std::pair<KeyFlag, std::string_view>> KeyFlagNames();

}  // namespace peal::protocol
