#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "broker/exec/command_table.h"
#include "protocol/command/keys.h"

namespace peal::broker {

/// Calls `visit(key)` for every key that `args` name according to the command's row. Malformed
/// requests (a number of keys that is none) name none; the command's function finds the same fault.
template <typename Visit>
void ForEachKey(const TableEntry& entry, std::span<const std::string_view> args, Visit visit) {
  if (entry.has_movable_keys) {
    const auto keys = protocol::ExtractKeys(entry.command->spec, args);
    if (!keys.ok()) return;
    for (const protocol::KeyAt& key : *keys) visit(args[key.index]);
    return;
  }
  if (entry.first_key <= 0) return;
  const auto count = static_cast<int>(args.size());
  const int last = entry.last_key < 0 ? count + entry.last_key : entry.last_key;
  for (int i = entry.first_key; i <= last && i < count; i += entry.key_step) {
    visit(args[static_cast<size_t>(i)]);
  }
}

}  // namespace peal::broker
