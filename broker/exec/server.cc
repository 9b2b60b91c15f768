#include "broker/exec/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>
#include <optional>

#include "broker/exec/client.h"
#include "broker/keyspace/eviction.h"
#include "broker/keyspace/expiry_cycle.h"
#include "broker/log/log.h"
#include "broker/metrics/clock.h"
#include "broker/metrics/memory.h"
#include "broker/metrics/monitor.h"
#include "broker/net/address.h"
#include "broker/scripts/scripts.h"
#include "broker/service/notify.h"
#include "broker/service/proc_title.h"
#include "broker/service/process.h"
#include "store/sync/mutex.h"

namespace peal::broker {
namespace {

using protocol::Error;
using protocol::Result;

// Descriptors beside those of clients: listeners, log, event queues, files to come.
constexpr uint32_t kReservedDescriptors = 64;
constexpr size_t kReadBufferBytes = 128 * 1024;
constexpr int kWaitMs = 100;

std::string RandomHex(size_t bytes) {
  std::vector<unsigned char> raw(bytes);
  PEAL_CHECK(RAND_bytes(raw.data(), static_cast<int>(bytes)) == 1);
  std::string hex;
  for (const unsigned char byte : raw) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

sigset_t HandledSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&signals, number);
  return signals;
}

constexpr std::string_view kTooManyClients = "-ERR max number of clients reached\r\n";
constexpr std::string_view kProtectedModeText =
    "-DENIED Peal is running in protected mode: no password is set for the default user, so only "
    "clients on "
    "this machine are served. To serve others, set a password (CONFIG SET requirepass <password>, "
    "or "
    "requirepass in the configuration file), or bind to addresses that only trusted clients reach "
    "and set "
    "'protected-mode no'.\r\n";

}  // namespace

/// Frees what is large on a thread of its own, so that no reactor waits for it.
class Server::FreeThread {
 public:
  FreeThread() : thread_([this] { Run(); }) {}
  ~FreeThread() {
    stopping_.store(true);
    Signal();
    thread_.join();
  }

  /// Bytes that are still to be freed, about.
  size_t pending_bytes() const { return pending_bytes_.load(std::memory_order_relaxed); }

  size_t pending_keys() const { return pending_keys_.load(std::memory_order_relaxed); }
  size_t freed_keys() const { return freed_keys_.load(std::memory_order_relaxed); }
  void ResetFreedKeys() { freed_keys_.store(0, std::memory_order_relaxed); }

  void Add(store::Garbage garbage) {
    pending_bytes_.fetch_add(garbage.bytes(), std::memory_order_relaxed);
    pending_keys_.fetch_add(garbage.keys(), std::memory_order_relaxed);
    {
      store::MutexLock lock(mutex_);
      queue_.Add(std::move(garbage));
    }
    Signal();
  }

 private:
  void Signal() {
    signals_.fetch_add(1);
    signals_.notify_one();
  }
  void Run() {
    pthread_setname_np(pthread_self(), "peal-free");
    // Behind the reactors where they share a core. Advice: it also works if it is refused.
    constexpr int kNice = 10;
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
    for (;;) {
      const uint32_t seen = signals_.load();
      store::Garbage taken;
      {
        store::MutexLock lock(mutex_);
        std::swap(taken, queue_);
      }
      if (!taken.empty()) {
        const size_t bytes = taken.bytes();
        const size_t keys = taken.keys();
        taken.Drop();
        pending_keys_.fetch_sub(keys, std::memory_order_relaxed);
        freed_keys_.fetch_add(keys, std::memory_order_relaxed);
        pending_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
        continue;
      }
      ReleaseThreadCache();
      if (stopping_.load()) return;
      signals_.wait(seen);
    }
  }

