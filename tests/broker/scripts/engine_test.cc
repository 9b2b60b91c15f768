#include "broker/scripts/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "broker/scripts/functions.h"
#include "tests/broker/scripts/make_script.h"

namespace peal::broker {
namespace {

std::string Shown(const protocol::Result<std::string>& result) {
  return result.ok() ? *result : "-" + std::string(result.error().text());
}

TEST(LuaEngine, TheMarksOfTheScriptThatTookTheOthersPlaceCount) {
  LuaEngine engine;
  const ScriptRef first = MakeScript("return 1");
  const ScriptRef second = MakeScript("return 1");
  ASSERT_TRUE(engine.Compile(first).ok());
  engine.Replace(second);
  first->is_gone = true;
  ASSERT_NE(engine.FindCompiled(second->sha), nullptr);
  EXPECT_EQ(*engine.FindCompiled(second->sha), second);
  second->is_gone = true;
  EXPECT_EQ(engine.FindCompiled(second->sha), nullptr);
}

TEST(LuaEngine, CompiledScriptsDoNotTakeTheMemoryOfThoseThatCome) {
  LuaEngine engine;
  engine.SetMemoryLimit(size_t{4} << 20);
  engine.set_evaluation_ms(60'000);  // memory ends it, however slow the machine
  for (int i = 0; i < 400; ++i) {
    std::string body = "local t = {}";
    for (int k = 0; k < 500; ++k) {
      body +=
          " t[" + std::to_string(i * 1000 + k) + "] = 'text " + std::to_string(i * 1000 + k) + "'";
    }
    const auto compiled = engine.Compile(MakeScript(body));
    ASSERT_TRUE(compiled.ok()) << i << ": " << compiled.error().text();
    EXPECT_LE(engine.memory_bytes(), size_t{4} << 20);
  }
}

TEST(LuaEngine, ItsMemoryIsBoundedAndUsableAfterwards) {
  LuaEngine engine;
  engine.SetMemoryLimit(size_t{4} << 20);
  engine.set_evaluation_ms(60'000);  // memory ends it, however slow the machine
  for (const char* const script :
       {"local t = {} while true do t[#t + 1] = {} end",
        "local s = 'x' while true do s = s .. s end",
        "return cjson.encode({string.rep('x', 3000000), string.rep('x', 3000000)})",
        "return string.gsub(string.rep('x', 100000), 'x', string.rep('y', 1000))",
        "local t = {} for i = 1, 1e7 do t[i] = coroutine.create(function() end) end"}) {
    EXPECT_THAT(Shown(engine.Evaluate(script, "")), ::testing::HasSubstr("not enough memory"))
        << script;
    EXPECT_EQ(Shown(engine.Evaluate("return 'fine'", "")), "fine");
  }
}

TEST(LuaEngine, NothingCatchesTheEnd) {
  LuaEngine engine;
  for (const char* const script :
       {"while true do pcall(function() while true do end end) end",
        "while true do xpcall(function() while true do end end, function() end) end",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
        "while true do pcall(coroutine.wrap(function() while true do end end)) end",
        "while true do load(function() while true do end end) end",
        "pcall(function() while true do end end) return 'caught'",
        "coroutine.resume(coroutine.create(function() while true do end end)) return 'caught'",
        "load(function() while true do end end) return 'caught'",
        "xpcall(function() while true do end end, function() end) return 'caught'"}) {
    EXPECT_THAT(Shown(engine.Evaluate(script, "")), ::testing::EndsWith("timeout")) << script;
    EXPECT_EQ(Shown(engine.Evaluate("return 'fine'", "")), "fine");
  }
}

TEST(LuaEngine, ALibraryThatCatchesItsEndIsNotLoaded) {
  LuaEngine engine;
  FunctionLibrary library{.name = "lib",
                          .code =
                              "redis.register_function('f', function() end) "
                              "while true do local ok = 1 end",
                          .header_size = 0,
                          .functions = {}};
  const auto loaded = engine.Load(library, 1);
  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(std::string(loaded.error().text()), ::testing::HasSubstr("FUNCTION LOAD timeout"));
}

}  // namespace
}  // namespace peal::broker
