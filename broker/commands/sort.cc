// SORT and SORT_RO. Source of replies, errors and events: Redis 7.2, observed on 7.0.15.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/exec/client.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "broker/exec/worker.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"
#include "protocol/command/keys.h"
#include "store/value/hash_value.h"
#include "store/value/list_value.h"
#include "store/value/set_value.h"
#include "store/value/zset_value.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::EqualsIgnoreCase;
using protocol::Error;
using protocol::Flag;
using protocol::Group;
using protocol::KeyFlag;
using protocol::KeySpec;
using protocol::ParseInt64;
using store::Entry;
using store::HashValue;
using store::ListpackItem;
using store::ListValue;
using store::SetValue;
using store::ValueType;
using store::ZsetValue;

namespace errors = protocol::errors;

constexpr Error kNoScore = Error::Static("ERR One or more scores can't be converted into double");

// ---------------------------------------------------------------- arguments

/// Whether a pattern of BY or GET leads to other keys.
bool NamesKeys(std::string_view pattern) { return pattern.find('*') != std::string_view::npos; }

struct SortOptions {
  bool descends = false;
  bool is_alpha = false;
  int64_t offset = 0;
  int64_t count = -1;
  std::optional<std::string_view> by;
  std::vector<std::string_view> gets;
  size_t store = 0;          // position of the destination; 0: none
  bool keeps_order = false;  // by a pattern without '*', even if another one follows
  /// What a user who may not read every key is told, where an option reads keys that nothing names.
  const Error* needs_all_keys = nullptr;
};

constexpr Error kByDenied =
    Error::Static("ERR BY option of SORT denied due to insufficient ACL permissions.");
constexpr Error kGetDenied =
    Error::Static("ERR GET option of SORT denied due to insufficient ACL permissions.");

/// Reads the options of a request. The error is null if all is well; what was read before it
/// counts.
const Error* ReadOptions(std::span<const std::string_view> args, bool may_store,
                         SortOptions& options) {
  for (size_t i = 2; i < args.size(); ++i) {
    const std::string_view word = args[i];
    const size_t left = args.size() - i - 1;
    if (EqualsIgnoreCase(word, "asc")) {
      options.descends = false;
    } else if (EqualsIgnoreCase(word, "desc")) {
      options.descends = true;
    } else if (EqualsIgnoreCase(word, "alpha")) {
      options.is_alpha = true;
    } else if (EqualsIgnoreCase(word, "limit") && left >= 2) {
      const std::optional<int64_t> offset = ParseInt64(args[i + 1]);
      const std::optional<int64_t> count = ParseInt64(args[i + 2]);
      if (!offset || !count) return &errors::kNotInteger;
      options.offset = *offset;
      options.count = *count;
      i += 2;
    } else if (EqualsIgnoreCase(word, "by") && left >= 1) {
      options.by = args[++i];
      options.keeps_order = options.keeps_order || !NamesKeys(*options.by);
      if (NamesKeys(*options.by) && options.needs_all_keys == nullptr) {
        options.needs_all_keys = &kByDenied;
      }
    } else if (EqualsIgnoreCase(word, "get") && left >= 1) {
      options.gets.push_back(args[++i]);
      if (options.needs_all_keys == nullptr) options.needs_all_keys = &kGetDenied;
    } else if (may_store && EqualsIgnoreCase(word, "store") && left >= 1) {
      options.store = ++i;
    } else {
      return &errors::kSyntax;
    }
  }
  return nullptr;
}

/// The destination is a key that no key spec finds: the word STORE may be a pattern as well.
void FindDestination(std::span<const std::string_view> args, std::vector<protocol::KeyAt>& keys) {
  SortOptions options;
  static_cast<void>(ReadOptions(args, true, options));
  if (options.store != 0) keys.push_back({options.store, KeyFlag::kOverwrite | KeyFlag::kUpdate});
}

bool LooksAtOtherKeys(std::span<const std::string_view> args) {
  SortOptions options;
  static_cast<void>(ReadOptions(args, true, options));
  return (options.by && NamesKeys(*options.by)) ||
         std::any_of(options.gets.begin(), options.gets.end(), NamesKeys);
}

