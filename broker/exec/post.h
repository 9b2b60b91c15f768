#pragma once

#include <functional>

#include "broker/net/connection.h"

namespace peal::broker {

class Client;
class Server;

/// Runs `action` on the client's reactor, in a later turn; nothing happens if the client has gone
/// by then. [any thread]
void PostToClient(Server& server, ClientId id, std::function<void(Client&)> action);

}  // namespace peal::broker
