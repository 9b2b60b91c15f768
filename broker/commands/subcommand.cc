#include "broker/commands/subcommand.h"

#include <string>

#include "protocol/base/text.h"

namespace peal::broker {

void ReplyHelp(CommandContext& context, std::span<const std::string_view> lines) {
  context.reply.Array(lines.size());
  for (const std::string_view line : lines) context.reply.Simple(line);
}

protocol::Error WrongSubcommand(const CommandContext& context) {
  // What Redis repeats of a client's text in this error.
  constexpr size_t kShownBytes = 128;
  const std::string_view parent = context.command.spec.parent;
  return protocol::Error::Owned(
      "ERR unknown subcommand or wrong number of arguments for '" +
      std::string(context.arg(1).substr(0, kShownBytes)) + "'. Try " +
      protocol::UpperCase(parent.empty() ? context.command.spec.name : parent) + " HELP.");
}

}  // namespace peal::broker
