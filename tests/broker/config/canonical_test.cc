#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "broker/config/directive.h"
#include "broker/config/notify_flags.h"
#include "broker/config/words.h"

namespace peal::broker {
namespace {

using testing::IsEmpty;

// The canonical text of a line of words, or "error: <reason>".
std::string Read(std::string_view name, std::string_view words, std::string_view current = "") {
  const auto result = Canonicalise(*FindDirective(name), *SplitWords(words), current);
  return result.ok() ? *result : "error: " + std::string(result.error().text());
}

TEST(Canonical, BooleansAreYesOrNoInAnyCase) {
  EXPECT_EQ(Read("protected-mode", "YES"), "yes");
  EXPECT_EQ(Read("protected-mode", "no"), "no");
  EXPECT_EQ(Read("protected-mode", "1"), "error: argument must be 'yes' or 'no'");
  EXPECT_EQ(Read("protected-mode", ""), "error: wrong number of arguments");
  EXPECT_EQ(Read("protected-mode", "yes no"), "error: wrong number of arguments");
}

TEST(Canonical, IntegersKeepTheirBounds) {
  EXPECT_EQ(Read("port", "0"), "0");
  EXPECT_EQ(Read("port", "65535"), "65535");
  EXPECT_EQ(Read("port", "65536"), "error: argument must be between 0 and 65535 inclusive");
  EXPECT_EQ(Read("port", "-1"), "error: argument must be between 0 and 65535 inclusive");
  for (const char* word : {"''", "x", "010", "1.5", "' 1'", "99999999999999999999"})
    EXPECT_EQ(Read("port", word), "error: argument couldn't be parsed into an integer") << word;
}

TEST(Canonical, EveryBoundedIntegerTakesItsBoundsAndNothingBeyond) {
  for (const Directive& row : Directives()) {
    if (row.type != DirectiveType::kInteger) continue;
    const std::string name(row.name);
    EXPECT_EQ(Read(name, std::to_string(row.min)), std::to_string(row.min)) << name;
    EXPECT_EQ(Read(name, std::to_string(row.max)), std::to_string(row.max)) << name;
    EXPECT_EQ(Read(name, std::to_string(row.min - 1)).substr(0, 6), "error:") << name;
    if (row.max < INT64_MAX) {
      EXPECT_EQ(Read(name, std::to_string(row.max + 1)).substr(0, 6), "error:") << name;
    }
  }
}

TEST(Canonical, HertzIsBroughtIntoItsRange) {
  EXPECT_EQ(Read("hz", "0"), "1");
  EXPECT_EQ(Read("hz", "100000"), "500");
  EXPECT_EQ(Read("hz", "-1"), "error: argument must be between 0 and 2147483647 inclusive");
}

TEST(Canonical, MemoryHasUnits) {
  EXPECT_EQ(Read("maxmemory", "1k"), "1000");
  EXPECT_EQ(Read("maxmemory", "1KB"), "1024");
  EXPECT_EQ(Read("maxmemory", "2gb"), "2147483648");
  for (const char* word : {"abc", "1xb", "-1", "1.5gb", "1 gb"})
    EXPECT_EQ(Read("maxmemory", word).substr(0, 6), "error:") << word;
  EXPECT_EQ(Read("proto-max-bulk-len", "1kb"),
            "error: argument must be between 1048576 and 9223372036854775807 inclusive");
  EXPECT_EQ(Read("maxmemory", "18446744073709551615").substr(0, 6), "error:");
}

TEST(Canonical, MemoryOfClientsMayBeAShare) {
  EXPECT_EQ(Read("maxmemory-clients", "5%"), "5%");
  EXPECT_EQ(Read("maxmemory-clients", "100%"), "100%");
  EXPECT_EQ(Read("maxmemory-clients", "0%"), "0");
  EXPECT_EQ(Read("maxmemory-clients", "1gb"), "1073741824");
  EXPECT_EQ(Read("maxmemory-clients", "101%"),
            "error: percentage argument must be less or equal to 100");
  for (const char* word : {"-5%", "%", "x%"})
    EXPECT_EQ(Read("maxmemory-clients", word), "error: argument must be a memory or percent value");
}

TEST(Canonical, OctalIsOctal) {
  EXPECT_EQ(Read("unixsocketperm", "0770"), "770");
  EXPECT_EQ(Read("unixsocketperm", "8"), "error: argument couldn't be parsed as an octal number");
  EXPECT_EQ(Read("unixsocketperm", "7777"), "error: argument must be between 0 and 777 inclusive");
}

TEST(Canonical, EnumerationsTellTheirChoices) {
  EXPECT_EQ(Read("maxmemory-policy", "AllKeys-LRU"), "allkeys-lru");
  EXPECT_EQ(Read("enable-debug-command", "x"),
            "error: argument(s) must be one of the following: no, yes, local");
}

TEST(Canonical, FlagSetsAreSortedAndExcludeContradictions) {
  EXPECT_EQ(Read("shutdown-on-sigterm", "now save"), "save now");
  EXPECT_EQ(Read("shutdown-on-sigterm", "'force nosave'"), "nosave force");
  EXPECT_EQ(Read("shutdown-on-sigterm", "default"), "default");
  EXPECT_EQ(Read("shutdown-on-sigterm", "save nosave"),
            "error: shutdown options SAVE and NOSAVE can't be used simultaneously");
}

TEST(Canonical, OutputLimitsChangeOnlyTheNamedClass) {
  const std::string_view current = FindDirective("client-output-buffer-limit")->default_text;
  EXPECT_EQ(Read("client-output-buffer-limit", "pubsub 1mb 2mb 3", current),
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 2097152 3");
  EXPECT_EQ(Read("client-output-buffer-limit", "'replica 1 2 3 normal 4 5 6'", current),
            "normal 4 5 6 slave 1 2 3 pubsub 33554432 8388608 60");
  EXPECT_EQ(Read("client-output-buffer-limit", "pubsub 1 2", current),
            "error: Wrong number of arguments in buffer limit configuration.");
  EXPECT_EQ(Read("client-output-buffer-limit", "master 1 2 3", current),
            "error: Invalid client class specified in buffer limit configuration.");
  EXPECT_EQ(Read("client-output-buffer-limit", "pubsub 1 2 -3", current),
            "error: Error in hard, soft or soft_seconds setting in buffer limit configuration.");
}

TEST(Canonical, SavePointsArePairs) {
  EXPECT_EQ(Read("save", "900 1 300 10"), "900 1 300 10");
  EXPECT_EQ(Read("save", "'900 1'"), "900 1");
  EXPECT_EQ(Read("save", "''"), "");
  for (const char* words : {"900", "0 1", "900 -1", "a b", "'' 1"})
    EXPECT_EQ(Read("save", words), "error: Invalid save parameters") << words;
}

TEST(Canonical, PercentilesArePrintedShortly) {
  EXPECT_EQ(Read("latency-tracking-info-percentiles", "50 99.990 0.0"), "50 99.99 0");
  EXPECT_EQ(Read("latency-tracking-info-percentiles", "''"), "");
  EXPECT_EQ(Read("latency-tracking-info-percentiles", "nan"),
            "error: Invalid latency-tracking-info-percentiles parameters");
  EXPECT_EQ(Read("latency-tracking-info-percentiles", "100.1"),
            "error: latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
}

TEST(Canonical, ThreadsMayBeLeftToTheMachine) {
  EXPECT_EQ(Read("io-threads", "auto"), DefaultText(*FindDirective("io-threads")));
  EXPECT_EQ(Read("io-threads", "0"), DefaultText(*FindDirective("io-threads")));
  EXPECT_EQ(Read("io-threads", "128"), "128");
  EXPECT_EQ(Read("io-threads", "129"), "error: argument must be between 1 and 128 inclusive");
}

TEST(Canonical, StripesAreAPowerOfTwo) {
  EXPECT_EQ(Read("keyspace-stripes", "1"), "1");
  EXPECT_EQ(Read("keyspace-stripes", "65536"), "65536");
  EXPECT_EQ(Read("keyspace-stripes", "48"), "error: argument must be a power of two");
}

TEST(Canonical, NotifyFlagsKeepEveryLetter) {
  EXPECT_EQ(Read("notify-keyspace-events", "mEg"), "gEm");
  EXPECT_EQ(Read("notify-keyspace-events", "g$lshzxetdK"), "AK");
  EXPECT_EQ(Read("notify-keyspace-events", "AKEmn"), "AnKEm");
  EXPECT_EQ(Read("notify-keyspace-events", "KEq"),
            "error: Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
  for (uint32_t mask = 0; mask < 1u << 14; ++mask) {
    const auto again = ParseNotifyFlags(FormatNotifyFlags(mask));
    ASSERT_TRUE(again.ok());
    ASSERT_EQ(*again, mask);
  }
}

TEST(Canonical, DirectoriesMustExistAndBecomeAbsolute) {
  EXPECT_EQ(Read("dir", "/tmp/../"), "/");
  EXPECT_EQ(Read("dir", "/nonexistent-directory"), "error: No such file or directory");
  EXPECT_EQ(Read("dir", "/dev/null"), "error: Not a directory");
}

TEST(Canonical, BindTakesAtMostSixteenAddresses) {
  std::string words;
  for (int i = 0; i < 16; ++i) words += "127.0.0.1 ";
  EXPECT_EQ(Read("bind", words).substr(0, 9), "127.0.0.1");
  EXPECT_EQ(Read("bind", words + "::1"), "error: Too many bind addresses specified.");
  EXPECT_EQ(Read("bind", "'127.0.0.1 -::1'"), "127.0.0.1 -::1");
}

TEST(Canonical, NoValueHoldsANulExceptAPassword) {
  EXPECT_EQ(Read("unixsocket", R"("a\x00b")"), "error: argument can't contain a NUL octet");
  EXPECT_EQ(Read("requirepass", R"("a\x00b")"), std::string("a\0b", 3));
}

TEST(DirectiveTable, HasEachNameOnceAndDefaultsThatAreCanonical) {
  std::set<std::string_view> names;
  for (const Directive& row : Directives()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    if (!row.alias.empty()) {
      EXPECT_TRUE(names.insert(row.alias).second) << row.alias;
    }
    EXPECT_FALSE(row.summary.empty()) << row.name;
    EXPECT_EQ(row.status == DirectiveStatus::kActive, row.assign != nullptr) << row.name;
    if (row.type == DirectiveType::kDirectory || row.type == DirectiveType::kReplicaOf) continue;
    const std::string value = DefaultText(row);
    const auto again = Canonicalise(row, {&value, 1}, value);
    ASSERT_TRUE(again.ok()) << row.name << ": " << again.error().text();
    EXPECT_EQ(*again, value) << row.name;
  }
  EXPECT_GE(names.size(), 185u);
}

TEST(DirectiveTable, WritesLinesThatReadBackTheSame) {
  for (const Directive& row : Directives()) {
    if (row.type == DirectiveType::kDirectory || row.type == DirectiveType::kReplicaOf) continue;
    const std::string value = DefaultText(row);
    std::string text;
    for (const std::string& line : FormatLines(row, value)) {
      std::vector<std::string> words = *SplitWords(line);
      ASSERT_EQ(words[0], row.name);
      words.erase(words.begin());
      const auto read = Canonicalise(row, words, text);
      ASSERT_TRUE(read.ok()) << line;
      const bool adds = row.type == DirectiveType::kSavePoints && !text.empty();
      text = adds ? text + " " + *read : *read;
    }
    EXPECT_EQ(text, value) << row.name;
  }
}

TEST(DirectiveTable, KnowsTheNearestName) {
  EXPECT_EQ(NearestDirective("prt"), "port");
  EXPECT_EQ(NearestDirective("maxmemory_policy"), "maxmemory-policy");
  EXPECT_EQ(NearestDirective("client-output-bufer-limits"), "client-output-buffer-limit");
  EXPECT_THAT(NearestDirective("zzzzzzzz"), IsEmpty());
  EXPECT_THAT(NearestDirective(std::string(100000, 'a')), IsEmpty());
}

}  // namespace
}  // namespace peal::broker
