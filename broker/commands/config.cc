// CONFIG and its subcommands over the ConfigStore. Source of the replies: Redis 7.2.
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/acl/users.h"
#include "broker/audit/audit_log.h"
#include "broker/commands/subcommand.h"
#include "broker/config/directive.h"
#include "broker/config/store.h"
#include "broker/exec/client.h"
#include "broker/exec/command.h"
#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/log/log.h"
#include "broker/metrics/reset.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::Flag;
using protocol::Group;
using protocol::Result;

void ConfigGet(CommandContext& context) {
  const auto found = context.server.config_store().Get(context.args.subspan(2));
  context.reply.Map(found.size());
  for (const auto& [name, value] : found) {
    context.reply.Bulk(name);
    context.reply.Bulk(value);
  }
}

/// Opens the audit log that the changed configuration names. Nothing: that did not change.
Result<std::optional<AuditLog::Prepared>> PrepareAudit(Server& server,
                                                       std::span<const Directive* const> changed) {
  const Config& config = server.config();
  const Directive* audit = nullptr;
  std::string dir;
  for (const Directive* const directive : changed) {
    if (directive->on_change == OnChange::kAudit) audit = directive;
    if (directive->on_change == OnChange::kDirectory) dir = config.dir;
  }
  if (audit == nullptr) return std::optional<AuditLog::Prepared>();
  auto prepared = server.audit().Prepare(config.audit, dir);
  if (!prepared.ok()) return ConfigStore::SetFailed(audit->name, prepared.error().text());
  return std::optional<AuditLog::Prepared>(*std::move(prepared));
}

/// Whether ApplyChanges puts a directive in force in its last steps, which cannot fail: then what
/// it is made of, files and sockets, need not be made anew to go back.
bool IsAppliedLast(const Directive* directive) {
  switch (directive->on_change) {
    case OnChange::kListeners:
    case OnChange::kTls:
    case OnChange::kTokens:
    case OnChange::kPassword:
      return true;
    default:
      return false;
  }
}

// All or none: what was refused, or could not be put in force, leaves no trace. The audit log comes
// last, so that it is never without the record of a command that failed.
void ConfigSet(CommandContext& context) {
  const auto words = context.args.subspan(2);
  if (words.size() % 2 != 0) return context.Fail(protocol::errors::kSyntax);
  std::vector<ConfigStore::Pair> pairs;
  for (size_t i = 0; i < words.size(); i += 2) pairs.emplace_back(words[i], words[i + 1]);
  Server& server = context.server;
  auto changed = server.config_store().Set(pairs, context.client.IsLocal());
  if (!changed.ok()) return context.Fail(changed.error());
  auto audit = PrepareAudit(server, *changed);
  if (!audit.ok()) {
    server.config_store().Rollback();
    return context.Fail(audit.error());
  }
  std::erase_if(*changed,
                [](const Directive* each) { return each->on_change == OnChange::kAudit; });
  const auto applied = server.ApplyChanges(*changed);
  if (!applied.ok()) {
    server.config_store().Rollback();
    // What was applied before the failure goes back too; the old values worked before.
    std::erase_if(*changed, IsAppliedLast);
    const auto restored = server.ApplyChanges(*changed);
    if (!restored.ok()) {
      LogWarning("CONFIG SET failed, and so did going back: {}", restored.error().text());
    }
    return context.Fail(applied.error());
  }
  std::optional<AuditLog::Prepared>& prepared = *audit;
  if (prepared) server.audit().Put(*std::move(prepared));
  context.reply.Ok();
}

void ConfigRewrite(CommandContext& context) {
  const std::vector<std::string> lines = context.server.acl().ConfigLines();
  const bool has_acl_file = !context.server.config().aclfile.empty();
  const auto written = context.server.config_store().Rewrite(has_acl_file ? nullptr : &lines);
  if (!written.ok()) {
    LogWarning("CONFIG REWRITE failed: {}", written.error().text());
    return context.Fail(written.error());
  }
  LogNotice("CONFIG REWRITE: {} written", context.server.config_store().file());
  context.reply.Ok();
}

