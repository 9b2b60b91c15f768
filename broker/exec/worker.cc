#include "broker/exec/worker.h"

#include <algorithm>

#include "broker/exec/audit_trail.h"
#include "broker/exec/keys.h"
#include "broker/exec/multi.h"
#include "broker/exec/rights.h"
#include "broker/exec/server.h"
#include "broker/keyspace/eviction.h"
#include "broker/keyspace/expiry_cycle.h"
#include "broker/log/log.h"
#include "broker/metrics/clock.h"
#include "broker/metrics/secrets.h"
#include "broker/scripts/engine.h"
#include "broker/scripts/scripts.h"
#include "protocol/base/text.h"
#include "protocol/command/keys.h"

namespace peal::broker {
namespace {

using protocol::Error;
using protocol::Flag;
using protocol::ParseStatus;
using protocol::RespVersion;

// Ranges of blocks are measured in 32 bits; no argument comes near.
constexpr uint64_t kLargestBulk = (uint64_t{1} << 30) - 65536;

/// Whether a connection begins with a TLS record that holds a handshake.
bool IsTlsGreeting(std::span<const char> input) {
  return input.size() >= 2 && input[0] == 0x16 && input[1] == 0x03;
}

/// The first words of lines that a browser sends which was led here to attack from within.
bool IsHttp(std::string_view word) {
  return protocol::EqualsIgnoreCase(word, "post") || protocol::EqualsIgnoreCase(word, "host:");
}

std::string Quoted(std::string_view text, size_t longest) {
  return "'" + std::string(text.substr(0, longest)) + "'";
}

Error UnknownCommand(std::span<const std::string_view> args) {
  std::string text = "ERR unknown command " + Quoted(args[0], 128) + ", with args beginning with: ";
  size_t shown = 0;
  for (size_t i = 1; i < args.size() && shown < 128; ++i) {
    const std::string word = Quoted(args[i], 128 - shown) + " ";
    shown += word.size();
    text += word;
  }
  return Error::Owned(text);
}

Error WrongArity(const TableEntry& entry) {
  return Error::Owned("ERR wrong number of arguments for '" + entry.full_name + "' command");
}

bool ArityFits(int arity, size_t count) {
  return arity >= 0 ? count == static_cast<size_t>(arity) : count >= static_cast<size_t>(-arity);
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
  }
  return upper;
}

}  // namespace

void CommandContext::Fail(const Error& error) {
  worker.stats().CountError(error.code());
  worker.stats().CountFailed(worker.running_index());
  reply.Error(error);
  if (failure != nullptr) failure->error = error.text();
}

struct Worker::Parsed {
  const TableEntry* entry;
  const std::string_view* args;
  uint32_t count;
  uint32_t begin;  // offset of the request in the input
  uint64_t key_hash;
  bool has_key;
  bool is_ahead;  // its key is loaded ahead: the request before it has another
};

/// Requests parsed ahead, so that what they will look up is already on its way to the cache.
struct Worker::Batch {
  static constexpr uint32_t kRequests = 16;
  static constexpr uint32_t kArgs = 128;
  Parsed requests[kRequests];
  std::string_view args[kArgs];
  uint32_t size = 0;
  uint32_t args_used = 0;
  uint32_t end = 0;  // offset behind the last request

  bool HasRoom(size_t count) const { return size < kRequests && args_used + count <= kArgs; }
};

/// Takes the replies of a client that wants none.
class Worker::NullSink final : public protocol::ByteSink {
 public:
  static NullSink& Get() {
    static thread_local NullSink sink;
    sink.cursor_ = sink.limit_ = nullptr;
    return sink;
  }

 private:
  void Refill(size_t n) override {
    scratch_.resize(std::max<size_t>(n, 4096));
    cursor_ = scratch_.data();
    limit_ = cursor_ + scratch_.size();
  }
  std::vector<char> scratch_;
};

