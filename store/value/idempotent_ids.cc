#include "store/value/idempotent_ids.h"

#include <iterator>

#include "protocol/base/check.h"

namespace peal::store {
namespace {

size_t HeapBytes(std::string_view text) {
  return text.size() < sizeof(std::string) / 2 ? 0 : text.size() + 1;
}

// What the containers add to what they hold: links, hash, bucket, and the allocator's rounding.
constexpr size_t kListNode = 2 * sizeof(void*);
constexpr size_t kHashNode = 4 * sizeof(void*);
constexpr size_t kTreeNode = 4 * sizeof(void*);
constexpr size_t kRounding = 8;
constexpr size_t kFirstBlock = 512 + 8 * sizeof(void*);  // of a deque
constexpr size_t kFirstBuckets = 13 * sizeof(void*);     // of a hash table

}  // namespace

IdempotentIds::IdempotentIds(size_t& bytes) : bytes_(bytes) { bytes_ += sizeof(IdempotentIds); }

IdempotentIds::~IdempotentIds() {
  Clear();
  bytes_ -= sizeof(IdempotentIds);
}

size_t IdempotentIds::BytesOf(const Record& record) {
  return kListNode + sizeof(Record) + HeapBytes(record.id) + kHashNode + sizeof(std::string_view) +
         sizeof(Records::iterator) + sizeof(Records::iterator) + 2 * kRounding;
}

size_t IdempotentIds::BytesOf(std::string_view producer) {
  return kTreeNode + sizeof(Producers::value_type) + HeapBytes(producer) + kFirstBlock +
         kFirstBuckets + 2 * kRounding;
}

void IdempotentIds::Clear() {
  while (!producers_.empty()) ForgetOldest(producers_.begin());
}

void IdempotentIds::Configure(int64_t duration_s, int64_t max_ids) {
  PEAL_DCHECK(duration_s >= 1 && duration_s <= kMaxDurationS && max_ids >= 1 && max_ids <= kMaxIds);
  if (duration_s == duration_s_ && max_ids == max_ids_) return;
  duration_s_ = duration_s;
  max_ids_ = max_ids;
  Clear();
}

void IdempotentIds::Expire(int64_t now_ms) {
  while (!records_.empty()) {
    const Record& oldest = records_.front();
    const int64_t duration_ms = duration_s_ * 1000;
    // Ids may be ahead of the clock.
    if (now_ms < duration_ms || oldest.entry.ms > static_cast<uint64_t>(now_ms - duration_ms)) {
      return;
    }
    ForgetOldest(oldest.producer);
  }
}

const StreamId* IdempotentIds::Find(std::string_view producer, std::string_view id) const {
  const auto at = producers_.find(producer);
  if (at == producers_.end()) return nullptr;
  const auto found = at->second.by_id.find(id);
  return found == at->second.by_id.end() ? nullptr : &found->second->entry;
}

void IdempotentIds::Add(std::string_view producer, std::string_view id, StreamId entry) {
  auto at = producers_.find(producer);
  if (at == producers_.end()) {
    at = producers_.emplace(std::string(producer), Producer()).first;
    bytes_ += BytesOf(producer);
  }
  const auto record = records_.insert(records_.end(), Record{std::string(id), entry, at});
  const bool is_new = at->second.by_id.emplace(record->id, record).second;
  PEAL_CHECK(is_new);
  at->second.order.push_back(record);
  bytes_ += BytesOf(*record);
  ++added_;
  while (at->second.order.size() > static_cast<size_t>(max_ids_)) ForgetOldest(at);
}

void IdempotentIds::ForgetOldest(Producers::iterator producer) {
  const Records::iterator record = producer->second.order.front();
  bytes_ -= BytesOf(*record);
  producer->second.by_id.erase(record->id);
  producer->second.order.pop_front();
  records_.erase(record);
  if (!producer->second.order.empty()) return;
  bytes_ -= BytesOf(producer->first);
  producers_.erase(producer);
}

bool IdempotentIds::IsSound() const {
  size_t count = 0;
  for (const auto& [name, producer] : producers_) {
    count += producer.order.size();
    if (producer.order.empty() || producer.order.size() > static_cast<size_t>(max_ids_) ||
        producer.order.size() != producer.by_id.size()) {
      return false;
    }
    for (const Records::iterator record : producer.order) {
      const auto at = producer.by_id.find(record->id);
      if (record->producer->first != name || at == producer.by_id.end() || at->second != record) {
        return false;
      }
    }
  }
  return count == records_.size();
}

std::unique_ptr<IdempotentIds> IdempotentIds::Clone(size_t& bytes) const {
  auto copy = std::make_unique<IdempotentIds>(bytes);
  copy->duration_s_ = duration_s_;
  copy->max_ids_ = max_ids_;
  for (const Record& record : records_) copy->Add(record.producer->first, record.id, record.entry);
  copy->added_ = added_;
  copy->duplicates_ = duplicates_;
  return copy;
}

}  // namespace peal::store
