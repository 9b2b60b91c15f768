// The tables `redis` and `server`. Source: "Redis Lua API reference"; texts from redis-server
// 7.0.15.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>

#include "broker/exec/audit_trail.h"
#include "broker/exec/client.h"
#include "broker/exec/command.h"
#include "broker/exec/command_table.h"
#include "broker/exec/keys.h"
#include "broker/exec/multi.h"
#include "broker/exec/rights.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "broker/exec/worker.h"
#include "broker/log/log.h"
#include "broker/metrics/redis_version.h"
#include "broker/scripts/engine.h"
#include "broker/scripts/functions.h"
#include "broker/scripts/scripts.h"
#include "protocol/base/check.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

using protocol::Flag;
using protocol::RespVersion;

// redis.call's error for a command that does not get as far as its function.
constexpr std::string_view kUnknownCommand = "Unknown Redis command called from script";
constexpr std::string_view kWrongArity = "Wrong number of args calling Redis command from script";
constexpr std::string_view kNotAllowed = "This Redis command is not allowed from script";
constexpr std::string_view kForbiddenCommand =
    "The user executing the script can't run this command or subcommand";
constexpr std::string_view kForbiddenKey =
    "The user executing the script can't access at least one of the keys mentioned in the command "
    "arguments";
constexpr std::string_view kForbiddenChannel =
    "The user executing the script can't publish to the channel mentioned in the command";
constexpr std::string_view kReadOnly = "Write commands are not allowed from read-only scripts.";
constexpr std::string_view kNotStrings =
    "Lua redis lib command arguments must be strings or integers";
constexpr std::string_view kNoArguments =
    "Please specify at least one argument for this redis lib call";
constexpr std::string_view kTooLarge =
    "The arguments of one call are larger together than client-query-buffer-limit";
// Scripts that log in a loop must not fill the disk.
constexpr int kLinesPerSecond = 100;

/// The arguments on the stack as those of a command. They stay valid while they are on the stack.
/// The error's text, or empty. Together they are bounded as those of a request are: one large
/// string may stand there thousands of times. While a script runs.
std::string_view TakeArguments(lua_State* lua, LuaEngine& engine) {
  const uint64_t most_bytes = engine.run()->context.server.config().client_query_buffer_limit;
  auto& args = engine.call_args();
  auto& digits = engine.call_digits();
  args.clear();
  digits.clear();
  const int count = lua_gettop(lua);
  if (count == 0) return kNoArguments;
  // First all numbers, so that the buffer of their digits no longer moves when it is pointed to.
  constexpr size_t kMostDigits = 32;
  size_t numbers = 0;
  uint64_t bytes = 0;
  for (int i = 1; i <= count; ++i) {
    const int type = lua_type(lua, i);
    if (type == LUA_TNUMBER) {
      ++numbers;
    } else if (type != LUA_TSTRING) {
      return kNotStrings;
    }
  }
  digits.resize(numbers * kMostDigits);
  char* at = digits.data();
  for (int i = 1; i <= count; ++i) {
    if (lua_type(lua, i) == LUA_TSTRING) {
      size_t size = 0;
      const char* const data = lua_tolstring(lua, i, &size);
      bytes += size;
      if (bytes > most_bytes) return kTooLarge;
      args.emplace_back(data, size);
      continue;
    }
    const lua_Number number = lua_tonumber(lua, i);
    size_t size = 0;
    if (number == std::trunc(number) && std::abs(number) < 1e15 &&
        (number != 0 || !std::signbit(number))) {
      size = static_cast<size_t>(protocol::FormatInt(at, static_cast<int64_t>(number)) - at);
    } else {
      size = static_cast<size_t>(std::snprintf(at, kMostDigits, "%.17g", number));
    }
    args.emplace_back(at, size);
    at += kMostDigits;
  }
  return {};
}

std::string_view ForbiddenTo(AclVerdict verdict) {
  if (verdict.denied == Denied::kKey) return kForbiddenKey;
  return verdict.denied == Denied::kChannel ? kForbiddenChannel : kForbiddenCommand;
}

