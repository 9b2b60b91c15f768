#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/base/result.h"

namespace peal::broker {

/// How a client gave a time of expiry.
enum class TimeUnit : uint8_t { kSeconds, kMilliseconds };

/// The absolute Unix time in milliseconds that `text` means for SET, SETEX, PSETEX and GETEX: a
/// positive number in `unit`, counted from `now_ms` if `is_relative`. Errors as Redis 7.2: not an
/// integer; "invalid expire time in '<command>' command" for zero, less, or what does not fit.
protocol::Result<int64_t> ReadExpireTime(std::string_view text, TimeUnit unit, bool is_relative,
                                         int64_t now_ms, std::string_view command);

/// As ReadExpireTime for the EXPIRE family, where zero and negative times are good.
protocol::Result<int64_t> ReadAnyExpireTime(std::string_view text, TimeUnit unit, bool is_relative,
                                            int64_t now_ms, std::string_view command);

}  // namespace peal::broker
