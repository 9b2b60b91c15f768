#pragma once

#include <span>
#include <string_view>

#include "broker/exec/command.h"
#include "protocol/base/error.h"

namespace peal::broker {

/// Replies what HELP of a container command says: each line as a simple string.
void ReplyHelp(CommandContext& context, std::span<const std::string_view> lines);

/// The error for arguments that no form of the running subcommand takes. Names the subcommand as
/// the client wrote it and the HELP of its parent.
protocol::Error WrongSubcommand(const CommandContext& context);

}  // namespace peal::broker
