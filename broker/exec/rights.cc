#include "broker/exec/rights.h"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/exec/audit_trail.h"
#include "broker/exec/blocking.h"
#include "broker/exec/multi.h"
#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/log/log.h"

namespace peal::broker {
namespace {

using protocol::Error;

// Subscriptions that closing takes off the lists itself, while every reactor waits.
constexpr uint64_t kDropAtOnce = 5000;

AclLog::Reason ReasonOf(Denied denied) {
  if (denied == Denied::kKey) return AclLog::Reason::kKey;
  return denied == Denied::kChannel ? AclLog::Reason::kChannel : AclLog::Reason::kCommand;
}

/// Whether the client is subscribed to something that `user` may not be subscribed to.
bool HoldsForbidden(Hub& hub, const Client& client, const AclUser& user) {
  for (const Space space : {Space::kChannel, Space::kPattern, Space::kShard}) {
    const bool is_allowed = hub.AllOfSubscriptions(space, client, [&](std::string_view name) {
      return space == Space::kPattern ? user.AllowsPattern(std::string(name))
                                      : user.AllowsChannel(name, right::kSubscribe);
    });
    if (!is_allowed) return true;
  }
  return false;
}

/// Ends the wait of a client whose user may no longer run the command that waits.
void EndForbiddenWait(Server& server, Client& client) {
  const BlockedRef blocked = client.session().blocked;
  if (blocked == nullptr) return;
  const auto args = blocked->args();
  const TableEntry* entry = server.commands().Find(args[0]);
  if (entry != nullptr) entry = CommandTable::Resolve(entry, args);
  if (entry == nullptr) return;
  const AclVerdict verdict = CheckRights(client, *entry, args);
  if (verdict.ok()) return;
  NoteRefusal(client.worker(), client, *entry, args, verdict, AclLog::Context::kToplevel);
  protocol::StringSink sink;
  protocol::ReplyWriter(sink, client.resp())
      .Error(NoPermission(*client.session().account->user, *entry, args, verdict));
  client.worker().blocked().End(blocked, sink.Take(), true);
}

}  // namespace

void NoteRefusal(Worker& worker, const Client& client, const TableEntry& entry,
                 std::span<const std::string_view> args, AclVerdict verdict,
                 AclLog::Context context) {
  CommandStats::Counters& counters = worker.stats().counters();
  std::string_view object = entry.full_name;
  if (verdict.denied == Denied::kCommand) {
    ++counters.acl_denied_commands;
  } else {
    ++(verdict.denied == Denied::kKey ? counters.acl_denied_keys : counters.acl_denied_channels);
    object = args[verdict.argument];
  }
  Server& server = worker.server();
  const AclUser& user = *client.session().account->user;
  server.acl().log().Add({.reason = ReasonOf(verdict.denied),
                          .context = context,
                          .object = object,
                          .user_name = user.name(),
                          .client = DescribeClient(client, worker.reactor().turn_us())},
                         worker.now_ms(), server.config().acllog_max_len);
  static RateLimitedLog limited(LogLevel::kNotice, 10);
  limited.Write("refused '{}' of user {} (client id={} addr={}): missing rule {}", entry.full_name,
                user.name(), client.id(), client.PeerAddress(),
                user.MissingRule(entry, args, verdict, AclUser::Names::kHide));
  const bool is_command = verdict.denied == Denied::kCommand;
  AuditDenied(
      worker, client, entry, args, is_command ? std::string_view() : object,
      context == AclLog::Context::kToplevel ? "" : AclLog::NameOf(context),
      "NOPERM missing rule " + user.MissingRule(entry, args, verdict, AclUser::Names::kShow));
}

void NoteFailedLogin(Worker& worker, const Client& client, std::string_view user_name,
                     std::string_view command, std::string_view reason) {
  ++worker.stats().counters().auth_failures;
  Server& server = worker.server();
  const bool in_multi = IsInMulti(client.session());
  // A wrong password needs no more words, and ACL LOG shows it as Redis does.
  const bool is_token = reason.starts_with("token: ");
  const std::string object =
      std::string(command) + (is_token ? " (" + std::string(reason) + ")" : "");
  server.acl().log().Add(
      {.reason = AclLog::Reason::kAuth,
       .context = in_multi ? AclLog::Context::kMulti : AclLog::Context::kToplevel,
       .object = object,
       .user_name = user_name,
       .client = DescribeClient(client, worker.reactor().turn_us())},
      worker.now_ms(), server.config().acllog_max_len);
}

Error NoPermission(const AclUser& user, const TableEntry& entry,
                   std::span<const std::string_view> args, AclVerdict verdict) {
  std::string text = "NOPERM this user has no permissions to ";
  switch (verdict.denied) {
    case Denied::kKey:
      text += "access one of the keys used as arguments";
      break;
    case Denied::kChannel:
      text += "access one of the channels used as arguments";
      break;
    default:
      text += "run the '" + entry.full_name + "' command";
      break;
  }
  if (user.is_admin())
    text +=
        " (missing rule: " + user.MissingRule(entry, args, verdict, AclUser::Names::kShow) + ")";
  return Error::Owned(text);
}

Error NoLongerPermitted(AclVerdict verdict) {
  std::string text =
      "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC "
      "call. This command is no longer allowed for the following reason: ";
  switch (verdict.denied) {
    case Denied::kKey:
      text += "no permission to touch the specified keys";
      break;
    case Denied::kChannel:
      text += "no permission to access one of the channels used as arguments";
      break;
    default:
      text += "no permission to execute the command or subcommand";
      break;
  }
  return Error::Owned(text);
}

std::string DryRunText(const TableEntry& entry, std::span<const std::string_view> args,
                       AclVerdict verdict) {
  const std::string text = "This user has no permissions to ";
  if (verdict.denied == Denied::kCommand) return text + "run the '" + entry.full_name + "' command";
  return text + "access the '" + std::string(args[verdict.argument]) + "' " +
         (verdict.denied == Denied::kKey ? "key" : "channel");
}

void LogIn(Client& client, AclAccountRef account, int64_t expires_ms) {
  client.session().is_authenticated = true;
  client.session().expires_ms = expires_ms;
  client.session().account = std::move(account);
}

void LogOut(Server& server, Client& client) {
  client.session().account = server.acl().default_account();
  client.session().is_authenticated = server.acl().is_open();
  client.session().expires_ms = 0;
}

bool MustLogIn(Server& server, const Client& client) {
  return !client.session().is_authenticated && !server.acl().is_open();
}

void ClientCloser::Close(Client& client) {
  if (client.session().is_doomed || client.is_closing()) return;
  if (&client == self_) return client.CloseAfterFlush();  // the reply goes out first
  // From now on it runs no command, and what comes to a key that it waits for is not for it.
  client.session().is_doomed = true;
  server_.NoteAdmissionChange();
  client.worker().CountOut(client);
  client.StopReading();
  if (const BlockedRef blocked = client.session().blocked; blocked != nullptr && blocked->Claim()) {
    blocked->MarkServed();
  }
  // It is off the lists before the reply; one with very many subscriptions leaves in slices.
  const uint64_t held = client.GlobalCount() + client.ShardCount();
  if (dropped_ + held <= kDropAtOnce) {
    dropped_ += held;
    server_.hub().DropAll(client);
  }
  are_hit_.set(static_cast<size_t>(ReactorOf(client.id())));
}

ClientCloser::~ClientCloser() {
  for (size_t i = 0; i < server_.workers().size(); ++i) {
    if (are_hit_[i]) server_.workers()[i]->PostCloseDoomed();
  }
}

void ApplyAclChanges(Server& server, const Client* self, const AclChanges& changes) {
  // What has to be asked of each account's clients.
  struct Question {
    const AclChange* change;
    bool keeps_channels;
  };
  std::unordered_map<const AclAccount*, Question> questions;
  for (const AclChange& change : changes) {
    const bool keeps = !change.is_gone && change.account->user->KeepsChannelsOf(*change.before);
    questions.emplace(change.account.get(), Question{&change, keeps});
  }
  if (questions.empty()) return;
  server.NoteAdmissionChange();
  ClientCloser closer(server, self);
  for (const auto& worker : server.workers()) {
    worker->ForEachClient([&](Client& client) {
      const auto found = questions.find(client.session().account.get());
      if (found == questions.end()) return;
      if (found->second.change->is_gone) {
        client.session().is_authenticated = false;
        return closer.Close(client);
      }
      const AclUser& user = *found->first->user;
      if (client.IsSubscribed() && !found->second.keeps_channels &&
          HoldsForbidden(server.hub(), client, user)) {
        return closer.Close(client);
      }
      EndForbiddenWait(server, client);
    });
  }
}

}  // namespace peal::broker
