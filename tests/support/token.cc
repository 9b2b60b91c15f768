#include "tests/support/token.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <stdexcept>

namespace peal::tests {
namespace {

const unsigned char* Octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

void Require(bool holds) {
  if (!holds) throw std::runtime_error("OpenSSL failed");
}

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(length));
  BIO_free(bio);
  return text;
}

std::string Hex(std::string_view octets) {
  std::string hex;
  for (const char c : octets) {
    const auto octet = static_cast<unsigned char>(c);
    hex += "0123456789abcdef"[octet >> 4];
    hex += "0123456789abcdef"[octet & 15];
  }
  return hex;
}

}  // namespace

std::string Base64Url(std::string_view octets) {
  std::string text(octets.size() / 3 * 4 + 5, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), Octets(octets),
                                     static_cast<int>(octets.size()));
  text.resize(static_cast<size_t>(length));
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return text;
}

std::string HmacOf(std::string_view key, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac;
  unsigned length = 0;
  Require(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), Octets(message),
               message.size(), mac.data(), &length) != nullptr);
  return {reinterpret_cast<char*>(mac.data()), length};
}

SigningKey::SigningKey(evp_pkey_st* key) : key_(key, EVP_PKEY_free) { Require(key != nullptr); }
SigningKey SigningKey::Rsa(int bits) { return SigningKey(EVP_RSA_gen(static_cast<size_t>(bits))); }
SigningKey SigningKey::Ec(const char* curve) { return SigningKey(EVP_EC_gen(curve)); }

std::string SigningKey::PublicPem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  Require(PEM_write_bio_PUBKEY(bio, key_.get()) == 1);
  return TextOf(bio);
}

std::string SigningKey::PrivatePem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  Require(PEM_write_bio_PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return TextOf(bio);
}

std::string SigningKey::Sign(std::string_view message) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  Require(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
  size_t length = 0;
  Require(EVP_DigestSign(context.get(), nullptr, &length, Octets(message), message.size()) == 1);
  std::string signature(length, '\0');
  Require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length,
                         Octets(message), message.size()) == 1);
  signature.resize(length);
  if (EVP_PKEY_is_a(key_.get(), "EC") != 1) return signature;
  const unsigned char* der = Octets(signature);
  ECDSA_SIG* both = d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(signature.size()));
  Require(both != nullptr);
  constexpr int kHalf = 32;
  std::string raw(size_t{2} * kHalf, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(both), out, kHalf);
  BN_bn2binpad(ECDSA_SIG_get0_s(both), out + kHalf, kHalf);
  ECDSA_SIG_free(both);
  return raw;
}

std::string JwtBody(std::string_view header, std::string_view claims) {
  return Base64Url(header) + "." + Base64Url(claims);
}

std::string Hs256(std::string_view key, std::string_view header, std::string_view claims) {
  const std::string body = JwtBody(header, claims);
  return body + "." + Base64Url(HmacOf(key, body));
}

std::string SignedJwt(const SigningKey& key, std::string_view header, std::string_view claims) {
  const std::string body = JwtBody(header, claims);
  return body + "." + Base64Url(key.Sign(body));
}

std::string PlainToken(std::string_view key, std::string_view user, int64_t expiry_s,
                       std::string_view roles) {
  const std::string expiry = std::to_string(expiry_s);
  std::string message = "peal1\n";
  message.append(user).append("\n").append(expiry).append("\n").append(roles);
  return "peal1." + expiry + "." + std::string(roles) + "." + Hex(HmacOf(key, message));
}

}  // namespace peal::tests
