#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/net/address.h"
#include "protocol/base/result.h"

namespace peal::broker {

/// Kinds of listening sockets.
enum class ListenerKind : uint8_t { kTcp, kTls, kUnix };

/// One of the lists `allow` and `deny`: networks, each for all TCP listeners or for one kind.
///
/// As text, words separated by single spaces: `10.0.0.0/8` holds for both ports, `tcp:10.0.0.0/8`
/// for `port` only and `tls:10.0.0.0/8` for `tls-port` only.
class AddressList {
 public:
  static constexpr size_t kMaxWords = 1024;

  /// The canonical text of `words`. The error names the word and what is wrong with it.
  static protocol::Result<std::string> Canonical(const std::vector<std::string>& words);
  /// Reads a canonical text.
  static AddressList Of(std::string_view canonical);

  /// Whether there is any word for listeners of `kind`.
  bool HasAnyFor(ListenerKind kind) const;
  bool Contains(const IpAddress& address, ListenerKind kind) const;

 private:
  struct Rule {
    IpNetwork network;
    bool is_for_tcp = true;
    bool is_for_tls = true;

    bool IsFor(ListenerKind kind) const {
      return kind == ListenerKind::kTls ? is_for_tls : is_for_tcp;
    }
    std::string Show() const;
  };
  static protocol::Result<Rule> ParseRule(const std::string& word);

  std::vector<Rule> rules_;
};

}  // namespace peal::broker
