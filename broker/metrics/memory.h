#pragma once

#include <cstdint>
#include <string>

namespace peal::broker {

/// What the allocator and the kernel say about the memory of this process, in bytes.
struct MemoryFacts {
  uint64_t used = 0;       // handed out by the allocator
  uint64_t active = 0;     // in pages that hold something handed out
  uint64_t resident = 0;   // of the allocator's pages, those in memory
  uint64_t rss = 0;        // of the process
  uint64_t peak_used = 0;  // the largest `used` that a call of ReadMemory has seen
  uint64_t startup = 0;    // `used` at the first call
  uint64_t system_total = 0;
};

/// Asks the allocator; some microseconds. [any thread]
MemoryFacts ReadMemory();

/// "jemalloc-5.3.0", "mimalloc-2.0", "libc".
std::string AllocatorName();

/// The allocator's own report, for people.
std::string AllocatorReport();

/// Sets how long the allocator keeps pages that hold nothing, and whether a thread of its own gives
/// them back in time; without that thread they are given back as memory is used. Before the
/// reactors start, or with all of them parked.
void TuneAllocator(bool background_thread);

/// Gives the free blocks that this thread keeps for itself back to the allocator; each may hold a
/// page. For a thread that has freed much and will not need it soon. Some microseconds.
void ReleaseThreadCache();

/// Gives free pages back to the system. May take milliseconds.
void PurgeMemory();

}  // namespace peal::broker
