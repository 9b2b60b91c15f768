#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace peal::protocol {

/// Groups of commands, as COMMAND DOCS names them (see names.h).
enum class Group : uint8_t {
  kGeneric,
  kString,
  kList,
  kSet,
  kSortedSet,
  kHash,
  kPubSub,
  kTransactions,
  kConnection,
  kServer,
  kScripting,
  kHyperLogLog,
  kCluster,
  kSentinel,
  kGeo,
  kStream,
  kBitmap,
};

/// Marks an enum as a set of bits: | and & work, Any() asks.
template <typename E>
inline constexpr bool kIsBitSet = false;
template <typename E>
  requires kIsBitSet<E>
constexpr E operator|(E a, E b) {
  return static_cast<E>(static_cast<uint64_t>(a) | static_cast<uint64_t>(b));
}
template <typename E>
  requires kIsBitSet<E>
constexpr E operator&(E a, E b) {
  return static_cast<E>(static_cast<uint64_t>(a) & static_cast<uint64_t>(b));
}
template <typename E>
  requires kIsBitSet<E>
constexpr bool Any(E bits) {
  return static_cast<uint64_t>(bits) != 0;
}

/// What a command promises or needs. Source: Redis 7.2 command flags.
enum class Flag : uint64_t {
  kNone = 0,
  kWrite = 1u << 0,
  kReadonly = 1u << 1,
  kDenyOom = 1u << 2,
  kAdmin = 1u << 3,
  kPubSub = 1u << 4,
  kNoScript = 1u << 5,
  kBlocking = 1u << 6,
  kLoading = 1u << 7,
  kStale = 1u << 8,
  kSkipMonitor = 1u << 9,
  kSkipSlowlog = 1u << 10,
  kAsking = 1u << 11,
  kFast = 1u << 12,
  kNoAuth = 1u << 13,
  kMayReplicate = 1u << 14,
  kSentinel = 1u << 15,
  kOnlySentinel = 1u << 16,
  kNoMandatoryKeys = 1u << 17,
  kProtected = 1u << 18,
  kNoAsyncLoading = 1u << 19,
  kNoMulti = 1u << 20,
  kAllowBusy = 1u << 21,
  kMovableKeys = 1u << 22,
  kTouchesArbitraryKeys = 1u << 23,
  // Peal's own; COMMAND INFO does not show them.
  kExclusive = 1u << 24,     // runs with every reactor parked
  kSubscriberOk = 1u << 25,  // allowed to a RESP2 client that has subscriptions
};
template <>
inline constexpr bool kIsBitSet<Flag> = true;

/// ACL categories. Source: Redis 7.2.
enum class Acl : uint64_t {
  kNone = 0,
  kKeyspace = 1u << 0,
  kRead = 1u << 1,
  kWrite = 1u << 2,
  kSet = 1u << 3,
  kSortedSet = 1u << 4,
  kList = 1u << 5,
  kHash = 1u << 6,
  kString = 1u << 7,
  kBitmap = 1u << 8,
  kHyperLogLog = 1u << 9,
  kGeo = 1u << 10,
  kStream = 1u << 11,
  kPubSub = 1u << 12,
  kAdmin = 1u << 13,
  kFast = 1u << 14,
  kSlow = 1u << 15,
  kBlocking = 1u << 16,
  kDangerous = 1u << 17,
  kConnection = 1u << 18,
  kTransaction = 1u << 19,
  kScripting = 1u << 20,
};
template <>
inline constexpr bool kIsBitSet<Acl> = true;

/// What is done with keys of one key spec. Exactly one of the first four, except for kNotKey.
enum class KeyFlag : uint64_t {
  kNone = 0,
  kReadOnly = 1u << 0,    // RO
  kReadWrite = 1u << 1,   // RW
  kOverwrite = 1u << 2,   // OW
  kRemove = 1u << 3,      // RM
  kAccess = 1u << 4,      // returns, copies or uses the value
  kUpdate = 1u << 5,      // updates the value, may return it
  kInsert = 1u << 6,      // adds without reading
  kDelete = 1u << 7,      // deletes the key
  kNotKey = 1u << 8,      // no key, but routed like one
  kIncomplete = 1u << 9,  // the spec does not find all keys
  kVariable = 1u << 10,   // options decide which flags hold
};
template <>
inline constexpr bool kIsBitSet<KeyFlag> = true;

/// Where keys stand among the arguments (position 0 is the command's name).
struct KeySpec {
  enum class Begin : uint8_t { kUnknown, kIndex, kKeyword };
  enum class Find : uint8_t { kUnknown, kRange, kKeyNum };

  KeyFlag flags = KeyFlag::kNone;
  Begin begin = Begin::kIndex;
  int index = 1;  // kIndex: position; kKeyword: where the search starts (negative: from the end)
  std::string_view keyword;  // kKeyword
  Find find = Find::kRange;
  int last = 0;  // kRange: last key relative to the first; negative: from the end of all arguments
  int step = 1;
  int limit = 0;         // kRange: 2 means half of what is left, and so on; 0 and 1: no limit
  int keynum_index = 0;  // kKeyNum: where the number of keys stands, relative to the begin
  int first_key = 1;     // kKeyNum: where the first key stands, relative to the begin

  static constexpr KeySpec Single(int position, KeyFlag flags) {
    KeySpec spec;
    spec.flags = flags;
    spec.index = position;
    return spec;
  }
  /// Positions `first`, first + step, … `last` (absolute; negative counts from the end).
  static constexpr KeySpec Range(int first, int last, int step, KeyFlag flags) {
    KeySpec spec = Single(first, flags);
    spec.last = last < 0 ? last : last - first;
    spec.step = step;
    return spec;
  }
  /// "numkeys key [key ...]" with the number at `position`.
  static constexpr KeySpec KeyNum(int position, KeyFlag flags) {
    KeySpec spec = Single(position, flags);
    spec.find = Find::kKeyNum;
    return spec;
  }
};

