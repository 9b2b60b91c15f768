#include "broker/acl/user.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <utility>

#include "patterns/glob.h"
#include "patterns/xxhash.h"
#include "protocol/base/text.h"
#include "protocol/command/names.h"

namespace peal::broker {
namespace {

using protocol::Any;
using protocol::ChannelUse;
using protocol::Flag;
using protocol::KeyFlag;
using protocol::KeySpec;

// Up to so many patterns trying each costs no more than a look into a tree, and saves its memory.
constexpr size_t kFewPatterns = 8;

/// What a large set answered for a text: clients ask for the same keys and channels again and
/// again. An answer cannot become wrong, because sets never change and never share an id.
struct alignas(64) Answer {
  static constexpr size_t kLongest = 54;

  uint64_t set = 0;     // id of the set; 0: no answer
  uint8_t length = 0;   // of the text
  uint8_t allowed = 0;  // bit n: some matching pattern grants all of the rights n
  char text[kLongest] = {};
};
static_assert(sizeof(Answer) == 64);

struct Scratch {
  static constexpr size_t kAnswers = 256;

  patterns::MatchScratch match;
  std::vector<patterns::PatternId> found;
  std::array<Answer, kAnswers> answers;
};

Scratch& ThreadScratch() {
  static thread_local Scratch scratch;
  return scratch;
}

size_t SlotOf(uint64_t set, std::string_view text) {
  return patterns::HashBytes(text, set) % Scratch::kAnswers;
}

uint64_t NextSetId() {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

uint8_t RightsFor(KeyFlag flags) {
  uint8_t rights = 0;
  if (Any(flags & KeyFlag::kAccess)) rights |= right::kRead;
  if (Any(flags & (KeyFlag::kInsert | KeyFlag::kDelete | KeyFlag::kUpdate))) {
    rights |= right::kWrite;
  }
  return rights;
}

bool IsRange(const KeySpec& spec) {
  return spec.begin == KeySpec::Begin::kIndex && spec.find == KeySpec::Find::kRange &&
         spec.limit < 2;
}

}  // namespace

// ---------------------------------------------------------------- patterns

PatternSet::PatternSet(const PatternRules& rules) : id_(NextSetId()), rules_(rules) {
  if (rules_.list().size() <= kFewPatterns) return;
  tree_ = std::make_unique<patterns::PatternTree>();
  for (const PatternRules::Rule& rule : rules_.list()) {
    const patterns::PatternId id = tree_->Insert(rule.pattern, nullptr);
    if (id >= rights_.size()) rights_.resize(id + 1);
    rights_[id] = rule.rights;
  }
}

bool PatternSet::Allows(std::string_view text, uint8_t rights) const {
  if (tree_ == nullptr) {
    return std::any_of(
        rules_.list().begin(), rules_.list().end(), [&](const PatternRules::Rule& rule) {
          return (rule.rights & rights) == rights && patterns::GlobMatch(rule.pattern, text);
        });
  }
  Scratch& scratch = ThreadScratch();
  const bool is_kept = text.size() <= Answer::kLongest;
  Answer& answer = scratch.answers[is_kept ? SlotOf(id_, text) : 0];
  if (is_kept && answer.set == id_ && answer.length == text.size() &&
      std::memcmp(answer.text, text.data(), text.size()) == 0) {
    return (answer.allowed >> rights & 1) != 0;
  }
  const uint8_t allowed = Ask(text);
  if (is_kept) {
    answer.set = id_;
    answer.length = static_cast<uint8_t>(text.size());
    answer.allowed = allowed;
    if (!text.empty()) std::memcpy(answer.text, text.data(), text.size());
  }
  return (allowed >> rights & 1) != 0;
}

/// A bit for each combination of rights that some matching pattern grants.
uint8_t PatternSet::Ask(std::string_view text) const {
  Scratch& scratch = ThreadScratch();
  scratch.found.clear();
  tree_->Match(text, scratch.match, scratch.found);
  uint8_t allowed = 0;
  for (const patterns::PatternId id : scratch.found) {
    // Who grants both grants each, and what needs neither right needs a matching pattern only.
    constexpr uint8_t kGrants[] = {0b0001, 0b0011, 0b0101, 0b1111};
    allowed |= kGrants[rights_[id] & right::kBoth];
  }
  return allowed;
}

// ---------------------------------------------------------------- keys of a request

template <typename Visit>
void AclRequest::ForEachKey(Visit&& visit) {
  const protocol::CommandSpec& spec = entry.command->spec;
  const bool is_plain =
      !entry.has_movable_keys && std::all_of(spec.keys.begin(), spec.keys.end(), IsRange);
  if (is_plain) {
    const auto count = static_cast<int>(args.size());
    for (const KeySpec& key : spec.keys) {
      if (Any(key.flags & KeyFlag::kNotKey)) continue;
      const int last = key.last < 0 ? count + key.last : key.index + key.last;
      const uint8_t rights = RightsFor(protocol::FlagsOfRequest(spec, args, key.flags));
      for (int i = key.index; i <= last && i < count; i += key.step) {
        if (!visit(static_cast<uint32_t>(i), rights)) return;
      }
    }
    return;
  }
  if (!has_keys_) {
    has_keys_ = true;
    // A number of keys that is none: the command's function finds the same fault and touches none.
    if (auto found = protocol::ExtractKeys(spec, args); found.ok()) keys_ = *std::move(found);
  }
  for (const protocol::KeyAt& key : keys_) {
    if (!visit(static_cast<uint32_t>(key.index), RightsFor(key.flags))) return;
  }
}

// ---------------------------------------------------------------- one selector

CompiledSelector::CompiledSelector(const SelectorRules& rules)
    : bits_(rules.bits()),
      first_args_(rules.first_args()),
      keys_(rules.keys()),
      channels_(rules.channels()),
      has_all_keys_(rules.has_all_keys()),
      has_all_channels_(rules.has_all_channels()),
      allows_everything_(rules.has_future_commands() &&
                         std::all_of(bits_.begin(), bits_.end(),
                                     [](uint64_t word) { return word == UINT64_MAX; })) {}

bool CompiledSelector::AllowsCommand(const TableEntry& entry,
                                     std::span<const std::string_view> args) const {
  if (Allows(entry.index) || entry.Has(Flag::kNoAuth)) return true;
  if (first_args_.empty() || args.size() < 2) return false;
  const auto found = first_args_.find(entry.index);
  if (found == first_args_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(), [&](const std::string& allowed) {
    return protocol::EqualsIgnoreCase(args[1], allowed);
  });
}

AclVerdict CompiledSelector::Check(AclRequest& request) const {
  if (!AllowsCommand(request.entry, request.args)) return {Denied::kCommand};
  const protocol::CommandSpec& spec = request.entry.command->spec;
  if (!has_all_keys_ && !spec.keys.empty()) {
    AclVerdict verdict;
    request.ForEachKey([&](uint32_t index, uint8_t rights) {
      if (keys_.Allows(request.args[index], rights)) return true;
      verdict = {Denied::kKey, index};
      return false;
    });
    if (!verdict.ok()) return verdict;
  }
  if (!has_all_channels_ && spec.channels != ChannelUse::kNone) return CheckChannels(request);
  return {};
}

AclVerdict CompiledSelector::CheckChannels(const AclRequest& request) const {
  const ChannelUse use = request.entry.command->spec.channels;
  const size_t end = use == ChannelUse::kPublish ? 2 : request.args.size();
  for (size_t i = 1; i < end && i < request.args.size(); ++i) {
    const std::string_view name = request.args[i];
    const bool is_allowed =
        use == ChannelUse::kSubscribePattern
            ? AllowsPattern(std::string(name))
            : channels_.Allows(name,
                               use == ChannelUse::kPublish ? right::kPublish : right::kSubscribe);
    if (!is_allowed) return {Denied::kChannel, static_cast<uint32_t>(i)};
  }
  return {};
}

bool CompiledSelector::ReadsAllKeys() const {
  return has_all_keys_ || (keys_.RightsOf("*") & right::kRead) != 0;
}

CompiledSelectors Compile(const UserRules& rules) {
  CompiledSelectors compiled;
  compiled.reserve(rules.selectors.size());
  for (const SelectorRules& selector : rules.selectors) {
    compiled.push_back(std::make_shared<const CompiledSelector>(selector));
  }
  return compiled;
}

// ---------------------------------------------------------------- a user

AclUser::AclUser(UserRules rules, const CompiledSelectors& role_selectors,
                 const CommandTable& commands)
    : rules_(std::move(rules)), selectors_(Compile(rules_)) {
  selectors_.insert(selectors_.end(), role_selectors.begin(), role_selectors.end());
  is_unrestricted_ = std::any_of(selectors_.begin(), selectors_.end(),
                                 [](const auto& selector) { return selector->is_unrestricted(); });
  is_admin_ = std::any_of(selectors_.begin(), selectors_.end(), [&](const auto& selector) {
    return std::all_of(commands.all().begin(), commands.all().end(), [&](const auto& entry) {
      return !Any(entry->command->spec.acl & protocol::Acl::kAdmin) ||
             selector->Allows(entry->index);
    });
  });
}

AclVerdict AclUser::Check(const TableEntry& entry, std::span<const std::string_view> args) const {
  if (is_unrestricted_) return {};
  AclRequest request(entry, args);
  // As in Redis: the greatest reason of all selectors, of equal ones the last argument.
  AclVerdict told{Denied::kCommand};
  for (const auto& selector : selectors_) {
    const AclVerdict verdict = selector->Check(request);
    if (verdict.ok()) return verdict;
    if (verdict.denied > told.denied ||
        (verdict.denied == told.denied && verdict.argument > told.argument)) {
      told = verdict;
    }
  }
  return told;
}

bool AclUser::AllowsWithAllKeys(const TableEntry& entry,
                                std::span<const std::string_view> args) const {
  if (is_unrestricted_) return true;
  AclRequest request(entry, args);
  return std::any_of(selectors_.begin(), selectors_.end(), [&](const auto& selector) {
    return selector->ReadsAllKeys() && selector->Check(request).ok();
  });
}

bool AclUser::AllowsChannel(std::string_view channel, uint8_t rights) const {
  return std::any_of(selectors_.begin(), selectors_.end(), [&](const auto& selector) {
    return selector->AllowsChannel(channel, rights);
  });
}

bool AclUser::AllowsPattern(const std::string& pattern) const {
  return std::any_of(selectors_.begin(), selectors_.end(),
                     [&](const auto& selector) { return selector->AllowsPattern(pattern); });
}

bool AclUser::KeepsChannelsOf(const AclUser& older) const {
  const auto has_all = [](const auto& selector) { return selector->has_all_channels(); };
  if (std::any_of(selectors_.begin(), selectors_.end(), has_all)) return true;
  if (std::any_of(older.selectors_.begin(), older.selectors_.end(), has_all)) return false;
  const auto keeps = [&](const PatternRules::Rule& rule) {
    return std::any_of(selectors_.begin(), selectors_.end(), [&](const auto& selector) {
      return (selector->channels().RightsOf(rule.pattern) & rule.rights) == rule.rights;
    });
  };
  return std::all_of(older.selectors_.begin(), older.selectors_.end(), [&](const auto& selector) {
    const auto& list = selector->channels().list();
    return std::all_of(list.begin(), list.end(), keeps);
  });
}

std::string AclUser::MissingRule(const TableEntry& entry, std::span<const std::string_view> args,
                                 AclVerdict verdict, Names names) const {
  constexpr size_t kLongestName = 128;
  const auto name_of = [&](std::string_view hidden) {
    return std::string(names == Names::kHide ? hidden
                                             : args[verdict.argument].substr(0, kLongestName));
  };
  switch (verdict.denied) {
    case Denied::kNothing:
      return {};
    case Denied::kCommand: {
      std::string text = "+" + entry.full_name;
      std::string categories;
      for (const auto& [category, name] : protocol::CategoryNames()) {
        if (Any(entry.command->spec.acl & category)) categories.append(" +@").append(name);
      }
      if (!categories.empty()) text.append(" or one of").append(categories);
      return text;
    }
    case Denied::kKey: {
      uint8_t needed = right::kBoth;
      AclRequest request(entry, args);
      request.ForEachKey([&](uint32_t index, uint8_t rights) {
        if (index == verdict.argument) needed = rights;
        return index != verdict.argument;
      });
      return std::string(KeyPrefix(needed == 0 ? right::kRead : needed)) + name_of("<key>");
    }
    case Denied::kChannel: {
      const bool publishes = entry.command->spec.channels == ChannelUse::kPublish;
      return std::string(ChannelPrefix(publishes ? right::kPublish : right::kSubscribe)) +
             name_of("<channel>");
    }
  }
  return {};
}

}  // namespace peal::broker
