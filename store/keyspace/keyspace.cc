#include "store/keyspace/keyspace.h"

#include <bit>
#include <new>

#include "protocol/base/check.h"

namespace peal::store {

Keyspace::Keyspace(KeyspaceOptions options) : options_(options) {
  PEAL_CHECK(options.stripes >= 1 && options.stripes <= kMaxStripes);
  PEAL_CHECK(std::has_single_bit(static_cast<unsigned>(options.stripes)));
  static_assert(kMaxStripes == 1 << kStripeBits);
  const size_t count = static_cast<size_t>(options.stripes);
  stripes_ = static_cast<Stripe*>(
      ::operator new(count * sizeof(Stripe), std::align_val_t{alignof(Stripe)}));
  for (size_t i = 0; i < count; ++i) {
    new (&stripes_[i]) Stripe(static_cast<uint16_t>(i), options.databases, &booked_bytes_);
  }
}

Keyspace::~Keyspace() {
  for (int i = options_.stripes; i-- > 0;) stripes_[i].~Stripe();
  ::operator delete(stripes_, std::align_val_t{alignof(Stripe)});
}

size_t Keyspace::DbSize(int db) const {
  size_t sum = 0;
  for (int i = 0; i < options_.stripes; ++i) sum += stripes_[i].size(db);
  return sum;
}

size_t Keyspace::VolatileSize(int db) const {
  size_t sum = 0;
  for (int i = 0; i < options_.stripes; ++i) sum += stripes_[i].volatile_size(db);
  return sum;
}

size_t Keyspace::MemoryBytes() const {
  size_t sum = 0;
  for (int i = 0; i < options_.stripes; ++i) sum += stripes_[i].memory_bytes();
  return sum;
}

void Keyspace::PrefetchStep(int db, uint64_t hash, PrefetchDepth depth) {
  Stripe& stripe = StripeOf(hash);
  if (!stripe.mutex().TryLock()) return;
  stripe.PrefetchStep(db, hash, depth);
  stripe.mutex().Unlock();
}

uint64_t Keyspace::Scan(int db, uint64_t cursor, size_t count,
                        const std::function<void(Entry*)>& fn) {
  int index = static_cast<int>(cursor & (kMaxStripes - 1));
  uint64_t position = cursor >> kStripeBits;
  size_t passed = 0;
  size_t steps_left = count > SIZE_MAX / 20 ? SIZE_MAX : count * 10 + 10;
  const std::function<void(Entry*)> pass = [&](Entry* entry) {
    ++passed;
    fn(entry);
  };
  for (; index < options_.stripes; ++index, position = 0) {
    Stripe& stripe = stripes_[index];
    // A key that is there during the whole scan keeps the count above zero, so no lock is needed to
    // see that there is none; this also leads past the empty tail to cursor 0 at once.
    if (stripe.size(db) == 0) continue;
    if (passed >= count || steps_left == 0) break;
    MutexLock lock(stripe.mutex());
    while (position < Table::kScanEnd && passed < count && steps_left > 0) {
      position = stripe.Scan(db, position, pass);
      --steps_left;
    }
    if (position < Table::kScanEnd) break;
  }
  if (index >= options_.stripes) return 0;
  return (position << kStripeBits) | static_cast<uint64_t>(index);
}

void Keyspace::ForEach(int db, const std::function<void(Entry*)>& fn) {
  PEAL_DCHECK(gate_.HeldExclusively());
  for (int i = 0; i < options_.stripes; ++i) {
    Stripe& stripe = stripes_[i];
    stripe.AssertOwned();
    if (const Table* table = stripe.table(db)) table->ForEach(fn);
  }
}

bool Keyspace::RandomKey(int db, int64_t now_ms, const std::function<uint64_t()>& random,
                         std::string& key) {
  constexpr int kTries = 100;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const size_t total = DbSize(db);
    if (total == 0) return false;
    size_t rank = static_cast<size_t>(random() % total);
    int index = 0;
    while (index + 1 < options_.stripes && rank >= stripes_[index].size(db)) {
      rank -= stripes_[index].size(db);
      ++index;
    }
    Stripe& stripe = stripes_[index];
    MutexLock lock(stripe.mutex());
    const Table* table = stripe.table(db);
    const Entry* entry = table == nullptr ? nullptr : table->RandomEntry(random);
    if (entry == nullptr || entry->IsExpired(now_ms)) continue;
    key.assign(entry->key());
    return true;
  }
  return false;
}

std::string Keyspace::FindFault() {
  for (int i = 0; i < options_.stripes; ++i) {
    stripes_[i].AssertOwned();
    std::string fault = stripes_[i].FindFault(i, options_.stripes);
    if (!fault.empty()) return fault;
  }
  return {};
}

size_t Keyspace::FlushDb(int db, Garbage& garbage) {
  PEAL_DCHECK(gate_.HeldExclusively());
  size_t removed = 0;
  for (int i = 0; i < options_.stripes; ++i) {
    stripes_[i].AssertOwned();
    removed += stripes_[i].size(db);
    stripes_[i].Flush(db, garbage);
  }
  return removed;
}

size_t Keyspace::FlushAll(Garbage& garbage) {
  size_t removed = 0;
  for (int db = 0; db < options_.databases; ++db) removed += FlushDb(db, garbage);
  return removed;
}

void Keyspace::SwapDb(int a, int b) {
  PEAL_DCHECK(gate_.HeldExclusively());
  for (int i = 0; i < options_.stripes; ++i) {
    stripes_[i].AssertOwned();
    stripes_[i].Swap(a, b);
  }
}

}  // namespace peal::store
