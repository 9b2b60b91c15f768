#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "patterns/fragments.h"
#include "patterns/hash_directory.h"
#include "patterns/text_arena.h"

namespace peal::patterns {

/// Names a pattern in a tree; small, and used again after Remove.
using PatternId = uint32_t;

/// Working memory of PatternTree::Match, one for each thread; keeps its capacity between calls.
class MatchScratch {
 private:
  friend class PatternTree;
  std::vector<char> text_;        // the channel and eight zero bytes
  std::vector<uint32_t> hits_;    // payloads found in the current group
  std::vector<uint32_t> groups_;  // groups still to search
  std::vector<PatternId> ids_;    // patterns to try
  bool may_repeat_ = false;       // a pattern may have been found by two alternatives
};

/// A set of Redis globs that finds those matching a channel without trying all.
///
/// Each pattern is filed under one fragment, up to eight bytes that any match must contain: of all
/// its fragments the one with the fewest patterns under it. Match looks up the channel's own
/// fragments, one probe for each length in use and each position where one of that length is filed
/// (any position, for fragments behind a star), and tries the few patterns found with GlobMatch.
/// Where more than kCrowd patterns share a fragment they become a group with an index of its own,
/// by a second fragment, and so on to kMostLevels; groups are searched only for channels that hold
/// the fragment. Patterns without a literal byte are filed under the alternatives of small classes,
/// or else tried one by one.
///
/// Bytes, not characters. Not synchronized: the owner lets many threads call const methods or one
/// thread any. DESIGN.md has the reasons and the figures.
class PatternTree {
 public:
  PatternTree();
  ~PatternTree();
  PatternTree(const PatternTree&) = delete;
  PatternTree& operator=(const PatternTree&) = delete;

  /// Finds or adds `pattern`, any bytes, which are copied; says in `inserted` (may be null) which.
  /// A new one's value is null. Throws std::bad_alloc at 2^30 patterns or 8 GiB of short ones.
  PatternId Insert(std::string_view pattern, bool* inserted);

  std::optional<PatternId> Find(std::string_view pattern) const;

  /// Removes a pattern that is in the tree. Its id may be given to the next Insert.
  void Remove(PatternId id);

  /// The pattern's bytes, valid until the tree changes in any way.
  std::string_view Pattern(PatternId id) const { return texts_.Get(RecordOf(id).text); }

  /// The owner's word for the pattern; the tree never looks at it.
  void SetValue(PatternId id, void* value) { RecordOf(id).value = value; }
  void* Value(PatternId id) const { return RecordOf(id).value; }

  /// Appends each pattern that matches `channel` to `out`, once, in no special order.
  /// Does not allocate when the vectors have grown to what such channels need.
  void Match(std::string_view channel, MatchScratch& scratch, std::vector<PatternId>& out) const;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// Bytes of all the tree holds, without the allocator's own overhead.
  size_t MemoryBytes() const;

 private:
  static constexpr unsigned kMostLevels = 4;
  static constexpr size_t kCrowd = 12;  // trying that many costs about as much as a group's search
  static constexpr uint8_t kNoFragment = 0xFF;
  static constexpr size_t kRecordsInBlock = 1'024;

  struct Record {
    void* value = nullptr;
    TextRef text = 0;
    std::array<uint8_t, kMostLevels> fragment{};  // the fragment chosen at each level
  };
  struct Block {
    std::unique_ptr<Record[]> records;  // null when none is live
    std::array<uint64_t, kRecordsInBlock / 64> live{};
    uint32_t count = 0;
  };
  /// Patterns that share a fragment; group 0 is all patterns.
  struct Group {
    uint64_t seed = 0;
    uint32_t shapes = 0;  // bit for each shape in use
    uint32_t population = 0;
    struct Shape {
      uint32_t filed = 0;          // keys of this shape
      uint32_t anywhere = 0;       // those of no fixed place
      uint8_t from = kMostBefore;  // no such key begins earlier; kept until `filed` is 0
      uint64_t from_head = 0;      // bit for each distance in use since `filed` was 0
      uint64_t from_tail = 0;
    };
    std::array<Shape, kShapes> by_shape{};
    std::vector<PatternId> residue;  // patterns that no further fragment sets apart
  };

