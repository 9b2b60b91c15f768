// COMMAND and its subcommands: what clients ask about commands, answered from the rows. Source of
// the shapes: Redis 7.2, observed on 7.0.15.
#include "broker/exec/command.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "broker/commands/subcommand.h"
#include "broker/exec/command_table.h"
#include "broker/exec/server.h"
#include "patterns/glob.h"
#include "protocol/base/text.h"
#include "protocol/command/keys.h"
#include "protocol/command/names.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::CommandSpec;
using protocol::EqualsIgnoreCase;
using protocol::Error;
using protocol::Flag;
using protocol::Group;
using protocol::KeySpec;
using protocol::ReplyWriter;

/// A set of status replies: the names of the bits that are set.
template <typename E>
void ReplyBits(ReplyWriter& reply, E bits, std::span<const std::pair<E, std::string_view>> names,
               std::string_view prefix = "") {
  size_t count = 0;
  for (const auto& [bit, name] : names) count += Any(bits & bit) ? 1 : 0;
  reply.Set(count);
  for (const auto& [bit, name] : names) {
    if (Any(bits & bit)) reply.Simple(std::string(prefix) + std::string(name));
  }
}

void Field(ReplyWriter& reply, std::string_view name, std::string_view value) {
  reply.Bulk(name);
  reply.Bulk(value);
}
void Field(ReplyWriter& reply, std::string_view name, int64_t value) {
  reply.Bulk(name);
  reply.Integer(value);
}

void ReplyBeginSearch(ReplyWriter& reply, const KeySpec& spec) {
  reply.Bulk("begin_search");
  reply.Map(2);
  switch (spec.begin) {
    case KeySpec::Begin::kIndex:
      Field(reply, "type", "index");
      reply.Bulk("spec");
      reply.Map(1);
      Field(reply, "index", spec.index);
      break;
    case KeySpec::Begin::kKeyword:
      Field(reply, "type", "keyword");
      reply.Bulk("spec");
      reply.Map(2);
      Field(reply, "keyword", spec.keyword);
      Field(reply, "startfrom", spec.index);
      break;
    case KeySpec::Begin::kUnknown:
      Field(reply, "type", "unknown");
      reply.Bulk("spec");
      reply.Map(0);
      break;
  }
}

void ReplyFindKeys(ReplyWriter& reply, const KeySpec& spec) {
  reply.Bulk("find_keys");
  reply.Map(2);
  switch (spec.find) {
    case KeySpec::Find::kRange:
      Field(reply, "type", "range");
      reply.Bulk("spec");
      reply.Map(3);
      Field(reply, "lastkey", spec.last);
      Field(reply, "keystep", spec.step);
      Field(reply, "limit", spec.limit);
      break;
    case KeySpec::Find::kKeyNum:
      Field(reply, "type", "keynum");
      reply.Bulk("spec");
      reply.Map(3);
      Field(reply, "keynumidx", spec.keynum_index);
      Field(reply, "firstkey", spec.first_key);
      Field(reply, "keystep", spec.step);
      break;
    case KeySpec::Find::kUnknown:
      Field(reply, "type", "unknown");
      reply.Bulk("spec");
      reply.Map(0);
      break;
  }
}

void ReplyInfo(ReplyWriter& reply, const TableEntry& entry) {
  const CommandSpec& spec = entry.command->spec;
  const protocol::KeyPositions keys = protocol::FixedKeys(spec);
  reply.Array(10);
  reply.Bulk(entry.full_name);
  reply.Integer(spec.arity);
  ReplyBits(reply, spec.flags, protocol::FlagNames());
  reply.Integer(keys.first);
  reply.Integer(keys.last);
  reply.Integer(keys.step);
  ReplyBits(reply, spec.acl, protocol::CategoryNames(), "@");
  reply.Set(spec.tips.size());
  for (const std::string_view tip : spec.tips) reply.Bulk(tip);
  reply.Set(spec.keys.size());
  for (const KeySpec& key : spec.keys) {
    reply.Map(3);
    reply.Bulk("flags");
    ReplyBits(reply, key.flags, protocol::KeyFlagNames());
    ReplyBeginSearch(reply, key);
    ReplyFindKeys(reply, key);
  }
  reply.Set(entry.subcommands.size());
  for (const TableEntry* sub : entry.subcommands) ReplyInfo(reply, *sub);
}

