#include "broker/keyspace/field_expiry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace peal::broker {
namespace {

using store::HashValue;
using testing::ElementsAre;

constexpr int64_t kNow = 1'700'000'000'000;

class Log final : public EffectSink {
 public:
  void OnUnit(const std::vector<Effect>& effects) override {
    for (const Effect& effect : effects) {
      std::string line;
      for (const std::string& arg : effect.args) line += (line.empty() ? "" : " ") + arg;
      lines.push_back(line);
    }
  }
  std::vector<std::string> lines;
};

TEST(FieldExpiry, TakesFieldsInTheOrderOfTheirTimesAndTheKeyWithTheLast) {
  store::Keyspace keyspace({.stripes = 1, .databases = 1});
  Unit unit(keyspace);
  Log log;
  unit.set_effect_sink(&log);
  Found<HashValue> found;
  const auto run = [&](int64_t now_ms, auto body) {
    unit.Begin(nullptr, 0, now_ms);
    unit.AddKey("h", Unit::HashKey("h"));
    unit.Lock();
    found = *AsValue<HashValue>(unit.Find("h"));
    body();
    unit.Finish();
  };
  run(kNow, [&] {
    Edit<HashValue> edit(unit, "h", found, [] { return std::make_unique<HashValue>(); });
    for (const char* field : {"c", "a", "b"}) edit->Set(field, "v", {}, kNow);
    edit->SetExpiry("a", kNow + 1);
    edit->SetExpiry("b", kNow + 2);
    edit->SetExpiry("c", kNow + 9);
    edit.Commit();
  });
  run(kNow + 1, [&] { EXPECT_EQ(ExpireFields(unit, "h", found, 10), 0u); });
  run(kNow + 5, [&] {
    EXPECT_EQ(ExpireFields(unit, "h", found, 1), 1u);
    EXPECT_EQ(ExpireFields(unit, "h", found, 10), 1u);
    EXPECT_TRUE(found);
  });
  run(kNow + 10, [&] {
    EXPECT_EQ(ExpireFields(unit, "h", found, 10), 1u);
    EXPECT_FALSE(found);
    EXPECT_EQ(unit.Find("h"), nullptr);
  });
  EXPECT_THAT(log.lines, ElementsAre("HDEL h a", "HDEL h b", "HDEL h c"));
  EXPECT_EQ(unit.counters().expired_fields, 3u);
  EXPECT_EQ(unit.counters().expired_keys, 0u);
  EXPECT_EQ(keyspace.DbSize(0), 0u);
}

}  // namespace
}  // namespace peal::broker