/// What a command does with the channels among its arguments; rights to channels are checked by it.
enum class ChannelUse : uint8_t {
  kNone,
  kPublish,           // args[1]
  kSubscribe,         // all arguments
  kSubscribePattern,  // all arguments, which are patterns
};

/// As what an execution of the command goes to the audit log. kDenied is for commands that were
/// refused for want of rights, whatever they are.
enum class Audit : uint8_t { kNone, kAuth, kAcl, kConfig, kAdmin, kScript, kDenied };

/// Types of arguments, as COMMAND DOCS names them.
enum class ArgType : uint8_t {
  kString,
  kInteger,
  kDouble,
  kKey,
  kPattern,
  kUnixTime,
  kPureToken,
  kOneOf,
  kBlock,
};

/// An argument of a command, for COMMAND DOCS.
struct ArgSpec {
  std::string_view name;
  ArgType type = ArgType::kString;
  std::string_view token = {};
  int key_spec_index = -1;  // kKey: which of the command's key specs
  bool is_optional = false;
  bool is_multiple = false;
  bool is_multiple_token = false;
  std::string_view since = {};
  std::string_view summary = {};
  std::span<const ArgSpec> children = {};
};

/// A change of a command in a release, for COMMAND DOCS.
struct HistoryEntry {
  std::string_view since;
  std::string_view text;
};

struct KeyAt;

/// Finds keys that no key spec can describe, or not as the command reads its options: appends their
/// positions, with the access, to `keys`.
using FindMoreKeys = void (*)(std::span<const std::string_view> args, std::vector<KeyAt>& keys);

/// Everything about a command that is not its function: the one place for arity, keys, flags,
/// categories and documentation. Rows are constexpr; Check() rejects wrong ones when they are
/// compiled.
struct CommandSpec {
  std::string_view name;  // lower case; of a subcommand its own name alone
  int arity = 0;          // name included; negative: at least
  Group group = Group::kGeneric;
  std::string_view since;
  Flag flags = Flag::kNone;
  std::span<const KeySpec> keys = {};
  FindMoreKeys more_keys = nullptr;  // in the place of specs with a keyword; needs kMovableKeys
  ChannelUse channels = ChannelUse::kNone;
  Acl acl = Acl::kNone;
  Audit audit = Audit::kNone;
  std::string_view parent = {};  // the container of a subcommand
  std::string_view complexity = {};
  std::string_view summary = {};
  std::span<const ArgSpec> arguments = {};
  std::span<const HistoryEntry> history = {};
  std::string_view deprecated_since = {};
  std::string_view replaced_by = {};
  std::span<const std::string_view> tips = {};
};

/// True if the row contradicts itself in none of the ways that can be seen without running it.
constexpr bool IsSound(const CommandSpec& spec) {
  if (spec.name.empty() || spec.arity == 0 || spec.since.empty() || spec.summary.empty())
    return false;
  for (const char c : spec.name) {
    if (c >= 'A' && c <= 'Z') return false;
  }
  const bool is_write = Any(spec.flags & Flag::kWrite);
  // PFCOUNT reads, but may put a better form of the same value in the place of the old one.
  const bool may_change = is_write || Any(spec.flags & Flag::kMayReplicate);
  if (is_write && Any(spec.flags & Flag::kReadonly)) return false;
  if (spec.more_keys != nullptr && !Any(spec.flags & Flag::kMovableKeys)) return false;
  const int least = spec.arity < 0 ? -spec.arity : spec.arity;
  for (const KeySpec& key : spec.keys) {
    const bool changes =
        Any(key.flags & (KeyFlag::kReadWrite | KeyFlag::kOverwrite | KeyFlag::kRemove));
    if (changes && !may_change && !Any(key.flags & KeyFlag::kNotKey)) return false;
    if (key.begin == KeySpec::Begin::kIndex && key.find == KeySpec::Find::kRange &&
        key.index > least - 1 && key.last == 0) {
      // A key that may be missing altogether is only found where the arity leaves room for it.
      if (spec.arity > 0) return false;
    }
    if (key.step < 1) return false;
  }
  return true;
}

/// First, last and step of keys, as COMMAND INFO gives them: {0, 0, 0} if there are none.
struct KeyPositions {
  int first = 0;
  int last = 0;
  int step = 0;
};

/// From the first key spec, if that is an index and a range, and those that follow on from it;
/// kNotKey counts (it is routed like a key).
constexpr KeyPositions FixedKeys(const CommandSpec& spec) {
  if (spec.keys.empty()) return {};
  const KeySpec& key = spec.keys[0];
  if (key.begin != KeySpec::Begin::kIndex || key.find != KeySpec::Find::kRange) return {};
  KeyPositions at{key.index, key.last < 0 ? key.last : key.index + key.last, key.step};
  // Specs that stand side by side are one range: RENAME key newkey.
  for (const KeySpec& next : spec.keys.subspan(1)) {
    const bool follows = next.begin == KeySpec::Begin::kIndex &&
                         next.find == KeySpec::Find::kRange && at.last > 0 && at.step == 1 &&
                         next.step == 1 && next.index == at.last + 1;
    if (!follows) break;
    at.last = next.last < 0 ? next.last : next.index + next.last;
  }
  return at;
}

}  // namespace peal::protocol