  store::Mutex mutex_{store::LockRank::kLeaf};
  store::Garbage queue_ GUARDED_BY(mutex_);
  std::atomic<size_t> pending_bytes_{0};
  std::atomic<size_t> pending_keys_{0};
  std::atomic<size_t> freed_keys_{0};
  std::atomic<uint32_t> signals_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

Server::Server(std::unique_ptr<ConfigStore> config, std::string executable)
    : config_(std::move(config)),
      executable_(std::move(executable)),
      run_id_(RandomHex(20)),
      start_time_s_(std::time(nullptr)),
      scripts_(std::make_unique<ScriptsState>(*this)) {
  for (const CommandRename& rename : config_->renames()) {
    if (!commands_.Rename(rename.command, rename.new_name)) {
      LogWarning("rename-command {} {}: no such command, or the new name is taken", rename.command,
                 rename.new_name);
    }
  }
}

Server::~Server() = default;

ListenerOptions Server::MakeListenerOptions() const {
  const Config& c = config();
  return {.bind = c.bind,
          .port = c.port,
          .tls_port = c.tls_port,
          .backlog = c.tcp_backlog,
          .unixsocket = c.unixsocket,
          .unixsocketperm = c.unixsocketperm};
}

Result<void> Server::RaiseFileLimit(uint32_t maxclients) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  const rlim_t wanted = rlim_t{maxclients} + kReservedDescriptors;
  if (limit.rlim_cur >= wanted) return {};
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted) {
    return Error::Owned("the limit of open files is " + std::to_string(limit.rlim_cur) +
                        ", which is too low for maxclients " + std::to_string(maxclients));
  }
  return {};
}

Result<void> Server::Start() {
  if (auto users = acl_.Start(*config_); !users.ok()) return config_->WithSource(users.error());
  auto tokens = TokenAuthenticator::Make(config());
  if (!tokens.ok()) {
    const std::string text = "auth-token-file: " + std::string(tokens.error().text());
    return config_->WithSource(Error::Owned(text));
  }
  authentication_.tokens().Put(*std::move(tokens));
  if (auto audit = audit_.Configure(config().audit); !audit.ok()) {
    const std::string text = "audit-log-file: " + std::string(audit.error().text());
    return config_->WithSource(Error::Owned(text));
  }
  // Reactors must not take the signals: the thread in Wait does.
  const sigset_t signals = HandledSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const Config& c = config();
  const auto raised = RaiseFileLimit(c.maxclients);
  if (!raised.ok()) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const auto possible = limit.rlim_cur > kReservedDescriptors * 2
                              ? limit.rlim_cur - kReservedDescriptors
                              : limit.rlim_cur / 2;
    LogWarning("{}: maxclients is lowered to {}. Raise `ulimit -n` for more", raised.error().text(),
               possible);
    const std::string text = std::to_string(possible);
    const ConfigStore::Pair pair{"maxclients", text};
    (void)config_->Set({&pair, 1}, true);
  }
  TuneAllocator(c.jemalloc_bg_thread);
  keyspace_ = std::make_unique<store::Keyspace>(store::KeyspaceOptions{
      .stripes = static_cast<int>(c.keyspace_stripes), .databases = static_cast<int>(c.databases)});
  memory_gauge_ = std::make_unique<MemoryGauge>(*keyspace_);
  const int count = std::clamp<int>(static_cast<int>(c.io_threads), 1, kMaxReactors - 1);
  std::vector<Reactor*> borrowed;
  for (int i = 0; i < count; ++i) {
    reactors_.push_back(std::make_unique<Reactor>(i, gate(), kReadBufferBytes));
    borrowed.push_back(reactors_.back().get());
  }
  hub_ = std::make_unique<Hub>(std::move(borrowed), static_cast<int64_t>(c.inbox_soft_limit_bytes));
  tracking_ = std::make_unique<Tracking>(*keyspace_, reactors_.size());
  for (const auto& reactor : reactors_) {
    workers_.push_back(std::make_unique<Worker>(*this, *reactor));
  }
  listeners_ = std::make_unique<ListenerSet>(
      MakeListenerOptions(), [this](int fd, ListenerKind kind) { Assign(fd, kind); });
  Result<TlsKeeper::Made> made = MakeTls();
  if (!made.ok()) return config_->WithSource(made.error());
  tls_.Put(*std::move(made), c.tls_auto_reload_interval_s);
  auto opened = listeners_->Open();
  if (!opened.ok()) return opened;
  ShowTitle();
  free_thread_ = std::make_unique<FreeThread>();
  for (int i = 0; i < count; ++i) {
    threads_.emplace_back([this, i] {
      pthread_setname_np(pthread_self(), ("peal-reactor-" + std::to_string(i)).c_str());
      if (i == 0) listeners_->Start(*reactors_[0]);
      reactors_[static_cast<size_t>(i)]->Run();
    });
  }
  memory_gauge_->Refresh(FreeingBytes());  // also notes what the server takes at its start
  return {};
}

