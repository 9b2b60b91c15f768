#include "broker/scripts/cache.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/broker/scripts/make_script.h"

namespace peal::broker {
namespace {

TEST(ScriptCache, WhatWasFlushedMeanwhileIsAddedAfresh) {
  ScriptCache cache;
  const ScriptRef first = cache.Add(MakeScript("return 1"));
  first->conduct.NoteGoodRun();
  first->conduct.NoteGoodRun();
  const ScriptRef found = cache.Find(first->sha);
  cache.Flush();
  const ScriptRef added = cache.Add(found);
  EXPECT_FALSE(added->is_gone.load());
  EXPECT_EQ(cache.Find(first->sha), added);
  EXPECT_EQ(added->body, "return 1");
  EXPECT_TRUE(added->conduct.IsOnTrial());
  // Whoever still has the flushed one is not to run it by its digest.
  EXPECT_TRUE(first->is_gone.load());
  EXPECT_NE(first, added);
}

TEST(ScriptCache, WhatWasEvictedMeanwhileIsAddedAfreshToo) {
  ScriptCache cache;
  const ScriptRef first = cache.Add(MakeScript("return 0"));
  for (size_t i = 1; i <= ScriptCache::kMostByEval; ++i) {
    cache.Add(MakeScript("return " + std::to_string(i)));
  }
  ASSERT_TRUE(first->is_gone.load());
  EXPECT_FALSE(cache.Add(first)->is_gone.load());
  EXPECT_EQ(cache.facts().scripts, ScriptCache::kMostByEval);
}

TEST(ScriptCache, AScriptThatWasLoadedAndFlushedMeanwhileStaysAgain) {
  ScriptCache cache;
  auto loaded = MakeScript("return 'loaded'");
  loaded->is_pinned.store(true);
  cache.Add(loaded);
  cache.Flush();
  cache.Add(loaded);
  for (size_t i = 0; i <= ScriptCache::kMostByEval; ++i) {
    cache.Add(MakeScript("return " + std::to_string(i)));
  }
  EXPECT_NE(cache.Find(loaded->sha), nullptr);
}

}  // namespace
}  // namespace peal::broker
