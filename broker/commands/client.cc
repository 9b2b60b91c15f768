// CLIENT and its subcommands. Source of the replies: Redis 7.2.
#include "broker/exec/client.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "broker/commands/subcommand.h"
#include "broker/commands/tracking.h"
#include "broker/exec/blocking.h"
#include "broker/exec/command.h"
#include "broker/exec/multi.h"
#include "broker/exec/rights.h"
#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::EqualsIgnoreCase;
using protocol::Error;
using protocol::Flag;
using protocol::Group;
using protocol::ParseInt64;

constexpr Error kBadName =
    Error::Static("ERR Client names cannot contain spaces, newlines or special characters.");

bool IsValidName(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= '!' && c <= '~'; });
}

enum class ClientType : uint8_t { kNormal, kMaster, kReplica, kPubSub };

std::optional<ClientType> ParseType(std::string_view text) {
  if (EqualsIgnoreCase(text, "normal")) return ClientType::kNormal;
  if (EqualsIgnoreCase(text, "master")) return ClientType::kMaster;
  if (EqualsIgnoreCase(text, "slave") || EqualsIgnoreCase(text, "replica")) {
    return ClientType::kReplica;
  }
  if (EqualsIgnoreCase(text, "pubsub")) return ClientType::kPubSub;
  return std::nullopt;
}

ClientType TypeOf(const Client& client) {
  return client.IsSubscribed() ? ClientType::kPubSub : ClientType::kNormal;
}

Error UnknownType(std::string_view type) {
  return Error::Owned("ERR Unknown client type '" + std::string(type) + "'");
}

std::string FlagsOf(const Client& client) {
  const Session& session = client.session();
  std::string flags;
  if (session.is_monitor) flags += 'O';
  if (client.IsSubscribed()) flags += 'P';
  if (session.multi != nullptr && session.multi->is_open) flags += 'x';
  if (session.blocked != nullptr) flags += 'b';
  if (session.multi != nullptr && session.multi->token != nullptr &&
      session.multi->token->IsDirty())
    flags += 'd';
  if (const Tracker* const tracker = session.tracker; tracker != nullptr && tracker->is_on) {
    flags += 't';
    if (tracker->is_redirect_broken) flags += 'R';
    if (tracker->options.is_broadcast) flags += 'B';
  }
  if (session.is_unix) flags += 'U';
  if (session.no_evict) flags += 'e';
  if (session.no_touch) flags += 'T';
  if (client.is_closing()) flags += 'A';
  return flags.empty() ? "N" : flags;
}

template <typename Visit>
void ForAllClients(Server& server, Visit&& visit) {
  for (const auto& worker : server.workers()) worker->ForEachClient(visit);
}

void ClientIdOf(CommandContext& context) {
  context.reply.Integer(static_cast<int64_t>(context.client.id()));
}

void ClientInfo(CommandContext& context) {
  context.reply.Verbatim("txt",
                         DescribeClient(context.client, context.worker.reactor().turn_us()) + "\n");
}

void ClientList(CommandContext& context) {
  std::optional<ClientType> type;
  std::vector<int64_t> ids;
  if (context.args.size() == 4 && EqualsIgnoreCase(context.args[2], "type")) {
    type = ParseType(context.args[3]);
    if (!type) return context.Fail(UnknownType(context.args[3]));
  } else if (context.args.size() > 3 && EqualsIgnoreCase(context.args[2], "id")) {
    for (size_t i = 3; i < context.args.size(); ++i) {
      const auto id = ParseInt64(context.args[i]);
      if (!id || *id <= 0) return context.Fail(Error::Static("ERR Invalid client ID"));
      ids.push_back(*id);
    }
    std::sort(ids.begin(), ids.end());
  } else if (context.args.size() != 2) {
    return context.Fail(protocol::errors::kSyntax);
  }
  std::vector<const Client*> chosen;
  ForAllClients(context.server, [&](const Client& client) {
    if (client.session().is_doomed || (type && TypeOf(client) != *type)) return;
    if (!ids.empty() &&
        !std::binary_search(ids.begin(), ids.end(), static_cast<int64_t>(client.id()))) {
      return;
    }
    chosen.push_back(&client);
  });
  std::sort(chosen.begin(), chosen.end(),
            [](const Client* a, const Client* b) { return a->id() < b->id(); });
  std::string lines;
  const int64_t now_us = context.worker.reactor().turn_us();
  for (const Client* client : chosen) lines += DescribeClient(*client, now_us) + "\n";
  context.reply.Verbatim("txt", lines);
}

