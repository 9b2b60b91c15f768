#pragma once

#include <span>
#include <string>
#include <string_view>

namespace peal::broker {

class Client;

/// The line that MONITOR shows for a command: "+<seconds>.<microseconds> [<db> <address>] "<arg>"
/// …\r\n", quoted as Redis quotes. Passwords of AUTH and HELLO are not shown: such commands give no
/// line (empty text).
/// `by_script`: "lua" stands in the place of the address.
std::string MonitorLine(const Client& client, std::span<const std::string_view> args,
                        bool by_script = false);

/// `text` in double quotes with unprintable octets as escapes.
void AppendQuoted(std::string& out, std::string_view text);

}  // namespace peal::broker