void ReplyArguments(ReplyWriter& reply, std::span<const ArgSpec> arguments) {
  reply.Bulk("arguments");
  reply.Array(arguments.size());
  for (const ArgSpec& argument : arguments) {
    const bool has_flags =
        argument.is_optional || argument.is_multiple || argument.is_multiple_token;
    reply.Map(size_t{2} + (argument.key_spec_index >= 0 ? 1u : 0u) +
              (argument.token.empty() ? 0u : 1u) + (argument.summary.empty() ? 0u : 1u) +
              (argument.since.empty() ? 0u : 1u) + (has_flags ? 1u : 0u) +
              (argument.children.empty() ? 0u : 1u));
    Field(reply, "name", argument.name);
    Field(reply, "type", protocol::ArgTypeName(argument.type));
    if (argument.key_spec_index >= 0) Field(reply, "key_spec_index", argument.key_spec_index);
    if (!argument.token.empty()) Field(reply, "token", argument.token);
    if (!argument.summary.empty()) Field(reply, "summary", argument.summary);
    if (!argument.since.empty()) Field(reply, "since", argument.since);
    if (has_flags) {
      reply.Bulk("flags");
      reply.Set((argument.is_optional ? 1u : 0u) + (argument.is_multiple ? 1u : 0u) +
                (argument.is_multiple_token ? 1u : 0u));
      if (argument.is_optional) reply.Simple("optional");
      if (argument.is_multiple) reply.Simple("multiple");
      if (argument.is_multiple_token) reply.Simple("multiple_token");
    }
    if (!argument.children.empty()) ReplyArguments(reply, argument.children);
  }
}

void ReplyDocs(ReplyWriter& reply, const TableEntry& entry) {
  const CommandSpec& spec = entry.command->spec;
  const bool is_deprecated = !spec.deprecated_since.empty();
  reply.Bulk(entry.full_name);
  reply.Map(size_t{3} + (spec.complexity.empty() ? 0u : 1u) + (is_deprecated ? 2u : 0u) +
            (spec.replaced_by.empty() ? 0u : 1u) + (spec.history.empty() ? 0u : 1u) +
            (spec.arguments.empty() ? 0u : 1u) + (entry.subcommands.empty() ? 0u : 1u));
  Field(reply, "summary", spec.summary);
  Field(reply, "since", spec.since);
  Field(reply, "group", protocol::GroupName(spec.group));
  if (!spec.complexity.empty()) Field(reply, "complexity", spec.complexity);
  if (is_deprecated) {
    reply.Bulk("doc_flags");
    reply.Set(1);
    reply.Simple("deprecated");
    Field(reply, "deprecated_since", spec.deprecated_since);
  }
  if (!spec.replaced_by.empty()) Field(reply, "replaced_by", spec.replaced_by);
  if (!spec.history.empty()) {
    reply.Bulk("history");
    reply.Set(spec.history.size());
    for (const auto& change : spec.history) {
      reply.Array(2);
      reply.Bulk(change.since);
      reply.Bulk(change.text);
    }
  }
  if (!spec.arguments.empty()) ReplyArguments(reply, spec.arguments);
  if (!entry.subcommands.empty()) {
    reply.Bulk("subcommands");
    reply.Map(entry.subcommands.size());
    for (const TableEntry* sub : entry.subcommands) ReplyDocs(reply, *sub);
  }
}

void AllInfo(CommandContext& context) {
  const auto& top = context.server.commands().top();
  context.reply.Array(top.size());
  for (const TableEntry* entry : top) ReplyInfo(context.reply, *entry);
}

void CommandRoot(CommandContext& context) { AllInfo(context); }

void Count(CommandContext& context) {
  context.reply.Integer(static_cast<int64_t>(context.server.commands().top().size()));
}

void Info(CommandContext& context) {
  if (context.args.size() == 2) return AllInfo(context);
  context.reply.Array(context.args.size() - 2);
  for (size_t i = 2; i < context.args.size(); ++i) {
    const TableEntry* entry = context.server.commands().FindFull(context.args[i]);
    if (entry == nullptr) {
      context.reply.Null();
    } else {
      ReplyInfo(context.reply, *entry);
    }
  }
}