struct KillFilter {
  std::optional<int64_t> id;
  std::optional<std::string_view> peer;
  std::optional<std::string_view> local;
  std::optional<std::string_view> user;
  std::optional<ClientType> type;
  std::optional<int64_t> max_age_s;
  bool skip_me = true;

  bool Matches(const Client& client, int64_t now_us) const {
    if (id && static_cast<int64_t>(client.id()) != *id) return false;
    if (peer && client.PeerAddress() != *peer) return false;
    if (local && client.LocalAddress() != *local) return false;
    if (user && client.session().account->name != *user) return false;
    if (type && TypeOf(client) != *type) return false;
    if (max_age_s && (now_us - client.session().created_us) / 1'000'000 < *max_age_s) return false;
    return true;
  }
};

/// Whether there is a user of that name, or a client that came with a token and its roles in it.
bool IsNameOfSomebody(CommandContext& context, std::string_view name) {
  bool found = context.server.acl().Find(name) != nullptr;
  if (found) return true;
  ForAllClients(context.server, [&](const Client& client) {
    const bool is_here = !client.session().is_doomed && !client.is_closing();
    found = found || (is_here && client.session().account->name == name);
  });
  return found;
}

std::optional<Error> ParseKillFilter(CommandContext& context, KillFilter& filter) {
  for (size_t i = 2; i < context.args.size(); i += 2) {
    if (i + 1 >= context.args.size()) return protocol::errors::kSyntax;
    const std::string_view option = context.args[i];
    const std::string_view value = context.args[i + 1];
    if (EqualsIgnoreCase(option, "id")) {
      filter.id = ParseInt64(value);
      if (!filter.id || *filter.id <= 0) {
        return Error::Static("ERR client-id should be greater than 0");
      }
    } else if (EqualsIgnoreCase(option, "maxage")) {
      filter.max_age_s = ParseInt64(value);
      if (!filter.max_age_s || *filter.max_age_s <= 0) {
        return Error::Static("ERR maxage is not an integer or out of range");
      }
    } else if (EqualsIgnoreCase(option, "type")) {
      filter.type = ParseType(value);
      if (!filter.type) return UnknownType(value);
    } else if (EqualsIgnoreCase(option, "addr")) {
      filter.peer = value;
    } else if (EqualsIgnoreCase(option, "laddr")) {
      filter.local = value;
    } else if (EqualsIgnoreCase(option, "user")) {
      if (!IsNameOfSomebody(context, value)) {
        return Error::Owned("ERR No such user '" + std::string(value) + "'");
      }
      filter.user = value;
    } else if (EqualsIgnoreCase(option, "skipme")) {
      if (EqualsIgnoreCase(value, "yes")) {
        filter.skip_me = true;
      } else if (EqualsIgnoreCase(value, "no")) {
        filter.skip_me = false;
      } else {
        return protocol::errors::kSyntax;
      }
    } else {
      return protocol::errors::kSyntax;
    }
  }
  return std::nullopt;
}

void ClientKill(CommandContext& context) {
  KillFilter filter;
  const bool old_form = context.args.size() == 3;
  if (old_form) {
    filter.peer = context.args[2];
    filter.skip_me = false;
  } else if (const auto error = ParseKillFilter(context, filter)) {
    return context.Fail(*error);
  }
  const int64_t now_us = context.worker.reactor().turn_us();
  int64_t killed = 0;
  ClientCloser closer(context.server, &context.client);
  ForAllClients(context.server, [&](Client& client) {
    if (client.session().is_doomed || client.is_closing() || !filter.Matches(client, now_us))
      return;
    if (&client == &context.client && filter.skip_me) return;
    closer.Close(client);
    ++killed;
  });
  if (!old_form) return context.reply.Integer(killed);
  if (killed == 0) return context.Fail(Error::Static("ERR No such client"));
  context.reply.Ok();
}

