// MULTI, EXEC, DISCARD, WATCH, UNWATCH. Source of replies and errors: Redis 7.2, observed
// on 7.0.15.
#include <memory>
#include <utility>

#include "broker/exec/audit_trail.h"
#include "broker/exec/client.h"
#include "broker/exec/keys.h"
#include "broker/exec/multi.h"
#include "broker/exec/rights.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "broker/exec/worker.h"
#include "broker/scripts/scripts.h"
#include "store/sync/gate.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::Flag;
using protocol::Group;
using protocol::KeyFlag;
using protocol::KeySpec;

namespace errors = protocol::errors;

// Above this many stripes a transaction takes the Gate instead of so many locks.
constexpr size_t kMostStripes = Unit::kExactPlan;

MultiState& EnsureMulti(CommandContext& context) {
  Session& session = context.client.session();
  if (session.multi == nullptr) {
    session.multi = std::make_unique<MultiState>(context.server.keyspace());
  }
  return *session.multi;
}

void Multi(CommandContext& context) {
  if (IsInMulti(context.client.session())) return context.Fail(errors::kNestedMulti);
  EnsureMulti(context).is_open = true;
  context.reply.Ok();
}

void Discard(CommandContext& context) {
  Session& session = context.client.session();
  if (!IsInMulti(session)) return context.Fail(errors::kDiscardWithoutMulti);
  DiscardMulti(session);
  context.reply.Ok();
}

void Watch(CommandContext& context) {
  if (IsInMulti(context.client.session())) return context.Fail(errors::kWatchInMulti);
  MultiState& multi = EnsureMulti(context);
  // Once a watched key has changed, EXEC fails whatever else is watched.
  if (multi.token && multi.token->IsDirty()) return context.reply.Ok();
  if (!multi.token) multi.token = protocol::MakeRef<store::WatchToken>();
  const uint32_t db = context.unit.db();
  for (size_t i = 1; i < context.args.size(); ++i) {
    const std::string_view key = context.arg(i);
    const auto [at, is_new] =
        multi.watched.insert(MultiState::WatchedKey{db, Unit::HashKey(key), std::string(key)});
    if (!is_new) continue;
    multi.watched_bytes += sizeof(MultiState::WatchedKey) + 2 * sizeof(void*) + key.size();
    context.unit.Watch(key, multi.token);
  }
  context.reply.Ok();
}

void Unwatch(CommandContext& context) {
  // Inside EXEC there is nothing left to forget.
  DiscardMulti(context.client.session());
  context.reply.Ok();
}

// ---------------------------------------------------------------- EXEC

/// Plans every key that is watched or named by a queued command. False if the transaction had
/// better take the Gate.
bool PlanKeys(Unit& unit, const MultiState& multi) {
  if (multi.needs_everything) return false;
  for (const MultiState::WatchedKey& watched : multi.watched) {
    unit.AddKey(watched.key, watched.hash);
    if (unit.planned_stripes() > kMostStripes) return false;
  }
  for (const QueuedCommand& queued : multi.commands) {
    ForEachKey(*queued.entry, queued.args,
               [&](std::string_view key) { unit.AddKey(key, Unit::HashKey(key)); });
    if (unit.planned_stripes() > kMostStripes) return false;
  }
  return true;
}

/// True if a watched key was changed, deleted, or has expired.
bool IsTouched(Unit& unit, const MultiState& multi) {
  if (!multi.token) return false;
  if (multi.token->IsDirty()) return true;
  for (const MultiState::WatchedKey& watched : multi.watched) {
    if (unit.WatchedKeyExpired(watched.db, watched.key, watched.hash, multi.token.get()))
      return true;
  }
  return false;
}

/// Stops watching under the locks of the unit, so that its own changes meet no watcher of its own.
void Unwatch(Unit& unit, MultiState& multi) {
  for (const MultiState::WatchedKey& watched : multi.watched) {
    unit.Unwatch(watched.db, watched.key, watched.hash, multi.token.get());
  }
  multi.watched.clear();
  multi.watched_bytes = 0;
  multi.token.reset();
}

bool IsSubscription(const TableEntry& entry) {
  return entry.Has(Flag::kPubSub) && !entry.Has(Flag::kMayReplicate);
}