// ---------------------------------------------------------------- patterns

/// Calls `use(text)` with what `pattern` leads to for `element`: the element itself ("#"), a string
/// ("weight_*"), or a field of a hash ("object_*->weight"). False if there is no such thing.
template <typename Use>
bool Follow(Unit& unit, std::string_view pattern, std::string_view element, Use use) {
  if (pattern == "#") {
    use(element);
    return true;
  }
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return false;
  std::string_view behind = pattern.substr(star + 1);
  std::string_view field;
  const size_t arrow = behind.find("->");
  if (arrow != std::string_view::npos && arrow + 2 < behind.size()) {
    field = behind.substr(arrow + 2);
    behind = behind.substr(0, arrow);
  }
  std::string key;
  key.reserve(star + element.size() + behind.size());
  key.append(pattern.substr(0, star)).append(element).append(behind);
  const Entry* const entry = unit.FindForRead(key);
  if (entry == nullptr) return false;
  if (field.empty()) {
    if (!entry->is_string()) return false;
    store::StringSlice slice;
    store::Stripe::ReadString(*entry, slice);
    use(slice.bytes);
    return true;
  }
  if (entry->type() != ValueType::kHash) return false;
  const auto* const hash = static_cast<const HashValue*>(entry->object());
  HashValue::Digits digits;
  const std::optional<std::string_view> value = hash->Get(field, unit.now_ms(), digits);
  if (!value) return false;
  use(*value);
  return true;
}

// ---------------------------------------------------------------- elements

struct Element {
  std::string text;
  double score = 0;
  std::optional<std::string> weight;  // with BY and ALPHA
};

/// The part of all elements that LIMIT asks for.
struct Window {
  size_t first = 0;
  size_t count = 0;

  size_t end() const { return first + count; }
};

Window WindowOf(const SortOptions& options, size_t total) {
  Window window;
  window.first = static_cast<size_t>(
      std::min<uint64_t>(static_cast<uint64_t>(std::max<int64_t>(options.offset, 0)), total));
  window.count = total - window.first;
  if (options.count >= 0) {
    window.count =
        static_cast<size_t>(std::min<uint64_t>(static_cast<uint64_t>(options.count), window.count));
  }
  return window;
}

void AddItem(std::vector<Element>& elements, const ListpackItem& item) {
  elements.emplace_back().text = item.ToString();
}

/// The elements of `window` in their own order, or from the end.
void LoadWindow(const ListValue& list, const Window& window, bool backwards,
                std::vector<Element>& elements) {
  const auto first = static_cast<int64_t>(window.first);
  ListValue::Cursor at = list.At(backwards ? -1 - first : first);
  for (size_t i = 0; i < window.count; ++i) {
    AddItem(elements, at.Get());
    backwards ? at.Previous() : at.Next();
  }
}

void LoadWindow(const ZsetValue& zset, const Window& window, bool backwards,
                std::vector<Element>& elements) {
  if (window.count == 0) return;
  ZsetValue::Cursor at = zset.At(backwards ? zset.Count() - 1 - window.first : window.first);
  for (size_t i = 0; i < window.count; ++i) {
    elements.emplace_back().text = at.member();
    at.Step(backwards);
  }
}

/// Loads the value in `entry`: all of it, or only `window`, which then covers what was loaded, if
/// the order stays and the value has one.
void Load(const Entry& entry, const SortOptions& options, bool keeps_order, Window& window,
          std::vector<Element>& elements) {
  const bool backwards = keeps_order && options.descends;
  if (entry.type() == ValueType::kSet) {
    const auto& set = *static_cast<const SetValue*>(entry.object());
    window = WindowOf(options, set.Count());
    elements.reserve(set.Count());
    set.ForEach([&](const ListpackItem& item) { AddItem(elements, item); });
    return;
  }
  const size_t total = entry.object()->Count();
  window = WindowOf(options, total);
  const Window loaded = keeps_order ? window : Window{0, total};
  elements.reserve(loaded.count);
  if (entry.type() == ValueType::kList) {
    LoadWindow(*static_cast<const ListValue*>(entry.object()), loaded, backwards, elements);
  } else {
    LoadWindow(*static_cast<const ZsetValue*>(entry.object()), loaded, backwards, elements);
  }
  if (keeps_order) window.first = 0;
}

