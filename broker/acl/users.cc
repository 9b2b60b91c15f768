#include "broker/acl/users.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/acl/crypto.h"
#include "broker/acl/file.h"
#include "broker/auth/secret.h"
#include "broker/config/words.h"
#include "broker/log/log.h"
#include "protocol/base/check.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

using protocol::Error;
using protocol::Result;

constexpr std::string_view kDefaultName = "default";
constexpr Error kBadUserName =
    Error::Static("ERR Usernames can't contain spaces or null characters");
constexpr Error kEmptyName = Error::Static("ERR Names of users and roles can't be empty");
constexpr Error kBadRoleName =
    Error::Static("ERR Role names can't contain spaces, parentheses or null characters");
constexpr size_t kLeastSwept = 64;  // accounts of tokens before it is worth while to look
constexpr std::string_view kNothingChanged =
    "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";

/// A rule as it may be shown to others than the one who gave it.
std::string Shown(std::string_view rule) {
  constexpr size_t kLongestShown = 128;
  const bool is_password = rule.starts_with('>') || rule.starts_with('<');
  if (is_password) return std::string(rule.substr(0, 1)) + "(redacted)";
  return std::string(rule.substr(0, kLongestShown));
}

bool IsRoleName(std::string_view name) {
  return !HasBlanks(name) && name.find_first_of("()") == std::string_view::npos;
}

/// Applies `words` to `rules`. The error is a complete reply; `command` stands in it.
Result<void> ApplyAll(UserRules& rules, std::span<const std::string_view> words,
                      const RuleContext& context, std::string_view command) {
  const MergedRules merged = MergeSelectors(words);
  if (merged.unmatched) {
    return Error::Owned("ERR Unmatched parenthesis in acl selector starting at '" +
                        std::string(words[protocol::Checked(merged.unmatched)]) + "'.");
  }
  for (const std::string& rule : merged.rules) {
    if (const auto applied = rules.Apply(rule, context); !applied.ok()) {
      return Error::Owned("ERR Error in ACL " + std::string(command) + " modifier '" + rule +
                          "': " + std::string(applied.error().text()));
    }
  }
  return {};
}

}  // namespace

struct AclUsers::Role {
  UserRules rules;
  CompiledSelectors selectors;
};

/// Users and roles that are to take the place of all there are.
struct AclUsers::Draft {
  std::map<std::string, UserRules, std::less<>> roles;
  std::map<std::string, UserRules, std::less<>> users;
};

AclUsers::AclUsers(const CommandTable& commands) : commands_(commands) {
  default_account_ = std::make_shared<AclAccount>();
  default_account_->name = kDefaultName;
  accounts_.emplace(kDefaultName, default_account_);
  Put(default_account_, MakeUser(DefaultRules()));
}

AclUsers::~AclUsers() = default;

RuleContext AclUsers::Context() const {
  return {.commands = commands_,
          .all_channels_by_default = all_channels_by_default_,
          .has_role =
              [](const void* acl, std::string_view name) {
                return static_cast<const AclUsers*>(acl)->roles_.contains(name);
              },
          .roles = this};
}

RuleContext AclUsers::ContextOf(const CommandTable& commands, bool all_channels,
                                const Draft& draft) {
  return {.commands = commands,
          .all_channels_by_default = all_channels,
          .has_role =
              [](const void* roles, std::string_view name) {
                return static_cast<const Draft*>(roles)->roles.contains(name);
              },
          .roles = &draft};
}

std::shared_ptr<const AclUser> AclUsers::MakeUser(UserRules rules) const {
  CompiledSelectors of_roles;
  for (const std::string& name : rules.roles) {
    const auto role = roles_.find(name);
    PEAL_CHECK(role != roles_.end());
    of_roles.insert(of_roles.end(), role->second.selectors.begin(), role->second.selectors.end());
  }
  return std::make_shared<const AclUser>(std::move(rules), of_roles, commands_);
}

/// The default user before any rule: what requirepass makes of it.
UserRules AclUsers::DefaultRules() const {
  const RuleContext context = Context();
  UserRules rules(UserRules::Kind::kUser, kDefaultName, context);
  for (const std::string_view rule : {"+@all", "~*", "&*", "on", "nopass"}) {
    PEAL_CHECK(rules.Apply(rule, context).ok());
  }
  if (!requirepass_hash_.empty()) {
    PEAL_CHECK(rules.Apply("#" + requirepass_hash_, context).ok());
  }
  return rules;
}