void ConfigResetStat(CommandContext& context) {
  ResetStatistics(context.server);
  context.reply.Ok();
}

void ConfigHelp(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "GET <pattern> [<pattern> ...]",
      "    Names and values of the directives that match.",
      "SET <directive> <value> [<directive> <value> ...]",
      "    Changes directives: all of them, or none.",
      "RESETSTAT",
      "    Sets the counters of INFO back to zero.",
      "REWRITE",
      "    Writes the values in force into the configuration file.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
}

constexpr ArgSpec kGetArgs[] = {
    {.name = "parameter", .type = ArgType::kString, .is_multiple = true}};
constexpr ArgSpec kPair[] = {{.name = "parameter", .type = ArgType::kString},
                             {.name = "value", .type = ArgType::kString}};
constexpr ArgSpec kSetArgs[] = {
    {.name = "data", .type = ArgType::kBlock, .is_multiple = true, .children = kPair}};
constexpr std::string_view kOnAllNodes[] = {"request_policy:all_nodes",
                                            "response_policy:all_succeeded"};
constexpr std::string_view kPerParameter = "O(N) where N is the number of parameters given";

constexpr auto kFlags = Flag::kAdmin | Flag::kNoScript | Flag::kLoading | Flag::kStale;
constexpr auto kAcl = Acl::kAdmin | Acl::kSlow | Acl::kDangerous;

constexpr Command kSubcommands[] = {
    {.spec = {.name = "get",
              .arity = -3,
              .group = Group::kServer,
              .since = "2.0.0",
              .flags = kFlags,
              .acl = kAcl,
              .audit = protocol::Audit::kConfig,
              .parent = "config",
              .complexity = kPerParameter,
              .summary = "Returns the values of directives.",
              .arguments = kGetArgs},
     .run = ConfigGet},
    {.spec = {.name = "help",
              .arity = 2,
              .group = Group::kServer,
              .since = "5.0.0",
              .flags = Flag::kLoading | Flag::kStale,
              .acl = Acl::kSlow,
              .parent = "config",
              .complexity = "O(1)",
              .summary = "Tells about the subcommands."},
     .run = ConfigHelp},
    {.spec = {.name = "resetstat",
              .arity = 2,
              .group = Group::kServer,
              .since = "2.0.0",
              .flags = kFlags | Flag::kExclusive,
              .acl = kAcl,
              .audit = protocol::Audit::kConfig,
              .parent = "config",
              .complexity = "O(1)",
              .summary = "Sets the statistics of the server back.",
              .tips = kOnAllNodes},
     .run = ConfigResetStat},
    {.spec = {.name = "rewrite",
              .arity = 2,
              .group = Group::kServer,
              .since = "2.8.0",
              .flags = kFlags,
              .acl = kAcl,
              .audit = protocol::Audit::kConfig,
              .parent = "config",
              .complexity = "O(1)",
              .summary = "Writes the values in force into the configuration file."},
     .run = ConfigRewrite},
    {.spec = {.name = "set",
              .arity = -4,
              .group = Group::kServer,
              .since = "2.0.0",
              .flags = kFlags | Flag::kExclusive,
              .acl = kAcl,
              .audit = protocol::Audit::kConfig,
              .parent = "config",
              .complexity = kPerParameter,
              .summary = "Changes directives of the running server.",
              .arguments = kSetArgs,
              .tips = kOnAllNodes},
     .run = ConfigSet},
};

constexpr Command kRows[] = {
    {.spec = {.name = "config",
              .arity = -2,
              .group = Group::kServer,
              .since = "2.0.0",
              .acl = Acl::kSlow,
              .complexity = "Depends on subcommand.",
              .summary = "A container for commands about the configuration."},
     .subcommands = kSubcommands},
};

}  // namespace

std::span<const Command> ConfigCommands() { return kRows; }

}  // namespace peal::broker