Worker::Worker(Server& server, Reactor& reactor)
    : server_(server),
      reactor_(reactor),
      hub_port_(server.hub(), reactor, server.reactor_count()),
      tracking_port_(server.tracking(), hub_port_),
      unit_(server.keyspace()),
      stats_(server.commands().all().size()),
      expiry_(std::make_unique<ExpiryCycle>(*this)),
      eviction_(std::make_unique<Eviction>(*this)) {
  reactor.set_handler(this);
}

Worker::~Worker() = default;

// ---------------------------------------------------------------- input

std::span<char> Worker::HandleInput(Client& client, std::span<char> input) {
  PEAL_DCHECK(replying_ == nullptr);
  if (client.session().commands == 0 && IsTlsGreeting(input)) [[unlikely]] {
    static RateLimitedLog limited(LogLevel::kNotice, 1);
    limited.Write("closing client id={} addr={}: it speaks TLS, which this port does not",
                  client.id(), client.PeerAddress());
    ++stats_.counters().protocol_errors;
    client.Close();
    return {};
  }
  if (client.session().tracker != nullptr) [[unlikely]] {
    // What others were told was done before this was sent comes before the replies to it.
    reactor_.DrainAll();
    tracking_port_.TellChanges();
    if (client.is_closing()) return {};
  }
  replying_ = &client;
  replies_.BeginSpilling(&client);
  client.session().last_active_us = reactor_.turn_us();
  ticks_ = Ticks();
  if (ticks_ >= clock_due_ticks_) ReadClock(ticks_);
  const std::span<char> kept = ParseAndExecute(client, input);
  FlushReply(client);
  replying_ = nullptr;
  replies_.Begin(0);
  return kept;
}

std::span<char> Worker::ParseAndExecute(Client& client, std::span<char> input) {
  const Session& session = client.session();
  protocol::RequestParser& parser = client.parser_;
  Batch batch;
  uint32_t at = 0;  // where the parser stands
  // Everything from `offset` on is read again later.
  const auto keep_from = [&](uint32_t offset) {
    parser.Reset();
    return input.subspan(offset);
  };
  for (;;) {
    protocol::RequestLimits limits = protocol::RequestLimits::Unauthenticated();
    if (session.is_authenticated || !MustLogIn(server_, client)) {
      limits = {.max_bulk_bytes = std::min(server_.config().proto_max_bulk_len, kLargestBulk)};
    }
    const ParseStatus status = parser.Next(input.subspan(at), limits);
    if (status == ParseStatus::kRequest) {
      const auto args = parser.args();
      const uint32_t begin = at;
      at += static_cast<uint32_t>(parser.consumed());
      const TableEntry* entry = server_.commands().Find(args[0]);
      // Quotes are taken off an inline request in place, so its text cannot be read a second time.
      const bool must_rebuild = client.large_ != nullptr || parser.was_inline();
      if (args.size() > Batch::kArgs || must_rebuild) {
        // Not for the batch: executed on the spot, in its turn.
        const std::vector<std::string_view> own(args.begin(), args.end());
        if (const uint32_t stop = RunBatch(client, batch); stop != kAllRun) {
          if (!must_rebuild) return keep_from(stop);
          return KeepRebuilt(client, own, input.subspan(stop, begin - stop), input.subspan(at));
        }
        const Outcome outcome = Execute(client, entry, own, 0);
        if (outcome == Outcome::kHeldBack) {
          if (!must_rebuild) return keep_from(begin);
          return KeepRebuilt(client, own, {}, input.subspan(at));
        }
        client.DropLargeArguments();
        if (!session.is_authenticated && IsOwedTooMuch(client)) return {};
        if (outcome == Outcome::kStop) return input.subspan(at);
        continue;
      }
      if (batch.HasRoom(args.size())) {
        AddToBatch(batch, client, entry, args, begin, at);
      } else {
        // The parser's storage is shared, and a script that goes on for long lets others use it.
        std::string_view own[Batch::kArgs];
        std::copy(args.begin(), args.end(), own);
        const size_t count = args.size();
        if (const uint32_t stop = RunBatch(client, batch); stop != kAllRun) return keep_from(stop);
        AddToBatch(batch, client, entry, {own, count}, begin, at);
      }
      if (!session.is_authenticated && MustLogIn(server_, client)) {
        if (const uint32_t stop = RunBatch(client, batch); stop != kAllRun) return keep_from(stop);
        if (IsOwedTooMuch(client)) return {};
      }
      continue;
    }
    const uint32_t stop = RunBatch(client, batch);
    if (status == ParseStatus::kNeedMore) {
      if (stop != kAllRun && client.large_ == nullptr) return keep_from(stop);
      if (stop == kAllRun) client.AdoptLargeBulk(input.subspan(at));
      const size_t from = at + parser.retained_from();
      return input.subspan(from, at + parser.retained_to() - from);
    }
    if (stop != kAllRun) return keep_from(stop);
    protocol::ReplyWriter(replies_, client.resp()).ErrorLine(parser.ErrorText());
    ++stats_.counters().protocol_errors;
    static RateLimitedLog limited(LogLevel::kVerbose, 10);
    limited.Write("protocol error from client id={} addr={}: {}", client.id(), client.PeerAddress(),
                  parser.ErrorText());
    client.CloseAfterFlush();
    return {};
  }
}

