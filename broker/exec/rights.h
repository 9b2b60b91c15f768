#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "broker/acl/users.h"
#include "broker/exec/client.h"
#include "broker/exec/command_table.h"
#include "protocol/base/error.h"

namespace peal::broker {

class Server;
class Worker;

/// Whether a client's user may run a request. For an unrestricted user, which is the rule, one
/// branch. Writes nothing down.
inline AclVerdict CheckRights(const Client& client, const TableEntry& entry,
                              std::span<const std::string_view> args) {
  const AclAccount& account = *client.session().account;
  if (account.is_unrestricted) return {};
  return account.user->Check(entry, args);
}

/// Notes a refusal: ACL LOG, the counters of INFO, the log with the rule that is missing. The
/// client's reactor.
void NoteRefusal(Worker& worker, const Client& client, const TableEntry& entry,
                 std::span<const std::string_view> args, AclVerdict verdict,
                 AclLog::Context context);

/// Notes a failed login as `user_name`: ACL LOG, the counters of INFO, the log. `command` is its
/// name as the client wrote it; the reason is for administrators only.
void NoteFailedLogin(Worker& worker, const Client& client, std::string_view user_name,
                     std::string_view command, std::string_view reason);

/// "NOPERM this user has no permissions to run the 'set' command". Users who may do all that
/// administrators may are told which rule is missing.
protocol::Error NoPermission(const AclUser& user, const TableEntry& entry,
                             std::span<const std::string_view> args, AclVerdict verdict);
/// The same for a command of a transaction that was allowed when it was queued.
protocol::Error NoLongerPermitted(AclVerdict verdict);
/// ACL DRYRUN's answer.
std::string DryRunText(const TableEntry& entry, std::span<const std::string_view> args,
                       AclVerdict verdict);

/// Logs the client in, until `expires_ms` (Unix) if that is not 0.
void LogIn(Client& client, AclAccountRef account, int64_t expires_ms = 0);
/// Puts the client back to where a new one is: the default user, logged in if that needs no
/// password.
void LogOut(Server& server, Client& client);
/// Whether commands are refused until the client logs in.
bool MustLogIn(Server& server, const Client& client);

/// Closes clients of all reactors. With all reactors parked.
class ClientCloser {
 public:
  /// `self` (may be null) is closed after the reply to its command.
  ClientCloser(Server& server, const Client* self) : server_(server), self_(self) {}
  ClientCloser(const ClientCloser&) = delete;
  ClientCloser& operator=(const ClientCloser&) = delete;
  ~ClientCloser();
  void Close(Client& client);

 private:
  Server& server_;
  const Client* const self_;
  std::bitset<kMaxReactors> are_hit_;  // reactors with clients to be closed
  uint64_t dropped_ = 0;               // subscriptions taken off the lists so far
};

/// Looks at the clients of changed accounts: those of deleted users are closed, and those who hold
/// a subscription that their user may no longer have; who waits in a command that is no longer
/// allowed stops waiting. With all reactors parked; `self` is the client that made the change.
void ApplyAclChanges(Server& server, const Client* self, const AclChanges& changes);

}  // namespace peal::broker