/// What forbids the command in this run; empty if nothing does.
std::string_view WhatForbids(const ScriptRun& run, const TableEntry* entry,
                             std::span<const std::string_view> args) {
  const TableEntry* const container = entry;
  if (entry != nullptr && !entry->subcommands.empty() && args.size() > 1) {
    entry = CommandTable::Resolve(entry, args);
  }
  if (entry == nullptr) return kUnknownCommand;
  const auto count = static_cast<int>(args.size());
  if ((entry->arity > 0 && count != entry->arity) || count < -entry->arity) return kWrongArity;
  if (entry->command->run == nullptr) return container == entry ? kWrongArity : kUnknownCommand;
  if (entry->Has(Flag::kNoScript)) return kNotAllowed;
  // Scripts have the rights of whoever runs them.
  const Client& client = run.context.client;
  if (const AclVerdict verdict = CheckRights(client, *entry, args); !verdict.ok()) {
    NoteRefusal(run.context.worker, client, *entry, args, verdict, AclLog::Context::kLua);
    return ForbiddenTo(verdict);
  }
  if (const protocol::Error* refused = RefuseUnaudited(run.context.worker, *entry, args)) {
    return refused->text().substr(std::string_view("ERR ").size());
  }
  const bool may_change = entry->Has(Flag::kWrite) || entry->Has(Flag::kMayReplicate);
  if (run.call.is_read_only && may_change) return kReadOnly;
  return {};
}

/// Whether a run that is repeated may call the command both times.
bool OnlyLooks(const TableEntry& entry) {
  if (entry.Has(Flag::kWrite) || entry.Has(Flag::kMayReplicate)) return false;
  return entry.Has(Flag::kReadonly) || entry.full_name == "time" || entry.full_name == "select" ||
         entry.full_name == "ping" || entry.full_name == "echo";
}