void ClientGetName(CommandContext& context) {
  const std::string_view name = context.client.session().name();
  if (name.empty()) return context.reply.Null();
  context.reply.Bulk(name);
}

void ClientSetName(CommandContext& context) {
  if (!IsValidName(context.args[2])) return context.Fail(kBadName);
  context.client.session().EnsureTexts().name = context.args[2];
  context.reply.Ok();
}

void ClientSetInfo(CommandContext& context) {
  const std::string_view option = context.args[2];
  const std::string_view value = context.args[3];
  const bool is_name = EqualsIgnoreCase(option, "lib-name");
  if (!is_name && !EqualsIgnoreCase(option, "lib-ver")) {
    return context.Fail(Error::Owned("ERR Unrecognized option '" + std::string(option) + "'"));
  }
  if (!IsValidName(value)) {
    return context.Fail(Error::Owned("ERR " + protocol::LowerCase(option) +
                                     " cannot contain spaces, newlines or special characters."));
  }
  ClientTexts& texts = context.client.session().EnsureTexts();
  (is_name ? texts.lib_name : texts.lib_version) = value;
  context.reply.Ok();
}

void ClientReply(CommandContext& context) {
  Session& session = context.client.session();
  if (EqualsIgnoreCase(context.args[2], "on")) {
    session.reply_mode = ReplyMode::kOn;
    // This very reply is wanted, though the command came while replies were off.
    protocol::ReplyWriter(context.worker.replies(), context.client.resp()).Ok();
  } else if (EqualsIgnoreCase(context.args[2], "off")) {
    session.reply_mode = ReplyMode::kOff;
  } else if (EqualsIgnoreCase(context.args[2], "skip")) {
    if (session.reply_mode != ReplyMode::kOff) session.reply_mode = ReplyMode::kSkipNext;
  } else {
    context.Fail(protocol::errors::kSyntax);
  }
}

bool ParseOnOff(CommandContext& context, bool& value) {
  if (EqualsIgnoreCase(context.args[2], "on")) {
    value = true;
  } else if (EqualsIgnoreCase(context.args[2], "off")) {
    value = false;
  } else {
    context.Fail(protocol::errors::kSyntax);
    return false;
  }
  context.reply.Ok();
  return true;
}

void ClientNoEvict(CommandContext& context) {
  ParseOnOff(context, context.client.session().no_evict);
}
void ClientNoTouch(CommandContext& context) {
  ParseOnOff(context, context.client.session().no_touch);
}

void ClientPause(CommandContext& context) {
  PauseMode mode = PauseMode::kAll;
  if (context.args.size() > 4) return context.Fail(protocol::errors::kSyntax);
  if (context.args.size() == 4) {
    if (EqualsIgnoreCase(context.args[3], "write")) {
      mode = PauseMode::kWrite;
    } else if (!EqualsIgnoreCase(context.args[3], "all")) {
      return context.Fail(Error::Static("ERR CLIENT PAUSE mode must be WRITE or ALL"));
    }
  }
  const auto timeout_ms = ParseInt64(context.args[2]);
  if (!timeout_ms || *timeout_ms > INT64_MAX / 2) {
    return context.Fail(Error::Static("ERR timeout is not an integer or out of range"));
  }
  if (*timeout_ms < 0) return context.Fail(Error::Static("ERR timeout is negative"));
  Server& server = context.server;
  const int64_t now_ms = context.worker.now_ms();
  const bool is_paused =
      server.pause_mode() != PauseMode::kNone && server.pause_until_ms() > now_ms;
  // A pause under way is never shortened or weakened.
  if (is_paused && server.pause_mode() == PauseMode::kAll) mode = PauseMode::kAll;
  const int64_t until_ms = now_ms + *timeout_ms;
  server.SetPause(mode, is_paused ? std::max(until_ms, server.pause_until_ms()) : until_ms);
  context.reply.Ok();
}

