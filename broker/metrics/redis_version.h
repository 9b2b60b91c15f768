#pragma once

#include <string_view>

namespace peal::broker {

/// The version of Redis whose features clients and scripts may expect.
inline constexpr std::string_view kRedisVersion = "7.2.4";
inline constexpr int kRedisVersionNumber = 0x00070204;

}  // namespace peal::broker
