// ACL and its subcommands. Source of the replies: redis-server 7.0.15; the order of command rules
// in ACL LIST and the last three fields of ACL LOG: Redis 7.2; roles: Valkey 9.2 where it has them.
#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/acl/crypto.h"
#include "broker/acl/users.h"
#include "broker/commands/subcommand.h"
#include "broker/exec/client.h"
#include "broker/exec/command.h"
#include "broker/exec/rights.h"
#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/log/log.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"
#include "protocol/command/names.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::Audit;
using protocol::EqualsIgnoreCase;
using protocol::Error;
using protocol::Flag;
using protocol::Group;
using protocol::HistoryEntry;

constexpr Error kNoAclFile = Error::Static(
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users "
    "via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis "
    "configuration file set) in order to store users in the Redis configuration.");
constexpr Error kNotSaved = Error::Static(
    "ERR There was an error trying to save the ACLs. Please check the server logs for more "
    "information");

/// Puts a change in force for the clients it touches, and replies. With all reactors parked.
bool Apply(CommandContext& context, const protocol::Result<AclChanges>& changes) {
  if (!changes.ok()) {
    context.Fail(changes.error());
    return false;
  }
  ApplyAclChanges(context.server, &context.client, *changes);
  return true;
}

void SetUser(CommandContext& context) {
  if (Apply(context, context.server.acl().SetUser(context.args[2], context.args.subspan(3)))) {
    context.reply.Ok();
  }
}

void ReplyDeleted(CommandContext& context, const protocol::Result<AclUsers::Deleted>& deleted) {
  if (!deleted.ok()) return context.Fail(deleted.error());
  ApplyAclChanges(context.server, &context.client, deleted->changes);
  context.reply.Integer(deleted->count);
}

void DelUser(CommandContext& context) {
  ReplyDeleted(context, context.server.acl().DeleteUsers(context.args.subspan(2)));
}

void SetRole(CommandContext& context) {
  if (Apply(context, context.server.acl().SetRole(context.args[2], context.args.subspan(3)))) {
    context.reply.Ok();
  }
}

void DelRole(CommandContext& context) {
  ReplyDeleted(context, context.server.acl().DeleteRoles(context.args.subspan(2)));
}

void ReplySelector(protocol::ReplyWriter& reply, const SelectorRules& selector) {
  reply.Bulk("commands");
  reply.Bulk(selector.DescribeCommands());
  reply.Bulk("keys");
  reply.Bulk(selector.DescribeKeys());
  reply.Bulk("channels");
  reply.Bulk(selector.DescribeChannels());
}

void ReplyRules(CommandContext& context, const UserRules& rules) {
  protocol::ReplyWriter& reply = context.reply;
  const bool is_user = rules.kind == UserRules::Kind::kUser;
  const bool has_roles = !rules.roles.empty();
  reply.Map((is_user ? 6u : 4u) + (has_roles ? 1u : 0u));
  if (is_user) {
    const auto flags = rules.Flags();
    reply.Bulk("flags");
    reply.Set(flags.size());
    for (const std::string_view flag : flags) reply.Bulk(flag);
    reply.Bulk("passwords");
    reply.Array(rules.passwords.size());
    for (const std::string& hash : rules.passwords) reply.Bulk(hash);
  }
  ReplySelector(reply, rules.root());
  reply.Bulk("selectors");
  reply.Array(rules.selectors.size() - 1);
  for (size_t i = 1; i < rules.selectors.size(); ++i) {
    reply.Map(3);
    ReplySelector(reply, rules.selectors[i]);
  }
  if (!has_roles) return;
  reply.Bulk("roles");
  reply.Array(rules.roles.size());
  for (const std::string& role : rules.roles) reply.Bulk(role);
}

void GetUser(CommandContext& context) {
  const AclAccountRef account = context.server.acl().Find(context.args[2]);
  if (account == nullptr) return context.reply.Null();
  ReplyRules(context, account->user->rules());
}

