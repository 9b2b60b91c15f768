#include "store/value/zset_value.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "protocol/base/check.h"
#include "protocol/base/number.h"

namespace peal::store {
namespace {

// A listpack grows no further than this, whatever the limits say.
constexpr size_t kMaxListpackBytes = size_t{1} << 30;

// Whole numbers from here on are left to the general form, as with Redis.
constexpr double kMostInteger = 4611686018427387904.0;

}  // namespace

double ListpackScore(const ListpackItem& item) {
  if (item.is_integer) return static_cast<double>(item.integer);
  double score = 0;
  const char* const begin = item.bytes.data();
  const char* const end = begin + item.bytes.size();
  const auto result = std::from_chars(begin, end, score);
  PEAL_DCHECK(result.ec == std::errc() && result.ptr == end);
  return score;
}

std::string_view FormatListpackScore(double score, char (&text)[32]) {
  const bool is_negative_zero = score == 0 && std::signbit(score);
  const bool is_whole = std::abs(score) < kMostInteger && score == std::floor(score);
  if (!is_whole || is_negative_zero) return FormatScoreOf17Digits(score, text);
  const char* const end = protocol::FormatInt(text, static_cast<int64_t>(score));
  return {text, static_cast<size_t>(end - text)};
}

std::string_view FormatScoreOf17Digits(double score, char (&text)[32]) {
  const char* const end =
      std::to_chars(text, text + sizeof text, score, std::chars_format::general, 17).ptr;
  return {text, static_cast<size_t>(end - text)};
}

// ---------------------------------------------------------------- ranges

bool LexRange::ReachesMin(std::string_view member) const {
  if (min.kind != LexBound::Kind::kBytes) return min.kind == LexBound::Kind::kLowest;
  return min.is_exclusive ? member > min.bytes : member >= min.bytes;
}

bool LexRange::KeepsToMax(std::string_view member) const {
  if (max.kind != LexBound::Kind::kBytes) return max.kind == LexBound::Kind::kHighest;
  return max.is_exclusive ? member < max.bytes : member <= max.bytes;
}

bool LexRange::IsEmpty() const {
  if (min.kind != LexBound::Kind::kBytes || max.kind != LexBound::Kind::kBytes) {
    return min.kind == LexBound::Kind::kHighest || max.kind == LexBound::Kind::kLowest;
  }
  const int order = min.bytes.compare(max.bytes);
  return order > 0 || (order == 0 && (min.is_exclusive || max.is_exclusive));
}

// ---------------------------------------------------------------- cursor

double ZsetValue::Cursor::score() const {
  if (listpack_ == nullptr) return tree_at_->score;
  return ListpackScore(listpack_->Get(listpack_->Next(at_)));
}

std::string_view ZsetValue::Cursor::member() {
  return listpack_ == nullptr ? tree_at_->View() : listpack_->Get(at_).View(digits_);
}

void ZsetValue::Cursor::Next() {
  if (listpack_ == nullptr) return tree_at_.Next();
  at_ = listpack_->Next(listpack_->Next(at_));
}

void ZsetValue::Cursor::Previous() {
  if (listpack_ == nullptr) return tree_at_.Previous();
  at_ = listpack_->Previous(at_);
  if (at_ != Listpack::kEnd) at_ = listpack_->Previous(at_);
}

ZsetValue::Cursor ZsetValue::At(size_t rank) const {
  Cursor cursor;
  if (large_) {
    cursor.tree_at_ = large_->order.At(rank);
    return cursor;
  }
  cursor.listpack_ = &small_;
  if (rank < Count()) cursor.at_ = small_.Seek(static_cast<int64_t>(2 * rank));
  return cursor;
}

// ---------------------------------------------------------------- looking

ZsetValue::ZsetValue(size_t count, size_t longest, const EncodingLimits& limits) {
  if (count > limits.zset_max_listpack_entries || longest > limits.zset_max_listpack_value) {
    large_ = std::make_unique<Large>();
  }
}

ZsetValue::~ZsetValue() = default;

size_t ZsetValue::MemoryBytes() const {
  const size_t bytes = sizeof(*this) + small_.MemoryBytes();
  if (!large_) return bytes;
  return bytes + sizeof(Large) + large_->members.MemoryBytes() + large_->order.MemoryBytes();
}

size_t ZsetValue::Count() const { return large_ ? large_->order.size() : small_.Count() / 2; }

std::unique_ptr<ValueObject> ZsetValue::Clone() const {
  auto copy = std::make_unique<ZsetValue>();
  if (!large_) {
    copy->small_ = Listpack(small_);
    return copy;
  }
  copy->large_ = std::make_unique<Large>();
  ForEach([&](std::string_view member, double score) { copy->InsertLarge(member, score); });
  return copy;
}

std::unique_ptr<ZsetValue> ZsetValue::OfListpack(Listpack members) {
  auto zset = std::make_unique<ZsetValue>();
  zset->small_ = std::move(members);
  PEAL_DCHECK(zset->IsSound());
  return zset;
}

double ZsetValue::ScoreAt(Listpack::Position member_at) const {
  return ListpackScore(small_.Get(small_.Next(member_at)));
}

std::optional<double> ZsetValue::Score(std::string_view member) const {
  if (large_) {
    const ScoredMember* const found = large_->members.Find(member);
    if (found == nullptr) return std::nullopt;
    return found->score;
  }
  const Listpack::Position at = FindSmall(member);
  if (at == Listpack::kEnd) return std::nullopt;
  return ScoreAt(at);
}

std::optional<ZsetValue::Place> ZsetValue::Rank(std::string_view member) const {
  if (large_) {
    const ScoredMember* const found = large_->members.Find(member);
    if (found == nullptr) return std::nullopt;
    return Place{large_->order.RankOf(*found), found->score};
  }
  size_t rank = 0;
  for (Cursor at = At(0); at.valid(); at.Next(), ++rank) {
    if (small_.Get(at.at_).Equals(member)) return Place{rank, at.score()};
  }
  return std::nullopt;
}

RankRange ZsetValue::Find(const ScoreRange& range) const {
  const bool is_empty = range.min > range.max ||
                        (range.min == range.max && (range.excludes_min || range.excludes_max));
  if (is_empty) return {};
  RankRange found;
  if (large_) {
    found.first = large_->order.CountBelow(range.min, range.excludes_min);
    found.last = large_->order.CountBelow(range.max, !range.excludes_max);
    return found;
  }
  Cursor at = At(0);
  for (; at.valid() && !range.ReachesMin(at.score()); at.Next()) ++found.first;
  found.last = found.first;
  for (; at.valid() && range.KeepsToMax(at.score()); at.Next()) ++found.last;
  return found;
}

RankRange ZsetValue::Find(const LexRange& range, bool from_the_end) const {
  if (range.IsEmpty()) return {};
  RankRange found;
  if (large_) {
    const RankTree& order = large_->order;
    found.last = order.size();
    if (range.min.kind == LexBound::Kind::kBytes) {
      found.first = order.CountLexBelow(range.min.bytes, range.min.is_exclusive);
    }
    if (range.max.kind == LexBound::Kind::kBytes) {
      found.last = order.CountLexBelow(range.max.bytes, !range.max.is_exclusive);
    }
    if (found.last < found.first) found.last = found.first;  // scores differ
    return found;
  }
  const size_t count = Count();
  if (count == 0) return {};
  // Redis looks at both ends before it walks, which shows where scores differ.
  Cursor last = At(count - 1);
  Cursor at = At(0);
  if (!range.ReachesMin(last.member()) || !range.KeepsToMax(at.member())) return {};
  if (from_the_end) {
    found.last = count;
    for (; last.valid() && !range.KeepsToMax(last.member()); last.Previous()) --found.last;
    found.first = found.last;
    for (; last.valid() && range.ReachesMin(last.member()); last.Previous()) --found.first;
    return found;
  }
  for (; at.valid() && !range.ReachesMin(at.member()); at.Next()) ++found.first;
  found.last = found.first;
  for (; at.valid() && range.KeepsToMax(at.member()); at.Next()) ++found.last;
  return found;
}

// ---------------------------------------------------------------- changing

ZsetAddResult ZsetValue::Add(std::string_view member, double& score, const ZsetAddOptions& options,
                             const EncodingLimits& limits) {
  ScoredMember* large = nullptr;
  Listpack::Position small = Listpack::kEnd;
  std::optional<double> before;
  if (large_) {
    large = large_->members.Find(member);
    if (large != nullptr) before = large->score;
  } else {
    small = FindSmall(member);
    if (small != Listpack::kEnd) before = ScoreAt(small);
  }
  if (!before) {
    if (options.only_existing) return ZsetAddResult::kRefused;
    AddNew(member, score, limits);
    return ZsetAddResult::kAdded;
  }
  if (options.only_new) return ZsetAddResult::kRefused;
  const double now = options.increments ? score + *before : score;
  if (std::isnan(now)) return ZsetAddResult::kNan;
  if ((options.only_less && now >= *before) || (options.only_greater && now <= *before)) {
    return ZsetAddResult::kRefused;
  }
  score = now;
  if (now == *before) return ZsetAddResult::kSame;
  if (large_) {
    large_->order.ChangeScore(large, now);
  } else {
    small_.EraseRange(small, 2);
    InsertSmall(member, now);
  }
  return ZsetAddResult::kUpdated;
}

void ZsetValue::AddNew(std::string_view member, double score, const EncodingLimits& limits) {
  if (!large_ && (Count() >= limits.zset_max_listpack_entries ||
                  member.size() > limits.zset_max_listpack_value ||
                  small_.Bytes() + member.size() > kMaxListpackBytes - 64)) {
    BecomeLarge();
  }
  large_ ? InsertLarge(member, score) : InsertSmall(member, score);
}

void ZsetValue::InsertSmall(std::string_view member, double score) {
  char text[32];
  // Whole numbers are kept as integers, so -0 becomes 0.
  const std::string_view score_text = FormatListpackScore(score + 0.0, text);
  // From the end: ascending scores are the common case.
  Cursor at;
  at.listpack_ = &small_;
  at.at_ = small_.Last();
  if (at.at_ != Listpack::kEnd) at.at_ = small_.Previous(at.at_);
  Listpack::Position behind = Listpack::kEnd;
  for (; at.valid(); at.Previous()) {
    const double other = at.score();
    if (other < score || (other == score && at.member() < member)) break;
    behind = at.at_;
  }
  if (behind == Listpack::kEnd) {
    small_.Append(member);
    small_.Append(score_text);
  } else {
    small_.InsertAfter(small_.InsertBefore(behind, member), score_text);
  }
}

void ZsetValue::InsertLarge(std::string_view member, double score) {
  ScoredMember* const added = ScoredMember::New(score, member);
  large_->members.Insert(added);
  large_->order.Insert(added);
}

void ZsetValue::BecomeLarge() {
  auto large = std::make_unique<Large>();
  ForEach([&](std::string_view member, double score) {
    ScoredMember* const added = ScoredMember::New(score, member);
    large->members.Insert(added);
    large->order.Insert(added);
  });
  large_ = std::move(large);
  small_ = Listpack();
}

bool ZsetValue::Erase(std::string_view member) {
  if (large_) {
    ScoredMember* const found = large_->members.Erase(member);
    if (found == nullptr) return false;
    large_->order.Erase(found);
    ScoredMember::Destroy(found);
    return true;
  }
  const Listpack::Position at = FindSmall(member);
  if (at == Listpack::kEnd) return false;
  small_.EraseRange(at, 2);
  return true;
}

void ZsetValue::EraseRange(RankRange range) {
  if (range.empty()) return;
  PEAL_DCHECK(range.last <= Count());
  if (!large_) {
    small_.EraseRange(small_.Seek(static_cast<int64_t>(2 * range.first)), 2 * range.size());
    return;
  }
  for (size_t left = range.size(); left > 0; --left) {
    const RankTree::Cursor at = large_->order.At(range.first);
    ScoredMember* const member = large_->members.Erase(at->View());
    PEAL_CHECK(member == &*at);
    large_->order.Erase(member);
    ScoredMember::Destroy(member);
  }
}

bool ZsetValue::IsSound() const {
  double before = -std::numeric_limits<double>::infinity();
  size_t count = 0;
  bool is_sorted = true;
  ForEach([&](std::string_view member, double score) {
    is_sorted = is_sorted && score >= before && Score(member) == score;
    before = score;
    ++count;
  });
  if (!is_sorted || count != Count()) return false;
  if (!large_) return small_.Count() % 2 == 0 && small_.IsSound();
  return large_->order.IsSound() && large_->members.size() == count && large_->members.IsSound();
}

}  // namespace peal::store
