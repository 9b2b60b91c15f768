// Tokens and files of keys of any octets: no crash, nothing left in OpenSSL's queue of errors, and
// no token is taken that was not signed: what is good stays good only as it is.
//
// The first line of the input is a file of keys, the rest a token. The same octets are also signed
// with known keys, so that the fuzzer reaches what stands behind the signature.
#include <openssl/err.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/auth/json.h"
#include "broker/auth/keys.h"
#include "broker/auth/signature.h"
#include "broker/auth/token.h"
#include "protocol/base/check.h"

using peal::broker::TokenKeys;
using peal::broker::TokenPolicy;

namespace {

constexpr int64_t kNowMs = 1'800'000'000'000;
const std::string kSecret(32, 's');

std::string Base64Url(std::string_view octets) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : octets) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6;) text += kDigits[bits >> (count -= 6) & 63];
  }
  if (count > 0) text += kDigits[bits << (6 - count) & 63];
  return text;
}

std::string Hex(std::string_view octets) {
  std::string hex;
  for (const char c : octets) {
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

const TokenKeys& KnownKeys() {
  static const auto keys = *TokenKeys::Parse(
      "hmac a hex:" + Hex(kSecret) + "\nhs256 b hex:" + Hex(kSecret), "known", false);
  return *keys;
}

/// Whether the token is taken. Whatever comes of it, it comes again, and the queue is clean.
bool Verify(const TokenKeys& keys, std::string_view token) {
  const TokenPolicy policy{.leeway_s = 5, .issuer = "", .audience = ""};
  const auto grant = peal::broker::VerifyToken(keys, policy, "bob", token, kNowMs);
  PEAL_CHECK(ERR_peek_error() == 0);
  if (!grant.ok()) return false;
  PEAL_CHECK(grant->expires_ms > kNowMs);
  PEAL_CHECK(grant->has_roles != grant->roles.empty());
  for (const std::string& role : grant->roles) PEAL_CHECK(!role.empty());
  // For another user, or when it has expired, it is worth nothing.
  PEAL_CHECK(!peal::broker::VerifyToken(keys, policy, "ann", token, kNowMs).ok());
  PEAL_CHECK(!peal::broker::VerifyToken(keys, policy, "bob", token, grant->expires_ms).ok());
  return true;
}

/// A good token with one octet changed is refused: all of them are signed, or are the signature.
void Bend(const TokenKeys& keys, std::string token, size_t at) {
  char& octet = token[at % token.size()];
  octet = octet == 'A' ? 'B' : 'A';
  const bool is_digit_of_mac = token.starts_with("peal1.") && at % token.size() > token.rfind('.');
  if (!is_digit_of_mac) PEAL_CHECK(!Verify(keys, token));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  // Never from files: the fuzzer must not name any.
  const std::string_view line = text.substr(0, text.find('\n'));
  if (line.find("file:") == std::string_view::npos) {
    if (const auto keys = TokenKeys::Parse(line, "fuzz", false); keys.ok()) {
      static_cast<void>(Verify(**keys, text.substr(line.size())));
    }
  }
  static_cast<void>(Verify(KnownKeys(), text));
  static_cast<void>(peal::broker::ParseJsonObject(text));
  static_cast<void>(peal::broker::DecodeBase64(text));
  static_cast<void>(peal::broker::PublicKey::FromPem(text));
  PEAL_CHECK(ERR_peek_error() == 0);
  if (const auto decoded = peal::broker::DecodeBase64Url(text)) {
    PEAL_CHECK(Base64Url(*decoded) == text);
  }

  // As claims, and as the middle of a plain token, with a right signature.
  const std::string body = Base64Url(R"({"alg":"HS256","kid":"b"})") + "." + Base64Url(text);
  const std::string jwt = body + "." + Base64Url(peal::broker::HmacSha256(kSecret, body));
  if (jwt.size() <= peal::broker::kLongestToken && Verify(KnownKeys(), jwt)) {
    Bend(KnownKeys(), jwt, size);
  }
  // As a header.
  const std::string other = Base64Url(text) + "." + Base64Url(R"({"sub":"bob","exp":1900000000})");
  static_cast<void>(
      Verify(KnownKeys(), other + "." + Base64Url(peal::broker::HmacSha256(kSecret, other))));
  const size_t dot = text.find('.');
  if (dot != std::string_view::npos) {
    const std::string expiry(text.substr(0, dot));
    const std::string roles(text.substr(dot + 1));
    const std::string token =
        "peal1." + expiry + "." + roles + "." +
        Hex(peal::broker::HmacSha256(kSecret, "peal1\nbob\n" + expiry + "\n" + roles));
    if (Verify(KnownKeys(), token)) Bend(KnownKeys(), token, size);
  }
  return 0;
}