void GetRole(CommandContext& context) {
  const UserRules* rules = context.server.acl().FindRole(context.args[2]);
  if (rules == nullptr) return context.reply.Null();
  ReplyRules(context, *rules);
}

void Roles(CommandContext& context) {
  const std::vector<std::string> names = context.server.acl().RoleNames();
  context.reply.Array(names.size());
  for (const std::string& name : names) context.reply.Bulk(name);
}

void List(CommandContext& context) {
  const auto& accounts = context.server.acl().accounts();
  context.reply.Array(accounts.size());
  for (const auto& [name, account] : accounts) {
    context.reply.Bulk(AclUsers::Line(account->user->rules()));
  }
}

void Users(CommandContext& context) {
  const auto& accounts = context.server.acl().accounts();
  context.reply.Array(accounts.size());
  for (const auto& [name, account] : accounts) context.reply.Bulk(name);
}

void WhoAmI(CommandContext& context) { context.reply.Bulk(context.client.session().account->name); }

void Cat(CommandContext& context) {
  if (context.args.size() > 3) return context.Fail(WrongSubcommand(context));
  const auto categories = protocol::CategoryNames();
  if (context.args.size() == 2) {
    context.reply.Array(categories.size());
    for (const auto& [category, name] : categories) context.reply.Bulk(name);
    return;
  }
  const auto found = std::find_if(categories.begin(), categories.end(), [&](const auto& each) {
    return EqualsIgnoreCase(each.second, context.args[2]);
  });
  if (found == categories.end()) {
    return context.Fail(
        Error::Owned("ERR Unknown category '" + std::string(context.args[2].substr(0, 128)) + "'"));
  }
  std::vector<std::string_view> names;
  for (const auto& entry : context.server.commands().all()) {
    if (protocol::Any(entry->command->spec.acl & found->first)) names.push_back(entry->full_name);
  }
  context.reply.Array(names.size());
  for (const std::string_view name : names) context.reply.Bulk(name);
}

void GenPass(CommandContext& context) {
  constexpr int64_t kMostBits = 4096;
  constexpr int64_t kUsualBits = 256;
  constexpr int64_t kBitsPerDigit = 4;
  if (context.args.size() > 3) return context.Fail(WrongSubcommand(context));
  int64_t bits = kUsualBits;
  if (context.args.size() == 3) {
    const auto given = protocol::ParseInt64(context.args[2]);
    if (!given) return context.Fail(protocol::errors::kNotInteger);
    bits = *given;
  }
  if (bits <= 0 || bits > kMostBits) {
    return context.Fail(Error::Static(
        "ERR ACL GENPASS argument must be the number of bits for the output password, a positive "
        "number up to 4096"));
  }
  context.reply.Bulk(
      RandomHexDigits(static_cast<size_t>((bits + kBitsPerDigit - 1) / kBitsPerDigit)));
}

