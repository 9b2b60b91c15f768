#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_pkey_st;

namespace peal::tests {

/// What signs tokens in tests. Independent of the server's code: OpenSSL alone.
std::string Base64Url(std::string_view octets);
std::string HmacOf(std::string_view key, std::string_view message);

/// A private key with its public half.
class SigningKey {
 public:
  static SigningKey Rsa(int bits = 2048);
  /// `curve` as OpenSSL names it.
  static SigningKey Ec(const char* curve = "P-256");

  std::string PublicPem() const;
  std::string PrivatePem() const;
  /// PKCS #1 v1.5 or, for ECDSA, r and s as JSON Web Tokens have them.
  std::string Sign(std::string_view message) const;

 private:
  explicit SigningKey(evp_pkey_st* key);
  std::shared_ptr<evp_pkey_st> key_;
};

/// "<header>.<claims>.<signature>" of JSON texts.
std::string JwtBody(std::string_view header, std::string_view claims);
std::string Hs256(std::string_view key, std::string_view header, std::string_view claims);
std::string SignedJwt(const SigningKey& key, std::string_view header, std::string_view claims);

/// "peal1.<expiry>.<roles>.<hex>".
std::string PlainToken(std::string_view key, std::string_view user, int64_t expiry_s,
                       std::string_view roles);

}  // namespace peal::tests
