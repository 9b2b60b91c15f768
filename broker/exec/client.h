#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/exec/command_table.h"
#include "broker/pubsub/subscriber.h"
#include "protocol/resp/parser.h"

namespace peal::broker {

struct AclAccount;
class BlockedClient;
class Worker;
struct MultiState;
struct Tracker;

/// CLIENT REPLY.
enum class ReplyMode : uint8_t { kOn, kOff, kSkipNext };

/// What most clients never set, kept apart so that they do not pay for it.
struct ClientTexts {
  std::string name;
  std::string lib_name;
  std::string lib_version;
};

/// A client's state as commands see it. Reactor thread, or any thread while all reactors are
/// parked.
struct Session {
  uint32_t db = 0;
  bool is_authenticated = false;
  std::shared_ptr<AclAccount> account;  // never null; the default one before AUTH
  int64_t expires_ms = 0;               // Unix; of the token that it logged in with; 0: never
  bool is_unix = false;                 // connected by the unix socket
  bool is_tls = false;                  // connected by the TLS port
  bool is_monitor = false;
  bool no_evict = false;
  bool no_touch = false;
  bool is_doomed = false;  // killed, and gone for all others; Worker::PostCloseDoomed closes it
  ReplyMode reply_mode = ReplyMode::kOn;
  int64_t created_us = 0;  // monotonic, as Reactor::turn_us
  int64_t last_active_us = 0;
  int64_t stranger_since_us = 0;  // from when on it has been without authentication, if it is
  const TableEntry* last_command = nullptr;
  uint64_t commands = 0;  // executed
  std::unique_ptr<ClientTexts> texts;
  std::unique_ptr<MultiState> multi;       // while MULTI is open or keys are watched
  std::shared_ptr<BlockedClient> blocked;  // while it waits for keys
  Tracker* tracker = nullptr;              // once it has to do with tracking; its worker's

  std::string_view name() const { return texts ? std::string_view(texts->name) : ""; }
  ClientTexts& EnsureTexts() {
    if (!texts) texts = std::make_unique<ClientTexts>();
    return *texts;
  }
};

/// A long command that goes on in slices, one each turn, while its client is not read.
class ClientJob {
 public:
  virtual ~ClientJob() = default;
  /// Works until about `deadline_us` (monotonic); true when done. May write replies to the client.
  virtual bool Step(Client& client, int64_t deadline_us) = 0;
};

/// A connected client: connection, subscriptions and session. Its reactor's thread only; see
/// Connection.
class Client final : public Subscriber {
 public:
  Client(Worker& worker, int fd, ClientId id, ListenerKind kind, Transport& transport);

  Worker& worker() { return worker_; }
  Session& session() { return session_; }
  const Session& session() const { return session_; }

  /// "127.0.0.1:50000", "[::1]:50000" or "/path:0". Asks the socket; for lists and log lines.
  std::string PeerAddress() const;
  std::string LocalAddress() const;

  /// Whether the client sits on loopback or the unix socket.
  bool IsLocal() const;

  /// Starts a job; the client's input waits until it is done.
  void StartJob(std::unique_ptr<ClientJob> job);

  /// Bytes of memory for this client: input, output and what it queued. As CLIENT LIST's tot-mem.
  size_t MemoryBytes() const;
  /// Gives each class of limits its due after subscriptions changed.
  void UpdateClass();

  /// A large argument that was read into a block of its own: for PUBLISH to send from there.
  /// The block behind `bytes`, if it is one of this request's; else null.
  Buffer* BlockOf(std::string_view bytes, uint32_t* offset);

 private:
  friend class Worker;

  ~Client() override;
  std::span<char> OnInput(std::span<char> input) override;
  std::span<char> DirectInput() override;
  void OnDirectInput(size_t bytes) override;
  void OnReady() override;
  void OnClosed() override;
  void OnOutputLimit(bool hard) override;
  size_t InputLimit() const override;
  void OnInputLimit() override;

  void AdoptLargeBulk(std::span<char> input);
  void DropLargeArguments();

  Worker& worker_;
  protocol::RequestParser parser_;
  Session session_;
  std::unique_ptr<ClientJob> job_;
  // Blocks of large arguments of the unfinished request. Rarely any.
  struct LargeArguments;
  std::unique_ptr<LargeArguments> large_;
  uint32_t index_ = 0;  // in the worker's list of clients
};

/// The client's line of CLIENT LIST, without its end. Its reactor, or any with all parked.
std::string DescribeClient(const Client& client, int64_t now_us);

}  // namespace peal::broker
