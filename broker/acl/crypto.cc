#include "broker/acl/crypto.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <span>
#include <vector>

#include "protocol/base/check.h"

namespace peal::broker {
namespace {

std::string Hex(std::span<const unsigned char> bytes) {
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const unsigned char byte : bytes) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

}  // namespace

std::string Sha256Hex(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return Hex(digest);
}

bool SameDigest(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string RandomHexDigits(size_t digits) {
  std::vector<unsigned char> raw((digits + 1) / 2);
  PEAL_CHECK(RAND_bytes(raw.data(), static_cast<int>(raw.size())) == 1);
  std::string hex = Hex(raw);
  hex.resize(digits);
  return hex;
}

void Cleanse(char* secret, size_t bytes) { OPENSSL_cleanse(secret, bytes); }

void Cleanse(std::string& secret) {
  Cleanse(secret.data(), secret.size());
  secret.clear();
}

}  // namespace peal::broker
