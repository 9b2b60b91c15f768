#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace peal::broker {

class Reactor;

/// One message to a reactor. The owner of the node is the inbox until `run` is called; `run` then
/// owns it and frees or reuses it. `run` executes on the reactor's thread, inside a turn.
struct InboxNode {
  InboxNode* next = nullptr;
  void (*run)(InboxNode* node, Reactor& reactor) = nullptr;
};

/// The inbox of a reactor: any thread pushes, the reactor takes everything at once.
///
/// A list linked through the nodes: push is a compare-and-swap on the head, taking is one exchange
/// and a reversal, so no moment exists in which a pushed node cannot be reached. Order: two nodes
/// of one producer, or pushed under one lock, are taken in the order of their pushes. The push is
/// sequentially consistent because the wake protocol (see Reactor::Wake) pairs it with the
/// reactor's look at the inbox after announcing its sleep.
class Inbox {
 public:
  /// [any thread]
  void Push(InboxNode* node) {
    InboxNode* head = head_.load(std::memory_order_relaxed);
    do {
      node->next = head;
    } while (!head_.compare_exchange_weak(head, node, std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
  }

  /// The node pushed last, if not yet taken. Only good for comparing: it may be gone at any moment.
  /// [any thread]
  const InboxNode* head() const { return head_.load(std::memory_order_acquire); }

  bool empty() const { return head_.load(std::memory_order_seq_cst) == nullptr; }

  /// All nodes, oldest first. Owner thread only.
  InboxNode* TakeAll() {
    if (head_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    InboxNode* node = head_.exchange(nullptr, std::memory_order_acq_rel);
    InboxNode* oldest = nullptr;
    while (node != nullptr) {
      InboxNode* next = node->next;
      node->next = oldest;
      oldest = node;
      node = next;
    }
    return oldest;
  }

  /// Bytes of messages posted and not yet handed to connections; the publishers' throttle looks at
  /// it.
  std::atomic<int64_t>& bytes() { return bytes_; }

 private:
  alignas(64) std::atomic<InboxNode*> head_{nullptr};
  alignas(64) std::atomic<int64_t> bytes_{0};
};

}  // namespace peal::broker