void Docs(CommandContext& context) {
  std::vector<const TableEntry*> chosen;
  if (context.args.size() == 2) {
    const auto& top = context.server.commands().top();
    chosen.assign(top.begin(), top.end());
  } else {
    for (size_t i = 2; i < context.args.size(); ++i) {
      const TableEntry* entry = context.server.commands().FindFull(context.args[i]);
      if (entry != nullptr) chosen.push_back(entry);
    }
  }
  context.reply.Map(chosen.size());
  for (const TableEntry* entry : chosen) ReplyDocs(context.reply, *entry);
}

void List(CommandContext& context) {
  const size_t count = context.args.size();
  std::optional<Acl> category;
  std::optional<std::string_view> pattern;
  bool none = false;
  if (count == 5 && EqualsIgnoreCase(context.args[2], "filterby")) {
    const std::string_view value = context.args[4];
    if (EqualsIgnoreCase(context.args[3], "module")) {
      none = true;  // there are no modules
    } else if (EqualsIgnoreCase(context.args[3], "aclcat")) {
      category = Acl::kNone;
      for (const auto& [bit, name] : protocol::CategoryNames()) {
        if (EqualsIgnoreCase(value, name)) category = bit;
      }
    } else if (EqualsIgnoreCase(context.args[3], "pattern")) {
      pattern = value;
    } else {
      return context.Fail(protocol::errors::kSyntax);
    }
  } else if (count != 2) {
    return context.Fail(protocol::errors::kSyntax);
  }
  std::vector<const TableEntry*> chosen;
  for (const auto& entry : context.server.commands().all()) {
    if (none) break;
    if (category && !Any(entry->command->spec.acl & *category)) continue;
    if (pattern && !patterns::GlobMatchNoCase(*pattern, entry->full_name)) continue;
    chosen.push_back(entry.get());
  }
  context.reply.Array(chosen.size());
  for (const TableEntry* entry : chosen) context.reply.Bulk(entry->full_name);
}

/// The keys of the command that stands from the third argument on; empty (with the error sent) on a
/// fault.
std::optional<std::vector<protocol::KeyAt>> KeysOf(CommandContext& context) {
  const auto args = context.args.subspan(2);
  const TableEntry* entry = context.server.commands().Find(args[0]);
  if (entry != nullptr) entry = CommandTable::Resolve(entry, args);
  if (entry == nullptr) {
    context.Fail(Error::Static("ERR Invalid command specified"));
    return std::nullopt;
  }
  const CommandSpec& spec = entry->command->spec;
  if (spec.keys.empty()) {
    context.Fail(Error::Static("ERR The command has no key arguments"));
    return std::nullopt;
  }
  const auto count = static_cast<int>(args.size());
  if (spec.arity > 0 ? count != spec.arity : count < -spec.arity) {
    context.Fail(Error::Static("ERR Invalid number of arguments specified for command"));
    return std::nullopt;
  }
  auto keys = protocol::ExtractKeys(spec, args);
  // EVAL with a number of keys that is none, as Redis tells it.
  if (!keys.ok() && Any(spec.flags & Flag::kNoMandatoryKeys)) return std::vector<protocol::KeyAt>();
  if (!keys.ok()) {
    context.Fail(Error::Static("ERR Invalid arguments specified for command"));
    return std::nullopt;
  }
  if (keys.value().empty() && !Any(spec.flags & Flag::kNoMandatoryKeys)) {
    context.Fail(Error::Static("ERR The command has no key arguments"));
    return std::nullopt;
  }
  return std::move(keys).value();
}

void GetKeys(CommandContext& context) {
  const auto keys = KeysOf(context);
  if (!keys) return;
  context.reply.Array(keys->size());
  for (const auto& key : *keys) context.reply.Bulk(context.args[2 + key.index]);
}

void GetKeysAndFlags(CommandContext& context) {
  const auto keys = KeysOf(context);
  if (!keys) return;
  context.reply.Array(keys->size());
  for (const auto& key : *keys) {
    context.reply.Array(2);
    context.reply.Bulk(context.args[2 + key.index]);
    ReplyBits(context.reply, key.flags, protocol::KeyFlagNames());
  }
}

