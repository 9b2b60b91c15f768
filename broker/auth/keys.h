#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/auth/secret.h"
#include "broker/auth/signature.h"
#include "protocol/base/result.h"

namespace peal::broker {

/// How a token is signed. The key says it; what the token says must agree.
enum class TokenKind : uint8_t { kHmac, kHs256, kRs256, kEs256 };

/// A line of the file of keys.
struct TokenKey {
  TokenKind kind = TokenKind::kHmac;
  std::string id;
  Secret secret;                        // kHmac, kHs256
  std::optional<PublicKey> public_key;  // kRs256, kEs256
};

/// The keys that tokens are verified with. Immutable; any thread.
///
/// One key a line: "<hmac|hs256|rs256|es256> <id> <hex:…|base64:…|file:PATH>". Empty lines and
/// those that begin with '#' say nothing. Public keys come from files (PEM); secrets have 32 to
/// 1,024 octets, and one in a file is the file without its last line break.
class TokenKeys {
 public:
  static constexpr size_t kMostKeys = 64;
  static constexpr size_t kLeastSecretBytes = 32;
  static constexpr size_t kMostSecretBytes = 1024;

  /// The error is "<path>:<line>: <reason>", or the reason why the file cannot be read. No secret
  /// is in it.
  static protocol::Result<std::shared_ptr<const TokenKeys>> Load(const std::string& path);
  /// As Load, of a text. `is_open_to_others`: lines that hold a secret are refused.
  static protocol::Result<std::shared_ptr<const TokenKeys>> Parse(std::string_view text,
                                                                  const std::string& path,
                                                                  bool is_open_to_others);

  const std::vector<TokenKey>& keys() const { return keys_; }
  /// The key for web tokens of this id. Null if there is none.
  const TokenKey* FindForJwt(std::string_view id) const;
  /// The only key for web tokens, if there is exactly one.
  const TokenKey* OnlyForJwt() const;

 private:
  std::vector<TokenKey> keys_;
};

}  // namespace peal::broker