int Server::Wait() {
  const ServiceNotifier notifier = ServiceNotifier::FromEnvironment();
  notifier.Ready();
  notifier.Status("serving");
  const sigset_t signals = HandledSignals();
  uint64_t since_watchdog_ms = 0;
  while (!IsShuttingDown()) {
    const timespec patience{0, kWaitMs * 1'000'000};
    const int number = sigtimedwait(&signals, nullptr, &patience);
    if (number == SIGTERM || number == SIGINT) {
      RequestShutdown(SignalName(number));
    } else if (number == SIGHUP || number == SIGUSR1) {
      ReopenFiles(number);
    }
    tls_.LookAtFiles(MonotonicUs() / 1000);
    audit_.Tick(WallClockMs());
    since_watchdog_ms += kWaitMs;
    if (notifier.watchdog_interval_ms() != 0 &&
        since_watchdog_ms >= notifier.watchdog_interval_ms()) {
      notifier.Watchdog();
      since_watchdog_ms = 0;
    }
  }
  notifier.Stopping();
  DrainAndStop();
  LogNotice("bye");
  return 0;
}

void Server::ReopenFiles(int signal_number) {
  const auto reopened = Log::Reopen();
  if (reopened.ok()) {
    LogNotice("log reopened after {}", SignalName(signal_number));
  } else {
    LogWarning("log could not be reopened: {}", reopened.error().text());
  }
  audit_.Reopen(SignalName(signal_number));
  if (signal_number != SIGHUP) return;
  tls_.Reload("SIGHUP");
  authentication_.tokens().Reload("SIGHUP");
  password_due_.store("SIGHUP");
}

void Server::TakePasswordOver(Reactor& reactor) {
  const char* const why = password_due_.exchange(nullptr);
  if (why == nullptr || config().requirepass_file.empty()) return;
  const Result<Secret> password = DefaultPassword(config());
  if (!password.ok()) {
    LogWarning("the password was not taken over after {}, the old one stays: {}", why,
               password.error().text());
    return;
  }
  if (!reactor.LockExclusive()) {
    // A script goes on for long. The next tick looks again, or takes what has been asked for since.
    const char* none = nullptr;
    password_due_.compare_exchange_strong(none, why);
    return;
  }
  acl_.SetDefaultPassword(password->view());
  reactor.UnlockExclusive();
  LogNotice("requirepass-file read afresh after {}", why);
}

void Server::RequestShutdown(std::string_view why) {
  if (is_shutting_down_.exchange(true)) return;
  scripts_->KillForShutdown();
  LogNotice("shutting down: {}", why);
}

void Server::DrainAndStop() {
  // Clients get what is queued for them; whoever does not read it within shutdown-timeout loses it.
  // A second signal ends the wait.
  constexpr int64_t kNotTold = -1;
  // The configuration is the reactors' to read: CONFIG SET parks them, not this thread.
  std::atomic<int64_t> timeout_s{kNotTold};
  struct Node : InboxNode {
    Server* server;
    std::atomic<int64_t>* timeout_s;
  };
  for (const auto& worker : workers_) {
    auto* node = new Node;
    node->server = this;
    node->timeout_s = &timeout_s;
    node->run = [](InboxNode* posted, Reactor& reactor) {
      const std::unique_ptr<Node> own(static_cast<Node*>(posted));
      Server& self = *own->server;
      if (reactor.index() == 0) {
        self.StopListening();
        own->timeout_s->store(self.config().shutdown_timeout_s);
      }
      self.workers_[static_cast<size_t>(reactor.index())]->ForEachClient(
          [](Client& client) { client.CloseAfterFlush(); });
    };
    worker->reactor().Post(node);
  }
  const sigset_t signals = HandledSignals();
  const auto begin = std::chrono::steady_clock::now();
  const auto is_over = [&] {
    const int64_t told_s = timeout_s.load();
    return told_s != kNotTold &&
           std::chrono::steady_clock::now() - begin >= std::chrono::seconds(told_s);
  };
  while (client_count_.load() != 0 && !is_over()) {
    const timespec patience{0, 5'000'000};
    const int number = sigtimedwait(&signals, nullptr, &patience);
    if (number == SIGTERM || number == SIGINT) {
      LogWarning("second signal: {} clients are closed with output unsent", client_count_.load());
      break;
    }
  }
  if (client_count_.load() != 0) {
    LogWarning("{} clients did not read their output in time and are closed", client_count_.load());
  }
  for (const auto& reactor : reactors_) reactor->Stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  free_thread_.reset();
}

