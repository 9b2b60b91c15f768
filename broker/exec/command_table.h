#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/exec/command.h"

namespace peal::broker {

/// A row as the running server knows it: with a number, and what the dispatcher asks on every call
/// worked out in advance.
struct TableEntry {
  const Command* command = nullptr;
  std::string full_name;  // "config|get"; "get"
  uint32_t index = 0;     // of this entry; for per-command counters
  int32_t arity = 0;
  int16_t first_key =
      0;  // position of the first key when keys stand at fixed places; 0: none or movable
  int16_t last_key = 0;  // may count from the end: -1 is the last argument
  int16_t key_step = 0;
  bool has_movable_keys = false;
  bool takes_objects = false;  // its keys hold values that are no strings
  bool is_exclusive = false;
  bool may_be_exclusive = false;  // depending on the arguments: Command::needs_everything
  std::vector<TableEntry*> subcommands;

  bool Has(protocol::Flag flag) const { return protocol::Any(command->spec.flags & flag); }
};

/// All commands of this server, by name. Made at start (renames applied), never changed: any
/// thread.
class CommandTable {
 public:
  CommandTable();
  CommandTable(const CommandTable&) = delete;
  CommandTable& operator=(const CommandTable&) = delete;

  /// `name` in any letter case. Null if unknown.
  const TableEntry* Find(std::string_view name) const;
  /// Goes down to the subcommand that args[1] names; `entry` itself when it has none or args is too
  /// short. Null if there is no such subcommand.
  static const TableEntry* Resolve(const TableEntry* entry, std::span<const std::string_view> args);
  /// "config|get" or "get".
  const TableEntry* FindFull(std::string_view full_name) const;
  /// As FindFull, by the names from before rename-command: rights are given by these. Any length.
  const TableEntry* FindOriginal(std::string_view full_name) const;

  /// Renames a command; an empty `to` takes it away. False if there is none or `to` is taken.
  bool Rename(std::string_view from, std::string_view to);

  /// Top-level entries.
  const std::vector<TableEntry*>& top() const { return top_; }
  /// Top-level entries and subcommands; position = index.
  const std::vector<std::unique_ptr<TableEntry>>& all() const { return all_; }

 private:
  struct Slot {
    std::string name;
    TableEntry* entry = nullptr;
  };
  TableEntry* Add(const Command& command, const std::string& parent);
  void Insert(std::string name, TableEntry* entry);

  std::vector<std::unique_ptr<TableEntry>> all_;
  std::vector<TableEntry*> top_;
  std::vector<Slot> slots_;                                       // open addressing, a power of two
  std::unordered_map<std::string, const TableEntry*> originals_;  // by full name
};

}  // namespace peal::broker
