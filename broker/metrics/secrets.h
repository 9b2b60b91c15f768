#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "broker/exec/command_table.h"

namespace peal::broker {

/// Where things stand in HELLO [version [AUTH user password] [SETNAME name]…].
struct HelloOptions {
  std::vector<size_t> auths;  // positions of AUTH; the last one counts
  size_t end = 0;             // of what is understood
};
HelloOptions ReadHello(std::span<const std::string_view> args);

/// The arguments of a command as MONITOR and SLOWLOG may show them: passwords of AUTH and HELLO,
/// and values of CONFIG SET from the first sensitive directive on, are "(redacted)"; of a CONFIG
/// SET that is not in pairs, or names a directive that there is not, all but names. `args` itself
/// if there is nothing to hide, else `scratch`. Goes by the row, so that renamed commands are known
/// too.
std::span<const std::string_view> HideSecrets(const TableEntry& entry,
                                              std::span<const std::string_view> args,
                                              std::vector<std::string_view>& scratch);

}  // namespace peal::broker
