#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "broker/exec/command.h"
#include "broker/exec/command_table.h"
#include "protocol/base/error.h"

namespace peal::broker {

/// Between commands and the audit log. All on the client's reactor.

/// An error (a constant) if the command is one for the audit log and that cannot be written, while
/// `audit-log-on-error refuse` is set; else null.
const protocol::Error* RefuseUnaudited(Worker& worker, const TableEntry& entry,
                                       std::span<const std::string_view> args);

/// Writes down that an audited command ran, and why it failed if it did.
void AuditCommand(const CommandContext& context, const TableEntry& entry, const Failure& failure);

/// Writes down that a command was refused for want of rights. `object` is the key or channel that
/// it was refused for; other arguments are shown only of commands that are audited anyway, because
/// they may be payloads.
void AuditDenied(Worker& worker, const Client& client, const TableEntry& entry,
                 std::span<const std::string_view> args, std::string_view object,
                 std::string_view context, std::string_view error);

/// Writes down that a client's certificate made it the user `name`, or did not.
void AuditCertificate(Worker& worker, const Client& client, std::string_view name,
                      std::string_view error);

/// Overwrites passwords among the arguments, which nobody needs any more.
void WipeSecrets(const TableEntry& entry, std::span<const std::string_view> args);

}  // namespace peal::broker