/// With all locks held.
void RunQueued(CommandContext& context, MultiState& multi) {
  Unit& unit = context.unit;
  Client& client = context.client;
  const bool is_touched = IsTouched(unit, multi);
  Unwatch(unit, multi);
  if (is_touched) return context.reply.NullArray();
  unit.DeferPublishes();
  context.reply.Array(multi.commands.size());
  for (const QueuedCommand& queued : multi.commands) {
    // HELLO may change the protocol and SELECT the database from one command to the next.
    unit.set_db(client.session().db);
    // A subscription must not get what was published before it.
    if (IsSubscription(*queued.entry)) unit.PostNews();
    protocol::ReplyWriter reply(context.reply.sink(), client.resp());
    CommandContext inner{.server = context.server,
                         .worker = context.worker,
                         .client = client,
                         .command = *queued.entry->command,
                         .args = queued.args,
                         .reply = reply,
                         .unit = unit,
                         .in_exec = true};
    // Rights may have changed since it was queued, or AUTH may stand before it.
    const AclVerdict verdict = CheckRights(client, *queued.entry, queued.args);
    if (!verdict.ok()) [[unlikely]] {
      NoteRefusal(context.worker, client, *queued.entry, queued.args, verdict,
                  AclLog::Context::kMulti);
      inner.Fail(NoLongerPermitted(verdict));
      continue;
    }
    if (const protocol::Error* refused =
            RefuseUnaudited(context.worker, *queued.entry, queued.args)) {
      inner.Fail(*refused);
      continue;
    }
    context.worker.Run(inner, *queued.entry);
  }
}

void Exec(CommandContext& context) {
  Session& session = context.client.session();
  if (!IsInMulti(session)) return context.Fail(errors::kExecWithoutMulti);
  // From here on the client is outside the transaction; leaving this function stops watching.
  std::unique_ptr<MultiState> multi = std::move(session.multi);
  if (multi->is_aborted) return context.Fail(errors::kExecAbort);

  Unit& unit = context.unit;
  // SUBSCRIBE may hand over messages that came before; they stand behind the whole reply.
  context.client.BeginHoldingBack();
  // Nothing is held yet, and nothing has happened.
  Worker& worker = context.worker;
  const bool is_shared = PlanKeys(unit, *multi);
  const Worker::Locked locked = is_shared ? worker.LockStripes(unit) : worker.LockGate(unit);
  if (locked == Worker::Locked::kYes) {
    RunQueued(context, *multi);
    unit.Finish();
    if (!is_shared) worker.reactor().UnlockExclusive();
  } else if (locked == Worker::Locked::kOutdated) {
    session.multi = std::move(multi);
    return context.client.EndHoldingBack();
  } else {
    context.Fail(protocol::Error::Owned("EXECABORT Transaction discarded because of: " +
                                        std::string(context.server.scripts().BusyError().text())));
  }
  context.worker.FlushReply(context.client);
  context.client.EndHoldingBack();
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kWatchKeys[] = {KeySpec::Range(1, -1, 1, KeyFlag::kReadOnly)};
constexpr ArgSpec kWatchArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true}};

constexpr Command kRows[] = {
    {.spec = {.name = "discard",
              .arity = 1,
              .group = Group::kTransactions,
              .since = "2.0.0",
              .flags =
                  Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kFast | Flag::kAllowBusy,
              .acl = Acl::kFast | Acl::kTransaction,
              .complexity = "O(N) where N is the number of queued commands and watched keys",
              .summary = "Drops the queued commands."},
     .run = Discard},
    {.spec = {.name = "exec",
              .arity = 1,
              .group = Group::kTransactions,
              .since = "1.2.0",
              .flags = Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kSkipSlowlog,
              .acl = Acl::kSlow | Acl::kTransaction,
              .complexity = "Depends on the queued commands.",
              .summary = "Runs the queued commands as one."},
     .run = Exec},
    {.spec = {.name = "multi",
              .arity = 1,
              .group = Group::kTransactions,
              .since = "1.2.0",
              .flags =
                  Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kFast | Flag::kAllowBusy,
              .acl = Acl::kFast | Acl::kTransaction,
              .complexity = "O(1)",
              .summary = "Starts a transaction."},
     .run = Multi},
    {.spec = {.name = "unwatch",
              .arity = 1,
              .group = Group::kTransactions,
              .since = "2.2.0",
              .flags =
                  Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kFast | Flag::kAllowBusy,
              .acl = Acl::kFast | Acl::kTransaction,
              .complexity = "O(N) where N is the number of watched keys",
              .summary = "Forgets the watched keys."},
     .run = Unwatch},
    {.spec = {.name = "watch",
              .arity = -2,
              .group = Group::kTransactions,
              .since = "2.2.0",
              .flags =
                  Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kFast | Flag::kAllowBusy,
              .keys = kWatchKeys,
              .acl = Acl::kFast | Acl::kTransaction,
              .complexity = "O(N) where N is the number of keys",
              .summary = "Makes the next transaction fail if one of the keys changes.",
              .arguments = kWatchArgs},
     .run = Watch},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> TransactionCommands() { return kRows; }

}  // namespace peal::broker
