// Limits of the whole server: descriptors, memory of clients, addresses it listens on, and its end
// in the middle of work. Each test has its own server.

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class ServerLimits : public OwnServer {
 protected:
  /// Whether the server answers at `address`.
  static bool Answers(const std::string& address, int port) {
    try {
      return Client::TcpTo(address, port).Do("PING") == "PONG";
    } catch (const std::exception&) {
      return false;
    }
  }
  /// Waits until that is so, or is not: what goes is closed right after the reply, and a connection
  /// that reaches it at that very moment is reset.
  static bool ComesToAnswer(bool answers, const std::string& address, int port) {
    const Deadline deadline;
    while (Answers(address, port) != answers) {
      if (deadline.HasPassed()) return false;
    }
    return true;
  }
};

size_t Count(const std::string& text, const std::string& word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

/// An address of this machine that is not of the loopback network, if it has one.
std::optional<std::string> OutsideAddress() {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return std::nullopt;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owned(all, freeifaddrs);
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    const auto& address = reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr;
    if (ntohl(address.s_addr) >> 24 == 127) continue;
    char text[INET_ADDRSTRLEN];
    if (inet_ntop(AF_INET, &address, text, sizeof text) != nullptr) return text;
  }
  return std::nullopt;
}

TEST_F(ServerLimits, WithoutDescriptorsItSaysSoAndRestsUntilThereAreSome) {
  if (IsReferenceUnderTest()) GTEST_SKIP() << "Peal's own";
  Server server({.reactors = 2});
  Client early = server.Connect();
  ASSERT_EQ(early.Do("PING"), "PONG");
  constexpr size_t kLeft = 4;
  const size_t open = server.OpenDescriptors();
  const rlimit few{open + kLeft, open + kLeft};
  ASSERT_EQ(prlimit(server.pid(), RLIMIT_NOFILE, &few, nullptr), 0);
  const auto began = Clock::now();
  std::vector<Client> clients;
  // A few more than were left may fit: the probe that waited for the start was leaving.
  bool is_full = false;
  while (!is_full && clients.size() < 3 * kLeft) {
    Client client = server.Connect();
    try {
      ASSERT_EQ(client.Do("PING"), "PONG");
      clients.push_back(std::move(client));
    } catch (const std::exception&) {
      is_full = true;  // told at once, by a close
    }
  }
  ASSERT_TRUE(is_full);
  EXPECT_GE(clients.size(), kLeft);
  std::vector<Client> refused;
  for (int i = 0; i < 10; ++i) refused.push_back(server.Connect());
  EXPECT_TRUE(server.WaitForLog("file descriptors are used up"));
  const auto idle_from = Clock::now();
  const Milliseconds used_before = server.CpuTime();
  EXPECT_FALSE(early.WaitForInput(Milliseconds{400}));
  const auto waited = std::chrono::duration_cast<Milliseconds>(Clock::now() - idle_from);
  EXPECT_LT(server.CpuTime() - used_before, waited / 2) << "it must not turn in circles";
  for (int i = 0; i < 100; ++i) ASSERT_EQ(early.Do("PING"), "PONG") << "who is in is served";
  for (Client& client : refused) EXPECT_EQ(client.ReadUntilClosed(), "");
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - began);
  EXPECT_LE(Count(server.Log(), "file descriptors are used up"),
            static_cast<size_t>(seconds.count()) + 2)
      << "no more than a line for each second";
  clients.clear();
  const Deadline deadline;
  bool is_served = false;
  while (!is_served && !deadline.HasPassed()) {
    Client late = server.Connect();
    try {
      is_served = late.Do("PING") == "PONG";
    } catch (const std::exception&) {
      // Refused: the server has not noticed yet that the others left.
    }
  }
  EXPECT_TRUE(is_served);
}

