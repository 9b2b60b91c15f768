#include "store/value/time_index.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "protocol/base/check.h"
#include "store/keyspace/hash.h"

namespace peal::store {
namespace {

// What the set keeps for an element: next, pointer and hash, and what the allocator adds.
constexpr size_t kSetNodeBytes = 32;

}  // namespace

size_t TimeIndex::Hash::operator()(std::string_view name) const { return HashKey(name); }

TimeIndex::TimeIndex(const TimeIndex& other) {
  for (const Node* node : other.heap_) Set(node->name(), node->at_ms);
}

TimeIndex::~TimeIndex() {
  for (Node* node : heap_) ::operator delete(node);
}

void TimeIndex::Set(std::string_view name, int64_t at_ms) {
  PEAL_DCHECK(at_ms >= 0);
  if (const auto found = nodes_.find(name); found != nodes_.end()) {
    (*found)->at_ms = at_ms;
    return Settle(*found);
  }
  auto* const node = static_cast<Node*>(::operator new(sizeof(Node) + name.size()));
  node->at_ms = at_ms;
  node->place = static_cast<uint32_t>(heap_.size());
  node->size = static_cast<uint32_t>(name.size());
  if (!name.empty()) std::memcpy(node + 1, name.data(), name.size());
  nodes_.insert(node);
  heap_.push_back(node);
  node_bytes_ += sizeof(Node) + name.size();
  Settle(node);
}

bool TimeIndex::Remove(std::string_view name) {
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return false;
  Node* const node = *found;
  nodes_.erase(found);
  Node* const last = heap_.back();
  heap_.pop_back();
  if (last != node) {
    Put(node->place, last);
    Settle(last);
  }
  node_bytes_ -= sizeof(Node) + node->size;
  ::operator delete(node);
  return true;
}

int64_t TimeIndex::TimeOf(std::string_view name) const {
  const auto found = nodes_.find(name);
  return found == nodes_.end() ? kNever : (*found)->at_ms;
}

size_t TimeIndex::CountBefore(int64_t ms) const {
  return static_cast<size_t>(std::count_if(heap_.begin(), heap_.end(),
                                           [&](const Node* node) { return node->at_ms < ms; }));
}

size_t TimeIndex::MemoryBytes() const {
  return sizeof(*this) + node_bytes_ + nodes_.size() * kSetNodeBytes +
         (nodes_.bucket_count() + heap_.capacity()) * sizeof(void*);
}

void TimeIndex::Settle(Node* node) {
  size_t place = node->place;
  while (place > 0) {
    Node* const parent = heap_[(place - 1) / 2];
    if (parent->at_ms <= node->at_ms) break;
    Put(place, parent);
    place = (place - 1) / 2;
  }
  for (;;) {
    size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->at_ms < heap_[child]->at_ms) ++child;
    if (heap_[child]->at_ms >= node->at_ms) break;
    Put(place, heap_[child]);
    place = child;
  }
  Put(place, node);
}

}  // namespace peal::store
