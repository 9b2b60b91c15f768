#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/server.h"

namespace peal::tests {

/// Under what circumstances a behaviour is tested; promises to users hold under all of them.
struct Setup {
  int reactors = 1;
  int stripes = 1;
  int resp = 2;
  bool tls = false;
};

inline constexpr int kManyReactors = 4;
inline constexpr int kManyStripes = 1024;

/// {1, many reactors} x {1, many stripes} x {RESP2, RESP3}, and the last of them over TLS.
std::vector<Setup> AllSetups();
/// {1, many reactors}, many stripes, RESP2: for what neither protocol nor keys can change.
std::vector<Setup> ReactorSetups();
/// "reactors4_stripes1024_resp3", with "_tls" behind it over TLS.
std::string SetupName(const ::testing::TestParamInfo<Setup>& info);

/// A test that talks to a server shared by all tests with the same numbers of reactors and stripes,
/// plain or over TLS. Each test finds an empty keyspace and the default configuration.
class Behaviour : public ::testing::TestWithParam<Setup> {
 protected:
  void SetUp() override;

  /// A new connection that speaks the RESP version of the parameter. Connections go to the reactor
  /// with the fewest, so consecutive ones land on different reactors.
  Client Connect();
  /// A new RESP2 connection.
  Client ConnectResp2();
  /// Whether SetUp got so far that there is a server.
  bool HasServer() const { return server_ != nullptr; }
  Server& server() { return *server_; }
  int resp() const { return GetParam().resp; }
  /// Whether a redis-server stands in for Peal.
  bool IsReference() const { return server_->IsReference(); }

  /// `kind name count` acknowledgement as raw octets in the protocol of the parameter.
  std::string RawAck(std::string_view kind, std::string_view name, int64_t count) const;
  /// A frame of bulk strings as raw octets in the protocol of the parameter.
  std::string RawFrame(const std::vector<std::string>& parts) const;
  /// The null of the protocol of the parameter.
  std::string RawNull() const { return resp() == 3 ? "_\r\n" : "$-1\r\n"; }
  /// Sends a subscribing command and reads one acknowledgement for each argument.
  void Subscribe(Client& client, const std::vector<std::string>& command);
  /// The value of `field` in INFO.
  std::string Info(const std::string& field);
  int64_t InfoNumber(const std::string& field) { return std::atoll(Info(field).c_str()); }
  /// Polls until `condition` holds; fails the test at kPatience.
  bool Eventually(const std::function<bool()>& condition);

 private:
  Server* server_ = nullptr;
};

/// Behaviours for which the test starts servers with options of its own.
class OwnServer : public ::testing::Test {};

/// The value of `field` in the text of an INFO reply; empty if it is missing.
std::string InfoField(const std::string& info, const std::string& field);

/// A random seed: $PEAL_SEED if set; printed, so that a failure can be repeated.
uint64_t Seed();

}  // namespace peal::tests