/// The number that `text` is to strtod, as in Redis: with leading spaces, hexadecimal, infinite,
/// and 0 if it is empty.
bool ReadScore(std::string_view text, double& score) {
  const std::string copy(text);
  char* end = nullptr;
  errno = 0;
  score = std::strtod(copy.c_str(), &end);
  return *end == '\0' && errno != ERANGE && !std::isnan(score);
}

/// Finds what each element is to be sorted by. False if one is no number.
bool Weigh(Unit& unit, const SortOptions& options, std::vector<Element>& elements) {
  bool are_numbers = true;
  for (Element& element : elements) {
    const auto take = [&](std::string_view text) {
      if (options.is_alpha) {
        element.weight = text;
      } else {
        are_numbers = ReadScore(text, element.score) && are_numbers;
      }
    };
    if (options.by) {
      Follow(unit, *options.by, element.text, take);
    } else if (!options.is_alpha) {
      take(element.text);
    }
  }
  return are_numbers;
}

/// Differs: Redis compares words in the order of locale-collate, if it does not store them.
int Compare(const SortOptions& options, bool has_weights, const Element& a, const Element& b) {
  if (!options.is_alpha) {
    if (a.score != b.score) return a.score < b.score ? -1 : 1;
    return a.text.compare(b.text);
  }
  if (!has_weights) return a.text.compare(b.text);
  if (!a.weight || !b.weight) return (a.weight ? 1 : 0) - (b.weight ? 1 : 0);
  return a.weight->compare(*b.weight);
}

/// Sorts the first `wanted` elements to the front. `has_order`: elements of equal weight stay as
/// they are; else their bytes decide.
/// Differs: Redis leaves that to the layout of its table, and a replica would store another list.
void Arrange(const SortOptions& options, bool has_weights, bool has_order, size_t wanted,
             std::vector<Element>& elements) {
  const auto less = [&](const Element& a, const Element& b) {
    int order = Compare(options, has_weights, a, b);
    if (order == 0 && !has_order) order = a.text.compare(b.text);
    return options.descends ? order > 0 : order < 0;
  };
  // Only elements of the same bytes are equal where nothing has an order, or without weights.
  if (has_order && has_weights && options.is_alpha) {
    std::stable_sort(elements.begin(), elements.end(), less);
  } else if (wanted < elements.size() / 4) {
    std::partial_sort(elements.begin(), elements.begin() + static_cast<std::ptrdiff_t>(wanted),
                      elements.end(), less);
  } else {
    std::sort(elements.begin(), elements.end(), less);
  }
}

// ---------------------------------------------------------------- results

/// Calls `emit(text)` for each result; a null pointer stands for nothing there.
template <typename Emit>
void ForEachResult(Unit& unit, const SortOptions& options, std::span<const Element> elements,
                   Emit emit) {
  for (const Element& element : elements) {
    if (options.gets.empty()) {
      const std::string_view text = element.text;
      emit(&text);
      continue;
    }
    for (const std::string_view pattern : options.gets) {
      const bool is_there =
          Follow(unit, pattern, element.text, [&](std::string_view text) { emit(&text); });
      if (!is_there) emit(nullptr);
    }
  }
}

void Reply(CommandContext& context, const SortOptions& options, std::span<const Element> elements) {
  context.reply.Array(elements.size() * std::max<size_t>(options.gets.size(), 1));
  ForEachResult(context.unit, options, elements, [&](const std::string_view* text) {
    if (text == nullptr) {
      context.reply.Null();
    } else {
      context.reply.Bulk(*text);
    }
  });
}

