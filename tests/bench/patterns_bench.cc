// What does one look-up in the pattern tree cost, as the number of patterns grows, for each kind of
// pattern, with one match and with none? And what do a pattern's memory, insertion and removal
// cost?
//
// Times are per operation (one Match, or one Insert and Remove); channels are drawn from 1,024 in
// turn, so that caches see what a busy server's see. Run with --benchmark_repetitions=5 and
// --benchmark_report_aggregates_only for median and spread.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "patterns/glob.h"
#include "patterns/pattern_tree.h"

namespace peal::patterns {
namespace {

struct Set {
  const char* name;
  std::string (*pattern)(int64_t i);
  std::string (*channel)(int64_t i);  // matches pattern(i), and where it can be no other
};

std::string N(int64_t i) { return std::to_string(i); }

const Set kSets[] = {
    {"prefix", [](int64_t i) { return "news." + N(i) + ".*"; },
     [](int64_t i) { return "news." + N(i) + ".golf.today"; }},
    {"suffix", [](int64_t i) { return "*.golf." + N(i); },
     [](int64_t i) { return "news.today.golf." + N(i); }},
    {"inner", [](int64_t i) { return "ev.*." + N(i) + ".end"; },
     [](int64_t i) { return "ev.today.golf." + N(i) + ".end"; }},
    {"class", [](int64_t i) { return "log[a-c]." + N(i) + ".*"; },
     [](int64_t i) { return "logb." + N(i) + ".golf.today"; }},
    {"mixed",
     [](int64_t i) {
       switch (i % 5) {
         case 0:
           return "news." + N(i) + ".*";
         case 1:
           return "*.golf." + N(i);
         case 2:
           return "ev.*." + N(i) + ".end";
         case 3:
           return "u?er." + N(i) + ".login";
         default:
           return "log[a-c]." + N(i) + ".*";
       }
     },
     [](int64_t i) {
       switch (i % 5) {
         case 0:
           return "news." + N(i) + ".golf.today";
         case 1:
           return "news.today.golf." + N(i);
         case 2:
           return "ev.today.golf." + N(i) + ".end";
         case 3:
           return "user." + N(i) + ".login";
         default:
           return "logb." + N(i) + ".golf.today";
       }
     }},
    {"adversarial_prefix", [](int64_t i) { return std::string(24, 'a') + "*" + N(i) + ";"; },
     [](int64_t i) { return std::string(24, 'a') + "bb" + N(i) + ";"; }},
    {"adversarial_class", [](int64_t i) { return "prefix.prefix.[ab]" + N(i) + ";*"; },
     [](int64_t i) { return "prefix.prefix.a" + N(i) + ";zzz"; }},
    {"adversarial_star", [](int64_t i) { return "*x" + N(i) + "y*"; },
     [](int64_t i) { return "some.channel.x" + N(i) + "y.end"; }},
    {"adversarial_star_words", [](int64_t i) { return "*foo*" + N(i) + ";"; },
     [](int64_t i) { return "some.foo.channel." + N(i) + ";"; }},
    {"adversarial_classes_only",
     [](int64_t i) {
       std::string out;
       for (int k = 0; k < 8; ++k, i /= 5) {
         out += "[";
         out += static_cast<char>('a' + i % 5);
         out += static_cast<char>('p' + i % 5);
         out += "]";
       }
       return out + "*";
     },
     [](int64_t i) {
       std::string out;
       for (int k = 0; k < 8; ++k, i /= 5) out += static_cast<char>('a' + i % 5);
       return out + ".golf.today";
     }},
};

std::unique_ptr<PatternTree> MakeTree(const Set& set, int64_t count) {
  auto tree = std::make_unique<PatternTree>();
  for (int64_t i = 0; i < count; ++i) tree->Insert(set.pattern(i), nullptr);
  return tree;
}

void Match(benchmark::State& state, const Set& set, bool is_match) {
  const int64_t count = state.range(0);
  const std::unique_ptr<PatternTree> tree = MakeTree(set, count);
  std::vector<std::string> channels;
  for (int64_t i = 0; i < 1'024; ++i) {
    // 7,919 is prime: channels spread over all patterns. Numbers past the last match none.
    channels.push_back(set.channel(is_match ? i * 7'919 % count : 5'000'000 + i * 7'919));
  }
  MatchScratch scratch;
  std::vector<PatternId> out;
  size_t at = 0;
  size_t found = 0;
  for (auto _ : state) {
    out.clear();
    tree->Match(channels[at++ % channels.size()], scratch, out);
    found += out.size();
    benchmark::DoNotOptimize(out.data());
  }
  state.counters["matches"] = static_cast<double>(found) / static_cast<double>(state.iterations());
  state.counters["bytes/pattern"] =
      static_cast<double>(tree->MemoryBytes()) / static_cast<double>(count);
}

void InsertAndRemove(benchmark::State& state, const Set& set) {
  const int64_t count = state.range(0);
  const std::unique_ptr<PatternTree> tree = MakeTree(set, count);
  std::vector<std::string> patterns;
  for (int64_t i = 0; i < 1'024; ++i) patterns.push_back(set.pattern(count + i * 7'919));
  size_t at = 0;
  for (auto _ : state) {
    const PatternId id = tree->Insert(patterns[at++ % patterns.size()], nullptr);
    tree->Remove(id);
  }
}

void InsertAllRemoveAll(benchmark::State& state, const Set& set) {
  const int64_t count = state.range(0);
  std::vector<std::string> patterns;
  for (int64_t i = 0; i < count; ++i) patterns.push_back(set.pattern(i));
  for (auto _ : state) {
    PatternTree tree;
    std::vector<PatternId> ids;
    for (const std::string& pattern : patterns) ids.push_back(tree.Insert(pattern, nullptr));
    for (const PatternId id : ids) tree.Remove(id);
  }
  state.SetItemsProcessed(state.iterations() * count);
}

void PlainMatcher(benchmark::State& state, const char* pattern, const char* text) {
  for (auto _ : state) benchmark::DoNotOptimize(GlobMatch(pattern, text));
}

void RegisterAll() {
  for (const Set& set : kSets) {
    const std::string name = set.name;
    for (const int64_t count : {1, 1'000, 10'000, 100'000, 1'000'000}) {
      benchmark::RegisterBenchmark(("match/" + name + "/one").c_str(), [&set](benchmark::State& s) {
        Match(s, set, true);
      })->Arg(count);
      benchmark::RegisterBenchmark(("match/" + name + "/none").c_str(), [&set](
                                                                            benchmark::State& s) {
        Match(s, set, false);
      })->Arg(count);
    }
    benchmark::RegisterBenchmark(("insert_remove/" + name).c_str(), [&set](benchmark::State& s) {
      InsertAndRemove(s, set);
    })->Arg(100'000);
    benchmark::RegisterBenchmark(("fill_and_empty/" + name).c_str(),
                                 [&set](benchmark::State& s) { InsertAllRemoveAll(s, set); })
        ->Arg(1'000'000)
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RegisterBenchmark("plain/prefix", PlainMatcher, "news.17.*", "news.17.golf.today");
  benchmark::RegisterBenchmark("plain/inner", PlainMatcher, "ev.*.17.end", "ev.today.golf.17.end");
}

}  // namespace
}  // namespace peal::patterns

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  peal::patterns::RegisterAll();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
