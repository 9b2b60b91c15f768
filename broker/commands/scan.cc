#include "broker/commands/scan.h"

#include <cerrno>
#include <cstdlib>
#include <string>

#include "patterns/glob.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"

namespace peal::broker {

using protocol::EqualsIgnoreCase;
using protocol::Result;

namespace errors = protocol::errors;

std::optional<uint64_t> ReadCursor(std::string_view text) {
  text = text.substr(0, text.find('\0'));  // Redis reads a C string, and an empty one is 0
  if (text.empty()) return 0;
  if (text.size() > 32) return std::nullopt;
  const std::string copy(text);
  if (std::string_view(" \t\n\v\f\r").find(copy[0]) != std::string_view::npos) return std::nullopt;
  char* end = nullptr;
  errno = 0;
  const unsigned long long cursor = std::strtoull(copy.c_str(), &end, 10);
  if (errno != 0 || end != copy.c_str() + copy.size()) return std::nullopt;
  return cursor;
}

bool ScanOptions::Matches(std::string_view text) const {
  return pattern == "*" || patterns::GlobMatch(pattern, text);
}

Result<void> ReadScanOptions(const CommandContext& context, size_t first, ScanKind kind,
                             ScanOptions& out) {
  for (size_t i = first; i < context.args.size(); i += 2) {
    if (kind == ScanKind::kFields && EqualsIgnoreCase(context.arg(i), "novalues")) {
      out.no_values = true;
      --i;  // has no value of its own
      continue;
    }
    if (i + 1 == context.args.size()) return errors::kSyntax;
    const std::string_view value = context.arg(i + 1);
    if (EqualsIgnoreCase(context.arg(i), "count")) {
      const std::optional<int64_t> count = protocol::ParseInt64(value);
      if (!count) return errors::kNotInteger;
      if (*count < 1) return errors::kSyntax;
      out.count = static_cast<size_t>(*count);
    } else if (EqualsIgnoreCase(context.arg(i), "match")) {
      out.pattern = value;
    } else if (kind == ScanKind::kKeys && EqualsIgnoreCase(context.arg(i), "type")) {
      out.type = value;
      out.has_type = true;
    } else {
      return errors::kSyntax;
    }
  }
  return {};
}

}  // namespace peal::broker
