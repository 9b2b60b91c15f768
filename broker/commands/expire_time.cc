#include "broker/commands/expire_time.h"

#include <limits>
#include <optional>

#include "protocol/base/number.h"

namespace peal::broker {
namespace {

using protocol::Result;

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

}  // namespace

Result<int64_t> ReadAnyExpireTime(std::string_view text, TimeUnit unit, bool is_relative,
                                  int64_t now_ms, std::string_view command) {
  const std::optional<int64_t> number = protocol::ParseInt64(text);
  if (!number) return protocol::errors::kNotInteger;
  int64_t ms = *number;
  if (unit == TimeUnit::kSeconds) {
    if (ms > kMax / 1000 || ms < kMin / 1000) return protocol::errors::InvalidExpire(command);
    ms *= 1000;
  }
  if (is_relative) {
    if (ms > kMax - now_ms) return protocol::errors::InvalidExpire(command);
    ms += now_ms;
  }
  return ms;
}

Result<int64_t> ReadExpireTime(std::string_view text, TimeUnit unit, bool is_relative,
                               int64_t now_ms, std::string_view command) {
  const std::optional<int64_t> number = protocol::ParseInt64(text);
  if (number && *number <= 0) return protocol::errors::InvalidExpire(command);
  return ReadAnyExpireTime(text, unit, is_relative, now_ms, command);
}

}  // namespace peal::broker
