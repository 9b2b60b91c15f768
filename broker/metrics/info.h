#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace peal::broker {

class Server;

/// The text of INFO for the sections named (in any letter case; none: "default"; "all",
/// "everything" too). Unknown names add nothing. With all reactors parked, on a reactor's thread.
std::string BuildInfo(Server& server, std::span<const std::string_view> sections);

/// "919.34K", "1.50M", "12B": as INFO shows bytes to people. Source: Redis 7.2.
std::string HumanBytes(uint64_t bytes);

}  // namespace peal::broker