void Worker::AddToBatch(Batch& batch, Client& client, const TableEntry* entry,
                        std::span<const std::string_view> args, uint32_t begin, uint32_t end) {
  Parsed& parsed = batch.requests[batch.size++];
  parsed.entry = entry;
  parsed.begin = begin;
  parsed.args = batch.args + batch.args_used;
  parsed.count = static_cast<uint32_t>(args.size());
  std::copy(args.begin(), args.end(), batch.args + batch.args_used);
  batch.args_used += parsed.count;
  batch.end = end;
  parsed.has_key = entry != nullptr && entry->first_key > 0 &&
                   static_cast<size_t>(entry->first_key) < args.size();
  parsed.is_ahead = false;
  if (IsBusy()) parsed.has_key = false;  // nobody will look it up
  if (parsed.has_key) {
    parsed.key_hash = Unit::HashKey(args[static_cast<size_t>(entry->first_key)]);
    const Parsed* const before = batch.size > 1 ? &parsed - 1 : nullptr;
    parsed.is_ahead = before == nullptr || !before->has_key || before->key_hash != parsed.key_hash;
    if (parsed.is_ahead) {
      Unit::Prefetch(server_.keyspace(), client.session().db, parsed.key_hash);
    }
  }
}

/// Goes from the keys to the values step by step, each step for all requests, so that they wait for
/// memory together instead of one after the other.
void Worker::PrefetchValues(uint32_t db, const Batch& batch) {
  using enum store::PrefetchDepth;
  for (const store::PrefetchDepth depth : {kEntry, kObject, kContents}) {
    for (uint32_t i = 0; i < batch.size; ++i) {
      const Parsed& parsed = batch.requests[i];
      if (!parsed.is_ahead || (depth != kEntry && !parsed.entry->takes_objects)) continue;
      server_.keyspace().PrefetchStep(static_cast<int>(db), parsed.key_hash, depth);
    }
  }
}

uint32_t Worker::RunBatch(Client& client, Batch& batch) {
  reactor_.YieldToExclusive();
  if (batch.size > 1 && !IsBusy()) PrefetchValues(client.session().db, batch);
  uint32_t stop = kAllRun;
  for (uint32_t i = 0; i < batch.size; ++i) {
    const Parsed& parsed = batch.requests[i];
    const Outcome outcome = Execute(client, parsed.entry, {parsed.args, parsed.count},
                                    parsed.has_key ? parsed.key_hash : 0);
    if (outcome == Outcome::kGoOn) continue;
    if (outcome == Outcome::kHeldBack) {
      stop = parsed.begin;
    } else {
      stop = i + 1 < batch.size ? batch.requests[i + 1].begin : batch.end;
    }
    break;
  }
  batch.size = batch.args_used = 0;
  return stop;
}

std::span<char> Worker::KeepRebuilt(Client& client, std::span<const std::string_view> args,
                                    std::span<const char> before, std::span<const char> behind) {
  protocol::StringSink sink;
  protocol::ReplyWriter writer(sink, RespVersion::k2);
  sink.Append({before.data(), before.size()});
  writer.Array(args.size());
  for (const std::string_view arg : args) writer.Bulk(arg);
  sink.Append({behind.data(), behind.size()});
  rebuilt_ = sink.Take();
  client.parser_.Reset();
  client.DropLargeArguments();
  return rebuilt_;
}