void ClientUnpause(CommandContext& context) {
  context.server.SetPause(PauseMode::kNone, 0);
  context.reply.Ok();
}

void ClientUnblock(CommandContext& context) {
  if (context.args.size() > 4 ||
      (context.args.size() == 4 && !EqualsIgnoreCase(context.args[3], "timeout") &&
       !EqualsIgnoreCase(context.args[3], "error"))) {
    return context.Fail(Error::Static("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"));
  }
  const std::optional<int64_t> id = ParseInt64(context.args[2]);
  if (!id) return context.Fail(protocol::errors::kNotInteger);
  const bool with_error = context.args.size() == 4 && EqualsIgnoreCase(context.args[3], "error");
  const int index = ReactorOf(static_cast<ClientId>(*id));
  if (index >= context.server.reactor_count()) return context.reply.Integer(0);
  Worker& worker = *context.server.workers()[static_cast<size_t>(index)];
  const Client* const client = worker.FindClient(static_cast<ClientId>(*id));
  const BlockedRef blocked = client == nullptr ? nullptr : client->session().blocked;
  if (blocked == nullptr) return context.reply.Integer(0);
  std::string reply =
      with_error ? "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n" : blocked->TimeoutReply();
  context.reply.Integer(worker.blocked().End(blocked, std::move(reply), true) ? 1 : 0);
}

void ClientHelp(CommandContext& context) {
  constexpr std::string_view kLines[] = {
      "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "CACHING (YES|NO)",
      "    Whether the keys of the next command are remembered, with OPTIN or OPTOUT.",
      "GETREDIR",
      "    Which connection gets the invalidations: 0, this one; -1, tracking is off.",
      "TRACKINGINFO",
      "    Client-side caching of this connection.",
      "GETNAME",
      "    The name of this connection.",
      "ID",
      "    The id of this connection.",
      "INFO",
      "    A line about this connection.",
      "KILL <ip:port>",
      "    Closes the connection with that address.",
      "KILL <option> <value> [<option> <value> [...]]",
      "    Closes connections. Options: ID, ADDR, LADDR, TYPE (normal|master|replica|pubsub),",
      "    USER, MAXAGE <seconds>, SKIPME (yes|no).",
      "LIST [TYPE (normal|master|replica|pubsub)] [ID <id> [<id> ...]]",
      "    A line about each connection.",
      "NO-EVICT (ON|OFF)",
      "    Keeps this connection from being closed for memory's sake.",
      "NO-TOUCH (ON|OFF)",
      "    Keeps this connection's reads from counting as use of keys.",
      "PAUSE <timeout> [WRITE|ALL]",
      "    Holds commands back for so many milliseconds.",
      "REPLY (ON|OFF|SKIP)",
      "    Whether this connection gets replies.",
      "SETINFO (LIB-NAME|LIB-VER) <value>",
      "    Tells which client library this is.",
      "SETNAME <name>",
      "    Names this connection.",
      "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
      "         [OPTIN] [OPTOUT] [NOLOOP]",
      "    Whether this connection is told when keys that it has read change.",
      "UNBLOCK <id> [TIMEOUT|ERROR]",
      "    Ends the wait of a blocked connection.",
      "UNPAUSE",
      "    Ends CLIENT PAUSE.",
      "HELP",
      "    Print this help.",
  };
  ReplyHelp(context, kLines);
}

constexpr ArgSpec kId = {.name = "client-id", .type = ArgType::kInteger};
constexpr ArgSpec kTypes[] = {{.name = "normal", .type = ArgType::kPureToken, .token = "NORMAL"},
                              {.name = "master", .type = ArgType::kPureToken, .token = "MASTER"},
                              {.name = "replica", .type = ArgType::kPureToken, .token = "REPLICA"},
                              {.name = "pubsub", .type = ArgType::kPureToken, .token = "PUBSUB"}};