bool IsAmong(std::span<const std::string_view> keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

/// Sees to it that the unit holds what the command touches, and notes whether the script keeps to
/// its keys.
void HoldKeys(lua_State* lua, LuaEngine& engine, ScriptRun& run, const TableEntry& entry,
              std::span<const std::string_view> args) {
  Unit& unit = run.context.unit;
  if (unit.is_exclusive()) {
    if (run.has_strayed || !run.call.HasFewKeys() || !run.call.conduct->IsOnTrial()) return;
    run.has_strayed = LooksAtEverything(entry, args);
    ForEachKey(entry, args, [&run](std::string_view key) {
      run.has_strayed = run.has_strayed || !IsAmong(run.call.keys, key);
    });
    return;
  }
  bool is_enough = !LooksAtEverything(entry, args);
  ForEachKey(entry, args, [&](std::string_view key) {
    if (!is_enough || unit.Holds(key)) [[likely]]
      return;
    run.call.conduct->Distrust();
    is_enough = unit.TryAddKey(key);
  });
  if (!is_enough) engine.TakeEverything(lua, true);
}

/// Runs the command on the stack; its reply is in the engine's buffer. False: an error instead,
/// which is pushed.
bool CallCommand(lua_State* lua, LuaEngine& engine) {
  ScriptRun* const run = engine.run();
  if (run == nullptr) {
    PushError(lua, "redis.call/pcall can only be called inside a script invocation");
    return false;
  }
  engine.Charge(lua, 1000);
  if (const std::string_view error = TakeArguments(lua, engine); !error.empty()) {
    PushError(lua, error);
    return false;
  }
  CommandContext& outer = run->context;
  const std::span<const std::string_view> args = engine.call_args();
  const TableEntry* entry = outer.server.commands().Find(args[0]);
  const std::string_view forbidden = WhatForbids(*run, entry, args);
  if (!forbidden.empty()) {
    outer.worker.stats().CountError("ERR");
    PushError(lua, forbidden, true);
    return false;
  }
  entry = CommandTable::Resolve(entry, args);
  if (outer.worker.is_out_of_memory() && entry->Has(Flag::kDenyOom) && !run->call.allows_oom &&
      outer.unit.changes() == run->changes_before) {
    outer.worker.stats().CountError("OOM");
    const std::string text = "-" + std::string(protocol::errors::kOom.text());
    PushError(lua, text, true);
    return false;
  }
  HoldKeys(lua, engine, *run, *entry, args);
  ScriptsState& scripts = outer.server.scripts();
  scripts.BeginCommand(*run);
  // Nobody can end the script any more until the command has run. Who was told that it will be must
  // not find anything written afterwards.
  if (scripts.IsToEnd(*run)) {
    scripts.EndCommand(*run);
    engine.Look(lua);
  }
  if (entry->Has(Flag::kWrite)) scripts.NoteWrite(*run);
  if (!OnlyLooks(*entry)) run->has_acted = true;
  protocol::StringSink& sink = engine.inner_reply();
  sink.Clear();
  protocol::ReplyWriter reply(sink, run->resp);
  outer.unit.set_db(outer.client.session().db);
  CommandContext inner{.server = outer.server,
                       .worker = outer.worker,
                       .client = outer.client,
                       .command = *entry->command,
                       .args = args,
                       .reply = reply,
                       .unit = outer.unit,
                       .in_exec = true,
                       .in_script = true};
  outer.worker.Run(inner, *entry);
  scripts.EndCommand(*run);
  return true;
}

int CallOrRaise(lua_State* lua, bool raises) {
  LuaEngine& engine = LuaEngine::Of(lua);
  if (!CallCommand(lua, engine)) return raises ? lua_error(lua) : 1;
  const std::string_view reply = engine.inner_reply().view();
  engine.Charge(lua, reply.size());
  const char* at = reply.data();
  const bool is_error = reply.starts_with('-');
  lua_settop(lua, 0);
  PushReply(lua, at);
  PEAL_DCHECK(at == reply.data() + reply.size());
  return is_error && raises ? lua_error(lua) : 1;
}

int Call(lua_State* lua) { return CallOrRaise(lua, true); }
int PCall(lua_State* lua) { return CallOrRaise(lua, false); }

int ErrorReply(lua_State* lua) {
  if (lua_gettop(lua) != 1 || lua_type(lua, -1) != LUA_TSTRING) {
    PushError(lua, "wrong number or type of arguments");
    return 1;
  }
  size_t size = 0;
  const char* const data = lua_tolstring(lua, 1, &size);
  std::string text(data, size);
  if (!text.starts_with('-')) text.insert(0, 1, '-');
  PushError(lua, text);
  return 1;
}

int StatusReply(lua_State* lua) {
  if (lua_gettop(lua) != 1 || lua_type(lua, -1) != LUA_TSTRING) {
    PushError(lua, "wrong number or type of arguments");
    return 1;
  }
  lua_createtable(lua, 0, 1);
  lua_pushvalue(lua, 1);
  lua_setfield(lua, -2, "ok");
  return 1;
}

int Sha1(lua_State* lua) {
  if (lua_gettop(lua) != 1) return RaiseError(lua, "wrong number of arguments");
  size_t size = 0;
  const char* const data = lua_tolstring(lua, 1, &size);
  LuaEngine::Of(lua).Charge(lua, size * 2);
  const std::string hex = Sha1Hex({data == nullptr ? "" : data, size});
  lua_pushlstring(lua, hex.data(), hex.size());
  return 1;
}

int WriteLog(lua_State* lua) {
  const int count = lua_gettop(lua);
  if (count < 2) return RaiseError(lua, "redis.log() requires two arguments or more.");
  if (lua_isnumber(lua, 1) == 0) {
    return RaiseError(lua, "First argument must be a number (log level).");
  }
  const auto level = static_cast<int>(lua_tonumber(lua, 1));
  if (level < 0 || level > 3) return RaiseError(lua, "Invalid debug level.");
  std::string line;
  for (int i = 2; i <= count; ++i) {
    size_t size = 0;
    const char* const data = lua_tolstring(lua, i, &size);
    if (data == nullptr) continue;
    if (i != 2) line += ' ';
    line.append(data, std::min<size_t>(size, 1024));
  }
  // Scripts quote what clients send: one line stays one line.
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  constexpr LogLevel kLevels[] = {LogLevel::kDebug, LogLevel::kVerbose, LogLevel::kNotice,
                                  LogLevel::kWarning};
  if (ScriptRun* const run = LuaEngine::Of(lua).run()) run->has_acted = true;
  static RateLimitedLog limited[] = {
      RateLimitedLog(kLevels[0], kLinesPerSecond), RateLimitedLog(kLevels[1], kLinesPerSecond),
      RateLimitedLog(kLevels[2], kLinesPerSecond), RateLimitedLog(kLevels[3], kLinesPerSecond)};
  limited[level].Write("script: {}", line);
  return 0;
}

int SetResp(lua_State* lua) {
  if (lua_gettop(lua) != 1) return RaiseError(lua, "redis.setresp() requires one argument.");
  const lua_Number version = lua_tonumber(lua, 1);
  if (version != 2 && version != 3) return RaiseError(lua, "RESP version must be 2 or 3.");
  if (ScriptRun* const run = LuaEngine::Of(lua).run()) {
    run->resp = version == 2 ? RespVersion::k2 : RespVersion::k3;
  }
  return 0;
}

int SetRepl(lua_State* lua) {
  if (lua_gettop(lua) != 1) return RaiseError(lua, "redis.set_repl() requires two arguments.");
  const lua_Number wanted = lua_tonumber(lua, 1);
  const int flags = wanted >= -1 && wanted < 100 ? static_cast<int>(wanted) : -1;
  if ((flags & ~kReplAll) != 0) {
    return RaiseError(lua,
                      "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or "
                      "REPL_NONE.");
  }
  if (ScriptRun* const run = LuaEngine::Of(lua).run()) {
    run->repl = flags;
    // One log serves replicas and the append-only file alike.
    run->context.unit.MuteEffects(flags == kReplNone);
  }
  return 0;
}

int ReplicateCommands(lua_State* lua) {
  lua_pushboolean(lua, 1);
  return 1;
}

int Breakpoint(lua_State* lua) {
  lua_pushboolean(lua, 0);
  return 1;
}

int Debug(lua_State* /*lua*/) { return 0; }

int AclCheck(lua_State* lua) {
  LuaEngine& engine = LuaEngine::Of(lua);
  ScriptRun* const run = engine.run();
  if (run == nullptr) {
    return RaiseError(lua, "redis.acl_check_cmd can only be called inside a script invocation");
  }
  if (const std::string_view error = TakeArguments(lua, engine); !error.empty()) {
    return RaiseError(lua, error);
  }
  const std::span<const std::string_view> args = engine.call_args();
  const TableEntry* entry = run->context.server.commands().Find(args[0]);
  if (entry != nullptr) entry = CommandTable::Resolve(entry, args);
  if (entry == nullptr) return RaiseError(lua, "Invalid command passed to redis.acl_check_cmd()");
  lua_pushboolean(lua, CheckRights(run->context.client, *entry, args).ok() ? 1 : 0);
  return 1;
}

// ---------------------------------------------------------------- register_function

/// The flags in the table at `index`; raises an error for one that is unknown.
uint32_t CheckFlags(lua_State* lua, int index) {
  uint32_t flags = 0;
  for (int i = 1;; ++i) {
    lua_rawgeti(lua, index, i);
    if (lua_type(lua, -1) != LUA_TSTRING) {
      const bool is_end = lua_isnil(lua, -1);
      lua_pop(lua, 1);
      if (is_end) return flags;
      RaiseError(lua, "unknown flag given");
    }
    const uint32_t flag = ScriptFlagOf(lua_tostring(lua, -1));
    if (flag == 0) RaiseError(lua, "unknown flag given");
    flags |= flag;
    lua_pop(lua, 1);
  }
}

/// Takes the named arguments of the table at 1; leaves the callback on top.
void TakeNamed(lua_State* lua, RegisteredFunction& function) {
  bool has_name = false;
  bool has_callback = false;
  lua_settop(lua, 1);
  lua_pushnil(lua);  // at 2: the callback
  lua_pushnil(lua);
  while (lua_next(lua, 1) != 0) {
    if (lua_type(lua, -2) != LUA_TSTRING) {
      RaiseError(lua, "named argument key given to redis.register_function is not a string");
    }
    const std::string key = lua_tostring(lua, -2);
    if (key == "function_name") {
      if (lua_type(lua, -1) != LUA_TSTRING) {
        RaiseError(lua, "function_name argument given to redis.register_function must be a string");
      }
      function.name = lua_tostring(lua, -1);
      has_name = true;
    } else if (key == "description") {
      if (lua_type(lua, -1) != LUA_TSTRING) {
        RaiseError(lua, "description argument given to redis.register_function must be a string");
      }
      function.description = lua_tostring(lua, -1);
    } else if (key == "callback") {
      if (lua_type(lua, -1) != LUA_TFUNCTION) {
        RaiseError(lua, "callback argument given to redis.register_function must be a function");
      }
      lua_pushvalue(lua, -1);
      lua_replace(lua, 2);
      has_callback = true;
    } else if (key == "flags") {
      if (lua_type(lua, -1) != LUA_TTABLE) {
        RaiseError(lua,
                   "flags argument to redis.register_function must be a table representing "
                   "function flags");
      }
      function.flags = CheckFlags(lua, lua_gettop(lua));
    } else {
      RaiseError(lua, "unknown argument given to redis.register_function");
    }
    lua_pop(lua, 1);
  }
  if (!has_name) {
    RaiseError(lua, "redis.register_function must get a function name argument");
  }
  if (!has_callback) RaiseError(lua, "redis.register_function must get a callback argument");
}

int RegisterFunction(lua_State* lua) {
  LuaEngine& engine = LuaEngine::Of(lua);
  FunctionLibrary* const library = engine.loading();
  if (library == nullptr) {
    return RaiseError(lua, "redis.register_function can only be called on FUNCTION LOAD command");
  }
  const int count = lua_gettop(lua);
  if (count < 1 || count > 2) {
    return RaiseError(lua, "wrong number of arguments to redis.register_function");
  }
  RegisteredFunction function;
  if (count == 1) {
    if (!lua_istable(lua, 1)) {
      return RaiseError(lua,
                        "calling redis.register_function with a single argument is only applicable "
                        "to Lua table (representing named arguments).");
    }
    TakeNamed(lua, function);
  } else {
    if (lua_isstring(lua, 1) == 0) {
      return RaiseError(lua, "first argument to redis.register_function must be a string");
    }
    function.name = lua_tostring(lua, 1);
    if (!lua_isfunction(lua, 2)) {
      return RaiseError(lua, "second argument to redis.register_function must be a function");
    }
  }
  if (!IsFunctionName(function.name)) return RaiseError(lua, kBadFunctionName);
  for (const RegisteredFunction& other : library->functions) {
    if (other.name == function.name) {
      return RaiseError(lua, "Function already exists in the library");
    }
  }
  lua_settop(lua, 2);
  engine.KeepFunction(lua, function.name);
  library->functions.push_back(std::move(function));
  return 0;
}

}  // namespace

