#pragma once

#include <string>

#include "protocol/base/result.h"

namespace peal::broker {

/// Writes the process id and a newline to `path`. The error names path and reason.
protocol::Result<void> WritePidFile(const std::string& path);

/// Removes `path` if it still holds our own process id. Errors are of no consequence.
void RemovePidFile(const std::string& path);

/// Makes this process a daemon: fork, leave the session, standard streams to /dev/null. Returns in
/// the child; the parent exits with 0. To be called before any thread or event loop exists, and
/// after the configuration has been checked.
protocol::Result<void> Daemonize();

/// A human's name of a signal: "SIGTERM"; "signal 42" for one without.
std::string SignalName(int signal_number);

}  // namespace peal::broker