/// The effect of a list stored by what other keys hold: the elements themselves. Their hashes may
/// have fields whose time has come though nobody has deleted them yet, and where this is repeated
/// those may not be seen so.
void ReplicateElements(Unit& unit, std::string_view destination, const ListValue& list) {
  if (!unit.collects_effects()) return;
  constexpr size_t kPortion = 1024;
  unit.Replicate("DEL", destination);
  std::vector<std::string> texts;
  for (ListValue::Cursor at = list.At(0); at;) {
    texts.clear();
    for (; at && texts.size() < kPortion; at.Next()) texts.push_back(at.Get().ToString());
    std::vector<std::string_view> effect = {"RPUSH", destination};
    effect.insert(effect.end(), texts.begin(), texts.end());
    unit.Replicate(std::span<const std::string_view>(effect));
  }
}

void Store(CommandContext& context, const SortOptions& options, std::span<const Element> elements) {
  Unit& unit = context.unit;
  const std::string_view destination = context.arg(options.store);
  if (elements.empty()) {
    if (unit.Delete(destination)) {
      unit.Notify(kNotifyGeneric, "del", destination);
      unit.Replicate("DEL", destination);
    }
    return context.reply.Integer(0);
  }
  auto list = std::make_unique<ListValue>();
  ForEachResult(unit, options, elements, [&](const std::string_view* text) {
    list->Push(ListValue::End::kTail, text == nullptr ? std::string_view() : *text,
               context.server.config().encoding);
  });
  const auto count = static_cast<int64_t>(list->Count());
  const ListValue& stored = *list;
  unit.SetObject(destination, std::move(list));
  unit.Notify(kNotifyList, "sortstore", destination);
  if (LooksAtOtherKeys(context.args)) {
    ReplicateElements(unit, destination, stored);
  } else {
    unit.Replicate(context.args);
  }
  context.reply.Integer(count);
}

/// Whether the client's user may run this request and read every key besides.
bool ReadsAllKeys(const CommandContext& context) {
  const AclAccount& account = *context.client.session().account;
  if (account.is_unrestricted) return true;
  const TableEntry& entry = *context.server.commands().all()[context.worker.running_index()];
  return account.user->AllowsWithAllKeys(entry, context.args);
}

void SortBy(CommandContext& context, bool may_store) {
  SortOptions options;
  const Error* const error = ReadOptions(context.args, may_store, options);
  if (options.needs_all_keys != nullptr && !ReadsAllKeys(context)) {
    return context.Fail(*options.needs_all_keys);
  }
  if (error != nullptr) return context.Fail(*error);
  const Entry* const entry = context.unit.FindForRead(context.arg(1));
  std::vector<Element> elements;
  Window window;
  if (entry != nullptr) {
    const ValueType type = entry->type();
    if (type != ValueType::kList && type != ValueType::kSet && type != ValueType::kZset) {
      return context.Fail(errors::kWrongType);
    }
    bool keeps_order = options.keeps_order;
    if (keeps_order && type == ValueType::kSet && options.store != 0) {
      // A set has no order of its own that would be the same wherever this is repeated.
      keeps_order = false;
      options.is_alpha = true;
      options.by.reset();
    }
    Load(*entry, options, keeps_order, window, elements);
    if (!keeps_order) {
      if (!Weigh(context.unit, options, elements)) return context.Fail(kNoScore);
      Arrange(options, options.by.has_value(), type == ValueType::kList, window.end(), elements);
    }
  }
  const std::span<const Element> wanted =
      std::span<const Element>(elements).subspan(window.first, window.count);
  if (options.store != 0) {
    Store(context, options, wanted);
  } else {
    Reply(context, options, wanted);
  }
}

void Sort(CommandContext& context) { SortBy(context, true); }
void SortRo(CommandContext& context) { SortBy(context, false); }

// ---------------------------------------------------------------- rows

constexpr KeySpec kSortKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess),
                                 {.flags = KeyFlag::kReadOnly | KeyFlag::kAccess,
                                  .begin = KeySpec::Begin::kUnknown,
                                  .find = KeySpec::Find::kUnknown},
                                 {.flags = KeyFlag::kOverwrite | KeyFlag::kUpdate,
                                  .begin = KeySpec::Begin::kUnknown,
                                  .find = KeySpec::Find::kUnknown}};
