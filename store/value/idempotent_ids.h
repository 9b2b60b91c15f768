#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "store/value/stream_id.h"

namespace peal::store {

/// Which entries of a stream came with which ids of their producers, so that a message that is sent
/// again is not added again. Source: Redis 8.6, "Idempotent message processing".
///
/// Of each producer the latest max_ids() are kept, and none longer than duration_s() after its
/// entry's id: memory follows what was added within that time. Needs the stripe's lock.
class IdempotentIds {
 public:
  static constexpr int64_t kMaxDurationS = 86'400;
  static constexpr int64_t kMaxIds = 10'000;

  /// Books its heap bytes, itself included, in `bytes`, which must outlive it.
  explicit IdempotentIds(size_t& bytes);
  IdempotentIds(const IdempotentIds&) = delete;
  IdempotentIds& operator=(const IdempotentIds&) = delete;
  ~IdempotentIds();

  int64_t duration_s() const { return duration_s_; }
  int64_t max_ids() const { return max_ids_; }
  size_t producers() const { return producers_.size(); }
  size_t size() const { return records_.size(); }
  uint64_t added() const { return added_; }
  uint64_t duplicates() const { return duplicates_; }

  /// Other bounds forget everything that was noted. Each in [1, the greatest].
  void Configure(int64_t duration_s, int64_t max_ids);

  /// Forgets what is over.
  void Expire(int64_t now_ms);
  /// The entry that `producer` added with this id; null if none is known.
  const StreamId* Find(std::string_view producer, std::string_view id) const;
  void CountDuplicate() { ++duplicates_; }
  /// Notes one that Find does not know.
  void Add(std::string_view producer, std::string_view id, StreamId entry);

  bool IsSound() const;
  std::unique_ptr<IdempotentIds> Clone(size_t& bytes) const;

 private:
  struct Producer;
  using Producers = std::map<std::string, Producer, std::less<>>;
  struct Record {
    std::string id;
    StreamId entry;
    Producers::iterator producer;
  };
  using Records = std::list<Record>;  // the oldest first
  struct Producer {
    std::unordered_map<std::string_view, Records::iterator> by_id;
    std::deque<Records::iterator> order;  // the oldest first
  };

  static size_t BytesOf(const Record& record);
  static size_t BytesOf(std::string_view producer);
  /// Forgets the oldest of a producer; also the producer, if that was all.
  void ForgetOldest(Producers::iterator producer);
  void Clear();

  size_t& bytes_;
  int64_t duration_s_ = 100;
  int64_t max_ids_ = 100;
  uint64_t added_ = 0;
  uint64_t duplicates_ = 0;
  Producers producers_;
  Records records_;
};

}  // namespace peal::store
