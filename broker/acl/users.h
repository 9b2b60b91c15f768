#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/acl/log.h"
#include "broker/acl/rules.h"
#include "broker/acl/user.h"
#include "broker/config/store.h"
#include "protocol/base/result.h"
#include "store/sync/mutex.h"

namespace peal::broker {

/// A name that clients are logged in as. It stays the same object while its rules change, so that
/// sessions keep a reference and find the new rules there. `user` and what is copied from it change
/// with all reactors parked only, so that a turn sees one state of them.
struct AclAccount {
  std::string name;
  std::shared_ptr<const AclUser> user;
  bool is_unrestricted = false;  // as user says: what every command of a client asks first
};
using AclAccountRef = std::shared_ptr<AclAccount>;

/// An account whose rights changed.
struct AclChange {
  AclAccountRef account;
  std::shared_ptr<const AclUser> before;
  bool is_gone = false;  // the user was deleted
};
using AclChanges = std::vector<AclChange>;

/// All users and roles. Read by reactors within turns; changed at start and with all reactors
/// parked. Changes are made whole or not at all, and tell which accounts they touched, so that
/// their clients can be looked at (broker/exec/acl_effects.h).
class AclUsers {
 public:
  /// One user, "default", who may do everything.
  explicit AclUsers(const CommandTable& commands);
  AclUsers(const AclUsers&) = delete;
  AclUsers& operator=(const AclUsers&) = delete;
  ~AclUsers();

  /// What the configuration says: acl-pubsub-default, requirepass, `user` and `role` lines or the
  /// aclfile. The error is a text for the operator, with file, line and reason.
  protocol::Result<void> Start(const ConfigStore& config);

  // Changes. Errors are complete replies, but for LoadFile's.

  /// Applies rules to a user, who is made if there is none of that name.
  protocol::Result<AclChanges> SetUser(std::string_view name,
                                       std::span<const std::string_view> words);
  struct Deleted {
    int64_t count = 0;  // of those that there were
    AclChanges changes;
  };
  /// Who came with a token and its roles in the name of one of them loses all rights, too.
  protocol::Result<Deleted> DeleteUsers(std::span<const std::string_view> names);
  protocol::Result<AclChanges> SetRole(std::string_view name,
                                       std::span<const std::string_view> words);
  /// Refused while a user has one of the roles. Accounts that a token gave one lose all rights.
  protocol::Result<Deleted> DeleteRoles(std::span<const std::string_view> names);
  /// Takes all users and roles from the file. The error tells every fault on one line, as Redis.
  protocol::Result<AclChanges> LoadFile(const std::string& path);
  /// requirepass: the default user's password; empty: it needs none. Nothing happens if that was
  /// the last password set in this way.
  void SetDefaultPassword(std::string_view password);
  /// acl-pubsub-default, for users made from now on.
  void set_all_channels_by_default(bool all) { all_channels_by_default_ = all; }

  // Questions.

  /// The account, if user and password are right and the user is on; else null. Takes about the
  /// same time for users that there are and that there are not.
  AclAccountRef Authenticate(std::string_view name, std::string_view password) const;
  /// The account for who came with a token for `name`. Without `roles` it is the user's own. With
  /// roles it has exactly their rights and lives as long as somebody holds it: it is in no list of
  /// users, but follows changes of its roles. The error is a reason. Any reactor, within a turn.
  protocol::Result<AclAccountRef> AccountForToken(std::string_view name,
                                                  const std::vector<std::string>* roles);
  const AclAccountRef& default_account() const { return default_account_; }
  /// Whether the default user is on and needs no password: then clients need not log in.
  bool is_open() const { return is_open_; }
  AclAccountRef Find(std::string_view name) const;
  /// Accounts by name, in order of their octets.
  const std::map<std::string, AclAccountRef, std::less<>>& accounts() const { return accounts_; }
  /// Null if there is no such role.
  const UserRules* FindRole(std::string_view name) const;
  std::vector<std::string> RoleNames() const;
  /// "user <name> <rules>".
  static std::string Line(const UserRules& rules);
  /// Lines that make all roles and users again, roles first, for an aclfile.
  std::vector<std::string> Lines() const;
  /// As Lines(), for the configuration file: without the default user if it is what requirepass
  /// alone makes of it.
  std::vector<std::string> ConfigLines() const;
  /// Writes Lines() to the file: to a temporary one beside it, synced and renamed.
  protocol::Result<void> SaveFile(const std::string& path) const;

  AclLog& log() { return log_; }

 private:
  struct Role;
  struct Draft;

  RuleContext Context() const;
  static RuleContext ContextOf(const CommandTable& commands, bool all_channels, const Draft& draft);
  std::shared_ptr<const AclUser> MakeUser(UserRules rules) const;
  UserRules DefaultRules() const;
  void Put(const AclAccountRef& account, std::shared_ptr<const AclUser> user);
  AclChange Revoke(const AclAccountRef& account);
  void RevokeTokens(std::string_view name, AclChanges& changes);
  void FollowRoles(AclChanges& changes);
  AclChanges Replace(Draft draft);
  protocol::Result<void> LoadLines(std::span<const AclLine> lines);
  Draft ReadLines(std::string_view text, const std::string& path, std::string& faults) const;

  const CommandTable& commands_;
  bool all_channels_by_default_ = false;
  std::string requirepass_hash_;  // what SetDefaultPassword was last called with
  std::map<std::string, Role, std::less<>> roles_;
  std::map<std::string, AclAccountRef, std::less<>> accounts_;
  AclAccountRef default_account_;
  bool is_open_ = true;
  AclLog log_;

  // Accounts of tokens with roles, by name and roles. Their holders are sessions.
  using TokenAccounts = std::unordered_map<std::string, std::weak_ptr<AclAccount>>;
  store::Mutex token_mutex_{store::LockRank::kLeaf};
  TokenAccounts token_accounts_ GUARDED_BY(token_mutex_);
  size_t sweep_at_ GUARDED_BY(token_mutex_) = 0;  // from so many on those that are gone go
};

}  // namespace peal::broker
