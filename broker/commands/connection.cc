// PING, ECHO, AUTH, HELLO, SELECT, QUIT, RESET. Source of the replies: Redis 7.2.
#include <optional>
#include <string>
#include <utility>

#include "broker/auth/authenticator.h"
#include "broker/exec/auth_guard.h"
#include "broker/exec/client.h"
#include "broker/exec/command.h"
#include "broker/exec/leave.h"
#include "broker/exec/multi.h"
#include "broker/exec/rights.h"
#include "broker/exec/server.h"
#include "broker/exec/worker.h"
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
using protocol::RespVersion;

// What clients that look at the version are told; they choose features by it.
constexpr std::string_view kRedisVersion = "7.2.4";

void Ping(CommandContext& context) {
  if (context.args.size() > 2) {
    return context.Fail(Error::Static("ERR wrong number of arguments for 'ping' command"));
  }
  const bool has_text = context.args.size() == 2;
  if (context.client.resp() == RespVersion::k2 && context.client.IsSubscribed()) {
    // A RESP2 subscriber only reads arrays.
    context.reply.Array(2);
    context.reply.Bulk("pong");
    context.reply.Bulk(has_text ? context.args[1] : std::string_view());
  } else if (has_text) {
    context.reply.Bulk(context.args[1]);
  } else {
    context.reply.Simple("PONG");
  }
}

void Echo(CommandContext& context) { context.reply.Bulk(context.args[1]); }

void Quit(CommandContext& context) {
  context.reply.Ok();
  context.client.CloseAfterFlush();
}

void Select(CommandContext& context) {
  auto args = context.reader();
  const int64_t db = args.Int64();
  if (!args.Done()) return context.Fail(args.TakeError());
  if (db < INT32_MIN || db > INT32_MAX) {
    return context.Fail(protocol::errors::kInt32OutOfRange);
  }
  if (db < 0 || db >= static_cast<int64_t>(context.server.config().databases)) {
    return context.Fail(protocol::errors::kDbOutOfRange);
  }
  context.client.session().db = static_cast<uint32_t>(db);
  context.reply.Ok();
}

void Reset(CommandContext& context) {
  Client& client = context.client;
  Session& session = client.session();
  DiscardMulti(session);
  if (session.is_monitor) {
    session.is_monitor = false;
    context.server.monitor_count().fetch_sub(1, std::memory_order_relaxed);
  }
  if (session.tracker != nullptr) context.worker.tracking_port().Disable(*session.tracker);
  session.db = 0;
  session.reply_mode = ReplyMode::kOn;
  session.no_evict = false;
  session.no_touch = false;
  LogOut(context.server, client);
  session.stranger_since_us = context.worker.reactor().turn_us();
  if (session.texts) session.texts->name.clear();
  client.set_resp(RespVersion::k2);
  LeaveAllAndReply(context, "RESET");
}

std::optional<Error> Authenticate(CommandContext& context, std::string_view user,
                                  std::string_view secret) {
  if (auto refused = RefuseAttempt(context.client)) return refused;
  LoginOutcome outcome =
      context.server.authentication().LogIn(user, secret, context.worker.now_ms());
  if (outcome.account == nullptr) {
    NoteFailedAttempt(context.client, outcome.reason);
    NoteFailedLogin(context.worker, context.client, user, context.args[0], outcome.reason);
    if (context.failure != nullptr) context.failure->reason = outcome.reason;
    return protocol::errors::kWrongPass;
  }
  LogIn(context.client, std::move(outcome.account), outcome.expires_ms);
  return std::nullopt;
}

void Auth(CommandContext& context) {
  if (context.args.size() > 3) return context.Fail(protocol::errors::kSyntax);
  const AclUser& default_user = *context.server.acl().default_account()->user;
  if (context.args.size() == 2 && default_user.rules().needs_no_password) {
    return context.Fail(protocol::errors::kAuthWithoutPassword);
  }
  const bool has_user = context.args.size() == 3;
  const auto refused =
      Authenticate(context, has_user ? context.args[1] : "default", context.args[has_user ? 2 : 1]);
  if (refused) return context.Fail(*refused);
  context.reply.Ok();
}

bool IsValidName(std::string_view name) {
  for (const char c : name) {
    if (c < '!' || c > '~') return false;
  }
  return true;
}

void Hello(CommandContext& context) {
  Client& client = context.client;
  Session& session = client.session();
  std::optional<RespVersion> version;
  size_t at = 1;
  if (context.args.size() > 1) {
    const auto number = protocol::ParseInt64(context.args[1]);
    if (!number) {
      return context.Fail(Error::Static("ERR Protocol version is not an integer or out of range"));
    }
    if (*number != 2 && *number != 3) return context.Fail(protocol::errors::kNoProto);
    version = *number == 2 ? RespVersion::k2 : RespVersion::k3;
    at = 2;
  }
  std::optional<std::string_view> user;
  std::string_view password;
  std::optional<std::string_view> name;
  while (at < context.args.size()) {
    const size_t left = context.args.size() - at - 1;
    if (EqualsIgnoreCase(context.args[at], "auth") && left >= 2) {
      user = context.args[at + 1];
      password = context.args[at + 2];
      at += 3;
    } else if (EqualsIgnoreCase(context.args[at], "setname") && left >= 1) {
      name = context.args[at + 1];
      at += 2;
    } else {
      return context.Fail(
          Error::Owned("ERR Syntax error in HELLO option '" + std::string(context.args[at]) + "'"));
    }
  }
  if (name && !IsValidName(*name)) {
    return context.Fail(
        Error::Static("ERR Client names cannot contain spaces, newlines or special characters."));
  }
  if (user) {
    if (const auto refused = Authenticate(context, *user, password)) return context.Fail(*refused);
  }
  if (MustLogIn(context.server, client)) {
    return context.Fail(
        Error::Static("NOAUTH HELLO must be called with the client already authenticated, "
                      "otherwise the HELLO <proto> "
                      "AUTH <user> <pass> option can be used to authenticate the client and select "
                      "the RESP protocol "
                      "version at the same time"));
  }
  if (name) session.EnsureTexts().name = *name;
  if (version) {
    client.set_resp(*version);
    context.reply = protocol::ReplyWriter(context.reply.sink(), *version);
  }
  context.reply.Map(7);
  context.reply.Bulk("server");
  context.reply.Bulk("redis");  // clients compare it
  context.reply.Bulk("version");
  context.reply.Bulk(kRedisVersion);
  context.reply.Bulk("proto");
  context.reply.Integer(static_cast<int>(client.resp()));
  context.reply.Bulk("id");
  context.reply.Integer(static_cast<int64_t>(client.id()));
  context.reply.Bulk("mode");
  context.reply.Bulk("standalone");
  context.reply.Bulk("role");
  context.reply.Bulk("master");
  context.reply.Bulk("modules");
  context.reply.Array(0);
}