// ---------------------------------------------------------------- one command

Worker::Outcome Worker::ExecuteOne(Client& client, const TableEntry* entry,
                                   std::span<const std::string_view> args, uint64_t key_hash) {
  Session& session = client.session();
  const bool silent = session.reply_mode != ReplyMode::kOn;
  const bool is_skipped = session.reply_mode == ReplyMode::kSkipNext;
  if (is_skipped) session.reply_mode = ReplyMode::kOn;
  protocol::ByteSink& sink = silent ? static_cast<protocol::ByteSink&>(NullSink::Get()) : replies_;
  protocol::ReplyWriter reply(sink, client.resp());
  if (entry == nullptr) {
    if (IsHttp(args[0])) {
      static RateLimitedLog limited(LogLevel::kWarning, 1);
      limited.Write(
          "possible security attack: closing client id={} addr={}, which sends HTTP (POST or "
          "Host:), as a browser does that was led here",
          client.id(), client.PeerAddress());
      ++stats_.counters().http_closes;
      client.Close();
      return Outcome::kStop;
    }
    Reject(client, nullptr, UnknownCommand(args), reply);
    return Outcome::kGoOn;
  }
  const TableEntry* const container = entry;
  entry = CommandTable::Resolve(entry, args);
  if (entry == nullptr) {
    Reject(client, nullptr,
           Error::Owned("ERR unknown subcommand '" + std::string(args[1].substr(0, 128)) +
                        "'. Try " + Upper(container->full_name) + " HELP."),
           reply);
    return Outcome::kGoOn;
  }
  if (!ArityFits(entry->arity, args.size()) || entry->command->run == nullptr) {
    Reject(client, entry, WrongArity(*entry), reply);
    return Outcome::kGoOn;
  }
  Outcome outcome = AdmitAndRun(client, *entry, args, key_hash, reply, silent);
  while (outcome == Outcome::kAgain) [[unlikely]]
    outcome = AdmitAndRun(client, *entry, args, key_hash, reply, silent);
  if (outcome == Outcome::kHeldBack && is_skipped) session.reply_mode = ReplyMode::kSkipNext;
  if (outcome != Outcome::kGoOn) [[unlikely]]
    return outcome;
  // Who has many unread replies, or publishes faster than is delivered, waits in the middle of his
  // pipeline.
  if (client.output().bytes() + replies_.written() > Reactor::kOutputPauseBytes) [[unlikely]] {
    client.PauseReading(Pause::kOutput);
  }
  if (hub_port_.TakeCongestion() && !client.is_closing()) [[unlikely]] {
    client.PauseReading(Pause::kBackPressure);
    client.Pin();
    congested_.push_back(&client);
  }
  return client.is_closing() || client.IsPaused() ? Outcome::kStop : Outcome::kGoOn;
}

