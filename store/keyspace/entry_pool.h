#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "store/sync/annotations.h"
#include "store/sync/mutex.h"

namespace peal::store {

/// Memory for entries and for members of large values, in size classes of 8 bytes.
///
/// General allocators round 56 bytes up to 64 (their blocks are aligned to 16), which is a seventh
/// of what a small key costs. Blocks come from slabs of 16 KiB, one size each; a thread keeps a few
/// free ones of each size, so that most calls touch no lock. Blocks are aligned to 8 and may be
/// freed by any thread. An empty slab gives its pages back to the system.
class EntryPool {
 public:
  /// Larger blocks come from operator new.
  static constexpr size_t kMaxPooledBytes = 256;
  static constexpr size_t kSlabBytes = 16 * 1024;

  /// The pool of the process. It is never destroyed: entries may outlive every static object.
  static EntryPool& Instance();

  /// `bytes` is positive; the block is not initialised. Never null.
  void* Allocate(size_t bytes);
  /// `bytes` as allocated.
  void Free(void* block, size_t bytes);

  /// Hands the calling thread's free blocks back, for others or for the system.
  void FlushThreadCache();

  /// Slabs in use, full and partial. [any thread]
  size_t SlabCount() const { return slab_count_.load(std::memory_order_relaxed); }
  /// Bytes of blocks handed out, those in threads' caches included: what the slabs hold beyond is
  /// free for new blocks. [any thread]
  size_t LiveBytes() const { return live_bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kGranule = 8;
  static constexpr int kClasses = kMaxPooledBytes / kGranule + 1;  // class 0 unused
  static constexpr size_t kChunkBytes = 1024 * 1024;               // what the system is asked for

  /// A free block holds the pointer to the next.
  struct FreeBlock {
    FreeBlock* next;
  };
  struct FreeList {
    FreeBlock* head = nullptr;
    uint32_t count = 0;
  };
  struct Slab;
  struct SizeClass {
    explicit SizeClass(uint16_t index) : mutex(LockRank::kLeaf, index) {}
    Mutex mutex;
    Slab* partial GUARDED_BY(mutex) = nullptr;  // slabs with a free block; doubly linked
  };
  struct ThreadCache;

  EntryPool();
  ~EntryPool() = delete;
  static ThreadCache* Cache();
  static uint32_t BatchOf(int size_class);
  SizeClass& At(int size_class) { return *classes_[size_class]; }
  void Refill(int size_class, FreeList& list);
  void Flush(int size_class, FreeList& list, uint32_t count);
  Slab* NewSlab(int size_class);
  void ReleaseSlab(Slab* slab);

  SizeClass* classes_[kClasses];
  std::atomic<size_t> slab_count_{0};
  std::atomic<size_t> live_bytes_{0};
  Mutex slabs_mutex_;
  /// Addresses of slabs without pages; kept outside of them, so that they take none.
  struct SpareSlabs;
  SpareSlabs* spare_ PT_GUARDED_BY(slabs_mutex_);
};

/// Blocks of the process' pool, for entries and for members of large values. `bytes` as in
/// EntryPool. Sanitizers watch every block by itself, which a pool would hide from them.
#ifdef PEAL_SANITIZED
inline void* NewPoolBlock(size_t bytes) { return ::operator new(bytes); }
inline void FreePoolBlock(void* block, size_t) { ::operator delete(block); }
#else
inline void* NewPoolBlock(size_t bytes) { return EntryPool::Instance().Allocate(bytes); }
inline void FreePoolBlock(void* block, size_t bytes) { EntryPool::Instance().Free(block, bytes); }
#endif

}  // namespace peal::store
