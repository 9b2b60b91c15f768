#include "tests/support/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "tests/support/server.h"

namespace peal::tests {
namespace {

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Memory = std::unique_ptr<BIO, Freed<BIO_free_all>>;

void Check(bool is_good) {
  if (!is_good) throw std::runtime_error("making a certificate failed");
}

Memory Reading(const std::string& text) {
  return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string TextOf(BIO* memory) {
  char* bytes = nullptr;
  const long length = BIO_get_mem_data(memory, &bytes);
  return {bytes, static_cast<size_t>(length)};
}

void Extend(X509* certificate, int kind, const std::string& value) {
  const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
  Check(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

}  // namespace

Identity MakeIdentity(const CertificateOptions& options, const Identity* signer) {
  constexpr int64_t kDaySeconds = 86400;
  static std::atomic<int64_t> next_serial{1};
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  Check(key != nullptr && certificate != nullptr);
  X509* const made = certificate.get();
  X509_set_version(made, 2);
  ASN1_INTEGER_set_int64(X509_get_serialNumber(made), next_serial++);
  X509_gmtime_adj(X509_getm_notBefore(made), options.from_days * kDaySeconds);
  X509_gmtime_adj(X509_getm_notAfter(made), options.until_days * kDaySeconds);
  X509_NAME* const name = X509_get_subject_name(made);
  Check(
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(options.common_name.data()),
                                 static_cast<int>(options.common_name.size()), -1, 0) == 1);
  X509_set_pubkey(made, key.get());
  if (options.is_authority) Extend(made, NID_basic_constraints, "critical,CA:TRUE");
  std::string names = "DNS:localhost,IP:127.0.0.1";
  if (!options.uri.empty()) names += ",URI:" + options.uri;
  Extend(made, NID_subject_alt_name, names);
  Key signing_key;
  if (signer != nullptr) {
    const Certificate of_signer(
        PEM_read_bio_X509(Reading(signer->certificate).get(), nullptr, nullptr, nullptr));
    signing_key.reset(
        PEM_read_bio_PrivateKey(Reading(signer->key).get(), nullptr, nullptr, nullptr));
    Check(of_signer != nullptr && signing_key != nullptr);
    X509_set_issuer_name(made, X509_get_subject_name(of_signer.get()));
  } else {
    X509_set_issuer_name(made, name);
  }
  Check(X509_sign(made, signing_key ? signing_key.get() : key.get(), EVP_sha256()) > 0);

  Identity identity;
  const Memory out(BIO_new(BIO_s_mem()));
  Check(PEM_write_bio_X509(out.get(), made) == 1);
  identity.certificate = TextOf(out.get());
  const Memory key_out(BIO_new(BIO_s_mem()));
  const bool is_locked = !options.passphrase.empty();
  Check(PEM_write_bio_PKCS8PrivateKey(
            key_out.get(), key.get(), is_locked ? EVP_aes_128_cbc() : nullptr,
            is_locked ? options.passphrase.c_str() : nullptr,
            static_cast<int>(options.passphrase.size()), nullptr, nullptr) == 1);
  identity.key = TextOf(key_out.get());
  return identity;
}

const TlsFiles& TlsFiles::Shared() {
  struct Owner {
    TlsFiles files;
    Owner() {
      files.dir = MakeTemporaryDirectory();
      files.authority = MakeIdentity({.common_name = "authority", .is_authority = true});
      const Identity server = MakeIdentity({}, &files.authority);
      const Identity client =
          MakeIdentity({.common_name = "default", .uri = "urn:user:default"}, &files.authority);
      const auto write = [&](const char* name, const std::string& text) {
        const std::string path = files.dir + "/" + name;
        WriteFile(path, text);
        return path;
      };
      files.ca = write("ca.crt", files.authority.certificate);
      files.server_cert = write("server.crt", server.certificate);
      files.server_key = write("server.key", server.key);
      files.client_cert = write("client.crt", client.certificate);
      files.client_key = write("client.key", client.key);
    }
    ~Owner() {
      std::error_code ignored;
      std::filesystem::remove_all(files.dir, ignored);
    }
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
  };
  static const Owner owner;
  return owner.files;
}

}  // namespace peal::tests
