#include "broker/auth/signature.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <climits>

#include "protocol/base/check.h"

namespace peal::broker {
namespace {

using protocol::Error;
using protocol::Result;

constexpr int kLeastRsaBits = 2048;
constexpr int kMostRsaBits = 16384;
constexpr size_t kCoordinateBytes = 32;

/// What fails in here leaves nothing in the thread's queue of errors, where TLS would find it.
class ErrorMark {
 public:
  ErrorMark() { ERR_set_mark(); }
  ~ErrorMark() { ERR_pop_to_mark(); }
  ErrorMark(const ErrorMark&) = delete;
  ErrorMark& operator=(const ErrorMark&) = delete;
};

template <auto kFree>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;

const unsigned char* Octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int Base64Digit(char c, bool is_url) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == (is_url ? '-' : '+')) return 62;
  if (c == (is_url ? '_' : '/')) return 63;
  return -1;
}

std::optional<std::string> DecodeDigits(std::string_view text, bool is_url) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string decoded;
  decoded.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int digit = Base64Digit(c, is_url);
    if (digit < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    decoded.push_back(static_cast<char>(bits >> count & 0xff));
  }
  if ((bits & ((1u << count) - 1)) != 0) return std::nullopt;
  return decoded;
}

/// r and s as the ASN.1 structure that OpenSSL reads; empty if that cannot be.
std::string DerOf(std::string_view signature) {
  if (signature.size() != 2 * kCoordinateBytes) return {};
  const int half = static_cast<int>(kCoordinateBytes);
  Number r(BN_bin2bn(Octets(signature), half, nullptr));
  Number s(BN_bin2bn(Octets(signature.substr(kCoordinateBytes)), half, nullptr));
  const EcdsaSignature both(ECDSA_SIG_new());
  PEAL_CHECK(r != nullptr && s != nullptr && both != nullptr);
  PEAL_CHECK(ECDSA_SIG_set0(both.get(), r.release(), s.release()) == 1);
  unsigned char* der = nullptr;
  const int length = i2d_ECDSA_SIG(both.get(), &der);
  if (length <= 0) return {};
  std::string text(reinterpret_cast<char*>(der), static_cast<size_t>(length));
  OPENSSL_free(der);
  return text;
}

}  // namespace

std::optional<std::string> DecodeHex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string decoded;
  decoded.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = HexDigit(text[i]);
    const int low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded.push_back(static_cast<char>(high << 4 | low));
  }
  return decoded;
}

std::optional<std::string> DecodeBase64Url(std::string_view text) {
  return DecodeDigits(text, true);
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return DecodeDigits(text, false);
}

std::string HmacSha256(std::string_view key, std::string_view message) {
  PEAL_CHECK(key.size() <= INT_MAX);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac;
  unsigned length = 0;
  PEAL_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), Octets(message),
                  message.size(), mac.data(), &length) != nullptr);
  PEAL_CHECK(length == kSha256Bytes);
  return {reinterpret_cast<const char*>(mac.data()), length};
}

Result<PublicKey> PublicKey::FromPem(std::string_view pem) {
  const ErrorMark mark;
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
    return Error::Static("a private key stands where the public one belongs");
  }
  if (pem.size() > INT_MAX) return Error::Static("no public key in PEM");
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PEAL_CHECK(bio != nullptr);
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr),
                                EVP_PKEY_free);
  if (key == nullptr) return Error::Static("no public key in PEM");
  if (EVP_PKEY_is_a(key.get(), "RSA") == 1) {
    const int bits = EVP_PKEY_get_bits(key.get());
    if (bits < kLeastRsaBits) return Error::Static("an RSA key has 2,048 bits at least");
    if (bits > kMostRsaBits) return Error::Static("an RSA key has 16,384 bits at most");
    return PublicKey(std::move(key), Kind::kRsa);
  }
  if (EVP_PKEY_is_a(key.get(), "EC") == 1) {
    std::array<char, 80> group;
    size_t length = 0;
    if (EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), &length) == 1 &&
        std::string_view(group.data(), length) == SN_X9_62_prime256v1) {
      return PublicKey(std::move(key), Kind::kP256);
    }
    return Error::Static("the curve of an ECDSA key is P-256");
  }
  return Error::Static("the key is neither RSA nor ECDSA");
}

bool PublicKey::Verifies(std::string_view message, std::string_view signature) const {
  const ErrorMark mark;
  std::string der;
  if (kind_ == Kind::kP256) {
    der = DerOf(signature);
    if (der.empty()) return false;
    signature = der;
  }
  const DigestContext context(EVP_MD_CTX_new());
  PEAL_CHECK(context != nullptr);
  // For RSA the padding of PKCS #1 v1.5 is what OpenSSL does unless told otherwise.
  return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), Octets(signature), signature.size(), Octets(message),
                          message.size()) == 1;
}

}  // namespace peal::broker
