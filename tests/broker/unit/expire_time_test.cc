#include "broker/commands/expire_time.h"

#include <gtest/gtest.h>

namespace peal::broker {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

std::string Read(std::string_view text, TimeUnit unit, bool is_relative) {
  const auto time = ReadExpireTime(text, unit, is_relative, kNow, "set");
  return time.ok() ? std::to_string(*time) : std::string(time.error().text());
}

std::string ReadAny(std::string_view text, TimeUnit unit, bool is_relative) {
  const auto time = ReadAnyExpireTime(text, unit, is_relative, kNow, "expire");
  return time.ok() ? std::to_string(*time) : std::string(time.error().text());
}

TEST(ExpireTime, IsAbsoluteAndInMilliseconds) {
  EXPECT_EQ(Read("10", TimeUnit::kSeconds, true), "1700000010000");
  EXPECT_EQ(Read("10", TimeUnit::kMilliseconds, true), "1700000000010");
  EXPECT_EQ(Read("10", TimeUnit::kSeconds, false), "10000");
  EXPECT_EQ(Read("10", TimeUnit::kMilliseconds, false), "10");
}

// Texts as redis-server 7.0.15 replies.
TEST(ExpireTime, RefusesWhatIsNoTimeForSet) {
  const std::string invalid = "ERR invalid expire time in 'set' command";
  EXPECT_EQ(Read("0", TimeUnit::kSeconds, true), invalid);
  EXPECT_EQ(Read("-1", TimeUnit::kMilliseconds, false), invalid);
  EXPECT_EQ(Read("9223372036854775807", TimeUnit::kSeconds, false), invalid);
  EXPECT_EQ(Read("9223372036854775", TimeUnit::kSeconds, true), invalid);
  EXPECT_EQ(Read("9223372036854775807", TimeUnit::kMilliseconds, true), invalid);
  EXPECT_EQ(Read("9223372036854775807", TimeUnit::kMilliseconds, false), "9223372036854775807");
  EXPECT_EQ(Read("abc", TimeUnit::kSeconds, true), "ERR value is not an integer or out of range");
  EXPECT_EQ(Read("", TimeUnit::kSeconds, true), "ERR value is not an integer or out of range");
}

TEST(ExpireTime, MayLieInThePastForExpire) {
  const std::string invalid = "ERR invalid expire time in 'expire' command";
  EXPECT_EQ(ReadAny("0", TimeUnit::kSeconds, true), "1700000000000");
  EXPECT_EQ(ReadAny("-1", TimeUnit::kSeconds, true), "1699999999000");
  EXPECT_EQ(ReadAny("-9223372036854775808", TimeUnit::kMilliseconds, false),
            "-9223372036854775808");
  EXPECT_EQ(ReadAny("-9223372036854775808", TimeUnit::kMilliseconds, true), "-9223370336854775808");
  EXPECT_EQ(ReadAny("-9223372036854775808", TimeUnit::kSeconds, false), invalid);
}

}  // namespace
}  // namespace peal::broker
