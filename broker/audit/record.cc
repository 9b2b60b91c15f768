#include "broker/audit/record.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <ctime>
#include <iterator>

#include "protocol/base/utf8.h"

namespace peal::broker {
namespace {

constexpr size_t kMostArgs = 32;
constexpr size_t kMostArgBytes = 256;
constexpr size_t kMostTextBytes = 1024;

void AppendString(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const size_t length = protocol::Utf8CharBytes(text);
    const auto octet = static_cast<unsigned char>(text[0]);
    if (length == 0) {
      fmt::format_to(std::back_inserter(out), "\\\\x{:02x}", octet);
    } else if (octet < 0x20 || octet == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", octet);
    } else {
      if (octet == '"' || octet == '\\') out.push_back('\\');
      out.append(text.substr(0, length));
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  out.push_back('"');
}

/// The first octets of `text`, no character cut in two.
std::string_view Cut(std::string_view text, size_t most) {
  if (text.size() <= most) return text;
  constexpr size_t kLongestRest = 3;  // of a character of UTF-8
  for (size_t back = 0; back <= kLongestRest; ++back) {
    if ((static_cast<unsigned char>(text[most - back]) & 0xc0) != 0x80) {
      return text.substr(0, most - back);
    }
  }
  return text.substr(0, most);
}

void AppendMember(std::string& out, std::string_view name, std::string_view text) {
  out.append(",\"").append(name).append("\":");
  const std::string_view shown = Cut(text, kMostTextBytes);
  if (shown.size() == text.size()) return AppendString(out, text);
  AppendString(out, std::string(shown) + "...");
}

void AppendArgs(std::string& out, std::span<const std::string_view> args) {
  out.append(",\"args\":[");
  const size_t shown = std::min(args.size(), kMostArgs);
  for (size_t i = 0; i < shown; ++i) {
    if (i != 0) out.push_back(',');
    if (i == kMostArgs - 1 && args.size() > kMostArgs) {
      AppendString(out, fmt::format("... ({} more arguments)", args.size() - kMostArgs + 1));
    } else if (args[i].size() > kMostArgBytes) {
      const std::string_view begin = Cut(args[i], kMostArgBytes);
      AppendString(out, fmt::format("{}... ({} more bytes)", begin, args[i].size() - begin.size()));
    } else {
      AppendString(out, args[i]);
    }
  }
  out.push_back(']');
}

/// {"time":"2026-11-21T18:40:00.123Z","event":"auth"
std::string Begin(std::string_view event, int64_t now_ms) {
  const auto seconds = static_cast<time_t>(now_ms / 1000);
  tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format(R"({{"time":"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z","event":"{}")",
                     utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                     utc.tm_sec, now_ms % 1000, event);
}

}  // namespace

std::string_view NameOf(protocol::Audit event) {
  switch (event) {
    case protocol::Audit::kNone:
      break;
    case protocol::Audit::kAuth:
      return "auth";
    case protocol::Audit::kAcl:
      return "acl";
    case protocol::Audit::kConfig:
      return "config";
    case protocol::Audit::kAdmin:
      return "admin";
    case protocol::Audit::kScript:
      return "script";
    case protocol::Audit::kDenied:
      return "denied";
  }
  return "none";
}

std::string FormatAuditRecord(const AuditRecord& record, int64_t now_ms) {
  std::string line = Begin(NameOf(record.event), now_ms);
  AppendMember(line, "user", record.user);
  AppendMember(line, "addr", record.address);
  fmt::format_to(std::back_inserter(line), ",\"id\":{}", record.client_id);
  if (!record.certificate.empty()) AppendMember(line, "cert", record.certificate);
  if (!record.context.empty()) AppendMember(line, "context", record.context);
  if (!record.command.empty()) {
    AppendMember(line, "command", record.command);
    AppendArgs(line, record.args);
  }
  AppendMember(line, "result", record.error.empty() ? "ok" : record.error);
  if (!record.reason.empty()) AppendMember(line, "reason", record.reason);
  line.append("}\n");
  return line;
}

std::string FormatAuditGap(uint64_t left_out, uint64_t lost, int64_t now_ms) {
  std::string line = Begin("gap", now_ms);
  fmt::format_to(std::back_inserter(line), ",\"left_out\":{},\"lost\":{}}}\n", left_out, lost);
  return line;
}

}  // namespace peal::broker
