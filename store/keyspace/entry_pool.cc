#include "store/keyspace/entry_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <vector>

#include "protocol/base/check.h"

namespace peal::store {

/// The head of a slab; its blocks follow.
struct alignas(64) EntryPool::Slab {
  Slab* next = nullptr;  // neighbours in the list of partial slabs
  Slab* previous = nullptr;
  FreeBlock* free = nullptr;
  uint32_t untouched;  // offset of the first block never handed out
  uint32_t live = 0;   // blocks out of the slab, in thread caches included
  uint32_t block_bytes;

  explicit Slab(uint32_t bytes) : untouched(sizeof(Slab)), block_bytes(bytes) {}
  bool HasFree() const { return free != nullptr || untouched + block_bytes <= kSlabBytes; }
  FreeBlock* Take() {
    ++live;
    if (free != nullptr) {
      FreeBlock* block = free;
      free = block->next;
      return block;
    }
    void* block = reinterpret_cast<char*>(this) + untouched;
    untouched += block_bytes;
    return static_cast<FreeBlock*>(block);
  }
  static Slab* Of(void* block) {
    return reinterpret_cast<Slab*>(reinterpret_cast<uintptr_t>(block) & ~(kSlabBytes - 1));
  }
};

struct EntryPool::SpareSlabs {
  std::vector<void*> slabs;
};

struct EntryPool::ThreadCache {
  FreeList lists[kClasses];

