#include "broker/metrics/monitor.h"

#include <spdlog/fmt/fmt.h>

#include <ctime>

#include "broker/exec/client.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

constexpr size_t kLongestArg = 4096;
constexpr size_t kLongestLine = 64 * 1024;

}  // namespace

void AppendQuoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '\\':
      case '"':
        out += '\\';
        out += c;
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\a':
        out += "\\a";
        break;
      case '\b':
        out += "\\b";
        break;
      default:
        if (c >= 0x20 && c < 0x7f) {
          out += c;
        } else {
          out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
        }
    }
  }
  out += '"';
}

std::string MonitorLine(const Client& client, std::span<const std::string_view> args,
                        bool by_script) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  std::string address = by_script ? "lua" : client.PeerAddress();
  if (!by_script && client.session().is_unix) {
    address = "unix:" + address.substr(0, address.size() - 2);
  }
  std::string line = fmt::format("+{}.{:06} [{} {}]", now.tv_sec, now.tv_nsec / 1000,
                                 client.session().db, address);
  // Monitors are for people: what is very long is shown by its beginning.
  for (const std::string_view arg : args) {
    if (line.size() > kLongestLine) {
      line += " ...";
      break;
    }
    line += ' ';
    AppendQuoted(line, arg.substr(0, kLongestArg));
    if (arg.size() > kLongestArg) line += "...";
  }
  line += "\r\n";
  return line;
}

}  // namespace peal::broker