Worker::Outcome Worker::AdmitAndRun(Client& client, const TableEntry& entry,
                                    std::span<const std::string_view> args, uint64_t key_hash,
                                    protocol::ReplyWriter& reply, bool is_silent) {
  Session& session = client.session();
  admission_ = server_.admission();
  // Its end may have come while the reactor stood aside.
  if (session.is_doomed || client.is_closing()) [[unlikely]]
    return Outcome::kStop;
  if (!Admit(client, entry, args, reply)) return Outcome::kGoOn;
  if (entry.command->spec.audit != protocol::Audit::kNone) [[unlikely]] {
    if (const Error* refused = RefuseUnaudited(*this, entry, args)) {
      Reject(client, &entry, *refused, reply);
      return Outcome::kGoOn;
    }
  }
  if (IsBusy() && !entry.Has(Flag::kAllowBusy)) [[unlikely]] {
    Reject(client, &entry, server_.scripts().BusyError(), reply);
    return Outcome::kGoOn;
  }
  if (server_.pause_mode() != PauseMode::kNone && IsHeldByPause(client, entry)) [[unlikely]] {
    was_paused_ = true;
    client.PauseReading(Pause::kClientPause);
    return Outcome::kHeldBack;
  }
  is_out_of_memory_ = false;
  if (server_.config().maxmemory_bytes != 0 && !IsBusy()) [[unlikely]] {
    const bool has_room = HasRoom(client, entry, reply);
    if (IsOutdated()) return has_room ? Outcome::kAgain : Outcome::kGoOn;
    if (!has_room) return Outcome::kGoOn;
  }
  session.last_command = &entry;
  ++session.commands;
  if (session.multi != nullptr && IsInMulti(session) && IsQueuedInMulti(entry)) [[unlikely]] {
    const auto queued = QueueCommand(client, entry, args);
    if (queued.ok()) {
      reply.Simple("QUEUED");
    } else {
      Reject(client, &entry, queued.error(), reply);
    }
    return Outcome::kGoOn;
  }
  CommandContext context{server_, *this,          client, *entry.command, args,
                         reply,   current_unit(), false,  is_silent};
  Call(context, entry, key_hash);
  if (std::exchange(must_admit_again_, false)) [[unlikely]] {
    --session.commands;
    return Outcome::kAgain;
  }
  if (IsOutdated() && client.IsSubscribed()) [[unlikely]]
    RecheckSubscriber(client, entry, args);
  return Outcome::kGoOn;
}

bool Worker::IsOutdated() const { return admission_ != server_.admission(); }

Worker::Locked Worker::LockStripes(Unit& unit) {
  if (!unit.LockUnlessVisits()) [[unlikely]]
    return Locked::kBusy;
  if (!IsOutdated()) [[likely]]
    return Locked::kYes;
  unit.Finish();
  must_admit_again_ = true;
  return Locked::kOutdated;
}

Worker::Locked Worker::LockGate(Unit& unit) {
  if (!reactor_.LockExclusive()) {
    unit.Finish();
    return Locked::kBusy;
  }
  if (IsOutdated()) {
    unit.Finish();
    reactor_.UnlockExclusive();
    must_admit_again_ = true;
    return Locked::kOutdated;
  }
  unit.AssumeExclusive();
  return Locked::kYes;
}

void Worker::RecheckSubscriber(Client& client, const TableEntry& entry,
                               std::span<const std::string_view> args) {
  const bool has_subscribed = entry.Has(Flag::kPubSub) && !entry.Has(Flag::kMayReplicate);
  if (client.is_closing() || !has_subscribed) return;
  if (client.session().is_doomed || !CheckRights(client, entry, args).ok()) client.Close();
}

bool Worker::Admit(Client& client, const TableEntry& entry, std::span<const std::string_view> args,
                   protocol::ReplyWriter& reply) {
  const Session& session = client.session();
  if (!session.is_authenticated && !entry.Has(Flag::kNoAuth) && MustLogIn(server_, client))
      [[unlikely]] {
    Reject(client, &entry, protocol::errors::kNoAuth, reply);
    return false;
  }
  if (session.multi != nullptr && IsInMulti(session) && entry.Has(Flag::kNoMulti)) [[unlikely]] {
    Reject(client, &entry, Error::Static("ERR Command not allowed inside a transaction"), reply);
    return false;
  }
  if (!session.account->is_unrestricted) [[unlikely]] {
    const AclUser& user = *session.account->user;
    const AclVerdict verdict = user.Check(entry, args);
    if (!verdict.ok()) {
      NoteRefusal(*this, client, entry, args, verdict,
                  IsInMulti(session) ? AclLog::Context::kMulti : AclLog::Context::kToplevel);
      Reject(client, &entry, NoPermission(user, entry, args, verdict), reply);
      return false;
    }
  }
  if (client.resp() == RespVersion::k2 && client.IsSubscribed() && !entry.Has(Flag::kSubscriberOk))
      [[unlikely]] {
    std::string name = entry.full_name;
    Reject(client, &entry,
           Error::Owned(
               "ERR Can't execute '" + name +
               "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in "
               "this context"),
           reply);
    return false;
  }
  return true;
}

