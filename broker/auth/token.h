#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/auth/keys.h"
#include "protocol/base/result.h"

namespace peal::broker {

/// What is asked of tokens beside a good signature.
struct TokenPolicy {
  int64_t leeway_s = 0;  // by how much clocks may differ
  std::string issuer;    // `iss` must be this; empty: any
  std::string audience;  // `aud` must name this; empty: there must be none
};

/// What a good token says.
struct TokenGrant {
  int64_t expires_ms = 0;  // Unix, the leeway included
  bool has_roles = false;  // else the rights are those of the user with the token's name
  std::vector<std::string> roles;
};

inline constexpr size_t kLongestToken = 8192;

/// Whether a secret is written as a token is: "peal1.…" with three more dots, or three parts in
/// base64url the first of which begins as a JSON object. A password like that would never be
/// compared while there are keys.
bool HasTokenForm(std::string_view secret);

/// Verifies a token of either form for the user.
///
/// - "peal1.<expiry>.<roles>.<hex>": the HMAC-SHA-256 of "peal1\n<user>\n<expiry>\n<roles>" by one
///   of the keys of kind hmac; expiry in seconds since 1970; roles separated by commas, none
///   meaning the user's own rights.
/// - JSON Web Token (RFC 7519) in the compact form of RFC 7515, by the key that `kid` names.
///
/// The error is the reason, for logs and administrators only.
protocol::Result<TokenGrant> VerifyToken(const TokenKeys& keys, const TokenPolicy& policy,
                                         std::string_view user, std::string_view token,
                                         int64_t now_ms);

}  // namespace peal::broker
