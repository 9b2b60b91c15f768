#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "store/keyspace/entry_pool.h"
#include "store/keyspace/value_object.h"
#include "store/value/encoding_limits.h"
#include "store/value/listpack.h"
#include "store/value/member_table.h"
#include "store/value/rank_tree.h"

namespace peal::store {

/// Scores from `min` to `max`, each with or without itself.
struct ScoreRange {
  double min = 0;
  double max = 0;
  bool excludes_min = false;
  bool excludes_max = false;

  bool ReachesMin(double score) const { return excludes_min ? score > min : score >= min; }
  bool KeepsToMax(double score) const { return excludes_max ? score < max : score <= max; }
};

/// An end of a range of members by octets: "-" and "+" stand below and above all of them.
struct LexBound {
  enum class Kind : uint8_t { kLowest, kBytes, kHighest };
  Kind kind = Kind::kBytes;
  bool is_exclusive = false;
  std::string_view bytes;
};

/// Members from `min` to `max` in the order of their octets.
struct LexRange {
  LexBound min;
  LexBound max;

  bool ReachesMin(std::string_view member) const;
  bool KeepsToMax(std::string_view member) const;
  /// True if no octets at all can be in it.
  bool IsEmpty() const;
};

/// Members by rank: from `first` up to and without `last`.
struct RankRange {
  size_t first = 0;
  size_t last = 0;

  size_t size() const { return last - first; }
  bool empty() const { return first == last; }
};

/// What ZADD's options allow and ask for.
struct ZsetAddOptions {
  bool only_new = false;       // NX
  bool only_existing = false;  // XX
  bool only_greater = false;   // GT
  bool only_less = false;      // LT
  bool increments = false;     // INCR
};

enum class ZsetAddResult : uint8_t {
  kAdded,
  kUpdated,
  kSame,     // has that score already
  kRefused,  // by the options
  kNan,      // the increment would lead to no number; nothing changed
};

/// A sorted set. Small ones are a listpack of members and scores in ascending order, large ones a
/// RankTree with a dictionary beside it, which OBJECT ENCODING calls a skip list. Scores are never
/// NaN. A large one never becomes small again, except by being computed anew (ZUNIONSTORE).
class ZsetValue final : public ValueObject {
 public:
  static constexpr ValueType kType = ValueType::kZset;
  static constexpr bool kKeepsEmpty = false;

  ZsetValue() = default;
  /// One that is going to hold `count` members of up to `longest` octets: large at once if a small
  /// one could not.
  ZsetValue(size_t count, size_t longest, const EncodingLimits& limits);
  ~ZsetValue() override;

  static void* operator new(size_t bytes) { return NewPoolBlock(bytes); }
  static void operator delete(void* block, size_t bytes) { FreePoolBlock(block, bytes); }

  ValueType type() const override { return kType; }
  size_t MemoryBytes() const override;
  std::string_view EncodingName() const override { return large_ ? "skiplist" : "listpack"; }
  size_t Count() const override;
  /// Whether members are packed, so that views of them do not outlive a cursor.
  bool is_small() const { return large_ == nullptr; }
  std::unique_ptr<ValueObject> Clone() const override;

  // For payloads and snapshots.

  /// A small one of members and scores in the form and the order in which it keeps them.
  static std::unique_ptr<ZsetValue> OfListpack(Listpack members);
  /// Of a small one.
  const Listpack& listpack() const { return small_; }

  /// A place in the order. Dies with the next change.
  class Cursor {
   public:
    bool valid() const { return listpack_ != nullptr ? at_ != Listpack::kEnd : tree_at_.valid(); }
    double score() const;
    /// Valid until the cursor moves or goes.
    std::string_view member();
    void Next();
    void Previous();
    /// Next or, if `backwards`, Previous.
    void Step(bool backwards) { backwards ? Previous() : Next(); }

   private:
    friend class ZsetValue;
    const Listpack* listpack_ = nullptr;  // null in a large one
    Listpack::Position at_ = Listpack::kEnd;
    RankTree::Cursor tree_at_;
    char digits_[24];
  };

  /// The member of a rank; not valid from Count() on. O(log n).
  Cursor At(size_t rank) const;

  std::optional<double> Score(std::string_view member) const;
  struct Place {
    size_t rank = 0;
    double score = 0;
  };
  std::optional<Place> Rank(std::string_view member) const;

  RankRange Find(const ScoreRange& range) const;
  /// If scores differ, the result is what a walk from the first member finds, or from the last one
  /// if `from_the_end`.
  RankRange Find(const LexRange& range, bool from_the_end = false) const;

  /// `score` is not NaN; becomes the member's score in the end.
  ZsetAddResult Add(std::string_view member, double& score, const ZsetAddOptions& options,
                    const EncodingLimits& limits);
  /// Adds a member that is known not to be there.
  void AddNew(std::string_view member, double score, const EncodingLimits& limits);
  bool Erase(std::string_view member);
  void EraseRange(RankRange range);

  /// Calls fn(member, score) for some members and returns the position to go on from; 0 at first
  /// and at the end. A member that is there all the time is passed at least once. A small set is
  /// passed as a whole.
  template <typename Fn>
  uint64_t Scan(uint64_t position, size_t count, Fn fn) const;

  /// Calls fn(member, score) for every member, in ascending order.
  template <typename Fn>
  void ForEach(Fn fn) const {
    for (Cursor at = At(0); at.valid(); at.Next()) fn(at.member(), at.score());
  }

  bool IsSound() const override;

 private:
  struct Large {
    MemberTable<ScoredMember> members;
    RankTree order;
  };

  /// Where `member` is in the listpack, or kEnd.
  Listpack::Position FindSmall(std::string_view member) const {
    return small_.Find(small_.First(), member, 1);
  }
  double ScoreAt(Listpack::Position member_at) const;
  void InsertSmall(std::string_view member, double score);
  void InsertLarge(std::string_view member, double score);
  void BecomeLarge();

  Listpack small_;
  std::unique_ptr<Large> large_;
};

template <typename Fn>
uint64_t ZsetValue::Scan(uint64_t position, size_t count, Fn fn) const {
  if (!large_) {
    ForEach(fn);
    return 0;
  }
  const auto pass = [&fn](const ScoredMember* member) { fn(member->View(), member->score); };
  const uint64_t next = large_->members.Scan(position, count, pass);
  return next == MemberTable<ScoredMember>::kScanEnd ? 0 : next;
}

/// The score of an element of a listpack, and the text that a score is kept as there: whole numbers
/// as such, others with 17 digits. Source: Redis 7.0.
double ListpackScore(const ListpackItem& item);
std::string_view FormatListpackScore(double score, char (&text)[32]);

/// With 17 digits at most, as ZSCAN shows a large one's scores. Source: Redis 7.0.
std::string_view FormatScoreOf17Digits(double score, char (&text)[32]);

}  // namespace peal::store
