#include "broker/acl/rules.h"

#include <algorithm>
#include <utility>

#include "broker/acl/crypto.h"
#include "broker/config/words.h"
#include "protocol/base/text.h"
#include "protocol/command/names.h"

namespace peal::broker {
namespace {

using protocol::EqualsIgnoreCase;
using protocol::Result;

constexpr std::string_view kRolePrefix = "role:";

bool IsBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0'; }

bool IsHash(std::string_view text) {
  return text.size() == kSha256HexBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

/// A category by its name without '@'; kNone if there is no such.
protocol::Acl CategoryOf(std::string_view name) {
  for (const auto& [category, text] : protocol::CategoryNames()) {
    if (EqualsIgnoreCase(name, text)) return category;
  }
  return protocol::Acl::kNone;
}

}  // namespace

bool HasBlanks(std::string_view text) { return std::any_of(text.begin(), text.end(), IsBlank); }

std::vector<std::string_view> SplitAtSpaces(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end != 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::string_view KeyPrefix(uint8_t rights) {
  return rights == right::kBoth ? "~" : rights == right::kRead ? "%R~" : "%W~";
}

std::string_view ChannelPrefix(uint8_t rights) {
  return rights == right::kBoth ? "&" : rights == right::kPublish ? "%P&" : "%S&";
}

// ---------------------------------------------------------------- patterns

void PatternRules::Add(std::string_view pattern, uint8_t rights) {
  const auto [place, is_new] = places_.emplace(pattern, list_.size());
  if (is_new) {
    list_.push_back({std::string(pattern), rights});
  } else {
    list_[place->second].rights |= rights;
  }
}

void PatternRules::Clear() {
  list_.clear();
  places_.clear();
}

uint8_t PatternRules::RightsOf(const std::string& pattern) const {
  const auto found = places_.find(pattern);
  return found == places_.end() ? 0 : list_[found->second].rights;
}

// ---------------------------------------------------------------- one selector

Result<void> SelectorRules::Apply(std::string_view rule) {
  if (EqualsIgnoreCase(rule, "allkeys") || rule == "~*") {
    has_all_keys_ = true;
    keys_.Clear();
    return {};
  }
  if (EqualsIgnoreCase(rule, "resetkeys")) {
    has_all_keys_ = false;
    keys_.Clear();
    return {};
  }
  if (EqualsIgnoreCase(rule, "allchannels") || rule == "&*") {
    has_all_channels_ = true;
    channels_.Clear();
    return {};
  }
  if (EqualsIgnoreCase(rule, "resetchannels")) {
    has_all_channels_ = false;
    channels_.Clear();
    return {};
  }
  if (EqualsIgnoreCase(rule, "allcommands") || EqualsIgnoreCase(rule, "+@all")) {
    SetAll(true);
    return {};
  }
  if (EqualsIgnoreCase(rule, "nocommands") || EqualsIgnoreCase(rule, "-@all")) {
    SetAll(false);
    return {};
  }
  if (rule.empty()) return acl_errors::kSyntax;
  switch (rule[0]) {
    case '~':
      return ApplyKeys(rule.substr(1), right::kBoth);
    case '&':
      return ApplyChannels(rule.substr(1), right::kBoth);
    case '%':
      return ApplyPercent(rule);
    case '+':
    case '-':
      return rule.substr(1, 1) == "@" ? ApplyCategory(rule) : ApplyCommand(rule);
    default:
      return acl_errors::kSyntax;
  }
}

Result<void> SelectorRules::ApplyKeys(std::string_view pattern, uint8_t rights) {
  if (has_all_keys_) return acl_errors::kAllKeys;
  if (HasBlanks(pattern)) return acl_errors::kSyntax;
  keys_.Add(pattern, rights);
  return {};
}

Result<void> SelectorRules::ApplyChannels(std::string_view pattern, uint8_t rights) {
  if (has_all_channels_) return acl_errors::kAllChannels;
  if (HasBlanks(pattern)) return acl_errors::kSyntax;
  channels_.Add(pattern, rights);
  return {};
}

/// "%R~", "%W~", "%RW~" of keys; "%P&", "%S&", "%PS&" of channels. Letters in any case, each once;
/// without any the rule is wrong. As in Redis the tilde may be missing when no pattern follows.
Result<void> SelectorRules::ApplyPercent(std::string_view rule) {
  uint8_t of_keys = 0;
  uint8_t of_channels = 0;
  size_t at = 1;
  for (; at < rule.size() && rule[at] != '~' && rule[at] != '&'; ++at) {
    uint8_t key = 0;
    uint8_t channel = 0;
    switch (protocol::ToUpper(rule[at])) {
      case 'R':
        key = right::kRead;
        break;
      case 'W':
        key = right::kWrite;
        break;
      case 'P':
        channel = right::kPublish;
        break;
      case 'S':
        channel = right::kSubscribe;
        break;
      default:
        break;
    }
    const bool is_repeated = (of_keys & key) != 0 || (of_channels & channel) != 0;
    if ((key | channel) == 0 || is_repeated) {
      return has_all_keys_ ? acl_errors::kAllKeys : acl_errors::kSyntax;
    }
    of_keys |= key;
    of_channels |= channel;
  }
  const bool is_channel = at < rule.size() ? rule[at] == '&' : of_channels != 0;
  const std::string_view pattern = rule.substr(std::min(at + 1, rule.size()));
  if (is_channel) {
    if (of_keys != 0 || of_channels == 0 || at == rule.size()) return acl_errors::kSyntax;
    return ApplyChannels(pattern, of_channels);
  }
  if (has_all_keys_) return acl_errors::kAllKeys;
  if (of_channels != 0 || of_keys == 0) return acl_errors::kSyntax;
  return ApplyKeys(pattern, of_keys);
}

Result<void> SelectorRules::ApplyCommand(std::string_view rule) {
  const bool allowed = rule[0] == '+';
  const std::string_view name = rule.substr(1);
  const TableEntry* entry = commands_->FindOriginal(name);
  if (allowed && entry == nullptr && name.find('|') != std::string_view::npos) {
    return AllowWithArgument(name);
  }
  if (entry == nullptr) return acl_errors::kUnknownCommand;
  Set(*entry, allowed);
  Note(allowed, entry->full_name);
  return {};
}

/// "select|0": the command with that first argument only.
Result<void> SelectorRules::AllowWithArgument(std::string_view name) {
  const size_t bar = name.rfind('|');
  const std::string_view argument = name.substr(bar + 1);
  const TableEntry* entry = commands_->FindOriginal(name.substr(0, bar));
  if (entry == nullptr) return acl_errors::kUnknownCommand;
  if (!entry->command->spec.parent.empty()) return acl_errors::kFirstArgOfSubcommand;
  if (argument.empty() || HasBlanks(argument)) return acl_errors::kSyntax;
  if (!entry->subcommands.empty()) return acl_errors::kUnknownCommand;
  std::vector<std::string>& arguments = first_args_[entry->index];
  const bool is_known =
      std::any_of(arguments.begin(), arguments.end(),
                  [&](const std::string& known) { return EqualsIgnoreCase(known, argument); });
  if (!is_known) arguments.emplace_back(argument);
  std::string noted = entry->full_name;
  noted.append("|").append(protocol::LowerCase(argument));
  Note(true, noted);
  return {};
}

Result<void> SelectorRules::ApplyCategory(std::string_view rule) {
  const bool allowed = rule[0] == '+';
  const protocol::Acl category = CategoryOf(rule.substr(2));
  if (category == protocol::Acl::kNone) return acl_errors::kUnknownCommand;
  for (const auto& entry : commands_->all()) {
    if (protocol::Any(entry->command->spec.acl & category)) Set(*entry, allowed);
  }
  Note(allowed, protocol::LowerCase(rule.substr(1)));
  return {};
}

void SelectorRules::SetAll(bool allowed) {
  std::fill(bits_.begin(), bits_.end(), allowed ? UINT64_MAX : 0);
  has_future_commands_ = allowed;
  first_args_.clear();
  notes_.clear();
}

void SelectorRules::Set(const TableEntry& entry, bool allowed) {
  const uint64_t bit = uint64_t{1} << (entry.index % 64);
  uint64_t& word = bits_[entry.index / 64];
  word = allowed ? word | bit : word & ~bit;
  first_args_.erase(entry.index);
  for (const TableEntry* subcommand : entry.subcommands) Set(*subcommand, allowed);
}

void SelectorRules::Note(bool allowed, std::string_view name) {
  std::erase_if(notes_, [&](const std::string& note) {
    const std::string_view old = std::string_view(note).substr(1);
    return old.starts_with(name) && (old.size() == name.size() || old[name.size()] == '|');
  });
  notes_.push_back((allowed ? "+" : "-") + std::string(name));
}

std::string SelectorRules::DescribeCommands() const {
  std::string text = has_future_commands_ ? "+@all" : "-@all";
  for (const std::string& note : notes_) text.append(" ").append(note);
  return text;
}

std::string SelectorRules::DescribeKeys() const {
  if (has_all_keys_) return "~*";
  std::string text;
  for (const PatternRules::Rule& rule : keys_.list()) {
    if (!text.empty()) text += ' ';
    // "~*" is another rule, after which no further pattern may stand.
    const bool is_like_all = rule.rights == right::kBoth && rule.pattern == "*";
    text.append(is_like_all ? "%RW~" : KeyPrefix(rule.rights)).append(rule.pattern);
  }
  return text;
}

std::string SelectorRules::DescribeChannels() const {
  if (has_all_channels_) return "&*";
  std::string text;
  for (const PatternRules::Rule& rule : channels_.list()) {
    if (!text.empty()) text += ' ';
    const bool is_like_all = rule.rights == right::kBoth && rule.pattern == "*";
    text.append(is_like_all ? "%PS&" : ChannelPrefix(rule.rights)).append(rule.pattern);
  }
  return text;
}

std::string SelectorRules::Describe() const {
  std::string text = DescribeKeys();
  if (!text.empty()) text += ' ';
  if (!has_all_channels_) text += "resetchannels ";
  const std::string channels = DescribeChannels();
  if (!channels.empty()) text.append(channels).append(" ");
  return text + DescribeCommands();
}

std::string SelectorRules::DescribeQuoted() const {
  const std::string plain = Describe();
  std::string text;
  for (const std::string_view word : SplitAtSpaces(plain)) {
    std::string quoted = QuoteWord(word);
    if (quoted == word && word.find_first_of("()") != std::string_view::npos) {
      quoted.insert(0, 1, '"').append(1, '"');
    }
    text.append(text.empty() ? "" : " ").append(quoted);
  }
  return text;
}

// ---------------------------------------------------------------- a user

UserRules::UserRules(Kind user_or_role, std::string_view user_name, const RuleContext& context)
    : kind(user_or_role), name(user_name) {
  selectors.emplace_back(context.commands, kind == Kind::kUser && context.all_channels_by_default);
}

Result<void> UserRules::Apply(std::string_view rule, const RuleContext& context) {
  if (rule.empty()) return {};
  if (rule.front() == '(' && rule.back() == ')' && rule.size() > 1) {
    return AddSelector(rule, context);
  }
  if (EqualsIgnoreCase(rule, "clearselectors")) {
    selectors.erase(selectors.begin() + 1, selectors.end());
    return {};
  }
  if (EqualsIgnoreCase(rule, "reset")) {
    Reset(context);
    return {};
  }
  const bool is_on_rule = EqualsIgnoreCase(rule, "on");
  const bool is_skip_rule = EqualsIgnoreCase(rule, "skip-sanitize-payload");
  const bool is_about_login = is_on_rule || EqualsIgnoreCase(rule, "off") || is_skip_rule ||
                              EqualsIgnoreCase(rule, "sanitize-payload") ||
                              EqualsIgnoreCase(rule, "nopass") ||
                              EqualsIgnoreCase(rule, "resetpass") || rule[0] == '>' ||
                              rule[0] == '#' || rule[0] == '<' || rule[0] == '!';
  if (kind == Kind::kRole && is_about_login) return acl_errors::kNotForRoles;
  if (is_on_rule || EqualsIgnoreCase(rule, "off")) {
    is_on = is_on_rule;
    return {};
  }
  if (is_skip_rule || EqualsIgnoreCase(rule, "sanitize-payload")) {
    sanitize = is_skip_rule ? Sanitize::kSkip : Sanitize::kYes;
    return {};
  }
  if (EqualsIgnoreCase(rule, "nopass")) {
    needs_no_password = true;
    passwords.clear();
    return {};
  }
  if (EqualsIgnoreCase(rule, "resetpass")) {
    needs_no_password = false;
    passwords.clear();
    return {};
  }
  if (is_about_login) return ApplyPassword(rule);
  if (auto applied = ApplyRole(rule, context)) return *std::move(applied);
  return selectors[0].Apply(rule);
}

Result<void> UserRules::ApplyPassword(std::string_view rule) {
  const bool is_plain = rule[0] == '>' || rule[0] == '<';
  const std::string_view given = rule.substr(1);
  if (!is_plain && !IsHash(given)) return acl_errors::kBadHash;
  std::string hash = is_plain ? Sha256Hex(given) : std::string(given);
  const auto known = std::find(passwords.begin(), passwords.end(), hash);
  if (rule[0] == '<' || rule[0] == '!') {
    if (known == passwords.end()) return acl_errors::kNoSuchPassword;
    passwords.erase(known);
    return {};
  }
  if (known == passwords.end()) passwords.push_back(std::move(hash));
  needs_no_password = false;
  return {};
}

Result<void> UserRules::AddSelector(std::string_view text, const RuleContext& context) {
  const auto words = SplitWords(text.substr(1, text.size() - 2));
  if (!words) return acl_errors::kSyntax;
  SelectorRules selector(context.commands, kind == Kind::kUser && context.all_channels_by_default);
  for (const std::string& word : *words) {
    if (auto applied = selector.Apply(word); !applied.ok()) return applied;
  }
  selectors.push_back(std::move(selector));
  return {};
}

std::optional<Result<void>> UserRules::ApplyRole(std::string_view rule,
                                                 const RuleContext& context) {
  const bool is_removal = rule.starts_with('-');
  const bool is_reset = EqualsIgnoreCase(rule, "resetroles");
  std::string_view named = is_removal ? rule.substr(1) : rule;
  if (!is_reset && !named.starts_with(kRolePrefix)) return std::nullopt;
  if (kind == Kind::kRole) return acl_errors::kNotForRoles;
  if (is_reset) {
    roles.clear();
    return Result<void>();
  }
  named.remove_prefix(kRolePrefix.size());
  const auto held = std::find(roles.begin(), roles.end(), named);
  if (is_removal) {
    if (held == roles.end()) return acl_errors::kNoSuchRole;
    roles.erase(held);
    return Result<void>();
  }
  if (context.has_role == nullptr || !context.has_role(context.roles, named)) {
    return acl_errors::kNoSuchRole;
  }
  if (held == roles.end()) roles.emplace_back(named);
  return Result<void>();
}

void UserRules::Reset(const RuleContext& context) {
  UserRules fresh(kind, name, context);
  if (kind == Kind::kUser) fresh.sanitize = Sanitize::kYes;
  *this = std::move(fresh);
}

void UserRules::SetOnlyPassword(std::string_view password) {
  passwords.clear();
  needs_no_password = password.empty();
  if (!password.empty()) passwords.push_back(Sha256Hex(password));
}

std::vector<std::string_view> UserRules::Flags() const {
  std::vector<std::string_view> flags;
  flags.emplace_back(is_on ? "on" : "off");
  if (needs_no_password) flags.emplace_back("nopass");
  if (sanitize == Sanitize::kSkip) flags.emplace_back("skip-sanitize-payload");
  if (sanitize == Sanitize::kYes) flags.emplace_back("sanitize-payload");
  return flags;
}

std::string UserRules::Describe() const {
  std::string text;
  if (kind == Kind::kUser) {
    for (const std::string_view flag : Flags()) text.append(flag).append(" ");
    for (const std::string& hash : passwords) text.append("#").append(hash).append(" ");
  }
  text += root().Describe();
  for (size_t i = 1; i < selectors.size(); ++i) {
    text.append(" (").append(selectors[i].DescribeQuoted()).append(")");
  }
  for (const std::string& role : roles) text.append(" ").append(kRolePrefix).append(role);
  return text;
}

MergedRules MergeSelectors(std::span<const std::string_view> words) {
  MergedRules merged;
  std::optional<size_t> opened;
  std::string selector;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const bool closes = word.ends_with(')');
    if (opened) {
      selector.append(" ").append(word);
      if (!closes) continue;
      opened.reset();
      merged.rules.push_back(std::exchange(selector, {}));
    } else if (word.starts_with('(') && !closes) {
      opened = i;
      selector = word;
    } else {
      merged.rules.emplace_back(word);
    }
  }
  merged.unmatched = opened;
  return merged;
}

}  // namespace peal::broker
