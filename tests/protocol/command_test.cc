// Command rows, their keys and names, ArgReader and hash slots.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "protocol/command/arg_reader.h"
#include "protocol/command/keys.h"
#include "protocol/command/names.h"
#include "protocol/command/slot.h"
#include "protocol/command/spec.h"

namespace peal::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr KeySpec kOneRead[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr KeySpec kOneWrite[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kUpdate)};
constexpr CommandSpec kGet = {.name = "get",
                              .arity = 2,
                              .group = Group::kString,
                              .since = "1.0.0",
                              .flags = Flag::kReadonly | Flag::kFast,
                              .keys = kOneRead,
                              .summary = "Returns a value."};
static_assert(IsSound(kGet));

TEST(CommandSpec, IsSoundOnlyWithoutContradictions) {
  const auto with = [](auto change) {
    CommandSpec spec = kGet;
    change(spec);
    return IsSound(spec);
  };
  EXPECT_TRUE(with([](CommandSpec&) {}));
  EXPECT_FALSE(with([](CommandSpec& spec) { spec.name = ""; }));
  EXPECT_FALSE(with([](CommandSpec& spec) { spec.name = "Get"; }));
  EXPECT_FALSE(with([](CommandSpec& spec) { spec.arity = 0; }));
  EXPECT_FALSE(with([](CommandSpec& spec) { spec.since = ""; }));
  EXPECT_FALSE(with([](CommandSpec& spec) { spec.summary = ""; }));
  EXPECT_FALSE(with([](CommandSpec& spec) { spec.flags = Flag::kWrite | Flag::kReadonly; }));
  EXPECT_FALSE(with([](CommandSpec& spec) { spec.keys = kOneWrite; }));
  EXPECT_FALSE(with([](CommandSpec& spec) { spec.arity = 1; }));
  EXPECT_TRUE(with([](CommandSpec& spec) {
    spec.flags = Flag::kWrite;
    spec.keys = kOneWrite;
  }));
}

std::vector<size_t> KeysOf(std::span<const KeySpec> specs,
                           const std::vector<std::string_view>& args) {
  CommandSpec spec = kGet;
  spec.keys = specs;
  const auto keys = ExtractKeys(spec, args);
  if (!keys.ok()) return {9999};
  std::vector<size_t> indexes;
  for (const KeyAt& key : keys.value()) indexes.push_back(key.index);
  return indexes;
}

TEST(ExtractKeys, FindsRanges) {
  const KeyFlag flags = KeyFlag::kReadOnly;
  const KeySpec mget[] = {KeySpec::Range(1, -1, 1, flags)};
  const KeySpec mset[] = {KeySpec::Range(1, -1, 2, flags)};
  const KeySpec blpop[] = {KeySpec::Range(1, -2, 1, flags)};
  const KeySpec rename[] = {KeySpec::Single(1, flags), KeySpec::Single(2, flags)};
  EXPECT_THAT(KeysOf(kOneRead, {"get", "k"}), ElementsAre(1));
  EXPECT_THAT(KeysOf(mget, {"mget", "a", "b", "c"}), ElementsAre(1, 2, 3));
  EXPECT_THAT(KeysOf(mset, {"mset", "a", "1", "b", "2"}), ElementsAre(1, 3));
  EXPECT_THAT(KeysOf(blpop, {"blpop", "a", "b", "0"}), ElementsAre(1, 2));
  EXPECT_THAT(KeysOf(rename, {"rename", "a", "b"}), ElementsAre(1, 2));
}

TEST(ExtractKeys, CountsKeys) {
  const KeySpec eval[] = {KeySpec::KeyNum(2, KeyFlag::kReadOnly)};
  EXPECT_THAT(KeysOf(eval, {"eval", "s", "2", "a", "b", "x"}), ElementsAre(3, 4));
  EXPECT_THAT(KeysOf(eval, {"eval", "s", "0", "x"}), IsEmpty());
  for (const char* count : {"3", "-1", "x", "", "9223372036854775807", "02"})
    EXPECT_THAT(KeysOf(eval, {"eval", "s", count, "a", "b"}), ElementsAre(9999)) << count;
}