  ~ThreadCache();
};

namespace {

// Set when a thread's cache has been destroyed: entries freed after that, by later destructors of
// the thread or of static objects, go straight to the shared lists. Trivial, so it is never
// destroyed.
thread_local bool cache_is_gone = false;

}  // namespace

EntryPool::ThreadCache::~ThreadCache() {
  cache_is_gone = true;
  EntryPool& pool = Instance();
  for (int i = 1; i < kClasses; ++i) pool.Flush(i, lists[i], lists[i].count);
}

EntryPool& EntryPool::Instance() {
  static EntryPool* const pool = new EntryPool;
  return *pool;
}

EntryPool::EntryPool() : slabs_mutex_(LockRank::kLeaf, kClasses), spare_(new SpareSlabs) {
  // Ascending indexes: a class, then the slabs.
  for (int i = 0; i < kClasses; ++i) classes_[i] = new SizeClass(static_cast<uint16_t>(i));
}

EntryPool::ThreadCache* EntryPool::Cache() {
  static thread_local ThreadCache cache;
  return &cache;
}

uint32_t EntryPool::BatchOf(int size_class) {
  // About two kilobytes at a time.
  return static_cast<uint32_t>(
      std::clamp<size_t>(2048 / (static_cast<size_t>(size_class) * kGranule), 8, 32));
}

void* EntryPool::Allocate(size_t bytes) {
  PEAL_DCHECK(bytes > 0);
  if (bytes > kMaxPooledBytes) return ::operator new(bytes);
  const int size_class = static_cast<int>((bytes + kGranule - 1) / kGranule);
  if (cache_is_gone) [[unlikely]] {
    FreeList list;
    Refill(size_class, list);
    FreeBlock* block = list.head;
    list.head = block->next;
    --list.count;
    Flush(size_class, list, list.count);
    return block;
  }
  FreeList& list = Cache()->lists[size_class];
  if (list.head == nullptr) Refill(size_class, list);
  FreeBlock* block = list.head;
  list.head = block->next;
  --list.count;
  return block;
}

void EntryPool::Free(void* block, size_t bytes) {
  if (bytes > kMaxPooledBytes) {
    ::operator delete(block);
    return;
  }
  const int size_class = static_cast<int>((bytes + kGranule - 1) / kGranule);
  FreeBlock* freed = new (block) FreeBlock;
  if (cache_is_gone) [[unlikely]] {
    FreeList list{freed, 1};
    freed->next = nullptr;
    Flush(size_class, list, 1);
    return;
  }
  FreeList& list = Cache()->lists[size_class];
  freed->next = list.head;
  list.head = freed;
  const uint32_t batch = BatchOf(size_class);
  if (++list.count >= 2 * batch) Flush(size_class, list, batch);
}

void EntryPool::FlushThreadCache() {
  if (cache_is_gone) return;
  for (int i = 1; i < kClasses; ++i) {
    FreeList& list = Cache()->lists[i];
    Flush(i, list, list.count);
  }
}

void EntryPool::Refill(int size_class, FreeList& list) {
  SizeClass& shared = At(size_class);
  const uint32_t batch = BatchOf(size_class);
  live_bytes_.fetch_add(batch * static_cast<size_t>(size_class) * kGranule,
                        std::memory_order_relaxed);
  MutexLock lock(shared.mutex);
  for (uint32_t wanted = batch; wanted > 0; --wanted) {
    Slab* slab = shared.partial;
    if (slab == nullptr) shared.partial = slab = NewSlab(size_class);
    FreeBlock* block = slab->Take();
    if (!slab->HasFree()) {
      shared.partial = slab->next;
      if (slab->next != nullptr) slab->next->previous = nullptr;
      slab->next = nullptr;
    }
    new (block) FreeBlock{list.head};
    list.head = block;
    ++list.count;
  }
}

void EntryPool::Flush(int size_class, FreeList& list, uint32_t count) {
  if (count == 0) return;
  live_bytes_.fetch_sub(count * static_cast<size_t>(size_class) * kGranule,
                        std::memory_order_relaxed);
  Slab* empty = nullptr;  // linked by `next`; released after the lock
  {
    SizeClass& shared = At(size_class);
    MutexLock lock(shared.mutex);
    for (; count > 0; --count) {
      FreeBlock* block = list.head;
      list.head = block->next;
      --list.count;
      Slab* slab = Slab::Of(block);
      const bool was_full = !slab->HasFree();
      block->next = slab->free;
      slab->free = block;
      --slab->live;
      if (was_full) {
        slab->previous = nullptr;
        slab->next = shared.partial;
        if (slab->next != nullptr) slab->next->previous = slab;
        shared.partial = slab;
      }
      // The last partial slab stays, or a key set and deleted in turn would map pages each time.
      if (slab->live == 0 && (slab->previous != nullptr || slab->next != nullptr)) {
        if (slab->previous != nullptr) slab->previous->next = slab->next;
        if (slab->next != nullptr) slab->next->previous = slab->previous;
        if (shared.partial == slab) shared.partial = slab->next;
        slab->next = empty;
        empty = slab;
      }
    }
  }
  while (empty != nullptr) {
    Slab* slab = empty;
    empty = slab->next;
    ReleaseSlab(slab);
  }
}

EntryPool::Slab* EntryPool::NewSlab(int size_class) {
  slab_count_.fetch_add(1, std::memory_order_relaxed);
  MutexLock lock(slabs_mutex_);
  if (spare_->slabs.empty()) {
    // One slab more than a chunk, since the start need not be aligned; untouched pages cost
    // nothing.
    void* memory = mmap(nullptr, kChunkBytes + kSlabBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    PEAL_CHECK(memory != MAP_FAILED);
    const uintptr_t start =
        (reinterpret_cast<uintptr_t>(memory) + kSlabBytes - 1) & ~(kSlabBytes - 1);
    for (size_t offset = kChunkBytes; offset > 0;) {
      offset -= kSlabBytes;
      spare_->slabs.push_back(reinterpret_cast<void*>(start + offset));
    }
  }
  void* memory = spare_->slabs.back();
  spare_->slabs.pop_back();
  return new (memory) Slab(static_cast<uint32_t>(size_class) * kGranule);
}

void EntryPool::ReleaseSlab(Slab* slab) {
  slab_count_.fetch_sub(1, std::memory_order_relaxed);
  madvise(slab, kSlabBytes, MADV_DONTNEED);  // advice: if refused, the pages stay for later use
  MutexLock lock(slabs_mutex_);
  spare_->slabs.push_back(slab);
}

}  // namespace peal::store