TEST_F(ServerLimits, TheLargestClientGoesWhenClientsUseTooMuchMemory) {
  for (const int reactors : {1, kManyReactors}) {
    Server server({.reactors = reactors, .args = {"--maxmemory-clients", "12mb"}});
    std::vector<Client> small;
    for (int i = 0; i < 6; ++i) {
      small.push_back(server.Connect());
      small.back().Send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n" + std::string(500'000, 's'));
    }
    Client exempt = server.Connect();
    ASSERT_EQ(exempt.Do("CLIENT NO-EVICT on"), "OK");
    Client large = server.Connect();
    ASSERT_EQ(large.Do("CLIENT SETNAME greedy"), "OK");
    const int64_t id = large.Id();
    large.Send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$16000000\r\n");
    try {
      large.Send(std::string(15'000'000, 'x'));
    } catch (const std::exception&) {
      // It may be gone before all is sent.
    }
    EXPECT_EQ(large.ReadUntilClosed(), "");
    EXPECT_EQ(InfoField(exempt.Call({"INFO", "stats"}).text, "evicted_clients"), "1");
    if (!server.IsReference()) {
      EXPECT_TRUE(server.WaitForLog("evicting client id=" + std::to_string(id) + " "));
      EXPECT_TRUE(server.WaitForLog("name=greedy"));
    }
    for (Client& client : small) {
      client.Send(std::string(500'000, 's') + "\r\n");
      EXPECT_EQ(client.Read().Show(), "OK") << "the others stay";
    }
  }
}

TEST_F(ServerLimits, AnUnfinishedRequestMayNotPassTheQueryBufferLimit) {
  // Observed with redis-server 7.0.15: an argument of 1100000 octets closes the client.
  Server server({.reactors = 2, .args = {"--client-query-buffer-limit", "1mb"}});
  Client other = server.Connect();
  EXPECT_EQ(other.Call({"SET", "k", std::string(1'000'000, 'x')}).Show(), "OK");
  for (const size_t bytes : {size_t{1'100'000}, size_t{8} << 20}) {
    Client client = server.Connect();
    try {
      client.Send(EncodeCommand({"SET", "k", std::string(bytes, 'y')}));
    } catch (const std::exception&) {
      // Closed before all was sent.
    }
    EXPECT_EQ(client.ReadUntilClosed(), "") << bytes;
  }
  EXPECT_EQ(
      other.Call({"MSET", "a", std::string(700'000, 'a'), "b", std::string(700'000, 'b')}).Show(),
      "OK")
      << "it is about each argument";
  EXPECT_EQ(other.Do("GETRANGE k 0 0"), "'x'");
}

TEST_F(ServerLimits, ProtectedModeServesOnlyThisMachineUntilThereIsAPassword) {
  const std::optional<std::string> outside = OutsideAddress();
  if (!outside) GTEST_SKIP() << "this machine has loopback addresses only";
  Server server({.reactors = 2, .args = {"--bind", "0.0.0.0", "--protected-mode", "yes"}});
  Client local = server.Connect();
  EXPECT_EQ(local.Do("PING"), "PONG");
  {
    Client stranger = Client::TcpTo(*outside, server.port());
    const std::string said = stranger.ReadUntilClosed();
    EXPECT_TRUE(said.starts_with("-DENIED ")) << said;
    EXPECT_NE(said.find("protected mode"), std::string::npos) << said;
    EXPECT_EQ(said.find("\r\n"), said.size() - 2) << "one line";
  }
  EXPECT_EQ(InfoField(local.Call({"INFO", "stats"}).text, "rejected_connections"), "1");
  EXPECT_EQ(local.Do("CONFIG SET requirepass secret"), "OK");
  Client guest = Client::TcpTo(*outside, server.port());
  EXPECT_EQ(guest.Do("PING"), "-NOAUTH Authentication required.");
  EXPECT_EQ(guest.Do("AUTH secret"), "OK");
  EXPECT_EQ(guest.Do("PING"), "PONG");
  EXPECT_EQ(local.Call({"CONFIG", "SET", "requirepass", "", "protected-mode", "no"}).Show(), "OK");
  Client welcome = Client::TcpTo(*outside, server.port());
  EXPECT_EQ(welcome.Do("PING"), "PONG");
}

TEST_F(ServerLimits, PortAndBindAreOneChangeAndTheUnixSocketStays) {
  const std::string dir = MakeTemporaryDirectory();
  const std::string path = dir + "/s.sock";
  {
    Server server({.reactors = 2, .args = {"--unixsocket", path}});
    Client client = server.Connect();
    Client by_unix = Client::Unix(path);
    const int port = FreePort();
    // As one change: the new address at the old port is never asked for, nor the reverse.
    EXPECT_EQ(client.Do("CONFIG SET bind 127.0.0.2 port " + std::to_string(port)), "OK");
    EXPECT_EQ(Client::TcpTo("127.0.0.2", port).Do("PING"), "PONG");
    EXPECT_FALSE(Answers("127.0.0.1", port)) << "never asked for";
    EXPECT_TRUE(ComesToAnswer(false, "127.0.0.1", server.port())) << "the old port is closed";
    EXPECT_EQ(client.Do("PING"), "PONG") << "who is connected stays";
    EXPECT_EQ(by_unix.Do("PING"), "PONG");
    EXPECT_EQ(Client::Unix(path).Do("PING"), "PONG");
    // What cannot be had leaves everything as it was.
    Server rival;
    const Reply refusal =
        client.Call({"CONFIG", "SET", "bind", "127.0.0.1", "port", std::to_string(rival.port())});
    EXPECT_TRUE(refusal.text.starts_with("ERR CONFIG SET failed (possibly related to argument '"))
        << refusal;
    EXPECT_EQ(Client::TcpTo("127.0.0.2", port).Do("PING"), "PONG");
    EXPECT_EQ(client.Call({"CONFIG", "GET", "port"}).At(1), std::to_string(port));
    EXPECT_EQ(client.Call({"CONFIG", "GET", "bind"}).At(1), "127.0.0.2");
    EXPECT_EQ(server.Log().find("so did going back"), std::string::npos) << server.Log();
    EXPECT_EQ(client.Do("CONFIG SET port 0"), "OK");
    EXPECT_EQ(Client::Unix(path).Do("PING"), "PONG");
    EXPECT_EQ(client.Do("CONFIG SET port " + std::to_string(port)), "OK");
    EXPECT_EQ(Client::TcpTo("127.0.0.2", port).Do("PING"), "PONG");
    EXPECT_EQ(Client::Unix(path).Do("PING"), "PONG");
  }
  EXPECT_NE(access(path.c_str(), F_OK), 0) << "the socket's file is removed at the end";
  rmdir(dir.c_str());
}

TEST_F(ServerLimits, BindTakesAddressesThatOverlapThoseInForce) {
  Server server({.reactors = 2});
  Client client = server.Connect();
  const int port = server.port();
  std::string before;
  for (const auto& [bind, has_first, has_second] : {std::tuple{"127.0.0.1 127.0.0.2", true, true},
                                                    {"127.0.0.2", false, true},
                                                    {"127.0.0.2 127.0.0.1 -::1", true, true},
                                                    {"*", true, true},
                                                    {"127.0.0.1", true, false},
                                                    {"* -::*", true, true},
                                                    {"127.0.0.1 -::1", true, false}}) {
    EXPECT_EQ(client.Call({"CONFIG", "SET", "bind", bind}).Show(), "OK") << bind;
    for (const auto& [address, is_bound] :
         {std::pair{"127.0.0.1", has_first}, {"127.0.0.2", has_second}}) {
      const std::string where = std::string(address) + " with bind " + bind;
      if (Count(before, address) != 0 && Count(bind, address) != 0) {
        EXPECT_TRUE(Answers(address, port)) << where << ": the socket is kept";
      } else {
        EXPECT_TRUE(ComesToAnswer(is_bound, address, port)) << where;
      }
    }
    before = bind;
  }
  // Changes that follow each other at once, before the first has been carried out.
  std::vector<std::vector<std::string>> changes;
  for (int i = 0; i < 20; ++i) {
    changes.push_back({"CONFIG", "SET", "bind", i % 2 == 0 ? "127.0.0.2" : "127.0.0.1 127.0.0.2"});
  }
  for (const Reply& reply : client.Pipeline(changes)) EXPECT_EQ(reply.Show(), "OK");
  EXPECT_TRUE(ComesToAnswer(true, "127.0.0.1", port));
  EXPECT_TRUE(Answers("127.0.0.2", port));
  // Somebody else's port is still somebody else's.
  const ProgramResult result =
      RunProgram(ServerUnderTest(), {"--port", std::to_string(port), "--bind", "127.0.0.1"});
  EXPECT_EQ(result.exit_code, 1) << result.output;
}

TEST_F(ServerLimits, EndsCleanlyInTheMiddleOfMessagesBetweenReactors) {
  for (int round = 0; round < 5; ++round) {
    Server server({.reactors = kManyReactors, .stripes = kManyStripes});
    std::vector<Client> clients;
    for (int i = 0; i < 16; ++i) {
      clients.push_back(Client::Tcp(server.port(), 4096));
      clients.back().Do("SUBSCRIBE everywhere");
    }
    Client monitor = server.Connect();
    EXPECT_EQ(monitor.Do("MONITOR"), "OK");
    std::string pipeline;
    for (int i = 0; i < 2000; ++i) pipeline += EncodeCommand({"PUBLISH", "everywhere", "message"});
    std::vector<Client> publishers;
    for (int i = 0; i < 4; ++i) publishers.push_back(server.Connect());
    for (Client& publisher : publishers) publisher.Send(pipeline);
    EXPECT_EQ(publishers[0].Read().integer, 16);
    server.Signal(SIGTERM);
    try {
      // Sockets on their way to a reactor must not be left behind either.
      for (int i = 0; i < 200; ++i) clients.push_back(server.Connect());
    } catch (const std::exception&) {
      // It listens no more.
    }
    for (Client& client : clients) client.Close();
    EXPECT_EQ(server.WaitForExit(), 0);
  }
}

}  // namespace
}  // namespace peal::tests
