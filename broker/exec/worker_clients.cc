// What a worker does for its clients from accept to the end, and at the turns of its reactor.
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "broker/exec/audit_trail.h"
#include "broker/exec/rights.h"
#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/keyspace/eviction.h"
#include "broker/keyspace/expiry_cycle.h"
#include "broker/log/log.h"
#include "broker/metrics/clock.h"
#include "broker/metrics/memory.h"
#include "broker/scripts/engine.h"

namespace peal::broker {
namespace {

// Subscriptions that a closing client may leave at once; more go in slices.
constexpr uint64_t kLeaveAtOnce = 16;
constexpr int kTicksPerSecond = 10;
// Replies that may wait for a client which has not authenticated: some 450 refusals.
constexpr uint64_t kUnauthenticatedOutputBytes = 16 * 1024;
// After how long publishers that were throttled look again.
constexpr uint64_t kCongestionRetryMs = 1;

}  // namespace

void Worker::Accept(int fd, ListenerKind kind, ClientId id) {
  std::shared_ptr<const TlsContext> context;
  if (kind == ListenerKind::kTls) context = server_.tls().Current();
  const bool is_refused = kind == ListenerKind::kTls && context == nullptr;
  if (server_.IsShuttingDown() || is_refused) {
    ::close(fd);
    reactor_.load().fetch_sub(1, std::memory_order_relaxed);
    server_.client_count().fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  Transport* transport = &Transport::Plain();
  if (kind == ListenerKind::kTls) {
    if (tls_ == nullptr) tls_ = std::make_unique<TlsShared>();
    transport = new TlsTransport(std::move(context), *tls_);
  }
  auto* client = new Client(*this, fd, id, kind, *transport);
  LogOut(server_, *client);
  client->index_ = static_cast<uint32_t>(clients_.size());
  clients_.push_back(client);
}

void Worker::AuthenticateByCertificate(Client& client) {
  const TlsUserField field = server_.config().tls_auth_clients_user;
  if (field == TlsUserField::kOff) return;
  const auto& transport = static_cast<const TlsTransport&>(client.transport());
  const std::string name =
      field == TlsUserField::kUri ? transport.PeerUri() : transport.PeerCommonName();
  if (name.empty() || server_.audit().MustRefuse(protocol::Audit::kAuth, now_ms_)) return;
  const AclAccountRef account = server_.acl().Find(name);
  if (account != nullptr && account->user->rules().is_on) {
    LogIn(client, account);
    return AuditCertificate(*this, client, name, "");
  }
  AuditCertificate(*this, client, name, "the certificate is for no user here");
  ++stats_.counters().certificate_refusals;
  static RateLimitedLog limited(LogLevel::kNotice, 5);
  limited.Write("client id={} addr={}: its certificate is for no user here: {}", client.id(),
                client.PeerAddress(), transport.PeerSubject());
}

bool Worker::IsOwedTooMuch(Client& client) {
  const uint64_t bytes = client.output().bytes() + replies_.written();
  if (bytes <= kUnauthenticatedOutputBytes || !MustLogIn(server_, client)) return false;
  static RateLimitedLog limited(LogLevel::kWarning, 5);
  limited.Write(
      "closing client id={} addr={}: {} bytes of replies wait for it before it has "
      "authenticated",
      client.id(), client.PeerAddress(), bytes);
  ++stats_.counters().output_limit_closes;
  client.Close();
  return true;
}

void Worker::CheckEntry(Client& client) {
  const Config& config = server_.config();
  const Session& session = client.session();
  const auto has_passed = [this](int64_t since_us, uint32_t limit_s) {
    return limit_s != 0 && reactor_.turn_us() - since_us > int64_t{limit_s} * 1'000'000;
  };
  static RateLimitedLog limited(LogLevel::kNotice, 5);
  if (!client.transport().is_ready() &&
      has_passed(session.created_us, config.tls_handshake_timeout_s)) {
    limited.Write("closing client id={} addr={}: no TLS handshake within {} s", client.id(),
                  client.PeerAddress(), config.tls_handshake_timeout_s);
    ++tls_->counters.timeouts;
    client.Close();
  } else if (MustLogIn(server_, client) &&
             has_passed(session.stranger_since_us, config.auth_timeout_s)) {
    limited.Write("closing client id={} addr={}: it did not authenticate within {} s", client.id(),
                  client.PeerAddress(), config.auth_timeout_s);
    ++stats_.counters().auth_timeouts;
    client.Close();
  }
}

void Worker::Forget(Client& client) {
  Client* const last = clients_.back();
  clients_[client.index_] = last;
  last->index_ = client.index_;
  clients_.pop_back();
  if (!client.session_.is_doomed) CountOut(client);
  if (client.session_.tracker != nullptr) {
    tracking_port_.Forget(*std::exchange(client.session_.tracker, nullptr));
  }
  Reap(client);
}

void Worker::CountOut(Client& client) {
  server_.client_count().fetch_sub(1, std::memory_order_relaxed);
  if (std::exchange(client.session_.is_monitor, false)) {
    server_.monitor_count().fetch_sub(1, std::memory_order_relaxed);
  }
  if (client.client_class() == ClientClass::kPubSub) --pubsub_clients_;
}

void Worker::Reap(Client& client) {
  if (client.GlobalCount() + client.ShardCount() > kLeaveAtOnce) {
    client.Pin();
    reaped_.push_back(&client);
    return;
  }
  uint64_t hint = 0;
  for (const Space space : {Space::kChannel, Space::kPattern, Space::kShard}) {
    hint = 0;
    while (server_.hub().UnsubscribeAny(hub_port_, space, client, hint, nullptr)) {
    }
  }
}

bool Worker::RunReaper() {
  if (reaped_.empty()) return false;
  const int64_t deadline = MonotonicUs() + server_.config().pubsub_cleanup_slice_us;
  while (!reaped_.empty()) {
    Client& client = *reaped_.back();
    bool any = true;
    while (any) {
      any = false;
      for (const Space space : {Space::kChannel, Space::kPattern, Space::kShard}) {
        for (int i = 0; i < 64; ++i) {
          if (!server_.hub().UnsubscribeAny(hub_port_, space, client, reap_hint_, nullptr)) {
            reap_hint_ = 0;
            break;
          }
          any = true;
        }
      }
      if (MonotonicUs() >= deadline) return true;
    }
    reaped_.pop_back();
    reap_hint_ = 0;
    has_freed_much_ = true;
    client.Unpin();
  }
  return false;
}

void Worker::AddJob(Client& client) {
  client.Pin();
  jobs_.push_back(&client);
}

bool Worker::RunJobs() {
  bool more = false;
  const int64_t deadline = MonotonicUs() + server_.config().pubsub_cleanup_slice_us;
  for (size_t i = 0; i < jobs_.size();) {
    Client& client = *jobs_[i];
    bool done = client.job_ == nullptr;
    if (!done) {
      replying_ = &client;
      replies_.BeginSpilling(&client);
      done = client.job_->Step(client, deadline);
      FlushReply(client);
      replying_ = nullptr;
      replies_.Begin(0);
    }
    if (!done) {
      // Who does not read what the job wrote so far is waited for, not polled.
      more = more || client.output().bytes() <= Reactor::kOutputPauseBytes;
      ++i;
      continue;
    }
    client.job_.reset();
    client.ResumeReading(Pause::kJob);
    jobs_[i] = jobs_.back();
    jobs_.pop_back();
    client.Unpin();
  }
  return more;
}

void Worker::ResumeCongested() {
  if (congested_.empty()) return;
  if (!server_.hub().IsCalm()) return reactor_.ScheduleTurn(kCongestionRetryMs);
  for (Client* client : congested_) {
    client->ResumeReading(Pause::kBackPressure);
    client->Unpin();
  }
  congested_.clear();
}

Client* Worker::FindClient(ClientId id) {
  for (Client* client : clients_) {
    if (client->id() == id) return client;
  }
  return nullptr;
}

void Worker::PostCloseDoomed() {
  struct Node : InboxNode {
    Worker* worker;
    // Clients from here on have been looked at. Those who go are replaced by the last one, which
    // has been looked at too; new ones come behind and are not meant.
    size_t end;
  };
  auto* const node = new Node;
  node->worker = this;
  node->end = clients_.size();
  node->run = [](InboxNode* posted, Reactor& reactor) {
    constexpr size_t kLooksAtOnce = 1024;
    constexpr int kClosesAtOnce = 128;
    auto* const own = static_cast<Node*>(posted);
    const std::vector<Client*>& clients = own->worker->clients_;
    own->end = std::min(own->end, clients.size());
    const size_t stop = own->end - std::min(own->end, kLooksAtOnce);
    for (int closes = 0; own->end > stop && closes < kClosesAtOnce;) {
      Client& client = *clients[--own->end];
      if (!client.session().is_doomed) continue;
      client.Close();
      ++closes;
    }
    if (own->end > 0) return reactor.Post(own);
    delete own;
  };
  reactor_.Post(node);
}

// ---------------------------------------------------------------- turns

void Worker::OnTurnBegin() { ReadClock(Ticks()); }

void Worker::ReadClock(uint64_t ticks) {
  now_ms_ = WallClockMs();
  clock_due_ticks_ = ticks + clock_ticks_;
}

void Worker::OnStart() { ConfigChanged(); }

bool Worker::OnTurnEnd() {
  bool more = RunReaper();
  more = RunJobs() || more;
  more = expiry_->Step() || more;
  more = eviction_->Continue(now_ms_) || more;
  blocked_.Step(reactor_.turn_us());
  tracking_port_.TellChanges();
  more = tracking_port_.Step(server_.config().tracking_table_max_keys) || more;
  ResumeCongested();
  hub_port_.WakeTouched();
  return more;
}

void Worker::OnVisitEnd() { hub_port_.WakeTouched(); }

LuaEngine& Worker::lua() {
  if (lua_ == nullptr) lua_ = std::make_unique<LuaEngine>();
  return *lua_;
}

void Worker::ResetScriptCounts() {
  if (lua_ != nullptr) lua_->ResetCounts();
}

void Worker::ServeWhileBusy() {
  if (is_serving_) return;
  if (replying_ != nullptr) FlushReply(*replying_);
  Client* const replying = std::exchange(replying_, nullptr);
  const bool was_out_of_memory = is_out_of_memory_;
  const uint64_t admission = admission_;
  replies_.Begin(0);
  is_serving_ = true;
  if (meanwhile_unit_ == nullptr) meanwhile_unit_ = std::make_unique<Unit>(server_.keyspace());
  if (reactor_.index() == 0) server_.AcceptWaiting();
  reactor_.ServeMeanwhile({clients_.begin(), clients_.end()}, replying);
  hub_port_.WakeTouched();
  is_serving_ = false;
  is_out_of_memory_ = was_out_of_memory;
  admission_ = admission;
  replying_ = replying;
  if (replying_ != nullptr) replies_.BeginSpilling(replying_);
}

bool Worker::IsPaused() const {
  return server_.pause_mode() != PauseMode::kNone && server_.pause_until_ms() > now_ms_;
}

void Worker::OnTick() {
  hub_port_.Trim();
  const bool paused = IsPaused();
  if (was_paused_ && !paused) {
    for (Client* client : clients_) client->ResumeReading(Pause::kClientPause);
  }
  was_paused_ = paused;
  LookAtClients();
  expiry_->Tick();
  if (server_.config().maxmemory_bytes != 0) {
    if (reactor_.index() == 0) server_.memory_gauge().Refresh(server_.FreeingBytes());
    eviction_->MakeRoom(now_ms_);
  }
  if (std::exchange(has_freed_much_, false)) ReleaseThreadCache();
  const Reactor::Counters& counters = reactor_.counters();
  stats_.Sample(counters.bytes_in, counters.bytes_out);
  HotKeys& hot_keys = server_.hot_keys();
  if (hot_keys.is_on())
    hot_keys.Tick(reactor_.index(), counters.bytes_in + counters.bytes_out, now_ms_);
  // The last: the turn may be a visit afterwards.
  if (reactor_.index() == 0) server_.TakePasswordOver(reactor_);
}

void Worker::LookAtClients() {
  // A tenth of the clients each tick: the time of one turn does not grow by all of them.
  const Config& config = server_.config();
  const uint64_t limit = config.maxmemory_clients.Resolve(config.maxmemory_bytes);
  const size_t count = limit != 0 ? clients_.size() : clients_.size() / kTicksPerSecond + 1;
  uint64_t bytes = 0;
  Client* largest = nullptr;
  uint64_t largest_bytes = 0;
  for (size_t i = 0; i < count && !clients_.empty(); ++i) {
    if (scan_at_ >= clients_.size()) scan_at_ = 0;
    Client& client = *clients_[scan_at_++];
    client.CheckSoftLimit();
    const Session& session = client.session();
    if (!client.is_closing()) CheckEntry(client);
    if (config.timeout_s != 0 && !client.IsSubscribed() && !session.is_monitor &&
        session.blocked == nullptr &&
        reactor_.turn_us() - session.last_active_us > int64_t{config.timeout_s} * 1'000'000) {
      LogVerbose("closing idle client id={} addr={}", client.id(), client.PeerAddress());
      client.Close();
    }
    if (session.expires_ms != 0 && now_ms_ >= session.expires_ms) CloseExpired(client);
    if (limit == 0) continue;
    const uint64_t own = client.MemoryBytes();
    bytes += own;
    if (own > largest_bytes && !session.no_evict && !client.is_closing()) {
      largest = &client;
      largest_bytes = own;
    }
  }
  if (limit == 0) return;
  clients_bytes_.store(bytes, std::memory_order_relaxed);
  largest_client_bytes_.store(largest_bytes, std::memory_order_relaxed);
  if (largest != nullptr) EvictClient(*largest, largest_bytes, limit);
}

void Worker::CloseExpired(Client& client) {
  if (client.is_closing()) return;
  static RateLimitedLog limited(LogLevel::kNotice, 10);
  limited.Write("closing client id={} addr={} user={}: its token has expired", client.id(),
                client.PeerAddress(), client.session().account->name);
  ++stats_.counters().expired_tokens;
  client.Close();
}

void Worker::EvictClient(Client& largest, uint64_t largest_bytes, uint64_t limit) {
  uint64_t total = 0;
  for (const auto& worker : server_.workers()) {
    total += worker->clients_bytes_.load(std::memory_order_relaxed);
    // The reactor with the largest client of all lets go of it; the others wait for the next look.
    if (worker->largest_client_bytes_.load(std::memory_order_relaxed) > largest_bytes) return;
  }
  if (total <= limit) return;
  static RateLimitedLog limited(LogLevel::kWarning, 20);
  limited.Write(
      "evicting client id={} addr={} name={}: clients use {} bytes, maxmemory-clients is {};"
      " this one uses {}",
      largest.id(), largest.PeerAddress(), largest.session().name(), total, limit, largest_bytes);
  ++stats_.counters().evicted_clients;
  largest.Close();
  reactor_.ScheduleTurn(1);
}

void Worker::OnStop() {
  if (reactor_.index() == 0) server_.StopListening();
  for (Client* client : clients_) client->Close();
}

}  // namespace peal::broker
