#include "tests/support/behaviour.h"

#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <tuple>
#include <utility>

namespace peal::tests {
namespace {

using Configuration = std::map<std::string, std::string>;

struct SharedServer {
  explicit SharedServer(ServerOptions options)
      : server(std::move(options)), configuration(ReadConfiguration()) {}

  Configuration ReadConfiguration() const {
    Client client = server.Connect();
    const Reply reply = client.Call({"CONFIG", "GET", "*"});
    Configuration read;
    for (size_t i = 0; i + 1 < reply.items.size(); i += 2) {
      read[reply.items[i].text] = reply.items[i + 1].text;
    }
    return read;
  }

  Server server;
  /// As it was at the start.
  const Configuration configuration;
};

using SharedServers = std::map<std::tuple<int, int, bool>, std::unique_ptr<SharedServer>>;

SharedServers& Shared() {
  static SharedServers servers;
  return servers;
}

/// Stops the shared servers while failures can still be reported.
class SharedServersEnd : public ::testing::Environment {
 public:
  void TearDown() override { Shared().clear(); }
};

[[maybe_unused]] const auto* const kSharedServersEnd =
    ::testing::AddGlobalTestEnvironment(new SharedServersEnd);

SharedServer& GetShared(int reactors, int stripes, bool tls) {
  std::unique_ptr<SharedServer>& shared = Shared()[{reactors, stripes, tls}];
  if (shared && !shared->server.IsAlive()) {
    ADD_FAILURE() << "the server died in an earlier test:\n" << shared->server.Log();
    shared.reset();
  }
  if (!shared) {
    ServerOptions options;
    options.reactors = reactors;
    options.stripes = stripes;
    options.tls = tls;
    shared = std::make_unique<SharedServer>(std::move(options));
  }
  return *shared;
}

/// Undoes what earlier tests set, so that no test depends on which ones ran before.
void RestoreConfiguration(const SharedServer& shared, Client& client) {
  for (const auto& [name, value] : shared.ReadConfiguration()) {
    const std::string& original = shared.configuration.at(name);
    if (value == original) continue;
    ASSERT_EQ(client.Call({"CONFIG", "SET", name, original}).Show(), "OK") << name;
  }
}

}  // namespace

std::vector<Setup> AllSetups() {
  std::vector<Setup> setups;
  for (const int reactors : {1, kManyReactors}) {
    for (const int stripes : {1, kManyStripes}) {
      for (const int resp : {2, 3}) {
        setups.push_back({.reactors = reactors, .stripes = stripes, .resp = resp});
      }
    }
  }
  setups.push_back(setups.back());
  setups.back().tls = true;
  return setups;
}

std::vector<Setup> ReactorSetups() {
  return {{.reactors = 1, .stripes = kManyStripes},
          {.reactors = kManyReactors, .stripes = kManyStripes}};
}

std::string SetupName(const ::testing::TestParamInfo<Setup>& info) {
  const Setup& setup = info.param;
  return "reactors" + std::to_string(setup.reactors) + "_stripes" + std::to_string(setup.stripes) +
         "_resp" + std::to_string(setup.resp) + (setup.tls ? "_tls" : "");
}

void Behaviour::SetUp() {
  SharedServer& shared = GetShared(GetParam().reactors, GetParam().stripes, GetParam().tls);
  server_ = &shared.server;
  Client client = ConnectResp2();
  RestoreConfiguration(shared, client);
  ASSERT_EQ(client.Do("FLUSHALL"), "OK");
  // Subscribers and monitors of the test before leave when the server notices that they have
  // closed.
  ASSERT_TRUE(Eventually([&] {
    return client.Call({"CLIENT", "LIST"}).text.find(" flags=O") == std::string::npos &&
           client.Do("PUBSUB CHANNELS") == "[]" && client.Do("PUBSUB NUMPAT") == ":0" &&
           client.Do("PUBSUB SHARDCHANNELS") == "[]";
  }));
  // Counts begin at zero, so that no case depends on which ones the server has served before.
  ASSERT_EQ(client.Do("CONFIG RESETSTAT"), "OK");
}

Client Behaviour::Connect() {
  Client client = server_->Connect();
  client.Hello(resp());
  return client;
}

Client Behaviour::ConnectResp2() { return server_->Connect(); }

std::string Behaviour::RawAck(std::string_view kind, std::string_view name, int64_t count) const {
  std::string out = resp() == 3 ? ">3\r\n" : "*3\r\n";
  for (const std::string_view text : {kind, name}) {
    out += "$" + std::to_string(text.size()) + "\r\n";
    out.append(text) += "\r\n";
  }
  return out + ":" + std::to_string(count) + "\r\n";
}

std::string Behaviour::RawFrame(const std::vector<std::string>& parts) const {
  std::string out = EncodeCommand(parts);
  if (resp() == 3) out[0] = '>';
  return out;
}

void Behaviour::Subscribe(Client& client, const std::vector<std::string>& command) {
  client.SendCommand(command);
  for (size_t i = 1; i < command.size(); ++i) {
    const Reply ack = client.Read();
    ASSERT_EQ(ack.At(1), command[i]) << ack;
  }
}

std::string Behaviour::Info(const std::string& field) {
  Client client = ConnectResp2();
  return InfoField(client.Call({"INFO", "everything"}).text, field);
}

bool Behaviour::Eventually(const std::function<bool()>& condition) {
  const Deadline deadline;
  while (!condition()) {
    if (deadline.HasPassed()) return false;
    std::this_thread::sleep_for(Milliseconds{2});
  }
  return true;
}

std::string InfoField(const std::string& info, const std::string& field) {
  const std::string start = "\n" + field + ":";
  const size_t at = info.find(start);
  if (at == std::string::npos) return {};
  const size_t value = at + start.size();
  return info.substr(value, info.find('\r', value) - value);
}

uint64_t Seed() {
  const char* chosen = std::getenv("PEAL_SEED");
  const uint64_t seed = chosen != nullptr
                            ? std::strtoull(chosen, nullptr, 10)
                            : (uint64_t{std::random_device{}()} << 20) % 1'000'000'007;
  std::cout << "PEAL_SEED=" << seed << std::endl;
  return seed;
}

}  // namespace peal::tests