TEST(ExtractKeys, SearchesKeywords) {
  KeySpec streams;
  streams.begin = KeySpec::Begin::kKeyword;
  streams.keyword = "STREAMS";
  streams.index = 1;
  streams.last = -1;
  streams.limit = 2;
  streams.flags = KeyFlag::kReadOnly;
  const KeySpec xread[] = {streams};
  EXPECT_THAT(KeysOf(xread, {"xread", "count", "1", "streams", "a", "b", "0", "0"}),
              ElementsAre(4, 5));
  EXPECT_THAT(KeysOf(xread, {"xread", "count", "1"}), IsEmpty());
  EXPECT_THAT(KeysOf(xread, {"xread", "streams"}), IsEmpty());

  KeySpec keys = streams;
  keys.keyword = "KEYS";
  keys.index = -2;
  keys.limit = 0;
  const KeySpec migrate[] = {keys};
  EXPECT_THAT(KeysOf(migrate, {"migrate", "h", "p", "", "0", "9", "keys", "a", "b"}),
              ElementsAre(7, 8));
}

TEST(ExtractKeys, AsksTheCommandForMore) {
  CommandSpec spec = kGet;
  spec.more_keys = [](std::span<const std::string_view> args, std::vector<KeyAt>& keys) {
    keys.push_back({args.size() - 1, KeyFlag::kOverwrite});
  };
  EXPECT_FALSE(IsSound(spec));
  spec.flags = spec.flags | Flag::kMovableKeys;
  EXPECT_TRUE(IsSound(spec));
  const std::vector<std::string_view> args = {"get", "k", "x", "y"};
  const auto keys = ExtractKeys(spec, args);
  ASSERT_TRUE(keys.ok());
  ASSERT_EQ(keys.value().size(), 2u);
  EXPECT_EQ(keys.value()[1].index, 3u);
}

TEST(ExtractKeys, LeavesKeywordsToTheCommandThatReadsThem) {
  KeySpec store;
  store.begin = KeySpec::Begin::kKeyword;
  store.keyword = "STORE";
  store.index = 2;
  store.flags = KeyFlag::kOverwrite;
  const KeySpec specs[] = {KeySpec::Single(1, KeyFlag::kReadOnly), store};
  CommandSpec spec = kGet;
  spec.flags = Flag::kWrite | Flag::kMovableKeys;
  spec.keys = specs;
  const std::vector<std::string_view> args = {"get", "k", "store", "a", "store", "b"};
  const auto first = ExtractKeys(spec, args);
  ASSERT_TRUE(first.ok());
  ASSERT_EQ(first->size(), 2u);
  EXPECT_EQ((*first)[1].index, 3u);
  spec.more_keys = [](std::span<const std::string_view> words, std::vector<KeyAt>& keys) {
    keys.push_back({words.size() - 1, KeyFlag::kOverwrite});
  };
  const auto last = ExtractKeys(spec, args);
  ASSERT_TRUE(last.ok());
  ASSERT_EQ(last->size(), 2u);
  EXPECT_EQ((*last)[1].index, 5u);
}

TEST(ExtractKeys, LeavesChannelsOut) {
  const KeySpec channel[] = {KeySpec::Single(1, KeyFlag::kNotKey)};
  EXPECT_THAT(KeysOf(channel, {"spublish", "c", "m"}), IsEmpty());
}

TEST(ExtractKeys, TellsTheAccess) {
  const std::vector<std::string_view> args = {"get", "k"};
  const auto keys = ExtractKeys(kGet, args);
  ASSERT_TRUE(keys.ok());
  EXPECT_EQ(keys.value()[0].flags, KeyFlag::kReadOnly | KeyFlag::kAccess);
}

TEST(FixedKeys, JoinsNeighbours) {
  const KeySpec two[] = {KeySpec::Single(1, KeyFlag::kReadWrite),
                         KeySpec::Single(2, KeyFlag::kOverwrite)};
  CommandSpec spec = kGet;
  spec.keys = two;
  const KeyPositions at = FixedKeys(spec);
  EXPECT_EQ(at.first, 1);
  EXPECT_EQ(at.last, 2);
  EXPECT_EQ(at.step, 1);
  spec.keys = {};
  EXPECT_EQ(FixedKeys(spec).first, 0);
}