void Worker::Reject(Client& client, const TableEntry* entry, const Error& error,
                    protocol::ReplyWriter& reply) {
  // A refused EXEC ends the transaction and says so, even if there is none.
  const bool is_exec = entry != nullptr && entry->full_name == "exec";
  Error told = error;
  if (is_exec) {
    std::string_view reason = error.text();
    if (reason.starts_with("ERR ")) reason.remove_prefix(4);
    told = Error::Owned("EXECABORT Transaction discarded because of: " + std::string(reason));
  }
  stats_.CountError(told.code());
  if (entry != nullptr) stats_.CountRejected(entry->index);
  if (Session& session = client.session(); session.multi != nullptr) {
    is_exec ? DiscardMulti(session) : AbortMulti(session);
  }
  reply.Error(told);
}

bool Worker::HasRoom(Client& client, const TableEntry& entry, protocol::ReplyWriter& reply) {
  is_out_of_memory_ = !eviction_->MakeRoom(now_ms_);
  if (!is_out_of_memory_) return true;
  const bool is_exec = entry.full_name == "exec";
  if (!entry.Has(Flag::kDenyOom) && !(is_exec && MultiNeedsMemory(client.session()))) return true;
  Reject(client, &entry, protocol::errors::kOom, reply);
  return false;
}

bool Worker::IsHeldByPause(const Client& client, const TableEntry& entry) const {
  if (server_.pause_until_ms() <= now_ms_) return false;
  // Replies to subscriptions and the command that ends the pause must get through.
  if (client.client_class() == ClientClass::kPubSub && client.resp() == RespVersion::k2)
    return false;
  if (entry.full_name == "client|unpause" || entry.full_name == "client|pause") return false;
  if (server_.pause_mode() == PauseMode::kAll) return true;
  return entry.Has(Flag::kWrite) || entry.Has(Flag::kMayReplicate) ||
         (entry.full_name == "exec" && MultiWrites(client.session()));
}

void Worker::Call(CommandContext& context, const TableEntry& entry, uint64_t key_hash) {
  const auto args = context.args;
  Unit& unit = context.unit;
  unit.Begin(*this, &context.client, context.client.session().db, now_ms_);
  if (!is_serving_ && ((entry.is_exclusive && !entry.command->takes_locks) ||
                       (entry.may_be_exclusive && entry.command->needs_everything(args)))) {
    const Locked locked = LockGate(unit);
    if (locked == Locked::kOutdated) return;
    if (locked == Locked::kBusy)
      return Reject(context.client, &entry, server_.scripts().BusyError(), context.reply);
    Run(context, entry);
    unit.Finish();
    reactor_.UnlockExclusive();
    return;
  }
  if (entry.command->takes_locks) {
    Run(context, entry);
    const bool holds_gate = unit.is_exclusive();
    unit.Finish();
    if (holds_gate) reactor_.UnlockExclusive();
    return;
  }
  if (entry.first_key > 0) {
    const auto count = static_cast<int>(args.size());
    const int last = entry.last_key < 0 ? count + entry.last_key : entry.last_key;
    if (last <= entry.first_key) {
      if (entry.first_key < count) {
        const std::string_view key = args[static_cast<size_t>(entry.first_key)];
        unit.AddKey(key, key_hash != 0 ? key_hash : Unit::HashKey(key));
      }
    } else {
      for (int i = entry.first_key; i <= last && i < count; i += entry.key_step) {
        unit.AddKey(args[static_cast<size_t>(i)], Unit::HashKey(args[static_cast<size_t>(i)]));
      }
    }
  } else if (entry.has_movable_keys) {
    AddMovableKeys(unit, entry, args);
  }
  if (unit.planned_stripes() != 0) [[likely]] {
    const Locked locked = LockStripes(unit);
    if (locked != Locked::kYes) [[unlikely]] {
      if (locked == Locked::kOutdated) return;
      // As a visitor it finds the stripes free.
      if (entry.Has(Flag::kAllowBusy)) return Call(context, entry, key_hash);
      return Reject(context.client, &entry, server_.scripts().BusyError(), context.reply);
    }
  }
  Run(context, entry);
  unit.Finish();
}

