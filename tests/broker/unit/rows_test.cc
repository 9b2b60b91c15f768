// The rows of the commands on keys against what redis-server 7.0.15 tells by COMMAND INFO.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "broker/exec/command_table.h"
#include "broker/exec/keys.h"

namespace peal::broker {
namespace {

const protocol::CommandSpec* FindRow(std::string_view name) {
  static const CommandTable table;
  const TableEntry* entry = table.FindFull(name);
  return entry == nullptr ? nullptr : &entry->command->spec;
}

TEST(KeyCommandRows, TellArityAndPositionsOfKeysAsRedis) {
  struct Case {
    std::string_view name;
    int arity, first, last, step;
  };
  constexpr std::array kCases = {
      Case{"get", 2, 1, 1, 1},     Case{"set", -3, 1, 1, 1},     Case{"mget", -2, 1, -1, 1},
      Case{"mset", -3, 1, -1, 2},  Case{"msetnx", -3, 1, -1, 2}, Case{"del", -2, 1, -1, 1},
      Case{"rename", 3, 1, 2, 1},  Case{"renamenx", 3, 1, 2, 1}, Case{"copy", -3, 1, 2, 1},
      Case{"watch", -2, 1, -1, 1}, Case{"scan", -2, 0, 0, 0},    Case{"expire", -3, 1, 1, 1},
      Case{"exec", 1, 0, 0, 0},    Case{"move", 3, 1, 1, 1},     Case{"getex", -2, 1, 1, 1},
  };
  for (const Case& expected : kCases) {
    const protocol::CommandSpec* row = FindRow(expected.name);
    ASSERT_NE(row, nullptr) << expected.name;
    EXPECT_EQ(row->arity, expected.arity) << expected.name;
    const protocol::KeyPositions at = protocol::FixedKeys(*row);
    EXPECT_EQ(at.first, expected.first) << expected.name;
    EXPECT_EQ(at.last, expected.last) << expected.name;
    EXPECT_EQ(at.step, expected.step) << expected.name;
  }
}

// Rights go by the key specs, locks by the positions: a key of a later spec that the positions
// leave out would be used without its lock.
TEST(KeyCommandRows, PositionsCoverAllSpecsWhereKeysDoNotMove) {
  static const CommandTable table;
  int compared = 0;
  for (const auto& entry : table.all()) {
    if (entry->command->spec.keys.empty() || entry->has_movable_keys) continue;
    if (Any(entry->command->spec.keys[0].flags & protocol::KeyFlag::kNotKey)) continue;
    const size_t least = static_cast<size_t>(std::abs(entry->arity));
    for (size_t count = least; count <= (entry->arity > 0 ? least : least + 6); ++count) {
      std::vector<std::string> words;
      for (size_t i = 0; i < count; ++i) words.push_back(std::to_string(i));
      const std::vector<std::string_view> args(words.begin(), words.end());
      std::vector<std::string_view> planned;
      ForEachKey(*entry, args, [&](std::string_view key) { planned.push_back(key); });
      const auto checked = protocol::ExtractKeys(entry->command->spec, args);
      ASSERT_TRUE(checked.ok()) << entry->full_name;
      std::vector<std::string_view> named;
      for (const protocol::KeyAt& key : *checked) named.push_back(args[key.index]);
      EXPECT_EQ(planned, named) << entry->full_name << " with " << count << " words";
      ++compared;
    }
  }
  EXPECT_GT(compared, 200);
}

TEST(KeyCommandRows, RunAloneWhereTheyTouchEveryStripe) {
  for (const std::string_view name : {"keys", "flushdb", "flushall", "swapdb"}) {
    EXPECT_TRUE(protocol::Any(FindRow(name)->flags & protocol::Flag::kExclusive)) << name;
  }
}

}  // namespace
}  // namespace peal::broker