TEST(Names, AreThoseOfRedis) {
  EXPECT_EQ(GroupName(Group::kGeneric), "generic");
  EXPECT_EQ(GroupName(Group::kSortedSet), "sorted-set");
  EXPECT_EQ(GroupName(Group::kBitmap), "bitmap");
  EXPECT_EQ(ArgTypeName(ArgType::kBlock), "block");
  EXPECT_EQ(ArgTypeName(ArgType::kPureToken), "pure-token");
  EXPECT_EQ(CategoryNames().size(), 21u);
  EXPECT_EQ(CategoryNames().front().second, "keyspace");
  EXPECT_EQ(CategoryNames().back().second, "scripting");
  std::set<std::string_view> seen;
  for (const auto& [flag, name] : FlagNames()) {
    EXPECT_TRUE(seen.insert(name).second) << name;
    EXPECT_FALSE(Any(flag & (Flag::kExclusive | Flag::kSubscriberOk))) << name;
  }
  EXPECT_EQ(KeyFlagNames().front().second, "RO");
  EXPECT_EQ(KeyFlagNames().back().second, "variable_flags");
}

TEST(ArgReader, ReadsFromLeftToRight) {
  const std::string_view words[] = {"set", "k", "12", "1.5", "ex"};
  ArgReader args(words);
  EXPECT_EQ(args.Key(), "k");
  EXPECT_EQ(args.Peek(), "12");
  EXPECT_EQ(args.Int64(), 12);
  EXPECT_EQ(args.Double(), 1.5);
  EXPECT_EQ(args.Remaining(), 1u);
  EXPECT_FALSE(args.OptionIs("PX"));
  EXPECT_TRUE(args.OptionIs("EX"));
  EXPECT_FALSE(args.HasMore());
  EXPECT_EQ(args.index(), 5u);
  EXPECT_TRUE(args.Done());
}

TEST(ArgReader, KeepsTheFirstError) {
  const std::string_view words[] = {"c", "x", "y", "z"};
  ArgReader args(words);
  EXPECT_EQ(args.Int64(), 0);
  EXPECT_TRUE(args.failed());
  EXPECT_EQ(args.Double(), 0);
  EXPECT_EQ(args.String(), "");
  EXPECT_FALSE(args.OptionIs("y"));
  EXPECT_FALSE(args.HasMore());
  args.Require(false, errors::kNoKey);
  EXPECT_FALSE(args.Done());
  EXPECT_EQ(args.TakeError(), errors::kNotInteger);
}

TEST(ArgReader, CallsMissingAndLeftoverArgumentsSyntaxErrors) {
  const std::string_view words[] = {"c", "1"};
  ArgReader leftover(words);
  EXPECT_FALSE(leftover.Done());
  EXPECT_EQ(leftover.TakeError(), errors::kSyntax);
  ArgReader missing(words, 2);
  EXPECT_EQ(missing.String(), "");
  EXPECT_FALSE(missing.Done());
  EXPECT_EQ(missing.TakeError(), errors::kSyntax);
  ArgReader wrong(words, 1);
  EXPECT_EQ(wrong.Int64(), 1);
  wrong.Require(false, errors::kOutOfRange);
  EXPECT_FALSE(wrong.Done());
  EXPECT_EQ(wrong.TakeError(), errors::kOutOfRange);
}

// Known values: CRC-16/XMODEM's check value, and CLUSTER KEYSLOT of redis-server 7.0.15.
TEST(KeySlot, IsThatOfRedis) {
  EXPECT_EQ(Crc16("123456789"), 0x31C3);
  EXPECT_EQ(Crc16(""), 0);
  EXPECT_EQ(KeySlot(""), 0);
  EXPECT_EQ(KeySlot("foo"), 12182);
  EXPECT_EQ(KeySlot("bar"), 5061);
  EXPECT_EQ(KeySlot("hello"), 866);
  EXPECT_EQ(KeySlot("123456789"), 0x31C3 % kSlots);
}

TEST(KeySlot, DependsOnTheHashTagAlone) {
  EXPECT_EQ(KeySlot("{user1000}.following"), KeySlot("user1000"));
  EXPECT_EQ(KeySlot("a{foo}b"), KeySlot("foo"));
  EXPECT_EQ(HashTag("foo{}{bar}"), "foo{}{bar}");
  EXPECT_EQ(HashTag("foo{{bar}}zap"), "{bar");
  EXPECT_EQ(HashTag("foo{bar}{zap}"), "bar");
  EXPECT_EQ(HashTag("foo{bar"), "foo{bar");
  EXPECT_EQ(HashTag("}{"), "}{");
}

}  // namespace
}  // namespace peal::protocol
