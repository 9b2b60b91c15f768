#include "broker/exec/command_table.h"

#include <algorithm>
#include <array>

#include "protocol/base/check.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

using protocol::EqualsIgnoreCase;
using protocol::Flag;

constexpr size_t kLongestName = 64;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

size_t HashName(std::string_view name) {
  size_t hash = 0xcbf29ce484222325u;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(Lower(c))) * 0x100000001b3u;
  return hash ^ (hash >> 29);
}

/// Whether commands of the group work on values that are no strings.
bool TakesObjects(protocol::Group group) {
  using enum protocol::Group;
  return group == kHash || group == kList || group == kSet || group == kSortedSet ||
         group == kStream || group == kGeo;
}

}  // namespace

CommandTable::CommandTable() {
  slots_.resize(1024);
  constexpr std::array kGroups = {ConnectionCommands,
                                  ClientCommands,
                                  PubSubCommands,
                                  StringCommands,
                                  ListCommands,
                                  GenericCommands,
                                  ExpireCommands,
                                  ObjectCommands,
                                  TransactionCommands,
                                  ServerCommands,
                                  ConfigCommands,
                                  AclCommands,
                                  CommandCommands,
                                  CommandLogCommands,
                                  HotKeysCommands,
                                  IntrospectionCommands,
                                  LatencyCommands,
                                  MemoryCommands,
                                  SetCommands,
                                  SetAlgebraCommands,
                                  HashCommands,
                                  HashExpiryCommands,
                                  SortedSetCommands,
                                  SortedSetRangeCommands,
                                  SortedSetCombineCommands,
                                  SortedSetPopCommands,
                                  StreamCommands,
                                  StreamReadCommands,
                                  StreamGroupCommands,
                                  StreamInfoCommands,
                                  StreamPendingCommands,
                                  StreamReliabilityCommands,
                                  BitmapCommands,
                                  HyperLogLogCommands,
                                  MoreStringCommands,
                                  DumpCommands,
                                  GeoCommands,
                                  SortCommands,
                                  ScriptingCommands,
                                  FunctionCommands};
  for (const auto group : kGroups) {
    for (const Command& command : group()) {
      TableEntry* entry = Add(command, "");
      top_.push_back(entry);
      Insert(std::string(command.spec.name), entry);
    }
  }
}

TableEntry* CommandTable::Add(const Command& command, const std::string& parent) {
  auto owned = std::make_unique<TableEntry>();
  TableEntry* entry = owned.get();
  entry->command = &command;
  entry->full_name = parent.empty() ? std::string(command.spec.name)
                                    : parent + "|" + std::string(command.spec.name);
  entry->index = static_cast<uint32_t>(all_.size());
  entry->arity = command.spec.arity;
  entry->is_exclusive = entry->Has(Flag::kExclusive);
  entry->may_be_exclusive = command.needs_everything != nullptr;
  entry->has_movable_keys = entry->Has(Flag::kMovableKeys);
  entry->takes_objects = TakesObjects(command.spec.group);
  // Keys that are neither planned by their positions nor by looking at the arguments would be used
  // without their locks.
  PEAL_CHECK(command.spec.keys.empty() || entry->has_movable_keys ||
             protocol::FixedKeys(command.spec).first > 0);
  // What is allowed while a script goes on cannot wait for the Gate that the script holds.
  PEAL_CHECK(!entry->Has(Flag::kAllowBusy) || (!entry->is_exclusive && !entry->may_be_exclusive));
  // Shard channels are routed like keys but are none: they need no stripe.
  const bool has_keys = !command.spec.keys.empty() &&
                        !protocol::Any(command.spec.keys[0].flags & protocol::KeyFlag::kNotKey);
  if (has_keys && !entry->has_movable_keys) {
    const protocol::KeyPositions positions = protocol::FixedKeys(command.spec);
    entry->first_key = static_cast<int16_t>(positions.first);
    entry->last_key = static_cast<int16_t>(positions.last);
    entry->key_step = static_cast<int16_t>(positions.step);
  }
  all_.push_back(std::move(owned));
  originals_.emplace(entry->full_name, entry);
  for (const Command& sub : command.subcommands) {
    entry->subcommands.push_back(Add(sub, entry->full_name));
  }
  return entry;
}

void CommandTable::Insert(std::string name, TableEntry* entry) {
  size_t at = HashName(name) & (slots_.size() - 1);
  while (slots_[at].entry != nullptr) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {std::move(name), entry};
}

const TableEntry* CommandTable::Find(std::string_view name) const {
  if (name.size() > kLongestName) return nullptr;
  size_t at = HashName(name) & (slots_.size() - 1);
  while (slots_[at].entry != nullptr) {
    if (EqualsIgnoreCase(name, slots_[at].name)) return slots_[at].entry;
    at = (at + 1) & (slots_.size() - 1);
  }
  return nullptr;
}

const TableEntry* CommandTable::Resolve(const TableEntry* entry,
                                        std::span<const std::string_view> args) {
  if (entry->subcommands.empty() || args.size() < 2) return entry;
  for (const TableEntry* sub : entry->subcommands) {
    if (EqualsIgnoreCase(args[1], sub->command->spec.name)) return sub;
  }
  // A container that is a command of its own right (COMMAND) has no unknown subcommand but a wrong
  // one.
  return nullptr;
}

const TableEntry* CommandTable::FindFull(std::string_view full_name) const {
  const size_t bar = full_name.find('|');
  const TableEntry* entry = Find(full_name.substr(0, bar));
  if (entry == nullptr || bar == std::string_view::npos) return entry;
  for (const TableEntry* sub : entry->subcommands) {
    if (EqualsIgnoreCase(full_name.substr(bar + 1), sub->command->spec.name)) return sub;
  }
  return nullptr;
}

const TableEntry* CommandTable::FindOriginal(std::string_view full_name) const {
  if (full_name.size() > 2 * kLongestName) return nullptr;
  const auto found = originals_.find(protocol::LowerCase(full_name));
  return found == originals_.end() ? nullptr : found->second;
}

bool CommandTable::Rename(std::string_view from, std::string_view to) {
  TableEntry* entry = nullptr;
  for (Slot& slot : slots_) {
    if (slot.entry != nullptr && EqualsIgnoreCase(from, slot.name)) entry = slot.entry;
  }
  if (entry == nullptr || (!to.empty() && Find(to) != nullptr)) return false;
  std::vector<Slot> old(slots_.size());
  old.swap(slots_);
  for (Slot& slot : old) {
    if (slot.entry != nullptr && slot.entry != entry) Insert(std::move(slot.name), slot.entry);
  }
  if (to.empty()) {
    std::erase(top_, entry);
  } else {
    Insert(std::string(to), entry);
  }
  return true;
}

}  // namespace peal::broker
