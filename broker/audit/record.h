#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "protocol/command/spec.h"

namespace peal::broker {

/// One thing that somebody did or tried. Views of what lives elsewhere.
struct AuditRecord {
  protocol::Audit event = protocol::Audit::kNone;
  std::string_view user = {};  // of an attempt to log in, the name that was claimed
  std::string_view address = {};
  uint64_t client_id = 0;
  std::string_view certificate = {};            // subject; empty: none was shown
  std::string_view context = {};                // "multi", "lua"; empty: the client itself
  std::string_view command = {};                // full name: "config|set"
  std::span<const std::string_view> args = {};  // without the names of the command; no secrets
  std::string_view error = {};                  // as the client was told; empty: it was done
  std::string_view reason = {};                 // what the client was not told; empty: nothing
};

/// The record as one line of JSON, with its line end. At most 32 arguments of at most 256 octets
/// are shown, and what is left out is said as SLOWLOG says it. Octets that are no UTF-8 are written
/// as "\xff", with a backslash of their own.
std::string FormatAuditRecord(const AuditRecord& record, int64_t now_ms);

/// The line that tells how many records there are not: left out because there were too many in one
/// second, or lost because they could not be written.
std::string FormatAuditGap(uint64_t left_out, uint64_t lost, int64_t now_ms);

/// "auth", "acl", …
std::string_view NameOf(protocol::Audit event);

}  // namespace peal::broker
