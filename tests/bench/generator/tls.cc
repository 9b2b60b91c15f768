// Handshakes: what does a storm of new TLS connections do to those that are there?
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <vector>

#include "pubsub_load.h"
#include "row.h"
#include "scenarios.h"
#include "usage.h"
#include "wire.h"

namespace peal::bench {
namespace {

// All at once: connects, shakes hands, and keeps the connections until every one is done. The exit
// code tells whether all were.
[[noreturn]] void Storm(uint32_t count) {
  // What it computes must not take time from who measures beside it.
  (void)!nice(19);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  std::vector<SSL*> waiting(count);
  for (uint32_t i = 0; i < count; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(uint16_t(g_options.port));
    inet_pton(AF_INET, g_options.host.c_str(), &address.sin_addr);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 &&
        errno != EINPROGRESS)
      _exit(3);
    waiting[i] = SSL_new(context);
    SSL_set_fd(waiting[i], fd);
    SSL_set_connect_state(waiting[i]);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u32 = i;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
  uint32_t done = 0;
  epoll_event events[256];
  while (done < count) {
    const int n = epoll_wait(epoll, events, 256, 20'000);
    if (n <= 0) _exit(4);
    for (int i = 0; i < n; ++i) {
      SSL*& ssl = waiting[events[i].data.u32];
      if (ssl == nullptr) continue;
      const int result = SSL_do_handshake(ssl);
      if (result == 1) {
        ssl = nullptr;  // the connection stays open
        ++done;
        continue;
      }
      const int wish = SSL_get_error(ssl, result);
      ERR_clear_error();
      // Not connected yet looks like an error of the socket.
      const bool is_early = wish == SSL_ERROR_SYSCALL && errno == ENOTCONN;
      if (wish != SSL_ERROR_WANT_READ && wish != SSL_ERROR_WANT_WRITE && !is_early) _exit(5);
    }
  }
  _exit(0);
}

}  // namespace

void RunTlsStorm() {
  const uint32_t idle_count = g_options.quick ? 500 : 10'000;
  const uint32_t storm_count = g_options.quick ? 200 : 2'000;
  constexpr double kRate = 500;
  if (!g_options.tls) Die("tls-storm needs --tls");
  std::deque<Connection> idle;
  Window window;
  const double rss_before = ServerRssBytes();
  window.Begin();
  for (uint32_t i = 0; i < idle_count; ++i) {
    Open(idle.emplace_back());
    idle.back().id = PubSubLoad::kForeignId + i;
  }
  window.End();
  Row setup("connect");
  setup.Number("rss_per_conn", (ServerRssBytes() - rss_before) / idle_count);
  setup.Number("srv_us_connect", window.server_us() / idle_count);
  Emit(setup);

  PubSubLoad load;
  load.channels = {"bench"};
  load.checks_each_subscriber = true;
  load.deliveries_per_publish = 100;
  load.AddSubscribers(100, [](uint32_t, std::string& out) {
    AppendSubscribe(out, "bench", 1, false);
    return 1;
  });
  load.AddPublishers();
  load.SetPayload(64);
  load.ResetSequences();
  load.OpenLoad(kRate, 0.5);
  for (const bool with_storm : {false, true}) {
    load.Drain();
    load.ResetCounts();
    load.ResetSequences();
    load.records = true;
    const pid_t child = with_storm ? fork() : 0;
    if (with_storm && child == 0) Storm(storm_count);
    window.Begin();
    const uint64_t began_ns = NowNs();
    int status = 0;
    if (with_storm) {
      while (waitpid(child, &status, WNOHANG) == 0) load.OpenLoad(kRate, 0.25);
    } else {
      load.OpenLoad(kRate, g_options.quick ? 1 : 4);
    }
    const double seconds = double(NowNs() - began_ns) / 1e9;
    window.End();
    load.Drain();
    if (status != 0) Die("the storm failed: status %d", status);
    Row row(with_storm ? "storm" : "calm");
    window.Put(row, load.delivered).Latency("", load.latency);
    row.Number("send_late_p99_us", load.lateness.Us(0.99));
    if (with_storm) row.Number("handshakes_s", storm_count / seconds);
    load.PutChecks(row);
    Emit(row);
  }
}

}  // namespace peal::bench