constexpr ArgSpec kListArgs[] = {{.name = "client-type",
                                  .type = ArgType::kOneOf,
                                  .token = "TYPE",
                                  .is_optional = true,
                                  .children = kTypes},
                                 {.name = "client-id",
                                  .type = ArgType::kInteger,
                                  .token = "ID",
                                  .is_optional = true,
                                  .is_multiple = true}};
constexpr ArgSpec kYesNo[] = {{.name = "yes", .type = ArgType::kPureToken, .token = "YES"},
                              {.name = "no", .type = ArgType::kPureToken, .token = "NO"}};
constexpr ArgSpec kKillOptions[] = {
    {.name = "client-id", .type = ArgType::kInteger, .token = "ID", .is_optional = true},
    {.name = "client-type",
     .type = ArgType::kOneOf,
     .token = "TYPE",
     .is_optional = true,
     .children = kTypes},
    {.name = "username", .type = ArgType::kString, .token = "USER", .is_optional = true},
    {.name = "addr", .type = ArgType::kString, .token = "ADDR", .is_optional = true},
    {.name = "laddr", .type = ArgType::kString, .token = "LADDR", .is_optional = true},
    {.name = "skipme",
     .type = ArgType::kOneOf,
     .token = "SKIPME",
     .is_optional = true,
     .children = kYesNo},
    {.name = "maxage", .type = ArgType::kInteger, .token = "MAXAGE", .is_optional = true}};
constexpr ArgSpec kKillForms[] = {
    {.name = "old-format", .type = ArgType::kString},
    {.name = "new-format", .type = ArgType::kOneOf, .is_multiple = true, .children = kKillOptions}};
constexpr ArgSpec kKillArgs[] = {
    {.name = "filter", .type = ArgType::kOneOf, .children = kKillForms}};
constexpr ArgSpec kOnOffTokens[] = {{.name = "on", .type = ArgType::kPureToken, .token = "ON"},
                                    {.name = "off", .type = ArgType::kPureToken, .token = "OFF"}};
constexpr ArgSpec kOnOffArgs[] = {
    {.name = "enabled", .type = ArgType::kOneOf, .children = kOnOffTokens}};
constexpr ArgSpec kReplyTokens[] = {{.name = "on", .type = ArgType::kPureToken, .token = "ON"},
                                    {.name = "off", .type = ArgType::kPureToken, .token = "OFF"},
                                    {.name = "skip", .type = ArgType::kPureToken, .token = "SKIP"}};
constexpr ArgSpec kReplyArgs[] = {
    {.name = "action", .type = ArgType::kOneOf, .children = kReplyTokens}};
constexpr ArgSpec kPauseTokens[] = {
    {.name = "write", .type = ArgType::kPureToken, .token = "WRITE"},
    {.name = "all", .type = ArgType::kPureToken, .token = "ALL"}};
constexpr ArgSpec kPauseArgs[] = {{.name = "timeout", .type = ArgType::kInteger},
                                  {.name = "mode",
                                   .type = ArgType::kOneOf,
                                   .is_optional = true,
                                   .since = "6.2.0",
                                   .children = kPauseTokens}};
constexpr ArgSpec kCachingArgs[] = {{.name = "mode", .type = ArgType::kOneOf, .children = kYesNo}};
constexpr ArgSpec kTrackingArgs[] = {
    {.name = "status", .type = ArgType::kOneOf, .children = kOnOffTokens},
    {.name = "client-id", .type = ArgType::kInteger, .token = "REDIRECT", .is_optional = true},
    {.name = "prefix",
     .type = ArgType::kString,
     .token = "PREFIX",
     .is_optional = true,
     .is_multiple = true,
     .is_multiple_token = true},
    {.name = "bcast", .type = ArgType::kPureToken, .token = "BCAST", .is_optional = true},
    {.name = "optin", .type = ArgType::kPureToken, .token = "OPTIN", .is_optional = true},
    {.name = "optout", .type = ArgType::kPureToken, .token = "OPTOUT", .is_optional = true},
    {.name = "noloop", .type = ArgType::kPureToken, .token = "NOLOOP", .is_optional = true}};
