#include "protocol/command/keys.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "protocol/base/number.h"
#include "protocol/base/text.h"

namespace peal::protocol {
namespace {

constexpr Error kInvalid = Error::Static("ERR Invalid arguments specified for command");

// Where the keys of one spec begin; 0 if they are not there.
int64_t BeginOf(const KeySpec& spec, std::span<const std::string_view> args) {
  const auto count = static_cast<int64_t>(args.size());
  if (spec.begin == KeySpec::Begin::kIndex) return spec.index;
  if (spec.begin != KeySpec::Begin::kKeyword) return 0;
  const bool backwards = spec.index < 0;
  const int64_t from = backwards ? count + spec.index : spec.index;
  for (int64_t i = from; i >= 1 && i < count; i += backwards ? -1 : 1) {
    if (EqualsIgnoreCase(args[static_cast<size_t>(i)], spec.keyword)) return i + 1;
  }
  return 0;
}

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view each) { return EqualsIgnoreCase(word, each); });
}

}  // namespace

Result<std::vector<KeyAt>> ExtractKeys(const CommandSpec& command,
                                       std::span<const std::string_view> args) {
  std::vector<KeyAt> keys;
  const auto count = static_cast<int64_t>(args.size());
  for (const KeySpec& spec : command.keys) {
    if (Any(spec.flags & KeyFlag::kNotKey)) continue;
    if (spec.begin == KeySpec::Begin::kKeyword && command.more_keys != nullptr) continue;
    const int64_t begin = BeginOf(spec, args);
    if (begin <= 0 || begin >= count) continue;
    int64_t first = begin;
    int64_t last = 0;
    if (spec.find == KeySpec::Find::kRange) {
      last = spec.last >= 0    ? begin + spec.last
             : spec.limit >= 2 ? begin + (count - begin) / spec.limit + spec.last
                               : count + spec.last;
    } else if (spec.find == KeySpec::Find::kKeyNum) {
      const int64_t at = begin + spec.keynum_index;
      if (at >= count) return kInvalid;
      const auto number = ParseInt64(args[static_cast<size_t>(at)]);
      first = begin + spec.first_key;
      if (!number || *number < 0 || *number > count - first) return kInvalid;
      if (*number == 0) continue;
      last = first + (*number - 1) * spec.step;
    } else {
      continue;
    }
    if (last >= count) return kInvalid;
    for (int64_t i = first; i <= last; i += spec.step) {
      keys.push_back({static_cast<size_t>(i), spec.flags});
    }
  }
  if (command.more_keys != nullptr) command.more_keys(args, keys);
  for (KeyAt& key : keys) key.flags = FlagsOfRequest(command, args, key.flags);
  return keys;
}

KeyFlag FlagsOfRequest(const CommandSpec& spec, std::span<const std::string_view> args,
                       KeyFlag flags) {
  if (!Any(flags & KeyFlag::kVariable)) return flags;
  if (spec.name == "set") {
    for (const std::string_view option : args.subspan(std::min<size_t>(args.size(), 3))) {
      if (IsOneOf(option, {"get", "ifeq", "ifne", "ifdeq", "ifdne"})) {
        return KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kUpdate;
      }
    }
    return KeyFlag::kOverwrite | KeyFlag::kUpdate;
  }
  if (spec.name == "bitfield") {
    for (size_t i = 2; i < args.size(); ++i) {
      if (IsOneOf(args[i], {"get"}) && i + 2 < args.size()) {
        i += 2;
      } else if (IsOneOf(args[i], {"overflow"}) && i + 1 < args.size()) {
        i += 1;
      } else {
        return KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kUpdate;
      }
    }
    return KeyFlag::kReadOnly | KeyFlag::kAccess;
  }
  if (spec.name == "delex" && args.size() > 2) return flags | KeyFlag::kAccess;
  return flags;
}

}  // namespace peal::protocol
