#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.h"

struct evp_pkey_st;

namespace peal::broker {

/// Octets of a SHA-256 digest or HMAC.
inline constexpr size_t kSha256Bytes = 32;

/// Hexadecimal digits, of either case; nothing if there is anything else.
std::optional<std::string> DecodeHex(std::string_view text);
/// Base64 without padding, in the alphabet of RFC 4648 section 5. Bits that say nothing must be 0,
/// so that there is one text for each value.
std::optional<std::string> DecodeBase64Url(std::string_view text);
/// Base64 of RFC 4648 section 4, with padding.
std::optional<std::string> DecodeBase64(std::string_view text);

/// HMAC-SHA-256, 32 octets.
std::string HmacSha256(std::string_view key, std::string_view message);

/// A public key that signatures are checked with. Immutable; any thread.
class PublicKey {
 public:
  enum class Kind : uint8_t { kRsa, kP256 };

  /// Reads one "PUBLIC KEY" in PEM: RSA of 2,048 to 16,384 bits or ECDSA on P-256. The error is a
  /// reason.
  static protocol::Result<PublicKey> FromPem(std::string_view pem);

  Kind kind() const { return kind_; }
  /// RS256 (RSASSA-PKCS1-v1_5) or ES256 (r and s, 32 octets each) over SHA-256, by the kind of key.
  /// Source: RFC 7518, sections 3.3 and 3.4.
  bool Verifies(std::string_view message, std::string_view signature) const;

 private:
  PublicKey(std::shared_ptr<evp_pkey_st> key, Kind kind) : key_(std::move(key)), kind_(kind) {}

  std::shared_ptr<evp_pkey_st> key_;
  Kind kind_;
};

}  // namespace peal::broker
