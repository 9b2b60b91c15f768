#include "broker/exec/blocking.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "broker/exec/client.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "broker/exec/worker.h"
#include "broker/pubsub/tracking.h"
#include "protocol/base/check.h"
#include "protocol/base/number.h"

namespace peal::broker {
namespace {

using protocol::Error;
using protocol::Result;

constexpr Error kNegativeTimeout = Error::Static("ERR timeout is negative");
constexpr Error kTimeoutRange = Error::Static("ERR timeout is out of range");

/// While clients are paused nobody is served.
constexpr int64_t kPausedRetryMs = 10;

/// Carries the news that a wait is over to the client's reactor.
struct ServedNode : InboxNode {
  BlockedRef blocked;
};

}  // namespace

Result<int64_t> ReadTimeoutSeconds(std::string_view text) {
  const std::optional<long double> seconds = protocol::ParseLongDouble(text);
  if (!seconds) return Error::Static("ERR timeout is not a float or out of range");
  const long double ms = std::ceil(*seconds * 1000);
  if (ms < 0) return kNegativeTimeout;
  if (ms > static_cast<long double>(INT64_MAX)) return kTimeoutRange;
  // What is added to the clock in microseconds must not overflow; nobody will see the difference.
  constexpr long double kMost = 9.2e15L;
  return static_cast<int64_t>(std::min(ms, kMost));
}

Result<int64_t> ReadTimeoutMs(std::string_view text) {
  const std::optional<int64_t> ms = protocol::ParseInt64(text);
  if (!ms) return Error::Static("ERR timeout is not an integer or out of range");
  if (*ms < 0) return kNegativeTimeout;
  if (*ms > INT64_MAX / 2000) return kTimeoutRange;
  return *ms;
}

// ---------------------------------------------------------------- one client

BlockedClient::BlockedClient(CommandContext& context, const BlockRequest& request)
    : client(&context.client),
      reactor_(context.worker.reactor()),
      serve_(request.serve),
      retry_(request.retry),
      id_(context.client.id()),
      is_remembered_(protocol::Any(context.command.spec.flags & protocol::Flag::kReadonly) &&
                     context.client.session().tracker != nullptr &&
                     context.client.session().tracker->Remembers()),
      db_(context.unit.db()),
      resp_(context.client.resp()) {
  texts_.assign(request.args.begin(), request.args.end());
  args_.assign(texts_.begin(), texts_.end());
  keys_.assign(request.keys.begin(), request.keys.end());
  if (request.destination.data() != nullptr) {
    demands_ = context.unit.keyspace().StripeIndex(Unit::HashKey(request.destination));
  }
}

bool BlockedClient::Serve(Unit& unit, std::string_view key) {
  protocol::StringSink sink;
  protocol::ReplyWriter writer(sink, resp_);
  if (!serve_(unit, args_, key, writer)) return false;
  reply_ = sink.Take();
  return true;
}

std::string BlockedClient::TimeoutReply() const {
  protocol::StringSink sink;
  protocol::ReplyWriter writer(sink, resp_);
  writer.NullArray();
  return sink.Take();
}

void BlockedClient::PostReply() {
  auto* node = new ServedNode;
  node->blocked = std::static_pointer_cast<BlockedClient>(shared_from_this());
  node->run = [](InboxNode* posted, Reactor&) {
    const std::unique_ptr<ServedNode> own(static_cast<ServedNode*>(posted));
    BlockedClient& blocked = *own->blocked;
    if (blocked.client != nullptr) blocked.client->worker().blocked().Deliver(blocked);
  };
  reactor_.Post(node);
}

void BlockedClient::Lock(Unit& unit, Worker& worker, int64_t now_ms) {
  unit.Begin(worker, nullptr, db_, now_ms);
  for (const std::string& key : keys_) unit.AddKey(key, Unit::HashKey(key));
  unit.Lock();
}

void BlockedClient::Leave(Unit& unit, Worker& worker, int64_t now_ms) {
  Lock(unit, worker, now_ms);
  for (const std::string& key : keys_) unit.StopWaiting(db_, key, this, demands_);
  unit.Finish();
}

void Block(CommandContext& context, const BlockRequest& request) {
  PEAL_CHECK(!context.in_exec);
  Client& client = context.client;
  const auto blocked = std::make_shared<BlockedClient>(context, request);
  blocked->is_silent = context.is_silent;
  if (request.timeout_ms > 0) {
    blocked->deadline_us = context.worker.reactor().turn_us() + request.timeout_ms * 1000;
  }
  for (const std::string& key : blocked->keys_) {
    context.unit.Wait(blocked->db_, key, blocked, blocked->demands_);
  }
  client.session().blocked = blocked;
  context.worker.blocked().Add(blocked);
  if (request.retry != nullptr) {
    const int64_t in_ms = request.retry(context.unit, blocked->args_);
    context.worker.blocked().ScheduleRetry(blocked, context.worker.reactor().turn_us(), in_ms);
  }
  client.PauseReading(Pause::kBlocked);
}

// ---------------------------------------------------------------- those of a reactor

void BlockedClients::Add(const BlockedRef& blocked) {
  if (blocked->deadline_us != 0) deadlines_.emplace(blocked->deadline_us, blocked);
}

void BlockedClients::Erase(ByTime& times, int64_t at_us, const BlockedClient& blocked) {
  auto [at, end] = times.equal_range(at_us);
  while (at != end && at->second.get() != &blocked) ++at;
  if (at != end) times.erase(at);
}

void BlockedClients::Forget(BlockedClient& blocked) {
  if (blocked.deadline_us != 0) Erase(deadlines_, blocked.deadline_us, blocked);
  if (blocked.retry_us != 0) Erase(retries_, blocked.retry_us, blocked);
}

void BlockedClients::ScheduleRetry(const BlockedRef& blocked, int64_t now_us, int64_t in_ms) {
  blocked->retry_us = now_us + in_ms * 1000;
  retries_.emplace(blocked->retry_us, blocked);
}

void BlockedClients::Retry(int64_t now_us) {
  // Each is taken out before it is tried, and comes back with a later time.
  while (!retries_.empty() && retries_.begin()->first <= now_us) {
    const BlockedRef blocked = retries_.begin()->second;
    retries_.erase(retries_.begin());
    blocked->retry_us = 0;
    if (worker_.IsPaused()) {
      ScheduleRetry(blocked, now_us, kPausedRetryMs);
      continue;
    }
    Unit& unit = worker_.unit();
    blocked->Lock(unit, worker_, worker_.now_ms());
    if (blocked->Claim()) {  // else the reply is on its way
      const auto serves = [&](const std::string& key) { return blocked->Serve(unit, key); };
      if (std::any_of(blocked->keys_.begin(), blocked->keys_.end(), serves)) {
        blocked->MarkServed();
        blocked->PostReply();
      } else {
        blocked->GiveBack();
        ScheduleRetry(blocked, now_us, blocked->retry_(unit, blocked->args_));
      }
    }
    unit.Finish();
  }
}

void BlockedClients::Deliver(BlockedClient& blocked) {
  Client& client = *std::exchange(blocked.client, nullptr);
  const BlockedRef keep = std::move(client.session().blocked);
  PEAL_DCHECK(keep.get() == &blocked);
  leaving_.push_back(keep);
  Forget(blocked);
  if (!blocked.is_silent) client.QueueCopy(blocked.reply());
  client.session().last_active_us = worker_.reactor().turn_us();
  client.ResumeReading(Pause::kBlocked);
}

bool BlockedClients::End(const BlockedRef& blocked, std::string reply, bool is_exclusive) {
  if (!blocked->Claim()) return false;
  blocked->SetReply(std::move(reply));
  blocked->MarkServed();
  if (is_exclusive) {
    blocked->PostReply();
  } else {
    Deliver(*blocked);
  }
  return true;
}

void BlockedClients::Cancel(Client& client) {
  const BlockedRef blocked = std::move(client.session().blocked);
  if (blocked == nullptr) return;
  blocked->client = nullptr;
  // Whoever is serving it at this moment serves a client that has gone, as if it had gone later.
  if (blocked->Claim()) blocked->MarkServed();
  Forget(*blocked);
  leaving_.push_back(blocked);
  worker_.reactor().ScheduleTurn(0);
}

void BlockedClients::LeaveLists() {
  for (const BlockedRef& blocked : std::exchange(leaving_, {})) {
    blocked->Leave(worker_.unit(), worker_, worker_.now_ms());
  }
}

void BlockedClients::Step(int64_t now_us) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_us) {
    const BlockedRef blocked = deadlines_.begin()->second;
    if (!End(blocked, blocked->TimeoutReply(), false)) {
      // It was served at the last moment, and the reply is on its way.
      Forget(*blocked);
      blocked->deadline_us = 0;
    }
  }
  if (!retries_.empty()) Retry(now_us);
  LeaveLists();
  int64_t next_us = INT64_MAX;
  if (!deadlines_.empty()) next_us = deadlines_.begin()->first;
  if (!retries_.empty()) next_us = std::min(next_us, retries_.begin()->first);
  if (next_us == INT64_MAX) return;
  const int64_t left_us = next_us - now_us;
  worker_.reactor().ScheduleTurn(static_cast<uint64_t>(left_us / 1000 + 1));
}

}  // namespace peal::broker