void Log(CommandContext& context) {
  constexpr int64_t kUsualCount = 10;
  constexpr double kMsPerSecond = 1000;
  if (context.args.size() > 3) return context.Fail(WrongSubcommand(context));
  AclLog& log = context.server.acl().log();
  int64_t count = kUsualCount;
  if (context.args.size() == 3) {
    if (EqualsIgnoreCase(context.args[2], "reset")) {
      log.Clear();
      return context.reply.Ok();
    }
    const auto given = protocol::ParseInt64(context.args[2]);
    if (!given) return context.Fail(protocol::errors::kNotInteger);
    count = std::max<int64_t>(*given, 0);
  }
  const std::vector<AclLog::Entry> entries = log.Latest(static_cast<size_t>(count));
  const int64_t now_ms = context.worker.now_ms();
  protocol::ReplyWriter& reply = context.reply;
  reply.Array(entries.size());
  for (const AclLog::Entry& entry : entries) {
    reply.Map(10);
    reply.Bulk("count");
    reply.Integer(static_cast<int64_t>(entry.count));
    reply.Bulk("reason");
    reply.Bulk(AclLog::NameOf(entry.reason));
    reply.Bulk("context");
    reply.Bulk(AclLog::NameOf(entry.context));
    reply.Bulk("object");
    reply.Bulk(entry.object);
    reply.Bulk("username");
    reply.Bulk(entry.user_name);
    reply.Bulk("age-seconds");
    reply.Double(static_cast<double>(std::max<int64_t>(now_ms - entry.updated_ms, 0)) /
                 kMsPerSecond);
    reply.Bulk("client-info");
    reply.Bulk(entry.client);
    reply.Bulk("entry-id");
    reply.Integer(static_cast<int64_t>(entry.id));
    reply.Bulk("timestamp-created");
    reply.Integer(entry.created_ms);
    reply.Bulk("timestamp-last-updated");
    reply.Integer(entry.updated_ms);
  }
}

void DryRun(CommandContext& context) {
  const AclAccountRef account = context.server.acl().Find(context.args[2]);
  if (account == nullptr) {
    return context.Fail(Error::Owned("ERR User '" + std::string(context.args[2]) + "' not found"));
  }
  const auto args = context.args.subspan(3);
  const TableEntry* entry = context.server.commands().Find(args[0]);
  if (entry != nullptr) entry = CommandTable::Resolve(entry, args);
  if (entry == nullptr) {
    return context.Fail(Error::Owned("ERR Command '" + std::string(args[0]) + "' not found"));
  }
  const auto count = static_cast<int>(args.size());
  const bool fits = entry->arity > 0 ? count == entry->arity : count >= -entry->arity;
  if (!fits || entry->command->run == nullptr) {
    return context.Fail(protocol::errors::WrongArity(entry->full_name));
  }
  const AclVerdict verdict = account->user->Check(*entry, args);
  if (verdict.ok()) return context.reply.Ok();
  context.reply.Bulk(DryRunText(*entry, args, verdict));
}

void Save(CommandContext& context) {
  const std::string& file = context.server.config().aclfile;
  if (file.empty()) return context.Fail(kNoAclFile);
  if (const auto saved = context.server.acl().SaveFile(file); !saved.ok()) {
    LogWarning("ACL SAVE: {}", saved.error().text());
    return context.Fail(kNotSaved);
  }
  context.reply.Ok();
}

void Load(CommandContext& context) {
  const std::string& file = context.server.config().aclfile;
  if (file.empty()) return context.Fail(kNoAclFile);
  if (Apply(context, context.server.acl().LoadFile(file))) context.reply.Ok();
}

void Help(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "CAT [<category>]",
      "    The categories, or the commands of one.",
      "DELROLE <role> [<role> ...]",
      "    Deletes roles that no user has.",
      "DELUSER <user> [<user> ...]",
      "    Deletes users and closes their connections.",
      "DRYRUN <user> <command> [<arg> ...]",
      "    Whether the user may run the command; it is not run.",
      "GENPASS [<bits>]",
      "    A random password of so many bits, 256 by default.",
      "GETROLE <role>",
      "    The rules of a role.",
      "GETUSER <user>",
      "    The rules of a user.",
      "LIST",
      "    All users as lines of an aclfile.",
      "LOAD",
      "    Takes users and roles from the aclfile.",
      "LOG [<count> | RESET]",
      "    The latest refusals; RESET forgets them.",
      "ROLES",
      "    The names of all roles.",
      "SAVE",
      "    Writes users and roles to the aclfile.",
      "SETROLE <role> <rule> [<rule> ...]",
      "    Makes or changes a role: rules that users get by role:<role>.",
      "SETUSER <user> <rule> [<rule> ...]",
      "    Makes or changes a user.",
      "USERS",
      "    The names of all users.",
      "WHOAMI",
      "    The user of this connection.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
}