void AclUsers::Put(const AclAccountRef& account, std::shared_ptr<const AclUser> user) {
  account->user = std::move(user);
  account->is_unrestricted = account->user->is_unrestricted();
  if (account == default_account_) {
    const UserRules& rules = account->user->rules();
    is_open_ = rules.is_on && rules.needs_no_password;
  }
}

// ---------------------------------------------------------------- changes

/// Takes all rights from an account that is about to go: its clients are closed a little later, and
/// may do nothing until then.
AclChange AclUsers::Revoke(const AclAccountRef& account) {
  AclChange change{account, account->user, true};
  Put(account, MakeUser(UserRules(UserRules::Kind::kUser, account->name,
                                  RuleContext{.commands = commands_})));
  return change;
}

Result<AclChanges> AclUsers::SetUser(std::string_view name,
                                     std::span<const std::string_view> words) {
  if (HasBlanks(name)) return kBadUserName;
  if (name.empty()) return kEmptyName;
  const RuleContext context = Context();
  const auto found = accounts_.find(name);
  UserRules rules = found != accounts_.end() ? found->second->user->rules()
                                             : UserRules(UserRules::Kind::kUser, name, context);
  if (auto applied = ApplyAll(rules, words, context, "SETUSER"); !applied.ok()) {
    return applied.error();
  }
  AclAccountRef account;
  std::shared_ptr<const AclUser> before;
  if (found != accounts_.end()) {
    account = found->second;
    before = account->user;
  } else {
    account = std::make_shared<AclAccount>();
    account->name = name;
    accounts_.emplace(name, account);
  }
  Put(account, MakeUser(std::move(rules)));
  if (before == nullptr) return AclChanges();
  return AclChanges{{.account = account, .before = before}};
}

/// Takes all rights from the token accounts of that name.
void AclUsers::RevokeTokens(std::string_view name, AclChanges& changes) {
  store::MutexLock lock(token_mutex_);
  for (auto at = token_accounts_.begin(); at != token_accounts_.end();) {
    const AclAccountRef account = at->second.lock();
    if (account != nullptr && account->name != name) {
      ++at;
      continue;
    }
    if (account != nullptr) changes.push_back(Revoke(account));
    at = token_accounts_.erase(at);
  }
}

Result<AclUsers::Deleted> AclUsers::DeleteUsers(std::span<const std::string_view> names) {
  for (const std::string_view name : names) {
    if (name == kDefaultName) return Error::Static("ERR The 'default' user cannot be removed");
  }
  Deleted deleted;
  for (const std::string_view name : names) {
    const auto found = accounts_.find(name);
    if (found == accounts_.end()) continue;
    deleted.changes.push_back(Revoke(found->second));
    accounts_.erase(found);
    RevokeTokens(name, deleted.changes);
    ++deleted.count;
  }
  return deleted;
}

Result<AclChanges> AclUsers::SetRole(std::string_view name,
                                     std::span<const std::string_view> words) {
  if (name.empty()) return kEmptyName;
  if (!IsRoleName(name)) return kBadRoleName;
  const RuleContext context = Context();
  const auto found = roles_.find(name);
  UserRules rules = found != roles_.end() ? found->second.rules
                                          : UserRules(UserRules::Kind::kRole, name, context);
  if (auto applied = ApplyAll(rules, words, context, "SETROLE"); !applied.ok()) {
    return applied.error();
  }
  CompiledSelectors selectors = Compile(rules);
  roles_.insert_or_assign(std::string(name), Role{std::move(rules), std::move(selectors)});
  AclChanges changes;
  for (const auto& [user_name, account] : accounts_) {
    const auto& held = account->user->rules().roles;
    if (std::find(held.begin(), held.end(), name) == held.end()) continue;
    changes.push_back({account, account->user, false});
    Put(account, MakeUser(account->user->rules()));
  }
  FollowRoles(changes);
  return changes;
}

