#include "store/value/stream_group.h"

#include <algorithm>

#include "protocol/base/check.h"

namespace peal::store {
namespace {

// What the allocator takes for a node of a tree: three pointers and a colour, then the value.
constexpr size_t kTreeNode = 4 * sizeof(void*);
constexpr size_t kRounding = 8;
constexpr size_t kPendingBytes = kTreeNode + sizeof(StreamId) + sizeof(PendingEntry) + kRounding +
                                 kTreeNode + sizeof(StreamId) + sizeof(void*) + kRounding;

constexpr size_t kTimeBytes =
    kTreeNode + sizeof(std::tuple<int64_t, uint64_t, StreamId>) + kRounding;

size_t HeapBytes(const std::string& text) {
  return text.capacity() < sizeof(std::string) / 2 ? 0 : text.capacity() + 1;
}

size_t ConsumerBytes(const StreamConsumer& consumer) {
  // The name stands in the tree and in the consumer.
  return kTreeNode + sizeof(std::string) + sizeof(void*) + sizeof(StreamConsumer) +
         2 * HeapBytes(consumer.name());
}

size_t GroupBytes(const std::string& name) {
  return kTreeNode + sizeof(std::string) + sizeof(void*) + sizeof(StreamGroup) +
         2 * HeapBytes(name);
}

}  // namespace

StreamGroup::StreamGroup(std::string_view name, StreamId last, int64_t read, size_t& bytes)
    : last_id(last), entries_read(read), name_(name), bytes_(bytes) {
  bytes_ += GroupBytes(name_);
}

StreamGroup::~StreamGroup() {
  bytes_ -= GroupBytes(name_) + pending_.size() * kPendingBytes;
  for (const auto& [name, consumer] : consumers_) bytes_ -= ConsumerBytes(*consumer);
  if (released_ != nullptr) bytes_ -= sizeof(StreamConsumer);
  if (by_time_ != nullptr) bytes_ -= by_time_->size() * kTimeBytes;
}

StreamConsumer* StreamGroup::FindConsumer(std::string_view name) const {
  const auto at = consumers_.find(name);
  return at == consumers_.end() ? nullptr : at->second.get();
}

StreamConsumer& StreamGroup::AddConsumer(std::string_view name, int64_t now_ms) {
  const auto [at, is_new] =
      consumers_.emplace(std::string(name), std::make_unique<StreamConsumer>(name, now_ms));
  PEAL_CHECK(is_new);
  bytes_ += ConsumerBytes(*at->second);
  return *at->second;
}

size_t StreamGroup::DeleteConsumer(StreamConsumer& consumer) {
  const size_t count = consumer.pending_.size();
  for (const auto& [id, entry] : consumer.pending_) {
    Unlist(id, *entry);
    pending_.erase(id);
  }
  bytes_ -= count * kPendingBytes + ConsumerBytes(consumer);
  consumers_.erase(consumers_.find(consumer.name()));
  return count;
}

PendingEntry* StreamGroup::FindPending(StreamId id) {
  const auto at = pending_.find(id);
  return at == pending_.end() ? nullptr : &at->second;
}

PendingEntry& StreamGroup::SetPending(StreamId id, StreamConsumer& consumer, int64_t delivered_ms,
                                      uint64_t deliveries) {
  // Entries are mostly delivered in their order.
  const size_t before = pending_.size();
  const auto at = pending_.try_emplace(pending_.end(), id);
  PendingEntry& entry = at->second;
  if (pending_.size() != before) {
    bytes_ += kPendingBytes;
    entry.consumer = &consumer;
    consumer.pending_.emplace_hint(consumer.pending_.end(), id, &entry);
  } else {
    Reassign(id, entry, consumer);
    Unlist(id, entry);
  }
  entry.deliveries = deliveries;
  List(id, entry, delivered_ms);
  return entry;
}

void StreamGroup::SetDelivered(StreamId id, PendingEntry& entry, int64_t delivered_ms) {
  Unlist(id, entry);
  List(id, entry, delivered_ms);
}

void StreamGroup::List(StreamId id, PendingEntry& entry, int64_t delivered_ms) {
  entry.delivered_ms = delivered_ms;
  entry.order = next_order_++;
  if (by_time_ == nullptr) return;
  by_time_->emplace_hint(by_time_->end(), delivered_ms, entry.order, id);
  bytes_ += kTimeBytes;
}

void StreamGroup::Unlist(StreamId id, const PendingEntry& entry) {
  if (by_time_ == nullptr) return;
  PEAL_CHECK(by_time_->erase({entry.delivered_ms, entry.order, id}) == 1);
  bytes_ -= kTimeBytes;
}

void StreamGroup::Reassign(StreamId id, PendingEntry& entry, StreamConsumer& consumer) {
  if (entry.consumer == &consumer) return;
  consumer.pending_.insert(entry.consumer->pending_.extract(id));
  entry.consumer = &consumer;
}

bool StreamGroup::DeletePending(StreamId id) {
  const auto at = pending_.find(id);
  if (at == pending_.end()) return false;
  Unlist(id, at->second);
  at->second.consumer->pending_.erase(id);
  pending_.erase(at);
  bytes_ -= kPendingBytes;
  return true;
}

StreamConsumer& StreamGroup::Released() {
  if (released_ == nullptr) {
    released_ = std::make_unique<StreamConsumer>("", 0);
    bytes_ += sizeof(StreamConsumer);
  }
  return *released_;
}

PendingEntry& StreamGroup::Release(StreamId id, uint64_t deliveries) {
  return SetPending(id, Released(), 0, deliveries);
}

const std::pair<const StreamId, PendingEntry>* StreamGroup::LongestPending() {
  if (pending_.empty()) return nullptr;
  if (by_time_ == nullptr) {
    by_time_ = std::make_unique<ByTime>();
    for (const auto& [id, entry] : pending_) {
      by_time_->emplace_hint(by_time_->end(), entry.delivered_ms, entry.order, id);
    }
    bytes_ += by_time_->size() * kTimeBytes;
  }
  return &*pending_.find(std::get<StreamId>(*by_time_->begin()));
}

bool StreamGroup::IsSound() const {
  size_t count = 0;
  const auto holds = [this, &count](const StreamConsumer& consumer) {
    count += consumer.pending().size();
    return std::all_of(consumer.pending().begin(), consumer.pending().end(), [&](const auto& each) {
      const auto at = pending_.find(each.first);
      return at != pending_.end() && &at->second == each.second &&
             each.second->consumer == &consumer;
    });
  };
  const bool consumers_are = std::all_of(consumers_.begin(), consumers_.end(),
                                         [&](const auto& each) { return holds(*each.second); });
  if (!consumers_are || (released_ != nullptr && !holds(*released_))) return false;
  if (count != pending_.size()) return false;
  return by_time_ == nullptr ||
         (by_time_->size() == count &&
          std::all_of(pending_.begin(), pending_.end(), [this](const auto& each) {
            const PendingEntry& entry = each.second;
            return by_time_->contains({entry.delivered_ms, entry.order, each.first});
          }));
}

std::unique_ptr<StreamGroup> StreamGroup::Clone(size_t& bytes) const {
  auto copy = std::make_unique<StreamGroup>(name_, last_id, entries_read, bytes);
  for (const auto& [name, consumer] : consumers_) {
    StreamConsumer& same = copy->AddConsumer(name, consumer->seen_ms);
    same.active_ms = consumer->active_ms;
  }
  for (const auto& [id, entry] : pending_) {
    StreamConsumer& owner =
        IsReleased(entry) ? copy->Released() : *copy->FindConsumer(entry.consumer->name());
    copy->SetPending(id, owner, entry.delivered_ms, entry.deliveries).order = entry.order;
  }
  copy->next_order_ = next_order_;
  return copy;
}

}  // namespace peal::store