void AddRedisLibrary(lua_State* lua, RedisTable which) {
  constexpr luaL_Reg kCalls[] = {
      {"call", Call},
      {"pcall", PCall},
      {"error_reply", ErrorReply},
      {"status_reply", StatusReply},
      {"sha1hex", Sha1},
      {"setresp", SetResp},
      {"set_repl", SetRepl},
      {"acl_check_cmd", AclCheck},
  };
  constexpr luaL_Reg kScriptsOnly[] = {
      {"replicate_commands", ReplicateCommands}, {"breakpoint", Breakpoint}, {"debug", Debug}};
  struct Constant {
    const char* name;
    int value;
  };
  constexpr Constant kLevels[] = {
      {"LOG_DEBUG", 0}, {"LOG_VERBOSE", 1}, {"LOG_NOTICE", 2}, {"LOG_WARNING", 3}};
  constexpr Constant kRepl[] = {{"REPL_NONE", kReplNone},
                                {"REPL_AOF", kReplAof},
                                {"REPL_SLAVE", kReplReplica},
                                {"REPL_REPLICA", kReplReplica},
                                {"REPL_ALL", kReplAll}};
  const auto add = [lua](const luaL_Reg& each) {
    lua_pushcfunction(lua, each.func);
    lua_setfield(lua, -2, each.name);
  };
  const auto add_constant = [lua](const Constant& each) {
    lua_pushinteger(lua, each.value);
    lua_setfield(lua, -2, each.name);
  };
  add({"log", WriteLog});
  for (const Constant& each : kLevels) add_constant(each);
  add_constant({"REDIS_VERSION_NUM", kRedisVersionNumber});
  lua_pushlstring(lua, kRedisVersion.data(), kRedisVersion.size());
  lua_setfield(lua, -2, "REDIS_VERSION");
  if (which == RedisTable::kLoad) return add({"register_function", RegisterFunction});
  for (const luaL_Reg& each : kCalls) add(each);
  for (const Constant& each : kRepl) add_constant(each);
  if (which != RedisTable::kScript) return;
  for (const luaL_Reg& each : kScriptsOnly) add(each);
}

}  // namespace peal::broker