/// Makes the users of token accounts anew; who had a role that is gone loses everything.
void AclUsers::FollowRoles(AclChanges& changes) {
  store::MutexLock lock(token_mutex_);
  for (auto at = token_accounts_.begin(); at != token_accounts_.end();) {
    const AclAccountRef account = at->second.lock();
    if (account == nullptr) {
      at = token_accounts_.erase(at);
      continue;
    }
    const auto& held = account->user->rules().roles;
    if (std::all_of(held.begin(), held.end(),
                    [&](const std::string& role) { return roles_.contains(role); })) {
      changes.push_back({account, account->user, false});
      Put(account, MakeUser(account->user->rules()));
      ++at;
    } else {
      changes.push_back(Revoke(account));
      at = token_accounts_.erase(at);
    }
  }
}

Result<AclAccountRef> AclUsers::AccountForToken(std::string_view name,
                                                const std::vector<std::string>* roles) {
  const auto known = accounts_.find(name);
  const bool is_known = known != accounts_.end();
  if (is_known && !known->second->user->rules().is_on) return Error::Static("the user is off");
  if (roles == nullptr) {
    if (!is_known) return Error::Static("there is no user of that name");
    return known->second;
  }
  std::string key(name);
  for (const std::string& role : *roles) key.append(" ").append(role);
  {
    store::MutexLock lock(token_mutex_);
    const auto held = token_accounts_.find(key);
    if (held != token_accounts_.end()) {
      if (AclAccountRef account = held->second.lock()) return account;
    }
  }
  RuleContext context = Context();
  context.all_channels_by_default = false;  // channels, too, come from the roles only
  UserRules rules(UserRules::Kind::kUser, name, context);
  for (const std::string& role : *roles) {
    if (!rules.Apply("role:" + role, context).ok()) {
      return Error::Owned("there is no role '" + role + "'");
    }
  }
  PEAL_CHECK(rules.Apply("on", context).ok());
  auto account = std::make_shared<AclAccount>();
  account->name = name;
  Put(account, MakeUser(std::move(rules)));
  store::MutexLock lock(token_mutex_);
  std::weak_ptr<AclAccount>& held = token_accounts_[key];
  if (AclAccountRef other = held.lock()) return other;  // another reactor was quicker
  held = account;
  if (token_accounts_.size() >= sweep_at_) {
    std::erase_if(token_accounts_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = std::max(kLeastSwept, token_accounts_.size() * 2);
  }
  return account;
}

Result<AclUsers::Deleted> AclUsers::DeleteRoles(std::span<const std::string_view> names) {
  for (const std::string_view name : names) {
    for (const auto& [user_name, account] : accounts_) {
      const auto& held = account->user->rules().roles;
      if (std::find(held.begin(), held.end(), name) == held.end()) continue;
      return Error::Owned("ERR The role '" + std::string(name) + "' is held by the user '" +
                          user_name + "'; take it away with -role:" + std::string(name) + " first");
    }
  }
  Deleted deleted;
  for (const std::string_view name : names) {
    const auto found = roles_.find(name);
    if (found == roles_.end()) continue;
    roles_.erase(found);
    ++deleted.count;
  }
  if (deleted.count != 0) FollowRoles(deleted.changes);
  return deleted;
}

void AclUsers::SetDefaultPassword(std::string_view password) {
  std::string hash = password.empty() ? std::string() : Sha256Hex(password);
  if (hash == requirepass_hash_) return;
  requirepass_hash_ = std::move(hash);
  UserRules rules = default_account_->user->rules();
  rules.SetOnlyPassword(password);
  Put(default_account_, MakeUser(std::move(rules)));
}

AclChanges AclUsers::Replace(Draft draft) {
  // Differs: Redis forgets requirepass when the file does not name the default user, and is open.
  if (!draft.users.contains(kDefaultName)) draft.users.emplace(kDefaultName, DefaultRules());
  roles_.clear();
  for (auto& [name, rules] : draft.roles) {
    CompiledSelectors selectors = Compile(rules);
    roles_.emplace(name, Role{std::move(rules), std::move(selectors)});
  }
  AclChanges changes;
  for (auto at = accounts_.begin(); at != accounts_.end();) {
    const AclAccountRef account = at->second;
    const auto next = draft.users.find(at->first);
    if (next == draft.users.end()) {
      changes.push_back(Revoke(account));
      at = accounts_.erase(at);
      RevokeTokens(account->name, changes);
      continue;
    }
    changes.push_back({account, account->user, false});
    Put(account, MakeUser(std::move(next->second)));
    draft.users.erase(next);
    ++at;
  }
  for (auto& [name, rules] : draft.users) {
    auto account = std::make_shared<AclAccount>();
    account->name = name;
    Put(account, MakeUser(std::move(rules)));
    accounts_.emplace(name, std::move(account));
  }
  FollowRoles(changes);
  return changes;
}

// ---------------------------------------------------------------- configuration and file

Result<void> AclUsers::Start(const ConfigStore& config) {
  all_channels_by_default_ = config.config().acl_all_channels;
  PEAL_ASSIGN_OR_RETURN(const Secret password, DefaultPassword(config.config()));
  SetDefaultPassword(password.view());
  const std::string& file = config.config().aclfile;
  if (!file.empty() && !config.acl_lines().empty()) {
    return Error::Static(
        "Configuring users with user or role lines and with an aclfile at the same time is "
        "invalid: please use one of them, but not both");
  }
  if (file.empty()) return LoadLines(config.acl_lines());
  const auto loaded = LoadFile(file);
  if (loaded.ok()) return {};
  std::string_view reason = loaded.error().text();
  if (reason.starts_with("ERR ")) reason.remove_prefix(4);
  return Error::Owned("ACL errors: " + std::string(reason));
}

Result<void> AclUsers::LoadLines(std::span<const AclLine> lines) {
  if (lines.empty()) return {};
  Draft draft;
  const RuleContext context = ContextOf(commands_, all_channels_by_default_, draft);
  // Roles first: users may name them wherever they stand.
  for (const bool wants_roles : {true, false}) {
    for (const AclLine& line : lines) {
      if (line.is_role != wants_roles) continue;
      const std::string& name = line.words[0];
      const std::string kind = line.is_role ? "role" : "user";
      const auto refused = [&](std::string_view reason) {
        std::string text = "Error in " + kind;
        text.append(" declaration '").append(name).append("': ").append(reason);
        std::string shown = kind;
        shown.append(" ").append(name).append(" (not shown)");
        return ConfigStore::Refused(line.source, shown, text);
      };
      if (name.empty() || (line.is_role ? !IsRoleName(name) : HasBlanks(name))) {
        return refused("Spaces not allowed in ACL " + kind + "names");
      }
      auto& drafts = line.is_role ? draft.roles : draft.users;
      UserRules rules(line.is_role ? UserRules::Kind::kRole : UserRules::Kind::kUser, name,
                      context);
      const std::vector<std::string_view> words(line.words.begin() + 1, line.words.end());
      const MergedRules merged = MergeSelectors(words);
      if (merged.unmatched) return refused("Unmatched parenthesis in selector definition");
      for (const std::string& rule : merged.rules) {
        if (const auto applied = rules.Apply(rule, context); !applied.ok()) {
          return refused("'" + Shown(rule) + "': " + std::string(applied.error().text()));
        }
      }
      if (!line.is_role && !rules.is_on) {
        LogNotice("the user '{}' is disabled (there is no 'on' in its rules)", name);
      }
      if (!drafts.emplace(name, std::move(rules)).second) {
        return refused(acl_errors::kDuplicateUser.text());
      }
    }
  }
  Replace(std::move(draft));
  return {};
}

AclUsers::Draft AclUsers::ReadLines(std::string_view text, const std::string& path,
                                    std::string& faults) const {
  Draft draft;
  const RuleContext context = ContextOf(commands_, all_channels_by_default_, draft);
  const std::vector<AclFileLine> lines = SplitAclFile(text);
  for (const bool wants_roles : {true, false}) {
    for (const AclFileLine& line : lines) {
      const std::string where = path + ":" + std::to_string(line.number);
      const bool is_role = line.words[0] == "role";
      if (is_role != wants_roles) continue;
      if ((!is_role && line.words[0] != "user") || line.words.size() < 2) {
        faults += where + " should start with user keyword followed by the username. ";
        continue;
      }
      const std::string name(line.words[1]);
      if (name.empty() || (is_role ? !IsRoleName(name) : HasBlanks(name))) {
        faults.append("'").append(where).append(": username '").append(name);
        faults.append("' contains invalid characters. ");
        continue;
      }
      auto& drafts = is_role ? draft.roles : draft.users;
      const auto [place, is_new] = drafts.emplace(
          name,
          UserRules(is_role ? UserRules::Kind::kRole : UserRules::Kind::kUser, name, context));
      if (!is_new) {
        faults += "WARNING: Duplicate user '" + name + "' found on line " +
                  std::to_string(line.number) + ". ";
        continue;
      }
      const MergedRules merged =
          MergeSelectors(std::span<const std::string_view>(line.words).subspan(2));
      if (merged.unmatched) {
        faults += where + ": Unmatched parenthesis in selector definition.";
        continue;
      }
      bool is_told = false;
      for (const std::string& rule : merged.rules) {
        const auto applied = place->second.Apply(rule, context);
        if (applied.ok()) continue;
        if (applied.error() == acl_errors::kUnknownCommand) {
          faults.append(where).append(": Error in applying operation '").append(rule).append("': ");
        } else if (!std::exchange(is_told, true)) {
          faults += where + ": ";  // what follows may be wrong because of it only
        } else {
          continue;
        }
        faults.append(applied.error().text()).append(". ");
      }
    }
  }
  return draft;
}

Result<AclChanges> AclUsers::LoadFile(const std::string& path) {
  const auto text = ReadAclFile(path);
  if (!text.ok()) return text.error();
  std::string faults;
  Draft draft = ReadLines(*text, path, faults);
  if (!faults.empty()) return Error::Owned("ERR " + faults + std::string(kNothingChanged));
  return Replace(std::move(draft));
}

std::string AclUsers::Line(const UserRules& rules) {
  return (rules.kind == UserRules::Kind::kRole ? "role " : "user ") + rules.name + " " +
         rules.Describe();
}

std::vector<std::string> AclUsers::Lines() const {
  std::vector<std::string> lines;
  lines.reserve(roles_.size() + accounts_.size());
  for (const auto& [name, role] : roles_) lines.push_back(Line(role.rules));
  for (const auto& [name, account] : accounts_) lines.push_back(Line(account->user->rules()));
  return lines;
}

std::vector<std::string> AclUsers::ConfigLines() const {
  std::vector<std::string> lines = Lines();
  std::erase(lines, Line(DefaultRules()));
  // Lines of a configuration file know quotes; those of an aclfile do not.
  for (std::string& line : lines) {
    std::string quoted;
    for (const std::string_view word : SplitAtSpaces(line)) {
      // A hash sign is nothing special but at the beginning of a line.
      const std::string text = word.starts_with('#') ? std::string(word) : QuoteWord(word);
      quoted.append(quoted.empty() ? "" : " ").append(text);
    }
    line = std::move(quoted);
  }
  return lines;
}

Result<void> AclUsers::SaveFile(const std::string& path) const {
  std::string text;
  for (const std::string& line : Lines()) text.append(line).append("\n");
  return WriteAclFile(path, text);
}

// ---------------------------------------------------------------- questions

AclAccountRef AclUsers::Find(std::string_view name) const {
  const auto found = accounts_.find(name);
  return found == accounts_.end() ? nullptr : found->second;
}

const UserRules* AclUsers::FindRole(std::string_view name) const {
  const auto found = roles_.find(name);
  return found == roles_.end() ? nullptr : &found->second.rules;
}

std::vector<std::string> AclUsers::RoleNames() const {
  std::vector<std::string> names;
  names.reserve(roles_.size());
  for (const auto& [name, role] : roles_) names.push_back(name);
  return names;
}

AclAccountRef AclUsers::Authenticate(std::string_view name, std::string_view password) const {
  // Hashed in any case, so that the time does not tell which users there are.
  const std::string hash = Sha256Hex(password);
  const auto found = accounts_.find(name);
  if (found == accounts_.end()) return nullptr;
  const UserRules& rules = found->second->user->rules();
  if (!rules.is_on) return nullptr;
  bool is_right = rules.needs_no_password;
  for (const std::string& known : rules.passwords) {
    is_right = SameDigest(hash, known) || is_right;
  }
  return is_right ? found->second : nullptr;
}

}  // namespace peal::broker
