#pragma once

#include <cstdint>
#include <string_view>

#include "broker/exec/command.h"
#include "broker/pubsub/subscriber.h"

namespace peal::broker {

/// Drops every subscription of the client and says nothing about them; then replies with the status
/// `status` ("RESET"). Very many are left in slices, and the reply comes when the last is gone;
/// until then the client's further commands wait.
void LeaveAllAndReply(CommandContext& context, std::string_view status);

/// Bare UNSUBSCRIBE, PUNSUBSCRIBE, SUNSUBSCRIBE: drops all of one kind, each acknowledged as
/// `kind`. In slices when they are very many.
void LeaveEach(CommandContext& context, Space space, std::string_view kind);

/// Writes one acknowledgement: [kind, name, count], a push in RESP3. `name` null: a null. It goes
/// out whatever CLIENT REPLY says.
void Acknowledge(Client& client, std::string_view kind, const std::string_view* name,
                 uint64_t count);

}  // namespace peal::broker
