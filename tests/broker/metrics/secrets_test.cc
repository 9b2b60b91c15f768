#include "broker/metrics/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/metrics/monitor.h"

namespace peal::broker {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

std::vector<std::string> Shown(std::string_view name, std::vector<std::string_view> args) {
  const CommandTable table;
  const TableEntry* entry = table.FindFull(name);
  EXPECT_NE(entry, nullptr) << name;
  std::vector<std::string_view> scratch;
  const auto shown = HideSecrets(*entry, args, scratch);
  return {shown.begin(), shown.end()};
}

// As MONITOR of redis-server 7.0.15 shows them.
TEST(SecretsTest, PasswordsOfAuthAreHidden) {
  EXPECT_THAT(Shown("auth", {"AUTH", "pw"}), ElementsAre("AUTH", "(redacted)"));
  EXPECT_THAT(Shown("auth", {"auth", "user", "pw"}),
              ElementsAre("auth", "(redacted)", "(redacted)"));
}

TEST(SecretsTest, PasswordsOfHelloAreHidden) {
  EXPECT_THAT(Shown("hello", {"HELLO", "3", "Auth", "default", "pw", "SETNAME", "me"}),
              ElementsAre("HELLO", "3", "Auth", "(redacted)", "(redacted)", "SETNAME", "me"));
  EXPECT_THAT(Shown("hello", {"HELLO", "3", "SETNAME", "auth", "AUTH", "u", "pw"}),
              ElementsAre("HELLO", "3", "SETNAME", "auth", "AUTH", "(redacted)", "(redacted)"));
  EXPECT_THAT(Shown("hello", {"HELLO", "3", "AUTH", "u", "pw", "AUTH", "v", "pw"}),
              ElementsAre("HELLO", "3", "AUTH", "(redacted)", "(redacted)", "AUTH", "(redacted)",
                          "(redacted)"));
  EXPECT_THAT(Shown("hello", {"HELLO", "3", "SETNAME", "auth", "pw"}),
              ElementsAre("HELLO", "3", "SETNAME", "auth", "(redacted)"));
  EXPECT_THAT(Shown("hello", {"hello", "3", "auth", "x"}),
              ElementsAre("hello", "3", "auth", "(redacted)"));
}

TEST(SecretsTest, ValuesOfSensitiveDirectivesAreHidden) {
  EXPECT_THAT(Shown("config|set", {"config", "set", "maxclients", "10", "RequirePass", "pw"}),
              ElementsAre("config", "set", "maxclients", "10", "RequirePass", "(redacted)"));
}

TEST(SecretsTest, WhatIsNoPairOfConfigSetIsHidden) {
  EXPECT_THAT(Shown("config|set", {"config", "set", "requirepass", "my", "pw"}),
              ElementsAre("config", "set", "requirepass", "(redacted)", "(redacted)"));
  EXPECT_THAT(Shown("config|set", {"config", "set", "requirpass", "pw"}),
              ElementsAre("config", "set", "(redacted)", "(redacted)"));
  EXPECT_THAT(Shown("config|set", {"config", "set", "maxmemory", "requirepass", "pw"}),
              ElementsAre("config", "set", "maxmemory", "(redacted)", "(redacted)"));
  EXPECT_THAT(Shown("config|set", {"config", "set", "maxmemory", "requirepass", "pw", "100mb"}),
              ElementsAre("config", "set", "maxmemory", "(redacted)", "(redacted)", "(redacted)"));
  EXPECT_THAT(Shown("config|set", {"config", "set", "requirepass", "my", "save", "pw"}),
              ElementsAre("config", "set", "requirepass", "(redacted)", "save", "(redacted)"));
  EXPECT_THAT(Shown("config|set", {"config", "set", "requirepass"}),
              ElementsAre("config", "set", "requirepass"));
  EXPECT_THAT(Shown("config|set", {"config", "set", "maxmemory", "1", "maxclients", "2"}),
              ElementsAre("config", "set", "maxmemory", "1", "maxclients", "2"));
}

TEST(SecretsTest, WhatIsTriedForAUserIsHidden) {
  EXPECT_THAT(Shown("acl|dryrun", {"acl", "dryrun", "ann", "auth", "ann", "pw"}),
              ElementsAre("acl", "dryrun", "ann", "auth", "(redacted)", "(redacted)"));
}

TEST(SecretsTest, ARenamedCommandIsKnownByItsRow) {
  EXPECT_THAT(Shown("auth", {"letmein", "pw"}), ElementsAre("letmein", "(redacted)"));
}

TEST(SecretsTest, OtherCommandsAreShownAsTheyAre) {
  const std::vector<std::string_view> args = {"set", "auth", "pw"};
  EXPECT_THAT(Shown("set", args), ElementsAreArray(args));
}

// As redis-server 7.0.15 quotes.
TEST(MonitorTest, BytesThatDoNotPrintAreEscaped) {
  std::string out;
  AppendQuoted(out, std::string_view("a\"b\\\n\r\t\a\b\x01\x7f\xff\0z", 14));
  EXPECT_EQ(out, R"("a\"b\\\n\r\t\a\b\x01\x7f\xff\x00z")");
}

}  // namespace
}  // namespace peal::broker