constexpr ArgSpec kUnblockTokens[] = {
    {.name = "timeout", .type = ArgType::kPureToken, .token = "TIMEOUT"},
    {.name = "error", .type = ArgType::kPureToken, .token = "ERROR"}};
constexpr ArgSpec kUnblockArgs[] = {kId,
                                    {.name = "unblock-type",
                                     .type = ArgType::kOneOf,
                                     .is_optional = true,
                                     .children = kUnblockTokens}};
constexpr ArgSpec kSetNameArgs[] = {{.name = "connection-name", .type = ArgType::kString}};
constexpr ArgSpec kSetInfoTokens[] = {
    {.name = "libname", .type = ArgType::kString, .token = "LIB-NAME"},
    {.name = "libver", .type = ArgType::kString, .token = "LIB-VER"}};
constexpr ArgSpec kSetInfoArgs[] = {
    {.name = "attr", .type = ArgType::kOneOf, .children = kSetInfoTokens}};

constexpr auto kOwnFlags = Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kSentinel;
constexpr auto kAllFlags = Flag::kAdmin | kOwnFlags | Flag::kExclusive;
constexpr auto kOwnAcl = Acl::kSlow | Acl::kConnection;
constexpr auto kAllAcl = Acl::kAdmin | Acl::kSlow | Acl::kDangerous | Acl::kConnection;

constexpr protocol::CommandSpec Row(std::string_view name, int arity, std::string_view since,
                                    Flag flags, Acl acl, std::string_view summary,
                                    std::span<const ArgSpec> arguments = {},
                                    std::string_view complexity = "O(1)",
                                    std::span<const std::string_view> tips = {}) {
  return {.name = name,
          .arity = arity,
          .group = Group::kConnection,
          .since = since,
          .flags = flags,
          .acl = acl,
          .parent = "client",
          .complexity = complexity,
          .summary = summary,
          .arguments = arguments,
          .tips = tips};
}

constexpr std::string_view kChanging[] = {"nondeterministic_output"};
constexpr std::string_view kPerClient = "O(N) where N is the number of connections";

