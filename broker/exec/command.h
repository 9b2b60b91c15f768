#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "protocol/command/arg_reader.h"
#include "protocol/command/spec.h"
#include "protocol/resp/encode.h"

namespace peal::broker {

class Client;
class Server;
class Unit;
class Worker;
struct Command;

/// Why a command failed, for the audit log.
struct Failure {
  std::string error;   // as the client was told
  std::string reason;  // what it was not told; mostly empty
};

/// One execution of a command: everything its function may use. Lives on the stack of the
/// dispatcher.
struct CommandContext {
  Server& server;
  Worker& worker;
  Client& client;
  const Command& command;
  /// args[0] is the name as the client wrote it (for a subcommand args[1] is its name).
  std::span<const std::string_view> args;
  /// Where the one reply goes. A function writes exactly one reply, except where the contract says
  /// otherwise (the acknowledgements of SUBSCRIBE and its kin).
  protocol::ReplyWriter& reply;
  /// The store, with the stripes of the command's keys held, or everything (kExclusive, or inside
  /// such an EXEC). Always there; commands without keys have no stripe and must not look at keys.
  Unit& unit;
  /// Part of an EXEC: blocking and stream-breaking forms are refused.
  bool in_exec = false;
  /// CLIENT REPLY keeps the reply back.
  bool is_silent = false;
  /// A script's redis.call: the script is the client's command, not this.
  bool in_script = false;
  /// Where Fail puts the error's text, too. Null: nobody wants it.
  Failure* failure = nullptr;

  std::string_view arg(size_t index) const { return args[index]; }
  protocol::ArgReader reader() const { return protocol::ArgReader(args); }
  /// Replies with an error, and counts it.
  void Fail(const protocol::Error& error);
};

/// A command is one row and one function.
struct Command {
  protocol::CommandSpec spec;
  /// Null for a container, whose subcommands do the work.
  void (*run)(CommandContext& context) = nullptr;
  std::span<const Command> subcommands = {};
  /// Whether these arguments make it look at keys that they do not name, so that it has to run with
  /// every reactor parked as if it were kExclusive. Null: never.
  bool (*needs_everything)(std::span<const std::string_view> args) = nullptr;
  /// It takes the stripes or the Gate itself, unless its unit is exclusive already; whoever called
  /// it gives them back.
  bool takes_locks = false;
};

/// The rows of each file in broker/commands. Static; order means nothing.
std::span<const Command> ConnectionCommands();
std::span<const Command> ClientCommands();
std::span<const Command> PubSubCommands();
std::span<const Command> StringCommands();
std::span<const Command> ListCommands();
std::span<const Command> HashCommands();
std::span<const Command> HashExpiryCommands();
std::span<const Command> SortedSetCommands();
std::span<const Command> SortedSetRangeCommands();
std::span<const Command> SortedSetCombineCommands();
std::span<const Command> SortedSetPopCommands();
std::span<const Command> GeoCommands();
std::span<const Command> GenericCommands();
std::span<const Command> ExpireCommands();
std::span<const Command> ObjectCommands();
std::span<const Command> DumpCommands();
std::span<const Command> TransactionCommands();
std::span<const Command> ServerCommands();
std::span<const Command> ConfigCommands();
std::span<const Command> AclCommands();
std::span<const Command> CommandCommands();
std::span<const Command> CommandLogCommands();
std::span<const Command> HotKeysCommands();
std::span<const Command> IntrospectionCommands();
std::span<const Command> LatencyCommands();
std::span<const Command> MemoryCommands();
std::span<const Command> SetCommands();
std::span<const Command> SetAlgebraCommands();
std::span<const Command> StreamCommands();
std::span<const Command> StreamReadCommands();
std::span<const Command> StreamGroupCommands();
std::span<const Command> StreamInfoCommands();
std::span<const Command> StreamPendingCommands();
std::span<const Command> StreamReliabilityCommands();
std::span<const Command> BitmapCommands();
std::span<const Command> HyperLogLogCommands();
std::span<const Command> MoreStringCommands();
std::span<const Command> SortCommands();
std::span<const Command> ScriptingCommands();
std::span<const Command> FunctionCommands();

}  // namespace peal::broker
