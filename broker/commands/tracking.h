#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "broker/exec/command.h"

namespace peal::broker {

struct Tracker;

// The subcommands of CLIENT that have to do with client-side caching; their rows stand with the
// others.
void ClientTracking(CommandContext& context);
void ClientCaching(CommandContext& context);
void ClientTrackingInfo(CommandContext& context);
void ClientGetRedir(CommandContext& context);

/// CLIENT TRACKING that names another client has to look at it on its reactor.
bool RedirectsTracking(std::span<const std::string_view> args);

/// Who gets the invalidations of `tracker`: 0 its client, -1 tracking is off. `tracker` may be
/// null.
int64_t RedirectOf(const Tracker* tracker);

}  // namespace peal::broker