constexpr Command kSubcommands[] = {
    {.spec = Row("caching", 3, "6.0.0", kOwnFlags, kOwnAcl,
                 "Chooses whether the keys of the next command are tracked.", kCachingArgs),
     .run = ClientCaching},
    {.spec = Row("getname", 2, "2.6.9", kOwnFlags, kOwnAcl, "Returns the name of the connection."),
     .run = ClientGetName},
    {.spec = Row("getredir", 2, "6.0.0", kOwnFlags, kOwnAcl,
                 "Returns where invalidations of the connection go."),
     .run = ClientGetRedir},
    {.spec = Row("help", 2, "5.0.0", Flag::kLoading | Flag::kStale | Flag::kSentinel, kOwnAcl,
                 "Tells about the subcommands."),
     .run = ClientHelp},
    {.spec = Row("id", 2, "5.0.0", kOwnFlags, kOwnAcl, "Returns the id of the connection."),
     .run = ClientIdOf},
    {.spec = Row("info", 2, "6.2.0", kOwnFlags, kOwnAcl, "Returns a line about the connection.", {},
                 "O(1)", kChanging),
     .run = ClientInfo},
    {.spec =
         Row("kill", -3, "2.4.0", kAllFlags, kAllAcl, "Closes connections.", kKillArgs, kPerClient),
     .run = ClientKill},
    {.spec = Row("list", -2, "2.4.0", kAllFlags, kAllAcl, "Lists connections.", kListArgs,
                 kPerClient, kChanging),
     .run = ClientList},
    {.spec = Row("no-evict", 3, "7.0.0", Flag::kAdmin | kOwnFlags, kAllAcl,
                 "Keeps the connection from being closed for memory's sake.", kOnOffArgs),
     .run = ClientNoEvict},
    {.spec = Row("no-touch", 3, "7.2.0", kOwnFlags, kOwnAcl,
                 "Keeps the connection's reads from counting as use of keys.", kOnOffArgs),
     .run = ClientNoTouch},
    {.spec = Row("pause", -3, "3.0.0", kAllFlags, kAllAcl, "Holds commands back for a while.",
                 kPauseArgs),
     .run = ClientPause},
    {.spec = Row("reply", 3, "3.2.0", kOwnFlags, kOwnAcl, "Chooses whether replies are sent.",
                 kReplyArgs),
     .run = ClientReply},
    {.spec = Row("setinfo", 4, "7.2.0", kOwnFlags, kOwnAcl,
                 "Tells name or version of the client library.", kSetInfoArgs),
     .run = ClientSetInfo},
    {.spec = Row("setname", 3, "2.6.9", kOwnFlags, kOwnAcl, "Names the connection.", kSetNameArgs),
     .run = ClientSetName},
    {.spec = Row("tracking", -3, "6.0.0", kOwnFlags, kOwnAcl,
                 "Turns client-side caching of the connection on or off.", kTrackingArgs),
     .run = ClientTracking,
     .needs_everything = RedirectsTracking},
    {.spec = Row("trackinginfo", 2, "6.2.0", kOwnFlags, kOwnAcl,
                 "Tells about client-side caching of the connection."),
     .run = ClientTrackingInfo},
    {.spec = Row("unblock", -3, "5.0.0", kAllFlags, kAllAcl,
                 "Ends the wait of a blocked connection.", kUnblockArgs),
     .run = ClientUnblock},
    {.spec = Row("unpause", 2, "6.2.0", kAllFlags, kAllAcl, "Ends CLIENT PAUSE.", {},
                 "O(N) where N is the number of paused connections"),
     .run = ClientUnpause},
};

constexpr Command kRows[] = {
    {.spec = {.name = "client",
              .arity = -2,
              .group = Group::kConnection,
              .since = "2.4.0",
              .acl = Acl::kSlow,
              .complexity = "Depends on subcommand.",
              .summary = "A container for commands about connections."},
     .subcommands = kSubcommands},
};

}  // namespace

std::string DescribeClient(const Client& client, int64_t now_us) {
  const Session& session = client.session();
  const bool has_texts = session.texts != nullptr;
  const bool in_multi = session.multi != nullptr && session.multi->is_open;
  return fmt::format(
      "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} "
      "multi={} qbuf={} qbuf-free={} argv-mem=0 multi-mem={} rbs=0 rbp=0 obl=0 oll={} omem={} "
      "tot-mem={} "
      "events={} cmd={} user={} redir={} resp={} lib-name={} lib-ver={}",
      client.id(), client.PeerAddress(), client.LocalAddress(), client.fd(), session.name(),
      std::max<int64_t>(now_us - session.created_us, 0) / 1'000'000,
      std::max<int64_t>(now_us - session.last_active_us, 0) / 1'000'000, FlagsOf(client),
      session.db, client.subscriptions(Space::kChannel).size(),
      client.subscriptions(Space::kPattern).size(), client.subscriptions(Space::kShard).size(),
      in_multi ? static_cast<int64_t>(session.multi->commands.size()) : -1, client.input_bytes(),
      client.input_capacity() - client.input_bytes(),
      session.multi ? session.multi->MemoryBytes() : 0, client.output().segments(),
      client.output().bytes(), client.MemoryBytes(), client.output().empty() ? "r" : "rw",
      session.last_command != nullptr ? session.last_command->full_name : "NULL",
      session.account->name, RedirectOf(session.tracker), static_cast<int>(client.resp()),
      has_texts ? session.texts->lib_name : "", has_texts ? session.texts->lib_version : "");
}

std::span<const Command> ClientCommands() { return kRows; }

}  // namespace peal::broker