  // What a fragment leads to: a pattern, a list of patterns or a group. Two bits and an index.
  enum class Kind : uint32_t { kOne = 0, kList = 1, kGroup = 2 };
  static uint32_t Pack(Kind kind, uint32_t index) {
    return static_cast<uint32_t>(kind) << 30 | index;
  }
  static Kind KindOf(uint32_t payload) { return static_cast<Kind>(payload >> 30); }
  static uint32_t IndexOf(uint32_t payload) { return payload & ((1U << 30) - 1); }

  Record& RecordOf(PatternId id) const {
    return blocks_[id / kRecordsInBlock].records[id % kRecordsInBlock];
  }
  uint32_t ExactHash(std::string_view pattern) const;
  static uint32_t KeyHash(const Group& group, unsigned shape, uint64_t key);
  HashDirectory& DirectoryFor(unsigned shape) {
    return IsFromClass(shape) ? by_class_ : by_literal_;
  }
  const HashDirectory& DirectoryFor(unsigned shape) const {
    return IsFromClass(shape) ? by_class_ : by_literal_;
  }

  PatternId NewRecord();
  void FreeRecord(PatternId id);
  void FreeText(TextRef ref);
  uint32_t NewGroup();
  uint32_t NewList();
  std::vector<PatternId>& ListAt(uint32_t index) const { return lists_[index / 256][index % 256]; }

  /// How often fragments occur in the patterns inserted, roughly and lately: two small counters for
  /// each hash, of which the lower holds. What most patterns share must not be taken for what tells
  /// them apart.
  class Frequencies {
   public:
    /// True at the moment when the fragment turns out to be common.
    bool Note(uint32_t hash);
    bool IsCommon(uint32_t hash) const;

   private:
    static constexpr uint32_t kCounters = 4'096;
    static constexpr uint32_t kLeast = 8;     // below it nothing is common
    static constexpr uint32_t kFactor = 4;    // common is what occurs that much above average
    static constexpr uint32_t kAverage = 32;  // counters are halved when the average gets there

    static uint32_t First(uint32_t hash) { return hash % kCounters; }
    static uint32_t Second(uint32_t hash) { return kCounters + (hash >> 16) % kCounters; }

    std::array<uint8_t, 2 * kCounters> counters_{};
    uint32_t total_ = 0;
  };

  void NoteFragments(const FragmentList& list);
  void RefileUnder(const Fragment& fragment, uint64_t key);
  size_t Crowd(const Group& group, const Fragment& fragment, const FragmentList& list) const;
  uint8_t Choose(const Group& group, const FragmentList& list, PatternId id, unsigned level) const;
  void File(uint32_t group, unsigned level, PatternId id, const FragmentList& list);
  void FileUnder(uint32_t group, unsigned level, const Fragment& fragment, uint64_t key,
                 PatternId id, const FragmentList& list);
  void MakeGroup(uint32_t hash, uint32_t payload, unsigned level);
  void Unfile(uint32_t group, unsigned level, PatternId id, const FragmentList& list);
  void UnfileUnder(uint32_t group, unsigned level, const Fragment& fragment, uint64_t key,
                   PatternId id, const FragmentList& list);

  void Probe(const Group& group, const char* text, size_t length, MatchScratch& scratch) const;
  void TryAll(std::string_view channel, MatchScratch& scratch, std::vector<PatternId>& out) const;

  uint64_t seed_;
  HashDirectory exact_;       // whole patterns to ids
  HashDirectory by_literal_;  // fragments to packed payloads
  HashDirectory by_class_;    // the same for class alternatives, whose lists never become groups
  TextArena texts_;
  std::vector<Block> blocks_;
  size_t open_block_ = 0;  // no block before it has a free record
  std::vector<std::unique_ptr<Group>> groups_;
  std::vector<uint32_t> unused_groups_;
  std::vector<std::unique_ptr<std::vector<PatternId>[]>> lists_;  // in blocks of 256
  std::vector<uint32_t> unused_lists_;
  uint32_t lists_made_ = 0;
  size_t size_ = 0;
  Frequencies frequencies_;
  FragmentList fragments_;  // writers' working memory
  FragmentList regroup_;
};

}  // namespace peal::patterns
