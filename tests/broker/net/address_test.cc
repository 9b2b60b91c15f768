#include "broker/net/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "broker/config/address_rules.h"
#include "broker/exec/auth_guard.h"
#include "protocol/base/check.h"

namespace peal::broker {
namespace {

using protocol::Checked;

IpAddress Address(std::string_view text) { return Checked(IpAddress::Parse(text)); }

bool Contains(std::string_view network, std::string_view address) {
  std::string reason;
  return Checked(ParseNetwork(network, &reason)).Contains(Address(address));
}

TEST(Address, OfSocketsMapsIPv4OutOfIPv6) {
  sockaddr_storage storage{};
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  v6.sin6_family = AF_INET6;
  inet_pton(AF_INET6, "::ffff:10.1.2.3", &v6.sin6_addr);
  EXPECT_EQ(Checked(IpAddress::Of(storage)), Address("10.1.2.3"));
  EXPECT_EQ(Address("::ffff:10.1.2.3").Show(), "10.1.2.3");
  inet_pton(AF_INET6, "2001:db8::7", &v6.sin6_addr);
  EXPECT_EQ(Checked(IpAddress::Of(storage)).Show(), "2001:db8::7");
  storage.ss_family = AF_UNIX;
  EXPECT_FALSE(IpAddress::Of(storage).has_value());
}

TEST(Address, KnowsLoopback) {
  EXPECT_TRUE(Address("127.0.0.1").IsLoopback());
  EXPECT_TRUE(Address("127.255.0.9").IsLoopback());
  EXPECT_TRUE(Address("::1").IsLoopback());
  EXPECT_TRUE(Address("::ffff:127.0.0.1").IsLoopback());
  EXPECT_FALSE(Address("128.0.0.1").IsLoopback());
  EXPECT_FALSE(Address("::2").IsLoopback());
  EXPECT_FALSE(Address("1::1").IsLoopback());
}

TEST(Address, NetworksHoldWhatSharesTheirFirstBits) {
  EXPECT_TRUE(Contains("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(Contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(Contains("10.0.0.128/25", "10.0.0.200"));
  EXPECT_FALSE(Contains("10.0.0.128/25", "10.0.0.127"));
  EXPECT_TRUE(Contains("10.0.0.7", "10.0.0.7"));
  EXPECT_FALSE(Contains("10.0.0.7/32", "10.0.0.6"));
  EXPECT_TRUE(Contains("0.0.0.0/0", "255.255.255.255"));
  EXPECT_FALSE(Contains("0.0.0.0/0", "::1"));
  EXPECT_TRUE(Contains("::/0", "2001:db8::1"));
  EXPECT_FALSE(Contains("::/0", "10.0.0.1"));
  EXPECT_TRUE(Contains("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(Contains("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(Contains("::ffff:10.0.0.0/104", "10.9.9.9"));
  EXPECT_TRUE(Contains("10.0.0.0/8", "::ffff:10.9.9.9"));
}

TEST(Address, EveryLengthOfPrefixAgreesWithTheBits) {
  for (int bits = 0; bits <= 128; ++bits) {
    IpNetwork network{.first = Address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                      .bits = static_cast<uint8_t>(bits)};
    for (int bit = 0; bit < 128; ++bit) {
      IpAddress other = network.first;
      other.bytes[static_cast<size_t>(bit / 8)] ^= static_cast<uint8_t>(0x80 >> bit % 8);
      EXPECT_EQ(network.Contains(other), bit >= bits) << bits << " " << bit;
    }
  }
}

TEST(Address, CanonicalListsReadBackAsTheyAre) {
  const std::string text = (AddressList::Canonical({"10.0.0.1/32", "tls:2001:0DB8:0::/32",
                                                    "tcp:::ffff:10.0.0.0/104", "0.0.0.0/0"}))
                               .value();
  EXPECT_EQ(text, "10.0.0.1 tls:2001:db8::/32 tcp:10.0.0.0/8 0.0.0.0/0");
  const AddressList list = AddressList::Of("tls:2001:db8::/32 tcp:10.0.0.0/8");
  EXPECT_TRUE(list.Contains(Address("2001:db8::5"), ListenerKind::kTls));
  EXPECT_FALSE(list.Contains(Address("2001:db8::5"), ListenerKind::kTcp));
  EXPECT_TRUE(list.Contains(Address("10.0.0.5"), ListenerKind::kTcp));
  EXPECT_FALSE(list.Contains(Address("10.0.0.5"), ListenerKind::kTls));
  EXPECT_TRUE(list.HasAnyFor(ListenerKind::kTls));
  EXPECT_FALSE(AddressList::Of("tcp:10.0.0.0/8").HasAnyFor(ListenerKind::kTls));
  EXPECT_FALSE(AddressList::Of("").HasAnyFor(ListenerKind::kTcp));
}

TEST(AuthGuard, CountsByAddressAndMinute) {
  auto guard = std::make_unique<AuthGuard>();
  constexpr int64_t kMinute = 60'000;
  EXPECT_EQ(guard->Failures(Address("10.0.0.1"), 5 * kMinute), 0u);
  for (uint32_t i = 1; i <= 3; ++i) EXPECT_EQ(guard->Add(Address("10.0.0.1"), 5 * kMinute), i);
  EXPECT_EQ(guard->Failures(Address("10.0.0.1"), 5 * kMinute + kMinute - 1), 3u);
  EXPECT_EQ(guard->Failures(Address("10.0.0.2"), 5 * kMinute), 0u);
  EXPECT_EQ(guard->Failures(Address("10.0.0.1"), 6 * kMinute), 0u) << "another minute";
  EXPECT_EQ(guard->Add(Address("10.0.0.1"), 6 * kMinute), 1u);
  // An IPv6 network of 64 bits is one customer's.
  guard->Add(Address("2001:db8::1"), 7 * kMinute);
  EXPECT_EQ(guard->Failures(Address("2001:db8::ffff:2"), 7 * kMinute), 1u);
  EXPECT_EQ(guard->Failures(Address("2001:db8:0:1::1"), 7 * kMinute), 0u);
}

TEST(AuthGuard, AFullTableForgetsWhoFailedLeast) {
  auto guard = std::make_unique<AuthGuard>();
  const IpAddress stubborn = Address("192.0.2.1");
  for (int i = 0; i < 50; ++i) guard->Add(stubborn, 0);
  for (uint32_t i = 0; i < 200'000; ++i) {
    IpAddress other;
    std::memcpy(other.bytes.data(), &i, sizeof i);
    guard->Add(other, 0);
  }
  EXPECT_EQ(guard->Failures(stubborn, 0), 50u);
}

}  // namespace
}  // namespace peal::broker
