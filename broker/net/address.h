#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr_storage;

namespace peal::broker {

/// An IPv4 or IPv6 address. An IPv4 address mapped into IPv6 (::ffff:1.2.3.4) is an IPv4 one.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};  // in network order; of IPv4 the first four
  bool is_v4 = true;

  /// Of a socket's address; nothing for other families.
  static std::optional<IpAddress> Of(const sockaddr_storage& address);
  /// "10.0.0.1", "2001:db8::1".
  static std::optional<IpAddress> Parse(std::string_view text);

  bool IsLoopback() const;
  std::string Show() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

/// The addresses whose first bits are those of `first`: "10.0.0.0/8", "2001:db8::/32", "10.0.0.1".
struct IpNetwork {
  IpAddress first;
  uint8_t bits = 0;

  bool Contains(const IpAddress& address) const;
  std::string Show() const;
};

/// Reads a network in CIDR notation; a single address is the network of itself. On failure `reason`
/// says why.
std::optional<IpNetwork> ParseNetwork(std::string_view text, std::string* reason);

/// The other end of a connected socket; nothing for unix sockets.
std::optional<IpAddress> PeerIp(int fd);
/// The port of this end of a TCP connection; 0 if it has none.
uint16_t LocalPort(int fd);

/// "127.0.0.1:50000", "[::1]:50000" or "/path:0": the two ends of a connected socket, as lists and
/// log lines show them; "?:0" if they cannot be told.
std::string ShowPeer(int fd);
std::string ShowLocal(int fd);

}  // namespace peal::broker
