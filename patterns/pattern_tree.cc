#include "patterns/pattern_tree.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <random>
#include <string>

#include "patterns/give_back.h"
#include "patterns/glob.h"
#include "patterns/xxhash.h"

namespace peal::patterns {
namespace {

constexpr uint32_t kMostPatterns = 1U << 30;
constexpr size_t kKeptScratch = 65'536;  // entries or bytes; a longer channel's are given back

uint64_t RandomSeed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

template <typename T>
void DropIfLarge(std::vector<T>& vector) {
  if (vector.capacity() > kKeptScratch) GiveBack(vector);
}

template <typename T>
void SortUnique(std::vector<T>& vector, size_t from) {
  const auto begin = vector.begin() + static_cast<ptrdiff_t>(from);
  std::sort(begin, vector.end());
  vector.erase(std::unique(begin, vector.end()), vector.end());
}

uint64_t LoadWord(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

}  // namespace

PatternTree::PatternTree() : seed_(RandomSeed()) { NewGroup(); }
PatternTree::~PatternTree() = default;

uint32_t PatternTree::ExactHash(std::string_view pattern) const {
  return static_cast<uint32_t>(HashBytes(pattern, seed_));
}

uint32_t PatternTree::KeyHash(const Group& group, unsigned shape, uint64_t key) {
  return static_cast<uint32_t>(MixWord(key, group.seed + shape * 0x9FB21C651E98DF25ULL));
}

PatternId PatternTree::NewRecord() {
  while (open_block_ < blocks_.size() && blocks_[open_block_].count == kRecordsInBlock)
    ++open_block_;
  if (open_block_ == blocks_.size()) {
    if (blocks_.size() * kRecordsInBlock >= kMostPatterns) throw std::bad_alloc();
    blocks_.emplace_back();
  }
  Block& block = blocks_[open_block_];
  if (block.records == nullptr) block.records = std::make_unique<Record[]>(kRecordsInBlock);
  size_t word = 0;
  while (block.live[word] == ~uint64_t{0}) ++word;
  const auto bit = static_cast<unsigned>(std::countr_one(block.live[word]));
  block.live[word] |= uint64_t{1} << bit;
  ++block.count;
  return static_cast<PatternId>(open_block_ * kRecordsInBlock + word * 64 + bit);
}

void PatternTree::FreeRecord(PatternId id) {
  const size_t index = id / kRecordsInBlock;
  Block& block = blocks_[index];
  block.records[id % kRecordsInBlock] = Record();
  block.live[id % kRecordsInBlock / 64] &= ~(uint64_t{1} << (id % 64));
  if (--block.count == 0) block.records.reset();
  open_block_ = std::min(open_block_, index);
}

void PatternTree::FreeText(TextRef ref) {
  if (!texts_.Free(ref)) return;
  texts_.ForEachIn(ref, [&](TextRef old, std::string_view text) {
    exact_.Lookup(ExactHash(text), [&](uint32_t id) {
      Record& record = RecordOf(id);
      if (record.text != old) return false;
      record.text = texts_.Add(text);
      return true;
    });
    texts_.Free(old);
  });
}

uint32_t PatternTree::NewGroup() {
  uint32_t index;
  if (unused_groups_.empty()) {
    index = static_cast<uint32_t>(groups_.size());
    groups_.emplace_back();
  } else {
    index = unused_groups_.back();
    unused_groups_.pop_back();
  }
  groups_[index] = std::make_unique<Group>();
  groups_[index]->seed = MixWord(index, seed_);
  return index;
}

uint32_t PatternTree::NewList() {
  if (unused_lists_.empty()) {
    if (lists_made_ == lists_.size() * 256)
      lists_.push_back(std::make_unique<std::vector<PatternId>[]>(256));
    return lists_made_++;
  }
  const uint32_t index = unused_lists_.back();
  unused_lists_.pop_back();
  return index;
}

std::optional<PatternId> PatternTree::Find(std::string_view pattern) const {
  std::optional<PatternId> found;
  exact_.Lookup(ExactHash(pattern), [&](uint32_t id) {
    if (Pattern(id) != pattern) return false;
    found = id;
    return true;
  });
  return found;
}

PatternId PatternTree::Insert(std::string_view pattern, bool* inserted) {
  const std::optional<PatternId> found = Find(pattern);
  if (inserted != nullptr) *inserted = !found;
  if (found) return *found;
  const TextRef text = texts_.Add(pattern);
  const PatternId id = NewRecord();
  RecordOf(id).text = text;
  exact_.Insert(ExactHash(pattern), id);
  ListFragments(pattern, fragments_);
  NoteFragments(fragments_);
  File(0, 0, id, fragments_);
  DropIfLarge(fragments_.keys);
  ++size_;
  return id;
}

void PatternTree::Remove(PatternId id) {
  const std::string_view pattern = Pattern(id);
  ListFragments(pattern, fragments_);
  Unfile(0, 0, id, fragments_);
  exact_.Erase(ExactHash(pattern), id);
  const TextRef text = RecordOf(id).text;
  FreeRecord(id);
  FreeText(text);
  if (--size_ > 0) return;
  GiveBack(blocks_);
  open_block_ = 0;
  groups_.resize(1);
  groups_.shrink_to_fit();
  GiveBack(unused_groups_);
  GiveBack(groups_[0]->residue);
  GiveBack(lists_);
  GiveBack(unused_lists_);
  lists_made_ = 0;
}

bool PatternTree::Frequencies::Note(uint32_t hash) {
  const bool was_common = IsCommon(hash);
  for (const uint32_t at : {First(hash), Second(hash)})
    if (counters_[at] < UINT8_MAX) ++counters_[at];
  if (++total_ >= kAverage * kCounters) {
    for (uint8_t& each : counters_) each /= 2;
    total_ /= 2;
  }
  return !was_common && IsCommon(hash);
}

bool PatternTree::Frequencies::IsCommon(uint32_t hash) const {
  const uint32_t count = std::min(counters_[First(hash)], counters_[Second(hash)]);
  return count >= kLeast && count > kFactor * (total_ / kCounters);
}

void PatternTree::NoteFragments(const FragmentList& list) {
  for (size_t i = 0; i < list.class_begin; ++i) {
    const Fragment& fragment = list.fragments[i];
    const uint64_t key = list.keys[fragment.first_key];
    if (frequencies_.Note(KeyHash(*groups_[0], fragment.shape, key))) RefileUnder(fragment, key);
  }
}

void PatternTree::RefileUnder(const Fragment& fragment, uint64_t key) {
  // Those that came before it was known to be common would be tried for most channels.
  const uint32_t payload =
      DirectoryFor(fragment.shape).First(KeyHash(*groups_[0], fragment.shape, key));
  std::vector<PatternId> early;
  if (payload == HashDirectory::kNone || KindOf(payload) == Kind::kGroup) return;
  if (KindOf(payload) == Kind::kOne) {
    early.push_back(IndexOf(payload));
  } else {
    early = ListAt(IndexOf(payload));
  }
  FragmentList list;
  for (const PatternId id : early) {
    ListFragments(Pattern(id), list);
    Unfile(0, 0, id, list);
    File(0, 0, id, list);
  }
}

size_t PatternTree::Crowd(const Group& group, const Fragment& fragment,
                          const FragmentList& list) const {
  size_t most = 0;
  for (unsigned i = 0; i < fragment.keys; ++i) {
    const uint64_t key = list.keys[fragment.first_key + i];
    const uint32_t payload =
        DirectoryFor(fragment.shape).First(KeyHash(group, fragment.shape, key));
    size_t crowd = 0;
    if (payload != HashDirectory::kNone) {
      switch (KindOf(payload)) {
        case Kind::kOne:
          crowd = 1;
          break;
        case Kind::kList:
          crowd = ListAt(IndexOf(payload)).size();
          break;
        case Kind::kGroup:
          crowd = groups_[IndexOf(payload)]->population;
          break;
      }
    }
    most = std::max(most, crowd);
  }
  return most;
}

uint8_t PatternTree::Choose(const Group& group, const FragmentList& list, PatternId id,
                            unsigned level) const {
  const auto& chosen = RecordOf(id).fragment;
  const auto is_taken = [&](size_t index) {
    for (unsigned above = 0; above < level; ++above)
      if (chosen[above] == index) return true;
    return false;
  };
  size_t best = kNoFragment;
  size_t best_crowd = SIZE_MAX;
  for (size_t i = 0; i < list.class_begin && best_crowd > 0; ++i) {
    if (is_taken(i)) continue;
    const Fragment& fragment = list.fragments[i];
    size_t crowd = Crowd(group, fragment, list);
    // Half a crowd is as bad as being found by every channel of a kind.
    const uint64_t key = list.keys[fragment.first_key];
    if (level == 0 && frequencies_.IsCommon(KeyHash(group, fragment.shape, key)))
      crowd += kCrowd / 2;
    if (crowd < best_crowd) best = i, best_crowd = crowd;
  }
  if (best != kNoFragment && best_crowd < kCrowd) return static_cast<uint8_t>(best);
  // Alternatives cost an entry each, so they must be much better than a crowded literal.
  for (size_t i = list.class_begin; i < list.fragments.size() && best_crowd > 0; ++i) {
    const size_t crowd = Crowd(group, list.fragments[i], list);
    if (best == kNoFragment || crowd * 4 < best_crowd) best = i, best_crowd = crowd;
  }
  return static_cast<uint8_t>(best);
}

void PatternTree::File(uint32_t group_index, unsigned level, PatternId id,
                       const FragmentList& list) {
  Group& group = *groups_[group_index];
  ++group.population;
  const uint8_t chosen = Choose(group, list, id, level);
  RecordOf(id).fragment[level] = chosen;
  if (chosen == kNoFragment) {
    group.residue.push_back(id);
    return;
  }
  const Fragment fragment = list.fragments[chosen];
  for (unsigned i = 0; i < fragment.keys; ++i)
    FileUnder(group_index, level, fragment, list.keys[fragment.first_key + i], id, list);
}

void PatternTree::FileUnder(uint32_t group_index, unsigned level, const Fragment& fragment,
                            uint64_t key, PatternId id, const FragmentList& list) {
  Group& group = *groups_[group_index];
  const unsigned shape = fragment.shape;
  Group::Shape& places = group.by_shape[shape];
  group.shapes |= 1U << shape;
  ++places.filed;
  switch (fragment.place) {
    case Place::kAnywhere:
      ++places.anywhere;
      places.from = std::min(places.from, fragment.distance);
      break;
    case Place::kFromHead:
      places.from_head |= uint64_t{1} << fragment.distance;
      break;
    case Place::kFromTail:
      places.from_tail |= uint64_t{1} << fragment.distance;
      break;
  }
  HashDirectory& directory = DirectoryFor(shape);
  const uint32_t hash = KeyHash(group, shape, key);
  const uint32_t payload = directory.First(hash);
  if (payload == HashDirectory::kNone) {
    directory.Insert(hash, Pack(Kind::kOne, id));
    return;
  }
  const uint32_t index = IndexOf(payload);
  switch (KindOf(payload)) {
    case Kind::kOne: {
      const uint32_t made = NewList();
      ListAt(made) = {index, id};
      directory.Replace(hash, payload, Pack(Kind::kList, made));
      return;
    }
    case Kind::kList:
      ListAt(index).push_back(id);
      if (ListAt(index).size() > kCrowd && level + 1 < kMostLevels && &directory == &by_literal_)
        MakeGroup(hash, payload, level + 1);
      return;
    case Kind::kGroup:
      File(index, level + 1, id, list);
      return;
  }
}

void PatternTree::MakeGroup(uint32_t hash, uint32_t payload, unsigned level) {
  std::vector<PatternId> members = std::move(ListAt(IndexOf(payload)));
  GiveBack(ListAt(IndexOf(payload)));
  unused_lists_.push_back(IndexOf(payload));
  const uint32_t made = NewGroup();
  by_literal_.Replace(hash, payload, Pack(Kind::kGroup, made));
  for (const PatternId member : members) {
    // kCrowd members cannot overflow a group below, so one extra list is all the nesting there is.
    ListFragments(Pattern(member), regroup_);
    File(made, level, member, regroup_);
  }
}

void PatternTree::Unfile(uint32_t group_index, unsigned level, PatternId id,
                         const FragmentList& list) {
  Group& group = *groups_[group_index];
  --group.population;
  const uint8_t chosen = RecordOf(id).fragment[level];
  if (chosen == kNoFragment) {
    const auto at = std::find(group.residue.begin(), group.residue.end(), id);
    *at = group.residue.back();
    group.residue.pop_back();
    if (group.residue.capacity() > 64 && group.residue.size() * 4 < group.residue.capacity())
      group.residue.shrink_to_fit();
    return;
  }
  const Fragment fragment = list.fragments[chosen];
  for (unsigned i = 0; i < fragment.keys; ++i)
    UnfileUnder(group_index, level, fragment, list.keys[fragment.first_key + i], id, list);
}

void PatternTree::UnfileUnder(uint32_t group_index, unsigned level, const Fragment& fragment,
                              uint64_t key, PatternId id, const FragmentList& list) {
  Group& group = *groups_[group_index];
  const unsigned shape = fragment.shape;
  Group::Shape& places = group.by_shape[shape];
  if (fragment.place == Place::kAnywhere) --places.anywhere;
  if (--places.filed == 0) {
    places = {};  // distances are forgotten only here: counting each would cost 1 KiB a shape
    group.shapes &= ~(1U << shape);
  }
  HashDirectory& directory = DirectoryFor(shape);
  const uint32_t hash = KeyHash(group, shape, key);
  const uint32_t payload = directory.First(hash);
  const uint32_t index = IndexOf(payload);
  switch (KindOf(payload)) {
    case Kind::kOne:
      directory.Erase(hash, payload);
      return;
    case Kind::kList: {
      std::vector<PatternId>& members = ListAt(index);
      const auto at = std::find(members.begin(), members.end(), id);
      *at = members.back();
      members.pop_back();
      if (members.size() > 1) return;
      directory.Replace(hash, payload, Pack(Kind::kOne, members[0]));
      GiveBack(members);
      unused_lists_.push_back(index);
      return;
    }
    case Kind::kGroup:
      Unfile(index, level + 1, id, list);
      if (groups_[index]->population > 0) return;
      directory.Erase(hash, payload);
      groups_[index].reset();
      unused_groups_.push_back(index);
      return;
  }
}

void PatternTree::Probe(const Group& group, const char* text, size_t length,
                        MatchScratch& scratch) const {
  for (uint32_t shapes = group.shapes; shapes != 0; shapes &= shapes - 1) {
    const auto shape = static_cast<unsigned>(std::countr_zero(shapes));
    const unsigned bytes = ShapeLength(shape);
    if (length < bytes) continue;
    const size_t last = length - bytes;  // the last position
    const Group::Shape& places = group.by_shape[shape];
    const HashDirectory& directory = DirectoryFor(shape);
    const uint64_t mask = ~uint64_t{0} >> (64 - 8 * bytes);
    if (IsFromClass(shape)) scratch.may_repeat_ = true;
    const auto probe = [&](size_t at) {
      directory.Lookup(KeyHash(group, shape, LoadWord(text + at) & mask), [&](uint32_t payload) {
        scratch.hits_.push_back(payload);
        return true;
      });
    };
    // From `from` on each position is looked at, before it only the fixed places.
    const size_t from = places.anywhere == 0 ? length : places.from;
    for (uint64_t left = places.from_head; left != 0; left &= left - 1)
      if (const auto at = static_cast<size_t>(std::countr_zero(left)); at <= last && at < from)
        probe(at);
    for (uint64_t left = places.from_tail; left != 0; left &= left - 1)
      if (const auto at = static_cast<size_t>(std::countr_zero(left));
          at <= last && last - at < from)
        probe(last - at);
    for (size_t at = from; at <= last; ++at) {
      probe(at);
      if (scratch.hits_.size() >= 4'096 && std::has_single_bit(scratch.hits_.size()))
        SortUnique(scratch.hits_, 0);  // a long channel full of repeats must not fill the memory
    }
  }
}

void PatternTree::TryAll(std::string_view channel, MatchScratch& scratch,
                         std::vector<PatternId>& out) const {
  // A pattern is two cache misses away, record and bytes. Ask for both early.
  constexpr size_t kAhead = 4;
  const std::vector<PatternId>& ids = scratch.ids_;
  for (size_t i = 0; i < std::min(2 * kAhead, ids.size()); ++i)
    __builtin_prefetch(&RecordOf(ids[i]));
  for (size_t i = 0; i < std::min(kAhead, ids.size()); ++i) {
    __builtin_prefetch(texts_.Address(RecordOf(ids[i]).text));
    // The owner wants it next if the pattern matches, and the first candidate mostly does.
    if (i == 0) __builtin_prefetch(RecordOf(ids[i]).value);
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i + 2 * kAhead < ids.size()) __builtin_prefetch(&RecordOf(ids[i + 2 * kAhead]));
    if (i + kAhead < ids.size()) __builtin_prefetch(texts_.Address(RecordOf(ids[i + kAhead]).text));
    if (GlobMatch(Pattern(ids[i]), channel)) out.push_back(ids[i]);
  }
}

void PatternTree::Match(std::string_view channel, MatchScratch& scratch,
                        std::vector<PatternId>& out) const {
  if (size_ == 0) return;
  const size_t first = out.size();
  // A copy with room behind it: every position can then be read as one word.
  scratch.text_.resize(channel.size() + kFragmentBytes);
  if (!channel.empty()) std::memcpy(scratch.text_.data(), channel.data(), channel.size());
  std::memset(scratch.text_.data() + channel.size(), 0, kFragmentBytes);
  scratch.may_repeat_ = false;
  scratch.groups_.assign(1, 0);
  while (!scratch.groups_.empty()) {
    const Group& group = *groups_[scratch.groups_.back()];
    scratch.groups_.pop_back();
    scratch.ids_.assign(group.residue.begin(), group.residue.end());
    scratch.hits_.clear();
    Probe(group, scratch.text_.data(), channel.size(), scratch);
    // The channel may hold a fragment twice.
    if (scratch.hits_.size() > 1) SortUnique(scratch.hits_, 0);
    for (const uint32_t payload : scratch.hits_) {
      switch (KindOf(payload)) {
        case Kind::kOne:
          scratch.ids_.push_back(IndexOf(payload));
          break;
        case Kind::kList:
          scratch.ids_.insert(scratch.ids_.end(), ListAt(IndexOf(payload)).begin(),
                              ListAt(IndexOf(payload)).end());
          break;
        case Kind::kGroup:
          scratch.groups_.push_back(IndexOf(payload));
          break;
      }
    }
    TryAll(channel, scratch, out);
  }
  if (scratch.may_repeat_ && out.size() > first + 1) SortUnique(out, first);
  DropIfLarge(scratch.text_);
  DropIfLarge(scratch.hits_);
  DropIfLarge(scratch.ids_);
  DropIfLarge(scratch.groups_);
}

size_t PatternTree::MemoryBytes() const {
  size_t bytes = sizeof(*this) + exact_.MemoryBytes() + by_literal_.MemoryBytes() +
                 by_class_.MemoryBytes() + texts_.MemoryBytes();
  bytes += blocks_.capacity() * sizeof(Block);
  for (const Block& block : blocks_)
    if (block.records != nullptr) bytes += kRecordsInBlock * sizeof(Record);
  bytes += groups_.capacity() * sizeof(groups_[0]);
  for (const auto& group : groups_)
    if (group != nullptr) bytes += sizeof(Group) + group->residue.capacity() * sizeof(PatternId);
  bytes += lists_.size() * 256 * sizeof(std::vector<PatternId>);
  for (uint32_t i = 0; i < lists_made_; ++i) bytes += ListAt(i).capacity() * sizeof(PatternId);
  bytes += (unused_groups_.capacity() + unused_lists_.capacity()) * sizeof(uint32_t);
  return bytes;
}

}  // namespace peal::patterns
