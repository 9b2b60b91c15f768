#include "broker/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "protocol/base/number.h"

namespace peal::broker {
namespace {

constexpr uint8_t kV4Bits = 32;
constexpr uint8_t kV6Bits = 128;
constexpr uint8_t kMappedBits = 96;
constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

uint8_t Width(const IpAddress& address) { return address.is_v4 ? kV4Bits : kV6Bits; }

/// The mask of byte `index` in a prefix of `bits`.
uint8_t MaskOf(size_t index, uint8_t bits) {
  if (bits >= (index + 1) * 8) return 0xff;
  if (bits <= index * 8) return 0;
  return static_cast<uint8_t>(0xff << (8 - (bits - index * 8)));
}

bool IsMapped(const std::array<uint8_t, 16>& bytes) {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
}

IpAddress FromV6(const std::array<uint8_t, 16>& bytes) {
  IpAddress address;
  address.is_v4 = IsMapped(bytes);
  if (address.is_v4) {
    std::copy(bytes.begin() + kMappedPrefix.size(), bytes.end(), address.bytes.begin());
  } else {
    address.bytes = bytes;
  }
  return address;
}

std::string Show(const sockaddr_storage& address, socklen_t length) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  if (address.ss_family == AF_UNIX && length > offsetof(sockaddr_un, sun_path)) {
    return std::string(reinterpret_cast<const sockaddr_un&>(address).sun_path) + ":0";
  }
  return "?:0";
}

}  // namespace

std::optional<IpAddress> IpAddress::Of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    IpAddress v4;
    std::memcpy(v4.bytes.data(), &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
    return v4;
  }
  if (address.ss_family == AF_INET6) {
    std::array<uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, 16);
    return FromV6(bytes);
  }
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::Parse(std::string_view text) {
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  IpAddress v4;
  if (inet_pton(AF_INET, terminated.c_str(), v4.bytes.data()) == 1) return v4;
  std::array<uint8_t, 16> bytes;
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return FromV6(bytes);
  return std::nullopt;
}

bool IpAddress::IsLoopback() const {
  if (is_v4) return bytes[0] == 127;
  return bytes[15] == 1 &&
         std::all_of(bytes.begin(), bytes.end() - 1, [](uint8_t b) { return b == 0; });
}

std::string IpAddress::Show() const {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(is_v4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

bool IpNetwork::Contains(const IpAddress& address) const {
  if (address.is_v4 != first.is_v4) return false;
  for (size_t i = 0; i * 8 < bits; ++i) {
    if (((address.bytes[i] ^ first.bytes[i]) & MaskOf(i, bits)) != 0) return false;
  }
  return true;
}

std::string IpNetwork::Show() const {
  if (bits == Width(first)) return first.Show();
  return first.Show() + "/" + std::to_string(bits);
}

std::optional<IpNetwork> ParseNetwork(std::string_view text, std::string* reason) {
  const size_t slash = text.find('/');
  const std::string_view address_text = text.substr(0, slash);
  const std::optional<IpAddress> address = IpAddress::Parse(address_text);
  if (!address) {
    *reason = "no IPv4 or IPv6 address";
    return std::nullopt;
  }
  IpNetwork network{.first = *address, .bits = Width(*address)};
  if (slash != std::string_view::npos) {
    const bool is_mapped = address->is_v4 && address_text.find(':') != std::string_view::npos;
    const int64_t lowest = is_mapped ? kMappedBits : 0;
    const int64_t highest = is_mapped ? kV6Bits : Width(*address);
    const std::optional<int64_t> bits = protocol::ParseInt64(text.substr(slash + 1));
    if (!bits || *bits < lowest || *bits > highest) {
      *reason = "the length behind the slash must be between " + std::to_string(lowest) + " and " +
                std::to_string(highest);
      return std::nullopt;
    }
    network.bits = static_cast<uint8_t>(*bits - lowest);
  }
  IpNetwork clean = network;
  for (size_t i = 0; i < clean.first.bytes.size(); ++i) {
    clean.first.bytes[i] = static_cast<uint8_t>(clean.first.bytes[i] & MaskOf(i, clean.bits));
  }
  if (clean.first != network.first) {
    *reason = "has bits set behind its length; the network is " + clean.Show();
    return std::nullopt;
  }
  return network;
}

std::optional<IpAddress> PeerIp(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (fd < 0 || getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return std::nullopt;
  }
  return IpAddress::Of(address);
}

uint16_t LocalPort(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
  if (address.ss_family != AF_INET6) return 0;
  return ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port);
}

std::string ShowPeer(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (fd < 0 || getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return "?:0";
  return Show(address, length);
}

std::string ShowLocal(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (fd < 0 || getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return "?:0";
  return Show(address, length);
}

}  // namespace peal::broker