constexpr KeySpec kSortRoKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess),
                                   {.flags = KeyFlag::kReadOnly | KeyFlag::kAccess,
                                    .begin = KeySpec::Begin::kUnknown,
                                    .find = KeySpec::Find::kUnknown}};
constexpr ArgSpec kSortOffsetCount[] = {{.name = "offset", .type = ArgType::kInteger},
                                        {.name = "count", .type = ArgType::kInteger}};
constexpr ArgSpec kSortOrder[] = {{.name = "asc", .type = ArgType::kPureToken, .token = "ASC"},
                                  {.name = "desc", .type = ArgType::kPureToken, .token = "DESC"}};
constexpr ArgSpec kSortArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "pattern",
     .type = ArgType::kPattern,
     .token = "BY",
     .key_spec_index = 1,
     .is_optional = true},
    {.name = "offset_count",
     .type = ArgType::kBlock,
     .token = "LIMIT",
     .is_optional = true,
     .children = kSortOffsetCount},
    {.name = "pattern",
     .type = ArgType::kPattern,
     .token = "GET",
     .key_spec_index = 1,
     .is_optional = true,
     .is_multiple = true,
     .is_multiple_token = true},
    {.name = "order", .type = ArgType::kOneOf, .is_optional = true, .children = kSortOrder},
    {.name = "sorting", .type = ArgType::kPureToken, .token = "ALPHA", .is_optional = true},
    {.name = "destination",
     .type = ArgType::kKey,
     .token = "STORE",
     .key_spec_index = 2,
     .is_optional = true}};
constexpr ArgSpec kSortRoArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "pattern",
     .type = ArgType::kPattern,
     .token = "BY",
     .key_spec_index = 1,
     .is_optional = true},
    {.name = "offset_count",
     .type = ArgType::kBlock,
     .token = "LIMIT",
     .is_optional = true,
     .children = kSortOffsetCount},
    {.name = "pattern",
     .type = ArgType::kPattern,
     .token = "GET",
     .key_spec_index = 1,
     .is_optional = true,
     .is_multiple = true,
     .is_multiple_token = true},
    {.name = "order", .type = ArgType::kOneOf, .is_optional = true, .children = kSortOrder},
    {.name = "sorting", .type = ArgType::kPureToken, .token = "ALPHA", .is_optional = true}};

constexpr Command kRows[] = {
    {.spec = {.name = "sort",
              .arity = -2,
              .group = Group::kGeneric,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kMovableKeys,
              .keys = kSortKeys,
              .more_keys = FindDestination,
              .acl = Acl::kWrite | Acl::kSet | Acl::kSortedSet | Acl::kList | Acl::kSlow |
                     Acl::kDangerous,
              .complexity = "O(N*log(N)) where N is the number of elements; O(M) where M is the "
                            "number of those returned, if a list or sorted set keeps its order",
              .summary = "Sorts a list, a set or a sorted set, and may store the result.",
              .arguments = kSortArgs},
     .run = Sort,
     .needs_everything = LooksAtOtherKeys},
    {.spec = {.name = "sort_ro",
              .arity = -2,
              .group = Group::kGeneric,
              .since = "7.0.0",
              .flags = Flag::kReadonly | Flag::kMovableKeys,
              .keys = kSortRoKeys,
              .acl = Acl::kRead | Acl::kSet | Acl::kSortedSet | Acl::kList | Acl::kSlow |
                     Acl::kDangerous,
              .complexity = "O(N*log(N)) where N is the number of elements; O(M) where M is the "
                            "number of those returned, if a list or sorted set keeps its order",
              .summary = "Returns the elements of a list, a set or a sorted set in order.",
              .arguments = kSortRoArgs},
     .run = SortRo,
     .needs_everything = LooksAtOtherKeys},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> SortCommands() { return kRows; }

}  // namespace peal::broker