// ---------------------------------------------------------------- connections

std::optional<ListenerKind> Server::KindNow(int fd, ListenerKind kind) const {
  if (next_listeners_.empty() || kind == ListenerKind::kUnix) return kind;
  const uint16_t port = LocalPort(fd);
  if (port == config().tls_port) return ListenerKind::kTls;
  if (port == config().port) return ListenerKind::kTcp;
  return std::nullopt;
}

void Server::Assign(int fd, ListenerKind listener_kind) {
  total_connections_.fetch_add(1, std::memory_order_relaxed);
  const std::optional<ListenerKind> now = KindNow(fd, listener_kind);
  if (!now || IsShuttingDown() || Refuse(fd, *now)) {
    ::close(fd);
    return;
  }
  const ListenerKind kind = *now;
  PrepareSocket(fd, kind);
  client_count_.fetch_add(1, std::memory_order_relaxed);
  Reactor* chosen = reactors_[0].get();
  for (const auto& reactor : reactors_) {
    if (reactor->load().load(std::memory_order_relaxed) <
        chosen->load().load(std::memory_order_relaxed)) {
      chosen = reactor.get();
    }
  }
  chosen->load().fetch_add(1, std::memory_order_relaxed);
  Worker& worker = *workers_[static_cast<size_t>(chosen->index())];
  // Given here, so that who connects later has the larger id whichever reactor is quicker.
  const ClientId id = NextClientId(chosen->index());
  if (chosen->index() == 0) return worker.Accept(fd, kind, id);
  struct Node : InboxNode {
    Worker* worker;
    ClientId id;
    int fd;
    ListenerKind kind;
  };
  auto* node = new Node;
  node->worker = &worker;
  node->id = id;
  node->fd = fd;
  node->kind = kind;
  node->run = [](InboxNode* posted, Reactor&) {
    const std::unique_ptr<Node> own(static_cast<Node*>(posted));
    own->worker->Accept(own->fd, own->kind, own->id);
  };
  chosen->Post(node);
}

