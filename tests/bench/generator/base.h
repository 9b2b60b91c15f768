// What every part of the generator uses: options, clock, random numbers, fatal errors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace peal::bench {

enum class Protocol { kResp, kNats };

/// The command line. Set once in main, read everywhere.
struct Options {
  std::string host = "127.0.0.1";
  std::string scenario;
  int port = 0;
  int server_pid = 0;  // whose CPU time and memory are measured
  Protocol protocol = Protocol::kResp;
  double window_s = 1.0;   // measured window of each closed-loop case
  double warm_up_s = 0.3;  // before each window
  bool quick = false;      // small sizes and short windows
  bool tls = false;        // connections speak TLS
  bool spin = false;       // never sleep in poll: exact schedules at the price of a whole core
};
extern Options g_options;

inline bool IsNats() { return g_options.protocol == Protocol::kNats; }

/// Ends the program with status 2 and the message on standard error.
[[noreturn]] void Die(const char* format, ...) __attribute__((format(printf, 1, 2)));

/// printf into a string of at most 511 bytes; the rest is cut off.
std::string Format(const char* format, ...) __attribute__((format(printf, 1, 2)));

/// Monotonic time in nanoseconds.
uint64_t NowNs();

/// A pseudo-random number in [0, bound). The seed is fixed: every server sees the same load.
uint32_t Random(uint32_t bound);

/// Appends `number` in decimal.
void AppendNumber(std::string& out, uint64_t number);

/// The whole file, or what could be read of it.
std::string ReadFile(const std::string& path);

}  // namespace peal::bench
