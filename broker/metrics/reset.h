#pragma once

namespace peal::broker {

class Server;

/// Sets the counters that INFO shows back to zero, as CONFIG RESETSTAT promises. With all reactors
/// parked.
void ResetStatistics(Server& server);

}  // namespace peal::broker