bool Server::Refuse(int fd, ListenerKind kind) {
  const std::optional<IpAddress> peer = PeerIp(fd);
  if (peer && (config().deny.Contains(*peer, kind) ||
               (config().allow.HasAnyFor(kind) && !config().allow.Contains(*peer, kind)))) {
    static RateLimitedLog limited(LogLevel::kWarning, 5);
    limited.Write("connection refused: {} is not let in to the {} port by allow and deny",
                  peer->Show(), kind == ListenerKind::kTls ? "TLS" : "TCP");
    rejected_connections_.fetch_add(1, std::memory_order_relaxed);
    denied_connections_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  std::string_view reason;
  if (client_count_.load(std::memory_order_relaxed) >= static_cast<int>(config().maxclients)) {
    reason = kTooManyClients;
    static RateLimitedLog limited(LogLevel::kWarning, 1);
    limited.Write("connection refused: maxclients ({}) reached", config().maxclients);
  } else if (config().protected_mode && acl_.is_open() && peer && !peer->IsLoopback()) {
    reason = kProtectedModeText;
  }
  if (reason.empty()) return false;
  rejected_connections_.fetch_add(1, std::memory_order_relaxed);
  // Before its handshake nobody could read it.
  if (kind != ListenerKind::kTls) {
    (void)!::send(fd, reason.data(), reason.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  return true;
}

Result<TlsKeeper::Made> Server::MakeTls() const {
  if (config().tls_port == 0) return TlsKeeper::Made{};
  return TlsKeeper::Make(config().tls);
}

void Server::PrepareSocket(int fd, ListenerKind kind) const {
  if (kind == ListenerKind::kUnix) return;
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  const auto idle_s = static_cast<int>(config().tcp_keepalive_s);
  if (idle_s == 0) return;
  const int interval_s = std::max(idle_s / 3, 1);
  const int probes = 3;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

// ---------------------------------------------------------------- run-time changes

Result<void> Server::ApplyChanges(std::span<const Directive* const> changed) {
  const Directive* listeners_changed = nullptr;
  const Directive* tls_changed = nullptr;
  std::optional<TokenAuthenticator::Settings> tokens;
  std::optional<Secret> password;
  for (const Directive* directive : changed) {
    switch (directive->on_change) {
      case OnChange::kMaxClients: {
        auto raised = RaiseFileLimit(config().maxclients);
        if (!raised.ok()) return ConfigStore::SetFailed(directive->name, raised.error().text());
        break;
      }
      case OnChange::kListeners:
        listeners_changed = directive;
        break;
      case OnChange::kTls:
        tls_changed = directive;
        break;
      case OnChange::kDirectory:
        if (!config().dir.empty() && ::chdir(config().dir.c_str()) != 0) {
          return ConfigStore::SetFailed(directive->name, std::strerror(errno));
        }
        break;
      case OnChange::kTokens: {
        auto made = TokenAuthenticator::Make(config());
        if (!made.ok()) return ConfigStore::SetFailed(directive->name, made.error().text());
        tokens = *std::move(made);
        break;
      }
      case OnChange::kPassword: {
        auto read = DefaultPassword(config());
        if (!read.ok()) return ConfigStore::SetFailed(directive->name, read.error().text());
        password = *std::move(read);
        break;
      }
      case OnChange::kLog:
        Log::SetLevel(config().loglevel);
        Log::SetFormat(config().log_format);
        break;
      case OnChange::kMaxMemory:
        memory_gauge_->Refresh(FreeingBytes());
        break;
      case OnChange::kAllocator:
        TuneAllocator(config().jemalloc_bg_thread);
        break;
      case OnChange::kCommandLog:
        command_log(CommandLog::Kind::kSlow).Trim(config().slowlog_max_len);
        command_log(CommandLog::Kind::kLargeRequest).Trim(config().large_request_max_len);
        command_log(CommandLog::Kind::kLargeReply).Trim(config().large_reply_max_len);
        break;
      default:
        break;
    }
  }
  // Files are read before anything changes. A TLS port that was closed needs them, too.
  std::optional<TlsKeeper::Made> made;
  const bool tls_comes_or_goes = (config().tls_port != 0) != (tls_.Current() != nullptr);
  if (tls_changed != nullptr || tls_comes_or_goes) {
    Result<TlsKeeper::Made> result = MakeTls();
    if (!result.ok()) {
      std::string_view name = tls_changed != nullptr ? tls_changed->name : "tls-port";
      const std::string_view text = result.error().text();
      for (const Directive* each : changed) {
        if (text.substr(0, text.find_first_of(" :")) == each->name) name = each->name;
      }
      return ConfigStore::SetFailed(
          name, "Unable to update TLS configuration: " + std::string(result.error().text()));
    }
    made = *std::move(result);
  }
  // Last, when nothing else can fail any more: port and bind make one change.
  if (listeners_changed != nullptr) {
    ListenerOptions options = MakeListenerOptions();
    options.unixsocket.clear();  // that one stays as it is
    auto next = std::make_unique<ListenerSet>(
        std::move(options), [this](int fd, ListenerKind kind) { Assign(fd, kind); });
    const ListenerSet* newest =
        next_listeners_.empty() ? listeners_.get() : next_listeners_.back().get();
    const auto share_addresses = [this](bool shared) {
      listeners_->ShareAddresses(shared);
      for (const auto& each : next_listeners_) each->ShareAddresses(shared);
    };
    share_addresses(true);
    auto opened = next->Open(newest);
    share_addresses(false);
    const bool has_port = config().port != 0 || config().tls_port != 0;
    if (!opened.ok() && (has_port || config().unixsocket.empty())) {
      std::string_view reason = opened.error().text();
      if (reason.starts_with("ERR ")) reason.remove_prefix(4);
      return ConfigStore::SetFailed(listeners_changed->name, reason);
    }
    ReplaceListeners(std::move(next));
  }
  if (tokens) authentication_.tokens().Put(*std::move(tokens));
  if (password) acl_.SetDefaultPassword(password->view());
  acl_.set_all_channels_by_default(config().acl_all_channels);
  acl_.log().Trim(config().acllog_max_len);
  if (made) tls_.Put(*std::move(made), config().tls_auto_reload_interval_s);
  ShowTitle();
  for (const auto& worker : workers_) worker->ConfigChanged();
  hub_->inbox_soft_limit().store(static_cast<int64_t>(config().inbox_soft_limit_bytes),
                                 std::memory_order_relaxed);
  return {};
}

void Server::ShowTitle() const {
  const Config& c = config();
  if (!c.set_proc_title) return;
  const std::string port = std::to_string(c.port != 0 ? c.port : c.tls_port);
  // Of the variables that redis.conf names, server-mode is for clusters and Sentinel only.
  const std::pair<std::string_view, std::string> variables[] = {
      {"title", executable_},
      {"listen-addr", c.port == 0 && c.tls_port == 0 && !c.unixsocket.empty()
                          ? c.unixsocket
                          : (c.bind.empty() ? "*" : c.bind.front()) + ":" + port},
      {"server-mode", ""},
      {"port", std::to_string(c.port)},
      {"tls-port", std::to_string(c.tls_port)},
      {"unixsocket", c.unixsocket},
      {"config-file", config_->file()},
  };
  std::string title;
  std::string_view rest = c.proc_title_template;
  for (size_t open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
    title += rest.substr(0, open);
    const size_t close = rest.find('}', open);
    const std::string_view name = rest.substr(open + 1, close - open - 1);
    for (const auto& [known, value] : variables) {
      if (known == name) title += value;
    }
    rest.remove_prefix(close == std::string_view::npos ? rest.size() : close + 1);
  }
  title += rest;
  title.erase(title.find_last_not_of(" \t\r\n") + 1);
  ProcTitle::Set(title);
}

void Server::ReplaceListeners(std::unique_ptr<ListenerSet> next) {
  // Handles belong to the first reactor's loop: it swaps the sets in a turn of its own.
  struct Node : InboxNode {
    Server* server;
  };
  next_listeners_.push_back(std::move(next));
  auto* node = new Node;
  node->server = this;
  node->run = [](InboxNode* posted, Reactor& reactor) {
    const std::unique_ptr<Node> own(static_cast<Node*>(posted));
    Server& self = *own->server;
    if (self.IsShuttingDown() || self.next_listeners_.empty()) return;
    for (auto& each : self.next_listeners_) {
      each->Adopt(*self.listeners_);
      self.listeners_->Stop();
      self.retired_listeners_.push_back(std::move(self.listeners_));
      self.listeners_ = std::move(each);
    }
    self.next_listeners_.clear();
    self.listeners_->Start(reactor);
  };
  reactors_[0]->Post(node);
}

void Server::FreeLater(store::Garbage garbage) {
  if (garbage.IsLarge() && free_thread_) {
    free_thread_->Add(std::move(garbage));
  } else {
    garbage.Drop();
  }
}

size_t Server::FreeingBytes() const { return free_thread_ ? free_thread_->pending_bytes() : 0; }
size_t Server::FreeingKeys() const { return free_thread_ ? free_thread_->pending_keys() : 0; }
size_t Server::FreedKeys() const { return free_thread_ ? free_thread_->freed_keys() : 0; }
void Server::ResetFreedKeys() {
  if (free_thread_) free_thread_->ResetFreedKeys();
}

void Server::RecordEffects(bool is_on) {
  EffectSink* const sink = is_on ? &effect_recorder_ : nullptr;
  for (const auto& worker : workers_) {
    worker->unit().set_effect_sink(sink);
    worker->expiry().set_effect_sink(sink);
    worker->eviction().set_effect_sink(sink);
  }
  effect_recorder_.Take();
}

void Server::FeedMonitors(Worker& worker, const Client& client,
                          std::span<const std::string_view> args, bool by_script) {
  // One line for all. The lock makes every monitor see one order.
  const std::string line = MonitorLine(client, args, by_script);
  auto* buffer = Buffer::New(static_cast<uint32_t>(line.size()));
  std::memcpy(buffer->data(), line.data(), line.size());
  const BufferRef owned = BufferRef::Adopt(buffer);
  struct Node : InboxNode {
    Server* server;
    BufferRef line;
  };
  store::MutexLock lock(monitor_mutex_);
  for (const auto& other : workers_) {
    auto* node = new Node;
    node->server = this;
    node->line = owned;
    node->run = [](InboxNode* posted, Reactor& reactor) {
      const std::unique_ptr<Node> own(static_cast<Node*>(posted));
      const Range range{own->line.get(), 0, own->line->capacity()};
      own->server->workers_[static_cast<size_t>(reactor.index())]->ForEachClient([&](Client& each) {
        if (each.session().is_monitor) each.Deliver(range, {});
      });
    };
    other->reactor().inbox().Push(node);
    worker.hub_port().Touch(other->reactor().index());
  }
}

}  // namespace peal::broker
