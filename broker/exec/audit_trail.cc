#include "broker/exec/audit_trail.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "broker/acl/users.h"
#include "broker/audit/audit_log.h"
#include "broker/exec/client.h"
#include "broker/exec/multi.h"
#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/metrics/secrets.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

using protocol::Audit;

constexpr protocol::Error kCannotAudit = protocol::Error::Static(
    "ERR the audit log cannot be written, and audit-log-on-error is 'refuse': commands that belong "
    "into it are refused until it can. See the server's log");

/// Whom AUTH or HELLO AUTH wants to log in; nothing if it is another command.
std::optional<std::string_view> ClaimedUser(const TableEntry& entry,
                                            std::span<const std::string_view> args) {
  if (entry.full_name != "hello") return args.size() > 2 ? args[1] : std::string_view("default");
  const HelloOptions options = ReadHello(args);
  if (options.auths.empty()) return std::nullopt;
  return args[options.auths.back() + 1];
}

bool IsAudited(const TableEntry& entry, std::span<const std::string_view> args) {
  const Audit audit = entry.command->spec.audit;
  return audit != Audit::kNone && (audit != Audit::kAuth || ClaimedUser(entry, args).has_value());
}

/// Rules of ACL SETUSER and SETROLE that hold no password. What names commands may be a mistyped
/// one unless it was `taken`: then it names some.
bool IsHarmlessRule(std::string_view rule, bool taken) {
  constexpr std::array<std::string_view, 14> kWords = {
      "on",         "off",        "nopass",         "resetpass",       "reset",
      "allkeys",    "resetkeys",  "allchannels",    "resetchannels",   "allcommands",
      "nocommands", "resetroles", "clearselectors", "sanitize-payload"};
  if (std::find(kWords.begin(), kWords.end(), protocol::LowerCase(rule)) != kWords.end()) {
    return true;
  }
  if (rule.starts_with("+") || rule.starts_with("-")) return taken;
  return rule.starts_with("~") || rule.starts_with("%") || rule.starts_with("&") ||
         rule.starts_with("role:");
}

/// The arguments as the audit log may show them: each itself, or "(redacted)". `done`: the command
/// did not fail.
std::vector<std::string_view> Hidden(const TableEntry& entry,
                                     std::span<const std::string_view> args, bool done) {
  std::vector<std::string_view> scratch;
  const auto hidden = HideSecrets(entry, args, scratch);
  std::vector<std::string_view> shown(hidden.begin(), hidden.end());
  // Who changed which rights is what the log is for: only what may be a password stays hidden.
  if (entry.full_name == "acl|setuser" || entry.full_name == "acl|setrole") {
    for (size_t i = 2; i < args.size(); ++i) {
      if (i == 2 || IsHarmlessRule(args[i], done)) shown[i] = args[i];
    }
  }
  return shown;
}

/// `shown`, of the same length as the arguments, without the command's own names.
std::span<const std::string_view> WithoutNames(const TableEntry& entry,
                                               std::span<const std::string_view> shown) {
  const bool is_subcommand = entry.full_name.find('|') != std::string::npos;
  return shown.subspan(std::min<size_t>(is_subcommand ? 2 : 1, shown.size()));
}

/// The error as it may be shown. Some quote the argument that is wrong, or several as one, which
/// may be a password in the wrong place: if arguments are hidden, only one that is not may stand
/// there. Passwords are not looked for: where a short one was found in our own words the gap would
/// tell what it is.
std::string ShownError(std::span<const std::string_view> args,
                       std::span<const std::string_view> shown, const std::string& error) {
  bool hides = false;
  for (size_t i = 0; i < args.size(); ++i) hides = hides || shown[i].data() != args[i].data();
  const size_t begin = error.find('\'') + 1;  // 0: there is none
  const size_t end = error.rfind('\'');
  if (!hides || begin == 0 || begin > end) return error;
  const std::string_view quoted = std::string_view(error).substr(begin, end - begin);
  for (size_t i = 0; i < args.size(); ++i) {
    if (shown[i].data() == args[i].data() && protocol::EqualsIgnoreCase(args[i], quoted)) {
      return error;
    }
  }
  return error.substr(0, begin) + "(redacted)" + error.substr(end);
}

void Write(Worker& worker, const Client& client, AuditRecord record) {
  const std::string address = client.PeerAddress();
  record.address = address;
  record.client_id = client.id();
  const std::string subject = client.transport().PeerSubject();
  record.certificate = subject;
  worker.server().audit().Write(record, worker.now_ms());
}

}  // namespace

const protocol::Error* RefuseUnaudited(Worker& worker, const TableEntry& entry,
                                       std::span<const std::string_view> args) {
  const Audit audit = entry.command->spec.audit;
  if (!worker.server().audit().MustRefuse(audit, worker.now_ms()) || !IsAudited(entry, args)) {
    return nullptr;
  }
  return &kCannotAudit;
}

void AuditCommand(const CommandContext& context, const TableEntry& entry, const Failure& failure) {
  const Audit audit = entry.command->spec.audit;
  if (!context.server.audit().Wants(audit) || !IsAudited(entry, context.args)) return;
  const std::vector<std::string_view> shown = Hidden(entry, context.args, failure.error.empty());
  const std::string error = ShownError(context.args, shown, failure.error);
  // Nothing of a login may be shown but the name, which stands in a place of its own.
  std::span<const std::string_view> args;
  if (audit != Audit::kAuth) args = WithoutNames(entry, shown);
  // The account as it was before the command, but for a login: there the name that was claimed.
  std::string_view user = context.client.session().account->name;
  if (audit == Audit::kAuth) user = ClaimedUser(entry, context.args).value_or(user);
  std::string_view from;
  if (context.in_script) {
    from = "lua";
  } else if (context.in_exec) {
    from = "multi";
  }
  Write(context.worker, context.client,
        {.event = audit,
         .user = user,
         .context = from,
         .command = entry.full_name,
         .args = args,
         .error = error,
         .reason = failure.reason});
}

void AuditDenied(Worker& worker, const Client& client, const TableEntry& entry,
                 std::span<const std::string_view> args, std::string_view object,
                 std::string_view context, std::string_view error) {
  if (!worker.server().audit().Wants(Audit::kDenied)) return;
  std::vector<std::string_view> all;
  std::span<const std::string_view> shown;
  if (entry.command->spec.audit != Audit::kNone) {
    all = Hidden(entry, args, false);
    shown = WithoutNames(entry, all);
  } else if (!object.empty()) {
    shown = {&object, 1};
  }
  Write(worker, client,
        {.event = Audit::kDenied,
         .user = client.session().account->name,
         .context = context,
         .command = entry.full_name,
         .args = shown,
         .error = error});
}

void AuditCertificate(Worker& worker, const Client& client, std::string_view name,
                      std::string_view error) {
  if (!worker.server().audit().Wants(Audit::kAuth)) return;
  Write(worker, client, {.event = Audit::kAuth, .user = name, .error = error});
}

void WipeSecrets(const TableEntry& entry, std::span<const std::string_view> args) {
  std::vector<std::string_view> scratch;
  const auto hidden = HideSecrets(entry, args, scratch);
  if (hidden.data() == args.data()) return;
  for (size_t i = 0; i < args.size(); ++i) {
    // Arguments are views of buffers of ours: what was read from the socket, a transaction's queue.
    if (hidden[i].data() != args[i].data())
      Cleanse(const_cast<char*>(args[i].data()), args[i].size());
  }
}

}  // namespace peal::broker
