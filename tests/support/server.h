#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/client.h"

namespace peal::tests {

struct ServerOptions {
  int reactors = 1;
  int stripes = 1;
  /// Further arguments, as on a command line.
  std::vector<std::string> args;
  /// Text of a configuration file that is given as the first argument; empty means none.
  std::string config_file;
  /// The program to start; empty means the server under test.
  std::string program;
  /// Leaves out --enable-debug-command.
  bool without_debug = false;
  /// Opens a TLS port too, with the identity of TlsFiles::Shared; Connect goes there.
  bool tls = false;
};

/// A server process in a directory of its own, on a free port of 127.0.0.1.
///
/// The program under test is $PEAL_SERVER, or the peal-server of this build. It may be a
/// redis-server, which proves the tests themselves: then Peal's own arguments are left out.
/// The constructor returns when the server accepts connections and throws if it does not.
class Server {
 public:
  explicit Server(ServerOptions options = {});
  /// Stops the server; a bad end is a test failure.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Client Connect(int receive_buffer_bytes = 0) const;
  int port() const { return port_; }
  int tls_port() const { return tls_port_; }
  /// The port that Connect goes to.
  int client_port() const { return options_.tls ? tls_port_ : port_; }
  pid_t pid() const { return pid_; }
  const std::string& dir() const { return dir_; }
  /// Whether this is a redis-server instead of Peal.
  bool IsReference() const { return is_reference_; }
  bool IsAlive();

  /// Everything logged so far, standard output and standard error included.
  std::string Log() const;
  /// Waits until the log holds `text`; false if it does not come.
  bool WaitForLog(std::string_view text) const;

  void Signal(int number) const;
  /// Waits for the process to end. Returns its exit code, or 128 + signal; throws if it stays.
  int WaitForExit();
  /// SIGTERM, then WaitForExit.
  int Stop();
  /// Octets of resident memory.
  size_t ResidentBytes() const;
  /// Processor time that all threads used so far.
  Milliseconds CpuTime() const;
  /// How many file descriptors are open.
  size_t OpenDescriptors() const;

 private:
  void Start();
  void CheckLogForReports() const;

  ServerOptions options_;
  std::string program_;
  std::string dir_;
  int port_ = 0;
  int tls_port_ = 0;
  pid_t pid_ = -1;
  int exit_code_ = -1;
  bool is_reference_ = false;
};

/// The path of the server under test.
std::string ServerUnderTest();
/// Whether the server under test is a redis-server.
bool IsReferenceUnderTest();

/// Options for a redis-server to compare with.
ServerOptions RedisReference();

/// The result of a program that was run to its end.
struct ProgramResult {
  int exit_code = -1;  ///< 128 + signal when a signal ended it
  std::string output;  ///< standard output and standard error
};

/// Runs `program` with `args`, `input` on its standard input, and waits for it with kPatience.
ProgramResult RunProgram(const std::string& program, const std::vector<std::string>& args,
                         const std::string& input = {});

/// A port that nobody has at this moment, and that the system gives to no connection.
int FreePort();
/// A new directory below the temporary directory; the caller removes it.
std::string MakeTemporaryDirectory();
std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, std::string_view text);

}  // namespace peal::tests
