#include "broker/scripts/shebang.h"

#include <algorithm>

#include "protocol/base/text.h"

namespace peal::broker {
namespace {

using protocol::Error;
using protocol::Result;

/// The words of a line, one by one; empty behind the last. The line is as long as a client likes.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}

  std::string_view Next() {
    constexpr std::string_view kBlank = " \t\r";
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlank), rest_.size()));
    const std::string_view word = rest_.substr(0, rest_.find_first_of(kBlank));
    rest_.remove_prefix(word.size());
    return word;
  }

 private:
  std::string_view rest_;
};

}  // namespace

uint32_t ScriptFlagOf(std::string_view name) {
  uint32_t found = 0;
  for (uint32_t flag = 1; flag <= kScriptAllowCrossSlotKeys; flag *= 2) {
    ForEachScriptFlag(flag, [&](std::string_view known) {
      if (known == name) found = flag;
    });
  }
  return found;
}

Result<Shebang> ParseScriptShebang(std::string_view body) {
  Shebang shebang;
  if (!body.starts_with("#!")) return shebang;
  const size_t end = body.find('\n');
  if (end == std::string_view::npos) return Error::Static("ERR Invalid script shebang");
  shebang.is_there = true;
  shebang.size = end;
  Words words(body.substr(0, end));
  if (const std::string_view engine = words.Next(); engine != "#!lua") {
    return Error::Owned("ERR Unexpected engine in script shebang: " +
                        std::string(engine.substr(0, 128)));
  }
  for (std::string_view option; !(option = words.Next()).empty();) {
    if (!option.starts_with("flags=")) {
      return Error::Owned("ERR Unknown lua shebang option: " + std::string(option.substr(0, 128)));
    }
    option.remove_prefix(6);
    while (!option.empty()) {
      const size_t comma = std::min(option.find(','), option.size());
      const std::string_view name = option.substr(0, comma);
      const uint32_t flag = ScriptFlagOf(name);
      if (flag == 0) {
        return Error::Owned("ERR Unexpected flag in script shebang: " +
                            std::string(name.substr(0, 128)));
      }
      shebang.flags |= flag;
      option.remove_prefix(std::min(comma + 1, option.size()));
    }
  }
  return shebang;
}

bool IsFunctionName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Result<LibraryHeader> ParseLibraryHeader(std::string_view code) {
  if (!code.starts_with("#!")) return Error::Static("ERR Missing library metadata");
  const size_t end = code.find('\n');
  if (end == std::string_view::npos) return Error::Static("ERR Invalid library metadata");
  LibraryHeader header;
  header.size = end;
  Words words(code.substr(2, end - 2));
  const std::string_view engine = words.Next();
  bool has_name = false;
  for (std::string_view word; !(word = words.Next()).empty();) {
    if (!word.starts_with("name=")) {
      return Error::Owned("ERR Invalid metadata value given: " + std::string(word.substr(0, 128)));
    }
    if (has_name) {
      return Error::Static("ERR Invalid metadata value, name argument was given multiple times");
    }
    has_name = true;
    header.name = word.substr(5);
  }
  if (!has_name) return Error::Static("ERR Library name was not given");
  if (!IsFunctionName(header.name)) return Error::Owned("ERR " + std::string(kBadFunctionName));
  if (!protocol::EqualsIgnoreCase(engine, "lua")) {
    return Error::Owned("ERR Engine '" + std::string(engine.substr(0, 128)) + "' not found");
  }
  return header;
}

}  // namespace peal::broker
