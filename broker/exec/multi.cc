#include "broker/exec/multi.h"

#include <array>
#include <cstring>
#include <utility>

#include "broker/exec/client.h"
#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

using protocol::Error;
using protocol::Flag;
using protocol::Result;

constexpr std::array<std::string_view, 6> kNeverQueued = {"exec",  "discard", "multi",
                                                          "watch", "quit",    "reset"};

/// Their acknowledgements, one for each channel, are their reply; EXEC's array has room for one.
constexpr std::array<std::string_view, 6> kOneChannelOnly = {
    "subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe"};

constexpr Error kTooManyBytes =
    Error::Static("ERR queued commands exceed client-query-buffer-limit");

template <size_t N>
bool IsOneOf(const std::array<std::string_view, N>& names, std::string_view name) {
  for (const std::string_view candidate : names) {
    if (candidate == name) return true;
  }
  return false;
}

QueuedCommand CopyOf(const TableEntry& entry, std::span<const std::string_view> args,
                     size_t bytes) {
  QueuedCommand queued;
  queued.entry = &entry;
  queued.bytes = std::make_unique_for_overwrite<char[]>(bytes);
  queued.args.reserve(args.size());
  char* at = queued.bytes.get();
  for (const std::string_view arg : args) {
    if (!arg.empty()) std::memcpy(at, arg.data(), arg.size());
    queued.args.emplace_back(at, arg.size());
    at += arg.size();
  }
  return queued;
}

}  // namespace

MultiState::~MultiState() { UnwatchAll(); }

void MultiState::UnwatchAll() {
  const bool holds_gate = store::Gate::ThreadHoldsAny();
  for (const WatchedKey& key : watched) {
    store::Stripe& stripe = keyspace.StripeOf(key.hash);
    if (holds_gate) {
      stripe.AssertOwned();
      stripe.Unwatch(static_cast<int>(key.db), key.key, token.get());
    } else {
      store::MutexLock lock(stripe.mutex());
      stripe.Unwatch(static_cast<int>(key.db), key.key, token.get());
    }
  }
  watched.clear();
  watched_bytes = 0;
  token.reset();
}

size_t MultiState::MemoryBytes() const {
  return sizeof(MultiState) + queued_bytes + commands.capacity() * sizeof(QueuedCommand) +
         watched_bytes;
}

bool LooksAtEverything(const TableEntry& entry, std::span<const std::string_view> args) {
  if (entry.is_exclusive) return true;
  if (entry.may_be_exclusive && entry.command->needs_everything(args)) return true;
  const bool uses_keys = entry.Has(Flag::kReadonly) || entry.Has(Flag::kWrite);
  return uses_keys && entry.command->spec.keys.empty();
}

bool IsInMulti(const Session& session) {
  return session.multi != nullptr && session.multi->is_open;
}

bool IsQueuedInMulti(const TableEntry& entry) { return !IsOneOf(kNeverQueued, entry.full_name); }

bool MultiNeedsMemory(const Session& session) {
  return IsInMulti(session) && session.multi->needs_memory;
}

bool MultiWrites(const Session& session) { return IsInMulti(session) && session.multi->writes; }

Result<void> QueueCommand(Client& client, const TableEntry& entry,
                          std::span<const std::string_view> args) {
  MultiState& multi = *client.session().multi;
  if (IsOneOf(kOneChannelOnly, entry.full_name) && args.size() != 2) {
    multi.is_aborted = true;
    return Error::Owned("ERR " + protocol::UpperCase(entry.full_name) +
                        " inside MULTI takes exactly one channel");
  }
  // An aborted transaction will not run: nothing of it is kept.
  if (multi.is_aborted) return {};
  size_t bytes = 0;
  for (const std::string_view arg : args) bytes += arg.size();
  const size_t cost = bytes + args.size() * sizeof(std::string_view) + sizeof(QueuedCommand);
  if (multi.queued_bytes + cost > client.worker().server().config().client_query_buffer_limit) {
    AbortMulti(client.session());
    return kTooManyBytes;
  }
  multi.queued_bytes += cost;
  multi.needs_everything = multi.needs_everything || LooksAtEverything(entry, args);
  multi.needs_memory = multi.needs_memory || entry.Has(Flag::kDenyOom);
  multi.writes = multi.writes || entry.Has(Flag::kWrite) || entry.Has(Flag::kMayReplicate);
  multi.commands.push_back(CopyOf(entry, args, bytes));
  return {};
}

void AbortMulti(Session& session) {
  if (!IsInMulti(session)) return;
  MultiState& multi = *session.multi;
  multi.is_aborted = true;
  multi.commands = std::vector<QueuedCommand>();
  multi.queued_bytes = 0;
}

void DiscardMulti(Session& session) { session.multi.reset(); }

}  // namespace peal::broker