constexpr ArgSpec kOptionalMessage[] = {
    {.name = "message", .type = ArgType::kString, .is_optional = true}};
constexpr ArgSpec kMessage[] = {{.name = "message", .type = ArgType::kString}};
constexpr ArgSpec kIndex[] = {{.name = "index", .type = ArgType::kInteger}};
constexpr ArgSpec kAuthArgs[] = {
    {.name = "username", .type = ArgType::kString, .is_optional = true, .since = "6.0.0"},
    {.name = "password", .type = ArgType::kString}};
constexpr ArgSpec kHelloAuth[] = {{.name = "username", .type = ArgType::kString},
                                  {.name = "password", .type = ArgType::kString}};
constexpr ArgSpec kHelloOptions[] = {
    {.name = "protover", .type = ArgType::kInteger},
    {.name = "auth",
     .type = ArgType::kBlock,
     .token = "AUTH",
     .is_optional = true,
     .children = kHelloAuth},
    {.name = "clientname", .type = ArgType::kString, .token = "SETNAME", .is_optional = true}};
constexpr ArgSpec kHelloArgs[] = {
    {.name = "arguments", .type = ArgType::kBlock, .is_optional = true, .children = kHelloOptions}};

constexpr std::string_view kPingTips[] = {"request_policy:all_shards",
                                          "response_policy:all_succeeded"};

constexpr auto kConnectionFlags = Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kFast |
                                  Flag::kNoAuth | Flag::kSentinel | Flag::kAllowBusy;

constexpr Command kRows[] = {
    {.spec = {.name = "auth",
              .arity = -2,
              .group = Group::kConnection,
              .since = "1.0.0",
              .flags = kConnectionFlags,
              .acl = Acl::kFast | Acl::kConnection,
              .audit = protocol::Audit::kAuth,
              .complexity = "O(N) where N is the number of passwords of the user",
              .summary = "Authenticates the connection.",
              .arguments = kAuthArgs},
     .run = Auth},
    {.spec = {.name = "echo",
              .arity = 2,
              .group = Group::kConnection,
              .since = "1.0.0",
              .flags = Flag::kLoading | Flag::kStale | Flag::kFast,
              .acl = Acl::kFast | Acl::kConnection,
              .complexity = "O(1)",
              .summary = "Returns what it was given.",
              .arguments = kMessage},
     .run = Echo},
    {.spec = {.name = "hello",
              .arity = -1,
              .group = Group::kConnection,
              .since = "6.0.0",
              .flags = kConnectionFlags,
              .acl = Acl::kFast | Acl::kConnection,
              .audit = protocol::Audit::kAuth,  // with AUTH only
              .complexity = "O(1)",
              .summary =
                  "Shakes hands: chooses the protocol, may authenticate and name the connection.",
              .arguments = kHelloArgs},
     .run = Hello},
    {.spec = {.name = "ping",
              .arity = -1,
              .group = Group::kConnection,
              .since = "1.0.0",
              .flags = Flag::kFast | Flag::kSentinel | Flag::kSubscriberOk,
              .acl = Acl::kFast | Acl::kConnection,
              .complexity = "O(1)",
              .summary = "Tells that the server is alive.",
              .arguments = kOptionalMessage,
              .tips = kPingTips},
     .run = Ping},
    {.spec = {.name = "quit",
              .arity = -1,
              .group = Group::kConnection,
              .since = "1.0.0",
              .flags = kConnectionFlags | Flag::kSubscriberOk,
              .acl = Acl::kFast | Acl::kConnection,
              .complexity = "O(1)",
              .summary = "Closes the connection.",
              .deprecated_since = "7.2.0",
              .replaced_by = "just closing the connection"},
     .run = Quit},
    {.spec = {.name = "reset",
              .arity = 1,
              .group = Group::kConnection,
              .since = "6.2.0",
              .flags = kConnectionFlags | Flag::kSubscriberOk,
              .acl = Acl::kFast | Acl::kConnection,
              .complexity = "O(1)",
              .summary = "Puts the connection back to how it began."},
     .run = Reset},
    {.spec = {.name = "select",
              .arity = 2,
              .group = Group::kConnection,
              .since = "1.0.0",
              .flags = Flag::kLoading | Flag::kStale | Flag::kFast,
              .acl = Acl::kFast | Acl::kConnection,
              .complexity = "O(1)",
              .summary = "Chooses the database.",
              .arguments = kIndex},
     .run = Select},
};

}  // namespace

std::span<const Command> ConnectionCommands() { return kRows; }

}  // namespace peal::broker