void Help(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "(no subcommand)",
      "    Facts about all commands.",
      "COUNT",
      "    How many commands there are.",
      "DOCS [<command-name> [<command-name> ...]]",
      "    Documentation of commands, of all by default.",
      "GETKEYS <full-command>",
      "    Which arguments of a whole command are keys.",
      "GETKEYSANDFLAGS <full-command>",
      "    The same, with what is done to each key.",
      "INFO [<command-name> ...]",
      "    Facts about commands, about all by default.",
      "LIST [FILTERBY (MODULE <module-name>|ACLCAT <category>|PATTERN <pattern>)]",
      "    Names of commands.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
}

constexpr ArgSpec kNames[] = {
    {.name = "command-name", .type = ArgType::kString, .is_optional = true, .is_multiple = true}};
constexpr ArgSpec kWhole[] = {
    {.name = "command", .type = ArgType::kString},
    {.name = "arg", .type = ArgType::kString, .is_optional = true, .is_multiple = true}};
constexpr ArgSpec kFilters[] = {
    {.name = "module-name", .type = ArgType::kString, .token = "MODULE"},
    {.name = "category", .type = ArgType::kString, .token = "ACLCAT"},
    {.name = "pattern", .type = ArgType::kPattern, .token = "PATTERN"}};
constexpr ArgSpec kListArgs[] = {{.name = "filterby",
                                  .type = ArgType::kOneOf,
                                  .token = "FILTERBY",
                                  .is_optional = true,
                                  .children = kFilters}};

constexpr auto kFlags = Flag::kLoading | Flag::kStale | Flag::kSentinel;
constexpr auto kAcl = Acl::kSlow | Acl::kConnection;

constexpr CommandSpec Row(std::string_view name, int arity, std::string_view since,
                          std::string_view summary, std::span<const ArgSpec> arguments,
                          std::string_view complexity,
                          std::span<const std::string_view> tips = {}) {
  return {.name = name,
          .arity = arity,
          .group = Group::kServer,
          .since = since,
          .flags = kFlags,
          .acl = kAcl,
          .parent = "command",
          .complexity = complexity,
          .summary = summary,
          .arguments = arguments,
          .tips = tips};
}

constexpr std::string_view kAnyOrder[] = {"nondeterministic_output_order"};
constexpr std::string_view kPerCommand = "O(N) where N is the number of commands";

constexpr Command kSubcommands[] = {
    {.spec = Row("count", 2, "2.8.13", "Counts the commands.", {}, "O(1)"), .run = Count},
    {.spec = Row("docs", -2, "7.0.0", "Documents commands.", kNames, kPerCommand, kAnyOrder),
     .run = Docs},
    {.spec = Row("getkeys", -4, "2.8.13", "Finds the keys in a whole command.", kWhole,
                 "O(N) where N is the number of arguments"),
     .run = GetKeys},
    {.spec = Row("getkeysandflags", -4, "7.0.0",
                 "Finds the keys in a whole command and what is done to them.", kWhole,
                 "O(N) where N is the number of arguments"),
     .run = GetKeysAndFlags},
    {.spec = Row("help", 2, "5.0.0", "Tells about the subcommands.", {}, "O(1)"), .run = Help},
    {.spec =
         Row("info", -2, "2.8.13", "Tells facts about commands.", kNames, kPerCommand, kAnyOrder),
     .run = Info},
    {.spec = Row("list", -2, "7.0.0", "Lists the names of commands.", kListArgs, kPerCommand,
                 kAnyOrder),
     .run = List},
};

constexpr Command kRows[] = {
    {.spec = {.name = "command",
              .arity = -1,
              .group = Group::kServer,
              .since = "2.8.13",
              .flags = kFlags,
              .acl = kAcl,
              .complexity = kPerCommand,
              .summary = "Tells facts about all commands.",
              .tips = kAnyOrder},
     .run = CommandRoot,
     .subcommands = kSubcommands},
};

}  // namespace

std::span<const Command> CommandCommands() { return kRows; }

}  // namespace peal::broker