// ---------------------------------------------------------------- rows

constexpr ArgSpec kRuleArg = {
    .name = "rule", .type = ArgType::kString, .is_optional = true, .is_multiple = true};
constexpr ArgSpec kUserArg[] = {{.name = "username", .type = ArgType::kString}};
constexpr ArgSpec kUserArgs[] = {
    {.name = "username", .type = ArgType::kString, .is_multiple = true}};
constexpr ArgSpec kSetUserArgs[] = {{.name = "username", .type = ArgType::kString}, kRuleArg};
constexpr ArgSpec kRoleArg[] = {{.name = "rolename", .type = ArgType::kString}};
constexpr ArgSpec kRoleArgs[] = {
    {.name = "rolename", .type = ArgType::kString, .is_multiple = true}};
constexpr ArgSpec kSetRoleArgs[] = {{.name = "rolename", .type = ArgType::kString}, kRuleArg};
constexpr ArgSpec kCatArgs[] = {
    {.name = "category", .type = ArgType::kString, .is_optional = true}};
constexpr ArgSpec kGenPassArgs[] = {
    {.name = "bits", .type = ArgType::kInteger, .is_optional = true}};
constexpr ArgSpec kLogChoices[] = {
    {.name = "count", .type = ArgType::kInteger},
    {.name = "reset", .type = ArgType::kPureToken, .token = "RESET"}};
constexpr ArgSpec kLogArgs[] = {
    {.name = "operation", .type = ArgType::kOneOf, .is_optional = true, .children = kLogChoices}};
constexpr ArgSpec kDryRunArgs[] = {
    {.name = "username", .type = ArgType::kString},
    {.name = "command", .type = ArgType::kString},
    {.name = "arg", .type = ArgType::kString, .is_optional = true, .is_multiple = true}};
constexpr HistoryEntry kSetUserHistory[] = {
    {"6.2.0", "Knows patterns of channels."},
    {"7.0.0", "Knows selectors and rights to read or write keys."}};
constexpr HistoryEntry kGetUserHistory[] = {
    {"6.2.0", "Shows patterns of channels."},
    {"7.0.0", "Shows selectors; patterns as they are written in rules."}};
constexpr HistoryEntry kLogHistory[] = {
    {"7.2.0", "Shows the id of an entry and when it was made and updated."}};

constexpr auto kOwnFlags = Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kSentinel;
constexpr auto kAdminFlags = kOwnFlags | Flag::kAdmin;
constexpr auto kChangeFlags = kAdminFlags | Flag::kExclusive;
constexpr auto kAdminAcl = Acl::kAdmin | Acl::kSlow | Acl::kDangerous;

constexpr protocol::CommandSpec Row(std::string_view name, int arity, std::string_view since,
                                    Flag flags, Acl acl, std::string_view complexity,
                                    std::string_view summary,
                                    std::span<const ArgSpec> arguments = {},
                                    std::span<const HistoryEntry> history = {}) {
  return {.name = name,
          .arity = arity,
          .group = Group::kServer,
          .since = since,
          .flags = flags,
          .acl = acl,
          // What anybody may ask changes nothing and shows nothing of others.
          .audit = protocol::Any(flags & Flag::kAdmin) ? Audit::kAcl : Audit::kNone,
          .parent = "acl",
          .complexity = complexity,
          .summary = summary,
          .arguments = arguments,
          .history = history};
}

constexpr std::string_view kPerUser = "O(N) where N is the number of users";
constexpr std::string_view kPerRule =
    "O(N+M) where N is the number of rules given and M the number of connections";

