#include "broker/metrics/memory.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "store/keyspace/bucket_table.h"
#include "store/keyspace/entry_pool.h"

// The server may be linked with either allocator, with a sanitizer's or with none: which one shows
// in the symbols present.
extern "C" {
__attribute__((weak)) int mallctl(const char* name, void* old_value, size_t* old_bytes,
                                  void* new_value, size_t new_bytes);
__attribute__((weak)) void malloc_stats_print(void (*write)(void*, const char*), void* argument,
                                              const char* options);
__attribute__((weak)) void mi_process_info(size_t* elapsed_ms, size_t* user_ms, size_t* system_ms,
                                           size_t* current_rss, size_t* peak_rss,
                                           size_t* current_commit, size_t* peak_commit,
                                           size_t* page_faults);
__attribute__((weak)) int mi_version();
__attribute__((weak)) void mi_collect(bool force);
__attribute__((weak)) void mi_stats_print_out(void (*write)(const char*, void*), void* argument);
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): the sanitizers' name.
__attribute__((weak)) size_t __sanitizer_get_current_allocated_bytes();
}

namespace peal::broker {
namespace {

std::atomic<uint64_t> peak_used{0};
std::atomic<uint64_t> startup_used{0};

uint64_t ReadStat(const char* name) {
  size_t value = 0;
  size_t bytes = sizeof value;
  return mallctl(name, &value, &bytes, nullptr, 0) == 0 ? value : 0;
}

uint64_t ReadRss() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long long total = 0;
  unsigned long long resident = 0;
  const int fields = std::fscanf(file, "%llu %llu", &total, &resident);
  std::fclose(file);
  return fields == 2 ? resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace

MemoryFacts ReadMemory() {
  MemoryFacts facts;
  facts.rss = ReadRss();
  facts.system_total =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  if (&mallctl != nullptr) {
    // Figures are as of the last change of the epoch.
    uint64_t epoch = 1;
    size_t bytes = sizeof epoch;
    mallctl("epoch", &epoch, &bytes, &epoch, sizeof epoch);
    facts.used = ReadStat("stats.allocated");
    facts.active = ReadStat("stats.active");
    facts.resident = ReadStat("stats.resident");
  } else if (&__sanitizer_get_current_allocated_bytes != nullptr) {
    facts.used = __sanitizer_get_current_allocated_bytes();
    facts.active = facts.resident = facts.rss;
  } else if (&mi_process_info != nullptr) {
    size_t elapsed = 0;
    size_t user = 0;
    size_t system = 0;
    size_t rss = 0;
    size_t peak_rss = 0;
    size_t commit = 0;
    size_t peak_commit = 0;
    size_t faults = 0;
    mi_process_info(&elapsed, &user, &system, &rss, &peak_rss, &commit, &peak_commit, &faults);
    facts.used = facts.active = commit;
    facts.resident = rss;
  } else {
    const struct mallinfo2 info = mallinfo2();
    facts.used = info.uordblks + info.hblkhd;
    facts.active = facts.resident = info.arena + info.hblkhd;
  }
  // The pool of entries and channels takes its slabs from the system itself, and so do large tables
  // their arrays.
  const store::EntryPool& pool = store::EntryPool::Instance();
  const uint64_t arrays = store::buckets::mapped_bytes.load(std::memory_order_relaxed);
  const uint64_t slabs = pool.SlabCount() * store::EntryPool::kSlabBytes;
  // Free blocks of partial slabs are for new keys: they fragment, but are not used.
  facts.used += pool.LiveBytes() + arrays;
  facts.active += slabs + arrays;
  facts.resident += slabs + arrays;
  uint64_t unset = 0;
  startup_used.compare_exchange_strong(unset, facts.used);
  facts.startup = std::min(startup_used.load(), facts.used);
  uint64_t peak = peak_used.load();
  while (peak < facts.used && !peak_used.compare_exchange_weak(peak, facts.used)) {
  }
  facts.peak_used = std::max(peak, facts.used);
  return facts;
}

std::string AllocatorName() {
  if (&mallctl != nullptr) {
    const char* version = "";
    size_t bytes = sizeof(const char*);
    if (mallctl("version", &version, &bytes, nullptr, 0) != 0) return "jemalloc";
    // "5.3.0-0-g54eaed1d8b56": the release alone.
    const std::string_view text = version;
    return "jemalloc-" + std::string(text.substr(0, text.find('-')));
  }
  if (&mi_version != nullptr) {
    const int version = mi_version();
    return "mimalloc-" + std::to_string(version / 100) + "." + std::to_string(version / 10 % 10) +
           "." + std::to_string(version % 10);
  }
  return "libc";
}

std::string AllocatorReport() {
  std::string report;
  if (&malloc_stats_print != nullptr) {
    malloc_stats_print(
        [](void* out, const char* text) { static_cast<std::string*>(out)->append(text); }, &report,
        "a");
  } else if (&mi_stats_print_out != nullptr) {
    mi_stats_print_out(
        [](const char* text, void* out) { static_cast<std::string*>(out)->append(text); }, &report);
  } else {
    char* text = nullptr;
    size_t bytes = 0;
    if (std::FILE* stream = open_memstream(&text, &bytes)) {
      malloc_info(0, stream);
      std::fclose(stream);
      report.assign(text, bytes);
      std::free(text);
    }
  }
  return report;
}

void TuneAllocator(bool background_thread) {
  if (&mallctl == nullptr) return;
  // Long enough for a busy server to take its pages back, short enough that an operator who looks
  // ten seconds after a large client left finds the memory free. 4096: see PurgeMemory.
  ssize_t decay_ms = 3000;
  mallctl("arenas.dirty_decay_ms", nullptr, nullptr, &decay_ms, sizeof decay_ms);
  mallctl("arena.4096.dirty_decay_ms", nullptr, nullptr, &decay_ms, sizeof decay_ms);
  mallctl("background_thread", nullptr, nullptr, &background_thread, sizeof background_thread);
}

void ReleaseThreadCache() {
  store::EntryPool::Instance().FlushThreadCache();
  if (&mallctl != nullptr) mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
}

void PurgeMemory() {
  if (&mallctl != nullptr) {
    // 4096 is jemalloc's name for all arenas (MALLCTL_ARENAS_ALL).
    mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
    mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
  } else if (&mi_collect != nullptr) {
    mi_collect(true);
  } else {
    malloc_trim(0);
  }
}

}  // namespace peal::broker
