// What does a lookup cost with and without prefetching, what an insertion, an uncontended lock and
// a turn, and how many bytes of resident memory does a key take?
//
//   store_bench                        the micro-benchmarks (Google Benchmark's options apply)
//   store_bench --memory [keys [ttl]]  one JSON line: RSS bytes per key of 16 bytes with a value
//   of 32.
//                                      Run it under LD_PRELOAD of an allocator to compare
//                                      allocators.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "store/keyspace/keyspace.h"

namespace peal::store {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;
constexpr size_t kKeys = 1'000'000;

std::string Name(uint64_t i) {
  char text[32];
  std::snprintf(text, sizeof(text), "key:%012llu", static_cast<unsigned long long>(i));
  return text;
}

void Fill(Keyspace& keyspace, size_t first, size_t keys, ExpirePolicy expire) {
  const std::string value(32, 'v');
  Garbage garbage;
  for (size_t i = first; i < first + keys; ++i) {
    const std::string key = Name(i);
    const uint64_t hash = HashKey(key);
    {
      Stripe& stripe = keyspace.StripeOf(hash);
      MutexLock lock(stripe.mutex());
      stripe.SetString(0, key, hash, std::string_view(value), expire, garbage);
    }
    garbage.Drop();
  }
}

/// A keyspace of a million keys, made once per number of stripes.
Keyspace& Filled(int stripes) {
  static std::unique_ptr<Keyspace> keyspaces[2];
  std::unique_ptr<Keyspace>& keyspace = keyspaces[stripes == 1 ? 0 : 1];
  if (keyspace == nullptr) {
    keyspace = std::make_unique<Keyspace>(KeyspaceOptions{.stripes = stripes, .databases = 16});
    Fill(*keyspace, 0, kKeys, ExpirePolicy::Clear());
  }
  return *keyspace;
}

/// Keys in random order; `offset` beyond kKeys makes them misses.
std::vector<std::string> Order(size_t offset) {
  std::mt19937_64 random(7);
  std::vector<std::string> names(1 << 18);
  for (std::string& name : names) name = Name(offset + random() % kKeys);
  return names;
}

size_t Read(Keyspace& keyspace, std::string_view key, uint64_t hash) {
  Stripe& stripe = keyspace.StripeOf(hash);
  MutexLock lock(stripe.mutex());
  const Entry* entry = stripe.Find(0, key, hash, kNow);
  return entry == nullptr ? 0 : static_cast<size_t>(entry->embedded_value()[0]);
}

void FindOneByOne(benchmark::State& state, size_t offset) {
  Keyspace& keyspace = Filled(static_cast<int>(state.range(0)));
  const std::vector<std::string> names = Order(offset);
  size_t i = 0;
  for (auto _ : state) {
    const std::string& key = names[i++ & (names.size() - 1)];
    benchmark::DoNotOptimize(Read(keyspace, key, HashKey(key)));
  }
  state.SetItemsProcessed(state.iterations());
}

/// Stages: 1 prefetches buckets, 2 entries as well.
void FindInBatches(benchmark::State& state, size_t offset, int stages) {
  constexpr size_t kBatch = 16;
  Keyspace& keyspace = Filled(static_cast<int>(state.range(0)));
  const std::vector<std::string> names = Order(offset);
  size_t i = 0;
  uint64_t hashes[kBatch];
  for (auto _ : state) {
    const std::string* keys = &names[i & (names.size() - 1)];
    i += kBatch;
    for (size_t k = 0; k < kBatch; ++k) {
      hashes[k] = HashKey(keys[k]);
      keyspace.Prefetch(0, hashes[k]);
    }
    if (stages > 1) {
      for (size_t k = 0; k < kBatch; ++k)
        keyspace.PrefetchStep(0, hashes[k], PrefetchDepth::kEntry);
    }
    for (size_t k = 0; k < kBatch; ++k) {
      benchmark::DoNotOptimize(Read(keyspace, keys[k], hashes[k]));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
}

BENCHMARK_CAPTURE(FindOneByOne, hit, 0)->Arg(1)->Arg(1024);
BENCHMARK_CAPTURE(FindOneByOne, miss, kKeys)->Arg(1)->Arg(1024);
BENCHMARK_CAPTURE(FindInBatches, hit_buckets, 0, 1)->Arg(1)->Arg(1024);
BENCHMARK_CAPTURE(FindInBatches, hit_entries, 0, 2)->Arg(1)->Arg(1024);
BENCHMARK_CAPTURE(FindInBatches, miss_buckets, kKeys, 1)->Arg(1)->Arg(1024);

void Overwrite(benchmark::State& state) {
  Keyspace& keyspace = Filled(static_cast<int>(state.range(0)));
  const std::vector<std::string> names = Order(0);
  const std::string value(32, 'w');
  Garbage garbage;
  size_t i = 0;
  for (auto _ : state) {
    const std::string& key = names[i++ & (names.size() - 1)];
    const uint64_t hash = HashKey(key);
    Stripe& stripe = keyspace.StripeOf(hash);
    MutexLock lock(stripe.mutex());
    stripe.SetString(0, key, hash, std::string_view(value), {}, garbage);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Overwrite)->Arg(1)->Arg(1024);

void InsertMillion(benchmark::State& state) {
  for (auto _ : state) {
    auto keyspace = std::make_unique<Keyspace>(
        KeyspaceOptions{.stripes = static_cast<int>(state.range(0)), .databases = 16});
    Fill(*keyspace, 0, kKeys, ExpirePolicy::Clear());
    state.PauseTiming();
    keyspace.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kKeys));
}
BENCHMARK(InsertMillion)->Arg(1)->Arg(1024)->Unit(benchmark::kMillisecond);

void LockUncontended(benchmark::State& state) {
  Mutex mutex(LockRank::kLeaf);
  for (auto _ : state) MutexLock lock(mutex);
}
BENCHMARK(LockUncontended);

void TurnOfTheGate(benchmark::State& state) {
  Gate gate;
  for (auto _ : state) Gate::TurnScope turn(gate, 0);
}
BENCHMARK(TurnOfTheGate);

void ExclusiveAlone(benchmark::State& state) {
  Gate gate;
  Gate::TurnScope turn(gate, 0);
  for (auto _ : state) Gate::ExclusiveScope exclusive(gate, 0);
}
BENCHMARK(ExclusiveAlone);

size_t ResidentBytes() {
  long total = 0, resident = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return static_cast<size_t>(resident) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

int ReportMemory(size_t keys, bool with_expiry) {
  Keyspace keyspace({.stripes = 1024, .databases = 16});
  const size_t before = ResidentBytes();
  const auto start = std::chrono::steady_clock::now();
  Fill(keyspace, 0, keys, with_expiry ? ExpirePolicy::At(kNow) : ExpirePolicy::Clear());
  const double ns =
      std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
  const double count = static_cast<double>(keys);
  std::printf(
      "{\"keys\": %zu, \"with_expiry\": %s, \"rss_bytes_per_key\": %.2f, "
      "\"accounted_bytes_per_key\": %.2f, \"insert_ns\": %.0f}\n",
      keys, with_expiry ? "true" : "false", static_cast<double>(ResidentBytes() - before) / count,
      static_cast<double>(keyspace.MemoryBytes()) / count, ns / count);
  std::fflush(stdout);
  _exit(0);  // freeing a keyspace is not what is measured
}

}  // namespace
}  // namespace peal::store

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--memory") == 0) {
    const size_t keys = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'000'000;
    return peal::store::ReportMemory(keys, argc > 3 && std::strcmp(argv[3], "ttl") == 0);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