void Worker::AddMovableKeys(Unit& unit, const TableEntry& entry,
                            std::span<const std::string_view> args) {
  const auto keys = protocol::ExtractKeys(entry.command->spec, args);
  if (!keys.ok()) return;  // the command's function finds the same fault and says it
  for (const auto& key : keys.value()) {
    unit.AddKey(args[key.index], Unit::HashKey(args[key.index]));
  }
}

void Worker::Run(CommandContext& context, const TableEntry& entry) {
  if (entry.command->spec.audit == protocol::Audit::kNone) [[likely]]
    return RunUnaudited(context, entry);
  Failure failure;
  context.failure = &failure;
  RunUnaudited(context, entry);
  if (must_admit_again_) return;
  AuditCommand(context, entry, failure);
  // Those of a script are Lua's own.
  if (!context.in_script) WipeSecrets(entry, context.args);
}

void Worker::RunUnaudited(CommandContext& context, const TableEntry& entry) {
  const uint32_t outer = std::exchange(running_index_, entry.index);
  const uint64_t begin = context.in_exec ? Ticks() : ticks_;
  const uint64_t queued_bytes = context.client.output().bytes() + replies_.written();
  entry.command->run(context);
  if (must_admit_again_) [[unlikely]] {
    running_index_ = outer;
    return;
  }
  if (context.client.session().tracker != nullptr && entry.Has(Flag::kReadonly)) [[unlikely]]
    RememberKeys(context, entry);
  const uint64_t end = Ticks();
  ticks_ = end;
  running_index_ = outer;
  stats_.Count(entry.index, end - begin);
  // A pipeline may take long: its commands see when they begin. Those of one EXEC see one time.
  if (end >= clock_due_ticks_ && !context.in_exec) [[unlikely]]
    ReadClock(end);
  if (end - begin >= slow_ticks_ && !context.in_script) [[unlikely]]
    NoteSlow(context, entry, end - begin);
  uint64_t request_bytes = 0;
  for (const std::string_view arg : context.args) request_bytes += arg.size();
  const uint64_t bytes_after = context.client.output().bytes() + replies_.written();
  // Less than before: the client was cut off.
  const uint64_t reply_bytes = bytes_after > queued_bytes ? bytes_after - queued_bytes : 0;
  if (request_bytes >= large_request_bytes_ || reply_bytes >= large_reply_bytes_) [[unlikely]]
    NoteLarge(context, entry, request_bytes, reply_bytes);
  if (server_.hot_keys().is_on()) [[unlikely]]
    NoteHotKeys(context, entry, {.ticks = end - begin, .bytes = reply_bytes});
  if (server_.monitor_count().load(std::memory_order_relaxed) != 0 &&
      !entry.Has(Flag::kSkipMonitor) && !entry.Has(Flag::kAdmin)) [[unlikely]] {
    std::vector<std::string_view> scratch;
    server_.FeedMonitors(*this, context.client, HideSecrets(entry, context.args, scratch),
                         context.in_script);
  }
}

void Worker::NoteHotKeys(const CommandContext& context, const TableEntry& entry,
                         HotKeys::Totals cost) {
  // A script counts as a whole, with the keys it declares.
  if (context.in_script) return;
  const auto header = [](size_t number) { return 3 + std::to_string(number).size(); };
  cost.bytes += header(context.args.size());
  for (const std::string_view arg : context.args) cost.bytes += header(arg.size()) + arg.size() + 2;
  std::vector<std::string_view> keys;
  ForEachKey(entry, context.args, [&keys](std::string_view key) { keys.push_back(key); });
  server_.hot_keys().Note(reactor_.index(), keys, cost, context.in_exec, now_ms_);
}

void Worker::RememberKeys(const CommandContext& context, const TableEntry& entry) {
  Tracker& tracker = *context.client.session().tracker;
  if (!tracker.Remembers()) return;
  ForEachKey(entry, context.args, [&](std::string_view key) {
    // A script that was refused holds nothing.
    if (!context.unit.Holds(key)) return;
    tracker.remembered += context.unit.Remember(key, context.client.id());
  });
}