constexpr Command kSubcommands[] = {
    {.spec =
         Row("cat", -2, "6.0.0", kOwnFlags, Acl::kSlow, "O(N) where N is the number of commands",
             "Lists categories, or the commands of one.", kCatArgs),
     .run = Cat},
    {.spec = Row("delrole", -3, "9.2.0", kChangeFlags, kAdminAcl,
                 "O(N*M) where N is the number of roles given and M the number of users",
                 "Deletes roles that no user has.", kRoleArgs),
     .run = DelRole},
    {.spec = Row("deluser", -3, "6.0.0", kChangeFlags, kAdminAcl,
                 "O(N) where N is the number of connections",
                 "Deletes users and closes their connections.", kUserArgs),
     .run = DelUser},
    {.spec =
         Row("dryrun", -4, "7.0.0", kAdminFlags, kAdminAcl, "O(N) where N is the number of keys",
             "Tells whether a user may run a command.", kDryRunArgs),
     .run = DryRun},
    {.spec = Row("genpass", -2, "6.0.0", kOwnFlags, Acl::kSlow, "O(1)", "Makes a random password.",
                 kGenPassArgs),
     .run = GenPass},
    {.spec = Row("getrole", 3, "9.2.0", kAdminFlags, kAdminAcl,
                 "O(N) where N is the number of rules", "Returns the rules of a role.", kRoleArg),
     .run = GetRole},
    {.spec =
         Row("getuser", 3, "6.0.0", kAdminFlags, kAdminAcl, "O(N) where N is the number of rules",
             "Returns the rules of a user.", kUserArg, kGetUserHistory),
     .run = GetUser},
    {.spec = Row("help", 2, "6.0.0", Flag::kLoading | Flag::kStale | Flag::kSentinel, Acl::kSlow,
                 "O(1)", "Tells about the subcommands."),
     .run = Help},
    {.spec = Row("list", 2, "6.0.0", kAdminFlags, kAdminAcl, kPerUser,
                 "Lists all users as lines of an aclfile."),
     .run = List},
    {.spec = Row("load", 2, "6.0.0", kChangeFlags, kAdminAcl, kPerUser,
                 "Takes users and roles from the aclfile."),
     .run = Load},
    {.spec = Row("log", -2, "6.0.0", kAdminFlags, kAdminAcl,
                 "O(N) where N is the number of entries shown", "Shows the latest refusals.",
                 kLogArgs, kLogHistory),
     .run = Log},
    {.spec = Row("roles", 2, "9.2.0", kAdminFlags, kAdminAcl, "O(N) where N is the number of roles",
                 "Lists the names of all roles."),
     .run = Roles},
    {.spec = Row("save", 2, "6.0.0", kAdminFlags, kAdminAcl, kPerUser,
                 "Writes users and roles to the aclfile."),
     .run = Save},
    {.spec = Row("setrole", -3, "9.2.0", kChangeFlags, kAdminAcl, kPerRule,
                 "Makes or changes a role.", kSetRoleArgs),
     .run = SetRole},
    {.spec = Row("setuser", -3, "6.0.0", kChangeFlags, kAdminAcl, kPerRule,
                 "Makes or changes a user.", kSetUserArgs, kSetUserHistory),
     .run = SetUser},
    {.spec = Row("users", 2, "6.0.0", kAdminFlags, kAdminAcl, kPerUser,
                 "Lists the names of all users."),
     .run = Users},
    {.spec = Row("whoami", 2, "6.0.0", kOwnFlags, Acl::kSlow, "O(1)",
                 "Returns the user of the connection."),
     .run = WhoAmI},
};

constexpr Command kRows[] = {
    {.spec = {.name = "acl",
              .arity = -2,
              .group = Group::kServer,
              .since = "6.0.0",
              .flags = Flag::kSentinel,
              .acl = Acl::kSlow,
              .complexity = "Depends on subcommand.",
              .summary = "A container for commands about users and their rights."},
     .subcommands = kSubcommands},
};

consteval bool AllAreSound() {
  for (const Command& command : kSubcommands) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return protocol::IsSound(kRows[0].spec);
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> AclCommands() { return kRows; }

}  // namespace peal::broker
