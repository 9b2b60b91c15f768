#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "broker/exec/command_table.h"
#include "protocol/base/result.h"
#include "store/keyspace/keyspace.h"
#include "store/keyspace/watch.h"

namespace peal::broker {

class Client;
struct Session;

/// A command between MULTI and EXEC, with its arguments in one block of its own.
struct QueuedCommand {
  const TableEntry* entry = nullptr;
  std::unique_ptr<char[]> bytes;
  std::vector<std::string_view> args;  // into `bytes`
};

/// A client's transaction: watched keys, and from MULTI on the queued commands. Its reactor's
/// thread.
struct MultiState {
  struct WatchedKey {
    uint32_t db = 0;
    uint64_t hash = 0;
    std::string key;

    bool operator==(const WatchedKey& other) const {
      return hash == other.hash && db == other.db && key == other.key;
    }
  };
  struct WatchedKeyHash {
    size_t operator()(const WatchedKey& key) const { return key.hash ^ key.db; }
  };

  explicit MultiState(store::Keyspace& store_keyspace) : keyspace(store_keyspace) {}
  MultiState(const MultiState&) = delete;
  MultiState& operator=(const MultiState&) = delete;
  /// Stops watching; takes stripes one after another, so the thread holds none.
  ~MultiState();

  size_t MemoryBytes() const;

  /// Forgets the watched keys. The thread holds no stripe, or all of them (the Gate).
  void UnwatchAll();

  store::Keyspace& keyspace;
  bool is_open = false;           // MULTI was called
  bool is_aborted = false;        // a command was refused while queueing
  bool needs_everything = false;  // some queued command looks at the whole keyspace
  bool writes = false;            // some queued command writes or may replicate
  bool needs_memory = false;      // some queued command is refused above maxmemory
  std::vector<QueuedCommand> commands;
  size_t queued_bytes = 0;
  size_t watched_bytes = 0;
  store::WatchTokenRef token;
  std::unordered_set<WatchedKey, WatchedKeyHash> watched;
};

/// Whether a command looks at keys that its arguments do not name: KEYS, SCAN, RANDOMKEY, FLUSHALL.
/// In a unit with other commands it needs the Gate.
bool LooksAtEverything(const TableEntry& entry, std::span<const std::string_view> args);

/// Whether commands are queued instead of executed.
bool IsInMulti(const Session& session);

/// False for the few commands that run at once even then: EXEC, DISCARD, MULTI, WATCH, QUIT, RESET.
bool IsQueuedInMulti(const TableEntry& entry);

/// True if EXEC would now run a command that writes or may replicate: CLIENT PAUSE WRITE holds it
/// back.
bool MultiWrites(const Session& session);

/// True if EXEC would now run a command that is refused above maxmemory.
bool MultiNeedsMemory(const Session& session);

/// Queues a command that passed the dispatcher's checks; the caller replies "+QUEUED" or the error.
/// With an error the transaction is marked: its EXEC will be refused. Errors: forms that would
/// break the stream of replies inside EXEC (contract 2.4), and more bytes than
/// client-query-buffer-limit.
protocol::Result<void> QueueCommand(Client& client, const TableEntry& entry,
                                    std::span<const std::string_view> args);

/// The dispatcher refused a command (unknown, arity, rights): an open transaction will not be
/// executed.
void AbortMulti(Session& session);

/// Ends the transaction and stops watching, as DISCARD and RESET do. The thread holds no stripe.
void DiscardMulti(Session& session);

}  // namespace peal::broker