void Worker::AfterTracked(Client& client, const TableEntry* entry,
                          std::span<const std::string_view> args) {
  Tracker& tracker = *client.session().tracker;
  auto& own = current_unit().own_invalidations();
  if (!own.empty()) {
    FlushReply(client);
    for (const std::optional<std::string>& key : own) tracking_port_.TellOwn(tracker, key);
    own.clear();
  }
  if (tracker.is_on) tracking_port_.ForgetKeys(server_.config().tracking_table_max_keys);
  if (!tracker.is_caching_told || IsInMulti(client.session())) return;
  // CLIENT CACHING holds for the next command, or the next transaction.
  if (entry != nullptr) entry = CommandTable::Resolve(entry, args);
  if (entry == nullptr || !entry->full_name.starts_with("client|")) tracker.is_caching_told = false;
}

void Worker::NoteSlow(CommandContext& context, const TableEntry& entry, uint64_t ticks) {
  const Config& config = server_.config();
  const auto us = static_cast<int64_t>(TicksToUs(ticks));
  if (config.slowlog_log_slower_than_us >= 0 && us >= config.slowlog_log_slower_than_us) {
    LogCommand(CommandLog::Kind::kSlow, context, entry, us, config.slowlog_max_len);
  }
  const auto threshold_ms = static_cast<int64_t>(config.latency_monitor_threshold_ms);
  if (threshold_ms != 0 && us >= threshold_ms * 1000) {
    server_.latency().Add(entry.Has(Flag::kFast) ? "fast-command" : "command",
                          static_cast<uint64_t>(us / 1000));
  }
}

void Worker::NoteLarge(CommandContext& context, const TableEntry& entry, uint64_t request_bytes,
                       uint64_t reply_bytes) {
  const Config& config = server_.config();
  if (request_bytes >= large_request_bytes_) {
    LogCommand(CommandLog::Kind::kLargeRequest, context, entry, static_cast<int64_t>(request_bytes),
               config.large_request_max_len);
  }
  if (reply_bytes >= large_reply_bytes_) {
    LogCommand(CommandLog::Kind::kLargeReply, context, entry, static_cast<int64_t>(reply_bytes),
               config.large_reply_max_len);
  }
}

void Worker::LogCommand(CommandLog::Kind kind, CommandContext& context, const TableEntry& entry,
                        int64_t value, uint64_t max_len) {
  if (entry.Has(Flag::kSkipSlowlog)) return;
  std::vector<std::string_view> scratch;
  server_.command_log(kind).Add(HideSecrets(entry, context.args, scratch), value,
                                context.client.PeerAddress(), context.client.session().name(),
                                max_len);
}

void Worker::ConfigChanged() {
  const Config& config = server_.config();
  stats_.set_tracks_latency(config.latency_tracking);
  for (size_t i = 0; i < kClientClasses; ++i) {
    reactor_.output_limits()[i] = config.output_limits[i];
  }
  uint64_t slow_us = UINT64_MAX;
  if (config.slowlog_log_slower_than_us >= 0) {
    slow_us = static_cast<uint64_t>(config.slowlog_log_slower_than_us);
  }
  if (config.latency_monitor_threshold_ms != 0) {
    slow_us = std::min(slow_us, config.latency_monitor_threshold_ms * 1000);
  }
  const auto threshold = [](int64_t bytes) {
    return bytes < 0 ? UINT64_MAX : static_cast<uint64_t>(bytes);
  };
  large_request_bytes_ = threshold(config.large_request_bytes);
  large_reply_bytes_ = threshold(config.large_reply_bytes);
  slow_ticks_ = slow_us == UINT64_MAX ? UINT64_MAX : UsToTicks(slow_us);
}

void Worker::FlushReply(Client& client) {
  if (replying_ != &client) return;
  if (replies_.written() != 0) client.Queue(replies_.End());
  replies_.BeginSpilling(&client);
}

void Worker::QueueReplyRange(Client& client, Range range) {
  FlushReply(client);
  client.Queue(range);
}

}  // namespace peal::broker
